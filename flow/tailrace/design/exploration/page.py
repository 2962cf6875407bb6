# SPDX-License-Identifier: Apache-2.0
"""What the page of a sweep shows: a row a design, and the points that became none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tailrace.design.exploration.front import MEASURED, Design, designs
from tailrace.report.render.sweep_page import sweep_page

if TYPE_CHECKING:
    from tailrace.design.exploration.store import Contents, Store


def rows(contents: Contents) -> list[dict[str, Any]]:
    """Return a row for every design, in the order of networks, parts, clocks and rates; None is not known."""
    found = sorted(
        designs(contents),
        key=lambda d: (d.estimate.network, d.estimate.part, d.estimate.clock_mhz, d.fps or 0, d.estimate.key),
    )
    return [_row(design) for design in found]


def _row(design: Design) -> dict[str, Any]:
    estimate = design.estimate
    said = [found.message for found in design.stages.values() if found.message]
    names = ("network", "part", "family", "clock_mhz", "engine", "minimize", "fps_asked", "command", "fits")
    return {
        **{name: getattr(estimate, name) for name in names},
        "stage": design.stage,
        "wrong": design.wrong,
        "message": "; ".join(said) or estimate.message,
        "counted": any(
            s in design.stages and design.stages[s].lut is not None for s in ("synthesize", "place")
        ),
        "fps": design.fps,
        "latency_us": design.latency_us,
        "accuracy": design.accuracy,
        "fmax_mhz": design.stages["place"].fmax_mhz if "place" in design.stages else None,
        **{kind: design.cells(kind) for kind in MEASURED},
    }


def page(store: Store) -> str:
    """Return the page of all that is in a store."""
    contents = store.read()
    refused = [
        {name: getattr(e, name) for name in ("network", "part", "fps_asked", "message")}
        for e in contents.estimates
        if e.state != "planned"
    ]
    return sweep_page(store.path.stem, rows(contents), refused)
