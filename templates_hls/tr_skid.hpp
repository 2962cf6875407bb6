// SPDX-License-Identifier: Apache-2.0
//
// tr_skid: passes a frame of P::WORDS words of P::WIDTH bits on. (In C++ a register has no effect; the scheduler of the
// HLS tool places registers itself.)
//

#ifndef TR_SKID_HPP
#define TR_SKID_HPP

#include "tr_common.hpp"

template <typename P>
void tr_skid(hls::stream<ap_uint<P::WIDTH> > &s_axis, hls::stream<ap_uint<P::WIDTH> > &m_axis) {
    for (int i = 0; i < P::WORDS; i++) {
#pragma HLS PIPELINE II=1
        m_axis.write(s_axis.read());
    }
}

#endif
