# SPDX-License-Identifier: Apache-2.0
"""A build in stages: what each leaves, how it is resumed, and that nothing half done is taken for whole."""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tailrace import Mismatch, TailraceError, frontend
from tailrace.core.errors import MappingError, ModelError, ToolError, UsageError
from tailrace.design import api, requirements
from tailrace.design.build import Build, resumed
from tailrace.design.build import build as run_build
from tailrace.design.config import Config, make_config, read_config, to_toml
from tailrace.design.folder import locked
from tailrace.design.interrupts import InterruptedBuildError
from tailrace.design.manifest import STAGES, read_manifest
from tailrace.design.stages import Notify
from tailrace.graph.passes.pipeline import LOWER
from tailrace.report.schema import load as load_report
from tiny_network import HIDDEN, INPUTS, write_tiny

TINY = Config(part="ecp5-25k", fps=5e6, clock_mhz=50.0, random_vectors=8)
SOURCES = ("rtl", "hls", "sim", "graph", "plan.json", "Makefile")
"""What is the same in every build of the same network with the same options."""


def run(folder: Path, model: Path | None, config: Config = TINY, **stages: str) -> api.Design | None:
    """Run a build."""
    return run_build(Build(folder=folder, config=config, model=model, **stages))


def contents(folder: Path, names: tuple[str, ...] = SOURCES) -> dict[str, bytes]:
    """The bytes of every file below the named files and folders."""
    found = {}
    for name in names:
        paths = [folder / name, *(folder / name).rglob("*")]
        found |= {str(path.relative_to(folder)): path.read_bytes() for path in paths if path.is_file()}
    return found


def done(folder: Path) -> list[str]:
    """The stages that a build folder says are done."""
    return list(json.loads((folder / "build.json").read_text())["stages"])


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The tiny network."""
    return write_tiny(tmp_path / "tiny.onnx")


@pytest.fixture(scope="module")
def emitted_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build up to emission, to be copied."""
    folder = tmp_path_factory.mktemp("emitted")
    run(folder / "build", write_tiny(folder / "tiny.onnx"), last="emit")
    return folder / "build"


@pytest.fixture
def emitted(emitted_once: Path, tmp_path: Path) -> Path:
    """A build up to emission, of this test's own."""
    return Path(shutil.copytree(emitted_once, tmp_path / "build"))


@pytest.fixture(scope="module")
def verified_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole build, to be copied."""
    folder = tmp_path_factory.mktemp("verified")
    run(folder / "build", write_tiny(folder / "tiny.onnx"))
    return folder / "build"


@pytest.fixture
def verified(verified_once: Path, tmp_path: Path) -> Path:
    """A whole build, of this test's own."""
    return Path(shutil.copytree(verified_once, tmp_path / "build"))


# --- the stages -----------------------------------------------------------------------------------


def test_a_whole_build_proves_all_equalities_and_measures_what_it_planned(verified: Path) -> None:
    report = load_report(verified)
    verify = report.verify
    assert list(STAGES) == done(verified)
    assert (verify.hls.stalled_frames, verify.rtl.stalled_frames > 0) == (None, True)
    for check in (verify.software, verify.hls, verify.rtl, verify.netlist):
        assert check is not None
        assert check.mismatches == 0
        assert check.vectors > 0
    assert report.performance.source == "rtl"
    assert report.performance.interval_cycles == api.Design.open(verified).plan.interval_cycles
    assert report.synth is not None
    assert list(report.seconds) == list(STAGES)
    assert report.commands == (
        "tailrace build model.onnx --part ecp5-25k --clock 50 --fps 5e+06 --random-vectors 8",
    )


def test_a_watcher_hears_of_every_stage(emitted: Path, model: Path) -> None:
    heard: list[Any] = []

    class Watcher(Notify):
        def begin(self, stage: str, doing: str) -> None:
            assert doing
            heard.append(stage)

        def end(self, stage: str, seconds: float, result: str) -> None:
            heard.append((stage, seconds >= 0, result))

    run_build(Build(folder=emitted, config=TINY, model=model, last="emit"), Watcher())
    assert heard == [
        *("import", ("import", True, "2 Dense, 1 Map")),
        *("plan", ("plan", True, "8 blocks, 8 cycles a frame: 6,250,000 frames/s, latency 27 cycles")),
        *("emit", ("emit", True, "24 files in rtl/, 17 files in hls/, 7 files in sim/")),
    ]


