"""Encrypting and decrypting beside the cipher alone, which nothing can go below, and beside `openssl cms`.

Ours is the library call: everything from the recipient's certificate to the structure in DER, and back, with the
key operation. `openssl cms` is the process as programs start it, from file to file. AES-256-GCM and RSA with 2048
bits, unless the name says otherwise.
"""

from __future__ import annotations

import contextlib
import json
import math
import mmap
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from benchmarks.measure import Figure, beside
from mailsec.crypto import MemoryKeyRing, PrivateKey
from mailsec.crypto.cms import (
    CertificateRecipient,
    EnvelopedData,
    KeyTransRecipientInfo,
    decrypt,
    decrypt_to,
    encrypt,
    parse_enveloped_data,
)
from mailsec.crypto.issue import issue
from mailsec.errors import DecryptionError

OF_LIMIT = 0.25
"""The cipher alone may be at most four times as fast, for 25 MB."""
MEMORY = 80.0
"""Megabytes of anonymous memory that a content of 50 MB may take, from a mapped file to a file."""
SIZES = {"4 KB": 4096, "1 MB": 1 << 20, "25 MB": 25 << 20, "50 MB": 50 << 20}


@dataclass(frozen=True)
class _Keys:
    """A recipient, for us and for programs."""

    ring: MemoryKeyRing
    recipient: CertificateRecipient
    folder: Path

    @classmethod
    def make(cls, folder: Path) -> _Keys:
        now = datetime.now(UTC)
        key = PrivateKey.generate("rsa")
        start, end = now - timedelta(days=1), now + timedelta(days=1)
        issued = issue(None, "alice@example.org", not_before=start, not_after=end, key=key)
        ring = MemoryKeyRing()
        ring.add("alice@example.org", key, issued.certificates)
        (folder / "alice.pem").write_bytes(issued.certificate.to_pem())
        (folder / "alice.key").write_bytes(key.to_pem())
        return cls(ring, CertificateRecipient(issued.certificates[0]), folder)

    @classmethod
    def load(cls, folder: Path) -> _Keys:
        ring = MemoryKeyRing()
        (identity,) = ring.add_file((folder / "alice.pem").read_bytes() + (folder / "alice.key").read_bytes())
        return cls(ring, CertificateRecipient(identity.certificates[0]), folder)


def run(*, short: bool) -> list[Figure]:
    """Encrypts and decrypts contents of all sizes, then looks at the memory."""
    openssl = shutil.which("openssl")
    with tempfile.TemporaryDirectory(prefix="mailsec-bench-") as name:
        keys = _Keys.make(Path(name))
        figures: list[Figure] = []
        for size in list(SIZES)[: 3 if short else 4]:
            for cipher in ("aes256-gcm", "aes256-cbc") if size == "25 MB" else ("aes256-gcm",):
                figures += _size(keys, size, cipher, openssl, short)
        figures += _rejection(keys, 300 if short else 3000)
        figures += _memory(Path(name))
    return figures


