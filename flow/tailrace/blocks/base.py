# SPDX-License-Identifier: Apache-2.0
"""What every hardware block tells the planner and the emitters: its streams, cycles, memories, parameters, cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.core.resources import Resources
    from tailrace.core.types import IntType

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One AXI-Stream edge: ``lanes`` integers of type ``type`` per word, ``words`` words per frame."""

    lanes: int
    type: IntType
    words: int

    @property
    def bits(self) -> int:
        """The width of ``tdata`` in bits."""
        return self.lanes * self.type.bits


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """A read-only memory of a block: (depth, elements) integers, every element of type ``type``.

    In Verilog one word holds all elements of a row, element 0 in the lowest bits (``$readmemh`` file);
    in HLS C++ it is an array ``[depth][elements]``.
    """

    name: str
    values: Any  # (depth, elements) int64 array; Any so that the dataclass stays hashable by identity
    type: IntType

    def hex_lines(self) -> str:
        """Return the ``$readmemh`` text, one word a line."""
        elements = self.values.shape[1]
        digits = -(-elements * self.type.bits // 4)
        mask = (1 << self.type.bits) - 1
        lines = []
        for row in self.values.tolist():
            word = 0
            for index, value in enumerate(row):
                word |= (int(value) & mask) << (index * self.type.bits)
            lines.append(f"{word:0{digits}x}")
        return "\n".join(lines) + "\n"

    def c_rows(self) -> str:
        """Return the text between the braces of a C++ array of rows."""
        rows = ("{" + ", ".join(str(v) for v in row) + "}" for row in self.values.tolist())
        return ",\n".join(rows) + "\n"


@runtime_checkable
class Block(Protocol):
    """A hardware block with its parameters fixed; frozen dataclasses in ``tailrace.blocks`` fulfil it."""

    name: ClassVar[str]
    """Base name: ``rtl/tr_<name>.v``, ``templates_hls/tr_<name>.hpp``, ``sim/test_<name>.py``, ..."""

    @property
    def inputs(self) -> tuple[Stream, ...]:
        """Return the input streams, in port order."""

    @property
    def outputs(self) -> tuple[Stream, ...]:
        """Return the output streams, in port order."""

    @property
    def interval_cycles(self) -> int:
        """Return the cycles from one frame to the next when input is always there and output always taken."""

    def parameters(self) -> Mapping[str, int]:
        """Return the parameters (upper case), the same integers for Verilog and for the HLS parameter struct."""

    def memories(self) -> tuple[Memory, ...]:
        """Return the read-only memories; ``Memory.name`` upper-cased + ``_FILE`` is the Verilog parameter."""

    # Any: each block names its own inputs, and mypy lets these two stand for every signature.
    def evaluate(self, *frames: Any, **named_frames: Any) -> Integers | tuple[Integers, ...]:  # noqa: ANN401
        """Compute the block in numpy on (frames, lanes * words) integers per input, in stream order."""

    def cost(self, family: str) -> Resources:
        """Estimate the resources on ``family`` (xc7, xcup, ecp5, ice40): analytic, within about 30 %."""
