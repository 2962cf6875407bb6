# SPDX-License-Identifier: Apache-2.0
"""Write a design as a package: IP-XACT, FuseSoC, a file list, an archive, a LibreLane configuration."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tailrace.core.errors import TailraceError, UsageError
from tailrace.packaging.archive import archive_files, pack_archive
from tailrace.packaging.core import read_core
from tailrace.packaging.filelist import filelist_files
from tailrace.packaging.fusesoc import fusesoc_files
from tailrace.packaging.ipxact import ipxact_files
from tailrace.packaging.librelane import librelane_files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.packaging.core import Core, Vlnv
    from tailrace.planning.plan import Plan
    from tailrace.report.schema import Report

KINDS = ("ipxact", "core", "f", "tar", "librelane")
"""What a design can be exported as."""

FOLDER = "export"
"""Where packages go in a build folder, unless another place is named."""


def export(
    plan: Plan,
    folder: Path,
    report: Report,
    *,
    kind: str,
    output: Path | None = None,
    vlnv: Vlnv | None = None,
) -> Path:
    """Write the design in the build folder ``folder`` as a package and return where it is.

    ``output`` is a folder (``tar``: a file); without it the package goes into ``folder / "export"``. A folder that
    an earlier export wrote is replaced. Raises UsageError for another kind, TailraceError where the design is not
    whole or ``output`` holds something else.
    """
    if kind not in KINDS:
        raise UsageError(f"there is no package {kind!r}", hint=f"use one of {', '.join(KINDS)}")
    core = read_core(plan, folder, vlnv)
    if kind == "tar":
        target = output or folder / FOLDER / f"{core.vlnv.name}.tar.gz"
        if target.is_dir():
            raise TailraceError(
                "this is a folder",
                where=str(target),
                hint="name a file for the archive, such as design.tar.gz",
            )
        files = archive_files(core, _cocotb_bench(core, folder), _reports(report))
        _write_file(target, pack_archive(files, core.vlnv.name))
        return target
    target = output or folder / FOLDER / kind
    _write_folder(target, _files(kind, core, plan), marker(kind, core))
    return target


def marker(kind: str, core: Core) -> str:
    """Return the name of the file by which the folder of a package is known."""
    return {"ipxact": "component.xml", "librelane": "config.json"}.get(kind, f"{core.vlnv.name}.{kind}")


def _files(kind: str, core: Core, plan: Plan) -> dict[str, str]:
    if kind == "librelane":
        return librelane_files(core, plan)
    make = {"ipxact": ipxact_files, "core": fusesoc_files, "f": filelist_files}[kind]
    return make(core)


def _cocotb_bench(core: Core, folder: Path) -> str:
    return (folder / "sim" / f"test_{core.top}.py").read_text(encoding="utf-8")


def _reports(report: Report) -> dict[str, str]:
    """Return the report's files without seconds, which would make every archive another one."""
    with tempfile.TemporaryDirectory() as name:
        files = [Path(name) / f"report.{suffix}" for suffix in ("json", "md", "html")]
        for file in files:
            replace(report, seconds={}).write(file)
        return {file.name: file.read_text(encoding="utf-8") for file in files}


def _write_file(target: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}")
        temporary.write_bytes(content)
        temporary.replace(target)
    except OSError as error:
        raise TailraceError(
            f"cannot be written: {error.strerror}", where=str(target), hint="check space and permissions"
        ) from None


def _write_folder(target: Path, files: Mapping[str, str], known_by: str) -> None:
    """Write a folder whole or not at all; what an earlier export left there goes."""
    if target.exists() and not target.is_dir():
        raise TailraceError("this is a file, not a folder", where=str(target), hint="choose a folder with -o")
    if target.is_dir() and any(target.iterdir()) and not (target / known_by).is_file():
        raise TailraceError(
            f"the folder holds something else: it is not empty and has no {known_by}",
            where=str(target),
            hint="choose another folder with -o, or empty this one",
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".export-", dir=target.parent))
        try:
            for name, text in files.items():
                path = staging / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            if target.is_dir():
                shutil.rmtree(target)
            staging.chmod(0o755)  # mkdtemp keeps others out
            staging.replace(target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise TailraceError(
            f"cannot be written: {error.strerror}", where=str(target), hint="check space and permissions"
        ) from None
