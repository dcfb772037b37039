"""Which CRL is about which certificate (RFC 5280 section 6.3.3 (b))."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailsec.crypto import names
from mailsec.crypto.cms import encode
from mailsec.crypto.extensions import AlternativeNames, DistributionPoint

if TYPE_CHECKING:
    from collections.abc import Hashable

    from mailsec.crypto.certificates import Certificate
    from mailsec.crypto.revocation.crl import RevocationList

__all__ = ["default_point", "in_scope"]

_SET: Final = 0x11


def default_point(certificate: Certificate) -> DistributionPoint:
    """The distribution point that every certificate has: a CRL of its issuer (the end of section 6.3.3)."""
    return DistributionPoint(names=AlternativeNames(directories=(certificate.issuer_der,)))


def in_scope(certificate: Certificate, point: DistributionPoint, crl: RevocationList) -> bool:
    """Whether a CRL is one of a certificate's distribution point, and about this certificate.

    Args:
        certificate: the certificate.
        point: one of its distribution points.
        crl: a complete CRL.
    """
    scope = crl.scope
    issuers = [names.canonical(issuer) for issuer in point.issuers]
    if issuers:
        if crl.issuer_key not in issuers or not scope.indirect:
            return False
    elif crl.issuer_key != certificate.issuer_key:
        return False
    if scope.attributes_only or (scope.authorities_only and not certificate.is_ca):
        return False
    if scope.users_only and certificate.is_ca:
        return False
    if scope.names is None and scope.relative is None:
        return True
    ours = _names(scope.names, scope.relative, crl.issuer_key)
    if point.names is None and point.relative is None:
        theirs: set[Hashable] = {("directory", issuer) for issuer in issuers}
    else:
        theirs = _names(point.names, point.relative, issuers[0] if issuers else certificate.issuer_key)
    return not ours.isdisjoint(theirs)


def _names(full: AlternativeNames | None, relative: bytes | None, issuer: names.CanonicalName) -> set[Hashable]:
    """The names of a distribution point in a form in which they can be compared."""
    if relative is not None:
        rdn = names.canonical(encode.sequence(encode.header(_SET, len(relative), constructed=True) + relative))
        return {("directory", issuer + rdn)}
    if full is None:
        return set()
    return {
        *(("directory", names.canonical(name)) for name in full.directories),
        *(("URI", uri) for uri in full.uris),
        *(("host", host.lower()) for host in full.hosts),
        *(("address", address) for address in full.emails),
    }
