"""Rules of the standards on algorithms, attributes and encodings, a table for each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from mailsec.crypto import (
    ECDSA_SHA256,
    ED448,
    ED25519,
    ML_DSA_44,
    ML_DSA_65,
    ML_DSA_87,
    RSA_PSS_SHA256,
    RSA_SHA256,
    SignatureScheme,
    Status,
    new_digest,
    scheme_of,
)
from mailsec.crypto.cms import (
    Content,
    IssuerAndSerialNumber,
    Outcome,
    StreamedContent,
    SubjectKeyIdentifier,
    encode,
    oids,
    parse_receipt,
    parse_signed_data,
    receipt_request,
    verify_countersignature,
    verify_signer,
)
from mailsec.crypto.cms.tlv import OCTET_STRING, SEQUENCE, SET, Element, context, read
from mailsec.errors import CMSError, LimitError, UsageError

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
CONTENT = b"Content-Type: text/plain\r\n\r\nHello, world.\r\n" * 20
DIGESTS = {
    "md5": "1.2.840.113549.2.5",
    "sha1": "1.3.14.3.2.26",
    "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
    "sha512": "2.16.840.1.101.3.4.2.3",
    "sha3-256": "2.16.840.1.101.3.4.2.8",
    "sha3-384": "2.16.840.1.101.3.4.2.9",
    "sha3-512": "2.16.840.1.101.3.4.2.10",
    "shake128": "2.16.840.1.101.3.4.2.11",
    "shake256": "2.16.840.1.101.3.4.2.12",
    "shake256-len": "2.16.840.1.101.3.4.2.18",
}
SIGNATURES = {
    "ed25519": "1.3.101.112",
    "ed448": "1.3.101.113",
    "ml-dsa-44": "2.16.840.1.101.3.4.3.17",
    "ml-dsa-65": "2.16.840.1.101.3.4.3.18",
    "ml-dsa-87": "2.16.840.1.101.3.4.3.19",
}
PURE = {"ed25519": ED25519, "ed448": ED448, "ml-dsa-44": ML_DSA_44, "ml-dsa-65": ML_DSA_65, "ml-dsa-87": ML_DSA_87}


def identifier(oid: str, parameters: bytes = b"") -> bytes:
    return encode.sequence(encode.oid(DIGESTS.get(oid, SIGNATURES.get(oid, oid))), parameters)


GOOD, MALFORMED, UNSUPPORTED = Outcome.GOOD, Outcome.MALFORMED, Outcome.UNSUPPORTED


@pytest.mark.parametrize(
    ("kind", "digest", "parameters", "attributes", "outcome", "status"),
    [
        # RFC 8419 section 3.1 and 3.2.
        ("ed25519", "sha512", b"", True, GOOD, "accepted"),
        ("ed25519", "sha512", b"", False, GOOD, "accepted"),
        ("ed25519", "sha256", b"", True, MALFORMED, None),
        ("ed25519", "sha256", b"", False, MALFORMED, None),
        ("ed448", "shake256-len", encode.integer(512), True, GOOD, "accepted"),
        ("ed448", "shake256-len", encode.integer(256), True, UNSUPPORTED, None),
        ("ed448", "shake256-len", b"", True, UNSUPPORTED, None),
        ("ed448", "shake256", b"", False, GOOD, "accepted"),
        ("ed448", "shake256", b"", True, GOOD, "accepted"),  # the same digest, without its length
        ("ed448", "sha512", b"", True, MALFORMED, None),
        # RFC 9882 section 3.3: table 1; without signed attributes the field is ignored.
        ("ml-dsa-44", "sha256", b"", True, GOOD, "accepted"),
        ("ml-dsa-44", "sha512", b"", True, GOOD, "accepted"),
        ("ml-dsa-44", "shake128", b"", True, GOOD, "accepted"),
        ("ml-dsa-44", "sha1", b"", True, GOOD, "refused"),
        ("ml-dsa-65", "sha256", b"", True, GOOD, "deprecated"),
        ("ml-dsa-65", "sha384", b"", True, GOOD, "accepted"),
        ("ml-dsa-65", "sha3-384", b"", True, GOOD, "accepted"),
        ("ml-dsa-65", "shake128", b"", True, GOOD, "deprecated"),
        ("ml-dsa-87", "sha384", b"", True, GOOD, "deprecated"),
        ("ml-dsa-87", "sha512", b"", True, GOOD, "accepted"),
        ("ml-dsa-87", "sha3-512", b"", True, GOOD, "accepted"),
        ("ml-dsa-87", "shake256", b"", True, GOOD, "accepted"),
        ("ml-dsa-87", "sha512", b"", False, GOOD, "accepted"),
        ("ml-dsa-87", "md5", b"", False, GOOD, "accepted"),
        ("ml-dsa-87", "1.2.3.4", b"", False, GOOD, "accepted"),
        ("ml-dsa-87", "1.2.3.4", b"", True, UNSUPPORTED, None),
    ],
)
def test_digests_of_signatures_without_one_of_their_own(
    people: Any, kind: str, digest: str, parameters: bytes, attributes: bool, outcome: Outcome, status: str | None
) -> None:
    name = digest.removesuffix("-len")
    made = people.attributes(CONTENT, digest=name) if attributes and name in DIGESTS else None
    if attributes and made is None:
        made = people.attributes(CONTENT)
    info = people.info(
        made,
        CONTENT,
        kind=kind,
        scheme=PURE[kind],
        digest=identifier(digest, parameters),
        algorithm=identifier(kind),
    )
    (result,) = people.verify(people.data(info, content=CONTENT))
    assert result.outcome is outcome, result.sentence
    assert (result.assessment and result.assessment.status) == status


@pytest.mark.parametrize("kind", PURE)
@pytest.mark.parametrize("parameters", [encode.NULL, encode.octet_string(b"x")], ids=["NULL", "a string"])
def test_signature_algorithms_without_parameters(people: Any, kind: str, parameters: bytes) -> None:
    """RFC 8419 section 2.4, RFC 9882 section 2: the parameters must be absent; HashML-DSA is another algorithm."""
    name = "shake256" if kind == "ed448" else "sha512"
    info = people.info(
        people.attributes(CONTENT, digest=name),
        kind=kind,
        scheme=PURE[kind],
        digest=identifier(name),
        algorithm=identifier(kind, parameters),
    )
    (result,) = people.verify(people.data(info, content=CONTENT))
    assert result.outcome is MALFORMED


def test_the_pre_hash_mode_of_ml_dsa_is_not_known(people: Any) -> None:
    """RFC 9882 section 3.1: CMS has the pure mode only."""
    info = people.info(
        people.attributes(CONTENT, digest="sha512"),
        kind="ml-dsa-44",
        scheme=ML_DSA_44,
        digest=identifier("sha512"),
        algorithm=identifier("2.16.840.1.101.3.4.3.32"),  # id-hash-ml-dsa-44-with-sha512
    )
    (result,) = people.verify(people.data(info, content=CONTENT))
    assert result.outcome is UNSUPPORTED


def test_ml_dsa_has_an_empty_context(people: Any) -> None:
    """RFC 9882 section 3.2: a signature in another context is none."""
    attributes = people.attributes(CONTENT, digest="sha512")
    native = people.issued("ml-dsa-44").key._key
    for used, outcome in ((b"", GOOD), (b"mail", Outcome.SIGNATURE)):
        info = people.info(
            attributes,
            kind="ml-dsa-44",
            digest=identifier("sha512"),
            algorithm=identifier("ml-dsa-44"),
            signature=native.sign(encode.set_of(attributes), used),
        )
        (result,) = people.verify(people.data(info, content=CONTENT))
        assert result.outcome is outcome


@pytest.mark.parametrize(
    ("digest", "parameters", "outcome"),
    [
        ("sha256", b"", GOOD),
        ("sha256", encode.NULL, GOOD),  # RFC 5754 section 2: both are taken
        ("sha256", encode.octet_string(b""), MALFORMED),
        ("sha512", b"", MALFORMED),  # RFC 8933 section 3: one digest for content and attributes
        ("1.3.36.3.2.1", b"", UNSUPPORTED),  # RIPEMD-160
    ],
)
@pytest.mark.parametrize("attributes", [True, False])
def test_the_digest_of_a_signature_with_one(
    people: Any, digest: str, parameters: bytes, outcome: Outcome, attributes: bool
) -> None:
    name = digest if digest in DIGESTS else "sha256"
    info = people.info(
        people.attributes(CONTENT, digest=name) if attributes else None,
        CONTENT,
        digest=identifier(digest, parameters),
        algorithm=identifier("1.2.840.113549.1.1.11", encode.NULL),
    )
    (result,) = people.verify(people.data(info, content=CONTENT))
    assert result.outcome is outcome


@pytest.mark.parametrize("digest", ["md5", "sha1"])
def test_old_digests_are_verified_and_refused(people: Any, digest: str) -> None:
    """RFC 8551 appendix B: what is historical can be read, and does not count."""
    info = people.info(
        people.attributes(CONTENT, digest=digest), scheme=SignatureScheme("rsa", digest), digest=identifier(digest)
    )
    (result,) = people.verify(people.data(info, content=CONTENT))
    assert result.outcome is GOOD
    assert result.assessment is not None
    assert result.assessment.status is Status.REFUSED


def hash_of(name: str, parameters: bytes = encode.NULL) -> bytes:
    return identifier(name, parameters)


def mgf1(name: str) -> bytes:
    return encode.sequence(encode.oid(oids.MGF1), hash_of(name))


def explicit(number: int, value: bytes) -> bytes:
    return encode.constructed(context(number), value)


PSS = [explicit(0, hash_of("sha256")), explicit(1, mgf1("sha256")), explicit(2, encode.integer(32))]


@pytest.mark.parametrize(
    ("parameters", "outcome"),
    [
        pytest.param(PSS, GOOD, id="as they should be"),
        pytest.param([*PSS, explicit(3, encode.integer(1))], GOOD, id="the default trailer written out"),
        pytest.param([explicit(0, hash_of("sha256", b"")), *PSS[1:]], GOOD, id="digest without NULL (RFC 4055 2.1)"),
        pytest.param([*PSS, explicit(3, encode.integer(2))], UNSUPPORTED, id="another trailer (RFC 4055 3.1)"),
        pytest.param(PSS[:2], Outcome.SIGNATURE, id="another salt length: the default of 20"),
        pytest.param([*PSS[:2], explicit(2, encode.integer(33))], Outcome.SIGNATURE, id="a longer salt"),
        pytest.param([*PSS[:2], explicit(2, encode.integer(-1))], UNSUPPORTED, id="a negative salt"),
        pytest.param([*PSS[:2], explicit(2, encode.integer(1 << 40))], UNSUPPORTED, id="a salt longer than any key"),
        pytest.param([*PSS[:2], explicit(2, encode.integer(500))], Outcome.SIGNATURE, id="longer than this key"),
        pytest.param([PSS[0], explicit(1, mgf1("sha512")), PSS[2]], Outcome.SIGNATURE, id="another mask digest"),
        pytest.param([PSS[0], PSS[2]], Outcome.SIGNATURE, id="the default mask digest, SHA-1"),
        pytest.param(
            [PSS[0], explicit(1, encode.sequence(encode.oid("1.2.3"), hash_of("sha256"))), PSS[2]],
            UNSUPPORTED,
            id="another mask generation function",
        ),
        pytest.param([explicit(0, hash_of("sha512")), *PSS[1:]], MALFORMED, id="another digest (RFC 4056 3)"),
        pytest.param([], MALFORMED, id="all defaults: SHA-1, and the content SHA-256"),
        pytest.param([PSS[1], PSS[0], PSS[2]], UNSUPPORTED, id="out of order"),
        pytest.param([*PSS, PSS[2]], UNSUPPORTED, id="twice"),
        pytest.param([*PSS, explicit(4, encode.NULL)], UNSUPPORTED, id="unknown"),
        pytest.param([explicit(0, hash_of("sha256", encode.integer(1))), *PSS[1:]], UNSUPPORTED, id="digest of what"),
        pytest.param([explicit(0, hash_of("shake256")), *PSS[1:]], UNSUPPORTED, id="SHAKE (RFC 8702 has its own)"),
        pytest.param(None, UNSUPPORTED, id="absent (RFC 4056 section 2.2)"),
    ],
)
def test_parameters_of_rsassa_pss(people: Any, parameters: list[bytes] | None, outcome: Outcome) -> None:
    """RFC 4055 section 3.1, RFC 4056 section 3, RFC 8017 appendix A.2.3: changing one must not go unnoticed."""
    algorithm = encode.sequence(encode.oid(oids.RSA_PSS), b"" if parameters is None else encode.sequence(*parameters))
    info = people.info(people.attributes(CONTENT), scheme=RSA_PSS_SHA256, algorithm=algorithm)
    (result,) = people.verify(people.data(info, content=CONTENT))
    assert result.outcome is outcome, result.sentence


def test_what_stands_after_the_parameters() -> None:
    inner = encode.sequence(encode.oid(oids.RSA_PSS), encode.sequence(*PSS), encode.NULL)
    assert scheme_of(inner) is None


def protection(digest: bytes, algorithm: bytes, tag: int = 1, *more: bytes) -> bytes:
    retagged = bytes((0xA0 | tag,)) + algorithm[1:]
    return encode.sequence(digest, retagged, *more)


RSA = identifier(oids.RSA, encode.NULL)
RSA_SHA = identifier("1.2.840.113549.1.1.11", encode.NULL)


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        pytest.param(protection(identifier("sha256"), RSA), GOOD, id="as they are"),
        pytest.param(protection(hash_of("sha256"), RSA), GOOD, id="NULL for absent"),
        pytest.param(protection(identifier("sha256"), identifier(oids.RSA)), GOOD, id="absent for NULL"),
        pytest.param(protection(identifier("sha512"), RSA), Outcome.SIGNATURE, id="another digest"),
        pytest.param(protection(identifier("sha256"), RSA_SHA), Outcome.SIGNATURE, id="another identifier"),
        pytest.param(protection(identifier("sha256"), RSA, 2), MALFORMED, id="a MAC algorithm"),
        pytest.param(protection(identifier("sha256"), RSA, 1, encode.NULL), MALFORMED, id="something more"),
        pytest.param(encode.sequence(identifier("sha256")), MALFORMED, id="no signature algorithm"),
        pytest.param(encode.integer(1), MALFORMED, id="a number"),
    ],
)
def test_algorithm_protection(people: Any, value: bytes, outcome: Outcome) -> None:
    """RFC 6211 section 3.1."""
    attributes = people.attributes(CONTENT, people.attribute(oids.ALGORITHM_PROTECTION, value))
    (result,) = people.verify(people.data(people.info(attributes), content=CONTENT))
    assert result.outcome is outcome
    if outcome is Outcome.SIGNATURE:
        assert result.sentence == "the algorithms are not the ones that the signer protected"


def test_algorithm_protection_compares_defaults(people: Any) -> None:
    """RFC 6211 section 3: a default is the same, written out or not."""
    written = encode.sequence(encode.oid(oids.RSA_PSS), encode.sequence(*PSS, explicit(3, encode.integer(1))))
    short = encode.sequence(encode.oid(oids.RSA_PSS), encode.sequence(*PSS))
    value = protection(identifier("sha256"), written)
    attributes = people.attributes(CONTENT, people.attribute(oids.ALGORITHM_PROTECTION, value))
    info = people.info(attributes, scheme=RSA_PSS_SHA256, algorithm=short)
    assert people.verify(people.data(info, content=CONTENT))[0].outcome is GOOD


# -- encodings ---------------------------------------------------------------------------------------------------


def ber(element: Element, depth: int = 0) -> bytes:
    """The same in the most roundabout BER: indefinite lengths, strings in pieces, long lengths.

    Certificates and the names that stand in them stay as they are: only DER has them.
    """
    identifier_octet = bytes(element.raw[:1])
    if not element.constructed:
        contents = bytes(element.contents)
        if element.tag in (OCTET_STRING, context(0)) and len(contents) > 1:
            pieces = [contents[:1], b"", contents[1:]]
            inner = b"".join(encode.octet_string(piece) for piece in pieces)
            nested = b"\x24\x80" + inner + b"\0\0" if element.tag == OCTET_STRING else inner
            return bytes((identifier_octet[0] | 0x20, 0x80)) + nested + b"\0\0"
        return identifier_octet + b"\x84" + len(contents).to_bytes(4) + contents
    if is_certificate(element):
        return bytes(element.raw)
    return identifier_octet + b"\x80" + b"".join(ber(child, depth + 1) for child in element.children()) + b"\0\0"


def is_certificate(element: Element) -> bool:
    children = list(element.children())
    return element.tag == SEQUENCE and len(children) == 3 and children[2].tag == 3


SCHEMES: list[tuple[str, SignatureScheme]] = [
    ("rsa", RSA_SHA256),
    ("rsa", RSA_PSS_SHA256),
    ("p256", ECDSA_SHA256),
    ("ed25519", ED25519),
    ("ed448", ED448),
    ("ml-dsa-65", ML_DSA_65),
]


@pytest.mark.parametrize(("kind", "scheme"), SCHEMES, ids=str)
@pytest.mark.parametrize("by_key_identifier", [False, True])
def test_ber_gives_the_same_as_der(people: Any, kind: str, scheme: SignatureScheme, by_key_identifier: bool) -> None:
    """RFC 5652 section 3: structures come in BER; section 5.4: what is signed is DER all the same."""
    signer = people.signer(kind, scheme, by_key_identifier=by_key_identifier, capabilities=("aes128-cbc",))
    octets = people.sign(CONTENT, signer)
    roundabout = ber(read(octets))
    if not by_key_identifier:  # an IMPLICIT string in pieces is known only to who knows its type
        assert encode.normalize(read(roundabout)) == encode.normalize(read(octets))
    one, other = parse_signed_data(octets), parse_signed_data(roundabout)
    assert other.content is not None
    assert len(other.content) == 2
    assert one.certificates == other.certificates
    for signed, whole in ((one, octets), (other, roundabout)):
        (result,) = people.verify(whole)
        assert (result.outcome, result.certificate) == (GOOD, people.certificate(kind))
        (result,) = people.verify(whole, CONTENT + b"!")
        assert result.outcome is Outcome.DIGEST
        assert signed.signers[0].signing_time == NOW
    assert one.signers[0].sid == other.signers[0].sid
    assert one.signers[0].signed_octets() == other.signers[0].signed_octets()


# -- streams -----------------------------------------------------------------------------------------------------


def test_a_content_that_passes_by(people: Any) -> None:
    """What is digested piece by piece is verified without being kept."""
    content = bytes(range(256)) * 1000
    octets = people.sign(content, people.signer("rsa", RSA_SHA256), people.signer("ed25519", ED25519), detached=True)
    signed = parse_signed_data(octets)
    streamed = StreamedContent(("sha256", "sha512"))
    for at in range(0, len(content), 999):
        streamed.update(memoryview(content)[at : at + 999])
    assert streamed.size == len(content)
    assert [verify_signer(signer, signed, streamed).outcome for signer in signed.signers] == [GOOD, GOOD]
    streamed.update(b"!")
    assert {verify_signer(signer, signed, streamed).outcome for signer in signed.signers} == {Outcome.DIGEST}
    lacking = StreamedContent(("sha384",))
    result = verify_signer(signed.signers[0], signed, lacking)
    assert result.outcome is UNSUPPORTED
    assert "was not digested" in result.sentence
    with pytest.raises(UsageError):
        StreamedContent(("sha0",))


def test_a_content_that_passes_by_and_is_signed_itself(people: Any) -> None:
    """RFC 8419 section 4: without signed attributes, Ed25519 needs the content itself, which is not kept if long."""
    for content, outcome in ((CONTENT, GOOD), (CONTENT * 200, UNSUPPORTED)):
        info = people.info(
            None, content, kind="ed25519", scheme=ED25519, digest=identifier("sha512"), algorithm=identifier("ed25519")
        )
        signed = parse_signed_data(people.data(info, content=None))
        streamed = StreamedContent(("sha512",))
        streamed.update(content)
        assert verify_signer(signed.signers[0], signed, streamed).outcome is outcome
        assert verify_signer(signed.signers[0], signed, Content((content[:9], content[9:]))).outcome is GOOD


def test_each_digest_is_computed_once(people: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """And only those that a signer needs."""
    from mailsec.crypto.cms import content as module

    signers = [people.signer(kind, scheme) for kind, scheme in SCHEMES]
    octets = people.sign(CONTENT, *signers)
    begun: list[str] = []

    def counting(name: str) -> Any:
        begun.append(name)
        return new_digest(name)

    monkeypatch.setattr(module, "new_digest", counting)
    assert {result.outcome for result in people.verify(octets)} == {GOOD}
    assert sorted(begun) == ["sha256", "sha512", "shake256"]


def test_long_attributes_in_disguise(people: Any) -> None:
    """Of a content longer than attributes can be, the start decides."""
    content = encode.constructed(SET, encode.octet_string(bytes(70_000)))
    info = people.info(None, content)
    signed = parse_signed_data(people.data(info, content=content))
    assert verify_signer(signed.signers[0], signed, Content((content,))).outcome is MALFORMED


# -- countersignatures ------------------------------------------------------------------------------------------


def countersignature(people: Any, over: bytes, **options: Any) -> bytes:
    digest = new_digest("sha256")
    digest.update(over)
    message_digest = people.attribute(oids.MESSAGE_DIGEST, encode.octet_string(digest.digest()))
    attributes = options.pop("attributes", [message_digest])
    info = people.info(attributes, over, kind="p256", scheme=ECDSA_SHA256, algorithm=ECDSA, **options)
    return bytes(info)


ECDSA = encode.sequence(encode.oid("1.2.840.10045.4.3.2"))


def countersigned(people: Any, *values: bytes, content: bytes = CONTENT) -> Any:
    attributes = people.attributes(content)
    signature = people.issued("rsa").key.sign(encode.set_of(attributes), RSA_SHA256)
    unsigned = [people.attribute(oids.COUNTERSIGNATURE, *values)]
    return parse_signed_data(
        people.data(people.info(attributes, signature=signature, unsigned=unsigned), content=CONTENT)
    )


def rsa_signature(people: Any, content: bytes = CONTENT) -> bytes:
    return bytes(people.issued("rsa").key.sign(encode.set_of(people.attributes(content)), RSA_SHA256))


@pytest.mark.parametrize(
    ("make", "outcome"),
    [
        pytest.param(lambda p: countersignature(p, rsa_signature(p)), GOOD, id="over the signature"),
        pytest.param(
            lambda p: countersignature(p, rsa_signature(p), attributes=None), GOOD, id="without signed attributes"
        ),
        pytest.param(lambda p: countersignature(p, CONTENT), Outcome.DIGEST, id="over the content"),
        pytest.param(
            lambda p: countersignature(p, rsa_signature(p), attributes=p.attributes(rsa_signature(p))),
            MALFORMED,
            id="with a content type",
        ),
        pytest.param(
            lambda p: countersignature(
                p, rsa_signature(p), attributes=[p.attribute(oids.SIGNING_TIME, encode.time(NOW))]
            ),
            MALFORMED,
            id="without a message digest",
        ),
        pytest.param(lambda p: countersignature(p, rsa_signature(p), signature=b"x"), Outcome.SIGNATURE, id="wrong"),
    ],
)
def test_countersignatures(people: Any, make: Callable[[Any], bytes], outcome: Outcome) -> None:
    """RFC 5652 section 11.4."""
    signed = countersigned(people, make(people))
    (signer,) = signed.signers
    (countersigner,) = signer.countersigners()
    result = verify_countersignature(countersigner, signer, signed)
    assert result.outcome is outcome, result.sentence
    assert verify_signer(signer, signed, Content(signed.content)).outcome is GOOD


def test_a_countersignature_makes_nothing_better(people: Any) -> None:
    """A good one on a signature over another content, and one over a signature that is wrong."""
    octets = countersignature(people, rsa_signature(people, b"another content"))
    signed = countersigned(people, octets, content=b"another content")
    (signer,) = signed.signers
    (countersigner,) = signer.countersigners()
    assert verify_countersignature(countersigner, signer, signed).outcome is GOOD
    assert verify_signer(signer, signed, Content(signed.content)).outcome is Outcome.DIGEST


def test_a_countersignature_as_a_signature_of_the_content(people: Any) -> None:
    """Lifted out, it is none: it says nothing of a content type."""
    octets = countersignature(people, CONTENT)
    (result,) = people.verify(people.data(octets, content=CONTENT))
    assert result.outcome is MALFORMED


def test_countersignatures_that_are_countersigned(people: Any) -> None:
    over = rsa_signature(people)
    digest = new_digest("sha256")
    digest.update(over)
    attributes = [people.attribute(oids.MESSAGE_DIGEST, encode.octet_string(digest.digest()))]
    first = people.issued("p256").key.sign(encode.set_of(attributes), ECDSA_SHA256)
    second = people.attribute(oids.COUNTERSIGNATURE, countersignature(people, first))
    signed = countersigned(people, countersignature(people, over, signature=first, unsigned=[second]))
    (one,) = signed.signers[0].countersigners()
    (two,) = one.countersigners()
    assert verify_countersignature(one, signed.signers[0], signed).outcome is GOOD
    assert verify_countersignature(two, one, signed).outcome is GOOD
    assert verify_countersignature(two, signed.signers[0], signed).outcome is Outcome.DIGEST


def test_malformed_and_many_countersignatures(people: Any) -> None:
    """They break nothing but themselves."""
    signed = countersigned(people, encode.integer(1))
    assert verify_signer(signed.signers[0], signed, Content(signed.content)).outcome is GOOD
    with pytest.raises(CMSError):
        signed.signers[0].countersigners()
    signed = countersigned(people, *[encode.integer(number) for number in range(9)])
    with pytest.raises(LimitError):
        signed.signers[0].countersigners()


# -- what else signers say ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (encode.constructed(context(0), encode.sequence(), encode.integer(7)), IssuerAndSerialNumber(b"\x30\x00", 7)),
        (encode.primitive(context(2), b"key"), SubjectKeyIdentifier(b"key")),
        (encode.constructed(context(1), encode.octet_string(b"key")), None),
        (encode.constructed(context(0), encode.integer(7)), None),
        (encode.integer(7), None),
    ],
)
def test_encryption_key_preference(people: Any, value: bytes, expected: Any) -> None:
    """RFC 8551 section 2.5.3."""
    attributes = people.attributes(CONTENT, people.attribute(oids.ENCRYPTION_KEY_PREFERENCE, value))
    (result,) = people.verify(people.data(people.info(attributes), content=CONTENT))
    assert result.outcome is GOOD
    assert result.signer.encryption_key_preference == expected


def email(address: bytes) -> bytes:
    return encode.sequence(encode.primitive(context(1), address))


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        pytest.param(
            (encode.primitive(context(0), b"\0"), encode.sequence(email(b"a@example.org"))),
            (None, "all", ("a@example.org",)),
            id="all",
        ),
        pytest.param(
            (encode.primitive(context(0), b"\1"), encode.sequence()), (None, "first-tier", ()), id="first tier"
        ),
        pytest.param(
            (encode.constructed(context(1), email(b"b@example.org")), encode.sequence(email(b"a@example.org"))),
            (("b@example.org",), "", ("a@example.org",)),
            id="a list",
        ),
        pytest.param((encode.primitive(context(0), b"\2"), encode.sequence()), None, id="another tier"),
        pytest.param((encode.primitive(context(2), b"\0"), encode.sequence()), None, id="another choice"),
        pytest.param((encode.primitive(context(0), b"\0"),), None, id="no addresses"),
    ],
)
def test_receipt_requests(people: Any, members: tuple[bytes, ...], expected: Any) -> None:
    """RFC 2634 section 2.7."""
    value = encode.sequence(encode.octet_string(b"id"), *members)
    attributes = people.attributes(CONTENT, people.attribute(oids.RECEIPT_REQUEST, value))
    (result,) = people.verify(people.data(people.info(attributes), content=CONTENT))
    assert result.outcome is GOOD, "what it asks for has no part in whether it is right"
    if expected is None:
        with pytest.raises(CMSError):
            receipt_request(result.signer)
        return
    request = receipt_request(result.signer)
    assert request is not None
    assert (request.receipts_from, request.tier, request.receipts_to) == expected


def test_receipts(people: Any) -> None:
    """RFC 2634 section 2.8: it says which signature was received."""
    value = encode.sequence(encode.octet_string(b"id"), encode.primitive(context(0), b"\0"), encode.sequence())
    attributes = people.attributes(CONTENT, people.attribute(oids.RECEIPT_REQUEST, value))
    (received,) = parse_signed_data(people.data(people.info(attributes), content=CONTENT)).signers
    content = encode.sequence(
        encode.integer(1), encode.oid(oids.DATA), encode.octet_string(b"id"), encode.octet_string(received.signature)
    )
    octets = people.sign(content, people.signer("p256", ECDSA_SHA256), content_type=oids.RECEIPT)
    signed = parse_signed_data(octets)
    assert signed.content_type_name == "signed-receipt"
    assert people.verify(octets)[0].outcome is GOOD
    receipt = parse_receipt(signed)
    assert receipt.is_for(received)
    assert not receipt.is_for(signed.signers[0])
    for wrong in (b"", encode.sequence(encode.integer(2)), content + b"\0"):
        with pytest.raises(CMSError):
            parse_receipt(parse_signed_data(people.sign(wrong, content_type=oids.RECEIPT)))
    with pytest.raises(CMSError, match="data and no signed-receipt"):
        parse_receipt(parse_signed_data(people.sign(content)))


@pytest.mark.parametrize(
    ("oid", "name"),
    [
        (oids.DATA, "data"),
        (oids.RECEIPT, "signed-receipt"),
        (oids.ENVELOPED_DATA, "enveloped-data"),
        ("1.2.840.113549.1.9.16.1.4", "time-stamp token"),
        ("1.2.3.4", "1.2.3.4"),
    ],
)
def test_content_types_are_named(people: Any, oid: str, name: str) -> None:
    octets = people.sign(CONTENT, content_type=oid)
    assert parse_signed_data(octets).content_type_name == name
    assert people.verify(octets)[0].outcome is GOOD
