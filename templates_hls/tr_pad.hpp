// SPDX-License-Identifier: Apache-2.0
//
// tr_pad: adds rows and columns of the constant P::VALUE around an image.
//

#ifndef TR_PAD_HPP
#define TR_PAD_HPP

#include "tr_common.hpp"

template <typename P>
void tr_pad(hls::stream<ap_uint<P::LANES * P::BITS> > &s_axis, hls::stream<ap_uint<P::LANES * P::BITS> > &m_axis) {
    const int GROUPS = P::CHANNELS / P::LANES;
    for (int row = 0; row < P::TOP + P::HEIGHT + P::BOTTOM; row++) {
        for (int column = 0; column < P::LEFT + P::WIDTH + P::RIGHT; column++) {
            for (int group = 0; group < GROUPS; group++) {
#pragma HLS PIPELINE II=1
                const bool in_rows = row >= P::TOP && row < P::TOP + P::HEIGHT;
                const bool in_columns = column >= P::LEFT && column < P::LEFT + P::WIDTH;
                ap_uint<P::LANES * P::BITS> word = 0;
                if (in_rows && in_columns) {
                    word = s_axis.read();
                } else {
                    for (int lane = 0; lane < P::LANES; lane++) {
#pragma HLS UNROLL
                        tr_set<P::BITS>(word, lane, ap_int<P::BITS + 32>(P::VALUE));
                    }
                }
                m_axis.write(word);
            }
        }
    }
}

#endif
