# SPDX-License-Identifier: Apache-2.0
"""Pick the cheapest block that reproduces a map exactly.

Every candidate is derived from the canonical form and checked against it: a monotone block agrees everywhere once it
agrees at the first and the last integer of every step.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.blocks.multiply_shift import MultiplyShift
from tailrace.blocks.round_shift import RoundShift
from tailrace.blocks.table import Table
from tailrace.blocks.threshold import Threshold
from tailrace.blocks.threshold_search import ThresholdSearch
from tailrace.core.errors import MappingError
from tailrace.core.fit import FactorFit, fit_multiply_shift, fit_round_shift
from tailrace.core.steps import NEVER, Steps, restrict

if TYPE_CHECKING:
    from tailrace.core.resources import Resources
    from tailrace.graph import Map, Tensor
    from tailrace.targets.family import Family

Integers = NDArray[np.int64]
Requantizer = Threshold | ThresholdSearch | RoundShift | MultiplyShift | Table

KINDS = ("threshold", "threshold_search", "round_shift", "multiply_shift", "table")

PARALLEL_LEVELS_AT_MOST = 255
SEARCH_LEVELS_AT_MOST = 65_535
THRESHOLDS_AT_MOST = 1 << 24
"""Levels times rows of a search: more than the block memory of any part."""

TABLE_BITS_AT_MOST = 12

WEIGHTS = {"lut": 1.0, "ff": 0.25, "carry": 0.0, "dsp": 60.0, "bram18": 120.0}
"""What one cell counts when candidates are compared, in LUTs."""


def price(cost: Resources) -> float:
    """Return one number for a set of resources, in LUTs."""
    return sum(weight * float(getattr(cost, kind)) for kind, weight in WEIGHTS.items())


def candidates(node: Map, tensor: Tensor, out: Tensor, lanes: int, *, dsp: bool = False) -> list[Requantizer]:
    """Return every block that computes ``node`` exactly with ``lanes`` channels a cycle."""
    low, high = tensor.low, tensor.high
    if node.steps.rows > 1:
        return _candidates(restrict(node.steps, low, high), tensor, out, lanes, dsp=dsp)
    try:
        return _candidates(
            restrict(node.steps, low.min()[None], high.max()[None]), tensor, out, lanes, dsp=dsp
        )
    except ValueError:
        # Between the ranges of the channels, the row that they share may have values that the output has not.
        return _candidates(restrict(node.steps, low, high), tensor, out, lanes, dsp=dsp)


_FOUND: dict[bytes, FactorFit | None] = {}
"""Multiply forms of this process by what they were asked for: a plan is laid out several times."""


def _scaled(steps: Steps, low: Integers, high: Integers) -> FactorFit | None:
    """Return the multiply form of a tail, searched once: that of 16 bits takes seconds."""
    parts = (steps.breaks, steps.values, low, high)
    asked = sha256(b"".join(str(part.shape).encode() + part.tobytes() for part in parts)).digest()
    if asked not in _FOUND:
        _FOUND[asked] = fit_multiply_shift(steps, low, high)
    return _FOUND[asked]


def _candidates(steps: Steps, tensor: Tensor, out: Tensor, lanes: int, *, dsp: bool) -> list[Requantizer]:
    one = steps.rows == 1
    low, high = (tensor.low.min()[None], tensor.high.max()[None]) if one else (tensor.low, tensor.high)
    common: dict[str, Any] = {
        "channels": tensor.channels,
        "pe": lanes,
        "in_type": tensor.type,
        "out_type": out.type,
        "vectors": tensor.vectors,
    }
    found: list[Requantizer] = []
    unit = unit_steps(steps, int(tensor.type.max))
    if unit is not None:
        thresholds, base, decreasing = unit
        levels = thresholds.shape[1]
        if 1 <= levels <= PARALLEL_LEVELS_AT_MOST:
            found.append(Threshold(thresholds=thresholds, base=base, decreasing=decreasing, **common))
        if levels >= 3:
            found.append(ThresholdSearch(thresholds=thresholds, base=base, decreasing=decreasing, **common))
    shifted = fit_round_shift(steps, low, high)
    if shifted is not None:
        found.append(
            RoundShift(
                bias=shifted.bias,
                shift=shifted.shift,
                mode=shifted.mode,
                low=shifted.low,
                high=shifted.high,
                **common,
            )
        )
    scaled = _scaled(steps, low, high) if shifted is None else None  # a shift is always cheaper
    if scaled is not None:
        found.append(
            MultiplyShift(
                factors=scaled.factors,
                bias=scaled.bias,
                shift=scaled.shift,
                low=scaled.low,
                high=scaled.high,
                dsp=dsp,
                **common,
            )
        )
    if tensor.type.bits <= TABLE_BITS_AT_MOST:
        found.append(Table(values=table_values(steps, tensor), style=0, **common))
    return found


def requantizer(
    node: Map,
    tensor: Tensor,
    out: Tensor,
    lanes: int,
    *,
    family: Family,
    kind: str = "auto",
    dsp: bool = False,
) -> Requantizer:
    """Return the cheapest block for ``node`` on ``family``, or the one called ``kind``."""
    found = candidates(node, tensor, out, lanes, dsp=dsp)
    if kind != "auto":
        named = [block for block in found if block.name == kind]
        if not named:
            names = ", ".join(sorted({block.name for block in found}))
            raise MappingError(
                f"{kind} cannot compute this map exactly", where=node.name, hint=f"possible: {names}"
            )
        return named[0]
    if not found:
        raise MappingError(
            f"no block computes {node.steps.levels} steps over {tensor.type} exactly",
            where=node.name,
            hint="quantize to fewer bits",
        )
    return min(found, key=lambda block: price(block.cost(family)))


def unit_steps(steps: Steps, type_max: int) -> tuple[Integers, Integers, NDArray[np.bool_]] | None:
    """Write the function as ``base +- number of thresholds <= x``; None where a row rises and falls.

    Returns thresholds (rows, levels), ascending, a threshold repeated for a step of more than one, ``type_max + 1``
    for "never"; base (rows,) and decreasing (rows,).
    """
    direction = steps.direction()
    if (direction == 0).any():
        return None
    sizes = np.where(steps.breaks == NEVER, 0, np.abs(np.diff(steps.values, axis=1)))
    most = int(sizes.sum(axis=1).max())
    if most > SEARCH_LEVELS_AT_MOST or most * steps.rows > THRESHOLDS_AT_MOST:
        return None
    rows = [np.repeat(breaks, size) for breaks, size in zip(steps.breaks, sizes, strict=True)]
    levels = max(1, *(len(r) for r in rows))
    thresholds = np.full((len(rows), levels), type_max + 1, np.int64)
    for row, breaks in enumerate(rows):
        thresholds[row, : len(breaks)] = breaks
    return thresholds, steps.values[:, 0].copy(), direction < 0


def table_values(steps: Steps, tensor: Tensor) -> Integers:
    """Return (rows, 2**bits) values by the bit pattern of the input; patterns that never occur repeat a neighbour."""
    bits = tensor.type.bits
    pattern = np.arange(1 << bits, dtype=np.int64)
    x = np.where(pattern > tensor.type.max, pattern - (1 << bits), pattern)
    rows = []
    for row in range(steps.rows):
        low, high = (
            (tensor.low[row], tensor.high[row]) if steps.rows > 1 else (tensor.low.min(), tensor.high.max())
        )
        inside = np.clip(x, low, high)
        rows.append(steps.values[row][np.searchsorted(steps.breaks[row], inside, side="right")])
    return np.stack(rows)
