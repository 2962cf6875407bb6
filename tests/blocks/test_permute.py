# SPDX-License-Identifier: Apache-2.0
"""Permute: numpy = HLS C++ = Verilog edge by edge, a word in and a word out every cycle."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hls_harness import HlsCase, run_hls
from image_harness import check_image_rtl, edges_of, parts_of
from rtl_harness import RtlModel, assert_frames_equal, random_frames
from tailrace.blocks.base import Stream
from tailrace.blocks.permute import Permute
from tailrace.core.data import data_folder
from tailrace.core.types import IntType
from tailrace.targets.families import FAMILIES
from tailrace.tools.verilator import StreamEnd, build_stream_simulator
from tailrace.tools.yosys import Synthesis, cell_models, synthesize

if TYPE_CHECKING:
    from pathlib import Path


def permute(*order: int, lanes: int = 2, bits: int = 3) -> Permute:
    stream = Stream(lanes=lanes, type=IntType(bits, signed=bits > 1), words=len(order))
    return Permute(stream=stream, order=np.array(order, np.int64))


def transposed(rows: int, columns: int, **stream: int) -> Permute:
    """The words of a matrix, which come row by row, column by column."""
    return permute(*np.arange(rows * columns).reshape(rows, columns).T.ravel().tolist(), **stream)


def mixed(words: int, **stream: int) -> Permute:
    """Any order, which has no pattern."""
    return permute(*np.random.default_rng(words).permutation(words).tolist(), **stream)


CASES = {
    "one word of one bit": permute(0, lanes=1, bits=1),
    "one word": permute(0, lanes=7, bits=9),
    "two words": permute(0, 1),
    "two words, the second first": permute(1, 0, lanes=1, bits=1),
    "as they came": permute(*range(5)),
    "backwards": permute(*reversed(range(7)), lanes=3, bits=1),
    "a power of two, backwards": permute(*reversed(range(8))),
    "the first goes last": permute(1, 2, 3, 4, 5, 0, lanes=1),
    "the last goes first": permute(5, 0, 1, 2, 3, 4, lanes=1),
    "transposed": transposed(3, 5, bits=5),
    "transposed, a power of two": transposed(8, 4),
    "mixed": mixed(13),
    "in block RAM": mixed(300, lanes=4, bits=7),
}


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_gives_what_numpy_gives(case: str, tmp_path: Path, seed: int) -> None:
    block = CASES[case]
    run = check_image_rtl(block, folder=tmp_path, seed=seed)
    edges = edges_of(block.ring(), frames=6)
    assert edges is not None
    assert (np.diff(run.input_cycles[0]) == 1).all()
    np.testing.assert_array_equal(run.output_cycles[0], edges.left)
    assert (np.diff(run.output_cycles[0][block.stream.words :]) == 1).all()


def test_the_cpp_gives_what_numpy_gives(tmp_path: Path, seed: int) -> None:
    cases = [HlsCase(block=block, frames=random_frames(block, 4, seed=seed)) for block in CASES.values()]
    for case, outputs in zip(cases, run_hls(cases, tmp_path), strict=True):
        expected = case.block.evaluate(*case.frames)
        np.testing.assert_array_equal(outputs[0], expected, strict=True)


def test_the_schedule_is_the_function() -> None:
    for block in CASES.values():
        lanes = block.stream.lanes
        numbers = np.arange(block.stream.words * lanes)[None]
        sources = block.evaluate(numbers).reshape(-1, lanes)
        np.testing.assert_array_equal(sources, block.ring().sources[:, None] * lanes + np.arange(lanes))
        assert block.ring().freed.sum() == block.stream.words


def test_a_transposition_is_that_of_numpy(rng: np.random.Generator) -> None:
    matrices = rng.integers(-4, 4, (3, 3, 5, 2))  # two lanes
    np.testing.assert_array_equal(
        CASES["transposed"].evaluate(matrices.reshape(3, -1)), matrices.transpose(0, 2, 1, 3).reshape(3, -1)
    )


def test_the_memory_is_the_order() -> None:
    (memory,) = permute(2, 0, 3, 1, 4).memories()
    assert (memory.name, memory.type, memory.hex_lines().split()) == (
        "order",
        IntType(3, signed=False),
        ["2", "0", "3", "1", "4"],
    )


COSTS = {
    "in LUTs": mixed(50, lanes=1, bits=8),
    "words in block RAM": mixed(200, lanes=2, bits=8),
    "both in block RAM": mixed(2000, lanes=1, bits=8),
    "an image, channels first": transposed(25, 8, lanes=1, bits=4),
    "bits of the address change places": transposed(16, 64, lanes=1, bits=8),
    "deep": transposed(256, 16, lanes=1, bits=8),
}


def synthesized(block: Permute, family: str, folder: Path) -> Synthesis:
    (memory,) = block.memories()
    (folder / "order.mem").write_text(memory.hex_lines(), encoding="utf-8")
    return synthesize(
        top="tr_permute",
        sources=[data_folder("rtl") / "tr_permute.v", *parts_of("permute")],
        folder=folder,
        family=FAMILIES[family],
        parameters={**block.parameters(), "ORDER_FILE": "order.mem"},
    )


@pytest.mark.parametrize("family", ["xc7", "xcup", "ecp5", "ice40"])
@pytest.mark.parametrize("case", COSTS)
def test_the_cost_is_that_of_yosys(case: str, family: str, tmp_path: Path) -> None:
    block = COSTS[case]
    actual = synthesized(block, family, tmp_path).resources
    estimate = block.cost(FAMILIES[family])
    assert estimate.bram18 == actual.bram18
    assert estimate.lut == pytest.approx(actual.lut, rel=0.3)
    assert estimate.ff == pytest.approx(actual.ff, rel=0.3)
    assert estimate.carry == pytest.approx(actual.carry, abs=1)


@pytest.mark.parametrize("family", ["xc7", "ecp5", "ice40"])
@pytest.mark.parametrize("case", ["mixed", "in block RAM"])
def test_the_netlist_gives_what_numpy_gives(case: str, family: str, tmp_path: Path, seed: int) -> None:
    block = CASES[case]
    models = cell_models(FAMILIES[family])
    simulator = build_stream_simulator(
        top="tr_permute",
        sources=[*models.sources, synthesized(block, family, tmp_path).netlist],
        inputs=[StreamEnd(name="s_axis", bits=block.stream.bits)],
        outputs=[StreamEnd(name="m_axis", bits=block.stream.bits)],
        folder=tmp_path / "netlist",
        options=models.options,
    )
    frames = random_frames(block, 4, seed=seed)
    run = RtlModel(block=block, simulator=simulator).run(frames, stall=0.3, seed=seed)
    assert_frames_equal(block.evaluate(*frames), run)


@pytest.mark.parametrize("order", [(0, 1, 1), (0, 1, 3), (-1, 0, 1), ()], ids=str)
def test_an_order_without_each_word_once_is_refused(order: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=f"the order of {len(order)} words must have each of them once"):
        permute(*order)


def test_an_order_of_other_words_is_refused() -> None:
    block = CASES["mixed"]
    with pytest.raises(ValueError, match=r"order must be int64 \(13,\), got int64 \(12,\)"):
        replace(block, order=block.order[:12])
    with pytest.raises(ValueError, match=r"order must be int64 \(13,\), got float64 \(13,\)"):
        replace(block, order=block.order.astype(float))
