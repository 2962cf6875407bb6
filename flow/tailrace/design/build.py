# SPDX-License-Identifier: Apache-2.0
"""A build from network to report in stages; each leaves its result in the build folder, so that any can be resumed.

The stages are the calls of the Python interface, one after another: load, plan, emit, verify, synth. What is here
beside them is when each runs, what it finds and leaves in the folder, and what the user is told.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tailrace.core.errors import MappingError, UsageError
from tailrace.design import api, folder, manifest
from tailrace.design.accuracy import require_statement
from tailrace.design.compiling import said
from tailrace.design.config import Config, make_config, to_toml
from tailrace.design.interrupts import INTERRUPTED, InterruptedBuildError
from tailrace.design.manifest import STAGES, VECTORS
from tailrace.design.recipe import command_line
from tailrace.design.requirements import require_tools
from tailrace.design.software import IMPORTED, imported_files
from tailrace.design.stages import DECIDED, Notify, before
from tailrace.design.vectors import Vectors, load_vectors
from tailrace.emission.board import obstacle
from tailrace.extend import installed
from tailrace.frontend import file_name
from tailrace.graph import Graph
from tailrace.graph.passes.pipeline import changing_keys
from tailrace.planning import serialize
from tailrace.report.schema import Verify
from tailrace.tools.nextpnr import placer_found

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tailrace.planning.plan import Plan
    from tailrace.planning.streams.fifos import Goal


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What to build: the network (None: the one already in the folder), where, how, and which stages.

    ``insisted`` names options that the plan must meet: where it misses one, the build ends, instead of with a notice.
    """

    folder: Path
    config: Config
    model: Path | None = None
    first: str = "import"
    last: str = "report"
    insisted: tuple[str, ...] = ()

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
        keys = changing_keys()
        if "verify" in self.stages and any(key in keys for own in self.config.layers.values() for key in own):
            require_statement(loss=self.config.accuracy_loss, has_vectors=self.config.vectors is not None)

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages to run, in order."""
        return STAGES[STAGES.index(self.first) : STAGES.index(self.last) + 1]

    @property
    def backends(self) -> tuple[str, ...]:
        """What to emit and to verify."""
        return ("rtl", "hls") if self.config.backend == "both" else (self.config.backend,)

    def doing(self, stage: str) -> str:
        """Say in a few words what a stage of this build does."""
        names = " and the ".join({"rtl": "Verilog", "hls": "C++"}[backend] for backend in self.backends)
        return {
            "import": "reading the network",
            "plan": "folding the layers",
            "emit": "writing the sources",
            "verify": f"compiling the {names}, comparing with the network",
            "synth": "synthesizing block by block, simulating the netlist",
            "report": "writing the report",
        }[stage]


def resumed(place: Path, first: str, *sources: Mapping[str, Any]) -> Config:
    """Return the options of the build in the folder ``place`` with those of ``sources`` laid over them.

    Raises UsageError where an option is changed that was settled in a stage before ``first``.
    """
    stored = dict(manifest.read_manifest(place).get("config", {}))
    if stored.get("vectors"):
        stored["vectors"] = str(place / stored["vectors"])
    old = make_config(stored)
    new = make_config(stored, *sources)
    for stage in before(first) if first in STAGES else ():
        for name in DECIDED.get(stage, ()):
            was, wanted = getattr(old, name), getattr(new, name)
            if was != wanted:
                raise UsageError(
                    f"{name} cannot change from {_short(was)} to {_short(wanted)} behind the stage {stage}",
                    where=str(place),
                    hint=f"run that stage again: --from {stage}",
                )
    return new


def _short(value: object) -> str:
    text = json.dumps(value, default=dict)
    return text if len(text) < 80 else "another value"


def plan_of(graph: Graph, config: Config, insisted: tuple[str, ...] = ()) -> Plan:
    """Return the plan of ``graph`` with the options of ``config``.

    Raises MappingError, beside what :func:`tailrace.plan` raises, where it misses an option of ``insisted``.
    """
    plan = api.plan(
        graph,
        part=config.part,
        clock_mhz=config.clock_mhz,
        fps=config.fps,
        fifos=cast("Goal", config.fifos),
        layers=config.layers,
        engine=config.engine,
        latency_cycles=config.latency_cycles,
        latency_us=config.latency_us,
        minimize=config.minimize,
        use=config.use,
    )
    require_met(plan, insisted)
    return plan


def require_met(plan: Plan, insisted: tuple[str, ...]) -> None:
    """Raise MappingError where the plan misses the rate that was insisted on."""
    missed = plan.missed_rate if "fps" in insisted else None
    if missed:
        small = plan.fifo_interval_cycles >= plan.interval_cycles
        way = "take --fifos throughput" if small else "leave pe and simd of these layers to tailrace"
        raise MappingError(missed, hint=f"{way}, or ask for less")


def build(job: Build, notify: Notify | None = None) -> api.Design | None:
    """Run the stages of ``job`` and return the design, if it got that far.

    Raises InterruptedBuildError after Ctrl-C, and what the stages raise; the stages before are done then, and the
    build can go on behind them.
    """
    notify = notify or Notify()
    require_tools(job.stages, job.backends, job.config.part)
    installed()
    folder.claim(job.folder)
    with folder.locked(job.folder):
        folder.sweep(job.folder)
        if job.first != "import":
            manifest.require_stages(job.folder, before(job.first), f"{job.first} cannot begin")
            folder.require_model(job.folder, job.model)
        stages = _Stages(job, notify)
        for name in job.stages:
            try:
                _run_stage(stages, name, notify)
                if INTERRUPTED.is_set():
                    raise KeyboardInterrupt  # noqa: TRY301 - it was lost in an extension module
            except BaseException as error:
                if not (INTERRUPTED.is_set() or isinstance(error, KeyboardInterrupt)):
                    raise
                model = job.model or folder.model_in(job.folder) or "MODEL"
                raise InterruptedBuildError(
                    f"interrupted in the stage {name}, which does not count as done",
                    where=str(job.folder),
                    hint=f"go on with: tailrace build {model} -o {job.folder} --from {name}",
                ) from None
        return stages.design


def _run_stage(stages: _Stages, name: str, notify: Notify) -> None:
    """Take a stage and all later ones off the list, run it, write the report, put it back."""
    job = stages.job
    notify.begin(name, job.doing(name))
    manifest.take_off(job.folder, name, stages.stored)
    start = time.perf_counter()
    with stages.recorded(name, start):
        result = getattr(stages, f"do_{name}")()
    seconds = time.perf_counter() - start
    model = None
    if name == "import":
        path = folder.own_model(job.folder)
        model = {"name": (job.model or path).name, "sha256": folder.sha256(path)}
    manifest.put_back(job.folder, name, seconds, model)
    notify.end(name, seconds, result)


class _Stages:
    """What the stages hand on; a value that is not there is read from the folder. Each returns what came of it."""

    def __init__(self, job: Build, notify: Notify) -> None:
        self.job = job
        self.notify = notify
        self.graph: Graph | None = None
        self.design: api.Design | None = None
        self.read: Vectors | None = None
        self.stored = job.config
        """The options as they stand in the folder, where the vectors are the folder's own copy."""
        if job.config.vectors:
            self.stored = replace(job.config, vectors=_copy_name(Path(job.config.vectors)))
        if job.first != "import":
            self.keep_vectors()

    @contextmanager
    def recorded(self, stage: str, start: float) -> Iterator[None]:
        """Write the report once, when the stage ends, if there is one: with its seconds, or in an error without."""
        if stage == "import":
            yield
            return
        if stage == "plan":
            self.design = None
            yield
            self.note({stage: time.perf_counter() - start})
            self.current().write_report()
            return
        with self.current().recording():
            self.note({})
            yield
            self.note({stage: time.perf_counter() - start})

    def note(self, seconds: Mapping[str, float]) -> None:
        """Put the seconds of the stages that are done, and ``seconds``, and the command line into the report."""
        design = self.current()
        taken = {**manifest.seconds_of(self.job.folder), **{k: round(v, 2) for k, v in seconds.items()}}
        design.report = replace(design.report, seconds=taken, commands=(self.command_line(),))

    def command_line(self) -> str:
        """Return the line that builds the same again, in the folder."""
        return command_line(self.stored, folder.model_in(self.job.folder) or folder.ONNX)

    def do_import(self) -> str:
        """Network -> integer graph, and what its software needs to be compared with it."""
        job = self.job
        if job.model is None:
            raise ValueError("Build checks that there is a network to import")
        graph = self.graph = api.load(
            job.model,
            job.config.input_type,
            limits=job.config.limits,
            states=job.config.states,
            sequence=job.config.sequence,
        )
        self.vectors()  # a bad file is told now, not after minutes
        files = {**imported_files(graph), "tailrace.toml": to_toml(self.stored)}
        kept = file_name(job.model)
        folder.copy_in(job.model, job.folder, kept)
        for name in folder.MODELS:
            if name != kept:
                (job.folder / name).unlink(missing_ok=True)
        self.keep_vectors()
        folder.clear(job.folder, "import")
        folder.write_files(job.folder, files)
        counts = Counter(type(node).__name__ for node in graph.nodes)
        return ", ".join(f"{count} {kind}" for kind, count in counts.items())

    def do_plan(self) -> str:
        """Graph -> passes -> plan."""
        job = self.job
        with said(self.notify.note):
            plan = plan_of(self.imported(), job.config, job.insisted)
        folder.clear(job.folder, "plan")
        self.design = api.Design(job.folder, plan)
        folder.write_files(job.folder, self.design.plan_files(), beside=("graph",))
        speed = self.design.report.performance
        cycles = f"{speed.interval_cycles} cycles a frame: {speed.fps:,.0f} frames/s"
        return f"{len(plan.instances)} blocks, {cycles}, latency {speed.latency_cycles} cycles"

    def do_emit(self) -> str:
        """Plan -> sources."""
        design = self.current()
        self.forget(verify=Verify(), accuracy=None)
        folder.clear(self.job.folder, "emit")
        design.write_sources(self.job.backends)
        folders = ("rtl", "hls", "sim", "board")
        counts = {name: len(list((self.job.folder / name).glob("*"))) for name in folders}
        said = ", ".join(f"{count} files in {name}/" for name, count in counts.items() if count)
        why = obstacle(design.plan, design.board) if design.board and "rtl" in self.job.backends else None
        return f"{said}; {why}" if why else said

    def do_verify(self) -> str:
        """Accuracy, E1 and E2."""
        config = self.job.config
        design = self.current()
        self.forget(verify=Verify(), accuracy=None)
        folder.clear(self.job.folder, "verify")
        user = self.vectors()
        report = design.verify(
            user.inputs if user else None,
            labels=user.labels if user else None,
            name=user.name if user else "",
            vectors=config.random_vectors,
            seed=config.seed,
            stall=config.stall,
            backends=self.job.backends,
            jobs=config.jobs,
            accuracy_loss=config.accuracy_loss,
            hear=self.notify.step,
        )
        checks = {
            "software": report.verify.software,
            "HLS C++": report.verify.hls,
            "Verilog": report.verify.rtl,
        }
        counts = [f"{item.vectors} {name}" for name, item in checks.items() if item]
        found = report.accuracy
        right = f"; {found.correct} of {found.total} right" if found and found.measure == "labels" else ""
        same = f"; {found.correct} of {found.total} as before" if found and not right else ""
        return f"vectors: {', '.join(counts)}; 0 mismatches{right}{same}"

    def do_synth(self) -> str:
        """Synthesis and E3."""
        config = self.job.config
        design = self.current()
        self.forget(verify=replace(design.report.verify, netlist=None))
        folder.clear(self.job.folder, "synth")
        if "rtl" not in self.job.backends:
            return "no Verilog, so nothing to synthesize"
        part = design.plan.part
        if not part.open_synthesis:
            return f"left to the vendor's tool: tailrace synth {self.job.folder} --tool {' or '.join(part.tools)}"
        user = self.vectors()
        report = design.synth(
            "nextpnr" if self.routed() else "yosys",
            jobs=config.jobs,
            x=user.inputs if user else None,
            seed=config.seed,
            stall=config.stall,
            hear=self.notify.step,
        )
        found, netlist = report.synth, report.verify.netlist
        if report.asic and netlist:
            area = f"{report.asic.area_um2 or 0:,.0f} µm², {report.asic.flip_flops or 0:,} flip-flops"
            return f"{area}; {netlist.vectors} vectors through the gates, {netlist.mismatches} mismatches"
        if found is None or netlist is None:
            raise ValueError("synthesis leaves its counts and its check in the report")
        cells = f"{found.lut or 0:,.0f} LUT, {found.ff or 0:,.0f} FF"
        bits = f"; {report.bitstream}" if report.bitstream else ""
        return (
            f"{cells}; {netlist.vectors} vectors through the netlist, {netlist.mismatches} mismatches{bits}"
        )

    def routed(self) -> bool:
        """Return whether the synthesis goes on to a bitstream: for a board with a top, where its placer is there."""
        design = self.current()
        board, tool = design.board, design.plan.part.family.nextpnr
        if board is None or tool is None or obstacle(design.plan, board):
            return False
        return placer_found(tool.program)

    def do_report(self) -> str:
        """Write all forms of the report."""
        self.current()
        return "report.json, report.md, report.html"

    def forget(self, **measured: Any) -> None:  # noqa: ANN401 - fields of the report
        """Take out of the report what is measured anew now, so that a failure leaves no old success in it.

        A build that is killed has no chance to write a report: an old success goes from the folder at once.
        """
        design = self.current()
        old = design.report
        design.report = replace(old, synth=None, asic=None, timing=None, bitstream=None, **measured)
        if design.report != old:
            design.write_report()

    def current(self) -> api.Design:
        """Return the design of this run, or the one in the folder."""
        if self.design is None:
            self.design = api.Design.open(self.job.folder)
        return self.design

    def imported(self) -> Graph:
        """Return the graph as it was imported, in this run or an earlier one."""
        if self.graph is None:
            self.graph = cast("Graph", serialize.load(folder.own(self.job.folder, IMPORTED), Graph))
        return self.graph

    def vectors(self) -> Vectors | None:
        """Return the user's vectors, or None."""
        if self.read is None and self.job.config.vectors:
            found = load_vectors(Path(self.job.config.vectors), self.imported())
            self.read = replace(found, name=Path(self.job.config.vectors).name)
        return self.read

    def keep_vectors(self) -> None:
        """Copy the user's vectors into the folder; where there are none, an old copy goes."""
        kept = self.stored.vectors
        if kept is not None:
            self.vectors()
            folder.copy_in(Path(str(self.job.config.vectors)), self.job.folder, kept)
        for name in VECTORS:
            if name != kept:
                (self.job.folder / name).unlink(missing_ok=True)


def _copy_name(path: Path) -> str:
    """Return what the folder calls its copy of a file of vectors."""
    return VECTORS[path.suffix == ".npz"]
