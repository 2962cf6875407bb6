# SPDX-License-Identifier: Apache-2.0
"""Torch as the software of a network: it evaluates the tails, and is what E1 compares the integer graph with."""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from tailrace.core.errors import ModelError
from tailrace.frontend.brevitas.writer import plain
from tailrace.frontend.evaluation import run_node
from tailrace.frontend.reference import QonnxReference
from tailrace.graph.values import the_one

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from onnx import NodeProto
    from torch import nn

    from tailrace.frontend.brevitas.translation import Translated
    from tailrace.frontend.encodings import Encoding
    from tailrace.frontend.network import Network
    from tailrace.graph.values import Values

Array = NDArray[Any]

VECTORIZED = frozenset(
    {
        "Sigmoid",
        "Tanh",
        "Gelu",
        "Elu",
        "Selu",
        "Softplus",
        "Mish",
        "Exp",
        "Log",
        "Erf",
        "HardSwish",
        "Softsign",
    }
)
"""Operations that torch may compute by other instructions at the end of an array than in its middle."""

WHOLE_VECTORS = 64
"""Arrays of a multiple of this many elements have no such end."""


class TorchSoftware:
    """Evaluates nodes of the model as torch does: each by the function of torch that it stands for."""

    def __init__(self, translated: Translated) -> None:
        self.runs = translated.writer.runs

    def function(
        self, network: Network, nodes: Sequence[NodeProto], start: str, end: str
    ) -> Callable[[Array], Array]:
        """Return the function from tensor ``start`` to ``end``, (samples, *shape) each, that ``nodes`` compute."""

        def one(values: Array) -> Array:
            return self.evaluate(network, nodes, {start: values})[end]

        shape = network.shapes[start]
        if not self.depends_on_position(network, nodes) and self._is_batched(network, one, start, end):
            return one
        single = shape if shape[:1] == (1,) else None

        def each(values: Array) -> Array:
            rows = [one(v[None] if single else v) for v in values]
            return np.concatenate(rows) if single else np.stack(rows)

        return each

    def depends_on_position(self, network: Network, nodes: Sequence[NodeProto]) -> bool:
        """Say whether the last bit of some operation depends on where in its array an element stands."""
        return any(
            node.op_type in VECTORIZED
            and int(np.prod(network.shapes[node.output[0]], dtype=np.int64)) % WHOLE_VECTORS
            for node in nodes
        )

    def _is_batched(self, network: Network, run: Callable[[Array], Array], start: str, end: str) -> bool:
        shape = network.shapes[start]
        if not shape or shape[0] != 1:
            return False
        samples = np.random.default_rng(1).uniform(-1, 1, (2, *shape[1:])).astype(np.float32)
        try:
            both = run(samples)
            single = [run(samples[i : i + 1]) for i in range(2)]
        except (
            RuntimeError,
            ValueError,
            TypeError,
            IndexError,
        ):  # whatever torch raises: it does not take a batch
            return False
        return single[0].shape == network.shapes[end] and np.array_equal(both, np.concatenate(single))

    def evaluate(
        self, network: Network, nodes: Sequence[NodeProto], known: Mapping[str, Array]
    ) -> dict[str, Array]:
        """Run nodes in their order on arrays; returns all tensors."""
        values: dict[str, Any] = {name: torch.from_numpy(np.array(value)) for name, value in known.items()}
        with torch.no_grad():
            for node in nodes:
                dynamic = dict.fromkeys(n for n in node.input if n and n not in network.constants)
                name = network.copies.get(node.name, node.name)
                if name in self.runs:
                    values[node.output[0]] = self.runs[name](*(values[n] for n in dynamic))
                    continue
                inputs = {
                    n: np.asarray(values[n]) if n in values else network.constants[n] for n in node.input if n
                }
                results = run_node(node, inputs, network.opset, network.versions)
                values |= {name: torch.from_numpy(np.array(value)) for name, value in results.items()}
        return {name: value.numpy() for name, value in values.items()}


