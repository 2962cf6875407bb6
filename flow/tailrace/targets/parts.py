# SPDX-License-Identifier: Apache-2.0
"""The FPGAs tailrace knows: what is in them, and what the tools call them; libraries of standard cells."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tailrace.core.errors import UsageError
from tailrace.core.names import did_you_mean
from tailrace.core.resources import Resources
from tailrace.targets.families.ecp5 import ECP5
from tailrace.targets.families.gatemate import GATEMATE
from tailrace.targets.families.gowin import GW1N, GW2A
from tailrace.targets.families.ice40 import ICE40
from tailrace.targets.families.machxo import MACHXO2, MACHXO3
from tailrace.targets.families.nexus import NEXUS
from tailrace.targets.families.vendor import ALM, ASIC, LE, POLARFIRE
from tailrace.targets.families.xilinx import XC7, XCUP

if TYPE_CHECKING:
    from tailrace.targets.family import Family

LIBERTY = "liberty:"
"""What the name of a part begins with that is a standard-cell library: ``liberty:FILE``, ``liberty:FILE,FILE``."""

WITHOUT_LIMIT = 10**12

VENDOR_TOOLS = ("vivado", "vitis", "quartus", "libero", "radiant")
"""The vendors' tools for which there is a flow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An FPGA.

    ``family`` says what its cells and its tools are, ``device`` is the full name for the vendor's tools and
    ``series`` what they call its family (empty where they do not ask), ``tools`` are the vendor flows that know it,
    ``placer_options`` are device and package for nextpnr (empty: nextpnr cannot place it), ``packer_options`` the
    same for the packer, ``harness_pins`` those of clk, load, serial_in and serial_out of the place harness where
    nextpnr does not choose them, ``performance`` is the grade that Radiant is told (empty: it follows from the
    device). The counts are those of the whole device: LUTs of the family's size (ALMs for alm, logic elements for
    le), 18 kbit block RAMs (an iCE40 block of 4 kbit counts 0.25, 9 and 10 kbit of Intel count 0.5, 20 kbit count 1),
    multiplier blocks, URAMs (for the iCE40 UltraPlus: its single-port RAMs).

    A standard-cell library is a part of the family of standard cells: ``liberty`` names its files, no count limits it.
    """

    name: str
    vendor: str
    family: Family
    device: str
    lut: int
    ff: int
    dsp: int
    bram18: float
    uram: int = 0
    placer_options: tuple[str, ...] = ()
    packer_options: tuple[str, ...] = ()
    harness_pins: tuple[str, ...] = ()
    series: str = ""
    tools: tuple[str, ...] = ()
    performance: str = ""
    liberty: tuple[str, ...] = ()

    @property
    def estimator(self) -> Family:
        """The family with whose cells the planner counts.

        LUTs of six inputs stand for an ALM, LUTs of four for the vendors' other families and for standard cells.
        """
        return self.family.counted

    @property
    def open_synthesis(self) -> bool:
        """Whether yosys synthesizes for it here: for standard cells it does as well."""
        return bool(self.liberty) or self.family.yosys is not None

    @property
    def open_flow(self) -> str:
        """How far the open tools go: "bitstream", "placed", "synthesis", or "" where they do not know the part."""
        if not self.open_synthesis:
            return ""
        if not self.placer_options or not self.family.nextpnr:
            return "synthesis"
        return "bitstream" if self.family.nextpnr.packer else "placed"

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


Cells = tuple[int, int, int, float]
"""The LUTs, flip-flops, multiplier blocks and 18 kbit block RAMs of a part."""


def _part(
    vendor: str,
    family: Family,
    name: str,
    device: str,
    cells: Cells,
    *,
    uram: int = 0,
    series: str = "",
    tools: tuple[str, ...] = (),
    placer: tuple[str, ...] = (),
    packer: tuple[str, ...] = (),
    pins: tuple[str, ...] = (),
    performance: str = "",
) -> Part:
    lut, ff, dsp, bram18 = cells
    return Part(
        name=name,
        vendor=vendor,
        family=family,
        device=device,
        lut=lut,
        ff=ff,
        dsp=dsp,
        bram18=bram18,
        uram=uram,
        series=series,
        tools=tools,
        placer_options=placer,
        packer_options=packer,
        harness_pins=pins,
        performance=performance,
    )


def _xilinx(  # noqa: PLR0917 - rows of a table
    family: Family, device: str, lut: int, ff: int, dsp: int, bram36: int, uram: int = 0, *, name: str = ""
) -> Part:
    known, cells = name or device.split("-", maxsplit=1)[0], (lut, ff, dsp, 2 * bram36)
    return _part("xilinx", family, known, device, cells, uram=uram, tools=("vivado", "vitis"))


def _ecp5(size: str, device: str, lut: int, dsp: int, bram: int, *, prefix: str = "") -> Part:
    kind = f"--{prefix}{'-' if prefix else ''}{size}"
    placer = (kind, "--package", "CABGA381", "--speed", device.split("-")[2][0])
    return _part("lattice", ECP5, f"ecp5{prefix}-{size}", device, (lut, lut, dsp, bram), placer=placer)


def _ice40(  # noqa: PLR0917 - rows of a table
    size: str, package: str, cells: int, blocks: int, dsp: int = 0, uram: int = 0, *, radiant: str = ""
) -> Part:
    return _part(
        "lattice",
        ICE40,
        f"ice40-{size}",
        radiant or f"ice40{size}-{package}",
        (cells, cells, dsp, blocks / 4),
        uram=uram,
        tools=("radiant",) if radiant else (),
        performance="High-Performance_1.2V" if radiant else "",
        placer=(f"--{size}", "--package", package),
    )


def _intel(  # noqa: PLR0917 - rows of a table
    family: Family, series: str, device: str, cells: int, ff: int, dsp: int, bram18: float, *, name: str
) -> Part:
    return _part("intel", family, name, device, (cells, ff, dsp, bram18), series=series, tools=("quartus",))


def _polarfire(series: str, device: str, lut: int, dsp: int, blocks: int) -> Part:
    name = device.split("-", maxsplit=1)[0].lower()
    return _part(
        "microchip", POLARFIRE, name, device, (lut, lut, dsp, blocks), series=series, tools=("libero",)
    )


def _nexus(  # noqa: PLR0917 - rows of a table
    name: str, device: str, lut: int, dsp: int, blocks: int, pins: tuple[str, ...] = ()
) -> Part:
    placer = ("--device", device) if pins else ()
    cells = (lut, lut, dsp, blocks)
    return _part("lattice", NEXUS, name, device, cells, tools=("radiant",), placer=placer, pins=pins)


def _machxo(family: Family, name: str, device: str, lut: int, blocks: int) -> Part:
    return _part("lattice", family, name, device, (lut, lut, 0, blocks / 2), placer=("--device", device))


def _gowin(  # noqa: PLR0917 - rows of a table
    family: Family, name: str, device: str, die: str, cells: Cells, pins: tuple[str, ...]
) -> Part:
    placer = ("--device", device, "--vopt", f"family={die}")
    return _part("gowin", family, name, device, cells, placer=placer, packer=("-d", die), pins=pins)


PARTS: tuple[Part, ...] = (
    # 7 series (DS180, DS190): LUT6, FF, DSP48E1, RAMB36
    _xilinx(XC7, "xc7z010clg400-1", 17_600, 35_200, 80, 60, name="xc7z010"),
    _xilinx(XC7, "xc7z020clg400-1", 53_200, 106_400, 220, 140, name="xc7z020"),
    _xilinx(XC7, "xc7z030ffg676-2", 78_600, 157_200, 400, 265, name="xc7z030"),
    _xilinx(XC7, "xc7z045ffg900-2", 218_600, 437_200, 900, 545, name="xc7z045"),
    _xilinx(XC7, "xc7a35tcsg324-1", 20_800, 41_600, 90, 50, name="xc7a35t"),
    _xilinx(XC7, "xc7a50tcsg324-1", 32_600, 65_200, 120, 75, name="xc7a50t"),
    _xilinx(XC7, "xc7a100tcsg324-1", 63_400, 126_800, 240, 135, name="xc7a100t"),
    _xilinx(XC7, "xc7a200tsbg484-1", 134_600, 269_200, 740, 365, name="xc7a200t"),
    _xilinx(XC7, "xc7k160tffg676-2", 101_400, 202_800, 600, 325, name="xc7k160t"),
    _xilinx(XC7, "xc7k325tffg900-2", 203_800, 407_600, 840, 445, name="xc7k325t"),
    _xilinx(XC7, "xc7k410tffg900-2", 254_200, 508_400, 1_540, 795, name="xc7k410t"),
    _xilinx(XC7, "xc7vx690tffg1761-2", 433_200, 866_400, 3_600, 1_470, name="xc7vx690t"),
    # UltraScale+ (DS891, DS890): LUT6, FF, DSP48E2, RAMB36, URAM
    _xilinx(XCUP, "xczu3eg-sbva484-1-i", 70_560, 141_120, 360, 216),
    _xilinx(XCUP, "xczu7ev-ffvc1156-2-e", 230_400, 460_800, 1_728, 312, 96),
    _xilinx(XCUP, "xczu9eg-ffvb1156-2-e", 274_080, 548_160, 2_520, 912),
    _xilinx(XCUP, "xczu28dr-ffvg1517-2-e", 425_280, 850_560, 4_272, 1_080, 80),
    _xilinx(XCUP, "xck26-sfvc784-2LV-c", 117_120, 234_240, 1_248, 144, 64),
    _xilinx(XCUP, "xcku5p-ffvb676-2-e", 216_960, 433_920, 1_824, 480, 64),
    _xilinx(XCUP, "xcvu9p-flga2104-2L-e", 1_182_240, 2_364_480, 6_840, 2_160, 960),
    _xilinx(XCUP, "xcvu13p-flga2577-2-e", 1_728_000, 3_456_000, 12_288, 2_688, 1_280),
    _xilinx(XCUP, "xcu250-figd2104-2L-e", 1_728_000, 3_456_000, 12_288, 2_688, 1_280),
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
    _ice40("up5k", "sg48", 5_280, 30, 8, 4, radiant="iCE40UP5K-SG48I"),
    # Intel with adaptive logic modules (CV-51001, A10-OVERVIEW, fitter reports): ALM, FF, DSP block, M10K or M20K
    _intel(ALM, "Cyclone V", "5CSEMA5F31C6", 32_070, 128_280, 87, 397 / 2, name="5csema5"),
    _intel(ALM, "Cyclone V", "5CGXFC7C7F23C8", 56_480, 225_920, 156, 686 / 2, name="5cgxfc7"),
    _intel(ALM, "Arria 10", "10AX115N2F45E1SG", 427_200, 1_708_800, 1_518, 2_713, name="10ax115"),
    _intel(ALM, "Agilex 7", "AGFB014R24A2I2V", 487_200, 1_948_800, 4_510, 7_110, name="agfb014"),
    # Intel with logic elements (CYIV-51001, C10LP51001, M10-OVERVIEW): LE, FF, 18x18 multiplier, M9K
    _intel(LE, "MAX 10", "10M08SAU169C8G", 8_064, 8_064, 24, 42 / 2, name="10m08"),
    _intel(LE, "MAX 10", "10M50DAF484C7G", 49_760, 49_760, 144, 182 / 2, name="10m50"),
    _intel(LE, "Cyclone IV E", "EP4CE22F17C6", 22_320, 22_320, 66, 66 / 2, name="ep4ce22"),
    _intel(LE, "Cyclone 10 LP", "10CL025YU256C8G", 24_624, 24_624, 66, 66 / 2, name="10cl025"),
    # Microchip PolarFire and PolarFire SoC (DS00003831, DS00004248): 4LUT, DFF, math block, LSRAM of 20 kbit
    _polarfire("PolarFire", "MPF100T-FCG484-1", 108_600, 336, 352),
    _polarfire("PolarFire", "MPF300T-FCG1152-1", 299_544, 924, 952),
    _polarfire("PolarFireSoC", "MPFS095T-FCSG325-1", 93_516, 292, 308),
    _polarfire("PolarFireSoC", "MPFS250T-FCVG484-1", 254_196, 784, 812),
    # Lattice Nexus (FPGA-DS-02049, FPGA-DS-02078, FPGA-DS-02086): LUT4, FF, 18x18 multiplier, EBR of 18 kbit
    # The pins of the CrossLink-NX evaluation board; nextpnr has no data of LFCPNX, and wants a place for every pin.
    _nexus("lifcl-40", "LIFCL-40-9BG400C", 32_256, 56, 84, ("L13", "G14", "G15", "E17")),
    _nexus("lfd2nx-40", "LFD2NX-40-9BG256C", 32_256, 56, 84),
    _nexus("lfcpnx-100", "LFCPNX-100-9BBG484C", 79_872, 156, 208),
    # Lattice MachXO2 and MachXO3 (FPGA-DS-02056, FPGA-DS-02032): LUT4, one FF each, EBR of 9 kbit
    _machxo(MACHXO2, "machxo2-1200", "LCMXO2-1200HC-4TG100C", 1_280, 7),
    _machxo(MACHXO3, "machxo3lf-6900", "LCMXO3LF-6900C-6BG256C", 6_864, 26),
    # Gowin (DS117, DS226): LUT4, FF, 18x18 multiplier, BSRAM of 18 kbit; the pins of the Tang Nano boards
    _gowin(
        GW1N, "gw1nr-9c", "GW1NR-LV9QN88PC6/I5", "GW1N-9C", (8_640, 6_480, 20, 26), ("52", "3", "4", "10")
    ),
    _gowin(
        GW2A,
        "gw2ar-18c",
        "GW2AR-LV18QN88C8/I7",
        "GW2A-18C",
        (20_736, 15_552, 48, 46),
        ("4", "88", "87", "15"),
    ),
    # Cologne Chip GateMate (DS1001): halves of a CPE, each with a FF; two blocks of 20 kbit in each of 32
    _part(
        "colognechip", GATEMATE, "ccgm1a1", "CCGM1A1", (40_960, 40_960, 0, 64), placer=("--device", "CCGM1A1")
    ),
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
    "gw1nr-lv9": "gw1nr-9c",
    "gw2ar-lv18": "gw2ar-18c",
    "lcmxo2-1200": "machxo2-1200",
    "lcmxo3lf-6900": "machxo3lf-6900",
}
"""Other names of parts: the module or card that carries them, and how Lattice's names begin."""


