# SPDX-License-Identifier: Apache-2.0
"""Numbers and boxed tables in the reports of all tools, found by their headers and labels."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tailrace.report.parsers.record import Number, Source

UNITS = r"(?:[munpµ]?s|[munkµ]?W|[kMG]?Hz)\b"
NUMBER = re.compile(
    rf"^[<>~≤]?\s*([-+]?(?:\d[\d,]*(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)(?=$|[^\w.,]|[.,](?!\d)|{UNITS})"
)
"""A number, whole: what is glued to it is a unit or no letter, so that ``2O187`` is none."""
UNIT_NS = {
    "ps": Decimal("0.001"),
    "ns": Decimal(1),
    "us": Decimal(1000),
    "ms": Decimal(1000000),
    "s": Decimal(10**9),
}
UNIT_W = {"w": Decimal(1), "mw": Decimal("0.001"), "uw": Decimal("0.000001")}
UNIT_MHZ = {"mhz": Decimal(1), "khz": Decimal("0.001"), "ghz": Decimal(1000), "hz": Decimal("0.000001")}


def number(text: str | None) -> Number | None:
    """Return the number that ``text`` begins with; None for ``-``, ``n/a``, ``?``, ``undef`` or nothing.

    Thousands separators are dropped, ``<0.001`` is its bound, and what follows the number (a unit, a percentage,
    a second number) is left alone.
    """
    match = NUMBER.match((text or "").strip())
    return plain(Decimal(match[1].replace(",", ""))) if match else None


def plain(value: Decimal) -> Number:
    """Return a whole number without a decimal point as int, everything else as float."""
    exponent = value.as_tuple().exponent
    return int(value) if isinstance(exponent, int) and exponent >= 0 else float(value)


def scaled(text: str | None, units: dict[str, Decimal]) -> Number | None:
    """Return the number of ``text`` in the first unit of 1 of ``units``; without a unit it already is."""
    match = NUMBER.match((text or "").strip())
    if not match:
        return None
    rest = (text or "").strip()[match.end() :].strip().lower().replace("µ", "u")
    factor = units.get(re.split(r"[^a-z]", rest, maxsplit=1)[0], Decimal(1))
    value = Decimal(match[1].replace(",", ""))
    return plain(value) if factor == 1 else float((value * factor).normalize())


def nanoseconds(text: str | None) -> Number | None:
    """Return a time in ns: ``5.00``, ``4.049 ns``, ``11.870 us``."""
    return scaled(text, UNIT_NS)


def watts(text: str | None) -> Number | None:
    """Return a power in W: ``1.513``, ``183.11 mW``."""
    return scaled(text, UNIT_W)


def megahertz(text: str | None) -> Number | None:
    """Return a frequency in MHz: ``159.95 MHz``."""
    return scaled(text, UNIT_MHZ)


def period_ns(mhz: Number | None) -> Number | None:
    """Return the period of a clock in ns, to the picosecond."""
    return round(1000 / mhz, 3) if mhz else None


def used_and_available(text: str | None) -> tuple[Number | None, Number | None]:
    """Return both numbers of ``1,632 / 22,320 ( 7 % )`` or ``959 out of 93,296 1%``; None where there is none."""
    used, _, rest = re.sub(r"\bout of\b", "/", text or "").partition("/")
    return number(used), number(rest)


def least(values: Iterable[Number | None]) -> Number | None:
    """Return the smallest of the values that are there."""
    return min((value for value in values if value is not None and math.isfinite(value)), default=None)


def search(pattern: str, text: str) -> str | None:
    """Return the first group of the first match in ``text``, stripped; None where there is none or it is empty."""
    match = re.search(pattern, text, re.MULTILINE)
    return (match[1].strip() or None) if match else None


# --- tables -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table: the line above it, its columns (small letters, one blank between words) and its rows.

    The cells of rows keep their blanks at the left, because some tools indent the names of instances.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def column(self, *patterns: str) -> int | None:
        """Return the index of the first column that the first pattern with any match matches as a whole."""
        for pattern in patterns:
            for index, name in enumerate(self.columns):
                if re.fullmatch(pattern, name):
                    return index
        return None

    def has(self, *patterns: str) -> bool:
        """Whether there is a column for each of the patterns."""
        return all(self.column(pattern) is not None for pattern in patterns)

    def labels(self) -> dict[str, tuple[str, ...]]:
        """Return the rows by their labels (see :func:`label`); of equal ones the first."""
        found: dict[str, tuple[str, ...]] = {}
        for row in self.rows:
            found.setdefault(label(row[0]), row)
        return found


def label(text: str) -> str:
    """Return ``text`` without footnote stars, in small letters, with one blank between words."""
    return " ".join(text.replace("*", " ").lower().split())


def cell(row: Sequence[str], index: int | None) -> str | None:
    """Return a cell of a row; None for a column that is not there."""
    return row[index] if index is not None and index < len(row) else None


RULE = re.compile(r"^\+[-+=]+$")


def blocks(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the boxed tables of ``text``: the line above, and the lines from the first rule on."""
    above, block = "", list[str]()
    for raw in (*text.splitlines(), ""):
        line = raw.strip()
        if block and line[:1] in {"|", ";", "+"} and line:
            block.append(line)
            continue
        if block:
            yield above, block
            above, block = "", []
        if RULE.match(line) and len(line) > 2:
            block = [line]
        elif line.strip("-=+ "):
            above = line


