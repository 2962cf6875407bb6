// SPDX-License-Identifier: Apache-2.0
//
// tr_spatial: a layer whose weights are constants, all of it side by side. Its adders are P::compute, written for it.

#ifndef TR_SPATIAL_HPP
#define TR_SPATIAL_HPP

#include "tr_common.hpp"

// A value of BITS bits. For synthesis it has just these; for a C++ compiler it is the next native signed integer.
template <int BITS, int SIGNED>
struct tr_value {
#ifdef __SYNTHESIS__
    typedef typename tr_integer<BITS, SIGNED>::type type;
#else
    static const int WIDTH = BITS + 1 - SIGNED;
    typedef typename tr_native<(WIDTH <= 8 ? 1 : WIDTH <= 16 ? 2 : WIDTH <= 32 ? 4 : 8), 1>::type type;
#endif
};

// The compute functions have thousands of lines. A compiler that optimizes them takes minutes; as they are, seconds.
#if defined(__GNUC__) && !defined(__clang__) && !defined(__SYNTHESIS__)
#define TR_AS_WRITTEN __attribute__((optimize("O0")))
#else
#define TR_AS_WRITTEN
#endif

// clip(floor(x / 2^SHIFT), low, high); with EVEN a quotient without a rest is made even (x is half a step up).
template <typename Y, int SHIFT, int EVEN, typename X>
Y tr_requantize(const X &x, long long low, long long high) {
#pragma HLS INLINE
    X quotient = x >> SHIFT;
    if (EVEN && (x & ((1LL << SHIFT) - 1)) == 0) quotient = quotient & ~1LL;
    return quotient < low ? Y(low) : quotient > high ? Y(high) : Y(quotient);
}

template <typename P>
void tr_spatial(hls::stream<ap_uint<P::COLS * P::IN_BITS> > &s_axis,
                hls::stream<ap_uint<P::ROWS * P::OUT_BITS> > &m_axis) {
    for (int word = 0; word < P::WORDS; word++) {
#pragma HLS PIPELINE II = 1
        const ap_uint<P::COLS * P::IN_BITS> x = s_axis.read();
        ap_uint<P::ROWS * P::OUT_BITS> y = 0;
        P::compute(x, y);
        m_axis.write(y);
    }
}

#endif
