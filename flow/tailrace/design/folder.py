# SPDX-License-Identifier: Apache-2.0
"""A build folder on disk: whose it is, who is at work in it, and how files get into it and out of it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tailrace.core.errors import ModelError, TailraceError
from tailrace.design.manifest import read_manifest
from tailrace.design.stages import products_from

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ONNX = "model.onnx"
TFLITE = "model.tflite"
MODELS = (ONNX, TFLITE)
"""What the folder's copy of the network may be called, by its kind."""

WRITING = ".writing-"
"""What the folders are called in which files are put together."""


def claim(folder: Path) -> None:
    """Make the folder, or make sure that it is a build folder."""
    if folder.exists() and not folder.is_dir():
        raise TailraceError("this is a file, not a folder", where=str(folder), hint="choose a folder with -o")
    try:
        foreign = folder.is_dir() and any(folder.iterdir()) and not read_manifest(folder)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TailraceError(
            f"the folder cannot be made: {error.strerror}", where=str(folder), hint="choose another with -o"
        ) from None
    if foreign:
        raise TailraceError(
            "the folder holds something else: it is not empty and has no build.json",
            where=str(folder),
            hint="choose another folder with -o, or empty this one",
        )


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep others out of a build folder; TailraceError where another one is in it. Ends with the process."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TailraceError(
                "another tailrace is at work in this folder",
                where=str(folder),
                hint="wait until it has ended, or choose another folder with -o",
            ) from None
        yield
    finally:
        os.close(handle)


def sweep(folder: Path) -> None:
    """Remove what a build that was killed left half written; the folder is locked."""
    for rest in folder.glob(f"{WRITING}*"):
        shutil.rmtree(rest, ignore_errors=True)


def clear(folder: Path, stage: str) -> None:
    """Remove what ``stage`` and the later ones left here earlier."""
    for name in products_from(stage):
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def own(folder: Path, name: str) -> Path:
    """Return the path of a file of the build folder itself; ModelError where it is missing, or leads elsewhere."""
    path = folder / name
    if path.is_symlink() or not path.resolve().is_relative_to(folder.resolve()):
        raise ModelError(
            "this leads out of the build folder",
            where=str(path),
            hint="put the file itself there, or build again from the start",
        )
    if not path.is_file():
        raise ModelError(
            "there is no such file", where=str(path), hint="build again from the start, without --from"
        )
    return path


def model_in(folder: Path) -> str | None:
    """Return what the folder's copy of the network is called; None where there is none."""
    return next((name for name in MODELS if (folder / name).is_file()), None)


def own_model(folder: Path) -> Path:
    """Return the path of the folder's copy of the network; ModelError as :func:`own`."""
    return own(folder, model_in(folder) or ONNX)


def sha256(path: Path) -> str:
    """Return the hash of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def require_model(folder: Path, model: Path | None) -> None:
    """Raise ModelError where the folder's network, or ``model``, is not the one that was imported into it."""
    wanted = read_manifest(folder)["model"].get("sha256")
    for path in dict.fromkeys(p for p in (own_model(folder), model) if p):
        if not path.is_file():
            raise ModelError(
                "there is no such file", where=str(path), hint="build again from the start, without --from"
            )
        if sha256(path) != wanted:
            raise ModelError(
                f"the network is not the one that was imported into {folder}",
                where=str(path),
                hint="build again from the start, without --from",
            )


def copy_in(source: Path, folder: Path, name: str) -> None:
    """Copy a file into the build folder as ``name``, whole or not at all; it may be that file already."""
    target = folder / name
    if source.resolve() == target.resolve():
        return
    temporary = folder / f".{name}"
    shutil.copyfile(source, temporary)
    temporary.replace(target)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file of a build folder whole or not at all."""
    temporary = path.with_name(f".{path.name}")
    temporary.write_bytes(content)
    temporary.replace(path)


def write_files(folder: Path, files: Mapping[str, str], *, beside: tuple[str, ...] = ()) -> None:
    """Write {path: text} below ``folder``: each top-level folder is replaced whole, each file atomically.

    Of the folders ``beside``, only the files named are replaced, the others stay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=WRITING, dir=folder))
    try:
        for name, text in files.items():
            path = staging / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        for item in sorted(staging.iterdir()):
            target = folder / item.name
            if item.name in beside:
                target.mkdir(exist_ok=True)
                for file in sorted(item.iterdir()):
                    file.replace(target / file.name)
                continue
            if target.is_symlink():
                target.unlink()
            elif target.is_dir():
                shutil.rmtree(target)
            item.replace(target)
    except OSError as error:
        raise TailraceError(
            f"cannot be written: {error.strerror}",
            where=str(error.filename or folder),
            hint="free some space, or use -o",
        ) from None
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def relative(file: str, folder: Path) -> str:
    """Return the path of a file in a build folder, seen from there."""
    path = Path(file)
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else file
