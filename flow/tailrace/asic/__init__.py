# SPDX-License-Identifier: Apache-2.0
"""Standard cells: Liberty reader, mapping, timing, activity, power."""
