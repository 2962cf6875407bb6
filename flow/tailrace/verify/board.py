# SPDX-License-Identifier: Apache-2.0
"""A board's top in simulation: Verilator runs all of it, with its serial line on a pseudo terminal."""

from __future__ import annotations

import contextlib
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tailrace.core.data import templates
from tailrace.core.errors import ToolError
from tailrace.emission.board import board_sources, top_name
from tailrace.emission.rtl import source_names
from tailrace.tools.process import background
from tailrace.tools.verilator import build_program
from tailrace.verify.hardware import memories_beside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tailrace.planning.plan import Plan
    from tailrace.targets.boards import Board

SIXTEENTHS_PER_BIT = 4 * 16 + 5
"""Of a cycle, for a bit of the line in simulation: few, so that a frame is simulated soon, and no whole cycles."""

READY_SECONDS = 30.0


def build_board_simulator(plan: Plan, folder: Path, board: Board) -> Path:
    """Compile the top of ``board`` in the build folder and return the program, in ``folder / check / board``."""
    rtl, work = folder / "rtl", folder / "check" / "board"
    work.mkdir(parents=True, exist_ok=True)
    memories_beside(rtl, work)
    return build_program(
        top=top_name(plan),
        sources=[
            *(rtl / name for name in source_names(plan)),
            *(folder / "board" / name for name in board_sources(plan)),
        ],
        driver=templates("sim")
        .get_template("board_driver.cpp.j2")
        .render(top=top_name(plan), reset=board.pins.get("reset")),
        folder=work,
        parameters={"SIXTEENTHS_PER_BIT": SIXTEENTHS_PER_BIT},
    )


@contextlib.contextmanager
def simulated_board(program: Path, *, seed: int = 1, damage: float = 0.0) -> Iterator[str]:
    """Run a simulator of :func:`build_board_simulator`; gives the port that it answers at, such as ``/dev/pts/3``.

    Of a share ``damage`` of the bytes on the line, either way, one bit is turned. Raises ToolError where it does not
    start.
    """
    work = program.parents[1]
    with tempfile.TemporaryDirectory(prefix="port-", dir=work) as place:
        port_file, log = Path(place) / "port", Path(place) / "run.log"
        command = [
            str(program),
            str(port_file.resolve()),
            str(SIXTEENTHS_PER_BIT),
            str(seed),
            str(round(damage * 2**32)),
        ]
        with background(command, cwd=work, log=log) as running:
            end = time.monotonic() + READY_SECONDS
            while not port_file.is_file():
                if not running() or time.monotonic() > end:
                    said = log.read_text(errors="replace").strip()
                    raise ToolError(
                        f"the simulated board does not start{': ' + said if said else ''}", where=str(program)
                    )
                time.sleep(0.01)
            yield port_file.read_text(encoding="utf-8").strip()
