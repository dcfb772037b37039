from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from benchmarks.gnupg import import_key
from mailsec.crypto import Certificate, MemoryKeyRing, PrivateKey
from mailsec.crypto.issue import Issued, issue, make_authority
from mailsec.hooks import Opened, Opener
from mailsec.hooks.manager import Registered
from mailsec.message import parse
from mailsec.pipeline import Report, Runner, Services
from mailsec.testing import make_context, make_resolver
from mailsec_smime.opening import CONTENT_TYPES, open_part

NOW = datetime.now(UTC).replace(microsecond=0)
START, END = NOW - timedelta(days=1), NOW + timedelta(days=30)


@dataclass(frozen=True)
class Identities:
    """An authority and what it has certified, by the kind of key; all for alice@example.org."""

    authority: Issued
    alice: dict[str, Issued]
    folder: Path

    @property
    def anchors(self) -> tuple[Certificate, ...]:
        return (self.authority.certificate,)

    def files(self, kind: str) -> tuple[str, ...]:
        """The options by which openssl signs with a key."""
        return ("-signer", str(self.folder / f"{kind}.pem"), "-inkey", str(self.folder / f"{kind}.key"))

    def keyring(self, kind: str) -> MemoryKeyRing:
        keys = MemoryKeyRing()
        keys.add_file(self.alice[kind].to_pem(), name=None if self.alice[kind].certificate.emails else "nobody")
        return keys


@pytest.fixture(scope="session")
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Identities:
    folder = tmp_path_factory.mktemp("pki")
    authority = make_authority("Test Authority", not_before=START, not_after=END, key=PrivateKey.generate("rsa"))
    (folder / "ca.pem").write_bytes(authority.certificate.to_pem())
    keys = {
        "rsa": PrivateKey.generate("rsa"),
        "p256": PrivateKey.generate("ec"),
        "p384": PrivateKey.generate("ec", curve="P-384"),
        "ed25519": PrivateKey.generate("ed25519"),
    }
    alice = {
        kind: issue(authority, "alice@example.org", not_before=START, not_after=END, key=key, subject=f"Alice {kind}")
        for kind, key in keys.items()
    }
    faults = {
        "expired": issue(
            authority, "alice@example.org", not_before=START, not_after=NOW - timedelta(hours=1), key=keys["rsa"]
        ),
        "purpose": issue(
            authority, "alice@example.org", not_before=START, not_after=END, key=keys["rsa"], purposes=("serverAuth",)
        ),
        "mallory": issue(authority, "mallory@example.net", not_before=START, not_after=END, key=keys["rsa"]),
        "both": issue(
            authority, "alice@example.org", "bob@example.org", not_before=START, not_after=END, key=keys["rsa"]
        ),
        # an address in the subject counts only where subjectAltName has none
        "mallory-as-alice": issue(
            authority,
            "mallory@example.net",
            not_before=START,
            not_after=END,
            key=keys["rsa"],
            subject=[("CN", "Alice"), ("emailAddress", "alice@example.org")],
        ),
        "subject": issue(
            authority,
            not_before=START,
            not_after=END,
            key=keys["rsa"],
            subject=[("CN", "Alice"), ("emailAddress", "alice@example.org")],
        ),
        "nobody": issue(authority, not_before=START, not_after=END, key=keys["rsa"], subject="Nobody"),
        "self": issue(None, "alice@example.org", not_before=START, not_after=END, key=keys["rsa"]),
        "weak": issue(
            authority, "alice@example.org", not_before=START, not_after=END, key=PrivateKey.generate("rsa", bits=1024)
        ),
    }
    alice |= faults
    for kind, issued in alice.items():
        (folder / f"{kind}.pem").write_bytes(issued.certificate.to_pem())
        (folder / f"{kind}.key").write_bytes(issued.key.to_pem())
    return Identities(authority, alice, folder)


OpenSSL = Callable[..., bytes]


