# SPDX-License-Identifier: Apache-2.0
"""Read an ONNX file and normalize it: domains, constants folded, Gemm taken apart, every shape known."""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, defs, helper, inliner, numpy_helper

from tailrace.core.errors import ModelError
from tailrace.frontend.dialects import channels_first
from tailrace.frontend.operations import LAYOUT, QONNX_DOMAIN, QONNX_OPERATIONS, QUANTIZERS
from tailrace.frontend.parameters import attributes_of, check_quantizer, unsupported_quantizer
from tailrace.frontend.problems import Problem
from tailrace.graph.host import make_session

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
    labels: Mapping[str, str] = field(default_factory=dict)
    """What the author called tensors and operations that normalization renamed."""
    gemms: tuple[NodeProto, ...] = field(default=())
    """The Gemm nodes that stand as MatMul, Mul and Add in ``nodes``."""
    blamed: frozenset[str] = field(default=frozenset())
    """Constants that come from a node that is refused itself."""
    problems: tuple[Problem, ...] = field(default=())
    notices: tuple[str, ...] = field(default=())

    def operation(self, node: NodeProto) -> str:
        """Return the author's name of a node's operation, with its domain where that is unusual."""
        operation = self.labels.get(node.name, node.op_type)
        return operation if node.domain in ("", QONNX_DOMAIN) else f"{node.domain}:{operation}"

    def model(self) -> onnx.ModelProto:
        """Return the normalized network as a model that the QONNX executor takes, every Gemm whole again.

        The product inside a Gemm is computed beside it, so that it can be looked at.
        """
        whole = {
            g.output[0]: g
            for g in self.gemms
            if all(n in self.constants or n in self.shapes for n in g.input)
        }
        nodes = [whole.get(node.output[0], node) for node in self.nodes]
        used = {name for node in nodes for name in node.input if name in self.constants}
        types = {t: helper.np_dtype_to_tensor_dtype(self.dtypes[t]) for t in self.shapes}
        infos = {t: helper.make_tensor_value_info(t, types[t], self.shapes[t]) for t in self.shapes}
        inner = [info for t, info in infos.items() if t not in self.inputs and t not in self.outputs]
        graph = helper.make_graph(
            nodes,
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
    except Exception as error:  # noqa: BLE001 - protobuf's DecodeError is in a module of its implementation
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
    if model.functions:
        model = inliner.inline_local_functions(model)
    graph = model.graph
    constants = {}
    for tensor in graph.initializer:
        try:
            constants[tensor.name] = _to_array(tensor, folder)
        except Exception as error:  # noqa: BLE001 - onnx raises many kinds for a damaged or missing tensor
            raise _unreadable(tensor, str(error), where) from None
    opset = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 13)
    canonical = _canonical(channels_first(graph.node, _ranks(graph)))
    versions = {QONNX_DOMAIN: _qonnx_version(model, canonical.nodes)}
    inputs = [v for v in graph.input if v.name not in constants]
    if not inputs:
        raise ModelError("the network has no input", where=where, hint="export the whole network")
    notices: list[str] = []
    state = _Folder(constants=constants, opset=opset, versions=versions, labels=canonical.labels)
    element_type = inputs[0].type.tensor_type.elem_type
    for value in inputs:
        shape = _input_shape(value, where, notices)
        if value.type.tensor_type.elem_type not in INPUT_TYPES:
            raise ModelError(
                f"the input {value.name} holds {TensorProto.DataType.Name(value.type.tensor_type.elem_type)}",
                where=where,
                hint="export the network with a float32 or an integer input",
            )
        state.feed(value.name, shape, value.type.tensor_type.elem_type)
    for what, ends in (("inputs", inputs), ("outputs", graph.output)):
        if len(ends) != 1:
            state.problems.append(
                Problem(
                    node=name,
                    operation="network",
                    found=f"the network has {len(ends)} {what} ({', '.join(v.name for v in ends)})",
                    accepted=f"one {what[:-1]}",
                    hint="split the network, or join them in it, and build each part alone",
                )
            )
    annotations = {
        a.tensor_name: {p.key: p.value for p in a.quant_parameter_tensor_names}
        for a in graph.quantization_annotation
    }
    ends_of_graph = {o.name for o in graph.output}
    known = {*constants, *(v.name for v in inputs)}
    for node in _merge_equal(_sorted(canonical.nodes, known, state.problems), ends_of_graph):
        state.visit(node)
    nodes = _drop_unused(_cancel_transposes(state.nodes), ends_of_graph)
    kept = (
        {node.name for node in nodes}
        | {name}
        | {node.name for node in canonical.nodes} - {node.name for node in state.nodes}
    )
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
        labels=canonical.labels,
        gemms=tuple(canonical.gemms),
        blamed=frozenset(state.blamed),
        problems=tuple(p for p in state.problems if p.node in kept),
        notices=tuple(notices),
    )


