# SPDX-License-Identifier: Apache-2.0
"""Frozen values to JSON and back; what is read is checked against the annotations as strictly as a network's file.

A record is written as an object whose key "@" names its class; an array, bytes and a mapping have an "@" of their
own. Only classes of the table that a :class:`Codec` is made with are ever built. Errors name the place in the value.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import math
import sys
import types
import typing
from collections import ChainMap
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from tailrace.core.errors import TailraceError

KIND = "@"
"""The key of an object that says what it is."""

TRANSIENT: Mapping[str, bool] = types.MappingProxyType({"transient": True})
"""The metadata of a field that lives in a process only and is not written."""

Json = Any
"""None, bool, int, float, str, or a list or dict of these."""


class CodecError(TailraceError):
    """A value has no JSON form, or a text is not that of a value; says where and what was wanted."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Values that are written as their name alone: ``find(name)`` gives the value, ``name(value)`` its name."""

    kind: type
    name: Callable[[Any], str]
    find: Callable[[str], Any]


class Codec:
    """Writes and reads the dataclasses of ``classes``, {name in JSON: class}.

    ``references`` are {name in JSON: values known by name}; ``names`` are what annotations may speak of beside the
    names of their own modules and of the classes.
    """

    def __init__(
        self,
        classes: Mapping[str, type],
        *,
        references: Mapping[str, Reference] | None = None,
        names: Mapping[str, object] | None = None,
    ) -> None:
        self.classes = dict(classes)
        self.references = dict(references or {})
        self._kinds = {kind: name for name, kind in self.classes.items()}
        self._names: dict[str, object] = {
            **{kind.__name__: kind for kind in self.classes.values()},
            **{reference.kind.__name__: reference.kind for reference in self.references.values()},
            "Mapping": Mapping,
            "Sequence": Sequence,
            "Any": Any,
            "Literal": Literal,
            "NDArray": NDArray,
            "np": np,
            **(names or {}),
        }
        self._hints: dict[type, dict[str, Any]] = {}

    # Writing

    def dumps(self, value: object, schema: int) -> str:
        """Return the JSON text of ``value``; equal values give equal texts."""
        return json.dumps({"schema": schema, "value": self.encode(value)}, separators=(",", ":")) + "\n"

    def encode(self, value: Any) -> Json:  # noqa: ANN401 - whatever has a form
        """Return the JSON form of a value; TypeError where it has none."""
        match value:
            case None | bool() | int() | float() | str():
                return value
            case np.ndarray():
                if value.dtype.kind not in "fiub":
                    raise TypeError(f"an array of {value.dtype} has no JSON form")
                shape, values = list(value.shape), value.ravel().tolist()
                return {KIND: "array", "dtype": str(value.dtype), "shape": shape, "values": values}
            case np.generic():
                return value.item()
            case bytes():
                return {KIND: "bytes", "base64": base64.b64encode(value).decode()}
            case tuple() | list():
                return [self.encode(item) for item in value]
            case dict():
                return {KIND: "dict", "items": {key: self.encode(item) for key, item in value.items()}}
        for name, reference in self.references.items():
            if isinstance(value, reference.kind):
                return {KIND: name, "name": reference.name(value)}
        if type(value) in self._kinds:
            fields = {field.name: self.encode(getattr(value, field.name)) for field in written(type(value))}
            return {KIND: self._kinds[type(value)], **fields}
        raise TypeError(f"{type(value).__name__} has no JSON form")

    # Reading

    def loads(self, text: str, schema: int, kind: type, *, where: str = "", hint: str = "") -> Any:  # noqa: ANN401 - a ``kind``
        """Undo :meth:`dumps`; CodecError, with ``where`` and ``hint``, where the text is not that of a ``kind``."""
        try:
            return self.decode(kind, _value(json.loads(text), schema), "value")
        except (json.JSONDecodeError, RecursionError):
            raise CodecError("this is not whole JSON", where=where, hint=hint) from None
        except CodecError as error:
            raise CodecError(error.message, where=where, hint=error.hint or hint) from None

    def decode(self, hint: Any, value: Json, at: str) -> Any:  # noqa: ANN401 - the annotation decides
        """Return the value that ``value`` is the JSON form of, of the annotated type ``hint``; ``at`` is its place."""
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if hint is Any or hint is object:
            return self._free(value, at)
        if hint in (None, type(None), bool, int, float, str):
            return _plain(hint, value, at)
        if origin in (types.UnionType, typing.Union):
            return self._choice(arguments, value, at)
        if origin is Literal:
            if value not in arguments or isinstance(value, bool) != isinstance(arguments[0], bool):
                _wrong(value, at, f"one of {', '.join(map(repr, arguments))}")
            return value
        if hint is np.ndarray or origin is np.ndarray:
            return self._array(value, at, _dtype(arguments))
        if hint is bytes:
            return self._bytes(value, at)
        if origin is tuple:
            return self._tuple(arguments, value, at)
        if origin in (Mapping, dict):
            return self._mapping(arguments[1], value, at)
        found = self._object(value, at)
        if isinstance(hint, type) and not isinstance(found, hint):
            _wrong(value, at, _article(hint.__name__))
        return found

    def _free(self, value: Json, at: str) -> Any:  # noqa: ANN401
        """Return what the value itself says that it is."""
        match value:
            case None | bool() | int() | float() | str():
                return _plain(object, value, at)
            case list():
                return tuple(self._free(item, f"{at}[{index}]") for index, item in enumerate(value))
            case {"@": "array"}:
                return self._array(value, at, None)
            case {"@": "bytes"}:
                return self._bytes(value, at)
            case {"@": "dict"}:
                return self._mapping(Any, value, at)
        return self._object(value, at)

    def _choice(self, choices: tuple[Any, ...], value: Json, at: str) -> Any:  # noqa: ANN401
        if value is None and type(None) in choices:
            return None
        serious = [choice for choice in choices if choice is not type(None)]
        if len(serious) == 1:
            return self.decode(serious[0], value, at)  # its own error says more than "none of"
        name = value.get(KIND) if isinstance(value, dict) else None
        if isinstance(name, str) and name in self.classes:
            if not any(_is(self.classes[name], choice) for choice in serious):
                _wrong(value, at, " or ".join(_named(choice) for choice in serious))
            return self._object(value, at)
        for choice in serious:
            try:
                return self.decode(choice, value, at)
            except CodecError:
                continue
        return _wrong(value, at, " or ".join(_named(choice) for choice in choices))

    def _tuple(self, arguments: tuple[Any, ...], value: Json, at: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            _wrong(value, at, "a list")
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            arguments = (arguments[0],) * len(value)
        if len(arguments) != len(value):
            _wrong(value, at, f"a list of {len(arguments)}")
        pairs = zip(arguments, value, strict=True)
        return tuple(self.decode(hint, item, f"{at}[{index}]") for index, (hint, item) in enumerate(pairs))

    def _mapping(self, hint: Any, value: Json, at: str) -> dict[str, Any]:  # noqa: ANN401
        items = _part(value, at, "dict", "items")
        if not isinstance(items, dict):
            _wrong(items, at, "an object")
        return {
            _plain(str, key, f"a key of {at}"): self.decode(hint, item, f"{at}.{key}")
            for key, item in items.items()
        }

    def _array(self, value: Json, at: str, wanted: np.dtype[Any] | None) -> NDArray[Any]:
        values, shape, kind = (_part(value, at, "array", key) for key in ("values", "shape", "dtype"))
        if not isinstance(kind, str) or kind not in DTYPES:
            _wrong(kind, f"{at}.dtype", f"one of {', '.join(DTYPES)}")
        dtype = np.dtype(kind)
        if wanted is not None and dtype != wanted:
            raise CodecError(f"{at} is an array of {dtype}, wanted one of {wanted}")
        if not isinstance(shape, list) or not all(type(size) is int and size >= 0 for size in shape):
            _wrong(shape, f"{at}.shape", "sizes")
        if not isinstance(values, list) or len(values) != math.prod(shape):
            _wrong(values, f"{at}.values", f"a list of {math.prod(shape)}")
        try:
            found = np.array(values) if values else np.zeros(0, dtype)
            if found.dtype.kind not in CASTS[dtype.kind] or found.ndim != 1:
                raise ValueError  # noqa: TRY301 - told as the others
            result = found.astype(dtype)
            if dtype.kind in "iu" and not np.array_equal(result, found):
                raise ValueError  # noqa: TRY301 - told as the others
        except (ValueError, TypeError, OverflowError):
            raise CodecError(f"{at}.values are not all numbers of {dtype}") from None
        return result.reshape(shape)

    def _bytes(self, value: Json, at: str) -> bytes:
        text = _part(value, at, "bytes", "base64")
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError, TypeError):
            raise CodecError(f"{at} is no base64 text") from None

    def _object(self, value: Json, at: str) -> Any:  # noqa: ANN401
        """Return the record that an object is; its class is the one that it names."""
        if not isinstance(value, dict):
            _wrong(value, at, "an object")
        name = value.get(KIND)
        if isinstance(name, str) and name in self.references:
            found = self.references[name].find
            return _made(lambda: found(_plain(str, value.get("name"), f"{at}.name")), name, at)
        if not isinstance(name, str) or name not in self.classes:
            raise CodecError(
                f"{at} is of the class {name!r}, which is not known here",
                hint="where an extension wrote it, install the extension; else build again from the start",
            )
        kind = self.classes[name]
        fields = written(kind)
        unknown = sorted(value.keys() - {KIND} - {field.name for field in fields})
        if unknown:
            raise CodecError(f"{at} is a {name} with an unknown field {unknown[0]!r}")
        values = {}
        for field in fields:
            if field.name in value:
                place = f"{at}.{field.name}"
                values[field.name] = self.decode(self.annotations(kind)[field.name], value[field.name], place)
            elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
                raise CodecError(f"{at} is a {name} without the field {field.name!r}")
        return _made(lambda: kind(**values), name, at)

    def annotations(self, kind: type) -> Mapping[str, Any]:
        """Return {field: annotation} of a class; modules that import types for the checker only are helped out."""
        if kind not in self._hints:
            hints: dict[str, Any] = {}
            for base in reversed(kind.__mro__):
                scope = ChainMap(vars(sys.modules[base.__module__]), self._names)
                for name, annotation in vars(base).get("__annotations__", {}).items():
                    if isinstance(annotation, str):
                        hints[name] = eval(annotation, {}, scope)  # noqa: S307 - our own source text
                    else:
                        hints[name] = annotation
            self._hints[kind] = hints
        return self._hints[kind]


