# SPDX-License-Identifier: Apache-2.0
"""The vendors' tools: started on the scripts in ``vendor/``, here or behind a prefix, and what they left behind."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tailrace.core.errors import ToolError, UsageError, VendorReportError
from tailrace.emission.vendor import FLOWS
from tailrace.report.parsers.reader import read_reports
from tailrace.report.vendor import states_cells
from tailrace.tools.process import HOW_TO_GET, find_executable, run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tailrace.report.parsers.record import Record

VENDOR_SECONDS = 7 * 24 * 3600.0
"""Time limit of one run: a job may wait in a scheduler's queue for days."""

NAMES = {"vitis": ("vitis_hls", "vivado_hls")}
"""What the records of a flow's tool are called, where that is not its own name."""

DIR, COMMAND = "{dir}", "{command}"

LOG = "tailrace.log"
"""What the tool printed, beside its script."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """How a tool is started: words in front of its command, and the program itself where it is not the usual one.

    In ``prefix`` the word {dir} stands for the folder of the script and {command} for the command, which else comes
    last. A prefix that begins with ssh starts elsewhere, and changes to the folder first.
    """

    prefix: str | None = None
    program: str | None = None


def command_line(tool: str, folder: Path, behind: Behind) -> list[str]:
    """Return the words that run the script of ``tool`` in ``folder``.

    Raises:
        ToolError: without a prefix, where no program of the tool is there; the hint has the ways out.
        UsageError: a prefix or program with a quote that does not end.

    """
    own = _own_command(tool, folder, behind)
    prefix = _words("prefix", behind.prefix)
    if not prefix:
        return own
    place = str(folder.resolve())
    line = shlex.join(own)
    if Path(prefix[0]).name == "ssh" and not any(COMMAND in word for word in prefix):
        return [*(word.replace(DIR, place) for word in prefix), f"cd {shlex.quote(place)} && {line}"]
    filled = [word.replace(DIR, place).replace(COMMAND, line) for word in prefix]
    return filled if any(COMMAND in word for word in prefix) else [*filled, *own]


def _own_command(tool: str, folder: Path, behind: Behind) -> list[str]:
    flow = FLOWS[tool]
    program = _words(tool, behind.program)
    if program:
        name = Path(program[-1]).name
        arguments = next((c[1:] for c in flow.commands if c[0] == name), flow.commands[0][1:])
        if behind.prefix or find_executable(program[0]):
            return [*program, *arguments]
        raise _missing(tool, folder, program[0])
    if behind.prefix:
        return list(flow.commands[0])
    for command in flow.commands:
        if find_executable(command[0]):
            return list(command)
    raise _missing(tool, folder, " or ".join(command[0] for command in flow.commands))


def _words(name: str, text: str | None) -> list[str]:
    try:
        return shlex.split(text or "")
    except ValueError as error:
        raise UsageError(f"{name} is {text!r}: {str(error).lower()}", hint="end what is quoted") from None


def _missing(tool: str, folder: Path, programs: str) -> ToolError:
    command = FLOWS[tool].commands[0]
    by_hand = f"cd {shlex.quote(str(folder))} && {shlex.join(command)}"
    build = shlex.quote(str(folder.parents[1]))
    return ToolError(
        f"{programs} was not found (looked on PATH), so nothing ran; the scripts are written: {folder}",
        where=tool,
        hint=f"{HOW_TO_GET[command[0]]}; or start it elsewhere with --prefix 'ssh host'; "
        f"or run it yourself: {by_hand}, and then: tailrace synth {build} --tool {tool} --only reports",
    )


def run_tool(folder: Path, command: Sequence[str], *, follow: Callable[[str], None] | None = None) -> None:
    """Run ``command`` in ``folder``; ``follow`` hears every line it prints, the file :data:`LOG` keeps them.

    Raises:
        ToolError: the program is missing or failed; the message quotes the end of the log.

    """
    run(command, cwd=folder, log=folder / LOG, timeout_seconds=VENDOR_SECONDS, follow=follow)


def read_run(tool: str, folder: Path) -> list[Record]:
    """Return the records of all reports that a run of ``tool`` left in ``folder``, those in ``reports/`` first.

    Raises:
        ToolError: there is none that states cells, or one is cut off: the run is not whole.

    """
    names = NAMES.get(tool, (tool,))
    for place in (folder / "reports", folder):
        records = [record for record in _read(tool, place) if record.tool in names]
        if states_cells(records, tool):
            return records
    raise ToolError(
        f"no report with the cells of the design is in {folder}, so the run is not whole",
        where=tool,
        hint=f"see {folder / LOG}; tailrace synth {folder.parents[1]} --tool {tool} runs it",
    )


def _read(tool: str, place: Path) -> tuple[Record, ...]:
    if not place.is_dir():
        return ()
    try:
        return read_reports(place)
    except VendorReportError as error:
        if error.message.startswith("no file in this folder"):
            return ()
        raise ToolError(
            f"a report is not whole: {error.message}", where=f"{tool}: {error.where}", hint=error.hint
        ) from None
