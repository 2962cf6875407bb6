# SPDX-License-Identifier: Apache-2.0
"""A small process that ends what a killed tailrace leaves running (Linux).

tailrace marks the environment of every program that it starts, and what these start inherits the mark: a compiler that
``make`` started in a session of its own has it too. The watchdog waits for the end of a pipe that only tailrace holds
open. The kernel closes it also where tailrace had no chance to (SIGKILL, out of memory); then every process with the
mark is killed.

This file is also the program, run by itself without the package: ``python -I -S watchdog.py MARK``.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import sys
import threading
import time
from pathlib import Path

VARIABLE = "TAILRACE_OWNER"
"""The variable whose value is the mark."""

PROCESSES = Path("/proc")
ROUNDS, PAUSE_SECONDS = 50, 0.02
"""How often the marked processes are looked for, since one that is killed may just have started another."""


class Watchdog:
    """The watchdog of this process; it is started with the first program."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.mark = ""

    def environment(self) -> dict[str, str]:
        """Return what marks the environment of a program as ours; nothing where there can be no watchdog."""
        with self.lock:
            if not self.mark and (PROCESSES / "self" / "environ").exists():
                self.mark = f"{os.getpid()}-{secrets.token_hex(8)}"
                _start(self.mark)
        return {VARIABLE: self.mark} if self.mark else {}


WATCHDOG = Watchdog()


def _start(mark: str) -> None:
    """Start the program below with a pipe for its standard input, whose other end stays open as long as we live."""
    reading, _ours = os.pipe()
    ends = [(os.POSIX_SPAWN_DUP2, reading, 0)]
    ends += [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]  # type: ignore[misc]
    with contextlib.suppress(
        OSError
    ):  # without it a build is as good, and only leaves more behind when killed
        os.posix_spawn(
            sys.executable,
            [sys.executable, "-I", "-S", __file__, mark],
            os.environ,
            file_actions=ends,
            setsid=True,
        )
    os.close(reading)


def marked(mark: str) -> list[int]:
    """Return the processes whose environment has the mark, but for this one."""
    found = []
    wanted = f"{VARIABLE}={mark}".encode()
    for folder in PROCESSES.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # of another user, or ended meanwhile
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return [pid for pid in found if pid != os.getpid()]


def kill_marked(mark: str) -> None:
    """Kill the marked processes until there are none."""
    for _ in range(ROUNDS):
        found = marked(mark)
        if not found:
            return
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    while os.read(0, 1024):
        pass
    kill_marked(sys.argv[1])
