# SPDX-License-Identifier: Apache-2.0
"""A new operation, from its module to its Verilog: the worked example of docs/internals/operations.md.

``Tile`` repeats the channels of a vector, as ONNX Tile does. It is a class and one entry in each table, and goes from
the file of a network down to a simulation of its Verilog; without any of the entries it is refused by name.
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
import tailrace as tr
from networks import Builder
from tailrace.blocks.replay import Replay
from tailrace.core.codec import CodecError
from tailrace.core.table import MissingEntryError, Table
from tailrace.design.completeness import missing_entries
from tailrace.extend import PAIRS
from tailrace.frontend.grids import as_integers
from tailrace.frontend.handlers import HANDLERS, Handler
from tailrace.frontend.images import in_order
from tailrace.frontend.problems import UnsupportedError
from tailrace.graph import OPERATIONS, Operation
from tailrace.planning import serialize
from tailrace.planning.lowering import LOWERINGS
from tailrace.planning.rules import FOLDINGS, FoldingRule
from tailrace.planning.streams.simulator import simulate
from tailrace.spatial.build import SPATIAL
from tailrace.verify.rules import MOVED, SOFTWARE
from tailrace.verify.software import verify_software
from tailrace.verify.vectors import random_inputs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onnx import NodeProto
    from tailrace.frontend.sheet import Sheet
    from tailrace.frontend.signals import Signal
    from tailrace.graph import Graph, Range, Shape, Tensor
    from tailrace.graph.operations import Evaluator
    from tailrace.planning.layout import Layout


# --- the operation: what belongs to it alone (docs: operation) ----------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tile(Operation):
    """The channels of every position, ``times`` times: (..., channels) -> (..., times * channels)."""

    reads = ("input",)
    role = "moves"

    input: str
    times: int

    def __post_init__(self) -> None:
        if self.times < 1:
            raise ValueError(f"it repeats {self.times} times, wanted at least 1")

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        (shape,) = shapes
        return (*shape[:-1], shape[-1] * self.times)

    def output_range(self, ins: Sequence[Tensor]) -> Range:
        return np.tile(ins[0].low, self.times), np.tile(ins[0].high, self.times)

    def evaluator(self, ins: Sequence[Tensor]) -> Evaluator:
        return lambda x: np.tile(x, self.times)

    def row_step(self, axis: int) -> int:
        return 1


# --- the pairs: what belongs to it and somebody else (docs: pairs) ------------------------------------------------


def place_tile(layout: Layout, node: Tile, wire: str) -> str:
    """The planner: a block that sends each vector several times."""
    wire = layout.fed(node, wire)
    stream, vectors = layout.wires[wire], layout.graph.tensors[node.input].vectors
    vector = replace(stream, words=stream.words // vectors)
    return layout.place(node, Replay(vector=vector, times=node.times, vectors=vectors), wire)


def write_tile(sheet: Sheet, node: NodeProto, ins: list[Signal]) -> None:
    """The front end: ONNX Tile of (1, channels)."""
    repeats = sheet.network.constants[node.input[1]].tolist()
    signal = as_integers(sheet, node, ins[0])
    if signal is None or repeats[0] != 1:
        return
    tensor = in_order(sheet, signal, None, (signal.size,))
    name, out = sheet.new_name("tile"), node.output[0]
    tile = Tile(name=name, input=tensor.name, output=name, times=repeats[1])
    tiled = sheet.emit(tile, (signal.size * tile.times,), out)
    ends = (end if end.size == 1 else np.tile(end, tile.times) for end in (signal.scale, signal.offset))
    sheet.signals[out] = sheet.new_source(tiled, out, sheet.network.shapes[out], *ends)


ENTRIES: tuple[tuple[Table[Any, Any], Any, Any], ...] = (
    (OPERATIONS, "Tile", Tile),
    (HANDLERS, ("", "Tile"), Handler(write=write_tile)),
    (FOLDINGS, Tile, FoldingRule()),
    (LOWERINGS, Tile, place_tile),
    (SPATIAL, Tile, None),
    (SOFTWARE, Tile, MOVED),
)


# --- the tests ----------------------------------------------------------------------------------------------------


@pytest.fixture
def tables() -> Iterator[None]:
    """The toy operation in all tables, as a package of a user's own would add it; tailrace's own Tile makes room."""
    own = HANDLERS.remove(("", "Tile"))
    for table, key, value in ENTRIES:
        table.add(key, value)
    yield
    for table, key, _ in ENTRIES:
        if key in table:
            table.remove(key)
    HANDLERS.add(("", "Tile"), own)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Two layers with a Tile between them, and one behind the input."""
    build = Builder(seed=5)

    def layer(x: str, rows: int, cols: int, bits: int) -> str:
        weights = build.quant(build.constant(build.rng.normal(0, 0.5, (rows, cols))), bits=4)
        return build.quant(build.node("MatMul", x, weights), bits=bits)

    def tile(x: str, times: int) -> str:
        return build.node("Tile", x, build.constant([1, times], np.int64))

    x = tile(build.quant(build.input([1, 5]), bits=4), 3)
    y = layer(tile(layer(x, 15, 6, 3), 2), 12, 4, 5)
    path = tmp_path / "tiled.onnx"
    onnx.save(build.model(y), path)
    return path


def tiles(graph: Graph) -> list[str]:
    return [node.name for node in graph.nodes if isinstance(node, Tile)]


