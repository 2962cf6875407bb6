# SPDX-License-Identifier: Apache-2.0
"""State: a tensor that a frame leaves for the next one of its sequence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tailrace.graph.host import HostInput, HostOutput
    from tailrace.graph.tensors import Integers


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class State:
    """The tensor ``input`` is what the tensor ``output`` was in the frame before, and ``initial`` in a first one.

    ``initial`` are the (size,) integers of the first frame of a sequence. ``entering`` and ``leaving`` are the ends
    that the network has for it: they convert its values where the network is run step by step.
    """

    input: str
    output: str
    initial: Integers
    entering: HostInput
    leaving: HostOutput


def sequences(first: Integers) -> tuple[Integers, Integers]:
    """Return where the sequences of frames begin, and how many frames each has; ``first`` (n,) is not 0 where one does.

    The first frame of all begins one in any case.
    """
    begins = np.flatnonzero(np.r_[True, first[1:] != 0][: len(first)])
    return begins, np.diff(np.r_[begins, len(first)])
