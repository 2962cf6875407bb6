# SPDX-License-Identifier: Apache-2.0
"""What a pass is: a function from a valid graph to a valid graph, with its name, its options and its promise."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tailrace.graph import Graph

Options = TypeVar("Options")


@dataclass(frozen=True, slots=True, kw_only=True)
class NoOptions:
    """The options of a pass that has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass(Generic[Options]):
    """``run(graph, {layer: options})`` returns the graph after the pass; Graph checks itself when it is made.

    ``options`` is the dataclass of what a layer may be asked for. Its fields are the keys of the layer's table in
    ``tailrace.toml``, each has a default that changes nothing, and the class raises UsageError for a value that cannot
    be. ``keeps_function`` promises that the graph computes the same integers for all inputs as before; after a pass
    that does not, accuracy is compared against a stated loss (see ``tailrace.design.accuracy``).
    """

    name: str
    run: Callable[[Graph, Mapping[str, Options]], Graph]
    options: type[Options]
    keeps_function: bool

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of a layer's table that belong to this pass."""
        return tuple(field.name for field in fields(self.options))  # type: ignore[arg-type] # a dataclass, as said above

    def asked(self, layers: Mapping[str, Mapping[str, Any]]) -> dict[str, Options]:
        """Return the options of every layer ("*" for all) whose table has a key of this pass."""
        found = {}
        for name, table in layers.items():
            own = {key: table[key] for key in self.keys if key in table}
            if own:
                found[name] = self.options(**own)
        return found


def exact(function: Callable[[Graph], Graph]) -> Pass[NoOptions]:
    """Return the pass of a function from graph to graph that keeps what is computed."""
    return Pass(
        name=function.__name__,
        run=lambda graph, _: function(graph),
        options=NoOptions,
        keeps_function=True,
    )
