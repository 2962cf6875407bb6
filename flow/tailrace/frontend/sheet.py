# SPDX-License-Identifier: Apache-2.0
"""The sheet that handlers write on: what every float tensor is in integers, the nodes so far, and what is wrong.

Handlers of operations know the sheet; the walk knows the handlers; the sheet knows neither.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.core.order import Order, plain
from tailrace.frontend.encodings import Encoding
from tailrace.frontend.evaluation import run_node
from tailrace.frontend.hints import INSTEAD
from tailrace.frontend.normalized import written_out
from tailrace.frontend.operations import ELEMENTWISE, LAYOUT, QUANTIZERS, SPATIAL
from tailrace.frontend.problems import Problem
from tailrace.frontend.signals import Exact, Signal, Source, Unreached, collapse, floats
from tailrace.frontend.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from fractions import Fraction

    from onnx import NodeProto

    from tailrace.frontend.network import Network
    from tailrace.graph import Tensor
    from tailrace.graph.host import FloatProgram, Quantizer

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Entry:
    """How an input enters: the host makes the integers ``tensor`` of it, by ``before`` and then ``quantizer``."""

    tensor: Tensor
    quantizer: Quantizer
    before: FloatProgram | None = None
    order: Order = None


class Sheet(Writer):
    """What is known of a network while it is walked through.

    ``signals`` holds what every float tensor is; ``unreached`` holds those that lie behind a refused node, so that the
    nodes after it are still looked at.
    """

    def __init__(self, network: Network, notices: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.network = network
        self.notices = (*network.notices, *notices)
        self.signals: dict[str, Signal] = {}
        self.unreached: dict[str, Unreached] = {}
        self.problems: list[Problem] = list(network.problems)
        self.refused = frozenset(problem.node for problem in network.problems)
        self.encodings: dict[str, Encoding] = {}
        self.integers: dict[tuple[str, Fraction | None, bool], Signal] = {}
        """What stands for signals without a quantizer: {(signal, step of the grid, 0 is the number 0): integers}."""
        self.gridded: list[str] = []
        """Those whose scales are no multiples of that step."""
        self.entries: dict[str, Entry] = {}
        """How each input of the network enters, by its name."""
        self._software = frozenset(network.shapes)
        """The float tensors that the network's own software has."""
        self._places = {name: i for i, n in enumerate(network.nodes) for name in n.output[:1]}
        self._needed = network.leading_to(QUANTIZERS | SPATIAL | {"MatMul"})
        found = {
            node: form for node, form in written_out(network).items() if form.inner.isdisjoint(self.refused)
        }
        self.normalizations = {
            n.name: found[n.name] for n in network.nodes if n.name in found and self.goes_on(n)
        }
        """Those that are written out in several nodes, by the last of these."""
        self.inside = frozenset(name for form in self.normalizations.values() for name in form.inner)
        """The other nodes of these."""

    def know(self, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        """Let there be a float tensor that the network has not: float operations may begin at it."""
        network = self.network
        shapes, dtypes = {**network.shapes, name: shape}, {**network.dtypes, name: dtype}
        self.network = replace(network, shapes=shapes, dtypes=dtypes)

    def know_constant(self, name: str, value: Array) -> None:
        """Let there be a constant that the network has not."""
        self.network = replace(self.network, constants={**self.network.constants, name: value})

    def has_software(self, name: str) -> bool:
        """Say whether the network's own software has a tensor of this name."""
        return name in self._software

    def in_place(self, nodes: Iterable[NodeProto]) -> tuple[NodeProto, ...]:
        """Return nodes in the order of the network; those that it has not come first."""
        return tuple(sorted(nodes, key=lambda n: self._places.get(n.output[0], -1)))

    # Problems

    def problem(self, node: NodeProto, found: str, accepted: str, hint: str) -> None:
        """Remember what is wrong with a node."""
        self.problems.append(
            Problem(
                node=node.name,
                operation=self.network.operation(node),
                found=found,
                accepted=accepted,
                hint=hint,
            )
        )

    def host_only(self, signal: Signal | Unreached, reader: NodeProto) -> None:
        """Report the operation of the host that stands in front of ``reader``."""
        node = signal.host_only
        if node is None:
            raise ValueError("nothing here is left to the host")
        self.problem(
            node,
            f"it stands in front of {reader.name} ({self.network.operation(reader)}), but only the host can do it",
            f"{node.op_type} of this form behind the last layer, where the host does it",
            self._instead_of(node),
        )

    def _instead_of(self, node: NodeProto) -> str:
        """Return the way out for an operation that only the host can do."""
        return INSTEAD.get(node.op_type, "leave it out, or end the network in front of it")

    def not_quantized(self, node: NodeProto, name: str, made_by: str = "") -> None:
        """Report a layer whose input ``name`` (from ``made_by``) is made of floats."""
        for out in node.output:
            self.unreached[out] = Unreached(is_float=True)
        hint = (
            "put a Quant node (Brevitas QuantIdentity, QuantReLU; QKeras QActivation) in front of this layer"
        )
        if self._is_rounded(name):
            hint = (
                "a Round is a quantizer with a Clip to whole numbers beside it: add that, or export it as Quant "
                "(QONNX), or as QuantizeLinear and DequantizeLinear (QCDQ, QDQ)"
            )
        self.problem(
            node, f"its input {name}{made_by} is not quantized", "activations behind a quantizer", hint
        )

    def _is_rounded(self, name: str) -> bool:
        """Say whether a tensor comes from a Round, with element-by-element operations between."""
        while (node := self.network.makers.get(name)) is not None and node.op_type in ELEMENTWISE | LAYOUT:
            if node.op_type == "Round":
                return True
            name = node.input[0]
        return False

    # Signals

    def dynamic(self, node: NodeProto) -> list[str]:
        """Return the operands of a node that depend on the network's input."""
        return [name for name in node.input if name and name not in self.network.constants]

    def goes_on(self, node: NodeProto) -> bool:
        """Say whether a layer or a quantizer follows a node, so that the host cannot do it."""
        return not self._needed.isdisjoint(node.output)

    def moved(self, node: NodeProto, shape: tuple[int, ...]) -> Order:
        """Return which element of a tensor of ``shape`` each element behind a layout operation is."""
        if node.op_type not in ("Transpose", "DepthToSpace", "SpaceToDepth"):
            return None
        numbers = np.arange(int(np.prod(shape, dtype=np.int64)), dtype=np.float64).reshape(shape)
        result = run_node(node, {node.input[0]: numbers}, self.network.opset, self.network.versions)
        return plain(result[node.output[0]].astype(np.int64).ravel())

    def derive(
        self,
        node: NodeProto,
        ins: list[Signal],
        scale: Exact | None,
        offset: Exact | None,
        *,
        host_only: NodeProto | None = None,
        order: Order = None,
    ) -> None:
        """Let the output of ``node`` be one more float operation behind the common source of ``ins``."""
        merged = {n.output[0]: n for signal in ins for n in signal.nodes}
        merged[node.output[0]] = node
        if len(merged) > self.network.limits.chain:
            self.problem(
                node,
                f"more than {self.network.limits.chain:,} float operations stand between the integers and it",
                "a quantizer from time to time",
                "quantize in between, or raise the limit: --limits chain=N, or load(path, limits=Limits(chain=N))",
            )
            return
        nodes = self.in_place(merged.values())
        host_only = next((s.host_only for s in ins if s.host_only is not None), host_only)
        for name in node.output:
            if name in self.network.shapes:
                self.signals[name] = Signal(
                    name=name,
                    shape=self.network.shapes[name],
                    source=ins[0].source,
                    nodes=nodes,
                    scale=scale,
                    offset=offset,
                    order=order,
                    host_only=host_only,
                )

    # Sources

    def new_source(
        self,
        tensor: Tensor,
        name: str,
        shape: tuple[int, ...],
        scale: Exact,
        offset: Exact,
        *,
        order: Order = None,
    ) -> Signal:
        """Let the float tensor ``name`` be ``scale * tensor + offset``, its elements at the places ``order``."""
        scale, offset = collapse(scale), collapse(offset)
        if name in self._software:  # else the software has no such tensor
            self.encodings[name] = Encoding(scale=floats(scale), offset=floats(offset), order=order)
        source = Source(tensor=tensor, name=name, shape=shape, scale=scale, offset=offset, order=order)
        return Signal(name=name, shape=shape, source=source, scale=scale, offset=offset, order=order)
