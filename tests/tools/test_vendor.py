# SPDX-License-Identifier: Apache-2.0
"""The vendors' flows: golden scripts, and the whole path with stubs that leave real reports behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import tailrace as tr
from tailrace.cli import main as cli
from tailrace.core.errors import TailraceError, UsageError
from tailrace.emission.vendor import FLOWS, emit_vendor, flows_of, require_known
from tailrace.targets.boards import board
from tailrace.targets.parts import PARTS, VENDOR_TOOLS, part
from tailrace.tools.vendor import Behind, command_line
from tiny_network import write_tiny
from vendor_stubs import install, stub

if TYPE_CHECKING:
    from collections.abc import Callable

PART_OF = {
    "vivado": "xczu7ev",
    "vitis": "xczu7ev",
    "quartus": "10m08",
    "libero": "mpf300t",
    "radiant": "ice40-up5k",
}
PROGRAM_OF = {
    "vivado": "vivado", "vitis": "vitis-run", "quartus": "quartus_sh", "libero": "libero", "radiant": "radiantc",
}  # fmt: skip
CALLED = {
    "vivado": "vivado -mode batch -notrace -nojournal -log vivado.log -source run.tcl\n",
    "vitis": "vitis-run --mode hls --tcl run.tcl\n",
    "quartus": "quartus_sh -t run.tcl\n",
    "libero": "libero SCRIPT:run.tcl LOGFILE:libero.log\n",
    "radiant": "radiantc run.tcl\n",
}


@pytest.fixture
def build(tmp_path: Path) -> Callable[[str], Path]:
    """Make the build folder of the tiny network for a part."""

    def make(name: str) -> Path:
        graph = tr.load(write_tiny(tmp_path / "tiny.onnx"))
        tr.emit(tr.plan(graph, part=name, clock_mhz=50, fps=1e6), tmp_path / "build")
        return tmp_path / "build"

    return make


@pytest.fixture
def bare_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for stubs, first on PATH; no prefix from the environment."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.delenv("TAILRACE_PREFIX", raising=False)
    return folder


def report_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return found


def synth(folder: Path, tool: str, *options: object) -> int:
    return cli.main(["synth", str(folder), "--tool", tool, *map(str, options)])


# --- the scripts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("tool", VENDOR_TOOLS)
def test_the_scripts_of_a_flow_are_the_golden_ones(
    tool: str, tmp_path: Path, golden: Callable[[str, str], None]
) -> None:
    plan = tr.plan(tr.load(write_tiny(tmp_path / "tiny.onnx")), part=PART_OF[tool], clock_mhz=150, fps=5e6)
    files = emit_vendor(plan, [tool])
    assert f"vendor/{tool}/run.tcl" in files
    for name, text in files.items():
        golden(f"{name}.golden", text)
        assert "SPDX-License-Identifier: Apache-2.0" in text.splitlines()[0]
    assert "Written for" in files[f"vendor/{tool}/run.tcl"]


def test_the_makefile_of_a_xilinx_part_runs_its_flows(
    tmp_path: Path, build: Callable[[str], Path], golden: Callable[[str, str], None]
) -> None:
    golden("Makefile.golden", (build("xczu7ev") / "Makefile").read_text())


def test_every_tool_knows_parts_and_writes_scripts_for_all_of_them(tmp_path: Path) -> None:
    graph = tr.load(write_tiny(tmp_path / "tiny.onnx"))
    plan = tr.plan(graph, part="xczu7ev", clock_mhz=50)
    for each in PARTS:
        tools = flows_of(each)
        files = emit_vendor(replace(plan, part=each), tools)
        for tool in tools:
            assert (
                each.device in files[f"vendor/{tool}/run.tcl"].replace(" -package ", "-") or tool == "libero"
            )
    assert {tool for each in PARTS for tool in each.tools} == set(VENDOR_TOOLS)


def test_the_pins_of_a_board_come_along(tmp_path: Path) -> None:
    arty = board("arty-a7-35t")
    plan = tr.plan(tr.load(write_tiny(tmp_path / "tiny.onnx")), part=arty.part, clock_mhz=100)
    files = emit_vendor(plan, ["vivado"], board=arty)
    assert "xc7a35ticsg324-1L" in files["vendor/vivado/run.tcl"]
    assert "PACKAGE_PIN E3" in files["vendor/vivado/arty-a7-35t.xdc"]
    assert "read_xdc clock.xdc" in files["vendor/vivado/run.tcl"]


def test_the_clock_of_the_plan_is_the_constraint(tmp_path: Path) -> None:
    plan = tr.plan(tr.load(write_tiny(tmp_path / "tiny.onnx")), part="lifcl-40", clock_mhz=66)
    files = emit_vendor(plan, ["radiant"])
    for name in ("clock.sdc", "clock.pdc"):
        assert "create_clock -name {clk} -period 15.152 [get_ports {clk}]" in files[f"vendor/radiant/{name}"]


@pytest.mark.parametrize(
    ("tool", "name", "hint"),
    [
        (
            "quartus",
            "xczu7ev",
            "for this part use --tool vivado or vitis or yosys; for quartus build with --part, one of",
        ),
        (
            "vivado",
            "ecp5-85k",
            "for this part use --tool nextpnr or yosys; for vivado build with --part, one of xc7z010",
        ),
        (
            "libero",
            "lifcl-40",
            "for this part use --tool radiant or nextpnr or yosys; for libero build with --part, one of mpf100t",
        ),
    ],
)
def test_a_part_that_the_tool_does_not_know_is_refused(tool: str, name: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        require_known(tool, part(name))
    assert f"{FLOWS[tool].title} does not know {name}\n  hint: {hint}" in str(caught.value)


@pytest.mark.parametrize(("tool", "name"), [("libero", "mpf300t"), ("radiant", "lifcl-40")])
def test_a_device_that_names_no_package_is_refused(tool: str, name: str, tmp_path: Path) -> None:
    plan = tr.plan(tr.load(write_tiny(tmp_path / "tiny.onnx")), part=name)
    with pytest.raises(UsageError, match="build with the full name, such as --part"):
        emit_vendor(replace(plan, part=replace(plan.part, device=name.split("-", maxsplit=1)[0])), [tool])


# --- how a tool is started ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prefix", "words"),
    [
        ("srun -c 8", ["srun", "-c", "8", "radiantc", "run.tcl"]),
        ("ssh -t host", ["ssh", "-t", "host", "cd '/a b/c' && radiantc run.tcl"]),
        ("docker run -w {dir} image", ["docker", "run", "-w", "/a b/c", "image", "radiantc", "run.tcl"]),
        (
            "bash -c '. ~/settings.sh && {command}'",
            ["bash", "-c", ". ~/settings.sh && radiantc run.tcl"],
        ),
        ("ssh host 'cd {dir} && {command}'", ["ssh", "host", "cd /a b/c && radiantc run.tcl"]),
    ],
)
def test_a_prefix_stands_in_front(prefix: str, words: list[str]) -> None:
    assert command_line("radiant", Path("/a b/c"), Behind(prefix=prefix)) == words


def test_a_prefix_with_an_open_quote_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match='prefix is "ssh \'host": no closing quotation'):
        command_line("vivado", tmp_path, Behind(prefix="ssh 'host"))


def test_the_older_program_of_vitis_is_taken_where_it_is_the_only_one(
    bare_path: Path, tmp_path: Path
) -> None:
    stub(bare_path / "vitis_hls", "true\n")
    assert command_line("vitis", tmp_path, Behind()) == ["vitis_hls", "-f", "run.tcl"]
    stub(bare_path / "vitis-run", "true\n")
    assert command_line("vitis", tmp_path, Behind()) == ["vitis-run", "--mode", "hls", "--tcl", "run.tcl"]
    program = str(bare_path / "vitis_hls")
    assert command_line("vitis", tmp_path, Behind(program=program)) == [program, "-f", "run.tcl"]


# --- the whole path -------------------------------------------------------------------------------


# LUT, FF, DSP, 18 kbit blocks, Fmax, met, and the kinds of the records, read off the published reports by eye; that of
# Radiant met its own constraint, which is slower than the 50 MHz of the plan
STATED = {
    "vivado": (20386, 30289, 1, 59, 102.987, True, {"utilization", "timing", "power", "route_status"}),
    "vitis": (145061, 36198, 18, 58, 274.198, True, {"csynth", "cosim"}),
    "quartus": (41, 32, 0, None, 261.71, True, {"fit", "flow", "sta", "map", "power"}),
    "libero": (23332, 16843, 0, None, None, None, {"compile", "hierarchy", "layout"}),
    "radiant": (178, 122, 0, None, 48.095, False, {"map", "area", "par", "timing"}),
}


@pytest.mark.tool("tclsh")
@pytest.mark.parametrize("tool", VENDOR_TOOLS)
def test_a_flow_runs_its_script_and_takes_the_reports(
    tool: str,
    build: Callable[[str], Path],
    bare_path: Path,
    vendor_reports: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = build(PART_OF[tool])
    arguments, calls = install(tool, PROGRAM_OF[tool], bare_path, vendor_reports)
    assert synth(folder, tool) == 0
    said = capsys.readouterr().out
    assert CALLED[tool] == arguments.read_text()
    assert "tailrace: done" in said  # what the script says reaches the terminal
    assert "report.html" in said

    report = report_of(folder)
    lut, ff, dsp, bram18, fmax, met, kinds = STATED[tool]
    assert report["synth"]["tool"].startswith(FLOWS[tool].title)
    assert [report["synth"][key] for key in ("lut", "ff", "dsp", "bram18")] == [lut, ff, dsp, bram18]
    timing = report["timing"]
    assert (timing and timing["fmax_mhz"], timing and timing["met"]) == (fmax, met)
    records = report["vendor"][tool]["reports"]
    assert {record["kind"] for record in records} == kinds
    assert all(record["file"].startswith(f"vendor/{tool}/reports/") for record in records)
    assert report["vendor"][tool]["seconds"] > 0
    for name in ("report.md", "report.html"):
        assert "Reports of the vendor" in (folder / name).read_text()
    assert not any(line.startswith(("invalid command", "wrong #")) for line in said.splitlines())
    sources = {path.name for path in (folder / FLOWS[tool].backend).glob("*.v")}
    assert all(name in calls.read_text() for name in sources)


@pytest.mark.tool("tclsh")
def test_the_cells_of_layers_come_from_the_table_of_instances(
    build: Callable[[str], Path], bare_path: Path, vendor_reports: Path, tmp_path: Path
) -> None:
    """util.rpt has the instance axi_mem_intercon: under the name of a layer it is that layer's."""
    folder = build("xczu7ev")
    reports = tmp_path / "published"
    source = vendor_reports / "vivado_2019.2_pynqz2_rn06"
    (reports / source.name).mkdir(parents=True)
    for path in source.glob("*.rpt"):
        text = path.read_text().replace("|     axi_mem_intercon ", "|     dense_0          ")
        (reports / source.name / path.name).write_text(text)
    install("vivado", "vivado", bare_path, reports)
    assert synth(folder, "vivado", "-q") == 0
    layers = {layer["name"]: layer["synth"] for layer in report_of(folder)["layers"]}
    assert (layers["dense_0"]["lut"], layers["dense_0"]["ff"]) == (998, 1124)
    assert layers["dense_0"]["source"] == "AMD Vivado 2019.2.1"
    assert layers["frame"] is None


