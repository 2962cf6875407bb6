# SPDX-License-Identifier: Apache-2.0
"""Mutants of three designs: which check finds each, and whether one that none finds makes a difference.

    .venv/bin/python bench/mutants.py [--per-kind N] [--seed S] [--folder DIR] [--only DESIGN] [--kind KIND] [--report]

Changes the emitted Verilog and C++ of three networks at so many places of each kind, drawn with the seed, one at a
time; runs ``tailrace sim`` (the C++: the check of a build) on each; writes a line of JSON a mutant to ``log.jsonl``.
Places that the log has are left out, so a campaign that was stopped goes on. Ends with a table; ``--report`` prints it
alone. The networks: examples/digits (a perceptron), and two random ones of tests/image_networks.py, one of convolutions
and one with branches.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

import onnx
import tailrace as tr

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from image_networks import random_image_network  # noqa: E402 - of the tests
from mutants import KINDS, SURVIVED, mutants, outcome, proven_equal, sample  # noqa: E402

DESIGNS = {"digits": None, "images": 5, "branches": 9}
"""The seed of each, None for the example."""


def design_of(name: str, folder: Path) -> tr.Design:
    """Emit one of the designs into ``folder``."""
    seed = DESIGNS[name]
    if seed is None:
        plan = tr.plan(
            tr.load(ROOT / "examples" / "digits" / "digits.onnx"), part="ecp5-25k", clock_mhz=50, fps=100e3
        )
        return tr.emit(plan, folder)
    network = random_image_network(seed, layers=4)
    path = folder.with_suffix(".onnx")
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(network.model, path)
    graph = tr.load(path, network.input_type)
    return tr.emit(tr.plan(graph, part="ecp5-85k", clock_mhz=100, fps=50e3), folder)


def campaign(arguments: argparse.Namespace) -> None:
    """Try what the log does not have yet."""
    log = arguments.folder / "log.jsonl"
    log.parent.mkdir(parents=True, exist_ok=True)
    done = {(line["design"], line["name"]) for line in read(log)}
    queues = {}
    for name in DESIGNS:
        if arguments.only in {None, name}:
            design = design_of(name, arguments.folder / name)
            chosen = sample(mutants(design), arguments.per_kind, arguments.seed)
            queues[name] = [(design, mutant) for mutant in chosen if arguments.kind in {None, mutant.kind}]
    turns = max(map(len, queues.values()), default=0)
    order = [
        (name, *queue[turn]) for turn in range(turns) for name, queue in queues.items() if turn < len(queue)
    ]
    for name, design, mutant in order:
        if (name, mutant.name) in done:
            continue
        start = time.perf_counter()
        work = arguments.folder / f"{name}-mutant"
        result = outcome(design, mutant, work)
        equal = None
        if result.found == SURVIVED and mutant.file.startswith("rtl/") and mutant.file.endswith(".v"):
            equal = proven_equal(design, mutant, work)
        line = {
            "design": name,
            "kind": mutant.kind,
            "name": mutant.name,
            "found": result.found,
            "lint": result.lint,
            "equal": equal,
            "said": result.said.splitlines()[:2],
            "seconds": round(time.perf_counter() - start, 1),
        }
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        print(f"{name:9} {mutant.kind:14} {result.found:18} {mutant.name}", flush=True)


def read(log: Path) -> list[dict]:
    """Return the lines of a log."""
    return [json.loads(line) for line in log.read_text().splitlines()] if log.is_file() else []


def table(lines: list[dict]) -> str:
    """Return a row a kind: how many mutants, found by which check, and how many of the rest make no difference."""
    checks = ("build", "stalls at the ends", "resets", "stalls inside", "C++", "constants", "interval")
    rows = [["kind", "mutants", *checks, "proven equal", "left", "lint alone would"]]
    for kind in (*KINDS, None):
        some = [line for line in lines if kind in {None, line["kind"]}]
        count = Counter(line["found"] for line in some)
        equal = sum(line["equal"] is True for line in some)
        rows.append(
            [
                kind or "all",
                str(len(some)),
                *(str(count[check] or "") for check in checks),
                str(equal or ""),
                str(count[SURVIVED] - equal or ""),
                str(sum(line["lint"] is True for line in some) or ""),
            ]
        )
    rule = ["---", *["---:"] * (len(rows[0]) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [rows[0], rule, *rows[1:]])


def main() -> None:
    """Run the campaign and print its table and what is left."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--per-kind", type=int, default=4, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "mutants", metavar="DIR")
    parser.add_argument("--only", choices=list(DESIGNS), metavar="DESIGN")
    parser.add_argument("--kind", choices=KINDS, metavar="KIND")
    parser.add_argument("--report", action="store_true")
    arguments = parser.parse_args()
    arguments.folder = arguments.folder.resolve()
    if not arguments.report:
        campaign(arguments)
    lines = read(arguments.folder / "log.jsonl")
    print(table(lines))
    for line in lines:
        if line["found"] == SURVIVED and not line["equal"]:
            print(f"left: {line['design']}: {line['name']}")


if __name__ == "__main__":
    main()
