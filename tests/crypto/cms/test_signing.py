"""What is written: by which identifiers, with which attributes, in which pieces, by how many signers."""

from __future__ import annotations

import mmap
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cryptography_vectors
import pytest
from asn1crypto import cms as asn1crypto_cms
from asn1crypto import tsp as asn1crypto_tsp

from mailsec.crypto import (
    ECDSA_SHA256,
    ECDSA_SHA384,
    ED448,
    ED25519,
    ML_DSA_44,
    ML_DSA_65,
    ML_DSA_87,
    RSA_PSS_SHA256,
    RSA_SHA256,
    RSA_SHA384,
    RSA_SHA512,
    MemoryKeyRing,
    PathValidator,
    PrivateKey,
    SignatureScheme,
)
from mailsec.crypto.cms import (
    Content,
    IssuerAndSerialNumber,
    NewSigner,
    Outcome,
    StreamedContent,
    SubjectKeyIdentifier,
    add_signers,
    build_certificates_only,
    build_signed_data,
    content_digest,
    countersign,
    encode,
    micalg,
    oids,
    parse_signed_data,
    sign,
    verify_countersignature,
    verify_signer,
)
from mailsec.crypto.cms.tlv import read
from mailsec.crypto.issue import issue, make_authority
from mailsec.errors import KeyFileError, UsageError

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
CONTENT = b"Content-Type: text/plain\r\n\r\nHello, world.\r\n" * 20
VECTORS = Path(cryptography_vectors.__file__).parent
SIGN: dict[str, Any] = {"signing_time": NOW}


def is_der(octets: bytes) -> bool:
    """Whether asn1crypto reads all of it strictly, and writing it anew gives the same."""
    signed = asn1crypto_cms.ContentInfo.load(octets, strict=True)["content"]
    # Not the certificates: it knows no keys of ML-DSA.
    for name in ("version", "digest_algorithms", "encap_content_info", "crls", "signer_infos"):
        as_made = signed[name].dump()
        assert signed[name].native is not None or name == "crls"  # and so is read to its leaves
        if signed[name].dump(force=True) != as_made:
            return False
    return encode.normalize(read(octets)) == octets


def outcomes(octets: bytes, content: bytes | None = None) -> list[Outcome]:
    signed = parse_signed_data(octets)
    whole = Content(signed.content if content is None else (content,))  # type: ignore[arg-type]
    return [verify_signer(signer, signed, whole).outcome for signer in signed.signers]


@pytest.mark.parametrize(
    ("digests", "expected"),
    [
        (("md5",), "md5"),
        (("sha1",), "sha-1"),
        (("sha224",), "sha-224"),
        (("sha256",), "sha-256"),
        (("sha384",), "sha-384"),
        (("sha512",), "sha-512"),
        (("sha3-256",), "unknown"),  # IANA's registry has no name for SHA-3
        (("shake128",), "shake128"),
        (("shake256",), "shake256"),
        (("sha256", "sha512"), "sha-256,sha-512"),
        (("sha256", "sha256"), "sha-256"),
        (("sha3-256", "sha256", "sha3-512"), "unknown,sha-256"),
    ],
)
def test_micalg(digests: tuple[str, ...], expected: str) -> None:
    """RFC 8551 section 3.5.3.2."""
    assert micalg(*digests) == expected


@pytest.mark.parametrize(
    ("scheme", "digest", "named"),
    [
        (RSA_SHA384, "sha384", "sha-384"),
        (RSA_PSS_SHA256, "sha256", "sha-256"),
        (SignatureScheme("ec", "sha3-384"), "sha3-384", "unknown"),
        (ED25519, "sha512", "sha-512"),  # RFC 8419 section 3.1
        (ED448, "shake256", "shake256"),
        (ML_DSA_44, "sha512", "sha-512"),  # RFC 9882 section 3.3
        (ML_DSA_65, "sha512", "sha-512"),
        (ML_DSA_87, "sha512", "sha-512"),
    ],
    ids=str,
)
def test_the_digest_of_the_content(scheme: SignatureScheme, digest: str, named: str) -> None:
    assert content_digest(scheme) == digest
    assert micalg(content_digest(scheme)) == named


