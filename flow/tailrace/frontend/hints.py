# SPDX-License-Identifier: Apache-2.0
"""The ways out that people who met an operation before can take: a table of hints, each tried."""

from __future__ import annotations

QDQ = "quantize_static(..., quant_format=QuantFormat.QDQ) of onnxruntime.quantization"

INSTEAD = {
    **dict.fromkeys(
        ("QLinearConv", "QLinearMatMul", "QLinearAdd", "QLinearMul", "QLinearLeakyRelu", "QLinearSigmoid", "QGemm",
         "QLinearGlobalAveragePool", "QLinearAveragePool", "QLinearConcat", "QLinearSoftmax"),
        f"this is ONNX Runtime's QOperator format; quantize the float network again with {QDQ}",
    ),
    **dict.fromkeys(
        ("DynamicQuantizeLinear", "ConvInteger", "MatMulInteger", "DynamicQuantizeMatMul"),
        f"with dynamic quantization the scales are known only when an input is there; use {QDQ} and calibration data",
    ),
    "QuantLSTMCell": (
        "Brevitas writes a QuantLSTM as this one node whatever the export: write the cell out of QuantLinear, "
        "QuantSigmoid and QuantTanh layers over a fixed number of steps, or run it in software"
    ),
    "Expand": (
        "leave it out: Add, Sub and Mul repeat an operand of shape (1, channels, 1) beside (1, channels, width), or "
        "(1, channels, 1, 1) beside an image, by themselves"
    ),
    "Gather": (
        "for one step or a range write a Slice (x[:, -1:] instead of x[:, -1]) and a Reshape; for channels in another "
        "order a layer of ones and zeros"
    ),
}  # fmt: skip
"""{operation: what to do instead}."""

TABLE_LOOK_UP = "begin the network behind it: the host looks the numbers up, and sends those"
"""What to do instead of a Gather from constants by the network's input."""

ROUNDING_NAMES = {
    "ROUND_TO_ZERO": "DOWN",
    "TRUNC": "DOWN",
    "TRUNCATE": "DOWN",
    "ROUND_HALF_EVEN": "ROUND",
    "NEAREST_EVEN": "ROUND",
    "RINT": "ROUND",
}
"""What rounding modes of other libraries are called in QONNX."""
