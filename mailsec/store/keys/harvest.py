"""What a verified message tells of its author: a certificate to encrypt to, and which encryption is understood."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mailsec.crypto import Certificate
from mailsec.errors import CertificateError
from mailsec.hooks.types import CAPABILITIES_FACT, AuthResult, CertificatePath, Evidence, Fact, KeyStore, Result
from mailsec.message import Mailbox, same_address
from mailsec.pipeline.verdict import Level

if TYPE_CHECKING:
    from mailsec.pipeline import Report

__all__ = ["harvest"]

_OFTEN: Final = timedelta(days=1)  # what was seen on the same day is not written again


def harvest(report: Report, store: KeyStore) -> int:
    """Remembers the author's certificate from a message that was verified by S/MIME. That trusts nobody.

    Only a message whose whole body the author signed, under a certificate that the user trusts and that is for the
    address in From, tells anything: from any other one could be made to encrypt to somebody else.

    Args:
        report: what a check found.
        store: where it is remembered.

    Returns:
        How many certificates were new, or seen again after a while.

    Raises:
        StoreError: the store cannot be written.
    """
    author = _author(report)
    if not author or report.verdict.level is not Level.VERIFIED or report.conditions:
        return 0  # what was judged by another clock or other DNS than usual is not kept
    known = {one.certificate: one.seen for one in store.known(author)}
    count = 0
    for result in report.results:
        certificate = _signer(result, author)
        if certificate is None:
            continue
        seen = report.moment.at
        if certificate in known and seen < known[certificate] + _OFTEN:
            continue
        store.remember(author, certificate, "message", _message_id(report), seen)
        if capabilities := _capabilities(result.evidence):
            store.remember_capabilities(author, capabilities, seen)
        count += 1
    return count


def _author(report: Report) -> str:
    match report.header.addresses("from"):
        case [Mailbox() as mailbox] if mailbox.valid:
            return mailbox.address
    return ""


def _signer(result: AuthResult, author: str) -> Certificate | None:
    """The author's certificate, where a result vouches for the author by one."""
    if result.method != "smime" or result.result is not Result.PASS:
        return None
    path = next((one for one in result.evidence if isinstance(one, CertificatePath) and one.anchored), None)
    if path is None or not path.certificates:
        return None
    try:
        certificate = Certificate.from_der(path.certificates[0])
    except CertificateError:
        return None
    return certificate if any(same_address(author, one) for one in certificate.emails) else None


def _capabilities(evidence: Sequence[Evidence]) -> list[str]:
    value = next((one.value for one in evidence if isinstance(one, Fact) and one.name == CAPABILITIES_FACT), "")
    return [name for name in value.split(", ") if name]


def _message_id(report: Report) -> str:
    field = report.header.first("message-id")
    return "" if field is None else field.value.strip()
