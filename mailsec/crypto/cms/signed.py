"""What a SignedData holds (RFC 5652 sections 3, 5 and 10, with the signed attributes of section 11).

Reading a structure checks its form only. Whether a signature in it is right is the work of
`mailsec.crypto.cms.verify`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias

from mailsec.crypto.cms import encode, oids
from mailsec.crypto.cms.limits import LIMITS, CMSLimits
from mailsec.crypto.cms.members import Members, limited
from mailsec.crypto.cms.tlv import OCTET_STRING, SEQUENCE, SET, Element, context, read
from mailsec.crypto.der import DERError
from mailsec.crypto.names import attributes
from mailsec.errors import CertificateError, CMSError, LimitError

if TYPE_CHECKING:
    from datetime import datetime

    from mailsec.crypto import Certificate

CertificateKind: TypeAlias = Literal["certificate", "extended", "attribute-v1", "attribute-v2", "other"]
_KINDS: dict[int, CertificateKind] = {
    SEQUENCE: "certificate",
    context(0): "extended",
    context(1): "attribute-v1",
    context(2): "attribute-v2",
    context(3): "other",
}


@dataclass(frozen=True, slots=True)
class AlgorithmIdentifier:
    """An algorithm and its parameters (RFC 5280 section 4.1.1.2).

    Attributes:
        oid: the algorithm, dotted.
        parameters: its parameters in DER; empty where they are absent.
    """

    oid: str
    parameters: bytes

    @classmethod
    def of(cls, element: Element, tag: int = SEQUENCE) -> AlgorithmIdentifier:
        """Reads one.

        Args:
            element: the SEQUENCE of the two.
            tag: the tag that it has instead where it is IMPLICIT.

        Raises:
            CMSError: it is malformed.
        """
        members = tuple(element.expect(tag, "an algorithm identifier", constructed=True).children())
        if not 1 <= len(members) <= 2:
            raise CMSError("an algorithm identifier is malformed")
        return cls(members[0].oid("an algorithm"), encode.normalize(members[1]) if len(members) == 2 else b"")

    @property
    def plain(self) -> bool:
        """Whether the parameters say nothing: they are absent or NULL."""
        return self.parameters in (b"", encode.NULL)

    @property
    def der(self) -> bytes:
        """The identifier in DER."""
        return encode.sequence(encode.oid(self.oid), self.parameters)


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a signer (RFC 5652 section 5.3).

    Attributes:
        oid: its type, dotted.
        values: its values.
    """

    oid: str
    values: tuple[Element, ...]

    @property
    def name(self) -> str:
        """Its type in words, such as `"signing time"`; dotted where it is not known."""
        return oids.ATTRIBUTES.get(self.oid, self.oid)


@dataclass(frozen=True, slots=True)
class IssuerAndSerialNumber:
    """A certificate by its issuer and serial number (RFC 5652 section 10.2.4).

    Attributes:
        issuer: the issuer's name in DER.
        serial: the serial number.
    """

    issuer: bytes
    serial: int


@dataclass(frozen=True, slots=True)
class SubjectKeyIdentifier:
    """A certificate by the key identifier in it (RFC 5652 section 5.3)."""

    octets: bytes


@dataclass(frozen=True, slots=True)
class CertificateChoice:
    """What stands among the certificates (RFC 5652 section 10.2.2).

    Attributes:
        kind: which of the choices it is.
        octets: the whole element as received.
    """

    kind: CertificateKind
    octets: memoryview


