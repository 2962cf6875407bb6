# SPDX-License-Identifier: Apache-2.0
"""Bilinear upsampling by whole factors: every pixel several times, then a small blur, all of it exact.

Between two pixels, linear interpolation is a mean over pixels that were repeated: of ``factor`` of them where it begins
at a pixel's own corner (coordinates asymmetric, or align_corners where the sizes allow a whole factor), and of those
around each place where it begins at a pixel's middle (half_pixel), the outer two by half where the factor is even.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.frontend.attributes import Attributes
from tailrace.frontend.choosing import taken
from tailrace.frontend.convolution import depthwise
from tailrace.frontend.evaluation import run_node
from tailrace.frontend.images import Image, Kernel, finish, image_of, repeated
from tailrace.frontend.signals import fraction

if TYPE_CHECKING:
    from onnx import NodeProto

    from tailrace.frontend.sheet import Sheet
    from tailrace.frontend.signals import Signal

Array = NDArray[Any]

CLOSE = 1e-4
"""How far ONNX Runtime's float32 may be off the exact interpolation of numbers up to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Blur:
    """Along one axis: every pixel ``factor`` times, ``before`` and ``behind`` more of the ends, then ``weights``."""

    factor: int = 1
    before: int = 0
    behind: int = 0
    weights: tuple[int, ...] = (1,)

    def matrix(self, size: int) -> Array:
        """Return (places, size): how much of each pixel a place is."""
        places = np.clip(
            np.arange(-self.before, size * self.factor + self.behind) // self.factor, 0, size - 1
        )
        taps = np.lib.stride_tricks.sliding_window_view(places, len(self.weights))
        result = np.zeros((len(taps), size))
        for tap, weight in enumerate(self.weights):
            np.add.at(result, (np.arange(len(taps)), taps[:, tap]), weight / sum(self.weights))
        return result


def bilinear(sheet: Sheet, node: NodeProto, signal: Signal) -> bool:
    """Map bilinear upsampling; False where ``node`` is none by whole factors, and nothing is reported."""
    shape, after = signal.shape, sheet.network.shapes[node.output[0]]
    if len(shape) not in (3, 4) or shape[:2] != after[:2]:
        return False
    found = [_blur(node, a, b) for a, b in zip(shape[2:], after[2:], strict=True)]
    blurs = [blur for blur in found if blur is not None]
    if len(blurs) < len(found) or not _is_it(sheet, node, shape, blurs):
        return False
    image = image_of(sheet, node, signal)
    if image is None:
        return True
    rows, columns = blurs if len(blurs) == 2 else (_Blur(), blurs[0])
    tensor = repeated(sheet, image.tensor, (rows.factor, columns.factor))
    height, width, channels = tensor.shape
    more = _with_ends(height, rows), _with_ends(width, columns)
    tensor = taken(sheet, sheet.reshaped(tensor, (1, height, width * channels)), more[0])
    tensor = taken(sheet, sheet.reshaped(tensor, (len(more[0]), width, channels)), more[1])
    weights = np.outer(rows.weights, columns.weights)
    out = depthwise(
        sheet,
        Image(tensor=tensor, scale=image.scale, offset=image.offset),
        weights=np.broadcast_to(weights[None, :, :, None], (channels, *weights.shape, 1)).copy(),
        scale=fraction(Fraction(1, int(weights.sum()))),
        kernel=Kernel(
            size=(weights.shape[0], weights.shape[1]), stride=(1, 1), dilation=(1, 1), pads=(0, 0, 0, 0)
        ),
        places=(after[2] if len(after) == 4 else 1, after[-1]),
    )
    finish(sheet, node, out)
    return True


def _with_ends(size: int, blur: _Blur) -> list[int]:
    """Return the places of an axis of repeated pixels with the first and the last one again."""
    return [0] * blur.before + list(range(size)) + [size - 1] * blur.behind


def _blur(node: NodeProto, before: int, after: int) -> _Blur | None:
    """Return what a node does along an axis of ``before`` pixels; None where that is no whole factor."""
    if before == after:
        return _Blur()
    attributes = Attributes(node)
    mode = attributes.text("coordinate_transformation_mode", "half_pixel")
    mode = "asymmetric" if node.op_type == "Upsample" else mode
    if mode == "align_corners":
        factor, left = divmod(after - 1, max(before - 1, 1))
        return None if left or before == 1 else _Blur(factor=factor, weights=(1,) * factor)
    factor, left = divmod(after, before)
    if left:
        return None
    if mode == "asymmetric":
        return _Blur(factor=factor, behind=factor - 1, weights=(1,) * factor)
    if mode not in ("half_pixel", "pytorch_half_pixel"):
        return None
    half = factor // 2
    middle = (1,) * factor if factor % 2 else (1, *[2] * (factor - 1), 1)
    return _Blur(factor=factor, before=half, behind=half, weights=middle)


def _is_it(sheet: Sheet, node: NodeProto, shape: tuple[int, ...], blurs: list[_Blur]) -> bool:
    """Say whether ONNX Runtime's own result on one image is the interpolation that ``blurs`` say."""
    network = sheet.network
    values = {name: network.constants[name] for name in node.input[1:] if name in network.constants}
    if Attributes(node).text("mode", "nearest") != "linear" or any(
        n and n not in values for n in node.input[1:]
    ):
        return False
    numbers = np.random.default_rng(0).uniform(0, 1, shape).astype(np.float32)
    found = run_node(node, {node.input[0]: numbers, **values}, network.opset, network.versions)[
        node.output[0]
    ]
    wanted = numbers.astype(np.float64)
    for axis, blur in enumerate(blurs, start=2):
        wanted = np.moveaxis(np.tensordot(blur.matrix(shape[axis]), wanted, (1, axis)), 0, axis)
    return found.shape == wanted.shape and bool((np.abs(found - wanted) < CLOSE).all())
