# SPDX-License-Identifier: Apache-2.0
"""The cache gives back exactly what was stored, or nothing."""

from __future__ import annotations

import concurrent.futures
from typing import TYPE_CHECKING

import pytest
from tailrace.tools.cache import cache_folder, content_key, restore, store

if TYPE_CHECKING:
    from pathlib import Path

KEY = content_key(["a"])


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def stored(tmp_path: Path, text: str = "result\n") -> Path:
    source = tmp_path / "source"
    source.mkdir(exist_ok=True)
    (source / "netlist.v").write_text(text)
    (source / "stat.json").write_bytes(b"\x00\xff")
    store("yosys", KEY, source, ["netlist.v", "stat.json"])
    return cache_folder() / "yosys" / KEY[:2] / KEY


def test_folder_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder() == tmp_path / "cache" / "tailrace"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home" / ".cache" / "tailrace"


def test_what_was_stored_comes_back(tmp_path: Path) -> None:
    stored(tmp_path)
    assert restore("yosys", KEY, tmp_path / "out")
    assert (tmp_path / "out" / "netlist.v").read_text() == "result\n"
    assert (tmp_path / "out" / "stat.json").read_bytes() == b"\x00\xff"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["netlist.v", "stat.json"]


def test_another_key_or_kind_is_a_miss(tmp_path: Path) -> None:
    stored(tmp_path)
    assert not restore("yosys", content_key(["b"]), tmp_path / "out")
    assert not restore("hls", KEY, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("damage", ["changed", "cut", "gone", "manifest", "no manifest"])
def test_damaged_entry_is_a_miss_and_is_replaced(damage: str, tmp_path: Path) -> None:
    entry = stored(tmp_path)
    match damage:
        case "changed":
            (entry / "netlist.v").write_text("Result\n")
        case "cut":
            (entry / "stat.json").write_bytes(b"\x00")
        case "gone":
            (entry / "netlist.v").unlink()
        case "manifest":
            (entry / "manifest.json").write_text('{"netlist.v": ')
        case "no manifest":
            (entry / "manifest.json").unlink()
    assert not restore("yosys", KEY, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    stored(tmp_path, "anew\n")
    assert restore("yosys", KEY, tmp_path / "out")
    assert (tmp_path / "out" / "netlist.v").read_text() == "anew\n"


def test_builds_at_the_same_time_leave_one_sound_entry(tmp_path: Path) -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: stored(tmp_path), range(40)))
    assert restore("yosys", KEY, tmp_path / "out")
    entry = cache_folder() / "yosys" / KEY[:2]
    assert [path.name for path in entry.iterdir()] == [KEY]  # no half-built folder is left


def test_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (cache_folder() / "yosys").write_text("a file where a folder should be")
    stored(tmp_path)
    assert not restore("yosys", KEY, tmp_path / "out")


def test_key_depends_on_every_part_and_on_their_borders() -> None:
    parts = (["ab", "c"], ["a", "bc"], ["abc"], ["ab", "c", ""], [b"ab", b"d"])
    assert len({content_key(each) for each in parts}) == len(parts)
    assert content_key(["ab", "c"]) == content_key([b"ab", b"c"])
