# SPDX-License-Identifier: Apache-2.0
"""The points of a sweep: rates, hashes, what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tailrace.core.errors import ModelError, UsageError
from tailrace.design.exploration.points import Network, Sweep, networks_of, rates


def test_a_range_of_rates_is_spaced_by_equal_factors() -> None:
    assert rates("1e3..1e6", 4) == (1e3, 1e4, 1e5, 1e6)
    assert rates("5,1e3..1e4,5", 2) == (5.0, 1e3, 1e4)
    assert rates("7..7", 5) == (7.0,)


@pytest.mark.parametrize("text", ["", "x", "1..", "0..5", "9..3", "-1", "nan", "1..inf"])
def test_what_is_no_rate_is_said(text: str) -> None:
    with pytest.raises(UsageError, match="is no rate"):
        rates(text, 3)


def a_sweep(**more: object) -> Sweep:
    return Sweep(networks=(Path("a.onnx"),), **more)  # type: ignore[arg-type]


def test_every_combination_is_a_point_and_each_once() -> None:
    sweep = a_sweep(
        parts=("ecp5-25k", "ecp5-85k", "ecp5-25k"), rates=(1e3, 1e4, 1e5), engines=("folded", "spatial")
    )
    networks = [Network(name=n, path=Path(n), sha256=n) for n in "ab"]
    points = sweep.points(networks)
    assert len(points) == 2 * 2 * 3 * 2
    assert len({point.key for point in points}) == len(points)


def test_a_key_is_of_the_content_and_the_options_and_not_of_the_name() -> None:
    point = a_sweep().points([Network(name="a", path=Path("a"), sha256="1")])[0]
    assert replace(point, network="b").key == point.key
    for other in (
        {"sha256": "2"},
        {"fps": 5.0},
        {"part": "ecp5-25k"},
        {"engine": "folded"},
        {"input_type": "fixed<8,4>"},
    ):
        assert replace(point, **other).key != point.key  # type: ignore[arg-type]


def test_the_command_of_a_point_names_what_differs_from_the_defaults() -> None:
    sweep = a_sweep(parts=("ecp5-25k",), rates=(1e5,), engines=("spatial",))
    point = sweep.points([Network(name="a", path=Path("a"), sha256="1")])[0]
    assert point.command("a b.onnx") == (
        "tailrace build 'a b.onnx' --part ecp5-25k --clock 100 --fps 100000 --engine spatial"
    )


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"parts": ("nopart",)}, "nopart"),
        ({"engines": ("fast",)}, "fast"),
        ({"to": "moon"}, "no stage"),
        ({"rates": tuple(float(n) for n in range(1, 100_002))}, "points"),
        ({"labels": Path("y.npy")}, "labels without"),
        ({"clocks": (-1.0,)}, "clock"),
    ],
)
def test_a_sweep_that_cannot_be_is_refused_at_once(options: dict[str, object], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        a_sweep(**options)


def test_networks_go_by_their_content_and_equal_names_by_their_folders(tmp_path: Path) -> None:
    for folder, content in (("one", b"1"), ("two", b"2"), ("three", b"1")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "net.onnx").write_bytes(content)
    found = networks_of([tmp_path / folder / "net.onnx" for folder in ("one", "two", "three")])
    assert len(found) == 2
    assert {network.name for network in found} == {"two/net", "three/net"}
    with pytest.raises(ModelError, match="No such file"):
        networks_of([tmp_path / "none.onnx"])
