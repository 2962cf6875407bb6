# SPDX-License-Identifier: Apache-2.0
"""Walk a normalized network and build the integer graph; collect every node that cannot be mapped."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import ModelError
from tailrace.core.order import Order, plain
from tailrace.core.types import FixedType, IntType
from tailrace.frontend.closing import close
from tailrace.frontend.convolution import convolve, convolve_transposed
from tailrace.frontend.grids import WEIGHT_BITS_AT_MOST, InputNeedsGridError
from tailrace.frontend.inputs import DEFAULT_INPUT_TYPE, add_input, annotation, layout_of, new_tensor
from tailrace.frontend.model import Network, run_node
from tailrace.frontend.moving import concat, pad_node, resize, slice_node
from tailrace.frontend.operations import (
    ELEMENTWISE,
    HOST_TAIL,
    LAYOUT,
    QUANTIZERS,
    RECURRENT,
    RESHAPING,
    SPATIAL,
)
from tailrace.frontend.parameters import unsupported_quantizer
from tailrace.frontend.pooling import pool, reduce
from tailrace.frontend.problems import Problem, UnsupportedError, one_per_node
from tailrace.frontend.products import integer_weights, matmul
from tailrace.frontend.programs import cut
from tailrace.frontend.quantizers import Encoding, encoding_of, host_quantizer, integer_bounds, to_integers
from tailrace.frontend.signals import (
    Exact,
    Signal,
    Source,
    Unreached,
    batch_shape,
    collapse,
    floats,
)
from tailrace.frontend.sums import elementwise
from tailrace.frontend.tails import is_by_channel, probe
from tailrace.graph import (
    Graph,
    Map,
    Node,
    Permute,
    Reshape,
    Tensor,
    output_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnx import NodeProto

    from tailrace.graph.host import FloatProgram, Quantizer

Array = NDArray[Any]
Integers = NDArray[np.int64]

log = logging.getLogger(__name__)


def import_network(
    network: Network, input_type: FixedType | None = None
) -> tuple[Graph, Mapping[str, Encoding]]:
    """Build the integer graph of ``network``; returns it with the encoding of every tensor that the network has too.

    ``input_type`` is the grid on which the host sends the input; None takes the annotation or the first quantizer of
    the network, or fixed<16,6> where there is neither. Raises UnsupportedError with all problems.
    """
    annotated = input_type is None and annotation(network) is not None
    try:
        return Importer(network, input_type, defer=input_type is None and not annotated).run()
    except InputNeedsGridError:
        notice = f"the input has no quantizer of its own: {DEFAULT_INPUT_TYPE} was chosen (--input-type changes it)"
        return Importer(network, FixedType.parse(DEFAULT_INPUT_TYPE), defer=False, notices=(notice,)).run()


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
        self.makers = {name: n for n in network.nodes for name in n.output}
        self.before: FloatProgram | None = None
        self.quantizer: Quantizer | None = None
        self.input_tensor: Tensor | None = None
        self.input_order: Order = None
        for index, name in enumerate(network.inputs):
            add_input(self, name, input_type, defer=defer and len(network.inputs) == 1, first=index == 0)

    def run(self) -> tuple[Graph, Mapping[str, Encoding]]:
        """Walk all nodes, then close the graph."""
        for node in self.network.nodes:
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
        return close(self, output)

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

    def host_only(self, signal: Signal | Unreached, reader: NodeProto) -> None:
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
        """Report an operation that no block computes."""
        if node.op_type in RECURRENT:
            self.problem(
                node,
                f"{node.op_type} keeps a state from step to step, which no block does",
                "networks whose output depends on the present input alone",
                "run it in software, or unroll it into its layers over a fixed number of steps",
            )
            return
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
            matmul(self, node)
        elif node.domain:
            self._unsupported_quantizer(node)
        elif operation in LAYOUT and self._only_moves(node, ins[0]):
            self._move(node, ins[0])
        elif operation in SPATIAL | RESHAPING and (
            operation in SPATIAL or operation not in HOST_TAIL or self._goes_on(node, one_source=one_source)
        ):
            self._image_operation(node, ins)
        elif operation in ELEMENTWISE or operation == "Cast":
            elementwise(self, node, ins)
        elif operation in HOST_TAIL | LAYOUT and one_source:
            self.derive(node, ins, None, None, host_only=node)
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
                self.host_only(Unreached(host_only=host_only), node)
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
                    self.not_quantized(node, self.network.labels.get(node.input[0], node.input[0]))
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
            self.product_of_activations(node)
            return is_float
        good = self._check_weights(node, constant[0])
        if is_float:
            moving = next(name for name in node.input if name not in self.network.constants)
            self.not_quantized(node, self.network.labels.get(moving, moving))
        return is_float or not good

    def product_of_activations(self, node: NodeProto) -> None:
        """Report a product of two tensors of which neither is constant."""
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
        if name not in self.network.constants or integer_weights(self, name) is not None:
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

    def not_quantized(self, node: NodeProto, name: str, made_by: str = "") -> None:
        """Report a layer whose input ``name`` (from ``made_by``) is made of floats."""
        for out in node.output:
            self.unreached[out] = Unreached(is_float=True)
        hint = (
            "put a Quant node (Brevitas QuantIdentity, QuantReLU; QKeras QActivation) in front of this layer"
        )
        if self._is_rounded(name):
            hint = (
                "Round and Clip are not taken for a quantizer: export it as Quant (QONNX), or as QuantizeLinear and "
                "DequantizeLinear (QCDQ, QDQ)"
            )
        self.problem(
            node, f"its input {name}{made_by} is not quantized", "activations behind a quantizer", hint
        )

    def _is_rounded(self, name: str) -> bool:
        """Say whether a tensor comes from a Round, with element-by-element operations between."""
        while (node := self.makers.get(name)) is not None and node.op_type in ELEMENTWISE | LAYOUT:
            if node.op_type == "Round":
                return True
            name = node.input[0]
        return False

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
        moved = self.moved(node, self.network.shapes[node.input[0]])
        if moved is None:
            self.derive(node, [signal], signal.scale, signal.offset, order=signal.order)
            return

        def move(values: Exact | None) -> Exact | None:
            return values if values is None or values.size == 1 else values[moved]

        places = moved if signal.order is None else signal.order[moved]
        self.derive(node, [signal], move(signal.scale), move(signal.offset), order=plain(places))

    def moved(self, node: NodeProto, shape: tuple[int, ...]) -> Order:
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

    def derive(
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

    # Emitting nodes of the integer graph

    def new_name(self, kind: str) -> str:
        """Return a name for a node that no other has."""
        index = self.counts.get(kind, 0)
        self.counts[kind] = index + 1
        return f"{kind}_{index}"

    def emit(self, node: Node, shape: tuple[int, ...], origin: str) -> Tensor:
        """Add a node; returns its output, which stands for the tensor ``origin`` of the network (or none)."""
        tensor = output_of(node, [self.tensors[name] for name in node.inputs], origin)
        if tensor.shape != shape:
            raise ValueError(f"{node.name}: the shape is {tensor.shape}, {shape} was expected")
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
        return self.emit(
            Reshape(name=name, input=tensor.name, output=name, shape=shape), shape, tensor.origin
        )

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
        return self.emit(
            Permute(name=name, input=tensor.name, output=name, order=order, shape=shape), shape, ""
        )

    # Quantizers

    def _quantize(self, node: NodeProto, signal: Signal) -> None:
        if signal.host_only is not None:
            if node.op_type == "DequantizeLinear":  # the host can run it
                self.derive(node, [signal], None, None)
            else:
                self.host_only(signal, node)
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
        inner, order = layout_of(self, out, shape)
        self.input_order = order
        tensor = new_tensor(self, "in", inner, IntType.containing(low, high), origin=out)
        tensor = replace(tensor, low=np.full_like(tensor.low, low), high=np.full_like(tensor.high, high))
        self.tensors["in"] = tensor
        self.input_tensor = tensor
        self.signals[out] = self.new_source(
            tensor, out, shape, encoding.exact_scale, encoding.exact_offset, order=order
        )
