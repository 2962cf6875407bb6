# SPDX-License-Identifier: Apache-2.0
"""Brevitas' quantizers (proxies) as quantizers of QONNX: integers, scales, zero points, widths, rounding modes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from brevitas.core.quant.binary import BinaryQuant, ClampedBinaryQuant
from brevitas.core.quant.ternary import TernaryQuant
from brevitas.proxy.runtime_quant import DynamicActQuantProxyFromInjector
from brevitas.quant_tensor import IntQuantTensor

from tailrace.frontend.brevitas.writer import Operand, RefusedError, Writer, plain, quant_node
from tailrace.graph.host import ROUNDINGS

if TYPE_CHECKING:
    from torch import nn

INTEGERS = "integers of 1 to 32 bits with constant scales"
QUANTIZERS = "use Int8ActPerTensorFloat, Uint8ActPerTensorFloat, Int8WeightPerChannelFloat and the like"


def is_on(proxy: nn.Module) -> bool:
    """Say whether a proxy quantizes."""
    return bool(proxy.is_quant_enabled)


def check_integers(value: Any, what: str) -> None:  # noqa: ANN401 - Brevitas has no types
    """Raise RefusedError where a quantizer gave no integers."""
    if not isinstance(value, IntQuantTensor):
        kind = type(value).__name__
        raise RefusedError(f"{what} gives a {kind}", f"a quantizer that gives {INTEGERS}", QUANTIZERS)
    bits = value.bit_width.reshape(-1)
    if bits.numel() != 1 or float(bits[0]) not in range(1, 33):
        raise RefusedError(
            f"{what} has {'several widths' if bits.numel() > 1 else f'{float(bits[0]):g} bits'}",
            "one whole number of bits from 1 to 32",
            "fix the bit width",
        )
    for name in ("scale", "zero_point"):
        if not torch.isfinite(getattr(value, name)).all():
            raise RefusedError(
                f"{what} has a {name.replace('_', ' ')} that is not finite",
                f"a quantizer that gives {INTEGERS}",
                "calibrate or train the quantizer first",
            )


def quantize(writer: Writer, x: Operand, proxy: nn.Module, part: str) -> Operand:
    """Add an activation's quantizer, with its own activation function in front where it has one."""
    fused = proxy.fused_activation_quant_proxy
    if fused is None:
        return x
    function = fused.activation_impl
    if not isinstance(function, torch.nn.Identity):
        inner = plain(function(x.tensor))
        name = activation(writer, function, x, f"{part}.act" if part else ("act" if is_on(proxy) else ""))
        x = Operand(name=name, value=inner)
    if not is_on(proxy):
        return x
    if isinstance(proxy, DynamicActQuantProxyFromInjector):
        raise RefusedError(
            "its quantizer is dynamic: the scale is computed from each input",
            "scales that are constants",
            "use a static quantizer (Int8ActPerTensorFloat) and calibrate it",
        )
    quantizer = fused.tensor_quant
    value = proxy(x.tensor)
    check_integers(value, "its quantizer")

    def run(t: torch.Tensor) -> torch.Tensor:
        return plain(quantizer(t)[0])

    binary = isinstance(quantizer, BinaryQuant | ClampedBinaryQuant)
    if isinstance(quantizer, TernaryQuant) and quantizer.threshold != 0.5:
        raise RefusedError(
            f"its ternary quantizer has the threshold {quantizer.threshold:g}",
            "ternary activations with the threshold 0.5",
            "set threshold = 0.5, or use 2 bits and narrow_range",
        )
    ternary = isinstance(quantizer, TernaryQuant)
    rounding = "ROUND" if binary or ternary else rounding_of(proxy)
    output = f"{writer.name}.{part}" if part else writer.name
    writer.nodes.append(
        quant_node(
            writer,
            part or "quant",
            x.name,
            output,
            value,
            narrow=ternary or bool(proxy.is_narrow_range),
            rounding=rounding,
            binary=binary,
        )
    )
    writer.runs[output] = run
    return Operand(name=output, value=value)


def rounding_of(proxy: nn.Module) -> str:
    """Return QONNX's name of a proxy's rounding mode."""
    mode = str(proxy.rounding_mode).upper()
    if mode not in ROUNDINGS:
        raise RefusedError(
            f"its rounding mode is {mode}", f"one of {', '.join(ROUNDINGS)}", "round to nearest"
        )
    return mode


def activation(writer: Writer, function: nn.Module, x: Operand, part: str) -> str:
    """Add the activation function that belongs to a quantizer."""
    name = type(function).__name__
    if name == "Hardtanh":
        ends = [
            writer.constant(f"{part or 'clip'}.{end}", getattr(function, f"{end}_val"))
            for end in ("min", "max")
        ]
        return writer.node("Clip", [x.name, *ends], part=part, run=function)
    operations = {
        "ReLU": "Relu",
        "Sigmoid": "Sigmoid",
        "Tanh": "Tanh",
        "Hardswish": "HardSwish",
        "GELU": "Gelu",
    }
    if name not in operations:
        raise RefusedError(
            f"its activation function is {name}",
            f"one of {', '.join(sorted(operations))}, Hardtanh",
            "use one of Brevitas' activations, or the function as a layer and QuantIdentity behind it",
        )
    return writer.node(operations[name], [x.name], part=part, run=function)


def weight_of(writer: Writer, module: nn.Module, value: Any, *, turned: bool) -> str:  # noqa: ANN401
    """Add a layer's weights with their quantizer; ``value`` is their QuantTensor, ``turned`` transposes them."""
    check_integers(value, "its weight quantizer")
    quantizer = module.weight_quant.tensor_quant
    binary = float(value.bit_width) == 1
    narrow = bool(module.weight_quant.is_narrow_range) or isinstance(quantizer, TernaryQuant)
    values = np.asarray(value.value.detach().cpu().numpy(), np.float32)
    name = writer.weights(
        "weight", value, values.T if turned else values, narrow=narrow, turned=turned, binary=binary
    )
    if binary and bool(torch.as_tensor(value.zero_point != 0).any()):
        raise RefusedError(
            "its weights have 1 bit and a zero point", "1-bit weights without a zero point", "zero point 0"
        )
    return name


def bias_of(writer: Writer, value: Any, shape: tuple[int, ...]) -> str:  # noqa: ANN401
    """Add a layer's bias, with its quantizer where it has one, as a constant of ``shape``."""
    values = np.asarray(plain(value).detach().cpu().numpy(), np.float32).reshape(shape)
    if not isinstance(value, IntQuantTensor):
        return writer.constant("bias", values)
    check_integers(value, "its bias quantizer")
    scale = value.scale
    if scale.numel() > 1:
        scale = scale.reshape(shape)
    zero = value.zero_point if value.zero_point.numel() == 1 else value.zero_point.reshape(shape)
    return writer.weights("bias", value.set(scale=scale, zero_point=zero), values, narrow=False)
