// SPDX-License-Identifier: Apache-2.0
//
// tr_normalize: vectors of SIZE values over their deviation from their mean (RMS = 0), or over the root of their mean
// square (RMS = 1), to a fixed number of bits behind the point; the nearest integer, ties away from zero.

#ifndef TR_NORMALIZE_HPP
#define TR_NORMALIZE_HPP

#include "tr_common.hpp"

// Half of y' + 1, where y' is the largest integer with y'^2 * root <= top << UP; found digit by digit.
template <typename P>
ap_uint<P::DIGITS> tr_normalize_digits(const ap_uint<P::TOP_BITS> &top, const ap_uint<P::ROOT_BITS> &root) {
#pragma HLS INLINE
    const int WIDTH = P::REST_BITS + 2;
    const int WHOLE = P::TOP_BITS + P::UP + 2 * P::DIGITS + 2;
    const ap_uint<WHOLE> whole = ap_uint<WHOLE>(top) << P::UP;
    ap_uint<WIDTH> rest = whole >> (2 * P::DIGITS);
    ap_uint<WIDTH> trial = root;  // (4 * y + 1) * root
    ap_uint<P::DIGITS> y = 0;
    for (int digit = P::DIGITS - 1; digit >= 0; digit--) {
#pragma HLS UNROLL
        const ap_uint<2> next = whole.range(2 * digit + 1, 2 * digit);
        rest = (rest << 2) | ap_uint<WIDTH>(next);
        trial <<= 1;
        y <<= 1;
        if (rest >= (trial >> 1)) {
            rest -= trial >> 1;
            trial += ap_uint<WIDTH>(root) * 3;
            y |= 1;
        } else {
            trial -= root;
        }
    }
    return (y >> 1) + ap_uint<P::DIGITS>(y & 1);
}

template <typename P>
void tr_normalize(hls::stream<ap_uint<P::PE * P::IN_BITS> > &s_axis,
                  hls::stream<ap_uint<P::PE * P::OUT_BITS> > &m_axis) {
    typedef typename tr_integer<P::IN_BITS, P::IN_SIGNED>::type value_t;
    const int VECTOR = P::SIZE / P::PE;
    for (int vector = 0; vector < P::WORDS / VECTOR; vector++) {
        ap_uint<P::PE * P::IN_BITS> words[VECTOR];
        ap_int<P::SUM_BITS> sum = 0;
        ap_uint<P::SQUARES_BITS> squares = 0;
        for (int word = 0; word < VECTOR; word++) {
#pragma HLS PIPELINE II = 1
            words[word] = s_axis.read();
            for (int lane = 0; lane < P::PE; lane++) {
#pragma HLS UNROLL
                const value_t x = tr_get<P::IN_BITS, P::IN_SIGNED>(words[word], lane);
                sum += x;
                squares += x * x;
            }
        }
        ap_uint<P::ROOT_BITS> root = squares;
        if (!P::RMS) {
            root = squares * P::SIZE - sum * sum;
        }
        root = (root << P::FINER) + (ap_uint<P::ROOT_BITS>(P::EPSILON) << P::COARSER);
        for (int word = 0; word < VECTOR; word++) {
#pragma HLS PIPELINE II = P::CYCLES
            ap_uint<P::PE * P::OUT_BITS> results = 0;
            for (int lane = 0; lane < P::PE; lane++) {
#pragma HLS UNROLL
                const value_t x = tr_get<P::IN_BITS, P::IN_SIGNED>(words[word], lane);
                const ap_int<P::TOP_BITS + 2> value =
                    P::RMS ? ap_int<P::TOP_BITS + 2>(x) : ap_int<P::TOP_BITS + 2>(x * P::SIZE - sum);
                ap_uint<P::TOP_BITS> top = value * value;
                if (P::RMS) {
                    top *= P::SIZE;
                }
                const ap_int<P::DIGITS + 1> size = tr_normalize_digits<P>(top, root);
                const ap_int<P::DIGITS + 1> result = value < 0 ? ap_int<P::DIGITS + 1>(-size) : size;
                tr_set<P::OUT_BITS>(results, lane, result);
            }
            m_axis.write(results);
        }
    }
}

#endif
