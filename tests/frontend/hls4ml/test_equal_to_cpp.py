# SPDX-License-Identifier: Apache-2.0
"""Networks of hls4ml's front ends: the integer graph gives what their compiled C++ gives, layer by layer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tailrace as tr
from hls4ml_models import (
    assert_equal_to_the_cpp,
    converted_keras,
    converted_onnx,
    converted_torch,
    hls4ml,
    inputs,
    needs,
    perceptron,
    quiet,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def qonnx_with_softmax(folder: Path, **options: Any) -> Any:
    return converted_onnx(perceptron(6, 4, 3, softmax=True), folder, io_type="io_stream", **options)


def test_a_quantized_perceptron_of_qonnx_with_softmax(tmp_path: Path) -> None:
    graph = tr.from_hls4ml(qonnx_with_softmax(tmp_path))
    assert_equal_to_the_cpp(graph)
    assert len(graph.notices) == 1
    assert "do not fit fixed<16,6>: they wrap around, as in hls4ml" in graph.notices[0]  # softmax: x - max
    assert graph.nodes[-1].output == graph.output


# --- the same over all front ends -------------------------------------------------------------------------------


def few_bits(config: dict) -> None:
    """Results of few bits, so that sums and products of layers stay narrow."""
    for layer in config["LayerName"].values():
        if isinstance(layer.get("Precision"), dict) and "result" in layer["Precision"]:
            layer["Precision"]["result"] = "fixed<14,6>"


def one_type_for_all(folder: Path, **options: Any) -> Any:
    return converted_onnx(perceptron(8, 5, 3, quantized=False), folder, granularity="model", **options)


def saturating(folder: Path, **options: Any) -> Any:
    model = perceptron(8, 5, 3, quantized=False)
    return converted_onnx(model, folder, precision="fixed<10,4,RND_CONV,SAT>", io_type="io_stream", **options)


def resource(folder: Path, **options: Any) -> Any:
    def change(config: dict) -> None:
        config["Model"]["Strategy"] = "Resource"
        config["Model"]["ReuseFactor"] = 4

    options = {"backend": "Vivado"} | options
    return converted_onnx(perceptron(8, 6, 4), folder, change=change, **options)


def torch_perceptron(folder: Path, **options: Any) -> Any:
    torch = needs("torch")
    torch.manual_seed(3)
    nn = torch.nn
    model = nn.Sequential(nn.Linear(10, 8), nn.ReLU(), nn.Linear(8, 5), nn.Sigmoid(), nn.Linear(5, 3))
    return converted_torch(model, (10,), folder, **options)


def torch_convolutions(folder: Path, **options: Any) -> Any:
    torch = needs("torch")
    torch.manual_seed(4)
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.LeakyReLU(0.2),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 3, 2),
        nn.ELU(),
        nn.Flatten(),
        nn.Linear(27, 4),
    )
    return converted_torch(model, (2, 8, 8), folder, **options)


def seeded_keras() -> Any:
    """Keras, which draws the same weights for every model with the same layers."""
    keras = needs("keras")
    keras.utils.set_random_seed(6)
    return keras


def keras_images(folder: Path, **options: Any) -> Any:
    keras = seeded_keras()
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((8, 7, 2)),
            layers.Conv2D(3, 3, padding="same", activation="relu"),
            layers.AveragePooling2D(3, strides=2, padding="same"),
            layers.Conv2D(3, (2, 3), strides=(2, 1), padding="same"),
            layers.BatchNormalization(),
            layers.Activation("tanh"),
            layers.MaxPooling2D(2, padding="same"),
            layers.Flatten(),
            layers.Dense(3),
            layers.Softmax(),
        ]
    )
    return converted_keras(model, folder, change=few_bits, precision="fixed<12,5>", **options)


def keras_signals(folder: Path, **options: Any) -> Any:
    keras = seeded_keras()
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((12, 3)),
            layers.Conv1D(4, 3, padding="same", strides=2),
            layers.LeakyReLU(negative_slope=0.3),
            layers.AveragePooling1D(2),
            layers.Conv1D(3, 1),
            layers.Activation("sigmoid"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(3),
        ]
    )
    return converted_keras(model, folder, io_type="io_stream", **options)


def keras_merges(folder: Path, **options: Any) -> Any:
    keras = seeded_keras()
    layers = keras.layers
    first = layers.Input((6, 6, 2))
    a = layers.DepthwiseConv2D(3)(first)
    b = layers.Conv2D(2, 1)(layers.DepthwiseConv2D(3)(first))
    x = layers.Concatenate()([layers.Add()([a, b]), a])
    x = layers.ZeroPadding2D(1)(layers.UpSampling2D(2)(x))
    x = layers.ELU()(layers.GlobalMaxPooling2D()(x))
    y = layers.Dense(4)(x)
    x = layers.Average()([x, y])
    x = layers.Minimum()([layers.Maximum()([x, y]), y])
    x = layers.Subtract()([layers.Multiply()([x, y]), y])
    model = keras.Model(first, layers.Activation("softplus")(x))
    return converted_keras(model, folder, change=few_bits, precision="fixed<12,5>", **options)


def keras_movements(folder: Path, **options: Any) -> Any:
    keras = seeded_keras()
    layers = keras.layers
    first = layers.Input((6, 5))
    x = layers.Permute((2, 1))(first)
    x = layers.EinsumDense("abc,cd->abd", output_shape=(5, 4), bias_axes="d")(x)
    x = layers.Activation("selu")(layers.Reshape((10, 2))(x))
    x = layers.PReLU()(layers.Dense(3)(x))
    x = layers.Softmax()(layers.Cropping1D((1, 2))(x))
    return converted_keras(keras.Model(first, x), folder, change=few_bits, precision="fixed<12,5>", **options)


def keras_hard_functions(folder: Path, **options: Any) -> Any:
    keras = seeded_keras()
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((9,)),
            layers.Dense(6, activation="hard_sigmoid"),
            layers.Dense(6, activation="relu6"),
            layers.Dense(5, activation="softsign"),
            layers.Dense(3, activation="linear"),
        ]
    )
    options = {"backend": "Vivado"} | options
    return converted_keras(model, folder, **options)


def hgq2(folder: Path, **options: Any) -> Any:
    keras, hgq = needs("keras"), needs("hgq")
    from hgq.config import LayerConfigScope, QuantizerConfigScope  # noqa: PLC0415
    from hgq.layers import QDense  # noqa: PLC0415
    from hgq.utils import trace_minmax  # noqa: PLC0415

    assert hgq
    keras.utils.set_random_seed(1)
    with (
        QuantizerConfigScope(q_type="kif", place="all", default_q_type="kbi"),
        QuantizerConfigScope(place="datalane", default_q_type="kif", overflow_mode="WRAP", f0=4),
        LayerConfigScope(enable_ebops=False),
    ):
        model = keras.Sequential(
            [
                keras.layers.Input((10,)),
                QDense(7, activation="relu"),
                QDense(6, activation="tanh"),
                QDense(4),
            ]
        )
    trace_minmax(model, np.random.default_rng(0).normal(size=(200, 10)).astype(np.float32))

    def change(config: dict) -> None:
        config.clear()
        config["Model"] = {"Precision": "ap_fixed<1,0>", "ReuseFactor": 1, "Strategy": "latency"}

    options = {"backend": "Tailrace"} | options
    return converted_keras(model, folder, change=change, **options)


def keras2_separable(folder: Path, **options: Any) -> Any:
    """A file of Keras 2, which needs no TensorFlow: hls4ml's Keras 3 front end cannot convert separable layers."""
    h5py = needs("h5py")
    assert hls4ml()
    from hls4ml.converters.keras_v2_to_hls import keras_v2_to_hls  # noqa: PLC0415
    from hls4ml.utils.config import create_config  # noqa: PLC0415

    same = {"data_format": "channels_last", "dilation_rate": [1, 1], "activation": "linear", "use_bias": True}
    layers: list[tuple[str, dict]] = [
        ("InputLayer", {"name": "x", "batch_input_shape": [None, 6, 5, 3]}),
        (
            "SeparableConv2D",
            {"name": "a", "filters": 4, "kernel_size": [3, 3], "strides": [1, 1], "padding": "same"},
        ),
        ("ReLU", {"name": "r"}),
        (
            "SeparableConv2D",
            {"name": "b", "filters": 2, "kernel_size": [2, 2], "strides": [2, 1], "padding": "valid"},
        ),
    ]
    for kind, config in layers:
        config["dtype"] = "float32"
        config.update(same | {"depth_multiplier": 1} if kind.startswith("Separable") else {})
    model = {
        "class_name": "Sequential",
        "config": {
            "name": "separable",
            "layers": [{"class_name": kind, "config": config} for kind, config in layers],
        },
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.json").write_text(json.dumps(model), encoding="utf-8")
    rng = np.random.default_rng(7)
    with h5py.File(folder / "weights.h5", "w") as file:
        for name, rows, columns, channels, filters in (("a", 3, 3, 3, 4), ("b", 2, 2, 4, 2)):
            file[f"{name}/depthwise_kernel"] = rng.normal(size=(rows, columns, channels, 1)) / 2
            file[f"{name}/pointwise_kernel"] = rng.normal(size=(1, 1, channels, filters)) / 2
            file[f"{name}/bias"] = rng.normal(size=filters)
    options = {"backend": "Vitis", "project_name": "separable"} | options
    config = create_config(output_dir=str(folder), **options)
    config["KerasJson"], config["KerasH5"] = str(folder / "model.json"), str(folder / "weights.h5")
    config["HLSConfig"] = {"Model": {"Precision": "fixed<12,5>", "ReuseFactor": 1, "Strategy": "Latency"}}
    return keras_v2_to_hls(config)


def hgq2_tables(folder: Path, **options: Any) -> Any:
    keras, hgq = seeded_keras(), needs("hgq")
    from hgq.config import LayerConfigScope, QuantizerConfigScope  # noqa: PLC0415
    from hgq.layers import QDense, QUnaryFunctionLUT  # noqa: PLC0415
    from hgq.utils import trace_minmax  # noqa: PLC0415

    assert hgq
    with (
        QuantizerConfigScope(q_type="kif", place="all", default_q_type="kbi"),
        QuantizerConfigScope(place="datalane", default_q_type="kif", overflow_mode="WRAP", f0=3),
        QuantizerConfigScope(place="table", default_q_type="kif", overflow_mode="SAT", f0=4),
        LayerConfigScope(enable_ebops=False),
    ):
        model = keras.Sequential(
            [
                keras.layers.Input((6,)),
                QDense(5),
                QUnaryFunctionLUT(keras.ops.sin, allow_heterogeneous_table=False),
                QDense(3),
            ]
        )
    trace_minmax(model, np.random.default_rng(0).normal(size=(200, 6)).astype(np.float32))

    def change(config: dict) -> None:
        config.clear()
        config["Model"] = {"Precision": "ap_fixed<1,0>", "ReuseFactor": 1, "Strategy": "latency"}

    options = {"backend": "Tailrace"} | options
    with needs("torch").no_grad():  # hls4ml evaluates the table with Keras' own numbers
        return converted_keras(model, folder, change=change, **options)


MODELS: tuple[Callable[..., Any], ...] = (
    qonnx_with_softmax,
    one_type_for_all,
    saturating,
    resource,
    torch_perceptron,
    torch_convolutions,
    keras_images,
    keras_signals,
    keras_merges,
    keras_movements,
    keras_hard_functions,
    hgq2,
    keras2_separable,
    hgq2_tables,
)


@pytest.mark.slow
@pytest.mark.parametrize("build", MODELS, ids=[build.__name__ for build in MODELS])
def test_equal_to_the_compiled_cpp(build: Callable[..., Any], tmp_path: Path) -> None:
    with quiet():
        model = build(tmp_path)
    graph = tr.from_hls4ml(model)
    assert_equal_to_the_cpp(graph, count=12)


@pytest.mark.slow
@pytest.mark.parametrize("build", MODELS, ids=[build.__name__ for build in MODELS])
def test_the_verilog_of_both_doors_gives_what_the_compiled_cpp_gives(
    build: Callable[..., Any], tmp_path: Path, seed: int
) -> None:
    with quiet():
        theirs = build(tmp_path / "theirs")
        ours = build(tmp_path / "ours", backend="Tailrace")
    graph = tr.from_hls4ml(theirs)
    x = inputs(graph, 6, seed)
    design = tr.emit(tr.plan(graph), tmp_path / "design", backends=("rtl",))
    with quiet():
        ours.compile()
    assert (
        ours.predict(x).ravel().tolist() == graph.predict(x).ravel().tolist()
    )  # compared with the C++ inside
    for made in (design, ours.config.backend.design(ours)):
        checks = made.verify(x, vectors=6, backends=("rtl",)).verify
        assert checks.software is not None
        assert checks.rtl is not None
        assert (checks.software.reference, checks.software.mismatches) == ("hls4ml's C++", 0)
        assert checks.rtl.vectors >= 12  # those given, random ones, and the corners of the ranges
        assert checks.rtl.mismatches == 0
