# SPDX-License-Identifier: Apache-2.0
"""Where the time goes: shares of a frame that add up, and who sets the rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import tailrace as tr
from tailrace.planning.streams.simulator import simulate
from tailrace.planning.streams.timeline import timeline
from tiny_network import write_tiny

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.planning.plan import Plan


def tiny(tmp_path: Path, **fold: dict[str, int]) -> Plan:
    return tr.plan(tr.load(write_tiny(tmp_path / "tiny.onnx")), part="ecp5-25k", fold=fold, engine="folded")


def test_the_shares_of_a_frame_add_up(tmp_path: Path) -> None:
    plan = tiny(tmp_path, dense_0={"pe": 1, "simd": 2}, dense_1={"pe": 1, "simd": 1})
    found = timeline(plan)
    assert [share.name for share in found.shares] == [instance.name for instance in plan.instances]
    for share in found.shares:
        assert min(share.busy, share.waits_for_input, share.waits_for_room) >= 0
        assert share.busy + share.waits_for_input + share.waits_for_room == pytest.approx(1, abs=1e-12)
    assert found.cycles == simulate(plan).interval_cycles == plan.interval_cycles


@pytest.mark.parametrize(("slow", "before"), [("dense_0", False), ("dense_1", True)])
def test_what_is_before_the_slowest_layer_waits_for_room_and_what_is_behind_for_input(
    slow: str, tmp_path: Path, *, before: bool
) -> None:
    fast = {"pe": 2, "simd": 2}
    fold = {"dense_0": fast, "dense_1": {"pe": 3, "simd": 4}, slow: {"pe": 1, "simd": 1}}
    found = timeline(tiny(tmp_path, **fold))
    assert {share.node for share in found.bottlenecks} == {slow}
    assert found.in_words() == f"{slow} sets the rate: busy in every cycle of a frame"
    other = next(share for share in found.shares if share.name == ("dense_0" if before else "dense_1"))
    assert other.busy < 1
    if before:
        assert other.waits_for_room > other.waits_for_input
    else:
        assert other.waits_for_room == 0
