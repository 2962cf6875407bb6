# SPDX-License-Identifier: Apache-2.0
"""Plan to ``vendor/``: the script, the clock constraint and the harness of every vendor flow that knows the part."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tailrace.core.data import templates
from tailrace.core.errors import UsageError
from tailrace.emission.rtl import source_names
from tailrace.targets.parts import PARTS, VENDOR_TOOLS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tailrace.planning.plan import Plan
    from tailrace.targets.boards import Board
    from tailrace.targets.parts import Part

CONTROLS = ("ap_ctrl_none", "ap_ctrl_hs")
"""How a core of Vitis HLS starts: by itself as soon as frames come, or with ap_start and ap_done."""

SCRIPT = "run.tcl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A vendor flow: what people call its tool, the commands that run the script (the first whose program is there).

    ``backend`` is what it reads (rtl, hls), ``constraints`` the files made of ``constraints/clock.*``, ``harness``
    whether the design goes behind four pins, because the tool has neither virtual pins nor a way without.
    """

    title: str
    commands: tuple[tuple[str, ...], ...]
    backend: str = "rtl"
    constraints: tuple[str, ...] = ()
    harness: bool = False


FLOWS: dict[str, Flow] = {
    "vivado": Flow(
        title="AMD Vivado",
        commands=(
            ("vivado", "-mode", "batch", "-notrace", "-nojournal", "-log", "vivado.log", "-source", SCRIPT),
        ),
        constraints=("clock.xdc",),
    ),
    "vitis": Flow(
        title="AMD Vitis HLS",
        commands=(("vitis-run", "--mode", "hls", "--tcl", SCRIPT), ("vitis_hls", "-f", SCRIPT)),
        backend="hls",
    ),
    "quartus": Flow(
        title="Intel Quartus Prime",
        commands=(("quartus_sh", "-t", SCRIPT),),
        constraints=("clock.sdc",),
    ),
    "libero": Flow(
        title="Microchip Libero SoC",
        commands=(("libero", f"SCRIPT:{SCRIPT}", "LOGFILE:libero.log"),),
        constraints=("clock.sdc",),
        harness=True,
    ),
    "radiant": Flow(
        title="Lattice Radiant",
        commands=(("radiantc", SCRIPT),),
        constraints=("clock.sdc", "clock.pdc"),
        harness=True,
    ),
}
"""The flows by the names that ``tailrace synth --tool`` takes."""


def flows_of(part: Part, backends: Iterable[str] = ("rtl", "hls")) -> tuple[str, ...]:
    """Return the vendor flows that know ``part`` and read what ``backends`` emit."""
    return tuple(name for name in VENDOR_TOOLS if name in part.tools and FLOWS[name].backend in backends)


def require_known(tool: str, part: Part) -> None:
    """Raise UsageError where ``tool`` is not for ``part``; the hint has the tools that are, or parts to build for."""
    if tool in part.tools:
        return
    others = [
        *part.tools,
        *(["nextpnr"] if part.placer_options else []),
        *(["yosys"] if part.open_synthesis else []),
    ]
    known = ", ".join(each.name for each in PARTS if tool in each.tools)
    raise UsageError(
        f"{FLOWS[tool].title} does not know {part.name}",
        hint=f"for this part use --tool {' or '.join(others)}; for {tool} build with --part, one of {known}",
    )


def emit_vendor(
    plan: Plan, tools: Sequence[str], *, board: Board | None = None, control: str = CONTROLS[0]
) -> dict[str, str]:
    """Return {path: text} of ``vendor/`` for ``tools``, all of which know the part.

    ``control`` is how the core of Vitis HLS starts; of a ``board`` the file with its pins comes along where the tool
    can read it. Raises UsageError for a part whose full name says too little for its tool.
    """
    files: dict[str, str] = {}
    for tool in tools:
        for name, text in _flow_files(plan, tool, control).items():
            files[f"vendor/{tool}/{name}"] = text
        pins = board.constraints if board else None
        if pins is not None and tool == "vivado" and pins.suffix == ".xdc":
            licence, _, rest = pins.read_text(encoding="utf-8").partition("\n")
            why = f"# For a top of your own around {plan.name}: run.tcl does not read it, as it places without pins."
            files[f"vendor/{tool}/{pins.name}"] = f"{licence}\n#\n{why}\n{rest}"
    return files


