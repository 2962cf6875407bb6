# SPDX-License-Identifier: Apache-2.0
"""A report as Markdown with GitHub's tables: the verdict first, then speed, cost, layers, streams, host."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tailrace.report import quantities
from tailrace.report.quantities import NOT_MEASURED, count
from tailrace.report.render import asic_page, figures, runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tailrace.report.records import BuildRecord, Host, Layer

MARKS = {figures.State.PASSED: "✅", figures.State.FAILED: "❌", figures.State.NOT_RUN: "⚪"}
SPECIAL = re.compile(r"([\\`*\[\]<>|~&#])|(?<!\w)(_)|(_)(?!\w)")


def text(value: str) -> str:
    """Return ``value`` as plain words: one line, nothing in it is taken for Markdown or HTML."""
    return SPECIAL.sub(r"\\\g<0>", " ".join(value.split()))


def code(value: str) -> str:
    """Return ``value`` as a code span that survives backticks and table cells."""
    line = " ".join(value.split()).replace("|", "\\|")
    if not line:
        return NOT_MEASURED
    longest = max((len(run) for run in re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if longest else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], align: str) -> str:
    """Return a table; ``align`` has a letter per column, ``l`` for words and ``r`` for numbers."""
    rules = [{"l": "---", "r": "---:"}[letter] for letter in align]
    lines = [head, rules, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def page(report: BuildRecord) -> str:
    """Return the whole report as Markdown text."""
    parts = [
        f"# {text(report.model.name)}\n",
        summary(report),
        verification(report),
        notices(report),
        performance(report),
        resources(report),
        vendor_tools(report),
        standard_cells(report),
        layers(report),
        streams(report),
        host(report.host),
        seconds(report),
        reproduce(report),
    ]
    return "\n".join(part for part in parts if part)


def summary(report: BuildRecord) -> str:
    """Return what was built, on one line, and the verdict, on the next."""
    found = figures.verdict(report)
    clock = report.target.clock_mhz
    ops = ", ".join(f"{number} {text(kind)}" for kind, number in report.model.ops.items())
    facts = [
        code(report.target.part),
        f"{quantities.megahertz(clock)} asked for" if clock is not None else "no clock target",
        *([ops] if ops else []),
        f"tailrace {text(report.tailrace)}",
    ]
    return f"{' · '.join(facts)}\n\n**{MARKS[found.state]} {found.headline}.** {text(found.sentence)}\n"


def verification(report: BuildRecord) -> str:
    """Return the equalities as a table, and the first mismatch of each that fails."""
    rows, remarks = [], []
    for equality in figures.equalities(report):
        check = equality.check
        sign = {figures.State.PASSED: "=", figures.State.FAILED: "≠", figures.State.NOT_RUN: "?"}[
            equality.state
        ]
        known = check if equality.state is not figures.State.NOT_RUN else None
        rows.append(
            [
                equality.number,
                f"{text(equality.left)} {sign} {text(equality.right)}",
                f"{MARKS[equality.state]} {equality.state.value}",
                count(known.vectors if known else None),
                count(known.mismatches if known else None),
                "; ".join(details(equality)) or NOT_MEASURED,
            ]
        )
        first = check.first_mismatch if check is not None else None
        if first is not None:
            at = ", ".join(map(str, first.index))
            remarks.append(
                f"First mismatch of {text(equality.left)} and {text(equality.right)}: "
                f"{code(f'{first.layer}[{at}]')} is {raw(first.got)}, expected {raw(first.expected)}.\n"
            )
    head = ["", "Equality", "Result", "Vectors", "Mismatches", "Details"]
    return "\n".join(["## Verification\n", table(head, rows, "lllrrl"), *remarks])


def raw(value: int | None) -> str:
    """Return a value of the network, in full."""
    return NOT_MEASURED if value is None else str(value)


def details(equality: figures.Equality) -> list[str]:
    """Return what else is known of a check, in words."""
    check = equality.check
    if check is None:
        return []
    found = []
    if check.framework_rounding is not None:
        found.append(f"{count(check.framework_rounding)} framework roundings confirmed in exact arithmetic")
    if check.stall is not None:
        found.append(f"stalled in {quantities.percent(check.stall)} of cycles")
    for key in sorted(check.extra):
        value = check.extra[key]
        if isinstance(value, str | int | float):
            found.append(f"{text(key.replace('_', ' '))}: {text(str(value))}")
    return found


def notices(report: BuildRecord) -> str:
    """Return the notices as a list; nothing without any."""
    if not report.notices:
        return ""
    return "## Notices\n\n" + "".join(f"- {text(notice)}\n" for notice in report.notices)


def performance(report: BuildRecord) -> str:
    """Return rate, interval, latency, clock and accuracy."""
    speed, timing = report.performance, report.timing
    asked = report.target
    rows = [
        *([["Rate asked for", quantities.rate(asked.fps)]] if asked.fps is not None else []),
        ["Throughput", quantities.rate(speed.fps)],
        *([["Latency asked for", in_time(report, asked.latency_cycles)]] if asked.latency_cycles else []),
        ["Interval", in_time(report, speed.interval_cycles)],
        ["Latency", in_time(report, speed.latency_cycles)],
        ["Clock target", quantities.megahertz(report.target.clock_mhz)],
        ["Fmax", quantities.megahertz(timing.fmax_mhz if timing else None) + met(report)],
    ]
    if report.accuracy is not None:
        name = "Agreement" if report.accuracy.measure == "agreement" else "Accuracy"
        rows.append([name, accuracy(report)])
    if report.bitstream is not None:
        rows.append(["Bitstream", code(report.bitstream)])
    sources = []
    if speed.source:
        sources.append(f"Cycles from {code(speed.source)}.\n")
    if timing is not None:
        sources.append(f"Fmax from {text(timing.tool)}.\n")
    return "\n".join(["## Performance\n", table(["Figure", "Value"], rows, "lr"), "".join(sources)])


def in_time(report: BuildRecord, cycles: int | None) -> str:
    """Return cycles and their time at the target clock."""
    if cycles is None:
        return NOT_MEASURED
    seconds = figures.cycles_to_seconds(report, cycles)
    return f"{count(cycles)} cycles" + (
        f" = {quantities.quantity(seconds, 's')}" if seconds is not None else ""
    )


def met(report: BuildRecord) -> str:
    """Return whether the clock target is met, in parentheses."""
    if report.timing is None or report.timing.met is None:
        return ""
    return " (target met)" if report.timing.met else " (target **not** met)"


def accuracy(report: BuildRecord) -> str:
    """Return the accuracy in percent with its counts."""
    found = report.accuracy
    if found is None:
        return NOT_MEASURED
    share = found.correct / found.total if found.total else None
    return f"{quantities.percent(share)} ({found.words}, {text(found.dataset)})"


def resources(report: BuildRecord) -> str:
    """Return the cells in all, against the estimate and the part."""
    rows = [
        [
            cell.title,
            count(cell.value) if cell.synthesized else NOT_MEASURED,
            quantities.estimate(cell.estimate),
            count(cell.total),
            quantities.percent(cell.share),
        ]
        for cell in figures.shown_resources(report)
    ]
    remark = f"{text(figures.unsynthesized(report))}\n"
    if report.synth is not None:
        remark = f"Synthesized by {text(report.synth.tool)}"
        remark += ", block by block, and summed.\n" if report.synth.per_layer_sum else ".\n"
    means = figures.lut_means(report)
    if means:
        remark += f"{text(means)}\n"
    head = ["Cell", "Synthesized", "Estimate", "Part has", "Used"]
    return (
        "\n".join(["## Resources\n", table(head, rows, "lrrrr"), remark, placed(report)]).rstrip("\n") + "\n"
    )


def placed(report: BuildRecord) -> str:
    """Return what place and route took of the part, by the tool's names; nothing where it did not say."""
    found = figures.occupied(report)
    if not found or report.timing is None:
        return ""
    rows = [
        [
            code(cell),
            count(used),
            count(available),
            quantities.percent(used / available if available else None),
        ]
        for cell, used, available in found
    ]
    title = f"Placed by {text(report.timing.tool)}, with the harness around the design where there is one:\n"
    return "\n".join([title, table(["Cell", "Placed", "Part has", "Used"], rows, "lrrr")])


