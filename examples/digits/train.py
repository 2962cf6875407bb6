# SPDX-License-Identifier: Apache-2.0
"""Train the bundled example: a quantized 64-32-32-10 classifier of scikit-learn's 8 x 8 digits.

Writes two files into ``build/digits_trained``, or the folder after ``-o``: ``digits.onnx`` (QONNX, batch 1) and
``digits_test.npz`` (``inputs`` (360, 64) float32 and ``labels`` (360,)), and prints the test accuracy under Brevitas
and under the QONNX executor. Everything is seeded and runs on one thread, so the same versions of torch and Brevitas
on the same kind of processor give the same two files; on another, sums round differently and other weights come out.

Needs the ``brevitas`` extra: ``pip install 'tailrace[brevitas]'``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from brevitas import nn as qnn
from brevitas.core.restrict_val import RestrictValueType
from brevitas.core.scaling import ScalingImplType
from brevitas.export import export_qonnx
from brevitas.quant import Int8WeightPerChannelFloat, Int8WeightPerTensorFloat, Uint8ActPerTensorFloat
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.util.cleanup import cleanup_model
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

SEED = 1
PIXELS, HIDDEN, CLASSES = 64, 32, 10
PIXEL_BITS, WEIGHT_BITS, ACTIVATION_BITS = 5, 4, 3
TEST_IMAGES = 360
OPSET = 17


class PixelQuantizer(Uint8ActPerTensorFloat):
    """Takes the pixels 0..16 as they are: unsigned integers with a scale of exactly 1."""

    bit_width = PIXEL_BITS
    scaling_impl_type = ScalingImplType.CONST
    restrict_scaling_type = RestrictValueType.FP
    scaling_init = float(2**PIXEL_BITS - 1)


def build_network() -> torch.nn.Sequential:
    """Return the untrained network, (N, 64) pixels to (N, 10) logits."""

    def hidden_layer(inputs: int) -> list[torch.nn.Module]:
        return [
            qnn.QuantLinear(
                inputs,
                HIDDEN,
                bias=False,
                weight_quant=Int8WeightPerChannelFloat,
                weight_bit_width=WEIGHT_BITS,
            ),
            torch.nn.BatchNorm1d(HIDDEN),
            qnn.QuantReLU(act_quant=Uint8ActPerTensorFloat, bit_width=ACTIVATION_BITS),
        ]

    return torch.nn.Sequential(
        qnn.QuantIdentity(act_quant=PixelQuantizer),
        *hidden_layer(PIXELS),
        *hidden_layer(HIDDEN),
        qnn.QuantLinear(
            HIDDEN,
            CLASSES,
            bias=False,
            weight_quant=Int8WeightPerTensorFloat,
            weight_bit_width=WEIGHT_BITS,
        ),
    )


def train(
    network: torch.nn.Sequential, pixels: torch.Tensor, labels: torch.Tensor, epochs: int, batch: int = 32
) -> None:
    """Train in place on (N, 64) pixels and (N,) labels with Adam and a one-cycle learning rate."""
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01, weight_decay=1e-4)
    steps = len(pixels) // batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.01, total_steps=epochs * steps)
    loss_function = torch.nn.CrossEntropyLoss(label_smoothing=0.05)
    network.train()
    for epoch in range(1, epochs + 1):
        losses = []
        for rows in torch.randperm(len(pixels))[: steps * batch].split(batch):
            optimizer.zero_grad()
            loss = loss_function(network(pixels[rows]), labels[rows])
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        if epoch % 10 == 0:
            print(f"epoch {epoch}: loss {np.mean(losses):.3f}")
    network.eval()


def export(network: torch.nn.Sequential, path: Path) -> None:
    """Write the network as a QONNX file for one image of 64 pixels, with shapes and readable names."""
    # The exporter that follows torch.export does not know the custom operations of QONNX.
    export_qonnx(
        network, args=torch.zeros(1, PIXELS), export_path=str(path), opset_version=OPSET, dynamo=False
    )
    model = cleanup_model(ModelWrapper(str(path)))
    model.save(str(path))


def executor_accuracy(path: Path, inputs: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of (N, 64) ``inputs`` that the QONNX executor classifies as ``labels``."""
    model = ModelWrapper(str(path))
    name_in, name_out = model.graph.input[0].name, model.graph.output[0].name
    logits = [execute_onnx(model, {name_in: row[None]})[name_out][0] for row in inputs]
    return float(np.mean(np.argmax(logits, axis=1) == labels))


def main() -> None:
    """Train, export, check, print."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("build/digits_trained"), help="folder of the two files"
    )
    parser.add_argument("--epochs", type=int, default=60)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)

    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)

    pixels, labels = load_digits(return_X_y=True)
    pixels = pixels.astype(np.float32)
    train_x, test_x, train_y, test_y = train_test_split(
        pixels, labels, test_size=TEST_IMAGES, random_state=SEED, stratify=labels
    )
    network = build_network()
    train(network, torch.from_numpy(train_x), torch.from_numpy(train_y), options.epochs)

    model_path = options.output / "digits.onnx"
    export(network, model_path)
    np.savez_compressed(options.output / "digits_test.npz", inputs=test_x, labels=test_y)
    with torch.no_grad():
        torch_accuracy = float(
            (network(torch.from_numpy(test_x)).argmax(1) == torch.from_numpy(test_y)).float().mean()
        )
    print(f"accuracy on {TEST_IMAGES} test images, Brevitas: {100 * torch_accuracy:.2f} %")
    print(
        f"accuracy on {TEST_IMAGES} test images, QONNX executor: "
        f"{100 * executor_accuracy(model_path, test_x, test_y):.2f} %"
    )


if __name__ == "__main__":
    main()
