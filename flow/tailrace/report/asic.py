# SPDX-License-Identifier: Apache-2.0
"""The part of a report on a design in standard cells."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - annotations are read at run time
from dataclasses import dataclass, field
from typing import Any

from tailrace.report.codec import Count, Figure  # noqa: TC001 - annotations are read at run time


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerAsic:
    """One layer in cells of a library.

    ``depth`` is the most cells in a row between flip-flops or edges. ``register_delay_ns`` is the longest path from
    flip-flop to flip-flop with clock-to-output and setup; ``input_delay_ns`` (input to flip-flop), ``output_delay_ns``
    (flip-flop to output) and ``through_delay_ns`` (input to output) add up with the neighbours' along a path.
    ``macro_bits`` are in memory macros, which no area counts. ``power_mw`` is an estimate.
    """

    area_um2: Figure | None = None
    gate_equivalents: Figure | None = None
    cells: Count | None = None
    flip_flops: Count | None = None
    flip_flop_um2: Figure | None = None
    depth: Count | None = None
    register_delay_ns: Figure | None = None
    input_delay_ns: Figure | None = None
    output_delay_ns: Figure | None = None
    through_delay_ns: Figure | None = None
    macro_bits: Count | None = None
    power_mw: Figure | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AsicMacro:
    """Memories that were left to macros: so many of a shape in a layer."""

    layer: str
    words: Count
    bits: Count
    count: Count
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AsicPower:
    """An estimate of the power at ``clock_mhz`` and the design's full rate, by changes counted over ``frames`` frames.

    ``whole``: the blocks ran together; else each alone. ``unseen_nets`` of ``nets`` were not in the trace.
    """

    leakage_mw: Figure | None = None
    clock_mw: Figure | None = None
    internal_mw: Figure | None = None
    switching_mw: Figure | None = None
    total_mw: Figure | None = None
    clock_mhz: Figure | None = None
    frames: Count | None = None
    whole: bool | None = None
    nets: Count | None = None
    unseen_nets: Count | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asic:
    """The design in cells of ``libraries`` at ``corner``, summed over its blocks; ``nand2_um2`` is one gate equivalent.

    ``register_delay_ns`` is the longest path between flip-flops of one block, ``longest_delay_ns`` the longest inside
    of one block, its edges included; paths over several blocks are not in it. ``period_ns`` is the clock asked for.
    """

    tool: str
    libraries: tuple[str, ...] = ()
    corner: str | None = None
    supply_v: Figure | None = None
    wire_load: str | None = None
    area_um2: Figure | None = None
    gate_equivalents: Figure | None = None
    nand2_um2: Figure | None = None
    cells: Count | None = None
    flip_flops: Count | None = None
    cells_by_type: Mapping[str, Count] | None = None
    cells_by_kind: Mapping[str, Count] | None = None
    depth: Count | None = None
    register_delay_ns: Figure | None = None
    longest_delay_ns: Figure | None = None
    period_ns: Figure | None = None
    macros: tuple[AsicMacro, ...] = ()
    power: AsicPower | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
