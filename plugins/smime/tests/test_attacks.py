"""What has fooled S/MIME clients: Müller et al., "Johnny, you are fired!" (USENIX Security 2019), and relatives."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mailsec.crypto import RSA_SHA256, Certificate, PrivateKey, PublicKey, SignatureScheme, new_digest
from mailsec.crypto.cms import Content, build_signed_data, encode, oids, parse_signed_data
from mailsec.crypto.cms.tlv import context as tagged
from mailsec.crypto.cms.tlv import read
from mailsec.crypto.issue import issue, make_authority, make_certificate, make_name
from mailsec.hooks import Cause, Opened, Result

ENTITY = b"Content-Type: text/plain\r\n\r\nPay 10 to Bob.\r\n"
FALSE = b"Content-Type: text/plain\r\n\r\nPay 1000 to Mallory.\r\n"
NOW = datetime.now(UTC).replace(microsecond=0)
START, END = NOW - timedelta(days=1), NOW + timedelta(days=30)
FROM = b"From: Alice <alice@example.org>\r\n"


def signature(pki: Any, kind: str = "rsa", *, content: bytes = ENTITY, detached: bool = True) -> bytes:
    keys = pki.keyring(kind)
    return build_signed_data(
        Content((content,)),
        detached=detached,
        keys=keys,
        identity=keys.identities()[0],
        scheme=RSA_SHA256,
        signing_time=datetime.now(UTC),
    )


def part(octets: bytes, content_type: bytes = b"application/pkcs7-signature; name=smime.p7s") -> bytes:
    return b"Content-Type: %b\r\nContent-Transfer-Encoding: base64\r\n\r\n%b" % (
        content_type,
        base64.encodebytes(octets).replace(b"\n", b"\r\n"),
    )


def clear(
    *parts: bytes, header: bytes = FROM, protocol: bytes = b"application/pkcs7-signature", end: bytes = b""
) -> bytes:
    start = b"Content-Type: multipart/signed; protocol=%b; micalg=sha-256; boundary=b\r\n\r\n" % protocol
    return header + start + b"".join(b"--b\r\n%b\r\n" % each for each in parts) + b"--b--\r\n" + end


def opaque(octets: bytes, header: bytes = FROM, content_type: bytes = b"application/pkcs7-mime") -> bytes:
    return header + part(octets, content_type)


def certificates_only(pki: Any, content: bytes | None = None) -> bytes:
    """A SignedData without a signer."""
    encapsulated = [encode.oid(oids.DATA)]
    if content is not None:
        encapsulated.append(encode.constructed(tagged(0), encode.octet_string(content)))
    signed = encode.sequence(
        encode.integer(1),
        encode.set_of(()),
        encode.sequence(*encapsulated),
        encode.constructed(tagged(0), pki.alice["rsa"].certificate.der),
        encode.set_of(()),
    )
    return encode.sequence(encode.oid(oids.SIGNED_DATA), encode.constructed(tagged(0), signed))


def verdicts(opened: Opened | None) -> list[tuple[str, str]]:
    assert opened is not None
    return [(str(result.result), str(result.cause)) for result in opened.results]


def test_the_attacks_start_from_something_that_works(pki: Any, open_message: Any) -> None:
    assert verdicts(open_message(clear(ENTITY, part(signature(pki))))) == [("pass", "None")]
    assert verdicts(open_message(opaque(signature(pki, detached=False)))) == [("pass", "None")]


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param((ENTITY,), id="no signature part"),
        pytest.param((), id="no part"),
        pytest.param((ENTITY, FALSE), id="a second content instead of the signature"),
        pytest.param((ENTITY, "signature", FALSE), id="content after the signature"),
        pytest.param((FALSE, ENTITY, "signature"), id="content before what is signed"),
        pytest.param((ENTITY, "signature", "signature"), id="two signatures"),
        pytest.param((ENTITY, "rubbish"), id="rubbish for a signature"),
        pytest.param((ENTITY, "certificates"), id="certificates only"),
        pytest.param((ENTITY, "opaque"), id="a signature with the same content inside"),
        pytest.param((FALSE, "opaque"), id="a signature with its own content, another one shown"),
        pytest.param((ENTITY, "trailing"), id="octets after the signature's structure"),
    ],
)
def test_structures_that_are_none(pki: Any, open_message: Any, parts: tuple[bytes | str, ...]) -> None:
    """RFC 1847 section 2.1 and RFC 5652: nothing else than two parts, the second a signature without content."""
    made = {
        "signature": part(signature(pki)),
        "opaque": part(signature(pki, detached=False)),
        "rubbish": part(b"\x30\x03rub"),
        "certificates": part(certificates_only(pki)),
        "trailing": part(signature(pki) + b"\x05\x00"),
    }
    octets = clear(*(made[each] if isinstance(each, str) else each for each in parts))
    opened = open_message(octets)
    assert verdicts(opened) == [("permerror", "syntax")]
    assert opened.octets is None
    assert opened.results[0].coverage is None


def test_the_content_is_exchanged(pki: Any, open_message: Any) -> None:
    opened = open_message(clear(FALSE, part(signature(pki))))
    assert verdicts(opened) == [("fail", "digest")]
    assert opened.results[0].coverage is None


def test_nobody_signed_the_opaque_content(pki: Any, open_message: Any) -> None:
    """RFC 5652 section 5.1 allows no signers: that is no signature, and never a pass."""
    opened = open_message(opaque(certificates_only(pki, FALSE)))
    assert verdicts(opened) == [("permerror", "syntax")]
    assert "nobody" in opened.results[0].reason
    opened = open_message(opaque(certificates_only(pki)))
    assert verdicts(opened) == [("none", "None")]
    assert opened.octets is None


def test_a_detached_signature_as_opaque_message(pki: Any, open_message: Any) -> None:
    assert verdicts(open_message(opaque(signature(pki)))) == [("permerror", "syntax")]


def test_one_good_signer_does_not_excuse_a_bad_one(pki: Any, open_message: Any) -> None:
    """Every signer has a result of its own."""
    first, second = signature(pki), signature(pki, "both", content=FALSE)
    joined = _join(first, second)
    assert sorted(verdicts(open_message(clear(ENTITY, part(joined))))) == [("fail", "digest"), ("pass", "None")]


def _join(first: bytes, second: bytes) -> bytes:
    """A SignedData with the certificates and signers of both."""

    def members(octets: bytes) -> list[Any]:
        _, wrapped = read(octets).children()
        return list(next(wrapped.children()).children())

    one, other = members(first), members(second)
    both = [bytes(one[i].contents) + bytes(other[i].contents) for i in (3, 4)]
    signed = encode.sequence(
        bytes(one[0].raw),
        bytes(one[1].raw),
        bytes(one[2].raw),
        encode.constructed(tagged(0), both[0]),
        encode.constructed(0x11, both[1]),
    )
    return encode.sequence(encode.oid(oids.SIGNED_DATA), encode.constructed(tagged(0), signed))


@pytest.mark.parametrize(
    ("header", "kind", "words"),
    [
        pytest.param(b"From: mallory@example.net\r\n", "rsa", "mallory@example.net", id="another author (row 5)"),
        pytest.param(b"From: Alice@example.org\r\n", "rsa", "Alice@", id="local parts are compared exactly"),
        pytest.param(b"From: alice@sub.example.org\r\n", "rsa", "sub", id="a subdomain is another domain"),
        pytest.param(
            b'From: "alice@example.org" <m@evil.example>\r\n', "rsa", "m@evil", id="a display name is no address"
        ),
        pytest.param(b"From: alice@example.org, bob@example.org\r\n", "rsa", "bob@", id="one of two authors"),
        pytest.param(
            b"From: alice@example.org\r\nFrom: m@evil.example\r\n", "rsa", "one From", id="two From fields (row 1)"
        ),
        pytest.param(b"From: a: alice@example.org;\r\n", "rsa", "one From", id="a group (row 1)"),
        pytest.param(b"Sender: alice@example.org\r\n", "rsa", "one From", id="no From (row 1)"),
        pytest.param(
            b"From: m@evil.example\r\nSender: alice@example.org\r\n", "rsa", "m@evil", id="Sender does not count"
        ),
        pytest.param(FROM, "mallory", "mallory@", id="a certificate for somebody else"),
        pytest.param(FROM, "mallory-as-alice", "mallory@", id="the author's address in the subject only"),
        pytest.param(FROM, "nobody", "no e-mail address", id="a certificate for no address"),
    ],
)
def test_the_signer_must_be_the_author(pki: Any, open_message: Any, header: bytes, kind: str, words: str) -> None:
    """RFC 8551 section 3 and the rules of trust: addresses are compared, not names."""
    opened = open_message(clear(ENTITY, part(signature(pki, kind)), header=header))
    assert verdicts(opened) == [("policy", "other-identity")]
    assert words in opened.results[0].reason


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        (b"From: alice@EXAMPLE.org\r\n", "rsa"),
        (b"From: alice@example.org, bob@example.org\r\n", "both"),
        (b"From: bob@example.org\r\n", "both"),
        (FROM, "subject"),
    ],
)
def test_the_signer_is_the_author(pki: Any, open_message: Any, header: bytes, kind: str) -> None:
    opened = open_message(clear(ENTITY, part(signature(pki, kind)), header=header))
    assert verdicts(opened) == [("pass", "None")]


@pytest.mark.parametrize(
    ("kind", "cause"),
    [("expired", "not-valid"), ("purpose", "purpose"), ("self", "untrusted"), ("weak", "weak")],
)
def test_certificates_that_do_not_count(pki: Any, open_message: Any, kind: str, cause: str) -> None:
    """Row 4: the signature is right, and the certificate is not good enough."""
    opened = open_message(clear(ENTITY, part(signature(pki, kind))))
    assert verdicts(opened) == [("policy", cause)]
    assert opened.results[0].coverage is not None
    assert opened.results[0].reason


def test_without_anchors_nothing_is_trusted(pki: Any, open_message: Any) -> None:
    opened = open_message(clear(ENTITY, part(signature(pki))), anchors=[])
    assert verdicts(opened) == [("policy", "untrusted")]


def test_signed_attributes_do_not_pass_as_content(pki: Any, open_message: Any) -> None:
    """A signature over attributes, shown as one over content that consists of these attributes."""
    original = signature(pki)
    info = parse_signed_data(original).signers[0]
    (attributes,) = info.signed_octets()
    certificate = pki.alice["rsa"].certificate
    sha256 = encode.sequence(encode.oid("2.16.840.1.101.3.4.2.1"))
    signer = encode.sequence(
        encode.integer(1),
        encode.sequence(certificate.issuer_der, encode.integer(certificate.serial)),
        sha256,
        encode.sequence(encode.oid(oids.RSA), encode.NULL),
        encode.octet_string(info.signature),
    )
    signed = encode.sequence(
        encode.integer(1),
        encode.set_of((sha256,)),
        encode.sequence(encode.oid(oids.DATA), encode.constructed(tagged(0), encode.octet_string(attributes))),
        encode.constructed(tagged(0), certificate.der),
        encode.set_of((signer,)),
    )
    forged = encode.sequence(encode.oid(oids.SIGNED_DATA), encode.constructed(tagged(0), signed))
    assert verdicts(open_message(opaque(forged))) == [("permerror", "syntax")]


def test_what_is_no_mail_does_not_count(pki: Any, open_message: Any) -> None:
    """A signature over a time-stamp or a receipt says nothing about a message."""
    octets = signature(pki, detached=False)
    receipt = octets.replace(encode.oid(oids.DATA), encode.oid("1.2.840.113549.1.7.9"))
    opened = open_message(opaque(receipt))
    assert verdicts(opened) == [("permerror", "unsupported")]
    assert opened.octets is None


@pytest.mark.parametrize("oid", [oids.ENVELOPED_DATA, oids.AUTH_ENVELOPED_DATA, oids.ENCRYPTED_DATA])
def test_encrypted_content_is_named_and_not_opened(open_message: Any, oid: str) -> None:
    octets = encode.sequence(encode.oid(oid), encode.constructed(tagged(0), encode.sequence()))
    opened = open_message(opaque(octets))
    assert verdicts(opened) == [("neutral", "None")]
    assert (opened.reached, opened.octets) == ("encrypted", None)
    assert opened.results[0].coverage is None


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(FROM + b"Content-Type: text/plain\r\n\r\nx", id="text"),
        pytest.param(clear(ENTITY, b"x", protocol=b"application/pgp-signature"), id="OpenPGP"),
        pytest.param(opaque(b"PK", content_type=b"application/octet-stream; name=a.zip"), id="some file"),
        pytest.param(
            opaque(b"PK", content_type=b"application/octet-stream; name=a.p7m"), id="a file with a false name"
        ),
    ],
)
def test_what_is_not_smime_is_left_alone(open_message: Any, octets: bytes) -> None:
    assert open_message(octets) is None


def test_misnamed_types(pki: Any, open_message: Any) -> None:
    """RFC 8551 section 3.2.1: file names tell when a gateway has replaced the type."""
    octets = opaque(signature(pki, detached=False), content_type=b'application/octet-stream; name="SMIME.P7M"')
    assert verdicts(open_message(octets)) == [("pass", "None")]
    misnamed = part(signature(pki), b'application/octet-stream; name="smime.p7s"')
    assert verdicts(open_message(clear(ENTITY, misnamed))) == [("pass", "None")]
    x_type = part(signature(pki), b"application/x-pkcs7-signature")
    assert verdicts(open_message(clear(ENTITY, x_type, protocol=b'"Application/X-PKCS7-Signature"'))) == [
        ("pass", "None")
    ]


def test_micalg_is_only_a_hint(pki: Any, open_message: Any) -> None:
    octets = clear(ENTITY, part(signature(pki))).replace(b"sha-256", b"md5")
    assert verdicts(open_message(octets)) == [("pass", "None")]


def test_what_stands_around_the_parts_is_not_signed(pki: Any, open_message: Any) -> None:
    octets = clear(ENTITY, part(signature(pki)), end=b"Pay 1000 to Mallory.\r\n").replace(
        b"\r\n\r\n--b", b"\r\n\r\nx\r\n--b", 1
    )
    opened = open_message(octets)
    assert verdicts(opened) == [("pass", "None")]
    assert bytes(opened.octets) == ENTITY


def test_thousands_of_addresses_are_compared_fast(pki: Any, open_message: Any) -> None:
    """An attacker chooses those in From and those in a certificate of his own; the sentence stays short."""
    authors = ", ".join(f"a{number}@example.org" for number in range(9000))
    opened = open_message(clear(ENTITY, part(signature(pki, "both")), header=f"From: {authors}\r\n".encode()))
    assert verdicts(opened) == [("policy", "other-identity")]
    assert len(opened.results[0].reason) < 1000


def test_the_signers_address_is_the_certificates(pki: Any, open_message: Any) -> None:
    """RFC 7281 section 3: body.smime-identifier is what the certificate says, however From writes it."""
    opened = open_message(clear(ENTITY, part(signature(pki)), header=b"From: alice@EXAMPLE.org\r\n"))
    assert opened.results[0].properties["body.smime-identifier"] == "alice@example.org"


def test_too_many_signers_are_a_clear_result(pki: Any, open_message: Any) -> None:
    joined = signature(pki)
    for _ in range(6):
        joined = _join(joined, joined)
    (result,) = open_message(clear(ENTITY, part(joined))).results
    assert (result.result, result.cause) == (Result.PERMERROR, Cause.LIMIT)


def test_parameters_of_a_false_issuer(pki: Any, open_message: Any) -> None:
    """A DSA key without parameters takes them from its issuer (RFC 3279 section 2.3.2), and from the true one only.

    With Alice's y for a generator her private key is 1. To the certificate of an issuer with this generator a y can be
    found that verifies the signature of Alice's issuer on her certificate, since DSA lets one choose the key last.
    """
    root = make_authority("DSA Authority", not_before=START, not_after=END, key=PrivateKey.generate("dsa"))
    alice = PrivateKey.load(_dsa_file(root.key, 0xA11CE))
    numbers = _dsa_numbers(alice)
    group = numbers.parameter_numbers
    bare = encode.sequence(
        encode.sequence(encode.oid("1.2.840.10040.4.1")), encode.primitive(3, b"\0" + _integer(numbers.y))
    )
    certificate = make_certificate(
        subject=make_name("Alice"),
        issuer=root.certificate.subject_der,
        public_key=PublicKey.unusable(bare, "it lacks its parameters"),
        signer=root.key,
        not_before=START,
        not_after=END,
        extensions=issue(
            None, "alice@example.org", not_before=START, not_after=END, key=pki.alice["rsa"].key
        ).certificate.extensions,
    )
    # The signature on the certificate: (r, s) over h, so that g^u1 y^u2 is what r is the remainder of.
    outer = list(read(certificate.der).children())
    r, s = (int.from_bytes(one.contents) for one in read(outer[2].contents[1:]).children())
    digest = new_digest("sha256")
    digest.update(outer[0].raw)
    w = pow(s, -1, group.q)
    u1, u2 = int.from_bytes(digest.digest()[: group.q.bit_length() // 8]) * w % group.q, r * w % group.q
    point = pow(group.g, u1, group.p) * pow(_dsa_numbers(root.key).y, u2, group.p) % group.p
    false_y = pow(point * pow(numbers.y, -u1, group.p), pow(u2, -1, group.q), group.p)
    false_group = dsa.DSAParameterNumbers(group.p, group.q, numbers.y)
    spki = (
        dsa.DSAPublicNumbers(false_y, false_group)
        .public_key()
        .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
    false_issuer = make_certificate(
        subject=root.certificate.subject_der,
        issuer=root.certificate.subject_der,
        public_key=PublicKey.from_spki_der(spki),
        signer=PrivateKey.generate("ec"),
        not_before=START,
        not_after=END,
    )
    forger = PrivateKey(dsa.DSAPrivateNumbers(1, dsa.DSAPublicNumbers(numbers.y, false_group)).private_key())

    def signed(key: PrivateKey, *certificates: Certificate) -> bytes:
        digest = new_digest("sha256")
        digest.update(ENTITY)
        attributes = [
            encode.sequence(encode.oid(oids.CONTENT_TYPE), encode.set_of((encode.oid(oids.DATA),))),
            encode.sequence(encode.oid(oids.MESSAGE_DIGEST), encode.set_of((encode.octet_string(digest.digest()),))),
        ]
        sha256 = encode.sequence(encode.oid("2.16.840.1.101.3.4.2.1"))
        info = encode.sequence(
            encode.integer(1),
            encode.sequence(certificate.issuer_der, encode.integer(certificate.serial)),
            sha256,
            encode.set_of(attributes, tagged(0)),
            encode.sequence(encode.oid("2.16.840.1.101.3.4.3.2")),
            encode.octet_string(key.sign(encode.set_of(attributes), SignatureScheme("dsa", "sha256"))),
        )
        data = encode.sequence(
            encode.integer(1),
            encode.set_of((sha256,)),
            encode.sequence(encode.oid(oids.DATA)),
            encode.constructed(tagged(0), certificate.der, *(one.der for one in certificates)),
            encode.set_of((info,)),
        )
        return encode.sequence(encode.oid(oids.SIGNED_DATA), encode.constructed(tagged(0), data))

    anchors = [root.certificate]
    (honest,) = open_message(clear(ENTITY, part(signed(alice))), anchors=anchors).results
    assert honest.result in {Result.PASS, Result.POLICY}
    assert "parameters" not in honest.reason
    (forged,) = open_message(clear(ENTITY, part(signed(forger, false_issuer))), anchors=anchors).results
    assert forged.result is Result.POLICY
    assert "the parameters of the signer's key are not those of its issuer" in forged.reason


def _dsa_numbers(key: PrivateKey) -> dsa.DSAPublicNumbers:
    native = key.public_key.native
    assert isinstance(native, dsa.DSAPublicKey)
    return native.public_numbers()


def _dsa_file(like: PrivateKey, x: int) -> bytes:
    """A private key in the group of another."""
    group = _dsa_numbers(like).parameter_numbers
    values = (0, group.p, group.q, group.g, pow(group.g, x, group.p), x)
    return encode.sequence(*(encode.primitive(2, value.to_bytes(value.bit_length() // 8 + 1)) for value in values))


def _integer(value: int) -> bytes:
    return encode.primitive(2, value.to_bytes(value.bit_length() // 8 + 1))
