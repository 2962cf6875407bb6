# SPDX-License-Identifier: Apache-2.0
"""The spatial engine against da4ml: the same networks and matrices, the same synthesis, one table.

    .venv/bin/python bench/spatial.py [--quick] [--family xcup|ecp5] [--fmax] [--json FILE] [--write]

Needs the extras ``synth`` and ``bench`` (and ``pnr`` for ``--fmax``). ``--quick`` does the jet tagger with 8-bit inputs
alone. Both generators make as many stages as da4ml makes with ``latency_cutoff=5``; each stage is synthesized alone
(``synth_xilinx -family xcup -flatten -noiopad -noclkbuf`` or ``synth_ecp5``) and LUTs are summed: LUT1 to LUT6, LUT6_2
as one; INV not counted; ECP5: LUT4, and 2 for each CCU2C. FF are the data registers of all ranks; da4ml's rank in front
of the first stage is left out, since tailrace reads the registers of the block before. ``--fmax`` places every stage on
its own with nextpnr (ECP5) and takes the slowest; a stage of da4ml's that is not routed after ``--minutes`` is passed
over, which can only be to its favour, and marked (at most). Ours is exact against the integer graph (round half to
even); da4ml computes round half up. Every circuit is compared with numpy on thousands of vectors, and its Verilog in
Verilator with random stalls, before it counts; an error ends the run. Synthesis is cached by content, so that a run cut
off goes on where it was; ``--write`` puts every case into bench/spatial.json and makes the tables of docs/spatial.md
and the README of what is there. ``--ideas`` prints what each part of the search is worth instead, by the engine's own
count.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import tailrace as tr
from numpy.typing import NDArray
from tailrace.core.errors import ToolError
from tailrace.core.packing import pack, unpack
from tailrace.spatial.build import ConstantProduct, build, products_of
from tailrace.spatial.circuit import Circuit, evaluate
from tailrace.spatial.cost import luts as cost_of
from tailrace.spatial.rtl import emit_spatial, lane_types
from tailrace.spatial.share import Effort
from tailrace.spatial.summing import tree
from tailrace.spatial.tails import row_of, tail
from tailrace.targets.families import FAMILIES
from tailrace.targets.family import PORTABLE
from tailrace.tools.nextpnr import place_and_route
from tailrace.tools.verilator import Port, build_stream_simulator
from tailrace.tools.yosys import Synthesis, synthesize

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "spatial.md"
README = ROOT / "README.md"
KEPT = ROOT / "bench" / "spatial.json"
BEGIN, END = "<!-- bench/spatial.py {} -->", "<!-- end of bench/spatial.py {} -->"
Integers = NDArray[np.int64]

CUTOFF = 5
"""da4ml's ``latency_cutoff``: adders in a row in a stage."""

OUTSIDE_GRID = "matrix_64x10_2bit"
"""The size of the last layer of TFC: not one of the sizes that the geometric mean is promised for."""

FRAMES = 5000
PLACED_ON = "ecp5-85k"
CELLS = {
    "xcup": ("LUT1", "LUT2", "LUT3", "LUT4", "LUT5", "LUT6", "LUT6_2"),
    "ecp5": ("LUT4", "CCU2C", "CCU2C"),
}
CARRIES = {"xcup": "CARRY4", "ecp5": "CCU2C"}


@dataclass(frozen=True)
class Case:
    """Layers, and the range of the first one's inputs."""

    name: str
    layers: tuple[ConstantProduct, ...]
    low: Integers
    high: Integers


@dataclass(frozen=True)
class Figures:
    """What one generator made of a case."""

    lut: int
    ff: int
    carry: int
    stages: int
    fmax_mhz: float | None
    unrouted: int
    seconds: float
    peak_mb: int


@dataclass(frozen=True)
class Spent:
    """What a generator took: seconds, and the most memory above what the process had before (MB)."""

    seconds: float
    peak_mb: int


class Meter:
    """Measures from its making to ``spent``; Linux forgets the peak on a write to ``clear_refs``.

    What earlier generators freed goes back to the system first: memory used again would not be seen.
    """

    def __init__(self) -> None:
        gc.collect()
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
        self.before = status_mb("VmRSS")
        self.start = time.monotonic()

    def spent(self) -> Spent:
        """Return what was taken since."""
        return Spent(
            seconds=round(time.monotonic() - self.start, 1), peak_mb=status_mb("VmHWM") - self.before
        )


