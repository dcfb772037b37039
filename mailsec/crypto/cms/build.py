"""Making a SignedData in DER (RFC 5652 section 5): signing, adding signers and countersignatures, certificates only.

What is made comes in pieces, among which the content stays as it is: a large one is hashed and written, and never
copied.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailsec.crypto.cms import encode, oids
from mailsec.crypto.cms.content import Content, Piece, SignedContent, StreamedContent
from mailsec.crypto.cms.limits import LIMITS
from mailsec.crypto.cms.signed import SignedData, SignerInfo
from mailsec.crypto.cms.signing import NewSigner, countersigner_info, digest_identifier, signer_info
from mailsec.crypto.cms.tlv import OCTET_STRING, SEQUENCE, Element, context, read
from mailsec.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from mailsec.crypto import Certificate
    from mailsec.crypto.schemes import SignatureScheme
    from mailsec.hooks import Identity, KeyRing


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a SignedData is made of, each element in DER as far as its own signature allows."""

    content_type: str
    digest_algorithms: Iterable[bytes]
    certificates: Iterable[bytes]
    crls: Iterable[bytes]
    signers: Iterable[bytes]


def sign(
    content: SignedContent,
    signers: Sequence[NewSigner],
    *,
    detached: bool,
    keys: KeyRing,
    signing_time: datetime,
    content_type: str = oids.DATA,
) -> tuple[Piece, ...]:
    """Signs content, by one signer or several at once.

    Args:
        content: what to sign, octet for octet; a `StreamedContent` only where it stays outside.
        signers: who signs, and how.
        detached: whether the content stays outside of the structure (multipart/signed).
        keys: the key ring that signs.
        signing_time: the time to state; aware.
        content_type: the type of the content, dotted.

    Returns:
        A ContentInfo with the SignedData, in DER, in pieces: those of the content are among them as they are.

    Raises:
        UsageError: nobody is to sign, a signer has no certificate, or something is asked for that cannot be written.
        KeyFileError: the key ring cannot sign so.
    """
    if not 0 < len(signers) <= LIMITS.signers:
        raise UsageError(f"a message is signed by 1 to {LIMITS.signers} signers, not by {len(signers)}")
    pieces = None if detached else _pieces(content)
    infos = [signer_info(signer, content, content_type, keys, signing_time) for signer in signers]
    certificates = {der for signer in signers for der in signer.sent}
    algorithms = {digest_identifier(signer.content_digest, signer.scheme) for signer in signers}
    return _write(_Parts(content_type, algorithms, certificates, (), infos), pieces)


