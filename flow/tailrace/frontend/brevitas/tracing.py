# SPDX-License-Identifier: Apache-2.0
"""Trace a torch module: which layers and functions it calls, in order, each with the values of an example.

torch.fx follows the calls; beside it, every call is carried out on the example, so that shapes are numbers while the
module's own code runs, and the scales that Brevitas hands on from layer to layer are known. What depends on the *data*
(an ``if`` on a value) has no answer and is refused with the line where it stands.
"""

from __future__ import annotations

import operator
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import fx, nn

from tailrace.core.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trace:
    """The calls of a module in order, and the value of each on the example."""

    root: nn.Module
    nodes: tuple[fx.Node, ...]
    values: Mapping[fx.Node, Any]
    frames: Mapping[fx.Node, str]
    """Where in the user's own code each call stands: ``file.py:line``; "" where that is not known."""

    def module(self, node: fx.Node) -> nn.Module | None:
        """Return the layer that a node calls, or None."""
        return self.root.get_submodule(str(node.target)) if node.op == "call_module" else None


class ValuedProxy(fx.Proxy):
    """What stands for a tensor while the module's code runs; its shape and type are those of the example."""

    @property
    def example(self) -> Any:  # noqa: ANN401 - torch is not typed here
        """The value on the example."""
        return self.tracer.values[self.node]

    @property
    def shape(self) -> Any:  # noqa: ANN401
        """The shape, as numbers."""
        return self.example.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.example.shape)

    @property
    def dtype(self) -> Any:  # noqa: ANN401
        """The element type."""
        return self.example.dtype

    @property
    def device(self) -> Any:  # noqa: ANN401
        """Where the tensor is."""
        return self.example.device

    def size(self, dim: int | None = None) -> Any:  # noqa: ANN401
        """Return the shape, or the length of one axis."""
        return self.example.shape if dim is None else self.example.shape[dim]

    def dim(self) -> int:
        """Return the number of axes."""
        return self.ndim

    def numel(self) -> int:
        """Return the number of elements."""
        return int(torch.Size(self.example.shape).numel())

    def __len__(self) -> int:
        return len(self.example)

    def __iter__(self) -> Iterator[Any]:
        return iter([self[i] for i in range(len(self))])


class Tracer(fx.Tracer):
    """Follows a module's calls down to the layers for which ``is_leaf`` holds."""

    def __init__(self, is_leaf: Callable[[nn.Module], bool], example: torch.Tensor) -> None:
        super().__init__(autowrap_functions=())
        self.leaf, self.fed = is_leaf, example
        self.values: dict[fx.Node, Any] = {}
        self.frames: dict[fx.Node, str] = {}
        self.busy = False
        """A call is being carried out: what happens inside of it is not traced."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:  # noqa: ARG002 - fx's signature
        """Say whether a layer is one call."""
        return self.leaf(m)

    def call_module(self, m: nn.Module, forward: Any, args: Any, kwargs: Any) -> Any:  # noqa: ANN401
        """Note a layer, or look into it."""
        return forward(*args, **kwargs) if self.busy else super().call_module(m, forward, args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:  # noqa: ANN401
        """Let parameters be calls too, where the module's own code reads them."""
        return attr_val if self.busy else super().getattr(attr, attr_val, parameter_proxy_cache)

    def proxy(self, node: fx.Node) -> ValuedProxy:
        """Return what stands for the value of a node."""
        return ValuedProxy(node, self)

    def create_node(self, *args: Any, **kwargs: Any) -> fx.Node:  # noqa: ANN401
        """Note a call and carry it out on the example."""
        node = super().create_node(*args, **kwargs)
        self.frames[node] = place_of(traceback.extract_stack())
        self.values[node] = self._value(node)
        return node

    def _value(self, node: fx.Node) -> Any:  # noqa: ANN401
        if node.op == "placeholder":
            return self.fed

        def ready(args: Any) -> Any:  # noqa: ANN401
            return fx.node.map_arg(args, lambda n: self.values[n])

        args, kwargs = ready(node.args), ready(node.kwargs)
        self.busy = True
        try:
            with torch.no_grad():
                match node.op:
                    case "call_module":
                        return self.root.get_submodule(str(node.target))(*args, **kwargs)
                    case "call_function":
                        return node.target(*args, **kwargs)
                    case "call_method":
                        return getattr(args[0], node.target)(*args[1:], **kwargs)
                    case "get_attr":
                        return operator.attrgetter(str(node.target))(self.root)
        finally:
            self.busy = False
        return args[0]


def place_of(frames: Any) -> str:  # noqa: ANN401 - a StackSummary
    """Return ``file.py:line`` of the innermost frame that is the user's own code."""
    libraries = (str(Path(torch.__file__).parent), str(Path(__file__).parents[2]))
    for frame in reversed(frames):
        if (
            not frame.filename.startswith((*libraries, "<"))
            and "site-packages/brevitas" not in frame.filename
        ):
            return f"{Path(frame.filename).name}:{frame.lineno}"
    return ""


def trace(module: nn.Module, example: torch.Tensor, is_leaf: Callable[[nn.Module], bool], name: str) -> Trace:
    """Return the calls of ``module`` on ``example``; ModelError where they depend on the data."""
    tracer = Tracer(is_leaf, example)
    try:
        graph = tracer.trace(module, _defaults(module, name))
    except fx.proxy.TraceError as error:
        place = place_of(traceback.extract_tb(error.__traceback__))
        line = next(
            (f.line for f in reversed(traceback.extract_tb(error.__traceback__)) if place_of([f])), ""
        )
        raise ModelError(
            f"what it does depends on the data at {place or 'a place that is not known'}"
            + (f": {line}" if line else ""),
            where=name,
            hint="take the if, while, int() or bool() on a tensor out of forward; conditions on shapes are fine",
        ) from None
    except ModelError:
        raise
    except Exception as error:
        place = place_of(traceback.extract_tb(error.__traceback__))
        text = str(error).strip().splitlines()
        raise ModelError(
            f"its forward cannot be followed{f' at {place}' if place else ''} "
            f"({type(error).__name__}: {text[0][:200] if text else ''})",
            where=name,
            hint="write it with layers and functions of torch and Brevitas, on tensors alone",
        ) from error
    return Trace(root=module, nodes=tuple(graph.nodes), values=tracer.values, frames=tracer.frames)


def _defaults(module: nn.Module, name: str) -> dict[str, Any]:
    """Return the arguments of forward behind the first, which keep their defaults; ModelError where one has none."""
    from inspect import Parameter, signature  # noqa: PLC0415 - torch has a name like it

    own = list(signature(module.forward).parameters.values())[1:]
    own = [p for p in own if p.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)]
    missing = [p.name for p in own if p.default is Parameter.empty]
    if missing:
        raise ModelError(
            f"its forward takes more than one tensor ({', '.join(missing)} beside the first)",
            where=name,
            hint="write a module around it whose forward takes one tensor",
        )
    return {p.name: p.default for p in own}
