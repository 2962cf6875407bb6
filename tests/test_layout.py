# SPDX-License-Identifier: Apache-2.0
"""The source tree keeps the order that DESIGN and CONTRIBUTING promise."""

from __future__ import annotations

import ast
import re
import subprocess
import textwrap
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from tailrace.blocks.catalogue import BLOCKS

pytestmark = pytest.mark.lint

CHECKOUT = Path(__file__).resolve().parents[1]
PACKAGE = CHECKOUT / "flow" / "tailrace"
RTL_FILES = sorted((CHECKOUT / "rtl").glob("*.v"))

# A module imports from its own row and the rows above it, never from a row below.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("core",),
    ("targets", "graph"),
    ("blocks", "spatial", "frontend", "host"),
    ("planning",),
    ("emission",),
    ("tools", "verify", "report", "asic", "packaging"),
    ("extend",),
    ("design",),
    ("cli", "hls4ml_backend"),
)
RANKS = {name: rank for rank, row in enumerate(LAYERS) for name in row}

# The packages of the outside world, and the only place that may import them.
OUTSIDE = {"onnx", "qonnx", "torch", "brevitas", "hls4ml", "tflite", "ai_edge_litert"}
ALSO = {("hls4ml_backend", "hls4ml")}  # hls4ml loads it, as one of its own back ends

# Modules of blocks/ that are no hardware block: they have no counterpart in Verilog.
NO_BLOCK = {"__init__", "automata", "base", "catalogue", "costs", "lanes", "library", "ring"}


