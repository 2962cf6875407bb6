# SPDX-License-Identifier: Apache-2.0
"""The ways out that people who met an operation before can take: a table of hints, each tried."""

from __future__ import annotations

QDQ = "quantize_static(..., quant_format=QuantFormat.QDQ) of onnxruntime.quantization"

DYNAMIC = (
    f"with dynamic quantization the scales are known only when an input is there; use {QDQ} and calibration data, or "
    "tailrace quantize"
)

INSTEAD = {
    **dict.fromkeys(
        ("QLinearReduceMean", "QLinearWhere", "QLinearConvTranspose", "QAttention", "QEmbedLayerNormalization"),
        f"of ONNX Runtime's QOperator format this one is not mapped; quantize the float network again with {QDQ}",
    ),
    **dict.fromkeys(
        ("DynamicQuantizeLinear", "ConvInteger", "MatMulInteger", "DynamicQuantizeMatMul"),
        DYNAMIC,
    ),
    "Einsum": (
        "an Einsum of two operands is mapped where it is a product of matrices, such as bihd,bjhd->bhij; write any "
        "other one as MatMul, Mul, Transpose and Reshape"
    ),
}  # fmt: skip
"""{operation: what to do instead}."""

ROUNDING_NAMES = {
    "ROUND_TO_ZERO": "DOWN",
    "TRUNC": "DOWN",
    "TRUNCATE": "DOWN",
    "ROUND_HALF_EVEN": "ROUND",
    "NEAREST_EVEN": "ROUND",
    "RINT": "ROUND",
}
"""What rounding modes of other libraries are called in QONNX."""
