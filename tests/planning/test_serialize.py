# SPDX-License-Identifier: Apache-2.0
"""A plan of a folder that somebody else made is read as carefully as a network."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import tailrace as tr
from tailrace.core.codec import written
from tailrace.core.errors import TailraceError
from tailrace.emission.hls import emit_hls
from tailrace.emission.rtl import emit_rtl
from tailrace.graph import OPERATIONS, Graph
from tailrace.planning import serialize
from tailrace.planning.plan import Plan
from tiny_network import write_tiny

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np

    Value = dict[str, Any]


@pytest.fixture
def text(tmp_path: Path) -> str:
    return serialize.dumps(tr.plan(tr.load(write_tiny(tmp_path / "tiny.onnx"))))


def test_a_plan_comes_back_and_is_the_same_text(text: str) -> None:
    assert serialize.dumps(serialize.loads(text, kind=Plan)) == text


def instance(value: Value, name: str = "dense_0") -> Value:
    return next(found for found in value["instances"] if found["name"] == name)


EVIL = "dense_0 (); endmodule module evil; initial $finish"


def rename(value: Value, old: str, new: str) -> None:
    instance(value, old)["name"] = new


FOLDING = {"pe": 1, "simd": 1}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: rename(v, "dense_0", EVIL), f"value is no Plan: the name of an instance is {EVIL!r}, wanted"),
        (lambda v: rename(v, "dense_0", "../../x"), "value is no Plan: the name of an instance is '../../x', wanted"),
        (lambda v: rename(v, "dense_0", "_x"), "value is no Plan: the name of an instance is '_x', wanted"),
        (lambda v: rename(v, "dense_0", "module"), "value is no Plan: an instance has the name module, which"),
        (lambda v: rename(v, "dense_0", "Dense_1"), "value is no Plan: two instances have the name dense_1"),
        (lambda v: instance(v).update(node='x\n`include "y"'), "value.instances["),
        (lambda v: instance(v).update(node="*/ evil"), "value is no Plan: the name of the node of an instance is"),
        (lambda v: instance(v).update(tensor="a b"), "value is no Plan: the name of the tensor of an instance is"),
        (lambda v: instance(v).update(outputs=["out; evil"]), "value is no Plan: "),
        (lambda v: v["wires"]["items"].update({"a;b": v["wires"]["items"]["in"]}),
         "value is no Plan: the name of a wire is 'a;b'"),
        (lambda v: v["wires"]["items"].pop("in"), "value is no Plan: 'in'"),
        (lambda v: v["graph"]["nodes"][0].update(name="a/b"), "value.graph is no Graph: the name of a node is"),
        (lambda v: v["graph"]["nodes"][0].update({"@": "operation.LogSoftmax"}),
         "value.graph.nodes[0] is of the class 'operation.LogSoftmax', which is not known here"),
        (lambda v: v["graph"]["nodes"][0].update({"@": "block.skid"}), "value.graph.nodes[0] is a block.skid with"),
        (lambda v: instance(v).update(block=v["graph"]["nodes"][0]), "value.instances["),
        (lambda v: instance(v)["block"].update(style="evil"), "value.instances["),
        (lambda v: instance(v)["block"].update(pe=0), "value.instances["),
        (lambda v: instance(v)["block"].update(simd=-1), "value.instances["),
        (lambda v: v.update(instances=[]), "value is no Plan: "),
        (lambda v: v.update(clock_mhz="fast"), "value.clock_mhz is the text 'fast', wanted a number"),
        (lambda v: v.update(folding={"@": "dict", "items": {"x": FOLDING}}), "value.folding.x is an object"),
        (lambda v: v["part"].update(device="x]; exec evil"), "value.part is not the ecp5-85k that tailrace knows"),
        (lambda v: v["part"].update(name="mine", device="x]; exec evil"),
         "value.part has the device 'x]; exec evil', wanted letters"),
        (lambda v: v["part"].update(name="mine", placer_options=["--run", "evil.py"]),
         "value.part has the placer_options ('--run', 'evil.py'), which no part"),
    ],
)  # fmt: skip
def test_a_plan_that_was_tampered_with_is_refused(
    change: Callable[[Value], object], message: str, text: str, tmp_path: Path
) -> None:
    whole = json.loads(text)
    change(whole["value"])
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(whole))
    with pytest.raises(TailraceError) as caught:
        serialize.load(path, Plan)
    assert caught.value.message.startswith(message)
    assert "Traceback" not in str(caught.value)
    assert caught.value.where == str(path)
    assert caught.value.hint


def test_a_part_of_one_s_own_is_read_again(text: str) -> None:
    whole = json.loads(text)
    whole["value"]["part"].update(name="mine", lut=99)
    assert serialize.loads(json.dumps(whole), kind=Plan).part.lut == 99


def test_a_graph_is_no_plan(tmp_path: Path) -> None:
    graph = tr.load(write_tiny(tmp_path / "tiny.onnx"))
    with pytest.raises(TailraceError, match=r"value is of the class 'Graph', wanted a Plan"):
        serialize.loads(serialize.dumps(graph), kind=Plan)
    assert serialize.loads(serialize.dumps(graph), kind=Graph).nodes[0].name == graph.nodes[0].name


def test_a_folder_of_an_older_version_says_what_to_do(text: str) -> None:
    old = text.replace(f'"schema":{serialize.SCHEMA}', '"schema":2', 1).replace('"instances":', '"stages":')
    message = r"an earlier tailrace wrote this, with schema 2; this one reads schema 4\n  hint: build again"
    with pytest.raises(TailraceError, match=message):
        serialize.loads(old)


def test_every_field_of_every_class_can_be_read() -> None:
    """The annotations of all that has a form are found, those that modules import for the checker only included."""
    codec = serialize.codec()
    assert set(OPERATIONS) <= {name.removeprefix("operation.") for name in codec.classes}
    for kind in codec.classes.values():
        known = codec.annotations(kind)
        assert [field.name for field in written(kind) if field.name not in known] == []


JUNK: tuple[Any, ...] = (
    None, True, -1, 0, 1, 2, 7, 2**31, 2**70, 1.5, float("nan"), "", "x", "a\nb", "../x", [], [1], {},
    {"@": "Instance"},
    {"@": "dict", "items": {}}, {"@": "array", "dtype": "int64", "shape": [1], "values": [0]},
    {"@": "IntType", "bits": 2**31, "signed": False},
)  # fmt: skip


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in a JSON value."""
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [place for key in list(keys) for place in ((value, key), *places(value[key]))]


@pytest.mark.parametrize("engine", ["folded", "spatial"])
def test_a_plan_with_junk_anywhere_is_refused_or_still_a_plan(
    engine: str, rng: np.random.Generator, tmp_path: Path
) -> None:
    text = serialize.dumps(tr.plan(tr.load(write_tiny(tmp_path / "tiny.onnx")), engine=engine))
    refused = 0
    for _ in range(60):
        whole = json.loads(text)
        found = places(whole)
        container, key = found[rng.integers(len(found))]
        match rng.integers(3):
            case 0:
                container[key] = JUNK[rng.integers(len(JUNK))]
            case 1:
                del container[key]
            case _:
                other, there = found[rng.integers(len(found))]
                container[key] = json.loads(json.dumps(other[there]))
        try:
            plan = serialize.loads(json.dumps(whole), where="plan.json", kind=Plan)
        except TailraceError as error:
            told = error
        else:
            assert emit_rtl(plan)
            assert emit_hls(plan)
            continue
        assert told.where == "plan.json"
        assert told.hint
        refused += 1
    assert refused > 30
