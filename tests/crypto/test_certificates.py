"""Certificates (RFC 5280 section 4) as they are in mail, odd ones too."""

from __future__ import annotations

import pickle
import ssl
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailsec.crypto import RSA_SHA256, Certificate, PrivateKey, StaticTrust, load_certificates, validate_path
from mailsec.crypto import extensions as ext
from mailsec.crypto.certificates import Extension
from mailsec.crypto.cms import encode
from mailsec.crypto.issue import Issued, issue, make_authority, make_certificate, make_name
from mailsec.crypto.names import canonical, rfc4514
from mailsec.crypto.pem import encode_pem
from mailsec.errors import CertificateError, UsageError

OpenSSL = Callable[..., "subprocess.CompletedProcess[bytes]"]
Keys = Callable[..., PrivateKey]
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
VALID: dict[str, Any] = {"not_before": datetime(2026, 1, 1, tzinfo=UTC), "not_after": datetime(2027, 1, 1, tzinfo=UTC)}


@pytest.fixture(scope="module")
def root(keys: Keys) -> Issued:
    return make_authority([("C", "DE"), ("O", "Example"), ("CN", "Root")], key=keys("ec"), **VALID)


@pytest.fixture(scope="module")
def alice(keys: Keys, root: Issued) -> Issued:
    return issue(root, "alice@example.org", "älice@example.org", key=keys("ec", 1), subject="Alice", **VALID)


def odd(keys: Keys, **options: Any) -> Certificate:
    """A certificate made exactly as told."""
    key = keys("ec")
    name = make_name("Somebody")
    return make_certificate(
        **{"subject": name, "issuer": name, "public_key": key.public_key, "signer": key, **VALID, **options}
    )


def name(tag: int, octets: bytes, oid: str = "2.5.4.3") -> bytes:
    return encode.sequence(encode.set_of([encode.sequence(encode.oid(oid), encode.primitive(tag, octets))]))


# -- what a certificate says -------------------------------------------------------------------------------------


def test_attributes(root: Issued, alice: Issued) -> None:
    certificate = alice.certificate
    assert certificate.subject == "CN=Alice"
    assert certificate.issuer == "CN=Root,O=Example,C=DE"
    assert certificate.issuer_der == root.certificate.subject_der
    assert (certificate.not_before, certificate.not_after) == (VALID["not_before"], VALID["not_after"])
    assert certificate.version == 3
    assert certificate.serial > 0
    assert certificate.emails == ("alice@example.org", "älice@example.org")
    assert certificate.alternative_names.utf8_emails == ("älice@example.org",)
    assert certificate.key_usage == frozenset({"digitalSignature", "keyEncipherment"})
    assert certificate.extended_key_usage == ("emailProtection",)
    assert not certificate.is_ca
    assert root.certificate.is_ca
    assert root.certificate.is_self_issued
    assert certificate.authority_key_identifier == root.certificate.key_identifier
    assert len(certificate.fingerprint) == 64
    assert certificate.is_signed_by(root.certificate.public_key)
    assert not certificate.is_signed_by(certificate.public_key)
    assert certificate.defects == ()
    assert str(certificate.signature_scheme) == "ecdsa-sha256"


@pytest.mark.peer
def test_openssl_reads_the_same(openssl: OpenSSL, alice: Issued) -> None:
    arguments = ("x509", "-noout", "-serial", "-fingerprint", "-sha256", "-subject", "-issuer", "-nameopt", "RFC2253")
    said = dict(
        line.split("=", 1)
        for line in openssl(*arguments, stdin=alice.certificate.to_pem()).stdout.decode().splitlines()
    )
    assert int(said["serial"], 16) == alice.certificate.serial
    assert said["sha256 Fingerprint"].replace(":", "").lower() == alice.certificate.fingerprint
    assert said["subject"] == alice.certificate.subject
    assert said["issuer"] == alice.certificate.issuer


def test_identity_of_certificates(alice: Issued, root: Issued) -> None:
    again = Certificate.from_der(bytes(bytearray(alice.certificate.der)))
    assert again == alice.certificate
    assert hash(again) == hash(alice.certificate)
    assert again != root.certificate
    assert again != alice.certificate.der
    assert pickle.loads(pickle.dumps(again)) == again
    assert "Alice" in repr(again)


