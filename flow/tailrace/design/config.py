# SPDX-License-Identifier: Apache-2.0
"""``tailrace.toml``: every option of a build, with one table per layer. Unknown keys are errors."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from tailrace.core.errors import UsageError
from tailrace.core.limits import Limits
from tailrace.core.states import parse_states
from tailrace.core.types import FixedType
from tailrace.planning.objective import MINIMIZED, objective
from tailrace.targets.boards import board as find_board
from tailrace.targets.parts import VENDOR_TOOLS
from tailrace.targets.parts import part as find_part

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.graph.passes.base import Pass

ENGINES = ("auto", "folded", "spatial")
FIFOS = ("throughput", "deadlock-free")
BACKENDS = ("rtl", "hls", "both")
MEMORIES = ("auto", "registers", "distributed", "block")
REQUANTIZERS = ("auto", "threshold", "threshold_search", "round_shift", "multiply_shift", "table")
LAYER_CHOICES: Mapping[str, tuple[str, ...]] = {
    "memory": MEMORIES,
    "dsp": ("auto", "yes", "no"),
    "requantizer": REQUANTIZERS,
    "engine": ENGINES,
}
LAYER_KEYS = ("pe", "simd", *LAYER_CHOICES)
"""The keys of a layer's table, beside those of the changing passes."""
FOLDING_WORDS = ("auto", "min", "max")
ONLY = ("scripts", "reports")
"""What a vendor flow may be asked for alone: to write the scripts, or to read what a run by hand left."""

TOOL_KEYS = ("prefix", *VENDOR_TOOLS)

EXPLAINED: Mapping[str, str] = {
    "part": "FPGA, `tailrace parts` lists them; or standard cells, liberty:FILE",
    "board": "a board instead: it sets the part, and the clock where none is given; `tailrace boards` lists them",
    "clock_mhz": "clock target in MHz",
    "fps": "frames per second that the folding must reach; without it: 1024 cycles, or what fits the part",
    "latency_cycles": "the most cycles from the first word of a frame in to its last word out",
    "latency_us": "the same in microseconds; the shorter of both counts",
    "minimize": f"what the optimizer makes small: {', '.join(MINIMIZED)}; without it and use: foldings for the rate",
    "use": "the most of the part that the optimizer may take, such as lut=60%,bram18=40% (70% of LUTs and flip-flops)",
    "engine": f"how matrix products are built: {', '.join(ENGINES)} (adders side by side)",
    "fifos": "how deep FIFOs are: throughput (full speed), or deadlock-free (as small as can be)",
    "backend": f"what to emit: {', '.join(BACKENDS)}",
    "input_type": "type of an input without a quantizer, such as fixed<16,6>: 16 bits, 6 of them before the point",
    "states": "inputs that are what an output was a frame before, such as h=h_next,c=c_next",
    "sequence": "steps of every sequence; without it sequences have any length, and each begins with a mark",
    "limits": "how large a network may be, such as elements=1e9: nodes, elements, operations, chain",
    "vectors": "a .npy or .npz file of network inputs to verify on; with labels in it, for the accuracy",
    "accuracy_loss": "the most accuracy that prune and weight_bits below may cost: 0.01 is one percentage point",
    "random_vectors": "random vectors to verify on; without it 64, or fewer where a frame is large",
    "seed": "seed of random vectors and stalls",
    "stall": "probability of a stall per cycle and stream end in verification",
    "jobs": "programs to run at once",
}
"""What each option means, as ``tailrace init`` writes it."""

TOOLS_HEADING = """\
# The vendors' tools, for tailrace synth --tool: what they are started behind, and programs that are not on PATH.
#   prefix       such as "ssh host", "srun -c 8", "docker run -v {dir}/../..:{dir}/../.. -w {dir} image"; {dir} stands
#                for the folder of the script, {command} for the command, which else comes last
#   vivado, vitis, quartus, libero, radiant
#                such as "vivado-2023.2", with its whole path where it is not on PATH
"""

