# SPDX-License-Identifier: Apache-2.0
"""Reports as CSV: a row per report, a column per headline figure; an empty cell was not measured."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from tailrace.report.render.figures import headline_columns, labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tailrace.report.records import BuildRecord
    from tailrace.report.render.figures import Value


def table(reports: Sequence[BuildRecord], names: Sequence[str] | None = None) -> str:
    """Return the CSV text with a header line; numbers are raw, ``names`` fills the first column ``build``."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = headline_columns()
    writer.writerow(["build", *columns])
    for name, report in zip(names or labels(reports), reports, strict=True):
        writer.writerow([name, *(cell(value(report)) for value in columns.values())])
    return text.getvalue()


def cell(value: Value) -> str:
    """Return a value as text: nothing for None, otherwise as in JSON, so that numbers read back exactly."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
