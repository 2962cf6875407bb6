# SPDX-License-Identifier: Apache-2.0
"""Graphs and plans as JSON and back, so that a build resumes at any stage and a person can read what happened."""

from __future__ import annotations

import base64
import dataclasses
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from tailrace import graph
from tailrace.blocks import base
from tailrace.blocks.catalogue import BLOCKS
from tailrace.core import steps, types
from tailrace.core.errors import TailraceError
from tailrace.graph import host
from tailrace.planning import plan
from tailrace.spatial import circuit
from tailrace.targets import parts
from tailrace.targets.families import family
from tailrace.targets.family import Family

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = 1

CLASSES: dict[str, type] = {
    c.__name__: c
    for c in (
        graph.Graph,
        graph.Tensor,
        graph.Dense,
        graph.Map,
        graph.Add,
        graph.Multiply,
        graph.Bias,
        graph.ArgMax,
        graph.Reshape,
        graph.Permute,
        graph.Pad,
        graph.Window,
        graph.Pool,
        graph.Depthwise,
        graph.Upsample,
        graph.Shuffle,
        graph.Concat,
        graph.Slice,
        host.Host,
        host.FloatProgram,
        host.UniformQuantizer,
        host.BipolarQuantizer,
        host.ThresholdQuantizer,
        host.GridQuantizer,
        steps.Steps,
        types.IntType,
        types.FixedType,
        base.Stream,
        parts.Part,
        plan.Plan,
        plan.Stage,
        circuit.Circuit,
        circuit.Input,
        circuit.Sum,
        circuit.Term,
        circuit.Requantize,
        circuit.Levels,
        circuit.Lookup,
    )
}
# A node of the graph may have the name of its block.
CLASSES |= {
    f"{block.__name__}Block" if block.__name__ in CLASSES else block.__name__: block
    for block in BLOCKS.values()
}
NAMES = {c: name for name, c in CLASSES.items()}

TRANSIENT = frozenset({"reference"})
"""Fields that live in a process only."""


def dumps(value: object) -> str:
    """Return the JSON text of a graph or a plan; equal values give equal texts."""
    return json.dumps({"schema": SCHEMA, "value": _encode(value)}, separators=(",", ":")) + "\n"


def loads(text: str, where: str = "") -> Any:  # noqa: ANN401 - whatever was dumped
    """Undo :func:`dumps`; TailraceError where the text is no such JSON or of another version."""
    hint = "build again from the start: tailrace build MODEL"
    try:
        whole = json.loads(text)
    except json.JSONDecodeError:
        raise TailraceError("this is not whole JSON", where=where, hint=hint) from None
    if not isinstance(whole, dict) or whole.get("schema") != SCHEMA:
        raise TailraceError(f"this was not written by tailrace with schema {SCHEMA}", where=where, hint=hint)
    return _decode(whole["value"])


def load(path: Path) -> Any:  # noqa: ANN401 - whatever was dumped
    """Read what :func:`dumps` wrote to ``path``."""
    if not path.is_file():
        raise TailraceError(
            "there is no such file", where=str(path), hint="run the stages before: tailrace build MODEL"
        )
    return loads(path.read_text(encoding="utf-8"), str(path))


def _encode(value: Any) -> Any:  # noqa: ANN401
    match value:
        case None | bool() | int() | float() | str():
            return value
        case np.ndarray():
            if value.dtype.kind not in "fiub":
                raise TypeError(f"an array of {value.dtype} has no JSON form")
            values = value.ravel().tolist()
            return {"@": "array", "dtype": str(value.dtype), "shape": list(value.shape), "values": values}
        case np.generic():
            return value.item()
        case Family():
            return {"@": "family", "name": value.name}
        case bytes():
            return {"@": "bytes", "base64": base64.b64encode(value).decode()}
        case tuple() | list():
            return [_encode(item) for item in value]
        case dict():
            return {"@": "dict", "items": {key: _encode(item) for key, item in value.items()}}
    if type(value) in NAMES:
        fields = {
            f.name: _encode(getattr(value, f.name))
            for f in dataclasses.fields(value)
            if f.name not in TRANSIENT
        }
        return {"@": NAMES[type(value)], **fields}
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _decode(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, list):
        return tuple(_decode(item) for item in value)
    if not isinstance(value, dict):
        return value
    kind = value["@"]
    if kind == "array":
        return np.array(value["values"], value["dtype"]).reshape(value["shape"])
    if kind == "family":
        return family(value["name"])
    if kind == "bytes":
        return base64.b64decode(value["base64"])
    if kind == "dict":
        return {key: _decode(item) for key, item in value["items"].items()}
    return CLASSES[kind](**{key: _decode(item) for key, item in value.items() if key != "@"})