@pytest.fixture(scope="session")
def openssl(figure: Callable[[str], None]) -> OpenSSL:
    """Runs `openssl` with arguments and standard input."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("the program openssl is missing")

    def run(*arguments: str, stdin: bytes = b"") -> bytes:
        done = subprocess.run([program, *arguments], input=stdin, capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, (arguments, done.stderr.decode())
        return done.stdout

    figure(f"peer: {run('version').decode().strip()}")
    return run


GpgSM = Callable[..., bytes]


@pytest.fixture(scope="session")
def gpgsm(pki: Identities, tmp_path_factory: pytest.TempPathFactory, figure: Callable[[str], None]) -> Iterator[GpgSM]:
    """Runs `gpgsm` in a home of its own that trusts the test authority and has Alice's RSA key."""
    program = shutil.which("gpgsm")
    if program is None or shutil.which("gpg-agent") is None or shutil.which("gpgconf") is None:
        pytest.skip("the programs gpgsm and gpg-agent are missing")
    home = tmp_path_factory.mktemp("g")
    home.chmod(0o700)
    environment = {**os.environ, "GNUPGHOME": str(home), "LC_ALL": "C"}
    sha1 = subprocess.run(
        ["openssl", "x509", "-in", str(pki.folder / "ca.pem"), "-noout", "-fingerprint", "-sha1"],
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout
    fingerprint = sha1.decode().strip().partition("=")[2].replace(":", "")
    (home / "trustlist.txt").write_text(f"{fingerprint} S relax\n")
    (home / "gpgsm.conf").write_text("disable-crl-checks\ndisable-dirmngr\n")
    (home / "gpg-agent.conf").write_text("allow-loopback-pinentry\nno-allow-external-cache\n")

    def run(*arguments: str, stdin: bytes = b"") -> bytes:
        # The agent asks for passphrases through a pipe of their own: standard input is for the content.
        reader, writer = os.pipe()
        os.write(writer, b"x\n")
        os.close(writer)
        command = [
            program,
            "--batch",
            "--yes",
            "--pinentry-mode",
            "loopback",
            "--passphrase-fd",
            str(reader),
            *arguments,
        ]
        try:
            done = subprocess.run(
                command, input=stdin, capture_output=True, check=False, env=environment, timeout=60, pass_fds=(reader,)
            )
        finally:
            os.close(reader)
        assert done.returncode == 0, (arguments, done.stderr.decode())
        return done.stdout + done.stderr if "--verify" in arguments else done.stdout

    try:
        figure(f"peer: {run('--version').decode().splitlines()[0]}")
        (home / "ca.der").write_bytes(pki.authority.certificate.der)
        run("--import", str(home / "ca.der"))
        import_key(run, lambda: pki.alice["rsa"].to_pkcs12(b"x", old=True))
        yield run
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False, timeout=60)


Open = Callable[..., Opened | None]


@pytest.fixture(scope="session")
def open_message(pki: Identities) -> Open:
    """Opens the root of a message as the pipeline does."""

    def run(
        octets: bytes,
        *,
        anchors: Sequence[Certificate] | None = None,
        at: datetime = NOW,
        keys: MemoryKeyRing | None = None,
    ) -> Opened | None:
        message = parse(octets)
        context = make_context(
            header=message.header, at=at, anchors=pki.anchors if anchors is None else anchors, keys=keys
        )
        opened = open_part(message.root, context)
        assert opened is None or isinstance(opened, Opened)
        return opened

    return run


@pytest.fixture(scope="session")
def conformance() -> Path:
    """The folder of conformance data; tests that want it are skipped without."""
    default = Path(__file__).parents[3].parent / "shared" / "conformance"
    folder = Path(os.environ.get("MAILSEC_CONFORMANCE", default))
    if not folder.is_dir():
        pytest.skip("the conformance data is missing: set MAILSEC_CONFORMANCE")
    return folder


class Trust:
    """The trust anchors of a test."""

    def __init__(self, anchors: Sequence[Certificate]) -> None:
        self._anchors = anchors

    def anchors(self) -> Sequence[Certificate]:
        return self._anchors

    def trusted_for(self, address: str) -> Sequence[Certificate]:
        del address
        return ()


Check = Callable[..., Awaitable[Report]]


@pytest.fixture(scope="session")
def check(pki: Identities) -> Check:
    """Checks a message with this plugin alone, through the whole pipeline."""
    opener = Opener(name="smime", methods=("smime",), content_types=CONTENT_TYPES, open=open_part)

    async def run(octets: bytes, *, keys: MemoryKeyRing | None = None, at: datetime = NOW) -> Report:
        services = Services(make_resolver(""), trust=Trust(pki.anchors), keys=keys or MemoryKeyRing())
        runner = Runner([], [Registered(opener, "smime")], services=services, clock=lambda: at)
        return await runner.check(parse(octets))

    return run
