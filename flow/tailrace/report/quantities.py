# SPDX-License-Identifier: Apache-2.0
"""Numbers as people read them: three digits, thousands separators, units; a dash for "not measured"."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

NOT_MEASURED = "—"
PREFIXES = {-4: "p", -3: "n", -2: "µ", -1: "m", 0: "", 1: "k", 2: "M", 3: "G", 4: "T"}


def significant(value: float, digits: int = 3) -> str:
    """Return ``value`` rounded to ``digits`` significant digits, no exponent, with thousands separators."""
    if value == 0:
        return "0"
    exact = Decimal(str(value))
    places = digits - 1 - exact.adjusted()
    text = f"{exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def count(value: float | None) -> str:
    """Return a count: whole numbers in full, estimates with a fraction rounded to three digits."""
    if value is None:
        return NOT_MEASURED
    if float(value).is_integer():
        return f"{int(value):,}"
    return significant(value)


def estimate(value: float | None) -> str:
    """Return an estimated count, rounded to three significant digits: more would pretend."""
    return NOT_MEASURED if value is None else significant(value)


def with_prefix(value: float | None) -> str:
    """Return ``value`` with an SI prefix: ``3.13 M``, ``640 n``; the unit follows without a space."""
    if value is None:
        return NOT_MEASURED
    if value == 0:
        return "0 "
    exact = Decimal(str(value))
    rounded = exact.quantize(Decimal(1).scaleb(exact.adjusted() - 2), ROUND_HALF_UP)  # 999.9 becomes 1 k
    power = min(4, max(-4, rounded.adjusted() // 3))
    return f"{significant(float(rounded.scaleb(-3 * power)))} {PREFIXES[power]}"


def quantity(value: float | None, unit: str) -> str:
    """Return ``value`` with SI prefix and unit: ``1.07 µs``."""
    return NOT_MEASURED if value is None else with_prefix(value) + unit


def rate(value: float | None) -> str:
    """Return frames per second: ``3.13 M fps``."""
    return NOT_MEASURED if value is None else f"{with_prefix(value).rstrip()} fps"


def megahertz(value: float | None) -> str:
    """Return a clock in MHz with three digits."""
    return NOT_MEASURED if value is None else f"{significant(value)} MHz"


def duration(seconds: float | None) -> str:
    """Return the time that a stage took: ``0.4 s``, ``2 min 5 s``."""
    if seconds is None:
        return NOT_MEASURED
    if seconds < 60:
        return f"{significant(seconds)} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def percent(fraction: float | None) -> str:
    """Return a fraction in percent; never 100 % unless it is all, never 0 % unless it is nothing."""
    if fraction is None:
        return NOT_MEASURED
    value = 100 * fraction
    if 0 < value < 0.01:
        return "< 0.01 %"
    digits = 3
    while digits < 9 and value != 100 and float(f"{value:.{digits - 1}e}") == 100:
        digits += 1
    return f"{significant(value, digits)} %"


def ratio(value: float | None, first: float | None) -> str | None:
    """Return ``value`` as a multiple of ``first``, or None where there is none.

    ``×0.52`` is about half of it; what is less than a tenth is a fraction of it, as ``÷2,050``.
    """
    if value is None or first is None or first == 0:
        return None
    if 0 < value / first < 0.1:
        return f"÷{significant(first / value)}"
    return f"×{significant(value / first)}"
