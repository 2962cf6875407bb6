# SPDX-License-Identifier: Apache-2.0
"""Plan to HLS C++: a parameter struct an instance, the constants, the top function, its bench and a check program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tailrace.core.data import data, templates
from tailrace.emission.bench import frame_lines
from tailrace.emission.rtl import port_views

if TYPE_CHECKING:
    from tailrace.blocks.base import Block, Memory
    from tailrace.emission.bench import Integers
    from tailrace.planning.plan import Instance, Plan

LARGE_ARRAY = 1024
"""Elements from which an array of ap_int takes a C++ compiler too long (50,000 take a minute, as integers a second)."""

SHARED = ("tr_axis.hpp", "tr_common.hpp", "tr_record.hpp")
"""The headers that all designs have."""

DEPTH = 2
"""Words of a stream between two instances where the plan asks for no more."""


def emit_hls(plan: Plan) -> dict[str, str]:
    """Return {path: text} of ``hls/``: the block headers used, constants, the top function, the check program."""
    marked = ("tr_axis_user.hpp",) if plan.graph.host.marked else ()
    texts = {name: _shared(name) for name in (*SHARED, *marked)} | _headers(plan)
    files = {f"hls/{name}": text for name, text in texts.items()}
    for instance in plan.instances:
        for memory in instance.block.hls_memories():
            files[f"hls/{instance.name}_{memory.name}.inc"] = memory.c_rows()
        files |= {f"hls/{name}": text for name, text in function_files(instance).items()}
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


def function_files(instance: Instance) -> dict[str, str]:
    """Return {file name: text} of the C++ functions that are written for an instance."""
    functions = instance.block.hls_functions(instance.name)
    return {f"{instance.name}_{function.name}.inc": function.definition for function in functions}


def _shared(name: str) -> str:
    return data("templates_hls").joinpath(name).read_text(encoding="utf-8")


def _headers(plan: Plan) -> dict[str, str]:
    """Return {file name: text} of the headers of all blocks."""
    found: dict[str, str] = {}
    for instance in plan.instances:
        found |= instance.block.hls_library()
    return dict(sorted(found.items()))


def _view(plan: Plan) -> dict[str, Any]:
    return {
        "design": plan.name,
        "summary": f"{len(plan.instances)} stages, one frame a call.",
        "headers": list(_headers(plan)),
        "instances": [_instance_view(plan, instance) for instance in plan.instances],
        "wires": _wires(plan),
        "inputs": port_views(plan.input_ports),
        "outputs": port_views(plan.output_ports),
        "arguments": [
            f"hls::stream<{port.labelled(f'{plan.name}_{way}')}> &{port.name}"
            for way, ports in (("in", plan.input_ports), ("out", plan.output_ports))
            for port in ports
        ],
        "calls": [port.name for port in (*plan.input_ports, *plan.output_ports)],
    }


def _wires(plan: Plan) -> list[dict[str, Any]]:
    """Return the streams inside the top function; those of one port are one array."""
    wires: list[dict[str, Any]] = []
    back = {i.inputs[number] for i in plan.instances for number in i.block.fed_back}
    together = {wire for instance in plan.instances if _is_array(instance.block) for wire in instance.outputs}
    for name, stream in plan.wires.items():
        if name in plan.outputs or name in together:
            continue
        producer = plan.producer(name)
        depth = (producer.block.fifo_depth if producer else 0) or DEPTH
        wires.append({"name": name, "bits": stream.bits, "count": 1, "depth": depth, "kept": name in back})
    for instance in plan.instances:
        if _is_array(instance.block):
            count = len(instance.outputs)
            wires.append(
                {
                    "name": instance.name,
                    "bits": instance.block.outputs[0].bits,
                    "count": count,
                    "depth": DEPTH,
                    "kept": not back.isdisjoint(instance.outputs),
                }
            )
    return wires


def _is_array(block: Block) -> bool:
    """Whether the outputs of a block are one port of several streams, which is an array in C++."""
    return len(block.output_ports) == 1 and len(block.outputs) > 1


def _element_type(memory: Memory) -> str:
    """Return the C++ type of an array's elements: exact, but data instead of constructor calls where it is large."""
    large = memory.values.size > LARGE_ARRAY and memory.type.bits <= 64
    kind = "tr_constant" if large else "tr_integer"
    return f"{kind}<{memory.type.bits}, {int(memory.type.signed)}>::type"