HOST_NAME = Extension(ext.SUBJECT_ALT_NAME, critical=False, value=encode.sequence(encode.primitive(0x82, b"a.example")))


@pytest.mark.parametrize(
    ("emails", "options", "expected"),
    [
        (["a@example.org", "a@example.org"], {}, ("a@example.org",)),
        (["a@example.org"], {"alternative_names": False}, ()),
        (
            ["a@example.org"],
            {"subject": [("CN", "A"), ("emailAddress", "old@example.org")]},
            ("a@example.org",),
        ),
        (["ü@example.org"], {"subject": [("emailAddress", "old@example.org")]}, ("ü@example.org",)),
        (
            ["a@example.org"],
            {"subject": [("emailAddress", "old@example.org")], "alternative_names": False},
            ("old@example.org",),
        ),
        (
            [],
            {"subject": [("emailAddress", "old@example.org")], "extra": [HOST_NAME]},
            ("old@example.org",),
        ),
        (["ü@example.org", "a@example.org"], {"subject": "A"}, ("a@example.org", "ü@example.org")),
        ([], {"subject": [("emailAddress", "x@example.org"), ("emailAddress", "y@example.org")]},
         ("x@example.org", "y@example.org")),
    ],
)  # fmt: skip
def test_addresses(keys: Keys, root: Issued, emails: list[str], options: Any, expected: tuple[str, ...]) -> None:
    """RFC 8550 section 3: rfc822Name, then SmtpUTF8Mailbox (RFC 9598); emailAddress of the subject without both."""
    options = {"subject": "A", **options}
    assert issue(root, *emails, key=keys("ec", 1), **VALID, **options).certificate.emails == expected


def test_an_ascii_address_is_no_smtp_utf8_mailbox(keys: Keys, root: Issued) -> None:
    """RFC 9598 section 3 wants it as rfc822Name; taken for none, it leaves none in the subject either."""
    mailbox = encode.constructed(0x80, encode.primitive(0x0C, b"a@example.org"))
    names = encode.sequence(encode.constructed(0x80, encode.oid("1.3.6.1.5.5.7.8.9"), mailbox))
    extra = (Extension(ext.SUBJECT_ALT_NAME, critical=False, value=names),)
    subject = [("CN", "A"), ("emailAddress", "old@example.org")]
    assert issue(root, key=keys("ec", 1), subject=subject, extra=extra, **VALID).certificate.emails == ()


@pytest.mark.peer
@pytest.mark.parametrize("emails", [["a@example.org"], [], ["ü@example.org"]], ids=["rfc822Name", "none", "SmtpUTF8"])
def test_openssl_takes_the_same_addresses(keys: Keys, root: Issued, openssl: OpenSSL, emails: list[str]) -> None:
    """An address in the subject, which anybody may have written there, counts only where there is no other."""
    subject = [("CN", "A"), ("emailAddress", "old@example.org")]
    certificate = issue(root, *emails, key=keys("ec", 1), subject=subject, **VALID).certificate
    for address in ("a@example.org", "old@example.org"):
        done = openssl("x509", "-noout", "-checkemail", address, stdin=certificate.to_pem(), check=False)
        assert (b"does match" in done.stdout) == (address in certificate.emails), done.stdout


_SAN = ext.SUBJECT_ALT_NAME


