# SPDX-License-Identifier: Apache-2.0
"""Build convolutional networks of the sizes that people use with Brevitas, and export them as QONNX.

``python tests/brevitas_networks.py FOLDER [NAME ...]`` writes NAME.onnx for each; with no names, for all.
The weights are random; a few batches of random images set the batch-norms and the scales of the activations. So the
networks recognize nothing, but they have every node, width and range that a trained one has. Everything is seeded.
Needs the ``brevitas`` extra.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from brevitas import nn as qnn
from brevitas.export import export_qonnx
from brevitas.quant import (
    Int8ActPerTensorFloat,
    Int8WeightPerChannelFloat,
    Int8WeightPerTensorFloat,
    Int32Bias,
    SignedBinaryActPerTensorConst,
    SignedBinaryWeightPerTensorConst,
    SignedTernaryWeightPerTensorConst,
    TruncTo8bit,
    Uint8ActPerTensorFloat,
)
from qonnx.util.cleanup import cleanup
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable

SEED = 7


def weights(bits: int, *, per_channel: bool = False) -> dict[str, object]:
    """Return the arguments of a layer whose weights have ``bits``; 1 is bipolar, 2 is ternary."""
    if bits == 1:
        return {"weight_quant": SignedBinaryWeightPerTensorConst}
    if bits == 2:
        return {"weight_quant": SignedTernaryWeightPerTensorConst}
    kind = Int8WeightPerChannelFloat if per_channel else Int8WeightPerTensorFloat
    return {"weight_quant": kind, "weight_bit_width": bits}


def activation(bits: int, **options: object) -> nn.Module:
    """Return the activation behind a layer; 1 bit is bipolar."""
    if bits == 1:
        return qnn.QuantIdentity(act_quant=SignedBinaryActPerTensorConst)
    return qnn.QuantReLU(act_quant=Uint8ActPerTensorFloat, bit_width=bits, **options)


def conv(channels: int, out: int, bits: tuple[int, int], **options: object) -> list[nn.Module]:
    """Return a convolution, its batch-norm and its activation, for (weight, activation) bits."""
    per_channel = bool(options.pop("per_channel", False))
    options.setdefault("kernel_size", 3)
    layer = qnn.QuantConv2d(channels, out, bias=False, **weights(bits[0], per_channel=per_channel), **options)
    return [layer, nn.BatchNorm2d(out), activation(bits[1])]


def cnv(weight_bits: int, activation_bits: int) -> nn.Module:
    """Return the CNV of FINN's examples: 6 convolutions, 3 dense layers, 1.5 million weights, (3, 32, 32)."""
    bits = (weight_bits, activation_bits)
    layers: list[nn.Module] = [qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, bit_width=8)]
    for channels, out, pool in (
        (3, 64, 0),
        (64, 64, 1),
        (64, 128, 0),
        (128, 128, 1),
        (128, 256, 0),
        (256, 256, 0),
    ):
        layers += conv(channels, out, bits)
        layers += [nn.MaxPool2d(2)] if pool else []
    layers.append(nn.Flatten())
    for columns, rows in ((256, 512), (512, 512)):
        layers += [qnn.QuantLinear(columns, rows, bias=False, **weights(weight_bits)), nn.BatchNorm1d(rows)]
        layers.append(activation(activation_bits))
    layers.append(qnn.QuantLinear(512, 10, bias=False, **weights(weight_bits)))
    return nn.Sequential(*layers)


def vgg10_1d(weight_bits: int, activation_bits: int) -> nn.Module:
    """Return the VGG10 for radio signals: 7 convolutions over time, 3 dense layers, (2, 1024)."""
    layers: list[nn.Module] = [qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, bit_width=8)]
    for channels in (2, *[64] * 6):
        layers.append(
            qnn.QuantConv1d(channels, 64, 3, padding=1, bias=False, **weights(weight_bits, per_channel=True))
        )
        layers += [nn.BatchNorm1d(64), activation(activation_bits), nn.MaxPool1d(2)]
    layers.append(nn.Flatten())
    for columns in (512, 128):
        layers += [qnn.QuantLinear(columns, 128, bias=False, **weights(weight_bits)), nn.BatchNorm1d(128)]
        layers.append(activation(activation_bits))
    layers.append(qnn.QuantLinear(128, 24, bias=True, bias_quant=None, **weights(weight_bits)))
    return nn.Sequential(*layers)


