# SPDX-License-Identifier: Apache-2.0
"""Liberty files are read as they are written: syntax, functions, cells, units; and what is wrong is named."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from liberty_samples import SMALL, write_small
from tailrace.asic.liberty.functions import parse_function
from tailrace.asic.liberty.library import Table, read_library
from tailrace.asic.liberty.models import cell_models_verilog
from tailrace.asic.liberty.syntax import LibertyError, parse
from tailrace.core.errors import UsageError
from tailrace.tools.process import run
from tailrace.tools.yosys import yosys_command

if TYPE_CHECKING:
    from pathlib import Path

# --- syntax and functions -------------------------------------------------------------------------


def test_groups_attributes_and_repeated_attributes_are_read() -> None:
    library = parse(SMALL, "small.lib")
    assert library.name == "small"
    assert library.values["default_max_fanout"] == "4"  # its line has no semicolon
    assert library.lists["capacitive_load_unit"] == ("1", "pf")
    wire = library.first("wire_load")
    assert wire is not None
    assert wire.repeated["fanout_length"] == [("1", "1.0"), ("3", "5.0")]
    assert [cell.name for cell in library.all("cell")] == [
        *("INV", "NAND", "BUF", "UNUSED_NAND", "DFF", "ZERO", "ONE")
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("library (x) {\n  = 3;\n}", "this is no Liberty: line 2 begins with '= 3;'"),
        ("library (x) {\n}\n}", "this is no Liberty: line 3 begins with '}'"),
        ("library (x) {\n cell (A) {", "this is no whole Liberty library: it ends inside a group"),
        ("module (x);", "this is no whole Liberty library: it has no library group"),
    ],
)
def test_a_file_that_is_no_liberty_is_named_with_the_line(text: str, said: str) -> None:
    with pytest.raises(LibertyError) as error:
        parse(text, "x.lib")
    assert str(error.value) == f"x.lib: {said}\n  hint: give the .lib file of a PDK"


@pytest.mark.parametrize(
    ("text", "verilog", "table"),
    [
        ("!(A*B)", "(~(A & B))", (1, 1, 1, 0)),
        ("(A B)'", "(~(A & B))", (1, 1, 1, 0)),
        ("A' + B", "((~A) | B)", (1, 1, 0, 1)),
        ("A ^ B'", "(A ^ (~B))", (1, 0, 0, 1)),
        ("A + B A ^ 1", "(A | (B & (A ^ 1'b1)))", (0, 1, 1, 1)),
        ("!!A & B | 0", "(((~(~A)) & B) | 1'b0)", (0, 0, 0, 1)),
    ],
)
def test_functions_bind_as_liberty_says(text: str, verilog: str, table: tuple[int, ...]) -> None:
    function = parse_function(text)
    assert function.verilog() == verilog
    assert function.table(("A", "B")) == table


@pytest.mark.parametrize("text", ["", "A +", "(A", "A)", "A ? B", "*A"])
def test_a_function_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(LibertyError, match="cannot be read\n  hint: wanted names"):
        parse_function(text)


def test_tables_are_linear_between_and_beyond_their_points() -> None:
    table = Table((0.0, 2.0), (0.0, 1.0), ((1.0, 2.0), (5.0, 6.0)))
    assert [table.at(0, 0), table.at(1, 0.5), table.at(3, 2), table.at(-1, 0)] == [1.0, 3.5, 9.0, -1.0]
    assert Table((), (), ((7.0,),)).at(3, 4) == 7.0


# --- libraries ------------------------------------------------------------------------------------


def test_the_small_library_is_read_in_its_units(tmp_path: Path) -> None:
    library = read_library((write_small(tmp_path / "small.lib"),))
    assert (library.time_s, library.capacitance_f, library.supply_v) == (1e-9, 1e-12, 2.0)
    assert library.max_fanout == 4
    assert library.cells["INV"].leakage_w == pytest.approx(3e-9)
    assert library.cells["NAND"].leakage_w == pytest.approx(4e-9)  # the mean of its states
    assert library.cells["NAND"].pins["B"].capacitance == (0.1, 0.2)
    nand = library.nand2()
    assert nand is not None
    assert nand.name == "NAND"  # the smaller one is not to be used
    assert library.smallest("0") == ("ZERO", "Y")
    assert library.smallest("1") == ("ONE", "Y")
    assert [cell.name for cell in library.buffers()] == ["BUF"]
    wires = library.wire_load
    assert wires is not None
    assert [round(wires.capacitance(n), 9) for n in (0, 1, 2, 3, 5)] == [0.0, 0.01, 0.03, 0.05, 0.09]


def test_a_packed_library_and_a_library_in_two_files_are_the_same(tmp_path: Path) -> None:
    plain = read_library((write_small(tmp_path / "small.lib"),))
    (tmp_path / "small.lib.gz").write_bytes(gzip.compress(SMALL.encode()))
    packed = read_library((tmp_path / "small.lib.gz",))
    assert packed.cells == plain.cells
    assert packed.sha256 == plain.sha256
    extra = SMALL.replace("library (small)", "library (extra)").replace("cell (INV)", "cell (INV_2)")
    both = read_library((tmp_path / "small.lib", write_small(tmp_path / "extra.lib", extra)))
    assert both.names == ("small", "extra")
    assert set(both.cells) == {*plain.cells, "INV_2"}


def test_libraries_of_other_units_do_not_mix(tmp_path: Path) -> None:
    other = write_small(tmp_path / "other.lib", SMALL.replace('"1ns"', '"1ps"'))
    with pytest.raises(LibertyError, match="the library has other units than the first one"):
        read_library((write_small(tmp_path / "small.lib"), other))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.lib", None, "there is no such file"),
        ("x.lib.gz", b"no gzip", "cannot be read: "),
        ("x.lib", b"library (x) { }", "the library has no cells"),
    ],
)
def test_a_library_that_cannot_be_read_is_named(
    name: str, content: bytes | None, said: str, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises((UsageError, LibertyError), match=f"{name}: {said}"):
        read_library((tmp_path / name,))


def test_a_published_library_is_read_whole(shared_liberty: Path) -> None:
    library = read_library((shared_liberty,))
    assert len(library.cells) == 84
    nand = library.nand2()
    assert nand is not None
    assert (nand.name, nand.area) == ("sg13g2_nand2_1", 7.2576)
    assert library.smallest("1") == ("sg13g2_tiehi", "L_HI")
    assert sum(cell.state is not None for cell in library.cells.values()) == 14
    assert all(
        pin.arcs for name in ("sg13g2_dfrbpq_1", "sg13g2_xor2_1") for pin in library.cells[name].outputs
    )


# --- models ---------------------------------------------------------------------------------------


def modelled(library: object) -> list[str]:
    """The cells of a library that can be modelled."""
    return [
        name
        for name, cell in library.cells.items()  # type: ignore[attr-defined]
        if cell.usable
        and cell.outputs
        and not cell.black_box
        and all(p.function and not p.three_state for p in cell.outputs)
    ]


def test_every_model_is_what_yosys_reads_in_the_same_library(shared_liberty: Path, tmp_path: Path) -> None:
    library = read_library((shared_liberty,))
    names = modelled(library)
    assert len(names) > 60
    (tmp_path / "models.v").write_text(cell_models_verilog(library, names))
    script = [
        f"read_liberty -ignore_miss_func -ignore_miss_dir {shared_liberty}",
        *(f"rename {name} gold_{name}" for name in names),
        "delete sg13g2_*",
        "read_verilog models.v",
        "proc",
    ]
    for name in names:
        state = library.cells[name].state is not None
        script += [
            f"miter -equiv -flatten -make_outputs gold_{name} {name} miter_{name}",
            *([f"async2sync miter_{name}"] if state else []),
            f"sat -verify -prove trigger 0 {'-tempinduct -set-init-zero' if state else ''} miter_{name}",
        ]
    (tmp_path / "prove.ys").write_text("\n".join(script) + "\n")
    run(yosys_command("prove.ys"), cwd=tmp_path, log=tmp_path / "prove.log", timeout_seconds=600)


def test_cells_that_cannot_be_modelled_are_named(tmp_path: Path) -> None:
    library = read_library((write_small(tmp_path / "small.lib"),))
    with pytest.raises(LibertyError, match="the library has no cell MISSING"):
        cell_models_verilog(library, ["MISSING"])
    text = SMALL.replace('function : "A";', "")
    broken = read_library((write_small(tmp_path / "broken.lib", text),))
    with pytest.raises(LibertyError, match="the cell BUF has an output without a function: Y"):
        cell_models_verilog(broken, ["BUF"])
