# SPDX-License-Identifier: Apache-2.0
"""A design in standard cells as a report shows it: figures in words, and what they mean and do not mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.report.quantities import NOT_MEASURED, count

if TYPE_CHECKING:
    from tailrace.report.asic import Asic
    from tailrace.report.records import Layer

LAYER_COLUMNS = (
    *("Area µm²", "Gates", "Cells", "Flip-flops", "Depth", "Register → register ns", "In → register ns"),
    *("Register → out ns", "In → out ns", "Macro bits", "Power mW"),
)


def facts(asic: Asic) -> list[tuple[str, str]]:
    """Return the figures of the whole design as titles and values."""
    found = [
        ("Library", ", ".join(asic.libraries)),
        ("Corner", f"{asic.corner or NOT_MEASURED}, {number(asic.supply_v)} V"),
        ("Area of the cells", f"{number(asic.area_um2)} µm²"),
        ("Gate equivalents", gates(asic)),
        ("Cells", f"{count(asic.cells)}, of them {count(asic.flip_flops)} flip-flops"),
        ("Deepest logic", f"{count(asic.depth)} cells between flip-flops"),
        ("Longest register to register in a block", f"{number(asic.register_delay_ns)} ns"),
        ("Longest in a block, its edges included", f"{number(asic.longest_delay_ns)} ns"),
        ("Clock period asked for", f"{number(asic.period_ns)} ns"),
    ]
    bits = sum(macro.words * macro.bits * macro.count for macro in asic.macros)
    if bits:
        shapes = ", ".join(f"{m.layer}: {m.count} × {m.words:,} words of {m.bits}" for m in asic.macros)
        found.append(("Memory macros, not in the area", f"{bits:,} bits ({shapes})"))
    power = asic.power
    if power is not None:
        found.append((f"Power at {number(power.clock_mhz)} MHz, estimate", f"{number(power.total_mw)} mW"))
        parts = (
            ("clock pins", power.clock_mw),
            ("inside cells", power.internal_mw),
            ("nets", power.switching_mw),
            ("leakage", power.leakage_mw),
        )
        found.append(("of it", ", ".join(f"{name} {number(value)} mW" for name, value in parts)))
    return found


def in_short(asic: Asic) -> list[tuple[str, str]]:
    """Return the figures that a terminal shows."""
    area = f"{number(asic.area_um2)} µm², {number(asic.gate_equivalents)} gate equivalents"
    longest = f"{number(asic.longest_delay_ns)} ns in a block, {count(asic.depth)} cells deep"
    found = [
        ("cells", f"{area}, {count(asic.flip_flops)} flip-flops ({asic.tool})"),
        ("longest path", f"{longest}; no Fmax, see the report"),
    ]
    if asic.power:
        found.append(
            ("power", f"about {number(asic.power.total_mw)} mW at {number(asic.power.clock_mhz)} MHz")
        )
    return found


def gates(asic: Asic) -> str:
    """Return the gate equivalents with what one is."""
    if asic.gate_equivalents is None:
        return f"{NOT_MEASURED} (the library has no NAND of two inputs)"
    return f"{number(asic.gate_equivalents)} (of {number(asic.nand2_um2)} µm²)"


def layer_cells(layer: Layer) -> list[str]:
    """Return the cells of a layer's row, in the order of :data:`LAYER_COLUMNS`."""
    found = layer.asic
    if found is None:
        return [NOT_MEASURED] * len(LAYER_COLUMNS)
    return [
        number(found.area_um2),
        number(found.gate_equivalents),
        count(found.cells),
        count(found.flip_flops),
        count(found.depth),
        number(found.register_delay_ns),
        number(found.input_delay_ns),
        number(found.output_delay_ns),
        number(found.through_delay_ns),
        count(found.macro_bits),
        number(found.power_mw),
    ]


def by_type(asic: Asic) -> list[tuple[str, int]]:
    """Return the cells by type, most first."""
    return sorted((asic.cells_by_type or {}).items(), key=lambda item: (-item[1], item[0]))


def number(value: float | None) -> str:
    """Return a figure with four digits that mean something, large ones whole."""
    if value is None:
        return NOT_MEASURED
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


AREA = """\
Area is that of the mapped cells, summed over the blocks.
Rows are never full: a layout takes more, and adds a clock tree, hold buffers, taps, fill and the power grid, and the
macros where there are any."""

DELAY = """\
Delays are those of static timing over the library's tables at this one corner, block by block: an ideal clock, {wires}
for wires and no resistance.
They say which block is slow, and whether the clock is within reach.
They are no Fmax: paths that run over several blocks, such as the chain of ready signals, take the sum of the pieces in
the table, and real wires, variation, other corners and hold are left to place and route."""

POWER = """\
Power is an estimate at the full rate of the design: the changes of {nets} nets were counted in a simulation of the
gates without delays on {frames} frames ({how}), so glitches are not in it.
The clock pins switch in every cycle, for there is no clock gating; the clock tree and macros are not in it{unseen}."""


def meaning(asic: Asic) -> list[str]:
    """Return in sentences what the figures say and what they leave out."""
    wires = f"the capacitance of the wire load {asic.wire_load}" if asic.wire_load else "no capacitance"
    found = [AREA, DELAY.format(wires=wires)]
    power = asic.power
    if power is not None:
        together = "the blocks ran together, as they do in the design"
        alone = "each block alone on the words that it gets in the design"
        unseen = f"; {count(power.unseen_nets)} nets could not be seen and count as still"
        found.append(
            POWER.format(
                nets=count(power.nets),
                frames=count(power.frames),
                how=together if power.whole else alone,
                unseen=unseen if power.unseen_nets else "",
            )
        )
    return [" ".join(paragraph.split()) for paragraph in found]
