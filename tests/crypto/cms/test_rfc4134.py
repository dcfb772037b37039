"""The signed examples of RFC 4134 section 4, each signature with all that stands around it.

Their algorithms (SHA-1, keys of 1024 bits) are of their time: right, and refused by the policy.
"""

from __future__ import annotations

import email
from collections.abc import Callable
from pathlib import Path

import pytest

from mailsec.crypto import Certificate, Status
from mailsec.crypto.cms import (
    Content,
    IssuerAndSerialNumber,
    Outcome,
    SignedData,
    SubjectKeyIdentifier,
    parse_signed_data,
    verify_countersignature,
    verify_signer,
)
from mailsec.crypto.names import rfc4514

DSA, RSA = "dsa-sha1", "rsa-sha1"
BY_NUMBER, BY_KEY = IssuerAndSerialNumber, SubjectKeyIdentifier

# Section: the schemes of its signers, how they are named, whether the content is in it, certificates, CRLs
EXAMPLES = {
    "4.1": ((DSA,), BY_NUMBER, True, 1, 0),
    "4.2": ((RSA,), BY_NUMBER, True, 1, 0),
    "4.3": ((DSA,), BY_NUMBER, False, 1, 0),
    "4.4": ((DSA,), BY_NUMBER, True, 3, 1),
    "4.5": ((RSA,), BY_NUMBER, True, 2, 0),
    # Diane's key takes its parameters from that of Carl, her issuer (RFC 3279 section 2.3.2).
    "4.6": ((DSA, DSA), BY_NUMBER, True, 2, 0),
    "4.7": ((DSA,), BY_KEY, True, 1, 0),
    "4.8": ((DSA,), BY_NUMBER, False, 1, 0),
    "4.9": ((DSA,), BY_NUMBER, True, 1, 0),
    "4.10": ((DSA,), BY_NUMBER, True, 1, 0),
}


@pytest.fixture
def known(conformance: Path) -> list[Certificate]:
    return [Certificate.from_der(path.read_bytes()) for path in sorted((conformance / "rfc4134").glob("*.cer"))]


def read(folder: Path, section: str) -> tuple[SignedData, Content]:
    """A SignedData with its content, which for two of them is that of a message."""
    if (folder / f"{section}.bin").exists():
        signed = parse_signed_data((folder / f"{section}.bin").read_bytes())
        return signed, Content(signed.content or ((folder / "ExContent.bin").read_bytes(),))
    octets = (folder / f"{section}.eml").read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    message = email.message_from_bytes(octets)
    if not message.is_multipart():
        signed = parse_signed_data(message.get_payload(decode=True))  # type: ignore[arg-type]
        return signed, Content(signed.content or ())
    boundary = b"--" + str(message.get_boundary()).encode()
    entity = octets.split(boundary + b"\r\n")[1].removesuffix(b"\r\n")
    signature = message.get_payload(1).get_payload(decode=True)  # type: ignore[union-attr]
    return parse_signed_data(signature), Content((entity,))  # type: ignore[arg-type]


@pytest.mark.parametrize("section", EXAMPLES)
def test_signed_examples(conformance: Path, known: list[Certificate], section: str) -> None:
    schemes, identifier, encapsulated, certificates, crls = EXAMPLES[section]
    signed, content = read(conformance / "rfc4134", section)
    assert signed.content_type_name == "data"
    assert (signed.content is not None) is encapsulated
    assert (len(signed.certificates), len(signed.crls)) == (certificates, crls)
    assert not signed.certificates_only
    results = [verify_signer(signer, signed, content, known) for signer in signed.signers]
    assert [str(result.scheme) for result in results] == list(schemes)
    for result in results:
        assert isinstance(result.signer.sid, identifier)
        assert result.outcome is Outcome.GOOD
        assert result.assessment is not None
        assert result.assessment.status is Status.REFUSED
    changed = Content((*content.pieces, b"!"))
    again = [verify_signer(signer, signed, changed, known).outcome for signer in signed.signers]
    assert Outcome.GOOD not in again


def test_the_example_of_a_countersignature(
    conformance: Path, known: list[Certificate], figure: Callable[[str], None]
) -> None:
    """Section 4.4: AliceRSA signs the signature of AliceDSS."""
    signed, content = read(conformance / "rfc4134", "4.4")
    (signer,) = signed.signers
    assert [attribute.name for attribute in signer.unsigned_attributes] == ["content hints", "countersignature"]
    (countersigner,) = signer.countersigners()
    result = verify_countersignature(countersigner, signer, signed, known)
    assert (result.outcome, str(result.certificate and result.certificate.subject)) == (Outcome.GOOD, "CN=AliceRSA")
    assert verify_signer(countersigner, signed, content, known).outcome is Outcome.MALFORMED, (
        "of the content it is none"
    )
    other, _ = read(conformance / "rfc4134", "4.1")
    assert verify_countersignature(countersigner, other.signers[0], signed, known).outcome is Outcome.DIGEST
    figure(
        f"RFC 4134 section 4: {len(EXAMPLES)} signed examples read, 11 of 11 signatures and the countersignature right"
    )


def test_the_example_with_all_attributes(conformance: Path, known: list[Certificate]) -> None:
    """Section 4.10."""
    signed, _ = read(conformance / "rfc4134", "4.10")
    (signer,) = signed.signers
    assert [attribute.name for attribute in signer.signed_attributes or ()] == [
        "content type",
        "message digest",
        "1.2.5555",
        "content hints",
        "S/MIME capabilities",
        "security label",
        "content reference",
        "encryption key preference",
        "mailing list expansion history",
        "equivalent labels",
    ]
    preferred = signer.encryption_key_preference
    assert isinstance(preferred, IssuerAndSerialNumber)
    assert rfc4514(preferred.issuer) == "CN=Daisy RSA,OU=VDA,OU=VDA Site,O=US Government,C=US"
    assert [one.oid for one in signer.capabilities] == ["1.2.3.4.5.6", "1.2.3.4.5.6.77"]


def test_the_example_of_certificates_only(conformance: Path) -> None:
    """Section 4.11."""
    signed, _ = read(conformance / "rfc4134", "4.11")
    assert signed.certificates_only
    assert [str(certificate.subject) for certificate in signed.certificates] == ["CN=CarlDSS", "CN=AliceDSS"]
    assert len(signed.crls) == 1
