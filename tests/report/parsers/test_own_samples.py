# SPDX-License-Identifier: Apache-2.0
"""Parsers on samples of our own: spellings of all years, files that are cut off, and files that are no report."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest
from report.parsers import vendor_samples as samples
from tailrace.cli.main import main
from tailrace.core.errors import UsageError, VendorReportError
from tailrace.report.gather import is_own
from tailrace.report.parsers import text
from tailrace.report.parsers.reader import read_file, read_reports
from tailrace.report.parsers.record import to_json
from tailrace.report.render.records import render_records

if TYPE_CHECKING:
    from pathlib import Path

ORIGIN = ("tool", "version", "kind", "part", "design")


def read_text(folder: Path, content: str, name: str = "anything.dat") -> dict[str, object]:
    """The only record in a file with ``content``, as JSON."""
    (folder / name).write_text(content, encoding="utf-8")
    (record,) = read_reports(folder / name)
    return to_json(record)


# --- what is read ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sample", "origin", "figures", "available"),
    [
        (
            samples.VIVADO,
            ("vivado", "2024.2.1", "utilization", "xcvc1902-vsva2197-2MP-e-S", "core"),
            {"lut": 567, "ff": 1234, "dsp": 7, "bram36": 1.5, "bram18": 1, "uram": 2, "carry": 12},
            {"lut": 899840, "ff": 1799680, "dsp": 1968, "bram36": 967, "bram18": 1934, "uram": 463, "carry": 112480},
        ),
        (
            samples.TIMING,
            ("vivado", "2017.4", "timing", "7z020-clg400", "core"),
            {"wns_ns": -0.25, "clock_target_ns": 5},
            None,
        ),
        (
            samples.CSYNTH,
            ("vitis_hls", "2022.1", "csynth", "xc7z020-clg400-1", "core"),
            {
                "lut": 42, "ff": 30, "dsp": 1, "bram18": 2, "clock_target_ns": 10, "clock_estimate_ns": 4.049,
                "latency_cycles_min": 3, "interval_cycles_min": 1,
            },
            {"lut": 53200, "ff": 106400, "dsp": 220, "bram18": 280, "uram": 0},
        ),
        (
            samples.CSYNTH_XML,
            ("vivado_hls", "2019.1", "csynth", "xc7z020clg400-1", "core"),
            {
                "lut": 4, "ff": 3, "dsp": 2, "bram18": 1, "clock_target_ns": 10, "clock_estimate_ns": 8.75,
                "latency_cycles_min": 7, "interval_cycles_min": 1, "interval_cycles_max": 9,
            },
            {"lut": 53200, "ff": 106400, "dsp": 220, "bram18": 280},
        ),
        (
            samples.QUARTUS_FIT,
            ("quartus", "22.1std.2", "fit", "10AX115N2F45E1SG", "core"),
            {"lut": 1234.5, "ff": 2345, "dsp": 3, "memory_bits": 4096},
            {"lut": 427200, "dsp": 1518, "memory_bits": 55562240},
        ),
        (samples.YOSYS_STAT, ("yosys", "0.33", "stat", None, "core"), {"lut": 10, "ff": 5, "carry": 1}, None),
        (samples.YOSYS_STAT_NEW, ("yosys", None, "stat", None, "core"), {"lut": 8, "ff": 2, "carry": 4}, None),
        (samples.YOSYS_JSON, ("yosys", "0.55", "stat", None, "core"), {"lut": 5, "ff": 4, "bram18": 1}, None),
        (
            samples.NEXTPNR,
            ("nextpnr", None, "place_and_route", None, None),
            {"lut": 900, "ff": 800, "dsp": 2, "bram18": 3, "fmax_mhz": 80.5, "clock_target_ns": 20},
            {"lut": 24288, "ff": 24288, "dsp": 28, "bram18": 56},
        ),
        (
            samples.QUARTUS_PRO_FIT,
            ("quartus", "23.2.0", "fit", "1SX280HN2F43E2VG", "mytop"),
            {"lut": 5477, "ff": 10271, "dsp": 2, "memory_bits": 524288},
            {"lut": 933120, "dsp": 5760, "memory_bits": 240046080},
        ),
        (
            samples.QUARTUS_PRO_STA,
            ("quartus", "23.2.0", "sta", "1SX280HN2F43E2", "top"),
            {"wns_ns": 0.679, "whs_ns": 0.012, "fmax_mhz": 301.11, "clock_target_ns": 4},
            None,
        ),
        (
            samples.HIERARCHY,
            ("vivado", "2024.1", "utilization", "xczu7ev-ffvc1156-2-e", "top"),
            {"lut": 100, "ff": 200, "dsp": 4, "bram36": 1, "bram18": 2, "uram": 3},
            None,
        ),
        (samples.YOSYS_AREA, ("yosys", None, "stat", None, "top"), {"lut": 12, "ff": 2}, None),
        (
            samples.COSIM,
            ("vitis_hls", "2022.2", "cosim", "xc7z020-clg484-1", "fir"),
            {"latency_cycles_min": 78, "latency_cycles_max": 78},
            None,
        ),
    ],
    ids=list(samples.ALL),
)  # fmt: skip
def test_a_sample_gives_what_it_states_and_nothing_else(
    tmp_path: Path,
    sample: str,
    origin: tuple[str, ...],
    figures: dict[str, float],
    available: dict[str, float] | None,
) -> None:
    value = read_text(tmp_path, sample)
    assert tuple(value.pop(key) for key in ORIGIN) == origin
    assert value.pop("file") == str(tmp_path / "anything.dat")
    value.pop("children", None)
    assert value.pop("available", None) == available
    assert value == figures


def test_ends_of_lines_and_byte_order_marks_change_nothing(tmp_path: Path) -> None:
    plain = read_text(tmp_path, samples.VIVADO)
    (tmp_path / "anything.dat").write_bytes(b"\xef\xbb\xbf" + samples.VIVADO.replace("\n", "\r\n").encode())
    (record,) = read_reports(tmp_path / "anything.dat")
    assert to_json(record) == plain


def test_a_file_with_several_reports_gives_a_record_for_each(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(
        "a log\n" + samples.CSYNTH + samples.CSYNTH + samples.CSYNTH, encoding="utf-8"
    )
    assert [record.figures.lut for record in read_reports(tmp_path / "log")] == [42, 42, 42]


def test_every_clock_of_a_timing_report_is_a_child(tmp_path: Path) -> None:
    assert read_text(tmp_path, samples.TIMING)["children"] == [
        {"name": "fast", "kind": "clock", "level": 0, "wns_ns": -0.25, "whs_ns": 0.1, "clock_target_ns": 5.0},
        {"name": "slow", "kind": "clock", "level": 0, "wns_ns": 1.0, "whs_ns": 0.2, "clock_target_ns": 10.0},
    ]


def test_a_timing_report_without_paths_or_constraints_states_nothing(tmp_path: Path) -> None:
    head = samples.TIMING[: samples.TIMING.index("Timing Summary Report")]
    paths = (
        head.replace("report_timing_summary", "report_timing") + "Timing Report\n\nNo timing paths found.\n"
    )
    value = read_text(tmp_path, paths)
    assert (value["kind"], set(value)) == ("timing", {*ORIGIN, "file"})
    free = samples.TIMING.replace(
        "-0.250       -0.500                      2                   50", "NA NA NA NA", 1
    )
    assert "wns_ns" not in read_text(tmp_path, free)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1,234", 1234), ("29.5", 29.5), ("<0.1", 0.1), ("< 0.001", 0.001), ("20386(38.32%)", 20386), (" 4 (1%)", 4),
        ("-3.463", -3.463), ("~0", 0), ("12 %", 12), ("5.00 ns", 5.0),
        ("1.093ns", 1.093), ("2O187", None), ("24.1std", None), ("7z020", None),
        ("n/a", None), ("NA", None), ("-", None), ("---", None), ("?", None), ("undef", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_a_number_is_read_as_tools_write_it(written: str | None, value: float | None) -> None:
    assert text.number(written) == value


def test_units_are_turned_into_ours() -> None:
    assert [text.nanoseconds(time) for time in ("5.00", "4.049 ns", "11.870 us", "500 ps")] == [
        5,
        4.049,
        11870,
        0.5,
    ]
    assert [text.watts(power) for power in ("1.513", "183.11 mW")] == [1.513, 0.18311]
    assert text.megahertz("1.5 GHz") == 1500
    assert text.used_and_available("959 out of  93,296    1%") == (959, 93296)


# --- what is refused ------------------------------------------------------------------------------


def lines_of(sample: str) -> list[int]:
    """Where to cut: after every fifth line, from the point where the kind can be recognised."""
    ends = [at + 1 for at, char in enumerate(sample) if char == "\n"]
    return [end for end in ends[8:-3:5] if sample[end:].strip()]


@pytest.mark.parametrize("name", ["vivado", "csynth", "xml", "quartus", "hierarchy"])
def test_a_report_that_is_cut_off_is_an_error_at_every_line(tmp_path: Path, name: str) -> None:
    sample = samples.ALL[name]
    for end in lines_of(sample):
        (tmp_path / "cut").write_text(sample[:end], encoding="utf-8")
        with pytest.raises(VendorReportError) as caught:
            read_file(tmp_path / "cut")
        assert caught.value.where == str(tmp_path / "cut")
        assert caught.value.hint


@pytest.mark.parametrize("name", ["quartus_24.1_pro/top.sta.summary", "ise_spartan6_picorv32/top_map.mrp"])
def test_a_report_without_tables_is_refused_wherever_it_is_cut(
    vendor_reports: Path, tmp_path: Path, name: str
) -> None:
    lines = (vendor_reports / name).read_text(encoding="utf-8").splitlines(keepends=True)
    last = max(number for number, line in enumerate(lines) if line.startswith(("Slack", "Section 13 - ")))
    whole = read_file(vendor_reports / name)
    for end in range(8, last + 1, max(1, last // 40)):
        (tmp_path / "cut").write_text("".join(lines[:end]), encoding="utf-8")
        with pytest.raises(VendorReportError, match=r"ends (before|inside)|has no line"):
            read_file(tmp_path / "cut")
    (tmp_path / "whole").write_text("".join(lines), encoding="utf-8")
    assert [item.figures for item in read_file(tmp_path / "whole")] == [item.figures for item in whole]


def test_a_table_that_ends_within_a_row_says_where(tmp_path: Path) -> None:
    cut = samples.VIVADO[: samples.VIVADO.index("|   RAMB18") + 12]
    (tmp_path / "cut.rpt").write_text(cut, encoding="utf-8")
    with pytest.raises(VendorReportError) as caught:
        read_reports(tmp_path / "cut.rpt")
    assert str(caught.value) == (
        f"{tmp_path / 'cut.rpt'}: the utilization report of Vivado ends inside a table, at '|   RAMB18'\n"
        "  hint: the file seems to be cut off or edited: copy it again, or let the tool write it again"
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty, wanted a report"),
        (b" \n\n", "the file is empty, wanted a report"),
        (b"\x7fELF\0\0\0", "the file is binary, wanted a report as text, XML or JSON"),
        (b"Dear all,\nthe report follows.\n", "this is no report of a tool that is known here"),
        (b"<html><body/></html>", "this is no report of a tool that is known here"),
        (b"<profile><a></profile>", "this is not whole XML: mismatched tag: line 1, column 14"),
        (b'{"some": "settings"}', "this is no report of a tool that is known here"),
        (
            b'{"fmax": {"clk": {}}, "utilization": {}}',
            "the report of nextpnr lacks 'achieved' in utilization or fmax",
        ),
        (
            b'{"creator": "Yosys", "design": {}, "modules": 3}',
            "the JSON seems to be a report, but parts of it have another form",
        ),
        (b'{"fmax": {"clk"', "this is not whole JSON: Expecting ':' delimiter: line 1 column 16 (char 15)"),
    ],
)
def test_a_file_that_is_no_report_is_refused_in_words(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x.rpt").write_bytes(content)
    with pytest.raises(VendorReportError) as caught:
        read_reports(tmp_path / "x.rpt")
    assert caught.value.message == message
    assert caught.value.hint


def test_a_folder_leaves_out_what_is_no_report_but_not_a_broken_one(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "fit").write_text(samples.QUARTUS_FIT, encoding="utf-8")
    (tmp_path / "notes.txt").write_text("nothing", encoding="utf-8")
    (tmp_path / "empty.rpt").touch()
    assert [record.tool for record in read_reports(tmp_path)] == ["quartus"]
    (tmp_path / "u.rpt").write_text(samples.VIVADO[:900], encoding="utf-8")
    with pytest.raises(VendorReportError, match=r"u\.rpt: the utilization report of Vivado ends"):
        read_reports(tmp_path)


def test_a_folder_without_a_report_says_so(tmp_path: Path) -> None:
    with pytest.raises(VendorReportError, match="no file in this folder is a report of a tool"):
        read_reports(tmp_path)
    with pytest.raises(VendorReportError, match="there is no such file or folder"):
        read_reports(tmp_path / "nowhere")


# --- the table ------------------------------------------------------------------------------------


def test_the_table_has_every_form_and_a_dash_where_nothing_is_stated(tmp_path: Path) -> None:
    for name, sample in samples.ALL.items():
        (tmp_path / name).write_text(sample, encoding="utf-8")
    records = read_reports(tmp_path)
    assert len(records) == len(samples.ALL)
    value = json.loads(render_records(records, ".json"))
    assert value == {"reports": [to_json(record) for record in records]}
    rows = list(csv.DictReader(io.StringIO(render_records(records, ".csv"))))
    assert [row["lut"] for row in rows] == [
        *("", "42", "100", "900", "1234.5", "5477", "", "", "567", "4", "10", "12", "5", "8"),
    ]
    lines = render_records(records, ".md").splitlines()
    assert len(lines) == 2 + len(records)
    assert lines[3].startswith(
        "| vitis_hls 2022.1 | csynth | core | xc7z020-clg400-1 | 42 | 30 | 1 | — | 2 | — |"
    )
    page = render_records(records, ".html")
    assert page.count("<tr>") == 1 + len(records) + sum(
        1 + len(item.children) for item in records if item.children
    )
    assert "<script" not in page
    with pytest.raises(UsageError, match=r"reports cannot be written as \.pdf"):
        render_records(records, ".pdf")


def test_a_single_report_is_printed_with_its_instances(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "core.rpt").write_text(samples.CSYNTH, encoding="utf-8")
    assert main(["report", str(tmp_path / "core.rpt")]) == 0
    assert "| dense_U0 | dense | 40 | 30 | 1 | 2 | 0 |" in capsys.readouterr().out
    assert main(["report", str(tmp_path), "-o", str(tmp_path / "out.json")]) == 0
    assert json.loads((tmp_path / "out.json").read_text())["reports"][0]["lut"] == 42


def test_a_build_and_the_reports_of_others_go_into_one_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "build").mkdir()
    ours = {
        "schema": 1, "tailrace": "0.1.0", "model": {"name": "tiny"}, "target": {"part": "ecp5-25k", "clock_mhz": 50},
        "performance": {"interval_cycles": 64, "latency_cycles": 70},
    }  # fmt: skip
    (tmp_path / "build" / "report.json").write_text(json.dumps(ours), encoding="utf-8")
    (tmp_path / "fit.summary").write_text(samples.QUARTUS_FIT, encoding="utf-8")
    assert is_own(tmp_path / "build")
    assert not is_own(tmp_path / "fit.summary")
    out = tmp_path / "all.json"
    assert main(["report", str(tmp_path / "build"), str(tmp_path / "fit.summary"), "-o", str(out)]) == 0
    first, second = json.loads(out.read_text(encoding="utf-8"))["reports"]
    assert (first["tool"], first["design"], first["interval_cycles_max"], first["clock_target_ns"]) == (
        "tailrace", "tiny", 64, 20,
    )  # fmt: skip
    assert second["tool"] == "quartus"
    capsys.readouterr()
    (tmp_path / "bad").write_bytes(b"\0\1")
    assert main(["report", str(tmp_path / "bad")]) == 1
    assert capsys.readouterr().err.startswith(f"tailrace: {tmp_path / 'bad'}: the file is binary")
