# SPDX-License-Identifier: Apache-2.0
"""Random networks with the quantizer behind anything: chains between accumulators and their quantizers.

Convolutions of a quantized image give accumulators; a random walk then applies operations element by element, pools,
means, layout, slices, concatenations, padding, repetition and sums to whatever float signals there are, in any order,
with forks; quantizers and a last layer come behind. ``bench/signal_chains.py`` tries thousands of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from networks import Builder, Generated


@dataclass(frozen=True)
class Value:
    """A float tensor by its name and shape, batch axis included."""

    name: str
    shape: tuple[int, ...]


class Chain(Builder):
    """Draws operations on float signals."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed=seed, opset=13)
        self.powers = bool(self.rng.random() < 0.3)

    def pick(self, *items: object) -> object:
        return items[int(self.rng.integers(len(items)))]

    def scale(self, at: float) -> float:
        """A step near ``at``: a power of two, or any number."""
        if self.powers:
            return float(2.0 ** np.round(np.log2(at)))
        return float(np.float32(at * self.rng.uniform(0.7, 1.4)))

    def quantized(self, value: Value) -> Value:
        bits = int(self.rng.integers(2, 7))
        signed = int(self.rng.random() < 0.6)
        scale = self.scale(3.0 / 2**bits)
        if self.rng.random() < 0.15 and len(value.shape) == 4:
            per = np.array([self.scale(3.0 / 2**bits) for _ in range(value.shape[1])], np.float32)
            return Value(
                self.quant(value.name, scale=per.reshape(1, -1, 1, 1), bits=bits, signed=signed), value.shape
            )
        return Value(self.quant(value.name, scale=scale, bits=bits, signed=signed), value.shape)

    def convolution(self, x: Value, channels: int) -> Value:
        """An accumulator; its weights have one scale, or one for each channel."""
        kernel = int(self.pick(1, 3))
        weights = self.constant(self.rng.normal(0, 0.5, (channels, x.shape[1], kernel, kernel)))
        step = self.scale(0.125)
        scale = np.array([self.scale(0.125) for _ in range(channels)], np.float32).reshape(-1, 1, 1, 1)
        w = self.quant(weights, scale=scale if self.rng.random() < 0.4 else step, bits=4)
        pad = kernel // 2
        y = self.node("Conv", x.name, w, pads=[pad] * 4, kernel_shape=[kernel, kernel])
        return Value(y, (1, channels, *x.shape[2:]))

    # One operation on a signal

    def per_channel(self, value: Value, low: float, high: float, *, signs: bool = False) -> str:
        rank = len(value.shape)
        size = value.shape[1] if rank > 1 and self.rng.random() < 0.6 else 1
        numbers = self.rng.uniform(low, high, size)
        if signs:
            numbers = numbers * self.rng.choice([-1, 1, 1], size)
        if self.powers:
            numbers = np.sign(numbers) * 2.0 ** np.round(np.log2(np.abs(numbers)))
        return self.constant(numbers.reshape([-1 if i == 1 else 1 for i in range(rank)]))

    def batch_norm(self, value: Value) -> Value:
        n = value.shape[1]
        parts = [
            self.rng.uniform(0.4, 1.5, n) * self.rng.choice([-1, 1, 1, 1], n),
            self.rng.normal(0, 0.4, n),
            self.rng.normal(0, 0.4, n),
            self.rng.uniform(0.3, 2, n),
        ]
        return Value(self.node("BatchNormalization", value.name, *map(self.constant, parts)), value.shape)

    def elementwise(self, value: Value) -> Value:
        match int(self.rng.integers(9)):
            case 0 | 1 | 2:
                return Value(self.node("Relu", value.name), value.shape)
            case 3:
                return Value(
                    self.node("Mul", value.name, self.per_channel(value, 0.4, 1.6, signs=True)), value.shape
                )
            case 4:
                return Value(
                    self.node("Add", value.name, self.per_channel(value, 0.1, 1.0, signs=True)), value.shape
                )
            case 5:
                return Value(
                    self.clip(value.name, float(self.pick(-1, 0)), float(self.pick(1, 6))), value.shape
                )
            case 6:
                return Value(
                    self.node(str(self.pick("Neg", "LeakyRelu", "Sigmoid", "Tanh")), value.name), value.shape
                )
            case _:
                return self.batch_norm(value) if len(value.shape) in (2, 4) else value

    def moved(self, value: Value) -> Value:
        shape = value.shape
        if len(shape) == 2:
            if shape[1] > 3 and self.rng.random() < 0.4:
                return self.cut(value, 1)
            return value
        match int(self.rng.integers(8)):
            case 0:
                return Value(self.node("Flatten", value.name), (1, int(np.prod(shape))))
            case 1 | 2:
                return self.cut(value, int(self.rng.integers(1, 4)))
            case 3:
                pads = [0, 0, *self.rng.integers(0, 2, 2), 0, 0, *self.rng.integers(0, 2, 2)]
                after = tuple(n + pads[i] + pads[i + 4] for i, n in enumerate(shape))
                sizes = self.constant(pads, np.int64)
                return Value(self.node("Pad", value.name, sizes, self.constant(0.0)), tuple(map(int, after)))
            case 4 if shape[2] * shape[3] <= 36:
                factors = [1, 1, int(self.pick(1, 2)), 2]
                after = tuple(n * f for n, f in zip(shape, factors, strict=True))
                y = self.node(
                    "Resize", value.name, "", self.constant(factors), mode="nearest",
                    coordinate_transformation_mode="asymmetric", nearest_mode="floor",
                )  # fmt: skip
                return Value(y, after)
            case 5 if shape[1] % 4 == 0:
                y = self.node("DepthToSpace", value.name, blocksize=2)
                return Value(y, (1, shape[1] // 4, shape[2] * 2, shape[3] * 2))
            case _:
                return self.pooled(value)

    def cut(self, value: Value, axis: int) -> Value:
        """A range along an axis; sometimes a Split."""
        size = value.shape[axis]
        if size < 2:
            return value
        start = int(self.rng.integers(0, size - 1))
        stop = int(self.rng.integers(start + 1, size + 1))
        shape = tuple(stop - start if i == axis else n for i, n in enumerate(value.shape))
        ends = [self.constant([n], np.int64) for n in (start, stop, axis)]
        return Value(self.node("Slice", value.name, *ends), shape)

    def pooled(self, value: Value) -> Value:
        shape = value.shape
        kind = str(
            self.pick("MaxPool", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "ReduceMean")
        )
        if kind.startswith("Global"):
            return Value(self.node(kind, value.name), (*shape[:2], 1, 1))
        if kind == "ReduceMean":
            return Value(self.node(kind, value.name, axes=[2, 3], keepdims=0), shape[:2])
        if min(shape[2:]) < 2:
            return value
        stride = int(self.pick(1, 2))
        pad = int(self.rng.random() < 0.3)
        options = {"count_include_pad": int(self.rng.random() < 0.5)} if kind == "AveragePool" else {}
        y = self.node(
            kind, value.name, kernel_shape=[2, 2], strides=[stride, stride], pads=[pad, pad, 0, 0], **options
        )
        return Value(y, (*shape[:2], *((n + pad - 2) // stride + 1 for n in shape[2:])))

    # Operations on two signals

    def joined(self, a: Value, b: Value) -> Value | None:
        if a.shape == b.shape and self.rng.random() < 0.6:
            return Value(self.node(str(self.pick("Add", "Add", "Sub")), a.name, b.name), a.shape)
        if len(a.shape) == len(b.shape) and a.shape[2:] == b.shape[2:]:
            shape = (1, a.shape[1] + b.shape[1], *a.shape[2:])
            return Value(self.node("Concat", a.name, b.name, axis=1), shape)
        return None


def random_chain(seed: int) -> Generated:
    """Return a network with quantizers behind anything."""
    chain = Chain(seed)
    size = int(chain.pick(4, 6))
    source = Value(chain.input([1, 2, size, size]), (1, 2, size, size))
    x = Value(chain.quant(source.name, scale=chain.scale(0.125), bits=int(chain.pick(3, 5, 8))), source.shape)
    channels = int(chain.pick(2, 3, 4))
    values = [chain.convolution(x, channels) for _ in range(int(chain.pick(1, 2, 2)))]
    if chain.rng.random() < 0.4:
        inner = chain.quantized(chain.elementwise(values[0]))
        values.append(chain.convolution(inner, channels))
        values.append(inner)
    for _ in range(int(chain.rng.integers(2, 9))):
        index = int(chain.rng.integers(len(values)))
        value = values[index]
        draw = chain.rng.random()
        if draw < 0.2 and len(values) > 1:
            other = values[int(chain.rng.integers(len(values)))]
            new = chain.joined(value, other)
            if new is None:
                continue
        else:
            new = chain.elementwise(value) if draw < 0.65 else chain.moved(value)
        if chain.rng.random() < 0.75:
            values[index] = new
        else:
            values.append(new)
    whole: Value | None = None
    for value in values[-3:]:
        flat = value
        if len(value.shape) > 2:
            flat = Value(chain.node("Flatten", value.name), (1, int(np.prod(value.shape))))
        before = chain.rng.random() < 0.5
        part = chain.quantized(flat if before else value)
        if not before and len(value.shape) > 2:
            part = Value(chain.node("Flatten", part.name), flat.shape)
        whole = (
            part
            if whole is None
            else Value(
                chain.node("Concat", whole.name, part.name, axis=1), (1, whole.shape[1] + part.shape[1])
            )
        )
    assert whole is not None
    weights = chain.quant(chain.constant(chain.rng.normal(0, 0.5, (whole.shape[1], 3))), scale=0.25, bits=3)
    y = chain.quant(chain.node("MatMul", whole.name, weights), scale=chain.scale(0.5), bits=8)
    inputs = np.random.default_rng(seed + 1).normal(0, 1.2, (12, 2, size, size)).astype(np.float32)
    return Generated(chain.model(y), None, inputs)
