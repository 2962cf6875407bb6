# SPDX-License-Identifier: Apache-2.0
"""Two builds layer by layer: what changed in folding, cycles and cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.report import quantities
from tailrace.report.render import figures

if TYPE_CHECKING:
    from tailrace.report.records import BuildRecord, Layer

Amount = tuple[float | None, bool]
"""A figure, and whether it is an estimate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One figure of a layer in both builds as text, and the difference with its sign where they can be compared.

    ``trend`` is ``better`` or ``worse`` where it got less or more.
    """

    before: str
    after: str
    difference: str | None = None
    trend: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A layer that differs; a layer that only one of the builds has is a dash in the other."""

    name: str
    block: tuple[str, str]
    folding: tuple[str, str]
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The layers that differ, the titles of their figures, and how many layers are the same in both."""

    titles: tuple[str, ...]
    rows: tuple[Row, ...]
    same: int


def difference(first: BuildRecord, second: BuildRecord) -> Difference:
    """Return how the layers of ``second`` differ from those of the same names of ``first``."""
    keys = tuple(key for key in figures.CELLS if key in {*figures.columns(first), *figures.columns(second)})
    before = {layer.name: layer for layer in first.layers}
    after = {layer.name: layer for layer in second.layers}
    rows = [_row(name, before.get(name), after.get(name), keys) for name in {**before, **after}]
    different = tuple(row for row in rows if _differs(row))
    return Difference(
        titles=("Interval", *(figures.CELLS[key] for key in keys)),
        rows=different,
        same=len(rows) - len(different),
    )


def _differs(row: Row) -> bool:
    texts = [row.block, row.folding, *((change.before, change.after) for change in row.changes)]
    return any(one != other for one, other in texts)


def _row(name: str, first: Layer | None, second: Layer | None, keys: tuple[str, ...]) -> Row:
    pair = (first, second)
    block, folding = (
        tuple(read(layer) if layer else None for layer in pair)
        for read in (lambda layer: layer.block, figures.folding)
    )
    changes = [_change(*((layer.interval_cycles if layer else None, False) for layer in pair))]
    changes += [_change(_cell(first, key), _cell(second, key)) for key in keys]
    return Row(name=name, block=_texts(block), folding=_texts(folding), changes=tuple(changes))


def _texts(values: tuple[str | None, ...]) -> tuple[str, str]:
    first, second = (value or quantities.NOT_MEASURED for value in values)
    return first, second


def _cell(layer: Layer | None, key: str) -> Amount:
    measured = getattr(layer.synth, key) if layer and layer.synth else None
    return (getattr(layer, key) if layer else None, True) if measured is None else (measured, False)


def _change(first: Amount, second: Amount) -> Change:
    (before, guessed), (after, guess) = first, second
    shown = Change(before=_write(first), after=_write(second))
    if before is None or after is None or guessed != guess or shown.before == shown.after:
        return shown
    by = after - before
    sign = "+" if by > 0 else "-"
    write = quantities.estimate if guess else quantities.count
    return Change(
        before=shown.before,
        after=shown.after,
        difference=f"{sign}{write(abs(by))}",
        trend="worse" if by > 0 else "better",
    )


def _write(amount: Amount) -> str:
    value, guessed = amount
    if value is None:
        return quantities.NOT_MEASURED
    return f"~{quantities.estimate(value)}" if guessed else quantities.count(value)
