"""What an EnvelopedData (RFC 5652 section 6) or AuthEnvelopedData (RFC 5083) holds, as it was sent.

Nothing here needs a key. Decrypting is the work of `mailsec.crypto.cms.decrypt`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailsec.crypto.cms import encode, oids
from mailsec.crypto.cms.ciphers import ContentEncryption
from mailsec.crypto.cms.limits import LIMITS, CMSLimits
from mailsec.crypto.cms.members import Members, limited
from mailsec.crypto.cms.recipients import RecipientInfo, read_recipients
from mailsec.crypto.cms.signed import AlgorithmIdentifier, ContentInfo, parse_content_info
from mailsec.crypto.cms.tlv import OCTET_STRING, SEQUENCE, SET, Element, context
from mailsec.errors import CMSError, UnsupportedError

if TYPE_CHECKING:
    from typing_extensions import Buffer


@dataclass(frozen=True, slots=True)
class EnvelopedData:
    """An EnvelopedData or AuthEnvelopedData.

    Attributes:
        authenticated: whether it is an AuthEnvelopedData. If not, nothing notices changes of the content.
        recipients: who can decrypt it, in the order in which they were sent.
        content_type: the type of the content, dotted.
        algorithm: how the content is encrypted.
        pieces: the encrypted content, in the pieces in which it was sent; referred to, not copied.
        aad: the additional authenticated data: the authenticated attributes in DER, empty if there are none.
        tag: the authentication tag; empty if it is an EnvelopedData.
        limits: the limits that it was read with.
    """

    authenticated: bool
    recipients: tuple[RecipientInfo, ...]
    content_type: str
    algorithm: AlgorithmIdentifier
    pieces: tuple[memoryview, ...]
    aad: bytes = b""
    tag: bytes = b""
    limits: CMSLimits = LIMITS

    @property
    def encryption(self) -> ContentEncryption:
        """The cipher with its parameters.

        Raises:
            UnsupportedError: it is not known, or not allowed here: an AuthEnvelopedData takes ciphers with
                authentication only and an EnvelopedData those without, so that none passes as the other.
            CMSError: the parameters are malformed, or do not go with the content.
        """
        encryption = ContentEncryption.read(self.algorithm)
        if encryption.cipher.authenticated != self.authenticated:
            kind = oids.CONTENT_TYPES[oids.AUTH_ENVELOPED_DATA if self.authenticated else oids.ENVELOPED_DATA]
            raise UnsupportedError(f"{encryption.cipher.name} is no cipher for {kind}")
        encryption.check(self.pieces, self.tag)
        return encryption


def parse_enveloped_data(octets: Buffer | ContentInfo, limits: CMSLimits = LIMITS) -> EnvelopedData:
    """Reads an EnvelopedData or AuthEnvelopedData, in BER or DER.

    Args:
        octets: a ContentInfo that holds it, read or not; any buffer, a mapped file too.
        limits: the limits to keep.

    Raises:
        CMSError: the octets are none, or hold something else.
        UnsupportedError: the encrypted content is not in it.
        LimitError: they go over a limit.
    """
    info = octets if isinstance(octets, ContentInfo) else parse_content_info(memoryview(octets), limits)
    if info.content_type not in {oids.ENVELOPED_DATA, oids.AUTH_ENVELOPED_DATA}:
        raise CMSError(f"the structure is {info.type_name} and not enveloped-data")
    authenticated = info.content_type == oids.AUTH_ENVELOPED_DATA
    what = f"the {info.type_name}"
    members = Members(info.content.expect(SEQUENCE, what), what)
    members.next("its version").integer(f"the version of {what}")
    members.optional(context(0))  # the originator's certificates: nothing in them is vouched for
    recipients = read_recipients(members.next("its recipients").expect(SET, "the set of recipients"), limits)
    content_type, algorithm, pieces = _content(members.next("its content"))
    aad, tag = b"", b""
    if authenticated:
        attributes = members.optional(context(1))
        if attributes is not None:
            aad = encode.normalize(attributes, SET)
        _check_attributes(attributes, content_type, limits)
        mac = members.next("its authentication tag")
        tag = mac.expect(OCTET_STRING, "the authentication tag", constructed=mac.constructed).octets()
        members.optional(context(2))
    else:
        members.optional(context(1))
    members.end()
    return EnvelopedData(authenticated, recipients, content_type, algorithm, pieces, aad, tag, limits)


def _content(element: Element) -> tuple[str, AlgorithmIdentifier, tuple[memoryview, ...]]:
    """Reads an EncryptedContentInfo (RFC 5652 section 6.1)."""
    members = Members(element.expect(SEQUENCE, "the encrypted content"), "the encrypted content")
    content_type = members.next("its type").oid("the type of the content")
    algorithm = AlgorithmIdentifier.of(members.next("its algorithm"))
    content = members.optional(context(0), constructed=None)
    members.end()
    if content is None:
        raise UnsupportedError("the encrypted content is not in the structure")
    return content_type, algorithm, tuple(content.segments())


def _check_attributes(element: Element | None, content_type: str, limits: CMSLimits) -> None:
    """Checks what RFC 5083 section 2.1 wants of the authenticated attributes.

    Raises:
        CMSError: they are not so.
    """
    stated = []
    if element is not None:
        for member in limited(element, limits.attributes, "attributes"):
            pair = Members(member.expect(SEQUENCE, "an attribute"), "an attribute")
            oid = pair.next("a type").oid("the type of an attribute")
            values = tuple(
                limited(pair.next("values").expect(SET, "the values of an attribute"), limits.attributes, "values")
            )
            pair.end()
            if oid == oids.CONTENT_TYPE:
                stated.append(values[0].oid("the authenticated content type") if len(values) == 1 else "")
    if stated not in ([content_type], [] if content_type == oids.DATA else [content_type]):
        raise CMSError("the authenticated attributes do not state the type of the content")


__all__ = ["EnvelopedData", "parse_enveloped_data"]
