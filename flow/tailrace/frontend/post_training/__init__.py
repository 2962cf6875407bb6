# SPDX-License-Identifier: Apache-2.0
"""Post-training quantization: a float network, and numbers to calibrate it with, to a QDQ network.

ONNX Runtime's quantizer does the work; these modules prepare the network for it, choose the ranges, take the widths
that it has no types for, and say what was lost where.
"""

from __future__ import annotations

from tailrace.frontend.post_training.comparing import Comparison, LayerError, compare
from tailrace.frontend.post_training.floats import FloatNetwork, prepare
from tailrace.frontend.post_training.quantizing import Plan, quantize_network
from tailrace.frontend.post_training.ranges import METHODS, ranges_of
from tailrace.frontend.post_training.widths import Widths

__all__ = [
    "METHODS",
    "Comparison",
    "FloatNetwork",
    "LayerError",
    "Plan",
    "Widths",
    "compare",
    "prepare",
    "quantize_network",
    "ranges_of",
]
