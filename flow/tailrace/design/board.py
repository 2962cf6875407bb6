# SPDX-License-Identifier: Apache-2.0
"""A build folder on its board: frames through the board, or through its top in simulation, against the graph."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.core.errors import TailraceError
from tailrace.emission.board import obstacle
from tailrace.host.description import FILE, load
from tailrace.host.device import TIMEOUT_SECONDS, Device
from tailrace.host.packets import OVERHEAD
from tailrace.verify.board import build_board_simulator, simulated_board
from tailrace.verify.hardware import first_mismatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from tailrace.design.api import Design
    from tailrace.host.description import Description

SIMULATED_SECONDS = 20.0
"""How long the simulated board may say nothing: its clock is a thousandth of the real one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardRun:
    """What came of frames through a board: all equal to the graph, ``fps`` a second as measured.

    ``sessions`` is how often one was opened: more than once where something was wrong on the line.
    """

    frames: int
    seconds: float
    sessions: int
    fps_of_link: float
    fps_of_fabric: float

    @property
    def fps(self) -> float:
        """Frames a second, as measured."""
        return self.frames / self.seconds if self.seconds else 0.0


def description_of(design: Design) -> Description:
    """Return what the host knows of the design in a build folder; TailraceError where it has no top for a board."""
    board = design.board
    why = "it was built for a part, not for a board" if board is None else obstacle(design.plan, board)
    if why:
        raise TailraceError(
            why,
            where=str(design.folder),
            hint="build with --board (tailrace boards), and without --clock",
        )
    return load(design.folder / FILE)


def run_on_board(design: Design, q: NDArray[np.int64], *, port: str | None, seed: int = 1) -> BoardRun:
    """Send the integers of frames through the board at ``port``, or without one through its top in simulation.

    Raises Mismatch at the first answer that is not the graph's, LinkError where there is none.
    """
    description = description_of(design)
    with _port(design, port, seed) as place:
        patience = TIMEOUT_SECONDS if port else SIMULATED_SECONDS
        with Device.open(place, description, timeout_seconds=patience) as device:
            start = time.perf_counter()
            got = device.predict_int(q)
            seconds = time.perf_counter() - start
            sessions = device.sessions
    expected = design.plan.graph.run_frames(q).reshape(got.shape)
    first = first_mismatch(design.plan, got, expected, "board against graph")
    if first:
        raise first
    return BoardRun(
        frames=len(q),
        seconds=seconds,
        sessions=sessions,
        fps_of_link=description.fps_of_link(OVERHEAD),
        fps_of_fabric=description.fps_of_fabric,
    )


@contextlib.contextmanager
def _port(design: Design, port: str | None, seed: int) -> Iterator[str]:
    if port is not None:
        yield port
        return
    board = design.board
    if board is None:
        raise ValueError("a top in simulation belongs to a board")
    program = build_board_simulator(design.plan, design.folder, board)
    with simulated_board(program, seed=seed) as place:
        yield place
