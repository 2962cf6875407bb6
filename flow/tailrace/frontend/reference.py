# SPDX-License-Identifier: Apache-2.0
"""The float network as its own software runs it: the QONNX executor, node by node, in float32."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tailrace.frontend.model import Network
    from tailrace.frontend.quantizers import Encoding
    from tailrace.graph import Graph

Array = NDArray[Any]


class QonnxReference:
    """Runs the network with ``qonnx.core.onnx_exec.execute_onnx`` and returns the tensors behind the integers.

    ``encodings`` maps the network's tensors to the integers they stand for; ``name`` is what a report calls this
    reference.
    """

    name = "qonnx"

    def __init__(self, network: Network, encodings: Mapping[str, Encoding]) -> None:
        self.network = network
        self.encodings = encodings
        self.graph: Graph | None = None
        """The graph as it was imported, before any pass; what is compared tensor by tensor."""

    def run(self, x: Array, names: Iterable[str]) -> dict[str, Array]:
        """Return {tensor: (n, size) floats} for inputs (n, *sample shape), one sample at a time."""
        from qonnx.core.modelwrapper import ModelWrapper  # noqa: PLC0415 - costs a second
        from qonnx.core.onnx_exec import execute_onnx  # noqa: PLC0415

        logging.getLogger("onnxruntime").setLevel(logging.ERROR)
        model = ModelWrapper(self.network.model())
        wanted = list(names)
        source = self.network.inputs[0]
        shape = self.network.shapes[source]
        found: dict[str, list[Array]] = {name: [] for name in wanted}
        for sample in x:
            feed = {source: np.asarray(sample, self.network.dtypes[source]).reshape(shape)}
            context = execute_onnx(model, feed, return_full_exec_context=True)
            for name in wanted:
                found[name].append(np.asarray(context[name]).reshape(-1))
        return {name: np.stack(rows) if rows else np.zeros((0, 0)) for name, rows in found.items()}
