# SPDX-License-Identifier: Apache-2.0
"""Products with constant weights as hls4ml accumulates them: dense layers, einsums, batch normalization.

Every product is assigned to the accumulator's type before it is added, and so is every sum. Where that loses nothing it
is one matrix product. Where products lose fraction bits, each is computed and rounded by itself, since that is what
their C++ does. A wrapping accumulator wraps once at the end: addition of the low bits does not mind when.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.core.fixed import LARGEST, FixedFormat, shifted
from tailrace.core.order import plain
from tailrace.frontend.hls4ml.casting import applied, applied_each, assigned
from tailrace.frontend.hls4ml.records import RefusedError
from tailrace.graph import Bias, Dense, Depthwise, Pool, Upsample

if TYPE_CHECKING:
    from tailrace.frontend.hls4ml.records import Layer, Weight
    from tailrace.frontend.hls4ml.sheet import Sheet, Signal
    from tailrace.graph import Tensor
    from tailrace.graph.tensors import Shape

Integers = NDArray[np.int64]
Function = Callable[[Integers], Integers]

PRODUCTS = 1 << 14
"""So many products a vector are computed one by one at most."""

FINER = "accum_t with as many fraction bits as the products have (Precision: accum: auto in hls4ml's configuration)"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sum:
    """``y[r] = bias[r] + sum over c of weights[r, c] * x[c]``: integers, and the fraction bits of both."""

    weights: Integers
    weight_fraction: int
    bias: Integers
    bias_fraction: int
    accum: FixedFormat


def dense(sheet: Sheet, layer: Layer) -> None:
    """Map a dense layer; on tensors of several axes it works along the last one."""
    x = sheet.operand(layer)
    weight, bias = layer.weight("weight"), layer.weight("bias")
    x, matrix, fraction = factors(sheet, x, weight)
    n_out = layer.integer("n_out")
    rows = matrix.T if not layer.attributes.get("_weights_transposed") else matrix
    rows = rows.reshape(n_out, -1)
    if x.channels != rows.shape[1]:
        x = replace(x, tensor=sheet.reshaped(x.tensor, (rows.shape[1],)))
    y = product(sheet, layer, x, sum_of(layer, rows, fraction, bias), "dense")
    finish(sheet, layer, y)


def sum_of(layer: Layer, rows: Integers, fraction: int, bias: Weight, accum: str = "accum") -> Sum:
    """Return the sum of a layer with integers of ``fraction`` bits as weights (rows, cols)."""
    return Sum(
        weights=rows,
        weight_fraction=fraction,
        bias=bias.integers.ravel(),
        bias_fraction=bias.fraction_bits,
        accum=layer.number_format(accum),
    )


def factors(sheet: Sheet, x: Signal, weight: Weight) -> tuple[Signal, Integers, int]:
    """Return the input, the weights and their fraction bits as the numbers that are multiplied.

    Bits that stand for +1 and -1 become these, except where both are bits: hls4ml counts equal ones then and computes
    the sum from the count.
    """
    integers, fraction = weight.integers, weight.fraction_bits
    if weight.bipolar:
        integers, fraction = 2 * integers - 1, 0
    elif weight.format.bits == 2 and weight.format.signed and fraction == 0:
        integers = np.where(
            integers == -2, 1, integers
        )  # their ternary product takes what is not 0 or -1 for 1
    if x.bipolar:
        if weight.bipolar:
            raise RefusedError(
                "its input and its weights are both bits for +1 and -1",
                "bits for the weights or the input alone",
                "build binary networks from QONNX: tailrace.load",
            )
        x = applied(sheet, x, lambda q: 2 * q - 1, 0, FixedFormat(bits=2, fraction_bits=0, signed=True))
    return x, integers, fraction


def product(sheet: Sheet, layer: Layer, x: Signal, what: Sum, kind: str) -> Signal:
    """Emit the sums of a matrix along the last axis of ``x`` (``kind`` dense) or channel by channel (depthwise).

    For a depthwise product the weights are (channels, taps), and ``x`` has (..., taps * channels).
    """
    weights, fraction = reduced(what.weights, what.weight_fraction)
    bias = assigned_constants(what.bias, what.bias_fraction, what.accum)
    products = x.fraction_bits + fraction
    _check_saturation(x, weights, products, bias, what.accum)
    if products > what.accum.fraction_bits:
        y = _one_by_one(
            sheet, layer, x, weights, what.accum, shift=products - what.accum.fraction_bits, kind=kind
        )
        return _with_bias(sheet, y, bias, what.accum)
    grid, bias = _common(products, bias, what.accum.fraction_bits)
    shift = grid - products
    _check_width(weights, shift)
    node_type = Dense if kind == "dense" else Depthwise
    name = sheet.product_name(layer, kind)
    node = node_type(name=name, input=x.tensor.name, output=name, weights=weights << shift, bias=bias)
    tensor = sheet.emit(node, (*x.shape[:-1], len(weights)), "")
    return sheet.signal(tensor, grid, what.accum)


def finish(sheet: Sheet, layer: Layer, y: Signal, accum: str = "accum") -> None:
    """Assign sums to the accumulator's type, then to that of the result."""
    fmt = layer.format
    found = assigned(sheet, layer, y, layer.number_format(accum), fmt)
    put(sheet, layer, found)


