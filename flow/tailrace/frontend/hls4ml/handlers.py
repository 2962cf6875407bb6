# SPDX-License-Identifier: Apache-2.0
"""The table of handlers: what the front end does with each of hls4ml's layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tailrace.core.table import Table
from tailrace.frontend.hls4ml import activations, products

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
    },
)
"""{hls4ml's class: what writes it}; a layer without an entry is refused."""
