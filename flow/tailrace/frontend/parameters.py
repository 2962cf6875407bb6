# SPDX-License-Identifier: Apache-2.0
"""The parameters of quantizers: which there are, and whether they make integers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.frontend.attributes import Attributes
from tailrace.frontend.hints import INSTEAD, ROUNDING_NAMES
from tailrace.frontend.operations import QUANTIZERS
from tailrace.frontend.problems import Problem
from tailrace.graph.host import ROUNDINGS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnx import NodeProto

Array = NDArray[Any]

ZERO_POINT_AT_MOST = 2.0**32
"""Beyond this, no integer of a quantizer of 32 bits is left on one side of its zero point."""

OPERANDS = {
    "Quant": ("input", "scale", "zero point", "bit width"),
    "BipolarQuant": ("input", "scale"),
    "Trunc": ("input", "scale", "zero point", "input bit width", "output bit width"),
    "MultiThreshold": ("input", "thresholds"),
    "QuantizeLinear": ("input", "scale"),
    "DequantizeLinear": ("input", "scale"),
}
"""What the operands of a quantizer are; all of them are needed, and further ones may follow."""

SCALES = (2.0**-60, 2.0**60)
"""The least and the largest scale: float32 still holds the product of two, and a good many of those added."""

SCALES_ACCEPTED = "a positive scale from 2^-60 to 2^60"

TRUNC_2 = ("input", "scale", "zero point", "input bit width", "output scale", "output bit width")


def unsupported_quantizer(node: NodeProto) -> Problem:
    """Return the problem of an operation of QONNX that makes no integers, or that no block computes."""
    return Problem(
        node=node.name,
        operation=node.op_type,
        found=f"{node.op_type} is not supported",
        accepted="Quant, BipolarQuant, Trunc and MultiThreshold of QONNX, and operations of ONNX",
        hint="quantize to integers (Brevitas: Int8WeightPerTensorFloat, Int8ActPerTensorFloat and the like)"
        if node.op_type == "FloatQuant"
        else INSTEAD.get(node.op_type, "export the network as plain QONNX"),
    )


def check_quantizer(node: NodeProto, constants: Mapping[str, Array]) -> Problem | None:
    """Return what is wrong with the parameters of a quantizer, or None."""
    if node.op_type not in QUANTIZERS and node.op_type != "QuantizeLinear":
        return None

    def problem(found: str, accepted: str, hint: str) -> Problem:
        return Problem(node=node.name, operation=node.op_type, found=found, accepted=accepted, hint=hint)

    wanted = TRUNC_2 if node.op_type == "Trunc" and len(node.input) > 5 else OPERANDS[node.op_type]
    given = sum(1 for name in node.input if name)
    optional = 1 if node.op_type.endswith("Linear") else 0  # the zero point
    if not len(wanted) <= given <= len(wanted) + optional:
        return problem(
            f"it has {given} inputs",
            f"{len(wanted)} inputs ({', '.join(wanted)})",
            "export the network again",
        )
    roles = dict(zip(node.input[1:], (*wanted[1:], "zero point"), strict=False))
    missing = [name for name in node.input[1:] if name and name not in constants]
    if missing:
        return problem(
            f"its {roles.get(missing[0], 'parameter')} {missing[0]} depends on the network's input",
            f"{', '.join(wanted[1:])} that are constants",
            "fix the quantizer's parameters before the export (evaluation mode, no dynamic quantization)",
        )
    calibrate = "train or calibrate the quantizer before the export"
    values = {name: np.asarray(constants[name], np.float64) for name in node.input[1:] if name}
    for name, value in values.items():
        if np.isnan(value).any():
            return problem(f"its {roles.get(name, 'parameter')} is NaN", "finite numbers", calibrate)
    attributes = Attributes(node)
    if node.op_type == "MultiThreshold":
        for name in ("out_scale", "out_bias"):
            number = attributes.number(name, 1.0)
            if name == "out_scale" and not SCALES[0] <= abs(number) <= SCALES[1]:
                return problem(f"its {name} is {number:g}", "a size from 2^-60 to 2^60", calibrate)
            if not np.isfinite(number):
                return problem(f"its {name} is {number:g}", "a finite number", calibrate)
        return None
    for name, value in values.items():
        flat = value.reshape(-1)
        good = (flat >= SCALES[0]) & (flat <= SCALES[1])
        if "scale" in roles.get(name, "") and not good.all():
            return problem(f"its {roles[name]} is {flat[int(np.argmin(good))]:g}", SCALES_ACCEPTED, calibrate)
        large = ~(np.abs(flat) <= ZERO_POINT_AT_MOST)
        if roles.get(name) == "zero point" and large.any():
            return problem(
                f"its zero point is {flat[large][0]:g}", "a zero point of at most 32 bits", calibrate
            )
        if "bit width" in roles.get(name, "") and (flat.size != 1 or float(flat[0]) not in range(1, 33)):
            text = f"{flat[0]:g}" if flat.size == 1 else f"an array of {flat.size}"
            return problem(
                f"its {roles[name]} is {text}",
                "one whole number from 1 to 32",
                "fix the bit width of the layer",
            )
    mode = attributes.text("rounding_mode", "ROUND")
    if mode.upper() not in ROUNDINGS:
        known = ROUNDING_NAMES.get(mode.upper())
        hint = f"in QONNX this is called {known}" if known else "use a rounding mode of QONNX"
        return problem(f"its rounding mode is {mode!r}", f"one of {', '.join(ROUNDINGS)}", hint)
    return None


def dequantization(node: NodeProto, values: Mapping[str, Array], rank: int) -> tuple[Array, Array]:
    """Return scale and zero point of a DequantizeLinear or QuantizeLinear, shaped to broadcast against its tensor."""
    scale = values[node.input[1]]
    zero = values[node.input[2]] if len(node.input) > 2 else np.zeros((), np.int64)
    axis = Attributes(node).integer("axis", 1)
    shape = [-1 if i == axis % max(rank, 1) else 1 for i in range(rank)]

    def spread(value: Array) -> Array:
        return value.reshape(()) if value.size == 1 else value.reshape(shape) if value.ndim == 1 else value

    return spread(scale), spread(zero)
