# SPDX-License-Identifier: Apache-2.0
"""A mapped design as the report has it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from tailrace.report.asic import Asic, AsicMacro, AsicPower, LayerAsic
from tailrace.report.schema import LayerSynth, Synth

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.asic.activity import Activity
    from tailrace.asic.flow import AsicDesign, Block
    from tailrace.asic.liberty.library import Library
    from tailrace.asic.power import BlockPower
    from tailrace.report.schema import Layer

NS = 1e-9
MW = 1e-3


def asic_record(design: AsicDesign, plan_clock_mhz: float) -> Asic:
    """Return the figures of the whole design, power not yet among them."""
    library, blocks = design.library, design.blocks.values()
    cells: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    for block in blocks:
        cells.update(block.cells)
    for name, count in cells.items():
        kinds[_kind(library, name)] += count
    area = sum(block.area for block in blocks)
    inner = [block.timing.register_to_register for block in blocks]
    through = [block.timing.longest for block in blocks]
    scale = library.time_s / NS
    return Asic(
        tool=next(iter(blocks)).mapped.version,
        libraries=library.names,
        corner=library.corner,
        supply_v=library.supply_v,
        wire_load=library.wire_load.name if library.wire_load else None,
        area_um2=round(area, 3),
        gate_equivalents=_gates(library, area),
        nand2_um2=nand.area if (nand := library.nand2()) else None,
        cells=sum(cells.values()),
        flip_flops=sum(block.flip_flops for block in blocks),
        cells_by_type=dict(sorted(cells.items())),
        cells_by_kind=dict(sorted(kinds.items())),
        depth=max(block.timing.depth for block in blocks),
        register_delay_ns=_ns(max((figure for figure in inner if figure is not None), default=None), scale),
        longest_delay_ns=_ns(max(through), scale),
        period_ns=round(1e3 / plan_clock_mhz, 6),
        macros=tuple(
            AsicMacro(layer=name, words=words, bits=bits, count=count)
            for name, block in design.blocks.items()
            for (words, bits), count in sorted(
                Counter((m.words, m.bits) for m in block.netlist.macros).items()
            )
        ),
    )


def layers_with_asic(
    layers: tuple[Layer, ...], design: AsicDesign, powers: Mapping[str, BlockPower] | None = None
) -> tuple[Layer, ...]:
    """Return the layers with what their blocks became."""
    return tuple(
        replace(
            layer,
            synth=_counted(design.library, design.blocks[layer.name]),
            asic=_layer(design.library, design.blocks[layer.name], (powers or {}).get(layer.name)),
        )
        for layer in layers
    )


def _counted(library: Library, block: Block) -> LayerSynth:
    gates = _gates(library, block.area)
    return LayerSynth(gates=gates, ff=float(block.flip_flops), source=block.mapped.version)


def synth_record(asic: Asic) -> Synth:
    """Return the cells of the whole design as other parts have them: gate equivalents and flip-flops."""
    return Synth(
        tool=asic.tool,
        gates=asic.gate_equivalents,
        ff=float(asic.flip_flops or 0),
        per_layer_sum=True,
        cells=asic.cells_by_type,
    )


def _layer(library: Library, block: Block, power: BlockPower | None) -> LayerAsic:
    timing, scale = block.timing, library.time_s / NS
    return LayerAsic(
        area_um2=round(block.area, 3),
        gate_equivalents=_gates(library, block.area),
        cells=sum(block.cells.values()),
        flip_flops=block.flip_flops,
        flip_flop_um2=round(
            sum(library.cells[n].area * count for n, count in block.cells.items() if library.cells[n].state),
            3,
        ),
        depth=timing.depth,
        register_delay_ns=_ns(timing.register_to_register, scale),
        input_delay_ns=_ns(timing.input_to_register, scale),
        output_delay_ns=_ns(timing.register_to_output, scale),
        through_delay_ns=_ns(timing.input_to_output, scale),
        macro_bits=sum(macro.words * macro.bits for macro in block.netlist.macros),
        power_mw=round(power.total_w / MW, 6) if power else None,
    )


def power_record(
    powers: Mapping[str, BlockPower], activity: Activity, design: AsicDesign, clock_mhz: float
) -> AsicPower:
    """Return the power of all blocks."""
    each = powers.values()
    nets = sum(len(block.netlist.names) for block in design.blocks.values())
    return AsicPower(
        leakage_mw=_mw(sum(power.leakage_w for power in each)),
        clock_mw=_mw(sum(power.clock_w for power in each)),
        internal_mw=_mw(sum(power.internal_w for power in each)),
        switching_mw=_mw(sum(power.switching_w for power in each)),
        total_mw=_mw(sum(power.total_w for power in each)),
        clock_mhz=clock_mhz,
        frames=activity.frames,
        whole=activity.whole,
        nets=nets,
        unseen_nets=sum(power.unseen for power in each),
    )


def _gates(library: Library, area: float) -> float | None:
    nand = library.nand2()
    return round(area / nand.area, 1) if nand and nand.area else None


def _ns(value: float | None, scale: float) -> float | None:
    return None if value is None else round(value * scale, 6)


def _mw(value: float) -> float:
    return round(value / MW, 6)


def _kind(library: Library, name: str) -> str:
    """Say what sort of cell this is."""
    cell = library.cells[name]
    if cell.state:
        return "flip-flop" if cell.state.kind == "ff" else "latch"
    if not cell.inputs:
        return "tie"
    if len(cell.inputs) == 1 and len(cell.outputs) == 1 and cell.outputs[0].function:
        function = cell.outputs[0].function
        return "buffer" if function.table((cell.inputs[0].name,)) == (0, 1) else "inverter"
    return "logic"
