# SPDX-License-Identifier: Apache-2.0
"""The inputs of a network: their integers, and the order in which the host sends them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import ModelError, TailraceError
from tailrace.core.names import as_identifiers
from tailrace.core.order import Order, plain
from tailrace.core.types import FixedType, IntType
from tailrace.frontend.encodings import Encoding
from tailrace.frontend.operations import ELEMENTWISE, LAYOUT, QUANTIZERS, RESHAPING, SPATIAL
from tailrace.frontend.problems import Problem
from tailrace.frontend.sheet import Entry
from tailrace.frontend.signals import Signal, Source, floats, fraction, sample_shape
from tailrace.graph import Tensor
from tailrace.graph.host import GridQuantizer

if TYPE_CHECKING:
    from tailrace.frontend.network import Network
    from tailrace.frontend.sheet import Sheet

Integers = NDArray[np.int64]


DEFAULT_INPUT_TYPE = "fixed<16,6>"
"""On which grid the host sends an input that no quantizer follows."""


FLOAT_FRACTION_BITS = (-90, 120)
"""Bits behind the binary point of a type whose steps, and whose largest number, are float32 of full precision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputGrid:
    """The grid on which an input comes: ``scale * q + offset`` for integers ``q`` from ``low`` to ``high``."""

    scale: Fraction
    offset: Fraction
    low: int
    high: int

    @staticmethod
    def of(fixed: FixedType) -> InputGrid:
        """Return the grid of a fixed-point type."""
        kind, step = fixed.integer, Fraction(1) / Fraction(2) ** fixed.fraction_bits
        return InputGrid(scale=step, offset=Fraction(0), low=kind.min, high=kind.max)


def add_input(sheet: Sheet, name: str, grid: InputGrid | None, *, defer: bool) -> None:
    """Let an input of the network be integers on a grid, or (``defer``) whatever its first quantizer makes of it."""
    shape = sheet.network.shapes[name]
    if _has_no_batch(shape):
        taken = ", ".join(("n", *map(str, shape)))
        sheet.notices += (
            f"the input {name} has no batch axis: all of it is one sample, predict takes ({taken})",
        )
    elif not shape or shape[0] != 1:
        sheet.problems.append(
            Problem(
                node=name,
                operation="input",
                found=f"its shape is {list(shape)}, which has no batch axis of 1",
                accepted="a first axis of 1, or a dynamic one",
                hint="export the network for one sample at a time, or with a dynamic batch axis",
            )
        )
    if defer:
        source = Source(tensor=None, name=name, shape=shape, scale=fraction(1), offset=fraction(0))
    else:
        rows = table_rows(sheet.network, name)
        known = annotation(sheet.network, name, rows) if grid is None else None
        if known:
            kind, scale, offset = known
        else:
            given = grid or InputGrid.of(FixedType.parse(DEFAULT_INPUT_TYPE))
            kind, scale, offset = IntType.containing(given.low, given.high), given.scale, given.offset
        inner, order = layout_of(sheet, name, shape)
        tensor = new_tensor(sheet, entry_name(sheet.network, name), inner, kind, origin=name)
        if known and rows:
            tensor = replace(tensor, high=np.full_like(tensor.high, rows - 1))
            sheet.tensors[tensor.name] = tensor
        if not known:
            low, high = np.full_like(tensor.low, given.low), np.full_like(tensor.high, given.high)
            tensor = sheet.tensors[tensor.name] = replace(tensor, low=low, high=high)
        source = Source(
            tensor=tensor,
            name=name,
            shape=shape,
            scale=fraction(scale),
            offset=fraction(offset),
            order=order,
        )
        sheet.encodings[name] = Encoding(
            scale=floats(source.scale), offset=floats(source.offset), order=order
        )
        quantizer = GridQuantizer(scale=float(scale), offset=float(offset), type=kind)
        sheet.entries[name] = Entry(tensor=tensor, quantizer=quantizer, order=order)
    sheet.signals[name] = Signal(
        name=name,
        shape=shape,
        source=source,
        scale=source.scale,
        offset=source.offset,
        order=source.order,
    )


def _has_no_batch(shape: tuple[int, ...]) -> bool:
    """Say whether this is a column (n, 1) or a sequence (steps, 1, features), and not several samples."""
    return len(shape) in (2, 3) and shape[0] > 1 and shape[1] == 1