@dataclass(frozen=True)
class SignerInfo:
    """One signer (RFC 5652 section 5.3).

    Attributes:
        index: which one of the SignedData it is, counted from 0.
        version: the version as it was sent.
        sid: which certificate the signer claims.
        digest_algorithm: the digest of the content.
        signature_algorithm: the signature's algorithm.
        signature: the signature value.
        signed_attributes: the signed attributes; `None` where there are none and the content itself is signed.
        unsigned_attributes: the attributes that nobody signed. Nothing in them makes a result better.
        element: the whole structure as received; `None` only where a signer is made by hand.
    """

    index: int
    version: int
    sid: IssuerAndSerialNumber | SubjectKeyIdentifier
    digest_algorithm: AlgorithmIdentifier
    signature_algorithm: AlgorithmIdentifier
    signature: bytes
    signed_attributes: tuple[Attribute, ...] | None
    unsigned_attributes: tuple[Attribute, ...]
    _signed: Element | None = field(repr=False, compare=False, default=None)
    element: Element | None = field(repr=False, compare=False, default=None)

    def attribute(self, oid: str) -> Element | None:
        """The one value of a signed attribute, or `None` where the attribute is absent.

        Raises:
            CMSError: the attribute occurs more than once, or has not exactly one value (RFC 5652 section 11).
        """
        found = [attribute for attribute in self.signed_attributes or () if attribute.oid == oid]
        if not found:
            return None
        if len(found) > 1:
            raise CMSError("a signed attribute occurs twice")
        if len(found[0].values) != 1:
            raise CMSError("a signed attribute has not exactly one value")
        return found[0].values[0]

    @property
    def signing_time(self) -> datetime | None:
        """When the signer claims to have signed (RFC 5652 section 11.3); `None` if it is absent or malformed."""
        try:
            value = self.attribute(oids.SIGNING_TIME)
            return None if value is None else value.time("the signing time")
        except CMSError:
            return None

    @property
    def message_digest(self) -> bytes | None:
        """The digest that the signed attributes state for the content (RFC 5652 section 11.2).

        Raises:
            CMSError: the attribute is malformed.
        """
        value = self.attribute(oids.MESSAGE_DIGEST)
        if value is None:
            return None
        return value.expect(OCTET_STRING, "the message digest", constructed=value.constructed).octets()

    @property
    def capabilities(self) -> tuple[AlgorithmIdentifier, ...]:
        """What the signer announces to understand (RFC 8551 section 2.5.2); empty if absent or malformed."""
        try:
            value = self.attribute(oids.SMIME_CAPABILITIES)
            if value is None:
                return ()
            members = value.expect(SEQUENCE, "the capabilities").children()
            return tuple(AlgorithmIdentifier.of(member) for member in members)
        except CMSError:
            return ()

    @property
    def encryption_key_preference(self) -> IssuerAndSerialNumber | SubjectKeyIdentifier | None:
        """Which certificate of the signer is to be encrypted to (RFC 8551 section 2.5.3).

        `None` where it is absent, malformed, or names the certificate in the way that only archives know.
        """
        try:
            value = self.attribute(oids.ENCRYPTION_KEY_PREFERENCE)
            if value is None:
                return None
            if value.tag == context(0):
                return _issuer_and_serial(value, context(0))
            return SubjectKeyIdentifier(value.octets()) if value.tag == context(2) else None
        except CMSError:
            return None

    def countersigners(self, limits: CMSLimits = LIMITS) -> tuple[SignerInfo, ...]:
        """Those who signed this signer's signature (RFC 5652 section 11.4), in the order in which they were sent.

        They stand among the unsigned attributes, so anybody may have added or removed one.

        Args:
            limits: the limits to keep.

        Raises:
            CMSError: one is malformed.
            LimitError: there are too many.
        """
        values = [
            value
            for attribute in self.unsigned_attributes
            if attribute.oid == oids.COUNTERSIGNATURE
            for value in attribute.values
        ]
        if len(values) > limits.countersigners:
            raise LimitError(f"there are more than {limits.countersigners} countersignatures")
        return tuple(_signer(index, value, limits) for index, value in enumerate(values))

    def signed_octets(self) -> tuple[bytes, ...]:
        """What the signature can have been made over when there are signed attributes (RFC 5652 section 5.4).

        The first is what the standard wants: the attributes as a SET OF in DER, whatever their form in transit.
        Some senders sign the attributes in the order in which they send them, which is not DER's; that is the
        second, where it differs. Both hold the same attributes, so neither vouches for anything more.
        """
        if self._signed is None:
            return ()
        sent = [encode.normalize(attribute) for attribute in self._signed.children()]
        proper = sorted(sent)
        forms = (proper,) if proper == sent else (proper, sent)
        return tuple(encode.constructed(SET, *attributes) for attributes in forms)


