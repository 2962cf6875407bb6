# SPDX-License-Identifier: Apache-2.0
"""The plan: *how* a graph streams. Instances (blocks with their parameters fixed) joined by wires."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tailrace.blocks.base import Role
from tailrace.blocks.costs import estimate
from tailrace.core.names import as_identifiers, require_identifier
from tailrace.core.notebook import html_table
from tailrace.core.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.blocks.base import Block, Stream
    from tailrace.blocks.costs import Estimate
    from tailrace.graph import Graph
    from tailrace.targets.parts import Part


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Instance:
    """One block instance; ``node`` names the graph node it works for, ``tensor`` the tensor it puts out."""

    name: str
    block: Block
    node: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    tensor: str = ""

    @property
    def engine(self) -> str | None:
        """How the matrix product of the instance is computed; None where it has none."""
        return self.block.product.engine if self.block.product else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a plan was asked for; None, or an empty table: nothing.

    ``fps`` frames a second, at most ``latency_cycles`` from the first word of a frame in to its last word out,
    ``minimize``, ``use``, ``engine`` and ``fifos`` as in tailrace.toml, and per layer ("*" for all) what is in its
    table there.
    """

    fps: float | None = None
    latency_cycles: int | None = None
    minimize: str | None = None
    use: str | None = None
    engine: str = "auto"
    fifos: str = "throughput"
    layers: Mapping[str, Mapping[str, int | float | str]] = field(default_factory=dict)


