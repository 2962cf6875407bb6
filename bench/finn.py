# SPDX-License-Identifier: Apache-2.0
"""The same networks at the interval of FINN's published builds: cells of both, side by side.

    .venv/bin/python bench/finn.py [--shared DIR] [--only NAME] [--write]

Reads the reports of FINN builds in ``../shared/vendor_reports``: cells per layer after Vivado's synthesis, without the
DMA engines and the shell; the measured interval where many frames were simulated, else the slowest layer's cycles. Each
network is built with tailrace for the same part, at the same interval or a shorter one, verified, and synthesized with
yosys. ``--write`` puts the table into README.md.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tailrace as tr

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
CLOCK_MHZ = 100.0
PART = "xc7z020"
INSIDE = "StreamingDataflowPartition_1_"
"""What FINN calls the layers between its two DMA engines."""

BUILDS = {
    "finn_tfc_w1a1_auto": "finn_tfc_w1a1_finnonnx",
    "finn_tfc_w1a1_custom_0": "finn_tfc_w1a1_finnonnx",
    "finn_gtsrb_12x12_w2a3": "gtsrb_12x12_w2a3",
}
"""{folder of FINN's reports: the network that was built}."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """An interval in cycles, and what a design takes."""

    interval: int
    lut: int
    ff: int
    bram18: float
    dsp: int


def theirs(folder: Path) -> Cells:
    """Read one of FINN's builds."""
    cycles = json.loads((folder / "estimate_layer_cycles.json").read_text(encoding="utf-8"))
    simulated = json.loads((folder / "rtlsim_performance.json").read_text(encoding="utf-8"))
    many = simulated["N"] > 1
    layers = json.loads((folder / "post_synth_resources.json").read_text(encoding="utf-8"))
    inside = [cells for name, cells in layers.items() if name.startswith(INSIDE)]
    return Cells(
        interval=int(simulated["interval_cycles"]) if many else max(cycles.values()),
        lut=sum(int(cells["LUT"]) for cells in inside),
        ff=sum(int(cells["FF"]) for cells in inside),
        bram18=sum(2 * int(cells["BRAM_36K"]) + int(cells["BRAM_18K"]) for cells in inside),
        dsp=sum(int(cells["DSP"]) for cells in inside),
    )


def ours(network: Path, interval: int) -> tuple[Cells, int]:
    """Build a network at an interval of at most so many cycles; returns its cells and the mismatches found."""
    graph = tr.load(network)
    plan = tr.plan(graph, part=PART, clock_mhz=CLOCK_MHZ, fps=CLOCK_MHZ * 1e6 / interval)
    golden = (
        np.load(network.with_suffix(".golden.npz")) if network.with_suffix(".golden.npz").is_file() else None
    )
    x = None if golden is None else golden["inputs"].reshape(-1, *graph.host.input.shape)[:16]
    with tempfile.TemporaryDirectory() as folder:
        design = tr.emit(plan, folder)
        design.verify(x, vectors=16)
        report = design.synth("yosys", x=x, vectors=4)
    checks = [report.verify.software, report.verify.hls, report.verify.rtl, report.verify.netlist]
    found = sum(check.mismatches for check in checks if check is not None)
    synth, performance = report.synth, report.performance
    if synth is None or performance is None:
        raise SystemExit(f"{network.name}: nothing was synthesized")
    cells = Cells(
        interval=int(performance.interval_cycles or 0),
        lut=int(synth.lut or 0),
        ff=int(synth.ff or 0),
        bram18=float(synth.bram18 or 0),
        dsp=int(synth.dsp or 0),
    )
    return cells, found


def row(name: str, network: str, a: Cells, b: Cells, mismatches: int) -> str:
    """Return a line of the table: ours / theirs."""
    return (
        f"| {network} ({name}) | {a.interval} / {b.interval} | {a.lut:,} / {b.lut:,} | {a.lut / b.lut:.2f} | "
        f"{a.ff:,} / {b.ff:,} | {a.bram18:g} / {b.bram18:g} | {mismatches} |"
    )


def main() -> None:
    """Measure, print, and write if asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--only", nargs="*", default=list(BUILDS))
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    lines = [
        "| network (FINN's build) | interval (cycles), ours / theirs | LUT | ratio | FF | BRAM18 | our mismatches |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in options.only:
        peer = theirs(options.shared / "vendor_reports" / name)
        cells, mismatches = ours(options.shared / "models" / f"{BUILDS[name]}.onnx", peer.interval)
        lines.append(row(name, BUILDS[name], cells, peer, mismatches))
        print(lines[-1], flush=True)
    if options.write:
        start, end = "<!-- bench/finn.py -->\n", "<!-- end of bench/finn.py -->"
        before, _, rest = README.read_text(encoding="utf-8").partition(start)
        _, _, after = rest.partition(end)
        README.write_text(before + start + "\n".join(lines) + "\n" + end + after, encoding="utf-8")


if __name__ == "__main__":
    main()
