# SPDX-License-Identifier: Apache-2.0
"""Softmax by hls4ml's two tables, in hardware: the largest input, exponentials, their sum, its inverse, products."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.core.fixed import FixedFormat, shifted
from tailrace.core.order import plain
from tailrace.frontend.hls4ml import tables
from tailrace.frontend.hls4ml.casting import assigned, looked_up
from tailrace.frontend.hls4ml.products import put, repeated
from tailrace.frontend.hls4ml.records import RefusedError
from tailrace.graph import Add, Multiply, Pool

if TYPE_CHECKING:
    from tailrace.frontend.hls4ml.records import Layer
    from tailrace.frontend.hls4ml.sheet import Sheet, Signal

Integers = NDArray[np.int64]


def softmax(sheet: Sheet, layer: Layer) -> None:
    """Map a softmax of the stable or the latency kind along one axis."""
    kind = layer.text("implementation", "stable")
    if kind not in {"stable", "latency"}:
        raise RefusedError(
            f"its implementation is {kind}",
            "stable or latency",
            "set implementation in the configuration of the layer, or leave the softmax out: skip: true",
        )
    x, places = _by_slice(sheet, layer, sheet.operand(layer))
    count = x.channels
    accum = layer.number_format("accum")
    powers = _powers(sheet, layer, x, accum, stable=kind == "stable")
    total = _total(sheet, layer, powers, count, accum)
    inverse_in = _inverse_input(layer)
    total = assigned(sheet, layer, total, inverse_in)
    inverse = _inverse(sheet, layer, total, inverse_in)
    factor = repeated(sheet, inverse.tensor, count)
    name = sheet.new_name("multiply")
    node = Multiply(name=name, a=powers.tensor.name, b=factor.name, output=name)
    tensor = sheet.emit(node, powers.shape, "")
    y = sheet.signal(tensor, powers.fraction_bits + inverse.fraction_bits, layer.format)
    y = assigned(sheet, layer, y, layer.format)
    put(sheet, layer, replace(y, tensor=sheet.arranged(y.tensor, plain(places), layer.shape)))


def _by_slice(sheet: Sheet, layer: Layer, x: Signal) -> tuple[Signal, Integers]:
    """Return the input with the axis of the softmax last, and where each element of the output is found then."""
    outer, inner = layer.integer("n_outer", 1), layer.integer("n_inner", 1)
    count = x.tensor.size // (outer * inner)
    numbers = np.arange(x.tensor.size).reshape(outer, count, inner).transpose(0, 2, 1)
    tensor = sheet.arranged(x.tensor, plain(numbers.ravel()), (outer * inner, count))
    return replace(x, tensor=tensor), np.argsort(numbers.ravel())


def _table_size(layer: Layer, name: str) -> int:
    return layer.integer(name if name in layer.attributes else "table_size")


def _powers(sheet: Sheet, layer: Layer, x: Signal, accum: FixedFormat, *, stable: bool) -> Signal:
    """Emit the exponentials, in the accumulator's type."""
    size, fmt = _table_size(layer, "exp_table_size"), x.format
    if stable:
        fmt, size = _norm(layer, x.format, size)
        x = assigned(sheet, layer, _below_the_largest(sheet, x), fmt)
    entries = _kept(layer.number_format("exp_table"), _arguments(fmt, size), "exp", layer, negative=stable)
    table = layer.number_format("exp_table")
    kept = accum.quantize(entries, table.fraction_bits)
    return _looked_up(sheet, x, fmt, kept, accum)


def _norm(layer: Layer, fmt: FixedFormat, size: int) -> tuple[FixedFormat, int]:
    """Return the type of the distance from the largest input, and the size of the table then."""
    if "inp_norm" in layer.formats:
        return layer.formats["inp_norm"], size
    signed = int(fmt.signed)
    bits = fmt.bits - signed
    if signed:
        size = min(_table_size(layer, "inv_table_size"), 1 << bits)
    return FixedFormat(bits=bits, fraction_bits=fmt.fraction_bits, signed=False), size


