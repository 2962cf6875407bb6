# SPDX-License-Identifier: Apache-2.0
"""Functions of torch as nodes of ONNX: the table FUNCTIONS, {name: translation}.

A translation takes what the function takes, tensors that depend on the input as :class:`Operand`, and returns the name
of the tensor with its result. Methods of tensors have the names of the functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812 - as torch's users write it

from tailrace.core.table import Table
from tailrace.frontend.brevitas.writer import Operand, RefusedError, Writer

if TYPE_CHECKING:
    from numpy.typing import NDArray

Value = Any
"""An operand, a constant tensor or a number."""

Translation = Callable[..., "str | list[str]"]


def operand(writer: Writer, value: Value, part: str) -> str:
    """Return the name of an operand, or of a new constant."""
    return value.name if isinstance(value, Operand) else writer.constant(part, value)


def pairs(value: int | Sequence[int], rank: int) -> list[int]:
    """Return one number an axis."""
    return [int(value)] * rank if isinstance(value, int) else [int(v) for v in value]


# --- element by element -----------------------------------------------------------------------------------------


def unary(operation: str, **attributes: Any) -> Translation:  # noqa: ANN401 - whatever ONNX takes
    """Return the translation of a function of one tensor that is one operation."""

    def write(writer: Writer, x: Operand, *_: Value, **_options: Value) -> str:
        return writer.node(operation, [x.name], **attributes)

    return write


def binary(operation: str) -> Translation:
    """Return the translation of a function of two tensors, or of a tensor and a constant."""

    def write(writer: Writer, a: Value, b: Value, *, alpha: float = 1, **options: Value) -> str:
        if alpha != 1 or options.get("rounding_mode"):
            raise RefusedError(
                "it has other options than its operands", "plain operands", "write it with Mul and Add"
            )
        return writer.node(operation, [operand(writer, a, "a"), operand(writer, b, "b")])

    return write


def reverse_subtract(writer: Writer, a: Value, b: Value) -> str:
    """Translate ``b - a``."""
    return writer.node("Sub", [operand(writer, b, "b"), operand(writer, a, "a")])


def clamp(writer: Writer, x: Operand, min: Value = None, max: Value = None) -> str:  # noqa: A002 - torch's own names
    """Translate a clamp between numbers."""
    ends = ["" if end is None else writer.constant(name, end) for name, end in (("low", min), ("high", max))]
    return writer.node("Clip", [x.name, *ends])


def hardtanh(
    writer: Writer,
    x: Operand,
    min_val: float = -1.0,
    max_val: float = 1.0,
    inplace: bool = False,  # noqa: FBT001, FBT002, ARG001 - torch's signature
) -> str:
    """Translate a clamp."""
    return clamp(writer, x, min_val, max_val)


def relu6(writer: Writer, x: Operand, *_: Value, **_options: Value) -> str:
    """Translate a clamp between 0 and 6."""
    return clamp(writer, x, 0.0, 6.0)


def leaky_relu(writer: Writer, x: Operand, negative_slope: float = 0.01, *_: Value, **_options: Value) -> str:
    """Translate a LeakyReLU."""
    return writer.node("LeakyRelu", [x.name], alpha=float(negative_slope))


def elu(writer: Writer, x: Operand, alpha: float = 1.0, *_: Value, **_options: Value) -> str:
    """Translate an ELU."""
    return writer.node("Elu", [x.name], alpha=float(alpha))


def prelu(writer: Writer, x: Operand, weight: torch.Tensor) -> str:
    """Translate a PReLU of one slope, or of one a channel."""
    slope = weight if weight.numel() == 1 else weight.reshape(-1, *[1] * (len(x.shape) - 2))
    return writer.node("PRelu", [x.name, writer.constant("slope", slope)])


def gelu(writer: Writer, x: Operand, approximate: str = "none") -> str:
    """Translate a GELU, exact or by tanh."""
    return writer.node("Gelu", [x.name], approximate=approximate)


def silu(writer: Writer, x: Operand, *_: Value, **_options: Value) -> str:
    """Translate x * sigmoid(x)."""
    gate = writer.node("Sigmoid", [x.name], part="sigmoid", run=torch.sigmoid)
    return writer.node("Mul", [x.name, gate], run=lambda t, _gate: F.silu(t))


def softplus(writer: Writer, x: Operand, beta: float = 1.0, threshold: float = 20.0) -> str:
    """Translate a Softplus as torch has it by default."""
    if (beta, threshold) != (1, 20):
        raise RefusedError(
            f"its beta is {beta:g}, its threshold {threshold:g}", "1 and 20", "keep the defaults"
        )
    return writer.node("Softplus", [x.name])


def nothing(_writer: Writer, x: Operand, *_: Value, **_options: Value) -> str:
    """Translate what leaves its input as it is in evaluation mode."""
    return x.name


# --- movements --------------------------------------------------------------------------------------------------


def reshaped(writer: Writer, x: Operand, shape: Sequence[int], part: str = "") -> str:
    """Add a Reshape to ``shape``, batch axis included."""
    shape = [int(n) for n in shape]
    target = writer.constant(f"{part}.shape" if part else "shape", np.array(shape, np.int64))

    def run(t: torch.Tensor) -> torch.Tensor:
        batched = x.shape[:1] == (1,) and shape[:1] == [1]
        return t.reshape(len(t), *shape[1:]) if batched else t.reshape(shape)

    return writer.node("Reshape", [x.name, target], part=part, run=run)


def to_result(writer: Writer, x: Operand, *_: Value, **_options: Value) -> str:
    """Translate anything that only gives the same numbers another shape: the example says which."""
    if writer.again is None:
        raise ValueError("there is no call to take the shape from")
    return reshaped(writer, x, writer.again(x.tensor).shape)


def transpose(writer: Writer, x: Operand, dim0: int, dim1: int) -> str:
    """Translate an exchange of two axes."""
    order = list(range(len(x.shape)))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return writer.node("Transpose", [x.name], perm=order)


def permute(writer: Writer, x: Operand, *dims: Value) -> str:
    """Translate another order of the axes."""
    order = dims[0] if len(dims) == 1 and not isinstance(dims[0], int) else dims
    return writer.node("Transpose", [x.name], perm=[int(d) % len(x.shape) for d in order])


def concatenate(writer: Writer, tensors: Sequence[Value], dim: int = 0, **options: Value) -> str:
    """Translate a concatenation."""
    names = [operand(writer, t, f"part{i}") for i, t in enumerate(tensors)]
    return writer.node("Concat", names, axis=int(options.get("axis", dim)))


def slice_of(writer: Writer, x: Operand, axes: dict[int, tuple[int, int]], part: str = "") -> str:
    """Add a Slice, {axis: (start, end)}."""
    ends = [np.array(v, np.int64) for v in ([a for a, _ in axes.values()], [b for _, b in axes.values()])]
    prefix = f"{part}." if part else ""
    names = [writer.constant(f"{prefix}{n}", v) for n, v in zip(("starts", "ends"), ends, strict=True)]
    names.append(writer.constant(f"{prefix}axes", np.array(list(axes), np.int64)))

    def run(t: torch.Tensor) -> torch.Tensor:
        for axis, (start, end) in axes.items():
            t = t.narrow(axis, start, end - start)
        return t

    return writer.node("Slice", [x.name, *names], part=part, run=run)


def split(writer: Writer, x: Operand, *args: Value, **kwargs: Value) -> list[str]:
    """Translate split and chunk: the example says where."""
    if writer.again is None:
        raise ValueError("there is no call to take the parts from")
    given: Any = kwargs.get("dim", args[1] if len(args) > 1 else 0)
    dim = int(given) % len(x.shape)
    names, start = [], 0
    for index, part in enumerate(writer.again(x.tensor)):
        end = start + part.shape[dim]
        names.append(slice_of(writer, x, {dim: (start, end)}, f"part{index}"))
        start = end
    return names


def item(writer: Writer, x: Value, index: Value) -> str | list[str]:
    """Translate ``x[index]``: one of several results, or slices and single places of a tensor."""
    if isinstance(x, list | tuple):
        found = x[index]
        return [v.name for v in found] if isinstance(found, list | tuple) else str(found.name)
    if writer.again is None:
        raise ValueError("there is no call to take the shape from")
    given = list(index) if isinstance(index, tuple) else [index]
    places = [place for place in given if place is not None]
    if Ellipsis in places:
        at = places.index(Ellipsis)
        places[at : at + 1] = [slice(None)] * (len(x.shape) - len(places) + 1)
    axes: dict[int, tuple[int, int]] = {}
    for axis, place in enumerate(places):
        length = x.shape[axis]
        if isinstance(place, int):
            axes[axis] = (place % length, place % length + 1)
        elif isinstance(place, slice) and place.step in (None, 1):
            start, end, _ = place.indices(length)
            if (start, end) != (0, length):
                axes[axis] = (start, end)
        else:
            raise RefusedError(
                f"its index is {index}", "numbers and slices of step 1", "slice with steps of 1, or reshape"
            )
    whole = len(places) == len(given) and not any(isinstance(place, int) for place in places)
    if whole:
        return slice_of(writer, x, axes) if axes else x.name
    name = slice_of(writer, x, axes, "slice") if axes else x.name
    moved = x.tensor
    for axis, (start, end) in axes.items():
        moved = moved.narrow(axis, start, end - start)
    return reshaped(writer, Operand(name=name, value=moved), writer.again(x.tensor).shape)


def attribute(_writer: Writer, x: Value, name: str) -> str:
    """Translate ``x.value`` of a QuantTensor."""
    if name in ("value", "tensor", "data"):
        return str(x.name)
    raise RefusedError(f"it reads .{name} of a tensor", "the tensor itself", "leave it to the layers")


def pad(writer: Writer, x: Operand, pad: Sequence[int], mode: str = "constant", value: Value = None) -> str:
    """Translate padding, from the last axis to the first."""
    rank = len(x.shape)
    sides = [list(pad[i : i + 2]) for i in range(0, len(pad), 2)]
    before, after = [0] * rank, [0] * rank
    for index, (low, high) in enumerate(sides):
        before[rank - 1 - index], after[rank - 1 - index] = int(low), int(high)
    modes = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
    names = [writer.constant("pads", np.array(before + after, np.int64))]
    if mode == "constant":
        names.append(writer.constant("value", np.array(value or 0.0, np.float32)))
    return writer.node("Pad", [x.name, *names], mode=modes[mode])


def interpolate(
    writer: Writer,
    x: Operand,
    size: Value = None,
    scale_factor: Value = None,
    mode: str = "nearest",
    *_: Value,
    **_options: Value,
) -> str:
    """Translate upsampling by nearest neighbours, by whole factors."""
    if mode != "nearest":
        raise RefusedError(f"its mode is {mode}", "mode='nearest'", "use nearest neighbours")
    rank = len(x.shape) - 2
    if size is not None:
        factors = [new / old for new, old in zip(pairs(size, rank), x.shape[2:], strict=True)]
    else:
        factors = (
            [float(scale_factor)] * rank if isinstance(scale_factor, int | float) else list(scale_factor)
        )
    scales = writer.constant("scales", np.array([1, 1, *factors], np.float32))
    return writer.node(
        "Resize",
        [x.name, "", scales],
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )


def pixel_shuffle(writer: Writer, x: Operand, upscale_factor: int) -> str:
    """Translate channels to pixels."""
    return writer.node("DepthToSpace", [x.name], blocksize=int(upscale_factor), mode="CRD")


def pixel_unshuffle(writer: Writer, x: Operand, downscale_factor: int) -> str:
    """Translate pixels to channels."""
    n, c, h, w = x.shape
    f = int(downscale_factor)
    split = reshaped(writer, x, (n, c, h // f, f, w // f, f), "split")
    turned = writer.node(
        "Transpose",
        [split],
        part="turned",
        perm=[0, 1, 3, 5, 2, 4],
        run=lambda t: t.permute(0, 1, 3, 5, 2, 4),
    )
    last = Operand(name=turned, value=torch.zeros(n, c, f, f, h // f, w // f))
    return reshaped(writer, last, (n, c * f * f, h // f, w // f))


# --- pooling and reductions -------------------------------------------------------------------------------------


def max_pool(rank: int) -> Translation:
    """Return the translation of a maximum over windows of ``rank`` axes."""

    def write(  # noqa: PLR0917 - torch's signature
        writer: Writer,
        x: Operand,
        kernel_size: Value,
        stride: Value = None,
        padding: Value = 0,
        dilation: Value = 1,
        ceil_mode: bool = False,  # noqa: FBT001, FBT002 - torch's signature
        return_indices: bool = False,  # noqa: FBT001, FBT002
    ) -> str:
        if return_indices:
            raise RefusedError("it returns indices", "the values alone", "return_indices=False")
        return writer.node(
            "MaxPool",
            [x.name],
            kernel_shape=pairs(kernel_size, rank),
            strides=pairs(stride or kernel_size, rank),
            pads=pairs(padding, rank) * 2,
            dilations=pairs(dilation, rank),
            ceil_mode=int(ceil_mode),
        )

    return write


def avg_pool(rank: int) -> Translation:
    """Return the translation of an average over windows of ``rank`` axes."""

    def write(  # noqa: PLR0917 - torch's signature
        writer: Writer,
        x: Operand,
        kernel_size: Value,
        stride: Value = None,
        padding: Value = 0,
        ceil_mode: bool = False,  # noqa: FBT001, FBT002 - torch's signature
        count_include_pad: bool = True,  # noqa: FBT001, FBT002
        divisor_override: Value = None,
    ) -> str:
        kernel = pairs(kernel_size, rank)
        if divisor_override not in (None, int(np.prod(kernel))):
            raise RefusedError(
                f"its divisor is {divisor_override}",
                "an average over the window",
                "leave divisor_override out",
            )
        return writer.node(
            "AveragePool",
            [x.name],
            kernel_shape=kernel,
            strides=pairs(stride or kernel_size, rank),
            pads=pairs(padding, rank) * 2,
            ceil_mode=int(ceil_mode),
            count_include_pad=int(count_include_pad),
        )

    return write


def adaptive_pool(rank: int, operation: str) -> Translation:
    """Return the translation of a pool to a given size, where its windows are all alike."""

    def write(writer: Writer, x: Operand, output_size: Value, *_: Value) -> str:
        wanted = [output_size] * rank if output_size is None or isinstance(output_size, int) else output_size
        sizes = [int(old if new is None else new) for new, old in zip(wanted, x.shape[2:], strict=True)]
        if all(n == 1 for n in sizes):
            return writer.node(f"Global{operation}", [x.name])
        kernel = [old // new for new, old in zip(sizes, x.shape[2:], strict=True)]
        if any(old % new for new, old in zip(sizes, x.shape[2:], strict=True)):
            raise RefusedError(
                f"it makes {sizes} of {list(x.shape[2:])}, with windows of different sizes",
                "sizes that divide those of the input",
                "choose such a size, or an average over fixed windows",
            )
        return writer.node(operation, [x.name], kernel_shape=kernel, strides=kernel, pads=[0] * 2 * rank)

    return write


def reduction(operation: str) -> Translation:
    """Return the translation of a reduction over axes."""

    def write(
        writer: Writer,
        x: Operand,
        dim: Value = None,
        keepdim: bool = False,  # noqa: FBT001, FBT002 - torch's signature
        **options: Value,
    ) -> str:
        axes = options.get("axis", dim)
        every = list(range(len(x.shape))) if axes is None else pairs(axes, 1)
        names = [writer.constant("axes", np.array(every, np.int64))]
        return writer.node(operation, [x.name, *names], keepdims=int(keepdim))

    return write


def arg_max(writer: Writer, x: Operand, dim: Value = None, keepdim: bool = False) -> str:  # noqa: FBT001, FBT002
    """Translate the index of the largest value."""
    if dim is None:
        raise RefusedError("it counts over all axes", "one axis", "argmax(x, dim=1)")
    return writer.node("ArgMax", [x.name], axis=int(dim), keepdims=int(keepdim))


def softmax(operation: str) -> Translation:
    """Return the translation of a softmax over one axis."""

    def write(writer: Writer, x: Operand, dim: Value = None, *_: Value, **_options: Value) -> str:
        return writer.node(operation, [x.name], axis=int(-1 if dim is None else dim))

    return write


def batch_norm(writer: Writer, x: Operand, module: torch.nn.Module) -> str:
    """Translate a batch-norm in evaluation mode: one product and one sum, as torch rounds them.

    torch multiplies and adds with one rounding where the processor can. In doubles the product is exact, so that the
    sum, rounded to float32, is the same number.
    """
    scale, shift = folded(module, x.shape)
    shape = [-1, *[1] * (len(x.shape) - 2)]
    trial = torch.randn(x.shape) * (1 + x.tensor.abs().max())
    with torch.no_grad():
        wanted = module(trial)
        once = (trial.double() * scale.reshape(shape).double() + shift.reshape(shape).double()).float()
        fused = bool((wanted == once).all()) or not bool(
            (wanted == trial * scale.reshape(shape) + shift.reshape(shape)).all()
        )
    kind: NDArray[Any] = scale.reshape(shape).numpy().astype(np.float64 if fused else np.float32)
    offset = shift.reshape(shape).numpy().astype(kind.dtype)
    a, b = torch.from_numpy(kind), torch.from_numpy(offset)
    name = x.name
    if fused:
        name = writer.node("Cast", [name], part="double", to=11, run=lambda t: t.double())
    name = writer.node("Mul", [name, writer.constant("scale", kind)], part="scaled", run=lambda t: t * a)
    part = "sum" if fused else ""
    name = writer.node("Add", [name, writer.constant("shift", offset)], part=part, run=lambda t: t + b)
    return writer.node("Cast", [name], to=1, run=lambda t: t.float()) if fused else name


def folded(module: torch.nn.Module, shape: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the factor and the shift of a batch-norm, as torch computes both from its four parameters."""
    from copy import deepcopy  # noqa: PLC0415

    bare = deepcopy(module)
    channels = [slice(None), *[0] * (len(shape) - 2)]
    with torch.no_grad():
        shift = module(torch.zeros(1, *shape[1:]))[0]
        bare.running_mean.zero_()
        if bare.bias is not None:
            bare.bias.zero_()
        scale = bare(torch.ones(1, *shape[1:]))[0]
    return scale[tuple(channels)].clone(), shift[tuple(channels)].clone()


