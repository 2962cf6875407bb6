# SPDX-License-Identifier: Apache-2.0
"""Records of any tool in one table: Markdown, HTML, CSV, JSON; an empty cell or a dash was not stated."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

from tailrace import __version__
from tailrace.core.errors import UsageError
from tailrace.report.parsers.record import FIGURES, TITLES, shown, to_json
from tailrace.report.quantities import NOT_MEASURED
from tailrace.report.render import html, markdown
from tailrace.report.render.output import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tailrace.report.parsers.record import Child, Figures, Record

ORIGIN = ("tool", "version", "kind", "part", "design", "file")


def render_records(records: Sequence[Record], suffix: str) -> str:
    """Return ``records`` in the form of ``suffix``. Raises :class:`UsageError` for an unknown one."""
    match suffix:
        case ".json":
            return (
                json.dumps({"reports": [to_json(record) for record in records]}, indent=2, ensure_ascii=False)
                + "\n"
            )
        case ".md":
            return markdown_page(records)
        case ".html":
            return html_page(records)
        case ".csv":
            return csv_table(records)
        case _:
            raise UsageError(
                f"reports cannot be written as {suffix or 'a file without suffix'}",
                hint="use one of .json, .md, .html, .csv",
            )


def write_records(records: Sequence[Record], path: Path) -> None:
    """Write ``records`` to ``path``; its suffix is the form. Raises :class:`UsageError` for an unknown suffix."""
    write_text(path, render_records(records, path.suffix.lower()))


def used_figures(all_of: Sequence[Figures]) -> tuple[str, ...]:
    """Return the figures that at least one of the records states."""
    return tuple(name for name in FIGURES if any(getattr(figures, name) is not None for figures in all_of))


def heads(records: Sequence[Record]) -> tuple[list[str], list[list[str]], str]:
    """Return titles, rows and alignment of the table of all records."""
    names = used_figures([record.figures for record in records])
    rows = [
        [
            " ".join(filter(None, (record.tool, record.version))),
            record.kind,
            record.design or NOT_MEASURED,
            record.part or NOT_MEASURED,
            *(shown(getattr(record.figures, name)) for name in names),
            record.file,
        ]
        for record in records
    ]
    titles = ["Tool", "Kind", "Design", "Part", *(TITLES[name] for name in names), "File"]
    return titles, rows, "llll" + "r" * len(names) + "l"


def details(children: Sequence[Child]) -> tuple[list[str], list[list[str]], str]:
    """Return titles, rows and alignment of the table of instances, layers or clocks of one record."""
    names = used_figures([child.figures for child in children])
    rows = [
        [
            "· " * child.level + child.name,
            child.module or child.kind,
            *(shown(getattr(child.figures, name)) for name in names),
        ]
        for child in children
    ]
    return ["Name", "Module", *(TITLES[name] for name in names)], rows, "ll" + "r" * len(names)


def markdown_page(records: Sequence[Record]) -> str:
    """Return the table of all records; a single one with its instances."""
    titles, rows, align = heads(records)
    parts = [markdown.table(titles, [[markdown.text(cell) for cell in row] for row in rows], align)]
    if len(records) == 1 and records[0].children:
        titles, rows, align = details(records[0].children)
        parts.append(markdown.table(titles, [[markdown.text(cell) for cell in row] for row in rows], align))
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def html_page(records: Sequence[Record]) -> str:
    """Return one self-contained page with the table of all records, and the instances of each."""
    titles, rows, align = heads(records)
    parts = [
        {"title": record.design or record.file, "lead": f"{record.tool}, {record.kind}: {record.file}"}
        | dict(zip(("titles", "rows", "align"), details(record.children), strict=True))
        for record in records
        if record.children
    ]
    return html.render(
        "records.html",
        {
            "title": f"{len(records)} reports",
            "titles": titles,
            "rows": rows,
            "align": align,
            "parts": parts,
            "version": __version__,
        },
    )


def csv_table(records: Sequence[Record]) -> str:
    """Return a row per record, raw; a column per figure of what was used and of what the part has."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    available = used_figures([record.available for record in records])
    writer.writerow([*ORIGIN, *FIGURES, *(f"available_{name}" for name in available)])
    for record in records:
        values = [getattr(record, name) for name in ORIGIN]
        values += [getattr(record.figures, name) for name in FIGURES]
        values += [getattr(record.available, name) for name in available]
        writer.writerow(["" if value is None else value for value in values])
    return text.getvalue()
