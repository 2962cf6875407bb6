# SPDX-License-Identifier: Apache-2.0
"""Translate the calls of a traced module, one after another, into a QONNX model; all that cannot be is told at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import fx

from tailrace.core.errors import ModelError
from tailrace.frontend.brevitas.functions import FUNCTIONS
from tailrace.frontend.brevitas.layers import translation_of
from tailrace.frontend.brevitas.writer import Operand, RefusedError, Run, Writer, plain
from tailrace.frontend.problems import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from onnx import ModelProto

    from tailrace.frontend.brevitas.tracing import Trace

ACCEPTED = "the layers and functions that docs/doors/brevitas.md lists"
IN_PLACE = frozenset({"iadd", "isub", "imul", "itruediv"})
"""Functions of the module operator that change their first operand."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Translated:
    """A module as a QONNX model; ``writer`` knows what of torch each node stands for."""

    model: ModelProto
    writer: Writer
    source: str
    end: str


def translate(trace: Trace, title: str) -> Translated:
    """Return the model of a traced module; UnsupportedError with every call that has no translation."""
    writer = Writer(title=title)
    found: dict[fx.Node, Any] = {}
    """What each call gives: an operand, several, or a constant."""
    calls: dict[str, int] = {}
    names: set[str] = set()
    done: dict[tuple[str, str], fx.Node] = {}
    """The calls of layers so far."""
    source = end = ""
    for node in trace.nodes:
        if node.op == "placeholder":
            if node.users or not source:
                source = source or "input"
            found[node] = Operand(name="input", value=trace.values[node])
        elif node.op == "output":
            end = _end(found, node, title)
        elif not any(_is_dynamic(found[n]) for n in node.all_input_nodes):
            found[node] = trace.values[node]
        else:
            target = str(node.target) if node.op == "call_module" else ""
            index = calls.get(target, 0)
            calls[target] = index + 1
            twin = (target, repr((node.args, node.kwargs)))
            if target and twin in done:  # the same layer on the same tensor
                found[node] = found[done[twin]]
                continue
            done[twin] = node
            writer.name = _unique(target or node.name, names)
            writer.kind = _kind(trace, node)
            found[node] = _call(writer, trace, node, found)
            if target and isinstance(found[node], Operand):
                writer.leaves.setdefault(found[node].name, (target, index))
    if writer.problems:
        raise UnsupportedError(title, tuple(writer.problems))
    example = next(trace.values[n] for n in trace.nodes if n.op == "placeholder")
    result = next(trace.values[n] for n in trace.nodes if n.op == "output")
    shape, end_shape = (tuple(int(n) for n in plain(v).shape) for v in (example, result))
    return Translated(
        model=writer.model(source, shape, end, end_shape), writer=writer, source=source, end=end
    )


def _end(found: dict[fx.Node, Any], node: fx.Node, title: str) -> str:
    result = node.args[0]
    value = found[result] if isinstance(result, fx.Node) else None
    if not isinstance(value, Operand):
        raise ModelError(
            f"its forward returns {'something else than' if value is not None else 'more than'} one tensor",
            where=title,
            hint="write a module around it whose forward returns one tensor",
        )
    return value.name


def _is_dynamic(value: Any) -> bool:  # noqa: ANN401 - an operand, several, or a constant
    return isinstance(value, Operand) or (
        isinstance(value, list | tuple) and any(isinstance(v, Operand) for v in value)
    )


def _unique(name: str, names: set[str]) -> str:
    index, unique = 1, name
    while unique in names or unique == "input":
        index += 1
        unique = f"{name}#{index}"
    names.add(unique)
    return unique


def _kind(trace: Trace, node: fx.Node) -> str:
    module = trace.module(node)
    return type(module).__name__ if module is not None else function_name(node)


def function_name(node: fx.Node) -> str:
    """Return the name under which a call of a function or method stands in the table."""
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))
    name = name.removeprefix("_")
    return name[1:] if name in IN_PLACE else name.removesuffix("_")


