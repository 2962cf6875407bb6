# SPDX-License-Identifier: Apache-2.0
"""Blocks with random parameters, for fitting the cost model: ``sample(name, index)`` is always the same block.

Every kind of block has a function here that draws its parameters from what networks have: widths of a few bits, tens
to hundreds of channels, thresholds in ascending order, weights about a normal distribution. What a block refuses is
drawn again; what is larger than a few thousand LUTs by the analytic estimate, too, so that a synthesis takes seconds.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from tailrace.blocks.argmax import ArgMax
from tailrace.blocks.base import Stream
from tailrace.blocks.concat import Concat
from tailrace.blocks.dense_binary import DenseBinary
from tailrace.blocks.dense_folded import DenseFolded
from tailrace.blocks.depthwise import Depthwise
from tailrace.blocks.eltwise import Eltwise
from tailrace.blocks.fifo import Fifo
from tailrace.blocks.fork import Fork
from tailrace.blocks.frame import Frame
from tailrace.blocks.multiply_shift import MultiplyShift
from tailrace.blocks.pad import Pad
from tailrace.blocks.permute import Permute
from tailrace.blocks.pool import Pool
from tailrace.blocks.replay import Replay
from tailrace.blocks.round_shift import RoundShift
from tailrace.blocks.shuffle import Shuffle
from tailrace.blocks.skid import Skid
from tailrace.blocks.slice import Slice
from tailrace.blocks.table import Table
from tailrace.blocks.threshold import Threshold
from tailrace.blocks.threshold_search import ThresholdSearch
from tailrace.blocks.upsample import Upsample
from tailrace.blocks.width import Width
from tailrace.blocks.window import Window
from tailrace.blocks.window_parallel import WindowParallel
from tailrace.core.errors import MappingError
from tailrace.core.types import IntType
from tailrace.targets.families import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tailrace.blocks.base import Block

Random = np.random.Generator

MOST_LUTS = 2500
"""By the analytic estimate for LUTs of four inputs; larger samples are drawn again."""

TRIES = 1000


def _pick(rng: Random, *values: Any) -> Any:  # noqa: ANN401 - one of the values
    return values[int(rng.integers(len(values)))]


def _log(rng: Random, low: int, high: int) -> int:
    """Return a number whose logarithm is even between both ends."""
    return round(float(np.exp(rng.uniform(np.log(low), np.log(high + 0.49)))))


def _type(rng: Random, low: int = 1, high: int = 8) -> IntType:
    return IntType(_log(rng, low, high), signed=bool(rng.integers(2)))


def _stream(rng: Random, most_bits: int = 128, words: int | None = None) -> Stream:
    kind = _type(rng)
    lanes = _log(rng, 1, max(1, most_bits // kind.bits))
    return Stream(lanes=lanes, type=kind, words=words or _log(rng, 1, 1024))


def _channels(rng: Random, most: int = 256, most_lanes: int = 32) -> tuple[int, int]:
    """Return channels and a divisor of them."""
    lanes = _pick(rng, 1, 1, 2, 3, 4, 5, 8, 10, 16, 32)
    lanes = min(lanes, most_lanes)
    return lanes * _log(rng, 1, max(1, most // lanes)), lanes


def _image(rng: Random, most: int = 32) -> dict[str, Any]:
    """Return the arguments of a block for images: stream, height, width, channels."""
    height, width = _pick(rng, 1, *[_log(rng, 2, most) for _ in range(5)]), _log(rng, 2, most)
    channels, lanes = _channels(rng, 128)
    stream = Stream(lanes=lanes, type=_type(rng), words=height * width * channels // lanes)
    return {"stream": stream, "height": height, "width": width, "channels": channels}


def _steps(rng: Random, most_levels: int) -> dict[str, Any]:
    """Return the arguments of both threshold blocks."""
    channels, lanes = _channels(rng)
    kind = IntType(_log(rng, 4, 20), signed=bool(rng.integers(4)))
    levels = min(int(_pick(rng, 1, 2, 3, 3, 7, 15, 15, 31, 63, 255)), most_levels, (1 << kind.bits) - 2)
    rows = 1 if rng.integers(4) == 0 else channels
    # Batch-norms stretch and shift the same steps for each channel.
    centre, width = (kind.min + kind.max) / 2, (kind.max - kind.min) / 2
    spread = width * rng.uniform(0.1, 0.9)
    places = centre + np.linspace(-1, 1, levels) * spread * rng.uniform(0.4, 1.0, (rows, 1))
    places = places + rng.normal(0, width * 0.08, (rows, 1))
    thresholds = np.clip(np.sort(places.astype(np.int64), axis=1), kind.min, kind.max)
    signed = bool(rng.integers(2))
    base = np.full(rows, -((levels + 1) // 2) if signed else 0, np.int64)
    decreasing = np.zeros(rows, np.bool_)
    if rng.integers(4) == 0:
        decreasing = rng.integers(0, 2, rows).astype(np.bool_)
        base = np.where(decreasing, base + levels, base)
    return {
        "thresholds": thresholds,
        "base": base,
        "decreasing": decreasing,
        "channels": channels,
        "pe": lanes,
        "in_type": kind,
        "out_type": IntType((levels).bit_length(), signed=signed),
        "vectors": _log(rng, 1, 256),
    }


def _weights(rng: Random, shape: tuple[int, int], bits: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    most = max(1, (1 << (bits - 1)) - 1)
    drawn = np.rint(rng.normal(0, most / 2.5, shape)).astype(np.int64)
    return np.clip(drawn, -most, most)


def _sum_type(weights: np.ndarray[Any, np.dtype[np.int64]], kind: IntType) -> IntType:
    sides = np.stack([weights * kind.min, weights * kind.max])
    return IntType.containing(
        int(sides.min(axis=0).sum(axis=1).min()), int(sides.max(axis=0).sum(axis=1).max())
    )


def _sizes(rng: Random) -> tuple[int, int, int, int]:
    """Return rows, cols, pe and simd of a matrix product."""
    pe, simd = _pick(rng, 1, 1, 2, 2, 4, 5, 8, 16), _pick(rng, 1, 2, 3, 4, 6, 8, 16, 32)
    return pe * _log(rng, 1, max(1, 128 // pe)), simd * _log(rng, 1, max(1, 800 // simd)), pe, simd


def dense_folded(rng: Random) -> Block:
    """Weights of 2 to 8 bits, inputs of 1 to 8."""
    rows, cols, pe, simd = _sizes(rng)
    weights, kind = _weights(rng, (rows, cols), _pick(rng, 2, 2, 3, 4, 4, 5, 6, 8)), _type(rng)
    return DenseFolded(
        weights=weights,
        pe=pe,
        simd=simd,
        in_type=kind,
        out_type=_sum_type(weights, kind),
        style="registers"
        if (rows, cols) == (pe, simd)
        else _pick(rng, "distributed", "distributed", "block"),
        dsp=bool(rng.integers(4) == 0),
        vectors=_log(rng, 1, 64),
    )


def dense_binary(rng: Random) -> Block:
    """Weights of one bit."""
    rows, cols, pe, simd = _sizes(rng)
    return DenseBinary(
        weights=rng.integers(0, 2, (rows, cols)) * 2 - 1,
        pe=pe,
        simd=simd,
        out_type=IntType.containing(0, cols),
        style="registers"
        if (rows, cols) == (pe, simd)
        else _pick(rng, "distributed", "distributed", "block"),
        vectors=_log(rng, 1, 64),
    )


def depthwise(rng: Random) -> Block:
    """Kernels of 2 to 25 taps."""
    channels, lanes = _channels(rng, 128)
    weights = _weights(rng, (channels, _pick(rng, 2, 3, 4, 9, 9, 25)), _pick(rng, 2, 4, 6, 8))
    kind = _type(rng)
    return Depthwise(
        weights=weights,
        pe=lanes,
        in_type=kind,
        out_type=_sum_type(weights, kind),
        style=_pick(rng, "distributed", "distributed", "block"),
        dsp=bool(rng.integers(4) == 0),
        vectors=_log(rng, 1, 256),
    )


def round_shift(rng: Random) -> Block:
    """A shift, or only a bias; half to even mostly."""
    channels, lanes = _channels(rng)
    kind = IntType(_log(rng, 3, 24), signed=bool(rng.integers(4)))
    shift = int(_pick(rng, 0, *[int(rng.integers(1, kind.bits)) for _ in range(5)]))
    most = 1 << max(1, kind.bits - 3)
    rows = _pick(rng, 1, channels)
    bias = rng.integers(-most, most, rows) if rng.integers(2) else np.zeros(rows, np.int64)
    out = _type(rng, 1, max(1, min(16, kind.bits - shift + 1)))
    low, high = (out.min, out.max) if rng.integers(4) else (min(0, out.max), out.max)
    if rng.integers(4) == 0:  # nothing to clip
        out = IntType(kind.bits + 2, signed=True)
        low, high = out.min, out.max
    mode = _pick(rng, "half_even", "half_even", "half_up", "floor", "to_zero")
    return RoundShift(
        bias=bias,
        shift=shift,
        mode=mode,
        low=low,
        high=high,
        channels=channels,
        pe=lanes,
        in_type=kind,
        out_type=out,
        vectors=_log(rng, 1, 256),
    )


def multiply_shift(rng: Random) -> Block:
    """Factors of 3 to 16 bits."""
    channels, lanes = _channels(rng, 128, 16)
    kind = IntType(_log(rng, 4, 20), signed=bool(rng.integers(4)))
    bits, rows = int(_log(rng, 3, 16)), _pick(rng, 1, channels)
    factors = rng.integers(1 << (bits - 2), 1 << (bits - 1), rows)
    bias = rng.integers(-(1 << (bits + kind.bits - 3)), 1 << (bits + kind.bits - 3), rows)
    out = _type(rng, 2, 9)
    shift = max(0, bits + kind.bits - out.bits - int(rng.integers(0, 4)))
    return MultiplyShift(
        factors=factors,
        bias=bias,
        shift=shift,
        low=out.min,
        high=out.max,
        channels=channels,
        pe=lanes,
        in_type=kind,
        out_type=out,
        dsp=bool(rng.integers(3) == 0),
        vectors=_log(rng, 1, 256),
    )


def threshold(rng: Random) -> Block:
    """Up to 31 levels side by side."""
    return Threshold(**_steps(rng, 31))


def threshold_search(rng: Random) -> Block:
    """Up to 255 levels, one after the other."""
    return ThresholdSearch(**_steps(rng, 255))


def table(rng: Random) -> Block:
    """Up to 10 bits of address: smooth functions."""
    channels, lanes = _channels(rng, 64, 8)
    kind, out = _type(rng, 2, 10), _type(rng, 1, 8)
    rows = 1 if rng.integers(4) else channels
    x = np.linspace(-3, 3, 1 << kind.bits)
    curve = np.tanh(x * rng.uniform(0.5, 2, (rows, 1)) + rng.normal(0, 0.3, (rows, 1)))
    values = np.rint((curve + 1) / 2 * (out.max - out.min)).astype(np.int64) + out.min
    return Table(
        values=values,
        channels=channels,
        pe=lanes,
        in_type=kind,
        out_type=out,
        vectors=_log(rng, 1, 64),
    )


def replay(rng: Random) -> Block:
    """Vectors of 1 to 1024 words."""
    return Replay(vector=_stream(rng), times=_log(rng, 1, 256), vectors=_log(rng, 1, 256))


def eltwise(rng: Random) -> Block:
    """Sums with factors, or products."""
    a, b = _type(rng), _type(rng)
    lanes, words = _log(rng, 1, 16), _log(rng, 1, 64)
    multiply = rng.integers(4) == 0
    factors = (1, 1) if multiply else (_pick(rng, 1, _log(rng, 1, 4000)), _pick(rng, 1, _log(rng, 1, 4000)))
    ends = [
        (x * y if multiply else factors[0] * x + factors[1] * y)
        for x in (a.min, a.max)
        for y in (b.min, b.max)
    ]
    return Eltwise(
        operation="multiply" if multiply else "add",
        a=Stream(lanes=lanes, type=a, words=words),
        b=Stream(lanes=lanes, type=b, words=words),
        out_type=IntType.containing(min(ends), max(ends)),
        a_factor=factors[0],
        b_factor=factors[1],
        vectors=_log(rng, 1, 64),
    )


def _windows(rng: Random, image: dict[str, Any]) -> dict[str, Any]:
    taps, stride, apart = _pick(rng, 2, 3, 3, 3, 5), _pick(rng, 1, 1, 1, 2), _pick(rng, 1, 1, 1, 2)
    flat = image["height"] == 1
    return {
        **image,
        "kernel": (1 if flat else taps, taps),
        "stride": (1 if flat else stride, stride),
        "dilation": (1 if flat else apart, apart),
    }


def window(rng: Random) -> Block:
    """Kernels of 2 to 5 taps a side."""
    return Window(**_windows(rng, _image(rng)))


def window_parallel(rng: Random) -> Block:
    """The same, whole windows a word."""
    image, lanes, kind = _image(rng), _log(rng, 1, 32), _type(rng, 1, 6)
    words = image["height"] * image["width"]
    image |= {"stream": Stream(lanes=lanes, type=kind, words=words), "channels": lanes}
    return WindowParallel(**_windows(rng, image))


def pad(rng: Random) -> Block:
    """A pixel or two at some sides."""
    image = _image(rng)
    top, bottom, left, right = rng.integers(0, 3, 4).tolist()
    if image["height"] == 1:
        top = bottom = 0
    return Pad(**image, top=top, bottom=bottom, left=left, right=right)


def pool(rng: Random) -> Block:
    """The largest or the sum of 2 to 64."""
    channels, lanes = _channels(rng, 128)
    kind, taps = _type(rng), _pick(rng, 2, 4, 4, 9, 16, 49, 64)
    operation = _pick(rng, "maximum", "sum")
    out = kind if operation == "maximum" else IntType.containing(taps * kind.min, taps * kind.max)
    return Pool(
        operation=operation,
        channels=channels,
        pe=lanes,
        taps=taps,
        in_type=kind,
        out_type=out,
        vectors=_log(rng, 1, 256),
    )


def width(rng: Random) -> Block:
    """Any lanes into any others."""
    kind, a, b = _type(rng), _log(rng, 1, 64), _log(rng, 1, 64)
    if rng.integers(3):
        a, b = sorted((a, a * _log(rng, 1, 8)), reverse=bool(rng.integers(2)))
    words = int(np.lcm(a, b)) // a * _log(rng, 1, 16)
    return Width(type=kind, in_lanes=a, out_lanes=b, words_in=words, vectors=_log(rng, 1, 64))


def fifo(rng: Random) -> Block:
    """From a word to thousands."""
    return Fifo(stream=_stream(rng, 96), depth=_log(rng, 1, 4096), vectors=_log(rng, 1, 16))


def fork(rng: Random) -> Block:
    """Two to four branches."""
    return Fork(stream=_stream(rng), branches=_pick(rng, 2, 2, 3, 4), vectors=_log(rng, 1, 16))


def skid(rng: Random) -> Block:
    """One to hundreds of bits."""
    return Skid(stream=_stream(rng), vectors=_log(rng, 1, 16))


def frame(rng: Random) -> Block:
    """One to hundreds of bits."""
    return Frame(stream=_stream(rng), vectors=_log(rng, 1, 256))


def argmax(rng: Random) -> Block:
    """Up to 256 classes."""
    channels, lanes = _channels(rng, 256, 16)
    return ArgMax(channels=channels, pe=lanes, in_type=_type(rng, 2, 20), vectors=_log(rng, 1, 64))


def concat(rng: Random) -> Block:
    """Two images."""
    pixels, lanes, kind = _log(rng, 1, 256), _log(rng, 1, 16), _type(rng)
    a, b = _log(rng, 1, 16), _log(rng, 1, 16)
    return Concat(
        a=Stream(lanes=lanes, type=kind, words=pixels * a),
        b=Stream(lanes=lanes, type=kind, words=pixels * b),
        a_channels=a * lanes,
        b_channels=b * lanes,
    )


def slice_(rng: Random) -> Block:
    """Some channels of an image."""
    pixels, lanes, groups = _log(rng, 1, 256), _log(rng, 1, 16), _log(rng, 2, 32)
    start, stop = sorted(rng.choice(groups + 1, 2, replace=False).tolist())
    stream = Stream(lanes=lanes, type=_type(rng), words=pixels * groups)
    return Slice(stream=stream, channels=groups * lanes, start=start * lanes, stop=stop * lanes)


def permute(rng: Random) -> Block:
    """Up to 512 words, transposed."""
    a, b = _log(rng, 2, 22), _log(rng, 2, 22)
    order = np.arange(a * b).reshape(a, b).T.reshape(-1).copy()
    return Permute(stream=_stream(rng, 64, a * b), order=order)


def shuffle(rng: Random) -> Block:
    """Depth to space, or back."""
    block, lanes = 2, _log(rng, 1, 8)
    channels = lanes * 4 * _log(rng, 1, 8)
    height, width = 2 * _log(rng, 1, 8), 2 * _log(rng, 1, 8)
    stream = Stream(lanes=lanes, type=_type(rng), words=height * width * channels // lanes)
    mode = _pick(rng, "dcr", "crd", "space_to_depth")
    return Shuffle(stream=stream, height=height, width=width, channels=channels, block=block, mode=mode)


def upsample(rng: Random) -> Block:
    """By two or three."""
    return Upsample(**_image(rng), factor=(_pick(rng, 1, 2, 3), _pick(rng, 2, 3)))


DRAW: dict[str, Callable[[Random], Block]] = {
    "argmax": argmax,
    "concat": concat,
    "dense_binary": dense_binary,
    "dense_folded": dense_folded,
    "depthwise": depthwise,
    "eltwise": eltwise,
    "fifo": fifo,
    "fork": fork,
    "frame": frame,
    "multiply_shift": multiply_shift,
    "pad": pad,
    "permute": permute,
    "pool": pool,
    "replay": replay,
    "round_shift": round_shift,
    "shuffle": shuffle,
    "skid": skid,
    "slice": slice_,
    "table": table,
    "threshold": threshold,
    "threshold_search": threshold_search,
    "upsample": upsample,
    "width": width,
    "window": window,
    "window_parallel": window_parallel,
}
"""What draws a block of each kind; the spatial engine is sampled by networks only, whose weights it needs."""


def sample(name: str, index: int) -> Block:
    """Return the block number ``index`` of a kind; the same on every machine."""
    rng = np.random.default_rng([zlib.crc32(name.encode()), index])
    for _ in range(TRIES):
        try:
            block = DRAW[name](rng)
            cost = block.cost(FAMILIES["ice40"])
        except (MappingError, ValueError):
            continue
        if cost.lut <= MOST_LUTS and cost.ff <= 2 * MOST_LUTS and block.written_bits <= 1 << 17:
            return block
    raise RuntimeError(f"no {name} was accepted in {TRIES} tries")
