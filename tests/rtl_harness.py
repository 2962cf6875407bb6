# SPDX-License-Identifier: Apache-2.0
"""Run the Verilog of one block in a simulator on integer frames, and measure its schedule.

    model = build_rtl(block, folder=tmp_path)                 # two to three seconds
    run = model.run(frames, stall=0.3, seed=7)                # milliseconds; `frames` as for block.evaluate
    assert_frames_equal(block.evaluate(frames), run)

`run_rtl` does both.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING
from unittest import mock

import numpy as np
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner
from tailrace.core.data import data_folder
from tailrace.core.packing import pack, unpack
from tailrace.tools.formal import Proof, prove
from tailrace.tools.verilator import StreamEnd, StreamSimulator, build_stream_simulator, verilator_environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tailrace.blocks.base import Block, Integers


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRunResult:
    """What the Verilog did.

    ``frames``: one (frames, values) int64 array per output.
    ``interval_cycles``: cycles per frame in the second half of a run without stalls; 0.0 for one frame.
    ``latency_cycles``: from the edge that took the first word to the edge that took the first output word.
    ``input_cycles``, ``output_cycles``: per port, the numbers of the edges that took a word.
    """

    frames: tuple[Integers, ...]
    interval_cycles: float
    latency_cycles: int
    input_cycles: tuple[Integers, ...]
    output_cycles: tuple[Integers, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RtlModel:
    """A compiled ``tr_<name>`` with the parameters and memories of ``block``."""

    block: Block
    simulator: StreamSimulator

    def run(
        self,
        frames: Integers | Sequence[Integers],
        *,
        stall: float = 0.0,
        seed: int = 1,
        waves: Path | None = None,
        timeout_cycles: int = 20_000,
    ) -> StreamRunResult:
        """Simulate ``frames``: (frames, values) integers, or one such array per input."""
        block = self.block
        arrays = (frames,) if isinstance(frames, np.ndarray) else tuple(frames)
        count = len(arrays[0])
        words = [
            pack(np.asarray(array, np.int64).reshape(count * stream.words, stream.lanes), stream.type.bits)
            for array, stream in zip(arrays, block.inputs, strict=True)
        ]
        print(f"{block.name}: stall={stall} seed={seed}")  # noqa: T201 - pytest shows it when the test fails
        run = self.simulator.run(
            words,
            expect_words=[count * stream.words for stream in block.outputs],
            stall=stall,
            seed=seed,
            waves=waves,
            timeout_cycles=timeout_cycles,
        )
        outputs = tuple(
            unpack(array, stream.lanes, stream.type.bits, signed=stream.type.signed).reshape(count, -1)
            for array, stream in zip(run.outputs, block.outputs, strict=True)
        )
        ends = run.output_cycles[0][block.outputs[0].words - 1 :: block.outputs[0].words]
        half = (count - 1) // 2
        return StreamRunResult(
            frames=outputs,
            interval_cycles=float(ends[-1] - ends[half]) / (count - 1 - half) if count > 1 else 0.0,
            latency_cycles=int(run.output_cycles[0][0] - min(cycles[0] for cycles in run.input_cycles)),
            input_cycles=run.input_cycles,
            output_cycles=run.output_cycles,
        )


def build_rtl(
    block: Block,
    *,
    folder: Path,
    top: str | None = None,
    sources: Sequence[Path] = (),
    lint: bool = True,
) -> RtlModel:
    """Compile ``rtl/tr_<name>.v`` and ``sources`` with the parameters and memory files of ``block``.

    ``top`` names another module than ``tr_<name>``, such as a wrapper in ``sources``, with its parameters.
    Inputs are ``s_axis``, or ``s0_axis``, ``s1_axis``, ...; outputs ``m_axis``, or ``m0_axis``, ...
    With ``lint`` a warning of Verilator is an error.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parameters: dict[str, int | str] = dict(block.parameters())
    for memory in block.memories():
        (folder / f"{memory.name}.mem").write_text(memory.hex_lines(), encoding="utf-8")
        parameters[f"{memory.name.upper()}_FILE"] = f"{memory.name}.mem"
    simulator = build_stream_simulator(
        top=top or f"tr_{block.name}",
        sources=[data_folder("rtl") / f"tr_{block.name}.v", *sources],
        inputs=_ports("s", [stream.bits for stream in block.inputs]),
        outputs=_ports("m", [stream.bits for stream in block.outputs]),
        folder=folder,
        parameters=parameters,
        lint=lint,
    )
    return RtlModel(block=block, simulator=simulator)


def run_rtl(
    block: Block,
    frames: Integers | Sequence[Integers],
    *,
    folder: Path,
    stall: float = 0.0,
    seed: int = 1,
    top: str | None = None,
    sources: Sequence[Path] = (),
) -> StreamRunResult:
    """Build and run once; to run several times, see :func:`build_rtl`."""
    return build_rtl(block, folder=folder, top=top, sources=sources).run(frames, stall=stall, seed=seed)


