"""An issuer's certificate that did not come along is fetched after a key and a yes, and never before."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from mailsec.crypto import ECDSA_SHA256, MemoryKeyRing, PrivateKey
from mailsec.crypto.cms import Content, NewSigner, sign
from mailsec.crypto.issue import issue, make_authority
from mailsec.crypto.revocation.issue import information_access
from mailsec.net.fetcher import HttpFetcher
from mailsec.store import Maildir
from mailsec.testing import make_resolver
from mailsec.tui.reading import CertificateScreen, WhyScreen
from mailsec.tui.screens.ask import Ask

from .conftest import AT, index_all

ENTITY = b"Content-Type: text/plain\r\n\r\nHello.\r\n"


class Server:
    """A web server on loopback that notes what it is asked for."""

    def __init__(self) -> None:
        self.document = b""
        self.asked: list[str] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append((await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode())
        status = "200 OK" if self.document else "404 Not Found"
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(self.document)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + self.document)
        await writer.drain()
        writer.close()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        listening.close()
        await asyncio.sleep(0)


@pytest.fixture
def lacking(home: Any, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A home with a message on top whose signer's issuer is offered by the server, and did not come along."""
    valid = {"not_before": AT - timedelta(days=100), "not_after": AT + timedelta(days=100)}
    root = make_authority("Example Root", key=PrivateKey.generate("ec"), **valid)
    middle = make_authority("Example Mail CA", key=PrivateKey.generate("ec"), parent=root, **valid)
    server.document = middle.certificate.der
    access = information_access(issuer_url=f"http://ca.example:{server.port}/ca.cer")
    leaf = issue(middle, "alice@example.org", key=PrivateKey.generate("ec"), extra=[access], **valid)
    ring = MemoryKeyRing()
    ring.add("alice@example.org", leaf.key, (leaf.certificate,))
    signer = NewSigner(ring.identities()[0], ECDSA_SHA256)
    octets = b"".join(sign(Content((ENTITY,)), [signer], detached=False, keys=ring, signing_time=AT))
    head = (
        b"From: Alice <alice@example.org>\r\nSubject: Signed\r\nDate: Mon, 11 May 2026 20:00:00 +0000\r\n"
        b"Message-ID: <signed@example.org>\r\nContent-Type: application/pkcs7-mime; smime-type=signed-data\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n"
    )
    Maildir(home.root).deliver(head + base64.encodebytes(octets))
    index_all(home)
    anchors = tmp_path / "trust.pem"
    anchors.write_bytes(root.certificate.to_pem())
    fetcher = HttpFetcher(make_resolver("ca.example. A 127.0.0.1\n"), allowed=[ip_network("127.0.0.0/8")])
    monkeypatch.setattr("mailsec.checker.NO_FETCHER", fetcher)
    return replace(home, settings=replace(home.settings, trust=(anchors,), at=AT))


async def open_why(session: Any) -> WhyScreen:
    await session.press("g")
    await session.until(lambda: session.subject == "Signed", "the message")
    await session.press("enter")
    await session.until(lambda: session.screen.pane.report is not None, "the verdict")
    await session.press("y")
    await session.until(lambda: isinstance(session.app.screen, WhyScreen), "the reasons")
    return session.app.screen


async def test_nothing_is_fetched_before_the_answer(lacking: Any, server: Server, run: Any) -> None:
    async with run(lacking) as session:
        why = await open_why(session)
        assert why.report.verdict.level == "warning"
        for answer in ("n", "escape", "enter"):
            await session.press("f")
            await session.until(lambda: isinstance(session.app.screen, Ask), "the question")
            assert server.asked == []
            await session.press(answer)
            await session.until(lambda: session.app.screen is why, "the reasons again")
        assert server.asked == []
        await session.press("f")
        await session.until(lambda: isinstance(session.app.screen, Ask), "the question")
        await session.press("y")
        await session.until(lambda: why.report.verdict.level == "verified", "the new verdict")
        assert server.asked == ["/ca.cer"]
        assert session.screen.pane.report is why.report
        current = session.screen.messages.current
        assert session.screen.services.rows.verdict(current).level == "verified"
        await session.press("f")  # there is nothing left to fetch
        assert session.app.screen is why


async def test_what_cannot_be_had_leaves_the_verdict(lacking: Any, server: Server, run: Any) -> None:
    server.document = b""
    async with run(lacking) as session:
        why = await open_why(session)
        await session.press("f")
        await session.until(lambda: isinstance(session.app.screen, Ask), "the question")
        await session.press("y")
        await session.until(lambda: why.report.fetch_issuers, "the new verdict")
        assert server.asked == ["/ca.cer"]
        assert why.report.verdict.level == "warning"


async def test_a_certificate_is_opened(lacking: Any, run: Any) -> None:
    async with run(lacking) as session:
        why = await open_why(session)
        for _ in range(20):
            if isinstance(session.app.screen, CertificateScreen):
                break
            await session.press("j")
            if why.at_certificate:
                await session.press("enter")
        await session.until(lambda: isinstance(session.app.screen, CertificateScreen), "the certificate")
        await session.press("c")
        assert "-----BEGIN CERTIFICATE-----" in session.app.clipboard
        await session.press("escape")
        await session.until(lambda: session.app.screen is why, "the reasons")