def put(sheet: Sheet, layer: Layer, signal: Signal) -> None:
    """Let the output of a layer be a signal, in its shape."""
    name = next(iter(layer.outputs))
    shaped = replace(signal, tensor=sheet.reshaped(signal.tensor, layer.shape), format=layer.format)
    sheet.put(name, shaped)


def reduced(weights: Integers, fraction: int) -> tuple[Integers, int]:
    """Return weights without the low bits that are 0 in all of them."""
    common = int(np.bitwise_or.reduce(weights, axis=None)) if weights.size else 0
    zeros = (common & -common).bit_length() - 1 if common else 0
    return weights >> zeros, fraction - zeros if common else fraction


def assigned_constants(values: Integers, fraction: int, fmt: FixedFormat) -> Integers:
    """Return constants of ``fraction`` bits as a type keeps them, on its grid."""
    try:
        return fmt.quantize(values, fraction)
    except ValueError as error:
        raise RefusedError(str(error), "constants of at most 62 bits", "use types with fewer bits") from None


def _common(products: int, bias: Integers, fraction: int) -> tuple[int, Integers]:
    """Return the coarsest grid on which both the products and the bias are, and the bias on it."""
    common = int(np.bitwise_or.reduce(bias, axis=None)) if bias.size else 0
    zeros = (common & -common).bit_length() - 1 if common else LARGEST
    grid = max(products, fraction - zeros)
    return grid, bias >> (fraction - grid) if fraction >= grid else bias


def _check_width(weights: Integers, shift: int) -> None:
    if int(np.abs(weights).max(initial=0)).bit_length() + shift > LARGEST:
        raise RefusedError(
            f"its bias is finer than its products by {shift} bits",
            f"sums of at most {LARGEST} bits",
            "use a bias_t with fewer fraction bits",
        )


def _check_saturation(
    x: Signal, weights: Integers, products: int, bias: Integers, accum: FixedFormat
) -> None:
    """Refuse an accumulator that may saturate before the sum is complete: the result hangs on the order."""
    if accum.overflow == "WRAP":
        return
    w = weights.astype(object)
    ends = [w * x.low, w * x.high]
    scale = 2.0 ** (accum.fraction_bits - products)
    low = float((np.minimum(np.minimum(*ends), 0).sum(axis=1) * scale + np.minimum(bias, 0)).min())
    high = float((np.maximum(np.maximum(*ends), 0).sum(axis=1) * scale + np.maximum(bias, 0)).max())
    taps = weights.shape[1]
    if low - taps < accum.low or high + taps > accum.high:
        raise RefusedError(
            f"partial sums may reach {low * 2.0**-accum.fraction_bits:g} to {high * 2.0**-accum.fraction_bits:g}, "
            f"where its accumulator {accum} saturates",
            "an accumulator that holds every partial sum, or one that wraps",
            "use accum: auto, or leave AP_SAT out of accum_t",
        )


