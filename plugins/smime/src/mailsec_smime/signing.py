"""Signing a MIME entity, clear (multipart/signed) or opaque (application/pkcs7-mime)."""

from __future__ import annotations

from base64 import encodebytes
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from mailsec.crypto import ML_DSA_44, ML_DSA_65, ML_DSA_87, SignatureScheme, new_digest
from mailsec.crypto.cms import Content, NewSigner, content_digest, micalg
from mailsec.crypto.cms import sign as sign_content
from mailsec.errors import UsageError
from mailsec.message import same_address
from mailsec_smime.settings import Settings
from mailsec_smime.spooling import Piece, contain

if TYPE_CHECKING:
    from datetime import datetime

    from mailsec.hooks import Identity, ProtectorContext

_ML_DSA: dict[str, SignatureScheme] = {scheme.key_type: scheme for scheme in (ML_DSA_44, ML_DSA_65, ML_DSA_87)}
_LINE = 998  # octets in a line without its end (RFC 5322 section 2.1.1)
_STEP: Final = 57 << 12
"""Octets that are looked at, or written as whole lines of base64, in one go."""


def sign(entity: Sequence[Piece], author: str, context: ProtectorContext, *, opaque: bool) -> Iterator[Piece]:
    """Signs a MIME entity and gives the entity that it becomes, in pieces.

    Args:
        entity: what is signed, in pieces, with CRLF line ends.
        author: the address in whose name.
        context: the keys and the time; the settings are a `Settings` or `None` for its defaults.
        opaque: whether the content goes inside the signature.

    Returns:
        The pieces. Nothing is left to go wrong when they are taken.

    Raises:
        UsageError: nobody can sign so, or the content cannot be signed clear.
        KeyFileError: the key ring cannot sign.
    """
    identity = find_signer(author, context)
    if not opaque:
        _check_clear(entity)
    signature = signed_data(entity, identity, context, detached=not opaque)
    if opaque:
        return wrapped(signature, "signed-data")
    digest = content_digest(_scheme(identity, _settings(context)))
    return _clear(entity, b"".join(signature), micalg(digest))


def signed_data(
    content: Sequence[Piece], identity: Identity, context: ProtectorContext, *, detached: bool
) -> tuple[Piece, ...]:
    """Signs a content of any kind and gives the SignedData in DER, in pieces.

    Args:
        content: what is signed, in pieces.
        identity: who signs.
        context: the keys and the time; the settings are a `Settings` or `None` for its defaults.
        detached: whether the content stays outside of the structure.

    Raises:
        UsageError: the key cannot sign.
        KeyFileError: the key ring cannot sign.
    """
    settings = _settings(context)
    signer = NewSigner(identity, _scheme(identity, settings), capabilities=settings.capabilities)
    moment = context.moment.at
    return sign_content(Content(content), (signer,), detached=detached, keys=context.keys, signing_time=moment)


def wrapped(pieces: Iterable[Piece], kind: str) -> Iterator[bytes]:
    """Puts a structure into an application/pkcs7-mime entity (RFC 8551 section 3.2).

    Args:
        pieces: the structure in DER.
        kind: the smime-type, such as `"signed-data"`.
    """
    name = "smime.p7z" if kind == "compressed-data" else "smime.p7m"
    yield (
        f'Content-Type: application/pkcs7-mime; smime-type={kind};\r\n name="{name}"\r\n'
        "Content-Transfer-Encoding: base64\r\n"
        f'Content-Disposition: attachment; filename="{name}"\r\n'
        "\r\n"
    ).encode()
    for lines in base64_lines(pieces):
        yield lines.replace(b"\n", b"\r\n")


def base64_lines(pieces: Iterable[Piece]) -> Iterator[bytes]:
    """Octets in base64, in lines of 76 characters that end with LF.

    Args:
        pieces: the octets in pieces of any size.
    """
    waiting: list[Piece] = []
    size = 0
    for piece in pieces:
        at = 0
        while size + len(piece) - at >= _STEP:
            waiting.append(piece[at : at + _STEP - size])
            at += _STEP - size
            yield encodebytes(b"".join(waiting))
            waiting.clear()
            size = 0
        if rest := piece[at:]:
            waiting.append(rest)
            size += len(rest)
    yield encodebytes(b"".join(waiting))


