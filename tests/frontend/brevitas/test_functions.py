# SPDX-License-Identifier: Apache-2.0
"""Functions, methods and settings that people write between Brevitas' layers: each module equals its graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import tailrace as tr

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.filterwarnings("ignore")  # torch and Brevitas warn of parts of themselves


def linear(rows: int = 8, columns: int = 6, **options: Any) -> Any:
    """A QuantLinear of 4-bit weights."""
    from brevitas import nn as qnn

    return qnn.QuantLinear(columns, rows, weight_bit_width=4, **options)


def relu() -> Any:
    """A QuantReLU of 4 bits."""
    from brevitas import nn as qnn

    return qnn.QuantReLU(bit_width=4)


def identity(**options: Any) -> Any:
    """A QuantIdentity."""
    from brevitas import nn as qnn

    return qnn.QuantIdentity(**options)


def conv(**options: Any) -> Any:
    """A QuantConv2d of 3 x 3."""
    from brevitas import nn as qnn

    return qnn.QuantConv2d(3, 4, 3, **options)


def parameter(size: int) -> Any:
    """A float parameter of the module itself."""
    import torch

    return torch.nn.Parameter(torch.rand(size) + 0.5)


def shared_weight_quantizer() -> dict[str, Any]:
    """Two layers whose weights have one quantizer."""
    from brevitas import nn as qnn

    first = linear(6, bias=False)
    return {"a": first, "b": qnn.QuantLinear(6, 6, bias=False, weight_quant=first.weight_quant)}


def torch_layers(name: str, *arguments: Any) -> Any:
    """A layer of torch.nn."""
    from torch import nn

    return getattr(nn, name)(*arguments)


def gated(m: Any, x: Any) -> Any:
    """Branch twice from one quantizer that is called twice."""
    return m.o(m.r(m.l(m.q(x))) * m.s(m.k(m.q(x))))


def reversed_parts(m: Any, x: Any) -> Any:
    """Split and join the other way round."""
    import torch

    return m.o(torch.cat(list(reversed(torch.split(m.r(m.l(m.q(x))), [3, 5], dim=1))), 1))


def sum_of_halves(m: Any, x: Any) -> Any:
    """Chunk and add."""
    a, b = m.r(m.l(m.q(x))).chunk(2, 1)
    return m.o(a + b)


def sigmoid() -> Any:
    """A QuantSigmoid of 4 bits."""
    from brevitas import nn as qnn

    return qnn.QuantSigmoid(bit_width=4)


Case = tuple["Callable[[Any, Any], Any]", "Callable[[], dict[str, Any]]", tuple[int, ...]]

FORMS: dict[str, Case] = {
    "a layer over tokens": (lambda m, x: m.r(m.l(m.q(x))), lambda: {"l": linear(), "r": relu()}, (5, 6)),
    "chunk and +": (sum_of_halves, lambda: {"l": linear(), "r": relu(), "o": identity()}, (6,)),
    "split and cat": (
        reversed_parts,
        lambda: {"l": linear(), "r": relu(), "o": linear(3, 8, bias=False)},
        (6,),
    ),
    "parameters of its own": (
        lambda m, x: m.o(m.l(m.q(x)) * m.k + m.w),
        lambda: {"l": linear(), "k": parameter(8), "w": parameter(8), "o": identity()},
        (6,),
    ),
    "argmax": (lambda m, x: m.l(m.q(x)).argmax(1), lambda: {"l": linear(bias=False)}, (6,)),
    "PReLU and Hardsigmoid": (
        lambda m, x: m.o(m.h(m.p(m.l(m.q(x))))),
        lambda: {
            "l": linear(),
            "p": torch_layers("PReLU", 8),
            "h": torch_layers("Hardsigmoid"),
            "o": identity(),
        },
        (6,),
    ),
    "a shared weight quantizer": (
        lambda m, x: m.o(m.b(m.r(m.a(m.q(x))))),
        lambda: {**shared_weight_quantizer(), "r": relu(), "o": identity()},
        (6,),
    ),
    "the last step": (
        lambda m, x: m.o(m.r(m.l(m.q(x)))[:, -1]),
        lambda: {"l": linear(), "r": relu(), "o": linear(3, 8, bias=False)},
        (5, 6),
    ),
    "a gate, and a quantizer called twice": (
        gated,
        lambda: {"l": linear(), "k": linear(), "r": relu(), "s": sigmoid(), "o": identity()},
        (6,),
    ),
    "permute and flatten": (
        lambda m, x: m.o(m.r(m.c(m.q(x))).permute(0, 2, 3, 1).flatten(1)),
        lambda: {"c": conv(), "r": relu(), "o": linear(3, 64, bias=False)},
        (3, 6, 6),
    ),
    "padding same with strides": (
        lambda m, x: m.r(m.c(m.q(x))),
        lambda: {"c": conv(padding="same", stride=2), "r": relu()},
        (3, 7, 7),
    ),
    "reflecting padding": (
        lambda m, x: m.r(m.c(m.q(x))),
        lambda: {"c": conv(padding=1, padding_mode="reflect"), "r": relu()},
        (3, 6, 6),
    ),
    "a normalized input": (
        lambda m, x: m.r(m.c(m.q((x - 0.4) / 0.3))),
        lambda: {"c": conv(), "r": relu()},
        (3, 6, 6),
    ),
    "the tensor in a QuantTensor": (
        lambda m, x: m.r(m.l(m.q(x).value)),
        lambda: {"q": identity(return_quant_tensor=True), "l": linear(), "r": relu()},
        (6,),
    ),
    "a new axis": (
        lambda m, x: m.o(m.r(m.l(m.q(x)))[:, None, 2:]),
        lambda: {"l": linear(), "r": relu(), "o": identity()},
        (6,),
    ),
}
"""{what is written: forward, the layers beside a QuantIdentity q, the shape of a sample}."""


def made(form: str) -> tuple[Any, Any]:
    """The module of a form, calibrated and in evaluation mode, and an example."""
    pytest.importorskip("torch", reason="needs the brevitas extra")
    pytest.importorskip("brevitas", reason="needs the brevitas extra")
    import torch

    forward, layers, shape = FORMS[form]
    torch.manual_seed(3)

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, layer in {"q": identity(), **layers()}.items():
                setattr(self, name, layer)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return forward(self, x)

    module = Net().train()
    with torch.no_grad():
        for _ in range(4):
            module(torch.randn(8, *shape))
    return module.eval(), torch.randn(8, *shape)


@pytest.mark.parametrize("form", FORMS)
def test_what_people_write_equals_its_graph(form: str) -> None:
    module, example = made(form)
    graph = tr.from_brevitas(module, example)
    assert (
        graph.reference.foreign == set()
    )  # what the translation computes is what the layers give, bit by bit
    assert "equal to it at import: 8 vectors" in graph.notices[-1]
    assert not any("has no quantizer of its own" in notice for notice in graph.notices)
