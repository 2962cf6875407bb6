# SPDX-License-Identifier: Apache-2.0
"""What every operation promises of itself, held for each type of the table OPERATIONS."""

from __future__ import annotations

import ast
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tailrace
from tailrace.core.steps import Steps
from tailrace.design.completeness import missing_entries
from tailrace.extend import PAIRS
from tailrace.graph import (
    OPERATIONS,
    Add,
    Affine,
    ArgMax,
    Bias,
    Concat,
    Dense,
    Depthwise,
    Map,
    Multiply,
    Normalize,
    Operation,
    Pad,
    Permute,
    Pool,
    Product,
    Reshape,
    Shuffle,
    Slice,
    Softmax,
    Tensor,
    Upsample,
    Window,
    output_of,
)
from tailrace.planning import serialize
from tailrace.verify.rules import SOFTWARE, UNIT, nothing, one_rounding

if TYPE_CHECKING:
    from numpy.typing import NDArray

ONE = {"name": "n", "input": "a", "output": "y"}
TWO = {"name": "n", "a": "a", "b": "b", "output": "y"}
WEIGHTS = np.array([[1, -2], [0, 3], [-1, -1]])
NORMAL = {"fraction_bits": 3, "epsilon": 5, "exponent": -1}
ORDER = np.array([3, 0, 1, 2, 7, 6, 5, 4, 11, 9, 10, 8])

SAMPLES: dict[str, tuple[Operation, tuple[tuple[int, ...], ...], tuple[int, ...]]] = {
    "Dense": (Dense(**ONE, weights=WEIGHTS, bias=np.array([5, 0, -7])), ((4, 2),), (4, 3)),
    "Depthwise": (Depthwise(**ONE, weights=WEIGHTS, bias=np.array([1, 0, -1])), ((2, 6),), (2, 3)),
    "Product": (Product(**TWO, kind="scores", heads=2), ((3, 4), (2, 4)), (3, 4)),
    "Map": (Map(**ONE, steps=Steps(np.array([[-1, 1]]), np.array([[3, -2, 9]]))), ((3, 2),), (3, 2)),
    "Bias": (Bias(**ONE, values=np.array([4, -4])), ((3, 2),), (3, 2)),
    "Affine": (
        Affine(**ONE, factors=np.array([3, -2]), bias=np.array([-1, 4]), low=0),
        ((3, 2),),
        (3, 2),
    ),
    "Add": (Add(**TWO, a_factor=-3, b_factor=2), ((2, 2), (2, 2)), (2, 2)),
    "Multiply": (Multiply(**TWO), ((2, 2), (2, 2)), (2, 2)),
    "ArgMax": (ArgMax(**ONE), ((2, 5),), (2, 1)),
    "Reshape": (Reshape(**ONE, shape=(2, 6)), ((3, 2, 2),), (2, 6)),
    "Permute": (Permute(**ONE, order=ORDER, shape=(2, 6)), ((3, 2, 2),), (2, 6)),
    "Pad": (Pad(**ONE, top=1, bottom=0, left=2, right=1, value=2), ((2, 3, 2),), (3, 6, 2)),
    "Window": (Window(**ONE, kernel=(2, 2), stride=(1, 2), dilation=(2, 1)), ((4, 5, 2),), (2, 2, 8)),
    "Pool": (Pool(**ONE, operation="sum", taps=3), ((2, 6),), (2, 2)),
    "Upsample": (Upsample(**ONE, factor=(2, 3)), ((2, 3, 2),), (4, 9, 2)),
    "Shuffle": (Shuffle(**ONE, block=2, mode="dcr"), ((2, 3, 8),), (4, 6, 2)),
    "Concat": (Concat(**TWO), ((3, 2), (3, 4)), (3, 6)),
    "Slice": (Slice(**ONE, start=1, stop=3), ((3, 4),), (3, 2)),
    "Softmax": (Softmax(**ONE, table=np.array([16, 9, 5, 3, 1]), bits=6), ((2, 3),), (2, 3)),
    "Normalize": (Normalize(**ONE, **NORMAL, kind="layer", groups=2, size=2), ((3, 4),), (3, 4)),
}  # fmt: skip
"""{type: an operation of it, the shapes of its inputs, that of its output}."""