FUNCTIONS: Table[str, Translation] = Table(
    "FUNCTIONS",
    __name__,
    {
        **{n: unary(o) for n, o in {
            "relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "hardswish": "HardSwish", "mish": "Mish",
            "softsign": "Softsign", "neg": "Neg", "abs": "Abs", "exp": "Exp", "log": "Log", "sqrt": "Sqrt",
            "erf": "Erf", "sign": "Sign", "floor": "Floor", "ceil": "Ceil", "reciprocal": "Reciprocal",
        }.items()},
        "hardsigmoid": unary("HardSigmoid", alpha=1 / 6, beta=0.5),
        "logsigmoid": lambda w, x: w.node("Log", [w.node("Sigmoid", [x.name], part="sigmoid", run=torch.sigmoid)]),
        "selu": unary("Selu"),
        **{n: binary(o) for n, o in {
            "add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "truediv": "Div", "multiply": "Mul",
            "subtract": "Sub", "divide": "Div", "maximum": "Max", "minimum": "Min",
        }.items()},
        "rsub": reverse_subtract,
        "clamp": clamp, "clip": clamp, "hardtanh": hardtanh, "relu6": relu6, "leaky_relu": leaky_relu, "elu": elu,
        "prelu": prelu, "gelu": gelu, "silu": silu, "softplus": softplus,
        **dict.fromkeys(("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout",
                         "contiguous", "clone", "detach", "float", "identity", "to", "cpu", "pos"), nothing),
        **dict.fromkeys(("flatten", "view", "reshape", "squeeze", "unsqueeze", "unflatten", "view_as", "reshape_as",
                         "ravel"), to_result),
        "transpose": transpose, "swapaxes": transpose, "permute": permute,
        "cat": concatenate, "concat": concatenate, "concatenate": concatenate,
        "chunk": split, "split": split, "getitem": item, "getattr": attribute,
        "pad": pad, "interpolate": interpolate, "upsample": interpolate, "upsample_nearest": interpolate,
        "pixel_shuffle": pixel_shuffle, "pixel_unshuffle": pixel_unshuffle,
        "max_pool1d": max_pool(1), "max_pool2d": max_pool(2),
        "avg_pool1d": avg_pool(1), "avg_pool2d": avg_pool(2),
        "adaptive_avg_pool1d": adaptive_pool(1, "AveragePool"), "adaptive_avg_pool2d": adaptive_pool(2, "AveragePool"),
        "adaptive_max_pool1d": adaptive_pool(1, "MaxPool"), "adaptive_max_pool2d": adaptive_pool(2, "MaxPool"),
        "mean": reduction("ReduceMean"), "sum": reduction("ReduceSum"), "amax": reduction("ReduceMax"),
        "argmax": arg_max, "softmax": softmax("Softmax"), "log_softmax": softmax("LogSoftmax"),
        "matmul": binary("MatMul"),
    },
)  # fmt: skip
"""{the name of a function or method: its translation}."""
