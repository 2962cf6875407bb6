# SPDX-License-Identifier: Apache-2.0
"""A build from network to report in stages; each leaves its result in the build folder, so that any can be resumed.

``build.json`` says which stages are done. A stage is taken off the list before it writes and put back when all is
written, so an interrupted build is never taken for a whole one.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tailrace import __version__, api, passes, serialize
from tailrace.config import Config, to_toml
from tailrace.errors import ModelError, TailraceError, UsageError
from tailrace.graph import Graph

log = logging.getLogger(__name__)

STAGES = ("import", "plan", "emit", "verify", "synth", "report")
MANIFEST = "build.json"

Array = NDArray[Any]
Notify = Callable[[str, float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What to build: the network (None: the one already in the folder), where, how, and which stages."""

    folder: Path
    config: Config
    model: Path | None = None
    first: str = "import"
    last: str = "report"

    def __post_init__(self) -> None:
        for name in (self.first, self.last):
            if name not in STAGES:
                raise UsageError(f"there is no stage {name!r}", hint=f"use one of {', '.join(STAGES)}")
        if STAGES.index(self.first) > STAGES.index(self.last):
            raise UsageError(
                f"the stage {self.first} comes after {self.last}", hint=f"the order is {', '.join(STAGES)}"
            )
        if self.first == "import" and self.model is None:
            raise UsageError("there is no network to import", hint="tailrace build MODEL.onnx")


def build(job: Build, notify: Notify = lambda _name, _seconds: None) -> api.Design | None:
    """Run the stages of ``job``; ``notify(stage, seconds)`` after each. Returns the design, if it got that far."""
    _claim(job)
    stages = STAGES[STAGES.index(job.first) : STAGES.index(job.last) + 1]
    state = _State(job)
    for name in stages:
        with _stage(job, name) as clock:
            getattr(state, f"do_{name}")()
        notify(name, clock.seconds)
        state.seconds(name, clock.seconds)
    return state.design


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return ``build.json`` of a folder; an empty dict where there is none."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return {}
    return manifest if isinstance(manifest, dict) else {}


def _claim(job: Build) -> None:
    """Make the folder, or make sure that it is a build folder that has the stages before the first one."""
    folder = job.folder
    if folder.exists() and not folder.is_dir():
        raise TailraceError("this is a file, not a folder", where=str(folder), hint="choose another folder with -o")
    manifest = read_manifest(folder)
    if folder.is_dir() and any(folder.iterdir()) and not manifest:
        raise TailraceError(
            "the folder holds something else: it is not empty and has no build.json",
            where=str(folder),
            hint="choose another folder with -o, or empty this one",
        )
    done = manifest.get("stages", {})
    missing = [name for name in STAGES[: STAGES.index(job.first)] if name not in done]
    if missing:
        raise TailraceError(
            f"the stage {missing[0]} is not done, so {job.first} cannot begin",
            where=str(folder),
            hint=f"run it with --from {missing[0]}",
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TailraceError(
            f"the folder cannot be made: {error.strerror}", where=str(folder), hint="choose another with -o"
        ) from None
    _write_manifest(job, {name: done[name] for name in STAGES if name in done and job.first != "import"})


def _write_manifest(job: Build, stages: dict[str, Any]) -> None:
    manifest = {"schema": 1, "tailrace": __version__, "config": asdict(job.config), "stages": stages}
    text = json.dumps(manifest, indent=1) + "\n"
    temporary = job.folder / f".{MANIFEST}"
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, job.folder / MANIFEST)


class _Clock:
    seconds = 0.0


@contextmanager
def _stage(job: Build, name: str) -> Iterator[_Clock]:
    """Take the stage and all later ones off the list, run it, put it back."""
    done = read_manifest(job.folder).get("stages", {})
    kept = {n: done[n] for n in STAGES[: STAGES.index(name)] if n in done}
    _write_manifest(job, kept)
    clock = _Clock()
    start = time.perf_counter()
    yield clock
    clock.seconds = round(time.perf_counter() - start, 2)
    _write_manifest(job, {**kept, name: {"seconds": clock.seconds}})


