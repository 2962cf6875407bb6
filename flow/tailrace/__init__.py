# SPDX-License-Identifier: Apache-2.0
"""tailrace: quantized networks to proven streaming hardware."""

__version__ = "0.1.0"
