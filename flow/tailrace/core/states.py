# SPDX-License-Identifier: Apache-2.0
"""States as they are written in options: which input is what an output was a frame before."""

from __future__ import annotations

from tailrace.core.errors import UsageError


def parse_states(text: str) -> dict[str, str]:
    """Read ``h=h_next,c=c_next``: {input: output}. UsageError where it is something else."""
    found: dict[str, str] = {}
    for item in text.split(","):
        name, sign, output = (part.strip() for part in item.partition("="))
        if not (name and sign and output) or name in found:
            raise UsageError(
                f"the states are {text!r}",
                hint="write INPUT=OUTPUT, such as h=h_next; several with a comma between, or the option again",
            )
        found[name] = output
    return found
