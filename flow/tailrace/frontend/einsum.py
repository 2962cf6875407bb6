# SPDX-License-Identifier: Apache-2.0
"""An Einsum of two operands as Transpose, MatMul, Transpose: products of attention, layers written by their axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnx import NodeProto, helper

from tailrace.frontend.attributes import Attributes

if TYPE_CHECKING:
    from collections.abc import Sequence


def split_einsum(node: NodeProto, labels: dict[str, str]) -> list[NodeProto]:
    """Return an Einsum as a matrix product; as it came where it is none.

    Of its letters, those in both operands and the result are matrices side by side, one that is in both operands only
    is summed over, and all others are in one operand and the result: one of the second operand, and of the first one
    too where there are matrices side by side.
    """
    equation = Attributes(node).text("equation", "").replace(" ", "")
    terms, arrow, result = equation.partition("->")
    a, comma, b = terms.partition(",")
    whole = f"{a}{b}{result}"
    if not (arrow and comma and whole.isalpha()) or any(len(set(t)) < len(t) for t in (a, b, result)):
        return [node]
    batch = [letter for letter in result if letter in a and letter in b]
    summed = [letter for letter in a if letter in b and letter not in result]
    left = [letter for letter in result if letter in a and letter not in b]
    right = [letter for letter in result if letter in b and letter not in a]
    fits = len(summed) == 1 and len(right) == 1 and (len(left) == 1 or (left and not batch))
    if not fits or len(whole) != 3 * len(batch) + 2 * (1 + len(left) + len(right)):
        return [node]
    out = node.output[0]
    parts: list[NodeProto] = []

    def ordered(name: str, letters: str, wanted: Sequence[str], suffix: str) -> str:
        """Return an operand with its axes in the order of ``wanted``."""
        perm = [letters.index(letter) for letter in wanted]
        if perm == sorted(perm):
            return name
        made = f"{out}/{suffix}"
        labels[f"{node.name}/{suffix}"] = "Einsum"
        labels[made] = labels.get(name, name)
        parts.append(helper.make_node("Transpose", [name], [made], name=f"{node.name}/{suffix}", perm=perm))
        return made

    operands = [
        ordered(node.input[0], a, [*batch, *left, *summed], "left"),
        ordered(node.input[1], b, [*batch, *summed, *right], "right"),
    ]
    made = [*batch, *left, *right]
    perm = [made.index(letter) for letter in result]
    product = out if perm == sorted(perm) else f"{out}/product"
    labels[node.name] = "Einsum"
    parts.append(helper.make_node("MatMul", operands, [product], name=node.name))
    if product != out:
        labels[f"{node.name}/result"] = "Einsum"
        parts.append(helper.make_node("Transpose", [product], [out], name=f"{node.name}/result", perm=perm))
    return parts
