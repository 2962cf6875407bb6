# SPDX-License-Identifier: Apache-2.0
"""The sheet that a graph is laid out on: instances and wires, and what every lowering needs to add its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tailrace.blocks.fork import Fork
from tailrace.blocks.round_shift import RoundShift
from tailrace.blocks.skid import Skid
from tailrace.blocks.width import Width
from tailrace.planning.plan import Instance
from tailrace.planning.rules import FOLDINGS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.blocks.base import Block, Stream
    from tailrace.core.types import IntType
    from tailrace.graph import Graph, Node
    from tailrace.planning.folding import Folding
    from tailrace.targets.parts import Part

BLOCK_RAM_DEPTH = 64
"""Weight memories at least this deep, and ..."""
BLOCK_RAM_BITS = 4096
"""... at least this large go to block RAM while there is some; all others to LUTs."""
BLOCK_RAM_SHAPES = ((36, 512), (18, 1024), (9, 2048), (4, 4096), (2, 8192), (1, 16384))
"""The (bits, words) that an 18 kbit block RAM can have."""

MULTIPLIER_BITS = 8
"""Operands of at least this many bits each are multiplied in multiplier blocks, where the part has enough."""


def block_rams(depth: int, width: int) -> int:
    """Return how many block RAMs of 18 kbit hold ``depth`` words of ``width`` bits, in the shape that takes fewest."""
    return min(-(-width // bits) * -(-depth // words) for bits, words in BLOCK_RAM_SHAPES)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerOptions:
    """What a user may fix for one layer; see tailrace.toml."""

    memory: str = "auto"
    dsp: str = "auto"
    requantizer: str = "auto"
    engine: str = "auto"


@dataclass(kw_only=False, eq=False)
class Layout:
    """The sheet for ``graph``, at most ``interval`` cycles a frame.

    ``folding`` is {node: {"pe", "simd"}}; ``spatial`` {matrix product: the nodes that may go into its circuit}, whose
    instances take ``most_ns`` each by estimate; ``asked`` and ``layers`` are what the user fixed.
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
    instances: list[Instance] = field(default_factory=list)
    wires: dict[str, Stream] = field(default_factory=dict)
    ready: dict[str, list[str]] = field(default_factory=dict)
    """The wires that carry each tensor, one for every reader still to come."""
    absorbed: set[str] = field(default_factory=set)
    """The nodes that a spatial block computes beside the matrix product that it is named after."""
    skids: set[str] = field(default_factory=set)
    """The instances that are skid buffers."""
    dsp_used: int = 0
    ram_used: int = 0

    # What the graph and the user say

    def readers(self, tensor: str) -> list[Node]:
        """Return the nodes that read a tensor, through what is free."""
        found: list[Node] = []
        for node in self.graph.consumers(tensor):
            found.extend(self.readers(node.output) if node.role == "free" else [node])
        return found

    def explicit(self, node: Node) -> int | None:
        """Return the lanes that the user asked for, or None."""
        wanted = self.asked.get(node.name, {}).get("pe", self.asked.get("*", {}).get("pe"))
        return self.folding[node.name]["pe"] if wanted not in (None, "auto") else None

    def options(self, node: Node) -> LayerOptions:
        """Return what the user fixed for a node."""
        return self.layers.get(node.name, self.layers.get("*", LayerOptions()))

    # Wires

    def instance(self, name: str, block: Block, node: str, inputs: tuple[str, ...], tensor: str = "") -> str:
        """Add an instance with one output; returns its wire."""
        out = f"{name}_out"
        self.wires[out] = block.outputs[0]
        self.instances.append(
            Instance(name=name, block=block, node=node, inputs=inputs, outputs=(out,), tensor=tensor)
        )
        return out

    def place(self, node: Node, block: Block, *inputs: str) -> str:
        """Add the instance that computes ``node`` and has its name; returns its wire."""
        return self.instance(node.name, block, node.name, inputs, node.output)

    def offer(self, tensor: str, wire: str) -> None:
        """Let a wire carry ``tensor`` to all its readers, through a fork where there are several."""
        count = sum(node.inputs.count(tensor) for node in self.graph.consumers(tensor))
        count += self.graph.outputs.count(tensor)
        count += sum(state.output == tensor for state in self.graph.states)
        if count <= 1:
            self.ready[tensor] = [wire]
            return
        name = f"{tensor}_fork"
        stream = self.wires[wire]
        outputs = tuple(f"{name}_out{i}" for i in range(count))
        for out in outputs:
            self.wires[out] = stream
        block = Fork(stream=stream, branches=count)
        self.instances.append(
            Instance(name=name, block=block, node=tensor, inputs=(wire,), outputs=outputs, tensor=tensor)
        )
        self.ready[tensor] = list(outputs)

    def take(self, tensor: str) -> str:
        """Return the wire that carries a tensor to its next reader."""
        return self.ready[tensor].pop(0)

    def with_lanes(self, name: str, wire: str, lanes: int, node: str) -> str:
        """Return a wire that carries the same with ``lanes`` lanes."""
        stream = self.wires[wire]
        if stream.lanes == lanes:
            return wire
        return self.instance(f"{name}_width", Width.between(stream, lanes), node, (wire,))

    def skid(self, name: str, wire: str, node: str) -> str:
        """Return a wire that carries the same behind a register in the way of ``tready``."""
        if self.instances and self.instances[-1].name in self.skids and wire in self.instances[-1].outputs:
            return wire
        self.skids.add(name)
        return self.instance(name, Skid(stream=self.wires[wire]), node, (wire,))

    def cast(self, name: str, wire: str, tensor: str, node: str) -> str:
        """Return a wire that carries the same with the type of ``tensor``."""
        return self.cast_to(name, wire, self.graph.tensors[tensor].type, node)

    def cast_to(self, name: str, wire: str, kind: IntType, node: str) -> str:
        """Return a wire that carries the same with the type ``kind``, which holds all values."""
        stream = self.wires[wire]
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
        return self.instance(name, block, node, (wire,))

    # Lanes, memories, multipliers

    def working_lanes(self, node: Node, wire: str) -> int:
        """Return the lanes of a channel-by-channel block: those that arrive, where they are fast enough."""
        explicit = self.explicit(node)
        if explicit is not None:
            return explicit
        arriving = self.wires[wire].lanes
        rule = FOLDINGS[type(node)]
        if (
            rule.lanes(self.graph, node) % arriving == 0
            and rule.work(self.graph, node) // arriving <= self.interval
        ):
            return arriving
        return self.folding[node.name]["pe"]

    def fed(self, node: Node, wire: str) -> str:
        """Return a wire that carries the same with the lanes at which the block of ``node`` works."""
        return self.with_lanes(node.name, wire, self.working_lanes(node, wire), node.name)

    def memory_style(self, options: LayerOptions, depth: int, width: int) -> str:
        """Return where a weight memory of ``depth`` words of ``width`` bits goes."""
        if options.memory != "auto":
            return options.memory
        if depth == 1:
            return "registers"
        blocks = block_rams(depth, width)
        deep = depth >= BLOCK_RAM_DEPTH and depth * width >= BLOCK_RAM_BITS
        if not deep or self.ram_used + blocks > 0.8 * self.part.bram18:
            return "distributed"
        self.ram_used += blocks
        return "block"

    def buffer_style(self, options: LayerOptions, depth: int, width: int, banks: int) -> str:
        """Return where ``banks`` memories go that are written as the design runs, of ``depth`` words each."""
        if options.memory not in ("auto", "registers"):
            return options.memory
        blocks = banks * block_rams(depth, width)
        deep = depth >= BLOCK_RAM_DEPTH and depth * width >= BLOCK_RAM_BITS
        if not deep or self.ram_used + blocks > 0.8 * self.part.bram18:
            return "distributed" if self.part.estimator.lut_memory else "auto"
        self.ram_used += blocks
        return "block"

    def takes_dsp(self, options: LayerOptions, in_bits: int, weight_bits: int, products: int) -> bool:
        """Say whether so many products a cycle go to multiplier blocks, which are then taken."""
        if options.dsp != "auto":
            return options.dsp == "yes"
        wide = min(in_bits, weight_bits) >= MULTIPLIER_BITS
        if not wide or self.dsp_used + products > 0.8 * self.part.dsp:
            return False
        self.dsp_used += products
        return True