@pytest.mark.parametrize(
    ("what", "defect"),
    [
        ({"serial": -5}, ""),
        ({"serial": 0}, ""),
        ({"serial": 1 << 300}, ""),
        ({"version": 1}, ""),
        ({"version": 4}, "unknown version"),
        ({"subject": name(0x14, b"J\xfcrgen")}, ""),  # T61String
        ({"subject": name(0x1E, "Jürgen".encode("utf-16-be"))}, ""),  # BMPString
        ({"subject": name(0x1E, b"\xd8")}, ""),
        ({"subject": name(0x0C, b"\xff\xfe")}, ""),
        ({"subject": name(0x13, b"")}, ""),
        ({"subject": name(0x02, b"\1")}, ""),  # a number for a name
        ({"subject": b"\x30\x02\x31\x00"}, ""),
        ({"subject": b"\x30\x02\x05\x00"}, ""),  # no Name at all
        ({"subject": b"\x30\x00"}, ""),
        ({"extensions": [Extension("1.2.3", False, b"")]}, ""),
        ({"extensions": 2 * [Extension("1.2.3", False, b"")]}, "twice"),
        ({"extensions": [Extension(_SAN, False, b"")]}, _SAN),
        ({"extensions": [Extension(_SAN, False, encode.sequence(encode.primitive(0x81, "ü@x".encode())))]}, ""),
        ({"extensions": [Extension(_SAN, False, encode.sequence(encode.constructed(0x80, encode.NULL)))]}, _SAN),
        ({"extensions": [Extension(ext.BASIC_CONSTRAINTS, True, encode.sequence(encode.integer(-1)))]}, "negative"),
        ({"extensions": [Extension(ext.KEY_USAGE, True, encode.octet_string(b""))]}, ext.KEY_USAGE),
        ({"extensions": [Extension(ext.EXTENDED_KEY_USAGE, True, encode.sequence())]}, "empty"),
        ({"extensions": [Extension(ext.NAME_CONSTRAINTS, True, encode.sequence(encode.NULL))]}, ext.NAME_CONSTRAINTS),
        ({"extensions": [Extension(ext.SUBJECT_KEY_IDENTIFIER, False, b"\0")]}, ext.SUBJECT_KEY_IDENTIFIER),
        ({"extensions": [Extension(ext.AUTHORITY_KEY_IDENTIFIER, False, b"\0")]}, ext.AUTHORITY_KEY_IDENTIFIER),
    ],
)
def test_odd_certificates_are_read(keys: Keys, what: Any, defect: str) -> None:
    """What is odd is shown as far as it can be; what breaks RFC 5280 is a defect; nothing raises."""
    certificate = odd(keys, **what)
    touch(certificate)
    assert bool(certificate.defects) is bool(defect)
    if defect:
        assert defect in certificate.defects[0]
    assert certificate.is_signed_by(keys("ec").public_key)


def touch(certificate: Certificate) -> None:
    """Asks for all that a certificate has."""
    for attribute in dir(Certificate):
        if not attribute.startswith("_"):
            getattr(certificate, attribute)
    repr(certificate)
    validate_path(certificate, [certificate], [certificate], NOW)
    validate_path(certificate, [certificate], [], NOW)


def test_a_serial_number_that_no_authority_gives(keys: Keys) -> None:
    """RFC 5280 section 4.1.2.2 allows twenty octets; Python writes no number of more than 4,300 digits."""
    nameless: dict[str, Any] = {"subject": b"\x30\x00", "issuer": b"\x30\x00"}
    touch(odd(keys, serial=1 << 8 * 63, **nameless))
    with pytest.raises(CertificateError, match="serial number is too long"):
        odd(keys, serial=1 << 8 * 64, **nameless)


def test_a_key_of_an_unknown_kind(keys: Keys) -> None:
    der = odd(keys).der.replace(encode.oid("1.2.840.10045.2.1"), encode.oid("1.2.840.10045.2.9"))
    certificate = Certificate.from_der(der)
    assert certificate.public_key.key_type == "unknown"
    assert "not supported" in certificate.public_key.trouble
    touch(certificate)


