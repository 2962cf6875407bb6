# SPDX-License-Identifier: Apache-2.0
"""How large are blocks really? Synthesize thousands of small ones, keep the counts, fit the cost model, say its error.

    .venv/bin/python bench/costs.py sample --family ecp5 xcup --rounds 50 --minutes 60    # more rows for the table
    .venv/bin/python bench/costs.py networks --shared ../shared --family ecp5 xcup        # blocks of real networks
    .venv/bin/python bench/costs.py refresh                              # after a change of a block's cost or features
    .venv/bin/python bench/costs.py fit                                  # the table -> blocks/costs.json
    .venv/bin/python bench/costs.py errors                               # the tables of docs/internals/costs.md

``sample`` and ``networks`` go on where the table (bench/costs.csv.gz, see cost_table.py) ends, and may be stopped at
any time: rows are kept as they come, and a synthesis that was done is in tailrace's own cache. ``fit`` and ``errors``
read the table only, and give the same bytes for the same rows.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import cost_fit
import cost_table
import numpy as np
import tailrace as tr
from cost_samples import DRAW, sample
from tailrace.blocks.costs import FITTED, variables
from tailrace.core.errors import TailraceError
from tailrace.targets.families import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from cost_fit import Guess
    from cost_table import Row
    from tailrace.blocks.base import Block
    from tailrace.targets.family import Family

OFTEN = (
    *("replay", "threshold", "threshold_search", "round_shift", "multiply_shift", "window", "eltwise"),
    *("dense_folded", "width"),
)
"""Three samples a round, because their analytic estimates are the worst or because plans have many; one of others."""

KEEP_EVERY = 25
"""Rows after which the table is written."""

MOST_LUTS = 6000
"""By the analytic estimate; larger blocks of networks are left out, so that a synthesis takes seconds."""

NETWORKS: dict[str, tuple[int, ...]] = {
    "TFC_1W1A": (1024, 64),
    "TFC_2W2A": (1024, 64),
    "unsw_nb15-mlp-w2a2": (1024, 64),
    "qkeras_jettagging": (1024, 64, 16),
    "cern_qmlp57": (1024, 64),
    "hls4ml_bnn_fc_1layer": (1024, 64),
    "gtsrb_12x12_w2a3": (1300, 5200),
    "radioml_cnn1d_2class": (1024, 4096),
    "lenet_w8a8_finnonnx_old": (8192, 65_536),
    "CNV_light_CIFAR10_W1A1": (65_536, 262_144),
    "CNV_light_GTSRB_W2A2": (65_536, 262_144),
    "qonnx_eltwise_chanlast": (65_536,),
}
"""Cycles a frame at which a network's blocks are sampled."""

FEWEST_ROWS = 12
"""A kind of block with fewer rows of a family is not fitted: its analytic estimate stands."""

COEFFICIENTS = Path(__file__).resolve().parents[1] / "flow" / "tailrace" / "blocks" / "costs.json"
PAGE = Path(__file__).resolve().parents[1] / "docs" / "internals" / "costs.md"
BEGIN, END = "<!-- bench/costs.py errors -->", "<!-- end of bench/costs.py errors -->"

CLOCK_MHZ = 100.0
PARTS = {"ecp5": "ecp5-85k", "xcup": "xczu7ev", "ice40": "ice40-hx8k", "xc7": "xc7z020"}


def wanted(rounds: int, only: Collection[str]) -> Iterator[tuple[str, int]]:
    """Give kinds of blocks and numbers of samples, so that every round has some of each."""
    for turn in range(rounds):
        for name in (name for name in DRAW if name in only):
            count = 3 if name in OFTEN else 1
            for index in range(turn * count, (turn + 1) * count):
                yield name, index


def network_blocks(shared: Path, family: Family) -> Iterator[tuple[str, Block]]:
    """Give the origins and the blocks of real networks on a part of the family, each kind of block once."""
    for network, cycles in NETWORKS.items():
        path = shared / "models" / f"{network}.onnx"
        if not path.exists():
            print(f"{path} is not there, left out", flush=True)
            continue
        graph = tr.load(path)
        for most in cycles:
            try:
                plan = tr.plan(
                    graph,
                    part=PARTS[family.name],
                    clock_mhz=CLOCK_MHZ,
                    fps=CLOCK_MHZ * 1e6 / most,
                    engine="folded",
                )
            except TailraceError as error:
                print(f"{network} at {most} cycles: {error}", flush=True)
                continue
            for instance in plan.instances:
                yield f"{network}/{most}/{instance.name}", instance.block


