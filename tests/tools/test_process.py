# SPDX-License-Identifier: Apache-2.0
"""Other programs: what is logged, how they end, and what the user reads."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tailrace.core.errors import ToolError
from tailrace.tools.process import capture, find_executable, first_line, run
from tailrace.tools.watchdog import VARIABLE, kill_marked, marked

if TYPE_CHECKING:
    from collections.abc import Callable

PYTHON = sys.executable


def is_running(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return False
    return "State:\tZ" not in status.read_text()


def test_log_has_the_command_and_both_streams(tmp_path: Path) -> None:
    code = "import sys; print('out', flush=True); print('err', file=sys.stderr)"
    run([PYTHON, "-c", code], cwd=tmp_path, log=tmp_path / "logs" / "a.log", timeout_seconds=20)
    lines = (tmp_path / "logs" / "a.log").read_text().splitlines()
    assert lines[0].startswith(f"$ {PYTHON} -c")
    assert lines[1:] == ["out", "err"]


def test_runs_in_the_folder_with_the_environment(tmp_path: Path) -> None:
    code = "import os; print(os.getcwd(), os.environ['TAILRACE_TEST'], 'PATH' in os.environ)"
    said = capture([PYTHON, "-c", code], cwd=tmp_path, environment={"TAILRACE_TEST": "x"})
    assert f"{tmp_path} x True\n" == said


def test_failure_quotes_the_last_20_lines_and_the_log(tmp_path: Path) -> None:
    log = tmp_path / "fail.log"
    with pytest.raises(ToolError) as caught:
        run(
            [PYTHON, "-c", "for i in range(50): print('line', i)\nraise SystemExit(7)"],
            cwd=tmp_path,
            log=log,
            timeout_seconds=20,
        )
    name = Path(PYTHON).name
    expected = "\n".join(
        [
            f"{name}: {name} failed with exit code 7",
            *(f"  line {i}" for i in range(30, 50)),
            f"  hint: see {log}",
        ]
    )
    assert expected == str(caught.value)
    assert caught.value.exit_code == 4


def test_silent_failure_says_so(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"exit code 1\n  \(it printed nothing\)"):
        run([PYTHON, "-c", "raise SystemExit(1)"], cwd=tmp_path, log=tmp_path / "a.log", timeout_seconds=20)


def test_death_by_signal_is_named(tmp_path: Path) -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    with pytest.raises(ToolError, match=r"was ended by SIGKILL \(out of memory\?\)"):
        run([PYTHON, "-c", code], cwd=tmp_path, log=tmp_path / "a.log", timeout_seconds=20)


def test_timeout_ends_the_whole_group(tmp_path: Path) -> None:
    child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    code = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)"
    )
    log = tmp_path / "a.log"
    start = time.monotonic()
    with pytest.raises(ToolError, match=r"did not end within 1\.5 s and was stopped"):
        run([PYTHON, "-c", code], cwd=tmp_path, log=log, timeout_seconds=1.5)
    assert time.monotonic() - start < 10
    grandchild = int(log.read_text().splitlines()[1])
    time.sleep(0.2)
    assert not is_running(grandchild)


def test_keyboard_interrupt_ends_the_whole_group(tmp_path: Path) -> None:
    """A process that runs a tool gets Ctrl-C: the tool, which is in a group of its own, must not live on."""
    log = tmp_path / "a.log"
    inner = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    outer = (
        "from pathlib import Path; from tailrace.tools.process import run; import signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background job ignores it
        f"run([sys.executable, '-c', {inner!r}], cwd=Path('.'), log=Path({str(log)!r}), timeout_seconds=60)"
    )
    process = subprocess.Popen(
        [PYTHON, "-c", outer], cwd=tmp_path, stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and (not log.exists() or len(log.read_text().splitlines()) < 2):
        time.sleep(0.05)
    pid = int(log.read_text().splitlines()[1])
    assert is_running(pid)
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(timeout=20) != 0
    time.sleep(0.2)
    assert not is_running(pid)


def test_missing_tool_says_where_it_was_looked_for_and_how_to_get_it(tmp_path: Path) -> None:
    environment = {"PATH": str(tmp_path)}
    with pytest.raises(ToolError) as caught:
        run(["vivado"], cwd=tmp_path, log=tmp_path / "a.log", timeout_seconds=1, environment=environment)
    expected = (
        f"vivado: vivado was not found (looked on PATH and in {Path(PYTHON).parent})\n"
        "  hint: install AMD Vivado and source its settings64.sh"
    )
    assert expected == str(caught.value)


@pytest.mark.parametrize(
    ("tool", "hint"),
    [
        ("g++", "apt install g++"),
        ("gtkwave", "apt install gtkwave"),
        ("quartus_sh", "install Intel Quartus Prime and put its bin folder on PATH"),
        ("unheard-of", "install unheard-of and put its folder on PATH"),
    ],
)
def test_every_tool_has_a_hint(tool: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(ToolError) as caught:
        capture([tool], environment={"PATH": str(tmp_path)})
    assert hint == caught.value.hint


def test_missing_path_names_the_path() -> None:
    with pytest.raises(ToolError, match=r"simulate was not found \(looked at /nowhere/simulate\)"):
        capture(["/nowhere/simulate"])


def test_tools_beside_python_are_found_without_path(tmp_path: Path) -> None:
    found = find_executable(Path(PYTHON).name, environment={"PATH": str(tmp_path)})
    assert found is not None
    assert Path(PYTHON).parent == found.parent


def test_capture_quotes_stderr() -> None:
    with pytest.raises(ToolError, match="exit code 3\n  bad thing"):
        capture([PYTHON, "-c", "import sys; print('bad thing', file=sys.stderr); sys.exit(3)"])


def test_lines_are_handed_on_while_the_program_runs(tmp_path: Path) -> None:
    code = (
        "import time\nfor i in range(3):\n    print('line', i, flush=True)\n    time.sleep(0.6)\n"
        "print('end', end='')"
    )
    heard: list[tuple[float, str]] = []
    run(
        [PYTHON, "-c", code],
        cwd=tmp_path,
        log=tmp_path / "a.log",
        timeout_seconds=20,
        follow=lambda line: heard.append((time.monotonic(), line)),
    )
    assert [line for _, line in heard] == ["line 0", "line 1", "line 2", "end"]
    assert heard[2][0] - heard[0][0] > 0.5


def test_a_program_that_is_followed_has_its_time_limit_too(tmp_path: Path) -> None:
    start = time.monotonic()
    with pytest.raises(ToolError, match=r"did not end within 0\.5 s"):
        run(["sleep", "30"], cwd=tmp_path, log=tmp_path / "a.log", timeout_seconds=0.5, follow=print)
    assert time.monotonic() - start < 10


# --- a killed tailrace ----------------------------------------------------------------------------

STARTS_TWO = """
import sys
from pathlib import Path
from tailrace.tools.process import run
here = Path(sys.argv[1])
run(["sh", "-c", "setsid sleep 300 & sleep 300"], cwd=here, log=here / "log", timeout_seconds=300)
"""


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Whether the condition holds within the time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="the watchdog needs /proc")
def test_a_killed_tailrace_leaves_no_program_running(tmp_path: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", STARTS_TWO, str(tmp_path)])
    try:

        def marks() -> set[str]:
            found = set()
            for folder in Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    for entry in (folder / "environ").read_bytes().split(b"\0"):
                        if entry.startswith(f"{VARIABLE}={owner.pid}-".encode()):
                            found.add(entry.decode().partition("=")[2])
            return found

        # The shell and both of its programs, one of them in a session of its own.
        assert wait_for(lambda: len(marks()) == 1 and len(marked(next(iter(marks())))) == 3)
        (mark,) = marks()
    finally:
        owner.kill()
        owner.wait()
    assert wait_for(lambda: marked(mark) == [])


def test_the_watchdog_spares_who_has_another_mark(tmp_path: Path) -> None:
    other = subprocess.Popen(["sleep", "300"], env={**os.environ, VARIABLE: "another"})
    own = subprocess.Popen(["sleep", "300"], env={**os.environ, VARIABLE: "ours"})
    try:
        assert wait_for(lambda: marked("ours") == [own.pid])
        kill_marked("ours")
        assert own.wait(timeout=20) == -signal.SIGKILL
        assert other.poll() is None
    finally:
        for process in (own, other):
            process.kill()
            process.wait()


@pytest.mark.parametrize(
    ("said", "line"), [("", ""), ("\\n\\n", ""), ("\\n  g++ 13.2\\nmore\\n", "g++ 13.2")]
)
def test_a_program_that_says_nothing_has_an_empty_first_line(said: str, line: str) -> None:
    assert first_line(["sh", "-c", f"printf '{said}'"]) == line
