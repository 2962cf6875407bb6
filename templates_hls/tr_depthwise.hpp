// SPDX-License-Identifier: Apache-2.0
//
// tr_depthwise: P::TAPS consecutive vectors of P::CHANNELS values, P::PE a word, times the weights of their tap, summed
// channel by channel, modulo 2^OUT_BITS; P::WORDS words come in. See rtl/tr_depthwise.v.

#ifndef TR_DEPTHWISE_HPP
#define TR_DEPTHWISE_HPP

#include "tr_common.hpp"

// The bias of lane p of channel group g; without a bias memory (BIAS = 0) there is no P::bias to name.
template <typename P, int BIAS>
struct tr_depthwise_bias {
    static ap_int<P::OUT_BITS> get(int g, int p) {
#pragma HLS INLINE
        return P::bias[g][p];
    }
};

template <typename P>
struct tr_depthwise_bias<P, 0> {
    static ap_int<P::OUT_BITS> get(int, int) {
#pragma HLS INLINE
        return 0;
    }
};

template <typename P>
void tr_depthwise(hls::stream<ap_uint<P::PE * P::IN_BITS> > &s_axis,
                  hls::stream<ap_uint<P::PE * P::OUT_BITS> > &m_axis) {
    const int GROUPS = P::CHANNELS / P::PE;
    const int PRODUCT_BITS = P::IN_BITS + P::WEIGHT_BITS + 1;
    ap_int<P::OUT_BITS> sums[GROUPS][P::PE];
#pragma HLS ARRAY_PARTITION variable = sums complete dim = 2
    int tap = 0;
    int group = 0;
    for (int i = 0; i < P::WORDS; i++) {
#pragma HLS PIPELINE II = 1
        const ap_uint<P::PE * P::IN_BITS> x = s_axis.read();
        ap_uint<P::PE * P::OUT_BITS> y = 0;
        for (int p = 0; p < P::PE; p++) {
#pragma HLS UNROLL
            const ap_int<P::WEIGHT_BITS> weight = P::weights[tap * GROUPS + group][p];
            ap_int<P::OUT_BITS> sum = tap == 0 ? tr_depthwise_bias<P, P::BIAS>::get(group, p) : sums[group][p];
            sum += tr_product<P::DSP>::template of<PRODUCT_BITS>(tr_get<P::IN_BITS, P::IN_SIGNED>(x, p), weight);
            sums[group][p] = sum;
            tr_set<P::OUT_BITS>(y, p, sum);
        }
        if (tap == P::TAPS - 1) {
            m_axis.write(y);
        }
        if (group == GROUPS - 1) {
            group = 0;
            tap = tap == P::TAPS - 1 ? 0 : tap + 1;
        } else {
            group++;
        }
    }
}

#endif
