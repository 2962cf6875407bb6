# SPDX-License-Identifier: Apache-2.0
"""Every published report in ../shared/vendor_reports; the figures of the table below were read in the files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tailrace.core.errors import VendorReportError
from tailrace.report.parsers.reader import read_file, read_reports
from tailrace.report.parsers.record import FIGURES, to_json

if TYPE_CHECKING:
    from pathlib import Path

# Folder and file: tool, version, kind, part, design, figures, available.
ZYNQ20 = {"lut": 53200, "ff": 106400, "dsp": 220, "bram18": 280, "uram": 0}
EXPECTED: dict[str, tuple[str, str | None, str, str | None, str | None, dict[str, float], dict[str, float]]] = {
    # --- Vivado
    "vivado_2022.2_finn_mlp_cnn/vta_int4-o4_200_mhz.rpt": (
        "vivado", "2022.2", "utilization", "xczu3eg-sfvc784-1-e", "vta_wrapper",
        {"lut": 20187, "ff": 21523, "dsp": 268, "bram36": 93, "bram18": 6, "carry": 682},
        {"lut": 70560, "ff": 141120, "dsp": 360, "bram36": 216, "bram18": 432, "carry": 8820},
    ),
    "vivado_2019.2_arty_a7_litex/top_utilization_place.rpt": (
        "vivado", "2019.2", "utilization", "7a35ticsg324-1L", "top",
        {"lut": 8297, "ff": 5434, "dsp": 4, "bram36": 29.5, "bram18": 27, "carry": 343},
        {"lut": 20800, "ff": 41600, "dsp": 90, "bram36": 50, "bram18": 100},
    ),
    "vivado_2020.1_pruned_cnn/vivado_synth.rpt": (
        "vivado", "2020.1", "utilization", "xcu250figd2104-2L", "myproject",
        {"lut": 123948, "ff": 43435, "dsp": 5386, "bram36": 42, "bram18": 84, "uram": 0, "carry": 13270},
        {"lut": 1728000, "ff": 3456000, "dsp": 12288, "bram36": 2688, "bram18": 5376, "uram": 1280, "carry": 216000},
    ),
    "vivado_2019.2_pynqz2_rn06/util.rpt": (
        "vivado", "2019.2.1", "utilization", "7z020clg400-1", "design_1_wrapper",
        {"lut": 20386, "ff": 30289, "dsp": 1, "bram36": 24, "bram18": 11}, {},
    ),
    "finn_tfc_w1a1_auto/post_synth_resources.xml": (
        "vivado", None, "utilization", "xc7z020clg400-1", "top_wrapper",
        {"lut": 8220, "ff": 11045, "dsp": 0, "bram36": 3, "bram18": 4}, {},
    ),
    "vivado_2019.2_artix7_picorv32/top_timing_summary_routed.rpt": (
        "vivado", "2019.2", "timing", "7a200t-ffv1156", "top",
        {"wns_ns": -3.463, "whs_ns": 0.097, "clock_target_ns": 5}, {},
    ),
    "vivado_2022.2_finn_mlp_cnn/finn_mlp_int4_timing.rpt": (
        "vivado", "2022.2", "timing", "xczu3eg-sbva484", "top_wrapper",
        {"wns_ns": 6.18, "whs_ns": 0.002, "clock_target_ns": 10}, {},
    ),
    "vivado_hls_econ_model16/myproject_timing_synth.rpt": (
        "vivado", "2018.2", "timing", "xcvu9p-flgb2104", "myproject", {"wns_ns": 1.093, "clock_target_ns": 5}, {},
    ),
    "vivado_2019.2_pynqz2_rn06/design_1_wrapper_power_routed.rpt": (
        "vivado", "2019.2.1", "power", "xc7z020clg400-1", "design_1_wrapper",
        {"power_w": 1.513, "ff": 30289, "carry": 1179, "bram36": 29.5, "dsp": 1},
        {"ff": 106400, "carry": 13300, "bram36": 140, "dsp": 220},
    ),
    "vivado_2019.2_pynqz2_rn06/design_1_wrapper_clock_utilization_routed.rpt": (
        "vivado", "2019.2.1", "clock_utilization", "7z020-clg400", "design_1_wrapper", {"clock_target_ns": 10}, {},
    ),
    "vivado_2019.2_pynqz2_rn06/design_1_wrapper_route_status.rpt": (
        "vivado", None, "route_status", None, None, {}, {},
    ),
    # --- Vivado HLS and Vitis HLS
    "vivado_hls_2020.1_hls4ml/myproject_csynth.rpt": (
        "vivado_hls", "2020.1", "csynth", "xc7z020-clg400-1", "myproject",
        {
            "lut": 2532, "ff": 7969, "dsp": 73, "bram18": 0, "uram": 0, "clock_target_ns": 5,
            "clock_estimate_ns": 4.049, "latency_cycles_min": 10, "latency_cycles_max": 10, "interval_cycles_min": 8,
            "interval_cycles_max": 8,
        },
        ZYNQ20,
    ),
    "vitis_hls_tutorial_jet/myproject_csynth.rpt": (
        "vitis_hls", "2024.1", "csynth", "xcu250-figd2104-2L-e", "myproject",
        {
            "lut": 16512, "ff": 2674, "dsp": 50, "bram18": 0, "uram": 0, "clock_target_ns": 5,
            "clock_estimate_ns": 3.561, "latency_cycles_min": 8, "latency_cycles_max": 8, "interval_cycles_min": 1,
            "interval_cycles_max": 1,
        },
        {"lut": 1728000, "ff": 3456000, "dsp": 12288, "bram18": 5376, "uram": 1280},
    ),
    "vitis_hls_lenet5_cosim/myproject_csynth.xml": (
        "vitis_hls", "2023.2", "csynth", "xczu9eg-ffvb1156-2-e", "myproject",
        {
            "lut": 145061, "ff": 36198, "dsp": 18, "bram18": 58, "uram": 0, "clock_target_ns": 5,
            "clock_estimate_ns": 3.647, "latency_cycles_min": 2374, "latency_cycles_max": 2374,
            "interval_cycles_min": 2356, "interval_cycles_max": 2356,
        },
        {"lut": 274080, "ff": 548160, "dsp": 2520, "bram18": 1824, "uram": 0},
    ),
    "vitis_hls_2021.1_mlp_jet_tagging_DSP_reuse1/csynth.xml": (
        "vitis_hls", "2021.1", "csynth", "xc7z007s-clg225-2", "myproject",
        {
            "lut": 72661, "ff": 85255, "dsp": 814, "bram18": 5, "uram": 0, "clock_target_ns": 3.33,
            "clock_estimate_ns": 3.236, "latency_cycles_min": 58, "latency_cycles_max": 58, "interval_cycles_min": 1,
            "interval_cycles_max": 1,
        },
        {"lut": 14400, "ff": 28800, "dsp": 66, "bram18": 100, "uram": 0},
    ),
    "vitis_hls_2021.1_mlp_jet_tagging_DSP_reuse1/csynth.rpt": (
        "vitis_hls", "2021.1", "csynth", "xc7z007s-clg225-2", "myproject",
        {"lut": 72661, "ff": 85255, "dsp": 814, "bram18": 5, "latency_cycles_max": 58, "interval_cycles_max": 1}, {},
    ),
    "vitis_hls_2023.2_feeder/csynth.rpt": (
        "vitis_hls", "2023.2", "csynth", "xc7z020-clg400-1", "finn_feeder_chiplet",
        {"lut": 3099, "ff": 2145, "dsp": 3, "bram18": 4}, {},
    ),
    "vitis_hls_lenet5_cosim/myproject_cosim.rpt": (
        "vitis_hls", None, "cosim", None, None,
        {
            "latency_cycles_min": 2423, "latency_cycles_max": 3555, "interval_cycles_min": 2354,
            "interval_cycles_max": 2354,
        },
        {},
    ),
    "vivado_hls_econ_model16/myproject_export.rpt": (
        "vivado_hls", "2018.2", "export", "xcvu9p-flgb2104-2-i", None,
        {
            "lut": 130031, "ff": 108200, "dsp": 4962, "bram18": 160, "uram": 0, "clock_target_ns": 5,
            "clock_estimate_ns": 3.907,
        },
        {},
    ),
    # --- Quartus and oneAPI
    "quartus_17.0_lite_cyclone5/DE1_SoC.fit.summary": (
        "quartus", "17.0.0", "fit", "5CSEMA5F31C6", "riscv32",
        {"lut": 4222, "ff": 1595, "dsp": 0, "memory_bits": 2097152},
        {"lut": 32070, "dsp": 87, "memory_bits": 4065280},
    ),
    "quartus_17.0_lite_cyclone5/DE1_SoC.map.summary": (
        "quartus", "17.0.0", "map", None, "riscv32", {"ff": 1568, "dsp": 0, "memory_bits": 2097152}, {},
    ),
    "quartus_17.0_lite_cyclone5/DE1_SoC.sta.summary": (
        "quartus", None, "sta", None, None, {"wns_ns": 14.632, "whs_ns": 0.18}, {},
    ),
    "quartus_24.1_pro/top.fit.summary": (
        "quartus", "24.1.0", "fit", "AGFB014R24A2I2V", "top",
        {"lut": 5477, "ff": 10271, "dsp": 0, "memory_bits": 524288},
        {"lut": 487200, "dsp": 4510, "memory_bits": 145612800},
    ),
    "quartus_24.1_pro/top.sta.summary": ("quartus", None, "sta", None, None, {"wns_ns": -3.884, "whs_ns": 0}, {}),
    "quartus_24.1std_lite/top.sta.summary": (
        "quartus", None, "sta", None, None, {"wns_ns": 5.535, "whs_ns": 0.133}, {},
    ),
    "quartus_17.1_lite_max10/top.pow.rpt": (
        "quartus", "17.1.0", "power", "10M08SAU169C8G", "top", {"power_w": 0.18311}, {},
    ),
    "quartus_cyclone4_picorv32/picorv32_wrap_0_1.fit.rpt": (
        "quartus", "18.1.0", "fit", "EP4CE22F17C6", "picorv32",
        {"lut": 1632, "ff": 649, "dsp": 0, "memory_bits": 2048},
        {"lut": 22320, "ff": 22320, "dsp": 132, "memory_bits": 608256},
    ),
    "quartus_cyclone4_picorv32/picorv32_wrap_0_1.sta.rpt": (
        "quartus", "18.1.0", "sta", "EP4CE22F17C6", "picorv32_wrap_0_1",
        {"wns_ns": -0.538, "whs_ns": 0.178, "fmax_mhz": 159.95, "clock_target_ns": 5.714}, {},
    ),
    "oneapi_hls4ml/quartus.ndjson": (
        "oneapi", None, "fit", None, "Myproject", {"lut": 4520.5, "ff": 16419, "dsp": 40, "fmax_mhz": 597.73}, {},
    ),
    "oneapi_hls4ml/summary.ndjson": (
        "oneapi", None, "estimate", None, None,
        {"lut": 2462, "ff": 7938, "dsp": 0}, {"lut": 974400, "ff": 1948800, "dsp": 4510},
    ),
    # --- Libero, Radiant, ISE
    "libero_polarfire_miv/top_compile_netlist_resources.rpt": (
        "libero", "2022.2", "compile", "MPF300TS-FCG1152-1", "top",
        {"lut": 23332, "ff": 16843, "dsp": 0}, {"lut": 299544, "ff": 299544, "dsp": 924},
    ),
    "libero_polarfire_miv/top_compile_netlist_resources.xml": (
        "libero", "2022.2", "compile", "MPF300TS-FCG1152-1", "top",
        {"lut": 23332, "ff": 16843, "dsp": 0}, {"lut": 299544, "ff": 299544, "dsp": 924},
    ),
    "libero_polarfire_miv/top_layout_log.log": (
        "libero", None, "layout", None, None, {"lut": 23332, "ff": 16844}, {"lut": 299544, "ff": 299544},
    ),
    "radiant_2025.1_ice40up/test_impl_1.mrp": (
        "radiant", "2025.1.0.39.0", "map", "iCE40UP5K-SG48", "lab3_mt",
        {"lut": 178, "ff": 122, "dsp": 0, "carry": 51}, {"lut": 5280, "ff": 5280, "dsp": 8},
    ),
    "radiant_2025.1_ice40up/test_impl_1.arearep": (
        "radiant", None, "area", None, "lab3_mt", {"lut": 69, "ff": 122, "carry": 51}, {"ff": 5280},
    ),
    "radiant_2025.1_ice40up/test_impl_1.par": (
        "radiant", "2025.1.0.39.0", "par", "iCE40UP5K-SG48", "lab3_mt", {"wns_ns": 5.215, "whs_ns": 1.913}, {},
    ),
    "radiant_2025.1_ice40up/test_impl_1.twr": (
        "radiant", "2025.1.0.39.0", "timing", "iCE40UP5K-SG48", "lab3_mt",
        {"wns_ns": 5.215, "whs_ns": 1.913, "fmax_mhz": 48.095, "clock_target_ns": 20.833}, {},
    ),
    "ise_spartan6_picorv32/top_map.mrp": (
        "ise", "14.7", "map", "xc6slx75l-csg484-1l", "top",
        {"lut": 1329, "ff": 959, "dsp": 0, "bram18": 0, "carry": 368},
        {"lut": 46648, "ff": 93296, "dsp": 132, "bram18": 172, "carry": 23324},
    ),
    "ise_spartan6_picorv32/top.twr": (
        "ise", "14.7", "timing", "xc6slx75l-csg484-C-1L", "top",
        {"wns_ns": -4.211, "whs_ns": 0.153, "fmax_mhz": 91.937, "clock_target_ns": 6.666}, {},
    ),
    # --- nextpnr, FINN
    "nextpnr_ice40_report/report.json": (
        "nextpnr", None, "place_and_route", None, None,
        {"lut": 30, "fmax_mhz": 189.8253631591797, "clock_target_ns": 83.333}, {"lut": 7680},
    ),
    "finn_tfc_w1a1_auto/post_synth_resources.json": (
        "finn", None, "synthesis", None, None,
        {"lut": 8220, "ff": 11045, "dsp": 0, "bram36": 3, "bram18": 4}, {},
    ),
    "finn_tfc_w1a1_auto/rtlsim_performance.json": (
        "finn", None, "simulation", None, None,
        {
            "clock_target_ns": 10, "latency_cycles_min": 3274, "latency_cycles_max": 3274,
            "interval_cycles_min": 3273, "interval_cycles_max": 3273,
        },
        {},
    ),
    "finn_gtsrb_12x12_w2a3/estimate_network_performance.json": (
        "finn", None, "estimate_performance", None, None,
        {"latency_cycles_max": 2242, "interval_cycles_max": 216}, {},
    ),
}  # fmt: skip

# What lies beside the reports and states none of the figures: settings of FINN, networks, notes.
NO_REPORT = {".onnx", ".yaml", ".md"}
SETTINGS = {
    "estimate_layer_config_alternatives.json", "fifo_sizing.json", "final_hw_config.json",
    "op_and_param_counts.json", "sweep_state.json",
}  # fmt: skip
WITHOUT_FIGURES = {
    "route_status",
    "design_size",
    "project",
    "syn",
    "hierarchy",
    "estimate_cycles",
    "estimate_resources",
}


def reports(folder: Path) -> list[Path]:
    """All files that are reports."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return [path for path in files if path.suffix not in NO_REPORT and path.name not in SETTINGS]


