# SPDX-License-Identifier: Apache-2.0
"""The file of results: what goes in comes out, sweeps share it, other files are left alone."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from tailrace.core.errors import TailraceError
from tailrace.design.exploration.store import (
    Contents,
    Estimate,
    Measurement,
    Score,
    Store,
    gone,
    new_owner,
)

if TYPE_CHECKING:
    from pathlib import Path

duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed (pip install 'tailrace[explore]')")

ESTIMATE = Estimate(
    key="k1",
    network="net",
    sha256="s",
    part="ecp5-85k",
    family="ecp5",
    clock_mhz=100.0,
    fps_asked=None,
    engine="auto",
    minimize=None,
    command="tailrace build net.onnx",
    state="planned",
    design="d1",
    interval_cycles=10,
    lut=12.5,
    fits=True,
)
MEASUREMENT = Measurement(design="d1", stage="place", state="done", fmax_mhz=120.5, mismatches=0)
SCORE = Score(sha256="s", data="v", correct=9, total=10)


def test_results_come_out_as_they_went_in_and_later_ones_replace_them(tmp_path: Path) -> None:
    store = Store(tmp_path / "a" / "sweep.duckdb")
    assert store.read() == Contents()
    store.write([ESTIMATE, MEASUREMENT, SCORE])
    again = replace(ESTIMATE, lut=11.0, message="said")
    store.write([again])
    assert Store(store.path).read() == Contents(
        estimates=(again,), measurements=(MEASUREMENT,), scores=(SCORE,)
    )


def test_what_one_sweep_has_begun_another_leaves_alone_until_it_is_done(tmp_path: Path) -> None:
    store = Store(tmp_path / "sweep.duckdb")
    mine, other = new_owner(), new_owner()
    assert store.claim(["estimate k1", "estimate k2"], mine) == {"estimate k1", "estimate k2"}
    assert store.claim(["estimate k1", "estimate k3"], other) == {"estimate k3"}
    store.write([ESTIMATE], mine)
    assert store.claim(["estimate k1", "estimate k2"], other) == {"estimate k1"}
    store.release(mine)
    assert store.claim(["estimate k2"], other) == {"estimate k2"}


def test_the_claims_of_a_process_that_was_killed_are_free(tmp_path: Path) -> None:
    code = "from tailrace.design.exploration.store import new_owner; print(new_owner())"
    dead = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert gone(dead)
    assert not gone(new_owner())
    assert not gone(f"another-machine {dead.split()[1]} x")
    store = Store(tmp_path / "sweep.duckdb")
    store.claim(["estimate k1"], dead)
    assert store.claim(["estimate k1"], new_owner()) == {"estimate k1"}


def test_the_file_is_waited_for_while_another_process_has_it_open(tmp_path: Path) -> None:
    store = Store(tmp_path / "sweep.duckdb")
    code = (
        "import duckdb, sys, time\n"
        "c = duckdb.connect(sys.argv[1])\n"
        "print('open', flush=True)\n"
        "time.sleep(1)\n"
        "c.close()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(store.path)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        store.write([ESTIMATE])
        other.wait()
    assert store.read().estimates == (ESTIMATE,)


def test_other_files_are_refused_and_stay_as_they_are(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no database", encoding="utf-8")
    with pytest.raises(TailraceError, match="no file of tailrace explore"):
        Store(text)
    assert text.read_text(encoding="utf-8") == "no database"
    foreign = tmp_path / "foreign.duckdb"
    with duckdb.connect(str(foreign)) as connection:
        connection.execute("CREATE TABLE mine (x INTEGER)")
    with pytest.raises(TailraceError, match="other tables"):
        Store(foreign)
    later = Store(tmp_path / "later.duckdb")
    with later.open() as connection:
        connection.execute("UPDATE sweep_schema SET version = 99")
    with pytest.raises(TailraceError, match="schema 99"):
        Store(later.path)
