// SPDX-License-Identifier: Apache-2.0
//
// tr_fork: every word of a frame of P::WORDS words of P::WIDTH bits to each of P::OUTPUTS streams.
//

#ifndef TR_FORK_HPP
#define TR_FORK_HPP

#include "tr_common.hpp"

template <typename P>
void tr_fork(hls::stream<ap_uint<P::WIDTH> > &s_axis, hls::stream<ap_uint<P::WIDTH> > (&m_axis)[P::OUTPUTS]) {
    for (int i = 0; i < P::WORDS; i++) {
#pragma HLS PIPELINE II=1
        const ap_uint<P::WIDTH> word = s_axis.read();
        for (int output = 0; output < P::OUTPUTS; output++) {
#pragma HLS UNROLL
            m_axis[output].write(word);
        }
    }
}

#endif