def listed_files() -> list[Path]:
    """Every file that git tracks or would track; without git, every file that is not obviously generated."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listing = subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=True).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        generated = {".venv", "build", "dist", "__pycache__", "sim_build"}
        paths = [path.relative_to(CHECKOUT) for path in CHECKOUT.rglob("*") if path.is_file()]
        return sorted(path for path in paths if not generated & set(path.parts))
    return sorted(
        path for name in listing.split("\0") if name and (CHECKOUT / (path := Path(name))).is_file()
    )


def text_of(path: Path) -> str | None:
    """The text of a file of the checkout, or None for a binary one."""
    try:
        return (CHECKOUT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


# --- blocks ---------------------------------------------------------------------------------------


def places(name: str) -> list[str]:
    """The six files of the block called ``name``."""
    return [
        f"flow/tailrace/blocks/{name}.py",
        f"rtl/tr_{name}.v",
        f"templates_hls/tr_{name}.hpp",
        f"sim/test_{name}.py",
        f"tests/blocks/test_{name}.py",
        f"docs/blocks/{name}.md",
    ]


def has_streams(path: Path) -> bool:
    """Whether a Verilog module is a block; one without streams (an adder tree) is a part of blocks."""
    return "_axis_t" in path.read_text(encoding="utf-8")


def block_names(checkout: Path) -> set[str]:
    """The base names of all blocks that have at least one of their six files."""
    names = set()
    for pattern in places("*"):
        folder, _, file_pattern = pattern.rpartition("/")
        prefix, _, suffix = file_pattern.partition("*")
        for path in (checkout / folder).glob(file_pattern):
            if suffix != ".v" or has_streams(path):
                names.add(path.name.removeprefix(prefix).removesuffix(suffix))
    # tr_axis.hpp, tr_axis_user.hpp, tr_common.hpp and tr_record.hpp are shared by all; index.md belongs to the folder;
    # what the spatial
    # engine builds is written for each layer and has a room of its own; tests/blocks has tests of all blocks together.
    return (
        names
        - NO_BLOCK
        - {"axis", "axis_user", "common", "record", "index", "spatial", "protocol", "new_block"}
    )


def missing_places(checkout: Path) -> list[str]:
    """The files that the blocks of ``checkout`` lack."""
    wanted = [place for name in sorted(block_names(checkout)) for place in places(name)]
    return [place for place in wanted if not (checkout / place).is_file()]


def test_every_block_has_its_six_files() -> None:
    assert missing_places(CHECKOUT) == []


def test_the_table_of_blocks_has_those_with_six_files_and_the_spatial_one() -> None:
    assert set(BLOCKS) == block_names(CHECKOUT) | {"spatial"}


def test_a_block_that_lacks_a_file_is_found(tmp_path: Path) -> None:
    for place in places("whole") + places("lacking")[:-1]:
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
    assert block_names(tmp_path) == {"whole", "lacking"}
    assert missing_places(tmp_path) == ["docs/blocks/lacking.md"]


def test_every_part_of_blocks_is_used_by_one() -> None:
    parts = {path.stem for path in RTL_FILES if not has_streams(path)}
    texts = {path.stem: code_only(path.read_text(encoding="utf-8")) for path in RTL_FILES}
    used = {
        part
        for part in parts
        for user, text in texts.items()
        if user != part and re.search(rf"\b{part}\b", text)
    }
    assert parts - used == set()


def test_every_block_stands_in_the_index_of_its_documentation() -> None:
    index = (CHECKOUT / "docs/blocks/index.md").read_text(encoding="utf-8")
    assert [name for name in sorted(block_names(CHECKOUT)) if f"]({name}.md)" not in index] == []


# Nobody outside of the two rooms of blocks asks what class a block is of, or what it is called: the protocol says it.
BLOCK_CLASSES = {block.__name__ for block in BLOCKS.values()}
BLOCK_ROOMS = {"blocks", "spatial"}


def block_faults(source: str, module: str) -> list[str]:
    """Where ``module`` tells blocks apart by class, attribute or name instead of asking them; one line a fault."""
    tree = ast.parse(source)
    classes = set()  # what the module calls the classes of blocks
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and re.match(r"tailrace\.(blocks|spatial)\.", f"{node.module}."):
            classes |= {alias.asname or alias.name for alias in node.names if alias.name in BLOCK_CLASSES}
    faults = []
    for node in ast.walk(tree):
        where = f"{module}:{getattr(node, 'lineno', 0)}"
        match node:
            case ast.Call(func=ast.Name(id="isinstance"), args=[_, kinds]) if classes & names_in(kinds):
                faults.append(f"{where} asks for the class {', '.join(sorted(classes & names_in(kinds)))}")
            case ast.MatchClass(cls=cls) if classes & names_in(cls):
                faults.append(f"{where} matches the class {', '.join(sorted(classes & names_in(cls)))}")
            case ast.Call(func=ast.Name(id="getattr" | "hasattr"), args=[asked, *_]) if is_block(asked):
                faults.append(f"{where} asks a block for an attribute by its name")
            case ast.Compare(left=left, comparators=[right, *_]) if is_named_block(left) and (
                BLOCKS.keys() & texts_in(right)
            ):
                faults.append(f"{where} compares the name of a block with {sorted(texts_in(right))}")
            case ast.Match(subject=subject) if is_named_block(subject):
                faults.append(f"{where} matches the name of a block")
            case ast.Call(func=ast.Attribute(value=table, attr="get"), args=[key, *_]) if is_named_block(key):
                faults.append(f"{where} looks up {ast.unparse(table)} by the name of a block")
    return faults


def names_in(node: ast.AST) -> set[str]:
    """The names and last attributes in an expression: ``Fifo`` of ``fifo.Fifo``."""
    found = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    return found | {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}


def texts_in(node: ast.AST) -> set[str]:
    """The texts in an expression."""
    return {
        each.value
        for each in ast.walk(node)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }


def is_block(node: ast.AST) -> bool:
    """Whether an expression is called a block: ``block``, ``instance.block``."""
    return (isinstance(node, ast.Name) and node.id.endswith("block")) or (
        isinstance(node, ast.Attribute) and node.attr == "block"
    )


def is_named_block(node: ast.AST) -> bool:
    """Whether an expression is the name of a block: ``instance.block.name``."""
    return isinstance(node, ast.Attribute) and node.attr == "name" and is_block(node.value)


def test_nobody_outside_of_their_rooms_tells_blocks_apart() -> None:
    faults = []
    for module, path in modules().items():
        if module.split(".")[1] not in BLOCK_ROOMS:
            faults += block_faults(path.read_text(encoding="utf-8"), module)
    assert faults == []


@pytest.mark.parametrize(
    "line",
    [
        "isinstance(instance.block, Fifo)",
        "isinstance(block, (int, Fifo))",
        "getattr(instance.block, 'vectors', 1)",
        "hasattr(block, 'vectors')",
        "block.name == 'fifo'",
        "instance.block.name in ('fifo', 'skid')",
        "ENGINES.get(block.name)",
        "match block:\n    case Fifo(depth=depth):\n        pass",
        "match block.name:\n    case 'fifo':\n        pass",
    ],
)
def test_a_question_for_the_kind_of_a_block_is_found(line: str) -> None:
    source = f"from tailrace.blocks.fifo import Fifo\n{line}\n"
    (fault,) = block_faults(source, "tailrace.emission.rtl")
    assert fault.startswith("tailrace.emission.rtl:2 ") or "matches" in fault


@pytest.mark.parametrize(
    "line",
    ["Fifo(stream=stream, depth=2)", "isinstance(node, Dense)", "block.name == wanted", "node.name in names"],
)
def test_making_a_block_and_asking_other_things_is_allowed(line: str) -> None:
    assert block_faults(f"from tailrace.blocks.fifo import Fifo\n{line}\n", "tailrace.planning.fifos") == []


# --- imports --------------------------------------------------------------------------------------


def imported_names(source: str, module: str) -> list[tuple[int, str]]:
    """The (line, dotted name) of every import of ``source``, also those inside functions.

    ``from a.b import c`` gives ``a.b.c``: ``from tailrace import graph`` means the module, not the package.
    """
    found: list[tuple[int, str]] = []
    package = module.split(".")[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found += [(node.lineno, f"{base}.{alias.name}") for alias in node.names]
    return found


def import_faults(source: str, module: str) -> list[str]:
    """What is wrong with the imports of ``module`` (``tailrace.blocks.skid``), one line a fault."""
    own = module.split(".")[1]
    faults = []
    for line, name in imported_names(source, module):
        root, *rest = name.split(".")
        if root in OUTSIDE and own != "frontend" and (own, root) not in ALSO:
            faults.append(f"{module}:{line} imports {root}, which only frontend/ may")
        if root != "tailrace" or rest == ["__version__"]:
            continue
        if not rest or rest[0] not in RANKS:
            faults.append(f"{module}:{line} imports {name}, which has no row in LAYERS")
        elif RANKS[rest[0]] > RANKS[own]:
            faults.append(f"{module}:{line} imports {name}, which stands below {own} in LAYERS")
    return faults


def modules() -> dict[str, Path]:
    """The dotted name and the path of every module of the package."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = ("tailrace", *path.relative_to(PACKAGE).with_suffix("").parts)
        found[".".join(parts)] = path
    return found


