# SPDX-License-Identifier: Apache-2.0
"""Boolean functions as Liberty writes them: ``!(A*B)``, ``A' + B C``, ``(A ^ B)``; to Verilog and to truth tables."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.asic.liberty.syntax import LibertyError

if TYPE_CHECKING:
    from collections.abc import Mapping

TOKEN = re.compile(r"\s*([A-Za-z_][\w\[\].]*|[01]|[()!'*&^+|])")


@dataclass(frozen=True, slots=True)
class Function:
    """An expression: ``operation`` is ``name``, ``constant``, ``not``, ``and``, ``or`` or ``xor``."""

    operation: str
    name: str = ""
    parts: tuple[Function, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The pins and state variables that it reads, each once, in order."""
        if self.operation == "name":
            return (self.name,)
        return tuple(dict.fromkeys(name for part in self.parts for name in part.names))

    def verilog(self, rename: Mapping[str, str] | None = None) -> str:
        """Return a Verilog expression of one bit, fully in parentheses."""
        match self.operation:
            case "name":
                return (rename or {}).get(self.name, self.name)
            case "constant":
                return f"1'b{self.name}"
            case "not":
                return f"(~{self.parts[0].verilog(rename)})"
        sign = {"and": " & ", "or": " | ", "xor": " ^ "}[self.operation]
        return f"({sign.join(part.verilog(rename) for part in self.parts)})"

    def value(self, of: Mapping[str, int]) -> int:
        """Return 0 or 1 for the values of the names."""
        match self.operation:
            case "name":
                return of[self.name]
            case "constant":
                return int(self.name)
            case "not":
                return 1 - self.parts[0].value(of)
            case "and":
                return int(all(part.value(of) for part in self.parts))
            case "or":
                return int(any(part.value(of) for part in self.parts))
        return sum(part.value(of) for part in self.parts) % 2

    def table(self, names: tuple[str, ...]) -> tuple[int, ...] | None:
        """Return the values over all inputs, the last name changing fastest; None where others are read."""
        if not set(self.names) <= set(names):
            return None
        return tuple(
            self.value(dict(zip(names, bits, strict=True)))
            for bits in itertools.product((0, 1), repeat=len(names))
        )


def parse_function(text: str) -> Function:
    """Read a Liberty expression.

    ``'`` and ``!`` bind most, then ``^``, then ``*``, ``&`` and nothing at all, then ``+`` and ``|``.

    Raises LibertyError where it is none.
    """
    tokens = []
    at = 0
    stripped = text.strip()
    while at < len(stripped):
        found = TOKEN.match(stripped, at)
        if found is None:
            raise _wrong(text)
        tokens.append(found[1])
        at = found.end()
    function, rest = _sum(tokens, text)
    if rest:
        raise _wrong(text)
    return function


def _wrong(text: str) -> LibertyError:
    return LibertyError(
        f"the function {text!r} cannot be read", hint="wanted names, 0, 1 and ! ' * & ^ + | ( )"
    )


def _sum(tokens: list[str], text: str) -> tuple[Function, list[str]]:
    parts = []
    while True:
        part, tokens = _product(tokens, text)
        parts.append(part)
        if not tokens or tokens[0] not in ("+", "|"):
            return _joined("or", parts), tokens
        tokens = tokens[1:]


def _product(tokens: list[str], text: str) -> tuple[Function, list[str]]:
    parts = []
    while True:
        part, tokens = _exclusive(tokens, text)
        parts.append(part)
        if tokens and tokens[0] in ("*", "&"):
            tokens = tokens[1:]
        elif not tokens or tokens[0] in ("+", "|", ")"):
            return _joined("and", parts), tokens


def _exclusive(tokens: list[str], text: str) -> tuple[Function, list[str]]:
    parts = []
    while True:
        part, tokens = _single(tokens, text)
        parts.append(part)
        if not tokens or tokens[0] != "^":
            return _joined("xor", parts), tokens
        tokens = tokens[1:]


def _single(tokens: list[str], text: str) -> tuple[Function, list[str]]:
    if not tokens:
        raise _wrong(text)
    head, rest = tokens[0], tokens[1:]
    if head == "!":
        part, rest = _single(rest, text)
        return Function("not", parts=(part,)), rest
    if head == "(":
        found, rest = _sum(rest, text)
        if not rest or rest[0] != ")":
            raise _wrong(text)
        rest = rest[1:]
    elif head in ("0", "1"):
        found = Function("constant", head)
    elif re.match(r"[A-Za-z_]", head):
        found = Function("name", head)
    else:
        raise _wrong(text)
    while rest and rest[0] == "'":
        found, rest = Function("not", parts=(found,)), rest[1:]
    return found, rest


def _joined(operation: str, parts: list[Function]) -> Function:
    return parts[0] if len(parts) == 1 else Function(operation, parts=tuple(parts))
