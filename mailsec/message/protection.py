"""Header protection (RFC 9788): where the header fields stand that are protected together with a body.

The Cryptographic Payload is what lies inside the innermost layer of signing, encryption or compression that is wrapped
around a message. Whether a part is one, only who opens these layers knows; what it says of itself is read here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from mailsec.message.addresses import Mailbox
from mailsec.message.domains import matching_address

if TYPE_CHECKING:
    from mailsec.message.header import HeaderField, HeaderSection
    from mailsec.message.part import Part

__all__ = ["Payload", "find_payload", "is_structural", "same_authors"]

_LAYERS: Final = frozenset(
    {"multipart/signed", "multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"}
)
_MOST: Final = 100
"""How many addresses of a From field are compared."""


@dataclass(frozen=True, slots=True)
class Payload:
    """A Cryptographic Payload whose header fields are those of the message.

    Attributes:
        root: the part whose header section they stand in, and that is shown.
        scheme: `"rfc9788"`, or `"rfc8551"` for a message that was wrapped whole (RFC 9788 section 4.10).
        intent: what the composer says to have done (RFC 9788 section 2.1.1): `"clear"` is signed, `"cipher"` encrypted
            too. `None` for the older scheme, which does not say.
    """

    root: Part
    scheme: Literal["rfc9788", "rfc8551"]
    intent: Literal["clear", "cipher"] | None

    @property
    def header(self) -> HeaderSection:
        """The protected header section."""
        return self.root.header


def find_payload(root: Part, outer: HeaderSection) -> Payload | None:
    """The protected header section of what is the payload; `None` where its header fields are not the message's.

    Args:
        root: what lies inside the innermost layer.
        outer: the header section of the message in transit.
    """
    if is_layer(root):
        return None
    intent = _parameter(root, "hp")
    if intent == "clear":
        return Payload(root, "rfc9788", "clear")
    if intent == "cipher":
        return Payload(root, "rfc9788", "cipher")
    return None if intent else _wrapped(root, outer)


def is_layer(part: Part) -> bool:
    """Whether a part is a cryptographic layer itself, as far as its type says, and so no payload."""
    if part.content_type in _LAYERS:
        return True
    return part.content_type == "application/octet-stream" and (part.filename or "").lower().endswith((".p7m", ".p7z"))


def _wrapped(part: Part, outer: HeaderSection) -> Payload | None:
    """A message that was wrapped whole as RFC 8551 section 3.1 had it (RFC 9788 section 4.10.1).

    It looks the same as a forwarded message. Where nothing says which of both it is, the author decides.
    """
    if not part.is_message or (message := part.message) is None:
        return None
    if is_layer(message.root) or _parameter(message.root, "hp"):
        return None
    forwarded = _parameter(part, "forwarded")
    if forwarded == "no" or (not forwarded and same_authors(message.header, outer)):
        return Payload(message.root, "rfc8551", None)
    return None


def _parameter(part: Part, name: str) -> str:
    return part.media.params.get(name, "").strip().lower()


def same_authors(one: HeaderSection, other: HeaderSection) -> bool:
    """Whether the From fields of two header sections match (RFC 9788 section 4.4.5).

    Display names do not count. What is no single From field with plain addresses matches nothing.

    Args:
        one: a header section.
        other: another.
    """
    first, second = _authors(one), _authors(other)
    return (
        bool(first)
        and len(first) == len(second)
        and all(any(matching_address(address, another) for another in second) for address in first)
        and all(any(matching_address(address, another) for another in first) for address in second)
    )


def _authors(header: HeaderSection) -> list[str]:
    addresses = header.addresses("from")
    if len(header.all("from")) != 1 or len(addresses) > _MOST:
        return []
    found = [one.address for one in addresses if isinstance(one, Mailbox) and one.valid]
    return found if len(found) == len(addresses) else []


def is_structural(field: HeaderField) -> bool:
    """Whether a field says how a part is to be read (RFC 9787 section 1.1.1): such fields stay where they are.

    Args:
        field: a header field.
    """
    return field.key.startswith("content-") or field.key == "mime-version"
