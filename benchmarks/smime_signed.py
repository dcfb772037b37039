"""Signing and verifying SignedData, beside `openssl cms`, `gpgsm` and bare hashing of the same octets.

Ours is a call of the library: a detached signature made and written; a signature read, verified over a detached and
over an encapsulated content, and a path found for its certificate. `openssl` and `gpgsm` are processes with all that
this costs, since that is how programs use them. Hashing is SHA-256 over the same octets and nothing else: what no
signature can do without. Memory is that of a process that signs and verifies 50 MB in a mapped file.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.gnupg import running_gpgsm
from benchmarks.measure import Figure, beside
from mailsec.crypto import RSA_SHA256, Certificate, MemoryKeyRing, PathValidator, load_certificates
from mailsec.crypto.cms import Content, NewSigner, Outcome, parse_signed_data, sign, verify_signer
from mailsec.crypto.issue import Issued, issue, make_authority

_NOW = datetime.now(UTC).replace(microsecond=0)
_SIZES = {"4 KB": 4_000, "1 MB": 1_000_000, "25 MB": 25_000_000, "50 MB": 50_000_000}
_OF_HASHING = 1 / 1.3
"""How fast to be beside hashing, at 25 MB."""
_MEMORY = 80.0
"""Megabytes that 50 MB may take."""


def run(*, short: bool) -> list[Figure]:
    """Measures each size beside each peer."""
    start, end = _NOW - timedelta(days=1), _NOW + timedelta(days=30)
    authority = make_authority("Benchmark Authority", not_before=start, not_after=end)
    middle = make_authority("Benchmark Issuer", not_before=start, not_after=end, parent=authority)
    alice = issue(middle, "alice@example.org", not_before=start, not_after=end)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="mailsec-benchmark-") as name:
        folder = Path(name)
        _write(folder, authority, middle, alice)
        with running_gpgsm(folder, authority, alice) as gpgsm:
            for size, octets in _SIZES.items():
                content = _content(octets)
                (folder / "content").write_bytes(content)
                figures += _one_size(
                    size,
                    content,
                    folder=folder,
                    alice=alice,
                    anchor=authority.certificate,
                    gpgsm=gpgsm,
                    short=short,
                )
        figures.append(_memory(folder))
    return figures


def _one_size(
    size: str,
    content: bytes,
    *,
    folder: Path,
    alice: Issued,
    anchor: Certificate,
    gpgsm: Callable[..., None] | None,
    short: bool,
) -> list[Figure]:
    keys = MemoryKeyRing()
    signer = NewSigner(keys.add("alice@example.org", alice.key, alice.certificates), RSA_SHA256)

    def signing() -> None:
        b"".join(sign(Content((content,)), (signer,), detached=True, keys=keys, signing_time=_NOW))

    detached = b"".join(sign(Content((content,)), (signer,), detached=True, keys=keys, signing_time=_NOW))
    whole = b"".join(sign(Content((content,)), (signer,), detached=False, keys=keys, signing_time=_NOW))

    def verifying() -> None:
        _verify(detached, content, anchor)

    def verifying_whole() -> None:
        _verify(whole, None, anchor)

    def hashing() -> None:
        hashlib.sha256(content).digest()

    (folder / "signature").write_bytes(detached)
    own = ("-signer", str(folder / "alice.pem"), "-inkey", str(folder / "alice.key"))
    out = ("-out", str(folder / "out"))
    openssl_sign = ("cms", "-sign", "-binary", "-outform", "DER", *own, "-in", str(folder / "content"), *out)
    signature = ("-in", str(folder / "signature"), "-content", str(folder / "content"), *out)
    anchors = ("-CAfile", str(folder / "ca.pem"))
    openssl_verify = ("cms", "-verify", "-binary", "-inform", "DER", *anchors, *signature)
    openssl = _version("openssl", "version")

    rounds = 3 if short else 7
    few = max(1, min(200, 25_000_000 // len(content)))
    large = len(content) == _SIZES["25 MB"]
    figures: list[Figure] = []
    named = [("sign", signing), ("verify", verifying), ("verify encapsulated", verifying_whole)]
    _process("openssl", *openssl_sign, "-nodetach", "-stream", "-certfile", str(folder / "ca.pem"))
    streamed = (folder / "out").read_bytes()
    named.append(("verify streamed (BER)", lambda: _verify(streamed, None, anchor)))
    for name, ours in named:
        mine, theirs, ratio = beside(ours, hashing, rounds=rounds, repeat=few)
        target = _OF_HASHING if large else None
        figures.append(Figure(f"{name} {size}", mine * 1e3, theirs * 1e3, "hashing alone", "ms", ratio, target))
    processes: list[tuple[str, Callable[[], None], str, Callable[[], None], float | None]] = [
        ("sign", signing, openssl, lambda: _process("openssl", *openssl_sign), 1.0),
        ("verify", verifying, openssl, lambda: _process("openssl", *openssl_verify), 1.0),
    ]
    if gpgsm is not None:
        name = _version("gpgsm", "--version")
        files = (str(folder / "signature"), str(folder / "content"))
        user = ("--local-user", "alice@example.org", "--output", str(folder / "out"))
        processes += [
            ("sign", signing, name, lambda: gpgsm("--detach-sign", *user, "--sign", str(folder / "content")), None),
            ("verify", verifying, name, lambda: gpgsm("--verify", *files), None),
        ]
    for name, ours, peer, theirs_run, least in processes:
        mine, theirs, ratio = beside(ours, theirs_run, rounds=3, repeat=few, peer_repeat=1)
        figures.append(Figure(f"{name} {size}", mine * 1e3, theirs * 1e3, f"{peer}, a process", "ms", ratio, least))
    return figures


def _verify(octets: bytes | memoryview, content: bytes | memoryview | None, anchor: Certificate) -> None:
    signed = parse_signed_data(octets)
    pieces = signed.content if content is None else (content,)
    assert pieces is not None
    result = verify_signer(signed.signers[0], signed, Content(pieces))
    assert result.outcome is Outcome.GOOD, result
    assert result.certificate is not None
    path = PathValidator(signed.certificates, (anchor,), _NOW).validate(result.certificate)
    assert path.failure is None, path.sentence


def _content(octets: int) -> bytes:
    line = b"Somebody writes a line of text, and another one after it.\r\n"
    return (b"Content-Type: text/plain\r\n\r\n" + line * (octets // len(line) + 1))[:octets]


def _write(folder: Path, authority: Issued, middle: Issued, alice: Issued) -> None:
    (folder / "ca.pem").write_bytes(authority.certificate.to_pem() + middle.certificate.to_pem())
    (folder / "alice.pem").write_bytes(alice.certificate.to_pem())
    (folder / "alice.key").write_bytes(alice.key.to_pem())
    (folder / "all.pem").write_bytes(alice.to_pem())


def _process(program: str, *arguments: str) -> None:
    subprocess.run([program, *arguments], check=True, capture_output=True)


def _version(program: str, option: str) -> str:
    first = subprocess.run([program, option], check=True, capture_output=True, text=True).stdout.splitlines()[0]
    return " ".join(first.replace("(GnuPG) ", "").split()[:2])


# -- memory --------------------------------------------------------------------------------------------------------


def _memory(folder: Path) -> Figure:
    """What a process of its own holds at its most while it signs 50 MB, writes them encapsulated, and verifies them."""
    command = [sys.executable, "-m", "benchmarks.smime_signed", str(folder)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    mine = float(json.loads(said))
    name = "sign and verify 50 MB: anonymous memory at its most"
    return Figure(name, mine, _MEMORY, "the limit", "MB", _MEMORY / mine, 1.0)


def _child(folder: Path) -> None:
    keys = MemoryKeyRing()
    pem = (folder / "all.pem").read_bytes()
    (identity,) = keys.add_file(pem)
    anchor = load_certificates((folder / "ca.pem").read_bytes())[0]
    peak = _Peak()
    content = _mapped(folder / "content")
    pieces = sign(Content((content,)), (NewSigner(identity, RSA_SHA256),), detached=False, keys=keys, signing_time=_NOW)
    with (folder / "out").open("wb") as out:
        out.writelines(pieces)
    _verify(_mapped(folder / "out"), None, anchor)
    print(json.dumps(peak.stop()))


def _mapped(path: Path) -> memoryview:
    with path.open("rb") as file:
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


class _Peak:
    """Looks every millisecond at how much anonymous memory this process holds."""

    def __init__(self) -> None:
        self._most = _anonymous()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        while not self._done.is_set():
            self._most = max(self._most, _anonymous())
            time.sleep(0.001)

    def stop(self) -> float:
        """Megabytes at the most."""
        self._done.set()
        self._thread.join()
        return max(self._most, _anonymous())


def _anonymous() -> float:
    status = Path("/proc/self/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("RssAnon:"))
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    _child(Path(sys.argv[1]))