def _below_the_largest(sheet: Sheet, x: Signal) -> Signal:
    """Emit how far every number is below the largest one of its slice."""
    name = sheet.new_name("pool")
    pool = Pool(name=name, input=x.tensor.name, output=name, operation="maximum", taps=x.channels)
    largest = sheet.emit(pool, (*x.shape[:-1], 1), "")
    every = repeated(sheet, largest, x.channels)
    name = sheet.new_name("add")
    node = Add(name=name, a=every.name, b=x.tensor.name, output=name, b_factor=-1)
    distance = sheet.signal(sheet.emit(node, x.shape, ""), x.fraction_bits, x.format)
    return replace(distance, low=0, high=x.high - x.low)


def _arguments(fmt: FixedFormat, size: int) -> NDArray[np.float64]:
    """Return the numbers of a type whose top bits are 0, 1, 2, ..., its other bits 0."""
    top = (size - 1).bit_length()
    if top > fmt.bits:
        raise RefusedError(
            f"its table has {size} entries for {fmt.bits} bits",
            "at most an entry for each input",
            "use fewer",
        )
    whole = np.arange(size, dtype=np.int64) << (fmt.bits - top)
    if fmt.signed:
        whole = np.where(whole >> (fmt.bits - 1), whole - (1 << fmt.bits), whole)
    return np.ldexp(whole.astype(np.float64), -fmt.fraction_bits)


def _kept(
    table: FixedFormat, arguments: NDArray[np.float64], function: str, layer: Layer, *, negative: bool = False
) -> Integers:
    """Return the entries of a table in its type."""
    x = arguments.astype(np.float32)
    if function == "exp":
        x = x * np.float32(float(layer.attributes.get("exp_scale", 1.0)))
        x = -x if negative else x
        values = np.array([tables.exponential(float(v)) for v in x])
    else:
        with np.errstate(divide="ignore"):
            values = (np.float32(1) / x).astype(np.float64)
    finite = np.isfinite(values)
    entries = table.from_floats(np.where(finite, values, 0.0))
    infinite = 0 if table.overflow in {"WRAP", "SAT_ZERO"} else table.high
    return np.where(finite, entries, infinite)


def _looked_up(sheet: Sheet, x: Signal, fmt: FixedFormat, entries: Integers, out: FixedFormat) -> Signal:
    """Emit a table that is addressed by the top bits of a type; a negative number has the upper half."""
    drop = fmt.bits - (len(entries) - 1).bit_length() - (fmt.fraction_bits - x.fraction_bits)
    last = len(entries) - 1
    ring = 1 << last.bit_length()

    def entry(i: Integers) -> Integers:
        return np.asarray(entries[np.minimum(i % ring, last)])

    return looked_up(sheet, x, lambda q: shifted(q, drop, "TRN"), entry, (out.fraction_bits, out))


def _total(sheet: Sheet, layer: Layer, powers: Signal, count: int, accum: FixedFormat) -> Signal:
    """Emit the sum over a slice; every partial sum is kept in the accumulator's type."""
    if accum.overflow != "WRAP" and (
        powers.high * count > accum.high or min(powers.low, 0) * count < accum.low
    ):
        raise RefusedError(
            f"its sum may saturate in {accum}, where the order of the terms counts",
            "an accumulator that holds the sum, or one that wraps",
            "give accum_t more bits",
        )
    name = sheet.new_name("pool")
    node = Pool(name=name, input=powers.tensor.name, output=name, operation="sum", taps=count)
    total = sheet.signal(sheet.emit(node, (*powers.shape[:-1], 1), ""), powers.fraction_bits, accum)
    return assigned(sheet, layer, total, accum)


def _inverse_input(layer: Layer) -> FixedFormat:
    """Return the type that addresses the table of inverses."""
    named = layer.attributes.get("inv_inp_t")
    if named is None or str(named.name) == "model_default_t":
        return layer.number_format("exp_table")
    return layer.number_format("inv_inp")


def _inverse(sheet: Sheet, layer: Layer, total: Signal, fmt: FixedFormat) -> Signal:
    table = layer.number_format("inv_table")
    entries = _kept(table, _arguments(fmt, _table_size(layer, "inv_table_size")), "inverse", layer)
    return _looked_up(sheet, total, fmt, entries, table)
