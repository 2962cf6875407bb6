// SPDX-License-Identifier: Apache-2.0
//
// tr_slice: keeps the channels P::START to P::STOP - 1 of every pixel and drops the others; P::WORDS words come in.

#ifndef TR_SLICE_HPP
#define TR_SLICE_HPP

#include "tr_common.hpp"

template <typename P>
void tr_slice(hls::stream<ap_uint<P::LANES * P::BITS> > &s_axis, hls::stream<ap_uint<P::LANES * P::BITS> > &m_axis) {
    const int PIXEL_WORDS = P::CHANNELS / P::LANES;
    int word = 0;
    for (int i = 0; i < P::WORDS; i++) {
#pragma HLS PIPELINE II = 1
        const ap_uint<P::LANES * P::BITS> x = s_axis.read();
        if (word >= P::START / P::LANES && word < P::STOP / P::LANES) m_axis.write(x);
        word = word == PIXEL_WORDS - 1 ? 0 : word + 1;
    }
}

#endif
