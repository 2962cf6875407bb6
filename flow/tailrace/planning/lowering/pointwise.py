# SPDX-License-Identifier: Apache-2.0
"""Position by position: maps, sums, products, pools, normalizations and the index of the largest."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tailrace.blocks.argmax import ArgMax as ArgMaxBlock
from tailrace.blocks.dense_folded import STYLES
from tailrace.blocks.eltwise import Eltwise
from tailrace.blocks.multiply_shift import MultiplyShift
from tailrace.blocks.normalize import Normalize as NormalizeBlock
from tailrace.blocks.pool import Pool as PoolBlock
from tailrace.blocks.round_shift import RoundShift
from tailrace.blocks.softmax import Softmax as SoftmaxBlock
from tailrace.core.errors import MappingError
from tailrace.planning.requantize import requantizer
from tailrace.planning.rules import divisors

if TYPE_CHECKING:
    from tailrace.graph import Add, Affine, ArgMax, Bias, Map, Multiply, Normalize, Pool, Softmax
    from tailrace.planning.layout import Layout


def place_map(layout: Layout, node: Map, wire: str) -> str:
    """Place the cheapest block that computes the steps."""
    wire = layout.fed(node, wire)
    options = layout.options(node)
    block = requantizer(
        node,
        layout.graph.tensors[node.input],
        layout.graph.tensors[node.output],
        layout.wires[wire].lanes,
        family=layout.part.estimator,
        kind=options.requantizer,
        dsp=options.dsp == "yes",
    )
    return layout.place(node, block, wire)


def place_bias(layout: Layout, node: Bias, wire: str) -> str:
    """Place a shift by nothing that adds the bias."""
    tensor, out = layout.graph.tensors[node.input], layout.graph.tensors[node.output]
    wire = layout.fed(node, wire)
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
        pe=layout.wires[wire].lanes,
        in_type=tensor.type,
        out_type=out.type,
        vectors=tensor.vectors,
    )
    return layout.place(node, block, wire)


def place_affine(layout: Layout, node: Affine, wire: str) -> str:
    """Place a multiplication by a factor per channel, a bias and a clip."""
    tensor, out = layout.graph.tensors[node.input], layout.graph.tensors[node.output]
    wire = layout.fed(node, wire)
    lanes = layout.wires[wire].lanes
    bits = 1 + int(np.abs(node.factors).max(initial=1)).bit_length()
    block = MultiplyShift(
        factors=node.factors,
        bias=node.bias,
        shift=0,
        low=int(out.low.min()),
        high=int(out.high.max()),
        channels=tensor.channels,
        pe=lanes,
        in_type=tensor.type,
        out_type=out.type,
        dsp=layout.takes_dsp(layout.options(node), tensor.type.bits, bits, lanes),
        vectors=tensor.vectors,
    )
    return layout.place(node, block, wire)


def place_add(layout: Layout, node: Add, a: str, b: str) -> str:
    """Place the weighted sum of two streams."""
    a, b = _same_lanes(layout, node, a, b)
    block = Eltwise(
        operation="add",
        a=layout.wires[a],
        b=layout.wires[b],
        a_factor=node.a_factor,
        b_factor=node.b_factor,
        out_type=layout.graph.tensors[node.output].type,
    )
    return layout.skid(f"{node.name}_skid", layout.place(node, block, a, b), node.name)


def place_multiply(layout: Layout, node: Multiply, a: str, b: str) -> str:
    """Place the product of two streams."""
    a, b = _same_lanes(layout, node, a, b)
    block = Eltwise(
        operation="multiply",
        a=layout.wires[a],
        b=layout.wires[b],
        out_type=layout.graph.tensors[node.output].type,
    )
    return layout.skid(f"{node.name}_skid", layout.place(node, block, a, b), node.name)


def _same_lanes(layout: Layout, node: Add | Multiply, a: str, b: str) -> tuple[str, str]:
    """Return wires that carry both operands with the same lanes, fast enough."""
    tensor = layout.graph.tensors[node.a]
    explicit = layout.explicit(node)
    fast = [n for n in divisors(tensor.channels) if tensor.size // n <= layout.interval] or [tensor.channels]
    arriving = [layout.wires[w].lanes for w in (a, b)]
    good = [n for n in arriving if n in fast]
    lanes = explicit if explicit is not None else (min(good) if good else fast[0])
    return (
        layout.with_lanes(f"{node.name}_a", a, lanes, node.name),
        layout.with_lanes(f"{node.name}_b", b, lanes, node.name),
    )


def place_pool(layout: Layout, node: Pool, wire: str) -> str:
    """Place the largest or the sum of some pixels."""
    tensor, out = layout.graph.tensors[node.input], layout.graph.tensors[node.output]
    wire = layout.fed(node, wire)
    block = PoolBlock(
        operation=node.operation,
        channels=out.channels,
        taps=node.taps,
        pe=layout.wires[wire].lanes,
        in_type=tensor.type,
        out_type=out.type,
        vectors=out.vectors,
    )
    return layout.place(node, block, wire)


def place_normalize(layout: Layout, node: Normalize, wire: str) -> str:
    """Place a normalization, which takes as many cycles for a word as the interval leaves: digits share their logic."""
    tensor, out = layout.graph.tensors[node.input], layout.graph.tensors[node.output]
    wire = layout.fed(node, wire)
    block = NormalizeBlock(
        kind=node.kind,
        size=node.size,
        pe=layout.wires[wire].lanes,
        in_type=tensor.type,
        fraction_bits=node.fraction_bits,
        epsilon=node.epsilon,
        exponent=node.exponent,
        out_type=out.type,
        vectors=tensor.vectors * node.groups,
    )
    spare = layout.interval // block.interval_cycles
    return layout.place(node, replace(block, cycles=max(1, min(spare, block.digits))), wire)


def place_argmax(layout: Layout, node: ArgMax, wire: str) -> str:
    """Place the search for the index of the largest channel."""
    tensor, out = layout.graph.tensors[node.input], layout.graph.tensors[node.output]
    wire = layout.fed(node, wire)
    block = ArgMaxBlock(
        channels=tensor.channels,
        pe=layout.wires[wire].lanes,
        in_type=tensor.type,
        smallest=node.smallest,
        vectors=tensor.vectors,
    )
    if block.outputs[0].type != out.type:
        raise ValueError(f"{node.name}: {block.outputs[0].type} is not {out.type}")
    return layout.place(node, block, wire)


def place_softmax(layout: Layout, node: Softmax, wire: str) -> str:
    """Place the shares of every group."""
    tensor, out = layout.graph.tensors[node.input], layout.graph.tensors[node.output]
    wire = layout.fed(node, wire)
    lanes, width = layout.wires[wire].lanes, int(node.table[0]).bit_length()
    style = layout.memory_style(layout.options(node), len(node.table), lanes * width)
    block = SoftmaxBlock(
        table=node.table,
        channels=tensor.channels // node.groups,
        pe=lanes,
        in_type=tensor.type,
        bits=node.bits,
        out_type=out.type,
        style=STYLES.index(style),
        rows=tensor.vectors * node.groups,
        closed=None if node.closed is None else node.closed != 0,
    )
    return layout.place(node, block, wire)
