# SPDX-License-Identifier: Apache-2.0
"""Matrix products, folded: dense and binary, and of two tensors; and products channel by channel."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tailrace.blocks.dense_binary import DenseBinary
from tailrace.blocks.dense_folded import DenseFolded
from tailrace.blocks.depthwise import Depthwise as DepthwiseBlock
from tailrace.blocks.matmul import MatMul
from tailrace.blocks.replay import Replay
from tailrace.graph.passes.exact.absorb_bias import free_bias, is_binary

if TYPE_CHECKING:
    from tailrace.blocks.base import Block, Stream
    from tailrace.graph import Dense, Depthwise, Product
    from tailrace.planning.layout import Layout


def place_dense(layout: Layout, node: Dense, wire: str) -> str:
    """Place a matrix product of ``pe`` rows and ``simd`` columns at a time, its vectors repeated if need be."""
    tensor, out = layout.graph.tensors[node.input], layout.graph.tensors[node.output]
    pe, simd = layout.folding[node.name]["pe"], layout.folding[node.name]["simd"]
    rows, cols = node.weights.shape
    wire = layout.with_lanes(node.name, wire, simd, node.name)
    if rows // pe > 1:
        replay = _replay(layout.wires[wire], tensor.vectors, rows // pe)
        wire = layout.instance(f"{node.name}_replay", replay, node.name, (wire,))
    else:
        wire = layout.skid(f"{node.name}_skid", wire, node.name)
    options = layout.options(node)
    bias = node.bias - free_bias(layout.graph, node)
    folds = (rows // pe) * (cols // simd)
    if is_binary(layout.graph, node):
        block: Block = DenseBinary(
            weights=node.weights,
            bias=bias if bias.any() else None,
            pe=pe,
            simd=simd,
            out_type=out.type,
            style=layout.memory_style(options, folds, pe * simd),
            vectors=tensor.vectors,
        )
    else:
        weight_bits = _weight_bits(node)
        block = DenseFolded(
            weights=node.weights,
            bias=bias if bias.any() else None,
            pe=pe,
            simd=simd,
            in_type=tensor.type,
            out_type=out.type,
            style=layout.memory_style(options, folds, pe * simd * weight_bits),
            dsp=layout.takes_dsp(options, tensor.type.bits, weight_bits, pe * simd),
            vectors=tensor.vectors,
        )
    return layout.place(node, block, wire)


def place_depthwise(layout: Layout, node: Depthwise, wire: str) -> str:
    """Place a product channel by channel."""
    tensor, out = layout.graph.tensors[node.input], layout.graph.tensors[node.output]
    wire = layout.fed(node, wire)
    lanes = layout.wires[wire].lanes
    options = layout.options(node)
    taps, weight_bits = node.weights.shape[1], _weight_bits(node)
    block = DepthwiseBlock(
        weights=node.weights,
        bias=node.bias if node.bias.any() else None,
        style=layout.memory_style(options, taps * out.channels // lanes, lanes * weight_bits),
        dsp=layout.takes_dsp(options, tensor.type.bits, weight_bits, lanes),
        pe=lanes,
        in_type=tensor.type,
        out_type=out.type,
        vectors=out.vectors,
    )
    return layout.place(node, block, wire)


def place_product(layout: Layout, node: Product, a: str, b: str) -> str:
    """Place a product of two tensors: the heads of the first repeated if need be, the second kept in the block."""
    left, right = layout.graph.tensors[node.a], layout.graph.tensors[node.b]
    out = layout.graph.tensors[node.output]
    pe, simd = layout.folding[node.name]["pe"], layout.folding[node.name]["simd"]
    rows, cols = node.sizes([left.shape, right.shape])
    a = layout.with_lanes(f"{node.name}_a", a, simd, node.name)
    if rows // pe > 1:
        replay = _replay(layout.wires[a], left.vectors * node.heads, rows // pe)
        a = layout.instance(f"{node.name}_replay", replay, node.name, (a,))
    else:
        a = layout.skid(f"{node.name}_skid", a, node.name)
    lanes = simd if node.kind == "scores" else pe
    b = layout.with_lanes(f"{node.name}_b", b, lanes, node.name)
    options = layout.options(node)
    banks = pe * simd // lanes
    folds = node.heads * (rows // pe) * (cols // simd)
    width = lanes * right.type.bits
    block = MatMul(
        kind=node.kind,
        heads=node.heads,
        rows=rows,
        cols=cols,
        pe=pe,
        simd=simd,
        a_type=left.type,
        b_type=right.type,
        out_type=out.type,
        style=layout.buffer_style(options, 2 * folds, width, banks),
        dsp=layout.takes_dsp(options, left.type.bits, right.type.bits, pe * simd),
        vectors=left.vectors,
    )
    return layout.place(node, block, a, b)


def _weight_bits(node: Dense | Depthwise) -> int:
    return 1 + int(np.abs(node.weights).max(initial=1)).bit_length()


def _replay(stream: Stream, vectors: int, times: int) -> Replay:
    return Replay(vector=replace(stream, words=stream.words // vectors), times=times, vectors=vectors)
