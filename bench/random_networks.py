# SPDX-License-Identifier: Apache-2.0
"""Random convolutional networks down the whole ladder, as many as asked for: software, C++, Verilog, netlist, cycles.

    .venv/bin/python bench/random_networks.py [--first SEED] [--count N] [--jobs N] [--log FILE]

Draws the networks as tests/test_ladder.py does (branches, strides, odd shapes, 1 to 8 bits, zero points), of one to six
layers, and writes a line for each to the log: the seed, what became of it, and the cycles. Seeds that the log has are
left out, so a run that was stopped goes on. Ends with the counts, and with an error where an equality does not hold.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import traceback
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import tailrace as tr

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from image_networks import random_image_network  # noqa: E402 - of the tests
from networks import check  # noqa: E402
from tailrace.core.errors import MappingError  # noqa: E402
from tailrace.frontend import UnsupportedError  # noqa: E402
from tailrace.planning.streams.simulator import simulate  # noqa: E402

PARTS = {"ecp5-85k": 0.5, "ice40-hx8k": 0.35, "xczu7ev": 0.1, "xc7a35t": 0.05}
"""The share of each; yosys takes five times as long for Xilinx."""


def ladder(seed: int) -> str:
    """Take one network down the ladder; returns what became of it."""
    rng = np.random.default_rng(seed)
    network = random_image_network(seed, layers=int(rng.integers(1, 7)))
    cycles = float(rng.choice([300, 1000, 5000]))
    fold = {"*": {"pe": "min", "simd": "min"}} if rng.random() < 0.3 else None
    part = str(rng.choice(list(PARTS), p=list(PARTS.values())))
    engine = str(rng.choice(["auto", "folded", "spatial"])) if fold is None else "auto"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        onnx.save(network.model, folder / "network.onnx")
        try:
            graph = tr.load(folder / "network.onnx", network.input_type)
            check(network, folder)
            fps = None if fold or graph.tensors[graph.input].size > cycles else 100e6 / cycles
            plan = tr.plan(graph, part=part, clock_mhz=100, fps=fps, fold=fold, engine=engine)
        except UnsupportedError:
            return "unsupported"
        except MappingError:
            return "no plan"
        design = tr.emit(plan, folder / "build")
        measured = design.verify(network.inputs, vectors=16, seed=1, stall=0.4, jobs=1).performance
        schedule = simulate(plan)
        found = (measured.interval_cycles, measured.latency_cycles)
        predicted = (schedule.interval_cycles, schedule.latency_cycles)
        assert predicted == found, f"predicted {predicted}, measured {found} cycles"
        assert plan.interval_cycles == schedule.interval_cycles
        checks = design.synth("yosys", x=network.inputs, vectors=4, jobs=1).verify
        for result in (checks.software, checks.hls, checks.rtl, checks.netlist):
            assert result is not None
            assert result.mismatches == 0
        return f"equal interval {found[0]} latency {found[1]} instances {len(plan.instances)}"


def attempt(seed: int) -> tuple[int, str]:
    """Take a network down the ladder; an error is a result, too."""
    try:
        return seed, ladder(seed)
    except Exception:  # noqa: BLE001 - whatever it is, it is what the run is for
        return seed, f"WRONG {traceback.format_exc().splitlines()[-1]}"


def main() -> None:
    """Run the seeds that the log does not have."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--count", type=int, default=1000, help="how many seeds")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--log", type=Path, default=ROOT / "build" / "random_networks.log")
    options = parser.parse_args()
    options.log.parent.mkdir(parents=True, exist_ok=True)
    lines = options.log.read_text(encoding="utf-8").splitlines() if options.log.is_file() else []
    known = {int(line.split()[0]) for line in lines}
    seeds = [s for s in range(options.first, options.first + options.count) if s not in known]
    with multiprocessing.Pool(options.jobs) as pool, options.log.open("a", encoding="utf-8") as log:
        for seed, result in pool.imap_unordered(attempt, seeds):
            log.write(f"{seed} {result}\n")
            log.flush()
    results = [line.split()[1] for line in options.log.read_text(encoding="utf-8").splitlines()]
    print(", ".join(f"{count} {name}" for name, count in Counter(results).most_common()))
    if "WRONG" in results:
        sys.exit(f"equalities do not hold: see {options.log}")


if __name__ == "__main__":
    main()
