# SPDX-License-Identifier: Apache-2.0
"""What a user runs in a build folder without tailrace: the cocotb bench with its vectors, and the Makefile."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.core.data import data, templates
from tailrace.emission.rtl import padded
from tailrace.emission.vendor import FLOWS, flows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tailrace.planning.plan import Plan

Integers = NDArray[np.int64]

COPIED = ("streams.py", "run.py", "synth.py")


def bench_view(plan: Plan) -> dict[str, str | int | bool]:
    """Return what the templates of benches ask for: the names, lanes and words at both ends of the design."""
    first, out = plan.wires[plan.input], plan.end
    return {
        "design": plan.name,
        "family": plan.part.family if plan.part.liberty else plan.part.estimator,
        "python": "python3",
        "in_lanes": first.lanes,
        "in_pad": padded(first.type.bits),
        "out_lanes": out.lanes,
        "out_pad": padded(out.type.bits),
        "out_signed": out.type.signed,
        "out_words": out.words,
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
    files = {f"sim/{name}": data("sim").joinpath(name).read_text(encoding="utf-8") for name in COPIED}
    files[f"sim/test_{plan.name}.py"] = environment.get_template("design_bench.py.j2").render(**view)
    files["sim/input.txt"] = frame_lines(q)
    files["sim/expected.txt"] = frame_lines(expected)
    files["Makefile"] = environment.get_template("design.mk.j2").render(**view)
    return files


def frame_lines(values: Integers) -> str:
    """Return a frame a line, its integers in stream order."""
    return "".join(" ".join(map(str, row)) + "\n" for row in values.reshape(len(values), -1).tolist())
