# SPDX-License-Identifier: Apache-2.0
"""Small random modules of Brevitas' layers: every layer that from_brevitas takes with every quantizer it can have.

``python tests/brevitas_modules.py [--count N] [--first SEED] [--rtl M]`` draws N modules of each layer and quantizer,
imports them, compares each with its graph at every quantizer, takes M of all to Verilog and prints the table of
docs/doors/brevitas.md. A module is drawn from its layer, its quantizer and a number alone. Needs ``brevitas``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

warnings.filterwarnings("ignore")  # of torch and Brevitas, while they are imported and used

import torch  # noqa: E402
from brevitas import nn as qnn  # noqa: E402
from brevitas import quant  # noqa: E402
from brevitas.quant.fixed_point import Int8WeightPerChannelFixedPoint  # noqa: E402
from brevitas.quant_tensor import IntQuantTensor, QuantTensor  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

if TYPE_CHECKING:
    from collections.abc import Callable

CHANNELS = 4

if not hasattr(QuantTensor, "cat"):  # QuantCat of Brevitas 0.13.4 calls it, and cannot run without
    QuantTensor.cat = IntQuantTensor.cat


class Draw:
    """Draws the choices of one module."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def pick(self, *choices: object) -> object:
        """Return one of them."""
        return choices[int(self.rng.integers(len(choices)))]

    def bits(self, low: int, high: int) -> int:
        """Return a width."""
        return int(self.rng.integers(low, high + 1))


# --- quantizers -------------------------------------------------------------------------------------------------

WEIGHTS: dict[str, Callable[[Draw], dict[str, object]]] = {
    "per tensor": lambda d: {
        "weight_quant": quant.Int8WeightPerTensorFloat,
        "weight_bit_width": d.bits(2, 8),
    },
    "per channel": lambda d: {
        "weight_quant": quant.Int8WeightPerChannelFloat,
        "weight_bit_width": d.bits(2, 8),
    },
    "power of two": lambda d: {
        "weight_quant": d.pick(quant.Int8WeightPerTensorFixedPoint, Int8WeightPerChannelFixedPoint),
        "weight_bit_width": d.bits(2, 8),
    },
    "binary": lambda _: {"weight_quant": quant.SignedBinaryWeightPerTensorConst},
    "ternary": lambda _: {"weight_quant": quant.SignedTernaryWeightPerTensorConst},
    "zero point": lambda d: {
        "weight_quant": d.pick(
            quant.ShiftedUint8WeightPerTensorFloat, quant.ShiftedUint8WeightPerChannelFloat
        ),
        "weight_bit_width": d.bits(3, 8),
    },
    "decoupled": lambda d: {
        "weight_quant": d.pick(
            quant.Int8WeightPerChannelFloatDecoupled, quant.Int8WeightNormL2PerChannelFixedPoint
        ),
        "weight_bit_width": d.bits(3, 8),
    },
    "A2Q": lambda d: {
        "weight_quant": quant.Int8AccumulatorAwareWeightQuant,
        "weight_bit_width": d.bits(4, 8),
        "weight_accumulator_bit_width": d.bits(12, 20),
    },
    "A2Q+": lambda d: {
        "weight_quant": quant.Int8AccumulatorAwareZeroCenterWeightQuant,
        "weight_bit_width": d.bits(4, 8),
        "weight_accumulator_bit_width": d.bits(12, 20),
    },
}
"""{quantizer of weights: the arguments of a layer that has it}."""

BIASES: dict[str, dict[str, object]] = {
    "no bias": {"bias": False},
    "float bias": {"bias": True, "bias_quant": None},
    "Int8Bias": {"bias": True, "bias_quant": quant.Int8Bias},
    "Int16Bias": {"bias": True, "bias_quant": quant.Int16Bias},
    "Int32Bias": {"bias": True, "bias_quant": quant.Int32Bias},
    "internal scaling": {"bias": True, "bias_quant": quant.Int8BiasPerTensorFloatInternalScaling},
}

