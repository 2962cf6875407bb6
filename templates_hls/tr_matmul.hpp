// SPDX-License-Identifier: Apache-2.0
//
// tr_matmul: the vectors of stream a times all vectors of stream b, head by head. See rtl/tr_matmul.v.
//
// One frame per call: b is put into banks, then read for each vector of a. Between the two is a buffer that holds two
// frames where calls overlap.

#ifndef TR_MATMUL_HPP
#define TR_MATMUL_HPP

#include "tr_common.hpp"

// The sizes that follow from the parameters.
template <typename P>
struct tr_matmul_sizes {
    static const int ROW_GROUPS = P::ROWS / P::PE;
    static const int COLUMN_GROUPS = P::COLS / P::SIMD;
    static const int BANKS = P::MIX ? P::SIMD : P::PE;
    static const int LANES = P::MIX ? P::PE : P::SIMD;
    static const int POSITION_WORDS = P::HEADS * (P::MIX ? ROW_GROUPS : COLUMN_GROUPS);
    static const int DEPTH = P::HEADS * ROW_GROUPS * COLUMN_GROUPS;
    typedef ap_uint<(P::MIX ? P::PE : P::SIMD) * P::B_BITS> word;
};

// Position p goes to bank p % BANKS, in the order in which its words come.
template <typename P>
void tr_matmul_keep(hls::stream<typename tr_matmul_sizes<P>::word> &s1_axis,
                     typename tr_matmul_sizes<P>::word kept[tr_matmul_sizes<P>::BANKS][tr_matmul_sizes<P>::DEPTH]) {
    typedef tr_matmul_sizes<P> sizes;
    int bank = 0;
    int place = 0;
    int word = 0;
    for (int i = 0; i < sizes::BANKS * sizes::DEPTH; i++) {
#pragma HLS PIPELINE II = 1
        kept[bank][place + word] = s1_axis.read();
        if (word < sizes::POSITION_WORDS - 1) {
            word++;
        } else {
            word = 0;
            if (bank < sizes::BANKS - 1) {
                bank++;
            } else {
                bank = 0;
                place += sizes::POSITION_WORDS;
            }
        }
    }
}

template <typename P>
void tr_matmul_sums(hls::stream<ap_uint<P::SIMD * P::A_BITS> > &s0_axis,
                     typename tr_matmul_sizes<P>::word kept[tr_matmul_sizes<P>::BANKS][tr_matmul_sizes<P>::DEPTH],
                     hls::stream<ap_uint<P::PE * P::OUT_BITS> > &m_axis) {
    typedef tr_matmul_sizes<P> sizes;
    const int PRODUCT_BITS = P::A_BITS + P::B_BITS + 1;
    ap_int<P::OUT_BITS> sums[P::PE];
#pragma HLS ARRAY_PARTITION variable = sums complete
    int head = 0;
    int row = 0;
    int column = 0;
    for (int i = 0; i < P::VECTORS * sizes::DEPTH; i++) {
#pragma HLS PIPELINE II = 1
        const ap_uint<P::SIMD * P::A_BITS> a_word = s0_axis.read();
        const int place = P::MIX ? column * sizes::POSITION_WORDS + head * sizes::ROW_GROUPS + row
                                 : row * sizes::POSITION_WORDS + head * sizes::COLUMN_GROUPS + column;
        ap_uint<P::PE * P::OUT_BITS> y = 0;
        for (int p = 0; p < P::PE; p++) {
#pragma HLS UNROLL
            // Exact modulo 2^OUT_BITS, and the whole sum fits.
            ap_int<P::OUT_BITS> sum = 0;
            if (column != 0) sum = sums[p];
            for (int s = 0; s < P::SIMD; s++) {
#pragma HLS UNROLL
                const typename tr_integer<P::A_BITS, P::A_SIGNED>::type a = tr_get<P::A_BITS, P::A_SIGNED>(a_word, s);
                const typename sizes::word b_word = kept[P::MIX ? s : p][place];
                const typename tr_integer<P::B_BITS, P::B_SIGNED>::type b =
                    tr_get<P::B_BITS, P::B_SIGNED>(b_word, P::MIX ? p : s);
                sum += tr_product<P::DSP>::template of<PRODUCT_BITS>(a, b);
            }
            sums[p] = sum;
            tr_set<P::OUT_BITS>(y, p, sum);
        }
        if (column < sizes::COLUMN_GROUPS - 1) {
            column++;
        } else {
            m_axis.write(y);
            column = 0;
            if (row < sizes::ROW_GROUPS - 1) {
                row++;
            } else {
                row = 0;
                head = head < P::HEADS - 1 ? head + 1 : 0;
            }
        }
    }
}

template <typename P>
void tr_matmul(hls::stream<ap_uint<P::SIMD * P::A_BITS> > &s0_axis,
                hls::stream<typename tr_matmul_sizes<P>::word> &s1_axis,
                hls::stream<ap_uint<P::PE * P::OUT_BITS> > &m_axis) {
#pragma HLS DATAFLOW
    typename tr_matmul_sizes<P>::word kept[tr_matmul_sizes<P>::BANKS][tr_matmul_sizes<P>::DEPTH];
#pragma HLS ARRAY_PARTITION variable = kept complete dim = 1
    tr_matmul_keep<P>(s1_axis, kept);
    tr_matmul_sums<P>(s0_axis, kept, m_axis);
}

#endif
