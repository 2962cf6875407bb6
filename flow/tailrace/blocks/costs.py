# SPDX-License-Identifier: Apache-2.0
"""What a block costs, by coefficients that were fitted on syntheses of many small blocks.

The structure is the block's own: its ``features()``, and what its analytic ``cost()`` makes of them. The coefficients
are in ``costs.json``, which ``bench/costs.py fit`` writes from the table of syntheses ``bench/costs.csv.gz``: for each
family and kind of block, and each of LUTs, flip-flops and carry cells, a sum of a few products of features with
positive factors. Multiplier blocks and block RAMs are decisions, not sums: they are those of the analytic estimate.
Where a kind of block or a family was never synthesized, the analytic estimate is all there is; where a feature is far
outside of what was synthesized, the sum would be a guess, and the analytic estimate is taken, too.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.blocks.base import Block
    from tailrace.core.resources import Resources
    from tailrace.targets.family import Family

Basis = Literal["fitted", "extrapolated", "analytic"]

FITTED = ("lut", "ff", "carry")
"""What is fitted; the rest of the resources are the analytic estimate's."""

BEYOND = 2.0
"""A feature may be so many times larger than any that was synthesized before the sum counts as extrapolated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """The resources of a block, and what they stand on.

    ``basis`` is "fitted" on syntheses of this kind of block; "extrapolated" where this block is far outside of these,
    so that its analytic estimate is given; "analytic" where none was synthesized for the family. ``error`` is the mean
    relative error of the LUTs of held-out blocks of the kind (sMAPE; None where nothing was synthesized).
    """

    resources: Resources
    basis: Basis
    error: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """A fitted count: ``factors`` {term: factor}, and the mean relative error (sMAPE) on held-out blocks.

    A term is "1", a name of :func:`variables`, "log2(name)", which is that of 1 + the value, or some joined by "*".
    """

    factors: Mapping[str, float]
    error: float

    def __call__(self, values: Mapping[str, float]) -> float:
        """Return the count for the values of a block."""
        return sum(factor * term_value(term, values) for term, factor in self.factors.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What was fitted for a kind of block on a family: the sums by count, and the largest value of each variable."""

    rows: int
    most: Mapping[str, float]
    sums: Mapping[str, Sum]

    def covers(self, values: Mapping[str, float]) -> bool:
        """Whether the values lie where blocks were synthesized, or not far beyond."""
        return all(values.get(name, 0.0) <= BEYOND * most for name, most in self.most.items())


def variables(features: Mapping[str, float], analytic: Mapping[str, float]) -> dict[str, float]:
    """Return what a term may name: the features, the analytic counts, and what follows from both.

    ``bits_in_luts`` are the bits of memories that are no block RAM; ``constant`` is 1 where constants are in the logic,
    because all channels share them or have their own lanes, and 0 where they come out of a memory; ``no_dsp`` is 1
    where nothing is in multiplier blocks.
    """
    in_luts = 0.0 if analytic["bram18"] else features.get("constant_bits", 0.0) + features["written_bits"]
    return {
        **features,
        **{f"analytic_{name}": value for name, value in analytic.items()},
        "bits_in_luts": in_luts,
        "constant": float(features.get("folds", 1.0) <= 1),
        "no_dsp": float(not analytic["dsp"]),
    }


def term_value(term: str, values: Mapping[str, float]) -> float:
    """Return the value of a term; what a block does not have counts as 0."""
    product = 1.0
    for log, name in _factors_of(term):
        value = values.get(name, 0.0)
        product *= math.log2(1 + max(0.0, value)) if log else value
    return product


@cache
def _factors_of(term: str) -> tuple[tuple[bool, str], ...]:
    if term == "1":
        return ()
    return tuple(
        (part.startswith("log2("), part.removeprefix("log2(").removesuffix(")")) for part in term.split("*")
    )


@cache
def models(family: str) -> Mapping[str, Model]:
    """Return {kind of block: what was fitted} for a family; empty where it was never synthesized for the fit."""
    return {
        block: Model(
            rows=int(own["rows"]),
            most=own["most"],
            sums={count: Sum(factors=own[count]["terms"], error=own[count]["error"]) for count in FITTED},
        )
        for block, own in _file()["families"].get(family, {}).items()
    }


@cache
def network_errors(family: str) -> Mapping[str, float]:
    """Return {"lut", "ff": the mean relative error (sMAPE) of whole networks that the fit did not see}; or nothing."""
    return dict(_file()["networks"].get(family, {}))


@cache
def _file() -> dict[str, Any]:
    """Return costs.json, which bench/costs.py writes and the tests read."""
    read: dict[str, Any] = json.loads((files("tailrace.blocks") / "costs.json").read_text(encoding="utf-8"))
    return read


def estimate(block: Block, family: Family) -> Estimate:
    """Return what ``block`` costs on a part of ``family``, and how well that is known."""
    analytic = block.cost(family)
    model = models(family.name).get(block.name)
    if model is None:
        return Estimate(resources=analytic, basis="analytic")
    counts = {name: float(getattr(analytic, name)) for name in ("lut", "ff", "carry", "dsp", "bram18")}
    values = variables(block.features(), counts)
    if not model.covers(values):
        return Estimate(resources=analytic, basis="extrapolated", error=model.sums["lut"].error)
    fitted = {count: model.sums[count](values) for count in FITTED}
    return Estimate(resources=replace(analytic, **fitted), basis="fitted", error=model.sums["lut"].error)
