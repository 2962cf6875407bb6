// SPDX-License-Identifier: Apache-2.0
//
// tr_softmax: the shares of the CHANNELS values of each row, as multiples of 2^-BITS. One frame per call.
//
// In every turn of the loop a word of row n comes in, one of row n - 1 is looked up in the table, and one of row n - 2 is
// divided by its row's sum. P::table[d][0]; if MASKED, P::closed[word of the frame][lane].

#ifndef TR_SOFTMAX_HPP
#define TR_SOFTMAX_HPP

#include "tr_common.hpp"

// Whether an entry is closed; without a mask there is no array to look at.
template <int MASKED>
struct tr_softmax_mask {
    template <typename P>
    static bool closed(int word, int lane) {
#pragma HLS INLINE
        return P::closed[word][lane] != 0;
    }
};

template <>
struct tr_softmax_mask<0> {
    template <typename P>
    static bool closed(int, int) {
#pragma HLS INLINE
        return false;
    }
};

// e / r to BITS bits, halves up, bit by bit.
template <typename P, typename E, typename R>
ap_uint<P::BITS + 1> tr_softmax_share(const E &e, const R &r) {
#pragma HLS INLINE
    R rest = e;
    ap_uint<P::BITS + 2> quotient = 0;
    for (int step = 0; step <= P::BITS; step++) {
#pragma HLS UNROLL
        const ap_uint<R::width + 1> twice = ap_uint<R::width + 1>(rest) << 1;
        const bool fits = twice >= r;
        quotient = (quotient << 1) | ap_uint<1>(fits);
        rest = fits ? R(twice - r) : R(twice);
    }
    return (quotient + 1) >> 1;
}

template <typename P>
void tr_softmax(hls::stream<ap_uint<P::PE * P::IN_BITS> > &s_axis,
                hls::stream<ap_uint<P::PE * P::OUT_BITS> > &m_axis) {
    typedef typename tr_integer<P::IN_BITS, P::IN_SIGNED>::type value_t;
    typedef ap_uint<P::EXP_BITS> exponential_t;
    typedef ap_uint<P::SUM_BITS> sum_t;
    const int words = P::CHANNELS / P::PE;
    const int rows = P::WORDS / words;
    value_t x[2][words][P::PE];
    exponential_t e[2][words][P::PE];
    value_t top[2];
    sum_t sum[2];
    bool some = false;  // an entry of the row that comes in was open
    int word = 0;
    int row = 0;
    for (int turn = 0; turn < P::WORDS + 2 * words; turn++) {
#pragma HLS PIPELINE II = 1
        const int now = row & 1;
        if (row >= 2) {
            ap_uint<P::PE * P::OUT_BITS> y = 0;
            for (int lane = 0; lane < P::PE; lane++) {
#pragma HLS UNROLL
                tr_set<P::OUT_BITS>(y, lane, tr_softmax_share<P>(e[now][word][lane], sum[now]));
            }
            m_axis.write(y);
        }
        if (row >= 1 && row <= rows) {
            sum_t total = word == 0 ? sum_t(0) : sum[1 - now];
            for (int lane = 0; lane < P::PE; lane++) {
#pragma HLS UNROLL
                exponential_t value = 0;
                if (!tr_softmax_mask<P::MASKED>::template closed<P>((row - 1) * words + word, lane)) {
                    const ap_uint<P::IN_BITS> d = top[1 - now] - x[1 - now][word][lane];
                    if (d < P::ENTRIES) value = P::table[d.to_int()][0];
                }
                e[1 - now][word][lane] = value;
                total += value;
            }
            sum[1 - now] = total;
        }
        if (row < rows) {
            const ap_uint<P::PE * P::IN_BITS> values = s_axis.read();
            value_t best = top[now];
            if (word == 0) some = false;
            for (int lane = 0; lane < P::PE; lane++) {
#pragma HLS UNROLL
                const value_t value = tr_get<P::IN_BITS, P::IN_SIGNED>(values, lane);
                x[now][word][lane] = value;
                if (!tr_softmax_mask<P::MASKED>::template closed<P>(row * words + word, lane)) {
                    if (!some || value > best) best = value;
                    some = true;
                }
            }
            top[now] = best;
        }
        if (word == words - 1) {
            word = 0;
            row++;
        } else {
            word++;
        }
    }
}

#endif
