# SPDX-License-Identifier: Apache-2.0
"""Results that depend on nothing but their inputs are kept, by a hash of these inputs.

An entry is a folder of files with a manifest: the key of the entry and the hash of every file. Entries appear by
renaming a finished folder, so that builds at the same time do no harm. An entry is checked when it is taken out: one
that is not what was put in is removed, which is said, and counts as missing, so that the result is made again.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

LOG = logging.getLogger(__name__)

MANIFEST = "entry.json"

OLD_MANIFEST = "manifest.json"
"""What marks an entry of an earlier tailrace, which does not name its key: it is replaced without a word."""

BUILDING = "building"
"""The folder, beside those of the kinds, in which entries are put together."""


def cache_folder() -> Path:
    """Return ``$XDG_CACHE_HOME/tailrace``, or ``~/.cache/tailrace`` where that is not set."""
    base = os.environ.get("XDG_CACHE_HOME")
    folder = (Path(base) if base else Path.home() / ".cache") / "tailrace"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def content_key(parts: Iterable[str | bytes]) -> str:
    """Return a hash of the parts and of where each one ends."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(f"{len(data)}:".encode())
        digest.update(data)
    return digest.hexdigest()[:40]


def find(kind: str, key: str, names: Sequence[str]) -> Path | None:
    """Return the folder of the entry with the files ``names``, None if there is no sound one.

    A damaged entry is removed, with a warning.
    """
    entry = _entry(kind, key)
    if not entry.exists() or (entry / OLD_MANIFEST).is_file():
        return None
    fault = _fault(entry, key, names)
    if fault is None:
        return entry
    LOG.warning("the cache entry %s is damaged (%s); it is removed and made again", entry, fault)
    _remove(entry)
    return None


def restore(kind: str, key: str, folder: Path, names: Sequence[str]) -> bool:
    """Copy the files ``names`` of an entry into ``folder``; False, and nothing copied, if there is no sound entry."""
    entry = find(kind, key, names)
    if entry is None:
        return False
    try:
        contents = {name: (entry / name).read_bytes() for name in names}
    except OSError:  # another build found it damaged just now
        return False
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    return True


def store(kind: str, key: str, folder: Path, names: Sequence[str]) -> None:
    """Keep the files ``names`` of ``folder`` as an entry; a sound one of the same key stays as it is.

    A cache that cannot be written (no space, no permission) is no error: the result is just not kept.
    """
    entry = _entry(kind, key)
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        with _building() as building:
            files = {}
            for name in names:
                shutil.copyfile(folder / name, building / name)
                files[name] = _hash(building / name)
            manifest = {"key": key, "files": files}
            (building / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
            if entry.exists():
                if _fault(entry, key, names) is None:
                    return
                _remove(entry)
            building.rename(entry)
    except OSError as error:
        if not entry.is_dir():  # else another build was faster
            LOG.warning("nothing is kept in the cache: %s", error)


def _entry(kind: str, key: str) -> Path:
    return cache_folder() / kind / key[:2] / key


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _fault(entry: Path, key: str, names: Sequence[str]) -> str | None:
    """Return what is wrong with an entry, None if it has the files ``names`` as they were put in."""
    try:
        manifest = json.loads((entry / MANIFEST).read_text(encoding="utf-8"))
    except OSError:
        return f"there is no {MANIFEST} to read"
    except ValueError:
        return f"{MANIFEST} is not JSON"
    files = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(files, dict):
        return f"{MANIFEST} names no files"
    if manifest.get("key") != key:
        return "it is another entry"
    for name in names:
        try:
            if _hash(entry / name) != files.get(name):
                return f"{name} is not what was put in"
        except OSError:
            return f"{name} cannot be read"
    return None


def _remove(path: Path) -> None:
    """Remove a folder or a file, if it is still there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _building() -> Iterator[Path]:
    """Give an empty folder in the cache; those that a killed build left behind are removed first.

    The folder is locked while its build lives, and the one above while folders are made or removed in it.
    """
    parent = cache_folder() / BUILDING
    parent.mkdir(exist_ok=True)
    with _locked(parent):
        _sweep(parent)
        building = Path(tempfile.mkdtemp(dir=parent))
        handle = os.open(building, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        yield building
    finally:
        shutil.rmtree(building, ignore_errors=True)
        os.close(handle)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _sweep(parent: Path) -> None:
    """Remove the folders that nobody has locked."""
    for folder in parent.iterdir():
        try:
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(handle)
