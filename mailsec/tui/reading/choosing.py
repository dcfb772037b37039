"""Which parts of a message are shown, how, and in which order (RFC 2046, RFC 2387, RFC 2183)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from mailsec.hooks.types import AuthResult, Cause, Result
from mailsec.message import safe_text
from mailsec.tui.background.limits import LIMITS

if TYPE_CHECKING:
    from mailsec.message import Message, Part
    from mailsec.pipeline import Layer, Report

__all__ = ["AttachedPart", "Enclosed", "EndOfEnclosed", "Page", "Piece", "Said", "Words", "choose"]

MOST = 2_000
"""How many parts of one message are shown; the part tree has them all."""

_SIGNATURES = frozenset(("application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"))
_SMIME = frozenset(("application/pkcs7-mime", "application/x-pkcs7-mime"))
_AS_TEXT = frozenset(("message/delivery-status", "message/disposition-notification", "message/feedback-report"))
_DEEPEST = 100  # parts in each other, through all layers together
_PICTURES = LIMITS.pictures  # of a page that are named one by one


@dataclass(frozen=True, slots=True)
class Words:
    """A part that is shown as text.

    Attributes:
        copies: whether it begins with copies of header fields, which are not shown (RFC 9788 section 4.5.3).
    """

    layer: int
    part: Part
    copies: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """A part in HTML.

    Attributes:
        copies: as in `Words`.
    """

    layer: int
    part: Part
    copies: bool = False


@dataclass(frozen=True, slots=True)
class AttachedPart:
    """A part that is named, and handed over when it is chosen."""

    layer: int
    part: Part


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A message inside this one begins."""

    layer: int
    part: Part
    message: Message


@dataclass(frozen=True, slots=True)
class EndOfEnclosed:
    """A message inside this one ends."""

    layer: int
    part: Part


@dataclass(frozen=True, slots=True)
class Said:
    """Something that is not shown, and why.

    Attributes:
        sentence: safe to show.
    """

    sentence: str


Piece: TypeAlias = Words | Page | AttachedPart | Enclosed | EndOfEnclosed | Said


def choose(message: Message, report: Report | None, *, html: bool) -> list[Piece]:
    """The pieces of a message in the order in which they are shown.

    Args:
        message: the message in transit.
        report: what a check of it found: what was opened is shown instead of its wrapping.
        html: whether HTML is wanted where there is plain text too.
    """
    choice = _Choice(report, html=html)
    found: list[Piece] = []
    for piece in choice.of(0, message.root):
        if len(found) >= MOST:
            found.append(Said(f"Of this message the first {MOST} pieces are shown; the part tree has all."))
            break
        found.append(piece)
    if any(isinstance(one, Page | Said) or (isinstance(one, Words) and not _is_blank(one.part)) for one in found):
        return found
    return [Said("This message has no text."), *(one for one in found if not isinstance(one, Words))]


