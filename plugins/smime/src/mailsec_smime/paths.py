"""Paths to an authority that the user trusts, or no further than to a certificate that is trusted for one address."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from mailsec.crypto import PathFailure, PathRules, PathValidator
from mailsec.message import Mailbox

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mailsec.crypto import Certificate, PathResult
    from mailsec.hooks import TrustStore
    from mailsec.message import HeaderSection


class TrustedPaths:
    """Validates the paths of certificates for one address.

    A certificate that the user trusts for this address alone needs no path. It is no anchor either: not for
    other signers, whose certificates its key may have signed, nor for a second author.

    Args:
        candidates: the certificates that came along, or are known.
        trust: whom the user trusts.
        address: whose certificates they are to be; `None` where no one address is meant.
        at: the time to judge at, aware.
        rules: what is asked of a path; by default what is asked of who signs mail.

    Attributes:
        validator: validates the paths to authorities.
        address: whose certificates they are to be.
    """

    def __init__(
        self,
        candidates: Sequence[Certificate],
        trust: TrustStore,
        address: str | None,
        at: datetime,
        rules: PathRules | None = None,
    ) -> None:
        self._rules = PathRules() if rules is None else rules
        self._anchors = tuple(trust.anchors())
        self.validator = PathValidator(candidates, self._anchors, at, rules=self._rules)
        self.address = address
        self._trust = trust
        self._at = at
        self._others: dict[PathRules, TrustedPaths] = {}

    def validate(self, certificate: Certificate) -> PathResult:
        """Finds the path of one certificate."""
        found = self.validator.validate(certificate)
        if found.failure is PathFailure.UNTRUSTED and certificate in self._by_themselves():
            return PathValidator((), (certificate,), self._at, rules=self._rules).validate(certificate)
        return found

    def for_rules(self, rules: PathRules) -> TrustedPaths:
        """The same for other rules, under limits of its own."""
        found = self._others.get(rules)
        if found is None:
            found = self._others[rules] = TrustedPaths(
                self.validator.candidates, self._trust, self.address, self._at, rules
            )
        return found

    @cached_property
    def of_countersigners(self) -> PathValidator:
        """Validates the paths of countersigners, under limits of its own: anybody can add some, and may spoil nothing.

        What is trusted for the address alone is not trusted for them.
        """
        return PathValidator(self.validator.candidates, self._anchors, self._at, rules=self._rules)

    def _by_themselves(self) -> Sequence[Certificate]:
        return () if self.address is None else self._trust.trusted_for(self.address)


def only_author(header: HeaderSection) -> str | None:
    """The address of the author; `None` where there is not just one."""
    match header.addresses("from"):
        case [Mailbox() as author] if author.valid:
            return author.address
    return None
