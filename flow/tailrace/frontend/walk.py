# SPDX-License-Identifier: Apache-2.0
"""Walk over a normalized network: every node is given to its handler, and what cannot be mapped is collected."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from tailrace.core.errors import ModelError
from tailrace.core.types import FixedType
from tailrace.frontend.closing import close
from tailrace.frontend.forms import PRECISION
from tailrace.frontend.grids import InputNeedsGridError
from tailrace.frontend.handlers import HANDLERS
from tailrace.frontend.hints import INSTEAD
from tailrace.frontend.hoisting import hoist_picks
from tailrace.frontend.inputs import DEFAULT_INPUT_TYPE, add_input, annotation, table_rows
from tailrace.frontend.operations import RECURRENT
from tailrace.frontend.parameters import unsupported_quantizer
from tailrace.frontend.problems import UnsupportedError, one_per_node
from tailrace.frontend.sheet import Sheet
from tailrace.frontend.signals import Unreached
from tailrace.frontend.sinking import sink_carriers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnx import NodeProto

    from tailrace.frontend.encodings import Encoding
    from tailrace.frontend.network import Network
    from tailrace.graph import Graph

log = logging.getLogger(__name__)


def import_network(
    network: Network, input_type: FixedType | None = None
) -> tuple[Graph, Mapping[str, Encoding]]:
    """Build the integer graph of ``network``; returns it with the encoding of every tensor that the network has too.

    ``input_type`` is the grid on which the host sends the input; None takes the annotation or the first quantizer of
    the network, or fixed<16,6> where there is neither. Raises UnsupportedError with all problems.
    """
    first = network.inputs[0]
    network = hoist_picks(sink_carriers(network))
    annotated = input_type is None and annotation(network, table_rows(network, first)) is not None
    try:
        return _walk(Sheet(network), input_type, defer=input_type is None and not annotated)
    except InputNeedsGridError:
        notice = f"the input has no quantizer of its own: {DEFAULT_INPUT_TYPE} was chosen (--input-type changes it)"
        return _walk(Sheet(network, (notice,)), FixedType.parse(DEFAULT_INPUT_TYPE), defer=False)


# Floats beyond their type do what they do in the network; where such a value ends in a quantizer, that refuses it.
@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def _walk(sheet: Sheet, input_type: FixedType | None, *, defer: bool) -> tuple[Graph, Mapping[str, Encoding]]:
    """Write all nodes on the sheet, then close the graph."""
    network = sheet.network
    for index, name in enumerate(network.inputs):
        add_input(sheet, name, input_type, defer=defer and len(network.inputs) == 1, first=index == 0)
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
    name = network.outputs[0]
    output = sheet.signals.get(name)
    if output is None and not sheet.problems:
        raise ModelError(
            f"the output {name} does not depend on the input",
            where=network.name,
            hint="export the whole network",
        )
    if sheet.problems or output is None:
        order = {n.name: i for i, n in enumerate(network.nodes)}
        found = sorted(sheet.problems, key=lambda p: order.get(p.node, -1))
        raise UnsupportedError(network.name, one_per_node(found))
    if sheet.gridded:
        notice = (
            f"{len(sheet.gridded)} signals are summed or averaged without a quantizer, the first is "
            f"{sheet.gridded[0]}, "
            f"on a grid on which each scale has {PRECISION} bits or more, where float32 has 24; a quantizer in front "
            "makes such sums exact, and the hardware smaller"
        )
        sheet.notices += (notice,)
    return close(sheet, output)


def _visit(sheet: Sheet, node: NodeProto) -> None:
    """Give a node to its handler; one that is refused, or whose input is not known, is only looked at."""
    handler = HANDLERS.get((node.domain, node.op_type))
    operands = sheet.dynamic(node)
    refused = node.name in sheet.refused
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


def _unsupported(sheet: Sheet, node: NodeProto) -> None:
    """Report an operation that no handler maps."""
    if node.domain:
        sheet.problems.append(unsupported_quantizer(node))
    elif node.op_type in RECURRENT:
        sheet.problem(
            node,
            f"{node.op_type} keeps a state from step to step, which no block does",
            "networks whose output depends on the present input alone",
            "run it in software, or unroll it into its layers over a fixed number of steps",
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
