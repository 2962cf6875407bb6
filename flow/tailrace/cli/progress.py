# SPDX-License-Identifier: Apache-2.0
"""How a build goes on: a live line on a terminal, a line for each finished stage elsewhere."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tailrace.design.stages import Notify

if TYPE_CHECKING:
    from collections.abc import Iterator


SILENT_SECONDS = 10.0
"""So long nothing may be printed while a stage runs: then a line says how far it is."""


class _Lines(Notify):
    """Prints a line a stage when it is done, why something takes long, and now and then that it goes on."""

    def __init__(self) -> None:
        self.state = ""
        self.begun = self.spoken = time.monotonic()
        self.over = threading.Event()

    def begin(self, stage: str, doing: str) -> None:
        """Remember what runs."""
        self.state, self.begun = f"{stage}: {doing}", time.monotonic()
        self.spoken = self.begun

    def step(self, state: str) -> None:
        """Remember how far the stage is."""
        self.state = f"{self.state.partition(':')[0]}: {state}"

    def note(self, text: str) -> None:
        """Say why something takes longer than usual."""
        self.spoken = time.monotonic()
        click.echo(text, err=True)

    def end(self, stage: str, seconds: float, result: str) -> None:
        """Print what came of a stage."""
        self.state = ""
        click.echo(f"{stage:<7} {seconds:7.1f} s  {result}")

    def go_on(self) -> None:
        """Until ``over`` is set, print a line on the error stream whenever nothing was said for long."""
        while not self.over.wait(SILENT_SECONDS / 10):
            now = time.monotonic()
            if self.state and now - self.spoken >= SILENT_SECONDS:
                self.spoken = now
                click.echo(f"{self.state}, {now - self.begun:.0f} s so far", err=True)


class _LiveLines(Notify):
    """On a terminal: the stage that runs has a line with its running time, and the lines of those done stay above."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.task = progress.add_task("", total=None, visible=False)
        self.stage = ""

    def begin(self, stage: str, doing: str) -> None:
        """Show a stage."""
        self.stage = stage
        self.progress.reset(self.task, description=f"{stage}: {doing}", total=None, visible=True)

    def step(self, state: str) -> None:
        """Show how far the stage is."""
        self.progress.update(self.task, description=f"{self.stage}: {state}")

    def note(self, text: str) -> None:
        """Show why something takes longer than usual."""
        self.step(text)

    def end(self, stage: str, seconds: float, result: str) -> None:
        """Print what came of a stage, above the live line."""
        self.progress.update(self.task, visible=False)
        self.progress.console.print(
            f"{stage:<7} {seconds:7.1f} s  {result}", markup=False, highlight=False, soft_wrap=True
        )


@contextmanager
def progress() -> Iterator[Notify]:
    """Give what shows how a build goes on: a live line on a terminal, plain lines elsewhere."""
    console = Console()
    if not console.is_terminal:
        plain = _Lines()
        speaker = threading.Thread(target=plain.go_on, daemon=True)
        speaker.start()
        try:
            yield plain
        finally:
            plain.over.set()
            speaker.join()
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as lines:
        yield _LiveLines(lines)
