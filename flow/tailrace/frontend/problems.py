# SPDX-License-Identifier: Apache-2.0
"""What cannot be turned into integers: one list of all offending nodes, each with its reason and the way out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.core.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One node that cannot be mapped: what was found, what would be accepted, how to mend it."""

    node: str
    operation: str
    found: str
    accepted: str
    hint: str

    def __str__(self) -> str:
        return (
            f"{self.node} ({self.operation}): {self.found}\n"
            f"    accepted: {self.accepted}\n"
            f"    hint: {self.hint}"
        )


def one_per_node(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """Return one problem for every node, in the order of the first, with all that was found about it."""
    found: dict[str, list[Problem]] = {}
    for problem in problems:
        same = found.setdefault(problem.node, [])
        if problem not in same:
            same.append(problem)
    return tuple(
        Problem(
            node=node,
            operation=same[0].operation,
            found="; ".join(dict.fromkeys(p.found for p in same)),
            accepted="; ".join(dict.fromkeys(p.accepted for p in same)),
            hint=same[0].hint,
        )
        for node, same in found.items()
    )


class UnsupportedError(ModelError):
    """The network has parts that cannot be mapped; ``problems`` lists all of them."""

    def __init__(self, model: str, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        count = "1 node" if len(problems) == 1 else f"{len(problems)} nodes"
        lines = "\n".join(f"  {i}. {p}" for i, p in enumerate(problems, 1))
        super().__init__(f"{count} cannot be mapped:\n{lines}", where=model)
