# SPDX-License-Identifier: Apache-2.0
"""The command ``tailrace``: the Python interface plus printing.

Exit codes: 0 good, 1 fixable by the user, 2 usage, 3 hardware and model disagree, 4 an external tool failed.

A command is imported when it is asked for, and what it needs when it runs: ``tailrace --help`` reads none of it.
"""

from __future__ import annotations

import importlib
import logging
import os
import sys

import click

from tailrace import __version__
from tailrace.core.errors import TailraceError, UsageError
from tailrace.design import interrupts

INTERRUPTED = 1
"""The exit code after Ctrl-C: the user can go on."""

COMMANDS = {
    "boards": ("lists:boards", "List the boards."),
    "build": ("build:build", "Build MODEL: from network to report."),
    "check": ("inspect:check", "Can MODEL be mapped? Lists every node that cannot."),
    "doctor": ("lists:doctor", "Which tools are there, and what for."),
    "explore": ("explore:explore", "Many designs at once: fronts over networks, parts and rates."),
    "export": ("export:export_package", "Write the Verilog as a package for other flows."),
    "flash": ("board:flash", "How to load the bitstream of a build folder into its board."),
    "init": ("inspect:init", "Write tailrace.toml: every option, one table per layer."),
    "parts": ("lists:parts", "List the FPGAs."),
    "quantize": ("quantize:quantize", "Quantize a float MODEL after training."),
    "report": ("report:report", "Print or write the report; several builds: compare."),
    "run": ("board:run", "Frames through the board, or its top in simulation."),
    "show": ("inspect:show", "Table of layers of MODEL or of a build folder."),
    "sim": ("run:sim", "Verilog against the integer graph."),
    "synth": ("run:synth", "Synthesize; place and route; a vendor's flow."),
}
"""Where each command is (module of this package, name in it), and its line in ``tailrace --help``."""

# A line with a backspace alone keeps click from filling the lines below it.
EPILOG = """\b
tailrace check MODEL    can it be mapped?
tailrace build MODEL    the whole way, from network to report
tailrace doctor         which tools are there
\b
Exit codes: 0 good, 1 you can fix it, 2 wrong usage, 3 hardware and model disagree,
4 an external tool failed.
"""


def load(name: str) -> click.Command:
    """Import a command of the table."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    command: click.Command = getattr(importlib.import_module(f"tailrace.cli.{module}"), attribute)
    return command


class Commands(click.Group):
    """The commands of the table: a name and a line each, until one is asked for."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Put the command itself in the place of its line."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, load(name) if name else None, rest


@click.group(
    cls=Commands,
    commands={name: click.Command(name, short_help=line) for name, (_, line) in COMMANDS.items()},
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=EPILOG,
)
@click.version_option(__version__, "-V", "--version", prog_name="tailrace", message="%(prog)s %(version)s")
@click.option("-v", "--verbose", is_flag=True, help="Also print what each stage does.")
def cli(*, verbose: bool) -> None:
    """Turn a quantized network (QONNX) into streaming hardware: Verilog and HLS C++, exact to the last bit."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("tailrace")
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel(logging.DEBUG if verbose else logging.WARNING)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    with interrupts.interruptible():
        try:
            return _main(arguments)
        except Exception:
            if interrupts.INTERRUPTED.is_set():
                return _fail("interrupted", INTERRUPTED)
            raise


def _main(arguments: list[str] | None) -> int:
    """Run the command line; turns what goes wrong into one message and an exit code."""
    try:
        cli.main(args=arguments, prog_name="tailrace", standalone_mode=False)
        sys.stdout.flush()
    except TailraceError as error:
        if interrupts.INTERRUPTED.is_set() and not isinstance(error, interrupts.InterruptedBuildError):
            return _fail("interrupted", INTERRUPTED)
        return _fail(str(error), error.exit_code)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return UsageError.exit_code
    except (KeyboardInterrupt, click.exceptions.Abort):
        return _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:  # the reader has seen enough, as in `tailrace parts | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror or error}\n  hint: check space and permissions", 1)
    return 0


def _fail(message: str, code: int) -> int:
    click.echo(f"tailrace: {message}", err=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
