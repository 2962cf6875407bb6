# SPDX-License-Identifier: Apache-2.0
"""A plan and what was measured of it, as a report."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from tailrace import __version__
from tailrace.blocks.costs import estimate, network_errors
from tailrace.core.resources import Resources
from tailrace.report.schema import (
    Check,
    FirstMismatch,
    Host,
    HostSide,
    Layer,
    LayerSynth,
    Model,
    Performance,
    Report,
    StreamEdge,
    Synth,
    Target,
    Totals,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.core.errors import Mismatch
    from tailrace.graph import Graph, Tensor
    from tailrace.graph.host import HostInput, HostOutput
    from tailrace.planning.plan import Instance, Plan
    from tailrace.tools.yosys import Synthesis
    from tailrace.verify.hardware import HardwareResult
    from tailrace.verify.software import SoftwareResult


def plan_report(plan: Plan) -> Report:
    """Return the report of a plan before anything is measured: its layers, streams, cycles, and estimates."""
    graph, part = plan.graph, plan.part
    totals = (
        None
        if part.liberty
        else Totals(lut=part.lut, ff=part.ff, dsp=part.dsp, bram18=int(part.bram18), uram=part.uram)
    )
    return Report(
        tailrace=__version__,
        model=Model(
            name=graph.name,
            sha256=graph.sha256 or None,
            ops=dict(Counter(type(node).__name__ for node in graph.nodes)),
        ),
        target=Target(
            part=part.name,
            clock_mhz=plan.clock_mhz,
            fps=plan.asked.fps,
            latency_cycles=plan.asked.latency_cycles,
            totals=totals,
        ),
        estimate_error={} if part.liberty else dict(network_errors(part.estimator.name)),
        layers=tuple(_layer(plan, instance) for instance in plan.instances),
        streams=_streams(plan),
        performance=Performance(
            interval_cycles=plan.interval_cycles,
            latency_cycles=plan.latency_cycles,
            fps=plan.fps,
            source="plan",
        ),
        host=_host(graph),
        notices=(*graph.notices, *plan.notices),
    )


def _layer(plan: Plan, instance: Instance) -> Layer:
    block = instance.block
    found = estimate(block, plan.part.estimator)
    cost = found.resources
    product = block.product
    first, out = block.inputs[0], block.outputs[0]
    layer = Layer(
        name=instance.name,
        block=block.name,
        role=block.role.value,
        origin=_origin(plan.graph, instance.name),
        engine=product.engine if product else None,
        pe=product.pe if product else out.lanes,
        simd=product.simd if product else first.lanes,
        rows=product.rows if product else None,
        cols=product.cols if product else None,
        vectors=block.vectors,
        words_in=first.words,
        words_out=out.words,
        interval_cycles=block.interval_cycles,
        utilization=round(block.interval_cycles / plan.interval_cycles, 4),
        weight_bits=product.weight_bits if product else None,
        in_bits=first.type.bits,
        out_bits=out.type.bits,
        memory_bits=sum(memory.bits for memory in block.memories()),
        source="estimate",
    )
    if plan.part.liberty:
        return replace(layer, gates=_round(cost.gates(block.written_bits)), ff=_round(cost.ff))
    return replace(
        layer,
        source=found.basis,
        estimate_error=found.error,
        lut=_round(cost.lut),
        ff=_round(cost.ff),
        carry=_round(cost.carry),
        dsp=_round(cost.dsp),
        bram18=_round(cost.bram18),
        uram=_round(cost.uram),
    )


def _origin(graph: Graph, name: str) -> str | None:
    """Return the network's tensor that the operation called ``name`` makes; None where there is neither."""
    made = [graph.tensors[node.output].origin for node in graph.nodes if node.name == name]
    return made[0] if made and made[0] else None


def _round(value: float) -> float:
    """Round to hundredths; what is whole becomes an integer."""
    rounded = round(float(value), 2)
    return int(rounded) if rounded.is_integer() else rounded