MARK_INSTANCE = "mark"
"""The instance that takes the mark of a sequence off the words of the first input."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlanPort:
    """Where a stream enters or leaves the design: the ``name`` of its AXI-Stream, and what it carries.

    ``label`` tells one of several from the others, and is "" where there is one; ``stream`` has lanes as they are
    inside the design, which the edge pads to bytes.
    """

    name: str
    label: str
    wire: str
    tensor: str
    stream: Stream
    marked: bool = False
    """Whether ``tuser`` of the first word of a frame says that it is the first of a sequence."""

    @property
    def pad_bits(self) -> int:
        """Bits of a lane outside: whole bytes."""
        return -(-self.stream.type.bits // 8) * 8

    @property
    def bits(self) -> int:
        """Bits of ``tdata``."""
        return self.stream.lanes * self.pad_bits

    @property
    def size(self) -> int:
        """Integers of a frame."""
        return self.stream.words * self.stream.lanes

    def labelled(self, text: str) -> str:
        """Return ``text``, with the label behind it where there are several ports."""
        return f"{text}_{self.label}" if self.label else text


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Plan:
    """How ``graph`` streams on ``part`` at ``clock_mhz``.

    ``wires`` maps every wire to its stream; ``inputs`` and ``outputs`` are the wires at the edge of the design, in the
    order of the graph's tensors, those of the inputs not yet padded to bytes. ``asked`` is what was asked for;
    ``latency_cycles`` is from the first word of a frame in to its last word out, None where nothing comes out.
    """

    graph: Graph
    part: Part
    clock_mhz: float
    instances: tuple[Instance, ...]
    wires: Mapping[str, Stream]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    folding: Mapping[str, Mapping[str, int]]
    notices: tuple[str, ...] = ()
    fifo_interval_cycles: int = 1
    """What the FIFOs make of the interval, where they are too shallow for the speed of the blocks."""
    latency_cycles: int | None = None
    asked: Asked = field(default_factory=Asked)

    def __post_init__(self) -> None:
        _check_names(self)
        written = set(self.inputs)
        for instance in self.instances:
            for number, (wire, stream) in enumerate(zip(instance.inputs, instance.block.inputs, strict=True)):
                if wire not in written and number not in instance.block.fed_back:
                    raise ValueError(f"{instance.name} reads the wire {wire} before it is driven")
                _fits(instance, wire, self.wires[wire], stream)
            for wire, stream in zip(instance.outputs, instance.block.outputs, strict=True):
                if wire in written:
                    raise ValueError(f"the wire {wire} is driven twice")
                written.add(wire)
                _fits(instance, wire, self.wires[wire], stream)
        last = [self.producer(wire) for wire in self.outputs]
        if any(instance is None or instance.block.role is not Role.EDGE for instance in last) or not last:
            raise ValueError("an output of a plan comes from its frame")
        readers = [wire for instance in self.instances for wire in instance.inputs] + [*self.outputs]
        if sorted(readers) != sorted(written):
            raise ValueError(f"wires {sorted(set(written) ^ set(readers))} are not read exactly once")

    def __repr__(self) -> str:
        return f"Plan({self._line()})"

    def _repr_html_(self) -> str:
        """Show the instances as a table, in notebooks."""
        rows = []
        for instance in self.instances:
            cost = instance.block.cost(self.part.family)
            lanes = f"{instance.block.inputs[0].lanes} → {instance.block.outputs[0].lanes}"
            rows.append(
                (
                    instance.name,
                    instance.block.name,
                    lanes,
                    instance.block.interval_cycles,
                    f"{cost.lut:.4g}",
                    f"{cost.ff:.4g}",
                )
            )
        return html_table(self._line(), ("instance", "block", "lanes", "cycles", "~LUT", "~FF"), rows)

    def _line(self) -> str:
        """Return what is planned and what comes of it, in short."""
        blocks = "1 block" if len(self.instances) == 1 else f"{len(self.instances)} blocks"
        cycles = f"{self.interval_cycles:,} cycle{'s' if self.interval_cycles > 1 else ''} a frame"
        return (
            f"{self.graph.name!r} on {self.part.name} at {self.clock_mhz:g} MHz: "
            f"{blocks}, {cycles}, {self.fps:,.0f} frames/s"
        )

    @property
    def name(self) -> str:
        """The design's name: the network's, as a Verilog and C identifier."""
        return identifier(self.graph.name)

    @property
    def input_ports(self) -> tuple[PlanPort, ...]:
        """Where streams enter the design: ``s_axis``, or of several ``s_axis_NAME`` after the network's inputs."""
        labels = as_identifiers([end.name for end in self.graph.host.inputs])
        return tuple(
            PlanPort(
                name=f"s_axis_{label}" if len(labels) > 1 else "s_axis",
                label=label if len(labels) > 1 else "",
                wire=wire,
                tensor=tensor,
                stream=self._marked_stream
                if self.graph.host.marked and wire == self.inputs[0]
                else self.wires[wire],
                marked=self.graph.host.marked and wire == self.inputs[0],
            )
            for label, wire, tensor in zip(labels, self.inputs, self.graph.inputs, strict=True)
        )

    @property
    def _marked_stream(self) -> Stream:
        """The stream of the first input of a design with states, behind the block that takes the mark off it."""
        return next(i.block.outputs[0] for i in self.instances if i.name == MARK_INSTANCE)

    @property
    def output_ports(self) -> tuple[PlanPort, ...]:
        """Where streams leave the design: ``m_axis``, or of several ``m_axis_NAME`` after the network's outputs.

        The streams are those that the edge takes: their lanes are not yet padded.
        """
        labels = as_identifiers([end.name for end in self.graph.host.outputs])
        edges = [self.producer(wire) for wire in self.outputs]
        return tuple(
            PlanPort(
                name=f"m_axis_{label}" if len(labels) > 1 else "m_axis",
                label=label if len(labels) > 1 else "",
                wire=wire,
                tensor=tensor,
                stream=edge.block.inputs[0],
            )
            for label, wire, tensor, edge in zip(labels, self.outputs, self.graph.outputs, edges, strict=True)
            if edge is not None
        )

    @property
    def interval_cycles(self) -> int:
        """Cycles from one frame to the next with full streams: those of the slowest instance, or of shallow FIFOs."""
        return max(
            self.fifo_interval_cycles, *(instance.block.interval_cycles for instance in self.instances)
        )

    @property
    def fps(self) -> float:
        """Frames per second at the clock target."""
        return self.clock_mhz * 1e6 / self.interval_cycles

    @property
    def missed_rate(self) -> str | None:
        """Say that the rate asked for is not reached, and which layers are in the way; None where it is."""
        wanted = self.asked.fps
        if wanted is None or self.fps >= wanted * (1 - 1e-9):
            return None
        slow = [s for s in self.instances if s.block.interval_cycles == self.interval_cycles]
        layers = ", ".join(dict.fromkeys(instance.node or instance.name for instance in slow)) or "the FIFOs"
        return (
            f"{wanted:,.0f} frames/s are asked for, the plan makes {self.fps:,.0f}: "
            f"{self.interval_cycles} cycles a frame, set by {layers}"
        )

    @property
    def cost(self) -> Resources:
        """The analytic estimate of all instances, on which foldings without a goal are chosen."""
        total = Resources()
        for instance in self.instances:
            total = total + instance.block.cost(self.part.estimator)
        return total

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        """What each instance costs by the coefficients of ``blocks/costs.py``, and how well that is known."""
        return tuple(estimate(instance.block, self.part.estimator) for instance in self.instances)

    @property
    def estimated(self) -> Resources:
        """The sum of the estimates."""
        return sum((each.resources for each in self.estimates), start=Resources())

    def producer(self, wire: str) -> Instance | None:
        """Return the instance that drives a wire; None for an input."""
        return next((instance for instance in self.instances if wire in instance.outputs), None)

    def consumer(self, wire: str) -> Instance | None:
        """Return the instance that reads a wire; None for an output."""
        return next((instance for instance in self.instances if wire in instance.inputs), None)


