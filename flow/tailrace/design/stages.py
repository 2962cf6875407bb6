# SPDX-License-Identifier: Apache-2.0
"""The stages of a build: their order, what each leaves in the folder, and which options it settles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.design.manifest import STAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

PRODUCTS: Mapping[str, tuple[str, ...]] = {
    "import": ("graph", "tailrace.toml"),
    "plan": (
        *("graph/changed.json", "graph/lowered.json", "plan.json"),
        *("report.json", "report.md", "report.html"),
    ),
    "emit": ("rtl", "hls", "sim", "vendor", "board", "Makefile", "export"),
    "verify": ("check",),
    "synth": ("synth", "route"),
    "report": (),
}
"""What each stage writes into the build folder; all of it goes when an earlier stage is done again."""

DECIDED: Mapping[str, tuple[str, ...]] = {
    "import": ("input_type", "states", "sequence", "limits"),
    "plan": (
        "part",
        "board",
        "clock_mhz",
        "fps",
        "latency_cycles",
        "latency_us",
        "minimize",
        "use",
        "engine",
        "fifos",
        "layers",
    ),
    "emit": ("backend",),
}
"""The options that a stage settles for all later ones."""


def before(stage: str) -> tuple[str, ...]:
    """Return the stages before ``stage``, in order."""
    return STAGES[: STAGES.index(stage)]


def products_from(stage: str) -> tuple[str, ...]:
    """Return what ``stage`` and all later ones write."""
    return tuple(name for later in STAGES[STAGES.index(stage) :] for name in PRODUCTS[later])


class Notify:
    """Hears how a build goes on; does nothing. ``tailrace build`` prints."""

    def begin(self, stage: str, doing: str) -> None:
        """``stage`` begins; ``doing`` says in a few words what it does."""

    def step(self, state: str) -> None:
        """The stage got on; ``state`` says how far."""

    def note(self, text: str) -> None:
        """Something takes longer than usual, and ``text`` says why."""

    def end(self, stage: str, seconds: float, result: str) -> None:
        """``stage`` is done after ``seconds``; ``result`` says in a few words what came of it."""
