# SPDX-License-Identifier: Apache-2.0
"""Plan and board to ``board/``: the top with its bridge, the file of its pins, and what the host has to know.

Top and pins come of the same :class:`~tailrace.targets.boards.Board`, so that they agree.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from tailrace.core.data import data, templates
from tailrace.host.description import FILE, Description, InputStream, OutputStream, dumps
from tailrace.planning import serialize

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tailrace.planning.plan import Plan
    from tailrace.targets.boards import Board, Pins

LIBRARY = (
    "tr_reset.v",
    "tr_uart_rx.v",
    "tr_uart_tx.v",
    "tr_crc32.v",
    "tr_link_rx.v",
    "tr_link_tx.v",
    "tr_link_in.v",
    "tr_link_out.v",
    "tr_link.v",
)
"""The modules of ``ip/link``, in the order to read them."""

PAYLOAD_BYTES = 256
"""Of the longest packet from the host."""

IN_DEPTH_BITS = 11
"""The ring of an input holds 2 kB: at a megabaud what comes in 20 ms, in which a USB chip has told the credit."""

OUT_DEPTH_BITS = 9
OUT_PACKET_BYTES = 256


def top_name(plan: Plan) -> str:
    """Return the module that is a board's top."""
    return f"{plan.name}_board"


def board_sources(plan: Plan) -> list[str]:
    """Return the Verilog files of a board's top in ``board/``, the top last."""
    return [*LIBRARY, f"{top_name(plan)}.v"]


def pin_file(plan: Plan, board: Board) -> str:
    """Return the name of the file of pins in ``board/``."""
    return f"{top_name(plan)}.{_format(board)}"


def obstacle(plan: Plan, board: Board) -> str | None:
    """Say why there is no top of ``plan`` for ``board``; None where there is one."""
    if not board.linked:
        return f"tailrace has no top for {board.name}: {board.state}"
    if plan.clock_mhz != board.clock_mhz:
        return (
            f"no top for {board.name}: the clock of its pin is {board.clock_mhz:g} MHz and the plan's "
            f"{plan.clock_mhz:g} MHz; leave --clock out"
        )
    return None


def emit_board(plan: Plan, board: Board) -> dict[str, str]:
    """Return {path: text} of ``board/``; empty where there is an :func:`obstacle`."""
    if obstacle(plan, board):
        return {}
    description = describe(plan, board)
    library = data("ip") / "link"
    files = {f"board/{name}": (library / name).read_text(encoding="utf-8") for name in LIBRARY}
    files[f"board/{top_name(plan)}.v"] = _top(plan, board, description)
    files[f"board/{pin_file(plan, board)}"] = pin_text(board)
    files[FILE] = dumps(description)
    return files


def describe(plan: Plan, board: Board) -> Description:
    """Return what the host has to know."""
    digest = hashlib.sha256(serialize.dumps(plan.graph).encode()).hexdigest()
    return Description(
        design=plan.name,
        board=board.name,
        digest=digest,
        baud=board.baud,
        clock_mhz=board.clock_mhz,
        interval_cycles=plan.interval_cycles,
        payload_bytes=PAYLOAD_BYTES,
        inputs=tuple(
            InputStream(
                name=port.name,
                integers=port.size,
                type=port.stream.type,
                pad_bytes=port.pad_bits // 8,
                marked=port.marked,
                ring_bytes=1 << IN_DEPTH_BITS,
            )
            for port in plan.input_ports
        ),
        outputs=tuple(
            OutputStream(
                name=port.name,
                integers=port.size,
                type=port.stream.type,
                pad_bytes=port.pad_bits // 8,
                packet_bytes=OUT_PACKET_BYTES,
            )
            for port in plan.output_ports
        ),
        host=plan.graph.host,
    )


