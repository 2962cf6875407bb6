# SPDX-License-Identifier: Apache-2.0
"""Operations that QONNX or FINN write with the channels last, written as ONNX operations between transposes.

The transposes cost nothing: the integers of an image have their channels last anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnx import NodeProto, helper

from tailrace.frontend.parameters import attributes_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CHANNELS_LAST = "qonnx.custom_op.channels_last"


def channels_first(nodes: Iterable[NodeProto], ranks: Mapping[str, int]) -> list[NodeProto]:
    """Return the nodes with those of QONNX's channels-last domain, and MaxPoolNHWC, as operations of ONNX.

    ``ranks`` are the numbers of axes of tensors, where they are known.
    """
    result: list[NodeProto] = []
    for node in nodes:
        wrapped = node.domain == CHANNELS_LAST and node.op_type in ("Conv", "MaxPool", "BatchNormalization")
        if not wrapped and node.op_type != "MaxPoolNHWC":
            result.append(node)
            continue
        result.extend(_between_transposes(node, _rank(node, ranks)))
    return result


def _rank(node: NodeProto, ranks: Mapping[str, int]) -> int:
    kernel = attributes_of(node).get("kernel_shape")
    if kernel:
        return len(kernel) + 2
    return ranks.get(node.input[0]) or ranks.get(node.output[0]) or 4


def _between_transposes(node: NodeProto, rank: int) -> list[NodeProto]:
    first = [0, rank - 1, *range(1, rank - 1)]
    last = [0, *range(2, rank), 1]
    out = node.output[0]
    base = node.name or out
    parts = []
    inputs = list(node.input)
    for index in range(2 if node.op_type == "Conv" else 1):
        name = f"{out}/first{index}"
        parts.append(
            helper.make_node("Transpose", [inputs[index]], [name], name=f"{base}/first{index}", perm=first)
        )
        inputs[index] = name
    inner = NodeProto()
    inner.CopyFrom(node)
    inner.domain = ""
    inner.op_type = node.op_type.removesuffix("NHWC")
    inner.name = base
    del inner.input[:]
    inner.input.extend(inputs)
    inner.output[0] = f"{out}/first"
    back = helper.make_node("Transpose", [f"{out}/first"], [out], name=f"{base}/last", perm=last)
    return [*parts, inner, back]
