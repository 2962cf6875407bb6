# SPDX-License-Identifier: Apache-2.0
"""Write one node of a file as several: what is known beside them, and what adds them one by one."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, helper

from tailrace.core.types import IntType
from tailrace.frontend.attributes import Attributes
from tailrace.frontend.hints import DYNAMIC
from tailrace.frontend.network import Grid
from tailrace.frontend.operations import MICROSOFT_DOMAIN, QONNX_DOMAIN

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

Array = NDArray[Any]

WIDE_QUANTIZERS = 21
"""The version of ONNX whose QuantizeLinear and DequantizeLinear take 16 bits."""

AGAIN = "quantize the float network again: the file is not what a quantizer writes"

PER_TENSOR = "quantize activations per tensor, as onnxruntime.quantization does"

MAIN = frozenset({"accumulator", "sum", "function", "joined"})
"""What the node is called that does the work of the one in the file, and so has its name."""


class CannotError(Exception):
    """A node of the format that has no such form."""

    def __init__(self, found: str, accepted: str, hint: str) -> None:
        super().__init__(found)
        self.found, self.accepted, self.hint = found, accepted, hint


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What is known of a tensor's values: whether all are whole numbers, and the bounds that a node set."""

    whole: bool = False
    low: float = -math.inf
    high: float = math.inf

    @property
    def quantized(self) -> bool:
        """Whether they are whole numbers between bounds."""
        return self.whole and math.isfinite(self.low) and math.isfinite(self.high)


@dataclass(kw_only=True, eq=False)
class Ledger:
    """What is known of a network while its nodes are written anew, one by one in their order; what is made goes in."""

    constants: dict[str, Array]
    grids: dict[str, Grid]
    shapes: Mapping[str, tuple[int, ...]]
    dtypes: Mapping[str, np.dtype[Any]]
    labels: dict[str, str]
    opset: int
    ends: Collection[str]
    """The network's outputs."""
    zeros: dict[str, Array] = field(default_factory=dict)
    """The zero point of every tensor of integers that a quantizer or a QLinear operation made."""
    integers: dict[str, str] = field(default_factory=dict)
    """{tensor: its integers without the zero point, as floats}, where some node needed them."""
    values: dict[str, Values] = field(default_factory=dict)
    """What is known of the values of tensors: whole numbers, bounds."""
    wholes: list[NodeProto] = field(default_factory=list)
    """The nodes of the file that stand as several."""


