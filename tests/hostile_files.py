# SPDX-License-Identifier: Apache-2.0
"""Broken and hostile network files: good networks with something changed, and how tailrace answers them.

``hostile_file(seed)`` is a good network with one to three changes: attributes, tensors, nodes, ends, names, functions,
sizes, long chains, bytes. ``answer(content, ...)`` loads it in a process of its own with limits of processor time and
memory, and compares with the software what could be loaded. A clear answer is a graph that equals its software, or a
``TailraceError``; a traceback, a signal or silence is none.

    python tests/hostile_files.py --count 1000 --first 0    # prints what was not answered
"""

from __future__ import annotations

import argparse
import os
import pickle
import resource
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnxruntime  # noqa: F401 - so that the children need not import it
import tailrace
from networks import Builder
from onnx import AttributeProto, NodeProto, TensorProto, helper, numpy_helper
from qonnx.core.onnx_exec import execute_onnx  # noqa: F401
from qonnx.custom_op.registry import getCustomOp
from tailrace.core.errors import TailraceError
from tailrace.verify.software import verify_software
from tailrace.verify.vectors import random_inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Rng = np.random.Generator

CPU_SECONDS = 60
"""Processor time that one file may take: the load of the machine does not count."""
MEMORY_BYTES = 8 << 30
"""Address space that one file may take."""

# Good networks


@lru_cache(maxsize=1)
def good_networks() -> tuple[bytes, ...]:
    """Four networks that are mapped: dense layers with a Gemm, an image, QDQ, branches with thresholds."""
    return tuple(make().SerializeToString() for make in (_dense, _image, _qdq, _branches))


def _weights(build: Any, *shape: int) -> str:
    return build.quant(build.constant(build.rng.normal(0, 1, shape)), scale=0.25, bits=4)


def _dense() -> onnx.ModelProto:
    build = Builder()
    x = build.quant(build.input([1, 6]), scale=0.125, bits=6, rounding="FLOOR")
    y = build.node(
        "Gemm", x, _weights(build, 5, 6), build.constant(build.rng.normal(0, 1, 5)), transB=1, alpha=0.5
    )
    y = build.quant(build.node("LeakyRelu", y, alpha=0.125), bits=5)
    y = build.node(
        "Add", build.node("MatMul", y, _weights(build, 5, 4)), build.constant(build.rng.normal(0, 1, 4))
    )
    return build.model(
        build.node("Softmax", build.quant(build.node("Sigmoid", y), scale=1 / 16, signed=0), axis=1)
    )


def _image() -> onnx.ModelProto:
    build = Builder()
    x = build.quant(build.input(["batch", 2, 6, 6]), bits=4)
    y = build.node("Conv", x, _weights(build, 3, 2, 3, 3), pads=[1, 1, 1, 1], strides=[1, 1], group=1)
    norm = [build.constant(v) for v in ([1.0, 0.5, 2.0], [0.5, 0.0, 0.25], [0.0, 0.25, 0.5], [1.0, 1.0, 4.0])]
    y = build.quant(
        build.node("Relu", build.node("BatchNormalization", y, *norm, epsilon=1e-5)), bits=3, signed=0
    )
    y = build.node("MaxPool", y, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=0)
    y = build.node("Conv", y, _weights(build, 3, 1, 2, 2), group=3, auto_pad="VALID")
    y = build.quant(build.node("AveragePool", y, kernel_shape=[2, 2]), bits=4)
    return build.model(build.node("MatMul", build.node("Flatten", y, axis=1), _weights(build, 3, 4)))


def _qdq() -> onnx.ModelProto:
    build = Builder()

    def qdq(x: str, scale: float) -> str:
        ends = build.constant(scale), build.constant(0, np.int8)
        return build.node("DequantizeLinear", build.node("QuantizeLinear", x, *ends), *ends)

    x = qdq(build.input([1, 4, 3]), 0.0625)
    w = build.constant(build.rng.integers(-8, 8, (3, 5)), np.int8)
    w = build.node("DequantizeLinear", w, build.constant(0.125), build.constant(0, np.int8))
    y = qdq(build.node("Clip", build.node("MatMul", x, w), build.constant(0.0), build.constant(6.0)), 0.125)
    y = build.node("Transpose", y, perm=[0, 2, 1])
    y = build.node("Reshape", y, build.constant([1, 20], np.int64))
    w = build.constant(build.rng.integers(-8, 8, (20, 3)), np.int8)
    w = build.node("DequantizeLinear", w, build.constant(0.125), build.constant(0, np.int8))
    return build.model(
        build.node("ArgMax", build.node("MatMul", y, w), axis=1, keepdims=0), kind=TensorProto.INT64
    )


