# SPDX-License-Identifier: Apache-2.0
"""From products with constant weights to a pipelined circuit: the entry to the spatial engine.

.. code-block:: python

    products = products_of(nodes)  # graph nodes: Dense, then any Bias, then any Map; several in a chain
    circuit = build(products, tensor.low, tensor.high, family=part.family, ranks=6)
    y = spatial.circuit.evaluate(circuit, x)  # (frames, lanes) -> (frames, outputs), int64, equal to predict_int
    in_type, out_type = emit.spatial.lane_types(circuit)  # lanes of s_axis_tdata and m_axis_tdata, lane 0 lowest
    # {file name: text}, top ``name``
    files = emit.spatial.emit_spatial(circuit, "name", primitives=part.family.primitives)
    # in_type=, out_type=: lanes wider than these; primitives="portable": modules without a vendor's cells, to simulate

``tensor`` is what the first product reads (``low``, ``high`` per channel). The top has the ports ``clk, rst,
s_axis_tdata/tvalid/tready, m_axis_tdata/tvalid/tready``, takes a vector a cycle and gives its result
``circuit.rank_count`` cycles later; all ranks stall together. ``circuit.register_bits()`` are its data registers,
``tailrace.spatial.cost.luts(circuit, family)`` its LUTs by the engine's own count.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import MappingError
from tailrace.core.steps import from_rows
from tailrace.core.table import Table
from tailrace.graph import (
    Add,
    Affine,
    ArgMax,
    Bias,
    Concat,
    Dense,
    Depthwise,
    Map,
    Multiply,
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
from tailrace.spatial.adders import Builder, add_rows
from tailrace.spatial.circuit import Circuit, Input
from tailrace.spatial.pipeline import cut
from tailrace.spatial.share import Effort, expand, share
from tailrace.spatial.tables import Neuron, tables_of
from tailrace.spatial.tails import Tail, placed, row_of, tail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tailrace.core.steps import Steps
    from tailrace.graph import Node
    from tailrace.targets.family import Family

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConstantProduct:
    """``y = steps(weights @ x + bias)``; weights (rows, cols), bias (rows,); ``steps`` None: the sums themselves."""

    name: str
    weights: Integers
    bias: Integers
    steps: Steps | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductRule:
    """An operation that starts a product, ``product`` of it; Any: each function takes the type it stands beside."""

    product: Callable[[Any], ConstantProduct]


@dataclass(frozen=True, slots=True, kw_only=True)
class BiasRule:
    """An operation that adds ``values`` to the sums of a product, one a channel, in front of its tail."""

    values: Callable[[Any], Integers]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftRule:
    """An operation that multiplies the sums of a product by powers of two and adds, which costs no adders.

    ``shift`` gives (factors, values), one each a channel; None for a node that does more.
    """

    shift: Callable[[Any], tuple[Integers, Integers] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TailRule:
    """An operation that is a function of each sum of a product, ``steps`` of it."""

    steps: Callable[[Any], Steps]


SpatialRule = ProductRule | BiasRule | ShiftRule | TailRule


def _powers(node: Affine) -> tuple[Integers, Integers] | None:
    sizes = np.abs(node.factors)
    whole = node.low is None and node.high is None and bool((sizes > 0).all())
    return (node.factors, node.bias) if whole and not (sizes & (sizes - 1)).any() else None


SPATIAL: Table[type[Operation], SpatialRule | None] = Table(
    "SPATIAL",
    __name__,
    {
        Dense: ProductRule(
            product=lambda node: ConstantProduct(name=node.name, weights=node.weights, bias=node.bias)
        ),
        Bias: BiasRule(values=lambda node: node.values),
        Map: TailRule(steps=lambda node: node.steps),
        Depthwise: None,
        Product: None,
        Affine: ShiftRule(shift=_powers),
        Add: None,
        Multiply: None,
        ArgMax: None,
        Softmax: None,
        Pool: None,
        Normalize: None,
        Window: None,
        Pad: None,
        Upsample: None,
        Shuffle: None,
        Concat: None,
        Slice: None,
        Permute: None,
        Reshape: None,
    },
)
"""What each operation is in a product of adders; None: it cannot be part of one."""


def products_of(nodes: Iterable[Node]) -> tuple[ConstantProduct, ...]:
    """Return the products of a chain of graph nodes: each product with the biases and the tails behind it.

    Raises:
        MappingError: a node of another kind, or out of this order.

    """
    products: list[ConstantProduct] = []
    for node in nodes:
        match SPATIAL[type(node)]:
            case ProductRule(product=product):
                products.append(product(node))
            case BiasRule(values=values) if products and products[-1].steps is None:
                products[-1] = replace(products[-1], bias=products[-1].bias + values(node))
            case ShiftRule(shift=shift) if products and products[-1].steps is None and (found := shift(node)):
                last, (factors, added) = products[-1], found
                weights = last.weights * factors[:, None]
                products[-1] = replace(last, weights=weights, bias=last.bias * factors + added)
            case TailRule(steps=steps) if products:
                first = products[-1].steps
                whole = steps(node) if first is None else chained(first, steps(node))
                products[-1] = replace(products[-1], steps=whole)
            case _:
                raise MappingError(
                    f"the spatial engine cannot compute a {type(node).__name__} here",
                    where=node.name,
                    hint="it takes Dense, Bias and Map, in this order",
                )
    return tuple(products)


def chained(first: Steps, second: Steps) -> Steps:
    """Return the function ``second(first(x))``."""
    rows = []
    for row in range(max(first.rows, second.rows)):
        inner, outer = row_of(first, row), row_of(second, row)
        rows.append((inner.breaks[0], outer(inner.values[0][:, None])[:, 0]))
    return from_rows(rows)


def build(
    products: tuple[ConstantProduct, ...],
    low: Integers,
    high: Integers,
    *,
    family: Family,
    ranks: int | None = None,
    rank_ns: float | None = None,
    effort: Effort | None = None,
    seed: int = 1,
) -> Circuit:
    """Return the circuit of a chain of products; ``low``, ``high`` (cols,) are the ranges of the first one's inputs.

    ``ranks`` fixes the number of ranks; else as few as ``rank_ns`` allows (see
    :mod:`tailrace.spatial.pipeline`), and one where neither is given. With both, ranks may be as long as ``rank_ns``
    where that saves registers.

    Raises:
        MappingError: a tail that this engine cannot compute.

    """
    found = search(products, low, high, family=family, effort=effort, seed=seed)
    return cut(found.builder, found.outputs, family=family, ranks=ranks, rank_ns=rank_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncut:
    """A circuit that has no ranks yet: its nodes, and those that leave."""

    builder: Builder
    outputs: tuple[int, ...]


def search(
    products: tuple[ConstantProduct, ...],
    low: Integers,
    high: Integers,
    *,
    family: Family,
    effort: Effort | None = None,
    seed: int = 1,
) -> Uncut:
    """Return the nodes of a chain of products, which the part of :func:`build` that takes time finds."""
    ternary = family.adds_three
    builder = Builder()
    sources = tuple(
        builder.add(Input(lane=lane, low=int(low[lane]), high=int(high[lane])), product="", level=0)
        for lane in range(len(low))
    )
    for product in products:
        sources = _add_product(
            builder, product, sources, ternary=ternary, effort=effort or Effort(), seed=seed
        )
    return Uncut(builder=builder, outputs=sources)


def _add_product(
    builder: Builder,
    product: ConstantProduct,
    sources: tuple[int, ...],
    *,
    ternary: bool,
    effort: Effort,
    seed: int,
) -> tuple[int, ...]:
    low = np.array([builder.nodes[source].low for source in sources], np.int64)
    high = np.array([builder.nodes[source].high for source in sources], np.int64)
    tables = tables_of(product.weights, product.bias, product.steps, low, high, ternary=ternary)
    weights, constants = product.weights.copy(), product.bias.copy()
    weights[list(tables)], constants[list(tables)] = 0, 0
    tails = [None] * len(constants) if product.steps is None else _tails(product, low, high, tables)
    constants += [end.constant if end else 0 for end in tails]
    same: dict[tuple[int, ...], int] = {}  # equal rows are computed once
    place = [
        same.setdefault((*row, constant), len(same))
        for row, constant in zip(weights.tolist(), constants.tolist(), strict=True)
    ]
    first = [place.index(number) for number in range(len(same))]
    rows = share(weights[first], low, high, constants[first], ternary=ternary, effort=effort, seed=seed)
    if not np.array_equal(expand(rows)[place], weights):
        raise AssertionError(f"{product.name}: the search changed the matrix")
    barrier = max(builder.levels[source] for source in sources)
    for source in sources:
        builder.levels[source] = barrier  # a product starts where the last of its inputs is there
    sums = add_rows(builder, sources, rows, constants[first], product=product.name, ternary=ternary)
    outputs = [sums[number] for number in place]
    for row, end in enumerate(tails):
        if end is not None:
            level = builder.levels[outputs[row]] + 1
            outputs[row] = builder.add(placed(end.node, outputs[row]), product=product.name, level=level)
    for row, neuron in tables.items():
        node = neuron.node(tuple(sources[column] for column in neuron.columns))
        outputs[row] = builder.add(node, product=product.name, level=barrier + 1)
    return tuple(outputs)


def _tails(
    product: ConstantProduct, low: Integers, high: Integers, tables: dict[int, Neuron]
) -> list[Tail | None]:
    """Return the tail of every row that is no table."""
    up, down = np.maximum(product.weights, 0), np.minimum(product.weights, 0)
    least = up @ low + down @ high + product.bias
    most = up @ high + down @ low + product.bias
    assert product.steps is not None  # noqa: S101 - the caller has seen to it
    return [
        None
        if row in tables
        else tail(row_of(product.steps, row), int(least[row]), int(most[row]), where=product.name)
        for row in range(len(product.bias))
    ]