def _check_names(plan: Plan) -> None:
    """Raise ValueError unless names can be those of modules, instances, wires and files, each instance its own."""
    for wire in plan.wires:
        require_identifier(wire, "a wire")
    for instance in plan.instances:
        require_identifier(instance.name, "an instance")
        require_identifier(instance.node, "the node of an instance")
        if instance.tensor:
            require_identifier(instance.tensor, "the tensor of an instance")
        if instance.name in RESERVED:
            raise ValueError(
                f"an instance has the name {instance.name}, which Verilog or C++ keep for themselves"
            )
    names = [instance.name.lower() for instance in plan.instances]
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise ValueError(f"two instances have the name {twice[0]}")


def _fits(instance: Instance, wire: str, have: Stream, want: Stream) -> None:
    if have.bits != want.bits or have.words != want.words:
        raise ValueError(f"{instance.name}: the wire {wire} is {have}, the block has {want}")


RESERVED = frozenset(
    """
    always and assign automatic begin buf case casex casez cell config deassign default defparam design disable edge
    else end endcase endconfig endfunction endgenerate endmodule endprimitive endspecify endtable endtask event for
    force forever fork function generate genvar highz0 highz1 if ifnone incdir include initial inout input instance
    integer join large liblist library localparam macromodule medium module nand negedge nmos nor noshowcancelled not
    notif0 notif1 or output parameter pmos posedge primitive pull0 pull1 pulldown pullup rcmos real realtime reg
    release repeat rnmos rpmos rtran scalared showcancelled signed small specify specparam strong0 strong1 supply0
    supply1 table task time tran tri tri0 tri1 triand trior trireg unsigned use vectored wait wand weak0 weak1 while
    wire wor xnor xor
    alias assert assume before bind bins binsof bit break byte chandle checker class clocking const constraint context
    continue cover covergroup coverpoint cross dist do endclass endgroup endinterface endpackage endprogram endproperty
    endsequence enum expect export extends extern final foreach global iff import inside int
    interface intersect join_any
    join_none let local logic longint matches modport new null package packed priority program property protected pure
    rand randc randcase ref restrict return sequence shortint shortreal solve static string struct super tagged this
    throughout timeprecision timeunit type typedef union unique var virtual void wildcard with within
    abs alignas alignof asm auto bool catch char delete double explicit false float friend goto inline long main mutable
    namespace noexcept nullptr operator private public register short sizeof std hls switch template throw true try
    typeid typename unpad using volatile
    """.split()  # noqa: SIM905 - a list literal would be three times as long
)
"""Words that Verilog, SystemVerilog or C++ keep for themselves, and the few names beside the top function."""


def identifier(name: str) -> str:
    """Return ``name`` as a lower-case identifier of Verilog and C++ that is no word of theirs and no block of ours."""
    text = "".join(c if c.isascii() and c.isalnum() else "_" for c in name).strip("_").lower()
    while "__" in text:
        text = text.replace("__", "_")
    if not text or not text[0].isalpha():
        return f"net_{text}".rstrip("_")
    return f"{text}_net" if text in RESERVED or text.startswith("tr_") else text
