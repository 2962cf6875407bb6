# SPDX-License-Identifier: Apache-2.0
"""Movements along axes: each element of the result is one of the operand's, named by a list of places for every axis.

Slice, Split, Gather with constant indices, Tile, Expand and padding by the image itself are all of this form.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.core.order import Order, channels_last, plain, same_order
from tailrace.frontend.attributes import Attributes
from tailrace.frontend.evaluation import run_node
from tailrace.frontend.grids import as_integers
from tailrace.frontend.images import Pair, count, in_order, repeated
from tailrace.frontend.signals import Signal, collapse, objects
from tailrace.graph import Concat, Permute, Slice, Tensor, Window

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onnx import NodeProto

    from tailrace.frontend.sheet import Sheet
    from tailrace.frontend.writer import Writer

Array = NDArray[Any]
Shape = tuple[int, ...]

PIECES_AT_MOST = 8
"""A list of places of more runs than this is one exchange of places, not a concatenation; of single numbers, of two."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layout:
    """How the axes of a float tensor (without its first) lie in the integers; ``axes`` are numbers of the float's."""

    axes: tuple[int, ...]

    def order(self, shape: Shape) -> Order:
        """Return where each element of a tensor of ``shape`` stands."""
        numbers = np.arange(count(shape)).reshape(shape).transpose(0, *self.axes)
        return plain(np.argsort(numbers.ravel()))

    def inner(self, shape: Shape) -> Shape:
        """Return the shape of the integers."""
        return tuple(shape[a] for a in self.axes)

    def split(self, shape: Shape, axis: int) -> Pair:
        """Return how many integers stand for the axes in front of ``axis``, and how many for one step of it."""
        inner, place = self.inner(shape), self.axes.index(axis)
        return count(inner[:place]), count(inner[place + 1 :])