def _ranks(graph: onnx.GraphProto) -> dict[str, int]:
    """Return the number of axes of the tensors for which the file says it."""
    infos = [*graph.value_info, *graph.input, *graph.output]
    return {info.name: len(info.type.tensor_type.shape.dim) for info in infos}


INPUT_TYPES = frozenset(
    {
        TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BOOL, TensorProto.INT8,
        TensorProto.UINT8, TensorProto.INT16, TensorProto.UINT16, TensorProto.INT32, TensorProto.UINT32,
        TensorProto.INT64,
    }
)  # fmt: skip
"""Element types that a network's input may have."""


def _unreadable(tensor: TensorProto, reason: str, where: str) -> ModelError:
    if tensor.data_location == TensorProto.EXTERNAL:
        file = next((e.value for e in tensor.external_data if e.key == "location"), "another file")
        return ModelError(
            f"the weights {tensor.name} are in {file}, which cannot be read",
            where=where,
            hint="copy that file beside the network, or export the network as one file",
        )
    return ModelError(
        f"the weights {tensor.name} cannot be read ({reason.strip().splitlines()[0] if reason.strip() else 'no data'})",
        where=where,
        hint="export the network again",
    )


def _qonnx_version(model: onnx.ModelProto, nodes: list[NodeProto]) -> int:
    """Return the version of the QONNX operations: what a Trunc's operands say, else what the file imports."""
    for node in nodes:
        if node.op_type == "Trunc":
            return 1 if len(node.input) <= 5 else 2
    imported = [int(o.version) for o in model.opset_import if re.search("qonnx|brevitas|finn", o.domain)]
    return max([1, *imported])


def _sorted(nodes: list[NodeProto], known: set[str], problems: list[Problem]) -> list[NodeProto]:
    """Return the nodes in an order in which every tensor is written before it is read."""
    written = {name for node in nodes for name in node.output if name}
    ready, done, waiting = [], set(known), list(nodes)
    for node in nodes:
        missing = [name for name in node.input if name and name not in written | known]
        if missing:
            problems.append(
                Problem(
                    node=node.name,
                    operation=node.op_type,
                    found=f"it reads {', '.join(missing)}, which nothing writes",
                    accepted="inputs that are weights, the network's input, or outputs of other nodes",
                    hint="export the network again: the file is not whole",
                )
            )
            done.update(missing)
    while waiting:
        later = []
        for node in waiting:
            if all(not name or name in done for name in node.input):
                ready.append(node)
                done.update(node.output)
            else:
                later.append(node)
        if len(later) == len(waiting):
            problems.append(
                Problem(
                    node=later[0].name,
                    operation=later[0].op_type,
                    found=f"its input depends on its own output {later[0].output[0]}",
                    accepted="a network without loops",
                    hint="unroll the loop before the export",
                )
            )
            return ready
        waiting = later
    return ready


