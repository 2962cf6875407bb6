# SPDX-License-Identifier: Apache-2.0
"""``yosys -l LOG -p 'tcl SCRIPT'`` with the yosys of the wheels, which has no Tcl: Python's runs the script.

FuseSoC starts yosys with a script in Tcl. Every yosys command in it is noted, and yosys then runs them all.
"""

import subprocess
import sys
import tkinter as tk
from pathlib import Path

COMMANDS = ("read_verilog", "verilog_defaults", "verilog_defines", "chparam", "write_json", "synth_ecp5")


def main() -> int:
    """Run the script; returns yosys' exit code."""
    log, script = sys.argv[2], sys.argv[4].split()[1]
    noted: list[str] = []
    tcl = tk.Tcl()
    for command in COMMANDS:
        tcl.createcommand(command, lambda *words, name=command: noted.append(" ".join((name, *words))))
    tcl.createcommand("yosys", lambda *_: None)  # yosys -import
    tcl.eval(f"source {script}")
    Path("commands.ys").write_text("\n".join(noted) + "\n")
    code = "from pyosys import libyosys; libyosys.Design().run_pass('script commands.ys')"
    with Path(log).open("w") as sink:
        return subprocess.run([sys.executable, "-c", code], stdout=sink, stderr=sink, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
