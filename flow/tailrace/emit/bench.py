# SPDX-License-Identifier: Apache-2.0
"""What a user runs in a build folder without tailrace: the cocotb bench with its vectors, and the Makefile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.blocks.frame import Frame
from tailrace.data import data, templates
from tailrace.emit.rtl import padded

if TYPE_CHECKING:
    from tailrace.plan import Plan

Integers = NDArray[np.int64]

COPIED = ("streams.py", "run.py", "synth.py")


def emit_bench(plan: Plan, q: Integers, expected: Integers) -> dict[str, str]:
    """Return {path: text} of ``sim/`` and the Makefile; ``q`` and ``expected`` are (frames, values) integers."""
    last = plan.stages[-1].block
    if not isinstance(last, Frame):
        raise TypeError("the last stage of a plan is its frame")
    first, out = plan.wires[plan.input], last.inputs[0]
    view = {
        "design": plan.name,
        "family": plan.part.family,
        "python": "python3",
        "in_lanes": first.lanes,
        "in_pad": padded(first.type.bits),
        "out_lanes": out.lanes,
        "out_pad": padded(out.type.bits),
        "out_signed": out.type.signed,
        "out_words": out.words,
        "interval": plan.interval_cycles,
    }
    environment = templates("sim")
    files = {f"sim/{name}": data("sim").joinpath(name).read_text(encoding="utf-8") for name in COPIED}
    files[f"sim/test_{plan.name}.py"] = environment.get_template("design_bench.py.j2").render(**view)
    files["sim/input.txt"] = _lines(q)
    files["sim/expected.txt"] = _lines(expected)
    files["Makefile"] = environment.get_template("design.mk.j2").render(**view)
    return files


def _lines(values: Integers) -> str:
    return "".join(" ".join(map(str, row)) + "\n" for row in values.reshape(len(values), -1).tolist())