def _liberty_part(name: str) -> Part:
    """Return the part of a ``liberty:FILE,FILE``; UsageError where a file is not there."""
    files = tuple(file for file in name[len(LIBERTY) :].split(",") if file)
    missing = [file for file in files if not Path(file).is_file()]
    if missing or not files:
        raise UsageError(
            "there is no such file" if missing else f"{name!r} names no file",
            where=missing[0] if missing else None,
            hint="give the .lib (or .lib.gz) of a PDK, several with commas: --part liberty:cells.lib,pads.lib",
        )
    stem = Path(files[0]).name.removesuffix(".gz").removesuffix(".lib")
    return Part(
        name=f"{LIBERTY}{stem}",
        vendor=ASIC.name,
        family=ASIC,
        device=stem,
        lut=WITHOUT_LIMIT,
        ff=WITHOUT_LIMIT,
        dsp=0,
        bram18=0,
        liberty=files,
    )


def part(name: str) -> Part:
    """Return the part of this name.

    Upper case is lower case, and the vendor's full name is understood: ``xczu7ev-ffvc1156-2-e`` is the
    ``xczu7ev`` with that very name as its ``device``. ``liberty:FILE`` is a standard-cell library.

    Raises:
        UsageError: there is no such part; the hint has names that look alike.

    """
    if name.startswith(LIBERTY):
        return _liberty_part(name)
    by_name = {each.name: each for each in PARTS}
    by_name |= {alias: by_name[target] for alias, target in ALIASES.items()}
    wanted = name.strip().lower()
    if wanted in by_name:
        return by_name[wanted]
    prefixes = [known for known in by_name if wanted.startswith(known)]
    if prefixes:
        found = by_name[max(prefixes, key=len)]
        return replace(found, device=name.strip())
    raise UsageError(f"there is no part {name!r}", hint=did_you_mean(wanted, by_name, "tailrace parts"))
