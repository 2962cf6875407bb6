# SPDX-License-Identifier: Apache-2.0
"""The constants, parameters and connections in a build folder are those of the plan.

Vectors alone do not show it: a threshold that is off by one only matters for a sum that is exactly there, which few
vectors reach, and a memory with a place too many gives the same outputs.
"""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import Mismatch, TailraceError
from tailrace.emission.hls import function_files, instance_constants
from tailrace.emission.rtl import top_module

if TYPE_CHECKING:
    from pathlib import Path

    from tailrace.blocks.base import Memory
    from tailrace.planning.plan import Instance, Plan

Integers = NDArray[np.int64]

AGAIN = "run the stage emit again: tailrace build MODEL -o DIR --from emit"


class ConstantMismatch(Mismatch):
    """A constant of the hardware is not the plan's; ``index`` is (memory word, element)."""

    def __init__(
        self,
        *,
        layer: str,
        file: str,
        index: tuple[int, int],
        expected: int,
        got: int,
        check: str,
        count: int,
    ) -> None:
        super().__init__(
            layer=layer, index=index, expected=expected, got=got, check=check, count=count, hint=AGAIN
        )
        values = "1 value differs" if count == 1 else f"{count} values differ"
        place = f"{layer}: element {index[1]} of word {index[0]} in {file}"
        self.message = f"{place} is {got}, expected {expected} ({values})"
        self.args = (self.message,)


class ParameterMismatch(Mismatch):
    """A parameter of an instance is not the plan's; a value that is not there counts as -1."""

    def __init__(
        self, *, layer: str, parameter: str, file: str, expected: int, got: int | None, check: str, count: int
    ) -> None:
        super().__init__(
            layer=layer,
            index=(0,),
            expected=expected,
            got=-1 if got is None else got,
            check=check,
            count=count,
            hint=AGAIN,
        )
        values = "1 value differs" if count == 1 else f"{count} values differ"
        found = "not there" if got is None else str(got)
        self.message = f"{layer}: {parameter} in {file} is {found}, expected {expected} ({values})"
        self.args = (self.message,)


def wrong_parameter(plan: Plan, folder: Path, backend: str) -> Mismatch | None:
    """Compare the parameters of the instances in ``folder / backend`` with the plan's; return the first difference.

    Raises TailraceError where a file is missing, or where the top of the Verilog joins the instances in another way.
    """
    if backend == "rtl":
        _check_connections(plan, folder)
    for instance in plan.instances:
        file = f"{plan.name}.hpp" if backend == "hls" else f"{plan.name}_{instance.name}.v"
        path = folder / backend / file
        if backend == "rtl" and instance.block.verilog_modules(file[:-2]):
            continue  # written as a whole, and compared so
        if not path.is_file():
            raise TailraceError("there is no such file", where=str(path), hint=AGAIN)
        text = path.read_text(encoding="utf-8")
        if backend == "hls":
            wanted = instance_constants(instance)
            _, _, text = text.partition(f"\nstruct {instance.name} {{")
            got = dict(re.findall(r"static const int (\w+) = (-?\d+);", text.partition("\n};")[0]))
        else:
            wanted = dict(instance.block.parameters())
            got = dict(re.findall(r"\.(\w+)\((-?\d+)\)", text))
        wrong = [name for name, value in wanted.items() if got.get(name) != str(value)]
        if wrong:
            value = got.get(wrong[0])
            return ParameterMismatch(
                layer=instance.name,
                parameter=wrong[0],
                file=f"{backend}/{file}",
                expected=wanted[wrong[0]],
                got=None if value is None else int(value),
                check=backend,
                count=len(wrong),
            )
    return None


