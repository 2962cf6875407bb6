# SPDX-License-Identifier: Apache-2.0
"""The stream simulator: exact words of any width, exact cycles, and hardware that breaks the rules."""

from __future__ import annotations

import concurrent.futures
import os
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tailrace.core.errors import ToolError
from tailrace.core.packing import pack
from tailrace.tools import verilator
from tailrace.tools.cache import cache_folder, find
from tailrace.tools.verilator import SimulationError, StreamEnd, build_stream_simulator, lint

if TYPE_CHECKING:
    from pathlib import Path

REGISTER = """
`default_nettype none
module register #(
    parameter integer WIDTH = 8,
    parameter ADD = 0,
    parameter NAME_FILE = ""
) (
    input  wire             clk,
    input  wire             rst,
    input  wire [WIDTH-1:0] s_axis_tdata,
    input  wire             s_axis_tvalid,
    output wire             s_axis_tready,
    output wire [WIDTH-1:0] m_axis_tdata,
    output wire             m_axis_tvalid,
    input  wire             m_axis_tready
);
    reg             valid_q;
    reg [WIDTH-1:0] word_q;
    reg [WIDTH-1:0] rom [0:0];
    initial begin
        rom[0] = ADD;
        if (NAME_FILE != "") $readmemh(NAME_FILE, rom);
    end
    assign s_axis_tready = !valid_q || m_axis_tready;
    assign m_axis_tdata  = word_q;
    assign m_axis_tvalid = valid_q;
    always @(posedge clk) begin
        if (rst) begin
            valid_q <= 1'b0;
        end else if (s_axis_tready) begin
            valid_q <= s_axis_tvalid;
            word_q  <= s_axis_tdata + rom[0];
        end
    end
endmodule
`default_nettype wire
"""

ADDER = """
module adder (
    input  wire        clk,
    input  wire        rst,
    input  wire [6:0]  s0_axis_tdata,
    input  wire        s0_axis_tvalid,
    output wire        s0_axis_tready,
    input  wire [32:0] s1_axis_tdata,
    input  wire        s1_axis_tvalid,
    output wire        s1_axis_tready,
    output reg  [33:0] m_axis_tdata,
    output reg         m_axis_tvalid,
    input  wire        m_axis_tready
);
    wire enable = !m_axis_tvalid || m_axis_tready;
    assign s0_axis_tready = enable && s1_axis_tvalid;
    assign s1_axis_tready = enable && s0_axis_tvalid;
    always @(posedge clk) begin
        if (rst) m_axis_tvalid <= 1'b0;
        else if (enable) begin
            m_axis_tvalid <= s0_axis_tvalid && s1_axis_tvalid;
            m_axis_tdata  <= s0_axis_tdata + s1_axis_tdata;
        end
    end
endmodule
"""

S_AXIS = "s_axis"
M_AXIS = "m_axis"


def write(folder: Path, text: str, name: str = "dut.v") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def build_register(folder: Path, text: str = REGISTER, width: int = 8, **parameters: int | str):
    return build_stream_simulator(
        top="register",
        sources=[write(folder, text)],
        inputs=[StreamEnd(name=S_AXIS, bits=width)],
        outputs=[StreamEnd(name=M_AXIS, bits=width)],
        folder=folder / "sim",
        parameters={"WIDTH": width, **parameters},
    )


def random_words(count: int, width: int, seed: int = 1) -> np.ndarray:
    return pack(np.random.default_rng(seed).integers(0, 2, (count, width)), 1)


def as_integers(words: np.ndarray) -> list[int]:
    return [int.from_bytes(row.astype("<u4").tobytes(), "little") for row in words]


@pytest.mark.parametrize("width", [1, 8, 16, 31, 32, 33, 64, 65, 3000])
def test_words_of_any_width_pass_exactly(width: int, tmp_path: Path) -> None:
    words = random_words(300, width)
    add = 3**40
    simulator = build_register(tmp_path, width=width, ADD=add)
    expected = [(word + add) % (1 << width) for word in as_integers(words)]
    for stall in (0.0, 0.4):
        result = simulator.run([words], expect_words=[300], stall=stall, seed=5)
        assert expected == as_integers(result.outputs[0])


def test_cycles_without_stalls_are_the_schedule(tmp_path: Path) -> None:
    result = build_register(tmp_path).run([random_words(50, 8)], expect_words=[50])
    assert list(range(50)) == result.input_cycles[0].tolist()
    assert list(range(1, 51)) == result.output_cycles[0].tolist()
    assert result.cycles == 51


