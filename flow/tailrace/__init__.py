# SPDX-License-Identifier: Apache-2.0
"""tailrace: quantized neural networks to proven streaming hardware.

import tailrace as tr

graph = tr.load("network.onnx")
plan = tr.plan(graph, part="ecp5-85k", clock_mhz=100, fps=100e3)
design = tr.emit(plan, "build/network")
design.verify(x)
report = design.synth("yosys")
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from tailrace.core.errors import Mismatch, TailraceError
    from tailrace.design.api import (
        Design,
        change,
        emit,
        from_brevitas,
        from_hls4ml,
        lint,
        load,
        plan,
        quantize,
    )

__all__ = [
    "Design",
    "Mismatch",
    "TailraceError",
    "__version__",
    "change",
    "emit",
    "from_brevitas",
    "from_hls4ml",
    "lint",
    "load",
    "plan",
    "quantize",
]

_HOMES = {
    "Design": "tailrace.design.api",
    "Mismatch": "tailrace.core.errors",
    "TailraceError": "tailrace.core.errors",
    "change": "tailrace.design.api",
    "emit": "tailrace.design.api",
    "from_brevitas": "tailrace.design.api",
    "from_hls4ml": "tailrace.design.api",
    "lint": "tailrace.design.api",
    "load": "tailrace.design.api",
    "plan": "tailrace.design.api",
    "quantize": "tailrace.design.api",
}
"""Where each public name is defined; it is imported when it is first used, so that the command line starts at once."""


def __getattr__(name: str) -> object:
    """Import a public name from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List what is there and what can be imported, for completion."""
    return sorted({*globals(), *__all__})
