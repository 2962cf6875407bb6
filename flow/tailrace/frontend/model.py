# SPDX-License-Identifier: Apache-2.0
"""Read an ONNX file and normalize it: domains, constants folded, Gemm taken apart, every shape known."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from tailrace.errors import ModelError
from tailrace.frontend.operations import LAYOUT, QONNX_DOMAIN, QONNX_OPERATIONS, QUANTIZERS
from tailrace.frontend.problems import Problem
from tailrace.host import make_session

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Array = NDArray[Any]

log = logging.getLogger(__name__)

IR_VERSION = 10
"""The ONNX IR version of every model that tailrace makes; onnxruntime and qonnx both read it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grid:
    """A constant known to be ``integers * scale``; ``scale`` (float64) broadcasts against ``integers``."""

    integers: NDArray[np.int64]
    scale: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Network:
    """A normalized network: only nodes that depend on the input are left, everything else is a constant."""

    name: str
    sha256: str
    opset: int
    versions: Mapping[str, int]
    inputs: tuple[str, ...]
    input_type: int
    input_annotation: str
    outputs: tuple[str, ...]
    nodes: tuple[NodeProto, ...]
    constants: Mapping[str, Array]
    grids: Mapping[str, Grid]
    shapes: Mapping[str, tuple[int, ...]]
    dtypes: Mapping[str, np.dtype[Any]]
    problems: tuple[Problem, ...] = field(default=())
    notices: tuple[str, ...] = field(default=())

    def model(self) -> onnx.ModelProto:
        """Return the normalized network as a model that the QONNX executor takes."""
        used = {name for node in self.nodes for name in node.input if name in self.constants}
        types = {t: helper.np_dtype_to_tensor_dtype(self.dtypes[t]) for t in self.shapes}
        infos = {t: helper.make_tensor_value_info(t, types[t], self.shapes[t]) for t in self.shapes}
        inner = [info for t, info in infos.items() if t not in self.inputs and t not in self.outputs]
        graph = helper.make_graph(
            list(self.nodes),
            self.name,
            [infos[name] for name in self.inputs],
            [infos[name] for name in self.outputs],
            [numpy_helper.from_array(self.constants[name], name) for name in sorted(used)],
            value_info=inner,
        )
        return make_model(graph, self.opset, self.versions)


def make_model(graph: onnx.GraphProto, opset: int, versions: Mapping[str, int]) -> onnx.ModelProto:
    """Wrap a graph into a model of our IR version."""
    imports = [
        helper.make_opsetid("", opset),
        *(helper.make_opsetid(d, v) for d, v in sorted(versions.items())),
    ]
    return helper.make_model(graph, opset_imports=imports, ir_version=IR_VERSION, producer_name="tailrace")


