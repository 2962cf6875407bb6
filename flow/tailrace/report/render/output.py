# SPDX-License-Identifier: Apache-2.0
"""Reports to files: the suffix picks the form, and a file is written whole or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from tailrace.core.errors import UsageError
from tailrace.report.codec import ReportError, dump, dump_all
from tailrace.report.render import compare, csv, html, markdown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tailrace.report.records import BuildRecord

SUFFIXES = (".json", ".md", ".html", ".csv")


def render(reports: Sequence[BuildRecord], suffix: str, names: Sequence[str] | None = None) -> str:
    """Return ``reports`` in the form of ``suffix``: one report in full, several as a comparison.

    ``names`` are the names of the builds in a comparison (default: from model, part and clock). Raises
    :class:`UsageError` for an unknown suffix or no report.
    """
    if not reports:
        raise UsageError("there is no report to write", hint="name at least one build folder")
    if names is not None and len(names) != len(reports):
        raise ValueError(f"{len(names)} names for {len(reports)} reports")
    alone = len(reports) == 1
    match suffix:
        case ".json":
            return dump(reports[0]) if alone else dump_all(reports)
        case ".md":
            return markdown.page(reports[0]) if alone else compare.markdown_page(reports, names)
        case ".html":
            return html.page(reports[0]) if alone else compare.html_page(reports, names)
        case ".csv":
            return csv.table(reports, names)
        case _:
            raise UsageError(
                f"a report cannot be written as {suffix or 'a file without suffix'}",
                hint=f"use one of {', '.join(SUFFIXES)}",
            )


def write_reports(
    reports: Sequence[BuildRecord], path: Path | str, names: Sequence[str] | None = None
) -> None:
    """Write ``reports`` to ``path``; see :func:`render`. Folders are created, an older file is replaced.

    Raises :class:`UsageError` for an unknown suffix and :class:`ReportError` if the file cannot be written.
    """
    file = Path(path)
    write_text(file, render(reports, file.suffix.lower(), names))


def write_text(file: Path, text: str) -> None:
    """Write ``text`` as UTF-8 beside ``file`` and move it there, so that nobody ever sees half of it."""
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(file)
    except OSError as error:
        raise ReportError(f"cannot be written: {error.strerror}", where=str(file)) from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
