# SPDX-License-Identifier: Apache-2.0
"""The Verilog of the spatial engine computes what the circuit does; vendor adders equal the portable ones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tailrace as tr
from spatial.test_build import QUICK, half_even, random_layer
from tailrace.core.data import data_folder
from tailrace.core.packing import pack, unpack
from tailrace.core.steps import Steps
from tailrace.core.types import IntType
from tailrace.spatial.build import ConstantProduct, build, products_of
from tailrace.spatial.circuit import Circuit, evaluate
from tailrace.spatial.rtl import emit_spatial, lane_types
from tailrace.targets.families import FAMILIES
from tailrace.targets.family import PORTABLE
from tailrace.tools.formal import prove
from tailrace.tools.verilator import StreamEnd, build_stream_simulator
from tailrace.tools.yosys import synthesize

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.targets.family import Family

XCUP, ECP5 = FAMILIES["xcup"], FAMILIES["ecp5"]


def write(folder: Path, files: dict[str, str]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return [folder / name for name in files]


def simulate(
    circuit: Circuit, x: np.ndarray, folder: Path, *, primitives: str, stall: float, seed: int
) -> np.ndarray:
    """Run vectors through the Verilog; the portable version is linted, the vendor's runs on models of its cells."""
    sources = write(folder, emit_spatial(circuit, "circuit", primitives=primitives))
    given, taken = lane_types(circuit)
    options: tuple[str, ...] = ()
    if primitives != PORTABLE:
        sources = [*sources, *write(folder, {"cells.v": CELLS})]
        options = ("-Wno-fatal", "-Wno-lint", "-Wno-style")
    simulator = build_stream_simulator(
        top="circuit",
        sources=sources,
        inputs=[StreamEnd(name="s_axis", bits=given.bits * circuit.lanes)],
        outputs=[StreamEnd(name="m_axis", bits=taken.bits * len(circuit.outputs))],
        folder=folder,
        lint=primitives == PORTABLE,
        options=options,
    )
    run = simulator.run([pack(x, given.bits)], expect_words=[len(x)], stall=stall, seed=seed)
    if not stall:
        assert run.output_cycles[0][0] - run.input_cycles[0][0] == circuit.rank_count
        assert run.output_cycles[0][-1] - run.output_cycles[0][0] == len(x) - 1
    return unpack(run.outputs[0], len(circuit.outputs), taken.bits, signed=taken.signed)


def layers_with_every_tail(rng: np.random.Generator) -> tuple[ConstantProduct, ...]:
    """Layers with a clipped shift, a signed one, comparators and a table, rows of zeros and of one digit."""
    first = random_layer(rng, (8, 9), 4, half_even(2, 15))
    first.weights[3] = 0
    first.weights[4] = 0
    first.weights[4, 2] = -4
    second = random_layer(rng, (7, 8), 4, half_even(3, 11, low=-3))
    third = random_layer(rng, (6, 7), 3, Steps(np.array([[-9, 3, 9]]), np.array([[3, 2, 1, 0]])))
    fourth = random_layer(rng, (4, 6), 2, Steps(np.array([[-2, 3, 9]]), np.array([[0, 2, 1, 7]])))
    return first, second, third, fourth, random_layer(rng, (3, 4), 6)


@pytest.mark.parametrize("ranks", [1, 4])
@pytest.mark.parametrize("family", [XCUP, ECP5], ids=str)
def test_verilog_equals_the_circuit(
    family: Family, ranks: int, rng: np.random.Generator, seed: int, tmp_path
) -> None:
    low, high = np.array([-8, 0, 0, -1, -16, 0, -3, 3, 0]), np.array([7, 15, 1, 0, 15, 3, 4, 3, 7])
    made = build(layers_with_every_tail(rng), low, high, family=family, ranks=ranks, effort=QUICK)
    x = rng.integers(low, high + 1, (2000, len(low)))
    for stall in (0.0, 0.4) if ranks == 4 else (0.4,):
        found = simulate(made, x, tmp_path, primitives=family.primitives, stall=stall, seed=seed)
        assert np.array_equal(evaluate(made, x), found)


