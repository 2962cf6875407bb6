// SPDX-License-Identifier: Apache-2.0
//
// tr_argmax: index of the largest (SMALLEST = 1: smallest) of CHANNELS values, PE a word; the first of equals.

#ifndef TR_ARGMAX_HPP
#define TR_ARGMAX_HPP

#include "tr_common.hpp"

template <typename P>
void tr_argmax(hls::stream<ap_uint<P::PE * P::IN_BITS> > &s_axis, hls::stream<ap_uint<P::OUT_BITS> > &m_axis) {
    typedef typename tr_integer<P::IN_BITS, P::IN_SIGNED>::type value_t;
    value_t best = 0;
    ap_uint<P::OUT_BITS> best_index = 0;
    int base = 0;
    for (int word = 0; word < P::WORDS; word++) {
#pragma HLS PIPELINE II = 1
        const ap_uint<P::PE * P::IN_BITS> x = s_axis.read();
        for (int p = 0; p < P::PE; p++) {
#pragma HLS UNROLL
            const value_t value = tr_get<P::IN_BITS, P::IN_SIGNED>(x, p);
            const bool better = P::SMALLEST ? value < best : value > best;
            if (better || (base == 0 && p == 0)) {
                best = value;
                best_index = base + p;
            }
        }
        base += P::PE;
        if (base == P::CHANNELS) {
            m_axis.write(best_index);
            base = 0;
        }
    }
}

#endif
