"""The header of a message as it is to be shown: which fields are protected from end to end, and how (RFC 9788).

Protected are the fields of the Cryptographic Payload: of what lies inside the innermost of the layers that are wrapped
around the whole message. A part beside others, and a message inside this one, are neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from mailsec.hooks.types import AuthResult, Result
from mailsec.message.addresses import Group, Mailbox, mailboxes
from mailsec.message.dates import parse_date
from mailsec.message.domains import same_address
from mailsec.message.protection import Payload, find_payload, is_structural, same_authors

if TYPE_CHECKING:
    from datetime import datetime

    from mailsec.message import HeaderField, HeaderSection, Part
    from mailsec.pipeline.report import Layer, Report

__all__ = ["FieldState", "FromMismatch", "ShownField", "ShownHeader", "payload_layer"]


class FieldState(StrEnum):
    """How a header field is protected from end to end (RFC 9788 section 4.3)."""

    UNPROTECTED = "unprotected"
    SIGNED = "signed-only"
    ENCRYPTED = "encrypted-only"
    SIGNED_AND_ENCRYPTED = "signed-and-encrypted"

    @property
    def is_signed(self) -> bool:
        """Whether a signature that holds covers it."""
        return self in {FieldState.SIGNED, FieldState.SIGNED_AND_ENCRYPTED}

    @property
    def is_confidential(self) -> bool:
        """Whether its writer kept it from the outer header section: a reply must not show it there either."""
        return self in {FieldState.ENCRYPTED, FieldState.SIGNED_AND_ENCRYPTED}


@dataclass(frozen=True, slots=True)
class ShownField:
    """A header field as it is to be shown.

    Attributes:
        field: the field; its value is foreign text.
        state: how it is protected.
    """

    field: HeaderField
    state: FieldState


@dataclass(frozen=True, slots=True)
class FromMismatch:
    """A protected From field that does not match the outer one (RFC 9788 section 4.4.1.1).

    Attributes:
        outside: the addresses of the outer From field; foreign text.
        inside: the addresses of the protected one; foreign text.
        bound: whether a signature holds that was made with a certificate for the protected address. Then the protected
            field is shown; else the outer one, and the reader is to be warned (sections 4.4.2 and 4.4.3).
    """

    outside: tuple[str, ...]
    inside: tuple[str, ...]
    bound: bool


class ShownHeader:
    """The header of a message as it is to be shown (RFC 9788 section 4).

    Args:
        report: what a check of the message found.

    Attributes:
        scheme: `"rfc9788"`, `"rfc8551"`, or `None` for a message without header protection.
        layer: the layer in which the protected fields were found; 0 without header protection.
        protected: the protected header section; `None` without header protection.
        body: the part that is shown as the message's body; `None` without header protection.
        signatures: the signatures that hold and cover the protected fields.
        mismatch: the protected and the outer author where they are not the same.
    """

    def __init__(self, report: Report) -> None:
        self._outer = report.layers[0].header
        self.layer = 0
        self.scheme: Literal["rfc9788", "rfc8551"] | None = None
        self.body: Part | None = None
        self.signatures: tuple[AuthResult, ...] = ()
        self.mismatch: FromMismatch | None = None
        self.protected: HeaderSection | None = None
        self._encrypted = self._has_layer = False
        layers = _envelope(report.layers)
        innermost = layers[-1]
        if len(layers) < 2 or innermost.message is None:
            return
        payload = find_payload(innermost.message.root, self._outer)
        if payload is None:
            return
        self.scheme, self.layer, self.body = payload.scheme, innermost.index, payload.root
        self.protected = payload.header
        # Encryption may have been added on the way to what its writer meant to be read by anybody (section 4.3.1).
        self._has_layer = any(one.reached == "encrypted" for one in layers)
        self._encrypted = self._has_layer and payload.intent != "clear"
        self.signatures = tuple(_signatures(report, layers))
        self.mismatch = self._compare_authors(payload)

    # -- fields --------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[ShownField]:
        """All fields that say something about the message, the protected ones before those that are only outside."""
        sections = (self._outer,) if self.protected is None else (self.protected, self._outer)
        names = dict.fromkeys(field.key for section in sections for field in section if not _is_machinery(field))
        for name in names:
            yield from self.all(name)

    def all(self, name: str) -> tuple[ShownField, ...]:
        """The fields of a name: those that are protected, and only where there are none those outside.

        Of From it is as `FromMismatch` says.

        Args:
            name: a field name; letters are compared without case.
        """
        return tuple(ShownField(field, self._state(field)) for field in self._section(name).all(name))

    def last(self, name: str) -> ShownField | None:
        """The lowest field of a name, the one that a message of `mailsec.message` shows; `None` without any.

        Args:
            name: a field name; letters are compared without case.
        """
        found = self._section(name).last(name)
        return None if found is None else ShownField(found, self._state(found))

    def addresses(self, name: str) -> tuple[Mailbox | Group, ...]:
        """The addresses in all fields of a name.

        Args:
            name: the name of an address field, such as `"to"`.
        """
        return self._section(name).addresses(name)

    @property
    def authors(self) -> tuple[Mailbox, ...]:
        """The mailboxes in the From field that is shown, those in groups too."""
        return mailboxes(self.addresses("from"))

    @property
    def subject(self) -> str:
        """The subject that is shown, decoded; foreign text, empty without one."""
        found = self.last("subject")
        return "" if found is None else found.field.value

    @property
    def date(self) -> datetime | None:
        """The date that is shown, aware; `None` where there is none that can be read."""
        found = self.last("date")
        return None if found is None else parse_date(found.field.raw_value)

    def is_signed(self, name: str) -> bool:
        """Whether there are fields of a name and signatures cover all that are shown.

        Args:
            name: a field name; letters are compared without case.
        """
        found = self.all(name)
        return bool(found) and all(one.state.is_signed for one in found)

    @cached_property
    def outside(self) -> tuple[tuple[str, str], ...]:
        """Name and value of the fields that the writer put outside of the encryption (RFC 9788 section 4.2).

        These are the HP-Outer fields of an encrypted message, or with the older scheme the outer header section
        itself. A reply puts no more of the message outside than this. Empty for a message that is not encrypted.
        """
        if self.protected is None or not self._encrypted:
            return ()
        if self.scheme == "rfc8551":
            return tuple((field.name, field.value) for field in self._outer if not is_structural(field))
        pairs = (field.value.partition(":") for field in self.protected.all("hp-outer"))
        return tuple((name.strip(), value.strip()) for name, colon, value in pairs if colon)

    def has_legacy_display(self, part: Part) -> bool:
        """Whether a part's text begins with copies of header fields, which are not shown (RFC 9788 section 4.5.3.1).

        They are for programs that know no protected header fields, and only in what is encrypted.

        Args:
            part: a part of text.
        """
        if self.scheme != "rfc9788" or not self._has_layer:
            return False
        if part.content_type not in {"text/plain", "text/html"} or part.disposition == "attachment":
            return False
        if part.media.params.get("hp-legacy-display", "").strip() != "1":
            return False
        above: Part | None = part
        while above is not None and above is not self.body and not above.is_message:
            above = above.parent
        return above is self.body

    # -- inner workings ------------------------------------------------------------------------------------

    def _section(self, name: str) -> HeaderSection:
        protected = self.protected
        if protected is None or protected.first(name) is None:
            return self._outer
        if name.lower() == "from" and self.mismatch is not None and not self.mismatch.bound:
            return self._outer
        return protected

    def _state(self, field: HeaderField) -> FieldState:
        """The state of a field, by RFC 9788 section 4.3.1."""
        protected = self.protected
        if protected is None or field.index >= len(protected) or protected[field.index] is not field:
            return FieldState.UNPROTECTED
        signed = self._is_signed(field)
        if self._encrypted and not self._is_outside(field):
            return FieldState.SIGNED_AND_ENCRYPTED if signed else FieldState.ENCRYPTED
        return FieldState.SIGNED if signed else FieldState.UNPROTECTED

    def _is_signed(self, field: HeaderField) -> bool:
        if self.scheme == "rfc8551":  # it stands in the body that the signatures cover
            return bool(self.signatures)
        return any(
            one.coverage is not None and (one.coverage.layer != self.layer or field.index in one.coverage.fields)
            for one in self.signatures
        )

    def _is_outside(self, field: HeaderField) -> bool:
        # However it is folded or encoded: what can be read outside is not called confidential.
        return (field.key, _plain(field.value)) in self._values_outside

    @cached_property
    def _values_outside(self) -> frozenset[tuple[str, str]]:
        return frozenset((name.lower(), _plain(value)) for name, value in self.outside)

    def _compare_authors(self, payload: Payload) -> FromMismatch | None:
        inner = payload.header
        if inner.first("from") is None or same_authors(inner, self._outer):
            return None
        inside = tuple(one.address for one in mailboxes(inner.addresses("from")))
        outside = tuple(one.address for one in mailboxes(self._outer.addresses("from")))
        clear = same_authors(inner, inner)  # one field with addresses that match themselves
        bound = clear and any(
            all(same_address(one.properties.get("body.smime-identifier", ""), author) for author in inside)
            for one in self.signatures
        )
        return FromMismatch(outside, inside, bound)


def _plain(value: str) -> str:
    return " ".join(value.split())


def _is_machinery(field: HeaderField) -> bool:
    return is_structural(field) or field.key == "hp-outer"


def payload_layer(layers: Sequence[Layer]) -> Layer | None:
    """The innermost of the layers that are wrapped around the whole message; `None` where there is none.

    Args:
        layers: the layers of a report.
    """
    found = _envelope(layers)[-1]
    return found if found.index else None


def _envelope(layers: Sequence[Layer]) -> list[Layer]:
    """The Cryptographic Envelope from outside (RFC 9787 section 4.4): the message, and what each wrapping held."""
    found = [layers[0]]
    for layer in layers[1:]:
        if layer.parent == found[-1].index and _is_all(layer, found[-1]):
            found.append(layer)
    return found


def _is_all(layer: Layer, above: Layer) -> bool:
    """Whether a layer was opened out of all that the layer above it holds."""
    if layer.opened is not None:
        return layer.opened.parent is None
    return not layer.part or (above.message is not None and above.message.root.path == layer.part)


def _signatures(report: Report, layers: Sequence[Layer]) -> Iterator[AuthResult]:
    """The signatures over the payload that hold.

    One over what is encrypted is none: it does not say that its maker could read what is inside.
    """
    inside: set[int] = set()
    for layer in reversed(layers[1:]):
        if layer.reached == "encrypted":
            break
        inside.add(layer.index)
    for one in report.results:
        covered = one.coverage is not None and one.coverage.layer in inside
        if covered and one.result is Result.PASS and report.is_whole(one):
            yield one