def _branches() -> onnx.ModelProto:
    build = Builder(opset=11)
    x = build.node("BipolarQuant", build.input([1, 8], annotation="FIXED<8,3>"), build.constant(1.0))
    thresholds = build.constant(np.sort(build.rng.normal(0, 2, (4, 7)), axis=1))
    a = build.node("MatMul", x, _weights(build, 8, 4))
    a = build.node(
        "MultiThreshold", a, thresholds, out_scale=0.5, out_bias=-1.0, out_dtype="INT4", data_layout="NC"
    )
    b = build.quant(build.node("MatMul", x, _weights(build, 8, 4)), scale=0.5, bits=3)
    y = build.node("Concat", a, build.node("Add", a, b), axis=1)
    y = build.node("Slice", y, *(build.constant(v, np.int64) for v in ([1], [7], [1])))
    return build.model(build.quant(build.node("MatMul", y, _weights(build, 6, 2)), bits=8))


# Changes: each takes a model and changes it in place


def _node(model: onnx.ModelProto, rng: Rng) -> NodeProto:
    return model.graph.node[int(rng.integers(len(model.graph.node)))] if model.graph.node else NodeProto()


def _tensor(model: onnx.ModelProto, rng: Rng) -> TensorProto:
    tensors = model.graph.initializer
    return tensors[int(rng.integers(len(tensors)))] if tensors else TensorProto()


def _pick(rng: Rng, values: list[Any]) -> Any:
    return values[int(rng.integers(len(values)))]


SPECIAL_INTEGERS = [0, 1, -1, 2, 7, 31, 255, 1 << 20, 1 << 26, 1 << 31, -(1 << 31), 1 << 62, -(1 << 63)]
SPECIAL_FLOATS = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    1e-45,
    1e-30,
    1e30,
    3.4e38,
    -3.4e38,
    float("nan"),
    float("inf"),
    float("-inf"),
]
TEXTS = ["", "x", "ROUND", "NCHW", "SAME_UPPER", "\x00", "x" * 100_000, "ü"]


def _any_attribute(name: str, rng: Rng) -> AttributeProto:
    whole = int(rng.integers(12))
    value: Any = {
        0: lambda: float(_pick(rng, SPECIAL_FLOATS)),
        1: lambda: int(_pick(rng, SPECIAL_INTEGERS)),
        2: lambda: [int(_pick(rng, SPECIAL_INTEGERS)) for _ in range(int(rng.integers(1, 5)))],
        3: lambda: [float(_pick(rng, SPECIAL_FLOATS)) for _ in range(int(rng.integers(1, 4)))],
        4: lambda: _pick(rng, TEXTS),
        5: lambda: numpy_helper.from_array(np.ones(2, np.float32), "t"),
        6: lambda: ["a", "b"],
        7: lambda: b"\xff\xfe\xfa",
    }.get(whole, lambda: 1)()
    attribute = helper.make_attribute(name, value)
    if whole == 8:
        attribute.Clear()
        attribute.name, attribute.type, attribute.ref_attr_name = name, AttributeProto.INT, "outer"
    elif whole == 9:
        attribute.ClearField("type")
    elif whole == 10:
        attribute.Clear()
        attribute.name, attribute.type = name, AttributeProto.INTS
    return attribute


NAMES = [
    "rounding_mode",
    "signed",
    "narrow",
    "alpha",
    "beta",
    "transA",
    "transB",
    "axis",
    "axes",
    "perm",
    "pads",
    "strides",
    "dilations",
    "group",
    "kernel_shape",
    "auto_pad",
    "ceil_mode",
    "count_include_pad",
    "out_scale",
    "out_bias",
    "to",
    "data_layout",
    "epsilon",
    "training_mode",
    "keepdims",
    "value",
    "nothing",
]


def change_attribute(model: onnx.ModelProto, rng: Rng) -> None:
    nodes = [n for n in model.graph.node if n.attribute]
    node = _pick(rng, nodes) if nodes and rng.random() < 0.8 else _node(model, rng)
    names = [a.name for a in node.attribute]
    name = _pick(rng, names) if names and rng.random() < 0.8 else _pick(rng, NAMES)
    kept = [a for a in node.attribute if a.name != name or rng.random() < 0.1]
    del node.attribute[:]
    node.attribute.extend(kept)
    if rng.random() < 0.9:
        node.attribute.append(_any_attribute(name, rng))


