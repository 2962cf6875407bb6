# SPDX-License-Identifier: Apache-2.0
"""A small design to package, emitted once."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from tailrace.design import api
from tiny_network import write_tiny

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def emitted_tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tiny design with its Verilog; to be read only."""
    folder = tmp_path_factory.mktemp("packaging")
    plan = api.plan(api.load(write_tiny(folder / "tiny.onnx")), part="ecp5-25k", fps=5e6, clock_mhz=50.0)
    api.emit(plan, folder / "build", backends=("rtl",))
    return folder / "build"


@pytest.fixture
def design(emitted_tiny: Path, tmp_path: Path) -> api.Design:
    """The tiny design in a folder of this test's own."""
    return api.Design.open(shutil.copytree(emitted_tiny, tmp_path / "build"))
