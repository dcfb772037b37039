"""Digests of long texts are computed in a thread of their own, and are the same as if they were not."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import threading

import pytest

from mailsec_dkim import hashing
from mailsec_dkim.behind import BehindDigest
from mailsec_dkim.hashing import BLOCK, LONG, BodyHash, BodyHasher

TEXT = b"a long  text \t of many words \r\n" * (BLOCK * (LONG + 3) // 31)


def hash_body(body: bytes, step: int = 70_001) -> list[BodyHash]:
    hasher = BodyHasher()
    wanted = [("relaxed", "sha256", None), ("relaxed", "sha1", None), ("relaxed", "sha256", 600_000)]
    wanted += [("simple", "sha256", None)]
    for one in wanted:
        hasher.want(*one)
    view = memoryview(body)
    for start in range(0, len(body), step):
        hasher.feed(view[start : start + step])
    hasher.finish()
    return [hasher.result(*one) for one in wanted for _ in range(2)]  # a digest may be asked for again


@pytest.mark.parametrize("body", [TEXT, TEXT.replace(b" ", b""), TEXT[: BLOCK * LONG - 1], TEXT[: BLOCK * LONG]])
def test_hashes_are_the_same_with_one_processor_and_with_two(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "pays", lambda: False)
    alone = hash_body(body)
    monkeypatch.setattr(hashing, "pays", lambda: True)
    assert hash_body(body) == alone


def test_bodies_that_are_hashed_at_the_same_time_do_not_mix() -> None:
    pieces = [random.Random(number).randbytes(3000) for number in range(40)]
    behind = [BehindDigest(hashlib.sha256(b"%d" % number)) for number in range(20)]

    def feed(digests: list[BehindDigest]) -> None:
        for piece in pieces:
            for digest in digests:
                digest.update(piece)

    threads = [threading.Thread(target=feed, args=(behind[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = [hashlib.sha256(b"%d" % number + b"".join(pieces)).digest() for number in range(20)]
    assert [digest.digest() for digest in behind] == expected


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_child_process_has_a_thread_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "pays", lambda: True)
    expected = hash_body(TEXT)
    child = os.fork()
    if not child:
        signal.alarm(30)
        os._exit(0 if hash_body(TEXT) == expected else 1)
    assert os.waitpid(child, 0)[1] == 0
