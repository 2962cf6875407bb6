// SPDX-License-Identifier: Apache-2.0
//
// tr_upsample: nearest neighbour: every pixel of an image P::FACTOR_W times, every row P::FACTOR_H times.
//

#ifndef TR_UPSAMPLE_HPP
#define TR_UPSAMPLE_HPP

#include "tr_common.hpp"

template <typename P>
void tr_upsample(hls::stream<ap_uint<P::LANES * P::BITS> > &s_axis, hls::stream<ap_uint<P::LANES * P::BITS> > &m_axis) {
    const int GROUPS = P::CHANNELS / P::LANES;
    ap_uint<P::LANES * P::BITS> buffer[P::WIDTH * GROUPS];
#pragma HLS BIND_STORAGE variable = buffer type = ram_2p
    for (int row = 0; row < P::HEIGHT; row++) {
        for (int row_copy = 0; row_copy < P::FACTOR_H; row_copy++) {
            for (int column = 0; column < P::WIDTH; column++) {
                for (int copy = 0; copy < P::FACTOR_W; copy++) {
                    for (int group = 0; group < GROUPS; group++) {
#pragma HLS PIPELINE II=1
                        const int place = column * GROUPS + group;
                        if (row_copy == 0 && copy == 0) buffer[place] = s_axis.read();
                        m_axis.write(buffer[place]);
                    }
                }
            }
        }
    }
}

#endif
