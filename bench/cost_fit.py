# SPDX-License-Identifier: Apache-2.0
"""Fit sums of a few terms on the table of syntheses, and say how wrong they are on blocks they have not seen.

A count (LUTs, say) of a kind of block on a family is a sum of terms with factors above 0, so that it never falls below
0, however far a block is from those that were synthesized. Terms are added one by one, the one first that helps most;
an extended Bayesian information criterion says when to stop, so that dozens of rows do not get a dozen terms. Errors
are weighted by size: 10 of 100 LUTs count as 100 of 1000.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tailrace.blocks.costs import FITTED, Sum, term_value, variables

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cost_table import Row
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FOLDS = 5
MOST_TERMS = 8
TRIED = 6
"""Terms that are fitted at each step: those that fit what is left best."""

SMALL = 4.0
"""Cells that weigh as nothing: an error of 2 LUTs in 3 is no worse than one of 2 in 7."""

COUNTED = (
    *("pe", "levels", "steps", "lanes", "in_lanes", "branches", "simd", "folds"),
    *("in_bits", "out_bits", "bits_out", "width", "bits_in_luts", "constant", "no_dsp"),
)
"""What there is many of in a block, so that a product with it may be a term."""

SMALL_NUMBERS = ("dsp", "mode", "style", "in_signed", "out_signed", "shift_mode")
"""Choices, whose logarithm means nothing."""

BETTER = 0.9
"""The error of the fit on unseen rows is so small beside that of the analytic estimate, or that stands."""

ROUNDS = 3
"""How often the rows are weighted anew."""

PENALTY = 0.5
"""How much a large choice of terms makes each term dearer (gamma of the extended criterion)."""


def smape(estimated: float, real: float) -> float:
    """Return the difference relative to the mean of both; 0 where both are 0."""
    return 0.0 if estimated == real else abs(estimated - real) / ((abs(estimated) + abs(real)) / 2)


def nonnegative(a: Floats, b: Floats) -> Floats:
    """Return the x >= 0 that makes ``a @ x`` nearest to ``b`` (Lawson and Hanson's active set)."""
    gram, right = a.T @ a, a.T @ b
    size = len(right)
    x, free = np.zeros(size), np.zeros(size, np.bool_)
    for _ in range(3 * size + 3):
        gradient = right - gram @ x
        gradient[free] = -np.inf
        best = int(np.argmax(gradient))
        if gradient[best] <= 1e-9 * (1 + abs(right[best])):
            break
        free[best] = True
        while True:
            places = np.flatnonzero(free)
            solved = np.linalg.lstsq(gram[np.ix_(places, places)], right[places], rcond=None)[0]
            if (solved > 0).all():
                x[:] = 0
                x[places] = solved
                break
            low = solved <= 0
            here = x[places]
            step = np.min(here[low] / np.maximum(here[low] - solved[low], 1e-30))
            x[places] = here + step * (solved - here)
            free[places[x[places] <= 1e-12]] = False
            x[~free] = 0
            if not free.any():
                break
    return x


def candidates(values: Sequence[dict[str, float]]) -> list[str]:
    """Return the terms that tell the blocks apart.

    They are variables, their logarithms, and products of two or three: what there is in every lane, level or bit.
    """
    names = [
        name
        for name in dict.fromkeys(itertools.chain.from_iterable(values))
        if len({row.get(name, 0.0) for row in values}) > 1 and min(row.get(name, 0.0) for row in values) >= 0
    ]
    logs = [f"log2({name})" for name in names if name not in SMALL_NUMBERS]
    many = [name for name in names if name in COUNTED]
    rows_of = [*many, *(f"{a}*{b}" for a, b in itertools.combinations(many, 2))]
    products: dict[tuple[str, ...], None] = {}
    for of in rows_of:
        for name in [*names, *logs]:
            parts = (*of.split("*"), name)
            if len(set(parts)) == len(parts):
                products.setdefault(tuple(sorted(parts)))
    pairs = ["*".join(parts) for parts in products]
    return ["1", *names, *logs, *pairs]


def fitted(rows: Sequence[Row], count: str) -> dict[str, float]:
    """Return {term: factor} of one count."""
    values = [variables(row.features, row.analytic) for row in rows]
    real = np.array([row.counts[count] for row in rows])
    if (real == real[0]).all():
        return {"1": float(real[0])} if real[0] else {}
    terms = candidates(values)
    plain = np.array([[term_value(term, row) for row in values] for term in terms])
    kept = (plain > 0).any(axis=1)
    terms = [term for term, keep in zip(terms, kept, strict=True) if keep]
    plain = plain[kept]
    weight = 1 / (real + SMALL)
    chosen = [terms.index(term) for term in (f"analytic_{count}", "analytic_carry") if term in terms]
    chosen = list(dict.fromkeys(chosen))
    free = len(chosen)
    n = len(rows)
    factors = _weighted(plain[chosen], real, weight) if chosen else np.zeros(0)
    score, best = math.inf, (chosen, factors)
    while True:
        rest = real - factors @ plain[chosen]
        # The mean of the relative error itself, not of its square: one odd block must not bend the rest.
        error = float(np.abs(rest * weight).sum())
        price = (len(chosen) - free) * (math.log(n) + 2 * PENALTY * math.log(len(terms))) / 2
        new = n * math.log(max(error, 1e-6) / n) + price
        if new >= score:
            chosen, factors = best
            break
        score, best = new, (list(chosen), factors)
        if len(chosen) >= min(MOST_TERMS, n // 4):
            break
        robust = weight / np.sqrt(np.abs(rest * weight) + 0.02)
        unit = plain * robust
        unit /= np.linalg.norm(unit, axis=1)[:, None]
        gains = unit @ (rest * robust)
        gains[chosen] = -np.inf
        tried = []
        for index in np.argsort(-gains, kind="stable")[:TRIED].tolist():
            x = _weighted(plain[[*chosen, index]], real, weight)
            off = np.abs((real - x @ plain[[*chosen, index]]) * weight).sum()
            tried.append((round(float(off), 9), len(tried), index, x))
        _, _, index, factors = min(tried, key=lambda one: one[:2])
        chosen = [*chosen, index]
    return {
        terms[index]: float(f"{factor:.6g}")
        for index, factor in zip(chosen, factors, strict=True)
        if factor > 1e-9
    }


def _weighted(columns: Floats, real: Floats, weight: Floats) -> Floats:
    """Return factors above 0 that make the sum of the absolute relative errors small: squares, weighted anew."""
    sizes = np.linalg.norm(columns * weight, axis=1)
    sizes[sizes == 0] = 1
    again = weight
    x = np.zeros(len(columns))
    for _ in range(ROUNDS):
        x = nonnegative((columns * again / sizes[:, None]).T, real * again) / sizes
        again = weight / np.sqrt(np.maximum(np.abs((real - x @ columns) * weight), 0.02))
    return x


def group(row: Row) -> str:
    """Return what is held out together: a network, or a random block."""
    return row.origin.split("/")[0]


def fold_of(row: Row) -> int:
    """Return the fold in which a row is held out."""
    name = group(row)
    kind, _, index = name.partition(":")
    return int(index) % FOLDS if index else sum(kind.encode()) % FOLDS


def chosen(rows: Sequence[Row], count: str) -> dict[str, float]:
    """Return the terms that were fitted, or the analytic estimate alone, where they are no better on unseen rows."""
    unseen, analytic = [], []
    for fold in sorted({fold_of(row) for row in rows}):
        test = [row for row in rows if fold_of(row) == fold]
        terms = Sum(factors=fitted([row for row in rows if fold_of(row) != fold], count), error=0.0)
        for row in test:
            real = row.counts[count]
            unseen.append(smape(terms(variables(row.features, row.analytic)), real))
            analytic.append(smape(row.analytic[count], real))
    if np.mean(unseen) > BETTER * np.mean(analytic):
        return {f"analytic_{count}": 1.0}
    return fitted(rows, count)


@dataclass(frozen=True, slots=True)
class Guess:
    """A row and what a model says that has not seen it."""

    row: Row
    counts: dict[str, float]


def predicted(rows: Sequence[Row], train: Sequence[Row]) -> list[Guess]:
    """Return what a model of ``train`` says of ``rows``, all of one kind of block and family."""
    sums = {count: Sum(factors=chosen(train, count), error=0.0) for count in FITTED}
    return [
        Guess(row, {count: sums[count](variables(row.features, row.analytic)) for count in FITTED})
        for row in rows
    ]


def held_out(rows: Sequence[Row], key: Callable[[Row], object] = fold_of) -> list[Guess]:
    """Return, for the rows of a kind of block and family, what models say that have not seen their fold."""
    guesses: list[Guess] = []
    for fold in sorted({str(key(row)) for row in rows}):
        train = [row for row in rows if str(key(row)) != fold]
        test = [row for row in rows if str(key(row)) == fold]
        if len(train) >= 8:
            guesses += predicted(test, train)
    return guesses


def mean_error(guesses: Sequence[Guess], count: str, *, analytic: bool = False) -> float:
    """Return the sMAPE of a count, of the fit or of the analytic estimate."""
    errors = [
        smape((guess.row.analytic if analytic else guess.counts)[count], guess.row.counts[count])
        for guess in guesses
    ]
    return float(np.mean(errors))
