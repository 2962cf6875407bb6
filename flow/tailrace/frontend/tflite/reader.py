# SPDX-License-Identifier: Apache-2.0
"""Read a TensorFlow Lite flatbuffer into records; whatever it says of itself is compared with what is there."""

from __future__ import annotations

import hashlib
import struct
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import ModelError
from tailrace.core.limits import DEFAULT_LIMITS, Limits
from tailrace.frontend.tflite.records import FlatModel, Operator, Options, Quantization, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType

Array = NDArray[Any]

EXTRA = "pip install 'tailrace[tflite]'"
IDENTIFIER = b"TFL3"
DAMAGED = "copy it, or convert it again: it may be truncated"

NUMPY = {
    "FLOAT32": "<f4",
    "FLOAT64": "<f8",
    "FLOAT16": "<f2",
    "INT64": "<i8",
    "INT32": "<i4",
    "INT16": "<i2",
    "INT8": "i1",
    "UINT8": "u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "BOOL": "?",
}
"""The types whose constants are read; others are refused where they are used."""


class _DamagedError(Exception):
    """The bytes are no whole model; the text says what does not fit."""


def is_tflite(raw: bytes) -> bool:
    """Say whether a file is one of TensorFlow Lite."""
    return raw[4:8] == IDENTIFIER


def read(raw: bytes, name: str, *, where: str = "", limits: Limits = DEFAULT_LIMITS) -> FlatModel:
    """Return the model in the bytes of a file; ModelError where they are no whole model, or too large a one."""
    schema = _schema(where or name)
    try:
        return _model(schema, raw, name, limits)
    except ModelError as error:
        raise ModelError(error.message, where=where or name, hint=error.hint) from None
    except _DamagedError as error:
        what = str(error)
    except (struct.error, ValueError, IndexError, TypeError, OverflowError, AttributeError, MemoryError):
        what = "a table or a vector of it lies outside the file"
    raise ModelError(f"this is not a whole TensorFlow Lite file ({what})", where=where or name, hint=DAMAGED)


def _schema(where: str) -> ModuleType:
    try:
        import tflite  # noqa: PLC0415 - an extra
    except ImportError:
        raise ModelError(
            "the package tflite, which reads such files, is missing", where=where, hint=EXTRA
        ) from None
    return tflite  # type: ignore[no-any-return]


