# SPDX-License-Identifier: Apache-2.0
"""Plan to HLS C++: a parameter struct a stage, the constants, the top function, its test bench and a check program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tailrace.blocks.fifo import Fifo
from tailrace.blocks.fork import Fork
from tailrace.blocks.frame import Frame
from tailrace.core.data import data, templates
from tailrace.emission.bench import frame_lines
from tailrace.emission.rtl import padded
from tailrace.spatial.block import Spatial
from tailrace.spatial.hls import emit_compute

if TYPE_CHECKING:
    from tailrace.blocks.base import Memory
    from tailrace.emission.bench import Integers
    from tailrace.planning.plan import Plan, Stage

LARGE_ARRAY = 1024
"""Elements from which an array of ap_int takes a C++ compiler too long (50,000 take a minute, as integers a second)."""

DEPTH = 2
"""Words of a stream between two stages where the plan asks for no more."""


def emit_hls(plan: Plan) -> dict[str, str]:
    """Return {path: text} of ``hls/``: the block headers used, constants, the top function, the check program."""
    files = {
        f"hls/{name}": _library(name)
        for name in ("tr_axis.hpp", "tr_common.hpp", "tr_record.hpp", *_headers(plan))
    }
    for stage in plan.stages:
        for memory in hls_memories(stage):
            files[f"hls/{stage.name}_{memory.name}.inc"] = memory.c_rows()
        if isinstance(stage.block, Spatial):
            files[f"hls/{stage.name}_compute.inc"] = emit_compute(stage.block, stage.name)
    view = _view(plan)
    environment = templates("templates_hls")
    for template, name in (
        ("top.hpp.j2", f"{plan.name}.hpp"),
        ("top.cpp.j2", f"{plan.name}.cpp"),
        ("check.cpp.j2", f"{plan.name}_check.cpp"),
    ):
        files[f"hls/{name}"] = environment.get_template(template).render(**view)
    return files


def emit_hls_bench(plan: Plan, q: Integers, expected: Integers) -> dict[str, str]:
    """Return {path: text} of the C++ test bench and its frames ``q`` and ``expected``, (frames, values) integers."""
    return {
        f"hls/{plan.name}_tb.cpp": templates("templates_hls").get_template("tb.cpp.j2").render(**_view(plan)),
        "hls/tb_data/input.txt": frame_lines(q),
        "hls/tb_data/expected.txt": frame_lines(expected),
    }


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
        "computes": isinstance(block, Spatial),
        "arguments": [*(_name(plan, wire) for wire in stage.inputs), *outputs],
        "ports": _ports(plan, stage),
        "formal": _formal(stage),
        "pragmas": [line for memory in hls_memories(stage) for line in memory_pragmas(plan, stage, memory)],
        "recorded": [w for w in stage.outputs if w != plan.output and not isinstance(block, Fork)],
    }


IMPLEMENTATIONS = {1: " impl = lutram", 2: " impl = lutram", 3: " impl = bram"}
"""The memories that a STYLE of the Verilog asks for; 0 leaves it to the tool."""

PER_LANE = ("table",)
"""Blocks whose lanes read at addresses of their own; of the others a whole row is read at once."""


def memory_pragmas(plan: Plan, stage: Stage, memory: Memory) -> list[str]:
    """Return how the constants ``memory`` of a stage are kept: constants for one row, else a ROM as the plan has it."""
    name = f"{plan.name}_stages::{stage.name}::{memory.name}"
    style = int(stage.block.parameters().get("STYLE", 0)) if memory.name in ("weights", "values") else 0
    depth, elements = memory.values.shape
    if depth == 1:
        return [f"ARRAY_PARTITION variable = {name} complete dim = 0"]
    lines = []
    per_lane = stage.block.name in PER_LANE
    if elements > 1:
        lines.append(
            f"{'ARRAY_PARTITION' if per_lane else 'ARRAY_RESHAPE'} variable = {name} complete dim = 2"
        )
    kind = "rom_np" if per_lane and elements == 1 else "rom_1p"
    return [*lines, f"BIND_STORAGE variable = {name} type = {kind}{IMPLEMENTATIONS.get(style, '')}"]


def _formal(stage: Stage) -> list[str]:
    """Return the names of the streams of a stage, inputs first; the outputs of a fork are one array."""

    def names(side: str, count: int) -> list[str]:
        return [f"{side}_axis"] if count == 1 else [f"{side}{index}_axis" for index in range(count)]

    outputs = 1 if isinstance(stage.block, Fork) else len(stage.outputs)
    return [*names("s", len(stage.inputs)), *names("m", outputs)]


def _ports(plan: Plan, stage: Stage) -> list[str]:
    """Return the parameters of the function of a stage, as C++."""
    block, formal = stage.block, _formal(stage)
    words = [f"ap_uint<{stream.bits}> " for stream in (*block.inputs, *block.outputs)]
    if isinstance(block, Fork):
        return [
            f"hls::stream<{words[0]}> &{formal[0]}",
            f"hls::stream<{words[1]}> (&{formal[1]})[{len(stage.outputs)}]",
        ]
    if stage.outputs == (plan.output,):
        words[-1] = f"{plan.name}_out"
    return [f"hls::stream<{word}> &{name}" for word, name in zip(words, formal, strict=True)]


def _name(plan: Plan, wire: str) -> str:
    """Return what a wire is called in the top function."""
    if wire == plan.output:
        return "m_axis"
    producer = plan.producer(wire)
    if producer is not None and isinstance(producer.block, Fork):
        return f"{producer.name}[{producer.outputs.index(wire)}]"
    return wire
