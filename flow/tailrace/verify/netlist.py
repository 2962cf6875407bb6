# SPDX-License-Identifier: Apache-2.0
"""E3: the netlist that yosys wrote gives the integer graph's outputs: as a whole, or block by block if large."""

from __future__ import annotations

import logging
import shutil
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import Mismatch
from tailrace.core.packing import pack, unpack
from tailrace.emission.rtl import signals
from tailrace.tools.process import workers
from tailrace.tools.verilator import StreamEnd, build_stream_simulator
from tailrace.tools.yosys import CellModels, cell_models
from tailrace.verify.hardware import (
    HardwareResult,
    compare,
    design_simulator,
    first_wrong_signal,
    parted,
    reset_cycles,
)
from tailrace.verify.vectors import VECTORS_AT_LEAST

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tailrace.planning.plan import Instance, Plan
    from tailrace.tools.verilator import StreamSimulator

Integers = NDArray[np.int64]

log = logging.getLogger(__name__)

WHOLE_CELLS_AT_MOST = 20_000
"""Larger netlists are simulated block by block: the compiler takes too long for the whole."""

WORK_AT_MOST = 2 * 10**10
"""Cells times cycles that are simulated: of a large netlist with long frames not all vectors."""

LONG_FRAME = 1 << 19
"""Cycles of a frame that exercises every state of a netlist by itself."""


def plan_trace(plan: Plan, q: Integers) -> dict[str, Integers]:
    """Return what is on every wire, (frames, values), for (n, size) input integers, by the blocks' numpy models."""
    values = dict(zip(plan.inputs, parted(q, plan.input_ports), strict=True))
    for port in plan.input_ports:
        if port.marked:  # one more lane in each word, the mark in all of them
            words = values[port.wire].reshape(len(q), port.stream.words, port.stream.lanes)
            sign = -1 if port.stream.type.signed else 1
            marks = np.broadcast_to(sign * q[:, -1, None, None], (*words.shape[:2], 1))
            values[port.wire] = np.concatenate([words, marks], axis=2).reshape(len(q), -1)
    values |= _come_back(plan, q)
    for instance in plan.instances:
        ins = [values[wire] for wire in instance.inputs]
        outs, _ = instance.block.evaluate_from(ins, instance.block.reset())
        values.update(zip(instance.outputs, outs, strict=True))
    return values


def _come_back(plan: Plan, q: Integers) -> dict[str, Integers]:
    """Return the integers of the wires that end loops: those of the tensors that frames leave for the next ones."""
    left = {state.input: state.output for state in plan.graph.states}
    tensors = {name: values for name, values in plan.graph.walk_int(q) if name in left.values()}
    return {
        instance.inputs[number]: tensors[left[instance.tensor]].reshape(len(q), -1)
        for instance in plan.instances
        for number in instance.block.fed_back
    }


