# SPDX-License-Identifier: Apache-2.0
"""Modules of Brevitas' layers become graphs, builds and Verilog that equal them at every quantizer."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tailrace as tr
from tailrace.verify.software import verify_software

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

pytestmark = pytest.mark.filterwarnings("ignore")  # torch and Brevitas warn of parts of themselves

QUICK = (
    ("QuantLinear", "per channel"),
    ("QuantLinear", "A2Q"),
    ("QuantConv1d", "zero point"),
    ("QuantConv2d", "ternary"),
    ("QuantConvTranspose2d", "decoupled"),
    ("QuantReLU", "per channel"),
    ("QuantIdentity", "binary"),
    ("QuantHardTanh", "signed"),
    ("QuantSigmoid", "unsigned"),
    ("QuantEltwiseAdd", "zero point"),
    ("torch.cat", "signed"),
    ("TruncAvgPool2d", "unsigned"),
    ("AdaptiveAvgPool2d", "signed"),
    ("relu, max_pool2d", "power of two"),
)
SLOW_EACH = 2
RTL_EVERY = 8


@pytest.fixture(scope="module")
def modules() -> ModuleType:
    """The generator of random modules."""
    pytest.importorskip("torch", reason="needs the brevitas extra")
    pytest.importorskip("brevitas", reason="needs the brevitas extra")
    import brevitas_modules

    return brevitas_modules


@pytest.mark.parametrize(("layer", "quantizer"), QUICK)
def test_a_random_module_equals_its_graph(modules: ModuleType, layer: str, quantizer: str) -> None:
    assert modules.check(layer, quantizer, 11) in ("equal", "rounded")


@pytest.mark.slow
def test_hundreds_of_random_modules_equal_their_graphs_and_dozens_their_verilog(
    modules: ModuleType, tmp_path: Path
) -> None:
    cases = [(layer, name) for layer, (_, names) in modules.CASES.items() for name in names]
    faults = []
    for index, (layer, name) in enumerate(cases * SLOW_EACH):
        folder = None if index % RTL_EVERY else tmp_path / str(index)
        result = modules.check(layer, name, 1000 + index, folder)
        if result not in ("equal", "rounded"):
            faults.append((layer, name, 1000 + index, result))
    assert len(cases) * SLOW_EACH > 300
    assert faults == []


def test_a_module_goes_to_verilog_and_its_folder_stands_alone(modules: ModuleType, tmp_path: Path) -> None:
    module, x = modules.draw_module("QuantConv2d", "per channel", 3)
    graph = tr.from_brevitas(module, x)
    design = tr.emit(tr.plan(graph), tmp_path / "build", backends=("rtl",))
    report = design.verify(x.numpy(), vectors=4, backends=("rtl",), jobs=1)
    assert report.verify.software is not None
    assert report.verify.software.reference == "brevitas"
    assert report.verify.software.mismatches == 0
    again = tr.Design.open(tmp_path / "build")  # as another process would: the module is gone
    resumed = again.verify(x.numpy(), vectors=4, backends=(), jobs=1)
    assert resumed.verify.software is not None
    assert resumed.verify.software.reference == "qonnx"
    assert resumed.verify.software.mismatches == 0
    stored = json.loads((tmp_path / "build/graph/imported.json").read_text())
    assert "equal to it at import: 16 vectors" in json.dumps(stored)
    assert tr.load(tmp_path / "build/model.onnx").sha256 == graph.sha256


def test_a_module_that_changes_after_its_import_is_caught(modules: ModuleType) -> None:
    import torch

    module, x = modules.draw_module("QuantLinear", "per tensor", 2)
    graph = tr.from_brevitas(module, x)
    with torch.no_grad():
        module[1].weight[0] += module[1].weight.abs().max()
    result = verify_software(graph, graph.reference, x.numpy())
    assert result.mismatches > 0
    assert result.first is not None
    assert "the network's tensor is '3'" in str(result.first)  # the quantizer behind the changed layer


def test_a_wrong_translation_is_a_mismatch_and_never_a_rounding(modules: ModuleType) -> None:
    from tailrace.frontend.brevitas.software import TorchReference

    module, x = modules.draw_module("QuantReLU", "unsigned", 8)
    graph = tr.from_brevitas(module, x)
    reference = graph.reference
    assert isinstance(reference, TorchReference)
    end = reference.translated.end
    quantizer = reference.software.runs[end]
    shift = float(reference.encodings[end].scale.max())
    wrong = {**reference.software.runs, end: lambda t: quantizer(t - shift)}
    reference.software.runs.update(wrong)  # as a translation that forgot something would have it
    network = replace(reference.network, software=reference.software)
    from tailrace.frontend.walk import import_network

    other, _ = import_network(network)
    result = verify_software(replace(other, reference=reference), reference, x.numpy())
    assert result.mismatches > 0
    assert result.framework_rounding == 0
    assert reference.foreign == {end}


def test_a_shared_quantizer_and_a_layer_called_twice_are_one_each(modules: ModuleType) -> None:
    import torch
    from brevitas import nn as qnn

    class Twice(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.quant = qnn.QuantIdentity(return_quant_tensor=True)
            self.layer = qnn.QuantLinear(6, 6, bias=True, weight_bit_width=4)
            self.relu = qnn.QuantReLU(act_quant=qnn.QuantReLU().act_quant, return_quant_tensor=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.relu(self.layer(self.quant(x)))
            return self.relu(self.layer(x)) if x.shape[-1] == 6 else x

    torch.manual_seed(1)
    module = Twice()
    module.train()
    with torch.no_grad():
        for _ in range(4):
            module(torch.randn(16, 6))
    graph = tr.from_brevitas(module.eval(), torch.randn(16, 6))
    assert {"relu", "relu#2"} <= {tensor.origin for tensor in graph.tensors.values()}


# --- refusals -----------------------------------------------------------------------------------------------------


def _sequential(*parts: Callable[[], object]) -> object:
    from torch import nn

    return nn.Sequential(*(part() for part in parts)).eval()


def _refusal(module: object, example: object) -> str:
    with pytest.raises(tr.TailraceError) as caught:
        tr.from_brevitas(module, example)
    return str(caught.value)


def test_what_is_no_module_is_told_what_is_wanted(modules: ModuleType) -> None:
    text = _refusal({"state": 1}, None)
    assert "got an object of type dict, wanted a torch.nn.Module" in text
    assert "tailrace.load takes ONNX files" in text


def test_training_mode_hooks_and_missing_quantizers_are_refused(modules: ModuleType) -> None:
    import torch
    from brevitas import nn as qnn
    from torch import nn

    x = torch.randn(1, 4)
    training = nn.Sequential(qnn.QuantIdentity(), qnn.QuantLinear(4, 4, bias=False))
    assert "in training mode (Sequential, 0, " in _refusal(training, x)
    assert "call module.eval() first" in _refusal(training, x)
    training.eval()[1].register_forward_hook(lambda *_: None)
    assert "hooks are registered (1)" in _refusal(training, x)
    assert "it has no quantizers" in _refusal(nn.Sequential(nn.Linear(4, 4)).eval(), x)


def test_a_wrong_example_is_refused_by_its_shape_or_type(modules: ModuleType) -> None:
    import torch
    from brevitas import nn as qnn

    module = _sequential(qnn.QuantIdentity, lambda: qnn.QuantLinear(4, 4, bias=False))
    assert "cannot run on an example of shape [1, 5]" in _refusal(module, torch.randn(2, 5))
    assert "holds int64, wanted float32" in _refusal(module, torch.zeros(1, 4, dtype=torch.int64))
    assert "is of type str, wanted one tensor" in _refusal(module, "x")
    assert "has the shape [4], wanted (samples, ...)" in _refusal(module, np.zeros(4, np.float32))


def test_a_branch_on_the_data_is_refused_with_its_line(modules: ModuleType) -> None:
    import torch
    from brevitas import nn as qnn

    class Branch(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.quant = qnn.QuantIdentity()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if x.sum() > 0:
                return self.quant(x)
            return x

    text = _refusal(Branch().eval(), torch.randn(1, 4))
    assert "depends on the data at test_modules.py:" in text
    assert "if x.sum() > 0:" in text


def test_all_unsupported_layers_are_told_at_once_by_name(modules: ModuleType) -> None:
    import torch
    from brevitas import nn as qnn
    from torch import nn

    class Parts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.quant = qnn.QuantIdentity()
            self.body = nn.Sequential(qnn.QuantLinear(4, 4, bias=False), nn.GLU(), nn.Linear(2, 4))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cumsum(self.body(self.quant(x)), 1)

    text = _refusal(Parts().eval(), torch.randn(1, 4))
    assert text.startswith("Parts: 3 nodes cannot be mapped:")
    for part in (
        "body.1",
        "(GLU): GLU is not supported",
        "body.2",
        "its weights are not quantized",
        "(cumsum)",
    ):
        assert part in text


def test_recurrent_layers_and_attention_are_refused_by_name(modules: ModuleType) -> None:
    import torch
    from brevitas import nn as qnn

    attention = qnn.QuantMultiheadAttention(8, 2, packed_in_proj=False)

    class Attends(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = attention

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.attention(x, x, x)[0]

    text = _refusal(Attends().eval(), torch.randn(1, 3, 8))
    assert "attention (QuantMultiheadAttention)" in text or "(QuantMultiheadAttention): attention" in text

    class Steps(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = qnn.QuantLSTM(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.lstm(x)[0]

    assert "(QuantLSTM): it keeps a state from step to step" in _refusal(Steps().eval(), torch.randn(1, 3, 4))


def test_work_in_place_on_a_tensor_that_is_read_again_is_refused(modules: ModuleType) -> None:
    import torch
    from brevitas import nn as qnn

    class InPlace(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.quant = qnn.QuantIdentity()
            self.relu = torch.nn.ReLU(inplace=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.quant(x)
            return self.relu(x) + x

    assert "relu" in _refusal(InPlace().eval(), torch.randn(1, 4))
    assert "works in place on a tensor that is read again" in _refusal(InPlace().eval(), torch.randn(1, 4))


def test_without_torch_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(tr.TailraceError, match="torch and brevitas are not installed") as caught:
        tr.from_brevitas(None, None)
    assert caught.value.hint == "pip install 'tailrace[brevitas]'"
