# SPDX-License-Identifier: Apache-2.0
"""What of a module matters for its hardware before it is trained: its layers, their quantizers, and what feeds what.

Nothing is run: the calls are followed by torch.fx alone, and the quantizers are asked for what they are set to. So a
module can be inspected in training mode, and its scales are those of the moment.
"""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from brevitas import nn as qnn
from brevitas.core.quant.binary import BinaryQuant, ClampedBinaryQuant
from brevitas.core.quant.ternary import TernaryQuant
from brevitas.core.restrict_val import PowerOfTwoRestrictValue
from brevitas.core.scaling import ConstScaling
from brevitas.nn.quant_layer import QuantNonLinearActLayer, QuantWeightBiasInputOutputLayer
from brevitas.proxy.runtime_quant import DynamicActQuantProxyFromInjector
from torch import fx, nn

from tailrace.core.errors import ModelError, UsageError
from tailrace.frontend.brevitas.functions import FUNCTIONS
from tailrace.frontend.brevitas.layers import REFUSALS, is_leaf, translation_of
from tailrace.frontend.brevitas.quantizers import is_on
from tailrace.frontend.brevitas.translation import function_name
from tailrace.frontend.brevitas.writer import RefusedError, Writer

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDS = frozenset({"add", "sub"})
JOINS = frozenset({"cat", "concat", "concatenate"})
LAYOUTS = frozenset(
    {"flatten", "view", "reshape", "squeeze", "unsqueeze", "permute", "transpose", "contiguous", "dropout", "getattr",
     "pad", "interpolate", "pixel_shuffle", "max_pool1d", "max_pool2d", "identity", "detach", "clone", "getitem"}
)  # fmt: skip
"""Functions behind which a quantized tensor is still quantized."""

STEPS = frozenset({"relu", "relu6", "hardtanh", "clamp", "clip"})
MEANS = frozenset({"mean", "sum", "avg_pool1d", "avg_pool2d", "adaptive_avg_pool1d", "adaptive_avg_pool2d"})
SUMS = (QuantWeightBiasInputOutputLayer, nn.BatchNorm1d, nn.BatchNorm2d, nn.AvgPool1d, nn.AvgPool2d,
        nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d)  # fmt: skip
"""Layers that give multiples of sums of integers."""

KEEPING = (
    nn.Identity, nn.Flatten, nn.Unflatten, nn.Dropout, nn.Dropout2d, nn.MaxPool1d, nn.MaxPool2d, nn.AdaptiveMaxPool2d,
    nn.Upsample, nn.ConstantPad1d, nn.ConstantPad2d, nn.PixelShuffle,
)  # fmt: skip
"""Layers of which the same is true."""


