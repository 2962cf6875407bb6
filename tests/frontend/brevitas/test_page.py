# SPDX-License-Identifier: Apache-2.0
"""What the page of this door shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

pytestmark = pytest.mark.filterwarnings("ignore")  # torch and Brevitas warn of parts of themselves

PAGE = Path(__file__).parents[3] / "docs/doors/brevitas.md"


@pytest.fixture(scope="module")
def modules() -> ModuleType:
    """The generator of random modules."""
    pytest.importorskip("torch", reason="needs the brevitas extra")
    pytest.importorskip("brevitas", reason="needs the brevitas extra")
    import brevitas_modules

    return brevitas_modules


@pytest.mark.slow
def test_the_example_of_the_page_runs(
    modules: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(
        r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    exec(compile(code, str(PAGE), "exec"), {"__name__": "__main__"})  # noqa: S102 - our own document
    assert (tmp_path / "build/brevitas/model.onnx").is_file()


def test_the_table_of_the_page_has_every_layer_and_quantizer(modules: ModuleType) -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `([^`]+)` \| ([^|]+) \| \d+ \| \d+ \| \d+ \| \d+ \|$", text, re.MULTILINE))
    wanted = {(layer, name) for layer, (_, names) in modules.CASES.items() for name in names}
    assert {(layer, name.strip()) for layer, name in rows} == wanted


def test_every_layer_that_the_page_names_is_translated_and_the_other_way_round(modules: ModuleType) -> None:
    from brevitas import nn as qnn
    from tailrace.frontend.brevitas.layers import LAYERS, REFUSALS
    from torch import nn

    text = PAGE.read_text(encoding="utf-8")
    named = set(re.findall(r"`(\w+)`", text))
    for cls, translation in LAYERS.items():
        if translation not in REFUSALS and cls.__module__.startswith("brevitas"):
            name = cls.__name__
            assert name in named | {"QuantNonLinearActLayer", "QuantUpsamplingNearest2d"}, name
    for name in named:
        cls = getattr(qnn, name, None) or getattr(nn, name, None)
        if isinstance(cls, type) and cls.__module__.startswith(("brevitas", "torch.nn.modules")):
            assert any(base in LAYERS for base in cls.__mro__), name