def grow(work: Iterable[tuple[str, Block, Family]], until: float) -> None:
    """Synthesize what the table has not yet, until the time is over."""
    rows = {row.key: row for row in cost_table.read()}
    fresh = 0
    try:
        for origin, block, family in work:
            if time.monotonic() > until:
                break
            if (block.name, origin, family.name) in rows:
                continue
            if block.cost(family).lut > MOST_LUTS:
                continue
            try:
                row = cost_table.synthesized(block, origin, family)
            except TailraceError as error:
                print(f"{family} {block.name} {origin}: {error}", flush=True)
                continue
            rows[row.key] = row
            fresh += 1
            if fresh % KEEP_EVERY == 0:
                cost_table.write(rows.values())
    finally:
        cost_table.write(rows.values())
        print(f"{fresh} new rows, {len(rows)} in {cost_table.TABLE.name}", flush=True)


def by_kind(rows: Iterable[Row]) -> dict[tuple[str, str], list[Row]]:
    """Return the rows by family and kind of block, those with enough for a fit."""
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        found[row.family, row.block].append(row)
    return {key: found[key] for key in sorted(found) if len(found[key]) >= FEWEST_ROWS}


def is_random(row: Row) -> bool:
    """Whether the block was drawn, and is none of a network."""
    return row.origin.startswith("random:")


def network_guesses(kinds: dict[tuple[str, str], list[Row]]) -> dict[tuple[str, str], list[Guess]]:
    """Return {(family, network at a folding): its blocks, by models that have not seen the network}."""
    found: dict[tuple[str, str], list[Guess]] = defaultdict(list)
    for (family, _), rows in kinds.items():
        for network in sorted({cost_fit.group(row) for row in rows if not is_random(row)}):
            own = [row for row in rows if cost_fit.group(row) == network]
            others = [row for row in rows if cost_fit.group(row) != network]
            if len(others) < FEWEST_ROWS:
                continue
            for guess in cost_fit.predicted(own, others):
                found[family, "/".join(guess.row.origin.split("/")[:2])].append(guess)
    return found


def sums(guesses: list[Guess], count: str) -> tuple[float, float, float]:
    """Return the analytic sum, the fitted one, and the real one."""
    return (
        sum(guess.row.analytic[count] for guess in guesses),
        sum(guess.counts[count] for guess in guesses),
        sum(guess.row.counts[count] for guess in guesses),
    )


def network_error(found: list[list[Guess]], count: str, *, analytic: bool = False) -> float:
    """Return the sMAPE of whole networks."""
    totals = [sums(guesses, count) for guesses in found]
    return float(
        np.mean([cost_fit.smape(guess if analytic is False else old, real) for old, guess, real in totals])
    )


def fit() -> None:
    """Write the coefficients that the package ships."""
    kinds = by_kind(cost_table.read())
    families: dict[str, dict[str, object]] = defaultdict(dict)
    for (family, block), rows in kinds.items():
        held = cost_fit.held_out(rows)
        values = [variables(row.features, row.analytic) for row in rows]
        counts = {count: cost_fit.chosen(rows, count) for count in FITTED}
        named = {
            part.removeprefix("log2(").removesuffix(")")
            for terms in counts.values()
            for term in terms
            for part in term.split("*")
        } - {"1"}
        families[family][block] = {
            "rows": len(rows),
            "most": {name: float(f"{max(v.get(name, 0.0) for v in values):.6g}") for name in sorted(named)},
            **{
                count: {"terms": counts[count], "error": round(cost_fit.mean_error(held, count), 3)}
                for count in FITTED
            },
        }
    networks: dict[str, dict[str, float]] = {}
    found = network_guesses(kinds)
    for family in list(families):
        own = [guesses for (name, _), guesses in found.items() if name == family]
        counts = ("lut", "ff")
        fitted = {count: round(network_error(own, count), 3) for count in counts} if own else {}
        if own and all(fitted[count] <= network_error(own, count, analytic=True) for count in counts):
            networks[family] = fitted
        else:
            print(f"{family}: on whole networks no better than the analytic estimates, which stand")
            del families[family]
    COEFFICIENTS.write_text(_json({"families": families, "networks": networks}), encoding="utf-8")
    print(
        f"wrote {COEFFICIENTS.name}: {', '.join(f'{len(own)} of {name}' for name, own in families.items())}"
    )


