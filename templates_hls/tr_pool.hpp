// SPDX-License-Identifier: Apache-2.0
//
// tr_pool: reduces P::TAPS consecutive vectors of P::CHANNELS values, P::PE a word, to one: maximum (OPERATION 0) or sum
// (1) channel by channel, modulo 2^OUT_BITS; P::WORDS words come in.

#ifndef TR_POOL_HPP
#define TR_POOL_HPP

#include "tr_common.hpp"

template <typename P>
void tr_pool(hls::stream<ap_uint<P::PE * P::IN_BITS> > &s_axis, hls::stream<ap_uint<P::PE * P::OUT_BITS> > &m_axis) {
    const int GROUPS = P::CHANNELS / P::PE;
    typedef typename tr_integer<P::IN_BITS, P::IN_SIGNED>::type value_t;
    typedef typename tr_integer<(P::OPERATION == 0 ? P::IN_BITS : P::OUT_BITS), P::IN_SIGNED>::type state_t;
    state_t states[GROUPS][P::PE];
#pragma HLS ARRAY_PARTITION variable = states complete dim = 2
    int tap = 0;
    int group = 0;
    for (int i = 0; i < P::WORDS; i++) {
#pragma HLS PIPELINE II = 1
        const ap_uint<P::PE * P::IN_BITS> x = s_axis.read();
        ap_uint<P::PE * P::OUT_BITS> y = 0;
        for (int p = 0; p < P::PE; p++) {
#pragma HLS UNROLL
            const value_t value = tr_get<P::IN_BITS, P::IN_SIGNED>(x, p);
            state_t state = states[group][p];
            if (tap == 0) {
                state = value;
            } else if (P::OPERATION == 0) {
                state = value > state ? state_t(value) : state;
            } else {
                state += value;
            }
            states[group][p] = state;
            tr_set<P::OUT_BITS>(y, p, state);
        }
        if (tap == P::TAPS - 1) {
            m_axis.write(y);
        }
        if (group == GROUPS - 1) {
            group = 0;
            tap = tap == P::TAPS - 1 ? 0 : tap + 1;
        } else {
            group++;
        }
    }
}

#endif
