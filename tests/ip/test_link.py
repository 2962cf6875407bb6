# SPDX-License-Identifier: Apache-2.0
"""The modules of the link alone: lint, and proofs of the rings; tests/design/test_board.py has the whole of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tailrace.core.data import data_folder
from tailrace.emission.board import LIBRARY
from tailrace.tools.formal import prove
from tailrace.tools.verilator import lint

if TYPE_CHECKING:
    from pathlib import Path

LINK = data_folder("ip") / "link"

RINGS = {
    "in": ("tr_link_in", {"WORD_BYTES": 2, "WORDS": 3, "DEPTH_BITS": 3}),
    "in, marked": ("tr_link_in", {"WORD_BYTES": 1, "WORDS": 2, "MARKED": 1, "DEPTH_BITS": 3}),
    "out": ("tr_link_out", {"WORD_BYTES": 2, "FRAME_BYTES": 10, "PACKET_BYTES": 4, "DEPTH_BITS": 3}),
    "out, a byte": ("tr_link_out", {"WORD_BYTES": 1, "FRAME_BYTES": 1, "PACKET_BYTES": 8, "DEPTH_BITS": 3}),
}


def test_the_library_is_every_module_of_the_folder() -> None:
    assert sorted(LIBRARY) == sorted(path.name for path in LINK.glob("*.v"))


@pytest.mark.parametrize("name", LIBRARY)
def test_a_module_of_the_link_is_lint_clean(name: str, tmp_path: Path) -> None:
    lint([LINK / name], top=name.removesuffix(".v"), folder=tmp_path, options=("-y", str(LINK)))


@pytest.mark.formal
@pytest.mark.parametrize("ring", RINGS)
def test_a_ring_gives_what_is_committed_and_nothing_else(ring: str, tmp_path: Path) -> None:
    module, parameters = RINGS[ring]
    proof = prove(sources=[LINK / f"{module}.v"], top=module, parameters=parameters, depth=6, folder=tmp_path)
    assert proof.passed


@pytest.mark.formal
@pytest.mark.parametrize(
    ("ring", "text", "replacement"),
    [
        ("in", "head_q != end_q", "head_q != tail_q"),
        ("in", "if (discard) tail_q <= end_q;", "if (1'b0) tail_q <= end_q;"),
        ("in", "payload_valid && !full;", "payload_valid;"),
        ("out", "free_wide >= length_wide", "free_wide + 1 >= length_wide"),
        ("out", "{HAVE_BITS{1'b0}} && !full", "{HAVE_BITS{1'b0}}"),
    ],
)
def test_a_broken_ring_is_found(ring: str, text: str, replacement: str, tmp_path: Path) -> None:
    module, parameters = RINGS[ring]
    source = (LINK / f"{module}.v").read_text(encoding="utf-8")
    assert source.count(text) == 1
    (tmp_path / f"{module}.v").write_text(source.replace(text, replacement), encoding="utf-8")
    proof = prove(
        sources=[tmp_path / f"{module}.v"], top=module, parameters=parameters, depth=6, folder=tmp_path
    )
    assert not proof.passed
