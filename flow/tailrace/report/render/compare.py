# SPDX-License-Identifier: Apache-2.0
"""Several builds beside each other: every figure with its ratio to the first, cost against rate and latency.

Two builds are also compared layer by layer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tailrace.report import quantities
from tailrace.report.render import figures, html, markdown
from tailrace.report.render.difference import Difference, difference
from tailrace.report.render.plot import Mark, Scale, fronts, scatter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tailrace.report.records import BuildRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One figure of one build: for people, its ratio to the first build, and whether that is better or worse.

    ``estimated`` marks a count that was not synthesized; it is never put in a ratio with measured counts.
    """

    text: str
    ratio: str | None = None
    trend: str = ""
    estimated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One build."""

    number: int
    name: str
    part: str
    clock: str
    state: figures.State
    passed: str
    missed: bool
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A column: how to read it (value, estimated or not), to write it, and whether less is better.

    A figure that was only asked for gets no ratio: ``asked``.
    """

    title: str
    read: Callable[[BuildRecord], tuple[float | None, bool]]
    write: Callable[[float | None], str]
    less_is_better: bool = True
    asked: bool = False


def cell_metric(key: str) -> Metric:
    """Return the column of one kind of cells, synthesized or else estimated."""

    def read(report: BuildRecord) -> tuple[float | None, bool]:
        cell = next(cell for cell in figures.resources(report) if cell.key == key)
        return cell.value, not cell.synthesized

    return Metric(title=figures.CELLS[key], read=read, write=quantities.count)


METRICS: tuple[Metric, ...] = (
    Metric(
        title="Rate asked for",
        read=lambda report: (report.target.fps, False),
        write=quantities.rate,
        asked=True,
    ),
    Metric(
        title="Throughput",
        read=lambda report: (report.performance.fps, False),
        write=quantities.rate,
        less_is_better=False,
    ),
    Metric(
        title="Interval",
        read=lambda report: (report.performance.interval_cycles, False),
        write=quantities.count,
    ),
    Metric(
        title="Latency asked for",
        read=lambda report: (report.target.latency_cycles, False),
        write=quantities.count,
        asked=True,
    ),
    Metric(
        title="Latency",
        read=lambda report: (report.performance.latency_cycles, False),
        write=quantities.count,
    ),
    Metric(
        title="Latency in time",
        read=lambda report: (figures.cycles_to_seconds(report, report.performance.latency_cycles), False),
        write=lambda value: quantities.quantity(value, "s"),
    ),
    Metric(
        title="Fmax",
        read=lambda report: (report.timing.fmax_mhz if report.timing else None, False),
        write=quantities.megahertz,
        less_is_better=False,
    ),
    *(cell_metric(key) for key in ("lut", "ff", "dsp", "bram18", "gates")),
    Metric(
        title="Accuracy",
        read=lambda report: (
            report.accuracy.correct / report.accuracy.total
            if report.accuracy and report.accuracy.total
            else None,
            False,
        ),
        write=quantities.percent,
        less_is_better=False,
    ),
)


def used_metrics(reports: Sequence[BuildRecord]) -> tuple[Metric, ...]:
    """Return the columns that at least one build has a figure for."""
    return tuple(
        metric for metric in METRICS if any(metric.read(report)[0] is not None for report in reports)
    )


def entry(metric: Metric, report: BuildRecord, first: BuildRecord | None) -> Entry:
    """Return the figure of ``report`` and its ratio to that of ``first`` (None: it is the first)."""
    value, estimated = metric.read(report)
    shown = Entry(text=metric.write(value), estimated=estimated and value is not None)
    if first is None:
        return shown
    start, start_estimated = metric.read(first)
    if metric.asked or value is None or start is None or estimated != start_estimated:
        return shown
    trend = ""
    if value != start:
        trend = "better" if (value < start) == metric.less_is_better else "worse"
    return replace(shown, ratio=quantities.ratio(value, start), trend=trend)


def missed(report: BuildRecord) -> bool:
    """Return whether place and route missed the clock target, so that the rate is not reached."""
    return report.timing is not None and report.timing.met is False


