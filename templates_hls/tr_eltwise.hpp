// SPDX-License-Identifier: Apache-2.0
//
// tr_eltwise: A_FACTOR * a + B_FACTOR * b (OPERATION 0) or a * b (OPERATION 1), lane by lane, modulo 2^OUT_BITS; a frame
// has P::WORDS words of P::LANES lanes.
//

#ifndef TR_ELTWISE_HPP
#define TR_ELTWISE_HPP

#include "tr_common.hpp"

template <typename P>
void tr_eltwise(hls::stream<ap_uint<P::LANES * P::A_BITS> > &s0_axis, hls::stream<ap_uint<P::LANES * P::B_BITS> > &s1_axis,
                hls::stream<ap_uint<P::LANES * P::OUT_BITS> > &m_axis) {
    for (int i = 0; i < P::WORDS; i++) {
#pragma HLS PIPELINE II=1
        const ap_uint<P::LANES * P::A_BITS> a_word = s0_axis.read();
        const ap_uint<P::LANES * P::B_BITS> b_word = s1_axis.read();
        ap_uint<P::LANES * P::OUT_BITS> word = 0;
        for (int lane = 0; lane < P::LANES; lane++) {
#pragma HLS UNROLL
            const typename tr_integer<P::A_BITS, P::A_SIGNED>::type a = tr_get<P::A_BITS, P::A_SIGNED>(a_word, lane);
            const typename tr_integer<P::B_BITS, P::B_SIGNED>::type b = tr_get<P::B_BITS, P::B_SIGNED>(b_word, lane);
            const ap_int<32> a_factor = P::A_FACTOR;
            const ap_int<32> b_factor = P::B_FACTOR;
            const ap_int<P::A_BITS + P::B_BITS + 1> product = a * b;
            const ap_int<P::A_BITS + P::B_BITS + 34> sum = a_factor * a + b_factor * b;
            if (P::OPERATION == 1) {
                tr_set<P::OUT_BITS>(word, lane, product);
            } else {
                tr_set<P::OUT_BITS>(word, lane, sum);
            }
        }
        m_axis.write(word);
    }
}

#endif
