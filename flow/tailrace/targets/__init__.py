# SPDX-License-Identifier: Apache-2.0
"""What the hardware is built for: part families, parts, boards."""
