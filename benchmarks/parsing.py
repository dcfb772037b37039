"""Parsing a large message, beside Python's `email`."""

from __future__ import annotations

import base64
import email
import email.policy
import platform
import random

from benchmarks.measure import Figure, beside, seconds
from mailsec import parse


def large_message(size: int) -> bytes:
    """A message with a text and an attachment in base64, some `size` octets in all."""
    attachment = base64.encodebytes(random.Random(1).randbytes(size * 54 // 74 // 54 * 54)).replace(b"\n", b"\r\n")
    return (
        b"From: alice@example.org\r\nTo: bob@example.net\r\nSubject: the plans\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/mixed; boundary="=_b"\r\n\r\n'
        b"--=_b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHere they are.\r\n"
        b'--=_b\r\nContent-Type: application/pdf; name="plans.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
        + attachment
        + b"\r\n--=_b--\r\n"
    )


def run(*, short: bool) -> list[Figure]:
    """Parses 26 MB and walks the tree, ours and `email`'s."""
    octets = large_message(26_000_000)
    rounds = 3 if short else 9

    def ours() -> int:
        return sum(len(part.content_type) for part in parse(octets).walk())

    def peer() -> int:
        message = email.message_from_bytes(octets)
        return sum(len(part.get_content_type()) for part in message.walk())

    assert ours() == peer()
    assert bytes(parse(octets)) == octets
    peer_name = f"email of Python {platform.python_version()}"
    mine, theirs, ratio = beside(ours, peer, rounds=rounds, repeat=5, peer_repeat=1)
    figures = [Figure("parse 26 MB and walk its tree", mine * 1e3, theirs * 1e3, peer_name, "ms", ratio, 20)]

    def boundaries() -> int:
        return octets.find(b"\r\n--=_b--")

    floor = seconds(boundaries, 5)
    figures.append(
        Figure("the same, beside one bytes.find over it", mine * 1e3, floor * 1e3, "bytes.find", "ms", floor / mine)
    )

    def ours_content() -> int:
        return sum(len(part.content) for part in parse(octets).walk() if not part.children)

    def peer_content() -> int:
        message = email.message_from_bytes(octets)
        return sum(len(part.get_payload(decode=True)) for part in message.walk() if not part.is_multipart())

    assert ours_content() == peer_content()
    mine, theirs, ratio = beside(ours_content, peer_content, rounds=rounds, repeat=1)
    figures.append(Figure("parse 26 MB and decode all parts", mine * 1e3, theirs * 1e3, peer_name, "ms", ratio))
    return figures
