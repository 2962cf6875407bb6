# SPDX-License-Identifier: Apache-2.0
"""The HLS C++ as vendors want it: clean at C++14 and C++17, a test bench that finds a wrong value, pragmas."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
import tailrace as tr
from tailrace.blocks.fifo import Fifo
from tailrace.emission.hls import memory_pragmas
from tailrace.tools.hls import ap_types_folder
from tiny_network import write_tiny

if TYPE_CHECKING:
    from pathlib import Path

WARNINGS = ("-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas")


def compiled(folder: Path, name: str, standard: str, *options: str) -> subprocess.CompletedProcess[str]:
    """The design and its test bench, compiled with every warning an error."""
    command = ["g++", f"-std={standard}", *WARNINGS, "-isystem", str(ap_types_folder()), *options]
    command += [f"{name}.cpp", f"{name}_tb.cpp", "-o", "tb"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)


def bench(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["./tb"], cwd=folder, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The HLS C++ of the tiny network."""
    folder = tmp_path_factory.mktemp("tiny")
    plan = tr.plan(tr.load(write_tiny(folder / "tiny.onnx")), part="xczu7ev", clock_mhz=100, fps=1e6)
    tr.emit(plan, folder / "build", backends=["hls"])
    return folder / "build/hls"


@pytest.mark.parametrize("standard", ["c++14", "c++17"])
@pytest.mark.parametrize("control", [(), ("-DTAILRACE_AP_CTRL_HS",)])
def test_it_compiles_without_a_warning_and_its_bench_passes(
    tiny: Path, standard: str, control: tuple[str, ...]
) -> None:
    process = compiled(tiny, "tiny", standard, "-O1", *control)
    assert (process.returncode, process.stderr) == (0, "")
    result = bench(tiny)
    assert (result.returncode, result.stdout) == (0, "tiny_tb: 8 frames equal\n")


def test_the_bench_finds_one_wrong_value_and_a_missing_frame(tiny: Path) -> None:
    assert compiled(tiny, "tiny", "c++14").returncode == 0
    path = tiny / "tb_data/expected.txt"
    good = path.read_text()
    lines = good.splitlines()
    values = lines[5].split()
    wrong = [*values[:1], str(int(values[1]) + 1), *values[2:]]
    try:
        path.write_text("\n".join([*lines[:5], " ".join(wrong), *lines[6:]]) + "\n")
        result = bench(tiny)
        assert result.returncode == 1
        # The streams of the stand-in headers complain after it of what was left in them.
        first = result.stdout.splitlines()[0]
        assert first == f"tiny_tb: frame 5: value 1 is {values[1]}, expected {wrong[1]}"
        path.write_text("\n".join(lines[:3]) + "\n")
        result = bench(tiny)
        assert (result.returncode, result.stdout) == (
            1,
            "tiny_tb: frame 3: tb_data/expected.txt has no such frame\n",
        )
    finally:
        path.write_text(good)


def test_the_bench_finds_a_byte_that_is_not_kept(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "hls"
    shutil.copytree(tiny, folder)
    header = folder / "tr_frame.hpp"
    header.write_text(header.read_text().replace("beat.keep = -1", "beat.keep = 0", 1))
    assert compiled(folder, "tiny", "c++14").returncode == 0
    result = bench(folder)
    assert result.returncode == 1
    assert result.stdout.splitlines()[0] == "tiny_tb: frame 0: TKEEP or TSTRB lacks a byte"


@pytest.mark.slow
@pytest.mark.parametrize("standard", ["c++14", "c++17"])
@pytest.mark.parametrize(
    "name", ["TFC_2W2A", "qkeras_jettagging", "gtsrb_12x12_w2a3", "radioml_cnn1d_2class"]
)
def test_public_networks_compile_without_a_warning_and_pass(
    name: str, standard: str, shared_models: Path, tmp_path: Path
) -> None:
    design = tr.emit(
        tr.plan(tr.load(shared_models / f"{name}.onnx"), part="xczu7ev"), tmp_path, backends=["hls"]
    )
    process = compiled(tmp_path / "hls", design.plan.name, standard, "-O1")
    assert (process.returncode, process.stderr) == (0, "")
    assert bench(tmp_path / "hls").returncode == 0


def test_the_edge_is_axi_stream_with_side_channels(tiny: Path) -> None:
    header, source = (tiny / "tiny.hpp").read_text(), (tiny / "tiny.cpp").read_text()
    assert re.search(r"typedef ap_axiu<\d+, 0, 0, 0> tiny_in;", header)
    assert re.search(r"typedef ap_axiu<\d+, 0, 0, 0> tiny_out;", header)
    for line in (
        "INTERFACE axis port = s_axis",
        "INTERFACE axis port = m_axis",
        "INTERFACE ap_ctrl_hs port = return",
        "INTERFACE ap_ctrl_none port = return",
        "DATAFLOW",
    ):
        assert f"#pragma HLS {line}\n" in source


def test_the_vendors_ap_axiu_is_taken_where_it_is(tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "ap_axi_sdata.h").write_text("#include <ap_int.h>\n#error the header of the vendor\n")
    process = compiled(tiny, "tiny", "c++14", f"-I{tmp_path}")
    assert "the header of the vendor" in process.stderr


def test_streams_are_as_deep_as_the_plan_has_them(shared_models: Path, tmp_path: Path) -> None:
    plan = tr.plan(tr.load(shared_models / "gtsrb_12x12_w2a3.onnx"), part="xczu7ev", clock_mhz=100)
    fifos = {
        instance.outputs[0]: instance.block.depth
        for instance in plan.instances
        if isinstance(instance.block, Fifo)
    }
    assert fifos
    tr.emit(plan, tmp_path, backends=["hls"])
    source = (tmp_path / f"hls/{plan.name}.cpp").read_text()
    depths = dict(re.findall(r"#pragma HLS STREAM variable = (\w+) depth = (\d+)", source))
    assert {name: int(depths[name]) for name in fifos} == fifos


@pytest.mark.parametrize(
    ("layers", "wanted"),
    [
        (
            {"*": {"memory": "block"}},
            "BIND_STORAGE variable = tiny_stages::dense_0::weights type = rom_1p impl = bram",
        ),
        ({"*": {"memory": "distributed"}}, "type = rom_1p impl = lutram"),
        (
            {"dense_0": {"pe": "max", "simd": "max"}},
            "ARRAY_PARTITION variable = tiny_stages::dense_0::weights",
        ),
        (
            {"dense_0": {"pe": 2, "simd": 3}},
            "ARRAY_RESHAPE variable = tiny_stages::dense_0::weights complete dim = 2",
        ),
    ],
)
def test_constants_are_kept_as_the_plan_has_them(
    layers: dict[str, dict[str, str | int]], wanted: str, tmp_path: Path
) -> None:
    plan = tr.plan(
        tr.load(write_tiny(tmp_path / "tiny.onnx")), part="xczu7ev", layers=layers, engine="folded"
    )
    instance = next(instance for instance in plan.instances if instance.name == "dense_0")
    (weights, *_) = instance.block.memories()
    assert wanted in "\n".join(memory_pragmas(plan, instance, weights))
