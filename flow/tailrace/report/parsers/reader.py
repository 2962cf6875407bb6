# SPDX-License-Identifier: Apache-2.0
"""Any report of any tool to records: the kind is recognised by what is in the file, never by its name."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from tailrace.core.errors import VendorReportError
from tailrace.report.parsers import finn, ise, libero, open_tools, quartus, radiant, sheets, vitis, vivado
from tailrace.report.parsers.record import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from xml.etree.ElementTree import Element

    from tailrace.report.parsers.record import Record

TEXT: tuple[Callable[[Source], list[Record]], ...] = (
    vitis.read,
    vivado.read,
    quartus.read,
    libero.read,
    radiant.read,
    ise.read,
    open_tools.read,
    sheets.read,
)
XML: tuple[Callable[[Source, Element], list[Record]], ...] = (
    vitis.read_xml,
    vivado.read_xml,
    libero.read_xml,
)
JSON: tuple[Callable[[Source, Any], list[Record]], ...] = (open_tools.read_json, finn.read_json)
LINES: tuple[Callable[[Source, list[Any]], list[Record]], ...] = (quartus.read_ndjson,)

KINDS = (
    "Vivado (utilization, timing, power), Vivado HLS and Vitis HLS (csynth .rpt and .xml, cosim), Quartus (fit, map, "
    "sta, flow, power), oneAPI (.ndjson), Libero, Radiant, ISE, nextpnr (--report), yosys (stat), FINN (report/*.json)"
)
LARGEST_BYTES = 64 * 1024 * 1024


def read_reports(path: Path | str) -> tuple[Record, ...]:
    """Return the records of a report, or of all reports in a folder and below it, sorted by name.

    In a folder, files that are no report are left out, and a report that is cut off is an error. Raises
    :class:`VendorReportError` with what came, what was wanted and what to do about it.
    """
    place = Path(path)
    if not place.exists():
        raise VendorReportError(
            "there is no such file or folder", where=str(path), hint="name a report, or a folder with reports"
        )
    if not place.is_dir():
        return tuple(read_file(place))
    records = [record for file in files_below(place) for record in read_file(file, strict=False)]
    if not records:
        raise VendorReportError(
            "no file in this folder is a report of a tool", where=str(path), hint=f"wanted one of {KINDS}"
        )
    return tuple(records)


def files_below(folder: Path) -> Iterator[Path]:
    """Yield the files of ``folder`` and its folders by name, without hidden ones."""
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (
            Path(root) / name
            for name in sorted(names)
            if not name.startswith(".") and (Path(root) / name).is_file()
        )


def read_file(file: Path, *, strict: bool = True) -> list[Record]:
    """Return the records of one file; not ``strict``: none if it is not a report at all."""
    where = str(file)
    try:
        if not strict and file.stat().st_size > LARGEST_BYTES:
            return []
        data = file.read_bytes()
    except OSError as error:
        raise VendorReportError(f"cannot be read: {error.strerror}", where=where) from None
    records: list[Record] = []
    if not data.strip():
        problem = "the file is empty, wanted a report"
    elif b"\0" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        problem = "the file is binary, wanted a report as text, XML or JSON"
    else:
        encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
        content = re.sub(r"\r+\n?", "\n", data.decode(encoding, errors="replace"))
        records = read_source(Source(file=where, text=content), strict=strict)
        problem = "this is no report of a tool that is known here"
    if records or not strict:
        return records
    raise VendorReportError(problem, where=where, hint=f"wanted one of {KINDS}")


def read_source(source: Source, *, strict: bool = True) -> list[Record]:
    """Return the records in the text of a file; none if it is not known."""
    first = source.text.lstrip()[:1]
    if first == "<":
        return read_xml(source, strict=strict)
    if first in {"{", "["}:
        return read_json(source, strict=strict)
    for reader in TEXT:
        if records := reader(source):
            return records
    return []


def read_xml(source: Source, *, strict: bool) -> list[Record]:
    """Return the records of an XML file; a report that ends too early is an error."""
    if "<!DOCTYPE" in source.text[:2000] or "<!ENTITY" in source.text[:2000]:
        return []
    try:
        root = ET.fromstring(source.text)  # noqa: S314  # without entities there is nothing to expand
    except ET.ParseError as error:
        seems = any(sign in source.text[:2000] for sign in ("<profile>", "<RptDoc", "<title>Compile Report"))
        if seems or strict:
            raise source.broken(f"this is not whole XML: {error}") from None
        return []
    for reader in XML:
        if records := reader(source, root):
            return records
    return []


def read_json(source: Source, *, strict: bool) -> list[Record]:
    """Return the records of a JSON file, or of one with a JSON object per line."""
    try:
        value = json.loads(source.text)
    except (json.JSONDecodeError, RecursionError) as error:
        lines: list[Any] = []
        try:
            lines = [json.loads(line) for line in source.text.splitlines() if line.strip()]
        except (json.JSONDecodeError, RecursionError):
            lines = []
        if lines:
            try:
                return [record for reader in LINES for record in reader(source, lines)]
            except (AttributeError, KeyError, TypeError, ValueError) as problem:
                raise source.broken("a line of JSON has another form than in a report") from problem
        signs = (
            '"critical_paths"',
            '"creator": "Yosys',
            '"num_cells"',
            '"quartusFit',
            '"estimatedResources"',
        )
        if strict or any(sign in source.text[:100000] for sign in signs):
            raise source.broken(f"this is not whole JSON: {error}") from None
        return []
    try:
        for reader in JSON:
            if records := reader(source, value):
                return records
        return [record for read_lines in LINES for record in read_lines(source, [value])]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise source.broken("the JSON seems to be a report, but parts of it have another form") from error