LAYER_HEADING = """\
# One table per layer. "auto" follows the options above; behind the # stands what they lead to now.
#   pe           outputs computed per cycle: a divisor of their number, "min", "max" or "auto"
#   simd         inputs taken per cycle, likewise
#   memory       where weights are: auto, registers, distributed (LUT memory), block (block RAM)
#   dsp          multiply in DSP blocks: auto, yes, no
#   requantizer  auto, threshold, threshold_search, round_shift, multiply_shift, table
#   engine       auto, folded, spatial (adders side by side: a vector per cycle)
# These change what the network computes; accuracy_loss above says how much that may cost:
#   prune        the share of the weights, the smallest, that become zero, such as 0.5
#   weight_bits  the most bits of a weight
"""

Value = int | float | str
Layers = dict[str, dict[str, Value]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The options of a build; ``None`` means: not asked for.

    ``clock_mhz`` is the target, ``fps`` frames per second, ``stall`` the probability of a stall per cycle in
    verification, ``vectors`` a file (.npy, .npz) of network inputs to verify on, ``random_vectors`` how many
    random ones are added, ``accuracy_loss`` the share of right answers that changed layers may cost, ``layers`` what is
    fixed per layer ("*" for all), ``tools`` how vendors' tools are
    started. Raises UsageError for values that cannot be.
    """

    part: str = "ecp5-85k"
    board: str | None = None
    clock_mhz: float = 100.0
    fps: float | None = None
    latency_cycles: int | None = None
    latency_us: float | None = None
    minimize: str | None = None
    use: str | None = None
    engine: str = "auto"
    fifos: str = "throughput"
    backend: str = "both"
    input_type: str | None = None
    states: str | None = None
    sequence: int | None = None
    limits: str | None = None
    vectors: str | None = None
    accuracy_loss: float | None = None
    random_vectors: int | None = None
    seed: int = 1
    stall: float = 0.3
    jobs: int = 2
    layers: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    tools: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        find_part(self.part)
        if self.board is not None:
            find_board(self.board)
        if self.input_type is not None:
            FixedType.parse(self.input_type)
        if self.states is not None:
            parse_states(self.states)
        if self.limits is not None:
            Limits.parse(self.limits)
        objective(self.minimize, self.use, rate=False)
        if self.latency_us is not None:
            _positive("latency_us", self.latency_us)
        one_of("engine", self.engine, ENGINES)
        one_of("fifos", self.fifos, FIFOS)
        one_of("backend", self.backend, BACKENDS)
        _positive("clock_mhz", self.clock_mhz)
        if self.fps is not None:
            _positive("fps", self.fps)
        if not 0 <= self.stall < 1:
            raise UsageError(
                f"stall is {self.stall:g}", hint="wanted a probability from 0 to below 1, such as 0.3"
            )
        if self.accuracy_loss is not None and not 0 <= self.accuracy_loss <= 1:
            raise UsageError(
                f"accuracy_loss is {self.accuracy_loss:g}", hint="wanted a share from 0 to 1, such as 0.01"
            )
        for name, least in (("latency_cycles", 1), ("random_vectors", 1), ("seed", 0), ("jobs", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise UsageError(f"{name} is {value}", hint=f"wanted at least {least}")
        check_layers(self.layers, None)
        check_tools(self.tools, None)

    @property
    def folding(self) -> Layers:
        """What is asked for of the folding: {layer: {"pe", "simd"}}."""
        found = {n: {k: v for k, v in t.items() if k in ("pe", "simd")} for n, t in self.layers.items()}
        return {name: table for name, table in found.items() if table}


OPTIONS = tuple(item.name for item in fields(Config) if item.name not in ("layers", "tools"))
KINDS: Mapping[str, type] = {
    "clock_mhz": float,
    "fps": float,
    "latency_us": float,
    "stall": float,
    "accuracy_loss": float,
    "latency_cycles": int,
    "random_vectors": int,
    "seed": int,
    "jobs": int,
}
"""The types of the options that are no text."""


def read_config(path: Path) -> dict[str, Any]:
    """Return the options in a TOML file: those of ``[build]``, ``layers`` and ``tools``. Raises UsageError.

    The path of ``vectors`` is relative to the file.
    """
    table = _read(path, "TOML")
    where = str(path)
    for key in table:
        _known(key, ("build", "layers", "tools"), where)
    build = table.get("build", {})
    if not isinstance(build, Mapping):
        raise UsageError(f"build is {build!r}", where=where, hint="write a table: [build]")
    for key, value in build.items():
        _known(key, OPTIONS, f"{where}: [build]")
        check_option(key, value, f"{where}: [build]")
    if "vectors" in build:
        build = {**build, "vectors": str(path.parent / build["vectors"])}
    layers = table.get("layers", {})
    check_layers(layers, where)
    tools = table.get("tools", {})
    check_tools(tools, where)
    return {**build, "layers": {name: dict(values) for name, values in layers.items()}, "tools": dict(tools)}


def read_folding(path: Path) -> Layers:
    """Return the folding in a TOML or JSON file: {layer or "*": {"pe": n, "simd": n}}. Raises UsageError."""
    table = _read(path, "JSON" if path.suffix == ".json" else "TOML")
    layers = table.get("layers", table)
    check_layers(layers, str(path))
    return {name: dict(values) for name, values in layers.items()}


def make_config(*sources: Mapping[str, Any]) -> Config:
    """Return the options of all sources, later ones winning (None: not given); UsageError for wrong types.

    A board gives its part, and its clock where the same source names none; a later part overrides an earlier
    board.
    """
    merged: dict[str, Any] = {}
    layers: Layers = {}
    tools: dict[str, str] = {}
    for source in sources:
        tables = ("layers", "tools")
        given = {key: value for key, value in source.items() if value is not None and key not in tables}
        for key, value in given.items():
            check_option(key, value, None)
        merged.update(_with_part_of_board(given))
        for name, table in source.get("layers", {}).items():
            layers.setdefault(name, {}).update(table)
        tools.update(source.get("tools", {}))
    typed = {key: KINDS[key](value) if key in KINDS else value for key, value in merged.items()}
    return Config(**typed, layers=layers, tools=tools)


def _with_part_of_board(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of one source with the part that its board has, or without a board where it has a part."""
    if "board" not in given:
        return {**given, "board": None} if "part" in given else dict(given)
    board = find_board(given["board"])
    if "part" in given and find_part(given["part"]).name != board.part.name:
        raise UsageError(
            f"both the part {given['part']} and the board {board.name} are asked for",
            hint=f"give one of them: the board has the part {board.part.name}",
        )
    return {"clock_mhz": board.clock_mhz, **given, "part": board.part.name}


def check_option(key: str, value: object, where: str | None) -> None:
    """Raise UsageError where ``value`` has not the type of the option ``key``."""
    kind = KINDS.get(key, str)
    good = isinstance(value, (int, float)) if kind is float else isinstance(value, kind)
    if not good or isinstance(value, bool):
        wanted = {float: "a number", int: "a whole number", str: "a text in quotes"}[kind]
        raise UsageError(f"{key} is {value!r}", where=where, hint=f"wanted {wanted}")
    if value == "":
        raise UsageError(f"{key} is empty", where=where, hint="give a value or take the line out")


def check_number(key: str, value: object) -> None:
    """Raise UsageError where ``value``, unless it is None, is no number above 0 (a whole one, where such is wanted)."""
    plain = value
    if isinstance(value, Real) and not isinstance(value, bool):  # also of numpy
        plain = int(value) if isinstance(value, Integral) else float(value)
    if plain is not None:
        check_option(key, plain, None)
        _positive(key, float(str(plain)))


def check_layers(layers: object, where: str | None) -> None:
    """Raise UsageError where ``layers`` is not {layer: {"pe": n, "simd": n, "memory": ...}}."""
    if not isinstance(layers, Mapping):
        raise UsageError(
            f"layers is {layers!r}", where=where, hint="write one table a layer: [layers.dense_0]"
        )
    changing = _changing_keys() if layers else {}
    for name, values in layers.items():
        place = f"{where}: layer {name}" if where else f"layer {name}"
        if not isinstance(values, Mapping):
            raise UsageError(
                f"this is {values!r}", where=place, hint="write pe = 1 and simd = 1 in a table of its own"
            )
        for key, value in values.items():
            _known(key, (*LAYER_KEYS, *changing), place)
            if key in LAYER_CHOICES:
                one_of(key, value, LAYER_CHOICES[key], place)
            elif key in changing:
                try:
                    changing[key].options(**{key: value})
                except UsageError as error:
                    raise UsageError(error.message, where=place, hint=error.hint) from None
            elif isinstance(value, bool) or not (isinstance(value, int) or value in FOLDING_WORDS):
                raise UsageError(
                    f"{key} is {value!r}", where=place, hint='wanted a whole number, "min", "max" or "auto"'
                )


def _changing_keys() -> dict[str, Pass[Any]]:
    from tailrace.graph.passes.pipeline import changing_keys  # noqa: PLC0415 - --help does not need it

    return changing_keys()


def check_tools(tools: object, where: str | None) -> None:
    """Raise UsageError where ``tools`` is not {"prefix" or a vendor's tool: text}."""
    place = f"{where}: [tools]" if where else "[tools]"
    if not isinstance(tools, Mapping):
        raise UsageError(
            f"tools is {tools!r}", where=where, hint='write a table: [tools] and prefix = "ssh host"'
        )
    for key, value in tools.items():
        _known(key, TOOL_KEYS, place)
        if not isinstance(value, str):
            raise UsageError(f"{key} is {value!r}", where=place, hint="wanted a text in quotes")


Chosen = Mapping[str, Mapping[str, Value]]


def to_toml(config: Config, chosen: Chosen | None = None) -> str:
    """Return the whole configuration as TOML, defaults written out; what is None stands in a comment.

    ``chosen`` is {layer: {key: value}}: what an "auto" of the layers stands for now, which goes into a comment.
    """
    lines = ["[build]"]
    for name in OPTIONS:
        value = getattr(config, name)
        lines.append(f"# {EXPLAINED[name]}")
        lines.append(f"# {name} =" if value is None else f"{name} = {_literal(value)}")
    lines += ["", *TOOLS_HEADING.splitlines(), "[tools]"]
    for name in TOOL_KEYS:
        lines.append(f"{name} = {_literal(config.tools[name])}" if name in config.tools else f"# {name} =")
    text = "\n".join(lines) + "\n"
    return f"{text}\n{layers_toml(config.layers, chosen)}" if config.layers else text


def layers_toml(layers: Mapping[str, Mapping[str, Value]], chosen: Chosen | None = None) -> str:
    """Return the tables of layers as TOML; ``chosen`` as in :func:`to_toml`."""
    lines = [*LAYER_HEADING.splitlines()]
    for name, table in layers.items():
        lines += ["", f"[layers.{_key(name)}]"]
        for key, value in table.items():
            now = (chosen or {}).get(name, {}).get(key) if value == "auto" else None
            lines.append(f"{key} = {_literal(value)}" + (f"  # {now}" if now is not None else ""))
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    plain = name.replace("_", "").replace("-", "")
    return name if plain.isascii() and plain.isalnum() else _literal(name)


def _literal(value: object) -> str:
    # JSON's strings are TOML's, but for DEL, which TOML wants escaped.
    return (
        json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        if isinstance(value, str)
        else str(value)
    )


def _read(path: Path, form: str) -> dict[str, Any]:
    """Return the table in a TOML or JSON file."""
    where = str(path)
    try:
        text = path.read_text(encoding="utf-8")
        table = tomllib.loads(text) if form == "TOML" else json.loads(text)
    except FileNotFoundError:
        raise UsageError(
            "there is no such file", where=where, hint="tailrace init MODEL writes one"
        ) from None
    except IsADirectoryError:
        raise UsageError("this is a folder", where=where, hint=f"give the path of a {form} file") from None
    except OSError as error:
        raise UsageError(
            f"cannot be read: {error.strerror}", where=where, hint="check its permissions"
        ) from None
    except ValueError as error:  # of tomllib, of json, and of UTF-8
        raise UsageError(
            f"this is not {form}: {error}",
            where=where,
            hint="tailrace init MODEL writes a file to start from",
        ) from None
    if not isinstance(table, dict):
        raise UsageError(f"this is {table!r}", where=where, hint='write {"dense_0": {"pe": 1, "simd": 1}}')
    return table


def _known(key: str, known: Iterable[str], where: str) -> None:
    names = tuple(known)
    if key not in names:
        close = difflib.get_close_matches(key, names, 1)
        hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(names)}"
        raise UsageError(f"unknown key {key!r}", where=where, hint=hint)


def one_of(name: str, value: object, choices: tuple[str, ...], where: str | None = None) -> None:
    """Raise UsageError where ``value`` is none of ``choices``."""
    if value not in choices:
        raise UsageError(f"{name} is {value!r}", where=where, hint=f"use one of {', '.join(choices)}")


def _positive(name: str, value: float) -> None:
    if not 0 < value < float("inf"):
        raise UsageError(f"{name} is {value:g}", hint="wanted a number above 0")
