# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501  # tables are as wide as the tools draw them
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

QUARTUS_PRO_FIT = """\
Fitter report for top
Quartus Prime Version 23.2.0 Build 94 06/14/2023 SC Pro Edition


---------------------
; Table of Contents ;
---------------------
  1. Legal Notice
  2. Fitter Summary
  3. Fitter Resource Utilization by Entity
  4. Fitter Messages



----------------
; Legal Notice ;
----------------
bla


+-----------------------------------------------------------------+
; Fitter Summary                                                  ;
+---------------------------------+-------------------------------+
; Fitter Status                   ; Successful                    ;
; Quartus Prime Version           ; 23.2.0 Build 94 SC Pro Edition;
; Revision Name                   ; top                           ;
; Top-level Entity Name           ; mytop                         ;
; Family                          ; Stratix 10                    ;
; Device                          ; 1SX280HN2F43E2VG              ;
; Logic utilization (in ALMs)     ; 5,477 / 933,120 ( < 1 % )     ;
; Total dedicated logic registers ; 10271                         ;
; Total block memory bits         ; 524,288 / 240,046,080 ( < 1 %);
; Total RAM Blocks                ; 32 / 11,721 ( < 1 % )         ;
; Total DSP Blocks                ; 2 / 5,760 ( < 1 % )           ;
+---------------------------------+-------------------------------+


+--------------------------------------------------------------------------------------------------------------------------------------+
; Fitter Resource Utilization by Entity                                                                                                ;
+-----------------------------+----------------------+----------------------------------+---------------------------+-------------------+-------+------------+
; Compilation Hierarchy Node  ; ALMs needed [=A-B+C] ; [A] ALMs used in final placement ; Dedicated Logic Registers ; Block Memory Bits ; M20Ks ; DSP Blocks ;
+-----------------------------+----------------------+----------------------------------+---------------------------+-------------------+-------+------------+
; |                           ; 5477.0 (0.5)         ; 5600.0 (0.5)                     ; 10271 (0)                 ; 524288            ; 32    ; 2          ;
;    |u_core|                 ; 5400.0 (10.5)        ; 5500.0 (0.5)                     ; 10000 (5)                 ; 524288            ; 32    ; 2          ;
+-----------------------------+----------------------+----------------------------------+---------------------------+-------------------+-------+------------+
"""

QUARTUS_PRO_STA = """\
Timing Analyzer report for top
Tue
Quartus Prime Version 23.2.0 Build 94 06/14/2023 SC Pro Edition

---------------------
; Table of Contents ;
---------------------
  1. Legal Notice
  2. Timing Analyzer Summary
  3. Clocks
  4. Fmax Summary
  5. Setup Summary
  6. Hold Summary
  7. Timing Analyzer Messages


+----------------------------------------+
; Timing Analyzer Summary                ;
+-----------------------+----------------+
; Quartus Prime Version ; Version 23.2.0 ;
; Revision Name         ; top            ;
; Device Name           ; 1SX280HN2F43E2 ;
+-----------------------+----------------+

+-----------------------------------------+
; Clocks                                  ;
+------------+------+--------+------------+
; Clock Name ; Type ; Period ; Frequency  ;
+------------+------+--------+------------+
; clk        ; Base ; 4.000  ; 250.0 MHz  ;
+------------+------+--------+------------+

+-------------------------------------------------------------------------------------+
; Fmax Summary                                                                        ;
+------------+-----------------+------------+------+----------------------------------+
; Fmax       ; Restricted Fmax ; Clock Name ; Note ; Worst-Case Operating Conditions  ;
+------------+-----------------+------------+------+----------------------------------+
; 301.11 MHz ; 301.11 MHz      ; clk        ;      ; Slow vid3 100C Model             ;
+------------+-----------------+------------+------+----------------------------------+

+----------------------------------------------------------------------------+
; Setup Summary                                                              ;
+-------+-------+---------------+--------------------+-----------------------+
; Clock ; Slack ; End Point TNS ; Failing End Points ; Worst-Case Conditions ;
+-------+-------+---------------+--------------------+-----------------------+
; clk   ; 0.679 ; 0.000         ; 0                  ; Slow vid3 100C Model  ;
+-------+-------+---------------+--------------------+-----------------------+

+----------------------------------------------------------------------------+
; Hold Summary                                                               ;
+-------+-------+---------------+--------------------+-----------------------+
; Clock ; Slack ; End Point TNS ; Failing End Points ; Worst-Case Conditions ;
+-------+-------+---------------+--------------------+-----------------------+
; clk   ; 0.012 ; 0.000         ; 0                  ; Fast vid3 100C Model  ;
+-------+-------+---------------+--------------------+-----------------------+
"""

