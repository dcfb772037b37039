"""Signing an outgoing message, clear (multipart/signed) or opaque (application/pkcs7-mime)."""

from __future__ import annotations

from base64 import encodebytes
from typing import TYPE_CHECKING

from mailsec.crypto import SignatureScheme, new_digest
from mailsec.crypto.cms import Content, build_signed_data, content_digest, micalg
from mailsec.errors import UsageError
from mailsec.message import same_address, to_crlf
from mailsec_smime.settings import Settings

if TYPE_CHECKING:
    from datetime import datetime

    from mailsec.hooks import Identity, Protection, ProtectorContext
    from mailsec.message import Message

_LINE = 998  # octets in a line without its end (RFC 5322 section 2.1.1)


def protect(message: Message, protection: Protection, context: ProtectorContext) -> bytes:
    """Signs a message with a key of its author.

    The fields that describe the content (Content-…) and the body are signed; all others stay outside and as
    they are, and are not covered.

    Args:
        message: the message to send.
        protection: what is wanted.
        context: the keys and the time; the settings are a `Settings` or `None` for its defaults.

    Raises:
        UsageError: encryption is asked for, or the message cannot be signed so; nothing is then half done.
        KeyFileError: the key ring cannot sign.
    """
    if protection.encrypt:
        raise UsageError("S/MIME encryption is not there yet: the message was not encrypted and must not be sent")
    if not protection.sign:
        return bytes(message)
    settings = context.settings if isinstance(context.settings, Settings) else Settings()
    author = protection.author or _author(message)
    identity = _identity(author, context)
    scheme = _scheme(identity, settings)
    entity = _entity(message)
    if not settings.opaque:
        _check_clear(entity)
    signature = build_signed_data(
        Content((entity,)),
        detached=not settings.opaque,
        keys=context.keys,
        identity=identity,
        scheme=scheme,
        signing_time=context.moment.at,
        capabilities=settings.capabilities,
    )
    header = _outer_header(message)
    if settings.opaque:
        return header + _opaque(signature)
    return header + _clear(entity, signature, micalg(content_digest(scheme)))


def _author(message: Message) -> str:
    authors = message.authors
    if len(authors) != 1:
        raise UsageError("the message does not name one author in From, so it is not known who signs")
    return authors[0].address


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
    return max(valid, key=lambda identity: identity.certificates[0].not_after)


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
    raise UsageError(f"a key of the kind {kind} cannot sign")


def _entity(message: Message) -> bytes:
    """The MIME entity that is signed, with CRLF as line ends (RFC 8551 section 3.1)."""
    fields = [field.raw for field in message.header if field.key.startswith("content-")]
    if not any(field.key == "content-type" for field in message.header):
        fields.insert(0, b"Content-Type: text/plain; charset=us-ascii\r\n")
    return to_crlf(b"".join((*map(_ended, fields), b"\r\n", message.body)))


def _ended(field: bytes) -> bytes:
    return field if field.endswith(b"\n") else field + b"\r\n"


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


def _outer_header(message: Message) -> bytes:
    fields = [_ended(field.raw) for field in message.header if not field.key.startswith("content-")]
    if not any(field.key == "mime-version" for field in message.header):
        fields.append(b"MIME-Version: 1.0\r\n")
    return to_crlf(b"".join(fields))


def _armour(octets: bytes) -> bytes:
    return encodebytes(octets).replace(b"\n", b"\r\n")


def _opaque(signed: bytes) -> bytes:
    return (
        b'Content-Type: application/pkcs7-mime; smime-type=signed-data; name="smime.p7m"\r\n'
        b"Content-Transfer-Encoding: base64\r\n"
        b'Content-Disposition: attachment; filename="smime.p7m"\r\n'
        b"\r\n" + _armour(signed)
    )


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
