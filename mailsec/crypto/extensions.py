"""The values of certificate extensions (RFC 5280 section 4.2.1), each read from its DER.

Every reader raises `der.DERError` for a malformed value; `Certificate` turns that into a defect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailsec.crypto import der

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AUTHORITY_KEY_IDENTIFIER",
    "BASIC_CONSTRAINTS",
    "EXTENDED_KEY_USAGE",
    "KEY_USAGE",
    "NAME_CONSTRAINTS",
    "SUBJECT_ALT_NAME",
    "SUBJECT_KEY_IDENTIFIER",
    "AlternativeNames",
    "BasicConstraints",
    "NameConstraints",
    "authority_key_identifier",
    "basic_constraints",
    "extended_key_usage",
    "general_names",
    "key_usage",
    "name_constraints",
    "subject_key_identifier",
]

SUBJECT_KEY_IDENTIFIER: Final = "2.5.29.14"
KEY_USAGE: Final = "2.5.29.15"
SUBJECT_ALT_NAME: Final = "2.5.29.17"
BASIC_CONSTRAINTS: Final = "2.5.29.19"
NAME_CONSTRAINTS: Final = "2.5.29.30"
AUTHORITY_KEY_IDENTIFIER: Final = "2.5.29.35"
EXTENDED_KEY_USAGE: Final = "2.5.29.37"

SMTP_UTF8_MAILBOX: Final = "1.3.6.1.5.5.7.8.9"  # RFC 9598 section 3
KEY_USAGES: Final = (
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
)
PURPOSES: Final[Mapping[str, str]] = {
    "2.5.29.37.0": "anyExtendedKeyUsage",
    "1.3.6.1.5.5.7.3.1": "serverAuth",
    "1.3.6.1.5.5.7.3.2": "clientAuth",
    "1.3.6.1.5.5.7.3.3": "codeSigning",
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.8": "timeStamping",
    "1.3.6.1.5.5.7.3.9": "OCSPSigning",
}


@dataclass(frozen=True, slots=True)
class BasicConstraints:
    """Section 4.2.1.9: whether the certificate is an authority's, and how many may stand below it."""

    is_ca: bool = False
    path_length: int | None = None


@dataclass(frozen=True, slots=True)
class AlternativeNames:
    """GeneralNames (section 4.2.1.6), those kinds that mail has a use for.

    Attributes:
        emails: rfc822Name and SmtpUTF8Mailbox (RFC 9598), the former first.
        utf8_emails: those of the second kind among them.
        directories: directoryName, each a Name in DER.
        others: the context tags of all other kinds.
    """

    emails: tuple[str, ...] = ()
    utf8_emails: tuple[str, ...] = ()
    directories: tuple[bytes, ...] = ()
    others: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class NameConstraints:
    """Section 4.2.1.10."""

    permitted: AlternativeNames = AlternativeNames()
    excluded: AlternativeNames = AlternativeNames()


def basic_constraints(value: bytes) -> BasicConstraints:
    """Reads BasicConstraints."""
    at, stop = _sequence(value)
    is_ca, path_length = False, None
    if at < stop and value[at] == der.BOOLEAN:
        start, at = der.expect(value, at, stop, der.BOOLEAN)
        is_ca = _boolean(value, start, at)
    if at < stop:
        start, at = der.expect(value, at, stop, der.INTEGER)
        path_length = der.integer(value, start, at)
        if path_length < 0:
            raise der.DERError("a path length is negative")
    if at != stop:
        raise der.DERError("there is something after the basic constraints")
    return BasicConstraints(is_ca, path_length)


def key_usage(value: bytes) -> frozenset[str]:
    """Reads KeyUsage: the names of the bits that are set."""
    start, stop = der.expect(value, 0, len(value), der.BIT_STRING)
    if stop != len(value) or not start < stop <= start + 3:
        raise der.DERError("a key usage is malformed")
    bits = "".join(f"{octet:08b}" for octet in value[start + 1 : stop])
    return frozenset(name for name, bit in zip(KEY_USAGES, bits, strict=False) if bit == "1")


