# SPDX-License-Identifier: Apache-2.0
"""E2: the HLS C++ of a design, compiled with g++, gives the integer graph's outputs on every vector."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.errors import Mismatch
from tailrace.tools.hls import compile_hls
from tailrace.tools.process import run
from tailrace.verify.hardware import HardwareResult

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.plan import Plan

Integers = NDArray[np.int64]

RUN_SECONDS = 1800.0


def verify_hls(plan: Plan, folder: Path, q: Integers, expected: Integers) -> HardwareResult:
    """Compile ``folder / hls`` and run (n, size) input integers through it; compare with ``expected``."""
    hls = folder / "hls"
    work = folder / "check" / "hls"
    program = compile_hls(
        [hls / f"{plan.name}.cpp", hls / f"{plan.name}_check.cpp"],
        work,
        program=f"{plan.name}_check",
        include_folders=[hls],
    )
    q.astype("<i8").tofile(work / "in.bin")
    run(
        [str(program), "in.bin", "out.bin", str(len(q))], cwd=work, log=work / "run.log", timeout_seconds=RUN_SECONDS
    )
    expected = expected.reshape(len(q), -1)
    got = np.fromfile(work / "out.bin", "<i8").reshape(expected.shape)
    wrong = np.argwhere(got != expected)
    first = None
    if len(wrong):
        vector, index = (int(i) for i in wrong[0])
        first = Mismatch(
            layer=plan.graph.output,
            index=(vector, index),
            expected=int(expected[vector, index]),
            got=int(got[vector, index]),
            stage="hls",
            count=len(wrong),
        )
    return HardwareResult(vectors=len(q), mismatches=len(wrong), stall=0.0, first=first)