def rows(reports: Sequence[BuildRecord], names: Sequence[str] | None) -> list[Row]:
    """Return one row per build, in the order given."""
    metrics = used_metrics(reports)
    found = []
    plain = [report.model.name for report in reports]  # the number beside it tells equal names apart
    for number, (name, report) in enumerate(zip(names or plain, reports, strict=True), 1):
        verdict = figures.verdict(report)
        found.append(
            Row(
                number=number,
                name=name,
                part=report.target.part,
                clock=quantities.megahertz(report.target.clock_mhz),
                state=verdict.state,
                passed=f"{verdict.passed} of {verdict.wanted}",
                missed=missed(report),
                entries=tuple(
                    entry(metric, report, reports[0] if number > 1 else None) for metric in metrics
                ),
            )
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A plot of LUTs against a time: its heading, what is better, the drawings for wide and small screens."""

    title: str
    lead: str
    wide: str
    small: str
    series: tuple[str, ...]
    failed: bool
    beaten: bool
    hollow: bool
    missing: tuple[str, ...]


RATE = Scale(title="Frames per second", write=lambda value: quantities.with_prefix(value).rstrip(), more=True)
LATENCY = Scale(title="Latency", write=lambda value: quantities.quantity(value, "s"))
LUTS = Scale(title="LUT", write=quantities.count)


def series(report: BuildRecord) -> str:
    """Return what the LUTs of a build may be compared within: the family of its part."""
    family = figures.family(report)
    return family.name if family else report.target.part


def marks(
    reports: Sequence[BuildRecord],
    names: Sequence[str] | None,
    read: Callable[[BuildRecord], float | None],
) -> tuple[list[Mark], list[str]]:
    """Return the points of a plot of LUTs against what ``read`` reads, and the builds that lack one of both."""
    drawn, missing = [], []
    for number, (name, report) in enumerate(zip(names or figures.labels(reports), reports, strict=True), 1):
        lut, x = figures.resources(report)[0], read(report)
        if lut.value is None or x is None:
            missing.append(name)
        else:
            drawn.append(
                Mark(
                    number=number,
                    name=name,
                    x=x,
                    y=float(lut.value),
                    series=series(report),
                    synthesized=lut.synthesized,
                    failed=figures.verdict(report).state is figures.State.FAILED,
                )
            )
    return drawn, missing


def pictures(reports: Sequence[BuildRecord], names: Sequence[str] | None) -> list[Picture]:
    """Return LUTs against rate and against latency; a picture without points is left out."""
    found = []
    for title, side, scale, read in (
        ("Cost against rate", "right", RATE, figures.reached_fps),
        ("Cost against latency", "left", LATENCY, figures.reached_latency_seconds),
    ):
        drawn, missing = marks(reports, names, read)
        if not drawn:
            continue
        best = {mark.number for front in fronts(drawn, scale).values() for mark in front}
        found.append(
            Picture(
                title=title,
                lead="Every point is a build, every colour a family of parts, whose LUTs are of one kind; "
                f"further down and to the {side} is better. "
                "A line joins the builds of a family that no other of it beats in both.",
                wide=scatter(drawn, scale, LUTS, width=1062, height=440),
                small=scatter(drawn, scale, LUTS, width=360, height=320),
                series=tuple(dict.fromkeys(mark.series for mark in drawn)),
                failed=any(mark.failed for mark in drawn),
                beaten=any(mark.number not in best and not mark.failed for mark in drawn),
                hollow=any(not mark.synthesized for mark in drawn),
                missing=tuple(missing),
            )
        )
    return found


def markdown_page(reports: Sequence[BuildRecord], names: Sequence[str] | None = None) -> str:
    """Return the comparison as Markdown."""
    metrics = used_metrics(reports)
    lines = []
    for row in rows(reports, names):
        cells = [
            ("~" if item.estimated else "") + item.text + (f" ({item.ratio})" if item.ratio else "")
            for item in row.entries
        ]
        verified = f"{markdown.MARKS[row.state]} {row.passed}"
        lines.append(
            [
                str(row.number),
                markdown.text(row.name),
                markdown.code(row.part),
                row.clock + (" (missed)" if row.missed else ""),
                verified,
                *cells,
            ]
        )
    head = ["", "Build", "Part", "Clock", "Equalities", *(metric.title for metric in metrics)]
    align = "rll" + "r" * (len(head) - 3)
    remark = (
        "The clock is the one asked for. Interval and latency in cycles. "
        "Ratios are to the first build; `~` is an estimate, and never in a ratio with a measured count.\n"
    )
    parts = [f"# Comparison of {len(reports)} builds\n", markdown.table(head, lines, align), remark]
    if len(reports) == 2:
        parts.append(markdown_difference(difference(*reports)))
    return "\n".join(parts)


def markdown_difference(found: Difference) -> str:
    """Return the layers that differ between two builds."""

    def both(before: str, after: str) -> str:
        return before if before == after else f"{before} → {after}"

    lines = [
        [
            markdown.code(row.name),
            both(*(name if name == quantities.NOT_MEASURED else markdown.code(name) for name in row.block)),
            both(*row.folding),
            *(
                both(change.before, change.after) + (f" ({change.difference})" if change.difference else "")
                for change in row.changes
            ),
        ]
        for row in found.rows
    ]
    head = ["Layer", "Block", "PE × SIMD", *found.titles]
    parts = ["## Layer by layer\n"]
    if lines:
        parts.append(markdown.table(head, lines, "ll" + "r" * (len(head) - 2)))
    parts.append(f"{same_layers(found)}\n")
    return "\n".join(parts)


def same_layers(found: Difference) -> str:
    """Return in a sentence how many layers are the same in both builds."""
    match found.same:
        case 0:
            return "No layer is the same in both builds."
        case 1:
            return "1 layer is the same in both builds."
        case _:
            return f"{found.same} layers are the same in both builds."


def html_page(reports: Sequence[BuildRecord], names: Sequence[str] | None = None) -> str:
    """Return the comparison as one self-contained page."""
    found = difference(*reports) if len(reports) == 2 else None
    return html.render(
        "comparison.html",
        {
            "title": f"Comparison of {len(reports)} builds",
            "titles": [metric.title for metric in used_metrics(reports)],
            "rows": rows(reports, names),
            "pictures": pictures(reports, names),
            "missed": any(missed(report) for report in reports),
            "difference": found,
            "same": same_layers(found) if found else "",
            "versions": sorted({report.tailrace for report in reports}),
        },
    )
