"""Files with private keys: PEM, PKCS#8, PKCS#12, and older forms, encrypted or not."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)

from mailsec.crypto import PrivateKey, load_certificates, load_identities
from mailsec.crypto.costs import check_costs
from mailsec.crypto.issue import issue
from mailsec.crypto.limits import KEY_FILE_LIMITS
from mailsec.crypto.pem import pem_blocks
from mailsec.crypto.private import KeyKind
from mailsec.errors import CertificateError, KeyFileError, UsageError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PASSWORD = b"password"
FEW = replace(KEY_FILE_LIMITS, work=2_500, memory=1 << 20)
"""What many hashes would only slow down is left out."""


def seeds() -> Iterator[bytes]:
    """Keys of all kinds in all forms."""
    kinds: tuple[KeyKind, ...] = ("ec", "ed25519", "x25519", "rsa", "dsa", "ml-dsa-44", "ml-kem-768")
    for kind in kinds:
        key = PrivateKey.generate(kind)
        yield key.to_pem()
        native: Any = load_pem_private_key(key.to_pem(), None)
        yield native.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        yield native.private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(PASSWORD))
        if kind in {"ec", "rsa", "dsa"}:
            old = PrivateFormat.TraditionalOpenSSL
            yield native.private_bytes(Encoding.PEM, old, NoEncryption())
            yield native.private_bytes(Encoding.PEM, old, BestAvailableEncryption(PASSWORD))
        with contextlib.suppress(KeyFileError, UsageError, TypeError):
            issued = issue(None, "a@example.org", not_before=NOW, not_after=NOW + timedelta(days=9), key=key)
            yield issued.to_pem()
            own = x509.load_der_x509_certificate(issued.certificate.der)
            for cipher in (pkcs12.PBES.PBESv2SHA256AndAES256CBC, pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC):
                few = PrivateFormat.PKCS12.encryption_builder().kdf_rounds(2).key_cert_algorithm(cipher)
                yield pkcs12.serialize_key_and_certificates(None, native, own, [own], few.build(PASSWORD))
    yield b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"


def try_input(octets: bytes) -> None:
    """Loads with and without a password; what can be loaded is a key that can be kept and loaded again."""
    try:
        check_costs(octets, FEW)
        for block in pem_blocks(octets):
            if block.der is not None:
                check_costs(block.der, FEW)
    except KeyFileError:
        return
    for password in (None, PASSWORD):
        with contextlib.suppress(KeyFileError):
            for identity in load_identities(octets, password):
                again = PrivateKey.load(identity.key.to_pem())
                assert again.public_key.same_key(identity.key.public_key)
                assert not identity.certificates or identity.certificates[0].public_key.same_key(again.public_key)
    with contextlib.suppress(CertificateError):
        load_certificates(octets)
