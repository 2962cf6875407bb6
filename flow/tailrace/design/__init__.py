# SPDX-License-Identifier: Apache-2.0
"""Builds: stages, folder, manifest, options, what was measured."""
