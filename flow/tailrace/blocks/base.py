# SPDX-License-Identifier: Apache-2.0
"""The block protocol: everything that anybody asks of a hardware block, said by the block itself.

A block is a frozen dataclass with its parameters fixed. What :class:`Block` marks as abstract, every block says; what
it defines is the ordinary case, which a block replaces where it is another. Nobody outside of a block's own module
asks what class a block is of: who misses something here adds it to the protocol.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tailrace.blocks.library import read, verilog_files
from tailrace.core.data import data

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from importlib.resources.abc import Traversable

    from tailrace.blocks.automata import Schedule
    from tailrace.core.resources import Resources
    from tailrace.core.types import IntType
    from tailrace.targets.family import Family

Integers = NDArray[np.int64]

State = dict[str, Integers]
"""What a block keeps from one frame to the next: arrays by name."""


class Role(Enum):
    """What a block is there for."""

    COMPUTES = "computes"
    """It is a layer of the network or a part of one: other values leave than came, or in another order or number."""
    CARRIES = "carries"
    """It brings values from block to block: registers, buffers, other widths, copies."""
    EDGE = "edge"
    """It is the end of the design."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One AXI-Stream edge: ``lanes`` integers of type ``type`` per word, ``words`` words per frame."""

    lanes: int
    type: IntType
    words: int

    @property
    def bits(self) -> int:
        """The width of ``tdata`` in bits."""
        return self.lanes * self.type.bits


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A stream port of a block's module, called ``<name>_tdata``, ``<name>_tvalid`` and ``<name>_tready``.

    Most carry one stream. An output may carry several, of one width, side by side: the first in the lowest bits of
    ``tdata``, a bit of ``tvalid`` and ``tready`` each; in C++ it is an array of streams. ``last``: it has a ``tlast``.
    """

    name: str
    streams: tuple[Stream, ...]
    last: bool = False

    @property
    def stream_names(self) -> tuple[str, ...]:
        """The names of its streams: that of the port, or ``<name>[0]``, ``<name>[1]``, ..."""
        if len(self.streams) == 1:
            return (self.name,)
        return tuple(f"{self.name}[{index}]" for index in range(len(self.streams)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """A memory of constants: (depth, elements) integers, every element of type ``type``.

    In Verilog one word holds all elements of a row, element 0 in the lowest bits (``$readmemh`` file);
    in HLS C++ it is an array ``[depth][elements]``.

    ``writable``: the values belong to the network (weights, thresholds, a table), not to the structure of the block,
    so that hardware that is loaded at run time could write them. ``style`` is where the memory is: 0 left to the tool,
    1 and 2 LUTs, 3 block RAM. ``per_lane``: each element of a row is read at an address of its own, not the whole row.
    """

    name: str
    values: Any  # (depth, elements) int64 array; Any so that the dataclass stays hashable by identity
    type: IntType
    writable: bool
    style: int = 0
    per_lane: bool = False

    @property
    def bits(self) -> int:
        """The bits of all values together."""
        return int(self.values.size) * self.type.bits

    def hex_lines(self) -> str:
        """Return the ``$readmemh`` text, one word a line."""
        elements = self.values.shape[1]
        digits = -(-elements * self.type.bits // 4)
        mask = (1 << self.type.bits) - 1
        lines = []
        for row in self.values.tolist():
            word = 0
            for index, value in enumerate(row):
                word |= (int(value) & mask) << (index * self.type.bits)
            lines.append(f"{word:0{digits}x}")
        return "\n".join(lines) + "\n"

    def c_rows(self) -> str:
        """Return the text between the braces of a C++ array of rows."""
        rows = ("{" + ", ".join(str(v) for v in row) + "}" for row in self.values.tolist())
        return ",\n".join(rows) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """The matrix product that a block computes: (rows, cols) weights, ``pe`` rows and ``simd`` columns a cycle.

    ``engine`` is how (folded, binary, spatial); ``weight_bits`` those of a weight in memory, None where the weights are
    in the logic.
    """

    engine: str
    rows: int
    cols: int
    pe: int
    simd: int
    weight_bits: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HlsFunction:
    """A function of C++ that is written for one instance: a static member of its parameter struct.

    ``declaration`` stands in the struct; ``definition``, the whole function, goes to ``<instance>_<name>.inc``.
    """

    name: str
    declaration: str
    definition: str


class Block(ABC):
    """A hardware block with its parameters fixed; ``tailrace.blocks.catalogue.BLOCKS`` lists them all."""

    __slots__ = ()

    name: ClassVar[str]
    """Base name: ``rtl/tr_<name>.v``, ``templates_hls/tr_<name>.hpp``, ``sim/test_<name>.py``, ..."""

    role: ClassVar[Role]
    """What the block is there for."""

    # --- streams and cycles --------------------------------------------------------------------------------

    @property
    @abstractmethod
    def inputs(self) -> tuple[Stream, ...]:
        """The input streams, in port order."""

    @property
    @abstractmethod
    def outputs(self) -> tuple[Stream, ...]:
        """The output streams, in port order."""

    @property
    def vectors(self) -> int:
        """Vectors (pixels, tokens) of a frame: as often the block does the same; 1 where a frame is done as a whole."""
        return 1

    @property
    def input_ports(self) -> tuple[Port, ...]:
        """The ports of the inputs: ``s_axis``, or ``s0_axis``, ``s1_axis``, ... where there are several."""
        if len(self.inputs) == 1:
            return (Port(name="s_axis", streams=self.inputs),)
        return tuple(Port(name=f"s{n}_axis", streams=(stream,)) for n, stream in enumerate(self.inputs))

    @property
    def output_ports(self) -> tuple[Port, ...]:
        """The ports of the outputs: one port ``m_axis``, which carries all streams side by side."""
        return (Port(name="m_axis", streams=self.outputs),)

    @property
    @abstractmethod
    def interval_cycles(self) -> int:
        """Cycles from one frame to the next when input is always there and output always taken."""

    @property
    @abstractmethod
    def latency_cycles(self) -> int:
        """Cycles from the clock edge that takes the first word to the edge that can take the first word out."""

    @abstractmethod
    def schedule(self) -> Schedule:
        """Return when words are taken and sent: a network of automata between the streams of the ports."""

    @property
    def fed_back(self) -> frozenset[int]:
        """The inputs, by number, whose words come from blocks behind this one: the ends of loops."""
        return frozenset()

    @property
    def copies(self) -> int:
        """How often each word that comes is sent: words had better wait in front of such a block than behind it."""
        return 1

    @property
    def fifo_depth(self) -> int:
        """The words of a FIFO, a block that the planner may resize or take out; 0 for every other block."""
        return 0

    @property
    def keeps(self) -> str:
        """What the block keeps of a frame, said to the user; "" where that is nothing to speak of."""
        return ""

    # --- constants and memories ----------------------------------------------------------------------------

    @abstractmethod
    def parameters(self) -> Mapping[str, int]:
        """Return the parameters (upper case), the same integers for Verilog and for the HLS parameter struct."""

    @abstractmethod
    def memories(self) -> tuple[Memory, ...]:
        """Return the memories of constants in Verilog, a ``.mem`` file each."""

    def hls_memories(self) -> tuple[Memory, ...]:
        """Return the arrays of constants in C++: those of the Verilog, unless its layout does not suit C++."""
        return self.memories()

    def memory_parameters(self, instance: str) -> Mapping[str, str]:
        """Return the Verilog parameters that lead to the files ``<instance>_<memory>.mem``: ``<MEMORY>_FILE`` each."""
        return {f"{memory.name.upper()}_FILE": f"{instance}_{memory.name}.mem" for memory in self.memories()}

    @property
    @abstractmethod
    def written_bits(self) -> int:
        """Bits of the memories that the Verilog writes as it runs (RAM), single registers left out."""

    @property
    def writable_bits(self) -> int:
        """Bits of constants that belong to the network, which hardware that is loaded at run time would write."""
        return sum(memory.bits for memory in self.memories() if memory.writable)

    # --- function ------------------------------------------------------------------------------------------

    # Any: each block names its own inputs, and mypy lets these two stand for every signature.
    @abstractmethod
    def evaluate(self, *frames: Any, **named_frames: Any) -> Integers | tuple[Integers, ...]:  # noqa: ANN401
        """Compute the block in numpy on (frames, lanes * words) integers per input, in stream order.

        A block with state gives what comes out of it from the first frame of a sequence on.
        """

    def reset(self) -> State:
        """Return the state before the first frame of a sequence; empty where nothing is kept between frames."""
        return {}

    def evaluate_from(self, frames: Sequence[Integers], state: State) -> tuple[tuple[Integers, ...], State]:
        """Compute the block on frames in order, from ``state`` on.

        ``frames`` is one (frames, lanes * words) array an input; returned are one such array an output, and the state
        behind the last frame. A block that keeps something between frames replaces this and :meth:`reset`.
        """
        if state:
            raise NotImplementedError(f"{self.name} has a state, so it has to say what becomes of it")
        found = self.evaluate(*frames)
        return (found if isinstance(found, tuple) else (found,)), state

    # --- report and cost -----------------------------------------------------------------------------------

    @property
    def product(self) -> Product | None:
        """The matrix product that the block computes, or None."""
        return None

    def features(self) -> dict[str, float]:
        """Return the numbers of the block's architecture that a cost model can be fitted on, by name.

        These are its parameters, and what the protocol says of its streams, cycles and memories; a block whose size
        they do not tell adds its own.
        """
        return {
            **{name.lower(): float(value) for name, value in self.parameters().items()},
            "bits_in": float(sum(stream.bits for stream in self.inputs)),
            "bits_out": float(sum(stream.bits for stream in self.outputs)),
            "words_in": float(sum(stream.words for stream in self.inputs)),
            "words_out": float(sum(stream.words for stream in self.outputs)),
            "interval_cycles": float(self.interval_cycles),
            "latency_cycles": float(self.latency_cycles),
            "constant_bits": float(sum(memory.bits for memory in self.memories())),
            "written_bits": float(self.written_bits),
        }

    @abstractmethod
    def cost(self, family: Family) -> Resources:
        """Estimate the resources on a part of ``family``: analytic, within about 30 %."""

    # --- Verilog and C++ -----------------------------------------------------------------------------------

    @classmethod
    def folders(cls, kind: str) -> tuple[Traversable, ...]:
        """Return where the files of the block are looked for: ``kind`` is ``rtl`` or ``templates_hls``.

        A block from another package puts its own folder first.
        """
        return (data(kind),)

    def verilog_library(self) -> dict[str, str]:
        """Return {file name: text} of the library modules that the block needs, those they instantiate included."""
        return verilog_files(f"tr_{self.name}", self.folders("rtl"))

    def verilog_modules(self, module: str) -> dict[str, str]:
        """Return {file name: text} of modules that are written for one instance, ``<module>.v`` last.

        Empty for an instance of ``tr_<name>``, which the emitter writes.
        """
        del module
        return {}

    def hls_library(self) -> dict[str, str]:
        """Return {file name: text} of the C++ headers that the block needs beside those that all share."""
        header = f"tr_{self.name}.hpp"
        return {header: read(header, self.folders("templates_hls"))}

    def hls_functions(self, instance: str) -> tuple[HlsFunction, ...]:
        """Return the functions of C++ that are written for ``instance``; most blocks are templates only."""
        del instance
        return ()


def stream_names(ports: Sequence[Port]) -> tuple[str, ...]:
    """Return the names of the streams of ``ports``, in the order of ``Block.inputs`` or ``Block.outputs``."""
    return tuple(name for port in ports for name in port.stream_names)
