# SPDX-License-Identifier: Apache-2.0
"""report.json: what is read, what is refused and how it is said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from report.report_samples import SAMPLES, mlp, residual
from tailrace.core.errors import TailraceError, UsageError
from tailrace.report.render.output import SUFFIXES, render, write_reports
from tailrace.report.schema import (
    Check,
    Layer,
    Model,
    Performance,
    Report,
    ReportError,
    Target,
    dump,
    from_json,
    load,
    load_all,
)

DESIGN_EXAMPLE = """
{"schema": 1, "tailrace": "0.1.0",
 "model": {"name": "jets", "sha256": "...", "ops": {"Dense": 4}},
 "target": {"part": "xczu7ev", "clock_mhz": 200.0},
 "layers": [{"name": "dense_0", "block": "dense_folded", "engine": "folded", "pe": 8, "simd": 8,
             "interval_cycles": 64, "weight_bits": 6, "in_bits": 16, "out_bits": 6, "lut": 812, "ff": 640,
             "dsp": 0, "bram18": 1, "source": "estimate"}],
 "performance": {"interval_cycles": 64, "latency_cycles": 213, "fps": 3125000.0, "source": "rtl"},
 "verify": {"software": {"vectors": 64, "mismatches": 0, "framework_rounding": 0, "reference": "qonnx"},
            "hls": {"vectors": 64, "mismatches": 0}, "rtl": {"vectors": 64, "mismatches": 0, "stall": 0.3},
            "netlist": {"vectors": 64, "mismatches": 0}},
 "synth": {"tool": "yosys 0.70", "lut": 5210, "ff": 4100, "carry": 610, "dsp": 0, "bram18": 4, "uram": 0},
 "timing": {"tool": "nextpnr-ecp5 0.11", "fmax_mhz": 121.3, "met": true},
 "seconds": {"import": 0.4, "plan": 0.1, "emit": 0.2, "verify": 14.0, "synth": 21.0}}