def instance_constants(instance: Instance) -> dict[str, int]:
    """Return {name: value} of the integers in the struct of an instance."""
    block = instance.block
    return {"WORDS": block.inputs[0].words, "VECTORS": block.vectors, **block.parameters()}


def _instance_view(plan: Plan, instance: Instance) -> dict[str, Any]:
    block = instance.block
    memories = [
        {
            "name": memory.name,
            "depth": memory.values.shape[0],
            "elements": memory.values.shape[1],
            "type": _element_type(memory),
        }
        for memory in block.hls_memories()
    ]
    outputs = [instance.name] if _is_array(block) else [_name(plan, wire) for wire in instance.outputs]
    return {
        "name": instance.name,
        "block": block.name,
        "purpose": f"{block.name} of {instance.node}",
        "parameters": list(instance_constants(instance).items()),
        "memories": memories,
        "functions": [
            {"name": function.name, "declaration": function.declaration}
            for function in block.hls_functions(instance.name)
        ],
        "arguments": [*(_name(plan, wire) for wire in instance.inputs), *outputs],
        "ports": _ports(plan, instance),
        "formal": _formal(instance),
        "pragmas": [
            line for memory in block.hls_memories() for line in memory_pragmas(plan, instance, memory)
        ],
        "recorded": [w for w in instance.outputs if w not in plan.outputs and not _is_array(block)],
    }


IMPLEMENTATIONS = {1: " impl = lutram", 2: " impl = lutram", 3: " impl = bram"}
"""What the ``style`` of a memory asks for; 0 leaves it to the tool."""


def memory_pragmas(plan: Plan, instance: Instance, memory: Memory) -> list[str]:
    """Return how the constants ``memory`` of an instance are kept: one row in logic, else a ROM as the plan has it."""
    name = f"{plan.name}_stages::{instance.name}::{memory.name}"
    depth, elements = memory.values.shape
    if depth == 1:
        return [f"ARRAY_PARTITION variable = {name} complete dim = 0"]
    lines = []
    if elements > 1:
        lanes_apart = "ARRAY_PARTITION" if memory.per_lane else "ARRAY_RESHAPE"
        lines.append(f"{lanes_apart} variable = {name} complete dim = 2")
    kind = "rom_np" if memory.per_lane and elements == 1 else "rom_1p"
    return [*lines, f"BIND_STORAGE variable = {name} type = {kind}{IMPLEMENTATIONS.get(memory.style, '')}"]


def _formal(instance: Instance) -> list[str]:
    """Return the names of the ports of an instance, inputs first."""
    return [port.name for port in (*instance.block.input_ports, *instance.block.output_ports)]


def _ports(plan: Plan, instance: Instance) -> list[str]:
    """Return the parameters of the function of an instance, as C++."""
    found = []
    words_out = {port.wire: port.labelled(f"{plan.name}_out") for port in plan.output_ports}
    for port in (*instance.block.input_ports, *instance.block.output_ports):
        word = words_out[instance.outputs[0]] if port.last else f"ap_uint<{port.streams[0].bits}> "
        array = f"(&{port.name})[{len(port.streams)}]" if len(port.streams) > 1 else f"&{port.name}"
        found.append(f"hls::stream<{word}> {array}")
    return found


def _name(plan: Plan, wire: str) -> str:
    """Return what a wire is called in the top function."""
    leaving = {port.wire: port.name for port in plan.output_ports}
    if wire in leaving:
        return leaving[wire]
    producer = plan.producer(wire)
    if producer is not None and _is_array(producer.block):
        return f"{producer.name}[{producer.outputs.index(wire)}]"
    return wire
