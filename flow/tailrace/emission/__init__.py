# SPDX-License-Identifier: Apache-2.0
"""Plan to files: Verilog, HLS C++, benches and scripts. Nothing here writes to the disk."""
