# SPDX-License-Identifier: Apache-2.0
"""Write a traced module as a QONNX model, and keep beside every node the torch function that it stands for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from tailrace.frontend.evaluation import make_model
from tailrace.frontend.operations import QONNX_DOMAIN
from tailrace.frontend.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

Array = NDArray[Any]
Run = Callable[..., torch.Tensor]
"""The operands of a node that depend on the input, in its order, to its output; torch tensors in float32."""

OPSET = 20
QONNX_VERSION = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Operand:
    """A tensor that depends on the input: its name in the model, and its value on the example.

    ``value`` is a tensor, or Brevitas' QuantTensor with scale, zero point and width.
    """

    name: str
    value: Any

    @property
    def tensor(self) -> torch.Tensor:
        """The plain tensor of the example."""
        return plain(self.value)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape on the example, batch axis included."""
        return tuple(int(n) for n in self.tensor.shape)


def plain(value: Any) -> torch.Tensor:  # noqa: ANN401 - Brevitas has no types
    """Return the tensor in a QuantTensor, any other as it is."""
    inner = getattr(value, "value", value)
    return inner if isinstance(inner, torch.Tensor) else torch.as_tensor(inner)


class RefusedError(Exception):
    """A call that has no translation: what was found, what would be accepted, the way out."""

    def __init__(self, found: str, accepted: str, hint: str) -> None:
        super().__init__(found)
        self.found, self.accepted, self.hint = found, accepted, hint


@dataclass(kw_only=True, eq=False)
class Writer:
    """The model so far. ``name`` and ``again`` are those of the call that is being translated."""

    title: str
    name: str = ""
    kind: str = ""
    """What the author wrote: the class of the layer, the name of the function."""
    again: Run | None = None
    """The call itself, on other tensors."""
    nodes: list[NodeProto] = field(default_factory=list)
    constants: dict[str, Array] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    """{node: the torch function}."""
    leaves: dict[str, tuple[str, int]] = field(default_factory=dict)
    """{tensor: the layer whose output it is, and at which of the layer's calls}."""
    layers: dict[str, Layer] = field(default_factory=dict)
    """{tensor: the layer with weights that gives it}."""
    problems: list[Problem] = field(default_factory=list)

    def node(
        self,
        operation: str,
        inputs: Sequence[str],
        *,
        part: str = "",
        run: Run | None = None,
        domain: str = "",
        **attributes: Any,  # noqa: ANN401 - whatever ONNX takes
    ) -> str:
        """Add a node and return the name of its output: that of the call, or of a ``part`` of it.

        Without ``run`` the node is the call itself.
        """
        output = f"{self.name}.{part}" if part else self.name
        made = helper.make_node(
            operation,
            list(inputs),
            [output],
            name=output,
            domain=domain,
            **{key: value for key, value in attributes.items() if value is not None},
        )
        self.nodes.append(made)
        run = run or self.again
        if run is None:
            raise ValueError("there is no call that this node could be")
        self.runs[output] = run
        return output

    def constant(self, part: str, value: Any) -> str:  # noqa: ANN401 - tensor, array or number
        """Add a constant that belongs to the call, float32 unless it is an array of another type."""
        if isinstance(value, torch.Tensor):
            value = value.detach().cpu().numpy()
        if not isinstance(value, np.ndarray):
            value = np.asarray(value, np.float32)
        name = f"{self.name}.{part}"
        self.constants[name] = np.ascontiguousarray(value)
        return name

    def weights(self, part: str, quantized: Any, values: Array, **parameters: Any) -> str:  # noqa: ANN401
        """Add a quantized constant: ``values`` behind the QONNX quantizer of a QuantTensor; see ``quantizers``."""
        raw = self.constant(f"{part}.values", values)
        output = f"{self.name}.{part}"
        self.nodes.append(quant_node(self, part, raw, output, quantized, **parameters))
        return output

    def model(self, source: str, shape: Sequence[int], end: str, end_shape: Sequence[int]) -> ModelProto:
        """Return the whole model, from tensor ``source`` to tensor ``end``."""
        graph = helper.make_graph(
            self.nodes,
            self.title,
            [helper.make_tensor_value_info(source, TensorProto.FLOAT, list(shape))],
            [helper.make_tensor_value_info(end, TensorProto.FLOAT, list(end_shape))],
            [numpy_helper.from_array(value, name) for name, value in self.constants.items()],
        )
        return make_model(graph, OPSET, {QONNX_DOMAIN: QONNX_VERSION})

    def refuse(self, error: RefusedError, place: str) -> None:
        """Remember a call that has no translation."""
        where = f"{self.name} at {place}" if place else self.name
        self.problems.append(
            Problem(
                node=where, operation=self.kind, found=error.found, accepted=error.accepted, hint=error.hint
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layer:
    """A layer with weights: its input in the model, and what float32 may make of its sums."""

    source: str
    module: nn.Module
    weight: torch.Tensor
    bias: torch.Tensor | None

    def explains(self, x: torch.Tensor, got: torch.Tensor) -> bool:
        """Say whether ``got`` is the layer's output for ``x``, up to the rounding of float32 sums."""

        def run(x: torch.Tensor, w: torch.Tensor, b: torch.Tensor | None) -> torch.Tensor:
            return plain(self.module.inner_forward_impl(x, w, b))

        x, w = x.double(), self.weight.double()
        b = None if self.bias is None else self.bias.double()
        exact = run(x, w, b)
        size = run(x.abs(), w.abs(), None if b is None else b.abs())
        terms = self.weight.numel() // max(1, min(self.weight.shape[:2])) + 4
        return bool(((got.double() - exact).abs() <= terms * 2.0**-24 * size).all())


def quant_node(
    writer: Writer,
    part: str,
    source: str,
    output: str,
    quantized: Any,  # noqa: ANN401 - Brevitas has no types
    *,
    narrow: bool,
    rounding: str = "ROUND",
    turned: bool = False,
    binary: bool = False,
) -> NodeProto:
    """Return the QONNX quantizer with the parameters of a QuantTensor; ``turned`` transposes the last two axes."""

    def number(name: str, value: torch.Tensor) -> str:
        array = np.asarray(value.detach().cpu().numpy(), np.float32)
        if turned and array.ndim == 2:
            array = array.T
        return writer.constant(f"{part}.{name}", array)

    scale = number("scale", quantized.scale)
    if binary:
        return helper.make_node("BipolarQuant", [source, scale], [output], name=output, domain=QONNX_DOMAIN)
    return helper.make_node(
        "Quant",
        [
            source,
            scale,
            number("zero_point", quantized.zero_point),
            number("bit_width", quantized.bit_width.reshape(())),
        ],
        [output],
        name=output,
        domain=QONNX_DOMAIN,
        signed=int(bool(quantized.signed)),
        narrow=int(narrow),
        rounding_mode=rounding,
    )
