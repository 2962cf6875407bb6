# SPDX-License-Identifier: Apache-2.0
"""Markdown, HTML, CSV, comparisons and the terminal table: what they must show, and golden files."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from report.report_samples import SAMPLES, failing, missed_clock, mlp, residual
from tailrace.report import quantities
from tailrace.report.render import dataflow, figures, markdown
from tailrace.report.render.compare import LATENCY, marks, pictures, series
from tailrace.report.render.figures import State
from tailrace.report.render.html import MEDIUM, NARROW, WIDE
from tailrace.report.render.output import SUFFIXES, render
from tailrace.report.render.plot import Mark, axis, fronts, pareto
from tailrace.report.render.table import layer_table, summary
from tailrace.report.schema import Check, Layer, Model, Performance, Report, StreamEdge, Target, Verify

EVIL = "<script>alert('x')</script> & \"q\" | `b` *c* ]]> \n\x1b[31m"
SHAPES = {"wide": WIDE, "medium": MEDIUM, "narrow": NARROW}


class Page(HTMLParser):
    """Collects the tags and text of a page and checks that they nest."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def evil() -> Report:
    good = mlp()
    layers = (replace(good.layers[0], name=EVIL, block=EVIL, engine=EVIL), *good.layers[1:])
    return replace(
        good,
        model=Model(name=EVIL, sha256=EVIL, ops={EVIL: 1}),
        target=replace(good.target, part=EVIL),
        layers=layers,
        streams=(StreamEdge(source=EVIL, target="dense_1", lanes=1, bits=1, words=1, depth=99),),
        notices=(EVIL,),
        seconds={EVIL: 1.0},
        commands=(EVIL,),
        bitstream=EVIL,
        verify=Verify(software=Check(vectors=1, mismatches=0, reference=EVIL, extra={EVIL: EVIL})),
    )


@pytest.mark.parametrize("suffix", [".md", ".csv"])
@pytest.mark.parametrize("name", ["mlp", "comparison"])
def test_text_matches_its_golden_file(name, suffix, golden):
    reports = [mlp()] if name == "mlp" else [mlp(), missed_clock(), failing(), residual()]
    golden(f"{name}{suffix}", render(reports, suffix))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", SAMPLES)
def test_two_renderings_are_the_same_bytes(name, suffix):
    assert render([SAMPLES[name]()], suffix) == render([SAMPLES[name]()], suffix)
    both = [SAMPLES[name](), missed_clock()]
    assert render(both, suffix) == render([SAMPLES[name](), missed_clock()], suffix)


@pytest.mark.parametrize("make", [*SAMPLES.values(), evil])
def test_a_page_is_well_nested_and_stands_alone(make):
    for reports in ([make()], [make(), make()]):
        text = render(reports, ".html")
        page = Page(text)
        assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
        assert not re.search(r"url\(|@import|https?:", text)
        assert not {name for name, _ in page.attributes} & {"src", "href", "onclick", "onload", "id"}


def test_names_are_escaped_in_html():
    text = render([evil()], ".html")
    assert "<script" not in text
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &#34;q&#34;" in text
    assert "<script>alert('x')</script> & \"q\"" in Page(text).text
    assert "<script" not in render([evil(), mlp()], ".html")


def test_names_cannot_break_markdown():
    text = render([evil()], ".md")
    assert "<script" not in re.sub(r"(`+).*?\1", "", text, flags=re.DOTALL).replace("\\<script", "")
    for table in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        lines = [re.sub(r"\\\|", "", line) for line in table.splitlines()]
        assert len({line.count("|") for line in lines}) == 1


def test_code_spans_hold_backticks_and_pipes():
    assert markdown.code("a`b|c") == "`` a`b\\|c ``"
    assert markdown.code("dense_0") == "`dense_0`"
    assert markdown.text("my_model <v2> *x*") == "my_model \\<v2\\> \\*x\\*"


def test_the_verdict_needs_all_four_equalities():
    good = mlp()
    assert figures.verdict(good).state is State.PASSED
    for key in ("software", "hls", "rtl", "netlist"):
        for check in (None, Check(), Check(vectors=0, mismatches=0), Check(vectors=5)):
            found = figures.verdict(replace(good, verify=replace(good.verify, **{key: check})))
            assert found.state is State.NOT_RUN
            assert (found.passed, found.wanted) == (3, 4)
        found = figures.verdict(
            replace(good, verify=replace(good.verify, **{key: Check(vectors=9, mismatches=1)}))
        )
        assert found.state is State.FAILED


