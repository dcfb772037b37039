"""Settings made from TOML tables: a frozen dataclass says which keys there are, of which types, with which defaults.

The core's own configuration and the tables `[plugins.NAME]` are read by the same code, so that both complain
in the same words: the table, the key, what was found, what should be there.
"""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from mailsec.errors import ConfigError

__all__ = ["check_settings_type", "did_you_mean", "read_table"]

T = TypeVar("T")

_WORDS: Mapping[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    datetime: "a date and time with its offset, such as 2026-01-31T12:00:00Z",
    Path: "a path",
}
_FOUND: Mapping[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a table",
    datetime: "a date and time",
    date: "a date",
    time: "a time of day",
}


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Half a sentence that names the nearest known name, or all where none is near; empty where none is known.

    Args:
        name: what was written.
        known: what could have been meant.
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; known are {', '.join(names)}" if names else ""


def check_settings_type(settings: object) -> None:
    """Says whether a plugin's settings can be read from a table.

    Args:
        settings: what the hook `mailsec_settings` returned.

    Raises:
        TypeError: it is no frozen dataclass, or a field has no default or a type that TOML cannot give; the
            sentence says which.
    """
    if not isinstance(settings, type) or not dataclasses.is_dataclass(settings):
        raise TypeError("is no dataclass")
    if not settings.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        raise TypeError("is a dataclass that is not frozen")
    hints = typing.get_type_hints(settings)
    for field in _fields(settings):
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise TypeError(f"has a field {field.name} without a default")
        _words(hints[field.name])


def read_table(settings: type[T], table: Mapping[str, Any], where: str, base: Path | None = None) -> T:
    """Makes an instance of a settings dataclass from a TOML table.

    Keys are the field names, with `-` allowed for `_`. Types are bool, int, float, str, `datetime`, `Path`,
    `StrEnum`, `Literal` of texts, `X | None`, `tuple[X, ...]`, `frozenset[X]` and `Mapping[str, X]`.

    Args:
        settings: the dataclass.
        table: the table, as `tomllib` gives it.
        where: the file and the table, for the sentences.
        base: the folder that relative paths start from.

    Raises:
        ConfigError: for an unknown key, a value of another type, or a value that the dataclass refuses.
    """
    hints = typing.get_type_hints(settings)
    known = {field.name for field in _fields(settings)}
    values: dict[str, Any] = {}
    for key, value in table.items():
        name = key.replace("-", "_")
        if name not in known:
            raise ConfigError(f"{where}: there is no key {key!r}{did_you_mean(key, known)}")
        if name in values:
            raise ConfigError(f"{where}: the key {key!r} is given twice")
        values[name] = _value(value, hints[name], f"{where}: {key}", base)
    try:
        return settings(**values)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{where}: {error}") from error


def _fields(settings: Any) -> list[dataclasses.Field[Any]]:
    return [field for field in dataclasses.fields(settings) if field.init]


def _value(value: Any, hint: Any, where: str, base: Path | None) -> Any:
    """Converts one TOML value to the type that a field wants."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin in {types.UnionType, typing.Union}:
        return _value(value, _only(arguments), where, base)
    if origin is typing.Literal and value in arguments and isinstance(value, str):
        return value
    if origin in {tuple, frozenset} and isinstance(value, list):
        return origin(_value(one, arguments[0], where, base) for one in value)
    if _is_mapping(origin) and isinstance(value, dict):
        return {key: _value(one, arguments[1], f"{where}.{key}", base) for key, one in value.items()}
    if hint is Path and isinstance(value, str) and value:
        try:
            path = Path(value).expanduser()
        except RuntimeError as error:
            raise ConfigError(f"{where}: the home folder in {value!r} is not known") from error
        return path if base is None else base / path
    if hint is float and type(value) is int:
        return float(value)
    if isinstance(hint, type) and issubclass(hint, StrEnum) and value in list(hint):
        return hint(value)
    if hint is datetime and isinstance(value, datetime) and value.tzinfo is not None:
        return value
    # bool is an int to Python, but not to somebody who reads a configuration
    if hint in {bool, int, float, str} and type(value) is hint:
        return value
    found = _FOUND.get(type(value), "something else")
    if isinstance(value, str) and len(value) <= 60:
        found = repr(value)
    raise ConfigError(f"{where} should be {_words(hint)}, not {found}")


def _words(hint: Any) -> str:
    """Says a type in words; refuses the types that a table cannot give."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return "anything"
    if hint in _WORDS:
        return _WORDS[hint]
    if origin in {types.UnionType, typing.Union}:
        return _words(_only(arguments))
    if origin is typing.Literal and all(isinstance(one, str) for one in arguments):
        return "one of " + ", ".join(repr(one) for one in arguments)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return "one of " + ", ".join(repr(str(one)) for one in hint)
    if (origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis) or (origin is frozenset and arguments):
        return f"a list, each {_words(arguments[0])}"
    if _is_mapping(origin) and arguments[0] is str:
        return f"a table, each value {_words(arguments[1])}"
    raise TypeError(f"has a field of type {hint}, which a table cannot give")


def _only(arguments: tuple[Any, ...]) -> Any:
    """The X of `X | None`."""
    rest = [one for one in arguments if one is not type(None)]
    if len(rest) != 1:
        raise TypeError(f"has a field of type {' | '.join(map(str, arguments))}, which a table cannot give")
    return rest[0]


def _is_mapping(origin: Any) -> bool:
    return isinstance(origin, type) and issubclass(origin, Mapping)
