# SPDX-License-Identifier: Apache-2.0
"""A netlist against the integer graph, whole and block by block; the Verilog itself stands for the netlists here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tailrace
from tailrace.core.errors import Mismatch
from tailrace.emission.rtl import library_files, module_names
from tailrace.tools.yosys import CellModels
from tailrace.verify import netlist
from tailrace.verify.hardware import SignalMismatch
from tailrace.verify.netlist import check_stage, plan_trace, stage_simulator, verify_netlist
from tailrace.verify.vectors import random_integers
from tiny_network import write_tiny

if TYPE_CHECKING:
    from pathlib import Path

GOOD = ("", "")
TLAST_ALWAYS = ("m_axis_tlast  = last", "m_axis_tlast  = 1'b1 || last")
NOT_EXTENDED = ("SIGNED != 0 && word_q", "1'b0 && word_q")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> tailrace.Design:
    folder = tmp_path_factory.mktemp("tiny")
    plan = tailrace.plan(tailrace.load(write_tiny(folder / "tiny.onnx")), part="xc7a35t", fps=1e6)
    return tailrace.emit(plan, folder / "design", backends=("rtl",))


def models(design: tailrace.Design, folder: Path, good: str, bad: str) -> CellModels:
    """Return the library as cells, one text of it another; they read the memories of the stages."""
    sources = []
    for name, text in library_files(stage.block for stage in design.plan.stages).items():
        path = folder / name
        path.write_text(text.replace(good, bad) if good else text)
        sources.append(path)
    return CellModels(
        sources=tuple(sources), include_folders=(), memories=tuple((design.folder / "rtl").glob("*.mem"))
    )


def netlists(design: tailrace.Design) -> dict[str, Path]:
    plan = design.plan
    return {stage.name: design.folder / "rtl" / module_names(plan, stage)[-1] for stage in plan.stages}


def verified(design: tailrace.Design, folder: Path, change: tuple[str, str]):
    graph = design.plan.graph
    q = random_integers(graph, 8, seed=1)
    return verify_netlist(
        design.plan,
        design.folder,
        netlists(design),
        q,
        graph.predict_int(q),
        cells=100,
        stall=0.3,
        seed=1,
        models=models(design, folder, *change),
    )


def test_netlists_that_are_right_have_no_mismatch(tiny, tmp_path):
    result = verified(tiny, tmp_path, GOOD)
    assert (result.vectors, result.mismatches, result.first) == (8, 0, None)


@pytest.mark.parametrize(
    ("change", "kind"), [(TLAST_ALWAYS, SignalMismatch), (NOT_EXTENDED, Mismatch)], ids=["tlast", "sign"]
)
def test_a_whole_netlist_with_a_wrong_port_is_a_mismatch(tiny, change, kind, tmp_path):
    result = verified(tiny, tmp_path, change)
    assert type(result.first) is kind
    assert result.first.stage == "netlist"


@pytest.mark.parametrize("change", [GOOD, TLAST_ALWAYS], ids=["good", "tlast"])
def test_the_last_stage_alone_is_checked_with_its_tlast(tiny, change, tmp_path):
    plan = tiny.plan
    stage = plan.stages[-1]
    simulator = stage_simulator(
        plan, stage, netlists(tiny)[stage.name], tmp_path, models(tiny, tmp_path, *change)
    )
    q = random_integers(plan.graph, 8, seed=1)
    found = check_stage(plan, stage, simulator, plan_trace(plan, q), stall=0.3, seed=1)
    if change == GOOD:
        assert found is None
    else:
        assert (found.layer, found.index, found.expected, found.got) == ("m_axis_tlast", (0, 0), 0, 1)


def test_a_large_netlist_is_checked_block_by_block_and_on_fewer_vectors(tiny, tmp_path, monkeypatch):
    plan, checked = tiny.plan, []
    monkeypatch.setattr(netlist, "stage_simulator", lambda *_arguments: None)

    def check(_plan, stage, _simulator, trace, **_options):
        checked.append((stage.name, len(trace[plan.input])))

    monkeypatch.setattr(netlist, "check_stage", check)
    q = np.zeros((64, 6), np.int64)
    cells = netlist.WORK_AT_MOST // (10 * plan.interval_cycles)
    result = verify_netlist(
        plan, tmp_path, netlists(tiny), q, np.zeros((64, 3), np.int64), cells=cells, stall=0.3, seed=1
    )
    assert checked == [(stage.name, 10) for stage in plan.stages]
    assert (result.vectors, result.mismatches) == (10, 0)