def vendor_tools(report: BuildRecord) -> str:
    """Return what the vendors' tools stated, report by report; nothing where none ran."""
    head, rows, align = runs.table_of(report)
    if not rows:
        return ""
    lines = [[*(text(value) for value in row[:-1]), code(row[-1])] for row in rows]
    notes = [f"{text(notice)}\n" for notice in runs.notices_of(report)]
    return "\n".join(["## Reports of the vendor's tools\n", table(head, lines, align), *notes])


def standard_cells(report: BuildRecord) -> str:
    """Return what the design became in the cells of a library, and what the figures mean; nothing on an FPGA."""
    if report.asic is None:
        return ""
    rows = [[text(title), text(value)] for title, value in asic_page.facts(report.asic)]
    parts = ["## Standard cells\n", table(["Figure", "Value"], rows, "lr")]
    found = [layer for layer in report.layers if layer.asic is not None]
    if found:
        lines = [[code(layer.name), *asic_page.layer_cells(layer)] for layer in found]
        parts.append(
            table(["Layer", *asic_page.LAYER_COLUMNS], lines, "l" + "r" * len(asic_page.LAYER_COLUMNS))
        )
    kinds = ", ".join(
        f"{count(number)} {text(kind)}" for kind, number in (report.asic.cells_by_kind or {}).items()
    )
    types = ", ".join(f"{count(number)} {code(name)}" for name, number in asic_page.by_type(report.asic))
    parts += [f"By kind: {kinds}.\n", f"By type: {types}.\n"]
    parts += ["".join(f"- {text(sentence)}\n" for sentence in asic_page.meaning(report.asic))]
    return "\n".join(parts)


