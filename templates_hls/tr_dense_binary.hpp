// SPDX-License-Identifier: Apache-2.0
//
// tr_dense_binary: binary matrix times binary vector: bias + popcount(~(x ^ w)), PE rows x SIMD columns per beat.
//
// Reads each vector ROWS/PE times, writes ROWS/PE words of PE sums. See rtl/tr_dense_binary.v.

#ifndef TR_DENSE_BINARY_HPP
#define TR_DENSE_BINARY_HPP

#include "tr_common.hpp"
#include "tr_dense_folded.hpp"  // tr_dense_bias

template <typename P>
void tr_dense_binary(hls::stream<ap_uint<P::SIMD> > &s_axis, hls::stream<ap_uint<P::PE * P::OUT_BITS> > &m_axis) {
    const int COLUMN_GROUPS = P::COLS / P::SIMD;
    const int ROW_GROUPS = P::ROWS / P::PE;
    ap_int<P::OUT_BITS> sums[P::PE];
#pragma HLS ARRAY_PARTITION variable = sums complete
    int r = 0;
    int c = 0;
    for (int word = 0; word < P::WORDS; word++) {
#pragma HLS PIPELINE II = 1
        const ap_uint<P::SIMD> x = s_axis.read();
        ap_uint<P::PE * P::OUT_BITS> y = 0;
        for (int p = 0; p < P::PE; p++) {
#pragma HLS UNROLL
            // Exact modulo 2^OUT_BITS, and the sum of a whole row fits.
            ap_int<P::OUT_BITS> sum = c == 0 ? tr_dense_bias<P, P::BIAS>::get(r, p) : sums[p];
            for (int s = 0; s < P::SIMD; s++) {
#pragma HLS UNROLL
                const ap_uint<1> weight = P::weights[r * COLUMN_GROUPS + c][p * P::SIMD + s];
                if (tr_get_unsigned<1>(x, s) == weight) sum++;
            }
            sums[p] = sum;
            tr_set<P::OUT_BITS>(y, p, sum);
        }
        if (c == COLUMN_GROUPS - 1) {
            m_axis.write(y);
            c = 0;
            r = r == ROW_GROUPS - 1 ? 0 : r + 1;
        } else {
            c++;
        }
    }
}

#endif
