# SPDX-License-Identifier: Apache-2.0
"""What is written into a build folder: golden files, equal bytes, clean Verilog."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tailrace as tr
from tailrace.emission.bench import emit_bench
from tailrace.emission.hls import emit_hls, emit_hls_bench
from tailrace.emission.rtl import emit_rtl, source_names
from tailrace.tools.verilator import lint
from tailrace.verify.vectors import random_integers
from tiny_network import write_tiny

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tailrace.planning.plan import Plan

LIBRARY = ("tr_", "streams.py", "run.py", "synth.py", "families.json")
"""How the names of files begin that are copied as they are; they have tests of their own."""

FRAMES = 3


def tiny_plan(tmp_path: Path, **options: object) -> Plan:
    """The plan of the tiny network."""
    graph = tr.load(write_tiny(tmp_path / "tiny.onnx"))
    return tr.plan(graph, part="ecp5-25k", clock_mhz=50, **{"fps": 5e6, **options})


def emitted(plan: Plan) -> dict[str, str]:
    """Every file that a build folder gets, with a few frames for the bench."""
    q = random_integers(plan.graph, FRAMES, seed=1)
    expected = plan.graph.predict_int(q)
    hls = {**emit_hls(plan), **emit_hls_bench(plan, q, expected)}
    return {**emit_rtl(plan), **hls, **emit_bench(plan, q, expected)}


def generated(files: Mapping[str, str]) -> dict[str, str]:
    """Those of the files that are made for this design."""
    return {n: text for n, text in files.items() if not n.rpartition("/")[2].startswith(LIBRARY)}


def test_the_files_of_a_tiny_design_are_the_golden_ones(
    tmp_path: Path, checkout: Path, golden: Callable[[str, str], None], request: pytest.FixtureRequest
) -> None:
    files = generated(emitted(tiny_plan(tmp_path)))
    folder = checkout / "tests/emission/golden"
    if request.config.option.update_golden:
        for path in folder.rglob("*.golden"):
            path.unlink()
    for name, text in files.items():
        golden(f"{name}.golden", text)
    kept = {path.relative_to(folder).as_posix() for path in folder.rglob("*.golden")}
    assert {f"{name}.golden" for name in files} == kept


def test_no_emitted_file_names_a_path_of_this_machine_or_ends_without_a_newline(tmp_path: Path) -> None:
    for name, text in emitted(tiny_plan(tmp_path)).items():
        assert str(tmp_path) not in text, name
        assert text.endswith("\n"), name
        assert "\t" not in text or name == "Makefile", name


def test_emitting_twice_gives_the_same_text(tmp_path: Path) -> None:
    assert emitted(tiny_plan(tmp_path)) == emitted(tiny_plan(tmp_path))


def test_the_order_of_hashes_does_not_matter(tmp_path: Path) -> None:
    """Another PYTHONHASHSEED shuffles every set and frozenset of strings."""
    program = (
        "import sys, tailrace as tr\n"
        "tr.emit(tr.plan(tr.load('tiny.onnx'), part='xczu7ev', fps=1e6), sys.argv[1])\n"
    )
    write_tiny(tmp_path / "tiny.onnx")
    texts = []
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", program, seed]
        subprocess.run(command, cwd=tmp_path, env=environment, check=True, timeout=120)
        folder = tmp_path / seed
        texts.append(
            {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        )
    assert texts[0] == texts[1]


# --- the Verilog is clean -------------------------------------------------------------------------


def lint_design(plan: Plan, folder: Path) -> None:
    """Read the whole design with -Wall, as it is synthesized and as it is verified; ToolError with what it says."""
    rtl = folder / "rtl"
    rtl.mkdir(parents=True)
    for name, text in emit_rtl(plan).items():
        (folder / name).write_text(text, encoding="utf-8")
    sources = [rtl / name for name in source_names(plan)]
    for defines in ((), ("SIMULATION",)):
        lint(sources, top=plan.name, folder=rtl, defines=defines)


LAYERS: dict[str, dict[str, dict[str, int | str]]] = {
    "as planned": {},
    "smallest": {"*": {"pe": "min", "simd": "min"}},
    "parallel": {"*": {"pe": "max", "simd": "max"}},
    "odd": {"dense_0": {"pe": 2, "simd": 3}, "dense_1": {"pe": 3, "simd": 1}},
    "block RAM, multipliers": {"*": {"memory": "block", "dsp": "yes"}},
    "registers": {"*": {"memory": "registers"}},
    "table": {"map_0": {"requantizer": "table"}},
    "search": {"map_0": {"requantizer": "threshold_search"}},
}


@pytest.mark.lint
@pytest.mark.parametrize("name", LAYERS)
def test_the_verilog_of_a_design_is_lint_clean(name: str, tmp_path: Path) -> None:
    lint_design(tiny_plan(tmp_path, layers=LAYERS[name], fps=None), tmp_path / "design")


@pytest.mark.lint
@pytest.mark.parametrize("fps", [20e3, 1e6])
def test_the_verilog_of_the_example_is_lint_clean(fps: float, checkout: Path, tmp_path: Path) -> None:
    graph = tr.load(checkout / "examples/digits/digits.onnx")
    lint_design(tr.plan(graph, part="xczu7ev", clock_mhz=100, fps=fps), tmp_path)


NETWORKS = (
    "TFC_1W1A",
    "TFC_2W2A",
    "unsw_nb15-mlp-w2a2",
    "qkeras_jettagging",
    "cern_qmlp57",
    "finn_tfc_w1a1_finnonnx",
    "finnlab_tfc_w2a2_finnonnx",
    "hls4ml_bnn_fc_1layer",
    "gtsrb_12x12_w2a3",
    "radioml_cnn1d_2class",
    "CNV_light_GTSRB_W2A2",
)


@pytest.mark.lint
@pytest.mark.parametrize("name", NETWORKS)
def test_the_verilog_of_a_public_network_is_lint_clean(
    name: str, shared_models: Path, tmp_path: Path
) -> None:
    lint_design(tr.plan(tr.load(shared_models / f"{name}.onnx")), tmp_path)


def test_a_wire_that_nobody_reads_is_no_clean_verilog(tmp_path: Path) -> None:
    plan = tiny_plan(tmp_path)
    files = emit_rtl(plan)
    (tmp_path / "rtl").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    top = tmp_path / "rtl" / f"{plan.name}.v"
    text = top.read_text(encoding="utf-8").replace("endmodule", "    wire idle = clk;\nendmodule")
    top.write_text(text, encoding="utf-8")
    sources = [tmp_path / "rtl" / name for name in source_names(plan)]
    with pytest.raises(tr.TailraceError, match="UNUSEDSIGNAL"):
        lint(sources, top=plan.name, folder=tmp_path / "rtl")


# --- the same input, the same design --------------------------------------------------------------


def test_the_bench_holds_the_frames_that_it_was_given(tmp_path: Path) -> None:
    plan = tiny_plan(tmp_path)
    q = random_integers(plan.graph, FRAMES, seed=5)
    expected = plan.graph.predict_int(q)
    files = emit_bench(plan, q, expected)
    read = np.array([line.split() for line in files["sim/input.txt"].splitlines()], np.int64)
    assert np.array_equal(read, q)
    read = np.array([line.split() for line in files["sim/expected.txt"].splitlines()], np.int64)
    assert np.array_equal(read, expected.reshape(FRAMES, -1))
