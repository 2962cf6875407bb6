# SPDX-License-Identifier: Apache-2.0
"""The four networks of MLPerf Tiny give the reference kernels' outputs, in the graph, in C++ and in Verilog."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import tailrace

pytest.importorskip("tflite", reason="the package tflite is not installed: pip install 'tailrace[tflite]'")

from tailrace.core.errors import ModelError
from tailrace.frontend.tflite.handlers import HANDLERS
from tailrace.verify.software import verify_software

NETWORKS = ("kws", "ad", "ic_resnet8", "vww")


def golden(folder, name):
    with np.load(folder / f"mlperf_tiny_{name}.golden.npz") as found:
        return found["inputs"], found["outputs"]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_gives_the_golden_outputs_on_every_vector(name, shared_models):
    graph = tailrace.load(shared_models / f"mlperf_tiny_{name}.tflite")
    inputs, outputs = golden(shared_models, name)
    got = graph.predict(inputs)
    assert got.dtype == outputs.dtype == np.int8
    assert np.array_equal(got, outputs[:, 0])


@pytest.mark.parametrize("name", NETWORKS)
def test_every_tensor_of_a_network_equals_the_interpreters(name, shared_models):
    pytest.importorskip(
        "ai_edge_litert", reason="the package ai-edge-litert is not installed: tailrace[tflite]"
    )
    graph = tailrace.load(shared_models / f"mlperf_tiny_{name}.tflite")
    inputs, _ = golden(shared_models, name)
    result = verify_software(graph, graph.reference, inputs[:, 0][:4])
    assert (result.mismatches, result.framework_rounding, result.first) == (0, 0, None)
    assert result.reference == "ai-edge-litert"
    assert result.tensors >= len(graph.reference.encodings) - 2  # a RESHAPE of a vector is the vector


def test_floats_are_quantized_as_the_interpreters_users_do(shared_models):
    graph = tailrace.load(shared_models / "mlperf_tiny_ad.tflite")
    inputs, outputs = golden(shared_models, "ad")
    floats = (inputs.astype(np.float32) - np.float32(89)) * np.float32(graph.host.input.quantizer.scale)
    assert np.array_equal(graph.predict(floats), outputs[:, 0])


def test_integers_that_the_type_of_the_input_does_not_hold_are_refused(shared_models):
    graph = tailrace.load(shared_models / "mlperf_tiny_ic_resnet8.tflite")
    with pytest.raises(ModelError, match="values from 200 to 200 do not fit int8"):
        graph.predict(np.full((1, 32, 32, 3), 200, np.uint8))


def test_the_example_of_the_page_runs(shared_models, tmp_path, monkeypatch):
    page = (Path(__file__).parents[3] / "docs/doors/tflite.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    shutil.copy(shared_models / "mlperf_tiny_kws.tflite", tmp_path / "kws_ref_model.tflite")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "docs/doors/tflite.md", "exec"), {})  # noqa: S102 - our own document


def test_the_page_names_every_operator_that_is_mapped():
    page = (Path(__file__).parents[3] / "docs/doors/tflite.md").read_text(encoding="utf-8")
    listed = page.partition("## Operators\n")[2].partition("\n\nRefused")[0]
    assert set(re.findall(r"`([A-Z0-9_]+)`", listed)) == set(HANDLERS)
