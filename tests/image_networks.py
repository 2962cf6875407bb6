# SPDX-License-Identifier: Apache-2.0
"""Random quantized convolutional networks as ONNX models: branches, strides, odd shapes, 1 to 8 bits, zero points.

``random_image_network(seed)`` draws one; ``networks.check`` compares it with the software.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from networks import Builder, Generated
from onnx import TensorProto

BLOCKS = ("conv", "conv", "conv", "conv", "MaxPool", "AveragePool", "residual", "concat", "split", "resize", "shuffle",
          "transposed", "pad", "slice", "global")  # fmt: skip


@dataclass(kw_only=True)
class Image:
    """A tensor of the network: its name, its shape without the batch axis, and whether it is behind a quantizer."""

    name: str
    shape: tuple[int, ...]

    @property
    def channels(self) -> int:
        return self.shape[0]

    @property
    def places(self) -> tuple[int, ...]:
        return self.shape[1:]


class Walk(Builder):
    """Adds layers at random; every method takes and returns an :class:`Image`."""

    def pick(self, *values):
        return values[int(self.rng.integers(len(values)))]

    def maybe(self, chance: float) -> bool:
        return bool(self.rng.random() < chance)

    def spread(self, values) -> np.ndarray:
        """Values for the channels, to broadcast against an image."""
        return np.asarray(values).reshape(1, -1, *([1] * self.rank))

    @property
    def rank(self) -> int:
        return self.axes

    # Layers

    def quantizer(self, image: Image, *, size: float = 1.0) -> Image:
        kind = self.pick(
            "Quant", "Quant", "Quant", "BipolarQuant", "MultiThreshold" if self.rank == 2 else "Quant"
        )
        self.log.append(kind)
        if kind == "BipolarQuant":
            name = self.node("BipolarQuant", image.name, self.constant(np.float32(self.pick(1.0, 0.5, 0.3))))
        elif kind == "MultiThreshold":
            levels = int(self.pick(1, 3, 7))
            rows = self.pick(1, image.channels)
            thresholds = np.sort(self.rng.normal(0, size, (rows, levels)).astype(np.float32), axis=1)
            name = self.node(
                "MultiThreshold",
                image.name,
                self.constant(thresholds),
                out_dtype=f"UINT{levels.bit_length()}",
                out_scale=float(self.pick(1.0, 2.0)),
                out_bias=float(self.pick(0.0, -1.0)),
            )
        else:
            bits, signed = int(self.rng.integers(1, 6)), int(self.maybe(0.5))
            scale = size * np.float32(self.pick(0.125, 0.25, 0.3, 0.1))
            if self.maybe(0.2):
                scale = self.spread(scale * 2.0 ** self.rng.integers(-1, 2, image.channels))
            zero = float(self.rng.integers(0, 3)) if self.maybe(0.2) and not (bits == 1 and signed) else 0.0
            narrow = int(self.maybe(0.3) and bits > 1)
            name = self.quant(image.name, scale=np.float32(scale), zero=zero, bits=bits, signed=signed, narrow=narrow,
                              rounding=str(self.pick("ROUND", "ROUND", "FLOOR", "HALF_UP", "CEIL")))  # fmt: skip
        return Image(name=name, shape=image.shape)

    def tail(self, image: Image) -> Image:
        """What stands between an accumulator and its quantizer."""
        name, channels = image.name, image.channels
        for _ in range(int(self.rng.integers(0, 3))):
            what = self.pick("BatchNormalization", "Relu", "Mul", "Add", "Tanh")
            self.log.append(what)
            if what == "BatchNormalization":
                gain = self.rng.normal(0.5, 1, channels)
                bias, mean = self.rng.normal(0, 1, channels), self.rng.normal(0, 1, channels)
                values = (gain, bias, mean, self.rng.uniform(0.5, 2, channels))
                name = self.node(what, name, *(self.constant(np.float32(v)) for v in values), epsilon=1e-5)
            elif what in ("Mul", "Add"):
                value = self.rng.normal(0, 1, channels) if self.maybe(0.5) else self.rng.normal(0, 1, 1)
                name = self.node(what, name, self.constant(np.float32(self.spread(value))))
            else:
                name = self.node(what, name)
        return Image(name=name, shape=image.shape)

    def weights(self, shape: tuple[int, ...], rows: int) -> str:
        bits = int(self.pick(1, 2, 3, 4, 8))
        if bits == 1:
            scale = np.float32(self.pick(1.0, 0.2))
            return self.node(
                "BipolarQuant", self.constant(self.rng.normal(0, 1, shape)), self.constant(scale)
            )
        scale: object = np.float32(2.0 ** -(bits - 1))
        if self.maybe(0.4):
            axis = 0 if shape[0] == rows else 1
            scale = np.float32(
                self.rng.uniform(0.05, 0.3, rows).reshape(
                    [rows if a == axis else 1 for a in range(len(shape))]
                )
            )
        values = self.constant(self.rng.normal(0, 0.6, shape))
        return self.quant(values, scale=scale, bits=bits, narrow=int(self.maybe(0.5)))

    def kernel(self, image: Image) -> dict[str, list[int]]:
        """Attributes of a kernel that fits the image."""
        size, stride, dilation, before, after = [], [], [], [], []
        for length in image.places:
            taps = int(self.rng.integers(1, min(3, length) + 1))
            step = int(self.pick(1, 1, 1, 2)) if (taps - 1) * 2 < length else 1
            pads = [int(self.rng.integers(0, taps)) if self.maybe(0.5) else 0 for _ in range(2)]
            size.append(taps)
            dilation.append(step)
            stride.append(int(self.pick(1, 1, 2, 3)))
            before.append(pads[0])
            after.append(pads[1])
        return {
            "kernel_shape": size,
            "strides": stride,
            "dilations": dilation,
            "pads": [*before, *after],
        }

    def out_places(self, image: Image, k: dict[str, list[int]]) -> tuple[int, ...]:
        rank = self.rank
        return tuple(
            (n + k["pads"][a] + k["pads"][a + rank] - (k["kernel_shape"][a] - 1) * k["dilations"][a] - 1)
            // k["strides"][a]
            + 1
            for a, n in enumerate(image.places)
        )

    def conv(self, image: Image) -> Image:
        attributes = self.kernel(image)
        divisors = [g for g in range(1, image.channels + 1) if image.channels % g == 0]
        group = int(self.pick(1, 1, self.pick(*divisors), image.channels))
        rows = group * int(self.rng.integers(1, 4 if group == 1 else 3))
        self.log.append(f"Conv {attributes} group {group} rows {rows}")
        shape = (rows, image.channels // group, *attributes["kernel_shape"])
        inputs = [image.name, self.weights(shape, rows)]
        if self.maybe(0.4):
            inputs.append(self.constant(self.rng.normal(0, 1, rows)))
        name = self.node("Conv", *inputs, group=group, **attributes)
        return Image(name=name, shape=(rows, *self.out_places(image, attributes)))

    def conv_transpose(self, image: Image) -> Image:
        rank = self.rank
        group = int(self.pick(1, 1, image.channels))
        rows = int(self.rng.integers(1, 3))
        stride = [int(self.rng.integers(1, 4)) for _ in range(rank)]
        size = [int(self.rng.integers(1, 4)) for _ in range(rank)]
        extra = [int(self.rng.integers(0, s)) for s in stride]
        pads = [int(self.rng.integers(0, n)) for n in size]
        places = [
            (n - 1) * s + k + e - 2 * p
            for n, s, k, e, p in zip(image.places, stride, size, extra, pads, strict=True)
        ]
        if min(places) < 1 or max(places) > 12:
            return image
        self.log.append(f"ConvTranspose {size} {stride} {pads} {extra} group {group}")
        shape = (image.channels, rows, *size)
        inputs = [image.name, self.weights(shape, rows)]
        if self.maybe(0.4):
            inputs.append(self.constant(self.rng.normal(0, 1, rows * group)))
        name = self.node("ConvTranspose", *inputs, kernel_shape=size, strides=stride, pads=[*pads, *pads],
                         output_padding=extra, group=group)  # fmt: skip
        return Image(name=name, shape=(rows * group, *places))

    def pool(self, image: Image, operation: str) -> Image:
        attributes = self.kernel(image)
        if operation == "AveragePool" or self.opset < 10:
            attributes["dilations"] = [1] * self.rank
        places = self.out_places(image, attributes)
        if min(places) < 1:
            return image
        self.log.append(f"{operation} {attributes}")
        extra = {}
        if operation == "AveragePool" or self.opset < 10:
            attributes.pop("dilations")
        if operation == "AveragePool":
            extra["count_include_pad"] = int(self.maybe(0.5))
        name = self.node(operation, image.name, **attributes, **extra)
        return Image(name=name, shape=(image.channels, *places))

    def block(self, image: Image) -> Image:
        """One layer with its quantizer, or a change of shape."""
        what = self.pick(*BLOCKS)
        if what in ("conv", "residual", "concat") or min(image.places) == 0:
            return self.layer(image, what)
        if what == "MaxPool":
            return self.pool(image, what)
        if what == "AveragePool":
            return self.quantizer(self.pool(image, what))
        if what == "transposed":
            return self.quantizer(self.tail(self.conv_transpose(image)))
        if what == "global" and self.maybe(0.5):
            name = self.node(str(self.pick("GlobalAveragePool", "GlobalMaxPool")), image.name)
            self.log.append("global")
            return self.quantizer(Image(name=name, shape=(image.channels, *([1] * self.rank))))
        return self.moved(image, what)

    def layer(self, image: Image, what: str) -> Image:
        if what == "conv":
            out = self.conv(image)
            if self.maybe(0.25) and min(out.places) >= 1:
                out = self.pool(out, "MaxPool")
                self.log.append("(in front of the quantizer)")
            return self.quantizer(self.tail(out))
        self.log.append(what)
        if what == "residual":
            rows = image.channels
            shape = (rows, rows, *([1] * self.rank))
            branch = self.node("Conv", image.name, self.weights(shape, rows), kernel_shape=[1] * self.rank)
            other = self.quantizer(self.tail(Image(name=branch, shape=image.shape)))
            name = self.node(str(self.pick("Add", "Add", "Sub")), other.name, image.name)
            return self.quantizer(Image(name=name, shape=image.shape), size=2.0)
        rows = int(self.rng.integers(1, 4))
        shape = (rows, image.channels, *([1] * self.rank))
        branch = self.node("Conv", image.name, self.weights(shape, rows), kernel_shape=[1] * self.rank)
        other = self.quantizer(Image(name=branch, shape=(rows, *image.places)))
        name = self.node("Concat", image.name, other.name, axis=self.pick(1, -self.rank - 1))
        joined = Image(name=name, shape=(image.channels + rows, *image.places))
        return self.quantizer(joined) if self.maybe(0.5) else joined

    def moved(self, image: Image, what: str) -> Image:
        places, channels = image.places, image.channels
        self.log.append(what)
        if what == "split" and channels > 1 and self.opset < 13:
            first = int(self.rng.integers(1, channels))
            names = [self.node("Split", image.name, outputs=2, axis=1, split=[first, channels - first])]
            names.append(self.nodes[-1].output[1])
            parts = [
                Image(name=n, shape=(c, *places))
                for n, c in zip(names, (first, channels - first), strict=True)
            ]
            if self.maybe(0.3):
                return parts[int(self.rng.integers(2))]
            name = self.node("Concat", names[1], names[0], axis=1)
            return Image(name=name, shape=image.shape)
        if what == "slice":
            axis = int(self.rng.integers(1, self.rank + 2))
            length = image.shape[axis - 1]
            start = int(self.rng.integers(0, length))
            stop = int(self.rng.integers(start + 1, length + 1))
            if self.opset >= 10:
                ends = [self.constant([v], np.int64) for v in (start, stop, axis)]
                name = self.node("Slice", image.name, *ends)
            else:
                name = self.node("Slice", image.name, starts=[start], ends=[stop], axes=[axis])
            shape = list(image.shape)
            shape[axis - 1] = stop - start
            return Image(name=name, shape=tuple(shape))
        if what == "resize" and self.opset >= 13 and max(places) <= 5:
            factors = [int(self.rng.integers(1, 3)) for _ in places]
            scales = self.constant([1, 1, *factors])
            name = self.node("Resize", image.name, "", scales, mode="nearest", nearest_mode="floor",
                             coordinate_transformation_mode="asymmetric")  # fmt: skip
            return Image(name=name, shape=(channels, *(n * f for n, f in zip(places, factors, strict=True))))
        if what == "shuffle" and self.rank == 2:
            if channels % 4 == 0 and max(places) <= 5:
                mode = {"mode": str(self.pick("DCR", "CRD"))} if self.opset >= 11 else {}
                name = self.node("DepthToSpace", image.name, blocksize=2, **mode)
                return Image(name=name, shape=(channels // 4, *(2 * n for n in places)))
            if all(n % 2 == 0 for n in places):
                name = self.node("SpaceToDepth", image.name, blocksize=2)
                return Image(name=name, shape=(channels * 4, *(n // 2 for n in places)))
        if what == "pad" and self.opset >= 11:
            pads = [0, 0, *self.rng.integers(0, 3, self.rank), 0, 0, *self.rng.integers(0, 3, self.rank)]
            name = self.node("Pad", image.name, self.constant(pads, np.int64), self.constant(np.float32(0)))
            grown = tuple(n + int(pads[2 + a] + pads[4 + self.rank + a]) for a, n in enumerate(places))
            return Image(name=name, shape=(channels, *grown))
        return image


def random_image_network(seed: int, *, layers: int = 5) -> Generated:
    """Draw a network of up to ``layers`` layers on images of at most 8 x 8, or signals of at most 8."""
    rng = np.random.default_rng(seed)
    walk = Walk(opset=int(rng.choice([9, 11, 13])), seed=seed)
    walk.axes = int(rng.choice([1, 2, 2, 2]))
    shape = (int(rng.integers(1, 5)), *(int(v) for v in rng.integers(3, 9, walk.axes)))
    name = walk.input([1, *shape])
    input_type = None
    image = Image(name=name, shape=shape)
    if rng.random() < 0.7:
        image = walk.quantizer(image)
    else:
        input_type = str(rng.choice(["fixed<5,3>", "ufixed<4,2>"]))
    for _ in range(int(rng.integers(1, layers + 1))):
        if image.channels * int(np.prod(image.places)) > 600:
            break
        image = walk.block(image)
    x = image.name
    if rng.random() < 0.5:
        size = int(np.prod(image.shape))
        flat = walk.node("Flatten", x, axis=1)
        rows = int(rng.integers(1, 5))
        x = walk.node("MatMul", flat, walk.weights((size, rows), rows))
    elif rng.random() < 0.5:
        x = walk.conv(image).name
    else:
        x = walk.quantizer(image).name

    def sampler(n: int) -> np.ndarray:
        return np.random.default_rng(seed + 1).normal(0, 1.5, (n, *shape)).astype(np.float32)

    return Generated(walk.model(x, kind=TensorProto.FLOAT), input_type, sampler(6), walk.log)