def _merge_equal(nodes: list[NodeProto], ends: set[str]) -> list[NodeProto]:
    """Let (de)quantizers that do the same with the same tensor be one: exporters write one for every reader."""
    seen: dict[bytes, NodeProto] = {}
    renamed: dict[str, str] = {}
    result = []
    for node in nodes:
        for position, name in enumerate(node.input):
            node.input[position] = renamed.get(name, name)
        if node.op_type in ("QuantizeLinear", "DequantizeLinear") and node.output[0] not in ends:
            twin = NodeProto()
            twin.CopyFrom(node)
            twin.ClearField("name")
            twin.ClearField("output")
            first = seen.setdefault(twin.SerializeToString(deterministic=True), node)
            if first is not node:
                renamed[node.output[0]] = first.output[0]
                continue
        result.append(node)
    return result


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Canonical:
    """Nodes in one dialect, and what the author called those that were rewritten."""

    nodes: list[NodeProto]
    labels: dict[str, str]
    gemms: list[NodeProto]


def _canonical(nodes: Any) -> _Canonical:  # noqa: ANN401 - a protobuf container
    """Return copies of the nodes in one dialect: QONNX domain, no Gemm, no empty operands, unique names."""
    result: list[NodeProto] = []
    labels: dict[str, str] = {}
    gemms: list[NodeProto] = []
    names: set[str] = set()
    for index, original in enumerate(nodes):
        node = NodeProto()
        node.CopyFrom(original)
        base = node.name or f"{node.op_type}_{index}"
        node.name = base if base not in names else f"{base}_{index}"
        names.add(node.name)
        if node.domain == "ai.onnx":
            node.domain = ""
        if node.op_type in QONNX_OPERATIONS and _is_qonnx(node.domain):
            node.domain = QONNX_DOMAIN
        if node.op_type == "IntQuant" and node.domain == QONNX_DOMAIN:
            node.op_type = "Quant"
        while node.input and not node.input[-1]:
            node.input.pop()
        while len(node.output) > 1 and not node.output[-1]:
            node.output.pop()
        if node.domain == "" and node.op_type == "Gemm":
            labels[node.name] = "Gemm"
            gemms.append(node)
            result.extend(_split_gemm(node, labels))
        elif node.domain == "" and node.op_type == "Clip":
            result.append(_plain_clip(node))
        elif node.op_type == "MultiThreshold":
            result.extend(_counted(node))
        else:
            result.append(node)
    return _Canonical(nodes=result, labels=labels, gemms=gemms)


def _is_qonnx(domain: str) -> bool:
    """Say whether operations of QONNX's names in this domain are QONNX's; exporters have used many spellings."""
    return domain in ("", "finn", "onnx.brevitas", "qonnx", "finn.custom_op.general", QONNX_DOMAIN)


def _counted(node: NodeProto) -> list[NodeProto]:
    """Write a MultiThreshold as the count of thresholds, times its scale, plus its bias: three float32 operations."""
    attributes = attributes_of(node)
    steps = [("Mul", attributes.pop("out_scale", 1.0), 1.0), ("Add", attributes.pop("out_bias", 0.0), 0.0)]
    steps = [step for step in steps if step[1] != step[2]]
    if not steps or not all(np.isfinite(value) for _, value, _ in steps) or steps[0][:2] == ("Mul", 0.0):
        return [node]
    out = node.output[0]
    parts = [
        helper.make_node(
            "MultiThreshold",
            list(node.input),
            [f"{out}/count"],
            name=node.name,
            domain=node.domain,
            **attributes,
        )
    ]
    before = f"{out}/count"
    for operation, value, _ in steps:
        word = operation.lower()
        made = out if operation == steps[-1][0] else f"{out}/{word}"
        parts.append(_constant(f"{out}/{word}_constant", value))
        parts.append(
            helper.make_node(
                operation, [before, f"{out}/{word}_constant"], [made], name=f"{node.name}/{word}"
            )
        )
        before = made
    return parts


def _plain_clip(node: NodeProto) -> NodeProto:
    """Write a Clip whose lower bound is left out, which the QONNX executor cannot read, as Min."""
    if len(node.input) == 3 and not node.input[1]:
        return helper.make_node("Min", [node.input[0], node.input[2]], list(node.output), name=node.name)
    return node


