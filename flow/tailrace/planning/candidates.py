# SPDX-License-Identifier: Apache-2.0
"""What each node of a graph can become: its foldings, memories, multipliers, requantizers and engines, with their cost.

A candidate is priced by placing it: the node's own lowering runs on a sheet with nothing else on it, so what is counted
is what will be built, whatever the operation. What stands between two nodes, a width converter, depends on both: it is
:func:`between`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from tailrace.blocks.base import Stream
from tailrace.blocks.costs import estimate
from tailrace.blocks.frame import Frame
from tailrace.blocks.skid import Skid
from tailrace.blocks.width import Width
from tailrace.core.errors import MappingError
from tailrace.core.resources import Resources
from tailrace.graph import Dense, Map
from tailrace.graph.passes.exact.absorb_bias import is_binary
from tailrace.planning.folding import fold
from tailrace.planning.layout import LayerOptions, Layout
from tailrace.planning.placement import lowered
from tailrace.planning.requantize import candidates as requantizers
from tailrace.planning.rules import FOLDINGS, Wanted, choices
from tailrace.planning.spatial import MOST_WEIGHTS, chain

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tailrace.blocks.base import Block
    from tailrace.graph import Graph, Node
    from tailrace.planning.folding import Folding
    from tailrace.targets.parts import Part

FEWEST_MULTIPLIER_BITS = 4
"""Narrower operands are not offered to multiplier blocks, which they would waste."""

MOST_FOLDS = 64
"""A layer that may take more cycles a vector is folded without asking: its multipliers are then far fewer."""

INSIDE = 0
"""The lanes of a stream that is inside of a spatial block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One way to build a node: what is chosen, the lanes it takes and gives, what it costs, its cycles a frame.

    ``circuit`` are the nodes that a spatial block computes, this one first; ``inside``: the node is in the circuit of
    another. ``skid_first`` and ``skid_last``: it begins or ends with a skid buffer, of which one does for two.
    """

    folding: Mapping[str, int]
    options: LayerOptions
    ins: tuple[int, ...]
    out: int
    cost: Resources
    cycles: int
    circuit: tuple[str, ...] = ()
    inside: bool = False
    skid_first: bool = False
    skid_last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to be built, on what, and what of it is fixed: as for :class:`tailrace.planning.layout.Layout`."""

    graph: Graph
    part: Part
    clock_mhz: float
    asked: Mapping[str, Mapping[str, int | str]]
    layers: Mapping[str, LayerOptions]
    engines: Mapping[str, str]
    most_ns: float
    interval: int | None = None
    """The most cycles a frame; None where it is to be found."""

    def options(self, node: Node) -> LayerOptions:
        """Return what the user fixed for a node."""
        return self.layers.get(node.name, self.layers.get("*", LayerOptions()))

    def wanted(self, node: Node) -> Wanted:
        """Return the folding that the user fixed for a node."""
        return Wanted(own=self.asked.get(node.name, {}), every=self.asked.get("*", {}))

    def cost(self, block: Block) -> Resources:
        """Return the estimated resources of a block."""
        return estimate(block, self.part.estimator).resources


def all_candidates(question: Question) -> dict[str, tuple[Candidate, ...]]:
    """Return {node: its candidates}, none of which is worse than another in all; free nodes have none."""
    graph = question.graph
    base = fold(graph, 1 << 60, {})
    found: dict[str, list[Candidate]] = {node.name: [] for node in graph.nodes if node.role != "free"}
    for node in graph.nodes:
        if node.role == "free":
            continue
        found[node.name] += _placed(question, node, base)
        if isinstance(node, Dense):
            circuit = _side_by_side(question, node, base)
            if circuit is not None:
                found[node.name].append(circuit)
                for name in circuit.circuit[1:]:
                    last = name == circuit.circuit[-1]
                    found[name].append(_within(circuit, last=last))
                if circuit.circuit[1:]:
                    found[node.name][-1] = replace(circuit, out=INSIDE)
    for name, own in found.items():
        if not own:
            raise MappingError(
                "nothing that is asked for can be built", where=name, hint="leave more to tailrace"
            )
    return {name: tuple(_best(own)) for name, own in found.items()}


def _within(circuit: Candidate, *, last: bool) -> Candidate:
    """Return what a node is that the circuit of another computes."""
    return Candidate(
        folding={},
        options=LayerOptions(),
        ins=(INSIDE,),
        out=circuit.out if last else INSIDE,
        cost=Resources(),
        cycles=1,
        circuit=circuit.circuit[:1],
        inside=True,
    )


