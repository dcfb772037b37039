"""Whether the certificates of a path were revoked (RFC 5280 section 6.3, RFC 6960), at the time that matters.

Documents come from a `Fetcher` that the caller hands in, or along with the message. Nothing is fetched for a path
that does not end at a trust anchor.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal, TypeVar

from mailsec.crypto import extensions as ext
from mailsec.crypto.algorithms import Status
from mailsec.crypto.building import name_of, working_keys
from mailsec.crypto.describing import name_in_words
from mailsec.crypto.limits import REVOCATION_LIMITS, RevocationLimits
from mailsec.crypto.paths import PathResult, PathRules, PathValidator
from mailsec.crypto.revocation.crl import ALL_REASONS, Entry, RevocationList
from mailsec.crypto.revocation.ocsp import OcspResponse, get_url, make_request
from mailsec.crypto.revocation.scope import default_point, in_scope
from mailsec.errors import InputError, TemporaryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from mailsec.crypto.certificates import Certificate
    from mailsec.crypto.keys import PublicKey
    from mailsec.hooks.types import Fetcher

__all__ = [
    "CertificateRevocation",
    "PathRevocation",
    "RevocationChecker",
    "RevocationSource",
    "RevocationStatus",
    "has_sources",
]

_NO_REVOCATION: Final = "2.5.29.56"  # noRevAvail (RFC 9608)
_LARGE: Final = 1 << 20  # octets of a CRL from which on it is read in a thread


class RevocationStatus(StrEnum):
    """What is known of a certificate, or of the worst one of a path."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class RevocationSource:
    """Who told whether a certificate was revoked.

    Attributes:
        kind: an OCSP response or a CRL.
        by: the name of its signer in words.
        url: where the responder is; empty for a CRL.
        this_update: when it was known to be right.
        next_update: when there will be something newer; `None` where that is not said.
    """

    kind: Literal["OCSP", "CRL"]
    by: str
    url: str
    this_update: datetime
    next_update: datetime | None


@dataclass(frozen=True, slots=True)
class CertificateRevocation:
    """What came of one certificate of a path.

    Attributes:
        certificate: the certificate.
        status: what is known of it.
        source: who told; `None` where nobody did.
        entry: since when it is revoked, and why; `None` if it is not.
        why: what was in the way of knowing, as parts of a sentence.
    """

    certificate: Certificate
    status: RevocationStatus
    source: RevocationSource | None = None
    entry: Entry | None = None
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PathRevocation:
    """What came of a path.

    Attributes:
        status: revoked if any certificate in it is; else unknown if that of any is; else good.
        sentence: the same for people; names in it are foreign text.
        certificate: the certificate that decided; `None` if all are good.
        entry: since when it is revoked, and why; `None` if it is not.
        asked: whether there was anything to ask: a CRL at hand, or a place where CRLs or a responder are.
        path: the path that was judged in the end.
        certificates: what came of each certificate that was asked about, the one nearest to the anchor first; those
            below one that is revoked are not asked about.
        avoided: what came of the path before, where this one leads around an authority that was revoked.
    """

    status: RevocationStatus
    sentence: str
    certificate: Certificate | None = None
    entry: Entry | None = None
    asked: bool = True
    path: tuple[Certificate, ...] = ()
    certificates: tuple[CertificateRevocation, ...] = ()
    avoided: PathRevocation | None = None


@dataclass(frozen=True, slots=True)
class _Finding:
    """What was found out about one certificate, and what was in the way."""

    status: RevocationStatus
    entry: Entry | None = None
    why: tuple[str, ...] = ()
    source: RevocationSource | None = None


_T = TypeVar("_T")
_GOOD: Final = _Finding(RevocationStatus.GOOD)


def has_sources(path: Sequence[Certificate]) -> bool:
    """Whether any certificate of a path, the anchor left out, says where its revocation can be looked up."""
    return any(certificate.ocsp_urls or any(_crl_urls(certificate)) for certificate in path[:-1])


