# SPDX-License-Identifier: Apache-2.0
"""tailrace from Python: load a network, plan it, emit it, verify it, synthesize it."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.asic.activity import measure_activity
from tailrace.asic.flow import asic_models, map_design
from tailrace.asic.power import design_power
from tailrace.asic.records import asic_record, layers_with_asic, power_record, synth_record
from tailrace.core.errors import Mismatch, TailraceError, UsageError
from tailrace.design.config import ONLY, read_folding
from tailrace.design.manifest import read_manifest
from tailrace.design.reporting import hardware_check, plan_report, software_check, synth_records
from tailrace.emission.bench import emit_bench
from tailrace.emission.hls import emit_hls, emit_hls_bench
from tailrace.emission.rtl import emit_rtl, library_files, module_names
from tailrace.emission.vendor import CONTROLS, FLOWS, emit_vendor, flows_of, require_known, top_ports
from tailrace.frontend import load_onnx
from tailrace.graph.passes import pipeline as passes
from tailrace.packaging.core import Vlnv
from tailrace.packaging.export import export
from tailrace.planning import serialize
from tailrace.planning.build import plan as make_plan
from tailrace.planning.folding import check_options
from tailrace.planning.layout import LayerOptions
from tailrace.report.render.output import write_text
from tailrace.report.schema import Report, Timing
from tailrace.report.schema import load as load_report
from tailrace.report.vendor import missing_kinds, with_run, without_run
from tailrace.targets.families import placed
from tailrace.targets.parts import Part, board, part
from tailrace.tools.nextpnr import place_and_route
from tailrace.tools.process import workers
from tailrace.tools.stages import StageFiles, synthesize_stages
from tailrace.tools.vendor import Behind, command_line, read_run, run_tool
from tailrace.verify.constants import wrong_constant
from tailrace.verify.hardware import HardwareResult, compare, rtl_simulator
from tailrace.verify.hls import verify_hls
from tailrace.verify.netlist import verify_netlist
from tailrace.verify.software import SoftwareResult, verify_software
from tailrace.verify.stalls import compare_stalled, stalled_simulator
from tailrace.verify.vectors import affordable, random_inputs, random_integers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tailrace.core.types import FixedType
    from tailrace.graph import Graph
    from tailrace.planning.plan import Plan
    from tailrace.planning.streams.fifos import Goal
    from tailrace.targets.parts import Board
    from tailrace.tools.yosys import CellModels, Synthesis

Integers = NDArray[np.int64]
Array = NDArray[Any]

log = logging.getLogger(__name__)

BENCH_FRAMES = 8
"""Frames that the cocotb bench of a build folder comes with."""

RANDOM_VECTORS = 64
"""Random vectors for C++ and Verilog, and ..."""

SOFTWARE_VECTORS = 16
"""Random vectors for the comparison with the network's own software, which is slow; the user's come on top."""


def load(path: Path | str, input_type: str | FixedType | None = None) -> Graph:
    """Read a QONNX network as an integer graph; ``input_type`` such as ``fixed<16,6>`` for inputs without a quantizer.

    Raises ModelError or UnsupportedError, which lists every node that cannot be mapped.
    """
    return load_onnx(Path(path), input_type)


def plan(
    graph: Graph,
    *,
    part: str | Part = "ecp5-85k",
    clock_mhz: float = 100.0,
    fps: float | None = None,
    fold: Mapping[str, Mapping[str, int | str]] | Path | str | None = None,
    fifos: Goal = "throughput",
    layers: Mapping[str, Mapping[str, int | str]] | None = None,
    engine: str = "auto",
    latency_cycles: int | None = None,
) -> Plan:
    """Lay ``graph`` out for ``part``: ``fps`` frames a second at ``clock_mhz``, or the folding ``fold``.

    ``fold`` is {layer or "*": {"pe": n, "simd": n}} (or a file of it), n a number, "min" or "max"; ``layers`` gives
    memory, dsp, requantizer and engine per layer, ``engine`` the engine of the others (auto, folded, spatial);
    ``latency_cycles`` is the most from the first word of a frame in to its last word out; ``fifos`` are deep enough
    for full ``throughput``, or just ``deadlock-free``.
    Raises MappingError where it cannot be.
    """
    asked = read_folding(Path(fold)) if isinstance(fold, (str, Path)) else dict(fold or {})
    options = {
        name: {k: str(v) for k, v in table.items() if k not in ("pe", "simd")}
        for name, table in (layers or {}).items()
    }
    options["*"] = {"engine": engine, **options.get("*", {})}
    for name, table in (layers or {}).items():
        keys = {k: v for k, v in table.items() if k in ("pe", "simd")}
        if keys:
            asked[name] = {**asked.get(name, {}), **keys}
    lowered = passes.run(graph)
    check_options(lowered, options)
    return make_plan(
        lowered,
        part=_part(part),
        clock_mhz=clock_mhz,
        fps=fps,
        asked=asked,
        fifos=fifos,
        layers={n: LayerOptions(**{**options.get("*", {}), **own}) for n, own in options.items() if own},
        latency_cycles=latency_cycles,
    )


def _part(name: str | Part) -> Part:
    return name if isinstance(name, Part) else part(name)


def emit(plan: Plan, folder: Path | str, *, backends: Sequence[str] = ("rtl", "hls")) -> Design:
    """Write the design of ``plan`` into ``folder`` (made if need be) and return it."""
    design = Design(Path(folder), plan)
    design.write_sources(backends)
    return design


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorOptions:
    """How a vendor flow runs: ``prefix`` is put in front of its command, ``program`` replaces its usual one.

    ``only`` is None or one of :data:`ONLY`, ``control`` how a core of Vitis HLS starts, ``follow`` hears each line that
    the tool prints.
    """

    prefix: str | None = None
    program: str | None = None
    only: str | None = None
    control: str = CONTROLS[0]
    follow: Callable[[str], None] | None = None

    def __post_init__(self) -> None:
        if self.only is not None and self.only not in ONLY:
            raise UsageError(f"only is {self.only!r}", hint=f"use one of {', '.join(ONLY)}")
        if self.control not in CONTROLS:
            raise UsageError(f"control is {self.control!r}", hint=f"use one of {', '.join(CONTROLS)}")


class Design:
    """A design in a folder: its sources, what was verified and measured of it, its report."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder = folder
        self.plan = plan
        old = load_report(folder) if (folder / "report.json").is_file() else None
        same = old is not None and old.model.sha256 == (plan.graph.sha256 or None)
        self.report: Report = old if old is not None and same else self._planned

    @cached_property
    def _planned(self) -> Report:
        """The report before anything is measured."""
        return plan_report(self.plan)

    @staticmethod
    def open(folder: Path | str) -> Design:
        """Open a build folder; TailraceError where there is none."""
        folder = Path(folder)
        if not (folder / "plan.json").is_file():
            raise TailraceError(
                "this is no build folder: it has no plan.json",
                where=str(folder),
                hint="make one with tailrace build MODEL -o DIR",
            )
        return Design(folder, serialize.load(folder / "plan.json"))

    def write_sources(self, backends: Sequence[str] = ("rtl", "hls")) -> None:
        """Write Verilog, HLS C++, the bench and the Makefile, each folder whole or not at all."""
        graph = self.plan.graph
        files = {"plan.json": serialize.dumps(self.plan)}
        q = random_integers(graph, BENCH_FRAMES, seed=1)
        expected = graph.predict_int(q.reshape(-1, *graph.tensors[graph.input].shape))
        if "rtl" in backends:
            files |= {**emit_rtl(self.plan), **emit_bench(self.plan, q, expected, backends)}
        if "hls" in backends:
            files |= {**emit_hls(self.plan), **emit_hls_bench(self.plan, q, expected)}
        files |= emit_vendor(self.plan, flows_of(self.plan.part, backends), board=self._board())
        self.report = self._planned
        write_files(self.folder, files)

    # The equalities

    def verify(
        self,
        x: Array | None = None,
        *,
        vectors: int | None = None,
        seed: int = 1,
        stall: float = 0.3,
        backends: Sequence[str] = ("rtl", "hls"),
        software: bool = True,
        jobs: int = 2,
    ) -> Report:
        """Check E1 and E2 on the network inputs ``x`` (n, *sample shape), on ``vectors`` random ones and the corners.

        Without ``vectors`` they are 64, or fewer where a frame takes the simulators long.

        Returns the report; raises Mismatch(layer, index, expected, got) at the first difference, after the report
        with the counts has been written.
        """
        graph = self.plan.graph
        usual = affordable(self.plan, RANDOM_VECTORS)
        vectors = usual if vectors is None else vectors
        x = self._inputs(x, min(SOFTWARE_VECTORS, usual), seed)
        q = np.concatenate([graph.host.encode(x).reshape(len(x), -1), random_integers(graph, vectors, seed)])
        expected = graph.predict_int(q.reshape(-1, *graph.tensors[graph.input].shape))
        with workers(jobs) as pool:
            rtl = None
            if "rtl" in backends:
                rtl = pool.submit(self._simulate_rtl, q, expected, stall=stall, seed=seed)
            hls = pool.submit(verify_hls, self.plan, self.folder, q, expected) if "hls" in backends else None
            done = self._verify_software(x) if software else None
            checks: dict[str, Any] = {
                "software": software_check(done) if done else None,
                "rtl": hardware_check(rtl.result(), stalled=True) if rtl else None,
                "hls": hardware_check(hls.result(), stalled=False) if hls else None,
            }
        verify = replace(self.report.verify, **{k: v for k, v in checks.items() if v})
        self.report = replace(self.report, verify=verify)
        if rtl and not rtl.result().mismatches:
            self._measured(rtl.result())
        self.write_report()
        for result in (done, rtl.result() if rtl else None, hls.result() if hls else None):
            if result and result.first:
                raise result.first
        return self.report

    def _inputs(self, x: Array | None, count: int, seed: int) -> Array:
        """Return the user's inputs and ``count`` random ones, as the network takes them."""
        host = self.plan.graph.host
        extra = random_inputs(self.plan.graph, count, seed)
        return extra if x is None else np.concatenate([host.batch(x), extra])

    def _verify_software(self, x: Array) -> SoftwareResult:
        graph = self.plan.graph
        reference = graph.reference
        if reference is None:
            model = self.folder / "model.onnx"
            if not model.is_file():
                raise TailraceError(
                    "the network is not at hand to compare with",
                    where=str(self.folder),
                    hint="load the network with tailrace.load, or build with tailrace build",
                )
            reference = load_onnx(model, self._input_type()).reference
        imported = reference.graph
        x = imported.host.on_grid(x)
        result = verify_software(imported, reference, x)
        q = imported.host.encode(x).reshape(-1, *imported.tensors[imported.input].shape)
        ours, theirs = graph.predict_int(q), imported.predict_int(q)
        if not np.array_equal(ours, theirs):
            at = tuple(int(i) for i in np.argwhere(ours != theirs)[0])
            first = Mismatch(
                layer=graph.output, index=at, expected=int(theirs[at]), got=int(ours[at]), stage="passes"
            )
            result = replace(result, mismatches=result.mismatches + int((ours != theirs).sum()), first=first)
        return result

    def _input_type(self) -> str | None:
        found = read_manifest(self.folder).get("config", {}).get("input_type")
        return str(found) if found else None

    def _board(self) -> Board | None:
        found = read_manifest(self.folder).get("config", {}).get("board")
        return board(str(found)) if found else None

    def _simulate_rtl(
        self, q: Integers, expected: Integers, *, stall: float, seed: int, waves: Path | None = None
    ) -> HardwareResult:
        simulator = rtl_simulator(self.plan, self.folder, traced=True)
        result = compare(
            self.plan, simulator, q, expected, stall=stall, seed=seed, stage="rtl", waves=waves, traced=True
        )
        if result.first is None:
            simulator = stalled_simulator(self.plan, self.folder)
            inside = compare_stalled(self.plan, simulator, q, expected, stall=stall, seed=seed)
            result = replace(
                result, mismatches=inside.mismatches, first=inside.first, stalled_frames=inside.vectors
            )
        constant = None if result.first else wrong_constant(self.plan, self.folder, "rtl")
        return replace(result, mismatches=constant.count, first=constant) if constant else result

    def _measured(self, result: HardwareResult) -> None:
        interval = result.interval_cycles
        performance = replace(
            self.report.performance,
            interval_cycles=interval,
            latency_cycles=result.latency_cycles,
            fps=self.plan.clock_mhz * 1e6 / interval if interval else None,
            source="rtl",
        )
        self.report = replace(self.report, performance=performance)

    def simulate(
        self,
        *,
        vectors: int = 64,
        seed: int = 1,
        stall: float = 0.3,
        waves: Path | None = None,
        x: Array | None = None,
    ) -> HardwareResult:
        """Run the Verilog against the integer graph; ``waves`` names a VCD file. Raises Mismatch."""
        graph = self.plan.graph
        q = random_integers(graph, vectors, seed)
        if x is not None:
            q = np.concatenate([graph.host.encode(x).reshape(len(x), -1), q])
        expected = graph.predict_int(q.reshape(-1, *graph.tensors[graph.input].shape))
        result = self._simulate_rtl(q, expected, stall=stall, seed=seed, waves=waves)
        if result.first:
            raise result.first
        return result

    # Synthesis

    def synth(
        self,
        tool: str = "yosys",
        *,
        jobs: int = 2,
        check: bool = True,
        x: Array | None = None,
        vectors: int = 16,
        seed: int = 1,
        stall: float = 0.3,
        vendor: VendorOptions | None = None,
    ) -> Report:
        """Synthesize with ``yosys`` (and check E3), or place and route as well with ``nextpnr``; returns the report.

        A vendor's tool (vivado, vitis, quartus, libero, radiant) runs its script in ``vendor/`` as ``vendor`` says; the
        other options are not for it. Raises UsageError for another tool or a part it does not know, ToolError where it
        is missing or fails, Mismatch where the netlist differs.
        """
        if tool in FLOWS:
            return self._vendor(tool, vendor or VendorOptions())
        if self.plan.part.liberty:
            return self._synth_asic(
                tool, jobs=jobs, check=check, x=x, vectors=vectors, seed=seed, stall=stall
            )
        if tool not in ("yosys", "nextpnr"):
            raise UsageError(
                f"there is no tool {tool!r}", hint=f"use one of yosys, nextpnr, {', '.join(FLOWS)}"
            )
        if not self.plan.part.open_synthesis:
            raise UsageError(
                f"yosys does not synthesize for {self.plan.part.name} here",
                hint=f"use --tool {' or '.join(self.plan.part.tools)}",
            )
        if tool == "nextpnr" and not self.plan.part.placer_options:
            raise UsageError(
                f"nextpnr cannot place {self.plan.part.name}",
                hint=f"choose a part of {', '.join(each.title for each in placed())} (tailrace parts), "
                "or synthesize with --tool yosys",
            )
        results = self._synthesize(jobs)
        layers, synth = synth_records(self.plan, results)
        self.report = replace(self.report, layers=layers, synth=synth)
        self.write_report()
        if check and (self.report.verify.netlist is None or tool == "yosys"):
            self._verify_netlist(results, x, vectors=vectors, seed=seed, stall=stall, jobs=jobs)
        if tool == "nextpnr":
            self._route(results, seed)
        return self.report

    def _vendor(self, tool: str, options: VendorOptions) -> Report:
        """Write the scripts of a vendor flow, run it, and take what it states into the report."""
        flow, folder = FLOWS[tool], self.folder / "vendor" / tool
        require_known(tool, self.plan.part)
        if not (self.folder / flow.backend).is_dir():
            raise TailraceError(
                f"there is no {self.folder / flow.backend}, which {flow.title} reads",
                where=str(self.folder),
                hint=f"build with --backend {flow.backend} or both",
            )
        start = time.perf_counter()
        if options.only != "reports":
            self._write_scripts(tool, options.control)
        if options.only == "scripts":
            return self.report
        if options.only is None:
            command = command_line(tool, folder, Behind(prefix=options.prefix, program=options.program))
            # What an earlier run left goes first: nothing old may pass for the result of a run that fails.
            self.report = without_run(self.report, tool, title=flow.title)
            self.write_report()
            shutil.rmtree(folder)
            self._write_scripts(tool, options.control)
            run_tool(folder, command, follow=options.follow)
        records = [replace(each, file=relative(each.file, self.folder)) for each in read_run(tool, folder)]
        notices = [f"{flow.title} left no {kind} report." for kind in missing_kinds(records, tool)]
        if flow.harness:
            bits = sum(port.bits for port in top_ports(self.plan))
            notices.append(f"The harness around the design is counted too: {bits + 1} flip-flops.")
        self.report = with_run(
            self.report,
            tool,
            title=flow.title,
            records=records,
            seconds=round(time.perf_counter() - start, 2) if options.only is None else None,
            notices=notices,
        )
        self.write_report()
        return self.report

    def _write_scripts(self, tool: str, control: str) -> None:
        """Write the scripts of a vendor flow, each whole, beside what a run left."""
        for name, text in emit_vendor(self.plan, [tool], board=self._board(), control=control).items():
            write_text(self.folder / name, text)

    def _synthesize(self, jobs: int) -> dict[str, Synthesis]:
        rtl = self.folder / "rtl"
        if not rtl.is_dir():
            raise TailraceError(
                "there is no Verilog", where=str(rtl), hint="build with --backend rtl or both"
            )
        return synthesize_stages(
            design=self.plan.name,
            stages={
                stage.name: StageFiles(
                    library=list(library_files([stage.block])), own=module_names(self.plan, stage)
                )
                for stage in self.plan.stages
            },
            rtl=rtl,
            folder=self.folder / "synth",
            family=self.plan.part.family,
            jobs=jobs,
        )

    def _synth_asic(
        self, tool: str, *, jobs: int, check: bool, x: Array | None, vectors: int, seed: int, stall: float
    ) -> Report:
        """Map to the standard cells of the part, simulate the gates, estimate the power."""
        if tool != "yosys":
            raise UsageError(
                f"{tool} does not know the cells of a library",
                hint="--tool yosys maps to them; tailrace export --as librelane goes on to a layout",
            )
        plan = self.plan
        mapped = map_design(plan, self.folder, jobs)
        record = asic_record(mapped, plan.clock_mhz)
        layers = layers_with_asic(self.report.layers, mapped)
        self.report = replace(self.report, layers=layers, asic=record, synth=synth_record(record))
        self.write_report()
        if not check:
            return self.report
        models = asic_models(self.folder, mapped)
        q = self._gate_vectors(x, vectors, seed)
        self._check_netlists(
            mapped.netlists, q, mapped.cells, stall=stall, seed=seed, jobs=jobs, models=models
        )
        activity = measure_activity(
            plan, self.folder, mapped.netlists, models, q, cells=mapped.cells, jobs=jobs
        )
        powers = design_power(plan, mapped, activity)
        self.report = replace(
            self.report,
            layers=layers_with_asic(layers, mapped, powers),
            asic=replace(record, power=power_record(powers, activity, mapped, plan.clock_mhz)),
        )
        self.write_report()
        return self.report

    def _verify_netlist(
        self,
        results: Mapping[str, Synthesis],
        x: Array | None,
        *,
        vectors: int,
        seed: int,
        stall: float,
        jobs: int,
    ) -> None:
        cells = sum(sum(r.cells.values()) for r in results.values())
        netlists = {name: r.netlist for name, r in results.items()}
        q = self._gate_vectors(x, vectors, seed)
        self._check_netlists(netlists, q, cells, stall=stall, seed=seed, jobs=jobs)

    def _gate_vectors(self, x: Array | None, count: int, seed: int) -> Integers:
        """Return the user's inputs and ``count`` random ones as (n, size) integers."""
        graph = self.plan.graph
        q = random_integers(graph, count, seed)
        return q if x is None else np.concatenate([graph.host.encode(x).reshape(len(x), -1), q])

    def _check_netlists(
        self,
        netlists: Mapping[str, Path],
        q: Integers,
        cells: int,
        *,
        stall: float,
        seed: int,
        jobs: int,
        models: CellModels | None = None,
    ) -> None:
        """Check E3 and put it into the report; raises Mismatch."""
        graph = self.plan.graph
        expected = graph.predict_int(q.reshape(-1, *graph.tensors[graph.input].shape))
        result = verify_netlist(
            self.plan,
            self.folder,
            netlists,
            q,
            expected,
            cells=cells,
            stall=stall,
            seed=seed,
            jobs=jobs,
            models=models,
        )
        self.report = replace(
            self.report, verify=replace(self.report.verify, netlist=hardware_check(result, stalled=True))
        )
        self.write_report()
        if result.first:
            raise result.first

    def _route(self, results: Mapping[str, Synthesis], seed: int) -> None:
        routed = place_and_route(
            top=self.plan.name,
            block_rtlil=[r.rtlil for r in results.values()],
            sources=[self.folder / "rtl" / f"{self.plan.name}.v"],
            folder=self.folder / "route",
            part=self.plan.part,
            clock_mhz=self.plan.clock_mhz,
            seed=seed,
        )
        bitstream = routed.bitstream
        self.report = replace(
            self.report,
            timing=Timing(tool=routed.version, fmax_mhz=routed.fmax_mhz, met=routed.met),
            bitstream=str(bitstream.relative_to(self.folder)) if bitstream else None,
        )
        self.write_report()

    # Packages

    def export(self, kind: str, output: Path | str | None = None, *, vlnv: str | None = None) -> Path:
        """Write the Verilog as a package and return its folder or file.

        ``kind`` is ``ipxact``, ``core`` (FuseSoC), ``f`` (file list), ``tar`` or ``librelane``; ``vlnv`` names the
        core, as ``vendor:library:name:version``. Raises UsageError for another kind, TailraceError where the
        design is not whole or ``output`` holds something else.
        """
        place = Path(output) if output else None
        name = Vlnv.parse(vlnv) if vlnv else None
        return export(self.plan, self.folder, self.report, kind=kind, output=place, vlnv=name)

    def write_report(self) -> None:
        """Write report.json, report.md and report.html."""
        for suffix in ("json", "md", "html"):
            self.report.write(self.folder / f"report.{suffix}")


def relative(file: str, folder: Path) -> str:
    """Return the path of a file in a build folder, seen from there."""
    path = Path(file)
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else file


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write {path: text} below ``folder``: each top-level folder is replaced whole, each file atomically."""
    folder.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder))
    try:
        for name, text in files.items():
            path = staging / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        for item in sorted(staging.iterdir()):
            target = folder / item.name
            if target.is_dir():
                shutil.rmtree(target)
            item.replace(target)
    except OSError as error:
        raise TailraceError(
            f"cannot be written: {error.strerror}",
            where=str(error.filename or folder),
            hint="free some space, or use -o",
        ) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)


__all__ = ["Design", "VendorOptions", "board", "emit", "load", "plan", "write_files"]
