# SPDX-License-Identifier: Apache-2.0
"""The dependencies that are installed are those that pyproject.toml allows, and they work together."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from packaging.requirements import Requirement
from pyverilog.vparser.parser import VerilogParser
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

CHECKOUT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CORE = [Requirement(line) for line in PROJECT["dependencies"]]
EXTRA = [
    Requirement(line)
    for name, lines in PROJECT["optional-dependencies"].items()
    if name != "all"
    for line in lines
]
EXACT = {"onnx", "onnxruntime", "qonnx", "torch"}
DEVELOPMENT = {"bench", "dev", "docs", "notebooks"}  # extras that a user does not need


def installed_version(name: str) -> str | None:
    """The version of an installed distribution, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def is_bounded(specifier: SpecifierSet) -> bool:
    """Whether no version newer than all tested ones can slip in."""
    return any(part.operator in {"<", "<=", "=="} for part in specifier)


@pytest.mark.parametrize("requirement", CORE, ids=lambda requirement: requirement.name)
def test_an_installed_dependency_is_within_its_pin(requirement: Requirement) -> None:
    version = installed_version(requirement.name)
    assert version is not None
    assert requirement.specifier.contains(version), (
        f"{requirement.name} {version} is not {requirement.specifier}"
    )


@pytest.mark.parametrize("requirement", EXTRA, ids=lambda requirement: requirement.name)
def test_an_installed_extra_is_within_its_pin(requirement: Requirement) -> None:
    version = installed_version(requirement.name)
    if version is None:
        pytest.skip(f"{requirement.name} belongs to an extra that is not installed")
    # Post-releases of the yowasp wheels are builds of one version of the tool.
    assert requirement.specifier.contains(version), (
        f"{requirement.name} {version} is not {requirement.specifier}"
    )


def test_every_range_has_an_upper_end() -> None:
    development = {Requirement(line).name for line in PROJECT["optional-dependencies"]["dev"]}
    open_ended = {each.name for each in CORE + EXTRA if not is_bounded(each.specifier)}
    assert open_ended - development == set()


def test_the_three_that_depend_on_each_other_are_exact() -> None:
    exact = {each.name for each in CORE + EXTRA if {part.operator for part in each.specifier} == {"=="}}
    assert exact == EXACT


def test_all_means_every_extra_that_a_user_needs() -> None:
    extras = PROJECT["optional-dependencies"]
    (everything,) = extras["all"]
    assert Requirement(everything).extras == extras.keys() - DEVELOPMENT - {"all"}


def test_every_dependency_is_listed_with_its_licence() -> None:
    page = (CHECKOUT / "docs/install.md").read_text(encoding="utf-8").partition("## Licences")[2]
    rows = re.finditer(r"^\| `([\w-]+)` \|[^|]*\|([^|]*)\|", page, re.MULTILINE)
    listed = {row[1]: row[2].strip() for row in rows}
    tools = {
        Requirement(line).name
        for name in ("dev", "docs", "notebooks")
        for line in PROJECT["optional-dependencies"][name]
    }
    assert set(listed) == {each.name for each in CORE + EXTRA} - tools
    assert [name for name, licence in listed.items() if not licence] == []


def quantizer_model(path: Path) -> None:
    """Save a network of one Quant node: 3 signed bits, scale 0.5, rounding half to even."""
    node = helper.make_node(
        "Quant",
        ["x", "scale", "zero_point", "bits"],
        ["y"],
        domain="qonnx.custom_op.general",
        signed=1,
        narrow=0,
        rounding_mode="ROUND",
    )
    constants = {"scale": 0.5, "zero_point": 0.0, "bits": 3.0}
    graph = helper.make_graph(
        [node],
        "quantizer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 6])],
        [helper.make_tensor(name, TensorProto.FLOAT, [], [value]) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("qonnx.custom_op.general", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets), str(path))


def test_the_qonnx_executor_runs_a_quantizer_that_onnx_wrote(tmp_path: Path) -> None:
    quantizer_model(tmp_path / "quantizer.onnx")
    x = np.array([[-9.0, -0.75, -0.25, 0.25, 0.75, 9.0]], np.float32)
    y = execute_onnx(ModelWrapper(str(tmp_path / "quantizer.onnx")), {"x": x})["y"]
    assert y.tolist() == [
        [-2.0, -1.0, 0.0, 0.0, 1.0, 1.5]
    ]  # halves go to the even neighbour; 3 bits are -4..3


def test_onnxruntime_runs_the_newest_file_that_onnx_writes() -> None:
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])],
        "relu",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])],
    )
    model = helper.make_model(graph)  # the file version and the opset that this onnx writes by itself
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (y,) = session.run(None, {"x": np.array([-1.0, 2.0], np.float32)})
    assert y.tolist() == [0.0, 2.0]


def test_the_bundled_example_is_what_its_page_says() -> None:
    folder = CHECKOUT / "examples/digits"
    onnx.checker.check_model(onnx.load(folder / "digits.onnx"))
    model = ModelWrapper(str(folder / "digits.onnx"))
    with np.load(folder / "digits_test.npz") as archive:
        inputs, labels = archive["inputs"], archive["labels"]
    logits = [execute_onnx(model, {"global_in": row[None]})["global_out"][0] for row in inputs]
    right = int((np.argmax(logits, axis=1) == labels).sum())
    assert f"{right} of {len(labels)}" in (folder / "README.md").read_text(encoding="utf-8")


def test_pyverilog_reads_the_ports_of_a_module(tmp_path: Path) -> None:
    source = "module tr_top(input clk, input [7:0] s_axis_tdata, output m_axis_tvalid); endmodule"
    parser = VerilogParser(outputdir=str(tmp_path), debug=False)
    (module,) = parser.parse(source).description.definitions
    assert [port.first.name for port in module.portlist.ports] == ["clk", "s_axis_tdata", "m_axis_tvalid"]


def test_cocotb_finds_its_simulator_libraries() -> None:
    command = [sys.executable, "-m", "cocotb_tools.config", "--lib-name-path", "vpi", "verilator"]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert Path(result.stdout.strip()).is_file()


def test_hls4ml_brings_the_headers_of_the_integer_types() -> None:
    spec = find_spec("hls4ml")
    if spec is None or spec.origin is None:
        pytest.skip("hls4ml is not installed (the hls extra)")
    folder = Path(spec.origin).parent / "templates/vivado/ap_types"
    assert [
        name for name in ("ap_int.h", "ap_fixed.h", "hls_stream.h") if not (folder / name).is_file()
    ] == []


def test_pyosys_synthesizes_a_gate(tmp_path: Path) -> None:
    if find_spec("pyosys") is None:
        pytest.skip("pyosys is not installed (the synth extra)")
    (tmp_path / "gate.v").write_text("module gate(input a, b, output y); assign y = a & b; endmodule\n")
    script = "from pyosys import libyosys as ys; d = ys.Design(); "
    script += "d.run_pass('read_verilog gate.v'); d.run_pass('synth_ecp5 -top gate -json gate.json')"
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, check=True, timeout=300)
    assert '"type": "LUT4"' in (tmp_path / "gate.json").read_text()