def layout_of_signal(signal: Signal) -> Layout:
    """Return the layout of a signal's integers: channels last or as in the network."""
    rank = len(signal.shape)
    if signal.order is not None and rank >= 3 and same_order(signal.order, channels_last(signal.shape[1:])):
        return Layout(axes=(*range(2, rank), 1))
    return Layout(axes=tuple(range(1, rank)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Choice:
    """Which places are kept: ``places[a]`` along each axis of the operand, seen as ``before``.

    ``before`` is the operand's shape with axes of 1 in front where the result has more; ``dropped`` are the axes that
    the result has no more.
    """

    before: Shape
    places: tuple[tuple[int, ...], ...]
    dropped: frozenset[int] = frozenset()

    @property
    def after(self) -> Shape:
        """The number of places kept along each axis."""
        return tuple(len(p) for p in self.places)


def choose(sheet: Sheet, node: NodeProto, signal: Signal) -> None:
    """Map Slice, Split, Gather with constant indices, Expand and Tile: they only move."""
    affine = as_integers(sheet, node, signal, unquantized=True)
    if affine is None:
        return
    for number, name in enumerate(node.output):
        if not name:
            continue
        choice = chosen_places(sheet, node, signal.shape, number)
        layout = layout_of_signal(affine).order(affine.shape)
        if choice is None or not same_order(affine.order, layout):
            channels = _channels(sheet, node, affine, number)
            if channels is not None:
                sheet.signals[name] = channels
                continue
        if choice is None:
            sheet.problem(
                node,
                "which elements it takes is not known, or it takes them from more than one sample",
                "constant ranges, indices and shapes, not along the first axis",
                "export it with constants, for one sample at a time",
            )
            return
        sheet.signals[name] = write_choice(sheet, affine, choice, name, sheet.network.shapes[name])


def _channels(sheet: Sheet, node: NodeProto, affine: Signal, output: int) -> Signal | None:
    """Return what one output of a node keeps where that is a range of the channels of every position; else None.

    It is what networks do that let a layer make queries, keys and values side by side, bring the three, or the
    positions, to the front, and take them apart there.
    """
    tensor = affine.source.tensor
    if tensor is None:
        return None
    kept = kept_elements(sheet, node, affine.shape, output)
    if kept is None or affine.size != tensor.size or kept.size % tensor.vectors:
        return None
    places = kept.ravel() if affine.order is None else affine.order[kept.ravel()]
    position, channel = np.divmod(places, tensor.channels)
    start, width = int(channel.min()), kept.size // tensor.vectors
    order = position * width + channel - start
    if channel.max() - start >= width or not np.array_equal(np.sort(order), np.arange(order.size)):
        return None
    name, own = node.output[output], tensor
    if width < tensor.channels:
        label = sheet.new_name("slice")
        part = Slice(name=label, input=tensor.name, output=label, start=start, stop=start + width)
        own = sheet.emit(part, (*tensor.shape[:-1], width), name)
    sides = [
        v if v.size == 1 else collapse(objects(v[kept.ravel()]))
        for v in (objects(affine.scale), objects(affine.offset))
    ]
    return sheet.new_source(own, name, sheet.network.shapes[name], sides[0], sides[1], order=plain(order))


def kept_elements(sheet: Sheet, node: NodeProto, shape: Shape, output: int) -> NDArray[np.int64] | None:
    """Return the number of each element that one output of a node keeps of an operand of ``shape``; None: unknown."""
    network = sheet.network
    values = {n: network.constants[n] for n in node.input[1:] if n in network.constants}
    if any(n and n not in values for n in node.input[1:]):
        return None
    numbers = np.arange(count(shape), dtype=np.float64).reshape(shape)
    found = run_node(node, {node.input[0]: numbers, **values}, network.opset, network.versions)
    return np.asarray(found[node.output[output]].astype(np.int64))


def chosen_places(sheet: Sheet, node: NodeProto, shape: Shape, output: int) -> Choice | None:
    """Return what one output of a node keeps of an operand of ``shape``; None where it is no choice along axes."""
    kept = kept_elements(sheet, node, shape, output)
    if kept is None:
        return None
    before, dropped, after = shape, frozenset[int](), kept.shape
    if node.op_type == "Gather":
        axis = Attributes(node).integer("axis", 0) % len(shape)
        indices = sheet.network.constants[node.input[1]]
        after = (*shape[:axis], indices.size, *shape[axis + 1 :])
        dropped = frozenset({axis}) if indices.ndim == 0 else dropped
    elif len(after) > len(shape):
        before = (1,) * (len(after) - len(shape)) + shape
    elif len(after) < len(shape):
        return None
    kept = kept.reshape(after)
    places = [
        np.unravel_index(kept[tuple(slice(None) if a == axis else 0 for a in range(len(after)))], before)[
            axis
        ]
        for axis in range(len(after))
    ]
    numbers = np.arange(count(shape)).reshape(before)
    if not np.array_equal(numbers[np.ix_(*places)], kept) or places[0].tolist() != [0]:
        return None
    if before[0] != 1 or 0 in dropped:
        return None
    return Choice(before=before, places=tuple(tuple(p.tolist()) for p in places), dropped=dropped)


def write_choice(sheet: Sheet, affine: Signal, choice: Choice, name: str, shape: Shape) -> Signal:
    """Emit what is chosen of an affine signal as the tensor ``name`` of ``shape``, whatever its axes are called."""
    new = len(choice.before) - len(affine.shape)
    axes = layout_of_signal(affine).axes
    layout = Layout(axes=(*range(1, new + 1), *(a + new for a in axes)))
    tensor = in_order(sheet, affine, layout.order(choice.before), layout.inner(choice.before))
    rest = list(choice.before)
    for axis, places in enumerate(choice.places):
        if places == tuple(range(rest[axis])):
            continue
        outer, inner = layout.split(tuple(rest), axis)
        tensor = taken(sheet, sheet.reshaped(tensor, (outer, rest[axis], inner)), places)
        rest[axis] = len(places)
    grid = np.ix_(*choice.places)
    sides = [
        v if v.size == 1 else collapse(objects(v.reshape(choice.before)[grid].ravel()))
        for v in (objects(affine.scale), objects(affine.offset))
    ]
    kept = Layout(axes=tuple(a for a in layout.axes if a not in choice.dropped))
    tensor = sheet.named(sheet.reshaped(tensor, kept.inner(choice.after) or (1,)), name)
    return sheet.new_source(tensor, name, shape, sides[0], sides[1], order=layout.order(choice.after))


def broadcast(sheet: Sheet, node: NodeProto, signal: Signal, *, zero: bool = False) -> Signal | None:
    """Return the operand of a node in affine form, as large as the node's output; None (and a problem) if it cannot be.

    Axes of 1, and those that the operand has not, are repeated, as numpy and ONNX do. ``zero`` is that of
    :func:`as_integers`.
    """
    affine = as_integers(sheet, node, signal, unquantized=True, zero=zero)
    shape = sheet.network.shapes[node.output[0]]
    if affine is None or affine.size == count(shape):
        return affine
    before = (1,) * (len(shape) - len(affine.shape)) + affine.shape
    if before[0] != shape[0] or shape[0] != 1:
        sheet.problem(
            node,
            f"it repeats {list(affine.shape)} to {list(shape)}, along the first axis too",
            "operands whose first axis, that of the samples, is 1",
            "export the network for one sample at a time",
        )
        return None
    places = tuple(tuple(range(n)) if n == m else (0,) * m for n, m in zip(before, shape, strict=True))
    name = f"{signal.name} for {node.name}"
    sheet.know(name, shape, sheet.network.dtypes.get(signal.name, np.dtype(np.float32)))
    return write_choice(sheet, affine, Choice(before=before, places=places), name, shape)


def taken(sheet: Writer, tensor: Tensor, places: Sequence[int]) -> Tensor:
    """Return (outer, len(places), inner) of (outer, steps, inner) integers: the steps of these numbers."""
    places = tuple(places)
    outer, steps, inner = tensor.shape
    length = len(places)
    if places == tuple(range(steps)):
        return tensor
    for times in range(length, 1, -1):
        part = length // times
        if length % times == 0 and places == places[:part] * times:  # the whole again and again
            once = taken(sheet, tensor, places[:part])
            once = repeated(sheet, sheet.reshaped(once, (outer, 1, part * inner)), (1, times))
            return sheet.reshaped(once, (outer, length, inner))
        if length % times == 0 and places == tuple(p for p in places[::times] for _ in range(times)):
            return repeated(sheet, taken(sheet, tensor, places[::times]), (1, times))
    strides = {b - a for a, b in pairwise(places)}
    if len(strides) <= 1 and all(s > 0 for s in strides):
        return cut(sheet, tensor, range(places[0], places[-1] + 1, *strides))
    first = min(places)
    tensor = cut(sheet, tensor, range(first, max(places) + 1))
    places, steps = tuple(place - first for place in places), tensor.shape[1]
    pieces = _pieces(places)
    few = PIECES_AT_MOST if inner > 1 else 2
    if len(pieces) <= few and sorted(places) != list(range(steps)):
        return _joined(sheet, [taken(sheet, tensor, piece) for piece in pieces])
    return _exchanged(sheet, tensor, places)


def _pieces(places: Shape) -> list[Shape]:
    """Split a list of places where it does not go on to the next one, or stay where it is."""
    pieces: list[list[int]] = [[places[0]]]
    for place in places[1:]:
        last = pieces[-1]
        if place - last[-1] in (0, 1) and (len(last) == 1 or place - last[-1] == last[-1] - last[-2]):
            last.append(place)
        else:
            pieces.append([place])
    return [tuple(piece) for piece in pieces]


def _joined(sheet: Writer, parts: list[Tensor]) -> Tensor:
    """Return (outer, steps of all, inner) integers."""
    outer, _, inner = parts[0].shape
    whole, steps = sheet.reshaped(parts[0], (outer, parts[0].size // outer)), parts[0].shape[1]
    for part in parts[1:]:
        flat = sheet.reshaped(part, (outer, part.size // outer))
        steps += part.shape[1]
        name = sheet.new_name("concat")
        join = Concat(name=name, a=whole.name, b=flat.name, output=name)
        whole = sheet.emit(join, (outer, steps * inner), "")
    return sheet.reshaped(whole, (outer, steps, inner))


def _exchanged(sheet: Writer, tensor: Tensor, places: Shape) -> Tensor:
    """Return the steps of these numbers by an exchange of all, each sent as often as the one wanted most."""
    outer, steps, inner = tensor.shape
    seen: dict[int, int] = {}
    copies = []
    for place in places:
        copies.append((place, seen.get(place, 0)))
        seen[place] = seen.get(place, 0) + 1
    times = max(seen.values())
    first = [place * times + copy for place, copy in copies]
    last = sorted(set(range(steps * times)) - set(first))
    tensor = repeated(sheet, tensor, (1, times))
    numbers = np.arange(tensor.size).reshape(outer, steps * times, inner)[:, [*first, *last]]
    name = sheet.new_name("permute")
    node = Permute(name=name, input=tensor.name, output=name, order=numbers.ravel(), shape=tensor.shape)
    return cut(sheet, sheet.emit(node, tensor.shape, ""), range(len(places)))


def cut(sheet: Writer, tensor: Tensor, kept: range) -> Tensor:
    """Return (outer, len(kept), inner) of (outer, steps, inner) integers; ``kept`` goes forwards."""
    outer, steps, inner = tensor.shape
    stop = kept[-1] + 1
    if stop - kept.start < steps:
        name = sheet.new_name("slice")
        flat = sheet.reshaped(tensor, (outer, steps * inner))
        part = Slice(name=name, input=flat.name, output=name, start=kept.start * inner, stop=stop * inner)
        tensor = sheet.emit(part, (outer, (stop - kept.start) * inner), "")
        tensor = sheet.reshaped(tensor, (outer, stop - kept.start, inner))
    if kept.step > 1:  # windows of one place each
        name = sheet.new_name("window")
        node = Window(name=name, input=tensor.name, output=name, kernel=(1, 1), stride=(1, kept.step))
        tensor = sheet.emit(node, (outer, len(kept), inner), "")
    return tensor
