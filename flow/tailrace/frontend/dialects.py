# SPDX-License-Identifier: Apache-2.0
"""One dialect for all exporters: Gemm taken apart, one domain for QONNX, channels first, every node with a name.

Operations that QONNX or FINN write with the channels last stand between transposes, which cost nothing: the integers of
an image have their channels last anyway.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from onnx import NodeProto, defs, helper, numpy_helper

from tailrace.frontend.attributes import Attributes
from tailrace.frontend.einsum import split_einsum
from tailrace.frontend.normalization_parts import split_normalization
from tailrace.frontend.operations import NORMALIZATIONS, QONNX_DOMAIN, QONNX_OPERATIONS, SPELLINGS
from tailrace.frontend.screening import check_form, check_outputs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from tailrace.frontend.problems import Problem

CHANNELS_LAST = "qonnx.custom_op.channels_last"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Canonical:
    """Nodes in one dialect, and what the author called those that were rewritten."""

    nodes: list[NodeProto]
    labels: dict[str, str]
    wholes: list[NodeProto]
    """Nodes of the file that stand as several."""
    problems: list[Problem]
    """What is wrong with the form of nodes; these stand in ``nodes`` as they came, or not at all."""


def canonical(
    nodes: Iterable[NodeProto], known: Collection[str], ranks: Mapping[str, int], opset: int
) -> Canonical:
    """Return copies of the nodes in one dialect: one domain of QONNX, channels first, no Gemm, names of their own.

    ``known`` are the tensors that no node may write, ``ranks`` the numbers of axes of tensors, where they are known.
    """
    whole = Canonical(nodes=[], labels={}, wholes=[], problems=[])
    names: set[str] = set()
    written = dict.fromkeys(known, "the network's input or a weight")
    for index, original in enumerate(nodes):
        node = NodeProto()
        node.CopyFrom(original)
        base = node.name or f"{node.op_type}_{index}"
        node.name = base if base not in names else f"{base}_{index}"
        names.add(node.name)
        _own_domain(node)
        while node.input and not node.input[-1]:
            node.input.pop()
        while len(node.output) > 1 and not node.output[-1]:
            node.output.pop()
        if node.output and not node.output[0] and len(node.output) > 1:  # only a later output is read
            node.output[0] = f"{node.name}/unread"
        wrong = check_outputs(node, written)
        if wrong is not None:
            whole.problems.append(wrong)
            continue
        written |= dict.fromkeys((name for name in node.output if name), f"the output of {node.name}")
        wrong = check_form(node, opset)
        if wrong is not None:
            whole.problems.append(wrong)
            whole.nodes.append(node)
            continue
        for part in _channels_first(node, ranks):
            whole.nodes.extend(_rewritten(part, whole, opset))
    return whole


def _own_domain(node: NodeProto) -> None:
    """Let a node say the domain that its operation has, whatever spelling an exporter used."""
    if node.domain == "ai.onnx":
        node.domain = ""
    if node.op_type in QONNX_OPERATIONS and _is_qonnx(node.domain):
        node.domain = QONNX_DOMAIN
    if node.op_type == "IntQuant" and node.domain == QONNX_DOMAIN:
        node.op_type = "Quant"
    if node.domain == "" and node.op_type in SPELLINGS:
        node.domain = SPELLINGS[node.op_type]
    if node.op_type == "DebugMarker" and node.domain:  # Brevitas' debug_hook_export: it hands on what it gets
        node.op_type, node.domain = "Identity", ""
        del node.attribute[:]


def _channels_first(node: NodeProto, ranks: Mapping[str, int]) -> list[NodeProto]:
    """Return a node of QONNX's channels-last domain, or a MaxPoolNHWC, as operations of ONNX; any other as it is."""
    wrapped = node.domain == CHANNELS_LAST and node.op_type in ("Conv", "MaxPool", "BatchNormalization")
    if not wrapped and node.op_type != "MaxPoolNHWC":
        return [node]
    return _between_transposes(node, _rank(node, ranks))


def _rewritten(node: NodeProto, whole: Canonical, opset: int) -> list[NodeProto]:
    """Return the nodes that stand for one; one that stands as several is noted."""
    if node.domain == "" and node.op_type == "Gemm":
        whole.labels[node.name] = "Gemm"
        whole.wholes.append(node)
        return _split_gemm(node, whole.labels)
    if node.domain == "" and node.op_type == "Einsum" and len(node.input) == 2:
        parts = split_einsum(node, whole.labels)
        if parts[0] is not node:
            whole.wholes.append(node)
        return parts
    if node.domain == "" and node.op_type in NORMALIZATIONS and _is_known(node, opset):
        whole.wholes.append(node)
        parts = split_normalization(node, opset)
        whole.labels.update((part.name, node.op_type) for part in parts)
        return parts
    if node.domain == "" and node.op_type == "Clip":
        return [_plain_clip(node)]
    if node.domain == "" and node.op_type == "Sum" and len(node.input) > 2:
        return _two_at_a_time(node)
    return _counted(node) if node.op_type == "MultiThreshold" else [node]