def _size(keys: _Keys, size: str, cipher: str, openssl: str | None, short: bool) -> list[Figure]:
    content = os.urandom(SIZES[size])
    sent = b"".join(encrypt((content,), (keys.recipient,), cipher=cipher))
    encrypted = b"".join(parse_enveloped_data(sent).pieces)
    (keys.folder / "content").write_bytes(content)
    (keys.folder / "sent").write_bytes(sent)
    mode = (lambda: modes.GCM(bytes(12))) if cipher == "aes256-gcm" else (lambda: modes.CBC(bytes(16)))
    certificate, key = str(keys.folder / "alice.pem"), str(keys.folder / "alice.key")
    source, target = str(keys.folder / "content"), str(keys.folder / "out")

    def encrypts() -> None:
        for _ in encrypt((content,), (keys.recipient,), cipher=cipher):
            pass

    def decrypts() -> None:
        found, _ = decrypt(parse_enveloped_data(sent), keys.ring)
        assert len(found) == len(content)

    def limit(octets: bytes, *, decrypting: bool) -> Callable[[], None]:
        out = bytearray(len(octets) + 16)

        def alone() -> None:
            work: Any = Cipher(AES(bytes(32)), mode())
            (work.decryptor() if decrypting else work.encryptor()).update_into(octets, out)

        return alone

    theirs = {
        "encrypt": ("-encrypt", f"-{cipher.replace('aes256', 'aes-256')}", "-in", source, "-recip", certificate),
        "decrypt": (
            *("-decrypt", "-inform", "DER", "-in", str(keys.folder / "sent"), "-recip", certificate, "-inkey", key),
        ),
    }
    figures: list[Figure] = []
    rounds = 3 if short else 9
    repeat = 100 if len(content) < 100_000 else 10 if len(content) < 10_000_000 else 1
    for name, ours, alone in (
        ("encrypt", encrypts, limit(content, decrypting=False)),
        ("decrypt", decrypts, limit(encrypted, decrypting=True)),
    ):
        label = f"{name} {size} {cipher}"
        mine, least, ratio = beside(ours, alone, rounds=rounds, repeat=repeat)
        target_ratio = OF_LIMIT if size == "25 MB" and cipher == "aes256-gcm" else None
        figures.append(Figure(label, mine * 1e3, least * 1e3, "the cipher alone", "ms", ratio, target_ratio))
        if openssl is None:
            continue
        command = [openssl, "cms", *theirs[name], "-binary", "-outform", "DER", "-out", target]

        def process(command: list[str] = command) -> None:
            subprocess.run(command, check=True, capture_output=True)

        mine, peer, ratio = beside(ours, process, rounds=rounds, repeat=repeat, peer_repeat=1)
        figures.append(Figure(label, mine * 1e3, peer * 1e3, _version(openssl), "ms", ratio, 1))
    return figures


def _version(openssl: str) -> str:
    done = subprocess.run([openssl, "version"], check=True, capture_output=True, text=True)
    return f"{' '.join(done.stdout.split()[:2])} cms"


# -- what a padding oracle would measure ---------------------------------------------------------------------


T_LIMIT = 4.5
"""What |t| of Welch's test may be: the threshold of leakage tests (ISO/IEC 17825).

Where there is no difference, it is passed once in 100,000 times."""
KS_LIMIT = math.sqrt(-math.log(1e-5 / 2) / 2)
"""What the Kolmogorov-Smirnov distance times the square root of half the samples may be, for the same chance."""


def _rejection(keys: _Keys, rounds: int) -> list[Figure]:
    """Whether the time until the one error tells padding or length of the key from a wrong tag.

    All are taken in turn, in random order, as often as `rounds` says. Welch's t compares the means without the slowest
    tenth, which is the machine's doing; Kolmogorov and Smirnov's distance compares the whole distributions.
    """
    sent = b"".join(encrypt((bytes(4096),), (keys.recipient,), cipher="aes256-gcm"))
    enveloped = replace(parse_enveloped_data(sent), tag=bytes(16))
    (info,) = enveloped.recipients
    assert isinstance(info, KeyTransRecipientInfo)
    numbers = keys.recipient.certificate.public_key.native.public_numbers()

    def of(block: bytes) -> EnvelopedData:
        octets = pow(int.from_bytes(block), numbers.e, numbers.n).to_bytes(256)
        return replace(enveloped, recipients=(replace(info, encrypted_key=octets),))

    cases = {
        "right": replace(enveloped, recipients=(replace(info, encrypted_key=bytes(info.encrypted_key)),)),
        "padding": of(b"\0\x01" + b"\xff" * 254),  # of a signature, where one of encryption should be
        "length": of(b"\0\x02" + b"\xaa" * 222 + b"\0" + bytes(31)),
    }
    taken: dict[str, list[float]] = {name: [] for name in cases}
    choose = random.Random(1)
    for _ in range(rounds):
        for name in choose.sample(list(cases), len(cases)):
            start = time.perf_counter()
            with contextlib.suppress(DecryptionError):
                decrypt(cases[name], keys.ring)
            taken[name].append((time.perf_counter() - start) * 1e6)
    figures = []
    for name in ("padding", "length"):
        t, distance = _welch(taken[name], taken["right"]), _kolmogorov_smirnov(taken[name], taken["right"])
        label = f"wrong {name} or wrong tag, {rounds} times each"
        peer = f"Welch's |t| that would tell ({_microseconds(taken[name])} and {_microseconds(taken['right'])} µs)"
        figures.append(Figure(label, abs(t), T_LIMIT, peer, "t", T_LIMIT / max(abs(t), 1e-9), 1))
        peer = "Kolmogorov-Smirnov distance that would tell"
        figures.append(Figure(label, distance, KS_LIMIT, peer, "D", KS_LIMIT / max(distance, 1e-9), 1))
    return figures


