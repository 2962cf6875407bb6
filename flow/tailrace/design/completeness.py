# SPDX-License-Identifier: Apache-2.0
"""Whether every operation has its entry in every table of pairs, and every block says all of itself: no defaults."""

from __future__ import annotations

from tailrace.blocks.catalogue import BLOCKS, missing_members
from tailrace.extend import PAIRS
from tailrace.graph import OPERATIONS


def missing_entries() -> list[str]:
    """Return a line for each fault.

    That is an operation that a table lacks, an entry of a type that is no operation, or something that a block does
    not say of itself.
    """
    kinds = list(OPERATIONS.values())
    missing = [line for table in PAIRS for line in table.missing(kinds)]
    strangers = {kind: table.name for table in PAIRS for kind in table if kind not in kinds}
    missing += [
        f"the block {name} does not say {member}"
        for name, block in BLOCKS.items()
        for member in missing_members(block)
    ]
    return missing + [
        f"{OPERATIONS.module}.{OPERATIONS.name} has no entry for {kind.__name__}, which {name} has one for"
        for kind, name in strangers.items()
    ]