def status_mb(field: str) -> int:
    """Return a memory figure of this process in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) // 1024
    raise ValueError(field)


@dataclass(frozen=True)
class Design:
    """The combinational modules of the stages, and the Verilog that holds them."""

    stages: tuple[str, ...]
    sources: tuple[Path, ...]
    ff: int
    spent: Spent
    ports: tuple[str, str]
    ours: bool


def jet_tagger(shared: Path, bits: int, integer_bits: int) -> Case:
    """The jet tagger of the QONNX zoo, its inputs as fixed-point numbers."""
    graph = tr.load(shared / "models" / "qkeras_jettagging.onnx", f"fixed<{bits},{integer_bits}>")
    tensor = graph.tensors[graph.input]
    case = Case(f"jet_tagger_{bits}bit", products_of(graph.nodes), tensor.low, tensor.high)
    x = np.random.default_rng(1).integers(case.low, case.high + 1, (FRAMES, len(case.low)))
    assert np.array_equal(graph.predict_int(x), golden(case, x, half_up=False))
    return case


def matrix(size: tuple[int, int], bits: int) -> Case:
    """A matrix (cols, rows) of random signed weights over signed 8-bit inputs, without a tail."""
    cols, rows = size
    random = np.random.default_rng(cols * 1000 + rows * 10 + bits)
    weights = random.integers(-(1 << (bits - 1)), 1 << (bits - 1), (rows, cols))
    layer = ConstantProduct(name="matrix", weights=weights, bias=np.zeros(rows, np.int64))
    return Case(f"matrix_{cols}x{rows}_{bits}bit", (layer,), np.full(cols, -128), np.full(cols, 127))


def cases(shared: Path, *, quick: bool) -> list[Case]:
    """Return what is measured."""
    found = [jet_tagger(shared, 8, 4)]
    if not quick:
        found.append(jet_tagger(shared, 16, 6))
        found += [
            matrix(size, bits) for size in ((16, 16), (32, 32), (64, 32), (64, 64)) for bits in (2, 4, 6, 8)
        ]
        found.append(matrix((64, 10), 2))
    return found


def golden(case: Case, x: Integers, *, half_up: bool) -> Integers:
    """Return what a case computes: with its own tails, or with ties rounded up."""
    for layer in case.layers:
        x = x @ layer.weights.T + layer.bias
        if layer.steps is None:
            continue
        if half_up:
            shift, low, high = rounding(layer, x)
            x = np.clip((x + ((1 << shift) >> 1)) >> shift, low, high)
        else:
            x = layer.steps(x)
    return x


def rounding(layer: ConstantProduct, x: Integers) -> tuple[int, int, int]:
    """Return shift and range of a layer whose tail is a rounded shift."""
    assert layer.steps is not None
    node = tail(row_of(layer.steps, 0), int(x.min()) * 4, int(x.max()) * 4, where=layer.name).node
    return node.shift, int(layer.steps.values.min()), int(layer.steps.values.max())


def peer(case: Case, folder: Path) -> Design:
    """Let da4ml make the Verilog, and compare its interpreter with numpy."""
    try:
        from da4ml.codegen import VerilogModel  # noqa: PLC0415 - only with the extra `bench`
        from da4ml.trace import FixedVariableArray, HWConfig, comb_trace  # noqa: PLC0415
    except ModuleNotFoundError:
        sys.exit(
            "da4ml, which this compares with, is not installed\n  hint: .venv/bin/pip install -e '.[bench]'"
        )

    probe = np.random.default_rng(2).integers(case.low, case.high + 1, (FRAMES, len(case.low)))
    meter = Meter()
    inputs = FixedVariableArray.from_lhs(
        case.low.astype(float),
        case.high.astype(float),
        np.ones(len(case.low)),
        hwconf=HWConfig(1, -1, -1),
        solver_options={"hard_dc": 2, "search_all_decompose_dc": True},
    )
    y, x = inputs, probe
    for layer in case.layers:
        y = y @ layer.weights.T.astype(float) + layer.bias.astype(float)
        x = x @ layer.weights.T + layer.bias
        if layer.steps is not None:
            shift, low, high = rounding(layer, x)
            assert low == 0
            y = (y * 2.0**-shift).relu().quantize(0, int(high).bit_length(), 0, "SAT", "RND")
            x = np.clip((x + ((1 << shift) >> 1)) >> shift, low, high)
    logic = comb_trace(inputs, y)
    model = VerilogModel(logic, "peer", folder, latency_cutoff=CUTOFF)
    model.write()
    spent = meter.spent()
    assert np.array_equal(logic.predict(probe.astype(float)), golden(case, probe, half_up=True)), (
        "da4ml is wrong"
    )
    pipe = model._pipe  # noqa: SLF001 - the stages are nowhere else
    first = sum(map(int, (np.ceil(np.log2(case.high - case.low + 1)))))
    stages = tuple(f"peer_stage{i}" for i in range(len(pipe.solutions)))
    static = [path for path in (folder / "src" / "static").glob("*.v") if path.stem != "lookup_table"]
    return Design(
        stages=stages,
        sources=(*(folder / "src" / f"{name}.v" for name in stages), *sorted(static)),
        ff=int(pipe.reg_bits) - first,
        spent=spent,
        ports=("model_inp", "model_out"),
        ours=False,
    )


def ours(case: Case, folder: Path, *, family: str, stages: int) -> Design:
    """Let tailrace make the Verilog, and compare the circuit with the layers."""
    meter = Meter()
    circuit = build(case.layers, case.low, case.high, family=FAMILIES[family], ranks=stages)
    files = emit_spatial(circuit, "ours", primitives=FAMILIES[family].primitives)
    spent = meter.spent()
    x = np.random.default_rng(3).integers(case.low, case.high + 1, (FRAMES, len(case.low)))
    assert np.array_equal(evaluate(circuit, x), golden(case, x, half_up=False)), "tailrace is wrong"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    assert np.array_equal(simulated(circuit, x[:1000], folder / "simulated"), evaluate(circuit, x[:1000])), (
        "the Verilog is wrong"
    )
    return Design(
        stages=tuple(f"ours_stage{i}" for i in range(circuit.rank_count)),
        sources=tuple(folder / name for name in files if name != "ours.v"),
        ff=circuit.register_bits(),
        spent=spent,
        ports=("d", "q"),
        ours=True,
    )


def simulated(circuit: Circuit, x: Integers, folder: Path) -> Integers:
    """Run vectors through the Verilog in Verilator, with random stalls, on the portable adders."""
    folder.mkdir(parents=True, exist_ok=True)
    files = emit_spatial(circuit, "ours", primitives=PORTABLE)
    for name, text in files.items():
        (folder / name).write_text(text)
    given, taken = lane_types(circuit)
    simulator = build_stream_simulator(
        top="ours",
        sources=[folder / name for name in files],
        inputs=[Port(name="s_axis", bits=given.bits * circuit.lanes)],
        outputs=[Port(name="m_axis", bits=taken.bits * len(circuit.outputs))],
        folder=folder,
    )
    run = simulator.run([pack(x, given.bits)], expect_words=[len(x)], stall=0.3)
    return unpack(run.outputs[0], len(circuit.outputs), taken.bits, signed=taken.signed)


def measure(design: Design, folder: Path, *, family: str, minutes: float) -> Figures:
    """Synthesize every stage alone, and add; place and route each, ``minutes`` at most, unless that is 0."""
    made = []
    for name in design.stages:
        found = synthesize(
            top=name, sources=design.sources, folder=folder, family=FAMILIES[family], name=name
        )
        print(f"  {name}: {luts(found, family)} LUT, {found.seconds} s", file=sys.stderr, flush=True)
        made.append(found)
    clocks = [
        placed(design, name, found, folder, minutes)
        for name, found in zip(design.stages, made, strict=True)
        if minutes
    ]
    routed = [clock for clock in clocks if clock is not None]
    return Figures(
        lut=sum(luts(found, family) for found in made),
        ff=design.ff,
        carry=sum(found.cells.get(CARRIES[family], 0) for found in made),
        stages=len(design.stages),
        fmax_mhz=min(routed, default=None),
        unrouted=len(clocks) - len(routed),
        seconds=design.spent.seconds,
        peak_mb=design.spent.peak_mb,
    )


def luts(found: Synthesis, family: str) -> int:
    """Count the LUTs of a synthesis."""
    return sum(found.cells.get(cell, 0) for cell in CELLS[family])


def placed(design: Design, name: str, found: Synthesis, folder: Path, minutes: float) -> float | None:
    """Return the frequency of a stage between the registers of the harness, or None where it took too long: kept."""
    kept = folder / f"{name}_fmax.json"
    key = found.rtlil.read_text()
    if kept.exists():
        known = json.loads(kept.read_text())
        if known["rtlil"] == hash_of(key) and (known["fmax_mhz"] or known["minutes"] >= minutes):
            return None if known["fmax_mhz"] is None else float(known["fmax_mhz"])
    bits = {port: width_of(found.netlist, port) for port in design.ports}
    into, out = design.ports
    wrapper = folder / f"{name}_clocked.v"
    wrapper.write_text(
        f"module {name}_clocked (input wire clk, input wire [{bits[into] - 1}:0] d, "
        f"output wire [{bits[out] - 1}:0] q);\n    {name} stage (.{into}(d), .{out}(q));\nendmodule\n"
    )
    start, clock = time.monotonic(), None
    try:
        clock = place_and_route(
            top=f"{name}_clocked",
            block_rtlil=[found.rtlil],
            sources=[wrapper],
            folder=folder / f"{name}_placed",
            part=PLACED_ON,
            clock_mhz=50,
            timeout_seconds=60 * minutes,
        ).fmax_mhz
    except ToolError as error:
        if design.ours or time.monotonic() - start < 60 * minutes:
            raise
        print(f"  {error}", file=sys.stderr)
    kept.write_text(json.dumps({"rtlil": hash_of(key), "fmax_mhz": clock, "minutes": minutes}))
    print(f"  {name}: {clock} MHz, {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    return clock


def hash_of(text: str) -> str:
    """Return a short name of a text."""
    import hashlib  # noqa: PLC0415

    return hashlib.sha256(text.encode()).hexdigest()[:16]


def width_of(netlist: Path, port: str) -> int:
    """Return the bits of a port of a netlist."""
    import re  # noqa: PLC0415

    found = re.search(rf"(?:input|output) (?:wire )?(?:\[(\d+):0\] )?{port}\b", netlist.read_text())
    assert found is not None
    return int(found[1] or 0) + 1


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--family", choices=tuple(CELLS), default="xcup")
    parser.add_argument("--fmax", action="store_true")
    parser.add_argument("--minutes", type=float, default=30, help="for placing and routing a stage")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "tailrace_spatial_bench")
    parser.add_argument("--ideas", action="store_true")
    options = parser.parse_args()
    if options.ideas:
        print(ideas(jet_tagger(options.shared, 8, 4)))
        print(groups())
        return
    if options.fmax and options.family != "ecp5":
        parser.error("--fmax needs --family ecp5: no open tool places the others")
    rows: list[tuple[str, Figures, Figures]] = []
    for case in cases(options.shared, quick=options.quick):
        if options.only and case.name not in options.only:
            continue
        print(case.name, file=sys.stderr, flush=True)
        folder = options.folder / f"{case.name}_{options.family}"
        theirs = peer(case, folder / "peer")
        mine = ours(case, folder / "ours", family=options.family, stages=len(theirs.stages))
        figures = [
            measure(design, folder / place, family=options.family, minutes=options.minutes * options.fmax)
            for design, place in ((mine, "ours"), (theirs, "peer"))
        ]
        rows.append((case.name, figures[0], figures[1]))
        if options.json:
            options.json.write_text(json.dumps({name: ratios(a, b) for name, a, b in rows}, indent=1) + "\n")
        if options.write:
            kept = keep(rows, options.family, [case.name for case in cases(options.shared, quick=False)])
            put(PAGE, options.family, table(kept, options.family))
            put(README, options.family, table(kept, options.family, short=True))
    print(table(rows, options.family))


def keep(
    rows: list[tuple[str, Figures, Figures]], family: str, order: list[str]
) -> list[tuple[str, Figures, Figures]]:
    """Put rows into bench/spatial.json, in place of older ones, and return all of the family in ``order``."""
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    own = kept.setdefault(family, {})
    for name, a, b in rows:
        own[name] = {"tailrace": asdict(a), "da4ml": asdict(b)}
    kept[family] = {name: own[name] for name in order if name in own}
    KEPT.write_text(json.dumps(kept, indent=1) + "\n")
    return [(name, Figures(**row["tailrace"]), Figures(**row["da4ml"])) for name, row in kept[family].items()]


def put(page: Path, family: str, text: str) -> None:
    """Write a table between its marks in a page."""
    begin, end = BEGIN.format(family), END.format(family)
    head, _, rest = page.read_text().partition(begin)
    page.write_text(f"{head}{begin}\n{text}{end}{rest.partition(end)[2]}")


def ideas(case: Case) -> str:
    """Return what each part of the search is worth, in LUTs by the engine's own count (adders, and all)."""
    lines = ["| search | three-input adders | two-input adders | seconds |", "|---|---|---|---|"]
    for name, rounds in (
        ("digits alone, nothing shared", 0),
        ("patterns, one pass", 1),
        ("patterns, 5 passes, 5 rounds", 5),
        ("and 60 rounds", 60),
        ("and 300 rounds (the default)", 300),
        ("and 1500 rounds", 1500),
    ):
        start = time.monotonic()
        found = [
            cost_of(
                build(
                    case.layers,
                    case.low,
                    case.high,
                    family=family,
                    effort=Effort(rounds=rounds, digits=10**8),
                ),
                family,
            )
            for family in (FAMILIES["xcup"], FAMILIES["ecp5"])
        ]
        lines.append(f"| {name} | {found[0]:,} | {found[1]:,} | {time.monotonic() - start:.1f} |")
    return "\n".join(lines) + "\n"


