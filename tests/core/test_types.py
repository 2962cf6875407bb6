# SPDX-License-Identifier: Apache-2.0
"""Types as people write them."""

from __future__ import annotations

import pytest
from tailrace.core.errors import UsageError
from tailrace.core.types import FixedType


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("ap_fixed<12,4>", "fixed<12,4>"),
        ("ap_ufixed< 12 , -4 >", "ufixed<12,-4>"),
        ("ap_int<8>", "int8"),
        ("ap_uint< 5 >", "uint5"),
        ("int<8>", "int8"),
    ],
)
def test_the_names_of_vitis_hls_and_hls4ml_are_read(text, same):
    assert str(FixedType.parse(text)) == same
    assert FixedType.parse(text) == FixedType.parse(same)


@pytest.mark.parametrize("text", ["ap_fixed<12>", "ap_int8,4", "fixed<12,4", "float", "int"])
def test_what_is_no_type_is_told(text):
    with pytest.raises(UsageError) as caught:
        FixedType.parse(text)
    assert caught.value.message == f"input type {text!r} is not a type"