@pytest.mark.usefixtures("tables")
def test_a_new_operation_goes_from_the_network_to_its_verilog(model: Path, tmp_path: Path) -> None:
    graph = tr.load(model)
    assert tiles(graph) == ["tile_0", "tile_1"]
    assert missing_entries() == []
    plan = tr.plan(graph, fold={"tile_0": {"pe": 1}, "tile_1": {"pe": "max"}})
    assert {name: plan.folding[name] for name in tiles(graph)} == {"tile_0": {"pe": 1}, "tile_1": {"pe": 6}}
    assert serialize.dumps(serialize.loads(serialize.dumps(plan))) == serialize.dumps(plan)
    design = tr.emit(plan, tmp_path / "build")
    report = design.verify(vectors=40, seed=2, stall=0.4)  # raises where a back end differs
    for result in (report.verify.software, report.verify.rtl, report.verify.hls):
        assert result is not None
        assert (result.mismatches, result.vectors > 0) == (0, True)
    schedule = simulate(plan)
    assert report.performance.interval_cycles == schedule.interval_cycles
    assert report.performance.latency_cycles == schedule.latency_cycles


@pytest.mark.usefixtures("tables")
def test_a_new_operation_stands_beside_the_spatial_engine(model: Path) -> None:
    plan = tr.plan(tr.load(model), engine="spatial")
    assert [instance.block.name for instance in plan.instances if instance.name.startswith("tile")] == [
        "replay"
    ] * 2
    assert sum(instance.block.name == "spatial" for instance in plan.instances) == 2


def software(graph: Graph) -> None:
    verify_software(graph, graph.reference, random_inputs(graph, 4, seed=1))


STEPS = {
    "OPERATIONS": (lambda path: serialize.loads(serialize.dumps(tr.load(path))), TypeError, "Tile has no JSON form"),
    "HANDLERS": (tr.load, UnsupportedError, r"Tile_\d+ *\(?Tile"),
    "FOLDINGS": (lambda path: tr.plan(tr.load(path)), MissingEntryError, "table FOLDINGS has no entry for Tile"),
    "LOWERINGS": (lambda path: tr.plan(tr.load(path)), MissingEntryError, "table LOWERINGS has no entry for Tile"),
    "SPATIAL": (
        lambda path: tr.plan(tr.load(path), engine="spatial"),
        MissingEntryError,
        "table SPATIAL has no entry for Tile",
    ),
    "SOFTWARE": (
        lambda path: software(tr.load(path)),
        MissingEntryError,
        "table SOFTWARE has no entry for Tile",
    ),
}  # fmt: skip
"""{table: the step that needs it, and how it fails without}."""


@pytest.mark.usefixtures("tables")
@pytest.mark.parametrize(
    ("table", "key"), [(t, k) for t, k, _ in ENTRIES], ids=[t.name for t, _, _ in ENTRIES]
)
def test_an_entry_that_is_left_out_is_found_and_named(table: Table[Any, Any], key: Any, model: Path) -> None:
    table.remove(key)
    if table in PAIRS:
        assert missing_entries() == [f"{table.module}.{table.name} has no entry for Tile"]
    elif table is OPERATIONS:
        (line,) = missing_entries()
        assert (
            line == "tailrace.graph.operations.OPERATIONS has no entry for Tile, which SOFTWARE has one for"
        )
    step, error, message = STEPS[table.name]
    with pytest.raises(error, match=message):
        step(model)


@pytest.mark.usefixtures("tables")
def test_a_plan_of_an_extension_that_is_not_there_says_so(model: Path) -> None:
    text = serialize.dumps(tr.load(model))
    OPERATIONS.remove("Tile")
    with pytest.raises(
        CodecError, match=r"class 'operation.Tile', which is not known here\n  hint: where an ext"
    ):
        serialize.loads(text)


def test_the_page_shows_this_code() -> None:
    page = (Path(__file__).parents[3] / "docs/internals/operations.md").read_text(encoding="utf-8")
    shown = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(shown) == 4
    source = Path(__file__).read_text(encoding="utf-8")
    assert [code for code in shown if code not in source] == []


@pytest.mark.parametrize("fact", ["reads", "role"])
def test_an_operation_that_leaves_out_a_fact_cannot_be_defined(fact: str) -> None:
    facts = {"reads": ("input",), "role": "moves"}
    del facts[fact]
    with pytest.raises(TypeError, match=f"the operation Half does not say {fact}"):
        type("Half", (Operation,), facts)


METHODS = ("output_shape", "output_range", "evaluator")
CHECKED = """
from dataclasses import dataclass
from tailrace.graph import Operation

@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bare(Operation):
    reads = ("input",)
    role = "{role}"
    input: str

Bare(name="n", input="a", output="y")
"""


def test_an_operation_that_leaves_out_a_method_cannot_be_made() -> None:
    namespace: dict[str, Any] = {}
    with pytest.raises(
        TypeError, match=r"abstract methods? '?evaluator'?, '?output_range'?, '?output_shape'?"
    ):
        exec(CHECKED.format(role="moves"), namespace)  # noqa: S102 - the text that mypy is shown, too


def test_mypy_finds_what_an_operation_leaves_out_or_says_wrongly(tmp_path: Path) -> None:
    (tmp_path / "bare.py").write_text(CHECKED.format(role="jumps"))
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", str(tmp_path / "bare.py")]
    said = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600).stdout
    assert all(method in said for method in METHODS)
    assert '"Literal' in said or "Literal[" in said