def groups() -> str:
    """Return LUTs on Xilinx of 64 x 64 matrices over few-bit inputs: shared adders, and tables of six input bits."""
    lines = ["| weights | inputs | shared adders | tables of six bits, then adders |", "|---|---|---|---|"]
    random = np.random.default_rng(0)
    for name, weights, bits in (
        ("-1, 1", random.choice([-1, 1], (64, 64)), 1),
        ("-1 to 1", random.integers(-1, 2, (64, 64)), 1),
        ("-1 to 1", random.integers(-1, 2, (64, 64)), 2),
        ("-8 to 7", random.integers(-8, 8, (64, 64)), 1),
        ("-8 to 7", random.integers(-8, 8, (64, 64)), 2),
    ):
        layer = ConstantProduct(name="matrix", weights=weights, bias=np.zeros(64, np.int64))
        high = np.full(64, (1 << bits) - 1)
        shared = cost_of(
            build((layer,), np.zeros(64, np.int64), high, family=FAMILIES["xcup"]), FAMILIES["xcup"]
        )
        lines.append(f"| {name} | {bits} bit | {shared:,} | {grouped(weights, bits):,} |")
    return "\n".join(lines) + "\n"


def grouped(weights: Integers, bits: int) -> int:
    """Count the LUTs of rows whose inputs go six bits at a time into tables (equal ones once), summed by adders."""
    tables: dict[tuple[tuple[int, int], ...], int] = {}
    adders = 0
    for row in weights:
        used = [(int(i), int(row[i])) for i in np.flatnonzero(row)]
        size = 6 // bits
        spans = []
        for first in range(0, len(used), size):
            part = tuple(used[first : first + size])
            spans.append(sum(abs(weight) for _, weight in part) * ((1 << bits) - 1))
            sign = 1 if part[0][1] > 0 else -1
            key = tuple((i, sign * weight) for i, weight in part)
            tables[key] = spans[-1].bit_length() if len(part) > 1 else 0
        n = len(spans)
        shift, sign_, low, high, level = (np.zeros(2 * n + 4, np.int64) for _ in range(5))
        sign_[:n], high[:n] = 1, spans
        plan = np.zeros((n, 4), np.int64)
        cost, _, _ = tree(
            shift, sign_, low, high, level, n, ternary=True, depth_first=False, root=0, plan=plan
        )
        adders += int(cost)
    return sum(tables.values()) + adders


