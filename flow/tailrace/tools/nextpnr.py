# SPDX-License-Identifier: Apache-2.0
"""nextpnr: place and route for the families that it knows, from blocks that are mapped already.

The blocks come as RTLIL from :func:`tailrace.tools.yosys.synthesize` and are not synthesized again: while the
small top around them is, they are black boxes; then they are put in place and the design is flattened.
"""

from __future__ import annotations

import functools
import importlib.metadata
import json
import re
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tailrace.core.data import data_folder, templates
from tailrace.core.errors import ToolError
from tailrace.targets.families import placed
from tailrace.targets.parts import Part, part
from tailrace.tools.process import capture, find_executable, run
from tailrace.tools.yosys import recipe, yosys_command

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tailrace.targets.family import Nextpnr

PLACE_SECONDS = 3600.0
"""Time limit of one place and route."""

HARNESS_PORTS = ("clk", "load", "serial_in", "serial_out")
"""Those of ``sim/place_harness.v.j2``, in the order of a part's ``harness_pins``."""

MODULE = re.compile(r"^module \\(\S+)$", re.MULTILINE)
"""The header of a module in RTLIL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Routed:
    """A placed and routed design.

    ``fmax_mhz`` is that of the slowest clock as nextpnr's timing analysis has it, None without a clocked
    path; ``met`` says whether it reaches the clock asked for. ``utilization`` is (used, available) by
    nextpnr's name of the cell (TRELLIS_COMB, TRELLIS_FF, DP16KD; ICESTORM_LC, ICESTORM_RAM), the harness
    included, whose flip-flops are ``harness_bits`` (0 without). ``bitstream`` is None where there is no
    packer. ``version`` is for reports, such as ``nextpnr-ecp5 0.11.1``.
    """

    fmax_mhz: float | None
    met: bool
    utilization: Mapping[str, tuple[int, int]]
    bitstream: Path | None
    seconds: float
    version: str
    harness_bits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Port:
    name: str
    direction: str
    bits: int


def place_and_route(
    *,
    top: str,
    block_rtlil: Sequence[Path],
    sources: Sequence[Path],
    folder: Path,
    part: Part | str,
    clock_mhz: float,
    seed: int = 1,
    timeout_seconds: float = PLACE_SECONDS,
    constraints: Path | None = None,
) -> Routed:
    """Place and route ``top`` on ``part``, with ``clock_mhz`` as the target (missing it is no error).

    ``block_rtlil`` are mapped modules of the part's family, ``sources`` the Verilog around them (may be empty
    where ``top`` is one of the mapped modules). ``top`` has the clock ``clk``. Without ``constraints`` it is
    wrapped in the module ``<top>_harness`` with four pins: a shift register feeds every input but ``clk``,
    another one reads every output, so that any width fits and every path is between registers. With
    ``constraints`` (LPF, PCF or CST) ``top`` itself is placed and its ports are the pins named there. All files
    are in ``folder``, which is made.

    Raises:
        ToolError: no open tool places this part, a program is missing or failed, or the time was over; a
            design that does not fit is such a failure, too.

    """
    target, tool = _placeable(part)
    folder.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    module, harness_bits, pins = top, 0, ""
    if constraints is not None:
        # Into the folder: the wasm programs have another /tmp.
        pins = shutil.copyfile(constraints, folder / f"{module}.pins").name
    else:
        ports = _ports(top, block_rtlil, sources, folder, timeout_seconds)
        module = f"{top}_harness"
        harness_bits = sum(port.bits for port in ports if port.name != "clk")
        (folder / f"{module}.v").write_text(_harness(top, ports))
        pins = _harness_pins(module, target, tool, folder)
    extra = [folder / f"{module}.v"] if constraints is None else []
    _map(
        module,
        target=target,
        tool=tool,
        block_rtlil=block_rtlil,
        sources=[*sources, *extra],
        folder=folder,
        timeout_seconds=timeout_seconds,
    )
    _place(
        module,
        target=target,
        tool=tool,
        folder=folder,
        clock_mhz=clock_mhz,
        seed=seed,
        pins=pins,
        timeout_seconds=timeout_seconds,
    )
    bitstream = _pack(module, target, tool, folder)
    report = json.loads((folder / f"{module}_report.json").read_text())
    achieved = [float(clock["achieved"]) for clock in report["fmax"].values()]
    fmax_mhz = min(achieved) if achieved else None
    return Routed(
        fmax_mhz=fmax_mhz,
        met=fmax_mhz is None or fmax_mhz >= clock_mhz,
        utilization={
            cell: (int(count["used"]), int(count["available"]))
            for cell, count in sorted(report["utilization"].items())
        },
        bitstream=bitstream,
        seconds=round(time.monotonic() - start, 2),
        version=nextpnr_version(tool.program),
        harness_bits=harness_bits,
    )


@functools.cache
def nextpnr_version(name: str) -> str:
    """Return name and version of the nextpnr in use, such as ``nextpnr-ecp5 0.11.1``."""
    program = _program(name)
    if program.startswith("yowasp"):
        return f"{name} {'.'.join(importlib.metadata.version(program).split('.')[:3])}"
    said = capture(["sh", "-c", f"{program} --version 2>&1"])
    numbers = re.search(r"nextpnr-([\w.-]+)\)", said)
    return f"{name} {numbers[1] if numbers else ''}".strip()


def placer_found(name: str) -> bool:
    """Return whether a nextpnr is installed, such as ``nextpnr-ecp5``: the program itself or the wheel's."""
    return find_executable(_program(name)) is not None


