# SPDX-License-Identifier: Apache-2.0
"""What every operator is asked before its handler: is it known, are its activations integers of 8 or 16 bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tailrace.frontend.tflite.arithmetic import BOUNDS
from tailrace.frontend.tflite.handlers import HANDLERS, Handler

if TYPE_CHECKING:
    from tailrace.frontend.tflite.records import Operator, Record
    from tailrace.frontend.tflite.sheet import TfliteSheet

RECURRENT = frozenset(
    {
        "SVDF",
        "LSTM",
        "RNN",
        "UNIDIRECTIONAL_SEQUENCE_LSTM",
        "UNIDIRECTIONAL_SEQUENCE_RNN",
        "BIDIRECTIONAL_SEQUENCE_LSTM",
        "BIDIRECTIONAL_SEQUENCE_RNN",
        "VAR_HANDLE",
        "READ_VARIABLE",
        "ASSIGN_VARIABLE",
        "CALL_ONCE",
    }
)

INSTEAD = {
    "LOG_SOFTMAX": "end the network in front of it, and do it in software",
    "RESIZE_BILINEAR": "use RESIZE_NEAREST_NEIGHBOR by a whole factor",
    "ARG_MAX": "leave it out: the largest of the outputs is the class",
    "DIV": "multiply by the reciprocal",
    "L2_NORMALIZATION": "end the network in front of it, and do it in software",
    "BATCH_MATMUL": "products of two activations cannot be mapped; use FULLY_CONNECTED",
}
"""The way out for operators that people have and no handler maps."""

FULL_INTEGER = (
    "quantize it whole: converter.optimizations = [tf.lite.Optimize.DEFAULT], converter.representative_dataset = ..., "
    "converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]"
)
ACCEPTED = "INT8 or INT16 activations with one scale"
ENDS = frozenset({"QUANTIZE", "DEQUANTIZE"})


def is_sound(sheet: TfliteSheet, operator: Operator) -> bool:
    """Say whether an operator can be given to its handler as far as its kind and its tensors' types go."""
    if operator.kind not in HANDLERS:
        _unsupported(sheet, operator)
        return False
    handler = HANDLERS[operator.kind]
    if not handler.least <= len(operator.inputs) <= handler.most or (
        len(operator.outputs) != 1 and operator.kind != "SPLIT"
    ):
        bounds = f"{handler.least}" if handler.least == handler.most else f"{handler.least} to {handler.most}"
        sheet.problem(
            operator,
            f"it has {len(operator.inputs)} inputs and {len(operator.outputs)} outputs",
            f"{bounds} inputs and one output",
            "convert it again",
        )
        return False
    if operator.options.activation not in ("NONE", "RELU", "RELU6", "RELU_N1_TO_1"):
        sheet.problem(
            operator,
            f"its fused activation is {operator.options.activation}",
            "RELU, RELU6, RELU_N1_TO_1 or none",
            "let the activation be an operator of its own",
        )
        return False
    places = handler.data or tuple(range(len(operator.inputs)))
    missing = [place for place in places if operator.inputs[place] < 0]
    if missing:
        sheet.problem(operator, "one of its inputs is left out", "all of them", "convert it again")
        return False
    return _are_integers(sheet, operator, handler, [sheet.record(operator, place) for place in places])


def _unsupported(sheet: TfliteSheet, operator: Operator) -> None:
    if operator.kind in RECURRENT:
        sheet.problem(
            operator,
            f"{operator.kind} keeps a state from step to step, which no block does",
            "networks whose output depends on the present input alone",
            "run it in software, or use convolutions over time",
        )
        return
    custom = operator.kind.startswith("CUSTOM")
    sheet.problem(
        operator,
        f"the custom operator {operator.kind[7:] or '(without a name)'}"
        if custom
        else f"{operator.kind} is not supported",
        f"one of {', '.join(sorted(HANDLERS))}",
        INSTEAD.get(
            operator.kind, "leave it out, or end the network in front of it and do the rest in software"
        ),
    )


