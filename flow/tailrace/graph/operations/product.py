# SPDX-License-Identifier: Apache-2.0
"""Products: with constant weights, dense and channel by channel; and of two tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from tailrace.graph.operations.base import Array, Evaluator, Operation, as_samples, only, positions, require
from tailrace.graph.tensors import Integers, Range, Shape, Tensor, narrow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Kind = Literal["scores", "mix"]
"""What the second tensor is summed over: its channels (scores), or its positions (mix)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dense(Operation):
    """``y = weights @ x + bias`` at every position; ``weights`` is (rows, cols), ``bias`` (rows,)."""

    reads = ("input",)
    role = "computes"

    input: str
    weights: Integers
    bias: Integers

    def __post_init__(self) -> None:
        _check_weights(self.weights, self.bias)

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return (positions..., rows)."""
        shape, (rows, cols) = only(shapes), self.weights.shape
        require(shape[-1] == cols, f"its weights take {cols} channels, its input has {shape[-1]}")
        return (*shape[:-1], rows)

    def output_range(self, ins: Sequence[Tensor]) -> Range:
        """Return the sums of the smallest and of the largest products."""
        (x,) = ins
        w = self.weights.astype(object) if _is_wide(self.weights, x) else self.weights
        positive, negative = np.maximum(w, 0), np.minimum(w, 0)
        low = positive @ x.low + negative @ x.high + self.bias
        high = positive @ x.high + negative @ x.low + self.bias
        return narrow(low, self.name), narrow(high, self.name)

    def evaluator(self, ins: Sequence[Tensor]) -> Evaluator:
        """Return the matrix product, exact."""
        (x,) = ins
        multiply = exact_matmul(self.weights, int(max(np.abs(x.low).max(), np.abs(x.high).max())))
        bias = self.bias if self.bias.any() else None
        shape = self.output_shape([x.shape])

        def dense(values: Integers) -> Array:
            y = multiply(values.reshape(-1, x.channels))
            if bias is not None:
                y = y + bias
            return as_samples(y, shape)

        return dense

    def row_step(self, axis: int) -> int:
        """Return 1: position by position."""
        return 1

    def products(self, shapes: Sequence[Shape]) -> int:
        """Return one for each weight and position."""
        return positions(only(shapes)) * int(self.weights.size)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Depthwise(Operation):
    """``y[c] = sum over t of weights[c, t] * x[t, c] + bias[c]``: (..., taps * channels) -> (..., channels)."""

    reads = ("input",)
    role = "computes"

    input: str
    weights: Integers
    bias: Integers

    def __post_init__(self) -> None:
        _check_weights(self.weights, self.bias)

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return (positions..., channels)."""
        shape, (channels, taps) = only(shapes), self.weights.shape
        require(
            shape[-1] == channels * taps,
            f"its weights take {taps} taps of {channels} channels, its input has {shape[-1]}",
        )
        return (*shape[:-1], channels)

    def output_range(self, ins: Sequence[Tensor]) -> Range:
        """Return the sums of the smallest and of the largest products, channel by channel."""
        (x,) = ins
        taps = (-1, len(self.weights))
        terms = np.stack([x.low.reshape(taps) * self.weights.T, x.high.reshape(taps) * self.weights.T])
        return terms.min(axis=0).sum(axis=0) + self.bias, terms.max(axis=0).sum(axis=0) + self.bias

    def evaluator(self, ins: Sequence[Tensor]) -> Evaluator:
        """Return the products of all taps, summed."""
        shape = self.output_shape([ins[0].shape])
        weights = np.ascontiguousarray(self.weights.T)
        return lambda x: as_samples((x.reshape(-1, *weights.shape) * weights).sum(axis=1) + self.bias, shape)

    def row_step(self, axis: int) -> int:
        """Return 1: position by position."""
        return 1

    def products(self, shapes: Sequence[Shape]) -> int:
        """Return one for each weight and position."""
        return positions(only(shapes)) * int(self.weights.size)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Product(Operation):
    """The matrix products of two tensors, one for each of ``heads`` groups of channels g.

    ``scores``: (n, heads * k) and (m, heads * k) -> (n, heads * m), each vector times each vector:
    ``y[i, g * m + j] = sum over t of a[i, g * k + t] * b[j, g * k + t]``.
    ``mix``: (n, heads * m) and (m, heads * k) -> (n, heads * k), sums of vectors:
    ``y[i, g * k + t] = sum over j of a[i, g * m + j] * b[j, g * k + t]``.

    Axes in front of the channels count as positions; the output has those of ``a``.
    """

    reads = ("a", "b")
    role = "computes"

    a: str
    b: str
    kind: Kind
    heads: int = 1

    def __post_init__(self) -> None:
        require(self.kind in ("scores", "mix"), f"its kind is {self.kind}, wanted scores or mix")
        require(self.heads >= 1, f"it has {self.heads} heads, wanted at least 1")

    def sizes(self, shapes: Sequence[Shape]) -> tuple[int, int]:
        """Return (rows, cols) of a head: products of a vector, terms of each; ValueError where they do not fit."""
        a, b = shapes
        require(
            a[-1] % self.heads == 0 and b[-1] % self.heads == 0,
            f"its inputs have {a[-1]} and {b[-1]} channels, wanted multiples of its {self.heads} heads",
        )
        cols, width = a[-1] // self.heads, b[-1] // self.heads
        vectors = positions(b)
        if self.kind == "scores":
            require(
                cols == width, f"its inputs have {cols} and {width} channels a head, wanted equal numbers"
            )
            return vectors, cols
        require(
            cols == vectors,
            f"its first input has {cols} channels a head for the {vectors} vectors of the second",
        )
        return width, cols

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return (positions of a..., heads * rows)."""
        rows, _ = self.sizes(shapes)
        return (*shapes[0][:-1], self.heads * rows)

    def output_range(self, ins: Sequence[Tensor]) -> Range:
        """Return the sums of the smallest and of the largest products of two ends."""
        a, b = ins
        rows, _ = self.sizes([a.shape, b.shape])
        left, right = (
            [end.astype(object).reshape(self.heads, -1) for end in (x.low, x.high)] for x in (a, b)
        )
        if self.kind == "scores":  # (heads, cols) each; all rows of a head are alike
            products = np.stack([x * y for x in left for y in right])
            ends = (products.min(axis=0).sum(axis=1), products.max(axis=0).sum(axis=1))
            low, high = (np.repeat(end, rows) for end in ends)
        else:  # (heads, cols, 1) times (heads, 1, rows)
            products = np.stack([x[:, :, None] * y[:, None, :] for x in left for y in right])
            low, high = (end.sum(axis=1).ravel() for end in (products.min(axis=0), products.max(axis=0)))
        return narrow(low, self.name), narrow(high, self.name)

    def evaluator(self, ins: Sequence[Tensor]) -> Evaluator:
        """Return the products, exact; the same tensor may be both operands."""
        a, b = ins
        _, cols = self.sizes([a.shape, b.shape])
        shape = self.output_shape([a.shape, b.shape])
        bound = cols * _largest(a) * _largest(b)
        kind: type[np.generic] = (
            np.float32 if bound < 1 << 24 else np.float64 if bound < 1 << 53 else np.int64
        )

        def product(left: Integers, right: Integers) -> Array:
            return as_samples(self.sums(left.astype(kind), right.astype(kind)).astype(np.int64), shape)

        return product

    def sums(self, a: Array, b: Array) -> Array:
        """Return the products of (samples, n, channels) and (samples, m, channels) numbers of any kind."""
        a, b = (
            x.reshape(len(x), positions(x.shape[1:]), self.heads, x.shape[-1] // self.heads) for x in (a, b)
        )
        x = a.transpose(0, 2, 1, 3)
        y = b.transpose((0, 2, 3, 1) if self.kind == "scores" else (0, 2, 1, 3))
        return np.ascontiguousarray((x @ y).transpose(0, 2, 1, 3))

    def products(self, shapes: Sequence[Shape]) -> int:
        """Return one for each term of each sum."""
        rows, cols = self.sizes(shapes)
        return positions(shapes[0]) * self.heads * rows * cols


def exact_matmul(weights: Integers, magnitude: int) -> Callable[[Integers], Integers]:
    """Return ``x -> x @ weights.T`` for (n, cols) integers of at most ``magnitude``, through BLAS where that is exact.

    Every partial sum is below ``max_row(sum |w|) * magnitude``; below 2**24 (2**53) it is an exact float32 (float64).
    """
    bound = int(np.abs(weights).sum(axis=1).max(initial=0)) * max(magnitude, 1)
    for limit, kind in ((1 << 24, np.float32), (1 << 53, np.float64)):
        if bound < limit:
            matrix = np.ascontiguousarray(weights.T.astype(kind))
            return lambda x: (x.astype(kind) @ matrix).astype(np.int64)
    return lambda x: x @ weights.T


def _check_weights(weights: Integers, bias: Integers) -> None:
    require(weights.ndim == 2 and weights.size > 0, f"weights of shape {weights.shape} are no matrix")
    require(bias.shape == weights.shape[:1], f"a bias of shape {bias.shape} for {len(weights)} rows")


def _largest(x: Tensor) -> int:
    """Return the greatest size of a tensor's integers, at least 1."""
    return max(abs(int(x.low.min())), abs(int(x.high.max())), 1)


def _is_wide(weights: Integers, x: Tensor) -> bool:
    bound = float(np.abs(weights).max(initial=0)) * float(
        max(abs(int(x.low.min())), abs(int(x.high.max())), 1)
    )
    return bool(bound * weights.shape[1] >= 2.0**62)
