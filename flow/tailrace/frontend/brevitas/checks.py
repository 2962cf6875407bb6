# SPDX-License-Identifier: Apache-2.0
"""What of a module cannot be imported whatever its layers are: training mode, hooks, no quantizers, a wrong example."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from brevitas.proxy.quant_proxy import QuantProxyFromInjector
from torch import nn

from tailrace.core.errors import ModelError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping


def check_module(module: Any, name: str) -> None:  # noqa: ANN401 - anything may be given
    """Raise UsageError where ``module`` is no torch module, ModelError where it is not ready to be imported."""
    if not isinstance(module, nn.Module):
        raise UsageError(
            f"got an object of type {type(module).__qualname__}, wanted a torch.nn.Module",
            hint="tailrace.load takes ONNX files; tailrace.from_brevitas(module, example) a module in memory",
        )
    training = [n or type(module).__name__ for n, m in module.named_modules() if m.training]
    if training:
        raise ModelError(
            f"it is in training mode ({_some(training)}), in which layers compute something else",
            where=name,
            hint="call module.eval() first",
        )
    hooked = [n or type(module).__name__ for n, m in module.named_modules() if _hooks(m)]
    if hooked:
        raise ModelError(
            f"hooks are registered ({_some(hooked)}), and they may change what it computes",
            where=name,
            hint="remove them first (handle.remove()); what they do belongs into forward",
        )
    proxies = [m for m in module.modules() if isinstance(m, QuantProxyFromInjector)]
    if not any(m.is_quant_enabled for m in proxies):
        raise ModelError(
            "it has no quantizers",
            where=name,
            hint="build it of Brevitas' layers (QuantLinear, QuantConv2d, QuantReLU, QuantIdentity), or quantize its "
            "file after training",
        )


def _hooks(module: nn.Module) -> Mapping[int, Any]:
    return {**module._forward_hooks, **module._forward_pre_hooks}  # noqa: SLF001 - torch has no other way


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def example_of(example: Any, name: str) -> torch.Tensor:  # noqa: ANN401 - anything may be given
    """Return the example as a float32 tensor (n, *sample shape) with at least one sample."""
    if isinstance(example, list | tuple) and len(example) == 1:
        example = example[0]
    if isinstance(example, np.ndarray):
        example = torch.from_numpy(np.array(example))
    if not isinstance(example, torch.Tensor):
        raise UsageError(
            f"the example is of type {type(example).__qualname__}, wanted one tensor",
            where=name,
            hint="give one batch as a tensor or a NumPy array, such as torch.randn(1, 3, 32, 32)",
        )
    if example.dtype != torch.float32:
        raise UsageError(
            f"the example holds {str(example.dtype).removeprefix('torch.')}, wanted float32",
            where=name,
            hint="give example.float()",
        )
    if example.dim() < 2 or example.shape[0] < 1:
        raise UsageError(
            f"the example has the shape {list(example.shape)}, wanted (samples, ...)",
            where=name,
            hint="give at least one sample, with the batch axis first",
        )
    return example.detach().cpu()


def check_runs(module: nn.Module, example: torch.Tensor, name: str) -> None:
    """Raise ModelError where the module does not take the example, or takes it another way every time."""
    try:
        with torch.no_grad():
            first, second = module(example), module(example)
    except Exception as error:  # noqa: BLE001 - torch raises many kinds
        lines = str(error).strip().splitlines() or [type(error).__name__]
        if "has no attribute 'cat'" in lines[0]:
            raise ModelError(
                f"its QuantCat cannot run in this version of Brevitas ({lines[0]})",
                where=name,
                hint="put one shared QuantIdentity in front of torch.cat(..., dim=1) instead",
            ) from None
        raise ModelError(
            f"it cannot run on an example of shape {list(example.shape)} ({lines[0][:200]})",
            where=name,
            hint="give an example of the shape that it was trained with, batch axis first",
        ) from None
    a, b = (getattr(v, "value", v) for v in (first, second))
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor) and not torch.equal(a, b):
        raise ModelError(
            "it gives another answer every time it runs",
            where=name,
            hint="take what is random, or keeps a state, out of forward",
        )