class _Choice:
    """A walk through the parts; each method yields the pieces of what it is given."""

    def __init__(self, report: Report | None, *, html: bool) -> None:
        self._layers: Sequence[Layer] = () if report is None else report.layers
        self._results: Sequence[AuthResult] = () if report is None else report.results
        self._shown = None if report is None else report.shown
        self._checked = report is not None
        self._html = html
        self._depth = 0
        self._readable: dict[int, bool] = {}

    def of(self, layer: int, part: Part) -> Iterator[Piece]:
        if self._depth >= _DEEPEST:
            yield Said("What lies deeper is not shown; the part tree goes on.")
            return
        self._depth += 1
        yield from self._of(layer, part)
        self._depth -= 1

    def _of(self, layer: int, part: Part) -> Iterator[Piece]:
        inner = next((one for one in self._layers if one.opened is part and one.message is not None), None)
        if inner is not None and inner.message is not None:
            yield from self.of(inner.index, inner.message.root)
            return
        kind = part.content_type
        if part.is_multipart:
            yield from self._multipart(layer, part)
        elif kind in _SMIME:
            yield self._closed(layer, part)
        elif self._is_wrapping(part):
            yield from self.of(layer, part.message.root if part.message is not None else part)
        elif part.is_message and part.disposition != "attachment":
            yield from self._enclosed(layer, part)
        elif kind == "message/external-body":
            yield Said("A part of this message lies elsewhere (message/external-body); nothing is fetched.")
        elif part.disposition == "attachment":
            yield AttachedPart(layer, part)
        elif kind == "text/html":
            yield Page(layer, part, self._has_copies(part))
        elif kind in _AS_TEXT or (part.media.type == "text" and kind != "text/calendar"):
            yield Words(layer, part, self._has_copies(part))
        else:
            yield AttachedPart(layer, part)

    def _has_copies(self, part: Part) -> bool:
        return self._shown is not None and self._shown.has_legacy_display(part)

    def _is_wrapping(self, part: Part) -> bool:
        """Whether the message was wrapped whole in a part, whose header is shown above (RFC 9788 section 4.10)."""
        body = None if self._shown is None or self._shown.scheme != "rfc8551" else self._shown.body
        return body is not None and part.is_message and part.message is not None and part.message.root is body

    # -- multiparts

    def _multipart(self, layer: int, part: Part) -> Iterator[Piece]:
        subtype, children = part.media.subtype, part.children
        if not children:
            # no parts were found in it: what is there is text to whoever looks
            yield Words(layer, part)
        elif subtype == "alternative":
            yield from self._alternative(layer, children)
        elif subtype == "related":
            yield from self._related(layer, part)
        elif subtype == "encrypted":
            yield Said("This is encrypted in a way that mailsec cannot open (multipart/encrypted).")
            yield from self._named(layer, [one for one in children if one.content_type != "application/pgp-encrypted"])
        elif subtype == "signed":
            yield from self.of(layer, children[0])
            yield from self._named(layer, [one for one in children[1:] if one.content_type not in _SIGNATURES])
        else:
            for child in children:
                yield from self.of(layer, child)

    def _alternative(self, layer: int, children: Sequence[Part]) -> Iterator[Piece]:
        shown = self._best(children)
        for child in children:
            if child is shown:
                yield from self.of(layer, child)
            elif not self._is_readable(child):
                yield from self.of(layer, child)  # an invitation, say

    def _best(self, children: Sequence[Part]) -> Part | None:
        """Of several forms of one thing that which is wanted: the last is the richest (RFC 2046 section 5.1.4)."""
        readable = [child for child in children if self._is_readable(child)]
        plain = [one for one in readable if one.content_type == "text/plain" and not _is_blank(one)]
        rich = [one for one in readable if one.content_type != "text/plain"]
        pages = [one for one in rich if _has_page(one)] or rich
        for group in (pages, plain) if self._html else (plain, pages):
            if group:
                return group[-1]
        return readable[-1] if readable else None

    def _is_readable(self, part: Part) -> bool:
        """Whether a part, or something in it, can be shown as text; asked again on every level above."""
        known = self._readable.get(id(part))
        if known is None:
            if part.is_multipart:
                known = any(map(self._is_readable, part.children))
            else:
                known = part.media.type == "text" and part.media.subtype != "calendar"
                known = known and part.disposition != "attachment"
            self._readable[id(part)] = known
        return known

    def _related(self, layer: int, part: Part) -> Iterator[Piece]:
        start = part.media.params.get("start", "").strip().strip("<>")
        children = part.children
        root = next((one for one in children if start and one.content_id == start), children[0])
        yield from self.of(layer, root)
        yield from self._named(layer, [one for one in children if one is not root])

    def _named(self, layer: int, parts: Sequence[Part]) -> Iterator[Piece]:
        pictures = [one for one in parts if one.media.type == "image" and one.disposition != "attachment"]
        if len(pictures) > _PICTURES:
            yield Said(f"{len(pictures)} pictures belong to this page; the part tree names them.")
            parts = [one for one in parts if one not in pictures]
        for one in parts:
            if one.is_multipart:
                yield from self.of(layer, one)
            else:
                yield AttachedPart(layer, one)

    # -- what lies inside

    def _enclosed(self, layer: int, part: Part) -> Iterator[Piece]:
        message = part.message
        if message is None:  # nested too deep, or in an encoding that is unknown
            yield AttachedPart(layer, part)
            return
        yield Enclosed(layer, part, message)
        yield from self.of(layer, message.root)
        yield EndOfEnclosed(layer, part)

    def _closed(self, layer: int, part: Part) -> Piece:
        """What stands for an S/MIME part that was not opened."""
        if not self._checked:
            return Said("This part is wrapped in S/MIME; it is shown when it has been checked.")
        for one in self._results:
            where = one.properties.get("body.smime-part", "")
            if one.method == "smime" and one.layer == layer and where == (part.path or "1"):
                if one.cause is Cause.LOCKED:
                    return Said(
                        f"This part is closed: {safe_text(one.reason).rstrip('.')}. The action Unlock asks for it."
                    )
                if one.result is not Result.PASS and one.reason:
                    nothing = one.result is Result.NONE  # such as a receipt, or certificates alone
                    what = "There is nothing to show in this part" if nothing else "This part could not be opened"
                    return Said(f"{what}: {safe_text(one.reason).rstrip('.')}.")
                break
        return AttachedPart(layer, part)


def _has_page(part: Part) -> bool:
    if part.is_multipart:
        return any(map(_has_page, part.children))
    return part.content_type == "text/html"


def _is_blank(part: Part) -> bool:
    """Whether a short text says nothing, as that of a sender who only wrote HTML."""
    return len(part.body) < 1_000 and not part.text.strip()
