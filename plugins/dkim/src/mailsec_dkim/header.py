"""Canonicalization and hashing of header fields (RFC 6376 sections 3.4.1, 3.4.2, 3.7 and 5.4.2)."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mailsec.message import HeaderSection

__all__ = ["canonicalize_field", "hash_input", "select_fields"]


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
    if 0x0A in value:
        value = value.replace(b"\r\n", b"").replace(b"\n", b"")
    return b"%b:%b\r\n" % (name.rstrip(b" \t").lower(), _reduce(value).strip(b" "))


def _reduce(octets: bytes) -> bytes:
    """Reduces each run of spaces and tabs to one space."""
    if 0x09 in octets:
        octets = octets.replace(b"\t", b" ")
    while octets.find(b"  ") >= 0:
        octets = octets.replace(b"  ", b" ")
    return octets


def select_fields(section: HeaderSection, signed: Iterable[bytes], own: int | None = None) -> list[tuple[int, bytes]]:
    """Finds the fields that a list of names means (RFC 6376 section 5.4.2).

    Each occurrence of a name means the next field of that name from the bottom up. One that finds none is the
    null input: it covers the absence of a further field.

    Args:
        section: the header section.
        signed: names in lower case, in the order of h=.
        own: the index of the DKIM-Signature field that is being verified, which h= never means.

    Returns:
        The index of each field with its name in lower case, in the order in which they are hashed.
    """
    places = section.places
    taken: dict[bytes, int] = {}
    selected: list[tuple[int, bytes]] = []
    for name in signed:
        if name not in places:
            continue
        present = places[name]
        count = taken[name] + 1 if name in taken else 1
        if name == b"dkim-signature" and own is not None and count > len(present) - bisect_right(present, own):
            place = count + 1  # it is above the field itself, which is passed over
        else:
            place = count
        if place <= len(present):
            selected.append((present[-place], name))
            taken[name] = count
    return selected


def hash_input(
    section: HeaderSection,
    selected: Sequence[tuple[int, bytes]],
    signature_field: bytes,
    blank: tuple[int, int],
    algorithm: str,
) -> bytes:
    """What is hashed for b= (RFC 6376 section 3.7 step 2).

    Args:
        section: the header section.
        selected: the signed fields, from `select_fields`.
        signature_field: the DKIM-Signature field as received.
        blank: where the value of b= stands in what follows its colon; that is left out.
        algorithm: the header canonicalization.
    """
    start = signature_field.index(b":") + 1
    unsigned = signature_field[: start + blank[0]] + signature_field[start + blank[1] :]
    if algorithm == "relaxed" and _has_plain_space(section.fields_octets):
        values = map(bytes.split, section.raw_values([index for index, _ in selected]))
        pieces = [name + b":" + b" ".join(words) for (_, name), words in zip(selected, values, strict=True)]
        name, _, value = unsigned.partition(b":")
        pieces.append(name.rstrip(b" \t").lower() + b":" + b" ".join(value.split()))
    else:
        pieces = [canonicalize_field(section[index].raw, algorithm)[:-2] for index, _ in selected]
        pieces.append(canonicalize_field(unsigned, algorithm)[:-2])  # without its CRLF
    return b"\r\n".join(pieces)


def _has_plain_space(octets: bytes) -> bool:
    """Whether what `bytes.split` takes for white space is all white space or line ends to RFC 6376 (section 2.8)."""
    return 0x0B not in octets and 0x0C not in octets and octets.count(b"\r") == octets.count(b"\r\n")
