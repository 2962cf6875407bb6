# SPDX-License-Identifier: Apache-2.0
"""Walk over a normalized network: every node is given to its handler, and what cannot be mapped is collected."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from tailrace.core.errors import ModelError
from tailrace.core.types import FixedType
from tailrace.frontend.closing import Closing, close
from tailrace.frontend.forms import PRECISION
from tailrace.frontend.grids import InputNeedsGridError
from tailrace.frontend.handlers import HANDLERS, Handler
from tailrace.frontend.hints import INSTEAD
from tailrace.frontend.hoisting import hoist_picks
from tailrace.frontend.inputs import DEFAULT_INPUT_TYPE, InputGrid, add_input, annotation, table_rows
from tailrace.frontend.layer_norm import normalize
from tailrace.frontend.masks import without_masks
from tailrace.frontend.operations import RECURRENT
from tailrace.frontend.parameters import unsupported_quantizer
from tailrace.frontend.problems import UnsupportedError, one_per_node
from tailrace.frontend.sheet import Sheet
from tailrace.frontend.signals import Unreached
from tailrace.frontend.sinking import sink_carriers
from tailrace.frontend.stateful import check_states, with_states

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnx import NodeProto

    from tailrace.frontend.encodings import Encoding
    from tailrace.frontend.network import Network
    from tailrace.graph import Graph

log = logging.getLogger(__name__)


def import_network(
    network: Network, input_type: FixedType | None = None, states: Mapping[str, str] | None = None
) -> tuple[Graph, Mapping[str, Encoding]]:
    """Build the integer graph of ``network``; returns it with the encoding of every tensor that the network has too.

    ``input_type`` is the grid on which the host sends the input; None takes the annotation or the first quantizer of
    the network, or fixed<16,6> where there is neither. ``states`` is {input: the output that it was a frame before}.
    Raises UnsupportedError with all problems.
    """
    states = states or network.states
    check_states(network, states)
    network = hoist_picks(sink_carriers(without_masks(network)))
    given = None if input_type is None else InputGrid.of(input_type)
    grids = dict.fromkeys(network.inputs, given)
    for name in network.inputs:
        if input_type is None and annotation(network, name, table_rows(network, name)) is None:
            del grids[name]
    if states:
        return with_states(lambda grids: _imported(network, grids), grids, states, network.initial)
    closing, encodings = _imported(network, grids)
    return closing.graph, encodings


def _imported(
    network: Network, grids: Mapping[str, InputGrid | None]
) -> tuple[Closing, Mapping[str, Encoding]]:
    """Walk with these grids of inputs, and with the usual one for those that turn out to need one."""
    grids = dict(grids)
    notices: list[str] = []
    while True:
        try:
            return _walk(Sheet(network, tuple(notices)), grids)
        except InputNeedsGridError as error:
            which = "the input" if len(network.inputs) == 1 else f"the input {error.name}"
            notices.append(
                f"{which} has no quantizer of its own: {DEFAULT_INPUT_TYPE} was chosen (--input-type changes it)"
            )
            grids[error.name] = InputGrid.of(FixedType.parse(DEFAULT_INPUT_TYPE))


# Floats beyond their type do what they do in the network; where such a value ends in a quantizer, that refuses it.
@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def _walk(sheet: Sheet, grids: Mapping[str, InputGrid | None]) -> tuple[Closing, Mapping[str, Encoding]]:
    """Write all nodes on the sheet, then close the graph.

    ``grids`` are the inputs that the host sends on a grid: one that is given, or None for that of their annotation.
    """
    network = sheet.network
    for name in network.inputs:
        add_input(sheet, name, grids.get(name), defer=name not in grids)
    for node in network.nodes:
        try:
            _visit(sheet, node)
        except ModelError as error:
            sheet.problem(
                node, error.message, "integers of bounded size", error.hint or "quantize to fewer bits"
            )
        for name in node.output:
            if name and name not in sheet.signals:
                sheet.unreached.setdefault(name, Unreached())
    outputs = [sheet.signals[name] for name in network.outputs if name in sheet.signals]
    lacking = [name for name in network.outputs if name not in sheet.signals]
    if lacking and not sheet.problems:
        raise ModelError(
            f"the output {lacking[0]} does not depend on the input",
            where=network.name,
            hint="export the whole network",
        )
    if sheet.problems:
        order = {n.name: i for i, n in enumerate(network.nodes)}
        found = sorted(sheet.problems, key=lambda p: order.get(p.node, -1))
        raise UnsupportedError(network.name, one_per_node(found))
    if sheet.gridded:
        count = len(sheet.gridded)
        subject = (
            f"{count} signals, the first is {sheet.gridded[0]}, are"
            if count > 1
            else f"{sheet.gridded[0]} is"
        )
        notice = (
            f"{subject} summed or averaged without a quantizer on a grid on which each scale has {PRECISION} bits or "
            "more, where float32 has 24; a quantizer in front makes such sums exact, and the hardware smaller"
        )
        sheet.notices += (notice,)
    return close(sheet, outputs)


def _visit(sheet: Sheet, node: NodeProto) -> None:
    """Give a node to its handler; one that is refused, or whose input is not known, is only looked at."""
    if node.name in sheet.inside:
        return
    handler = HANDLERS.get((node.domain, node.op_type))
    operands = sheet.dynamic(node)
    refused = node.name in sheet.refused
    written_out = sheet.normalizations.get(node.name)
    if written_out is not None and not refused:
        handler = Handler(write=lambda sheet, node, ins: normalize(sheet, node, ins[0], written_out))
        operands = [written_out.source]
    if not refused and all(name in sheet.signals for name in operands):
        if handler is None:
            _unsupported(sheet, node)
        else:
            handler.write(sheet, node, [sheet.signals[name] for name in operands])
        return
    states = [_state(sheet, name) for name in operands]
    known = Unreached(
        is_float=any(state.is_float for state in states),
        host_only=next((state.host_only for state in states if state.host_only is not None), None),
    )
    if handler is not None:
        known = handler.look(sheet, node, known)
    elif not refused:
        _unsupported(sheet, node)
    for name in node.output:
        sheet.unreached[name] = known


def _state(sheet: Sheet, name: str) -> Unreached:
    """Return what is known about a tensor behind a refused node, or about any other."""
    signal = sheet.signals.get(name)
    if signal is None:
        return sheet.unreached.get(name, Unreached())
    return Unreached(host_only=signal.host_only)


FLOATS_BETWEEN_STEPS = (
    "its gates and its states are floats: nothing quantizes them between the steps",
    "a step with a quantizer behind every gate and in front of every state",
    "quantize gates and states in training, export one step as a network, name its states: --state h=h_next",
)
"""What is said of ONNX's own recurrent layers: found, accepted, and the way out."""


def _unsupported(sheet: Sheet, node: NodeProto) -> None:
    """Report an operation that no handler maps."""
    if node.domain:
        sheet.problems.append(unsupported_quantizer(node))
    elif node.op_type in RECURRENT:
        sheet.problem(
            node,
            *FLOATS_BETWEEN_STEPS
            if node.op_type in ("LSTM", "GRU", "RNN")
            else (
                f"{node.op_type} runs a network inside of it step by step, which is not read",
                "one step as a network, its states as inputs and outputs",
                "export the body as a network of its own, and name its states: --state h=h_next",
            ),
        )
    else:
        sheet.problem(
            node,
            f"{node.op_type} is not supported",
            "dense and convolutional layers, pooling, quantizers, element-by-element operations, layout operations",
            INSTEAD.get(
                node.op_type, "leave it out, or end the network in front of it and do the rest in software"
            ),
        )
