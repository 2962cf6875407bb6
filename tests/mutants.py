# SPDX-License-Identifier: Apache-2.0
"""Mutants of an emitted design: one place of one file changed, and which check finds it.

A design that is wrong must not pass. So its files are changed, one place at a time, and the checks of a build are run
on them; what passes shows a check that is missing, or a change that makes no difference.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from tailrace.core.errors import Mismatch, TailraceError
from tailrace.design.api import Design
from tailrace.emission.rtl import source_names
from tailrace.tools.process import run
from tailrace.tools.verilator import SimulationError, lint
from tailrace.tools.yosys import yosys_command
from tailrace.verify.constants import ConstantMismatch, ParameterMismatch
from tailrace.verify.hardware import AFTER_RESETS
from tailrace.verify.hls import verify_hls
from tailrace.verify.vectors import random_integers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KINDS = (
    *(
        "weights",
        "thresholds",
        "schedule",
        "handshake",
        "width",
        "sign",
        "tlast",
        "reset",
        "ring depth",
        "wiring",
    ),
    *("C++ constants", "C++ parameters", "C++ logic"),
)

VECTORS = 48
"""Random vectors of each simulation, beside the corners."""

SURVIVED = "survived"

INTERVAL = "interval"
"""It gives the right outputs, but not at the planned rate, which is measured and printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A change: the text ``old`` at ``offset`` in ``file`` (relative to the build folder) is ``new``."""

    kind: str
    file: str
    line: int
    offset: int
    old: str
    new: str

    @property
    def name(self) -> str:
        """Where it is and what it does, on one line."""
        return f"{self.file}:{self.line}: {self.old.strip()!r} is {self.new.strip()!r}"

    def apply(self, folder: Path) -> None:
        """Change the file in ``folder``."""
        path = folder / self.file
        text = path.read_text()
        if text[self.offset : self.offset + len(self.old)] != self.old:
            raise ValueError(f"{self.name}: it is not there")
        path.write_text(text[: self.offset] + self.new + text[self.offset + len(self.old) :])


# --- where a design can be changed -----------------------------------------------------------------------------------

HANDSHAKE = re.compile(r"valid|ready|advance|enable|\bput\b|\btake\b|hold|room|free|full|empty")
LAST = re.compile(r"last|final", re.IGNORECASE)

# kind, what a line must have (or None), what is replaced, by what
VERILOG: tuple[tuple[str, re.Pattern[str] | None, re.Pattern[str], str], ...] = (
    ("handshake", HANDSHAKE, re.compile(r"&&"), "||"),
    ("handshake", HANDSHAKE, re.compile(r"\|\|"), "&&"),
    ("handshake", HANDSHAKE, re.compile(r"!(?=[a-z(])"), ""),
    ("handshake", re.compile(r"assign \w*(valid|ready)\w* +="), re.compile(r"(?<== )[^;]+(?=;)"), "1'b1"),
    ("reset", None, re.compile(r"(?<=if \()rst\b"), "1'b0"),
    ("schedule", None, re.compile(r"(?<=[\w\])]) == (?=[\w{])"), " != "),
    ("schedule", None, re.compile(r"(?<=[\w\])]) - 1(?=[;)])"), " - 2"),
    ("schedule", None, re.compile(r"\+ 1'b1"), "- 1'b1"),
    ("schedule", None, re.compile(r"(?<=[\w\])]) < (?=\w)"), " <= "),
    ("schedule", None, re.compile(r"(?<=[\w\])]) > (?=\w)"), " >= "),
    ("width", re.compile(r"^\s*(reg|wire)\b.*\w_?[a-z]*(q|d)?\b"), re.compile(r"(?<=[A-Z])-1(?=:0\])"), "-2"),
    ("sign", None, re.compile(r"\$signed(?=\()"), ""),
    ("sign", None, re.compile(r">>>"), ">>"),
    ("sign", None, re.compile(r"SIGNED != 0"), "SIGNED == 0"),
)
WIRING = (
    (re.compile(r"(?<=_axis_tvalid\()\w+(?=\))"), "1'b1"),
    (re.compile(r"(?<=m_axis_tready\()\w+(?=\))"), "1'b1"),
    (re.compile(r"(?<=s_axis_tdata\()(\w+)(?=\))"), r"~\1"),
    (re.compile(r"(?<=\.rst\()rst"), "1'b0"),
    (re.compile(r"(?<=s_axis_tdata\[lane \* \d) \+:"), " + 1 +:"),
    (re.compile(r"(?<=s_axis_tdata\[lane \* \d\d) \+:"), " + 1 +:"),
)
CPP: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?<=[\w\])]) < (?=\w)"), " <= "),
    (re.compile(r"(?<=[\w\])]) == (?=\w)"), " != "),
    (re.compile(r"(?<=[\w\])]) - 1(?=[;),\]])"), " - 2"),
    (re.compile(r"(?<=[\w\])]) \+ (?=\w)"), " - "),
    (re.compile(r" && "), " || "),
    (re.compile(r"(?<=\w) \* (?=\w)"), " + "),
)
CPP_LEFT_OUT = ("tr_record.hpp", "_check.cpp", "_tb.cpp")
SIDE = re.compile(r"^\s*(//|`|#|function|parameter|assert|static_assert|end)")


def mutants(design: Design) -> list[Mutant]:
    """Return every mutant of the files of a design, in the order of their files."""
    found: list[Mutant] = []
    for name in source_names(design.plan):
        found += _verilog(design, f"rtl/{name}")
    for path in sorted((design.folder / "rtl").glob("*.mem")):
        kind = "weights" if "_weights" in path.name or "_bias" in path.name else "thresholds"
        found += _memory(design, f"rtl/{path.name}", kind)
    for path in sorted((design.folder / "hls").glob("*")):
        if path.is_file() and not path.name.endswith(CPP_LEFT_OUT):
            found += _cpp(design, f"hls/{path.name}")
    return found


def sample(every: list[Mutant], per_kind: int, seed: int) -> list[Mutant]:
    """Draw ``per_kind`` of the mutants of each kind, fewer where there are not so many."""
    rng = np.random.default_rng(seed)
    drawn: list[Mutant] = []
    for kind in KINDS:
        some = [mutant for mutant in every if mutant.kind == kind]
        places = rng.permutation(len(some))[:per_kind]
        drawn += [some[place] for place in sorted(places)]
    return drawn


def _lines(text: str) -> Iterator[tuple[int, int, str]]:
    """Return (number, offset, code) of the lines that are compiled into the design: no comments, no proofs."""
    skipped = 0
    offset = 0
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        start, offset = offset, offset + len(line)
        if re.match(r"\s*[`#]if(def|ndef)?\b", line):
            skipped += bool(skipped or "FORMAL" in line or "TAILRACE_TRACE" in line or "SIMULATION" in line)
        elif re.match(r"\s*[`#]endif", line):
            skipped -= bool(skipped)
        elif not skipped and not SIDE.match(line):
            yield number, start, line.split("//")[0]


def _verilog(design: Design, file: str) -> Iterator[Mutant]:
    text = (design.folder / file).read_text()
    top = file == f"rtl/{design.plan.name}.v"
    instance = file.startswith(f"rtl/{design.plan.name}_")
    in_reset = False
    for number, offset, line in _lines(text):
        where = {"file": file, "line": number}
        if top:
            for pattern, new in WIRING:
                for match in pattern.finditer(line):
                    yield Mutant(
                        kind="wiring",
                        **where,
                        offset=offset + match.start(),
                        old=match[0],
                        new=match.expand(new),
                    )
            continue
        if instance:
            for match in re.finditer(r"(?<=\.)([A-Z][A-Z_0-9]*)\((-?\d+)\)", line):
                yield Mutant(
                    kind=_of_parameter(match[1]),
                    **where,
                    offset=offset + match.start(),
                    old=match[0],
                    new=f"{match[1]}({int(match[2]) + (1 if match[2] == '0' or number % 2 else -1)})",
                )
        for kind, needed, pattern, new in VERILOG:
            if needed is not None and not needed.search(line):
                continue
            for match in pattern.finditer(line):
                marks = file.endswith("tr_frame.v") and LAST.search(line)
                yield Mutant(
                    kind="tlast" if marks else kind,
                    **where,
                    offset=offset + match.start(),
                    old=match[0],
                    new=new,
                )
        if re.search(r"\bif \(rst\)? begin|\bif \(rst \|\|.*\) begin", line):
            in_reset = True
        elif re.search(r"\b(end|else|if)\b", line):
            in_reset = False
        elif in_reset and "<=" in line:
            yield Mutant(kind="reset", **where, offset=offset, old=line.rstrip(), new="")


def _of_parameter(name: str) -> str:
    if name.startswith(("SIGNED", "IN_SIGNED", "OUT_SIGNED")):
        return "sign"
    if name == "DEPTH":
        return "ring depth"
    return "width" if "BITS" in name or name == "WIDTH_BITS" else "schedule"


def _memory(design: Design, file: str, kind: str) -> Iterator[Mutant]:
    for number, offset, line in _lines((design.folder / file).read_text()):
        word = line.strip()
        if re.fullmatch(r"[0-9a-f]+", word):
            at = number * 7 % len(word)
            new = f"{int(word[at], 16) ^ 1:x}"
            yield Mutant(kind=kind, file=file, line=number, offset=offset + at, old=word[at], new=new)


def _cpp(design: Design, file: str) -> Iterator[Mutant]:
    for number, offset, line in _lines((design.folder / file).read_text()):
        where = {"file": file, "line": number}
        if file.endswith(".inc"):
            match = re.search(r"(?<![\w.])-?\d+(?=[,} ])", line)
            if match:
                at, new = offset + match.start(), str(int(match[0]) ^ 1)
                yield Mutant(kind="C++ constants", **where, offset=at, old=match[0], new=new)
            continue
        for match in re.finditer(r"(?<=static const int )(\w+) = (\d+)", line):
            at, new = offset + match.start(), f"{match[1]} = {int(match[2]) + 1}"
            yield Mutant(kind="C++ parameters", **where, offset=at, old=match[0], new=new)
        if file.endswith(f"{design.plan.name}.hpp") or "template" in line or "#" in line:
            continue
        for pattern, new in CPP:
            for match in pattern.finditer(line):
                at = offset + match.start()
                yield Mutant(kind="C++ logic", **where, offset=at, old=match[0], new=new)


# --- which check finds it -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The check that found a mutant, or :data:`SURVIVED`; what it said; whether Verilator's lint would have."""

    found: str
    said: str
    lint: bool | None = None


