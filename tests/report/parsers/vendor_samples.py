# SPDX-License-Identifier: Apache-2.0
"""Small reports written for the tests, in the form of each tool, with spellings that published ones do not have."""

from __future__ import annotations

VIVADO = """\
Copyright 1986-2024 Xilinx, Inc. All Rights Reserved.
-----------------------------------------------------
| Tool Version : Vivado v.2024.2.1 (lin64) Build 1
| Command      : report_utilization -file u.rpt
| Design       : core
| Device       : xcvc1902-vsva2197-2MP-e-S
| Design State : Routed
-----------------------------------------------------

Utilization Design Information

Table of Contents
-----------------
1. Netlist Logic
2. BLOCKRAM
3. ARITHMETIC

1. Netlist Logic
----------------

+------------------+--------+-------+------------+-----------+-------+
|     Site Type    |  Used  | Fixed | Prohibited | Available | Util% |
+------------------+--------+-------+------------+-----------+-------+
| Registers        |  1,234 |     0 |          0 |   1799680 |  0.07 |
| CLB LUTs*        |    567 |     0 |          0 |    899840 | <0.01 |
|   LUT as Logic   |    500 |     0 |          0 |    899840 | <0.01 |
| LOOKAHEAD8       |     12 |     0 |          0 |    112480 |  0.01 |
+------------------+--------+-------+------------+-----------+-------+


2. BLOCKRAM
-----------

+-------------------+------+-------+------------+-----------+-------+
|     Site Type     | Used | Fixed | Prohibited | Available | Util% |
+-------------------+------+-------+------------+-----------+-------+
| Block RAM Tile    |  1.5 |     0 |          0 |       967 |  0.16 |
|   RAMB36          |    1 |     0 |          0 |       967 |  0.10 |
|   RAMB18          |    1 |     0 |          0 |      1934 |  0.05 |
| URAM              |    2 |     0 |          0 |       463 |  0.43 |
+-------------------+------+-------+------------+-----------+-------+


3. ARITHMETIC
-------------

+------------+------+-------+------------+-----------+-------+
|  Site Type | Used | Fixed | Prohibited | Available | Util% |
+------------+------+-------+------------+-----------+-------+
| DSP Slices |    7 |     0 |          0 |      1968 |  0.36 |
+------------+------+-------+------------+-----------+-------+
"""

TIMING = """\
Copyright 1986-2017 Xilinx, Inc. All Rights Reserved.
-----------------------------------------------------
| Tool Version      : Vivado v.2017.4 (win64) Build 1
| Command           : report_timing_summary
| Design            : core
| Device            : 7z020-clg400
-----------------------------------------------------

Timing Summary Report

------------------------------------------------------------------------------------------------
| Design Timing Summary
| ---------------------
------------------------------------------------------------------------------------------------

    WNS(ns)      TNS(ns)  TNS Failing Endpoints  TNS Total Endpoints      WHS(ns)      THS(ns)
    -------      -------  ---------------------  -------------------      -------      -------
     -0.250       -0.500                      2                   50           NA           NA


------------------------------------------------------------------------------------------------
| Clock Summary
| -------------
------------------------------------------------------------------------------------------------

Clock      Waveform(ns)       Period(ns)      Frequency(MHz)
-----      ------------       ----------      --------------
fast       {0.000 2.500}      5.000           200.000
  slow     {0.000 5.000}      10.000          100.000


------------------------------------------------------------------------------------------------
| Intra Clock Table
| -----------------
------------------------------------------------------------------------------------------------

Clock             WNS(ns)      TNS(ns)  TNS Failing Endpoints  TNS Total Endpoints      WHS(ns)      THS(ns)
-----             -------      -------  ---------------------  -------------------      -------      -------
fast               -0.250       -0.500                      2                   50        0.100        0.000
  slow              1.000        0.000                      0                    4        0.200        0.000


"""