def test_what_was_not_emitted_is_not_asked_for():
    report = mlp()
    for backends, left, said in (
        (("rtl",), ["software", "rtl", "netlist"], "All three equalities"),
        (("hls",), ["software", "hls"], "All two equalities"),
        (("rtl", "hls"), ["software", "hls", "rtl", "netlist"], "All four equalities"),
    ):
        verify = replace(report.verify, **{key: None for key in ("hls", "rtl", "netlist") if key not in left})
        only = replace(report, backends=backends, verify=verify)
        assert [equality.key for equality in figures.equalities(only)] == left
        assert figures.verdict(only).sentence.startswith(said)
    half = replace(report, backends=("rtl",), verify=replace(report.verify, hls=None))
    for suffix in (".md", ".html"):
        assert "HLS" not in render([half], suffix)
    found = replace(
        report, backends=("rtl",), verify=replace(report.verify, hls=Check(vectors=1, mismatches=1))
    )
    assert figures.verdict(found).state is State.FAILED


def test_a_mismatch_without_a_count_of_vectors_is_still_a_failure():
    assert figures.state_of(Check(mismatches=2)) is State.FAILED


def test_the_page_shows_how_each_check_ended():
    good, half, bad = (Page(render([make()], ".html")).text for make in (mlp, residual, failing))
    assert "Equal to the last bit" in good
    assert "0 mismatches in 1,024 vectors" in good
    assert "failed" not in good
    assert "not run" not in good
    assert "Not proven yet" in half
    assert "— this check did not run" in half
    assert "Not equal" in bad
    assert "37 mismatches in 1,024 vectors" in bad
    assert "dense_1[12, 5] is -38 , expected -41" in bad


def test_what_was_not_measured_never_shows_as_zero():
    empty = Report(
        tailrace="0.1.0",
        model=Model(name="m"),
        target=Target(part="p"),
        layers=(Layer(name="a", block="b"), Layer(name="c", block="threshold")),
    )
    for suffix in (".md", ".html"):
        text = render([empty], suffix)
        words = Page(text).text if suffix == ".html" else text
        found = re.findall(r"(?<![\w.,])0(?![\w.,])", words.replace("0 of 4", ""))
        assert found == []
    row = next(csv.DictReader(io.StringIO(render([empty], ".csv"))))
    known = {"build", "model", "tailrace", "part", "layers", "verdict", "equalities"}
    assert {key for key, value in row.items() if value} == known


def test_a_sum_of_estimates_is_never_partial():
    report = residual()
    assert figures.estimated_cells(report)["lut"] is None
    full = replace(report, layers=tuple(layer for layer in report.layers if layer.name != "pool"))
    assert figures.estimated_cells(full)["lut"] == round(sum(layer.lut for layer in full.layers), 6)


def test_the_page_says_what_a_lut_is_and_what_place_and_route_took():
    for suffix in (".md", ".html"):
        words = Page(render([mlp()], suffix)).text if suffix == ".html" else render([mlp()], suffix)
        assert "A LUT here is a LUT4; a carry cell" in words
        assert "Placed by nextpnr-ecp5 0.11, with the harness" in words
        assert "USRMCLK" not in words
    assert "| `TRELLIS_COMB` | 8,004 | 83,640 | 9.57 % |" in render([mlp()], ".md")
    assert "| `TRELLIS_FF` | 4,601 | — | — |" in render([mlp()], ".md")
    unplaced = replace(mlp(), timing=None, target=replace(mlp().target, part="of tomorrow"))
    for suffix in (".md", ".html"):
        text = render([unplaced], suffix)
        assert "A LUT here" not in text
        assert "Placed by" not in text


def test_a_share_over_the_whole_part_is_shown_as_such():
    report = mlp()
    report = replace(report, synth=replace(report.synth, lut=167_280))
    text = render([report], ".html")
    assert "200 %" in text
    assert 'class="gauge over"' in text


