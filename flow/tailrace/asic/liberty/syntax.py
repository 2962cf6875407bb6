# SPDX-License-Identifier: Apache-2.0
"""The syntax of Liberty files: nested groups with attributes, as the Liberty User Guide (Synopsys) describes it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tailrace.core.errors import TailraceError

if TYPE_CHECKING:
    from collections.abc import Iterator

SPACE = re.compile(r"(?:\s+|\\\n|;|/\*.*?\*/|//[^\n]*)+", re.DOTALL)
SIMPLE = re.compile(r'([\w.]+)\s*:\s*("(?:[^"\\]|\\.)*"|[^;\n}]*)', re.DOTALL)
HEAD = re.compile(r'([\w.]+)\s*\(((?:"(?:[^"\\]|\\.)*"|[^()"])*)\)\s*', re.DOTALL)
ARGUMENT = re.compile(r'"((?:[^"\\]|\\.)*)"|([^\s,"\\]+)', re.DOTALL)


class LibertyError(TailraceError):
    """A file is no Liberty library, or lacks what is needed of it."""


@dataclass(slots=True)
class Group:
    """``kind (names) { ... }``: simple attributes, complex ones (the last of each, and all), and the groups inside."""

    kind: str
    names: tuple[str, ...]
    values: dict[str, str] = field(default_factory=dict)
    lists: dict[str, tuple[str, ...]] = field(default_factory=dict)
    repeated: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The first of the names, empty without any."""
        return self.names[0] if self.names else ""

    def all(self, *kinds: str) -> Iterator[Group]:
        """Give the groups inside that are of one of ``kinds``."""
        return (group for group in self.groups if group.kind in kinds)

    def first(self, *kinds: str) -> Group | None:
        """Return the first group inside of one of ``kinds``, or None."""
        return next(self.all(*kinds), None)

    def number(self, key: str, otherwise: float = 0.0) -> float:
        """Return a simple attribute as a number; ``otherwise`` where it is not there or none."""
        try:
            return float(self.values[key])
        except (KeyError, ValueError):
            return otherwise


def parse(text: str, where: str) -> Group:
    """Read the ``library`` group of a Liberty file; ``where`` names the file in errors.

    Raises LibertyError with the line where the text is no Liberty.
    """
    root = Group("", ())
    open_groups = [root]
    at, end = 0, len(text)
    while True:
        space = SPACE.match(text, at)
        at = space.end() if space else at
        if at >= end:
            break
        if text[at] == "}":
            if len(open_groups) == 1:
                raise _wrong(text, at, where)
            open_groups.pop()
            at += 1
            continue
        found = SIMPLE.match(text, at)
        if found:
            open_groups[-1].values[found[1]] = found[2].strip().strip('"')
            at = found.end()
            continue
        found = HEAD.match(text, at)
        if found is None:
            raise _wrong(text, at, where)
        arguments = tuple(quoted or plain for quoted, plain in ARGUMENT.findall(found[2]))
        at = found.end()
        if at < end and text[at] == "{":
            group = Group(found[1], arguments)
            open_groups[-1].groups.append(group)
            open_groups.append(group)
            at += 1
        else:
            open_groups[-1].lists[found[1]] = arguments
            open_groups[-1].repeated.setdefault(found[1], []).append(arguments)
    library = root.first("library")
    if library is None or len(open_groups) > 1:
        came = "it ends inside a group" if len(open_groups) > 1 else "it has no library group"
        raise LibertyError(
            f"this is no whole Liberty library: {came}", where=where, hint="give the .lib file of a PDK"
        )
    return library


def _wrong(text: str, at: int, where: str) -> LibertyError:
    line = text.count("\n", 0, at) + 1
    shown = text[at : at + 40].split("\n", 1)[0]
    return LibertyError(
        f"this is no Liberty: line {line} begins with {shown!r}",
        where=where,
        hint="give the .lib file of a PDK",
    )