def child(value: dict[str, Any], name: str) -> dict[str, Any]:
    """The first child of that name."""
    return next(item for item in value["children"] if item["name"] == name)


def only(path: Path) -> dict[str, Any]:
    """The only record of a file, as JSON."""
    (record,) = read_reports(path)
    return to_json(record)


def test_every_published_report_is_read_and_states_something(vendor_reports: Path) -> None:
    files = reports(vendor_reports)
    assert len(files) > 100
    print(f"{'file':<70} {'tool':<10} {'kind':<20} figures")  # noqa: T201  # issue 5 wants the table
    for path in files:
        for record in read_file(path)[:3]:
            stated = record.figures.stated()
            name = f"{path.parent.name}/{path.name}"
            print(f"{name[-70:]:<70} {record.tool:<10} {record.kind:<20} {' '.join(stated)}")  # noqa: T201
            assert stated or record.kind in WITHOUT_FIGURES, path
            value = to_json(record)
            assert set(value) <= {
                "tool", "version", "kind", "part", "design", "file", *FIGURES, "available", "children",
            }  # fmt: skip
            assert None not in {**stated, **record.available.stated()}.values()
            json.dumps(value)


@pytest.mark.parametrize("name", EXPECTED)
def test_the_figures_are_those_in_the_file(vendor_reports: Path, name: str) -> None:
    tool, version, kind, part, design, figures, available = EXPECTED[name]
    value = only(vendor_reports / name)
    origin = tuple(value.pop(key) for key in ("tool", "version", "kind", "part", "design"))
    assert origin == (tool, version, kind, part, design)
    assert value.pop("available", {}) == available
    value.pop("children", None)
    value.pop("file")
    assert value == figures


