# SPDX-License-Identifier: Apache-2.0
"""Bilinear upsampling by whole factors is exact; by others it is refused."""

from __future__ import annotations

import numpy as np
import pytest
import tailrace as tr
from networks import Builder, Generated, check
from tailrace.frontend import UnsupportedError
from tailrace.graph import Depthwise


def upsampled(
    mode: str, factors: tuple[float, ...], size: tuple[int, ...], zero: float = 0.0
) -> tuple[Builder, str]:
    build = Builder()
    x = build.quant(build.input([1, 2, *size]), zero=zero)
    scales = build.constant([1, 1, *factors])
    y = build.node("Resize", x, "", scales, mode="linear", coordinate_transformation_mode=mode)
    weights = build.quant(build.constant(build.rng.normal(0, 1, (3, 2, *[1] * len(size)))), bits=3)
    return build, build.quant(build.node("Conv", y, weights))


@pytest.mark.parametrize("zero", [0.0, 3.0])
@pytest.mark.parametrize(
    ("mode", "factors", "size"),
    [
        ("half_pixel", (2, 2), (3, 4)),
        ("pytorch_half_pixel", (4, 2), (2, 3)),
        ("half_pixel", (3, 1), (3, 4)),
        ("asymmetric", (2, 4), (3, 2)),
        ("asymmetric", (3,), (4,)),
        ("half_pixel", (2,), (5,)),
        ("align_corners", (5 / 3, 9 / 5), (3, 5)),
    ],
)
def test_a_linear_interpolation_is_exact(mode, factors, size, zero, tmp_path):
    build, y = upsampled(mode, factors, size, zero)
    x = np.random.default_rng(1).normal(0, 1.5, (12, 2, *size)).astype(np.float32)
    result = check(Generated(build.model(y), None, x), tmp_path)
    assert result.mismatches == 0
    graph = tr.load(tmp_path / "network.onnx")
    assert any(isinstance(node, Depthwise) for node in graph.nodes)


@pytest.mark.parametrize("mode", ["linear", "cubic"])
def test_other_interpolations_are_told_what_to_do(mode):
    build = Builder()
    x = build.quant(build.input([1, 2, 3, 4]))
    y = build.node(
        "Resize", x, "", build.constant([1, 1, 1.5, 1.5] if mode == "linear" else [1, 1, 2, 2]), mode=mode
    )
    weights = build.quant(build.constant(build.rng.normal(0, 1, (3, 2, 1, 1))), bits=3)
    with pytest.raises(UnsupportedError) as caught:
        tr.load(build.model(build.node("Conv", y, weights)))
    (problem,) = caught.value.problems
    assert "otherwise than by repeating or interpolating by whole factors" in problem.found
    assert "align_corners=False and a whole scale_factor" in problem.hint
