# SPDX-License-Identifier: Apache-2.0
"""Plan to Verilog: one module a stage with its constants filled in, and a top that joins them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.core.data import templates
from tailrace.emission.memory import memory_files

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tailrace.blocks.base import Block, Stream
    from tailrace.planning.plan import Plan, Stage


@dataclass(frozen=True, slots=True)
class Port:
    """One port of a stage: its name and its declaration."""

    name: str
    text: str


def padded(bits: int) -> int:
    """Return the bits of a lane at the edge of the design: whole bytes."""
    return -(-bits // 8) * 8


def emit_rtl(plan: Plan) -> dict[str, str]:
    """Return {path: text} of ``rtl/``: the library modules used, one module and its memories a stage, the top."""
    files: dict[str, str] = {}
    for name, text in library_files(stage.block for stage in plan.stages).items():
        files[f"rtl/{name}"] = text
    for stage in plan.stages:
        for name, text in stage_modules(plan, stage).items():
            files[f"rtl/{name}"] = text
        for name, text in memory_files(stage).items():
            files[f"rtl/{name}"] = text
    files[f"rtl/{plan.name}.v"] = top_module(plan)
    files["rtl/files.f"] = "".join(f"{name}\n" for name in source_names(plan))
    return files


def source_names(plan: Plan) -> list[str]:
    """Return the Verilog files of a design in ``rtl/``, library first, top last."""
    library = library_files(stage.block for stage in plan.stages)
    own = [name for stage in plan.stages for name in module_names(plan, stage)]
    return [*library, *own, f"{plan.name}.v"]


def library_files(blocks: Iterable[Block]) -> dict[str, str]:
    """Return {file name: text} of the library modules that the blocks need, those they instantiate included."""
    found: dict[str, str] = {}
    for block in blocks:
        found |= block.verilog_library()
    return dict(sorted(found.items()))


def stage_ports(block: Block) -> list[Port]:
    """Return the stream ports of a block's module, in order."""
    ports: list[Port] = []

    def stream(prefix: str, bits: int, count: int, *, driven: bool) -> None:
        inward, outward = ("input  wire", "output wire") if driven else ("output wire", "input  wire")
        vector = f"[{count - 1}:0] " if count > 1 else ""
        ports.append(Port(f"{prefix}_tdata", f"{inward} [{bits * count - 1}:0] {prefix}_tdata"))
        ports.append(Port(f"{prefix}_tvalid", f"{inward} {vector}{prefix}_tvalid"))
        ports.append(Port(f"{prefix}_tready", f"{outward} {vector}{prefix}_tready"))

    for port in block.input_ports:
        stream(port.name, port.streams[0].bits, len(port.streams), driven=True)
    for port in block.output_ports:
        stream(port.name, port.streams[0].bits, len(port.streams), driven=False)
        if port.last:
            ports.append(Port(f"{port.name}_tlast", f"output wire {port.name}_tlast"))
    return ports


def stage_parameters(stage: Stage) -> list[tuple[str, str]]:
    """Return the parameters of a stage's module with their values as Verilog, memory files included."""
    numbers = [(name, str(value)) for name, value in stage.block.parameters().items()]
    files = stage.block.memory_parameters(stage.name)
    return numbers + [(name, f'"{file}"') for name, file in files.items()]


def module_names(plan: Plan, stage: Stage) -> list[str]:
    """Return the files of a stage's own modules, the one that the top instantiates last."""
    name = f"{plan.name}_{stage.name}"
    return list(stage.block.verilog_modules(name)) or [f"{name}.v"]


def stage_modules(plan: Plan, stage: Stage) -> dict[str, str]:
    """Return {file name: text} of a stage's own modules."""
    name = f"{plan.name}_{stage.name}"
    return stage.block.verilog_modules(name) or {f"{name}.v": _instance(plan, stage)}


def _instance(plan: Plan, stage: Stage) -> str:
    """Return the Verilog of a stage that is a module of the library with its constants filled in."""
    streams = " and ".join(_words(s) for s in stage.block.inputs), _words(stage.block.outputs[0])
    return (
        templates("rtl")
        .get_template("stage.v.j2")
        .render(
            module=f"{plan.name}_{stage.name}",
            purpose=f"{stage.block.name} of {stage.node}; {streams[0]} in, {streams[1]} out.",
            block=stage.block.name,
            parameters=stage_parameters(stage),
            ports=stage_ports(stage.block),
        )
    )


def _words(stream: Stream) -> str:
    return f"{stream.words} words of {stream.lanes} x {stream.type}"


def top_module(plan: Plan, *, stalls: int = 0) -> str:
    """Return the Verilog of the whole design: stages joined by wires, lanes padded to bytes at the edge.

    With ``stalls``, for simulation only, a ``tr_stall`` is on every wire, and ``stalls`` of 256 phases are closed.
    """
    first, out = plan.wires[plan.input], plan.end
    inner = [name for name in plan.wires if name != plan.output]
    wires = [
        {"name": name, "bits": s.bits, "lanes": s.lanes, "type": s.type, "words": s.words}
        for name in inner
        if (s := plan.wires[name])
    ]
    tensors = {stage.tensor for stage in plan.stages if stage.tensor}
    return (
        templates("rtl")
        .get_template("top.v.j2")
        .render(
            design=plan.name,
            summary=f"{len(plan.stages)} stages, {len(tensors)} tensors, "
            f"one frame every {plan.interval_cycles} cycles.",
            in_words=first.words,
            in_lanes=first.lanes,
            in_type=first.type,
            in_bits=first.type.bits,
            in_pad=padded(first.type.bits),
            out_words=out.words,
            out_lanes=out.lanes,
            out_type=out.type,
            out_pad=padded(out.type.bits),
            interval=plan.interval_cycles,
            wires=wires,
            input=plan.input,
            stages=[
                {"name": s.name, "connections": _connections(plan, s, held=bool(stalls))} for s in plan.stages
            ],
            stalls=stalls,
        )
    )


def _connections(plan: Plan, stage: Stage, *, held: bool) -> list[tuple[str, str]]:
    """Return (port, signal of the top) of a stage's stream ports; the output of the design is the top's ``m_axis``.

    Where words are ``held`` between the stages, a stage reads what is behind that.
    """
    pairs: list[tuple[str, str]] = []
    block = stage.block
    inputs = [f"{name}_held" for name in stage.inputs] if held else stage.inputs
    for ports, wires in ((block.input_ports, inputs), (block.output_ports, stage.outputs)):
        left = list(wires)
        for port in ports:
            names = ["m_axis" if name == plan.output else name for name in left[: len(port.streams)]]
            del left[: len(port.streams)]
            for part in ("tdata", "tvalid", "tready"):
                signals = ", ".join(f"{name}_{part}" for name in reversed(names))
                pairs.append((f"{port.name}_{part}", signals if len(names) == 1 else f"{{{signals}}}"))
            if port.last:
                pairs.append((f"{port.name}_tlast", f"{names[0]}_tlast"))
    return pairs
