# SPDX-License-Identifier: Apache-2.0
"""Layers of Brevitas and torch as nodes of ONNX: the table LAYERS, {class: translation}.

What is quantized comes from the layers' own quantizers: the integers of weights, the scales, zero points and widths.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from brevitas import nn as qnn
from brevitas.nn.quant_layer import QuantNonLinearActLayer
from brevitas.quant_tensor import IntQuantTensor
from torch import nn

from tailrace.core.table import Table
from tailrace.frontend.brevitas import functions as f
from tailrace.frontend.brevitas.quantizers import (
    bias_of,
    check_integers,
    is_on,
    quantize,
    rounding_of,
    weight_of,
)
from tailrace.frontend.brevitas.writer import Layer, Operand, RefusedError, Run, Writer, plain
from tailrace.frontend.operations import QONNX_DOMAIN

if TYPE_CHECKING:
    from collections.abc import Sequence

Translation = Callable[..., "str | list[str]"]
"""(writer, layer, *operands) to the name of the result."""


# --- layers with weights ----------------------------------------------------------------------------------------


def weighted(writer: Writer, module: nn.Module, x: Operand) -> str:
    """Translate a linear or convolutional layer: input quantizer, product, bias, output quantizer."""
    given = module.input_quant(x.value)
    if is_on(module.input_quant):
        x = quantize(writer, x, module.input_quant, "input_quant")
    if not is_on(module.weight_quant):
        raise RefusedError(
            "its weights are not quantized",
            "a weight quantizer",
            "give the layer a weight_quant, such as Int8WeightPerTensorFloat",
        )
    weight = module.quant_weight(given)
    bias = None if module.bias is None else module.bias_quant(module.bias, given, weight)
    quantized = is_on(module.output_quant)
    linear = isinstance(module, qnn.QuantLinear)
    values = plain(weight).detach()
    name = weight_of(writer, module, weight, turned=linear)

    raw = plain(module.inner_forward_impl(x.tensor, values, None))
    part = "product" if bias is not None else ("accumulator" if quantized else "")
    out = (
        writer.node("MatMul", [x.name, name], part=part, run=_product(module, values))
        if linear
        else convolution(writer, module, x, name, values, part=part)
    )
    total = raw
    if bias is not None:
        shape = (-1,) if linear else (-1, *[1] * (len(x.shape) - 2))
        constant = bias_of(writer, bias, shape)
        added = plain(bias).detach().reshape(shape)
        total = raw + added
        part = "accumulator" if quantized else ""
        out = writer.node("Add", [out, constant], part=part, run=lambda t: t + added)
    writer.layers[out] = Layer(
        source=x.name, module=module, weight=values, bias=None if bias is None else plain(bias).detach()
    )
    if quantized:
        return quantize(writer, Operand(name=out, value=total), module.output_quant, "").name
    return out


def _product(module: nn.Module, values: torch.Tensor) -> Run:
    """Return a layer without its bias."""
    return lambda t: plain(module.inner_forward_impl(t, values, None))


def convolution(
    writer: Writer, module: nn.Module, x: Operand, weight: str, values: torch.Tensor, *, part: str
) -> str:
    """Add the convolution of a layer without its bias, padded as the layer pads."""
    rank = len(module.kernel_size)
    run = _product(module, values)
    attributes: dict[str, Any] = {
        "kernel_shape": list(module.kernel_size),
        "strides": list(module.stride),
        "dilations": list(module.dilation),
        "group": int(module.groups),
    }
    if isinstance(module, qnn.QuantConvTranspose1d | qnn.QuantConvTranspose2d):
        return writer.node(
            "ConvTranspose",
            [x.name, weight],
            part=part,
            run=run,
            pads=list(module.padding) * 2,
            output_padding=list(module.output_padding),
            **attributes,
        )
    pads = padding_of(module, x.shape[2:])
    name = x.name
    if module.padding_mode != "zeros" and any(pads):
        mode = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}[module.padding_mode]
        sides = [0, 0, *pads[:rank], 0, 0, *pads[rank:]]
        amounts = [
            n for low, high in zip(pads[:rank][::-1], pads[rank:][::-1], strict=True) for n in (low, high)
        ]
        name = writer.node(
            "Pad",
            [name, writer.constant("pads", np.array(sides, np.int64))],
            part="padded",
            run=lambda t: nn.functional.pad(t, amounts, mode=module.padding_mode),
            mode=mode,
        )
        pads = [0] * 2 * rank
        convolve = nn.functional.conv1d if rank == 1 else nn.functional.conv2d
        run = lambda t: convolve(t, values, None, module.stride, 0, module.dilation, module.groups)  # noqa: E731
    return writer.node("Conv", [name, weight], part=part, run=run, pads=pads, **attributes)


def padding_of(module: nn.Module, sizes: Sequence[int]) -> list[int]:
    """Return the rows and columns that a convolution adds before, then behind, the image of ``sizes``."""
    if getattr(module, "is_same_padded_strided", False):
        whole = [
            max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
            for n, s, k, d in zip(sizes, module.stride, module.kernel_size, module.dilation, strict=True)
        ]
        return [w // 2 for w in whole] + [w - w // 2 for w in whole]
    if module.padding == "valid":
        return [0] * 2 * len(sizes)
    if module.padding == "same":
        whole = [d * (k - 1) for d, k in zip(module.dilation, module.kernel_size, strict=True)]
        return [w // 2 for w in whole] + [w - w // 2 for w in whole]
    return [int(n) for n in module.padding] * 2


# --- activations, sums, averages --------------------------------------------------------------------------------


def activation(writer: Writer, module: nn.Module, x: Operand) -> str:
    """Translate an activation layer: input quantizer, function, quantizer."""
    x = quantize(writer, x, module.input_quant, "input_quant") if is_on(module.input_quant) else x
    return quantize(writer, x, module.act_quant, "").name


def add(writer: Writer, module: nn.Module, a: Operand, b: Operand) -> str:
    """Translate a sum of two tensors behind one quantizer."""
    if is_on(module.input_quant):
        a, b = (quantize(writer, t, module.input_quant, f"input_quant{i}") for i, t in enumerate((a, b)))
    quantized = is_on(module.output_quant)
    out = writer.node("Add", [a.name, b.name], part="sum" if quantized else "", run=torch.add)
    if not quantized:
        return out
    return quantize(writer, Operand(name=out, value=a.tensor + b.tensor), module.output_quant, "").name


def concatenate(writer: Writer, module: nn.Module, tensors: Sequence[Operand], dim: int = 1) -> str:
    """Translate a concatenation of tensors behind one quantizer."""
    if is_on(module.input_quant):
        tensors = [quantize(writer, t, module.input_quant, f"input_quant{i}") for i, t in enumerate(tensors)]
    quantized = is_on(module.output_quant)
    out = writer.node(
        "Concat",
        [t.name for t in tensors],
        part="joined" if quantized else "",
        run=lambda *ts: torch.cat(ts, dim),
        axis=int(dim),
    )
    if not quantized:
        return out
    joined = torch.cat([t.tensor for t in tensors], dim)
    return quantize(writer, Operand(name=out, value=joined), module.output_quant, "").name


def truncated_average(writer: Writer, module: nn.Module, x: Operand) -> str:
    """Translate an average whose division is a shift: the sum's integers, truncated."""
    adaptive = isinstance(module, qnn.TruncAdaptiveAvgPool2d)
    if adaptive:
        sizes = f.pairs(module.output_size, 2)
        kernel, stride = module.compute_kernel_size_stride(x.shape[2:], sizes)
        if any((n - k) % s or (n - k) // s + 1 != o for n, k, s, o in zip(
            x.shape[2:], kernel, stride, sizes, strict=True
        )):  # fmt: skip
            raise RefusedError(
                "its windows differ in size", "sizes that divide", "choose such an output size"
            )
        base, options = nn.AdaptiveAvgPool2d, dict[str, Any]()
    else:
        kernel, stride = f.pairs(module.kernel_size, 2), f.pairs(module.stride, 2)
        base = nn.AvgPool2d
        options = {
            "ceil_mode": int(module.ceil_mode),
            "count_include_pad": int(module.count_include_pad),
            "pads": f.pairs(module.padding, 2) * 2,
        }
    truncates = module.is_trunc_quant_enabled
    if truncates and not isinstance(x.value, IntQuantTensor):
        raise RefusedError(
            "its input is a plain tensor, so that it does not truncate",
            "a QuantTensor, whose scale and width it needs",
            "give the layer in front return_quant_tensor=True",
        )
    average = base.forward(module, x.value)

    def run(t: torch.Tensor) -> torch.Tensor:
        return plain(base.forward(module, t))

    out = writer.node(
        "AveragePool",
        [x.name],
        part="average" if truncates else "",
        run=run,
        kernel_shape=kernel,
        strides=stride,
        **options,
    )
    if not truncates:
        return out
    value = module.trunc_quant(average)
    check_integers(value, "its trunc quantizer")
    quantizer = module.trunc_quant.tensor_quant
    metadata = (average.scale, average.zero_point, average.bit_width, average.signed_t)
    names = [
        writer.constant(part, number)
        for part, number in (
            ("in_scale", average.scale),
            ("in_zero_point", average.zero_point),
            ("in_bit_width", average.bit_width.reshape(())),
            ("out_scale", value.scale),
            ("out_bit_width", value.bit_width.reshape(())),
        )
    ]
    return writer.node(
        "Trunc",
        [out, *names],
        domain=QONNX_DOMAIN,
        run=lambda t: plain(quantizer(t, *metadata)[0]),
        rounding_mode=rounding_of(module.trunc_quant),
        signed=int(bool(value.signed)),
        narrow=int(bool(module.trunc_quant.is_narrow_range)),
    )


