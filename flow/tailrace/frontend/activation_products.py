# SPDX-License-Identifier: Apache-2.0
"""Products of two activations: which axes are heads, positions and summed, found from where their elements stand.

Exporters bring queries, keys and values of attention into batches of matrices by Reshape and Transpose. All that these
do is in the orders of the two signals, so the batches become groups of channels again, and nothing is moved where the
integers of a sequence stand position by position, head by head.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tailrace.core.order import Order, plain, same_order
from tailrace.frontend.grids import as_integers, with_bias
from tailrace.frontend.images import in_order
from tailrace.frontend.signals import Exact, Signal, collapse, objects
from tailrace.graph import Product

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from onnx import NodeProto

    from tailrace.frontend.sheet import Sheet
    from tailrace.graph.operations.product import Kind

Shape = tuple[int, ...]

ACCEPTED = "two activations behind quantizers, of as many matrices each; or activations @ constant weights"


def product_of_activations(sheet: Sheet, node: NodeProto, a: Signal, b: Signal) -> None:
    """Map (..., n, k) @ (..., k, m): a product for each of the matrices in front, which are the heads."""
    ins = [_operand(sheet, node, signal) for signal in (a, b)]
    left, right = ins
    if left is None or right is None:
        return
    shapes = (a.shape if len(a.shape) > 1 else (1, a.size), b.shape if len(b.shape) > 1 else (b.size, 1))
    (n, k), m = shapes[0][-2:], shapes[1][-1]
    heads = int(np.prod(shapes[0][:-2], dtype=np.int64))
    if heads * k * m != b.size:
        sheet.problem(
            node,
            f"it multiplies {text_of(a.shape)} and {text_of(b.shape)}: one of both is repeated",
            ACCEPTED,
            "repeat the keys and values of fewer heads in front of it (Expand, Reshape), or give each head its own",
        )
        return
    scales = [objects(side.scale) for side in (left, right)]
    steps = _steps(scales, (heads, n, k, m))
    if steps is None:
        sheet.problem(
            node,
            "the scale of one operand differs along the axis that is summed over",
            "one scale for the whole tensor, or one for each head or position",
            "quantize both operands with one scale per tensor (Brevitas: scaling_per_output_channel=False)",
        )
        return
    first = in_order(sheet, left, _order((n, heads, k), (1, 0, 2)), (n, heads * k))
    kinds: dict[Kind, tuple[Order, Shape]] = {
        "scores": (_order((m, heads, k), (1, 2, 0)), (m, heads * k)),
        "mix": (_order((k, heads, m), (1, 0, 2)), (k, heads * m)),
    }
    kind: Kind = next(
        (each for each, (order, _) in kinds.items() if same_order(right.order, order)), "scores"
    )
    second = in_order(sheet, right, *kinds[kind])
    name, out = sheet.new_name("product"), node.output[0]
    product = Product(name=name, a=first.name, b=second.name, output=name, kind=kind, heads=heads)
    tensor = sheet.emit(product, (n, heads * m), out)
    order = _order((n, heads, m), (1, 0, 2))
    sheet.signals[out] = sheet.new_source(
        tensor, out, sheet.network.shapes[out], steps, objects(0 * steps), order=order
    )


def _operand(sheet: Sheet, node: NodeProto, signal: Signal) -> Signal | None:
    """Return an operand as multiples of its scale; None (and a problem) where it is none."""
    affine = as_integers(sheet, node, signal)
    if affine is None:
        return None
    found = with_bias(sheet, affine, "" if affine.name == affine.source.name else affine.name)
    if found is None:
        sheet.problem(
            node,
            f"the offset of {signal.name} is no multiple of its scale",
            "operands of a product whose offset is a whole number of steps",
            "quantize the operand with zero point 0 (BipolarQuant: use Quant with 2 bits)",
        )
    return found


def _order(shape: Shape, axes: Sequence[int]) -> Order:
    """Return the places of the elements of (heads, ..., ...) matrices, whose integers are of ``shape``."""
    numbers: NDArray[np.int64] = np.arange(int(np.prod(shape, dtype=np.int64))).reshape(shape)
    return plain(numbers.transpose(axes).ravel())


def _steps(scales: Sequence[Exact], sizes: tuple[int, int, int, int]) -> Exact | None:
    """Return the scale of the product, () or (heads * n * m,); None where an operand's differs along k."""
    heads, n, k, m = sizes
    sides = []
    for scale, shape, axis in ((scales[0], (heads, n, k), 2), (scales[1], (heads, k, m), 1)):
        if scale.size == 1:
            sides.append(scale.reshape(1, 1, 1))
            continue
        table = scale.reshape(shape)
        first = table.take([0], axis=axis)
        if not (table == first).all():
            return None
        sides.append(first)
    product = objects(sides[0] * sides[1])
    whole = product if product.size == 1 else np.broadcast_to(product, (heads, n, m))
    return collapse(objects(whole.ravel() if whole.size > 1 else whole.reshape(())))


def text_of(shape: Shape | None) -> str:
    """Return a shape for a message."""
    return "?" if shape is None else str(list(shape))
