"""Fetching over HTTP: where it may go (rules of trust), what it takes (RFC 9112), how long it is kept (RFC 9111)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsec.crypto import PrivateKey
from mailsec.crypto.issue import make_authority
from mailsec.crypto.revocation.issue import make_crl
from mailsec.errors import FetchError
from mailsec.hooks import DnsAnswer, DnsStatus
from mailsec.net import fetcher as module
from mailsec.net.destinations import is_public, may_be_reached, parse_url
from mailsec.net.fetcher import HttpFetcher
from mailsec.net.http import HttpError, freshness, read_answer
from mailsec.testing import FailingResolver, make_resolver

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
OK = b"HTTP/1.1 200 OK\r\nContent-Type: Application/PKIX-CRL; x=y\r\nContent-Length: 5\r\n\r\nhello"


class Server:
    """Answers each request with the next of its answers, the last one again and again."""

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[bytes] = []
        self.answers: list[bytes] = [OK]
        self.silent = False
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        request = await reader.readuntil(b"\r\n\r\n")
        if b"Content-Length: " in request:
            request += await reader.readexactly(int(request.split(b"Content-Length: ")[1].split(b"\r\n")[0]))
        self.requests.append(request)
        if not self.silent:
            writer.write(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])
            await writer.drain()
            writer.close()

    def url(self, path: str = "/a.crl", host: str = "crl.example") -> str:
        return f"http://{host}:{self.port}{path}"


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        listening.close()
        for writer in made.writers:
            writer.transport.abort()
        await asyncio.sleep(0)


ZONE = "crl.example. A 127.0.0.1\nother.example. A 127.0.0.1\nprivate.example. A 10.1.2.3\n"


def fetcher(**options: Any) -> HttpFetcher:
    return HttpFetcher(options.pop("resolver", None) or make_resolver(ZONE), **{"allowed": LOOPBACK, **options})


async def test_get(server: Server) -> None:
    document = await fetcher().fetch(server.url("/a.crl?x=1"))
    assert (document.status, document.media_type, document.octets) == (200, "application/pkix-crl", b"hello")
    (request,) = server.requests
    lines = request.split(b"\r\n")
    assert lines[:2] == [b"GET /a.crl?x=1 HTTP/1.1", f"Host: crl.example:{server.port}".encode()]
    assert b"mailsec" not in request.lower()
    assert b"cookie" not in request.lower()


async def test_post(server: Server) -> None:
    await fetcher().fetch(server.url("/"), data=b"\x30\x03abc")
    (request,) = server.requests
    assert request.startswith(b"POST / HTTP/1.1\r\n")
    assert request.endswith(b"Content-Type: application/ocsp-request\r\nContent-Length: 5\r\n\r\n\x30\x03abc")


# -- where it may go -------------------------------------------------------------------------------------------------

ADDRESSES: list[tuple[str, bool]] = [
    ("93.184.215.14", True),
    ("2606:2800:220:1::1", True),
    ("0.0.0.0", False),
    ("10.0.0.1", False),
    ("100.64.0.1", False),
    ("127.0.0.1", False),
    ("169.254.169.254", False),
    ("172.16.0.1", False),
    ("192.0.2.1", False),
    ("192.88.99.1", False),
    ("192.168.1.1", False),
    ("198.18.0.1", False),
    ("224.0.0.1", False),
    ("255.255.255.255", False),
    ("::", False),
    ("::1", False),
    ("::ffff:127.0.0.1", False),
    ("::ffff:93.184.215.14", False),
    ("::7f00:1", False),
    ("64:ff9b::7f00:1", False),
    ("64:ff9b::a00:1", False),
    ("64:ff9b::5db8:d70e", True),
    ("64:ff9b:1::5db8:d70e", False),
    ("2001::1", False),
    ("2001:db8::1", False),
    ("2002:7f00:1::1", False),
    ("2002:c0a8:101::1", False),
    ("3fff::1", False),
    ("fc00::1", False),
    ("fe80::1", False),
    ("fec0::1", False),
    ("ff02::1", False),
]


@pytest.mark.parametrize(("address", "public"), ADDRESSES)
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(ip_address(address)) is public
    assert may_be_reached(ip_address(address), LOOPBACK) is (public or address in {"127.0.0.1", "::1"})


@pytest.mark.parametrize(
    "url",
    [
        "ldap://crl.example/cn=x",
        "file:///etc/passwd",
        "ftp://crl.example/a",
        "http:///a",
        "http://user@crl.example/",
        "http://user:password@crl.example/",
        "http://crl.example:25/",
        "http://crl.example:22/",
        "http://crl.example:99999/",
        "http://crl.example/a b",
        "http://crl.example/\r\nX: y",
        "http://crl.example/ä",
        "http://127.1/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://[::1%25lo]/",
        "http://[::1/",
        "http://crl.example/" + "a" * 3000,
        "",
    ],
)
async def test_urls_that_are_not_fetched(url: str) -> None:
    with pytest.raises(FetchError):
        await fetcher(allowed=[ip_network("0.0.0.0/0"), ip_network("::/0")]).fetch(url)


@given(st.text(max_size=60))
def test_urls_never_raise_anything_else(text: str) -> None:
    for url in (text, f"http://{text}", f"http://example.org/{text}", f"https://[{text}]:{text}"):
        try:
            parsed = parse_url(url)
        except FetchError:
            continue
        assert "\r" not in parsed.target + parsed.authority
        assert " " not in parsed.target + parsed.authority


@pytest.mark.parametrize("host", ["crl.example", "127.0.0.1", "private.example", "[::1]", "[::ffff:127.0.0.1]"])
async def test_private_addresses_are_not_reached(server: Server, host: str) -> None:
    with pytest.raises(FetchError, match="is not public"):
        await fetcher(allowed=()).fetch(server.url(host=host))
    assert not server.requests


async def test_a_name_that_is_looked_up_once(server: Server) -> None:
    """DNS rebinding: the address that was judged is the one that is reached, whatever the next answer would be."""

    class Rebinding:
        def __init__(self) -> None:
            self.asked = 0

        async def query(self, name: str, rdtype: str) -> DnsAnswer:
            if rdtype != "A":
                return DnsAnswer(name, rdtype, DnsStatus.NO_DATA)
            self.asked += 1
            records = ("93.184.215.14",) if self.asked == 1 else ("127.0.0.1",)
            return DnsAnswer(name, rdtype, DnsStatus.FOUND, records)

    resolver = Rebinding()
    reached: list[str] = []

    async def connect(host: str, port: int, **options: Any) -> Any:
        reached.append(host)
        raise OSError(111, "Connection refused")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module.asyncio, "open_connection", connect)
        with pytest.raises(FetchError, match="Connection refused"):
            await fetcher(resolver=resolver, allowed=()).fetch(server.url())
    assert (resolver.asked, reached, server.requests) == (1, ["93.184.215.14"], [])


async def test_public_addresses_beside_private_ones(server: Server) -> None:
    """Only what may be reached is tried."""
    resolver = make_resolver("crl.example. A 10.0.0.1\ncrl.example. A 127.0.0.1\n")
    assert (await fetcher(resolver=resolver).fetch(server.url())).octets == b"hello"


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("http://private.example/", "is not public"),
        ("http://10.0.0.1/", "is not public"),
        ("file:///etc/passwd", "only http and https"),
        ("//user@crl.example/", "no user"),
        ("http://crl.example:25/", "belongs to another service"),
        ("", "too often"),
    ],
)
async def test_redirects_are_judged_like_the_first_url(server: Server, location: str, words: str) -> None:
    server.answers = [f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()]
    with pytest.raises(FetchError, match=words):
        await fetcher().fetch(server.url())
    assert len(server.requests) <= module.REDIRECTS + 1


async def test_redirects(server: Server) -> None:
    there = server.url("/b", "other.example")
    server.answers = [f"HTTP/1.1 301 Moved\r\nLocation: {there}\r\nContent-Length: 0\r\n\r\n".encode(), OK]
    document = await fetcher().fetch(server.url())
    assert (document.url, document.octets) == (server.url(), b"hello")
    assert b"Host: other.example" in server.requests[1]
    server.answers = [b"HTTP/1.1 302 Found\r\nLocation: /c\r\nContent-Length: 0\r\n\r\n", OK]
    with pytest.raises(FetchError, match="drops the request"):
        await fetcher().fetch(server.url(), data=b"x")


# -- what it takes ---------------------------------------------------------------------------------------------------

HEAD = b"HTTP/1.1 200 OK\r\n"
ANSWERS: list[tuple[str, bytes, bytes | str]] = [
    ("6.2: a length", HEAD + b"Content-Length: 3\r\n\r\nabc", b"abc"),
    ("6.2: more than that is not read", HEAD + b"Content-Length: 3\r\n\r\nabcdef", b"abc"),
    ("6.3: to the end of the connection", HEAD + b"\r\nabc", b"abc"),
    ("7.1: chunks", HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n", b"abc"),
    ("bare LF", b"HTTP/1.0 200 OK\nContent-Length: 3\n\nabc", b"abc"),
    ("15.2: an interim answer", b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"Content-Length: 3\r\n\r\nabc", b"abc"),
    ("interim answers without end", b"HTTP/1.1 100 Continue\r\n\r\n" * 50, "interim"),
    ("cut off", HEAD + b"Content-Length: 30\r\n\r\nabc", "cut off"),
    ("cut off in a chunk", HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", "cut off"),
    ("cut off in the header section", HEAD + b"Content-Le", "cut off"),
    ("nothing", b"", "cut off"),
    ("another protocol", b"220 mail.example ESMTP\r\n", "no HTTP"),
    ("too long by its length", HEAD + b"Content-Length: 1000000\r\n\r\n", "more than 64 octets"),
    ("too long to the end", HEAD + b"\r\n" + b"a" * 65, "more than 64 octets"),
    ("too long in chunks", HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"10\r\n" + b"a" * 16 + b"\r\n"
     + b"31\r\n" + b"a" * 49 + b"\r\n0\r\n\r\n", "more than 64 octets"),
    ("a length that is none", HEAD + b"Content-Length: -1\r\n\r\n", "no number"),
    ("two lengths", HEAD + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "no number"),
    ("a length beside chunks", HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", "transfer encoding"),
    ("another transfer encoding", HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n", "transfer encoding"),
    ("a content encoding", HEAD + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", "content encoding"),
    ("a chunk that is none", HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "malformed chunk"),
    ("a chunk without its end", HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n", "malformed chunk"),
    ("a field that is none", HEAD + b"no field\r\n\r\n", "malformed header field"),
    ("a folded field", HEAD + b"X: y\r\n z\r\n\r\n", "malformed header field"),
    ("too many fields", HEAD + b"X: y\r\n" * 200 + b"\r\n", "too many header fields"),
    ("a line that is too long", HEAD + b"X: " + b"y" * 100_000 + b"\r\n\r\n", "cut off"),
    ("not found", b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nabc", "status 404"),
    ("not modified", b"HTTP/1.1 304 Not Modified\r\n\r\n", "status 304"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "answer", "expected"), ANSWERS, ids=[case[0] for case in ANSWERS])
async def test_answers(server: Server, name: str, answer: bytes, expected: bytes | str) -> None:
    server.answers = [answer]
    if isinstance(expected, bytes):
        assert (await fetcher().fetch(server.url(), limit=64)).octets == expected
    else:
        with pytest.raises(FetchError, match=expected):
            await fetcher().fetch(server.url(), limit=64)


@given(st.binary(max_size=300))
def test_answers_never_raise_anything_else(octets: bytes) -> None:
    async def read(answer: bytes) -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(answer)
        reader.feed_eof()
        with contextlib.suppress(HttpError):
            assert len((await read_answer(reader, 64)).body) <= 64

    for answer in (octets, HEAD + octets, HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + octets):
        asyncio.run(read(answer))


async def test_a_server_that_says_nothing(server: Server) -> None:
    server.silent = True
    with pytest.raises(FetchError, match=r"within 0\.2 seconds"):
        await fetcher(lifetime=0.2).fetch(server.url())


async def test_trouble_with_dns(server: Server) -> None:
    with pytest.raises(FetchError, match=r"no address for nowhere\.example"):
        await fetcher().fetch("http://nowhere.example/")
    with pytest.raises(FetchError, match="DNS gave no answer"):
        await fetcher(resolver=FailingResolver(everything=True)).fetch(server.url())


# -- how long it is kept ---------------------------------------------------------------------------------------------

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW.timestamp()

    def __call__(self) -> float:
        return self.now


def crl_answer(fields: bytes = b"") -> bytes:
    root = make_authority("Root", not_before=NOW, not_after=NOW + timedelta(days=1), key=PrivateKey.generate("ec"))
    body = make_crl(root, this_update=NOW, next_update=NOW + timedelta(hours=2))
    return HEAD + fields + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (OK, 0),
        (HEAD + b"Cache-Control: public, max-age=100\r\nContent-Length: 0\r\n\r\n", 100),
        (HEAD + b"Cache-Control: max-age=100\r\nAge: 40\r\nContent-Length: 0\r\n\r\n", 60),
        (HEAD + b"Cache-Control: no-store, max-age=100\r\nContent-Length: 0\r\n\r\n", 0),
        (HEAD + b"Expires: Mon, 01 Jun 2026 12:05:00 GMT\r\nContent-Length: 0\r\n\r\n", 300),
        (HEAD + b"Expires: 0\r\nContent-Length: 0\r\n\r\n", 0),
        (HEAD + b"Cache-Control: max-age=999999999\r\nContent-Length: 0\r\n\r\n", 86_400),
        (crl_answer(), 7200),
        (crl_answer(b"Cache-Control: max-age=100\r\n"), 100),
        (crl_answer(b"Cache-Control: max-age=100000\r\n"), 7200),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", 60),
    ],
)
async def test_documents_are_kept_while_they_are_valid(server: Server, answer: bytes, seconds: int) -> None:
    server.answers = [answer]
    clock = Clock()
    web = fetcher(clock=clock, wall_clock=clock)

    async def ask() -> int:
        with contextlib.suppress(FetchError):
            await web.fetch(server.url())
        return len(server.requests)

    assert await ask() == 1
    clock.now += max(0, seconds - 1)
    assert await ask() == (1 if seconds else 2)
    clock.now += 2
    assert await ask() == (2 if seconds else 3)


async def test_the_cache_has_a_weight(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CACHE_OCTETS", 5000)
    body = b"x" * 2000
    server.answers = [HEAD + b"Cache-Control: max-age=100\r\nContent-Length: 2000\r\n\r\n" + body]
    web = fetcher()
    for path in ("/a", "/b", "/a"):
        await web.fetch(server.url(path))
    assert len(server.requests) == 3


async def test_identical_fetches_share_one(server: Server) -> None:
    web = fetcher()
    documents = await asyncio.gather(*(web.fetch(server.url()) for _ in range(5)))
    assert len({document.octets for document in documents}) == len(server.requests) == 1
    server.silent = True
    task = asyncio.create_task(web.fetch(server.url("/b")))
    await asyncio.sleep(0.05)
    await web.close()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_freshness_of_what_says_nothing() -> None:
    assert freshness({}, 0) is None
    assert freshness({"cache-control": "max-age=x"}, 0) is None