def _split_gemm(node: NodeProto, labels: dict[str, str]) -> list[NodeProto]:
    """Write ``alpha * A' @ B' + beta * C`` as Transpose, MatMul, Mul, Add."""
    attributes = attributes_of(node)
    base = node.output[0]
    parts: list[NodeProto] = []
    a, b = node.input[0], node.input[1]
    if attributes.get("transA", 0):
        labels[f"{node.name}/transA"] = "Gemm"
        parts.append(
            helper.make_node("Transpose", [a], [f"{base}/a"], name=f"{node.name}/transA", perm=[1, 0])
        )
        a = f"{base}/a"
    if attributes.get("transB", 0):
        labels[f"{base}/b"] = b
        parts.append(
            helper.make_node("Transpose", [b], [f"{base}/b"], name=f"{node.name}/transB", perm=[1, 0])
        )
        b = f"{base}/b"
    chain: list[tuple[str, str, float | None]] = [("MatMul", b, None)]
    if attributes.get("alpha", 1.0) != 1.0:
        chain.append(("Mul", f"{base}/alpha", attributes["alpha"]))
    c = node.input[2] if len(node.input) > 2 else ""
    if c and attributes.get("beta", 1.0) != 1.0:
        parts.append(_constant(f"{base}/beta", attributes["beta"]))
        parts.append(helper.make_node("Mul", [c, f"{base}/beta"], [f"{base}/c"], name=f"{node.name}/beta"))
        c = f"{base}/c"
    if c:
        chain.append(("Add", c, None))
    for index, (operation, operand, value) in enumerate(chain):
        out = node.output[0] if index == len(chain) - 1 else f"{base}/{operation.lower()}"
        if value is not None:
            parts.append(_constant(operand, value))
        name = node.name if operation == "MatMul" else f"{node.name}/{operation.lower()}"
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
    labels: Mapping[str, str]
    grids: dict[str, Grid] = field(default_factory=dict)
    blamed: set[str] = field(default_factory=set)
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
        node = _inference(node, self.constants)
        names = [name for name in node.input if name]
        if node.op_type == "Shape" and names[0] in self.shapes:
            attributes = attributes_of(node)
            dims = self.shapes[names[0]][attributes.get("start", 0) : attributes.get("end", None)]
            self.constants[node.output[0]] = np.array(dims, np.int64)
            return
        dynamic = [name for name in names if name not in self.constants]
        if dynamic:
            self.nodes.append(node)
        if (
            problem := _foreign(node)
            or _random(node, self.constants)
            or check_quantizer(node, self.constants)
        ):
            self.problems.append(problem)
            if dynamic and problem.operation in QUANTIZERS and dynamic[0] in self.sample:
                self._keep(node.output[0], self.sample[dynamic[0]])
            return
        if any(name not in self.sample for name in dynamic):  # behind a node that could not be run
            return
        values = {
            name: self.constants[name] if name in self.constants else self.sample[name] for name in names
        }
        try:
            results = run_node(node, values, self.opset, self.versions)
        except Exception as error:  # noqa: BLE001 - whatever an executor raises, the node cannot be mapped
            self.problems.append(_not_executable(node, self.labels.get(node.name, node.op_type), str(error)))
            return
        if node.op_type in QUANTIZERS and results[node.output[0]].shape != values[names[0]].shape:
            self.problems.append(_broadcasts(node, values[names[0]].shape, results[node.output[0]].shape))
            return
        if not dynamic and node.op_type == "FloatQuant":
            self.problems.append(unsupported_quantizer(node))
            self.blamed.update(node.output)
        elif not dynamic and self.blamed.intersection(names):
            self.blamed.update(node.output)
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
        if node.op_type == "DequantizeLinear":
            scale, zero = dequantization(node, values, results[out].ndim)
            if scale.ndim <= results[out].ndim:
                integers = values[source].astype(np.int64) - zero.astype(np.int64)
                self.grids[out] = Grid(integers=integers, scale=scale.astype(np.float64))
        elif node.op_type in QUANTIZERS and node.op_type != "Trunc":
            grid_of_node = _grid_of(node, values, results[out])
            if grid_of_node is not None:
                self.grids[out] = grid_of_node
        elif node.op_type in ("Mul", "Div") and len({*node.input} & {*self.grids}) == 1:
            self._scale_grid(node, values, results[out])
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

    def _scale_grid(self, node: NodeProto, values: dict[str, Array], result: Array) -> None:
        """Remember the integers of a quantized constant times or over a float constant."""
        position = 0 if node.input[0] in self.grids else 1
        other = values[node.input[1 - position]].astype(np.float64)
        grid = self.grids[node.input[position]]
        if node.op_type == "Div" and (position == 1 or not other.all()):
            return
        scale = grid.scale * other if node.op_type == "Mul" else grid.scale / other
        if result.shape == grid.integers.shape and result.dtype.kind == "f" and np.isfinite(scale).all():
            self.grids[node.output[0]] = Grid(integers=grid.integers, scale=scale)


