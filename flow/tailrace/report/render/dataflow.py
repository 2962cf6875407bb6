# SPDX-License-Identifier: Apache-2.0
"""The dataflow picture: layers as boxes, streams as arrows, a layered DAG that wraps to rows, in SVG.

Placement: a box's rank is its longest path from an input; edges over several ranks get a joint in every rank
between; the boxes and joints fall into chains, the longest of which keeps the middle lane; the others take
the nearest lane that is free over their ranks. Ranks are broken into rows where few streams cross.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from markupsafe import Markup

from tailrace.report import quantities
from tailrace.report.render.figures import bottlenecks, folding, is_helper

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tailrace.report.records import BuildRecord, Layer, StreamEdge

FEW = 3
"""Up to so many bottlenecks are called one in words; more would only be noise."""

ENGINES = ("folded", "spatial", "binary", "table")

CHANNEL = 22.0
"""Pixels between two streams that run back to the next row side by side."""

ROOMY = 150.0
"""Pixels of a straight run that has room for width and FIFO on one line."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Sizes in pixels: boxes, gaps between ranks and lanes, lanes without boxes (``bare``)."""

    width: float
    vertical: bool = False
    box: Point = (152, 82)
    small: Point = (76, 40)
    gap: float = 88
    lane_gap: float = 22
    margin: float = 30
    bare: float = 22

    def along(self, size: Point) -> float:
        """The extent of a box of ``size`` in the direction of the flow."""
        return size[1] if self.vertical else size[0]

    def across(self, size: Point) -> float:
        """The extent of a box of ``size`` at right angles to the flow."""
        return size[0] if self.vertical else size[1]

    def point(self, along: float, across: float) -> Point:
        """The (x, y) of a place given along and across the flow."""
        return (across, along) if self.vertical else (along, across)


@dataclass(slots=True, kw_only=True)
class Box:
    """A layer, an end of the design, or (``name`` None) a joint of a long edge; placed in steps."""

    name: str | None
    layer: Layer | None = None
    rank: int = 0
    lane: int = 0
    along: float = 0.0
    across: float = 0.0
    size: Point = (0, 0)
    following: list[int] = field(default_factory=list)
    preceding: list[int] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Edge:
    """A stream and the chain of boxes it runs through: source, joints, target."""

    stream: StreamEdge | None
    chain: list[int]


@dataclass(slots=True, kw_only=True)
class Network:
    """The boxes and edges of a report without cycles; ``dropped`` streams would have closed one."""

    boxes: list[Box]
    edges: list[Edge]
    dropped: int = 0
    guessed: bool = False


def network(report: BuildRecord) -> Network:
    """Return the graph of a report; layers in a row where it names no streams (``guessed``)."""
    index = {layer.name: i for i, layer in enumerate(report.layers)}
    boxes = [Box(name=layer.name, layer=layer) for layer in report.layers]
    pairs: list[tuple[str, str, StreamEdge | None]] = [(s.source, s.target, s) for s in report.streams]
    guessed = not pairs
    if guessed:
        names = list(index)
        pairs = [(a, b, None) for a, b in pairwise(names)]
    graph = Network(boxes=boxes, edges=[], guessed=guessed and len(boxes) > 1)
    for source, target, stream in pairs:
        for name in (source, target):
            if name not in index:
                index[name] = len(boxes)
                boxes.append(Box(name=name))
        a, b = index[source], index[target]
        if a == b or reaches(boxes, b, a):
            graph.dropped += 1
            continue
        boxes[a].following.append(b)
        boxes[b].preceding.append(a)
        graph.edges.append(Edge(stream=stream, chain=[a, b]))
    return graph


def reaches(boxes: Sequence[Box], start: int, end: int) -> bool:
    """Return whether a path leads from ``start`` to ``end``."""
    stack, seen = [start], {start}
    while stack:
        for following in boxes[stack.pop()].following:
            if following == end:
                return True
            if following not in seen:
                seen.add(following)
                stack.append(following)
    return False


