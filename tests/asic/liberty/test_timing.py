# SPDX-License-Identifier: Apache-2.0
"""Static timing: followed by hand on a small library, and equal to OpenSTA's on a published one."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from liberty_samples import write_small
from tailrace.asic.liberty.library import Library, read_library
from tailrace.asic.liberty.netlist import Netlist, read_netlist
from tailrace.asic.liberty.syntax import LibertyError
from tailrace.asic.liberty.timing import block_timing
from tailrace.asic.mapping import map_to_library
from tailrace.asic.power import block_power
from tailrace.core.data import data_folder

if TYPE_CHECKING:
    from pathlib import Path


def cell(kind: str, **pins: int | str) -> dict[str, Any]:
    """A cell as yosys writes it."""
    return {"type": kind, "parameters": {}, "connections": {name: [net] for name, net in pins.items()}}


def written(path: Path, cells: dict[str, Any]) -> Netlist:
    """A netlist of the nets clk 2, in 3, out 4 and others from 5 on."""
    ports = {
        "clk": {"direction": "input", "bits": [2]},
        "in": {"direction": "input", "bits": [3]},
        "out": {"direction": "output", "bits": [4]},
    }
    nets = sorted(
        {bit for c in cells.values() for (bit,) in c["connections"].values() if isinstance(bit, int)}
    )
    names = {f"n{net}": {"bits": [net]} for net in nets}
    path.write_text(json.dumps({"modules": {"m": {"ports": ports, "cells": cells, "netnames": names}}}))
    return read_netlist(path, "m")


@pytest.fixture
def small(tmp_path: Path) -> Library:
    """The small library."""
    return read_library((write_small(tmp_path / "small.lib"),))


@pytest.fixture
def loop(tmp_path: Path) -> Netlist:
    """A flip-flop that an inverter drives; the inverter reads the flip-flop, and so does the output."""
    return written(
        tmp_path / "n.json",
        {"ff": cell("DFF", CK=2, D=5, Q=4), "inv": cell("INV", A=4, Y=5)},
    )


def test_a_path_from_flip_flop_to_flip_flop_is_followed_by_hand(small: Library, loop: Netlist) -> None:
    timing = block_timing(loop, small)
    # Net 5: the pin D, 0.1 pF, and a wire with one pin, 0.01 pF. Q falls at 3 and rises at 2, without slew.
    load = 0.11
    assert timing.loads[5] == (pytest.approx(load), pytest.approx(load))
    rise, fall = 3.0 + 1.0 + 2.0 * load, 2.0 + 0.5 + 2.0 * load
    # The slew of net 5 is the load; setup is 0.25 + slew for a rise, 0.5 + slew for a fall.
    expected = max(rise + 0.25 + load, fall + 0.5 + load)
    assert timing.register_to_register == pytest.approx(expected)
    assert timing.register_to_output == pytest.approx(3.0)
    assert timing.input_to_register is None
    assert timing.input_to_output is None
    assert timing.depth == 1
    assert timing.longest == timing.register_to_register
    assert [(step.cell, step.pin) for step in timing.path] == [("INV", "Y")]


def test_a_path_from_input_to_output_counts_its_cells(small: Library, tmp_path: Path) -> None:
    cells = {
        "a": cell("NAND", A=3, B="1", Y=5),
        "b": cell("NAND", A=5, B=3, Y=6),
        "c": cell("NAND", A=6, B=6, Y=4),
    }
    timing = block_timing(written(tmp_path / "n.json", cells), small)
    assert timing.depth == 3
    assert timing.input_to_output == pytest.approx(3.0)
    assert timing.register_to_register is None


def test_a_loop_without_a_register_is_named(small: Library, tmp_path: Path) -> None:
    cells = {"a": cell("INV", A=5, Y=6), "b": cell("INV", A=6, Y=5), "c": cell("INV", A=5, Y=4)}
    with pytest.raises(LibertyError, match="m has a loop without a register: "):
        block_timing(written(tmp_path / "n.json", cells), small)
    with pytest.raises(LibertyError, match="the library has no cell FOREIGN"):
        block_timing(written(tmp_path / "n.json", {"a": cell("FOREIGN", A=3, Y=4)}), small)


def test_power_is_the_sum_of_leakage_clock_cells_and_nets(small: Library, loop: Netlist) -> None:
    timing = block_timing(loop, small)
    power = block_power(loop, small, timing, {"n4": 10, "n5": 8}, frames=2, interval_cycles=5, clock_hz=1e6)
    assert power.leakage_w == pytest.approx(3e-9)
    # Each cycle the pin CK takes 0.5 + 0.25 pJ inside and charges 0.3 pF to 2 V once.
    assert power.clock_w == pytest.approx((0.75 + 0.3 * 4) * 1e-12 * 1e6)
    # Two frames take ten cycles; the inverter takes 0.3 pJ a change in the mean.
    per_second = 1e6 / 5 / 2
    assert power.internal_w == pytest.approx(8 * 0.3e-12 * per_second)
    load4 = 0.1 + 0.03  # the pin of the inverter, and a wire with two ends
    assert power.switching_w == pytest.approx((10 * load4 + 8 * 0.11) * 1e-12 * 4 / 2 * per_second)
    assert power.unseen == 0
    still = block_power(loop, small, timing, {}, frames=2, interval_cycles=5, clock_hz=1e6)
    assert (still.internal_w, still.switching_w, still.unseen) == (0.0, 0.0, 2)


# --- OpenSTA --------------------------------------------------------------------------------------

STA = """\
read_liberty {library}
read_verilog {netlist}
link_design {top}
create_clock -name clk -period 10 clk
set_input_delay 0 -clock clk {{{inputs}}}
set_output_delay 0 -clock clk [all_outputs]
report_checks -from [all_registers -clock_pins] -to [all_registers -data_pins] -digits 6
report_checks -from [get_ports {{{inputs}}}] -to [all_registers -data_pins] -digits 6
report_checks -from [all_registers -clock_pins] -to [all_outputs] -digits 6
report_checks -from [get_ports {{{inputs}}}] -to [all_outputs] -digits 6
"""


def longest_paths(folder: Path, **values: object) -> list[float | None]:
    """The longest paths by OpenSTA: register to register, input to register, register to output, input to output."""
    script = folder / "sta.tcl"
    script.write_text(STA.format(**values))
    done = subprocess.run(
        ["sta", "-exit", str(script)], capture_output=True, text=True, timeout=60, check=False
    )
    said = done.stdout + done.stderr
    assert "Error" not in said, said  # it goes on after an error, and still prints slacks
    found: list[float | None] = []
    for part in re.split(r"(?=Startpoint:|No paths found)", said)[1:]:
        arrival = re.search(r"([\d.]+)\s+data arrival time", part)
        setup = re.search(r"(-?[\d.]+)\s+\S+\s+library setup time", part)
        found.append(float(arrival[1]) - (float(setup[1]) if setup else 0.0) if arrival else None)
    return found


@pytest.mark.tool("sta")
@pytest.mark.parametrize("block", ["skid", "argmax", "eltwise"])
def test_delays_are_those_of_opensta(block: str, shared_liberty: Path, tmp_path: Path) -> None:
    # Without resistance of wires, which OpenSTA takes from the library.
    path = tmp_path / "cells.lib"
    text = re.sub(r"(    resistance : )[\d.]+", r"\g<1>0", shared_liberty.read_text())
    path.write_text(text)
    library = read_library((path,))
    top = f"tr_{block}"
    mapped = map_to_library(
        top=top,
        sources=sorted(data_folder("rtl").glob("tr_*.v")),
        folder=tmp_path,
        library=library,
        liberty=[path],
        period_ps=5000,
    )
    netlist = read_netlist(mapped.netlist_json, top)
    timing = block_timing(netlist, library)
    inputs = " ".join(
        f"{name}[{i}]" if len(nets) > 1 else name
        for name, nets in netlist.inputs.items()
        if name != "clk"
        for i in range(len(nets))
    )
    theirs = longest_paths(tmp_path, library=path, netlist=mapped.netlist, top=top, inputs=inputs)
    ours = (
        timing.register_to_register,
        timing.input_to_register,
        timing.register_to_output,
        timing.input_to_output,
    )
    for our, their in zip(ours, theirs, strict=True):
        # They compute in single precision, and print six digits of both parts.
        assert our == (None if their is None else pytest.approx(their, abs=2e-6))
    assert sum(figure is not None for figure in ours) >= 3
