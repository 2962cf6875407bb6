# SPDX-License-Identifier: Apache-2.0
"""The table of what vendors' tools stated of a build, for its Markdown and HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tailrace.report.parsers.record import FIGURES, TITLES, shown
from tailrace.report.quantities import NOT_MEASURED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.report.records import BuildRecord


def table_of(report: BuildRecord) -> tuple[list[str], list[list[str]], str]:
    """Return titles, rows and alignment of what vendors' tools stated; no rows where none ran."""
    records: list[Mapping[str, Any]] = [item for run in report.vendor.values() for item in run.reports]
    names = [name for name in FIGURES if any(item.get(name) is not None for item in records)]
    rows = [
        [
            " ".join(filter(None, (str(item.get("tool") or ""), str(item.get("version") or "")))),
            str(item.get("kind") or NOT_MEASURED),
            *(shown(item.get(name)) for name in names),
            str(item.get("file") or NOT_MEASURED),
        ]
        for item in records
    ]
    return ["Tool", "Kind", *(TITLES[name] for name in names), "File"], rows, "ll" + "r" * len(names) + "l"


def notices_of(report: BuildRecord) -> list[str]:
    """Return what is to be known of the runs."""
    return [notice for run in report.vendor.values() for notice in run.notices]
