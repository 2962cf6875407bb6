// SPDX-License-Identifier: Apache-2.0
//
// tr_concat: per pixel the A_CHANNELS / LANES words of s0_axis, then the B_CHANNELS / LANES words of s1_axis; P::WORDS
// words come in on s0_axis.

#ifndef TR_CONCAT_HPP
#define TR_CONCAT_HPP

#include "tr_common.hpp"

template <typename P>
void tr_concat(hls::stream<ap_uint<P::LANES * P::BITS> > &s0_axis, hls::stream<ap_uint<P::LANES * P::BITS> > &s1_axis,
               hls::stream<ap_uint<P::LANES * P::BITS> > &m_axis) {
    const int A_WORDS = P::A_CHANNELS / P::LANES;
    const int PIXEL_WORDS = A_WORDS + P::B_CHANNELS / P::LANES;
    const int OUT_WORDS = P::WORDS / A_WORDS * PIXEL_WORDS;
    int word = 0;
    for (int i = 0; i < OUT_WORDS; i++) {
#pragma HLS PIPELINE II = 1
        if (word < A_WORDS) {
            m_axis.write(s0_axis.read());
        } else {
            m_axis.write(s1_axis.read());
        }
        word = word == PIXEL_WORDS - 1 ? 0 : word + 1;
    }
}

#endif
