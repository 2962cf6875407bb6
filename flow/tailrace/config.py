# SPDX-License-Identifier: Apache-2.0
"""``tailrace.toml``: every option of a build, with one table per layer. Unknown keys are errors."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from tailrace.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

ENGINES = ("auto", "folded")
BACKENDS = ("rtl", "hls", "both")
MEMORIES = ("auto", "registers", "distributed", "block")
REQUANTIZERS = ("auto", "threshold", "threshold_search", "round_shift", "multiply_shift", "table")
LAYER_KEYS = ("pe", "simd", "memory", "dsp", "requantizer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The options of a build; ``None`` means: not asked for.

    ``clock_mhz`` is the target, ``fps`` frames per second, ``stall`` the probability of a stall per cycle in
    verification, ``vectors`` a file (.npy, .npz) of network inputs to verify on, ``random_vectors`` how many random ones
    are added, ``layers`` what is fixed per layer.
    """

    part: str = "ecp5-85k"
    board: str | None = None
    clock_mhz: float = 100.0
    fps: float | None = None
    engine: str = "auto"
    backend: str = "both"
    input_type: str | None = None
    vectors: str | None = None
    random_vectors: int = 64
    seed: int = 1
    stall: float = 0.3
    jobs: int = 2
    layers: Mapping[str, Mapping[str, int | str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _one_of("engine", self.engine, ENGINES)
        _one_of("backend", self.backend, BACKENDS)
        _positive("clock_mhz", self.clock_mhz)
        if self.fps is not None:
            _positive("fps", self.fps)
        if not 0 <= self.stall < 1:
            raise UsageError(f"stall is {self.stall}", hint="use a probability from 0 to below 1, such as 0.3")
        if self.random_vectors < 1:
            raise UsageError(f"random_vectors is {self.random_vectors}", hint="check at least one vector")
        for name, table in self.layers.items():
            for key, value in table.items():
                _known(key, LAYER_KEYS, f"layers.{name}")
                choices = {"memory": MEMORIES, "requantizer": REQUANTIZERS, "dsp": ("auto", "yes", "no")}.get(key)
                if choices:
                    _one_of(f"layers.{name}.{key}", value, choices)

    @property
    def folding(self) -> dict[str, dict[str, int | str]]:
        """What is asked for of the folding: {layer: {"pe", "simd"}}."""
        found = {n: {k: v for k, v in t.items() if k in ("pe", "simd")} for n, t in self.layers.items()}
        return {name: table for name, table in found.items() if table}


def read_config(path: Path) -> dict[str, Any]:
    """Return the options in a TOML file: those of ``[build]``, and ``layers``. Raises UsageError."""
    table = _toml(path)
    for key in table:
        _known(key, ("build", "layers"), str(path))
    build = table.get("build", {})
    known = [f.name for f in fields(Config) if f.name != "layers"]
    for key, value in build.items():
        _known(key, known, f"{path}: [build]")
        if isinstance(value, str) and not value:
            raise UsageError(f"{key} is empty", where=f"{path}: [build]", hint="give a value or take the line out")
    return {**build, "layers": _layers(table.get("layers", {}), str(path))}


def read_folding(path: Path) -> dict[str, dict[str, int | str]]:
    """Return the folding in a TOML or JSON file: {layer or "*": {"pe": n, "simd": n}}. Raises UsageError."""
    table = _toml(path) if path.suffix != ".json" else _json(path)
    return _layers(table.get("layers", table), str(path))


def make_config(*sources: Mapping[str, Any]) -> Config:
    """Return the options of all sources, later ones winning (None: not given); UsageError for wrong types."""
    merged: dict[str, Any] = {"layers": {}}
    for source in sources:
        for key, value in source.items():
            if key == "layers":
                for name, table in value.items():
                    merged["layers"].setdefault(name, {}).update(table)
            elif value is not None:
                merged[key] = value
    kinds = {"clock_mhz": float, "fps": float, "stall": float, "random_vectors": int, "seed": int, "jobs": int}
    for key, value in merged.items():
        if key == "layers":
            continue
        kind = kinds.get(key, str)
        good = isinstance(value, (int, float)) if kind is float else isinstance(value, kind)
        if not good or isinstance(value, bool):
            raise UsageError(f"{key} is {value!r}", hint=f"wanted a {'number' if kind is float else kind.__name__}")
        merged[key] = kind(value)
    return Config(**merged)


def to_toml(config: Config) -> str:
    """Return the whole configuration as TOML, defaults written out; what is None stands in a comment."""
    lines = ["[build]"]
    for item in fields(config):
        value = getattr(config, item.name)
        if item.name == "layers":
            continue
        lines.append(f"# {item.name} =" if value is None else f"{item.name} = {_literal(value)}")
    for name, table in config.layers.items():
        lines += ["", f"[layers.{_key(name)}]", *(f"{key} = {_literal(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() else f'"{name}"'


def _literal(value: object) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value).lower() if isinstance(value, bool) else str(value)


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError("there is no such file", where=str(path), hint="tailrace init MODEL writes one") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"this is not TOML: {error}", where=str(path)) from None


def _json(path: Path) -> dict[str, Any]:
    import json  # noqa: PLC0415

    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError("there is no such file", where=str(path)) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"this is not JSON: {error}", where=str(path)) from None
    if not isinstance(table, dict):
        raise UsageError("the folding is no table", where=str(path), hint='write {"dense_0": {"pe": 1, "simd": 1}}')
    return table


def _layers(table: Any, where: str) -> dict[str, dict[str, int | str]]:  # noqa: ANN401
    result: dict[str, dict[str, int | str]] = {}
    if not isinstance(table, Mapping):
        raise UsageError("layers is no table", where=where, hint="write one table a layer: [layers.dense_0]")
    for name, values in table.items():
        if not isinstance(values, Mapping):
            raise UsageError(f"layer {name} is {values!r}", where=where, hint="write pe = 1, simd = 1 in its table")
        for key, value in values.items():
            _known(key, LAYER_KEYS, f"{where}: layer {name}")
            good = isinstance(value, str) if key in ("memory", "dsp", "requantizer") else isinstance(value, (int, str))
            if not good or isinstance(value, bool):
                raise UsageError(f"{key} is {value!r}", where=f"{where}: layer {name}", hint='a number, "min" or "max"')
        result[str(name)] = dict(values)
    return result


def _known(key: str, known: Any, where: str) -> None:  # noqa: ANN401
    if key not in known:
        close = difflib.get_close_matches(key, list(known), 1)
        hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known)}"
        raise UsageError(f"unknown key {key!r}", where=where, hint=hint)


def _one_of(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UsageError(f"{name} is {value!r}", hint=f"use one of {', '.join(choices)}")


def _positive(name: str, value: float) -> None:
    if not 0 < value < float("inf"):
        raise UsageError(f"{name} is {value}", hint="use a positive number")
