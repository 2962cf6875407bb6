// SPDX-License-Identifier: Apache-2.0
//
// tr_shuffle: channels become pixels (P::MODE 0: DCR, 1: CRD) or pixels become channels (2), P::BLOCK x P::BLOCK of them.
//

#ifndef TR_SHUFFLE_HPP
#define TR_SHUFFLE_HPP

#include "tr_common.hpp"

// The place of a value in a block row of the input that belongs to the channel of the smaller pixel at (row, column) of
// the larger image.
template <typename P>
int tr_shuffle_place(int row, int column, int channel) {
#pragma HLS INLINE
    const int CHANNELS = P::MODE == 2 ? P::CHANNELS : P::CHANNELS / (P::BLOCK * P::BLOCK);
    const int inner = column % P::BLOCK;
    const int pixel = column / P::BLOCK * P::BLOCK * P::BLOCK * CHANNELS;
    if (P::MODE == 0) return pixel + (row * P::BLOCK + inner) * CHANNELS + channel;
    if (P::MODE == 1) return pixel + (channel * P::BLOCK + row) * P::BLOCK + inner;
    return (row * P::WIDTH + column) * CHANNELS + channel;
}

// Two halves: a block row comes in while the one before goes out.
template <typename P>
void tr_shuffle(hls::stream<ap_uint<P::LANES * P::BITS> > &s_axis, hls::stream<ap_uint<P::LANES * P::BITS> > &m_axis) {
    const int SQUARE = P::BLOCK * P::BLOCK;
    const int ROUNDS = P::MODE == 2 ? P::HEIGHT / P::BLOCK : P::HEIGHT;
    const int COLUMNS = P::MODE == 2 ? P::WIDTH : P::WIDTH * P::BLOCK;  // of the larger image
    const int CHANNELS = P::MODE == 2 ? P::CHANNELS : P::CHANNELS / SQUARE;
    const int PART = CHANNELS / P::LANES;
    const int ROUND = COLUMNS * P::BLOCK * PART;
    ap_uint<P::BITS> buffer[2][ROUND * P::LANES];
#pragma HLS ARRAY_PARTITION variable=buffer cyclic factor=P::LANES dim=2
    for (int round = 0; round <= ROUNDS; round++) {
        // of the word that goes: words of a pixel; place in a block, or pixel; the rest
        int group = 0, column = 0, row = 0;
        for (int i = 0; i < ROUND; i++) {
#pragma HLS PIPELINE II=1
#pragma HLS DEPENDENCE variable=buffer inter false
            if (round < ROUNDS) {
                const ap_uint<P::LANES * P::BITS> word = s_axis.read();
                for (int lane = 0; lane < P::LANES; lane++) {
#pragma HLS UNROLL
                    buffer[round % 2][i * P::LANES + lane] = tr_get_unsigned<P::BITS>(word, lane);
                }
            }
            if (round > 0) {
                ap_uint<P::LANES * P::BITS> word = 0;
                for (int lane = 0; lane < P::LANES; lane++) {
#pragma HLS UNROLL
                    const int place = tr_shuffle_place<P>(row, column, group * P::LANES + lane);
                    tr_set<P::BITS>(word, lane, buffer[(round + 1) % 2][place]);
                }
                m_axis.write(word);
                // depth to space: along the row; space to depth: through the block, then to the next
                const bool pixel_end = group == PART - 1;
                const bool block_end = column % P::BLOCK == P::BLOCK - 1;
                group = pixel_end ? 0 : group + 1;
                if (pixel_end && P::MODE != 2) {
                    row += column == COLUMNS - 1;
                    column = column == COLUMNS - 1 ? 0 : column + 1;
                } else if (pixel_end) {
                    const bool last_row = row == P::BLOCK - 1;
                    column = !block_end || last_row ? column + 1 : column - (P::BLOCK - 1);
                    if (block_end) row = last_row ? 0 : row + 1;
                }
            }
        }
    }
}

#endif
