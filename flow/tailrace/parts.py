# SPDX-License-Identifier: Apache-2.0
"""The FPGAs tailrace knows: what is in them, and what the tools call them; and the boards they are on."""

from __future__ import annotations

import difflib
import functools
import tomllib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tailrace.data import data_folder
from tailrace.errors import UsageError
from tailrace.resources import Resources

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An FPGA.

    ``family`` selects the synthesis (xc7, xcup, ecp5, ice40), ``device`` is the full name for the vendor's
    tools, ``placer_options`` are device and package for nextpnr (empty: nextpnr cannot place it). The counts
    are those of the whole device: LUTs of the family's size, 18 kbit block RAMs (an iCE40 block of 4 kbit
    counts 0.25), multiplier blocks, URAMs (for the iCE40 UltraPlus: its single-port RAMs).
    """

    name: str
    vendor: str
    family: str
    device: str
    lut: int
    ff: int
    dsp: int
    bram18: float
    uram: int = 0
    placer_options: tuple[str, ...] = ()

    @property
    def resources(self) -> Resources:
        """All of the device; carry cells are not limited apart from the LUTs."""
        return Resources(
            lut=float(self.lut),
            ff=float(self.ff),
            dsp=float(self.dsp),
            bram18=self.bram18,
            uram=float(self.uram),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A board: its part, the frequency of the oscillator that ``clk`` comes from, and its constraint file.

    ``constraints`` is None where tailrace has no pins for the board; ``folder`` is where ``board.toml`` is.
    """

    name: str
    title: str
    part: Part
    clock_mhz: float
    constraints: Path | None
    folder: Path


def _xilinx(  # noqa: PLR0917 - rows of a table
    family: str, device: str, lut: int, ff: int, dsp: int, bram36: int, uram: int = 0, *, name: str = ""
) -> Part:
    return Part(
        name=name or device.split("-", maxsplit=1)[0],
        vendor="xilinx",
        family=family,
        device=device,
        lut=lut,
        ff=ff,
        dsp=dsp,
        bram18=2 * bram36,
        uram=uram,
    )


def _ecp5(size: str, device: str, lut: int, dsp: int, bram: int, *, prefix: str = "") -> Part:
    return Part(
        name=f"ecp5{prefix}-{size}",
        vendor="lattice",
        family="ecp5",
        device=device,
        lut=lut,
        ff=lut,
        dsp=dsp,
        bram18=bram,
        placer_options=(
            f"--{prefix}{'-' if prefix else ''}{size}",
            "--package",
            "CABGA381",
            "--speed",
            device.split("-")[2][0],
        ),
    )


def _ice40(  # noqa: PLR0917 - rows of a table
    size: str, package: str, cells: int, blocks: int, dsp: int = 0, uram: int = 0
) -> Part:
    return Part(
        name=f"ice40-{size}",
        vendor="lattice",
        family="ice40",
        device=f"ice40{size}-{package}",
        lut=cells,
        ff=cells,
        dsp=dsp,
        bram18=blocks / 4,
        uram=uram,
        placer_options=(f"--{size}", "--package", package),
    )


