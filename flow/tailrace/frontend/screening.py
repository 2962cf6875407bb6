# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a node whatever its input is: foreign or random operations, training mode, what cannot be run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, defs

from tailrace.frontend.attributes import Attributes, check_attributes
from tailrace.frontend.hints import INSTEAD
from tailrace.frontend.operations import (
    ADDED_DOMAINS,
    MICROSOFT_DOMAIN,
    MICROSOFT_OPERATIONS,
    NORMALIZATIONS,
    QONNX_DOMAIN,
)
from tailrace.frontend.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

Array = NDArray[Any]


def check_outputs(node: NodeProto, written: Mapping[str, str]) -> Problem | None:
    """Return a problem where a node writes nothing, or what ``written`` ({tensor: who writes it}) has already."""

    def problem(found: str) -> Problem:
        return Problem(
            node=node.name,
            operation=node.op_type,
            found=found,
            accepted="outputs with names, each written by one node",
            hint="export the network again: the file is not whole",
        )

    if not any(node.output):
        return problem("it has no output, or one without a name")
    for index, name in enumerate(node.output):
        if name and (name in written or name in node.output[:index]):
            return problem(
                f"it writes {name}, which is {written.get(name, 'another output of its own')} already"
            )
    return None


def check_form(node: NodeProto, opset: int) -> Problem | None:
    """Return what is wrong with the attributes of a node and with the number of its operands, or None."""
    if not node.domain and not defs.has(node.op_type, max_inclusive_version=opset):
        return None  # an unknown operation says so itself
    if not node.domain:
        least = defs.get_schema(node.op_type, max_inclusive_version=opset).min_input
        given = sum(1 for name in node.input if name)
        if given < least:
            return Problem(
                node=node.name,
                operation=node.op_type,
                found=f"it has {given} {'input' if given == 1 else 'inputs'}",
                accepted=f"{least} {'input' if least == 1 else 'inputs'} or more",
                hint="export the network again: the file is not whole",
            )
    return check_attributes(node, opset)


def in_training(node: NodeProto, constants: Mapping[str, Array]) -> bool:
    """Say whether a Dropout or a BatchNormalization is as in training."""
    if node.op_type == "Dropout":
        return len(node.input) > 2 and bool(np.any(constants.get(node.input[2], False)))
    return Attributes(node).flag("training_mode", default=False) or len(node.output) > 1


def random(node: NodeProto, constants: Mapping[str, Array]) -> Problem | None:
    """Return a problem where a node's result is not a function of the network's input."""
    training = node.op_type in ("Dropout", "BatchNormalization") and in_training(node, constants)
    if node.domain or not (
        training or node.op_type.startswith("Random") or node.op_type in ("Bernoulli", "Multinomial")
    ):
        return None
    if node.op_type == "Dropout" and not in_training(node, constants):
        return None
    return Problem(
        node=node.name,
        operation=node.op_type,
        found="it is in training mode" if training else "its result is random",
        accepted="operations whose result depends on the network's input alone",
        hint="export the network in evaluation mode (PyTorch: module.eval())",
    )


def foreign(node: NodeProto) -> Problem | None:
    """Return a problem where a node is neither of ONNX nor of QONNX."""
    if node.domain in ("", QONNX_DOMAIN, "ai.onnx.ml") or node.domain in ADDED_DOMAINS:
        return _unknown(node)
    if node.domain == MICROSOFT_DOMAIN and node.op_type in MICROSOFT_OPERATIONS:
        return None
    hint = "export the network as plain ONNX with the quantizers of QONNX, or as QCDQ"
    if node.op_type in INSTEAD:
        hint = INSTEAD[node.op_type]
    elif "fpgadataflow" in node.domain:
        hint = "this is a stage of FINN's hardware build: give the QONNX file that FINN was given"
    elif node.domain == "com.microsoft":
        hint = "give the file as it was before ONNX Runtime optimized it"
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
    if node.domain or defs.has(node.op_type) or node.op_type in NORMALIZATIONS:
        return None
    hint = "export the network as plain ONNX with the quantizers of QONNX, or as QCDQ"
    if node.op_type in DEEPLOY:
        hint = (
            "this is an operation of Deeploy's own: pip install ./examples/deeploy reads some of them; or give the "
            "network as it was before QuantLib or Deeploy made integers of it, with its quantizers as QONNX or QCDQ"
        )
    return Problem(
        node=node.name,
        operation=node.op_type,
        found=f"ONNX has no operation {node.op_type}",
        accepted="operations of ONNX, and Quant, BipolarQuant, Trunc and MultiThreshold of QONNX",
        hint=hint,
    )


def broadcasts(node: NodeProto, before: tuple[int, ...], after: tuple[int, ...]) -> Problem:
    """Return the problem of a quantizer whose parameters change the shape of its tensor."""
    return Problem(
        node=node.name,
        operation=node.op_type,
        found=f"its parameters turn a tensor of shape {list(before)} into one of shape {list(after)}",
        accepted="one scale and zero point, or one per channel along an axis of the tensor",
        hint="give scale and zero point the shape of the tensor, with 1 for every axis but the channels",
    )


def not_executable(node: NodeProto, operation: str, error: str) -> Problem:
    """Return the problem of a node that its executor refuses with ``error``."""
    line = error.strip().splitlines()[-1] if error.strip() else "no reason given"
    reason = re.split(r"Status Message: |: FAIL : |INVALID_GRAPH : ", line)[-1][:160]
    return Problem(
        node=node.name,
        operation=operation,
        found=f"the operation cannot be executed ({reason})",
        accepted="nodes that ONNX Runtime or qonnx can run",
        hint="run the file with onnxruntime or qonnx.util.inference; it has to be exported again",
    )


def oversized(node: NodeProto, shape: tuple[int, ...], limit: int) -> Problem:
    """Return the problem of a node whose result of ``shape`` would have more elements than a tensor may have."""
    return Problem(
        node=node.name,
        operation=node.op_type,
        found=f"it would make a tensor of shape {list(shape)}",
        accepted=f"tensors of at most {limit:,} elements",
        hint="if this is meant, raise the limit: --limits elements=N, or load(path, limits=Limits(elements=N))",
    )


def not_run(node: NodeProto) -> Problem:
    """Return the problem of a constant that would have to be computed by a node that is never run."""
    return Problem(
        node=node.name,
        operation=node.op_type,
        found=f"{node.op_type} computes a constant, and nobody knows before how long that takes",
        accepted="constants as initializers, or computed by plain operations",
        hint="fold the constants of the network before (onnxsim, onnxruntime's basic optimizations)",
    )


def unusable(node: NodeProto, results: Mapping[str, Array]) -> Problem | None:
    """Return the problem of a node that makes tensors of nothing, or of what is no number."""
    for value in results.values():
        if 0 in value.shape:
            return Problem(
                node=node.name,
                operation=node.op_type,
                found=f"it makes a tensor of shape {list(value.shape)}, which has no elements",
                accepted="tensors of one element or more",
                hint="leave it out, or correct its ranges and the shapes of its weights",
            )
        if value.dtype.kind not in "fiub":
            return Problem(
                node=node.name,
                operation=node.op_type,
                found=f"it makes {value.dtype} values",
                accepted="floats of 16, 32 or 64 bits, integers, truth values",
                hint="export the network with float32 activations",
            )
    return None