def _streams(plan: Plan) -> tuple[StreamEdge, ...]:
    edges = []
    for name, stream in plan.wires.items():
        source, target = plan.producer(name), plan.consumer(name)
        entry = next((f"input {port.label}".rstrip() for port in plan.input_ports if port.wire == name), "")
        end = next((f"output {port.label}".rstrip() for port in plan.output_ports if port.wire == name), "")
        depth = source.block.fifo_depth if source else 0
        edges.append(
            StreamEdge(
                source=source.name if source else entry,
                target=target.name if target else end,
                lanes=stream.lanes,
                bits=stream.type.bits,
                words=stream.words,
                depth=depth,
            )
        )
    return tuple(edges)


def _host(graph: Graph) -> Host:
    inputs = tuple(map(_entering, graph.host.inputs, (graph.tensors[name] for name in graph.inputs)))
    outputs = tuple(map(_leaving, graph.host.outputs, (graph.tensors[name] for name in graph.outputs)))
    return Host(
        input=replace(inputs[0], name=None) if len(inputs) == 1 else None,
        output=replace(outputs[0], name=None) if len(outputs) == 1 else None,
        inputs=inputs if len(inputs) > 1 else (),
        outputs=outputs if len(outputs) > 1 else (),
    )


def _entering(end: HostInput, tensor: Tensor) -> HostSide:
    step = getattr(end.quantizer, "scale", None)
    return HostSide(
        name=end.name,
        shape=end.shape,
        type=str(tensor.type),
        scale=step if isinstance(step, float) else None,
        steps=end.steps(),
        text=f"{tensor.size} integers of {tensor.type} a frame, {' x '.join(map(str, tensor.shape))}, last axis first",
    )


def _leaving(end: HostOutput, tensor: Tensor) -> HostSide:
    one = np.unique(end.scale).size == 1
    scale = float(end.scale.reshape(-1)[0]) if one else tuple(end.scale.tolist())
    return HostSide(
        name=end.name,
        shape=end.shape,
        type=str(tensor.type),
        scale=None if end.is_integer else scale,
        steps=end.steps(),
        text=f"{tensor.size} integers of {tensor.type} a frame; graph.host.decode(q) does these steps in Python",
    )


def software_check(result: SoftwareResult) -> Check:
    """Return E1 as the report has it."""
    return Check(
        vectors=result.vectors,
        mismatches=result.mismatches,
        framework_rounding=result.framework_rounding,
        reference=result.reference,
        first_mismatch=_first(result.first),
    )


def hardware_check(result: HardwareResult, *, stalled: bool) -> Check:
    """Return E2 or E3 as the report has it."""
    return Check(
        vectors=result.vectors,
        mismatches=result.mismatches,
        stall=result.stall if stalled else None,
        stalled_frames=result.stalled_frames or None,
        first_mismatch=_first(result.first),
    )


def _first(mismatch: Mismatch | None) -> FirstMismatch | None:
    if mismatch is None:
        return None
    return FirstMismatch(
        layer=mismatch.layer, index=mismatch.index, expected=mismatch.expected, got=mismatch.got
    )


def synth_records(plan: Plan, results: Mapping[str, Synthesis]) -> tuple[tuple[Layer, ...], Synth]:
    """Return the layers with their measured cells, and the sum over all blocks."""
    total, cells, layers = Resources(), Counter[str](), []
    version = next(iter(results.values())).version
    for instance in plan.instances:
        result = results[instance.name]
        total = total + result.resources
        cells.update(result.cells)
        layer = _layer(plan, instance)
        r = result.resources
        measured = LayerSynth(
            lut=_round(r.lut),
            ff=_round(r.ff),
            carry=_round(r.carry),
            dsp=_round(r.dsp),
            bram18=_round(r.bram18),
            uram=_round(r.uram),
            source=result.version,
        )
        layers.append(replace(layer, synth=measured))
    synth = Synth(
        tool=version,
        lut=_round(total.lut),
        ff=_round(total.ff),
        carry=_round(total.carry),
        dsp=_round(total.dsp),
        bram18=_round(total.bram18),
        uram=_round(total.uram),
        per_layer_sum=True,
        cells=dict(sorted(cells.items())),
    )
    return tuple(layers), synth
