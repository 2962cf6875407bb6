# SPDX-License-Identifier: Apache-2.0
"""What a vendor's tool stated of a build, taken into its report: the cells, the clock, and every record as it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tailrace.report.parsers.record import to_json
from tailrace.report.schema import Layer, LayerSynth, Report, Synth, Timing, VendorRun

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tailrace.report.parsers.record import Child, Figures, Number, Record

CELLS: Mapping[str, tuple[str, ...]] = {
    "vivado": ("utilization",),
    "vitis": ("csynth",),
    "quartus": ("fit", "flow"),
    "libero": ("compile", "layout"),
    "radiant": ("map", "area"),
}
"""For each flow the kinds of reports that state the cells, the best first; a run without any of them has failed."""

CLOCKS: Mapping[str, tuple[str, ...]] = {
    "vivado": ("timing",),
    "vitis": ("csynth",),
    "quartus": ("sta",),
    "libero": (),
    "radiant": ("timing", "par"),
}
"""For each flow the kinds of reports that state the clock."""

AFTER_ROUTE = ("rout", "plac", "")
"""What the names of reports of later steps hold, the latest first."""


def with_run(
    report: Report,
    tool: str,
    *,
    title: str,
    records: Sequence[Record],
    seconds: float | None,
    notices: Sequence[str] = (),
) -> Report:
    """Return ``report`` with what the flow ``tool``, called ``title``, stated in ``records`` of its last run.

    The cells and the clock become those of the report; the cells of layers are taken where the tool states them
    instance by instance. An estimate of C synthesis does not take the place of what another vendor's tool counted.
    Raises ValueError where no record states cells.
    """
    design = report.model.name
    cells = _best(records, CELLS[tool], design)
    if cells is None:
        raise ValueError(f"no record of {tool} states cells")
    clock = _best(records, CLOCKS[tool], design)
    name = " ".join(filter(None, (title, cells.version)))
    label = f"{name}, estimate of C synthesis" if tool == "vitis" else name
    run = VendorRun(
        tool=name,
        seconds=seconds,
        notices=tuple(notices),
        reports=tuple(to_json(record) for record in records),
    )
    vendor = {**report.vendor, tool: run}
    if tool == "vitis" and len(vendor) > 1:
        return replace(report, vendor=vendor)
    children = [child for record in records for child in record.children if record.kind in CELLS[tool]]
    return replace(
        report,
        layers=tuple(_layer(layer, children, name) for layer in report.layers),
        synth=_synth(cells, label),
        timing=_timing(clock, label, report.target.clock_mhz) if clock else None,
        vendor=vendor,
    )


def without_run(report: Report, tool: str, *, title: str) -> Report:
    """Return ``report`` without what an earlier run of ``tool`` stated, so that a failure leaves no old figures."""
    synth = report.synth if report.synth is None or not report.synth.tool.startswith(title) else None
    timing = report.timing if report.timing is None or not report.timing.tool.startswith(title) else None
    layers = tuple(
        replace(layer, synth=None)
        if (layer.synth and (layer.synth.source or "").startswith(title))
        else layer
        for layer in report.layers
    )
    others = {name: run for name, run in report.vendor.items() if name != tool}
    return replace(report, synth=synth, timing=timing, layers=layers, vendor=others)


def states_cells(records: Sequence[Record], tool: str) -> bool:
    """Whether ``records`` hold a report with the cells of the design."""
    return any(record.kind in CELLS[tool] for record in records)


def missing_kinds(records: Sequence[Record], tool: str) -> list[str]:
    """Return the kinds of reports with the clock that a run left out."""
    kinds = {record.kind for record in records}
    return [CLOCKS[tool][0]] if CLOCKS[tool] and not kinds & set(CLOCKS[tool]) else []


def _best(records: Sequence[Record], kinds: Sequence[str], design: str) -> Record | None:
    """Return the record of the latest step: of the whole design, flat before by instance, with the most figures."""

    def rank(record: Record) -> tuple[int, bool, bool, int, int]:
        file = record.file.rpartition("/")[2].lower()
        step = next(index for index, word in enumerate(AFTER_ROUTE) if word in file)
        of_part = not record.available.stated()
        return (
            kinds.index(record.kind),
            record.design != design,
            of_part,
            step,
            -len(record.figures.stated()),
        )

    found = [record for record in records if record.kind in kinds]
    return min(found, key=rank, default=None)


def bram18_of(figures: Figures, *, tiles: bool) -> float | None:
    """Return blocks of 18 kbit; in ``tiles`` of 36 kbit those of 18 kbit are counted as halves already."""
    if figures.bram36 is None:
        return None if figures.bram18 is None else float(figures.bram18)
    return 2.0 * figures.bram36 + (0.0 if tiles else float(figures.bram18 or 0))


def _float(value: Number | None) -> float | None:
    return None if value is None else float(value)


def _synth(record: Record, label: str) -> Synth:
    figures = record.figures
    return Synth(
        tool=label,
        lut=_float(figures.lut),
        ff=_float(figures.ff),
        carry=_float(figures.carry),
        dsp=_float(figures.dsp),
        bram18=bram18_of(figures, tiles=record.available.bram36 is not None),
        uram=_float(figures.uram),
        per_layer_sum=False,
    )


def _timing(record: Record, label: str, clock_mhz: float | None) -> Timing | None:
    """Return the clock: as stated, from the worst slack, or from the estimated period.

    A tool that met another constraint than the clock of the plan, a slower one, did not meet the plan.
    """
    figures = record.figures
    target, slack, estimate = figures.clock_target_ns, figures.wns_ns, figures.clock_estimate_ns
    fmax: float | None = _float(figures.fmax_mhz)
    if fmax is None and target is not None and slack is not None and target > slack:
        fmax = 1000 / (target - slack)
    if fmax is None and estimate:
        fmax = 1000 / estimate
    met: bool | None = None
    if slack is not None:
        met = slack >= 0 and (figures.whs_ns is None or figures.whs_ns >= 0)
    elif estimate is not None and target is not None:
        met = estimate <= target
    if fmax and clock_mhz and round(1000 / fmax, 3) > round(1000 / clock_mhz, 3):
        met = False
    if fmax is None and met is None:
        return None
    return Timing(tool=label, fmax_mhz=None if fmax is None else round(fmax, 3), met=met)


def _layer(layer: Layer, children: Sequence[Child], source: str) -> Layer:
    """Return ``layer`` with the cells of its instance, where the tool states them."""

    def is_it(child: Child) -> bool:
        module = child.module or ""
        ours = (layer.name, f"stage_{layer.name}", f"stage_{layer.name}_U0")
        return child.name in ours or module == f"stage_{layer.name}"

    found = next(
        (child.figures for child in children if is_it(child) and child.figures.lut is not None), None
    )
    if found is None:
        return replace(layer, synth=None)
    return replace(
        layer,
        synth=LayerSynth(
            lut=_float(found.lut),
            ff=_float(found.ff),
            carry=_float(found.carry),
            dsp=_float(found.dsp),
            bram18=bram18_of(found, tiles=False),
            uram=_float(found.uram),
            source=source,
        ),
    )