def test_csv_has_one_row_per_report_with_raw_numbers():
    rows = list(csv.DictReader(io.StringIO(render([mlp(), failing(), residual()], ".csv"))))
    assert [row["build"] for row in rows] == ["digits_mlp", "digits_mlp <draft & broken>", "residual_tiny"]
    assert [row["verdict"] for row in rows] == ["passed", "failed", "not run"]
    assert [row["fps"] for row in rows] == ["781250.0", "", "4069.0104166666665"]
    assert [row["lut"] for row in rows] == ["7118", "", ""]
    assert [row["estimated_lut"] for row in rows] == ["7557.5", "7557.5", ""]
    assert rows[0]["latency_ns"] == "3110.0"
    assert rows[0]["timing_met"] == "true"
    assert rows[1]["rtl_mismatches"] == "37"


def test_equal_names_are_told_apart_in_csv_and_own_names_win():
    rows = list(csv.DictReader(io.StringIO(render([mlp(), mlp()], ".csv"))))
    assert [row["build"] for row in rows] == ["digits_mlp #1", "digits_mlp #2"]
    rows = list(csv.DictReader(io.StringIO(render([mlp(), mlp()], ".csv", ["slow", "fast"]))))
    assert [row["build"] for row in rows] == ["slow", "fast"]


def test_a_comparison_gives_ratios_to_the_first_build():
    text = render([mlp(), missed_clock()], ".md")
    assert "| 2.34 M fps (×3) | 64 (×0.5) | 203 (×0.653) |" in text
    assert "12,904 (×1.81)" in text
    assert "150 MHz (missed)" in text
    page = render([mlp(), missed_clock()], ".html")
    assert re.search(r'12,904\s*<small class="worse">×1.81</small>', page)
    assert re.search(r'2.34 M fps\s*<small class="better">×3</small>', page)


def test_estimates_are_never_put_in_a_ratio_with_measured_counts():
    estimated = replace(mlp(), synth=None)
    assert "| ~7,560 |" in render([mlp(), estimated], ".md")
    assert "| ~7,560 (×1) |" in render([estimated, estimated], ".md")


def test_a_comparison_says_what_was_asked_for_and_writes_small_ratios_as_fractions():
    tenth = replace(mlp(), target=replace(mlp().target, fps=None, latency_cycles=400))
    slow = replace(mlp().performance, interval_cycles=262_400, fps=381.0975609756098)
    text = render([mlp(), replace(tenth, performance=slow)], ".md")
    assert "| Rate asked for | Throughput | Interval | Latency asked for |" in text
    assert "| 750 k fps | 781 k fps | 128 | — |" in text
    assert "| — | 381 fps (÷2,050) | 262,400 (×2,050) | 400 |" in text


@pytest.mark.parametrize(
    ("value", "first", "said"),
    [(1, 2, "×0.5"), (0.1, 1, "×0.1"), (1, 2050, "÷2,050"), (0, 5, "×0"), (7, 0, None), (None, 1, None)],
)
def test_ratios_can_be_read(value, first, said):
    assert quantities.ratio(value, first) == said


def mark(number, x, y, **more) -> Mark:
    """A point of a plot."""
    return Mark(number=number, name="", x=x, y=y, **{"synthesized": True, "series": "ecp5", **more})


def test_the_pareto_front_leaves_out_what_is_beaten_or_failed():
    marks = [mark(1, 10, 100), mark(2, 20, 50), mark(3, 20, 60), mark(4, 30, 50), mark(5, 5, 5, failed=True)]
    assert [found.number for found in pareto(marks)] == [1, 2]
    assert [found.number for found in pareto(marks, more_x=True)] == [4]


def test_equal_builds_do_not_beat_each_other():
    assert [found.number for found in pareto([mark(1, 5, 5), mark(2, 5, 5), mark(3, 5, 6)])] == [1, 2]


def test_parts_of_different_families_are_never_on_one_front():
    marks = [mark(1, 10, 100), mark(2, 20, 50, series="xcup"), mark(3, 30, 40)]
    assert {
        series: [found.number for found in front] for series, front in fronts(marks, LATENCY).items()
    } == {
        "ecp5": [1, 3],
        "xcup": [2],
    }
    small = replace(mlp(), target=replace(mlp().target, part="ecp5-25k"))
    other = replace(mlp(), target=replace(mlp().target, part="xczu7ev"))
    unknown = replace(mlp(), target=replace(mlp().target, part="of tomorrow"))
    assert [series(each) for each in (mlp(), small, other, unknown)] == [
        "ecp5",
        "ecp5",
        "xcup",
        "of tomorrow",
    ]


