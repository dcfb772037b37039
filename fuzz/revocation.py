"""CRLs and OCSP responses: reading them, and asking them about a certificate."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from mailsec.crypto import AlgorithmPolicy, PathValidator, PrivateKey
from mailsec.crypto.cms import encode
from mailsec.crypto.issue import issue, make_authority
from mailsec.crypto.revocation import OcspResponse, RevocationChecker, RevocationList, RevocationStatus, next_update
from mailsec.crypto.revocation.issue import (
    Revoked,
    delta_indicator,
    information_access,
    issuing_point,
    make_crl,
    make_ocsp_response,
    points,
)
from mailsec.errors import InputError
from mailsec.hooks import Fetched

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=10)

_root = make_authority("Example Root", not_before=NOW, not_after=LATER, key=PrivateKey.generate("ec"))
_alice = issue(
    _root,
    "alice@example.org",
    not_before=NOW,
    not_after=LATER,
    key=PrivateKey.generate("ec"),
    extra=(points("http://example.org/a.crl"), information_access(ocsp_url="http://example.org/ocsp")),
)
_loop = asyncio.new_event_loop()


class _Answers:
    """A fetcher that gives the same octets whatever is asked for."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets

    async def fetch(self, url: str, *, data: bytes | None = None, limit: int = 1 << 20) -> Fetched:
        del data
        return Fetched(url, 200, "", self._octets[:limit])


def seeds() -> Iterator[bytes]:
    """Lists and answers of each form."""
    revoked = Revoked(_alice.certificate.serial, NOW, reason="keyCompromise", invalid_since=NOW)
    other = Revoked(7, NOW, reason="certificateHold", issuer=_root.certificate.subject_der)
    crl = partial(make_crl, _root, this_update=NOW, next_update=LATER)
    ocsp = partial(make_ocsp_response, _root, _root.certificate, this_update=NOW, next_update=LATER)
    yield crl(())
    yield crl((revoked, Revoked(5, NOW)))
    yield crl((other, revoked), extra=(issuing_point("http://example.org/a.crl", indirect=True),))
    yield crl((revoked,), extra=(delta_indicator(1), issuing_point(reasons=("keyCompromise",))))
    for state in (revoked, "good", "unknown"):
        answers = [(_alice.certificate.serial, state)]
        yield ocsp(answers, nonce=b"nonce")
        yield ocsp(answers, by_key=True, certificates=(_root.certificate,))
    yield encode.sequence(b"\x0a\x01\x03")


def try_input(octets: bytes) -> None:
    """Reads a document and asks it; only one that the issuer signed says anything."""
    next_update(octets)
    signed = False
    with contextlib.suppress(InputError):
        found = RevocationList(octets)
        assert isinstance(found.defects, tuple)
        assert isinstance(found.issuer, str)
        signed = found.is_signed_by(_root.certificate.public_key)
        with contextlib.suppress(InputError):
            entry = found.find(_alice.certificate)
            assert entry is None or isinstance(entry.counts_at(NOW), bool)
    with contextlib.suppress(InputError):
        response = OcspResponse(octets)
        response.answer_for(_alice.certificate, _root.certificate)
        by, _ = response.signer(_root.certificate, _root.certificate.public_key, AlgorithmPolicy())
        signed = signed or by is not None
    validator = PathValidator(_alice.certificates, (_root.certificate,), NOW + timedelta(days=1))
    checker = RevocationChecker(validator, _Answers(octets), lists=(memoryview(octets),))
    status = _loop.run_until_complete(checker.check(validator.validate(_alice.certificate))).status
    assert signed or status is RevocationStatus.UNKNOWN