def outcome(design: Design, mutant: Mutant, folder: Path, *, with_lint: bool = True) -> Outcome:
    """Copy the design into ``folder``, change it, and see what the checks of a build say."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(design.folder, folder, ignore=shutil.ignore_patterns("check", "synth"))
    mutant.apply(folder)
    spoiled = Design.open(folder)
    cpp = mutant.file.startswith("hls/")
    warned = None if cpp or not with_lint else not _lint_clean(spoiled)
    try:
        found, said = _cpp_outcome(spoiled) if cpp else _verilog_outcome(spoiled)
    except Mismatch as error:
        found, said = _name_of(error), str(error)
    except SimulationError as error:
        found, said = _name_of(error), str(error)
    except TailraceError as error:
        found, said = ("build" if error.exit_code == 4 else "constants"), str(error)
    return Outcome(found=found, said=said, lint=warned)


def _verilog_outcome(design: Design) -> tuple[str, str]:
    result = design.simulate(vectors=VECTORS)
    if result.interval_cycles != design.plan.interval_cycles:
        return INTERVAL, f"interval {result.interval_cycles} cycles, planned {design.plan.interval_cycles}"
    return SURVIVED, ""


def _cpp_outcome(design: Design) -> tuple[str, str]:
    graph = design.plan.graph
    q = random_integers(graph, VECTORS, seed=1)
    expected = graph.predict_int(q.reshape(-1, *graph.tensors[graph.input].shape))
    first = verify_hls(design.plan, design.folder, q, expected).first
    if first:
        raise first
    return SURVIVED, ""


def _name_of(error: TailraceError) -> str:
    hint = error.hint or ""
    if isinstance(error, ConstantMismatch | ParameterMismatch):
        return "constants"
    if hint.startswith("it comes with stalls inside"):
        return "stalls inside"
    if hint == AFTER_RESETS:
        return "resets"
    if isinstance(error, Mismatch) and error.check == "hls":
        return "C++"
    return "C++" if error.where == "hls" else "stalls at the ends"


def _lint_clean(design: Design) -> bool:
    rtl = design.folder / "rtl"
    try:
        lint([rtl / name for name in source_names(design.plan)], top=design.plan.name, folder=rtl)
    except TailraceError:
        return False
    return True


# --- why it survived ------------------------------------------------------------------------------------------

PROOF_SECONDS = 120.0


def proven_equal(design: Design, mutant: Mutant, folder: Path) -> bool:
    """Return whether yosys proves that every instance which uses the changed file does the same as before.

    Registers of equal names are taken to begin equal; they stay so, and all outputs with them, whatever comes in. So it
    says nothing about resets.
    """
    plan = design.plan
    rtl = folder / "rtl"
    names = source_names(plan)
    if mutant.file == f"rtl/{plan.name}.v":
        return False  # it is in no instance
    for instance in plan.instances:
        top = f"{plan.name}_{instance.name}"
        if not _uses(design.folder / "rtl", f"{top}.v", mutant.file.removeprefix("rtl/"), names):
            continue
        read = [
            f"read_verilog {' '.join(str(base / name) for name in names if name != f'{plan.name}.v')}\n"
            f"hierarchy -top {top}\nproc\nflatten\nmemory_map\nopt -full\nrename {top} {side}\ndesign -stash {side}\n"
            for side, base in (("gold", design.folder / "rtl"), ("gate", rtl))
        ]
        script = (
            "".join(read)
            + "design -copy-from gold -as gold gold\ndesign -copy-from gate -as gate gate\n"
            + "equiv_make gold gate equiv\nhierarchy -top equiv\nopt_clean\nequiv_struct\nequiv_simple -undef\n"
            + "equiv_induct -seq 3 -undef\nequiv_status -assert\n"
        )
        (rtl / "equal.ys").write_text(script)
        try:
            run(yosys_command("equal.ys"), cwd=rtl, log=rtl / "equal.log", timeout_seconds=PROOF_SECONDS)
        except TailraceError:
            return False
    return True


def _uses(rtl: Path, file: str, wanted: str, names: list[str]) -> bool:
    """Return whether a Verilog file instantiates, itself or through others, the module of another file."""
    left, seen = [file], set()
    while left:
        name = left.pop()
        seen.add(name)
        code = "\n".join(line.split("//")[0] for line in (rtl / name).read_text().splitlines())
        left += [
            other for other in names if other not in seen and re.search(rf"\b{other[:-2]}\s*(#|\w+ \()", code)
        ]
    return wanted in seen