@dataclass(frozen=True)
class SignedData:
    """A SignedData (RFC 5652 section 5.1).

    Attributes:
        version: the version as it was sent.
        digest_algorithms: the digests that it announces; only a hint.
        content_type: the type of the content, dotted.
        content: the content in the pieces in which it was sent; `None` where it is detached.
        certificate_choices: all that stands among the certificates.
        crls: the revocation information, each element as received.
        signers: the signers; none in a structure that only carries certificates.
    """

    version: int
    digest_algorithms: tuple[AlgorithmIdentifier, ...]
    content_type: str
    content: tuple[memoryview, ...] | None
    certificate_choices: tuple[CertificateChoice, ...]
    crls: tuple[memoryview, ...]
    signers: tuple[SignerInfo, ...]

    @property
    def content_type_name(self) -> str:
        """The type of the content in words, such as `"data"` or `"signed-receipt"`; dotted where it is not known."""
        return oids.CONTENT_TYPES.get(self.content_type, self.content_type)

    @property
    def certificates_only(self) -> bool:
        """Whether it signs nothing and only carries certificates and revocation lists (RFC 8551 section 3.8)."""
        return not self.signers and not any(map(len, self.content or ()))

    @cached_property
    def certificates(self) -> tuple[Certificate, ...]:
        """The X.509 certificates that can be read, in the order in which they were sent."""
        from mailsec.crypto import Certificate

        found: list[Certificate] = []
        for choice in self.certificate_choices:
            if choice.kind == "certificate":
                try:
                    found.append(Certificate.from_der(bytes(choice.octets)))
                except CertificateError:
                    continue  # a signer who needs it is told that it is not there
        return tuple(found)


@dataclass(frozen=True, slots=True)
class ContentInfo:
    """The outermost structure (RFC 5652 section 3).

    Attributes:
        content_type: what it holds, dotted.
        content: the element that it holds.
    """

    content_type: str
    content: Element

    @property
    def type_name(self) -> str:
        """What it holds, in the words of the standards, such as `"signed-data"`."""
        return oids.CONTENT_TYPES.get(self.content_type, self.content_type)


def parse_content_info(octets: bytes | bytearray | memoryview, limits: CMSLimits = LIMITS) -> ContentInfo:
    """Reads a ContentInfo, in BER or DER.

    Args:
        octets: the structure; it is referred to, not copied.
        limits: the limits to keep.

    Raises:
        CMSError: the octets are none.
        LimitError: they go over a limit.
    """
    outer = read(octets, limits)
    members = Members(outer.expect(SEQUENCE, "the content info"), "the content info")
    content_type = members.next("its content type").oid("the content type")
    wrapped = members.next("its content").expect(context(0), "the content", constructed=True)
    members.end()
    inner = Members(wrapped, "the content")
    content = inner.next("anything")
    inner.end()
    return ContentInfo(content_type, content)


def parse_signed_data(octets: bytes | bytearray | memoryview | ContentInfo, limits: CMSLimits = LIMITS) -> SignedData:
    """Reads a SignedData, in BER or DER.

    Args:
        octets: a ContentInfo that holds it, read or not.
        limits: the limits to keep.

    Raises:
        CMSError: the octets are none, or hold something else.
        LimitError: they go over a limit.
    """
    info = octets if isinstance(octets, ContentInfo) else parse_content_info(octets, limits)
    if info.content_type != oids.SIGNED_DATA:
        raise CMSError(f"the structure is {info.type_name} and not signed-data")
    members = Members(info.content.expect(SEQUENCE, "the signed-data"), "the signed-data")
    version = members.next("its version").integer("the version of the signed-data")
    digests = members.next("its digest algorithms").expect(SET, "the set of digest algorithms")
    digest_algorithms = tuple(map(AlgorithmIdentifier.of, limited(digests, limits.signers * 2, "digest algorithms")))
    content_type, content = _encapsulated(members.next("its content"))
    choices: tuple[CertificateChoice, ...] = ()
    crls: tuple[memoryview, ...] = ()
    if certificates := members.optional(context(0)):
        choices = tuple(map(_choice, limited(certificates, limits.certificates, "certificates")))
    if revocations := members.optional(context(1)):
        crls = tuple(crl.raw for crl in limited(revocations, limits.crls, "revocation lists"))
    signers = members.next("its signers").expect(SET, "the set of signers")
    members.end()
    return SignedData(
        version,
        digest_algorithms,
        content_type,
        content,
        choices,
        crls,
        tuple(_signer(i, signer, limits) for i, signer in enumerate(limited(signers, limits.signers, "signers"))),
    )


