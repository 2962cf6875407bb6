# SPDX-License-Identifier: Apache-2.0
"""The constants of an instance as files: ``$readmemh`` text for Verilog, array rows for C++."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tailrace.planning.plan import Instance


def memory_files(instance: Instance) -> dict[str, str]:
    """Return {file name: hexadecimal text}, one file a memory."""
    return {f"{instance.name}_{memory.name}.mem": memory.hex_lines() for memory in instance.block.memories()}


def include_files(instance: Instance) -> dict[str, str]:
    """Return {file name: rows of a C++ array}, one file a memory."""
    return {f"{instance.name}_{memory.name}.inc": memory.c_rows() for memory in instance.block.memories()}
