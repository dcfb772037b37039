"""Reading EnvelopedData, AuthEnvelopedData and CompressedData, and decrypting with keys of every kind."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from mailsec.crypto import MemoryKeyRing, PrivateKey
from mailsec.crypto.cms import (
    LIMITS,
    CertificateRecipient,
    Password,
    SharedKey,
    compress,
    decompress,
    decrypt,
    decrypt_to,
    encrypt,
    parse_enveloped_data,
)
from mailsec.crypto.issue import issue, make_authority
from mailsec.crypto.private import KeyKind
from mailsec.errors import CMSError, DecryptionError, LimitError, NoRecipientError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CONTENT = b"Content-Type: text/plain\r\n\r\nHello\r\n"
KINDS: tuple[KeyKind, ...] = ("rsa", "ec", "x25519", "ml-kem-768")
SECRETS = (SharedKey(b"key", bytes(32)), Password(b"password"))
# Passwords that are hashed often, and bombs, would only make the fuzzer slow.
FEW = replace(LIMITS, iterations=1000, decompressed=1 << 20)

_ring = MemoryKeyRing()


def seeds() -> Iterator[bytes]:
    """One recipient of each kind with each kind of cipher, and fragments."""
    end = NOW + timedelta(days=30)
    authority = make_authority("Example Root", not_before=NOW, not_after=end)
    everybody: list[CertificateRecipient | SharedKey] = [SECRETS[0]]
    for kind in KINDS:
        key = PrivateKey.generate(kind)
        issued = issue(authority, f"{kind}@example.org", not_before=NOW, not_after=end, key=key, usage=None)
        _ring.add(f"{kind}@example.org", key, issued.certificates)
        everybody.append(CertificateRecipient(issued.certificates[0]))
    for recipient in everybody:
        for cipher in ("aes128-cbc", "aes256-gcm", "aes128-ccm", "chacha20-poly1305"):
            yield b"".join(encrypt((CONTENT,), (recipient,), cipher=cipher))
    yield b"".join(encrypt((CONTENT,), everybody, cipher="aes256-gcm", derived=True))
    yield b"".join(encrypt((CONTENT,), (SECRETS[1],), cipher="aes256-gcm")).replace(
        b"\x02\x03\x09\x27\xc0", b"\x02\x01\x09"
    )
    yield b"".join(compress((CONTENT * 9,)))
    yield bytes.fromhex("308006092a864886f70d010703a0803080020100318000003080")
    yield b"\x30\x80" * 40


def try_input(octets: bytes) -> None:
    """Reads, decrypts in memory and in pieces; both come to the same end, and nothing is released before it."""
    with contextlib.suppress(CMSError, LimitError):
        decompress(octets, FEW)
    try:
        enveloped = parse_enveloped_data(octets, FEW)
        content, decryption = decrypt(enveloped, _ring, secrets=SECRETS)
    except DecryptionError:
        taken = bytearray()
        again = None
        with contextlib.suppress(DecryptionError):
            again = decrypt_to(enveloped, _ring, taken.extend, secrets=SECRETS)
        assert again is None, "what did not decrypt was decrypted the second time"
        assert not taken
        return
    except (CMSError, LimitError, NoRecipientError):
        return
    assert decryption.size == len(content)
    taken = bytearray()
    assert decrypt_to(enveloped, _ring, taken.extend, secrets=SECRETS) == decryption
    assert taken == content