# --- layers of torch --------------------------------------------------------------------------------------------


def function(name: str, *attributes: str) -> Translation:
    """Return the translation of a layer that is the function ``name`` with its own attributes as arguments."""

    def write(writer: Writer, module: nn.Module, *operands: Any) -> str | list[str]:  # noqa: ANN401
        return f.FUNCTIONS[name](writer, *operands, *(getattr(module, a) for a in attributes))

    return write


def normalization(writer: Writer, module: nn.Module, x: Operand) -> str:
    """Translate a batch-norm."""
    if module.running_mean is None:
        raise RefusedError(
            "it has no running statistics", "constants", "track_running_stats=True, and some training"
        )
    return f.batch_norm(writer, x, module)


def upsampled(writer: Writer, module: nn.Module, x: Operand) -> str | list[str]:
    """Translate upsampling."""
    return f.FUNCTIONS["interpolate"](writer, x, module.size, module.scale_factor, module.mode)


def padded(writer: Writer, module: nn.Module, x: Operand) -> str | list[str]:
    """Translate padding by a constant."""
    return f.FUNCTIONS["pad"](writer, x, module.padding, "constant", module.value)


def refused(found: str, accepted: str, hint: str) -> Translation:
    """Return the refusal of a layer by name."""

    def write(_writer: Writer, _module: nn.Module, *_: Any) -> str:  # noqa: ANN401
        raise RefusedError(found, accepted, hint)

    return write