def _top(plan: Plan, board: Board, description: Description) -> str:
    leds = board.pins.get("led")
    identity = description.identity
    return (
        templates("ip")
        .get_template("link/board_top.v.j2")
        .render(
            top=top_name(plan),
            design=plan.name,
            board=board,
            clock_mhz=f"{board.clock_mhz:g}",
            baud=f"{board.baud:,}",
            sixteenths_per_bit=board.sixteenths_per_bit,
            reset=board.pins.get("reset"),
            leds=leds,
            lights=_lights(len(leds.sites)) if leds else "",
            ties=board.ties,
            payload_bytes=description.payload_bytes,
            identity=identity,
            identity_hex=identity[::-1].hex(),
            inputs=[
                {
                    "name": port.name,
                    "word_bytes": port.bits // 8,
                    "words": port.stream.words,
                    "marked": port.marked,
                    "depth_bits": IN_DEPTH_BITS,
                }
                for port in plan.input_ports
            ],
            outputs=[
                {
                    "name": port.name,
                    "word_bytes": port.bits // 8,
                    "frame_bytes": stream.frame_bytes,
                    "packet_bytes": stream.packet_bytes,
                    "depth_bits": OUT_DEPTH_BITS,
                }
                for port, stream in zip(plan.output_ports, description.outputs, strict=True)
            ],
        )
    )


def _lights(count: int) -> str:
    """Return what the LEDs show, the lowest last: a session, a byte on its way; the others are dark."""
    if count == 1:
        return "session"
    return f"{{{f'{count - 2}' + chr(39) + 'd0, ' if count > 2 else ''}sent_tvalid, session}}"


# --- the files of pins ---------------------------------------------------------------------------------------------


def pin_text(board: Board) -> str:
    """Return the pins of every port of a board's top, in the format of its placer."""
    used = [*board.pins.values(), *board.ties]
    ports = [
        (f"{pins.name}[{place}]" if pins.name == "led" else pins.name, site, pins)
        for pins in used
        for place, site in enumerate(pins.sites)
    ]
    return WRITERS[_format(board)](board, ports)


def _format(board: Board) -> str:
    tool = board.part.family.nextpnr
    return tool.pin_file if tool else ""


def _heading(board: Board, comment: str) -> list[str]:
    return [
        f"{comment} SPDX-License-Identifier: Apache-2.0",
        f"{comment} {board.name}: pins as in {board.source}.",
    ]


def _lpf(board: Board, ports: Sequence[tuple[str, str, Pins]]) -> str:
    lines = [*_heading(board, "#"), f'FREQUENCY PORT "clk" {board.clock_mhz:g} MHZ;']
    for port, site, pins in ports:
        options = [
            *([f"IO_TYPE={pins.io}"] if pins.io else []),
            *([f"PULLMODE={pins.pull.upper()}"] if pins.pull else []),
            *([f"DRIVE={pins.drive_ma}"] if pins.drive_ma else []),
        ]
        lines.append(f'LOCATE COMP "{port}" SITE "{site}";')
        if options:
            lines.append(f'IOBUF PORT "{port}" {" ".join(options)};')
    return "\n".join([*lines, ""])


def _pcf(board: Board, ports: Sequence[tuple[str, str, Pins]]) -> str:
    lines = [*_heading(board, "#"), f"set_frequency clk {board.clock_mhz:g}"]
    for port, site, pins in ports:
        pull = f"-pullup {'yes' if pins.pull == 'up' else 'no'} " if pins.pull else ""
        lines.append(f"set_io {pull}{port} {site}")
    return "\n".join([*lines, ""])


def _cst(board: Board, ports: Sequence[tuple[str, str, Pins]]) -> str:
    lines = _heading(board, "//")
    for port, site, pins in ports:
        options = [
            *([f"IO_TYPE={pins.io}"] if pins.io else []),
            *([f"PULL_MODE={pins.pull.upper()}"] if pins.pull else []),
            *([f"DRIVE={pins.drive_ma}"] if pins.drive_ma else []),
        ]
        lines.append(f'IO_LOC "{port}" {site};')
        if options:
            lines.append(f'IO_PORT "{port}" {" ".join(options)};')
    return "\n".join([*lines, ""])


WRITERS: Mapping[str, Callable[[Board, Sequence[tuple[str, str, Pins]]], str]] = {
    "lpf": _lpf,
    "pcf": _pcf,
    "cst": _cst,
}
"""How each format of :attr:`~tailrace.targets.family.Nextpnr.pin_file` is written."""
