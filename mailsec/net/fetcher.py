"""Fetching the documents that a check needs (CRLs, OCSP answers, issuers' certificates) over HTTP.

What a certificate names is somebody else's word, so a fetch goes to public addresses only: a host's name is looked up
once, and the connection goes to the very address that was judged, so that a name server that changes its mind gains
nothing. Redirects are judged like the first URL. Proxies, cookies and authentication do not exist here.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Callable, Sequence
from ipaddress import ip_address
from typing import TypeAlias
from urllib.parse import urljoin

from mailsec.errors import DnsTemporaryError, FetchError
from mailsec.hooks.types import Fetched, Resolver
from mailsec.net.cache import TtlCache
from mailsec.net.destinations import Address, Destination, Network, may_be_reached, parse_url
from mailsec.net.http import LINE_OCTETS, Answer, HttpError, encode_request, freshness, read_answer
from mailsec.net.sharing import SharedWork

__all__ = ["HttpFetcher"]

LIFETIME = 10.0
"""Seconds that a fetch may take, redirects and all."""

CONNECT = 4.0
"""Seconds to wait for one address before the next one is tried."""

ADDRESSES = 4
"""Addresses of one host that are tried."""

REDIRECTS = 3
"""Redirects that are followed."""

CACHE_OCTETS = 64 << 20
"""Octets of documents that are kept in memory."""

MAX_TTL = 86_400
"""Seconds for which a document is kept at most."""

FAILURE_TTL = 60
"""Seconds for which trouble is kept, so that a folder of mail does not wait for each message."""

_REDIRECTIONS = frozenset({301, 302, 303, 307, 308})
_Key: TypeAlias = tuple[str, bytes | None, int]


class HttpFetcher:
    """Fetches documents over HTTP and keeps them while they are valid; implements `mailsec.hooks.Fetcher`.

    A document is kept for as long as its answer says, and where it is a CRL or an OCSP response not beyond its next
    update. Concurrent identical fetches share one, which lives on when one of its askers gives up.

    Args:
        resolver: looks up the names of hosts.
        allowed: networks that may be reached although they are not public; none by default.
        lifetime: seconds that a fetch may take.
        clock: seconds that only grow, for the cache.
        wall_clock: seconds since 1970, for what is valid until when.
        context: how TLS is spoken; by default with the system's trust anchors.
    """

    def __init__(
        self,
        resolver: Resolver,
        *,
        allowed: Sequence[Network] = (),
        lifetime: float = LIFETIME,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._resolver = resolver
        self._allowed = tuple(allowed)
        self._lifetime = lifetime
        self._wall_clock = wall_clock
        self._context = context
        self._cache: TtlCache[_Key, Fetched | str] = TtlCache(CACHE_OCTETS, clock, weight=_weight)
        self._under_way: SharedWork[_Key, Fetched] = SharedWork(self._fetch)

    async def fetch(self, url: str, *, data: bytes | None = None, limit: int = 1 << 20) -> Fetched:
        """Fetches one document (see `mailsec.hooks.Fetcher.fetch`).

        Raises:
            FetchError: it could not be had whole, or the rules of trust do not allow it.
        """
        key = (url, data, limit)
        kept = self._cache.get(key)
        if kept is not None:
            if isinstance(kept[0], str):
                raise FetchError(kept[0])
            return kept[0]
        try:
            return await self._under_way.get(key)
        except FetchError as error:
            raise FetchError(str(error)) from None

    async def close(self) -> None:
        """Ends the fetches that are still under way."""
        await self._under_way.close()

    async def _fetch(self, key: _Key) -> Fetched:
        url, data, limit = key
        try:
            async with asyncio.timeout(self._lifetime):
                answer = await self._follow(url, data, limit)
            if answer.status != 200:
                raise FetchError(f"{url} was answered with the status {answer.status}")
        except FetchError as error:
            self._cache.put(key, str(error), FAILURE_TTL)
            raise
        except TimeoutError:
            why = f"{url} was not there within {self._lifetime:g} seconds"
            self._cache.put(key, why, FAILURE_TTL)
            raise FetchError(why) from None
        document = Fetched(url, answer.status, answer.media_type, answer.body)
        self._cache.put(key, document, self._validity(answer))
        return document

    async def _follow(self, url: str, data: bytes | None, limit: int) -> Answer:
        """The answer, after redirects."""
        at = url
        destination = parse_url(at)
        for _ in range(REDIRECTS + 1):
            answer = await self._exchange(at, destination, data, limit)
            if answer.status not in _REDIRECTIONS:
                return answer
            if data is not None and answer.status not in {307, 308}:
                raise FetchError(f"{url} was redirected in a way that drops the request")
            at = urljoin(at, answer.fields.get("location", ""))
            following = parse_url(at)
            if destination.scheme == "https" and following.scheme != "https":
                raise FetchError(f"{url} was redirected from https to http")
            destination = following
        raise FetchError(f"{url} was redirected too often")

    async def _exchange(self, url: str, destination: Destination, data: bytes | None, limit: int) -> Answer:
        request = encode_request(destination, data, "application/ocsp-request")
        try:
            async with self._connection(destination, url) as (reader, writer):
                writer.write(request)
                await writer.drain()
                return await read_answer(reader, limit)
        except HttpError as error:
            raise FetchError(f"{url} {error}") from None
        except OSError as error:
            raise FetchError(f"{url} cannot be reached: {error.strerror or 'no answer in time'}") from None

    @contextlib.asynccontextmanager
    async def _connection(
        self, destination: Destination, url: str
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """A connection to one of the host's addresses, each judged before anything is sent there."""
        context = None
        if destination.scheme == "https":
            context = self._context = self._context or ssl.create_default_context()
        trouble = OSError()
        writer: asyncio.StreamWriter | None = None
        for address in (await self._addresses(destination, url))[:ADDRESSES]:
            try:
                async with asyncio.timeout(CONNECT):
                    reader, writer = await asyncio.open_connection(
                        str(address),
                        destination.port,
                        ssl=context,
                        server_hostname=destination.host if context else None,
                        limit=2 * LINE_OCTETS,
                    )
                break
            except OSError as error:  # a timeout is one too
                trouble = error
        if writer is None:
            raise trouble
        try:
            yield reader, writer
        finally:
            writer.transport.abort()  # everything was read, or nothing more is wanted
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _addresses(self, destination: Destination, url: str) -> list[Address]:
        """The addresses of a host that may be reached.

        Raises:
            FetchError: there are none.
        """
        if destination.address is not None:
            found: list[Address] = [destination.address]
        else:
            found = await self._look_up(destination.host, url)
        reachable = [address for address in found if may_be_reached(address, self._allowed)]
        if not reachable:
            raise FetchError(f"{url} was not fetched: it leads to the address {found[0]}, which is not public")
        return reachable

    async def _look_up(self, host: str, url: str) -> list[Address]:
        answers = await asyncio.gather(
            self._resolver.query(host, "A"), self._resolver.query(host, "AAAA"), return_exceptions=True
        )
        found: list[Address] = []
        trouble = f"{url} was not fetched: there is no address for {host}"
        for answer in answers:
            if isinstance(answer, DnsTemporaryError):
                trouble = f"{url} was not fetched: {answer}"
            elif isinstance(answer, BaseException):
                raise answer
            else:
                found += [ip_address(record) for record in answer.records if isinstance(record, str)]
        if not found:
            raise FetchError(trouble)
        return found

    def _validity(self, answer: Answer) -> float:
        """For how many seconds a document may be kept."""
        from mailsec.crypto.revocation import next_update

        now = self._wall_clock()
        said = freshness(answer.fields, now)
        end = next_update(answer.body)
        if end is None:
            return min(said or 0.0, MAX_TTL)
        left = end.timestamp() - now
        return min(left if said is None else min(said, left), MAX_TTL)


def _weight(kept: Fetched | str) -> int:
    return 1024 + (0 if isinstance(kept, str) else len(kept.octets))