def _check_connections(plan: Plan, folder: Path) -> None:
    """Raise TailraceError where a port in the top is connected to another signal than the plan says."""
    path = folder / "rtl" / f"{plan.name}.v"
    if not path.is_file():
        raise TailraceError("there is no such file", where=str(path), hint=AGAIN)
    text = path.read_text(encoding="utf-8")
    found, wanted = (list(re.finditer(r"\.(\w+)\(([^()]*)\)", each)) for each in (text, top_module(plan)))
    for got, want in zip_longest(found, wanted):
        if got is None or want is None or got.groups() != want.groups():
            line = text.count("\n", 0, got.start() if got else len(text)) + (got is not None)
            raise TailraceError(f"line {line} is not what the plan says", where=str(path), hint=AGAIN)


def wrong_constant(plan: Plan, folder: Path, backend: str) -> Mismatch | None:
    """Compare parameters and memories in ``folder / backend`` (``rtl`` or ``hls``) with the plan's.

    Returns the first difference. Raises TailraceError where a file is missing, or where the adders of a spatial layer
    are not the plan's.
    """
    parameter = wrong_parameter(plan, folder, backend)
    if parameter:
        return parameter
    for instance in plan.instances:
        _check_written(plan, instance, folder, backend)
        for memory in instance.block.memories() if backend == "rtl" else instance.block.hls_memories():
            file = f"{backend}/{instance.name}_{memory.name}.{'mem' if backend == 'rtl' else 'inc'}"
            try:
                text = (folder / file).read_text(encoding="utf-8")
            except FileNotFoundError:
                raise TailraceError("there is no such file", where=str(folder / file), hint=AGAIN) from None
            want = np.asarray(memory.values, np.int64)
            got = _memory_words(text, memory) if backend == "rtl" else _array_rows(text, memory)
            if got is None:
                raise TailraceError(
                    f"this does not hold {want.shape[0]} words of {want.shape[1]} elements",
                    where=str(folder / file),
                    hint=AGAIN,
                )
            wrong = np.argwhere(got != want)
            if len(wrong):
                word, element = (int(i) for i in wrong[0])
                return ConstantMismatch(
                    layer=instance.name,
                    file=file,
                    index=(word, element),
                    expected=int(want[word, element]),
                    got=int(got[word, element]),
                    check=backend,
                    count=len(wrong),
                )
    return None


def _check_written(plan: Plan, instance: Instance, folder: Path, backend: str) -> None:
    """Raise TailraceError where a text that was written for the instance alone, constants inside, is another one."""
    own = instance.block.verilog_modules(f"{plan.name}_{instance.name}")
    texts = own if backend == "rtl" else function_files(instance)
    for name, text in texts.items():
        path = folder / backend / name
        found = path.read_text(encoding="utf-8") if path.is_file() else None
        if found is None:
            raise TailraceError("there is no such file", where=str(path), hint=AGAIN)
        if found != text:
            line = next(
                number
                for number, (a, b) in enumerate(zip_longest(found.splitlines(), text.splitlines()), 1)
                if a != b
            )
            raise TailraceError(f"line {line} is not what the plan says", where=str(path), hint=AGAIN)


def _memory_words(text: str, memory: Memory) -> Integers | None:
    """Return the (words, elements) integers of a ``$readmemh`` file; None where it has another shape."""
    depth, elements = memory.values.shape
    bits, low = memory.type.bits, memory.type.min
    lines = text.split()
    if len(lines) != depth or not all(re.fullmatch(r"[0-9a-fA-F]+", line) for line in lines):
        return None
    mask = (1 << bits) - 1
    words = [[(int(line, 16) >> (e * bits)) & mask for e in range(elements)] for line in lines]
    return np.array([[((v - low) & mask) + low for v in word] for word in words], np.int64)


def _array_rows(text: str, memory: Memory) -> Integers | None:
    """Return the (words, elements) integers in the rows of a C++ array; None where it has another shape."""
    values = [int(number) for number in re.findall(r"-?\d+", text)]
    return (
        np.array(values, np.int64).reshape(memory.values.shape) if len(values) == memory.values.size else None
    )
