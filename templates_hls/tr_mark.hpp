// SPDX-License-Identifier: Apache-2.0
//
// tr_mark: a frame of P::WORDS words of P::WIDTH bits goes on; the bits above the first of them say whether it is marked.
// Where P::MARK_BITS is 0, the first of P::EVERY frames is a marked one. One frame per call.

#ifndef TR_MARK_HPP
#define TR_MARK_HPP

#include "tr_common.hpp"

template <typename P>
void tr_mark(hls::stream<ap_uint<P::WIDTH + P::MARK_BITS> > &s_axis, hls::stream<ap_uint<P::WIDTH> > &m0_axis,
             hls::stream<ap_uint<1> > &m1_axis) {
    static int frame = 0;  // of the sequence
    const bool counted = frame == 0;
    frame = frame == P::EVERY - 1 ? 0 : frame + 1;
    for (int i = 0; i < P::WORDS; i++) {
#pragma HLS PIPELINE II = 1
        const ap_uint<P::WIDTH + P::MARK_BITS> word = s_axis.read();
        if (i == 0) m1_axis.write((P::MARK_BITS == 0 ? counted : (word >> P::WIDTH) != 0) ? 1 : 0);
        m0_axis.write(word.range(P::WIDTH - 1, 0));
    }
}

#endif
