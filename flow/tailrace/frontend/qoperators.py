# SPDX-License-Identifier: Apache-2.0
"""ONNX Runtime's QOperator format: each QLinear operation as operations on its integers, and the kernel's own tail.

A QLinear operation computes with whole numbers (its integers without their zero points) up to an int32 accumulator, and
requantizes that in float32: times one factor a channel, rounded half to even, plus the zero point. So it is written as
DequantizeLinear of scale 1, the operation itself, Mul by the kernel's factor, QuantizeLinear of scale 1. These float
operations give the kernel's integers on every accumulator; ``tests/frontend/test_qoperators.py`` holds both to it.
Where a kernel adds in float32 before it rounds (QLinearAdd), :mod:`tailrace.frontend.pairs` asks the kernel itself.

The nodes as they are in the file are kept beside, because the software that a graph is compared with runs those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, helper

from tailrace.frontend.attributes import Attributes, AttributeTypeError
from tailrace.frontend.hints import DYNAMIC
from tailrace.frontend.network import Grid
from tailrace.frontend.operations import LAYOUT, MICROSOFT_DOMAIN
from tailrace.frontend.problems import Problem
from tailrace.frontend.rewriting import AGAIN, PER_TENSOR, CannotError, Ledger, Written

if TYPE_CHECKING:
    from collections.abc import Callable

Array = NDArray[Any]

FLOAT, DOUBLE, INT32 = 1, 11, 6
"""Element types of ONNX."""

EXACT_BITS = 24
"""Integers of so many bits are exact in float32."""

MOVES = frozenset(
    {"MaxPool", "GlobalMaxPool", "Slice", "Split", "Pad", "Resize", "Upsample", "Gather", "Concat", "Expand", "Tile"}
)  # fmt: skip
"""Operations that hand integers on as they are; between two QLinear operations they stand on the integers."""


def parts(ledger: Ledger, node: NodeProto) -> list[NodeProto] | Problem:
    """Return the nodes that stand for one, in their order: itself where it is no node of the format."""
    if node.domain not in ("", MICROSOFT_DOMAIN):
        return [node]
    writer = WRITERS.get(node.op_type)
    if writer is None and node.op_type in MOVES and _moves_integers(ledger, node):
        writer = _move
    if node.op_type == "QuantizeLinear":
        return _quantizer(ledger, node)
    if node.op_type in LAYOUT and node.input and node.input[0] in ledger.zeros:
        ledger.zeros[node.output[0]] = ledger.zeros[node.input[0]]
    if writer is None or all(name in ledger.constants for name in node.input if name):
        return [node]
    written = Written(ledger, node)
    try:
        writer(written)
    except CannotError as error:
        return Problem(
            node=node.name,
            operation=node.op_type,
            found=error.found,
            accepted=error.accepted,
            hint=error.hint,
        )
    except AttributeTypeError as error:
        return error.problem
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        return Problem(
            node=node.name,
            operation=node.op_type,
            found=f"its operands do not fit together ({(str(error).splitlines() or ['?'])[0][:120]})",
            accepted="operands of the shapes that ONNX Runtime writes",
            hint=AGAIN,
        )
    if written.whole is not None:
        ledger.wholes.append(written.whole)
    return written.nodes


def _moves_integers(ledger: Ledger, node: NodeProto) -> bool:
    """Say whether a node moves integers whose zero points are known, and the same."""
    count = len(node.input) if node.op_type == "Concat" else 1
    known = [ledger.zeros.get(name) for name in node.input[:count]]
    return all(zero is not None and zero == known[0] for zero in known)


def _quantizer(ledger: Ledger, node: NodeProto) -> list[NodeProto]:
    """Remember the zero point of a quantizer; where it writes the network's output, its integers are made inside."""
    out = node.output[0]
    given = node.input[2] if len(node.input) > 2 else ""
    zero = ledger.constants.get(given, np.zeros((), np.uint8))
    typed = "output_dtype" in Attributes(node)  # and so perhaps another type than that of the zero point
    if zero.size != 1 or typed or (given and given not in ledger.constants) or zero.dtype.kind not in "iu":
        return [node]
    ledger.zeros[out] = zero.reshape(())
    if out not in ledger.ends or node.input[0] in ledger.constants:
        return [node]
    written = Written(ledger, node)
    copy = NodeProto()
    copy.CopyFrom(node)
    copy.output[0] = f"{out}/rounded"
    written.nodes.append(copy)
    written.integers_out(f"{out}/rounded", zero.reshape(()))
    return written.nodes


