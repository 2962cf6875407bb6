# SPDX-License-Identifier: Apache-2.0
"""What the last integers tell without a host: the order of the network's outputs, the class, a decision.

The biases and scales behind the last layer go into the integers, as far as the order of the channels needs them
(:mod:`tailrace.frontend.ranking`). Where the network ends in an index, operations in front of it that keep the order
(a softmax) are left out: the index is that of exact arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tailrace.core.order import Order, plain
from tailrace.frontend.attributes import Attributes
from tailrace.frontend.encodings import Encoding
from tailrace.frontend.forms import form_of
from tailrace.frontend.grids import GRID_POINTS_AT_MOST, with_bias
from tailrace.frontend.images import by_channel
from tailrace.frontend.operations import AFFINE, ELEMENTWISE, LAYOUT, PICKS, RESHAPING
from tailrace.frontend.ranking import RANK_BITS_AT_MOST, Ranks, ranks
from tailrace.frontend.signals import (
    Exact,
    Signal,
    Source,
    batch_shape,
    collapse,
    fraction,
    objects,
    placed_exact,
    spread,
)
from tailrace.frontend.tails import float_function, is_by_channel, probe
from tailrace.graph import Affine, ArgMax, Bias, Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onnx import NodeProto

    from tailrace.frontend.network import Network
    from tailrace.frontend.sheet import Sheet
    from tailrace.frontend.tails import Array, Integers

ALONG_AXIS = frozenset({"Softmax", "LogSoftmax", "Hardmax"})
"""Operations whose results along their axis have the order of their operands, ties included."""

RISING_UP_TO = {"Sigmoid": 16.0, "Tanh": 8.0, "Softsign": 1e4, "Exp": 16.0, "Softplus": 16.0, "Atan": 1e4}
"""{operation: up to which size of its operand it rises so clearly that float64 tells its results apart}."""

DECIDES = frozenset(
    {"Round", "Floor", "Ceil", "Sign", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal", "Not", "And", "Or"}
)  # fmt: skip
"""Operations element by element that leave few values."""

DECISIONS_AT_MOST = 256
"""So many values a decision may have."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Result:
    """The last integers: what they stand for, in the shape and order of the float tensor, without its batch axis."""

    tensor: Tensor | None
    scale: Exact
    offset: Exact
    shape: tuple[int, ...]
    order: Order
    is_index: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Logits:
    """The last tensor of the network that is an affine function of the last integers, channel by channel."""

    signal: Signal
    scale: Exact
    offset: Exact
    rest: tuple[NodeProto, ...]
    """What follows it."""


def class_index(sheet: Sheet, output: Signal) -> Result | None:
    """Find the index in hardware, at every position; None (and a notice) where the host has to."""
    nodes = list(output.nodes)
    while nodes and nodes[-1].op_type in LAYOUT:
        nodes.pop()
    if not nodes or nodes[-1].op_type not in PICKS:
        return None
    pick, behind = nodes.pop(), output.nodes[len(nodes) :]
    found = _index(sheet, output, tuple(nodes), pick, behind[1:])
    if isinstance(found, Result):
        return found
    why, way = found
    notice = f"{pick.op_type} ({pick.name}) is left to the host: {why}; {way}"
    sheet.notices = (*sheet.notices, notice)
    return None


