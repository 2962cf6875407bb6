# SPDX-License-Identifier: Apache-2.0
"""What the tests of the reductions over taps share: pool and depthwise."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING
from unittest import mock

import numpy as np
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner
from rtl_harness import assert_frames_equal, build_rtl
from tailrace.core.data import data_folder
from tailrace.tools.formal import prove
from tailrace.tools.verilator import verilator_environment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tailrace.blocks.base import Integers
    from tailrace.blocks.depthwise import Depthwise
    from tailrace.blocks.pool import Pool
    from tailrace.tools.formal import Proof

HELPERS = {
    "pool": ("group_state",),
    "depthwise": ("group_state", "rom", "dense_lane", "adder_tree", "accumulator"),
    "group_state": (),
}
"""The modules that a module is made of."""


def sources(name: str) -> list[Path]:
    """Return the modules that ``tr_<name>`` is made of, without itself."""
    return [data_folder("rtl") / f"tr_{helper}.v" for helper in HELPERS[name]]


def check_rtl(
    block: Pool | Depthwise, frames: Integers, expected: Integers, *, folder: Path, seed: int
) -> None:
    """Assert that the Verilog gives ``expected`` in the block's interval and latency, and with stalls."""
    model = build_rtl(block, folder=folder, sources=sources(block.name))
    smooth = model.run(frames, seed=seed)
    assert_frames_equal(expected, smooth)
    assert block.interval_cycles == smooth.interval_cycles
    assert block.latency_cycles == smooth.latency_cycles
    assert (np.diff(smooth.input_cycles[0]) == 1).all()
    for stall in (0.3, 0.7):
        assert_frames_equal(expected, model.run(frames, stall=stall, seed=seed))


def run_bench(block: Pool | Depthwise, *, folder: Path, seed: int, instance: str = "layer_0") -> None:
    """Run ``sim/test_<name>.py``, which has two tests, under cocotb on the Verilog of ``block``."""
    names = {}
    for memory in block.memories():
        file = f"{instance}_{memory.name}.mem"
        (folder / file).write_text(memory.hex_lines(), encoding="utf-8")
        names[f"{memory.name.upper()}_FILE"] = f'"{file}"'
    top = f"tr_{block.name}"
    # cocotb looks for Verilator on PATH, and hands sys.path on to the simulation.
    path = mock.patch.object(sys, "path", [str(data_folder("sim")), *sys.path])
    with mock.patch.dict(os.environ, verilator_environment()), path:
        runner = get_runner("verilator")
        runner.build(
            sources=[data_folder("rtl") / f"{top}.v", *sources(block.name)],
            hdl_toplevel=top,
            parameters={**block.parameters(), **names},
            defines={"SIMULATION": 1},
            build_dir=folder / "build",
            build_args=["-Wall"],
        )
        results = runner.test(
            hdl_toplevel=top,
            test_module=f"test_{block.name}",
            build_dir=folder / "build",
            test_dir=folder,
            extra_env={"TR_SEED": str(seed % 1000), "TR_INSTANCE": instance},
        )
    assert get_results(results) == (2, 0)


def prove_with(
    top: str,
    change: tuple[str, str, str] | None,
    *,
    parameters: Mapping[str, int],
    depth: int,
    folder: Path,
    induction: bool = False,
) -> Proof:
    """Prove ``tr_<top>`` and what it is made of, or a copy that is broken by a ``change``.

    ``change`` is (module, text, replacement). The text must be in the module exactly once.
    """
    paths = [data_folder("rtl") / f"tr_{top}.v", *sources(top)]
    if change is not None:
        module, text, replacement = change
        original = data_folder("rtl") / f"tr_{module}.v"
        verilog = original.read_text(encoding="utf-8")
        assert verilog.count(text) == 1, f"{text!r} is {verilog.count(text)} times in {original.name}"
        mutant = folder / original.name
        mutant.write_text(verilog.replace(text, replacement), encoding="utf-8")
        paths = [mutant if path == original else path for path in paths]
    return prove(
        sources=paths,
        top=f"tr_{top}",
        parameters=parameters,
        depth=depth,
        folder=folder,
        timeout_seconds=120,
        induction=induction,
    )
