# SPDX-License-Identifier: Apache-2.0
"""Which ONNX operations are what: element by element, monotone, layout only, quantizers."""

from __future__ import annotations

from tailrace.core.table import Table

QONNX_DOMAIN = "qonnx.custom_op.general"

MICROSOFT_DOMAIN = "com.microsoft"
"""The domain of ONNX Runtime's own operations."""

MICROSOFT_OPERATIONS = frozenset({"QuantizeLinear", "DequantizeLinear", "QLinearSoftmax"})
"""Those of them that the front end maps as they are: 16-bit quantizers of older files, what the host does."""

QUANTIZERS = frozenset({"Quant", "BipolarQuant", "Trunc", "MultiThreshold", "DequantizeLinear"})
"""The operations whose output is a set of integers in disguise."""

QONNX_OPERATIONS = (QUANTIZERS - {"DequantizeLinear"}) | {
    "IntQuant",
    "FloatQuant",
    "MaxPoolNHWC",
    "QuantAvgPool2d",
    "Im2Col",
    "XnorPopcountMatMul",
}
"""Operations of the QONNX domain, whatever domain an exporter wrote."""

ADDED_DOMAINS: Table[str, str] = Table("ADDED_DOMAINS", __name__, {})
"""{domain: extension that added it}. As QONNX has it, a domain is the name of the module with its software."""

SPELLINGS: Table[str, str] = Table("SPELLINGS", __name__, {})
"""{operation that some files write in ONNX's own domain, which has it not: the domain that an extension gives it}."""

LAYOUT = frozenset(
    {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Identity", "Dropout", "Cast", "DepthToSpace",
     "SpaceToDepth"}
)  # fmt: skip
"""Operations that move numbers without changing them (Cast where the other type holds all values of the first)."""

MONOTONE_UNARY = frozenset(
    {
        "Relu", "LeakyRelu", "PRelu", "Sigmoid", "Tanh", "HardSigmoid", "Elu", "Selu", "Celu", "Softplus", "Softsign",
        "Erf", "Exp", "Log", "Sqrt", "Neg", "Floor", "Ceil", "Round", "Clip", "Sign", "Atan", "Asinh", "Sinh", "Asin",
        "ThresholdedRelu", "BatchNormalization", "Min", "Max", "Add", "Sub", "Mul",
        "QuantizeLinear",
    }
)  # fmt: skip
"""Element-by-element operations that are monotone in each channel when all other operands are constants."""

ELEMENTWISE = MONOTONE_UNARY | {
    "Abs", "Div", "Pow", "Reciprocal", "Gelu", "Mish", "HardSwish", "Swish", "Shrink", "Where", "Less", "LessOrEqual",
    "Greater", "GreaterOrEqual", "Equal", "And", "Or", "Not", "Xor", "Sin", "Cos", "Tan", "Cosh", "Acos", "Acosh",
    "Atanh", "Mod", "Sum", "Mean", "IsNaN", "IsInf",
}  # fmt: skip
"""Every operation that works element by element; a chain of them is probed, not rewritten."""

HOST_TAIL = frozenset(
    {"Softmax", "LogSoftmax", "Hardmax", "ArgMax", "ArgMin", "TopK", "ReduceMax", "ReduceMin", "ReduceSum",
     "ReduceMean", "Gather", "Slice", "Split", "Concat", "Tile", "Expand", "LpNormalization", "ReduceL2", "ReduceL1",
     "CumSum"}
)  # fmt: skip
"""Operations that may stand between the last integers and the network's output, where the host does them."""

POSITION_DEPENDENT = frozenset(
    {
        "Elu", "Selu", "Celu", "Softplus", "Mish", "Log", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh",
        "Asinh", "Acosh", "Atanh", "LogSoftmax",
    }
)  # fmt: skip
"""Operations that ONNX Runtime computes by other instructions at the end of an array than in its middle.

The last bit of a result depends on where it stands, so these are run on arrays of the network's own shape.
"""

WHOLE_VECTORS = 16
"""Arrays of a multiple of this many elements have no such end."""

SPATIAL = frozenset(
    {"Conv", "ConvTranspose", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "Resize", "Upsample"}
)  # fmt: skip
"""Operations of convolutional networks: their input is (1, channels, width) or (1, channels, height, width)."""

RESHAPING = frozenset(
    {"Concat", "Split", "Slice", "Gather", "Tile", "Expand", "Pad", "ReduceSum", "ReduceMean", "ReduceMax"}
)  # fmt: skip
"""Operations that hardware does where something follows them that the host cannot do."""

AFFINE = frozenset({"Add", "Sub", "Mul", "Div", "Neg"})
"""Operations with constants that keep a value an exact multiple of an integer, plus an offset."""

NORMALIZATIONS = frozenset(
    {"LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization", "InstanceNormalization",
     "GroupNormalization"}
)  # fmt: skip
"""Normalizations; SimplifiedLayerNormalization is ONNX Runtime's name of the one before, in ONNX's own domain."""

PICKS = frozenset({"ArgMax", "ArgMin", "TopK"})
"""Operations that give an index along an axis."""

RECURRENT = frozenset({"LSTM", "GRU", "RNN", "Scan", "Loop"})
"""Operations that keep a state from step to step."""
