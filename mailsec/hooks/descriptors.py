"""Checks what hooks return: descriptors are data from a stranger until they are checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from mailsec.hooks.types import AuthResult, Opener, Result, Verifier

__all__ = ["fault_of"]


def fault_of(descriptor: Any) -> str:
    """What is wrong with a descriptor, in words; empty where nothing is.

    Args:
        descriptor: an instance of one of the descriptor classes of `mailsec.hooks`.
    """
    for field in fields(descriptor):
        check = _CHECKS.get(field.name)
        value = getattr(descriptor, field.name)
        if value is None and isinstance(descriptor, Verifier):
            continue  # verify or start, judged below
        if check is not None and (fault := check(value)):
            return f"{field.name} {fault}"
    if isinstance(descriptor, Verifier):
        if descriptor.verify is not None and descriptor.start is not None:
            return "it has both verify and start; exactly one is wanted"
        if descriptor.verify is None and descriptor.start is None:
            return "it has neither verify nor start; exactly one is wanted"
    if isinstance(descriptor, Opener) and any(one != one.lower() for one in descriptor.content_types):
        return "content_types should be in lower case"
    return ""


def _name(value: object) -> str:
    if not isinstance(value, str) or not value or not value.isprintable() or len(value) > 100:
        return "should be a short text"
    return ""


def _text(value: object) -> str:
    return "" if isinstance(value, str) else "should be text"


def _names(value: object) -> str:
    if not isinstance(value, tuple) or not all(isinstance(one, str) and one for one in value):
        return "should be a tuple of texts"
    return "" if len(set(value)) == len(value) else "names one twice"


def _some_names(value: object) -> str:
    return _names(value) or ("" if value else "is empty")


def _methods(value: object) -> str:
    if fault := _some_names(value):
        return fault
    assert isinstance(value, tuple)
    try:
        for method in value:
            AuthResult(method, Result.NONE)
    except ValueError as error:
        return f"are wrong: {error}"
    return ""


def _timeout(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        return "should be a number of seconds above 0"
    return ""


def _phase(value: object) -> str:
    return "" if value in ("tcp", "tls") else "should be 'tcp' or 'tls'"


def _callable(value: object) -> str:
    return "" if callable(value) else "cannot be called"


_CHECKS: dict[str, Callable[[object], str]] = {
    "name": _name,
    "title": _text,
    "help": _text,
    "methods": _methods,
    "content_types": _some_names,
    "schemes": _some_names,
    "after": _names,
    "timeout": _timeout,
    "phase": _phase,
    **dict.fromkeys(("verify", "start", "open", "protect", "submit", "check", "configure", "run", "build"), _callable),
}