def test_a_log_with_synthesis_and_cosimulation_gives_both(vendor_reports: Path) -> None:
    synthesis, cosim = map(
        to_json, read_reports(vendor_reports / "vivado_hls_econ_model16" / "model16_rf4_core.rpt")
    )
    assert (synthesis["kind"], synthesis["version"], synthesis["lut"], synthesis["ff"]) == (
        "csynth", "2018.2", 225438, 163333,
    )  # fmt: skip
    assert (synthesis["latency_cycles_min"], synthesis["interval_cycles_min"], synthesis["interval_cycles_max"]) == (
        3300, 801, 3201,
    )  # fmt: skip
    assert (cosim["kind"], cosim["design"], cosim["latency_cycles_min"], cosim["latency_cycles_max"]) == (
        "cosim", "myproject", 2840, 5444,
    )  # fmt: skip
    assert (cosim["interval_cycles_min"], cosim["interval_cycles_max"]) == (732, 2593)


def test_text_and_xml_of_one_synthesis_agree(vendor_reports: Path) -> None:
    pairs = 0
    for xml in sorted(vendor_reports.rglob("*_csynth.xml")):
        left, right = only(xml), only(xml.with_suffix(".rpt"))
        for value in (left, right):
            value.pop("file")
            value.pop("children", None)
        assert left == right
        pairs += 1
    assert pairs == 6


