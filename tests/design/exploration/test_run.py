# SPDX-License-Identifier: Apache-2.0
"""A sweep from its points to the page: nothing twice, a killed one goes on, a dead worker costs its task only."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tailrace as tr
from tailrace.cli.main import main
from tailrace.core.errors import ModelError
from tailrace.design.exploration.front import MEASURED
from tailrace.design.exploration.page import page, rows
from tailrace.design.exploration.points import Sweep
from tailrace.design.exploration.run import explore
from tailrace.design.exploration.store import Estimate, Store
from tailrace.design.records import plan_report
from tailrace.report.render import figures
from tiny_network import INPUTS, write_tiny

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from tailrace.design.exploration.pool import Task

pytest.importorskip("duckdb", reason="duckdb is not installed (pip install 'tailrace[explore]')")

PARTS = ("ecp5-25k", "ice40-up5k")
RATES = (1e5, 1e6, 5e6)


class Here:
    """Runs tasks in this process; ``stop`` raises before the task of that number, as a killed sweep ends."""

    def __init__(self, stop: int | None = None) -> None:
        self.stop = stop
        self.ran: list[str] = []

    def run(self, tasks: Mapping[str, Task], take: Callable[[str, Any], None]) -> None:
        for name, (function, arguments) in tasks.items():
            if len(self.ran) == self.stop:
                raise KeyboardInterrupt
            self.ran.append(name)
            try:
                result = function(*arguments)
            except Exception as error:  # noqa: BLE001 - as a worker hands it back
                result = error
            take(name, result)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_tiny(tmp_path / "tiny.onnx")


def a_sweep(model: Path, **more: object) -> Sweep:
    return Sweep(networks=(model,), parts=PARTS, rates=RATES, **more)  # type: ignore[arg-type]


def test_estimates_are_those_of_the_planner(model: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "s.duckdb")
    outcome = explore(a_sweep(model), store, Here())  # type: ignore[arg-type]
    assert (outcome.computed, outcome.found, outcome.problems) == (6, 0, {})
    for found in store.read().estimates:
        plan = tr.plan(tr.load(model), part=found.part, fps=found.fps_asked)
        assert (found.interval_cycles, found.latency_cycles) == (plan.interval_cycles, plan.latency_cycles)
        cells = {cell.key: cell.value for cell in figures.resources(plan_report(plan))}
        assert (found.lut, found.ff, found.dsp, found.bram18) == tuple(cells[kind] for kind in MEASURED)
    assert {d.estimate.key for d in outcome.front} <= {d.estimate.key for d in outcome.designs}


def test_nothing_is_computed_twice_and_a_killed_sweep_goes_on(model: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "s.duckdb")
    with pytest.raises(KeyboardInterrupt):
        explore(a_sweep(model), store, Here(stop=4))  # type: ignore[arg-type]
    assert len(store.read().estimates) == 4
    second = Here()
    outcome = explore(a_sweep(model), store, second)  # type: ignore[arg-type]
    assert (len(second.ran), outcome.found) == (2, 4)
    whole = store.read()
    third = Here()
    explore(a_sweep(model), store, third)  # type: ignore[arg-type]
    assert third.ran == []
    fresh = Store(tmp_path / "fresh.duckdb")
    explore(a_sweep(model), fresh, Here())  # type: ignore[arg-type]

    def timeless(estimates: tuple[Estimate, ...]) -> list[dict[str, Any]]:
        return [{n: getattr(e, n) for n in e.__dataclass_fields__ if n != "seconds"} for e in estimates]

    assert timeless(whole.estimates) == timeless(fresh.read().estimates)


def test_what_another_sweep_finishes_meanwhile_is_not_computed_again(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, other = Store(tmp_path / "s.duckdb"), Store(tmp_path / "s.duckdb")
    claim = store.claim

    def late(works: Collection[str], owner: str) -> set[str]:
        """Let the other sweep run to its end between the look at what is done and the claim."""
        explore(a_sweep(model), other, Here())  # type: ignore[arg-type]
        return claim(works, owner)

    monkeypatch.setattr(store, "claim", late)
    second = Here()
    outcome = explore(a_sweep(model), store, second)  # type: ignore[arg-type]
    assert second.ran == []
    assert len(outcome.designs) == len(PARTS) * len(RATES)


def test_a_failed_task_is_said_and_tried_again_and_an_impossible_point_is_not(
    model: Path, tmp_path: Path
) -> None:
    store = Store(tmp_path / "s.duckdb")

    class Broken(Here):
        def run(self, tasks: Mapping[str, Task], take: Callable[[str, Any], None]) -> None:
            for name in tasks:
                take(name, MemoryError("no memory"))

    sweep = a_sweep(model, engines=("folded",))
    outcome = explore(sweep, store, Broken())  # type: ignore[arg-type]
    assert outcome.problems["MemoryError: no memory"] == 6
    assert {e.state for e in store.read().estimates} == {"failed"}
    assert explore(sweep, store, Here()).found == 0  # type: ignore[arg-type]
    assert {e.state for e in store.read().estimates} == {"planned"}

    other = tmp_path / "broken.onnx"
    other.write_bytes(b"nothing")
    impossible = Sweep(networks=(other,))
    explore(impossible, store, Here())  # type: ignore[arg-type]
    again = Here()
    explore(impossible, store, again)  # type: ignore[arg-type]
    assert again.ran == []
    (found,) = [e for e in store.read().estimates if e.state == "impossible"]
    assert "broken.onnx" in str(found.message)


def test_the_accuracy_of_every_network_is_counted_once(model: Path, tmp_path: Path) -> None:
    graph = tr.load(model)
    x = np.random.default_rng(1).uniform(-1, 1, (20, INPUTS)).astype(np.float32)
    labels = np.asarray(graph.predict(x)).argmax(axis=1)
    labels[:5] = (labels[:5] + 1) % 3
    np.savez(tmp_path / "v.npz", inputs=x, labels=labels)
    np.save(tmp_path / "short.npy", labels[:3])
    store = Store(tmp_path / "s.duckdb")
    for _ in range(2):
        outcome = explore(a_sweep(model, vectors=tmp_path / "v.npz"), store, Here())  # type: ignore[arg-type]
        assert {d.accuracy for d in outcome.designs} == {0.75}
    assert len(store.read().scores) == 1
    with pytest.raises(ModelError, match="3 labels for 20"):
        explore(a_sweep(model, vectors=tmp_path / "v.npz", labels=tmp_path / "short.npy"), store, Here())  # type: ignore[arg-type]


def test_the_best_designs_are_synthesized_and_the_page_has_every_design(model: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "s.duckdb")
    outcome = explore(a_sweep(model, to="synthesize", most=1), store, Here())  # type: ignore[arg-type]
    measured = store.read().measurements
    assert sorted(m.stage for m in measured) == ["simulate", "synthesize"]
    assert all(m.state == "done" for m in measured)
    assert [d.stage for d in outcome.front] == ["synthesize"]
    simulated = next(m for m in measured if m.stage == "simulate")
    assert simulated.mismatches == 0
    text = page(store)
    data = json.loads(re.search(r'<script id="data"[^>]*>(.*?)</script>', text, re.DOTALL).group(1))  # type: ignore[union-attr]
    assert data["rows"] == rows(store.read())
    assert sum(row["counted"] for row in data["rows"]) >= 1
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_chromium_draws_a_line_and_a_point_for_every_design(model: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "s.duckdb")
    explore(a_sweep(model), store, Here())  # type: ignore[arg-type]
    path = tmp_path / "s.html"
    path.write_text(page(store), encoding="utf-8")
    command = [
        "chromium",
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--user-data-dir={tmp_path / 'profile'}",
    ]
    done = subprocess.run([*command, "--dump-dom", path.as_uri()], capture_output=True, text=True, check=True)
    table = re.search(r'<table id="table">.*?</table>', done.stdout, re.DOTALL)
    assert table is not None
    assert table.group().count("<tr") == 1 + len(PARTS) * len(RATES)
    assert len(re.findall(r'<circle class="dot', done.stdout)) == len(PARTS) * len(RATES)


def test_the_command_says_what_is_missing_or_wrong(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["explore"]) == 2
    assert "no network" in capsys.readouterr().err
    assert main(["explore", str(model), "--fps", "fast"]) == 2
    assert "is no rate" in capsys.readouterr().err
    assert main(["explore", str(model), "--part", "nopart"]) == 2
    assert "nopart" in capsys.readouterr().err
    assert main(["explore", str(model), "--cluster", "cloud"]) == 2
    assert "is no cluster" in capsys.readouterr().err
    assert main(["explore", "--open", "none.duckdb"]) == 1
    assert "no such file" in capsys.readouterr().err
    assert main(["explore", str(model), "--open", "none.duckdb"]) == 2
    monkeypatch.setitem(sys.modules, "duckdb", None)
    assert main(["explore", str(model)]) == 2
    assert "pip install 'tailrace[explore]'" in capsys.readouterr().err


# --- dask --------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_two_workers_one_killed_and_the_scheduler_started_again(model: Path, tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="dask is not installed (pip install 'tailrace[explore]')")
    from distributed import Client  # noqa: PLC0415
    from distributed.utils import open_port  # noqa: PLC0415

    port = open_port()
    address = f"tcp://127.0.0.1:{port}"
    bin_folder = Path(sys.executable).parent

    def start(*words: str) -> subprocess.Popen[bytes]:
        with (tmp_path / f"{words[0]}.log").open("ab") as log:
            return subprocess.Popen(
                [bin_folder / "dask", *words], stdout=log, stderr=log, start_new_session=True
            )

    def scheduler() -> subprocess.Popen[bytes]:
        return start("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")

    def worker() -> subprocess.Popen[bytes]:
        return start(
            "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--death-timeout", "120"
        )

    running = {"scheduler": scheduler(), "one": worker(), "two": worker()}
    store_path = tmp_path / "farm.duckdb"
    rates = ",".join(str(1000 * n) for n in range(1, 301))
    command = [
        bin_folder / "tailrace", "explore", str(model), "--fps", rates, "--cluster", address, "-o", str(store_path),
    ]  # fmt: skip
    try:
        with Client(address, timeout=60, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=120)
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as sweep:

            def until(count: int) -> None:
                end = time.monotonic() + 300
                while not store_path.exists() or len(Store(store_path).read().estimates) < count:
                    assert sweep.poll() is None, sweep.stdout.read() if sweep.stdout else ""
                    assert time.monotonic() < end
                    time.sleep(0.2)

            until(20)
            os.killpg(running["one"].pid, signal.SIGKILL)
            until(60)
            for name in ("scheduler", "two"):
                os.killpg(running[name].pid, signal.SIGKILL)
                running[name].wait()
            running["scheduler"], running["two"] = scheduler(), worker()
            output, _ = sweep.communicate(timeout=500)
        assert sweep.returncode == 0, output
        found = Store(store_path).read().estimates
        assert len(found) == 300
        assert {e.state for e in found} == {"planned"}
    finally:
        for process in running.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
