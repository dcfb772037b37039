"""What a verified message tells of its author: a certificate to encrypt to, and which encryption is understood."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from mailsec.crypto import Certificate
from mailsec.errors import CertificateError
from mailsec.hooks.types import (
    CAPABILITIES_FACT,
    AuthResult,
    CertificatePath,
    Evidence,
    Fact,
    KeyStore,
    PathRole,
    Result,
)
from mailsec.message import Mailbox, same_address
from mailsec.pipeline.verdict import Level

if TYPE_CHECKING:
    from mailsec.pipeline import Report

__all__ = ["harvest"]

_OFTEN: Final = timedelta(days=1)  # what was seen on the same day is not written again


def harvest(report: Report, store: KeyStore) -> int:
    """Remembers the author's certificate from a message that was verified by S/MIME. That trusts nobody.

    Only a message whose whole body the author signed, under a certificate that the user trusts and that is for the
    address in From, tells anything: from any other one could be made to encrypt to somebody else. Remembered is the
    certificate that the signer names to be encrypted to (RFC 8551 section 2.5.3), where it is in the message and can
    be used; else the signature's own, where its key encrypts.

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
        signer = _signer(result, author)
        if signer is None:
            continue
        certificate = _to_encrypt_to(result, signer, author)
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
    path = _path(result.evidence, "signer")
    return _first(path, author) if path is not None else None


def _to_encrypt_to(result: AuthResult, signer: Certificate, author: str) -> Certificate | None:
    """The certificate that the signer wants to be encrypted to; `None` where there is none that can be used."""
    path = _path(result.evidence, "encryption")
    if path is None:
        return signer if signer.encrypts else None
    return _first(path, author) if not any(one.kind == "failure" for one in path.notes) else None


def _path(evidence: Sequence[Evidence], role: PathRole) -> CertificatePath | None:
    return next((one for one in evidence if isinstance(one, CertificatePath) and one.role == role), None)


def _first(path: CertificatePath, author: str) -> Certificate | None:
    """The certificate that a path is about, where the path ends at an anchor and the certificate is the author's."""
    if not path.anchored or not path.certificates:
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