class Written:
    """The nodes that stand for one node; every method returns the name of the tensor that it adds."""

    def __init__(self, ledger: Ledger, node: NodeProto) -> None:
        self.ledger = ledger
        self.node = node
        self.out = node.output[0] if node.output else ""
        self.nodes: list[NodeProto] = []
        self.whole: NodeProto | None = node
        """The node as the software runs it, None where it stands among ``nodes`` itself."""
        self.attributes = Attributes(node)

    def operand(self, index: int) -> str:
        """Return the name of an operand, "" where it is left out."""
        return self.node.input[index] if index < len(self.node.input) else ""

    def known(self, index: int, what: str) -> Array:
        """Return the value of an operand that has to be a constant."""
        name = self.operand(index)
        if name not in self.ledger.constants:
            found = f"its {what} {name} depends on the network's input" if name else f"its {what} is missing"
            raise CannotError(found, f"a {what} that is a constant", DYNAMIC)
        value = np.asarray(self.ledger.constants[name])
        if "scale" in what and not (value.dtype.kind == "f" and (np.isfinite(value) & (value > 0)).all()):
            raise CannotError(
                f"its {what} is {value.reshape(-1)[:4].tolist()}", "positive, finite scales", AGAIN
            )
        if "scale" not in what and value.dtype.kind not in "iu":
            raise CannotError(f"its {what} holds {value.dtype}", f"a {what} of integers", AGAIN)
        return value

    def scalar(self, index: int, what: str) -> Array:
        """Return a constant operand of one element, as a scalar."""
        value = self.known(index, what)
        if value.size != 1:
            raise CannotError(f"its {what} has {value.size} elements", "one for the whole tensor", PER_TENSOR)
        return value.reshape(())

    def zero(self, index: int, like: int) -> Array:
        """Return a zero point of one element; 0 of the type of operand ``like`` where it is left out."""
        if self.operand(index):
            return self.scalar(index, "zero point")
        name = self.operand(like)
        dtypes, constants = self.ledger.dtypes, self.ledger.constants
        return np.zeros(
            (), constants[name].dtype if name in constants else dtypes.get(name, np.dtype(np.uint8))
        )

    def constant(self, suffix: str, value: Array) -> str:
        """Add a constant."""
        name = f"{self.out}/{suffix}"
        self.ledger.constants[name] = np.asarray(value)
        return name

    def add(self, operation: str, inputs: list[str], suffix: str, **attributes: Any) -> str:  # noqa: ANN401 - as helper.make_node has them
        """Add a node; its output is ``suffix`` of ours, or ours where that is ""."""
        out = f"{self.out}/{suffix}" if suffix else self.out
        name = self.node.name if suffix in MAIN else f"{self.node.name}/{suffix or 'round'}"
        self.ledger.labels.setdefault(name, self.node.op_type)
        self.nodes.append(helper.make_node(operation, inputs, [out], name=name, **attributes))
        return out

    def held(self, value: str, low: int, high: int, scale: float, suffix: str) -> str:
        """Add a Quant of ``scale`` that holds the integers ``low`` to ``high``, and so hands on ``value`` as it is."""
        kind = IntType.containing(low, high)
        bits = max(2, kind.bits)  # a Quant of one signed bit is bipolar
        label = suffix or "held"
        operands = [
            value,
            self.constant(f"{label}/scale", np.array(scale, np.float32)),
            self.constant(f"{label}/zero", np.zeros((), np.float32)),
            self.constant(f"{label}/bits", np.array(bits, np.float32)),
        ]
        signed, mode = int(kind.signed), "ROUND"
        return self.add(
            "Quant", operands, suffix, domain=QONNX_DOMAIN, signed=signed, narrow=0, rounding_mode=mode
        )

    def integers(self, index: int, zero: Array) -> str:
        """Return an operand's integers without their zero point, as floats."""
        name, ledger = self.operand(index), self.ledger
        if name in ledger.constants:
            value = ledger.constants[name].astype(np.int64) - np.int64(zero)
            made = self.constant(f"constant{index}", value.astype(np.float32))
            ledger.grids[made] = Grid(integers=value, scale=np.ones(()))
            return made
        return self.dequantized(name, zero)

    def dequantized(self, name: str, zero: Array) -> str:
        """Return the integers of a tensor without their zero point, as floats; they are made once."""
        ledger = self.ledger
        key = f"{name}/integers"
        if name not in ledger.integers:
            ledger.integers[name] = key
            ledger.constants[f"{key}/one"] = np.ones((), np.float32)
            ledger.constants[f"{key}/zero"] = zero
            operands = [name, f"{key}/one", f"{key}/zero"]
            domain = self.quantizer_domain(zero)
            self.nodes.append(
                helper.make_node("DequantizeLinear", operands, [key], name=f"{key}/node", domain=domain)
            )
        return ledger.integers[name]

    def quantizer_domain(self, zero: Array) -> str:
        """Return the domain that has quantizers of a zero point's type: ONNX's own know 16 bits from version 21 on."""
        return MICROSOFT_DOMAIN if zero.dtype.itemsize > 1 and self.ledger.opset < WIDE_QUANTIZERS else ""

    def weights(self, index: int, scale: Array, zero: Array, axis: int) -> tuple[str, Array]:
        """Return constant weights without their zero points (one, or one per place of ``axis``), and their scales."""
        value = self.known(index, "weights").astype(np.int64)
        shape = [-1 if i == axis % value.ndim else 1 for i in range(value.ndim)]
        value = value - (zero.reshape(shape) if zero.size > 1 else zero.reshape(())).astype(np.int64)
        name = self.constant("weights", value.astype(np.float32))
        self.ledger.grids[name] = Grid(integers=value, scale=np.ones(()))
        return name, scale.reshape(()) if scale.size == 1 else scale

    def bias(self, index: int) -> str:
        """Return an int32 bias as a float constant whose integers are known, "" where there is none."""
        if not self.operand(index):
            return ""
        value = self.known(index, "bias").astype(np.int64)
        name = self.constant("bias", value.astype(np.float32))
        self.ledger.grids[name] = Grid(integers=value, scale=np.ones(()))
        return name

    def requantized(self, accumulator: str, factor: Array, zero: Array, *, zero_first: bool = False) -> None:
        """Write the output: the accumulator times ``factor``, rounded half to even, and the zero point.

        ``zero_first``: the zero point is added, in float32, before the rounding.
        """
        scaled = self.add("Mul", [accumulator, self.constant("factor", factor.astype(np.float32))], "scaled")
        if zero_first:
            shifted = self.constant("shift", np.asarray(zero, np.float32))
            scaled = self.add("Add", [scaled, shifted], "shifted")
            zero, self.ledger.zeros[self.out] = np.zeros_like(zero), zero
            self.rounded(scaled, np.ones((), np.float32), zero, own=False)
        else:
            self.rounded(scaled, np.ones((), np.float32), zero)

    def rounded(self, value: str, scale: Array, zero: Array, *, own: bool = True) -> None:
        """Write the output as QuantizeLinear of ``value``; at the network's end the integers are made inside."""
        ledger = self.ledger
        if own:
            ledger.zeros[self.out] = zero
        operands = [self.constant("scale", scale.reshape(())), self.constant("zero", zero.reshape(()))]
        if self.out not in ledger.ends:
            self.add("QuantizeLinear", [value, *operands], "")
            return
        made = self.add("QuantizeLinear", [value, *operands], "rounded")
        self.whole = NodeProto()
        self.whole.CopyFrom(self.node)
        self.whole.output[0] = made
        self.integers_out(made, ledger.zeros[self.out])

    def integers_out(self, made: str, zero: Array) -> None:
        """Write the output from integers ``made``, by way of what they stand for: so the hardware makes them."""
        back = self.dequantized(made, zero)
        operands = [self.constant("end_scale", np.ones((), np.float32)), self.constant("end_zero", zero)]
        self.add("QuantizeLinear", [back, *operands], "", domain=self.quantizer_domain(zero))