def _flow_files(plan: Plan, tool: str, control: str) -> dict[str, str]:
    flow = FLOWS[tool]
    ports = top_ports(plan)
    top = f"{plan.name}_harness" if flow.harness else plan.name
    view = {
        "design": plan.name,
        "top": top,
        "device": plan.part.device,
        "series": plan.part.series,
        "clock_mhz": f"{plan.clock_mhz:g}",
        "period_ns": f"{1000 / plan.clock_mhz:.3f}",
        "command": shlex.join(flow.commands[0]),
        "sources": source_names(plan),
        "harness_bits": sum(port.bits for port in ports),
        **_of_tool(plan, tool, control, ports),
    }
    files = {SCRIPT: templates("constraints").get_template(f"{tool}.tcl.j2").render(view)}
    for name in flow.constraints:
        files[name] = templates("constraints").get_template(f"{name}.j2").render(view)
    if flow.harness:
        files[f"{top}.v"] = _harness(plan, ports)
    return files


def _of_tool(plan: Plan, tool: str, control: str, ports: Sequence[TopPort]) -> dict[str, Any]:
    """Return what the templates of one tool alone need."""
    match tool:
        case "vitis":
            return {"control": control}
        case "quartus":
            names = [f"{port.name}[*]" if port.vector else port.name for port in ports]
            return {"ports": names, "pro": plan.part.series == "Agilex 7", "derive": True}
        case "libero":
            die, package, speed = _libero_names(plan.part)
            return {"die": die, "package": package, "speed": speed, "derive": False}
        case "radiant":
            return {"performance": _performance(plan.part), "derive": False}
        case _:
            return {}


def _libero_names(part: Part) -> tuple[str, str, str]:
    """Return die, package and speed of ``MPF300T-FCG1152-1``; a standard speed is STD."""
    words = part.device.upper().split("-")
    if len(words) == 2:
        words.append("STD")
    if len(words) != 3:
        raise UsageError(
            f"{part.device} names no die and package for Libero",
            hint="build with the full name, such as --part MPF300T-FCG1152-1",
        )
    die, package, speed = words
    return die, package, speed if speed == "STD" else f"-{speed}"


def _performance(part: Part) -> str:
    """Return the performance grade of ``LIFCL-40-9BG400C``, as Radiant calls it."""
    last = part.device.split("-")[-1]
    if part.performance:
        return part.performance
    if not last[:1].isdigit():
        raise UsageError(
            f"{part.device} names no speed and package for Radiant",
            hint="build with the full name, such as --part LIFCL-40-9BG400C",
        )
    return f"{last[0]}_High-Performance_1.0V"


# --- the ports of the top ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TopPort:
    """A port of a design besides clk; ``vector`` where it is declared with a range, even of one bit."""

    name: str
    driven: bool
    bits: int = 1
    vector: bool = False


def top_ports(plan: Plan) -> tuple[TopPort, ...]:
    """Return the ports of the top of ``plan`` without clk, in order; ``driven`` are its inputs."""
    ports = [TopPort(name="rst", driven=True)]
    for way, streams in ((True, plan.input_ports), (False, plan.output_ports)):
        for port in streams:
            ports += [
                TopPort(name=f"{port.name}_tdata", driven=way, bits=port.bits, vector=True),
                TopPort(name=f"{port.name}_tvalid", driven=way),
                TopPort(name=f"{port.name}_tready", driven=not way),
            ]
            if port.marked:
                ports.append(TopPort(name=f"{port.name}_tuser", driven=True))
            if not way:
                ports.append(TopPort(name=f"{port.name}_tlast", driven=False))
    return tuple(ports)


def _harness(plan: Plan, ports: Sequence[TopPort]) -> str:
    """Return the module that turns every port of the design into bits of two shift registers."""
    low = {True: 0, False: 0}
    placed = []
    for port in ports:
        signal = "stimulus_q" if port.driven else "response"
        placed.append({"name": port.name, "signal": signal, "low": low[port.driven], "bits": port.bits})
        low[port.driven] += port.bits
    template = templates("sim").get_template("place_harness.v.j2")
    return template.render(top=plan.name, ports=placed, in_bits=low[True], out_bits=low[False])
