"""Making a SignerInfo (RFC 5652 section 5.3), with the signed attributes of RFC 8551 section 2.5."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailsec.crypto.cms import encode, oids
from mailsec.crypto.cms.content import Content, SignedContent
from mailsec.crypto.cms.tlv import SET, context
from mailsec.crypto.digests import DIGEST_SIZES, new_digest
from mailsec.crypto.schemes import DIGEST_OIDS, SCHEME_OIDS, SchemeType, SignatureScheme
from mailsec.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from mailsec.crypto import Certificate
    from mailsec.crypto.cms.signed import SignerInfo
    from mailsec.hooks import Identity, KeyRing

_DIGEST_OIDS = {name: oid for oid, name in DIGEST_OIDS.items()}
_SCHEME_OIDS = {scheme: oid for oid, scheme in SCHEME_OIDS.items()}
_DIGESTS = frozenset(("sha256", "sha384", "sha512", "sha3-256", "sha3-384", "sha3-512"))
"""What is still signed with: the others are read only."""
_KINDS = frozenset(("rsa", "rsa-pss", "ec", "ed25519", "ed448", "ml-dsa-44", "ml-dsa-65", "ml-dsa-87"))

_CONTENT_DIGESTS: Mapping[SchemeType, str] = {
    "ed25519": "sha512",  # RFC 8419 section 3.1
    "ed448": "shake256",
    "ml-dsa-44": "sha512",  # RFC 9882 section 3.3
    "ml-dsa-65": "sha512",
    "ml-dsa-87": "sha512",
}
_LEAST_OCTETS: Mapping[SchemeType, int] = {"ml-dsa-44": 32, "ml-dsa-65": 48, "ml-dsa-87": 64}

_MICALG = {
    "md5": "md5",
    "sha1": "sha-1",
    "sha224": "sha-224",
    "sha256": "sha-256",
    "sha384": "sha-384",
    "sha512": "sha-512",
    "shake128": "shake128",
    "shake256": "shake256",
}


def micalg(*digests: str) -> str:
    """The digests of a message in the `micalg` parameter of multipart/signed (RFC 8551 section 3.5.3.2).

    The names are those of IANA's registry of hash function textual names. It has none for SHA-3, and then the
    value is `unknown`.

    Args:
        digests: the digest of each signer, names that `mailsec.crypto.new_digest` knows; see `content_digest`.
    """
    return ",".join(dict.fromkeys(_MICALG.get(digest, "unknown") for digest in digests))


def content_digest(scheme: SignatureScheme) -> str:
    """The digest of the content that goes with a signature scheme unless another is asked for.

    It is the scheme's own, for Ed25519 and Ed448, which have none, the one of RFC 8419 section 3.1, and for ML-DSA
    the one that everybody must know (RFC 9882 section 3.3).
    """
    return _CONTENT_DIGESTS[scheme.key_type] if scheme.digest is None else scheme.digest


@dataclass(frozen=True, slots=True)
class NewSigner:
    """Somebody who is to sign, and how.

    The signed attributes are content type, message digest, signing time, the signing certificate (RFC 5035), the
    algorithms (RFC 6211), and those that are asked for here.

    Attributes:
        identity: who signs; its first certificate is the signer's. The others go with the signature, except those
            that issued themselves.
        scheme: how to sign.
        digest: the digest of the content; only ML-DSA leaves a choice, all others have one that goes with them.
        by_key_identifier: whether the certificate is named by its key identifier instead of its issuer and number.
        capabilities: names of content-encryption algorithms that the signer announces to understand, the best
            liked first: keys of `mailsec.crypto.cms.oids.CAPABILITIES`.
        encryption_certificate: the certificate to be encrypted to, where it is another one (RFC 8551 section
            2.5.3); it goes with the signature.

    Raises:
        UsageError: the identity has no certificate, or something is asked for that cannot be written.
    """

    identity: Identity
    scheme: SignatureScheme
    digest: str | None = None
    by_key_identifier: bool = False
    capabilities: Sequence[str] = ()
    encryption_certificate: Certificate | None = None

    def __post_init__(self) -> None:
        scheme, certificates = self.scheme, self.identity.certificates
        if not certificates:
            raise UsageError(f"there is no certificate for the key of {self.identity.name}")
        if scheme.key_type not in _KINDS or scheme.digest not in (None, *_DIGESTS):
            raise UsageError(f"nothing is signed with {scheme}")
        if scheme.key_type == "rsa-pss" and scheme.salt_length is None:
            raise UsageError("an RSASSA-PSS signature needs a salt length that can be stated")
        name = self.content_digest
        if name != content_digest(scheme):
            least = _LEAST_OCTETS.get(scheme.key_type)
            if least is None or name not in (*_DIGESTS, "shake256") or DIGEST_SIZES[name] < least:
                raise UsageError(f"a content digested with {name} is not signed by {scheme}")
        if self.by_key_identifier and certificates[0].key_identifier is None:
            raise UsageError(f"the certificate of {self.identity.name} has no key identifier")
        unknown = [name for name in self.capabilities if name not in oids.CAPABILITIES]
        if unknown:
            raise UsageError(f"{unknown[0]!r} is no capability that can be announced")

    @property
    def content_digest(self) -> str:
        """The digest of the content."""
        return self.digest or content_digest(self.scheme)

    @property
    def sent(self) -> tuple[bytes, ...]:
        """The certificates that go with the signature, in DER.

        No anchors but the signer's own: they are nothing that a receiver would take from a message.
        """
        first, *rest = self.identity.certificates
        chosen = [first, *(c for c in rest if c.issuer_der != c.subject_der)]
        if self.encryption_certificate is not None:
            chosen.append(self.encryption_certificate)
        return tuple(dict.fromkeys(certificate.der for certificate in chosen))


def signer_info(
    signer: NewSigner, content: SignedContent, content_type: str, keys: KeyRing, signing_time: datetime
) -> bytes:
    """A SignerInfo for content, in DER.

    Raises:
        UsageError: the digest of a streamed content was not computed.
        KeyFileError: the key ring cannot sign so.
    """
    attributes = [_attribute(oids.CONTENT_TYPE, encode.oid(content_type))]
    if signer.capabilities:
        attributes.append(_attribute(oids.SMIME_CAPABILITIES, _capabilities(signer.capabilities)))
    if signer.encryption_certificate is not None:
        certificate = signer.encryption_certificate
        preferred = encode.constructed(context(0), certificate.issuer_der, encode.integer(certificate.serial))
        attributes.append(_attribute(oids.ENCRYPTION_KEY_PREFERENCE, preferred))
    return _info(signer, attributes, content, keys, signing_time)


def countersigner_info(signer: NewSigner, target: SignerInfo, keys: KeyRing, signing_time: datetime) -> bytes:
    """A SignerInfo for the signature of a signer, in DER (RFC 5652 section 11.4); it states no content type."""
    return _info(signer, [], Content((target.signature,)), keys, signing_time)


def _info(
    signer: NewSigner, attributes: list[bytes], content: SignedContent, keys: KeyRing, signing_time: datetime
) -> bytes:
    certificate = signer.identity.certificates[0]
    digest_algorithm = digest_identifier(signer.content_digest, signer.scheme)
    signature_algorithm = _signature_algorithm(signer.scheme)
    protection = encode.sequence(digest_algorithm, _retagged(signature_algorithm, context(1)))
    attributes += [
        _attribute(oids.SIGNING_TIME, encode.time(signing_time)),
        _attribute(oids.MESSAGE_DIGEST, encode.octet_string(content.digest(signer.content_digest))),
        _attribute(oids.SIGNING_CERTIFICATE_V2, _signing_certificate(certificate)),
        _attribute(oids.ALGORITHM_PROTECTION, protection),
    ]
    signature = keys.sign(signer.identity, signer.scheme, encode.set_of(attributes, SET))
    version, name = 1, encode.sequence(certificate.issuer_der, encode.integer(certificate.serial))
    if signer.by_key_identifier:
        version, name = 3, encode.primitive(context(0), certificate.key_identifier or b"")
    return encode.sequence(
        encode.integer(version),
        name,
        digest_algorithm,
        encode.set_of(attributes, context(0)),
        signature_algorithm,
        encode.octet_string(signature),
    )


def digest_identifier(name: str, scheme: SignatureScheme) -> bytes:
    """The AlgorithmIdentifier of the digest of a content, as it is written with a scheme."""
    if scheme.key_type == "ed448":
        # RFC 8419 section 3.1: here, and only here, with its length.
        return encode.sequence(encode.oid(oids.SHAKE256_LEN), encode.integer(512))
    return encode.sequence(encode.oid(_DIGEST_OIDS[name]))


def _attribute(oid: str, value: bytes) -> bytes:
    return encode.sequence(encode.oid(oid), encode.set_of((value,)))


def _retagged(sequence: bytes, tag: int) -> bytes:
    """A SEQUENCE with an IMPLICIT tag, constructed as it was."""
    return bytes((tag | 0x20,)) + sequence[1:]


def _signing_certificate(certificate: Certificate) -> bytes:
    """A SigningCertificateV2 with one ESSCertIDv2 by SHA-256, its default (RFC 5035 section 3)."""
    digest = new_digest("sha256")
    digest.update(certificate.der)
    names = encode.sequence(encode.constructed(context(4), certificate.issuer_der))
    serial = encode.sequence(names, encode.integer(certificate.serial))
    return encode.sequence(encode.sequence(encode.sequence(encode.octet_string(digest.digest()), serial)))


def _capabilities(names: Sequence[str]) -> bytes:
    return encode.sequence(*(encode.sequence(encode.oid(oids.CAPABILITIES[name])) for name in names))


def _signature_algorithm(scheme: SignatureScheme) -> bytes:
    if scheme.key_type == "rsa-pss":
        return encode.sequence(encode.oid(oids.RSA_PSS), _pss_parameters(scheme))
    if scheme.key_type == "rsa":
        # With SHA-2 the one identifier that every receiver must know, whatever the digest (RFC 3370 section 3.2);
        # with SHA-3 the one of RFC 9688 section 3.1.
        oid = _SCHEME_OIDS[scheme] if (scheme.digest or "").startswith("sha3-") else oids.RSA
        return encode.sequence(encode.oid(oid), encode.NULL)
    return encode.sequence(encode.oid(_SCHEME_OIDS[scheme]))


def _pss_parameters(scheme: SignatureScheme) -> bytes:
    """RSASSA-PSS-params (RFC 4055 section 3.1)."""
    digest = _pss_digest(scheme.digest or "")
    mask = _pss_digest(scheme.mgf_digest or scheme.digest or "")
    return encode.sequence(
        encode.constructed(context(0), digest),
        encode.constructed(context(1), encode.sequence(encode.oid(oids.MGF1), mask)),
        encode.constructed(context(2), encode.integer(scheme.salt_length or 0)),
    )


def _pss_digest(name: str) -> bytes:
    # NULL with SHA-1 and SHA-2 (RFC 4055 section 2.1), nothing with SHA-3 (RFC 9688 section 2).
    return encode.sequence(encode.oid(_DIGEST_OIDS[name]), b"" if name.startswith("sha3-") else encode.NULL)


__all__ = ["NewSigner", "content_digest", "countersigner_info", "digest_identifier", "micalg", "signer_info"]
