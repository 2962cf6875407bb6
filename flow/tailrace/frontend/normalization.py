# SPDX-License-Identifier: Apache-2.0
"""Normalize a network: one dialect, nodes in order, constants folded, every shape known."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, defs, inliner, numpy_helper

from tailrace.core.errors import ModelError
from tailrace.core.limits import DEFAULT_LIMITS, Limits
from tailrace.frontend.arrangement import cancel_transposes, drop_unused, merge_equal, sort_nodes
from tailrace.frontend.constants import Folder
from tailrace.frontend.dialects import canonical
from tailrace.frontend.evaluation import in_bytes
from tailrace.frontend.limits import check_functions, elements, too_large
from tailrace.frontend.network import Network
from tailrace.frontend.operations import ADDED_DOMAINS, QONNX_DOMAIN, QUANTIZERS
from tailrace.frontend.recurrence import step_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from onnx import GraphProto, ModelProto, ValueInfoProto

Array = NDArray[Any]


def normalize(
    model: ModelProto,
    name: str,
    *,
    sha256: str = "",
    where: str = "",
    folder: Path | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Network:
    """Normalize ``model``; see :class:`Network`. ModelError where it is no network, or larger than ``limits``."""
    where = where or name
    check_texts(model, where)
    check_functions(model, limits, where)
    if model.functions:
        try:
            model = inliner.inline_local_functions(model)
        except (RuntimeError, ValueError) as error:
            reason = str(error).splitlines()[0].rsplit(": ", 1)[-1]  # without the place in ONNX's own source
            raise ModelError(
                f"its functions cannot be put in the place of their calls: {reason}",
                where=where,
                hint="export the network again; onnx.checker.check_model says more",
            ) from None
    step = step_of(model, _opset(model, where), limits, where)
    model = step.model
    graph = model.graph
    constants = _weights(graph, folder, where)
    opset = _opset(model, where)
    inputs = [v for v in graph.input if v.name not in constants]
    check_weights_are_there(graph, [v.name for v in inputs], where)
    if not inputs:
        raise ModelError("the network has no input", where=where, hint="export the whole network")
    if not graph.output:
        raise ModelError("the network has no output", where=where, hint="export the whole network")
    check_ends(inputs, "input", where)
    check_ends(graph.output, "output", where)
    whole = canonical(graph.node, {*constants, *(v.name for v in inputs)}, _ranks(graph), opset)
    imported = {o.domain: int(o.version) for o in model.opset_import}
    versions = {QONNX_DOMAIN: _qonnx_version(model, whole.nodes)}
    versions |= {
        domain: imported.get(domain, 1) for domain in ADDED_DOMAINS if domain in _domains(whole.nodes)
    }
    notices: list[str] = list(step.notices)
    state = Folder(
        constants=constants,
        opset=opset,
        versions=versions,
        labels=whole.labels,
        limits=limits,
        where=where,
        refused={problem.node for problem in whole.problems},
    )
    for value in inputs:
        shape = _input_shape(value, where, notices, limits)
        state.feed(value.name, shape, _input_type(value, where))
    ends = {o.name for o in graph.output}
    nodes = sort_nodes(whole.nodes, {*constants, *(v.name for v in inputs)}, state.problems)
    state.fold(merge_equal(nodes, ends), ends)
    nodes = drop_unused(cancel_transposes(state.nodes), ends)
    unused = {node.name for node in state.nodes} - {node.name for node in nodes}
    return Network(
        name=name,
        sha256=sha256,
        opset=opset,
        versions=versions,
        inputs=tuple(v.name for v in inputs),
        input_types={v.name: v.type.tensor_type.elem_type for v in inputs},
        input_annotations={v.name: _annotation(graph, v.name) for v in inputs},
        outputs=tuple(o.name for o in graph.output),
        nodes=tuple(nodes),
        constants=state.constants,
        grids=state.grids,
        shapes=state.shapes,
        dtypes=state.dtypes,
        labels=whole.labels,
        wholes=(*whole.wholes, *state.wholes),
        blamed=frozenset(state.blamed),
        problems=(*whole.problems, *(p for p in state.problems if p.node not in unused)),
        notices=tuple(notices),
        limits=limits,
        states=step.states,
        initial=step.initial,
    )


def check_ends(values: Iterable[ValueInfoProto], what: str, where: str) -> None:
    """Raise ModelError where two inputs, or two outputs, have one name."""
    counts = Counter(value.name for value in values)
    for name, count in counts.items():
        if count > 1:
            raise ModelError(
                f"the {what} {name} is there {count} times",
                where=where,
                hint="export the network again; each of its ends needs a name of its own",
            )


WEIGHT_OPERANDS = {
    **dict.fromkeys(("Conv", "ConvTranspose", "Gemm"), (1, 2)),
    "BatchNormalization": (1, 2, 3, 4),
}
"""{operation: its operands that are weights}, as far as the operation alone tells it."""


ON_WEIGHTS = QUANTIZERS | {"IntQuant", "QuantizeLinear", "Clip", "Transpose", "Reshape", "Identity"}
"""What may stand between a layer and its weights."""


def check_weights_are_there(graph: GraphProto, inputs: Sequence[str], where: str) -> None:
    """Raise ModelError where weights are inputs of the network without values: they were left out of the file."""
    if len(inputs) < 2:
        return
    makers = {name: node for node in graph.node for name in node.output}
    found: set[str] = set()
    for node in graph.node:
        for place in WEIGHT_OPERANDS.get(node.op_type, ()):
            name = node.input[place] if place < len(node.input) else ""
            while name in makers and makers[name].op_type in ON_WEIGHTS:
                name = makers[name].input[0]
            found.add(name)
    weights = [name for name in inputs if name in found]
    if weights and len(weights) < len(inputs):
        some = ", ".join(weights[:3]) + (", ..." if len(weights) > 3 else "")
        raise ModelError(
            f"{len(weights)} of its {len(inputs)} inputs are weights without values ({some})",
            where=where,
            hint="export the network with its weights: torch.onnx.export(..., export_params=True); that they are "
            "listed as inputs too (keep_initializers_as_inputs=True) does no harm",
        )


def check_texts(message: Any, where: str) -> None:  # noqa: ANN401 - protobuf has no types
    """Raise ModelError where a name in the file is no text: protobuf hands it on as bytes, and nobody can write it."""
    waiting = [message]
    while waiting:
        for field, value in waiting.pop().ListFields():
            values = value if field.is_repeated else [value]
            if field.type == field.TYPE_MESSAGE:
                waiting.extend(values)
            elif field.type == field.TYPE_STRING and any(isinstance(text, bytes) for text in values):
                bad = next(text for text in values if isinstance(text, bytes))
                raise ModelError(
                    f"a name in the file is no text: {bad[:40]!r} as {field.name} of {field.containing_type.name}",
                    where=where,
                    hint="export it again, or copy it again: it may be damaged",
                )


def _weights(graph: GraphProto, folder: Path | None, where: str) -> dict[str, Array]:
    constants = {}
    for tensor in graph.initializer:
        try:
            constants[tensor.name] = in_bytes(numpy_helper.to_array(tensor, str(folder) if folder else ""))
        except Exception as error:  # noqa: BLE001 - onnx raises many kinds for a damaged or missing tensor
            raise _unreadable(tensor, str(error), where) from None
    return constants


def _opset(model: ModelProto, where: str) -> int:
    """Return the version of ONNX that the file is written for; 13 where it says none."""
    opset = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 13)
    if not 1 <= opset <= defs.onnx_opset_version():
        raise ModelError(
            f"the file is written for version {opset} of ONNX's operations",
            where=where,
            hint=f"export the network for a version up to {defs.onnx_opset_version()}",
        )
    return int(opset)


def _annotation(graph: GraphProto, name: str) -> str:
    """Return the data type that FINN wrote beside a tensor, or ""."""
    for annotation in graph.quantization_annotation:
        if annotation.tensor_name == name:
            return next(
                (p.value for p in annotation.quant_parameter_tensor_names if p.key == "finn_datatype"), ""
            )
    return ""


def _ranks(graph: GraphProto) -> dict[str, int]:
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


def _domains(nodes: Sequence[NodeProto]) -> set[str]:
    return {node.domain for node in nodes}


def _qonnx_version(model: ModelProto, nodes: list[NodeProto]) -> int:
    """Return the version of the QONNX operations: what a Trunc's operands say, else what the file imports."""
    for node in nodes:
        if node.op_type == "Trunc":
            return 1 if len(node.input) <= 5 else 2
    imported = [int(o.version) for o in model.opset_import if re.search("qonnx|brevitas|finn", o.domain)]
    return max([1, *imported])


def _input_shape(value: ValueInfoProto, where: str, notices: list[str], limits: Limits) -> tuple[int, ...]:
    kind = value.type.tensor_type
    if not value.type.HasField("tensor_type"):
        raise ModelError(
            f"the input {value.name} is no tensor",
            where=where,
            hint="export the network with one tensor as input",
        )
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
    if elements(dims) > limits.elements:
        text = f"the input {value.name} of shape [{', '.join(map(str, dims))}] is too large"
        raise too_large(text, elements(dims), "elements", limits.elements, where)
    return tuple(dims)


def _input_type(value: ValueInfoProto, where: str) -> int:
    kind = value.type.tensor_type.elem_type
    if kind not in INPUT_TYPES:
        known = kind in TensorProto.DataType.values()
        raise ModelError(
            f"the input {value.name} holds {TensorProto.DataType.Name(kind) if known else f'the unknown type {kind}'}",
            where=where,
            hint="export the network with a float32 or an integer input",
        )
    return kind
