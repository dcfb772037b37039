"""Certificates with all that is in them, public keys, SMIMEA records, names, and the search for paths."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from mailsec.crypto import Certificate, PathValidator, PrivateKey, PublicKey, load_certificates, scheme_of
from mailsec.crypto.certificates import Extension
from mailsec.crypto.cms import build_certificates_only, encode
from mailsec.crypto.issue import issue, make_authority
from mailsec.crypto.names import canonical, rfc4514
from mailsec.crypto.pem import encode_pem
from mailsec.crypto.private import KeyKind
from mailsec.crypto.revocation.issue import information_access, points
from mailsec.crypto.smimea import match_smimea, parse_smimea
from mailsec.errors import CertificateError, InputError, KeyFileError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
END = NOW + timedelta(days=30)

_root = make_authority("Example Root", not_before=NOW, not_after=END, key=PrivateKey.generate("ec"))


def seeds() -> Iterator[bytes]:
    """Certificates for keys of all kinds, with every extension that is read, in DER, PEM and CMS."""
    policies = encode.sequence(encode.sequence(encode.oid("2.5.29.32.0")), encode.sequence(encode.oid("1.2.3.4")))
    extra = (
        points("http://example.org/a.crl", "http://example.org/b.crl"),
        points("http://example.org/delta.crl", freshest=True),
        information_access(ocsp_url="http://example.org/ocsp", issuer_url="http://example.org/ca.cer"),
        Extension("2.5.29.32", critical=False, value=policies),
        Extension("2.5.29.54", critical=True, value=encode.integer(2)),
        Extension("2.5.29.33", critical=True, value=encode.sequence(encode.sequence(*[encode.oid("1.2.3.4")] * 2))),
        Extension("2.5.29.36", critical=True, value=encode.sequence(encode.primitive(0x80, b"\0"))),
    )
    made = [_root.certificate]
    kinds: tuple[KeyKind, ...] = ("ec", "rsa", "dsa", "ed25519", "ed448", "x25519", "x448", "ml-dsa-44", "ml-kem-768")
    for kind in kinds:
        key = PrivateKey.generate(kind)
        issued = issue(
            _root, "älice@example.org", "bob@example.net", not_before=NOW, not_after=END, key=key, extra=extra
        )
        made.append(issued.certificate)
        yield issued.certificate.spki_der
    sub = make_authority(
        [("C", "DE"), ("O", "Example"), ("CN", "Sub")],
        not_before=NOW,
        not_after=END,
        key=PrivateKey.generate("ec"),
        parent=_root,
        permitted=("example.org", ".example.net", "a@example.com"),
        excluded=("bad.example.org",),
        path_length=0,
    )
    made += sub.certificates
    for certificate in made:
        yield certificate.der
    yield made[1].to_pem() + b"# text\n" + made[2].to_pem()
    yield encode_pem("PKCS7", build_certificates_only(made[:3]))
    yield build_certificates_only(made[:2])
    yield b"3 1 1 " + b"ab" * 32
    yield b"3 0 0 " + made[1].der.hex().encode()


def try_input(octets: bytes) -> None:
    """Reads octets as everything they might be; what is a certificate answers every question about itself."""
    with contextlib.suppress(KeyFileError):
        PublicKey.from_spki_der(octets).spki_der()
    with contextlib.suppress(KeyFileError):
        PublicKey.from_pem(octets)
    with contextlib.suppress(KeyFileError):
        PublicKey.rsa_from_pkcs1_der(octets)
    scheme_of(octets)
    with contextlib.suppress(InputError):
        record = parse_smimea(octets.decode("latin-1"))
        assert match_smimea((record,), (_root.certificate,)) in {None, record}
    try:
        certificates = load_certificates(octets)
    except CertificateError:
        return
    for certificate in certificates:
        _read(certificate)
    validator = PathValidator(certificates, (_root.certificate,), NOW + timedelta(days=1))
    result = validator.validate(certificates[0])
    assert result.sentence
    assert result.failure is not None or result.path[-1] == _root.certificate


def _read(certificate: Certificate) -> None:
    assert Certificate.from_der(certificate.der) == certificate
    assert isinstance(certificate.subject + certificate.issuer, str)
    assert isinstance(certificate.emails + certificate.subject_emails, tuple)
    assert isinstance(certificate.defects, tuple)
    for name in (certificate.subject_der, certificate.issuer_der):
        assert canonical(name) == canonical(name)
        assert isinstance(rfc4514(name), str)
    if not certificate.defects:
        for attribute in (
            "alternative_names",
            "basic_constraints",
            "key_usage",
            "extended_key_usage",
            "name_constraints",
            "policies",
            "policy_mappings",
            "policy_constraints",
            "inhibit_any_policy",
            "distribution_points",
            "freshest_crl",
            "ocsp_urls",
            "issuer_urls",
            "key_identifier",
            "authority_key_identifier",
        ):
            getattr(certificate, attribute)
    key = certificate.public_key
    assert (key.key_type == "unknown") == bool(key.trouble)
    assert isinstance(certificate.is_signed_by(_root.certificate.public_key), bool)
    assert not key.trouble or isinstance(key.lacks_parameters, bool)
