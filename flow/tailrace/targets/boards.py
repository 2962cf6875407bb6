# SPDX-License-Identifier: Apache-2.0
"""The boards tailrace knows: a folder in ``constraints/`` each, with ``board.toml``.

One folder may be several boards that differ in their part alone (``[variants]``): their names are the folder's and
the variant's, and the folder's alone stands for the one with ``part``.
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tailrace.core.data import data_folder
from tailrace.core.errors import UsageError
from tailrace.core.names import did_you_mean
from tailrace.targets.parts import Part, part

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ROLES = ("clk", "uart_rx", "uart_tx", "reset", "led")
"""What pins are for. ``uart_rx`` is what the FPGA hears; ``reset`` is a button, ``led`` may be several."""

NEEDED = ("clk", "uart_rx", "uart_tx")
"""The roles without which a board has no top."""

LEVELS = {"high": True, "low": False}
PULLS = ("up", "down", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """The pins of one role, the lowest first.

    ``active_high``: a button gives 1 when it is pressed, an LED lights on 1, a tie is 1. ``io`` is the standard as the
    tool calls it, ``pull`` what the pin does when nobody drives it, ``drive_ma`` the strength of an output ("" and 0:
    the tool's own). ``why`` says what a tie is for.
    """

    name: str
    sites: tuple[str, ...]
    active_high: bool = True
    io: str = ""
    pull: str = ""
    drive_ma: int = 0
    why: str = ""

    def __post_init__(self) -> None:
        if not self.sites or not all(isinstance(site, str) and site for site in self.sites):
            raise UsageError(f"{self.name} has no pins", hint='write sites = ["A1"]')
        if self.pull not in ("", *PULLS):
            raise UsageError(f"pull of {self.name} is {self.pull!r}", hint=f"use one of {', '.join(PULLS)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A board: its part, the frequency of the oscillator behind the pin ``clk``, and its pins.

    ``pins`` are those of the open flow by role (:data:`ROLES`), ``ties`` those that a top must hold at a level;
    ``baud`` is the speed of the serial line, ``flash`` the command that loads {bitstream}. ``constraints`` is a file of
    pins for a vendor's tool, None without. ``source`` says where the pins are from, ``folder`` is that of
    ``board.toml``, ``note`` what a user has to know.
    """

    name: str
    title: str
    part: Part
    clock_mhz: float
    constraints: Path | None
    folder: Path
    source: str = ""
    baud: int = 0
    flash: str = ""
    note: str = ""
    pins: Mapping[str, Pins] = field(default_factory=dict)
    ties: tuple[Pins, ...] = ()

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def linked(self) -> bool:
        """Whether a build makes a top for it: the open flow knows its part, clock and serial line."""
        return self.part.open_flow == "bitstream" and all(role in self.pins for role in NEEDED)

    @property
    def sixteenths_per_bit(self) -> int:
        """Sixteenths of a cycle of the clock that a bit of the serial line takes."""
        return round(16 * self.clock_mhz * 1e6 / self.baud)

    @property
    def state(self) -> str:
        """Say what is done for the board, and how far it is checked. None was run on the board itself here."""
        if self.linked:
            return "top simulated, bitstream"
        return "pins only" if self.constraints or self.pins else "part and clock only"


def boards() -> tuple[Board, ...]:
    """Return every board in ``constraints/``, by name."""
    found = [each for path in _files() for each in _read_boards(path)]
    return tuple(sorted(found, key=lambda each: each.name))


def board(name: str) -> Board:
    """Return the board of this name.

    Raises:
        UsageError: there is no such board; the hint has names that look alike.

    """
    by_name = {each.name: each for each in boards()}
    wanted = name.strip().lower()
    if wanted in by_name:
        return by_name[wanted]
    for path in _files():
        if path.parent.name == wanted:
            values = _values(path)
            return next(each for each in _read_boards(path) if each.part.name == part(values["part"]).name)
    known = {*by_name, *(path.parent.name for path in _files())}
    raise UsageError(
        f"there is no board {name!r}", hint=did_you_mean(wanted, sorted(known), "tailrace boards")
    )


def _files() -> list[Path]:
    return sorted(data_folder("constraints").glob("*/board.toml"))


def _values(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


@functools.cache
def _read_boards(path: Path) -> tuple[Board, ...]:
    values = _values(path)
    name = path.parent.name
    variants = values.get("variants") or {"": values["part"]}
    return tuple(
        _board(f"{name}-{variant}" if variant else name, chosen, values, path)
        for variant, chosen in variants.items()
    )


def _board(name: str, chosen: str, values: Mapping[str, Any], path: Path) -> Board:
    constraints = values.get("constraints")
    found = part(chosen)
    unknown = [role for role in values.get("pins", {}) if role not in ROLES]
    if unknown:
        raise UsageError(
            f"there is no role {unknown[0]!r}", where=str(path), hint=f"use one of {', '.join(ROLES)}"
        )
    return Board(
        name=name,
        title=f"{values['title']} with the {found.device.split('-6')[0]}"
        if "variants" in values
        else values["title"],
        part=replace(
            found,
            device=values.get("device", found.device),
            placer_options=_placer(found.placer_options, values.get("placer", {})),
        ),
        clock_mhz=float(values["clock_mhz"]),
        constraints=path.parent / constraints if constraints else None,
        folder=path.parent,
        source=values.get("source", ""),
        baud=int(values.get("baud", 0)),
        flash=values.get("flash", ""),
        note=values.get("note", ""),
        pins={role: _pins(role, table) for role, table in values.get("pins", {}).items()},
        ties=tuple(_pins(tie, table) for tie, table in values.get("ties", {}).items()),
    )


def _pins(name: str, table: Mapping[str, Any]) -> Pins:
    return Pins(
        name=name,
        sites=tuple(table["sites"]),
        active_high=LEVELS[table.get("active", "high")],
        io=table.get("io", ""),
        pull=table.get("pull", ""),
        drive_ma=int(table.get("drive_ma", 0)),
        why=table.get("why", ""),
    )


def _placer(options: tuple[str, ...], changed: Mapping[str, str]) -> tuple[str, ...]:
    """Return the options of the placer with the board's package and speed in the place of the part's usual ones."""
    found = list(options)
    for key, value in changed.items():
        found[found.index(f"--{key}") + 1] = value
    return tuple(found)
