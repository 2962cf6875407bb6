# SPDX-License-Identifier: Apache-2.0
"""Brevitas modules: traced, translated into a QONNX model, imported, and compared with the module itself."""
