# SPDX-License-Identifier: Apache-2.0
"""A design with one place changed is found out, one of each kind; the campaign with many is ``make mutants``."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import onnx
import pytest
import tailrace
from image_networks import random_image_network
from mutants import KINDS, SURVIVED, Mutant, mutants, outcome, proven_equal, sample

if TYPE_CHECKING:
    from pathlib import Path

SEED = 34
"""Of a network with a convolution, a pool, tables and a ring."""


@pytest.fixture(scope="module")
def design(tmp_path_factory) -> tailrace.Design:
    folder = tmp_path_factory.mktemp("design")
    network = random_image_network(SEED, layers=4)
    onnx.save(network.model, folder / "net.onnx")
    graph = tailrace.load(folder / "net.onnx", network.input_type)
    return tailrace.emit(
        tailrace.plan(graph, part="ecp5-85k", clock_mhz=100, fps=50e3, engine="folded"), folder / "net"
    )


def mutant_of(design: tailrace.Design, kind: str, file: str, old: str, new: str) -> Mutant:
    """Return the change of the first ``old`` in the first file of that name to ``new``."""
    path = next(path for path in sorted(design.folder.glob(file)) if old in path.read_text())
    text = path.read_text()
    offset = text.index(old)
    line = text.count("\n", 0, offset) + 1
    return Mutant(
        kind=kind, file=str(path.relative_to(design.folder)), line=line, offset=offset, old=old, new=new
    )


ENDS, INSIDE, RESETS = {"stalls at the ends"}, {"stalls inside"}, {"resets"}

CHANGES = [
    ("handshake", "rtl/tr_skid.v", "!out_valid_q || m_axis_tready", "!out_valid_q && m_axis_tready", ENDS),
    ("handshake", "rtl/tr_skid.v", "if (ready_q) spare_q", "spare_q", ENDS | INSIDE),
    ("schedule", "rtl/tr_dense_schedule.v", "fold_q == LAST_FOLD", "fold_q != LAST_FOLD", ENDS),
    ("width", "rtl/tr_frame.v", "reg [LANES*BITS-1:0] word_q", "reg [LANES*BITS-2:0] word_q", ENDS),
    ("sign", "rtl/net_frame.v", ".SIGNED(1)", ".SIGNED(0)", ENDS),
    ("tlast", "rtl/tr_frame.v", "m_axis_tlast  = last", "m_axis_tlast  = !last", ENDS),
    ("reset", "rtl/tr_skid.v", "out_valid_q <= 1'b0;", "", ENDS | RESETS),
    ("ring depth", "rtl/net_window_0.v", ".DEPTH(", ".DEPTH(1", {"constants"}),
    ("wiring", "rtl/net.v", ".s_axis_tdata(in_tdata)", ".s_axis_tdata(~in_tdata)", ENDS),
    ("C++ parameters", "hls/net.hpp", "OUT_SIGNED = 1", "OUT_SIGNED = 0", {"C++", "constants"}),
    ("C++ logic", "hls/tr_frame.hpp", "i < P::WORDS", "i < P::WORDS - 1", {"C++"}),
]


@pytest.mark.parametrize(
    "change", CHANGES, ids=[f"{kind}-{old}".replace(" ", "-") for kind, _, old, _, _ in CHANGES]
)
def test_a_changed_design_is_found_out(design, change, tmp_path):
    *where, checks = change
    result = outcome(design, mutant_of(design, *where), tmp_path / "mutant", with_lint=False)
    assert result.found in checks, result.said


@pytest.mark.parametrize("kind", ["weights", "thresholds", "C++ constants"])
def test_a_changed_constant_is_found_out(design, kind, tmp_path):
    mutant = next(mutant for mutant in mutants(design) if mutant.kind == kind)
    assert outcome(design, mutant, tmp_path / "mutant", with_lint=False).found in {
        "stalls at the ends",
        "constants",
        "C++",
    }


def test_every_kind_has_places_in_this_design_and_a_sample_has_each(design):
    every = mutants(design)
    assert set(Counter(mutant.kind for mutant in every)) == set(KINDS)
    drawn = sample(every, 1, seed=1)
    assert [mutant.kind for mutant in drawn] == list(KINDS)
    assert drawn == sample(mutants(design), 1, seed=1)


def test_every_place_is_where_it_says(design):
    texts: dict[str, str] = {}
    for mutant in mutants(design):
        text = texts.setdefault(mutant.file, (design.folder / mutant.file).read_text())
        assert text[mutant.offset : mutant.offset + len(mutant.old)] == mutant.old != mutant.new
        assert text.count("\n", 0, mutant.offset) + 1 == mutant.line


def test_a_change_that_makes_no_difference_is_proven_to_make_none_and_another_is_not(design, tmp_path):
    same = mutant_of(
        design, "handshake", "rtl/tr_skid.v", "!out_valid_q || m_axis_tready", "m_axis_tready || !out_valid_q"
    )
    assert outcome(design, same, tmp_path / "same", with_lint=False).found == SURVIVED
    assert proven_equal(design, same, tmp_path / "same")
    other = mutant_of(design, "handshake", "rtl/tr_skid.v", "if (ready_q) spare_q", "spare_q")
    folder: Path = tmp_path / "same"
    same_back = mutant_of(tailrace.Design.open(folder), "handshake", "rtl/tr_skid.v", same.new, same.old)
    same_back.apply(folder)
    other.apply(folder)
    assert not proven_equal(design, other, folder)
