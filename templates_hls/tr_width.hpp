// SPDX-License-Identifier: Apache-2.0
//
// tr_width: from P::IN_LANES to P::OUT_LANES lanes of P::BITS bits a word; a frame has P::WORDS input words.
//

#ifndef TR_WIDTH_HPP
#define TR_WIDTH_HPP

#include "tr_common.hpp"

template <int A, int B>
struct tr_width_gcd {
    static const int value = tr_width_gcd<B, A % B>::value;
};

template <int A>
struct tr_width_gcd<A, 0> {
    static const int value = A;
};

// A cycle takes a word if it needs one and gives a word if it has one: WORDS cycles to more lanes, as many as there are
// output words to fewer.
template <typename P>
void tr_width(hls::stream<ap_uint<P::IN_LANES * P::BITS> > &s_axis,
              hls::stream<ap_uint<P::OUT_LANES * P::BITS> > &m_axis) {
    const int COMMON = tr_width_gcd<P::IN_LANES, P::OUT_LANES>::value;
    const int CHUNK = COMMON * P::BITS;
    const int IN_CHUNKS = P::IN_LANES / COMMON;
    const int OUT_CHUNKS = P::OUT_LANES / COMMON;
    const int WORDS_OUT = P::WORDS * P::IN_LANES / P::OUT_LANES;
    const int CYCLES = P::WORDS > WORDS_OUT ? P::WORDS : WORDS_OUT;
    const int SPACE = IN_CHUNKS + OUT_CHUNKS;
    ap_uint<SPACE * CHUNK> held = 0;  // chunks that came and did not go, the oldest lowest
    int count = 0;
    for (int i = 0; i < CYCLES; i++) {
#pragma HLS PIPELINE II=1
        if (count < OUT_CHUNKS) {
            const ap_uint<IN_CHUNKS * CHUNK> word = s_axis.read();
            for (int c = 0; c < IN_CHUNKS; c++) {
#pragma HLS UNROLL
                tr_set<CHUNK>(held, count + c, tr_get_unsigned<CHUNK>(word, c));
            }
            count += IN_CHUNKS;
        }
        if (count >= OUT_CHUNKS) {
            const ap_uint<OUT_CHUNKS * CHUNK> word = held.range(OUT_CHUNKS * CHUNK - 1, 0);
            m_axis.write(word);
            held >>= OUT_CHUNKS * CHUNK;
            count -= OUT_CHUNKS;
        }
    }
}

#endif
