# SPDX-License-Identifier: Apache-2.0
"""The records of a report: what is known of one build, key by key as ``report.json`` has it.

A figure that was not measured is None (``null``), never 0. Keys are stable and all of them are written; keys
that this version does not know are kept in ``extra`` of their record and written back.

Everything that renders reads these; :class:`tailrace.report.schema.Report` is the record with its renderers.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - the codec reads the annotations
from dataclasses import dataclass, field
from typing import Any

from tailrace.report.asic import Asic, LayerAsic  # noqa: TC001 - as above
from tailrace.report.codec import Count, Figure, ReportError, check

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """The network: its name, the SHA-256 of its file, and how many operations of each kind it became."""

    name: str
    sha256: str | None = None
    ops: Mapping[str, Count] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """How many cells the whole part has; None where unknown (0 is a part without such cells)."""

    lut: Count | None = None
    ff: Count | None = None
    dsp: Count | None = None
    bram18: Count | None = None
    uram: Count | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The part, what was asked for on it, and what it has in all.

    Asked for are the clock in MHz, frames per second, and cycles of latency; None where nothing was.
    """

    part: str
    clock_mhz: Figure | None = None
    fps: Figure | None = None
    latency_cycles: Count | None = None
    totals: Totals | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSynth:
    """The cells of one layer, counted by the synthesis tool ``source``; ``gates`` are NAND2 equivalents."""

    lut: Figure | None = None
    ff: Figure | None = None
    carry: Figure | None = None
    dsp: Figure | None = None
    bram18: Figure | None = None
    uram: Figure | None = None
    gates: Figure | None = None
    source: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer: its block, folding and cycles per frame; ``lut`` to ``gates`` are an estimate.

    ``role`` says what the block is there for: ``computes``, ``carries`` (helpers between layers), ``edge``; ``origin``
    is the name of the network's own tensor that the layer makes, where there is one.
    ``rows`` and ``cols`` are those of the matrix product, ``vectors`` the products per frame, ``words_in``
    and ``words_out`` stream words per frame, ``in_bits``, ``weight_bits`` and ``out_bits`` bits per value,
    ``memory_bits`` all read-only memories together, ``utilization`` the fraction (0 to 1) of the interval of
    the design in which the layer is busy, ``source`` the estimator: ``fitted`` on syntheses of such blocks,
    ``extrapolated`` beyond these or ``analytic`` without any, ``estimate_error`` the mean relative error of the LUTs of
    such blocks that the fit has not seen, ``synth`` the measured cells,
    ``asic`` what it became in standard cells.
    """

    name: str
    block: str
    role: str | None = None
    origin: str | None = None
    engine: str | None = None
    pe: Count | None = None
    simd: Count | None = None
    rows: Count | None = None
    cols: Count | None = None
    vectors: Count | None = None
    words_in: Count | None = None
    words_out: Count | None = None
    interval_cycles: Count | None = None
    utilization: Figure | None = None
    weight_bits: Count | None = None
    in_bits: Count | None = None
    out_bits: Count | None = None
    memory_bits: Count | None = None
    lut: Figure | None = None
    ff: Figure | None = None
    carry: Figure | None = None
    dsp: Figure | None = None
    bram18: Figure | None = None
    uram: Figure | None = None
    gates: Figure | None = None
    source: str | None = None
    estimate_error: Figure | None = None
    synth: LayerSynth | None = None
    asic: LayerAsic | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEdge:
    """One stream: from layer to layer (``input`` and ``output`` are the ends of the design).

    ``lanes`` values of ``bits`` bits each per word, ``words`` words per frame, ``depth`` words of FIFO.
    """

    source: str
    target: str
    lanes: Count | None = None
    bits: Count | None = None
    words: Count | None = None
    depth: Count | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """Cycles from frame to frame, cycles from the first word in to the last word out, frames per second.

    ``source`` says how they are known: ``rtl`` (simulated) or ``plan`` (computed).
    """

    interval_cycles: Count | None = None
    latency_cycles: Count | None = None
    fps: Figure | None = None
    source: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstMismatch:
    """Where the first difference was found: the layer, the index of the value in it, expected and got."""

    layer: str
    index: tuple[int, ...] = ()
    expected: int | None = None
    got: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One equality: how many vectors went through both sides and how many values differed.

    ``framework_rounding`` counts outputs where exact arithmetic confirmed the framework's own rounding;
    ``reference`` is what the integer graph was compared with (qonnx, brevitas); ``stall`` is the probability
    of a stalled cycle at either stream end; ``stalled_frames`` went through once more with stalls inside.
    """

    vectors: Count | None = None
    mismatches: Count | None = None
    framework_rounding: Count | None = None
    reference: str | None = None
    stall: Figure | None = None
    stalled_frames: Count | None = None
    first_mismatch: FirstMismatch | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify:
    """The four equalities; None where the check did not run."""

    software: Check | None = None
    hls: Check | None = None
    rtl: Check | None = None
    netlist: Check | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Synth:
    """The cells of the design, counted by ``tool``; ``per_layer_sum``: summed over single blocks."""

    tool: str
    lut: Figure | None = None
    ff: Figure | None = None
    carry: Figure | None = None
    dsp: Figure | None = None
    bram18: Figure | None = None
    uram: Figure | None = None
    gates: Figure | None = None
    per_layer_sum: bool | None = None
    cells: Mapping[str, Count] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupied:
    """How many cells of one kind are taken after place and route, and how many the part has."""

    used: Count
    available: Count | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The clock after place and route, in MHz, and whether it meets the target.

    ``utilization`` is what the tool says of the placed design by its own names of cells, with the harness around it
    where there is one; None where the tool did not say.
    """

    tool: str
    fmax_mhz: Figure | None = None
    met: bool | None = None
    utilization: Mapping[str, Occupied] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorRun:
    """The last run of a vendor's tool: ``reports`` are its records as ``tailrace report -o x.json`` has them.

    ``seconds`` is None where the tool was run by hand.
    """

    tool: str
    seconds: Figure | None = None
    notices: tuple[str, ...] = ()
    reports: tuple[Mapping[str, Any], ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSide:
    """What the host does at one end of the design to get from the model's numbers to integers, or back.

    ``name`` is that of one of several inputs or outputs in the model.
    """

    name: str | None = None
    shape: tuple[int, ...] = ()
    type: str | None = None
    scale: float | tuple[float, ...] | None = None
    steps: tuple[str, ...] = ()
    text: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The conversions on the host, before and behind the design; ``inputs`` or ``outputs`` where there are several."""

    input: HostSide | None = None
    output: HostSide | None = None
    inputs: tuple[HostSide, ...] = ()
    outputs: tuple[HostSide, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    def sides(self) -> tuple[tuple[bool, HostSide], ...]:
        """Return all ends that are known, each with whether it is an output."""
        inputs = (self.input,) if self.input is not None else self.inputs
        outputs = (self.output,) if self.output is not None else self.outputs
        return (*((False, side) for side in inputs), *((True, side) for side in outputs))


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """How many of ``total`` samples of ``dataset`` the integer graph gets right.

    Right is the label (``measure`` "labels"), or the answer of the graph as imported ("agreement"). Where layers were
    changed, ``imported`` is what the graph as imported gets right, and ``loss`` the share of ``total`` that was allowed
    to be lost.
    """

    dataset: str
    correct: Count
    total: Count
    measure: str = "labels"
    imported: Count | None = None
    loss: Figure | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The counts in words."""
        counts = f"{self.correct:,} of {self.total:,}"
        if self.measure == "agreement":
            return f"{counts} answers as before the changes"
        return counts if self.imported is None else f"{counts}, {self.imported:,} before the changes"

    def __post_init__(self) -> None:
        if self.correct > self.total:
            raise ReportError(f"accuracy.correct is {self.correct}, wanted at most the {self.total} of total")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRecord:
    """All that is known of one build; a report with a wrong type, NaN or a negative count cannot exist.

    ``vendor`` has the last run of each vendor flow by its name; ``synth`` and ``timing`` are those of the synthesis
    that ran last. ``backends`` are those that were emitted (rtl, hls), None where that is not known: an equality of one
    that was not is not asked for. ``estimate_error`` is the mean relative error of the estimates of whole networks,
    ``lut`` and ``ff``; empty where it is not known. ``seconds`` is the time per stage in order; ``commands`` are the
    lines that reproduce the build (empty: they are derived from model and target); ``bitstream`` is a path relative to
    the build folder.
    """

    schema: int = SCHEMA
    tailrace: str
    model: Model
    target: Target
    backends: tuple[str, ...] | None = None
    layers: tuple[Layer, ...] = ()
    streams: tuple[StreamEdge, ...] = ()
    performance: Performance = field(default_factory=Performance)
    verify: Verify = field(default_factory=Verify)
    synth: Synth | None = None
    asic: Asic | None = None
    timing: Timing | None = None
    vendor: Mapping[str, VendorRun] = field(default_factory=dict)
    bitstream: str | None = None
    accuracy: Accuracy | None = None
    host: Host | None = None
    notices: tuple[str, ...] = ()
    estimate_error: Mapping[str, Figure | None] = field(default_factory=dict)
    seconds: Mapping[str, Figure | None] = field(default_factory=dict)
    commands: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check(self, "")
        if self.schema != SCHEMA:
            raise ReportError(
                f"the report has schema {self.schema}, this tailrace reads schema {SCHEMA}",
                hint="install the tailrace that wrote it, or build again",
            )
        seen: set[str] = set()
        for index, layer in enumerate(self.layers):
            if layer.name in seen:
                raise ReportError(f"layers[{index}].name is {layer.name!r}, a name that another layer has")
            seen.add(layer.name)