RSA_SHA3 = SignatureScheme("rsa", "sha3-256")
PSS_SHA3 = SignatureScheme("rsa-pss", "sha3-512", 64)


@pytest.mark.parametrize(
    ("kind", "scheme", "algorithm", "digest"),
    [
        # RFC 3370 section 3.2: everybody knows rsaEncryption; NULL as its parameters.
        ("rsa", RSA_SHA256, "300d06092a864886f70d0101010500", "300b0609608648016503040201"),
        # RFC 9688 sections 2 and 3.1.
        ("rsa", RSA_SHA3, "300d060960864801650304030e0500", "300b0609608648016503040208"),
        # RFC 5754 section 3.3: no parameters.
        ("p256", ECDSA_SHA256, "300a06082a8648ce3d040302", "300b0609608648016503040201"),
        ("p521", SignatureScheme("ec", "sha3-512"), "300b060960864801650304030c", "300b060960864801650304020a"),
        # RFC 8419 section 3.1.
        ("ed25519", ED25519, "300506032b6570", "300b0609608648016503040203"),
        ("ed448", ED448, "300506032b6571", "300f060960864801650304021202020200"),
        # RFC 9882 section 3.3.
        ("ml-dsa-44", ML_DSA_44, "300b0609608648016503040311", "300b0609608648016503040203"),
        ("ml-dsa-65", ML_DSA_65, "300b0609608648016503040312", "300b0609608648016503040203"),
        ("ml-dsa-87", ML_DSA_87, "300b0609608648016503040313", "300b0609608648016503040203"),
    ],
    ids=str,
)
def test_identifiers(people: Any, kind: str, scheme: SignatureScheme, algorithm: str, digest: str) -> None:
    octets = people.sign(CONTENT, people.signer(kind, scheme))
    (signer,) = parse_signed_data(octets).signers
    assert signer.signature_algorithm.der.hex() == algorithm
    assert signer.digest_algorithm.der.hex() == digest
    assert parse_signed_data(octets).digest_algorithms == (signer.digest_algorithm,)
    assert outcomes(octets) == [Outcome.GOOD]
    assert is_der(octets)


@pytest.mark.parametrize(
    ("scheme", "parameters"),
    [
        (
            RSA_PSS_SHA256,  # RFC 4055 section 3.1
            "3034a00f300d06096086480165030402010500a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120",
        ),
        (
            PSS_SHA3,  # RFC 9688 section 2: no NULL
            "3030a00d300b060960864801650304020aa11a301806092a864886f70d010108300b060960864801650304020aa203020140",
        ),
    ],
    ids=str,
)
def test_parameters_of_rsassa_pss(people: Any, scheme: SignatureScheme, parameters: str) -> None:
    octets = people.sign(CONTENT, people.signer("rsa", scheme))
    assert parse_signed_data(octets).signers[0].signature_algorithm.parameters.hex() == parameters
    assert outcomes(octets) == [Outcome.GOOD]
    assert is_der(octets)


def test_signed_attributes(people: Any) -> None:
    """RFC 8551 section 2.5, RFC 5035, RFC 6211: all that there are."""
    p256 = people.certificate("p256")
    signer = people.signer("rsa", RSA_SHA256, capabilities=("aes256-gcm", "aes128-cbc"), encryption_certificate=p256)
    octets = people.sign(CONTENT, signer, detached=True)
    signed = parse_signed_data(octets)
    (read_again,) = signed.signers
    assert read_again.signed_attributes is not None
    assert sorted(attribute.name for attribute in read_again.signed_attributes) == [
        "S/MIME capabilities",
        "algorithm protection",
        "content type",
        "encryption key preference",
        "message digest",
        "signing certificate v2",
        "signing time",
    ]
    assert read_again.signing_time == NOW
    assert [one.oid for one in read_again.capabilities] == [
        oids.CAPABILITIES["aes256-gcm"],
        oids.CAPABILITIES["aes128-cbc"],
    ]
    assert read_again.encryption_key_preference == IssuerAndSerialNumber(p256.issuer_der, p256.serial)
    assert set(signed.certificates) == {people.certificate("rsa"), p256}, "and no anchor"
    assert outcomes(octets, CONTENT) == [Outcome.GOOD]
    assert asn1crypto_tsp.SigningCertificateV2, "which is known as soon as this module is there"
    judged = asn1crypto_cms.ContentInfo.load(octets, strict=True)["content"]["signer_infos"][0]["signed_attrs"]
    names = {attribute["type"].native for attribute in judged}
    assert {"content_type", "message_digest", "signing_time", "signing_certificate_v2"} <= names
    assert {"cms_algorithm_protection", "encrypt_key_pref"} & names


