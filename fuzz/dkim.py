"""DKIM: tag lists, signature fields, key records, and the verification of any signature over any body."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from mailsec.hooks import AuthResult
from mailsec.message import parse
from mailsec.testing import make_context
from mailsec_dkim.keyrecord import parse_key_record
from mailsec_dkim.signature import SignatureFault, parse_signature
from mailsec_dkim.tags import TagError, parse_tags
from mailsec_dkim.verify import DKIMVerification, start

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ZONE = 's._domainkey.example.org. TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="\n'


def seeds() -> Iterator[bytes]:
    """Signature fields, key records and tag lists."""
    yield (
        b"v=1; a=ed25519-sha256; c=relaxed/simple; d=example.org; i=@example.org; q=dns/txt; s=s; t=1; x=2; l=3;"
        b" h=From : To:Subject; z=From:a=20b|To:c; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=QUJD"
    )
    yield b"v=DKIM1; k=rsa; h=sha1:sha256; s=email:*; t=y:s; n=note=20; p=MIIB"
    yield b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    yield b"a=b;\r\n c = d ; e=;;"


def try_input(octets: bytes) -> None:
    """Reads octets as a tag list, a signature, a key record, and as the signature and body of a message."""
    with contextlib.suppress(TagError):
        parse_tags(octets)
    with contextlib.suppress(SignatureFault):
        parse_signature(octets)
    assert parse_key_record(octets) is not None
    value, _, body = octets.partition(b"\0")
    header = b"From: alice@example.org\r\nSubject: x\r\nDKIM-Signature: " + value + b"\r\n"
    message = parse(header + b"\r\n" + body)
    verification = start(message.header, make_context(zone=ZONE, at=NOW))
    results: Sequence[AuthResult]
    if not isinstance(verification, DKIMVerification):
        results = verification
    else:
        half = len(message.body) // 2
        verification.feed(message.body[:half])
        verification.feed(message.body[half:])
        results = _loop.run_until_complete(verification.finish())
    assert results
    assert all(result.method == "dkim" for result in results)


_loop = asyncio.new_event_loop()
