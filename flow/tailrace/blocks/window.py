# SPDX-License-Identifier: Apache-2.0
"""Window: all words under a kernel, for every position of the kernel on an image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tailrace.blocks import automata
from tailrace.blocks.base import Block, Role
from tailrace.blocks.ring import (
    Axis,
    RingSchedule,
    check_image,
    loop_sources,
    ring_cost,
    ring_store,
    window_depth,
)
from tailrace.core.errors import MappingError
from tailrace.core.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.blocks.base import Integers, Memory, Stream
    from tailrace.targets.family import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class Window(Block):
    """The windows on an image of a ``kernel`` (rows, columns) that moves by ``stride``, its taps ``dilation`` apart.

    ``stream`` is a whole frame of (``height``, ``width``, ``channels``), padding included; its lanes divide the
    channels. Every window is sent whole: (kernel row, kernel column, channel), the channels fastest.
    A signal over time is an image of height 1.

    Raises:
        MappingError: the lanes do not divide the channels, or the kernel is larger than the image.

    """

    name: ClassVar[str] = "window"
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
        if min(*self.kernel, *self.stride, *self.dilation) < 1:
            raise ValueError(
                f"kernel={self.kernel}, stride={self.stride} and dilation={self.dilation} must be at least 1"
            )
        spans = [(taps - 1) * step + 1 for taps, step in zip(self.kernel, self.dilation, strict=True)]
        if spans[0] > self.height or spans[1] > self.width:
            raise MappingError(
                f"a kernel that covers {spans[0]} x {spans[1]} pixels does not fit an image of "
                f"{self.height} x {self.width}",
                hint="pad the image, or use a smaller kernel or dilation",
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
        """Values of a window."""
        return self.kernel[0] * self.kernel[1] * self.channels

    @property
    def groups(self) -> int:
        """Words of a pixel."""
        return self.channels // self.stream.lanes

    @property
    def in_order(self) -> bool:
        """Whether every word leaves at most once and in the order in which the words came: no ring is needed."""
        apart = self.rows.apart and self.columns.apart
        return apart and (self.kernel[0] == 1 or self.out_width == 1)

    @property
    def depth(self) -> int:
        """Words of the smallest ring with which there is no pause between frames; 0 where none is needed."""
        return 0 if self.in_order else window_depth(self.rows, self.columns, self.groups)

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """The image."""
        return (self.stream,)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """The windows."""
        words = self.out_height * self.out_width * self.kernel[0] * self.kernel[1] * self.groups
        return (replace(self.stream, words=words),)

    @property
    def interval_cycles(self) -> int:
        """Cycles from one frame to the next: a word every cycle on the side with more words."""
        return max(self.stream.words, self.outputs[0].words)

    @property
    def latency_cycles(self) -> int:
        """Cycles from the edge that takes the first word to the edge that can take the first output word."""
        return 1 if self.in_order else 2

    def schedule(self) -> automata.Schedule:
        """The ring, or where words leave in order, a register that the others do not enter."""
        ring = self.ring()
        return automata.in_a_row(automata.in_order(ring.kept) if self.in_order else ring_store(ring))

    def parameters(self) -> Mapping[str, int]:
        """LANES, BITS, CHANNELS, HEIGHT, WIDTH, KERNEL, STRIDE and DILATION (_H, _W), DEPTH (places of the ring)."""
        return {
            "LANES": self.stream.lanes,
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
            "DEPTH": self.depth,
        }

    def memories(self) -> tuple[Memory, ...]:
        """The block has no constants."""
        return ()

    @property
    def written_bits(self) -> int:
        """The ring."""
        return self.depth * self.stream.bits

    def ring(self) -> RingSchedule:
        """Return which input words are kept, and what each output word is and frees (in order: without a ring)."""
        groups, rows, columns = self.groups, self.rows, self.columns
        kept = rows.kept()[:, None] & columns.kept()
        width = int(columns.kept().sum()) * groups
        starts = loop_sources((columns.windows, rows.windows), (columns.move * groups, rows.move * width))
        taps = loop_sources(
            (groups, columns.taps, rows.taps), (1, columns.spread * groups, rows.spread * width)
        )
        freed = np.zeros((len(starts), len(taps)), np.int64)
        freed[:, -1] = np.diff(starts, append=int(kept.sum()) * groups)
        return RingSchedule(
            kept=kept.ravel().repeat(groups),
            sources=(starts[:, None] + taps).ravel(),
            freed=freed.ravel(),
            depth=self.depth,
        )

    def evaluate(self, frames: Integers) -> Integers:
        """Return (frames, windows * taps * channels) for (frames, values)."""
        image = np.ascontiguousarray(frames).reshape(-1, self.height, self.width, self.channels)
        frame, row, column, channel = image.strides
        windows = np.lib.stride_tricks.as_strided(
            image,
            (len(image), self.out_height, self.out_width, *self.kernel, self.channels),
            (
                frame,
                row * self.stride[0],
                column * self.stride[1],
                row * self.dilation[0],
                column * self.dilation[1],
                channel,
            ),
            writeable=False,
        )
        return windows.reshape(len(frames), -1)

    def cost(self, family: Family) -> Resources:
        """The ring with its loops, and the counts that skip words; a register where words leave in order."""
        rows, columns = self.rows, self.columns
        kept_rows, kept_columns = rows.kept(), columns.kept()
        skips = Resources()
        if not (kept_rows.all() and kept_columns.all()):
            counts = (self.stream.words - 1).bit_length() + 2
            skips = Resources(lut=0.9 * counts + 2, ff=counts)
        if self.in_order:
            return skips + Resources(lut=2, ff=self.stream.bits + 1)
        loops = (self.groups, self.kernel[1], self.kernel[0], self.out_width, self.out_height)
        return skips + ring_cost(depth=self.depth, bits=self.stream.bits, loops=loops, family=family)