@pytest.mark.parametrize(
    ("by_key_identifier", "content_type", "version", "own"),
    [
        (False, oids.DATA, 1, 1),
        (True, oids.DATA, 3, 3),
        (False, oids.RECEIPT, 3, 1),
    ],
)
def test_versions(people: Any, by_key_identifier: bool, content_type: str, version: int, own: int) -> None:
    """RFC 5652 sections 5.1 and 5.3."""
    signer = people.signer("rsa", RSA_SHA256, by_key_identifier=by_key_identifier)
    octets = people.sign(CONTENT, signer, content_type=content_type)
    signed = parse_signed_data(octets)
    assert (signed.version, signed.signers[0].version) == (version, own)
    assert isinstance(signed.signers[0].sid, SubjectKeyIdentifier if by_key_identifier else IssuerAndSerialNumber)
    assert outcomes(octets) == [Outcome.GOOD]


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65_535, 65_536])
def test_lengths_of_the_content(people: Any, size: int) -> None:
    """X.690 section 10.1: at each border of the form of a length."""
    octets = people.sign(bytes(size))
    assert outcomes(octets) == [Outcome.GOOD]
    assert is_der(octets)


def test_the_content_is_not_copied(people: Any, tmp_path: Path) -> None:
    """A mapped file is hashed and written piece by piece, and verified where it lies."""
    path = tmp_path / "content"
    path.write_bytes(bytes(3 << 20))
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    view = memoryview(mapped)
    content = Content((view[:1000], view[1000:]))
    pieces = sign(content, (people.signer("rsa", RSA_SHA256),), detached=False, keys=people.keys, **SIGN)
    assert [len(piece) for piece in pieces[1:3]] == [1000, (3 << 20) - 1000]
    assert [piece.obj is mapped for piece in pieces[1:3] if isinstance(piece, memoryview)] == [True, True]
    with (tmp_path / "signed").open("wb") as out:
        out.writelines(pieces)
    octets = (tmp_path / "signed").read_bytes()
    signed = parse_signed_data(octets)
    assert signed.content is not None
    assert [piece.obj is octets for piece in signed.content] == [True]
    assert outcomes(octets) == [Outcome.GOOD]


# -- several ------------------------------------------------------------------------------------------------------

ALL = [
    ("rsa", RSA_SHA256),
    ("rsa", RSA_PSS_SHA256),
    ("p256", ECDSA_SHA256),
    ("brainpoolP384r1", ECDSA_SHA384),
    ("ed25519", ED25519),
    ("ed448", ED448),
    ("ml-dsa-65", ML_DSA_65),
]


@pytest.mark.parametrize("detached", [True, False])
def test_several_signers_at_once(people: Any, detached: bool) -> None:
    octets = people.sign(CONTENT, *(people.signer(*one) for one in ALL), detached=detached)
    assert outcomes(octets, CONTENT) == [Outcome.GOOD] * len(ALL)
    assert is_der(octets)
    signed = parse_signed_data(octets)
    assert (signed.content is None) is detached
    assert len(signed.certificates) == len(ALL) - 1, "the certificate of two signatures goes along once"
    assert len(signed.digest_algorithms) == 4