MITER = """
module miter (input wire [{width}-1:0] a, input wire [{width}-1:0] b, input wire [{width}-1:0] c);
    wire [{width}-1:0] y, y_portable;
    tr_sum{count} #(.WIDTH({width}), .NEGATE({count}'b{negate})) vendor ({ports}, .y(y));
    tr_sum{count}_portable #(.WIDTH({width}), .NEGATE({count}'b{negate})) portable ({ports}, .y(y_portable));
    always @* assert (y == y_portable);
endmodule
"""

CLIP_MITER = """
module miter (input wire [{width}-1:0] a, input wire tie, input wire above, input wire below);
    wire [{width}-1:0] y, y_portable;
    tr_clip #(.WIDTH({width})) vendor (.q(a), .tie(tie), .above(above), .below(below), .y(y));
    tr_clip_portable #(.WIDTH({width})) portable (.q(a), .tie(tie), .above(above), .below(below), .y(y_portable));
    always @* assert (y == y_portable);
endmodule
"""

CELLS = """
module LUT6_2 #(parameter [63:0] INIT = 0) (output O6, output O5, input I0, I1, I2, I3, I4, I5);
    assign O6 = INIT[{I5, I4, I3, I2, I1, I0}];
    assign O5 = INIT[{1'b0, I4, I3, I2, I1, I0}];
endmodule
module CARRY4 (output [3:0] CO, output [3:0] O, input CI, input CYINIT, input [3:0] DI, input [3:0] S);
    wire [4:0] C = {CO, CI | CYINIT};
    assign O = S ^ C[3:0];
    assign CO = {S[3] ? C[3] : DI[3], S[2] ? C[2] : DI[2], S[1] ? C[1] : DI[1], S[0] ? C[0] : DI[0]};
endmodule
"""
"""The two Xilinx cells as UG474 (7 Series CLB) describes them."""


def proof_of(miter: str, folder: Path) -> bool:
    files = {"miter.v": miter, "cells.v": CELLS}
    for path in data_folder("ip").joinpath("xilinx").glob("tr_*.v"):
        files[path.name] = path.read_text()
    for path in data_folder("ip").joinpath("portable").glob("tr_*.v"):
        files[f"portable_{path.name}"] = re.sub(r"\bmodule (tr_\w+)", r"module \1_portable", path.read_text())
    sources = write(folder, files)
    return prove(
        sources=sources, top="miter", parameters={}, depth=1, folder=folder / "proof", induction=False
    ).passed


@pytest.mark.parametrize(
    ("width", "negate"),
    [
        (1, "01"),
        (5, "00"),
        (8, "01"),
        (4, "10"),
        (1, "110"),
        (4, "000"),
        (6, "001"),
        (5, "010"),
        (9, "100"),
        (6, "011"),
        (7, "101"),
        (6, "110"),
    ],
)
def test_the_xilinx_adders_equal_the_portable_ones(width: int, negate: str, tmp_path) -> None:
    count = len(negate)
    ports = ", ".join(f".{port}({port})" for port in "abc"[:count])
    assert proof_of(MITER.format(width=width, count=count, negate=negate, ports=ports), tmp_path)


@pytest.mark.parametrize("width", [1, 2, 5, 6])
def test_the_xilinx_clip_equals_the_portable_one(width: int, tmp_path) -> None:
    assert proof_of(CLIP_MITER.format(width=width), tmp_path)


def test_a_wrong_adder_is_found(tmp_path) -> None:
    ports = ".a(a), .b(b), .c(c)"
    wrong = MITER.format(width=4, count=3, negate="001", ports=ports).replace("3'b001", "3'b010", 1)
    assert not proof_of(wrong, tmp_path)


