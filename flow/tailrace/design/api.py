# SPDX-License-Identifier: Apache-2.0
"""tailrace from Python: load a network, plan it, emit it, verify it, synthesize it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from tailrace.core.errors import TailraceError
from tailrace.design.config import (
    ENGINES,
    FIFOS,
    check_layers,
    check_number,
    layers_toml,
    one_of,
    read_folding,
)
from tailrace.design.folder import write_files, write_whole
from tailrace.design.manifest import read_manifest
from tailrace.design.modules import import_module, lint_module, translation
from tailrace.design.quantization import quantize
from tailrace.design.recipe import recipe
from tailrace.design.records import plan_report
from tailrace.design.software import imported_files, lowered_files
from tailrace.design.synthesis import Options, synthesize
from tailrace.design.vectors import Vectors, classes
from tailrace.design.vendor import VendorOptions, run_vendor
from tailrace.design.verification import Checks, integers, quiet, run_verilog, verify
from tailrace.emission.bench import emit_bench
from tailrace.emission.board import emit_board
from tailrace.emission.hls import emit_hls, emit_hls_bench
from tailrace.emission.rtl import emit_rtl
from tailrace.emission.vendor import FLOWS, emit_vendor, flows_of
from tailrace.extend import installed
from tailrace.frontend import load as load_network
from tailrace.frontend.hls4ml import load_hls4ml
from tailrace.graph.passes import pipeline as passes
from tailrace.graph.values import samples
from tailrace.packaging.core import Vlnv
from tailrace.packaging.export import export
from tailrace.planning import serialize
from tailrace.planning.build import plan as make_plan
from tailrace.planning.folding import check_options
from tailrace.planning.layout import LayerOptions
from tailrace.planning.objective import objective
from tailrace.planning.plan import Plan
from tailrace.report.schema import Report
from tailrace.report.schema import load as load_report
from tailrace.targets.boards import board
from tailrace.targets.parts import Part, part
from tailrace.verify.vectors import random_integers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tailrace.core.limits import Limits
    from tailrace.core.types import FixedType
    from tailrace.design.lint import Findings
    from tailrace.frontend.files import Source
    from tailrace.graph import Graph
    from tailrace.graph.values import Values
    from tailrace.planning.streams.fifos import Goal
    from tailrace.targets.boards import Board
    from tailrace.verify.hardware import HardwareResult

Array = NDArray[Any]

BENCH_FRAMES = 8
"""Frames that the cocotb bench of a build folder comes with."""


def load(
    model: Source,
    input_type: str | FixedType | None = None,
    *,
    limits: Limits | str | None = None,
    states: Mapping[str, str] | str | None = None,
    sequence: int | None = None,
) -> Graph:
    """Read a network as an integer graph: a QONNX or TensorFlow Lite file, an ``onnx.ModelProto``, a ``ModelWrapper``.

    ``input_type``, such as ``fixed<16,6>``, is for inputs without a quantizer; ``limits`` say how large the network may
    be (``"elements=1e9"``). ``states`` is {input: the output that it was a frame before}, or ``"h=h_next"``; the graph
    then computes sequences, of any length, or all of ``sequence`` steps. Raises ModelError or UnsupportedError, which
    lists every node that cannot be mapped.
    """
    installed()
    return load_network(model, input_type, limits, states, sequence)


def from_brevitas(
    module: object,
    example: object,
    input_type: str | FixedType | None = None,
    *,
    limits: Limits | str | None = None,
) -> Graph:
    """Return the integer graph of a torch module of Brevitas' layers, in evaluation mode.

    ``example`` is a batch (n, *sample shape) of float32. The module is compared with the graph at every quantizer on
    these samples at once, and on all vectors of ``Design.verify`` as long as it is in memory; a build folder keeps
    its translation as ``model.onnx``. Raises UsageError where torch or Brevitas is missing, ModelError where the
    module is not ready (training mode, hooks, no quantizers), UnsupportedError with every layer that cannot be mapped,
    Mismatch where graph and module differ.
    """
    installed()
    return import_module(module, example, input_type, limits)


def from_hls4ml(model: object) -> Graph:
    """Read a converted hls4ml model (a ``ModelGraph``) as an integer graph: what its compiled C++ computes, bit by bit.

    The types, roundings, overflows and tables are hls4ml's; E1 compares every layer with its C++. Where a type loses
    numbers, the graph loses the same, and a notice names the layer. Raises ModelError where ``model`` is no converted
    model of a back end with Vivado's arithmetic, UnsupportedError, which lists every layer that cannot be mapped.
    """
    installed()
    return load_hls4ml(model)


def lint(module: object, *, part: str = "ecp5-85k") -> Findings:
    """Say of a torch module, trained or not, what will not map and what would be cheaper, with the estimated price.

    Nothing is run, and the module stays as it is. The findings are records (module, found, instead, luts for one lane
    on ``part``) that print as a table. Raises UsageError where torch or Brevitas is missing or ``module`` is none,
    ModelError where its calls cannot be followed.
    """
    return lint_module(module, part)


def change(graph: Graph, layers: Mapping[str, Mapping[str, int | float | str]]) -> Graph:
    """Return the network with changed layers: ``layers`` is {layer or "*": {"prune": share, "weight_bits": n}}.

    Other keys of the tables are left to :func:`plan`, which also makes these changes itself. What such a graph computes
    is compared with the graph as loaded by ``Design.verify``, on vectors, against a stated loss. Raises UsageError for
    values that cannot be, MappingError for layers that are not there or cannot be changed.
    """
    check_layers(layers, None)
    return passes.change(graph, layers)


def plan(
    graph: Graph,
    *,
    part: str | Part = "ecp5-85k",
    clock_mhz: float = 100.0,
    fps: float | None = None,
    fold: Mapping[str, Mapping[str, int | str]] | Path | str | None = None,
    fifos: Goal = "throughput",
    layers: Mapping[str, Mapping[str, int | float | str]] | None = None,
    engine: str = "auto",
    latency_cycles: int | None = None,
    latency_us: float | None = None,
    minimize: str | None = None,
    use: str | None = None,
) -> Plan:
    """Lay ``graph`` out for ``part``: ``fps`` frames a second at ``clock_mhz``, or the folding ``fold``.

    ``fold`` is {layer or "*": {"pe": n, "simd": n}} (or a file of it), n a number, "min", "max" or "auto"; ``layers``
    gives memory, dsp, requantizer and engine per layer, and what :func:`change` takes; ``engine`` is that of the other
    layers (auto, folded, spatial); ``latency_cycles`` is the most from the first word of a frame in to its last word
    out, ``latency_us`` the same in microseconds; ``fifos`` are deep enough for full ``throughput``, or just
    ``deadlock-free``. With ``minimize`` (interval, lut, ff, dsp, bram18) or ``use`` (shares of the part, such as
    "lut=60%,bram18=40%") all choices are those of the optimizer, and a notice says what of the plan is proven.
    Raises MappingError where it cannot be, UsageError for values of a wrong kind. A rate that a fixed folding does not
    reach is a notice of the plan.
    """
    for name, value in (
        ("clock_mhz", clock_mhz),
        ("fps", fps),
        ("latency_cycles", latency_cycles),
        ("latency_us", latency_us),
    ):
        check_number(name, value)
    if latency_us is not None:
        in_cycles = max(1, int(float(latency_us) * float(clock_mhz)))
        latency_cycles = in_cycles if latency_cycles is None else min(in_cycles, latency_cycles)
    one_of("engine", engine, ENGINES)
    one_of("fifos", fifos, FIFOS)
    tables: dict[str, dict[str, int | float | str]] = {}
    folds = read_folding(Path(fold)) if isinstance(fold, (str, Path)) else (fold or {})
    for source in (folds, layers or {}):
        check_layers(source, None)
        for name, table in source.items():
            tables.setdefault(name, {}).update(table)
    fixed = _fixed(tables, engine)
    lowered = passes.run(passes.change(graph, fixed))
    options = {
        name: {k: str(v) for k, v in table.items() if k in LayerOptions.__dataclass_fields__}
        for name, table in tables.items()
    }
    options["*"] = {"engine": engine, **options.get("*", {})}
    check_options(lowered, options)
    made = make_plan(
        lowered,
        part=_part(part),
        clock_mhz=float(clock_mhz),
        fps=None if fps is None else float(fps),
        asked=_folding(fixed),
        fifos=fifos,
        layers={n: LayerOptions(**{**options["*"], **own}) for n, own in options.items() if own},
        latency_cycles=latency_cycles,
        objective=objective(minimize, use, rate=fps is not None or latency_cycles is not None),
    )
    return replace(made, asked=replace(made.asked, minimize=minimize, use=use, engine=engine, layers=fixed))


def _fixed(
    tables: Mapping[str, Mapping[str, int | float | str]], engine: str
) -> dict[str, dict[str, int | float | str]]:
    """Return what ``tables`` fix: an "auto" fixes nothing, unless it is for one layer against all, or an engine."""
    every = {**({} if engine == "auto" else {"engine": engine}), **tables.get("*", {})}
    found: dict[str, dict[str, int | float | str]] = {}
    for name, table in tables.items():
        own = {k: v for k, v in table.items() if v != "auto" or (name != "*" and k in every)}
        if own:
            found[name] = own
    return found


def _folding(tables: Mapping[str, Mapping[str, int | float | str]]) -> dict[str, dict[str, int | str]]:
    """Return the part of ``tables`` that is the folding."""
    found = {
        name: {
            key: value if isinstance(value, str) else int(value)
            for key, value in table.items()
            if key in ("pe", "simd")
        }
        for name, table in tables.items()
    }
    return {name: table for name, table in found.items() if table}


def _part(name: str | Part) -> Part:
    return name if isinstance(name, Part) else part(name)


def emit(plan: Plan, folder: Path | str, *, backends: Sequence[str] = ("rtl", "hls")) -> Design:
    """Write the design of ``plan`` into ``folder`` (made if need be) and return it."""
    design = Design(Path(folder), plan)
    design.write_graphs()
    design.write_sources(backends)
    return design


class Design:
    """A design in a folder: its sources, what was verified and measured of it, its report."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder = folder
        self.plan = plan
        self._recording = False
        old = load_report(folder) if (folder / "report.json").is_file() else None
        same = old is not None and old.model.sha256 == (plan.graph.sha256 or None)
        self.report: Report = old if old is not None and same else self._planned

    def __repr__(self) -> str:
        return f"Design({str(self.folder)!r}: {self.report!r})"

    def _repr_html_(self) -> str:
        """Show the report, in notebooks."""
        return self.report._repr_html_()

    @cached_property
    def _planned(self) -> Report:
        """The report before anything is measured."""
        return replace(plan_report(self.plan), commands=(recipe(self.plan),))

    @staticmethod
    def open(folder: Path | str) -> Design:
        """Open a build folder; TailraceError where there is none."""
        installed()
        folder = Path(folder)
        if not (folder / "plan.json").is_file():
            raise TailraceError(
                "this is no build folder: it has no plan.json",
                where=str(folder),
                hint="make one with tailrace build MODEL -o DIR",
            )
        return Design(folder, serialize.load(folder / "plan.json", Plan))

    # What is written

    def write_graphs(self) -> None:
        """Write the plan and the graphs that it was made of, and the options of layers; what later checks start from.

        (``tailrace build`` writes the imported graph and the options in its stage import, the rest in its stage plan.)
        """
        lowered = self.plan.graph
        step = lowered.made_of
        imported = step.made_of if step is not None and step.form == "changed" else step
        files = {**self.plan_files(), **(imported_files(imported) if imported is not None else {})}
        if self.plan.asked.layers:
            files["tailrace.toml"] = layers_toml(self.plan.asked.layers)
        write_files(self.folder, files)
        model = None if imported is None else translation(imported)
        if model is not None:
            name, content = model
            write_whole(self.folder / name, content)

    def plan_files(self) -> dict[str, str]:
        """Return the files of the plan, {path: text}."""
        return {"plan.json": serialize.dumps(self.plan), **lowered_files(self.plan.graph)}

    def write_sources(self, backends: Sequence[str] = ("rtl", "hls")) -> None:
        """Write Verilog, HLS C++, the bench and the Makefile, each folder whole or not at all."""
        graph = self.plan.graph
        files: dict[str, str] = {}
        q = random_integers(graph, BENCH_FRAMES, seed=1)
        expected = graph.run_frames(q)
        if "rtl" in backends:
            files |= {**emit_rtl(self.plan), **emit_bench(self.plan, q, expected, backends)}
        if "hls" in backends:
            files |= {**emit_hls(self.plan), **emit_hls_bench(self.plan, q, expected)}
        files |= emit_vendor(self.plan, flows_of(self.plan.part, backends), board=self.board)
        if self.board and "rtl" in backends:
            files |= emit_board(self.plan, self.board)
        self.report = replace(self._planned, backends=tuple(backends))
        write_files(self.folder, files)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Write the report once, when the outermost such block is left: also where it ends in an error."""
        if self._recording:
            yield
            return
        self._recording = True
        try:
            yield
        finally:
            self._recording = False
            self.write_report()

    def write_report(self) -> None:
        """Write report.json, report.md and report.html."""
        for suffix in ("json", "md", "html"):
            self.report.write(self.folder / f"report.{suffix}")

    def _follow(self, reports: Iterable[Report]) -> Report:
        """Take each report that a check gives, keep the last one, and write it."""
        with self.recording():
            for report in reports:
                self.report = report
        return self.report

    # The equalities

    def verify(
        self,
        x: Values | None = None,
        *,
        labels: Array | None = None,
        vectors: int | None = None,
        seed: int = 1,
        stall: float = 0.3,
        backends: Sequence[str] = ("rtl", "hls"),
        software: bool = True,
        jobs: int = 2,
        accuracy_loss: float | None = None,
        hear: Callable[[str], None] = quiet,
        name: str = "vectors",
    ) -> Report:
        """Check E1 and E2 on the network inputs ``x`` (n, *sample shape), on ``vectors`` random ones and the corners.

        Without ``vectors`` they are 64, or fewer where a frame takes the simulators long. With ``labels`` (n,) the
        report states the accuracy on ``x``, which it calls ``name``; a graph with changed layers needs ``x``, and as
        ``accuracy_loss`` the share of right answers (without labels: of answers like before) that may be lost.
        ``hear`` is told how far it is.

        Returns the report; raises MappingError where more accuracy is lost, and Mismatch(layer, index, expected, got)
        at the first difference, after the report with the counts has been written.
        """
        graph = self.plan.graph
        user = None
        if x is not None:
            inputs = graph.host.batch(x)
            known = None if labels is None else classes(labels, samples(inputs), graph)
            user = Vectors(inputs=inputs, labels=known, name=name)
        checks = Checks(
            random=vectors,
            seed=seed,
            stall=stall,
            backends=tuple(backends),
            software=software,
            jobs=jobs,
            loss=accuracy_loss,
            hear=hear,
        )
        return self._follow(verify(self.plan, self.folder, self.report, user, checks))

    @property
    def board(self) -> Board | None:
        """The board that the folder was built for; None where it was for a part."""
        found = read_manifest(self.folder).get("config", {}).get("board")
        return board(str(found)) if found else None

    def simulate(
        self,
        *,
        vectors: int = 64,
        seed: int = 1,
        stall: float = 0.3,
        waves: Path | None = None,
        x: Values | None = None,
    ) -> HardwareResult:
        """Run the Verilog against the integer graph; ``waves`` names a VCD file. Raises Mismatch."""
        graph = self.plan.graph
        q = integers(self.plan, x, vectors, seed)
        expected = graph.run_frames(q)
        result = run_verilog(self.plan, self.folder, q, expected, stall=stall, seed=seed, waves=waves)
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
        x: Values | None = None,
        vectors: int = 16,
        seed: int = 1,
        stall: float = 0.3,
        vendor: VendorOptions | None = None,
        hear: Callable[[str], None] = quiet,
    ) -> Report:
        """Synthesize with ``yosys`` (and check E3), or place and route as well with ``nextpnr``; returns the report.

        A vendor's tool (vivado, vitis, quartus, libero, radiant) runs its script in ``vendor/`` as ``vendor`` says; the
        other options are not for it. ``hear`` is told how far it is. Raises UsageError for another tool or a part it
        does not know, ToolError where it is missing or fails, Mismatch where the netlist differs.
        """
        if tool in FLOWS:
            flow = vendor or VendorOptions()
            for report in run_vendor(self.plan, self.folder, self.report, tool, flow, board=self.board):
                self.report = report
                self.write_report()  # at once, since the tool may run for hours
            return self.report
        options = Options(
            jobs=jobs,
            check=check,
            x=x,
            vectors=vectors,
            seed=seed,
            stall=stall,
            board=self.board,
            hear=hear,
        )
        return self._follow(synthesize(self.plan, self.folder, self.report, tool, options))

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


__all__ = [
    "Design",
    "VendorOptions",
    "board",
    "change",
    "emit",
    "from_brevitas",
    "from_hls4ml",
    "lint",
    "load",
    "plan",
    "quantize",
    "write_files",
]
