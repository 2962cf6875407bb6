# SPDX-License-Identifier: Apache-2.0
"""What a sweep asks for: its points, each one design, named by the hash of everything that decides it."""

from __future__ import annotations

import hashlib
import json
import math
import shlex
from dataclasses import asdict, dataclass, fields
from itertools import product
from typing import TYPE_CHECKING

from tailrace import __version__
from tailrace.core.errors import ModelError, UsageError
from tailrace.design.config import Config

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

STAGES = ("estimate", "simulate", "synthesize", "place")
"""How far the designs are taken, each stage on fewer of them; only the first one is done for all."""

MOST_POINTS = 100_000
"""A sweep of more points is a slip of the pen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A file of the sweep: what the page calls it, where it is, and the SHA-256 of its bytes."""

    name: str
    path: Path
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One design: the network by the hash of its file, and the options that decide the hardware."""

    network: str
    sha256: str
    part: str
    clock_mhz: float
    fps: float | None
    engine: str
    minimize: str | None
    use: str | None
    input_type: str | None

    @property
    def key(self) -> str:
        """The hash of all that decides this point: the bytes of its network, its options, the version of tailrace."""
        told = {name: value for name, value in asdict(self).items() if name != "network"}
        text = json.dumps({**told, "tailrace": __version__}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:24]

    def config(self, **more: object) -> Config:
        """Return the options of a build of this point."""
        names = {field.name for field in fields(Config)}
        own = {name: value for name, value in asdict(self).items() if name in names}
        return Config(**{**own, **more})

    def command(self, model: str) -> str:
        """Return the command line that builds this point."""
        words = ["tailrace", "build", model, "--part", self.part, "--clock", f"{self.clock_mhz:g}"]
        default = Config()
        for name in ("fps", "engine", "minimize", "use", "input_type"):
            value = getattr(self, name)
            if value is not None and value != getattr(default, name):
                text = f"{value:.17g}" if isinstance(value, float) else str(value)
                words += [f"--{name.replace('_', '-')}", text]
        return shlex.join(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Networks, parts, clocks (MHz), rates (frames a second, None: the planner's own), engines; and how far to go.

    ``vectors`` is a file of network inputs; with ``labels`` (in it, or a file of their own) the accuracy of every
    network is measured. ``most`` designs at most are taken through each of the stages behind the estimate.
    """

    networks: tuple[Path, ...]
    parts: tuple[str, ...] = ("ecp5-85k",)
    clocks: tuple[float, ...] = (100.0,)
    rates: tuple[float | None, ...] = (None,)
    engines: tuple[str, ...] = ("auto",)
    minimize: tuple[str | None, ...] = (None,)
    use: str | None = None
    input_type: str | None = None
    to: str = "estimate"
    vectors: Path | None = None
    labels: Path | None = None
    random_vectors: int = 16
    most: int = 12

    def __post_init__(self) -> None:
        if not self.networks:
            raise UsageError("the sweep has no network", hint="tailrace explore NET.onnx ...")
        if self.to not in STAGES:
            raise UsageError(f"{self.to!r} is no stage of a sweep", hint=f"one of {', '.join(STAGES)}")
        if self.labels is not None and self.vectors is None:
            raise UsageError(
                "labels without network inputs", hint="--vectors FILE has the inputs they belong to"
            )
        axes = (self.networks, self.parts, self.clocks, self.rates, self.engines, self.minimize)
        count = math.prod(len(axis) for axis in axes)
        if count > MOST_POINTS:
            raise UsageError(
                f"{count:,} points", hint=f"at most {MOST_POINTS:,}: fewer rates, parts or networks"
            )
        for point in self.points(tuple(Network(name="", path=p, sha256="") for p in self.networks[:1])):
            point.config()  # says what is wrong with a value

    def points(self, networks: Sequence[Network]) -> list[Point]:
        """Return every point, in a fixed order, each once."""
        found: dict[str, Point] = {}
        options = product(self.parts, self.clocks, self.rates, self.engines, self.minimize)
        for network, (part, clock, rate, engine, goal) in product(networks, options):
            point = Point(
                network=network.name,
                sha256=network.sha256,
                part=part,
                clock_mhz=clock,
                fps=rate,
                engine=engine,
                minimize=goal,
                use=self.use,
                input_type=self.input_type,
            )
            found.setdefault(point.key, point)
        return list(found.values())


def networks_of(paths: Sequence[Path]) -> tuple[Network, ...]:
    """Return the networks of files; two files of one name are told apart by their folders."""
    stems = [path.stem for path in paths]
    found = []
    for path in paths:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ModelError(
                error.strerror or str(error), where=str(path), hint="give files of networks"
            ) from None
        name = path.stem if stems.count(path.stem) == 1 else f"{path.parent.name}/{path.stem}"
        found.append(Network(name=name, path=path, sha256=hashlib.sha256(content).hexdigest()))
    return tuple({network.sha256: network for network in found}.values())


def rates(text: str, steps: int) -> tuple[float, ...]:
    """Return the rates of ``1e3,2e4`` or of ``1e3..1e6`` (``steps`` of them, each by the same factor from the last)."""
    found: list[float] = []
    for word in text.split(","):
        first, dots, last = word.partition("..")
        try:
            low, high = float(first), float(last if dots else first)
        except ValueError:
            low, high = math.nan, math.nan
        if not 0 < low <= high < math.inf:
            raise UsageError(
                f"--fps {text}: {word!r} is no rate", hint="such as 1e3,1e5 or 1e3..1e6, in frames a second"
            )
        count = steps if dots and high > low else 1
        factor = (high / low) ** (1 / max(1, count - 1))
        found += [float(f"{low * factor**i:.6g}") for i in range(count)]
    return tuple(dict.fromkeys(found))