def _foldings(question: Question, node: Node) -> Iterator[dict[str, int]]:
    rule, wanted = FOLDINGS[type(node)], question.wanted(node)
    graph = question.graph
    lanes = choices(node.name, "pe", rule.lanes(graph, node), wanted.get("pe"))
    if rule.columns:
        columns = choices(node.name, "simd", rule.columns(graph, node), wanted.get("simd"))
        for pe, simd in product(lanes, columns):
            yield {"pe": pe, "simd": simd}
    elif "simd" in rule.keys:
        for pe in lanes:
            asked = wanted.get("simd")
            for taps in ("min", "max") if asked in (None, "auto") else (asked,):
                try:
                    chosen = rule.choose(graph, node, 1 << 60, Wanted(own={"pe": pe, "simd": taps or "min"}))
                except MappingError:
                    continue
                if taps != "max" or chosen["simd"] > 1:
                    yield chosen
    else:
        for pe in lanes:
            yield {"pe": pe}


def _options(question: Question, node: Node) -> Iterator[LayerOptions]:
    """Give the memories, multipliers and requantizers that a node may have."""
    fixed, rule = question.options(node), FOLDINGS[type(node)]
    memories = [fixed.memory] if "memory" in rule.options else ["auto"]
    if memories == ["auto"] and "memory" in rule.options:
        memories = ["distributed", "block"] if question.part.bram18 else ["distributed"]
    dsps = [fixed.dsp] if "dsp" in rule.options else ["auto"]
    if dsps == ["auto"] and "dsp" in rule.options:
        dsps = ["no", "yes"] if _multiplies(question, node) else ["no"]
    kinds = [fixed.requantizer] if "requantizer" in rule.options else ["auto"]
    if kinds == ["auto"] and isinstance(node, Map):
        graph = question.graph
        before, behind = graph.tensors[node.input], graph.tensors[node.output]
        kinds = [block.name for block in requantizers(node, before, behind, 1)]
    for memory, dsp, kind in product(memories, dsps, kinds):
        if kind in ("threshold", "threshold_search", "round_shift", "table") and dsp == "yes":
            continue
        yield LayerOptions(memory=memory, dsp=dsp, requantizer=kind, engine="folded")


def _multiplies(question: Question, node: Node) -> bool:
    """Whether multiplier blocks are worth a thought."""
    graph = question.graph
    if not question.part.dsp or (isinstance(node, Dense) and is_binary(graph, node)):
        return False
    return graph.tensors[node.inputs[0]].type.bits >= FEWEST_MULTIPLIER_BITS


def _placed(question: Question, node: Node, base: Folding) -> list[Candidate]:
    """Return the candidates of a node that has blocks of its own."""
    if question.engines.get(node.name) == "spatial":
        return []
    found = []
    options = list(_options(question, node))
    size = node.weights.size if isinstance(node, Dense) else None
    for folding in _foldings(question, node):
        whole = size is not None and folding["pe"] * folding["simd"] == size
        for own in options:
            if whole and own.memory == "block":
                continue
            own_options = replace(own, memory="auto") if whole and own.memory == "distributed" else own
            try:
                found.append(_one(question, node, folding, own_options, base))
            except (MappingError, ValueError):  # what no block can do
                continue
    return found


def _side_by_side(question: Question, node: Dense, base: Folding) -> Candidate | None:
    """Return the candidate of the spatial engine, None where it cannot or is not to be."""
    graph = question.graph
    engine = question.engines.get(node.name, "auto")
    fixed = question.wanted(node)
    rows, cols = node.weights.shape
    if engine == "folded" or (engine == "auto" and node.weights.size > MOST_WEIGHTS):
        return None
    vectors = graph.tensors[node.input].vectors
    slow = question.interval is not None and question.interval > MOST_FOLDS * vectors
    if engine == "auto" and (slow or np.count_nonzero(node.weights) > question.part.lut):
        return None
    if engine == "auto" and not (
        fixed.get("pe") in (None, "auto", "max", rows) and fixed.get("simd") in (None, "auto", "max", cols)
    ):
        return None
    kinds = {each.name: question.options(each).requantizer for each in graph.nodes}
    nodes = chain(graph, node, kinds)
    folding = {"pe": rows, "simd": cols}
    try:
        sheet = _sheet(
            question,
            node,
            folding=folding,
            options=LayerOptions(),
            base=base,
            spatial={node.name: nodes},
            lanes=(cols,),
        )
        lowered(sheet, node)
    except (MappingError, ValueError):
        if engine == "spatial":
            raise
        return None
    names = (node.name, *(each.name for each in nodes[1:] if each.name in sheet.absorbed))
    last = _end(graph, names)
    return Candidate(
        folding=folding,
        options=LayerOptions(engine="spatial"),
        ins=(cols,),
        out=sheet.wires[sheet.ready[last][0]].lanes,
        cost=_total(question, sheet),
        cycles=_cycles(sheet),
        circuit=names,
    )