def _kept(node: NodeProto, *names: str) -> dict[str, Any]:
    """Return the attributes of these names that a node has."""
    return {a.name: helper.get_attribute_value(a) for a in node.attribute if a.name in names}


WINDOW = (
    "auto_pad",
    "ceil_mode",
    "count_include_pad",
    "dilations",
    "group",
    "kernel_shape",
    "pads",
    "strides",
)


def _convolution(w: Written) -> None:
    """Write y = round(acc * (x_scale * w_scale / y_scale)) + y_zero.

    The accumulator is conv(x - x_zero, w - w_zero) + bias, in int32.
    """
    x_scale, w_scale, y_scale = (
        w.scalar(1, "scale"),
        w.known(4, "scale of weights"),
        w.scalar(6, "output scale"),
    )
    x = w.integers(0, w.zero(2, 0))
    weights, w_scale = w.weights(3, w_scale, w.known(5, "zero point of weights"), 0)
    bias = w.bias(8)
    rank = w.ledger.constants[weights].ndim
    acc = w.add("Conv", [x, weights, *([bias] if bias else [])], "accumulator", **_kept(w.node, *WINDOW))
    factor = np.asarray(np.float32(x_scale) * w_scale.astype(np.float32) / np.float32(y_scale))
    w.requantized(
        acc, factor.reshape([-1] + [1] * (rank - 2)) if factor.size > 1 else factor, w.scalar(7, "zero point")
    )


def _matrices(w: Written, a: int, b: int, bias: int) -> tuple[str, Array, Array]:
    """Add the product of two matrices of integers; returns the accumulator and the scales of both.

    Scale and zero point of an operand follow it.
    """
    a_scale, b_scale = w.scalar(a + 1, "scale"), w.known(b + 1, "scale of weights")
    left = w.integers(a, w.zero(a + 2, a))
    return _product(w, left, b, w.known(b + 2, "zero point of weights"), bias), a_scale, b_scale


def _product(w: Written, left: str, b: int, zero: Array, bias: int) -> str:
    if w.attributes.flag("transA", default=False):
        left = w.add("Transpose", [left], "a", perm=[1, 0])
    if w.operand(b) not in w.ledger.constants:
        if zero.size != 1:
            raise CannotError("its second factor has several zero points", "one zero point", PER_TENSOR)
        right = w.integers(b, zero.reshape(()))
        if w.attributes.flag("transB", default=False):
            right = w.add("Transpose", [right], "b", perm=[1, 0])
        product = w.add("MatMul", [left, right], "accumulator")
        return w.add("Add", [product, w.bias(bias)], "biased") if bias and w.operand(bias) else product
    turned = w.attributes.flag("transB", default=False)
    right, _ = w.weights(b, np.ones(()), zero, 0 if turned else -1)
    constants, grids = w.ledger.constants, w.ledger.grids
    integers = grids[right].integers.T if turned else grids[right].integers
    constants[right] = np.ascontiguousarray(integers.astype(np.float32))
    grids[right] = Grid(integers=integers, scale=np.ones(()))
    added = w.bias(bias) if bias else ""
    if not added:
        return w.add("MatMul", [left, right], "accumulator")
    bound = int(np.abs(integers).sum(axis=-2).max()) * 255 + int(np.abs(grids[added].integers).max())
    if bound < 1 << EXACT_BITS:
        return w.add("Add", [w.add("MatMul", [left, right], "accumulator"), added], "biased")
    # float32 would round the sum twice: once without the bias, once with it
    for name, value in ((right, integers), (added, grids[added].integers)):
        constants[name] = value.astype(np.float64)
    wide = w.add("Cast", [left], "wide", to=DOUBLE)
    wide = w.add("Add", [w.add("MatMul", [wide, right], "accumulator"), added], "biased")
    return w.add("Cast", [wide], "single", to=FLOAT)


def _matmul(w: Written) -> None:
    """Write y = round(acc * (a_scale * b_scale / y_scale)) + y_zero."""
    acc, a_scale, b_scale = _matrices(w, 0, 3, 0)
    y_scale = w.scalar(6, "output scale")
    w.requantized(
        acc, np.float32(a_scale) * b_scale.astype(np.float32) / np.float32(y_scale), w.scalar(7, "zero point")
    )


def _gemm(w: Written) -> None:
    """Write y = round(acc * (alpha * a_scale * b_scale / y_scale)) + y_zero; floats where there is no output scale."""
    acc, a_scale, b_scale = _matrices(w, 0, 3, 6)
    factor = np.float32(w.attributes.number("alpha", 1.0)) * np.float32(a_scale) * b_scale.astype(np.float32)
    if not w.operand(7):
        w.add("Mul", [acc, w.constant("factor", np.asarray(factor, np.float32))], "")
        return
    w.requantized(
        acc, np.asarray(factor / np.float32(w.scalar(7, "output scale"))), w.scalar(8, "zero point")
    )


