# SPDX-License-Identifier: Apache-2.0
"""The small cases of ../shared/cases: what they compute in software is what the integer graph and the hardware do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tailrace as tr
from tailrace.graph.passes import pipeline as passes
from tailrace.verify.software import verify_software
from tailrace.verify.vectors import random_inputs, random_integers

if TYPE_CHECKING:
    from pathlib import Path

MOVED = (
    "last_step_index",
    "index_select_channels",
    "tcn_causal",
    "embedding",
    "deepsets",
    "deepsets_expand",
    "reflect_pad",
)
CARRIED = ("brev_lenet_input_quant", "f_bn_mp_flat_relu", "iq_cat", "iq_pool_tr1d", "pc_b_r")
"""Pools, layout and concatenations between the accumulator and the quantizer."""

SUMMED = (
    "brev_resnet_block",
    "f_bn_relu_ap_flat",
    "iq_gap",
    "iq_residual",
    "ptq_resnet_layerwise",
    "res_bn",
    "res_f_mul",
    "residual_raw_sum",
)
"""Sums and averages of what accumulators have become."""

ENDS = ("cls_sa_bf", "pixel_argmax", "bias_int32", "parallel_heads")
"""What the hardware does of a network's end."""

NORMALIZED = ("layernorm", "groupnorm")

EXACT = (*MOVED, *CARRIED, *SUMMED, *ENDS, *NORMALIZED, "upsample_bilinear")


@pytest.fixture(scope="session")
def shared_cases(shared_models: Path) -> Path:
    """The folder of the small cases."""
    folder = shared_models.parent / "cases"
    if not folder.is_dir():
        pytest.skip("the small cases are not there")
    return folder


def case(folder: Path, name: str) -> tuple[tr.Graph, np.ndarray, np.ndarray]:
    """Return the graph, the inputs and the outputs of its software."""
    golden = np.load(folder / f"{name}.golden.npz")
    return tr.load(folder / f"{name}.onnx"), golden["inputs"], golden["outputs"]


@pytest.mark.parametrize("name", EXACT)
def test_a_case_equals_its_software(name, shared_cases):
    graph, x, y = case(shared_cases, name)
    end = graph.host.output.name
    assert np.array_equal(graph.reference.run(x, [end])[end].reshape(y.shape), y)
    for vectors in (x, random_inputs(graph, 8, seed=4)):
        result = verify_software(graph.reference.graph, graph.reference, vectors)
        assert result.mismatches == 0, result.first
        assert name not in MOVED or result.framework_rounding == 0
    actual = graph.predict(x).reshape(y.shape)
    assert np.array_equal(actual.argmax(axis=1), y.argmax(axis=1))
    if graph.host.output.is_integer:
        assert np.array_equal(actual, y)
    lowered = passes.run(graph)
    q = random_integers(graph, 100, seed=5).reshape(-1, *graph.tensors[graph.input].shape)
    assert np.array_equal(graph.predict_int(q), lowered.predict_int(q))


@pytest.mark.slow
@pytest.mark.parametrize("name", EXACT)
def test_a_case_goes_down_to_hardware(name, shared_cases, tmp_path):
    graph, x, _ = case(shared_cases, name)
    plan = tr.plan(graph, part="ecp5-85k", clock_mhz=100)
    report = tr.emit(plan, tmp_path / "build").verify(x, vectors=8, seed=1, stall=0.3)
    assert (report.verify.hls.mismatches, report.verify.rtl.mismatches) == (0, 0)
    assert report.verify.software.mismatches == 0
