# SPDX-License-Identifier: Apache-2.0
"""E1 and E2 of a design in a folder, and its accuracy: what is run, on which vectors, and what the report then says."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.design.accuracy import measure, require_loss
from tailrace.design.records import hardware_check, software_check
from tailrace.design.software import check_software, origin_of, reference
from tailrace.graph.values import joined, steps_of
from tailrace.tools.process import workers
from tailrace.verify.constants import wrong_constant
from tailrace.verify.hardware import HardwareResult, compare, rtl_simulator
from tailrace.verify.hls import verify_hls
from tailrace.verify.stalls import compare_stalled, stalled_simulator
from tailrace.verify.vectors import affordable, random_inputs, random_integers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tailrace.design.vectors import Vectors
    from tailrace.graph.values import Values
    from tailrace.planning.plan import Plan
    from tailrace.report.schema import Report

Integers = NDArray[np.int64]
Array = NDArray[Any]

RANDOM_VECTORS = 64
"""Random vectors for C++ and Verilog, and ..."""

SOFTWARE_VECTORS = 16
"""... for the comparison with the network's own software, which is slow; the user's come on top."""


def quiet(_: str) -> None:
    """Hear how far something is, and say nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """What is checked, and how: ``random`` vectors (None: as many as are quick) besides the user's, with ``stall``.

    ``loss`` is the most accuracy that changing passes may cost; ``software`` is E1; ``hear`` is told how far it is.
    """

    random: int | None = None
    seed: int = 1
    stall: float = 0.3
    backends: Sequence[str] = ("rtl", "hls")
    software: bool = True
    jobs: int = 2
    loss: float | None = None
    hear: Callable[[str], None] = quiet


class _Parts:
    """How far the checks that run side by side are, as one line."""

    def __init__(self, hear: Callable[[str], None]) -> None:
        self.hear = hear
        self.lock = threading.Lock()
        self.states: dict[str, str] = {}

    def say(self, part: str, state: str) -> None:
        """Say the states of all parts, that of ``part`` being new."""
        with self.lock:
            self.states[part] = state
            self.hear(", ".join(f"{name} {state}" for name, state in self.states.items()))


def verify(
    plan: Plan,
    folder: Path,
    report: Report,
    user: Vectors | None,
    checks: Checks,
) -> Iterator[Report]:
    """Check accuracy, E1 and E2, and give the report after each step.

    Raises MappingError where changing passes cost more accuracy than stated, Mismatch(layer, index, expected, got) at
    the first difference; the report with the counts was given before.
    """
    graph = plan.graph
    parts = _Parts(checks.hear)
    origin = origin_of(plan, folder) if checks.software else None
    if origin is not None:
        changed = origin.changed is not origin.imported
        accuracy = measure(graph if changed else origin.imported, origin.imported, user, checks.loss)
        report = replace(report, accuracy=accuracy)
        yield report
        require_loss(accuracy)
    usual = affordable(plan, RANDOM_VECTORS)
    steps = None if user is None or not graph.states else steps_of(user.inputs)
    x = random_inputs(graph, min(SOFTWARE_VECTORS, usual), checks.seed, steps)
    x = x if user is None else joined(user.inputs, x)
    q = random_integers(graph, usual if checks.random is None else checks.random, checks.seed)
    q = np.concatenate([graph.host.encode(x), q])
    expected = graph.run_frames(q)

    def run_rtl() -> HardwareResult:
        parts.say("Verilog", f"on {len(q)} vectors")
        result = run_verilog(plan, folder, q, expected, stall=checks.stall, seed=checks.seed)
        parts.say("Verilog", "done")
        return result

    def run_hls() -> HardwareResult:
        parts.say("C++", f"on {len(q)} vectors")
        result = verify_hls(plan, folder, q, expected)
        parts.say("C++", "done")
        return result

    with workers(checks.jobs) as pool:
        rtl = pool.submit(run_rtl) if "rtl" in checks.backends else None
        hls = pool.submit(run_hls) if "hls" in checks.backends else None
        done = None
        if origin is not None:
            done = check_software(
                plan,
                origin,
                reference(origin.imported, folder),
                x,
                lambda count, total: parts.say("network", f"{count} of {total} vectors"),
            )
        found: dict[str, Any] = {
            "software": software_check(done) if done else None,
            "rtl": hardware_check(rtl.result(), stalled=True) if rtl else None,
            "hls": hardware_check(hls.result(), stalled=False) if hls else None,
        }
    report = replace(report, verify=replace(report.verify, **{k: v for k, v in found.items() if v}))
    if rtl and not rtl.result().mismatches:
        report = _measured(plan, report, rtl.result())
    yield report
    for result in (done, rtl.result() if rtl else None, hls.result() if hls else None):
        if result and result.first:
            raise result.first


def _measured(plan: Plan, report: Report, result: HardwareResult) -> Report:
    """Return the report with interval and latency as the Verilog has them."""
    interval = result.interval_cycles
    performance = replace(
        report.performance,
        interval_cycles=interval,
        latency_cycles=result.latency_cycles,
        fps=plan.clock_mhz * 1e6 / interval if interval else None,
        source="rtl",
    )
    return replace(report, performance=performance)


def integers(plan: Plan, x: Values | None, count: int, seed: int) -> Integers:
    """Return the user's network inputs and ``count`` random ones as (n, size) integers."""
    host = plan.graph.host
    q = random_integers(plan.graph, count, seed)
    return q if x is None else np.concatenate([host.encode(x), q])


def run_verilog(
    plan: Plan,
    folder: Path,
    q: Integers,
    expected: Integers,
    *,
    stall: float,
    seed: int,
    waves: Path | None = None,
) -> HardwareResult:
    """Compile the Verilog, run (n, size) integers through it, then with stalls inside; ``waves`` names a VCD file."""
    simulator = rtl_simulator(plan, folder, traced=True)
    result = compare(
        plan, simulator, q, expected, stall=stall, seed=seed, check="rtl", waves=waves, traced=True
    )
    if result.first is None:
        inside = compare_stalled(plan, stalled_simulator(plan, folder), q, expected, stall=stall, seed=seed)
        result = replace(
            result, mismatches=inside.mismatches, first=inside.first, stalled_frames=inside.vectors
        )
    constant = None if result.first else wrong_constant(plan, folder, "rtl")
    return replace(result, mismatches=constant.count, first=constant) if constant else result