def find_signer(author: str, context: ProtectorContext) -> Identity:
    """The key of an author whose certificate is valid for longest.

    Raises:
        UsageError: there is none that is valid.
    """
    found = [
        identity
        for identity in context.keys.identities()
        if identity.certificates and any(same_address(author, email) for email in identity.certificates[0].emails)
    ]
    if not found:
        raise UsageError(f"there is no key with a certificate for {author}")
    valid = [identity for identity in found if _is_valid(identity, context.moment.at)]
    if not valid:
        raise UsageError(f"no certificate for {author} is valid now and for signing")
    preferred = isinstance(context.settings, Settings) and context.settings.ml_dsa
    return max(
        valid,
        key=lambda identity: (
            identity.key_type.startswith("ml-dsa-") == preferred,
            identity.certificates[0].not_after,
        ),
    )


def _is_valid(identity: Identity, at: datetime) -> bool:
    certificate = identity.certificates[0]
    usage = certificate.key_usage
    signs = usage is None or bool(usage & {"digitalSignature", "nonRepudiation"})
    return signs and certificate.not_before <= at <= certificate.not_after


def _settings(context: ProtectorContext) -> Settings:
    return context.settings if isinstance(context.settings, Settings) else Settings()


def _scheme(identity: Identity, settings: Settings) -> SignatureScheme:
    kind = identity.key_type
    if kind == "rsa":
        if not settings.pss:
            return SignatureScheme("rsa", settings.digest)
        size = {"sha256": 32, "sha384": 48, "sha512": 64}[settings.digest]
        return SignatureScheme("rsa-pss", settings.digest, size)
    if kind == "ec":
        return SignatureScheme("ec", settings.digest)
    if kind == "ed25519":
        return SignatureScheme("ed25519")
    if kind == "ed448":
        return SignatureScheme("ed448")
    if kind in _ML_DSA:
        if not settings.ml_dsa:
            raise UsageError("the key is for ML-DSA, which few programs can verify: it signs with the setting ml_dsa")
        return _ML_DSA[kind]
    raise UsageError(f"a key of the kind {kind} cannot sign")


def _check_clear(entity: Sequence[Piece]) -> None:
    """Refuses what a transfer agent may change on the way (RFC 8551 section 3.1.3)."""
    advice = "encode it as quoted-printable or base64, or sign opaque"
    waiting = b""  # a line whose end is still to come
    for piece in entity:
        for at in range(0, len(piece), _STEP):
            octets = waiting + bytes(piece[at : at + _STEP])
            if not octets.isascii() or b"\0" in octets:
                raise UsageError(f"the content has 8-bit octets, which may be changed on the way: {advice}")
            end = octets.rfind(b"\r\n") + 2
            lines, waiting = (octets[:end], octets[end:]) if end > 1 else (b"", octets)
            _check_lines(lines, advice)
            _check_lines(waiting.removesuffix(b"\r"), advice)
    _check_lines(waiting, advice)


def _check_lines(octets: bytes, advice: str) -> None:
    if _has_long_line(octets):
        raise UsageError(f"a line has more than {_LINE} octets, and may be broken on the way: {advice}")
    if octets.count(b"\r") != octets.count(b"\r\n"):
        raise UsageError(f"the content has a CR that ends no line, which may be changed on the way: {advice}")


def _has_long_line(octets: bytes) -> bool:
    """Whether a line is too long, found by steps of whole lines."""
    at = 0
    while len(octets) - at > _LINE:
        end = octets.rfind(b"\r\n", at, at + _LINE + 2)
        if end < 0:
            return True
        at = end + 2
    return False


def _clear(entity: Sequence[Piece], signature: bytes, digest: str) -> Iterator[Piece]:
    boundary = _boundary(entity, signature)
    yield (
        b'Content-Type: multipart/signed; protocol="application/pkcs7-signature";\r\n'
        b' micalg=%b; boundary="%b"\r\n'
        b"\r\nThis is a message signed with S/MIME.\r\n"
        b"\r\n--%b\r\n" % (digest.encode(), boundary, boundary)
    )
    yield from entity
    yield (
        b"\r\n--%b\r\n"
        b'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\n'
        b"Content-Transfer-Encoding: base64\r\n"
        b'Content-Disposition: attachment; filename="smime.p7s"\r\n'
        b"\r\n"
        b"%b"
        b"\r\n--%b--\r\n" % (boundary, encodebytes(signature).replace(b"\n", b"\r\n"), boundary)
    )


def _boundary(entity: Sequence[Piece], signature: bytes) -> bytes:
    """A boundary that is not in the content: a digest of it, which nobody can have foreseen."""
    while True:
        digest = new_digest("sha256")
        digest.update(signature)
        boundary = b"=_" + digest.digest().hex()[:40].encode()
        if not contain(entity, boundary):
            return boundary
        signature += b"\0"
