# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C and SIGTERM: they end a build between two whole states, never inside one."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tailrace.core.errors import TailraceError

if TYPE_CHECKING:
    from collections.abc import Iterator

INTERRUPTED = threading.Event()
"""Set by Ctrl-C inside :func:`interruptible`."""


class InterruptedBuildError(TailraceError):
    """The user stopped the build."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGINT and SIGTERM raise KeyboardInterrupt, and set :data:`INTERRUPTED`.

    An interrupt that falls into the initialization of an extension module comes out of it as another error or not
    at all; hence the flag.
    """
    INTERRUPTED.clear()
    if threading.current_thread() is not threading.main_thread():  # only that one may
        yield
        return

    def interrupt(_number: int, _frame: object) -> None:
        INTERRUPTED.set()
        raise KeyboardInterrupt

    previous = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        INTERRUPTED.clear()
