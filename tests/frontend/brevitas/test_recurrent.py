# SPDX-License-Identifier: Apache-2.0
"""A QuantLSTM that Brevitas exports equals its module at every step."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tailrace as tr

if TYPE_CHECKING:
    from pathlib import Path

torch = pytest.importorskip(
    "torch", reason="torch and Brevitas are not installed: pip install tailrace[brevitas]"
)
qnn = pytest.importorskip("brevitas.nn", reason="Brevitas is not installed: pip install tailrace[brevitas]")
pytestmark = pytest.mark.filterwarnings("ignore")  # torch and Brevitas warn of parts of themselves

FEATURES, SEQUENCES, STEPS = 5, 3, 64


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hidden", "layers", "batch_first"),
    [*product((8, 20), (1, 2), (False, True)), (64, 1, True), (128, 1, False)],
)
def test_an_exported_lstm_equals_its_module(hidden: int, layers: int, batch_first: bool, tmp_path: Path):
    from brevitas.export import export_qonnx

    torch.manual_seed(hidden + layers)
    module = qnn.QuantLSTM(FEATURES, hidden, num_layers=layers, batch_first=batch_first).train()

    def fed(x: torch.Tensor) -> torch.Tensor:
        return x if batch_first else x.transpose(0, 1)

    for _ in range(20):  # the quantizers learn their scales
        module(fed(torch.randn(4, 12, FEATURES)))
    module.eval()
    with torch.no_grad():
        path = tmp_path / "lstm.onnx"
        export_qonnx(
            module,
            args=fed(torch.randn(1, 12, FEATURES)),
            export_path=str(path),
            opset_version=14,
            dynamo=False,
        )
        x = torch.randn(SEQUENCES, STEPS, FEATURES) * 1.5
        theirs = fed(module(fed(x))[0]).numpy()
    graph = tr.load(path)
    assert len(graph.states) == 2 * layers
    ours = graph.predict(x.numpy())
    ours = next(iter(ours.values())) if isinstance(ours, dict) else ours
    assert np.array_equal(np.asarray(ours).reshape(theirs.shape), theirs)
    assert np.unique(theirs).size > 30
