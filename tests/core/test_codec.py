# SPDX-License-Identifier: Apache-2.0
"""Values come back from JSON as they were, and what is no such value is refused with its place."""

from __future__ import annotations

import json
from collections.abc import Mapping  # noqa: TC003 - the codec reads the annotations
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray  # noqa: TC002 - as above
from tailrace.core.codec import TRANSIENT, Codec, CodecError, Reference
from tailrace.core.errors import MappingError


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    size: int
    name: str = "leaf"

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError("a size below 0")
        if self.size > 100:
            raise MappingError("too large", where=self.name, hint="make it smaller")


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Metal:
    name: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Tree:
    leaves: tuple[Leaf, ...]
    weights: NDArray[np.int64]
    curve: NDArray[np.float32] | None = None
    mode: Literal["up", "down"] = "up"
    pair: tuple[int, float] = (1, 0.5)
    either: Leaf | Other | int | None = None
    of: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    model: bytes = b""
    flag: bool = False
    free: Any = None
    metal: Metal | None = None
    process: object = field(default=None, metadata=TRANSIENT)


METALS = {"tin": Metal(name="tin")}


@pytest.fixture
def codec() -> Codec:
    metal = Reference(kind=Metal, name=lambda metal: metal.name, find=METALS.__getitem__)
    return Codec({"Tree": Tree, "Leaf": Leaf, "other.Other": Other}, references={"metal": metal})


def tree() -> Tree:
    return Tree(
        leaves=(Leaf(size=1), Leaf(size=2, name="grün")),
        weights=np.array([[1, -2], [3, 2**62]]),
        curve=np.float32([0.1, -3e38]),
        mode="down",
        pair=(7, 1),
        either=Leaf(size=3),
        of={"a": {"b": 1}},
        model=bytes(range(256)),
        flag=True,
        free=(1, "x", np.array([True]), Other()),
        metal=METALS["tin"],
        process=object(),
    )


def test_a_value_comes_back(codec: Codec) -> None:
    text = codec.dumps(tree(), 3)
    again = codec.loads(text, 3, Tree)
    assert codec.dumps(again, 3) == text
    assert again.leaves == tree().leaves
    assert again.weights.dtype == np.int64
    assert np.array_equal(again.weights, tree().weights)
    assert np.array_equal(again.curve, tree().curve)
    assert again.metal is METALS["tin"]
    assert again.process is None


def changed(codec: Codec, **fields: object) -> str:
    whole = json.loads(codec.dumps(tree(), 3))
    whole["value"].update(fields)
    return json.dumps(whole)