def change_attribute_value(model: onnx.ModelProto, rng: Rng) -> None:
    attributes = [a for n in model.graph.node for a in n.attribute]
    if not attributes:
        return
    attribute = _pick(rng, attributes)
    if attribute.type == AttributeProto.INT:
        attribute.i = _pick(rng, SPECIAL_INTEGERS)
    elif attribute.type == AttributeProto.FLOAT:
        attribute.f = _pick(rng, SPECIAL_FLOATS)
    elif attribute.type == AttributeProto.STRING:
        attribute.s = _pick(rng, [text.encode() for text in TEXTS] + [b"\xff"])
    elif attribute.ints:
        attribute.ints[int(rng.integers(len(attribute.ints)))] = _pick(rng, SPECIAL_INTEGERS)


def change_names(model: onnx.ModelProto, rng: Rng) -> None:
    """Operands and outputs: exchanged, left out, of others, written twice."""
    node, names = _node(model, rng), [n for other in model.graph.node for n in (*other.input, *other.output)]
    names += ["", "nothing", *(v.name for v in model.graph.input), *(t.name for t in model.graph.initializer)]
    side = node.output if rng.random() < 0.5 else node.input
    action = int(rng.integers(5))
    if action == 0 or not side:
        side.append(_pick(rng, names))
    elif action == 1:
        del side[int(rng.integers(len(side))) :]
    elif action == 2:
        side[int(rng.integers(len(side)))] = ""
    else:
        side[int(rng.integers(len(side)))] = _pick(rng, names)


def change_nodes(model: onnx.ModelProto, rng: Rng) -> None:
    """Nodes: taken out, doubled, in another order, of another operation or domain."""
    nodes = [NodeProto.FromString(n.SerializeToString()) for n in model.graph.node]
    index = int(rng.integers(len(nodes))) if nodes else 0
    action = int(rng.integers(6))
    if not nodes:
        return
    if action == 0:
        del nodes[index]
    elif action == 1:
        nodes.append(nodes[index])
    elif action == 2:
        nodes = [nodes[i] for i in rng.permutation(len(nodes))]
    elif action == 3:
        nodes[index].op_type = _pick(
            rng, [*sorted({s.name for s in onnx.defs.get_all_schemas()}), "", "Fancy"]
        )
    elif action == 4:
        domains = [
            "",
            "com.microsoft",
            "ai.onnx",
            "ai.onnx.ml",
            "x.y",
            "qonnx.custom_op.general",
            "onnx.brevitas",
        ]
        nodes[index].domain = _pick(rng, [*domains, "qonnx.custom_op.channels_last"])
    else:
        nodes[index].name = _pick(rng, ["", nodes[-1].name, "a b\n;endmodule", "x" * 5000])
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def change_weights(model: onnx.ModelProto, rng: Rng) -> None:
    tensor = _tensor(model, rng)
    action = int(rng.integers(9))
    if action < 4:
        try:
            array = np.array(numpy_helper.to_array(tensor), np.float64 if rng.random() < 0.3 else np.float32)
        except Exception:  # noqa: BLE001 - a tensor that an earlier change has broken
            return
        flat = array.reshape(-1)
        if flat.size:
            value = _pick(rng, [*SPECIAL_FLOATS, 2.0**63, 24, 32, 33, 17, 0.5, 1e-5])
            flat[int(rng.integers(flat.size)) if rng.random() < 0.5 else slice(None)] = value
        tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))
    elif action == 4:
        del tensor.dims[:]
        tensor.dims.extend(_pick(rng, [[], [0], [1], [-1], [2, 2], [1 << 31], [1 << 62, 4], [4, 0]]))
    elif action == 5:
        tensor.data_type = int(_pick(rng, [0, 2, 3, 6, 7, 8, 9, 10, 11, 14, 16, 17, 20, 22, 99, -1]))
    elif action == 6:
        shape = _pick(rng, [(), (0,), (1,), (3,), (4, 0), (1, 1), (2, 3), (1, 2, 3, 4, 5)])
        tensor.CopyFrom(numpy_helper.from_array(np.ones(shape, np.float32), tensor.name))
    elif action == 7:
        tensor.raw_data = tensor.raw_data[: int(rng.integers(len(tensor.raw_data) + 1))]
    else:
        tensor.name = _pick(rng, ["", "x", "nothing"])


