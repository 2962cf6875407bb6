# SPDX-License-Identifier: Apache-2.0
"""Lay a graph out as stages: blocks, width converters and forks, legal by construction."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import gcd
from typing import TYPE_CHECKING, Any

import numpy as np

from tailrace.blocks.argmax import ArgMax as ArgMaxBlock
from tailrace.blocks.base import Block, Stream
from tailrace.blocks.concat import Concat as ConcatBlock
from tailrace.blocks.dense_binary import DenseBinary
from tailrace.blocks.dense_folded import DenseFolded
from tailrace.blocks.depthwise import Depthwise as DepthwiseBlock
from tailrace.blocks.eltwise import Eltwise
from tailrace.blocks.fork import Fork
from tailrace.blocks.frame import Frame
from tailrace.blocks.pad import Pad as PadBlock
from tailrace.blocks.permute import Permute as PermuteBlock
from tailrace.blocks.pool import Pool as PoolBlock
from tailrace.blocks.replay import Replay
from tailrace.blocks.round_shift import RoundShift
from tailrace.blocks.shuffle import Shuffle as ShuffleBlock
from tailrace.blocks.skid import Skid
from tailrace.blocks.slice import Slice as SliceBlock
from tailrace.blocks.upsample import Upsample as UpsampleBlock
from tailrace.blocks.width import Width
from tailrace.blocks.window import Window as WindowBlock
from tailrace.blocks.window_parallel import WindowParallel
from tailrace.core.errors import MappingError
from tailrace.graph import (
    Add,
    ArgMax,
    Bias,
    Concat,
    Dense,
    Depthwise,
    Graph,
    Map,
    Multiply,
    Node,
    Pad,
    Permute,
    Pool,
    Reshape,
    Shuffle,
    Slice,
    Tensor,
    Upsample,
    Window,
)
from tailrace.graph.passes.exact.absorb_bias import free_bias, is_binary
from tailrace.planning.folding import (
    Folding,
    divisors,
    lane_unit,
    work,
)
from tailrace.planning.plan import Plan, Stage
from tailrace.planning.requantize import requantizer
from tailrace.planning.spatial import (
    cut_circuit,
    searched,
    spatial_block,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.targets.parts import Part

BLOCK_RAM_DEPTH = 64
"""Weight memories at least this deep, and ..."""
BLOCK_RAM_BITS = 4096
"""... at least this large go to block RAM while there is some; all others to LUTs."""
BLOCK_RAM_WIDTH, BLOCK_RAM_WORDS = 36, 512
"""The widest shape of an 18 kbit block RAM."""

MULTIPLIER_BITS = 8
"""Operands of at least this many bits each are multiplied in multiplier blocks, where the part has enough."""

READY_AT_MOST = 6
"""Spatial layers in a row without a register in the way of ``tready``."""

STYLES = ("auto", "registers", "distributed", "block")


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerOptions:
    """What a user may fix for one layer; see tailrace.toml."""

    memory: str = "auto"
    dsp: str = "auto"
    requantizer: str = "auto"
    engine: str = "auto"


@dataclass(kw_only=False, eq=False)
class Layout:
    """Lays ``graph`` out for at most ``interval`` cycles a frame.

    ``folding`` is {node: {"pe", "simd"}}; ``spatial`` {matrix product: the nodes that may go into its circuit}, whose
    stages take ``most_ns`` each by estimate; ``asked`` and ``layers`` are what the user fixed.
    """

    graph: Graph
    part: Part
    clock_mhz: float
    interval: int
    folding: Folding
    spatial: Mapping[str, tuple[Node, ...]]
    asked: Mapping[str, Mapping[str, int | str]]
    layers: Mapping[str, LayerOptions]
    most_ns: float
    stages: list[Stage] = field(default_factory=list)
    wires: dict[str, Stream] = field(default_factory=dict)
    ready: dict[str, list[str]] = field(default_factory=dict)
    """The wires that carry each tensor, one for every reader still to come."""
    absorbed: set[str] = field(default_factory=set)
    """The nodes that a spatial block computes beside the matrix product that it is named after."""
    skids: set[str] = field(default_factory=set)
    """The stages that are skid buffers."""
    dsp_used: int = 0
    ram_used: int = 0

    def run(self) -> Plan:
        """Return the plan, without FIFOs. Raises MappingError for what no block can do."""
        graph = self.graph
        tensor = graph.tensors[graph.input]
        lanes = self._input_lanes(tensor)
        self.wires["in"] = Stream(lanes=lanes, type=tensor.type, words=tensor.size // lanes)
        self._offer(graph.input, "in")
        for node in graph.nodes:
            try:
                self._place(node)
            except ValueError as error:
                hint = "it is beyond what the blocks can do; fewer bits, or a scale that is shared, may help"
                raise MappingError(f"no block can do this: {error}", where=node.name, hint=hint) from error
        out = self._take(graph.output)
        out = self._skid("output_skid", out, graph.output)
        stream = self.wires[out]
        output = self._stage("frame", Frame(stream=stream), graph.output, (out,), graph.output)
        return Plan(
            graph=graph,
            part=self.part,
            clock_mhz=self.clock_mhz,
            stages=tuple(self.stages),
            wires=self.wires,
            input="in",
            output=output,
            folding=self._folding_in_use(),
        )

    def _folding_in_use(self) -> Folding:
        """Return the folding with the lanes that channel-by-channel blocks took over from what arrives."""
        blocks = {stage.name: stage.block for stage in self.stages if stage.tensor}
        lanes = {name: block.inputs[0].lanes for name, block in blocks.items()}
        found: Folding = {}
        for node in self.graph.nodes:
            if node.name in self.folding and node.name not in self.absorbed:
                own = self.folding[node.name]
                taken = not isinstance(node, Dense) and node.name in lanes
                found[node.name] = {**own, "pe": lanes[node.name]} if taken else dict(own)
                if isinstance(node, Window):  # the taps in a word
                    found[node.name]["simd"] = blocks[node.name].outputs[0].lanes // lanes[node.name]
        return found

    def _input_lanes(self, tensor: Tensor) -> int:
        """Return the lanes of the design's input: those of its first reader, or of the dense layer behind a map."""
        readers = self._readers(tensor.name)
        for node in readers:
            if isinstance(node, Dense):
                return self.folding[node.name]["simd"]
        node = readers[0]
        if (explicit := self._explicit(node)) is not None:
            return explicit
        for behind in self._readers(node.output):
            if isinstance(behind, Dense):
                simd = self.folding[behind.name]["simd"]
                if tensor.channels % simd == 0 and tensor.size // simd <= self.interval:
                    return simd
        return self.folding[node.name]["pe"]

    def _readers(self, tensor: str) -> list[Node]:
        """Return the nodes that read a tensor, through reshapes."""
        found: list[Node] = []
        for node in self.graph.consumers(tensor):
            found.extend(self._readers(node.output) if isinstance(node, Reshape) else [node])
        return found

    def _explicit(self, node: Node) -> int | None:
        """Return the lanes that the user asked for, or None."""
        wanted = self.asked.get(node.name, {}).get("pe", self.asked.get("*", {}).get("pe"))
        return self.folding[node.name]["pe"] if wanted not in (None, "auto") else None

    # Wires

    def _stage(self, name: str, block: Block, node: str, inputs: tuple[str, ...], tensor: str = "") -> str:
        """Add a stage with one output; returns its wire."""
        out = f"{name}_out"
        self.wires[out] = block.outputs[0]
        self.stages.append(
            Stage(name=name, block=block, node=node, inputs=inputs, outputs=(out,), tensor=tensor)
        )
        return out

    def _offer(self, tensor: str, wire: str) -> None:
        """Let a wire carry ``tensor`` to all its readers, through a fork where there are several."""
        count = sum(name == tensor for node in self.graph.nodes for name in node.inputs)
        count += tensor == self.graph.output
        if count <= 1:
            self.ready[tensor] = [wire]
            return
        name = f"{tensor}_fork"
        stream = self.wires[wire]
        outputs = tuple(f"{name}_out{i}" for i in range(count))
        for out in outputs:
            self.wires[out] = stream
        block = Fork(stream=stream, branches=count)
        self.stages.append(
            Stage(name=name, block=block, node=tensor, inputs=(wire,), outputs=outputs, tensor=tensor)
        )
        self.ready[tensor] = list(outputs)

    def _take(self, tensor: str) -> str:
        return self.ready[tensor].pop(0)

    def _lanes(self, name: str, wire: str, lanes: int, node: str) -> str:
        """Return a wire that carries the same with ``lanes`` lanes."""
        stream = self.wires[wire]
        if stream.lanes == lanes:
            return wire
        return self._stage(f"{name}_width", Width.between(stream, lanes), node, (wire,))

    def _skid(self, name: str, wire: str, node: str) -> str:
        """Return a wire that carries the same behind a register in the way of ``tready``."""
        if self.stages and self.stages[-1].name in self.skids:
            return wire
        self.skids.add(name)
        return self._stage(name, Skid(stream=self.wires[wire]), node, (wire,))

    # Nodes

    def _place(self, node: Node) -> None:
        if node.name in self.absorbed:
            return
        if node.name in self.spatial:
            self._side_by_side(node)
            return
        ins = [self._take(name) for name in node.inputs]
        match node:
            case Reshape():
                out = ins[0]
            case Dense():
                out = self._dense(node, ins[0])
            case Window():
                out = self._window(node, ins[0])
            case Pad() | Upsample() | Shuffle() | Slice() | Permute():
                out = self._moving(node, ins[0])
            case Pool() | Depthwise():
                out = self._reduction(node, ins[0])
            case Concat():
                out = self._concat(node, ins[0], ins[1])
            case Map():
                out = self._map(node, ins[0])
            case Bias():
                out = self._bias(node, ins[0])
            case Add() | Multiply():
                out = self._eltwise(node, ins[0], ins[1])
            case ArgMax():
                out = self._argmax(node, ins[0])
        self._offer(node.output, self._cast(f"{node.name}_cast", out, node.output, node.name))

    def _working_lanes(self, node: Node, wire: str) -> int:
        """Return the lanes of a channel-by-channel block: those that arrive, where they are fast enough."""
        explicit = self._explicit(node)
        if explicit is not None:
            return explicit
        arriving = self.wires[wire].lanes
        unit = lane_unit(self.graph, node)
        if unit % arriving == 0 and work(self.graph, node) // arriving <= self.interval:
            return arriving
        return self.folding[node.name]["pe"]

    def _cast(self, name: str, wire: str, tensor: str, node: str) -> str:
        """Return a wire that carries the same with the type of ``tensor``."""
        stream, kind = self.wires[wire], self.graph.tensors[tensor].type
        if stream.type == kind:
            return wire
        block = RoundShift(
            bias=np.zeros(stream.lanes, np.int64),
            shift=0,
            mode="floor",
            low=kind.min,
            high=kind.max,
            channels=stream.lanes,
            pe=stream.lanes,
            in_type=stream.type,
            out_type=kind,
            vectors=stream.words,
        )
        return self._stage(name, block, node, (wire,))

    def _window(self, node: Window, wire: str) -> str:
        tensor, out = self.graph.tensors[node.input], self.graph.tensors[node.output]
        height, width, channels = tensor.shape
        readers = self._readers(node.output)
        simd = self.folding[readers[0].name].get("simd") if len(readers) == 1 else None
        lanes = self._working_lanes(node, wire)
        explicit = self._explicit(node)
        if explicit is None and readers:
            wanted = simd if simd is not None else self.folding[readers[0].name]["pe"]
            lanes = wanted if channels % wanted == 0 else gcd(channels, wanted)
        if explicit is None and out.size // lanes > self.interval:
            fast = [n for n in divisors(channels) if max(out.size, tensor.size) // n <= self.interval]
            lanes = fast[0] if fast else channels
        # One tap after the other, as long as that is fast enough; else whole windows.
        whole = explicit is None and out.size // lanes > self.interval
        whole = whole or (explicit is not None and self.folding[node.name]["simd"] > 1)
        wire = self._lanes(node.name, wire, lanes, node.name)
        kind = WindowParallel if whole else WindowBlock
        block = kind(
            stream=self.wires[wire],
            height=height,
            width=width,
            channels=channels,
            kernel=node.kernel,
            stride=node.stride,
            dilation=node.dilation,
        )
        return self._stage(node.name, block, node.name, (wire,), node.output)

    def _moving(self, node: Pad | Upsample | Shuffle | Slice | Permute, wire: str) -> str:
        """Place a block that moves integers, on images or on vectors."""
        tensor = self.graph.tensors[node.input]
        lanes = self._working_lanes(node, wire)
        wire = self._lanes(node.name, wire, lanes, node.name)
        if isinstance(node, Pad):
            wire = self._cast(f"{node.name}_wide", wire, node.output, node.name)
        stream = self.wires[wire]
        match node:
            case Slice():
                block: Block = SliceBlock(
                    stream=stream, channels=tensor.channels, start=node.start, stop=node.stop
                )
            case Permute():
                order = node.order.reshape(-1, stream.lanes)[:, 0] // stream.lanes
                block = PermuteBlock(stream=stream, order=order)
            case _:
                height, width, channels = tensor.shape
                image: dict[str, Any] = {
                    "stream": stream,
                    "height": height,
                    "width": width,
                    "channels": channels,
                }
                match node:
                    case Pad():
                        block = PadBlock(
                            **image,
                            top=node.top,
                            bottom=node.bottom,
                            left=node.left,
                            right=node.right,
                            value=node.value,
                        )
                    case Upsample():
                        block = UpsampleBlock(**image, factor=node.factor)
                    case Shuffle():
                        block = ShuffleBlock(**image, block=node.block, mode=node.mode)
        return self._stage(node.name, block, node.name, (wire,), node.output)

    def _reduction(self, node: Pool | Depthwise, wire: str) -> str:
        tensor, out = self.graph.tensors[node.input], self.graph.tensors[node.output]
        lanes = self._working_lanes(node, wire)
        wire = self._lanes(node.name, wire, lanes, node.name)
        common: dict[str, Any] = {
            "pe": lanes,
            "in_type": tensor.type,
            "out_type": out.type,
            "vectors": out.vectors,
        }
        if isinstance(node, Pool):
            block: Block = PoolBlock(
                operation=node.operation, channels=out.channels, taps=node.taps, **common
            )
        else:
            options = self._options(node)
            taps = node.weights.shape[1]
            weight_bits = 1 + int(np.abs(node.weights).max(initial=1)).bit_length()
            block = DepthwiseBlock(
                weights=node.weights,
                bias=node.bias if node.bias.any() else None,
                style=self._style(options, taps * out.channels // lanes, lanes * weight_bits),
                dsp=self._dsp(options, tensor.type.bits, weight_bits, lanes),
                **common,
            )
        return self._stage(node.name, block, node.name, (wire,), node.output)

    def _concat(self, node: Concat, a: str, b: str) -> str:
        lanes = self._explicit(node)
        unit = lane_unit(self.graph, node)
        if lanes is None:
            arriving = [self.wires[w].lanes for w in (a, b)]
            good = [n for n in arriving if unit % n == 0 and work(self.graph, node) // n <= self.interval]
            lanes = min(good) if good else self.folding[node.name]["pe"]
        a, b = (
            self._cast(
                f"{node.name}_{side}_cast",
                self._lanes(f"{node.name}_{side}", wire, lanes, node.name),
                node.output,
                node.name,
            )
            for side, wire in (("a", a), ("b", b))
        )
        block = ConcatBlock(
            a=self.wires[a],
            b=self.wires[b],
            a_channels=self.graph.tensors[node.a].channels,
            b_channels=self.graph.tensors[node.b].channels,
        )
        return self._stage(node.name, block, node.name, (a, b), node.output)

    def _dense(self, node: Dense, wire: str) -> str:
        tensor, out = self.graph.tensors[node.input], self.graph.tensors[node.output]
        pe, simd = self.folding[node.name]["pe"], self.folding[node.name]["simd"]
        rows, cols = node.weights.shape
        wire = self._lanes(node.name, wire, simd, node.name)
        if rows // pe > 1:
            replay = _replay(self.wires[wire], tensor.vectors, rows // pe)
            wire = self._stage(f"{node.name}_replay", replay, node.name, (wire,))
        else:
            wire = self._skid(f"{node.name}_skid", wire, node.name)
        options = self._options(node)
        bias = node.bias - free_bias(self.graph, node)
        folds = (rows // pe) * (cols // simd)
        if is_binary(self.graph, node):
            block: Block = DenseBinary(
                weights=node.weights,
                bias=bias if bias.any() else None,
                pe=pe,
                simd=simd,
                out_type=out.type,
                style=self._style(options, folds, pe * simd),
                vectors=tensor.vectors,
            )
        else:
            weight_bits = 1 + int(np.abs(node.weights).max(initial=1)).bit_length()
            block = DenseFolded(
                weights=node.weights,
                bias=bias if bias.any() else None,
                pe=pe,
                simd=simd,
                in_type=tensor.type,
                out_type=out.type,
                style=self._style(options, folds, pe * simd * weight_bits),
                dsp=self._dsp(options, tensor.type.bits, weight_bits, pe * simd),
                vectors=tensor.vectors,
            )
        return self._stage(node.name, block, node.name, (wire,), node.output)

    def _side_by_side(self, node: Node) -> None:
        """Place a matrix product of the spatial engine, with what is behind it."""
        tensor = self.graph.tensors[node.inputs[0]]
        nodes, found = searched(self.spatial[node.name], tensor, self.part.estimator)
        block = spatial_block(self.graph, nodes, cut_circuit(found, self.part, self.most_ns), self.part)
        wire = self._lanes(node.name, self._take(node.inputs[0]), block.cols, node.name)
        if len(self.stages) >= READY_AT_MOST and all(
            stage.engine == "spatial" for stage in self.stages[-READY_AT_MOST:]
        ):
            wire = self._skid(f"{node.name}_skid", wire, node.name)
        self.absorbed |= {each.name for each in nodes[1:]}
        self._offer(nodes[-1].output, self._stage(node.name, block, node.name, (wire,), nodes[-1].output))

    def _options(self, node: Node) -> LayerOptions:
        return self.layers.get(node.name, self.layers.get("*", LayerOptions()))

    def _style(self, options: LayerOptions, depth: int, width: int) -> str:
        """Return where a weight memory of ``depth`` words of ``width`` bits goes."""
        if options.memory != "auto":
            return options.memory
        if depth == 1:
            return "registers"
        blocks = -(-width // BLOCK_RAM_WIDTH) * -(-depth // BLOCK_RAM_WORDS)
        deep = depth >= BLOCK_RAM_DEPTH and depth * width >= BLOCK_RAM_BITS
        if not deep or self.ram_used + blocks > 0.8 * self.part.bram18:
            return "distributed"
        self.ram_used += blocks
        return "block"

    def _dsp(self, options: LayerOptions, in_bits: int, weight_bits: int, products: int) -> bool:
        if options.dsp != "auto":
            return options.dsp == "yes"
        wide = min(in_bits, weight_bits) >= MULTIPLIER_BITS
        if not wide or self.dsp_used + products > 0.8 * self.part.dsp:
            return False
        self.dsp_used += products
        return True

    def _map(self, node: Map, wire: str) -> str:
        lanes = self._working_lanes(node, wire)
        wire = self._lanes(node.name, wire, lanes, node.name)
        options = self._options(node)
        block = requantizer(
            node,
            self.graph.tensors[node.input],
            self.graph.tensors[node.output],
            lanes,
            family=self.part.estimator,
            kind=options.requantizer,
            dsp=options.dsp == "yes",
        )
        return self._stage(node.name, block, node.name, (wire,), node.output)

    def _bias(self, node: Bias, wire: str) -> str:
        tensor, out = self.graph.tensors[node.input], self.graph.tensors[node.output]
        lanes = self._working_lanes(node, wire)
        wire = self._lanes(node.name, wire, lanes, node.name)
        if out.type.bits > 32:
            raise MappingError(
                f"a bias on {out.type} cannot be placed",
                where=node.name,
                hint="quantize the sum to at most 32 bits",
            )
        block = RoundShift(
            bias=node.values,
            shift=0,
            mode="floor",
            low=int(out.low.min()),
            high=int(out.high.max()),
            channels=tensor.channels,
            pe=lanes,
            in_type=tensor.type,
            out_type=out.type,
            vectors=tensor.vectors,
        )
        return self._stage(node.name, block, node.name, (wire,), node.output)

    def _eltwise(self, node: Add | Multiply, a: str, b: str) -> str:
        tensor, out = self.graph.tensors[node.a], self.graph.tensors[node.output]
        explicit = self._explicit(node)
        fast = [n for n in divisors(tensor.channels) if tensor.size // n <= self.interval] or [
            tensor.channels
        ]
        arriving = [self.wires[w].lanes for w in (a, b)]
        good = [n for n in arriving if n in fast]
        lanes = explicit if explicit is not None else (min(good) if good else fast[0])
        a = self._lanes(f"{node.name}_a", a, lanes, node.name)
        b = self._lanes(f"{node.name}_b", b, lanes, node.name)
        block = Eltwise(
            operation="add" if isinstance(node, Add) else "multiply",
            a=self.wires[a],
            b=self.wires[b],
            a_factor=node.a_factor if isinstance(node, Add) else 1,
            b_factor=node.b_factor if isinstance(node, Add) else 1,
            out_type=out.type,
        )
        wire = self._stage(node.name, block, node.name, (a, b), node.output)
        return self._skid(f"{node.name}_skid", wire, node.name)

    def _argmax(self, node: ArgMax, wire: str) -> str:
        tensor, out = self.graph.tensors[node.input], self.graph.tensors[node.output]
        lanes = self._working_lanes(node, wire)
        wire = self._lanes(node.name, wire, lanes, node.name)
        block = ArgMaxBlock(
            channels=tensor.channels,
            pe=lanes,
            in_type=tensor.type,
            smallest=node.smallest,
            vectors=tensor.vectors,
        )
        if block.outputs[0].type != out.type:
            raise ValueError(f"{node.name}: {block.outputs[0].type} is not {out.type}")
        return self._stage(node.name, block, node.name, (wire,), node.output)


def _replay(stream: Stream, vectors: int, times: int) -> Replay:
    return Replay(vector=replace(stream, words=stream.words // vectors), times=times, vectors=vectors)
