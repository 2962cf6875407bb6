# SPDX-License-Identifier: Apache-2.0
"""The report of a build: one schema, ``report.json``, from which every other form is rendered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from tailrace.report.asic import Asic, LayerAsic
from tailrace.report.codec import ReportError, describe, dump, dump_all, read
from tailrace.report.records import (
    SCHEMA,
    Accuracy,
    BuildRecord,
    Check,
    FirstMismatch,
    Host,
    HostSide,
    Layer,
    LayerSynth,
    Model,
    Occupied,
    Performance,
    StreamEdge,
    Synth,
    Target,
    Timing,
    Totals,
    VendorRun,
    Verify,
)
from tailrace.report.render.figures import verdict
from tailrace.report.render.output import render, write_reports

FILE_NAME = "report.json"

__all__ = [
    "FILE_NAME",
    "SCHEMA",
    "Accuracy",
    "Asic",
    "BuildRecord",
    "Check",
    "FirstMismatch",
    "Host",
    "HostSide",
    "Layer",
    "LayerAsic",
    "LayerSynth",
    "Model",
    "Occupied",
    "Performance",
    "Report",
    "ReportError",
    "StreamEdge",
    "Synth",
    "Target",
    "Timing",
    "Totals",
    "VendorRun",
    "Verify",
    "dump",
    "dump_all",
    "from_json",
    "load",
    "load_all",
]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Report(BuildRecord):
    """The report of one build: its record, and how it is written."""

    def __repr__(self) -> str:
        """Say in a line of what it is the report, and how far that has come."""
        found = verdict(self)
        how = f"{found.headline.lower()}, {found.passed} of {found.wanted} equalities"
        return f"Report({self.model.name!r} on {self.target.part}: {how})"

    def _repr_html_(self) -> str:
        """Show the whole page in a frame of its own, in notebooks."""
        page = escape(render([self], ".html"))
        return f'<iframe srcdoc="{page}" style="width:100%;height:640px;border:0"></iframe>'

    def write(self, path: Path | str) -> None:
        """Write the report as ``.json``, ``.md``, ``.html`` or ``.csv``, whole or not at all.

        Raises :class:`tailrace.core.errors.UsageError` for another suffix, :class:`ReportError` if the file cannot
        be written.
        """
        write_reports([self], path)


def from_json(value: object, where: str | None = None) -> Report:
    """Return the report in the JSON object ``value``; ``where`` names its file in errors.

    Raises :class:`ReportError` if ``value`` is not a report.
    """
    try:
        report: Report = read(Report, recognized(value), "")
    except ReportError as error:
        raise ReportError(error.message, where=error.where or where, hint=error.hint) from None
    return report


def recognized(value: object) -> Mapping[str, Any]:
    """Return ``value`` if it is a report of this schema: the keys of another one need not fit."""
    if not isinstance(value, Mapping) or "schema" not in value:
        came = "an object without the key 'schema'" if isinstance(value, Mapping) else describe(value)
        raise ReportError(
            f"this is not a tailrace report: got {came}", hint="wanted the report.json of a build"
        )
    if value["schema"] != SCHEMA or isinstance(value["schema"], bool):
        raise ReportError(
            f"the report has schema {value['schema']!r}, this tailrace reads schema {SCHEMA}",
            hint="install the tailrace that wrote it, or build again",
        )
    return value


def read_file(path: Path) -> object:
    """Return the JSON value in ``path``, or in ``report.json`` of the folder ``path``."""
    file = path / FILE_NAME if path.is_dir() else path
    where = str(file)
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ReportError("there is no such file", where=where, hint="run `tailrace build` first") from None
    except OSError as error:
        raise ReportError(f"cannot be read: {error.strerror}", where=where) from None
    except UnicodeDecodeError:
        raise ReportError("this is not a report: not UTF-8 text", where=where) from None
    except json.JSONDecodeError as error:
        raise ReportError(
            f"this is not JSON: {error.msg} in line {error.lineno}, column {error.colno}",
            where=where,
            hint="wanted the report.json of a build",
        ) from None
    except RecursionError:
        raise ReportError("this is not a report: nested too deeply", where=where) from None


def load(path: Path | str) -> Report:
    """Read one report: a ``report.json``, or the build folder that holds it. Raises :class:`ReportError`."""
    value = read_file(Path(path))
    if isinstance(value, list) and len(value) != 1:
        raise ReportError(
            f"the file holds {len(value)} reports, wanted one", where=str(path), hint="use load_all"
        )
    return from_json(value[0] if isinstance(value, list) else value, str(path))


def load_all(path: Path | str) -> tuple[Report, ...]:
    """Read a file with one report or a list of reports. Raises :class:`ReportError`."""
    value = read_file(Path(path))
    values = value if isinstance(value, list) else [value]
    return tuple(from_json(item, str(path)) for item in values)
