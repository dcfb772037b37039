"""Signatures borrowed, stripped, swapped and wrapped: what "Johnny, you are fired" (USENIX Security 2019) and its kin
do within the CMS structure. Each has a message made for it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from mailsec.crypto import ECDSA_SHA256, ED25519, ML_DSA_44, RSA_SHA256
from mailsec.crypto.cms import Content, Outcome, encode, oids, parse_signed_data, verify_signer
from mailsec.crypto.cms.tlv import SET, context
from mailsec.crypto.issue import issue
from mailsec.errors import CMSError

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
CONTENT = b"Content-Type: text/plain\r\n\r\nPay Bob 10 Euro.\r\n"
OTHER = b"Content-Type: text/plain\r\n\r\nPay Eve 99 Euro.\r\n"


def outcomes(people: Any, octets: bytes, content: bytes | None = None) -> list[Outcome]:
    return [result.outcome for result in people.verify(octets, content)]


def test_the_content_is_swapped(people: Any) -> None:
    """RFC 5652 section 5.6: the message digest is computed by the receiver."""
    octets = people.sign(CONTENT)
    assert outcomes(people, octets) == [Outcome.GOOD]
    assert outcomes(people, octets.replace(CONTENT, OTHER)) == [Outcome.DIGEST]


def test_the_content_is_swapped_with_its_message_digest(people: Any) -> None:
    attributes = people.attributes(CONTENT)
    swapped = people.attributes(OTHER)
    signature = people.issued("rsa").key.sign(encode.set_of(attributes), RSA_SHA256)
    octets = people.data(people.info(swapped, signature=signature), content=OTHER)
    assert outcomes(people, octets) == [Outcome.SIGNATURE]


def test_detached_and_attached_at_once(people: Any) -> None:
    """A signature that carries a content vouches for it alone, and not for one beside it."""
    octets = people.sign(CONTENT)
    signed = parse_signed_data(octets)
    assert signed.content is not None
    (signer,) = signed.signers
    assert verify_signer(signer, signed, Content(signed.content)).outcome is Outcome.GOOD
    assert verify_signer(signer, signed, Content((OTHER,))).outcome is Outcome.DIGEST


def test_an_empty_content_is_no_detached_one(people: Any) -> None:
    signed = parse_signed_data(people.sign(b""))
    assert signed.content is not None
    assert b"".join(signed.content) == b""
    assert outcomes(people, people.sign(b"")) == [Outcome.GOOD]
    assert outcomes(people, people.sign(b""), CONTENT) == [Outcome.DIGEST]


def test_no_signer(people: Any) -> None:
    """RFC 5652 section 5.1: there may be none; then there is nothing that could be good."""
    people.issued("rsa")
    octets = people.data(content=CONTENT)
    assert outcomes(people, octets) == []
    assert not parse_signed_data(octets).certificates_only, "with a content it is no message of certificates"


def test_several_signers_of_whom_one_is_bad(people: Any) -> None:
    octets = people.data(
        people.info(people.attributes(CONTENT)),
        people.info(people.attributes(OTHER), kind="p256", scheme=ECDSA_SHA256, algorithm=_ecdsa()),
        content=CONTENT,
    )
    assert outcomes(people, octets) == [Outcome.GOOD, Outcome.DIGEST]


@pytest.mark.parametrize(
    ("kind", "scheme", "digest", "algorithm"),
    [
        ("rsa", RSA_SHA256, "sha256", encode.sequence(encode.oid(oids.RSA), encode.NULL)),
        ("p256", ECDSA_SHA256, "sha256", encode.sequence(encode.oid("1.2.840.10045.4.3.2"))),
        ("ed25519", ED25519, "sha512", encode.sequence(encode.oid("1.3.101.112"))),
        ("ml-dsa-44", ML_DSA_44, "sha512", encode.sequence(encode.oid("2.16.840.1.101.3.4.3.17"))),
    ],
)
def test_signed_attributes_are_taken_for_a_content(
    people: Any, kind: str, scheme: Any, digest: str, algorithm: bytes
) -> None:
    """Existential forgery by leaving the signed attributes out, their octets now being the content."""
    oid = {"sha256": "2.16.840.1.101.3.4.2.1", "sha512": "2.16.840.1.101.3.4.2.3"}[digest]
    how = {"kind": kind, "scheme": scheme, "algorithm": algorithm, "digest": encode.sequence(encode.oid(oid))}
    attributes = people.attributes(CONTENT, digest=digest)
    signature = people.issued(kind).key.sign(encode.set_of(attributes), scheme)
    honest = people.data(people.info(attributes, signature=signature, **how), content=CONTENT)
    assert outcomes(people, honest) == [Outcome.GOOD]
    forged = encode.set_of(attributes)
    stripped = people.data(people.info(None, signature=signature, **how), content=forged)
    (result,) = people.verify(stripped)
    assert result.outcome is Outcome.MALFORMED
    assert "some other signature" in result.sentence
    # In the order in which they were sent, which some senders sign.
    unsorted = encode.constructed(SET, *sorted(attributes, reverse=True))
    signature = people.issued(kind).key.sign(unsorted, scheme)
    stripped = people.data(people.info(None, signature=signature, **how), content=unsorted)
    assert outcomes(people, stripped) == [Outcome.MALFORMED]


def test_a_content_is_taken_for_signed_attributes(people: Any) -> None:
    """The way back: a content signed without attributes was itself the DER of attributes.

    Nobody who uses us signs such: all our signatures have signed attributes. The forgery itself cannot be told from
    an honest signature, and is why the policy of the signer counts.
    """
    octets = people.sign(encode.set_of(people.attributes(OTHER)))
    (signer,) = parse_signed_data(octets).signers
    assert signer.signed_attributes is not None
    assert outcomes(people, octets) == [Outcome.GOOD]


def test_a_text_that_begins_like_attributes_is_a_text(people: Any) -> None:
    for content in (b"1", b"1000 thanks", b"10" * 30, b"1\x00", b"1\x80" + bytes(5), encode.set_of([encode.NULL])):
        octets = people.data(people.info(None, content), content=content)
        assert outcomes(people, octets) == [Outcome.GOOD], content


@pytest.mark.parametrize("oid", [oids.MESSAGE_DIGEST, oids.CONTENT_TYPE, oids.SIGNING_TIME, oids.ALGORITHM_PROTECTION])
@pytest.mark.parametrize("form", ["twice", "two values", "no value"])
def test_attributes_that_are_there_twice(people: Any, oid: str, form: str) -> None:
    """RFC 5652 section 11, RFC 6211 section 2: one instance with one value."""
    values = {
        oids.MESSAGE_DIGEST: encode.octet_string(bytes(32)),
        oids.CONTENT_TYPE: encode.oid(oids.SIGNED_DATA),
        oids.SIGNING_TIME: encode.time(NOW),
        oids.ALGORITHM_PROTECTION: encode.sequence(),
    }
    added = {
        "twice": [people.attribute(oid, values[oid]), people.attribute(oid, values[oid])],
        "two values": [people.attribute(oid, values[oid], values[oid])],
        "no value": [people.attribute(oid)],
    }[form]
    octets = people.data(people.info(people.attributes(CONTENT, *added)), content=CONTENT)
    assert outcomes(people, octets) == [Outcome.MALFORMED]


@pytest.mark.parametrize("missing", [0, 1])
def test_an_attribute_that_must_be_there_is_not(people: Any, missing: int) -> None:
    """RFC 5652 section 5.3: content type and message digest."""
    attributes = people.attributes(CONTENT)
    del attributes[missing]
    octets = people.data(people.info(attributes), content=CONTENT)
    assert outcomes(people, octets) == [Outcome.MALFORMED]


def test_empty_signed_attributes(people: Any) -> None:
    octets = people.data(people.info([]), content=CONTENT)
    assert outcomes(people, octets) == [Outcome.MALFORMED]


def test_the_wrong_content_type(people: Any) -> None:
    """RFC 5652 section 11.1: a receipt, say, must not pass for a message."""
    octets = people.data(people.info(people.attributes(CONTENT, kind=oids.RECEIPT)), content=CONTENT)
    assert outcomes(people, octets) == [Outcome.MALFORMED]
    octets = people.data(people.info(people.attributes(CONTENT)), content=CONTENT, kind=oids.RECEIPT)
    assert outcomes(people, octets) == [Outcome.MALFORMED]


def test_another_content_type_needs_signed_attributes(people: Any) -> None:
    """RFC 5652 section 5.3."""
    octets = people.data(people.info(None, CONTENT), content=CONTENT, kind=oids.RECEIPT)
    assert outcomes(people, octets) == [Outcome.MALFORMED]


def test_a_key_identifier_that_two_certificates_have(people: Any) -> None:
    """RFC 5652 section 5.3: the certificate whose key verifies is the signer's, wherever it stands."""
    rsa, p256 = people.issued("rsa"), people.issued("p256")
    forged = issue(None, "eve@example.org", not_before=NOW, not_after=NOW, key=p256.key, subject="Eve")
    # Eve's certificate claims the key identifier of the other: only the position in DER is changed.
    stolen = forged.certificate.der.replace(
        encode.octet_string(forged.certificate.key_identifier or b""),
        encode.octet_string(rsa.certificate.key_identifier or b""),
    )
    sid = encode.primitive(context(0), rsa.certificate.key_identifier or b"")
    for certificates in ((stolen, rsa.certificate.der), (rsa.certificate.der, stolen)):
        octets = people.data(
            people.info(people.attributes(CONTENT), sid=sid), content=CONTENT, certificates=certificates
        )
        (result,) = people.verify(octets)
        assert (result.outcome, result.certificate, result.others) == (Outcome.GOOD, rsa.certificate, ())
    # With the stolen one alone, the signature is just wrong.
    octets = people.data(people.info(people.attributes(CONTENT), sid=sid), content=CONTENT, certificates=(stolen,))
    assert outcomes(people, octets) == [Outcome.SIGNATURE]