def test_the_seed_repeats_a_run_and_another_one_does_not(tmp_path: Path) -> None:
    simulator = build_register(tmp_path)
    words = random_words(200, 8)
    first, again, other = (
        simulator.run([words], expect_words=[200], stall=0.3, seed=seed).output_cycles[0].tolist()
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other
    assert (
        200 / 0.7 - 40 < first[-1] < 450
    )  # each word waits for its offer and, now and then, for the other end


def test_two_inputs_of_different_width(tmp_path: Path) -> None:
    simulator = build_stream_simulator(
        top="adder",
        sources=[write(tmp_path, ADDER)],
        inputs=[StreamEnd(name="s0_axis", bits=7), StreamEnd(name="s1_axis", bits=33)],
        outputs=[StreamEnd(name=M_AXIS, bits=34)],
        folder=tmp_path / "sim",
    )
    a, b = random_words(400, 7, 1), random_words(400, 33, 2)
    result = simulator.run([a, b], expect_words=[400], stall=0.3)
    assert [x + y for x, y in zip(as_integers(a), as_integers(b), strict=True)] == as_integers(
        result.outputs[0]
    )


def test_no_words_at_all(tmp_path: Path) -> None:
    result = build_register(tmp_path).run([random_words(0, 8)], expect_words=[0])
    assert result.outputs[0].shape == (0, 1)
    assert result.cycles == 0


def test_memory_files_are_relative_to_the_folder(tmp_path: Path) -> None:
    simulator = build_register(tmp_path, NAME_FILE="add.mem")
    (tmp_path / "sim" / "add.mem").write_text("11\n")
    words = random_words(20, 8)
    result = simulator.run([words], expect_words=[20])
    assert [(word + 0x11) % 256 for word in as_integers(words)] == as_integers(result.outputs[0])


def test_missing_memory_file_is_an_error(tmp_path: Path) -> None:
    simulator = build_register(tmp_path, NAME_FILE="none.mem")
    with pytest.raises(SimulationError, match=r"none\.mem:0: \$readmem file not found") as caught:
        simulator.run([random_words(20, 8)], expect_words=[20])
    assert caught.value.hint == f"$readmemh paths are relative to {tmp_path / 'sim'}"


def test_waves_are_written_also_when_the_run_fails(tmp_path: Path) -> None:
    simulator = build_register(tmp_path)
    waves = tmp_path / "run.vcd"
    plain = simulator.run([random_words(20, 8)], expect_words=[20], stall=0.2, seed=3)
    traced = simulator.run([random_words(20, 8)], expect_words=[20], stall=0.2, seed=3, waves=waves)
    assert plain.output_cycles[0].tolist() == traced.output_cycles[0].tolist()
    assert " word_q " in waves.read_text()
    waves.unlink()
    with pytest.raises(SimulationError):
        simulator.run([random_words(20, 8)], expect_words=[21], waves=waves, timeout_cycles=200)
    assert "$enddefinitions" in waves.read_text()


def test_several_runs_at_the_same_time(tmp_path: Path) -> None:
    simulator = build_register(tmp_path)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        runs = [
            pool.submit(simulator.run, [random_words(90, 8, i)], expect_words=[90], seed=i) for i in range(8)
        ]
    for i, future in enumerate(runs):
        assert as_integers(random_words(90, 8, i)) == as_integers(future.result().outputs[0])


def test_a_damaged_runtime_in_the_cache_is_compiled_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    words = random_words(20, 8)
    build_register(tmp_path)
    cache = tmp_path / "cache" / "tailrace" / "verilator"  # other damage: tests/tools/test_cache.py
    shutil.copytree(cache_folder() / "verilator", cache)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(verilator, "_CHECKED", {})
    sizes = {
        path: path.stat().st_size for name in ("runtime.a", "headers.hpp.gch") for path in cache.rglob(name)
    }
    for path, size in sizes.items():
        os.truncate(path, size // 2)
    result = build_register(tmp_path).run([words], expect_words=[20])
    assert as_integers(words) == as_integers(result.outputs[0])
    assert "is damaged (runtime.a " in caplog.text
    assert "is damaged (headers.hpp.gch " in caplog.text
    made = [path for path, size in sizes.items() if path.exists() and path.stat().st_size > size // 2]
    assert sorted(path.name for path in made) == ["headers.hpp.gch", "runtime.a"]


def test_headers_that_cannot_be_kept_are_compiled_beside_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verilator, "_CHECKED", {})
    monkeypatch.setattr(
        verilator, "find", lambda kind, key, names: find(kind, key, names) if len(names) == 1 else None
    )
    words = random_words(20, 8)
    simulator = build_register(tmp_path)
    assert [path.name for path in sorted(tmp_path.rglob("headers.*"))] == [
        "headers.hpp",
        "headers.hpp.gch",
        "headers.log",
    ]
    assert as_integers(words) == as_integers(simulator.run([words], expect_words=[20]).outputs[0])


def test_a_compiler_that_says_no_version_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    compiler = tmp_path / "bin" / "g++"
    compiler.parent.mkdir()
    compiler.write_text(f'#!/bin/sh\n[ "$1" = --version ] || exec {shutil.which("g++")} "$@"\n')
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", f"{compiler.parent}{os.pathsep}{os.environ['PATH']}")
    words = random_words(20, 8)
    result = build_register(tmp_path).run([words], expect_words=[20])
    assert as_integers(words) == as_integers(result.outputs[0])


def test_missing_words_are_a_deadlock_with_counts(tmp_path: Path) -> None:
    with pytest.raises(SimulationError) as caught:
        build_register(tmp_path).run([random_words(20, 8)], expect_words=[25], timeout_cycles=500)
    assert str(caught.value) == (
        "register: no word moved for 500 cycles, in cycle 520\n"
        "s_axis took 20 of 20 words\n"
        "m_axis sent 20 of 25 words\n"
        "  hint: run again with stall=0.0 seed=1 and waves="
    )
    assert caught.value.exit_code == 3


def test_surplus_words_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(SimulationError, match="m_axis sent more words than expected, in cycle 20"):
        build_register(tmp_path).run([random_words(20, 8)], expect_words=[19])


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        (
            "assign m_axis_tvalid = valid_q;",
            "reg odd_q = 0; always @(posedge clk) odd_q <= !odd_q; assign m_axis_tvalid = valid_q && odd_q;",
            "m_axis_tvalid fell while tready was low",
        ),
        (
            "assign m_axis_tdata  = word_q;",
            "reg [7:0] n_q = 0; always @(posedge clk) n_q <= n_q + 1; assign m_axis_tdata = n_q;",
            "m_axis_tdata changed while tready was low",
        ),
        ("!valid_q || m_axis_tready;", "!valid_q;", "m_axis sent more words than expected"),
        ("!valid_q || m_axis_tready;", "1'b1;", "m_axis_tdata changed|m_axis_tvalid fell"),
        ("valid_q <= 1'b0;", "valid_q <= 1'b1;", "m_axis sent more words than expected"),
        ("if (rst) begin", "if (&word_q) $finish; else if (rst) begin", r"the hardware called \$finish"),
    ],
)
def test_broken_hardware_is_found(good: str, bad: str, message: str, tmp_path: Path) -> None:
    assert good in REGISTER
    simulator = build_register(tmp_path, REGISTER.replace(good, bad))
    words = random_words(2000, 8)
    with pytest.raises(SimulationError, match=message):
        simulator.run([words], expect_words=[2000], stall=0.3, timeout_cycles=1000)


