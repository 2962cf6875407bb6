# SPDX-License-Identifier: Apache-2.0
"""How large a network may be: sizes are looked at before anything of that size is made.

A file of a few hundred bytes can ask for any amount of memory and time: by the dimensions of a tensor, by functions
that call each other, by operations that repeat their input. What is beyond the limits is answered, and the limits can
be raised.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import onnx
from numpy.typing import NDArray
from onnx import AttributeProto, NodeProto, helper, numpy_helper, shape_inference

from tailrace.core.errors import ModelError
from tailrace.frontend.operations import QONNX_DOMAIN, QUANTIZERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from onnx import FunctionProto, ModelProto

    from tailrace.core.limits import Limits

Array = NDArray[Any]


SHAPE_VALUES = 64
"""Elements of a constant up to which its values may say the shape of a result."""


def too_large(what: str, count: int, name: str, limit: int, where: str) -> ModelError:
    """Return the error of a network that is larger than a limit."""
    return ModelError(
        f"{what}: {_power(count)} {name}, at most {_power(limit)} are taken",
        where=where,
        hint=f"if this is meant, raise the limit: --limits {name}=N, or load(path, limits=Limits({name}=N))",
    )


def _power(count: int) -> str:
    return f"{count:,}" if count < 1 << 40 else f"more than 2^{count.bit_length() - 1}"


def elements(shape: Sequence[int]) -> int:
    """Return the number of elements of a shape, however large."""
    return prod(int(n) for n in shape)


# Functions


def check_functions(model: ModelProto, limits: Limits, where: str) -> None:
    """Raise ModelError where functions call each other in a circle, or expand to more nodes than there may be."""
    functions = {_key(f.domain, f.name, f.overload): f for f in model.functions}
    sizes: dict[tuple[str, str, str], int] = {}
    for root in functions:
        _measure(root, functions, sizes, where)
    count = _expanded(model.graph.node, functions, sizes)
    if count > limits.nodes:
        raise too_large("the network is too large", count, "nodes", limits.nodes, where)


def _measure(
    root: tuple[str, str, str],
    functions: Mapping[tuple[str, str, str], FunctionProto],
    sizes: dict[tuple[str, str, str], int],
    where: str,
) -> None:
    """Find the number of nodes of a function and of all that it calls; without recursion, as they may be deep."""
    path: dict[tuple[str, str, str], Iterator[tuple[str, str, str]]] = {}
    waiting = [root]
    while waiting:
        key = waiting[-1]
        if key in sizes:
            waiting.pop()
            continue
        called = path.setdefault(
            key, iter([k for k in map(_called, _all_nodes(functions[key].node)) if k in functions])
        )
        for inner in called:
            if inner in path and inner not in sizes:
                raise ModelError(
                    f"the function {inner[1]} calls itself"
                    + (f" (through {key[1]})" if key != inner else ""),
                    where=where,
                    hint="export the network without functions, or expand them before the export",
                )
            if inner not in sizes:
                waiting.append(inner)
                break
        else:
            sizes[key] = _expanded(functions[key].node, functions, sizes)
            waiting.pop()


def _expanded(
    nodes: Iterable[NodeProto],
    functions: Mapping[tuple[str, str, str], FunctionProto],
    sizes: Mapping[tuple[str, str, str], int],
) -> int:
    return sum(sizes[_called(n)] if _called(n) in functions else 1 for n in _all_nodes(nodes))


def _key(domain: str, name: str, overload: str) -> tuple[str, str, str]:
    return ("" if domain == "ai.onnx" else domain, name, overload)


def _called(node: NodeProto) -> tuple[str, str, str]:
    return _key(node.domain, node.op_type, node.overload)


def _all_nodes(nodes: Iterable[NodeProto]) -> Iterator[NodeProto]:
    """Go through nodes and those of the graphs inside them."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        yield node
        for graph in graphs_of(node):
            waiting.extend(graph.node)


def graphs_of(node: NodeProto) -> list[onnx.GraphProto]:
    """Return the graphs inside a node: bodies of loops, branches."""
    found = []
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            found.append(attribute.g)
        found.extend(attribute.graphs)
    return found


