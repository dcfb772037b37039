"""What a plugin is handed while it checks a message, and the record of what it reads there.

A context is made for each run of a verifier or opener. Its services are thin wrappers over those of the
program; what goes through them is noted as evidence. Answers of DNS and of the fetcher are shared among all that
run over one message, so that two verifiers asking the same cost one look-up.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from mailsec.errors import DnsTemporaryError, FetchError, KeyFileError, MailsecError, TemporaryError
from mailsec.hooks.types import (
    Anchors,
    AuthResult,
    Correspondents,
    DnsAnswer,
    DnsFailure,
    Envelope,
    Evidence,
    Fact,
    Fetched,
    Fetcher,
    Identity,
    KeyRing,
    Moment,
    Resolver,
    TrustOrigins,
    TrustStore,
)

if TYPE_CHECKING:
    from mailsec.crypto import Certificate, KeyTransport, PublicKey, SignatureScheme
    from mailsec.message import HeaderSection

__all__ = [
    "NO_CORRESPONDENTS",
    "NO_FETCHER",
    "NO_KEYS",
    "KeyedContext",
    "PartContext",
    "PlainContext",
    "ProtectorContext",
    "Services",
    "Shared",
    "no_keys",
    "not_fetched",
    "read_not_fetched",
]

T = TypeVar("T")


class _NoFetcher:
    """A fetcher that fetches nothing."""

    async def fetch(self, url: str, *, data: bytes | None = None, limit: int = 1 << 20) -> Fetched:
        del data, limit
        raise FetchError(f"{url} was not fetched: nothing may be fetched here")


class _NoTrust:
    """A trust store without anchors."""

    def anchors(self) -> Sequence[Certificate]:
        return ()

    def trusted_for(self, address: str) -> Sequence[Certificate]:
        del address
        return ()


class _NoKeys:
    """A key ring without keys."""

    def __init__(self, sentence: str) -> None:
        self._sentence = sentence

    def identities(self, name: str | None = None) -> Sequence[Identity]:
        del name
        return ()

    def sign(self, identity: Identity, scheme: SignatureScheme, octets: bytes) -> bytes:
        del scheme, octets
        raise self._error(identity)

    def decrypt_key(self, identity: Identity, scheme: KeyTransport, octets: bytes, length: int) -> bytes:
        del scheme, octets, length
        raise self._error(identity)

    def agree(self, identity: Identity, peer: PublicKey) -> bytes:
        del peer
        raise self._error(identity)

    def decapsulate(self, identity: Identity, octets: bytes) -> bytes:
        del octets
        raise self._error(identity)

    def _error(self, identity: Identity) -> KeyFileError:
        return KeyFileError(self._sentence.format(identity.name))


class _NoCorrespondents:
    """Nobody is known."""

    def certificates(self, address: str) -> Sequence[Certificate]:
        del address
        return ()

    def capabilities(self, address: str) -> tuple[str, ...]:
        del address
        return ()


def no_keys(sentence: str = "there is no private key for {}") -> KeyRing:
    """A key ring without keys.

    Args:
        sentence: what whoever asks for a key is told, with `{}` for the name of the identity.
    """
    return _NoKeys(sentence)


NO_FETCHER: Fetcher = _NoFetcher()
NO_TRUST: TrustStore = _NoTrust()
NO_KEYS: KeyRing = no_keys()
NO_CORRESPONDENTS: Correspondents = _NoCorrespondents()


@dataclass(frozen=True, slots=True)
class Services:
    """The services of the program that plugins use, each as its protocol in `mailsec.hooks` says.

    Attributes:
        resolver: answers DNS questions.
        fetcher: fetches documents; by default none.
        trust: the trust anchors; by default none.
        keys: the private keys; openers, protectors and sealers alone see them.
        correspondents: what is known of recipients; by default nothing.
    """

    resolver: Resolver
    fetcher: Fetcher = NO_FETCHER
    trust: TrustStore = NO_TRUST
    keys: KeyRing = NO_KEYS
    correspondents: Correspondents = NO_CORRESPONDENTS


class _Once(Generic[T]):
    """Asks each question once, however many want to know, and remembers the answer or the trouble.

    Whoever asks first does the asking, in its own task. Should it be cancelled, one of those that wait takes over.
    """

    __slots__ = ("_known", "_waiting")

    def __init__(self) -> None:
        self._known: dict[object, T | TemporaryError] = {}
        self._waiting: dict[object, list[asyncio.Future[None]]] = {}

    async def get(self, question: object, ask: Callable[[], Awaitable[T]]) -> T:
        while question not in self._known:
            if question in self._waiting:
                waiter = asyncio.get_running_loop().create_future()
                self._waiting[question].append(waiter)
                await waiter
                continue
            self._waiting[question] = []
            try:
                self._known[question] = await ask()
            except TemporaryError as error:
                self._known[question] = error
            finally:
                for waiter in self._waiting.pop(question):
                    if not waiter.done():
                        waiter.set_result(None)
        answer = self._known[question]
        if isinstance(answer, TemporaryError):
            # each asker gets it with a traceback of its own
            raise answer.with_traceback(None)
        return answer


class Shared:
    """What all that run over one message share. It leads to no private key.

    Attributes:
        deadline: the end of the check's time, on the clock of `time.monotonic()`.
        moment: the time at which to judge.
        envelope: the SMTP transaction.
        fetch_issuers: whether the user has asked that issuers' certificates are fetched which are missing.
    """

    __slots__ = (
        "_answers",
        "_documents",
        "deadline",
        "envelope",
        "fetch_issuers",
        "fetcher",
        "moment",
        "resolver",
        "trust",
    )

    def __init__(
        self,
        services: Services,
        moment: Moment,
        envelope: Envelope,
        deadline: float,
        *,
        fetch_issuers: bool = False,
    ) -> None:
        self.resolver = services.resolver
        self.fetcher = services.fetcher
        self.trust = services.trust
        self.moment = moment
        self.envelope = envelope
        self.deadline = deadline
        self.fetch_issuers = fetch_issuers
        self._answers: _Once[DnsAnswer] | None = None
        self._documents: _Once[Fetched] | None = None

    @property
    def answers(self) -> _Once[DnsAnswer]:
        """The DNS answers so far."""
        if self._answers is None:
            self._answers = _Once()
        return self._answers

    @property
    def documents(self) -> _Once[Fetched]:
        """The documents fetched so far."""
        if self._documents is None:
            self._documents = _Once()
        return self._documents


class _Recorder:
    """Notes evidence for one run, and which questions have no answer yet."""

    __slots__ = ("open_questions", "read", "shared")

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.read: dict[object, Evidence | Callable[[], Evidence]] = {}
        self.open_questions: dict[tuple[str, str], None] = {}

    def evidence(self) -> tuple[Evidence, ...]:
        noted = tuple(one() if callable(one) else one for one in list(self.read.values()))
        late = tuple(DnsFailure(name, rdtype, "no answer in time") for name, rdtype in self.open_questions)
        return noted + late


class _RecordingResolver:
    __slots__ = ("_recorder",)

    def __init__(self, recorder: _Recorder) -> None:
        self._recorder = recorder

    async def query(self, name: str, rdtype: str) -> DnsAnswer:
        recorder = self._recorder
        question = (name.lower().removesuffix("."), rdtype.upper())
        recorder.open_questions[question] = None
        try:
            answer = await recorder.shared.answers.get(question, lambda: recorder.shared.resolver.query(name, rdtype))
        except DnsTemporaryError as error:
            recorder.open_questions.pop(question, None)
            recorder.read[question] = DnsFailure(*question, error.why)
            raise
        except TemporaryError as error:
            recorder.open_questions.pop(question, None)
            recorder.read[question] = DnsFailure(*question, str(error))
            raise
        recorder.open_questions.pop(question, None)
        recorder.read[question] = answer
        return answer


_REQUEST = " (asked with "


def not_fetched(url: str, request: str, why: str) -> tuple[str, str]:
    """Name and value of the fact that a document could not be fetched.

    Args:
        url: where it was to be.
        request: the SHA-256 of the request body in hexadecimal; empty where there was none.
        why: why it could not be.
    """
    asked = f"{_REQUEST}{request})" if request else ""
    return "not fetched", f"{url}{asked}: {why}"


def read_not_fetched(value: str) -> tuple[str, str, str]:
    """Reads back the value that `not_fetched` gave: URL, request and why."""
    place, _, why = value.partition(": ")
    url, _, request = place.partition(_REQUEST)
    return url, request.removesuffix(")"), why


class _RecordingFetcher:
    __slots__ = ("_recorder",)

    def __init__(self, recorder: _Recorder) -> None:
        self._recorder = recorder

    async def fetch(self, url: str, *, data: bytes | None = None, limit: int = 1 << 20) -> Fetched:
        recorder = self._recorder
        request = "" if data is None else hashlib.sha256(data).hexdigest()
        question = ("fetch", url, request, limit)
        fetcher = recorder.shared.fetcher
        try:
            document = await recorder.shared.documents.get(question, lambda: fetcher.fetch(url, data=data, limit=limit))
        except TemporaryError as error:
            recorder.read[question] = Fact(*not_fetched(url, request, str(error)))
            raise
        recorder.read[question] = replace(document, request=request) if request else document
        return document


class _RecordingTrust:
    __slots__ = ("_recorder",)

    def __init__(self, recorder: _Recorder) -> None:
        self._recorder = recorder

    def anchors(self) -> Sequence[Certificate]:
        found = self._recorder.shared.trust.anchors()
        # the fingerprints are worked out only when somebody looks at the evidence
        trust = self._recorder.shared.trust
        self._recorder.read["trust"] = lambda: _anchors(found, trust)
        return found

    def trusted_for(self, address: str) -> Sequence[Certificate]:
        found = self._recorder.shared.trust.trusted_for(address)
        if found:
            self._recorder.read["trust", address] = _anchors(found, self._recorder.shared.trust, address)
        return found


def _anchors(found: Sequence[Certificate], trust: TrustStore, address: str = "") -> Anchors:
    """Anchors as evidence, with where they come from as far as the trust store knows."""
    fingerprints = tuple(one.fingerprint for one in found)
    origins: Mapping[str, str] = {}
    with suppress(MailsecError):  # that it cannot be told costs nothing
        origins = trust.origins() if isinstance(trust, TrustOrigins) else {}
    known = ((one, origins[one]) for one in fingerprints if one in origins) if origins else ()
    return Anchors(fingerprints, address, tuple(known))


class PlainContext:
    """What a verifier is handed: `mailsec.hooks.Context`. It leads to no private key.

    Args:
        shared: what it shares with the others that run over this message.
        settings: an instance of the plugin's settings dataclass, or `None`.
        sources: those whose results may be read, each with an attribute `results`.

    Attributes:
        due: the end of this one's own time, where it is known; the deadline is never after that of the check.
    """

    __slots__ = ("_recorder", "_shared", "_sources", "due", "settings")

    def __init__(self, shared: Shared, settings: Any, sources: Sequence[Any]) -> None:
        self._shared = shared
        self._sources = sources
        self._recorder: _Recorder | None = None
        self.settings = settings
        self.due: float | None = None

    def _record(self) -> _Recorder:
        if self._recorder is None:
            self._recorder = _Recorder(self._shared)
        return self._recorder

    @property
    def resolver(self) -> Resolver:
        """DNS."""
        return _RecordingResolver(self._record())

    @property
    def fetcher(self) -> Fetcher:
        """Documents over HTTP."""
        return _RecordingFetcher(self._record())

    @property
    def trust(self) -> TrustStore:
        """The trust anchors."""
        return _RecordingTrust(self._record())

    @property
    def moment(self) -> Moment:
        """The time at which to judge."""
        moment = self._shared.moment
        self._record().read["moment"] = moment
        return moment

    @property
    def deadline(self) -> float:
        """The end of the time, on the clock of `time.monotonic()`."""
        return self._shared.deadline if self.due is None else min(self.due, self._shared.deadline)

    def remaining(self) -> float:
        """Seconds left until the deadline; never negative."""
        return max(0.0, self.deadline - time.monotonic())

    @property
    def results(self) -> Sequence[AuthResult]:
        """The results, so far, of those that come before."""
        return tuple(result for source in self._sources for result in source.results)

    @property
    def envelope(self) -> Envelope:
        """The SMTP transaction, as far as it is known."""
        return self._shared.envelope

    def evidence(self) -> tuple[Evidence, ...]:
        """What was read here so far."""
        return () if self._recorder is None else self._recorder.evidence()

    def waits_for_dns(self) -> tuple[str, str] | None:
        """A DNS question that has no answer yet, as name and record type."""
        if self._recorder is None:
            return None
        return next(iter(self._recorder.open_questions), None)


class KeyedContext(PlainContext):
    """What sealers are handed: `mailsec.hooks.SealingContext`."""

    __slots__ = ("keys",)

    def __init__(self, shared: Shared, settings: Any, keys: KeyRing) -> None:
        super().__init__(shared, settings, ())
        self.keys = keys


class PartContext(KeyedContext):
    """What openers are handed: `mailsec.hooks.OpenerContext`."""

    __slots__ = ("around_message", "fetch_issuers", "header")

    def __init__(
        self,
        shared: Shared,
        settings: Any,
        keys: KeyRing,
        header: HeaderSection,
        around_message: bool = True,
        *,
        malleable: bool = False,
    ) -> None:
        super().__init__(shared, settings, keys)
        self.header = header
        self.around_message = around_message
        # a URL in what may have been put together out of a ciphertext would carry the plaintext away (EFAIL)
        self.fetch_issuers = shared.fetch_issuers and not malleable


class ProtectorContext(KeyedContext):
    """What protectors are handed: `mailsec.hooks.ProtectorContext`."""

    __slots__ = ("correspondents",)

    def __init__(self, shared: Shared, settings: Any, keys: KeyRing, correspondents: Correspondents) -> None:
        super().__init__(shared, settings, keys)
        self.correspondents = correspondents
