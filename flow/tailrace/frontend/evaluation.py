# SPDX-License-Identifier: Apache-2.0
"""Run single nodes on arrays: operations of QONNX by qonnx, all others by ONNX Runtime."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, helper, numpy_helper

from tailrace.frontend.limits import graphs_of
from tailrace.frontend.operations import ADDED_DOMAINS, MICROSOFT_DOMAIN, QONNX_DOMAIN
from tailrace.graph.host import make_session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnx import GraphProto, ModelProto

Array = NDArray[Any]

IR_VERSION = 10
"""The ONNX IR version of every model that tailrace makes; onnxruntime and qonnx both read it."""


def make_model(graph: GraphProto, opset: int, versions: Mapping[str, int]) -> ModelProto:
    """Wrap a graph into a model of our IR version."""
    if any(node.domain == MICROSOFT_DOMAIN for node in graph.node):
        versions = {MICROSOFT_DOMAIN: 1, **versions}
    imports = [
        helper.make_opsetid("", opset),
        *(helper.make_opsetid(d, v) for d, v in sorted(versions.items())),
    ]
    return helper.make_model(graph, opset_imports=imports, ir_version=IR_VERSION, producer_name="tailrace")


def run_node(
    node: NodeProto, values: Mapping[str, Array], opset: int, versions: Mapping[str, int]
) -> dict[str, Array]:
    """Run one node on arrays; returns {output: array}.

    Operations of QONNX and those of an extension's domain are run by qonnx, all others by onnxruntime.
    """
    if node.domain == QONNX_DOMAIN or node.domain in ADDED_DOMAINS:
        from qonnx.custom_op.registry import getCustomOp  # noqa: PLC0415 - costs a second

        context = dict(values)
        getCustomOp(node, onnx_opset_version=versions[node.domain]).execute_node(context, None)
        return {name: context[name] for name in node.output if name}
    if node.op_type == "Constant":
        return {node.output[0]: _constant_value(node)}
    plain, names = _anonymous(node)
    model = node_model(plain, {names[name]: value for name, value in values.items()}, opset)
    session = _session(model.SerializeToString(deterministic=True))
    outputs = session.run(None, {names[name]: value for name, value in values.items()})
    return dict(zip((name for name in node.output if name), (np.asarray(o) for o in outputs), strict=True))


def reading(node: NodeProto, instead: Mapping[str, str]) -> NodeProto:
    """Return a copy of a node that reads other tensors: ``instead`` is {tensor now: tensor then}."""
    copy = NodeProto()
    copy.CopyFrom(node)
    copy.input[:] = [instead.get(name, name) for name in node.input]
    return copy


def _anonymous(node: NodeProto) -> tuple[NodeProto, dict[str, str]]:
    """Return a node with other names of tensors, the same for all nodes that are alike, and {name: other name}.

    So a network of many equal layers needs one session for all of them. A node with graphs inside keeps its names,
    because these may read them.
    """
    if graphs_of(node):
        return node, {name: name for name in (*node.input, *node.output)}
    names = {"": ""}
    for name in (*node.input, *node.output):
        names.setdefault(name, f"t{len(names)}")
    plain = NodeProto()
    plain.CopyFrom(node)
    plain.ClearField("name")
    plain.ClearField("doc_string")
    del plain.input[:], plain.output[:]
    plain.input.extend(names[name] for name in node.input)
    plain.output.extend(names[name] for name in node.output)
    return plain, names


def node_model(node: NodeProto, values: Mapping[str, Array], opset: int) -> ModelProto:
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


def in_bytes(value: Array) -> Array:
    """Return integers of 2 or 4 bits, for which numpy has no type, as ones of 8; other arrays as they are."""
    narrow = {"int4": np.int8, "uint4": np.uint8, "int2": np.int8, "uint2": np.uint8}
    return value.astype(narrow[value.dtype.name]) if value.dtype.name in narrow else value


def _constant_value(node: NodeProto) -> Array:
    attribute = node.attribute[0]
    value = helper.get_attribute_value(attribute)
    if attribute.name == "value":
        return in_bytes(numpy_helper.to_array(value))
    if attribute.name.startswith("value_float"):
        return np.array(value, np.float32)
    if attribute.name.startswith("value_int"):
        return np.array(value, np.int64)
    raise ValueError(f"a constant given as {attribute.name}")
