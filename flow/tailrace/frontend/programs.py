# SPDX-License-Identifier: Apache-2.0
"""Cut a chain of float operations out of a network, as a model of its own that takes a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, helper, numpy_helper

from tailrace.frontend.attributes import Attributes
from tailrace.frontend.evaluation import make_model
from tailrace.frontend.operations import POSITION_DEPENDENT, WHOLE_VECTORS
from tailrace.graph.host import FloatProgram, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tailrace.frontend.network import Network

Array = NDArray[Any]


def cut(network: Network, nodes: Sequence[NodeProto], start: str, end: str) -> FloatProgram:
    """Return the program from tensor ``start`` to tensor ``end``; the first axis becomes any number of samples."""
    if not depends_on_position(network, nodes):
        program = _build(network, nodes, start, end, batched=True)
        if _is_batched(network, program, start, end):
            return program
    return _build(network, nodes, start, end, batched=False)


def depends_on_position(network: Network, nodes: Sequence[NodeProto]) -> bool:
    """Say whether the last bit of some operation depends on where in its array an element stands."""
    return any(
        node.op_type in POSITION_DEPENDENT
        and int(np.prod(network.shapes[node.output[0]], dtype=np.int64)) % WHOLE_VECTORS
        for node in nodes
    )


def _build(
    network: Network, nodes: Sequence[NodeProto], start: str, end: str, *, batched: bool
) -> FloatProgram:
    constants: dict[str, Array] = {}
    copies = []
    for index, node in enumerate(nodes):
        copy = NodeProto()
        copy.CopyFrom(node)
        for position, name in enumerate(node.input):
            if name in network.constants:
                constants[name] = network.constants[name]
            if batched and node.op_type == "Reshape" and position == 1 and name in network.constants:
                target = network.constants[name].copy()
                if target.size and target[0] == 1:
                    target[0] = -1 if not (target == -1).any() else 0
                copy.input[1] = f"{name}/batch{index}"
                constants[copy.input[1]] = target
        copies.append(copy)
    dtype = helper.np_dtype_to_tensor_dtype(network.dtypes[start])
    out_type = helper.np_dtype_to_tensor_dtype(network.dtypes[end])
    shape: list[int | None] = list(network.shapes[start])
    if batched and shape:
        shape[0] = None
    used = {name for node in copies for name in node.input if name in constants}
    graph = helper.make_graph(
        copies,
        "host",
        [helper.make_tensor_value_info(start, dtype, shape)],
        [helper.make_tensor_value_info(end, out_type, None)],
        [numpy_helper.from_array(constants[name], name) for name in sorted(used)],
    )
    model = make_model(graph, network.opset, {}).SerializeToString(deterministic=True)
    return FloatProgram(model=model, steps=tuple(describe(network, node) for node in nodes), batched=batched)


def _is_batched(network: Network, program: FloatProgram, start: str, end: str) -> bool:
    """Say whether two samples at once give what they give one by one."""
    shape = network.shapes[start]
    if not shape or shape[0] != 1:
        return False
    samples = np.random.default_rng(1).uniform(-1, 1, (2, *shape[1:])).astype(network.dtypes[start])
    try:
        both = program(samples)
        single = [program(samples[i : i + 1]) for i in range(2)]
    except Exception:  # noqa: BLE001 - whatever the runtime raises: it does not take a batch
        return False
    return (
        both.shape[0] == 2
        and single[0].shape == network.shapes[end]
        and np.array_equal(both, np.concatenate(single), equal_nan=both.dtype.kind == "f")
    )


def describe(network: Network, node: NodeProto) -> str:
    """Say in a few words what a node does."""
    attributes = Attributes(node)
    words = [f"{name} {number(attributes.number(name))}" for name in attributes if attributes.is_number(name)]
    for name in node.input[1:]:
        if name in network.constants:
            value = network.constants[name]
            if value.size == 1:
                words.append(
                    number(value.reshape(-1)[0]) if value.dtype.kind == "f" else str(value.reshape(-1)[0])
                )
            elif value.ndim <= 1 and value.size <= 4 and value.dtype.kind in "iu":
                words.append("x".join(str(v) for v in value.tolist()))
            else:
                words.append(f"[{' x '.join(map(str, value.shape))} constants]")
    return f"{node.op_type} {', '.join(words)}".strip()