def read(path: Path) -> Network:
    """Read and normalize the network in ``path``; ModelError where it is no ONNX file or has no usable input."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise ModelError(
            "there is no such file", where=str(path), hint="give the path of an ONNX file"
        ) from None
    except IsADirectoryError:
        raise ModelError("this is a folder", where=str(path), hint="give the path of an ONNX file") from None
    except OSError as error:
        raise ModelError(f"cannot be read: {error.strerror}", where=str(path)) from None
    try:
        model = onnx.load_model_from_string(raw)
    except Exception as error:  # protobuf raises DecodeError, whose module depends on its implementation
        raise ModelError(
            f"this is not a whole ONNX file ({str(error).splitlines()[0] if str(error) else type(error).__name__})",
            where=str(path),
            hint="export it again, or copy it again: it may be truncated",
        ) from None
    if not model.graph.node:
        raise ModelError(
            "this is not a whole ONNX file: its graph has no nodes",
            where=str(path),
            hint="export it again, or copy it again: it may be truncated",
        )
    return normalize(model, path.stem, hashlib.sha256(raw).hexdigest(), str(path), path.parent)


def normalize(
    model: onnx.ModelProto, name: str, sha256: str = "", where: str = "", folder: Path | None = None
) -> Network:
    """Normalize ``model``; see :class:`Network`."""
    where = where or name
    graph = model.graph
    try:
        constants = {t.name: _to_array(t, folder) for t in graph.initializer}
    except (ValueError, TypeError, OSError) as error:
        raise ModelError(
            f"a weight cannot be read ({error})", where=where, hint="export it in one file"
        ) from None
    opset = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 13)
    versions = {QONNX_DOMAIN: 1}
    for imported in model.opset_import:
        if "qonnx" in imported.domain or "brevitas" in imported.domain or "finn" in imported.domain:
            versions[QONNX_DOMAIN] = max(versions[QONNX_DOMAIN], imported.version)
    inputs = [v for v in graph.input if v.name not in constants]
    if not inputs:
        raise ModelError("the network has no input", where=where, hint="export the whole network")
    notices: list[str] = []
    state = _Folder(constants=constants, opset=opset, versions=versions)
    element_type = inputs[0].type.tensor_type.elem_type
    for value in inputs:
        state.feed(value.name, _input_shape(value, where, notices), value.type.tensor_type.elem_type)
    for what, ends in (("inputs", inputs), ("outputs", graph.output)):
        if len(ends) != 1:
            state.problems.append(
                Problem(
                    node=name,
                    operation="network",
                    found=f"the network has {len(ends)} {what} ({', '.join(v.name for v in ends)})",
                    accepted=f"one of the {what}",
                    hint="split the network, or join them in it, and build each part alone",
                )
            )
    annotations = {
        a.tensor_name: {p.key: p.value for p in a.quant_parameter_tensor_names}
        for a in graph.quantization_annotation
    }
    for index, node in enumerate(_canonical(graph.node)):
        if not node.name:
            node.name = f"{node.op_type}_{index}"
        state.visit(node)
    nodes = _drop_unused(_cancel_transposes(state.nodes), {o.name for o in graph.output})
    return Network(
        name=name,
        sha256=sha256,
        opset=opset,
        versions=versions,
        inputs=tuple(v.name for v in inputs),
        input_type=element_type,
        input_annotation=annotations.get(inputs[0].name, {}).get("finn_datatype", ""),
        outputs=tuple(o.name for o in graph.output),
        nodes=tuple(nodes),
        constants=state.constants,
        grids=state.grids,
        shapes=state.shapes,
        dtypes=state.dtypes,
        problems=tuple(state.problems),
        notices=tuple(notices),
    )


def _to_array(tensor: TensorProto, folder: Path | None) -> Array:
    return numpy_helper.to_array(tensor, str(folder) if folder else "")


def _input_shape(value: onnx.ValueInfoProto, where: str, notices: list[str]) -> tuple[int, ...]:
    kind = value.type.tensor_type
    if not kind.HasField("shape"):
        raise ModelError(
            f"the input {value.name} has no shape",
            where=where,
            hint="export the network with a fixed input shape",
        )
    dims = [d.dim_value if d.HasField("dim_value") else 0 for d in kind.shape.dim]
    texts = [str(d.dim_value) if d.HasField("dim_value") else (d.dim_param or "?") for d in kind.shape.dim]
    if dims and dims[0] <= 0:
        notices.append(
            f"the batch axis of {value.name} is dynamic ({texts[0]}): one sample at a time is built"
        )
        dims[0] = 1
    if any(d <= 0 for d in dims):
        raise ModelError(
            f"the input {value.name} has the dynamic shape [{', '.join(texts)}]",
            where=where,
            hint="export the network with a fixed input shape; only the batch axis may be dynamic",
        )
    return tuple(dims)


def _canonical(nodes: Any) -> list[NodeProto]:  # noqa: ANN401 - a protobuf container
    """Return copies of the nodes in one dialect: QONNX domain, no Gemm."""
    result = []
    for original in nodes:
        node = NodeProto()
        node.CopyFrom(original)
        if node.op_type in QONNX_OPERATIONS:
            node.domain = QONNX_DOMAIN
        if node.op_type == "IntQuant":
            node.op_type = "Quant"
        if node.op_type == "Gemm" and node.domain in ("", "ai.onnx"):
            result.extend(_split_gemm(node))
        else:
            result.append(node)
    return result


def _split_gemm(node: NodeProto) -> list[NodeProto]:
    """Write ``alpha * A' @ B' + beta * C`` as Transpose, MatMul, Mul, Add."""
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    base = node.name or node.output[0]
    parts: list[NodeProto] = []
    a, b = node.input[0], node.input[1]
    if attributes.get("transA", 0):
        parts.append(helper.make_node("Transpose", [a], [f"{base}/a"], name=f"{base}/transA", perm=[1, 0]))
        a = f"{base}/a"
    if attributes.get("transB", 0):
        parts.append(helper.make_node("Transpose", [b], [f"{base}/b"], name=f"{base}/transB", perm=[1, 0]))
        b = f"{base}/b"
    chain: list[tuple[str, str, float | None]] = [("MatMul", b, None)]
    if attributes.get("alpha", 1.0) != 1.0:
        chain.append(("Mul", f"{base}/alpha", attributes["alpha"]))
    has_c = len(node.input) > 2 and node.input[2]  # noqa: PLR2004 - Gemm's third operand
    c = node.input[2] if has_c else ""
    if has_c and attributes.get("beta", 1.0) != 1.0:
        parts.append(_constant(f"{base}/beta", attributes["beta"]))
        parts.append(helper.make_node("Mul", [c, f"{base}/beta"], [f"{base}/c"], name=f"{base}/beta_c"))
        c = f"{base}/c"
    if has_c:
        chain.append(("Add", c, None))
    for index, (operation, operand, value) in enumerate(chain):
        out = node.output[0] if index == len(chain) - 1 else f"{base}/{operation.lower()}"
        if value is not None:
            parts.append(_constant(operand, value))
        name = node.name if operation == "MatMul" else f"{base}/{operation.lower()}_node"
        parts.append(helper.make_node(operation, [a, operand], [out], name=name))
        a = out
    return parts


def _constant(name: str, value: float) -> NodeProto:
    return helper.make_node(
        "Constant",
        [],
        [name],
        name=f"{name}_node",
        value=numpy_helper.from_array(np.array(value, np.float32)),
    )


def _cancel_transposes(nodes: list[NodeProto]) -> list[NodeProto]:
    """Let a Transpose that undoes the Transpose before it be an Identity of that one's input."""
    made: dict[str, NodeProto] = {}
    result = []
    for node in nodes:
        before = made.get(node.input[0]) if node.input else None
        if node.op_type == "Transpose" and before is not None:
            first, second = (list(a.ints) for n in (before, node) for a in n.attribute if a.name == "perm")
            if [first[i] for i in second] == list(range(len(first))):
                node = helper.make_node("Identity", [before.input[0]], [node.output[0]], name=node.name)  # noqa: PLW2901
        if node.op_type == "Transpose":
            made[node.output[0]] = node
        result.append(node)
    return result


