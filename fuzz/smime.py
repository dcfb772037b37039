"""Whole S/MIME messages: whatever is changed, what passes as Alice's is what Alice signed."""

from __future__ import annotations

import inspect
from base64 import encodebytes
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from mailsec.crypto import ECDSA_SHA256, MemoryKeyRing, PrivateKey
from mailsec.crypto.cms import CertificateRecipient, Content, NewSigner, compress, encrypt, sign
from mailsec.crypto.issue import issue, make_authority
from mailsec.hooks import Opened, Result
from mailsec.message import parse
from mailsec.testing import make_context
from mailsec_smime.opening import CONTENT_TYPES, open_part

NOW = datetime(2026, 1, 1, tzinfo=UTC)
END = NOW + timedelta(days=30)
FROM = b"From: Alice <alice@example.org>\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
ENTITY = b"Content-Type: text/plain\r\n\r\nPay 10 to Bob.\r\n"

_root = make_authority("Example Root", not_before=NOW, not_after=END, key=PrivateKey.generate("ec"))
_keys = MemoryKeyRing()
_identities = [
    _keys.add(
        f"{name}@example.org",
        key,
        issue(_root, f"{name}@example.org", not_before=NOW, not_after=END, key=key, usage=usage).certificates,
    )
    for name, key, usage in (
        ("alice", PrivateKey.generate("ec"), ("digitalSignature", "keyAgreement")),
        ("mallory", PrivateKey.generate("ec"), ("digitalSignature",)),
    )
]


def _signed(entity: bytes, who: int = 0, *, detached: bool = False) -> bytes:
    signer = NewSigner(_identities[who], ECDSA_SHA256)
    return b"".join(sign(Content((entity,)), (signer,), detached=detached, keys=_keys, signing_time=NOW))


def _opaque(octets: bytes, kind: bytes = b"application/pkcs7-mime; name=smime.p7m") -> bytes:
    lines = encodebytes(octets).replace(b"\n", b"\r\n")
    return b"Content-Type: %b\r\nContent-Transfer-Encoding: base64\r\n\r\n%b" % (kind, lines)


def _clear(entity: bytes, who: int = 0) -> bytes:
    signature = _opaque(_signed(entity, who, detached=True), b"application/pkcs7-signature; name=smime.p7s")
    start = b'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary=b\r\n\r\n'
    return b"%b--b\r\n%b\r\n--b\r\n%b\r\n--b--\r\n" % (start, entity, signature)


_NESTED = _clear(ENTITY)


def seeds() -> Iterator[bytes]:
    """Each form, alone and within others."""
    recipient = (CertificateRecipient(_identities[0].certificates[0]),)
    for who in (0, 1):
        yield FROM + _clear(ENTITY, who)
        yield FROM + _opaque(_signed(ENTITY, who))
    for cipher in ("aes128-cbc", "aes256-gcm"):
        yield FROM + _opaque(b"".join(encrypt((_clear(ENTITY),), recipient, cipher=cipher)))
    yield FROM + _opaque(b"".join(compress((ENTITY * 5,))))
    yield FROM + _clear(_NESTED, 1)
    binary = b"Content-Type: application/pkcs7-mime\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    yield FROM + binary + _signed(ENTITY)
    yield FROM + b"Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\n%b\r\n--m\r\n%b\r\n--m--\r\n" % (
        ENTITY,
        _clear(ENTITY),
    )


def try_input(octets: bytes) -> None:
    """Opens all that can be opened, to a depth."""
    message = parse(octets)
    context = make_context(header=message.header, at=NOW + timedelta(days=1), anchors=[_root.certificate], keys=_keys)
    waiting = [(message.root, 0)]
    while waiting:
        part, depth = waiting.pop()
        waiting += [(child, depth) for child in part.children]
        if part.content_type not in CONTENT_TYPES:
            continue
        opened = open_part(part, context)
        assert not inspect.isawaitable(opened), "somebody was to be asked"
        if not isinstance(opened, Opened):
            continue
        for result in opened.results:
            assert result.method == "smime"
            if result.result is Result.PASS:
                assert opened.octets is not None
                assert result.properties["body.smime-identifier"] in {"alice@example.org", "mallory@example.org"}
                assert bytes(opened.octets) in {ENTITY, _NESTED}
        if opened.octets is not None and depth < 4:
            waiting.append((parse(bytes(opened.octets)).root, depth + 1))
