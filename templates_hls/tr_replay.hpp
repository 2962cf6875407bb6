// SPDX-License-Identifier: Apache-2.0
//
// tr_replay: sends each of P::VECTORS vectors of P::WORDS words of P::WIDTH bits P::TIMES times.
//

#ifndef TR_REPLAY_HPP
#define TR_REPLAY_HPP

#include "tr_common.hpp"

template <typename P>
void tr_replay(hls::stream<ap_uint<P::WIDTH> > &s_axis, hls::stream<ap_uint<P::WIDTH> > &m_axis) {
    ap_uint<P::WIDTH> vector[P::WORDS];
#pragma HLS BIND_STORAGE variable = vector type = ram_2p
    for (int v = 0; v < P::VECTORS; v++) {
        for (int t = 0; t < P::TIMES; t++) {
            for (int i = 0; i < P::WORDS; i++) {
#pragma HLS PIPELINE II=1
                if (t == 0) vector[i] = s_axis.read();
                m_axis.write(vector[i]);
            }
        }
    }
}

#endif
