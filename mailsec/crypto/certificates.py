"""X.509 certificates (RFC 5280 section 4) as they really are in mail.

The container is read strictly, once; what is inside is read when it is asked for, and never raises then: what
is malformed there is absent, and named in `Certificate.defects`, which path validation refuses.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeVar

from mailsec.crypto import der, names
from mailsec.crypto import extensions as ext
from mailsec.crypto.keys import PublicKey
from mailsec.crypto.limits import INTEGER_OCTETS
from mailsec.crypto.pem import encode_pem, looks_like_pem, pem_blocks
from mailsec.crypto.schemes import SignatureScheme, scheme_of
from mailsec.errors import CertificateError, KeyFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from typing import Any

__all__ = ["Certificate", "Extension", "load_certificates", "read_extensions"]

_CERTIFICATE_OCTETS: Final = 1 << 18
_FILE_OCTETS: Final = 1 << 24
_CERTIFICATES: Final = 10_000  # in one file; the bundles of operating systems have some 150
_LABELS: Final = frozenset({"CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"})
_SIGNED_DATA: Final = "1.2.840.113549.1.7.2"

_ENCRYPTING: Final = {
    "rsa": "keyEncipherment",
    "ec": "keyAgreement",
    "x25519": "keyAgreement",
    "x448": "keyAgreement",
    **dict.fromkeys(("ml-kem-512", "ml-kem-768", "ml-kem-1024"), "keyEncipherment"),
}
"""The kinds of keys that keys are encrypted to, and the usage that they need for it (RFC 5280 section 4.2.1.3)."""

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension: its dotted identifier, whether it is critical, and its value in DER."""

    oid: str
    critical: bool
    value: bytes


def read_extensions(octets: bytes, start: int, stop: int) -> Iterator[Extension]:
    """Reads the members of Extensions (RFC 5280 section 4.1), which CRLs, their entries and OCSP have too.

    Raises:
        der.DERError: one is malformed.
    """
    for kind, _, inside, finish in der.children(octets, start, stop):
        if kind != der.SEQUENCE:
            raise der.DERError("an extension is no SEQUENCE")
        first, name_end = der.expect(octets, inside, finish, der.OID)
        value, critical = name_end, False
        if value < finish and octets[value] == der.BOOLEAN:
            flag, value = der.expect(octets, value, finish, der.BOOLEAN)
            critical = value != flag + 1 or octets[flag] != 0
        begin, done = der.expect(octets, value, finish, der.OCTET_STRING)
        if done != finish:
            raise der.DERError("there is something after an extension's value")
        yield Extension(der.oid_text(octets, first, name_end), critical, octets[begin:done])


