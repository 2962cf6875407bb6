# SPDX-License-Identifier: Apache-2.0
"""The table of handlers is complete: every operation that the front end knows has a handler, and no other has."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from onnx import defs
from tailrace.frontend import handlers
from tailrace.frontend.handlers import HANDLERS
from tailrace.frontend.operations import (
    ELEMENTWISE,
    HOST_TAIL,
    LAYOUT,
    MICROSOFT_OPERATIONS,
    NORMALIZATIONS,
    QONNX_DOMAIN,
    QUANTIZERS,
    RECURRENT,
    RESHAPING,
    SPATIAL,
)

KINDS = ELEMENTWISE | HOST_TAIL | LAYOUT | NORMALIZATIONS | QUANTIZERS | RESHAPING | SPATIAL


@pytest.mark.parametrize("operation", sorted(KINDS))
def test_every_operation_of_a_kind_has_a_handler(operation):
    domain = QONNX_DOMAIN if operation in QUANTIZERS - {"DequantizeLinear"} else ""
    assert (domain, operation) in HANDLERS


def test_no_other_operation_has_a_handler():
    assert {operation for _, operation in HANDLERS} == KINDS | {"MatMul"} | MICROSOFT_OPERATIONS
    assert not RECURRENT & {operation for _, operation in HANDLERS}


def test_every_operation_of_onnx_that_is_mapped_is_one_of_onnx_or_stands_in_its_domain_in_onnx_runtime():
    assert [op for domain, op in HANDLERS if not domain and not defs.has(op)] == [
        "SimplifiedLayerNormalization"
    ]


def test_handlers_know_the_sheet_and_not_the_walk():
    folder = Path(handlers.__file__).parent
    for path in folder.glob("*.py"):
        if path.stem in ("walk", "__init__"):
            continue
        names = [n.module for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.ImportFrom)]
        assert "tailrace.frontend.walk" not in names, path.name
        if path.stem == "sheet":
            assert "tailrace.frontend.handlers" not in names
