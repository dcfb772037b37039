"""The paths of signers: to an authority that the user trusts, or no further than to the author's own certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsec.crypto import PathFailure, PathValidator, validate_path
from mailsec.message import Mailbox

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mailsec.crypto import Certificate, PathResult
    from mailsec.hooks import TrustStore
    from mailsec.message import HeaderSection


class SignerPaths:
    """Validates the paths of all signers of one structure.

    A certificate that the user trusts for the author's address alone needs no path. It is no anchor either: not for
    other signers, whose certificates its key may have signed, nor for a second author.

    Args:
        candidates: the certificates that came along.
        trust: whom the user trusts.
        header: the header section that names the author.
        at: the time to judge at, aware.

    Attributes:
        validator: validates the paths to authorities.
    """

    def __init__(
        self, candidates: Sequence[Certificate], trust: TrustStore, header: HeaderSection, at: datetime
    ) -> None:
        self.validator = PathValidator(candidates, tuple(trust.anchors()), at)
        self._trust = trust
        self._header = header
        self._at = at

    def validate(self, certificate: Certificate) -> PathResult:
        """Finds the path of one signer's certificate."""
        found = self.validator.validate(certificate)
        if found.failure is PathFailure.UNTRUSTED and certificate in self._by_themselves():
            return validate_path(certificate, (), (certificate,), self._at)
        return found

    def _by_themselves(self) -> Sequence[Certificate]:
        """The certificates that are trusted for the one author alone."""
        match self._header.addresses("from"):
            case [Mailbox() as author] if author.valid:
                return self._trust.trusted_for(author.address)
        return ()
