# SPDX-License-Identifier: Apache-2.0
"""docs/extend.md is true: an operation and a block from a user's own package work like tailrace's own."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
import tailrace as tr
from tailrace import extend
from tailrace.blocks.catalogue import BLOCKS
from tailrace.frontend import UnsupportedError
from tailrace.frontend.handlers import HANDLERS
from tailrace.frontend.operations import ADDED_DOMAINS
from tailrace.graph import OPERATIONS
from tailrace.planning import serialize
from tailrace.planning.lowering import LOWERINGS
from tailrace.planning.rules import FOLDINGS
from tailrace.planning.streams.simulator import simulate
from tailrace.spatial.build import SPATIAL
from tailrace.verify.rules import SOFTWARE

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).resolve().parents[1]
EXAMPLE = CHECKOUT / "examples" / "median"
PAGE = CHECKOUT / "docs" / "extend.md"
TABLES = (BLOCKS, OPERATIONS, HANDLERS, ADDED_DOMAINS, FOLDINGS, LOWERINGS, SPATIAL, SOFTWARE)


@pytest.fixture(scope="module")
def package() -> Iterator[extend.Extension]:
    """The example's package, importable; not added yet."""
    sys.path.insert(0, str(EXAMPLE))
    try:
        from tailrace_median import EXTENSION  # noqa: PLC0415

        yield EXTENSION
    finally:
        sys.path.remove(str(EXAMPLE))


@pytest.fixture
def added(package: extend.Extension) -> Iterator[extend.Extension]:
    extend.add(package)
    yield package
    extend.remove(package)


@pytest.fixture
def model(package: extend.Extension, tmp_path: Path) -> Path:
    from network import network  # noqa: PLC0415 - of the example

    path = tmp_path / "median.onnx"
    onnx.save(network(), path)
    return path


def sizes() -> list[int]:
    return [len(table) for table in TABLES]


# --- the page ---------------------------------------------------------------------------------------------------


