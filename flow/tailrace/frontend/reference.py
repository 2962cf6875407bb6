# SPDX-License-Identifier: Apache-2.0
"""The float network as its own software runs it, node by node, in float32: the QONNX executor, or ONNX Runtime.

Where all operations are ONNX's and ONNX Runtime's own, that one runs the network, each node by its own kernel, without
fusing any (graph optimizations disabled); where some are QONNX's, the QONNX executor does, which gives every other node
to ONNX Runtime.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto
from onnx.reference import ReferenceEvaluator

from tailrace.core.errors import ModelError
from tailrace.frontend.attributes import Attributes
from tailrace.frontend.encodings import Encoding
from tailrace.frontend.evaluation import node_model, run_node
from tailrace.frontend.operations import MICROSOFT_DOMAIN, QUANTIZERS
from tailrace.graph.host import make_session
from tailrace.graph.values import by_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tailrace.frontend.network import Network
    from tailrace.graph import Graph
    from tailrace.graph.values import Values

Array = NDArray[Any]
Doubles = NDArray[np.float64]


class QonnxReference:
    """Runs the network and returns the tensors behind the integers.

    ``encodings`` maps the network's tensors to the integers they stand for; ``name`` is what a report calls this
    reference: qonnx (``qonnx.core.onnx_exec.execute_onnx``) or onnxruntime.
    """

    exact = False
    missing = ""
    output = ""

    def __init__(self, network: Network, encodings: Mapping[str, Encoding]) -> None:
        self.network = network
        plain = all(node.domain in ("", MICROSOFT_DOMAIN) for node in network.software_nodes)
        self.name = "onnxruntime" if plain else "qonnx"
        self.encodings = encodings
        self.graph: Graph | None = None
        """The graph as it was imported, before any pass; what is compared tensor by tensor."""

    def stored(self) -> dict[str, dict[str, Any]]:
        """Return the encodings as JSON; :func:`encodings_from` undoes it."""
        return {
            name: {
                "scale": encoding.scale.tolist(),
                "offset": encoding.offset.tolist(),
                "order": None if encoding.order is None else encoding.order.tolist(),
            }
            for name, encoding in self.encodings.items()
        }

    def run(self, x: Values, names: Iterable[str]) -> dict[str, Array]:
        """Return {tensor: (n, size) floats} for inputs (n, *sample shape), {name: such} of several, one by one."""
        wanted = list(names)
        network = self.network
        arrays = by_port(x, network.inputs)
        run = self._onnxruntime(wanted) if self.name == "onnxruntime" else self._qonnx()
        found: dict[str, list[Array]] = {name: [] for name in wanted}
        for sample in zip(*arrays, strict=True):
            feed = {
                source: np.asarray(values, network.dtypes[source]).reshape(network.shapes[source])
                for source, values in zip(network.inputs, sample, strict=True)
            }
            try:
                tensors = run(feed)
            except Exception as error:
                raise self._cannot_run(error) from error
            for name in wanted:
                found[name].append(np.asarray(tensors[name]).reshape(-1))
        return {name: np.stack(rows) if rows else np.zeros((0, 0)) for name, rows in found.items()}

    def _onnxruntime(self, names: list[str]) -> Callable[[dict[str, Array]], Mapping[str, Array]]:
        """Return what runs one sample with ONNX Runtime and returns the tensors ``names``."""
        model = self.network.model()
        inner = {info.name: info for info in model.graph.value_info}
        ready = {*self.network.inputs, *(info.name for info in model.graph.output)}
        model.graph.output.extend(inner[name] for name in names if name not in ready)
        try:
            session = make_session(model.SerializeToString())
        except Exception as error:
            raise self._cannot_run(error) from error
        made = [name for name in names if name not in self.network.inputs]
        return lambda feed: {**feed, **dict(zip(made, session.run(made, feed) if made else [], strict=True))}

    def _qonnx(self) -> Callable[[dict[str, Array]], Mapping[str, Array]]:
        """Return what runs one sample with the QONNX executor and returns all tensors."""
        from qonnx.core.modelwrapper import ModelWrapper  # noqa: PLC0415 - costs a second
        from qonnx.core.onnx_exec import execute_onnx  # noqa: PLC0415

        logging.getLogger("onnxruntime").setLevel(logging.ERROR)
        model = ModelWrapper(self.network.model())
        return lambda feed: cast("dict[str, Array]", execute_onnx(model, feed, return_full_exec_context=True))

    def _cannot_run(self, error: Exception) -> ModelError:
        """Return the answer to whatever qonnx or ONNX Runtime raises."""
        tool = "onnxruntime" if self.name == "onnxruntime" else "qonnx.core.onnx_exec.execute_onnx"
        lines = str(error).strip().splitlines() or [type(error).__name__]
        return ModelError(
            f"the network's own software cannot run it ({lines[-1][:200]})",
            where=self.network.name,
            hint=f"try {tool} on the file; it has to be exported again",
        )

    def follow(
        self, start: str, values: Array, end: str, beside: Mapping[str, Array] | None = None
    ) -> Array | None:
        """Return tensor ``end`` (n, size) as the network's own nodes compute it from tensor ``start`` (n, size).

        None where ``end`` does not follow from it, and from the tensors ``beside`` it, alone. The nodes are run one by
        one, as :meth:`run` does; nothing of the integer graph takes part.
        """
        starts = {start: values, **(beside or {})}
        nodes = self._between(set(starts), end)
        if not nodes:
            return None
        rows = []
        for index in range(len(values)):
            known = {
                name: rows_of[index].astype(self.network.dtypes[name]).reshape(self.network.shapes[name])
                for name, rows_of in starts.items()
            }
            try:
                rows.append(self._evaluate(nodes, known, np.float32)[end].reshape(-1))
            except Exception as error:
                raise self._cannot_run(error) from error
        return np.stack(rows)

    def recompute(self, known: Mapping[str, Doubles], end: str) -> Doubles | None:
        """Return tensor ``end`` (n, size) computed from the tensors ``known`` by the network's nodes in float64.

        ``known`` are (n, size) values, exact; quantized constants are their integers times their scale, without the
        rounding to float32. None where ``end`` does not follow from them, or not without a quantizer.
        """
        nodes = self._between(set(known), end)
        if any(node.op_type in QUANTIZERS for node in nodes) or not nodes:
            return None
        rows = []
        for index in range(len(next(iter(known.values())))):
            values = {n: v[index].reshape(self.network.shapes[n]) for n, v in known.items()}
            try:
                rows.append(self._evaluate(nodes, values, np.float64)[end].reshape(-1))
            except Exception:  # noqa: BLE001 - ONNX Runtime has no float64 kernel for every operation
                return None
        return np.stack(rows)

    def _between(self, starts: set[str], end: str) -> list[NodeProto]:
        """Return the nodes between ``starts`` and ``end`` in order; none where something else is needed too."""
        makers = {name: node for node in self.network.nodes for name in node.output}
        needed: dict[str, NodeProto] = {}
        waiting = [end]
        while waiting:
            name = waiting.pop()
            if name in starts or name in self.network.constants or not name:
                continue
            if name not in makers:
                return []
            node = makers[name]
            if node.name not in needed:
                needed[node.name] = node
                waiting.extend(node.input)
        return [node for node in self.network.nodes if node.name in needed]

    def _evaluate(
        self, nodes: list[NodeProto], known: Mapping[str, Array], kind: type[np.floating[Any]]
    ) -> dict[str, Array]:
        """Run the nodes on one sample, with float constants of type ``kind``."""
        values = dict(known)
        for node in nodes:
            inputs = {}
            for name in node.input:
                if name:
                    inputs[name] = values[name] if name in values else self._constant(name, kind)
            try:
                values |= run_node(node, inputs, self.network.opset, self.network.versions)
            except Exception:
                if kind is not np.float64 or node.domain:
                    raise
                # ONNX Runtime convolves and pools in float32 only; ONNX's own reference does so in float64
                values[node.output[0]] = _in_doubles(node, inputs, self.network.opset)
        return values

    def _constant(self, name: str, kind: type[np.floating[Any]]) -> Array:
        value = self.network.constants[name]
        if value.dtype != np.float32:
            return value
        grid = self.network.grids.get(name)
        if grid is not None and kind is np.float64:
            return np.asarray(grid.integers * grid.scale, np.float64)
        return value.astype(kind)


def _in_doubles(node: NodeProto, inputs: dict[str, Any], opset: int) -> Array:
    """Run a node by ONNX's own reference implementation; a transposed convolution group by group, as it has none."""
    groups = Attributes(node).integer("group", 1) if node.op_type == "ConvTranspose" else 1
    if groups == 1:
        results = ReferenceEvaluator(node_model(node, inputs, opset)).run(None, inputs)
        return np.asarray(cast("list[Array]", results)[0])
    x, w, *bias = list(node.input)
    single = NodeProto()
    single.CopyFrom(node)
    for attribute in single.attribute:
        if attribute.name == "group":
            attribute.i = 1
    parts = []
    for group in range(groups):
        own = {x: np.split(inputs[x], groups, axis=1)[group], w: np.split(inputs[w], groups)[group]}
        own |= {b: np.split(inputs[b], groups)[group] for b in bias if b}
        parts.append(_in_doubles(single, own, opset))
    return np.concatenate(parts, axis=1)


def encodings_from(stored: Mapping[str, Any], network: Network) -> dict[str, Encoding]:
    """Return the encodings that :meth:`QonnxReference.stored` wrote; ValueError where they do not fit the network."""
    found = {}
    for name, item in stored.items():
        size = int(np.prod(network.shapes[name], dtype=np.int64))
        scale, offset = (np.asarray(item[key], np.float64) for key in ("scale", "offset"))
        order = None if item["order"] is None else np.asarray(item["order"], np.int64)
        if any(end.shape not in ((), (size,)) or not np.isfinite(end).all() for end in (scale, offset)):
            raise ValueError(f"the scale or offset of {name} does not fit its {size} elements")
        if order is not None and not np.array_equal(np.sort(order), np.arange(size)):
            raise ValueError(f"the order of {name} is none of its {size} elements")
        found[name] = Encoding(scale=scale, offset=offset, order=order)
    return found
