# SPDX-License-Identifier: Apache-2.0
"""examples/deeploy: the integer operations of Deeploy give its golden outputs to the integer, as an extension."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
import tailrace as tr
from onnx import TensorProto, helper, numpy_helper
from tailrace import extend
from tailrace.core.errors import MappingError
from tailrace.frontend import UnsupportedError
from tailrace.frontend.operations import SPELLINGS
from tailrace.graph import Tensor
from tailrace.verify.software import verify_software
from tailrace.verify.vectors import random_inputs

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "deeploy"
NETWORKS = ("rmsnorm", "softmax", "inonorm", "attention")


@pytest.fixture(scope="module")
def package() -> Iterator[extend.Extension]:
    """The example's package, importable; not added yet."""
    sys.path.insert(0, str(EXAMPLE))
    try:
        from tailrace_deeploy import EXTENSION  # noqa: PLC0415

        yield EXTENSION
    finally:
        sys.path.remove(str(EXAMPLE))


@pytest.fixture
def added(package: extend.Extension) -> Iterator[extend.Extension]:
    extend.add(package)
    yield package
    extend.remove(package)


@pytest.mark.usefixtures("added")
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_of_deeploy_gives_its_golden_outputs_to_the_integer(name: str, shared_models: Path) -> None:
    graph = tr.load(shared_models / f"deeploy_{name}.onnx", input_type="int8")
    golden = np.load(shared_models / f"deeploy_{name}.golden.npz")
    x = golden["inputs"].astype(np.float32)
    outputs = graph.predict(x)
    assert np.array_equal(golden["outputs"], outputs.reshape(golden["outputs"].shape))
    for vectors in (x, random_inputs(graph, 3, seed=1)):
        result = verify_software(graph, graph.reference, vectors)
        assert (result.mismatches, result.framework_rounding) == (0, 0), result.first


def test_operations_of_onnx_s_own_domain_are_taken_over_only_while_the_extension_is_there(
    package: extend.Extension,
) -> None:
    assert not SPELLINGS
    extend.add(package)
    try:
        assert dict(SPELLINGS) == dict.fromkeys(
            ("RequantShift", "iNoNorm", "iRMSNorm", "iSoftmax"), "tailrace_deeploy.software"
        )
    finally:
        extend.remove(package)
    assert not SPELLINGS


@pytest.mark.usefixtures("added")
def test_what_has_no_hardware_yet_says_so(shared_models: Path) -> None:
    graph = tr.load(shared_models / "deeploy_softmax.onnx", input_type="int8")
    with pytest.raises(MappingError, match="IntegerSoftmax has no hardware yet") as caught:
        tr.plan(graph, part="ecp5-85k")
    assert "graph.predict" in (caught.value.hint or "")


@pytest.mark.usefixtures("package")
def test_without_the_extension_each_operation_is_refused_with_the_way_to_it(shared_models: Path) -> None:
    with pytest.raises(UnsupportedError, match="ONNX has no operation iRMSNorm") as caught:
        tr.load(shared_models / "deeploy_rmsnorm.onnx", input_type="int8")
    assert "pip install ./examples/deeploy" in str(caught.value)


@pytest.mark.usefixtures("added")
def test_floats_are_refused(shared_models: Path) -> None:
    with pytest.raises(UnsupportedError, match="is no tensor of integers") as caught:
        tr.load(shared_models / "deeploy_rmsnorm.onnx", input_type="fixed<8,4>")
    assert "--input-type int8" in str(caught.value)


@pytest.mark.usefixtures("package")
def test_the_steps_of_a_requantization_are_its_formula(seed: int) -> None:
    from tailrace_deeploy.formulas import Levels, requantized  # noqa: PLC0415
    from tailrace_deeploy.handlers import _steps  # noqa: PLC0415

    rng = np.random.default_rng(seed)
    for _ in range(30):
        low, high = np.sort(rng.integers(-300, 300, (2, 3)), axis=0)
        tensor = Tensor(name="x", shape=(3,), low=low, high=high)
        mul, add = rng.integers(-40, 40, 3), rng.integers(-999, 999, 3)
        div, levels = (
            int(rng.integers(1, 200)),
            Levels.of(int(rng.integers(2, 40)), signed=bool(rng.integers(2))),
        )
        x = np.clip(np.arange(-300, 301)[:, None], low, high)
        expected = requantized(x, mul, add, div, levels)
        assert np.array_equal(expected, _steps(mul, add + div // 2, div, levels, tensor)(x))


def small_network() -> onnx.ModelProto:
    """A layer of integers, requantized by channel, and a factor for every element in place of a normalization."""
    rng = np.random.default_rng(3)
    constants = {
        "w": rng.integers(-7, 8, (6, 4)),
        "mul": rng.integers(50, 900, 4),
        "add": rng.integers(-999, 999, 4),
        "weight": rng.integers(-100, 100, (3, 4)),
        "bias": rng.integers(-999, 999, 4),
    }
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"]),
        helper.make_node(
            "RequantShift", ["a", "mul", "add"], ["b"], div=1024.0, n_levels_out=[256.0], signed=[1.0]
        ),
        helper.make_node("iNoNorm", ["b", "weight", "bias"], ["y"], D=[4096.0], mul=[37.0], n_levels=[64.0]),
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("x", [1, 3, 6]), ("y", [1, 3, 4]))
    ]
    values = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "small", ends[:1], ends[1:], values)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 10)], ir_version=6)


@pytest.mark.usefixtures("added")
def test_requantizations_and_factors_go_down_to_verilog(tmp_path: Path) -> None:
    graph = tr.load(small_network(), input_type="int5")
    plan = tr.plan(graph, part="ecp5-85k")
    report = tr.emit(plan, tmp_path / "build").verify(vectors=20, seed=1)
    checks = (report.verify.software, report.verify.hls, report.verify.rtl)
    assert [check.mismatches for check in checks] == [0, 0, 0]
