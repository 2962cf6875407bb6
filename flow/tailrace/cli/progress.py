# SPDX-License-Identifier: Apache-2.0
"""How a build goes on: a live line on a terminal, a line for each finished stage elsewhere."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from tailrace.design.workflow import Notify

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Lines(Notify):
    """Prints a line a stage when it is done."""

    def end(self, stage: str, seconds: float, result: str) -> None:
        """Print what came of a stage."""
        click.echo(f"{stage:<7} {seconds:7.1f} s  {result}")


DOING = {
    "import": "reading the network",
    "plan": "folding the layers",
    "emit": "writing the sources",
    "verify": "compiling the Verilog and the C++, comparing them with the network",
    "synth": "synthesizing block by block, simulating the netlist",
    "report": "writing the report",
}
"""What a stage does, as the live line on a terminal says it."""


class _LiveLines(_Lines):
    """On a terminal: the stage that runs has a line with its running time, and the lines of those done stay above."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.task = progress.add_task("", total=None, visible=False)

    def begin(self, stage: str) -> None:
        """Show a stage."""
        self.progress.reset(self.task, description=f"{stage}: {DOING[stage]}", total=None, visible=True)

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
        yield _Lines()
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as lines:
        yield _LiveLines(lines)
