# SPDX-License-Identifier: Apache-2.0
"""The sheet that handlers of hls4ml's layers write on: what every tensor is in integers, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tailrace.core.names import is_identifier
from tailrace.frontend.encodings import Encoding
from tailrace.frontend.hls4ml.records import RefusedError
from tailrace.frontend.writer import Writer

if TYPE_CHECKING:
    from tailrace.core.fixed import FixedFormat
    from tailrace.frontend.hls4ml.records import Layer, Weight
    from tailrace.graph import Tensor
    from tailrace.graph.tensors import Shape

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Signal:
    """An hls4ml tensor: ``tensor / 2**fraction_bits``, every number in ``low..high``, kept in ``format``.

    ``fraction_bits`` may be fewer than those of the format, where the others are always 0. ``bipolar``: bits that stand
    for +1 and -1.
    """

    tensor: Tensor
    fraction_bits: int
    format: FixedFormat
    low: int
    high: int
    bipolar: bool = False

    @property
    def shape(self) -> Shape:
        """The shape of one sample."""
        return self.tensor.shape

    @property
    def channels(self) -> int:
        """The size of the last axis."""
        return self.tensor.channels


class Sheet(Writer):
    """What is known of a network while it is walked through."""

    def __init__(self) -> None:
        super().__init__()
        self.signals: dict[str, Signal] = {}
        self.constants: dict[str, Weight] = {}
        self.encodings: dict[str, Encoding] = {}
        self.places: dict[str, tuple[str, int]] = {}
        """{hls4ml's tensor: (tensor of the graph, fraction bits)}: where each is found, the moved ones too."""
        self.products: dict[str, tuple[str, ...]] = {}
        """{layer: the nodes that compute its products with weights}."""
        self.losses: dict[str, list[str]] = {}
        """{layer: what its types lose}."""

    def signal(
        self, tensor: Tensor, fraction_bits: int, fmt: FixedFormat, *, bipolar: bool = False
    ) -> Signal:
        """Return a tensor of the graph as a signal, with the range that the graph knows."""
        return Signal(
            tensor=tensor,
            fraction_bits=fraction_bits,
            format=fmt,
            low=int(tensor.low.min()),
            high=int(tensor.high.max()),
            bipolar=bipolar,
        )

    def operand(self, layer: Layer, index: int = 0) -> Signal:
        """Return an input of a layer as a signal; RefusedError where it is a constant."""
        name = layer.inputs[index]
        if name not in self.signals:
            raise RefusedError(
                f"its input {name} is a constant",
                "an input that depends on the network's input",
                "fold the constant into the layer before",
            )
        return self.signals[name]

    def product_name(self, layer: Layer, kind: str) -> str:
        """Return a name for the node of a layer's products: that of the layer, where it can be one."""
        free = is_identifier(layer.name) and all(layer.name != node.name for node in self.nodes)
        name = layer.name if free and layer.name not in self.tensors else self.new_name(kind)
        self.products[layer.name] = (*self.products.get(layer.name, ()), name)
        return name

    def loses(self, layer: Layer, what: str) -> None:
        """Remember that a type of a layer loses information."""
        found = self.losses.setdefault(layer.name, [])
        if what not in found:
            found.append(what)

    def put(self, name: str, signal: Signal) -> None:
        """Let an output of a layer be a signal."""
        tensor = signal.tensor
        if not tensor.origin and tensor.name in self.tensors:
            tensor = self.named(tensor, name)
            scale = np.array(2.0**-signal.fraction_bits)
            self.encodings[name] = Encoding(scale=scale, offset=np.zeros(()))
        self.signals[name] = replace(signal, tensor=tensor)
        self.places[name] = (tensor.name, signal.fraction_bits)

    def notices(self) -> tuple[str, ...]:
        """Return a line for every layer whose types lose information, in their order."""
        return tuple(f"{layer}: {'; '.join(found)}" for layer, found in self.losses.items())
