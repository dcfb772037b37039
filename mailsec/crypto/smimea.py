"""Certificates in the DNS: SMIMEA records (RFC 8162), their names, and what they match."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailsec.crypto.certificates import Certificate
from mailsec.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SmimeaRecord", "match_smimea", "parse_smimea", "smimea_name"]

_RECORD_CHARACTERS: Final = 1 << 17
_SIZES: Final = {1: 32, 2: 64}  # octets by matching type (RFC 6698 section 2.1.3)
_ISSUER_USAGES: Final = frozenset({0, 2})


@dataclass(frozen=True, slots=True)
class SmimeaRecord:
    """One record, with the fields of a TLSA record (RFC 6698 section 2.1).

    Attributes:
        usage: 0 and 2 name an authority above the certificate, 1 and 3 the certificate itself; 0 and 1 ask for a path
            to an anchor besides, 2 and 3 do not.
        selector: what is compared: 0 the certificate, 1 its SubjectPublicKeyInfo.
        matching: how: 0 the whole, 1 its SHA-256, 2 its SHA-512.
        data: what it is compared with.
    """

    usage: int
    selector: int
    matching: int
    data: bytes

    @property
    def names_issuer(self) -> bool:
        """Whether it is an authority that is named."""
        return self.usage in _ISSUER_USAGES

    @property
    def needs_path(self) -> bool:
        """Whether a path to an anchor of the user is wanted besides (usages 0 and 1)."""
        return self.usage in {0, 1}

    def matches(self, certificate: Certificate) -> bool:
        """Whether the record names this certificate; which place it has in a path is not looked at."""
        selected = certificate.der if self.selector == 0 else certificate.public_key.spki_der()
        if self.matching == 1:
            selected = hashlib.sha256(selected).digest()
        elif self.matching == 2:
            selected = hashlib.sha512(selected).digest()
        return selected == self.data

    def certificate(self) -> Certificate | None:
        """The certificate that the record holds whole; `None` where it holds a key or a digest.

        Raises:
            CertificateError: what should be a certificate is none.
        """
        if self.selector != 0 or self.matching != 0:
            return None
        return Certificate.from_der(self.data)


def smimea_name(address: str) -> str:
    r"""The name at which the records of an address lie (RFC 8162 section 3).

    The local part is taken as it is, but for quotes, which are removed, and NFC; its case counts, since only its own
    server knows whether two local parts mean one mailbox.

    Args:
        address: an addr-spec.

    Raises:
        InputError: it is no address.

    Example:
        >>> smimea_name("hugh@example.com")
        'c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6._smimecert.example.com'
    """
    local, _, domain = address.rpartition("@")
    local = _canonical(local)
    domain = domain.removesuffix(".")
    if not local or not domain or "@" in domain:
        raise InputError("an address with a local part and a domain is wanted")
    digest = hashlib.sha256(local.encode("utf-8", "surrogatepass")).digest()[:28]
    return f"{digest.hex()}._smimecert.{domain}"


def _canonical(local: str) -> str:
    """The local part without white space around its dots, without quotes, in NFC."""
    local = local.strip()
    if len(local) >= 2 and local.startswith('"') and local.endswith('"'):
        found, escaped = [], False
        for character in local[1:-1]:
            if character == "\\" and not escaped:
                escaped = True
                continue
            found.append(character)
            escaped = False
        local = "".join(found)
    else:
        local = ".".join(word.strip() for word in local.split("."))
    return local if local.isascii() else unicodedata.normalize("NFC", local)


def parse_smimea(text: str) -> SmimeaRecord:
    """Reads a record in its presentation form (RFC 6698 section 2.2), as answers carry it.

    Args:
        text: three numbers and hexadecimal digits, which white space may part.

    Raises:
        InputError: it is none, or of a usage, selector or matching type that is not known.
    """
    if len(text) > _RECORD_CHARACTERS:
        raise InputError(f"the record has more than {_RECORD_CHARACTERS} characters")
    fields = text.split()
    try:
        usage, selector, matching = map(int, fields[:3])
        data = bytes.fromhex("".join(fields[3:]))
    except ValueError:
        raise InputError("it is no SMIMEA record: three numbers and hexadecimal digits are wanted") from None
    for value, highest, what in ((usage, 3, "usage"), (selector, 1, "selector"), (matching, 2, "matching type")):
        if not 0 <= value <= highest:
            raise InputError(f"its {what} {value} is not known")
    if not data or len(data) != _SIZES.get(matching, len(data)):
        raise InputError(f"it has {len(data)} octets to compare with, which its matching type {matching} cannot have")
    return SmimeaRecord(usage, selector, matching, data)


def match_smimea(records: Sequence[SmimeaRecord], path: Sequence[Certificate]) -> SmimeaRecord | None:
    """The first record that a certificate agrees with, by the place that the record's usage gives it.

    Whether the path is valid, and for usages 0 and 1 whether it ends at an anchor, is the caller's to find out.

    Args:
        records: the records of the address.
        path: the certificate, then those of its issuers as far as known.
    """
    for record in records:
        places = path[1:] if record.names_issuer else path[:1]
        if any(record.matches(certificate) for certificate in places):
            return record
    return None