def _index(
    sheet: Sheet, output: Signal, before: tuple[NodeProto, ...], pick: NodeProto, behind: Sequence[NodeProto]
) -> Result | tuple[str, str]:
    """Emit the search for the index; or return why it cannot be, and the way out."""
    channels_way = "take the one largest or smallest of the channels of each position"
    if not _is_one_first(sheet, output, pick, behind):
        return "it asks for more than the first of the largest, or for values", channels_way
    values = replace(output, name=pick.input[0], shape=sheet.network.shapes[pick.input[0]], nodes=before)
    logits = _logits(sheet, values)
    largest = pick.op_type == "ArgMax" or (
        pick.op_type == "TopK" and Attributes(pick).flag("largest", default=True)
    )
    if logits is None:
        return (
            "scale or offset of the last integers differ from position to position",
            "use one for each channel",
        )
    order = _order_behind(sheet, logits, pick)
    places = None if order is None else _positions(sheet, logits, order[0], pick)
    if places is None:
        return "it does not go over the channels of the last layer", channels_way
    tensor: Tensor | None
    if order is not None and order[1]:
        falling = all(v < 0 for v in logits.scale)
        source = _ranked(sheet, output, logits, falling=falling)
        if source is None:
            return _too_wide(), "use one scale for all channels of the last layer"
        tensor, rising = source[0].tensor, not falling
    else:
        sign = _order_kept(sheet, values)
        if not sign:
            return (
                "what stands in front of it may make equal what is not, or turn the order",
                "put it behind the last layer or a softmax",
            )
        tensor, rising = output.source.tensor, sign > 0
    assert tensor is not None  # noqa: S101 - by close
    name = sheet.new_name("argmax")
    node = ArgMax(name=name, input=tensor.name, output=name, smallest=largest != rising)
    out = sheet.emit(node, (*tensor.shape[:-1], 1), output.name)
    here = places
    for node_behind in behind:
        moved = sheet.moved(node_behind, sheet.network.shapes[node_behind.input[0]])
        here = here if moved is None else here[moved]
    sheet.encodings[output.name] = Encoding(scale=np.ones(()), offset=np.zeros(()), order=plain(here))
    return Result(
        tensor=out,
        scale=fraction(1),
        offset=fraction(0),
        shape=batch_shape(sheet.network.shapes[output.name]),
        order=plain(here),
        is_index=True,
    )


def _is_one_first(sheet: Sheet, output: Signal, pick: NodeProto, behind: Sequence[NodeProto]) -> bool:
    """Say whether a node gives the index of one channel, the first of equal ones."""
    attributes = Attributes(pick)
    if attributes.flag("select_last_index", default=False):
        return False
    if pick.op_type != "TopK":
        return True
    if len(pick.input) > 1:
        count = sheet.network.constants.get(pick.input[1])
        if count is None:
            return False
        k = int(np.asarray(count).reshape(-1)[0])
    else:
        k = attributes.integer("k")
    return k == 1 and pick.output[1] in {output.name, *(n for node in behind for n in node.input)}


def _logits(sheet: Sheet, output: Signal) -> _Logits | None:
    """Return the last affine tensor on the way to the output; None where its positions differ."""
    base = output.source
    tensor = base.tensor
    assert tensor is not None  # noqa: S101 - by close
    found: _Logits | None = None
    for name, rest in _steps(sheet, output):
        signal = sheet.signals.get(name)
        if signal is None and name == base.name:
            signal = Signal(
                name=name,
                shape=base.shape,
                source=base,
                scale=base.scale,
                offset=base.offset,
                order=base.order,
            )
        ends = None if signal is None or signal.source is not base else _affine_ends(sheet, signal)
        if signal is None or ends is None:
            continue
        own = [by_channel(placed_exact(v, signal.order), tensor.channels) for v in ends]
        if own[0] is None or own[1] is None:
            return None
        scale, offset = (objects(np.broadcast_to(v, (tensor.channels,))) for v in (own[0], own[1]))
        found = _Logits(signal=signal, scale=scale, offset=offset, rest=rest)
    return found


def _affine_ends(sheet: Sheet, signal: Signal) -> tuple[Exact, Exact] | None:
    """Return the exact scale and offset of a signal, () or (size,), batch-norms included; None where there are none."""
    if signal.scale is not None and signal.offset is not None:
        return signal.scale, signal.offset
    operations = {node.op_type for node in signal.nodes}
    if not operations <= AFFINE | LAYOUT | {"BatchNormalization"}:
        return None
    form = form_of(sheet, signal)
    if form is None or form.is_clipped or any(v == 0 for v in form.scale.reshape(-1)):
        return None
    scale, offset = (
        v if v.size == 1 else objects(np.broadcast_to(v, signal.shape).reshape(-1))
        for v in (form.scale, form.offset)
    )
    return collapse(scale), collapse(offset)


