# SPDX-License-Identifier: Apache-2.0
"""Use the block of docs/internals/new_block.md in a design; run in a tree that has it, with the folder for the results.

Prints one JSON object of what the design, its report and its packages say; tests/blocks/test_new_block.py reads it.
"""

from __future__ import annotations

import json
import sys
import tarfile
from pathlib import Path

import numpy as np
import onnx
import tailrace as tr
from networks import Builder
from tailrace.blocks.negate import Negate
from tailrace.planning import requantize, serialize
from tailrace.planning.streams.simulator import simulate


def network(path: Path) -> Path:
    """3 x - x' as a network, where x' is -x by way of a quantizer of its own: a map beside a branch."""
    build = Builder()
    x = build.quant(build.input([1, 6]), scale=1.0, bits=4)
    negated = build.quant(build.node("Neg", x), scale=1.0, bits=5)
    total = build.node("Add", build.node("Mul", x, build.constant(3.0)), negated)
    onnx.save(build.model(build.quant(total, scale=1.0, bits=6)), path)
    return path


def add_to_the_planner() -> None:
    """Let the new block be a candidate for every map that it computes."""
    others = requantize.candidates

    def with_negate(node, tensor, out, lanes, *, dsp=False):
        block = Negate(channels=tensor.channels, pe=lanes, in_type=tensor.type, vectors=tensor.vectors)
        low, high = int(tensor.low.min()), int(tensor.high.max())
        x = np.arange(low, high + 1)[:, None].repeat(tensor.channels, axis=1)
        own = [block] if np.array_equal(node.steps(x), block.evaluate(x)) else []
        return own + others(node, tensor, out, lanes, dsp=dsp)

    requantize.candidates = with_negate


def main(folder: Path) -> None:
    """Plan, emit, verify, synthesize, export."""
    add_to_the_planner()
    graph = tr.load(network(folder / "turned.onnx"))
    plan = tr.plan(graph, part="ecp5-25k", clock_mhz=50, fold={"*": {"pe": 2}})
    (instance,) = [instance for instance in plan.instances if instance.block.name == "negate"]
    again = serialize.loads(serialize.dumps(plan))
    design = tr.emit(plan, folder / "build")
    x = np.arange(-8, 10, dtype=np.float32).reshape(3, 6)
    report = design.verify(x, vectors=16, seed=1)
    report = design.synth("yosys")
    exported = {kind: design.export(kind) for kind in ("core", "f", "tar")}
    with tarfile.open(exported.pop("tar")) as archive:
        packages = {"tar": archive.getnames()}
    for kind, path in exported.items():
        packages[kind] = [str(file.relative_to(path)) for file in path.rglob("*")]
    layer = next(layer for layer in report.layers if layer.name == instance.name)
    found = {
        "same plan from JSON": serialize.dumps(again) == serialize.dumps(plan),
        "interval": [
            plan.interval_cycles,
            simulate(plan).interval_cycles,
            report.performance.interval_cycles,
        ],
        "latency": [simulate(plan).latency_cycles, report.performance.latency_cycles],
        "layer": [layer.block, layer.interval_cycles, layer.in_bits, layer.out_bits],
        "lut": [layer.lut, layer.synth.lut],
        "checks": {
            name: [check.vectors, check.mismatches]
            for name in ("software", "hls", "rtl", "netlist")
            if (check := getattr(report.verify, name)) is not None
        },
        "packages with tr_negate.v": sorted(
            kind for kind, names in packages.items() if any(name.endswith("tr_negate.v") for name in names)
        ),
        "in report.md": "negate" in (folder / "build/report.md").read_text(encoding="utf-8"),
    }
    print(json.dumps(found))  # noqa: T201 - this is the answer


if __name__ == "__main__":
    main(Path(sys.argv[1]))