def test_instances_layers_and_clocks_are_children(vendor_reports: Path) -> None:
    hls = only(vendor_reports / "vivado_hls_2020.1_hls4ml" / "myproject_csynth.rpt")
    assert hls["children"] == [
        {
            "name": "dense_array_array_ap_fixed_16_6_5_3_0_5u_config2_U0", "kind": "instance",
            "module": "dense_array_array_ap_fixed_16_6_5_3_0_5u_config2_s", "level": 0,
            "lut": 2134, "ff": 7860, "dsp": 73, "bram18": 0, "uram": 0, "latency_cycles_min": 7,
            "latency_cycles_max": 7, "interval_cycles_min": 7, "interval_cycles_max": 7,
        },
        {
            "name": "relu_array_array_ap_fixed_5u_relu_config3_U0", "kind": "instance",
            "module": "relu_array_array_ap_fixed_5u_relu_config3_s", "level": 0,
            "lut": 256, "ff": 84, "dsp": 0, "bram18": 0, "uram": 0, "latency_cycles_min": 2,
            "latency_cycles_max": 2, "interval_cycles_min": 1, "interval_cycles_max": 1,
        },
    ]  # fmt: skip
    tree = only(vendor_reports / "vivado_2019.2_pynqz2_rn06" / "util.rpt")
    coupler = child(tree, "m00_couplers")
    assert (coupler["level"], coupler["module"], coupler["lut"], coupler["ff"]) == (
        3, "m00_couplers_imp_1R706YB", 344, 389,
    )  # fmt: skip
    summary = only(vendor_reports / "vitis_hls_2023.2_feeder" / "csynth.rpt")
    assert [(item["kind"], item["level"]) for item in summary["children"]] == [
        ("loop", 1), ("module", 2), ("loop", 3),
    ]  # fmt: skip
    entity = only(vendor_reports / "quartus_cyclone4_picorv32" / "picorv32_wrap_0_1.fit.rpt")
    assert child(entity, "altsyncram:cpuregs_rtl_0")["memory_bits"] == 1024
    finn = only(vendor_reports / "finn_tfc_w1a1_auto" / "post_synth_resources.json")
    assert child(finn, "StreamingDataflowPartition_1_StreamingFIFO_rtl_0")["ff"] == 20
    layers = only(vendor_reports / "finn_tfc_w1a1_auto" / "estimate_layer_cycles.json")
    assert child(layers, "MVAU_hls_0")["interval_cycles_max"] == 896
    assert child(only(vendor_reports / "ise_spartan6_picorv32" / "top_map.mrp"), "dut")["lut"] == 1158
    area = only(vendor_reports / "radiant_2025.1_ice40up" / "test_impl_1.arearep")
    assert child(area, "scan") == {
        "name": "scan", "kind": "instance", "module": "keypad_scan", "level": 1, "lut": 35, "ff": 45, "carry": 17,
    }  # fmt: skip
    modules = only(vendor_reports / "libero_polarfire_miv" / "top_compile_netlist_hier_resources.csv")
    assert child(modules, "scheduler_0/Primitives")["lut"] == 806
    pro = only(vendor_reports / "quartus_24.1_pro" / "top.sta.summary")
    assert [(item["name"], item["wns_ns"], item["whs_ns"]) for item in pro["children"]] == [
        ("v", -3.884, 3.64), ("sys_clk", -1.26, 0.0),
    ]  # fmt: skip


