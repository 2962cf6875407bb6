# SPDX-License-Identifier: Apache-2.0
"""Float networks to verified Verilog: ``tailrace quantize`` and ``tr.quantize``, and what they answer to bad input."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
import tailrace as tr
from networks import Builder
from onnxruntime_networks import float_network, quantized
from tailrace.cli import main as cli
from tailrace.core.errors import ModelError, TailraceError, UsageError
from tailrace.frontend.post_training import Plan, Widths, prepare, ranges_of
from tailrace.verify.software import verify_software

FLOATS = {
    "hls4ml_float_conv1d_small": (8, 42.2, 63),
    "hls4ml_float_three_layer_bn": (16, 25.4, 63),
    "mlperf_float_ad": (4, 38.1, 64),
    "mlperf_float_kws_dscnn": (4, 24.7, 62),
    "qonnx_float_mnist_conv": (4, 40.1, 64),
    "qonnx_float_residual_block": (1, 57.2, 7),
}
"""{float network of the shared models: frames in the Verilog, decibels of its outputs, same largest output}."""

QUICK = {"hls4ml_float_three_layer_bn"}


def samples_of(name: str, shared_models: Path) -> np.ndarray:
    """The golden inputs of a shared network, or random ones."""
    golden = shared_models / f"{name}.golden.npz"
    if golden.exists():
        return np.load(golden)["inputs"]
    return np.random.default_rng(0).normal(0, 1, (64, 1, 16)).astype(np.float32)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in QUICK else [pytest.mark.slow]) for n in FLOATS]
)
def test_every_float_network_becomes_verified_verilog_with_its_loss_stated(name, shared_models, tmp_path):
    frames, decibels, same = FLOATS[name]
    x = samples_of(name, shared_models)
    result = tr.quantize(shared_models / f"{name}.onnx", x)
    assert (round(result.output_db, 1), result.agreement.correct) == (decibels, same)
    graph = tr.load(result.model)
    x = x.reshape(len(x), *graph.host.input.shape)[:frames]
    design = tr.emit(tr.plan(graph), tmp_path / "build")
    verify = design.verify(x, vectors=1, backends=("rtl",)).verify
    assert (verify.software.mismatches, verify.rtl.mismatches) == (0, 0)
    assert verify.software.reference == "onnxruntime"


@pytest.mark.parametrize(
    ("bits", "method", "layers"),
    [
        ("w4a8", "mse", {}),
        ("4", "percentile", {"Gemm_3": "w8a8"}),
        ("w3a5", "entropy", {}),
        ("w8a16", "minmax", {"Gemm_0": "w2a4"}),
        ("8", "minmax", {"Gemm_3": "w4a12"}),
    ],
)
def test_every_width_and_method_maps_and_equals_onnxruntime(bits, method, layers):
    x = np.random.default_rng(3).normal(0, 1, (40, 10)).astype(np.float32)
    model = float_network("perceptron")
    names = [node.name for node in model.graph.node if node.op_type == "Gemm"]
    own = {names[int(key != "Gemm_0")]: value for key, value in layers.items()}
    result = tr.quantize(model, x, bits=bits, method=method, layers=own)
    graph = tr.load(result.model)
    checked = verify_software(graph, graph.reference, x)
    assert (checked.mismatches, checked.framework_rounding) == (0, 0)
    widths = Widths.parse(bits)
    assert result.layers[0].snr_db == min(layer.snr_db for layer in result.layers)
    found = {layer.layer: (layer.weight_bits, layer.bits) for layer in result.layers}
    for name in names:
        wanted = Widths.parse(own.get(name, bits))
        assert found[name][0] == wanted.weights
    tensor = graph.tensors[graph.input]
    first = Widths.parse(own.get(names[0], bits))
    assert int(tensor.high.max()) < 1 << first.activations
    assert any(int(t.high.max()) == (1 << widths.activations) - 1 for t in graph.tensors.values())


def test_weights_have_no_more_values_than_their_bits_say():
    x = np.random.default_rng(3).normal(0, 1, (40, 10)).astype(np.float32)
    for method in ("minmax", "mse"):
        result = tr.quantize(float_network("perceptron"), x, bits="w4a8", method=method)
        graph = tr.load(result.model)
        for node in graph.nodes:
            if hasattr(node, "weights"):
                assert np.abs(node.weights).max() <= 7


def test_accuracy_before_and_after_is_measured_with_labels(tmp_path, capsys):
    x = np.random.default_rng(3).normal(0, 1, (50, 10)).astype(np.float32)
    model = float_network("perceptron")
    onnx.save(model, tmp_path / "float.onnx")
    run = tr.quantize(model, x)
    np.savez(tmp_path / "x.npz", inputs=x)
    labels = np.random.default_rng(4).integers(0, 5, 50)
    np.save(tmp_path / "y.npy", labels)
    out = tmp_path / "q.onnx"
    arguments = ["quantize", str(tmp_path / "float.onnx"), "--calibrate", str(tmp_path / "x.npz")]
    assert cli.main([*arguments, "--labels", str(tmp_path / "y.npy"), "-o", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "accuracy: " in printed
    assert f"the same largest output: {run.agreement.share:.2%}" in printed
    assert onnx.load(out) == run.model
    assert cli.main([*arguments, "-o", str(out)]) == 2
    assert "exists" in capsys.readouterr().err


def test_what_to_try_next_is_said_where_too_much_is_lost():
    x = np.random.default_rng(3).normal(0, 1, (8, 10)).astype(np.float32)
    advice = "\n".join(tr.quantize(float_network("perceptron"), x, bits=2, per_channel=False).advice)
    assert "more samples: 8 are few" in advice
    assert "a scale for every channel" in advice
    assert "--method percentile" in advice
    assert "more weight bits for Gemm" in advice
    assert tr.quantize(float_network("perceptron"), np.tile(x, (8, 1)), bits=8).advice == ()


def test_percentile_and_mse_leave_far_values_out():
    x = np.random.default_rng(3).normal(0, 1, (100, 10)).astype(np.float32)
    x[7, 3] = 8.0
    network = prepare(float_network("perceptron"))
    plan = Plan.of(network, Widths.parse(4), {})
    found = {
        method: ranges_of(network, network.samples(x, "x"), method, lambda t: 1 << plan.bits(t))[
            network.input
        ]
        for method in ("minmax", "percentile", "mse")
    }
    assert found["minmax"][1] == 8.0
    assert found["mse"][1] < 8.0
    assert found["percentile"][1] <= 8.0


BAD = {
    "another shape": (np.zeros((4, 11), np.float32), "an array of shape (4, 11) and type float32"),
    "no axis of samples": (np.zeros(10, np.float32), "an array of shape (10,) and type float32"),
    "NaN": (np.full((4, 10), np.nan, np.float32), "40 of the numbers are NaN, infinite or beyond float32"),
    "one sample": (np.zeros((1, 10), np.float32), "it holds one sample"),
    "complex numbers": (np.zeros((4, 10), np.complex64), "an array of shape (4, 10) and type complex64"),
    "texts": (np.full((4, 10), "a"), "an array of shape (4, 10) and type <U1"),
    "nothing": (np.zeros((0, 10), np.float32), "an array of shape (0, 10)"),
    "beyond float32": (np.full((4, 10), 1e300), "40 of the numbers are NaN, infinite or beyond float32"),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("from_file", [False, True])
def test_bad_calibration_arrays_are_answered_once(kind, from_file, tmp_path):
    array, message = BAD[kind]
    path = tmp_path / "x.npy"
    np.save(path, array)
    with pytest.raises(ModelError) as caught:
        tr.quantize(float_network("perceptron"), path if from_file else array)
    assert message in str(caught.value)
    assert caught.value.where == (str(path) if from_file else "calibrate")
    assert caught.value.hint


def test_bad_calibration_files_are_answered_once(tmp_path):
    model = float_network("perceptron")
    (tmp_path / "text.npy").write_text("1, 2, 3")
    for path, message in (
        (tmp_path / "missing.npy", "there is no such file"),
        (tmp_path, "this is a folder"),
        (tmp_path / "text.npy", "this is no .npy or .npz file of numbers"),
    ):
        with pytest.raises(ModelError, match=message):
            tr.quantize(model, path)


def test_bad_labels_are_answered_once():
    x = np.random.default_rng(3).normal(0, 1, (4, 10)).astype(np.float32)
    for labels, message in (
        (np.zeros(3, np.int64), "3 labels for 4 inputs"),
        (np.full(4, 5), "labels from 5 to 5, and the network has 5 outputs"),
        (np.full(4, 0.5), "labels that are no whole numbers"),
    ):
        with pytest.raises(ModelError, match=message):
            tr.quantize(float_network("perceptron"), x, labels=labels)


def test_bad_options_are_wrong_usage():
    x = np.random.default_rng(3).normal(0, 1, (4, 10)).astype(np.float32)
    model = float_network("perceptron")
    for options, message in (
        ({"bits": "w9a8"}, "widths of 'w9a8'"),
        ({"bits": "eight"}, "widths of 'eight'"),
        ({"method": "best"}, "there is no method 'best'"),
        ({"layers": {"Gemm": 4}}, "there is no layer 'Gemm'"),
    ):
        with pytest.raises(UsageError, match=message):
            tr.quantize(model, x, **options)


def test_networks_that_cannot_be_quantized_are_refused(tmp_path):
    x = np.random.default_rng(3).normal(0, 1, (4, 10)).astype(np.float32)
    already = quantized(float_network("perceptron"), tmp_path / "q.onnx")
    build = Builder(opset=17, domain="")
    double = build.model(build.node("Add", build.input([1, 10]), build.input([1, 10])))
    build = Builder(opset=17, domain="")
    dynamic = build.model(build.node("Relu", build.input([1, "n"])))
    build = Builder(opset=17, domain="")
    layerless = build.model(build.node("Relu", build.input([1, 10])))
    for model, message in (
        (already, "it is quantized already"),
        (double, "it has 2 inputs"),
        (dynamic, r"the input x has the dynamic shape \[1, n\]"),
        (layerless, "it has no layer with constant weights"),
    ):
        with pytest.raises(ModelError, match=message):
            tr.quantize(model, x)


def test_a_full_disk_leaves_nothing_half_written(tmp_path, monkeypatch):
    x = np.random.default_rng(3).normal(0, 1, (4, 10)).astype(np.float32)
    result = tr.quantize(float_network("perceptron"), x)
    out = tmp_path / "q.onnx"
    out.write_bytes(b"before")
    original = Path.write_bytes

    def full(self: Path, data: bytes) -> int:
        original(self, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))

    for stop in (
        full,
        lambda self, data: (original(self, data[:9]), (_ for _ in ()).throw(KeyboardInterrupt)),
    ):
        monkeypatch.setattr(Path, "write_bytes", stop)
        with pytest.raises((OSError, KeyboardInterrupt)):
            result.write(out)
        monkeypatch.undo()
        assert out.read_bytes() == b"before"
        assert sorted(p.name for p in tmp_path.iterdir()) == ["q.onnx"]
    result.write(tmp_path / "new" / "q.onnx")
    assert onnx.load(tmp_path / "new" / "q.onnx") == result.model


def test_a_float_network_is_told_how_to_be_quantized():
    with pytest.raises(TailraceError) as caught:
        tr.load(float_network("perceptron"), "fixed<8,3>")
    assert "tailrace quantize" in str(caught.value)
    assert "quantize_static(..., quant_format=QuantFormat.QDQ)" in str(caught.value)


PAGE = Path(__file__).parents[2] / "docs" / "doors" / "quantize.md"


def test_the_page_of_float_networks_prints_what_it_says(tmp_path, monkeypatch, capsys):
    text = PAGE.read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "quantize.md", "exec"), {"__name__": "__main__"})  # noqa: S102 - our own document
    assert capsys.readouterr().out.splitlines() == re.findall(r"^print\(.*\)  # (.*)$", code, re.MULTILINE)
    assert (tmp_path / "q.onnx").exists()


def test_the_page_of_float_networks_has_the_figures_that_are_tested():
    text = PAGE.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (\w+) \| (.*) \|$", text, re.MULTILINE))
    totals = {"qonnx_float_residual_block": 8}
    for name, (_, decibels, same) in FLOATS.items():
        assert rows[name] == f"{decibels} dB | {same} of {totals.get(name, 64)}"
