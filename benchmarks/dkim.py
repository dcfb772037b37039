"""DKIM beside dkimpy, and beside the cryptography alone: the digests and the signature, which nothing can go below.

Keys are answered from memory on both sides. Ours is the whole way: the parse of the message, the look-up, the
results with their coverage and evidence. dkimpy says no more than true or false.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import importlib.metadata
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import dkim
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from benchmarks.measure import Figure, beside
from mailsec import Checker, parse
from mailsec.crypto import MemoryKeyRing
from mailsec.hooks import DnsAnswer, DnsStatus, Result
from mailsec.message import to_crlf
from mailsec.testing import make_context
from mailsec_dkim.seal import start as start_sealing
from mailsec_dkim.settings import Settings
from mailsec_dkim.verify import DKIMVerification, start

_WORDS = (
    b"the of mail to a lorem ipsum dolor sit amet, consectetur elit. and signature header when The received".split()
)
_DOMAIN, _SELECTOR = "example.org", "s1"
_HEADER = (
    b"Received: from mx.example.net (mx.example.net [192.0.2.7])\r\n\tby mail.example.org with ESMTPS id 4Xk2\r\n"
    b"\tfor <bob@example.org>; Fri, 01 May 2026 12:00:00 +0000\r\n"
    b"From: Alice Example <alice@example.org>\r\nTo: Bob Example <bob@example.net>\r\nCc: Carol <carol@example.com>\r\n"
    b"Subject: the plans for the next month\r\nDate: Fri, 01 May 2026 11:59:58 +0000\r\n"
    b"Message-ID: <20260501115958.4711@example.org>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n"
    b"In-Reply-To: <20260430@example.net>\r\nReferences: <20260429@example.org>\r\n <20260430@example.net>\r\n"
)


@dataclass(frozen=True)
class _Keys:
    """One pair of keys, in the forms that the three sides want."""

    algorithm: bytes
    private: Any
    pem: bytes
    dkimpy: bytes
    record: bytes

    @classmethod
    def rsa(cls) -> _Keys:
        key = rsa.generate_private_key(65537, 2048)
        spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        return cls(b"rsa-sha256", key, pem, pem, b"v=DKIM1; k=rsa; p=" + base64.b64encode(spki))

    @classmethod
    def ed25519(cls) -> _Keys:
        key = ed25519.Ed25519PrivateKey.generate()
        raw = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        seed = base64.b64encode(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))
        return cls(b"ed25519-sha256", key, pem, seed, b"v=DKIM1; k=ed25519; p=" + base64.b64encode(raw))


class _Memory:
    """A resolver that has the one answer."""

    def __init__(self, record: bytes) -> None:
        name = f"{_SELECTOR}._domainkey.{_DOMAIN}"
        self._answer = DnsAnswer(name, "TXT", DnsStatus.FOUND, (record,), 3600)

    async def query(self, name: str, rdtype: str) -> DnsAnswer:
        del name, rdtype
        return self._answer


def text_body(size: int) -> bytes:
    """Lines of words with one space between them, as people write."""
    choose = random.Random(1).choices
    lines: list[bytes] = []
    while size > 0:
        lines.append(b" ".join(choose(_WORDS, k=11)) + b"\r\n")
        size -= len(lines[-1])
    return b"".join(lines)


def base64_body(size: int) -> bytes:
    """Lines of base64, as attachments have them."""
    return to_crlf(base64.encodebytes(random.Random(1).randbytes(size * 54 // 78)))


def run(*, short: bool) -> list[Figure]:
    """Verifies and signs, beside dkimpy, and says how much of the limit is reached."""
    keys = {"rsa-2048": _Keys.rsa(), "ed25519": _Keys.ed25519()}
    small, middle, large = text_body(3_400), text_body(100_000), text_body(5_000_000)
    figures: list[Figure] = []
    # kind of key, size, body, canonicalization, ratio to dkimpy to reach, ratio to the limit to reach
    cases: list[tuple[str, str, bytes, str, float | None, float | None]] = [
        ("rsa-2048", "4 KB", small, "relaxed/relaxed", 7, None),
        ("ed25519", "4 KB", small, "relaxed/relaxed", None, 0.5),
        ("rsa-2048", "100 KB", middle, "relaxed/relaxed", None, None),
        ("rsa-2048", "5 MB", large, "relaxed/relaxed", 60, None),
        ("rsa-2048", "5 MB", large, "relaxed/simple", None, None),
        ("rsa-2048", "5 MB of base64", base64_body(5_000_000), "relaxed/relaxed", None, None),
    ]
    for kind, size, body, canonicalization, target, of_limit in cases:
        one = keys[kind]
        figures += _verify(
            f"{kind} {size} {canonicalization}",
            keys=one,
            body=body,
            canonicalization=canonicalization,
            target=target,
            of_limit=of_limit,
            short=short,
        )
    figures += _check(keys["rsa-2048"], small, short)
    figures += _sign("rsa-2048 4 KB relaxed/relaxed", keys["rsa-2048"], small, short)
    figures += _sign("ed25519 4 KB relaxed/relaxed", keys["ed25519"], small, short)
    return figures


def _verify(
    name: str,
    *,
    keys: _Keys,
    body: bytes,
    canonicalization: str,
    target: float | None,
    of_limit: float | None,
    short: bool,
) -> list[Figure]:
    octets = _HEADER + b"\r\n" + body
    algorithms = tuple(canonicalization.encode().split(b"/"))
    octets = (
        dkim.sign(octets, _SELECTOR.encode(), _DOMAIN.encode(), keys.dkimpy, None, algorithms, keys.algorithm) + octets
    )
    context = make_context(zone=_Memory(keys.record))

    async def ours() -> None:
        message = parse(octets)
        work = start(message.header, context)
        assert isinstance(work, DKIMVerification)
        work.feed(message.body)
        (result,) = await work.finish()
        assert result.result is Result.PASS, result

    def peer() -> None:
        assert dkim.verify(octets, dnsfunc=lambda *_, **__: keys.record)

    return _figures(
        f"verify {name}",
        ours=ours,
        peer=peer,
        limit=_verify_limit(keys, body),
        target=target,
        of_limit=of_limit,
        size=len(body),
        short=short,
    )


def _check(keys: _Keys, body: bytes, short: bool) -> list[Figure]:
    """The same through everything that a reader's check goes through: pipeline, evidence, verdict."""
    octets = _HEADER + b"\r\n" + body
    octets = (
        dkim.sign(
            octets, _SELECTOR.encode(), _DOMAIN.encode(), keys.dkimpy, None, (b"relaxed", b"relaxed"), keys.algorithm
        )
        + octets
    )
    checker = Checker(resolver=_Memory(keys.record))

    async def ours() -> None:
        report = await checker.check(octets)
        assert report.verdict.level == "authenticated", report.verdict

    def peer() -> None:
        assert dkim.verify(octets, dnsfunc=lambda *_, **__: keys.record)

    return _figures(
        "check rsa-2048 4 KB with verdict",
        ours=ours,
        peer=peer,
        limit=_verify_limit(keys, body),
        target=None,
        of_limit=None,
        size=len(body),
        short=short,
    )


