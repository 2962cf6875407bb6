# SPDX-License-Identifier: Apache-2.0
"""Results that depend on nothing but their inputs are kept, by a hash of these inputs.

An entry is a folder of files with a manifest of their hashes. Entries appear by renaming a finished folder,
so that builds at the same time do no harm, and an entry whose files do not have their hashes counts as
missing.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LOG = logging.getLogger(__name__)

MANIFEST = "manifest.json"


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


def restore(kind: str, key: str, folder: Path) -> bool:
    """Copy the files of an entry into ``folder``; False, and nothing copied, if there is no sound entry."""
    entry = _entry(kind, key)
    try:
        expected = json.loads((entry / MANIFEST).read_text())
        contents = {str(name): (entry / name).read_bytes() for name in expected}
    except (OSError, ValueError, TypeError):
        return False
    if any(hashlib.sha256(contents[name]).hexdigest() != expected[name] for name in contents):
        LOG.warning("cache entry %s is damaged and is not used", entry)
        return False
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    return True


def store(kind: str, key: str, folder: Path, names: Sequence[str]) -> None:
    """Keep the files ``names`` of ``folder`` as an entry; a damaged one of the same key is replaced.

    A cache that cannot be written (no space, no permission) is no error: the result is just not kept.
    """
    entry = _entry(kind, key)
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=".building-", dir=entry.parent))
    except OSError as error:
        LOG.warning("the cache folder cannot be written: %s", error)
        return
    try:
        manifest = {}
        for name in names:
            shutil.copyfile(folder / name, building / name)
            manifest[name] = hashlib.sha256((building / name).read_bytes()).hexdigest()
        (building / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
        shutil.rmtree(entry, ignore_errors=True)
        building.rename(entry)
    except OSError as error:  # another build was faster, or there is no space
        LOG.debug("not kept in the cache: %s", error)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _entry(kind: str, key: str) -> Path:
    return cache_folder() / kind / key[:2] / key
