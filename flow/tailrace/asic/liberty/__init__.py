# SPDX-License-Identifier: Apache-2.0
"""Liberty files: cells, functions, timing."""