def test_a_second_certificate_for_the_same_key(people: Any) -> None:
    """Whoever gets a certificate for somebody else's key does not thereby become the signer (RFC 5035 section 1)."""
    rsa = people.issued("rsa")
    eve = issue(people.authority, "eve@example.org", not_before=NOW, not_after=NOW, key=rsa.key, subject="Eve")
    sid = encode.primitive(context(0), rsa.certificate.key_identifier or b"")
    both = (eve.certificate.der, rsa.certificate.der)
    octets = people.data(people.info(people.attributes(CONTENT), sid=sid), content=CONTENT, certificates=both)
    (result,) = people.verify(octets)
    assert result.outcome is Outcome.GOOD
    assert {result.certificate, *result.others} == {eve.certificate, rsa.certificate}, "both are named"
    # A signer who commits to one, as ours do, leaves no doubt.
    made = people.sign(CONTENT, people.signer("rsa", RSA_SHA256, by_key_identifier=True))
    signed = parse_signed_data(made)
    (signer,) = signed.signers
    result = verify_signer(signer, signed, Content((CONTENT,)), (eve.certificate,))
    assert (result.certificate, result.others) == (rsa.certificate, ())
    swapped = people.data(bytes(signer.element.raw), content=CONTENT, certificates=(eve.certificate.der,))
    (result,) = people.verify(swapped)
    assert (result.outcome, result.sentence) == (Outcome.SIGNATURE, "the signature was made for another certificate")
    swapped = people.data(bytes(signer.element.raw), content=CONTENT, certificates=both)
    (result,) = people.verify(swapped)
    assert (result.outcome, result.certificate) == (Outcome.GOOD, rsa.certificate)