def pair(layer: Layer, key: str) -> str:
    """Return the synthesized count of a layer, or its estimate with ``~`` in front."""
    measured = getattr(layer.synth, key) if layer.synth is not None else None
    if measured is not None:
        return count(measured)
    guess = getattr(layer, key)
    return NOT_MEASURED if guess is None else f"~{quantities.estimate(guess)}"


def layers(report: BuildRecord) -> str:
    """Return the table of layers; the bottleneck in bold."""
    if not report.layers:
        return ""
    slow = figures.bottlenecks(report)
    rows = []
    for layer in report.layers:
        cycles = count(layer.interval_cycles)
        rows.append(
            [
                code(layer.name),
                code(layer.block),
                text(layer.engine or NOT_MEASURED),
                figures.product(layer) or NOT_MEASURED,
                figures.folding(layer) or NOT_MEASURED,
                count(layer.vectors),
                " / ".join(count(bits) for bits in (layer.in_bits, layer.weight_bits, layer.out_bits)),
                f"**{cycles}**" if layer.name in slow else cycles,
                quantities.percent(layer.utilization),
                count(layer.memory_bits),
                *(pair(layer, key) for key in figures.columns(report)),
            ]
        )
    head = [
        "Layer",
        "Block",
        "Engine",
        "Rows × cols",
        "PE × SIMD",
        "Vectors",
        "In / weight / out bits",
        "Interval",
    ]
    head += ["Busy", "Memory bits", *(figures.CELLS[key] for key in figures.columns(report))]
    remark = "The longest interval, which sets the rate, is bold; `~` is an estimate.\n"
    return "\n".join(["## Layers\n", table(head, rows, "lll" + "r" * (len(head) - 3)), remark])


def streams(report: BuildRecord) -> str:
    """Return the table of streams; nothing without any."""
    if not report.streams:
        return ""
    rows = [
        [
            code(stream.source),
            code(stream.target),
            count(stream.lanes),
            count(stream.bits),
            count(
                stream.lanes * stream.bits if stream.lanes is not None and stream.bits is not None else None
            ),
            count(stream.words),
            count(stream.depth),
        ]
        for stream in report.streams
    ]
    head = ["From", "To", "Lanes", "Bits per lane", "tdata bits", "Words per frame", "FIFO depth"]
    return "\n".join(["## Streams\n", table(head, rows, "llrrrrr")])


def host(value: Host | None) -> str:
    """Return the conversions on the host, step by step."""
    if value is None:
        return ""
    parts = ["## On the host\n"]
    for leaves, side in value.sides():
        title = f"{'Output' if leaves else 'Input'}{f' {code(side.name)}' if side.name else ''}"
        shape = " × ".join(map(str, side.shape)) or "scalar"
        facts = [
            f"shape {shape}",
            *([f"type {code(side.type)}"] if side.type else []),
            *scale_words(side.scale),
        ]
        parts.append(f"**{title}**: {', '.join(facts)}.\n")
        if side.text:
            parts.append(f"{text(side.text)}\n")
        if side.steps:
            parts.append("".join(f"{i}. {text(step)}\n" for i, step in enumerate(side.steps, 1)))
    return "\n".join(parts)


def scale_words(scale: float | tuple[float, ...] | None) -> list[str]:
    """Return the scale of the integers in full: it must be copied exactly; long lists by their number."""
    match scale:
        case None:
            return []
        case int() | float():
            return [f"scale {scale!r}"]
        case _ if len(scale) <= 4:
            return [f"scales {', '.join(repr(value) for value in scale)}"]
        case _:
            return [f"{len(scale)} scales, one per channel, {min(scale)!r} to {max(scale)!r}"]


def seconds(report: BuildRecord) -> str:
    """Return the seconds per stage."""
    if not report.seconds:
        return ""
    rows = [[text(stage), quantities.duration(value)] for stage, value in report.seconds.items()]
    rows.append(["**all**", f"**{quantities.duration(figures.total_seconds(report))}**"])
    return "\n".join(["## Time\n", table(["Stage", "Took"], rows, "lr")])


def commands(report: BuildRecord) -> list[str]:
    """Return the command lines that build and check this again."""
    if report.commands:
        return list(report.commands)
    clock = f" --clock {report.target.clock_mhz:g}" if report.target.clock_mhz is not None else ""
    return [
        f"pip install tailrace=={report.tailrace}",
        f"tailrace build MODEL --part {report.target.part}{clock} -o DIR",
        "tailrace sim DIR",
        "tailrace report DIR -o report.html",
    ]


def reproduce(report: BuildRecord) -> str:
    """Return how to build this again."""
    lines = "\n".join(" ".join(line.split()) for line in commands(report))
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", lines)), default=0))
    remark = (
        f"The model is the file with SHA-256 {code(report.model.sha256)}.\n" if report.model.sha256 else ""
    )
    return "\n".join(["## Reproduce\n", f"{fence}sh\n{lines}\n{fence}\n", remark])
