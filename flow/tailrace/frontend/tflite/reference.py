# SPDX-License-Identifier: Apache-2.0
"""The model's own software: the interpreter of ai-edge-litert with its reference kernels."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import ModelError
from tailrace.graph.values import the_one

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tailrace.frontend.encodings import Encoding
    from tailrace.frontend.tflite.records import FlatModel
    from tailrace.graph import Graph
    from tailrace.graph.values import Values

Array = NDArray[Any]
Doubles = NDArray[np.float64]

INTERPRETER = "ai_edge_litert"


class TfliteReference:
    """Runs the model with the reference kernels of TensorFlow Lite and returns the integers of its tensors.

    They are integers on both sides, so every tensor is compared and none may differ.
    """

    name = "ai-edge-litert"
    exact = True
    suffix = "tflite"
    """Of the file that a build folder keeps."""

    def __init__(self, model: FlatModel, encodings: Mapping[str, Encoding]) -> None:
        self.flat = model
        self.encodings = encodings
        self.output = model.tensors[model.outputs[0]].name
        self.graph: Graph | None = None
        """The graph as it was imported, before any pass; what is compared tensor by tensor."""
        self._interpreter: Any = None

    @property
    def missing(self) -> str:
        """Why it cannot run here, in one line; "" where it can."""
        if find_spec(INTERPRETER) is not None:
            return ""
        return (
            "the graph was not compared with TensorFlow Lite's interpreter: the package ai-edge-litert is missing "
            "(pip install 'tailrace[tflite]')"
        )

    @property
    def file(self) -> bytes:
        """The model's own file."""
        return self.flat.raw

    def stored(self) -> dict[str, list[str]]:
        """Return, as JSON, which tensors are compared."""
        return {"tflite": sorted(self.encodings)}

    def run(self, x: Values, names: Iterable[str]) -> dict[str, Array]:
        """Return {tensor: (n, size) integers} for inputs (n, *sample shape), one sample at a time."""
        interpreter, wanted = self._made(), list(dict.fromkeys(names))
        source = self.flat.tensors[self.flat.inputs[0]]
        found: dict[str, list[Array]] = {name: [] for name in wanted}
        for sample in the_one(x):
            interpreter.set_tensor(source.index, np.ascontiguousarray(sample).reshape(source.shape))
            interpreter.invoke()
            for name in wanted:
                found[name].append(interpreter.get_tensor(self.flat.by_name[name]).reshape(-1))
        return {name: np.stack(rows) if rows else np.zeros((0, 0)) for name, rows in found.items()}

    def _made(self) -> Any:  # noqa: ANN401 - the interpreter has no types
        """Return the interpreter, made once; it keeps every tensor of a run."""
        if self._interpreter is None:
            from ai_edge_litert.interpreter import Interpreter, OpResolverType  # noqa: PLC0415 - an extra

            try:
                self._interpreter = Interpreter(
                    model_content=self.flat.raw,
                    experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
                    experimental_preserve_all_tensors=True,
                )
                self._interpreter.allocate_tensors()
            except (ValueError, RuntimeError) as error:
                lines = str(error).strip().splitlines() or [type(error).__name__]
                raise ModelError(
                    f"TensorFlow Lite's own interpreter cannot run it ({lines[-1][:200]})",
                    where=self.flat.name,
                    hint="convert it again",
                ) from None
        return self._interpreter

    def follow(
        self, start: str, values: Array, end: str, beside: Mapping[str, Array] | None = None
    ) -> Array | None:
        """Return None: integers are not rounded, so no difference is explained."""
        del start, values, end, beside
        return None

    def recompute(self, known: Mapping[str, Doubles], end: str) -> Doubles | None:  # noqa: ARG002
        """Return None, as :meth:`follow`."""
        return None
