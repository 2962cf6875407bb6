// SPDX-License-Identifier: Apache-2.0
//
// tr_threshold: a step function per channel, all thresholds compared in parallel. One frame per call.

#ifndef TR_THRESHOLD_HPP
#define TR_THRESHOLD_HPP

#include "tr_common.hpp"

// y from the number of thresholds reached, modulo 2^OUT_BITS: from BASE, or up or down from the channel's own base.
template <typename P, int OFFSETS>
struct tr_threshold_result {
    static ap_uint<P::OUT_BITS> of(ap_uint<P::OUT_BITS> count, int fold, int lane) {
#pragma HLS INLINE
        const ap_uint<P::OUT_BITS> base = P::offsets[fold][lane];
        const bool decreasing = ((P::offsets[fold][lane] >> P::OUT_BITS) & 1) != 0;
        if (decreasing) return base - count;
        return base + count;
    }
};

template <typename P>
struct tr_threshold_result<P, 0> {
    static ap_uint<P::OUT_BITS> of(ap_uint<P::OUT_BITS> count, int, int) {
#pragma HLS INLINE
        return count + ap_int<32>(P::BASE);
    }
};

template <typename P>
void tr_threshold(hls::stream<ap_uint<P::PE * P::IN_BITS> > &s_axis,
                  hls::stream<ap_uint<P::PE * P::OUT_BITS> > &m_axis) {
    const int folds = P::CHANNELS / P::PE;
    int fold = 0;
    for (int word = 0; word < P::WORDS; word++) {
#pragma HLS PIPELINE II = 1
        const ap_uint<P::PE * P::IN_BITS> x = s_axis.read();
        ap_uint<P::PE * P::OUT_BITS> y = 0;
        for (int lane = 0; lane < P::PE; lane++) {
#pragma HLS UNROLL
            const typename tr_integer<P::IN_BITS, P::IN_SIGNED>::type value = tr_get<P::IN_BITS, P::IN_SIGNED>(x, lane);
            ap_uint<P::OUT_BITS> count = 0;
            for (int level = 0; level < P::LEVELS; level++) {
#pragma HLS UNROLL
                if (value >= P::thresholds[fold][lane * P::LEVELS + level]) count++;
            }
            tr_set<P::OUT_BITS>(y, lane, tr_threshold_result<P, P::OFFSETS>::of(count, fold, lane));
        }
        m_axis.write(y);
        fold = fold == folds - 1 ? 0 : fold + 1;
    }
}

#endif
