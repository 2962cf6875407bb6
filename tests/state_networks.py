# SPDX-License-Identifier: Apache-2.0
"""Random networks with states."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from networks import Builder

if TYPE_CHECKING:
    from pathlib import Path


def recurrent(seed: int, folder: Path, *, last: str = "quant") -> tuple[Path, dict[str, str]]:
    """Save a network of one or two states and an output beside them; return its file and the states."""
    rng = np.random.default_rng(seed)
    build = Builder(seed=seed)
    width, size = (int(n) for n in rng.integers(2, 6, 2))

    def dense(x: str, rows: int, cols: int) -> str:
        weights = build.quant(build.constant(rng.normal(0, 1, (rows, cols))), bits=3, scale=0.5)
        return build.node("MatMul", x, weights)

    x = build.quant(build.input([1, size]), bits=4)
    before = [build.input([1, width]) for _ in range(1 + seed % 2)]
    total = dense(x, size, width)
    for state in before:
        total = build.node("Add", total, dense(state, width, width))
    after = []
    for index, state in enumerate(before):
        y = build.quant(build.node(str(rng.choice(["Tanh", "Sigmoid"])), total), bits=5, scale=1 / 16)
        if index:  # a leaky sum
            y = build.quant(
                build.node("Add", y, build.node("Mul", state, build.constant(0.5))), bits=6, scale=1 / 16
            )
        after.append(y if last == "quant" else build.node("Add", y, state))
    out = build.quant(dense(after[-1], width, 3), bits=6)
    onnx.save(build.model(*after, out), folder / "net.onnx")
    return folder / "net.onnx", dict(zip(before, after, strict=True))
