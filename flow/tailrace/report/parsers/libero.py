# SPDX-License-Identifier: Apache-2.0
"""Reports of Libero SoC (PolarFire, SmartFusion2, IGLOO2): resource usage as text, XML and CSV, layout log."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

from tailrace.report.parsers import text
from tailrace.report.parsers.record import Child, Figures, Record, Source, stated
from tailrace.report.parsers.text import Table, cell, label, number, search

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from tailrace.report.parsers.record import Number

CELLS = {"lut": r"4lut", "ff": r"dff", "dsp": r"(?:math|macc)\b.*"}
"""Figures by the rows of the table of resources."""

RESOURCES = re.compile(r"^Resource Usage\n\+-", re.MULTILINE)
RELEASE = r"Libero (?:SoC |Software )*(?:Release )?v?([\d.]+\w*)"


def read(source: Source) -> list[Record]:
    """Return the record of a compile report, a layout log, or the table of resources by module."""
    if source.text.lstrip().startswith("Detailed Resource Usage\nModule Name,"):
        return [hierarchy(source)]
    compiled = re.match(r"\s*Compile Report\b", source.text)
    if not compiled and not RESOURCES.search(source.text):
        return []
    text.require_whole(source, "report of Libero")
    return [record(source, text.tables(source.text), source.text, "compile" if compiled else "layout")]


def record(source: Source, tables: list[Table], whole: str, kind: str) -> Record:
    """Return the record of a report with a table of types, used and total."""
    used: dict[str, Number | None] = {}
    total: dict[str, Number | None] = {}
    names: dict[str, str] = {}
    for table in tables:
        if table.has("type", "used", "total"):
            for name, row in table.labels().items():
                for key, pattern in CELLS.items():
                    if re.fullmatch(pattern, name) and key not in used:
                        used[key] = number(cell(row, table.column("used")))
                        total[key] = number(cell(row, table.column("total")))
        elif not table.columns:
            names.update({label(row[0]): (cell(row, 1) or "").strip() for row in table.rows})
    if "lut" not in used:
        raise source.broken("the report of Libero has no table of resources with the row 4LUT")
    part = "-".join(
        filter(None, (names.get("device"), names.get("package"), names.get("speed grade", "").strip("-")))
    )
    return Record(
        tool="libero",
        version=search(RELEASE, whole),
        kind=kind,
        part=part or None,
        design=names.get("topcell"),
        file=source.file,
        figures=stated(used),
        available=stated(total),
    )


def hierarchy(source: Source) -> Record:
    """Return the record of the table by module: its cells are those of fabric and interfaces together.

    The table has no sum, so the record has no figures, only children.
    """
    rows = list(csv.reader(source.text.lstrip().splitlines()[1:]))
    head = [label(name) for name in rows[0]]
    children = []
    for row in rows[1:]:
        if len(row) != len(head):
            raise source.broken(
                f"the row of {row[0] if row else 'nothing'!r} has {len(row)} of {len(head)} columns"
            )
        values = dict(zip(head, row, strict=True))
        children.append(
            Child(
                name=row[0],
                figures=Figures(
                    lut=together(values, "fabric 4lut", "interface 4lut"),
                    ff=together(values, "fabric dff", "interface dff"),
                    dsp=together(values, "math", "math 18x18"),
                ),
            )
        )
    if not children:
        raise source.broken("the table of resources by module has no rows")
    return Record(tool="libero", kind="hierarchy", file=source.file, children=tuple(children))


def together(values: dict[str, str], *names: str) -> Number | None:
    """Return the sum of the columns that are there; None if none is."""
    found = [value for name in names if (value := number(values.get(name))) is not None]
    return sum(found) if found else None


def read_xml(source: Source, root: Element) -> list[Record]:
    """Return the record of a compile report as XML."""
    if root.tag != "doc" or "Libero" not in "".join(root.itertext())[:2000]:
        return []
    found, title = [], ""
    for element in root:
        if element.tag == "section":
            title = element.findtext("name") or ""
        elif element.tag == "table":
            head = tuple(label(item.text or "") for item in element.findall("header/cell"))
            rows = [
                tuple((item.text or "") for item in row.findall("cell")) for row in element.findall("row")
            ]
            found.append(Table(title=title, columns=head, rows=tuple(filter(None, rows))))
    return [record(source, found, " ".join(root.itertext()), "compile")]