class TorchReference(QonnxReference):
    """The torch module itself, in evaluation mode; what its layers give is taken from them while it runs.

    Tensors that no layer gives (an accumulator without its bias, a sum) are computed beside it by the functions of
    torch that the model's nodes stand for, from what the layers in front of them gave.
    """

    def __init__(
        self, network: Network, encodings: Mapping[str, Encoding], module: nn.Module, translated: Translated
    ) -> None:
        super().__init__(network, encodings)
        self.name = "brevitas"
        self.module = module
        self.model = translated.model
        """The translation; a build folder keeps it, so that it can be resumed without torch."""
        self.translated = translated
        self.software = TorchSoftware(translated)
        self.foreign: set[str] = set()
        """Tensors at which the layer gave something else than its translation: nothing there is excused."""

    def run(self, x: Values, names: Iterable[str]) -> dict[str, Array]:
        """Return {tensor: (n, size) floats} for inputs (n, *sample shape), one sample at a time."""
        wanted = list(names)
        found: dict[str, list[Array]] = {name: [] for name in wanted}
        shape = self.network.shapes[self.network.inputs[0]]
        for sample in the_one(x):
            values = self._sample(torch.from_numpy(np.array(sample, np.float32).reshape(shape)))
            for name in wanted:
                found[name].append(values[name].detach().numpy().reshape(-1))
        return {name: np.stack(rows) if rows else np.zeros((0, 0)) for name, rows in found.items()}

    def _sample(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return all tensors of the model for one sample: those of layers as they gave them."""
        if self.module.training:
            raise ModelError(
                "the module is in training mode again", where=self.network.name, hint="module.eval()"
            )
        given: dict[tuple[str, int], torch.Tensor] = {}
        counts: Counter[str] = Counter()
        writer = self.translated.writer

        def hook(target: str) -> Callable[..., None]:
            def remember(_module: nn.Module, _inputs: Any, output: Any) -> None:  # noqa: ANN401
                if hasattr(output, "bit_width") or isinstance(output, torch.Tensor):
                    given[target, counts[target]] = plain(output).detach().clone()
                counts[target] += 1

            return remember

        with ExitStack() as stack, torch.no_grad():
            for target in dict.fromkeys(target for target, _ in writer.leaves.values()):
                handle = self.module.get_submodule(target).register_forward_hook(hook(target))
                stack.callback(handle.remove)
            end = plain(self.module(x.clone())).detach().clone()
            values: dict[str, torch.Tensor] = {self.translated.source: x}
            for node in self.translated.model.graph.node:
                name = node.output[0]
                if name not in writer.runs:
                    continue  # the quantizer of a constant
                operands = [values[n] for n in dict.fromkeys(node.input) if n in values]
                own = writer.runs[name](*operands)
                theirs = given.get(writer.leaves[name]) if name in writer.leaves else None
                theirs = end if name == self.translated.end and theirs is None else theirs
                layer = writer.layers.get(name)
                if theirs is not None:
                    same = torch.equal(own, theirs) or (
                        layer is not None and layer.explains(values[layer.source], theirs)
                    )
                    if not same:
                        self.foreign.add(name)
                    own = theirs
                values[name] = own
        return values

    def follow(
        self, start: str, values: Array, end: str, beside: Mapping[str, Array] | None = None
    ) -> Array | None:
        """Return tensor ``end`` (n, size) as torch computes it from tensor ``start`` (n, size).

        None where ``end`` does not follow from it, and from the tensors ``beside`` it, alone, or where a layer between
        them once gave something else.
        """
        starts = {start: values, **(beside or {})}
        nodes = self._between(set(starts), end)
        if not nodes or any(name in self.foreign for node in nodes for name in node.output):
            return None
        rows = []
        for index in range(len(values)):
            known = {
                name: array[index].astype(np.float32).reshape(self.network.shapes[name])
                for name, array in starts.items()
            }
            rows.append(self.software.evaluate(self.network, nodes, known)[end].reshape(-1))
        return np.stack(rows)
