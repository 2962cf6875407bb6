# SPDX-License-Identifier: Apache-2.0
"""Walk over a TensorFlow Lite model: every operator is given to its handler, what cannot be mapped is collected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tailrace.core.errors import ModelError
from tailrace.core.types import IntType
from tailrace.frontend.problems import Problem, UnsupportedError, one_per_node
from tailrace.frontend.signals import batch_shape
from tailrace.frontend.tflite.arithmetic import BOUNDS
from tailrace.frontend.tflite.handlers import HANDLERS
from tailrace.frontend.tflite.screening import FULL_INTEGER, is_sound
from tailrace.frontend.tflite.sheet import HostTail, TfliteSheet
from tailrace.graph import Graph
from tailrace.graph.host import AffineQuantizer, Host, HostInput, HostOutput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.frontend.encodings import Encoding
    from tailrace.frontend.tflite.records import FlatModel, Operator, Record
    from tailrace.graph import Node, Tensor


def import_model(model: FlatModel) -> tuple[Graph, Mapping[str, Encoding]]:
    """Build the integer graph of a model; returns it with the encodings of the tensors that it has in integers.

    Raises UnsupportedError with all problems.
    """
    sheet = TfliteSheet(model)
    source = _enter(sheet)
    for operator in model.operators:
        _visit(sheet, operator)
    found = _output(sheet)
    if sheet.problems or found is None or source is None:
        order = {o.name: i for i, o in enumerate(model.operators)}
        problems = sorted(sheet.problems, key=lambda p: order.get(p.node, -1))
        raise UnsupportedError(model.name, one_per_node(problems))
    return _close(sheet, source, found), sheet.encodings


def _end_problem(
    sheet: TfliteSheet, record: Record, what: str, *, found: str, accepted: str, hint: str
) -> None:
    sheet.problems.append(
        Problem(node=record.name, operation=what, found=found, accepted=accepted, hint=hint)
    )


def _enter(sheet: TfliteSheet) -> Record | None:
    """Let the model's input be integers: its own, or those that a QUANTIZE makes of floats; returns their tensor."""
    model = sheet.model
    record = model.tensors[model.inputs[0]]
    if len(model.inputs) > 1:
        _end_problem(
            sheet,
            record,
            "input",
            found=f"the network has {len(model.inputs)} inputs",
            accepted="one input",
            hint="join them into one, and cut it in the network",
        )
        return None
    if not record.shape or record.shape[0] != 1 or record.size < 1:
        _end_problem(
            sheet,
            record,
            "input",
            found=f"its shape is {list(record.shape)}, which has no batch axis of 1",
            accepted="a first axis of 1",
            hint="convert the network for one sample at a time",
        )
        return None
    readers = [o for o in model.operators if record.index in o.inputs]
    entered = record
    if record.type == "FLOAT32" and len(readers) == 1 and readers[0].kind == "QUANTIZE":
        entered = model.tensors[readers[0].outputs[0]]
    elif record.type.startswith("FLOAT") and any(r.kind != "QUANTIZE" for r in readers):
        return None  # whoever reads it is refused
    if entered.type not in BOUNDS or entered.quantization is None or entered.quantization.per_channel:
        _end_problem(
            sheet,
            record,
            "input",
            found=f"it is {record.type}" + ("" if entered.quantization is not None else ", without a scale"),
            accepted="INT8, INT16 or UINT8 with one scale, or FLOAT32 with a QUANTIZE behind it",
            hint=FULL_INTEGER,
        )
        return None
    if entered.shape != record.shape:
        _end_problem(
            sheet,
            record,
            "input",
            found=f"its shape is {list(record.shape)}, and behind its QUANTIZE {list(entered.shape)}",
            accepted="one shape",
            hint="convert it again",
        )
        return None
    sheet.enter(entered, "in")
    return entered


def _visit(sheet: TfliteSheet, operator: Operator) -> None:
    """Give an operator to its handler, where it is sound and what it reads is there."""
    if all(index in sheet.values for index in operator.outputs):
        return  # the QUANTIZE of the input, which the host does
    if not is_sound(sheet, operator) or not _are_there(sheet, operator):
        return
    try:
        HANDLERS[operator.kind].write(sheet, operator)
    except ModelError as error:
        sheet.problem(
            operator, error.message, "integers of bounded size", error.hint or "quantize to fewer bits"
        )
    except (ValueError, IndexError) as error:  # what its shapes claim does not fit together
        sheet.problem(
            operator,
            f"its shapes do not fit: {error}",
            "shapes as the operator makes them",
            "convert it again",
        )


