# SPDX-License-Identifier: Apache-2.0
"""What the image blocks share: the shape of an image on a stream, and the ring in which rows wait (``tr_ring``).

An image of (height, width, channels) is sent row by row, pixel by pixel, ``lanes`` channels a word.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tailrace.blocks.automata import Store, runs
from tailrace.blocks.fifo import memory_cost
from tailrace.blocks.lanes import divisors
from tailrace.core.errors import MappingError
from tailrace.core.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tailrace.blocks.base import Integers, Stream
    from tailrace.targets.family import Family

NEVER = np.int64(1) << 60
"""Later than every event of a frame."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RingSchedule:
    """One frame of a block with a ring: all that a cycle-exact simulator needs. State goes on over frames.

    ``kept``: (input words,) bool; a word that is not kept is taken whenever it is offered, and leaves no trace.
    ``sources``: (output words,) which of the frame's kept words an output word is.
    ``freed``: (output words,) how many of the oldest words inside are not needed any more once it is fetched.
    ``depth``: places of the ring.

    On every edge, with the state before it: a kept word is taken if ``taken - freed so far < depth``; the next
    output word is fetched if the output register is empty or its word leaves, and its source has been taken;
    what is fetched on edge t can leave on edge t + 1.
    """

    kept: NDArray[np.bool_]
    sources: Integers
    freed: Integers
    depth: int


def ring_store(ring: RingSchedule) -> Store:
    """Return the automaton of a ring, its reads joined to runs in which what they need and free grows evenly."""
    need = ring.sources + 1
    limit = ring.depth + np.cumsum(ring.freed) - ring.freed
    steps, rises = np.diff(need), np.diff(limit)
    usual = int(np.bincount(steps[steps >= 0]).argmax()) if (steps >= 0).any() else 0
    jumps = steps != usual
    bends = np.r_[False, (rises[1:] != rises[:-1]) & ~jumps[:-1]] if len(rises) else jumps
    begins = np.r_[0, np.flatnonzero(jumps | bends) + 1]
    counts = np.diff(np.r_[begins, len(need)])
    inside = np.r_[rises, 0][begins] * (counts > 1)
    program = np.column_stack([counts, need[begins], np.full(len(begins), usual), limit[begins], inside])
    return Store(program=program, words=int(ring.kept.sum()), entry=runs(ring.kept))


def check_image(stream: Stream, *, height: int, width: int, channels: int) -> None:
    """Raise MappingError where the lanes do not divide the channels, ValueError where the words do not fit."""
    if min(height, width, channels) < 1:
        raise ValueError(f"height={height}, width={width} and channels={channels} must be at least 1")
    check_channel_lanes(stream.lanes, channels)
    if stream.words * stream.lanes != height * width * channels:
        raise ValueError(
            f"{stream.words} words of {stream.lanes} values are no image of {height} x {width} x {channels}"
        )


def check_channel_lanes(lanes: int, channels: int) -> None:
    """Raise MappingError where ``lanes`` does not divide ``channels``."""
    if lanes < 1 or channels % lanes:
        raise MappingError(
            f"{lanes} lanes do not divide the {channels} channels",
            hint=f"use one of {', '.join(map(str, divisors(channels)))}",
        )


def loop_sources(extents: Sequence[int], strides: Sequence[int]) -> Integers:
    """Return the numbers that nested loops visit, the innermost loop first in both lists."""
    numbers = np.zeros(1, np.int64)
    for extent, stride in zip(extents, strides, strict=True):
        numbers = (np.arange(extent, dtype=np.int64)[:, None] * stride + numbers).ravel()
    return numbers


def over_rounds(sources: Integers, freed: Integers, *, period: int, rounds: int) -> tuple[Integers, Integers]:
    """Return ``sources`` and ``freed`` of one round of ``period`` words for all ``rounds`` of a frame."""
    all_sources = (np.arange(rounds, dtype=np.int64)[:, None] * period + sources).ravel()
    return all_sources, np.tile(freed, rounds)


def ring_cost(*, depth: int, bits: int, loops: Sequence[int], family: Family) -> Resources:
    """Estimate a ring of ``depth`` words of ``bits`` bits, read by loops of these extents."""
    address = max(1, (depth - 1).bit_length())
    counts = sum((extent - 1).bit_length() for extent in loops)
    levels = sum(extent > 1 for extent in loops)
    wraps = 0 if depth == 1 << address else 1
    memory = memory_cost(depth=depth, bits=bits, family=family, registered=True)
    ff = 4 * address + counts + 5
    if family.wide_luts:
        lut = (3.5 + wraps + 0.4 * levels) * address + 1.3 * counts + 10
        return memory + Resources(
            lut=round(lut), ff=ff, carry=math.ceil((address + 1) / 4) * (4.5 + 1.5 * wraps)
        )
    lut = (7 + 2 * wraps + 1.0 * levels) * address + 2 * counts + 20
    carry = (address + 1) * (4.5 + 1.5 * wraps) / family.carry.bits
    return memory + Resources(lut=round(lut), ff=ff, carry=round(carry))


