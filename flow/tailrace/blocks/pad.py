# SPDX-License-Identifier: Apache-2.0
"""Pad: rows and columns of a constant around an image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tailrace.blocks import automata
from tailrace.blocks.base import Block, Role
from tailrace.blocks.ring import check_image
from tailrace.core.errors import MappingError
from tailrace.core.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.blocks.base import Integers, Memory, Stream
    from tailrace.targets.family import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class Pad(Block):
    """Adds ``top``, ``bottom`` rows and ``left``, ``right`` columns of ``value`` to an image.

    ``stream`` is a whole frame of (``height``, ``width``, ``channels``); its lanes divide the channels.

    Raises:
        MappingError: the lanes do not divide the channels, or ``value`` does not fit the type of the stream.

    """

    name: ClassVar[str] = "pad"
    role: ClassVar[Role] = Role.COMPUTES

    stream: Stream
    height: int
    width: int
    channels: int
    top: int
    bottom: int
    left: int
    right: int
    value: int = 0

    def __post_init__(self) -> None:
        check_image(self.stream, height=self.height, width=self.width, channels=self.channels)
        if min(self.top, self.bottom, self.left, self.right) < 0:
            raise ValueError(
                f"top={self.top}, bottom={self.bottom}, left={self.left} and right={self.right} must not be negative"
            )
        kind = self.stream.type
        low, high = max(kind.min, -(1 << 31)), kind.max if kind.bits <= 32 else (1 << 31) - 1
        if not low <= self.value <= high:
            raise MappingError(
                f"the padding {self.value} does not fit {kind}", hint=f"use a value from {low} to {high}"
            )

    @property
    def out_height(self) -> int:
        """Rows of the output."""
        return self.top + self.height + self.bottom

    @property
    def out_width(self) -> int:
        """Columns of the output."""
        return self.left + self.width + self.right

    @property
    def out_channels(self) -> int:
        """Channels of the output: those of the input."""
        return self.channels

    @property
    def groups(self) -> int:
        """Words of a pixel."""
        return self.channels // self.stream.lanes

    @property
    def lead_words(self) -> int:
        """Words of padding before the first word of the image."""
        return (self.top * self.out_width + self.left) * self.groups

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The image."""
        return (self.stream,)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The padded image."""
        return (replace(self.stream, words=self.out_height * self.out_width * self.groups),)

    @property
    def interval_cycles(self) -> int:
        """Cycles from one frame to the next: an output word every cycle."""
        return self.outputs[0].words

    @property
    def latency_cycles(self) -> int:
        """Cycles from the edge that the first word is offered on to the edge that can take the first output word.

        The first word is taken ``lead_words`` cycles after it is offered, when the padding before it is made.
        """
        return 1

    def schedule(self) -> automata.Schedule:
        """A register; padding needs no word, but the first of a frame waits for one to be offered."""
        step = automata.step
        row = self.width * self.groups
        gap = (self.left + self.right) * self.groups
        tail = (self.right + self.bottom * self.out_width) * self.groups
        lead = self.lead_words
        steps = [step(min(lead, 1), takes=0, waits=1), step(max(lead - 1, 0), takes=0)]
        for index in range(self.height):
            steps += [step(row, takes=1), step(gap if index + 1 < self.height else tail, takes=0)]
        return automata.in_a_row(automata.Pipeline(program=automata.rows(*steps), depth=1))

    def parameters(self) -> Mapping[str, int]:
        """LANES, BITS, CHANNELS, HEIGHT, WIDTH, TOP, BOTTOM, LEFT, RIGHT, VALUE."""
        return {
            "LANES": self.stream.lanes,
            "BITS": self.stream.type.bits,
            "CHANNELS": self.channels,
            "HEIGHT": self.height,
            "WIDTH": self.width,
            "TOP": self.top,
            "BOTTOM": self.bottom,
            "LEFT": self.left,
            "RIGHT": self.right,
            # the same 32 bits, as an integer that is signed
            "VALUE": self.value - (1 << 32) if self.value >= 1 << 31 else self.value,
        }

    def memories(self) -> tuple[Memory, ...]:
        """The block has no constants."""
        return ()

    @property
    def written_bits(self) -> int:
        """The block writes no memory."""
        return 0

    def evaluate(self, frames: Integers) -> Integers:
        """Return (frames, padded values) for (frames, values)."""
        shape = (len(frames), self.out_height, self.out_width, self.channels)
        padded = np.full(shape, self.value, frames.dtype)
        image = frames.reshape(-1, self.height, self.width, self.channels)
        padded[:, self.top : self.top + self.height, self.left : self.left + self.width] = image
        return padded.reshape(len(frames), -1)

    def cost(self, family: Family) -> Resources:
        """The output register, which padding sets and resets, and the counts of words and rows."""
        row = self.out_width * self.groups
        runs = (
            self.lead_words,
            self.width * self.groups,
            (self.left + self.right) * self.groups,
            self.right * self.groups + self.bottom * row,
        )
        count, rows = (max(runs) - 1).bit_length(), (self.height - 1).bit_length()
        per_bit = 2.0 if family.wide_luts else 3.0
        return Resources(
            lut=round(per_bit * count + 1.2 * rows + 10),
            ff=self.stream.bits + count + rows + 4,
            carry=-(-count // 4) + -(-rows // 4),
        )
