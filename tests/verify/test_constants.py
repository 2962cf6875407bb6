# SPDX-License-Identifier: Apache-2.0
"""Constants and parameters in a build folder against the plan: every one that is changed is named."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
import tailrace
from tailrace.core.errors import TailraceError
from tailrace.verify.constants import ConstantMismatch, ParameterMismatch, wrong_constant
from tiny_network import write_tiny

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def designs(tmp_path_factory) -> dict[str, tailrace.Design]:
    """The same network with its layers folded, and as adders."""
    folder = tmp_path_factory.mktemp("tiny")
    graph = tailrace.load(write_tiny(folder / "tiny.onnx"))
    return {
        engine: tailrace.emit(tailrace.plan(graph, part="xc7a35t", fps=1e6, engine=engine), folder / engine)
        for engine in ("folded", "spatial")
    }


def found(design: tailrace.Design, folder: Path, name: str, good: str, bad: str):
    """Return what is wrong where the first ``good`` of a file is ``bad``."""
    shutil.copytree(design.folder, folder)
    path = folder / name
    assert good in path.read_text()
    path.write_text(path.read_text().replace(good, bad, 1))
    return wrong_constant(design.plan, folder, name.split("/", maxsplit=1)[0])


@pytest.mark.parametrize("engine", ["folded", "spatial"])
@pytest.mark.parametrize("backend", ["rtl", "hls"])
def test_what_was_emitted_is_right(designs, engine, backend):
    assert wrong_constant(designs[engine].plan, designs[engine].folder, backend) is None


def test_every_parameter_of_every_instance_is_compared(designs, tmp_path):
    design = designs["folded"]
    for instance in design.plan.instances:
        for number, (name, value) in enumerate(instance.block.parameters().items()):
            file = f"rtl/tiny_{instance.name}.v"
            wrong = found(
                design,
                tmp_path / f"{instance.name}-{number}",
                file,
                f".{name}({value})",
                f".{name}({value + 1})",
            )
            assert isinstance(wrong, ParameterMismatch)
            assert (wrong.layer, wrong.expected, wrong.got) == (instance.name, value, value + 1)
            assert (
                wrong.message
                == f"{instance.name}: {name} in {file} is {value + 1}, expected {value} (1 value differs)"
            )


def test_a_parameter_of_the_cpp_is_compared_with_that_of_its_own_instance(designs, tmp_path):
    design = designs["folded"]
    words = design.plan.instances[-1].block.parameters()["WORDS"]
    text = (design.folder / "hls" / "tiny.hpp").read_text()
    struct = text[text.index("struct frame {") :]
    before = struct[: struct.index("WORDS = ")]
    wrong = found(
        design, tmp_path / "bad", "hls/tiny.hpp", f"{before}WORDS = {words};", f"{before}WORDS = {words + 1};"
    )
    assert isinstance(wrong, ParameterMismatch)
    assert str(wrong).startswith(
        f"hls: frame: WORDS in hls/tiny.hpp is {words + 1}, expected {words} (1 value "
    )


def test_a_parameter_that_is_gone_is_named(designs, tmp_path):
    wrong = found(designs["folded"], tmp_path / "bad", "rtl/tiny_frame.v", ".PAD_BITS(8)", ".OTHER(8)")
    assert wrong.message == "frame: PAD_BITS in rtl/tiny_frame.v is not there, expected 8 (1 value differs)"


@pytest.mark.parametrize(("backend", "ending"), [("rtl", "mem"), ("hls", "inc")])
def test_a_weight_is_named_with_its_place(designs, backend, ending, tmp_path):
    design = designs["folded"]
    name = f"{backend}/dense_0_weights.{ending}"
    lines = (design.folder / name).read_text().splitlines()
    if backend == "rtl":
        bad = f"{int(lines[1], 16) ^ 1:0{len(lines[1])}x}"
        wrong = found(design, tmp_path / "bad", name, "\n".join(lines[:2]), f"{lines[0]}\n{bad}")
    else:
        first = lines[0].strip(" {},").split(",")[0].strip()
        wrong = found(design, tmp_path / "bad", name, first, str(int(first) ^ 1))
    assert isinstance(wrong, ConstantMismatch)
    assert (wrong.layer, wrong.index[0], wrong.count) == ("dense_0", backend == "rtl", 1)
    assert name in wrong.message


@pytest.mark.parametrize(
    ("engine", "name", "change", "said"),
    [
        ("folded", "rtl/dense_0_weights.mem", ("\n", "\n0\n"), "this does not hold "),
        ("folded", "rtl/dense_0_weights.mem", ("\n", " x\n"), "this does not hold "),
        ("spatial", "rtl/tiny_dense_0_stage0.v", ("+", "-"), "line .* is not what the plan says"),
        ("spatial", "hls/dense_0_compute.inc", ("+", "-"), "line .* is not what the plan says"),
    ],
    ids=["a-word-too-many", "no-number", "an-adder", "an-adder-in-cpp"],
)
def test_a_file_of_another_shape_is_an_error(designs, engine, name, change, said, *, tmp_path):
    with pytest.raises(TailraceError, match=said):
        found(designs[engine], tmp_path / "bad", name, *change)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (".m_axis_tready(output_skid_out_tready)", ".m_axis_tready(1'b1)"),
        (".m_axis_tlast(m_axis_tlast)", ".m_axis_tlast()"),
        ("        .rst(rst),\n", ""),
    ],
    ids=["always-ready", "open", "left-out"],
)
def test_a_connection_of_the_top_is_compared(designs, good, bad, tmp_path):
    text = (designs["folded"].folder / "rtl" / "tiny.v").read_text()
    line = text[: text.index(good)].count("\n") + 1
    with pytest.raises(TailraceError, match=rf"tiny\.v: line {line} is not what the plan says"):
        found(designs["folded"], tmp_path / "bad", "rtl/tiny.v", good, bad)


@pytest.mark.parametrize(
    "name", ["rtl/tiny.v", "rtl/dense_0_weights.mem", "rtl/tiny_frame.v", "hls/tiny.hpp"]
)
def test_a_file_that_is_gone_is_an_error(designs, name, tmp_path):
    shutil.copytree(designs["folded"].folder, tmp_path / "bad")
    (tmp_path / "bad" / name).unlink()
    with pytest.raises(TailraceError, match="there is no such file"):
        wrong_constant(designs["folded"].plan, tmp_path / "bad", name.split("/", maxsplit=1)[0])
