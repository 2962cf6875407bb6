// SPDX-License-Identifier: Apache-2.0
//
// tr_table: y = values[x], a look-up table for every channel or one that all channels share. One frame per call.
//
// P::values[(fold << IN_BITS) + x][lane], with one column where SHARED = 1.

#ifndef TR_TABLE_HPP
#define TR_TABLE_HPP

#include "tr_common.hpp"

template <typename P>
void tr_table(hls::stream<ap_uint<P::PE * P::IN_BITS> > &s_axis,
              hls::stream<ap_uint<P::PE * P::OUT_BITS> > &m_axis) {
    const int folds = P::SHARED ? 1 : P::CHANNELS / P::PE;
    int fold = 0;
    for (int word = 0; word < P::WORDS; word++) {
#pragma HLS PIPELINE II = 1
        const ap_uint<P::PE * P::IN_BITS> x = s_axis.read();
        ap_uint<P::PE * P::OUT_BITS> y = 0;
        for (int lane = 0; lane < P::PE; lane++) {
#pragma HLS UNROLL
            const ap_uint<P::IN_BITS> pattern = tr_get_unsigned<P::IN_BITS>(x, lane);
            const int address = (fold << P::IN_BITS) + pattern.to_int();
            tr_set<P::OUT_BITS>(y, lane, P::values[address][P::SHARED ? 0 : lane]);
        }
        m_axis.write(y);
        fold = fold == folds - 1 ? 0 : fold + 1;
    }
}

#endif
