"""Trust anchors."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mailsec.crypto.certificates import Certificate

__all__ = ["StaticTrust"]


class StaticTrust:
    """Trust anchors that do not change (implements `mailsec.hooks.TrustStore`).

    Args:
        anchors: the certificates to trust: of roots, of intermediate authorities, or of a single correspondent.
            One that comes twice counts once.
    """

    __slots__ = ("_anchors",)

    def __init__(self, anchors: Iterable[Certificate] = ()) -> None:
        self._anchors = tuple(dict.fromkeys(anchors))

    def anchors(self) -> Sequence[Certificate]:
        """All trust anchors in force."""
        return self._anchors

    def __repr__(self) -> str:
        return f"<StaticTrust with {len(self._anchors)} anchors>"
