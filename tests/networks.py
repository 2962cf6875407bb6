# SPDX-License-Identifier: Apache-2.0
"""Random quantized multilayer perceptrons as ONNX models, in every dialect and form that exporters write.

``random_network(seed)`` draws one; ``execute`` runs a model as it is in the file, node by node, on onnxruntime and
qonnx, without a line of tailrace; ``check`` compares both. ``Builder`` also makes the networks of single tests.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import onnx
import onnxruntime
import tailrace
from onnx import TensorProto, helper, numpy_helper
from qonnx.custom_op.registry import getCustomOp
from tailrace.graph.passes import pipeline as passes
from tailrace.verify.software import SoftwareResult, verify_software
from tailrace.verify.vectors import random_integers

DOMAINS = ("", "onnx.brevitas", "qonnx.custom_op.general", "finn.custom_op.general")
GENERAL = "qonnx.custom_op.general"
QONNX = ("Quant", "IntQuant", "BipolarQuant", "Trunc", "MultiThreshold", "FloatQuant")
ROUNDINGS = ("ROUND", "HALF_EVEN", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN")


class Builder:
    """Collects nodes and constants; every method returns the name of the tensor it made."""

    def __init__(
        self, *, opset: int = 13, domain: str = GENERAL, qonnx_version: int = 1, seed: int = 0
    ) -> None:
        self.opset = opset
        self.domain = domain
        self.qonnx_version = qonnx_version
        self.rng = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, np.ndarray] = {}
        self.inputs: list[onnx.ValueInfoProto] = []
        self.annotations: dict[str, str] = {}
        self.constant_nodes = False
        self.initializers_as_inputs = False
        self.names = True
        self.log: list[str] = []

    def constant(self, value: object, dtype: type | np.dtype = np.float32) -> str:
        array = np.asarray(value, dtype)
        name = f"c{len(self.initializers) + len(self.nodes)}_{len(self.initializers)}"
        if self.constant_nodes:
            self.nodes.append(
                helper.make_node("Constant", [], [name], value=numpy_helper.from_array(array, name))
            )
        else:
            self.initializers[name] = array
        return name

    def node(
        self, operation: str, *inputs: str, domain: str | None = None, outputs: int = 1, **attributes: object
    ) -> str:
        index = len(self.nodes)
        names = [f"t{index}" if i == 0 else f"t{index}_{i}" for i in range(outputs)]
        where = (self.domain if operation in QONNX else "") if domain is None else domain
        name = f"{operation}_{index}" if self.names else ""
        self.nodes.append(
            helper.make_node(operation, list(inputs), names, name=name, domain=where, **attributes)
        )
        return names[0]

    def input(
        self, shape: list[int | str | None], kind: int = TensorProto.FLOAT, annotation: str = ""
    ) -> str:
        name = f"x{len(self.inputs)}" if self.inputs else "x"
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        if annotation:
            self.annotations[name] = annotation
        return name

    def quant(self, x: str, *, scale: object = 0.25, zero: object = 0.0, bits: float = 4, signed: int = 1,
              narrow: int = 0, rounding: str = "ROUND") -> str:  # fmt: skip
        return self.node("Quant", x, self.constant(scale), self.constant(zero), self.constant(bits),
                         signed=signed, narrow=narrow, rounding_mode=rounding)  # fmt: skip

    def unsqueeze(self, x: str, axes: list[int]) -> str:
        if self.opset < 13:
            return self.node("Unsqueeze", x, axes=axes)
        return self.node("Unsqueeze", x, self.constant(axes, np.int64))

    def squeeze(self, x: str, axes: list[int]) -> str:
        if self.opset < 13:
            return self.node("Squeeze", x, axes=axes)
        return self.node("Squeeze", x, self.constant(axes, np.int64))

    def clip(self, x: str, low: float | None, high: float | None) -> str:
        if self.opset < 11:
            ends = {name: float(v) for name, v in (("min", low), ("max", high)) if v is not None}
            return self.node("Clip", x, **ends)
        ends = ["" if v is None else self.constant(v) for v in (low, high)]
        while ends and not ends[-1]:
            ends.pop()
        return self.node("Clip", x, *ends)

    def model(self, *outputs: str, kind: int = TensorProto.FLOAT) -> onnx.ModelProto:
        inputs = list(self.inputs)
        if self.initializers_as_inputs:
            inputs += [
                helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape)
                for n, v in self.initializers.items()
            ]
        graph = helper.make_graph(
            self.nodes,
            "random",
            inputs,
            [helper.make_tensor_value_info(name, kind, None) for name in outputs],
            [numpy_helper.from_array(v, n) for n, v in self.initializers.items()],
        )
        for name, text in self.annotations.items():
            annotation = onnx.TensorAnnotation(tensor_name=name)
            entry = annotation.quant_parameter_tensor_names.add()
            entry.key, entry.value = "finn_datatype", text
            graph.quantization_annotation.append(annotation)
        imports = [helper.make_opsetid("", self.opset)]
        if self.domain:
            imports.append(helper.make_opsetid(self.domain, self.qonnx_version))
        return helper.make_model(
            graph, opset_imports=imports, ir_version=3 if self.initializers_as_inputs else 8
        )


@dataclass
class Generated:
    """A random network: the model, the input type to give, and network inputs (n, *sample shape) to try."""

    model: onnx.ModelProto
    input_type: str | None
    inputs: np.ndarray
    log: list[str] = field(default_factory=list)


class _Walk(Builder):
    """A random walk through the choices that exporters make."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        super().__init__(
            opset=int(rng.choice([7, 8, 9, 10, 11, 12, 13, 13, 14, 15, 16, 17, 18, 19, 20])),
            domain=str(rng.choice(DOMAINS)),
            qonnx_version=int(rng.choice([1, 2])),
        )
        self.rng = rng
        self.constant_nodes = self.maybe(0.3)
        self.initializers_as_inputs = not self.constant_nodes and self.maybe(0.15)
        self.names = self.maybe(0.8)
        self.bits = 0
        """Bits of the integers of the current tensor, about."""
        self.shape: tuple[int, ...] = ()
        self.quantized = False
        self.kept: list[tuple[str, tuple[int, ...], int]] = []
        """Quantized tensors so far, for residual sums."""
        self.weights: dict[tuple[int, int], str] = {}
        self.dyadic = self.maybe(0.4)
        """All scales are powers of two, so that float32 is exact."""

    # Small choices

    def maybe(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def pick(self, *items: object) -> object:
        return items[int(self.rng.integers(len(items)))]

    def scale(self, shape: tuple[int, ...] = (), at: float = 0.25) -> np.ndarray:
        power = 2.0 ** np.round(np.log2(at) + self.rng.integers(-1, 2, shape))
        return np.asarray(power if self.dyadic else power * self.rng.uniform(0.6, 1.4, shape), np.float32)

    def spread(self, *, per_channel: bool) -> int:
        """Bits that scales per channel add to a product."""
        return 0 if not per_channel else 3 if self.dyadic else 26

    def channel_shape(self) -> tuple[int, ...]:
        """A shape for parameters per channel (the last axis) of the current tensor."""
        channels = self.shape[-1]
        return (channels,) if self.maybe(0.5) else (*([1] * (len(self.shape) - 1)), channels)

    def spelled(self, mode: str) -> str:
        return str(self.pick(mode, mode.lower(), mode.capitalize()))

    # Quantizers

    def quantizer(self, x: str, *, at_most: int = 16) -> str:
        """Quantize the current tensor by any quantizer."""
        kinds = ["Quant"] * 6 + ["BipolarQuant", "MultiThreshold"]
        if self.opset >= 10:
            kinds += ["QCDQ"] * 3
        if self.bits:
            kinds += ["Trunc"]
        kind = str(self.rng.choice(kinds))
        self.log.append(kind)
        out = getattr(self, f"_{kind.lower()}")(x, at_most)
        self.quantized = True
        self.kept.append((out, self.shape, self.bits))
        return out

    def _quant(self, x: str, at_most: int) -> str:
        bits = int(min(self.rng.choice([1, 2, 2, 3, 4, 4, 5, 6, 8, 8, 12, 16]), at_most))
        signed = int(self.maybe(0.6))
        per_channel = self.maybe(0.25)
        scale = self.scale(
            self.channel_shape() if per_channel else self.pick((), (1,)), 2.0 ** (1 - bits * 0.7)
        )  # type: ignore[arg-type]
        zero: object = 0
        if self.maybe(0.2):
            zero = self.rng.integers(-3, 4)
        elif self.maybe(0.05) and bits > 1:
            zero = 0.5
        narrow = int(self.maybe(0.4)) if bits > 1 or signed else 0
        self.bits = bits + 3 * bool(zero) + self.spread(per_channel=per_channel)
        out = self.node(
            str(self.pick("Quant", "Quant", "IntQuant")) if self.domain == GENERAL else "Quant",
            x, self.constant(scale), self.constant(zero), self.constant(bits),
            signed=signed, narrow=narrow, rounding_mode=self.spelled(str(self.rng.choice(ROUNDINGS))),
        )  # fmt: skip
        self.per_channel = per_channel
        return out

    def _bipolarquant(self, x: str, _: int) -> str:
        self.bits = 1
        self.per_channel = False
        return self.node("BipolarQuant", x, self.constant(self.scale((), 1.0)))

    def _multithreshold(self, x: str, _: int) -> str:
        steps = int(self.rng.integers(1, 8))
        axis = {2: 1, 3: 2, 4: 1}.get(len(self.shape), 1)
        channels = self.shape[axis] if self.maybe(0.5) else 1
        thresholds = np.sort(self.rng.normal(0, 1, (channels, steps)), axis=1)
        if self.dyadic:
            thresholds = np.round(thresholds * 8) / 8
        attributes: dict[str, object] = {"out_dtype": "UINT4"}
        if self.maybe(0.5):
            attributes |= {
                "out_scale": float(self.scale((), 0.5)),
                "out_bias": float(self.pick(-1.0, 0.0, -0.75)),
            }  # type: ignore[arg-type]
        if self.maybe(0.5):
            attributes["data_layout"] = {2: "NC", 3: "NWC", 4: "NCHW"}[len(self.shape)]
        self.bits = 4 + 3 * ("out_bias" in attributes)
        self.per_channel = False
        return self.node("MultiThreshold", x, self.constant(thresholds), **attributes)

    def _trunc(self, x: str, _: int) -> str:
        scale = self.scale((), 0.125)
        mode = str(self.pick("FLOOR", "ROUND", "CEIL"))
        self.bits = min(self.bits + 4, 12)
        self.per_channel = False
        if self.qonnx_version == 1:
            return self.node("Trunc", x, self.constant(scale), self.constant(0), self.constant(8), self.constant(5),
                             rounding_mode=self.spelled(mode))  # fmt: skip
        self.bits = 4
        return self.node("Trunc", x, self.constant(scale), self.constant(float(self.pick(0, 0, 2))), self.constant(8),  # type: ignore[arg-type]
                         self.constant(scale * 4), self.constant(4), rounding_mode=self.spelled(mode), signed=1,
                         narrow=int(self.maybe(0.5)))  # fmt: skip

    def _qcdq(self, x: str, _: int) -> str:
        kind = np.int8 if self.maybe(0.5) else np.uint8
        per_channel = self.opset >= 13 and self.maybe(0.25)
        axis = len(self.shape) - 1
        scale = self.constant(self.scale((self.shape[axis],) if per_channel else (), 0.05))
        zero_value = int(self.pick(0, 0, 3, 128 if kind is np.uint8 else -7))  # type: ignore[arg-type]
        zero = self.constant(np.full(self.shape[axis] if per_channel else (), zero_value), kind)
        attributes = {"axis": axis} if per_channel else {}
        operands = (scale, zero) if zero_value or kind is np.int8 or per_channel else (scale,)
        q = self.node("QuantizeLinear", x, *operands, **attributes)
        self.bits = 9 + self.spread(per_channel=per_channel)
        if self.opset >= 12 and self.maybe(0.5):
            low, high = (-8, 7) if kind is np.int8 else (0, 15)
            q = self.node("Clip", q, self.constant(low, kind), self.constant(high, kind))
        self.per_channel = per_channel
        return self.node("DequantizeLinear", q, *operands, **attributes)

    # Weights

    def weight(self, cols: int, rows: int, *, transposed: bool) -> str:
        """Quantized weights (cols, rows), or (rows, cols), made in one of the ways of exporters."""
        shape = (rows, cols) if transposed else (cols, rows)
        per_row = self.maybe(0.3)
        along = (rows, 1) if transposed else (1, rows)
        kinds = ["Quant"] * 4 + ["BipolarQuant", "integers", "transpose", "scaled"]
        if self.opset >= 10:
            kinds += ["DequantizeLinear"] * 2
        kind = str(self.rng.choice(kinds))
        self.log.append(f"weights {kind}")
        values = self.rng.normal(0, 1, shape).astype(np.float32)
        bits = int(self.rng.choice([1, 2, 3, 4, 4, 6, 8]))
        self.weight_bits = bits
        scale = self.scale(along if per_row else (), 2.0 ** (1 - bits))
        if kind == "BipolarQuant":
            self.weight_bits = 1
            return self.node("BipolarQuant", self.constant(values), self.constant(self.scale((), 0.5)))
        if kind == "integers":
            return self.constant(np.clip(np.round(values * 2), -(1 << bits), 1 << bits))
        if kind == "DequantizeLinear":
            q = np.clip(np.round(values * 40), -127, 127).astype(np.int8)
            self.weight_bits = 8
            if per_row and self.opset >= 13:
                axis = 0 if transposed else 1
                scales = self.constant(self.scale((rows,), 0.01))
                return self.node("DequantizeLinear", self.constant(q, np.int8), scales,
                                 self.constant(np.zeros(rows), np.int8), axis=axis)  # fmt: skip
            zero = int(self.pick(0, 0, 5))  # type: ignore[arg-type]
            return self.node("DequantizeLinear", self.constant(q, np.int8), self.constant(self.scale((), 0.01)),
                             self.constant(zero, np.int8))  # fmt: skip
        zero = float(self.pick(0, 0, 0, 0, 1)) if bits > 1 else 0.0  # type: ignore[arg-type]
        narrow = int(self.maybe(0.5)) if bits > 1 else 0
        if kind == "transpose":
            scale = scale.T if scale.ndim else scale
            w = self.quant(self.constant(values.T), scale=scale, zero=zero, bits=bits, narrow=narrow)
            return self.node("Transpose", w, perm=[1, 0])
        w = self.quant(self.constant(values), scale=scale, zero=zero, bits=bits, narrow=narrow, signed=1,
                       rounding=self.spelled(str(self.rng.choice(ROUNDINGS))))  # fmt: skip
        return self.node("Mul", w, self.constant(self.scale((), 1.0))) if kind == "scaled" else w

    # Layers

    def dense(self, x: str, rows: int) -> str:
        cols = self.shape[-1]
        gemm = len(self.shape) == 2 and self.maybe(0.4)
        transposed = gemm and self.maybe(0.6)
        shared = self.weights.get((cols, rows))
        bias = self.bias(rows) if self.maybe(0.6) else ""
        if gemm:
            self.log.append("Gemm")
            attributes: dict[str, object] = (
                {"transB": int(transposed)} if transposed or self.maybe(0.5) else {}
            )
            if self.maybe(0.3):
                attributes["alpha"] = float(self.pick(0.5, 2.0, -1.0, 0.7))  # type: ignore[arg-type]
            if self.maybe(0.3):
                attributes["beta"] = float(self.pick(0.5, 2.0, 0.3))  # type: ignore[arg-type]
            w = self.weight(cols, rows, transposed=transposed)
            if not bias and self.opset < 11:
                bias = self.constant(np.zeros(rows))
            y = self.node("Gemm", x, w, *([bias] if bias else []), **attributes)
        else:
            self.log.append("MatMul")
            w = shared if shared and self.maybe(0.5) else self.weight(cols, rows, transposed=False)
            self.weights[cols, rows] = w
            y = self.node("MatMul", x, w)
            if bias:
                y = self.node("Add", *((y, bias) if self.maybe(0.7) else (bias, y)))
        self.bits += self.weight_bits + int(np.ceil(np.log2(max(cols, 1)))) + 1
        self.shape = (*self.shape[:-1], rows)
        self.quantized = False
        return y

    def bias(self, rows: int) -> str:
        values = self.rng.normal(0, 1, rows)
        kind = self.pick("float", "grid", "Quant", "DequantizeLinear" if self.opset >= 10 else "float")
        if kind == "Quant":
            return self.quant(self.constant(values), scale=self.scale((), 0.125), bits=6)
        if kind == "DequantizeLinear":
            q = self.constant(np.round(values * 20), np.int32)
            return self.node("DequantizeLinear", q, self.constant(self.scale((), 0.05)))
        return self.constant(values if kind == "float" else np.round(values * 8) / 8)

    def batch_norm(self, y: str) -> str:
        channels = self.shape[-1]
        gain = self.rng.normal(0.5, 1, channels)
        if self.maybe(0.2):
            gain[int(self.rng.integers(channels))] = 0
        beta, mean = self.rng.normal(0, 0.5, (2, channels))
        var = self.rng.uniform(0.2, 3, channels)
        if len(self.shape) == 2 and self.maybe(0.5):
            self.log.append("BatchNormalization")
            parts = [self.constant(v) for v in (gain, beta, mean, var)]
            return self.node("BatchNormalization", y, *parts, epsilon=1e-3)
        self.log.append("batch-norm in parts")
        y = self.node("Sub", y, self.constant(mean))
        if self.maybe(0.5):
            y = self.node("Div", y, self.constant(np.sqrt(var)))
        else:
            power = (
                self.node("Pow", self.constant(var), self.constant(0.5))
                if self.maybe(0.5)
                else self.node("Sqrt", self.constant(var))
            )
            y = self.node("Div", y, power)
        y = (
            self.node("Mul", y, self.constant(gain))
            if self.maybe(0.7)
            else self.node("Mul", self.constant(gain), y)
        )
        return self.node("Add", y, self.constant(beta))

    def activation(self, y: str) -> str:
        monotone = {
            "Relu": lambda: self.node("Relu", y),
            "LeakyRelu": lambda: self.node("LeakyRelu", y, alpha=0.1),
            "PRelu": lambda: self.node("PRelu", y, self.constant(self.rng.uniform(0, 1, self.shape[-1]))),
            "Sigmoid": lambda: self.node("Sigmoid", y),
            "Tanh": lambda: self.node("Tanh", y),
            "HardSigmoid": lambda: self.node("HardSigmoid", y, alpha=0.25, beta=0.4),
            "Clip": lambda: self.clip(y, *self.pick((-1.0, 1.0), (0.0, 6.0), (None, 0.75), (-0.5, None))),  # type: ignore[misc]
            "Elu": lambda: self.node("Elu", y, alpha=0.7),
            "Selu": lambda: self.node("Selu", y),
            "Softplus": lambda: self.node("Softplus", y),
            "Softsign": lambda: self.node("Softsign", y),
            "Neg": lambda: self.node("Neg", y),
            "Ceil": lambda: self.node("Ceil", y),
            "Floor": lambda: self.node("Floor", y),
            "Min": lambda: self.node("Min", y, self.constant(np.full(self.shape, 0.8))),
            "Max": lambda: self.node("Max", self.constant(np.full(self.shape, -0.4)), y),
            "Mul": lambda: self.node("Mul", y, self.constant(self.rng.normal(0, 1, self.shape[-1]))),
        }
        other = {
            "SiLU": lambda: self.node("Mul", y, self.node("Sigmoid", y)),
            "Mish in parts": lambda: self.node("Mul", y, self.node("Tanh", self.node("Softplus", y))),
            "HardSwish in parts": lambda: self.node(
                "Mul", y, self.node("HardSigmoid", y, alpha=1 / 6, beta=0.5)
            ),
            "Abs": lambda: self.node("Abs", y),
            "square": lambda: self.node("Mul", y, y),
            "Pow": lambda: self.node("Pow", y, self.constant(float(self.pick(2, 3)))),  # type: ignore[arg-type]
            "Reciprocal": lambda: self.node(
                "Reciprocal", self.node("Add", self.node("Abs", y), self.constant(1))
            ),
            "Sin": lambda: self.node("Sin", y),
            "negative slope": lambda: self.node("LeakyRelu", y, alpha=-0.5),
        }
        if self.opset >= 9:
            monotone["Sign"] = lambda: self.node("Sign", y)
            monotone["Erf"] = lambda: self.node("Erf", y)
            other["Where"] = lambda: self.node(
                "Where",
                self.node("Greater", y, self.constant(0.25)),
                y,
                self.node("Mul", y, self.constant(-0.5)),
            )
            other["Gelu in parts"] = lambda: self.node(
                "Mul",
                self.node("Mul", y, self.constant(0.5)),
                self.node(
                    "Add", self.node("Erf", self.node("Div", y, self.constant(2**0.5))), self.constant(1)
                ),
            )
        if self.opset >= 10:
            monotone["ThresholdedRelu"] = lambda: self.node("ThresholdedRelu", y, alpha=0.5)
        if self.opset >= 11:
            monotone["Round"] = lambda: self.node("Round", y)
        if self.opset >= 12:
            monotone["Celu"] = lambda: self.node("Celu", y, alpha=0.7)
        if self.opset >= 14:
            other["HardSwish"] = lambda: self.node("HardSwish", y)
        if self.opset >= 18:
            other["Mish"] = lambda: self.node("Mish", y)
        if self.opset >= 20:
            other["Gelu"] = lambda: self.node("Gelu", y, approximate=str(self.pick("none", "tanh")))
        wide = self.bits > 17
        choice = str(self.rng.choice(sorted(monotone) if wide or self.maybe(0.5) else sorted(other)))
        self.log.append(choice)
        return (monotone | other)[choice]()

    def layout(self, x: str) -> str:
        """Something that leaves all numbers where they are."""
        kind = str(self.pick("Identity", "Dropout", "squeeze", "Reshape", "Cast", "Transpose"))
        self.log.append(kind)
        if kind == "Identity":
            return self.node("Identity", x)
        if kind == "Dropout":
            if self.opset < 12:
                return self.node("Dropout", x, ratio=0.5)
            extra = self.pick((), (self.constant(0.5),), (self.constant(0.5), self.constant(False, np.bool_)))
            return self.node("Dropout", x, *extra)  # type: ignore[misc]
        if kind == "squeeze":
            axis = int(self.rng.integers(1, len(self.shape) + 1))
            return self.squeeze(self.unsqueeze(x, [axis]), [axis])
        if kind == "Reshape":
            shape = list(self.shape)
            if self.maybe(0.5):
                shape[int(self.rng.integers(len(shape)))] = -1
            return self.node("Reshape", x, self.constant(shape, np.int64))
        if kind == "Cast":
            return self.node("Cast", x, to=TensorProto.FLOAT)
        y = self.unsqueeze(x, [1])
        rank = len(self.shape) + 1
        y = self.node("Transpose", y, perm=[1, 0, *range(2, rank)])
        return self.squeeze(y, [0])

    def residual(self, y: str) -> str:
        """Add, subtract or multiply by an earlier quantized tensor of the same shape."""
        fitting = [(name, bits) for name, shape, bits in self.kept if shape == self.shape and name != y]
        if not fitting or not self.quantized:
            return y
        name, bits = fitting[int(self.rng.integers(len(fitting)))]
        operation = str(self.pick("Add", "Add", "Add", "Sub"))
        self.log.append(f"residual {operation}")
        self.bits = max(self.bits, bits) + (1 if self.dyadic else 26)
        self.quantized = False
        return self.node(operation, y, name)


def random_network(seed: int) -> Generated:
    """Draw a network; equal seeds give equal networks."""
    walk = _Walk(seed)
    x, sampler, input_type = _start(walk)
    for index in range(int(walk.rng.integers(1, 4))):
        y = walk.dense(x, int(walk.rng.integers(1, 9)) if index or walk.maybe(0.5) else walk.shape[-1])
        if walk.maybe(0.5):
            y = walk.batch_norm(y)
        for _ in range(int(walk.rng.integers(0, 3))):
            y = walk.activation(y)
        if walk.maybe(0.3):
            y = walk.layout(y)
        x = walk.quantizer(y, at_most=16 if walk.bits < 14 else 8)
        if walk.maybe(0.5):
            z = walk.residual(x)
            x = walk.quantizer(z, at_most=8) if z != x and walk.bits < 40 else x
            if z != x and not walk.quantized:
                x = z
        if walk.maybe(0.2):
            x = walk.layout(x)
        if walk.bits > 20:
            x = walk.quantizer(x, at_most=8)
    out, kind = _end(walk, x)
    model = walk.model(out, kind=kind)
    return Generated(model, input_type, sampler(12), walk.log)


def _start(walk: _Walk):
    rng = walk.rng
    shape = walk.pick(
        [1, int(rng.integers(1, 9))], [1, int(rng.integers(1, 4)), 2, 3], [1, 3, int(rng.integers(1, 5))]
    )
    batch: int | str = "batch" if walk.maybe(0.2) else 1
    sample = tuple(shape[1:])
    walk.shape = tuple(shape)
    style = str(walk.pick("float", "float", "float", "annotated", "typed", "grid"))
    walk.log.append(f"{style} input {shape}")
    input_type = None
    if style == "annotated":
        annotation = str(walk.pick("INT4", "UINT3", "BIPOLAR", "TERNARY", "INT8", "BINARY"))
        x = walk.input([batch, *sample], annotation=annotation)
        low, high = {"INT4": (-8, 7), "UINT3": (0, 7), "BIPOLAR": (-1, 1), "TERNARY": (-1, 1), "INT8": (-128, 127),
                     "BINARY": (0, 1)}[annotation]  # fmt: skip

        def sampler(n: int) -> np.ndarray:
            q = np.random.default_rng(1).integers(low, high + 1, (n, *sample))
            return (np.where(q < 0, -1, 1) if annotation == "BIPOLAR" else q).astype(np.float32)

        walk.bits = 8
    elif style == "typed":
        kind, dtype = walk.pick((TensorProto.UINT8, np.uint8), (TensorProto.INT8, np.int8))  # type: ignore[misc]
        x = walk.input([batch, *sample], kind)
        x = walk.node("Cast", x, to=TensorProto.FLOAT)
        bounds = np.iinfo(dtype)

        def sampler(n: int) -> np.ndarray:
            return np.random.default_rng(1).integers(bounds.min, bounds.max + 1, (n, *sample)).astype(dtype)

        walk.bits = 9
    else:
        x = walk.input([batch, *sample])

        def sampler(n: int) -> np.ndarray:
            return np.random.default_rng(1).normal(0, 1.5, (n, *sample)).astype(np.float32)

        if style == "grid":
            input_type = str(walk.pick("fixed<8,3>", "ufixed<6,2>", "int4", "fixed<10,4>"))
            walk.bits = 10
    if walk.maybe(0.4):
        divisor = 255.0 if style == "typed" else 2.0
        x = (
            walk.node("Div", x, walk.constant(divisor))
            if walk.maybe(0.5)
            else walk.node("Mul", x, walk.constant(1 / divisor))
        )
        if walk.maybe(0.5):
            x = walk.node("Sub", x, walk.constant(0.5))
            walk.bits += 10
    if style == "float" or (style != "grid" and walk.maybe(0.5)) or walk.maybe(0.3):
        x = walk.quantizer(x, at_most=8)
    if len(shape) == 4 or (len(shape) == 3 and walk.maybe(0.3)):
        size = int(np.prod(sample))
        how = str(walk.pick("Flatten", "Reshape", "Reshape -1"))
        if how == "Flatten":
            x = walk.node("Flatten", x, axis=1) if walk.maybe(0.5) else walk.node("Flatten", x)
        else:
            x = walk.node("Reshape", x, walk.constant([1, size if how == "Reshape" else -1], np.int64))
        walk.shape = (1, size)
        walk.kept.clear()
    return x, sampler, input_type


def _end(walk: _Walk, x: str) -> tuple[str, int]:
    ends = ["quantized", "logits", "logits", "bias", "Softmax", "ArgMax", "TopK", "Sigmoid"]
    end = str(walk.rng.choice(ends))
    walk.log.append(f"end {end}")
    if end == "quantized":
        return walk.layout(x), TensorProto.FLOAT
    y = walk.dense(x, int(walk.rng.integers(2, 7)))
    axis = len(walk.shape) - 1
    axis = axis if walk.maybe(0.5) else -1
    if end == "bias":
        y = walk.node(
            "Add", walk.node("Mul", y, walk.constant(walk.scale())), walk.constant(walk.rng.normal(0, 1))
        )
    elif end == "Sigmoid":
        y = walk.node("Sigmoid", y)
    elif end == "Softmax":
        y = walk.node("Softmax", y, axis=axis if walk.opset >= 11 else len(walk.shape) - 1)
    elif end == "ArgMax":
        axis = axis if walk.opset >= 11 else len(walk.shape) - 1
        operation = str(walk.pick("ArgMax", "ArgMax", "ArgMin"))
        y = walk.node(operation, y, axis=axis, keepdims=int(walk.maybe(0.5)))
        return y, TensorProto.INT64
    elif end == "TopK":
        if walk.opset < 10:
            walk.node("TopK", y, outputs=2, k=1, axis=axis)
        else:
            walk.node("TopK", y, walk.constant([1], np.int64), outputs=2, axis=axis)
        return walk.nodes[-1].output[1], TensorProto.INT64
    return y, TensorProto.FLOAT


# Running a model as it is


def execute(model: onnx.ModelProto, inputs: np.ndarray) -> list[dict[str, np.ndarray]]:
    """Return all tensors for each of the inputs (n, *sample shape), by onnxruntime and qonnx node by node."""
    opsets = {o.domain: o.version for o in model.opset_import}
    constants = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    (end,) = [v for v in model.graph.input if v.name not in constants]
    sessions: dict[int, tuple[onnxruntime.InferenceSession, list[str]]] = {}
    results = []
    for sample in inputs:
        values = {**constants, end.name: sample[None]}
        for index, node in enumerate(model.graph.node):
            if node.op_type in QONNX:
                copy = onnx.NodeProto()
                copy.CopyFrom(node)
                copy.domain = GENERAL
                context = dict(values)
                version = (
                    2 if len(node.input) > 5 else 1
                )  # Trunc alone has versions, which differ in their operands
                getCustomOp(copy, onnx_opset_version=version).execute_node(context, None)
                values[node.output[0]] = np.asarray(context[node.output[0]])
                continue
            names = [name for name in dict.fromkeys(node.input) if name]
            if index not in sessions:
                sessions[index] = _session(node, {n: values[n] for n in names}, opsets[""]), names
            session, names = sessions[index]
            found = session.run(None, {n: values[n] for n in names})
            values |= dict(zip((n for n in node.output if n), found, strict=True))
        results.append(values)
    return results


def _session(node: onnx.NodeProto, values: dict[str, np.ndarray], opset: int) -> onnxruntime.InferenceSession:
    graph = helper.make_graph(
        [node],
        "one",
        [
            helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape)
            for n, v in values.items()
        ],
        [helper.make_empty_tensor_value_info(name) for name in node.output if name],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


# The comparison


def check(network: Generated, folder) -> SoftwareResult:
    """Assert the first equality for one network: every quantizer, the outputs, and the lowered graph."""
    path = folder / "network.onnx"
    onnx.save(network.model, path)
    graph = tailrace.load(path, network.input_type)
    result = verify_software(graph.reference.graph, graph.reference, network.inputs)
    assert result.mismatches == 0, result.first
    expected = execute(network.model, graph.host.on_grid(network.inputs))
    name = network.model.graph.output[0].name
    outputs = np.stack([tensors[name] for tensors in expected])
    actual = graph.predict(network.inputs).reshape(outputs.shape)
    if not result.framework_rounding:
        compare(graph, network, expected, outputs, actual)
    lowered = passes.run(graph)
    q = random_integers(graph, 64, seed=1).reshape(-1, *graph.tensors[graph.input].shape)
    assert np.array_equal(graph.predict_int(q), lowered.predict_int(q))
    return result


def is_clear(model: onnx.ModelProto, tensors: dict[str, np.ndarray]) -> bool:
    """Say whether the index at a network's end does not hang on the last place of a float."""
    name = model.graph.output[0].name
    pick = next(node for node in model.graph.node if name in node.output)
    values = tensors[pick.input[0]]
    ranked = np.sort(values, axis=-1)
    return bool((np.diff(ranked, axis=-1) > 1e-4 * np.abs(values).max()).all())


def compare(graph, network, expected, outputs, actual) -> None:
    if outputs.dtype.kind in "iu":
        clear = np.ones(len(outputs), bool)
        if (
            not graph.host.output.is_integer
        ):  # the host picks among floats, of which two may differ in their last place
            clear = np.array([is_clear(network.model, tensors) for tensors in expected])
        assert np.array_equal(outputs[clear], actual[clear])
        return
    # Float accumulators may be off in their last place; what the host makes of equal numbers is equal.
    assert np.allclose(outputs, actual, rtol=1e-5, atol=1e-5)
    origin = graph.tensors[graph.output].origin
    if origin in expected[0]:
        theirs = np.stack([tensors[origin].reshape(-1) for tensors in expected])
        ours = graph.host.output.dequantize(graph.predict_int(graph.host.encode(network.inputs))).reshape(
            theirs.shape
        )
        equal = (theirs == ours).all(axis=1)
        assert np.array_equal(outputs[equal], actual[equal])