VARIANTS = {
    "Product, a mix": (Product(**TWO, kind="mix", heads=2), ((3, 4), (2, 6)), (3, 6)),
    "Product of images": (Product(**TWO, kind="scores"), ((2, 2, 3), (1, 2, 3)), (2, 2, 2)),
    "Map by channel": (Map(**ONE, steps=Steps(np.array([[0], [1]]), np.array([[5, 1], [0, 7]]))), ((3, 2),), (3, 2)),
    "Multiply, a square": (Multiply(name="n", a="a", b="a", output="y"), ((2, 2), (2, 2)), (2, 2)),
    "ArgMax, the smallest": (ArgMax(**ONE, smallest=True), ((2, 5),), (2, 1)),
    "Pool, the largest": (Pool(**ONE, operation="maximum", taps=3), ((2, 6),), (2, 2)),
    "Normalize, rms": (Normalize(**ONE, **NORMAL, kind="rms", groups=1, size=2), ((3, 2),), (3, 2)),
    "Shuffle, crd": (Shuffle(**ONE, block=2, mode="crd"), ((2, 3, 8),), (4, 6, 2)),
    "Shuffle, back": (Shuffle(**ONE, block=2, mode="space_to_depth"), ((4, 6, 2),), (2, 3, 8)),
}  # fmt: skip
ALL = [pytest.param(*sample, id=name) for name, sample in {**SAMPLES, **VARIANTS}.items()]
Shapes = tuple[tuple[int, ...], ...]


def tensors(node: Operation, shapes: Shapes) -> list[Tensor]:
    """Inputs whose channels have different small ranges, zero inside and out of them."""
    made: dict[str, Tensor] = {}
    for name, shape in zip(node.inputs, shapes, strict=True):
        low = np.arange(shape[-1]) % 4 - 2 - (name == "b")
        if isinstance(node, ArgMax | Softmax):  # each channel can be the largest of all
            low = np.zeros_like(low)
        made[name] = Tensor(name=name, shape=shape, low=low, high=low + 3)
    return [made[name] for name in node.inputs]