def test_a_signature_wrapped_into_another(people: Any) -> None:
    """A SignedData within a SignedData: each signs its own content, and the outer one that it is a SignedData."""
    inner = people.sign(CONTENT)
    wrapped = people.sign(inner, people.signer("p256", ECDSA_SHA256), content_type=oids.SIGNED_DATA)
    outer = parse_signed_data(wrapped)
    assert outer.content_type_name == "signed-data"
    assert [len(outer.signers), outcomes(people, wrapped)] == [1, [Outcome.GOOD]]
    # The inner signer lifted out does not vouch for the outer content.
    (signer,) = parse_signed_data(inner).signers
    octets = people.data(bytes(signer.element.raw), content=OTHER)
    assert outcomes(people, octets) == [Outcome.DIGEST]
    octets = people.data(bytes(signer.element.raw), content=inner, kind=oids.SIGNED_DATA)
    assert outcomes(people, octets) == [Outcome.MALFORMED]


def test_unsigned_attributes_say_nothing(people: Any) -> None:
    """What must be signed does not count where nobody signed it."""
    digest = people.attribute(oids.MESSAGE_DIGEST, encode.octet_string(bytes(32)))
    times = people.attribute(oids.SIGNING_TIME, encode.time(NOW))
    octets = people.data(people.info(people.attributes(CONTENT), unsigned=[digest, times]), content=CONTENT)
    (result,) = people.verify(octets)
    assert result.outcome is Outcome.GOOD
    assert result.signer.signing_time is None
    assert [attribute.name for attribute in result.signer.unsigned_attributes] == ["signing time", "message digest"]


def test_two_contents(people: Any) -> None:
    """Of two OCTET STRINGs in the content one would be verified and perhaps the other shown."""
    two = encode.constructed(context(0), encode.octet_string(CONTENT), encode.octet_string(OTHER))
    one = encode.constructed(context(0), encode.octet_string(CONTENT))
    good = people.data(people.info(people.attributes(CONTENT)), content=CONTENT, certificates=())
    lengthened = good.replace(one, two)
    assert lengthened != good
    with pytest.raises(CMSError):
        parse_signed_data(lengthened)


def test_a_foreign_algorithm_for_the_key(people: Any) -> None:
    """A signature by one kind of key under the identifier of another is wrong, not an error."""
    for algorithm in ("1.2.840.10045.4.3.2", "2.16.840.1.101.3.4.3.2", "1.2.840.113549.1.1.11"):
        info = people.info(
            people.attributes(CONTENT),
            kind="p256",
            scheme=ECDSA_SHA256,
            algorithm=encode.sequence(encode.oid(algorithm)),
            sid=encode.sequence(people.certificate("rsa").issuer_der, encode.integer(people.certificate("rsa").serial)),
        )
        assert outcomes(people, people.data(info, content=CONTENT)) == [Outcome.SIGNATURE]


def _ecdsa() -> bytes:
    return encode.sequence(encode.oid("1.2.840.10045.4.3.2"))
