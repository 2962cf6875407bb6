# SPDX-License-Identifier: Apache-2.0
"""A .tflite file through the stages of a build: its copy, its hash, the resumed folder, the hardware."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tailrace

pytest.importorskip("tflite", reason="the package tflite is not installed: pip install 'tailrace[tflite]'")

from tailrace.cli.main import main
from tailrace.core.errors import ModelError
from tailrace.design.build import Build, build, resumed
from tailrace.design.config import Config
from tailrace.design.software import origin_of, reference
from tailrace.frontend.tflite import reference as software
from tailrace.planning import serialize
from tailrace.verify.software import verify_software
from tailrace.verify.vectors import random_inputs
from tflite_models import Model
from tiny_network import write_tiny

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = Config(part="ecp5-25k", fps=1e5, random_vectors=8)


def small() -> bytes:
    """A convolution with a branch around another, their sum, an average, a dense layer and a softmax."""
    rng = np.random.default_rng(3)
    m = Model()
    x = m.tensor((1, 4, 4, 2), "INT8", 0.05, zero=-3, name="x")
    a, b = (
        m.tensor((1, 4, 4, 3), "INT8", s, zero=z, name=n) for s, z, n in ((0.04, -128, "a"), (0.06, 5, "b"))
    )
    c = m.tensor((1, 4, 4, 3), "INT8", 0.05, zero=-128, name="c")
    d = m.tensor((1, 2, 2, 3), "INT8", 0.05, zero=-128, name="d")
    y = m.tensor((1, 5), "INT8", 0.1, zero=7, name="logits")
    p = m.tensor((1, 5), "INT8", 1 / 256, zero=-128, name="p")
    shapes = {"w1": (3, 3, 3, 2), "w2": (1, 3, 3, 3), "w3": (5, 12)}
    axes = {"w1": 0, "w2": 3, "w3": 0}
    w = {
        n: m.tensor(
            s, "INT8", rng.uniform(0.002, 0.01, s[axes[n]]), data=rng.integers(-127, 128, s), axis=axes[n]
        )
        for n, s in shapes.items()
    }
    biases = [m.constant(rng.integers(-500, 500, n), "INT32", scale=1.0) for n in (3, 3, 5)]
    m.operator("CONV_2D", [x, w["w1"], biases[0]], [a], StrideH=1, StrideW=1, FusedActivationFunction=1)
    m.operator("DEPTHWISE_CONV_2D", [a, w["w2"], biases[1]], [b], StrideH=1, StrideW=1, DepthMultiplier=1)
    m.operator("ADD", [a, b], [c], FusedActivationFunction=1)
    m.operator("AVERAGE_POOL_2D", [c], [d], FilterHeight=2, FilterWidth=2, StrideH=2, StrideW=2)
    m.operator("FULLY_CONNECTED", [d, w["w3"], biases[2]], [y])
    m.operator("SOFTMAX", [y], [p], Beta=1.0)
    return m.bytes([x], [p])


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "small.tflite"
    path.write_bytes(small())
    return path


def test_a_build_folder_keeps_the_file_and_goes_on_without_it(tmp_path, model):
    pytest.importorskip(
        "ai_edge_litert", reason="the package ai-edge-litert is not installed: tailrace[tflite]"
    )
    folder = tmp_path / "b"
    build(Build(folder=folder, config=CONFIG, model=model, last="import"))
    kept = folder / "model.tflite"
    assert kept.read_bytes() == model.read_bytes()
    assert not (folder / "model.onnx").exists()
    manifest = json.loads((folder / "build.json").read_text())
    assert manifest["model"]["sha256"] == hashlib.sha256(small()).hexdigest()
    model.unlink()
    design = build(Build(folder=folder, config=resumed(folder, "plan", {}), first="plan", last="emit"))
    assert design is not None
    assert design.report.commands[0].startswith("tailrace build model.tflite --part ecp5-25k")
    plan = serialize.load(folder / "plan.json")
    imported = origin_of(plan, folder).imported
    again = reference(imported, folder)
    result = verify_software(imported, again, random_inputs(imported, 8, 1))
    assert (result.mismatches, result.reference) == (0, "ai-edge-litert")
    assert result.tensors >= 6


def test_another_file_is_not_taken_for_the_one_that_was_imported(tmp_path, model):
    folder = tmp_path / "b"
    build(Build(folder=folder, config=CONFIG, model=model, last="plan"))
    (folder / "model.tflite").write_bytes(small()[:-1] + b"\0\0")
    with pytest.raises(ModelError, match=r"the network is not the one that was imported into"):
        build(Build(folder=folder, config=CONFIG, first="plan", last="plan"))
    build(
        Build(
            folder=folder,
            config=replace(CONFIG, fps=1e4),
            model=write_tiny(tmp_path / "tiny.onnx"),
            last="import",
        )
    )
    assert (folder / "model.onnx").is_file()
    assert not (folder / "model.tflite").exists()


def test_the_graph_comes_back_from_json_with_its_host(model):
    graph = tailrace.load(model)
    again = serialize.loads(serialize.dumps(graph))
    x = random_inputs(graph, 4, 2)
    assert np.array_equal(graph.predict(x), again.predict(x))
    assert again.predict(x).dtype == np.int8
    assert again.host.output.steps() == (
        "the integers are the result",
        "softmax in integers of 8 bits, as TensorFlow Lite's reference kernel does it",
    )


def test_check_and_show_say_what_the_host_does(model, capsys):
    assert main(["check", str(model)]) == 0
    said = capsys.readouterr().out
    assert "small.tflite: can be mapped (" in said
    assert "q = half_away(x / 0.05) - 3, clipped to -128..127 (int8); integers as they are" in said
    assert "softmax in integers of 8 bits" in said
    assert main(["show", str(model), "--part", "ecp5-25k"]) == 0
    assert "logits" in capsys.readouterr().out


def test_without_the_interpreter_a_notice_says_that_nothing_was_compared(model, tmp_path, monkeypatch):
    monkeypatch.setattr(software, "find_spec", lambda _: None)
    graph = tailrace.load(model)
    notice = (
        "the graph was not compared with TensorFlow Lite's interpreter: the package ai-edge-litert is missing "
        "(pip install 'tailrace[tflite]')"
    )
    assert graph.notices == (notice,)
    design = tailrace.emit(tailrace.plan(graph, part="ecp5-25k", fps=1e5), tmp_path / "b", backends=())
    report = design.verify(random_inputs(graph, 2, 1), backends=())
    assert report.verify.software is None
    assert notice in report.notices


@pytest.mark.slow
def test_the_hardware_of_a_small_model_equals_its_graph_and_the_interpreter(tmp_path, model):
    design = build(Build(folder=tmp_path / "b", config=CONFIG, model=model, last="verify"))
    assert design is not None
    verify = design.report.verify
    assert [c.mismatches for c in (verify.software, verify.hls, verify.rtl) if c] == [0, 0, 0]


PLANS = {"ad": ("ecp5-85k", 50e3, 32), "kws": ("ecp5-85k", 200, 32)}
PLANS |= {"ic_resnet8": ("ecp5-85k", 20, 8), "vww": ("xczu7ev", 20, 2)}
"""{network: (part, frames a second, frames)}; as many frames as take some minutes in the simulator."""


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", PLANS)
def test_cpp_and_verilog_of_a_network_give_the_golden_outputs(name, shared_models, tmp_path):
    part, fps, frames = PLANS[name]
    graph = tailrace.load(shared_models / f"mlperf_tiny_{name}.tflite")
    with np.load(shared_models / f"mlperf_tiny_{name}.golden.npz") as golden:
        x, y = golden["inputs"][:frames, 0], golden["outputs"][:frames, 0]
    assert np.array_equal(graph.predict(x), y)
    design = tailrace.emit(tailrace.plan(graph, part=part, fps=fps), tmp_path / "b")
    report = design.verify(x, vectors=1)
    found = {key: getattr(report.verify, key) for key in ("software", "hls", "rtl")}
    assert {key: check.mismatches for key, check in found.items() if check} == dict.fromkeys(found, 0)
    assert min(found[key].vectors for key in ("hls", "rtl")) > frames
