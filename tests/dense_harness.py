# SPDX-License-Identifier: Apache-2.0
"""What the tests of the dense blocks share."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING
from unittest import mock

import numpy as np
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner
from tailrace.core.data import data_folder
from tailrace.tools.formal import prove
from tailrace.tools.verilator import verilator_environment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tailrace.blocks.base import Integers
    from tailrace.blocks.dense_binary import DenseBinary
    from tailrace.blocks.dense_folded import DenseFolded
    from tailrace.tools.formal import Proof

HELPERS = ("accumulator", "adder_tree", "dense_binary_lane", "dense_lane", "dense_schedule", "rom")
SOURCES = tuple(data_folder("rtl") / f"tr_{name}.v" for name in HELPERS)
"""The modules that ``tr_dense_folded`` and ``tr_dense_binary`` are made of."""


def vectors_of(block: DenseFolded | DenseBinary, *, seed: int, count: int = 12) -> Integers:
    """Return (count, vectors, cols) random inputs; the first two frames are the ends of the type."""
    generator = np.random.default_rng(seed)
    in_type = block.inputs[0].type
    shape = (count, block.vectors, block.cols)
    vectors = generator.integers(in_type.min, in_type.max, shape, np.int64, endpoint=True)
    vectors[0], vectors[1] = in_type.min, in_type.max
    return vectors


def replayed(block: DenseFolded | DenseBinary, vectors: Integers) -> Integers:
    """Return the frames as ``replay`` sends them: every vector rows/pe times."""
    return np.repeat(vectors, block.rows // block.pe, axis=1).reshape(len(vectors), -1)


def hex_words(lines: str) -> list[int]:
    """Return the words of a ``$readmemh`` file."""
    return [int(line, 16) for line in lines.split()]


def run_bench(
    block: DenseFolded | DenseBinary, *, folder: Path, seed: int, instance: str = "layer_0"
) -> None:
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
            sources=[data_folder("rtl") / f"{top}.v", *SOURCES],
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
    sources = [data_folder("rtl") / f"tr_{top}.v", *(path for path in SOURCES if path.stem != f"tr_{top}")]
    if change is not None:
        module, text, replacement = change
        original = data_folder("rtl") / f"tr_{module}.v"
        verilog = original.read_text(encoding="utf-8")
        assert verilog.count(text) == 1, f"{text!r} is {verilog.count(text)} times in {original.name}"
        mutant = folder / original.name
        mutant.write_text(verilog.replace(text, replacement), encoding="utf-8")
        sources = [mutant if path == original else path for path in sources]
    return prove(
        sources=sources,
        top=f"tr_{top}",
        parameters=parameters,
        depth=depth,
        folder=folder,
        timeout_seconds=120,
        induction=induction,
    )
