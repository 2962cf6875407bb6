# SPDX-License-Identifier: Apache-2.0
"""Graphs and plans as JSON and back, so that a build resumes at any stage and a person can read what happened.

What is read is checked as strictly as a network (:mod:`tailrace.core.codec`): a folder may come from anybody.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any

from tailrace.blocks.base import Block, Stream
from tailrace.blocks.catalogue import BLOCKS
from tailrace.core.codec import Codec, CodecError, Reference
from tailrace.core.errors import TailraceError
from tailrace.core.fixed import FixedFormat
from tailrace.core.steps import Steps
from tailrace.core.types import FixedType, IntType
from tailrace.graph import OPERATIONS, Floats, Graph, Integers, Node, Shape, Tensor, host
from tailrace.graph.softmax import TfliteSoftmax
from tailrace.graph.states import State
from tailrace.planning.plan import Asked, Instance, Plan
from tailrace.spatial import circuit
from tailrace.targets.families import family
from tailrace.targets.family import Family
from tailrace.targets.parts import PARTS, Part

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = 4
"""2: a Reshape and a Permute carry the shape that they make; blocks go by their base names.
3: a plan has ``instances``; a circuit has ``ranks`` and ``products``.
4: a graph and a plan have ``inputs`` and ``outputs``."""

RECORDS: tuple[type, ...] = (
    Graph,
    Tensor,
    State,
    host.Host,
    host.HostInput,
    host.HostOutput,
    host.FloatProgram,
    host.UniformQuantizer,
    host.BipolarQuantizer,
    host.ThresholdQuantizer,
    host.GridQuantizer,
    host.FixedQuantizer,
    FixedFormat,
    host.AffineQuantizer,
    TfliteSoftmax,
    Steps,
    IntType,
    FixedType,
    Stream,
    Part,
    Plan,
    Asked,
    Instance,
)
CIRCUIT: tuple[type, ...] = (
    circuit.Circuit,
    circuit.Input,
    circuit.Sum,
    circuit.Term,
    circuit.Requantize,
    circuit.Levels,
    circuit.Lookup,
)
PLAIN = re.compile(r"[A-Za-z0-9 ._+-]*")

HINT = "build again from the start: tailrace build MODEL"


def codec() -> Codec:
    """Return the codec of graphs and plans, with all operations and blocks that are known now."""
    classes: dict[str, type] = {
        **{kind.__name__: kind for kind in RECORDS},
        **{f"circuit.{kind.__name__}": kind for kind in CIRCUIT},
        **{f"operation.{name}": kind for name, kind in OPERATIONS.items()},
        **{f"block.{name}": kind for name, kind in BLOCKS.items()},
    }
    names = {
        "Block": Block,
        "Floats": Floats,
        "Host": host.Host,
        "Integers": Integers,
        "Node": Node,
        "Shape": Shape,
    }
    by_name = {"family": Reference(kind=Family, name=lambda found: str(found.name), find=family)}
    return Codec(classes, references=by_name, names=names)


def dumps(value: object) -> str:
    """Return the JSON text of a graph or a plan; equal values give equal texts."""
    return codec().dumps(value, SCHEMA)


def loads(text: str, where: str = "", kind: type = object) -> Any:  # noqa: ANN401 - a ``kind``
    """Undo :func:`dumps`; TailraceError where the text is not that of a ``kind``, or of another version."""
    value = codec().loads(text, SCHEMA, kind, where=where, hint=HINT)
    if isinstance(value, Plan) and (fault := _fault_of_part(value.part)):
        raise CodecError(f"value.part {fault}", where=where, hint=HINT)
    return value


def _fault_of_part(part: Part) -> str | None:
    """Say what is wrong with a part whose texts reach scripts and command lines of tools; None: nothing."""
    known = next((each for each in PARTS if each.name == part.name), None)
    if known == part:
        return None
    if known is not None:
        return f"is not the {part.name} that tailrace knows"
    for field in dataclasses.fields(part):
        found = getattr(part, field.name)
        texts = [text for text in (found if isinstance(found, tuple) else (found,)) if isinstance(text, str)]
        if field.name.endswith("_options"):
            if found and found not in {getattr(other, field.name) for other in PARTS}:
                return f"has the {field.name} {found!r}, which no part of tailrace's has"
        elif not part.liberty and any(PLAIN.fullmatch(text) is None for text in texts):
            return f"has the {field.name} {found!r}, wanted letters, digits, spaces and . _ + -"
    return None


def load(path: Path, kind: type = object) -> Any:  # noqa: ANN401 - a ``kind``
    """Read what :func:`dumps` wrote to ``path``, a ``kind``."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise TailraceError(
            "there is no such file", where=str(path), hint="run the stages before: tailrace build MODEL"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise TailraceError(f"this cannot be read: {error}", where=str(path), hint=HINT) from None
    return loads(text, str(path), kind)
