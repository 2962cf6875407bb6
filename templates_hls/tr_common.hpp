// SPDX-License-Identifier: Apache-2.0
//
// tr_common.hpp: the lanes of a packed stream word. Lane 0 is in the lowest bits.

#ifndef TR_COMMON_HPP
#define TR_COMMON_HPP

// Words of wide streams are longer than the 1024 bits that ap_int allows by default.
#ifndef AP_INT_MAX_W
#define AP_INT_MAX_W 32768
#endif

// For -Wall -Wextra: the pragmas are for HLS tools (g++ before 13 still wants -Wno-unknown-pragmas on its command line),
// and the default constructors of ap_int mask bits before there are any.
#if defined(__GNUC__) && !defined(__SYNTHESIS__)
#pragma GCC diagnostic ignored "-Wunknown-pragmas"
#pragma GCC diagnostic ignored "-Wuninitialized"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#endif

#include <ap_int.h>
#include <hls_stream.h>

// The integer of BITS bits, signed (SIGNED = 1) or not: tr_integer<BITS, SIGNED>::type.
template <int BITS, int SIGNED>
struct tr_integer {
    typedef ap_int<BITS> type;
};

template <int BITS>
struct tr_integer<BITS, 0> {
    typedef ap_uint<BITS> type;
};

// The element of a constant array: tr_constant<BITS, SIGNED>::type. For synthesis the exact type; for a C++ compiler
// the next native one (up to 64 bits), whose arrays are data and not fifty thousand constructor calls.
template <int BYTES, int SIGNED>
struct tr_native;
// clang-format off
template <> struct tr_native<1, 0> { typedef unsigned char type; };
template <> struct tr_native<1, 1> { typedef signed char type; };
template <> struct tr_native<2, 0> { typedef unsigned short type; };
template <> struct tr_native<2, 1> { typedef short type; };
template <> struct tr_native<4, 0> { typedef unsigned int type; };
template <> struct tr_native<4, 1> { typedef int type; };
template <> struct tr_native<8, 0> { typedef unsigned long long type; };
template <> struct tr_native<8, 1> { typedef long long type; };
// clang-format on

template <int BITS, int SIGNED>
struct tr_constant {
#ifdef __SYNTHESIS__
    typedef typename tr_integer<BITS, SIGNED>::type type;
#else
    typedef typename tr_native<(BITS <= 8 ? 1 : BITS <= 16 ? 2 : BITS <= 32 ? 4 : 8), SIGNED>::type type;
#endif
};

// Lane `lane` of `word`, read as an unsigned integer of BITS bits.
template <int BITS, int WIDTH>
ap_uint<BITS> tr_get_unsigned(const ap_uint<WIDTH> &word, int lane) {
#pragma HLS INLINE
    return word.range((lane + 1) * BITS - 1, lane * BITS);
}

// Lane `lane` of `word`, read as signed or unsigned by the parameter SIGNED.
template <int BITS, int SIGNED, int WIDTH>
typename tr_integer<BITS, SIGNED>::type tr_get(const ap_uint<WIDTH> &word, int lane) {
#pragma HLS INLINE
    typename tr_integer<BITS, SIGNED>::type value;
    value.range(BITS - 1, 0) = word.range((lane + 1) * BITS - 1, lane * BITS);
    return value;
}

// Write the low BITS bits of `value` (any ap_int, ap_uint or C++ integer) to lane `lane` of `word`.
// A narrower value is extended by its own sign.
template <int BITS, int WIDTH, typename VALUE>
void tr_set(ap_uint<WIDTH> &word, int lane, const VALUE &value) {
#pragma HLS INLINE
    const ap_uint<BITS> low = value;
    word.range((lane + 1) * BITS - 1, lane * BITS) = low;
}

// A product of BITS bits, exact or modulo 2^BITS: in a multiplier block (DSP = 1) or in LUTs (DSP = 0).
template <int DSP>
struct tr_product {
    template <int BITS, typename A, typename B>
    static ap_int<BITS> of(const A &a, const B &b) {
#pragma HLS INLINE
        const ap_int<BITS> product = a * b;
#pragma HLS BIND_OP variable = product op = mul impl = dsp
        return product;
    }
};

template <>
struct tr_product<0> {
    template <int BITS, typename A, typename B>
    static ap_int<BITS> of(const A &a, const B &b) {
#pragma HLS INLINE
        const ap_int<BITS> product = a * b;
#pragma HLS BIND_OP variable = product op = mul impl = fabric
        return product;
    }
};

#endif
