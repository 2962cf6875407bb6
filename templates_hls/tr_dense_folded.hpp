// SPDX-License-Identifier: Apache-2.0
//
// tr_dense_folded: matrix times vector, PE rows x SIMD columns per beat, weights in a memory.
//
// Reads each vector ROWS/PE times, writes ROWS/PE words of PE sums. See rtl/tr_dense_folded.v.

#ifndef TR_DENSE_FOLDED_HPP
#define TR_DENSE_FOLDED_HPP

#include "tr_common.hpp"

// The bias of row p of row group r; without a bias memory (BIAS = 0) there is no P::bias to name.
template <typename P, int BIAS>
struct tr_dense_bias {
    static ap_int<P::OUT_BITS> get(int r, int p) {
#pragma HLS INLINE
        return P::bias[r][p];
    }
};

template <typename P>
struct tr_dense_bias<P, 0> {
    static ap_int<P::OUT_BITS> get(int, int) {
#pragma HLS INLINE
        return 0;
    }
};

template <typename P>
void tr_dense_folded(hls::stream<ap_uint<P::SIMD * P::IN_BITS> > &s_axis,
                     hls::stream<ap_uint<P::PE * P::OUT_BITS> > &m_axis) {
    const int COLUMN_GROUPS = P::COLS / P::SIMD;
    const int ROW_GROUPS = P::ROWS / P::PE;
    const int PRODUCT_BITS = P::IN_BITS + P::WEIGHT_BITS + 1;
    ap_int<P::OUT_BITS> sums[P::PE];
#pragma HLS ARRAY_PARTITION variable = sums complete
    int r = 0;
    int c = 0;
    for (int word = 0; word < P::WORDS; word++) {
#pragma HLS PIPELINE II = 1
        const ap_uint<P::SIMD *P::IN_BITS> x = s_axis.read();
        ap_uint<P::PE * P::OUT_BITS> y = 0;
        for (int p = 0; p < P::PE; p++) {
#pragma HLS UNROLL
            // Exact modulo 2^OUT_BITS, and the sum of a whole row fits.
            ap_int<P::OUT_BITS> sum = c == 0 ? tr_dense_bias<P, P::BIAS>::get(r, p) : sums[p];
            for (int s = 0; s < P::SIMD; s++) {
#pragma HLS UNROLL
                const ap_int<P::WEIGHT_BITS> weight = P::weights[r * COLUMN_GROUPS + c][p * P::SIMD + s];
                sum += tr_product<P::DSP>::template of<PRODUCT_BITS>(tr_get<P::IN_BITS, P::IN_SIGNED>(x, s), weight);
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
