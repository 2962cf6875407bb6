# SPDX-License-Identifier: Apache-2.0
"""Check the element-wise blocks, which name their memory files themselves: some have one a lane.

check_rtl(block, frames, folder=tmp_path, seed=seed)    # Verilog = evaluate, its schedule, stalls
check_hls(blocks, folder=tmp_path, seed=seed)           # HLS C++ = evaluate, one compile for all
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner
from hls_harness import HlsCase, run_hls
from rtl_harness import RtlModel, assert_frames_equal
from tailrace.core.data import data_folder
from tailrace.tools.formal import prove
from tailrace.tools.verilator import StreamEnd, build_stream_simulator, verilator_environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tailrace.blocks.base import Integers, Memory
    from tailrace.tools.formal import Proof

PROOF_DEPTH = 7
"""Cycles of the base case: longer than any of the pipelines that are proven."""


class HlsView:
    """A block whose memories are the arrays of the HLS C++."""

    def __init__(self, block: Any) -> None:
        self.block = block

    def __getattr__(self, name: str) -> Any:
        return getattr(self.block, name)

    def memories(self) -> tuple[Memory, ...]:
        return self.block.hls_memories()


def build_map(block: Any, *, folder: Path, instance: str = "layer_0", source: Path | None = None) -> RtlModel:
    """Compile ``tr_<name>``, or ``source`` instead, with the parameters and memory files of ``block``."""
    folder.mkdir(parents=True, exist_ok=True)
    for memory in block.memories():
        (folder / f"{instance}_{memory.name}.mem").write_text(memory.hex_lines(), encoding="utf-8")
    simulator = build_stream_simulator(
        top=f"tr_{block.name}",
        sources=[source or data_folder("rtl") / f"tr_{block.name}.v"],
        inputs=[StreamEnd(name="s_axis", bits=block.inputs[0].bits)],
        outputs=[StreamEnd(name="m_axis", bits=block.outputs[0].bits)],
        folder=folder,
        parameters={**block.parameters(), **block.memory_parameters(instance)},
        lint=True,
    )
    return RtlModel(block=block, simulator=simulator)


def frames_of(block: Any, *, seed: int, count: int = 24) -> Integers:
    """Return (count, values) random inputs: the whole type, its ends, and small numbers."""
    generator = np.random.default_rng(seed)
    stream = block.inputs[0]
    low, high = stream.type.min, stream.type.max
    shape = (count, stream.lanes * stream.words)
    frames = generator.integers(low, high, shape, np.int64, endpoint=True)
    frames[0], frames[1] = low, high
    small = generator.integers(max(low, -40), min(high, 40), shape, np.int64, endpoint=True)
    frames[2::3] = small[2::3]
    return frames


def check_rtl(block: Any, frames: Integers, *, folder: Path, seed: int) -> None:
    """Assert that the Verilog computes ``block.evaluate(frames)``, on schedule and with stalls."""
    model = build_map(block, folder=folder)
    expected = block.evaluate(frames)
    run = model.run(frames)
    assert_frames_equal(expected, run)
    assert block.latency_cycles == run.latency_cycles
    assert block.interval_cycles == run.interval_cycles
    assert_frames_equal(expected, model.run(frames, stall=0.4, seed=seed))


def check_hls(blocks: Sequence[Any], *, folder: Path, seed: int) -> None:
    """Assert that the HLS C++ of every block computes its ``evaluate``."""
    cases = [HlsCase(block=HlsView(block), frames=(frames_of(block, seed=seed),)) for block in blocks]
    for block, case, (got,) in zip(blocks, cases, run_hls(cases, folder), strict=True):
        expected = block.evaluate(case.frames[0])
        assert np.array_equal(expected, got), dict(block.parameters())


def prove_module(
    top: str, parameters: Mapping[str, int], *, folder: Path, replace: tuple[str, str] | None = None
) -> Proof:
    """Prove ``rtl/<top>.v``, or a copy of it in which all of one text is replaced by another."""
    text = (data_folder("rtl") / f"{top}.v").read_text(encoding="utf-8")
    if replace is not None:
        assert replace[0] in text
        text = text.replace(*replace)
    source = folder / f"{top}.v"
    source.write_text(text, encoding="utf-8")
    return prove(sources=[source], top=top, parameters=parameters, depth=PROOF_DEPTH, folder=folder / "proof")


def run_bench(block: Any, *, folder: Path, seed: int, instance: str = "layer_0") -> None:
    """Run ``sim/test_<name>.py`` under cocotb and Verilator on the Verilog of ``block``."""
    for memory in block.memories():
        (folder / f"{instance}_{memory.name}.mem").write_text(memory.hex_lines(), encoding="utf-8")
    names = {name: f'"{value}"' for name, value in block.memory_parameters(instance).items()}
    # cocotb looks for Verilator on PATH, and hands sys.path on to the simulation.
    path = mock.patch.object(sys, "path", [str(data_folder("sim")), *sys.path])
    with mock.patch.dict(os.environ, verilator_environment()), path:
        runner = get_runner("verilator")
        runner.build(
            sources=[data_folder("rtl") / f"tr_{block.name}.v"],
            hdl_toplevel=f"tr_{block.name}",
            parameters={**block.parameters(), **names},
            build_dir=folder / "build",
            build_args=["-Wall"],
        )
        results = runner.test(
            hdl_toplevel=f"tr_{block.name}",
            test_module=f"test_{block.name}",
            build_dir=folder / "build",
            test_dir=folder,
            extra_env={
                "TR_SEED": str(seed % 1000),
                "TR_INSTANCE": instance,
            },
        )
    tests, failures = get_results(results)
    assert tests == 2
    assert failures == 0
