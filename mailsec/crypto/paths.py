"""Certification paths for e-mail: building them, and validating them by RFC 5280 section 6.1 and RFC 8550 section 4.

Revocation and certificate policies are not judged here. A path that needs an explicit policy is not accepted.
Why this is not left to `cryptography.x509.verification` is told in docs/decisions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from mailsec.crypto import constraints, der
from mailsec.crypto import extensions as ext
from mailsec.crypto.algorithms import Status, assess_key, assess_signature
from mailsec.crypto.limits import LIMITS, PathLimits
from mailsec.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from mailsec.crypto.certificates import Certificate
    from mailsec.crypto.names import CanonicalName

__all__ = ["PathFailure", "PathResult", "PathValidator", "validate_path"]

_POLICY_CONSTRAINTS: Final = "2.5.29.36"
_PROCESSED: Final = frozenset(
    {
        ext.SUBJECT_KEY_IDENTIFIER,
        ext.KEY_USAGE,
        ext.SUBJECT_ALT_NAME,
        ext.BASIC_CONSTRAINTS,
        ext.NAME_CONSTRAINTS,
        ext.AUTHORITY_KEY_IDENTIFIER,
        ext.EXTENDED_KEY_USAGE,
        "2.5.29.18",  # issuer alternative names say nothing that is used
        "2.5.29.31",  # where CRLs are: read when revocation is judged
        # Any policy will do, and without a demand for an explicit one these refuse nothing (section 6.1.5 (g)).
        "2.5.29.32",  # certificate policies
        "2.5.29.33",  # policy mappings
        "2.5.29.54",  # inhibit anyPolicy
        _POLICY_CONSTRAINTS,
    }
)
_MAIL_PURPOSES: Final = frozenset({"emailProtection", "anyExtendedKeyUsage"})


class PathFailure(StrEnum):
    """Why a path is not valid; the first that applies is reported."""

    MALFORMED = "malformed"  # a certificate breaks RFC 5280, or has a critical extension that is not known
    UNTRUSTED = "untrusted"  # no path to an anchor, or one that leads through somebody who may not certify that
    WEAK = "weak"  # an algorithm or key size that the algorithm policy refuses
    PURPOSE = "purpose"  # a certificate that is not for signing mail
    NOT_VALID = "not-valid"  # a certificate outside its period


_OVER_LIMIT: Final = "not all paths were tried, since there are more than the limits allow"
_ORDER: Final = {failure: place for place, failure in enumerate(PathFailure)}


@dataclass(frozen=True, slots=True)
class PathResult:
    """What became of a path.

    Attributes:
        path: the certificates, the leaf first, as far as the path could be built.
        anchored: whether the last one is a trust anchor.
        failure: why the path is not valid; `None` if it is.
        sentence: the same for people; names in it are foreign text.
    """

    path: tuple[Certificate, ...]
    anchored: bool
    failure: PathFailure | None
    sentence: str


def validate_path(
    leaf: Certificate, candidates: Sequence[Certificate], anchors: Sequence[Certificate], at: datetime
) -> PathResult:
    """Finds a path from a signer's certificate to a trust anchor that is valid for mail.

    All paths are tried, within limits, until one is valid. An anchor need not be a root, and may be the
    leaf itself.

    Args:
        leaf: the signer's certificate.
        candidates: other certificates that came along, in any order, needed or not.
        anchors: the trust anchors.
        at: the time to judge at, aware.

    Returns:
        The first valid path, or else the one that came nearest, with its failure.

    Raises:
        UsageError: the time has no time zone.
    """
    return PathValidator(candidates, anchors, at).validate(leaf)


class PathValidator:
    """Validates the paths of all signers of one structure, whose certificates came along together.

    What was found out for one is known for the next, and the limits hold for all of them together, so that many
    signers cost no more than one does.

    Args:
        candidates: the certificates that came along, in any order, needed or not.
        anchors: the trust anchors.
        at: the time to judge at, aware.
        limits: how much work it may be.

    Raises:
        UsageError: the time has no time zone.
    """

    def __init__(
        self,
        candidates: Sequence[Certificate],
        anchors: Sequence[Certificate],
        at: datetime,
        limits: PathLimits = LIMITS,
    ) -> None:
        if at.tzinfo is None:
            raise UsageError("the time to judge a certificate at must have a time zone")
        self._at = at.replace(microsecond=0)  # a certificate is valid for the whole of its last second
        self._builder = _Builder(candidates, anchors, self._at, limits)
        self._limits = limits
        self._found: dict[Certificate, PathResult] = {}

    def validate(self, leaf: Certificate) -> PathResult:
        """Finds a path from a signer's certificate, as `validate_path` does.

        Args:
            leaf: the signer's certificate.
        """
        found = self._found.get(leaf)
        if found is None:
            found = self._found[leaf] = self._validate(leaf)
        return found

    def _validate(self, leaf: Certificate) -> PathResult:
        builder = self._builder
        nearest: PathResult | None = None
        for path in builder.paths(leaf):
            troubles = sorted(_judge(path, self._at, self._limits), key=lambda trouble: _ORDER[trouble[0]])
            if not troubles:
                return PathResult(path, anchored=True, failure=None, sentence=_success(path))
            if nearest is None or nearest.failure is None or _ORDER[troubles[0][0]] > _ORDER[nearest.failure]:
                sentence = "; ".join(dict.fromkeys(sentence for _, sentence in troubles))
                nearest = PathResult(path, anchored=True, failure=troubles[0][0], sentence=sentence)
        if nearest is None:
            return PathResult(builder.longest, anchored=False, failure=PathFailure.UNTRUSTED, sentence=builder.why())
        if builder.over_limit:
            return replace(nearest, sentence=f"{nearest.sentence}; {_OVER_LIMIT}")
        return nearest


def _success(path: tuple[Certificate, ...]) -> str:
    if len(path) == 1:
        return f"the certificate {_name(path[0])} is itself trusted"
    return f"the path leads from {_name(path[0])} to the trusted {_name(path[-1])}"


def _name(certificate: Certificate) -> str:
    return certificate.subject or (certificate.emails[0] if certificate.emails else f"serial {certificate.serial}")


class _Builder:
    """Builds paths by names, nearest issuers first, and lets only right signatures through."""

    def __init__(
        self, candidates: Sequence[Certificate], anchors: Sequence[Certificate], at: datetime, limits: PathLimits
    ) -> None:
        self.longest: tuple[Certificate, ...] = ()
        self.over_limit = False
        self._at = at
        self._limits = limits
        self._paths_left = limits.paths
        self._anchors = frozenset(anchors)
        self._by_subject: dict[CanonicalName, list[Certificate]] = {}
        for certificate in dict.fromkeys((*anchors, *candidates)):
            self._by_subject.setdefault(certificate.subject_key, []).append(certificate)
        self._checked: dict[tuple[Certificate, Certificate], bool] = {}
        self._wrong: list[str] = []

    def paths(self, leaf: Certificate) -> Iterator[tuple[Certificate, ...]]:
        """All paths that end at an anchor, the leaf first, in the order of likelihood."""
        self.longest, self.over_limit, self._wrong = (), False, []
        waiting: list[tuple[Certificate, ...]] = [(leaf,)]
        while waiting:
            path = waiting.pop()
            if not self._paths_left:
                self.over_limit = True
                self.longest = self.longest or path
                return
            self._paths_left -= 1
            if len(path) > len(self.longest):
                self.longest = path
            if path[-1] in self._anchors:
                yield path
                # A cross-certified anchor may still have a path to another one; a self-issued one goes nowhere.
                if path[-1].is_self_issued:
                    continue
            if len(path) == self._limits.depth:
                self.over_limit = True
                continue
            issuers = [issuer for issuer in self._issuers(path) if self._is_signed(path[-1], issuer)]
            waiting.extend((*path, issuer) for issuer in reversed(issuers))

    def _issuers(self, path: tuple[Certificate, ...]) -> list[Certificate]:
        """Who may have issued the last certificate, by name; the most likely first."""
        child = path[-1]
        wanted = child.authority_key_identifier

        def unlikeliness(issuer: Certificate) -> tuple[bool, bool, bool]:
            differs = wanted is not None and issuer.key_identifier is not None and wanted != issuer.key_identifier
            return (
                issuer not in self._anchors,
                differs,
                not issuer.not_before <= self._at <= issuer.not_after,
            )

        # The same subject and key twice in a path leads in circles (RFC 4158 section 2.4.2).
        used = {(certificate.subject_key, certificate.public_key) for certificate in path}
        found = self._by_subject.get(child.issuer_key, ())
        return sorted(
            (issuer for issuer in found if (issuer.subject_key, issuer.public_key) not in used), key=unlikeliness
        )

    def _is_signed(self, child: Certificate, issuer: Certificate) -> bool:
        right = self._checked.get((child, issuer))
        key = issuer.public_key
        if right is None:
            if len(self._checked) == self._limits.signatures:
                self.over_limit = True
                return False
            right = key.bits <= self._limits.key_bits and child.is_signed_by(key)
            self._checked[child, issuer] = right
        if not right:
            if child.signature_scheme is None:
                why = f"the certificate {_name(child)} is signed by an algorithm that is not known"
            elif key.trouble:
                why = f"the key of {_name(issuer)} cannot be used: {key.trouble}"
            elif key.bits > self._limits.key_bits:
                why = f"the key of {_name(issuer)} is too long to be used: {key.bits} bits"
            else:
                why = f"the signature on the certificate {_name(child)} is not one by {_name(issuer)}"
            self._wrong.append(why)
        return right

    def why(self) -> str:
        """Why there is no path to an anchor."""
        if self.over_limit:
            return f"no path to a trusted certificate was found, and {_OVER_LIMIT}"
        if self._wrong:
            return "; ".join([*dict.fromkeys(self._wrong)][:4])
        last = self.longest[-1]
        if last.is_self_issued:
            return f"the path ends at {_name(last)}, which is not trusted"
        if last.issuer_key in self._by_subject:
            return "its issuers have only certified each other, and none of them is trusted"
        return f"the issuer {last.issuer or 'without a name'} is not known"


def _judge(path: tuple[Certificate, ...], at: datetime, limits: PathLimits) -> Iterator[tuple[PathFailure, str]]:
    """What is wrong with a path whose names and signatures are right (RFC 5280 section 6.1.3 to 6.1.5)."""
    for place, certificate in enumerate(path):
        name = _name(certificate)
        for defect in certificate.defects:
            yield PathFailure.MALFORMED, f"the certificate {name} is malformed: {defect}"
        for extension in certificate.extensions:
            if extension.critical and extension.oid not in _PROCESSED:
                yield PathFailure.MALFORMED, f"{name} has the critical extension {extension.oid}, which is not known"
        if _wants_explicit_policy(certificate):
            yield PathFailure.UNTRUSTED, f"{name} asks for an explicit certificate policy, which is not judged"
        if at < certificate.not_before:
            yield PathFailure.NOT_VALID, f"the certificate {name} is not valid before {certificate.not_before:%Y-%m-%d}"
        elif at > certificate.not_after:
            yield PathFailure.NOT_VALID, f"the certificate {name} expired on {certificate.not_after:%Y-%m-%d}"
        if place:
            yield from _judge_issuer(path, place, limits)
    yield from _judge_leaf(path[0])
    for certificate, issuer in pairwise(path):
        scheme = certificate.signature_scheme
        if scheme is not None:
            judged = assess_signature(scheme, issuer.public_key, use="certificate")
            if judged.status is Status.REFUSED:
                yield PathFailure.WEAK, f"the signature on {_name(certificate)} is too weak: {judged.sentence}"


def _judge_leaf(leaf: Certificate) -> Iterator[tuple[PathFailure, str]]:
    """What RFC 8550 section 4.4 asks of the certificate of who signs mail."""
    name = _name(leaf)
    judged = assess_key(leaf.public_key, use="smime")
    if judged.status is Status.REFUSED:
        yield PathFailure.WEAK, f"the key of {name} is too weak: {judged.sentence}"
    usage = leaf.key_usage
    if usage is not None and not usage & {"digitalSignature", "nonRepudiation"}:
        yield PathFailure.PURPOSE, f"the key of {name} is not for signing"
    if not _for_mail(leaf):
        yield PathFailure.PURPOSE, f"the certificate {name} is not for mail"


def _judge_issuer(path: tuple[Certificate, ...], place: int, limits: PathLimits) -> Iterator[tuple[PathFailure, str]]:
    """What an authority in a path must be, and what it may certify (RFC 5280 section 6.1.4)."""
    issuer, below = path[place], path[:place]
    name = _name(issuer)
    basic = issuer.basic_constraints
    if basic is None and place == len(path) - 1 and issuer.extension(ext.BASIC_CONSTRAINTS) is None:
        pass  # whoever trusts an old root without extensions has decided (section 6.1.1 (d))
    elif basic is None or not basic.is_ca:
        yield PathFailure.UNTRUSTED, f"{name} is not an authority and may not issue certificates"
    elif basic.path_length is not None:
        # Self-issued intermediates do not count (section 6.1.4 (l)); the leaf never does.
        depth = sum(not certificate.is_self_issued for certificate in below[1:])
        if depth > basic.path_length:
            yield PathFailure.UNTRUSTED, f"{name} may not have {depth} authorities below it"
    if issuer.key_usage is not None and "keyCertSign" not in issuer.key_usage:
        yield PathFailure.UNTRUSTED, f"the key of {name} is not for signing certificates"
    if not _for_mail(issuer):
        yield PathFailure.PURPOSE, f"the authority {name} is not for mail"
    bounds = issuer.name_constraints
    if bounds is not None:
        for position, certificate in enumerate(below):
            if position and certificate.is_self_issued:
                continue  # section 6.1.3 (b)
            wrong = constraints.violation(bounds, certificate, limits.comparisons)
            if wrong:
                yield PathFailure.UNTRUSTED, f"{name} may not certify {_name(certificate)}: {wrong}"


def _for_mail(certificate: Certificate) -> bool:
    """RFC 8550 section 4.4.4; an authority's purposes limit those below it, as everybody reads them."""
    purposes = certificate.extended_key_usage
    return purposes is None or not _MAIL_PURPOSES.isdisjoint(purposes)


def _wants_explicit_policy(certificate: Certificate) -> bool:
    """Whether policy constraints (RFC 5280 section 4.2.1.11) have requireExplicitPolicy, or cannot be read."""
    extension = certificate.extension(_POLICY_CONSTRAINTS)
    if extension is None:
        return False
    try:
        start, stop = der.expect(extension.value, 0, len(extension.value), der.SEQUENCE)
        return any(tag == 0x80 for tag, *_ in der.children(extension.value, start, stop))
    except der.DERError:
        return True
