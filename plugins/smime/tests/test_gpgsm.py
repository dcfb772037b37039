"""What `gpgsm` signs is opened, and what we sign it verifies."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from mailsec.hooks import Protection, Result
from mailsec.message import parse
from mailsec.testing import make_context
from mailsec_smime.protecting import protect
from mailsec_smime.settings import Settings

pytestmark = pytest.mark.peer

ENTITY = b"Content-Type: text/plain; charset=us-ascii\r\n\r\nHello Bob,\r\nthis is Alice.\r\n"
HEADER = b"From: Alice <alice@example.org>\r\nTo: bob@example.org\r\nMIME-Version: 1.0\r\n"


def clear_signed(signature: bytes) -> bytes:
    return (
        HEADER
        + b"Content-Type: multipart/signed; protocol=application/pkcs7-signature; micalg=sha-256; boundary=b\r\n\r\n"
        + b"--b\r\n%b\r\n--b\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\n" % ENTITY
        + b"Content-Transfer-Encoding: base64\r\n\r\n%b\r\n--b--\r\n" % base64.encodebytes(signature)
    )


@pytest.mark.parametrize("digest", ["SHA256", "SHA384", "SHA512"])
def test_gpgsm_signs_detached(gpgsm: Any, pki: Any, open_message: Any, digest: str) -> None:
    options = ("--local-user", "alice@example.org", "--digest-algo", digest, "--include-certs", "1")
    signature = gpgsm("--sign", "--detach-sign", *options, stdin=ENTITY)
    opened = open_message(clear_signed(signature))
    assert [(result.result, result.reason) for result in opened.results] == [(Result.PASS, "")]
    assert bytes(opened.octets) == ENTITY
    changed = open_message(clear_signed(signature).replace(b"Alice.", b"Alicf."))
    assert [str(result.cause) for result in changed.results] == ["digest"]


def test_gpgsm_signs_opaque(gpgsm: Any, open_message: Any) -> None:
    signature = gpgsm("--sign", "--local-user", "alice@example.org", "--include-certs", "-1", stdin=ENTITY)
    octets = HEADER + (
        b'Content-Type: application/x-pkcs7-mime; name="smime.p7m"; smime-type=signed-data\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(signature)
    )
    opened = open_message(octets)
    assert [(result.result, result.reason) for result in opened.results] == [(Result.PASS, "")]
    assert bytes(opened.octets) == ENTITY


@pytest.mark.parametrize("kind", ["rsa", "p256"])
@pytest.mark.parametrize("opaque", [False, True])
def test_gpgsm_verifies(gpgsm: Any, pki: Any, tmp_path: Path, kind: str, opaque: bool) -> None:
    source = parse(HEADER + ENTITY)
    context = make_context(keys=pki.keyring(kind), settings=Settings(opaque=opaque))
    message = parse(protect(source, Protection(sign=True), context))
    if opaque:
        (tmp_path / "signed").write_bytes(message.root.content)
        said = gpgsm("--verify", str(tmp_path / "signed"))
    else:
        entity, signature = message.root.children
        assert bytes(entity.body) == ENTITY.partition(b"\r\n\r\n")[2]
        (tmp_path / "entity").write_bytes(entity.octets)
        (tmp_path / "signature").write_bytes(signature.content)
        said = gpgsm("--verify", str(tmp_path / "signature"), str(tmp_path / "entity"))
    assert b"Good signature from" in said
