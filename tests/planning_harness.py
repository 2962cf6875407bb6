# SPDX-License-Identifier: Apache-2.0
"""Plans made by hand or at random, a plain reference of the stream simulator, and the Verilog's own cycles.

build = PlanBuilder("chain", lanes=2, type_=IntType(4, signed=False), shape=(3, 3, 4))
build.add("skid", lambda stream: Skid(stream=stream))
plan = build.plan()                                  # ends with a Frame, as every plan
assert_same_schedule(reference(plan, frames=3), simulate(plan, 3))
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from tailrace.blocks.argmax import ArgMax
from tailrace.blocks.automata import Exchange, Pipeline, Queue, Spread, Store
from tailrace.blocks.base import Block, Stream
from tailrace.blocks.concat import Concat
from tailrace.blocks.dense_binary import DenseBinary
from tailrace.blocks.dense_folded import DenseFolded
from tailrace.blocks.depthwise import Depthwise
from tailrace.blocks.eltwise import Eltwise
from tailrace.blocks.fifo import Fifo
from tailrace.blocks.fork import Fork
from tailrace.blocks.frame import Frame
from tailrace.blocks.multiply_shift import MultiplyShift
from tailrace.blocks.pad import Pad
from tailrace.blocks.permute import Permute
from tailrace.blocks.pool import Pool
from tailrace.blocks.replay import Replay
from tailrace.blocks.round_shift import RoundShift
from tailrace.blocks.shuffle import Shuffle
from tailrace.blocks.skid import Skid
from tailrace.blocks.slice import Slice
from tailrace.blocks.table import Table
from tailrace.blocks.threshold import Threshold
from tailrace.blocks.threshold_search import ThresholdSearch
from tailrace.blocks.upsample import Upsample
from tailrace.blocks.width import Width
from tailrace.blocks.window import Window
from tailrace.blocks.window_parallel import WindowParallel
from tailrace.core.types import IntType
from tailrace.emission.rtl import emit_rtl
from tailrace.planning.plan import Instance, Plan
from tailrace.targets.parts import part
from tailrace.tools.verilator import SimulationError
from tailrace.verify.hardware import rtl_simulator, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tailrace.planning.streams.simulator import Run
    from tailrace.tools.verilator import StreamRun

MOST_BITS = 5
"""Wider numbers are narrowed before anything but a requantizer, so that the designs stay small."""


def divisors(number: int) -> list[int]:
    return [d for d in range(1, number + 1) if number % d == 0]


@dataclass(kw_only=True, eq=False)
class PlanBuilder:
    """Adds instances behind ``wire``, which carries an image of ``shape`` (height, width, channels)."""

    name: str
    lanes: int
    type_: IntType
    shape: tuple[int, int, int]
    wire: str = "in"
    instances: list[Instance] = field(default_factory=list)
    wires: dict[str, Stream] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.wires["in"] = Stream(lanes=self.lanes, type=self.type_, words=prod(self.shape) // self.lanes)

    @property
    def stream(self) -> Stream:
        """What the present wire carries."""
        return self.wires[self.wire]

    def add(
        self, name: str, make: Callable[..., Block], *inputs: str, shape: tuple[int, int, int] | None = None
    ) -> tuple[str, ...]:
        """Add ``make(*streams)`` on the wires ``inputs`` (or the present one); the first output is the present wire."""
        inputs = inputs or (self.wire,)
        block = make(*(self.wires[wire] for wire in inputs))
        instance = f"s{len(self.instances)}_{name}"
        count = len(block.outputs)
        outputs = (f"{instance}_out",) if count == 1 else tuple(f"{instance}_out{i}" for i in range(count))
        for wire, stream in zip(outputs, block.outputs, strict=True):
            self.wires[wire] = stream
        self.instances.append(
            Instance(name=instance, block=block, node=instance, inputs=inputs, outputs=outputs)
        )
        self.wire = outputs[0]
        self.shape = shape or self.shape
        return outputs

    def plan(self) -> Plan:
        """Finish with a frame."""
        self.add("frame", lambda stream: Frame(stream=stream))
        end = SimpleNamespace(name="end")
        graph = SimpleNamespace(name=self.name, inputs=("in",), outputs=("out",), states=())
        graph.host = SimpleNamespace(inputs=(end,), outputs=(end,), marked=False)
        return Plan(
            graph=cast("Any", graph),
            part=part("xczu7ev"),
            clock_mhz=100,
            instances=tuple(self.instances),
            wires=self.wires,
            inputs=("in",),
            outputs=(self.wire,),
            folding={},
        )


# Plans by hand


def forked(*, fifo: int) -> Plan:
    """A matrix product of 6 values beside a FIFO that carries them past it, and the sum of both."""
    build = PlanBuilder(name="forked", lanes=1, type_=IntType(3, signed=False), shape=(1, 1, 6))
    through, past = build.add("fork", lambda stream: Fork(stream=stream, branches=2))
    (waits,) = build.add("fifo", lambda stream: Fifo(stream=stream, depth=fifo), past)
    block = DenseFolded(
        weights=np.ones((6, 6), np.int64),
        pe=6,
        simd=1,
        in_type=IntType(3, signed=False),
        out_type=IntType(7, signed=False),
    )
    build.add("dense", lambda _: block, through)
    (product,) = build.add("width", lambda stream: Width.between(stream, 1))
    build.add(
        "eltwise",
        lambda a, b: Eltwise(operation="add", a=a, b=b, out_type=IntType(8, signed=False)),
        product,
        waits,
    )
    return build.plan()


def cifar_network(interval: int) -> Plan:
    """Six convolutions, three poolings and three matrix products on 32 x 32 x 3 values, in about 50 instances.

    ``interval`` are the cycles a frame may take, 36864 or more.
    """
    build = PlanBuilder(name="cifar", lanes=1, type_=IntType(8, signed=False), shape=(32, 32, 3))
    rng = np.random.default_rng(0)

    def product(rows: int) -> None:
        height, width, cols = build.shape
        vectors = height * width
        _, _, pe, simd = min(
            (pe * simd, -simd, pe, simd)
            for pe in divisors(rows)
            for simd in divisors(cols)
            if vectors * (rows // pe) * (cols // simd) <= interval
        )
        if simd != build.stream.lanes:
            build.add("width", lambda stream: Width.between(stream, simd))
        vector = replace(build.stream, words=cols // simd)
        build.add("replay", lambda _: Replay(vector=vector, times=rows // pe, vectors=vectors))
        most = cols * build.stream.type.max
        block = DenseFolded(
            weights=rng.integers(-1, 2, (rows, cols)),
            pe=pe,
            simd=simd,
            in_type=build.stream.type,
            out_type=IntType.containing(-most, most),
            style="block",
            vectors=vectors,
        )
        build.add("dense", lambda _: block, shape=(height, width, rows))
        tail = Threshold(
            thresholds=np.sort(rng.integers(-9, 9, (rows, 3)), axis=1),
            base=np.zeros(1, np.int64),
            decreasing=np.zeros(1, bool),
            channels=rows,
            pe=pe,
            in_type=build.stream.type,
            out_type=IntType(2, signed=False),
            vectors=vectors,
        )
        build.add("map", lambda _: tail)

    def convolution(rows: int) -> None:
        height, width, channels = build.shape
        image = {"height": height, "width": width, "channels": channels}
        build.add("pad", lambda stream: Pad(stream=stream, top=1, bottom=1, left=1, right=1, **image))
        image |= {"height": height + 2, "width": width + 2}
        build.add(
            "window",
            lambda stream: Window(stream=stream, kernel=(3, 3), **image),
            shape=(height, width, 9 * channels),
        )
        product(rows)

    def pooling() -> None:
        height, width, channels = build.shape
        image = {"height": height, "width": width, "channels": channels}
        build.add("window", lambda stream: Window(stream=stream, kernel=(2, 2), stride=(2, 2), **image))
        block = Pool(
            operation="maximum",
            channels=channels,
            pe=build.stream.lanes,
            taps=4,
            in_type=build.stream.type,
            out_type=build.stream.type,
            vectors=height * width // 4,
        )
        build.add("pool", lambda _: block, shape=(height // 2, width // 2, channels))

    for rows in (64, 128, 256):
        convolution(rows)
        convolution(rows)
        pooling()
    build.shape = (1, 1, prod(build.shape))
    for rows in (512, 512, 10):
        product(rows)
    return build.plan()


# Random plans


@dataclass(kw_only=True, eq=False)
class RandomPlan:
    """Draws a plan; ``most_values`` bounds the values of a frame anywhere in it."""

    rng: np.random.Generator
    instances: int
    most_values: int = 400
    build: PlanBuilder = field(init=False)

    def draw(self) -> Plan:
        """Return a plan of about ``instances`` instances."""
        channels = int(self.rng.choice([1, 2, 3, 4, 6, 8, 12]))
        shape = (int(self.rng.integers(1, 5)), int(self.rng.integers(1, 5)), channels)
        type_ = IntType(int(self.rng.integers(1, 4)), signed=bool(self.rng.integers(0, 2)))
        lanes = int(self.rng.choice(divisors(channels)))
        self.build = PlanBuilder(name="drawn", lanes=lanes, type_=type_, shape=shape)
        while len(self.build.instances) < self.instances:
            self._step(depth=0)
        if self.rng.integers(0, 4) == 0:
            self._argmax()
        return self.build.plan()

    def _step(self, depth: int) -> None:
        kinds = ["queue", "width", "dense", "map", "map", "window", "pad", "pool", "up", "shuffle", "slice"]
        kinds += ["permute"]
        if depth < 2:
            kinds += ["branch", "branch"]
        getattr(self, f"_{self.rng.choice(kinds)}")(*([depth] if depth < 2 else []))

    def _choice(self, values: list[int]) -> int:
        return int(self.rng.choice(values))

    def _queue(self, *_: int) -> None:
        if self.rng.integers(0, 3) == 0:
            self.build.add("skid", lambda stream: Skid(stream=stream))
        else:
            depth = self._choice([1, 2, 3, 5, 9, 36])
            self.build.add("fifo", lambda stream: Fifo(stream=stream, depth=depth))

    def _to_lanes(self, lanes: int) -> None:
        if lanes != self.build.stream.lanes:
            self.build.add("width", lambda stream: Width.between(stream, lanes))

    def _width(self, *_: int) -> None:
        values = prod(self.build.shape)
        if self.rng.integers(0, 2):
            self._to_lanes(self._choice([d for d in divisors(values) if d <= 16]))
        self._to_lanes(self._choice(divisors(self.build.shape[2])))

    def _narrow(self, bits: int = MOST_BITS) -> None:
        if self.build.stream.type.bits > bits:
            self._map()

    def _map(self, *_: int) -> None:
        build, stream = self.build, self.build.stream
        x, channels = stream.type, build.shape[2]
        out = IntType(int(self.rng.integers(1, 4)), signed=bool(self.rng.integers(0, 2)))
        common = {
            "channels": channels,
            "pe": stream.lanes,
            "in_type": x,
            "out_type": out,
            "vectors": build.shape[0] * build.shape[1],
        }
        kind = self.rng.choice(["threshold", "threshold_search", "round_shift", "multiply_shift", "table"])
        rows = self._choice([1, channels])
        block: Block
        if kind.startswith("threshold"):
            levels = self._choice([1, 3, 4, 6]) if out.bits > 2 else self._choice([1, (1 << out.bits) - 1])
            thresholds = np.sort(self.rng.integers(x.min, x.max + 1, (rows, levels)), axis=1)
            make = Threshold if kind == "threshold" else ThresholdSearch
            offsets = rows > 1 and bool(self.rng.integers(0, 2))
            decreasing = self.rng.integers(0, 2, rows).astype(bool) if offsets else np.zeros(1, bool)
            base = np.where(decreasing, out.max, out.min).astype(np.int64)
            block = make(thresholds=thresholds, base=base, decreasing=decreasing, **common)
        elif kind == "round_shift":
            bias = self.rng.integers(-4, 5, rows) if self.rng.integers(0, 2) else np.zeros(1, np.int64)
            mode = str(self.rng.choice(["half_even", "floor", "half_up"]))
            block = RoundShift(
                bias=bias, shift=self._choice([0, 1, 3]), mode=mode, low=out.min, high=out.max, **common
            )
        elif kind == "multiply_shift":
            block = MultiplyShift(
                factors=self.rng.integers(-3, 4, rows),
                bias=self.rng.integers(-4, 5, rows),
                shift=2,
                low=out.min,
                high=out.max,
                dsp=bool(self.rng.integers(0, 2)),
                **common,
            )
        else:
            if x.bits > 8:
                return self._map()
            values = self.rng.integers(out.min, out.max + 1, (rows, 1 << x.bits))
            block = Table(values=values, **common)
        build.add(kind, lambda _: block)
        return None

    def _has_room_for_dense(self, rows: int, values: int) -> bool:
        """Whether a matrix product of ``rows`` rows on an image of ``values`` values is small enough."""
        return rows * values <= 8 * self.most_values

    def _dense(self, *_: int, rows: int | None = None) -> None:
        self._narrow()
        build = self.build
        height, width, cols = build.shape
        rows = rows or self._choice([1, 2, 3, 4, 6])
        pe, simd = self._choice(divisors(rows)), self._choice(divisors(cols))
        vectors = height * width
        if not self._has_room_for_dense(rows, prod(build.shape)):
            return
        self._to_lanes(simd)
        if rows // pe > 1 or self.rng.integers(0, 2):
            vector = replace(build.stream, words=cols // simd)
            build.add("replay", lambda _: Replay(vector=vector, times=rows // pe, vectors=vectors))
        x = build.stream.type
        bias = self.rng.integers(0, 3, rows) if self.rng.integers(0, 2) else None
        style = str(self.rng.choice(["auto", "distributed", "block"]))
        block: Block
        if x == IntType(1, signed=False) and self.rng.integers(0, 2):
            out = IntType.containing(0, cols + 2)
            weights = self.rng.integers(0, 2, (rows, cols)) * 2 - 1
            block = DenseBinary(
                weights=weights, bias=bias, pe=pe, simd=simd, out_type=out, style=style, vectors=vectors
            )
        else:
            most = cols * max(-x.min, x.max) * 2 + 2
            block = DenseFolded(
                weights=self.rng.integers(-2, 3, (rows, cols)),
                bias=bias,
                pe=pe,
                simd=simd,
                in_type=x,
                out_type=IntType.containing(-most, most),
                style=style,
                dsp=bool(self.rng.integers(0, 2)),
                vectors=vectors,
            )
        build.add("dense", lambda _: block, shape=(height, width, rows))

    def _pad(self, *_: int) -> None:
        height, width, channels = self.build.shape
        top, bottom, left, right = (int(n) for n in self.rng.integers(0, 3, 4))
        shape = (height + top + bottom, width + left + right, channels)
        if prod(shape) > self.most_values or channels % self.build.stream.lanes:
            return
        make = Pad
        self.build.add(
            "pad",
            lambda stream: make(
                stream=stream,
                height=height,
                width=width,
                channels=channels,
                top=top,
                bottom=bottom,
                left=left,
                right=right,
            ),
            shape=shape,
        )

    def _axis(self, size: int) -> tuple[int, int, int, int]:
        """Return kernel, stride, dilation and the number of positions along an axis."""
        dilation = self._choice([1, 1, 2])
        kernel = self._choice([k for k in (1, 2, 3) if (k - 1) * dilation < size])
        stride = self._choice([1, 1, 2, 3])
        return kernel, stride, dilation, (size - (kernel - 1) * dilation - 1) // stride + 1

    def _window(self, *_: int) -> None:
        height, width, channels = self.build.shape
        rows, columns = self._axis(height), self._axis(width)
        taps = rows[0] * columns[0]
        shape = (rows[3], columns[3], taps * channels)
        if prod(shape) > self.most_values:
            return
        parallel = self.rng.integers(0, 3) == 0
        if parallel:
            self._to_lanes(channels)
        make = WindowParallel if parallel else Window
        self.build.add(
            make.name,
            lambda stream: make(
                stream=stream,
                height=height,
                width=width,
                channels=channels,
                kernel=(rows[0], columns[0]),
                stride=(rows[1], columns[1]),
                dilation=(rows[2], columns[2]),
            ),
            shape=shape,
        )
        if self.rng.integers(0, 2):
            self._reduce(taps)

    def _reduce(self, taps: int) -> None:
        """Pool or multiply, channel by channel, the taps of each vector."""
        self._narrow()
        build, stream = self.build, self.build.stream
        height, width, channels = build.shape[0], build.shape[1], build.shape[2] // taps
        self._to_lanes(self._choice(divisors(channels)) if channels % stream.lanes else stream.lanes)
        x, vectors = build.stream.type, height * width
        largest_sum = 2 * taps * max(x.max, -x.min)
        wide = IntType.containing(-largest_sum, largest_sum)
        block: Block
        if self.rng.integers(0, 2):
            block = Depthwise(
                weights=self.rng.integers(-2, 3, (channels, taps)),
                pe=build.stream.lanes,
                in_type=x,
                out_type=wide,
                dsp=bool(self.rng.integers(0, 2)),
                vectors=vectors,
            )
        else:
            largest = bool(self.rng.integers(0, 2))
            block = Pool(
                operation="maximum" if largest else "sum",
                channels=channels,
                pe=build.stream.lanes,
                taps=taps,
                in_type=x,
                out_type=x if largest else wide,
                vectors=vectors,
            )
        build.add(block.name, lambda _: block, shape=(height, width, channels))

    def _pool(self, *_: int) -> None:
        """Pool all pixels."""
        height, width, channels = self.build.shape
        if self.rng.integers(0, 3) == 0:
            self.build.shape = (1, 1, height * width * channels)
            self._reduce(height * width)

    def _up(self, *_: int) -> None:
        height, width, channels = self.build.shape
        factor = (self._choice([1, 2, 3]), self._choice([1, 2]))
        shape = (height * factor[0], width * factor[1], channels)
        if prod(shape) <= self.most_values:
            self.build.add(
                "upsample",
                lambda stream: Upsample(
                    stream=stream, height=height, width=width, channels=channels, factor=factor
                ),
                shape=shape,
            )

    def _shuffle(self, *_: int) -> None:
        height, width, channels = self.build.shape
        mode = str(self.rng.choice(["dcr", "crd", "space_to_depth"]))
        block = 2
        if mode == "space_to_depth":
            if height % block or width % block:
                return
            shape = (height // block, width // block, channels * block * block)
        else:
            if channels % (block * block):
                return
            shape = (height * block, width * block, channels // (block * block))
            if shape[2] % self.build.stream.lanes:
                self._to_lanes(self._choice(divisors(shape[2])))
        self.build.add(
            "shuffle",
            lambda stream: Shuffle(
                stream=stream, height=height, width=width, channels=channels, block=block, mode=mode
            ),
            shape=shape,
        )

    def _permute(self, *_: int) -> None:
        """Another order of the words: without a pattern, or that of a transposition."""
        words = self.build.stream.words
        order = self.rng.permutation(words)
        if self.rng.integers(0, 2):
            order = np.arange(words).reshape(self._choice(divisors(words)), -1).T.ravel()
        self.build.add("permute", lambda stream: Permute(stream=stream, order=order))

    def _branch(self, depth: int) -> None:
        self._narrow()
        build, shape = self.build, self.build.shape
        branches = self._choice([2, 2, 3])
        ends = []
        for start in build.add("fork", lambda stream: Fork(stream=stream, branches=branches)):
            build.wire, build.shape = start, shape
            for _ in range(int(self.rng.integers(0, 3))):
                self._keeping_shape(depth + 1)
            ends.append(build.wire)
        while len(ends) > 1:
            a, b = ends.pop(0), ends.pop(0)
            ends.append(self._join(a, b, shape))

    def _keeping_shape(self, depth: int) -> None:
        shape = self.build.shape
        kind = self.rng.choice(["queue", "width", "map", "dense", "branch"])
        if kind == "dense":
            self._dense(rows=shape[2])
        elif kind == "branch" and depth > 1:
            self._queue()
        else:
            getattr(self, f"_{kind}")(depth)

    def _join(self, a: str, b: str, shape: tuple[int, int, int]) -> str:
        build = self.build
        joins_channels = bool(self.rng.integers(0, 3) == 0) and 2 * prod(shape) <= self.most_values
        joins_channels &= self._has_room_for_dense(shape[2], prod(shape) * 2)
        lanes = self._choice(divisors(shape[2]))
        ends = []
        for wire in (a, b):
            build.wire, build.shape = wire, shape
            self._narrow()
            self._to_lanes(lanes)
            if self.rng.integers(0, 2):
                self._queue()
            ends.append(build.wire)
        if joins_channels and build.wires[ends[0]].type == build.wires[ends[1]].type:
            channels = shape[2]
            (out,) = build.add(
                "concat",
                lambda x, y: Concat(a=x, b=y, a_channels=channels, b_channels=channels),
                *ends,
                shape=(*shape[:2], 2 * channels),
            )
            # Back to as many channels as before, for whoever joins this with another branch.
            self._dense(rows=channels)
            return build.wire
        x, y = (build.wires[wire].type for wire in ends)
        most = 3 * (max(-x.min, x.max) + max(-y.min, y.max))
        (out,) = build.add(
            "eltwise",
            lambda first, second: Eltwise(
                operation="add",
                a=first,
                b=second,
                a_factor=self._choice([1, 3]),
                b_factor=1,
                out_type=IntType.containing(-most, most),
            ),
            *ends,
        )
        return out

    def _slice(self, *_: int) -> None:
        """Keep a range of rows, columns or channels."""
        _, width, channels = shape = self.build.shape
        axis = int(self.rng.integers(0, 3))
        start = int(self.rng.integers(0, shape[axis]))
        stop = int(self.rng.integers(start + 1, shape[axis] + 1))
        if stop - start == shape[axis] and self.rng.integers(0, 2):
            return
        inner = (width * channels, channels, 1)[axis]
        if any(number * inner % self.build.stream.lanes for number in (shape[axis], start, stop)):
            lanes = [d for d in divisors(channels) if start * inner % d == 0 and stop * inner % d == 0]
            self._to_lanes(self._choice(lanes))
        self.build.add(
            "slice",
            lambda stream: Slice(
                stream=stream, channels=shape[axis] * inner, start=start * inner, stop=stop * inner
            ),
            shape=(*shape[:axis], stop - start, *shape[axis + 1 :]),
        )

    def _argmax(self) -> None:
        height, width, channels = self.build.shape
        self._narrow()
        self.build.add(
            "argmax",
            lambda stream: ArgMax(
                channels=channels, pe=stream.lanes, in_type=stream.type, vectors=height * width
            ),
            shape=(height, width, 1),
        )


# The reference: every automaton, every cycle, as docs/internals/simulator.md says it.


class PipelineModel:
    def __init__(self, automaton: Pipeline) -> None:
        self.steps = [tuple(row[1:]) for row in automaton.program.tolist() for _ in range(row[0])]
        self.place, self.valid = 0, [False] * automaton.depth

    def offers(self) -> list[bool]:
        return [self.valid[-1]]

    def cycle(self, offered: list[bool], taken: list[bool]) -> list[bool]:
        takes, sends, waits, free = self.steps[self.place]
        enable = taken[0] or not self.valid[-1]
        there = [offered[port] or not waits >> port & 1 for port in range(len(offered))]
        ready = [
            bool((enable or free) and takes >> port & 1 and all(there[:port] + there[port + 1 :]))
            for port in range(len(offered))
        ]
        step = bool((enable or free) and all(there))
        if enable:
            self.valid = [bool(step and sends), *self.valid[:-1]]
        if step:
            self.place = (self.place + 1) % len(self.steps)
        return ready


class StoreModel:
    def __init__(self, automaton: Store) -> None:
        self.reads = [
            (need + index * more, limit + index * rise)
            for count, need, more, limit, rise in automaton.program.tolist()
            for index in range(count)
        ]
        entry = [[1, 1]] if automaton.entry is None else automaton.entry.tolist()
        self.kept = [bool(keeps) for count, keeps in entry for _ in range(count)]
        self.words, self.valid = automaton.words, [False] * automaton.depth
        self.place = self.arrived = self.came = 0

    def offers(self) -> list[bool]:
        return [self.valid[-1]]

    def cycle(self, offered: list[bool], taken: list[bool]) -> list[bool]:
        need, limit = self.reads[self.place]
        keeps = self.kept[self.came]
        ready = not keeps or self.arrived < limit
        enable = taken[0] or not self.valid[-1]
        read = enable and self.arrived >= need
        if offered[0] and ready:
            self.arrived += keeps
            self.came = (self.came + 1) % len(self.kept)
        if enable:
            self.valid = [read, *self.valid[:-1]]
        if read:
            self.place += 1
            if self.place == len(self.reads):
                self.place = 0
                self.arrived -= self.words
        return [ready]


class SpreadModel:
    def __init__(self, automaton: Spread) -> None:
        self.masks = [mask for count, mask in automaton.program.tolist() for _ in range(count)]
        self.place, self.pending = 0, [False] * automaton.outputs

    def offers(self) -> list[bool]:
        return list(self.pending)

    def cycle(self, offered: list[bool], taken: list[bool]) -> list[bool]:
        mask = self.masks[self.place]
        self.pending = [waits and not gone for waits, gone in zip(self.pending, taken, strict=True)]
        ready = not any(waits and mask >> port & 1 for port, waits in enumerate(self.pending))
        if ready and offered[0]:
            self.pending = [waits or bool(mask >> port & 1) for port, waits in enumerate(self.pending)]
            self.place = (self.place + 1) % len(self.masks)
        return [ready]


class QueueModel:
    def __init__(self, automaton: Queue) -> None:
        self.depth, self.registered, self.held, self.peak = automaton.depth, automaton.registered, 0, 0

    def offers(self) -> list[bool]:
        return [self.held > 0]

    def cycle(self, offered: list[bool], taken: list[bool]) -> list[bool]:
        leaves = self.held > 0 and taken[0]
        ready = self.held < self.depth or (leaves and not self.registered)
        self.held += (offered[0] and ready) - leaves
        self.peak = max(self.peak, self.held)
        return [ready]


class ExchangeModel:
    def __init__(self, automaton: Exchange) -> None:
        self.words, self.gathered, self.left = automaton.words, 0, 0

    def offers(self) -> list[bool]:
        return [self.left > 0]

    def cycle(self, offered: list[bool], taken: list[bool]) -> list[bool]:
        free = self.left == 0 or (self.left == 1 and taken[0])
        ready = self.gathered + 1 < self.words or free
        if self.left and taken[0]:
            self.left -= 1
        if ready and offered[0]:
            self.gathered += 1
            if self.gathered == self.words:
                self.gathered, self.left = 0, self.words
        return [ready]


MODELS: Mapping[type, Any] = {
    Pipeline: PipelineModel,
    Store: StoreModel,
    Spread: SpreadModel,
    Queue: QueueModel,
    Exchange: ExchangeModel,
}


@dataclass(frozen=True, kw_only=True)
class ReferenceRun:
    """Edges on which words left and came in; per wire of the plan the words moved and the cycles stalled."""

    output_cycles: list[int]
    input_cycles: list[int]
    moved: dict[str, int]
    stalled: dict[str, int]
    held: dict[str, int]


def reference(plan: Plan, frames: int, *, pace_cycles: int = 0, most_cycles: int = 20_000) -> ReferenceRun:
    """Simulate cycle by cycle, until nothing moves any more."""
    units: list[tuple[Any, tuple[str, ...], tuple[str, ...], Instance]] = []
    for instance in plan.instances:
        schedule = instance.block.schedule()
        ends = dict(
            zip((*schedule.inputs, *schedule.outputs), (*instance.inputs, *instance.outputs), strict=True)
        )
        for each in schedule.parts:
            inputs, outputs = (
                tuple(ends.get(name, f"{instance.name} {name}") for name in names)
                for names in (each.inputs, each.outputs)
            )
            units.append((MODELS[type(each.automaton)](each.automaton), inputs, outputs, instance))
    words_in = plan.wires[plan.inputs[0]].words
    came: list[int] = []
    left: list[int] = []
    moved = dict.fromkeys(plan.wires, 0)
    stalled = dict.fromkeys(plan.wires, 0)
    quiet = cycle = 0
    while quiet < 100 + pace_cycles and cycle < most_cycles:  # no pipeline is that long
        frame = len(came) // words_in
        offered = {
            plan.inputs[0]: frame < frames and (len(came) % words_in > 0 or cycle >= frame * pace_cycles)
        }
        for model, _, outputs, _ in units:
            offered |= dict(zip(outputs, model.offers(), strict=True))
        taken = {plan.outputs[0]: True}
        for model, inputs, outputs, _ in reversed(units):
            ready = model.cycle([offered[w] for w in inputs], [taken[w] for w in outputs])
            taken |= dict(zip(inputs, ready, strict=True))
        if offered[plan.inputs[0]] and taken[plan.inputs[0]]:
            came.append(cycle)
        if offered[plan.outputs[0]]:
            left.append(cycle)
        for wire in plan.wires:
            moved[wire] += offered[wire] and taken[wire]
            stalled[wire] += offered[wire] and not taken[wire]
        quiet = 0 if any(offered[wire] and taken[wire] for wire in offered) else quiet + 1
        cycle += 1
    held = {
        outputs[0]: model.peak
        for model, _, outputs, instance in units
        if isinstance(model, QueueModel) and isinstance(instance.block, Fifo)
    }
    return ReferenceRun(output_cycles=left, input_cycles=came, moved=moved, stalled=stalled, held=held)


# The Verilog


def run_rtl(plan: Plan, frames: int, folder: Path) -> StreamRun:
    """Run frames of zeros through the Verilog of a plan; SimulationError where it stops for ever."""
    for path, text in emit_rtl(plan).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    first, last = plan.wires[plan.inputs[0]], plan.wires[plan.outputs[0]]
    zeros = np.zeros((frames, first.words * first.lanes), np.int64)
    simulator = rtl_simulator(plan, folder)
    return simulator.run(words_of(plan, zeros), expect_words=[frames * last.words], timeout_cycles=5000)


def assert_rtl_agrees(plan: Plan, schedule: Run, frames: int, folder: Path) -> None:
    """Assert that every word leaves the Verilog, and the last one enters it, when the schedule says so."""
    words = plan.wires[plan.outputs[0]].words
    if schedule.deadlock is not None:
        moved = schedule.wires[plan.outputs[0]].words
        try:
            run_rtl(plan, frames, folder)
        except SimulationError as error:
            assert f"m_axis sent {moved} of {frames * words} words" in str(error)  # noqa: PT017
            return
        raise AssertionError(f"the Verilog does not stop: {schedule.deadlock}")
    run = run_rtl(plan, frames, folder)
    np.testing.assert_array_equal(run.output_cycles[0].reshape(frames, words), schedule.output_cycles)
    assert int(run.input_cycles[0][-1]) == schedule.wires[plan.inputs[0]].last_cycle
