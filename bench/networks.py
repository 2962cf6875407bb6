# SPDX-License-Identifier: Apache-2.0
"""Every public quantized network at several foldings: all equalities, and the cycles of the plan.

    .venv/bin/python bench/networks.py [--shared ../shared] [--only NAME ...] [--more FOLDER] [--write]

Builds each row as a user would, with both back ends, on the golden vectors, for xczu7ev: software, HLS C++, Verilog
with random stalls, and the netlist (block by block beyond 20,000 cells). Ends with an error where a value differs or
where a measured interval or latency is not the stream simulator's. ``--write`` puts the table into docs/networks.md and
bench/networks.csv. Every figure is exact.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tailrace as tr
from tailrace.graph import Dense
from tailrace.planning import serialize
from tailrace.planning.streams.simulator import simulate

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "networks.md"
CSV = ROOT / "bench" / "networks.csv"
PART, CLOCK_MHZ = "xczu7ev", 100
MOST_LUTS = 50_000
"""A fully parallel design with more LUTs by the plan's estimate is left out."""

MLPS = (
    "TFC_1W1A",
    "TFC_2W2A",
    "unsw_nb15-mlp-w2a2",
    "qkeras_jettagging",
    "cern_qmlp57",
    "finn_tfc_w1a1_finnonnx",
    "finnlab_tfc_w2a2_finnonnx",
    "hls4ml_bnn_fc_1layer",
)
CNNS = {
    "gtsrb_12x12_w2a3": 1300,
    "radioml_cnn1d_2class": 1024,
    "lenet_w8a8_finnonnx_old": 8192,
    "CNV_light_CIFAR10_W1A1": 65_536,
    "CNV_light_GTSRB_W1A1": 65_536,
    "CNV_light_GTSRB_W2A2": 65_536,
    "CNV_light_GTSRB_W8A4": 131_072,
    "qonnx_eltwise_chanlast": 65_536,
    "hls4ml_branched_chlast": 589_824,
    "espcn_subpixel_quant": 2_097_152,
}
"""Cycles a frame of the folding in the middle; 64 for fully connected networks."""
CYCLES = 1 << 22
"""Of an image network as many golden vectors are taken as make so many cycles, 4 at least (see VERY_LONG)."""

LONG = 1 << 19
"""Cycles a frame beyond which the small folding takes twice as long as the middle one, not four times."""

VERY_LONG = 1 << 21
"""Cycles a frame beyond which one golden vector and one random one are taken."""

COLUMNS = (
    "network",
    "folding",
    "interval",
    "latency",
    "software",
    "hls",
    "rtl",
    "netlist",
    "mismatches",
    "lut",
    "ff",
    "bram18",
)


INPUT_TYPES = {"qkeras_jettagging": "fixed<8,4>"}
"""What the inputs of a network are where its spatial engine is meant to be small; else what its file says, or float."""
MOST_WEIGHTS = 20_000
"""Layers with more weights in all are not built from adders."""


@dataclass(frozen=True)
class Folding:
    """A name, and what a build is told: cycles a frame, or the lanes of all layers, and the engine.

    ``engine`` spatial is that of all layers, mixed that of all but the first.
    """

    name: str
    cycles: int = 0
    lanes: str = ""
    engine: str = "folded"

    @property
    def fold(self) -> dict[str, dict[str, str]] | None:
        """The folding as tailrace.plan takes it."""
        return {"*": {"pe": self.lanes, "simd": self.lanes}} if self.lanes else None

    def engines(self, graph: tr.Graph) -> dict[str, str] | None:
        """The engine of each matrix product; None where there is none to build from adders, or it is too large."""
        products = [node for node in graph.nodes if isinstance(node, Dense)]
        first = products[:1] if self.engine == "mixed" else []
        adders = [] if self.engine == "folded" else products[len(first) :]
        if self.engine != "folded" and not 0 < sum(node.weights.size for node in adders) <= MOST_WEIGHTS:
            return None
        return {node.name: "spatial" if node in adders else "folded" for node in products}


def foldings(name: str) -> tuple[Folding, ...]:
    """Return the foldings of a network (one unit a layer takes too long for CNNs), then those from adders."""
    if name in MLPS:
        return (
            Folding("smallest", lanes="min"),
            Folding("middle", cycles=64),
            Folding("parallel", lanes="max"),
            Folding("mixed", cycles=64, engine="mixed"),
            Folding("spatial", engine="spatial"),
        )
    cycles = CNNS.get(name, 65_536)
    found = (
        Folding("small", cycles=(8 if cycles < 8192 else 4 if cycles < LONG else 2) * cycles),
        Folding("middle", cycles=cycles),
        Folding("mixed", cycles=cycles, engine="mixed"),
        Folding("spatial", engine="spatial"),
    )
    return found if name in CNNS else found[:2]