def _end(graph: Graph, names: Sequence[str]) -> str:
    return next(node.output for node in graph.nodes if node.name == names[-1])


def _sheet(
    question: Question,
    node: Node,
    *,
    folding: Mapping[str, int],
    options: LayerOptions,
    base: Folding,
    spatial: Mapping[str, tuple[Node, ...]],
    lanes: Sequence[int],
) -> Layout:
    """Return a sheet on which only ``node`` is to be placed, with wires of so many lanes for its inputs."""
    own = dict(folding)
    sheet = Layout(
        question.graph,
        question.part,
        question.clock_mhz,
        1 << 60,
        {**base, node.name: own},
        spatial,
        {node.name: own},
        {node.name: options},
        question.most_ns,
    )
    for index, (name, count) in enumerate(zip(node.inputs, lanes, strict=True)):
        tensor = question.graph.tensors[name]
        if tensor.size % count:
            raise ValueError(f"{count} lanes do not divide the {tensor.size} integers of {name}")
        wire = f"in{index}"
        sheet.wires[wire] = Stream(lanes=count, type=tensor.type, words=tensor.size // count)
        sheet.ready.setdefault(name, []).append(wire)
    return sheet


def _one(
    question: Question, node: Node, folding: Mapping[str, int], options: LayerOptions, base: Folding
) -> Candidate:
    lanes = tuple(folding[key] for key in FOLDINGS[type(node)].input_keys(node))
    sheet = _sheet(question, node, folding=folding, options=options, base=base, spatial={}, lanes=lanes)
    lowered(sheet, node)
    forks = sum(len(instance.block.outputs) > 1 for instance in sheet.instances)
    last = sheet.instances[-1 - forks].name
    return Candidate(
        folding=dict(folding),
        options=options,
        ins=lanes,
        out=sheet.wires[sheet.ready[node.output][0]].lanes,
        cost=_total(question, sheet),
        cycles=_cycles(sheet),
        skid_first=sheet.instances[0].name in sheet.skids,
        skid_last=last in sheet.skids and not forks,
    )


def _total(question: Question, sheet: Layout) -> Resources:
    return sum((question.cost(instance.block) for instance in sheet.instances), start=Resources())


def _cycles(sheet: Layout) -> int:
    return max(instance.block.interval_cycles for instance in sheet.instances)


def _best(own: Sequence[Candidate]) -> list[Candidate]:
    """Leave out what is no better in anything than another candidate with the same lanes."""
    kept: list[Candidate] = []
    for one in sorted(own, key=lambda c: (c.cycles, c.cost.lut, c.cost.ff, c.cost.bram18, c.cost.dsp)):
        same = (
            other
            for other in kept
            if (other.ins, other.out, other.circuit, other.inside, other.skid_first, other.skid_last)
            == (one.ins, one.out, one.circuit, one.inside, one.skid_first, one.skid_last)
        )
        if not any(_no_worse(other, one) for other in same):
            kept.append(one)
    return kept


def _no_worse(a: Candidate, b: Candidate) -> bool:
    return a.cycles <= b.cycles and all(
        getattr(a.cost, kind) <= getattr(b.cost, kind) for kind in ("lut", "ff", "dsp", "bram18")
    )


def between(question: Question, tensor: str, out: int, into: int) -> Resources | None:
    """Return what brings ``out`` lanes of a tensor to ``into`` lanes; None where that cannot be."""
    if INSIDE in (out, into):
        return Resources() if out == into else None
    if out == into:
        return Resources()
    made = question.graph.tensors[tensor]
    try:
        stream = Stream(lanes=out, type=made.type, words=made.size // out)
        return question.cost(Width.between(stream, into))
    except MappingError:
        return None


def skid(question: Question, tensor: str, lanes: int) -> Resources:
    """Return what a skid buffer in a tensor costs."""
    made = question.graph.tensors[tensor]
    return question.cost(Skid(stream=Stream(lanes=lanes, type=made.type, words=made.size // lanes)))


def ending(question: Question, tensor: str, lanes: int, *, behind_skid: bool) -> Resources:
    """Return what stands at the end of the design, behind so many lanes of one of its outputs."""
    made = question.graph.tensors[tensor]
    stream = Stream(lanes=lanes, type=made.type, words=made.size // lanes)
    end = question.cost(Frame(stream=stream))
    return end if behind_skid else end + question.cost(Skid(stream=stream))