class Certificate:
    """An X.509 certificate. Two are equal if their octets are.

    Attributes:
        der: the whole certificate.
        tbs: what is signed (TBSCertificate), in DER.
        version: 1, 2 or 3.
        serial: the serial number; in real certificates also negative, or zero.
        serial_der: the same as it is encoded.
        issuer_der: the issuer's Name in DER.
        subject_der: the subject's Name in DER.
        not_before: since when it is valid, in UTC.
        not_after: until when it is valid, that second included, in UTC.
        signature_algorithm: the AlgorithmIdentifier of the signature, in DER.
        signature: the signature.
    """

    der: bytes
    tbs: bytes
    version: int
    serial: int
    serial_der: bytes
    issuer_der: bytes
    subject_der: bytes
    not_before: datetime
    not_after: datetime
    signature_algorithm: bytes
    signature: bytes

    def __init__(self, octets: bytes) -> None:
        self.der = octets
        self._defects: list[str] = []
        start, stop = der.expect(octets, 0, len(octets), der.SEQUENCE)
        if stop != len(octets):
            raise der.DERError("there is something after its end")
        tbs, at = der.expect(octets, start, stop, der.SEQUENCE)
        self.tbs = octets[start:at]
        _, algorithm_end = der.expect(octets, at, stop, der.SEQUENCE)
        self.signature_algorithm = octets[at:algorithm_end]
        value, end = der.expect(octets, algorithm_end, stop, der.BIT_STRING)
        self.signature = der.bit_string(octets, value, end)
        if end != stop:
            raise der.DERError("there is something after its signature")
        self._read_tbs(octets, tbs, at)

    def _read_tbs(self, octets: bytes, at: int, stop: int) -> None:
        """Reads TBSCertificate (RFC 5280 section 4.1.2)."""
        self.version = 1
        if at < stop and octets[at] == 0xA0:
            inner, end = der.expect(octets, at, stop, 0xA0)
            self.version = 1 + der.integer(octets, *der.expect(octets, inner, end, der.INTEGER))
            at = end
        start, end = der.expect(octets, at, stop, der.INTEGER)
        if end - start > INTEGER_OCTETS:
            raise der.DERError("its serial number is too long")
        self.serial = der.integer(octets, start, end)
        self.serial_der = octets[at:end]
        _, at = der.expect(octets, end, stop, der.SEQUENCE)
        if octets[end:at] != self.signature_algorithm:
            self._defects.append("it names two different signature algorithms")
        _, end = der.expect(octets, at, stop, der.SEQUENCE)
        self.issuer_der = octets[at:end]
        start, at = der.expect(octets, end, stop, der.SEQUENCE)
        tag, first, last = der.read(octets, start, at)
        self.not_before = der.time(octets, tag, first, last)
        tag, first, last = der.read(octets, last, at)
        self.not_after = der.time(octets, tag, first, last)
        _, end = der.expect(octets, at, stop, der.SEQUENCE)
        self.subject_der = octets[at:end]
        _, at = der.expect(octets, end, stop, der.SEQUENCE)
        self._spki = octets[end:at]
        self.extensions = tuple(self._read_extensions(octets, at, stop))
        if not 1 <= self.version <= 3:
            self._defects.append("it is of an unknown version")
        if len({extension.oid for extension in self.extensions}) != len(self.extensions):
            self._defects.append("it has an extension twice")

    def _read_extensions(self, octets: bytes, at: int, stop: int) -> Iterator[Extension]:
        for tag, _, inner, end in der.children(octets, at, stop):
            if tag != 0xA3:  # [1] and [2] are the unique identifiers that nobody uses
                if tag not in {0x81, 0x82}:
                    raise der.DERError("it has an unknown field")
                continue
            first, last = der.expect(octets, inner, end, der.SEQUENCE)
            yield from read_extensions(octets, first, last)

    # -- loading ---------------------------------------------------------------------------------------------

    @classmethod
    def from_der(cls, octets: bytes) -> Certificate:
        """Reads a certificate in DER, nothing after it.

        Raises:
            CertificateError: it is none; the sentence says why.
        """
        octets = bytes(octets)
        if len(octets) > _CERTIFICATE_OCTETS:
            raise CertificateError(f"the certificate has {len(octets)} octets, which is more than any that is of use")
        try:
            return cls(octets)
        except der.DERError as error:
            raise CertificateError(f"it is no certificate: {error}") from None

    @classmethod
    def from_pem(cls, octets: bytes) -> Certificate:
        """Reads the first certificate in PEM text.

        Raises:
            CertificateError: there is none, or it is damaged; the sentence says which.
        """
        for certificate in _from_pem(octets):
            return certificate
        raise CertificateError("there is no certificate in it")

    # -- names -----------------------------------------------------------------------------------------------

    @cached_property
    def subject(self) -> str:
        """The subject as text (RFC 4514). It is foreign text: make it safe before it is shown."""
        return names.rfc4514(self.subject_der)

    @cached_property
    def issuer(self) -> str:
        """The issuer as text (RFC 4514). It is foreign text: make it safe before it is shown."""
        return names.rfc4514(self.issuer_der)

    @cached_property
    def subject_key(self) -> names.CanonicalName:
        """The subject in the form in which names are compared (RFC 5280 section 7.1)."""
        return names.canonical(self.subject_der)

    @cached_property
    def issuer_key(self) -> names.CanonicalName:
        """The issuer in the form in which names are compared (RFC 5280 section 7.1)."""
        return names.canonical(self.issuer_der)

    @cached_property
    def subject_emails(self) -> tuple[str, ...]:
        """The emailAddress attributes of the subject, where old certificates have the address (RFC 8550 section 3)."""
        try:
            rdns = names.attributes(self.subject_der)
        except der.DERError:
            return ()
        return tuple(text for rdn in rdns for oid, text, _ in rdn if oid == names.EMAIL_ADDRESS and text is not None)

    @cached_property
    def emails(self) -> tuple[str, ...]:
        """The addresses that the certificate is for (RFC 8550 section 3).

        rfc822Name first, then SmtpUTF8Mailbox (RFC 9598), as they stand, none twice. Only where there is neither
        does emailAddress of the subject count, as in old certificates (RFC 5280 section 4.1.2.6); beside them
        authorities have put unchecked text there. They are foreign text and may be no addresses at all.
        """
        found = self.alternative_names
        return found.emails if found.emails or found.utf8_emails else tuple(dict.fromkeys(self.subject_emails))

    # -- extensions ------------------------------------------------------------------------------------------

    def extension(self, oid: str) -> Extension | None:
        """The extension with this dotted identifier, if there is one."""
        for extension in self.extensions:
            if extension.oid == oid:
                return extension
        return None

    def _extension_value(self, oid: str, read: Callable[[bytes], _Value]) -> _Value | None:
        extension = self.extension(oid)
        if extension is None:
            return None
        try:
            return read(extension.value)
        except der.DERError as error:
            self._defects.append(f"its extension {oid} is malformed ({error})")
            return None

    @cached_property
    def alternative_names(self) -> ext.AlternativeNames:
        """The subject's alternative names (RFC 5280 section 4.2.1.6)."""
        return self._extension_value(ext.SUBJECT_ALT_NAME, ext.general_names) or ext.AlternativeNames()

    @cached_property
    def basic_constraints(self) -> ext.BasicConstraints | None:
        """Basic constraints (RFC 5280 section 4.2.1.9), if there are any."""
        return self._extension_value(ext.BASIC_CONSTRAINTS, ext.basic_constraints)

    @property
    def is_ca(self) -> bool:
        """Whether the certificate says that it is an authority's."""
        return self.basic_constraints is not None and self.basic_constraints.is_ca

    @cached_property
    def key_usage(self) -> frozenset[str] | None:
        """The names of the key's usages (RFC 5280 section 4.2.1.3), such as `"digitalSignature"`; `None` if absent."""
        return self._extension_value(ext.KEY_USAGE, ext.key_usage)

    @cached_property
    def extended_key_usage(self) -> tuple[str, ...] | None:
        """The key's purposes (RFC 5280 section 4.2.1.12), such as `"emailProtection"`; `None` if absent."""
        return self._extension_value(ext.EXTENDED_KEY_USAGE, ext.extended_key_usage)

    @cached_property
    def name_constraints(self) -> ext.NameConstraints | None:
        """Which names may stand below (RFC 5280 section 4.2.1.10), if limited."""
        return self._extension_value(ext.NAME_CONSTRAINTS, ext.name_constraints)

    @cached_property
    def policies(self) -> frozenset[str] | None:
        """The certificate policies (RFC 5280 section 4.2.1.4), dotted; `None` if absent."""
        found = self._extension_value(ext.CERTIFICATE_POLICIES, ext.certificate_policies)
        return None if found is None else frozenset(found)

    @cached_property
    def policy_mappings(self) -> tuple[tuple[str, str], ...]:
        """Which of the issuer's policies are which of the subject's (RFC 5280 section 4.2.1.5)."""
        return self._extension_value(ext.POLICY_MAPPINGS, ext.policy_mappings) or ()

    @cached_property
    def policy_constraints(self) -> ext.PolicyConstraints:
        """When policies must be explicit and mapping them ends (RFC 5280 section 4.2.1.11)."""
        return self._extension_value(ext.POLICY_CONSTRAINTS, ext.policy_constraints) or ext.PolicyConstraints()

    @cached_property
    def inhibit_any_policy(self) -> int | None:
        """After how many more certificates anyPolicy counts no more (RFC 5280 section 4.2.1.14); `None` if never."""
        return self._extension_value(ext.INHIBIT_ANY_POLICY, ext.inhibit_any_policy)

    @cached_property
    def distribution_points(self) -> tuple[ext.DistributionPoint, ...]:
        """Where CRLs are (RFC 5280 section 4.2.1.13); none where that cannot be read."""
        return self._hint(ext.CRL_DISTRIBUTION_POINTS, ext.distribution_points)

    @cached_property
    def freshest_crl(self) -> tuple[ext.DistributionPoint, ...]:
        """Where delta CRLs are (RFC 5280 section 4.2.1.15); none where that cannot be read."""
        return self._hint(ext.FRESHEST_CRL, ext.distribution_points)

    @cached_property
    def ocsp_urls(self) -> tuple[str, ...]:
        """Where OCSP responders are (RFC 5280 section 4.2.2.1)."""
        found = self._hint(ext.AUTHORITY_INFORMATION_ACCESS, ext.access_descriptions)
        return tuple(url for method, url in found if method == ext.ACCESS_OCSP)

    @cached_property
    def issuer_urls(self) -> tuple[str, ...]:
        """Where certificates of the issuer are (RFC 5280 section 4.2.2.1)."""
        found = self._hint(ext.AUTHORITY_INFORMATION_ACCESS, ext.access_descriptions)
        return tuple(url for method, url in found if method == ext.ACCESS_ISSUERS)

    def _hint(self, oid: str, read: Callable[[bytes], tuple[_Value, ...]]) -> tuple[_Value, ...]:
        """What says only where something is: malformed, it is as good as absent, and no defect."""
        extension = self.extension(oid)
        if extension is None:
            return ()
        try:
            return read(extension.value)
        except der.DERError:
            return ()

    @cached_property
    def key_identifier(self) -> bytes | None:
        """The subject key identifier (RFC 5280 section 4.2.1.2), by which CMS may name the certificate."""
        return self._extension_value(ext.SUBJECT_KEY_IDENTIFIER, ext.subject_key_identifier)

    @cached_property
    def authority_key_identifier(self) -> bytes | None:
        """The issuer's key identifier (RFC 5280 section 4.2.1.1), if it is named."""
        return self._extension_value(ext.AUTHORITY_KEY_IDENTIFIER, ext.authority_key_identifier)

    @cached_property
    def defects(self) -> tuple[str, ...]:
        """What in the certificate breaks RFC 5280 so that no path may lead through it, each as part of a sentence."""
        _ = (self.alternative_names, self.basic_constraints, self.key_usage, self.extended_key_usage)
        _ = (self.name_constraints, self.key_identifier, self.authority_key_identifier)
        _ = (self.policies, self.policy_mappings, self.policy_constraints, self.inhibit_any_policy)
        return tuple(self._defects)

    # -- key and signature -----------------------------------------------------------------------------------

    @cached_property
    def public_key(self) -> PublicKey:
        """The subject's public key; one that cannot be used says why in its `trouble`."""
        try:
            return PublicKey.from_spki_der(self._spki)
        except KeyFileError as error:
            return PublicKey.unusable(self._spki, str(error))

    @cached_property
    def signature_scheme(self) -> SignatureScheme | None:
        """How the issuer signed; `None` if we do not know the algorithm."""
        return scheme_of(self.signature_algorithm)

    @property
    def encrypts(self) -> bool:
        """Whether keys may be encrypted to it: its key can do that, and the key usage allows it.

        Nothing is said of its path and its period.
        """
        usage = _ENCRYPTING.get(self.public_key.key_type)
        return usage is not None and (self.key_usage is None or usage in self.key_usage)

    def is_signed_by(self, key: PublicKey) -> bool:
        """Whether the signature is right and by this key."""
        scheme = self.signature_scheme
        return scheme is not None and key.verify(self.signature, self.tbs, scheme)

    @property
    def spki_der(self) -> bytes:
        """The subject's key as it stands in the certificate (SubjectPublicKeyInfo)."""
        return self._spki

    @property
    def is_self_issued(self) -> bool:
        """Whether subject and issuer are the same name (RFC 5280 section 6.1)."""
        return self.subject_key == self.issuer_key

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, in hexadecimal."""
        return hashlib.sha256(self.der).hexdigest()

    def to_pem(self) -> bytes:
        """The certificate as PEM."""
        return encode_pem("CERTIFICATE", self.der)

    def __eq__(self, other: object) -> bool:
        return self.der == other.der if isinstance(other, Certificate) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.der)

    def __repr__(self) -> str:
        return f"<Certificate {self.subject!r} serial {self.serial}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Certificate.from_der, (self.der,)


def load_certificates(octets: bytes) -> tuple[Certificate, ...]:
    """Reads all certificates in a file.

    It may be PEM text with any number, one certificate in DER, or a certs-only PKCS#7 (RFC 8551 section 3.8).

    Raises:
        CertificateError: there is none, or one is damaged; the sentence says which.
    """
    if len(octets) > _FILE_OCTETS:
        raise CertificateError(f"the file has {len(octets)} octets, which is more than any with certificates in it")
    octets = bytes(octets)
    if not looks_like_pem(octets):
        found = _from_der(octets)
    else:
        found = []
        for certificate in _from_pem(octets):
            if len(found) == _CERTIFICATES:
                raise CertificateError(f"there are more than {_CERTIFICATES} certificates in it")
            found.append(certificate)
    if not found:
        raise CertificateError("there is no certificate in it")
    return tuple(found)


def _from_pem(octets: bytes) -> Iterator[Certificate]:
    number = 0
    for block in pem_blocks(octets):
        bundle = block.label in {"PKCS7", "CMS"}
        if block.label not in _LABELS and not bundle:
            continue
        number += 1
        if block.der is None:
            why = "is cut off: its END line is missing" if not block.complete else "is damaged: it is not base64"
            raise CertificateError(f"certificate {number} in it {why}")
        if bundle:
            yield from _from_der(block.der)
            continue
        encoded = block.der
        try:
            if block.label == "TRUSTED CERTIFICATE":  # OpenSSL's own, with its settings behind the certificate
                encoded = encoded[: der.read(encoded, 0, len(encoded))[2]]
            yield Certificate.from_der(encoded)
        except (CertificateError, der.DERError) as error:
            raise CertificateError(f"certificate {number} in it is damaged: {error}") from None


def _from_der(octets: bytes) -> list[Certificate]:
    """A certificate, or the certificates of a SignedData (RFC 5652 section 5.1)."""
    try:
        start, stop = der.expect(octets, 0, len(octets), der.SEQUENCE)
        tag, first, at = der.read(octets, start, stop)
        if tag != der.OID or der.oid_text(octets, first, at) != _SIGNED_DATA:
            return [Certificate.from_der(octets)]
        inner, end = der.expect(octets, at, stop, 0xA0)
        inner, end = der.expect(octets, inner, end, der.SEQUENCE)
        sets = [(first, last) for tag, _, first, last in der.children(octets, inner, end) if tag == 0xA0]
        return [
            Certificate.from_der(octets[at:last])
            for first, end in sets
            for tag, at, _, last in der.children(octets, first, end)
            if tag == der.SEQUENCE  # other tags are attribute certificates and the like
        ]
    except der.DERError as error:
        raise CertificateError(f"it is no certificate, neither in PEM nor in DER: {error}") from None
