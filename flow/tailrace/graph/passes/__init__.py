# SPDX-License-Identifier: Apache-2.0
"""Passes: from a valid graph to a valid graph."""
