# SPDX-License-Identifier: Apache-2.0
"""Quantize a float network with ONNX Runtime's ``quantize_static``, for widths of its own types and of fewer bits.

Its types have 8 or 16 bits. A tensor of fewer bits gets the scale that these give it, by a range that is as many times
wider, and a Clip behind its QuantizeLinear, as Brevitas' QCDQ has it; weights of fewer bits get their scale told.
"""

from __future__ import annotations

import difflib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, helper, numpy_helper

from tailrace.core.errors import ModelError, UsageError
from tailrace.frontend.attributes import Attributes
from tailrace.frontend.operations import LAYOUT
from tailrace.frontend.post_training.floats import FloatNetwork, constant_values, silent
from tailrace.frontend.post_training.ranges import Range, clipped, weight_scales

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tailrace.frontend.post_training.widths import Widths

Array = NDArray[Any]

LAYERS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
"""Operations with weights."""

SAME_RANGE = LAYOUT | {
    "Relu",
    "Clip",
    "MaxPool",
    "GlobalMaxPool",
    "AveragePool",
    "Resize",
    "Pad",
    "Slice",
    "Split",
}
"""Operations whose output ONNX Runtime quantizes as their input, or that it takes into the quantizer behind them."""

HOST_LAST = frozenset({"Softmax", "LogSoftmax", "Hardmax", "ArgMax", "ArgMin", "TopK"})
"""Operations that stay floats where they end a network: the host does them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """How many bits every tensor of activations and every weight of a network gets."""

    network: FloatNetwork
    widths: Widths
    activations: Mapping[str, int]
    """Where they are others than those of ``widths``."""
    weights: Mapping[str, int]

    @classmethod
    def of(cls, network: FloatNetwork, widths: Widths, layers: Mapping[str, Widths]) -> Plan:
        """Return the plan for ``widths`` and for single layers; UsageError where there is no such layer."""
        nodes = {node.name: node for node in weighted(network.model)}
        activations: dict[str, int] = {}
        weights = {node.input[1]: widths.weights for node in nodes.values()}
        makers = {name: node for node in network.model.graph.node for name in node.output}
        for name, own in layers.items():
            if name not in nodes:
                near = difflib.get_close_matches(name, nodes, 1)
                raise UsageError(
                    f"there is no layer {name!r}",
                    hint=f"did you mean {near[0]}?" if near else f"the layers: {', '.join(nodes) or 'none'}",
                )
            weights[nodes[name].input[1]] = own.weights
            tensor = nodes[name].input[0]
            activations[tensor] = own.activations
            while tensor in makers and makers[tensor].op_type in SAME_RANGE:
                tensor = makers[tensor].input[0]
                activations[tensor] = own.activations
        return cls(network=network, widths=widths, activations=activations, weights=weights)

    def bits(self, tensor: str) -> int:
        """Return the bits of a tensor of activations."""
        return self.activations.get(tensor, self.widths.activations)

    def type_bits(self, tensor: str) -> int:
        """Return the bits of the type that ONNX Runtime quantizes a tensor of activations to: 8 or 16."""
        return 8 if self.bits(tensor) <= 8 else 16


def weighted(model: onnx.ModelProto) -> list[NodeProto]:
    """Return the layers of a network whose weights are constants."""
    constants = {tensor.name for tensor in model.graph.initializer}
    return [
        node
        for node in model.graph.node
        if node.op_type in LAYERS and len(node.input) > 1 and node.input[1] in constants
    ]


def quantize_network(
    plan: Plan, ranges: Mapping[str, Range], *, per_channel: bool, least_error: bool
) -> onnx.ModelProto:
    """Return the network with quantizers (QDQ) of the widths of ``plan`` and the ranges given.

    ``per_channel`` gives every output channel of a layer a scale of its own, ``least_error`` chooses the scales of
    weights by their squared error. ModelError where ONNX Runtime's quantizer cannot.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static  # noqa: PLC0415 - costs half a second
    from onnxruntime.quantization.calibrate import (  # noqa: PLC0415
        CalibrationMethod,
        TensorsData,
        save_tensors_data,
    )

    network = plan.network
    if not weighted(network.model):
        raise ModelError(
            "it has no layer with constant weights", where=network.name, hint="quantize a network with layers"
        )
    model = onnx.ModelProto()
    model.CopyFrom(network.model)
    overrides = _weights(model, plan, per_channel=per_channel, least_error=least_error)
    ends = {name: _widened(ends, plan.bits(name), plan.type_bits(name)) for name, ends in ranges.items()}
    types = {8: QuantType.QUInt8, 16: QuantType.QUInt16}
    usual = 8 if plan.widths.activations <= 8 else 16
    for name in plan.activations:
        if plan.type_bits(name) != usual:
            overrides[name] = [{"quant_type": types[plan.type_bits(name)]}]
    with tempfile.TemporaryDirectory(prefix="tailrace-") as folder:
        cache, path = Path(folder) / "ranges.json", Path(folder) / "quantized.onnx"
        try:
            with silent():
                save_tensors_data(TensorsData(CalibrationMethod.MinMax, ends), cache)
                quantize_static(
                    model,
                    path,
                    None,
                    quant_format=QuantFormat.QDQ,
                    per_channel=per_channel,
                    activation_type=types[usual],
                    weight_type=QuantType.QInt8,
                    nodes_to_exclude=_host_last(model),
                    calibration_cache_path=cache,
                    extra_options={
                        "ActivationSymmetric": False,
                        "WeightSymmetric": True,
                        "TensorQuantOverrides": overrides,
                    },
                )
            found = onnx.load(path)
        except Exception as error:  # noqa: BLE001 - it raises many kinds
            line = (str(error).strip().splitlines() or [type(error).__name__])[-1]
            raise ModelError(
                f"ONNX Runtime's quantizer cannot quantize it ({line[:200]})",
                where=network.name,
                hint="try onnxruntime.quantization.quantize_static on the file",
            ) from None
    _clip(found, plan)
    return found