def _inference(node: NodeProto, constants: Mapping[str, Array]) -> NodeProto:
    """Write a Dropout that drops nothing as Identity."""
    if node.op_type != "Dropout" or node.domain or _in_training(node, constants):
        return node
    if len(node.output) > 1:
        return node
    return helper.make_node("Identity", [node.input[0]], list(node.output), name=node.name)


def _in_training(node: NodeProto, constants: Mapping[str, Array]) -> bool:
    if node.op_type == "Dropout":
        return len(node.input) > 2 and bool(np.any(constants.get(node.input[2], False)))
    return bool(attributes_of(node).get("training_mode", 0)) or len(node.output) > 1


def _random(node: NodeProto, constants: Mapping[str, Array]) -> Problem | None:
    """Return a problem where a node's result is not a function of the network's input."""
    training = node.op_type in ("Dropout", "BatchNormalization") and _in_training(node, constants)
    if node.domain or not (
        training or node.op_type.startswith("Random") or node.op_type in ("Bernoulli", "Multinomial")
    ):
        return None
    if node.op_type == "Dropout" and not _in_training(node, constants):
        return None
    return Problem(
        node=node.name,
        operation=node.op_type,
        found="it is in training mode" if training else "its result is random",
        accepted="operations whose result depends on the network's input alone",
        hint="export the network in evaluation mode (PyTorch: module.eval())",
    )


def _foreign(node: NodeProto) -> Problem | None:
    """Return a problem where a node is neither of ONNX nor of QONNX."""
    if node.domain in ("", QONNX_DOMAIN, "ai.onnx.ml"):
        return _unknown(node)
    hint = "export the network as plain ONNX with the quantizers of QONNX, or as QCDQ"
    if "fpgadataflow" in node.domain:
        hint = "this is a stage of FINN's hardware build: give the QONNX file that FINN was given"
    elif node.domain == "com.microsoft":
        hint = "give the file as it was before ONNX Runtime optimized it"
    elif node.op_type == "QuantLSTMCell":
        hint = (
            "Brevitas writes a QuantLSTM as this one node whatever the export: write the cell out of QuantLinear, "
            "QuantSigmoid and QuantTanh layers over a fixed number of steps, or run it in software"
        )
    return Problem(
        node=node.name,
        operation=f"{node.domain}:{node.op_type}",
        found=f"the domain {node.domain} is unknown",
        accepted="operations of ONNX, and Quant, BipolarQuant, Trunc and MultiThreshold of QONNX",
        hint=hint,
    )


DEEPLOY = frozenset(
    {
        "RequantShift",
        "RequantizedConv",
        "RequantizedGemm",
        "iSoftmax",
        "iRMSNorm",
        "iNoNorm",
        "iLayerNorm",
        "iGELU",
    }
)
"""Operations of Deeploy and QuantLib, which stand in the domain of ONNX in their files."""


