# SPDX-License-Identifier: Apache-2.0
"""The library: the Verilog modules and C++ headers that blocks are instances of, as texts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.resources.abc import Traversable

INCLUDE = re.compile(r'^`include "(\w+\.vh)"\n', re.MULTILINE)
"""A line of Verilog that stands for another file of the library."""


def verilog_files(module: str, folders: Sequence[Traversable]) -> dict[str, str]:
    """Return {file name: text} of ``<module>.v`` and of all modules that it instantiates, in any of ``folders``.

    Raises:
        FileNotFoundError: none of the folders has ``<module>.v``.

    """
    known = sorted(
        {path.name[:-2] for folder in folders for path in folder.iterdir() if path.name.endswith(".v")}
    )
    found: dict[str, str] = {}
    wanted = [module]
    while wanted:
        name = wanted.pop()
        if f"{name}.v" in found:
            continue
        text = verilog_text(f"{name}.v", folders)
        found[f"{name}.v"] = text
        code = "\n".join(line.split("//")[0] for line in text.splitlines())
        wanted.extend(other for other in known if other != name and f"{other} " in code)
    return found


def verilog_text(name: str, folders: Sequence[Traversable]) -> str:
    """Return the text of a Verilog file of the library with what it includes, so that it stands by itself.

    Of an included file, what is below its first empty line counts; above is what it says of itself.
    """
    return INCLUDE.sub(lambda found: read(found[1], folders).partition("\n\n")[2], read(name, folders))


def read(name: str, folders: Sequence[Traversable]) -> str:
    """Return the text of a file in the first of ``folders`` that has it; FileNotFoundError where none has."""
    for folder in folders:
        path = folder.joinpath(name)
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise FileNotFoundError(f"{name} is in none of {', '.join(map(str, folders))}")