def test_registers_without_a_reset_do_not_start_at_zero(tmp_path: Path) -> None:
    """A valid bit that nothing resets shows up as a surplus word for some seed."""
    simulator = build_register(tmp_path, REGISTER.replace("if (rst) begin", "if (1'b0) begin"))
    surplus = 0
    for seed in range(1, 9):
        try:
            simulator.run([random_words(5, 8)], expect_words=[5], seed=seed)
        except SimulationError:
            surplus += 1
    assert 0 < surplus < 8


def test_the_reset_reaches_cells_whose_inputs_have_a_default(tmp_path: Path) -> None:
    """Verilator begins by writing the default to what the input is joined with; yosys' models for ice40 have some."""
    cell = "module buffer (input I = 1'b0, output O);\n    assign O = I;\nendmodule\n"
    text = REGISTER.replace("if (rst) begin", "if (reset) begin").replace(
        "reg             valid_q;", "reg valid_q;\n    wire reset;\n    buffer part (.I(rst), .O(reset));"
    )
    simulator = build_register(tmp_path, text + cell)
    for seed in range(1, 9):
        simulator.run([random_words(5, 8)], expect_words=[5], seed=seed)


def test_words_of_the_wrong_shape_or_size_are_refused(tmp_path: Path) -> None:
    simulator = build_register(tmp_path)
    with pytest.raises(
        ValueError, match=r"s_axis of 8 bits takes an array \(words, 1\), got shape \(20, 2\)"
    ):
        simulator.run([random_words(20, 33)], expect_words=[20])
    with pytest.raises(ValueError, match="s_axis got a word with more than its 8 bits"):
        simulator.run([np.full((1, 1), 256, np.uint32)], expect_words=[1])


def test_lint_is_clean_or_an_error_that_quotes_the_warning(tmp_path: Path) -> None:
    good = REGISTER.replace("ADD = 0", "[WIDTH-1:0] ADD = 0")
    lint([write(tmp_path, good, "register.v")], top="register", folder=tmp_path, parameters={"WIDTH": 8})
    bad = good.replace("reg             valid_q;", "reg             valid_q; wire [3:0] spare = 4'd3;")
    with pytest.raises(ToolError, match="UNUSEDSIGNAL"):
        lint([write(tmp_path, bad, "register.v")], top="register", folder=tmp_path)


def test_syntax_error_is_a_tool_error(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="syntax error") as caught:
        build_register(tmp_path, REGISTER.replace("endmodule", "endmodul"))
    assert caught.value.exit_code == 4
