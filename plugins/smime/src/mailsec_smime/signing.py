"""Signing a MIME entity, clear (multipart/signed) or opaque (application/pkcs7-mime)."""

from __future__ import annotations

from base64 import encodebytes
from typing import TYPE_CHECKING

from mailsec.crypto import ML_DSA_44, ML_DSA_65, ML_DSA_87, SignatureScheme, new_digest
from mailsec.crypto.cms import Content, build_signed_data, content_digest, micalg
from mailsec.errors import UsageError
from mailsec.message import same_address
from mailsec_smime.settings import Settings

if TYPE_CHECKING:
    from datetime import datetime

    from mailsec.hooks import Identity, ProtectorContext

_ML_DSA: dict[str, SignatureScheme] = {scheme.key_type: scheme for scheme in (ML_DSA_44, ML_DSA_65, ML_DSA_87)}
_LINE = 998  # octets in a line without its end (RFC 5322 section 2.1.1)


def sign(entity: bytes, author: str, context: ProtectorContext, *, opaque: bool) -> bytes:
    """Signs a MIME entity and gives the entity that it becomes.

    Args:
        entity: what is signed, with CRLF line ends.
        author: the address in whose name.
        context: the keys and the time; the settings are a `Settings` or `None` for its defaults.
        opaque: whether the content goes inside the signature.

    Raises:
        UsageError: nobody can sign so, or the content cannot be signed clear.
        KeyFileError: the key ring cannot sign.
    """
    settings = context.settings if isinstance(context.settings, Settings) else Settings()
    identity = _identity(author, context)
    scheme = _scheme(identity, settings)
    if not opaque:
        _check_clear(entity)
    signature = build_signed_data(
        Content((entity,)),
        detached=not opaque,
        keys=context.keys,
        identity=identity,
        scheme=scheme,
        signing_time=context.moment.at,
        capabilities=settings.capabilities,
    )
    if opaque:
        return wrapped(signature, "signed-data")
    return _clear(entity, signature, micalg(content_digest(scheme)))


def wrapped(octets: bytes, kind: str) -> bytes:
    """Puts a structure into an application/pkcs7-mime entity (RFC 8551 section 3.2).

    Args:
        octets: the structure in DER.
        kind: the smime-type, such as `"signed-data"`.
    """
    name = "smime.p7z" if kind == "compressed-data" else "smime.p7m"
    return (
        f'Content-Type: application/pkcs7-mime; smime-type={kind};\r\n name="{name}"\r\n'
        "Content-Transfer-Encoding: base64\r\n"
        f'Content-Disposition: attachment; filename="{name}"\r\n'
        "\r\n"
    ).encode() + _armour(octets)


def _identity(author: str, context: ProtectorContext) -> Identity:
    """The key of the author whose certificate is valid for longest."""
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


def _check_clear(entity: bytes) -> None:
    """Refuses what a transfer agent may change on the way (RFC 8551 section 3.1.3)."""
    advice = "encode it as quoted-printable or base64, or set opaque"
    if not entity.isascii() or b"\0" in entity:
        raise UsageError(f"the content has 8-bit octets, which may be changed on the way: {advice}")
    if _has_long_line(entity):
        raise UsageError(f"a line has more than {_LINE} octets, and may be broken on the way: {advice}")
    if entity.count(b"\r") != entity.count(b"\r\n"):
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


def _armour(octets: bytes) -> bytes:
    return encodebytes(octets).replace(b"\n", b"\r\n")


def _clear(entity: bytes, signature: bytes, digest: str) -> bytes:
    boundary = _boundary(entity, signature)
    return b"".join(
        (
            b'Content-Type: multipart/signed; protocol="application/pkcs7-signature";\r\n',
            b' micalg=%b; boundary="%b"\r\n' % (digest.encode(), boundary),
            b"\r\nThis is a message signed with S/MIME.\r\n",
            b"\r\n--%b\r\n" % boundary,
            entity,
            b"\r\n--%b\r\n" % boundary,
            b'Content-Type: application/pkcs7-signature; name="smime.p7s"\r\n',
            b"Content-Transfer-Encoding: base64\r\n",
            b'Content-Disposition: attachment; filename="smime.p7s"\r\n',
            b"\r\n",
            _armour(signature),
            b"\r\n--%b--\r\n" % boundary,
        )
    )


def _boundary(entity: bytes, signature: bytes) -> bytes:
    """A boundary that is not in the content: a digest of it, which nobody can have foreseen."""
    while True:
        digest = new_digest("sha256")
        digest.update(signature)
        boundary = b"=_" + digest.digest().hex()[:40].encode()
        if boundary not in entity:
            return boundary
        signature += b"\0"
