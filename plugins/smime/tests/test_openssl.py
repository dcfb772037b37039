"""Messages that `openssl cms` and `openssl smime` sign are opened; what we sign they verify."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mailsec.crypto import MemoryKeyRing
from mailsec.hooks import CertificatePath, Fact, Protection, Result
from mailsec.message import parse
from mailsec.testing import make_context
from mailsec_smime.protecting import protect
from mailsec_smime.settings import Settings

pytestmark = pytest.mark.peer

ENTITY = b"Content-Type: text/plain; charset=us-ascii\r\n\r\nHello Bob,\r\n\r\n this is Alice.\r\n"
OUTER = ("-from", "Alice <alice@example.org>", "-to", "bob@example.org", "-subject", "Hello")
PSS = ("-keyopt", "rsa_padding_mode:pss")

SIGNED = [
    pytest.param("rsa", (), id="rsa"),
    pytest.param("rsa", ("-md", "sha384"), id="rsa sha384"),
    pytest.param("rsa", ("-md", "sha512"), id="rsa sha512"),
    pytest.param("rsa", PSS, id="rsa-pss"),
    pytest.param("p256", (), id="ecdsa p256"),
    pytest.param("p384", ("-md", "sha384"), id="ecdsa p384"),
]


def normal(octets: bytes) -> bytes:
    return octets.replace(b"\r\n", b"\n")


@pytest.mark.parametrize("ends", ["LF", "CRLF"])
@pytest.mark.parametrize(
    "form",
    [(), ("-nodetach",), ("-nodetach", "-stream"), ("-stream",), ("-noattr",), ("-keyid",)],
    ids=lambda form: " ".join(form) or "clear",
)
@pytest.mark.parametrize(("kind", "options"), SIGNED)
def test_openssl_cms_signs(
    openssl: Any, pki: Any, open_message: Any, kind: str, options: tuple[str, ...], form: tuple[str, ...], ends: str
) -> None:
    if form == ("-nodetach", "-stream") and options == PSS:
        form = ("-nodetach",)  # OpenSSL 3.0 itself fails to write streamed RSASSA-PSS
    octets = openssl("cms", "-sign", *OUTER, *pki.files(kind), *options, *form, stdin=ENTITY)
    octets = normal(octets) if ends == "LF" else normal(octets).replace(b"\n", b"\r\n")
    opened = open_message(octets)
    assert opened is not None
    (result,) = opened.results
    assert (result.result, result.reason, result.cause) == (Result.PASS, "", None)
    assert opened.reached == "signed"
    assert bytes(opened.octets or b"") == ENTITY
    assert result.coverage is not None
    assert result.coverage.ranges == ((0, len(ENTITY)),)
    certificate = pki.alice[kind].certificate
    assert dict(result.properties) == {
        "body.smime-part": "1" if "-nodetach" in form else "2",
        "body.smime-identifier": "alice@example.org",
        "body.smime-serial": f"{certificate.serial:x}",
        "body.smime-issuer": "CN=Test Authority",
    }
    (path,) = (item for item in result.evidence if isinstance(item, CertificatePath))
    assert path == CertificatePath((certificate.der, pki.authority.certificate.der), anchored=True)
    facts = {fact.name for fact in result.evidence if isinstance(fact, Fact)}
    assert "signature algorithm" in facts
    assert ("signing time, as the signer claims" in facts) == ("-noattr" not in form)


@pytest.mark.parametrize("form", [(), ("-nodetach",), ("-nodetach", "-indef"), ("-noattr",)], ids=" ".join)
@pytest.mark.parametrize("digest", ["sha256", "sha512"])
def test_openssl_smime_signs(openssl: Any, pki: Any, open_message: Any, form: tuple[str, ...], digest: str) -> None:
    octets = openssl("smime", "-sign", *OUTER, *pki.files("rsa"), "-md", digest, *form, stdin=ENTITY)
    opened = open_message(octets)
    assert opened is not None
    assert [result.result for result in opened.results] == [Result.PASS]


def test_openssl_signs_binary_content_with_lf(openssl: Any, pki: Any, open_message: Any) -> None:
    """What was signed with bare LF verifies as long as nobody has changed the line ends."""
    octets = openssl("cms", "-sign", "-binary", *OUTER, *pki.files("rsa"), stdin=normal(ENTITY))
    opened = open_message(normal(octets))
    assert opened is not None
    assert [result.result for result in opened.results] == [Result.PASS]
    assert bytes(opened.octets or b"") == normal(ENTITY)


def test_several_signers(openssl: Any, pki: Any, open_message: Any) -> None:
    signers = (*pki.files("rsa"), *pki.files("p256"), *pki.files("mallory"))
    opened = open_message(openssl("cms", "-sign", *OUTER, *signers, stdin=ENTITY))
    assert opened is not None
    results = sorted((str(r.result), str(r.cause), r.properties["body.smime-identifier"]) for r in opened.results)
    assert results == [
        ("pass", "None", "alice@example.org"),
        ("pass", "None", "alice@example.org"),
        ("policy", "other-identity", "mallory@example.net"),
    ]


def test_a_certificate_that_is_not_sent(openssl: Any, pki: Any, open_message: Any) -> None:
    octets = openssl("cms", "-sign", "-nocerts", *OUTER, *pki.files("rsa"), stdin=ENTITY)
    (result,) = open_message(octets).results
    assert (result.result, result.coverage) == (Result.PERMERROR, None)
    assert "certificate is not at hand" in result.reason
    (result,) = open_message(octets, anchors=[pki.alice["rsa"].certificate]).results
    assert result.result is Result.PASS
    (result,) = open_message(octets, keys=pki.keyring("rsa")).results
    assert result.result is Result.PASS


def test_dsa_is_verified(openssl: Any, open_message: Any, tmp_path: Path) -> None:
    parameters = openssl("genpkey", "-genparam", "-algorithm", "DSA", "-pkeyopt", "dsa_paramgen_bits:2048")
    (tmp_path / "dsa.param").write_bytes(parameters)
    (tmp_path / "dsa.key").write_bytes(openssl("genpkey", "-paramfile", str(tmp_path / "dsa.param")))
    subject = ("-subj", "/CN=Alice", "-addext", "subjectAltName=email:alice@example.org")
    certificate = openssl("req", "-x509", "-key", str(tmp_path / "dsa.key"), *subject, "-days", "2")
    (tmp_path / "dsa.pem").write_bytes(certificate)
    files = ("-signer", str(tmp_path / "dsa.pem"), "-inkey", str(tmp_path / "dsa.key"))
    (result,) = open_message(openssl("cms", "-sign", *OUTER, *files, stdin=ENTITY)).results
    print(f"DSA: {result.result} {result.cause} {result.reason}")
    assert result.result is Result.POLICY  # right, and without an anchor; what DSA is worth the policy says


MESSAGE = (
    b"From: Alice <alice@example.org>\r\nTo: bob@example.org\r\nSubject: Hello\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello Bob,\r\n--b\r\nContent-Type: text/html\r\n\r\n"
    b"<p>hello\r\n--b--\r\n"
)
INNER = b"Content-Type: multipart/mixed; boundary=b\r\n" + MESSAGE[MESSAGE.index(b"\r\n\r\n--b") + 2 :]


@pytest.mark.parametrize("ends", ["LF", "CRLF"])
@pytest.mark.parametrize(
    ("program", "kind", "settings"),
    [
        pytest.param(
            program,
            kind,
            Settings(opaque=opaque, digest=digest, pss=pss),
            id=f"{program} {kind} {digest} {opaque=} {pss=}",
        )
        for program in ("cms", "smime")
        for opaque in (False, True)
        for kind, digest, pss in [
            ("rsa", "sha256", False),
            ("rsa", "sha512", False),
            ("rsa", "sha256", True),
            ("rsa", "sha384", True),
            ("p256", "sha256", False),
            ("p384", "sha384", False),
        ]
        if not (program == "smime" and pss)  # `openssl smime` knows PKCS #7 only, which has no RSASSA-PSS
    ],
)
def test_openssl_verifies(
    openssl: Callable[..., bytes], pki: Any, open_message: Any, program: str, kind: str, settings: Settings, ends: str
) -> None:
    source = MESSAGE if ends == "CRLF" else normal(MESSAGE)
    context = make_context(keys=pki.keyring(kind), settings=settings)
    octets = protect(parse(source), Protection(sign=True, author="alice@example.org"), context)
    shown = openssl(program, "-verify", "-CAfile", str(pki.folder / "ca.pem"), stdin=octets)
    opened = open_message(octets)
    assert [result.result for result in opened.results] == [Result.PASS]
    inner = bytes(opened.octets or b"")
    assert normal(shown) == normal(inner)
    assert inner.partition(b"\r\n\r\n")[2] == INNER.partition(b"\r\n\r\n")[2]
    assert isinstance(context.keys, MemoryKeyRing)
