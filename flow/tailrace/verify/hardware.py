# SPDX-License-Identifier: Apache-2.0
"""E2 and E3: the Verilog of a design, or its netlist, gives the integer graph's outputs on every vector."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.blocks.frame import Frame
from tailrace.emit.rtl import padded, source_names
from tailrace.errors import Mismatch
from tailrace.packing import pack, unpack
from tailrace.tools.verilator import Port, StreamSimulator, build_stream_simulator

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tailrace.blocks.base import Stream
    from tailrace.plan import Plan

Integers = NDArray[np.int64]

TIMED_FRAMES = 12
"""Frames of the run without stalls that measures interval and latency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HardwareResult:
    """What a simulation showed: vectors compared, values that differ, and the schedule without stalls in cycles."""

    vectors: int
    mismatches: int
    stall: float
    interval_cycles: int | None = None
    latency_cycles: int | None = None
    first: Mismatch | None = None


def edge_widths(plan: Plan) -> tuple[int, int]:
    """Return the bits of ``s_axis_tdata`` and ``m_axis_tdata`` of the whole design."""
    first, out = plan.wires[plan.input], _output(plan)
    return first.lanes * padded(first.type.bits), out.lanes * padded(out.type.bits)


def _output(plan: Plan) -> Stream:
    """Return the stream at the end of the design, lanes not yet padded."""
    last = plan.stages[-1].block
    if not isinstance(last, Frame):
        raise TypeError("the last stage of a plan is its frame")
    return last.inputs[0]


def rtl_simulator(plan: Plan, folder: Path, *, defines: Sequence[str] = ()) -> StreamSimulator:
    """Compile the Verilog in ``folder / rtl``; the model runs in ``folder / check``, with copies of the memories."""
    rtl = folder / "rtl"
    work = folder / "check" / ("trace" if defines else "rtl")
    work.mkdir(parents=True, exist_ok=True)
    for memory in rtl.glob("*.mem"):
        shutil.copyfile(memory, work / memory.name)
    return design_simulator(plan, [rtl / name for name in source_names(plan)], work, defines=defines)


def design_simulator(
    plan: Plan,
    sources: Sequence[Path],
    folder: Path,
    *,
    defines: Sequence[str] = (),
    options: Sequence[str] = (),
) -> StreamSimulator:
    """Compile a design with the top of ``plan`` from any sources."""
    in_bits, out_bits = edge_widths(plan)
    return build_stream_simulator(
        top=plan.name,
        sources=sources,
        inputs=[Port(name="s_axis", bits=in_bits)],
        outputs=[Port(name="m_axis", bits=out_bits)],
        folder=folder,
        defines=defines,
        options=options,
    )


def words_of(plan: Plan, q: Integers) -> NDArray[np.uint32]:
    """Return the input words of the design for (n, size) integers."""
    first = plan.wires[plan.input]
    return pack(q.reshape(-1, first.lanes), padded(first.type.bits))


def compare(
    plan: Plan,
    simulator: StreamSimulator,
    q: Integers,
    expected: Integers,
    *,
    stall: float,
    seed: int,
    stage: str,
    waves: Path | None = None,
) -> HardwareResult:
    """Run (n, size) input integers through the design, first without stalls and then with; compare with ``expected``."""
    out = _output(plan)
    expected = expected.reshape(len(q), -1)

    def run(frames: Integers, probability: float, vcd: Path | None) -> tuple[Integers, NDArray[np.int64], int]:
        result = simulator.run(
            [words_of(plan, frames)],
            expect_words=[len(frames) * out.words],
            stall=probability,
            seed=seed,
            waves=vcd,
            timeout_cycles=20 * plan.interval_cycles * len(plan.stages) + 100_000,
        )
        pad = padded(out.type.bits)
        got = unpack(result.outputs[0], out.lanes, pad, signed=out.type.signed).reshape(len(frames), -1)
        return got, result.output_cycles[0], int(result.input_cycles[0][0])

    timed = q[np.arange(max(TIMED_FRAMES, min(len(q), TIMED_FRAMES))) % len(q)]
    got, cycles, start = run(timed, 0.0, None)
    wanted = expected[np.arange(len(timed)) % len(q)]
    first = _first_mismatch(plan, got, wanted, stage)
    interval, latency = _schedule(cycles, out.words, len(timed), start)
    count = int((got != wanted).sum())
    if first is None:
        got, _, _ = run(q, stall, waves)
        count = int((got != expected).sum())
        first = _first_mismatch(plan, got, expected, stage)
    return HardwareResult(
        vectors=len(q),
        mismatches=count,
        stall=stall,
        interval_cycles=interval,
        latency_cycles=latency,
        first=first,
    )


def _schedule(cycles: NDArray[np.int64], words: int, frames: int, start: int) -> tuple[int, int]:
    """Return (interval, latency): cycles between the last frames, and from the first word in to the first frame out."""
    ends = cycles.reshape(frames, words)[:, -1]
    steady = np.diff(ends)[frames // 2 :]
    return int(steady.max()), int(ends[0] - start) + 1


def _first_mismatch(plan: Plan, got: Integers, expected: Integers, stage: str) -> Mismatch | None:
    wrong = np.argwhere(got != expected)
    if not len(wrong):
        return None
    vector, index = (int(i) for i in wrong[0])
    return Mismatch(
        layer=plan.graph.output,
        index=(vector, index),
        expected=int(expected[vector, index]),
        got=int(got[vector, index]),
        stage=stage,
        count=len(wrong),
    )


def locate(plan: Plan, folder: Path, q: Integers, *, stage: str) -> Mismatch | None:
    """Find the first stage whose words differ from the integer graph, by recording every stream of the Verilog."""
    trace = plan.graph.trace_int(q)
    simulator = rtl_simulator(plan, folder, defines=["TAILRACE_TRACE"])
    out = _output(plan)
    simulator.run([words_of(plan, q)], expect_words=[len(q) * out.words], stall=0.0)
    for item in plan.stages:
        if not item.tensor or item.tensor not in trace or item.outputs[0] == plan.output:
            continue
        wire = item.outputs[0]
        stream = plan.wires[wire]
        lines = (simulator.folder / f"trace_{wire}.hex").read_text().split()
        chunks = -(-stream.bits // 32)
        words = np.array(
            [[(int(line, 16) >> (32 * c)) & 0xFFFFFFFF for c in range(chunks)] for line in lines], np.uint32
        ).reshape(-1, chunks)
        values = unpack(words, stream.lanes, stream.type.bits, signed=stream.type.signed)
        frames = len(values) // stream.words
        got = values[: frames * stream.words].reshape(frames, -1)
        expected = trace[item.tensor].reshape(len(q), -1)[:frames]
        wrong = np.argwhere(got != expected)
        if len(wrong):
            vector, index = (int(i) for i in wrong[0])
            return Mismatch(
                layer=item.name,
                index=(vector, index),
                expected=int(expected[vector, index]),
                got=int(got[vector, index]),
                stage=stage,
                count=len(wrong),
                hint=f"[vector, channel] on the wire {wire}; tailrace sim --waves shows it",
            )
    return None
