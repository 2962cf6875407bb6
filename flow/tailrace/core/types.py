# SPDX-License-Identifier: Apache-2.0
"""Integer and fixed-point types: how many bits, signed or not, and where the binary point is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tailrace.core.errors import UsageError

FIXED_PATTERN = re.compile(r"(?:ap_)?(u?)fixed<\s*(\d+)\s*,\s*(-?\d+)\s*>")
MOST_BITS = 4096
"""No stream has wider integers; a width from a damaged file is told before it fills the memory."""

INT_PATTERN = re.compile(r"(?:ap_)?(u?)int(?:(\d+)|<\s*(\d+)\s*>)")


@dataclass(frozen=True, slots=True, order=True)
class IntType:
    """A two's-complement (``signed``) or unsigned integer of ``bits`` bits (at least 1)."""

    bits: int
    signed: bool

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= MOST_BITS:
            raise ValueError(f"an integer type has 1 to {MOST_BITS} bits, got {self.bits}")

    @property
    def min(self) -> int:
        """The smallest value of the type."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def max(self) -> int:
        """The largest value of the type."""
        return (1 << (self.bits - 1)) - 1 if self.signed else (1 << self.bits) - 1

    def __str__(self) -> str:
        return f"{'int' if self.signed else 'uint'}{self.bits}"

    @staticmethod
    def containing(low: int, high: int) -> IntType:
        """Return the smallest type that holds every integer from ``low`` to ``high``; unsigned if it can be."""
        if low > high:
            raise ValueError(f"empty range {low}..{high}")
        if low >= 0:
            return IntType(max(1, high.bit_length()), signed=False)
        return IntType(1 + max(max(high, 0).bit_length(), (-low - 1).bit_length()), signed=True)


@dataclass(frozen=True, slots=True)
class FixedType:
    """A fixed-point type: an integer type and the number of bits behind the binary point (may be negative)."""

    integer: IntType
    fraction_bits: int

    def __str__(self) -> str:
        if not self.fraction_bits:
            return str(self.integer)
        prefix = "" if self.integer.signed else "u"
        return f"{prefix}fixed<{self.integer.bits},{self.integer.bits - self.fraction_bits}>"

    @staticmethod
    def parse(text: str) -> FixedType:
        """Read ``fixed<W,I>``, ``ufixed<W,I>`` (W bits, I before the point, sign included), ``int8``, ``uint8``.

        The names of Vitis HLS and hls4ml are read too: ``ap_fixed<W,I>``, ``ap_ufixed<W,I>``,
        ``ap_int<W>``, ``ap_uint<W>``.
        """
        if match := FIXED_PATTERN.fullmatch(text.strip()):
            bits, before = int(match[2]), int(match[3])
            unsigned = bool(match[1])
        elif match := INT_PATTERN.fullmatch(text.strip()):
            bits = before = int(match[2] or match[3])
            unsigned = bool(match[1])
        else:
            raise UsageError(
                f"input type {text!r} is not a type",
                hint="write fixed<W,I> or ufixed<W,I> (W bits, I of them before the point) or int8, uint8",
            )
        if not 1 <= bits <= 32:
            raise UsageError(f"input type {text!r} has {bits} bits", hint="1 to 32 bits are possible")
        return FixedType(IntType(bits, signed=not unsigned), bits - before)
