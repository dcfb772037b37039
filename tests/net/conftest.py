"""A DNS server on loopback that answers as each test wants: UDP and TCP on one port."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

Handler = Callable[[dns.message.Message, str], "dns.message.Message | bytes | None"]


class DnsServer:
    """Answers each question with what `handler(question, "udp" or "tcp")` gives; `None` is silence."""

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[tuple[str, str, str, int]] = []  # transport, name, type, EDNS version
        self.questions: list[dns.message.Message] = []
        self.handler: Handler = lambda question, transport: self.reply(question)
        self.delay = 0.0
        self.tcp = True

    def reply(
        self,
        question: dns.message.Message,
        *answer: str,
        authority: str = "",
        rcode: dns.rcode.Rcode = dns.rcode.NOERROR,
        flags: int = dns.flags.RA,
    ) -> dns.message.Message:
        message = dns.message.make_response(question)
        message.flags |= flags
        message.set_rcode(rcode)
        for text in answer:
            message.answer.append(dns.rrset.from_text(*_record(text)))
        if authority:
            message.authority.append(dns.rrset.from_text(*_record(authority)))
        return message

    def answer(self, octets: bytes, transport: str) -> bytes | None:
        question = dns.message.from_wire(octets)
        asked = question.question[0]
        self.questions.append(question)
        self.asked.append((transport, asked.name.to_text(True), asked.rdtype.name, question.edns))
        message = self.handler(question, transport)
        return message.to_wire(max_size=65535) if isinstance(message, dns.message.Message) else message


def _record(text: str) -> tuple[str, int, str, str, str]:
    """`NAME TTL TYPE DATA` as the arguments of `dns.rrset.from_text`."""
    name, ttl, rdtype, data = text.split(None, 3)
    return name, int(ttl), "IN", rdtype, data


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self.server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self.server.answer(data, "udp")
        if answer is not None:
            asyncio.get_running_loop().call_later(self.server.delay, self.transport.sendto, answer, addr)


@pytest.fixture
async def make_server() -> AsyncIterator[Callable[[], object]]:
    """A function that starts one more DNS server."""
    ends: list[Callable[[], object]] = []

    async def start() -> DnsServer:
        server = DnsServer()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if server.tcp:
                (length,) = struct.unpack("!H", await reader.readexactly(2))
                answer = server.answer(await reader.readexactly(length), "tcp")
                if answer is not None:
                    writer.write(struct.pack("!H", len(answer)) + answer)
                    await writer.drain()
            writer.close()

        loop = asyncio.get_running_loop()
        for _ in range(20):
            tcp = await asyncio.start_server(serve, "127.0.0.1", 0)
            server.port = tcp.sockets[0].getsockname()[1]
            try:
                udp, _ = await loop.create_datagram_endpoint(
                    lambda: _Udp(server), local_addr=("127.0.0.1", server.port)
                )
            except OSError:
                tcp.close()
                continue
            ends.extend((tcp.close, udp.close))
            return server
        raise RuntimeError("no port is free for both UDP and TCP")

    yield start
    for end in ends:
        end()


@pytest.fixture
async def server(make_server: Callable[[], object]) -> DnsServer:
    return await make_server()  # type: ignore[misc, no-any-return]