def values(ins: list[Tensor], rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Every mixture of ends for each tensor, and random ones: (n, *shape) each, the same for the same tensor."""
    made = {}
    for tensor in ins:
        span = rng.integers(tensor.low, tensor.high, (600, *tensor.shape), endpoint=True)
        ends = np.where(rng.random((600, *tensor.shape)) < 0.5, tensor.low, tensor.high)
        made[tensor.name] = np.concatenate([span, ends, [np.broadcast_to(tensor.low, tensor.shape)]])
    return [made[tensor.name] for tensor in ins]


def test_every_operation_has_a_sample_and_stands_under_its_own_name() -> None:
    assert set(SAMPLES) == set(OPERATIONS)
    assert {name: type(node).__name__ for name, (node, _, _) in SAMPLES.items()} == {n: n for n in SAMPLES}
    assert all(kind.__name__ == name for name, kind in OPERATIONS.items())


def test_every_table_of_pairs_has_an_entry_for_every_operation() -> None:
    assert missing_entries() == []
    assert [table.name for table in PAIRS] == ["FOLDINGS", "LOWERINGS", "SPATIAL", "SOFTWARE"]


@pytest.mark.parametrize("table", PAIRS, ids=lambda table: table.name)
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_entry_that_a_table_lacks_is_named(table, name: str) -> None:
    entry = table.remove(OPERATIONS[name])
    try:
        assert missing_entries() == [f"{table.module}.{table.name} has no entry for {name}"]
    finally:
        table.add(OPERATIONS[name], entry)


def test_an_entry_of_what_is_no_operation_is_named() -> None:
    kind = OPERATIONS.remove("Slice")
    try:
        (line,) = missing_entries()
    finally:
        OPERATIONS.add("Slice", kind)
    assert line.startswith("tailrace.graph.operations.OPERATIONS has no entry for Slice")


@pytest.mark.parametrize(("node", "shapes", "out"), ALL)
def test_shape_range_and_values_fit_each_other(
    node: Operation, shapes: Shapes, out: tuple[int, ...], rng: np.random.Generator
) -> None:
    ins = tensors(node, shapes)
    made = output_of(node, ins)
    assert (made.name, made.shape) == ("y", out)
    y = node.evaluator(ins)(*values(ins, rng))
    assert y.shape[1:] == out
    flat = y.reshape(-1, out[-1])
    assert (flat >= made.low).all()
    assert (flat <= made.high).all()
    assert flat.min(axis=0).tolist() == made.low.tolist()  # a range is exact: both ends are reached
    assert flat.max(axis=0).tolist() == made.high.tolist()


@pytest.mark.parametrize(("node", "shapes", "out"), ALL)
def test_no_sample_at_all_is_evaluated_to_none(node: Operation, shapes: Shapes, out: tuple[int, ...]) -> None:
    empty = [np.zeros((0, *shape), np.int64) for shape in shapes]
    assert node.evaluator(tensors(node, shapes))(*empty).shape == (0, *out)


@pytest.mark.parametrize(("node", "shapes", "out"), ALL)
def test_what_moves_integers_moves_floats_alike_and_what_computes_does_not(
    node: Operation, shapes: Shapes, out: tuple[int, ...], rng: np.random.Generator
) -> None:
    ins = tensors(node, shapes)
    if node.role == "computes":
        with pytest.raises(TypeError, match="computes: it cannot move floats"):
            node.mover(ins)
        return
    numbers = [rng.normal(size=(3, *shape)) for shape in shapes]
    moved = node.mover(ins)(*numbers)
    assert moved.shape == (3, *out)
    whole = np.concatenate([n.ravel() for n in numbers])
    assert set(moved.ravel().tolist()) <= {*whole.tolist(), 0.0}
    if node.role == "free":
        assert moved.ravel().tolist() == whole.tolist()


@pytest.mark.parametrize(("node", "shapes", "out"), ALL)
def test_inputs_are_read_under_other_names(node: Operation, shapes: Shapes, out: tuple[int, ...]) -> None:
    other = node.reading({"a": "c", "z": "x"})
    assert other.inputs == tuple("c" if name == "a" else name for name in node.inputs)
    assert other.outputs == node.outputs == ("y",)
    assert node.reading({"z": "x"}) is node


@pytest.mark.parametrize(("node", "shapes", "out"), ALL)
def test_an_operation_comes_back_from_json(node: Operation, shapes: Shapes, out: tuple[int, ...]) -> None:
    text = serialize.dumps(node)
    again = serialize.loads(text, kind=type(node))
    assert type(again) is type(node)
    assert serialize.dumps(again) == text


IMAGES = {
    "Dense": (12, 6, 2), "Depthwise": (12, 6, 6), "Map": (12, 6, 2), "Bias": (12, 6, 2),
    "Affine": (12, 6, 2), "Add": (12, 6, 2),
    "Multiply": (12, 6, 2), "ArgMax": (12, 6, 5), "Pad": (12, 6, 2), "Window": (12, 6, 2), "Pool": (12, 6, 6),
    "Upsample": (12, 6, 2), "Shuffle": (12, 6, 8), "Concat": (12, 6, 2), "Slice": (12, 6, 4), "Softmax": (12, 6, 3),
    "Normalize": (12, 6, 4),
}  # fmt: skip


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - {"Reshape"}))
def test_rows_left_out_before_an_operation_are_missing_behind_it(name: str, axis: int) -> None:
    """As many as it says: with fewer rows in, by one step, the output has as many rows fewer each time."""
    node, shapes, _ = SAMPLES[name]
    step = node.row_step(axis)
    if step is None:
        assert name in ("Permute", "Product")
        return
    whole = IMAGES[name]
    lengths = []
    for left_out in (0, step, 2 * step):
        short = list(whole)
        short[axis] -= left_out
        found = node.on_rows([whole] * len(shapes), [tuple(short)] * len(shapes), axis)
        assert found is not None
        lengths.append(found.output_shape([tuple(short)] * len(shapes))[axis])
    assert len({before - after for before, after in pairwise(lengths)}) == 1
    assert lengths[0] > lengths[1]


@pytest.mark.parametrize(
    ("before", "behind", "short", "expected"),
    [
        ((12, 6, 2), (12, 6, 2), (4, 6, 2), (4, 6, 2)),
        ((12, 6, 2), (72, 2), (4, 6, 2), (24, 2)),
        ((72, 2), (12, 6, 2), (24, 2), (4, 6, 2)),
        ((72, 2), (12, 6, 2), (25, 2), None),
        ((12, 6, 2), (144,), (4, 6, 2), None),
    ],
)
def test_a_reshape_counts_the_positions_of_a_shorter_image(before, behind, short, expected) -> None:
    found = Reshape(**ONE, shape=behind).on_rows([before], [short], 0)
    assert (found.shape if found else None) == expected


@pytest.mark.parametrize(
    ("name", "shapes", "message"),
    [
        ("Dense", ((4, 3),), "its weights take 2 channels, its input has 3"),
        ("Depthwise", ((2, 5),), "its weights take 2 taps of 3 channels, its input has 5"),
        ("Bias", ((3, 3),), r"it has \(2,\) values for 3 channels"),
        ("Affine", ((3, 3),), r"it has 2 factors for 3 channels"),
        ("Add", ((2, 2), (2, 3)), r"its inputs have the shapes \(2, 2\), \(2, 3\), wanted equal ones"),
        ("Multiply", ((2, 2), (4,)), "wanted equal ones"),
        ("Product", ((3, 3), (2, 4)), "its inputs have 3 and 4 channels, wanted multiples of its 2 heads"),
        ("Product", ((3, 4), (2, 6)), "its inputs have 2 and 3 channels a head, wanted equal numbers"),
        (
            "Product, a mix",
            ((3, 4), (5, 6)),
            "its first input has 2 channels a head for the 5 vectors of the second",
        ),
        ("Reshape", ((3, 2),), r"6 integers do not fit the shape \(2, 6\)"),
        ("Permute", ((3, 2),), "it orders 12 integers, its input has 6"),
        ("Pad", ((3, 2),), r"its input has the shape \(3, 2\), wanted \(height, width, channels\)"),
        ("Window", ((2, 5, 2),), r"its window spans \(3, 2\) of an image of 2 x 5"),
        ("Pool", ((2, 7),), "7 channels are no 3 taps of equal size"),
        ("Shuffle", ((2, 3, 6),), "6 channels are no blocks of 2 x 2 pixels"),
        ("Concat", ((3, 2), (2, 2)), "wanted the same positions"),
        ("Slice", ((3, 2),), "it keeps channels up to 2 of 2"),
        ("Normalize", ((3, 6),), "its 2 groups of 2 are not the 6 channels"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(name: str, shapes: Shapes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        {**SAMPLES, **VARIANTS}[name][0].output_shape(shapes)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dense(**ONE, weights=np.zeros(3, int), bias=np.zeros(3, int)), r"weights of shape \(3,\) are no"),
        (lambda: Dense(**ONE, weights=np.zeros((3, 2), int), bias=np.zeros(2, int)), r"a bias of shape \(2,\) for 3"),
        (lambda: Product(**TWO, kind="scores", heads=0), "it has 0 heads, wanted at least 1"),
        (lambda: Product(**TWO, kind="outer"), "its kind is outer, wanted scores or mix"),
        (lambda: Pad(**ONE, top=-1, bottom=0, left=0, right=0), "wanted none below 0"),
        (lambda: Window(**ONE, kernel=(3, 3), stride=(0, 1)), r"its stride is \(0, 1\), wanted at least 1"),
        (lambda: Pool(**ONE, operation="sum", taps=0), "it pools 0 pixels"),
        (lambda: Permute(**ONE, order=np.array([0, 0]), shape=(2,)), "names a place twice"),
        (lambda: Permute(**ONE, order=np.array([1, 0]), shape=(3,)), r"2 integers do not fit the shape \(3,\)"),
        (lambda: Upsample(**ONE, factor=(0, 1)), "its factor is"),
        (lambda: Shuffle(**ONE, block=0, mode="dcr"), "its block is 0"),
        (lambda: Slice(**ONE, start=2, stop=2), "channels 2 to 1 are none"),
        (lambda: Normalize(**ONE, **NORMAL, kind="layer", groups=0, size=2), "it has 0 groups, wanted at least 1"),
        (lambda: Normalize(**ONE, **NORMAL, kind="layer", groups=1, size=1), "groups of 1, wanted at least 2"),
        (lambda: Normalize(**ONE, kind="rms", groups=1, size=1, fraction_bits=-1, epsilon=1, exponent=0),
         "it has -1 fraction bits, wanted 0 or more"),
        (lambda: Normalize(**ONE, kind="rms", groups=1, size=1, fraction_bits=0, epsilon=0, exponent=0),
         "its epsilon is 0, wanted 1 to 2147483647"),
    ],
)  # fmt: skip
def test_constants_that_cannot_be_are_refused(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


class Known:
    """What E1 knows of the inputs: an error of a quarter and a size of 2 everywhere."""

    unit = UNIT

    def __init__(self, ins: list[Tensor]) -> None:
        self.ins = {tensor.name: tensor for tensor in ins}

    def error(self, name: str) -> NDArray[np.float64]:
        return np.full((3, *self.ins[name].shape), 0.25)

    def magnitude(self, name: str) -> NDArray[np.float64]:
        return np.full((3, *self.ins[name].shape), 2.0)

    def integers(self, name: str) -> NDArray[np.int64]:
        return np.broadcast_to(np.arange(self.ins[name].channels) % 3 - 1, (3, *self.ins[name].shape))


@pytest.mark.parametrize(("node", "shapes", "out"), ALL)
def test_the_rules_of_e1_bound_every_output_and_lead_every_mark_to_one(
    node: Operation, shapes: Shapes, out: tuple[int, ...]
) -> None:
    ins, rule = tensors(node, shapes), SOFTWARE[type(node)]
    graph = SimpleNamespace(tensors={t.name: t for t in (*ins, output_of(node, ins))})
    error = rule.error(graph, node, np.ones((3, *out)), Known(ins))
    assert error.shape == (3, *out)
    assert (error >= 0).all()
    if node.role == "computes" and rule.error is not one_rounding:
        assert (error >= 0.25).all() or isinstance(node, (Dense, Depthwise))  # weights may be 0
    if len(set(node.inputs)) > 1:
        return
    sizes = 3, ins[0].size
    for marks, reached in ((np.zeros(sizes, bool), False), (np.ones(sizes, bool), True)):
        spread = rule.spread(graph, node, marks)
        assert spread.shape == (3, output_of(node, ins).size)
        # No mark comes from nowhere; where all are marked, all that is made of them is, but for padding and squares.
        assert spread.any() == (reached and rule.spread is not nothing)
        assert not reached or spread.all() or isinstance(node, (Pad, Multiply))


KINDS_AT_MOST = 3
"""Operations that one rule may tell apart; more belong into a table."""


def ladders(source: str) -> list[int]:
    """The lines of ``match`` statements and ``isinstance`` calls that tell more operations apart than that."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Match():
                asked = [
                    p.cls
                    for case in node.cases
                    for p in ast.walk(case.pattern)
                    if isinstance(p, ast.MatchClass)
                ]
            case ast.Call(func=ast.Name(id="isinstance"), args=[_, ast.Tuple(elts=asked)]):
                pass
            case _:
                continue
        if len({name.id for name in asked if isinstance(name, ast.Name)} & set(OPERATIONS)) > KINDS_AT_MOST:
            found.append(node.lineno)
    return found


def test_nobody_tells_many_operations_apart_but_by_a_table() -> None:
    package = Path(tailrace.__file__).parent
    found = {str(path.relative_to(package)): ladders(path.read_text()) for path in package.rglob("*.py")}
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        (
            "match node:\n    case Dense() | Map():\n        pass\n    case Pool() | Add(a=1):\n        pass",
            [1],
        ),
        ("x = 1\nif isinstance(node, (Dense, Map, Pool, Add)):\n    pass", [2]),
        ("if isinstance(node, (Dense, Map, Pool)):\n    pass", []),
        ("match node:\n    case Dense():\n        pass\n    case _:\n        pass", []),
    ],
)
def test_a_ladder_is_found(source: str, lines: list[int]) -> None:
    assert ladders(source) == lines
