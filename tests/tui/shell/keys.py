"""A key store for the client: the reader's key, somebody trusted, and correspondents, at a fixed time."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mailsec.crypto import Certificate, PrivateIdentity, PrivateKey, load_identities
from mailsec.crypto.cms import CertificateRecipient, encrypt
from mailsec.crypto.issue import Issued, issue, make_authority, make_own
from mailsec.store.keys import FileKeyStore, Passwords

__all__ = ["AT", "PASSWORD", "ROBIN", "Correspondents", "encrypted_to", "fill", "open_store"]

AT = datetime(2026, 5, 12, 14, 30, tzinfo=UTC)
PASSWORD = "correct horse"
ROBIN = "robin@example.net"
CHEAP = 1 << 10


class Correspondents:
    """An authority, and certificates that it and their owners have signed."""

    def __init__(self) -> None:
        times = {"not_before": AT - timedelta(days=400), "not_after": AT + timedelta(days=354)}
        key = PrivateKey.generate("ec")
        self.root = make_authority("Example Root", key=key, **times)
        self.alice = issue(self.root, "alice@example.org", key=PrivateKey.generate("ec"), **times)
        self.bob = make_own(PrivateKey.generate("ec"), ["bob@example.net"], **times)
        late = {"not_before": AT - timedelta(days=400), "not_after": AT - timedelta(days=35)}
        self.carol = make_own(PrivateKey.generate("rsa", bits=2048), ["carol@example.com"], **late)
        name = "Mallory [bold]x[/red] \x1b]0;owned\x07\u202egro"
        self.mallory = make_own(PrivateKey.generate("ec"), ["mallory@example.com"], subject=name, **times)

    @property
    def all(self) -> Sequence[Issued]:
        return (self.alice, self.bob, self.carol, self.mallory)


def encrypted_to(certificate: Certificate) -> bytes:
    """A message that is encrypted to somebody (RFC 8551 section 3.3)."""
    entity = b"Content-Type: text/plain; charset=utf-8\r\n\r\nThe cake is in the kitchen.\r\n"
    content = b"".join(encrypt((entity,), [CertificateRecipient(certificate)], cipher="aes256-gcm"))
    head = (
        b"From: Alice <alice@example.org>\r\nTo: Robin <robin@example.net>\r\nSubject: Surprise\r\n"
        b"Date: Mon, 11 May 2026 20:00:00 +0000\r\nMessage-ID: <surprise@example.org>\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: application/pkcs7-mime; smime-type=authEnveloped-data; name=smime.p7m\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return head + base64.encodebytes(content).replace(b"\n", b"\r\n")


def open_store(folder: Path, password: str = PASSWORD) -> FileKeyStore:
    """Opens the store as somebody who knows the password."""
    passwords = Passwords("test", "the kept keys", ask=lambda _prompt: password.encode())
    return FileKeyStore(folder, passwords, cost=CHEAP)


def fill(folder: Path, identity: PrivateIdentity | Path | None, people: Correspondents) -> FileKeyStore:
    """Keeps the reader's key, trusts the authority and Bob, knows the others."""
    store = open_store(folder)
    if isinstance(identity, Path):
        (identity,) = load_identities(identity.read_bytes())
    if identity is not None:
        store.add_key(identity, [ROBIN])
    store.trust(people.root.certificate)
    store.trust(people.bob.certificate, "bob@example.net")
    sources = {people.alice: ("message", "<plans@example.org>"), people.bob: ("file", "bob.pem")}
    for number, one in enumerate(people.all):
        source, detail = sources.get(one, ("smimea", "_smimea.example.com"))
        certificate: Certificate = one.certificate
        seen = AT - timedelta(days=number)
        store.remember(certificate.emails[0], certificate, source, detail, seen)  # type: ignore[arg-type]
    return store
