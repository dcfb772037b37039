"""The targets: for each some seeds, and what must hold for any octets.

Seeds are made on the spot, with keys of their own; nothing depends on what is in them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from mailsec.crypto import MemoryKeyRing
from mailsec.crypto.cms import Content, build_signed_data, parse_signed_data, verify_signer
from mailsec.crypto.issue import issue, make_authority
from mailsec.crypto.schemes import RSA_SHA256
from mailsec.errors import CMSError, LimitError
from mailsec.message import parse, parse_addresses, parse_date, safe_text, unflow
from mailsec.message.compose import Attachment, compose
from mailsec.pipeline import authres
from mailsec.testing import make_context
from mailsec_dkim.keyrecord import parse_key_record
from mailsec_dkim.signature import SignatureFault, parse_signature
from mailsec_dkim.tags import TagError, parse_tags
from mailsec_dkim.verify import start

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Target:
    """Something that takes octets.

    Attributes:
        seeds: gives octets to begin with.
        try_input: tries octets; whatever it raises is a finding.
    """

    seeds: Callable[[], Iterator[bytes]]
    try_input: Callable[[bytes], None]


# -- message -------------------------------------------------------------------------------------------------


def message_seeds() -> Iterator[bytes]:
    """Well-formed and odd messages."""
    yield b""
    yield b"From: a@b.example\r\nSubject: =?utf-8?b?w6TDtsO8?= =?iso-8859-1?q?=E4?=\r\n\r\nHello\r\n"
    yield b"From: x\n y <a@b>, G: c@d, \"e\" <f@g>;\nDate: Mon, 1 Jan 2026 00:00:00 (x) +0100\n\n\xff\xfe\n"
    yield (
        b"Content-Type: multipart/mixed; boundary=\"a\"\r\n\r\n--a\r\nContent-Type: message/rfc822\r\n\r\n"
        b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nFrom: x\r\n\r\n--b--\r\n--a\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=\r\n=A4 \r\n--a--\r\nepilogue"
    )
    yield (
        b"Content-Type: application/x; name*0*=utf-8'en'a%20; name*1*=%C3%A4; name*2=\"b\"\r\n"
        b"Content-Disposition: attachment; filename=\"=?utf-8?q?x?=\"\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD\r\n="
    )
    yield b"Content-Type: text/plain; format=flowed; delsp=yes; charset=utf-7\r\n\r\n> a \r\n> b\r\n- \r\n-- \r\n"
    yield compose(
        subject="Grüße",
        author="Alice <alice@example.org>",
        to=("Bob <bob@example.net>",),
        date=NOW,
        message_id="<1@example.org>",
        text="Grüße aus Köln",
        html="<p>Grüße</p>",
        attachments=(Attachment(b"\0\1\2", "application/octet-stream", "größe.bin"),),
    )


def try_message(octets: bytes) -> None:
    """Reads everything there is to read, and gets the octets back."""
    message = parse(octets)
    assert bytes(message) == octets
    for part in message.walk():
        start_of_part, end_of_part = part.span
        assert 0 <= start_of_part <= end_of_part
        assert part.path is not None
        assert part.content_type.count("/") == 1
        assert len(part.content) <= len(octets) + 1
        text = part.text
        shown = safe_text(text, multiline=True)
        assert not any(ord(character) < 32 and character not in "\n\t" for character in shown)
        assert "\x7f" not in shown
        unflow(text, delsp=part.delsp)
        assert part.filename is None or isinstance(part.filename, str)
        for field in part.header:
            assert "\n" not in safe_text(field.value)
            assert isinstance(parse_addresses(field.value), tuple)
            parse_date(field.value)
    assert isinstance(message.authors, tuple)
    assert isinstance(message.defects, tuple)
    assert isinstance(message.subject, str)


# -- CMS -----------------------------------------------------------------------------------------------------

CONTENT = b"Content-Type: text/plain\r\n\r\nHello\r\n"


def cms_seeds() -> Iterator[bytes]:
    """SignedData by RSA, attached and detached, and some fragments."""
    authority = make_authority("Example Root", not_before=NOW, key_type="rsa")
    issued = issue(authority, emails=("alice@example.org",), not_before=NOW, key_type="rsa")
    keys = MemoryKeyRing()
    [identity] = keys.add_file(issued.pem())
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
    yield bytes.fromhex("3080 0609 2a864886f70d010702 a080 3080 020101 3100 3080 0609 2a864886f70d010701 a080 2480 0401 41")
    yield b"\x30\x80" * 40
    yield b"\x24\x80\x04\x01A\x00\x00"


def try_cms(octets: bytes) -> None:
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


# -- DKIM ----------------------------------------------------------------------------------------------------

ZONE = "s._domainkey.example.org. TXT \"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n"


def dkim_seeds() -> Iterator[bytes]:
    """Signature fields, key records and tag lists."""
    yield (
        b"v=1; a=ed25519-sha256; c=relaxed/simple; d=example.org; i=@example.org; q=dns/txt; s=s; t=1; x=2; l=3;"
        b" h=From : To:Subject; z=From:a=20b|To:c; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=QUJD"
    )
    yield b"v=DKIM1; k=rsa; h=sha1:sha256; s=email:*; t=y:s; n=note=20; p=MIIB"
    yield b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    yield b"a=b;\r\n c = d ; e=;;"


def try_dkim(octets: bytes) -> None:
    """Reads octets as a tag list, a signature, a key record, and as the signature and body of a message."""
    try:
        parse_tags(octets)
    except TagError:
        pass
    try:
        parse_signature(octets)
    except SignatureFault:
        pass
    assert parse_key_record(octets) is not None
    value, _, body = octets.partition(b"\0")
    header = b"From: alice@example.org\r\nSubject: x\r\nDKIM-Signature: " + value + b"\r\n"
    message = parse(header + b"\r\n" + body)
    verification = start(message.header, make_context(zone=ZONE, at=NOW))
    if isinstance(verification, list | tuple):
        results = verification
    else:
        half = len(message.body) // 2
        verification.feed(message.body[:half])
        verification.feed(message.body[half:])
        results = _loop.run_until_complete(verification.finish())
    assert results
    assert all(result.method == "dkim" for result in results)


_loop = asyncio.new_event_loop()


# -- Authentication-Results ----------------------------------------------------------------------------------


def authres_seeds() -> Iterator[bytes]:
    """Field values after RFC 8601 appendix B."""
    yield b"example.org 1; none"
    yield (
        b"example.com; auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n spf=pass smtp.mailfrom=example.net;"
        b" dkim=fail reason=\"bad (x)\" header.i=@newyork.example.com header.b=oINEO8hg"
    )
    yield b"(a (nested) comment) \"quoted id\" ; x-y / 1 = pass policy.expired = \"1\""


def try_authres(octets: bytes) -> None:
    """Reads a value; what can be read can be written, and reads the same again."""
    message = parse(b"Authentication-Results: " + octets + b"\r\n\r\n")
    authres.forged(message.header, "example.com")
    for field in message.header.all("authentication-results"):
        found = authres.parse(field.raw_value)
        if found is None:
            continue
        assert authres.parse(authres.write_value(found)) == found


TARGETS = {
    "message": Target(message_seeds, try_message),
    "cms": Target(cms_seeds, try_cms),
    "dkim": Target(dkim_seeds, try_dkim),
    "authres": Target(authres_seeds, try_authres),
}