@pytest.mark.parametrize("detached", [True, False])
def test_adding_a_signer(people: Any, detached: bool) -> None:
    content = Content((CONTENT,)) if detached else None
    signed = parse_signed_data(people.sign(CONTENT, detached=detached))
    for kind, scheme in ALL[2:5]:
        pieces = add_signers(signed, (people.signer(kind, scheme),), keys=people.keys, content=content, **SIGN)
        octets = b"".join(pieces)
        signed = parse_signed_data(octets)
        assert is_der(octets)
    assert outcomes(octets, CONTENT) == [Outcome.GOOD] * 4
    assert {str(signer.sid) for signer in signed.signers} >= {str(one.sid) for one in signed.signers[:1]}


def test_adding_a_signer_keeps_a_bad_one_bad(people: Any) -> None:
    signed = parse_signed_data(people.sign(CONTENT).replace(CONTENT, CONTENT[:-3] + b"!\r\n"))
    octets = b"".join(add_signers(signed, (people.signer("p256", ECDSA_SHA256),), keys=people.keys, **SIGN))
    assert sorted(outcomes(octets)) == [Outcome.DIGEST, Outcome.GOOD]


def test_countersigning(people: Any) -> None:
    """RFC 5652 section 11.4; countersigned twice, by another kind of key each time."""
    signed = parse_signed_data(people.sign(CONTENT, people.signer(*ALL[0]), people.signer(*ALL[2])))
    for kind, scheme in (("ed25519", ED25519), ("ml-dsa-44", ML_DSA_44)):
        made = countersign(signed, 1, people.signer(kind, scheme), keys=people.keys, **SIGN)
        signed = parse_signed_data(b"".join(made))
    octets = b"".join(made)
    assert is_der(octets)
    assert outcomes(octets) == [Outcome.GOOD, Outcome.GOOD]
    found = [
        [verify_countersignature(one, signer, signed) for one in signer.countersigners()] for signer in signed.signers
    ]
    results = [result for each in found for result in each]
    assert [result.outcome for result in results] == [Outcome.GOOD] * 2
    assert {result.certificate for result in results} == {
        people.certificate("ed25519"),
        people.certificate("ml-dsa-44"),
    }
    assert sorted(map(len, found)) == [0, 2]
    for result in results:
        assert result.signer.signing_time == NOW


def test_certificates_only(people: Any) -> None:
    """RFC 8551 section 3.8: no content and no signer."""
    certificates = [people.certificate(kind) for kind in ("rsa", "p256", "ml-dsa-87")]
    crl = (VECTORS / "x509" / "PKITS_data" / "crls" / "TrustAnchorRootCRL.crl").read_bytes()
    octets = build_certificates_only(certificates, (crl,))
    signed = parse_signed_data(octets)
    assert signed.certificates_only
    assert set(signed.certificates) == set(certificates)
    assert [bytes(one) for one in signed.crls] == [crl]
    assert (signed.content, signed.signers, signed.version) == (None, (), 1)
    assert is_der(octets)
    assert not parse_signed_data(people.sign(CONTENT)).certificates_only


def test_streamed_content_is_signed_detached(people: Any) -> None:
    streamed = StreamedContent(("sha256",))
    streamed.update(CONTENT[:100])
    streamed.update(CONTENT[100:])
    pieces = sign(streamed, (people.signer("rsa", RSA_SHA256),), detached=True, keys=people.keys, **SIGN)
    assert outcomes(b"".join(pieces), CONTENT) == [Outcome.GOOD]
    with pytest.raises(UsageError, match="only be signed detached"):
        sign(streamed, (people.signer("rsa", RSA_SHA256),), detached=False, keys=people.keys, **SIGN)
    with pytest.raises(UsageError, match="not digested with sha512"):
        sign(streamed, (people.signer("ed25519", ED25519),), detached=True, keys=people.keys, **SIGN)


