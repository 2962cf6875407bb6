# SPDX-License-Identifier: Apache-2.0
"""docs/internals/new_block.md is true: six files and a line make a block, which is refused and defaulted nowhere."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tailrace.blocks.base import Block

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = CHECKOUT / "docs/internals/new_block.md"
FILE = re.compile(r"^`([^`\n]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILES = dict(FILE.findall(PAGE.read_text(encoding="utf-8")))
COPIED = ("flow", "rtl", "templates_hls", "sim", "ip", "constraints", "tests", "docs", "pyproject.toml")


def test_the_page_has_the_six_files_of_a_block() -> None:
    assert list(FILES) == [
        "flow/tailrace/blocks/negate.py",
        "rtl/tr_negate.v",
        "templates_hls/tr_negate.hpp",
        "sim/test_negate.py",
        "tests/blocks/test_negate.py",
        "docs/blocks/negate.md",
    ]


def tree_with(
    folder: Path, model: str = FILES["flow/tailrace/blocks/negate.py"], *, listed: bool = True
) -> Path:
    """A copy of the source tree with the six files (the first of them as ``model``), and the lines in both lists."""
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc", ".venv", "build")
    for name in COPIED:
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copyfile(source, folder / name)
    for name, text in {**FILES, "flow/tailrace/blocks/negate.py": model}.items():
        (folder / name).write_text(text, encoding="utf-8")
    if listed:
        path = folder / "flow/tailrace/blocks/catalogue.py"
        text = path.read_text(encoding="utf-8")
        text = text.replace(
            "from tailrace.blocks.pad ",
            "from tailrace.blocks.negate import Negate\nfrom tailrace.blocks.pad ",
        )
        path.write_text(text.replace('    "pad"', '    "negate": Negate,\n    "pad"'), encoding="utf-8")
    index = folder / "docs/blocks/index.md"
    index.write_text(
        index.read_text(encoding="utf-8") + "| [negate](negate.md) | turns signs round |\n", encoding="utf-8"
    )
    return folder


def run_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a tree, on its own package."""
    environment = {**os.environ, "PYTHONPATH": f"{folder / 'flow'}{os.pathsep}{folder / 'tests'}"}
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=800
    )


@pytest.mark.slow
def test_the_block_passes_its_own_tests_those_of_all_blocks_and_those_of_the_tree(tmp_path: Path) -> None:
    tree = tree_with(tmp_path)
    tests = ["tests/blocks/test_negate.py", "tests/blocks/test_protocol.py", "tests/test_layout.py"]
    chosen = "not lint_clean or negate"
    result = run_in(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, "-k", chosen)
    assert result.returncode == 0, result.stdout[-4000:]
    result = run_in(tree, "-m", "ruff", "check", *(name for name in FILES if name.endswith(".py")))
    assert result.returncode == 0, result.stdout


@pytest.mark.slow
def test_the_block_is_planned_emitted_proven_reported_and_packed(tmp_path: Path) -> None:
    tree = tree_with(tmp_path / "tree")
    result = run_in(tree, "tests/new_block_driver.py", str(tmp_path))
    assert result.returncode == 0, result.stderr[-4000:]
    found = json.loads(result.stdout.splitlines()[-1])
    interval, simulated, measured = found.pop("interval")
    assert interval == simulated == measured == 3
    simulated, measured = found.pop("latency")
    assert simulated == measured
    estimated, counted = found.pop("lut")
    assert estimated > 0
    assert counted > 0
    checks = found.pop("checks")
    assert set(checks) == {"software", "hls", "rtl", "netlist"}
    assert all(vectors > 0 and mismatches == 0 for vectors, mismatches in checks.values())
    assert found == {
        "same plan from JSON": True,
        "layer": ["negate", 3, 4, 5],
        "packages with tr_negate.v": ["core", "f", "tar"],
        "in report.md": True,
    }


# --- what is left out is found -----------------------------------------------------------------------------


def wanted() -> list[str]:
    """Everything that a block has to say itself."""
    return ["name", "role", *sorted(Block.__abstractmethods__)]


def without(member: str) -> str:
    """The model without one of its members."""
    text = FILES["flow/tailrace/blocks/negate.py"]
    lines = text.splitlines(keepends=True)
    for node in ast.walk(ast.parse(text)):
        named = (isinstance(node, ast.FunctionDef) and node.name == member) or (
            isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == member
        )
        if named:
            first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
            return "".join(lines[: first - 1] + lines[node.end_lineno :])
    raise AssertionError(f"the model does not say {member}")


FIND = """
import importlib.util, sys
from tailrace.blocks.catalogue import missing_members
for path in sys.argv[1:]:
    spec = importlib.util.spec_from_file_location("negate", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["negate"] = module
    spec.loader.exec_module(module)
    print(*missing_members(module.Negate))
"""


def test_every_member_that_is_left_out_is_found_by_the_completeness_test(tmp_path: Path) -> None:
    paths = []
    for member in wanted():
        paths.append(tmp_path / f"without_{member}.py")
        paths[-1].write_text(without(member), encoding="utf-8")
    result = run_in(CHECKOUT, "-c", FIND, *map(str, paths))
    assert result.returncode == 0, result.stderr[-2000:]
    assert result.stdout.splitlines() == wanted()


@pytest.mark.slow
def test_every_member_that_is_left_out_is_found_by_mypy(tmp_path: Path) -> None:
    """But for the two that are texts of the class: these are for the completeness test alone."""
    members = sorted(Block.__abstractmethods__)
    use = "\n\nBLOCK = Negate(channels=2, pe=1, in_type=IntType(4, signed=True))\n"
    for member in members:
        (tmp_path / f"without_{member}.py").write_text(without(member) + use, encoding="utf-8")
    (tmp_path / "whole.py").write_text(FILES["flow/tailrace/blocks/negate.py"] + use, encoding="utf-8")
    options = ["--strict", "--follow-imports=silent", f"--cache-dir={tmp_path / 'cache'}"]
    files = [str(path) for path in sorted(tmp_path.glob("*.py"))]
    result = run_in(CHECKOUT, "-m", "mypy", "--config-file=", "--ignore-missing-imports", *options, *files)
    found = dict(
        re.findall(
            r"without_(\w+)\.py:\d+: error: Cannot instantiate abstract class .* \"(\w+)\"", result.stdout
        )
    )
    assert found == {member: member for member in members}, result.stdout
    assert "whole.py" not in result.stdout


@pytest.mark.slow
def test_a_block_that_the_table_lacks_is_found(tmp_path: Path) -> None:
    tree = tree_with(tmp_path, listed=False)
    tests = ["tests/blocks/test_protocol.py", "tests/test_layout.py"]
    result = run_in(tree, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, "-k", "table")
    assert "FAILED tests/blocks/test_protocol.py::test_the_table_has_every_block_by_its_name" in result.stdout
    assert "FAILED tests/test_layout.py::test_the_table_of_blocks_has_those_with_six_files" in result.stdout
