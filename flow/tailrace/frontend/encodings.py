# SPDX-License-Identifier: Apache-2.0
"""The quantizers of QONNX and FINN as encodings: which float stands for which integer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import ModelError
from tailrace.core.types import IntType
from tailrace.frontend.attributes import Attributes
from tailrace.frontend.parameters import dequantization
from tailrace.frontend.signals import Exact, exact, floats, fraction
from tailrace.graph.host import (
    BipolarQuantizer,
    GridQuantizer,
    Quantizer,
    ThresholdQuantizer,
    UniformQuantizer,
)
from tailrace.graph.tensors import MAX_BITS

if TYPE_CHECKING:
    from collections.abc import Callable

    from onnx import NodeProto

    from tailrace.core.order import Order
    from tailrace.frontend.network import Network

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Encoding:
    """A float tensor is ``scale * integers + offset``; both () or one per element of a sample.

    ``order`` is the place of each element among the integers, see :data:`tailrace.core.order.Order`.
    """

    scale: NDArray[np.float64]
    offset: NDArray[np.float64]
    order: Order = None
    low: int = 0
    high: int = 0
    exact_scale: Exact = field(default_factory=lambda: fraction(1))
    exact_offset: Exact = field(default_factory=lambda: fraction(0))


def to_integers(values: Array, encoding: Encoding) -> Array:
    """Return the integers behind (points, *shape) float values of a quantizer; ModelError where one is no number."""
    flat = values.reshape(len(values), -1).astype(np.float64)
    steps = np.rint((flat - encoding.offset) / encoding.scale)
    bad = ~(np.abs(steps) < 2.0**MAX_BITS)  # NaN is no such number either
    if bad.any():
        raise ModelError(
            f"its output is {flat[bad][0]:g} for inputs that can occur",
            hint="look for a division by zero, or for numbers beyond the float type, in front of it",
        )
    return steps.astype(np.int64).reshape(values.shape)


def encoding_of(node: NodeProto, network: Network, shape: tuple[int, ...]) -> Encoding:
    """Return the encoding of a quantizer's output; ``shape`` is that of its tensor, batch axis included."""
    attributes = Attributes(node)
    constants = [np.asarray(network.constants[n], np.float64) if n else np.zeros(()) for n in node.input[1:]]

    def spread(value: Array) -> Exact:
        return exact(value if value.size == 1 else np.broadcast_to(value, shape))

    match node.op_type:
        case "BipolarQuant":
            scale = spread(constants[0])
            return _encoding(_o(scale * 2), _o(-scale), 0, 1)
        case "MultiThreshold":
            scale = exact(np.array(np.float32(attributes.number("out_scale", 1.0))))
            offset = exact(np.array(np.float32(attributes.number("out_bias", 0.0))))
            return _encoding(scale, offset, 0, constants[0].shape[1])
        case "Trunc":
            return _trunc(constants, attributes, spread)
        case "DequantizeLinear":
            scale, zero = (spread(v) for v in dequantization(node, network.constants, len(shape)))
            bounds = np.iinfo(network.dtypes[node.input[0]])
            return _encoding(scale, _o(-zero * scale), int(bounds.min), int(bounds.max))
    bits = int(constants[2].reshape(-1)[0])
    signed, narrow = attributes.flag("signed", default=True), attributes.flag("narrow", default=True)
    scale, zero = spread(constants[0]), spread(constants[1])
    if bits == 1 and signed:  # QONNX makes these bipolar
        return _encoding(_o(scale * 2), _o((-1 - zero) * scale), 0, 1)
    quantizer = UniformQuantizer(
        scale=constants[0], zero_point=constants[1], bits=bits, signed=signed, narrow=narrow, rounding="ROUND"
    )
    return _encoding(scale, _o(-zero * scale), quantizer.low, quantizer.high)


def _trunc(constants: list[Array], attributes: Attributes, spread: Callable[[Array], Exact]) -> Encoding:
    if len(constants) == 4:
        scale, zero = spread(constants[0]), spread(constants[1])
        return _encoding(scale, _o(-zero * scale), 0, 0)
    scale = spread(constants[3])
    ratio = 2.0 ** np.round(np.log2(constants[3] / constants[0]))
    zero = spread(constants[1] / ratio)
    quantizer = UniformQuantizer(
        scale=constants[3],
        zero_point=constants[1],
        bits=int(constants[4].reshape(-1)[0]),
        signed=attributes.flag("signed", default=True),
        narrow=attributes.flag("narrow", default=False),
        rounding="ROUND",
    )
    return _encoding(scale, _o(-zero * scale), quantizer.low, quantizer.high)


def _o(values: Any) -> Exact:  # noqa: ANN401 - numpy turns 0-d object arrays into scalars
    return np.asarray(values, dtype=object)


def _encoding(scale: Exact, offset: Exact, low: int, high: int) -> Encoding:
    return Encoding(
        scale=floats(scale), offset=floats(offset), low=low, high=high, exact_scale=scale, exact_offset=offset
    )


def host_quantizer(
    node: NodeProto, network: Network, shape: tuple[int, ...], before: tuple[NodeProto, ...]
) -> Quantizer | None:
    """Return what the host does for a quantizer at the network's input; None where it has no host form (Trunc).

    ``before`` are the float operations that the host does first.
    """
    attributes = Attributes(node)
    constants = [np.asarray(network.constants[n]) for n in node.input[1:] if n]
    match node.op_type:
        case "BipolarQuant":
            return BipolarQuantizer()
        case "MultiThreshold":
            layout = attributes.text("data_layout", "") or {2: "NC", 3: "NWC", 4: "NCHW"}.get(len(shape), "")
            axis = layout.index("C") if "C" in layout else 1
            return ThresholdQuantizer(thresholds=constants[0], channel_axis=axis)
        case "DequantizeLinear" if before and before[-1].op_type in ("QuantizeLinear", "Clip"):
            low, high = integer_bounds(network, before)
            return GridQuantizer(scale=1.0, offset=0.0, type=IntType.containing(low, high))
        case "Quant":
            bits, signed = int(constants[2].reshape(-1)[0]), attributes.flag("signed", default=True)
            if bits == 1 and signed:
                return None if np.any(constants[1]) else BipolarQuantizer()
            return UniformQuantizer(
                scale=constants[0],
                zero_point=constants[1],
                bits=bits,
                signed=signed,
                narrow=attributes.flag("narrow", default=True),
                rounding=attributes.text("rounding_mode", "ROUND").upper(),
            )
    return None


def integer_bounds(network: Network, nodes: tuple[NodeProto, ...]) -> tuple[int, int]:
    """Return the bounds of the integers that QuantizeLinear and a Clip behind it leave."""
    bounds = np.iinfo(network.dtypes[nodes[-1].output[0]])
    low, high = int(bounds.min), int(bounds.max)
    if nodes[-1].op_type == "Clip":
        ends = [network.constants[name] for name in nodes[-1].input[1:]]
        low = max(low, int(ends[0])) if ends else low
        high = min(high, int(ends[1])) if len(ends) > 1 else high
    return low, high
