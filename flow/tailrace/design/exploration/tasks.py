# SPDX-License-Identifier: Apache-2.0
"""What the workers of a sweep do: plan a point, take a design through a stage, count the right answers of a network.

A task takes the bytes of its network, so that a worker needs no file of the machine that asks, and returns a record.
What is wrong with a point is the record's message; only a task that could not be done at all raises.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tailrace.core.errors import MappingError, Mismatch, ModelError, TailraceError, UsageError
from tailrace.design import accuracy, api
from tailrace.design.build import plan_of
from tailrace.design.exploration.store import Estimate, Measurement, Score
from tailrace.design.records import plan_report
from tailrace.design.vectors import load_vectors
from tailrace.planning import serialize
from tailrace.planning.plan import Asked
from tailrace.report.render import figures
from tailrace.tools.cache import content_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tailrace.design.exploration.points import Point
    from tailrace.graph import Graph
    from tailrace.planning.plan import Plan

IMPOSSIBLE = (MappingError, ModelError, UsageError)
"""What will be so again, however often it is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A network as it is sent to workers: the name of its file, and its bytes."""

    file: str
    content: bytes


@contextmanager
def _written(source: Source) -> Iterator[Path]:
    """Write the network into a folder that lasts as long as the block."""
    with tempfile.TemporaryDirectory(prefix="tailrace-explore-") as folder:
        path = Path(folder) / Path(source.file).name
        path.write_bytes(source.content)
        yield path


@lru_cache(maxsize=4)
def _graph(source: Source, input_type: str | None) -> Graph:
    """Return the integer graph of a network; many points of it come one after another."""
    with _written(source) as path:
        return replace(api.load(path, input_type), reference=None)


def design_key(plan: Plan) -> str:
    """Return the hash of a plan without what was asked for: equal hardware has equal ones."""
    bare = serialize.dumps(replace(plan, asked=Asked(), notices=()))
    return content_key([plan.graph.sha256, plan.part.name, f"{plan.clock_mhz!r}", bare])[:24]


def unplanned(source: Source, point: Point, state: str, message: str | None = None) -> Estimate:
    """Return the record of a point of which there is no plan."""
    return Estimate(
        key=point.key,
        network=point.network,
        sha256=point.sha256,
        part=point.part,
        family="",
        clock_mhz=point.clock_mhz,
        fps_asked=point.fps,
        engine=point.engine,
        minimize=point.minimize,
        command=point.command(source.file),
        state=state,
        message=message,
    )


def estimate(source: Source, point: Point) -> Estimate:
    """Plan a point."""
    start = time.perf_counter()
    known = unplanned(source, point, "impossible")
    try:
        plan = plan_of(_graph(source, point.input_type), point.config())
    except IMPOSSIBLE as error:
        return replace(known, message=str(error), seconds=time.perf_counter() - start)
    report = plan_report(plan)
    counts = {cell.key: cell.value for cell in figures.resources(report)}
    totals = report.target.totals
    speed = report.performance
    reached = figures.reached_latency_seconds(report)
    missed = point.fps is not None and speed.fps is not None and speed.fps < point.fps * (1 - 1e-9)
    return replace(
        known,
        state="planned",
        family=plan.part.family.name,
        message=f"slower than asked for: {speed.fps:,.0f} frames/s" if missed else None,
        design=design_key(plan),
        interval_cycles=speed.interval_cycles,
        latency_cycles=speed.latency_cycles,
        fps=speed.fps,
        latency_us=None if reached is None else reached * 1e6,
        lut=counts["lut"],
        ff=counts["ff"],
        dsp=counts["dsp"],
        bram18=counts["bram18"],
        fits=all(
            (counts[kind] or 0) <= most
            for kind in figures.ON_FPGA
            if totals is not None and (most := getattr(totals, kind)) is not None
        ),
        seconds=time.perf_counter() - start,
    )


def measure(source: Source, point: Point, stage: str, design: str, vectors: int) -> Measurement:
    """Take the design of a point through ``simulate`` (E1 and E2), ``synthesize`` (yosys) or ``place`` (nextpnr)."""
    start = time.perf_counter()
    known = Measurement(design=design, stage=stage, state="failed")
    with _written(source) as path:
        plan = plan_of(api.load(path, point.input_type), point.config())
        built = api.emit(plan, path.parent / "build", backends=("rtl",))
        try:
            if stage == "simulate":
                report = built.verify(vectors=vectors, backends=("rtl",), jobs=1)
            else:
                report = built.synth("yosys" if stage == "synthesize" else "nextpnr", check=False, jobs=1)
        except Mismatch as error:
            return replace(known, state="wrong", message=str(error), seconds=time.perf_counter() - start)
        except TailraceError as error:
            return replace(known, message=str(error), seconds=time.perf_counter() - start)
    checked, synth, timing = report.verify.rtl, report.synth, report.timing
    known = replace(
        known,
        state="done",
        interval_cycles=report.performance.interval_cycles,
        latency_cycles=report.performance.latency_cycles,
        vectors=checked.vectors if checked else None,
        mismatches=checked.mismatches if checked else None,
        fmax_mhz=timing.fmax_mhz if timing else None,
        seconds=time.perf_counter() - start,
    )
    if synth is None:
        return known
    return replace(known, lut=synth.lut, ff=synth.ff, dsp=synth.dsp, bram18=synth.bram18)


def score(source: Source, input_type: str | None, sha256: str, data: str, vectors: bytes) -> Score | str:
    """Count the right answers of a network on vectors with labels (a .npz file); a message where they do not fit."""
    with tempfile.TemporaryDirectory(prefix="tailrace-explore-") as folder:
        path = Path(folder) / "vectors.npz"
        path.write_bytes(vectors)
        try:
            graph = _graph(source, input_type)
            counted = accuracy.measure(graph, graph, load_vectors(path, graph))
        except IMPOSSIBLE as error:
            return str(error)
    if counted is None:
        return "the file has no labels"
    return Score(sha256=sha256, data=data, correct=counted.correct, total=counted.total)


def packed(inputs: np.ndarray, labels: np.ndarray) -> bytes:
    """Return vectors with labels as the bytes of a .npz file."""
    stream = BytesIO()
    np.savez(stream, inputs=inputs, labels=labels)
    return stream.getvalue()
