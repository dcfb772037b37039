"""Structures of others, read as asn1crypto reads them, whole and damaged."""

from __future__ import annotations

import base64
import email
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import asn1crypto
import cryptography_vectors
import pytest
from asn1crypto import cms as asn1crypto_cms
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailsec.crypto import Certificate
from mailsec.crypto.cms import (
    Content,
    IssuerAndSerialNumber,
    Outcome,
    SignedData,
    parse_content_info,
    parse_signed_data,
    verify_signer,
)
from mailsec.errors import CMSError, LimitError

VECTORS = Path(cryptography_vectors.__file__).parent
PKITS = VECTORS / "x509" / "PKITS_data" / "smime"


@lru_cache
def pkits() -> dict[str, tuple[bytes, bytes]]:
    """The signed entity and the signature of each PKITS message, by its name."""
    found = {}
    for path in sorted(PKITS.glob("*.eml")):
        octets = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        message = email.message_from_bytes(octets)
        boundary = b"--" + str(message.get_boundary()).encode()
        entity = octets.split(boundary + b"\r\n")[1].removesuffix(b"\r\n")
        payload = message.get_payload()
        assert isinstance(payload, list)
        found[path.stem] = (entity, base64.b64decode(str(payload[1].get_payload())))  # type: ignore[union-attr]
    return found


def judge(octets: bytes) -> tuple[SignedData, asn1crypto_cms.SignedData]:
    theirs = asn1crypto_cms.ContentInfo.load(octets, strict=True)["content"]
    return parse_signed_data(octets), theirs


def whole(choice: asn1crypto_cms.CertificateChoices) -> bytes:
    """The element as it was received; `dump()` loses unique identifiers."""
    certificate = choice.chosen
    return bytes(certificate._header + certificate.contents)


def native(theirs: asn1crypto_cms.SignedData) -> Iterator[object]:
    """What asn1crypto makes of a SignedData, for comparison."""
    encapsulated = theirs["encap_content_info"]
    yield encapsulated["content_type"].dotted
    content = encapsulated["content"]
    yield None if content.native is None else bytes(content)
    yield [whole(choice) for choice in theirs["certificates"]] if theirs["certificates"].native else []
    for info in theirs["signer_infos"]:
        yield info["digest_algorithm"]["algorithm"].dotted
        yield info["signature_algorithm"]["algorithm"].dotted
        yield bytes(info["signature"])
        sid = info["sid"].chosen
        yield sid["serial_number"].native if info["sid"].name == "issuer_and_serial_number" else bytes(sid)
        for name in ("signed_attrs", "unsigned_attrs"):
            attributes = info[name]
            yield [
                (attribute["type"].dotted, [value.dump() for value in attribute["values"]])
                for attribute in (attributes if attributes.native else ())
            ]


def own(ours: SignedData) -> Iterator[object]:
    """The same from our view."""
    yield ours.content_type
    yield None if ours.content is None else b"".join(ours.content)
    yield [bytes(choice.octets) for choice in ours.certificate_choices]
    for info in ours.signers:
        yield info.digest_algorithm.oid
        yield info.signature_algorithm.oid
        yield info.signature
        yield info.sid.serial if isinstance(info.sid, IssuerAndSerialNumber) else info.sid.octets
        for attributes in (info.signed_attributes, info.unsigned_attributes):
            yield [(attribute.oid, [bytes(value.raw) for value in attribute.values]) for attribute in attributes or ()]


def test_the_messages_of_pkits(figure: Callable[[str], None]) -> None:
    """All 224 parse as asn1crypto parses them. The suite is about paths: all signatures are right.

    One signer's key takes its parameters from the key of its issuer's issuer.
    """
    outcomes: dict[str, Outcome] = {}
    for name, (entity, octets) in pkits().items():
        ours, theirs = judge(octets)
        assert list(own(ours)) == list(native(theirs)), name
        (signer,) = ours.signers
        outcomes[name] = verify_signer(signer, ours, Content((entity,))).outcome
    assert len(outcomes) == 224
    not_good = {name: outcome for name, outcome in outcomes.items() if outcome is not Outcome.GOOD}
    right = len(outcomes) - len(not_good)
    peer = f"asn1crypto {asn1crypto.__version__}"
    figure(f"PKITS: {len(outcomes)} messages read as {peer} reads them, {right} signatures right")
    # The signature of this signer's certificate is no BIT STRING of whole octets: it is not read, or is read and wrong.
    assert not_good.pop("SignedInvalidDSASignatureTest6", None) in (None, Outcome.NO_CERTIFICATE)
    assert not not_good


RFC4134 = {
    # Section of the RFC to the number of signers, or to what it is instead of signed-data.
    "3.1": "data",
    "3.2": "data",
    "4.1": 1,
    "4.2": 1,
    "4.3": 1,
    "4.4": 1,
    "4.5": 1,
    "4.6": 2,
    "4.7": 1,
    "4.10": 1,
    "4.11": 0,
    "5.1": "enveloped-data",
    "5.2": "enveloped-data",
    "6.0": "digested-data",
    "7.1": "encrypted-data",
    "7.2": "encrypted-data",
}


@pytest.mark.parametrize("section", RFC4134)
def test_the_examples_of_rfc_4134(conformance: Path, section: str) -> None:
    folder = conformance / "rfc4134"
    octets = (folder / f"{section}.bin").read_bytes()
    info = parse_content_info(octets)
    expected_form = RFC4134[section]
    if isinstance(expected_form, str):
        assert info.type_name == expected_form
        return
    known = [Certificate.from_der(path.read_bytes()) for path in sorted(folder.glob("*.cer"))]
    ours, theirs = judge(octets)
    if section != "4.10":  # asn1crypto cannot read its security label
        assert list(own(ours)) == list(native(theirs))
    pieces = ours.content or ((folder / "ExContent.bin").read_bytes(),)
    results = [verify_signer(signer, ours, Content(pieces), known) for signer in ours.signers]
    assert len(ours.signers) == expected_form
    expected = [Outcome.GOOD] * len(results)
    assert [result.outcome for result in results] == expected
    for result in results:
        assert result.assessment is None or result.assessment.status == "refused", result


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=600)
@given(st.data())
def test_damaged_structures_end_in_a_result_or_an_error(data: st.DataObject) -> None:
    """Never in another exception or a hang; and what both readers read, they read alike."""
    name = data.draw(st.sampled_from(sorted(pkits())[:20]))
    entity, original = pkits()[name]
    octets = bytearray(original)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(octets) - 1))
        change = data.draw(st.sampled_from(["set", "cut", "insert", "delete", "repeat"]))
        if change == "set":
            octets[at] = data.draw(st.integers(0, 255))
        elif change == "cut":
            del octets[max(at, 1) :]
        elif change == "insert":
            octets[at:at] = data.draw(
                st.sampled_from([b"\x30\x80", b"\0\0", b"\x24\x80", b"\xff", b"\x80", b"\x04\x00"])
            )
        elif change == "delete":
            del octets[at : at + data.draw(st.integers(1, 40))]
        else:
            octets[at:at] = octets[at : at + 60]
        if not octets:
            return
    try:
        ours = parse_signed_data(bytes(octets))
    except (CMSError, LimitError):
        return
    for signer in ours.signers:
        result = verify_signer(signer, ours, Content((entity,)))
        assert result.outcome in Outcome
    assert isinstance(ours.certificates, tuple)
