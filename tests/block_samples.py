# SPDX-License-Identifier: Apache-2.0
"""One small block of every kind and more of those with several shapes of hardware, for tests of the protocol.

A block that is not listed here has its sample as ``SAMPLE`` in its own test, ``tests/blocks/test_<name>.py``.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from tailrace.blocks.argmax import ArgMax
from tailrace.blocks.base import Stream
from tailrace.blocks.catalogue import BLOCKS
from tailrace.blocks.concat import Concat
from tailrace.blocks.dense_binary import DenseBinary
from tailrace.blocks.dense_folded import DenseFolded
from tailrace.blocks.depthwise import Depthwise
from tailrace.blocks.eltwise import Eltwise
from tailrace.blocks.fifo import Fifo
from tailrace.blocks.fork import Fork
from tailrace.blocks.frame import Frame
from tailrace.blocks.multiply_shift import MultiplyShift
from tailrace.blocks.pad import Pad
from tailrace.blocks.permute import Permute
from tailrace.blocks.pool import Pool
from tailrace.blocks.replay import Replay
from tailrace.blocks.round_shift import RoundShift
from tailrace.blocks.shuffle import Shuffle
from tailrace.blocks.skid import Skid
from tailrace.blocks.slice import Slice
from tailrace.blocks.table import Table
from tailrace.blocks.threshold import Threshold
from tailrace.blocks.threshold_search import ThresholdSearch
from tailrace.blocks.upsample import Upsample
from tailrace.blocks.width import Width
from tailrace.blocks.window import Window
from tailrace.blocks.window_parallel import WindowParallel
from tailrace.core.types import IntType
from tailrace.spatial.block import Spatial
from tailrace.spatial.build import ConstantProduct, build
from tailrace.targets.families import FAMILIES

if TYPE_CHECKING:
    from tailrace.blocks.base import Block

U3, S3, S4, S9 = (
    IntType(3, signed=False),
    IntType(3, signed=True),
    IntType(4, signed=True),
    IntType(9, signed=True),
)


def stream(words: int, lanes: int = 2) -> Stream:
    return Stream(lanes=lanes, type=S3, words=words)


def vectors(rows: int, cols: int) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    return (np.arange(rows * cols, dtype=np.int64).reshape(rows, cols) * 5) % 7 - 3


def adders() -> Spatial:
    layer = ConstantProduct(name="layer", weights=vectors(3, 4), bias=np.arange(3, dtype=np.int64))
    low, high = np.full(4, S3.min), np.full(4, S3.max)
    circuit = build((layer,), low, high, family=FAMILIES["ecp5"], ranks=2)
    return Spatial(circuit=circuit, in_type=S3, out_type=S9, vectors=2)


def thresholds(kind: type[Threshold | ThresholdSearch]) -> Threshold | ThresholdSearch:
    return kind(
        thresholds=np.array([[-2, 0, 1], [-3, -1, 3], [-2, -1, 0], [0, 1, 2]]),
        base=np.array([0, 1, 3, 0]),
        decreasing=np.array([False, False, True, False]),
        channels=4,
        pe=2,
        in_type=S3,
        out_type=U3,
    )


IMAGE = {"stream": stream(12), "height": 3, "width": 4, "channels": 2}
WINDOW = {**IMAGE, "kernel": (2, 2)}
CHANNELS = {"channels": 4, "pe": 2, "in_type": S3}

SAMPLES: dict[str, Block] = {
    "argmax": ArgMax(**CHANNELS, vectors=2),
    "concat": Concat(a=stream(4), b=stream(2), a_channels=4, b_channels=2),
    "dense_binary": DenseBinary(
        weights=np.where(vectors(4, 6) > 0, 1, -1), pe=2, simd=3, out_type=S9, vectors=2
    ),
    "dense_folded": DenseFolded(
        weights=vectors(4, 6),
        bias=np.arange(4, dtype=np.int64),
        pe=2,
        simd=3,
        in_type=S3,
        out_type=S9,
        style="block",
    ),
    "depthwise": Depthwise(weights=vectors(6, 4), pe=2, in_type=S3, out_type=S9, vectors=2),
    "depthwise, in registers": Depthwise(weights=vectors(4, 4), pe=2, in_type=S3, out_type=S9),
    "eltwise": Eltwise(operation="add", a=stream(3), b=stream(3), out_type=S9, b_factor=3, vectors=2),
    "fifo": Fifo(stream=stream(3), depth=12),
    "fifo, one word": Fifo(stream=stream(3), depth=1),
    "fifo, two words": Fifo(stream=stream(3), depth=2),
    "fifo, deep": Fifo(stream=stream(3), depth=50, vectors=2),
    "fork": Fork(stream=stream(3), branches=3),
    "frame": Frame(stream=stream(3)),
    "multiply_shift": MultiplyShift(
        **CHANNELS,
        factors=np.array([3, -5, 7, 1]),
        bias=np.array([1, 2, 3, 4]),
        shift=2,
        low=-8,
        high=7,
        out_type=S4,
        dsp=False,
        vectors=2,
    ),
    "pad": Pad(**IMAGE, top=1, bottom=0, left=1, right=2, value=-1),
    "permute": Permute(stream=stream(5), order=np.array([3, 0, 4, 1, 2])),
    "pool": Pool(operation="sum", channels=6, pe=2, taps=4, in_type=S3, out_type=S9, vectors=2),
    "pool, in registers": Pool(operation="maximum", channels=4, pe=2, taps=4, in_type=S3, out_type=S3),
    "pool, one tap": Pool(operation="maximum", channels=8, pe=2, taps=1, in_type=S3, out_type=S3),
    "replay": Replay(vector=stream(3), times=2, vectors=2),
    "replay, once": Replay(vector=stream(3), times=1),
    "round_shift": RoundShift(
        **CHANNELS, bias=np.array([1, 2, 3, 4]), shift=1, mode="half_even", low=-4, high=3, out_type=S3
    ),
    "shuffle": Shuffle(stream=stream(16), height=2, width=2, channels=8, block=2, mode="dcr"),
    "shuffle, lanes change places": Shuffle(
        stream=stream(16), height=2, width=2, channels=8, block=2, mode="crd"
    ),
    "skid": Skid(stream=stream(3), vectors=2),
    "slice": Slice(stream=stream(6), channels=6, start=2, stop=4),
    "spatial": adders(),
    "table": Table(
        **CHANNELS, values=np.tile(np.arange(8) - 4, (4, 1)) // np.arange(1, 5)[:, None], out_type=S3
    ),
    "threshold": thresholds(Threshold),
    "threshold_search": thresholds(ThresholdSearch),
    "upsample": Upsample(**IMAGE, factor=(2, 2)),
    "width": Width(type=S3, in_lanes=2, out_lanes=3, words_in=6, vectors=2),
    "window": Window(**WINDOW),
    "window, in order": Window(**IMAGE, kernel=(1, 2), stride=(1, 2)),
    "window_parallel": WindowParallel(**WINDOW),
}
"""By name of the block, and what is special of it."""


def own_sample(name: str) -> Block:
    """Return the ``SAMPLE`` of a block's own test."""
    path = Path(__file__).parent / "blocks" / f"test_{name}.py"
    spec = importlib.util.spec_from_file_location(f"sample_of_{name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sample: Block = module.SAMPLE
    return sample


SAMPLES |= {name: own_sample(name) for name in BLOCKS if name not in SAMPLES}