DTYPES = (
    "bool",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float32",
    "float64",
)
CASTS = {"i": "i", "u": "iu", "f": "iuf", "b": "b"}
"""The kinds of numbers in JSON that an array of each kind may be made of."""


def written(kind: type) -> tuple[dataclasses.Field[Any], ...]:
    """Return the fields of a dataclass that have a place in its JSON."""
    return tuple(field for field in dataclasses.fields(kind) if not field.metadata.get("transient"))


def _made(make: Callable[[], Any], name: str, at: str) -> Any:  # noqa: ANN401
    """Return what a constructor makes of values that nobody has looked at yet; whatever it raises is told."""
    try:
        return make()
    except CodecError:
        raise
    except TailraceError as error:
        place = f" of {error.where}" if error.where else ""
        raise CodecError(f"{at} is no {name}{place}: {error.message}", hint=error.hint) from None
    except Exception as error:  # noqa: BLE001 - see above
        raise CodecError(f"{at} is no {name}: {error or type(error).__name__}") from None


def _value(whole: Json, schema: int) -> Json:
    found = whole.get("schema") if isinstance(whole, dict) else None
    if not isinstance(whole, dict) or type(found) is not int:
        raise CodecError(f"this was not written by tailrace with schema {schema}")
    if found != schema:
        age = "an earlier" if found < schema else "a later"
        raise CodecError(f"{age} tailrace wrote this, with schema {found}; this one reads schema {schema}")
    return whole.get("value")


