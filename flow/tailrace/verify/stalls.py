# SPDX-License-Identifier: Apache-2.0
"""E2 with stalls inside: the modules of a design, joined by a top that withholds the words between them now and then.

In a design that keeps its rate many states are never reached, whatever happens at its ends: a skid buffer behind which
nothing stalls never uses its spare word. Here every stream between two instances is stalled at random, so that what is
before it fills up and what is behind it runs dry. The top of the design itself is simulated in
:mod:`tailrace.verify.hardware`; here it is another one, with a ``tr_stall`` on each of the same wires.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.core.data import data_folder
from tailrace.emission.rtl import source_names, top_module
from tailrace.tools.verilator import SimulationError
from tailrace.verify.hardware import (
    HardwareResult,
    count_differences,
    design_simulator,
    first_difference,
    memories_beside,
    named_first,
    run_frames,
    traced_frames,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.planning.plan import Plan
    from tailrace.tools.verilator import StreamSimulator

Integers = NDArray[np.int64]

CYCLES = 1 << 15
"""Frames are sent for about so many cycles (without the stalls), vectors again and again if need be, ..."""

FRAMES_AT_LEAST = 4
"""... but so many at least, however long they are, ..."""

FRAMES_AT_MOST = 512
"""... and so many at most, however short."""

PHASES_CLOSED = 384
"""Of 256 phases of all streams together so many are closed: one or two streams at a time."""


def stalled_simulator(plan: Plan, folder: Path) -> StreamSimulator:
    """Compile the modules in ``folder / rtl`` with the stalled top; it runs in ``folder / check / stalls``."""
    work = folder / "check" / "stalls"
    memories_beside(folder / "rtl", work)
    top = work / f"{plan.name}.v"
    top.write_text(
        top_module(plan, stalls=min(64, max(8, PHASES_CLOSED // len(plan.wires)))), encoding="utf-8"
    )
    names = [name for name in source_names(plan) if name != top.name]
    sources = [data_folder("sim") / "tr_stall.v", *(folder / "rtl" / name for name in names), top]
    return design_simulator(plan, sources, work, defines=[f"TAILRACE_TRACE={traced_frames(plan)}"])


def frames_of(plan: Plan) -> int:
    """Return how many frames are sent."""
    return min(FRAMES_AT_MOST, max(FRAMES_AT_LEAST, CYCLES // plan.interval_cycles))


def compare_stalled(
    plan: Plan,
    simulator: StreamSimulator,
    q: Integers,
    expected: Integers,
    *,
    stall: float,
    seed: int,
) -> HardwareResult:
    """Run (n, size) input integers through the stalled design; compare outputs and streams with the integer graph.

    ``stall`` is the probability of a stall at the ends, as elsewhere. The result says how many frames that were.
    """
    at = np.arange(frames_of(plan)) % len(q)
    frames, wanted = q[at], expected.reshape(len(q), -1)[at]
    try:
        got = run_frames(plan, simulator, frames, stall=stall, seed=seed)
    except SimulationError as error:
        error.hint = _hint(simulator)
        raise
    first = first_difference(plan, got, wanted, "rtl")
    first = named_first(plan, simulator, frames, first, seed=seed, check="rtl")
    if first:
        first.hint = _hint(simulator)
    return HardwareResult(
        vectors=len(frames),
        mismatches=count_differences(plan, got, wanted, first),
        stall=stall,
        first=first,
    )


def _hint(simulator: StreamSimulator) -> str:
    return f"it comes with stalls inside the design; the top with them is {simulator.sources[-1]}"
