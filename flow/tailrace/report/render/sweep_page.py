# SPDX-License-Identifier: Apache-2.0
"""The results of sweeps as one self-contained page: fronts, a table to filter and sort, two designs side by side."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from tailrace import __version__
from tailrace.report.render import html

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def sweep_page(title: str, rows: Sequence[Mapping[str, Any]], refused: Sequence[Mapping[str, Any]]) -> str:
    """Return the page of designs ``rows`` (the keys are those of :func:`tailrace.design.exploration.rows`).

    ``refused`` are the points that became no design: network, part, fps_asked and message.
    """
    # A closing tag inside of a string would end the script.
    data = json.dumps({"rows": list(rows), "refused": list(refused)}, allow_nan=False).replace("<", "\\u003c")
    script = (html.TEMPLATES / "sweep.js").read_text(
        encoding="utf-8"
    )  # no template: its own ${ } is that of a script
    values = {
        "title": title,
        "data": Markup(data),  # noqa: S704 - as above
        "script": Markup(script),  # noqa: S704 - ours
        "count": len(rows),
        "version": __version__,
    }
    return html.render("sweep.html", values)
