"""Keys made on the spot, a signer for odd signatures that owes nothing to ours, and real peers."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import os
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dkim
import dkim.canonicalization
import pytest

import mailsec_dkim
from mailsec.crypto import ED25519, RSA_SHA1, RSA_SHA256, MemoryKeyRing, PrivateKey
from mailsec.hooks import AuthResult, DnsAnswer, DnsStatus
from mailsec.message import parse
from mailsec.testing import make_context, run_sealer, run_verifier

VERIFIER = mailsec_dkim.mailsec_verifiers()[0]
SEALER = mailsec_dkim.mailsec_sealers()[0]
DOMAIN = "example.org"
NOW = "2026-05-01T12:00:00Z"

HEADER = (
    b"Received: from a.example.org by b.example.org;\r\n\tFri, 01 May 2026 11:59:59 +0000\r\n"
    b"From: Alice <alice@example.org>\r\n"
    b"To: Bob <bob@example.net>\r\n"
    b"Subject: the  plans\t for\r\n next month\r\n"
    b"Date: Fri, 01 May 2026 11:59:58 +0000\r\n"
    b"Message-ID: <1@example.org>\r\n"
)
BODY = b"Hi  Bob,\r\n\r\nthe plans\tare \r\n  here.\r\n-- \r\nAlice\r\n\r\n"


class Records:
    """A resolver that answers TXT questions from a mapping, and counts them."""

    def __init__(self, records: Mapping[str, bytes | tuple[bytes, ...] | Exception]) -> None:
        self.records = dict(records)
        self.asked: list[str] = []

    async def query(self, name: str, rdtype: str) -> DnsAnswer:
        assert rdtype == "TXT"
        self.asked.append(name)
        found = self.records.get(name, ())
        if isinstance(found, Exception):
            raise found
        if not found:
            return DnsAnswer(name, "TXT", DnsStatus.NO_NAME)
        return DnsAnswer(name, "TXT", DnsStatus.FOUND, (found,) if isinstance(found, bytes) else found, 300)


@dataclass(frozen=True)
class Key:
    """A pair of keys in the forms that everybody wants."""

    selector: str
    algorithm: str
    private: PrivateKey
    pem: bytes
    record: bytes
    dkimpy: bytes

    @property
    def name(self) -> str:
        return f"{self.selector}._domainkey.{DOMAIN}"

    def sign(self, octets: bytes) -> bytes:
        if self.algorithm == "ed25519-sha256":
            return self.private.sign(hashlib.sha256(octets).digest(), ED25519)
        return self.private.sign(octets, RSA_SHA1 if self.algorithm == "rsa-sha1" else RSA_SHA256)


def make_key(selector: str, kind: str, bits: int = 2048) -> Key:
    private = PrivateKey.generate(kind, bits=bits)  # type: ignore[arg-type]
    spki = private.public_key.spki_der()
    pem = private.to_pem()
    if kind == "ed25519":
        lines = b"".join(pem.splitlines()[1:-1])
        seed = base64.b64encode(base64.b64decode(lines)[-32:])
        record = b"v=DKIM1; k=ed25519; p=" + base64.b64encode(spki[-32:])
        return Key(selector, "ed25519-sha256", private, pem, record, seed)
    return Key(selector, "rsa-sha256", private, pem, b"v=DKIM1; k=rsa; p=" + base64.b64encode(spki), pem)


@pytest.fixture(scope="session")
def rsa_key() -> Key:
    return make_key("rsa", "rsa")


@pytest.fixture(scope="session")
def ed25519_key() -> Key:
    return make_key("ed", "ed25519")


@pytest.fixture(scope="session")
def new_key() -> Callable[..., Key]:
    return make_key


@pytest.fixture(scope="session")
def records(rsa_key: Key, ed25519_key: Key) -> dict[str, bytes]:
    return {rsa_key.name: rsa_key.record, ed25519_key.name: ed25519_key.record}


@pytest.fixture(scope="session")
def resolver_of() -> type[Records]:
    return Records


@pytest.fixture(scope="session")
def header() -> bytes:
    return HEADER


@pytest.fixture(scope="session")
def body() -> bytes:
    return BODY


@pytest.fixture(scope="session")
def verify(records: dict[str, bytes]) -> Callable[..., Any]:
    """`await verify(octets, extra_records, at=…, chunk=…)` gives the results."""

    async def run(
        octets: bytes, extra: Mapping[str, Any] | Any = None, *, at: str = NOW, chunk: int | None = None
    ) -> tuple[AuthResult, ...]:
        resolver = extra if hasattr(extra, "query") else Records(records | dict(extra or {}))
        return await run_verifier(VERIFIER, parse(octets), make_context(zone=resolver, at=at), chunk=chunk)

    return run


@pytest.fixture(scope="session")
def verify_one(verify: Callable[..., Any]) -> Callable[..., Any]:
    """The same for a message with one signature: gives its result."""

    async def run(*args: Any, **options: Any) -> AuthResult:
        (result,) = await verify(*args, **options)
        assert isinstance(result, AuthResult)
        return result

    return run


@pytest.fixture(scope="session")
def seal() -> Callable[..., Any]:
    """`await seal(octets, key, **settings)` gives the message with our signature at its top."""

    async def run(octets: bytes, key: Key, *, at: str = NOW, chunk: int | None = None, **settings: Any) -> bytes:
        ring = MemoryKeyRing()
        ring.add_file(key.pem, name=key.name)
        table = mailsec_dkim.mailsec_settings()(**{"domain": DOMAIN, "selector": key.selector} | settings)
        context = make_context(keys=ring, settings=table, at=at)
        return b"".join(await run_sealer(SEALER, parse(octets), context, chunk=chunk)) + octets

    return run


@pytest.fixture(scope="session")
def craft() -> Callable[..., bytes]:
    """Signs with any tags, by dkimpy's canonicalization: `craft(key, header, body, l="3", i="@x.example.org")`.

    A tag given as `None` is left out. `b` is computed last; `raw=` is a function that edits the field before.
    """

    def run(
        key: Key,
        header: bytes = HEADER,
        body: bytes = BODY,
        *,
        raw: Callable[[bytes], bytes] = lambda field: field,
        **tags: str | None,
    ) -> bytes:
        pair = (tags.get("c") or "simple/simple").split("/")
        algorithms = dkim.canonicalization.ALGORITHMS
        simple = dkim.canonicalization.Simple
        head = algorithms.get(pair[0].encode(), simple)
        tail = algorithms.get((pair[1:] or ["simple"])[0].encode(), simple)
        canonical = tail.canonicalize_body(body)
        if (tags.get("l") or "").isdigit():
            canonical = canonical[: int(tags["l"] or 0)]
        digest = hashlib.sha1 if "sha1" in (tags.get("a") or key.algorithm) else hashlib.sha256
        values: dict[str, str | None] = {
            "v": "1",
            "a": key.algorithm,
            "d": DOMAIN,
            "s": key.selector,
            "h": "from:to:subject:date:message-id",
            "bh": base64.b64encode(digest(canonical).digest()).decode(),
        }
        values |= tags
        value = values.pop("b", None)
        lines = ";\r\n\t".join(f"{name}={text}" for name, text in values.items() if text is not None)
        field = raw(f"DKIM-Signature: {lines};\r\n\tb=".encode())
        if value is None:
            fields, _ = dkim.rfc822_parse(header + b"\r\n")
            names = [name.strip().lower().encode() for name in (values["h"] or "").split(":")]
            chosen = dkim.select_headers(head.canonicalize_headers(fields), names)
            ((name, own),) = head.canonicalize_headers([field.split(b":", 1)])
            octets = b"".join(b"%b:%b" % tuple(pair) for pair in chosen) + b"%b:%b" % (name, own.rstrip())
            value = base64.b64encode(key.sign(octets)).decode()
        return field + value.encode() + b"\r\n" + header + b"\r\n" + body

    return run


# -- peers ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def dkimpy() -> str:
    return f"dkimpy {importlib.metadata.version('dkimpy')}"


class Milter:
    """A client of a milter, just enough to hand a message over and to see what the milter adds.

    The protocol is that of libmilter: packets of a length, a command and data.
    """

    def __init__(self, port: int) -> None:
        self._port = port

    def _connect(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=10)
        self._file = self._socket.makefile("rb")

    def _send(self, command: bytes, data: bytes = b"") -> None:
        self._socket.sendall(struct.pack("!I", len(data) + 1) + command + data)

    def _receive(self) -> tuple[bytes, bytes]:
        (length,) = struct.unpack("!I", self._file.read(4))
        packet = self._file.read(length)
        return packet[:1], packet[1:]

    def _step(self, command: bytes, data: bytes = b"") -> list[tuple[bytes, bytes]]:
        self._send(command, data)
        answers = []
        while True:
            answers.append(self._receive())
            if answers[-1][0] in {b"c", b"a", b"t", b"r", b"d", b"y"}:
                assert answers[-1][0] in {b"c", b"a"}, answers
                return answers

    def added(self, octets: bytes) -> list[tuple[str, bytes]]:
        """Hands a message over, in a connection of its own, and gives the header fields that the milter adds."""
        self._connect()
        with self._socket, self._file:
            return self._exchange(octets)

    def _exchange(self, octets: bytes) -> list[tuple[str, bytes]]:
        self._send(b"O", struct.pack("!III", 6, 0x1FF, 0))
        command, _ = self._receive()
        assert command == b"O"
        self._step(b"C", b"localhost\x004" + struct.pack("!H", 2525) + b"127.0.0.1\0")
        self._step(b"H", b"localhost\0")
        self._step(b"M", b"<alice@example.org>\0")
        self._step(b"R", b"<bob@example.net>\0")
        message = parse(octets)
        for field in message.header:
            # libmilter hands over what follows the colon and one space, with LF in folded lines
            value = field.raw_value.removeprefix(b" ").replace(b"\r\n", b"\n")
            self._step(b"L", field.raw_name + b"\0" + value + b"\0")
        self._step(b"N")
        octets = bytes(message.body)
        for start in range(0, len(octets), 65535):
            self._step(b"B", octets[start : start + 65535])
        found = []
        for command, data in self._step(b"E"):
            if command in b"hi":
                name, value, _ = (data if command == b"h" else data[4:]).split(b"\0")
                found.append((name.decode(), value))
        self._send(b"Q")
        return found


@dataclass(frozen=True)
class OpenDKIM:
    """OpenDKIM, which signs or verifies behind a milter socket."""

    version: str
    folder: Path
    records: Mapping[str, bytes]

    def run(self, mode: str, settings: str) -> Iterator[Milter]:
        """Starts it and gives a client; ends it by its process id."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        folder = self.folder / f"{mode}{port}"
        folder.mkdir()
        data = folder / "dns"
        data.write_bytes(b"".join(b"%b %b\n" % (name.encode(), text) for name, text in self.records.items()))
        config = folder / "opendkim.conf"
        config.write_text(
            f"Mode {mode}\nSocket inet:{port}@127.0.0.1\nTestDNSData file:{data}\nSyslog no\nBackground no\n"
            f"PidFile {folder}/pid\nTemporaryDirectory {folder}\nRequireSafeKeys no\n"
            f"AlwaysAddARHeader yes\nAuthservID test.example\nInternalHosts {folder}/hosts\n{settings}"
        )
        (folder / "hosts").write_text("127.0.0.1\n" if mode == "s" else "192.0.2.1\n")
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([_opendkim(), "-f", "-x", config], stdout=log, stderr=log)
        try:
            until = time.monotonic() + 20
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=10).close()
                    break
                except OSError:
                    if process.poll() is not None or time.monotonic() > until:
                        pytest.fail(f"opendkim does not start: {(folder / 'log').read_text()}")
                    time.sleep(0.05)
            yield Milter(port)
        finally:
            process.terminate()
            process.wait(20)


def _opendkim() -> str:
    found = shutil.which("opendkim", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        pytest.skip("opendkim is not installed")
    return found


@pytest.fixture(scope="session")
def opendkim(tmp_path_factory: pytest.TempPathFactory, records: dict[str, bytes]) -> OpenDKIM:
    program = _opendkim()
    text = subprocess.run([program, "-V"], capture_output=True, check=True, text=True).stdout
    return OpenDKIM(text.splitlines()[0].removeprefix("opendkim: "), tmp_path_factory.mktemp("opendkim"), records)


@pytest.fixture(scope="session")
def opendkim_verifier(opendkim: OpenDKIM) -> Iterator[Milter]:
    yield from opendkim.run("v", "")
