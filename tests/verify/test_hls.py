# SPDX-License-Identifier: Apache-2.0
"""The C++ of a design against the integer graph: data, last, keep and strb of every word, words too many or too few."""

from __future__ import annotations

import shutil

import pytest
import tailrace
from tailrace.core.errors import Mismatch
from tailrace.tools.verilator import SimulationError
from tailrace.verify.hardware import SignalMismatch
from tailrace.verify.hls import verify_hls
from tailrace.verify.vectors import random_integers
from tiny_network import write_tiny


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> tailrace.Design:
    folder = tmp_path_factory.mktemp("tiny")
    plan = tailrace.plan(tailrace.load(write_tiny(folder / "tiny.onnx")), part="xc7a35t", fps=1e6)
    return tailrace.emit(plan, folder / "design", backends=("hls",))


def verified(design: tailrace.Design, folder, good: str = "", bad: str = "", name: str = "tr_frame.hpp"):
    """Verify a copy of the design in which a text of a file is another one."""
    shutil.copytree(design.folder, folder, ignore=shutil.ignore_patterns("check"))
    path = folder / "hls" / name
    assert good in path.read_text()
    path.write_text(path.read_text().replace(good, bad, 1) if good else path.read_text())
    graph = design.plan.graph
    q = random_integers(graph, 9, seed=1)
    return verify_hls(design.plan, folder, q, graph.predict_int(q))


def test_the_emitted_cpp_has_no_mismatch(tiny, tmp_path):
    result = verified(tiny, tmp_path / "good")
    assert (result.vectors, result.mismatches, result.first) == (9, 0, None)


@pytest.mark.parametrize(
    ("change", "signal", "wrong"),
    [
        (("i == P::WORDS - 1", "0"), "last", (2, 9)),
        (("i == P::WORDS - 1", "1"), "last", (0, 18)),
        (("i == P::WORDS - 1", "i == P::WORDS - 2"), "last", (1, 18)),
        (("beat.keep = -1", "beat.keep = 0"), "keep", (0, 27)),
        (("beat.strb = -1", "beat.strb = 0"), "strb", (0, 27)),
    ],
    ids=["never", "always", "a-word-early", "keep", "strb"],
)
def test_a_wrong_signal_beside_the_data_is_a_mismatch(tiny, change, signal, wrong, tmp_path):
    word, count = wrong
    result = verified(tiny, tmp_path / "bad", *change)
    assert isinstance(result.first, SignalMismatch)
    assert (result.first.layer, result.first.index, result.mismatches) == (
        f"m_axis.{signal}",
        (0, word),
        count,
    )
    assert str(result.first).startswith(f"hls: m_axis.{signal}: word {word} of frame 0 has ")


def test_padding_that_is_not_extended_is_a_mismatch(tiny, tmp_path):
    result = verified(tiny, tmp_path / "bad", "tr_get<P::BITS, P::SIGNED>", "tr_get<P::BITS, 0>")
    assert isinstance(result.first, Mismatch)
    assert result.first.layer == tiny.plan.graph.output


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("m_axis.write(beat); m_axis.write(beat);", "more than a frame was written"),
        ("", "was not written whole"),
    ],
    ids=["doubled", "lost"],
)
def test_a_wrong_number_of_words_is_the_hardwares_fault(tiny, bad, said, tmp_path):
    with pytest.raises(SimulationError, match=said) as caught:
        verified(tiny, tmp_path / "bad", "m_axis.write(beat);", bad)
    assert caught.value.exit_code == 3


def test_a_word_too_many_inside_that_nobody_reads_is_found(tiny, tmp_path):
    with pytest.raises(SimulationError, match=r"output_skid_out got 36 words, expected 27"):
        verified(tiny, tmp_path / "bad", "i < P::WORDS", "i <= P::WORDS", "tr_skid.hpp")
