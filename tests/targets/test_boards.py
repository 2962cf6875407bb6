# SPDX-License-Identifier: Apache-2.0
"""Boards: names in, parts and pins out, and help for what does not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tailrace.core.errors import UsageError
from tailrace.targets import boards as module
from tailrace.targets.boards import NEEDED, Pins, board, boards

if TYPE_CHECKING:
    from pathlib import Path

LINKED = {
    "colorlight-i5",
    "ecp5-evn",
    "ecpix5",
    "ice40hx8k-b-evn",
    "icebreaker",
    "orangecrab-25f",
    "orangecrab-85f",
    "tangnano20k",
    "tangnano9k",
    "ulx3s-12f",
    "ulx3s-25f",
    "ulx3s-45f",
    "ulx3s-85f",
}


def test_every_board_has_a_part_and_a_clock_and_says_where_its_pins_are_from() -> None:
    assert {each.name for each in boards() if each.linked} == LINKED
    for each in boards():
        assert each.clock_mhz > 0
        assert each.title
        assert board(each.name.upper()) == each
        assert bool(each.source) == bool(each.pins)
        if each.constraints is not None:
            text = each.constraints.read_text()
            assert "clk" in text
            assert "led" in text


def test_no_pin_of_a_board_is_used_twice() -> None:
    for each in boards():
        sites = [site for pins in (*each.pins.values(), *each.ties) for site in pins.sites]
        assert sorted(set(sites)) == sorted(sites), each.name


def test_the_serial_line_of_a_board_is_within_half_a_percent_of_its_speed() -> None:
    for each in boards():
        if each.linked:
            assert all(len(each.pins[role].sites) == 1 for role in NEEDED)
            assert each.sixteenths_per_bit >= 8 * 16
            assert abs(16 * each.clock_mhz * 1e6 / each.sixteenths_per_bit / each.baud - 1) < 0.005
            assert "{bitstream}" in each.flash


def test_the_name_of_a_folder_is_that_of_its_usual_variant() -> None:
    assert board("ulx3s").name == "ulx3s-85f"
    assert board("orangecrab").part.name == "ecp5-25k"
    assert board("ULX3S-12F").part.name == "ecp5-12k"


def test_a_board_may_have_another_package_than_its_part_usually_has() -> None:
    assert board("orangecrab-25f").part.placer_options == ("--25k", "--package", "CSFBGA285", "--speed", "8")


def test_unknown_board_is_an_error_with_help() -> None:
    with pytest.raises(UsageError) as caught:
        board("ulx4s")
    assert str(caught.value) == (
        "there is no board 'ulx4s'\n  hint: did you mean ulx3s? tailrace boards lists all of them"
    )


def test_pins_that_are_none_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="clk has no pins"):
        Pins(name="clk", sites=())
    with pytest.raises(UsageError, match="pull of clk is 'sideways'\n  hint: use one of up, down, none"):
        Pins(name="clk", sites=("A1",), pull="sideways")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/board.toml").write_text(
        'title = "Mine"\npart = "ecp5-25k"\nclock_mhz = 25\n[pins.uart]\nsites = ["A1"]\n'
    )
    monkeypatch.setattr(module, "data_folder", lambda _: tmp_path)
    with pytest.raises(UsageError, match="there is no role 'uart'\n  hint: use one of clk, uart_rx"):
        boards()