LSTM = refused(
    "it keeps a state from step to step, and a module is taken as a whole",
    "networks whose output depends on the present input alone",
    "export it with brevitas.export.export_qonnx and load the file: it is built as one step with its states",
)
STATE = refused(
    "it keeps a state from step to step, and a module is taken as a whole",
    "networks whose output depends on the present input alone",
    "write the cell out of QuantLinear, QuantSigmoid and QuantTanh over a fixed number of steps, or run it in software",
)
ATTENTION = refused(
    "attention is not translated from a module",
    "linear, convolutional, pooling and activation layers",
    "export it with brevitas.export.export_qonnx and load the file, which is mapped",
)
FLOAT_WEIGHTS = refused(
    "its weights are not quantized",
    "QuantLinear, QuantConv1d, QuantConv2d, QuantConvTranspose1d, QuantConvTranspose2d",
    "use Brevitas' layer of this kind, with a weight quantizer",
)
VOLUME = refused("volumes are not mapped", "layers of one or two axes", "use QuantConv1d or QuantConv2d")

REFUSALS = (LSTM, STATE, ATTENTION, FLOAT_WEIGHTS, VOLUME)
"""The translations that are refusals, whatever the layer's settings are."""

LAYERS: Table[type, Translation] = Table(
    "LAYERS",
    __name__,
    {
        **dict.fromkeys((qnn.QuantLinear, qnn.QuantConv1d, qnn.QuantConv2d, qnn.QuantConvTranspose1d,
                         qnn.QuantConvTranspose2d), weighted),
        **dict.fromkeys((qnn.QuantConv3d, qnn.QuantConvTranspose3d), VOLUME),
        QuantNonLinearActLayer: activation,
        qnn.QuantEltwiseAdd: add,
        qnn.QuantCat: concatenate,
        **dict.fromkeys((qnn.TruncAvgPool2d, qnn.TruncAdaptiveAvgPool2d), truncated_average),
        **dict.fromkeys((qnn.QuantMultiheadAttention, qnn.QuantScaledDotProductAttention, nn.MultiheadAttention),
                        ATTENTION),
        qnn.QuantLSTM: LSTM,
        **dict.fromkeys((qnn.QuantRNN, nn.RNNBase, nn.RNNCellBase), STATE),
        **dict.fromkeys((nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d,
                         nn.ConvTranspose3d, nn.Bilinear, nn.Embedding), FLOAT_WEIGHTS),
        **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d), normalization),
        **dict.fromkeys((nn.Identity, nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.AlphaDropout, nn.FeatureAlphaDropout),
                        function("identity")),
        nn.ReLU: function("relu"), nn.ReLU6: function("relu6"), nn.Sigmoid: function("sigmoid"),
        nn.Tanh: function("tanh"), nn.Hardtanh: function("hardtanh", "min_val", "max_val"),
        nn.LeakyReLU: function("leaky_relu", "negative_slope"), nn.PReLU: function("prelu", "weight"),
        nn.ELU: function("elu", "alpha"), nn.SELU: function("selu"), nn.GELU: function("gelu", "approximate"),
        nn.SiLU: function("silu"), nn.Mish: function("mish"), nn.Softsign: function("softsign"),
        nn.Softplus: function("softplus", "beta", "threshold"), nn.Hardsigmoid: function("hardsigmoid"),
        nn.Hardswish: function("hardswish"),
        nn.Softmax: function("softmax", "dim"), nn.LogSoftmax: function("log_softmax", "dim"),
        nn.Flatten: function("flatten"), nn.Unflatten: function("unflatten"),
        **dict.fromkeys((nn.MaxPool1d, nn.MaxPool2d), lambda w, m, x: f.FUNCTIONS[f"max_pool{len(x.shape) - 2}d"](
            w, x, m.kernel_size, m.stride, m.padding, m.dilation, m.ceil_mode, m.return_indices)),
        nn.AvgPool1d: function("avg_pool1d", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad"),
        nn.AvgPool2d: function("avg_pool2d", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad",
                               "divisor_override"),
        **{t: function(n, "output_size") for t, n in (
            (nn.AdaptiveAvgPool1d, "adaptive_avg_pool1d"), (nn.AdaptiveAvgPool2d, "adaptive_avg_pool2d"),
            (nn.AdaptiveMaxPool1d, "adaptive_max_pool1d"), (nn.AdaptiveMaxPool2d, "adaptive_max_pool2d"))},
        **dict.fromkeys((nn.Upsample, qnn.QuantUpsample, qnn.QuantUpsamplingNearest2d), upsampled),
        **dict.fromkeys((nn.ConstantPad1d, nn.ConstantPad2d), padded),
        nn.PixelShuffle: function("pixel_shuffle", "upscale_factor"),
        nn.PixelUnshuffle: function("pixel_unshuffle", "downscale_factor"),
    },
)  # fmt: skip
"""{class: the translation of its layers and of those of classes made from it}."""


def translation_of(module: nn.Module) -> Translation | None:
    """Return the translation of a layer, that of the first class it is made from; None where its forward is its own.

    A class that computes something else than the one it is made from is looked into instead.
    """
    for cls in type(module).__mro__:
        if cls in LAYERS:
            own, known = (named_in(c, "forward") for c in (type(module), cls))
            return LAYERS[cls] if own is known or cls.__module__.startswith("brevitas") else None
    return None


def named_in(cls: type, name: str) -> Any:  # noqa: ANN401 - a function
    """Return what a class calls ``name``, its own or of a class that it is made from."""
    return getattr(cls, name, None)


def is_leaf(module: nn.Module) -> bool:
    """Say whether a layer is one call: it stands in the table, or torch or Brevitas wrote it and nobody knows it."""
    if isinstance(module, nn.Sequential):
        return False
    library = type(module).__module__.startswith(("torch.nn", "brevitas.nn", "brevitas.proxy"))
    return translation_of(module) is not None or library
