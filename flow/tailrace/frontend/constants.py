# SPDX-License-Identifier: Apache-2.0
"""Fold constants and learn every shape, by running each node once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, helper

from tailrace.frontend.attributes import Attributes
from tailrace.frontend.constant_parts import with_sources
from tailrace.frontend.evaluation import run_node
from tailrace.frontend.limits import elements, is_endless, operations_of, result_shapes, too_large
from tailrace.frontend.network import Grid
from tailrace.frontend.operations import LAYOUT, QUANTIZERS
from tailrace.frontend.parameters import check_quantizer, dequantization, unsupported_quantizer
from tailrace.frontend.problems import Problem
from tailrace.frontend.qoperators import parts as parts_of
from tailrace.frontend.rewriting import Ledger
from tailrace.frontend.rounding import followed
from tailrace.frontend.screening import (
    broadcasts,
    foreign,
    in_training,
    not_executable,
    not_run,
    oversized,
    random,
    unusable,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from tailrace.core.limits import Limits

Array = NDArray[Any]

EXACT_FLOATS = 2.0**53
"""Below this size, a float64 holds every integer."""


@dataclass(kw_only=True, eq=False)
class Folder:
    """Folds constants and finds shapes by running every node once, on one sample of random numbers."""

    constants: dict[str, Array]
    opset: int
    versions: dict[str, int]
    labels: dict[str, str]
    limits: Limits
    where: str
    refused: Collection[str]
    """Nodes that are refused already; they are not run."""
    grids: dict[str, Grid] = field(default_factory=dict)
    blamed: set[str] = field(default_factory=set)
    sample: dict[str, Array] = field(default_factory=dict)
    nodes: list[NodeProto] = field(default_factory=list)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    dtypes: dict[str, np.dtype[Any]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    wholes: list[NodeProto] = field(default_factory=list)
    """The nodes that stand as several, see :class:`tailrace.frontend.rewriting.Ledger`."""
    operations: int = 0
    """Elements made and multiplications done so far, see :class:`tailrace.frontend.limits.Limits`."""

    def feed(self, name: str, shape: tuple[int, ...], element_type: int) -> None:
        """Give the network's input its sample value."""
        dtype = helper.tensor_dtype_to_np_dtype(element_type)
        self._keep(name, np.random.default_rng(0).uniform(0, 1, shape).astype(dtype))

    def _keep(self, name: str, value: Array) -> None:
        self.sample[name] = value
        self.shapes[name] = value.shape
        self.dtypes[name] = value.dtype

    def fold(self, nodes: Sequence[NodeProto], ends: Collection[str]) -> None:
        """Visit all nodes, in an order in which they can be run; a sample is kept as long as somebody reads it."""
        last = {name: index for index, node in enumerate(nodes) for name in node.input}
        ledger = Ledger(
            constants=self.constants,
            grids=self.grids,
            shapes=self.shapes,
            dtypes=self.dtypes,
            labels=self.labels,
            opset=self.opset,
            ends=ends,
            wholes=self.wholes,
        )
        for index, node in enumerate(nodes):
            parts = [node] if node.name in self.refused else parts_of(ledger, node)
            if parts == [node] and node.name not in self.refused:
                parts = with_sources(ledger, node) if node.op_type == "Concat" else followed(ledger, node)
            if isinstance(parts, Problem):
                self.problems.append(parts)
                self.nodes.append(node)
                parts = []
            for part in parts:
                self.visit(part)
            for name in (*node.input, *node.output):
                if last.get(name, index) == index and name not in ends:
                    self.sample.pop(name, None)

    def visit(self, node: NodeProto) -> None:
        """Fold ``node`` into a constant, or keep it and learn the shape of what it makes."""
        node = _inference(node, self.constants)
        names = [name for name in node.input if name]
        dynamic = [name for name in names if name not in self.constants]
        if node.name in self.refused:
            if dynamic:
                self.nodes.append(node)
            return
        if node.op_type == "Shape" and names[0] in self.shapes:
            attributes = Attributes(node)
            dims = self.shapes[names[0]][attributes.integer("start", 0) : attributes.integer("end", None)]
            self.constants[node.output[0]] = np.array(dims, np.int64)
            return
        if dynamic:
            self.nodes.append(node)
        if problem := foreign(node) or random(node, self.constants) or check_quantizer(node, self.constants):
            self.problems.append(problem)
            if dynamic and problem.operation in QUANTIZERS and dynamic[0] in self.sample:
                self._keep(node.output[0], self.sample[dynamic[0]])
            return
        if any(name not in self.sample for name in dynamic):  # behind a node that could not be run
            return
        values = {
            name: self.constants[name] if name in self.constants else self.sample[name] for name in names
        }
        if not self._is_affordable(node, values, dynamic=bool(dynamic)):
            return
        try:
            results = run_node(node, values, self.opset, self.versions)
        except Exception as error:  # noqa: BLE001 - whatever an executor raises, the node cannot be mapped
            self.problems.append(not_executable(node, self.labels.get(node.name, node.op_type), str(error)))
            return
        if node.op_type in QUANTIZERS and results[node.output[0]].shape != values[names[0]].shape:
            self.problems.append(broadcasts(node, values[names[0]].shape, results[node.output[0]].shape))
            return
        if not dynamic and node.op_type == "FloatQuant":
            self.problems.append(unsupported_quantizer(node))
            self.blamed.update(node.output)
        elif not dynamic and self.blamed.intersection(names):
            self.blamed.update(node.output)
        if dynamic and (problem := unusable(node, results)):
            self.problems.append(problem)
            return
        for name, value in results.items():
            if dynamic:
                self._keep(name, value)
            else:
                self.constants[name] = value
        if not dynamic:
            self._keep_grid(node, values, results)

    def _is_affordable(self, node: NodeProto, values: Mapping[str, Array], *, dynamic: bool) -> bool:
        """Say whether a node may be run; a problem where its result would be too large.

        ModelError where all nodes together would do more operations than the network may have.
        """
        if is_endless(node):
            if not dynamic:
                self.problems.append(not_run(node))
            return False
        shapes = result_shapes(node, values, self.opset)
        for shape in shapes.values():
            if elements(shape) > self.limits.elements:
                self.problems.append(oversized(node, shape, self.limits.elements))
                return False
        result = next(iter(shapes.values()), ())
        self.operations += operations_of(node, values, result)
        if self.operations > self.limits.operations:
            what = f"the network is too large at {node.name} ({node.op_type})"
            raise too_large(what, self.operations, "operations", self.limits.operations, self.where)
        return True

    def _keep_grid(self, node: NodeProto, values: dict[str, Array], results: dict[str, Array]) -> None:
        """Remember the integers behind a quantized constant, through operations that only move numbers."""
        source, out = (node.input[0] if node.input else ""), node.output[0] if node.output else ""
        if node.op_type == "DequantizeLinear":
            scale, zero = dequantization(node, values, results[out].ndim)
            if scale.ndim <= results[out].ndim:
                integers = values[source].astype(np.int64) - zero.astype(np.int64)
                self.grids[out] = Grid(integers=integers, scale=scale.astype(np.float64))
        elif node.op_type in QUANTIZERS and node.op_type != "Trunc":
            grid_of_node = _grid_of(node, values, results[out])
            if grid_of_node is not None:
                self.grids[out] = grid_of_node
        elif node.op_type in ("Mul", "Div") and len({*node.input} & {*self.grids}) == 1:
            self._scale_grid(node, values, results[out])
        elif node.op_type in ("Add", "Sub") and len({*node.input} & {*self.grids}) == 1:
            self._shift_grid(node, values, results[out])
        elif source in self.grids and node.op_type in LAYOUT and node.op_type != "Cast":
            grid = self.grids[source]
            others = {name: values[name] for name in node.input[1:] if name}

            def move(x: Array) -> Array:
                moved = run_node(node, {source: x.astype(np.float64), **others}, self.opset, self.versions)
                return moved[out]

            scale = grid.scale
            if scale.size > 1:
                scale = move(np.broadcast_to(scale, grid.integers.shape))
            self.grids[out] = Grid(integers=move(grid.integers).astype(np.int64), scale=scale)

    def _scale_grid(self, node: NodeProto, values: dict[str, Array], result: Array) -> None:
        """Remember the integers of a quantized constant times or over a float constant."""
        position = 0 if node.input[0] in self.grids else 1
        other = values[node.input[1 - position]].astype(np.float64)
        grid = self.grids[node.input[position]]
        if node.op_type == "Div" and (position == 1 or not other.all()):
            return
        scale = grid.scale * other if node.op_type == "Mul" else grid.scale / other
        if result.shape == grid.integers.shape and result.dtype.kind == "f" and np.isfinite(scale).all():
            self.grids[node.output[0]] = Grid(integers=grid.integers, scale=scale)

    def _shift_grid(self, node: NodeProto, values: dict[str, Array], result: Array) -> None:
        """Remember the integers of a quantized constant plus or less whole steps, such as its zero point."""
        position = 0 if node.input[0] in self.grids else 1
        if node.op_type == "Sub" and position == 1:
            return
        grid = self.grids[node.input[position]]
        with np.errstate(all="ignore"):
            steps = values[node.input[1 - position]].astype(np.float64) / grid.scale
            whole = np.rint(steps)
        if not np.array_equal(steps, whole) or not np.abs(whole).max(initial=0) < EXACT_FLOATS:
            return
        integers = grid.integers + (1 if node.op_type == "Add" else -1) * whole.astype(np.int64)
        if result.shape == integers.shape and np.array_equal(
            (integers * grid.scale).astype(result.dtype), result
        ):
            self.grids[node.output[0]] = Grid(integers=integers, scale=grid.scale)


def _inference(node: NodeProto, constants: Mapping[str, Array]) -> NodeProto:
    """Write a Dropout that drops nothing as Identity."""
    if node.op_type != "Dropout" or node.domain or in_training(node, constants):
        return node
    if len(node.output) > 1:
        return node
    return helper.make_node("Identity", [node.input[0]], list(node.output), name=node.name)


def _grid_of(node: NodeProto, values: dict[str, Array], value: Array) -> Grid | None:
    """Return the integers (zero point taken off) and scale of a constant that went through a quantizer."""
    if node.op_type == "MultiThreshold":
        scale = np.array(Attributes(node).number("out_scale", 1.0), np.float64)
    else:
        scale = np.asarray(values[node.input[1]], np.float64)
    for parts in (1, 2, 4, 8, 16):  # a zero point may lie between two integers
        with np.errstate(over="ignore", invalid="ignore"):
            whole = np.rint(value * (parts / scale))
        if not np.isfinite(whole).all() or np.abs(whole).max(initial=0) >= EXACT_FLOATS:
            return None
        integers = whole.astype(np.int64)
        if np.array_equal((integers * (scale / parts)).astype(value.dtype), value):
            return Grid(integers=integers, scale=scale / parts)
    return None
