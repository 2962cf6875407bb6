# SPDX-License-Identifier: Apache-2.0
"""The table of handlers: what the front end does with each of hls4ml's layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tailrace.core.table import Table
from tailrace.frontend.hls4ml import activations, images, merging, products
from tailrace.frontend.hls4ml.softmax import softmax

if TYPE_CHECKING:
    from tailrace.frontend.hls4ml.records import Layer
    from tailrace.frontend.hls4ml.sheet import Sheet

Handler = Callable[["Sheet", "Layer"], None]

HANDLERS: Table[str, Handler] = Table(
    "HANDLERS",
    __name__,
    {
        "Dense": products.dense,
        "EinsumDense": products.einsum_dense,
        "BatchNormalization": products.normalize,
        "ApplyAlpha": products.normalize,
        "BatchNormalizationQuantizedTanh": products.normalize_quantized,
        "Activation": activations.activate,
        "HardActivation": activations.activate,
        "TernaryTanh": activations.activate,
        "ParametrizedActivation": activations.activate_by_parameter,
        "PReLU": activations.activate_by_channel,
        "UnaryLUT": activations.look_up,
        "FixedPointQuantizer": activations.quantize,
        "Softmax": softmax,
        "Conv1D": images.convolve,
        "Conv2D": images.convolve,
        "Conv2DBatchnorm": images.convolve,
        "PointwiseConv1D": images.convolve,
        "PointwiseConv2D": images.convolve,
        "DepthwiseConv1D": images.convolve_depthwise,
        "DepthwiseConv2D": images.convolve_depthwise,
        "SeparableConv1D": images.convolve_separable,
        "SeparableConv2D": images.convolve_separable,
        "Pooling1D": images.pool,
        "Pooling2D": images.pool,
        "GlobalPooling1D": images.pool_all,
        "GlobalPooling2D": images.pool_all,
        "ZeroPadding1D": images.pad_zeros,
        "ZeroPadding2D": images.pad_zeros,
        "Cropping1D": images.crop,
        "Cropping2D": images.crop,
        "Resize": images.resize,
        "Merge": merging.merge,
        "Dot": merging.dot,
        "Concatenate": merging.concatenate,
        "Reshape": merging.reshape,
        "Repack": merging.reshape,
        "Clone": merging.reshape,
        "Broadcast": merging.broadcast,
        "Transpose": merging.transpose,
    },
)
"""{hls4ml's class: what writes it}; a layer without an entry is refused."""
