# SPDX-License-Identifier: Apache-2.0
"""The boards tailrace knows: a folder in ``constraints/`` each, with ``board.toml`` and the pins."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tailrace.core.data import data_folder
from tailrace.core.errors import UsageError
from tailrace.core.names import did_you_mean
from tailrace.targets.parts import Part, part

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A board: its part, the frequency of the oscillator that ``clk`` comes from, and its constraint file.

    ``constraints`` is None where tailrace has no pins for the board; ``folder`` is where ``board.toml`` is.
    """

    name: str
    title: str
    part: Part
    clock_mhz: float
    constraints: Path | None
    folder: Path


def boards() -> tuple[Board, ...]:
    """Return every board in ``constraints/``, by name."""
    return tuple(_read_board(path) for path in sorted(data_folder("constraints").glob("*/board.toml")))


def board(name: str) -> Board:
    """Return the board of this name.

    Raises:
        UsageError: there is no such board; the hint has names that look alike.

    """
    by_name = {each.name: each for each in boards()}
    wanted = name.strip().lower()
    if wanted in by_name:
        return by_name[wanted]
    raise UsageError(f"there is no board {name!r}", hint=did_you_mean(wanted, by_name, "tailrace boards"))


@functools.cache
def _read_board(path: Path) -> Board:
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    constraints = values.get("constraints")
    return Board(
        name=path.parent.name,
        title=values["title"],
        part=replace(part(values["part"]), device=values.get("device", part(values["part"]).device)),
        clock_mhz=float(values["clock_mhz"]),
        constraints=path.parent / constraints if constraints else None,
        folder=path.parent,
    )
