"""Keys and certificates out of files, into the key store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from mailsec.crypto import Certificate, PrivateIdentity, load_certificates, load_identities
from mailsec.crypto.pem import looks_like_pem, pem_blocks
from mailsec.errors import CertificateError, KeyFileError, LockedError
from mailsec.message import plain_address, safe_text

if TYPE_CHECKING:
    from datetime import datetime

    from mailsec.hooks.types import KeptKey, KeyStore

__all__ = ["Found", "Imported", "addresses_in", "keep_found", "read_keys"]

Found: TypeAlias = Sequence[PrivateIdentity] | Sequence[Certificate]
"""What is in a file: private keys with their certificates, or certificates alone."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What came of a file.

    Attributes:
        keys: the private keys that are kept.
        own: certificates of keys that are kept.
        authorities: certificates of authorities, which are not kept for being in a file.
        known: certificates of correspondents, known and not yet trusted.
        nameless: certificates that name no address, and so were not kept.
    """

    keys: tuple[KeptKey, ...] = ()
    own: tuple[Certificate, ...] = ()
    authorities: tuple[Certificate, ...] = ()
    known: tuple[Certificate, ...] = ()
    nameless: tuple[Certificate, ...] = ()


def read_keys(octets: bytes, name: str, password: bytes | None = None) -> Found:
    """Reads the private keys in a file, or where there are none its certificates.

    Args:
        octets: PEM, PKCS#12 (RFC 7292), DER, or a certs-only PKCS#7 (RFC 8551 section 3.2.2).
        name: the file's name, for whoever is asked for its password.
        password: its password, where it is known.

    Raises:
        LockedError: it has a password, and none was given or a wrong one.
        InputError: it holds nothing of the kind, or is damaged.
    """
    if looks_like_pem(octets):
        if not any("PRIVATE KEY" in block.label for block in pem_blocks(octets)):
            return load_certificates(octets)
    else:
        try:
            return load_certificates(octets)
        except CertificateError:
            pass  # then it is PKCS#12 or a key
    try:
        return load_identities(octets, password)
    except KeyFileError as error:
        missing = password is None and "no password was given" in str(error)
        wrong = password is not None and "password" in str(error) and "wrong" in str(error)
        if not missing and not wrong:
            raise
        raise LockedError(str(error), f"the password of {safe_text(name)}", wrong=wrong) from None


def addresses_in(certificates: Sequence[Certificate]) -> tuple[str, ...]:
    """The addresses that a key's certificate, the first of some, is for and that mail can be sent to."""
    return tuple(address for one in certificates[:1] for address in one.emails if plain_address(address))


def keep_found(store: KeyStore, found: Found, name: str, addresses: Sequence[str], now: datetime) -> Imported:
    """Keeps what was found in a file. It makes correspondents known and trusts nobody.

    Args:
        store: where it is kept.
        found: what was found.
        name: the file's name.
        addresses: whose it is; those that the certificates name where there are none.
        now: the time.

    Raises:
        KeyFileError: it is not known whose a key is, or the password of the store is wrong.
        UsageError: the password of the store cannot be had.
        StoreError: the store cannot be written.
    """
    identities = [one for one in found if isinstance(one, PrivateIdentity)]
    for one in identities:
        if not addresses and not addresses_in(one.certificates):
            bare = "it comes without a certificate"
            raise KeyFileError("its certificate has no e-mail address" if one.certificates else bare)
    keys = tuple(store.add_key(one, (*addresses_in(one.certificates), *addresses)) for one in identities)
    certificates = [one for one in found if isinstance(one, Certificate)]
    own = {key.certificates[0] for key in store.add_certificates(certificates)} if certificates else set()
    authorities: list[Certificate] = []
    known: list[Certificate] = []
    nameless: list[Certificate] = []
    for certificate in certificates:
        if certificate in own:
            continue
        if certificate.is_ca:
            authorities.append(certificate)
            continue
        whose = addresses or addresses_in([certificate])
        for address in whose:
            store.remember(address, certificate, "file", name, now)
        (known if whose else nameless).append(certificate)
    mine = tuple(one for one in certificates if one in own)
    return Imported(keys, mine, tuple(authorities), tuple(known), tuple(nameless))
