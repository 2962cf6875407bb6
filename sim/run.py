# SPDX-License-Identifier: Apache-2.0
"""Run a cocotb bench under Verilator: run.py --top NAME --build FOLDER [--waves] FILES; used by a design's Makefile."""

import argparse
import os
import sys
from pathlib import Path

from cocotb_tools.runner import get_results, get_runner


def main() -> int:
    """Build and run; returns 0 when every test passed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--top", required=True)
    parser.add_argument("--build", required=True, type=Path)
    parser.add_argument("--waves", action="store_true")
    parser.add_argument("sources", nargs="+", type=Path)
    options = parser.parse_args()
    if " " in str(Path.cwd()):
        print(f"Verilator's makefiles cannot take the spaces in {Path.cwd()}", file=sys.stderr)
        print("  hint: move the folder to a path without spaces", file=sys.stderr)
        return 1
    here = Path(__file__).resolve().parent
    sys.path.insert(0, str(here))
    os.environ["PYTHONPATH"] = os.pathsep.join([str(here), os.environ.get("PYTHONPATH", "")])
    # The flag is empty in the makefiles of the Python package; what an outer make put here is not for Verilator's.
    os.environ["MAKEFLAGS"] = "CFG_CXXFLAGS_PCH_I=-include"
    runner = get_runner("verilator")
    runner.build(
        sources=options.sources,
        hdl_toplevel=options.top,
        build_dir=options.build,
        build_args=["-Wno-fatal", "-DSIMULATION", *(["--trace"] if options.waves else [])],
        waves=options.waves,
        always=False,
    )
    results = runner.test(
        hdl_toplevel=options.top,
        test_module=f"test_{options.top}",
        build_dir=options.build,
        test_dir=options.build,
        waves=options.waves,
    )
    tests, failures = get_results(results)
    print(f"{tests - failures} passed, {failures} failed")
    return 1 if failures or not tests else 0


if __name__ == "__main__":
    sys.exit(main())