def verify_netlist(
    plan: Plan,
    folder: Path,
    netlists: Mapping[str, Path],
    q: Integers,
    expected: Integers,
    *,
    cells: int,
    stall: float,
    seed: int,
    jobs: int = 1,
    models: CellModels | None = None,
) -> HardwareResult:
    """Simulate the netlists {instance: file} on (n, size) input integers; compare with ``expected``.

    ``models`` are those of the cells, yosys' own for the family of the part where there are none. The result says how
    many vectors that were: all, unless it would take more than :data:`WORK_AT_MOST`; then four at least, or one if a
    frame is of more than :data:`LONG_FRAME` cycles.
    """
    least = 1 if plan.interval_cycles > LONG_FRAME else VECTORS_AT_LEAST
    count = max(least, WORK_AT_MOST // (cells * plan.interval_cycles))
    q, expected = q[:count], expected[:count]
    work = folder / "check" / "netlist"
    work.mkdir(parents=True, exist_ok=True)
    models = models or cell_models(plan.part.family)
    if cells <= WHOLE_CELLS_AT_MOST:
        simulator = whole_simulator(plan, folder, netlists, models)
        return compare(plan, simulator, q, expected, stall=stall, seed=seed, check="netlist")
    trace = plan_trace(plan, q)

    def check(instance: Instance) -> Mismatch | None:
        simulator = instance_simulator(plan, instance, netlists[instance.name], work, models)
        return check_instance(plan, instance, simulator, trace, stall=stall, seed=seed)

    with workers(jobs) as pool:
        found = [mismatch for mismatch in pool.map(check, plan.instances) if mismatch]
    return HardwareResult(
        vectors=len(q),
        mismatches=sum(mismatch.count for mismatch in found),
        stall=stall,
        first=found[0] if found else None,
    )


def whole_simulator(
    plan: Plan, folder: Path, netlists: Mapping[str, Path], models: CellModels, *, build: bool = True
) -> StreamSimulator:
    """Compile all netlists and the top that joins them; ``build`` as in ``build_stream_simulator``."""
    work = folder / "check" / "netlist"
    work.mkdir(parents=True, exist_ok=True)
    _place(models, work)
    sources = [*models.sources, *netlists.values(), folder / "rtl" / f"{plan.name}.v"]
    return design_simulator(plan, sources, work, options=models.options, build=build)


def instance_simulator(
    plan: Plan, instance: Instance, netlist: Path, work: Path, models: CellModels, *, build: bool = True
) -> StreamSimulator:
    """Compile the netlist of one instance alone; ``build`` as in ``build_stream_simulator``."""
    top = f"{plan.name}_{instance.name}"
    sources = [*models.sources, netlist]
    block = instance.block
    names = [port.name for port in (*block.input_ports, *block.output_ports)]
    if len(names) < len(instance.inputs) + len(instance.outputs):
        top, sources = f"{top}_check", [*sources, _wrapper(plan, instance, work)]
        names = [*names[: len(instance.inputs)], *(f"m{i}_axis" for i in range(len(instance.outputs)))]
    count = len(instance.inputs)
    folder = work / instance.name
    folder.mkdir(parents=True, exist_ok=True)
    _place(models, folder)
    return build_stream_simulator(
        top=top,
        sources=sources,
        inputs=[StreamEnd(name=n, bits=s.bits) for n, s in zip(names[:count], block.inputs, strict=True)],
        outputs=[
            StreamEnd(name=n, bits=s.bits, last=_is_marked(instance))
            for n, s in zip(names[count:], block.outputs, strict=True)
        ],
        folder=folder,
        options=models.options,
        build=build,
    )


def _is_marked(instance: Instance) -> bool:
    """Return whether the instance has a ``tlast``."""
    return any(port.last for port in instance.block.output_ports)


def _place(models: CellModels, folder: Path) -> None:
    """Copy what the models read into the folder in which they run."""
    for memory in models.memories:
        shutil.copyfile(memory, folder / memory.name)


def instance_words(instance: Instance, trace: Mapping[str, Integers]) -> list[NDArray[np.uint32]]:
    """Return the words that an instance gets in the design."""
    return [
        pack(trace[w].reshape(-1, s.lanes), s.type.bits)
        for w, s in zip(instance.inputs, instance.block.inputs, strict=True)
    ]


def check_instance(
    plan: Plan,
    instance: Instance,
    simulator: StreamSimulator,
    trace: Mapping[str, Integers],
    *,
    stall: float,
    seed: int,
) -> Mismatch | None:
    """Simulate the netlist of one instance alone on the words that it gets in the design."""
    block = instance.block
    words = instance_words(instance, trace)
    frames = len(trace[plan.inputs[0]])
    result = simulator.run(
        words,
        expect_words=[frames * s.words for s in block.outputs],
        stall=stall,
        seed=seed,
        resets=reset_cycles(plan, seed),
    )
    for wire, stream, got in zip(instance.outputs, block.outputs, result.outputs, strict=True):
        values = unpack(got, stream.lanes, stream.type.bits, signed=stream.type.signed).reshape(frames, -1)
        wrong = np.argwhere(values != trace[wire].reshape(frames, -1))
        if len(wrong):
            vector, index = (int(i) for i in wrong[0])
            return Mismatch(
                layer=instance.name,
                index=(vector, index),
                expected=int(trace[wire].reshape(frames, -1)[vector, index]),
                got=int(values[vector, index]),
                check="netlist",
                count=len(wrong),
            )
    if _is_marked(instance):
        last = result.output_last[0].reshape(frames, -1)
        wanted = np.zeros_like(last)
        wanted[:, -1] = 1
        return first_wrong_signal("m_axis_tlast", last, wanted, "netlist")
    return None


def _wrapper(plan: Plan, instance: Instance, work: Path) -> Path:
    """Write a module in which every stream of an instance with one output port of several has a port of its own."""
    bits, count = instance.block.outputs[0].bits, len(instance.outputs)
    inputs = {n: text for n, text in signals(instance.block).items() if not n.startswith("m_axis_")}
    ports = ["input wire clk", "input wire rst", *inputs.values()]
    for i in range(count):
        ports += [f"output wire [{bits - 1}:0] m{i}_axis_tdata", f"output wire m{i}_axis_tvalid"]
        ports += [f"input wire m{i}_axis_tready"]
    joined = {
        part: "{" + ", ".join(f"m{i}_axis_{part}" for i in reversed(range(count))) + "}"
        for part in ("tdata", "tvalid", "tready")
    }
    connections = ", ".join(f".m_axis_{part}({wires})" for part, wires in joined.items())
    plain = ", ".join(f".{name}({name})" for name in ("clk", "rst", *inputs))
    name = f"{plan.name}_{instance.name}"
    path = work / f"{name}_check.v"
    path.write_text(
        f"module {name}_check ({', '.join(ports)});\n    {name} core ({plain}, {connections});\nendmodule\n"
    )
    return path
