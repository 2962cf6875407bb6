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
from tailrace.emission.rtl import source_names
from tailrace.tools.verilator import StreamEnd, StreamSimulator, build_stream_simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tailrace.blocks.base import Stream
    from tailrace.planning.plan import Instance, Plan, PlanPort

Integers = NDArray[np.int64]

TRACED_FRAMES = 256
"""Frames of a run of which every stream inside the design is compared too, not only the outputs, at most: ..."""

TRACED_WORDS = 1 << 23
"""... of large frames only as many as make about so many words."""

TIMED_FRAMES = 12
"""Frames of the run without stalls that measures interval and latency, ..."""

TIMED_FRAMES_AT_LEAST = 6
"""... or, where there are fewer vectors, so many first."""


BROKEN_OFF_CYCLES = 1 << 15
"""Before that one, runs of about so many cycles together are begun and broken off by a reset, ..."""

BROKEN_OFF_RUNS = (4, 32)
"""... so many at least and at most."""

AFTER_RESETS = "it is right after power-up and wrong after a reset in the middle of a frame"


@dataclass(frozen=True, slots=True, kw_only=True)
class HardwareResult:
    """What a simulation showed: vectors compared, values that differ, and the schedule without stalls in cycles.

    ``stalled_frames`` are those that were sent through the design once more with stalls inside.
    """

    vectors: int
    mismatches: int
    stall: float
    stalled_frames: int = 0
    interval_cycles: int | None = None
    latency_cycles: int | None = None
    first: Mismatch | None = None


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
    memories_beside(rtl, work)
    return design_simulator(plan, [rtl / name for name in source_names(plan)], work, defines=defines)


def memories_beside(rtl: Path, work: Path) -> None:
    """Copy the memories of ``rtl`` into the folder in which a model runs."""
    work.mkdir(parents=True, exist_ok=True)
    for memory in rtl.glob("*.mem"):
        shutil.copyfile(memory, work / memory.name)


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
    return build_stream_simulator(
        top=plan.name,
        sources=sources,
        inputs=[StreamEnd(name=p.name, bits=p.bits, user=p.marked) for p in plan.input_ports],
        outputs=[StreamEnd(name=port.name, bits=port.bits, last=True) for port in plan.output_ports],
        folder=folder,
        defines=defines,
        options=options,
        build=build,
    )


def words_of(plan: Plan, q: Integers, padding: np.random.Generator | None = None) -> list[NDArray[np.uint32]]:
    """Return the words of every input of the design for (n, size) integers; ``padding`` as in :func:`padded_lanes`."""
    return [
        pack(lanes, port.pad_bits)
        for port, lanes in zip(plan.input_ports, padded_lanes(plan, q, padding), strict=True)
    ]


def padded_lanes(plan: Plan, q: Integers, padding: np.random.Generator | None = None) -> list[Integers]:
    """Return the (words, lanes) integers of the words of every input, of as many bits as a padded lane.

    ``q`` are the (n, size) integers of frames. The padding, which must not matter, extends the integer, or is random
    where there is a generator.
    """
    found = []
    for port, part in zip(plan.input_ports, parted(q, plan.input_ports), strict=True):
        bits, pad = port.stream.type.bits, port.pad_bits
        lanes = part.reshape(-1, port.stream.lanes)
        if padding is not None and bits != pad:
            noise = padding.integers(0, 1 << (pad - bits), lanes.shape)
            lanes = (lanes & ((1 << bits) - 1)) | noise << bits
        found.append(lanes)
    return found


def parted(frames: Integers, ports: Sequence[PlanPort]) -> list[Integers]:
    """Return the (n, size) integers of every port of frames, which have them one port after the other."""
    flat, parts, first = frames.reshape(len(frames), -1), [], 0
    for port in ports:
        parts.append(flat[:, first : first + port.size])
        first += port.size
    return parts