def test_every_module_has_a_row_in_the_layers() -> None:
    top_level = {path.stem if path.is_file() else path.name for path in PACKAGE.iterdir()}
    known = {
        *RANKS,
        "__init__",
        "__main__",
        "__pycache__",
        "py",
        "rtl",
        "templates_hls",
        "ip",
        "constraints",
        "sim",
    }
    assert top_level - known == set()


def test_imports_run_one_way() -> None:
    faults = []
    for module, path in modules().items():
        if module.split(".")[1] in RANKS:  # the package's own __init__ and __main__ may import everything
            faults += import_faults(path.read_text(encoding="utf-8"), module)
    assert faults == []


@pytest.mark.parametrize(
    ("module", "source", "fault"),
    [
        (
            "tailrace.core.types",
            "from tailrace.graph import Graph",
            "tailrace.core.types:1 imports tailrace.graph.Graph",
        ),
        (
            "tailrace.blocks.skid",
            "from tailrace import planning",
            "imports tailrace.planning, which stands below blocks",
        ),
        (
            "tailrace.blocks.skid",
            "from ..emission import rtl",
            "imports tailrace.emission.rtl, which stands below blocks",
        ),
        (
            "tailrace.graph.passes.fold",
            "def f():\n    import onnx",
            "tailrace.graph.passes.fold:2 imports onnx, which only",
        ),
        (
            "tailrace.verify.e1",
            "import tailrace.design",
            "imports tailrace.design, which stands below verify",
        ),
        ("tailrace.cli", "import tailrace.nonsense", "imports tailrace.nonsense, which has no row"),
    ],
)
def test_an_import_against_the_direction_is_found(module: str, source: str, fault: str) -> None:
    (found,) = import_faults(source, module)
    assert fault in found


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("tailrace.frontend.qonnx", "import onnx\nfrom tailrace.graph import Graph"),
        ("tailrace.blocks.skid", "from tailrace.blocks.base import Stream\nfrom .base import Block"),
        ("tailrace.report.page", "from tailrace import __version__"),
    ],
)
def test_an_import_along_the_direction_is_allowed(module: str, source: str) -> None:
    assert import_faults(source, module) == []


