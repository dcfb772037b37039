"""Reading SignedData and verifying its signers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from mailsec.crypto import RSA_SHA256, MemoryKeyRing
from mailsec.crypto.cms import Content, build_signed_data, parse_signed_data, verify_signer
from mailsec.crypto.issue import issue, make_authority
from mailsec.errors import CMSError, LimitError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CONTENT = b"Content-Type: text/plain\r\n\r\nHello\r\n"


def seeds() -> Iterator[bytes]:
    """SignedData by RSA, attached and detached, and some fragments."""
    end = NOW + timedelta(days=30)
    authority = make_authority("Example Root", not_before=NOW, not_after=end)
    issued = issue(authority, "alice@example.org", not_before=NOW, not_after=end)
    keys = MemoryKeyRing()
    identity = keys.add("alice@example.org", issued.key, issued.certificates)
    for detached in (False, True):
        yield build_signed_data(
            Content((CONTENT,)),
            detached=detached,
            keys=keys,
            identity=identity,
            scheme=RSA_SHA256,
            signing_time=NOW,
            capabilities=("aes256-gcm",),
        )
    yield bytes.fromhex("308006092a864886f70d010702a08030800201013100308006092a864886f70d010701a0802480040141")
    yield b"\x30\x80" * 40
    yield b"\x24\x80\x04\x01A\x00\x00"


def try_input(octets: bytes) -> None:
    """Reads a SignedData and verifies its signers."""
    try:
        signed = parse_signed_data(octets)
    except (CMSError, LimitError):
        return
    content = Content(signed.content if signed.content is not None else (CONTENT,))
    for certificate in signed.certificates:
        assert certificate.der in octets or certificate.der
        assert isinstance(certificate.emails, tuple)
    for signer in signed.signers:
        verification = verify_signer(signer, signed, content)
        assert verification.sentence
        assert signer.unsigned_attributes is not None