def _as_int32(w: Written, value: str) -> None:
    w.add("Cast", [value], "", to=INT32)


def _matmul_integer(w: Written) -> None:
    """Write y = (a - a_zero) @ (b - b_zero), int32."""
    zero = w.known(3, "zero point") if w.operand(3) else np.zeros((), np.int64)
    _as_int32(w, _product(w, w.integers(0, w.zero(2, 0)), 1, zero, 0))


def _convolution_integer(w: Written) -> None:
    """Write y = conv(x - x_zero, w - w_zero), int32."""
    zero = w.known(3, "zero point") if w.operand(3) else np.zeros((), np.int64)
    x = w.integers(0, w.zero(2, 0))
    weights, _ = w.weights(1, np.ones(()), zero, 0)
    _as_int32(w, w.add("Conv", [x, weights], "accumulator", **_kept(w.node, *WINDOW)))


def _add(w: Written) -> None:
    """Write y = round(a * (a_scale / y_scale) + b * (b_scale / y_scale) + y_zero), the sum in the kernel's float32."""
    y_scale = np.float32(w.scalar(6, "output scale"))
    terms = []
    for place, word in ((0, "a"), (3, "b")):
        ratio = np.asarray(np.float32(w.scalar(place + 1, "scale")) / y_scale)
        value = w.integers(place, w.zero(place + 2, place))
        terms.append(w.add("Mul", [value, w.constant(f"{word}_ratio", ratio)], f"{word}_scaled"))
    total = w.add("Add", terms, "sum")
    zero = w.zero(7, 0)
    shifted = w.add("Add", [total, w.constant("shift", np.asarray(zero, np.float32))], "shifted")
    w.ledger.zeros[w.out] = zero
    w.rounded(shifted, np.ones((), np.float32), np.zeros_like(zero), own=False)


def _multiply(w: Written) -> None:
    """Write y = round((a - a_zero) * (b - b_zero) * (a_scale * b_scale / y_scale) + y_zero)."""
    scales = [np.float32(w.scalar(place, "scale")) for place in (1, 4, 6)]
    factors = [w.integers(place, w.zero(place + 2, place)) for place in (0, 3)]
    product = w.add("Mul", factors, "accumulator")
    w.requantized(product, np.asarray(scales[0] * scales[1] / scales[2]), w.zero(7, 0), zero_first=True)


def _in_floats(w: Written, x: int = 0, scale: int = 1, zero: int = 2) -> str:
    """Add what an operand stands for: its scale times its integers."""
    value = w.integers(x, w.zero(zero, x))
    factor = w.constant(f"scale{x}", np.asarray(w.scalar(scale, "scale"), np.float32))
    return w.add("Mul", [value, factor], f"floats{x}")


def _activation(operation: str, *names: str) -> Callable[[Written], None]:
    """Return the writer of a function of one tensor, which the kernel looks up in a table of its 256 values."""

    def write(w: Written) -> None:
        y = w.add(operation, [_in_floats(w)], "function", **_kept(w.node, *names))
        w.rounded(y, w.scalar(3, "output scale"), w.zero(4, 0))

    return write


def _channels_first(w: Written) -> None:
    if w.attributes.flag("channels_last", default=False):
        raise CannotError(
            "its channels are last (channels_last=1)",
            "channels first",
            "give the file as quantize_static wrote it, before ONNX Runtime optimized it",
        )


def _average(w: Written) -> None:
    """Write y = round(mean / y_scale + y_zero), the mean of floats."""
    _channels_first(w)
    pooled = w.add("AveragePool", [_in_floats(w)], "accumulator", **_kept(w.node, *WINDOW))
    scale = w.constant("divisor", np.asarray(w.scalar(3, "output scale"), np.float32))
    divided = w.add("Div", [pooled, scale], "divided")
    w.requantized(divided, np.ones((), np.float32), w.zero(4, 0), zero_first=True)