def imports_of_a_module(source: str, module: str) -> list[str]:
    """The dotted names that a module imports, for the type checker too; imports inside functions make no circle."""
    body = ast.parse(source).body
    blocks = [node for node in body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    found = [*body, *(inner for block in blocks for inner in block.body)]
    kept = [node for node in found if isinstance(node, ast.Import | ast.ImportFrom)]
    return [name for _, name in imported_names(ast.unparse(ast.Module(kept, [])), module)]


def circle(sources: dict[str, str]) -> list[str]:
    """The modules of a circle of imports; empty where there is none."""
    needs: dict[str, set[str]] = {}
    for module, source in sources.items():
        names = imports_of_a_module(source, module)
        targets = {name if name in sources else name.rpartition(".")[0] for name in names}
        needs[module] = (targets & sources.keys()) - {module}
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_modules_import_each_other_in_a_circle() -> None:
    sources = {module: path.read_text(encoding="utf-8") for module, path in modules().items()}
    assert circle(sources) == []


def test_a_circle_through_the_type_checker_is_found() -> None:
    sources = {
        "tailrace.frontend.walk": "from tailrace.frontend.sums import add",
        "tailrace.frontend.sums": "if TYPE_CHECKING:\n    from tailrace.frontend.walk import Walk",
    }
    assert sorted(set(circle(sources))) == ["tailrace.frontend.sums", "tailrace.frontend.walk"]
    later = {**sources, "tailrace.frontend.sums": "def f():\n    from tailrace.frontend.walk import Walk"}
    assert circle(later) == []


# --- texts ----------------------------------------------------------------------------------------

COMMENTED = {
    ".py",
    ".v",
    ".vh",
    ".sv",
    ".hpp",
    ".cpp",
    ".h",
    ".c",
    ".toml",
    ".yml",
    ".mk",
    ".j2",
    ".tcl",
    ".ys",
    ".xdc",
    ".lpf",
}
SPDX = "SPDX-License-Identifier: Apache-2.0"


def is_golden(path: Path) -> bool:
    """Whether the file is the expected text of a test, which begins as its tool begins it."""
    return "golden" in path.parts


def test_every_source_file_names_its_licence() -> None:
    unnamed = []
    for path in listed_files():
        if (path.suffix in COMMENTED or path.name in {"Makefile", "run"}) and not is_golden(path):
            head = (CHECKOUT / path).read_text(encoding="utf-8").splitlines()[:2]
            if not any(SPDX in line for line in head):
                unnamed.append(str(path))
    assert unnamed == []


MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
FORBIDDEN = {
    "a registry host": re.compile(
        r"pypi\.(?:org|io)|python[h]osted\.org|registry\.[n]pmjs|deb\.[d]ebian\.org|proxy\.[g]olang\.org"
    ),
    "an absolute path": re.compile(r"(?<![\w.~}$)*-])/(?:work|home|root|tmp|opt|Users|mnt)/\w"),
    "a date": re.compile(
        rf"\b20\d\d-[01]\d-[0-3]\d\b|\b(?:{MONTHS}) (?:\d\d?, )?20\d\d\b|\b\d\d? (?:{MONTHS}) 20\d\d\b"
    ),
}


def text_faults(text: str) -> list[str]:
    """What a text names that a repository must not: one line a fault."""
    return [
        f"{text.count(chr(10), 0, match.start()) + 1} names {what}: {match[0]}"
        for what, pattern in FORBIDDEN.items()
        for match in pattern.finditer(text)
    ]


def test_no_file_names_a_registry_an_absolute_path_or_a_date() -> None:
    faults = []
    for path in listed_files():
        text = text_of(path)
        if text is not None and path.name != "LICENSE":
            faults += [f"{path}:{fault}" for fault in text_faults(text)]
    assert faults == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("pip install -i https://py" + "pi.org/simple", "a registry host"),
        ("cd " + "/home/" + "someone/tailrace", "an absolute path"),
        ('open("' + "/opt/" + 'x")', "an absolute path"),
        ("## 0.1.0 (2031-" + "05-17)", "a date"),
        ("measured on 3 March " + "2031", "a date"),
    ],
)
def test_a_forbidden_text_is_found(text: str, what: str) -> None:
    (fault,) = text_faults("first line\n" + text)
    assert fault.startswith(f"2 names {what}")