HIERARCHY = """\
Copyright 1986-2022 Xilinx, Inc. All Rights Reserved. Copyright 2022-2024 Advanced Micro Devices, Inc. All Rights Reserved.
---
| Tool Version : Vivado v.2024.1 (lin64) Build 5076996 Wed May 22 18:36:09 MDT 2024
| Date         : x
| Command      : report_utilization -hierarchical
| Design       : top
| Device       : xczu7ev-ffvc1156-2-e
---

Utilization Design Information

Table of Contents
-----------------
1. Utilization by Hierarchy

1. Utilization by Hierarchy
---------------------------

+----------+--------+------------+------------+---------+------+-----+--------+--------+------+------------+
| Instance | Module | Total LUTs | Logic LUTs | LUTRAMs | SRLs | FFs | RAMB36 | RAMB18 | URAM | DSP Blocks |
+----------+--------+------------+------------+---------+------+-----+--------+--------+------+------------+
| top      |  (top) |        100 |         90 |       0 |   10 | 200 |      1 |      2 |    3 |          4 |
|   (top)  |  (top) |          1 |          1 |       0 |    0 |   2 |      0 |      0 |    0 |          0 |
|   a      |    sub |         99 |         89 |       0 |   10 | 198 |      1 |      2 |    3 |          4 |
+----------+--------+------------+------------+---------+------+-----+--------+--------+------+------------+
"""

YOSYS_AREA = """\
4. Printing statistics.

=== top ===

        +----------Local Count, excluding submodules.
        |        +-Local Area, excluding submodules.
        |        |
       10        - wires
       14 1.2E+03 cells
        4    10.5 LUT4
        2  1.0E+02 FDRE
        8        - LUT6

   Chip area for module '\\top': 3.0
"""

COSIM = """\
Cosim..
================================================================
== Cosimulation Report for 'fir'
================================================================
* Date:           Thu
* Version:        2022.2 (Build 3670227 on Oct 13 2022)
* Project:        prj
* Solution:       solution1 (Vivado IP Flow Target)
* Product family: zynq
* Target device:  xc7z020-clg484-1

Report time       : x
Solution          : solution1.
Simulation tool   : xsim.

+----------+----------+-----------------------------------------------+-----------------------------------------------+----------------------+
|          |          |             Latency(Clock Cycles)             |              Interval(Clock Cycles)           | Total Execution Time |
+   RTL    +  Status  +-----------------------------------------------+-----------------------------------------------+    (Clock Cycles)    +
|          |          |      min      |      avg      |      max      |      min      |      avg      |      max      |                      |
+----------+----------+-----------------------------------------------+-----------------------------------------------+----------------------+
|      VHDL|        NA|             NA|             NA|             NA|             NA|             NA|             NA|                    NA|
|   Verilog|      Pass|             78|             78|             78|             NA|             NA|             NA|                    78|
+----------+----------+-----------------------------------------------+-----------------------------------------------+----------------------+
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
    "quartus_pro_fit": QUARTUS_PRO_FIT,
    "quartus_pro_sta": QUARTUS_PRO_STA,
    "hierarchy": HIERARCHY,
    "yosys_area": YOSYS_AREA,
    "cosim": COSIM,
}
