# SPDX-License-Identifier: Apache-2.0
"""E2: the HLS C++ of a design, compiled with g++, gives the integer graph's outputs on every vector."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import ToolError
from tailrace.tools.hls import compile_hls
from tailrace.tools.process import run
from tailrace.tools.verilator import SimulationError
from tailrace.verify.constants import wrong_constant
from tailrace.verify.hardware import (
    HardwareResult,
    first_mismatch,
    first_wrong_mark,
    last_words,
    locate,
    padded_lanes,
    traced_frames,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tailrace.planning.plan import Plan

Integers = NDArray[np.int64]

MARKS = ("last", "keep", "strb")
"""The signals beside the data at the output, in the order of their bits in what the program writes."""

RUN_SECONDS = 4 * 3600.0
"""Time limit for the vectors of one network: one that hangs is stopped, large frames are not."""


def verify_hls(plan: Plan, folder: Path, q: Integers, expected: Integers) -> HardwareResult:
    """Compile ``folder / hls`` and run (n, size) input integers through it; compare with the integer graph.

    The outputs are compared with ``expected``, and for the first :func:`traced_frames` vectors every stream between.
    """
    hls, work = folder / "hls", folder / "check" / "hls"
    program = compile_hls(
        [hls / f"{plan.name}.cpp", hls / f"{plan.name}_check.cpp"],
        work,
        program=f"{plan.name}_check",
        include_folders=[hls],
        defines=[f"TAILRACE_TRACE={traced_frames(plan)}"],
    )

    def simulate(frames: Integers) -> tuple[Integers, NDArray[np.uint8]]:
        count, lanes = len(frames), padded_lanes(plan, frames, np.random.default_rng(1))
        marks = [frames[:, -1:]] if plan.graph.host.marked else []
        whole = np.concatenate([*marks, *(values.reshape(count, -1) for values in lanes)], axis=1)
        whole.astype("<i8").tofile(work / "in.bin")
        command = [str(program), "in.bin", "out.bin", "marks.bin", str(len(frames))]
        _run(command, work)
        values = np.fromfile(work / "out.bin", "<i8").astype(np.int64).reshape(len(frames), -1)
        return values, np.fromfile(work / "marks.bin", np.uint8).reshape(len(frames), -1)

    expected = expected.reshape(len(q), -1)
    got, marks = simulate(q)
    first = first_mismatch(plan, got, expected, "hls")
    for number, signal in enumerate(MARKS):
        wanted = last_words(plan, len(q)) if signal == "last" else np.ones_like(marks)
        first = first or first_wrong_mark(
            plan, f".{signal}", (marks >> number & 1).astype(np.uint8), wanted, "hls"
        )
    named = locate(plan, work, q, first, rerun=simulate, check="hls")
    if named is None and first is None:
        _check_counts(plan, work, len(q))
    first = named or first or wrong_constant(plan, folder, "hls")
    mismatches = max(int((got != expected).sum()), first.count if first else 0)
    return HardwareResult(vectors=len(q), mismatches=mismatches, stall=0.0, first=first)


def _check_counts(plan: Plan, work: Path, frames: int) -> None:
    """Raise SimulationError where a stream inside got more or fewer words than a frame has.

    What one instance sends too many, and the next does not read, is lost where a call ends: here it changes nothing.
    """
    for wire, stream in plan.wires.items():
        file = work / f"trace_{wire}.hex"
        if file.is_file():
            expected = stream.words * min(frames, traced_frames(plan))
            got = file.read_bytes().count(b"\n")
            if got != expected:
                raise SimulationError(f"{wire} got {got} words, expected {expected}", where="hls")


def _run(command: Sequence[str], work: Path) -> None:
    """Run the compiled C++; what it says is wrong with its streams becomes a SimulationError."""
    try:
        run(command, cwd=work, log=work / "run.log", timeout_seconds=RUN_SECONDS)
    except ToolError as error:
        if "did not end within" in error.message:
            raise
        raise SimulationError(error.message, where="hls", hint=error.hint) from None