def _placeable(wanted: Part | str) -> tuple[Part, Nextpnr]:
    target = part(wanted) if isinstance(wanted, str) else wanted
    tool = target.family.nextpnr
    if tool is None or not target.placer_options:
        *most, last = (each.name for each in placed())
        raise ToolError(
            f"nextpnr does not place {target.name}",
            hint=f"it places {', '.join(most)} and {last} parts (tailrace parts); use --tool "
            f"{target.tools[0] if target.tools else 'yosys'}, or --tool yosys for the resources alone",
        )
    return target, tool


def _program(name: str) -> str:
    """Return the native program if there is one, else the name of the wheel's (found or not)."""
    return name if find_executable(name) else f"yowasp-{name}"


def _blocks(block_rtlil: Sequence[Path]) -> list[str]:
    """Return the names of the mapped modules."""
    names = []
    for path in block_rtlil:
        names += MODULE.findall(path.read_text(encoding="utf-8"))
    return names


def _read(block_rtlil: Sequence[Path], sources: Sequence[Path], *, but: str = "") -> list[str]:
    """Return the script lines that read everything, with the blocks (``but`` one) as black boxes."""
    names = [name for name in _blocks(block_rtlil) if name != but]
    return [
        *(f'read_rtlil "{path.resolve()}"' for path in block_rtlil),
        *([f"blackbox {' '.join(names)}"] if names else []),
        *(f'read_verilog "{path.resolve()}"' for path in sources),
    ]


def _yosys(name: str, lines: Sequence[str], folder: Path, timeout_seconds: float) -> None:
    (folder / f"{name}.ys").write_text("\n".join([*lines, ""]))
    run(yosys_command(f"{name}.ys"), cwd=folder, log=folder / f"{name}.log", timeout_seconds=timeout_seconds)


def _ports(
    top: str, block_rtlil: Sequence[Path], sources: Sequence[Path], folder: Path, timeout_seconds: float
) -> list[_Port]:
    """Ask yosys for the ports of ``top``."""
    output = folder / f"{top}_ports.json"
    output.unlink(missing_ok=True)
    is_block = top in _blocks(block_rtlil)
    lines = [
        *_read(block_rtlil, sources, but=top),
        *([f"delete {top}/c:*", "opt_clean"] if is_block else [f"hierarchy -check -top {top}"]),
        f"select {top}",
        f"write_json -selected {output.name}",
    ]
    _yosys(f"{top}_ports", lines, folder, timeout_seconds)
    ports = json.loads(output.read_text())["modules"][top]["ports"]
    found = [
        _Port(name=name, direction=port["direction"], bits=len(port["bits"])) for name, port in ports.items()
    ]
    if not any(port.name == "clk" and port.direction == "input" for port in found):
        raise ToolError(f"{top} has no input clk", hint="place_and_route drives the clock of that name")
    return found


