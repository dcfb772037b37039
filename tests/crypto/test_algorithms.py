"""The algorithm policy: every row has its source, and the limits lie where the standards put them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import pytest

from mailsec.crypto import (
    DIGEST_SIZES,
    ECDSA_SHA1,
    ECDSA_SHA256,
    ECDSA_SHA384,
    ED448,
    ED25519,
    POLICY_VERSION,
    RSA_PSS_SHA256,
    RSA_SHA1,
    RSA_SHA256,
    RSA_SHA512,
    RSAES_OAEP_SHA256,
    RSAES_PKCS1,
    PrivateKey,
    PublicKey,
    SignatureScheme,
    Status,
    assess_content_encryption,
    assess_digest,
    assess_key,
    assess_key_transport,
    assess_signature,
)
from mailsec.crypto.algorithms import Use, worst
from mailsec.crypto.cms import CIPHERS
from mailsec.crypto.keys import CURVES

ACCEPTED, DEPRECATED, REFUSED = Status.ACCEPTED, Status.DEPRECATED, Status.REFUSED


def rsa_key(bits: int) -> PublicKey:
    """A key of this size; nothing will ever be signed with it."""
    from mailsec.crypto.cms import encode

    modulus = (1 << (bits - 1)) | 1
    return PublicKey.rsa_from_pkcs1_der(encode.sequence(encode.integer(modulus), encode.integer(65537)))


@pytest.mark.parametrize(
    ("digest", "status"),
    [
        ("md5", REFUSED),  # RFC 6151 section 2
        ("sha1", REFUSED),  # RFC 8301 section 3.1, RFC 8551 appendix B.1
        ("sha224", DEPRECATED),  # NIST SP 800-131A
        ("sha256", ACCEPTED),  # RFC 8551 section 2.1
        ("sha384", ACCEPTED),
        ("sha512", ACCEPTED),
        ("sha3-256", ACCEPTED),
        ("sha3-384", ACCEPTED),
        ("sha3-512", ACCEPTED),
        ("shake256", ACCEPTED),  # RFC 8419 section 3.1
        ("md2", REFUSED),
    ],
)
def test_digests(digest: str, status: Status) -> None:
    judged = assess_digest(digest)
    assert judged.status is status
    assert judged.sentence
    assert judged.source


def test_every_digest_is_judged() -> None:
    assert all("not known" not in assess_digest(name).sentence for name in DIGEST_SIZES)
    assert POLICY_VERSION


@pytest.mark.parametrize(
    ("use", "bits", "status"),
    [
        ("dkim", 512, REFUSED),  # RFC 8301 section 3.2
        ("dkim", 1023, REFUSED),
        ("dkim", 1024, DEPRECATED),
        ("dkim", 2047, DEPRECATED),
        ("dkim", 2048, ACCEPTED),
        ("dkim", 4096, ACCEPTED),
        ("dkim", 8192, ACCEPTED),
        ("dkim", 8193, REFUSED),
        ("dkim", 16_384, REFUSED),
        ("smime", 1024, REFUSED),  # RFC 8551 section 4.3
        ("smime", 2047, REFUSED),
        ("smime", 2048, ACCEPTED),
        ("smime", 4097, ACCEPTED),
        ("smime", 8193, REFUSED),
        ("certificate", 2047, REFUSED),  # RFC 8550 section 4.3
        ("certificate", 2048, ACCEPTED),
    ],
)
def test_rsa_sizes(use: Use, bits: int, status: Status) -> None:
    judged = assess_signature(RSA_SHA256, rsa_key(bits), use=use)
    assert judged.status is status
    assert str(bits) in judged.sentence or status is ACCEPTED
    if use != "dkim":
        assert assess_signature(RSA_PSS_SHA256, rsa_key(bits), use=use).status is status


@pytest.mark.parametrize(
    ("scheme", "kind", "options", "dkim", "x509"),
    [
        (RSA_SHA256, "rsa", {}, ACCEPTED, ACCEPTED),  # RFC 8301 section 3.1, RFC 8551 section 2.2
        (RSA_SHA1, "rsa", {}, REFUSED, REFUSED),
        (RSA_SHA512, "rsa", {}, REFUSED, ACCEPTED),  # DKIM has no such algorithm
        (RSA_PSS_SHA256, "rsa", {}, REFUSED, ACCEPTED),
        (SignatureScheme("rsa", "md5"), "rsa", {}, REFUSED, REFUSED),
        (SignatureScheme("rsa", "sha224"), "rsa", {}, REFUSED, DEPRECATED),
        (SignatureScheme("rsa-pss", "sha256", 32, "sha1"), "rsa", {}, REFUSED, DEPRECATED),
        (SignatureScheme("rsa-pss", "sha1", 20), "rsa", {}, REFUSED, REFUSED),
        (ED25519, "ed25519", {}, ACCEPTED, ACCEPTED),  # RFC 8463, RFC 8410
        (ED448, "ed448", {}, REFUSED, ACCEPTED),
        (ECDSA_SHA256, "ec", {}, REFUSED, ACCEPTED),
        (ECDSA_SHA1, "ec", {}, REFUSED, REFUSED),
        (ECDSA_SHA384, "ec", {"curve": "brainpoolP384r1"}, REFUSED, ACCEPTED),
        (ECDSA_SHA256, "ec", {"curve": "P-224"}, REFUSED, DEPRECATED),
        (ECDSA_SHA256, "ec", {"curve": "P-192"}, REFUSED, REFUSED),
        (ECDSA_SHA256, "ec", {"curve": "secp256k1"}, REFUSED, DEPRECATED),
        (SignatureScheme("dsa", "sha256"), "dsa", {"bits": 2048}, REFUSED, DEPRECATED),  # RFC 8551 appendix B.2
        (SignatureScheme("dsa", "sha1"), "dsa", {"bits": 1024}, REFUSED, REFUSED),
        (ED25519, "rsa", {}, REFUSED, REFUSED),  # a scheme for another kind of key
        (RSA_SHA256, "ec", {}, REFUSED, REFUSED),
        (ED25519, "x25519", {}, REFUSED, REFUSED),  # a key that signs nothing
    ],
    ids=str,
)
def test_signatures(
    keys: Callable[..., PrivateKey], *, scheme: SignatureScheme, kind: str, options: Any, dkim: Status, x509: Status
) -> None:
    key = keys(kind, 0, **options).public_key
    for use in get_args(Use):
        judged = assess_signature(scheme, key, use=use)
        assert judged.status is (dkim if use == "dkim" else x509), judged
        assert judged.sentence
        assert judged.source


def test_every_curve_is_judged(keys: Callable[..., PrivateKey]) -> None:
    for curve in CURVES.values():
        assert curve in assess_key(keys("ec", 0, curve=curve).public_key, use="smime").sentence


def test_a_key_that_cannot_be_used_is_refused_with_its_reason() -> None:
    judged = assess_signature(RSA_SHA256, PublicKey.unusable(b"", "it is on the moon"), use="smime")
    assert judged.status is REFUSED
    assert "on the moon" in judged.sentence


@pytest.mark.parametrize(
    ("kind", "options", "status"),
    [
        ("rsa", {"bits": 1024}, REFUSED),  # RFC 8551 section 4.3
        ("rsa", {"bits": 2048}, ACCEPTED),
        ("ec", {"curve": "P-256"}, ACCEPTED),  # RFC 8551 section 2.3
        ("ec", {"curve": "P-224"}, DEPRECATED),
        ("ec", {"curve": "P-192"}, REFUSED),
        ("ec", {"curve": "brainpoolP512r1"}, ACCEPTED),
        ("x25519", {}, ACCEPTED),  # RFC 8551 section 2.3
        ("x448", {}, ACCEPTED),  # RFC 8418
        ("ml-kem-768", {}, ACCEPTED),  # RFC 9936
        ("ml-kem-1024", {}, ACCEPTED),
        ("ed25519", {}, REFUSED),
        ("dsa", {"bits": 2048}, REFUSED),
    ],
)
def test_keys_to_encrypt_to(keys: Callable[..., PrivateKey], kind: str, options: Any, status: Status) -> None:
    judged = assess_key(keys(kind, 0, **options).public_key, use="encryption")
    assert judged.status is status
    assert judged.sentence
    assert judged.source


@pytest.mark.parametrize("kind", ["x25519", "x448", "ml-kem-768", "ml-kem-1024"])
def test_keys_that_make_no_signatures(keys: Callable[..., PrivateKey], kind: str) -> None:
    key = keys(kind).public_key
    assert all(assess_key(key, use=use).status is REFUSED for use in get_args(Use))


@pytest.mark.parametrize(
    ("cipher", "read", "written"),
    [
        ("aes256-gcm", ACCEPTED, ACCEPTED),  # RFC 8551 section 2.7
        ("aes128-ccm", ACCEPTED, ACCEPTED),  # RFC 5084
        ("chacha20-poly1305", ACCEPTED, ACCEPTED),  # RFC 8103
        ("aes128-cbc", DEPRECATED, DEPRECATED),  # RFC 8551 section 2.7: MUST-
        ("des-ede3-cbc", DEPRECATED, REFUSED),  # RFC 8551 appendix B.2
        ("rc2-cbc", DEPRECATED, REFUSED),
        ("rot13", REFUSED, REFUSED),
    ],
)
def test_content_encryption(cipher: str, read: Status, written: Status) -> None:
    assert assess_content_encryption(cipher).status is read
    assert assess_content_encryption(cipher, writing=True).status is written


def test_every_cipher_is_judged() -> None:
    for cipher in CIPHERS:
        judged = assess_content_encryption(cipher)
        assert "not known" not in judged.sentence
        assert judged.source


def test_key_transport() -> None:
    """RFC 8551 section 2.3: MUST- and SHOULD+."""
    old, new = assess_key_transport(RSAES_PKCS1), assess_key_transport(RSAES_OAEP_SHA256)
    assert (old.status, new.status) == (DEPRECATED, ACCEPTED)
    assert worst(new, old) is worst(old, new) is old
