// SPDX-License-Identifier: Apache-2.0
//
// tr_axis.hpp: ap_axiu<WIDTH, 0, 0, 0>, a word of AXI-Stream at the edge of a design.
//
// The vendor's own, from <ap_axi_sdata.h>, where it is on the include path; for any other compiler the same members
// without the side channels that have no bits.

#ifndef TR_AXIS_HPP
#define TR_AXIS_HPP

#include "tr_common.hpp"

#ifdef __has_include
#if __has_include(<ap_axi_sdata.h>)
#define TR_AXIS_OF_VENDOR
#endif
#endif

#ifdef TR_AXIS_OF_VENDOR
#include <ap_axi_sdata.h>
#else
template <int WIDTH, int USER, int ID, int DEST>
struct ap_axiu {
    static_assert(WIDTH % 8 == 0 && USER == 0 && ID == 0 && DEST == 0, "whole bytes, and no TUSER, TID, TDEST");
    ap_uint<WIDTH> data;
    ap_uint<WIDTH / 8> keep;
    ap_uint<WIDTH / 8> strb;
    ap_uint<1> last;
};
#endif

#endif