def users_of(plan: Plan, q: Integers, noise: np.random.Generator | None = None) -> list[NDArray[np.uint8]]:
    """Return the ``tuser`` of the words of every input that has one, for frames (n, size).

    It is looked at in the first words only: with a generator, those of other words are ``noise``.
    """
    found = []
    for port in plan.input_ports:
        if port.marked:
            shape = (len(q), port.stream.words)
            marks = np.zeros(shape, np.uint8) if noise is None else noise.integers(0, 2, shape, np.uint8)
            marks[:, 0] = q[:, -1] != 0
            found.append(marks.reshape(-1))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """What came out of a design, (frames, values) integers and (frames, words) ``tlast``, output after output.

    ``end_cycles`` (frames, outputs) are those in which the last words came, ``start_cycle`` that of the first word in.
    """

    values: Integers
    last: NDArray[np.uint8]
    end_cycles: NDArray[np.int64]
    start_cycle: int

    def schedule(self) -> tuple[int, int]:
        """Return (interval, latency): between the last frames, and from the first word in to the first frame out."""
        ends = self.end_cycles
        steady = np.diff(ends, axis=0)[len(ends) // 2 :]
        return int(steady.max()), int(ends[0].max() - self.start_cycle) + 1


def run_frames(
    plan: Plan,
    simulator: StreamSimulator,
    q: Integers,
    *,
    stall: float,
    seed: int,
    resets: Sequence[int] = (),
    waves: Path | None = None,
) -> Frames:
    """Send (n, size) input integers through the design, the padding of their lanes random; return what comes out."""
    ports, count = plan.output_ports, len(q)
    result = simulator.run(
        words_of(plan, q, np.random.default_rng(seed)),
        expect_words=[count * port.stream.words for port in ports],
        users=users_of(plan, q, np.random.default_rng(seed)),
        stall=stall,
        seed=seed,
        resets=resets,
        waves=waves,
        timeout_cycles=20 * plan.interval_cycles * len(plan.instances) + 100_000,
    )
    values = [
        unpack(words, port.stream.lanes, port.pad_bits, signed=port.stream.type.signed).reshape(count, -1)
        for port, words in zip(ports, result.outputs, strict=True)
    ]
    return Frames(
        values=np.concatenate(values, axis=1),
        last=np.concatenate([last.reshape(count, -1) for last in result.output_last], axis=1),
        end_cycles=np.stack([c.reshape(count, -1)[:, -1] for c in result.output_cycles], axis=1),
        start_cycle=min(int(cycles[0]) for cycles in result.input_cycles),
    )


def reset_cycles(plan: Plan, seed: int) -> list[int]:
    """Return after how many cycles runs are broken off by a reset: each within the first frame or the one behind it."""
    least, most = BROKEN_OFF_RUNS
    frame = plan.interval_cycles + sum(instance.block.latency_cycles for instance in plan.instances)
    runs = min(most, max(least, BROKEN_OFF_CYCLES // frame))
    cycles = min(2 * frame, BROKEN_OFF_CYCLES)
    return [int(number) for number in np.random.default_rng(seed).integers(1, cycles, runs)]


def compare(
    plan: Plan,
    simulator: StreamSimulator,
    q: Integers,
    expected: Integers,
    *,
    stall: float,
    seed: int,
    check: str,
    waves: Path | None = None,
    traced: bool = False,
) -> HardwareResult:
    """Run (n, size) input integers through the design, some without stalls, then all with; compare.

    The first run comes after resets in the middle of frames. ``traced``: the simulator writes the streams inside, which
    are compared with the integer graph as well.
    """
    expected = expected.reshape(len(q), -1)
    resets = reset_cycles(plan, seed)
    for count in sorted({min(TIMED_FRAMES, max(TIMED_FRAMES_AT_LEAST, len(q))), TIMED_FRAMES}):
        frames, wanted = (a[np.arange(count) % len(q)] for a in (q, expected))
        got = run_frames(plan, simulator, frames, stall=0.0, seed=seed, resets=resets)
        interval, latency = got.schedule()
        first = first_difference(plan, got, wanted, check)
        if interval == plan.interval_cycles or first:
            break  # otherwise deep FIFOs may still be filling up
    if first:
        # Again without them, since the streams inside are written from power-up on.
        without = run_frames(plan, simulator, frames, stall=0.0, seed=seed)
        if first_difference(plan, without, wanted, check) is None:
            first.hint = AFTER_RESETS
    else:
        frames, wanted = q, expected
        got = run_frames(plan, simulator, frames, stall=stall, seed=seed, waves=waves)
        first = first_difference(plan, got, wanted, check)
    if traced:
        first = named_first(plan, simulator, frames, first, seed=seed, check=check)
    return HardwareResult(
        vectors=len(q),
        mismatches=count_differences(plan, got, wanted, first),
        stall=stall,
        interval_cycles=interval,
        latency_cycles=latency,
        first=first,
    )


def count_differences(plan: Plan, got: Frames, expected: Integers, first: Mismatch | None) -> int:
    """Return how many values and ``tlast`` at the output differ, or inside at the ``first`` place if these are more."""
    outside = int((got.values != expected).sum()) + int((got.last != last_words(plan, len(expected))).sum())
    return max(outside, first.count if first else 0)


def named_first(
    plan: Plan, simulator: StreamSimulator, q: Integers, first: Mismatch | None, *, seed: int, check: str
) -> Mismatch | None:
    """Return where the streams inside differ first in the last run, which had the inputs ``q``; else ``first``."""

    def rerun(frames: Integers) -> object:
        return run_frames(plan, simulator, frames, stall=0.0, seed=seed)

    return locate(plan, simulator.folder, q, first, rerun=rerun, check=check) or first


def first_difference(plan: Plan, got: Frames, expected: Integers, check: str) -> Mismatch | None:
    """Return the first difference of what came out and the (frames, values) ``expected``, or None."""
    return first_mismatch(plan, got.values, expected, check) or first_wrong_mark(
        plan, "_tlast", got.last, last_words(plan, len(expected)), check
    )


def last_words(plan: Plan, frames: int) -> NDArray[np.uint8]:
    """Return the (frames, words) ``tlast`` of the outputs, one after the other."""
    words = [port.stream.words for port in plan.output_ports]
    marks = np.zeros((frames, sum(words)), np.uint8)
    marks[:, np.cumsum(words) - 1] = 1
    return marks


def first_wrong_mark(
    plan: Plan, signal: str, got: NDArray[np.uint8], expected: NDArray[np.uint8], check: str
) -> SignalMismatch | None:
    """Return the first difference of a signal of (frames, words) values, output after output, or None."""
    ports = plan.output_ports
    ends = np.cumsum([port.stream.words for port in ports])[:-1]
    pairs = zip(np.split(got, ends, axis=1), np.split(expected, ends, axis=1), strict=True)
    found = (
        first_wrong_signal(f"{port.name}{signal}", *pair, check)
        for port, pair in zip(ports, pairs, strict=True)
    )
    return next((mismatch for mismatch in found if mismatch), None)


class SignalMismatch(Mismatch):
    """A signal beside the data, such as ``tlast``, is wrong; ``index`` is (frame, word)."""

    def __init__(
        self, *, signal: str, index: tuple[int, int], expected: int, got: int, check: str, count: int
    ) -> None:
        super().__init__(layer=signal, index=index, expected=expected, got=got, check=check, count=count)
        words = "1 word" if count == 1 else f"{count} words"
        self.message = (
            f"{signal}: word {index[1]} of frame {index[0]} has {got}, expected {expected} ({words} in all)"
        )
        self.args = (self.message,)


def first_wrong_signal(
    signal: str, got: NDArray[np.uint8], expected: NDArray[np.uint8], check: str
) -> SignalMismatch | None:
    """Return the first difference of a signal of (frames, words) values, or None."""
    wrong = np.argwhere(got != expected)
    if not len(wrong):
        return None
    frame, word = (int(i) for i in wrong[0])
    return SignalMismatch(
        signal=signal,
        index=(frame, word),
        expected=int(expected[frame, word]),
        got=int(got[frame, word]),
        check=check,
        count=len(wrong),
    )


def first_mismatch(plan: Plan, got: Integers, expected: Integers, check: str) -> Mismatch | None:
    """Return the first difference of (frames, values) outputs of the design, or None."""
    ports, graph = plan.output_ports, plan.graph
    for port, *values in zip(ports, parted(got, ports), parted(expected, ports), strict=True):
        found = _difference(port.tensor, graph.tensors[port.tensor].shape, *values, check=check)
        if found:
            return found
    return None


def _difference(
    layer: str,
    shape: tuple[int, ...],
    got: Integers,
    expected: Integers,
    *,
    check: str,
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
        check=check,
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
    check: str,
) -> Mismatch | None:
    """Return the first instance whose words differ from the integer graph, for the inputs ``q`` (n, size) last run.

    ``traces`` is the folder of its files; ``first`` is what differs at the output. Where the traces end before it, that
    vector alone is run again.
    """
    found = first_wrong_instance(plan, traces, q, check=check)
    alone = not plan.graph.states  # else a frame is not to be run without those before it
    if found or first is None or first.index[0] < traced_frames(plan) or not alone:
        return found
    vector = first.index[0]
    rerun(q[vector : vector + 1])
    found = first_wrong_instance(plan, traces, q[vector : vector + 1], check=check)
    if found is None:
        return None
    return Mismatch(
        layer=found.layer,
        index=(vector, *found.index[1:]),
        expected=found.expected,
        got=found.got,
        check=check,
        count=found.count,
        hint=found.hint,
    )


def first_wrong_instance(plan: Plan, traces: Path, q: Integers, *, check: str) -> Mismatch | None:
    """Find the first instance whose words differ from the integer graph.

    ``traces`` has a file ``trace_WIRE.hex`` for every wire, a word a line, for the (n, size) input integers ``q``.
    """
    graph = plan.graph
    instances: dict[str, list[Instance]] = {}
    for item in plan.instances:
        instances.setdefault(item.tensor, []).append(item)
    for tensor, values in graph.walk_int(q[: traced_frames(plan)]):
        for item in instances.get(tensor, ()):
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
                check=check,
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
