// SPDX-License-Identifier: Apache-2.0
//
// tr_window_parallel: for every position of a kernel of P::KERNEL_H x P::KERNEL_W on an image, its window as one word.

#ifndef TR_WINDOW_PARALLEL_HPP
#define TR_WINDOW_PARALLEL_HPP

#include "tr_common.hpp"

template <typename P>
void tr_window_parallel(hls::stream<ap_uint<P::CHANNELS * P::BITS> > &s_axis,
                        hls::stream<ap_uint<P::KERNEL_H * P::KERNEL_W * P::CHANNELS * P::BITS> > &m_axis) {
    const int PIXEL = P::CHANNELS * P::BITS;
    const int FIRST_H = (P::KERNEL_H - 1) * P::DILATION_H;  // the first row and column on which a window ends
    const int FIRST_W = (P::KERNEL_W - 1) * P::DILATION_W;
    const int LINES = P::KERNEL_H > 1 ? P::KERNEL_H - 1 : 1;
    const int DELAY = P::KERNEL_H > 1 ? P::DILATION_H * P::WIDTH : 1;  // pixels from a row of the kernel to the next
    ap_uint<PIXEL> above[LINES][DELAY];
#pragma HLS ARRAY_PARTITION variable=above complete dim=1
#pragma HLS BIND_STORAGE variable=above type=ram_2p
    ap_uint<PIXEL> columns[P::KERNEL_H][FIRST_W + 1];
#pragma HLS ARRAY_PARTITION variable=columns complete dim=0
    int place = 0;
    int gap_h = FIRST_H;  // rows before the next one on which windows end
    for (int row = 0; row < P::HEIGHT; row++) {
        int gap_w = FIRST_W;
        for (int column = 0; column < P::WIDTH; column++) {
#pragma HLS PIPELINE II=1
#pragma HLS DEPENDENCE variable=above inter RAW distance=DELAY true
            const ap_uint<PIXEL> pixel = s_axis.read();
            ap_uint<P::KERNEL_H * P::KERNEL_W * PIXEL> window = 0;
            for (int i = 0; i < P::KERNEL_H; i++) {
#pragma HLS UNROLL
                // the pixel goes into the line of the row above it, in the place of the one that is read there
                const ap_uint<PIXEL> next = i == P::KERNEL_H - 1 ? pixel : above[i % LINES][place];
                if (i > 0) above[i - 1][place] = next;
                for (int j = 0; j < FIRST_W; j++) {
#pragma HLS UNROLL
                    columns[i][j] = columns[i][j + 1];
                }
                columns[i][FIRST_W] = next;
                for (int j = 0; j < P::KERNEL_W; j++) {
#pragma HLS UNROLL
                    tr_set<PIXEL>(window, i * P::KERNEL_W + j, columns[i][j * P::DILATION_W]);
                }
            }
            if (gap_h == 0 && gap_w == 0) m_axis.write(window);
            gap_w = gap_w == 0 ? P::STRIDE_W - 1 : gap_w - 1;
            place = place == DELAY - 1 ? 0 : place + 1;
        }
        gap_h = gap_h == 0 ? P::STRIDE_H - 1 : gap_h - 1;
    }
}

#endif
