// SPDX-License-Identifier: Apache-2.0
//
// tr_round_shift: y = clip(round((x + bias) / 2^SHIFT), LOW, HIGH), with nine ways to round. One frame per call.

#ifndef TR_ROUND_SHIFT_HPP
#define TR_ROUND_SHIFT_HPP

#include "tr_common.hpp"

// x + bias, and its width.
template <typename P, int BIASED>
struct tr_round_shift_sum {
    static const int X_BITS = P::IN_BITS + (P::IN_SIGNED ? 0 : 1);
    static const int BITS = 1 + (X_BITS > P::BIAS_BITS ? X_BITS : P::BIAS_BITS);
    template <typename X>
    static ap_int<BITS> of(const X &x, int fold, int lane) {
#pragma HLS INLINE
        return x + P::bias[fold][lane];
    }
};

template <typename P>
struct tr_round_shift_sum<P, 0> {
    static const int BITS = P::IN_BITS + (P::IN_SIGNED ? 0 : 1);
    template <typename X>
    static ap_int<BITS> of(const X &x, int, int) {
#pragma HLS INLINE
        return x;
    }
};

// `total` / 2^SHIFT, rounded by MODE: the shift rounds to minus infinity, what is dropped decides about one more.
template <int SHIFT, int MODE, int BITS>
ap_int<BITS + 1> tr_round_shift_round(const ap_int<BITS> &total) {
#pragma HLS INLINE
    const ap_int<BITS + 1> quotient = total >> SHIFT;
    if (SHIFT == 0) return quotient;
    const ap_uint<BITS> one = 1;
    const ap_uint<BITS> dropped = total & ((one << SHIFT) - 1);
    const bool half = dropped[SHIFT > 0 ? SHIFT - 1 : 0];
    const bool rest = (dropped & ((one << (SHIFT > 0 ? SHIFT - 1 : 0)) - 1)) != 0;
    const bool negative = total < 0;
    bool up = false;
    switch (MODE) {
        case 0: up = half && (rest || quotient[0]); break;   // half to even
        case 1: up = half; break;                            // half up
        case 2: up = half && rest; break;                    // half down
        case 3: break;                                       // floor
        case 4: up = half || rest; break;                    // ceil
        case 5: up = negative && (half || rest); break;      // to zero
        case 6: up = !negative && (half || rest); break;     // away from zero
        case 7: up = half && (rest || negative); break;      // half to zero
        default: up = half && (rest || !negative); break;    // half away from zero
    }
    return quotient + ap_uint<1>(up);
}

template <typename P>
void tr_round_shift(hls::stream<ap_uint<P::PE * P::IN_BITS> > &s_axis,
                    hls::stream<ap_uint<P::PE * P::OUT_BITS> > &m_axis) {
    typedef tr_round_shift_sum<P, P::BIASED> sum;
    const int long_bits = sum::BITS > P::SHIFT ? sum::BITS : P::SHIFT + 1;
    const int folds = P::CHANNELS / P::PE;
    int fold = 0;
    for (int word = 0; word < P::WORDS; word++) {
#pragma HLS PIPELINE II = 1
        const ap_uint<P::PE * P::IN_BITS> x = s_axis.read();
        ap_uint<P::PE * P::OUT_BITS> y = 0;
        for (int lane = 0; lane < P::PE; lane++) {
#pragma HLS UNROLL
            const ap_int<long_bits> total = sum::of(tr_get<P::IN_BITS, P::IN_SIGNED>(x, lane), fold, lane);
            const ap_int<long_bits + 1> rounded = tr_round_shift_round<P::SHIFT, P::MODE>(total);
            ap_int<32> clipped;
            if (rounded < ap_int<32>(P::LOW)) clipped = P::LOW;
            else if (rounded > ap_int<32>(P::HIGH)) clipped = P::HIGH;
            else clipped = rounded;
            tr_set<P::OUT_BITS>(y, lane, clipped);
        }
        m_axis.write(y);
        fold = fold == folds - 1 ? 0 : fold + 1;
    }
}

#endif