def _harness(top: str, ports: Sequence[_Port]) -> str:
    """Write the module that turns every port of ``top`` into bits of two shift registers."""
    placed = []
    bits = {"input": 0, "output": 0}
    signals = {"input": "stimulus_q", "output": "response"}
    for port in ports:
        if port.name == "clk":
            continue
        if port.direction not in bits:
            raise ToolError(
                f"{top} has the {port.direction} port {port.name}, which the harness cannot drive"
            )
        placed.append(
            {
                "name": port.name,
                "signal": signals[port.direction],
                "low": bits[port.direction],
                "bits": port.bits,
            }
        )
        bits[port.direction] += port.bits
    return (
        templates("sim")
        .get_template("place_harness.v.j2")
        .render(top=top, ports=placed, in_bits=max(1, bits["input"]), out_bits=max(1, bits["output"]))
    )


def _harness_pins(module: str, target: Part, tool: Nextpnr, folder: Path) -> str:
    """Write the file that places the pins of the harness and return its name; "" where nextpnr chooses them."""
    if not tool.pin:
        return ""
    path = folder / f"{module}.pins"
    lines = [
        tool.pin.format(port=port, pin=pin)
        for port, pin in zip(HARNESS_PORTS, target.harness_pins, strict=True)
    ]
    path.write_text("\n".join([*lines, ""]))
    return path.name


def _map(
    module: str,
    *,
    target: Part,
    tool: Nextpnr,
    block_rtlil: Sequence[Path],
    sources: Sequence[Path],
    folder: Path,
    timeout_seconds: float,
) -> None:
    """Synthesize what is around the blocks, put the blocks in, and write the JSON for nextpnr."""
    output = folder / f"{module}.json"
    output.unlink(missing_ok=True)
    _yosys(
        f"{module}_map",
        [
            *_read(block_rtlil, sources),
            f"hierarchy -check -top {module}",
            f"{tool.command or recipe(target.family).command} -top {module}",
            *(f'read_rtlil -overwrite "{path.resolve()}"' for path in block_rtlil),
            f"hierarchy -check -top {module}",
            "flatten",
            "opt_clean",
            *_filled(tool.before, ip=str(data_folder("ip"))),
            f"select {module}",
            f"write_json -selected {output.name}",
        ],
        folder,
        timeout_seconds,
    )


def _place(
    module: str,
    *,
    target: Part,
    tool: Nextpnr,
    folder: Path,
    clock_mhz: float,
    seed: int,
    pins: str,
    timeout_seconds: float,
) -> None:
    report = folder / f"{module}_report.json"
    report.unlink(missing_ok=True)
    run(
        [
            _program(tool.program),
            *target.placer_options,
            *("--json", f"{module}.json", "--top", module, "--seed", str(seed), "--freq", f"{clock_mhz:g}"),
            *(_filled(tool.constraints, file=pins) if pins else tool.unconstrained),
            *tool.options,
            *("--timing-allow-fail", "--report", report.name),
            *_filled(tool.output, config=f"{module}.config"),
        ],
        cwd=folder,
        log=folder / f"{module}_nextpnr.log",
        timeout_seconds=timeout_seconds,
    )


def _filled(arguments: Sequence[str], **files: str) -> list[str]:
    """Return the arguments with the names of files in their places."""
    return [each.format_map(files) for each in arguments]


def _pack(module: str, target: Part, tool: Nextpnr, folder: Path) -> Path | None:
    """Write the bitstream; None where there is no packer or it is not installed."""
    packer = tool.packer
    if packer is None or not find_executable(_program(packer.program)):
        return None
    output = folder / f"{module}{packer.suffix}"
    output.unlink(missing_ok=True)
    files = {"config": f"{module}.config", "bitstream": output.name}
    run(
        [_program(packer.program), *target.packer_options, *_filled(packer.arguments, **files)],
        cwd=folder,
        log=folder / f"{module}_pack.log",
        timeout_seconds=600,
    )
    return output
