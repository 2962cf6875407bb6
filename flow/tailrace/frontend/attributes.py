# SPDX-License-Identifier: Apache-2.0
"""Attributes of nodes, each read with its type: what is of another type is answered, never guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast, overload

from onnx import AttributeProto, defs

from tailrace.core.errors import ModelError
from tailrace.frontend.operations import QONNX_DOMAIN
from tailrace.frontend.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnx import NodeProto

Default = TypeVar("Default")


WORDS: dict[int, str] = {
    AttributeProto.UNDEFINED: "of no type",
    AttributeProto.FLOAT: "a float",
    AttributeProto.INT: "an integer",
    AttributeProto.STRING: "a text",
    AttributeProto.TENSOR: "a tensor",
    AttributeProto.GRAPH: "a graph",
    AttributeProto.FLOATS: "a list of floats",
    AttributeProto.INTS: "a list of integers",
    AttributeProto.STRINGS: "a list of texts",
    AttributeProto.TENSORS: "a list of tensors",
    AttributeProto.GRAPHS: "a list of graphs",
    AttributeProto.SPARSE_TENSOR: "a sparse tensor",
    AttributeProto.SPARSE_TENSORS: "a list of sparse tensors",
    AttributeProto.TYPE_PROTO: "a type",
    AttributeProto.TYPE_PROTOS: "a list of types",
}
"""What an attribute of each type is called in a message."""

QONNX_ATTRIBUTES: dict[str, dict[str, int]] = {
    "Quant": {
        "signed": AttributeProto.INT,
        "narrow": AttributeProto.INT,
        "rounding_mode": AttributeProto.STRING,
    },
    "BipolarQuant": {},
    "Trunc": {
        "signed": AttributeProto.INT,
        "narrow": AttributeProto.INT,
        "rounding_mode": AttributeProto.STRING,
    },
    "MultiThreshold": {
        "out_dtype": AttributeProto.STRING,
        "out_scale": AttributeProto.FLOAT,
        "out_bias": AttributeProto.FLOAT,
        "data_layout": AttributeProto.STRING,
    },
}
"""The types of the attributes of QONNX's quantizers, which ONNX has no schema of."""


class AttributeTypeError(ModelError):
    """An attribute is not of the wanted type; ``problem`` says which, what came and what was wanted."""

    def __init__(self, node: NodeProto, found: str, accepted: str) -> None:
        self.problem = Problem(
            node=node.name,
            operation=node.op_type,
            found=found,
            accepted=accepted,
            hint="export the network again, or correct the attribute",
        )
        super().__init__(
            f"{found}, wanted {accepted}", where=f"{node.name} ({node.op_type})", hint=self.problem.hint
        )


class Attributes:
    """The attributes of one node; every method takes a name and what holds where the node has no such attribute."""

    def __init__(self, node: NodeProto) -> None:
        self.node = node
        self._found: dict[str, AttributeProto] = {attribute.name: attribute for attribute in node.attribute}

    def __contains__(self, name: str) -> bool:
        """Say whether the node has an attribute of this name."""
        return name in self._found

    def __iter__(self) -> Iterator[str]:
        """Go through the names of the attributes that the node has."""
        return iter(self._found)

    @overload
    def integer(self, name: str) -> int: ...
    @overload
    def integer(self, name: str, default: Default) -> int | Default: ...
    def integer(self, name: str, default: object = ...) -> object:
        """Return an integer."""
        found = self._of(name, AttributeProto.INT, default)
        return default if found is None else int(found.i)

    def flag(self, name: str, *, default: bool) -> bool:
        """Return whether an integer is not 0."""
        return bool(self.integer(name, default))

    @overload
    def number(self, name: str) -> float: ...
    @overload
    def number(self, name: str, default: Default) -> float | Default: ...
    def number(self, name: str, default: object = ...) -> object:
        """Return a float, as wide as ONNX has it: the float32 as a Python float."""
        found = self._of(name, AttributeProto.FLOAT, default)
        return default if found is None else float(found.f)

    @overload
    def integers(self, name: str) -> list[int]: ...
    @overload
    def integers(self, name: str, default: Default) -> list[int] | Default: ...
    def integers(self, name: str, default: object = ...) -> object:
        """Return a list of integers."""
        found = self._of(name, AttributeProto.INTS, default)
        return default if found is None else [int(value) for value in found.ints]

    @overload
    def text(self, name: str) -> str: ...
    @overload
    def text(self, name: str, default: Default) -> str | Default: ...
    def text(self, name: str, default: object = ...) -> object:
        """Return a text."""
        found = self._of(name, AttributeProto.STRING, default)
        return default if found is None else _decoded(self.node, found)

    def is_number(self, name: str) -> bool:
        """Say whether an attribute is a float."""
        return name in self._found and self._found[name].type == AttributeProto.FLOAT

    def _of(self, name: str, wanted: int, default: object) -> AttributeProto | None:
        """Return the attribute, None where the default holds."""
        attribute = self._found.get(name)
        if attribute is None:
            if default is ...:
                raise AttributeTypeError(self.node, f"it has no attribute {name}", _described(name, wanted))
            return None
        _check(self.node, attribute, wanted)
        return attribute


def check_attributes(node: NodeProto, opset: int) -> Problem | None:
    """Return what is wrong with the types of a node's attributes, or None; ``opset`` is the version of ONNX."""
    wanted = _schema(node, opset)
    try:
        for attribute in node.attribute:
            if attribute.ref_attr_name:
                found = f"its attribute {attribute.name} refers to {attribute.ref_attr_name} of a function around it"
                raise AttributeTypeError(node, found, f"{attribute.name} with a value")  # noqa: TRY301 - as _check does
            kind = wanted.get(attribute.name)
            if kind is not None:
                _check(node, attribute, kind)
            elif not node.domain:
                found = f"it has an attribute {attribute.name}, which {node.op_type} has not"
                accepted = f"the attributes {', '.join(sorted(wanted))}" if wanted else "no attributes"
                raise AttributeTypeError(node, found, accepted)  # noqa: TRY301 - as _check does
    except AttributeTypeError as error:
        return error.problem
    return None


def _schema(node: NodeProto, opset: int) -> dict[str, int]:
    """Return {attribute: type} of an operation; nothing where it is not known."""
    if node.domain == QONNX_DOMAIN:
        return dict(QONNX_ATTRIBUTES.get(node.op_type, {}))
    if node.domain or not defs.has(node.op_type, max_inclusive_version=opset):
        return {}
    schema = defs.get_schema(node.op_type, max_inclusive_version=opset)
    return {name: int(cast("int", attribute.type)) for name, attribute in schema.attributes.items()}


def _check(node: NodeProto, attribute: AttributeProto, wanted: int) -> None:
    if attribute.type != wanted:
        came = WORDS.get(attribute.type, f"of the unknown type {attribute.type}")
        raise AttributeTypeError(
            node, f"its attribute {attribute.name} is {came}", _described(attribute.name, wanted)
        )
    if wanted == AttributeProto.STRING:
        _decoded(node, attribute)


def _described(name: str, wanted: int) -> str:
    return f"{name} as {WORDS[wanted]}"


def _decoded(node: NodeProto, attribute: AttributeProto) -> str:
    try:
        return attribute.s.decode()
    except UnicodeDecodeError:
        raise AttributeTypeError(
            node,
            f"its attribute {attribute.name} is no UTF-8 text",
            _described(attribute.name, AttributeProto.STRING),
        ) from None
