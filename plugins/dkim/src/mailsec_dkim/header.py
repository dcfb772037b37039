"""Canonicalization and hashing of header fields (RFC 6376 sections 3.4.1, 3.4.2, 3.7 and 5.4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mailsec.message import HeaderSection

__all__ = [
    "CanonicalField",
    "CanonicalHeader",
    "canonicalize_field",
    "canonicalize_header",
    "hash_input",
    "select_fields",
]


CanonicalField: TypeAlias = tuple[int, bytes]
"""The index of a header field in its section, and the field in canonical form with its CRLF."""

CanonicalHeader: TypeAlias = "Mapping[bytes, list[CanonicalField]]"
"""The fields of a header section by name in lower case, those of each name from the top."""


def canonicalize_field(raw: bytes, algorithm: str) -> bytes:
    """Brings a header field into canonical form (RFC 6376 sections 3.4.1 and 3.4.2).

    Args:
        raw: the whole field as received; lines that end in a bare LF, as stored mail has them, count as ended by CRLF.
        algorithm: `"simple"` or `"relaxed"`.

    Returns:
        The field, with its CRLF.
    """
    if algorithm == "simple":
        if raw.count(b"\n") != raw.count(b"\r\n"):
            raw = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        return raw if raw.endswith(b"\r\n") else raw + b"\r\n"
    name, _, value = raw.partition(b":")
    if b"\n" in value:
        value = value.replace(b"\r\n", b"").replace(b"\n", b"")
    return b"%b:%b\r\n" % (name.rstrip(b" \t").lower(), _reduce(value).strip(b" "))


def canonicalize_header(section: HeaderSection, algorithm: str) -> CanonicalHeader:
    """Brings all fields of a header section into canonical form.

    Args:
        section: the header section.
        algorithm: `"simple"` or `"relaxed"`.
    """
    fields = _relax_all(section) if algorithm == "relaxed" else None
    if fields is not None:
        return fields
    fields = {}
    for field in section:
        if name := field.raw_name.rstrip(b" \t").lower():
            fields.setdefault(name, []).append((field.index, canonicalize_field(field.raw, algorithm)))
    return fields


def _relax_all(section: HeaderSection) -> dict[bytes, list[CanonicalField]] | None:
    """The relaxed form of all fields in a few passes over all of them; `None` where lines are too odd for that."""
    octets = bytes(section.octets).replace(b"\r\n", b"\n").replace(b"\t", b" ").replace(b"\n ", b" ")
    lines = _reduce(octets).split(b"\n")
    if lines.pop() or len(lines) != len(section):  # an end that is no line end, or over a limit of the parser
        return None
    fields: dict[bytes, list[CanonicalField]] = {}
    for index, line in enumerate(lines):
        name, colon, value = line.partition(b":")
        if not colon or not name:
            continue
        if name.endswith(b" "):  # a colon that may have stood in another line than the name
            return None
        name = name.lower()
        field = index, name + b":" + value.strip(b" ") + b"\r\n"
        if name in fields:
            fields[name].append(field)
        else:
            fields[name] = [field]
    return fields


def _reduce(octets: bytes) -> bytes:
    """Reduces each run of spaces and tabs to one space."""
    if b"\t" in octets:
        octets = octets.replace(b"\t", b" ")
    while b"  " in octets:
        octets = octets.replace(b"  ", b" ")
    return octets


def select_fields(fields: CanonicalHeader, signed: Iterable[bytes], own: int | None = None) -> list[CanonicalField]:
    """Finds the fields that a list of names means (RFC 6376 section 5.4.2).

    Each occurrence of a name means the next field of that name from the bottom up. One that finds none is the
    null input: it covers the absence of a further field.

    Args:
        fields: the header section, from `canonicalize_header`.
        signed: names in lower case, in the order of h=.
        own: the index of the DKIM-Signature field that is being verified, which h= never means.

    Returns:
        The fields, in the order in which they are hashed.
    """
    taken: dict[bytes, int] = {}
    selected: list[CanonicalField] = []
    for name in signed:
        present = fields.get(name)
        if present is None:
            continue
        if name == b"dkim-signature":
            present = [field for field in present if field[0] != own]
        count = taken.get(name, 0) + 1
        if count <= len(present):
            selected.append(present[-count])
            taken[name] = count
    return selected


def hash_input(
    selected: Iterable[CanonicalField], signature_field: bytes, blank: tuple[int, int], algorithm: str
) -> bytes:
    """What is hashed for b= (RFC 6376 section 3.7 step 2).

    Args:
        selected: the signed fields, from `select_fields`.
        signature_field: the DKIM-Signature field as received.
        blank: where the value of b= stands in what follows its colon; that is left out.
        algorithm: the header canonicalization.
    """
    body = signature_field.index(b":") + 1
    unsigned = signature_field[: body + blank[0]] + signature_field[body + blank[1] :]
    pieces = [octets for _, octets in selected]
    pieces.append(canonicalize_field(unsigned, algorithm)[:-2])  # without its CRLF
    return b"".join(pieces)
