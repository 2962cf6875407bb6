# SPDX-License-Identifier: Apache-2.0
"""How each operation can be folded, and what a user may fix for its layers: the table FOLDINGS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import gcd
from typing import TYPE_CHECKING, Any

import numpy as np

from tailrace.core.errors import MappingError
from tailrace.core.table import Table
from tailrace.graph import (
    Add,
    Affine,
    ArgMax,
    Bias,
    Concat,
    Dense,
    Depthwise,
    Graph,
    Map,
    Multiply,
    Node,
    Normalize,
    Operation,
    Pad,
    Permute,
    Pool,
    Product,
    Reshape,
    Shuffle,
    Slice,
    Softmax,
    Upsample,
    Window,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tailrace.blocks.base import Block

Number = Callable[[Graph, Any], int]
"""Of a node in its graph; Any: each function takes the type that it stands beside in the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked of a layer: ``own`` by its name, ``every`` of all layers; a number, "min", "max" or "auto"."""

    own: Mapping[str, int | str] = field(default_factory=dict)
    every: Mapping[str, int | str] = field(default_factory=dict)

    def get(self, key: str) -> int | str | None:
        """Return the value of ``pe`` or ``simd``, None where nothing is asked."""
        return self.own.get(key, self.every.get(key))


Choose = Callable[[Graph, Any, int, Wanted], dict[str, int]]
InUse = Callable[[Any, "Block", Mapping[str, int]], dict[str, int]]


def divisors(number: int) -> list[int]:
    """Return all divisors, ascending."""
    return [d for d in range(1, number + 1) if number % d == 0]


# --- of layers that work channel by channel ---------------------------------------------------------------------


def channels(graph: Graph, node: Node) -> int:
    """Return the channels of the first input."""
    return graph.tensors[node.inputs[0]].channels


def channels_out(graph: Graph, node: Node) -> int:
    """Return the channels of the output."""
    return graph.tensors[node.output].channels


def common_channels(graph: Graph, node: Node) -> int:
    """Return the largest group of channels that both the first input and the output are made of."""
    return gcd(channels(graph, node), channels_out(graph, node))


def integers(graph: Graph, node: Node) -> int:
    """Return the integers that a frame has at the input or at the output, whichever are more."""
    return max(graph.tensors[node.inputs[0]].size, graph.tensors[node.output].size)


def integers_in(graph: Graph, node: Node) -> int:
    """Return the integers that a frame has at the input."""
    return graph.tensors[node.inputs[0]].size


def _of_slice(graph: Graph, node: Slice) -> int:
    return gcd(channels(graph, node), node.start, node.stop)


def _of_group(graph: Graph, node: Softmax) -> int:
    return channels(graph, node) // node.groups


def _of_permute(graph: Graph, node: Permute) -> int:
    return gcd(channels(graph, node), contiguous(node.order))


def _of_normalize(_graph: Graph, node: Normalize) -> int:
    return node.size


def contiguous(order: NDArray[np.int64]) -> int:
    """Return the largest group of integers that ``order`` moves as a whole."""
    breaks = np.flatnonzero(np.diff(order) != 1) + 1
    return int(np.gcd.reduce(np.r_[order.size, breaks, order[np.r_[0, breaks]]]))


def fewest_lanes(graph: Graph, node: Node, interval: int, wanted: Wanted) -> dict[str, int]:
    """Return as few lanes as ``interval`` allows, or those that are wanted."""
    rule = FOLDINGS[type(node)]
    lanes = choices(node.name, "pe", rule.lanes(graph, node), wanted.get("pe"))
    fast = [n for n in lanes if rule.work(graph, node) // n <= interval] or [lanes[-1]]
    return {"pe": fast[0]}


def lanes_in_use(_node: Node, block: Block, folding: Mapping[str, int]) -> dict[str, int]:
    """Return the lanes that a block took over from what arrives."""
    return {**folding, "pe": block.inputs[0].lanes}


def choices(name: str, key: str, size: int, wanted: int | str | None) -> list[int]:
    """Return the possible values of a folding: all divisors of ``size``, or the one that is wanted."""
    possible = divisors(size)
    if wanted is None or wanted == "auto":
        return possible
    if wanted in ("min", "max"):
        return [1 if wanted == "min" else size]
    if not isinstance(wanted, int) or wanted not in possible:
        raise MappingError(
            f"{key}={wanted} does not divide the {size} {'outputs' if key == 'pe' else 'inputs'}",
            where=name,
            hint=f"use one of {', '.join(map(str, possible))}",
        )
    return [wanted]


# --- windows ----------------------------------------------------------------------------------------------------


def _choose_window(graph: Graph, node: Window, interval: int, wanted: Wanted) -> dict[str, int]:
    return {**fewest_lanes(graph, node, interval, wanted), "simd": _taps(graph, node, wanted)}


def _taps(graph: Graph, node: Window, wanted: Wanted) -> int:
    """Return the taps that a window sends at a time: 1, or all, for which a whole pixel has to come in a cycle."""
    simd, pixel = wanted.get("simd"), channels(graph, node)
    if "simd" not in wanted.own and isinstance(simd, int):
        simd = None  # a number for all layers is one of inputs, not of taps
    whole = wanted.get("pe") in ("max", pixel)
    if simd in (1, "min", "auto", None) or (simd == "max" and not whole):
        return 1
    if simd not in ("max", node.taps):
        raise MappingError(
            f"simd={simd} is neither 1 nor the {node.taps} taps of the window",
            where=node.name,
            hint=f"use 1 or {node.taps}",
        )
    if not whole:
        raise MappingError(
            f"a window with simd={simd} needs whole pixels",
            where=node.name,
            hint=f"use pe={pixel}, or simd=1",
        )
    return node.taps


def _window_in_use(_node: Window, block: Block, folding: Mapping[str, int]) -> dict[str, int]:
    lanes = block.inputs[0].lanes
    return {**folding, "pe": lanes, "simd": block.outputs[0].lanes // lanes}  # the taps in a word


# --- matrix products --------------------------------------------------------------------------------------------


def rows(_graph: Graph, node: Dense) -> int:
    """Return the rows of a matrix product."""
    return len(node.weights)


def products(graph: Graph, node: Node) -> int:
    """Return the multiplications of a frame."""
    return node.products([graph.tensors[name].shape for name in node.inputs])


def _least_of_product(graph: Graph, node: Dense) -> int:
    """Return the pixels of the image behind whose window it stands, or the vectors that it makes."""
    window = window_before(graph, node.input)
    pixels = graph.tensors[window.input].vectors if window else 1
    return max(pixels, graph.tensors[node.output].vectors)


def window_before(graph: Graph, tensor: str) -> Window | None:
    """Return the window node that makes a tensor, or None."""
    node = graph.producer(tensor)
    return node if isinstance(node, Window) else None


def _choose_product(graph: Graph, node: Dense, interval: int, wanted: Wanted) -> dict[str, int]:
    tensor = graph.tensors[node.input]
    rows, cols = node.weights.shape
    weight_bits = max(2, int(abs(node.weights).max(initial=1)).bit_length() + 1)
    sum_bits = graph.tensors[node.output].type.bits
    multiply = tensor.type.bits * weight_bits

    def cost(pair: tuple[int, int]) -> tuple[bool, float, int]:
        pe, simd = pair
        cycles = tensor.vectors * (rows // pe) * (cols // simd)
        return (
            cycles > interval,
            pe * simd * multiply + 3 * pe * sum_bits + 2 * simd * tensor.type.bits,
            cycles,
        )

    window = window_before(graph, node.input)
    pixel = graph.tensors[window.input].channels if window else cols

    def is_natural(simd: int) -> bool:
        """Whether the words of a window need no other width."""
        return pixel % simd == 0

    pes = choices(node.name, "pe", rows, wanted.get("pe"))
    simds = choices(node.name, "simd", cols, wanted.get("simd"))
    pairs = [(pe, simd) for pe in pes for simd in simds if is_natural(simd)]
    if wanted.get("simd") not in (None, "auto") or all(cost(pair)[0] for pair in pairs):
        pairs = [(pe, simd) for pe in pes for simd in simds]
    slow = all(cost(pair)[0] for pair in pairs)
    pe, simd = min(pairs, key=(lambda p: (cost(p)[2], cost(p)[1], 0)) if slow else cost)
    return {"pe": pe, "simd": simd}


def columns(_graph: Graph, node: Dense) -> int:
    """Return the columns of a matrix product."""
    return int(node.weights.shape[1])


# --- products of two tensors ------------------------------------------------------------------------------------


def _sizes(graph: Graph, node: Product) -> tuple[int, int]:
    return node.sizes([graph.tensors[name].shape for name in node.inputs])


def _rows_of_head(graph: Graph, node: Product) -> int:
    return _sizes(graph, node)[0]


def _columns_of_head(graph: Graph, node: Product) -> int:
    return _sizes(graph, node)[1]


def _cycles_of_heads(graph: Graph, node: Product, pe: int, simd: int) -> int:
    """Return the cycles of a frame: those of all vectors, or those in which the second operand comes."""
    rows, cols = _sizes(graph, node)
    banks = pe if node.kind == "scores" else simd
    return max(graph.tensors[node.a].vectors, banks) * node.heads * (rows // pe) * (cols // simd)


def _least_of_heads(graph: Graph, node: Product) -> int:
    rows, cols = _sizes(graph, node)
    return min(_cycles_of_heads(graph, node, pe, simd) for pe in divisors(rows) for simd in divisors(cols))


def _choose_heads(graph: Graph, node: Product, interval: int, wanted: Wanted) -> dict[str, int]:
    rows, cols = _sizes(graph, node)
    a, b, out = (graph.tensors[name].type.bits for name in (node.a, node.b, node.output))

    def cost(pair: tuple[int, int]) -> tuple[bool, float, int]:
        pe, simd = pair
        cycles = _cycles_of_heads(graph, node, pe, simd)
        return cycles > interval, pe * simd * (a * b + b) + 3 * pe * out + 2 * simd * a, cycles

    pes = choices(node.name, "pe", rows, wanted.get("pe"))
    simds = choices(node.name, "simd", cols, wanted.get("simd"))
    pairs = [(pe, simd) for pe in pes for simd in simds]
    slow = all(cost(pair)[0] for pair in pairs)
    pe, simd = min(pairs, key=(lambda p: (cost(p)[2], cost(p)[1], 0)) if slow else cost)
    return {"pe": pe, "simd": simd}


def _operands(node: Product) -> tuple[str, ...]:
    return ("simd", "simd" if node.kind == "scores" else "pe")


def as_chosen(_node: Node, _block: Block, folding: Mapping[str, int]) -> dict[str, int]:
    """Return the folding as it was chosen: the block is fed with the lanes that it wants."""
    return dict(folding)


# --- the table --------------------------------------------------------------------------------------------------


def _one_cycle(_graph: Graph, _node: Node) -> int:
    return 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldingRule:
    """How an operation can be folded, and what a user may fix for its layers.

    ``keys`` are what a folding of it says: ``pe``, lanes at its input (of a matrix product: at its output), and
    ``simd``, lanes at the input of a matrix product, taps at the output of a window. ``options`` are what it takes of
    memory, dsp, requantizer and engine. ``lanes`` is the number that ``pe`` divides, ``work`` the cycles of a frame
    with one lane, ``least`` those with all (None: work through all lanes). ``choose`` gives the cheapest folding of
    at most so many cycles, ``in_use`` the folding that a placed block has. ``fed`` is the key of the lanes that it has
    to be fed with; None: it can take those that arrive. ``columns`` is the number that ``simd`` divides, of a matrix
    product; ``operands`` the key of the lanes of each input, where these differ.
    """

    keys: tuple[str, ...] = ("pe",)
    options: tuple[str, ...] = ()
    lanes: Number = channels
    work: Number = integers
    least: Number | None = None
    choose: Choose = fewest_lanes
    in_use: InUse = lanes_in_use
    fed: str | None = None
    columns: Number | None = None
    operands: Callable[[Any], tuple[str, ...]] | None = None

    def input_keys(self, node: Node) -> tuple[str, ...]:
        """Return the key of the lanes of each input of a node."""
        return self.operands(node) if self.operands else (self.fed or "pe",) * len(node.inputs)

    def least_cycles(self, graph: Graph, node: Node) -> int:
        """Return the cycles of a frame when the node is as parallel as can be."""
        return self.least(graph, node) if self.least else self.work(graph, node) // self.lanes(graph, node)


PRODUCT = FoldingRule(
    keys=("pe", "simd"),
    options=("memory", "dsp", "engine"),
    lanes=rows,
    work=products,
    least=_least_of_product,
    choose=_choose_product,
    in_use=as_chosen,
    fed="simd",
    columns=columns,
)
"""A matrix product of ``pe`` rows and ``simd`` columns at a time."""

BY_CHANNEL = FoldingRule()
"""``pe`` channels at a time."""

FREE = FoldingRule(keys=(), work=_one_cycle, least=_one_cycle)
"""Nothing in hardware."""

FOLDINGS: Table[type[Operation], FoldingRule] = Table(
    "FOLDINGS",
    __name__,
    {
        Dense: PRODUCT,
        Depthwise: FoldingRule(options=("memory", "dsp"), lanes=channels_out, work=integers_in),
        Product: FoldingRule(
            keys=("pe", "simd"),
            options=("memory", "dsp"),
            lanes=_rows_of_head,
            work=products,
            least=_least_of_heads,
            choose=_choose_heads,
            in_use=as_chosen,
            fed="simd",
            columns=_columns_of_head,
            operands=_operands,
        ),
        Map: FoldingRule(options=("requantizer", "dsp")),
        Bias: BY_CHANNEL,
        Affine: FoldingRule(options=("dsp",)),
        Add: BY_CHANNEL,
        Multiply: BY_CHANNEL,
        ArgMax: BY_CHANNEL,
        Softmax: FoldingRule(options=("memory",), lanes=_of_group),
        Pool: FoldingRule(lanes=channels_out, work=integers_in),
        Window: FoldingRule(
            keys=("pe", "simd"), least=_one_cycle, choose=_choose_window, in_use=_window_in_use
        ),
        Pad: BY_CHANNEL,
        Upsample: BY_CHANNEL,
        Shuffle: FoldingRule(lanes=common_channels),
        Concat: FoldingRule(lanes=common_channels),
        Slice: FoldingRule(lanes=_of_slice),
        Normalize: FoldingRule(lanes=_of_normalize),
        Permute: FoldingRule(lanes=_of_permute),
        Reshape: FREE,
    },
)
"""How each operation can be folded."""
