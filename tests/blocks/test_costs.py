# SPDX-License-Identifier: Apache-2.0
"""The fitted estimates: from the table of syntheses, never below zero, and honest about what they have not seen."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING

import pytest
import tailrace as tr
from block_samples import SAMPLES
from tailrace.blocks import costs
from tailrace.blocks.base import Stream
from tailrace.blocks.costs import BEYOND, Sum, estimate, models, term_value, variables
from tailrace.blocks.replay import Replay
from tailrace.core.types import IntType
from tailrace.targets.families import FAMILIES

if TYPE_CHECKING:
    from types import ModuleType

BENCH = Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    monkeypatch.syspath_prepend(str(BENCH))
    import cost_fit  # noqa: PLC0415 - it is found only now
    import cost_samples  # noqa: PLC0415
    import cost_table  # noqa: PLC0415

    found = {"fit": cost_fit, "samples": cost_samples, "table": cost_table}
    for name in ("cost_fit", "cost_samples", "cost_table"):
        monkeypatch.delitem(sys.modules, name)
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_every_block_has_an_estimate_on_every_family(family: str) -> None:
    for name, block in SAMPLES.items():
        found = estimate(block, FAMILIES[family])
        assert min(found.resources.lut, found.resources.ff, found.resources.carry) >= 0, name
        known = block.name in models(family)
        assert (found.basis == "analytic") == (not known), name
        assert (found.error is None) == (not known), name
        if not known:
            assert found.resources == block.cost(FAMILIES[family])


def test_a_sum_is_that_of_its_terms() -> None:
    values = {"pe": 4.0, "bits": 7.0}
    found = Sum(factors={"1": 3.0, "pe": 2.0, "pe*bits": 0.5, "pe*log2(bits)": 1.0, "gone": 9.0}, error=0.1)
    assert found(values) == 3 + 8 + 14 + 12
    assert term_value("log2(pe)*log2(bits)", {"pe": 3.0, "bits": 1.0}) == 2


def test_far_beyond_what_was_synthesized_the_analytic_estimate_is_given() -> None:
    family = FAMILIES["ecp5"]
    model = models("ecp5")["replay"]
    assert model.most
    stream = Stream(lanes=1, type=IntType(4, signed=False), words=8)
    near = Replay(vector=stream, times=2)
    assert estimate(near, family).basis == "fitted"
    most = max(model.most.values())
    far = replace(near, vector=replace(stream, lanes=int(BEYOND * most) + 1), times=int(BEYOND * most) + 1)
    found = estimate(far, family)
    assert found.basis == "extrapolated"
    assert found.resources == far.cost(family)
    assert found.error == model.sums["lut"].error


def test_the_table_is_of_blocks_that_can_be_made_again(bench: dict[str, ModuleType]) -> None:
    rows = bench["table"].read()
    assert len({row.key for row in rows}) == len(rows)
    drawn = [row for row in rows if row.origin.startswith("random:")]
    for row in drawn[:: len(drawn) // 60]:
        block = bench["samples"].sample(row.block, int(row.origin.partition(":")[2]))
        features = {name: float(bench["table"].number(value)) for name, value in block.features().items()}
        assert features == row.features, row.key
        analytic = bench["table"].counts_of(block.cost(FAMILIES[row.family]))
        rounded = {name: float(bench["table"].number(value)) for name, value in analytic.items()}
        assert rounded == row.analytic, row.key


def test_what_is_drawn_are_kinds_of_blocks(bench: dict[str, ModuleType]) -> None:
    draw = bench["samples"].DRAW
    kinds = {block.name for block in SAMPLES.values()}
    assert {bench["samples"].sample(name, 3).name for name in draw} == set(draw)
    assert set(draw) <= kinds - {"spatial"}


def test_a_table_is_written_as_it_is_read(bench: dict[str, ModuleType], tmp_path: Path) -> None:
    rows = bench["table"].read()
    for name in ("a.csv.gz", "b.csv.gz"):
        bench["table"].write(rows, tmp_path / name)
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()
    assert bench["table"].read(tmp_path / "a.csv.gz") == rows


def test_a_fit_finds_the_terms_that_made_the_counts(bench: dict[str, ModuleType]) -> None:
    rows = [row for row in bench["table"].read() if (row.block, row.family) == ("replay", "ecp5")]
    made = [
        replace(
            row,
            counts={**row.counts, "lut": 5 + 3 * term_value("width", variables(row.features, row.analytic))},
        )
        for row in rows
    ]
    found = Sum(factors=bench["fit"].fitted(made, "lut"), error=0)
    errors = [
        bench["fit"].smape(found(variables(row.features, row.analytic)), row.counts["lut"]) for row in made
    ]
    assert sum(errors) / len(errors) < 0.03


def test_a_factor_is_never_below_zero(bench: dict[str, ModuleType]) -> None:
    for family in FAMILIES:
        for model in models(family).values():
            assert all(factor > 0 for own in model.sums.values() for factor in own.factors.values())


def test_a_network_is_estimated_in_a_moment(shared_models: Path) -> None:
    graph = tr.load(shared_models / "CNV_light_CIFAR10_W1A1.onnx")
    plan = tr.plan(graph, part="ecp5-85k", fps=1000, engine="folded")
    costs.models("ecp5")
    start = process_time()
    assert plan.estimated.lut > 0
    assert process_time() - start < 0.05
