"""Validating certification paths: the steps of RFC 5280 section 6.1 and RFC 8550 section 4."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from mailsec.crypto import constraints
from mailsec.crypto import extensions as ext
from mailsec.crypto.algorithms import AlgorithmPolicy, Status
from mailsec.crypto.building import name_of, working_keys

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from mailsec.crypto.certificates import Certificate
    from mailsec.crypto.keys import PublicKey
    from mailsec.crypto.limits import PathLimits

__all__ = ["ENCRYPTION_RULES", "MAIL_RULES", "PathFailure", "PathRules", "PathTrouble", "judge_path"]

_PROCESSED: Final = frozenset(
    {
        ext.SUBJECT_KEY_IDENTIFIER,
        ext.KEY_USAGE,
        ext.SUBJECT_ALT_NAME,
        ext.ISSUER_ALT_NAME,  # says nothing that is used
        ext.BASIC_CONSTRAINTS,
        ext.NAME_CONSTRAINTS,
        ext.CRL_DISTRIBUTION_POINTS,  # read when revocation is judged
        ext.CERTIFICATE_POLICIES,
        ext.POLICY_MAPPINGS,
        ext.AUTHORITY_KEY_IDENTIFIER,
        ext.POLICY_CONSTRAINTS,
        ext.EXTENDED_KEY_USAGE,
        ext.INHIBIT_ANY_POLICY,
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


class PathTrouble(NamedTuple):
    """One thing that is wrong with a path.

    Attributes:
        place: the certificate that it is wrong with, counted from the leaf.
        failure: what kind of wrong.
        sentence: the same for people; names in it are foreign text.
    """

    place: int
    failure: PathFailure
    sentence: str


@dataclass(frozen=True, slots=True)
class PathRules:
    """What a caller asks of a path: inputs of RFC 5280 section 6.1.1, and what the leaf is for.

    Attributes:
        policies: the user-initial-policy-set, dotted identifiers; anyPolicy where all will do.
        explicit_policy: initial-explicit-policy: whether the path must be good for one of them.
        inhibit_policy_mapping: initial-policy-mapping-inhibit: whether authorities may map no policies.
        inhibit_any_policy: initial-any-policy-inhibit: whether anyPolicy in certificates counts for nothing.
        purposes: each certificate that limits its purposes must allow one of these; empty where any will do.
        usages: a leaf that limits its key usage must allow one of these; empty where any will do.
        use: what the leaf's key is judged for.
        algorithms: which algorithms count.
    """

    policies: frozenset[str] = frozenset({ext.ANY_POLICY})
    explicit_policy: bool = False
    inhibit_policy_mapping: bool = False
    inhibit_any_policy: bool = False
    purposes: frozenset[str] = _MAIL_PURPOSES
    usages: frozenset[str] = frozenset({"digitalSignature", "nonRepudiation"})
    use: Literal["smime", "encryption"] = "smime"
    algorithms: AlgorithmPolicy = field(default_factory=AlgorithmPolicy)


MAIL_RULES: Final = PathRules()
"""The rules for whoever signs mail."""

ENCRYPTION_RULES: Final = PathRules(usages=frozenset({"keyEncipherment", "keyAgreement"}), use="encryption")
"""The rules for whom mail is encrypted to: a key that signs nothing will do (RFC 8550 section 4.4.2)."""


def judge_path(
    path: tuple[Certificate, ...], at: datetime, rules: PathRules, limits: PathLimits
) -> Iterator[PathTrouble]:
    """What is wrong with a path whose names and signatures are right (RFC 5280 section 6.1.3 to 6.1.5).

    Certificate policies, which say at once what the path is good for, are judged by `mailsec.crypto.policies`.

    Args:
        path: the certificates, the leaf first, the anchor last.
        at: the time to judge at.
        rules: what the caller asks of a path.
        limits: how much work it may be.
    """
    keys = working_keys(path)
    for place, certificate in enumerate(path):
        name = name_of(certificate)
        for defect in certificate.defects:
            yield PathTrouble(place, PathFailure.MALFORMED, f"the certificate {name} is malformed: {defect}")
        for extension in certificate.extensions:
            if extension.critical and extension.oid not in _PROCESSED:
                why = f"{name} has the critical extension {extension.oid}, which is not known"
                yield PathTrouble(place, PathFailure.MALFORMED, why)
        if at < certificate.not_before:
            why = f"the certificate {name} is not valid before {certificate.not_before:%Y-%m-%d}"
            yield PathTrouble(place, PathFailure.NOT_VALID, why)
        elif at > certificate.not_after:
            why = f"the certificate {name} expired on {certificate.not_after:%Y-%m-%d}"
            yield PathTrouble(place, PathFailure.NOT_VALID, why)
        if place:
            yield from _judge_issuer(path, place, rules, limits)
    yield from (PathTrouble(0, *wrong) for wrong in _judge_leaf(path[0], keys[0], rules))
    for place, (certificate, key) in enumerate(zip(path, keys[1:], strict=False)):
        scheme = certificate.signature_scheme
        if scheme is not None:
            judged = rules.algorithms.signature(scheme, key, use="certificate")
            if judged.status is Status.REFUSED:
                why = f"the signature on {name_of(certificate)} is too weak: {judged.sentence}"
                yield PathTrouble(place, PathFailure.WEAK, why)


_DOES: Final = {"smime": "signing", "encryption": "encryption"}


def _judge_leaf(leaf: Certificate, key: PublicKey, rules: PathRules) -> Iterator[tuple[PathFailure, str]]:
    """What RFC 8550 section 4.4 asks of the certificate of who signs mail, or a caller of another."""
    name = name_of(leaf)
    judged = rules.algorithms.key(key, use=rules.use)
    if judged.status is Status.REFUSED:
        yield PathFailure.WEAK, f"the key of {name} is too weak: {judged.sentence}"
    usage = leaf.key_usage
    if usage is not None and rules.usages and usage.isdisjoint(rules.usages):
        yield PathFailure.PURPOSE, f"the key of {name} is not for {_DOES[rules.use]}"
    if not _allowed(leaf, rules):
        yield PathFailure.PURPOSE, f"the certificate {name} is not for mail"


def _judge_issuer(
    path: tuple[Certificate, ...], place: int, rules: PathRules, limits: PathLimits
) -> Iterator[PathTrouble]:
    """What an authority in a path must be, and what it may certify (RFC 5280 section 6.1.4)."""
    issuer, below = path[place], path[:place]
    name = name_of(issuer)
    basic = issuer.basic_constraints
    if basic is None and place == len(path) - 1 and issuer.extension(ext.BASIC_CONSTRAINTS) is None:
        pass  # whoever trusts an old root without extensions has decided (section 6.1.1 (d))
    elif basic is None or not basic.is_ca:
        yield PathTrouble(place, PathFailure.UNTRUSTED, f"{name} is not an authority and may not issue certificates")
    elif basic.path_length is not None:
        # Self-issued intermediates do not count (section 6.1.4 (l)); the leaf never does.
        depth = sum(not certificate.is_self_issued for certificate in below[1:])
        if depth > basic.path_length:
            yield PathTrouble(place, PathFailure.UNTRUSTED, f"{name} may not have {depth} authorities below it")
    if issuer.key_usage is not None and "keyCertSign" not in issuer.key_usage:
        yield PathTrouble(place, PathFailure.UNTRUSTED, f"the key of {name} is not for signing certificates")
    if not _allowed(issuer, rules):
        yield PathTrouble(place, PathFailure.PURPOSE, f"the authority {name} is not for mail")
    bounds = issuer.name_constraints
    if bounds is not None:
        for position, certificate in enumerate(below):
            if position and certificate.is_self_issued:
                continue  # section 6.1.3 (b)
            wrong = constraints.violation(bounds, certificate, limits.comparisons)
            if wrong:
                why = f"{name} may not certify {name_of(certificate)}: {wrong}"
                yield PathTrouble(position, PathFailure.UNTRUSTED, why)


def _allowed(certificate: Certificate, rules: PathRules) -> bool:
    """RFC 8550 section 4.4.4; an authority's purposes limit those below it, as everybody reads them."""
    purposes = certificate.extended_key_usage
    return purposes is None or not rules.purposes or not rules.purposes.isdisjoint(purposes)
