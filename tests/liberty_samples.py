# SPDX-License-Identifier: Apache-2.0
"""A small standard-cell library of our own, with tables that can be followed by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SMALL = """\
/* A library of five cells. */
library (small) {
  delay_model : table_lookup;
  time_unit : "1ns";  // nanoseconds
  voltage_unit : "1V";
  capacitive_load_unit (1, pf);
  leakage_power_unit : "1nW";
  nom_voltage : 2.0;
  default_max_fanout : 4
  default_wire_load : "short";
  wire_load ("short") {
    capacitance : 0.01;
    slope : 2.0;
    fanout_length (1, 1.0);
    fanout_length (3, 5.0);
  }
  lu_table_template (t) {
    variable_1 : input_net_transition;
    variable_2 : total_output_net_capacitance;
    index_1 ("0, 1");
    index_2 ("0, 1");
  }
  lu_table_template (c) {
    variable_1 : related_pin_transition;
    variable_2 : constrained_pin_transition;
    index_1 ("0, 1");
    index_2 ("0, 1");
  }
  power_lut_template (p) {
    variable_1 : input_transition_time;
    variable_2 : total_output_net_capacitance;
    index_1 ("0, 1");
    index_2 ("0, 1");
  }
  cell (INV) {
    area : 2.0;
    cell_leakage_power : 3.0;
    pin (A) { direction : input; capacitance : 0.1; }
    pin (Y) {
      direction : output;
      function : "!A";
      timing () {
        related_pin : "A";
        timing_sense : negative_unate;
        cell_rise (t) { values ("1.0, 3.0", \\
                                "2.0, 4.0"); }
        cell_fall (t) { values ("0.5, 2.5", "1.5, 3.5"); }
        rise_transition (t) { values ("0.0, 1.0", "0.0, 1.0"); }
        fall_transition (t) { values ("0.0, 1.0", "0.0, 1.0"); }
      }
      internal_power () {
        related_pin : "A";
        rise_power (p) { values ("0.2, 0.2", "0.2, 0.2"); }
        fall_power (p) { values ("0.4, 0.4", "0.4, 0.4"); }
      }
    }
  }
  cell (NAND) {
    area : 4.0;
    leakage_power () { when : "A"; value : 2.0; }
    leakage_power () { when : "!A"; value : 6.0; }
    pin (A, B) { direction : input; rise_capacitance : 0.1; fall_capacitance : 0.2; }
    pin (Y) {
      direction : output;
      function : "(A B)'";
      timing () {
        related_pin : "A B";
        timing_sense : negative_unate;
        cell_rise (scalar) { values ("1.0"); }
        cell_fall (scalar) { values ("1.0"); }
      }
    }
  }
  cell (BUF) {
    area : 3.0;
    pin (A) { direction : input; capacitance : 0.1; }
    pin (Y) { direction : output; function : "A"; }
  }
  cell (UNUSED_NAND) {
    area : 1.0;
    dont_use : true;
    pin (A) { direction : input; capacitance : 0.1; }
    pin (B) { direction : input; capacitance : 0.1; }
    pin (Y) { direction : output; function : "!(A & B)"; }
  }
  cell (DFF) {
    area : 10.0;
    ff (IQ, IQN) { clocked_on : "CK"; next_state : "D"; }
    pin (CK) {
      direction : input; capacitance : 0.3; clock : true;
      internal_power () {
        rise_power (scalar) { values ("0.5"); }
        fall_power (scalar) { values ("0.25"); }
      }
    }
    pin (D) {
      direction : input; capacitance : 0.1;
      timing () {
        related_pin : "CK"; timing_type : setup_rising;
        rise_constraint (c) { values ("0.25, 1.25", "0.25, 1.25"); }
        fall_constraint (c) { values ("0.5, 1.5", "0.5, 1.5"); }
      }
    }
    pin (Q) {
      direction : output; function : "IQ";
      timing () {
        related_pin : "CK"; timing_type : rising_edge;
        cell_rise (scalar) { values ("2.0"); }
        cell_fall (scalar) { values ("3.0"); }
        rise_transition (scalar) { values ("0.0"); }
        fall_transition (scalar) { values ("0.0"); }
      }
    }
  }
  cell (ZERO) { area : 1.0; pin (Y) { direction : output; function : "0"; } }
  cell (ONE) { area : 1.0; pin (Y) { direction : output; function : "1"; } }
}
"""


def write_small(path: Path, text: str = SMALL) -> Path:
    """Write the library to ``path`` and return the path."""
    path.write_text(text, encoding="utf-8")
    return path
