# SPDX-License-Identifier: Apache-2.0
"""Typed records to JSON and back: what is read is checked against the annotations, key by key."""

from __future__ import annotations

import json
import math
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from numbers import Integral, Real
from typing import Annotated, Any

from tailrace.core.errors import TailraceError

Count = Annotated[int, "not negative"]
"""A whole number that cannot be negative: cycles, words, vectors, cells."""

Figure = Annotated[float, "not negative"]
"""A number that cannot be negative: MHz, seconds, estimated cells."""

EXTRA = "extra"
"""The field of a record that keeps the keys this version does not know."""


class ReportError(TailraceError):
    """A file or value is not a report; says which key, what came and what was wanted."""


def describe(value: object) -> str:
    """Say what ``value`` is, briefly and in JSON's words."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return f"the text {value[:40] + '…' if len(value) > 40 else value!r}"
        case Real():
            return f"the number {value}"
        case Mapping():
            return f"an object with {len(value)} keys"
        case Sequence():
            return f"a list of {len(value)}"
        case _:
            return f"a {type(value).__name__}"


def wanted(hint: Any) -> str:  # noqa: ANN401  # a type annotation has no narrower type
    """Say in words what the annotation ``hint`` asks for."""
    if hint is Any:
        return "any JSON value"
    if typing.get_origin(hint) is Annotated:
        return f"{wanted(typing.get_args(hint)[0])} that is {typing.get_args(hint)[1]}"
    if hint in (type(None), None):
        return "null"
    if hint in (str, int, float, bool):
        return {str: "text", int: "a whole number", float: "a number", bool: "true or false"}[hint]
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return " or ".join(wanted(choice) for choice in typing.get_args(hint))
    if typing.get_origin(hint) is tuple:
        return "a list"
    return "an object"


@cache
def hints_of(kind: type) -> Mapping[str, Any]:
    """Return the annotations of the record ``kind``, field by field."""
    return typing.get_type_hints(kind, include_extras=True)


@cache
def fields_of(kind: type) -> tuple[Field[Any], ...]:
    """Return the fields of the record ``kind`` without the one for unknown keys."""
    return tuple(field for field in fields(kind) if field.name != EXTRA)


def read(hint: Any, value: object, at: str) -> Any:  # noqa: ANN401  # the annotation decides at run time
    """Return ``value`` as ``hint`` wants it (lists as tuples, objects as records); ``at`` names it in errors.

    Raises :class:`ReportError` for a wrong type, a missing key, a negative count, NaN or infinity.
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return free(value, at)
    if origin is Annotated:
        number = read(arguments[0], value, at)
        if number < 0:
            raise ReportError(f"{at} is {number}, wanted {wanted(hint)}")
        return number
    if origin in (types.UnionType, typing.Union):
        return read_choice(arguments, value, at)
    if origin is tuple and isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(read(arguments[0], item, f"{at}[{index}]") for index, item in enumerate(value))
    if origin is Mapping and isinstance(value, Mapping):
        return {text_key(key, at): read(arguments[1], item, f"{at}.{key}") for key, item in value.items()}
    if is_dataclass(hint) and isinstance(hint, type):
        return read_record(hint, value, at)
    if hint is float and isinstance(value, Real) and not isinstance(value, bool):
        return finite(value, at)
    if hint is int and isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    if hint is str and isinstance(value, str):
        return writable(value, at)
    if hint is bool and isinstance(value, bool):
        return value
    raise ReportError(f"{at} is {describe(value)}, wanted {wanted(hint)}")


def is_number(value: object) -> bool:
    """Return whether ``value`` is a number; true and false are none."""
    return isinstance(value, Real) and not isinstance(value, bool)


def read_choice(choices: tuple[Any, ...], value: object, at: str) -> Any:  # noqa: ANN401  # as in read
    """Read ``value`` as the first of ``choices`` that takes it."""
    if value is None and type(None) in choices:
        return None
    serious = [choice for choice in choices if choice is not type(None)]
    if len(serious) == 1 and (is_dataclass(serious[0]) or is_number(value)):
        return read(serious[0], value, at)  # its own error says more than "not one of"
    for choice in serious:
        try:
            return read(choice, value, at)
        except ReportError:
            continue
    raise ReportError(f"{at} is {describe(value)}, wanted {' or '.join(map(wanted, choices))}")


