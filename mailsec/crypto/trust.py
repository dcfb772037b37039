"""Trust anchors."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from mailsec.message import plain_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mailsec.crypto.certificates import Certificate

__all__ = ["StaticTrust"]


class StaticTrust:
    """Trust anchors that do not change (implements `mailsec.hooks.TrustStore`).

    Args:
        anchors: the certificates to trust, of roots or of intermediate authorities. One that comes twice counts once.
        single: certificates that vouch for themselves and one address alone, by that address.
    """

    __slots__ = ("_anchors", "_single")

    def __init__(
        self, anchors: Iterable[Certificate] = (), single: Mapping[str, Iterable[Certificate]] = MappingProxyType({})
    ) -> None:
        self._anchors = tuple(dict.fromkeys(anchors))
        self._single = {plain_address(address): tuple(dict.fromkeys(found)) for address, found in single.items()}

    def anchors(self) -> Sequence[Certificate]:
        """All trust anchors in force."""
        return self._anchors

    def trusted_for(self, address: str) -> Sequence[Certificate]:
        """The certificates that are trusted by themselves for one address."""
        return self._single.get(plain_address(address), ())

    def __repr__(self) -> str:
        return f"<StaticTrust with {len(self._anchors)} anchors>"
