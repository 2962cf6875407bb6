# SPDX-License-Identifier: Apache-2.0
"""How often the nets of a netlist change while frames go through it: simulated, by SAIF files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tailrace.tools.process import workers
from tailrace.verify.hardware import users_of, words_of
from tailrace.verify.netlist import (
    WHOLE_CELLS_AT_MOST,
    instance_simulator,
    instance_words,
    plan_trace,
    whole_simulator,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from tailrace.planning.plan import Instance, Plan
    from tailrace.tools.yosys import CellModels

    Integers = NDArray[np.int64]

FRAMES = 12
"""Frames of a measurement, fewer where ..."""

WORK_AT_MOST = 2 * 10**9
"""... cells times cycles would be more than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """The changes of the nets of each block ({instance: {net: changes}}) while ``frames`` frames went through it.

    ``cycles`` are those of the run, by block; ``whole``: the blocks ran together, as they do in the design.
    """

    changes: Mapping[str, Mapping[str, int]]
    cycles: Mapping[str, int]
    frames: int
    whole: bool


def measure_activity(
    plan: Plan,
    folder: Path,
    netlists: Mapping[str, Path],
    models: CellModels,
    q: Integers,
    *,
    cells: int,
    jobs: int = 1,
) -> Activity:
    """Send (n, size) input integers through the netlists without stalls and count the changes of every net.

    The whole design where it is small enough to be compiled as one, else every block alone on the words that it gets
    in the design, at its own full rate.
    """
    count = max(2, min(FRAMES, len(q), WORK_AT_MOST // (max(cells, 1) * plan.interval_cycles)))
    q = q[np.arange(count) % len(q)]
    work = folder / "check" / "netlist"
    if cells <= WHOLE_CELLS_AT_MOST:
        simulator = whole_simulator(plan, folder, netlists, models, build=False)
        saif = work / "activity.saif"
        run = simulator.run(
            words_of(plan, q),
            expect_words=[count * port.stream.words for port in plan.output_ports],
            users=users_of(plan, q),
            waves=saif,
        )
        scopes = read_saif(saif)
        changes = {instance.name: scopes.get((plan.name, instance.name), {}) for instance in plan.instances}
        return Activity(changes=changes, cycles=dict.fromkeys(changes, run.cycles), frames=count, whole=True)
    trace = plan_trace(plan, q)

    def one(instance: Instance) -> tuple[str, dict[str, int], int]:
        simulator = instance_simulator(plan, instance, netlists[instance.name], work, models, build=False)
        saif = work / instance.name / "activity.saif"
        expected = [count * stream.words for stream in instance.block.outputs]
        run = simulator.run(instance_words(instance, trace), expect_words=expected, waves=saif)
        own = f"{plan.name}_{instance.name}"
        scopes = read_saif(saif)
        return instance.name, scopes.get((own,)) or scopes.get((f"{own}_check", "core"), {}), run.cycles

    with workers(jobs) as pool:
        found = list(pool.map(one, plan.instances))
    return Activity(
        changes={name: changes for name, changes, _ in found},
        cycles={name: cycles for name, _, cycles in found},
        frames=count,
        whole=False,
    )


def read_saif(path: Path) -> dict[tuple[str, ...], dict[str, int]]:
    """Return {names of the instances down to it: {net: changes}} of a SAIF file as Verilator writes it."""
    found: dict[tuple[str, ...], dict[str, int]] = {}
    scope: list[str] = []
    with path.open(encoding="utf-8") as file:
        for line in file:
            text = line.strip()
            if text.startswith("(INSTANCE"):
                scope.append(text.split(None, 1)[1].replace("\\", ""))
                found[tuple(scope)] = {}
            elif text.startswith("(NET"):
                scope.append("")
            elif "(TC " in text:
                name = text[1 : text.index(" (T0")].replace("\\", "")
                found[tuple(scope[:-1])][name] = int(text[text.index("(TC ") + 4 : text.rindex("))")])
            elif text == ")" and scope:
                scope.pop()
    return found
