# SPDX-License-Identifier: Apache-2.0
"""No module outside targets/ knows a family by its name."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from tailrace.targets.families import FAMILIES

pytestmark = pytest.mark.lint

CHECKOUT = Path(__file__).resolve().parents[2]

OTHER_WORDS = {
    ("flow/tailrace/asic/flow.py", "asic"),  # a folder below ip/
    ("flow/tailrace/asic/mapping.py", "asic"),  # the name of a part of the cache
    ("flow/tailrace/report/render/html.py", "asic"),  # a part of the page
    ("flow/tailrace/report/parsers/quartus.py", "alm"),  # a column of Quartus' reports
}
"""(file, string) that looks like the name of a family and is none."""


def strings(path: Path) -> set[str]:
    """Every string constant of a module that is exactly the name of a family."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value in FAMILIES
    }


def test_no_family_is_named_outside_targets() -> None:
    files = [*CHECKOUT.glob("flow/**/*.py"), *CHECKOUT.glob("sim/*.py")]
    found = {
        (path.relative_to(CHECKOUT).as_posix(), name)
        for path in files
        if "targets" not in path.parts
        for name in strings(path)
    }
    assert found - OTHER_WORDS == set()
    assert len(files) > 200


def test_the_page_says_what_a_lut_is_in_every_family() -> None:
    page = (CHECKOUT / "docs/internals/families.md").read_text(encoding="utf-8")
    for family in FAMILIES.values():
        assert f"| {family.name} | {family.lut_means} |" in page
