# SPDX-License-Identifier: Apache-2.0
"""The command line that builds the same again, from the copies in a build folder."""

from __future__ import annotations

import shlex
from dataclasses import fields
from typing import TYPE_CHECKING

from tailrace.design.config import Config
from tailrace.design.folder import ONNX

if TYPE_CHECKING:
    from tailrace.graph import Graph
    from tailrace.planning.plan import Plan

FLAGS = {"clock_mhz": "--clock"}
"""Options whose name on the command line is not their own."""

NOT_TOLD = ("board", "jobs", "layers", "tools")
"""Options that do not go into the line: what the part and the file say, and what changes nothing."""


def command_line(config: Config, model: str = ONNX, part: str | None = None) -> str:
    """Return the line, to be run in the build folder, for ``part`` instead of that of ``config``.

    What is fixed for layers comes from the folder's tailrace.toml.
    """
    default = Config()
    words = ["tailrace", "build", model]
    for name in (field.name for field in fields(Config) if field.name not in NOT_TOLD):
        value = part if part and name == "part" else getattr(config, name)
        if name == "part" or value != getattr(default, name):
            text = f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)
            words += [FLAGS.get(name, f"--{name.replace('_', '-')}"), text]
    return shlex.join([*words, "-c", "tailrace.toml"] if config.layers else words)


def recipe(plan: Plan) -> str:
    """Return the line for a plan that was made from Python, of whose network only the name is known."""
    asked = plan.asked
    config = Config(
        clock_mhz=plan.clock_mhz,
        fps=asked.fps,
        latency_cycles=asked.latency_cycles,
        minimize=asked.minimize,
        use=asked.use,
        engine=asked.engine,
        fifos=asked.fifos,
        layers=asked.layers,
    )
    return command_line(config, f"{plan.graph.name}.{_suffix(plan)}", plan.part.name)


def _suffix(plan: Plan) -> str:
    """Return the suffix of the file that a plan's network is of."""
    graph: Graph | None = plan.graph
    while graph is not None and graph.reference is None:
        graph = graph.made_of
    return getattr(graph.reference, "suffix", "onnx") if graph is not None else "onnx"
