# SPDX-License-Identifier: Apache-2.0
"""``frontend/attributes.py``: an attribute of another type is answered, with what came and what was wanted."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import tailrace
from networks import Builder
from onnx import AttributeProto, helper, numpy_helper
from tailrace.frontend import UnsupportedError
from tailrace.frontend.attributes import Attributes, AttributeTypeError, check_attributes


def node(**attributes: object) -> onnx.NodeProto:
    return helper.make_node("Fancy", ["x"], ["y"], name="n", **attributes)


def test_every_type_is_read():
    found = Attributes(node(i=3, f=0.5, t="text", s=[1, 2]))
    assert (found.integer("i"), found.number("f"), found.text("t"), found.integers("s")) == (
        3,
        0.5,
        "text",
        [1, 2],
    )
    assert list(found) == ["f", "i", "s", "t"]
    assert "i" in found
    assert "j" not in found
    assert found.is_number("f")
    assert not found.is_number("i")


def test_a_default_holds_where_the_node_has_no_such_attribute():
    found = Attributes(node())
    assert found.integer("i", None) is None
    assert found.flag("i", default=True) is True
    assert found.integers("s", [7]) == [7]


@pytest.mark.parametrize(
    ("value", "came"),
    [
        (1, "an integer"),
        (0.5, "a float"),
        ([1], "a list of integers"),
        ([0.5], "a list of floats"),
        (["a"], "a list of texts"),
        (numpy_helper.from_array(np.zeros(1, np.float32)), "a tensor"),
        (helper.make_graph([], "g", [], []), "a graph"),
    ],
)
def test_another_type_is_named(value, came):
    with pytest.raises(AttributeTypeError) as caught:
        Attributes(node(rounding_mode=value)).text("rounding_mode", "ROUND")
    assert str(caught.value) == (
        f"n (Fancy): its attribute rounding_mode is {came}, wanted rounding_mode as a text\n"
        "  hint: export the network again, or correct the attribute"
    )


def test_an_attribute_that_is_needed_and_not_there_is_named():
    with pytest.raises(AttributeTypeError, match="it has no attribute axis, wanted axis as an integer"):
        Attributes(node()).integer("axis")


def test_bytes_that_are_no_text_are_named():
    with pytest.raises(
        AttributeTypeError, match="its attribute mode is no UTF-8 text, wanted mode as a text"
    ):
        Attributes(node(mode=b"\xff\xfe")).text("mode")


def refused(build: Builder, folder, name: str, attribute: AttributeProto) -> list[tuple[str, str, str]]:
    """Give an attribute to the first node of an operation; returns (node, found, accepted) of what is refused."""
    model = build.model(build.nodes[-1].output[0])
    (target, *_) = (n for n in model.graph.node if n.op_type == name)
    kept = [a for a in target.attribute if a.name != attribute.name]
    del target.attribute[:]
    target.attribute.extend([*kept, attribute])
    onnx.save(model, folder / "net.onnx")
    with pytest.raises(UnsupportedError) as caught:
        tailrace.load(folder / "net.onnx")
    return [(p.node, p.found, p.accepted) for p in caught.value.problems]


def gemm_network() -> Builder:
    build = Builder()
    x = build.quant(build.input([1, 4]))
    w = build.quant(build.constant(build.rng.normal(0, 1, (3, 4))), bits=4)
    build.quant(build.node("Gemm", x, w, transB=1, alpha=0.5, beta=2.0))
    return build


@pytest.mark.parametrize(
    ("operation", "name", "value", "found", "wanted"),
    [
        ("Quant", "rounding_mode", 1.0, "is a float", "a text"),
        ("Quant", "rounding_mode", [1], "is a list of integers", "a text"),
        ("Quant", "rounding_mode", b"\xff", "is no UTF-8 text", "a text"),
        ("Quant", "signed", "yes", "is a text", "an integer"),
        ("Gemm", "alpha", 1, "is an integer", "a float"),
        ("Gemm", "beta", "x", "is a text", "a float"),
        ("Gemm", "transB", 1.0, "is a float", "an integer"),
    ],
)
def test_a_network_with_an_attribute_of_another_type_is_refused(  # noqa: PLR0917 - one of each column
    operation, name, value, found, wanted, tmp_path
):
    problems = refused(gemm_network(), tmp_path, operation, helper.make_attribute(name, value))
    node = f"{operation}_{0 if operation == 'Quant' else 2}"
    assert problems == [(node, f"its attribute {name} {found}", f"{name} as {wanted}")]


def test_an_attribute_that_refers_to_a_function_is_refused(tmp_path):
    attribute = AttributeProto(name="transB", type=AttributeProto.INT, ref_attr_name="outer")
    ((_, found, accepted),) = refused(gemm_network(), tmp_path, "Gemm", attribute)
    assert found == "its attribute transB refers to outer of a function around it"
    assert accepted == "transB with a value"


def test_an_attribute_that_the_operation_has_not_is_refused(tmp_path):
    ((_, found, accepted),) = refused(gemm_network(), tmp_path, "Gemm", helper.make_attribute("to", 1))
    assert found == "it has an attribute to, which Gemm has not"
    assert accepted == "the attributes alpha, beta, transA, transB"


def test_operations_of_other_domains_are_not_looked_at():
    other = helper.make_node("Gemm", ["x"], ["y"], domain="x.y", alpha=1)
    assert check_attributes(other, 13) is None
