# SPDX-License-Identifier: Apache-2.0
"""A float network made ready for the quantizer: one input of a known shape, a version of ONNX that is new enough."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper, version_converter

from tailrace.core.errors import ModelError
from tailrace.frontend.attributes import Attributes
from tailrace.frontend.evaluation import IR_VERSION
from tailrace.frontend.files import model_of
from tailrace.frontend.operations import QUANTIZERS
from tailrace.graph.host import make_session

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tailrace.frontend.files import Source

Array = NDArray[Any]

OPSET = 17
"""The version of ONNX that older networks are brought to: per-channel quantizers came with 13."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FloatNetwork:
    """A float network as the quantizer takes it, and what was done to it."""

    name: str
    model: onnx.ModelProto
    input: str
    shape: tuple[int, ...]
    """The input's shape, the axis of samples (1) included."""
    output: str
    notices: tuple[str, ...]

    def samples(self, x: Array, where: str) -> Array:
        """Return (n, *shape) float32 samples of inputs (n, *shape) or (n, *shape without its first 1).

        ModelError where they have another shape, are no numbers, or not finite.
        """
        inner = self.shape[1:] if self.shape[:1] == (1,) else self.shape
        x = np.asarray(x)
        wanted = f"({', '.join(['n', *map(str, inner)])})"
        if x.dtype.kind not in "fiub" or x.shape[1:] not in (inner, self.shape):
            hint = f"wanted numbers of shape {wanted}: one network input after another"
            if x.shape == inner:
                hint += "; this is one input, without an axis for them"
            raise ModelError(f"an array of shape {x.shape} and type {x.dtype}", where=where, hint=hint)
        with np.errstate(over="ignore"):
            values = x.astype(np.float32)
        if not np.isfinite(values).all():
            at = np.argwhere(~np.isfinite(values))
            raise ModelError(
                f"{len(at)} of the numbers are NaN, infinite or beyond float32, the first one at {at[0].tolist()}",
                where=where,
                hint="leave these samples out",
            )
        return values.reshape(len(x), *self.shape)


def prepare(source: Source) -> FloatNetwork:
    """Return a float network as the quantizer takes it.

    ModelError where it is no network, is quantized already, has several inputs or outputs or one of no fixed shape, or
    cannot be run by ONNX Runtime.
    """
    original, name = model_of(source)
    model = onnx.ModelProto()
    model.CopyFrom(original)
    graph = model.graph
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]
    del graph.input[:]
    graph.input.extend(inputs)
    _check(model, name)
    notices = [*_shaped(model, name), *_repaired(model)]
    for index, node in enumerate(graph.node):
        node.name = node.name or f"{node.op_type}_{index}"
    model.ir_version = min(max(model.ir_version, 8), IR_VERSION)
    model = _newer(model, name)
    model = _optimized(model, name)
    shape = tuple(d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim)
    return FloatNetwork(
        name=name,
        model=model,
        input=model.graph.input[0].name,
        shape=shape,
        output=model.graph.output[0].name,
        notices=tuple(notices),
    )


def _check(model: onnx.ModelProto, where: str) -> None:
    """Raise ModelError where a network is no float network of one input and one output."""
    quantized = [
        node.op_type
        for node in model.graph.node
        if node.op_type in QUANTIZERS | {"QuantizeLinear", "FloatQuant"} or node.op_type.startswith("QLinear")
    ]
    if quantized:
        raise ModelError(
            f"it is quantized already ({quantized[0]})", where=where, hint="build it: tailrace build MODEL"
        )
    for what, ends in (("inputs", model.graph.input), ("outputs", model.graph.output)):
        if len(ends) != 1:
            raise ModelError(
                f"it has {len(ends)} {what} ({', '.join(e.name for e in ends) or 'none'})",
                where=where,
                hint="quantize a network of one input and one output",
            )
    kind = model.graph.input[0].type.tensor_type.elem_type
    if kind != TensorProto.FLOAT:
        known = TensorProto.DataType.Name(kind) if kind in TensorProto.DataType.values() else str(kind)
        raise ModelError(
            f"its input holds {known}", where=where, hint="export the network with a float32 input"
        )


def _shaped(model: onnx.ModelProto, where: str) -> list[str]:
    """Give the axis of samples the size 1 where it is open; ModelError where another one is."""
    value = model.graph.input[0]
    dims = value.type.tensor_type.shape.dim
    opened = not dims or dims[0].dim_value <= 0
    if any(dim.dim_value <= 0 for dim in dims[1:]) or not dims:
        texts = [str(d.dim_value) if d.dim_value > 0 else (d.dim_param or "?") for d in dims]
        raise ModelError(
            f"the input {value.name} has the dynamic shape [{', '.join(texts)}]",
            where=where,
            hint="export the network with a fixed input shape; only the batch axis may be dynamic",
        )
    if opened:
        dims[0].dim_value = 1
        for output in model.graph.output:
            output.type.tensor_type.ClearField("shape")
        del model.graph.value_info[:]
        return [f"the batch axis of {value.name} is dynamic: it became 1"]
    return []


