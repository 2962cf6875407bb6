# SPDX-License-Identifier: Apache-2.0
"""Plan to Verilog: one module an instance with its constants filled in, and a top that joins them."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from tailrace.core.data import templates
from tailrace.emission.memory import memory_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tailrace.blocks.base import Block, Stream
    from tailrace.planning.plan import Instance, Plan, PlanPort


def padded(bits: int) -> int:
    """Return the bits of a lane at the edge of the design: whole bytes."""
    return -(-bits // 8) * 8


def port_views(ports: Sequence[PlanPort]) -> list[dict[str, str | int]]:
    """Return what templates ask for of the ports of a design: names, lanes, words, bits as they are and padded.

    ``suffix`` and ``title`` tell one of several from the others, and are "" where there is one; ``first`` is the place
    of a port's first integer in a frame, and ``before`` the same as the begin of a sum.
    """
    firsts = accumulate((port.size for port in ports), initial=0)
    return [
        {
            "name": port.name,
            "suffix": port.labelled(""),
            "title": f"{port.name}: " if port.label else "",
            "wire": port.wire,
            "words": port.stream.words,
            "lanes": port.stream.lanes,
            "type": str(port.stream.type),
            "bits": port.stream.type.bits,
            "signed": int(port.stream.type.signed),
            "pad": port.pad_bits,
            "size": port.size,
            "marked": port.marked,
            "wire_lanes": port.stream.lanes + port.marked,
            "first": first,
            "before": f"{first} + " if first else "",
        }
        for port, first in zip(ports, firsts, strict=False)
    ]


def emit_rtl(plan: Plan) -> dict[str, str]:
    """Return {path: text} of ``rtl/``: the library modules used, one module and its memories an instance, the top."""
    files: dict[str, str] = {}
    for name, text in library_files(instance.block for instance in plan.instances).items():
        files[f"rtl/{name}"] = text
    for instance in plan.instances:
        for name, text in instance_modules(plan, instance).items():
            files[f"rtl/{name}"] = text
        for name, text in memory_files(instance).items():
            files[f"rtl/{name}"] = text
    files[f"rtl/{plan.name}.v"] = top_module(plan)
    files["rtl/files.f"] = "".join(f"{name}\n" for name in source_names(plan))
    return files


def source_names(plan: Plan) -> list[str]:
    """Return the Verilog files of a design in ``rtl/``, library first, top last."""
    library = library_files(instance.block for instance in plan.instances)
    own = [name for instance in plan.instances for name in module_names(plan, instance)]
    return [*library, *own, f"{plan.name}.v"]


def library_files(blocks: Iterable[Block]) -> dict[str, str]:
    """Return {file name: text} of the library modules that the blocks need, those they instantiate included."""
    found: dict[str, str] = {}
    for block in blocks:
        found |= block.verilog_library()
    return dict(sorted(found.items()))


def signals(block: Block) -> dict[str, str]:
    """Return {name: declaration} of the signals of a block's stream ports, in the order of its module."""
    found: dict[str, str] = {}
    for ports, inward, outward in (
        (block.input_ports, "input  wire", "output wire"),
        (block.output_ports, "output wire", "input  wire"),
    ):
        for port in ports:
            name, count = port.name, len(port.streams)
            vector = f"[{count - 1}:0] " if count > 1 else ""
            found[f"{name}_tdata"] = f"{inward} [{port.streams[0].bits * count - 1}:0] {name}_tdata"
            found[f"{name}_tvalid"] = f"{inward} {vector}{name}_tvalid"
            found[f"{name}_tready"] = f"{outward} {vector}{name}_tready"
            if port.last:
                found[f"{name}_tlast"] = f"{inward} {name}_tlast"
    return found


def instance_parameters(instance: Instance) -> list[tuple[str, str]]:
    """Return the parameters of an instance's module with their values as Verilog, memory files included."""
    numbers = [(name, str(value)) for name, value in instance.block.parameters().items()]
    files = instance.block.memory_parameters(instance.name)
    return numbers + [(name, f'"{file}"') for name, file in files.items()]


def module_names(plan: Plan, instance: Instance) -> list[str]:
    """Return the files of an instance's own modules, the one that the top instantiates last."""
    name = f"{plan.name}_{instance.name}"
    return list(instance.block.verilog_modules(name)) or [f"{name}.v"]


def instance_modules(plan: Plan, instance: Instance) -> dict[str, str]:
    """Return {file name: text} of an instance's own modules."""
    name = f"{plan.name}_{instance.name}"
    return instance.block.verilog_modules(name) or {f"{name}.v": _instance(plan, instance)}


def _instance(plan: Plan, instance: Instance) -> str:
    """Return the Verilog of an instance that is a module of the library with its constants filled in."""
    streams = " and ".join(_words(s) for s in instance.block.inputs), _words(instance.block.outputs[0])
    return (
        templates("rtl")
        .get_template("instance.v.j2")
        .render(
            module=f"{plan.name}_{instance.name}",
            purpose=f"{instance.block.name} of {instance.node}; {streams[0]} in, {streams[1]} out.",
            block=instance.block.name,
            parameters=instance_parameters(instance),
            signals=signals(instance.block),
        )
    )


def _words(stream: Stream) -> str:
    return f"{stream.words} words of {stream.lanes} x {stream.type}"


def top_module(plan: Plan, *, stalls: int = 0) -> str:
    """Return the Verilog of the whole design: instances joined by wires, lanes padded to bytes at the edge.

    With ``stalls``, for simulation only, a ``tr_stall`` is on every wire, and ``stalls`` of 256 phases are closed.
    """
    inner = [name for name in plan.wires if name not in plan.outputs]
    wires = [
        {"name": name, "bits": s.bits, "lanes": s.lanes, "type": s.type, "words": s.words}
        for name in inner
        if (s := plan.wires[name])
    ]
    tensors = {instance.tensor for instance in plan.instances if instance.tensor}
    return (
        templates("rtl")
        .get_template("top.v.j2")
        .render(
            design=plan.name,
            summary=f"{len(plan.instances)} stages, {len(tensors)} tensors, "
            f"one frame every {plan.interval_cycles} cycles.",
            inputs=port_views(plan.input_ports),
            outputs=port_views(plan.output_ports),
            interval=plan.interval_cycles,
            wires=wires,
            instances=[
                {"name": s.name, "connections": _connections(plan, s, held=bool(stalls))}
                for s in plan.instances
            ],
            stalls=stalls,
        )
    )


def _connections(plan: Plan, instance: Instance, *, held: bool) -> list[tuple[str, str]]:
    """Return (port, signal of the top) of an instance's stream ports; what leaves the design is the top's own.

    Where words are ``held`` between the instances, an instance reads what is behind that.
    """
    pairs: list[tuple[str, str]] = []
    block = instance.block
    leaving = {port.wire: port.name for port in plan.output_ports}
    inputs = [f"{name}_held" for name in instance.inputs] if held else instance.inputs
    for ports, wires in ((block.input_ports, inputs), (block.output_ports, instance.outputs)):
        left = list(wires)
        for port in ports:
            names = [leaving.get(name, name) for name in left[: len(port.streams)]]
            del left[: len(port.streams)]
            for part in ("tdata", "tvalid", "tready"):
                signals = ", ".join(f"{name}_{part}" for name in reversed(names))
                pairs.append((f"{port.name}_{part}", signals if len(names) == 1 else f"{{{signals}}}"))
            if port.last:
                pairs.append((f"{port.name}_tlast", f"{names[0]}_tlast"))
    return pairs
