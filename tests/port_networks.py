# SPDX-License-Identifier: Apache-2.0
"""Random networks of one to four inputs and outputs: layers and sums between them, outputs anywhere."""

from __future__ import annotations

import numpy as np
from networks import Builder


def draw(seed: int) -> tuple[Builder, list[str]]:
    """Return a network and its outputs: every input goes somewhere, some outputs are read inside the network, too."""
    rng = np.random.default_rng(seed)
    build = Builder(seed=seed)
    width = int(rng.integers(2, 7))
    ends: list[tuple[str, int]] = []
    for _ in range(int(rng.integers(1, 5))):
        size = int(rng.integers(1, 7))
        x = build.quant(
            build.input([1, size]),
            scale=float(rng.choice([0.25, 0.5, 0.3])),
            bits=int(rng.integers(1, 9)),
            signed=int(rng.integers(0, 2)),
        )
        ends.append((x, size))
    states = [_layer(build, rng, *end, width) for end in ends]
    outputs: list[str] = []
    while len(states) > 1:
        a, b = (states.pop(int(rng.integers(len(states)))) for _ in range(2))
        states.append(build.quant(build.node("Add", a, b), bits=int(rng.integers(3, 7))))
        if rng.random() < 0.5:
            outputs.append(str(rng.choice([a, states[-1]])))
    last = states[0]
    for _ in range(int(rng.integers(1, 3))):
        out = build.node("MatMul", last, _weights(build, rng, width, int(rng.integers(1, 6))))
        outputs.append(out if rng.random() < 0.5 else build.quant(out, bits=5))
    return build, list(dict.fromkeys(outputs))[-4:]


def _weights(build: Builder, rng: np.random.Generator, rows: int, cols: int) -> str:
    return build.quant(build.constant(rng.normal(0, 1, (rows, cols))), bits=3, scale=0.5)


def _layer(build: Builder, rng: np.random.Generator, x: str, size: int, width: int) -> str:
    for _ in range(int(rng.integers(1, 3))):
        x, size = build.quant(build.node("MatMul", x, _weights(build, rng, size, width)), bits=4), width
    return x
