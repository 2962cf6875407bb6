# SPDX-License-Identifier: Apache-2.0
"""A normalized network: what the walk reads, whatever file or model it came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from numpy.typing import NDArray
from onnx import NodeProto, helper, numpy_helper

from tailrace.core.limits import DEFAULT_LIMITS, Limits
from tailrace.frontend.evaluation import make_model
from tailrace.frontend.operations import QONNX_DOMAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from onnx import ModelProto

    from tailrace.frontend.problems import Problem

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grid:
    """A constant known to be ``integers * scale``; ``scale`` (float64) broadcasts against ``integers``."""

    integers: NDArray[np.int64]
    scale: NDArray[np.float64]


class Software(Protocol):
    """What computes a network's floats where that is not ONNX Runtime and qonnx: the framework it was trained in."""

    def function(
        self, network: Network, nodes: Sequence[NodeProto], start: str, end: str
    ) -> Callable[[Array], Array]:
        """Return the function from tensor ``start`` to ``end``, (samples, *shape) each, that ``nodes`` compute."""

    def depends_on_position(self, network: Network, nodes: Sequence[NodeProto]) -> bool:
        """Say whether the last bit of some operation depends on where in its array an element stands."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """A normalized network: only nodes that depend on the input are left, everything else is a constant."""

    name: str
    sha256: str
    opset: int
    versions: Mapping[str, int]
    inputs: tuple[str, ...]
    input_types: Mapping[str, int]
    input_annotations: Mapping[str, str]
    outputs: tuple[str, ...]
    nodes: tuple[NodeProto, ...]
    constants: Mapping[str, Array]
    grids: Mapping[str, Grid]
    shapes: Mapping[str, tuple[int, ...]]
    dtypes: Mapping[str, np.dtype[Any]]
    labels: Mapping[str, str] = field(default_factory=dict)
    """What the author called tensors and operations that normalization renamed."""
    wholes: tuple[NodeProto, ...] = field(default=())
    """The nodes of the file that stand as several in ``nodes``: Gemm, and those of the QOperator format."""
    blamed: frozenset[str] = field(default=frozenset())
    """Constants that come from a node that is refused itself."""
    problems: tuple[Problem, ...] = field(default=())
    notices: tuple[str, ...] = field(default=())
    limits: Limits = DEFAULT_LIMITS
    software: Software | None = None
    """What evaluates the tails; None for ONNX Runtime and qonnx."""
    made: frozenset[str] = field(default=frozenset())
    """Tensors that the network's own software does not have: what became of others when nodes were moved."""
    states: Mapping[str, str] = field(default_factory=dict)
    """{input: the output that it was a step before}, of a network that is a Scan."""
    initial: Mapping[str, Array] = field(default_factory=dict)
    """The first values of states that do not begin with 0."""
    masks: Mapping[str, Array] = field(default_factory=dict)
    """{softmax: what was added to its scores: 0, or so much less that they get no share}."""
    copies: Mapping[str, str] = field(default_factory=dict)
    """{name of a moved node: the node of the network that does the same with other numbers}."""

    @cached_property
    def makers(self) -> Mapping[str, NodeProto]:
        """The node that writes each tensor."""
        return {name: node for node in self.nodes for name in node.output if name}

    @cached_property
    def readers(self) -> Mapping[str, tuple[NodeProto, ...]]:
        """The nodes that read each tensor, each once, in their order."""
        found: dict[str, list[NodeProto]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.input):
                found.setdefault(name, []).append(node)
        return {name: tuple(nodes) for name, nodes in found.items()}

    @cached_property
    def software_nodes(self) -> tuple[NodeProto, ...]:
        """The nodes as the network's own software runs them: those that stand as several are whole again.

        What is inside them is computed beside, so that it can be looked at. One whose operand no node makes any more,
        because transposes were cancelled, stays in parts.
        """
        made = {*self.constants, *self.inputs, *self.makers}
        whole: dict[str, NodeProto] = {}
        later: set[str] = set()
        for node in self.wholes:
            if all(name in made for name in node.input if name):
                own = whole[node.output[0]] = NodeProto()
                own.CopyFrom(node)
                own.name = f"{node.name}/whole"  # a part of it has its name
                later.update(node.output[1:])
        return tuple(whole.get(node.output[0], node) for node in self.nodes if node.output[0] not in later)

    def leading_to(self, operations: frozenset[str]) -> frozenset[str]:
        """Return the tensors from which some path leads to a node of one of these operations."""
        found: set[str] = set()
        for node in reversed(self.nodes):
            if node.op_type in operations or not found.isdisjoint(node.output):
                found.update(name for name in node.input if name)
        return frozenset(found)

    def operation(self, node: NodeProto) -> str:
        """Return the author's name of a node's operation, with its domain where that is unusual."""
        operation = self.labels.get(node.name, node.op_type)
        return operation if node.domain in ("", QONNX_DOMAIN) else f"{node.domain}:{operation}"

    def model(self) -> ModelProto:
        """Return the normalized network as a model that its software takes, see :attr:`software_nodes`."""
        nodes = self.software_nodes
        used = {name for node in nodes for name in node.input if name in self.constants}
        types = {t: helper.np_dtype_to_tensor_dtype(self.dtypes[t]) for t in self.shapes}
        infos = {t: helper.make_tensor_value_info(t, types[t], self.shapes[t]) for t in self.shapes}
        inner = [info for t, info in infos.items() if t not in self.inputs and t not in self.outputs]
        graph = helper.make_graph(
            nodes,
            self.name,
            [infos[name] for name in self.inputs],
            [infos[name] for name in self.outputs],
            [numpy_helper.from_array(self.constants[name], name) for name in sorted(used)],
            value_info=inner,
        )
        return make_model(graph, self.opset, self.versions)
