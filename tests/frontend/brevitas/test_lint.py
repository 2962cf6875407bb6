# SPDX-License-Identifier: Apache-2.0
"""tailrace.lint says what will not map and what would be cheaper, with the price, and leaves the module as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import tailrace as tr

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from tailrace.design.lint import Finding

pytestmark = pytest.mark.filterwarnings("ignore")  # torch and Brevitas warn of parts of themselves


@pytest.fixture(scope="module")
def qnn() -> ModuleType:
    """The layers of Brevitas."""
    pytest.importorskip("torch", reason="needs the brevitas extra")
    pytest.importorskip("brevitas", reason="needs the brevitas extra")
    from brevitas import nn

    return nn


def chain(*parts: Any) -> Any:
    """A sequence of layers."""
    from torch import nn

    return nn.Sequential(*parts)


def found(module: Any, name: str) -> list[Finding]:
    """What is found at one layer."""
    return [finding for finding in tr.lint(module) if finding.module == name]


def test_a_module_of_good_taste_has_nothing_to_say(qnn: ModuleType) -> None:
    from brevitas import quant

    fixed = {"weight_quant": quant.Int8WeightPerTensorFixedPoint, "weight_bit_width": 4, "bias": False}
    module = chain(
        qnn.QuantIdentity(act_quant=quant.Int8ActPerTensorFixedPoint),
        qnn.QuantLinear(8, 8, **fixed),
        qnn.QuantReLU(act_quant=quant.Uint8ActPerTensorFixedPoint, bit_width=4),
        qnn.QuantLinear(8, 4, **fixed),
    )
    assert repr(tr.lint(module)) == "Sequential: nothing to say"


def test_a_missing_input_quantizer_is_priced_by_its_products(qnn: ModuleType) -> None:
    (finding,) = found(chain(qnn.QuantLinear(8, 4, bias=False)), "0")
    assert finding.maps
    assert finding.found == "its input, the network's, has no quantizer: fixed<16,6> is chosen"
    assert finding.luts is not None
    assert finding.luts > 20


def test_floats_between_layers_do_not_map_behind_a_sigmoid_and_are_wide_behind_a_sum(qnn: ModuleType) -> None:
    from torch import nn

    def layers(*between: Any) -> Any:
        return chain(
            qnn.QuantIdentity(),
            qnn.QuantLinear(8, 8, bias=False),
            *between,
            qnn.QuantLinear(8, 4, bias=False),
        )

    (lost,) = found(layers(nn.GELU()), "3")
    assert (lost.maps, lost.cost) == (False, "does not map")
    assert lost.found == "QuantLinear: its input comes from 2 without a quantizer"
    (wide,) = found(layers(), "2")
    assert wide.maps
    assert "sums of about 19 bits go into its products" in wide.found


def test_layers_that_will_not_map_come_first_by_name(qnn: ModuleType) -> None:
    from torch import nn

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.quant = qnn.QuantIdentity()
            self.lstm = qnn.QuantLSTM(4, 4)
            self.fc = nn.Linear(4, 4)

        def forward(self, x: Any) -> Any:
            return self.fc(self.lstm(self.quant(x))[0])

    findings = [f for f in tr.lint(Net()) if not f.maps]
    assert [f.module for f in findings] == ["lstm", "fc"]
    assert findings[0].found.startswith("QuantLSTM: it keeps a state")
    assert findings[1].found == "Linear: its weights are not quantized"


ONE_LAYER: dict[str, tuple[Callable[[ModuleType], tuple[Any, ...]], str, str]] = {
    "weights of many bits": (
        lambda q: (q.QuantIdentity(), q.QuantLinear(8, 4, bias=False, weight_bit_width=12), q.QuantReLU()),
        "1",
        "its weights have 12 bits",
    ),
    "a zero point of weights": (
        lambda q: (
            q.QuantIdentity(),
            q.QuantLinear(8, 4, bias=False, weight_quant=_quant("ShiftedUint8WeightPerTensorFloat")),
            q.QuantReLU(),
        ),
        "1",
        "its weights have a zero point: one bit more in every product",
    ),
    "a scale that is no power of two": (
        lambda q: (q.QuantIdentity(), q.QuantLinear(64, 4, bias=False), q.QuantReLU()),
        "2",
        "its scale is no power of two, on a sum of 22 bits: comparisons or a product instead of a shift",
    ),
    "a scale a channel": (
        lambda q: (
            q.QuantIdentity(),
            q.QuantLinear(8, 4, bias=False),
            q.QuantReLU(
                scaling_per_output_channel=True,
                per_channel_broadcastable_shape=(1, 4),
                scaling_stats_permute_dims=(1, 0),
            ),
        ),
        "2",
        "its scale differs from channel to channel",
    ),
    "a float bias at the end": (
        lambda q: (q.QuantIdentity(), q.QuantLinear(8, 4, bias=True)),
        "1",
        "its bias is a float, and no quantizer follows: a sum of 43 bits, or the host's",
    ),
    "a signed quantizer behind a ReLU": (
        lambda q: (q.QuantIdentity(), q.QuantLinear(8, 4, bias=False), _relu(), q.QuantIdentity(bit_width=5)),
        "3",
        "16 of its 32 levels can occur",
    ),
    "9 levels": (
        lambda q: (
            q.QuantIdentity(),
            q.QuantLinear(8, 4, bias=False),
            _relu6(),
            q.QuantIdentity(
                act_quant=_quant("Uint8ActPerTensorFloat"),
                bit_width=4,
                scaling_impl_type="const",
                scaling_init=0.75 * 15,
            ),
        ),
        "3",
        "9 levels, which need 4 bits",
    ),
}


def _quant(name: str) -> Any:
    from brevitas import quant

    return getattr(quant, name)


def _relu() -> Any:
    from torch import nn

    return nn.ReLU()


def _relu6() -> Any:
    from torch import nn

    return nn.ReLU6()


@pytest.mark.parametrize("case", ONE_LAYER)
def test_what_would_be_cheaper_is_found_with_its_price(qnn: ModuleType, case: str) -> None:
    make, name, text = ONE_LAYER[case]
    findings = {finding.found: finding for finding in found(chain(*make(qnn)), name)}
    assert text in findings
    luts = findings[text].luts
    assert luts is not None
    assert luts >= 4
    assert findings[text].cost == f"+{luts:,.0f} LUT a lane"


def _adding(qnn: ModuleType, *, shared: bool) -> Any:
    from torch import nn

    class Adds(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.quant = qnn.QuantIdentity()
            self.a, self.b = (qnn.QuantLinear(8, 8, bias=False) for _ in "ab")
            self.qa = qnn.QuantIdentity()
            self.qb = self.qa if shared else qnn.QuantIdentity()

        def forward(self, x: Any) -> Any:
            x = self.quant(x)
            return self.qa(self.a(x)) + self.qb(self.b(x))

    return Adds()


def test_different_scales_in_front_of_a_sum_are_found_and_a_shared_quantizer_is_not(qnn: ModuleType) -> None:
    (finding,) = found(_adding(qnn, shared=False), "add")
    assert finding.found.startswith("it adds qa and qb, whose scales will have no simple ratio")
    assert finding.instead == "one QuantIdentity for both in front of it"
    assert finding.luts is not None
    assert finding.luts > 50
    assert found(_adding(qnn, shared=True), "add") == []


def test_the_module_stays_as_it_is_and_the_table_prints(qnn: ModuleType) -> None:
    import torch

    module = chain(qnn.QuantLinear(8, 4)).train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    findings = tr.lint(module)
    assert module.training
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    lines = repr(findings).splitlines()
    assert lines[0] == "Sequential: 0 will not map, 2 would be cheaper (estimates for ecp5-85k)"
    assert lines[1].split() == ["module", "cost", "found", "instead"]
    assert len(findings) == 2
    assert "<table>" in findings._repr_html_()


def test_what_is_no_module_or_cannot_be_followed_is_refused(qnn: ModuleType) -> None:
    from torch import nn

    with pytest.raises(tr.TailraceError, match="got an object of type int"):
        tr.lint(3)

    class Branch(nn.Module):
        def forward(self, x: Any) -> Any:
            return x if x.sum() > 0 else -x

    with pytest.raises(tr.TailraceError, match="its forward cannot be followed without an example"):
        tr.lint(Branch())
