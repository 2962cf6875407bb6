// SPDX-License-Identifier: Apache-2.0
//
// tr_state: P::DEPTH words that come back from a frame go out in the next one; P::initial in the first of a sequence, which
// the mark says. One frame per call.

#ifndef TR_STATE_HPP
#define TR_STATE_HPP

#include "tr_common.hpp"

template <typename P>
void tr_state(hls::stream<ap_uint<1> > &s0_axis, hls::stream<ap_uint<P::LANES * P::BITS> > &s1_axis,
              hls::stream<ap_uint<P::LANES * P::BITS> > &m_axis) {
    static bool fresh = true;  // nothing has come back yet
    const bool first = s0_axis.read() != 0 || fresh;
    for (int i = 0; i < P::DEPTH; i++) {
#pragma HLS PIPELINE II = 1
        ap_uint<P::LANES * P::BITS> word = 0;
        if (!fresh) word = s1_axis.read();
        if (first) {
            for (int lane = 0; lane < P::LANES; lane++) {
#pragma HLS UNROLL
                tr_set<P::BITS>(word, lane, P::initial[i][lane]);
            }
        }
        m_axis.write(word);
    }
    fresh = false;
}

#endif
