// SPDX-License-Identifier: Apache-2.0
//
// tr_axis_user: one beat of an AXI-Stream with a user bit, beside those of tr_axis.hpp; the vendor's where that has it.

#ifndef TR_AXIS_USER_HPP
#define TR_AXIS_USER_HPP

#include "tr_axis.hpp"

#ifndef TR_AXIS_OF_VENDOR
template <int WIDTH>
struct ap_axiu<WIDTH, 1, 0, 0> {
    static_assert(WIDTH % 8 == 0, "whole bytes");
    ap_uint<WIDTH> data;
    ap_uint<WIDTH / 8> keep;
    ap_uint<WIDTH / 8> strb;
    ap_uint<1> user;
    ap_uint<1> last;
};
#endif

#endif
