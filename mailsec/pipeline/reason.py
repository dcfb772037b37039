"""One line of the outline that tells why, for whoever makes such lines."""

from __future__ import annotations

from dataclasses import dataclass

from mailsec.hooks.types import Result
from mailsec.message import safe_text

__all__ = ["Reason", "short"]

LONGEST = 2_000
"""How many characters of a foreign text are shown."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One line of the outline with what stands under it.

    Attributes:
        text: safe to show.
        result: the result that it is about; `None` for all that is no result.
        children: what stands under it.
        closed: whether it is folded at first.
        certificate: the certificate that it is about, in DER; empty where it is about none.
        detail: whether it may be left out where the reader can open the certificate that it stands under.
    """

    text: str
    result: Result | None = None
    children: tuple[Reason, ...] = ()
    closed: bool = False
    certificate: bytes = b""
    detail: bool = False


def short(text: str) -> str:
    """Foreign text, safe to show and not too long."""
    return safe_text(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…")
