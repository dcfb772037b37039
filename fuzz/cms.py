"""Reading SignedData, verifying its signers and countersigners, and writing what was read again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from mailsec.crypto import ECDSA_SHA256, ED25519, ML_DSA_44, RSA_PSS_SHA256, RSA_SHA256, MemoryKeyRing, PrivateKey
from mailsec.crypto.cms import (
    Content,
    NewSigner,
    Outcome,
    SignedData,
    SignerInfo,
    add_signers,
    build_certificates_only,
    countersign,
    encode,
    oids,
    parse_receipt,
    parse_signed_data,
    receipt_request,
    sign,
    verify_countersignature,
    verify_signer,
)
from mailsec.crypto.issue import issue, make_authority
from mailsec.errors import CMSError, LimitError, UsageError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CONTENT = b"Content-Type: text/plain\r\n\r\nHello\r\n"

_keys = MemoryKeyRing()
_ED25519 = PrivateKey.generate("ed25519")
_identity = _keys.add(
    "fuzz@example.org",
    _ED25519,
    issue(None, "fuzz@example.org", not_before=NOW, not_after=NOW + timedelta(days=30), key=_ED25519).certificates,
)
_signer = NewSigner(_identity, ED25519)


def seeds() -> Iterator[bytes]:
    """SignedData by several kinds of keys, attached and detached, countersigned, a receipt, and some fragments."""
    end = NOW + timedelta(days=30)
    authority = make_authority("Example Root", not_before=NOW, not_after=end)
    keys = MemoryKeyRing()
    signers = []
    for kind, scheme in (("rsa", RSA_SHA256), ("ec", ECDSA_SHA256), ("ml-dsa-44", ML_DSA_44)):
        key = PrivateKey.generate(kind)  # type: ignore[arg-type]
        issued = issue(authority, "alice@example.org", not_before=NOW, not_after=end, key=key)
        identity = keys.add("alice@example.org", issued.key, issued.certificates)
        signers.append(NewSigner(identity, scheme, capabilities=("aes256-gcm",), by_key_identifier=kind == "ec"))
    signers.append(NewSigner(signers[0].identity, RSA_PSS_SHA256, encryption_certificate=authority.certificate))
    content = Content((CONTENT,))
    for detached in (False, True):
        for signer in signers:
            yield b"".join(sign(content, (signer,), detached=detached, keys=keys, signing_time=NOW))
    both = parse_signed_data(b"".join(sign(content, signers[:2], detached=False, keys=keys, signing_time=NOW)))
    yield b"".join(countersign(both, 0, signers[1], keys=keys, signing_time=NOW))
    receipt = encode.sequence(encode.integer(1), encode.oid(oids.DATA), *[encode.octet_string(b"x")] * 2)
    made = sign(
        Content((receipt,)), signers[1:2], detached=False, keys=keys, signing_time=NOW, content_type=oids.RECEIPT
    )
    yield b"".join(made)
    yield build_certificates_only((authority.certificate,))
    yield bytes.fromhex("308006092a864886f70d010702a08030800201013100308006092a864886f70d010701a0802480040141")
    yield b"\x30\x80" * 40
    yield b"\x24\x80\x04\x01A\x00\x00"


def try_input(octets: bytes) -> None:
    """Reads a SignedData, verifies whoever signed, and adds a signer, which must be good."""
    try:
        signed = parse_signed_data(octets)
    except (CMSError, LimitError):
        return
    content = Content(signed.content if signed.content is not None else (CONTENT,))
    for certificate in signed.certificates:
        assert certificate.der in octets or certificate.der
        assert isinstance(certificate.emails, tuple)
    before = [verify_signer(signer, signed, content).outcome for signer in signed.signers]
    for signer in signed.signers:
        _read(signer, signed)
    with contextlib.suppress(CMSError, LimitError):
        parse_receipt(signed)
    _add(signed, before)


def _read(signer: SignerInfo, signed: SignedData) -> None:
    assert signer.unsigned_attributes is not None
    assert all(attribute.name for attribute in signer.signed_attributes or ())
    assert isinstance(signer.capabilities, tuple)
    assert signer.encryption_key_preference != signer.sid or signer.sid
    with contextlib.suppress(CMSError, LimitError):
        receipt_request(signer)
    with contextlib.suppress(CMSError, LimitError):
        for countersigner in signer.countersigners():
            assert verify_countersignature(countersigner, signer, signed).sentence


def _add(signed: SignedData, before: list[Outcome]) -> None:
    """Who signed before is as good or bad as before."""
    outside = Content((CONTENT,)) if signed.content is None else None
    try:
        made = b"".join(add_signers(signed, (_signer,), keys=_keys, signing_time=NOW, content=outside))
        again = parse_signed_data(made)
    except (CMSError, LimitError, UsageError):
        return
    content = Content(again.content if again.content is not None else (CONTENT,))
    after = [verify_signer(signer, again, content).outcome for signer in again.signers]
    assert after.count(Outcome.GOOD) == before.count(Outcome.GOOD) + 1
