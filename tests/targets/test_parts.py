# SPDX-License-Identifier: Apache-2.0
"""Parts and boards: names in, the right devices out, and help for names that do not exist."""

from __future__ import annotations

import pytest
from tailrace.blocks.lanes import memory
from tailrace.core.errors import UsageError
from tailrace.core.resources import Resources
from tailrace.targets.families import FAMILIES
from tailrace.targets.parts import ALIASES, PARTS, VENDOR_TOOLS, part


def test_every_part_has_a_family_and_a_name_of_its_own() -> None:
    assert len({each.name for each in PARTS}) == len(PARTS)
    for each in PARTS:
        assert each.family is FAMILIES[each.family.name]
        assert each.estimator.yosys is not None
        assert (each.family.yosys is not None) == each.open_synthesis == bool(each.open_flow)
        assert each.family.nextpnr or not each.placer_options
        placed_by_us = each.placer_options and each.family.nextpnr.pin
        assert len(each.harness_pins) == (4 if placed_by_us else 0)
        assert each.open_synthesis or each.tools
        assert set(each.tools) <= set(VENDOR_TOOLS)
        assert min(each.lut, each.ff, each.bram18) > 0
        assert part(each.name) is each


@pytest.mark.parametrize(
    ("name", "found", "device"),
    [
        ("xczu7ev-ffvc1156-2-e", "xczu7ev", "xczu7ev-ffvc1156-2-e"),
        ("xczu7ev", "xczu7ev", "xczu7ev-ffvc1156-2-e"),
        ("XC7Z020CLG400-2", "xc7z020", "XC7Z020CLG400-2"),
        ("xc7a100tftg256-1", "xc7a100t", "xc7a100tftg256-1"),
        ("xc7a35ticsg324-1L", "xc7a35t", "xc7a35ticsg324-1L"),
        ("xck26-sfvc784-2LVI-i", "xck26", "xck26-sfvc784-2LVI-i"),
        ("KV260", "xck26", "xck26-sfvc784-2LV-c"),
        ("LFE5U-45F-8BG256C", "ecp5-45k", "LFE5U-45F-8BG256C"),
        ("iCE40UP5K-SG48I", "ice40-up5k", "iCE40UP5K-SG48I"),
        (" ecp5-85k ", "ecp5-85k", "LFE5U-85F-6BG381C"),
        ("5CGXFC7C7F23C8", "5cgxfc7", "5CGXFC7C7F23C8"),
        ("MPF300TS-FCG1152-1", "mpf300t", "MPF300TS-FCG1152-1"),
        ("lifcl-40", "lifcl-40", "LIFCL-40-9BG400C"),
    ],
)
def test_full_names_and_other_names_are_understood(name: str, found: str, device: str) -> None:
    assert (found, device) == (part(name).name, part(name).device)


def test_counts_of_a_part() -> None:
    assert part("xczu7ev").resources == Resources(lut=230_400, ff=460_800, dsp=1_728, bram18=624, uram=96)
    assert part("ice40-hx8k").resources == Resources(lut=7_680, ff=7_680, dsp=0, bram18=8)
    assert part("ecp5um5g-85k").placer_options == ("--um5g-85k", "--package", "CABGA381", "--speed", "8")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("ecp5-58k", "did you mean ecp5-85k, ecp5-45k, ecp5-25k? tailrace parts lists all of them"),
        ("xczu7e", "did you mean xczu7ev, xczu9eg, xczu3eg? tailrace parts lists all of them"),
        ("stratix10", "tailrace parts lists all of them"),
        ("", "tailrace parts lists all of them"),
    ],
)
def test_unknown_part_is_an_error_with_help(name: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        part(name)
    assert str(caught.value) == f"there is no part {name!r}\n  hint: {hint}"
    assert caught.value.exit_code == 2


def test_every_alias_leads_to_a_part() -> None:
    for alias, name in ALIASES.items():
        assert part(alias).name == name


@pytest.mark.parametrize(("family", "blocks"), [("ice40", 8 * 0.25), ("xc7", 2), ("ecp5", 2)])
def test_constants_in_blocks_count_them_in_18_kbit(family: str, blocks: float) -> None:
    assert memory(FAMILIES[family], words=4096, bits=8, style=3).bram18 == blocks
