// SPDX-License-Identifier: Apache-2.0
//
// tr_split: per pixel the first A_CHANNELS / LANES words to m0_axis, the other B_CHANNELS / LANES words to m1_axis;
// P::WORDS words come in.

#ifndef TR_SPLIT_HPP
#define TR_SPLIT_HPP

#include "tr_common.hpp"

template <typename P>
void tr_split(hls::stream<ap_uint<P::LANES * P::BITS> > &s_axis, hls::stream<ap_uint<P::LANES * P::BITS> > &m0_axis,
              hls::stream<ap_uint<P::LANES * P::BITS> > &m1_axis) {
    const int A_WORDS = P::A_CHANNELS / P::LANES;
    const int PIXEL_WORDS = A_WORDS + P::B_CHANNELS / P::LANES;
    int word = 0;
    for (int i = 0; i < P::WORDS; i++) {
#pragma HLS PIPELINE II = 1
        const ap_uint<P::LANES * P::BITS> x = s_axis.read();
        if (word < A_WORDS) {
            m0_axis.write(x);
        } else {
            m1_axis.write(x);
        }
        word = word == PIXEL_WORDS - 1 ? 0 : word + 1;
    }
}

#endif
