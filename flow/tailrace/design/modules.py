# SPDX-License-Identifier: Apache-2.0
"""Networks that come from a program's memory: torch modules, compared with their graph as soon as it is made."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tailrace.core.errors import UsageError
from tailrace.design.folder import ONNX, TFLITE
from tailrace.design.lint import judge
from tailrace.verify.software import verify_software

if TYPE_CHECKING:
    from tailrace.core.limits import Limits
    from tailrace.core.types import FixedType
    from tailrace.design.lint import Findings
    from tailrace.graph import Graph

VECTORS_AT_IMPORT = 64
"""So many samples of the example at most are compared at once."""


def import_module(
    module: object, example: object, input_type: str | FixedType | None, limits: Limits | str | None
) -> Graph:
    """Import a torch module and compare it with its graph on the example; see ``tailrace.from_brevitas``."""
    _require_torch()
    from tailrace.frontend.brevitas import checks, door  # noqa: PLC0415 - they need torch

    graph = door.import_module(module, example, input_type, limits)
    x = np.asarray(checks.example_of(example, graph.name))[:VECTORS_AT_IMPORT]
    result = verify_software(graph, graph.reference, x)
    if result.first is not None:
        raise result.first
    rounded = f", {result.framework_rounding} of them rounded by torch" if result.framework_rounding else ""
    notice = (
        f"made of a torch module, and equal to it at import: {result.vectors} vectors at {result.tensors} tensors"
        f"{rounded}; where the module is not in memory, E1 compares with model.onnx, its translation"
    )
    reference = graph.reference
    graph = replace(graph, notices=(*graph.notices, notice))
    reference.graph = graph
    return graph


def lint_module(module: object, part: str) -> Findings:
    """Return what of a torch module will not map, and what would be cheaper; see ``tailrace.lint``."""
    _require_torch()
    from tailrace.frontend.brevitas.inspection import inspect  # noqa: PLC0415 - it needs torch

    return judge(inspect(module), part)


def _require_torch() -> None:
    """Raise UsageError where torch or Brevitas is missing."""
    from importlib.util import find_spec  # noqa: PLC0415 - torch is not looked for unless it is needed

    missing = [name for name in ("torch", "brevitas") if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed",
            hint="pip install 'tailrace[brevitas]'",
        )


def translation(graph: Graph) -> tuple[str, bytes] | None:
    """Return the file, as a build folder calls it, of which a graph's software can be made again.

    It is the ONNX model that a module was translated into, or the TensorFlow Lite file; None for other graphs.
    """
    file: bytes | None = getattr(graph.reference, "file", None)
    if file is not None:
        return TFLITE, file
    model: Any = getattr(graph.reference, "model", None)
    return None if model is None else (ONNX, bytes(model.SerializeToString(deterministic=True)))
