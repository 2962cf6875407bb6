# SPDX-License-Identifier: Apache-2.0
"""What a user runs in a build folder without tailrace: the cocotb bench with its vectors, and the Makefile."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.core.data import data, templates
from tailrace.emission.rtl import port_views
from tailrace.emission.vendor import FLOWS, flows_of
from tailrace.targets.families import synthesized

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tailrace.planning.plan import Plan

Integers = NDArray[np.int64]

COPIED = ("streams.py", "run.py", "synth.py")


def copied_files() -> dict[str, str]:
    """Return {file name: text} of what every folder's ``sim/`` has: helpers, and how yosys synthesizes a family."""
    copied = {name: data("sim").joinpath(name).read_text(encoding="utf-8") for name in COPIED}
    return {**copied, "families.json": families_json()}


def families_json() -> str:
    """Return the records of the families as ``sim/synth.py`` reads them: {family: command, cells and their weights}."""
    found = {}
    for family in synthesized():
        recipe = family.yosys
        assert recipe is not None  # noqa: S101 - that is what "synthesized" means
        cells = recipe.cells
        found[family.name] = {
            "title": family.title,
            "command": recipe.command,
            "library": recipe.library,
            "library_cells": recipe.library_cells,
            "lut_means": family.lut_means,
            "luts": dict(cells.luts),
            "flip_flops": cells.flip_flops,
            "carries": dict.fromkeys(sorted(cells.carries), 1),
            "multipliers": dict(cells.multipliers),
            "block_rams": dict(cells.block_rams),
            "ultra_rams": dict(cells.ultra_rams),
        }
    return json.dumps(found, indent=1) + "\n"


def bench_view(plan: Plan) -> dict[str, Any]:
    """Return what the templates of benches ask for: the names, lanes and words of the ports of the design."""
    return {
        "design": plan.name,
        "family": (plan.part.family if plan.part.liberty else plan.part.estimator).name,
        "families": ", ".join(each.name for each in synthesized()),
        "python": "python3",
        "inputs": port_views(plan.input_ports),
        "outputs": port_views(plan.output_ports),
        "interval": plan.interval_cycles,
    }


def emit_bench(
    plan: Plan, q: Integers, expected: Integers, backends: Sequence[str] = ("rtl", "hls")
) -> dict[str, str]:
    """Return {path: text} of ``sim/`` and the Makefile; ``q`` and ``expected`` are (frames, values) integers.

    The Makefile has a target for every vendor flow that knows the part and reads what ``backends`` emit.
    """
    flows = [
        {
            "name": name,
            "title": FLOWS[name].title,
            "variable": name.upper(),
            "commands": [shlex.join(command) for command in FLOWS[name].commands],
        }
        for name in flows_of(plan.part, backends)
    ]
    view = {**bench_view(plan), "flows": flows}
    environment = templates("sim")
    files = {f"sim/{name}": text for name, text in copied_files().items()}
    files[f"sim/test_{plan.name}.py"] = environment.get_template("design_bench.py.j2").render(**view)
    files["sim/input.txt"] = frame_lines(q)
    files["sim/expected.txt"] = frame_lines(expected)
    files["Makefile"] = environment.get_template("design.mk.j2").render(**view)
    return files


def frame_lines(values: Integers) -> str:
    """Return a frame a line, its integers in stream order, those of one port after those of another."""
    return "".join(" ".join(map(str, row)) + "\n" for row in values.reshape(len(values), -1).tolist())
