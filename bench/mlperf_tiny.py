# SPDX-License-Identifier: Apache-2.0
"""From a .tflite file to proven hardware: MLPerf Tiny's networks, what they cost and how fast they are.

    .venv/bin/python bench/mlperf_tiny.py [--shared ../shared] [--only kws ad ...] [--folders DIR] [--to verify]
        [--readme]

Runs the command line as a user would, on the golden vectors of the reference kernels, and prints one Markdown table.
``--folders`` is where the build folders are kept; one that is there already is read, not built again. ``--to verify``
leaves synthesis out: cells are then estimates, with a ~. The accuracy is that of the integer graph, which is the
interpreter's, on the slice of the network's own test set that ``shared/data`` has.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tailrace as tr

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- bench/mlperf_tiny.py -->", "<!-- end of bench/mlperf_tiny.py -->"


@dataclass(frozen=True)
class Row:
    """A network of ``shared/models``, the part and the rate; ``frames`` golden frames and ``random`` ones."""

    network: str
    part: str
    fps: str
    frames: int
    random: int = 2

    @property
    def model(self) -> str:
        """The file's name without its suffix."""
        return f"mlperf_tiny_{self.network}"

    @property
    def command(self) -> str:
        """What a user would type."""
        return f"tailrace build {self.model}.tflite --part {self.part} --fps {self.fps}"


ROWS = (
    Row("ad", "ecp5-85k", "50e3", frames=32),
    Row("kws", "ecp5-85k", "200", frames=32),
    Row("ic_resnet8", "ecp5-85k", "40", frames=4),
    Row("vww", "ecp5-85k", "10", frames=2),
)

COLUMNS = (
    "command",
    "accuracy",
    "frames compared with the interpreter, in C++, in Verilog, in the netlist",
    "mismatches",
    "frames/s",
    "latency (ms)",
    "LUT",
    "BRAM18",
    "DSP",
)


def built(row: Row, shared: Path, folder: Path, last: str) -> dict[str, object]:
    """Build a row, unless its folder is there, and return its report."""
    if not (folder / "report.json").is_file():
        with tempfile.TemporaryDirectory() as scratch:
            vectors = Path(scratch) / "golden.npy"
            with np.load(shared / "models" / f"{row.model}.golden.npz") as golden:
                np.save(vectors, golden["inputs"][: row.frames, 0])
            command = [sys.executable, "-m", "tailrace.cli.main", *row.command.split()[1:]]
            command[4] = str(shared / "models" / command[4])
            command += ["-o", str(folder), "--vectors", str(vectors), "--to", last]
            command += ["--random-vectors", str(row.random)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    found: dict[str, object] = json.loads((folder / "report.json").read_text())
    return found


def accuracy(row: Row, shared: Path) -> str:
    """Return the share of right answers on the slice of the test set; "" where there is none."""
    if row.network != "ic_resnet8":
        return ""
    graph = tr.load(shared / "models" / f"{row.model}.tflite")
    with np.load(shared / "data" / "cifar10_test_slice_1000.npz") as data:
        images, labels = (data["x"].astype(np.int16) - 128).astype(np.int8), data["y"]
    right = int((graph.predict(images).argmax(axis=1) == labels).sum())
    return f"{right / len(labels):.1%} of {len(labels):,}"


def line(row: Row, shared: Path, folder: Path, last: str) -> str:
    """Return a row of the table."""
    report = built(row, shared, folder, last)
    speed, checks, synth = report["performance"], report["verify"], report["synth"]
    assert isinstance(speed, dict)
    assert isinstance(checks, dict)
    levels = [checks[level] for level in ("software", "hls", "rtl", "netlist")]
    vectors = ", ".join(str(level["vectors"]) if level else "-" for level in levels)
    wrong = str(sum(level["mismatches"] for level in levels if level)) if any(levels) else ""
    latency_ms = speed["latency_cycles"] / (report["target"]["clock_mhz"] * 1e3)
    if synth:
        cost = [f"{synth[key]:,.0f}" for key in ("lut", "bram18", "dsp")]
    else:
        cost = [
            f"~{sum(item[key] or 0 for item in report['layers']):,.0f}" for key in ("lut", "bram18", "dsp")
        ]
    cells = (
        f"`{row.command}`",
        accuracy(row, shared),
        vectors,
        wrong,
        f"{speed['fps']:,.0f}",
        f"{latency_ms:.2f}",
        *cost,
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Measure the rows and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--only", nargs="+", default=[row.network for row in ROWS])
    parser.add_argument("--folders", type=Path, default=ROOT / "build" / "bench" / "mlperf_tiny")
    parser.add_argument("--to", choices=("verify", "report"), default="report")
    parser.add_argument("--readme", action="store_true", help="write the table into README.md")
    options = parser.parse_args()
    lines = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    for row in (row for row in ROWS if row.network in options.only):
        lines.append(line(row, options.shared, options.folders / row.network, options.to))
        print(lines[-1], file=sys.stderr, flush=True)
    table = "\n".join(lines)
    print(table)
    if options.readme:
        page = ROOT / "README.md"
        text = page.read_text(encoding="utf-8")
        head, _, rest = text.partition(BEGIN)
        _, _, tail = rest.partition(END)
        page.write_text(f"{head}{BEGIN}\n{table}\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
