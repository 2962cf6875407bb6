# SPDX-License-Identifier: Apache-2.0
"""An estimate of the power of a mapped block, from the library's tables and the changes counted in simulation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.asic.liberty.timing import FALL, RISE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tailrace.asic.activity import Activity
    from tailrace.asic.flow import AsicDesign
    from tailrace.asic.liberty.library import Cell, Energy, Library
    from tailrace.asic.liberty.netlist import Instance, Net, Netlist
    from tailrace.asic.liberty.timing import BlockTiming, Edges
    from tailrace.planning.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockPower:
    """Power in watts: what leaks, what the clock takes inside flip-flops and at their pins, and what data takes.

    ``internal_w`` is inside of cells, ``switching_w`` charges nets. ``unseen`` counts the nets whose changes the
    simulation did not show; they count as still.
    """

    leakage_w: float
    clock_w: float
    internal_w: float
    switching_w: float
    unseen: int

    @property
    def total_w(self) -> float:
        """The sum."""
        return self.leakage_w + self.clock_w + self.internal_w + self.switching_w


def design_power(plan: Plan, design: AsicDesign, activity: Activity) -> dict[str, BlockPower]:
    """Return the power of every block at the rate of the plan."""
    return {
        name: block_power(
            block.netlist,
            design.library,
            block.timing,
            activity.changes[name],
            frames=activity.frames,
            interval_cycles=plan.interval_cycles,
            clock_hz=plan.clock_mhz * 1e6,
        )
        for name, block in design.blocks.items()
    }


def block_power(
    netlist: Netlist,
    library: Library,
    timing: BlockTiming,
    changes: Mapping[str, int],
    *,
    frames: int,
    interval_cycles: int,
    clock_hz: float,
    clock: str = "clk",
) -> BlockPower:
    """Return the power of a block that takes a frame every ``interval_cycles`` of ``clock_hz``.

    ``changes`` are those of its nets while ``frames`` frames went through. The energy of data is counted by the frame,
    that of the clock by the cycle: there is no clock gating.
    """
    clocks = set(netlist.inputs.get(clock, ()))
    counts, unseen = _counts(netlist, changes, clocks)
    leakage = clock_j = internal_j = switching_j = 0.0
    joule, volt = library.energy_j, library.supply_v
    for instance in netlist.instances:
        cell = library.cells[instance.cell]
        leakage += cell.leakage_w
        for pin in cell.pins.values():
            net = instance.nets.get(pin.name)
            if net is None or isinstance(net, str):
                continue
            if net in clocks:
                clock_j += (_input_energy(pin.energies, 0.0) + volt**2 * sum(pin.capacitance) / 2) * joule
                continue
            changed = counts.get(net, 0)
            if not changed:
                continue
            if pin.direction == "output":
                load = timing.loads.get(net, (0.0, 0.0))
                internal_j += changed * _output_energy(cell, pin.name, instance, timing, load) * joule
                switching_j += changed * volt**2 * (load[RISE] + load[FALL]) / 4 * joule
            else:
                slew = sum(timing.slews.get(net, (0.0, 0.0))) / 2
                internal_j += changed * _input_energy(pin.energies, slew) / 2 * joule
    per_second = clock_hz / interval_cycles / frames
    return BlockPower(
        leakage_w=leakage,
        clock_w=clock_j * clock_hz,
        internal_w=max(0.0, internal_j * per_second),
        switching_w=switching_j * per_second,
        unseen=unseen,
    )


def _counts(netlist: Netlist, changes: Mapping[str, int], clocks: set[Net]) -> tuple[dict[Net, int], int]:
    """Return the changes of every net, and how many nets the simulation did not show."""
    counts: dict[Net, int] = {}
    unseen = 0
    for net, names in netlist.names.items():
        if isinstance(net, str) or net in clocks:
            continue
        seen = [changes[name] for name in names if name in changes]
        if seen:
            counts[net] = seen[0]
        else:
            unseen += 1
    return counts, unseen


def _input_energy(energies: Sequence[Energy], slew: float) -> float:
    """Return the energy of one rise and one fall of an input: the mean over its states."""
    return _mean([e.rise.at(slew, 0.0) for e in energies if e.rise]) + _mean(
        [e.fall.at(slew, 0.0) for e in energies if e.fall]
    )


def _output_energy(cell: Cell, pin: str, instance: Instance, timing: BlockTiming, load: Edges) -> float:
    """Return the energy of one change of an output: the mean over edges, causes and states."""
    rises, falls = [], []
    for energy in cell.pins[pin].energies:
        nets = [instance.nets[name] for name in energy.related.split() if name in instance.nets]
        slew = _mean([sum(timing.slews.get(net, (0.0, 0.0))) / 2 for net in nets])
        if energy.rise:
            rises.append(energy.rise.at(slew, load[RISE]))
        if energy.fall:
            falls.append(energy.fall.at(slew, load[FALL]))
    return (_mean(rises) + _mean(falls)) / 2


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
