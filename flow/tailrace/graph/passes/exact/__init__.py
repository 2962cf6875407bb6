# SPDX-License-Identifier: Apache-2.0
"""Passes that keep the function of the graph."""