ACTIVATIONS: dict[str, Callable[[Draw], dict[str, object]]] = {
    "signed": lambda d: {"act_quant": quant.Int8ActPerTensorFloat, "bit_width": d.bits(2, 8)},
    "unsigned": lambda d: {"act_quant": quant.Uint8ActPerTensorFloat, "bit_width": d.bits(1, 8)},
    "power of two": lambda d: {
        "act_quant": d.pick(quant.Int8ActPerTensorFixedPoint, quant.Uint8ActPerTensorFixedPoint),
        "bit_width": d.bits(2, 8),
    },
    "per channel": lambda d: {
        "act_quant": quant.Int8ActPerTensorFloat,
        "bit_width": d.bits(2, 8),
        "scaling_per_output_channel": True,
    },
    "zero point": lambda d: {"act_quant": quant.ShiftedUint8ActPerTensorFloat, "bit_width": d.bits(3, 8)},
    "binary": lambda _: {"act_quant": quant.SignedBinaryActPerTensorConst},
    "ternary": lambda _: {"act_quant": quant.SignedTernaryActPerTensorConst},
}
"""{quantizer of activations: the arguments of a layer that has it}."""


def shaped(arguments: dict[str, object], channels: int, rank: int) -> dict[str, object]:
    """Return the arguments of a quantizer with a scale a channel filled in for tensors of ``rank`` axes."""
    if arguments.get("scaling_per_output_channel"):
        shape = (1, channels, *[1] * (rank - 2))
        return {
            **arguments,
            "per_channel_broadcastable_shape": shape,
            "scaling_stats_permute_dims": (1, 0, *range(2, rank)),
        }
    return arguments


def identity(draw: Draw, name: str, channels: int, rank: int, **options: object) -> nn.Module:
    """Return a QuantIdentity with the quantizer of activations ``name``."""
    return qnn.QuantIdentity(
        **shaped(ACTIVATIONS[name](draw), channels, rank), return_quant_tensor=True, **options
    )


# --- modules ----------------------------------------------------------------------------------------------------

RANKS = {
    "QuantLinear": 2,
    "QuantConv1d": 3,
    "QuantConvTranspose1d": 3,
    "QuantConv2d": 4,
    "QuantConvTranspose2d": 4,
}
SIZES = {2: (), 3: (8,), 4: (6, 6)}


def entry(draw: Draw, channels: int, rank: int, *, simple: bool) -> nn.Module:
    """Return the quantizer of the input; ``simple`` has one scale and no zero point."""
    kinds = ("signed", "power of two") if simple else ("signed", "unsigned", "power of two", "zero point")
    return identity(draw, str(draw.pick(*kinds)), channels, rank)


def with_weights(layer: str, weights: str, draw: Draw) -> tuple[nn.Module, tuple[int, ...]]:
    """Return a module with one layer with weights between two quantizers, batch-normed or not."""
    rank = RANKS[layer]
    bias = str(draw.pick(*BIASES)) if weights != "zero point" else str(draw.pick("no bias", "float bias"))
    aware = weights.startswith("A2Q")
    arguments = {**WEIGHTS[weights](draw), **BIASES[bias]}
    channels, out = int(draw.pick(4, 8)), int(draw.pick(4, 6, 8))
    if rank == 2:
        made = qnn.QuantLinear(channels, out, **arguments)
    else:
        # these quantizers of Brevitas count the channels of a grouped layer wrong
        groups = (
            1
            if aware or (weights not in ("per tensor", "binary", "ternary") and "Transpose" in layer)
            else int(draw.pick(1, 1, 2, channels))
        )
        out = channels * int(draw.pick(1, 2)) if groups > 1 else out
        kernel = int(draw.pick(1, 2, 3))
        options = {"stride": int(draw.pick(1, 1, 2)), "groups": groups}
        options["padding"] = int(draw.pick(0, 1)) if kernel > 1 else 0
        if "Transpose" not in layer:
            options["dilation"] = int(draw.pick(1, 1, 2))
        made = getattr(qnn, layer)(channels, out, kernel, **options, **arguments)
    parts: list[nn.Module] = [
        entry(draw, channels, rank, simple=weights == "zero point" or "Bias" in bias),
        made,
    ]
    if draw.pick(True, False):
        parts.append(nn.BatchNorm2d(out) if rank == 4 else nn.BatchNorm1d(out))
    name = str(draw.pick(*(n for n in ACTIVATIONS if n != "per channel")))
    relu = bool(draw.pick(True, False))
    parts.append(qnn.QuantReLU(bit_width=draw.bits(1, 8)) if relu else identity(draw, name, out, rank))
    return nn.Sequential(*parts), (channels, *SIZES[rank])


