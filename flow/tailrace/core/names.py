# SPDX-License-Identifier: Apache-2.0
"""Names that become names in Verilog, C++ and of files; and names that look alike."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def is_identifier(name: str) -> bool:
    """Say whether ``name`` can be a name in Verilog and C++ and of a file: letters, digits and _, a letter first."""
    return IDENTIFIER.fullmatch(name) is not None


def require_identifier(name: str, what: str) -> None:
    """Raise ValueError unless ``name`` is an identifier; ``what`` has the name."""
    if not is_identifier(name):
        short = name if len(name) <= 60 else f"{name[:60]}..."
        raise ValueError(f"the name of {what} is {short!r}, wanted letters, digits and _, a letter first")


def as_identifiers(names: Sequence[str]) -> list[str]:
    """Return lower-case identifiers for any names, made of their letters and digits, each another one."""
    found: list[str] = []
    for name in names:
        text = re.sub("_+", "_", re.sub("[^a-z0-9]", "_", name.lower())).strip("_") or "port"
        text = text if text[0].isalpha() else f"p{text}"
        number = 2
        unique = text
        while unique in found:
            unique, number = f"{text}_{number}", number + 1
        found.append(unique)
    return found


def did_you_mean(wanted: str, known: Iterable[str], listing: str) -> str:
    """Return a hint with the known names that look like ``wanted``; the command ``listing`` lists all of them."""
    close = difflib.get_close_matches(wanted, list(known), n=3, cutoff=0.6)
    question = f"did you mean {', '.join(close)}? " if close else ""
    return f"{question}{listing} lists all of them"