def _drop_unused(nodes: list[NodeProto], outputs: set[str]) -> list[NodeProto]:
    needed = set(outputs)
    kept = []
    for node in reversed(nodes):
        if any(name in needed for name in node.output):
            kept.append(node)
            needed.update(node.input)
    return kept[::-1]


@dataclass(kw_only=True, eq=False)
class _Folder:
    """Folds constants and finds shapes by running every node once, on one sample of random numbers."""

    constants: dict[str, Array]
    opset: int
    versions: dict[str, int]
    grids: dict[str, Grid] = field(default_factory=dict)
    sample: dict[str, Array] = field(default_factory=dict)
    nodes: list[NodeProto] = field(default_factory=list)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    dtypes: dict[str, np.dtype[Any]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def feed(self, name: str, shape: tuple[int, ...], element_type: int) -> None:
        """Give the network's input its sample value."""
        dtype = helper.tensor_dtype_to_np_dtype(element_type)
        self._keep(name, np.random.default_rng(0).uniform(0, 1, shape).astype(dtype))

    def _keep(self, name: str, value: Array) -> None:
        self.sample[name] = value
        self.shapes[name] = value.shape
        self.dtypes[name] = value.dtype

    def visit(self, node: NodeProto) -> None:
        """Fold ``node`` into a constant, or keep it and learn the shape of what it makes."""
        names = [name for name in node.input if name]
        if node.op_type == "Shape" and names[0] in self.shapes:
            attributes = {a.name: a.i for a in node.attribute}
            dims = self.shapes[names[0]][attributes.get("start", 0) : attributes.get("end", None)]
            self.constants[node.output[0]] = np.array(dims, np.int64)
            return
        dynamic = [name for name in names if name not in self.constants]
        if dynamic:
            self.nodes.append(node)
        if any(name not in self.sample for name in dynamic):  # behind a node that could not be run
            if node.domain not in ("", "ai.onnx", QONNX_DOMAIN):
                self.problems.append(_not_executable(node, f"no executor knows the domain {node.domain}"))
            return
        values = {
            name: self.constants[name] if name in self.constants else self.sample[name] for name in names
        }
        if problem := check_quantizer(node, self.constants):
            self.problems.append(problem)
            if dynamic:
                self._keep(node.output[0], values[names[0]])
            return
        try:
            results = run_node(node, values, self.opset, self.versions)
        except Exception as error:  # noqa: BLE001 - whatever an executor raises, the node cannot be mapped
            reason = str(error).strip().splitlines()[-1][:200] if str(error).strip() else type(error).__name__
            self.problems.append(_not_executable(node, reason))
            return
        for name, value in results.items():
            if dynamic:
                self._keep(name, value)
            else:
                self.constants[name] = value
        if not dynamic:
            self._keep_grid(node, values, results)

    def _keep_grid(self, node: NodeProto, values: dict[str, Array], results: dict[str, Array]) -> None:
        """Remember the integers behind a quantized constant, through operations that only move numbers."""
        source, out = (node.input[0] if node.input else ""), node.output[0] if node.output else ""
        if node.op_type in QUANTIZERS and node.op_type != "Trunc":
            self.grids[out] = _grid_of(node, values, results[out])
        elif node.op_type == "DequantizeLinear":
            zero = values[node.input[2]] if len(node.input) > 2 else np.zeros((), np.int64)  # noqa: PLR2004
            axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
            shape = [-1 if i == axis % max(results[out].ndim, 1) else 1 for i in range(results[out].ndim)]
            scale, zero = (v if v.size == 1 else v.reshape(shape) for v in (values[node.input[1]], zero))
            integers = values[source].astype(np.int64) - zero.astype(np.int64)
            self.grids[out] = Grid(integers=integers, scale=scale.astype(np.float64))
        elif source in self.grids and node.op_type in LAYOUT and node.op_type != "Cast":
            grid = self.grids[source]
            others = {name: values[name] for name in node.input[1:] if name}

            def move(x: Array) -> Array:
                moved = run_node(node, {source: x.astype(np.float64), **others}, self.opset, self.versions)
                return moved[out]

            scale = grid.scale
            if scale.size > 1:
                scale = move(np.broadcast_to(scale, grid.integers.shape))
            self.grids[out] = Grid(integers=move(grid.integers).astype(np.int64), scale=scale)


def _not_executable(node: NodeProto, reason: str) -> Problem:
    return Problem(
        node=node.name,
        operation=f"{node.domain}:{node.op_type}" if node.domain else node.op_type,
        found=f"the operation cannot be executed ({reason})",
        accepted="operations of ONNX and of qonnx.custom_op.general",
        hint="export the network as QONNX, before any hardware-specific conversion",
    )


def _grid_of(node: NodeProto, values: dict[str, Array], value: Array) -> Grid:
    """Return the integers (zero point taken off) and scale of a constant that went through a quantizer."""
    if node.op_type == "MultiThreshold":
        attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        scale = np.array(attributes.get("out_scale", 1.0), np.float64)
    else:
        scale = np.asarray(values[node.input[1]], np.float64)
    return Grid(integers=np.rint(value / scale).astype(np.int64), scale=scale)


def check_quantizer(node: NodeProto, constants: Mapping[str, Array]) -> Problem | None:
    """Return what is wrong with the parameters of a quantizer, or None."""
    if node.op_type not in QUANTIZERS:
        return None

    def problem(found: str, accepted: str, hint: str) -> Problem:
        return Problem(node=node.name, operation=node.op_type, found=found, accepted=accepted, hint=hint)

    parameters = [name for name in node.input[1:] if name]
    missing = [name for name in parameters if name not in constants]
    if missing:
        return problem(
            f"the parameter {missing[0]} depends on the input",
            "scale, zero point and bit width that are constants",
            "export the network in evaluation mode",
        )
    wanted = {"Quant": 4, "BipolarQuant": 2, "Trunc": 5, "MultiThreshold": 2}[node.op_type]
    if len(node.input) < wanted:
        return problem(f"{len(node.input)} inputs", f"{wanted} inputs", "export the network again")
    values = {name: np.asarray(constants[name], np.float64) for name in parameters}
    for index, name in enumerate(parameters, 1):
        if np.isnan(values[name]).any():
            what = {1: "scale", 2: "zero point", 3: "bit width"}.get(index, "parameter")
            return problem(
                f"the {what} is NaN", "finite numbers", "train or calibrate the quantizer before the export"
            )
    if node.op_type == "MultiThreshold":
        return None
    scale = values[node.input[1]]
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        worst = scale.reshape(-1)[int(np.argmin(np.isfinite(scale).reshape(-1) & (scale.reshape(-1) > 0)))]
        return problem(
            f"the scale is {worst:g}",
            "a positive, finite scale",
            "train or calibrate the quantizer before the export",
        )
    for position in {"Quant": (3,), "Trunc": (3, -1), "BipolarQuant": ()}[node.op_type]:
        bits = values[node.input[position]]
        if bits.size != 1 or float(bits.reshape(-1)[0]) not in range(1, 33):
            text = bits.reshape(-1)[0] if bits.size == 1 else f"an array of {bits.size}"
            return problem(
                f"the bit width is {text}", "one whole number from 1 to 32", "fix the bit width of the layer"
            )
    return None


def run_node(
    node: NodeProto, values: Mapping[str, Array], opset: int, versions: Mapping[str, int]
) -> dict[str, Array]:
    """Run one node on arrays: QONNX operations by qonnx, all others by onnxruntime; returns {output: array}."""
    if node.domain == QONNX_DOMAIN:
        from qonnx.custom_op.registry import getCustomOp  # noqa: PLC0415 - costs a second

        context = dict(values)
        getCustomOp(node, onnx_opset_version=versions[QONNX_DOMAIN]).execute_node(context, None)
        return {name: context[name] for name in node.output if name}
    if node.op_type == "Constant":
        return {node.output[0]: _constant_value(node)}
    graph = helper.make_graph(
        [node],
        "node",
        [
            helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape)
            for n, v in values.items()
        ],
        [helper.make_empty_tensor_value_info(name) for name in node.output if name],
    )
    session = make_session(make_model(graph, opset, {}).SerializeToString())
    outputs = session.run(None, dict(values))
    return dict(zip((name for name in node.output if name), (np.asarray(o) for o in outputs), strict=True))


def _constant_value(node: NodeProto) -> Array:
    attribute = node.attribute[0]
    value = helper.get_attribute_value(attribute)
    if attribute.name == "value":
        return numpy_helper.to_array(value)
    if attribute.name.startswith("value_float"):
        return np.array(value, np.float32)
    if attribute.name.startswith("value_int"):
        return np.array(value, np.int64)
    raise ValueError(f"a constant given as {attribute.name}")