def _one_by_one(
    sheet: Sheet, layer: Layer, x: Signal, weights: Integers, accum: FixedFormat, *, shift: int, kind: str
) -> Signal:
    """Emit every product by itself, rounded to the accumulator's grid, and their sums."""
    rows, taps = weights.shape
    if weights.size > PRODUCTS:
        raise RefusedError(
            f"its accumulator {accum} cuts {shift} bits off each of {weights.size:,} products",
            f"at most {PRODUCTS:,} such products a vector, or {FINER}",
            "set accum_t to auto",
        )
    sheet.loses(layer, f"the accumulator {accum} cuts {shift} bits off every product, as in hls4ml")
    tensor, shape = x.tensor, x.shape
    if kind == "dense":
        tensor = repeated(sheet, tensor, rows)
    # tap by tap, the rows next to each other
    name = sheet.new_name("depthwise")
    flat = weights.T.reshape(-1, 1)
    node = Depthwise(
        name=name, input=tensor.name, output=name, weights=flat, bias=np.zeros(len(flat), np.int64)
    )
    tensor = sheet.emit(node, (*shape[:-1], rows * taps), "")
    every = sheet.signal(tensor, x.fraction_bits, accum)
    cut = applied(
        sheet, every, lambda q: shifted(q, shift, accum.rounding), accum.fraction_bits, accum, rising=True
    )
    name = sheet.new_name("pool")
    pool = Pool(name=name, input=cut.tensor.name, output=name, operation="sum", taps=taps)
    return sheet.signal(sheet.emit(pool, (*shape[:-1], rows), ""), accum.fraction_bits, accum)


def repeated(sheet: Sheet, tensor: Tensor, times: int) -> Tensor:
    """Emit every channel ``times`` times, one beside the other."""
    if times == 1:
        return tensor
    shape: Shape = tensor.shape
    positions, channels = tensor.size // shape[-1], shape[-1]
    tensor = sheet.reshaped(tensor, (positions, channels, 1))
    name = sheet.new_name("upsample")
    node = Upsample(name=name, input=tensor.name, output=name, factor=(1, times))
    tensor = sheet.emit(node, (positions, channels * times, 1), "")
    return sheet.reshaped(tensor, (*shape[:-1], channels * times))


def _with_bias(sheet: Sheet, y: Signal, bias: Integers, accum: FixedFormat) -> Signal:
    if not bias.any():
        return y
    name = sheet.new_name("bias")
    node = Bias(name=name, input=y.tensor.name, output=name, values=bias)
    return sheet.signal(sheet.emit(node, y.shape, ""), y.fraction_bits, accum)


