# SPDX-License-Identifier: Apache-2.0
"""What is known of a part family: one record, which costs, the spatial engine, the tools and the packages read.

A new family is a new record in :mod:`tailrace.targets.families`; docs/internals/families.md has a worked example.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tailrace.core.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

PORTABLE = "portable"
"""The folder below ``ip/`` of the spatial engine's modules in plain Verilog, which every family takes."""

WIDE_LUT_INPUTS = 6
"""From so many inputs on, a LUT holds a whole place of a small multiplier or comparator together with its adder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carry:
    """A carry cell: it adds ``bits`` bits.

    ``in_luts``: it takes the place of as many LUTs (ECP5's CCU2C, Gowin's ALU); else it stands beside those that
    compute the sum (CARRY4, SB_CARRY).
    """

    bits: int
    in_luts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LutMemory:
    """LUTs as a memory with a port to write and one to read.

    ``luts`` of them hold as many words as bits as each of ``shapes`` says: (words, bits), the shallowest first.
    ``blocked`` more cannot be used for anything else (those that write an ECP5 slice's memory).
    """

    shapes: tuple[tuple[int, int], ...]
    luts: int
    blocked: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockMemory:
    """Block RAM: its shapes, and where yosys prefers it to LUTs.

    ``shapes`` are (words, bits), the widest first; one block counts ``bram18`` of 18 kbit. ``data_bits`` and
    ``data_width`` are its size and greatest width without parity bits. ``price`` is what yosys takes a block to cost
    where a LUT as memory costs 2, or as constants 1. Memories of up to ``small_bits`` stay in LUTs. Constants are in
    blocks from ``constant_bits`` in all (tables, thresholds) or ``constant_words`` words (weights) on.
    """

    shapes: tuple[tuple[int, int], ...]
    bram18: float
    data_bits: int
    data_width: int
    price: int
    small_bits: int
    constant_bits: int
    constant_words: int

    def blocks(self, words: int, bits: int) -> int:
        """Return how many blocks hold ``words`` words of ``bits`` bits."""
        return min(-(-words // depth) * -(-bits // width) for depth, width in self.shapes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Multiplier:
    """A multiplier block that yosys infers: signed ``wide`` x ``narrow`` bits.

    Products of fewer than ``least_bits`` bits stay in LUTs. ``registers``: it holds the registers of operands, product
    and sum.
    """

    wide: int
    narrow: int
    least_bits: int
    registers: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """Nanoseconds: a LUT with the wire to it, and a bit of a carry chain.

    Rounded from the vendors' data sheets and from placed designs; only their proportions matter to the cuts of the
    spatial engine.
    """

    lut_ns: float
    carry_ns: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CellCounts:
    """Which cells of yosys' netlist count as what, and with which weight.

    ``luts`` in LUTs, ``block_rams`` in blocks of 18 kbit; ``flip_flops`` is a regular expression for the whole name
    (latches among them). A cell with no entry costs nothing (multiplexers between LUTs, buffers, constants).
    """

    luts: Mapping[str, float]
    flip_flops: str
    carries: frozenset[str] = frozenset()
    multipliers: Mapping[str, float] = field(default_factory=dict)
    block_rams: Mapping[str, float] = field(default_factory=dict)
    ultra_rams: Mapping[str, float] = field(default_factory=dict)

    def resources(self, cells: Mapping[str, int]) -> Resources:
        """Return the resources of ``cells`` {cell: number}."""

        def total(weights: Mapping[str, float]) -> float:
            return float(sum(weights.get(cell, 0) * count for cell, count in cells.items()))

        return Resources(
            lut=total(self.luts),
            ff=float(sum(n for cell, n in cells.items() if re.fullmatch(self.flip_flops, cell))),
            carry=total(dict.fromkeys(self.carries, 1)),
            dsp=total(self.multipliers),
            bram18=total(self.block_rams),
            uram=total(self.ultra_rams),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """The Verilog models with which a netlist is simulated, in the order to read them (the first of a name counts).

    ``ours`` are files in ``sim/``: models of cells that are empty in yosys' library. ``yosys`` are files in yosys'
    ``share`` folder, ``include`` folders there.
    """

    yosys: tuple[str, ...]
    ours: tuple[str, ...] = ()
    include: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Yosys:
    """How yosys synthesizes for the family.

    ``command`` flattens and maps to LUTs. ``library`` is a file of cells (as ``read_verilog -lib`` takes it) that is
    read where a source has one of ``library_cells``, which the family's own ``primitives`` instantiate.
    """

    command: str
    cells: CellCounts
    models: Models
    library: str = ""
    library_cells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Packer:
    """The program that makes the bitstream: ``arguments`` with {config}, {bitstream} and a part's own options."""

    program: str
    package: str
    arguments: tuple[str, ...] = ("{config}", "{bitstream}")
    suffix: str = ".bit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Nextpnr:
    """How nextpnr places and routes the family: ``program`` from the Python package ``package`` or on PATH.

    ``command`` synthesizes the top around the blocks, with pads where nextpnr wants them (empty: the command of the
    blocks); ``before`` are yosys commands on the whole netlist before nextpnr reads it ({ip} is our folder of that
    name). ``constraints`` are the options for a file of pins, {file}. Where nextpnr places the pins of a harness by
    itself, ``unconstrained`` are the options that let it; else ``pin`` is how a line of such a file places the port
    {port} on {pin}, of those that the part names. ``pin_file`` is the format of a board's pins (lpf, pcf, cst; empty
    where none is written). ``options`` are any others; ``output`` those for what the
    ``packer`` reads, {config}.
    """

    program: str
    package: str
    constraints: tuple[str, ...]
    output: tuple[str, ...]
    packer: Packer | None
    command: str = ""
    before: tuple[str, ...] = ()
    unconstrained: tuple[str, ...] = ()
    pin: str = ""
    pin_file: str = ""
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FuseSoc:
    """What edalize's yosys is told: the architecture, and more options of its synthesis command."""

    arch: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Family:
    """A part family.

    ``lut_means`` says, for reports and documents, what counts as a LUT. ``adds_three``: a carry chain with its LUTs
    adds three operands. ``joins_luts``: multiplexers of their own make wider functions of LUTs.
    ``shift_register_bits``: a LUT is a shift register of so many places (0: it is none). ``lut_memory``,
    ``block_memory`` and ``multiplier`` are None where there is none, or where yosys does not use it. ``primitives``
    is the folder below ``ip/`` with the modules of the spatial engine.

    A tool is None where it does not know the family. ``stand_in`` is the family whose counts the planner takes instead
    (and for which ``make synth`` of a build folder synthesizes), for one that yosys does not know.
    """

    name: str
    title: str
    lut_means: str
    lut_inputs: int
    carry: Carry
    block_memory: BlockMemory
    delay: Delay
    adds_three: bool = False
    joins_luts: bool = False
    shift_register_bits: int = 0
    lut_memory: LutMemory | None = None
    multiplier: Multiplier | None = None
    primitives: str = PORTABLE
    yosys: Yosys | None = None
    nextpnr: Nextpnr | None = None
    fusesoc: FuseSoc | None = None
    stand_in: Family | None = None

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"<family {self.name}>"

    def __str__(self) -> str:
        return self.name

    @property
    def wide_luts(self) -> bool:
        """Whether a LUT has six inputs; the counts of blocks know LUTs of six and of four."""
        return self.lut_inputs >= WIDE_LUT_INPUTS

    @property
    def counted(self) -> Family:
        """The family with whose cells the planner counts: this one, or the one that stands in for it."""
        return self.stand_in or self
