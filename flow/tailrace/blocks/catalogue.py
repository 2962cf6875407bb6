# SPDX-License-Identifier: Apache-2.0
"""The table of all hardware blocks, and what a block must say of itself to stand in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.blocks.argmax import ArgMax
from tailrace.blocks.base import Block
from tailrace.blocks.concat import Concat
from tailrace.blocks.dense_binary import DenseBinary
from tailrace.blocks.dense_folded import DenseFolded
from tailrace.blocks.depthwise import Depthwise
from tailrace.blocks.eltwise import Eltwise
from tailrace.blocks.fifo import Fifo
from tailrace.blocks.fork import Fork
from tailrace.blocks.frame import Frame
from tailrace.blocks.mark import Mark
from tailrace.blocks.matmul import MatMul
from tailrace.blocks.multiply_shift import MultiplyShift
from tailrace.blocks.normalize import Normalize
from tailrace.blocks.pad import Pad
from tailrace.blocks.permute import Permute
from tailrace.blocks.pool import Pool
from tailrace.blocks.replay import Replay
from tailrace.blocks.round_shift import RoundShift
from tailrace.blocks.shuffle import Shuffle
from tailrace.blocks.skid import Skid
from tailrace.blocks.slice import Slice
from tailrace.blocks.softmax import Softmax
from tailrace.blocks.state import StateBuffer
from tailrace.blocks.table import Table
from tailrace.blocks.threshold import Threshold
from tailrace.blocks.threshold_search import ThresholdSearch
from tailrace.blocks.upsample import Upsample
from tailrace.blocks.width import Width
from tailrace.blocks.window import Window
from tailrace.blocks.window_parallel import WindowParallel
from tailrace.core import table as tables
from tailrace.spatial.block import Spatial

if TYPE_CHECKING:
    from collections.abc import Iterable

BLOCKS: tables.Table[str, type[Block]] = tables.Table(
    "BLOCKS",
    __name__,
    {
        "argmax": ArgMax,
        "concat": Concat,
        "dense_binary": DenseBinary,
        "dense_folded": DenseFolded,
        "depthwise": Depthwise,
        "eltwise": Eltwise,
        "fifo": Fifo,
        "fork": Fork,
        "frame": Frame,
        "mark": Mark,
        "matmul": MatMul,
        "multiply_shift": MultiplyShift,
        "normalize": Normalize,
        "pad": Pad,
        "permute": Permute,
        "pool": Pool,
        "replay": Replay,
        "round_shift": RoundShift,
        "shuffle": Shuffle,
        "skid": Skid,
        "slice": Slice,
        "softmax": Softmax,
        "spatial": Spatial,
        "state": StateBuffer,
        "table": Table,
        "threshold": Threshold,
        "threshold_search": ThresholdSearch,
        "upsample": Upsample,
        "width": Width,
        "window": Window,
        "window_parallel": WindowParallel,
    },
)
"""Every block by its base name."""

TOGETHER: tuple[frozenset[str], ...] = (frozenset({"reset", "evaluate_from"}),)
"""Members of the protocol that belong together: a block that replaces one of them replaces all."""


def missing_members(block: type[Block]) -> list[str]:
    """Return what a block does not say of itself although the protocol wants every block to; best empty."""
    said = {name for base in block.__mro__ if base not in (Block, *Block.__mro__) for name in vars(base)}
    wanted: Iterable[str] = ("name", "role", *sorted(Block.__abstractmethods__))
    missing = [name for name in wanted if name not in said]
    for members in TOGETHER:
        if said & members:
            missing += sorted(members - said)
    return missing
