"""What `openssl cms` signs is read and verified, and what we sign `openssl cms` verifies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailsec.crypto import (
    ECDSA_SHA256,
    ECDSA_SHA384,
    ECDSA_SHA512,
    RSA_PSS_SHA256,
    RSA_PSS_SHA512,
    RSA_SHA256,
    RSA_SHA384,
    RSA_SHA512,
    Certificate,
    MemoryKeyRing,
    SignatureScheme,
)
from mailsec.crypto.cms import (
    Content,
    IssuerAndSerialNumber,
    Outcome,
    SubjectKeyIdentifier,
    build_signed_data,
    encode,
    parse_signed_data,
    verify_signer,
)

pytestmark = pytest.mark.peer

CONTENT = b"Content-Type: text/plain\r\n\r\nHello, world.\r\n" * 300

PSS = ("-keyopt", "rsa_padding_mode:pss")
CASES = [
    pytest.param("rsa", (), id="RSA, PKCS #1 v1.5, SHA-256"),
    pytest.param("rsa", ("-md", "sha384"), id="RSA, SHA-384"),
    pytest.param("rsa", ("-md", "sha512"), id="RSA, SHA-512"),
    pytest.param("rsa", ("-md", "sha1"), id="RSA, SHA-1"),
    pytest.param("rsa", PSS, id="RSA-PSS"),
    pytest.param("rsa", (*PSS, "-md", "sha512", "-keyopt", "rsa_pss_saltlen:20"), id="RSA-PSS, SHA-512, salt of 20"),
    pytest.param("rsa", (*PSS, "-keyopt", "rsa_mgf1_md:sha512"), id="RSA-PSS, another mask digest"),
    pytest.param("p256", (), id="ECDSA, P-256"),
    pytest.param("p384", ("-md", "sha384"), id="ECDSA, P-384"),
    pytest.param("p521", ("-md", "sha512"), id="ECDSA, P-521"),
    pytest.param("brainpool", (), id="ECDSA, brainpoolP256r1"),
    pytest.param("dsa", (), id="DSA"),
]
FORMS = [
    pytest.param((), id="detached"),
    pytest.param(("-nodetach",), id="encapsulated"),
    pytest.param(("-nodetach", "-stream"), id="streamed"),
    pytest.param(("-nodetach", "-keyid"), id="by key identifier"),
    pytest.param(("-nodetach", "-noattr"), id="no signed attributes"),
    pytest.param(("-nodetach", "-nosmimecap", "-cades"), id="with a signing certificate"),
]


@pytest.mark.parametrize(
    ("kind", "options", "form"),
    [
        pytest.param(*case.values, *form.values, id=f"{case.id}; {form.id}")
        for case in CASES
        for form in FORMS
        if not ("RSA-PSS" in str(case.id) and form.id == "streamed")  # OpenSSL 3.0 itself fails to write that
    ],
)
def test_openssl_signs(
    openssl: Callable[..., bytes], pki: Path, kind: str, options: tuple[str, ...], form: tuple[str, ...]
) -> None:
    signer = ("-signer", str(pki / f"{kind}.pem"), "-inkey", str(pki / f"{kind}.key"))
    cms = openssl("cms", "-sign", "-binary", "-outform", "DER", *signer, *options, *form, stdin=CONTENT)
    signed = parse_signed_data(cms)
    (info,) = signed.signers
    if "-nodetach" in form:
        assert signed.content is not None
        assert b"".join(signed.content) == CONTENT
    else:
        assert signed.content is None
    assert isinstance(info.sid, SubjectKeyIdentifier if "-keyid" in form else IssuerAndSerialNumber)
    if "-noattr" in form:
        assert info.signed_attributes is None
    else:
        assert info.signing_time is not None
    content = Content(signed.content or (CONTENT,))
    verified = verify_signer(info, signed, content)
    assert (verified.outcome, verified.sentence) == (Outcome.GOOD, "the signature is right")
    assert verified.certificate == Certificate.from_pem((pki / f"{kind}.pem").read_bytes())
    wrong = verify_signer(info, signed, Content((CONTENT[:-3] + b"!\r\n",)))
    assert wrong.outcome is (Outcome.SIGNATURE if "-noattr" in form else Outcome.DIGEST)


def test_the_certificate_may_come_from_elsewhere(openssl: Callable[..., bytes], pki: Path) -> None:
    signer = ("-signer", str(pki / "rsa.pem"), "-inkey", str(pki / "rsa.key"))
    cms = openssl("cms", "-sign", "-binary", "-outform", "DER", "-nocerts", *signer, stdin=CONTENT)
    signed = parse_signed_data(cms)
    assert signed.certificates == ()
    content = Content((CONTENT,))
    assert verify_signer(signed.signers[0], signed, content).outcome is Outcome.NO_CERTIFICATE
    others = [Certificate.from_pem((pki / f"{kind}.pem").read_bytes()) for kind in ("ca", "p256", "rsa")]
    assert verify_signer(signed.signers[0], signed, content, others).outcome is Outcome.GOOD
    assert verify_signer(signed.signers[0], signed, content, others[:2]).outcome is Outcome.NO_CERTIFICATE


def test_several_signers(openssl: Callable[..., bytes], pki: Path) -> None:
    signers = [
        word
        for kind in ("rsa", "p256", "dsa")
        for word in ("-signer", str(pki / f"{kind}.pem"), "-inkey", str(pki / f"{kind}.key"))
    ]
    signed = parse_signed_data(openssl("cms", "-sign", "-binary", "-outform", "DER", *signers, stdin=CONTENT))
    results = [verify_signer(signer, signed, Content((CONTENT,))) for signer in signed.signers]
    assert [result.outcome for result in results] == [Outcome.GOOD] * 3
    assert {str(result.certificate.subject) for result in results if result.certificate} == {
        "CN=Alice rsa",
        "CN=Alice p256",
        "CN=Alice dsa",
    }


@pytest.mark.parametrize("detached", [True, False])
@pytest.mark.parametrize(
    ("kind", "scheme"),
    [
        ("rsa", RSA_SHA256),
        ("rsa", RSA_SHA384),
        ("rsa", RSA_SHA512),
        ("rsa", RSA_PSS_SHA256),
        ("rsa", RSA_PSS_SHA512),
        ("p256", ECDSA_SHA256),
        ("p384", ECDSA_SHA384),
        ("p521", ECDSA_SHA512),
    ],
    ids=str,
)
def test_openssl_verifies(
    openssl: Callable[..., bytes], pki: Path, tmp_path: Path, kind: str, scheme: SignatureScheme, detached: bool
) -> None:
    keys = MemoryKeyRing()
    (identity,) = keys.add_file((pki / f"{kind}.key").read_bytes() + (pki / f"{kind}.pem").read_bytes())
    cms = build_signed_data(
        Content((CONTENT[:100], CONTENT[100:])),
        detached=detached,
        keys=keys,
        identity=identity,
        scheme=scheme,
        signing_time=datetime.now(UTC),
        capabilities=("aes256-cbc", "aes128-cbc"),
    )
    (tmp_path / "content").write_bytes(CONTENT)
    extra = ("-content", str(tmp_path / "content")) if detached else ()
    options = ("-binary", "-inform", "DER", "-CAfile", str(pki / "ca.pem"), "-cades", *extra)
    assert openssl("cms", "-verify", *options, stdin=cms) == CONTENT
    signed = parse_signed_data(cms)
    assert verify_signer(signed.signers[0], signed, Content((CONTENT,))).outcome is Outcome.GOOD


def test_attributes_signed_in_the_order_they_were_sent(openssl: Callable[..., bytes], pki: Path) -> None:
    """RFC 5652 section 5.4 wants DER, sorted; senders that do neither are verified all the same."""
    signer = ("-signer", str(pki / "rsa.pem"), "-inkey", str(pki / "rsa.key"))
    cms = openssl("cms", "-sign", "-binary", "-outform", "DER", *signer, stdin=CONTENT)
    info = parse_signed_data(cms).signers[0]
    assert info.signed_attributes is not None
    (proper,) = info.signed_octets()
    members = [bytes(child.raw) for child in info._signed.children()]  # type: ignore[union-attr]
    assert encode.set_of(members) == proper
    # Sent unsorted, signed sorted: the order in transit does not matter.
    shuffled = b"".join(reversed(members))
    turned = cms.replace(b"".join(members), shuffled)
    assert turned != cms
    signed = parse_signed_data(turned)
    assert verify_signer(signed.signers[0], signed, Content((CONTENT,))).outcome is Outcome.GOOD
    # Sent and signed unsorted.
    keys = MemoryKeyRing()
    (identity,) = keys.add_file((pki / "rsa.key").read_bytes() + (pki / "rsa.pem").read_bytes())
    signature = keys.sign(identity, RSA_SHA256, encode.header(0x11, len(shuffled), constructed=True) + shuffled)
    signed = parse_signed_data(turned.replace(info.signature, signature))
    assert len(signed.signers[0].signed_octets()) == 2
    assert verify_signer(signed.signers[0], signed, Content((CONTENT,))).outcome is Outcome.GOOD