def random_frames(block: Block, count: int, *, seed: int, extremes: bool = True) -> tuple[Integers, ...]:
    """Return ``count`` random frames per input over its type; with ``extremes`` two are all min, all max."""
    generator = np.random.default_rng(seed)
    frames = []
    for stream in block.inputs:
        low, high = stream.type.min, stream.type.max
        array = generator.integers(low, high, (count, stream.lanes * stream.words), np.int64, endpoint=True)
        if extremes and count > 2:
            array[0], array[1] = low, high
        frames.append(array)
    return tuple(frames)


def assert_frames_equal(expected: Integers | tuple[Integers, ...], run: StreamRunResult) -> None:
    """Assert that every output of ``run`` is exactly what ``block.evaluate`` said."""
    wanted = expected if isinstance(expected, tuple) else (expected,)
    assert len(wanted) == len(run.frames)
    for port, (want, got) in enumerate(zip(wanted, run.frames, strict=True)):
        assert want.shape == got.shape, f"output {port}"
        wrong = np.argwhere(want != got)
        if len(wrong):
            frame, index = (int(i) for i in wrong[0])
            raise AssertionError(
                f"output {port} frame {frame} value {index} is {got[frame, index]}, "
                f"expected {want[frame, index]} ({len(wrong)} wrong)"
            )


def check_rtl(
    block: Block,
    *,
    folder: Path,
    seed: int,
    count: int = 8,
    stalls: Sequence[float] = (0.3, 0.7),
    top: str | None = None,
    sources: Sequence[Path] = (),
    frames: Sequence[Integers] = (),
) -> StreamRunResult:
    """Assert that the Verilog gives what ``evaluate`` says, with stalls and without, in interval and latency.

    The interval and the latency are those of the block; returned is the run without stalls. ``frames`` are random
    where none are given.
    """
    model = build_rtl(block, folder=folder, top=top, sources=sources)
    frames = frames or random_frames(block, count, seed=seed)
    expected = block.evaluate(*frames)
    smooth = model.run(frames, seed=seed)
    assert_frames_equal(expected, smooth)
    assert block.interval_cycles == smooth.interval_cycles
    assert block.latency_cycles == smooth.latency_cycles
    for stall in stalls:
        assert_frames_equal(expected, model.run(frames, stall=stall, seed=seed))
    return smooth


def run_bench(block: Block, *, folder: Path, seed: int, tests: int) -> None:
    """Run ``sim/test_<name>.py``, which has ``tests`` tests, under cocotb on the Verilog of ``block``."""
    # cocotb looks for Verilator on PATH, and hands sys.path on to the simulation.
    path = mock.patch.object(sys, "path", [str(data_folder("sim")), *sys.path])
    parameters: dict[str, object] = dict(block.parameters())
    for memory in block.memories():
        (folder / f"layer_0_{memory.name}.mem").write_text(memory.hex_lines(), encoding="utf-8")
        parameters[f"{memory.name.upper()}_FILE"] = f'"layer_0_{memory.name}.mem"'
    with mock.patch.dict(os.environ, verilator_environment()), path:
        runner = get_runner("verilator")
        runner.build(
            sources=[data_folder("rtl") / name for name in block.verilog_library()],
            hdl_toplevel=f"tr_{block.name}",
            parameters=parameters,
            build_dir=folder / "build",
            build_args=["-Wall"],
        )
        results = runner.test(
            hdl_toplevel=f"tr_{block.name}",
            test_module=f"test_{block.name}",
            build_dir=folder / "build",
            test_dir=folder,
            extra_env={"TR_SEED": str(seed % 1000)},
        )
    assert get_results(results) == (tests, 0)


def prove_mutant(
    source: Path,
    text: str,
    replacement: str,
    *,
    parameters: Mapping[str, int],
    folder: Path,
    depth: int = 14,
) -> Proof:
    """Break the module in ``source`` (``text``, in it once, is replaced) and look for a run that shows it.

    Only the base case counts, runs of ``depth`` cycles: an induction may fail for want of an invariant.
    """
    original = source.read_text(encoding="utf-8")
    assert original.count(text) == 1, f"{text!r} is {original.count(text)} times in {source.name}"
    mutant = folder / source.name
    mutant.write_text(original.replace(text, replacement), encoding="utf-8")
    return prove(
        sources=[mutant],
        top=source.stem,
        parameters=parameters,
        depth=depth,
        folder=folder,
        timeout_seconds=60,
        induction=False,
    )


def _ports(side: str, bits: Sequence[int]) -> list[StreamEnd]:
    if len(bits) == 1:
        return [StreamEnd(name=f"{side}_axis", bits=bits[0])]
    return [StreamEnd(name=f"{side}{index}_axis", bits=width) for index, width in enumerate(bits)]
