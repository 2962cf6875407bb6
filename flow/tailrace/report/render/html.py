# SPDX-License-Identifier: Apache-2.0
"""A report as one self-contained HTML page: inline style and SVG, no scripts, light, dark and on paper."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tailrace.report import quantities
from tailrace.report.quantities import count
from tailrace.report.render import asic_page, dataflow, figures, markdown, runs
from tailrace.report.render.figures import State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tailrace.report.records import BuildRecord, FirstMismatch, HostSide, Layer, StreamEdge

TEMPLATES = Path(__file__).parent / "templates"

WIDE = dataflow.Shape(width=1062, gap=80, margin=28)
MEDIUM = dataflow.Shape(width=700, gap=80, margin=28)
NARROW = dataflow.Shape(width=340, vertical=True, gap=44, lane_gap=16, bare=84)


@cache
def environment() -> Environment:
    """Return the template environment; every value is escaped unless it is markup of our own."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=True,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        variable_start_string="${",
        variable_end_string="}",
        line_statement_prefix="//%",
        line_comment_prefix="//#",
    )


def render(template: str, values: Mapping[str, Any]) -> str:
    """Return the page of ``template`` with ``values``."""
    return environment().get_template(template).render(values, State=State)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A key figure: title, value and unit (``value`` None: not measured), and lines below."""

    title: str
    value: str | None
    unit: str = ""
    below: tuple[str, ...] = ()
    tone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """A kind of cells in all; ``fill`` is the percentage of the part for the bar (None: unknown)."""

    title: str
    value: str | None
    tag: str
    share: str | None
    fill: float | None
    over: bool
    below: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One equality: its two sides, its end, its counts and details."""

    number: str
    left: str
    right: str
    sign: str
    state: State
    mismatches: str | None
    vectors: str | None
    details: tuple[str, ...]
    first: FirstMismatch | None
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar: ``fill`` is a percentage of the longest in its chart; None draws none."""

    name: str
    fill: float | None
    text: str
    slow: bool = False
    kind: str = "measured"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The estimated and the synthesized bar of a layer."""

    name: str
    slow: bool
    estimate: Bar
    synthesized: Bar


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """The bars of one kind of cells."""

    title: str
    pairs: tuple[Pair, ...]
    measured: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The conversion at one end of the design."""

    title: str
    facts: tuple[tuple[str, str], ...]
    text: str
    steps: tuple[str, ...]


def page(report: BuildRecord) -> str:
    """Return the whole report as an HTML page."""
    slow = figures.bottlenecks(report)
    graph = dataflow.network(report)
    vendor_head, vendor_rows, vendor_align = runs.table_of(report)
    return render(
        "report.html",
        {
            "title": f"{report.model.name} — tailrace report",
            "report": report,
            "facts": header_facts(report),
            "verdict": figures.verdict(report),
            "cards": cards(report),
            "tiles": tiles(report),
            "meters": meters(report),
            "cells_remark": cells_remark(report),
            "placed": [
                (cell, count(used), quantities.percent(used / available) if available else "")
                for cell, used, available in figures.occupied(report)
            ],
            "flows": [
                ("wide", dataflow.draw(report, WIDE)),
                ("medium", dataflow.draw(report, MEDIUM)),
                ("narrow", dataflow.draw(report, NARROW)),
            ],
            "engines": [e for e in dataflow.ENGINES if any(layer.engine == e for layer in report.layers)],
            "guessed": graph.guessed,
            "dropped": graph.dropped,
            "slow": [layer.name for layer in report.layers if layer.name in slow],
            "cycles": cycle_bars(report),
            "charts": charts(report),
            "vendor_head": list(zip(vendor_head, vendor_align, strict=True)),
            "vendor_rows": [list(zip(row, vendor_align, strict=True)) for row in vendor_rows],
            "vendor_notices": runs.notices_of(report),
            "kinds": [figures.CELLS[key] for key in figures.columns(report)],
            "layers": [
                layer_row(layer, figures.columns(report), slow=layer.name in slow) for layer in report.layers
            ],
            "asic": standard_cells(report),
            "streams": [stream_row(stream) for stream in report.streams],
            "sides": sides(report),
            "stages": stage_bars(report),
            "total": quantities.duration(figures.total_seconds(report)),
            "commands": [" ".join(line.split()) for line in markdown.commands(report)],
            "recorded": bool(report.commands),
        },
    )


def header_facts(report: BuildRecord) -> list[tuple[str, str]]:
    """Return what was built, as names and values."""
    clock = report.target.clock_mhz
    facts = [("part", report.target.part)]
    if clock is not None:
        facts.append(("clock", quantities.megahertz(clock)))
    if report.model.ops:
        facts.append(("network", ", ".join(f"{n} {kind}" for kind, n in report.model.ops.items())))
    if report.model.sha256:
        facts.append(("SHA-256", report.model.sha256[:12]))
    facts.append(("tailrace", report.tailrace))
    return facts


def cards(report: BuildRecord) -> list[Card]:
    """Return the equalities."""
    found = []
    for equality in figures.equalities(report):
        check = equality.check
        ran = check is not None and equality.state is not State.NOT_RUN
        first = check.first_mismatch if check is not None else None
        found.append(
            Card(
                number=equality.number,
                left=equality.left,
                right=equality.right,
                sign={State.PASSED: "=", State.FAILED: "≠", State.NOT_RUN: "?"}[equality.state],
                state=equality.state,
                mismatches=count(check.mismatches) if ran and check is not None else None,
                vectors=count(check.vectors) if ran and check is not None and check.vectors else None,
                details=tuple(check_details(equality)),
                first=first,
                place=f"{first.layer}[{', '.join(map(str, first.index))}]" if first is not None else "",
            )
        )
    return found


def check_details(equality: figures.Equality) -> list[str]:
    """Return what else is known of a check, one line each."""
    check = equality.check
    if check is None:
        return []
    found = []
    if check.framework_rounding is not None:
        plural = "" if check.framework_rounding == 1 else "s"
        found.append(f"{count(check.framework_rounding)} framework rounding{plural}")
    if check.stall is not None:
        found.append(f"stalls in {quantities.percent(check.stall)} of cycles")
    found += [
        f"{key.replace('_', ' ')}: {value}"
        for key, value in sorted(check.extra.items())
        if isinstance(value, str | int | float)
    ]
    return found


def tiles(report: BuildRecord) -> list[Tile]:
    """Return the key figures: rate, interval, latency, clock, accuracy."""
    speed, timing, clock = report.performance, report.timing, report.target.clock_mhz
    at = f"at {quantities.megahertz(clock)}" if clock is not None else "no clock target"
    value, unit = split_prefix(speed.fps)
    asked = report.target
    rate = (f"asked for: {quantities.rate(asked.fps)}",) if asked.fps is not None else ()
    latency = (f"asked for: {count(asked.latency_cycles)} cycles",) if asked.latency_cycles else ()
    found = [
        Tile(
            title="Throughput", value=value, unit=f"{unit}frames/s", below=(at, *rate, *fps_at_fmax(report))
        ),
        cycle_tile(report, "Interval", speed.interval_cycles, "from frame to frame"),
        cycle_tile(report, "Latency", speed.latency_cycles, "first word in to last word out", *latency),
    ]
    fmax = timing.fmax_mhz if timing is not None else None
    met = timing.met if timing is not None else None
    tone = "" if met is None else ("good" if met else "bad")
    below = [f"target {quantities.megahertz(clock)}" if clock is not None else "no clock target"]
    if met is not None:
        below[0] += " — met" if met else " — not met"
    if timing is not None:
        below.append(timing.tool)
    found.append(
        Tile(
            title="Fmax",
            value=None if fmax is None else quantities.significant(fmax),
            unit="MHz",
            below=tuple(below),
            tone=tone,
        )
    )
    if report.accuracy is not None and report.accuracy.total:
        accuracy = report.accuracy
        found.append(
            Tile(
                title="Agreement" if accuracy.measure == "agreement" else "Accuracy",
                value=quantities.percent(accuracy.correct / accuracy.total).removesuffix(" %"),
                unit="%",
                below=(accuracy.words, accuracy.dataset),
            )
        )
    return found


def fps_at_fmax(report: BuildRecord) -> list[str]:
    """Return what the rate is at the clock that place and route reached, where it misses the target."""
    timing, clock, fps = report.timing, report.target.clock_mhz, report.performance.fps
    if timing is None or timing.met is not False or not timing.fmax_mhz or not clock or fps is None:
        return []
    return [f"{quantities.rate(fps * timing.fmax_mhz / clock)} at Fmax"]


def split_prefix(value: float | None) -> tuple[str | None, str]:
    """Return a number and its SI prefix apart: ``3.13`` and ``M ``; no prefix is an empty text."""
    if value is None:
        return None, ""
    number, _, prefix = quantities.with_prefix(value).partition(" ")
    return number, f"{prefix} " if prefix else ""


def cycle_tile(report: BuildRecord, title: str, cycles: int | None, *meaning: str) -> Tile:
    """Return a tile with cycles, and their time at the target clock below."""
    seconds = figures.cycles_to_seconds(report, cycles)
    below = [*([] if seconds is None else [quantities.quantity(seconds, "s")]), *meaning]
    return Tile(
        title=title,
        value=None if cycles is None else count(cycles),
        unit="cycle" if cycles == 1 else "cycles",
        below=tuple(below),
    )


def meters(report: BuildRecord) -> list[Meter]:
    """Return the resources of the whole design."""
    found = []
    for cell in figures.shown_resources(report):
        if cell.key in ("carry", "uram") and not cell.value:
            continue  # most parts have none to speak of
        share = cell.share
        below = (
            f"of {count(cell.total)}" if cell.total else ("" if cell.total is None else "the part has none")
        )
        if cell.synthesized and cell.estimate is not None:
            below += f"{' · ' if below else ''}estimate {quantities.estimate(cell.estimate)}"
        value = count(cell.value) if cell.synthesized else quantities.estimate(cell.value)
        found.append(
            Meter(
                title=cell.title,
                value=None if cell.value is None else value,
                tag="" if cell.value is None else ("synthesized" if cell.synthesized else "estimate"),
                share=None if share is None else quantities.percent(share),
                fill=None if share is None else fill(share, 1.0),
                over=share is not None and share > 1,
                below=below,
            )
        )
    return found


def cells_remark(report: BuildRecord) -> str:
    """Return where the counts come from, and what a LUT is."""
    means = figures.lut_means(report)
    what = f" {means}" if means else ""
    if report.synth is None:
        return figures.unsynthesized(report) + what
    how = ", block by block, and summed" if report.synth.per_layer_sum else ""
    return f"Synthesized by {report.synth.tool}{how}.{what}"


def fill(value: float, longest: float) -> float:
    """Return ``value`` in percent of ``longest``, at most 100, rounded for the style."""
    return round(min(100.0, 100.0 * value / longest), 2) if longest else 0.0


def cycle_bars(report: BuildRecord) -> list[Bar]:
    """Return the interval of every layer."""
    slow = figures.bottlenecks(report)
    longest = max((layer.interval_cycles or 0 for layer in report.layers), default=0)
    return [
        Bar(
            name=layer.name,
            fill=None if layer.interval_cycles is None else fill(layer.interval_cycles, longest),
            text="not known" if layer.interval_cycles is None else count(layer.interval_cycles),
            slow=layer.name in slow,
        )
        for layer in report.layers
    ]


def charts(report: BuildRecord) -> list[Chart]:
    """Return LUT, FF, DSP and BRAM per layer; a kind that no layer uses is left out."""
    slow = figures.bottlenecks(report)
    found = []
    for key in figures.columns(report):
        guesses = [getattr(layer, key) for layer in report.layers]
        counts = [getattr(layer.synth, key) if layer.synth is not None else None for layer in report.layers]
        longest = max((value for value in (*guesses, *counts) if value is not None), default=0)
        if not longest:
            continue
        pairs = tuple(
            Pair(
                name=layer.name,
                slow=layer.name in slow,
                estimate=resource_bar(layer.name, guess, longest, "estimate"),
                synthesized=resource_bar(layer.name, measured, longest, "measured"),
            )
            for layer, guess, measured in zip(report.layers, guesses, counts, strict=True)
        )
        found.append(
            Chart(title=figures.CELLS[key], pairs=pairs, measured=any(value is not None for value in counts))
        )
    return found


def resource_bar(name: str, value: float | None, longest: float, kind: str) -> Bar:
    """Return the bar of one count; none where it is unknown."""
    write = quantities.estimate if kind == "estimate" else count
    return Bar(name=name, fill=None if value is None else fill(value, longest), text=write(value), kind=kind)


def layer_row(layer: Layer, kinds: Sequence[str], *, slow: bool) -> dict[str, Any]:
    """Return the cells of a layer in the table."""
    numbers = {}
    for key in kinds:
        measured = getattr(layer.synth, key) if layer.synth is not None else None
        guess = getattr(layer, key)
        numbers[key] = (
            quantities.NOT_MEASURED if measured is None else count(measured),
            None if guess is None else quantities.estimate(guess),
        )
    return {
        "name": layer.name,
        "block": layer.block,
        "engine": layer.engine,
        "stripe": layer.engine if layer.engine in dataflow.ENGINES else "none",
        "slow": slow,
        "product": figures.product(layer) or quantities.NOT_MEASURED,
        "folding": figures.folding(layer) or quantities.NOT_MEASURED,
        "vectors": count(layer.vectors),
        "words": quantities.NOT_MEASURED
        if layer.words_in is None and layer.words_out is None
        else f"{count(layer.words_in)} → {count(layer.words_out)}",
        "bits": " / ".join(count(bits) for bits in (layer.in_bits, layer.weight_bits, layer.out_bits)),
        "interval": count(layer.interval_cycles),
        "busy": quantities.percent(layer.utilization),
        "memory": count(layer.memory_bits),
        "numbers": list(numbers.values()),
    }


def standard_cells(report: BuildRecord) -> dict[str, Any] | None:
    """Return what the section on standard cells shows; None on an FPGA."""
    if report.asic is None:
        return None
    return {
        "facts": asic_page.facts(report.asic),
        "columns": asic_page.LAYER_COLUMNS,
        "rows": [(layer.name, asic_page.layer_cells(layer)) for layer in report.layers if layer.asic],
        "kinds": [(kind, count(number)) for kind, number in (report.asic.cells_by_kind or {}).items()],
        "types": [(name, count(number)) for name, number in asic_page.by_type(report.asic)],
        "meaning": asic_page.meaning(report.asic),
    }


def stream_row(stream: StreamEdge) -> tuple[str, ...]:
    """Return the cells of a stream in the table."""
    width = stream.lanes * stream.bits if stream.lanes is not None and stream.bits is not None else None
    counts = (stream.lanes, stream.bits, width, stream.words, stream.depth)
    return (stream.source, stream.target, *(count(value) for value in counts))


def sides(report: BuildRecord) -> list[Side]:
    """Return the conversions on the host that are known."""
    if report.host is None:
        return []
    return [
        host_side(
            f"{'Behind' if leaves else 'Before'} the design{f': {side.name}' if side.name else ''}", side
        )
        for leaves, side in report.host.sides()
    ]


def host_side(title: str, side: HostSide) -> Side:
    """Return one conversion."""
    facts = [("shape", " × ".join(map(str, side.shape)) or "scalar")]
    if side.type:
        facts.append(("type", side.type))
    for words in markdown.scale_words(side.scale):
        name, _, value = words.partition(" ")
        facts.append((name, value) if name in ("scale", "scales") else ("scales", words))
    return Side(title=title, facts=tuple(facts), text=side.text or "", steps=side.steps)


def stage_bars(report: BuildRecord) -> list[Bar]:
    """Return the seconds of every stage."""
    longest = max((value or 0.0 for value in report.seconds.values()), default=0.0)
    return [
        Bar(
            name=stage,
            fill=None if value is None else fill(value, longest),
            text="not timed" if value is None else quantities.duration(value),
        )
        for stage, value in report.seconds.items()
    ]
