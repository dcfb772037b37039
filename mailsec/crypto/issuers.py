"""Certificates of issuers that did not come along, from where the certificates say (RFC 5280 section 4.2.2.1).

A message has its signer's issuers with it, most times. Where it has not, whoever asks for it has them fetched: never
unasked, since the fetch tells the issuer that the message is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsec.crypto.certificates import Certificate, load_certificates
from mailsec.crypto.limits import LIMITS, REVOCATION_LIMITS, PathLimits, RevocationLimits
from mailsec.crypto.paths import PathValidator
from mailsec.crypto.validating import MAIL_RULES, PathRules
from mailsec.errors import CertificateError, TemporaryError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mailsec.hooks.types import Fetcher

__all__ = ["fetch_issuers"]


async def fetch_issuers(
    leaf: Certificate,
    candidates: Sequence[Certificate],
    anchors: Sequence[Certificate],
    at: datetime,
    fetcher: Fetcher,
    *,
    rules: PathRules = MAIL_RULES,
    limits: RevocationLimits = REVOCATION_LIMITS,
    path_limits: PathLimits = LIMITS,
) -> tuple[tuple[Certificate, ...], tuple[str, ...]]:
    """Fetches issuers' certificates until a path is valid, or there is nothing left to fetch.

    Each document is fetched once, and only for a certificate that the path needs: the one at which the longest path
    found so far ends. What is fetched is worth no more than what came with the message.

    Args:
        leaf: the signer's certificate.
        candidates: the certificates at hand.
        anchors: the trust anchors.
        at: the time to judge at, aware.
        fetcher: fetches documents.
        rules: what is asked of the path.
        limits: how much may be fetched.
        path_limits: how much work the paths may be.

    Returns:
        The certificates that were fetched, to be added to the candidates; and what could not be fetched, as sentences.

    Raises:
        UsageError: the time has no time zone.
    """
    found: dict[Certificate, None] = {}
    asked: set[str] = set()
    troubles: list[str] = []
    while True:
        validator = PathValidator((*candidates, *found), anchors, at, path_limits, rules=rules)
        result = validator.validate(leaf)
        if result.failure is None:
            break
        # The longest path so far is the one to go on with; without an anchor its end lacks an issuer.
        wanted = [url for certificate in reversed(result.path) for url in certificate.issuer_urls if url not in asked]
        if not wanted or len(asked) == limits.fetches:
            break
        asked.add(wanted[0])
        try:
            document = await fetcher.fetch(wanted[0], limit=limits.issuer_octets)
            certificates = load_certificates(document.octets)[: limits.issuers]
        except TemporaryError as error:
            troubles.append(str(error))
            continue
        except CertificateError as error:
            troubles.append(f"at {wanted[0]}: {error}")
            continue
        known = {leaf, *candidates, *anchors}
        found |= dict.fromkeys(certificate for certificate in certificates if certificate not in known)
    return tuple(found), tuple(troubles)
