# SPDX-License-Identifier: Apache-2.0
"""Names that become names in Verilog, C++ and of files."""

from __future__ import annotations

import re

IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def is_identifier(name: str) -> bool:
    """Say whether ``name`` can be a name in Verilog and C++ and of a file: letters, digits and _, a letter first."""
    return IDENTIFIER.fullmatch(name) is not None


def require_identifier(name: str, what: str) -> None:
    """Raise ValueError unless ``name`` is an identifier; ``what`` has the name."""
    if not is_identifier(name):
        short = name if len(name) <= 60 else f"{name[:60]}..."
        raise ValueError(f"the name of {what} is {short!r}, wanted letters, digits and _, a letter first")
