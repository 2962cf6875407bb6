# SPDX-License-Identifier: Apache-2.0
"""E2 and E3: the Verilog of a design, or its netlist, gives the integer graph's outputs on every vector."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import Mismatch
from tailrace.core.packing import pack, unpack
from tailrace.emission.rtl import padded, source_names
from tailrace.tools.verilator import Port, StreamSimulator, build_stream_simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tailrace.blocks.base import Stream
    from tailrace.planning.plan import Plan, Stage

Integers = NDArray[np.int64]

TRACED_FRAMES = 256
"""Frames of a run of which every stream inside the design is compared too, not only the outputs, at most: ..."""

TRACED_WORDS = 1 << 23
"""... of large frames only as many as make about so many words."""

TIMED_FRAMES = 12
"""Frames of the run without stalls that measures interval and latency, ..."""

TIMED_FRAMES_AT_LEAST = 6
"""... or, where there are fewer vectors, so many first."""


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
    first, out = plan.wires[plan.input], plan.end
    return first.lanes * padded(first.type.bits), out.lanes * padded(out.type.bits)


def traced_frames(plan: Plan) -> int:
    """Return the frames of a run of which every stream inside the design is written and compared."""
    words = sum(stream.words for stream in plan.wires.values())
    return max(1, min(TRACED_FRAMES, TRACED_WORDS // words))


def rtl_simulator(plan: Plan, folder: Path, *, traced: bool = False) -> StreamSimulator:
    """Compile the Verilog in ``folder / rtl``; the model runs in ``folder / check``, with copies of the memories.

    Where it is ``traced``, every run writes the first :func:`traced_frames` frames of every stream to files there.
    """
    rtl = folder / "rtl"
    work = folder / "check" / "rtl"
    defines = [f"TAILRACE_TRACE={traced_frames(plan)}"] if traced else []
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
    build: bool = True,
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
        build=build,
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
    traced: bool = False,
) -> HardwareResult:
    """Run (n, size) input integers through the design, some without stalls, then all with; compare.

    ``traced``: the simulator writes the streams inside, which are compared with the integer graph as well.
    """
    out = plan.end
    expected = expected.reshape(len(q), -1)

    def run(
        frames: Integers, probability: float, vcd: Path | None = None
    ) -> tuple[Integers, NDArray[np.int64], int]:
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

    for count in sorted({min(TIMED_FRAMES, max(TIMED_FRAMES_AT_LEAST, len(q))), TIMED_FRAMES}):
        frames, wanted = (a[np.arange(count) % len(q)] for a in (q, expected))
        got, cycles, start = run(frames, 0.0)
        interval, latency = _schedule(cycles, out.words, count, start)
        if interval == plan.interval_cycles or not np.array_equal(got, wanted):
            break  # otherwise deep FIFOs may still be filling up
    if np.array_equal(got, wanted):
        frames, wanted = q, expected
        got, _, _ = run(frames, stall, waves)
    first = first_mismatch(plan, got, wanted, stage)
    count = int((got != wanted).sum())
    if traced:
        named = locate(plan, simulator.folder, frames, first, rerun=lambda x: run(x, 0.0)[0], stage=stage)
        first, count = named or first, max(count, named.count if named else 0)
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


def first_mismatch(plan: Plan, got: Integers, expected: Integers, stage: str) -> Mismatch | None:
    """Return the first difference of (frames, values) outputs of the design, or None."""
    return _difference(
        plan.graph.output, plan.graph.tensors[plan.graph.output].shape, got, expected, stage=stage
    )


def _difference(
    layer: str,
    shape: tuple[int, ...],
    got: Integers,
    expected: Integers,
    *,
    stage: str,
    hint: str | None = None,
) -> Mismatch | None:
    """Return the first difference of two (frames, values) arrays, its place in the tensor of ``shape``."""
    wrong = np.argwhere(got != expected)
    if not len(wrong):
        return None
    vector, flat = (int(i) for i in wrong[0])
    return Mismatch(
        layer=layer,
        index=(vector, *(int(i) for i in np.unravel_index(flat, shape))),
        expected=int(expected[vector, flat]),
        got=int(got[vector, flat]),
        stage=stage,
        count=len(wrong),
        hint=hint,
    )


def locate(
    plan: Plan,
    traces: Path,
    q: Integers,
    first: Mismatch | None,
    *,
    rerun: Callable[[Integers], object],
    stage: str,
) -> Mismatch | None:
    """Return the first stage whose words differ from the integer graph, for the (n, size) inputs ``q`` of the last run.

    ``traces`` is the folder of its files; ``first`` is what differs at the output. Where the traces end before it, that
    vector alone is run again.
    """
    found = first_wrong_stage(plan, traces, q, stage=stage)
    if found or first is None or first.index[0] < traced_frames(plan):
        return found
    vector = first.index[0]
    rerun(q[vector : vector + 1])
    found = first_wrong_stage(plan, traces, q[vector : vector + 1], stage=stage)
    if found is None:
        return None
    return Mismatch(
        layer=found.layer,
        index=(vector, *found.index[1:]),
        expected=found.expected,
        got=found.got,
        stage=stage,
        count=found.count,
        hint=found.hint,
    )


def first_wrong_stage(plan: Plan, traces: Path, q: Integers, *, stage: str) -> Mismatch | None:
    """Find the first stage whose words differ from the integer graph.

    ``traces`` has a file ``trace_WIRE.hex`` for every wire, a word a line, for the (n, size) input integers ``q``.
    """
    graph = plan.graph
    stages: dict[str, list[Stage]] = {}
    for item in plan.stages:
        stages.setdefault(item.tensor, []).append(item)
    for tensor, values in graph.walk_int(q[: traced_frames(plan)]):
        for item in stages.get(tensor, ()):
            wire = item.outputs[0]
            file = traces / f"trace_{wire}.hex"
            if not file.is_file():
                continue
            got = _traced(file, plan.wires[wire], len(values))
            found = _difference(
                item.name,
                graph.tensors[tensor].shape,
                got,
                values.reshape(len(values), -1)[: len(got)],
                stage=stage,
                hint=f"seen on the wire {wire}; tailrace sim DIR --waves shows the Verilog at work",
            )
            if found:
                return found
    return None


def _traced(file: Path, stream: Stream, frames: int) -> Integers:
    """Return the values (at most ``frames``, values) of the whole frames in a file of one hexadecimal word a line."""
    digits = np.array(file.read_bytes().split())
    count = min(len(digits) // stream.words, frames)
    if not count:
        return np.zeros((0, stream.words * stream.lanes), np.int64)
    chunks = -(-stream.bits // 32)
    text = np.char.zfill(digits[: count * stream.words], 8 * chunks).view(np.uint8).reshape(-1, 8 * chunks)
    nibbles = np.where(text > ord("9"), text - (ord("a") - 10), text - ord("0")).astype(np.uint8)
    words = np.ascontiguousarray((nibbles[:, 0::2] << 4 | nibbles[:, 1::2])[:, ::-1]).view("<u4")
    return unpack(words, stream.lanes, stream.type.bits, signed=stream.type.signed).reshape(count, -1)
