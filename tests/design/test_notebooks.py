# SPDX-License-Identifier: Apache-2.0
"""What a notebook shows of a value: a short line, and a table or the report's page."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import pytest
import tailrace as tr
from tailrace.core.notebook import html_table
from tiny_network import write_tiny

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.graph import Graph


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    write_tiny(tmp_path / "tiny.onnx")
    return tr.load(tmp_path / "tiny.onnx")


def test_values_are_one_short_line(graph: Graph, tmp_path: Path) -> None:
    plan = tr.plan(graph, part="ecp5-25k", clock_mhz=50, fps=5e6)
    design = tr.emit(plan, tmp_path / "tiny")
    assert repr(graph) == "Graph('tiny': 6 × int4 → 2 Dense, 1 Map → 3 × int7)"
    assert repr(plan) == "Plan('tiny' on ecp5-25k at 50 MHz: 8 blocks, 8 cycles a frame, 6,250,000 frames/s)"
    assert repr(design.report) == "Report('tiny' on ecp5-25k: not verified, 0 of 4 equalities)"
    assert repr(design) == f"Design({str(tmp_path / 'tiny')!r}: {design.report!r})"
    assert re.fullmatch(
        r"Resources\(lut=[\d.]+, ff=[\d.]+, carry=[\d.]+, dsp=0, bram18=0, uram=0\)", repr(plan.cost)
    )
    assert max(len(number) for number in re.findall(r"[\d.]+", repr(plan.cost))) <= 7


def test_counts_that_are_whole_are_integers(graph: Graph, tmp_path: Path) -> None:
    report = tr.emit(tr.plan(graph, part="ecp5-25k"), tmp_path / "tiny").report
    counts = [getattr(layer, key) for layer in report.layers for key in ("lut", "ff", "dsp", "bram18")]
    assert [count for count in counts if isinstance(count, float) and count.is_integer()] == []
    assert {type(count) for count in counts} == {int, float}


def test_graphs_and_plans_are_tables_in_a_notebook(graph: Graph) -> None:
    shown = graph._repr_html_()
    assert shown.count("<tr>") == 1 + len(graph.nodes)
    assert "<td>dense_0</td><td>Dense</td><td>in</td>" in shown
    plan = tr.plan(graph, part="ecp5-25k")
    shown = plan._repr_html_()
    assert shown.count("<tr>") == 1 + len(plan.instances)
    assert "<td>dense_0</td><td>dense_folded</td>" in shown


def test_a_report_is_its_page_in_a_frame_of_its_own(graph: Graph, tmp_path: Path) -> None:
    design = tr.emit(tr.plan(graph, part="ecp5-25k"), tmp_path / "tiny")
    design.report.write(tmp_path / "report.html")
    shown = design._repr_html_()
    (page,) = re.findall(r'<iframe srcdoc="([^"]*)"', shown)
    assert unescape(page) == (tmp_path / "report.html").read_text(encoding="utf-8")
    assert shown.count("<") == 2


def test_tables_escape_names_and_leave_nothing_for_nothing() -> None:
    shown = html_table("<b>", ["a&b"], [["<i>"], [None], [12345], [1.5]])
    assert shown == (
        "<p>&lt;b&gt;</p><table><thead><tr><th>a&amp;b</th></tr></thead><tbody><tr><td>&lt;i&gt;</td></tr>"
        "<tr><td></td></tr><tr><td>12,345</td></tr><tr><td>1.5</td></tr></tbody></table>"
    )
