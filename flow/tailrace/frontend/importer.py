# SPDX-License-Identifier: Apache-2.0
"""Walk a normalized network and build the integer graph; collect every node that cannot be mapped."""

from __future__ import annotations

import logging
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto

from tailrace.errors import ModelError, TailraceError
from tailrace.frontend.convolution import convolve, convolve_transposed
from tailrace.frontend.model import Network, run_node
from tailrace.frontend.moving import concat, expanded, pad_node, resize, slice_node
from tailrace.frontend.operations import (
    AFFINE,
    ELEMENTWISE,
    HOST_TAIL,
    LAYOUT,
    QUANTIZERS,
    RESHAPING,
    SPATIAL,
)
from tailrace.frontend.parameters import attributes_of, unsupported_quantizer
from tailrace.frontend.pooling import pool, reduce
from tailrace.frontend.problems import Problem, UnsupportedError, one_per_node
from tailrace.frontend.programs import cut
from tailrace.frontend.quantizers import Encoding, encoding_of, host_quantizer, integer_bounds, to_integers
from tailrace.frontend.signals import (
    Exact,
    Signal,
    Source,
    Unreached,
    batch_shape,
    collapse,
    common_step,
    exact,
    floats,
    fraction,
    is_zero,
    placed_exact,
    sample_shape,
)
from tailrace.frontend.tails import float_function, is_by_channel, probe
from tailrace.graph import (
    Add,
    ArgMax,
    Bias,
    Dense,
    Graph,
    Map,
    Multiply,
    Node,
    Permute,
    Reshape,
    Tensor,
    moved_range,
    output_range,
)
from tailrace.host import FloatProgram, GridQuantizer, Host, Quantizer
from tailrace.order import Order, placed, plain, same_order
from tailrace.passes.absorb_permutes import absorb_permutes
from tailrace.steps import from_table
from tailrace.types import FixedType, IntType

if TYPE_CHECKING:
    from collections.abc import Mapping

Array = NDArray[Any]
Integers = NDArray[np.int64]

log = logging.getLogger(__name__)

DEFAULT_INPUT_TYPE = "fixed<16,6>"

WEIGHT_BITS_AT_MOST = 16
"""Weights that need more bits than this are floats, not integers on a grid."""

PRODUCT_BITS_AT_MOST = 40
"""Bits that weights may need which took over the scales of the input channels."""

SUM_BITS_AT_MOST = 56
"""Bits that an operand of a sum may need on the common step of both."""

GRID_POINTS_AT_MOST = 1 << 20
"""Points evaluated to put an activation without a quantizer on a grid."""


class InputNeedsGridError(Exception):
    """The input is not just quantized once, so the host has to send it on a grid."""


def import_network(
    network: Network, input_type: FixedType | None = None
) -> tuple[Graph, Mapping[str, Encoding]]:
    """Build the integer graph of ``network``; returns it with the encoding of every tensor that the network has too.

    ``input_type`` is the grid on which the host sends the input; None takes the annotation or the first quantizer of
    the network, or fixed<16,6> where there is neither. Raises UnsupportedError with all problems.
    """
    annotated = input_type is None and _annotation(network) is not None
    try:
        return Importer(network, input_type, defer=input_type is None and not annotated).run()
    except InputNeedsGridError:
        notice = f"the input has no quantizer of its own: {DEFAULT_INPUT_TYPE} was chosen (--input-type changes it)"
        return Importer(network, FixedType.parse(DEFAULT_INPUT_TYPE), defer=False, notices=(notice,)).run()


def _annotation(network: Network) -> tuple[IntType, Fraction, Fraction] | None:
    """Return (type, scale, offset) of an input that is annotated or typed as integers."""
    name = network.input_annotation.upper()
    if not name or name == "FLOAT32":
        kinds = {3: IntType(8, signed=True), 2: IntType(8, signed=False), 5: IntType(16, signed=True)}
        kinds |= {4: IntType(16, signed=False), 9: IntType(1, signed=False)}
        kind = kinds.get(network.input_type)
        return (kind, Fraction(1), Fraction(0)) if kind else None
    if name == "BIPOLAR":
        return IntType(1, signed=False), Fraction(2), Fraction(-1)
    if name == "BINARY":
        return IntType(1, signed=False), Fraction(1), Fraction(0)
    if name == "TERNARY":
        return IntType(2, signed=True), Fraction(1), Fraction(0)
    try:
        fixed = FixedType.parse(name.lower())
    except TailraceError:  # an annotation of another kind is no annotation
        return None
    return fixed.integer, Fraction(1, 1) / Fraction(2) ** fixed.fraction_bits, Fraction(0)