def _repaired(model: onnx.ModelProto) -> list[str]:
    """Take out the transposes with which OnnxMLTools of 2018 stood a batch-norm of vectors on its head.

    There the channels came first, where BatchNormalization of (samples, channels) wants them last: no software runs it.
    """
    sizes = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    makers = {name: node for node in model.graph.node for name in node.output}
    readers: dict[str, list[NodeProto]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    count = 0
    for node in model.graph.node:
        if node.op_type != "BatchNormalization":
            continue
        before, after = makers.get(node.input[0]), readers.get(node.output[0], [])
        turned = [before, *after]
        if len(after) != 1 or any(n is None or n.op_type != "Transpose" or n.attribute for n in turned):
            continue
        dense = makers.get(before.input[0]) if before is not None else None
        if before is None or dense is None or dense.op_type != "Gemm":
            continue
        if (
            sizes.get(dense.input[1], [0, 0])[1 - Attributes(dense).integer("transB", 0)]
            != sizes[node.input[1]][0]
        ):
            continue
        for transpose in (before, after[0]):
            transpose.op_type = "Identity"
        count += 1
    if not count:
        return []
    del model.graph.value_info[:]
    return [
        f"{count} batch-norms stood between transposes that put their channels first: these were taken out"
    ]


def _newer(model: onnx.ModelProto, where: str) -> onnx.ModelProto:
    """Bring a network of an older version of ONNX to :data:`OPSET`."""
    opset = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)
    if opset >= OPSET:
        return model
    try:
        return version_converter.convert_version(model, OPSET)
    except Exception as error:  # noqa: BLE001 - the converter raises RuntimeError and its own
        line = (str(error).strip().splitlines() or ["no reason given"])[-1]
        raise ModelError(
            f"version {opset} of ONNX's operations cannot be brought to {OPSET} ({line[:160]})",
            where=where,
            hint=f"export the network for version {OPSET}",
        ) from None


def _optimized(model: onnx.ModelProto, where: str) -> onnx.ModelProto:
    """Return the network with its constants folded and batch-norms in their convolutions, every shape known."""
    from onnxruntime.quantization.shape_inference import quant_pre_process  # noqa: PLC0415 - costs half a second

    with tempfile.TemporaryDirectory(prefix="tailrace-") as folder:
        before, path = Path(folder) / "network.onnx", Path(folder) / "optimized.onnx"
        try:
            onnx.save(model, before)
            with silent():
                quant_pre_process(before, path, skip_symbolic_shape=True)
            found = onnx.load(path)
            make_session(found.SerializeToString())
        except Exception as error:  # noqa: BLE001 - onnxruntime raises many kinds
            line = (str(error).strip().splitlines() or [type(error).__name__])[-1]
            raise ModelError(
                f"ONNX Runtime cannot run it ({line[:200]})",
                where=where,
                hint="try onnxruntime.InferenceSession on the file; it has to be exported again",
            ) from None
    _fold_norms(found)
    _flatten_biases(found)
    return onnx.shape_inference.infer_shapes(found)


def _fold_norms(model: onnx.ModelProto) -> None:
    """Put every batch-norm that alone reads a Gemm into the weights of that Gemm, as ONNX Runtime does for a Conv."""
    graph = model.graph
    constants = {tensor.name: tensor for tensor in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    counts: dict[str, int] = {}
    for node in graph.node:
        for name in node.input:
            counts[name] = counts.get(name, 0) + 1
    for node in list(graph.node):
        dense = makers.get(node.input[0]) if node.op_type == "BatchNormalization" else None
        if dense is None or dense.op_type != "Gemm" or counts[node.input[0]] != 1:
            continue
        if any(name not in constants or counts[name] != 1 for name in (*dense.input[1:], *node.input[1:])):
            continue
        attributes = Attributes(dense)
        if attributes.number("alpha", 1.0) != 1.0 or attributes.number("beta", 1.0) != 1.0:
            continue
        values = [numpy_helper.to_array(constants[name]).astype(np.float64) for name in node.input[1:]]
        gain = values[0] / np.sqrt(values[3] + Attributes(node).number("epsilon", 1e-5))
        turned = bool(attributes.integer("transB", 0))
        weights = numpy_helper.to_array(constants[dense.input[1]]).astype(np.float64)
        bias = (
            numpy_helper.to_array(constants[dense.input[2]]).astype(np.float64)
            if len(dense.input) > 2
            else 0.0
        )
        weights = weights * (gain[:, None] if turned else gain)
        bias = (bias - values[2]) * gain + values[1]
        _set(constants[dense.input[1]], weights)
        if len(dense.input) > 2:
            _set(constants[dense.input[2]], bias)
        else:
            name = f"{dense.output[0]}_bias"
            graph.initializer.append(numpy_helper.from_array(bias.astype(np.float32), name))
            dense.input.append(name)
        dense.output[0] = node.output[0]
        graph.node.remove(node)


def _flatten_biases(model: onnx.ModelProto) -> None:
    """Let the bias of a Gemm be (outputs,) where it is (1, outputs), which the quantizer does not take per channel."""
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        bias = constants.get(node.input[2]) if node.op_type == "Gemm" and len(node.input) > 2 else None
        readers = (
            sum(name == node.input[2] for other in model.graph.node for name in other.input) if bias else 0
        )
        if bias is not None and readers == 1 and len(bias.dims) == 2 and bias.dims[0] == 1:
            del bias.dims[0]


def _set(tensor: TensorProto, values: Array) -> None:
    tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float32), tensor.name))


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Let ONNX Runtime's quantizer print and log nothing: what it says is for its developers."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        root.setLevel(level)


def constant_values(model: onnx.ModelProto) -> dict[str, Array]:
    """Return the initializers of a model as arrays."""
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def with_outputs(model: onnx.ModelProto, names: list[str]) -> bytes:
    """Return a model that puts out the tensors ``names``, besides its own outputs."""
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    ready = {output.name for output in whole.graph.output}
    whole.graph.output.extend(helper.make_empty_tensor_value_info(n) for n in names if n not in ready)
    return bytes(whole.SerializeToString())