def _widened(ends: Range, bits: int, top: int) -> tuple[Array, Array]:
    """Return the range that gives a quantizer of ``top`` bits the scale of one of ``bits`` bits over ``ends``."""
    low, high = ends
    factor = ((1 << top) - 1) / ((1 << bits) - 1)
    return np.array(low, np.float32), np.array(low + (high - low) * factor, np.float32)


def _weights(
    model: onnx.ModelProto, plan: Plan, *, per_channel: bool, least_error: bool
) -> dict[str, list[dict[str, Any]]]:
    """Return what the quantizer is told of weights that it would not scale so itself; large ones are clipped."""
    values = constant_values(model)
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    overrides: dict[str, list[dict[str, Any]]] = {}
    for node in weighted(model):
        name = node.input[1]
        bits = plan.weights[name]
        if name in overrides or (bits == 8 and not least_error):
            continue
        axis = _axis(node, values[name].ndim) if per_channel else None
        scales = weight_scales(values[name], axis, bits, least_error=least_error)
        tensors[name].CopyFrom(numpy_helper.from_array(clipped(values[name], scales, axis, bits), name))
        zero = np.array(0, np.int8)
        overrides[name] = [{"scale": np.array(scale, np.float32), "zero_point": zero} for scale in scales]
        if axis is not None:
            overrides[name][0]["axis"] = axis
    return overrides


def _axis(node: NodeProto, rank: int) -> int:
    """Return the axis of output channels of a layer's weights."""
    if node.op_type == "Conv":
        return 0
    if node.op_type == "ConvTranspose":
        return 1
    if node.op_type == "Gemm" and Attributes(node).flag("transB", default=False):
        return 0
    return rank - 1


def _host_last(model: onnx.ModelProto) -> list[str]:
    """Return the nodes that end a network and that the host does."""
    readers: dict[str, list[NodeProto]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    found: list[str] = []
    for node in reversed(model.graph.node):
        after: Iterable[NodeProto] = [reader for name in node.output for reader in readers.get(name, [])]
        if node.op_type in HOST_LAST and all(reader.name in found for reader in after):
            found.append(node.name)
    return found


def _clip(model: onnx.ModelProto, plan: Plan) -> None:
    """Put a Clip behind every quantizer of activations that has fewer bits than its type.

    ONNX Runtime clips no integers of 16 bits, so there the floats in front of the quantizer are clipped, to the same.
    """
    graph = model.graph
    values_of = constant_values(model)
    constants = set(values_of)
    nodes: list[NodeProto] = []
    for node in graph.node:
        nodes.append(node)
        if node.op_type != "QuantizeLinear" or node.input[0] in constants:
            continue
        name = node.input[1].removesuffix("_scale")
        bits, top = plan.bits(name), plan.type_bits(name)
        if bits == top:
            continue
        place = 1 if top == 8 else 0
        out, bounds = node.output[0], np.array([0, (1 << bits) - 1])
        values = bounds.astype(np.uint8)
        if top != 8:
            scale, zero = (values_of[n] for n in node.input[1:])
            values = ((bounds - int(zero)) * scale.astype(np.float32)).astype(np.float32)
        ends = [f"{out}_low", f"{out}_high"]
        for end, value in zip(ends, values, strict=True):
            graph.initializer.append(numpy_helper.from_array(np.array(value), end))
        inner = f"{out}_unclipped" if place else f"{out}_clipped"
        if place:
            node.output[0] = inner
            nodes.append(helper.make_node("Clip", [inner, *ends], [out], name=f"{node.name}_clip"))
        else:
            clip = helper.make_node("Clip", [node.input[0], *ends], [inner], name=f"{node.name}_clip")
            nodes.insert(len(nodes) - 1, clip)
            node.input[0] = inner
    del graph.node[:]
    graph.node.extend(nodes)