def ratios(a: Figures, b: Figures) -> dict[str, object]:
    """Return ours over theirs."""
    return {
        "lut_ratio": round(a.lut / b.lut, 4),
        "ff_ratio": round(a.ff / b.ff, 4),
        "stages_ratio": round(a.stages / b.stages, 4),
        "fmax_ratio": round(a.fmax_mhz / b.fmax_mhz, 4) if a.fmax_mhz and b.fmax_mhz else None,
        "tailrace": asdict(a),
        "da4ml": asdict(b),
    }


def table(rows: list[tuple[str, Figures, Figures]], family: str, *, short: bool = False) -> str:
    """Return the rows as Markdown, tailrace / da4ml in each cell, and the geometric mean of the matrices.

    ``short`` leaves the matrices themselves out.
    """
    head = ("case", "LUT", "ratio", "FF", CARRIES[family], "stages", "Fmax (MHz)", "generator (s)", "(MB)")
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for name, a, b in rows:
        if short and name.startswith("matrix"):
            continue
        cells = [
            name.replace("_", " "),
            f"{a.lut:,} / {b.lut:,}",
            f"{a.lut / b.lut:.3f}",
            f"{a.ff:,} / {b.ff:,}",
            f"{a.carry:,} / {b.carry:,}",
            f"{a.stages} / {b.stages}",
            f"{a.fmax_mhz:.1f} / {'≤ ' * bool(b.unrouted)}{b.fmax_mhz:.1f}"
            if a.fmax_mhz and b.fmax_mhz
            else "",
            f"{a.seconds} / {b.seconds}",
            f"{a.peak_mb} / {b.peak_mb}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    grid = [a.lut / b.lut for name, a, b in rows if name.startswith("matrix") and name != OUTSIDE_GRID]
    if grid:
        lines.append(
            f"| geometric mean of {len(grid)} matrices | | {float(np.exp(np.mean(np.log(grid)))):.3f} |{' |' * 6}"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
