// SPDX-License-Identifier: Apache-2.0
//
// tr_multiply_shift: y = clip(floor((x * factor + bias) / 2^SHIFT), LOW, HIGH). One frame per call.

#ifndef TR_MULTIPLY_SHIFT_HPP
#define TR_MULTIPLY_SHIFT_HPP

#include "tr_common.hpp"

template <typename P>
void tr_multiply_shift(hls::stream<ap_uint<P::PE * P::IN_BITS> > &s_axis,
                       hls::stream<ap_uint<P::PE * P::OUT_BITS> > &m_axis) {
    const int x_bits = P::IN_BITS + (P::IN_SIGNED ? 0 : 1);
    const int product_bits = x_bits + P::FACTOR_BITS;
    const int sum_bits = 1 + (product_bits > P::BIAS_BITS ? product_bits : P::BIAS_BITS);
    const int long_bits = sum_bits > P::SHIFT ? sum_bits : P::SHIFT + 1;
    const ap_int<64> least = (ap_int<64>(P::LOW_UPPER) << 32) | ap_uint<32>(P::LOW);
    const ap_int<64> most = (ap_int<64>(P::HIGH_UPPER) << 32) | ap_uint<32>(P::HIGH);
    const int folds = P::CHANNELS / P::PE;
    int fold = 0;
    for (int word = 0; word < P::WORDS; word++) {
#pragma HLS PIPELINE II = 1
        const ap_uint<P::PE * P::IN_BITS> x = s_axis.read();
        ap_uint<P::PE * P::OUT_BITS> y = 0;
        for (int lane = 0; lane < P::PE; lane++) {
#pragma HLS UNROLL
            const ap_int<x_bits> value = tr_get<P::IN_BITS, P::IN_SIGNED>(x, lane);
            const ap_int<product_bits> product =
                tr_product<P::DSP>::template of<product_bits>(value, P::factors[fold][lane]);
            const ap_int<long_bits> total = product + P::bias[fold][lane];
            const ap_int<long_bits> quotient = total >> P::SHIFT;
            ap_int<64> clipped;
            if (quotient < least) clipped = least;
            else if (quotient > most) clipped = most;
            else clipped = quotient;
            tr_set<P::OUT_BITS>(y, lane, clipped);
        }
        m_axis.write(y);
        fold = fold == folds - 1 ? 0 : fold + 1;
    }
}

#endif