def _global_average(w: Written) -> None:
    """Write y = round(sum(x - x_zero) * (x_scale / (y_scale * count))) + y_zero."""
    shape = w.ledger.shapes.get(w.operand(0))
    if shape is None or len(shape) < 3:
        raise CannotError("the shape of its input is not known", "an image", "export the network again")
    last = w.attributes.flag("channels_last", default=False)
    axes = list(range(1, len(shape) - 1)) if last else list(range(2, len(shape)))
    value = w.integers(0, w.zero(2, 0))
    if w.ledger.opset >= 13:
        acc = w.add(
            "ReduceSum", [value, w.constant("axes", np.array(axes, np.int64))], "accumulator", keepdims=1
        )
    else:
        acc = w.add("ReduceSum", [value], "accumulator", axes=axes, keepdims=1)
    count = np.float32(np.prod([shape[a] for a in axes]))
    factor = np.float32(w.scalar(1, "scale")) / (np.float32(w.scalar(3, "output scale")) * count)
    w.requantized(acc, np.asarray(factor), w.zero(4, 0))


def _concatenation(w: Written) -> None:
    """Each operand on the output's scale and zero point, by its table, then side by side."""
    y_scale, y_zero = w.scalar(0, "output scale"), w.scalar(1, "output zero point")
    joined = []
    for place in range(2, len(w.node.input), 3):
        same = w.scalar(place + 1, "scale") == y_scale and w.scalar(place + 2, "zero point") == y_zero
        if same or w.operand(place) in w.ledger.constants:
            value = w.integers(place, w.scalar(place + 2, "zero point"))
        else:
            operands = [w.constant(f"scale_of_{place}", y_scale), w.constant(f"zero_of_{place}", y_zero)]
            floats = _in_floats(w, place, place + 1, place + 2)
            moved = w.add("QuantizeLinear", [floats, *operands], f"moved{place}")
            w.ledger.zeros[moved] = y_zero
            value = w.dequantized(moved, y_zero)
        joined.append(value)
    whole = w.add("Concat", joined, "joined", axis=w.attributes.integer("axis"))
    w.rounded(whole, np.ones((), np.float32), y_zero)


def _softmax(w: Written) -> None:
    """The kernel's own softmax, which the host runs on the integers of the hardware."""
    zero = w.zero(2, 0)
    made = w.dequantized(w.operand(0), zero)
    operands = [w.constant("in_scale", np.ones((), np.float32)), w.constant("in_zero", zero)]
    w.nodes.append(
        helper.make_node("QuantizeLinear", [made, *operands], [f"{w.out}/in"], name=f"{w.node.name}/in")
    )
    copy = NodeProto()
    copy.CopyFrom(w.node)
    copy.input[0] = f"{w.out}/in"
    w.nodes.append(copy)
    w.whole = None
    w.ledger.zeros[w.out] = w.zero(4, 0)


def _move(w: Written) -> None:
    """Integers that are moved: what they stand for is moved."""
    node, zero = w.node, w.ledger.zeros[w.node.input[0]]
    many = len(node.input) if node.op_type == "Concat" else 1
    copy = NodeProto()
    copy.CopyFrom(node)
    for index in range(many):
        copy.input[index] = w.dequantized(node.input[index], zero)
    if node.op_type == "Pad":
        value = w.known(2, "value").reshape(()).astype(np.int64) if w.operand(2) else np.int64(0)
        while len(copy.input) < 3:
            copy.input.append("")
        copy.input[2] = w.constant("value", np.asarray(value - np.int64(zero), np.float32))
    w.nodes.append(copy)
    outs = [name for name in node.output if name]
    for index, out in enumerate(outs):
        copy.output[list(node.output).index(out)] = f"{out}/moved"
        w.ledger.zeros[out] = zero
        operands = [w.constant(f"scale{index}", np.ones((), np.float32)), w.constant(f"zero{index}", zero)]
        w.nodes.append(
            helper.make_node(
                "QuantizeLinear", [f"{out}/moved", *operands], [out], name=f"{node.name}/round{index}"
            )
        )


def _dynamic(_: Written) -> None:
    raise CannotError(
        "it chooses its scale and zero point anew for every input",
        "quantizers whose scale and zero point are constants",
        DYNAMIC,
    )


WRITERS: dict[str, Callable[[Written], None]] = {
    "QLinearConv": _convolution,
    "QLinearMatMul": _matmul,
    "QGemm": _gemm,
    "ConvInteger": _convolution_integer,
    "MatMulInteger": _matmul_integer,
    "QLinearAdd": _add,
    "QLinearMul": _multiply,
    "QLinearAveragePool": _average,
    "QLinearGlobalAveragePool": _global_average,
    "QLinearConcat": _concatenation,
    "QLinearLeakyRelu": _activation("LeakyRelu", "alpha"),
    "QLinearSigmoid": _activation("Sigmoid"),
    "QLinearSoftmax": _softmax,
    **dict.fromkeys(("DynamicQuantizeLinear", "DynamicQuantizeMatMul"), _dynamic),
}
"""{operation: what writes it}."""
