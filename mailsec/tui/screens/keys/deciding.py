"""The question whether a certificate is to be trusted: its fingerprint against what its owner says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from mailsec.errors import CertificateError, UsageError
from mailsec.hooks.types import CertificatePath, TrustDecision
from mailsec.message import plain_address
from mailsec.store.keys.deciding import AS_AUTHORITY, scopes, trust_certificate, what_it_means
from mailsec.store.keys.words import called, certificate_lines, short
from mailsec.tui.screens.keys.boxes import Sure
from mailsec.tui.screens.keys.entries import groups
from mailsec.tui.screens.pick import Pick

if TYPE_CHECKING:
    from textual.app import App

    from mailsec.crypto import Certificate
    from mailsec.pipeline import Report
    from mailsec.store.keys import FileKeyStore
    from mailsec.tui.desk import Desk

__all__ = ["decide", "signers_of"]

_PER_LINE = 32  # digits of a fingerprint


async def decide(app: App[object], desk: Desk[FileKeyStore], certificates: Iterable[Certificate], now: datetime) -> str:
    """Asks whom to trust, for what, and whether the fingerprint is the owner's; and keeps the decision.

    Args:
        app: the client; this is called in a worker of its.
        desk: the key store's.
        certificates: those that may be trusted.
        now: the time.

    Returns:
        What was done; empty where nothing was.

    Raises:
        UsageError: none of them can be trusted for anything.
        StoreError: the decision cannot be kept.
    """
    choices = [(one, scope) for one in dict.fromkeys(certificates) for scope in scopes(one)]
    if not choices:
        raise UsageError("this certificate names no address and is no authority's: it can vouch for nobody")
    taken = {(one.certificate, one.address) for one in await desk.ask(_decisions)}
    left = [(one, scope) for one, scope in choices if (one, plain_address(scope)) not in taken]
    if not left:
        return "this is trusted already"
    chosen: int | None = 0
    if len(left) > 1:
        chosen = await app.push_screen_wait(Pick("Trust what?", [_choice(*one) for one in left]))
    if chosen is None:
        return ""
    certificate, scope = left[chosen]
    if not await app.push_screen_wait(_question(certificate, scope, now)):
        return "nothing was changed: it is not trusted"
    await desk.ask(_trust, certificate, scope, now)
    return f"trusted: {_choice(certificate, scope)}"


def _question(certificate: Certificate, scope: str, now: datetime) -> Sure:
    whom = f"for {scope} alone, and nothing that it signs" if scope != AS_AUTHORITY else "as an authority"
    name, *rest = certificate_lines(certificate, now, whole=True)[:-1]
    prints = groups(certificate.fingerprint, _PER_LINE)
    compare = "Compare it with what its owner tells you over another way than mail, such as the telephone."
    means = [what_it_means(scope)] if scope == AS_AUTHORITY else []
    lines = [
        name,
        "; ".join(rest),
        *means,
        "",
        *(f"{'' if number else 'SHA-256':9}{one}" for number, one in enumerate(prints)),
        "",
        compare,
    ]
    return Sure(
        f"Trust this certificate {whom}?",
        lines,
        f"Has its owner told you the same? Then type {Sure.YES}:",
    )


def _choice(certificate: Certificate, scope: str) -> str:
    return f"{called(certificate)}, as an authority" if scope == AS_AUTHORITY else f"{short(scope)}, alone"


def _decisions(store: FileKeyStore) -> Sequence[TrustDecision]:
    return store.decisions()


def _trust(store: FileKeyStore, certificate: Certificate, scope: str, now: datetime) -> None:
    trust_certificate(store, certificate, scope, now)


def signers_of(report: Report) -> list[Certificate]:
    """The certificates of those who signed a message, each before those of its issuers.

    Args:
        report: what a check of the message found.
    """
    from mailsec.crypto import Certificate

    found: list[Certificate] = []
    for result in report.results:
        for path in (one for one in result.evidence if result.method == "smime" and isinstance(one, CertificatePath)):
            for octets in path.certificates:
                try:
                    found.append(Certificate.from_der(octets))
                except CertificateError:
                    break
    return list(dict.fromkeys(found))
