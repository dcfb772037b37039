"""Distinguished names: as text (RFC 4514), and compared (RFC 5280 section 7.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from mailsec.crypto import der
from mailsec.message.normalization import nfkc

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EMAIL_ADDRESS", "CanonicalName", "attributes", "canonical", "rfc4514"]

CanonicalName: TypeAlias = tuple[frozenset[tuple[str, str | bytes]], ...]

EMAIL_ADDRESS: Final = "1.2.840.113549.1.9.1"
_SHORT: Final[Mapping[str, str]] = {
    "2.5.4.3": "CN",
    "2.5.4.4": "SN",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "STREET",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.12": "title",
    "2.5.4.42": "GN",
    "2.5.4.65": "pseudonym",
    "2.5.4.97": "organizationIdentifier",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
    EMAIL_ADDRESS: "emailAddress",
}
_ESCAPES: Final = {ord(char): f"\\{char}" for char in '\\,+"<>;'} | {0: "\\00"}


def attributes(name: bytes) -> list[list[tuple[str, str | None, bytes]]]:
    """The relative distinguished names of a Name in DER, each a list of its attributes.

    Returns:
        For each attribute its type (dotted), its text (`None` if it is no string), and its value in DER.

    Raises:
        der.DERError: it is no Name.
    """
    rdns: list[list[tuple[str, str | None, bytes]]] = []
    start, stop = der.expect(name, 0, len(name), der.SEQUENCE)
    for tag, _, inner, end in der.children(name, start, stop):
        if tag != der.SET:
            raise der.DERError("a relative distinguished name is no SET")
        rdn: list[tuple[str, str | None, bytes]] = []
        for kind, _, first, last in der.children(name, inner, end):
            if kind != der.SEQUENCE:
                raise der.DERError("an attribute of a name is no SEQUENCE")
            oid, at = der.expect(name, first, last, der.OID)
            value_tag, value, value_end = der.read(name, at, last)
            if value_end != last:
                raise der.DERError("an attribute of a name has more than a type and a value")
            rdn.append((der.oid_text(name, oid, at), der.text(name, value_tag, value, value_end), name[at:last]))
        rdns.append(rdn)
    return rdns


def rfc4514(name: bytes) -> str:
    """A Name in DER as text, the most specific part first (RFC 4514); a malformed one as its octets in hexadecimal."""
    try:
        rdns = attributes(name)
    except der.DERError:
        return f"#{name[:256].hex()}"
    return ",".join("+".join(_attribute(*attribute) for attribute in rdn) for rdn in reversed(rdns))


def _attribute(oid: str, text: str | None, value: bytes) -> str:
    if text is None:
        return f"{_SHORT.get(oid, oid)}=#{value.hex()}"
    escaped = text.translate(_ESCAPES)
    if text[:1] in {" ", "#"}:
        escaped = f"\\{escaped}"
    if len(text) > 1 and text[-1] == " ":
        escaped = f"{escaped[:-1]}\\ "
    return f"{_SHORT.get(oid, oid)}={escaped}"


def canonical(name: bytes) -> CanonicalName:
    """A Name in DER in a form that is equal for names that match: case and runs of spaces do not count.

    A malformed name matches only itself.
    """
    try:
        rdns = attributes(name)
    except der.DERError:
        return (frozenset({("", name)}),)
    return tuple(
        frozenset((oid, value if text is None else _prepare(text)) for oid, text, value in rdn) for rdn in rdns
    )


def _prepare(text: str) -> str:
    """String preparation as far as it matters (RFC 4518): normalised, without case, spaces drawn together."""
    return " ".join(nfkc(text).casefold().split())
