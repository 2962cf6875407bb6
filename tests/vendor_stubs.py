# SPDX-License-Identifier: Apache-2.0
"""Stubs of the vendors' tools: they note how they were called, run the real script, and leave real reports behind.

Each is a shell script that hands the script of the flow to tclsh, where the vendor's commands are stubs: those that
write reports copy published ones to where the real tool puts its own; all others only note that they were called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

COMMON = """
proc note {line} { set file [open @CALLS@ a]; puts $file $line; close $file }
proc unknown {args} { note [join $args " "] }
proc package {args} { note "package $args" }
proc leave {report place} {
    file mkdir [file dirname $place]
    file copy -force @REPORTS@/$report $place
}
proc argument {name words} { lindex $words [expr {[lsearch -exact $words $name] + 1}] }
"""

COMMANDS = {
    "vivado": """
proc report_utilization {args} {
    note "report_utilization $args"
    set place [argument -file $args]
    if {[string match *routed* $place]} {
        leave vivado_2019.2_pynqz2_rn06/design_1_wrapper_utilization_placed.rpt $place
    } elseif {[string match *synth* $place]} {
        leave vivado_2019.2_pynqz2_rn06/design_1_wrapper_utilization_synth.rpt $place
    } else {
        leave vivado_2019.2_pynqz2_rn06/util.rpt $place
    }
}
proc report_timing_summary {args} {
    note "report_timing_summary $args"
    leave vivado_2019.2_pynqz2_rn06/design_1_wrapper_timing_summary_routed.rpt [argument -file $args]
}
proc report_power {args} {
    leave vivado_2019.2_pynqz2_rn06/design_1_wrapper_power_routed.rpt [argument -file $args]
}
proc report_route_status {args} {
    leave vivado_2019.2_pynqz2_rn06/design_1_wrapper_route_status.rpt [argument -file $args]
}
""",
    "vitis": """
proc csynth_design {} {
    note csynth_design
    leave vitis_hls_lenet5_cosim/myproject_csynth.rpt run/solution1/syn/report/${::design}_csynth.rpt
    leave vitis_hls_lenet5_cosim/myproject_csynth.xml run/solution1/syn/report/${::design}_csynth.xml
    leave vitis_hls_tutorial_jet/csynth.rpt run/solution1/syn/report/csynth.rpt
}
proc cosim_design {args} {
    note "cosim_design $args"
    leave vitis_hls_lenet5_cosim/myproject_cosim.rpt run/solution1/sim/report/${::design}_cosim.rpt
}
""",
    "quartus": """
proc execute_flow {args} {
    note "execute_flow $args"
    foreach kind {fit.summary flow.rpt sta.rpt sta.summary map.summary} {
        leave quartus_17.1_lite_max10/top.$kind $::here/reports/$::design.$kind
    }
}
proc execute_module {args} {
    note "execute_module $args"
    leave quartus_17.1_lite_max10/top.pow.rpt $::here/reports/$::design.pow.rpt
}
""",
    "libero": """
proc run_tool {args} {
    note "run_tool $args"
    set designer $::here/run/designer/$::top
    switch [argument -name $args] {
        SYNTHESIZE {
            leave libero_polarfire_miv/top_compile_netlist_resources.rpt \\
                $designer/${::top}_compile_netlist_resources.rpt
            leave libero_polarfire_miv/top_compile_netlist_hier_resources.csv \\
                $designer/${::top}_compile_netlist_hier_resources.csv
        }
        PLACEROUTE { leave libero_polarfire_miv/top_layout_log.log $designer/${::top}_layout_log.log }
    }
}
""",
    "radiant": """
proc prj_run {step args} {
    note "prj_run $step $args"
    set kinds [dict create Synthesis arearep Map mrp PAR {par twr}]
    foreach kind [dict get $kinds $step] {
        leave radiant_2025.1_ice40up/test_impl_1.$kind impl_1/${::design}_impl_1.$kind
    }
}
""",
}
"""For each flow the commands that leave reports."""


def install(tool: str, program: str, folder: Path, reports: Path) -> tuple[Path, Path]:
    """Put a stub of ``tool`` called ``program`` into ``folder``; return the files of its arguments and of its calls."""
    folder.mkdir(parents=True, exist_ok=True)
    arguments, calls, prelude = (folder / f"{program}.{name}" for name in ("arguments", "calls", "tcl"))
    text = (COMMON + COMMANDS[tool]).replace("@CALLS@", str(calls)).replace("@REPORTS@", str(reports))
    prelude.write_text(text + "source run.tcl\n")
    stub(folder / program, f'echo "{program} $*" >> {arguments}\nexec tclsh {prelude}\n')
    return arguments, calls


def stub(path: Path, text: str) -> None:
    """Write a shell script that can be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}")
    path.chmod(0o755)