def tables(text: str) -> list[Table]:
    """Return all boxed tables (``+---+`` with ``|`` or ``;``) of ``text``."""
    return [table_of(above, lines) for above, lines in blocks(text)]


def corners(rule: str) -> int:
    """Return how many columns a rule separates, and one."""
    return rule.count("+")


def table_of(above: str, lines: Sequence[str]) -> Table:
    """Return one boxed table; several header lines become one, and a cell over several columns names each."""
    rules = [line for line in lines if RULE.match(line)]
    contents = [line for line in lines if not RULE.match(line)]
    sign = contents[0][0] if contents and contents[0][0] in "|;" else "|"
    widest: str = max(rules, key=corners)
    walls = [at for at, char in enumerate(widest) if char == "+"]
    if len(walls) == 2 and contents:  # ISE draws rules without corners
        walls = [at for at, char in enumerate(contents[0]) if char == sign]
    groups: list[list[str]] = [[]]  # the lines between two rules
    for line in lines[1:]:
        if RULE.match(line):
            groups.append([])
        else:
            groups[-1].append(line)
    groups = [group for group in groups if group]
    title = above
    if sign == ";" and groups and len(groups[0]) == 1 and groups[0][0].count(";") == 2 and len(groups) > 1:
        title = groups.pop(0)[0].strip("; ")
    head = groups.pop(0) if len(groups) > 1 else []
    body = [line for group in groups for line in group]
    if head and body:  # the rules of a co-simulation are drawn around groups of columns
        finer = (at for at, char in enumerate(body[0]) if char == sign and at not in walls)
        walls = sorted(
            {*walls, *(at for at in finer if all(line[at : at + 1] == sign for line in (*body, head[-1])))}
        )
    width = max(1, len(walls) - 1)
    names = [""] * width
    for line in head:
        parts = spread(line, walls, sign, over=True)
        names = [f"{name} {part}" for name, part in zip(names, parts, strict=False)] if parts else names
    rows = tuple(tuple(spread(line, walls, sign, over=False)) for line in body)
    return Table(
        title=title,
        columns=tuple(label(name) for name in names) if head else (),
        rows=tuple(filter(None, rows)),
    )


def spread(line: str, walls: Sequence[int], sign: str, *, over: bool) -> list[str]:
    """Return the cells of a line, one per column; a wide cell is in its first column, or ``over`` all of them."""
    seen = [at for at in walls if at < len(line) and line[at] in "|;+"]
    if not seen or seen[0] != walls[0] or seen[-1] != walls[-1] or len(line) != walls[-1] + 1:
        return [
            part.rstrip() for part in line.strip(sign).split(sign)
        ]  # the walls do not stand where the rule says
    cells = []
    for start, end in pairwise(seen):
        text = line[start + 1 : end].rstrip()
        text = "" if set(text) <= {"-"} and over else text
        columns = sum(start <= wall < end for wall in walls)
        cells += [text] * columns if over else [text] + [""] * (columns - 1)
    return cells


def require_line_end(source: Source, what: str) -> None:
    """Raise :class:`VendorReportError` if the last line has no end, because its number may be cut."""
    if not source.text.endswith("\n"):
        last = source.text.rpartition("\n")[2].strip()
        raise source.broken(f"the {what} ends within a line, at {last[:60]!r}")


CONTENTS = re.compile(r"Table of Contents.*\n[^\n]*\n((?:[ \t]*\d+(?:\.\d+)*\.?[ \t]+\S.*\n)+)")


def require_whole(source: Source, what: str) -> None:
    """Raise :class:`VendorReportError` if the text ends inside a table, or before its last listed section."""
    *_, block = (None, *blocks(source.text))
    last = source.text.rstrip().rpartition("\n")[2].strip()
    if block and last == block[1][-1] and last not in (line for line in block[1][:-1] if RULE.match(line)):
        raise source.broken(f"the {what} ends inside a table, at {last[:60]!r}")
    if contents := CONTENTS.search(source.text):
        titles = [re.sub(r"^\s*[\d.]+\s+", "", line).strip(" ;") for line in contents[1].splitlines()]
        # Quartus lists messages that it does not write, and in some versions groups without a section of their own.
        written = [title for title in titles if not title.endswith("Messages")]
        last_ones = written[-3:] if "Quartus" in source.text[:4000] else written[-1:]
        if last_ones and not any(has_section(source.text[contents.end() :], title) for title in last_ones):
            raise source.broken(f"the {what} ends before its last section, {written[-1]!r}")


def has_section(rest: str, title: str) -> bool:
    """Whether ``title`` stands in ``rest`` with something below it."""
    _, found, below = rest.rpartition(title)
    return bool(found) and re.search(r"\w", below) is not None
