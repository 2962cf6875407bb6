# SPDX-License-Identifier: Apache-2.0
"""The front: what no other design of a family beats, and which of it are measured."""

from __future__ import annotations

from dataclasses import replace

from tailrace.design.exploration.front import Design, designs, front, spread
from tailrace.design.exploration.store import Contents, Estimate, Measurement, Score


def planned(key: str, fps: float, lut: float, **more: object) -> Estimate:
    made = Estimate(
        key=key,
        network="net",
        sha256="s",
        part="ecp5-85k",
        family="ecp5",
        clock_mhz=100.0,
        fps_asked=None,
        engine="auto",
        minimize=None,
        command="",
        state="planned",
        design=key,
        fps=fps,
        latency_cycles=100,
        lut=lut,
        dsp=0,
        bram18=0,
        fits=True,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def keys(found: list[Design]) -> list[str]:
    return sorted(design.estimate.key for design in found)


def test_the_front_is_what_no_other_design_beats() -> None:
    contents = Contents(
        estimates=(
            planned("best", 1e6, 500),
            planned("slow", 1e5, 500),
            planned("small", 1e5, 100),
            planned("small again", 1e5, 100, design="small"),
            planned("too large", 1e7, 900, fits=False),
            planned("quick", 1e5, 200, latency_cycles=10),
            planned("other family", 1e5, 900, family="ice40"),
            planned("refused", 1e9, 1, state="impossible"),
            planned("wrong", 1e8, 10),
        ),
        measurements=(Measurement(design="wrong", stage="simulate", state="wrong"),),
    )
    assert keys(front(designs(contents))) == ["best", "other family", "quick", "small"]


def test_measured_figures_take_the_place_of_estimates() -> None:
    contents = Contents(
        estimates=(planned("a", 1e6, 500), planned("b", 1e6, 400)),
        measurements=(
            Measurement(design="a", stage="synthesize", state="done", lut=300, dsp=0, bram18=0),
            Measurement(design="b", stage="synthesize", state="done", lut=450, dsp=0, bram18=0),
            Measurement(design="b", stage="place", state="done", lut=450, dsp=0, bram18=0, fmax_mhz=50.0),
        ),
        scores=(Score(sha256="s", data="v", correct=3, total=4),),
    )
    a, b = designs(contents)
    assert (a.cells("lut"), a.fps, a.accuracy, a.stage) == (300, 1e6, 0.75, "synthesize")
    assert (b.clock, b.fps, b.latency_us, b.stage) == (50.0, 5e5, 2.0, "place")
    assert keys(front([a, b])) == ["a"]


def test_of_a_long_front_some_are_measured_spread_over_families_and_rates() -> None:
    contents = Contents(
        estimates=tuple(
            planned(f"{family}{i:02}", 1e3 * (i + 1), 100.0 * (i + 1), family=family)
            for family in ("ecp5", "ice40")
            for i in range(9)
        )
    )
    kept = spread(front(designs(contents)), 6)
    assert keys(kept) == ["ecp500", "ecp504", "ecp508", "ice4000", "ice4004", "ice4008"]
    assert spread([], 5) == []
    assert len(spread(front(designs(contents)), 1)) == 1