def with_activation(layer: str, name: str, draw: Draw) -> tuple[nn.Module, tuple[int, ...]]:
    """Return a module with an activation behind a layer with weights."""
    rank = int(draw.pick(2, 3, 4))
    out = CHANNELS
    before = {2: qnn.QuantLinear, 3: qnn.QuantConv1d, 4: qnn.QuantConv2d}[rank]
    arguments = WEIGHTS[str(draw.pick("per tensor", "per channel", "ternary"))](draw)
    options = {} if rank == 2 else {"kernel_size": 3}
    parts = [
        entry(draw, CHANNELS, rank, simple=False),
        before(CHANNELS, out, bias=bool(draw.pick(True, False)), **options, **arguments),
    ]
    if draw.pick(True, False):
        parts.append(nn.BatchNorm2d(out) if rank == 4 else nn.BatchNorm1d(out))
    own = shaped(ACTIVATIONS[name](draw), out, rank)
    if layer == "QuantHardTanh":
        own = {"min_val": -1.5, "max_val": 1.5, **own} if name not in ("binary", "ternary") else own
    parts.append(getattr(qnn, layer)(**own))
    return nn.Sequential(*parts), (CHANNELS, *SIZES[rank])


class Joined(nn.Module):
    """Two branches of one input, joined."""

    def __init__(
        self, entry: nn.Module, a: nn.Module, b: nn.Module, join: nn.Module, last: nn.Module
    ) -> None:
        super().__init__()
        self.entry, self.a, self.b, self.join, self.last = entry, a, b, join, last

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return last(join(a(x), b(x)))."""
        x = self.entry(x)
        a, b = self.a(x), self.b(x)
        return self.last(self.join([a, b]) if isinstance(self.join, qnn.QuantCat | Cat) else self.join(a, b))


class Cat(nn.Module):
    """torch.cat."""

    def forward(self, tensors: list[torch.Tensor]) -> torch.Tensor:
        """Return the channels of both."""
        return torch.cat(tensors, dim=1)


class Plus(nn.Module):
    """+."""

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Return a + b."""
        return a + b