def _are_there(sheet: TfliteSheet, operator: Operator) -> bool:
    """Say whether the activations of an operator are known; what the host makes is told, what is refused is not."""
    handler = HANDLERS[operator.kind]
    places = handler.data or tuple(range(len(operator.inputs)))
    for place in places:
        index, record = operator.inputs[place], sheet.record(operator, place)
        if index in sheet.tails:
            if operator.kind in ("QUANTIZE", "DEQUANTIZE") and sheet.tails[index].softmax is not None:
                continue
            _behind_the_host(sheet, operator, sheet.tails[index])
            return False
        if index in sheet.values:
            continue
        if record.data is None:
            return False
        if not handler.mixed and operator.kind != "CONCATENATION":
            sheet.problem(operator, f"its input {record.name} is a constant", "an activation", "fold it")
            return False
    return True


def _behind_the_host(sheet: TfliteSheet, operator: Operator, tail: HostTail) -> None:
    makers = {index: o for o in sheet.model.operators for index in o.outputs}
    maker = makers[next(index for index, t in sheet.tails.items() if t is tail)]
    what = "SOFTMAX" if tail.softmax is not None else "DEQUANTIZE"
    sheet.problem(
        maker,
        f"it stands in front of {operator.name} ({operator.kind}), but only the host can do {what}",
        f"{what} at the end of the network",
        "end the network here, and do the rest in software" if tail.softmax is not None else FULL_INTEGER,
    )


def _output(sheet: TfliteSheet) -> HostTail | None:
    """Return what is left to the host behind the last integers; None where there are problems."""
    model = sheet.model
    index = model.outputs[0]
    if len(model.outputs) > 1:
        _end_problem(
            sheet,
            model.tensors[index],
            "output",
            found=f"the network has {len(model.outputs)} outputs",
            accepted="one output",
            hint="join them, or keep one: converter.output_tensors, or a model with one output",
        )
        return None
    found = sheet.tails.get(index) or (HostTail(source=index) if index in sheet.values else None)
    if found is None and not sheet.problems:
        raise ModelError(
            f"the output {model.tensors[index].name} does not depend on the input",
            where=model.name,
            hint="convert the whole network",
        )
    if found is not None and not sheet.nodes and not sheet.problems:
        raise ModelError(
            "it has no layer: what it does, the host does",
            where=model.name,
            hint="convert the whole network",
        )
    return found


def _close(sheet: TfliteSheet, source: Record, tail: HostTail) -> Graph:
    model = sheet.model
    read, last = model.tensors[model.inputs[0]], model.tensors[model.outputs[0]]
    tensor, record = sheet.values[tail.source], model.tensors[tail.source]
    low, high = BOUNDS[source.type]
    floats = tail.floats
    zero = np.float64(floats.zero_point) if floats is not None else np.float64(0)
    scale = np.float64(floats.scale) if floats is not None else np.float64(1)
    kinds = {"FLOAT32": "float32", "INT8": "int8", "INT16": "int16", "UINT8": "uint8"}
    entry = HostInput(
        name=read.name,
        shape=read.shape[1:],
        dtype=kinds[read.type],
        before=None,
        quantizer=AffineQuantizer(
            scale=float(source.scale), zero_point=source.zero_point, type=IntType.containing(low, high)
        ),
    )
    end = HostOutput(
        name=last.name,
        shape=batch_shape(last.shape),
        base_shape=batch_shape(record.shape),
        scale=np.array(scale),
        offset=np.array(-zero * scale),
        after=tail.softmax,
        is_integer=floats is None,
        dtype=kinds[last.type],
    )
    nodes = _needed(sheet.nodes, tensor.name)
    first = sheet.values[source.index]
    tensors: dict[str, Tensor] = {n: sheet.tensors[n] for n in (first.name, *(node.output for node in nodes))}
    return Graph(
        name=model.name,
        sha256=model.sha256,
        nodes=nodes,
        tensors=tensors,
        inputs=(first.name,),
        outputs=(tensor.name,),
        host=Host(inputs=(entry,), outputs=(end,)),
    )


def _needed(nodes: list[Node], output: str) -> tuple[Node, ...]:
    """Return the nodes on which the output depends, in their order."""
    needed, kept = {output}, []
    for node in reversed(nodes):
        if node.output in needed:
            needed.update(node.inputs)
            kept.append(node)
    return tuple(kept[::-1])
