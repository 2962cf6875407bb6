# SPDX-License-Identifier: Apache-2.0
"""What follows from a report: verdict, equalities, resources in all, bottleneck, headline figures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from tailrace.core.errors import TailraceError
from tailrace.targets.parts import part

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tailrace.report.records import BuildRecord, Check, Layer, LayerSynth, Synth
    from tailrace.targets.family import Family

CELLS = {
    "lut": "LUT",
    "ff": "FF",
    "carry": "Carry",
    "dsp": "DSP",
    "bram18": "BRAM18",
    "uram": "URAM",
    "gates": "Gates",
}
"""The kinds of cells and how people call them; gates are equivalents of a NAND of two inputs, in standard cells."""

ON_FPGA = ("lut", "ff", "dsp", "bram18")
ON_ASIC = ("gates", "ff")
"""The kinds that tables of layers have, on an FPGA and in standard cells."""


COMPUTES = "computes"
"""The role of the blocks that compute the network's layers; all others help."""

HELPERS = frozenset({"skid", "fifo", "width", "replay", "fork", "frame"})
"""Blocks that only help, in reports that do not say what a block is there for."""


NUMBERS = ("no", "one", "two", "three", "four")


class State(Enum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Equality:
    """One of the four equalities: ``left`` = ``right``, how it ended, what is known (None: did not run)."""

    key: str
    number: str
    left: str
    right: str
    state: State
    check: Check | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All equalities in one word and two sentences; ``passed`` of ``wanted`` hold."""

    state: State
    headline: str
    sentence: str
    passed: int
    wanted: int


def state_of(check: Check | None) -> State:
    """Return how ``check`` ended; without vectors or without a count of mismatches it did not run."""
    if check is None or check.mismatches is None:
        return State.NOT_RUN
    if check.mismatches:
        return State.FAILED
    return State.PASSED if check.vectors else State.NOT_RUN


NEEDS = {"hls": "hls", "rtl": "rtl", "netlist": "rtl"}
"""The back end that an equality is about."""


def equalities(report: BuildRecord) -> tuple[Equality, ...]:
    """Return the equalities of the contract in their order: four, or those of the back ends that were emitted."""
    verify = report.verify
    reference = verify.software.reference if verify.software is not None else None
    model = {
        "qonnx": "QONNX model",
        "onnxruntime": "ONNX model",
        "brevitas": "Brevitas model",
        "hls4ml": "hls4ml model",
    }.get((reference or "").lower(), f"{reference} model" if reference else "model")
    return tuple(
        Equality(key=key, number=number, left=left, right=right, state=state_of(check), check=check)
        for key, number, left, right, check in (
            ("software", "E1", model, "integer graph", verify.software),
            ("hls", "E2", "integer graph", "HLS C++", verify.hls),
            ("rtl", "E2", "integer graph", "RTL", verify.rtl),
            ("netlist", "E3", "RTL", "netlist", verify.netlist),
        )
        if check is not None or report.backends is None or NEEDS.get(key) in (None, *report.backends)
    )


def verdict(report: BuildRecord) -> Verdict:
    """Return the verdict: failed if one equality fails, passed only if all of them were checked and hold."""
    found = equalities(report)
    passed = sum(equality.state is State.PASSED for equality in found)
    failed = [equality for equality in found if equality.state is State.FAILED]
    missing = [equality for equality in found if equality.state is State.NOT_RUN]
    wanted = len(found)
    if failed:
        what = " and ".join(f"{equality.left} ≠ {equality.right}" for equality in failed)
        return Verdict(
            state=State.FAILED,
            headline="Not equal",
            sentence=f"{what}. This build must not be used.",
            passed=passed,
            wanted=wanted,
        )
    if not missing:
        return Verdict(
            state=State.PASSED,
            headline="Equal to the last bit",
            sentence=f"All {NUMBERS[wanted]} equalities were checked, without a single mismatch.",
            passed=passed,
            wanted=wanted,
        )
    names = " and ".join(f"{equality.left} = {equality.right}" for equality in missing)
    return Verdict(
        state=State.NOT_RUN,
        headline="Not proven yet" if passed else "Not verified",
        sentence=f"{passed} of {wanted} equalities hold; not run: {names}.",
        passed=passed,
        wanted=wanted,
    )


def cells_of(record: Layer | LayerSynth | Synth | None) -> dict[str, float | None]:
    """Return the counts of a record by key; all None without a record."""
    return {key: None if record is None else getattr(record, key) for key in CELLS}


def add(values: Sequence[float]) -> float:
    """Return the sum without the last digits of float addition; whole numbers stay whole."""
    return sum(values) if all(isinstance(value, int) for value in values) else round(math.fsum(values), 6)


def estimated_cells(report: BuildRecord) -> dict[str, float | None]:
    """Return the sums of the layers' estimates; None where a layer has none: a sum is never partial."""
    sums: dict[str, float | None] = {}
    for key in CELLS:
        values: list[float | None] = [getattr(layer, key) for layer in report.layers]
        known = [value for value in values if value is not None]
        sums[key] = add(known) if known and len(known) == len(values) else None
    return sums


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A count of cells in all, ``synthesized`` or else an estimate; ``total`` is what the part has."""

    key: str
    title: str
    value: float | None
    synthesized: bool
    estimate: float | None
    total: int | None

    @property
    def share(self) -> float | None:
        """The fraction of the part that is used (may exceed 1), None where unknown."""
        return None if self.value is None or not self.total else self.value / self.total


def resources(report: BuildRecord) -> tuple[Cell, ...]:
    """Return the resources of the whole design by kind."""
    measured, estimated = cells_of(report.synth), estimated_cells(report)
    totals = report.target.totals
    return tuple(
        Cell(
            key=key,
            title=title,
            value=estimated[key] if measured[key] is None else measured[key],
            synthesized=measured[key] is not None,
            estimate=estimated[key],
            total=getattr(totals, key, None),
        )
        for key, title in CELLS.items()
    )


def in_cells(report: BuildRecord) -> bool:
    """Return whether the design is one in standard cells."""
    return report.asic is not None or any(layer.gates is not None for layer in report.layers)


def columns(report: BuildRecord) -> tuple[str, ...]:
    """Return the kinds of cells that the tables of this report have."""
    return ON_ASIC if in_cells(report) else ON_FPGA


def shown_resources(report: BuildRecord) -> tuple[Cell, ...]:
    """Return the resources of the whole design that mean something on its part."""
    kinds = ON_ASIC if in_cells(report) else tuple(key for key in CELLS if key != "gates")
    return tuple(cell for cell in resources(report) if cell.key in kinds)


def is_helper(layer: Layer) -> bool:
    """Return whether a layer is a block that computes nothing, but carries values between those that do."""
    return layer.block in HELPERS if layer.role is None else layer.role != COMPUTES


def bottlenecks(report: BuildRecord) -> frozenset[str]:
    """Return the names of the layers with the longest interval; none where all layers share one."""
    longest = max((layer.interval_cycles or 0 for layer in report.layers), default=0)
    slow = frozenset(layer.name for layer in report.layers if longest and layer.interval_cycles == longest)
    return frozenset() if len(slow) == len(report.layers) > 1 else slow


def cycles_to_seconds(report: BuildRecord, cycles: int | None) -> float | None:
    """Return ``cycles`` at the target clock in seconds."""
    clock = report.target.clock_mhz
    return None if cycles is None or not clock else cycles / (clock * 1e6)


def reached_mhz(report: BuildRecord) -> float | None:
    """Return the clock that the design runs at: the target, or what place and route reached where that is less."""
    clock, timing = report.target.clock_mhz, report.timing
    if timing is None or timing.met is not False or not timing.fmax_mhz:
        return clock
    return timing.fmax_mhz


def reached_fps(report: BuildRecord) -> float | None:
    """Return the frames per second at the clock that the design runs at; None where the rate is not known."""
    fps, clock, reached = report.performance.fps, report.target.clock_mhz, reached_mhz(report)
    return fps if fps is None or not clock or not reached else fps * reached / clock


def reached_latency_seconds(report: BuildRecord) -> float | None:
    """Return the latency at the clock that the design runs at; None where it is not known."""
    cycles, reached = report.performance.latency_cycles, reached_mhz(report)
    return None if cycles is None or not reached else cycles / (reached * 1e6)


def total_seconds(report: BuildRecord) -> float | None:
    """Return the seconds of all stages together; None if none was timed."""
    known = [value for value in report.seconds.values() if value is not None]
    return add(known) if known else None


Value = str | float | bool | None


def headline_columns() -> dict[str, Callable[[BuildRecord], Value]]:
    """Return the headline figures as columns: a stable key, and how to read it (None: not measured)."""

    def verified(key: str, name: str) -> Callable[[BuildRecord], Value]:
        return lambda report: getattr(getattr(report.verify, key), name, None)

    def synthesized(key: str) -> Callable[[BuildRecord], Value]:
        return lambda report: getattr(report.synth, key, None)

    def estimated(key: str) -> Callable[[BuildRecord], Value]:
        return lambda report: estimated_cells(report)[key]

    columns: dict[str, Callable[[BuildRecord], Value]] = {
        "model": lambda report: report.model.name,
        "sha256": lambda report: report.model.sha256,
        "tailrace": lambda report: report.tailrace,
        "part": lambda report: report.target.part,
        "clock_mhz": lambda report: report.target.clock_mhz,
        "asked_fps": lambda report: report.target.fps,
        "asked_latency_cycles": lambda report: report.target.latency_cycles,
        "layers": lambda report: len(report.layers),
        "verdict": lambda report: verdict(report).state.value,
        "equalities": lambda report: verdict(report).passed,
        "interval_cycles": lambda report: report.performance.interval_cycles,
        "latency_cycles": lambda report: report.performance.latency_cycles,
        "latency_ns": latency_ns,
        "fps": lambda report: report.performance.fps,
        "performance_source": lambda report: report.performance.source,
    }
    columns |= {key: synthesized(key) for key in CELLS}
    columns["synth_tool"] = lambda report: getattr(report.synth, "tool", None)
    columns |= {f"estimated_{key}": estimated(key) for key in CELLS}
    columns["fmax_mhz"] = lambda report: getattr(report.timing, "fmax_mhz", None)
    columns["timing_met"] = lambda report: getattr(report.timing, "met", None)
    for key in ("software", "hls", "rtl", "netlist"):
        columns[f"{key}_vectors"] = verified(key, "vectors")
        columns[f"{key}_mismatches"] = verified(key, "mismatches")
    columns["framework_rounding"] = verified("software", "framework_rounding")
    columns["accuracy_correct"] = lambda report: getattr(report.accuracy, "correct", None)
    columns["accuracy_total"] = lambda report: getattr(report.accuracy, "total", None)
    columns["seconds"] = total_seconds
    return columns


def latency_ns(report: BuildRecord) -> float | None:
    """Return the latency at the target clock in ns, rounded to picoseconds."""
    seconds = cycles_to_seconds(report, report.performance.latency_cycles)
    return None if seconds is None else round(seconds * 1e9, 3)


def folding(layer: Layer) -> str | None:
    """Return the folding as ``8 × 8``: rows times columns computed per cycle."""
    if layer.pe is None and layer.simd is None:
        return None
    if layer.simd is None:
        return f"{layer.pe}"
    return f"{'?' if layer.pe is None else layer.pe} × {layer.simd}"


def product(layer: Layer) -> str | None:
    """Return the size of the matrix product as ``64 × 784``, or the channels alone where there is none."""
    sizes = [f"{size:,}" for size in (layer.rows, layer.cols) if size is not None]
    return " × ".join(sizes) or None


def lut_means(report: BuildRecord) -> str | None:
    """Return what counts as a LUT on the part, in a sentence; None for a part that is not known here."""
    found = family(report)
    return None if found is None or in_cells(report) else f"A LUT here is {found.lut_means}."


def family(report: BuildRecord) -> Family | None:
    """Return the family of the part; None for a part of another tailrace, or a library that is not here."""
    try:
        return part(report.target.part).family
    except TailraceError:
        return None


def occupied(report: BuildRecord) -> list[tuple[str, int, int | None]]:
    """Return (cell, used, available) of the placed design, the kinds that are used alone."""
    found = (report.timing.utilization if report.timing else None) or {}
    return [(cell, count.used, count.available) for cell, count in found.items() if count.used]


def unsynthesized(report: BuildRecord) -> str:
    """Return why there are no synthesized totals, in a sentence or two."""
    without = [layer.name for layer in report.layers if layer.lut is None]
    if not without:
        return "Not synthesized yet: these are the planner's estimates."
    which = f"layer {without[0]} has" if len(without) == 1 else f"{len(without)} layers have"
    return f"Not synthesized yet, and {which} no estimate: there is no sum."


def labels(reports: Sequence[BuildRecord]) -> list[str]:
    """Return a name per report for a comparison: the model, and its number where several agree."""
    names = [report.model.name for report in reports]
    return [f"{name} #{i}" if names.count(name) > 1 else name for i, name in enumerate(names, 1)]
