"""mailsec: a mail client and a mail filter that tell the truth about mail.

The library, for other people's programs:

    from mailsec import Checker, check, parse

    message = parse(octets)                  # bytes(message) == octets
    async with Checker(settings) as checker:
        report = await checker.check(message)
    report = await check(octets)             # the same, once

Names are imported when they are first used, so that `import mailsec` stays cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailsec.checker import Checker, check
    from mailsec.config import Settings
    from mailsec.message import Message, parse
    from mailsec.pipeline import Report, Verdict

__version__ = "0.1.0"

__all__ = ["Checker", "Message", "Report", "Settings", "Verdict", "__version__", "check", "parse"]

_HOMES = {
    "Checker": "mailsec.checker",
    "check": "mailsec.checker",
    "Settings": "mailsec.config",
    "Message": "mailsec.message",
    "parse": "mailsec.message",
    "Report": "mailsec.pipeline",
    "Verdict": "mailsec.pipeline",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'mailsec' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