BOUNDS = {"relu": (0.0, math.inf), "relu6": (0.0, 6.0), "sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}
"""Functions of torch that give values between bounds."""


def bounds_of(layer: nn.Module | None) -> tuple[float, float] | None:
    """Return the bounds of what an activation function gives, None where it has none."""
    if isinstance(layer, nn.ReLU6 | nn.Hardtanh):
        return float(layer.min_val), float(layer.max_val)
    name = type(layer).__name__.lower()
    return BOUNDS.get(name) if isinstance(layer, nn.ReLU | nn.Sigmoid | nn.Tanh) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """What a quantizer is set to: ``low`` to ``high``, in steps of a scale."""

    low: int
    high: int
    bits: int
    scale: float | None
    """The scale of the moment; None where there is one a channel, or none yet."""
    fixed: bool
    """Training does not change the scale."""
    per_channel: bool
    power_of_two: bool
    zero_point: bool
    binary: bool = False

    @property
    def used(self) -> int:
        """The number of levels."""
        return 2 if self.binary else self.high - self.low + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A layer with weights."""

    name: str
    kind: str
    rows: int
    columns: int
    """Of its matrix: outputs, and inputs of one output."""
    weight: Levels | None
    bias: str
    """"none", "float" or "integers"."""
    last: bool
    source: str
    """Where its input comes from: "quantizer", "input", or the name of what gives it floats."""
    way: str
    """How that follows from integers: "sums" of them, "steps" of sums (a ReLU), or "" (not at all)."""
    sum_bits: int
    """The bits that the sums in front of it can need, where they are its input."""
    input: Levels | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """A quantizer of activations, and the layer with weights in front of it."""

    name: str
    levels: Levels
    reach: tuple[float, float]
    """Between which values everything lies that comes to it."""
    columns: int
    """Inputs of one output of the layer in front; 0 where there is none."""
    weight_bits: int
    input_bits: int
    feeds_layer: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """Two tensors that are added or concatenated."""

    name: str
    joins: bool
    sources: tuple[str, ...]
    levels: tuple[Levels | None, ...]
    """Of the quantizers in front; None for one that is none (an accumulator)."""
    same: bool
    """One and the same quantizer gives both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A layer or function that has no translation."""

    name: str
    kind: str
    found: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """All of it, in the order of the calls."""

    title: str
    parts: tuple[Part, ...]
    activations: tuple[Activation, ...]
    meetings: tuple[Meeting, ...]
    refusals: tuple[Refusal, ...]


def inspect(module: Any) -> Inspection:  # noqa: ANN401 - anything may be given
    """Return what matters of a module; UsageError where it is none, ModelError where its calls cannot be followed."""
    if not isinstance(module, nn.Module):
        raise UsageError(
            f"got an object of type {type(module).__qualname__}, wanted a torch.nn.Module",
            hint="tailrace.lint(module)",
        )
    title = type(module).__name__
    copy = deepcopy(module).eval()
    tracer = _Structure()
    try:
        nodes = list(tracer.trace(copy).nodes)
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(
            f"its forward cannot be followed without an example ({lines[0][:200]})",
            where=title,
            hint="lint its parts, or take what depends on shapes and data out of forward",
        ) from error
    return _Reader(copy, nodes, title).read()


class _Structure(fx.Tracer):
    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:  # noqa: ARG002 - fx's signature
        return is_leaf(m)


class _Reader:
    def __init__(self, root: nn.Module, nodes: list[fx.Node], title: str) -> None:
        self.root, self.nodes, self.title = root, nodes, title

    def read(self) -> Inspection:
        """Look at every call."""
        parts: list[Part] = []
        activations: list[Activation] = []
        meetings: list[Meeting] = []
        refusals: list[Refusal] = []
        calls = [node for node in self.nodes if node.op.startswith("call_")]
        for node in calls:
            refusal = self._refusal(node)
            if refusal is not None:
                refusals.append(refusal)
                continue
            layer = self._layer(node)
            if isinstance(layer, QuantWeightBiasInputOutputLayer):
                parts.append(self._part(node, layer))
            activations.extend(self._activations(node, layer))
            meetings.extend(self._meetings(node, layer))
        return Inspection(
            title=self.title,
            parts=tuple(parts),
            activations=tuple(activations),
            meetings=tuple(meetings),
            refusals=tuple(refusals),
        )

    def _layer(self, node: fx.Node) -> nn.Module | None:
        return self.root.get_submodule(str(node.target)) if node.op == "call_module" else None

    def _name(self, node: fx.Node) -> str:
        return str(node.target) if node.op == "call_module" else node.name

    def _refusal(self, node: fx.Node) -> Refusal | None:
        layer = self._layer(node)
        if layer is None:
            name = function_name(node)
            if name in FUNCTIONS or (node.op != "call_function" and name in ("size", "dim", "numel")):
                return None
            return Refusal(
                name=self._name(node),
                kind=name,
                found=f"the function {name} is not supported",
                hint="use another function, or end the network in front of it",
            )
        translation = translation_of(layer)
        kind = type(layer).__name__
        if translation is None:
            return Refusal(
                name=self._name(node), kind=kind, found=f"{kind} is not supported", hint="use another layer"
            )
        found, hint = "", ""
        if translation in REFUSALS:
            try:
                translation(Writer(title=""), layer)
            except RefusedError as error:
                found, hint = error.found, error.hint
        elif isinstance(layer, QuantWeightBiasInputOutputLayer) and not is_on(layer.weight_quant):
            found, hint = "its weights are not quantized", "give the layer a weight_quant"
        elif any(isinstance(proxy, DynamicActQuantProxyFromInjector) for proxy in self._proxies(layer)):
            found, hint = "its quantizer is dynamic", "use a static quantizer"
        return Refusal(name=self._name(node), kind=kind, found=found, hint=hint) if found else None

    def _proxies(self, layer: nn.Module) -> Iterator[Any]:
        for name in ("input_quant", "act_quant", "output_quant"):
            proxy = getattr(layer, name, None)
            if proxy is not None and is_on(proxy):
                yield proxy

    # Where a tensor comes from

    def _origin(self, node: fx.Node) -> tuple[str, fx.Node]:
        """Return what a tensor is behind layout and maxima: quantizer, input, or floats; and the node that says so."""
        while True:
            layer = self._layer(node)
            if node.op == "placeholder":
                return "input", node
            if layer is not None and self._output_proxy(layer) is not None:
                return "quantizer", node
            keeps = isinstance(layer, KEEPING) or (layer is None and function_name(node) in LAYOUTS)
            joined = layer is None and function_name(node) in JOINS
            inputs = node.all_input_nodes
            if joined and inputs:
                kinds = {self._origin(n)[0] for n in inputs}
                return ("quantizer" if kinds == {"quantizer"} else "floats"), node
            if not keeps or not inputs:
                return ("quantizer" if isinstance(layer, qnn.TruncAvgPool2d) else "floats"), node
            node = inputs[0]

    def _output_proxy(self, layer: nn.Module) -> Any:  # noqa: ANN401 - Brevitas has no types
        name = "act_quant" if isinstance(layer, QuantNonLinearActLayer) else "output_quant"
        proxy = getattr(layer, name, None)
        return proxy if proxy is not None and is_on(proxy) else None

    def _levels_of(self, node: fx.Node) -> Levels | None:
        kind, origin = self._origin(node)
        layer = self._layer(origin)
        proxy = self._output_proxy(layer) if kind == "quantizer" and layer is not None else None
        return None if proxy is None else levels_of(proxy)

    def _before(self, node: fx.Node) -> QuantWeightBiasInputOutputLayer | None:
        """Return the layer with weights whose sums come to a node through elementwise operations, or None."""
        while node.all_input_nodes:
            node = node.all_input_nodes[0]
            layer = self._layer(node)
            if isinstance(layer, QuantWeightBiasInputOutputLayer):
                return layer
            if layer is not None and self._output_proxy(layer) is not None:
                return None
        return None

    def _way(self, node: fx.Node) -> str:
        """Say how a tensor follows from the integers of a quantizer; see ``Part.way``."""
        found = "sums"
        while node.op != "placeholder" and node.all_input_nodes:
            layer = self._layer(node)
            if layer is not None and self._output_proxy(layer) is not None:
                return found
            name = function_name(node) if layer is None else ""
            if isinstance(layer, nn.ReLU | nn.ReLU6 | nn.Hardtanh) or name in STEPS:
                found = "steps"
            elif not (isinstance(layer, (*KEEPING, *SUMS)) or name in LAYOUTS | ADDS | JOINS | MEANS):
                return ""
            node = node.all_input_nodes[0]
        return found

    def _sum_bits(self, node: fx.Node) -> int:
        """Return the bits of the sums that come to a node, 16 where no layer with weights makes them."""
        before = self._layer(node)
        layer = before if isinstance(before, QuantWeightBiasInputOutputLayer) else self._before(node)
        if layer is None:
            return 16
        weight = levels_of(layer.weight_quant, layer) if is_on(layer.weight_quant) else None
        return (weight.bits if weight else 8) + 8 + max(1, int(layer.weight[0].numel()) - 1).bit_length()

    # What there is

    def _part(self, node: fx.Node, layer: nn.Module) -> Part:
        kind, origin = self._origin(node.all_input_nodes[0])
        own = levels_of(layer.input_quant) if is_on(layer.input_quant) else None
        return Part(
            name=self._name(node),
            kind=type(layer).__name__,
            rows=int(layer.out_channels),
            columns=int(layer.weight[0].numel()),
            weight=levels_of(layer.weight_quant, layer),
            bias="none" if layer.bias is None else "integers" if is_on(layer.bias_quant) else "float",
            last=all(user.op == "output" for user in node.users) and not is_on(layer.output_quant),
            source="quantizer" if own is not None else kind if kind != "floats" else self._name(origin),
            way=self._way(node.all_input_nodes[0]),
            sum_bits=self._sum_bits(node.all_input_nodes[0]),
            input=own or self._levels_of(node.all_input_nodes[0]),
        )

    def _activations(self, node: fx.Node, layer: nn.Module | None) -> Iterator[Activation]:
        if layer is None or isinstance(layer, qnn.QuantEltwiseAdd | qnn.QuantCat):
            return
        proxy = self._output_proxy(layer)
        if proxy is None:
            return
        before = layer if isinstance(layer, QuantWeightBiasInputOutputLayer) else self._before(node)
        weight = None if before is None else levels_of(before.weight_quant, before)
        incoming = None
        for other in self.nodes:
            if before is not None and other.op == "call_module" and self._layer(other) is before:
                incoming = self._levels_of(other.all_input_nodes[0])
                break
        yield Activation(
            name=self._name(node),
            levels=levels_of(proxy),
            reach=self._reach(node, layer),
            columns=0 if before is None else int(before.weight[0].numel()),
            weight_bits=8 if weight is None else weight.bits,
            input_bits=8 if incoming is None else incoming.bits,
            feeds_layer=self._feeds_layer(node),
        )

    def _reach(self, node: fx.Node, layer: nn.Module) -> tuple[float, float]:
        """Return the bounds of what comes to a quantizer: those of the last activation function in front of it."""
        if isinstance(layer, QuantNonLinearActLayer):
            own = bounds_of(layer.act_quant.fused_activation_quant_proxy.activation_impl)
            if own is not None:
                return own
        while node.all_input_nodes:
            node = node.all_input_nodes[0]
            before = self._layer(node)
            name = function_name(node) if before is None else ""
            own = BOUNDS.get(name) if before is None else bounds_of(before)
            if own is not None:
                return own
            if not isinstance(before, KEEPING) and name not in LAYOUTS:
                break
        return -math.inf, math.inf

    def _feeds_layer(self, node: fx.Node) -> bool:
        """Say whether a layer with weights reads a quantizer."""
        waiting, seen = list(node.users), set[fx.Node]()
        while waiting:
            user = waiting.pop()
            if user in seen:
                continue
            seen.add(user)
            layer = self._layer(user)
            if isinstance(layer, QuantWeightBiasInputOutputLayer):
                return True
            if isinstance(layer, KEEPING) or (layer is None and user.op != "output"):
                waiting.extend(user.users)
        return False

    def _meetings(self, node: fx.Node, layer: nn.Module | None) -> Iterator[Meeting]:
        name = function_name(node) if layer is None else ""
        own = isinstance(layer, qnn.QuantEltwiseAdd | qnn.QuantCat)
        inputs = node.all_input_nodes
        if len(inputs) < 2 or not (own or name in ADDS | JOINS):
            return
        shared = bool(own and layer is not None and is_on(layer.input_quant))
        origins = [self._origin(n) for n in inputs]
        proxies = [
            self._output_proxy(layer)
            if kind == "quantizer" and (layer := self._layer(n)) is not None
            else None
            for kind, n in origins
        ]
        yield Meeting(
            name=self._name(node),
            joins=isinstance(layer, qnn.QuantCat) or name in JOINS,
            sources=tuple(self._name(n) for _, n in origins),
            levels=tuple(None if p is None else levels_of(p) for p in proxies),
            same=shared or (proxies[0] is not None and all(p is proxies[0] for p in proxies)),
        )


def levels_of(proxy: Any, layer: nn.Module | None = None) -> Levels:  # noqa: ANN401 - Brevitas has no types
    """Return what the quantizer of a proxy is set to; ``layer`` is that of a weight quantizer."""
    quantizer = proxy.tensor_quant if layer is not None else proxy.fused_activation_quant_proxy.tensor_quant
    binary = isinstance(quantizer, BinaryQuant | ClampedBinaryQuant)
    ternary = isinstance(quantizer, TernaryQuant)
    scale = zero = None
    bits = 1 if binary else 2 if ternary else _bits(quantizer)
    try:
        with torch.no_grad():
            if layer is None:
                scale, zero = proxy.scale(), proxy.zero_point()
            elif not proxy.requires_quant_input:
                found = layer.quant_weight()
                scale, zero = found.scale, found.zero_point
    except (
        RuntimeError,
        AssertionError,
        TypeError,
        AttributeError,
    ):  # a quantizer that is not calibrated yet
        scale = zero = None
    signed, narrow = bool(proxy.is_signed), bool(proxy.is_narrow_range) or ternary
    low = -(1 << (bits - 1)) + narrow if signed else 0
    high = (1 << (bits - 1)) - 1 if signed else (1 << bits) - 1 - narrow
    values = None if scale is None else np.asarray(scale.detach().cpu().numpy(), np.float64).reshape(-1)
    fixed = any(isinstance(m, ConstScaling) for m in proxy.modules())
    restricted = any(isinstance(m, PowerOfTwoRestrictValue) for m in proxy.modules())
    exact = values is not None and bool((np.abs(np.log2(values)) % 1 == 0).all()) and bool((values > 0).all())
    return Levels(
        low=low,
        high=high,
        bits=bits,
        scale=float(values[0])
        if values is not None and values.size == 1 and 0 < values[0] < math.inf
        else None,
        per_channel=values is not None and values.size > 1,
        fixed=fixed,
        power_of_two=restricted or (fixed and exact),
        zero_point=zero is not None and bool((zero != 0).any()),
        binary=binary,
    )


def _bits(quantizer: nn.Module) -> int:
    for module in quantizer.modules():
        name = type(module).__name__
        if name.startswith("BitWidth") or name == "MsbClampBitWidth":
            with torch.no_grad():
                return int(module())
    return 8
