# SPDX-License-Identifier: Apache-2.0
"""How a build goes on where there is no terminal: nobody sees a silent minute."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tailrace.cli import progress

if TYPE_CHECKING:
    import pytest


def test_a_long_stage_says_how_far_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "SILENT_SECONDS", 0.05)
    heard = ""
    with progress.progress() as lines:
        lines.begin("verify", "C++ and Verilog")
        lines.step("3 of 8 blocks")
        end = time.monotonic() + 30
        while "blocks" not in heard and time.monotonic() < end:
            time.sleep(0.01)
            heard += capsys.readouterr().err
        lines.end("verify", 0.2, "0 mismatches")
        capsys.readouterr()
        time.sleep(0.2)
    assert heard.splitlines()[0] == "verify: 3 of 8 blocks, 0 s so far"
    assert capsys.readouterr().err == ""


def test_a_quick_stage_has_its_line_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.progress() as lines:
        lines.begin("plan", "blocks and foldings")
        lines.step("FIFOs")
        lines.end("plan", 0.2, "8 blocks")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("plan        0.2 s  8 blocks\n", "")