def measure(model: Path, folding: Folding) -> dict[str, object] | None:
    """Build one row; None where it is too large. Ends the program where an equality does not hold."""
    very_long = folding.cycles > VERY_LONG
    fps = CLOCK_MHZ * 1e6 / folding.cycles if folding.cycles else None
    input_type = INPUT_TYPES.get(model.stem) if folding.engine != "folded" else None
    graph = tr.load(model, input_type)
    engines = folding.engines(graph)
    if engines is None:
        return None
    layers = {name: {"engine": engine} for name, engine in engines.items()}
    plan = tr.plan(graph, part=PART, clock_mhz=CLOCK_MHZ, fps=fps, fold=folding.fold, layers=layers)
    if (folding.lanes == "max" or folding.engine == "spatial") and plan.cost.lut > MOST_LUTS:
        return None
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "build"
        command = [
            sys.executable,
            "-m",
            "tailrace.cli.main",
            "build",
            str(model),
            "-o",
            str(folder),
            "--part",
            PART,
        ]
        config = Path(scratch) / "engines.toml"
        config.write_text(
            "".join(f'[layers.{name}]\nengine = "{engine}"\n' for name, engine in engines.items())
        )
        command += ["--clock", str(CLOCK_MHZ), "--config", str(config)]
        command += ["--input-type", input_type] if input_type else []
        golden = model.with_suffix(".golden.npz")
        if golden.is_file():
            inputs = np.load(golden)["inputs"]
            if model.stem not in MLPS:
                inputs = inputs[: max(1 if very_long else 4, CYCLES // folding.cycles)]
            np.savez(Path(scratch) / "golden.npz", inputs=inputs)
            command += ["--vectors", str(Path(scratch) / "golden.npz")]
        if very_long:
            command += ["--random-vectors", "1"]
        if folding.fold:
            path = Path(scratch) / "fold.json"
            path.write_text(json.dumps(folding.fold))
            command += ["--fold", str(path)]
        elif fps:
            command += ["--fps", repr(fps)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        report = json.loads((folder / "report.json").read_text())
        schedule = simulate(serialize.load(folder / "plan.json"))
    checks, speed, synth = report["verify"], report["performance"], report["synth"]
    assert (speed["interval_cycles"], speed["latency_cycles"]) == (
        schedule.interval_cycles,
        schedule.latency_cycles,
    )
    assert speed["interval_cycles"] == plan.interval_cycles
    levels = ("software", "hls", "rtl", "netlist")
    return {
        "network": model.stem,
        "folding": folding.name,
        "interval": speed["interval_cycles"],
        "latency": speed["latency_cycles"],
        **{level: checks[level]["vectors"] for level in levels},
        "mismatches": sum(checks[level]["mismatches"] for level in levels),
        **{key: round(synth[key]) for key in ("lut", "ff", "bram18")},
    }


def table(rows: list[dict[str, object]]) -> str:
    """Return the rows as a Markdown table."""
    head = (
        "network",
        "folding",
        "interval",
        "latency",
        "software",
        "C++",
        "Verilog",
        "netlist",
        "mismatches",
        "LUT",
        "FF",
        "BRAM18",
    )
    lines = [f"| {' | '.join(head)} |", "|---|---" + "|---:" * (len(head) - 2) + "|"]
    for row in rows:
        cells = [f"{row[c]:,}" if isinstance(row[c], int) else str(row[c]) for c in COLUMNS]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure all rows and print them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--only", nargs="*", default=[*MLPS, *CNNS])
    parser.add_argument("--more", type=Path, help="a folder with more networks, each at two foldings")
    parser.add_argument("--write", action="store_true", help="write the page and the CSV, row by row")
    parser.add_argument("--resume", action="store_true", help="keep the rows that the CSV has")
    options = parser.parse_args()
    rows = read_rows() if options.resume else []
    models = [options.shared / "models" / f"{name}.onnx" for name in options.only]
    models += sorted(options.more.glob("*.onnx")) if options.more else []
    for model in models:
        name = model.stem
        for folding in foldings(name):
            if any((row["network"], row["folding"]) == (name, folding.name) for row in rows):
                continue
            row = measure(model, folding)
            if row is None:
                print(
                    f"{name} {folding.name}: left out, more than {MOST_LUTS:,} LUTs or {MOST_WEIGHTS:,} weights",
                    flush=True,
                )
                continue
            print(*row.values(), flush=True)
            rows.append(row)
            if options.write:
                write(rows)
    print(table(rows))
    if options.write:
        write(rows)


def read_rows() -> list[dict[str, object]]:
    """Return the rows of the CSV."""
    if not CSV.is_file():
        return []
    with CSV.open(encoding="utf-8", newline="") as file:
        return [
            {k: v if k in ("network", "folding") else int(v) for k, v in row.items()}
            for row in csv.DictReader(file)
        ]


def write(rows: list[dict[str, object]]) -> None:
    """Write the CSV and the table of the page, the networks in their usual order."""
    usual = {name: place for place, name in enumerate((*MLPS, *CNNS))}
    rows = sorted(rows, key=lambda row: usual.get(str(row["network"]), len(usual)))
    begin, end = "<!-- bench/networks.py -->", "<!-- end of bench/networks.py -->"
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(begin)
    PAGE.write_text(f"{before}{begin}\n{table(rows)}\n{end}{rest.split(end)[1]}", encoding="utf-8")
    with CSV.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