def normalize(sheet: Sheet, layer: Layer) -> None:
    """Map a batch normalization (or a scale): one factor and one offset a channel, in full precision."""
    x = sheet.operand(layer)
    scale, bias = layer.weight("scale"), layer.weight("bias")
    x, integers, fraction = factors(sheet, x, scale)
    weights, fraction = reduced(integers.reshape(-1, 1), fraction)
    products = x.fraction_bits + fraction
    values = bias.integers.ravel()
    if len(weights) != x.channels:
        x = replace(x, tensor=sheet.reshaped(x.tensor, (-(-x.tensor.size // len(weights)), len(weights))))
    grid = max(products, bias.fraction_bits)
    _check_width(weights, grid - products)
    name = sheet.new_name("depthwise")
    node = Depthwise(
        name=name,
        input=x.tensor.name,
        output=name,
        weights=weights << (grid - products),
        bias=np.broadcast_to(values, len(weights)) << (grid - bias.fraction_bits),
    )
    y = sheet.signal(sheet.emit(node, x.shape, ""), grid, layer.format)
    put(sheet, layer, assigned(sheet, layer, y, layer.format))


def normalize_quantized(sheet: Sheet, layer: Layer) -> None:
    """Map a batch normalization merged with a binary or ternary tanh: comparisons with a constant a channel."""
    x = sheet.operand(layer)
    names = ("threshold",) if layer.integer("quantize") == 2 else ("threshold_hi", "threshold_lo")
    ends = [layer.weight(name) for name in names]
    found = [[float(v) for v in np.ldexp(w.integers.ravel(), -w.fraction_bits)] for w in ends]
    functions = [_compared(x.fraction_bits, *limits) for limits in zip(*found, strict=True)]
    if len(functions) not in {x.channels, x.tensor.size}:
        functions = functions * (x.tensor.size // len(functions))
    y = applied_each(sheet, x, functions, 0, layer.format)
    put(sheet, layer, replace(y, bipolar=layer.bipolar_output))


def _compared(fraction: int, high: float, low: float | None = None) -> Function:
    """Return whether a number is at least ``high``; with ``low``: 1 above ``high``, -1 up to ``low``, else 0."""
    step = 2.0**-fraction
    if low is None:
        return lambda q: (q * step >= high).astype(np.int64)
    return lambda q: np.where(q * step > high, 1, np.where(q * step <= low, -1, 0))


def einsum_dense(sheet: Sheet, layer: Layer) -> None:
    """Map an einsum with constant weights: a transposition, one matrix for every kept index, a transposition."""
    x = sheet.operand(layer)
    weight, bias = layer.weight("weight"), layer.weight("bias")
    free, rows, contract, kept = (
        layer.integer(name) for name in ("n_free_data", "n_free_kernel", "n_contract", "n_inplace")
    )
    ins = [int(v) for v in layer.attributes["inp_tpose_idxs"]]
    numbers = np.arange(x.tensor.size).reshape(x.shape).transpose(ins).ravel()
    tensor = sheet.arranged(x.tensor, plain(numbers), (kept, free, contract))
    x = replace(x, tensor=tensor)
    x, integers, fraction = factors(sheet, x, weight)
    matrices = integers.reshape(kept, contract, rows)
    if kept > 1:
        matrices = np.stack([np.kron(np.eye(kept, dtype=np.int64)[i], m.T) for i, m in enumerate(matrices)])
        matrix = matrices.reshape(kept * rows, kept * contract)
        order = np.arange(x.tensor.size).reshape(kept, free, contract).transpose(1, 0, 2).ravel()
        x = replace(x, tensor=sheet.arranged(x.tensor, plain(order), (free, kept * contract)))
    else:
        matrix = matrices[0].T
        x = replace(x, tensor=sheet.reshaped(x.tensor, (free, contract)))
    accum = layer.number_format("accum")
    biases = bias.integers.reshape(kept, free, rows).transpose(1, 0, 2).reshape(free, kept * rows)
    one = biases[0] if (biases == biases[:1]).all() else np.zeros(kept * rows, np.int64)
    what = Sum(
        weights=matrix, weight_fraction=fraction, bias=one, bias_fraction=bias.fraction_bits, accum=accum
    )
    y = product(sheet, layer, x, what, "dense")
    if not (biases == biases[:1]).all():
        y = _each_bias(sheet, y, assigned_constants(biases, bias.fraction_bits, accum), accum)
    y = assigned(sheet, layer, y, accum, layer.format)
    outs = [int(v) for v in layer.attributes["out_tpose_idxs"]]
    interpreted = [int(v) for v in layer.attributes["out_interpert_shape"]]
    places = np.arange(y.tensor.size).reshape(free, kept, rows).transpose(1, 0, 2).reshape(interpreted)
    moved = places.transpose(outs).ravel()
    tensor = sheet.arranged(y.tensor, plain(moved), layer.shape)
    put(sheet, layer, replace(y, tensor=tensor))


def _each_bias(sheet: Sheet, y: Signal, bias: Integers, accum: FixedFormat) -> Signal:
    """Emit a bias for every element."""
    shape, grid = y.shape, max(y.fraction_bits, accum.fraction_bits)
    flat = sheet.reshaped(y.tensor, (y.tensor.size,))
    name = sheet.new_name("depthwise")
    node = Depthwise(
        name=name,
        input=flat.name,
        output=name,
        weights=np.full((y.tensor.size, 1), 1 << (grid - y.fraction_bits), np.int64),
        bias=bias.ravel() << (grid - accum.fraction_bits),
    )
    tensor = sheet.reshaped(sheet.emit(node, flat.shape, ""), shape)
    return sheet.signal(tensor, grid, accum)
