// SPDX-License-Identifier: Apache-2.0
//
// tr_frame: extends each of P::LANES lanes from P::BITS (signed if P::SIGNED) to P::PAD_BITS bits and marks the last of
// the P::WORDS words of a frame. BEAT is the stream's element: tr_beat<...>, or ap_axiu<P::LANES * P::PAD_BITS, 0, 0, 0>
// of the vendor's <ap_axi_sdata.h> at the edge of a design.
//

#ifndef TR_FRAME_HPP
#define TR_FRAME_HPP

#include "tr_common.hpp"

// The members of ap_axiu<WIDTH, 0, 0, 0> that a stream of words needs.
template <int WIDTH>
struct tr_beat {
    ap_uint<WIDTH> data;
    ap_uint<WIDTH / 8> keep;
    ap_uint<WIDTH / 8> strb;
    ap_uint<1> last;
};

template <typename P, typename BEAT>
void tr_frame(hls::stream<ap_uint<P::LANES * P::BITS> > &s_axis, hls::stream<BEAT> &m_axis) {
    for (int i = 0; i < P::WORDS; i++) {
#pragma HLS PIPELINE II=1
        const ap_uint<P::LANES * P::BITS> word = s_axis.read();
        ap_uint<P::LANES * P::PAD_BITS> padded = 0;
        for (int lane = 0; lane < P::LANES; lane++) {
#pragma HLS UNROLL
            tr_set<P::PAD_BITS>(padded, lane, tr_get<P::BITS, P::SIGNED>(word, lane));
        }
        BEAT beat;
        beat.data = padded;
        beat.keep = -1;
        beat.strb = -1;
        beat.last = i == P::WORDS - 1;
        m_axis.write(beat);
    }
}

#endif
