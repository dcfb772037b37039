"""Certification paths for e-mail, found and judged by RFC 5280 section 6.1 and RFC 8550 section 4.

Paths are built in `mailsec.crypto.building` and judged in `mailsec.crypto.validating` and `mailsec.crypto.policies`.
Revocation, for which documents must be fetched, is judged in `mailsec.crypto.revocation`. Why this is not left to
`cryptography.x509.verification` is told in docs/decisions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from mailsec.crypto.building import OVER_LIMIT, PathBuilder, name_of, working_keys
from mailsec.crypto.limits import LIMITS, PathLimits
from mailsec.crypto.policies import judge_policies
from mailsec.crypto.validating import (
    ENCRYPTION_RULES,
    MAIL_RULES,
    PathFailure,
    PathRules,
    PathTrouble,
    judge_path,
)
from mailsec.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from mailsec.crypto.certificates import Certificate
    from mailsec.crypto.keys import PublicKey

__all__ = [
    "ENCRYPTION_RULES",
    "PathFailure",
    "PathResult",
    "PathRules",
    "PathTrouble",
    "PathValidator",
    "validate_path",
]

_ORDER: Final = {failure: place for place, failure in enumerate(PathFailure)}


@dataclass(frozen=True, slots=True)
class PathResult:
    """What became of a path.

    Attributes:
        path: the certificates, the leaf first, as far as the path could be built.
        anchored: whether the last one is a trust anchor.
        failure: why the path is not valid; `None` if it is.
        sentence: the same for people; names in it are foreign text.
        policies: the certificate policies that a valid path is good for, among those that were asked for
            (the user-constrained-policy-set of RFC 5280 section 6.1.6).
        troubles: all that is wrong with it, each at the certificate that it is wrong with; the worst first.
    """

    path: tuple[Certificate, ...]
    anchored: bool
    failure: PathFailure | None
    sentence: str
    policies: frozenset[str] = frozenset()
    troubles: tuple[PathTrouble, ...] = ()

    @property
    def key(self) -> PublicKey:
        """The key of the first certificate, with the parameters that it takes from those above it."""
        return working_keys(self.path)[0]


def validate_path(
    leaf: Certificate,
    candidates: Sequence[Certificate],
    anchors: Sequence[Certificate],
    at: datetime,
    rules: PathRules = MAIL_RULES,
) -> PathResult:
    """Finds a path from a signer's certificate to a trust anchor that is valid for mail.

    All paths are tried, within limits, until one is valid. An anchor need not be a root, and may be the
    leaf itself.

    Args:
        leaf: the signer's certificate.
        candidates: other certificates that came along, in any order, needed or not.
        anchors: the trust anchors.
        at: the time to judge at, aware.
        rules: what is asked of the path.

    Returns:
        The first valid path, or else the one that came nearest, with its failure.

    Raises:
        UsageError: the time has no time zone.
    """
    return PathValidator(candidates, anchors, at, rules=rules).validate(leaf)


class PathValidator:
    """Validates the paths of all signers of one structure, whose certificates came along together.

    What was found out for one is known for the next, and the limits hold for all of them together, so that many
    signers cost no more than one does.

    Args:
        candidates: the certificates that came along, in any order, needed or not.
        anchors: the trust anchors.
        at: the time to judge at, aware.
        limits: how much work it may be.
        rules: what is asked of the paths.

    Raises:
        UsageError: the time has no time zone.

    Attributes:
        at: the time that is judged at.
        rules: what is asked of the paths.
        candidates: the certificates that came along.
    """

    def __init__(
        self,
        candidates: Sequence[Certificate],
        anchors: Sequence[Certificate],
        at: datetime,
        limits: PathLimits = LIMITS,
        *,
        rules: PathRules = MAIL_RULES,
    ) -> None:
        if at.tzinfo is None:
            raise UsageError("the time to judge a certificate at must have a time zone")
        self.at = at.replace(microsecond=0)  # a certificate is valid for the whole of its last second
        self.rules = rules
        self.candidates = tuple(candidates)
        self._builder = PathBuilder(candidates, anchors, self.at, limits)
        self._limits = limits
        self._found: dict[Certificate, PathResult] = {}
        self._tried: dict[Certificate, list[PathResult]] = {}

    def validate(self, leaf: Certificate) -> PathResult:
        """Finds a path from a signer's certificate, as `validate_path` does.

        Args:
            leaf: the signer's certificate.
        """
        found = self._found.get(leaf)
        if found is None:
            found = self._found[leaf] = self._validate(leaf)
        return found

    def tried(self, leaf: Certificate) -> tuple[PathResult, ...]:
        """The paths to an anchor that were judged before one was valid, in that order, the valid one among them.

        Args:
            leaf: the signer's certificate.

        Returns:
            At most as many as the limits keep; none where no path ends at an anchor.
        """
        self.validate(leaf)
        return tuple(self._tried[leaf])

    def valid_paths(self, leaf: Certificate) -> Iterator[PathResult]:
        """All valid paths of a certificate, the likeliest first, for whoever finds one of them unusable.

        Args:
            leaf: the signer's certificate.
        """
        return (result for result in self._judged(leaf) if result.failure is None)

    def _validate(self, leaf: Certificate) -> PathResult:
        builder = self._builder
        nearest: PathResult | None = None
        tried = self._tried[leaf] = []
        for result in self._judged(leaf):
            if len(tried) < self._limits.told:
                tried.append(result)
            if result.failure is None:
                return result
            if nearest is None or nearest.failure is None or _ORDER[result.failure] > _ORDER[nearest.failure]:
                nearest = result
        if nearest is None:
            why = builder.why()
            trouble = PathTrouble(max(0, len(builder.longest) - 1), PathFailure.UNTRUSTED, why)
            return PathResult(builder.longest, False, PathFailure.UNTRUSTED, why, troubles=(trouble,))
        if builder.over_limit:
            return replace(nearest, sentence=f"{nearest.sentence}; {OVER_LIMIT}")
        return nearest

    def _judged(self, leaf: Certificate) -> Iterator[PathResult]:
        """All paths that end at an anchor, each with what is wrong with it."""
        for path in self._builder.paths(leaf):
            troubles = list(judge_path(path, self.at, self.rules, self._limits))
            policies, trouble = judge_policies(path, self.rules)
            if trouble:
                troubles.append(PathTrouble(0, PathFailure.UNTRUSTED, trouble))
            if not troubles:
                yield PathResult(path, anchored=True, failure=None, sentence=_success(path), policies=policies)
                continue
            troubles.sort(key=lambda trouble: _ORDER[trouble.failure])
            sentence = "; ".join(dict.fromkeys(trouble.sentence for trouble in troubles))
            yield PathResult(path, True, troubles[0].failure, sentence, troubles=tuple(dict.fromkeys(troubles)))


def _success(path: tuple[Certificate, ...]) -> str:
    if len(path) == 1:
        return f"the certificate {name_of(path[0])} is itself trusted"
    return f"the path leads from {name_of(path[0])} to the trusted {name_of(path[-1])}"