def change_ends(model: onnx.ModelProto, rng: Rng) -> None:
    """Inputs and outputs of the network: shapes, types, names, numbers."""
    action = int(rng.integers(8))
    values = model.graph.input if rng.random() < 0.7 or not model.graph.output else model.graph.output
    if not values:
        return
    value = values[0]
    dims = value.type.tensor_type.shape.dim
    if action < 3 and dims:
        dim = dims[int(rng.integers(len(dims)))]
        dim.Clear()
        dim.dim_value = int(
            _pick(rng, [0, -1, 2, 3, 5, 100, 1 << 16, 1 << 20, 1 << 26, 1 << 31, 1 << 62, -(1 << 63)])
        )
    elif action == 3:
        value.type.tensor_type.elem_type = int(_pick(rng, [0, 2, 3, 6, 7, 8, 9, 10, 11, 14, 16, 17, 99, -5]))
    elif action == 4:
        value.type.Clear()
    elif action == 5:
        value.name = _pick(rng, ["", "nothing", *(n for node in model.graph.node for n in node.output)])
    elif action == 6:
        del values[:]
    else:
        values.append(value)
        values[-1].name = _pick(rng, ["second", value.name])


def change_annotation(model: onnx.ModelProto, rng: Rng) -> None:
    del model.graph.quantization_annotation[:]
    note = model.graph.quantization_annotation.add()
    note.tensor_name = model.graph.input[0].name if model.graph.input else "x"
    entry = note.quant_parameter_tensor_names.add()
    entry.key = "finn_datatype"
    kinds = [
        "INT8",
        "UINT1",
        "INT0",
        "INT33",
        "INT999999",
        "BIPOLAR",
        "TERNARY",
        "FIXED<8,3>",
        "FIXED<16,-5000>",
    ]
    kinds += [
        "FIXED<16,99999>",
        "FIXED<32,-1000000>",
        "SCALEDINT<8>",
        "FLOAT<4,3>",
        "FLOAT32",
        "?",
        "FIXED<0,0>",
        "",
    ]
    entry.value = _pick(rng, kinds)


def change_versions(model: onnx.ModelProto, rng: Rng) -> None:
    action = int(rng.integers(4))
    if action == 0:
        model.ir_version = int(_pick(rng, SPECIAL_INTEGERS))
    elif action == 1:
        del model.opset_import[:]
    else:
        entry = _pick(rng, list(model.opset_import)) if model.opset_import else model.opset_import.add()
        entry.version = int(_pick(rng, [*range(1, 27), *SPECIAL_INTEGERS]))


def add_functions(model: onnx.ModelProto, rng: Rng) -> None:
    """Functions: plain ones, ones that call themselves or each other, ones that double and double again."""
    imports = [helper.make_opsetid("", 13), helper.make_opsetid("local", 1)]

    def function(name: str, *calls: tuple[str, str]) -> onnx.FunctionProto:
        nodes = [
            helper.make_node(operation, [f"v{i}"], [f"v{i + 1}"], domain=domain)
            for i, (operation, domain) in enumerate(calls)
        ]
        return helper.make_function("local", name, ["v0"], [f"v{len(calls)}"], nodes, imports)

    depth = int(_pick(rng, [1, 3, 10, 14, 25, 40]))
    kind = int(rng.integers(4))
    if kind == 0:
        found = [function("F0", ("Relu", "")), *(
            function(f"F{i}", (f"F{i - 1}", "local"), (f"F{i - 1}", "local")) for i in range(1, depth)
        )]  # fmt: skip
    elif kind == 1:
        found = [function("F0", ("F0", "local"))]
    elif kind == 2:
        found = [function(f"F{i}", ("Relu", ""), (f"F{(i + 1) % depth}", "local")) for i in range(depth)]
    else:
        found = [
            function("F0", ("Relu", "")),
            *(function(f"F{i}", (f"F{i - 1}", "local")) for i in range(1, 500)),
        ]
    model.functions.extend(found)
    model.opset_import.append(helper.make_opsetid("local", 1))
    _behind(model, rng, [("local", found[-1].name, {})] if kind != 2 else [("local", "F0", {})])