class RevocationChecker:
    """Finds out whether certificates are revoked, for all paths of one structure.

    What was found out for one path is known for the next, and the limits hold for all of them together.

    Args:
        validator: what validated the paths: its certificates, its time and its rules are used for the issuers of
            CRLs too.
        fetcher: fetches CRLs and asks OCSP responders; `None` to do with what is at hand.
        lists: CRLs at hand, such as those that came with the message; others than CRLs are passed over.
        limits: how much work it may be.
    """

    def __init__(
        self,
        validator: PathValidator,
        fetcher: Fetcher | None = None,
        *,
        lists: Iterable[bytes | memoryview] = (),
        limits: RevocationLimits = REVOCATION_LIMITS,
    ) -> None:
        self._validator = validator
        self._at = validator.at
        self._algorithms = validator.rules.algorithms
        self._fetcher = fetcher
        self._limits = limits
        self._lists: dict[RevocationList, None] = {}
        self._fetched: dict[tuple[str, bytes | None], bytes | str] = {}
        self._checked: dict[tuple[RevocationList, PublicKey], bool] = {}
        self._known: dict[tuple[Certificate, ...], _Finding] = {}
        self._under_way: set[Certificate] = set()
        self._signatures = limits.signatures
        self._octets = 0
        for octets in lists:
            try:
                self._add(RevocationList(bytes(octets), limits))
            except InputError:
                continue

    async def check(self, path: PathResult) -> PathRevocation:
        """Finds out whether any certificate of a path was revoked, the anchor left out.

        Where an authority's certificate was, another valid path around it is looked for.

        Args:
            path: a path that ends at a trust anchor; for another one nothing is asked and nothing known.
        """
        if not path.anchored:
            return PathRevocation(RevocationStatus.UNKNOWN, "the path ends at no trusted certificate", asked=False)
        found = await self._path(path.path)
        if found.status is RevocationStatus.REVOKED and found.certificate != path.path[0] and path.failure is None:
            for other in self._validator.valid_paths(path.path[0]):
                if found.certificate in other.path:
                    continue
                around = await self._path(other.path)
                if around.status is not RevocationStatus.REVOKED:
                    return replace(around, avoided=found)
        return found

    async def _path(self, path: tuple[Certificate, ...]) -> PathRevocation:
        unknown: PathRevocation | None = None
        told: list[CertificateRevocation] = []
        for place in range(len(path) - 2, -1, -1):
            certificate = path[place]
            found = await self._certificate(path, place)
            told.append(CertificateRevocation(certificate, found.status, found.source, found.entry, found.why))
            if found.status is RevocationStatus.REVOKED and found.entry is not None:
                sentence = _revoked(certificate, found.entry)
                return PathRevocation(
                    found.status, sentence, certificate, found.entry, path=path, certificates=tuple(told)
                )
            if found.status is RevocationStatus.UNKNOWN:
                why = "; ".join(dict.fromkeys(found.why)) or "it names no CRL and no responder"
                sentence = f"whether the certificate {name_of(certificate)} was revoked is not known: {why}"
                asked = bool(found.why) or (unknown is not None and unknown.asked)
                unknown = PathRevocation(found.status, sentence, certificate, asked=asked, path=path)
        if unknown is not None:
            return replace(unknown, certificates=tuple(told))
        sentence = "no certificate of the path was revoked"
        return PathRevocation(RevocationStatus.GOOD, sentence, path=path, certificates=tuple(told))

    async def _certificate(self, path: tuple[Certificate, ...], place: int) -> _Finding:
        certificate = path[place]
        key = path[place:]
        if key in self._known:
            return self._known[key]
        if certificate.extension(_NO_REVOCATION) is not None and not certificate.is_ca:
            return _GOOD
        if certificate in self._under_way or len(self._under_way) > self._limits.depth:
            return _Finding(RevocationStatus.UNKNOWN, why=("the issuers of its CRLs lead in circles",))
        self._under_way.add(certificate)
        try:
            found = await self._by_ocsp(path, place)
            if found.status is RevocationStatus.UNKNOWN:
                listed = await self._by_lists(path, place)
                why = found.why + listed.why
                found = _Finding(listed.status, listed.entry, why, listed.source)
        finally:
            self._under_way.discard(certificate)
        if found.status is not RevocationStatus.UNKNOWN or not self._under_way:
            self._known[key] = found  # what led in circles from elsewhere need not from here
        return found

    # -- OCSP ------------------------------------------------------------------------------------------------

    async def _by_ocsp(self, path: tuple[Certificate, ...], place: int) -> _Finding:
        certificate, issuer = path[place], path[place + 1]
        why: list[str] = []
        if self._fetcher is None:
            return _Finding(RevocationStatus.UNKNOWN)
        for url in certificate.ocsp_urls[:2]:
            request = make_request(certificate, issuer)
            asked = get_url(url, request)
            document = await self._fetch(asked or url, None if asked else request, self._limits.answer_octets)
            if isinstance(document, str):
                why.append(document)
                continue
            try:
                response = OcspResponse(document, self._limits)
            except InputError as error:
                why.append(str(error))
                continue
            found = await self._answered(response, path, place, url)
            if found.status is not RevocationStatus.UNKNOWN:
                return found
            why.extend(found.why)
        return _Finding(RevocationStatus.UNKNOWN, why=tuple(why))

    async def _answered(self, response: OcspResponse, path: tuple[Certificate, ...], place: int, url: str) -> _Finding:
        """What a response says (section 3.2 of RFC 6960)."""
        certificate, issuer = path[place], path[place + 1]
        answer = response.answer_for(certificate, issuer)
        if answer is None:
            return _unknown("the OCSP response is about another certificate")
        if answer.stale_at(self._at):
            return _unknown("the OCSP response is out of date")
        if not self._spend():
            return _unknown("there are too many signatures to verify")
        responder, why = response.signer(issuer, working_keys(path)[place + 1], self._algorithms)
        if responder is None:
            return _unknown(f"the OCSP response does not count: {why}")
        if responder != issuer and responder.extension(ext.OCSP_NO_CHECK) is None:
            # Whoever does not vouch for it as long as it is valid may have revoked it (section 4.2.2.2.1).
            listed = await self._by_lists((responder, *path[place + 1 :]), 0)
            if listed.status is RevocationStatus.REVOKED:
                return _unknown("the certificate of the OCSP responder was revoked")
        source = RevocationSource(
            "OCSP", name_in_words(responder.subject_der), url, answer.this_update, answer.next_update
        )
        if answer.entry is not None:
            return self._revoked_or_good(answer.entry, source)
        if answer.status == "unknown":
            return _unknown("the OCSP responder does not know it")
        end = certificate.not_after
        if answer.this_update > end and not (answer.archive_cutoff is not None and answer.archive_cutoff <= end):
            return _unknown("the OCSP response is of after its expiry")
        return _Finding(RevocationStatus.GOOD, source=source)

    def _revoked_or_good(self, entry: Entry, source: RevocationSource) -> _Finding:
        if entry.counts_at(self._at):
            return _Finding(RevocationStatus.REVOKED, entry, source=source)
        return _Finding(RevocationStatus.GOOD, source=source)

    # -- CRLs (RFC 5280 section 6.3.3) -----------------------------------------------------------------------

    async def _by_lists(self, path: tuple[Certificate, ...], place: int) -> _Finding:
        certificate = path[place]
        why: list[str] = []
        for url in dict.fromkeys(_crl_urls(certificate)):
            await self._fetch_list(url, why)
        known: set[str] = set()
        source: RevocationSource | None = None
        found_any = False
        points = (*certificate.distribution_points[: self._limits.points], default_point(certificate))
        for point in points:
            seen: set[bytes] = set()
            for crl in sorted(self._lists, key=lambda one: one.this_update, reverse=True):
                told = point.reasons & crl.scope.reasons
                if crl.is_delta or crl.scope_der in seen or told <= known or not in_scope(certificate, point, crl):
                    continue
                found_any = True
                found = await self._listed(crl, path, place, delegated=bool(point.issuers))
                if found.status is RevocationStatus.REVOKED:
                    return found
                if found.status is RevocationStatus.GOOD:
                    seen.add(crl.scope_der)  # an older one of the same scope has nothing to add
                    known |= told
                    source = found.source
                why.extend(found.why)
            if known >= ALL_REASONS:
                return _Finding(RevocationStatus.GOOD, source=source)
        if known:
            why.append("the CRLs do not tell all reasons")
        elif not found_any and self._lists:
            why.append("there is no CRL for it")
        return _Finding(RevocationStatus.UNKNOWN, why=tuple(why))

    async def _listed(
        self, crl: RevocationList, path: tuple[Certificate, ...], place: int, *, delegated: bool
    ) -> _Finding:
        """What one complete CRL of the right scope says, with its newest delta CRL."""
        certificate = path[place]
        trouble = await _in_thread_if_large(crl, lambda: self._unusable(crl))
        if trouble:
            return _unknown(f"the CRL of {crl.issuer} {trouble}")
        key, why = await self._signer(crl, path, place, delegated=delegated)
        if key is None:
            return _unknown(f"the CRL of {crl.issuer} does not count: {why}")
        try:
            entry: Entry | None = None
            removed = False
            delta = await self._delta(crl, key)
            if delta is not None:
                entry = delta.find(certificate)
                removed = entry is not None and entry.reason == "removeFromCRL"
            if entry is None:
                entry = await _in_thread_if_large(crl, lambda: crl.find(certificate))
        except InputError as error:
            return _unknown(str(error))
        newest = crl if delta is None else delta
        source = RevocationSource("CRL", name_in_words(crl.issuer_der), "", newest.this_update, newest.next_update)
        if entry is not None and not removed and entry.reason != "removeFromCRL":
            return self._revoked_or_good(entry, source)
        end = certificate.not_after
        if crl.this_update > end and not (crl.expired_since is not None and crl.expired_since <= end):
            return _unknown(f"the CRL of {crl.issuer} is of after its expiry")
        return _Finding(RevocationStatus.GOOD, source=source)

    def _unusable(self, crl: RevocationList) -> str:
        if crl.defects:
            return f"cannot be used: {crl.defects[0]}"
        if crl.next_update is None or crl.next_update < self._at:
            return "is out of date"
        return ""

    async def _signer(
        self, crl: RevocationList, path: tuple[Certificate, ...], place: int, *, delegated: bool
    ) -> tuple[PublicKey | None, str]:
        """The key that signed a CRL and may (section 6.3.3 (f) and (g)), or why there is none.

        An issuer of CRLs may be told of in its own, where its authority names it for that (`delegated`): nobody else
        then issues a CRL about it.
        """
        why = "it is signed by nobody who is known"
        keys = working_keys(path)
        for above in range(place + 1, len(path)):
            signer = path[above]
            if signer.subject_key != crl.issuer_key or not await self._is_signed(crl, keys[above]):
                continue
            if not _may_sign(signer):
                why = f"the key of {name_of(signer)} is not for signing CRLs"
                continue
            return self._strong(crl, keys[above])
        for signer in dict.fromkeys(self._validator.candidates):
            if signer.subject_key != crl.issuer_key or signer in path[place + 1 :]:
                continue
            if not await self._is_signed(crl, signer.public_key):
                continue
            own = delegated and signer == path[place]
            trouble = "" if own and _may_sign(signer) else await self._trouble(signer, path[-1])
            if not trouble:
                return self._strong(crl, signer.public_key)
            why = trouble
        return None, why

    async def _trouble(self, signer: Certificate, anchor: Certificate) -> str:
        """Why a certificate beside the path may not sign CRLs; it must lead to the same anchor."""
        rules = PathRules(usages=frozenset({"cRLSign"}), purposes=frozenset(), algorithms=self._algorithms)
        validator = PathValidator(self._validator.candidates, (anchor,), self._at, rules=rules)
        result = validator.validate(signer)
        if result.failure is not None:
            return result.sentence
        found = await self._path(result.path)
        return "" if found.status is RevocationStatus.GOOD else found.sentence

    def _strong(self, crl: RevocationList, key: PublicKey) -> tuple[PublicKey | None, str]:
        assert crl.scheme is not None
        judged = self._algorithms.signature(crl.scheme, key, use="certificate")
        return (None, judged.sentence) if judged.status is Status.REFUSED else (key, "")

    async def _is_signed(self, crl: RevocationList, key: PublicKey) -> bool:
        right = self._checked.get((crl, key))
        if right is None:
            if not self._spend():
                return False
            right = await _in_thread_if_large(crl, lambda: crl.is_signed_by(key))
            self._checked[crl, key] = right
        return right

    async def _delta(self, crl: RevocationList, key: PublicKey) -> RevocationList | None:
        """The newest delta CRL that goes with a complete one (section 5.2.4)."""
        why: list[str] = []
        for point in crl.freshest[: self._limits.points]:
            for url in _urls_of(point):
                await self._fetch_list(url, why)
        for delta in sorted(self._lists, key=lambda one: one.this_update, reverse=True):
            if delta.base_number is None or delta.number is None or crl.number is None:
                continue
            if (delta.issuer_key, delta.scope_der) != (crl.issuer_key, crl.scope_der):
                continue
            if delta.key_identifier != crl.key_identifier or not delta.base_number <= crl.number < delta.number:
                continue
            if not self._unusable(delta) and await self._is_signed(delta, key):
                return delta
        return None

    # -- documents -------------------------------------------------------------------------------------------

    def _spend(self) -> bool:
        """Takes one signature from those that may be verified."""
        self._signatures -= 1
        return self._signatures >= 0

    def _add(self, crl: RevocationList) -> None:
        if len(self._lists) < self._limits.lists:
            self._lists[crl] = None

    async def _fetch_list(self, url: str, why: list[str]) -> None:
        fresh = (url, None) not in self._fetched
        document = await self._fetch(url, None, self._limits.list_octets)
        if isinstance(document, str):
            why.append(document)
        elif fresh:
            try:
                self._add(RevocationList(document, self._limits))
            except InputError as error:
                self._fetched[url, None] = f"at {url}: {error}"
                why.append(f"at {url}: {error}")

    async def _fetch(self, url: str, data: bytes | None, limit: int) -> bytes | str:
        """A document, or why there is none."""
        found = self._fetched.get((url, data))
        if found is not None:
            return found
        if self._fetcher is None:
            return "nothing is fetched"
        if len(self._fetched) == self._limits.fetches or self._octets > self._limits.octets:
            return "there are too many documents to fetch"
        try:
            document = await self._fetcher.fetch(url, data=data, limit=limit)
            self._octets += len(document.octets)
            found = document.octets if document.status == 200 else f"{url} gave the status {document.status}"
        except TemporaryError as error:
            found = str(error)
        self._fetched[url, data] = found
        return found


def _may_sign(certificate: Certificate) -> bool:
    return certificate.key_usage is None or "cRLSign" in certificate.key_usage


def _unknown(why: str) -> _Finding:
    return _Finding(RevocationStatus.UNKNOWN, why=(why,))


def _revoked(certificate: Certificate, entry: Entry) -> str:
    reason = "" if entry.reason == "unspecified" else f" ({entry.reason})"
    return f"the certificate {name_of(certificate)} was revoked on {entry.at:%Y-%m-%d}{reason}"


def _crl_urls(certificate: Certificate) -> Iterable[str]:
    for point in (*certificate.distribution_points, *certificate.freshest_crl):
        yield from _urls_of(point)


def _urls_of(point: ext.DistributionPoint) -> Iterable[str]:
    uris = () if point.names is None else point.names.uris
    return (uri for uri in uris if uri.lower().startswith(("http://", "https://")))


async def _in_thread_if_large(crl: RevocationList, work: Callable[[], _T]) -> _T:
    """Does what takes long for a long list in a thread, so that the event loop goes on."""
    return work() if len(crl.der) < _LARGE else await asyncio.to_thread(work)