def _call(writer: Writer, trace: Trace, node: fx.Node, found: dict[fx.Node, Any]) -> Any:  # noqa: ANN401
    """Return what a call gives: an operand or several; a call that is refused gives what it gave on the example."""
    value = trace.values[node]
    args = fx.node.map_arg(node.args, lambda n: found[n])
    kwargs = fx.node.map_arg(node.kwargs, lambda n: found[n])
    writer.again = _again(trace, node, found)
    try:
        _check_in_place(trace, node)
        names = _write(trace, node)(writer, *args, **kwargs)
    except RefusedError as error:
        writer.refuse(error, trace.frames.get(node, ""))
        names = writer.name
    except TypeError as error:
        refusal = RefusedError(f"its arguments are not understood ({error})", ACCEPTED, "use fewer options")
        writer.refuse(refusal, trace.frames.get(node, ""))
        names = writer.name
    if isinstance(value, list | tuple) and not hasattr(value, "bit_width"):  # several results
        names = names if isinstance(names, list) else [f"{names}.{index}" for index in range(len(value))]
        return tuple(Operand(name=n, value=v) for n, v in zip(names, value, strict=True))
    return Operand(name=str(names), value=value)


def _write(trace: Trace, node: fx.Node) -> Callable[..., str | list[str]]:
    """Return the translation of a call with the layer filled in; RefusedError where there is none."""
    module = trace.module(node)
    if module is not None:
        layer = translation_of(module)
        if layer is None:
            raise RefusedError(
                f"{type(module).__name__} is not supported",
                ACCEPTED,
                "use another layer, or end the network in front",
            )
        return lambda writer, *args, **kwargs: layer(writer, module, *args, **kwargs)
    name = function_name(node)
    if name not in FUNCTIONS:
        raise RefusedError(
            f"the {'method' if node.op == 'call_method' else 'function'} {name} is not supported",
            ACCEPTED,
            "use another function, or end the network in front of it",
        )
    return FUNCTIONS[name]


def _check_in_place(trace: Trace, node: fx.Node) -> None:
    """Raise RefusedError where a call changes a tensor that others read after it."""
    module = trace.module(node)
    target = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
    changes = bool(
        getattr(module, "inplace", False)
        or node.kwargs.get("inplace")
        or (module is None and (target in IN_PLACE or (target.endswith("_") and not target.endswith("__"))))
    )
    if not changes or not node.all_input_nodes:
        return
    order = {n: i for i, n in enumerate(trace.nodes)}
    if any(order[user] > order[node] for user in node.all_input_nodes[0].users):
        raise RefusedError(
            "it works in place on a tensor that is read again",
            "functions that leave their operands",
            "inplace=False",
        )


def _again(trace: Trace, node: fx.Node, found: dict[fx.Node, Any]) -> Run:
    """Return the call as a function of its operands that depend on the input, as plain tensors."""
    operands = [n for n in node.all_input_nodes if isinstance(found[n], Operand)]
    module = trace.module(node)

    def run(*tensors: torch.Tensor) -> torch.Tensor:
        known = dict(zip(operands, tensors, strict=True))
        if len(operands) > 1 and len({found[n].name for n in operands}) < len(operands):
            raise ValueError("one operand stands for two")

        def value(n: fx.Node) -> Any:  # noqa: ANN401
            if n in known:
                return known[n]
            return plain_all(trace.values[n]) if _is_dynamic(found[n]) else trace.values[n]

        args, kwargs = (fx.node.map_arg(part, value) for part in (node.args, node.kwargs))
        if module is not None:
            result = module(*args, **kwargs)
        elif node.op == "call_method":
            result = getattr(args[0], str(node.target))(*args[1:], **kwargs)
        else:
            result = node.target(*args, **kwargs)
        return plain_all(result)

    return run


def plain_all(value: Any) -> Any:  # noqa: ANN401 - a tensor or several
    """Return plain tensors for QuantTensors, also several."""
    if isinstance(value, torch.Tensor) or hasattr(value, "bit_width"):
        return plain(value)
    if isinstance(value, list | tuple):
        return type(value)(plain_all(v) for v in value)
    return value
