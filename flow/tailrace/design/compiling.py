# SPDX-License-Identifier: Apache-2.0
"""Say so when the simulator's inner loop is compiled: once on a machine, and it takes ten seconds and more."""

from __future__ import annotations

import contextlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from numba.core import event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COMPILING = "compiling the simulator of the plan, once on this machine"


class _Once(event.Listener):
    """Says it at the first compilation."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say: Callable[[str], None] | None = say

    def on_start(self, event: Any) -> None:  # noqa: ANN401, ARG002 - numba's interface
        """Hear that a function is compiled; one that comes out of numba's cache is not."""
        if self.say:
            self.say(COMPILING)
        self.say = None

    def on_end(self, event: Any) -> None:  # noqa: ANN401 - numba's interface
        """Hear that a function is compiled."""


@contextmanager
def said(say: Callable[[str], None]) -> Iterator[None]:
    """Call ``say`` when numba compiles something inside the block."""
    listener = _Once(say)
    event.register("numba:compile", listener)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            event.unregister("numba:compile", listener)  # type: ignore[no-untyped-call]