def test_the_front_is_drawn_over_time_and_at_the_clock_that_was_reached():
    slow = replace(
        mlp(),
        target=replace(mlp().target, clock_mhz=25.0),
        performance=replace(mlp().performance, interval_cycles=100, fps=250_000.0, latency_cycles=200),
        synth=replace(mlp().synth, lut=7200),
    )
    (rate, latency) = pictures([mlp(), slow, missed_clock()], None)
    points, _ = marks([mlp(), slow, missed_clock()], None, figures.reached_fps)
    assert [point.x for point in points] == [781_250.0, 250_000.0, 2_343_750.0 * 118.9 / 150.0]
    assert rate.beaten  # fewer cycles than the first build, but at a quarter of its clock, and more LUTs
    assert "Frames per second" in rate.wide
    assert "7,118 LUT, 3.11 µs latency, ecp5" in latency.wide
    assert figures.reached_latency_seconds(missed_clock()) == 203 / 118.9e6
    assert pictures([replace(mlp(), performance=Performance())] * 2, None) == []


def test_two_builds_are_compared_layer_by_layer():
    first = mlp()
    layers = (
        replace(first.layers[0], pe=16, interval_cycles=64, synth=replace(first.layers[0].synth, lut=9000)),
        *first.layers[1:-1],
        replace(first.layers[-1], name="dense_new"),
    )
    second = replace(first, layers=layers)
    text = render([first, second], ".md")
    assert "## Layer by layer" in text
    assert (
        "| `dense_0` | `dense_folded` | 8 × 49 → 16 × 49 | 128 → 64 (-64) | 4,893 → 9,000 (+4,107) | 3,304 |"
        in text
    )
    assert "| `dense_3` | `dense_folded` → — | 2 × 8 → — | 20 → — | 251 → — |" in text
    assert "| `dense_new` | — → `dense_folded` |" in text
    assert "5 layers are the same in both builds." in text
    page = Page(render([first, second], ".html")).text
    assert "4,893 → 9,000 +4,107" in page
    assert "Layer by layer" not in render([first, second, second], ".md")
    unsynthesized = replace(second, layers=(replace(layers[0], synth=None), *layers[1:]))
    assert "| 4,893 → ~5,200 |" in render([first, unsynthesized], ".md")


@pytest.mark.parametrize("values", [[5.0], [0.0], [1, 2], [1, 1000], [0, 7118], [3, 3e9], [0.001, 0.0011]])
def test_axes_hold_their_values_and_have_ticks(values):
    found = axis(values, 0.0, 100.0)
    assert all(0 <= found.at(value) <= 100 for value in values)
    assert 1 <= len(found.ticks()) <= 10


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("make", [*SAMPLES.values(), evil])
def test_the_picture_is_xml_with_every_layer_inside_and_none_over_another(make, shape):
    report = make()
    text = re.sub(r"[\x00-\x08\x1b]", "", str(dataflow.draw(report, SHAPES[shape])))
    svg = ET.fromstring(text)  # noqa: S314  # our own text
    width, height = float(svg.get("width")), float(svg.get("height"))
    if shape != "narrow" or make is not evil:  # layers without streams stand side by side
        assert width <= SHAPES[shape].width
    boxes = [rect for rect in svg.iter("rect") if rect.get("class", "").split()[0] in ("box", "end")]
    ends = {name for stream in report.streams for name in (stream.source, stream.target)}
    assert len(boxes) == len(ends | {layer.name for layer in report.layers})
    areas = []
    for box in boxes:
        x, y, w, h = (float(box.get(key)) for key in ("x", "y", "width", "height"))
        assert x >= 0
        assert y >= 0
        assert x + w <= width
        assert y + h <= height
        areas.append((x, y, x + w, y + h))
    for i, a in enumerate(areas):
        for b in areas[:i]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
    points = [tuple(map(float, p)) for path in svg.iter("path") if path.get("class") == "wire"
              for p in re.findall(r"(-?[\d.]+) (-?[\d.]+)", path.get("d"))]  # fmt: skip
    assert all(0 <= x <= width and 0 <= y <= height for x, y in points)


def random_dag(seed: int, layers: int) -> Report:
    import random  # noqa: PLC0415

    draw = random.Random(seed)
    streams = [
        StreamEdge(source=f"l{draw.randrange(max(0, i - 6), i)}", target=f"l{i}", lanes=1, bits=i)
        for i in range(1, layers)
        for _ in range(draw.choice((1, 1, 1, 2)))
    ]
    return Report(
        tailrace="0.1.0",
        model=Model(name="random"),
        target=Target(part="p"),
        layers=tuple(Layer(name=f"l{i}", block=draw.choice(("fork", "dense_folded"))) for i in range(layers)),
        streams=tuple(streams),
    )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(12))
