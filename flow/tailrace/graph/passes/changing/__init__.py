# SPDX-License-Identifier: Apache-2.0
"""Passes that change what is computed: one module a pass."""
