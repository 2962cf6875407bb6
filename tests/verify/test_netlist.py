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
from tailrace.verify.netlist import check_instance, instance_simulator, plan_trace, verify_netlist
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
    """Return the library as cells, one text of it another; they read the memories of the instances."""
    sources = []
    for name, text in library_files(instance.block for instance in design.plan.instances).items():
        path = folder / name
        path.write_text(text.replace(good, bad) if good else text)
        sources.append(path)
    return CellModels(
        sources=tuple(sources), include_folders=(), memories=tuple((design.folder / "rtl").glob("*.mem"))
    )


def netlists(design: tailrace.Design) -> dict[str, Path]:
    plan = design.plan
    return {
        instance.name: design.folder / "rtl" / module_names(plan, instance)[-1] for instance in plan.instances
    }


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
    assert result.first.check == "netlist"


@pytest.mark.parametrize("change", [GOOD, TLAST_ALWAYS], ids=["good", "tlast"])
def test_the_last_instance_alone_is_checked_with_its_tlast(tiny, change, tmp_path):
    plan = tiny.plan
    instance = plan.instances[-1]
    simulator = instance_simulator(
        plan, instance, netlists(tiny)[instance.name], tmp_path, models(tiny, tmp_path, *change)
    )
    q = random_integers(plan.graph, 8, seed=1)
    found = check_instance(plan, instance, simulator, plan_trace(plan, q), stall=0.3, seed=1)
    if change == GOOD:
        assert found is None
    else:
        assert (found.layer, found.index, found.expected, found.got) == ("m_axis_tlast", (0, 0), 0, 1)


def test_a_large_netlist_is_checked_block_by_block_and_on_fewer_vectors(tiny, tmp_path, monkeypatch):
    plan, checked = tiny.plan, []
    monkeypatch.setattr(netlist, "instance_simulator", lambda *_arguments: None)

    def check(_plan, instance, _simulator, trace, **_options):
        checked.append((instance.name, len(trace[plan.inputs[0]])))

    monkeypatch.setattr(netlist, "check_instance", check)
    q = np.zeros((64, 6), np.int64)
    cells = netlist.WORK_AT_MOST // (10 * plan.interval_cycles)
    result = verify_netlist(
        plan, tmp_path, netlists(tiny), q, np.zeros((64, 3), np.int64), cells=cells, stall=0.3, seed=1
    )
    assert checked == [(instance.name, 10) for instance in plan.instances]
    assert (result.vectors, result.mismatches) == (10, 0)
