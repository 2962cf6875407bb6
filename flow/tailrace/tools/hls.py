# SPDX-License-Identifier: Apache-2.0
"""HLS C++ as a program: compiled with g++ against the ap_types headers that come with hls4ml.

The headers (``ap_int.h``, ``ap_fixed.h``, ``hls_stream.h``) behave as the vendor's, except that their
streams are unbounded: a program that would stop in hardware because a FIFO is full runs on here.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from tailrace.core.data import data_folder
from tailrace.core.errors import ToolError
from tailrace.tools.process import run

if TYPE_CHECKING:
    from collections.abc import Sequence

COMPILE_SECONDS = 1800.0
"""Time limit of one call of the compiler."""

STANDARD = "c++14"
"""The C++ that the vendors' HLS tools take."""

WARNINGS = (
    *("-Wall", "-Wextra", "-Wno-unknown-pragmas", "-Wno-unused-label"),
    *("-Wno-uninitialized", "-Wno-maybe-uninitialized"),
)
"""What is warned of: all but HLS pragmas and labels, which are for the vendors.

Integers of ap_types with more than 64 bits clear their upper bits before they have a value, which g++ would warn of in
the code that has them.
"""


def compile_hls(
    sources: Sequence[Path],
    folder: Path,
    *,
    program: str = "simulate_hls",
    include_folders: Sequence[Path] = (),
    defines: Sequence[str] = (),
    options: Sequence[str] = (),
) -> Path:
    """Compile C++ ``sources``, one of which has ``main``, into ``folder / program`` and return its path.

    On the include path are ``include_folders``, tailrace's block library (``templates_hls``) and ap_types.
    ``defines`` are ``NAME`` or ``NAME=VALUE``; ``options`` go to g++ as they are. Warnings are in the log.

    Raises:
        ToolError: hls4ml or g++ is missing, or the compiler refuses a source.

    """
    folder.mkdir(parents=True, exist_ok=True)
    output = folder.resolve() / program
    output.unlink(missing_ok=True)
    command = [
        "g++",
        *("-O1", f"-std={STANDARD}", *WARNINGS),
        *(f"-D{name}" for name in defines),
        *(f"-I{path.resolve()}" for path in (*include_folders, data_folder("templates_hls"))),
        *("-isystem", str(ap_types_folder())),
        *options,
        *("-o", str(output)),
        *(str(source.resolve()) for source in sources),
    ]
    run(command, cwd=folder, log=folder / f"{program}_compile.log", timeout_seconds=COMPILE_SECONDS)
    return output


def ap_types_folder() -> Path:
    """Return the folder of ``ap_int.h`` in the installed hls4ml, which is not imported for it.

    Raises:
        ToolError: there is no hls4ml, or its headers are not where they were.

    """
    spec = importlib.util.find_spec("hls4ml")
    if spec is None or spec.origin is None:
        raise ToolError(
            "the ap_types headers were not found (looked for the Python package hls4ml)",
            where="g++",
            hint="pip install tailrace[hls]",
        )
    folder = Path(spec.origin).parent / "templates" / "vivado" / "ap_types"
    if not (folder / "ap_int.h").is_file():
        raise ToolError(
            f"the installed hls4ml has no {folder / 'ap_int.h'}",
            where="g++",
            hint="pip install tailrace[hls]",
        )
    return folder