@pytest.mark.parametrize(
    ("backend", "there", "not_there"),
    [
        ("rtl", {"rtl", "sim", "Makefile"}, {"hls"}),
        ("hls", {"hls"}, {"rtl", "sim", "Makefile"}),
        ("both", {"rtl", "sim", "Makefile", "hls"}, set()),
    ],
)
def test_a_backend_emits_its_own_sources_and_removes_the_other_s(
    backend: str, there: set[str], not_there: set[str], emitted: Path, model: Path
) -> None:
    run(emitted, model, replace(TINY, backend=backend), first="emit", last="emit")
    names = {path.name for path in emitted.iterdir()}
    assert there <= names
    assert not names & not_there


def test_hls_alone_is_verified_and_leaves_nothing_to_synthesize(tmp_path: Path, model: Path) -> None:
    run(tmp_path / "build", model, replace(TINY, backend="hls"))
    report = load_report(tmp_path / "build")
    assert report.verify.hls is not None
    assert report.verify.hls.mismatches == 0
    assert (report.verify.rtl, report.verify.netlist, report.synth) == (None, None, None)


def test_the_report_is_written_once_a_stage(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages: list[str] = []
    write = api.Design.write_report

    def counted(self: api.Design) -> None:
        stages.append(heard[-1])
        write(self)

    monkeypatch.setattr(api.Design, "write_report", counted)
    heard: list[str] = []

    class Watcher(Notify):
        def begin(self, stage: str, doing: str) -> None:
            assert doing
            heard.append(stage)

    config = replace(TINY, backend="rtl")
    run_build(Build(folder=tmp_path / "build", config=config, model=model), Watcher())
    assert heard == list(STAGES)
    assert stages == list(STAGES[1:])
    assert list(load_report(tmp_path / "build").seconds) == list(STAGES)


def test_every_pass_runs_once_in_a_build(
    tmp_path: Path, model: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "tailrace.graph.passes"):
        run(tmp_path / "build", model, last="emit")
        run(tmp_path / "build", None, replace(TINY, backend="rtl"), first="emit", last="verify")
    assert [message.partition(":")[0] for message in caplog.messages] == [item.name for item in LOWER]


def test_a_stage_says_how_far_it_is(tmp_path: Path, model: Path) -> None:
    states: list[str] = []

    class Watcher(Notify):
        def step(self, state: str) -> None:
            states.append(state)

        def begin(self, stage: str, doing: str) -> None:
            states.append(f"{stage}: {doing}")

    config = replace(TINY, backend="rtl")
    run_build(Build(folder=tmp_path / "build", config=config, model=model, last="synth"), Watcher())
    assert [state for state in states if state.endswith(" blocks")] == [
        f"{n} of 8 blocks" for n in range(1, 9)
    ]
    assert "simulating the netlist" in states
    vectors = [state for state in states if "network 16 of 16 vectors" in state]
    assert vectors
    assert not [state for state in states if "C++" in state]
    assert "verify: compiling the Verilog, comparing with the network" in states


# --- the same bytes -------------------------------------------------------------------------------


def test_two_builds_at_different_places_give_the_same_bytes(
    emitted: Path, tmp_path: Path, model: Path
) -> None:
    other = tmp_path / "somewhere" / "else"
    run(other, model, last="emit")
    assert contents(emitted) == contents(other)
    assert len(contents(emitted)) > 40


def test_a_build_in_steps_gives_the_same_bytes_as_one_at_once(tmp_path: Path, model: Path) -> None:
    at_once, in_steps = tmp_path / "at_once", tmp_path / "in_steps"
    run(at_once, model, last="emit")
    run(in_steps, model, last="import")
    run(in_steps, model, first="plan", last="plan")
    run(in_steps, None, first="emit", last="emit")
    assert contents(at_once) == contents(in_steps)


@pytest.mark.parametrize("first", ["plan", "emit"])
def test_a_stage_done_again_gives_the_same_bytes(first: str, verified: Path, model: Path) -> None:
    before = contents(verified)
    run(verified, model, first=first, last="emit")
    assert before == contents(verified)
    assert done(verified) == ["import", "plan", "emit"]
    assert not (verified / "synth").exists()
    assert load_report(verified).verify.rtl is None


def test_the_written_configuration_builds_the_same_design(emitted: Path, tmp_path: Path, model: Path) -> None:
    config = make_config(read_config(emitted / "tailrace.toml"))
    assert config == TINY
    run(tmp_path / "again", model, config, last="emit")
    assert contents(emitted) == contents(tmp_path / "again")


def test_another_network_in_the_same_folder_leaves_nothing_of_the_first(
    verified: Path, tmp_path: Path
) -> None:
    other = write_tiny(tmp_path / "other.onnx", name="other", seed=2)
    run(verified, other, last="plan")
    left = {path.name for path in verified.iterdir()}
    assert left == {
        *("build.json", "graph", "model.onnx", "plan.json", "tailrace.toml"),
        *("report.html", "report.json", "report.md"),
    }
    assert load_report(verified).model.name == "other"
    run(tmp_path / "fresh", other, last="plan")
    assert contents(verified) == contents(tmp_path / "fresh")


# --- going on -------------------------------------------------------------------------------------


def test_a_stage_needs_those_before(tmp_path: Path, model: Path) -> None:
    run(tmp_path / "build", model, last="import")
    with pytest.raises(TailraceError) as error:
        run(tmp_path / "build", model, first="verify")
    assert str(error.value).replace(str(tmp_path), "") == (
        "/build: the stage plan is not done, so verify cannot begin\n"
        "  hint: tailrace build MODEL -o /build --from plan"
    )
    assert error.value.exit_code == 1


def test_a_stage_cannot_begin_in_an_empty_folder(tmp_path: Path, model: Path) -> None:
    with pytest.raises(TailraceError) as error:
        run(tmp_path / "build", model, first="plan")
    assert str(error.value).replace(str(tmp_path), "") == (
        "/build: the stage import is not done, so plan cannot begin\n  hint: tailrace build MODEL -o /build"
    )


def test_stages_have_an_order(model: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        Build(folder=tmp_path, config=TINY, model=model, first="verify", last="plan")
    assert str(error.value) == (
        "the stage verify comes after plan\n  hint: the order is import, plan, emit, verify, synth, report"
    )
    with pytest.raises(UsageError, match="there is no stage 'route'"):
        Build(folder=tmp_path, config=TINY, model=model, last="route")
    with pytest.raises(UsageError, match="there is no network to import"):
        Build(folder=tmp_path, config=TINY)


def test_options_of_the_folder_hold_for_later_stages(emitted: Path) -> None:
    config = resumed(emitted, "verify", {"seed": 9})
    assert config == replace(TINY, seed=9)


def test_a_resumed_build_imports_nothing_again(
    emitted: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(emitted, model, replace(TINY, backend="rtl"), first="emit", last="verify")
    assert whole is not None

    def refuse(*_: object) -> None:
        raise AssertionError("the network is imported")

    monkeypatch.setattr(frontend, "import_network", refuse)
    again = run(emitted, None, replace(TINY, backend="rtl"), first="verify", last="verify")
    assert again is not None
    assert again.report.verify == whole.report.verify
    assert again.report.verify.software is not None
    assert again.report.verify.software.vectors > 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("encodings.json", "[]"),
        ("encodings.json", '{"x": {"scale": 1.0, "offset": 0.0}}'),
        ("encodings.json", '{"nothing": {"scale": 1.0, "offset": 0.0, "order": null}}'),
        ("encodings.json", '{"y": {"scale": [1.0, 2.0], "offset": 0.0, "order": null}}'),
        ("encodings.json", '{"y": {"scale": 1.0, "offset": 0.0, "order": [0, 0, 1]}}'),
        ("encodings.json", "{"),
    ],
)
def test_encodings_that_tailrace_never_writes_are_refused(
    name: str, text: str, emitted: Path, model: Path
) -> None:
    (emitted / "graph" / name).write_text(text)
    with pytest.raises(TailraceError, match="this was not written by tailrace") as error:
        run(emitted, model, replace(TINY, backend="rtl"), first="verify")
    assert error.value.where == str(emitted / "graph" / name)


def test_a_graph_of_another_network_is_not_compared_with(emitted: Path, model: Path) -> None:
    path = emitted / "graph" / "imported.json"
    path.write_text(re.sub('"sha256":"[0-9a-f]*"', f'"sha256":"{"0" * 64}"', path.read_text()))
    with pytest.raises(TailraceError, match=r"this graph is of another network than plan\.json"):
        run(emitted, model, replace(TINY, backend="rtl"), first="verify")


def test_vectors_are_copied_in_and_found_by_a_later_stage(emitted: Path, model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "mine.npy", np.zeros((5, INPUTS), np.float32))
    config = replace(TINY, vectors=str(tmp_path / "mine.npy"), backend="rtl")
    run(emitted, model, config, last="emit")
    (tmp_path / "mine.npy").unlink()
    later = resumed(emitted, "verify", {})
    design = run(emitted, model, later, first="verify", last="verify")
    assert design is not None
    assert design.report.verify.software is not None
    assert design.report.verify.software.vectors == 5 + 16
    assert design.report.commands[0].endswith("--vectors vectors.npy --random-vectors 8")
    assert 'vectors = "vectors.npy"' in (emitted / "tailrace.toml").read_text()
    # From its own copies and its own tailrace.toml the folder is built again.
    own = make_config(read_config(emitted / "tailrace.toml"))
    run(emitted, emitted / "model.onnx", own, last="import")
    assert (emitted / "vectors.npy").is_file()
    run(emitted, model, TINY, last="import")
    assert not (emitted / "vectors.npy").exists()


def test_a_rate_that_was_insisted_on_ends_the_build(tmp_path: Path, model: Path) -> None:
    config = replace(TINY, layers={"dense_0": {"pe": 1, "simd": 1}})
    with pytest.raises(MappingError) as error:
        run_build(Build(folder=tmp_path / "a", config=config, model=model, insisted=("fps",)))
    assert str(error.value) == (
        "5,000,000 frames/s are asked for, the plan makes 2,083,333: 24 cycles a frame, set by dense_0\n"
        "  hint: leave pe and simd of these layers to tailrace, or ask for less"
    )
    assert error.value.exit_code == 1
    assert done(tmp_path / "a") == ["import"]
    design = run(tmp_path / "a", model, config, last="plan")
    assert design is not None
    assert error.value.message in load_report(tmp_path / "a").notices


@pytest.mark.parametrize(
    ("option", "stage", "said"),
    [
        ({"fps": 1e3}, "plan", "fps cannot change from 5000000.0 to 1000.0 behind the stage plan"),
        (
            {"part": "xczu7ev"},
            "plan",
            'part cannot change from "ecp5-25k" to "xczu7ev" behind the stage plan',
        ),
        ({"input_type": "int8"}, "import", 'input_type cannot change from null to "int8" behind the stage'),
        ({"backend": "hls"}, "emit", 'backend cannot change from "both" to "hls" behind the stage emit'),
    ],
)
def test_a_settled_option_cannot_change_later(
    option: dict[str, Any], stage: str, said: str, emitted: Path
) -> None:
    with pytest.raises(UsageError, match=re.escape(said)) as error:
        resumed(emitted, "verify", option)
    assert error.value.hint == f"run that stage again: --from {stage}"
    assert resumed(emitted, stage, option) != TINY


def test_a_network_that_changed_is_not_taken_for_the_one_imported(emitted: Path, tmp_path: Path) -> None:
    other = write_tiny(tmp_path / "tiny.onnx", seed=2)
    with pytest.raises(ModelError) as error:
        run(emitted, other, first="verify")
    assert str(error.value).replace(str(tmp_path), "") == (
        "/tiny.onnx: the network is not the one that was imported into /build\n"
        "  hint: build again from the start, without --from"
    )
    (emitted / "model.onnx").write_bytes(other.read_bytes())
    with pytest.raises(ModelError, match=r"build/model\.onnx: the network is not the one"):
        run(emitted, None, first="verify")


def test_a_damaged_manifest_is_named(emitted: Path, model: Path, tmp_path: Path) -> None:
    manifest = emitted / "build.json"
    text = manifest.read_text()
    for damaged in (text[:-20], "", "[]", '{"schema": 1}'):
        manifest.write_text(damaged)
        with pytest.raises(TailraceError) as error:
            run(emitted, model)
        said = str(error.value).replace(str(tmp_path), "")
        assert said.startswith("/build/build.json: this ")
        assert said.endswith(
            "hint: delete /build/build.json and everything beside it, or choose another folder with -o"
        )
    manifest.write_text(text.replace('"schema": 1', '"schema": 99'))
    with pytest.raises(TailraceError, match=r"this has the schema 99, and this tailrace \(.*\) knows 1"):
        run(emitted, model)


@pytest.mark.parametrize("name", ["plan.json", "graph"])
def test_a_damaged_value_between_two_stages_is_named(name: str, emitted: Path, model: Path) -> None:
    path = emitted / name
    if path.is_dir():
        path = path / "imported.json"
    path.write_text(path.read_text()[: path.stat().st_size // 2])
    with pytest.raises(TailraceError, match=r"this is not whole JSON\n  hint: build again from the start"):
        run(emitted, model, first="emit" if name == "plan.json" else "plan", last="emit")


# --- folders --------------------------------------------------------------------------------------


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path, model: Path) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "thesis.txt").write_text("precious")
    with pytest.raises(TailraceError) as error:
        run(folder, model)
    assert str(error.value).replace(str(tmp_path), "") == (
        "/papers: the folder holds something else: it is not empty and has no build.json\n"
        "  hint: choose another folder with -o, or empty this one"
    )
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]


