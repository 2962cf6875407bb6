# SPDX-License-Identifier: Apache-2.0
"""What the report of a tool states, in one form for all tools; None is "not stated" and never 0."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from tailrace.core.errors import VendorReportError
from tailrace.report.quantities import NOT_MEASURED

if TYPE_CHECKING:
    from collections.abc import Mapping

Number = int | float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The figures of a design or of one instance in it, as the report states them: nothing is computed.

    ``lut`` is the tool's headline figure (CLB or Slice LUTs, logic elements or ALMs, 4LUT, LUT4s), ``bram36``
    counts tiles of 36 Kbit, halves allowed, ``dsp`` and ``carry`` the cells that the part has.
    """

    lut: Number | None = None
    ff: Number | None = None
    dsp: Number | None = None
    bram36: Number | None = None
    bram18: Number | None = None
    uram: Number | None = None
    carry: Number | None = None
    memory_bits: Number | None = None
    wns_ns: Number | None = None
    whs_ns: Number | None = None
    fmax_mhz: Number | None = None
    clock_target_ns: Number | None = None
    clock_estimate_ns: Number | None = None
    latency_cycles_min: Number | None = None
    latency_cycles_max: Number | None = None
    interval_cycles_min: Number | None = None
    interval_cycles_max: Number | None = None
    power_w: Number | None = None

    def stated(self) -> dict[str, Number]:
        """Return the figures that the report states, by name."""
        values = ((name, getattr(self, name)) for name in FIGURES)
        return {name: value for name, value in values if value is not None}


FIGURES: tuple[str, ...] = tuple(field.name for field in fields(Figures))
"""The names of all figures, in the order of tables."""


TITLES: Mapping[str, str] = {
    "lut": "LUT",
    "ff": "FF",
    "dsp": "DSP",
    "bram36": "BRAM36",
    "bram18": "BRAM18",
    "uram": "URAM",
    "carry": "Carry",
    "memory_bits": "Memory bits",
    "wns_ns": "WNS ns",
    "whs_ns": "WHS ns",
    "fmax_mhz": "Fmax MHz",
    "clock_target_ns": "Clock ns",
    "clock_estimate_ns": "Estimated clock ns",
    "latency_cycles_min": "Latency min",
    "latency_cycles_max": "Latency max",
    "interval_cycles_min": "Interval min",
    "interval_cycles_max": "Interval max",
    "power_w": "Power W",
}
"""The figures and how people call them."""


def shown(value: Number | None) -> str:
    """Return a figure for people: in full, with thousands separators; a dash where it is not stated."""
    if value is None:
        return NOT_MEASURED
    return f"{int(value):,}" if float(value).is_integer() else f"{round(value, 3):,}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """One row of the table of instances, layers, loops or clocks; ``level`` is its depth in that table."""

    name: str
    kind: str = "instance"
    module: str | None = None
    level: int = 0
    figures: Figures = Figures()


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One report: which tool wrote it, about what, and what it states."""

    tool: str
    kind: str
    file: str
    version: str | None = None
    part: str | None = None
    design: str | None = None
    figures: Figures = Figures()
    available: Figures = Figures()
    children: tuple[Child, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file that was read: its name for messages, and its text with plain line ends."""

    file: str
    text: str

    def broken(self, message: str, hint: str | None = None) -> VendorReportError:
        """Return the error for a report that is not whole; to be raised."""
        again = "the file seems to be cut off or edited: copy it again, or let the tool write it again"
        return VendorReportError(message, where=self.file, hint=hint or again)


def to_json(record: Record) -> dict[str, Any]:
    """Return ``record`` as JSON; the six keys of its origin are always there, a figure only where stated."""
    value: dict[str, Any] = {
        "tool": record.tool,
        "version": record.version,
        "kind": record.kind,
        "part": record.part,
        "design": record.design,
        "file": record.file,
        **record.figures.stated(),
    }
    if available := record.available.stated():
        value["available"] = available
    if record.children:
        value["children"] = [child_to_json(child) for child in record.children]
    return value


def child_to_json(child: Child) -> dict[str, Any]:
    """Return one row of a report as JSON."""
    module = {} if child.module is None else {"module": child.module}
    return {"name": child.name, "kind": child.kind, **module, "level": child.level, **child.figures.stated()}


def stated(values: Mapping[str, Number | None]) -> Figures:
    """Return ``values`` as figures."""
    return Figures(**dict(values))
