# SPDX-License-Identifier: Apache-2.0
"""What the documents show is what happens."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest
from tailrace.cli import main as cli

CHECKOUT = Path(__file__).resolve().parents[1]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(document: str, language: str) -> list[str]:
    """The code blocks of a language in a document."""
    text = (CHECKOUT / document).read_text(encoding="utf-8")
    return [code for kind, code in FENCE.findall(text) if kind == language]


@pytest.fixture
def in_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the examples in it, and nothing else."""
    (tmp_path / "examples").symlink_to(CHECKOUT / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_python_of_the_documents_runs_and_prints_what_it_says(
    in_a_checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = "\n".join(blocks("docs/python.md", "python"))
    exec(compile(code, "docs/python.md", "exec"), {"__name__": "__main__"})  # noqa: S102 - our own document
    printed = capsys.readouterr().out
    for line in code.splitlines():
        shown = re.search(r"^\s*print\(.*\)  # (.*)$", line)
        if shown and not shown[1].startswith("the first activation"):
            assert shown[1].removesuffix(" ...") in printed, line
    assert (in_a_checkout / "build/digits.html").stat().st_size > 10_000


COMMAND = re.compile(r"^\$ (tailrace .*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
UNSTEADY = {"doctor", "synth", "sim"}
"""Commands whose output depends on the machine, or which take long; tests/cli/test_cli.py runs them."""


def transcripts(document: str) -> list[tuple[str, str]]:
    """The (command, output) pairs in the plain blocks of a document."""
    return [pair for code in blocks(document, "") for pair in COMMAND.findall(code)]


def steady(text: str) -> str:
    """Output without seconds."""
    return re.sub(r" +\d+\.\d s", " S", text).strip()


DOCUMENTS = (
    "README.md",
    "docs/cli.md",
    "docs/tutorial.md",
    "docs/index.md",
    "docs/install.md",
    "docs/reports.md",
    "docs/flows/packages.md",
    "docs/flows/asic.md",
)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_in_the_documents_has_options_that_exist(document: str) -> None:
    code = "".join(blocks(document, "") + blocks(document, "sh"))
    for line in re.findall(r"^(?:\$ )?(tailrace \w.*)$", code, re.MULTILINE):
        words = shlex.split(line.split("  #")[0])
        known = {name for option in cli.load(words[1]).params for name in (*option.opts, "--help")}
        assert {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)} <= known, line


def test_the_commands_of_the_reference_print_what_it_shows(
    in_a_checkout: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    found = transcripts("docs/cli.md")
    assert len(found) > 8
    for command, shown in found:
        words = shlex.split(command)[1:]
        if words[0] in UNSTEADY or "--help" in words:
            continue
        expected = steady(shown)
        if "--vectors" in words:  # the whole build, which takes most of a minute
            words += ["--to", "emit"]
            expected = expected[: expected.index("\nverify")]
        cli.main(words)
        captured = capsys.readouterr()
        lines = iter(steady(captured.out + captured.err).splitlines())
        for line in expected.splitlines():  # each in its order; "..." stands for any others
            if line != "...":
                assert any(printed.strip().startswith(line.strip()) for printed in lines), (
                    f"{command}\n{line}"
                )


def test_the_configuration_in_the_reference_is_one() -> None:
    for text in blocks("docs/cli.md", "toml"):
        assert set(tomllib.loads(text)) <= {"build", "layers", "dense_0", "*"}
