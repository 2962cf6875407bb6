// SPDX-License-Identifier: Apache-2.0
//
// tr_median: the median of the lanes of a word. One frame per call.

#ifndef TR_MEDIAN_HPP
#define TR_MEDIAN_HPP

#include "tr_common.hpp"

template <typename P>
void tr_median(hls::stream<ap_uint<P::LANES * P::BITS> > &s_axis, hls::stream<ap_uint<P::BITS> > &m_axis) {
    for (int word = 0; word < P::WORDS; word++) {
#pragma HLS PIPELINE II = 1
        const ap_uint<P::LANES * P::BITS> x = s_axis.read();
        ap_uint<P::BITS> median = 0;
        for (int lane = 0; lane < P::LANES; lane++) {
#pragma HLS UNROLL
            int rank = 0;
            for (int other = 0; other < P::LANES; other++) {
#pragma HLS UNROLL
                const bool less = tr_get<P::BITS, P::SIGNED>(x, other) < tr_get<P::BITS, P::SIGNED>(x, lane);
                const bool equal = tr_get<P::BITS, P::SIGNED>(x, other) == tr_get<P::BITS, P::SIGNED>(x, lane);
                rank += less || (other < lane && equal);
            }
            const ap_uint<P::BITS> value = x.range((lane + 1) * P::BITS - 1, lane * P::BITS);
            if (rank == P::LANES / 2) median = value;
        }
        m_axis.write(median);
    }
}

#endif
