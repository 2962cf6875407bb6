# SPDX-License-Identifier: Apache-2.0
"""How many bits weights and activations get: ``8``, ``w4a8``, ``w8a16``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tailrace.core.errors import UsageError

WEIGHT_BITS = range(2, 9)
ACTIVATION_BITS = range(2, 17)


@dataclass(frozen=True, slots=True, kw_only=True)
class Widths:
    """The bits of the weights of a layer, and those of the activations that it reads."""

    weights: int
    activations: int

    @classmethod
    def parse(cls, text: str | int) -> Widths:
        """Return the widths that ``8`` or ``w4a8`` says; UsageError where it says none."""
        found = re.fullmatch(r"w(\d{1,3})a(\d{1,3})|(\d{1,3})", str(text).strip().lower())
        weights, activations = (0, 0)
        if found is not None:
            weights, activations = (int(found[i] or found[3]) for i in (1, 2))
        if weights not in WEIGHT_BITS or activations not in ACTIVATION_BITS:
            raise UsageError(
                f"widths of {str(text)!r}",
                hint=f"8, or w4a8: {WEIGHT_BITS[0]} to {WEIGHT_BITS[-1]} bits for weights, {ACTIVATION_BITS[0]} to "
                f"{ACTIVATION_BITS[-1]} for activations",
            )
        return cls(weights=weights, activations=activations)

    def __str__(self) -> str:
        return f"w{self.weights}a{self.activations}"
