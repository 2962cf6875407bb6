# SPDX-License-Identifier: Apache-2.0
"""The build folder that a command works in."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tailrace.core.errors import TailraceError
from tailrace.design import api
from tailrace.design.folder import locked
from tailrace.design.manifest import read_manifest, require_stages

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def opened(folder: Path, why: str, backend: str = "rtl") -> Iterator[api.Design]:
    """Open the design of a build folder for a command that needs its sources, and keep others out."""
    design = api.Design.open(folder)
    if read_manifest(folder):
        require_stages(folder, ("import", "plan", "emit"), why)
    if not (folder / backend).is_dir():
        raise TailraceError(
            f"there is no {'Verilog' if backend == 'rtl' else 'HLS C++'}",
            where=str(folder / backend),
            hint=f"build with --backend {backend} or both",
        )
    with locked(folder):
        yield design