def test_every_file_that_the_page_shows_is_the_example() -> None:
    shown = re.findall(
        r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert {name for name, _ in shown} >= {
        "examples/median/pyproject.toml",
        "examples/median/tailrace_median/__init__.py",
        "examples/median/tailrace_median/handler.py",
    }
    for name, text in shown:
        assert text in (CHECKOUT / name).read_text(encoding="utf-8"), name


# --- the package, in a process --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("added")
def test_an_operation_of_ones_own_is_planned_as_ours(model: Path) -> None:
    graph = tr.load(model)
    assert [type(node).__name__ for node in graph.nodes if node.name.startswith("median")] == ["Median"]
    plan = tr.plan(graph, part="ecp5-25k", fps=1e6)
    (instance,) = (instance for instance in plan.instances if instance.block.name == "median")
    assert (instance.block.inputs[0].lanes, instance.block.interval_cycles) == (5, 6)
    assert simulate(plan).latency_cycles is not None
    assert serialize.dumps(serialize.loads(serialize.dumps(plan))) == serialize.dumps(plan)
    x = np.random.default_rng(1).uniform(-2, 2, (50, 1, 8)).astype(np.float32)
    q = graph.host.encode(x)
    values = graph.trace_int(q)
    (median,) = (node for node in graph.nodes if type(node).__name__ == "Median")
    assert np.array_equal(np.median(values[median.input], axis=-1, keepdims=True), values[median.output])


@pytest.mark.usefixtures("added")
def test_a_folding_that_the_block_cannot_have_is_refused(model: Path) -> None:
    with pytest.raises(tr.TailraceError, match="a median needs all 5 channels at once"):
        tr.plan(tr.load(model), fold={"median_0": {"pe": 1}})


@pytest.mark.usefixtures("package")
def test_without_the_extension_the_operation_is_refused(model: Path) -> None:
    with pytest.raises(UnsupportedError, match=r"the domain tailrace_median\.software is unknown"):
        tr.load(model)


def test_an_extension_is_taken_out_as_it_was_added(package: extend.Extension) -> None:
    before = sizes()
    extend.add(package)
    assert [now - then for now, then in zip(sizes(), before, strict=True)] == [1] * len(TABLES)
    extend.remove(package)
    assert sizes() == before


@pytest.mark.usefixtures("added")
def test_an_extension_is_added_whole_or_not_at_all(package: extend.Extension) -> None:
    before = sizes()
    other = replace(package, name="another", blocks=())
    with pytest.raises(
        tr.TailraceError, match="the table OPERATIONS has an entry for 'Median' already"
    ) as caught:
        extend.add(other)
    assert caught.value.where == "another"
    assert sizes() == before


def test_a_block_that_leaves_something_out_is_refused_with_what_is_missing(package: extend.Extension) -> None:
    class Silent(extend.Block):
        name = "silent"

    with pytest.raises(tr.TailraceError, match=r"the block Silent does not say its role, cost, evaluate, "):
        extend.add(replace(package, blocks=(Silent,), operations=(), handlers={}))
    assert "silent" not in BLOCKS


# --- the package, installed -------------------------------------------------------------------------------------


def install(folder: Path, entry: str, name: str = "tailrace-median") -> None:
    """Write what pip leaves of an installed package: its metadata with the entry point."""
    place = folder / f"{name.replace('-', '_')}-0.1.0.dist-info"
    place.mkdir(parents=True)
    (place / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n", encoding="utf-8"
    )
    (place / "entry_points.txt").write_text(f"[tailrace.extensions]\n{entry}\n", encoding="utf-8")


def tailrace(site: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    paths = [str(CHECKOUT / "flow"), str(EXAMPLE), str(site)]
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from tailrace.cli.main import main; import sys; sys.exit(main())",
            *arguments,
        ],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def test_the_entry_point_of_the_example_is_the_one_that_the_test_installs() -> None:
    text = (EXAMPLE / "pyproject.toml").read_text(encoding="utf-8")
    assert '[project.entry-points."tailrace.extensions"]\nmedian = "tailrace_median:EXTENSION"\n' in text
    assert extend.GROUP == "tailrace.extensions"


@pytest.mark.slow
def test_an_installed_extension_goes_down_the_whole_ladder(model: Path, tmp_path: Path) -> None:
    install(tmp_path / "site", "median = tailrace_median:EXTENSION")
    options = ("--part", "ecp5-25k", "--fps", "1e6", "--random-vectors", "100")
    result = tailrace(tmp_path / "site", "build", str(model), "-o", "out", *options, cwd=tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr
    report = json.loads((tmp_path / "out/report.json").read_text(encoding="utf-8"))
    checks = {name: report["verify"][name] for name in ("software", "hls", "rtl", "netlist")}
    assert all(check["vectors"] > 0 and check["mismatches"] == 0 for check in checks.values())
    (layer,) = (layer for layer in report["layers"] if layer["block"] == "median")
    assert layer["synth"]["lut"] > 0
    schedule = report["performance"]
    assert (schedule["source"], schedule["interval_cycles"]) == ("rtl", 60)
    for kind in ("core", "f", "tar", "ipxact"):
        result = tailrace(
            tmp_path / "site", "export", "out", "--as", kind, "-o", f"package_{kind}", cwd=tmp_path
        )
        assert result.returncode == 0, result.stderr
    assert (tmp_path / "out/rtl/tr_median.v").is_file()
    # a build that is resumed in another process knows the extension too
    result = tailrace(
        tmp_path / "site", "build", str(model), "-o", "out", "--from", "emit", "--to", "emit", cwd=tmp_path
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("bad = no_such_module:X", "the extension bad cannot be loaded: ModuleNotFoundError"),
        ("bad = json:dumps", "the entry point bad is a function, wanted a tailrace.extend.Extension"),
    ],
)
def test_a_package_whose_entry_point_is_wrong_is_named(
    entry: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, entry, name="broken-package")
    found = importlib.metadata.entry_points
    points = [p for d in importlib.metadata.distributions(path=[str(tmp_path)]) for p in d.entry_points]
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: points)
    extend.installed.cache_clear()
    try:
        with pytest.raises(tr.TailraceError) as caught:
            extend.installed()
    finally:
        monkeypatch.setattr(importlib.metadata, "entry_points", found)
        extend.installed.cache_clear()
    assert message in caught.value.message
    assert (caught.value.where, caught.value.hint) == (
        "broken-package",
        "mend or remove the package: pip uninstall broken-package",
    )
