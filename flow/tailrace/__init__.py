# SPDX-License-Identifier: Apache-2.0
"""tailrace: quantized networks to proven streaming hardware.

    import tailrace as tr

    graph = tr.load("network.onnx")
    plan = tr.plan(graph, part="ecp5-85k", clock_mhz=100, fps=100e3)
    design = tr.emit(plan, "build/network")
    design.verify(x)
    report = design.synth("yosys")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from tailrace.api import Design, emit, load, plan
    from tailrace.errors import Mismatch, TailraceError

__all__ = ["Design", "Mismatch", "TailraceError", "__version__", "emit", "load", "plan"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute
    """Import on first use, so that ``tailrace --help`` does not wait for numpy and onnx."""
    if name in ("Design", "emit", "load", "plan"):
        from tailrace import api  # noqa: PLC0415

        return getattr(api, name)
    if name in ("Mismatch", "TailraceError"):
        from tailrace import errors  # noqa: PLC0415

        return getattr(errors, name)
    raise AttributeError(f"module 'tailrace' has no attribute {name!r}")