def build_signed_data(
    content: SignedContent,
    *,
    detached: bool,
    keys: KeyRing,
    identity: Identity,
    scheme: SignatureScheme,
    signing_time: datetime,
    capabilities: Sequence[str] = (),
) -> bytes:
    """Signs content by one signer, in one piece; see `sign`.

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
    signer = NewSigner(identity, scheme, capabilities=tuple(capabilities))
    return b"".join(sign(content, (signer,), detached=detached, keys=keys, signing_time=signing_time))


def add_signers(
    signed: SignedData,
    signers: Sequence[NewSigner],
    *,
    keys: KeyRing,
    signing_time: datetime,
    content: SignedContent | None = None,
) -> tuple[Piece, ...]:
    """Adds signers to a SignedData. Those who signed before stay as they are, whether right or not.

    Args:
        signed: what there is.
        signers: who signs too, and how.
        keys: the key ring that signs.
        signing_time: the time to state; aware.
        content: the content, where it is detached.

    Returns:
        The whole in pieces, as `sign` gives it.

    Raises:
        UsageError: the content is missing or there twice, there are too many signers, or as `sign`.
        KeyFileError: the key ring cannot sign so.
    """
    if (content is None) == (signed.content is None):
        raise UsageError("the content is needed where it is detached, and only there")
    if not signers or len(signed.signers) + len(signers) > LIMITS.signers:
        raise UsageError(f"a message is signed by 1 to {LIMITS.signers} signers")
    whole = Content(signed.content or ()) if content is None else content
    infos = [signer_info(signer, whole, signed.content_type, keys, signing_time) for signer in signers]
    parts = _kept(
        signed,
        [*map(_normalized, signed.signers), *infos],
        {der for signer in signers for der in signer.sent},
        {digest_identifier(signer.content_digest, signer.scheme) for signer in signers},
    )
    return _write(parts, signed.content)


def countersign(
    signed: SignedData, index: int, signer: NewSigner, *, keys: KeyRing, signing_time: datetime
) -> tuple[Piece, ...]:
    """Signs the signature of a signer (RFC 5652 section 11.4).

    Args:
        signed: what there is.
        index: which of its signers is countersigned.
        signer: who countersigns, and how.
        keys: the key ring that signs.
        signing_time: the time to state; aware.

    Returns:
        The whole in pieces, as `sign` gives it.

    Raises:
        UsageError: there is no such signer, it has too many countersignatures, or as `sign`.
        KeyFileError: the key ring cannot sign so.
    """
    if not 0 <= index < len(signed.signers):
        raise UsageError(f"there is no signer number {index}")
    target = signed.signers[index]
    found = sum(len(one.values) for one in target.unsigned_attributes if one.oid == oids.COUNTERSIGNATURE)
    if found >= LIMITS.countersigners:
        raise UsageError("the signer has as many countersignatures as are read")
    own = countersigner_info(signer, target, keys, signing_time)
    infos = [_normalized(one) if one is not target else _with_countersignature(one, own) for one in signed.signers]
    parts = _kept(signed, infos, set(signer.sent), set())
    return _write(parts, signed.content)


def build_certificates_only(certificates: Iterable[Certificate], crls: Iterable[bytes] = ()) -> bytes:
    """A message that signs nothing and only carries certificates and revocation lists (RFC 8551 section 3.8).

    Args:
        certificates: the certificates.
        crls: CertificateLists in DER.

    Returns:
        A ContentInfo with the SignedData, in DER.
    """
    parts = _Parts(oids.DATA, (), {certificate.der for certificate in certificates}, set(crls), ())
    return b"".join(_write(parts, None))


def _pieces(content: SignedContent) -> tuple[Piece, ...]:
    if isinstance(content, StreamedContent):
        raise UsageError("a content that was not kept can only be signed detached")
    return content.pieces if isinstance(content, Content) else (content.octets(),)


def _kept(
    signed: SignedData, signers: Iterable[bytes], certificates: set[bytes], digest_algorithms: set[bytes]
) -> _Parts:
    """What a SignedData has already, with what comes to it."""
    return _Parts(
        signed.content_type,
        digest_algorithms | {algorithm.der for algorithm in signed.digest_algorithms},
        certificates | {bytes(choice.octets) for choice in signed.certificate_choices},
        {bytes(crl) for crl in signed.crls},
        signers,
    )


def _element(signer: SignerInfo) -> Element:
    if signer.element is None:
        raise UsageError("a signer that was not read from a structure cannot be written again")
    return signer.element


def _normalized(signer: SignerInfo) -> bytes:
    # The order of the signed attributes stays as it came: some senders have signed just that (`signed_octets`).
    return encode.normalize(_element(signer))


def _with_countersignature(signer: SignerInfo, countersignature: bytes) -> bytes:
    members = list(_element(signer).children())
    unsigned = [encode.normalize(child) for child in members.pop().children()] if members[-1].tag == context(1) else []
    unsigned.append(encode.sequence(encode.oid(oids.COUNTERSIGNATURE), encode.set_of((countersignature,))))
    return encode.sequence(*map(encode.normalize, members), encode.set_of(unsigned, context(1)))


def _write(parts: _Parts, content: tuple[Piece, ...] | None) -> tuple[Piece, ...]:
    """The ContentInfo with the SignedData (RFC 5652 section 5.1), in pieces."""
    certificates, crls, signers = sorted(parts.certificates), sorted(parts.crls), sorted(parts.signers)
    before = [
        encode.integer(_version(parts.content_type, certificates, crls, signers)),
        encode.set_of(parts.digest_algorithms),
    ]
    kind = encode.oid(parts.content_type)
    size = 0
    if content is not None:
        size = sum(map(len, content))
        octets = encode.header(OCTET_STRING, size)
        wrapper = encode.header(context(0), len(octets) + size, constructed=True)
        kind += wrapper + octets
    before.append(encode.header(SEQUENCE, len(kind) + size, constructed=True) + kind)
    after = b""
    if certificates:
        after += encode.constructed(context(0), *certificates)
    if crls:
        after += encode.constructed(context(1), *crls)
    after += encode.set_of(signers)
    body = b"".join(before)
    length = len(body) + size + len(after)
    body = encode.header(SEQUENCE, length, constructed=True) + body
    length = len(body) + size + len(after)
    body = encode.oid(oids.SIGNED_DATA) + encode.header(context(0), length, constructed=True) + body
    length = len(body) + size + len(after)
    return (encode.header(SEQUENCE, length, constructed=True) + body, *(content or ()), after)


def _version(content_type: str, certificates: Iterable[bytes], crls: Iterable[bytes], signers: Iterable[bytes]) -> int:
    """The version that follows from what is in it (RFC 5652 section 5.1)."""
    tags = {certificate[0] & 0xDF for certificate in certificates}
    if context(3) in tags or any(crl[0] != 0x30 for crl in crls):
        return 5
    if context(2) in tags:
        return 4
    # The version of a SignerInfo is its first member.
    by_key = any(next(read(signer).children()).integer() >= 3 for signer in signers)
    return 3 if context(1) in tags or by_key or content_type != oids.DATA else 1


__all__ = ["add_signers", "build_certificates_only", "build_signed_data", "countersign", "sign"]