def _model(schema: ModuleType, raw: bytes, name: str, limits: Limits) -> FlatModel:
    if len(raw) < 8 or not is_tflite(raw):
        raise _DamagedError("it does not begin as one")
    model = schema.Model.GetRootAs(raw, 0)
    if model.Version() != 3:
        raise _DamagedError(f"its schema has the version {model.Version()}, wanted 3")
    if model.SubgraphsLength() < 1:
        raise _DamagedError("it has no subgraph")
    graph = model.Subgraphs(0)
    counts = {"operators": graph.OperatorsLength(), "tensors": graph.TensorsLength() // 8}
    for what, count in counts.items():  # a layer has a handful of constants
        if count > limits.nodes:
            raise ModelError(
                f"the network is too large: {count:,} {what}, {limits.nodes:,} are allowed",
                hint=f"raise the limit if that is meant: --limits nodes={count}",
            )
    if not counts["operators"]:
        raise _DamagedError("it has no operators")
    if max(graph.TensorsLength(), graph.OperatorsLength(), model.BuffersLength()) * 4 > len(raw):
        raise _DamagedError("it counts more tensors than it has bytes")
    buffers = _Buffers(raw, model)
    tensors = _named(
        [_tensor(schema, graph.Tensors(i), i, buffers, limits) for i in range(graph.TensorsLength())]
    )
    codes = [_code(schema, model.OperatorCodes(i)) for i in range(model.OperatorCodesLength())]
    operators = [
        _operator(schema, graph.Operators(i), codes, tensors) for i in range(graph.OperatorsLength())
    ]
    ends = []
    for what, found in (("inputs", graph.InputsAsNumpy()), ("outputs", graph.OutputsAsNumpy())):
        indices = _indices(found, len(tensors), f"its {what}")
        if not indices or min(indices) < 0:
            raise _DamagedError(f"it has no {what}")
        ends.append(indices)
    return FlatModel(
        name=name,
        sha256=hashlib.sha256(raw).hexdigest(),
        raw=raw,
        tensors=tensors,
        operators=tuple(operators),
        inputs=ends[0],
        outputs=ends[1],
        by_name={record.name: record.index for record in tensors},
        limits=limits,
    )


def _text(value: bytes | None) -> str:
    """Return a name of the file as one line that can be printed."""
    text = (value or b"")[:1000].decode("utf-8", errors="replace")
    return "".join(c if c.isprintable() else "_" for c in text)


def _indices(found: object, count: int, what: str) -> tuple[int, ...]:
    """Return a vector of indices of tensors; flatbuffers gives 0 where there is none."""
    indices = tuple(int(i) for i in found) if isinstance(found, np.ndarray) else ()
    if any(i < -1 or i >= count for i in indices):
        raise _DamagedError(f"{what} name a tensor that is not there")
    return indices


def _named(records: Sequence[Record]) -> tuple[Record, ...]:
    """Give each tensor a name of its own: the first part of the file's, the whole of it, or that with its index.

    A converter that fuses operators joins their names by semicolons.
    """
    short = Counter(record.name.partition(";")[0] for record in records)
    whole = Counter(record.name for record in records)
    named = []
    for record in records:
        first = record.name.partition(";")[0]
        own = first if short[first] == 1 and first else record.name
        if not own or (own != first and whole[own] > 1):
            own = f"{own or 'tensor'} #{record.index}"
        named.append(own)
    if len(set(named)) != len(named):
        named = [f"{record.name} #{record.index}" for record in records]
    return tuple(replace(record, name=own) for record, own in zip(records, named, strict=True))


class _Buffers:
    """The constants of a file; those of files above 2 GB lie behind the flatbuffer."""

    def __init__(self, raw: bytes, model: Any) -> None:  # noqa: ANN401 - the parser has no types
        self.raw = raw
        self.model = model
        self.count = model.BuffersLength()

    def bytes_of(self, index: int) -> memoryview:
        """Return the bytes of a buffer; none: it holds no constant."""
        if not 0 <= index < self.count:
            raise _DamagedError("a tensor names a buffer that is not there")
        buffer = self.model.Buffers(index)
        if buffer.Offset() > 1:
            end = buffer.Offset() + buffer.Size()
            if end > len(self.raw):
                raise _DamagedError("a constant lies outside the file")
            return memoryview(self.raw)[buffer.Offset() : end]
        if not buffer.DataLength():
            return memoryview(b"")
        return memoryview(buffer.DataAsNumpy()).cast("B")


def _tensor(schema: ModuleType, found: Any, index: int, buffers: _Buffers, limits: Limits) -> Record:  # noqa: ANN401
    shape = tuple(int(n) for n in found.ShapeAsNumpy()) if found.ShapeLength() else ()
    size = 1
    for length in shape:
        if length < 0 or len(shape) > 8:
            raise _DamagedError(f"tensor {index} has the shape {list(shape)[:9]}")
        size *= length
    if size > limits.elements:
        raise ModelError(
            f"the tensor {_text(found.Name())[:80]!r} is too large: {size:,} elements, {limits.elements:,} are allowed",
            hint=f"raise the limit if that is meant: --limits elements={size}",
        )
    kind = _name(schema.TensorType, found.Type(), "type")
    data = None
    content = buffers.bytes_of(found.Buffer())
    if len(content) and kind in NUMPY:
        dtype = np.dtype(NUMPY[kind])
        if len(content) != size * dtype.itemsize:
            raise _DamagedError(f"tensor {index} of shape {list(shape)} has {len(content)} bytes of {kind}")
        data = np.frombuffer(content, dtype).reshape(shape)
    return Record(
        index=index,
        name=_text(found.Name()),
        shape=shape,
        type=kind,
        quantization=_quantization(found.Quantization(), shape, index),
        data=data,
        is_variable=bool(found.IsVariable()),
        is_sparse=found.Sparsity() is not None,
    )


def _quantization(found: Any, shape: tuple[int, ...], index: int) -> Quantization | None:  # noqa: ANN401
    if found is None or not found.ScaleLength():
        return None
    scale = np.array(found.ScaleAsNumpy(), np.float32)
    zero = np.array(found.ZeroPointAsNumpy(), np.int64) if found.ZeroPointLength() else np.zeros(1, np.int64)
    axis = found.QuantizedDimension()
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        raise _DamagedError(f"a scale of tensor {index} is not a positive number")
    if scale.size > 1 and not (0 <= axis < len(shape) and scale.size == shape[axis]):
        raise _DamagedError(
            f"tensor {index} of shape {list(shape)} has {scale.size} scales along its axis {axis}"
        )
    if zero.size not in (1, scale.size) or np.abs(zero).max() >= 1 << 31:
        raise _DamagedError(
            f"tensor {index} has {zero.size} zero points that do not fit its {scale.size} scales"
        )
    return Quantization(scale=scale, zero_point=np.broadcast_to(zero, scale.shape), axis=axis)


def _name(enumeration: type, value: int, what: str) -> str:
    """Return the schema's name of a number, or the number."""
    names = {number: name for name, number in vars(enumeration).items() if isinstance(number, int)}
    return names.get(value, f"{what} {value}")


def _code(schema: ModuleType, found: Any) -> str:  # noqa: ANN401
    """Return the name of an operator code; what is no builtin goes by its own."""
    number = max(found.BuiltinCode(), found.DeprecatedBuiltinCode())
    name = _name(schema.BuiltinOperator, number, "builtin")
    return f"CUSTOM {_text(found.CustomCode())}".strip() if name == "CUSTOM" else name


def _operator(schema: ModuleType, found: Any, codes: list[str], tensors: tuple[Record, ...]) -> Operator:  # noqa: ANN401
    if not 0 <= found.OpcodeIndex() < len(codes):
        raise _DamagedError("an operator has a code that is not there")
    kind = codes[found.OpcodeIndex()]
    inputs = _indices(found.InputsAsNumpy(), len(tensors), f"the inputs of a {kind}")
    outputs = _indices(found.OutputsAsNumpy(), len(tensors), f"the outputs of a {kind}")
    if not outputs or min(outputs) < 0:
        raise _DamagedError(f"a {kind} has no output")
    options = Options()
    table, reader = found.BuiltinOptions(), READERS.get(kind)
    if reader is not None and table is not None:
        wanted, fill = reader
        if _name(schema.BuiltinOptions, found.BuiltinOptionsType(), "options") != wanted:
            raise _DamagedError(f"a {kind} has the options of another operator")
        own = getattr(schema, wanted)()
        own.Init(table.Bytes, table.Pos)
        options = fill(schema, own)
    return Operator(name=tensors[outputs[0]].name, kind=kind, inputs=inputs, outputs=outputs, options=options)


# The options of each operator that has any. Any in the types: the parser has none.


def _activation(schema: ModuleType, o: Any) -> str:  # noqa: ANN401
    return _name(schema.ActivationFunctionType, o.FusedActivationFunction(), "activation")


def _same(schema: ModuleType, o: Any) -> bool:  # noqa: ANN401
    return bool(o.Padding() == schema.Padding.SAME)


def _bias_type(schema: ModuleType, o: Any) -> str:  # noqa: ANN401
    return _name(schema.TensorType, o.QuantizedBiasType(), "type")


def _of_convolution(schema: ModuleType, o: Any) -> Options:  # noqa: ANN401
    return Options(
        same=_same(schema, o),
        stride=(o.StrideH(), o.StrideW()),
        dilation=(o.DilationHFactor(), o.DilationWFactor()),
        activation=_activation(schema, o),
        bias_type=_bias_type(schema, o) if hasattr(o, "QuantizedBiasType") else "FLOAT32",
    )


def _of_transposed(schema: ModuleType, o: Any) -> Options:  # noqa: ANN401
    return Options(
        same=_same(schema, o),
        stride=(o.StrideH(), o.StrideW()),
        activation=_activation(schema, o),
        bias_type=_bias_type(schema, o),
    )


def _of_pool(schema: ModuleType, o: Any) -> Options:  # noqa: ANN401
    return Options(
        same=_same(schema, o),
        stride=(o.StrideH(), o.StrideW()),
        kernel=(o.FilterHeight(), o.FilterWidth()),
        activation=_activation(schema, o),
    )


def _of_dense(schema: ModuleType, o: Any) -> Options:  # noqa: ANN401
    return Options(
        activation=_activation(schema, o),
        bias_type=_bias_type(schema, o),
        shuffled=o.WeightsFormat() != 0,
        keep_num_dims=bool(o.KeepNumDims()),
    )


def _of_sum(schema: ModuleType, o: Any) -> Options:  # noqa: ANN401
    return Options(activation=_activation(schema, o), pot_scale_int16=bool(o.PotScaleInt16()))


def _of_slice(_schema: ModuleType, o: Any) -> Options:  # noqa: ANN401
    return Options(
        begin_mask=o.BeginMask(),
        end_mask=o.EndMask(),
        ellipsis_mask=o.EllipsisMask(),
        new_axis_mask=o.NewAxisMask(),
        shrink_axis_mask=o.ShrinkAxisMask(),
        is_offset=bool(o.Offset()),
    )


def _of_resize(_schema: ModuleType, o: Any) -> Options:  # noqa: ANN401
    return Options(align_corners=bool(o.AlignCorners()), half_pixel_centers=bool(o.HalfPixelCenters()))


READERS: dict[str, tuple[str, Callable[[ModuleType, Any], Options]]] = {
    "CONV_2D": ("Conv2DOptions", _of_convolution),
    "DEPTHWISE_CONV_2D": ("DepthwiseConv2DOptions", _of_convolution),
    "TRANSPOSE_CONV": ("TransposeConvOptions", _of_transposed),
    "FULLY_CONNECTED": ("FullyConnectedOptions", _of_dense),
    "ADD": ("AddOptions", _of_sum),
    "SUB": ("SubOptions", _of_sum),
    "MUL": ("MulOptions", lambda schema, o: Options(activation=_activation(schema, o))),
    "AVERAGE_POOL_2D": ("Pool2DOptions", _of_pool),
    "MAX_POOL_2D": ("Pool2DOptions", _of_pool),
    "MEAN": ("ReducerOptions", lambda _, o: Options(keep_dims=bool(o.KeepDims()))),
    "LEAKY_RELU": ("LeakyReluOptions", lambda _, o: Options(alpha=float(o.Alpha()))),
    "CONCATENATION": (
        "ConcatenationOptions",
        lambda schema, o: Options(axis=o.Axis(), activation=_activation(schema, o)),
    ),
    "SPLIT": ("SplitOptions", lambda _, o: Options(parts=o.NumSplits())),
    "STRIDED_SLICE": ("StridedSliceOptions", _of_slice),
    "RESIZE_NEAREST_NEIGHBOR": ("ResizeNearestNeighborOptions", _of_resize),
    "SOFTMAX": ("SoftmaxOptions", lambda _, o: Options(beta=float(o.Beta()))),
}
"""{operator: (its table of options in the schema, what reads it)}."""
