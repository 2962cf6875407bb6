# SPDX-License-Identifier: Apache-2.0
"""A file list, as Verilator, Icarus, VCS, Xcelium, Questa and the vendors' tools read it with ``-f``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tailrace.packaging.core import Core


def filelist_files(core: Core) -> dict[str, str]:
    """Return {path: text}: ``NAME.f``, the Verilog in ``rtl/``, and the memories beside the list.

    ``$readmemh`` takes the memories from the folder in which a tool runs: the one with the list.
    """
    lines = [
        "// SPDX-License-Identifier: Apache-2.0",
        f"// {core.top}: {core.summary}.",
        "// Run the tool in this folder (-f): the paths are relative to it, and $readmemh finds the .mem files here.",
        f"// Top module {core.top}, Verilog-2001.",
        *(f"rtl/{name}" for name in core.sources),
    ]
    files = {f"rtl/{name}": text for name, text in core.sources.items()}
    return {**files, **core.memories, f"{core.vlnv.name}.f": "\n".join(lines) + "\n"}
