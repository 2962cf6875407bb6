# SPDX-License-Identifier: Apache-2.0
"""A table with one entry a key: what is not in it is an error that names the table, never a silent default.

What belongs to a pair (an operation and the planner, an operation and E1, ...) stands in such a table. Its entries are
written out where it is defined; somebody else's package adds its own with :meth:`Table.add`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from tailrace.core.errors import TailraceError

K = TypeVar("K")
V = TypeVar("V")


class MissingEntryError(TailraceError, KeyError):
    """A table has no entry for a key; names both, and how to add it."""


class Table(Mapping[K, V]):
    """A mapping that is looked up by exact key and can be added to, but whose entries are not replaced.

    ``name`` is the table's variable, ``module`` where it stands; both are for the messages.
    """

    def __init__(self, name: str, module: str, entries: Mapping[K, V]) -> None:
        self.name = name
        self.module = module
        self._entries = dict(entries)

    def __getitem__(self, key: K) -> V:
        try:
            return self._entries[key]
        except KeyError:
            raise MissingEntryError(
                f"the table {self.name} has no entry for {_text(key)}",
                where=self.module,
                hint=f"add one: {self.module}.{self.name}.add({_text(key)}, ...)",
            ) from None

    def __iter__(self) -> Iterator[K]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"<table {self.module}.{self.name}, {len(self)} entries>"

    def add(self, key: K, value: V) -> None:
        """Add an entry; TailraceError where there is one already."""
        if key in self._entries:
            raise TailraceError(
                f"the table {self.name} has an entry for {_text(key)} already",
                where=self.module,
                hint="give yours another name, or remove the other one first",
            )
        self._entries[key] = value

    def remove(self, key: K) -> V:
        """Take an entry out and return it; MissingEntryError where there is none."""
        value = self[key]
        del self._entries[key]
        return value

    def missing(self, keys: Iterable[K]) -> list[str]:
        """Return one line for each of ``keys`` that has no entry."""
        return [
            f"{self.module}.{self.name} has no entry for {_text(key)}"
            for key in keys
            if key not in self._entries
        ]


def _text(key: object) -> str:
    return key.__name__ if isinstance(key, type) else repr(key)