PARTS: tuple[Part, ...] = (
    # 7 series (DS180, DS190): LUT6, FF, DSP48E1, RAMB36
    _xilinx("xc7", "xc7z010clg400-1", 17_600, 35_200, 80, 60, name="xc7z010"),
    _xilinx("xc7", "xc7z020clg400-1", 53_200, 106_400, 220, 140, name="xc7z020"),
    _xilinx("xc7", "xc7z030ffg676-2", 78_600, 157_200, 400, 265, name="xc7z030"),
    _xilinx("xc7", "xc7z045ffg900-2", 218_600, 437_200, 900, 545, name="xc7z045"),
    _xilinx("xc7", "xc7a35tcsg324-1", 20_800, 41_600, 90, 50, name="xc7a35t"),
    _xilinx("xc7", "xc7a50tcsg324-1", 32_600, 65_200, 120, 75, name="xc7a50t"),
    _xilinx("xc7", "xc7a100tcsg324-1", 63_400, 126_800, 240, 135, name="xc7a100t"),
    _xilinx("xc7", "xc7a200tsbg484-1", 134_600, 269_200, 740, 365, name="xc7a200t"),
    _xilinx("xc7", "xc7k160tffg676-2", 101_400, 202_800, 600, 325, name="xc7k160t"),
    _xilinx("xc7", "xc7k325tffg900-2", 203_800, 407_600, 840, 445, name="xc7k325t"),
    _xilinx("xc7", "xc7k410tffg900-2", 254_200, 508_400, 1_540, 795, name="xc7k410t"),
    _xilinx("xc7", "xc7vx690tffg1761-2", 433_200, 866_400, 3_600, 1_470, name="xc7vx690t"),
    # UltraScale+ (DS891, DS890): LUT6, FF, DSP48E2, RAMB36, URAM
    _xilinx("xcup", "xczu3eg-sbva484-1-i", 70_560, 141_120, 360, 216),
    _xilinx("xcup", "xczu7ev-ffvc1156-2-e", 230_400, 460_800, 1_728, 312, 96),
    _xilinx("xcup", "xczu9eg-ffvb1156-2-e", 274_080, 548_160, 2_520, 912),
    _xilinx("xcup", "xczu28dr-ffvg1517-2-e", 425_280, 850_560, 4_272, 1_080, 80),
    _xilinx("xcup", "xck26-sfvc784-2LV-c", 117_120, 234_240, 1_248, 144, 64),
    _xilinx("xcup", "xcku5p-ffvb676-2-e", 216_960, 433_920, 1_824, 480, 64),
    _xilinx("xcup", "xcvu9p-flga2104-2L-e", 1_182_240, 2_364_480, 6_840, 2_160, 960),
    _xilinx("xcup", "xcvu13p-flga2577-2-e", 1_728_000, 3_456_000, 12_288, 2_688, 1_280),
    _xilinx("xcup", "xcu250-figd2104-2L-e", 1_728_000, 3_456_000, 12_288, 2_688, 1_280),
    # ECP5 (FPGA-DS-02012): LUT4, one FF each, 18x18 multipliers, 18 kbit blocks. The 12k is sold with half of
    # the LUTs of the 25k; nextpnr places on the whole die.
    _ecp5("12k", "LFE5U-12F-6BG381C", 12_000, 28, 32),
    _ecp5("25k", "LFE5U-25F-6BG381C", 24_288, 28, 56),
    _ecp5("45k", "LFE5U-45F-6BG381C", 43_848, 72, 108),
    _ecp5("85k", "LFE5U-85F-6BG381C", 83_640, 156, 208),
    _ecp5("85k", "LFE5UM5G-85F-8BG381C", 83_640, 156, 208, prefix="um5g"),
    # iCE40 (FPGA-DS-02029, FPGA-DS-02008): logic cells of one LUT4 and one FF, blocks of 4 kbit
    _ice40("hx1k", "tq144", 1_280, 16),
    _ice40("hx4k", "tq144", 3_520, 20),
    _ice40("hx8k", "ct256", 7_680, 32),
    _ice40("up5k", "sg48", 5_280, 30, 8, 4),
)
"""Every part, by vendor and size."""

ALIASES: dict[str, str] = {
    "kv260": "xck26",
    "alveo-u250": "xcu250",
    "u250": "xcu250",
    "lfe5u-12f": "ecp5-12k",
    "lfe5u-25f": "ecp5-25k",
    "lfe5u-45f": "ecp5-45k",
    "lfe5u-85f": "ecp5-85k",
    "lfe5um5g-85f": "ecp5um5g-85k",
    "ice40hx1k": "ice40-hx1k",
    "ice40hx4k": "ice40-hx4k",
    "ice40hx8k": "ice40-hx8k",
    "ice40up5k": "ice40-up5k",
}
"""Other names of parts: the module or card that carries them, and how Lattice's names begin."""


def part(name: str) -> Part:
    """Return the part of this name.

    Upper case is lower case, and the vendor's full name is understood: ``xczu7ev-ffvc1156-2-e`` is the
    ``xczu7ev`` with that very name as its ``device``.

    Raises:
        UsageError: there is no such part; the hint has names that look alike.

    """
    by_name = {each.name: each for each in PARTS}
    by_name |= {alias: by_name[target] for alias, target in ALIASES.items()}
    wanted = name.strip().lower()
    if wanted in by_name:
        return by_name[wanted]
    prefixes = [known for known in by_name if wanted.startswith(known)]
    if prefixes:
        found = by_name[max(prefixes, key=len)]
        return replace(found, device=name.strip())
    raise UsageError(
        f"there is no part {name!r}", hint=_did_you_mean(wanted, list(by_name), "tailrace parts")
    )


def boards() -> tuple[Board, ...]:
    """Return every board in ``constraints/``, by name."""
    return tuple(_read_board(path) for path in sorted(data_folder("constraints").glob("*/board.toml")))


def board(name: str) -> Board:
    """Return the board of this name.

    Raises:
        UsageError: there is no such board; the hint has names that look alike.

    """
    by_name = {each.name: each for each in boards()}
    wanted = name.strip().lower()
    if wanted in by_name:
        return by_name[wanted]
    raise UsageError(
        f"there is no board {name!r}", hint=_did_you_mean(wanted, list(by_name), "tailrace boards")
    )


@functools.cache
def _read_board(path: Path) -> Board:
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    constraints = values.get("constraints")
    return Board(
        name=path.parent.name,
        title=values["title"],
        part=replace(part(values["part"]), device=values.get("device", part(values["part"]).device)),
        clock_mhz=float(values["clock_mhz"]),
        constraints=path.parent / constraints if constraints else None,
        folder=path.parent,
    )


def _did_you_mean(wanted: str, known: list[str], listing: str) -> str:
    close = difflib.get_close_matches(wanted, known, n=3, cutoff=0.6)
    question = f"did you mean {', '.join(close)}? " if close else ""
    return f"{question}{listing} lists all of them"
