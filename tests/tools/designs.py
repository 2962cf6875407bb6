# SPDX-License-Identifier: Apache-2.0
"""The multiply-accumulate of mac.v with random weights and words, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tailrace.core.packing import pack, unpack
from tailrace.tools.verilator import StreamEnd, build_stream_simulator

MAC = Path(__file__).parent / "mac.v"
FIFO = Path(__file__).resolve().parents[2] / "rtl" / "tr_fifo.v"
LANES, BITS, DEPTH, OUT_BITS, OFFSET, SUMS = 3, 6, 16, 18, -77, 40


@dataclass(frozen=True)
class Mac:
    """A folder with ``weights.mem``, the parameters, the words to send and the sums to receive."""

    folder: Path
    parameters: dict[str, int | str]
    words: np.ndarray
    sums: np.ndarray

    def simulate(self, top: str, sources: list[Path], **arguments) -> np.ndarray:
        """Return the sums that the hardware computes, with stalls."""
        simulator = build_stream_simulator(
            top=top,
            sources=sources,
            inputs=[StreamEnd(name="s_axis", bits=LANES * BITS)],
            outputs=[StreamEnd(name="m_axis", bits=OUT_BITS)],
            folder=self.folder,
            **arguments,
        )
        run = simulator.run([self.words], expect_words=[SUMS], stall=0.3, seed=7)
        return unpack(run.outputs[0], 1, OUT_BITS, signed=True)[:, 0]


def make_mac(folder: Path, seed: int = 1, *, style: int = 0) -> Mac:
    """Write the weights into ``folder``; ``style`` 1 puts them into block RAM."""
    rng = np.random.default_rng(seed)
    low, high = -(1 << (BITS - 1)), 1 << (BITS - 1)
    weights = rng.integers(low, high, (DEPTH, LANES))
    values = rng.integers(low, high, (SUMS, DEPTH, LANES))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "weights.mem").write_text("".join(f"{int(word[0]):x}\n" for word in pack(weights, BITS)))
    return Mac(
        folder=folder,
        parameters={
            "LANES": LANES,
            "BITS": BITS,
            "DEPTH": DEPTH,
            "OUT_BITS": OUT_BITS,
            "OFFSET": OFFSET,
            "STYLE": style,
            "WEIGHTS_FILE": "weights.mem",
        },
        words=pack(values.reshape(-1, LANES), BITS),
        sums=(values * weights).sum((1, 2)) + OFFSET,
    )
