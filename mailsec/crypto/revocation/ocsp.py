"""The Online Certificate Status Protocol (RFC 6960): requests, and reading and verifying responses."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import quote

from mailsec.crypto import der, names
from mailsec.crypto import extensions as ext
from mailsec.crypto.algorithms import AlgorithmPolicy, Status
from mailsec.crypto.certificates import Certificate, read_extensions
from mailsec.crypto.cms import encode
from mailsec.crypto.digests import DIGEST_SIZES, new_digest
from mailsec.crypto.limits import REVOCATION_LIMITS, RevocationLimits
from mailsec.crypto.revocation.crl import Entry, entry_of, reason_name
from mailsec.crypto.schemes import DIGEST_OIDS, SignatureScheme, scheme_of
from mailsec.errors import CertificateError, InputError

if TYPE_CHECKING:
    from datetime import datetime

    from mailsec.crypto.keys import PublicKey

__all__ = ["Answer", "OcspResponse", "get_url", "key_bits", "make_request"]

_BASIC: Final = "1.3.6.1.5.5.7.48.1.1"
_NONCE: Final = "1.3.6.1.5.5.7.48.1.2"
_ARCHIVE_CUTOFF: Final = "1.3.6.1.5.5.7.48.1.6"
_SHA1: Final = "1.3.14.3.2.26"
_GET_OCTETS: Final = 255  # what may be asked with GET (appendix A.1)
_MAX_AGE: Final = timedelta(days=1)
"""How old an answer may be that does not say when there is a newer one."""

_STATUSES: Final = {
    1: "the request was malformed",
    2: "it has an internal error",
    3: "it is to be tried later",
    5: "the request must be signed",
    6: "it does not answer everybody",
}


def make_request(certificate: Certificate, issuer: Certificate, nonce: bytes | None = None) -> bytes:
    """An OCSPRequest in DER that asks for one certificate (section 4.1).

    The issuer is named by SHA-1, which all responders know and nothing rests on.

    Args:
        certificate: the certificate.
        issuer: the certificate of its issuer.
        nonce: up to 32 random octets that a responder may send back (RFC 8954); those that answer everybody with
            the same prepared answers do not.
    """
    name_hash = hashlib.sha1(certificate.issuer_der, usedforsecurity=False).digest()
    key_hash = hashlib.sha1(key_bits(issuer), usedforsecurity=False).digest()
    identifier = encode.sequence(
        encode.sequence(encode.oid(_SHA1), encode.NULL),
        encode.octet_string(name_hash),
        encode.octet_string(key_hash),
        certificate.serial_der,
    )
    members = [encode.sequence(encode.sequence(identifier))]
    if nonce is not None:
        extension = encode.sequence(encode.oid(_NONCE), encode.octet_string(encode.octet_string(nonce)))
        members.append(encode.constructed(0x82, encode.sequence(extension)))
    return encode.sequence(encode.sequence(*members))


def get_url(url: str, request: bytes) -> str | None:
    """The URL that asks with GET (appendix A.1), which caches can keep; `None` if the request is too long for that.

    Args:
        url: where the responder is.
        request: from `make_request`.
    """
    path = quote(b64encode(request).decode(), safe="")
    return f"{url.removesuffix('/')}/{path}" if len(path) <= _GET_OCTETS else None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a response says of one certificate (SingleResponse, section 4.2.1).

    Attributes:
        digest: the digest by which the issuer is named; empty if we do not know it.
        name_hash: the digest of the issuer's name.
        key_hash: the digest of the issuer's key.
        serial: the certificate's serial number as it is encoded.
        status: good, revoked, or not known to the responder.
        entry: since when it is revoked and why; `None` if it is not.
        this_update: when this was known to be right.
        next_update: when there will be something newer; `None` if there always is.
        archive_cutoff: certificates that expired since then are still answered for, if it says so.
    """

    digest: str
    name_hash: bytes
    key_hash: bytes
    serial: bytes
    status: Literal["good", "revoked", "unknown"]
    entry: Entry | None
    this_update: datetime
    next_update: datetime | None
    archive_cutoff: datetime | None

    def is_for(self, certificate: Certificate, issuer: Certificate) -> bool:
        """Whether the answer is about this certificate of this issuer."""
        if not self.digest or self.serial != certificate.serial_der:
            return False
        return self.name_hash == _digest(self.digest, certificate.issuer_der) and self.key_hash == _digest(
            self.digest, key_bits(issuer)
        )

    def stale_at(self, moment: datetime) -> bool:
        """Whether it is too old to say anything about a moment."""
        if self.next_update is None:
            return self.this_update + _MAX_AGE < moment
        return self.next_update < moment


