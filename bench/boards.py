# SPDX-License-Identifier: Apache-2.0
"""From a network to a board: what its top takes of the part, how fast it is, and how fast the serial line is.

    .venv/bin/python bench/boards.py [--shared ../shared] [--only ulx3s-85f ...] [--folders DIR] [--readme]

Runs the command line as a user would, to a bitstream, then frames through the top in simulation with the driver of the
host, then place and route once more: the bitstream must be the same bytes. Prints one Markdown table; ``--readme``
writes it into README.md. ``--folders`` is where the build folders are kept; one that is there is not built again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tailrace.host import load
from tailrace.host.packets import OVERHEAD

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- bench/boards.py -->", "<!-- end of bench/boards.py -->"
HEADINGS = (
    "command",
    "cells of the part",
    "Fmax (MHz)",
    "clock (MHz)",
    "frames/s of the design",
    "frames/s of the line",
    "frames simulated",
    "mismatches",
)
LUTS = {"TRELLIS_COMB": 1, "ICESTORM_LC": 1, "LUT4": 1, "ALU": 1, "RAM16SDP4": 4}
"""What nextpnr calls the cells that take LUTs, of each family, and how many each takes."""


@dataclass(frozen=True)
class Row:
    """A network on a board; ``fps`` frames a second are asked of the design, ``frames`` are simulated."""

    network: str
    board: str
    fps: str
    frames: int

    @property
    def command(self) -> str:
        """The arguments of ``tailrace build`` but for the folder."""
        return f"{Path(self.network).name} --board {self.board} --fps {self.fps}"


DIGITS, TFC = "examples/digits/digits.onnx", "{shared}/models/TFC_2W2A.onnx"
ROWS = (
    Row(DIGITS, "ulx3s-85f", "10e3", 500),
    Row(DIGITS, "icebreaker", "5e3", 500),
    Row(TFC, "ulx3s-85f", "10e3", 100),
    Row(DIGITS, "tangnano9k", "10e3", 500),
)


def tailrace(*arguments: str) -> str:
    """Run the command line; what it prints."""
    return subprocess.run(
        [sys.executable, "-m", "tailrace.cli.main", *arguments],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout


def line(row: Row, shared: Path, folder: Path) -> str:
    """Build, simulate, place and route again; a line of the table."""
    network = row.network.format(shared=shared)
    if not (folder / "report.json").is_file():
        tailrace(
            *("build", network, "-o", str(folder), "--board", row.board, "--fps", row.fps),
            *("--backend", "rtl", "--random-vectors", "16"),
        )
    report = json.loads((folder / "report.json").read_text())
    bitstream = folder / report["bitstream"]
    first = bitstream.read_bytes()
    said = tailrace("run", str(folder), "--simulate", "-n", str(row.frames))
    if f"{row.frames} frames through the top in simulation, 0 mismatches" not in said:
        raise SystemExit(f"{row.command}: {said}")
    tailrace("synth", str(folder), "--tool", "nextpnr")
    if bitstream.read_bytes() != first:
        raise SystemExit(f"{row.command}: two bitstreams that differ")
    timing = report["timing"]
    cells_used = timing["utilization"]
    used = sum(LUTS[name] * each["used"] for name, each in cells_used.items() if name in LUTS)
    available = next(cells_used[name]["available"] for name in LUTS if name in cells_used)
    description = load(folder / "board/host.json")
    cells = (
        f"`tailrace build {row.command}`",
        f"{used:,} of {available:,}",
        f"{timing['fmax_mhz']:.0f}",
        f"{description.clock_mhz:g}",
        f"{description.fps_of_fabric:,.0f}",
        f"{description.fps_of_link(OVERHEAD):,.0f}",
        f"{row.frames}",
        "0",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--only", nargs="+", metavar="BOARD", help="only the rows of these boards")
    parser.add_argument("--folders", type=Path)
    parser.add_argument("--readme", action="store_true", help="write the table into README.md")
    options = parser.parse_args()
    lines = [
        f"| {' | '.join(HEADINGS)} |",
        f"|{'---|' * len(HEADINGS)}",
    ]
    with tempfile.TemporaryDirectory() as temporary:
        place = options.folders or Path(temporary)
        for row in ROWS:
            if options.only and row.board not in options.only:
                continue
            folder = place / f"{Path(row.network).stem}-{row.board}"
            lines.append(line(row, options.shared.resolve(), folder.resolve()))
            print(lines[-1], flush=True)
    table = "\n".join(lines) + "\n"
    if options.readme:
        page = ROOT / "README.md"
        text = page.read_text(encoding="utf-8")
        head, rest = text.split(BEGIN)
        _, tail = rest.split(END)
        page.write_text(f"{head}{BEGIN}\n{table}{END}{tail}", encoding="utf-8")
    else:
        print(table)


if __name__ == "__main__":
    main()
