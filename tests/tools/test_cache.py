# SPDX-License-Identifier: Apache-2.0
"""The cache gives back exactly what was stored, or nothing."""

from __future__ import annotations

import concurrent.futures
import fcntl
import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tailrace.tools.cache import cache_folder, content_key, restore, store

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = content_key(["a"])
NAMES = ("netlist.v", "stat.json")
STAT_HASH = hashlib.sha256(b"\x00\xff").hexdigest()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def stored(tmp_path: Path, text: str = "result\n") -> Path:
    source = tmp_path / "source"
    source.mkdir(exist_ok=True)
    (source / "netlist.v").write_text(text)
    (source / "stat.json").write_bytes(b"\x00\xff")
    store("yosys", KEY, source, NAMES)
    return cache_folder() / "yosys" / KEY[:2] / KEY


def restored(tmp_path: Path) -> bool:
    return restore("yosys", KEY, tmp_path / "out", NAMES)


def test_folder_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache_folder() == tmp_path / "cache" / "tailrace"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home" / ".cache" / "tailrace"


def test_what_was_stored_comes_back(tmp_path: Path) -> None:
    stored(tmp_path)
    assert restored(tmp_path)
    assert (tmp_path / "out" / "netlist.v").read_text() == "result\n"
    assert (tmp_path / "out" / "stat.json").read_bytes() == b"\x00\xff"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["netlist.v", "stat.json"]


def test_another_key_or_kind_is_a_miss(tmp_path: Path) -> None:
    stored(tmp_path)
    assert not restore("yosys", content_key(["b"]), tmp_path / "out", NAMES)
    assert not restore("hls", KEY, tmp_path / "out", NAMES)
    assert not (tmp_path / "out").exists()


def cut(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def to_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a-file-changed": ("netlist.v", lambda path: path.write_text("Result\n")),
    "a-file-cut": ("stat.json", cut),
    "a-file-empty": ("stat.json", lambda path: path.write_bytes(b"")),
    "a-file-gone": ("netlist.v", Path.unlink),
    "a-file-is-a-folder": ("netlist.v", to_folder),
    "manifest-cut": ("entry.json", cut),
    "manifest-gone": ("entry.json", Path.unlink),
    "manifest-empty": ("entry.json", lambda path: path.write_text("")),
    "manifest-no-text": ("entry.json", lambda path: path.write_bytes(b"\xff\xfe")),
    "manifest-is-a-folder": ("entry.json", to_folder),
    "manifest-names-nothing": ("entry.json", lambda path: path.write_text("{}")),
    "manifest-is-a-list": ("entry.json", lambda path: path.write_text("[]")),
    "manifest-is-null": ("entry.json", lambda path: path.write_text("null")),
    "manifest-lists-files": (
        "entry.json",
        lambda path: path.write_text(json.dumps({"key": KEY, "files": []})),
    ),
    "manifest-lacks-a-file": (
        "entry.json",
        lambda path: path.write_text(json.dumps({"key": KEY, "files": {"stat.json": STAT_HASH}})),
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_entry_is_dropped_with_a_notice_and_made_again(
    damage: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    entry = stored(tmp_path)
    name, spoil = DAMAGES[damage]
    spoil(entry / name)
    assert not restored(tmp_path)
    assert not (tmp_path / "out").exists()
    assert not entry.exists()
    (notice,) = caplog.messages
    assert notice.startswith(f"the cache entry {entry} is damaged (")
    assert notice.endswith("); it is removed and made again")
    stored(tmp_path, "anew\n")
    assert restored(tmp_path)
    assert (tmp_path / "out" / "netlist.v").read_text() == "anew\n"


def test_two_entries_that_were_swapped_are_both_dropped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    entry, other_key = stored(tmp_path), content_key(["b"])
    store("yosys", other_key, tmp_path / "source", NAMES)
    other = cache_folder() / "yosys" / other_key[:2] / other_key
    entry.rename(tmp_path / "aside")
    other.rename(entry)
    (tmp_path / "aside").rename(other)
    assert not restored(tmp_path)
    assert not restore("yosys", other_key, tmp_path / "out", NAMES)
    assert [message.count("(it is another entry)") for message in caplog.messages] == [1, 1]


def test_an_entry_that_is_a_file_is_dropped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    entry = stored(tmp_path)
    shutil.rmtree(entry)
    entry.write_text("")
    assert not restored(tmp_path)
    assert "is damaged" in caplog.text
    stored(tmp_path)
    assert restored(tmp_path)


def test_a_damaged_entry_is_replaced_also_by_a_build_that_never_looked(tmp_path: Path) -> None:
    (stored(tmp_path) / "netlist.v").write_text("changed")
    stored(tmp_path, "anew\n")
    assert restored(tmp_path)
    assert (tmp_path / "out" / "netlist.v").read_text() == "anew\n"


def test_a_miss_says_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert not restored(tmp_path)
    assert not caplog.messages


def test_what_a_killed_build_left_is_removed_by_the_next_one(tmp_path: Path) -> None:
    left = cache_folder() / "building" / "left"
    left.mkdir(parents=True)
    (left / "netlist.v").write_text("half")
    live = left.with_name("live")
    live.mkdir()
    handle = os.open(live, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)  # as a build does that is at work
        stored(tmp_path)
        assert [path.name for path in left.parent.iterdir()] == ["live"]
    finally:
        os.close(handle)
    store("yosys", content_key(["b"]), tmp_path / "source", NAMES)
    assert not list(left.parent.iterdir())


def test_builds_at_the_same_time_leave_one_sound_entry(tmp_path: Path) -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: stored(tmp_path), range(40)))
    assert restored(tmp_path)
    entry = cache_folder() / "yosys" / KEY[:2]
    assert [path.name for path in entry.iterdir()] == [KEY]  # no half-built folder is left


def test_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (cache_folder() / "yosys").write_text("a file where a folder should be")
    stored(tmp_path)
    assert not restored(tmp_path)


def test_key_depends_on_every_part_and_on_their_borders() -> None:
    parts = (["ab", "c"], ["a", "bc"], ["abc"], ["ab", "c", ""], [b"ab", b"d"])
    assert len({content_key(each) for each in parts}) == len(parts)
    assert content_key(["ab", "c"]) == content_key([b"ab", b"c"])
