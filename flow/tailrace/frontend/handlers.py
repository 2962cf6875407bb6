# SPDX-License-Identifier: Apache-2.0
"""The table of handlers: what the front end does with the nodes of each operation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.core.table import Table
from tailrace.frontend.choosing import choose
from tailrace.frontend.convolution import convolve, convolve_transposed, look_at_convolution
from tailrace.frontend.heads import join_heads, joins_heads
from tailrace.frontend.layer_norm import layer_norm
from tailrace.frontend.layout import cast, move
from tailrace.frontend.lookup import gather
from tailrace.frontend.moving import concat, pad_node, resize
from tailrace.frontend.operations import (
    ELEMENTWISE,
    HOST_TAIL,
    LAYOUT,
    MICROSOFT_DOMAIN,
    NORMALIZATIONS,
    QONNX_DOMAIN,
    QUANTIZERS,
)
from tailrace.frontend.pooling import pool, reduce
from tailrace.frontend.products import look_at_product, matmul
from tailrace.frontend.quantizers import look_at_quantizer, quantize
from tailrace.frontend.signals import Unreached
from tailrace.frontend.softmax import softmax
from tailrace.frontend.sums import elementwise

if TYPE_CHECKING:
    from onnx import NodeProto

    from tailrace.frontend.sheet import Sheet
    from tailrace.frontend.signals import Signal

Write = Callable[["Sheet", "NodeProto", "list[Signal]"], None]
Look = Callable[["Sheet", "NodeProto", Unreached], Unreached]


def _passes(_sheet: Sheet, _node: NodeProto, known: Unreached) -> Unreached:
    return known


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """What is done with the nodes of one operation.

    ``write`` puts a node on the sheet; it is given the signals of the operands that are no constants.
    ``look`` is called where the node cannot be written, because it or something in front of it is refused: it reports
    what is wrong with the node whatever its input is, and returns what is known of its output.
    """

    write: Write
    look: Look = _passes


def _one(function: Callable[[Sheet, NodeProto, Signal], None]) -> Write:
    """Give a handler its first operand alone."""

    def write(sheet: Sheet, node: NodeProto, ins: list[Signal]) -> None:
        function(sheet, node, ins[0])

    return write


def leave_to_host(sheet: Sheet, node: NodeProto, ins: list[Signal]) -> None:
    """Let the host do a node behind the last integers, where all its operands come from these."""
    if any(signal.source is not ins[0].source for signal in ins):
        sheet.problem(
            node,
            f"{node.op_type} of tensors from different layers",
            "Add, Sub or Mul of two tensors from different layers",
            "tailrace maps multilayer perceptrons; take this operation out",
        )
        return
    sheet.derive(node, ins, None, None, host_only=node)


def _look_at_host_only(sheet: Sheet, node: NodeProto, known: Unreached) -> Unreached:
    if node.name in sheet.refused:
        return known
    return Unreached(is_float=known.is_float, host_only=known.host_only or node)


def _look_at_softmax(sheet: Sheet, node: NodeProto, known: Unreached) -> Unreached:
    """Pass on what is known where the host cannot do it either: then it is in the middle, and hardware's."""
    return known if sheet.goes_on(node) else _look_at_host_only(sheet, node, known)


def _unless_last(write: Write) -> Write:
    """Let the hardware do what the host cannot join, or what a layer or quantizer follows; the host does the rest."""

    def either(sheet: Sheet, node: NodeProto, ins: list[Signal]) -> None:
        one_source = all(signal.source is ins[0].source for signal in ins)
        if one_source and not sheet.goes_on(node):
            sheet.derive(node, ins, None, None, host_only=node)
        else:
            write(sheet, node, ins)

    return either


def _heads_or(write: Write) -> Write:
    """Let the host do what is behind the last integers of each of several heads that are joined at the end."""

    def either(sheet: Sheet, node: NodeProto, ins: list[Signal]) -> None:
        (join_heads if joins_heads(sheet, node, ins) else write)(sheet, node, ins)

    return either


def _each(domain: str, operations: Iterable[str], handler: Handler) -> dict[tuple[str, str], Handler]:
    return {(domain, operation): handler for operation in operations}


HANDLERS = Table(
    "HANDLERS",
    __name__,
    {
        **_each("", HOST_TAIL, Handler(write=leave_to_host, look=_look_at_host_only)),
        **_each("", ELEMENTWISE, Handler(write=elementwise)),
        **_each("", LAYOUT, Handler(write=_one(move))),
        ("", "Cast"): Handler(write=cast),
        **_each(QONNX_DOMAIN, QUANTIZERS, Handler(write=_one(quantize), look=look_at_quantizer)),
        ("", "DequantizeLinear"): Handler(write=_one(quantize), look=look_at_quantizer),
        (MICROSOFT_DOMAIN, "DequantizeLinear"): Handler(write=_one(quantize), look=look_at_quantizer),
        (MICROSOFT_DOMAIN, "QuantizeLinear"): Handler(write=elementwise),
        (MICROSOFT_DOMAIN, "QLinearSoftmax"): Handler(write=leave_to_host, look=_look_at_host_only),
        ("", "MatMul"): Handler(write=matmul, look=look_at_product),
        ("", "Conv"): Handler(write=_one(convolve), look=look_at_convolution),
        ("", "ConvTranspose"): Handler(write=_one(convolve_transposed), look=look_at_convolution),
        **_each("", ("MaxPool", "AveragePool"), Handler(write=_one(pool))),
        **_each("", ("GlobalMaxPool", "GlobalAveragePool"), Handler(write=_one(reduce))),
        **_each("", ("ReduceSum", "ReduceMean", "ReduceMax"), Handler(write=_unless_last(_one(reduce)))),
        **_each("", ("Resize", "Upsample"), Handler(write=_one(resize))),
        **_each("", NORMALIZATIONS, Handler(write=_unless_last(layer_norm))),
        ("", "Concat"): Handler(write=_unless_last(_heads_or(concat))),
        **_each("", ("Split", "Slice", "Tile", "Expand"), Handler(write=_unless_last(_one(choose)))),
        ("", "Gather"): Handler(write=_unless_last(gather)),
        ("", "Softmax"): Handler(write=_unless_last(_one(softmax)), look=_look_at_softmax),
        ("", "Pad"): Handler(write=_one(pad_node)),
    },
)
"""{(domain, operation): handler}; an operation without one is refused."""