def rank_boxes(graph: Network) -> None:
    """Set every box's rank to its longest path from an input, and put joints into long edges."""
    waiting = [len(box.preceding) for box in graph.boxes]
    ready = [i for i, count in enumerate(waiting) if not count]
    while ready:
        current = ready.pop(0)
        for following in graph.boxes[current].following:
            graph.boxes[following].rank = max(graph.boxes[following].rank, graph.boxes[current].rank + 1)
            waiting[following] -= 1
            if not waiting[following]:
                ready.append(following)
    for box in graph.boxes:  # an input that is needed late (a constant) stands right in front of its reader
        if not box.preceding and box.following:
            box.rank = min(graph.boxes[following].rank for following in box.following) - 1
    for box in graph.boxes:
        box.following, box.preceding = [], []
    for edge in graph.edges:
        first, last = edge.chain
        chain = [first]
        for rank in range(graph.boxes[first].rank + 1, graph.boxes[last].rank):
            chain.append(len(graph.boxes))
            graph.boxes.append(Box(name=None, rank=rank))
        edge.chain = [*chain, last]
        for a, b in pairwise(edge.chain):
            graph.boxes[a].following.append(b)
            graph.boxes[b].preceding.append(a)


def assign_lanes(graph: Network, *, one_sided: bool = False) -> None:
    """Split the graph into chains; the longest keeps lane 0, the others take the nearest free lane.

    ``one_sided`` uses lanes of one side only, so that the main chain comes first.
    """
    boxes = graph.boxes
    if not boxes:
        return
    last = max(range(len(boxes)), key=lambda i: (boxes[i].rank, -i))
    main = [last]
    while boxes[main[-1]].preceding:
        real = [p for p in boxes[main[-1]].preceding if boxes[p].rank == boxes[main[-1]].rank - 1]
        main.append(min(real, key=lambda i: (boxes[i].name is None, i)))
    done = set(main)
    taken: dict[int, list[tuple[int, int]]] = {0: [(boxes[main[-1]].rank, boxes[last].rank)]}
    for start in sorted(range(len(boxes)), key=lambda i: (boxes[i].rank, boxes[i].name is None, i)):
        if start in done:
            continue
        chain = [start]
        done.add(start)
        while fresh := [i for i in boxes[chain[-1]].following if i not in done]:
            chain.append(min(fresh, key=lambda i: (boxes[i].name is None, i)))
            done.add(chain[-1])
        span = (boxes[chain[0]].rank, boxes[chain[-1]].rank)
        above = all(boxes[i].name is None for i in chain)  # a stream that skips passes over the boxes
        lane = free_lane(taken, span, above=above, one_sided=one_sided)
        taken.setdefault(lane, []).append(span)
        for i in chain:
            boxes[i].lane = lane


def free_lane(
    taken: dict[int, list[tuple[int, int]]], span: tuple[int, int], *, above: bool, one_sided: bool
) -> int:
    """Return the lane next to the middle that is free over the ranks of ``span``."""
    distance = 0
    while True:
        sides = (distance, -distance) if not above else (-distance, distance)
        for lane in (distance,) if one_sided else sides:
            if all(span[1] < low or high < span[0] for low, high in taken.get(lane, [])):
                return lane
        distance += 1


