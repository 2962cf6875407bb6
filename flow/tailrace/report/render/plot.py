# SPDX-License-Identifier: Apache-2.0
"""A scatter plot in SVG: a cost against a time, with the Pareto front of each series."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from tailrace.report.render.dataflow import number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COLOURS = 6
"""So many series have a colour of their own; the next one begins again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A point: its number in the table, its name, LUTs synthesized or not, an equality failed or not.

    Points are compared only within their ``series``.
    """

    number: int
    name: str
    x: float
    y: float
    series: str
    synthesized: bool
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What an axis shows: its title, how its values are written, and whether more of it is better."""

    title: str
    write: Callable[[float], str]
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A linear or logarithmic axis from ``low`` to ``high`` over the pixels ``start`` to ``stop``."""

    low: float
    high: float
    start: float
    stop: float
    logarithmic: bool

    def at(self, value: float) -> float:
        """Return the pixel of ``value``."""
        if self.logarithmic:
            share = math.log(value / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + share * (self.stop - self.start)

    def ticks(self) -> list[float]:
        """Return round values on the axis, 1, 2 or 5 times a power of ten, four to nine of them."""
        if self.logarithmic:
            decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            for steps in ((1, 2, 5), (1, 3), (1,)):
                found = [s * 10.0**d for d in decades for s in steps if self.low <= s * 10.0**d <= self.high]
                if len(found) <= 9:
                    break
            return found
        span = self.high - self.low
        power = 10.0 ** math.floor(math.log10(span / 5))
        step = next(step for step in (power, 2 * power, 5 * power, 10 * power) if span / step <= 7)
        first = math.ceil(self.low / step - 1e-9)
        return [i * step for i in range(first, math.floor(self.high / step + 1e-9) + 1)]


def axis(values: Sequence[float], start: float, stop: float) -> Axis:
    """Return an axis around ``values``: logarithmic where they spread over more than a factor of 8."""
    low, high = min(values), max(values)
    if low > 0 and high / low > 8:
        return Axis(low=low / 1.4, high=high * 1.4, start=start, stop=stop, logarithmic=True)
    margin = 0.12 * (high - low) or 0.5 * high or 1.0
    low = 0.0 if low - margin < 0.35 * high else low - margin
    return Axis(low=low, high=high + margin, start=start, stop=stop, logarithmic=False)


def pareto(marks: Sequence[Mark], *, more_x: bool = False) -> list[Mark]:
    """Return the sound marks that no other beats, by rising x; equal ones beat each other as little.

    One beats another if it is as good in both coordinates and better in one. Less is better; in x, ``more_x`` is.
    """
    sign = -1 if more_x else 1
    sound = [mark for mark in marks if not mark.failed]

    def beaten(mark: Mark) -> bool:
        x, y = sign * mark.x, mark.y
        return any(
            sign * other.x <= x and other.y <= y and (sign * other.x, other.y) != (x, y) for other in sound
        )

    return sorted(
        (mark for mark in sound if not beaten(mark)), key=lambda mark: (mark.x, mark.y, mark.number)
    )


def fronts(marks: Sequence[Mark], x: Scale) -> dict[str, list[Mark]]:
    """Return the Pareto front of each series."""
    return {
        series: pareto([mark for mark in marks if mark.series == series], more_x=x.more)
        for series in dict.fromkeys(mark.series for mark in marks)
    }


def scatter(marks: Sequence[Mark], x: Scale, y: Scale, width: float = 760, height: float = 400) -> Markup:
    """Return the plot as an SVG element; empty for no marks."""
    if not marks:
        return Markup("")
    left, right, top, bottom = 74.0, width - 24, 18.0, height - 52
    xs = axis([mark.x for mark in marks], left, right)
    ys = axis([mark.y for mark in marks], bottom, top)
    parts = [
        Markup(
            '<svg class="scatter" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}">'
        ).format(number(width), number(height), number(width), number(height), f"{y.title} against {x.title}")
    ]
    for value in xs.ticks():
        at = number(xs.at(value))
        parts.append(
            Markup(
                '<path class="grid" d="M{0} {1}V{2}"/>'
                '<text class="tick" text-anchor="middle" x="{0}" y="{3}">{4}</text>'
            ).format(at, number(top), number(bottom), number(bottom + 18), x.write(value))
        )
    for value in ys.ticks():
        at = number(ys.at(value))
        parts.append(
            Markup(
                '<path class="grid" d="M{0} {1}H{2}"/>'
                '<text class="tick" text-anchor="end" x="{3}" y="{4}">{5}</text>'
            ).format(
                number(left), at, number(right), number(left - 8), number(ys.at(value) + 4), y.write(value)
            )
        )
    parts.append(
        Markup('<path class="axis" d="M{0} {1}V{2}H{3}"/>').format(*map(number, (left, top, bottom, right)))
    )
    scale = {True: " (logarithmic)", False: ""}
    parts.append(
        Markup(
            '<text class="title" text-anchor="middle" x="{}" y="{}">{}</text>'
            '<text class="title" text-anchor="middle" transform="translate(16 {}) rotate(-90)">{}</text>'
        ).format(
            *map(number, ((left + right) / 2, height - 10)),
            x.title + scale[xs.logarithmic],
            number((top + bottom) / 2),
            y.title + scale[ys.logarithmic],
        )
    )
    found = fronts(marks, x)
    best = {mark.number for front in found.values() for mark in front}
    colours = {series: f"s{i % COLOURS}" for i, series in enumerate(found)}
    for series, front in found.items():
        if len({(mark.x, mark.y) for mark in front}) > 1:
            line = "".join(
                f"{'L' if i else 'M'}{number(xs.at(mark.x))} {number(ys.at(mark.y))}"
                for i, mark in enumerate(front)
            )
            parts.append(Markup('<path class="front {}" d="{}"/>').format(colours[series], line))
    places = [(xs.at(mark.x), ys.at(mark.y)) for mark in marks]
    for mark, (cx, cy) in zip(marks, places, strict=True):
        kind = "failed" if mark.failed else colours[mark.series]
        beaten = "" if mark.failed or mark.number in best else " beaten"
        parts.append(
            Markup('<circle class="mark {}{}{}" cx="{}" cy="{}" r="6"><title>{}</title></circle>').format(
                kind,
                beaten,
                "" if mark.synthesized else " estimate",
                number(cx),
                number(cy),
                f"{mark.name}: {y.write(mark.y)} {y.title}, {x.write(mark.x)} {x.title.lower()}, {mark.series}",
            )
        )
    boxes = [(cx - 7, cy - 7, cx + 7, cy + 7) for cx, cy in places]
    for mark, (cx, cy) in zip(marks, places, strict=True):
        box = label_box(f"{mark.number}", cx, cy, boxes, (left, top, right, bottom))
        boxes.append(box)
        parts.append(
            Markup('<text class="marktext" text-anchor="middle" x="{}" y="{}">{}</text>').format(
                number((box[0] + box[2]) / 2), number(box[3] - 2), mark.number
            )
        )
    return Markup("").join([*parts, Markup("</svg>")])


Box = tuple[float, float, float, float]


def label_box(text: str, x: float, y: float, boxes: Sequence[Box], frame: Box) -> Box:
    """Return the place (left, top, right, bottom) beside the point that hides least of ``boxes``."""
    w, h = 4 + 7.5 * len(text), 13.0

    def hidden(box: Box) -> float:
        overlap = sum(
            max(0.0, min(box[2], other[2]) - max(box[0], other[0]))
            * max(0.0, min(box[3], other[3]) - max(box[1], other[1]))
            for other in boxes
        )
        outside = max(0.0, frame[0] - box[0]) + max(0.0, box[2] - frame[2]) + max(0.0, frame[1] - box[1])
        return overlap + 100 * (outside + max(0.0, box[3] - frame[3]))

    sides = ((1, -1), (-1, 1), (1, 1), (-1, -1), (1, 0), (-1, 0), (0, -1), (0, 1))
    reach = [(x + dx * (6 + w / 2), y + dy * (6 + h / 2)) for dx, dy in sides]
    return min(((cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2) for cx, cy in reach), key=hidden)
