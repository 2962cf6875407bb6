# SPDX-License-Identifier: Apache-2.0
"""Operations and blocks from other packages: what the house can do inside, a user can do outside.

A package writes an :class:`Extension` and names it as an entry point of the group ``tailrace.extensions``; every
command and every call of Python then knows it. ``docs/extend.md`` builds one. The names in ``__all__`` are what an
extension needs of tailrace; others may change without notice.
"""

from __future__ import annotations

import functools
import importlib.metadata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tailrace.blocks import automata
from tailrace.blocks.base import Block, HlsFunction, Memory, Port, Role, Stream
from tailrace.blocks.catalogue import BLOCKS, missing_members
from tailrace.core.errors import MappingError, TailraceError
from tailrace.core.resources import Resources
from tailrace.core.types import IntType
from tailrace.frontend.grids import as_integers
from tailrace.frontend.handlers import HANDLERS, Handler
from tailrace.frontend.images import in_order
from tailrace.frontend.operations import ADDED_DOMAINS, SPELLINGS
from tailrace.graph import OPERATIONS, Operation
from tailrace.planning.lowering import LOWERINGS
from tailrace.planning.rules import FOLDINGS, FoldingRule
from tailrace.spatial.build import SPATIAL
from tailrace.verify.rules import SOFTWARE, Bounds, SoftwareRule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tailrace.core.table import Table
    from tailrace.planning.lowering import Lowering

GROUP = "tailrace.extensions"
"""The group of entry points; each names an :class:`Extension`."""

PAIRS: tuple[Table[type[Operation], Any], ...] = (FOLDINGS, LOWERINGS, SPATIAL, SOFTWARE)
"""What belongs to an operation and somebody else: how it is folded, placed, added up side by side, checked in E1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """An operation with what the planner and E1 know of it; an operation of a layer of adders it is not.

    ``folding`` says how it can be folded, ``lowering`` places its blocks, ``software`` bounds what float32 makes of it.
    """

    operation: type[Operation]
    folding: FoldingRule
    lowering: Lowering
    software: SoftwareRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """What a package adds: operations, blocks, and handlers of nodes by their ONNX domain and operation.

    A node whose domain is neither ONNX's nor QONNX's is run by QONNX, which looks for its software in the module that
    has the name of the domain. ``spellings`` are {operation: such a domain} for files that write their operations into
    ONNX's own domain, which has none of that name.
    """

    name: str
    operations: tuple[Addition, ...] = ()
    blocks: tuple[type[Block], ...] = ()
    handlers: Mapping[tuple[str, str], Handler] = field(default_factory=dict)
    spellings: Mapping[str, str] = field(default_factory=dict)


def add(extension: Extension) -> None:
    """Put an extension into the tables, all of it or, where something in it is wrong, nothing.

    Raises TailraceError for a block that does not say everything, or for what somebody else has added already.
    """
    for block in extension.blocks:
        missing = missing_members(block)
        if missing:
            raise TailraceError(
                f"the block {block.__name__} does not say its {', '.join(missing)}",
                where=extension.name,
                hint="docs/internals/blocks.md says what a block says of itself",
            )
    done: list[tuple[Table[Any, Any], Any]] = []
    try:
        for table, key, value in _entries(extension):
            table.add(key, value)
            done.append((table, key))
    except TailraceError as error:
        for table, key in done:
            table.remove(key)
        raise TailraceError(error.message, where=extension.name, hint=error.hint) from None


def remove(extension: Extension) -> None:
    """Take an extension out of the tables again."""
    for table, key, _ in _entries(extension):
        table.remove(key)


def _entries(extension: Extension) -> list[tuple[Table[Any, Any], Any, Any]]:
    """Return (table, key, value) of everything in an extension."""
    entries: list[tuple[Table[Any, Any], Any, Any]] = [
        (BLOCKS, block.name, block) for block in extension.blocks
    ]
    for addition in extension.operations:
        kind = addition.operation
        rules = (
            addition.folding,
            addition.lowering,
            None,
            addition.software,
        )  # None: no part of a circuit of adders
        entries.append((OPERATIONS, kind.__name__, kind))
        entries += [(table, kind, rule) for table, rule in zip(PAIRS, rules, strict=True)]
    entries += [(HANDLERS, key, handler) for key, handler in extension.handlers.items()]
    entries += [(SPELLINGS, operation, domain) for operation, domain in extension.spellings.items()]
    domains = dict.fromkeys(domain for domain, _ in extension.handlers if domain)
    return entries + [(ADDED_DOMAINS, domain, extension.name) for domain in domains]


@functools.cache
def installed() -> tuple[str, ...]:
    """Add the extensions of all installed packages, once in a process; returns their names.

    Raises TailraceError, with the package, for an entry point that cannot be loaded or is no extension.
    """
    names = []
    for point in importlib.metadata.entry_points(group=GROUP):
        package = point.dist.name if point.dist else point.value
        hint = f"mend or remove the package: pip uninstall {package}"
        try:
            found = point.load()
        except Exception as error:  # whatever the package raises
            raise TailraceError(
                f"the extension {point.name} cannot be loaded: {type(error).__name__}: {error}",
                where=package,
                hint=hint,
            ) from error
        if not isinstance(found, Extension):
            raise TailraceError(
                f"the entry point {point.name} is a {type(found).__name__}, wanted a tailrace.extend.Extension",
                where=package,
                hint=hint,
            )
        add(found)
        names.append(found.name)
    return tuple(names)


__all__ = [
    "Addition",
    "Block",
    "Bounds",
    "Extension",
    "FoldingRule",
    "Handler",
    "HlsFunction",
    "IntType",
    "MappingError",
    "Memory",
    "Operation",
    "Port",
    "Resources",
    "Role",
    "SoftwareRule",
    "Stream",
    "add",
    "as_integers",
    "automata",
    "in_order",
    "installed",
    "remove",
]