def _encapsulated(element: Element) -> tuple[str, tuple[memoryview, ...] | None]:
    """Reads an EncapsulatedContentInfo (RFC 5652 section 5.2)."""
    members = Members(element.expect(SEQUENCE, "the encapsulated content"), "the encapsulated content")
    content_type = members.next("its type").oid("the type of the content")
    wrapped = members.optional(context(0))
    members.end()
    if wrapped is None:
        return content_type, None
    inner = Members(wrapped, "the content")
    content = inner.next("anything")
    inner.end()
    if content.tag != OCTET_STRING:
        raise CMSError("the content is no octet string")
    return content_type, tuple(content.segments())


def _choice(element: Element) -> CertificateChoice:
    kind = _KINDS.get(element.tag)
    if kind is None or not element.constructed:
        raise CMSError("among the certificates stands something that is none")
    return CertificateChoice(kind, element.raw)


def _signer(index: int, element: Element, limits: CMSLimits) -> SignerInfo:
    """Reads a SignerInfo (RFC 5652 section 5.3)."""
    members = Members(element.expect(SEQUENCE, "a signer"), "a signer")
    version = members.next("a version").integer("the version of a signer")
    sid = _identifier(members.next("an identifier"))
    digest_algorithm = AlgorithmIdentifier.of(members.next("a digest algorithm"))
    signed = members.optional(context(0))
    signature_algorithm = AlgorithmIdentifier.of(members.next("a signature algorithm"))
    signature = members.next("a signature")
    signature.expect(OCTET_STRING, "a signature", constructed=signature.constructed)
    unsigned = members.optional(context(1))
    members.end()
    return SignerInfo(
        index,
        version,
        sid,
        digest_algorithm,
        signature_algorithm,
        signature.octets(),
        None if signed is None else _attributes(signed, limits),
        () if unsigned is None else _attributes(unsigned, limits),
        signed,
        element,
    )


def _identifier(element: Element) -> IssuerAndSerialNumber | SubjectKeyIdentifier:
    if element.tag == context(0):
        return SubjectKeyIdentifier(element.octets())
    return _issuer_and_serial(element)


def _issuer_and_serial(element: Element, tag: int = SEQUENCE) -> IssuerAndSerialNumber:
    what = "an issuer and serial number"
    members = Members(element.expect(tag, what, constructed=True), what)
    issuer = members.next("an issuer").expect(SEQUENCE, "an issuer's name")
    serial = members.next("a serial number").integer("a serial number")
    members.end()
    raw = bytes(issuer.raw)
    try:
        attributes(raw)
    except DERError:
        raw = encode.normalize(issuer)  # it may be BER, in which no certificate has it
    return IssuerAndSerialNumber(raw, serial)


def _attributes(element: Element, limits: CMSLimits) -> tuple[Attribute, ...]:
    found: list[Attribute] = []
    for member in limited(element, limits.attributes, "attributes"):
        pair = Members(member.expect(SEQUENCE, "an attribute"), "an attribute")
        oid = pair.next("a type").oid("the type of an attribute")
        values = pair.next("values").expect(SET, "the values of an attribute")
        pair.end()
        found.append(Attribute(oid, tuple(limited(values, limits.attributes, "values in an attribute"))))
    return tuple(found)
