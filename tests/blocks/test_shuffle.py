# SPDX-License-Identifier: Apache-2.0
"""Shuffle: numpy = HLS C++ = Verilog edge by edge, a word in and a word out every cycle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnx.helper
import pytest
from hls_harness import HlsCase, run_hls
from image_harness import check_image_rtl, edges_of, image
from onnx.reference import ReferenceEvaluator
from rtl_harness import random_frames
from tailrace.blocks.shuffle import Shuffle
from tailrace.core.errors import MappingError

if TYPE_CHECKING:
    from pathlib import Path


def shuffle(height: int, width: int, channels: int, block: int, mode: str, **stream: int) -> Shuffle:
    return Shuffle(**image(height, width, channels, **stream), block=block, mode=mode)


CASES = {
    "dcr": shuffle(2, 3, 16, 2, "dcr", lanes=2),
    "dcr, odd": shuffle(3, 2, 9, 3, "dcr", bits=1),
    "dcr, one column": shuffle(2, 1, 12, 2, "dcr", lanes=3, bits=7),
    "crd": shuffle(2, 3, 24, 2, "crd", lanes=3),
    "crd, one lane": shuffle(2, 3, 12, 2, "crd"),
    "crd, odd": shuffle(2, 2, 36, 3, "crd", lanes=2, bits=1),
    "crd, all lanes": shuffle(1, 1, 12, 2, "crd", lanes=3, bits=5),
    "space to depth": shuffle(4, 6, 4, 2, "space_to_depth", lanes=2),
    "space to depth, odd": shuffle(3, 9, 2, 3, "space_to_depth", bits=1),
    "space to depth, one block": shuffle(2, 2, 3, 2, "space_to_depth", lanes=3),
    "nothing": shuffle(2, 3, 2, 1, "dcr"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_verilog_gives_what_numpy_gives(case: str, tmp_path: Path, seed: int) -> None:
    block = CASES[case]
    run = check_image_rtl(block, folder=tmp_path, seed=seed)
    edges = edges_of(block.ring(), frames=6)
    assert edges is not None
    assert (np.diff(run.input_cycles[0]) == 1).all()
    if not block.transposed:
        np.testing.assert_array_equal(run.output_cycles[0], edges.left)
    rounds = run.output_cycles[0][block.round_words :]
    assert (np.diff(rounds) == 1).all()


def test_the_cpp_gives_what_numpy_gives(tmp_path: Path, seed: int) -> None:
    cases = [HlsCase(block=block, frames=random_frames(block, 4, seed=seed)) for block in CASES.values()]
    for case, outputs in zip(cases, run_hls(cases, tmp_path), strict=True):
        expected = case.block.evaluate(*case.frames)
        np.testing.assert_array_equal(outputs[0], expected, strict=True)


@pytest.mark.parametrize("case", CASES)
def test_onnx_says_the_same(case: str, rng: np.random.Generator) -> None:
    block = CASES[case]
    attributes = {} if block.to_depth else {"mode": block.mode.upper()}
    operation = "SpaceToDepth" if block.to_depth else "DepthToSpace"
    node = onnx.helper.make_node(operation, ["x"], ["y"], blocksize=block.block, **attributes)
    x = rng.integers(-100, 100, (3, block.height, block.width, block.channels))
    (y,) = ReferenceEvaluator(node).run(None, {"x": x.transpose(0, 3, 1, 2).astype(np.float32)})
    assert y.shape[1:] == (block.out_channels, block.out_height, block.out_width)
    np.testing.assert_array_equal(block.evaluate(x.reshape(3, -1)), y.transpose(0, 2, 3, 1).reshape(3, -1))


def test_the_schedule_is_the_function() -> None:
    for block in CASES.values():
        assert block.ring().freed.sum() == block.stream.words
        if block.transposed:
            continue
        numbers = np.arange(block.stream.words * block.stream.lanes)[None]
        sources = block.evaluate(numbers)[0, :: block.stream.lanes] // block.stream.lanes
        np.testing.assert_array_equal(block.ring().sources, sources)


def test_the_ring_is_the_smallest_that_never_pauses() -> None:
    for block in CASES.values():
        for depth, exact in ((block.depth, True), (block.depth - 1, False)):
            edges = edges_of(block.ring(), frames=8, depth=depth)
            interval = edges.interval(block.stream.words, 8) if edges else float("inf")
            assert exact == (interval == block.interval_cycles), (block, depth)


def test_what_cannot_be_shuffled_is_refused() -> None:
    with pytest.raises(MappingError) as caught:
        shuffle(2, 2, 6, 2, "crd")
    assert str(caught.value) == (
        "blocks of 2 x 2 do not divide the 6 channels\n  hint: depth to space needs a multiple of 4 channels"
    )
    with pytest.raises(MappingError) as caught:
        shuffle(3, 4, 1, 2, "space_to_depth")
    assert str(caught.value) == (
        "blocks of 2 x 2 do not divide an image of 3 x 4\n"
        "  hint: pad or crop the image to a multiple of the block"
    )
    with pytest.raises(MappingError) as caught:
        shuffle(2, 2, 8, 2, "dcr", lanes=4)
    assert str(caught.value) == "4 lanes do not divide the 2 channels\n  hint: use one of 1, 2"
    with pytest.raises(ValueError, match="mode='bgr' is none of dcr, crd, space_to_depth"):
        shuffle(2, 2, 8, 2, "bgr")
