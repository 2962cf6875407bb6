# SPDX-License-Identifier: Apache-2.0
"""tailrace: quantized neural networks to proven streaming hardware.

import tailrace as tr

graph = tr.load("network.onnx")
plan = tr.plan(graph, part="ecp5-85k", clock_mhz=100, fps=100e3)
design = tr.emit(plan, "build/network")
design.verify(x)
report = design.synth("yosys")
"""

__version__ = "0.1.0"

# These imports come last and at once: ``plan`` and ``emit`` are modules as well, and here they are the functions.
from tailrace.core.errors import Mismatch, TailraceError
from tailrace.design.api import Design, emit, load, plan

__all__ = ["Design", "Mismatch", "TailraceError", "__version__", "emit", "load", "plan"]