def test_a_table_made_of_reports_gives_a_record_per_row(vendor_reports: Path) -> None:
    first, *others = read_reports(vendor_reports / "finn_finn-vs-vitisai" / "resource_summary.csv")
    assert others
    assert (first.design, first.figures.lut, first.figures.wns_ns, first.figures.fmax_mhz, first.figures.bram18) == (
        "mlp_int8 1000", 13150, 3.704, 158.83, 6,
    )  # fmt: skip


def test_half_of_a_published_report_is_an_error(vendor_reports: Path, tmp_path: Path) -> None:
    kinds = (".rpt", ".xml", ".mrp", ".twr", ".par")
    refused = []
    for path in reports(vendor_reports):
        if path.suffix in kinds and path.stat().st_size < 60_000:
            content = path.read_bytes()
            (tmp_path / "half").write_bytes(content[: len(content) // 2])
            try:
                read_file(tmp_path / "half")
            except VendorReportError as error:
                assert error.hint  # noqa: PT017
                refused.append(path.name)
            else:
                # The figures stand in the first half; what is missing is a list of calls, or of pads.
                assert path.name in {
                    "csynth.rpt",
                    "csynth_design_size.rpt",
                    "test_impl_1.mrp",
                    "test_impl_1.par",
                }
    assert len(refused) > 40


def test_a_whole_folder_goes_into_one_list(vendor_reports: Path) -> None:
    records = read_reports(vendor_reports)
    assert {record.tool for record in records} == {
        "vivado", "vivado_hls", "vitis_hls", "quartus", "oneapi", "libero", "radiant", "ise", "nextpnr", "finn",
        "table",
    }  # fmt: skip
