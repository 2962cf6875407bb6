# SPDX-License-Identifier: Apache-2.0
"""A TensorFlow Lite model as plain records, every index and size of it checked: what the walk reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tailrace.core.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

Array = NDArray[Any]
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quantization:
    """A tensor is ``scale * (integers - zero_point)``; both () or one for each index of ``axis``."""

    scale: NDArray[np.float32]
    zero_point: NDArray[np.int64]
    axis: int = 0

    @property
    def per_channel(self) -> bool:
        """Whether there is more than one scale."""
        return self.scale.size > 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Record:
    """A tensor of the file: ``name`` is its own among all, ``type`` as the schema writes it (INT8, FLOAT32, ...).

    ``data`` holds the values of a constant, in ``shape`` and in the file's own type, else None.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    type: str
    quantization: Quantization | None = None
    data: Array | None = None
    is_variable: bool = False
    is_sparse: bool = False

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def scale(self) -> np.float32:
        """The scale of a tensor that has one."""
        assert self.quantization is not None  # noqa: S101 - by the screening
        return np.float32(self.quantization.scale.reshape(-1)[0])

    @property
    def zero_point(self) -> int:
        """The zero point of a tensor that has one."""
        assert self.quantization is not None  # noqa: S101 - by the screening
        return int(self.quantization.zero_point.reshape(-1)[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What an operator is told beside its tensors; each one uses a few of these, the others keep their defaults."""

    same: bool = False
    """Padding SAME, else VALID."""
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    kernel: Pair = (1, 1)
    activation: str = "NONE"
    bias_type: str = "FLOAT32"
    """The type of the accumulator of a 16-bit layer where it is stated; FLOAT32: it is not."""
    pot_scale_int16: bool = True
    shuffled: bool = False
    keep_num_dims: bool = False
    keep_dims: bool = False
    alpha: float = 0.0
    beta: float = 1.0
    axis: int = 0
    parts: int = 0
    align_corners: bool = False
    half_pixel_centers: bool = False
    begin_mask: int = 0
    end_mask: int = 0
    ellipsis_mask: int = 0
    new_axis_mask: int = 0
    shrink_axis_mask: int = 0
    is_offset: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """A node of the file: ``kind`` is its name in the schema (CONV_2D, ...), tensors by index.

    An input that is left out is -1; ``name`` is that of its first output.
    """

    name: str
    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Options = Options()


@dataclass(frozen=True, kw_only=True, eq=False)
class FlatModel:
    """The main subgraph of a file: tensors and operators in their order, the ends by the index of their tensors."""

    name: str
    sha256: str
    raw: bytes
    """The file itself, for its own interpreter."""
    tensors: tuple[Record, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    by_name: Mapping[str, int]
    limits: Limits = DEFAULT_LIMITS
