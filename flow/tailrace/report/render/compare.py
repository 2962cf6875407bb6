# SPDX-License-Identifier: Apache-2.0
"""Several builds beside each other: every figure with its ratio to the first, and LUT against interval."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tailrace.report import quantities
from tailrace.report.render import figures, html, markdown
from tailrace.report.render.plot import Mark, pareto, scatter

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
    """A column: how to read it (value, estimated or not), to write it, and whether less is better."""

    title: str
    read: Callable[[BuildRecord], tuple[float | None, bool]]
    write: Callable[[float | None], str]
    less_is_better: bool = True


def cell_metric(key: str) -> Metric:
    """Return the column of one kind of cells, synthesized or else estimated."""

    def read(report: BuildRecord) -> tuple[float | None, bool]:
        cell = next(cell for cell in figures.resources(report) if cell.key == key)
        return cell.value, not cell.synthesized

    return Metric(title=figures.CELLS[key], read=read, write=quantities.count)


METRICS: tuple[Metric, ...] = (
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
    if value is None or start is None or estimated != start_estimated:
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


def marks(reports: Sequence[BuildRecord], names: Sequence[str] | None) -> tuple[list[Mark], list[str]]:
    """Return the points of the scatter plot, and the builds that lack LUTs or interval."""
    drawn, missing = [], []
    for number, (name, report) in enumerate(zip(names or figures.labels(reports), reports, strict=True), 1):
        lut = figures.resources(report)[0]
        interval = report.performance.interval_cycles
        if lut.value is None or interval is None:
            missing.append(name)
        else:
            drawn.append(
                Mark(
                    number=number,
                    name=name,
                    x=float(interval),
                    y=float(lut.value),
                    synthesized=lut.synthesized,
                    failed=figures.verdict(report).state is figures.State.FAILED,
                )
            )
    return drawn, missing


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
        "Interval and latency in cycles. "
        "Ratios are to the first build; `~` is an estimate, and never in a ratio with a measured count.\n"
    )
    return "\n".join(
        [
            f"# Comparison of {len(reports)} builds\n",
            markdown.table(head, lines, align),
            remark,
        ]
    )


def html_page(reports: Sequence[BuildRecord], names: Sequence[str] | None = None) -> str:
    """Return the comparison as one self-contained page."""
    drawn, missing = marks(reports, names)
    return html.render(
        "comparison.html",
        {
            "title": f"Comparison of {len(reports)} builds",
            "titles": [metric.title for metric in used_metrics(reports)],
            "rows": rows(reports, names),
            "plot": scatter(drawn, "Interval in cycles", "LUT", width=1062, height=440),
            "small_plot": scatter(drawn, "Interval in cycles", "LUT", width=360, height=320),
            "missing": missing,
            "failed": any(mark.failed for mark in drawn),
            "beaten": len(pareto(drawn)) < sum(not mark.failed for mark in drawn),
            "hollow": any(not mark.synthesized for mark in drawn),
            "versions": sorted({report.tailrace for report in reports}),
        },
    )
