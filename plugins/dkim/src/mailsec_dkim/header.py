"""Canonicalization and hashing of header fields (RFC 6376 sections 3.4.1, 3.4.2, 3.7 and 5.4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mailsec.message import HeaderField, HeaderSection

__all__ = ["canonicalize_field", "hash_input", "index_fields", "select_fields"]


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
    if value.endswith(b"\r\n"):
        value = value[:-2]
    if b"\n" in value:
        value = value.replace(b"\r\n", b"").replace(b"\n", b"")
    if b"\t" in value:
        value = value.replace(b"\t", b" ")
    while b"  " in value:
        value = value.replace(b"  ", b" ")
    return b"%b:%b\r\n" % (name.rstrip(b" \t").lower(), value.strip(b" "))


def index_fields(section: HeaderSection) -> dict[bytes, list[HeaderField]]:
    """The fields of a header section by name in lower case, each name's from the top."""
    fields: dict[bytes, list[HeaderField]] = {}
    for field in section:
        fields.setdefault(field.raw_name.rstrip(b" \t").lower(), []).append(field)
    return fields


def select_fields(fields: Mapping[bytes, Sequence[HeaderField]], signed: Iterable[bytes]) -> list[HeaderField]:
    """Finds the fields that a list of names means (RFC 6376 section 5.4.2).

    Each occurrence of a name means the next field of that name from the bottom up. One that finds none is the
    null input: it covers the absence of a further field.

    Args:
        fields: the header section, from `index_fields`.
        signed: names in lower case, in the order of h=.

    Returns:
        The fields, in the order in which they are hashed.
    """
    taken: dict[bytes, int] = {}
    selected: list[HeaderField] = []
    for name in signed:
        present = fields.get(name)
        if present is None:
            continue
        count = taken.get(name, 0) + 1
        if count <= len(present):
            selected.append(present[-count])
            taken[name] = count
    return selected


def hash_input(
    selected: Iterable[HeaderField], signature_field: bytes, blank: tuple[int, int], algorithm: str
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
    pieces = [canonicalize_field(field.raw, algorithm) for field in selected]
    pieces.append(canonicalize_field(unsigned, algorithm)[:-2])  # without its CRLF
    return b"".join(pieces)
