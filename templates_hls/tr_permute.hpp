// SPDX-License-Identifier: Apache-2.0
//
// tr_permute: word i of a frame of P::WORDS words of P::WIDTH bits is word P::order[i] of those that come.
//

#ifndef TR_PERMUTE_HPP
#define TR_PERMUTE_HPP

#include "tr_common.hpp"

template <typename P>
void tr_permute_take(hls::stream<ap_uint<P::WIDTH> > &s_axis, ap_uint<P::WIDTH> frame[P::WORDS]) {
    for (int i = 0; i < P::WORDS; i++) {
#pragma HLS PIPELINE II=1
        frame[i] = s_axis.read();
    }
}

template <typename P>
void tr_permute_send(const ap_uint<P::WIDTH> frame[P::WORDS], hls::stream<ap_uint<P::WIDTH> > &m_axis) {
    for (int i = 0; i < P::WORDS; i++) {
#pragma HLS PIPELINE II=1
        m_axis.write(frame[P::order[i][0]]);
    }
}

// The two run side by side, and the frame between them is there twice: one comes in while the one before goes out.
template <typename P>
void tr_permute(hls::stream<ap_uint<P::WIDTH> > &s_axis, hls::stream<ap_uint<P::WIDTH> > &m_axis) {
#pragma HLS DATAFLOW
    ap_uint<P::WIDTH> frame[P::WORDS];
    tr_permute_take<P>(s_axis, frame);
    tr_permute_send<P>(frame, m_axis);
}

#endif