def _steps(sheet: Sheet, output: Signal) -> list[tuple[str, tuple[NodeProto, ...]]]:
    """Return the tensors from the last integers on, each with what follows it, as long as nothing branches off."""
    steps = [(output.source.name, output.nodes)]
    for index, node in enumerate(output.nodes):
        dynamic = [n for n in node.input if n and n not in sheet.network.constants]
        later = {n for other in output.nodes[index + 1 :] for n in other.input}
        if dynamic != [steps[-1][0]] or later & {name for name, _ in steps}:
            break
        steps.append((node.output[0], output.nodes[index + 1 :]))
    return steps


def _order_behind(sheet: Sheet, logits: _Logits, pick: NodeProto) -> tuple[Order, bool] | None:
    """Return the places of the operand of ``pick``, and whether its values rank the channels as the logits do."""
    network = sheet.network
    order, kept, name = logits.signal.order, True, logits.signal.name
    for node in logits.rest:
        if node.input[0] != name and node.op_type not in ELEMENTWISE:
            return None
        shape = network.shapes[node.input[0]]
        if node.op_type in LAYOUT:
            moved = sheet.moved(node, shape)
            if moved is not None:
                order = moved if order is None else order[moved]
        elif node.op_type in ALONG_AXIS:
            kept = kept and _covers(sheet, logits, order, node)
        elif node.op_type in RISING_UP_TO:
            kept = kept and node is logits.rest[0] and _largest(logits) <= RISING_UP_TO[node.op_type]
        elif node.op_type in ELEMENTWISE:
            kept = False
        else:
            return None
        name = node.output[0]
    return (order, kept) if name == pick.input[0] else None


def _largest(logits: _Logits) -> float:
    """Return how large the logits can get."""
    tensor = logits.signal.source.tensor
    assert tensor is not None  # noqa: S101 - by close
    ends = zip(logits.scale, logits.offset, tensor.low.tolist(), tensor.high.tolist(), strict=True)
    return max(float(max(abs(s * low + o), abs(s * high + o))) for s, o, low, high in ends)


def _covers(sheet: Sheet, logits: _Logits, order: Order, node: NodeProto) -> bool:
    """Say whether an operation along an axis takes all channels of a position together."""
    if sheet.network.opset >= 13:
        return _positions(sheet, logits, order, node) is not None
    shape = sheet.network.shapes[node.input[0]]  # all axes from its own on
    axis = Attributes(node).integer("axis", 1) % len(shape)
    return int(np.prod(shape[:axis], dtype=np.int64)) == 1


