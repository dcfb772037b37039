"""Building certification paths (RFC 4158): from a leaf through names and signatures to a trust anchor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from mailsec.crypto.certificates import Certificate
    from mailsec.crypto.keys import PublicKey
    from mailsec.crypto.limits import PathLimits
    from mailsec.crypto.names import CanonicalName

__all__ = ["OVER_LIMIT", "PathBuilder", "name_of", "working_keys"]

OVER_LIMIT: Final = "not all paths were tried, since there are more than the limits allow"


def name_of(certificate: Certificate) -> str:
    """What a certificate is called in a sentence; it is foreign text."""
    return certificate.subject or (certificate.emails[0] if certificate.emails else f"serial {certificate.serial}")


def working_keys(path: Sequence[Certificate]) -> tuple[PublicKey, ...]:
    """The keys of a path's certificates, the leaf's first, with the parameters that they inherit from above.

    Only DSA keys do that (RFC 5280 section 6.1.4 (f)).

    Args:
        path: the certificates, the leaf first, the anchor last.
    """
    keys: list[PublicKey] = []
    for certificate in reversed(path):
        key = certificate.public_key
        keys.append(key.with_parameters_of(keys[-1]) if keys and key.lacks_parameters else key)
    return tuple(reversed(keys))


class PathBuilder:
    """Builds paths by names, nearest issuers first, and lets only right signatures through.

    Args:
        candidates: the certificates at hand, in any order, needed or not.
        anchors: the trust anchors.
        at: the time to judge at; issuers that are valid then are tried first.
        limits: how much work it may be.

    Attributes:
        longest: the longest path that was looked at, for a leaf without any to an anchor.
        over_limit: whether a limit kept paths from being looked at.
    """

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
        self._checked: dict[tuple[Certificate, Certificate, PublicKey], bool] = {}
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
                if self._inherits_well(path):
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

    def _inherits_well(self, path: tuple[Certificate, ...]) -> bool:
        """Whether the signatures are right that could not be verified before the whole path was known."""
        if not any(issuer.public_key.lacks_parameters for issuer in path[1:]):
            return True
        keys = working_keys(path)
        return all(
            self._is_signed(child, issuer, key)
            for child, issuer, key in zip(path, path[1:], keys[1:], strict=False)
            if issuer.public_key.lacks_parameters
        )

    def _is_signed(self, child: Certificate, issuer: Certificate, inherited: PublicKey | None = None) -> bool:
        if inherited is None and issuer.public_key.lacks_parameters:
            return True  # known only when the path is: see _inherits_well
        key = issuer.public_key if inherited is None else inherited
        right = self._checked.get((child, issuer, key))
        if right is None:
            if len(self._checked) == self._limits.signatures:
                self.over_limit = True
                return False
            right = key.bits <= self._limits.key_bits and child.is_signed_by(key)
            self._checked[child, issuer, key] = right
        if not right:
            if child.signature_scheme is None:
                why = f"the certificate {name_of(child)} is signed by an algorithm that is not known"
            elif key.trouble:
                why = f"the key of {name_of(issuer)} cannot be used: {key.trouble}"
            elif key.bits > self._limits.key_bits:
                why = f"the key of {name_of(issuer)} is too long to be used: {key.bits} bits"
            else:
                why = f"the signature on the certificate {name_of(child)} is not one by {name_of(issuer)}"
            self._wrong.append(why)
        return right

    def why(self) -> str:
        """Why there is no path to an anchor."""
        if self.over_limit:
            return f"no path to a trusted certificate was found, and {OVER_LIMIT}"
        if self._wrong:
            return "; ".join([*dict.fromkeys(self._wrong)][:4])
        last = self.longest[-1]
        if last.is_self_issued:
            return f"the path ends at {name_of(last)}, which is not trusted"
        if last.issuer_key in self._by_subject:
            return "its issuers have only certified each other, and none of them is trusted"
        return f"the issuer {last.issuer or 'without a name'} is not known"