def _behind(
    model: onnx.ModelProto, rng: Rng, chain: list[tuple[str, str, dict[str, Any]]], *extra: str
) -> None:
    """Put nodes of one operand behind the first output of some node, in front of all that read it."""
    node = _node(model, rng)
    if not node.output:
        return
    name = node.output[0]
    node.output[0] = before = f"{name}/was"
    made = []
    for index, (domain, operation, attributes) in enumerate(chain):
        after = name if index == len(chain) - 1 else f"{name}/new{index}"
        made.append(helper.make_node(operation, [before, *extra], [after], domain=domain, **attributes))
        before = after
    model.graph.node.extend(made)


def add_chain(model: onnx.ModelProto, rng: Rng) -> None:
    count = int(_pick(rng, [2, 50, 500, 3000, 20_000]))
    operations = ["Relu", "Neg", "Sigmoid", "Identity", "Abs", "Tanh", "Floor"]
    kinds = [_pick(rng, operations)] if rng.random() < 0.5 else operations
    _behind(model, rng, [("", _pick(rng, kinds), {}) for _ in range(count)])


def add_operation(model: onnx.ModelProto, rng: Rng) -> None:
    """Operations that make much of little, run for ever, or leave nothing."""
    values: dict[str, np.ndarray] = {}

    def constant(value: object, kind: Any = np.int64) -> str:
        name = f"h{len(model.graph.initializer) + len(values)}"
        values[name] = np.asarray(value, kind)
        return name

    action = int(rng.integers(8))
    if action == 0:
        _behind(
            model,
            rng,
            [("", "Expand", {})],
            constant(_pick(rng, [[1 << 40, 1], [1, 1], [1 << 20, 1, 1], [-1]])),
        )
    elif action == 1:
        count = _pick(rng, [1, 2, 1 << 30, 0, -1])
        _behind(model, rng, [("", "Tile", {})], constant([1, count] + [1] * int(rng.integers(3))))
    elif action == 2:
        ends = _pick(rng, [([1], [1]), ([0], [1 << 62]), ([-1], [-9]), ([5], [2]), ([0, 0], [1, 0])])
        _behind(model, rng, [("", "Slice", {})], constant(ends[0]), constant(ends[1]))
    elif action == 3:
        _behind(
            model,
            rng,
            [("", "Reshape", {})],
            constant(_pick(rng, [[-1, -1], [0], [1, -1], [1 << 40], [], [7, 7]])),
        )
    elif action == 4:
        info = helper.make_tensor_value_info
        body = helper.make_graph(
            [helper.make_node("Identity", ["c"], ["c2"]), helper.make_node("Relu", ["v"], ["v2"])],
            "body",
            [info("i", TensorProto.INT64, []), info("c", TensorProto.BOOL, []), info("v", TensorProto.FLOAT, None)],
            [info("c2", TensorProto.BOOL, []), info("v2", TensorProto.FLOAT, None)],
        )  # fmt: skip
        node = _node(model, rng)
        name = node.output[0] if node.output else "y"
        if node.output:
            node.output[0] = f"{name}/was"
        trips, ever = constant((1 << 63) - 1), constant(True, np.bool_)
        model.graph.node.append(helper.make_node("Loop", [trips, ever, f"{name}/was"], [name], body=body))
    elif action == 5:
        _behind(
            model,
            rng,
            [("", "Pad", {})],
            constant(_pick(rng, [[0, 0, 0, 1 << 40], [0, -9, 0, -9], [0, 1, 0, 1]])),
        )
    elif action == 6:
        side = int(_pick(rng, [3, 1 << 12, 1 << 16]))
        model.graph.node.append(helper.make_node("ConstantOfShape", [constant([side, side])], ["big"]))
        _behind(model, rng, [("", "MatMul", {})], "big")
    else:
        _behind(model, rng, [("", "Cast", {"to": int(_pick(rng, [1, 2, 6, 7, 9, 10, 11, 16, 8, 0, 77]))})])
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in values.items())


def change_text(model: onnx.ModelProto, rng: Rng) -> bytes:
    """A name that is no text; protobuf does not look when it reads."""
    content = model.SerializeToString()
    names = [
        n.encode() for node in model.graph.node for n in (*node.input, *node.output, node.name) if len(n) > 1
    ]
    name = _pick(rng, names) if names else b"x"
    return content.replace(name, b"\xff\xfe" + name[2:])


CHANGES: tuple[Callable[[onnx.ModelProto, Any], bytes | None], ...] = (
    change_attribute, change_attribute, change_attribute_value, change_names, change_names, change_nodes,
    change_weights, change_weights, change_ends, change_annotation, change_versions, add_functions, add_chain,
    add_operation, add_operation, change_text,
)  # fmt: skip


