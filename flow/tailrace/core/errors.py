# SPDX-License-Identifier: Apache-2.0
"""The errors a user can mend: one message, where it happened, and the way out."""

from __future__ import annotations


class TailraceError(Exception):
    """Something the user can fix; printed without a traceback as ``where: message`` and a hint line."""

    exit_code = 1

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text}\n  hint: {self.hint}" if self.hint else text


class ModelError(TailraceError):
    """The network cannot be read, or a part of it cannot be turned into integers."""


class MappingError(TailraceError):
    """The integer graph cannot be laid out as asked (folding, rate, part)."""


class UsageError(TailraceError):
    """The command or a configuration file asks for something that does not exist."""

    exit_code = 2


class Mismatch(TailraceError):
    """Hardware and model disagree; names layer, index, expected and got.

    ``index`` is (vector, channel), or (vector, position ..., channel) in a tensor with positions; ``count`` is how many
    values of that layer differ in all.
    """

    exit_code = 3

    def __init__(
        self,
        *,
        layer: str,
        index: tuple[int, ...],
        expected: int,
        got: int,
        check: str,
        count: int = 1,
        hint: str | None = None,
    ) -> None:
        vector, *position, channel = index if len(index) > 1 else (*index, 0)
        at = f" at position ({', '.join(map(str, position))})" if position else ""
        values = "1 value differs" if count == 1 else f"{count} values differ"
        super().__init__(
            f"{layer}: channel {channel}{at} of vector {vector} is {got}, expected {expected} ({values})",
            where=check,
            hint=hint,
        )
        self.layer = layer
        self.index = index
        self.expected = expected
        self.got = got
        self.check = check
        self.count = count


class ToolError(TailraceError):
    """An external tool is missing, failed, or ran out of time."""

    exit_code = 4


class VendorReportError(TailraceError):
    """A file is not the report of a tool that it seems to be, is cut off, or is of no kind that is read."""
