"""DNS over the network, through the recursive name servers of the system or the configuration.

What is an answer and what is trouble is kept apart: NXDOMAIN and an empty answer are answers (`DnsStatus`);
SERVFAIL, REFUSED, time-outs and answers that make no sense are a `DnsTemporaryError`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import dns.asyncquery
import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from mailsec.errors import DnsTemporaryError
from mailsec.hooks.types import DnsAnswer, Dnssec, DnsStatus
from mailsec.net.cache import TtlCache
from mailsec.net.names import absolute_name, plain_name, record_of, record_type
from mailsec.net.nameserver import NameServer, system_nameservers
from mailsec.net.sharing import SharedWork

__all__ = ["DnsResolver"]

MAX_TTL = 86_400
"""Seconds for which an answer is kept at most."""

MAX_NEGATIVE_TTL = 10_800
"""Seconds for which "there is none" is kept at most (RFC 2308 section 5)."""

FAILURE_TTL = 5
"""Seconds for which trouble is kept, so that a folder of mail does not wait for each message (RFC 9520 section 3.2)."""

MAX_RECORDS = 64
"""Records of one answer that are taken; the rest is left out."""

PAYLOAD = 1232
"""Octets of a UDP answer that we offer to take, so that it is not fragmented (RFC 9715 section 3.2)."""

# Extended DNS Errors that mean a failed DNSSEC validation (RFC 8914 section 4).
_BOGUS = frozenset({5, 6, 7, 8, 9, 10, 11, 12})

_Key = tuple[dns.name.Name, dns.rdatatype.RdataType]


class DnsResolver:
    """An asynchronous stub resolver with a cache; implements `mailsec.hooks.Resolver`.

    Concurrent identical questions share one look-up, which lives on when one of its askers gives up. DNSSEC is
    judged by the name server: its AD flag is believed only if the server is trusted (see `NameServer`).

    Args:
        nameservers: the servers to ask, in this order; those of the system if empty.
        lifetime: seconds that a whole look-up may take.
        patience: seconds to wait for one server at first; later rounds wait longer.
        size: how many answers are kept.
        clock: seconds that only grow, for the cache.
    """

    def __init__(
        self,
        nameservers: Sequence[NameServer] = (),
        *,
        lifetime: float = 10.0,
        patience: float = 2.0,
        size: int = 4096,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._servers = tuple(nameservers)
        self._lifetime = lifetime
        self._patience = patience
        self._cache: TtlCache[_Key, DnsAnswer | str] = TtlCache(size, clock)
        self._slow: set[NameServer] = set()
        self._under_way: SharedWork[_Key, DnsAnswer] = SharedWork(self._look_up)

    async def query(self, name: str, rdtype: str) -> DnsAnswer:
        """Answers one question (see `mailsec.hooks.Resolver.query`).

        Raises:
            DnsTemporaryError: no answer that can be trusted was had.
            UsageError: there is no such record type.
        """
        asked = plain_name(name)
        kind = record_type(rdtype)
        text = dns.rdatatype.to_text(kind)
        absolute = absolute_name(name)
        if absolute is None:
            return DnsAnswer(asked, text, DnsStatus.NO_NAME, ttl=MAX_NEGATIVE_TTL)
        key = (absolute, kind)
        kept = self._cache.get(key)
        if kept is not None:
            value, ttl = kept
            if isinstance(value, str):
                raise DnsTemporaryError(asked, text, value)
            return replace(value, name=asked, ttl=ttl)
        try:
            return replace(await self._under_way.get(key), name=asked)
        except DnsTemporaryError as error:
            raise DnsTemporaryError(asked, text, error.why) from None

    async def close(self) -> None:
        """Ends the look-ups that are still under way."""
        await self._under_way.close()

    async def _look_up(self, key: _Key) -> DnsAnswer:
        name, kind = key
        try:
            answer = await self._ask(name, kind)
        except DnsTemporaryError as error:
            self._cache.put(key, error.why, FAILURE_TTL)
            raise
        limit = MAX_TTL if answer.status is DnsStatus.FOUND else MAX_NEGATIVE_TTL
        answer = replace(answer, ttl=min(answer.ttl, limit))
        self._cache.put(key, answer, answer.ttl)
        return answer

    async def _ask(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> DnsAnswer:
        """Asks the servers in turn, in up to three rounds, until one answers or the lifetime is over."""
        # A server that let us wait the last time is asked after the others.
        servers = sorted(self._servers or system_nameservers(), key=self._slow.__contains__)
        end = time.monotonic() + self._lifetime
        why = "no name server answered in time"
        for wait in (self._patience, 2 * self._patience, 4 * self._patience):
            for server in tuple(servers):
                left = end - time.monotonic()
                if left <= 0:
                    raise _failure(name, kind, why)
                try:
                    message = await self._exchange(server, name, kind, min(wait, left))
                    self._slow.discard(server)
                    return _read(message, server, name, kind)
                except (TimeoutError, dns.exception.Timeout):
                    self._slow.add(server)
                    why = f"{server} did not answer in time"
                except _RefusedError as refusal:
                    # The server has spoken; asking it once more would change nothing.
                    why = str(refusal)
                    servers.remove(server)
                except (OSError, EOFError) as error:
                    why = f"{server} cannot be reached: {getattr(error, 'strerror', None) or 'connection closed'}"
                    servers.remove(server)
                except dns.exception.DNSException:
                    why = f"{server} answered what is no DNS message"
                    servers.remove(server)
        raise _failure(name, kind, why)

    async def _exchange(
        self, server: NameServer, name: dns.name.Name, kind: dns.rdatatype.RdataType, wait: float
    ) -> dns.message.QueryMessage:
        """One question to one server, by UDP, then by TCP if truncated, then without EDNS if it knows none."""
        flags = dns.flags.RD | dns.flags.AD  # AD in a question: we understand it in the answer (RFC 6840 section 5.7)
        async with asyncio.timeout(wait):
            for edns in (0, -1):
                question = dns.message.make_query(
                    name, kind, dns.rdataclass.IN, use_edns=edns, payload=PAYLOAD, flags=flags
                )
                answer, _ = await dns.asyncquery.udp_with_fallback(
                    question, server.address, wait, server.port, ignore_unexpected=True, ignore_errors=True
                )
                if answer.rcode() not in (dns.rcode.FORMERR, dns.rcode.NOTIMP, dns.rcode.BADVERS):
                    break
        assert isinstance(answer, dns.message.QueryMessage)
        return answer


class _RefusedError(Exception):
    """A server answered that it has no answer, and why."""


def _read(
    message: dns.message.QueryMessage, server: NameServer, name: dns.name.Name, kind: dns.rdatatype.RdataType
) -> DnsAnswer:
    """The answer that a DNS message gives.

    Raises:
        _RefusedError: it gives none.
    """
    rcode = message.rcode()
    if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        if rcode == dns.rcode.SERVFAIL and any(error.code in _BOGUS for error in message.extended_errors()):
            raise _RefusedError(f"{server} found the answer bogus by DNSSEC")
        raise _RefusedError(f"{server} answered {dns.rcode.to_text(rcode)}")
    if message.flags & dns.flags.TC:
        raise _RefusedError(f"{server} truncated its answer")
    try:
        chain = message.resolve_chaining()
    except dns.exception.DNSException as error:
        raise _RefusedError(f"{server} gave an answer that contradicts itself: {error}") from None
    secure = server.trusted and message.flags & dns.flags.AD
    dnssec = Dnssec.SECURE if secure else Dnssec.UNKNOWN
    asked, text = plain_name(name.to_text()), dns.rdatatype.to_text(kind)
    if chain.answer is not None:
        records = tuple(record_of(rdata) for rdata in list(chain.answer)[:MAX_RECORDS])
        return DnsAnswer(asked, text, DnsStatus.FOUND, records, chain.minimum_ttl, dnssec)
    status = DnsStatus.NO_NAME if rcode == dns.rcode.NXDOMAIN else DnsStatus.NO_DATA
    known = any(rrset.rdtype == dns.rdatatype.SOA for rrset in message.authority)
    if not known and not message.flags & dns.flags.RA and not chain.cnames:
        raise _RefusedError(f"{server} does not answer for others")
    # Without a SOA record there is no negative TTL: such an answer is not kept (RFC 2308 section 5).
    return DnsAnswer(asked, text, status, (), chain.minimum_ttl if known else 0, dnssec)


def _failure(name: dns.name.Name, kind: dns.rdatatype.RdataType, why: str) -> DnsTemporaryError:
    return DnsTemporaryError(plain_name(name.to_text()), dns.rdatatype.to_text(kind), why)