def extended_key_usage(value: bytes) -> tuple[str, ...]:
    """Reads ExtKeyUsageSyntax: names where they are known (`"emailProtection"`), else dotted identifiers."""
    purposes: list[str] = []
    for tag, _, start, stop in der.children(value, *_sequence(value)):
        if tag != der.OID:
            raise der.DERError("an extended key usage is malformed")
        oid = der.oid_text(value, start, stop)
        purposes.append(PURPOSES.get(oid, oid))
    if not purposes:
        raise der.DERError("an extended key usage is empty")
    return tuple(purposes)


def subject_key_identifier(value: bytes) -> bytes:
    """Reads SubjectKeyIdentifier."""
    start, stop = der.expect(value, 0, len(value), der.OCTET_STRING)
    return value[start:stop]


def authority_key_identifier(value: bytes) -> bytes | None:
    """Reads the keyIdentifier of AuthorityKeyIdentifier, if it has one."""
    for tag, _, start, stop in der.children(value, *_sequence(value)):
        if tag == 0x80:
            return value[start:stop]
    return None


def general_names(value: bytes) -> AlternativeNames:
    """Reads GeneralNames."""
    return _general_names(value, [element[:1] + element[2:] for element in der.children(value, *_sequence(value))])


def name_constraints(value: bytes) -> NameConstraints:
    """Reads NameConstraints; minimum and maximum must be absent, as section 4.2.1.10 wants."""
    sides = {0xA0: AlternativeNames(), 0xA1: AlternativeNames()}
    for tag, _, start, stop in der.children(value, *_sequence(value)):
        if tag not in sides:
            raise der.DERError("name constraints are malformed")
        bases: list[tuple[int, int, int]] = []
        for kind, _, inner, end in der.children(value, start, stop):
            if kind != der.SEQUENCE:
                raise der.DERError("a name constraint is malformed")
            base = der.read(value, inner, end)
            if base[2] != end:
                raise der.DERError("a name constraint has a minimum or a maximum")
            bases.append(base)
        sides[tag] = _general_names(value, bases)
    return NameConstraints(sides[0xA0], sides[0xA1])


def _general_names(value: bytes, elements: list[tuple[int, int, int]]) -> AlternativeNames:
    emails: list[str] = []
    utf8_emails: list[str] = []
    directories: list[bytes] = []
    others: set[int] = set()
    for tag, start, stop in elements:
        if tag == 0x81:  # rfc822Name; octets above ASCII, which it must not have, never match an address
            emails.append(value[start:stop].decode("ascii", "replace"))
        elif tag == 0xA4:
            directories.append(value[start:stop])
        elif tag == 0xA0 and (mailbox := _smtp_utf8_mailbox(value, start, stop)) is not None:
            utf8_emails.append(mailbox)
        else:
            others.add(tag & 0x1F)
    return AlternativeNames(
        tuple(dict.fromkeys(emails + utf8_emails)), tuple(utf8_emails), tuple(directories), frozenset(others)
    )


def _smtp_utf8_mailbox(value: bytes, start: int, stop: int) -> str | None:
    inner, at = der.expect(value, start, stop, der.OID)
    if der.oid_text(value, inner, at) != SMTP_UTF8_MAILBOX:
        return None
    inner, end = der.expect(value, at, stop, 0xA0)
    first, last = der.expect(value, inner, end, 0x0C)
    return value[first:last].decode("utf-8", "replace")


def _sequence(value: bytes) -> tuple[int, int]:
    start, stop = der.expect(value, 0, len(value), der.SEQUENCE)
    if stop != len(value):
        raise der.DERError("there is something after the end of an extension")
    return start, stop


def _boolean(octets: bytes, start: int, stop: int) -> bool:
    if stop != start + 1:
        raise der.DERError("a BOOLEAN is malformed")
    return octets[start] != 0