def _is_known(node: NodeProto, opset: int) -> bool:
    """Say whether a normalization is one of this version of ONNX, or of ONNX Runtime's own."""
    known = node.op_type == "SimplifiedLayerNormalization" or defs.has(
        node.op_type, max_inclusive_version=opset
    )
    return known and len(node.input) > 1


def _rank(node: NodeProto, ranks: Mapping[str, int]) -> int:
    kernel = Attributes(node).integers("kernel_shape", [])
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


def _is_qonnx(domain: str) -> bool:
    """Say whether operations of QONNX's names in this domain are QONNX's; exporters have used many spellings."""
    return domain in ("", "finn", "onnx.brevitas", "qonnx", "finn.custom_op.general", QONNX_DOMAIN)


def _counted(node: NodeProto) -> list[NodeProto]:
    """Write a MultiThreshold as the count of thresholds, times its scale, plus its bias: three float32 operations."""
    attributes = Attributes(node)
    steps = [
        ("Mul", attributes.number("out_scale", 1.0), 1.0),
        ("Add", attributes.number("out_bias", 0.0), 0.0),
    ]
    steps = [step for step in steps if step[1] != step[2]]
    if not steps or not all(np.isfinite(value) for _, value, _ in steps) or steps[0][:2] == ("Mul", 0.0):
        return [node]
    out = node.output[0]
    count = NodeProto()
    count.CopyFrom(node)
    count.output[0] = f"{out}/count"
    for index in reversed(range(len(count.attribute))):
        if count.attribute[index].name in ("out_scale", "out_bias"):
            del count.attribute[index]
    parts = [count]
    before = f"{out}/count"
    for operation, value, _ in steps:
        word = operation.lower()
        made = out if operation == steps[-1][0] else f"{out}/{word}"
        parts.append(_constant(f"{out}/{word}_constant", value))
        parts.append(
            helper.make_node(
                operation, [before, f"{out}/{word}_constant"], [made], name=f"{node.name}/{word}"
            )
        )
        before = made
    return parts


def _plain_clip(node: NodeProto) -> NodeProto:
    """Write a Clip whose lower bound is left out, which the QONNX executor cannot read, as Min."""
    if len(node.input) == 3 and not node.input[1]:
        return helper.make_node("Min", [node.input[0], node.input[2]], list(node.output), name=node.name)
    return node


def _two_at_a_time(node: NodeProto) -> list[NodeProto]:
    """Write a Sum of many as sums of two, in their order, as ONNX Runtime adds them."""
    nodes, total = [], node.input[0]
    for index, name in enumerate(node.input[1:], start=1):
        out = node.output[0] if index == len(node.input) - 1 else f"{node.output[0]}/sum{index}"
        nodes.append(helper.make_node("Add", [total, name], [out], name=f"{node.name or out}/{index}"))
        total = out
    return nodes


def _split_gemm(node: NodeProto, labels: dict[str, str]) -> list[NodeProto]:
    """Write ``alpha * A' @ B' + beta * C`` as Transpose, MatMul, Mul, Add."""
    attributes = Attributes(node)
    base = node.output[0]
    parts: list[NodeProto] = []
    a, b = node.input[0], node.input[1]
    if attributes.flag("transA", default=False):
        labels[f"{node.name}/transA"] = "Gemm"
        parts.append(
            helper.make_node("Transpose", [a], [f"{base}/a"], name=f"{node.name}/transA", perm=[1, 0])
        )
        a = f"{base}/a"
    if attributes.flag("transB", default=False):
        labels[f"{base}/b"] = b
        parts.append(
            helper.make_node("Transpose", [b], [f"{base}/b"], name=f"{node.name}/transB", perm=[1, 0])
        )
        b = f"{base}/b"
    chain: list[tuple[str, str, float | None]] = [("MatMul", b, None)]
    if (alpha := attributes.number("alpha", 1.0)) != 1.0:
        chain.append(("Mul", f"{base}/alpha", alpha))
    c = node.input[2] if len(node.input) > 2 else ""
    if c and (beta := attributes.number("beta", 1.0)) != 1.0:
        parts.append(_constant(f"{base}/beta", beta))
        parts.append(helper.make_node("Mul", [c, f"{base}/beta"], [f"{base}/c"], name=f"{node.name}/beta"))
        c = f"{base}/c"
    if c:
        chain.append(("Add", c, None))
    for index, (operation, operand, value) in enumerate(chain):
        out = node.output[0] if index == len(chain) - 1 else f"{base}/{operation.lower()}"
        if value is not None:
            parts.append(_constant(operand, value))
        name = node.name if operation == "MatMul" else f"{node.name}/{operation.lower()}"
        parts.append(helper.make_node(operation, [a, operand], [out], name=name))
        a = out
    return parts


def _constant(name: str, value: float) -> NodeProto:
    return helper.make_node(
        "Constant",
        [],
        [name],
        name=f"{name}_node",
        value=numpy_helper.from_array(np.array(value, np.float32)),
    )