@pytest.mark.parametrize("kind", ["ml-dsa-44", "ml-dsa-65", "ml-dsa-87"])
def test_certificates_by_ml_dsa(people: Any, kind: Any) -> None:
    """RFC 9881: an authority and a signer with such keys, from the signature up to the anchor."""
    start, end = NOW - timedelta(days=1), NOW + timedelta(days=1)
    authority = make_authority("Root", not_before=start, not_after=end, key=PrivateKey.generate(kind))
    key = PrivateKey.generate(kind)
    alice = issue(authority, "alice@example.org", not_before=start, not_after=end, key=key)
    loaded = PrivateKey.load(key.to_pem())  # RFC 9881 section 6: as PKCS #8
    keys = MemoryKeyRing()
    signer = NewSigner(keys.add("alice@example.org", loaded, alice.certificates), SignatureScheme(kind))
    signed = parse_signed_data(b"".join(sign(Content((CONTENT,)), (signer,), detached=False, keys=keys, **SIGN)))
    result = verify_signer(signed.signers[0], signed, Content((CONTENT,)))
    assert (result.outcome, result.certificate) == (Outcome.GOOD, alice.certificate)
    assert result.assessment is not None
    assert result.assessment.sentence.startswith(kind.upper())
    path = PathValidator(signed.certificates, (authority.certificate,), NOW).validate(alice.certificate)
    assert path.failure is None, path.sentence


# -- what cannot be written ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "scheme", "options", "words"),
    [
        ("rsa", SignatureScheme("rsa", "sha1"), {}, "nothing is signed with rsa-sha1"),
        ("rsa", SignatureScheme("rsa", "md5"), {}, "nothing is signed with rsa-md5"),
        ("dsa", SignatureScheme("dsa", "sha256"), {}, "nothing is signed with dsa-sha256"),
        ("rsa", SignatureScheme("rsa-pss", "sha256"), {}, "salt length"),
        ("rsa", RSA_SHA256, {"digest": "sha512"}, "digested with sha512 is not signed by rsa-sha256"),
        ("ed25519", ED25519, {"digest": "sha256"}, "digested with sha256 is not signed by ed25519"),
        ("ml-dsa-87", ML_DSA_87, {"digest": "sha384"}, "digested with sha384 is not signed by ml-dsa-87"),
        ("ml-dsa-44", ML_DSA_44, {"digest": "sha1"}, "digested with sha1"),
        ("rsa", RSA_SHA256, {"capabilities": ("rot13",)}, "'rot13' is no capability"),
    ],
)
def test_what_is_refused(people: Any, kind: str, scheme: SignatureScheme, options: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        people.signer(kind, scheme, **options)


@pytest.mark.parametrize("digest", ["sha256", "sha3-256", "sha512", "shake256"])
def test_digests_that_go_with_ml_dsa(people: Any, digest: str) -> None:
    """RFC 9882 section 3.3 table 1."""
    octets = people.sign(CONTENT, people.signer("ml-dsa-44", ML_DSA_44, digest=digest))
    assert outcomes(octets) == [Outcome.GOOD]


def test_wrong_use(people: Any) -> None:
    rsa = people.signer("rsa", RSA_SHA256)
    content = Content((CONTENT,))
    for number in (0, 9):
        with pytest.raises(UsageError, match="1 to 8 signers"):
            sign(content, (rsa,) * number, detached=True, keys=people.keys, **SIGN)
    detached = parse_signed_data(people.sign(CONTENT, detached=True))
    attached = parse_signed_data(people.sign(CONTENT))
    for signed, given in ((detached, None), (attached, content)):
        with pytest.raises(UsageError, match="needed where it is detached"):
            add_signers(signed, (rsa,), keys=people.keys, content=given, **SIGN)
    with pytest.raises(UsageError, match="no signer number 1"):
        countersign(attached, 1, rsa, keys=people.keys, **SIGN)
    with pytest.raises(KeyFileError):  # the key does not fit the scheme
        sign(content, (people.signer("rsa", ECDSA_SHA256),), detached=True, keys=people.keys, **SIGN)
    identity = people.identity("rsa")
    bare = type(identity)(identity.name, identity.key_type, (), identity.handle)
    with pytest.raises(UsageError, match="no certificate"):
        NewSigner(bare, RSA_SHA256)
    with pytest.raises(UsageError, match="no certificate"):
        build_signed_data(content, detached=True, keys=people.keys, identity=bare, scheme=RSA_SHA512, **SIGN)