def _are_integers(sheet: TfliteSheet, operator: Operator, handler: Handler, data: list[Record]) -> bool:
    outputs = [sheet.model.tensors[index] for index in operator.outputs]
    for record in (*data, *outputs):
        if record.is_variable:
            sheet.problem(
                operator,
                f"{record.name} is a variable, a state from step to step",
                "networks whose output depends on the present input alone",
                "run it in software",
            )
            return False
        if record.type == "FLOAT32" and _is_end(operator, record, data, outputs):
            continue
        if record.type.startswith("FLOAT"):
            _floats(sheet, operator, record)
            return False
        if record.type not in ("INT8", "INT16") and not (record.type == "UINT8" and operator.kind in ENDS):
            older = record.type == "UINT8"
            sheet.problem(
                operator,
                f"{record.name} is {record.type}" + (", the older scheme of quantization" if older else ""),
                ACCEPTED,
                "convert it again with a converter of TensorFlow 2" if older else FULL_INTEGER,
            )
            return False
        if not record.size:
            sheet.problem(
                operator, f"{record.name} is empty", "tensors that hold something", "convert it again"
            )
            return False
        if not _has_scale(sheet, operator, record):
            return False
    return _agree(sheet, operator, handler, data, outputs)


def _is_end(operator: Operator, record: Record, data: list[Record], outputs: list[Record]) -> bool:
    """Say whether a float tensor is where floats may be: QUANTIZE reads it, or DEQUANTIZE writes it."""
    if operator.kind == "QUANTIZE":
        return record in data
    return operator.kind == "DEQUANTIZE" and record in outputs


def _floats(sheet: TfliteSheet, operator: Operator, record: Record) -> None:
    weights = [sheet.model.tensors[i] for i in operator.inputs if i >= 0]
    if any(w.data is not None and w.type in ("INT8", "UINT8", "INT4") for w in weights):
        sheet.problem(
            operator,
            f"its weights are {next(w.type for w in weights if w.data is not None)}, but its activations are "
            f"{record.type} (dynamic-range quantization)",
            ACCEPTED,
            FULL_INTEGER,
        )
        return
    sheet.problem(operator, f"{record.name} is {record.type}", ACCEPTED, FULL_INTEGER)


def _has_scale(sheet: TfliteSheet, operator: Operator, record: Record) -> bool:
    found = record.quantization
    if found is None or found.per_channel:
        what = "no scale" if found is None else f"{found.scale.size} scales"
        sheet.problem(operator, f"{record.name} has {what}", ACCEPTED, FULL_INTEGER)
        return False
    low, high = BOUNDS[record.type]
    symmetric = record.type == "INT16"
    if not (record.zero_point == 0 if symmetric else low <= record.zero_point <= high):
        sheet.problem(
            operator,
            f"{record.name} of type {record.type} has the zero point {record.zero_point}",
            "the zero point 0" if symmetric else f"a zero point from {low} to {high}",
            FULL_INTEGER,
        )
        return False
    return True


def _agree(
    sheet: TfliteSheet, operator: Operator, handler: Handler, data: list[Record], outputs: list[Record]
) -> bool:
    """Say whether input and output have one type, and one scale where the operator only moves."""
    if operator.kind in ENDS:
        return True
    types = {record.type for record in (*data, *outputs)}
    if len(types) > 1:
        sheet.problem(
            operator,
            f"its inputs are {', '.join(r.type for r in data)} and its output is {outputs[0].type}",
            "one type",
            "convert it again",
        )
        return False
    (x,) = data[:1]
    if handler.moves and any(y.scale != x.scale or y.zero_point != x.zero_point for y in outputs):
        sheet.problem(
            operator,
            f"its output has the scale {outputs[0].scale:g} and zero point {outputs[0].zero_point}, its input "
            f"{x.scale:g} and {x.zero_point}",
            "one scale and zero point: it only moves numbers",
            "convert it again: the converter gives them one",
        )
        return False
    return True