def read_record(kind: type, value: object, at: str) -> Any:  # noqa: ANN401  # as in read
    """Read a record of type ``kind`` from a JSON object, or check one that is built already."""
    if isinstance(value, kind):
        check(value, at)
        return value
    if not isinstance(value, Mapping):
        raise ReportError(f"{at or 'the report'} is {describe(value)}, wanted an object")
    dot = f"{at}." if at else ""
    values: dict[str, Any] = {}
    for field in fields_of(kind):
        if field.name in value:
            values[field.name] = read(hints_of(kind)[field.name], value[field.name], f"{dot}{field.name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ReportError(f"{at or 'the report'} has no key {field.name!r}")
    known = {field.name for field in fields_of(kind)}
    extra = {text_key(key, at): free(item, f"{dot}{key}") for key, item in value.items() if key not in known}
    return kind(**values, extra=extra) if extra else kind(**values)


def check(record: Any, at: str) -> None:  # noqa: ANN401  # any record
    """Raise :class:`ReportError` if a field of ``record`` is not what its annotation says."""
    dot = f"{at}." if at else ""
    kind: type = type(record)
    annotations = hints_of(kind)
    for field in fields_of(kind):
        read(annotations[field.name], getattr(record, field.name), f"{dot}{field.name}")
    for key, item in record.extra.items():
        free(item, f"{dot}{text_key(key, at)}")


def free(value: object, at: str) -> Any:  # noqa: ANN401  # JSON
    """Return any JSON value, lists as lists; refuse what JSON cannot say."""
    match value:
        case None | bool():
            return value
        case str():
            return writable(value, at)
        case Integral():
            return int(value)
        case Real():
            return finite(value, at)
        case Mapping():
            return {text_key(key, at): free(item, f"{at}.{key}") for key, item in value.items()}
        case Sequence():
            return [free(item, f"{at}[{index}]") for index, item in enumerate(value)]
        case _:
            raise ReportError(f"{at} is {describe(value)}, wanted {wanted(Any)}")


def text_key(key: object, at: str) -> str:
    """Return ``key`` if it is text."""
    if not isinstance(key, str):
        raise ReportError(f"a key of {at or 'the report'} is {describe(key)}, wanted text")
    return writable(key, f"a key of {at or 'the report'}")


def writable(value: str, at: str) -> str:
    """Return ``value`` if it can be written as UTF-8: JSON can name half of a letter, which cannot."""
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ReportError(f"{at} holds half of a surrogate pair, wanted text that UTF-8 can write")
    return value


def finite(value: Real, at: str) -> float:
    """Return ``value`` as int or float; refuse NaN and infinity."""
    number = int(value) if isinstance(value, Integral) else float(value)
    if isinstance(number, float) and not math.isfinite(number):
        raise ReportError(f"{at} is {number}, wanted a finite number", hint="a figure not measured is null")
    return number


def plain(value: Any) -> Any:  # noqa: ANN401  # JSON
    """Return records as JSON objects: every key in the order of the fields, unknown ones behind, sorted."""
    if is_dataclass(value) and not isinstance(value, type):
        known = {field.name: plain(getattr(value, field.name)) for field in fields_of(type(value))}
        extra: Mapping[str, Any] = getattr(value, EXTRA)
        return known | {key: plain(extra[key]) for key in sorted(extra)}
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(item) for item in value]
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, Real) and not isinstance(value, bool):
        return float(value)
    return value


def dump(report: Any) -> str:  # noqa: ANN401  # the Report of schema.py, which builds on this module
    """Return the text of ``report.json``: every key present, ``null`` where nothing was measured."""
    return json.dumps(plain(report), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def dump_all(reports: Sequence[Any]) -> str:
    """Return the text of a JSON list of reports."""
    return (
        json.dumps([plain(report) for report in reports], indent=2, ensure_ascii=False, allow_nan=False)
        + "\n"
    )
