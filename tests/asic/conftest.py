# SPDX-License-Identifier: Apache-2.0
"""The tiny design in cells of a published library, built once."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from tailrace.design import api
from tiny_network import write_tiny

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def mapped_once(tmp_path_factory: pytest.TempPathFactory, shared_liberty: Path) -> Path:
    """The folder of the tiny design, mapped and simulated: weights in flip-flops and in a macro; to be read only."""
    folder = tmp_path_factory.mktemp("asic")
    plan = api.plan(
        api.load(write_tiny(folder / "tiny.onnx")),
        part=f"liberty:{shared_liberty}",
        fps=5e6,
        clock_mhz=50.0,
        layers={"dense_0": {"memory": "registers"}, "dense_1": {"memory": "block"}},
    )
    design = api.emit(plan, folder / "build", backends=("rtl",))
    design.synth("yosys", vectors=8)
    return folder / "build"


@pytest.fixture
def mapped(mapped_once: Path, tmp_path: Path) -> api.Design:
    """The same in a folder of this test's own."""
    return api.Design.open(shutil.copytree(mapped_once, tmp_path / "build"))
