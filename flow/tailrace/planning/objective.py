# SPDX-License-Identifier: Apache-2.0
"""What a plan is to be best in, and how much of the part it may take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tailrace.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.targets.parts import Part

KINDS = ("lut", "ff", "dsp", "bram18")
"""The resources that have a budget."""

MINIMIZED = ("interval", *KINDS)
"""What can be made small: cycles a frame, or a resource."""

SHARES: Mapping[str, float] = {"lut": 0.7, "ff": 0.7, "dsp": 1.0, "bram18": 1.0}
"""Of a part, where nothing else is said; routing gets hard with more logic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """``minimize`` one of :data:`MINIMIZED`; ``use`` {resource: share of the part}, 1 for all of it.

    Raises UsageError for other names, or shares outside of 0 to 1.
    """

    minimize: str = "interval"
    use: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.minimize not in MINIMIZED:
            raise UsageError(f"minimize is {self.minimize!r}", hint=f"use one of {', '.join(MINIMIZED)}")
        for kind, share in self.use.items():
            if kind not in KINDS:
                raise UsageError(
                    f"there is no budget for {kind!r}", hint=f"possible: {', '.join(KINDS)}, as lut=60%"
                )
            if not 0 <= share <= 1:
                raise UsageError(f"the share of {kind} is {share:g}", hint="wanted 0% to 100%")

    def budget(self, part: Part) -> dict[str, float]:
        """Return {resource: how many may be used}."""
        return {kind: {**SHARES, **self.use}[kind] * getattr(part, kind) for kind in KINDS}


def read_shares(text: str) -> dict[str, float]:
    """Read shares as they are written on the command line: ``lut=60%,bram18=40%``, or ``lut=0.6``; UsageError."""
    found = {}
    for item in text.split(","):
        kind, _, number = (word.strip() for word in item.partition("="))
        try:
            share = float(number.removesuffix("%")) / (100 if number.endswith("%") else 1)
        except ValueError:
            raise UsageError(
                f"the share of {kind} is {number!r}", hint=f"write a number: {kind or 'lut'}=60%"
            ) from None
        found[kind] = share
    return found


def objective(minimize: str | None, use: str | None, *, rate: bool) -> Objective | None:
    """Return what is asked for; None where nothing is. ``rate``: frames per second or a latency are asked for, too."""
    if minimize is None and use is None:
        return None
    shares = read_shares(use) if use is not None else {}
    return Objective(minimize=minimize or ("lut" if rate else "interval"), use=shares)
