# SPDX-License-Identifier: Apache-2.0
"""Move a bias into the dense layer in front of it, through a sum where one lies between."""

from __future__ import annotations

from dataclasses import replace

from tailrace.graph import Add, Bias, Dense, Graph, Node, retype


def merge_bias(graph: Graph) -> Graph:
    """Add a bias to the bias of the dense layer before it, where nobody else reads what lies between."""
    for node in graph.nodes:
        if not isinstance(node, Bias):
            continue
        before = graph.producer(node.input)
        if before is None or not _is_private(graph, before.output):
            continue
        if isinstance(before, Dense):
            changed: dict[str, Node] = {
                before.name: replace(before, bias=before.bias + node.values, output=node.output)
            }
        elif isinstance(before, Add):
            dense = _operand(graph, before, node)
            if dense is None:
                continue
            bias = dense.bias + node.values // (
                before.a_factor if dense.output == before.a else before.b_factor
            )
            changed = {
                dense.name: replace(dense, bias=bias),
                before.name: replace(before, output=node.output),
            }
        else:
            continue
        nodes = tuple(changed.get(n.name, n) for n in graph.nodes if n is not node)
        return merge_bias(retype(graph, nodes))
    return graph


def _is_private(graph: Graph, tensor: str) -> bool:
    """Say whether exactly one node reads the tensor and the outside does not."""
    return len(graph.consumers(tensor)) == 1 and tensor not in graph.leaving


def _operand(graph: Graph, add: Add, bias: Bias) -> Dense | None:
    """Return a dense layer that feeds the sum alone and whose factor divides the bias."""
    for name, factor in ((add.a, add.a_factor), (add.b, add.b_factor)):
        dense = graph.producer(name)
        if (
            add.a != add.b
            and isinstance(dense, Dense)
            and _is_private(graph, name)
            and not (bias.values % factor).any()
        ):
            return dense
    return None
