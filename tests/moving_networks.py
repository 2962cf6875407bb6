# SPDX-License-Identifier: Apache-2.0
"""Random chains of what only moves: Gather, Slice, Tile, Expand, padding by the image itself, and broadcasting.

``moving_network(seed)`` draws one: a quantized input, some movements, sums and products of two tensors of different
shapes, and a dense layer with a quantizer behind.
"""

from __future__ import annotations

import numpy as np
from networks import Builder, Generated

MOST = 600
"""Elements of a tensor at most."""


class _Moves(Builder):
    def __init__(self, seed: int) -> None:
        super().__init__(opset=19, seed=seed)
        rank = int(self.rng.integers(2, 5))
        self.shape: tuple[int, ...] = (1, *(int(n) for n in self.rng.integers(2, 6, rank - 1)))
        self.quantizers = 0

    def ints(self, values: object) -> str:
        return self.constant(values, np.int64)

    def axis(self) -> int:
        return int(self.rng.integers(1, len(self.shape)))

    def with_axis(self, axis: int, length: int) -> tuple[int, ...]:
        return tuple(length if a == axis else n for a, n in enumerate(self.shape))

    def quantized(self, x: str) -> str:
        self.quantizers += 1
        scale = float(self.rng.choice([0.25, 0.1, 0.3]))
        return self.quant(x, scale=scale, zero=float(self.rng.choice([0, 0, 1])), bits=4)

    def gather(self, x: str) -> str:
        axis = self.axis()
        n = self.shape[axis]
        kind = int(self.rng.integers(4))
        if kind == 0 and len(self.shape) > 2:
            self.shape = tuple(m for a, m in enumerate(self.shape) if a != axis)
            return self.node("Gather", x, self.ints(int(self.rng.integers(-n, n))), axis=axis)
        indices = (
            self.rng.permutation(n) if kind == 1 else self.rng.integers(-n, n, int(self.rng.integers(1, 7)))
        )
        if kind == 2:
            indices = np.sort(indices)
        self.shape = self.with_axis(axis, len(indices))
        return self.node("Gather", x, self.ints(indices), axis=axis)

    def slice(self, x: str) -> str:
        axis = self.axis()
        n = self.shape[axis]
        step = int(self.rng.choice([-2, -1, -1, 1, 2]))
        start, stop = (0, n) if step > 0 else (n - 1, -n - 1)
        if self.rng.random() < 0.5:
            start = int(self.rng.integers(n))
        self.shape = self.with_axis(axis, len(range(n)[start : None if stop < 0 else stop : step]))
        return self.node("Slice", x, *(self.ints([v]) for v in (start, stop, axis, step)))

    def tile(self, x: str) -> str:
        axis, times = self.axis(), int(self.rng.integers(2, 4))
        self.shape = self.with_axis(axis, self.shape[axis] * times)
        return self.node("Tile", x, self.ints([times if a == axis else 1 for a in range(len(self.shape))]))

    def expand(self, x: str) -> str:
        axis, length = self.axis(), int(self.rng.integers(2, 5))
        x = self.unsqueeze(x, [axis])
        self.shape = (*self.shape[:axis], length, *self.shape[axis:])
        return self.node("Expand", x, self.ints(self.shape if self.rng.random() < 0.5 else self.shape[axis:]))

    def pad(self, x: str) -> str:
        mode = str(self.rng.choice(["reflect", "edge", "wrap"]))
        pads = np.zeros((2, len(self.shape)), np.int64)
        for axis in range(1, len(self.shape)):
            pads[:, axis] = self.rng.integers(0, min(3, self.shape[axis]), 2) * int(self.rng.random() < 0.6)
        self.shape = tuple(int(n) for n in np.array(self.shape) + pads.sum(axis=0))
        return self.node("Pad", x, self.ints(pads.reshape(-1)), mode=mode)

    def transpose(self, x: str) -> str:
        perm = [0, *(int(a) + 1 for a in self.rng.permutation(len(self.shape) - 1))]
        self.shape = tuple(self.shape[a] for a in perm)
        return self.node("Transpose", x, perm=perm)

    def flatten(self, x: str) -> str:
        self.shape = (1, int(np.prod(self.shape)))
        return self.node("Flatten", x)

    def broadcast(self, x: str) -> str:
        """Combine with a part of the tensor itself, some of its axes 1 or away, quantized anew."""
        shape = self.shape
        other = x
        for axis in range(1, len(shape)):
            if self.rng.random() < 0.5:
                other = self.node("Slice", other, *(self.ints([v]) for v in (0, 1, axis)))
        other = self.quantized(other)
        operation = str(self.rng.choice(["Add", "Sub", "Mul"]))
        operands = [self.quantized(x), other]
        if self.rng.random() < 0.5:
            operands.reverse()
        return self.quantized(self.node(operation, *operands))

    def constant_operand(self, x: str) -> str:
        """Add a constant that has more axes, or longer ones, than the tensor."""
        shape = (int(self.rng.integers(2, 4)), *self.shape[1:])
        x = self.unsqueeze(x, [1])
        self.shape = (1, *shape)
        return self.quantized(self.node("Add", x, self.constant(np.round(self.rng.normal(0, 1, shape), 1))))


def moving_network(seed: int) -> Generated:
    """Draw a network of at most five movements."""
    build = _Moves(seed)
    first = build.shape
    x = build.quantized(build.input(list(first)))
    moves = (
        build.gather, build.slice, build.tile, build.expand, build.pad, build.transpose, build.flatten,
        build.broadcast, build.constant_operand,
    )  # fmt: skip
    for _ in range(int(build.rng.integers(1, 6))):
        move = moves[int(build.rng.integers(len(moves)))]
        wide = int(np.prod(build.shape))
        if wide > MOST // 4 and move in (build.tile, build.expand, build.pad, build.constant_operand):
            continue
        if len(build.shape) > 4 and move in (build.expand, build.constant_operand):
            continue
        build.log.append(move.__name__)
        x = move(x)
    x = build.flatten(x)
    rows = int(build.rng.integers(1, 4))
    weights = build.quant(build.constant(build.rng.normal(0, 1, (build.shape[1], rows))), bits=3)
    y = build.node("MatMul", x, weights)
    if build.rng.random() < 0.7:
        y = build.quant(y, scale=0.3, bits=6)
    inputs = build.rng.normal(0, 1.5, (6, *first[1:])).astype(np.float32)
    return Generated(build.model(y), None, inputs, build.log)
