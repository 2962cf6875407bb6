# SPDX-License-Identifier: Apache-2.0
"""What the tests of the image blocks share: the sources of a block, its schedule edge by edge, its bench.

cycles = edges_of(block.ring(), frames=3)    # when each word would be taken and leave, without stalls
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner
from rtl_harness import StreamRunResult, assert_frames_equal, build_rtl, random_frames
from tailrace.blocks.base import Stream
from tailrace.core.data import data_folder
from tailrace.core.types import IntType
from tailrace.tools.formal import Proof, prove
from tailrace.tools.verilator import verilator_environment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tailrace.blocks.base import Block, Integers
    from tailrace.blocks.ring import RingSchedule

PARTS: dict[str, tuple[str, ...]] = {
    "pad": (),
    "window": ("axis", "ring"),
    "window_parallel": ("axis",),
    "upsample": ("ring",),
    "shuffle": ("ring",),
    "slice": (),
    "permute": ("rom",),
}
"""The modules that the blocks are made of."""


def parts_of(name: str) -> list[Path]:
    """Return the Verilog files that ``tr_<name>`` needs besides its own."""
    return [data_folder("rtl") / f"tr_{part}.v" for part in PARTS[name]]


def image(height: int, width: int, channels: int, *, lanes: int = 1, bits: int = 3) -> dict[str, Any]:
    """Return the fields of a block that say what its input is; signed unless a value is one bit."""
    words = height * width * channels // lanes
    stream = Stream(lanes=lanes, type=IntType(bits, signed=bits > 1), words=words)
    return {"stream": stream, "height": height, "width": width, "channels": channels}


@dataclass(frozen=True)
class Edges:
    """The numbers of the edges on which input words are taken and output words leave; input is always there."""

    taken: Integers
    left: Integers

    def interval(self, words_out: int, frames: int) -> float:
        """Return the cycles per frame in the second half of the frames."""
        ends = self.left[words_out - 1 :: words_out]
        half = (frames - 1) // 2
        return float(ends[-1] - ends[half]) / (frames - 1 - half)


def edges_of(schedule: RingSchedule, *, frames: int, depth: int | None = None) -> Edges | None:
    """Step through a schedule as RingSchedule says, perhaps with another depth; None if it gets stuck."""
    places = schedule.depth if depth is None else depth
    kept = np.tile(schedule.kept, frames).tolist()
    period = int(schedule.kept.sum())
    sources = (np.arange(frames)[:, None] * period + schedule.sources).ravel().tolist()
    freed = np.tile(schedule.freed, frames).tolist()
    taken: list[int] = []
    left: list[int] = []
    stored = released = edge = 0  # words stored in all, words freed in all
    while len(left) < len(sources) or len(taken) < len(kept):
        fetch = len(left) < len(sources) and sources[len(left)] < stored
        offered = len(taken) < len(kept)
        take = offered and (not kept[len(taken)] or stored - released < places)
        if not (fetch or take):
            return None
        if take:
            stored += kept[len(taken)]
            taken.append(edge)
        if fetch:
            released += freed[len(left)]
            left.append(edge + 1)
        edge += 1
    return Edges(np.array(taken), np.array(left))


def check_image_rtl(
    block: Any, *, folder: Path, seed: int, count: int = 6, stalls: tuple[float, ...] = (0.3, 0.7)
) -> StreamRunResult:
    """Assert that the Verilog gives what ``evaluate`` says, with stalls and without, in interval and latency.

    The latency counts from edge 0, on which the first word is offered. Returned is the run without stalls.
    """
    model = build_rtl(block, folder=folder, sources=parts_of(block.name))
    frames = random_frames(block, count, seed=seed)
    expected = block.evaluate(*frames)
    smooth = model.run(frames, seed=seed)
    assert_frames_equal(expected, smooth)
    assert block.interval_cycles == smooth.interval_cycles
    assert block.latency_cycles == smooth.output_cycles[0][0]
    for stall in stalls:
        assert_frames_equal(expected, model.run(frames, stall=stall, seed=seed))
    return smooth


def run_image_bench(block: Block, *, folder: Path, seed: int, tests: int) -> None:
    """Run ``sim/test_<name>.py``, which has ``tests`` tests, under cocotb on the Verilog of ``block``."""
    top = f"tr_{block.name}"
    parameters: dict[str, int | str] = dict(block.parameters())
    for memory in block.memories():
        file = f"layer_0_{memory.name}.mem"
        (folder / file).write_text(memory.hex_lines(), encoding="utf-8")
        parameters[f"{memory.name.upper()}_FILE"] = f'"{file}"'
    # cocotb looks for Verilator on PATH, and hands sys.path on to the simulation.
    path = mock.patch.object(sys, "path", [str(data_folder("sim")), *sys.path])
    environment = verilator_environment()
    environment["MAKEFLAGS"] += (
        " OPT_FAST=-O0 OPT_SLOW=-O0 OPT_GLOBAL=-O0"  # compiling takes longer than running
    )
    with mock.patch.dict(os.environ, environment), path:
        runner = get_runner("verilator")
        runner.build(
            sources=[data_folder("rtl") / f"{top}.v", *parts_of(block.name)],
            hdl_toplevel=top,
            parameters=parameters,
            build_dir=folder / "build",
            build_args=["-Wall"],
        )
        results = runner.test(
            hdl_toplevel=top,
            test_module=f"test_{block.name}",
            build_dir=folder / "build",
            test_dir=folder,
            extra_env={"TR_SEED": str(seed % 1000)},
        )
    assert get_results(results) == (tests, 0)


def prove_image(
    name: str,
    parameters: Mapping[str, int],
    *,
    folder: Path,
    depth: int,
    mutant: tuple[str, str, str] | None = None,
    induction: bool = True,
) -> Proof:
    """Prove ``tr_<name>`` with its parts; ``mutant`` is (module, text in it, what replaces the text)."""
    sources = []
    for source in [data_folder("rtl") / f"tr_{name}.v", *parts_of(name)]:
        text = source.read_text(encoding="utf-8")
        if mutant is not None and source.stem == f"tr_{mutant[0]}":
            assert text.count(mutant[1]) == 1, (
                f"{mutant[1]!r} is {text.count(mutant[1])} times in {source.name}"
            )
            text = text.replace(mutant[1], mutant[2])
        sources.append(folder / source.name)
        sources[-1].write_text(text, encoding="utf-8")
    return prove(
        sources=sources,
        top=f"tr_{name}",
        parameters=parameters,
        depth=depth,
        folder=folder,
        timeout_seconds=120,
        induction=induction,
    )
