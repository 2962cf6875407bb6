# SPDX-License-Identifier: Apache-2.0
"""The name of a network as a name in Verilog and C++."""

from __future__ import annotations

import re

import hypothesis
import pytest
from hypothesis import strategies as st
from tailrace.planning.plan import RESERVED, identifier


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("digits", "digits"),
        ("TFC_2W2A", "tfc_2w2a"),
        ("unsw_nb15-mlp-w2a2", "unsw_nb15_mlp_w2a2"),
        ("mein netz (1)", "mein_netz_1"),
        ("8bit", "net_8bit"),
        ("größe", "gr_e"),
        ("", "net"),
        ("__", "net"),
        ("module", "module_net"),
        ("Int", "int_net"),
        ("main", "main_net"),
        ("tr_skid", "tr_skid_net"),
    ],
)
def test_a_name_becomes_one_that_both_languages_take(name: str, expected: str) -> None:
    assert expected == identifier(name)


@hypothesis.given(name=st.one_of(st.text(), st.sampled_from(sorted(RESERVED))))
def test_every_name_becomes_an_identifier_that_is_nobody_else_s(name: str) -> None:
    found = identifier(name)
    assert re.fullmatch(r"[a-z][a-z0-9_]*", found)
    assert found not in RESERVED
    assert not found.startswith("tr_")