def break_rows(graph: Network, widths: Sequence[float], shape: Shape) -> list[int]:
    """Return the first rank of every row: rows fit the width, are few, and break where few streams cross."""
    room = shape.width - 2 * shape.margin
    count = len(widths)
    if shape.vertical or not count:
        return [0]
    crossing = [0] * (count + 1)
    for edge in graph.edges:
        for box in edge.chain[1:]:
            crossing[graph.boxes[box].rank] += 1
    best: list[tuple[float, int]] = [(0.0, 0)] + [(float("inf"), 0)] * count
    for end in range(1, count + 1):
        used = -shape.gap
        for start in range(end - 1, -1, -1):
            used += widths[start] + shape.gap
            if used > room and start < end - 1:
                break
            slack = max(0.0, room - used) / room
            cost = best[start][0] + 0.6 + slack**2 + (0.8 * (crossing[start] - 1) if start else 0.0)
            if cost < best[end][0]:
                best[end] = (cost, start)
    starts, end = [], count
    while end:
        end = best[end][1]
        starts.append(end)
    return starts[::-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where everything is: row of each rank, lowest across coordinate of each row, size of the picture."""

    margin: float
    row_of: list[int]
    row_end: list[float]
    row_bottom: list[float]
    size: Point


def place(graph: Network, shape: Shape) -> Placement:
    """Set the coordinates of all boxes."""
    boxes = graph.boxes
    for box in boxes:
        if box.name is not None:
            small = box.layer is None or is_helper(box.layer)
            box.size = shape.small if small else shape.box
    ranks = 1 + max((box.rank for box in boxes), default=-1)
    widths = [0.0] * ranks
    for box in boxes:
        widths[box.rank] = max(widths[box.rank], shape.along(box.size))
    starts = break_rows(graph, widths, shape)
    row_of = [sum(start <= rank for start in starts) - 1 for rank in range(ranks)]
    row_end, row_bottom = [0.0] * len(starts), [0.0] * len(starts)
    wraps = wrapping(graph, row_of)
    margin = shape.margin + 6 * max(0, max((len(edges) for edges in wraps.values()), default=0) - 2)
    top = 16.0
    for row, start in enumerate(starts):
        stop = starts[row + 1] if row + 1 < len(starts) else ranks
        members = [box for box in boxes if start <= box.rank < stop]
        heights: dict[int, float] = {}
        for box in members:
            heights[box.lane] = max(heights.get(box.lane, shape.bare), shape.across(box.size))
        middles: dict[int, float] = {}
        for lane in sorted(heights):
            middles[lane] = top + heights[lane] / 2
            top += heights[lane] + shape.lane_gap
        row_bottom[row] = top - shape.lane_gap
        at = 12.0 if shape.vertical else margin
        lefts: dict[int, float] = {}
        for rank in range(start, stop):
            lefts[rank] = at + widths[rank] / 2
            at += widths[rank] + shape.gap
        row_end[row] = at - shape.gap
        for box in members:
            box.along, box.across = lefts[box.rank], middles[box.lane]
        wrapped = len(wraps.get(row, []))
        top = row_bottom[row] + 46 + CHANNEL * max(0, wrapped - 1)
    end = max(row_end, default=0.0)
    if shape.vertical:
        size = (max(row_bottom, default=0.0) + 16, end + 12)
    else:
        size = (end + margin, max(row_bottom, default=0.0) + 16)
    return Placement(margin=margin, row_of=row_of, row_end=row_end, row_bottom=row_bottom, size=size)


def entries(graph: Network, shape: Shape) -> dict[tuple[int, int], float]:
    """Return where across its target each edge (index, target) comes in, relative to the middle."""
    offsets: dict[tuple[int, int], float] = {}
    arriving: dict[int, list[int]] = {}
    for i, edge in enumerate(graph.edges):
        arriving.setdefault(edge.chain[-1], []).append(i)
    for target, edges in arriving.items():
        box = graph.boxes[target]
        step = min(22.0, shape.across(box.size) / (len(edges) + 1))
        level = [i for i in edges if graph.boxes[graph.edges[i].chain[-2]].lane == box.lane]
        above = [i for i in edges if graph.boxes[graph.edges[i].chain[-2]].lane < box.lane]
        below = [i for i in edges if graph.boxes[graph.edges[i].chain[-2]].lane > box.lane]
        above.sort(key=lambda i: graph.boxes[graph.edges[i].chain[-2]].lane)
        below.sort(key=lambda i: graph.boxes[graph.edges[i].chain[-2]].lane)
        order = [*above, *level, *below]
        if len(level) == 1:
            middle = len(above)
        elif not level and (not above or not below):
            middle = 0 if below else len(order) - 1  # a lone neighbour's edge comes in at the middle
        else:
            middle = (len(order) - 1) // 2
        for place_, i in enumerate(order):
            offsets[i, target] = step * (place_ - middle)
    return offsets


def route(graph: Network, placement: Placement, shape: Shape) -> list[list[Point]]:
    """Return the corners of every edge, along and across, at right angles from source to target."""
    boxes = graph.boxes
    offsets = entries(graph, shape)
    joins = join_tracks(graph)
    trunks: dict[int, list[int]] = {}
    wraps = wrapping(graph, placement.row_of)
    lines: list[list[Point]] = []
    leaving = [len(box.following) for box in boxes]
    for i, edge in enumerate(graph.edges):
        first = boxes[edge.chain[0]]
        at = (first.along + shape.along(first.size) / 2, first.across)
        line = [at]
        for a, b in pairwise(edge.chain):
            source, target = boxes[a], boxes[b]
            goal_across = target.across + offsets.get((i, b), 0.0)
            goal_along = target.along - shape.along(target.size) / 2
            row = placement.row_of[source.rank]
            if placement.row_of[target.rank] != row:
                order = wraps[row]
                k = order.index(i)
                right = placement.row_end[row] + 14 + 6 * k
                channel = placement.row_bottom[row] + 24 + CHANNEL * k
                back = placement.margin - 14 - 6 * (len(order) - 1 - k)
                line += [(right, line[-1][1]), (right, channel), (back, channel), (back, goal_across)]
            elif abs(goal_across - line[-1][1]) > 0.5:
                if leaving[a] > 1:
                    forks = trunks.setdefault(source.rank, [])
                    if a not in forks:
                        forks.append(a)
                    trunk = rank_end(boxes, source.rank, shape) + 16 + 8 * forks.index(a)
                else:
                    trunk = (
                        rank_begin(boxes, target.rank, shape) - (14 if shape.vertical else 22) - 8 * joins[i]
                    )
                    trunk = max(trunk, rank_end(boxes, source.rank, shape) + 6)
                line += [(trunk, line[-1][1]), (trunk, goal_across)]
            line.append((goal_along, goal_across))
        lines.append(tidy(line))
    return lines


def join_tracks(graph: Network) -> dict[int, int]:
    """Return for each edge how far before its target it turns: one that comes from afar turns last.

    So edges that meet at a target run side by side, and cross neither each other nor those to other targets.
    """
    arriving: dict[int, list[int]] = {}
    for i, edge in enumerate(graph.edges):
        arriving.setdefault(edge.chain[-1], []).append(i)
    base: dict[int, int] = {}
    found: dict[int, int] = {}
    for target, edges in arriving.items():
        lane, rank = graph.boxes[target].lane, graph.boxes[target].rank
        away = {i: graph.boxes[graph.edges[i].chain[-2]].lane - lane for i in edges}
        for side in (-1, 0, 1):
            members = sorted(
                (i for i in edges if (away[i] > 0) - (away[i] < 0) == side), key=lambda i: -abs(away[i])
            )
            for step, i in enumerate(members):
                found[i] = base.get(rank, 0) + step
        base[rank] = max(found[i] for i in edges) + 1
    return found


def wrapping(graph: Network, row_of: Sequence[int]) -> dict[int, list[int]]:
    """Return the edges that leave each row for the next, the lowest first: nested like that, none crosses."""
    found: dict[int, list[tuple[int, int]]] = {}
    for i, edge in enumerate(graph.edges):
        for a, b in pairwise(edge.chain):
            row = row_of[graph.boxes[a].rank]
            if row_of[graph.boxes[b].rank] != row:
                found.setdefault(row, []).append((-graph.boxes[a].lane, i))
    return {row: [i for _, i in sorted(edges)] for row, edges in found.items()}


def rank_end(boxes: Iterable[Box], rank: int, shape: Shape) -> float:
    """Return where the widest box of a rank ends."""
    return max(box.along + shape.along(box.size) / 2 for box in boxes if box.rank == rank)


def rank_begin(boxes: Iterable[Box], rank: int, shape: Shape) -> float:
    """Return where the widest box of a rank begins."""
    return min(box.along - shape.along(box.size) / 2 for box in boxes if box.rank == rank)


def tidy(line: list[Point]) -> list[Point]:
    """Return ``line`` without repeated points and without points in the middle of a straight run."""
    kept: list[Point] = []
    for point in line:
        if kept and abs(kept[-1][0] - point[0]) < 0.01 and abs(kept[-1][1] - point[1]) < 0.01:
            continue
        if len(kept) > 1 and any(
            abs(kept[-2][axis] - kept[-1][axis]) < 0.01 and abs(kept[-1][axis] - point[axis]) < 0.01
            for axis in (0, 1)
        ):
            kept.pop()
        kept.append(point)
    return kept


def number(value: float) -> str:
    """Return a coordinate, short and always the same."""
    return f"{value:.1f}".removesuffix(".0")


def rounded(points: Sequence[Point], radius: float = 7) -> str:
    """Return the SVG path through ``points`` with round corners."""
    parts = [f"M{number(points[0][0])} {number(points[0][1])}"]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        start = towards(corner, before, radius)
        stop = towards(corner, after, radius)
        parts.append(
            f"L{number(start[0])} {number(start[1])}Q{number(corner[0])} {number(corner[1])} "
            f"{number(stop[0])} {number(stop[1])}"
        )
    parts.append(f"L{number(points[-1][0])} {number(points[-1][1])}")
    return "".join(parts)


def towards(corner: Point, other: Point, radius: float) -> Point:
    """Return the point ``radius`` (at most half way) from ``corner`` towards ``other``."""
    length = max(abs(other[0] - corner[0]), abs(other[1] - corner[1]))
    share = min(radius, length / 2) / length if length else 0.0
    return (corner[0] + (other[0] - corner[0]) * share, corner[1] + (other[1] - corner[1]) * share)


def shorten(text: str, room: float, glyph: float) -> str:
    """Return ``text`` cut in its middle so that it fits ``room`` pixels at ``glyph`` pixels per character."""
    most = max(3, int(room / glyph))
    if len(text) <= most:
        return text
    head = (most - 1) // 2
    return f"{text[:head]}…{text[len(text) - (most - 1 - head) :]}"


def words_of(stream: StreamEdge) -> str | None:
    """Return the width of a stream as ``8 × 12 b``, lanes times bits."""
    if stream.lanes is None and stream.bits is None:
        return None
    if stream.bits is None:
        return f"{stream.lanes} lanes"
    return f"{'?' if stream.lanes is None else stream.lanes} × {stream.bits} b"


def draw(report: BuildRecord, shape: Shape) -> Markup:
    """Return the picture as an SVG element; its colours come from the classes of the page."""
    graph = network(report)
    if not graph.boxes:
        return Markup("")
    rank_boxes(graph)
    assign_lanes(graph, one_sided=shape.vertical)
    placement = place(graph, shape)
    lines = route(graph, placement, shape)
    slow = bottlenecks(report)
    width, height = placement.size
    title = f"Dataflow of {report.model.name}: {len(report.layers)} layers, {len(graph.edges)} streams"
    parts = [
        Markup(
            '<svg class="flow" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}">'
        ).format(number(width), number(height), number(width), number(height), title)
    ]
    parts += [draw_edge(edge, line, shape) for edge, line in zip(graph.edges, lines, strict=True)]
    parts += draw_forks(graph, lines, shape)
    parts += [
        label_edge(edge, line, shape, forked=len(graph.boxes[edge.chain[0]].following) > 1)
        for edge, line in zip(graph.edges, lines, strict=True)
    ]
    parts += [
        draw_box(box, shape, slow=box.name in slow, pill=len(slow) <= FEW)
        for box in graph.boxes
        if box.name is not None
    ]
    return Markup("").join([*parts, Markup("</svg>")])


def draw_edge(edge: Edge, line: Sequence[Point], shape: Shape) -> Markup:
    """Return the line and the arrow head of an edge."""
    points = [shape.point(*point) for point in line]
    (bx, by), (ex, ey) = points[-2], points[-1]
    ux, uy = (ex > bx) - (ex < bx), (ey > by) - (ey < by)
    head = " ".join(
        f"{number(x)},{number(y)}"
        for x, y in (
            (ex, ey),
            (ex - 8 * ux + 4 * uy, ey - 8 * uy + 4 * ux),
            (ex - 8 * ux - 4 * uy, ey - 8 * uy - 4 * ux),
        )
    )
    points[-1] = (ex - 6 * ux, ey - 6 * uy)
    style = " guessed" if edge.stream is None else ""
    return Markup('<path class="wire{}" d="{}"/><polygon class="head" points="{}"/>').format(
        style, rounded(points), head
    )


def draw_forks(graph: Network, lines: Sequence[Sequence[Point]], shape: Shape) -> list[Markup]:
    """Return the dots where a stream splits."""
    dots: list[Point] = []
    for index, box in enumerate(graph.boxes):
        branches = [line for edge, line in zip(graph.edges, lines, strict=True) if edge.chain[0] == index]
        if box.name is None or len(branches) < 2:
            continue
        corners = [line[1] for line in branches if len(line) > 2]
        if corners:
            dots.append(shape.point(*min(corners)))
    return [
        Markup('<circle class="dot" cx="{}" cy="{}" r="3"/>').format(number(x), number(y)) for x, y in dots
    ]


def label_edge(edge: Edge, line: Sequence[Point], shape: Shape, *, forked: bool) -> Markup:
    """Return the stream width beside the longest straight run of an edge, and its FIFO if it is deep."""
    text = words_of(edge.stream) if edge.stream is not None else None
    if text is None or edge.stream is None:
        return Markup("")
    runs = [(a, b) for a, b in pairwise(line) if abs(a[1] - b[1]) < 0.01]
    a, b = max(runs, key=lambda run: abs(run[0][0] - run[1][0]))
    middle = (a[0] + b[0]) / 2 - (3 if b is line[-1] or b == line[-1] else 0)
    if forked and len(line) == 2:
        middle += 8  # behind the dot where the others leave
    x, y = shape.point(middle, a[1])
    depth = edge.stream.depth
    fifo = f"FIFO {depth:,}" if depth is not None and depth > 2 else None
    if shape.vertical:
        y -= (7 if fifo else 0) + (0 if forked else 5)
        second = (
            Markup('<tspan class="fifo" x="{}" dy="13">{}</tspan>').format(number(x + 8), fifo)
            if fifo
            else Markup("")
        )
        return Markup('<text class="stream" x="{}" y="{}">{}{}</text>').format(
            number(x + 8), number(y + 3.5), text, second
        )
    parts = [
        Markup('<text class="stream" text-anchor="middle" x="{}" y="{}">{}').format(
            number(x), number(y - 6), text
        )
    ]
    if fifo and abs(a[0] - b[0]) > ROOMY:
        parts.append(Markup('<tspan class="fifo" dx="8">{}</tspan>').format(fifo))
    parts.append(Markup("</text>"))
    if fifo and abs(a[0] - b[0]) <= ROOMY:
        parts.append(
            Markup('<text class="stream fifo" text-anchor="middle" x="{}" y="{}">{}</text>').format(
                number(x), number(y + 14), fifo
            )
        )
    return Markup("").join(parts)


def cycles_of(layer: Layer) -> str:
    """Return the interval of a layer in words."""
    if layer.interval_cycles is None:
        return "cycles —"
    return f"{quantities.count(layer.interval_cycles)} cycle{'' if layer.interval_cycles == 1 else 's'}"


def draw_box(box: Box, shape: Shape, *, slow: bool, pill: bool) -> Markup:
    """Return a box: a layer with block, folding, interval and load; a small one; or an end of the design."""
    x, y = shape.point(box.along, box.across)
    w, h = box.size
    left, top = x - w / 2, y - h / 2
    name = box.name or ""
    layer = box.layer
    if layer is None:
        return Markup(
            '<g><title>{}</title><rect class="end" x="{}" y="{}" width="{}" height="{}" rx="{}"/>'
            '<text class="name" text-anchor="middle" x="{}" y="{}">{}</text></g>'
        ).format(
            name,
            *map(number, (left, top + 5, w, h - 10, (h - 10) / 2, x, y + 4)),
            shorten(name, w - 14, 7.2),
        )
    tooltip = f"{name}: {layer.block}, {cycles_of(layer)} per frame"
    if is_helper(layer):
        return Markup(
            '<g><title>{}</title><rect class="box small{}" x="{}" y="{}" width="{}" height="{}" rx="6"/>'
            '<text class="name" text-anchor="middle" x="{}" y="{}">{}</text>'
            '<text class="block" text-anchor="middle" x="{}" y="{}">{}</text></g>'
        ).format(
            tooltip,
            " slow" if slow else "",
            *map(number, (left, top, w, h, x, y - 3)),
            shorten(name, w - 10, 7.2),
            *map(number, (x, y + 11)),
            shorten(layer.block, w - 10, 6.2),
        )
    engine = layer.engine if layer.engine in ENGINES else "none"
    folded = folding(layer)
    middle = f"{folded} per cycle" if folded is not None else "folding —"
    if layer.engine == "spatial":
        middle = "fully parallel" if folded is None else f"{folded} parallel"
    cycles = cycles_of(layer)
    load = layer.utilization
    long = len(name) * 8.4 > w - 24
    texts = [
        (
            "name long" if long else "name",
            left + 14,
            top + 21,
            "start",
            shorten(name, w - 24, 7.4 if long else 8.4),
        ),
        ("block", left + 14, top + 37, "start", shorten(layer.block, w - 24, 6.4)),
        ("fold", left + 14, top + 53, "start", shorten(middle, w - 24, 6.0)),
        ("cycles", left + 14, top + 69, "start", cycles),
    ]
    if load is not None and 7.4 * len(cycles) + 6.4 * len(quantities.percent(load)) < w - 24:
        texts.append(("fold", left + w - 10, top + 69, "end", quantities.percent(load)))
    parts = [
        Markup('<g class="layer{}"><title>{}</title>').format(" slow" if slow else "", tooltip),
        Markup('<rect class="box" x="{}" y="{}" width="{}" height="{}" rx="8"/>').format(
            *map(number, (left, top, w, h))
        ),
        Markup('<path class="engine {}" d="M{} {}v{}"/>').format(
            engine, number(left + 5), number(top + 10), number(h - 20)
        ),
    ]
    parts += [
        Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
            kind, number(tx), number(ty), anchor, text
        )
        for kind, tx, ty, anchor, text in texts
    ]
    if load is not None:
        track = w - 24
        parts.append(
            Markup(
                '<rect class="track" x="{0}" y="{1}" width="{2}" height="3" rx="1.5"/>'
                '<rect class="load" x="{0}" y="{1}" width="{3}" height="3" rx="1.5"/>'
            ).format(number(left + 14), number(top + 74), number(track), number(track * min(1.0, load)))
        )
    if slow and pill:
        parts.append(
            Markup(
                '<rect class="pill" x="{}" y="{}" width="70" height="15" rx="7.5"/>'
                '<text class="pilltext" x="{}" y="{}" text-anchor="middle">bottleneck</text>'
            ).format(number(left + w - 78), number(top - 8), number(left + w - 43), number(top + 3))
        )
    return Markup("").join([*parts, Markup("</g>")])