@pytest.mark.parametrize(
    ("distinguished_name", "text"),
    [
        (make_name([("C", "DE"), ("O", "A, B"), ("CN", ' "x" ')]), 'CN=\\ \\"x\\"\\ ,O=A\\, B,C=DE'),
        (make_name("#1+2=3;\\<>"), "CN=\\#1\\+2=3\\;\\\\\\<\\>"),
        (make_name("a\0b"), "CN=a\\00b"),
        (make_name(" "), "CN=\\ "),
        (make_name([("DC", "org"), ("DC", "example")]), "DC=example,DC=org"),
        (name(0x13, b"x", "1.2.3"), "1.2.3=x"),
        (name(0x02, b"\1"), "CN=#020101"),
        (b"\x30\x00", ""),
        (b"\x31\x00", "#3100"),
    ],
)
def test_names_as_text(distinguished_name: bytes, text: str) -> None:
    """RFC 4514 section 2.4."""
    assert rfc4514(distinguished_name) == text


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (name(0x0C, b"Root"), name(0x13, b"ROOT"), True),
        (name(0x0C, b"My  Root "), name(0x0C, b"my root"), True),
        (name(0x0C, b"Root"), name(0x0C, b"Root 2"), False),
        (name(0x0C, b"Root"), name(0x0C, b"Root", "2.5.4.10"), False),
        (b"\x30\x00", b"\x30\x00", True),
        (b"\x31\x00", b"\x31\x00", True),
        (b"\x31\x00", b"\x30\x00", False),
    ],
)
def test_names_compared(one: bytes, other: bytes, same: bool) -> None:
    """RFC 5280 section 7.1."""
    assert (canonical(one) == canonical(other)) is same


# -- files -------------------------------------------------------------------------------------------------------


def test_bundles(root: Issued, alice: Issued) -> None:
    text = (
        b"some words\n" + alice.certificate.to_pem() + b"# more\r\n" + root.certificate.to_pem().replace(b"\n", b"\r\n")
    )
    assert load_certificates(text) == (alice.certificate, root.certificate)
    assert load_certificates(alice.certificate.der) == (alice.certificate,)
    assert Certificate.from_pem(text) == alice.certificate
    assert load_certificates(encode_pem("X509 CERTIFICATE", root.certificate.der)) == (root.certificate,)
    assert load_certificates(alice.to_pem()) == (alice.certificate, root.certificate)  # the key is passed over


@pytest.mark.peer
def test_bundles_by_openssl(openssl: OpenSSL, root: Issued, alice: Issued, tmp_path: Path) -> None:
    """Certs-only PKCS#7 (RFC 8551 section 3.8), and OpenSSL's certificates with its own settings behind them."""
    (tmp_path / "all").write_bytes(alice.certificate.to_pem() + root.certificate.to_pem())
    for form in ("DER", "PEM"):
        bundle = openssl("crl2pkcs7", "-nocrl", "-certfile", str(tmp_path / "all"), "-outform", form).stdout
        assert set(load_certificates(bundle)) == {alice.certificate, root.certificate}
    trusted = openssl("x509", "-trustout", "-addtrust", "emailProtection", stdin=root.certificate.to_pem()).stdout
    assert b"TRUSTED" in trusted
    assert load_certificates(trusted) == (root.certificate,)


def test_the_bundle_of_the_system(figure: Callable[[str], None]) -> None:
    path = ssl.get_default_verify_paths().openssl_cafile
    if not Path(path).is_file():
        path = "/etc/ssl/certs/ca-certificates.crt"
    if not Path(path).is_file():
        pytest.skip("the system has no bundle of certificates (Debian: ca-certificates)")
    found = load_certificates(Path(path).read_bytes())
    for certificate in found:
        touch(certificate)
        assert certificate.defects == ()
        assert certificate.is_signed_by(certificate.public_key)
    figure(f"{len(found)} certificates of the system's bundle read, their own signatures verified")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda _: b"", "neither in PEM nor in DER"),
        (lambda _: b"\x89PNG\r\n", "neither in PEM nor in DER"),
        (lambda c: c.der[:-1], "neither in PEM nor in DER"),
        (lambda c: c.der + b"\0", "after its end"),
        (lambda c: c.to_pem()[:200], "certificate 1 in it is cut off"),
        (lambda c: c.to_pem() + c.to_pem()[:200], "certificate 2 in it is cut off"),
        (lambda c: c.to_pem().replace(b"MII", b"!!!"), "certificate 1 in it is damaged: it is not base64"),
        (lambda _: encode_pem("CERTIFICATE", b"\x30\x00"), "certificate 1 in it is damaged"),
        (lambda _: encode_pem("TRUSTED CERTIFICATE", b""), "certificate 1 in it is damaged"),
        (lambda _: encode_pem("PUBLIC KEY", b"\x30\x00"), "no certificate in it"),
        (lambda _: encode_pem("PKCS7", b"\x30\x00"), "neither in PEM nor in DER"),
        (lambda _: bytes(1 << 18), "neither in PEM nor in DER"),
        (lambda _: bytes((1 << 24) + 1), "16777217 octets"),
    ],
)
def test_what_is_no_certificate(alice: Issued, make: Callable[[Certificate], bytes], sentence: str) -> None:
    with pytest.raises(CertificateError, match=sentence):
        load_certificates(make(alice.certificate))