def test_a_small_layer_is_its_sum_of_products_by_proof(rng: np.random.Generator, tmp_path) -> None:
    weights = rng.integers(-32, 32, (4, 3))
    layer = ConstantProduct(name="small", weights=weights, bias=rng.integers(-9, 9, 4))
    made = build((layer,), np.full(3, -8), np.full(3, 7), family=ECP5, effort=QUICK)
    files = emit_spatial(made, "small", primitives=PORTABLE)
    total = sum(made.type_of(node).bits for node in made.outputs)
    lines = [
        f"module miter (input wire signed [3:0] x0, x1, x2); wire [{total - 1}:0] q;",
        "small_stage0 stage (.d({x2, x1, x0}), .q(q));",
    ]
    at = 0
    for node in sorted(made.outputs):  # the order in which a rank packs them
        row, kind = made.outputs.index(node), made.type_of(node)
        products = " + ".join(f"(32'sd1 * x{col} * ({weights[row, col]}))" for col in range(3))
        sign = "signed" if kind.signed else ""
        lines += [
            f"wire signed [31:0] y{row} = {products} + ({layer.bias[row]});",
            f"wire {sign} [{kind.bits - 1}:0] out{row} = q[{at} +: {kind.bits}];",
            f"wire signed [31:0] wide{row} = out{row};",
            f"always @* assert (y{row} == wide{row});",
        ]
        at += kind.bits
    files.pop("small.v")
    sources = write(tmp_path, {**files, "miter.v": "\n".join([*lines, "endmodule", ""])})
    assert prove(
        sources=sources, top="miter", parameters={}, depth=1, folder=tmp_path / "proof", induction=False
    ).passed


def test_yosys_keeps_one_lut_a_bit_of_an_adder_of_three(tmp_path) -> None:
    sources = [data_folder("ip") / "xilinx" / f"{name}.v" for name in ("tr_sum3", "tr_carry")]
    found = synthesize(top="tr_sum3", sources=sources, folder=tmp_path, family=XCUP, parameters={"WIDTH": 11})
    assert dict(found.cells) == {"LUT6_2": 11, "CARRY4": 3}


def test_the_text_of_a_rank(golden) -> None:
    layer = ConstantProduct(
        name="dense_0",
        weights=np.array([[3, -5, 1], [7, 2, -1]]),
        bias=np.array([4, -6]),
        steps=half_even(2, 7),
    )
    made = build((layer,), np.array([0, 0, -4]), np.array([3, 7, 3]), family=XCUP, ranks=2, effort=QUICK)
    files = emit_spatial(made, "small", primitives=XCUP.primitives)
    for name in ("small.v", "small_stage0.v", "small_stage1.v"):
        golden(name, files[name])


def test_constant_outputs_and_unused_inputs(rng: np.random.Generator, seed: int, tmp_path) -> None:
    layer = ConstantProduct(name="constant", weights=np.zeros((3, 2), np.int64), bias=np.array([4, -6, 0]))
    made = build((layer,), np.array([0, -4]), np.array([3, 3]), family=ECP5, ranks=2, effort=QUICK)
    x = rng.integers([0, -4], [4, 4], (50, 2))
    assert np.array_equal(
        np.tile([4, -6, 0], (50, 1)), simulate(made, x, tmp_path, primitives=PORTABLE, stall=0.3, seed=seed)
    )


def test_lanes_may_be_wider_but_not_narrower(rng: np.random.Generator) -> None:
    layer = random_layer(rng, (3, 2), 3)
    made = build((layer,), np.array([0, -4]), np.array([3, 3]), family=ECP5, effort=QUICK)
    wide = IntType(12, signed=True)
    top = emit_spatial(made, "wide", primitives=PORTABLE, in_type=wide, out_type=wide)["wide.v"]
    assert "input  wire [23:0] s_axis_tdata" in top
    assert "output wire [35:0] m_axis_tdata" in top
    with pytest.raises(ValueError, match="too narrow"):
        emit_spatial(made, "narrow", primitives=PORTABLE, out_type=IntType(2, signed=True))


@pytest.mark.slow
def test_the_jet_tagger_in_verilog_equals_its_graph(
    shared_models, rng: np.random.Generator, seed: int, tmp_path
) -> None:
    graph = tr.load(shared_models / "qkeras_jettagging.onnx", "fixed<8,4>")
    tensor = graph.tensors[graph.input]
    made = build(products_of(graph.nodes), tensor.low, tensor.high, family=XCUP, ranks=6, effort=QUICK)
    x = rng.integers(tensor.low, tensor.high + 1, (3000, 16))
    found = simulate(made, x, tmp_path, primitives=PORTABLE, stall=0.3, seed=seed)
    assert np.array_equal(graph.predict_int(x), found)
