"""For authors of plugins: contexts and resolvers to test with, without network, clock or files.

    from mailsec import parse
    from mailsec.testing import make_context, run_verifier

    async def test_my_verifier():
        context = make_context(zone='s1._domainkey.example.org. TXT "v=DKIM1; p=…"', at="2026-05-01T12:00:00Z")
        results = await run_verifier(MY_VERIFIER, parse(octets), context)
        assert results[0].result == "pass"

A context made here satisfies `mailsec.hooks.Context`, `SealingContext`, `OpenerContext` and `ProtectorContext`.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from mailsec.errors import DnsTemporaryError, FetchError
from mailsec.hooks.types import (
    AuthResult,
    Correspondents,
    DnsAnswer,
    DnsStatus,
    Envelope,
    Fetched,
    Fetcher,
    KeyRing,
    Moment,
    Opened,
    Opener,
    Resolver,
    Sealer,
    TrustStore,
    Verification,
    Verifier,
)

if TYPE_CHECKING:
    from mailsec.crypto import Certificate
    from mailsec.message import HeaderSection, Message, Part

__all__ = [
    "CountingResolver",
    "FailingResolver",
    "TestContext",
    "make_context",
    "make_resolver",
    "run_opener",
    "run_sealer",
    "run_verifier",
]


def make_resolver(zone: str = "") -> Resolver:
    """A resolver that answers from a master file and knows nothing else (see `mailsec.net.zone`).

    Args:
        zone: the master file's text; indentation that all its lines share is taken off.

    Raises:
        InputError: the text is no master file.
    """
    from mailsec.net.zone import ZoneResolver

    return ZoneResolver(inspect.cleandoc(zone), "zone")


class FailingResolver:
    """A resolver that has trouble with some names, which a master file cannot express.

    Args:
        zone: what it answers from for all other names: a master file's text, or a resolver.
        servfail: names for which the answer is SERVFAIL.
        timeout: names for which no answer comes; the error is raised at once, no time passes.
        hang: names for which no answer comes and time does pass: until the caller gives up.
        everything: whether every name is treated as those of `servfail`.

    Example:
        >>> resolver = FailingResolver(servfail=["s1._domainkey.example.org"])
        >>> asyncio.run(resolver.query("s1._domainkey.example.org", "TXT"))
        Traceback (most recent call last):
        mailsec.errors.DnsTemporaryError: DNS gave no answer for s1._domainkey.example.org TXT: SERVFAIL
    """

    def __init__(
        self,
        zone: str | Resolver = "",
        *,
        servfail: Iterable[str] = (),
        timeout: Iterable[str] = (),
        hang: Iterable[str] = (),
        everything: bool = False,
    ) -> None:
        self._inner = make_resolver(zone) if isinstance(zone, str) else zone
        self._faults = dict.fromkeys(map(_plain, servfail), "SERVFAIL")
        self._faults |= dict.fromkeys(map(_plain, timeout), "time-out")
        self._hang = frozenset(map(_plain, hang))
        self._everything = everything

    async def query(self, name: str, rdtype: str) -> DnsAnswer:
        """Fails for the names it was made for and answers all others (see `mailsec.hooks.Resolver.query`).

        Raises:
            DnsTemporaryError: the name is one of `servfail` or `timeout`.
        """
        plain = _plain(name)
        if plain in self._hang:
            await asyncio.Event().wait()
        why = "SERVFAIL" if self._everything else self._faults.get(plain)
        if why is not None:
            raise DnsTemporaryError(plain, rdtype.upper(), why)
        return await self._inner.query(name, rdtype)


class CountingResolver:
    """A resolver that notes what it is asked.

    Args:
        zone: what it answers from: a master file's text, or a resolver.

    Attributes:
        questions: each question asked, as `(name, rdtype)`, in order.
    """

    def __init__(self, zone: str | Resolver = "") -> None:
        self._inner = make_resolver(zone) if isinstance(zone, str) else zone
        self.questions: list[tuple[str, str]] = []

    async def query(self, name: str, rdtype: str) -> DnsAnswer:
        """Notes the question and answers it (see `mailsec.hooks.Resolver.query`)."""
        self.questions.append((_plain(name), rdtype.upper()))
        return await self._inner.query(name, rdtype)


class _EmptyResolver:
    """Nothing exists."""

    async def query(self, name: str, rdtype: str) -> DnsAnswer:
        return DnsAnswer(_plain(name), rdtype.upper(), DnsStatus.NO_NAME, ttl=300)


class _Documents:
    """A fetcher that has some documents and fetches nothing."""

    def __init__(self, documents: Mapping[str, bytes]) -> None:
        self._documents = dict(documents)

    async def fetch(self, url: str, *, data: bytes | None = None, limit: int = 1 << 20) -> Fetched:
        del data
        octets = self._documents.get(url)
        if octets is None:
            raise FetchError(f"{url} is not among the documents of this context")
        if len(octets) > limit:
            raise FetchError(f"{url} has more than {limit} octets")
        return Fetched(url, 200, "application/octet-stream", octets)


class _Correspondents:
    """Those whose certificates a test gives, and what they have announced."""

    def __init__(self, certificates: Sequence[Certificate], capabilities: Mapping[str, Sequence[str]]) -> None:
        self._certificates = tuple(certificates)
        self._capabilities = {address: tuple(names) for address, names in capabilities.items()}

    def certificates(self, address: str) -> Sequence[Certificate]:
        from mailsec.message import same_address

        return tuple(one for one in self._certificates if any(same_address(address, name) for name in one.emails))

    def capabilities(self, address: str) -> tuple[str, ...]:
        from mailsec.message import same_address

        return next((names for name, names in self._capabilities.items() if same_address(address, name)), ())


@dataclass(frozen=True, slots=True)
class TestContext:
    """A context to test with; `make_context` makes it. Its attributes are those of the protocols."""

    __test__ = False  # pytest looks for classes that are called Test…

    resolver: Resolver
    fetcher: Fetcher
    trust: TrustStore
    moment: Moment
    deadline: float
    results: tuple[AuthResult, ...]
    envelope: Envelope
    settings: Any
    keys: KeyRing
    correspondents: Correspondents
    around_message: bool
    fetch_issuers: bool
    _header: HeaderSection | None

    def remaining(self) -> float:
        """Seconds left until the deadline; never negative."""
        return max(0.0, self.deadline - time.monotonic())

    @property
    def header(self) -> HeaderSection:
        """The header section of the message in transit.

        Raises:
            LookupError: `make_context` was given none.
        """
        if self._header is None:
            raise LookupError("this context has no header section: give make_context(header=…)")
        return self._header


def make_context(
    *,
    zone: str | Resolver = "",
    at: datetime | str | None = None,
    anchors: Sequence[Certificate] = (),
    keys: KeyRing | None = None,
    settings: Any = None,
    results: Sequence[AuthResult] = (),
    header: HeaderSection | bytes | None = None,
    around_message: bool = True,
    fetch_issuers: bool = False,
    envelope: Envelope | None = None,
    documents: Mapping[str, bytes] | None = None,
    recipients: Sequence[Certificate] = (),
    capabilities: Mapping[str, Sequence[str]] | None = None,
    seconds: float = 30.0,
) -> TestContext:
    """Makes what a plugin is handed.

    Args:
        zone: a master file's text (class and TTL optional), or a resolver such as a `FailingResolver`.
        at: the time at which to judge, aware or in RFC 3339; the clock's time if `None`.
        anchors: the trust anchors.
        keys: a key ring; an empty one if `None`.
        settings: an instance of the plugin's settings dataclass.
        results: the results of the verifiers that come before.
        header: the header section of the message in transit, parsed or as octets, for openers.
        around_message: whether the part that an opener is to open is wrapped around the whole message.
        fetch_issuers: whether the user has asked that issuers' certificates are fetched which are missing.
        envelope: the SMTP transaction, as far as it is known.
        documents: what the fetcher has, by URL; it fetches nothing else.
        recipients: the certificates of those who may be written to, for protectors.
        capabilities: the content encryption that an address has announced, by address.
        seconds: the time until the deadline.

    Raises:
        InputError: the zone is no master file.
        ValueError: `at` is no aware time.
    """
    from mailsec.crypto import StaticTrust
    from mailsec.pipeline.context import no_keys

    if isinstance(at, str):
        at = datetime.fromisoformat(at)
    if at is not None and at.tzinfo is None:
        raise ValueError("the time needs an offset from UTC")
    moment = Moment(datetime.now(UTC)) if at is None else Moment(at.astimezone(UTC), "chosen")
    if isinstance(header, bytes):
        from mailsec.message import parse_header

        header = parse_header(header)
    resolver: Resolver = (make_resolver(zone) if zone else _EmptyResolver()) if isinstance(zone, str) else zone
    return TestContext(
        resolver=resolver,
        fetcher=_Documents(documents or {}),
        trust=StaticTrust(anchors),
        moment=moment,
        deadline=time.monotonic() + seconds,
        results=tuple(results),
        envelope=envelope or Envelope(),
        settings=settings,
        keys=keys or no_keys("this key ring holds no key for {}"),
        correspondents=_Correspondents(recipients, capabilities or {}),
        around_message=around_message,
        fetch_issuers=fetch_issuers,
        _header=header,
    )


async def run_verifier(
    verifier: Verifier, message: Message, context: TestContext, *, chunk: int | None = None
) -> tuple[AuthResult, ...]:
    """Runs a verifier of either form over a message, as the runner does but without its protection.

    Args:
        verifier: the descriptor that the hook returns.
        message: the message.
        context: from `make_context`.
        chunk: how many octets to feed at a time to a verifier of the incremental form; all at once if `None`.

    Raises:
        Exception: whatever the verifier raises.
    """
    if verifier.verify is not None:
        verify = cast("Callable[[Message, TestContext], Any]", verifier.verify)
        found = verify(message, context)
        return tuple(await found if isinstance(found, Awaitable) else found)
    if verifier.start is None:
        raise ValueError(f"the verifier {verifier.name} has neither verify nor start")
    started = verifier.start(message.header, context)
    if not hasattr(started, "finish"):
        return tuple(started)
    work = cast("Verification", started)
    for piece in _pieces(message.body, chunk):
        work.feed(piece)
    return tuple(await work.finish())


async def run_opener(opener: Opener, part: Part, context: TestContext) -> Opened | None:
    """Runs an opener over a part, as the runner does but without its protection.

    Args:
        opener: the descriptor that the hook returns.
        part: the part, such as `parse(octets).root`.
        context: from `make_context`, with `header` where the opener looks at the author.

    Returns:
        What the opener found; `None` where the part is not its own, or not of its content types.

    Raises:
        Exception: whatever the opener raises.
    """
    if part.content_type not in opener.content_types:
        return None
    found = opener.open(part, context)
    return await found if isinstance(found, Awaitable) else found


async def run_sealer(
    sealer: Sealer, message: Message, context: TestContext, *, chunk: int | None = None
) -> tuple[bytes, ...]:
    """Runs a sealer over a message and gives the header fields to insert at the top, the topmost first.

    Args:
        sealer: the descriptor that the hook returns.
        message: the message as it will leave.
        context: from `make_context`, with `keys`.
        chunk: how many octets to feed at a time; all at once if `None`.
    """
    work = sealer.start(message.header, context)
    if work is None:
        return ()
    for piece in _pieces(message.body, chunk):
        work.feed(piece)
    return tuple(await work.finish())


def _pieces(body: memoryview, chunk: int | None) -> Iterable[memoryview]:
    if chunk is None:
        return (body,)
    return (body[start : start + chunk] for start in range(0, len(body), chunk))


def _plain(name: str) -> str:
    return name.lower().removesuffix(".")
