# SPDX-License-Identifier: Apache-2.0
"""A table says what it lacks, and takes entries from outside."""

from __future__ import annotations

import pytest
from tailrace.core.errors import TailraceError
from tailrace.core.table import MissingEntryError, Table


class Known:
    pass


class New:
    pass


@pytest.fixture
def table() -> Table[type, str]:
    return Table("RULES", "tailrace.somewhere", {Known: "a rule"})


def test_an_entry_that_is_missing_names_the_table_and_the_way_out(table: Table[type, str]) -> None:
    with pytest.raises(MissingEntryError) as caught:
        table[New]
    assert str(caught.value) == (
        "tailrace.somewhere: the table RULES has no entry for New\n"
        "  hint: add one: tailrace.somewhere.RULES.add(New, ...)"
    )
    assert table.missing([Known, New]) == ["tailrace.somewhere.RULES has no entry for New"]


def test_a_table_takes_entries_and_gives_them_up(table: Table[type, str]) -> None:
    table.add(New, "another")
    assert table[New] == "another"
    assert list(table) == [Known, New]
    assert table.remove(New) == "another"
    assert New not in table
    assert table.get(New) is None
    with pytest.raises(MissingEntryError, match="no entry for New"):
        table.remove(New)


def test_an_entry_is_not_replaced_unseen(table: Table[type, str]) -> None:
    with pytest.raises(
        TailraceError, match="RULES has an entry for Known already\n  hint: give yours another name"
    ):
        table.add(Known, "mine")
    assert table[Known] == "a rule"


def test_a_table_does_not_change_what_it_was_made_of() -> None:
    entries = {Known: 1}
    Table("RULES", "here", entries).add(New, 2)
    assert entries == {Known: 1}