class OcspResponse:
    """An OCSPResponse with a BasicOCSPResponse in it (section 4.2).

    Args:
        octets: the response in DER, nothing after it.
        limits: how long it may be, and how many answers and certificates it may hold.

    Raises:
        InputError: it is none, or the responder gave no answer; the sentence says which.

    Attributes:
        responder: the responder's name in the form in which names are compared; `None` if it is named by its key.
        responder_key: the SHA-1 digest of the responder's key, or else `None`.
        produced_at: when the response was signed.
        answers: the answers.
        certificates: certificates that came along for the responder.
        nonce: the nonce, if there is one.
        scheme: how it is signed; `None` if we do not know the algorithm.
    """

    def __init__(self, octets: bytes, limits: RevocationLimits = REVOCATION_LIMITS) -> None:
        octets = bytes(octets)
        if len(octets) > limits.answer_octets:
            raise InputError(f"the OCSP response has {len(octets)} octets, more than {limits.answer_octets}")
        self.responder: names.CanonicalName | None = None
        self.responder_key: bytes | None = None
        self.nonce: bytes | None = None
        self._limits = limits
        try:
            self._read(octets)
        except (der.DERError, CertificateError) as error:
            raise InputError(f"it is no OCSP response: {error}") from None

    def _read(self, octets: bytes) -> None:
        start, stop = der.expect(octets, 0, len(octets), der.SEQUENCE)
        code, at = der.expect(octets, start, stop, 0x0A)
        if stop != len(octets) or at != code + 1:
            raise der.DERError("it is malformed")
        if octets[code]:
            raise InputError(f"the OCSP responder says: {_STATUSES.get(octets[code], 'it gives no answer')}")
        inner, end = der.expect(octets, at, stop, 0xA0)
        first, last = der.expect(octets, inner, end, der.SEQUENCE)
        kind, at = der.expect(octets, first, last, der.OID)
        if der.oid_text(octets, kind, at) != _BASIC:
            raise der.DERError("it is of an unknown type")
        first, last = der.expect(octets, at, last, der.OCTET_STRING)
        self._read_basic(octets[first:last])

    def _read_basic(self, octets: bytes) -> None:
        start, stop = der.expect(octets, 0, len(octets), der.SEQUENCE)
        inner, end = der.expect(octets, start, stop, der.SEQUENCE)
        self._tbs = octets[start:end]
        _, at = der.expect(octets, end, stop, der.SEQUENCE)
        self.scheme: SignatureScheme | None = scheme_of(octets[end:at])
        value, after = der.expect(octets, at, stop, der.BIT_STRING)
        self._signature = der.bit_string(octets, value, after)
        found: list[Certificate] = []
        if after < stop:
            first, last = der.expect(octets, after, stop, 0xA0)
            first, last = der.expect(octets, first, last, der.SEQUENCE)
            for _, begin, _, done in der.children(octets, first, last):
                if len(found) == self._limits.responders:
                    break
                found.append(Certificate.from_der(octets[begin:done]))
        self.certificates = tuple(found)
        self._read_data(octets, inner, end)

    def _read_data(self, octets: bytes, at: int, stop: int) -> None:
        """Reads ResponseData."""
        tag, inner, end = der.read(octets, at, stop)
        if tag == 0xA0:  # the version, of which there is one
            tag, inner, end = der.read(octets, end, stop)
        if tag == 0xA1:
            self.responder = names.canonical(octets[inner:end])
        elif tag == 0xA2:
            first, last = der.expect(octets, inner, end, der.OCTET_STRING)
            self.responder_key = octets[first:last]
        else:
            raise der.DERError("it does not name its responder")
        tag, inner, at = der.read(octets, end, stop)
        self.produced_at = der.time(octets, tag, inner, at)
        first, last = der.expect(octets, at, stop, der.SEQUENCE)
        answers: list[Answer] = []
        for kind, _, inner, end in der.children(octets, first, last):
            if kind != der.SEQUENCE:
                raise der.DERError("an answer in it is malformed")
            if len(answers) == self._limits.answers:
                break
            answers.append(_answer(octets, inner, end))
        self.answers = tuple(answers)
        if last < stop:
            inner, end = der.expect(octets, last, stop, 0xA1)
            first, last = der.expect(octets, inner, end, der.SEQUENCE)
            for extension in read_extensions(octets, first, last):
                if extension.oid == _NONCE:
                    self.nonce = extension.value
                elif extension.critical:
                    raise der.DERError(f"it has the critical extension {extension.oid}, which is not known")

    def answer_for(self, certificate: Certificate, issuer: Certificate) -> Answer | None:
        """The answer about a certificate, the newest if there are several."""
        found = [answer for answer in self.answers if answer.is_for(certificate, issuer)]
        return max(found, key=lambda answer: answer.this_update, default=None)

    def answers_nonce(self, nonce: bytes | None) -> bool:
        """Whether it is an answer to the request with this nonce, as far as the responder sends any back."""
        return nonce is None or self.nonce is None or self.nonce in {nonce, encode.octet_string(nonce)}

    def signer(
        self, issuer: Certificate, key: PublicKey, algorithms: AlgorithmPolicy
    ) -> tuple[Certificate | None, str]:
        """Who signed it, and may (section 4.2.2.2): the issuer itself, or somebody it has certified for that.

        Args:
            issuer: the certificate of the issuer that the answers are about.
            key: its key.
            algorithms: which algorithms count.

        Returns:
            The responder's certificate, which is the issuer's own where it signed, or else `None`; and why nobody
            is, as part of a sentence.
        """
        if self.scheme is None:
            return None, "it is signed by an algorithm that is not known"
        if self._is_responder(issuer) and key.verify(self._signature, self._tbs, self.scheme):
            return self._strong(issuer, key, algorithms)
        why = "its signature is not one by the issuer or a responder that it has appointed"
        for certificate in self.certificates:
            if not self._is_responder(certificate) or certificate.issuer_key != issuer.subject_key:
                continue
            scheme = certificate.signature_scheme
            if not certificate.public_key.verify(self._signature, self._tbs, self.scheme):
                continue
            if scheme is None or not certificate.is_signed_by(key):
                why = "its responder was not certified by the issuer"
            elif "OCSPSigning" not in (certificate.extended_key_usage or ()):
                why = "its responder is not certified for that"
            elif certificate.defects or not self._may_sign(certificate):
                why = "the certificate of its responder cannot be used"
            elif not certificate.not_before <= self.produced_at <= certificate.not_after:
                why = "the certificate of its responder was not valid"
            elif algorithms.signature(scheme, key, use="certificate").status is Status.REFUSED:
                why = "the certificate of its responder is signed by an algorithm that is too weak"
            else:
                return self._strong(certificate, certificate.public_key, algorithms)
        return None, why

    def _strong(
        self, certificate: Certificate, key: PublicKey, algorithms: AlgorithmPolicy
    ) -> tuple[Certificate | None, str]:
        assert self.scheme is not None
        judged = algorithms.signature(self.scheme, key, use="certificate")
        return (None, judged.sentence) if judged.status is Status.REFUSED else (certificate, "")

    def _is_responder(self, certificate: Certificate) -> bool:
        if self.responder is not None:
            return self.responder == certificate.subject_key
        return self.responder_key == hashlib.sha1(key_bits(certificate), usedforsecurity=False).digest()

    @staticmethod
    def _may_sign(certificate: Certificate) -> bool:
        usage = certificate.key_usage
        known = {*_RESPONDER_EXTENSIONS}
        unknown = any(extension.critical and extension.oid not in known for extension in certificate.extensions)
        return not unknown and (usage is None or not usage.isdisjoint({"digitalSignature", "nonRepudiation"}))


