# SPDX-License-Identifier: Apache-2.0
"""Say of a torch module, before it is trained, what will not map and what would be cheaper, each with its price.

Prices are estimates of the cost models of the blocks themselves, on one part, for one lane (one channel a cycle).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from tailrace.blocks.base import Stream
from tailrace.blocks.dense_folded import DenseFolded
from tailrace.blocks.eltwise import Eltwise
from tailrace.core.errors import MappingError
from tailrace.core.notebook import html_table
from tailrace.core.steps import from_table
from tailrace.core.types import IntType
from tailrace.graph import Map, Tensor
from tailrace.planning.requantize import price, requantizer
from tailrace.targets.parts import part as part_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tailrace.frontend.brevitas.inspection import Activation, Inspection, Levels, Meeting, Part
    from tailrace.targets.family import Family

PART = "ecp5-85k"
SUM_AT_MOST = 4096
"""Accumulators of a larger range are priced as if they had this one."""

CHANNELS = 8
"""So many channels share a requantizer of one lane, where each has a scale of its own."""

WORTH_SAYING = 4.0
"""What costs fewer LUTs is not told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to change: the module's name, what was found, what to do instead, and what it costs as it is.

    ``maps`` is False where the network is refused with it; ``luts`` is the estimate for one lane, None where there is
    none.
    """

    module: str
    maps: bool
    found: str
    instead: str
    luts: float | None = None

    @property
    def cost(self) -> str:
        """The price in words."""
        if not self.maps:
            return "does not map"
        return "" if self.luts is None else f"+{self.luts:,.0f} LUT a lane"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Findings:
    """What :func:`tailrace.lint` found; printed, a table."""

    name: str
    part: str
    findings: tuple[Finding, ...]

    def __len__(self) -> int:
        return len(self.findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __getitem__(self, index: int) -> Finding:
        return self.findings[index]

    def _line(self) -> str:
        lost = sum(not f.maps for f in self.findings)
        rest = len(self.findings) - lost
        if not self.findings:
            return f"{self.name}: nothing to say"
        return f"{self.name}: {lost} will not map, {rest} would be cheaper (estimates for {self.part})"

    def __repr__(self) -> str:
        rows = [("module", "cost", "found", "instead")]
        rows += [(f.module, f.cost, f.found, f.instead) for f in self.findings]
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        lines = [
            "  ".join(
                [*(text.ljust(width) for text, width in zip(row, widths, strict=False)), row[3]]
            ).rstrip()
            for row in rows
        ]
        return "\n".join([self._line(), *(lines if self.findings else [])])

    def _repr_html_(self) -> str:
        """Show the table, in notebooks."""
        rows = [(f.module, f.cost, f.found, f.instead) for f in self.findings]
        return html_table(self._line(), ("module", "cost", "found", "instead"), rows)


def judge(inspection: Inspection, part: str = PART) -> Findings:
    """Return what is to say of an inspected module; prices are those of ``part``."""
    family = part_of(part).family
    found = [
        Finding(module=r.name, maps=False, found=f"{r.kind}: {r.found}", instead=r.hint)
        for r in inspection.refusals
    ]
    for item in inspection.parts:
        found += _of_part(item, family)
    for activation in inspection.activations:
        found += _of_activation(activation, family)
    for meeting in inspection.meetings:
        found += _of_meeting(meeting, family)
    # a layer that is called twice says everything twice
    each = {(f.module, f.found): f for f in reversed(found)}.values()
    kept = [f for f in reversed(each) if not f.maps or f.luts is None or f.luts >= WORTH_SAYING]
    return Findings(name=inspection.title, part=part, findings=tuple(sorted(kept, key=lambda f: f.maps)))


# --- layers with weights ------------------------------------------------------------------------------------------


def _of_part(item: Part, family: Family) -> Iterator[Finding]:
    weight, given = item.weight, item.input
    bits, in_bits = (weight.bits if weight else 8), (given.bits if given else 8)
    if item.source == "input":
        yield Finding(
            module=item.name,
            maps=True,
            found="its input, the network's, has no quantizer: fixed<16,6> is chosen",
            instead="QuantIdentity in front of the network, or input_quant",
            luts=product(16, bits, family) - product(8, bits, family),
        )
    elif item.source != "quantizer":
        wide = item.sum_bits
        what = {
            "sums": f": sums of about {wide} bits go into its products",
            "steps": f": a function of sums of about {wide} bits, which maps only where these take few values",
        }.get(item.way, "")
        yield Finding(
            module=item.name,
            maps=bool(what),
            found=f"{'' if what else f'{item.kind}: '}its input comes from {item.source} without a quantizer{what}",
            instead="QuantReLU or QuantIdentity in front of it, or input_quant",
            luts=product(wide, bits, family) - product(8, bits, family) if what else None,
        )
    for what, levels, other in (("weights", weight, in_bits), ("inputs", given, bits)):
        if levels is not None and levels.bits > 8:
            yield Finding(
                module=item.name,
                maps=True,
                found=f"its {what} have {levels.bits} bits",
                instead="8 bits, or fewer: train with them and compare",
                luts=product(levels.bits, other, family) - product(8, other, family),
            )
    if weight is not None and weight.zero_point:
        yield Finding(
            module=item.name,
            maps=True,
            found="its weights have a zero point: one bit more in every product",
            instead="a symmetric weight quantizer (Int8WeightPerTensorFloat, Int8WeightPerChannelFloat)",
            luts=product(in_bits, bits + 1, family) - product(in_bits, bits, family),
        )
    if item.last and item.bias == "float":
        summed = _sum_bits(item.columns, bits, in_bits)
        yield Finding(
            module=item.name,
            maps=True,
            found=f"its bias is a float, and no quantizer follows: a sum of {summed + 24} bits, or the host's",
            instead="bias=False, or a bias quantizer and power-of-two scales",
            luts=_added(summed + 24, summed + 24, 1, 1, family) - _added(summed, summed, 1, 1, family),
        )


# --- quantizers of activations ------------------------------------------------------------------------------------


def _of_activation(item: Activation, family: Family) -> Iterator[Finding]:
    levels = item.levels
    span = _span(item)
    if levels.per_channel:
        yield Finding(
            module=item.name,
            maps=True,
            found="its scale differs from channel to channel"
            + (", and the layer behind it needs one scale for all its inputs" if item.feeds_layer else ""),
            instead="one scale for the tensor (scaling_per_output_channel=False)",
            luts=_requantizer(span, levels.low, levels.high, exact=False, rows=CHANNELS, family=family)
            - _requantizer(span, levels.low, levels.high, exact=False, rows=1, family=family),
        )
    low, high = _reached(levels, item.reach)
    used = high - low + 1
    needed = max(1, math.ceil(math.log2(used))) if used > 1 else 1
    if not levels.binary and needed < levels.bits:
        unsigned = low >= 0 and levels.low < 0
        yield Finding(
            module=item.name,
            maps=True,
            found=f"{used} of its {levels.used} levels can occur",
            instead=f"{needed} bits{', unsigned (Uint8ActPerTensorFloat)' if unsigned else ''} hold them",
            luts=product(levels.bits, 8, family) - product(needed, 8, family),
        )
    elif used > 3 and (used - 1) & (used - 2) == 0:
        yield Finding(
            module=item.name,
            maps=True,
            found=f"{used} levels, which need {needed} bits",
            instead=f"{used - 1} levels need {needed - 1}: a slightly larger scale, or narrow_range",
            luts=product(needed, 8, family) - product(needed - 1, 8, family),
        )
    if item.columns and not levels.power_of_two and not levels.per_channel and levels.bits > 1:
        bits = _sum_bits(item.columns, item.weight_bits, item.input_bits)
        yield Finding(
            module=item.name,
            maps=True,
            found=f"its scale is no power of two, on a sum of {bits} bits: comparisons or a product instead of a shift",
            instead="power-of-two scales here and in the layer in front (Int8ActPerTensorFixedPoint, "
            "Int8WeightPerTensorFixedPoint)",
            luts=_requantizer(span, levels.low, levels.high, exact=False, rows=1, family=family)
            - _requantizer(span, levels.low, levels.high, exact=True, rows=1, family=family),
        )


def _reached(levels: Levels, reach: tuple[float, float]) -> tuple[int, int]:
    """Return the lowest and the highest integer that a quantizer can give for what lies between bounds."""
    low, high = levels.low, levels.high
    if levels.zero_point:
        return low, high
    if reach[0] >= 0:
        low = max(low, 0)
    if levels.scale:
        low = max(low, round(reach[0] / levels.scale)) if math.isfinite(reach[0]) else low
        high = min(high, round(reach[1] / levels.scale)) if math.isfinite(reach[1]) else high
    return low, max(low, high)


def _span(item: Activation) -> int:
    bits = _sum_bits(max(1, item.columns), item.weight_bits, item.input_bits)
    return min(SUM_AT_MOST, 1 << max(2, bits - 1))


# --- sums and concatenations --------------------------------------------------------------------------------------


def _of_meeting(item: Meeting, family: Family) -> Iterator[Finding]:
    if item.same:
        return
    known = [levels for levels in item.levels if levels is not None]
    names = " and ".join(dict.fromkeys(item.sources))
    what = "concatenates" if item.joins else "adds"
    shared = "one QuantIdentity for both in front of it"
    if len(known) < len(item.levels):
        bits = max((levels.bits for levels in known), default=8)
        yield Finding(
            module=item.name,
            maps=True,
            found=f"it {what} {names}, not all of them quantized: each sum is kept exactly, with its float scale",
            instead=shared,
            luts=_added(40, 40, 1, 1, family) - _added(bits, bits, 1, 1, family),
        )
        return
    scales = [levels.scale for levels in known]
    if any(levels.per_channel for levels in known) or None in scales:
        return
    if len(set(scales)) == 1 and all(levels.fixed for levels in known):
        return
    differ = f"differ ({scales[0]:.4g} and {scales[1]:.4g})"
    first, second = (float(s) for s in scales[:2] if s is not None)
    if math.log2(first / second) % 1 == 0 and not all(
        levels.fixed or levels.power_of_two for levels in known
    ):
        second *= 1.1  # as they were made: training will leave them no such ratio
        differ = "will have no simple ratio when they are trained"
    a, b = (Fraction(np.float32(s).item()) for s in (first, second))
    step = Fraction(
        math.gcd(a.numerator * b.denominator, b.numerator * a.denominator), a.denominator * b.denominator
    )
    factors = int(a / step), int(b / step)
    bits = max(levels.bits for levels in known)
    wide = bits + max(factors).bit_length()
    text = f"it {what} {names}, whose scales {differ}: a sum of {wide + 1} bits"
    try:
        luts = _added(bits, bits, *factors, family) - _added(bits, bits, 1, 1, family)
    except MappingError:
        luts = _added(wide, wide, 1, 1, family) - _added(bits, bits, 1, 1, family)
        text += ", by tables"
    yield Finding(module=item.name, maps=True, found=text, instead=shared, luts=luts)


# --- prices, in LUTs ----------------------------------------------------------------------------------------------


@cache
def product(a_bits: int, b_bits: int, family: Family) -> float:
    """Return the price of one multiply-accumulate of ``a_bits`` and ``b_bits``."""
    weights = np.array([[-(1 << (b_bits - 1)), (1 << (b_bits - 1)) - 1]], np.int64)
    block = DenseFolded(
        weights=weights,
        pe=1,
        simd=1,
        in_type=IntType(bits=a_bits, signed=True),
        out_type=IntType(bits=a_bits + b_bits + 8, signed=True),
    )
    return price(block.cost(family))


@cache
def _added(a_bits: int, b_bits: int, a_factor: int, b_factor: int, family: Family) -> float:
    """Return the price of ``a_factor * a + b_factor * b``."""
    wide = max(a_bits + a_factor.bit_length(), b_bits + b_factor.bit_length()) + 1
    a, b = (Stream(lanes=1, type=IntType(bits=n, signed=True), words=1) for n in (a_bits, b_bits))
    out = IntType(bits=min(wide, 62), signed=True)
    block = Eltwise(operation="add", a=a, b=b, out_type=out, a_factor=a_factor, b_factor=b_factor)
    return price(block.cost(family))


@cache
def _requantizer(span: int, low: int, high: int, *, exact: bool, rows: int, family: Family) -> float:
    """Return the price of the cheapest block from sums between -span and span to ``low`` .. ``high``.

    ``exact``: the ratio of the scales is a power of two; else some number close to it, another one in every row.
    """
    ratio = 2.0 ** round(math.log2((high - low + 1) / (2 * span)))
    ratios = np.array([ratio if exact else ratio * (1.1 + 0.07 * row) for row in range(rows)])
    ends = np.full(rows, span, np.int64)
    x = np.arange(-span, span + 1, dtype=np.int64)[:, None]
    values = np.clip(np.rint(x * ratios), low, high).astype(np.int64)
    steps = from_table(-ends, ends, values)
    tensor = Tensor(name="sum", shape=(rows,), low=-ends, high=ends)
    out = Tensor(name="out", shape=(rows,), low=values.min(axis=0), high=values.max(axis=0))
    node = Map(name="map", input="sum", output="out", steps=steps)
    return price(requantizer(node, tensor, out, 1, family=family).cost(family))


def _sum_bits(columns: int, weight_bits: int, input_bits: int) -> int:
    """Return the bits that a sum of ``columns`` products can need."""
    return weight_bits + input_bits + math.ceil(math.log2(max(columns, 1)))
