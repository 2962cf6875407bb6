# SPDX-License-Identifier: Apache-2.0
"""The library: the Verilog modules and C++ headers that blocks are instances of, as texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.resources.abc import Traversable


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
        text = read(f"{name}.v", folders)
        found[f"{name}.v"] = text
        code = "\n".join(line.split("//")[0] for line in text.splitlines())
        wanted.extend(other for other in known if other != name and f"{other} " in code)
    return found


def read(name: str, folders: Sequence[Traversable]) -> str:
    """Return the text of a file in the first of ``folders`` that has it; FileNotFoundError where none has."""
    for folder in folders:
        path = folder.joinpath(name)
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise FileNotFoundError(f"{name} is in none of {', '.join(map(str, folders))}")