ARRAY = {"@": "array", "dtype": "int64", "shape": [2], "values": [1, 2]}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"@": "Evil"}, "value is of the class 'Evil', which is not known here"),
        ({"@": ["Tree"]}, "value is of the class ['Tree'], which is not known here"),
        ({"@": "Leaf"}, "value is a Leaf with an unknown field 'curve'"),
        ({"branches": 1}, "value is a Tree with an unknown field 'branches'"),
        ({"process": 1}, "value is a Tree with an unknown field 'process'"),
        ({"leaves": [{"@": "Leaf"}]}, "value.leaves[0] is a Leaf without the field 'size'"),
        ({"leaves": [{"@": "Leaf", "size": -1}]}, "value.leaves[0] is no Leaf: a size below 0"),
        ({"leaves": [{"@": "Leaf", "size": 101}]}, "value.leaves[0] is no Leaf of leaf: too large"),
        ({"leaves": [{"@": "Leaf", "size": True}]}, "value.leaves[0].size is true, wanted a whole number"),
        ({"leaves": [{"@": "Leaf", "size": "1"}]}, "value.leaves[0].size is the text '1', wanted a whole number"),
        ({"leaves": [{"@": "Leaf", "size": 1.0}]}, "value.leaves[0].size is 1.0, wanted a whole number"),
        ({"leaves": [{"@": "Leaf", "size": 1, "name": "a\nb"}]},
         "value.leaves[0].name is a text of several lines: 'a\\nb'"),
        ({"leaves": [{"@": "other.Other"}]}, "value.leaves[0] is of the class 'other.Other', wanted a Leaf"),
        ({"leaves": {"@": "Leaf", "size": 1}}, "value.leaves is of the class 'Leaf', wanted a list"),
        ({"leaves": [[]]}, "value.leaves[0] is a list of 0, wanted an object"),
        ({"mode": "sideways"}, "value.mode is the text 'sideways', wanted one of 'up', 'down'"),
        ({"mode": ["up"]}, "value.mode is a list of 1, wanted one of 'up', 'down'"),
        ({"pair": [1]}, "value.pair is a list of 1, wanted a list of 2"),
        ({"pair": [1, float("nan")]}, "value.pair[1] is NaN, wanted a finite number"),
        ({"either": "x"},
         "value.either is the text 'x', wanted a Leaf or an Other or a whole number or null"),
        ({"either": ARRAY}, "value.either is of the class 'array', wanted a Leaf or an Other or a whole number"),
        ({"either": {"@": "Tree"}}, "value.either is of the class 'Tree', wanted a Leaf or an Other or a whole number"),
        ({"of": {"a": 1}}, "value.of is an object, wanted a dict"),
        ({"of": {"@": "dict", "items": {"a": 1}}}, "value.of.a is 1, wanted a dict"),
        ({"of": {"@": "dict", "items": []}}, "value.of is a list of 0, wanted an object"),
        ({"model": {"@": "bytes", "base64": "~"}}, "value.model is no base64 text"),
        ({"model": {"@": "bytes", "base64": 3}}, "value.model is no base64 text"),
        ({"flag": 1}, "value.flag is 1, wanted true or false"),
        ({"flag": None}, "value.flag is null, wanted true or false"),
        ({"free": {"@": "array"}}, "value.free is of the class 'array', wanted an array"),
        ({"free": {}}, "value.free is of the class None, which is not known here"),
        ({"metal": {"@": "metal", "name": "gold"}}, "value.metal is no metal: 'gold'"),
        ({"metal": {"@": "metal"}}, "value.metal.name is null, wanted a text"),
        ({"weights": [1]}, "value.weights is a list of 1, wanted an array"),
        ({"weights": {**ARRAY, "dtype": "O"}}, "value.weights.dtype is the text 'O', wanted one of bool, int8"),
        ({"weights": {**ARRAY, "dtype": "float64"}}, "value.weights is an array of float64, wanted one of int64"),
        ({"weights": {**ARRAY, "shape": [3]}}, "value.weights.values is a list of 2, wanted a list of 3"),
        ({"weights": {**ARRAY, "shape": [-2, -1]}}, "value.weights.shape is a list of 2, wanted sizes"),
        ({"weights": {**ARRAY, "values": [1, 2.5]}}, "value.weights.values are not all numbers of int64"),
        ({"weights": {**ARRAY, "values": [1, "2"]}}, "value.weights.values are not all numbers of int64"),
        ({"weights": {**ARRAY, "values": [1, 2**63]}}, "value.weights.values are not all numbers of int64"),
        ({"weights": {**ARRAY, "values": [1, 2**80]}}, "value.weights.values are not all numbers of int64"),
        ({"weights": {**ARRAY, "values": [[1], [1, 2]]}}, "value.weights.values are not all numbers of int64"),
        ({"weights": {**ARRAY, "values": [True, False]}}, "value.weights.values are not all numbers of int64"),
        ({"curve": {**ARRAY, "dtype": "float32", "values": ["a", "b"]}},
         "value.curve.values are not all numbers of float32"),
    ],
)  # fmt: skip
def test_what_is_no_such_value_is_refused_with_its_place(
    codec: Codec, fields: dict[str, object], message: str
) -> None:
    with pytest.raises(CodecError) as caught:
        codec.loads(changed(codec, **fields), 3, Tree, where="plan.json", hint="build again")
    assert caught.value.message.startswith(message)
    assert caught.value.where == "plan.json"
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "this is not whole JSON"),
        ("{", "this is not whole JSON"),
        ("[" * 100_000, "this is not whole JSON"),
        ("[]", "this was not written by tailrace with schema 3"),
        ('{"schema":true,"value":null}', "this was not written by tailrace with schema 3"),
        (
            '{"schema":2,"value":null}',
            "an earlier tailrace wrote this, with schema 2; this one reads schema 3",
        ),
        ('{"schema":4,"value":null}', "a later tailrace wrote this, with schema 4; this one reads schema 3"),
        ('{"schema":3}', "value is null, wanted an object"),
        ('{"schema":3,"value":{"@":"other.Other"}}', "value is of the class 'other.Other', wanted a Tree"),
    ],
)
def test_what_is_no_file_of_ours_is_refused(codec: Codec, text: str, message: str) -> None:
    with pytest.raises(CodecError) as caught:
        codec.loads(text, 3, Tree, where="plan.json", hint="build again")
    assert (caught.value.message, caught.value.where, caught.value.hint) == (
        message,
        "plan.json",
        "build again",
    )


def test_what_has_no_form_is_ours_to_mend(codec: Codec) -> None:
    with pytest.raises(TypeError, match="an array of complex128 has no JSON form"):
        codec.dumps(np.zeros(1, complex), 3)
    with pytest.raises(TypeError, match="set has no JSON form"):
        codec.dumps({1}, 3)