def _microseconds(times: list[float]) -> str:
    return f"{statistics.median(times):.1f}"


def _welch(one: list[float], other: list[float]) -> float:
    """Welch's t of two samples, each without its slowest tenth."""
    kept = [sorted(times)[: len(times) * 9 // 10] for times in (one, other)]
    error = math.sqrt(sum(statistics.variance(times) / len(times) for times in kept))
    return (statistics.fmean(kept[0]) - statistics.fmean(kept[1])) / error


def _kolmogorov_smirnov(one: list[float], other: list[float]) -> float:
    """The greatest distance of two distribution functions, times the square root of half the samples' number."""
    events = sorted([(moment, 1) for moment in one] + [(moment, -1) for moment in other])
    height = greatest = 0
    for _, step in events:
        height += step
        greatest = max(greatest, abs(height))
    return greatest / len(one) * math.sqrt(len(one) / 2)


# -- memory --------------------------------------------------------------------------------------------------


def _memory(folder: Path) -> list[Figure]:
    """The most anonymous memory of a process that does nothing else, looked at before each piece."""
    (folder / "content").write_bytes(os.urandom(1 << 20) * 50)
    figures = []
    for function in ("encrypt_file", "decrypt_file"):
        code = f"import sys; from pathlib import Path; from benchmarks.smime_encrypted import {function} as work\n"
        code += "import json; print(json.dumps(work(Path(sys.argv[1]))))"
        command = [sys.executable, "-c", code, str(folder)]
        peaks = [
            float(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
            for _ in range(3)
        ]
        peak = statistics.median(peaks)
        name = f"{function.partition('_')[0]} 50 MB, memory"
        figures.append(Figure(name, peak, MEMORY, "the most allowed", "MB", MEMORY / peak, 1))
    return figures


def encrypt_file(folder: Path) -> float:
    """Encrypts a mapped file into a file; the most anonymous memory in megabytes."""
    keys = _Keys.load(folder)
    peak = 0.0
    with (
        (folder / "content").open("rb") as source,
        mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as content,
        (folder / "sent").open("wb") as target,
    ):
        for piece in encrypt((content,), (keys.recipient,), cipher="aes256-gcm"):
            target.write(piece)
            peak = max(peak, _anonymous())
    return peak


def decrypt_file(folder: Path) -> float:
    """Decrypts a mapped file into a file; the most anonymous memory in megabytes."""
    keys = _Keys.load(folder)
    peak = 0.0
    with (
        (folder / "sent").open("rb") as source,
        mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as sent,
        (folder / "out").open("wb") as target,
    ):

        def write(piece: memoryview) -> None:
            nonlocal peak
            target.write(piece)
            peak = max(peak, _anonymous())

        decrypt_to(parse_enveloped_data(sent), keys.ring, write)
    return peak


def _anonymous() -> float:
    """The anonymous memory of this process in megabytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    return 0.0