def _json(value: object) -> str:
    """Return JSON with a line for every count, so that a person can read it and a difference can be seen."""
    text = json.dumps(value, indent=1)
    lines: list[str] = []
    depth = 0
    for line in text.splitlines():
        if depth >= 4:
            lines[-1] += line.strip() if lines[-1].endswith("{") else " " + line.strip()
        else:
            lines.append(line)
        depth += line.count("{") - line.count("}")
        if depth == 4 and line.strip().endswith("{"):
            continue
    return "\n".join(lines) + "\n"


def errors() -> None:
    """Print the errors as tables, and put them into the page."""
    rows = cost_table.read()
    kinds = by_kind(rows)
    lines = [
        f"{len(rows):,} rows: "
        + ", ".join(
            f"{sum(row.family == family for row in rows):,} on {family}"
            for family in sorted({row.family for row in rows})
        )
        + f", counted by {', '.join(sorted({row.tool for row in rows}))}.",
        "",
        "Blocks that the fit has not seen (five folds), mean error (sMAPE), analytic → fitted:",
        "",
        "| family | block | rows | LUT | FF | carry | block RAM exact | DSP exact |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    everything: dict[str, list[Guess]] = defaultdict(list)
    for (family, block), own in kinds.items():
        held = cost_fit.held_out(own)
        everything[family] += held
        lines.append(_error_line(family, f"`{block}`", held))
    lines += [_error_line(family, "all", held) for family, held in everything.items()]
    lines += [
        "",
        "Whole networks that the fit has not seen, the sum of their blocks of up to 6,000 LUTs:",
        "",
        "| family | network at cycles | blocks | LUT: analytic | fitted | yosys | FF: analytic | fitted | yosys |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    found = network_guesses(kinds)
    for (family, network), guesses in sorted(found.items()):
        cells = [f"{value:,.0f}" for count in ("lut", "ff") for value in sums(guesses, count)]
        lines.append(f"| {family} | {network} | {len(guesses)} | {' | '.join(cells)} |")
    for family in sorted({family for family, _ in found}):
        own_networks = [guesses for (name, _), guesses in found.items() if name == family]
        cells = [
            f"{network_error(own_networks, count, analytic=True):.1%} | {network_error(own_networks, count):.1%} | "
            for count in ("lut", "ff")
        ]
        lines.append(f"| {family} | mean error | | {cells[0]} | {cells[1]} |")
    text = "\n".join(lines)
    print(text)
    if PAGE.exists():
        page = PAGE.read_text(encoding="utf-8")
        before, rest = page.split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}", encoding="utf-8")


def _error_line(family: str, name: str, held: list[Guess]) -> str:
    cells = [
        f"{cost_fit.mean_error(held, count, analytic=True):.0%} → {cost_fit.mean_error(held, count):.0%}"
        for count in FITTED
    ]
    exact = [
        f"{sum(guess.row.analytic[count] == guess.row.counts[count] for guess in held) / len(held):.0%}"
        for count in ("bram18", "dsp")
    ]
    return f"| {family} | {name} | {len(held)} | {' | '.join([*cells, *exact])} |"


def refresh() -> None:
    """Bring the rows of random blocks to what their blocks say now: ``features()`` and ``cost()``; counts stay."""
    rows = []
    for row in cost_table.read():
        if not is_random(row):
            rows.append(row)
            continue
        block = sample(row.block, int(row.origin.partition(":")[2]))
        analytic = cost_table.counts_of(block.cost(FAMILIES[row.family]))
        rows.append(replace(row, features=block.features(), analytic=analytic))
    cost_table.write(rows)


def main() -> None:
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("sample", "networks", "refresh", "fit", "errors"))
    parser.add_argument("--family", nargs="+", choices=list(PARTS), default=["ecp5", "xcup"])
    parser.add_argument("--only", nargs="+", choices=list(DRAW), default=list(DRAW))
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--shared", type=Path, default=Path(__file__).resolve().parents[2] / "shared")
    options = parser.parse_args()
    until = time.monotonic() + 60 * options.minutes
    families = [FAMILIES[name] for name in options.family]
    if options.what == "sample":
        blocks = (
            (f"random:{index}", sample(name, index), family)
            for name, index in wanted(options.rounds, options.only)
            for family in families
        )
        grow(blocks, until)
    elif options.what == "networks":
        grow(
            (
                (origin, block, family)
                for family in families
                for origin, block in network_blocks(options.shared, family)
            ),
            until,
        )
    elif options.what == "refresh":
        refresh()
    elif options.what == "fit":
        fit()
    else:
        errors()


if __name__ == "__main__":
    main()
