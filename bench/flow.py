# SPDX-License-Identifier: Apache-2.0
"""From network to verified, synthesized, placed and routed hardware: how long it takes, and what comes out.

    .venv/bin/python bench/flow.py [--shared ../shared] [--quick] [--only WORD ...] [--readme]

Runs the command line as a user would (a fresh build folder, an empty synthesis cache) and prints one Markdown table.
``--quick`` leaves out the slow rows; ``--only digits lifcl`` measures the rows that have all of these words in them;
``--readme`` writes what was measured into the table in README.md, whose other rows stay. Seconds are wall clock on the
machine that it runs on, memory is the most that one process of the command had; everything else is exact.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- bench/flow.py -->", "<!-- end of bench/flow.py -->"


@dataclass(frozen=True)
class Row:
    """One build: a network (of ``shared/models``, or a path in the checkout), a part, a rate; routed or not."""

    network: str
    part: str
    fps: str
    route: bool
    slow: bool = False
    more: tuple[str, ...] = ()

    @property
    def command(self) -> str:
        """What a user would type, as the table has it."""
        options = " ".join([f"--part {self.part} --fps {self.fps}", *self.more])
        return f"`tailrace build {Path(self.network).stem}.onnx {options}`"


SPATIAL = ("--engine", "spatial", "--input-type", "fixed<8,4>")

ROWS = (
    Row("examples/digits/digits.onnx", "ecp5-25k", "100e3", route=True),
    Row("TFC_2W2A", "ecp5-85k", "100e3", route=True),
    Row("examples/digits/digits.onnx", "gw1nr-9c", "100e3", route=True),
    Row("examples/digits/digits.onnx", "lifcl-40", "100e3", route=True),
    Row("TFC_2W2A", "gw2ar-18c", "100e3", route=True, slow=True),
    Row("TFC_2W2A", "lifcl-40", "100e3", route=True, slow=True),
    Row("TFC_1W1A", "ecp5-85k", "100e3", route=True, slow=True),
    Row("qkeras_jettagging", "ecp5-85k", "100e3", route=True, slow=True),
    Row("unsw_nb15-mlp-w2a2", "ecp5-85k", "100e3", route=True, slow=True),
    Row("cern_qmlp57", "ecp5-85k", "100e3", route=True, slow=True),
    Row("gtsrb_12x12_w2a3", "ecp5-85k", "10e3", route=True, slow=True),
    Row("TFC_2W2A", "xczu7ev", "1e6", route=False, slow=True),
    Row("CNV_light_CIFAR10_W1A1", "xczu7ev", "1500", route=False, slow=True),
    Row("qkeras_jettagging", "xczu7ev", "100e6", route=False, slow=True, more=SPATIAL),
    Row("hls4ml_branched_chlast", "xczu7ev", "169", route=False, slow=True, more=("--random-vectors", "1")),
)

COLUMNS = (
    "command",
    "mismatches in E1+E2+E3",
    "interval (cycles)",
    "latency (cycles)",
    "LUT",
    "FF",
    "BRAM18",
    "Fmax (MHz)",
    "network to verified Verilog and C++ (s)",
    "of that the plan with its FIFO depths (s)",
    "+ synthesis and netlist check (s)",
    "+ place and route (s)",
    "largest process (GB)",
)


def run(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Run a command; returns its wall clock seconds and the GB of its largest process, or ends with its output."""
    start = time.perf_counter()
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        output = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}:\n{output}")
    return time.perf_counter() - start, usage.ru_maxrss * 1024 / 1e9


def measure(row: Row, shared: Path) -> str:
    """Build one row and return its line of the table."""
    tailrace = [sys.executable, "-m", "tailrace.cli.main"]
    model = ROOT / row.network if "/" in row.network else shared / "models" / f"{row.network}.onnx"
    with tempfile.TemporaryDirectory() as scratch:
        environment = {**os.environ, "XDG_CACHE_HOME": f"{scratch}/cache"}
        folder = Path(scratch) / "build"
        common = [str(model), "-o", str(folder), "--part", row.part, "--fps", row.fps, *row.more]
        golden = model.with_suffix(".golden.npz")
        if golden.is_file():
            common += ["--vectors", str(golden)]
        verify, verify_gb = run([*tailrace, "build", *common, "--to", "verify"], environment)
        synth, synth_gb = run([*tailrace, "build", *common, "--from", "synth"], environment)
        route, route_gb = (
            run([*tailrace, "synth", str(folder), "--tool", "nextpnr"], environment)
            if row.route
            else (None, 0.0)
        )
        report = json.loads((folder / "report.json").read_text())
    checks = report["verify"]
    different = sum(checks[name]["mismatches"] for name in ("software", "hls", "rtl", "netlist"))
    timing = report["timing"]["fmax_mhz"] if report["timing"] else None
    return (
        f"| {row.command} | {different} | {report['performance']['interval_cycles']} | "
        f"{report['performance']['latency_cycles']} | {report['synth']['lut']:,.0f} | {report['synth']['ff']:,.0f} | "
        f"{report['synth']['bram18']:g} | {'' if timing is None else f'{timing:.0f}'} | {verify:.0f} | "
        f"{report['seconds']['plan']:.1f} | {synth:.0f} | "
        f"{'' if route is None else f'{route:.0f}'} | {max(verify_gb, synth_gb, route_gb):.1f} |"
    )


def main() -> None:
    """Measure all rows and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", nargs="+", default=(), metavar="WORD")
    parser.add_argument("--readme", action="store_true")
    options = parser.parse_args()
    head = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    lines = {}
    for row in ROWS:
        if (options.quick and row.slow) or not all(word in row.command for word in options.only):
            continue
        lines[row.command] = measure(row, options.shared)
        print(lines[row.command], file=sys.stderr, flush=True)
    print("\n".join([*head, *lines.values()]))
    if options.readme:
        write_readme(head, lines)


def write_readme(head: list[str], lines: dict[str, str]) -> None:
    """Put lines {command: line} into the table of the README, in the order of ROWS; the others stay as they are."""
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    table = re.compile(f"{re.escape(BEGIN)}\\n(.*?){re.escape(END)}", re.DOTALL)
    (old,) = table.findall(text)
    known = {line.split(" | ")[0].removeprefix("| "): line for line in old.splitlines()[2:]} | lines
    body = "\n".join([*head, *(known[row.command] for row in ROWS if row.command in known)])
    readme.write_text(table.sub(lambda _: f"{BEGIN}\n{body}\n{END}", text), encoding="utf-8")


if __name__ == "__main__":
    main()