def _sign(name: str, keys: _Keys, body: bytes, short: bool) -> list[Figure]:
    octets = _HEADER + b"\r\n" + body
    ring = MemoryKeyRing()
    ring.add_file(keys.pem, name=f"{_SELECTOR}._domainkey.{_DOMAIN}")
    context = make_context(keys=ring, settings=Settings(domain=_DOMAIN, selector=_SELECTOR))

    async def ours() -> None:
        message = parse(octets)
        work = start_sealing(message.header, context)
        assert work is not None
        work.feed(message.body)
        await work.finish()

    def peer() -> None:
        dkim.sign(
            octets, _SELECTOR.encode(), _DOMAIN.encode(), keys.dkimpy, None, (b"relaxed", b"relaxed"), keys.algorithm
        )

    def limit() -> None:
        digest = hashlib.sha256(body).digest()
        if keys.algorithm == b"rsa-sha256":
            keys.private.sign(digest, padding.PKCS1v15(), hashes.SHA256())
        else:
            keys.private.sign(digest)

    return _figures(
        f"sign {name}", ours=ours, peer=peer, limit=limit, target=None, of_limit=None, size=len(body), short=short
    )


def _verify_limit(keys: _Keys, body: bytes) -> Callable[[], None]:
    public, hashed = keys.private.public_key(), hashlib.sha256(b"header").digest()
    if keys.algorithm == b"rsa-sha256":
        pkcs1, sha256 = padding.PKCS1v15(), hashes.SHA256()
        value = keys.private.sign(hashed, pkcs1, sha256)

        def rsa_limit() -> None:
            hashlib.sha256(body).digest()
            public.verify(value, hashed, pkcs1, sha256)

        return rsa_limit
    value = keys.private.sign(hashed)

    def ed25519_limit() -> None:
        hashlib.sha256(body).digest()
        public.verify(value, hashed)

    return ed25519_limit


def _figures(
    name: str,
    *,
    ours: Callable[[], Coroutine[Any, Any, None]],
    peer: Callable[[], None],
    limit: Callable[[], None],
    target: float | None,
    of_limit: float | None,
    size: int,
    short: bool,
) -> list[Figure]:
    batch = 200 if size < 10_000 else 20 if size < 1_000_000 else 2

    async def many() -> None:
        for _ in range(batch):
            await ours()

    loop = asyncio.new_event_loop()
    try:

        def batch_of_ours() -> None:
            loop.run_until_complete(many())

        def batch_of_peers() -> None:
            for _ in range(max(1, batch // 10)):
                peer()

        def batch_of_limits() -> None:
            for _ in range(batch):
                limit()

        rounds = 3 if short else 9
        mine, theirs, ratio = beside(batch_of_ours, batch_of_peers, rounds=rounds, repeat=2, peer_repeat=1)
        scale = batch / max(1, batch // 10)
        dkimpy = f"dkimpy {importlib.metadata.version('dkimpy')}"
        found = [Figure(name, batch / mine, batch / theirs / scale, dkimpy, "/s", ratio * scale, target)]
        mine, least, ratio = beside(batch_of_ours, batch_of_limits, rounds=rounds, repeat=2)
        found.append(Figure(name, batch / mine, batch / least, "the limit", "/s", ratio, of_limit))
        return found
    finally:
        loop.close()
