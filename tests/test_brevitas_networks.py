# SPDX-License-Identifier: Apache-2.0
"""Networks of the sizes that people use, from Brevitas to Verilog and C++ that give the same, within 6 GB."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from tailrace.planning import serialize
from tailrace.planning.streams.simulator import simulate

pytestmark = pytest.mark.slow

BYTES_AT_MOST = 6e9
CYCLES = 65_536
SCRIPT = Path(__file__).with_name("brevitas_networks.py")
NAMES = (
    "cnv_w1a1",
    "cnv_w2a2",
    "vgg10_1d_w8a8",
    "vgg10_1d_w4a3",
    "resnet8_w4a4",
    "resnet8_w8a8",
    "mobilenet_w4a4",
    "mobilenet_w5a6",
)


def test_every_network_of_the_script_is_built_here() -> None:
    pytest.importorskip("brevitas", reason="needs the brevitas extra")
    code = "import brevitas_networks; print(*brevitas_networks.NETWORKS)"
    # In a process of its own: Brevitas warns of parts of itself, which is an error in the tests.
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=SCRIPT.parent, check=True, capture_output=True, text=True
    )
    assert tuple(done.stdout.split()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_network_from_brevitas_becomes_equal_hardware(name: str, tmp_path: Path) -> None:
    pytest.importorskip("brevitas", reason="needs the brevitas extra")
    subprocess.run([sys.executable, str(SCRIPT), str(tmp_path), name], check=True, capture_output=True)
    folder = tmp_path / "build"
    command = [
        sys.executable,
        "-m",
        "tailrace.cli.main",
        "build",
        str(tmp_path / f"{name}.onnx"),
        "-o",
        str(folder),
    ]
    command += ["--part", "xczu7ev", "--fps", str(100e6 / CYCLES), "--to", "verify", "--random-vectors", "8"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((folder / "report.json").read_text())
    for level in ("software", "hls", "rtl"):
        assert report["verify"][level]["mismatches"] == 0, level
        assert report["verify"][level]["vectors"] >= 8, level
    plan = serialize.load(folder / "plan.json")
    schedule = simulate(plan)
    speed = report["performance"]
    assert speed["interval_cycles"] == schedule.interval_cycles == plan.interval_cycles <= CYCLES
    assert speed["latency_cycles"] == schedule.latency_cycles
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 < BYTES_AT_MOST