def test_wires_of_random_networks_pass_through_no_box(seed, shape):
    report = random_dag(seed, 5 + 4 * seed)
    graph = dataflow.network(report)
    dataflow.rank_boxes(graph)
    form = SHAPES[shape]
    dataflow.assign_lanes(graph, one_sided=form.vertical)
    placement = dataflow.place(graph, form)
    boxes = [
        (
            box.along - form.along(box.size) / 2,
            box.across - form.across(box.size) / 2,
            box.along + form.along(box.size) / 2,
            box.across + form.across(box.size) / 2,
        )
        for box in graph.boxes
        if box.name is not None
    ]
    for line in dataflow.route(graph, placement, form):
        assert len(line) >= 2
        for a, b in pairwise(line):
            assert a[0] == b[0] or a[1] == b[1]
            low, high = (min(a[0], b[0]), min(a[1], b[1])), (max(a[0], b[0]), max(a[1], b[1]))
            hit = [
                box
                for box in boxes
                if low[0] < box[2] - 0.5
                and high[0] > box[0] + 0.5
                and low[1] < box[3] - 0.5
                and high[1] > box[1] + 0.5
            ]
            assert hit == []


def inception() -> Report:
    """Four branches of different length between a fork and a join, one of them a bare stream."""
    branches = (("a1", "a2", "a3"), ("b1", "b2"), ("c1",), ())
    pairs = [("input", "fork"), ("concat", "output")]
    for branch in branches:
        path = ("fork", *branch, "concat")
        pairs += pairwise(path)
    names = ["fork", *(name for branch in branches for name in branch), "concat"]
    return Report(
        tailrace="0.1.0",
        model=Model(name="inception"),
        target=Target(part="p"),
        layers=tuple(Layer(name=name, block="fork" if name == "fork" else "dense_folded") for name in names),
        streams=tuple(StreamEdge(source=a, target=b, lanes=8, bits=8, words=1, depth=2) for a, b in pairs),
    )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("make", [mlp, residual, inception])
def test_streams_of_different_sources_never_run_over_each_other(make, shape):
    graph = dataflow.network(make())
    dataflow.rank_boxes(graph)
    form = SHAPES[shape]
    dataflow.assign_lanes(graph, one_sided=form.vertical)
    lines = dataflow.route(graph, dataflow.place(graph, form), form)
    runs = [
        (edge.chain[0], axis, a[axis], *sorted((a[1 - axis], b[1 - axis])))
        for edge, line in zip(graph.edges, lines, strict=True)
        for a, b in pairwise(line)
        for axis in (0, 1)
        if a[axis] == b[axis]
    ]
    over = [
        (one, two)
        for i, one in enumerate(runs)
        for two in runs[:i]
        if one[0] != two[0]
        and one[1] == two[1]
        and abs(one[2] - two[2]) < 2
        and min(one[4], two[4]) - max(one[3], two[3]) > 2
    ]
    assert over == []


def test_every_stream_runs_forward_from_source_to_target():
    graph = dataflow.network(residual())
    dataflow.rank_boxes(graph)
    for edge in graph.edges:
        ranks = [graph.boxes[box].rank for box in edge.chain]
        assert ranks == list(range(ranks[0], ranks[0] + len(ranks)))
    assert max(len(edge.chain) for edge in graph.edges) == 6  # the residual stream over four ranks


def test_a_feedback_stream_is_left_out_and_said():
    report = replace(
        mlp(), streams=(*mlp().streams, StreamEdge(source="dense_2", target="dense_0", lanes=1, bits=1))
    )
    assert dataflow.network(report).dropped == 1
    assert "1 feedback stream not drawn." in Page(render([report], ".html")).text


def test_without_streams_the_layers_stand_in_their_order():
    report = replace(mlp(), streams=())
    assert dataflow.network(report).guessed
    assert "The report names no streams" in Page(render([report], ".html")).text


def test_a_report_without_layers_still_renders():
    report = Report(tailrace="0.1.0", model=Model(name="m"), target=Target(part="p"))
    for suffix in SUFFIXES:
        assert "m" in render([report], suffix)
        assert "m" in render([report, report], suffix)
    assert layer_table(report)


