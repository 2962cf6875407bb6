# SPDX-License-Identifier: Apache-2.0
"""Parallel window: the whole window under a kernel as one word, for every position of the kernel on an image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tailrace.blocks import automata
from tailrace.blocks.base import Block, Role, Stream
from tailrace.blocks.fifo import lut_memory_rows, memory_cost
from tailrace.blocks.ring import Axis, check_image
from tailrace.blocks.window import Window
from tailrace.core.errors import MappingError
from tailrace.core.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tailrace.blocks.base import Integers, Memory
    from tailrace.targets.family import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowParallel(Block):
    """The windows of :class:`~tailrace.blocks.window.Window`, a pixel a word in and a window a word out.

    ``stream`` is a whole frame of (``height``, ``width``, ``channels``), padding included, with all channels of a
    pixel in one word. The lanes of a window are (kernel row, kernel column, channel), the channels fastest.
    A signal over time is an image of height 1.

    Raises:
        MappingError: the lanes are not the channels, or the kernel is larger than the image.

    """

    name: ClassVar[str] = "window_parallel"
    role: ClassVar[Role] = Role.COMPUTES

    stream: Stream
    height: int
    width: int
    channels: int
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        check_image(self.stream, height=self.height, width=self.width, channels=self.channels)
        if self.stream.lanes != self.channels:
            raise MappingError(
                f"{self.stream.lanes} lanes are a part of a pixel of {self.channels} channels",
                hint=f"put a width block of {self.channels} lanes before it, or use window",
            )
        self._one_by_one()  # checks the kernel

    def _one_by_one(self) -> Window:
        """Return the block that sends the same windows tap by tap."""
        return Window(
            stream=self.stream,
            height=self.height,
            width=self.width,
            channels=self.channels,
            kernel=self.kernel,
            stride=self.stride,
            dilation=self.dilation,
        )

    @property
    def rows(self) -> Axis:
        """The kernel along the height."""
        return Axis(size=self.height, taps=self.kernel[0], stride=self.stride[0], dilation=self.dilation[0])

    @property
    def columns(self) -> Axis:
        """The kernel along the width."""
        return Axis(size=self.width, taps=self.kernel[1], stride=self.stride[1], dilation=self.dilation[1])

    @property
    def out_height(self) -> int:
        """Rows of windows."""
        return self.rows.windows

    @property
    def out_width(self) -> int:
        """Columns of windows."""
        return self.columns.windows

    @property
    def out_channels(self) -> int:
        """Values of a window: the lanes of the output."""
        return self.kernel[0] * self.kernel[1] * self.channels

    @property
    def delay_pixels(self) -> int:
        """Pixels that come from one row of the kernel to the next: the places of a delay line."""
        return self.dilation[0] * self.width

    @property
    def lead_words(self) -> int:
        """Pixels before the one on which the first window ends."""
        return self.rows.reach * self.width + self.columns.reach

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The image."""
        return (self.stream,)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The windows."""
        words = self.out_height * self.out_width
        return (Stream(lanes=self.out_channels, type=self.stream.type, words=words),)

    @property
    def interval_cycles(self) -> int:
        """Cycles from one frame to the next: a pixel every cycle."""
        return self.stream.words

    @property
    def latency_cycles(self) -> int:
        """Cycles from the edge that takes the first pixel to the edge that can take the first window."""
        return self.lead_words + 1

    def schedule(self) -> automata.Schedule:
        """A register that takes every pixel and sends the windows that end on one."""
        return automata.in_a_row(automata.where_sent(self.ends()))

    def parameters(self) -> Mapping[str, int]:
        """BITS, CHANNELS, HEIGHT, WIDTH, KERNEL, STRIDE and DILATION (_H, _W)."""
        return {
            "BITS": self.stream.type.bits,
            "CHANNELS": self.channels,
            "HEIGHT": self.height,
            "WIDTH": self.width,
            "KERNEL_H": self.kernel[0],
            "KERNEL_W": self.kernel[1],
            "STRIDE_H": self.stride[0],
            "STRIDE_W": self.stride[1],
            "DILATION_H": self.dilation[0],
            "DILATION_W": self.dilation[1],
        }

    def memories(self) -> tuple[Memory, ...]:
        """The block has no constants."""
        return ()

    @property
    def written_bits(self) -> int:
        """The delay lines, unless a row of pixels is one register."""
        return (self.kernel[0] - 1) * self.stream.bits * self.delay_pixels if self.delay_pixels > 1 else 0

    def ends(self) -> NDArray[np.bool_]:
        """Return for each pixel of a frame whether a window ends on it, which leaves on the next edge."""
        rows, columns = (
            np.isin(np.arange(axis.size), axis.reach + axis.stride * np.arange(axis.windows))
            for axis in (self.rows, self.columns)
        )
        ends: NDArray[np.bool_] = (rows[:, None] & columns).ravel()
        return ends

    def evaluate(self, frames: Integers) -> Integers:
        """Return (frames, windows * taps * channels) for (frames, values)."""
        return self._one_by_one().evaluate(frames)

    def cost(self, family: Family) -> Resources:
        """The delay lines, the registers of the columns, and the counts of rows and columns (from pyosys runs)."""
        shifting = family.shift_register_bits
        pixel = self.stream.bits
        column = self.kernel[0] * pixel
        above = column - pixel
        if (
            shifting and self.dilation[1] > 2
        ):  # columns that are not tapped are in shift registers, of so many places a LUT
            shifts = (self.kernel[1] - 1) * -(-self.dilation[1] // shifting)
            resources = Resources(lut=shifts * column, ff=column)
        else:
            resources = Resources(ff=(self.columns.reach + 1) * column)
        counts = [(size - 1).bit_length() for size in (self.height, self.width)]
        gaps = [_gap_bits(axis) for axis in (self.rows, self.columns)]
        pointer = 0
        if above and self.delay_pixels > 1:
            pointer = (self.delay_pixels - 1).bit_length()
            memory = memory_cost(depth=self.delay_pixels, bits=above, family=family, registered=True)
            resources += memory + _choice(self.delay_pixels, above, family, in_lut=memory.lut > 0)
        control = 1 + sum(counts) + sum(gaps) + 2 * pointer
        chains = [bits for bits in (*counts, *gaps, pointer) if bits > 2]  # shorter ones are made of LUTs
        if family.wide_luts:
            lut, carry = 4 + 0.65 * control, sum(-(-bits // 4) for bits in chains)
        elif family.carry.in_luts:
            lut, carry = 6 + 1.3 * control, sum(-(-bits // family.carry.bits) for bits in chains if bits > 4)
        else:
            lut, carry = (
                5 + 1.13 * control,
                sum(bits - 2 for bits in (*counts, pointer, *(g for g in gaps if g > 3)) if bits > 2),
            )
        return resources + Resources(lut=lut, ff=control, carry=carry)


def _gap_bits(axis: Axis) -> int:
    """Return the bits of the count of positions up to the next on which a window ends."""
    longest = max(axis.reach, min(axis.stride, axis.size) - 1)
    return longest.bit_length() if axis.size > 1 else 0


def _choice(depth: int, bits: int, family: Family, *, in_lut: bool) -> Resources:
    """Return what chooses between the parts of a memory that is deeper than one cell of LUTRAM."""
    if not in_lut:
        return Resources()
    parts = lut_memory_rows(family, depth)
    if family.wide_luts:
        return Resources(lut=bits * -(-(parts - 1) // 3))
    return Resources(lut=2 * bits * (parts - 1))