@pytest.mark.parametrize(
    "text", ["${HOME}/tmp/x", "../shared/models", "a/work/b", "version 5.48.0", "12-34-56"]
)
def test_an_innocent_text_is_not_accused(text: str) -> None:
    assert text_faults(text) == []


def test_no_large_file_is_tracked() -> None:
    assert [str(path) for path in listed_files() if (CHECKOUT / path).stat().st_size > 512 * 1024] == []


LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def test_links_between_the_documents_lead_somewhere() -> None:
    broken = []
    for path in listed_files():
        if path.suffix != ".md":
            continue
        text = re.sub(
            r"```.*?```|`[^`\n]*`", "", (CHECKOUT / path).read_text(encoding="utf-8"), flags=re.DOTALL
        )
        targets = [target for target in LINK.findall(text) if "://" not in target]
        broken += [f"{path}: {to}" for to in targets if not (CHECKOUT / path.parent / to).exists()]
    assert broken == []


# --- Verilog --------------------------------------------------------------------------------------


def code_only(text: str) -> str:
    """Verilog without its comments and strings."""
    return re.sub(r"//[^\n]*|/\*.*?\*/|\"[^\"\n]*\"", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("path", RTL_FILES, ids=lambda path: path.stem)
def test_a_verilog_file_holds_the_one_module_of_its_name(path: Path) -> None:
    code = code_only(path.read_text(encoding="utf-8"))
    assert re.findall(r"^\s*module\s+(\w+)", code, re.MULTILINE) == [path.stem]
    assert path.stem.startswith("tr_")


@pytest.mark.parametrize("path", RTL_FILES, ids=lambda path: path.stem)
def test_a_verilog_file_sets_and_restores_the_default_nettype(path: Path) -> None:
    directives = re.findall(r"`default_nettype\s+(\w+)", code_only(path.read_text(encoding="utf-8")))
    assert directives == ["none", "wire"]


def lint(program: Path, source: Path, library: Path, *options: str) -> str:
    """Return what Verilator's lint says about a module: nothing if it is clean."""
    command = [str(program), "--lint-only", "-Wall", *options, "-y", str(library)]
    command += ["--top-module", source.stem, str(source)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    output = result.stdout + result.stderr
    return output if result.returncode or "%Warning" in output or "%Error" in output else ""


@pytest.mark.parametrize("options", [(), ("-DSIMULATION",)], ids=["synthesis", "simulation"])
@pytest.mark.parametrize("path", RTL_FILES, ids=lambda path: path.stem)
def test_a_verilog_module_is_lint_clean(
    path: Path, options: tuple[str, ...], verilator_program: Path
) -> None:
    assert lint(verilator_program, path, CHECKOUT / "rtl", *options) == ""


def test_lint_finds_a_signal_that_nobody_reads(tmp_path: Path, verilator_program: Path) -> None:
    source = tmp_path / "tr_bad.v"
    source.write_text(
        textwrap.dedent("""\
            module tr_bad (input wire clk, output reg out);
                reg [3:0] unread;
                always @(posedge clk) begin unread <= 4'd1; out <= 1'b0; end
            endmodule
        """),
        encoding="utf-8",
    )
    assert "UNUSEDSIGNAL" in lint(verilator_program, source, tmp_path)
