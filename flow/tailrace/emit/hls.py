# SPDX-License-Identifier: Apache-2.0
"""Plan to HLS C++: a parameter struct a stage, the constants, the top function, and a program that checks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tailrace.blocks.fifo import Fifo
from tailrace.blocks.fork import Fork
from tailrace.blocks.frame import Frame
from tailrace.data import data, templates
from tailrace.emit.rtl import padded

if TYPE_CHECKING:
    from tailrace.blocks.base import Memory
    from tailrace.plan import Plan, Stage

LARGE_ARRAY = 1024
"""Elements from which an array of ap_int takes a C++ compiler too long (50,000 take a minute, as integers a second)."""

DEPTH = 2
"""Words of a stream between two stages where the plan asks for no more."""


def emit_hls(plan: Plan) -> dict[str, str]:
    """Return {path: text} of ``hls/``: the block headers used, constants, the top function, the check program."""
    files = {f"hls/{name}": _library(name) for name in ("tr_common.hpp", "tr_record.hpp", *_headers(plan))}
    for stage in plan.stages:
        for memory in hls_memories(stage):
            files[f"hls/{stage.name}_{memory.name}.inc"] = memory.c_rows()
    view = _view(plan)
    environment = templates("templates_hls")
    for template, name in (
        ("top.hpp.j2", f"{plan.name}.hpp"),
        ("top.cpp.j2", f"{plan.name}.cpp"),
        ("check.cpp.j2", f"{plan.name}_check.cpp"),
    ):
        files[f"hls/{name}"] = environment.get_template(template).render(**view)
    return files


def hls_memories(stage: Stage) -> tuple[Memory, ...]:
    """Return the arrays of a stage in C++, which for some blocks are not those of its Verilog."""
    own = getattr(stage.block, "hls_memories", stage.block.memories)
    found: tuple[Memory, ...] = own()
    return found


def _library(name: str) -> str:
    return data("templates_hls").joinpath(name).read_text(encoding="utf-8")


def _headers(plan: Plan) -> list[str]:
    return sorted({f"tr_{stage.block.name}.hpp" for stage in plan.stages})


def _view(plan: Plan) -> dict[str, Any]:
    first, last = plan.wires[plan.input], plan.stages[-1].block
    if not isinstance(last, Frame):
        raise TypeError("the last stage of a plan is its frame")
    out = last.inputs[0]
    return {
        "design": plan.name,
        "summary": f"{len(plan.stages)} stages, one frame a call.",
        "headers": _headers(plan),
        "stages": [_stage_view(plan, stage) for stage in plan.stages],
        "wires": _wires(plan),
        "input": plan.input,
        "in_lanes": first.lanes,
        "in_words": first.words,
        "in_type": first.type,
        "in_bits": first.type.bits,
        "in_pad": padded(first.type.bits),
        "out_lanes": out.lanes,
        "out_words": out.words,
        "out_type": out.type,
        "out_signed": int(out.type.signed),
        "out_pad": padded(out.type.bits),
        "out_word": f"tr_beat<{out.lanes * padded(out.type.bits)}>",
    }


def _wires(plan: Plan) -> list[dict[str, Any]]:
    """Return the streams inside the top function; the outputs of a fork are one array."""
    wires = []
    forked = {wire for s in plan.stages if isinstance(s.block, Fork) for wire in s.outputs}
    for name, stream in plan.wires.items():
        if name == plan.output or name in forked:
            continue
        producer = plan.producer(name)
        depth = producer.block.depth if producer and isinstance(producer.block, Fifo) else DEPTH
        wires.append({"name": name, "bits": stream.bits, "count": 1, "depth": depth})
    for stage in plan.stages:
        if isinstance(stage.block, Fork):
            count = len(stage.outputs)
            wires.append(
                {"name": stage.name, "bits": stage.block.outputs[0].bits, "count": count, "depth": DEPTH}
            )
    return wires


def _element_type(memory: Memory) -> str:
    """Return the C++ type of an array's elements: exact, but data instead of constructor calls where it is large."""
    large = memory.values.size > LARGE_ARRAY and memory.type.bits <= 64
    kind = "tr_constant" if large else "tr_integer"
    return f"{kind}<{memory.type.bits}, {int(memory.type.signed)}>::type"


def _stage_view(plan: Plan, stage: Stage) -> dict[str, Any]:
    block = stage.block
    constants = {
        "WORDS": block.inputs[0].words,
        "VECTORS": getattr(block, "vectors", 1),
        **block.parameters(),
    }
    memories = [
        {
            "name": memory.name,
            "depth": memory.values.shape[0],
            "elements": memory.values.shape[1],
            "type": _element_type(memory),
        }
        for memory in hls_memories(stage)
    ]
    outputs = [stage.name] if isinstance(block, Fork) else [_name(plan, wire) for wire in stage.outputs]
    return {
        "name": stage.name,
        "block": block.name,
        "purpose": f"{block.name} of {stage.node}",
        "parameters": list(constants.items()),
        "memories": memories,
        "arguments": [*(_name(plan, wire) for wire in stage.inputs), *outputs],
        "recorded": [w for w in stage.outputs if w != plan.output and not isinstance(block, Fork)],
    }


def _name(plan: Plan, wire: str) -> str:
    """Return what a wire is called in the top function."""
    if wire == plan.output:
        return "m_axis"
    producer = plan.producer(wire)
    if producer is not None and isinstance(producer.block, Fork):
        return f"{producer.name}[{producer.outputs.index(wire)}]"
    return wire