_RESPONDER_EXTENSIONS: Final = (
    ext.KEY_USAGE,
    ext.EXTENDED_KEY_USAGE,
    ext.BASIC_CONSTRAINTS,
    ext.SUBJECT_ALT_NAME,
    ext.CERTIFICATE_POLICIES,
    ext.CRL_DISTRIBUTION_POINTS,
    ext.AUTHORITY_KEY_IDENTIFIER,
    ext.SUBJECT_KEY_IDENTIFIER,
    ext.OCSP_NO_CHECK,
)


def _answer(octets: bytes, at: int, stop: int) -> Answer:
    """Reads a SingleResponse."""
    inner, end = der.expect(octets, at, stop, der.SEQUENCE)
    first, last = der.expect(octets, inner, end, der.SEQUENCE)
    digest = DIGEST_OIDS.get(der.oid_text(octets, *der.expect(octets, first, last, der.OID)), "")
    name_hash, at = der.expect(octets, last, end, der.OCTET_STRING)
    key_hash, serial = der.expect(octets, at, end, der.OCTET_STRING)
    _, done = der.expect(octets, serial, end, der.INTEGER)
    tag, first, last = der.read(octets, end, stop)
    status = _STATUS_TAGS.get(tag)
    if status is None:
        raise der.DERError("an answer in it has an unknown status")
    revoked_at, reason = None, "unspecified"
    if status == "revoked":
        kind, begin, after = der.read(octets, first, last)
        revoked_at = der.time(octets, kind, begin, after)
        if after < last:
            begin, finish = der.expect(octets, after, last, 0xA0)
            reason = reason_name(octets, *der.expect(octets, begin, finish, 0x0A))
    tag, first, next_at = der.read(octets, last, stop)
    this_update = der.time(octets, tag, first, next_at)
    next_update, archive_cutoff, entry = None, None, None
    invalid_since = None
    for tag, _, first, last in der.children(octets, next_at, stop):
        if tag == 0xA0:
            kind, begin, after = der.read(octets, first, last)
            next_update = der.time(octets, kind, begin, after)
        elif tag == 0xA1:
            begin, finish = der.expect(octets, first, last, der.SEQUENCE)
            extensions = tuple(read_extensions(octets, begin, finish))
            for extension in extensions:
                if extension.oid == _ARCHIVE_CUTOFF:
                    value = extension.value
                    archive_cutoff = der.time(value, *der.read(value, 0, len(value)))
                elif extension.critical:
                    raise der.DERError(f"it has the critical extension {extension.oid}, which is not known")
            invalid_since = entry_of(this_update, extensions).invalid_since
        else:
            raise der.DERError("an answer in it has an unknown field")
    if revoked_at is not None:
        entry = Entry(revoked_at, reason, invalid_since)
    return Answer(
        digest,
        octets[name_hash:at],
        octets[key_hash:serial],
        octets[serial:done],
        status,
        entry,
        this_update,
        next_update,
        archive_cutoff,
    )


_STATUS_TAGS: Final[dict[int, Literal["good", "revoked", "unknown"]]] = {0x80: "good", 0xA1: "revoked", 0x82: "unknown"}


def key_bits(certificate: Certificate) -> bytes:
    """The octets of the key that are hashed: subjectPublicKey without tag, length and unused bits (section 4.1.1).

    None where the key is malformed; such a key verifies nothing either.
    """
    spki = certificate.spki_der
    try:
        start, stop = der.expect(spki, 0, len(spki), der.SEQUENCE)
        _, at = der.expect(spki, start, stop, der.SEQUENCE)
        first, last = der.expect(spki, at, stop, der.BIT_STRING)
    except der.DERError:
        return b""
    return spki[first + 1 : last]


def _digest(name: str, octets: bytes) -> bytes:
    if name not in DIGEST_SIZES:
        return b""
    digest = new_digest(name)
    digest.update(octets)
    return digest.digest()
