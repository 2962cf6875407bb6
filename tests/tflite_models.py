# SPDX-License-Identifier: Apache-2.0
"""TensorFlow Lite flatbuffers, written without TensorFlow: tensors, operators, and random models of one operator."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import flatbuffers
import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

tflite = pytest.importorskip(
    "tflite", reason="the package tflite is not installed: pip install 'tailrace[tflite]'"
)

DTYPES = {"INT8": np.int8, "INT16": np.int16, "INT32": np.int32, "INT64": np.int64, "UINT8": np.uint8}
DTYPES |= {"FLOAT32": np.float32}
BOUNDS = {"INT8": (-128, 127), "INT16": (-32768, 32767), "UINT8": (0, 255)}

OPTIONS = {
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "TRANSPOSE_CONV": "TransposeConvOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "ADD": "AddOptions",
    "SUB": "SubOptions",
    "MUL": "MulOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "MEAN": "ReducerOptions",
    "LEAKY_RELU": "LeakyReluOptions",
    "CONCATENATION": "ConcatenationOptions",
    "SPLIT": "SplitOptions",
    "STRIDED_SLICE": "StridedSliceOptions",
    "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions",
    "SOFTMAX": "SoftmaxOptions",
}


@dataclass
class Model:
    """A model that is being written; ``tensor`` and ``operator`` return indices, ``bytes`` the file."""

    tensors: list[dict[str, Any]] = field(default_factory=list)
    operators: list[tuple[str, list[int], list[int], Mapping[str, Any]]] = field(default_factory=list)

    def tensor(
        self,
        shape: Sequence[int],
        kind: str = "INT8",
        scale: float | Sequence[float] | None = None,
        *,
        zero: int = 0,
        data: Any = None,
        axis: int = 0,
        name: str | None = None,
        variable: bool = False,
    ) -> int:
        values = None if data is None else np.ascontiguousarray(data, DTYPES[kind]).reshape(shape)
        name = f"t{len(self.tensors)}" if name is None else name
        self.tensors.append(locals() | {"shape": list(shape)})
        return len(self.tensors) - 1

    def constant(self, data: Any, kind: str = "INT32", **more: Any) -> int:
        return self.tensor(np.shape(data), kind, data=data, **more)

    def operator(self, kind: str, inputs: Sequence[int], outputs: Sequence[int], **options: Any) -> None:
        self.operators.append((kind, list(inputs), list(outputs), options))

    def bytes(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        b = flatbuffers.Builder(1 << 12)
        buffers = [self._buffer(b, b"")]
        tensors = []
        for item in self.tensors:
            place = 0
            if item["values"] is not None:
                place = len(buffers)
                buffers.append(self._buffer(b, item["values"].tobytes()))
            tensors.append(self._tensor(b, item, place))
        kinds = sorted({kind for kind, *_ in self.operators})
        operators = [self._operator(b, kinds, item) for item in self.operators]
        graph_parts = [
            self._offsets(b, tflite.SubGraphStartTensorsVector, tensors),
            b.CreateNumpyVector(np.array(inputs, np.int32)),
            b.CreateNumpyVector(np.array(outputs, np.int32)),
            self._offsets(b, tflite.SubGraphStartOperatorsVector, operators),
        ]
        tflite.SubGraphStart(b)
        tflite.SubGraphAddTensors(b, graph_parts[0])
        tflite.SubGraphAddInputs(b, graph_parts[1])
        tflite.SubGraphAddOutputs(b, graph_parts[2])
        tflite.SubGraphAddOperators(b, graph_parts[3])
        graph = tflite.SubGraphEnd(b)
        codes = self._offsets(
            b, tflite.ModelStartOperatorCodesVector, [self._code(b, kind) for kind in kinds]
        )
        graphs = self._offsets(b, tflite.ModelStartSubgraphsVector, [graph])
        kept = self._offsets(b, tflite.ModelStartBuffersVector, buffers)
        tflite.ModelStart(b)
        tflite.ModelAddVersion(b, 3)
        tflite.ModelAddOperatorCodes(b, codes)
        tflite.ModelAddSubgraphs(b, graphs)
        tflite.ModelAddBuffers(b, kept)
        b.Finish(tflite.ModelEnd(b), b"TFL3")
        return bytes(b.Output())

    @staticmethod
    def _offsets(b: Any, start: Callable[..., Any], items: list[int]) -> int:
        start(b, len(items))
        for item in reversed(items):
            b.PrependUOffsetTRelative(item)
        return b.EndVector()

    @staticmethod
    def _buffer(b: Any, raw: bytes) -> int:
        data = None
        if raw:
            b.StartVector(1, len(raw), 16)
            b.head -= len(raw)
            b.Bytes[b.head : b.head + len(raw)] = raw
            data = b.EndVector()
        tflite.BufferStart(b)
        if data is not None:
            tflite.BufferAddData(b, data)
        return tflite.BufferEnd(b)

    @staticmethod
    def _tensor(b: Any, item: dict[str, Any], place: int) -> int:
        name = b.CreateString(item["name"])
        shape = b.CreateNumpyVector(np.array(item["shape"], np.int32))
        quantization = None
        if item["scale"] is not None:
            scales = np.atleast_1d(np.array(item["scale"], np.float32))
            scale = b.CreateNumpyVector(scales)
            zero = b.CreateNumpyVector(np.full(scales.size, item["zero"], np.int64))
            tflite.QuantizationParametersStart(b)
            tflite.QuantizationParametersAddScale(b, scale)
            tflite.QuantizationParametersAddZeroPoint(b, zero)
            tflite.QuantizationParametersAddQuantizedDimension(b, item["axis"])
            quantization = tflite.QuantizationParametersEnd(b)
        tflite.TensorStart(b)
        tflite.TensorAddShape(b, shape)
        tflite.TensorAddType(b, getattr(tflite.TensorType, item["kind"]))
        tflite.TensorAddBuffer(b, place)
        tflite.TensorAddName(b, name)
        if quantization is not None:
            tflite.TensorAddQuantization(b, quantization)
        tflite.TensorAddIsVariable(b, item["variable"])
        return tflite.TensorEnd(b)

    @staticmethod
    def _code(b: Any, kind: str) -> int:
        number = getattr(tflite.BuiltinOperator, kind)
        tflite.OperatorCodeStart(b)
        tflite.OperatorCodeAddDeprecatedBuiltinCode(b, min(number, 127))
        tflite.OperatorCodeAddBuiltinCode(b, number)
        tflite.OperatorCodeAddVersion(b, VERSIONS.get(kind, 1))
        return tflite.OperatorCodeEnd(b)

    @staticmethod
    def _operator(b: Any, kinds: list[str], item: tuple[str, list[int], list[int], Mapping[str, Any]]) -> int:
        kind, inputs, outputs, options = item
        ends = [b.CreateNumpyVector(np.array(v, np.int32)) for v in (inputs, outputs)]
        table, made = OPTIONS.get(kind), None
        if table is not None:
            getattr(tflite, f"{table}Start")(b)
            for key, value in options.items():
                getattr(tflite, f"{table}Add{key}")(b, value)
            made = getattr(tflite, f"{table}End")(b)
        tflite.OperatorStart(b)
        tflite.OperatorAddOpcodeIndex(b, kinds.index(kind))
        tflite.OperatorAddInputs(b, ends[0])
        tflite.OperatorAddOutputs(b, ends[1])
        if made is not None:
            tflite.OperatorAddBuiltinOptionsType(b, getattr(tflite.BuiltinOptions, table))
            tflite.OperatorAddBuiltinOptions(b, made)
        return tflite.OperatorEnd(b)


VERSIONS = {
    "CONV_2D": 3,
    "DEPTHWISE_CONV_2D": 3,
    "FULLY_CONNECTED": 4,
    "SPLIT": 2,
    "PAD": 2,
    "PADV2": 2,
    "CONCATENATION": 2,
    "RESHAPE": 1,
    "RESIZE_NEAREST_NEIGHBOR": 3,
}
"""Versions of operators that the interpreter insists on; the others take what comes."""


# Random models of one operator


@dataclass(frozen=True)
class Case:
    """A file, and what it is about."""

    raw: bytes
    text: str


Make = "Callable[[np.random.Generator, str], Case]"


def scale(rng: np.random.Generator) -> float:
    """A scale as converters find them, a power of two now and then."""
    if rng.random() < 0.15:
        return float(2.0 ** rng.integers(-8, -1))
    return float(np.float32(np.exp(rng.uniform(np.log(0.004), np.log(0.4)))))


def zero(rng: np.random.Generator, kind: str) -> int:
    """A zero point: any of 8 bits, often an end; none of 16 bits."""
    if kind == "INT16":
        return 0
    return int(rng.choice([-128, 127, 0, rng.integers(-128, 128), rng.integers(-128, 128)]))


def activation(rng: np.random.Generator) -> int:
    """A fused activation or none."""
    return int(rng.choice([0, 0, 1, 2, 3]))


def padding(rng: np.random.Generator) -> int:
    """SAME or VALID."""
    return int(rng.integers(0, 2))


def out_size(n: int, k: int, stride: int, dilation: int, pad: int) -> int:
    """The places of a kernel along an axis."""
    span = (k - 1) * dilation + 1
    return -(-n // stride) if pad == 0 else (n + stride - span) // stride


def weights(rng: np.random.Generator, m: Model, shape: Sequence[int], axis: int) -> tuple[int, np.ndarray]:
    """Constant INT8 weights with one scale, or one a channel."""
    data = rng.integers(-127, 128, shape)
    if rng.random() < 0.2:
        data = rng.integers(-3, 4, shape)
    count = shape[axis] if rng.random() < 0.7 else 1
    scales = np.array([scale(rng) * 0.2 for _ in range(count)], np.float32)
    return m.tensor(shape, "INT8", scales, data=data, axis=axis if count > 1 else 0), scales


def reach(x_scale: float, w_scales: np.ndarray, taps: int) -> float:
    """A scale that an output of a layer might have."""
    return float(x_scale * np.mean(w_scales) * 74 * np.sqrt(taps) * 1.5)


def bias(rng: np.random.Generator, m: Model, kind: str, rows: int, *, wide: str = "INT64") -> int:
    """A constant bias, or none."""
    if rng.random() < 0.1:
        return m.constant(np.zeros(rows), "INT32" if kind == "INT8" else wide, scale=1.0)
    top = 4000 if kind == "INT8" else 1 << 20
    return m.constant(rng.integers(-top, top, rows), "INT32" if kind == "INT8" else wide, scale=1.0)


def levels(kind: str) -> float:
    """How much finer the scale of 16 bits is."""
    return 1.0 if kind == "INT8" else 1 / 256


def conv(rng: np.random.Generator, kind: str) -> Case:
    m = Model()
    groups = int(rng.choice([1, 1, 1, 2]))
    h, w, c = int(rng.integers(1, 8)), int(rng.integers(1, 8)), int(rng.integers(1, 4)) * groups
    kh, kw = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    stride = int(rng.integers(1, 3)), int(rng.integers(1, 3))
    dilation = (1, 1) if rng.random() < 0.7 else (int(rng.integers(1, 3)), int(rng.integers(1, 3)))
    pad = padding(rng)
    places = [
        out_size(n, k, s, d, pad) for n, k, s, d in zip((h, w), (kh, kw), stride, dilation, strict=True)
    ]
    if min(places) < 1:
        pad, places = 0, [-(-h // stride[0]), -(-w // stride[1])]
    rows = int(rng.integers(1, 4)) * groups
    xs = scale(rng) * levels(kind)
    x = m.tensor((1, h, w, c), kind, xs, zero=zero(rng, kind))
    f, ws = weights(rng, m, (rows, kh, kw, c // groups), 0)
    bias_type = {"QuantizedBiasType": 2} if kind == "INT16" and rng.random() < 0.3 else {}
    b = bias(rng, m, kind, rows, wide="INT32" if bias_type else "INT64")
    y = m.tensor(
        (1, *places, rows),
        kind,
        reach(xs, ws, kh * kw * c // groups) * rng.uniform(0.3, 2),
        zero=zero(rng, kind),
    )
    m.operator(
        "CONV_2D",
        [x, f, b],
        [y],
        Padding=pad,
        StrideH=stride[0],
        StrideW=stride[1],
        DilationHFactor=dilation[0],
        DilationWFactor=dilation[1],
        FusedActivationFunction=activation(rng),
        **bias_type,
    )
    return Case(m.bytes([x], [y]), f"conv {groups=} {pad=} {stride=} {dilation=}")


def depthwise(rng: np.random.Generator, kind: str) -> Case:
    m = Model()
    h, w, c, times = (int(rng.integers(1, n)) for n in (8, 8, 5, 3))
    kh, kw = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    stride = (int(rng.integers(1, 3)),) * 2
    dilation = (1, 1) if rng.random() < 0.7 else (2, 2)
    pad = padding(rng)
    places = [
        out_size(n, k, s, d, pad) for n, k, s, d in zip((h, w), (kh, kw), stride, dilation, strict=True)
    ]
    if min(places) < 1:
        pad, places = 0, [-(-h // stride[0]), -(-w // stride[1])]
    rows = c * times
    xs = scale(rng) * levels(kind)
    x = m.tensor((1, h, w, c), kind, xs, zero=zero(rng, kind))
    f, ws = weights(rng, m, (1, kh, kw, rows), 3)
    b = bias(rng, m, kind, rows)
    y = m.tensor((1, *places, rows), kind, reach(xs, ws, kh * kw) * rng.uniform(0.3, 2), zero=zero(rng, kind))
    m.operator(
        "DEPTHWISE_CONV_2D",
        [x, f, b],
        [y],
        Padding=pad,
        StrideH=stride[0],
        StrideW=stride[1],
        DepthMultiplier=times,
        DilationHFactor=dilation[0],
        DilationWFactor=dilation[1],
        FusedActivationFunction=activation(rng),
    )
    return Case(m.bytes([x], [y]), f"depthwise {times=} {pad=} {stride=} {dilation=}")


def transposed(rng: np.random.Generator, kind: str) -> Case:
    m = Model()
    h, w, c, rows = (int(rng.integers(1, n)) for n in (6, 6, 4, 4))
    stride = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    kh, kw = (int(rng.integers(s, s + 3)) for s in stride)
    pad = padding(rng)
    if pad == 0:
        size = [n * s for n, s in zip((h, w), stride, strict=True)]
    else:
        size = [(n - 1) * s + k for n, s, k in zip((h, w), stride, (kh, kw), strict=True)]
    xs = scale(rng) * levels(kind)
    shape = m.constant([1, *size, rows])
    x = m.tensor((1, h, w, c), kind, xs, zero=zero(rng, kind))
    f, ws = weights(rng, m, (rows, kh, kw, c), 0)
    inputs = [shape, f, x]
    if rng.random() < 0.7:
        inputs.append(bias(rng, m, kind, rows))
    y = m.tensor(
        (1, *size, rows), kind, reach(xs, ws, kh * kw * c / 2) * rng.uniform(0.3, 2), zero=zero(rng, kind)
    )
    m.operator("TRANSPOSE_CONV", inputs, [y], Padding=pad, StrideH=stride[0], StrideW=stride[1])
    return Case(m.bytes([x], [y]), f"transposed {pad=} {stride=} {kh=} {kw=}")


def dense(rng: np.random.Generator, kind: str) -> Case:
    m = Model()
    cols, rows, batch = int(rng.integers(1, 30)), int(rng.integers(1, 9)), int(rng.choice([1, 1, 3]))
    xs = scale(rng) * levels(kind)
    shape = (1, cols) if batch == 1 else (1, batch, cols)
    x = m.tensor(shape, kind, xs, zero=zero(rng, kind))
    f, ws = weights(rng, m, (rows, cols), 0)
    inputs = [x, f]
    if rng.random() < 0.8:
        inputs.append(bias(rng, m, kind, rows))
        if ws.size == 1:  # where there is one scale, the kernel compares
            m.tensors[inputs[-1]]["scale"] = float(np.float32(xs) * ws[0])
    keep = batch > 1 and rng.random() < 0.5
    out = (1, batch, rows) if keep else (batch, rows)
    y = m.tensor(out, kind, reach(xs, ws, cols) * rng.uniform(0.3, 2), zero=zero(rng, kind))
    m.operator("FULLY_CONNECTED", inputs, [y], FusedActivationFunction=activation(rng), KeepNumDims=keep)
    return Case(m.bytes([x], [y]), f"dense {cols=} {rows=} {batch=}")


def shapes(rng: np.random.Generator) -> tuple[int, ...]:
    """The shape of an activation: an image, a sequence or a vector."""
    return (1, *(int(rng.integers(1, 6)) for _ in range(int(rng.integers(1, 4)))))


def both(rng: np.random.Generator, kind: str, operation: str) -> Case:
    """ADD, SUB or MUL of an input through two activations, or of one and a constant."""
    m = Model()
    shape = shapes(rng)
    xs = scale(rng) * levels(kind)
    x = m.tensor(shape, kind, xs, zero=zero(rng, kind))
    options = {} if operation == "MUL" else {"PotScaleInt16": False}
    how = rng.choice(["two", "two", "constant", "small"])
    text = f"{operation} {how}"
    if how == "two":
        a = m.tensor(shape, kind, scale(rng) * levels(kind), zero=zero(rng, kind))
        b = m.tensor(shape, kind, scale(rng) * levels(kind), zero=zero(rng, kind))
        m.operator("QUANTIZE", [x], [a])
        m.operator("LEAKY_RELU", [x], [b], Alpha=-0.4)
    else:
        small = tuple(n if rng.random() < 0.5 else 1 for n in shape) if how == "small" else shape
        low, high = BOUNDS[kind]
        a = x
        b = m.tensor(
            small,
            kind,
            scale(rng) * levels(kind),
            zero=zero(rng, kind),
            data=rng.integers(low, high + 1, small),
        )
        if rng.random() < 0.4:
            a, b = b, a
    scales = [float(np.float32(m.tensors[i]["scale"])) for i in (a, b)]
    natural = max(scales) * 2 if operation != "MUL" else scales[0] * scales[1] * (128 / levels(kind))
    y = m.tensor(shape, kind, natural * rng.uniform(0.4, 1.5), zero=zero(rng, kind))
    m.operator(operation, [a, b], [y], FusedActivationFunction=activation(rng), **options)
    return Case(m.bytes([x], [y]), text)


def power_sum(rng: np.random.Generator, _kind: str) -> Case:
    """ADD and SUB of 16 bits whose scales are powers of two."""
    m = Model()
    shape, operation = shapes(rng), str(rng.choice(["ADD", "SUB"]))
    e, d = int(rng.integers(-15, -8)), int(rng.integers(0, 4))
    x = m.tensor(shape, "INT16", 2.0**e)
    a = m.tensor(shape, "INT16", 2.0 ** (e - d))
    b = m.tensor(shape, "INT16", 2.0**e)
    y = m.tensor(shape, "INT16", 2.0**e)
    m.operator("QUANTIZE", [x], [a])
    m.operator("LEAKY_RELU", [x], [b], Alpha=0.7)
    ends = [a, b] if rng.random() < 0.5 else [b, a]
    m.operator(operation, ends, [y], FusedActivationFunction=activation(rng), PotScaleInt16=True)
    return Case(m.bytes([x], [y]), f"{operation} of powers of two {d=}")


def pool(rng: np.random.Generator, kind: str) -> Case:
    m = Model()
    operation = str(rng.choice(["AVERAGE_POOL_2D", "MAX_POOL_2D"]))
    h, w, c = (int(rng.integers(1, n)) for n in (9, 9, 4))
    kh, kw = int(rng.integers(1, min(h, 4) + 1)), int(rng.integers(1, min(w, 4) + 1))
    stride, pad = (int(rng.integers(1, 3)), int(rng.integers(1, 3))), padding(rng)
    places = [out_size(n, k, s, 1, pad) for n, k, s in zip((h, w), (kh, kw), stride, strict=True)]
    s, z = scale(rng) * levels(kind), zero(rng, kind)
    x, y = m.tensor((1, h, w, c), kind, s, zero=z), m.tensor((1, *places, c), kind, s, zero=z)
    m.operator(
        operation,
        [x],
        [y],
        Padding=pad,
        StrideH=stride[0],
        StrideW=stride[1],
        FilterHeight=kh,
        FilterWidth=kw,
        FusedActivationFunction=activation(rng),
    )
    return Case(m.bytes([x], [y]), f"{operation} {pad=} {kh=} {kw=} {stride=}")


def average(rng: np.random.Generator, kind: str) -> Case:
    m = Model()
    shape = shapes(rng)
    axes = sorted({int(a) for a in rng.integers(1, len(shape), 2)})
    keep = bool(rng.integers(0, 2))
    out = tuple(1 if i in axes else n for i, n in enumerate(shape))
    out = out if keep else tuple(n for i, n in enumerate(shape) if i not in axes)
    s = scale(rng) * levels(kind)
    x = m.tensor(shape, kind, s, zero=zero(rng, kind))
    y = m.tensor(out, kind, s * rng.uniform(0.5, 1.5), zero=zero(rng, kind))
    m.operator("MEAN", [x, m.constant(axes)], [y], KeepDims=keep)
    return Case(m.bytes([x], [y]), f"mean {shape=} {axes=} {keep=}")


def activate(rng: np.random.Generator, kind: str) -> Case:
    m = Model()
    names = ["RELU", "RELU6", "LOGISTIC", "TANH", "LEAKY_RELU", "QUANTIZE"]
    names += ["RELU_N1_TO_1", "HARD_SWISH"] if kind == "INT8" else []
    operation = str(rng.choice(names))
    shape = shapes(rng)
    s = scale(rng) * levels(kind)
    if kind == "INT16" and rng.random() < 0.3:
        s = 2.0 ** int(rng.integers(-13, -10))
    x = m.tensor(shape, kind, s, zero=zero(rng, kind))
    ys, yz = s * rng.uniform(0.4, 1.5), zero(rng, kind)
    options = {"Alpha": float(rng.choice([0.01, 0.2, 1.7, -0.3]))} if operation == "LEAKY_RELU" else {}
    if operation in ("LOGISTIC", "TANH"):
        bits = 8 if operation == "LOGISTIC" else 7
        ys, yz = (2.0**-bits, -128 if bits == 8 else 0) if kind == "INT8" else (2.0**-15, 0)
    out_kind = kind
    if operation == "QUANTIZE" and rng.random() < 0.3:
        out_kind = "INT8" if kind == "INT16" else "INT16"
        ys, yz = ys * (levels(out_kind) / levels(kind)), zero(rng, out_kind)
    y = m.tensor(shape, out_kind, ys, zero=yz)
    m.operator(operation, [x], [y], **options)
    return Case(m.bytes([x], [y]), f"{operation}")


def slopes(rng: np.random.Generator, kind: str) -> Case:
    m = Model()
    shape = shapes(rng)
    own = tuple(n if i == len(shape) - 1 or rng.random() < 0.3 else 1 for i, n in enumerate(shape))[1:]
    s = scale(rng) * levels(kind)
    x = m.tensor(shape, kind, s, zero=zero(rng, kind))
    a = m.tensor(own, "INT8", scale(rng), zero=zero(rng, "INT8"), data=rng.integers(-128, 128, own))
    y = m.tensor(shape, kind, s * rng.uniform(0.6, 3), zero=zero(rng, kind))
    m.operator("PRELU", [x, a], [y])
    return Case(m.bytes([x], [y]), f"PRELU {shape=} {own=}")


def moved(rng: np.random.Generator, kind: str) -> Case:
    """One of the operators that only move, behind a RELU so that there is something to compute."""
    m = Model()
    names = ["RESHAPE", "SQUEEZE", "EXPAND_DIMS", "TRANSPOSE", "PAD", "PADV2", "CONCATENATION", "SPLIT"]
    names += ["SLICE", "STRIDED_SLICE", "RESIZE_NEAREST_NEIGHBOR"]
    operation = str(rng.choice(names))
    shape = (1, *(int(rng.integers(1, 6)) for _ in range(3)))
    s, z = scale(rng) * levels(kind), zero(rng, kind)
    low, high = BOUNDS[kind]
    x, t = m.tensor(shape, kind, s, zero=z), m.tensor(shape, kind, s, zero=z)
    m.operator("LEAKY_RELU", [x], [t], Alpha=0.5)

    def out(size: Sequence[int]) -> int:
        return m.tensor(size, kind, s, zero=z)

    match operation:
        case "RESHAPE":
            size = (1, int(np.prod(shape))) if rng.random() < 0.5 else (1, shape[1] * shape[2], shape[3])
            y = out(size)
            m.operator(operation, [t, m.constant(size)], [y])
        case "SQUEEZE":
            y = out(tuple(n for i, n in enumerate(shape) if n > 1 or i == 0))
            m.operator("RESHAPE", [t, m.constant(m.tensors[y]["shape"])], [y])
        case "EXPAND_DIMS":
            y = out((1, 1, *shape[1:]))
            m.operator(operation, [t, m.constant(1)], [y])
        case "TRANSPOSE":
            order = [0, *(1 + rng.permutation(3))]
            y = out([shape[i] for i in order])
            m.operator(operation, [t, m.constant(order)], [y])
        case "PAD" | "PADV2":
            sides = np.concatenate([np.zeros((1, 2), int), rng.integers(0, 3, (3, 2))])
            y = out([int(n + a + b) for n, (a, b) in zip(shape, sides, strict=True)])
            more = (
                [m.tensor((1,), kind, s, zero=z, data=[rng.integers(low, high + 1)])]
                if operation == "PADV2"
                else []
            )
            m.operator(operation, [t, m.constant(sides), *more], [y])
        case "CONCATENATION":
            axis = int(rng.integers(1, 4))
            u = m.tensor(shape, kind, s, zero=z)
            m.operator("LEAKY_RELU", [x], [u], Alpha=0.1)
            parts = [t, u] if rng.random() < 0.6 else [t, u, x]
            y = out([n * len(parts) if i == axis else n for i, n in enumerate(shape)])
            m.operator(operation, parts, [y], Axis=axis if rng.random() < 0.5 else axis - 4)
        case "SPLIT":
            axis = int(rng.integers(1, 4))
            count = int(rng.choice([n for n in range(1, shape[axis] + 1) if shape[axis] % n == 0]))
            ys = [out([n // count if i == axis else n for i, n in enumerate(shape)]) for _ in range(count)]
            m.operator(operation, [m.constant(axis), t], ys, NumSplits=count)
            y = ys[int(rng.integers(0, count))]
        case "SLICE":
            begin = [0, *(int(rng.integers(0, n)) for n in shape[1:])]
            size = [1, *(int(rng.integers(1, n - b + 1)) for n, b in zip(shape[1:], begin[1:], strict=True))]
            y = out(size)
            m.operator(operation, [t, m.constant(begin), m.constant(size)], [y])
        case "STRIDED_SLICE":
            y = strided(rng, m, shape, t, out)
        case _:
            times = [int(n) for n in rng.integers(1, 4, 2)]
            size = [n * k for n, k in zip(shape[1:3], times, strict=True)]
            y = out((1, *size, shape[3]))
            m.operator(operation, [t, m.constant(size)], [y], HalfPixelCenters=bool(rng.integers(0, 2)))
    return Case(m.bytes([x], [y]), operation)


def strided(
    rng: np.random.Generator, m: Model, shape: tuple[int, ...], t: int, out: Callable[[Sequence[int]], int]
) -> int:
    begin, end, step, size = [0], [1], [1], [1]
    masks = {"BeginMask": 0, "EndMask": 0, "ShrinkAxisMask": 0}
    for axis, n in enumerate(shape[1:], 1):
        stride = int(rng.choice([1, 1, 2, 3, -1, -2]))
        at = sorted(int(v) for v in rng.integers(0, n + 1, 2))
        a, b = (at[0], at[1]) if stride > 0 else (at[1] - 1, at[0] - 1)
        if len(range(a, b, stride)) < 1:
            a, b = (0, n) if stride > 0 else (n - 1, -1)
        first = slice(a, None if b < 0 else b, stride)
        taken = range(n)[first]
        begin.append(a if rng.random() < 0.5 else a - n)
        end.append(b if b >= 0 else -n - 1)
        step.append(stride)
        size.append(len(taken))
        if b < 0 and rng.random() < 0.5:
            masks["EndMask"] |= 1 << axis
    if rng.random() < 0.2:
        axis = int(rng.integers(1, len(shape)))
        masks["ShrinkAxisMask"] |= 1 << axis
        step[axis], end[axis] = 1, begin[axis] + 1
        masks["EndMask"] &= ~(1 << axis)
        del size[axis]
    y = out(size)
    m.operator("STRIDED_SLICE", [t, m.constant(begin), m.constant(end), m.constant(step)], [y], **masks)
    return y


def ends(rng: np.random.Generator, kind: str) -> Case:
    """A dense layer with floats or bytes in front of it, and a softmax or floats behind it."""
    m = Model()
    cols, rows = int(rng.integers(1, 12)), int(rng.integers(1, 12))
    xs, how = scale(rng) * levels(kind), str(rng.choice(["float", "bytes", "plain"]))
    x = m.tensor((1, cols), kind, xs, zero=zero(rng, kind))
    source = x
    if how == "float":
        source = m.tensor((1, cols), "FLOAT32")
        m.operator("QUANTIZE", [source], [x])
    elif how == "bytes" and kind == "INT8":
        source = m.tensor(
            (1, cols), "UINT8", xs if rng.random() < 0.6 else scale(rng), zero=int(rng.integers(0, 256))
        )
        m.operator("QUANTIZE", [source], [x])
    f, ws = weights(rng, m, (rows, cols), 0)
    y = m.tensor((1, rows), kind, reach(xs, ws, cols), zero=zero(rng, kind))
    m.operator("FULLY_CONNECTED", [x, f], [y])
    last, text = y, how
    if rng.random() < 0.7:
        scaled = (1 / 256, -128) if kind == "INT8" else (1 / 32768, 0)
        last = m.tensor((1, rows), kind, scaled[0], zero=scaled[1])
        m.operator("SOFTMAX", [y], [last], Beta=float(rng.choice([1.0, 1.0, 0.3, 2.0])))
        text += " softmax"
    after = rng.choice(["none", "floats", "bytes"])
    if after == "floats":
        real = m.tensor((1, rows), "FLOAT32")
        m.operator("DEQUANTIZE", [last], [real])
        last, text = real, f"{text} floats"
    elif after == "bytes" and kind == "INT8":
        other = m.tensor((1, rows), "UINT8", m.tensors[last]["scale"], zero=m.tensors[last]["zero"] + 128)
        m.operator("QUANTIZE", [last], [other])
        last, text = other, f"{text} bytes"
    return Case(m.bytes([source], [last]), text)


MAKERS: dict[str, Any] = {
    "conv": conv,
    "depthwise": depthwise,
    "transposed": transposed,
    "dense": dense,
    "add": lambda rng, kind: both(rng, kind, "ADD"),
    "sub": lambda rng, kind: both(rng, kind, "SUB"),
    "mul": lambda rng, kind: both(rng, kind, "MUL"),
    "power_sum": power_sum,
    "pool": pool,
    "mean": average,
    "activation": activate,
    "prelu": slopes,
    "moves": moved,
    "ends": ends,
}
"""What makes a random model of one operator, from a generator of numbers and INT8 or INT16."""


def read_kinds(raw: bytes) -> set[str]:
    """The operators of a file."""
    model = tflite.Model.GetRootAs(raw, 0)
    names = {v: k for k, v in vars(tflite.BuiltinOperator).items() if isinstance(v, int)}
    return {names[model.OperatorCodes(i).BuiltinCode()] for i in range(model.OperatorCodesLength())}
