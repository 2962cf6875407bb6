# SPDX-License-Identifier: Apache-2.0
"""What a list of files and folders holds: builds of tailrace, and reports of other tools."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.core.errors import TailraceError
from tailrace.report.parsers.open_tools import own
from tailrace.report.parsers.reader import files_below, read_file, read_reports
from tailrace.report.schema import FILE_NAME, Report, load_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tailrace.report.parsers.record import Record

MARKS = ("build.json", "plan.json")
"""What a build folder has from its first stages on, also without a report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """A build of tailrace: its report, what to call it beside others, and where it was found."""

    name: str
    report: Report
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What was found, in order, and in ``notices`` what was left out, and why."""

    found: tuple[Build | Record, ...]
    notices: tuple[str, ...] = ()

    @property
    def builds(self) -> list[Build]:
        """The builds of tailrace alone."""
        return [item for item in self.found if isinstance(item, Build)]

    @property
    def only_builds(self) -> bool:
        """Whether there is nothing but builds of tailrace."""
        return len(self.builds) == len(self.found)

    def reports(self) -> list[Report]:
        """Return the reports of the builds."""
        return [build.report for build in self.builds]

    def names(self) -> list[str] | None:
        """Return the folders' names where these tell builds of one network apart; else None."""
        names = [build.name for build in self.builds]
        models = {build.report.model.name for build in self.builds}
        return names if len(models) < len(names) == len(set(names)) else None

    def records(self) -> list[Record]:
        """Return everything as records of one kind."""
        return [own(item.report, str(item.path)) if isinstance(item, Build) else item for item in self.found]


def gather(paths: Sequence[Path]) -> Gathered:
    """Return what ``paths`` hold: builds, reports of other tools, and folders with such.

    A build without a report is left out with a notice. Raises ReportError and VendorReportError for what cannot be
    read, and TailraceError where nothing is left.
    """
    found: list[Build | Record] = []
    notices: list[str] = []
    for path in paths:
        if not path.is_dir() or is_build(path):
            found += _builds(path, "", notices) if is_own(path) or is_build(path) else read_reports(path)
            continue
        inside = list(builds_below(path))
        for folder in inside:
            found += _builds(folder, str(folder.relative_to(path)), notices)
        if inside:
            rest = (
                file for file in files_below(path) if not any(folder in file.parents for folder in inside)
            )
            found += [record for file in rest for record in read_file(file, strict=False)]
        else:
            found += read_reports(path)
    if not found:
        raise TailraceError(
            "no build here has a report yet", where=str(paths[0]), hint="run `tailrace build` first"
        )
    return Gathered(found=tuple(found), notices=tuple(notices))


def _builds(path: Path, name: str, notices: list[str]) -> list[Build]:
    """Read the reports in a file or build folder; puts a notice where there is none yet."""
    if path.is_dir() and not (path / FILE_NAME).exists():
        notices.append(f"{path}: this build has no report yet and is left out")
        return []
    place = path.resolve()
    name = name or (place.parent.name if place.name == FILE_NAME else place.name)
    return [Build(name=name, report=report, path=path) for report in load_all(path)]


def is_build(folder: Path) -> bool:
    """Whether a folder is one of a build, whether or not that has come to a report."""
    return folder.is_dir() and (is_own(folder) or any((folder / name).is_file() for name in MARKS))


def builds_below(folder: Path) -> Iterator[Path]:
    """Yield the build folders below ``folder`` by name; a build is not looked into, nor is a hidden folder."""
    for path in sorted(folder.iterdir()):
        if not path.is_dir() or path.name.startswith("."):
            continue
        if is_build(path):
            yield path
        elif not path.is_symlink():
            yield from builds_below(path)


def is_own(path: Path) -> bool:
    """Whether ``path`` is a report of tailrace or a folder with one, or nothing at all, which is its error to tell."""
    file = path / FILE_NAME if path.is_dir() else path
    try:
        value = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return not path.exists()
    first = value[0] if isinstance(value, list) and value else value
    return isinstance(first, dict) and bool({"schema", "tailrace"} & first.keys())
