// SPDX-License-Identifier: Apache-2.0
//
// tr_fifo: passes a frame of P::WORDS words of P::WIDTH bits on; the stream behind it holds P::DEPTH words,
// which the function around sets, because it declares the stream.

#ifndef TR_FIFO_HPP
#define TR_FIFO_HPP

#include "tr_common.hpp"

template <typename P>
void tr_fifo(hls::stream<ap_uint<P::WIDTH> > &s_axis, hls::stream<ap_uint<P::WIDTH> > &m_axis) {
    for (int i = 0; i < P::WORDS; i++) {
#pragma HLS PIPELINE II=1
        m_axis.write(s_axis.read());
    }
}

#endif