def _part(value: Json, at: str, kind: str, key: str) -> Json:
    if not isinstance(value, dict) or value.get(KIND) != kind or key not in value:
        _wrong(value, at, _article(kind))
    return value[key]


def _plain(hint: Any, value: Json, at: str) -> Any:  # noqa: ANN401
    """Return a number, a text, true, false or null of the annotated type (object: any of them)."""
    if hint is float and type(value) is int:
        return value
    kind = type(None) if hint is None else hint
    if hint is not object and type(value) is not kind:
        _wrong(value, at, _named(kind))
    if isinstance(value, float) and not math.isfinite(value):
        _wrong(value, at, "a finite number")
    if isinstance(value, str) and len(f"{value}.".splitlines()) > 1:  # it may stand in a comment
        raise CodecError(f"{at} is a text of several lines: {value[:60]!r}")
    return value


def _dtype(arguments: tuple[Any, ...]) -> np.dtype[Any] | None:
    """Return what NDArray[...] asks for, None where it is any."""
    inner = typing.get_args(arguments[1]) if len(arguments) == 2 else ()
    try:
        return np.dtype(inner[0]) if inner and inner[0] is not Any else None
    except TypeError:  # a kind of numbers, such as np.integer
        return None


def _is(kind: type, choice: object) -> bool:
    return isinstance(choice, type) and issubclass(kind, choice)


def _named(hint: object) -> str:
    words: dict[object, str] = {
        str: "a text",
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        type(None): "null",
    }
    if hint in words:
        return words[hint]
    if typing.get_origin(hint) is not None:
        return "an array" if typing.get_origin(hint) is np.ndarray else "a list"
    return _article(getattr(hint, "__name__", str(hint)))


def _article(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def _wrong(value: Json, at: str, wanted: str) -> NoReturn:
    match value:
        case None:
            came = "null"
        case dict():
            came = f"of the class {value[KIND]!r}" if KIND in value else "an object"
        case list():
            came = f"a list of {len(value)}"
        case str():
            came = f"the text {value[:60]!r}"
        case _:
            came = json.dumps(value)
    raise CodecError(f"{at} is {came}, wanted {wanted}")