CSYNTH = """\


================================================================
== Vitis HLS Report for 'core'
================================================================
* Date:           today

* Version:        2022.1 (Build 1)
* Project:        prj
* Target device:  xc7z020-clg400-1


================================================================
== Performance Estimates
================================================================
+ Timing:
    * Summary:
    +--------+---------+----------+------------+
    |  Clock |  Target | Estimated| Uncertainty|
    +--------+---------+----------+------------+
    |ap_clk  |  0.01 us|  4.049 ns|     0.62 ns|
    +--------+---------+----------+------------+

+ Latency:
    * Summary:
    +---------+---------+----------+----------+-----+-----+---------+
    |  Latency (cycles) |  Latency (absolute) |  Interval | Pipeline|
    |   min   |   max   |    min   |    max   | min | max |   Type  |
    +---------+---------+----------+----------+-----+-----+---------+
    |        3|        ?|         ?|         ?|    1|undef|      yes|
    +---------+---------+----------+----------+-----+-----+---------+


================================================================
== Utilization Estimates
================================================================
* Summary:
+-----------------+---------+-----+--------+-------+-----+
|       Name      | BRAM_18K| DSP |   FF   |  LUT  | URAM|
+-----------------+---------+-----+--------+-------+-----+
|Instance         |        2|    1|      30|     40|    -|
+-----------------+---------+-----+--------+-------+-----+
|Total            |        2|    1|      30|     42|    -|
+-----------------+---------+-----+--------+-------+-----+
|Available        |      280|  220|  106400|  53200|    0|
+-----------------+---------+-----+--------+-------+-----+
|Utilization (%)  |       ~0|   ~0|      ~0|     ~0|    0|
+-----------------+---------+-----+--------+-------+-----+

+ Detail:
    * Instance:
    +----------+--------+---------+----+----+-----+-----+
    | Instance | Module | BRAM_18K| DSP| FF | LUT | URAM|
    +----------+--------+---------+----+----+-----+-----+
    |dense_U0  |dense   |        2|   1|  30|   40|    0|
    +----------+--------+---------+----+----+-----+-----+
    |Total     |        |        2|   1|  30|   40|    0|
    +----------+--------+---------+----+----+-----+-----+


================================================================
== Interface
================================================================
* Summary:
+-----------+-----+
| RTL Ports | Dir |
+-----------+-----+
|ap_clk     |   in|
+-----------+-----+
"""

CSYNTH_XML = """\
<profile>
<ReportVersion><Version>2019.1</Version></ReportVersion>
<UserAssignments>
<Part>xc7z020clg400-1</Part><TopModelName>core</TopModelName><TargetClockPeriod>10.00</TargetClockPeriod>
</UserAssignments>
<PerformanceEstimates>
<SummaryOfTimingAnalysis><EstimatedClockPeriod>8.75</EstimatedClockPeriod></SummaryOfTimingAnalysis>
<SummaryOfOverallLatency>
<Best-caseLatency>7</Best-caseLatency><Worst-caseLatency>undef</Worst-caseLatency>
<PipelineInitiationInterval>1 ~ 9</PipelineInitiationInterval>
</SummaryOfOverallLatency>
</PerformanceEstimates>
<AreaEstimates>
<Resources><BRAM_18K>1</BRAM_18K><DSP48E>2</DSP48E><FF>3</FF><LUT>4</LUT></Resources>
<AvailableResources><BRAM_18K>280</BRAM_18K><DSP48E>220</DSP48E><FF>106400</FF><LUT>53200</LUT></AvailableResources>
</AreaEstimates>
</profile>
"""

QUARTUS_FIT = """\
Fitter Status : Successful - today
Quartus Prime Version : 22.1std.2 Build 1 SC Standard Edition
Revision Name : build
Top-level Entity Name : core
Family : Arria 10
Device : 10AX115N2F45E1SG
Logic utilization (in ALMs) : 1,234.5 / 427,200 ( < 1 % )
Total registers : 2,345
Total pins : 10 / 960 ( 1 % )
Total block memory bits : 4,096 / 55,562,240 ( < 1 % )
Total DSP Blocks : 3 / 1,518 ( < 1 % )
"""

YOSYS_STAT = """\
Yosys 0.33 (git sha1 0)

=== dense ===

   Number of wires:                 10
   Number of cells:                 12
     FDRE                            5
     LUT6                            7

=== core ===

   Number of wires:                 10
   Number of cells:                  5
     CARRY4                          1
     LUT2                            3
     dense                           1

=== design hierarchy ===

   core                              1
     dense                           1

   Number of wires:                 20
   Number of cells:                 16
     CARRY4                          1
     FDRE                            5
     LUT2                            3
     LUT6                            7
"""

YOSYS_STAT_NEW = """\
=== core ===

        +----------Local Count, excluding submodules.
        |
       10 wires
       14 cells
        4   SB_CARRY
        2   SB_DFFE
        8   SB_LUT4
"""

YOSYS_JSON = """\
{
   "creator": "Yosys 0.55 (git sha1 0)",
   "invocation": "stat -json",
   "modules": {
      "\\\\core": {"num_cells": 10, "num_cells_by_type": {"TRELLIS_FF": 4, "LUT4": 5, "DP16KD": 1}}
   },
   "design": {"num_cells": 10, "num_cells_by_type": {"TRELLIS_FF": 4, "LUT4": 5, "DP16KD": 1}}
}
"""

NEXTPNR = """\
{"fmax": {"clk": {"achieved": 80.5, "constraint": 50}},
 "utilization": {"TRELLIS_COMB": {"available": 24288, "used": 900}, "TRELLIS_FF": {"available": 24288, "used": 800},
                 "MULT18X18D": {"available": 28, "used": 2}, "DP16KD": {"available": 56, "used": 3}}}
"""

ALL = {
    "vivado": VIVADO,
    "timing": TIMING,
    "csynth": CSYNTH,
    "xml": CSYNTH_XML,
    "quartus": QUARTUS_FIT,
    "yosys": YOSYS_STAT,
    "yosys_new": YOSYS_STAT_NEW,
    "yosys_json": YOSYS_JSON,
    "nextpnr": NEXTPNR,
}