class _State:
    """What the stages hand on; a value that is not there is read from the folder."""

    def __init__(self, job: Build) -> None:
        self.job = job
        self.graph: Graph | None = None
        self.design: api.Design | None = None
        self.inputs: Array | None = None
        self.inputs_read = False

    def do_import(self) -> None:
        """Network -> integer graph, before and after every pass."""
        job = self.job
        assert job.model is not None  # noqa: S101 - by Build.__post_init__
        graph = api.load(job.model, job.config.input_type)
        files = {"graph/00-import.json": serialize.dumps(graph)}
        number = 0

        def watch(name: str, after: Graph) -> None:
            nonlocal number
            number += 1
            files[f"graph/{number:02d}-{name}.json"] = serialize.dumps(after)

        self.graph = passes.run(graph, watch=watch)
        self.vectors()  # a bad file is told now, not after minutes
        files["tailrace.toml"] = to_toml(job.config)
        api.write_files(job.folder, files)
        if job.model.resolve() != (job.folder / "model.onnx").resolve():
            temporary = job.folder / ".model.onnx"
            shutil.copyfile(job.model, temporary)
            os.replace(temporary, job.folder / "model.onnx")

    def do_plan(self) -> None:
        """Graph -> plan."""
        job = self.job
        graph = self.graph or self.stored_graph()
        plan = api.plan(
            graph,
            part=job.config.part,
            clock_mhz=job.config.clock_mhz,
            fps=job.config.fps,
            layers=job.config.layers,
        )
        for name in ("report.json", "report.md", "report.html"):
            (job.folder / name).unlink(missing_ok=True)
        api.write_files(job.folder, {"plan.json": serialize.dumps(plan)})
        self.design = api.Design(job.folder, plan)
        self.design.write_report()

    def do_emit(self) -> None:
        """Plan -> sources."""
        self.current().write_sources(self.backends())
        self.current().write_report()

    def do_verify(self) -> None:
        """E1 and E2."""
        config = self.job.config
        self.current().verify(
            self.vectors(),
            vectors=config.random_vectors,
            seed=config.seed,
            stall=config.stall,
            backends=self.backends(),
            jobs=config.jobs,
        )

    def do_synth(self) -> None:
        """Synthesis and E3."""
        config = self.job.config
        if "rtl" not in self.backends():
            log.info("no Verilog, so nothing to synthesize")
            return
        self.current().synth(
            "yosys", jobs=config.jobs, x=self.vectors(), seed=config.seed, stall=config.stall
        )

    def do_report(self) -> None:
        """Write all forms of the report."""
        self.current().write_report()

    def seconds(self, name: str, seconds: float) -> None:
        """Note in the report how long a stage took."""
        if self.design is None:
            return
        done = {n: s["seconds"] for n, s in read_manifest(self.job.folder)["stages"].items()}
        self.design.report = replace(self.design.report, seconds={**done, name: seconds})
        self.design.write_report()

    def current(self) -> api.Design:
        """Return the design of this run, or the one in the folder."""
        if self.design is None:
            self.design = api.Design.open(self.job.folder)
        return self.design

    def stored_graph(self) -> Graph:
        """Return the graph after the last pass, from the folder."""
        files = sorted((self.job.folder / "graph").glob("*.json"))
        graph: Graph = serialize.load(files[-1] if files else self.job.folder / "graph" / "00-import.json")
        return graph

    def backends(self) -> tuple[str, ...]:
        """Return the back ends asked for."""
        backend = self.job.config.backend
        return ("rtl", "hls") if backend == "both" else (backend,)

    def vectors(self) -> Array | None:
        """Return the user's vectors, or None."""
        if not self.inputs_read and self.job.config.vectors:
            graph = self.graph or self.stored_graph()
            self.inputs = graph.host.batch(read_vectors(Path(self.job.config.vectors)))
        self.inputs_read = True
        return self.inputs


def read_vectors(path: Path) -> Array:
    """Read network inputs (n, ...) from a .npy file, or from the array "inputs", "x" or the only one of a .npz file."""
    try:
        found = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise ModelError("there is no such file", where=str(path), hint="give a .npy file of network inputs") from None
    except (ValueError, OSError, EOFError) as error:
        raise ModelError(f"this is no .npy file: {error}", where=str(path), hint="write it with numpy.save") from None
    if isinstance(found, np.ndarray):
        array = found
    else:
        names = [n for n in ("inputs", "x") if n in found.files] or (found.files if len(found.files) == 1 else [])
        if not names:
            raise ModelError(
                f"the file holds {', '.join(found.files) or 'nothing'}",
                where=str(path),
                hint='call the array of network inputs "inputs"',
            )
        array = found[names[0]]
    if array.ndim == 0 or not len(array) or array.dtype.kind not in "fiub":
        raise ModelError(
            f"an array of shape {array.shape} and type {array.dtype}",
            where=str(path),
            hint="wanted numbers, one network input after another along the first axis",
        )
    return array