class Residual(nn.Module):
    """Two convolutions and a shortcut, added on one common scale, as in ResNet-8."""

    def __init__(self, channels: int, out: int, stride: int, bits: tuple[int, int]) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *conv(channels, out, bits, padding=1, stride=stride),
            *conv(out, out, bits, padding=1)[:2],
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1:
            self.shortcut = nn.Sequential(*conv(channels, out, bits, kernel_size=1, stride=stride)[:2])
        self.common = qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, bit_width=bits[1] + 1)
        self.relu = activation(bits[1])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return relu(body(x) + shortcut(x))."""
        return self.relu(self.common(self.body(x)) + self.common(self.shortcut(x)))


def resnet8(weight_bits: int, activation_bits: int) -> nn.Module:
    """Return the ResNet-8 of MLPerf Tiny: three residual blocks, an average pool, one dense layer, (3, 32, 32)."""
    bits = (weight_bits, activation_bits)
    return nn.Sequential(
        qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, bit_width=8),
        *conv(3, 16, bits, padding=1),
        Residual(16, 16, 1, bits),
        Residual(16, 32, 2, bits),
        Residual(32, 64, 2, bits),
        nn.AvgPool2d(8),
        qnn.QuantIdentity(act_quant=Uint8ActPerTensorFloat, bit_width=8, return_quant_tensor=True),
        nn.Flatten(),
        qnn.QuantLinear(64, 10, bias=True, bias_quant=Int32Bias, **weights(weight_bits)),
    )


def mobilenet(weight_bits: int, activation_bits: int) -> nn.Module:
    """Return a small MobileNetV1: 7 depthwise separable blocks, a truncating average pool, (3, 32, 32)."""
    bits = (weight_bits, activation_bits)
    layers: list[nn.Module] = [qnn.QuantIdentity(act_quant=Int8ActPerTensorFloat, bit_width=8)]
    layers += conv(3, 16, (max(weight_bits, 4), activation_bits), padding=1, stride=2, per_channel=True)
    for channels, out, stride in (
        (16, 32, 1),
        (32, 64, 2),
        (64, 64, 1),
        (64, 128, 2),
        (128, 128, 1),
        (128, 128, 1),
        (128, 256, 2),
    ):
        layers += conv(channels, channels, bits, padding=1, stride=stride, groups=channels, per_channel=True)
        layers += conv(channels, out, bits, kernel_size=1, per_channel=True)
    layers[-1] = activation(activation_bits, return_quant_tensor=True)
    layers.append(qnn.TruncAvgPool2d(kernel_size=2, trunc_quant=TruncTo8bit, bit_width=activation_bits))
    layers += [nn.Flatten(), qnn.QuantLinear(256, 10, bias=False, **weights(weight_bits))]
    return nn.Sequential(*layers)


NETWORKS: dict[str, tuple[Callable[[int, int], nn.Module], int, int, tuple[int, ...]]] = {
    "cnv_w1a1": (cnv, 1, 1, (3, 32, 32)),
    "cnv_w2a2": (cnv, 2, 2, (3, 32, 32)),
    "vgg10_1d_w8a8": (vgg10_1d, 8, 8, (2, 1024)),
    "vgg10_1d_w4a3": (vgg10_1d, 4, 3, (2, 1024)),
    "resnet8_w4a4": (resnet8, 4, 4, (3, 32, 32)),
    "resnet8_w8a8": (resnet8, 8, 8, (3, 32, 32)),
    "mobilenet_w4a4": (mobilenet, 4, 4, (3, 32, 32)),
    "mobilenet_w5a6": (mobilenet, 5, 6, (3, 32, 32)),
}


def export(name: str, folder: Path) -> Path:
    """Write ``name``.onnx into ``folder`` and return its path."""
    function, weight_bits, activation_bits, shape = NETWORKS[name]
    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(mode=True)
    network = function(weight_bits, activation_bits)
    network.train()
    with torch.no_grad():
        for _ in range(8):
            network(torch.rand(16, *shape) * 2 - 1)
    network.eval()
    target = folder / f"{name}.onnx"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:  # Brevitas keeps the weights in a file of their own
        exported = str(Path(scratch) / "exported.onnx")
        export_qonnx(network, torch.rand(1, *shape), export_path=exported, opset_version=17)
        cleanup(exported, out_file=str(target))
    return target


if __name__ == "__main__":
    for wanted in sys.argv[2:] or NETWORKS:
        sys.stdout.write(f"{export(wanted, Path(sys.argv[1]))}\n")