class Importer:
    """One walk over the network.

    ``signals`` holds what every float tensor is; ``unreached`` holds those that lie behind a refused node, so that the
    nodes after it are still looked at.
    """

    def __init__(
        self, network: Network, input_type: FixedType | None, *, defer: bool, notices: tuple[str, ...] = ()
    ) -> None:
        self.network = network
        self.notices = (*network.notices, *notices)
        self.signals: dict[str, Signal] = {}
        self.unreached: dict[str, Unreached] = {}
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.counts: dict[str, int] = {}
        self.problems: list[Problem] = list(network.problems)
        self.encodings: dict[str, Encoding] = {}
        self.order = {n.output[0]: i for i, n in enumerate(network.nodes)}
        self.before: FloatProgram | None = None
        self.quantizer: Quantizer | None = None
        self.input_tensor: Tensor | None = None
        self.input_order: Order = None
        self.node = NodeProto()
        """The node that is visited."""
        self.turned: dict[str, NodeProto] = {}
        """For every permutation the node that needs it."""
        for index, name in enumerate(network.inputs):
            self._input(name, input_type, defer=defer and len(network.inputs) == 1, first=index == 0)

    def run(self) -> tuple[Graph, Mapping[str, Encoding]]:
        """Walk all nodes, then close the graph."""
        for node in self.network.nodes:
            self.node = node
            try:
                self._visit(node)
            except ModelError as error:
                self.problem(
                    node, error.message, "integers of bounded size", error.hint or "quantize to fewer bits"
                )
            for name in node.output:
                if name and name not in self.signals:
                    self.unreached.setdefault(name, Unreached())
        name = self.network.outputs[0]
        output = self.signals.get(name)
        if output is None and not self.problems:
            raise ModelError(
                f"the output {name} does not depend on the input",
                where=self.network.name,
                hint="export the whole network",
            )
        if self.problems or output is None:
            order = {n.name: i for i, n in enumerate(self.network.nodes)}
            found = sorted(self.problems, key=lambda p: order.get(p.node, -1))
            raise UnsupportedError(self.network.name, one_per_node(found))
        graph, encodings = self._close(output)
        for left in absorb_permutes(graph).nodes:
            if isinstance(left, Permute):
                node = self.turned[left.name]
                blocks = node.op_type == "ConvTranspose"
                self.problem(
                    node,
                    f"{left.order.size} integers of a frame would have to be sent in another order",
                    "strides that are equal for rows and columns, and one group"
                    if blocks
                    else "transpositions that the weights of a dense layer or a pixel shuffle take over",
                    "use such strides and groups, or Resize and Conv"
                    if blocks
                    else "leave out the Transpose, or put it in front of a dense layer on the whole sample",
                )
        if self.problems:
            raise UnsupportedError(self.network.name, one_per_node(self.problems))
        return graph, encodings

    # Inputs

    def _input(self, name: str, input_type: FixedType | None, *, defer: bool, first: bool) -> None:
        shape = self.network.shapes[name]
        if first and (not shape or shape[0] != 1):
            self.problems.append(
                Problem(
                    node=name,
                    operation="input",
                    found=f"its shape is {list(shape)}, which has no batch axis of 1",
                    accepted="a first axis of 1, or a dynamic one",
                    hint="export the network for one sample at a time, or with a dynamic batch axis",
                )
            )
        if defer:
            source = Source(tensor=None, name=name, shape=shape, scale=fraction(1), offset=fraction(0))
        else:
            known = _annotation(self.network) if input_type is None else None
            if known:
                kind, scale, offset = known
            else:
                fixed = input_type or FixedType.parse(DEFAULT_INPUT_TYPE)
                kind, scale, offset = (
                    fixed.integer,
                    Fraction(1) / Fraction(2) ** fixed.fraction_bits,
                    Fraction(0),
                )
            inner, order = self._layout(name, shape)
            tensor = self._tensor(f"in{'' if first else len(self.tensors)}", inner, kind, origin=name)
            source = Source(
                tensor=tensor,
                name=name,
                shape=shape,
                scale=fraction(scale),
                offset=fraction(offset),
                order=order,
            )
            self.encodings[name] = Encoding(
                scale=floats(source.scale), offset=floats(source.offset), order=order
            )
            if first:
                self.quantizer = GridQuantizer(scale=float(scale), offset=float(offset), type=kind)
                self.input_tensor = tensor
                self.input_order = order
        self.signals[name] = Signal(
            name=name,
            shape=shape,
            source=source,
            scale=source.scale,
            offset=source.offset,
            order=source.order,
        )

    def _layout(self, name: str, shape: tuple[int, ...]) -> tuple[tuple[int, ...], Order]:
        """Return the shape of the integers of an input and their order: channels last where an image layer reads it."""
        size = int(np.prod(shape, dtype=np.int64))
        waiting: list[tuple[str, Integers]] = [(name, np.arange(size, dtype=np.int64))]
        seen = {name}
        while waiting:
            tensor, numbers = waiting.pop(0)
            for node in self.network.nodes:
                if (
                    tensor not in node.input
                    or node.output[0] in seen
                    or node.output[0] not in self.network.shapes
                ):
                    continue
                here = self.network.shapes[tensor]
                is_image = node.op_type in SPATIAL | {"Pad"}
                is_image = is_image or (node.op_type in RESHAPING and self._meets_images(node))
                if is_image and len(here) in (3, 4) and here[0] == 1:
                    image = np.moveaxis(numbers.reshape(here[1:]), 0, -1)
                    inner = image.shape if len(here) == 4 else (1, *image.shape)
                    return inner, plain(np.argsort(image.ravel()))
                after = numbers
                if node.op_type in LAYOUT and node.op_type != "Cast":
                    moved = self._moved(node, here)
                    after = numbers if moved is None else numbers[moved]
                elif node.op_type not in ELEMENTWISE | QUANTIZERS | {"Cast"}:
                    continue
                if int(np.prod(self.network.shapes[node.output[0]], dtype=np.int64)) == size:
                    seen.add(node.output[0])
                    waiting.append((node.output[0], after))
        return sample_shape(shape), None

    def _meets_images(self, node: NodeProto) -> bool:
        """Say whether an image layer is among what follows a node."""
        waiting, seen = [node], {node.name}
        while waiting:
            outputs = set(waiting.pop().output)
            for reader in self.network.nodes:
                if outputs.intersection(reader.input) and reader.name not in seen:
                    if reader.op_type in SPATIAL:
                        return True
                    seen.add(reader.name)
                    waiting.append(reader)
        return False

    def _tensor(self, name: str, shape: tuple[int, ...], kind: IntType, origin: str) -> Tensor:
        channels = shape[-1]
        tensor = Tensor(
            name=name,
            shape=shape,
            low=np.full(channels, kind.min, np.int64),
            high=np.full(channels, kind.max, np.int64),
            origin=origin,
        )
        self.tensors[name] = tensor
        return tensor

    # Problems

    def problem(self, node: NodeProto, found: str, accepted: str, hint: str) -> None:
        """Remember what is wrong with a node."""
        self.problems.append(
            Problem(
                node=node.name,
                operation=self.network.operation(node),
                found=found,
                accepted=accepted,
                hint=hint,
            )
        )

    def _host_only(self, signal: Signal | Unreached, reader: NodeProto) -> None:
        """Report the operation of the host that stands in front of ``reader``."""
        node = signal.host_only
        if node is None:
            raise ValueError("nothing here is left to the host")
        self.problem(
            node,
            f"it stands in front of {reader.name} ({self.network.operation(reader)}), but only the host can do it",
            f"{node.op_type} of this form behind the last layer, where the host does it",
            "leave it out, or end the network in front of it",
        )

    def _unsupported(self, node: NodeProto) -> None:
        """Report an operation that no block computes, and its weights where they are floats."""
        self.problem(
            node,
            f"{node.op_type} is not supported",
            "dense and convolutional layers, pooling, quantizers, element-by-element operations, layout operations",
            "leave it out, or end the network in front of it and do the rest in software",
        )

    # The walk

    def _visit(self, node: NodeProto) -> None:
        dynamic = [name for name in node.input if name and name not in self.network.constants]
        refused = any(p.node == node.name for p in self.network.problems)
        if refused or any(name not in self.signals for name in dynamic):
            self._visit_unreached(node, [self._state(name) for name in dynamic], refused=refused)
            return
        ins = [self.signals[name] for name in dynamic]
        operation = node.op_type
        one_source = all(signal.source is ins[0].source for signal in ins)
        if operation in QUANTIZERS:
            self._quantize(node, ins[0])
        elif operation == "MatMul":
            self._matmul(node)
        elif node.domain:
            self._unsupported_quantizer(node)
        elif operation in LAYOUT and self._only_moves(node, ins[0]):
            self._move(node, ins[0])
        elif operation in SPATIAL | RESHAPING and (
            operation in SPATIAL or self._goes_on(node, one_source=one_source)
        ):
            self._image_operation(node, ins)
        elif operation in ELEMENTWISE or operation == "Cast":
            self._elementwise(node, ins)
        elif operation in HOST_TAIL | LAYOUT and one_source:
            self._derive(node, ins, None, None, host_only=node)
        elif operation in HOST_TAIL:
            self.problem(
                node,
                f"{operation} of tensors from different layers",
                "Add, Sub or Mul of two tensors from different layers",
                "tailrace maps multilayer perceptrons; take this operation out",
            )
        else:
            self._unsupported(node)

    def _unsupported_quantizer(self, node: NodeProto) -> None:
        self.problems.append(unsupported_quantizer(node))

    def _state(self, name: str) -> Unreached:
        """Return what is known about a tensor behind a refused node, or about any other."""
        signal = self.signals.get(name)
        if signal is None:
            return self.unreached.get(name, Unreached())
        return Unreached(host_only=signal.host_only)

    def _visit_unreached(self, node: NodeProto, states: list[Unreached], *, refused: bool) -> None:
        """Look at a node whose input is not known, and report what is wrong whatever its input is."""
        host_only = next((s.host_only for s in states if s.host_only is not None), None)
        is_float = any(s.is_float for s in states)
        operation = node.op_type
        if operation in QUANTIZERS or operation == "MatMul":
            if host_only is not None and not refused:
                self._host_only(Unreached(host_only=host_only), node)
            if operation in QUANTIZERS:
                is_float = False
            elif operation == "MatMul":
                is_float = self._check_product(node, is_float=is_float)
            host_only = None
        elif refused:
            pass
        elif node.domain:
            self._unsupported_quantizer(node)
        elif operation in SPATIAL | RESHAPING:
            if len(node.input) > 1 and operation in ("Conv", "ConvTranspose"):
                good = self._check_weights(node, node.input[1])
                if is_float:
                    self._not_quantized(node, self.network.labels.get(node.input[0], node.input[0]))
                is_float = is_float or not good
        elif operation in HOST_TAIL:
            host_only = host_only or node
        elif operation not in ELEMENTWISE | LAYOUT:
            self._unsupported(node)
        for name in node.output:
            self.unreached[name] = Unreached(is_float=is_float, host_only=host_only)

    def _check_product(self, node: NodeProto, *, is_float: bool) -> bool:
        """Report what is wrong with a product whose input is not known; says whether its result is made of floats."""
        constant = [name for name in node.input if name in self.network.constants]
        if not constant:
            self._product_of_activations(node)
            return is_float
        good = self._check_weights(node, constant[0])
        if is_float:
            moving = next(name for name in node.input if name not in self.network.constants)
            self._not_quantized(node, self.network.labels.get(moving, moving))
        return is_float or not good

    def _product_of_activations(self, node: NodeProto) -> None:
        shapes = [self.network.shapes.get(name) for name in node.input]
        text = " @ ".join(str(list(s)) if s is not None else "?" for s in shapes)
        self.problem(
            node,
            f"it multiplies two activations, {text}",
            "activations @ constant weights, or a row @ a column",
            "attention and bilinear layers cannot be mapped",
        )

    def _check_weights(self, node: NodeProto, name: str) -> bool:
        """Report float weights of a layer that is refused or cannot be reached; says whether they are integers."""
        if name not in self.network.constants or self.integer_weights(name) is not None:
            return True
        self.float_weights(node, name)
        return False

    def float_weights(self, node: NodeProto, name: str) -> None:
        """Report weights that are no integers; what is made of them is floats, too."""
        label = self.network.labels.get(name, name)
        shape = self.network.constants.get(label, self.network.constants[name]).shape
        for out in node.output:
            self.unreached[out] = Unreached(is_float=True)
        if name in self.network.blamed:
            return
        self.problem(
            node,
            f"its weights {label} ({' x '.join(map(str, shape))}) are floats without a quantizer",
            f"weights behind a quantizer, or integers of at most {WEIGHT_BITS_AT_MOST} bits",
            "train the layer with a weight quantizer (Brevitas QuantLinear, QKeras QDense) and export it as QONNX",
        )

    def _not_quantized(self, node: NodeProto, name: str, made_by: str = "") -> None:
        for out in node.output:
            self.unreached[out] = Unreached(is_float=True)
        self.problem(
            node,
            f"its input {name}{made_by} is not quantized",
            "activations behind a quantizer",
            "put a Quant node (Brevitas QuantIdentity, QuantReLU; QKeras QActivation) in front of this layer",
        )

    def _image_operation(self, node: NodeProto, ins: list[Signal]) -> None:
        """Map an operation on images, or one that cuts, joins or reduces tensors."""
        match node.op_type:
            case "Conv":
                convolve(self, node, ins[0])
            case "ConvTranspose":
                convolve_transposed(self, node, ins[0])
            case "MaxPool" | "AveragePool":
                pool(self, node, ins[0])
            case "Resize" | "Upsample":
                resize(self, node, ins[0])
            case "Concat":
                concat(self, node, ins)
            case "Split" | "Slice":
                slice_node(self, node, ins[0])
            case "Pad":
                pad_node(self, node, ins[0])
            case _:
                reduce(self, node, ins[0])

    def _only_moves(self, node: NodeProto, signal: Signal) -> bool:
        """Say whether a layout operation leaves the elements of a sample as they are."""
        if node.op_type == "Cast":
            old, new = self.network.dtypes[signal.name], self.network.dtypes[node.output[0]]
            wider = new.kind == "f" and (old.kind == "f" or old.itemsize < new.itemsize)
            return wider and old.itemsize <= new.itemsize
        return True

    def _move(self, node: NodeProto, signal: Signal) -> None:
        """Let the output of a layout operation be its input in another order."""
        moved = self._moved(node, self.network.shapes[node.input[0]])
        if moved is None:
            self._derive(node, [signal], signal.scale, signal.offset, order=signal.order)
            return

        def move(values: Exact | None) -> Exact | None:
            return values if values is None or values.size == 1 else values[moved]

        places = moved if signal.order is None else signal.order[moved]
        self._derive(node, [signal], move(signal.scale), move(signal.offset), order=plain(places))

    def _moved(self, node: NodeProto, shape: tuple[int, ...]) -> Order:
        """Return which element of a tensor of ``shape`` each element behind a layout operation is."""
        if node.op_type not in ("Transpose", "DepthToSpace", "SpaceToDepth"):
            return None
        numbers = np.arange(int(np.prod(shape, dtype=np.int64)), dtype=np.float64).reshape(shape)
        result = run_node(node, {node.input[0]: numbers}, self.network.opset, self.network.versions)
        return plain(result[node.output[0]].astype(np.int64).ravel())

    def _goes_on(self, node: NodeProto, *, one_source: bool) -> bool:
        """Say whether hardware has to do this: what the host cannot join, or what a layer or quantizer follows."""
        waiting, seen = list(node.output), set(node.output)
        while waiting and one_source:
            name = waiting.pop()
            for reader in self.network.nodes:
                if name in reader.input:
                    if reader.op_type in QUANTIZERS | SPATIAL | {"MatMul"}:
                        return True
                    waiting += [n for n in reader.output if n not in seen]
                    seen.update(reader.output)
        return not one_source

    def _derive(
        self,
        node: NodeProto,
        ins: list[Signal],
        scale: Exact | None,
        offset: Exact | None,
        *,
        host_only: NodeProto | None = None,
        order: Order = None,
    ) -> None:
        """Let the output of ``node`` be one more float operation behind the common source of ``ins``."""
        merged = {n.output[0]: n for signal in ins for n in signal.nodes}
        merged[node.output[0]] = node
        nodes = tuple(sorted(merged.values(), key=lambda n: self.order[n.output[0]]))
        host_only = next((s.host_only for s in ins if s.host_only is not None), host_only)
        for name in node.output:
            if name in self.network.shapes:
                self.signals[name] = Signal(
                    name=name,
                    shape=self.network.shapes[name],
                    source=ins[0].source,
                    nodes=nodes,
                    scale=scale,
                    offset=offset,
                    order=order,
                    host_only=host_only,
                )

    # Element by element

    def _elementwise(self, node: NodeProto, ins: list[Signal]) -> None:
        if any(signal.source is not ins[0].source for signal in ins):
            self._combine(node, ins)
            return
        out_size = int(np.prod(self.network.shapes[node.output[0]], dtype=np.int64))
        if any(signal.size != out_size or not same_order(signal.order, ins[0].order) for signal in ins):
            self._derive(node, ins, None, None, host_only=node)
            return
        scale, offset = self._affine(node, ins)
        self._derive(node, ins, scale, offset, order=ins[0].order)

    def _affine(self, node: NodeProto, ins: list[Signal]) -> tuple[Exact | None, Exact | None]:
        """Return the exact affine form behind an operation that keeps it, or (None, None)."""
        none = (None, None)
        if node.op_type not in AFFINE or any(s.scale is None or s.offset is None for s in ins):
            return none
        if self.network.dtypes[node.output[0]].kind != "f":  # integers wrap around
            return none
        terms: list[tuple[Exact, Exact]] = []
        shape = self.network.shapes[node.output[0]]
        for name in node.input:
            if name in self.network.constants:
                value = np.asarray(self.network.constants[name])
                if value.dtype.kind not in "fiu" or not np.isfinite(value).all():
                    return none
                terms.append(
                    (fraction(0), exact(value if value.size == 1 else np.broadcast_to(value, shape)))
                )
            else:
                signal = self.signals[name]
                terms.append((np.asarray(signal.scale), np.asarray(signal.offset)))
        (s0, o0), (s1, o1) = terms[0], terms[-1]
        scale, offset = _combined(node.op_type, s0, o0, s1, o1)
        if scale is None or offset is None or any(v == 0 for v in scale.reshape(-1)):
            return none
        return collapse(scale), collapse(offset)

    def _combine(self, node: NodeProto, ins: list[Signal]) -> None:
        """Add, subtract or multiply two tensors of different sources, in integers."""
        wanted = "Add, Sub or Mul of two tensors of one shape"
        if node.op_type not in ("Add", "Sub", "Mul", "Sum") or len(ins) != 2:
            self.problem(
                node,
                f"{node.op_type} of {len(ins)} tensors from different layers",
                wanted,
                "quantize each tensor and add or multiply two at a time",
            )
            return
        if ins[0].size != ins[1].size:
            large, small = sorted(ins, key=lambda s: -s.size)
            wide = expanded(self, node, small, large.shape)
            if wide is not None:
                ins = [wide if signal is small else signal for signal in ins]
        if ins[0].size != ins[1].size:
            self.problem(
                node,
                f"operands of {ins[0].size} and {ins[1].size} elements",
                wanted,
                "use operands of one shape",
            )
            return
        a, b = (self.as_integers(node, s) for s in ins)
        if a is None or b is None:
            return
        out = self._multiply(node, a, b) if node.op_type == "Mul" else self._add(node, a, b)
        if out is not None:
            self.signals[node.output[0]] = out

    def as_integers(self, node: NodeProto, signal: Signal) -> Signal | None:
        """Return the signal in affine form, put on a grid where needed; None (and a problem) where it has none."""
        if signal.host_only is not None:
            self._host_only(signal, node)
            return None
        if signal.source.tensor is None:
            raise InputNeedsGridError
        if signal.scale is not None:
            return signal
        gridded = self.put_on_grid(signal)
        if gridded is None:
            last = signal.nodes[-1]
            self._not_quantized(node, signal.name, f" (from {self.network.operation(last)} {last.name})")
        return gridded

    def put_on_grid(self, signal: Signal) -> Signal | None:
        """Turn float operations without a quantizer into a map, where all their values lie on a grid."""
        tensor = signal.source.tensor
        if tensor is None:
            raise InputNeedsGridError
        points = int((tensor.high - tensor.low).max()) + 1
        if points * tensor.size > GRID_POINTS_AT_MOST:
            return None
        span = np.arange(points, dtype=np.int64)[:, None]
        low, high = (np.tile(e, tensor.vectors) for e in (tensor.low, tensor.high))
        values = float_function(self.network, signal)(np.minimum(low + span, high)).reshape(points, -1)
        values = placed(values.astype(np.float64), signal.order)
        step = self._step_of(values, signal)
        if step is None:
            return None
        integers = np.rint(values / float(step)).astype(np.int64)
        if tensor.vectors > 1:
            per_position = integers.reshape(points, tensor.vectors, tensor.channels)
            if (per_position == per_position[:, :1]).all():
                integers = per_position[:, 0]
            else:
                tensor = self.reshaped(tensor, (tensor.size,))
        steps = from_table(tensor.low, tensor.high, integers)
        out = self.emit_map(tensor, steps, signal.name)
        return self.new_source(
            out, signal.name, signal.shape, fraction(step), fraction(0), order=signal.order
        )

    def _step_of(self, values: Array, signal: Signal) -> Fraction | None:
        """Return the grid on which all float values lie: the source's own, or their exact common step."""
        if not np.isfinite(values).all():
            return None
        if signal.source.scale.size == 1:
            own = abs(signal.source.scale.reshape(-1)[0])
            rounded = np.rint(values / float(own))
            if np.array_equal((rounded * float(own)).astype(np.float32), values.astype(np.float32)):
                return Fraction(own)
        step = common_step(exact(np.unique(values)))
        limit = (1 << WEIGHT_BITS_AT_MOST) * step
        return step if max(abs(Fraction(float(v))) for v in (values.min(), values.max())) < limit else None

    # Emitting nodes of the integer graph

    def new_name(self, kind: str) -> str:
        """Return a name for a node that no other has."""
        index = self.counts.get(kind, 0)
        self.counts[kind] = index + 1
        return f"{kind}_{index}"

    def emit(self, node: Node, shape: tuple[int, ...], origin: str) -> Tensor:
        """Add a node; returns its output, which stands for the tensor ``origin`` of the network (or none)."""
        ins = [self.tensors[name] for name in node.inputs]
        if isinstance(node, (Reshape, Permute)):
            low, high = moved_range(node, ins[0], shape)
        else:
            low, high = output_range(node, ins)
        tensor = Tensor(name=node.output, shape=shape, low=low, high=high, origin=origin)
        self.nodes.append(node)
        self.tensors[tensor.name] = tensor
        return tensor

    def emit_map(self, tensor: Tensor, steps: Any, origin: str) -> Tensor:  # noqa: ANN401 - Steps
        """Add a map, one function for all, for every channel, or for every element."""
        if steps.rows not in (1, tensor.channels):  # one function for every position
            tensor = self.reshaped(tensor, (tensor.size,))
        name = self.new_name("map")
        return self.emit(Map(name=name, input=tensor.name, output=name, steps=steps), tensor.shape, origin)

    def reshaped(self, tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Return the same integers as ``shape``."""
        if tensor.shape == shape:
            return tensor
        name = self.new_name("reshape")
        return self.emit(Reshape(name=name, input=tensor.name, output=name), shape, tensor.origin)

    def new_source(
        self,
        tensor: Tensor,
        name: str,
        shape: tuple[int, ...],
        scale: Exact,
        offset: Exact,
        *,
        order: Order = None,
    ) -> Signal:
        """Let the float tensor ``name`` be ``scale * tensor + offset``, its elements at the places ``order``."""
        scale, offset = collapse(scale), collapse(offset)
        self.encodings[name] = Encoding(scale=floats(scale), offset=floats(offset), order=order)
        source = Source(tensor=tensor, name=name, shape=shape, scale=scale, offset=offset, order=order)
        return Signal(name=name, shape=shape, source=source, scale=scale, offset=offset, order=order)

    def named(self, tensor: Tensor, origin: str) -> Tensor:
        """Let a tensor that stands for none of the network's yet stand for ``origin``."""
        if tensor.origin:
            return tensor
        self.tensors[tensor.name] = replace(tensor, origin=origin)
        return self.tensors[tensor.name]

    def arranged(self, tensor: Tensor, order: Order, shape: tuple[int, ...]) -> Tensor:
        """Return the integers in the order of the float tensor, as ``shape``."""
        if order is None:
            return self.reshaped(tensor, shape)
        name = self.new_name("permute")
        self.turned[name] = self.node
        return self.emit(Permute(name=name, input=tensor.name, output=name, order=order), shape, "")

    # Quantizers

    def _quantize(self, node: NodeProto, signal: Signal) -> None:
        if signal.host_only is not None:
            if node.op_type == "DequantizeLinear":  # the host can run it
                self._derive(node, [signal], None, None)
            else:
                self._host_only(signal, node)
            return
        if node.op_type == "DequantizeLinear" and self.network.dtypes[signal.name].itemsize > 2:
            self.problem(
                node,
                f"its input {signal.name} holds {self.network.dtypes[signal.name]}",
                "8-bit or 16-bit integers from a QuantizeLinear",
                "export the network as QCDQ or QDQ: QuantizeLinear, Clip, DequantizeLinear",
            )
            return
        encoding = encoding_of(node, self.network, signal.shape)
        if signal.source.tensor is None:
            self._host_quantize(node, signal, encoding)
            return

        def finish(values: Array) -> Array:
            inputs = {n: self.network.constants[n] for n in node.input[1:] if n}

            def run(x: Array) -> Array:
                found = run_node(
                    node, {node.input[0]: x, **inputs}, self.network.opset, self.network.versions
                )
                return found[node.output[0]]

            if batch_shape(signal.shape) != signal.shape:
                out = run(values)
            else:  # the samples have no axis of their own in this tensor
                out = np.stack([run(sample.reshape(signal.shape)) for sample in values])
            return to_integers(out, encoding)

        uniform = all(
            np.asarray(self.network.constants[n]).size == 1 or len(np.unique(self.network.constants[n])) == 1
            for n in node.input[1:]
            if n and node.op_type != "MultiThreshold"
        )
        if node.op_type == "MultiThreshold":
            uniform = self.network.constants[node.input[1]].shape[0] == 1
        orders = {name: known.order for name, known in self.signals.items()}
        steps = probe(
            self.network,
            signal,
            finish,
            uniform_finish=uniform,
            by_channel=is_by_channel(self.network, signal, (*signal.nodes, node), orders),
        )
        tensor = self.emit_map(signal.source.tensor, steps, node.output[0])
        shape = self.network.shapes[node.output[0]]
        self.signals[node.output[0]] = self.new_source(
            tensor, node.output[0], shape, encoding.exact_scale, encoding.exact_offset, order=signal.order
        )

    def _host_quantize(self, node: NodeProto, signal: Signal, encoding: Encoding) -> None:
        """Let the host quantize the input: the hardware takes the integers behind the first quantizer."""
        quantizer = host_quantizer(node, self.network, signal.shape, signal.nodes)
        if quantizer is None or self.input_tensor is not None:
            raise InputNeedsGridError
        low, high = encoding.low, encoding.high
        if node.op_type == "DequantizeLinear":
            low, high = integer_bounds(self.network, signal.nodes)
        if signal.nodes:
            self.before = cut(self.network, signal.nodes, signal.source.name, signal.name)
        self.quantizer = quantizer
        out = node.output[0]
        shape = self.network.shapes[out]
        inner, order = self._layout(out, shape)
        self.input_order = order
        tensor = self._tensor("in", inner, IntType.containing(low, high), origin=out)
        tensor = replace(tensor, low=np.full_like(tensor.low, low), high=np.full_like(tensor.high, high))
        self.tensors["in"] = tensor
        self.input_tensor = tensor
        self.signals[out] = self.new_source(
            tensor, out, shape, encoding.exact_scale, encoding.exact_offset, order=order
        )

    # Products

    def _matmul(self, node: NodeProto) -> None:
        left, right = node.input[0], node.input[1]
        constants = self.network.constants
        if left in constants:
            signal = self.signals[right]
            if constants[left].ndim != 2 or signal.size != constants[left].shape[1]:
                self.problem(
                    node,
                    f"the constant matrix {left} {list(constants[left].shape)} stands in front of {list(signal.shape)}",
                    "activations @ weights, or weights @ one column",
                    "write the layer as activations @ weights",
                )
                return
            self._dense(node, signal, left, transpose=True)
        elif right in constants:
            self._dense(node, self.signals[left], right, transpose=False)
        else:
            self._dot(node, self.signals[left], self.signals[right])

    def integer_weights(self, name: str) -> tuple[Integers, Exact] | None:
        """Return a constant as integers and their exact scale (broadcasting against them), or None if it is float."""
        if name in self.network.grids:
            grid = self.network.grids[name]
            scale = np.empty(grid.scale.shape, dtype=object)
            scale.reshape(-1)[:] = [Fraction(v) for v in grid.scale.reshape(-1).tolist()]
            return grid.integers, scale
        value = np.asarray(self.network.constants[name])
        if value.dtype.kind not in "fiu" or not np.isfinite(value).all():
            return None
        unique = np.unique(value)
        if len(unique) > 1 << WEIGHT_BITS_AT_MOST:
            return None
        step = common_step(exact(unique))
        if max(abs(Fraction(float(v))) for v in (unique[0], unique[-1])) / step >= 1 << (
            WEIGHT_BITS_AT_MOST - 1
        ):
            return None
        return np.rint(value.astype(np.float64) / float(step)).astype(np.int64), fraction(step)

    def _dense(self, node: NodeProto, signal: Signal, name: str, *, transpose: bool) -> None:
        found = self.integer_weights(name)
        if found is None:
            self.float_weights(node, name)
        affine = self.as_integers(node, signal)
        if found is None or affine is None:
            return
        weights, scale = found
        full_scale = np.broadcast_to(scale, weights.shape) if scale.size > 1 else scale
        if transpose:
            weights, full_scale = weights.T, full_scale.T
        shape = weights.shape
        columns = signal.size if transpose else signal.shape[-1]
        matrix = (shape[0], 1) if len(shape) == 1 else shape[-2:]
        if int(np.prod(shape[:-2], dtype=np.int64)) != 1 or matrix[0] != columns:
            self.problem(
                node,
                f"weights of shape {list(self.network.constants[name].shape)}",
                f"one matrix of {columns} x outputs",
                "split the layer into one for every matrix",
            )
            return
        self.signals[node.output[0]] = self._emit_dense(
            affine,
            weights.reshape(matrix),
            full_scale.reshape(matrix) if full_scale.size > 1 else full_scale.reshape(()),
            origin=node.output[0],
            shape=self.network.shapes[node.output[0]],
            positions=() if transpose else _positions(signal.shape),
        )

    def _emit_dense(
        self,
        x: Signal,
        weights: Integers,
        scale: Exact,
        *,
        origin: str,
        shape: tuple[int, ...],
        positions: tuple[int, ...],
    ) -> Signal:
        """Emit ``x @ (weights * scale)``; weights are (cols, rows), scale () or (cols, rows)."""
        assert x.source.tensor is not None and x.scale is not None and x.offset is not None  # noqa: PT018, S101 - by as_integers
        cols = len(weights)
        tensor = self.arranged(x.source.tensor, x.order, (*positions, cols))
        x_scale, x_offset = _per_column(x.scale, cols), _per_column(x.offset, cols)
        out, step, offset = self.emit_product(tensor, (x_scale, x_offset), weights, scale, origin)
        return self.new_source(out, origin, shape, _spread(step, out.size), _spread(offset, out.size))

    def emit_product(
        self, tensor: Tensor, affine: tuple[Exact, Exact], weights: Integers, scale: Exact, origin: str
    ) -> tuple[Tensor, Exact, Exact]:
        """Emit the product of (..., cols) integers, which stand for ``affine`` (scale, offset) floats, with weights.

        ``affine`` is () or (cols,), weights are (cols, rows), scale () or (cols, rows). Returns the product's tensor,
        and its scale and offset, () or (rows,).
        """
        x_scale, x_offset = affine
        cols, rows = weights.shape
        step, factors = _factor(x_scale, scale, cols, rows)
        integers = (weights * factors).T if factors is not None else weights.T
        bits = int(np.abs(integers).max(initial=0)).bit_length()
        if bits > PRODUCT_BITS_AT_MOST:
            raise ModelError(
                f"the scales of the {cols} input channels have no common step of reasonable size "
                f"(the weights would need {bits} bits)",
                where=origin,
                hint="use one scale for the whole tensor, or scales whose ratios are powers of two",
            )
        offset: Exact = fraction(0)
        if not is_zero(x_offset):
            per_row = scale.size == 1 or bool((scale == scale[:1]).all())
            if x_offset.size == 1 and per_row:
                sums = weights.sum(axis=0).astype(object)
                offset = collapse(
                    _o(sums * (scale if scale.size == 1 else scale[0]) * x_offset.reshape(-1)[0])
                )
            else:
                real = weights.astype(object) * scale
                offset = collapse(
                    _o((x_offset[:, None] * real if x_offset.size > 1 else x_offset * real).sum(axis=0))
                )
        name = self.new_name("dense")
        node = Dense(
            name=name,
            input=tensor.name,
            output=name,
            weights=np.ascontiguousarray(integers.astype(np.int64)),
            bias=np.zeros(rows, np.int64),
        )
        return self.emit(node, (*tensor.shape[:-1], rows), origin), step, offset

    def _dot(self, node: NodeProto, a: Signal, b: Signal) -> None:
        """The product of a row and a column of activations: multiply element by element, then sum."""
        if not (a.size == b.size == a.shape[-1] and b.shape[-1] == 1):
            self._product_of_activations(node)
            return
        ints = [self.as_integers(node, s) for s in (a, b)]
        if ints[0] is None or ints[1] is None:
            return
        product = self._multiply(node, ints[0], ints[1], internal=True)
        if product is not None:
            ones = np.ones((a.size, 1), np.int64)
            self.signals[node.output[0]] = self._emit_dense(
                product,
                ones,
                fraction(1),
                origin=node.output[0],
                shape=self.network.shapes[node.output[0]],
                positions=(),
            )

    def _materialized(self, node: NodeProto, signal: Signal) -> Signal | None:
        """Return the signal with its offset added in integers; None (and a problem) where it is off the grid."""
        biased = self.with_bias(signal, signal.name)
        if biased is None:
            self.problem(
                node,
                f"the offset of {signal.name} is not a multiple of its scale",
                "operands of a product whose offset is a whole number of steps",
                "quantize the operand, with zero point 0",
            )
        return biased

    def with_bias(self, signal: Signal, origin: str) -> Signal | None:
        """Return the signal with its offset added in integers; None where it is off the grid."""
        tensor = signal.source.tensor
        assert tensor is not None and signal.scale is not None and signal.offset is not None  # noqa: PT018, S101
        if is_zero(signal.offset):
            return signal
        if any(v == 0 for v in signal.scale.reshape(-1)):
            return None
        ratio = placed_exact(_o(signal.offset / signal.scale), signal.order)
        if any(v.denominator != 1 for v in ratio.reshape(-1)):
            return None
        table = ratio.reshape(-1, tensor.channels if ratio.size > 1 else 1)
        if not (table == table[:1]).all():  # one value for every position
            return None
        values = np.broadcast_to(table[0], (tensor.channels,)).astype(np.int64)
        name = self.new_name("bias")
        out = self.emit(
            Bias(name=name, input=tensor.name, output=name, values=np.array(values)), tensor.shape, origin
        )
        return self.new_source(out, origin, signal.shape, signal.scale, fraction(0), order=signal.order)

    def _multiply(self, node: NodeProto, a: Signal, b: Signal, *, internal: bool = False) -> Signal | None:
        ma, mb = self._materialized(node, a), None
        if a.name == b.name or (a.source is b.source and a.nodes == b.nodes):
            mb = ma
        elif ma is not None:
            mb = ma if _same(a, b) else self._materialized(node, b)
        if ma is None or mb is None:
            return None
        ta, tb = ma.source.tensor, mb.source.tensor
        assert ta is not None and tb is not None and ma.scale is not None and mb.scale is not None  # noqa: PT018, S101
        shape = self.network.shapes[node.output[0]]
        ta, tb, order = self._together(ma, mb, (a.size,) if internal else sample_shape(shape))
        inner = ta.shape
        name = self.new_name("multiply")
        origin = "" if internal else node.output[0]
        out = self.emit(Multiply(name=name, a=ta.name, b=tb.name, output=name), inner, origin)
        outer = (1, *inner) if internal else shape
        return self.new_source(out, origin or name, outer, _o(ma.scale * mb.scale), fraction(0), order=order)

    def _together(self, a: Signal, b: Signal, shape: tuple[int, ...]) -> tuple[Tensor, Tensor, Order]:
        """Return the integers of two tensors in one order, which is returned too; ``shape`` is that of the floats."""
        ta, tb = a.source.tensor, b.source.tensor
        assert ta is not None and tb is not None  # noqa: PT018, S101 - by _as_integers
        if a.order is None and b.order is None:
            return self.reshaped(ta, shape), self.reshaped(tb, shape), None
        if same_order(a.order, b.order):
            return ta, self.reshaped(tb, ta.shape), a.order
        if a.order is None:
            tb, ta, order = self._together(b, a, shape)
            return ta, tb, order
        places = np.argsort(a.order)  # the float element at each place of a
        moved = places if b.order is None else b.order[places]
        return ta, self.arranged(tb, moved, ta.shape), a.order

    def _add(self, node: NodeProto, a: Signal, b: Signal) -> Signal | None:
        ta, tb = a.source.tensor, b.source.tensor
        assert ta is not None and tb is not None and a.scale is not None and b.scale is not None  # noqa: PT018, S101
        assert a.offset is not None and b.offset is not None  # noqa: PT018, S101
        sign = -1 if node.op_type == "Sub" else 1
        if a.scale.size > 1 or b.scale.size > 1:
            return self._add_by_channel(node, a, b, sign)
        step = common_step(np.array([a.scale.reshape(-1)[0], b.scale.reshape(-1)[0]], dtype=object))
        shape = self.network.shapes[node.output[0]]
        ta, tb, order = self._together(a, b, sample_shape(shape))
        name = self.new_name("add")
        out = self.emit(
            Add(
                name=name,
                a=ta.name,
                b=tb.name,
                output=name,
                a_factor=int(a.scale.reshape(-1)[0] / step),
                b_factor=sign * int(b.scale.reshape(-1)[0] / step),
            ),
            ta.shape,
            node.output[0],
        )
        offset = collapse(_o(a.offset + sign * b.offset))
        return self.new_source(out, node.output[0], shape, fraction(step), offset, order=order)

    def _add_by_channel(self, node: NodeProto, a: Signal, b: Signal, sign: int) -> Signal | None:
        """Add two tensors with a scale for every channel: a map puts each channel on the step of both."""
        shape = self.network.shapes[node.output[0]]
        *tensors, order = self._together(a, b, sample_shape(shape))
        channels = tensors[0].channels
        scales = [
            np.broadcast_to(_per_column(placed_exact(_o(s.scale), order), channels), (channels,))
            for s in (a, b)
        ]
        steps = _o([common_step(_o(pair)) for pair in zip(*scales, strict=True)])
        names = []
        for signal, tensor, scale in zip((a, b), tensors, scales, strict=True):
            factors = np.array([int(v) for v in scale / steps], dtype=object)
            points = int((tensor.high - tensor.low).max()) + 1
            largest = int(np.abs(factors).max()) * int(
                max(np.abs(tensor.low).max(), np.abs(tensor.high).max())
            )
            if points * tensor.channels > GRID_POINTS_AT_MOST or largest >> SUM_BITS_AT_MOST:
                self.problem(
                    node,
                    f"{signal.name} has one scale for every channel, {points} values, and would need "
                    f"{largest.bit_length()} bits on the common step of both operands",
                    f"operands with one scale for the whole tensor, or at most {SUM_BITS_AT_MOST} bits",
                    "use per-tensor quantizers in front of the sum",
                )
                return None
            if (factors != 1).any():
                x = np.minimum(tensor.low + np.arange(points, dtype=np.int64)[:, None], tensor.high)
                table = x * factors.astype(np.int64)
                tensor = self.emit_map(tensor, from_table(tensor.low, tensor.high, table), "")  # noqa: PLW2901
            names.append(tensor.name)
        name = self.new_name("add")
        add = Add(name=name, a=names[0], b=names[1], output=name, b_factor=sign)
        out = self.emit(add, tensors[0].shape, node.output[0])
        repeated = _spread(collapse(steps), out.size)
        if repeated.size > 1 and order is not None:
            repeated = repeated[order]
        offset = collapse(_o(a.offset + sign * _o(b.offset)))
        return self.new_source(out, node.output[0], shape, repeated, offset, order=order)

    # The end

    def _close(self, output: Signal) -> tuple[Graph, Mapping[str, Encoding]]:
        if output.source.tensor is None:
            raise InputNeedsGridError
        if not self.nodes:
            raise ModelError(
                "there is nothing to compute in integers",
                where=self.network.name,
                hint="quantize at least one layer",
            )
        network = self.network
        output = self._hardware_bias(output)
        source = output.source
        found = self._hardware_argmax(output)
        if found is None:
            after = cut(network, output.nodes, source.name, output.name) if output.nodes else None
            tensor, scale, offset, base = (
                source.tensor,
                source.scale,
                source.offset,
                batch_shape(source.shape),
            )
        else:
            tensor, scale, offset, after = found, fraction(1), fraction(0), None
            base = batch_shape(network.shapes[output.name])
        assert tensor is not None and self.input_tensor is not None and self.quantizer is not None  # noqa: PT018, S101
        host = Host(
            input_name=network.inputs[0],
            input_shape=network.shapes[network.inputs[0]][1:],
            input_dtype=str(network.dtypes[network.inputs[0]]),
            before=self.before,
            quantizer=self.quantizer,
            output_name=output.name,
            output_shape=batch_shape(network.shapes[network.outputs[0]]),
            base_shape=base,
            scale=floats(scale),
            offset=floats(offset),
            after=after,
            output_is_integer=found is not None,
            input_order=self.input_order,
            output_order=source.order if found is None else None,
        )
        nodes = _needed(self.nodes, tensor.name)
        graph = Graph(
            name=network.name,
            sha256=network.sha256,
            nodes=nodes,
            tensors={
                name: self.tensors[name] for name in (self.input_tensor.name, *(n.output for n in nodes))
            },
            input=self.input_tensor.name,
            output=tensor.name,
            host=host,
            notices=self.notices,
        )
        return graph, self.encodings

    def _hardware_bias(self, output: Signal) -> Signal:
        """Add a final bias that lies on the grid of the accumulator in hardware: the integers are the logits."""
        base = output.source
        if base.tensor is None or base.tensor.vectors > 1 or output.order is not None:
            return output
        candidates = [(base.name, output.nodes)]
        for index, node in enumerate(output.nodes):
            dynamic = [n for n in node.input if n and n not in self.network.constants]
            later = {n for other in output.nodes[index + 1 :] for n in other.input}
            if dynamic != [candidates[-1][0]] or later & {name for name, _ in candidates}:
                break
            candidates.append((node.output[0], output.nodes[index + 1 :]))
        for name, rest in reversed(candidates):
            signal = self.signals.get(name)
            if signal is None or signal.scale is None or signal.offset is None or is_zero(signal.offset):
                continue
            if rest == () and signal.offset.size == 1 and base.offset.size == 1:
                continue  # one constant for all: the host adds it for nothing
            if name == base.name and (signal.offset.size == 1 or isinstance(self._maker(base.tensor), Map)):
                continue
            biased = self.with_bias(signal, name)
            if biased is not None:
                if name == base.name:  # the network has one tensor for both
                    self.tensors[base.tensor.name] = replace(base.tensor, origin="")
                return replace(output, source=biased.source, nodes=rest)
        return output

    def _maker(self, tensor: Tensor) -> Node | None:
        return next((node for node in self.nodes if node.output == tensor.name), None)

    def _hardware_argmax(self, output: Signal) -> Tensor | None:
        """Find the index in hardware where the float operations in front of it keep the order of the integers."""
        nodes = list(output.nodes)
        while nodes and nodes[-1].op_type in LAYOUT:
            nodes.pop()
        if not nodes or nodes[-1].op_type not in ("ArgMax", "ArgMin", "TopK"):
            return None
        pick = nodes.pop()
        attributes = attributes_of(pick)
        tensor = output.source.tensor
        shape = self.network.shapes[pick.input[0]]
        if (
            tensor is None
            or tensor.vectors > 1
            or output.source.order is not None
            or shape[-1] != tensor.channels
            or any(d != 1 for d in shape[:-1])
        ):
            return None
        if attributes.get("axis", -1 if pick.op_type == "TopK" else 0) not in (-1, len(shape) - 1):
            return None
        if attributes.get("select_last_index", 0):
            return None
        largest = pick.op_type == "ArgMax" or (pick.op_type == "TopK" and bool(attributes.get("largest", 1)))
        if pick.op_type == "TopK":
            count = self.network.constants.get(pick.input[1]) if len(pick.input) > 1 else attributes.get("k")
            last = output.nodes[len(nodes) + 1 :]
            index_read = pick.output[1] in ({n for node in last for n in node.input} | {output.name})
            if count is None or int(np.asarray(count).reshape(-1)[0]) != 1 or not index_read:
                return None
        if any(node.op_type not in ELEMENTWISE | LAYOUT for node in nodes):
            return None
        rising = self._order_kept(replace(output, name=pick.input[0], shape=shape, nodes=tuple(nodes)))
        if not rising:
            return None
        name = self.new_name("argmax")
        node = ArgMax(name=name, input=tensor.name, output=name, smallest=largest != (rising > 0))
        out = self.emit(node, (1,), output.name)
        self.encodings[output.name] = Encoding(scale=np.ones(()), offset=np.zeros(()))
        return out

    def _order_kept(self, values: Signal) -> int:
        """Return 1 (-1) where all channels share one strictly rising (falling) float function, else 0."""
        tensor = values.source.tensor
        if tensor is None or not _uniform_nodes(self.network, values):
            return 0
        low, high = int(tensor.low.min()), int(tensor.high.max())
        if high - low >= GRID_POINTS_AT_MOST or values.source.scale.size > 1 or values.source.offset.size > 1:
            return 0
        points = np.arange(low, high + 1, dtype=np.int64)
        grid = np.resize(points, (-(-len(points) // tensor.size), tensor.size))
        reached = float_function(self.network, values)(grid).reshape(-1)[: len(points)]
        delta = np.diff(reached)
        return 1 if (delta > 0).all() else -1 if (delta < 0).all() else 0


def _needed(nodes: list[Node], output: str) -> tuple[Node, ...]:
    """Return the nodes on which the output depends, in their order."""
    needed, kept = {output}, []
    for node in reversed(nodes):
        if node.output in needed:
            needed.update(node.inputs)
            kept.append(node)
    return tuple(kept[::-1])


def _uniform_nodes(network: Network, signal: Signal) -> bool:
    return all(
        len(np.unique(network.constants[name])) <= 1
        for node in signal.nodes
        if node.op_type not in LAYOUT
        for name in node.input
        if name in network.constants
    )


def _same(a: Signal, b: Signal) -> bool:
    """Say whether two signals carry the same numbers: one source and only layout operations apart."""

    def core(signal: Signal) -> list[str]:
        return [n.output[0] for n in signal.nodes if n.op_type not in LAYOUT]

    return a.source is b.source and core(a) == core(b)


def _o(values: Any) -> Exact:  # noqa: ANN401 - numpy turns 0-d object arrays into scalars
    return np.asarray(values, dtype=object)


def _spread(values: Exact, size: int) -> Exact:
    """Repeat one value per channel for all positions."""
    return values if values.size in (1, size) else np.tile(values.reshape(-1), size // values.size)


def _per_column(values: Exact, cols: int) -> Exact:
    """Return () or (cols,) values for the last axis; all positions must agree."""
    if values.size == 1:
        return values.reshape(())
    table = values.reshape(-1, cols)
    if not (table == table[:1]).all():
        raise ModelError(
            "scale or offset differ from position to position", hint="use one scale per channel or per tensor"
        )
    return np.asarray(table[0])


def _factor(x_scale: Exact, scale: Exact, cols: int, rows: int) -> tuple[Exact, Integers | None]:
    """Split ``x_scale[col] * scale[col, row]`` into a step per row and whole factors (cols, rows); None: all are 1."""
    if x_scale.size == 1 and scale.size == 1:
        return _o(x_scale.reshape(-1)[0] * scale.reshape(-1)[0]), None
    full = (
        np.broadcast_to(scale, (cols, rows))
        if scale.size > 1
        else np.broadcast_to(scale.reshape(1, 1), (cols, rows))
    )
    if x_scale.size == 1 and (full == full[:1]).all():
        return collapse(_o(full[0] * x_scale.reshape(-1)[0])), None
    product = full * (x_scale[:, None] if x_scale.size > 1 else x_scale.reshape(-1)[0])
    steps = np.empty(rows, dtype=object)
    factors = np.empty((cols, rows), dtype=object)
    for row in range(rows):
        steps[row] = common_step(product[:, row])
        factors[:, row] = [int(v / steps[row]) for v in product[:, row]]
    if max(abs(int(f)).bit_length() for f in factors.reshape(-1)) > PRODUCT_BITS_AT_MOST:
        raise ModelError(
            f"the scales of the {cols} input channels have no common step of reasonable size",
            hint="use one scale for the whole tensor, or scales whose ratios are powers of two",
        )
    return collapse(steps), factors.astype(np.int64)


def _positions(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes of a sample in front of its channels."""
    return shape[1:-1] if len(shape) > 1 and shape[0] == 1 else shape[:-1]


def _combined(
    operation: str, s0: Exact, o0: Exact, s1: Exact, o1: Exact
) -> tuple[Exact | None, Exact | None]:
    """Return scale and offset of ``(s0 * q + o0) operation (s1 * q + o1)``, or (None, None) where it is not affine."""
    match operation:
        case "Add":
            return _o(s0 + s1), _o(o0 + o1)
        case "Sub":
            return _o(s0 - s1), _o(o0 - o1)
        case "Neg":
            return _o(-s0), _o(-o0)
        case "Mul" if is_zero(s1) or is_zero(s0):
            return _o(s0 * o1 + s1 * o0), _o(o0 * o1)
        case "Div" if is_zero(s1) and all(v != 0 for v in o1.reshape(-1)):
            return _o(s0 / o1), _o(o0 / o1)
        case _:
            return None, None