def _positions(sheet: Sheet, logits: _Logits, order: Order, node: NodeProto) -> Integers | None:
    """Return which position each line along the axis of ``node`` is; None where these are not the channels of one."""
    tensor = logits.signal.source.tensor
    shape = sheet.network.shapes[node.input[0]]
    assert tensor is not None  # noqa: S101 - by close
    default = {"ArgMax": 0, "ArgMin": 0}.get(node.op_type, -1)
    axis = Attributes(node).integer("axis", default) % len(shape)
    if shape[axis] != tensor.channels:
        return None
    places = (np.arange(tensor.size) if order is None else order).reshape(shape)
    lines = np.moveaxis(places, axis, -1).reshape(-1, tensor.channels)
    first = lines[:, 0]
    if (first % tensor.channels).any() or (lines != first[:, None] + np.arange(tensor.channels)).any():
        return None
    return np.asarray(first // tensor.channels, np.int64)


def in_order_of_outputs(sheet: Sheet, output: Signal) -> Signal:
    """Let the last integers be in the order of the network's outputs; a notice where they are not."""
    tensor = output.source.tensor
    assert tensor is not None  # noqa: S101 - by close
    if not sheet.has_software(output.source.name):  # heads, each of which is in order
        return output
    logits = _logits(sheet, output)
    if logits is None:
        if tensor.channels > 1:
            _say(
                sheet,
                "the integers at the output are not in the order of the network's outputs, because these have scales "
                "or offsets that differ from position to position; the host puts them right, or use one a channel",
            )
        return output
    if tensor.channels == 1:
        return _biased(sheet, output, logits) or output
    found = _ranked(sheet, output, logits, falling=False)
    if found is None:
        _say(
            sheet,
            f"{_too_wide()}; the host puts them right, or use one scale for all channels of the last layer",
        )
        return output
    source, nodes = found
    return output if source is output.source else replace(output, source=source, nodes=nodes)


def _say(sheet: Sheet, notice: str) -> None:
    sheet.notices = (*sheet.notices, notice)


def _too_wide() -> str:
    return (
        "integers in the order of the network's outputs would need more than "
        f"{RANK_BITS_AT_MOST} bits, because the channels of the last layer have scales of their own"
    )


def _ranked(
    sheet: Sheet, output: Signal, logits: _Logits, *, falling: bool
) -> tuple[Source, tuple[NodeProto, ...]] | None:
    """Return the last integers in the order of the logits (or the opposite one), and what is left to the host.

    None where they would be too wide.
    """
    tensor = output.source.tensor
    assert tensor is not None  # noqa: S101 - by close
    sign = -1 if falling else 1
    scale, offset = objects(logits.scale * sign), objects(logits.offset * sign)
    found = ranks(scale, offset, tensor.low, tensor.high)
    if found is None:
        return None
    if found.is_plain:
        return output.source, output.nodes
    if not falling and (found.factors == 1).all():
        biased = _biased(sheet, output, logits)
        if biased is not None:
            return biased.source, biased.nodes
    return _moved(sheet, output.source, found), output.nodes


def _biased(sheet: Sheet, output: Signal, logits: _Logits) -> Signal | None:
    """Add a bias on the grid of the accumulator, at the last tensor where it is on it: the integers are that one.

    None where there is none, or where what follows up to the logits does more than add one constant to all channels.
    """
    base, tensor = output.source, output.source.tensor
    assert tensor is not None  # noqa: S101 - by close
    for name, rest in reversed(_steps(sheet, output)):
        signal = sheet.signals.get(name)
        if signal is None or signal.source is not base or signal.scale is None or signal.offset is None:
            continue
        if signal.offset.size == 1 or signal.order is not base.order:
            continue  # one constant for all: the host adds it for nothing
        own = by_channel(placed_exact(signal.offset, signal.order), tensor.channels)
        scale = signal.scale.reshape(-1)[0]
        if own is None or signal.scale.size > 1 or scale < 0:
            continue
        more = objects(logits.offset / logits.scale[0] - own / scale)
        biased = with_bias(sheet, signal, name) if collapse(more).size == 1 else None
        if biased is None or biased.source is base:
            continue
        if name == base.name:  # the network has one tensor for both
            sheet.tensors[tensor.name] = replace(tensor, origin="")
        return replace(output, source=biased.source, nodes=rest)
    return None


def _moved(sheet: Sheet, base: Source, found: Ranks) -> Source:
    """Emit factors and biases; what the integers stand for is told as that of ``base``."""
    tensor = base.tensor
    assert tensor is not None  # noqa: S101 - by close
    shift, node = bool((found.factors == 1).all()), None
    name = sheet.new_name("bias" if shift else "affine")
    if shift:
        node = Bias(name=name, input=tensor.name, output=name, values=found.bias)
        out = sheet.emit(node, tensor.shape, "")
    else:
        affine = Affine(name=name, input=tensor.name, output=name, factors=found.factors, bias=found.bias)
        out = sheet.emit(affine, tensor.shape, "")
    factors, bias = (
        _of_elements(objects([fraction(int(v)).item() for v in values]), base, tensor)
        for values in (found.factors, found.bias)
    )
    scale = objects(base.scale / factors)
    return replace(
        base, tensor=out, scale=collapse(scale), offset=collapse(objects(base.offset - scale * bias))
    )


def _of_elements(values: Exact, base: Source, tensor: Tensor) -> Exact:
    """Return the values of channels for every element, in the order of the float tensor."""
    repeated = spread(values, tensor.size)
    return repeated if base.order is None else repeated[base.order]


def decision(sheet: Sheet, output: Signal) -> Result | None:
    """Let the hardware decide where the network ends in few whole numbers, element by element; None if it does not."""
    tensor = output.source.tensor
    kinds = {node.op_type for node in output.nodes}
    if (
        tensor is None
        or not kinds & DECIDES
        or not kinds <= ELEMENTWISE | LAYOUT
        or output.size != tensor.size
    ):
        return None
    if int((tensor.high - tensor.low).max()) >= GRID_POINTS_AT_MOST:
        return None
    signal = sheet.signals[output.name]
    whole = True

    def finish(values: Array) -> Array:
        nonlocal whole
        numbers = values.astype(np.float64)
        found = np.nan_to_num(np.rint(numbers), posinf=0, neginf=0)
        whole = whole and np.array_equal(found, numbers) and np.abs(found).max(initial=0) < DECISIONS_AT_MOST
        return np.asarray(np.clip(found, -DECISIONS_AT_MOST, DECISIONS_AT_MOST))

    orders = {name: known.order for name, known in sheet.signals.items()}
    steps = probe(
        sheet.network,
        signal,
        finish,
        uniform_finish=True,
        by_channel=is_by_channel(sheet.network, signal, signal.nodes, orders),
    )
    if not whole:
        return None
    out = sheet.emit_map(tensor, steps, output.name)
    order = signal.order
    sheet.encodings[output.name] = Encoding(scale=np.ones(()), offset=np.zeros(()), order=order)
    shape = batch_shape(sheet.network.shapes[output.name])
    return Result(tensor=out, scale=fraction(1), offset=fraction(0), shape=shape, order=order)


def host_notices(output: Signal, found: Result | None) -> tuple[str, ...]:
    """Say what the host does behind the last integers, where that is more than scaling and moving."""
    kinds = dict.fromkeys(
        node.op_type for node in output.nodes if node.op_type not in AFFINE | LAYOUT | RESHAPING
    )
    if found is not None or not kinds or PICKS & set(kinds):
        return ()
    what = f"{', '.join(kinds)} behind the last integers is left to the host"
    if set(kinds) <= ALONG_AXIS | set(RISING_UP_TO):
        return (f"{what}; the class needs none, because the integers are in the order of what comes of them",)
    if set(kinds) <= ELEMENTWISE:
        return (f"{what}; a quantizer behind it would bring it into the hardware",)
    return (f"{what}; end the network in front of it where there should be no host",)


def _order_kept(sheet: Sheet, values: Signal) -> int:
    """Return 1 (-1) where all channels share one strictly rising (falling) float function, else 0."""
    tensor = values.source.tensor
    operations = {node.op_type for node in values.nodes}
    if tensor is None or not operations <= ELEMENTWISE | LAYOUT or not _uniform_nodes(sheet.network, values):
        return 0
    low, high = int(tensor.low.min()), int(tensor.high.max())
    if high - low >= GRID_POINTS_AT_MOST or values.source.scale.size > 1 or values.source.offset.size > 1:
        return 0
    points = np.arange(low, high + 1, dtype=np.int64)
    grid = np.resize(points, (-(-len(points) // tensor.size), tensor.size))
    reached = float_function(sheet.network, values)(grid)
    reached = reached.reshape(len(grid), -1)
    if values.order is not None:
        return 0
    delta = np.diff(reached.reshape(-1)[: len(points)])
    return 1 if (delta > 0).all() else -1 if (delta < 0).all() else 0


def _uniform_nodes(network: Network, signal: Signal) -> bool:
    return all(
        len(np.unique(network.constants[name])) <= 1
        for node in signal.nodes
        if node.op_type not in LAYOUT
        for name in node.input
        if name in network.constants
    )
