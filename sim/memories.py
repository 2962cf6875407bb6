# SPDX-License-Identifier: Apache-2.0
"""What a bench finds out about its hardware: the values of parameters, and the contents of the memory files.

The benches of blocks with memories read the same ``<instance>_<memory>.mem`` files as the Verilog, from the
working directory of the simulation; ``+INSTANCE=name`` or ``TR_INSTANCE`` names the instance, ``layer_0``
unless given.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from streams import setting


def parameter(dut: Any, name: str) -> int:
    """Return the value of an integer parameter of the module."""
    value = getattr(dut, name).value
    return value if isinstance(value, int) else value.to_signed()


def read_memory(name: str, *, elements: int, bits: int, signed: bool) -> np.ndarray:
    """Return the (depth, elements) integers of the memory called ``name``, element 0 from the lowest bits."""
    lines = Path(f"{setting('INSTANCE', 'layer_0')}_{name}.mem").read_text(encoding="utf-8").split()
    mask = (1 << bits) - 1
    rows = [[int(line, 16) >> (index * bits) & mask for index in range(elements)] for line in lines]
    values = np.array(rows, np.int64)
    return values - ((values >> (bits - 1)) << bits) if signed else values