def _damaged(content: bytes, rng: Rng) -> bytes:
    """Bytes: some of another value, cut off, taken out, doubled."""
    data = bytearray(content)
    where = int(rng.integers(len(data)))
    action = int(rng.integers(4))
    if action == 0:
        for _ in range(int(rng.integers(1, 9))):
            data[int(rng.integers(len(data)))] = int(rng.integers(256))
    elif action == 1:
        del data[where:]
    elif action == 2:
        del data[where : where + int(rng.integers(1, 64))]
    else:
        data[where:where] = data[where : where + int(rng.integers(1, 256))]
    return bytes(data)


def hostile_file(seed: int) -> tuple[str, bytes]:
    """Return what was changed, and the file; equal seeds give equal files."""
    rng = np.random.default_rng([20, seed])
    number = int(rng.integers(4))
    content = good_networks()[number]
    if rng.random() < 0.1:
        return f"{number} bytes", _damaged(content, rng)
    model = onnx.load_model_from_string(content)
    words = [str(number)]
    for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
        change = CHANGES[int(rng.integers(len(CHANGES)))]
        words.append(change.__name__)
        found = change(model, rng)
        if found is not None:
            return " ".join(words), found
    return " ".join(words), model.SerializeToString()


# Answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a file was answered: ``kind`` is equal, refused, or one of no clear answer: traceback, differs, signal."""

    kind: str
    text: str

    @property
    def is_clear(self) -> bool:
        """Whether a user knows what to do."""
        return self.kind in ("equal", "refused")


def answer(content: bytes, folder: Path, seconds: int = CPU_SECONDS, memory: int = MEMORY_BYTES) -> Answer:
    """Load the file in a process of its own and compare it with its software; the process dies with its limits."""
    path = folder / "network.onnx"
    path.write_bytes(content)
    end, start = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(end)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        silence = os.open(os.devnull, os.O_WRONLY)
        warnings.simplefilter("error", RuntimeWarning)  # numpy's: numbers that are not what they should be
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        try:
            found = _answered(path)
        except BaseException:  # noqa: BLE001 - the child says everything it meets
            found = Answer(kind="traceback", text=traceback.format_exc(limit=-4))
        with os.fdopen(start, "wb") as file:
            file.write(pickle.dumps((found.kind, found.text)))
        os._exit(0)
    os.close(start)
    with os.fdopen(end, "rb") as file:
        said = file.read()
    _, status = os.waitpid(child, 0)
    if said and os.WIFEXITED(status):
        kind, text = pickle.loads(said)  # noqa: S301 - our own child wrote it
        return Answer(kind=kind, text=text)
    return Answer(
        kind="signal", text=f"died of signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else "silent"
    )


def _answered(path: Path) -> Answer:
    try:
        graph = tailrace.load(path)
        result = verify_software(graph, graph.reference, random_inputs(graph, 2, seed=1))
    except TailraceError as error:
        return Answer(kind="refused", text=str(error))
    if result.mismatches:
        return Answer(kind="differs", text=str(result.first))
    return Answer(kind="equal", text="")


def warm_up() -> None:
    """Do in this process what its children need not do again: imports that come late, and the good networks."""
    getCustomOp(
        helper.make_node("Quant", ["x"], ["y"], domain="qonnx.custom_op.general"), onnx_opset_version=1
    )
    good_networks()
    assert tailrace.load is not None  # the name is imported when it is used


def answers(seeds: Iterator[int] | range, folder: Path) -> Iterator[tuple[int, str, Answer]]:
    """Answer the files of some seeds one after the other."""
    warm_up()
    for seed in seeds:
        what, content = hostile_file(seed)
        yield seed, what, answer(content, folder)


def main() -> int:
    parser = argparse.ArgumentParser(description="make hostile files and print those without a clear answer")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    kinds: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for seed, what, found in answers(range(options.first, options.first + options.count), Path(folder)):
            kinds[found.kind] += 1
            if not found.is_clear:
                sys.stdout.write(f"--- {seed}: {what}: {found.kind}\n{found.text.strip()[-1500:]}\n")
                sys.stdout.flush()
    sys.stdout.write(f"{dict(kinds)}\n")
    return int(any(kind not in ("equal", "refused") for kind in kinds))


if __name__ == "__main__":
    sys.exit(main())
