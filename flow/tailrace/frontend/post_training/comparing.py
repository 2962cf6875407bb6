# SPDX-License-Identifier: Apache-2.0
"""What quantization costs: the signal-to-noise ratio behind every layer, and the outputs of both networks."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log10
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.frontend.post_training.floats import constant_values, with_outputs
from tailrace.frontend.post_training.quantizing import LAYERS, Plan
from tailrace.graph.host import make_session

if TYPE_CHECKING:
    from collections.abc import Callable

    import onnx

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerError:
    """What is lost behind one layer of the float network, in decibels: more is better, infinite is exact.

    ``snr_db`` is the energy of the float tensor over that of its difference from the quantized network's, all that
    was lost in front of it included; ``own_db`` counts the rounding of this tensor alone.
    """

    layer: str
    operation: str
    tensor: str
    weight_bits: int | None
    bits: int
    snr_db: float
    own_db: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """Both networks on the same samples: their outputs (n, size), and what was lost behind each layer, worst first."""

    floats: Array
    quantized: Array
    layers: tuple[LayerError, ...]
    output_db: float


def compare(
    plan: Plan, quantized: onnx.ModelProto, samples: Array, hear: Callable[[int, int], None] | None = None
) -> Comparison:
    """Run a float network and the quantized one on (n, *shape) samples, operation by operation, and compare."""
    network = plan.network
    places = _places(plan, quantized)
    first = make_session(with_outputs(network.model, [p.tensor for p in places]))
    second = make_session(with_outputs(quantized, [p.after for p in places]))
    energy = np.zeros((len(places), 3))
    ends = np.zeros(2)
    outputs: tuple[list[Array], list[Array]] = ([], [])
    wanted = [network.output, *(p.tensor for p in places)]
    given = [quantized.graph.output[0].name, *(p.after for p in places)]
    for index, sample in enumerate(samples):
        feed = {network.input: sample}
        floats = _known(first, wanted, feed)
        others = _known(second, given, feed)
        a, b = (values[0].reshape(-1).astype(np.float64) for values in (floats, others))
        outputs[0].append(a)
        outputs[1].append(b)
        ends += (a**2).sum(), ((a - b) ** 2).sum()
        for row, (place, whole, after) in enumerate(zip(places, floats[1:], others[1:], strict=True)):
            off, own = (whole.astype(np.float64) - value for value in (after, place.rounded(whole)))
            energy[row] += (whole.astype(np.float64) ** 2).sum(), (off**2).sum(), (own**2).sum()
        if hear:
            hear(index + 1, len(samples))
    layers = [
        LayerError(
            layer=place.layer,
            operation=place.operation,
            tensor=place.tensor,
            weight_bits=plan.weights.get(place.weights),
            bits=place.bits,
            snr_db=_decibels(signal, noise),
            own_db=_decibels(signal, own),
        )
        for place, (signal, noise, own) in zip(places, energy, strict=True)
    ]
    return Comparison(
        floats=np.stack(outputs[0]),
        quantized=np.stack(outputs[1]),
        layers=tuple(sorted(layers, key=lambda layer: layer.snr_db)),
        output_db=_decibels(*ends),
    )


def _known(session: Any, names: list[str], feed: dict[str, Array]) -> list[Array]:  # noqa: ANN401 - onnxruntime has no types
    made = [name for name in dict.fromkeys(names) if name not in feed]
    found = {**feed, **dict(zip(made, session.run(made, feed), strict=True))}
    return [np.asarray(found[name]) for name in names]


def _decibels(signal: float, noise: float) -> float:
    if noise <= 0:
        return inf
    return 10 * log10(signal / noise) if signal > 0 else -inf


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Place:
    """A quantizer of activations: the float tensor, the layer that makes it, and the tensor behind the quantizer."""

    layer: str
    operation: str
    weights: str
    tensor: str
    after: str
    scale: Array
    zero: Array
    bits: int

    def rounded(self, values: Array) -> Array:
        """Return float values as this quantizer leaves them."""
        scale, zero = float(self.scale), int(self.zero)
        whole = np.clip(np.rint(values.astype(np.float64) / scale) + zero, 0, (1 << self.bits) - 1)
        return np.asarray((whole - zero) * scale)


def _places(plan: Plan, quantized: onnx.ModelProto) -> list[_Place]:
    """Return the quantizers of activations whose tensor the float network has too."""
    model, constants = plan.network.model, constant_values(quantized)
    inner = {tensor.name for tensor in model.graph.initializer}
    makers = {name: node for node in model.graph.node for name in node.output}
    known = {model.graph.input[0].name, *makers}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in quantized.graph.node:
        for name in node.input[:1]:
            readers.setdefault(name, []).append(node)
    before = {
        n.output[0]: n.input[0] for n in quantized.graph.node if n.name.endswith("_QuantizeLinear_clip")
    }
    found = []
    for node in quantized.graph.node:
        if node.op_type != "QuantizeLinear" or node.input[0] in constants:
            continue
        tensor = before.get(node.input[0], node.input[0]).removesuffix("_QuantizeLinear_Input")
        reader = next(iter(readers.get(node.output[0], [])), None)
        if reader is not None and reader.op_type == "Clip":
            reader = next(iter(readers.get(reader.output[0], [])), None)
        if reader is None or reader.op_type != "DequantizeLinear" or tensor not in known:
            continue
        maker = makers.get(tensor)
        layer = _layer_of(makers, inner, tensor)
        found.append(
            _Place(
                layer=layer.name if layer is not None else maker.name if maker is not None else "input",
                operation=layer.op_type if layer is not None else maker.op_type if maker is not None else "",
                weights=layer.input[1] if layer is not None else "",
                tensor=tensor,
                after=reader.output[0],
                scale=constants[node.input[1]],
                zero=constants[node.input[2]],
                bits=plan.bits(node.input[1].removesuffix("_scale")),
            )
        )
    return found


def _layer_of(makers: dict[str, onnx.NodeProto], constants: set[str], tensor: str) -> onnx.NodeProto | None:
    """Return the layer with weights that makes a tensor, an activation or a bias between; None where none does."""
    while (node := makers.get(tensor)) is not None:
        if node.op_type in LAYERS:
            return node if node.input[1] in constants else None
        if node.op_type not in ("Relu", "Clip", "LeakyRelu", "Add") or any(
            name not in constants for name in node.input[1:] if name
        ):
            return None
        tensor = node.input[0]
    return None
