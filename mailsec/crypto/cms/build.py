"""Making a SignedData in DER (RFC 5652 section 5), with the signed attributes of RFC 8551 section 2.5."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mailsec.crypto.cms import encode, oids
from mailsec.crypto.cms.tlv import OCTET_STRING, SET, context
from mailsec.crypto.digests import new_digest
from mailsec.crypto.schemes import DIGEST_OIDS, SignatureScheme
from mailsec.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from mailsec.crypto import Certificate
    from mailsec.crypto.cms.verify import Content
    from mailsec.hooks import Identity, KeyRing

_DIGEST_OIDS = {name: oid for oid, name in DIGEST_OIDS.items()}
_MICALG = {"sha1": "sha-1", "sha224": "sha-224", "sha256": "sha-256", "sha384": "sha-384", "sha512": "sha-512"}


def micalg(digest: str) -> str:
    """The name of a digest in the `micalg` parameter of multipart/signed (RFC 8551 section 3.5.3.2).

    Args:
        digest: a name that `mailsec.crypto.new_digest` knows.
    """
    return _MICALG.get(digest, digest)


def content_digest(scheme: SignatureScheme) -> str:
    """The digest of the content that goes with a signature scheme.

    It is the scheme's own, and for Ed25519 and Ed448, which have none, the one of RFC 8419 section 3.1.
    """
    if scheme.digest is not None:
        return scheme.digest
    return "sha512" if scheme.key_type == "ed25519" else "shake256"


def build_signed_data(
    content: Content,
    *,
    detached: bool,
    keys: KeyRing,
    identity: Identity,
    scheme: SignatureScheme,
    signing_time: datetime,
    capabilities: Sequence[str] = (),
) -> bytes:
    """Signs content.

    The signed attributes are content type, message digest, signing time, the capabilities where there are any,
    and the signing certificate (RFC 5035). The identity's certificates go with the signature, except those that
    issued themselves: an anchor is nothing that a receiver would take from a message.

    Args:
        content: what to sign, octet for octet.
        detached: whether the content stays outside of the structure (multipart/signed).
        keys: the key ring that signs.
        identity: who signs; its first certificate is the signer's.
        scheme: how to sign.
        signing_time: the time to state; aware.
        capabilities: names of content-encryption algorithms that the signer announces to understand, the best
            liked first: keys of `mailsec.crypto.cms.oids.CAPABILITIES`.

    Returns:
        A ContentInfo with the SignedData, in DER.

    Raises:
        UsageError: the identity has no certificate, or something is asked for that cannot be written.
        KeyFileError: the key ring cannot sign so.
    """
    if not identity.certificates:
        raise UsageError(f"there is no certificate for the key of {identity.name}")
    signature_algorithm = _signature_algorithm(scheme)
    certificate = identity.certificates[0]
    name = content_digest(scheme)
    digest_algorithm = encode.sequence(encode.oid(_DIGEST_OIDS[name]))
    attributes = [
        _attribute(oids.CONTENT_TYPE, encode.oid(oids.DATA)),
        _attribute(oids.SIGNING_TIME, encode.time(signing_time)),
        _attribute(oids.MESSAGE_DIGEST, encode.octet_string(content.digest(name))),
        _attribute(oids.SIGNING_CERTIFICATE_V2, _signing_certificate(certificate)),
    ]
    if capabilities:
        attributes.append(_attribute(oids.SMIME_CAPABILITIES, _capabilities(capabilities)))
    signature = keys.sign(identity, scheme, encode.set_of(attributes, SET))
    signer = encode.sequence(
        encode.integer(1),
        encode.sequence(certificate.issuer_der, encode.integer(certificate.serial)),
        digest_algorithm,
        encode.set_of(attributes, context(0)),
        signature_algorithm,
        encode.octet_string(signature),
    )
    encapsulated = [encode.oid(oids.DATA)]
    if not detached:
        octets = content.octets()
        encapsulated.append(encode.constructed(context(0), encode.primitive(OCTET_STRING, octets)))
    signed = encode.sequence(
        encode.integer(1),
        encode.set_of((digest_algorithm,)),
        encode.sequence(*encapsulated),
        encode.set_of(_sent(identity.certificates), context(0)),
        encode.set_of((signer,)),
    )
    return encode.sequence(encode.oid(oids.SIGNED_DATA), encode.constructed(context(0), signed))


def _sent(certificates: Sequence[Certificate]) -> Iterable[bytes]:
    first = certificates[0]
    sent = {first.der, *(c.der for c in certificates if c.issuer_der != c.subject_der)}
    return sorted(sent)


def _attribute(oid: str, value: bytes) -> bytes:
    return encode.sequence(encode.oid(oid), encode.set_of((value,)))


def _signing_certificate(certificate: Certificate) -> bytes:
    """A SigningCertificateV2 with one ESSCertIDv2 by SHA-256, its default (RFC 5035 section 3)."""
    digest = new_digest("sha256")
    digest.update(certificate.der)
    names = encode.sequence(encode.constructed(context(4), certificate.issuer_der))
    serial = encode.sequence(names, encode.integer(certificate.serial))
    return encode.sequence(encode.sequence(encode.sequence(encode.octet_string(digest.digest()), serial)))


def _capabilities(names: Sequence[str]) -> bytes:
    unknown = [name for name in names if name not in oids.CAPABILITIES]
    if unknown:
        raise UsageError(f"{unknown[0]!r} is no capability that can be announced")
    return encode.sequence(*(encode.sequence(encode.oid(oids.CAPABILITIES[name])) for name in names))


def _signature_algorithm(scheme: SignatureScheme) -> bytes:
    oid = oids.SIGNATURES.get((scheme.key_type, scheme.digest))
    if oid is None:
        raise UsageError(f"nothing is signed with {scheme}")
    if scheme.key_type == "rsa":
        # The one identifier that every receiver must know, whatever the digest (RFC 3370 section 3.2).
        return encode.sequence(encode.oid(oids.RSA), encode.NULL)
    if scheme.key_type != "rsa-pss":
        return encode.sequence(encode.oid(oid))
    return encode.sequence(encode.oid(oid), _pss_parameters(scheme))


def _pss_parameters(scheme: SignatureScheme) -> bytes:
    """RSASSA-PSS-params (RFC 4055 section 3.1)."""
    if scheme.digest is None or scheme.salt_length is None:
        raise UsageError("an RSASSA-PSS signature needs a salt length that can be stated")
    digest = encode.sequence(encode.oid(_DIGEST_OIDS[scheme.digest]), encode.NULL)
    mask = encode.sequence(encode.oid(_DIGEST_OIDS[scheme.mgf_digest or scheme.digest]), encode.NULL)
    return encode.sequence(
        encode.constructed(context(0), digest),
        encode.constructed(context(1), encode.sequence(encode.oid(oids.MGF1), mask)),
        encode.constructed(context(2), encode.integer(scheme.salt_length)),
    )
