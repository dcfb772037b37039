"""Signed receipts and the requests for them, as far as it takes to recognise and to name them (RFC 2634 section 2)."""

from __future__ import annotations

from dataclasses import dataclass

from mailsec.crypto.cms import oids
from mailsec.crypto.cms.limits import LIMITS, CMSLimits
from mailsec.crypto.cms.members import Members, limited
from mailsec.crypto.cms.signed import SignedData, SignerInfo
from mailsec.crypto.cms.tlv import INTEGER, OCTET_STRING, SEQUENCE, Element, context, read
from mailsec.errors import CMSError

_EMAIL = context(1)  # rfc822Name among the GeneralNames
_FROM = {0: "all", 1: "first-tier"}


@dataclass(frozen=True, slots=True)
class ReceiptRequest:
    """What a signer asks for (RFC 2634 section 2.7).

    Attributes:
        identifier: the identifier that the signer gave the content.
        receipts_from: the addresses of those who are asked; `None` where it is no list.
        tier: `"all"` or `"first-tier"` where no addresses are named; else empty.
        receipts_to: the addresses that receipts are wanted at.
    """

    identifier: bytes
    receipts_from: tuple[str, ...] | None
    tier: str
    receipts_to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a signed receipt says (RFC 2634 section 2.8).

    Attributes:
        content_type: the type of the content that was received, dotted.
        identifier: the identifier that its signer gave it.
        signature: the signature value of its signer. It, and nothing else, says which message was received.
    """

    content_type: str
    identifier: bytes
    signature: bytes

    def is_for(self, signer: SignerInfo) -> bool:
        """Whether the message was received that this signer signed.

        The signer's own message must still be at hand and its signature have been right: this only compares.
        """
        try:
            request = receipt_request(signer)
        except CMSError:
            return False
        return request is not None and request.identifier == self.identifier and signer.signature == self.signature


def receipt_request(signer: SignerInfo, limits: CMSLimits = LIMITS) -> ReceiptRequest | None:
    """The receipt that a signer asks for; `None` where none.

    Args:
        signer: the signer.
        limits: the limits to keep; `attributes` is how many addresses are read.

    Raises:
        CMSError: the request is there twice or malformed.
        LimitError: it goes over a limit.
    """
    value = signer.attribute(oids.RECEIPT_REQUEST)
    if value is None:
        return None
    what = "the receipt request"
    members = Members(value.expect(SEQUENCE, what), what)
    identifier = _string(members.next("an identifier"), what)
    asked = members.next("who is asked")
    to = members.next("where receipts go").expect(SEQUENCE, what)
    members.end()
    addresses: tuple[str, ...] | None = None
    tier = ""
    if asked.tag == context(0):
        code = int.from_bytes(asked.contents) if asked.body != asked.end and not asked.constructed else -1
        if code not in _FROM:
            raise CMSError(f"{what} is malformed")
        tier = _FROM[code]
    elif asked.tag == context(1) and asked.constructed:
        addresses = _addresses(asked, limits)
    else:
        raise CMSError(f"{what} is malformed")
    return ReceiptRequest(identifier, addresses, tier, _addresses(to, limits))


def parse_receipt(signed: SignedData) -> Receipt:
    """Reads the receipt that a SignedData holds.

    Args:
        signed: a SignedData whose content type is `oids.RECEIPT`.

    Raises:
        CMSError: it holds none.
    """
    if signed.content_type != oids.RECEIPT or signed.content is None:
        raise CMSError(f"the content is {signed.content_type_name} and no signed-receipt")
    what = "the receipt"
    members = Members(read(b"".join(signed.content)).expect(SEQUENCE, what), what)
    if members.next("a version").expect(INTEGER, what).integer() != 1:
        raise CMSError("the receipt is of an unknown version")
    content_type = members.next("a content type").oid("the type of the content that was received")
    identifier = _string(members.next("an identifier"), what)
    signature = _string(members.next("a signature"), what)
    members.end()
    return Receipt(content_type, identifier, signature)


def _string(element: Element, what: str) -> bytes:
    return element.expect(OCTET_STRING, what, constructed=element.constructed).octets()


def _addresses(element: Element, limits: CMSLimits) -> tuple[str, ...]:
    """The e-mail addresses in a SEQUENCE OF GeneralNames; other names are passed over."""
    return tuple(
        bytes(name.contents).decode("ascii", "replace")
        for names in limited(element, limits.attributes, "names in a receipt request")
        for name in limited(names.expect(SEQUENCE, "names"), limits.attributes, "names in a receipt request")
        if name.tag == _EMAIL and not name.constructed
    )


__all__ = ["Receipt", "ReceiptRequest", "parse_receipt", "receipt_request"]