def _unknown(node: NodeProto) -> Problem | None:
    """Return a problem where a node claims to be of ONNX, and ONNX has no operation of that name."""
    if node.domain or defs.has(node.op_type):
        return None
    hint = "export the network as plain ONNX with the quantizers of QONNX, or as QCDQ"
    if node.op_type in DEEPLOY:
        hint = (
            "this is an operation of Deeploy's own: give the network as it was before QuantLib or Deeploy made "
            "integers of it, with its quantizers as QONNX or QCDQ"
        )
    return Problem(
        node=node.name,
        operation=node.op_type,
        found=f"ONNX has no operation {node.op_type}",
        accepted="operations of ONNX, and Quant, BipolarQuant, Trunc and MultiThreshold of QONNX",
        hint=hint,
    )


def _broadcasts(node: NodeProto, before: tuple[int, ...], after: tuple[int, ...]) -> Problem:
    return Problem(
        node=node.name,
        operation=node.op_type,
        found=f"its parameters turn a tensor of shape {list(before)} into one of shape {list(after)}",
        accepted="one scale and zero point, or one per channel along an axis of the tensor",
        hint="give scale and zero point the shape of the tensor, with 1 for every axis but the channels",
    )


def _not_executable(node: NodeProto, operation: str, error: str) -> Problem:
    line = error.strip().splitlines()[-1] if error.strip() else "no reason given"
    reason = re.split(r"Status Message: |: FAIL : |INVALID_GRAPH : ", line)[-1][:160]
    return Problem(
        node=node.name,
        operation=operation,
        found=f"the operation cannot be executed ({reason})",
        accepted="nodes that ONNX Runtime or qonnx can run",
        hint="run the file with onnxruntime or qonnx.util.inference; it has to be exported again",
    )


def dequantization(node: NodeProto, values: Mapping[str, Array], rank: int) -> tuple[Array, Array]:
    """Return scale and zero point of a DequantizeLinear or QuantizeLinear, shaped to broadcast against its tensor."""
    scale = values[node.input[1]]
    zero = values[node.input[2]] if len(node.input) > 2 else np.zeros((), np.int64)
    axis = attributes_of(node).get("axis", 1)
    shape = [-1 if i == axis % max(rank, 1) else 1 for i in range(rank)]

    def spread(value: Array) -> Array:
        return value.reshape(()) if value.size == 1 else value.reshape(shape) if value.ndim == 1 else value

    return spread(scale), spread(zero)


def _grid_of(node: NodeProto, values: dict[str, Array], value: Array) -> Grid | None:
    """Return the integers (zero point taken off) and scale of a constant that went through a quantizer."""
    if node.op_type == "MultiThreshold":
        scale = np.array(attributes_of(node).get("out_scale", 1.0), np.float64)
    else:
        scale = np.asarray(values[node.input[1]], np.float64)
    for parts in (1, 2, 4, 8, 16):  # a zero point may lie between two integers
        integers = np.rint(value * (parts / scale)).astype(np.int64)
        if np.array_equal((integers * (scale / parts)).astype(value.dtype), value):
            return Grid(integers=integers, scale=scale / parts)
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
    model = node_model(node, values, opset)
    session = _session(model.SerializeToString(deterministic=True))
    outputs = session.run(None, dict(values))
    return dict(zip((name for name in node.output if name), (np.asarray(o) for o in outputs), strict=True))


def node_model(node: NodeProto, values: Mapping[str, Array], opset: int) -> onnx.ModelProto:
    """Return a model of one node, for inputs of the shapes and types of ``values``."""
    infos = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape)
        for n, v in values.items()
    ]
    outputs = [helper.make_empty_tensor_value_info(name) for name in node.output if name]
    return make_model(helper.make_graph([node], "node", infos, outputs), opset, {})


@lru_cache(maxsize=256)
def _session(model: bytes) -> Any:  # noqa: ANN401 - onnxruntime has no types
    return make_session(model)


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