def layout_of(sheet: Sheet, name: str, shape: tuple[int, ...]) -> tuple[tuple[int, ...], Order]:
    """Return the shape of the integers of an input and their order: channels last where an image layer reads it."""
    size = int(np.prod(shape, dtype=np.int64))
    images = sheet.network.leading_to(SPATIAL)
    waiting: list[tuple[str, Integers]] = [(name, np.arange(size, dtype=np.int64))]
    seen = {name}
    while waiting:
        tensor, numbers = waiting.pop(0)
        for node in sheet.network.readers.get(tensor, ()):
            if node.output[0] in seen or node.output[0] not in sheet.network.shapes:
                continue
            here = sheet.network.shapes[tensor]
            is_image = node.op_type in SPATIAL | {"Pad"}
            is_image = is_image or (node.op_type in RESHAPING and not images.isdisjoint(node.output))
            if is_image and len(here) in (3, 4) and here[0] == 1:
                image = np.moveaxis(numbers.reshape(here[1:]), 0, -1)
                inner = image.shape if len(here) == 4 else (1, *image.shape)
                return inner, plain(np.argsort(image.ravel()))
            after = numbers
            if node.op_type in LAYOUT and node.op_type != "Cast":
                moved = sheet.moved(node, here)
                after = numbers if moved is None else numbers[moved]
            elif node.op_type not in ELEMENTWISE | QUANTIZERS | {"Cast"}:
                continue
            if int(np.prod(sheet.network.shapes[node.output[0]], dtype=np.int64)) == size:
                seen.add(node.output[0])
                waiting.append((node.output[0], after))
    return sample_shape(shape), None


def entry_name(network: Network, name: str) -> str:
    """Return what the graph calls the integers of an input: ``in``, or one after the network's name of several."""
    if len(network.inputs) == 1:
        return "in"
    return f"in_{as_identifiers(network.inputs)[network.inputs.index(name)]}"


def new_tensor(sheet: Sheet, name: str, shape: tuple[int, ...], kind: IntType, origin: str) -> Tensor:
    """Return a tensor that may hold everything that its type can."""
    channels = shape[-1]
    tensor = Tensor(
        name=name,
        shape=shape,
        low=np.full(channels, kind.min, np.int64),
        high=np.full(channels, kind.max, np.int64),
        origin=origin,
    )
    sheet.tensors[name] = tensor
    return tensor


def table_rows(network: Network, name: str) -> int:
    """Return how many rows the constant tables have that an input of integers looks up; 0 where it is no index."""
    rows, waiting, seen = 0, [name], {name}
    while waiting and network.dtypes[name].kind in "iu":
        for node in network.readers.get(waiting.pop(), ()):
            if node.op_type == "Gather" and node.input[0] in network.constants:
                rows = max(rows, len(network.constants[node.input[0]]))
            elif node.op_type in LAYOUT | RESHAPING:
                waiting.extend(n for n in node.output if n not in seen)
                seen.update(node.output)
    return rows


def annotation(network: Network, tensor: str, rows: int = 0) -> tuple[IntType, Fraction, Fraction] | None:
    """Return (type, scale, offset) of an input that is annotated, typed as integers, or an index of ``rows``."""
    name = network.input_annotations[tensor].upper()
    if rows:
        return IntType.containing(0, rows - 1), Fraction(1), Fraction(0)
    if not name or name == "FLOAT32":
        kinds = {3: IntType(8, signed=True), 2: IntType(8, signed=False), 5: IntType(16, signed=True)}
        kinds |= {4: IntType(16, signed=False), 9: IntType(1, signed=False)}
        kind = kinds.get(network.input_types[tensor])
        return (kind, Fraction(1), Fraction(0)) if kind else None
    if name == "BIPOLAR":
        return IntType(1, signed=False), Fraction(2), Fraction(-1)
    if name == "BINARY":
        return IntType(1, signed=False), Fraction(1), Fraction(0)
    if name == "TERNARY":
        return IntType(2, signed=True), Fraction(1), Fraction(0)
    try:
        fixed = FixedType.parse(name.lower())
    except TailraceError:  # an annotation of another kind is no annotation
        return None
    if not FLOAT_FRACTION_BITS[0] <= fixed.fraction_bits <= FLOAT_FRACTION_BITS[1]:
        raise ModelError(
            f"the input is annotated as {name}, and a float32 holds no such numbers",
            where=network.name,
            hint="correct the annotation finn_datatype of the input: FIXED<W,I>, W bits, I before the point",
        )
    return fixed.integer, Fraction(1, 1) / Fraction(2) ** fixed.fraction_bits, Fraction(0)