def leave(vendor_reports: Path, *names: str) -> str:
    """The lines of a stub that copies published reports."""
    return "mkdir -p reports\n" + "".join(f"cp {vendor_reports}/{name} reports/\n" for name in names)


ROUTED = "vivado_2019.2_pynqz2_rn06/design_1_wrapper_{}.rpt"
PLACED, TIMING = ROUTED.format("utilization_placed"), ROUTED.format("timing_summary_routed")


def test_a_missing_tool_leaves_the_scripts_and_earlier_figures(
    build: Callable[[str], Path],
    bare_path: Path,
    vendor_reports: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = build("xczu7ev")
    stub(bare_path / "vivado", leave(vendor_reports, PLACED, TIMING))
    assert synth(folder, "vivado") == 0
    before = report_of(folder)
    (bare_path / "vivado").unlink()
    (folder / "vendor/vivado/run.tcl").unlink()
    capsys.readouterr()
    assert synth(folder, "vivado") == 4
    said = capsys.readouterr().err
    assert said.startswith(
        f"tailrace: vivado: vivado was not found (looked on PATH), so nothing ran; the scripts are written: {folder}"
    )
    assert "or start it elsewhere with --prefix 'ssh host'; or run it yourself: cd " in said
    assert f"and then: tailrace synth {folder} --tool vivado --only reports" in said
    assert "route_design" in (folder / "vendor/vivado/run.tcl").read_text()
    assert report_of(folder) == before


def test_a_run_that_fails_leaves_no_earlier_figures(
    build: Callable[[str], Path],
    bare_path: Path,
    vendor_reports: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = build("xczu7ev")
    stub(bare_path / "vivado", leave(vendor_reports, PLACED, TIMING))
    assert synth(folder, "vivado") == 0
    assert report_of(folder)["synth"]["lut"] == 20386
    stub(
        bare_path / "vivado", leave(vendor_reports, PLACED) + "echo 'ERROR: [Place 30-640] no room'; exit 1\n"
    )
    capsys.readouterr()
    assert synth(folder, "vivado", "-q") == 4
    said = capsys.readouterr()
    assert "vivado failed with exit code 1\n  ERROR: [Place 30-640] no room" in said.err
    assert said.out == ""  # -q
    report = report_of(folder)
    assert (report["synth"], report["timing"], report["vendor"]) == (None, None, {})


@pytest.mark.parametrize(
    ("left", "said"),
    [
        ("true\n", "no report with the cells of the design is in "),
        ("mkdir -p reports; head -c 4000 {reports}/{placed} > reports/u.rpt\n", "a report is not whole: "),
    ],
)
def test_a_run_without_whole_reports_is_no_success(  # noqa: PLR0917 - fixtures
    left: str,
    said: str,
    build: Callable[[str], Path],
    bare_path: Path,
    vendor_reports: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = build("xczu7ev")
    stub(bare_path / "vivado", left.format(reports=vendor_reports, placed=PLACED))
    assert synth(folder, "vivado") == 4
    assert said in capsys.readouterr().err
    assert report_of(folder)["synth"] is None


def test_reports_are_found_where_the_tool_left_them_and_missing_ones_are_said(
    build: Callable[[str], Path], bare_path: Path, vendor_reports: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = build("xczu7ev")
    stub(bare_path / "vivado", f"mkdir -p elsewhere; cp {vendor_reports}/{PLACED} elsewhere/\n")
    assert synth(folder, "vivado") == 0
    assert "AMD Vivado left no timing report." in capsys.readouterr().out
    report = report_of(folder)
    assert report["vendor"]["vivado"]["reports"][0]["file"].startswith("vendor/vivado/elsewhere/")
    assert report["timing"] is None


def test_an_interrupted_run_leaves_no_figures(
    build: Callable[[str], Path], bare_path: Path, vendor_reports: Path, tmp_path: Path
) -> None:
    folder = build("xczu7ev")
    stub(bare_path / "vivado", leave(vendor_reports, PLACED, TIMING) + "echo ready; exec sleep 60\n")
    command = [sys.executable, "-c", "import sys; from tailrace.cli.main import main; sys.exit(main())"]
    process = subprocess.Popen(
        [*command, "synth", str(folder), "--tool", "vivado"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"  # streamed while the tool runs
    start = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert time.monotonic() - start < 20
    assert (process.returncode, err.strip()) == (1, "tailrace: interrupted")
    report = report_of(folder)
    assert (report["synth"], report["vendor"]) == (None, {})


def test_a_prefix_of_the_build_folder_the_environment_and_the_command_line(
    build: Callable[[str], Path],
    bare_path: Path,
    vendor_reports: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = build("xczu7ev")
    stub(
        bare_path / "remote-vivado",
        f'echo "in $(pwd): $*" >> {tmp_path}/log\n' + leave(vendor_reports, PLACED),
    )
    for name in ("first", "second", "third"):
        stub(bare_path / name, f'echo {name} >> {tmp_path}/log\nexec "$@"\n')
    (folder / "tailrace.toml").write_text('[tools]\nprefix = "first"\nvivado = "remote-vivado"\n')
    assert synth(folder, "vivado") == 0
    monkeypatch.setenv("TAILRACE_PREFIX", "second")
    assert synth(folder, "vivado") == 0
    assert synth(folder, "vivado", "--prefix", "third") == 0
    lines = (tmp_path / "log").read_text().splitlines()
    assert lines[::2] == ["first", "second", "third"]
    assert set(lines[1::2]) == {
        f"in {folder}/vendor/vivado: -mode batch -notrace -nojournal -log vivado.log -source run.tcl"
    }


def test_ssh_changes_to_the_folder_of_the_script(
    build: Callable[[str], Path], bare_path: Path, vendor_reports: Path, tmp_path: Path
) -> None:
    folder = build("xczu7ev")
    stub(bare_path / "ssh", f'echo "$1" > {tmp_path}/host\ncd /\nshift\nexec sh -c "$*"\n')  # as ssh does
    stub(bare_path / "vivado", f"pwd > {tmp_path}/where\n" + leave(vendor_reports, PLACED))
    assert synth(folder, "vivado", "--prefix", "ssh host") == 0
    assert (tmp_path / "host").read_text() == "host\n"
    assert (tmp_path / "where").read_text() == f"{folder}/vendor/vivado\n"


def test_scripts_alone_and_reports_of_a_run_by_hand(
    build: Callable[[str], Path], bare_path: Path, vendor_reports: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = build("xczu7ev")
    assert synth(folder, "vitis", "--only", "scripts", "--control", "ap_ctrl_hs") == 0
    assert capsys.readouterr().out == f"wrote {folder}/vendor/vitis\n"
    assert "set control ap_ctrl_hs\n" in (folder / "vendor/vitis/run.tcl").read_text()
    assert synth(folder, "vitis", "--only", "reports") == 4
    (folder / "vendor/vitis/reports").mkdir()
    for name in ("myproject_csynth.rpt", "myproject_cosim.rpt"):
        text = (vendor_reports / "vitis_hls_lenet5_cosim" / name).read_text()
        (folder / "vendor/vitis/reports" / name).write_text(text)
    capsys.readouterr()
    assert synth(folder, "vitis", "--only", "reports") == 0
    assert "co-simulation      latency 2,423 to 3,555 cycles" in capsys.readouterr().out
    run = report_of(folder)["vendor"]["vitis"]
    assert (run["seconds"], len(run["reports"])) == (None, 2)
    assert report_of(folder)["synth"]["tool"] == "AMD Vitis HLS 2023.2, estimate of C synthesis"


def test_an_estimate_of_c_synthesis_does_not_replace_what_was_routed(
    build: Callable[[str], Path], bare_path: Path, vendor_reports: Path
) -> None:
    folder = build("xczu7ev")
    csynth = leave(vendor_reports, "vitis_hls_lenet5_cosim/myproject_csynth.rpt")
    stub(bare_path / "vitis-run", csynth)
    assert synth(folder, "vitis") == 0
    assert report_of(folder)["synth"]["lut"] == 145061
    stub(bare_path / "vivado", leave(vendor_reports, PLACED, TIMING))
    assert synth(folder, "vivado") == 0
    routed = report_of(folder)
    assert (routed["synth"]["lut"], set(routed["vendor"])) == (20386, {"vivado", "vitis"})
    assert synth(folder, "vitis") == 0
    again = report_of(folder)
    assert [again[key] for key in ("synth", "timing", "layers")] == [
        routed[key] for key in ("synth", "timing", "layers")
    ]
    assert set(again["vendor"]) == {"vivado", "vitis"}


def test_make_runs_the_same_flow_without_tailrace(
    build: Callable[[str], Path], bare_path: Path, tmp_path: Path
) -> None:
    folder = build("xczu7ev")

    def make(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["make", "-C", str(folder), *arguments], capture_output=True, text=True, check=False
        )

    missing = make("vivado")
    assert missing.returncode == 2
    assert (
        "there is no vivado on PATH\n  hint: put it there, or name what to start it behind: make vivado PREFIX="
        in (missing.stderr)
    )
    stub(bare_path / "vivado", f'echo "$(pwd) $*" >> {tmp_path}/log\n')
    stub(bare_path / "vitis_hls", f'echo "$(pwd) $*" >> {tmp_path}/log\n')
    stub(bare_path / "ssh", 'cd /\nshift\nexec sh -c "$*"\n')
    good = make("vivado")
    assert good.returncode == 0, good.stderr
    assert (
        "reports: vendor/vivado/reports; for report.json: tailrace synth . --tool vivado --only reports"
        in good.stdout
    )
    assert make("vivado", "PREFIX=ssh host").returncode == 0
    assert make("vivado", "PREFIX=sh -c '{command}'").returncode == 0
    assert make("vitis").returncode == 0
    called = f"{folder}/vendor/vivado -mode batch -notrace -nojournal -log vivado.log -source run.tcl"
    assert (tmp_path / "log").read_text().splitlines() == [*[called] * 3, f"{folder}/vendor/vitis -f run.tcl"]


def test_a_flow_says_which_back_end_it_lacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    graph = tr.load(write_tiny(tmp_path / "tiny.onnx"))
    design = tr.emit(tr.plan(graph, part="xczu7ev"), tmp_path / "build", backends=["rtl"])
    assert not (tmp_path / "build/vendor/vitis").exists()
    assert synth(tmp_path / "build", "vitis") == 1
    assert "there is no HLS C++\n  hint: build with --backend hls or both" in capsys.readouterr().err
    with pytest.raises(TailraceError, match="which AMD Vitis HLS reads"):
        design.synth("vitis")


def test_yosys_is_not_for_parts_of_other_vendors(
    build: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert synth(build("10m08"), "yosys") == 2
    assert capsys.readouterr().err == (
        "tailrace: yosys does not synthesize for 10m08 here\n  hint: use --tool quartus\n"
    )
