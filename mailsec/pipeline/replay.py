"""Checks repeated from what was kept: the same answers, the same time, the same trust, no network.

    kept = keep(report)                       # a line of JSON, beside the message
    ...                                       # years later
    recorded = load(kept)
    runner = Runner(verifiers, openers, services=recorded.services, settings=…, conditions=recorded.conditions)
    again = await runner.check(message, moment=recorded.moment, envelope=recorded.envelope)

What was never asked has no answer here: it is a temporary error, never a guess. The settings of the plugins belong
to the configuration and are not kept; the version of the algorithm policy is, so that a difference can be told.
"""

from __future__ import annotations

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
from mailsec.pipeline.context import NO_KEYS, Services
from mailsec.pipeline.evidence import from_json, to_json

if TYPE_CHECKING:
    from mailsec.crypto import Certificate
    from mailsec.pipeline.report import Report

__all__ = ["Recorded", "keep", "load"]

VERSION = 1
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
    """

    services: Services
    moment: Moment
    envelope: Envelope
    policy_version: str
    conditions: tuple[str, ...] = ("kept evidence",)


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
        if table["evidence"] != VERSION:
            raise InputError(f"this is evidence of version {table['evidence']!r}; version {VERSION} can be read")
        moment = from_json(table["moment"])
        envelope = Envelope(**{**table["envelope"], "recipients": tuple(table["envelope"]["recipients"])})
        pieces = [from_json(one) for one in table["pieces"]]
        policy = str(table["policy"])
    except MailsecError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError("this is no kept evidence") from error
    if not isinstance(moment, Moment):
        raise InputError("this kept evidence has no time")
    services = Services(_Resolver(pieces), _Fetcher(pieces), _Trust(pieces), keys)
    return Recorded(services, moment, envelope, policy)


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
    """Gives the documents that were fetched."""

    def __init__(self, pieces: Iterable[Evidence]) -> None:
        self._documents: dict[str, Fetched | str] = {}
        for one in pieces:
            if isinstance(one, Fetched):
                self._documents[one.url] = one
            elif isinstance(one, Fact) and one.name == "not fetched":
                url, _, why = one.value.partition(": ")
                self._documents.setdefault(url, why)

    async def fetch(self, url: str, *, data: bytes | None = None, limit: int = 1 << 20) -> Fetched:
        del data
        document = self._documents.get(url, "it is not in the kept evidence")
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