"""


def minimal(**more) -> dict:
    return {"schema": 1, "tailrace": "0.1.0", "model": {"name": "m"}, "target": {"part": "p"}} | more


def message(value: object, where: str | None = None) -> str:
    with pytest.raises(ReportError) as caught:
        from_json(value, where)
    return str(caught.value)


def test_the_example_of_the_design_is_a_report():
    report = from_json(json.loads(DESIGN_EXAMPLE))
    written = json.loads(dump(report))
    for key, value in json.loads(DESIGN_EXAMPLE).items():
        if isinstance(value, dict):
            assert (
                value.items()
                <= {
                    k: {i: j for i, j in v.items() if j is not None}
                    if isinstance(v, dict) and key == "verify"
                    else v
                    for k, v in written[key].items()
                }.items()
            )
    assert report.layers[0].rows is None
    assert written["layers"][0]["rows"] is None
    assert written["bitstream"] is None


@pytest.mark.parametrize("name", SAMPLES)
def test_a_report_reads_back_as_it_was_written(name, tmp_path):
    report = SAMPLES[name]()
    report.write(tmp_path / "report.json")
    assert load(tmp_path / "report.json") == report
    assert load(tmp_path) == report
    assert dump(load(tmp_path)) == dump(report)


def test_several_reports_read_back_in_order(tmp_path):
    reports = [mlp(), residual()]
    write_reports(reports, tmp_path / "all.json")
    assert load_all(tmp_path / "all.json") == tuple(reports)
    with pytest.raises(ReportError, match="holds 2 reports, wanted one"):
        load(tmp_path / "all.json")


def test_unknown_keys_are_kept_at_every_level():
    value = minimal(future={"a": [1, None]}, target={"part": "p", "board": "arty"})
    report = from_json(value)
    assert report.extra == {"future": {"a": [1, None]}}
    assert report.target.extra == {"board": "arty"}
    written = json.loads(dump(report))
    assert written["future"] == {"a": [1, None]}
    assert written["target"]["board"] == "arty"


def test_what_was_not_measured_is_null_and_not_zero():
    written = json.loads(dump(from_json(minimal())))
    assert written["synth"] is None
    assert written["timing"] is None
    assert written["performance"] == {
        "interval_cycles": None,
        "latency_cycles": None,
        "fps": None,
        "source": None,
    }
    assert written["verify"] == {"software": None, "hls": None, "rtl": None, "netlist": None}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([1], "this is not a tailrace report: got a list of 1"),
        ({"a": 1}, "this is not a tailrace report: got an object without the key 'schema'"),
        (minimal(schema=2), "the report has schema 2, this tailrace reads schema 1"),
        (minimal(schema=True), "the report has schema True, this tailrace reads schema 1"),
        ({"schema": 1, "tailrace": "0.1.0", "model": {"name": "m"}}, "the report has no key 'target'"),
        (minimal(model={}), "model has no key 'name'"),
        (minimal(model=3), "model is the number 3, wanted an object"),
        (minimal(layers={}), "layers is an object with 0 keys, wanted a list"),
        (minimal(layers=[{"name": "a"}]), "layers[0] has no key 'block'"),
        (
            minimal(layers=[{"name": "a", "block": "b", "pe": "8"}]),
            "layers[0].pe is the text '8', wanted a whole number that is not negative or null",
        ),
        (
            minimal(layers=[{"name": "a", "block": "b", "pe": 1.5}]),
            "layers[0].pe is the number 1.5, wanted a whole number",
        ),
        (
            minimal(layers=[{"name": "a", "block": "b", "pe": True}]),
            "layers[0].pe is true, wanted a whole number that is not negative or null",
        ),
        (
            minimal(layers=[{"name": "a", "block": "b", "lut": -1}]),
            "layers[0].lut is -1, wanted a number that is not negative",
        ),
        (
            minimal(layers=[{"name": "a", "block": "b"}, {"name": "a", "block": "b"}]),
            "layers[1].name is 'a', a name that another layer has",
        ),
        (minimal(verify={"rtl": {"mismatches": "none"}}), "verify.rtl.mismatches is the text 'none', wanted"),
        (minimal(seconds={"plan": float("nan")}), "seconds.plan is nan, wanted a finite number"),
        (minimal(future=[float("inf")]), "future[0] is inf, wanted a finite number"),
        (minimal(notices=["\ud800"]), "notices[0] holds half of a surrogate pair, wanted text"),
        (minimal(future={"\udfff": 1}), "a key of future holds half of a surrogate pair"),
        (minimal(notices="one"), "notices is the text 'one', wanted a list"),
        (
            minimal(accuracy={"dataset": "d", "correct": 11, "total": 10}),
            "accuracy.correct is 11, wanted at most the 10 of total",
        ),
        (
            minimal(host={"input": {"scale": "big"}}),
            "host.input.scale is the text 'big', wanted a number or a list or null",
        ),
    ],
)
def test_what_is_not_a_report_is_refused_with_what_came_and_what_was_wanted(value, said):
    assert said in message(value)
    assert message(value, "out/report.json").startswith("out/report.json: ")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "this is not JSON: Expecting property name enclosed in double quotes in line 1, column 2"),
        (b"\xff\xfe", "this is not a report: not UTF-8 text"),
        (b"[" * 100_000, "this is not a report: nested too deeply"),
        (b'{"schema": 1e999}', "the report has schema inf"),
        (b"", "this is not JSON"),
    ],
)
def test_a_file_that_is_not_json_is_refused(content, said, tmp_path):
    file = tmp_path / "report.json"
    file.write_bytes(content)
    with pytest.raises(ReportError) as caught:
        load(file)
    assert said in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_missing_file_says_what_to_run(tmp_path):
    with pytest.raises(ReportError, match="there is no such file") as caught:
        load(tmp_path)
    assert caught.value.hint == "run `tailrace build` first"
    assert caught.value.where == str(tmp_path / "report.json")


def test_numbers_too_large_for_a_float_are_refused(tmp_path):
    text = dump(mlp()).replace("781250.0", "1e999")
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(ReportError, match=r"performance\.fps is inf, wanted a finite number"):
        load(tmp_path)


@pytest.mark.parametrize("fps", [float("nan"), float("inf"), -float("inf"), np.float32("nan"), -1.0])
def test_a_report_with_nan_or_infinity_cannot_be_built(fps):
    with pytest.raises(ReportError, match=r"performance\.fps is "):
        replace(mlp(), performance=Performance(fps=fps))


def test_a_report_with_a_wrong_type_cannot_be_built():
    with pytest.raises(ReportError, match=r"verify\.rtl is a list of 0, wanted an object"):
        replace(mlp(), verify=replace(mlp().verify, rtl=[]))
    with pytest.raises(ReportError, match=r"layers\[0\]\.lut is the text 'many'"):
        replace(mlp(), layers=(Layer(name="a", block="b", lut="many"),))


def test_numpy_numbers_are_written_as_numbers():
    layer = Layer(name="a", block="b", interval_cycles=np.int64(3), lut=np.float64(2.5))
    report = Report(
        tailrace="0.1.0",
        model=Model(name="m"),
        target=Target(part="p"),
        layers=(layer,),
        verify=replace(mlp().verify, rtl=Check(vectors=np.int32(4), mismatches=np.uint8(0))),
    )
    written = json.loads(dump(report))
    assert (written["layers"][0]["interval_cycles"], written["layers"][0]["lut"]) == (3, 2.5)
    assert written["verify"]["rtl"]["vectors"] == 4
    for suffix in SUFFIXES:
        assert "np." not in render([report], suffix)
        assert "2.5" in render([report], suffix)


def test_an_unknown_suffix_is_a_usage_error_with_the_list(tmp_path):
    for name, said in (("report.pdf", ".pdf"), ("report", "a file without suffix")):
        with pytest.raises(UsageError) as caught:
            mlp().write(tmp_path / name)
        assert caught.value.message == f"a report cannot be written as {said}"
        assert caught.value.hint == "use one of .json, .md, .html, .csv"
    assert list(tmp_path.iterdir()) == []


def test_no_report_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="there is no report to write"):
        write_reports([], tmp_path / "a.md")


def test_a_file_is_replaced_whole_and_leaves_nothing_beside_it(tmp_path):
    file = tmp_path / "new" / "report.MD"
    mlp().write(file)
    first = file.read_bytes()
    residual().write(file)
    assert file.read_bytes() != first
    assert [path.name for path in file.parent.iterdir()] == ["report.MD"]


def test_the_old_file_stays_whole_until_the_new_one_is(tmp_path, monkeypatch):
    file = tmp_path / "report.md"
    mlp().write(file)
    first = file.read_bytes()

    def full(*_args, **_more):
        raise OSError(28, "No space left on device")

    for name in ("replace", "write_text"):
        with monkeypatch.context() as patch:
            patch.setattr(Path, name, full)
            with pytest.raises(ReportError, match="cannot be written: No space left on device"):
                residual().write(file)
        assert file.read_bytes() == first
        assert [path.name for path in tmp_path.iterdir()] == ["report.md"]


def test_a_report_that_cannot_be_written_leaves_the_old_one_and_is_a_user_error(tmp_path):
    folder = tmp_path / "report.md"
    folder.mkdir()
    with pytest.raises(ReportError, match="cannot be written") as caught:
        mlp().write(folder)
    assert isinstance(caught.value, TailraceError)
    assert caught.value.where == str(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["report.md"]
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportError, match="cannot be written"):
        mlp().write(tmp_path / "file" / "report.md")