def test_a_file_is_no_folder(tmp_path: Path, model: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(TailraceError) as error:
        run(tmp_path / "taken", model)
    assert str(error.value).replace(str(tmp_path), "") == (
        "/taken: this is a file, not a folder\n  hint: choose a folder with -o"
    )
    with pytest.raises(TailraceError, match="the folder cannot be made: Not a directory"):
        run(tmp_path / "taken" / "below", model)


def test_a_folder_that_cannot_be_made_is_named(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, *_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(TailraceError) as error:
        run(tmp_path / "build", model)
    assert str(error.value).replace(str(tmp_path), "") == (
        "/build: the folder cannot be made: Permission denied\n  hint: choose another with -o"
    )


def test_a_full_disk_is_said_and_the_stage_does_not_count(
    emitted: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_text

    def fill(self: Path, text: str, *arguments: Any, **options: Any) -> int:
        if self.suffix == ".v":
            write(self, text[: len(text) // 2], *arguments, **options)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self))
        return write(self, text, *arguments, **options)

    monkeypatch.setattr(Path, "write_text", fill)
    with pytest.raises(TailraceError, match="cannot be written: No space left on device") as error:
        run(emitted, model, first="emit")
    assert error.value.hint == "free some space, or use -o"
    assert done(emitted) == ["import", "plan"]
    assert not (emitted / "rtl").exists()
    assert [path.name for path in emitted.iterdir() if path.name.startswith(".")] == []
    monkeypatch.undo()
    run(emitted, model, first="emit", last="emit")
    assert done(emitted) == ["import", "plan", "emit"]


def test_what_a_killed_build_left_half_written_goes(emitted: Path, model: Path) -> None:
    (emitted / ".writing-abc").mkdir()
    run(emitted, model, last="import")
    assert not (emitted / ".writing-abc").exists()


def test_two_builds_at_once_do_not_share_a_folder(emitted: Path, model: Path, tmp_path: Path) -> None:
    with locked(emitted), pytest.raises(TailraceError) as error:
        run(emitted, model)
    assert str(error.value).replace(str(tmp_path), "") == (
        "/build: another tailrace is at work in this folder\n"
        "  hint: wait until it has ended, or choose another folder with -o"
    )
    run(emitted, model, last="import")


# --- networks and plans that cannot be ------------------------------------------------------------


def test_a_folding_that_does_not_divide_is_refused(tmp_path: Path, model: Path) -> None:
    config = replace(TINY, layers={"dense_0": {"pe": 3}})
    with pytest.raises(MappingError) as error:
        run(tmp_path / "build", model, config)
    assert (
        str(error.value) == f"dense_0: pe=3 does not divide the {HIDDEN} outputs\n  hint: use one of 1, 2, 4"
    )
    assert done(tmp_path / "build") == ["import"]


@pytest.mark.parametrize("table", [{"pe": 1}, {"memory": "block"}])
def test_a_layer_that_is_not_there_is_refused(
    table: dict[str, int | str], tmp_path: Path, model: Path
) -> None:
    with pytest.raises(MappingError, match="there is no layer 'dense_7'") as error:
        run(tmp_path / "build", model, replace(TINY, layers={"dense_7": table}))
    assert error.value.hint == "layers: dense_0, map_0, dense_1"


def test_an_option_that_a_layer_does_not_have_is_refused(tmp_path: Path, model: Path) -> None:
    with pytest.raises(MappingError) as error:
        run(tmp_path / "build", model, replace(TINY, layers={"dense_0": {"requantizer": "table"}}))
    assert str(error.value) == "dense_0: a Dense has no requantizer\n  hint: layers with requantizer: map_0"


def test_a_rate_that_cannot_be_met_names_the_best_one(tmp_path: Path, model: Path) -> None:
    with pytest.raises(MappingError) as error:
        run(tmp_path / "build", model, replace(TINY, fps=60e6))
    assert str(error.value) == (
        "6e+07 frames per second cannot be met at 50 MHz: the best is 5e+07\n"
        "  hint: use --fps 5e+07 or less, or a clock of at least 60 MHz"
    )
    run(tmp_path / "build", model, replace(TINY, fps=50e6), last="plan")


# --- vectors --------------------------------------------------------------------------------------


def test_vectors_of_the_user_are_verified_on(emitted: Path, model: Path, tmp_path: Path) -> None:
    for name, save in (("x.npy", np.save), ("x.npz", lambda path, x: np.savez(path, inputs=x, other=x))):
        save(tmp_path / name, np.linspace(-1, 1, 5 * INPUTS, dtype=np.float32).reshape(5, INPUTS))
        config = replace(TINY, vectors=str(tmp_path / name), backend="rtl")
        design = run(emitted, model, config, last="emit")
        assert design is not None
        kept = Path(name).with_stem("vectors")
        assert read_manifest(emitted)["config"]["vectors"] == str(kept)
        assert (emitted / kept).read_bytes() == (tmp_path / name).read_bytes()


def damaged_vectors(folder: Path) -> dict[str, tuple[Path, str]]:
    """Files of vectors that cannot be used, and what is said of them."""
    good = np.zeros((4, INPUTS), np.float32)
    bad = good.copy()
    bad[2, 1] = np.nan
    np.save(folder / "shape.npy", np.zeros((4, INPUTS + 1), np.float32))
    np.save(folder / "nan.npy", bad)
    np.save(folder / "empty.npy", good[:0])
    np.save(folder / "text.npy", np.array(["a", "b"]))
    np.save(folder / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.savez(folder / "names.npz", a=good, b=good)
    (folder / "junk.npy").write_bytes(b"junk")
    whole = (folder / "nan.npy").read_bytes()
    (folder / "half.npy").write_bytes(whole[: len(whole) // 2])
    (folder / "zip.npz").write_bytes((folder / "names.npz").read_bytes()[:40])
    return {
        "shape.npy": "got an array of shape (4, 7), wanted (n, 6)",
        "nan.npy": "1 of the numbers are NaN or infinite, the first one at [2, 1]",
        "empty.npy": "an array of shape (0, 6) and type float32",
        "text.npy": "an array of shape (2,) and type <U1",
        "objects.npy": "this is no .npy or .npz file of numbers: ",
        "names.npz": "the file holds a, b",
        "junk.npy": "this is no .npy or .npz file of numbers: ",
        "half.npy": "this is no .npy or .npz file of numbers: ",
        "zip.npz": "this is no .npy or .npz file of numbers: ",
        "missing.npy": "there is no such file",
        ".": "this is a folder",
    }


def test_vectors_that_cannot_be_used_are_refused_at_once(tmp_path: Path, model: Path) -> None:
    files = tmp_path / "vectors"
    files.mkdir()
    for name, said in damaged_vectors(files).items():
        config = replace(TINY, vectors=str(files / name))
        with pytest.raises(ModelError) as error:
            run(tmp_path / "build", model, config, last="import")
        assert error.value.message.startswith(said), name
        assert error.value.where == str(files / name)
        assert error.value.hint
        assert done(tmp_path / "build") == []


# --- tools that are missing -----------------------------------------------------------------------


def without(monkeypatch: pytest.MonkeyPatch, *programs: str) -> None:
    """Let the programs be missing."""
    find = requirements.find_executable
    monkeypatch.setattr(
        requirements, "find_executable", lambda name: None if name in programs else find(name)
    )


def test_a_missing_compiler_is_said_before_anything_runs(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, "g++", "perl")
    with pytest.raises(ToolError) as error:
        run(tmp_path / "build", model)
    assert str(error.value) == (
        "not found: g++, perl\n  hint: sudo apt-get install g++; sudo apt-get install perl"
    )
    assert error.value.exit_code == 4
    assert not (tmp_path / "build").exists()
    run(tmp_path / "build", model, last="emit")


def test_missing_extras_are_said_with_the_command_that_adds_them(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object) -> None:
        raise ToolError("missing")

    monkeypatch.setattr(requirements, "ap_types_folder", missing)
    monkeypatch.setattr(requirements, "yosys_command", missing)
    with pytest.raises(ToolError) as error:
        run(tmp_path / "build", model)
    assert str(error.value) == (
        "not found: the ap_types headers of hls4ml, yosys\n"
        "  hint: pip install 'tailrace[hls]'; pip install 'tailrace[synth]'; "
        "--backend rtl does without; --to verify does without"
    )
    run(tmp_path / "build", model, replace(TINY, backend="rtl"), last="emit")


# --- tampering ------------------------------------------------------------------------------------


def tamper(path: Path, line: int) -> None:
    """Change the lowest bit of one value in a memory file or in the rows of a C++ array."""
    lines = path.read_text().splitlines()
    if path.suffix == ".mem":
        lines[line] = f"{int(lines[line], 16) ^ 1:0{len(lines[line])}x}"
    else:
        lines[line] = re.sub(r"-?\d+", lambda number: str(int(number[0]) ^ 1), lines[line], count=1)
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("file", "line", "said"),
    [
        (
            "rtl/dense_0_weights.mem",
            2,
            r"^rtl: dense_0: channel \d of vector \d+ is -?\d+, expected -?\d+ \(",
        ),
        ("rtl/map_0_thresholds.mem", 0, r"^rtl: map_0: "),
        (
            "hls/dense_1_weights.inc",
            1,
            r"^hls: dense_1: channel \d of vector \d+ is -?\d+, expected -?\d+ \(",
        ),
        ("hls/map_0_thresholds.inc", 0, r"^hls: map_0: "),
    ],
)
def test_a_tampered_constant_is_found_and_named(
    file: str, line: int, said: str, emitted: Path, model: Path
) -> None:
    tamper(emitted / file, line)
    backend = file.partition("/")[0]
    with pytest.raises(Mismatch, match=said) as error:
        run(emitted, model, first="verify")
    assert error.value.exit_code == 3
    assert error.value.check == backend
    assert done(emitted) == ["import", "plan", "emit"]
    check = getattr(load_report(emitted).verify, backend)
    assert check.mismatches > 0
    assert check.first_mismatch.layer == error.value.layer


def test_a_tampered_module_is_found_and_named(emitted: Path, model: Path) -> None:
    """A wrong expression in a block, as if the block itself were broken."""
    path = emitted / "rtl" / "tiny_map_0.v"
    text = path.read_text()
    assert ".BASE(0)" in text
    path.write_text(text.replace(".BASE(0)", ".BASE(1)"))
    with pytest.raises(Mismatch, match=r"^rtl: map_0: channel 0 of vector 0 is \d+, expected \d+ \("):
        run(emitted, model, first="verify")


def test_verilog_that_moves_no_word_is_a_failure_of_the_hardware(emitted: Path, model: Path) -> None:
    path = emitted / "rtl" / "tiny_output_skid.v"
    text = path.read_text()
    assert ".m_axis_tvalid(m_axis_tvalid)" in text
    path.write_text(
        text.replace(".m_axis_tvalid(m_axis_tvalid)", ".m_axis_tvalid()").replace(
            "endmodule", "    assign m_axis_tvalid = 1'b0;\nendmodule"
        )
    )
    with pytest.raises(ToolError, match="no word moved") as error:
        run(emitted, model, first="verify")
    assert error.value.exit_code == 3


def test_a_failed_proof_leaves_no_old_success_in_the_report(verified: Path, model: Path) -> None:
    (verified / "hls" / "tiny.cpp").write_text("#error broken\n")
    with pytest.raises(ToolError, match=r"g\+\+ failed"):
        run(verified, model, first="verify")
    report = load_report(verified)
    assert (report.verify.software, report.verify.hls, report.verify.rtl) == (None, None, None)
    assert report.verify.netlist is None
    assert report.synth is None
    assert done(verified) == ["import", "plan", "emit"]


# --- Ctrl-C ---------------------------------------------------------------------------------------


def children(pid: int) -> list[int]:
    """The processes below ``pid``, also those in sessions of their own, without the dead."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state != "Z":
            parents[int(stat.parent.name)] = int(parent)
    found, ring = [], [pid]
    while ring:
        ring = [child for child, parent in parents.items() if parent in ring]
        found += [child for child in ring if not is_watchdog(child)]
    return found


def is_watchdog(pid: int) -> bool:
    """Whether the process only waits for the end of tailrace."""
    try:
        return b"watchdog.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def alive(pid: int) -> bool:
    """Whether the process runs: it is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "kill"])
def test_an_interrupt_ends_the_compilers_and_the_build_goes_on_from_there(
    number: signal.Signals, emitted: Path, model: Path
) -> None:
    program = "import sys; from tailrace.cli.main import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", program, "build", str(model), "-o", str(emitted), "--from", "verify"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    deadline = time.monotonic() + 60
    below: list[int] = []
    while not below and process.poll() is None and time.monotonic() < deadline:
        below = children(process.pid)
        time.sleep(0.01)
    assert below, "the build started no compiler"
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert output == (
        f"tailrace: {emitted}: interrupted in the stage verify, which does not count as done\n"
        f"  hint: go on with: tailrace build {model} -o {emitted} --from verify\n"
    )
    time.sleep(0.2)
    assert [pid for pid in below if alive(pid)] == []
    assert done(emitted) == ["import", "plan", "emit"]
    assert load_report(emitted).verify.rtl is None
    run(emitted, model, first="verify", last="verify")
    assert done(emitted) == ["import", "plan", "emit", "verify"]


def test_a_build_that_is_killed_leaves_no_compiler_and_a_rerun_gives_the_same_bytes(
    emitted: Path, model: Path
) -> None:
    """Killed at three moments while programs run."""
    before = contents(emitted)
    program = "import sys; from tailrace.cli.main import main; sys.exit(main(sys.argv[1:]))"
    for seconds in (0.0, 0.3, 1.0):
        command = [sys.executable, "-c", program, "build", str(model), "-o", str(emitted), "--from", "plan"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 60
        while not children(process.pid) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(seconds)
        below = children(process.pid)
        process.kill()
        process.communicate(timeout=30)
        deadline = time.monotonic() + 20
        while any(alive(pid) for pid in below) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert [pid for pid in below if alive(pid)] == []
    run(emitted, None, first="plan", last="verify")
    assert contents(emitted) == before


def test_an_interrupt_between_two_steps_is_told_like_any_other(
    emitted: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(api.Design, "write_sources", interrupt)
    with pytest.raises(InterruptedBuildError, match="interrupted in the stage emit"):
        run(emitted, model, first="emit")
    assert done(emitted) == ["import", "plan"]


def test_the_toml_of_a_build_says_what_its_manifest_says(emitted: Path) -> None:
    stored = make_config(read_manifest(emitted)["config"])
    assert to_toml(stored) == (emitted / "tailrace.toml").read_text()