def test_a_huge_certificate() -> None:
    with pytest.raises(CertificateError, match="more than any"):
        Certificate.from_der(bytes((1 << 18) + 1))
    with pytest.raises(CertificateError, match="no certificate"):
        Certificate.from_pem(b"")


@settings(max_examples=300)
@given(st.binary(max_size=400))
def test_random_octets(octets: bytes) -> None:
    for load in (load_certificates, Certificate.from_der, Certificate.from_pem):
        with pytest.raises(CertificateError):
            load(octets)
    with pytest.raises(CertificateError):
        load_certificates(b"-----BEGIN CERTIFICATE-----" + octets)


@settings(max_examples=500)
@given(data=st.data())
def test_mutated_certificates_never_break_anything(alice: Issued, root: Issued, data: st.DataObject) -> None:
    original = data.draw(st.sampled_from([alice.certificate, root.certificate]))
    octets = bytearray(original.der)
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    try:
        certificate = Certificate.from_der(bytes(octets))
    except CertificateError:
        return
    touch(certificate)
    result = validate_path(certificate, [], [root.certificate], NOW)
    if certificate not in {alice.certificate, root.certificate}:
        assert result.failure is not None


def test_every_octet_of_a_certificate_counts(alice: Issued, root: Issued, figure: Callable[[str], None]) -> None:
    """No single change of an octet leaves a path valid."""
    refused = 0
    for place in range(len(alice.certificate.der)):
        octets = bytearray(alice.certificate.der)
        octets[place] ^= 1 << place % 8
        try:
            certificate = Certificate.from_der(bytes(octets))
        except CertificateError:
            refused += 1
            continue
        assert validate_path(certificate, [], [root.certificate], NOW).failure is not None, place
        refused += 1
    figure(f"{refused} of {len(alice.certificate.der)} changes of one octet of a certificate refused")


# -- trust and the maker -----------------------------------------------------------------------------------------


def test_static_trust(root: Issued, alice: Issued) -> None:
    trust = StaticTrust([root.certificate, alice.certificate, root.certificate])
    assert trust.anchors() == (root.certificate, alice.certificate)
    assert StaticTrust().anchors() == ()
    assert repr(trust) == "<StaticTrust with 2 anchors>"


def test_making_is_repeatable(keys: Keys) -> None:
    """Nothing about a certificate is random but its key, and a signature by RSA is not either."""
    made = [make_authority("Root", key=keys("rsa"), **VALID).certificate for _ in range(2)]
    assert made[0] == made[1]
    assert str(made[0].signature_scheme) == str(RSA_SHA256)


def test_making_what_cannot_be(keys: Keys) -> None:
    with pytest.raises(UsageError, match="attribute 'X'"):
        make_name([("X", "y")])
    with pytest.raises(UsageError, match="cannot sign"):
        issue(None, key=keys("x25519"), **VALID)


@pytest.mark.peer
@pytest.mark.parametrize("old", [False, True])
def test_openssl_reads_our_pkcs12(openssl: OpenSSL, alice: Issued, *, old: bool) -> None:
    arguments = ["pkcs12", "-passin", "pass:secret", "-nodes", *(["-legacy"] if old else [])]
    text = openssl(*arguments, stdin=alice.to_pkcs12(b"secret", old=old)).stdout
    assert load_certificates(text) == (alice.certificate, *alice.chain)
    assert PrivateKey.load(text).public_key == alice.key.public_key