def test_the_terminal_table_is_plain_without_a_terminal():
    text = layer_table(residual(), wide=True)
    assert "\x1b" not in text
    assert all(line == line.rstrip() for line in text.splitlines())
    assert "block1_conv2_with_a_long_name" in text
    assert re.search(
        r"stem_conv\s+dense_folded\s+8→18\s+4\s+4 × 3\s+36,864\s+75 %\s+571\s+688\s+12\s+1", text
    )
    assert re.search(r"block1_add\s+eltwise.*~160\s+~122\s+~0\s+~0", text)
    assert re.search(r"in all\s+49,152\s+—\s+—\s+—\s+—", text)


def test_the_terminal_table_sums_helpers_and_says_where_a_layer_comes_from():
    first = replace(mlp().layers[0], role="computes", origin="/conv1/a_module/with/parts/Conv_output_0")
    helpers = [
        replace(mlp().layers[1], name=f"h{i}", role="carries", synth=None, interval_cycles=i) for i in (5, 7)
    ]
    report = replace(mlp(), layers=(first, *helpers), streams=())
    lines = layer_table(report).splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["dense_0", "2", "in"]
    assert " /conv1/a…arts/Conv " in lines[2]
    assert re.fullmatch(r"2 helpers +7 +~1,620 +~0", lines[3])
    assert " /conv1/a_module/with/parts/Conv " in layer_table(report, wide=True)
    shown = layer_table(report, helpers=True).splitlines()
    assert [line[:4] for line in shown[2:5]] == ["dens", "  h5", "  h7"]
    old = replace(report, layers=tuple(replace(layer, role=None) for layer in report.layers))
    assert len(layer_table(old).splitlines()) == 6  # without roles, the blocks' names tell


def test_the_summary_has_rate_latency_and_share():
    assert summary(mlp()) == (
        "781 k frames/s at 100 MHz (128 cycles), latency 3.11 µs (311 cycles)\n"
        "measured in the Verilog, ecp5-85k: 8.51 % of its LUTs, 8.17 % of its BRAM18s\n"
    )
    bare = replace(mlp(), performance=Performance(), target=Target(part="p"))
    assert summary(bare) == "p\n"


def test_the_terminal_table_does_not_obey_names(monkeypatch):
    layer = Layer(name="[red]x[/red]\x1b[31m", block="b")
    report = replace(mlp(), layers=(layer,), streams=())
    text = layer_table(report)
    assert "[red]x[/red]" in text
    assert "\x1b" not in text
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in layer_table(mlp(), terminal=True, width=120)
    for wide in (False, True):
        assert max(map(len, layer_table(mlp(), wide=wide, terminal=False, width=80).splitlines())) <= 80


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"),
        (5210, "5,210"),
        (812.4, "812"),
        (12345.6, "12,300"),
        (0.1234, "0.123"),
        (99.96, "100"),
        (2.5, "2.5"),
    ],
)
def test_counts_are_written_for_people(value, said):
    assert quantities.count(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (3125000.0, "3.13 M fps"),
        (781250, "781 k fps"),
        (999.9, "1 k fps"),
        (12.0, "12 fps"),
        (0.5, "500 m fps"),
        (0, "0 fps"),
        (None, "—"),
    ],
)
def test_rates_have_a_prefix(value, said):
    assert quantities.rate(value) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (1.065e-6, "1.07 µs"),
        (2.5e-15, "0.0025 ps"),
        (1e20, "100,000,000 Ts"),
        (6.4e-7, "640 ns"),
        (2, "2 s"),
        (9.999e-7, "1 µs"),
    ],
)
def test_times_have_a_prefix(seconds, said):
    assert quantities.quantity(seconds, "s") == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.412, "0.412 s"), (14, "14 s"), (59.99, "60 s"), (125, "2 min 5 s"), (7325, "2 h 2 min")],
)
def test_durations_are_written_for_people(seconds, said):
    assert quantities.duration(seconds) == said


@pytest.mark.parametrize(
    ("fraction", "said"),
    [(1, "100 %"), (0.99996, "99.996 %"), (0.9713, "97.1 %"), (0, "0 %"), (1e-6, "< 0.01 %"), (2, "200 %")],
)
def test_a_percentage_never_rounds_to_all_or_nothing(fraction, said):
    assert quantities.percent(fraction) == said
