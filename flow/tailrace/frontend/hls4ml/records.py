# SPDX-License-Identifier: Apache-2.0
"""What is read of hls4ml's ModelGraph: layers, formats and weights, as plain validated records.

hls4ml has no types, so its objects are ``Any`` here and nowhere else.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import ModelError
from tailrace.core.fixed import OVERFLOWS, ROUNDINGS, FixedFormat
from tailrace.frontend.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.graph.tensors import Shape

Integers = NDArray[np.int64]

BACKENDS = ("vivado", "vitis", "vivadoaccelerator", "tailrace")
"""The back ends whose C++ this front end reproduces: those that compute in ap_fixed by Vivado's headers."""


class RefusedError(Exception):
    """A layer that cannot be mapped: what was found, what would be accepted, how to mend it."""

    def __init__(self, found: str, accepted: str, hint: str) -> None:
        super().__init__(found)
        self.found, self.accepted, self.hint = found, accepted, hint


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weight:
    """Constants of a layer: ``integers / 2**fraction_bits``, as the C++ loads them; ``bipolar``: bits for +1 and -1."""

    integers: Integers
    format: FixedFormat
    bipolar: bool = False

    @property
    def fraction_bits(self) -> int:
        """The bits behind the binary point."""
        return self.format.fraction_bits


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layer:
    """One layer: ``kind`` is hls4ml's class, ``outputs`` are {name: (shape, format)} without the batch axis."""

    name: str
    kind: str
    inputs: tuple[str, ...]
    outputs: Mapping[str, tuple[Shape, FixedFormat]]
    formats: Mapping[str, FixedFormat]
    weights: Mapping[str, Weight]
    attributes: Mapping[str, Any]
    bipolar_output: bool = False
    refused: RefusedError | None = None
    """What in the layer cannot be read."""

    @property
    def shape(self) -> Shape:
        """The shape of the first output."""
        return next(iter(self.outputs.values()))[0]

    @property
    def format(self) -> FixedFormat:
        """The format of the first output."""
        return next(iter(self.outputs.values()))[1]

    def integer(self, name: str, default: int | None = None) -> int:
        """Return a whole-numbered attribute; RefusedError where there is none."""
        value = self.attributes.get(name, default)
        if value is None or (int(value) != value and not isinstance(value, str)):
            raise RefusedError(f"its attribute {name} is {value!r}", "a whole number", "convert it anew")
        return int(value)

    def text(self, name: str, default: str = "") -> str:
        """Return an attribute as text."""
        return str(self.attributes.get(name, default))

    def weight(self, name: str) -> Weight:
        """Return weights by their name; RefusedError where there are none."""
        if name not in self.weights:
            raise RefusedError(
                f"it has no weights {name}", "weights and biases that are known", "convert it anew"
            )
        return self.weights[name]

    def number_format(self, name: str) -> FixedFormat:
        """Return the format of a quantity (accum, table, ...); RefusedError where it has none."""
        if name not in self.formats:
            raise RefusedError(
                f"it has no type {name}", "fixed-point types", "give it one in the configuration"
            )
        return self.formats[name]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Network:
    """A ModelGraph: layers in their order, ``inputs`` and ``outputs`` by name."""

    name: str
    sha256: str
    streaming: bool
    layers: tuple[Layer, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    model: Any = field(repr=False)


def read_network(model: Any) -> Network:  # noqa: ANN401 - hls4ml has no types
    """Read a converted ``hls4ml.model.ModelGraph``; ModelError where it is none, or not of a back end that is known."""
    where = type(model).__name__
    needed = ("get_layers", "outputs", "inputs", "config")
    if any(not hasattr(model, name) for name in needed) or isinstance(model, type):
        raise ModelError(
            f"this is a {type(model).__module__}.{where}, not an hls4ml model",
            where=where,
            hint="convert it first: hls4ml.converters.convert_from_keras_model(model, hls_config=...)",
        )
    config = model.config
    backend = str(config.backend.name)
    if backend.lower() not in BACKENDS:
        raise ModelError(
            f"it was converted for {backend}, whose C++ computes otherwise",
            where=config.get_project_name(),
            hint="convert it with backend='Vitis', 'Vivado' or 'Tailrace'",
        )
    layers = tuple(_layer(layer) for layer in model.get_layers())
    if not any(layer.attributes.get("function_cpp") for layer in layers):
        raise ModelError(
            "its layers have no C++ yet: the flow of its back end has not been applied",
            where=config.get_project_name(),
            hint="use what hls4ml.converters returns, or model.apply_flow(model.config.backend.get_default_flow())",
        )
    return Network(
        name=str(config.get_project_name()),
        sha256=_digest(layers),
        streaming=str(config.get_config_value("IOType")) == "io_stream",
        layers=layers,
        inputs=tuple(map(str, model.inputs)),
        outputs=tuple(map(str, model.outputs)),
        model=model,
    )


def problem_of(layer: Layer, refused: RefusedError) -> Problem:
    """Return what is wrong with a layer, for the list of all."""
    return Problem(
        node=layer.name,
        operation=layer.kind,
        found=refused.found,
        accepted=refused.accepted,
        hint=refused.hint,
    )


def _layer(layer: Any) -> Layer:  # noqa: ANN401
    refused: RefusedError | None = None
    outputs: dict[str, tuple[Shape, FixedFormat]] = {}
    formats: dict[str, FixedFormat] = {}
    weights: dict[str, Weight] = {}
    bipolar = False
    try:
        for name in layer.outputs:
            variable = layer.get_output_variable(name)
            precision = variable.type.precision
            outputs[str(name)] = tuple(map(int, variable.shape)), _format(precision, f"the output {name}")
            bipolar = _is_bipolar(precision)
        for name, variable in layer.weights.items():
            weights[str(name)] = _weight(name, variable)
    except RefusedError as error:
        refused = error
    for key, value in layer.attributes.items():
        if key.endswith("_t") and hasattr(value, "precision"):
            try:
                formats[key.removesuffix("_t")] = _format(value.precision, key)
            except RefusedError:
                continue  # told where it is needed
    return Layer(
        name=str(layer.name),
        kind=str(layer.class_name),
        inputs=tuple(map(str, layer.inputs)),
        outputs=outputs,
        formats=formats,
        weights=weights,
        attributes=dict(layer.attributes.items()),
        bipolar_output=bipolar,
        refused=refused,
    )


def _is_bipolar(precision: Any) -> bool:  # noqa: ANN401
    return "Xnor" in type(precision).__name__


def _format(precision: Any, what: str) -> FixedFormat:  # noqa: ANN401
    """Return an hls4ml precision as a format; RefusedError for floats, powers of two, and what is not known yet."""
    if _is_bipolar(precision):
        return FixedFormat(bits=1, fraction_bits=0, signed=False)
    integer = getattr(precision, "integer", None)
    if integer is None or "Float" in type(precision).__name__ or "Exponent" in type(precision).__name__:
        raise RefusedError(
            f"{what} has the type {precision}",
            "fixed-point types: fixed<W,I>, ufixed<W,I>, int<W>, uint<W>",
            "set Precision in the configuration",
        )
    width = int(precision.width)
    rounding = next((mode for mode in ROUNDINGS if mode == str(precision.rounding_mode)), None)
    overflow = next((mode for mode in OVERFLOWS if mode == str(precision.saturation_mode)), None)
    if not 1 <= width <= 62 or rounding is None or overflow is None:
        raise RefusedError(
            f"{what} has the type {precision}", "1 to 62 bits", "set Precision in the configuration"
        )
    if overflow == "WRAP" and precision.saturation_bits:
        raise RefusedError(
            f"{what} has the type {precision}, which keeps {precision.saturation_bits} bits when it wraps",
            "AP_WRAP without saturated bits",
            "leave the fifth field of the type out",
        )
    return FixedFormat(
        bits=width,
        fraction_bits=width - int(integer),
        signed=bool(precision.signed),
        rounding=rounding,
        overflow=overflow,
    )


def _weight(name: str, variable: Any) -> Weight:  # noqa: ANN401
    """Return constants as the C++ has them: written as decimals by hls4ml, read as doubles, put into their type."""
    kind = type(variable).__name__
    if "Compressed" in kind or "Exponent" in kind:
        raise RefusedError(
            f"its {name} are a {kind}", "weights as a plain array", "leave Compression and powers of two out"
        )
    fmt = _format(variable.type.precision, f"its {name}")
    data = np.asarray(variable.data)
    written = np.array([float(text) for text in variable], np.float64)
    return Weight(
        integers=fmt.from_floats(written).reshape(data.shape),
        format=fmt,
        bipolar=_is_bipolar(variable.type.precision),
    )


def _digest(layers: tuple[Layer, ...]) -> str:
    """Return a name for what the layers compute."""
    digest = hashlib.sha256()
    for layer in layers:
        head = (layer.name, layer.kind, layer.inputs, layer.outputs, sorted(layer.formats.items()))
        digest.update(repr(head).encode())
        digest.update(str(layer.attributes.get("config_cpp", "")).encode())
        for name, weight in sorted(layer.weights.items()):
            digest.update(f"{name}{weight.format}".encode() + weight.integers.tobytes())
    return digest.hexdigest()
