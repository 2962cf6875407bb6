// SPDX-License-Identifier: Apache-2.0
//
// tr_window: all words under a kernel of P::KERNEL_H x P::KERNEL_W, for every position of it on an image.
//

#ifndef TR_WINDOW_HPP
#define TR_WINDOW_HPP

#include "tr_common.hpp"

// A kernel of K taps, D apart, that moves by S along SIZE positions: which positions are kept, and where the windows and
// taps are on what is kept. Windows that lie apart keep their taps; of others, every position that is a multiple of the
// common divisor of stride and dilation is kept.
template <int A, int B>
struct tr_window_gcd {
    static const int value = tr_window_gcd<B, A % B>::value;
};

template <int A>
struct tr_window_gcd<A, 0> {
    static const int value = A;
};

template <int SIZE, int K, int S, int D>
struct tr_window_axis {
    static const int COMMON = tr_window_gcd<S, D>::value;
    static const int WINDOWS = (SIZE - (K - 1) * D - 1) / S + 1;
    static const int LAST = (WINDOWS - 1) * S + (K - 1) * D;
    static const bool APART = WINDOWS == 1 || (K - 1) * D < S;
    static const int PITCH = WINDOWS == 1 ? SIZE : S;
    static const int KEPT = APART ? WINDOWS * K : LAST / COMMON + 1;
    static const int MOVE = APART ? K : S / COMMON;
    static const int SPREAD = APART ? 1 : D / COMMON;

    static bool keeps(int position) {
#pragma HLS INLINE
        const int place = position % PITCH;
        const bool regular = APART ? place % D == 0 && place / D < K : position % COMMON == 0;
        return position <= LAST && regular;
    }
};

// Every turn gives an output word if its source is inside, and takes an input word if there is one and room for it.
// It waits for input only where it has nothing to give.
template <typename P>
void tr_window(hls::stream<ap_uint<P::LANES * P::BITS> > &s_axis, hls::stream<ap_uint<P::LANES * P::BITS> > &m_axis) {
    typedef tr_window_axis<P::HEIGHT, P::KERNEL_H, P::STRIDE_H, P::DILATION_H> Rows;
    typedef tr_window_axis<P::WIDTH, P::KERNEL_W, P::STRIDE_W, P::DILATION_W> Columns;
    const int GROUPS = P::CHANNELS / P::LANES;
    const int ROW = Columns::KEPT * GROUPS;
    const int WORDS_IN = P::HEIGHT * P::WIDTH * GROUPS;
    const int WORDS_OUT = Rows::WINDOWS * Columns::WINDOWS * P::KERNEL_H * P::KERNEL_W * GROUPS;
    const int PLACES = P::DEPTH > 0 ? P::DEPTH : 1;  // windows in order, DEPTH 0: a word goes in the turn after it came
    ap_uint<P::LANES * P::BITS> ring[PLACES];
#pragma HLS BIND_STORAGE variable = ring type = ram_2p
    int group_in = 0, column_in = 0, row_in = 0;                          // of the next word to come
    int group = 0, tap_w = 0, tap_h = 0, window_w = 0, window_h = 0;      // of the next word to go
    int taken = 0, given = 0, stored = 0, oldest = 0, write = 0;          // words; words kept; the oldest of them; a place
    while (taken < WORDS_IN || given < WORDS_OUT) {
#pragma HLS PIPELINE II=1
#pragma HLS DEPENDENCE variable=ring inter false
        const int first = window_h * Rows::MOVE * ROW + window_w * Columns::MOVE * GROUPS;
        const int source = first + tap_h * Rows::SPREAD * ROW + tap_w * Columns::SPREAD * GROUPS + group;
        const bool give = given < WORDS_OUT && source < stored;
        const bool keep = Rows::keeps(row_in) && Columns::keeps(column_in);
        const bool room = !keep || stored - oldest < PLACES;
        if (give) {
            m_axis.write(ring[source % PLACES]);
            given++;
            const bool group_end = group == GROUPS - 1;
            const bool row_end = group_end && tap_w == P::KERNEL_W - 1;
            const bool window_end = row_end && tap_h == P::KERNEL_H - 1;
            const bool line_end = window_end && window_w == Columns::WINDOWS - 1;
            group = group_end ? 0 : group + 1;
            tap_w = row_end ? 0 : tap_w + group_end;
            tap_h = window_end ? 0 : tap_h + row_end;
            window_w = line_end ? 0 : window_w + window_end;
            window_h += line_end;
            if (P::DEPTH == 0) oldest = source + 1;
            else if (window_end) oldest = window_h * Rows::MOVE * ROW + window_w * Columns::MOVE * GROUPS;
        }
        if (taken < WORDS_IN && room && (!give || !s_axis.empty())) {
            const ap_uint<P::LANES * P::BITS> word = s_axis.read();
            taken++;
            const bool pixel_end = group_in == GROUPS - 1;
            const bool line_end = pixel_end && column_in == P::WIDTH - 1;
            group_in = pixel_end ? 0 : group_in + 1;
            column_in = line_end ? 0 : column_in + pixel_end;
            row_in += line_end;
            if (keep) {
                ring[write] = word;
                write = write == PLACES - 1 ? 0 : write + 1;
                stored++;
            }
        }
    }
}

#endif
