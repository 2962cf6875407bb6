# SPDX-License-Identifier: Apache-2.0
"""Walk over an hls4ml network: every layer is given to its handler, and what cannot be mapped is collected."""

from __future__ import annotations

import numpy as np

from tailrace.core.errors import ModelError
from tailrace.frontend.encodings import Encoding
from tailrace.frontend.hls4ml.handlers import HANDLERS
from tailrace.frontend.hls4ml.records import Layer, Network, RefusedError, problem_of
from tailrace.frontend.hls4ml.sheet import Sheet
from tailrace.frontend.problems import Problem, UnsupportedError
from tailrace.graph import Graph, Node, Tensor
from tailrace.graph.host import FixedQuantizer, Host, HostInput, HostOutput

RECURRENT = {"SimpleRNN", "LSTM", "GRU", "Bidirectional", "TimeDistributed"}


def import_network(network: Network) -> tuple[Graph, Sheet]:
    """Return the graph of an hls4ml network and the sheet it was written on; UnsupportedError with all problems."""
    sheet = Sheet()
    problems: list[Problem] = []
    if len(network.inputs) != 1 or len(network.outputs) != 1:
        raise ModelError(
            f"it has {len(network.inputs)} inputs and {len(network.outputs)} outputs, wanted one of each",
            where=network.name,
            hint="join them in the model: concatenate the inputs' branches or the outputs",
        )
    for layer in network.layers:
        refused = _visit(sheet, network, layer)
        if refused is not None:
            problems.append(problem_of(layer, refused))
    if problems:
        raise UnsupportedError(network.name, tuple(problems))
    return _close(sheet, network), sheet


def _visit(sheet: Sheet, network: Network, layer: Layer) -> RefusedError | None:
    """Write a layer; returns what is wrong with it. Layers behind a refused one are only looked at."""
    if layer.refused is not None:
        return layer.refused
    if layer.kind in {"Input", "InputLayer"}:
        _add_input(sheet, network, layer)
        return None
    if layer.kind == "Constant":
        return None
    handler = HANDLERS.get(layer.kind)
    if handler is None:
        return _unsupported(layer)
    if any(name not in sheet.signals and name not in sheet.constants for name in layer.inputs):
        return None
    try:
        handler(sheet, layer)
    except RefusedError as error:
        return error
    except ModelError as error:
        return RefusedError(error.message, "integers of at most 62 bits", error.hint or "use fewer bits")
    return None


def _unsupported(layer: Layer) -> RefusedError:
    if layer.kind in RECURRENT:
        return RefusedError(
            f"{layer.kind} keeps a state from step to step, which no block does",
            "networks whose output depends on the present input alone",
            "run it in software, or unroll it into its layers over a fixed number of steps",
        )
    return RefusedError(
        f"{layer.kind} is not supported",
        ", ".join(sorted(HANDLERS)),
        "leave it out, or end the network in front of it and do the rest in software",
    )


def _add_input(sheet: Sheet, network: Network, layer: Layer) -> None:
    fmt, shape = layer.format, layer.shape
    if layer.outputs and next(iter(layer.outputs)) not in network.inputs:
        raise ModelError(f"the input {layer.name} is not one of the model's", where=network.name)
    ends = [np.full(shape[-1], end, np.int64) for end in (fmt.low, fmt.high)]
    name = "input"
    tensor = Tensor(name=name, shape=shape, low=ends[0], high=ends[1])
    sheet.tensors[name] = tensor
    output = next(iter(layer.outputs))
    sheet.put(output, sheet.signal(tensor, fmt.fraction_bits, fmt, bipolar=layer.bipolar_output))


def _close(sheet: Sheet, network: Network) -> Graph:
    """Return the graph that ends in the output of the network."""
    output = sheet.signals[network.outputs[0]]
    source = sheet.signals[network.inputs[0]]
    first = next(layer for layer in network.layers if layer.outputs and network.inputs[0] in layer.outputs)
    nodes = _needed(sheet.nodes, output.tensor.name)
    if not nodes:
        raise ModelError(
            "it has no layer that computes anything", where=network.name, hint="put a layer behind the input"
        )
    fmt = source.format
    entry = HostInput(
        name=network.inputs[0],
        shape=first.shape,
        dtype="float64",
        before=None,
        quantizer=FixedQuantizer(format=fmt),
    )
    end = HostOutput(
        name=network.outputs[0],
        shape=output.shape,
        base_shape=output.shape,
        scale=np.array(2.0**-output.fraction_bits),
        offset=np.zeros(()),
        after=None,
    )
    names = ("input", *(node.output for node in nodes))
    sheet.encodings[network.outputs[0]] = Encoding(
        scale=np.array(2.0**-output.fraction_bits), offset=np.zeros(())
    )
    return Graph(
        name=network.name,
        sha256=network.sha256,
        nodes=nodes,
        tensors={name: sheet.tensors[name] for name in names},
        inputs=("input",),
        outputs=(output.tensor.name,),
        host=Host(inputs=(entry,), outputs=(end,)),
        notices=sheet.notices(),
    )


def _needed(nodes: list[Node], output: str) -> tuple[Node, ...]:
    """Return the nodes on which the output depends, in their order."""
    needed, kept = {output}, []
    for node in reversed(nodes):
        if node.output in needed:
            needed.update(node.inputs)
            kept.append(node)
    return tuple(kept[::-1])