UNBOUNDED = frozenset(
    {"Loop", "Scan", "SequenceMap", "Einsum", "HannWindow", "HammingWindow", "BlackmanWindow", "MelWeightMatrix", "DFT",
     "STFT", "Col2Im", "SequenceConstruct", "ConcatFromSequence", "SplitToSequence", "StringSplit", "StringConcat"}
)  # fmt: skip
"""Operations of which nobody knows before how long they run and how much they make; none of them is ever mapped."""


def is_endless(node: NodeProto) -> bool:
    """Say whether running a node, or one inside it, may take any time or memory."""
    if node.domain == QONNX_DOMAIN:
        return node.op_type not in QUANTIZERS | {"FloatQuant"}
    return any(n.op_type in UNBOUNDED for n in _all_nodes([node]))


# Single nodes


def result_shapes(node: NodeProto, values: Mapping[str, Array], opset: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a node's results as far as ONNX's shape inference knows them, without running it."""
    if node.domain or not onnx.defs.has(node.op_type, max_inclusive_version=opset):
        return {}
    if _ends_the_process(node, values):
        return {}
    schema = onnx.defs.get_schema(node.op_type, max_inclusive_version=opset)
    types = {
        name: helper.make_tensor_type_proto(helper.np_dtype_to_tensor_dtype(v.dtype), v.shape)
        for name, v in values.items()
    }
    small = {
        name: numpy_helper.from_array(v)
        for name, v in values.items()
        if v.size <= SHAPE_VALUES and name in node.input[1:]
    }
    if node.op_type in ("ConstantOfShape", "Range", "Expand"):
        small |= {n: numpy_helper.from_array(v) for n, v in values.items() if v.size <= SHAPE_VALUES}
    try:
        found = shape_inference.infer_node_outputs(
            schema, node, types, small, opset_imports=[helper.make_opsetid("", opset)], ir_version=10
        )
    except Exception:  # noqa: BLE001 - what is wrong with the node, running it will say
        return {}
    shapes = {}
    for name, kind in found.items():
        dims = kind.tensor_type.shape.dim
        if kind.tensor_type.HasField("shape") and all(d.HasField("dim_value") for d in dims):
            shapes[name] = tuple(d.dim_value for d in dims)
    return shapes


def _ends_the_process(node: NodeProto, values: Mapping[str, Array]) -> bool:
    """Say whether ONNX's shape inference would divide by zero, or read what is not there, on a window over an image."""
    if node.op_type not in WINDOWS:
        return False
    numbers = {
        a.name: list(a.ints) for a in node.attribute if a.name in ("strides", "dilations", "kernel_shape")
    }
    ranks = [values[name].ndim for name in node.input[: 2 if "Conv" in node.op_type else 1] if name in values]
    groups = [a.i for a in node.attribute if a.name == "group"]
    return (
        any(n < 1 for n in (*groups, *(n for ints in numbers.values() for n in ints)))
        or min(ranks, default=0) < 3
    )


WINDOWS = (
    "Conv",
    "ConvTranspose",
    "ConvInteger",
    "QLinearConv",
    "MaxPool",
    "AveragePool",
    "LpPool",
    "MaxUnpool",
)
"""Operations with windows, whose strides and sizes ONNX's shape inference takes without looking at them."""


def operations_of(node: NodeProto, values: Mapping[str, Array], result: Sequence[int]) -> int:
    """Estimate the elements that a node makes and the multiplications that it does."""
    made: int = max([elements(result), *(v.size for v in values.values())])
    other = values.get(node.input[1]) if len(node.input) > 1 else None
    if other is None or 0 in other.shape or not other.ndim:
        return made
    shape: tuple[int, ...] = other.shape
    match node.op_type:
        case "MultiThreshold":
            return made * shape[-1]
        case "MatMul":
            return made + elements(result) * shape[-2 if len(shape) > 1 else 0]
        case "Conv":
            return made + elements(result) * elements(shape[1:])
        case "ConvTranspose":
            return made + elements(values[node.input[0]].shape) * elements(shape[1:])
    return made