# --- windows ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A kernel of ``taps`` taps, ``dilation`` apart, that moves by ``stride`` along ``size`` positions.

    Only the positions that a window uses are kept, as far as the rest have a regular pattern: windows that
    lie apart keep their taps; of others, every multiple of the common divisor of stride and dilation is kept.
    On what is kept, windows are ``move`` apart and taps ``spread``.
    """

    size: int
    taps: int
    stride: int
    dilation: int

    @property
    def reach(self) -> int:
        """How many positions the last tap is from the first."""
        return (self.taps - 1) * self.dilation

    @property
    def windows(self) -> int:
        """How many places the kernel has."""
        return (self.size - self.reach - 1) // self.stride + 1

    @property
    def apart(self) -> bool:
        """Whether every window ends before the next begins."""
        return self.windows == 1 or self.reach < self.stride

    @property
    def move(self) -> int:
        """How many kept positions a window is from the next."""
        return self.taps if self.apart else self.stride // math.gcd(self.stride, self.dilation)

    @property
    def spread(self) -> int:
        """How many kept positions a tap is from the next."""
        return 1 if self.apart else self.dilation // math.gcd(self.stride, self.dilation)

    def kept(self) -> NDArray[np.bool_]:
        """Return for each of the ``size`` positions whether it is kept."""
        positions = np.arange(self.size)
        last = (self.windows - 1) * self.stride + self.reach
        if self.apart:
            place = positions if self.windows == 1 else positions % self.stride
            regular = (place % self.dilation == 0) & (place // self.dilation < self.taps)
        else:
            regular = positions % math.gcd(self.stride, self.dilation) == 0
        kept: NDArray[np.bool_] = (positions <= last) & regular
        return kept


@lru_cache(maxsize=256)
def window_depth(rows: Axis, columns: Axis, groups: int) -> int:
    """Return the places of the smallest ring with which windows are sent without a pause between frames.

    ``groups`` are the words of a pixel. The words of a window, up to the first of the next window, are freed
    when its last word is read. The side with more words (a frame of input or of output) never waits. Where
    that is the output, every word is written as late as the ones after it allow; where it is the input, every
    word is read as early as can be; the most words inside in such a schedule is what the ring must hold. No
    other schedule needs less.
    """
    kept_rows, kept_columns = np.flatnonzero(rows.kept()), np.flatnonzero(columns.kept())
    width = len(kept_columns)
    pixels = len(kept_rows) * width
    came = (kept_rows[:, None] * columns.size + kept_columns).ravel()  # number of a kept pixel in the input
    starts = loop_sources(
        (columns.windows, rows.windows), (columns.move, rows.move * width)
    )  # the first pixel of each window
    taps = loop_sources((columns.taps, rows.taps), (columns.spread, rows.spread * width))
    used = (starts[:, None] + taps).ravel()  # the pixel of each event: a pixel of a window is sent
    events, arrivals = len(used), rows.size * columns.size
    number = np.arange(pixels)

    # `first` and `rest`: windows sent before the first word of each pixel is written, and before its others.
    if events >= arrivals:
        use = np.full(pixels, NEVER)
        np.minimum.at(use, used, np.arange(events))
        slack = use - came
        slack = np.concatenate([slack, slack + events - arrivals])
        slack = np.minimum.accumulate(slack[::-1])[::-1][:pixels]
        event = came + slack  # a pixel is written while this event is sent
        # the event before, for the first word, unless that is in the middle of its words (groups > 1)
        first, rest = (event - 1) // len(taps), event // len(taps)
    else:
        frames = np.arange(3)[:, None]
        ready = (came[used] + frames * arrivals).ravel() - np.arange(3 * events)
        sent = np.maximum.accumulate(ready) + np.arange(3 * events)
        ends = sent[len(taps) - 1 :: len(taps)]
        now = came + 2 * arrivals
        first = np.searchsorted(ends, now - 2, side="right") - 2 * len(starts)
        rest = np.searchsorted(ends, now - 1, side="right") - 2 * len(starts)

    def oldest(windows: Integers) -> Any:  # noqa: ANN401 - an int64 array
        frame, window = np.divmod(windows, len(starts))
        return frame * pixels + starts[window]

    held = groups * (number - oldest(first)) + 1
    if groups > 1:
        held = np.maximum(held, groups * (number + 1 - oldest(rest)))
    return max(2, int(held.max()))
