# SPDX-License-Identifier: Apache-2.0
"""Permute: the words of a frame in another order, any one that is known when the design is made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tailrace.blocks import lanes
from tailrace.blocks.base import Memory
from tailrace.blocks.fifo import memory_cost
from tailrace.blocks.ring import RingSchedule
from tailrace.resources import Resources
from tailrace.types import IntType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.blocks.base import Integers, Stream


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Permute:
    """Output word i of a frame is its input word ``order[i]``; two frames are held.

    ``order`` (words,) int64, each number once. Raises ValueError where it is something else.
    """

    name: ClassVar[str] = "permute"

    stream: Stream
    order: Any

    def __post_init__(self) -> None:
        words = self.stream.words
        if self.order.dtype != np.int64 or self.order.shape != (words,):
            raise ValueError(f"order must be int64 ({words},), got {self.order.dtype} {self.order.shape}")
        wrong = np.flatnonzero(np.sort(self.order) != np.arange(words))
        if len(wrong) or not words:
            raise ValueError(f"the order of {words} words must have each of them once")

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The frame."""
        return (self.stream,)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """As many words, in another order."""
        return (replace(self.stream),)

    @property
    def interval_cycles(self) -> int:
        """Cycles from one frame to the next: a word every cycle."""
        return self.stream.words

    @property
    def latency_cycles(self) -> int:
        """Cycles from the edge that takes the first word to the edge that can take the first output word."""
        return 2 + int(self.order[0])

    def parameters(self) -> Mapping[str, int]:
        """WIDTH, WORDS, FIRST (the word that goes first)."""
        return {"WIDTH": self.stream.bits, "WORDS": self.stream.words, "FIRST": int(self.order[0])}

    def memories(self) -> tuple[Memory, ...]:
        """``order``: for each word that goes, its number among those that come."""
        return (Memory(name="order", values=self.order[:, None], type=IntType(self._bits, signed=False)),)

    @property
    def _bits(self) -> int:
        """Bits of the number of a word."""
        return max(1, (self.stream.words - 1).bit_length())

    def schedule(self) -> RingSchedule:
        """Return what each output word is; the last one frees the whole frame, of two."""
        words = self.stream.words
        freed = np.zeros(words, np.int64)
        freed[-1] = words
        return RingSchedule(kept=np.ones(words, np.bool_), sources=self.order, freed=freed, depth=2 * words)

    def evaluate(self, frames: Integers) -> Integers:
        """Return (frames, values) in the order of the output for (frames, values)."""
        words: Integers = frames.reshape(len(frames), self.stream.words, self.stream.lanes)[:, self.order]
        return words.reshape(frames.shape)

    def cost(self, family: str) -> Resources:
        """A memory of two frames, the order, and three numbers of words."""
        return Resources()
