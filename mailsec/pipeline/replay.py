"""Checks repeated from what was kept: the same answers, the same time, the same trust, no network.

    kept = keep(report)                       # a line of JSON, beside the message
    ...                                       # years later
    recorded = load(kept)
    runner = Runner(verifiers, openers, services=recorded.services, settings=…, conditions=recorded.conditions)
    again = await runner.check(
        message, moment=recorded.moment, envelope=recorded.envelope, fetch_issuers=recorded.fetch_issuers
    )

What was never asked has no answer here: it is a temporary error, never a guess. The settings of the plugins belong
to the configuration and are not kept; the version of the algorithm policy is, so that a difference can be told.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from mailsec.errors import DnsTemporaryError, FetchError, InputError, MailsecError
from mailsec.hooks.types import (
    Anchors,
    CertificatePath,
    DnsAnswer,
    DnsFailure,
    Envelope,
    Evidence,
    Fact,
    Fetched,
    KeyRing,
    Moment,
)
from mailsec.pipeline.context import NO_KEYS, Services, read_not_fetched
from mailsec.pipeline.evidence import from_json, to_json

if TYPE_CHECKING:
    from mailsec.crypto import Certificate
    from mailsec.pipeline.report import Report

__all__ = ["Recorded", "keep", "load"]

VERSION = 2
"""In the first version an answer of a server was kept by its URL alone, whatever had been asked of it."""
_VERSIONS = (1, 2)
LIMIT = 1 << 26
"""How many characters kept evidence may have."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a check rested on, ready to be asked again.

    Attributes:
        services: answer from the record alone.
        moment: the time that was judged at.
        envelope: the SMTP transaction as it was known.
        policy_version: the version of the algorithm policy that was in force.
        conditions: for `Runner`: says that this was judged with kept evidence.
        fetch_issuers: for `Runner.check`: whether issuers' certificates were fetched, which are in the record then.
    """

    services: Services
    moment: Moment
    envelope: Envelope
    policy_version: str
    conditions: tuple[str, ...] = ("kept evidence",)
    fetch_issuers: bool = False


def keep(report: Report) -> str:
    """The evidence of a report as one line of JSON.

    Args:
        report: the report.
    """
    from mailsec.crypto import POLICY_VERSION

    pieces: dict[str, dict[str, Any]] = {}
    for run in report.runs:
        for evidence in (*run.evidence, *(one for result in run.results for one in result.evidence)):
            piece = to_json(evidence)
            pieces.setdefault(json.dumps(piece, sort_keys=True), piece)
    return json.dumps(
        {
            "evidence": VERSION,
            "policy": POLICY_VERSION,
            "moment": to_json(report.moment),
            "envelope": asdict(report.envelope),
            "conditions": list(report.conditions),
            **({"fetch_issuers": True} if report.fetch_issuers else {}),
            "pieces": list(pieces.values()),
        }
    )


def load(kept: str, *, keys: KeyRing = NO_KEYS) -> Recorded:
    """Makes services that answer from kept evidence.

    Args:
        kept: what `keep` gave.
        keys: private keys for openers; they are never part of evidence.

    Raises:
        InputError: it is no kept evidence, or of a later version.
    """
    if len(kept) > LIMIT:
        raise InputError(f"kept evidence may have at most {LIMIT} characters")
    try:
        table = json.loads(kept)
        version = table["evidence"]
        if version not in _VERSIONS:
            raise InputError(f"this is evidence of version {version!r}; those up to {VERSION} can be read")
        moment = from_json(table["moment"])
        envelope = Envelope(**{**table["envelope"], "recipients": tuple(table["envelope"]["recipients"])})
        pieces = [from_json(one) for one in table["pieces"]]
        policy = str(table["policy"])
        fetch_issuers = table.get("fetch_issuers") is True
    except MailsecError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError("this is no kept evidence") from error
    if not isinstance(moment, Moment):
        raise InputError("this kept evidence has no time")
    services = Services(_Resolver(pieces), _Fetcher(pieces, by_url=version == 1), _Trust(pieces), keys)
    return Recorded(services, moment, envelope, policy, fetch_issuers=fetch_issuers)


class _Resolver:
    """Answers what was asked, as it was answered."""

    def __init__(self, pieces: Iterable[Evidence]) -> None:
        self._answers = {(one.name, one.rdtype): one for one in pieces if isinstance(one, DnsAnswer | DnsFailure)}

    async def query(self, name: str, rdtype: str) -> DnsAnswer:
        question = (name.lower().removesuffix("."), rdtype.upper())
        answer = self._answers.get(question)
        if answer is None:
            raise DnsTemporaryError(*question, "it is not in the kept evidence")
        if isinstance(answer, DnsFailure):
            raise DnsTemporaryError(*question, answer.why)
        return answer


class _Fetcher:
    """Gives the documents that were fetched.

    Args:
        pieces: the evidence.
        by_url: whether it does not say what was asked, so that any request to a URL gets the one document.
    """

    def __init__(self, pieces: Iterable[Evidence], *, by_url: bool) -> None:
        self._by_url = by_url
        self._documents: dict[tuple[str, str], Fetched | str] = {}
        for one in pieces:
            if isinstance(one, Fetched):
                self._documents[one.url, one.request] = one
            elif isinstance(one, Fact) and one.name == "not fetched":
                url, request, why = read_not_fetched(one.value)
                self._documents.setdefault((url, request), why)

    async def fetch(self, url: str, *, data: bytes | None = None, limit: int = 1 << 20) -> Fetched:
        request = "" if data is None or self._by_url else hashlib.sha256(data).hexdigest()
        document = self._documents.get((url, request), "it is not in the kept evidence")
        if isinstance(document, str):
            raise FetchError(document)
        if len(document.octets) > limit:
            raise FetchError(f"{url} has more than {limit} octets")
        return document


class _Trust:
    """The anchors that paths ended at, where they are among those that were in force.

    Anchors that no path reached are kept as fingerprints only; without them the same paths are found.
    """

    def __init__(self, pieces: Iterable[Evidence]) -> None:
        pieces = list(pieces)
        self._fingerprints: dict[str, set[str]] = {}
        for one in pieces:
            if isinstance(one, Anchors):
                self._fingerprints.setdefault(one.address, set()).update(one.fingerprints)
        self._ends = [
            one.certificates[-1]
            for one in pieces
            if isinstance(one, CertificatePath) and one.anchored and one.certificates
        ]

    def anchors(self) -> Sequence[Certificate]:
        return self.trusted_for("")

    def trusted_for(self, address: str) -> Sequence[Certificate]:
        from mailsec.crypto import Certificate

        fingerprints = self._fingerprints.get(address, ())
        found = (Certificate.from_der(der) for der in dict.fromkeys(self._ends))
        return tuple(one for one in found if one.fingerprint in fingerprints)
