# SPDX-License-Identifier: Apache-2.0
"""What every package is made of: the files of a design, its ports, and the name under which it goes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.core.data import templates
from tailrace.core.errors import TailraceError, UsageError
from tailrace.emission.bench import bench_view
from tailrace.packaging.ports import checked_ports

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tailrace.packaging.ports import ModulePort
    from tailrace.planning.plan import Plan
    from tailrace.targets.family import Family

WORD = re.compile(r"[A-Za-z0-9_.-]+")
VERSION = re.compile(r"\d+(\.\d+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Vlnv:
    """Vendor, library, name and version, by which IP-XACT and FuseSoC know a core."""

    vendor: str = "user"
    library: str = "tailrace"
    name: str
    version: str = "1.0"

    def __post_init__(self) -> None:
        for part in ("vendor", "library", "name"):
            if not WORD.fullmatch(getattr(self, part)):
                raise UsageError(
                    f"the {part} of the core is {getattr(self, part)!r}",
                    hint="use letters, digits and any of _ . -",
                )
        if not VERSION.fullmatch(self.version):
            raise UsageError(
                f"the version of the core is {self.version!r}", hint="write numbers, such as 1.0"
            )

    @staticmethod
    def parse(text: str) -> Vlnv:
        """Read ``vendor:library:name:version``."""
        parts = text.split(":")
        if len(parts) != 4:
            raise UsageError(
                f"the core's name is {text!r}",
                hint="wanted vendor:library:name:version, such as acme:nn:jets:1.0",
            )
        return Vlnv(vendor=parts[0], library=parts[1], name=parts[2], version=parts[3])

    def __str__(self) -> str:
        return f"{self.vendor}:{self.library}:{self.name}:{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """A design to be packaged: ``sources`` and ``memories`` are {file name: text}, top module last.

    ``family`` is that of the part it was built for; ``vectors`` are the texts of ``input.txt`` and ``expected.txt``,
    ``bench`` is the C++ bench for Verilator.
    """

    vlnv: Vlnv
    top: str
    family: Family
    clock_mhz: float
    summary: str
    ports: tuple[ModulePort, ...]
    sources: Mapping[str, str]
    memories: Mapping[str, str]
    vectors: Mapping[str, str]
    bench: str

    @property
    def clock_hz(self) -> int:
        """The clock target in Hz."""
        return round(self.clock_mhz * 1e6)


def read_core(plan: Plan, folder: Path, vlnv: Vlnv | None = None) -> Core:
    """Gather the design of ``plan`` from its build folder.

    Raises TailraceError where a file is missing or the top module has other ports than the plan.
    """
    rtl, sim = folder / "rtl", folder / "sim"
    try:
        names = (rtl / "files.f").read_text(encoding="utf-8").split()
        sources = {name: (rtl / name).read_text(encoding="utf-8") for name in names}
        memories = {path.name: path.read_text(encoding="utf-8") for path in sorted(rtl.glob("*.mem"))}
        vectors = {name: (sim / name).read_text(encoding="utf-8") for name in ("input.txt", "expected.txt")}
    except FileNotFoundError as error:
        raise TailraceError(
            "there is no such file, so the design is not whole",
            where=str(error.filename),
            hint="build with --backend rtl or both",
        ) from None
    view = bench_view(plan)
    return Core(
        vlnv=vlnv or Vlnv(name=plan.name),
        top=plan.name,
        family=plan.part.family,
        clock_mhz=plan.clock_mhz,
        summary=f"the network {plan.graph.name}: one frame every {plan.interval_cycles} cycles, "
        f"{len(plan.instances)} streaming blocks",
        ports=checked_ports(plan, rtl / f"{plan.name}.v"),
        sources=sources,
        memories=memories,
        vectors=vectors,
        bench=templates("sim").get_template("vector_bench.cpp.j2").render(**view),
    )