class Call(nn.Module):
    """A function as a layer."""

    def __init__(self, function: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return function(x)."""
        return self.function(x)


def joined(layer: str, name: str, draw: Draw) -> tuple[nn.Module, tuple[int, ...]]:
    """Return a module that adds or concatenates two branches, each with its own quantizer."""
    own = shaped(ACTIVATIONS[name](draw), CHANNELS, 4)
    prefixed = {f"{side}_{k.removeprefix('act_')}" if k != "act_quant" else f"{side}_quant": v
                for side in ("input", "output") for k, v in own.items()}  # fmt: skip
    branch = partial(qnn.QuantConv2d, CHANNELS, CHANNELS, 3, padding=1, bias=bool(draw.pick(True, False)))
    a, b = (
        nn.Sequential(branch(**WEIGHTS["per tensor"](draw)), identity(draw, name, CHANNELS, 4)) for _ in "ab"
    )
    if layer == "QuantEltwiseAdd":
        join, last = qnn.QuantEltwiseAdd(**prefixed), nn.Identity()
    elif layer == "QuantCat":
        prefixed = {k: v for k, v in prefixed.items() if k.startswith("input")}
        join, last = qnn.QuantCat(**prefixed, output_quant=None), nn.Identity()
    else:
        for part in (a, b):
            part[1].return_quant_tensor = False
        join, last = (Plus() if layer == "+" else Cat()), nn.Identity()
    out = CHANNELS * (2 if layer in ("QuantCat", "torch.cat") else 1)
    tail = qnn.QuantReLU(bit_width=draw.bits(2, 8)) if layer != "QuantCat" else nn.Identity()
    if layer == "QuantCat":
        last = nn.Sequential(
            qnn.QuantConv2d(out, 4, 1, bias=False, weight_bit_width=4), qnn.QuantReLU(bit_width=4)
        )
    return Joined(entry(draw, CHANNELS, 4, simple=True), a, b, join, nn.Sequential(last, tail)), (
        CHANNELS,
        6,
        6,
    )


STRUCTURES: dict[str, Callable[[Draw], nn.Module]] = {
    "MaxPool2d": lambda _: nn.MaxPool2d(2),
    "AvgPool2d": lambda _: nn.AvgPool2d(2),
    "AdaptiveAvgPool2d": lambda d: nn.AdaptiveAvgPool2d(d.pick(1, 2)),
    "AdaptiveMaxPool2d": lambda _: nn.AdaptiveMaxPool2d(1),
    "Flatten": lambda _: nn.Flatten(),
    "Dropout": lambda _: nn.Dropout(0.5),
    "Upsample": lambda _: nn.Upsample(scale_factor=2),
    "ZeroPad2d": lambda _: nn.ZeroPad2d(1),
    "PixelShuffle": lambda _: nn.PixelShuffle(2),
    "BatchNorm2d": lambda _: nn.BatchNorm2d(CHANNELS),
    "ReLU": lambda _: nn.ReLU(),
    "Hardtanh": lambda _: nn.Hardtanh(),
    "LeakyReLU": lambda _: nn.LeakyReLU(0.1),
    "Sigmoid": lambda _: nn.Sigmoid(),
    "Tanh": lambda _: nn.Tanh(),
    "GELU": lambda _: nn.GELU(),
    "SiLU": lambda _: nn.SiLU(),
    "Hardswish": lambda _: nn.Hardswish(),
    "relu, max_pool2d": lambda _: Call(lambda x: F.max_pool2d(torch.relu(x), 2)),
    "view": lambda _: Call(lambda x: x.view(x.size(0), -1)),
    "permute": lambda _: Call(lambda x: x.permute(0, 1, 3, 2)),
    "slice": lambda _: Call(lambda x: x[:, 1:3, ::1, 2:]),
    "mean": lambda _: Call(lambda x: x.mean((2, 3))),
}
"""{layer or function of torch: how it is made}; each stands between a convolution and a quantizer, or behind it."""


def with_structure(layer: str, name: str, draw: Draw) -> tuple[nn.Module, tuple[int, ...]]:
    """Return a module with a layer of torch behind a quantizer or in front of it."""
    rank = 4
    conv = qnn.QuantConv2d(
        CHANNELS, CHANNELS, 3, bias=bool(draw.pick(True, False)), **WEIGHTS["per channel"](draw)
    )
    made = STRUCTURES[layer](draw)
    own = identity(draw, name, CHANNELS, rank)
    own.return_quant_tensor = False
    moved = layer in ("Flatten", "view", "mean", "PixelShuffle", "slice")
    in_front = bool(draw.pick(True, False)) and not (name == "per channel" and moved)
    parts = [entry(draw, CHANNELS, rank, simple=True), conv, *((made, own) if in_front else (own, made))]
    if not in_front:
        parts.append(qnn.QuantReLU(bit_width=draw.bits(2, 6)))
    return nn.Sequential(*parts), (CHANNELS, 6, 6)


def truncated(layer: str, name: str, draw: Draw) -> tuple[nn.Module, tuple[int, ...]]:
    """Return a module that averages and truncates."""
    quantizer = draw.pick(quant.TruncTo8bit, quant.RoundTo8bit)
    bits = {"trunc_quant": quantizer, "bit_width": draw.bits(2, 8)}
    own = identity(draw, name, CHANNELS, 4)
    pool = (
        qnn.TruncAvgPool2d(2, **bits) if layer == "TruncAvgPool2d" else qnn.TruncAdaptiveAvgPool2d(1, **bits)
    )
    conv = qnn.QuantConv2d(CHANNELS, CHANNELS, 3, bias=False, **WEIGHTS["per tensor"](draw))
    return nn.Sequential(entry(draw, CHANNELS, 4, simple=True), conv, own, pool), (CHANNELS, 6, 6)


CASES: dict[str, tuple[Callable[..., tuple[nn.Module, tuple[int, ...]]], tuple[str, ...]]] = {
    **{layer: (with_weights, tuple(WEIGHTS)) for layer in RANKS},
    **{
        layer: (with_activation, tuple(ACTIVATIONS))
        for layer in (
            "QuantReLU",
            "QuantIdentity",
            "QuantHardTanh",
            "QuantSigmoid",
            "QuantTanh",
            "QuantHardSwish",
        )
    },
    **{layer: (joined, tuple(ACTIVATIONS)) for layer in ("QuantEltwiseAdd", "QuantCat", "+", "torch.cat")},
    **dict.fromkeys(
        ("TruncAvgPool2d", "TruncAdaptiveAvgPool2d"), (truncated, ("signed", "unsigned", "power of two"))
    ),
    **dict.fromkeys(
        STRUCTURES, (with_structure, ("signed", "unsigned", "power of two", "per channel", "zero point"))
    ),
}
"""{layer: (how a module with it is drawn, the quantizers it is drawn with)}."""


def draw_module(layer: str, quantizer: str, seed: int) -> tuple[nn.Module, torch.Tensor]:
    """Return a module in evaluation mode, its quantizers and batch-norms calibrated, and 16 samples (16, ...)."""
    torch.manual_seed(seed)
    make, _ = CASES[layer]
    module, shape = make(layer, quantizer, Draw(seed))
    module.train()
    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
                part.weight.uniform_(-1.5, 1.5)
                part.bias.uniform_(-1, 1)
        for _ in range(4):
            module(torch.randn(16, *shape))
    return module.eval(), torch.randn(16, *shape)


def check(layer: str, quantizer: str, seed: int, rtl: Path | None = None) -> str:
    """Import a module and compare it; returns "equal", "rounded" (by torch, confirmed), or the refusal."""
    import tailrace as tr  # noqa: PLC0415

    module, x = draw_module(layer, quantizer, seed)
    try:
        graph = tr.from_brevitas(module, x)
    except tr.TailraceError as error:
        if isinstance(error, tr.Mismatch):
            raise
        return str(error)
    if rtl is not None:
        plan = tr.plan(graph, part="ecp5-85k", clock_mhz=100)
        tr.emit(plan, rtl, backends=("rtl",)).verify(x.numpy(), vectors=16, backends=("rtl",), jobs=1)
    return "rounded" if "rounded by torch" in graph.notices[-1] else "equal"


def main() -> int:
    """Draw, compare, print the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--count", type=int, default=3, help="modules of each layer and quantizer")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--rtl", type=int, default=0, help="so many of all go to Verilog")
    parser.add_argument("--only", default="", help="layers whose name has this in it")
    parser.add_argument("--why", action="store_true", help="print refusals and faults")
    options = parser.parse_args()
    cases = [(a, q) for a, (_, names) in CASES.items() for q in names if options.only in a]
    every = max(1, len(cases) * options.count // options.rtl) if options.rtl else 0
    failed = done = 0
    sys.stdout.write("| layer | quantizer | modules | equal | of these where torch rounds | refused |\n")
    sys.stdout.write("|---|---|---|---|---|---|\n")
    for layer, quantizer in cases:
        counts: Counter[str] = Counter()
        for seed in range(options.first, options.first + options.count):
            done += 1
            try:
                with tempfile.TemporaryDirectory() as folder:
                    result = check(
                        layer, quantizer, seed, Path(folder) / "b" if every and done % every == 0 else None
                    )
            except Exception as error:  # noqa: BLE001 - whatever happens is a fault of ours
                result, failed = f"FAULT {type(error).__name__}: {error}", failed + 1
            kind = result if result in ("equal", "rounded") else "FAULT" if "FAULT" in result else "refused"
            counts[kind] += 1
            if options.why and kind not in ("equal", "rounded"):
                sys.stderr.write(f"{layer}, {quantizer}, {seed}: {result}\n")
        equal = counts["equal"] + counts["rounded"]
        fault = f" **{counts['FAULT']} FAULTS**" if counts["FAULT"] else ""
        numbers = f"{options.count} | {equal} | {counts['rounded']} | {counts['refused']}{fault}"
        sys.stdout.write(f"| `{layer}` | {quantizer} | {numbers} |\n")
        sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
