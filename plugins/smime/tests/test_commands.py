"""`mailsec smime sign`, `verify`, `encrypt` and `decrypt`: what each says, its exit status, and what it writes."""

from __future__ import annotations

import base64
import contextlib
import os
import pty
import re
import select
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mailsec.cli import main
from mailsec.crypto import RSA_SHA256, MemoryKeyRing, PrivateKey
from mailsec.crypto.cms import (
    CertificateRecipient,
    Content,
    NewSigner,
    add_signers,
    build_certificates_only,
    encrypt,
    oids,
    parse_enveloped_data,
    parse_signed_data,
)
from mailsec.crypto.cms.encode import oid
from mailsec.crypto.issue import Issued, issue
from mailsec.crypto.revocation.issue import Revoked, make_crl
from mailsec.errors import StoreError
from mailsec.hooks import Form, Protection
from mailsec.message import parse
from mailsec.testing import make_context
from mailsec_smime import spooling
from mailsec_smime.commands import reading
from mailsec_smime.protecting import protect
from mailsec_smime.settings import Settings
from mailsec_smime.signing import base64_lines, wrapped
from mailsec_smime.spooling import Spool, spooled

from .conftest import END, NOW, START

ALICE, BOB, CAROL = "alice@example.org", "bob@example.org", "carol@example.org"
MESSAGE = (
    b"From: Alice <alice@example.org>\r\nTo: bob@example.org\r\nSubject: The plan\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=us-ascii\r\n\r\nHello Bob.\r\n"
)
BODY = b"Content-Type: text/plain; charset=us-ascii\r\n\r\nHello Bob.\r\n"
UNIFORM = "it cannot be decrypted with your keys, or it was changed on its way"


class Ended:
    def __init__(self, status: int, out: bytes, err: str) -> None:
        self.status = status
        self.out = out
        self.err = err


Smime = Callable[..., Ended]


@pytest.fixture(scope="session")
def people(pki: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that commands are given: the authority, Alice's keys, and Bob's."""
    folder = tmp_path_factory.mktemp("people")
    (folder / "ca.pem").write_bytes(pki.authority.certificate.to_pem())
    for kind in ("rsa", "p256", "ed25519", "expired", "mallory"):
        (folder / f"{kind}.pem").write_bytes(pki.alice[kind].to_pem())
    bob = issue(pki.authority, BOB, not_before=START, not_after=END, key=PrivateKey.generate("rsa"))
    (folder / "bob.pem").write_bytes(bob.to_pem())
    (folder / "bob.crt").write_bytes(bob.certificate.to_pem())
    (folder / "locked.pem").write_bytes(bob.key.to_pem(b"right") + bob.certificate.to_pem())
    return folder


def feed(descriptor: int, octets: bytes) -> None:
    """Writes to a pipe what is read at the same time, if anybody reads it."""
    with contextlib.suppress(OSError), os.fdopen(descriptor, "wb") as pipe:
        pipe.write(octets)


def names() -> list[str]:
    """What there is in the folder."""
    return sorted(one.name for one in Path().iterdir())


@pytest.fixture
def smime(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], people: Path
) -> Smime:
    """Runs a command in an empty folder, with the test authority as anchor; standard input is a pipe."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "MAILSEC_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")

    def run(
        name: str, *arguments: str, stdin: bytes = b"", keys: Sequence[str] = (), trust: bool = True, status: int = 0
    ) -> Ended:
        options = ["--trust", str(people / "ca.pem")] if trust else []
        for key in keys:
            options += ["--identity", str(people / f"{key}.pem")]
        reader, writer = os.pipe()
        feeder = threading.Thread(target=feed, args=(writer, stdin))
        feeder.start()
        capsysbinary.readouterr()
        with os.fdopen(reader) as source:
            monkeypatch.setattr(sys, "stdin", source)
            ended = main(["smime", name, *arguments, *options])
        feeder.join()
        out, err = capsysbinary.readouterr()
        assert b"PRIVATE KEY" not in out
        assert b"Traceback" not in err
        assert ended == status, (ended, out[-500:], err.decode())
        return Ended(ended, out, err.decode())

    return run


def signed(pki: Any, kind: str = "rsa", *, at: datetime = NOW, author: str = ALICE, **options: Any) -> bytes:
    """A message that Alice has signed, or that somebody has."""
    context = make_context(keys=pki.keyring(kind), at=at, settings=Settings(revocation="off"))
    return protect(parse(MESSAGE), Protection(sign=True, author=author, **options), context)


def opaque(pki: Any) -> tuple[bytes, bytes]:
    """An opaque message in its two parts: the header sections and the structure in DER."""
    message = parse(signed(pki, form=Form.OPAQUE))
    return bytes(message.octets[: message.body_start]), message.root.content


def with_structure(head: bytes, structure: bytes) -> bytes:
    return head + base64.encodebytes(structure).replace(b"\n", b"\r\n")


def encrypted(people: Path, content: bytes = BODY, cipher: str = "aes256-gcm") -> bytes:
    """A message that is encrypted to Bob."""
    return MESSAGE[: MESSAGE.index(b"Content-Type")] + b"".join(wrapped(sealed(people, content, cipher), "enveloped"))


def sealed(people: Path, content: bytes = BODY, cipher: str = "aes256-gcm") -> list[bytes]:
    return list(encrypt((content,), [recipient(people)], cipher=cipher))


def recipient(people: Path) -> CertificateRecipient:
    keys = MemoryKeyRing()
    (identity,) = keys.add_file((people / "bob.pem").read_bytes())
    return CertificateRecipient(identity.certificates[0])


def revoked(pki: Any) -> bytes:
    """A detached signature of Alice's that brings the list on which her certificate is revoked."""
    alice: Issued = pki.alice["rsa"]
    entry = Revoked(alice.certificate.serial, NOW - timedelta(hours=2), "superseded")
    day = timedelta(days=1)
    crl = make_crl(pki.authority, [entry], this_update=NOW - day, next_update=NOW + day)
    keys = pki.keyring("rsa")
    signer = NewSigner(keys.identities()[0], RSA_SHA256)
    empty = parse_signed_data(build_certificates_only((), [crl]))
    return b"".join(add_signers(empty, (signer,), keys=keys, signing_time=NOW, content=Content((BODY,))))


def clear_signed(signature: bytes) -> bytes:
    return (
        MESSAGE[: MESSAGE.index(b"Content-Type")]
        + b"Content-Type: multipart/signed; protocol=application/pkcs7-signature; micalg=sha-256; boundary=b\r\n\r\n"
        + b"--b\r\n%b\r\n--b\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\n" % BODY
        + b"Content-Transfer-Encoding: base64\r\n\r\n%b\r\n--b--\r\n" % base64.encodebytes(signature)
    )


# -- verify --------------------------------------------------------------------------------------------------

Make = Callable[[Any, Path], bytes]
UNKNOWN = oid("1.2.840.113549.1.1.99")


def _unknown_algorithm(pki: Any) -> bytes:
    head, structure = opaque(pki)
    at = structure.rindex(oid(oids.RSA))
    return with_structure(head, structure[:at] + UNKNOWN + structure[at + len(UNKNOWN) :])


VERIFY: list[Any] = [
    ("not signed", lambda pki, people: MESSAGE, 1, "unauthenticated: "),
    ("changed", lambda pki, people: signed(pki).replace(b"Hello", b"Hullo"), 1, "changed after it was signed"),
    ("part", lambda pki, people: _beside(signed(pki)), 1, "warning: "),
    (
        "expired",
        lambda pki, people: signed(pki, "expired", at=NOW - timedelta(hours=2)),
        1,
        "expired on",
    ),
    ("unknown issuer", lambda pki, people: signed(pki, "self"), 1, "comes from nobody you trust"),
    ("other address", lambda pki, people: signed(pki, "mallory", author="mallory@example.net"), 1, "mallory@example"),
    ("purpose", lambda pki, people: signed(pki, "purpose"), 1, "not for e-mail"),
    ("weak", lambda pki, people: signed(pki, "weak"), 1, "1024 bits"),
    ("revoked", lambda pki, people: clear_signed(revoked(pki)), 1, "revoked"),
    ("algorithm", lambda pki, people: _unknown_algorithm(pki), 1, "1.2.840.113549.1.1.99 is not known"),
    ("broken", lambda pki, people: with_structure(*_cut(*opaque(pki))), 1, "cannot be read"),
    ("for another", lambda pki, people: encrypted(people), 1, "not encrypted to any of your keys"),
    ("empty", lambda pki, people: b"", 2, "standard input is empty"),
]


def _beside(message: bytes) -> bytes:
    """A signed message as a part beside another one."""
    head, _, rest = message.partition(b"MIME-Version: 1.0\r\n")
    return (
        head
        + b"Content-Type: multipart/mixed; boundary=out\r\n\r\n--out\r\n\r\nunsigned\r\n--out\r\n%b\r\n--out--" % rest
    )


def _cut(head: bytes, structure: bytes) -> tuple[bytes, bytes]:
    return head, structure[:-100]


@pytest.mark.parametrize(("make", "status", "sentence"), [one[1:] for one in VERIFY], ids=[one[0] for one in VERIFY])
def test_what_is_not_verified_is_not_written(
    make: Make, status: int, sentence: str, smime: Smime, pki: Any, people: Path
) -> None:
    message = make(pki, people)
    told = smime("verify", stdin=message, keys=["rsa"], status=status)
    assert sentence in told.out.decode() + told.err
    written = smime("verify", "--output", "content", stdin=message, keys=["rsa"], status=status)
    assert sentence in written.out.decode() + written.err
    piped = smime("verify", "--output", "-", stdin=message, keys=["rsa"], status=status)
    assert piped.out == b""
    assert sentence in piped.err
    assert names() == []


@pytest.mark.parametrize("form", [form for form in Form if form.signs])
def test_every_form_is_verified_and_its_content_is_given(form: Form, smime: Smime, pki: Any, people: Path) -> None:
    """RFC 8551 sections 3.3 to 3.7; decrypting and verifying take turns (RFC 2634 section 1.1)."""
    keys = MemoryKeyRing()
    keys.add_file((people / "rsa.pem").read_bytes())
    context = make_context(keys=keys, anchors=pki.anchors, settings=Settings())
    protection = Protection(sign=True, encrypt=form.encrypts, form=form, recipients=(ALICE,))
    message = protect(parse(MESSAGE), protection, context)
    done = smime("verify", "--output", "-", stdin=message, keys=["rsa"])
    assert "verified: alice@example.org signed the whole body" in done.err
    lines = [line for line in done.err.splitlines() if line.startswith("  layer")]
    assert len(lines) == {Form.TRIPLE: 3, Form.CLEAR: 0, Form.OPAQUE: 0}.get(form, 2)
    assert b"Subject: The plan" in done.out
    assert done.out.endswith(b"Hello Bob.\r\n")


def test_the_verdict_is_that_of_check(smime: Smime, pki: Any) -> None:
    message = signed(pki).replace(b"Hello", b"Hullo")
    Path("message").write_bytes(message)
    done = smime("verify", "message", "--json", status=1)
    assert b'"level": "failed"' in done.out
    sentence = "The S/MIME signature by alice@example.org is wrong: the content was changed after it was signed."
    assert sentence.encode() in done.out
    assert sentence in smime("verify", "message", status=1).out.decode()


def test_the_time_is_chosen(smime: Smime, pki: Any) -> None:
    at = (NOW - timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    message = signed(pki, "expired", at=NOW - timedelta(hours=2))
    assert f"the time {at}" in smime("verify", "--at", at, stdin=message).out.decode()


def test_a_whole_message_has_the_outer_fields(smime: Smime, pki: Any) -> None:
    message = signed(pki, header_protection=False)
    done = smime("verify", "--output", "-", "--message", stdin=message)
    assert parse(done.out).subject == "The plan"
    assert done.out.endswith(BODY)
    protected = smime("verify", "--output", "-", "--message", stdin=signed(pki)).out
    assert [field.name for field in parse(protected).header.all("subject")] == ["Subject"]


# -- decrypt -------------------------------------------------------------------------------------------------


def _tampered(people: Path, cipher: str) -> bytes:
    octets = bytearray(b"".join(sealed(people, BODY * 10, cipher)))
    octets[-60 if cipher.endswith("gcm") else -1] ^= 1
    return bytes(octets)


def _wrong_key(people: Path) -> bytes:
    """The content-encryption key is replaced by one that is encrypted well but is another."""
    octets = b"".join(sealed(people))
    (info,) = parse_enveloped_data(octets).recipients
    (other,) = parse_enveloped_data(b"".join(sealed(people))).recipients
    mine, theirs = (bytes(one.encrypted_key) for one in (info, other))  # type: ignore[union-attr]
    return octets.replace(mine, theirs)


def _no_key(people: Path) -> bytes:
    """What should be an encrypted key decrypts to no padding at all."""
    octets = b"".join(sealed(people))
    (info,) = parse_enveloped_data(octets).recipients
    mine = bytes(info.encrypted_key)  # type: ignore[union-attr]
    return octets.replace(mine, b"\0" * 255 + b"\2")


def _unknown_cipher(people: Path) -> bytes:
    return b"".join(sealed(people)).replace(oid("2.16.840.1.101.3.4.1.46"), oid("2.16.840.1.101.3.4.1.99"))


FILES: list[Any] = [
    ("tag", lambda people: _tampered(people, "aes256-gcm"), UNIFORM),
    ("padding", lambda people: _tampered(people, "aes256-cbc"), UNIFORM),
    ("wrong key", _wrong_key, UNIFORM),
    ("no key", _no_key, UNIFORM),
    ("algorithm", _unknown_cipher, "2.16.840.1.101.3.4.1.99"),
    ("cut", lambda people: b"".join(sealed(people))[:-5], "cannot be read"),
]


@pytest.mark.parametrize("as_message", [True, False], ids=["message", "file"])
@pytest.mark.parametrize(("make", "sentence"), [one[1:] for one in FILES], ids=[one[0] for one in FILES])
def test_what_is_not_decrypted_is_not_written(
    make: Callable[[Path], bytes], sentence: str, as_message: bool, smime: Smime, people: Path
) -> None:
    """Whatever depends on the private key has one sentence (RFC 3218 section 2.3)."""
    octets = make(people)
    if as_message:
        octets = MESSAGE[: MESSAGE.index(b"Content-Type")] + b"".join(wrapped((octets,), "enveloped-data"))
    done = smime("decrypt", stdin=octets, keys=["bob"], status=1)
    assert sentence in done.err
    if sentence is UNIFORM:
        first = done.err.splitlines()[0]
        assert first == f"The {'message' if as_message else 'file'} was not decrypted: {UNIFORM}."
    assert done.out == b""
    smime("decrypt", "--output", "content", stdin=octets, keys=["bob"], status=1)
    assert names() == []


@pytest.mark.parametrize("as_message", [True, False], ids=["message", "file"])
def test_no_key_is_meant(as_message: bool, smime: Smime, people: Path) -> None:
    octets = encrypted(people) if as_message else b"".join(sealed(people))
    assert "not encrypted to any of your keys" in smime("decrypt", stdin=octets, keys=["rsa"], status=1).err


@pytest.mark.parametrize("as_message", [True, False], ids=["message", "file"])
def test_a_wrong_password_is_no_trait_of_the_message(as_message: bool, smime: Smime, people: Path) -> None:
    octets = encrypted(people) if as_message else b"".join(sealed(people))
    done = smime("decrypt", "--password-command", "echo wrong", stdin=octets, keys=["locked"], status=2)
    assert "password" in done.err
    assert smime("decrypt", "--password-command", "echo right", stdin=octets, keys=["locked"]).out.endswith(b"Bob.\r\n")


def test_a_wrong_password_of_kept_keys(smime: Smime, people: Path) -> None:
    right, wrong = ("--password-command", "echo right"), ("--password-command", "echo wrong")
    assert main(["smime", "keys", "import", str(people / "bob.pem"), *right]) == 0
    message = encrypted(people)
    for name in ("decrypt", "verify"):
        done = smime(name, *wrong, stdin=message, status=2)
        assert "the password" in done.err
        assert done.out == b""
    assert smime("decrypt", *right, stdin=message).out == BODY
    assert "the password" in smime("sign", "--cms", *wrong, stdin=b"x", status=2).err


def test_encryption_that_does_not_show_changes_is_named(smime: Smime, people: Path) -> None:
    """EFAIL, RFC 8551 section 6: the content is given, and what it is worth is said."""
    for octets in (encrypted(people, cipher="aes256-cbc"), b"".join(sealed(people, cipher="aes256-cbc"))):
        done = smime("decrypt", stdin=octets, keys=["bob"])
        assert "encrypted in a way that does not show changes" in done.err
        assert done.out == BODY


def test_what_is_signed_inside_must_not_be_broken(smime: Smime, pki: Any, people: Path) -> None:
    entity = parse(signed(pki)).octets[len(b"From: Alice <alice@example.org>\r\n") :]
    inner = bytes(entity)[bytes(entity).index(b"Content-Type: multipart/signed") :]
    done = smime("decrypt", stdin=encrypted(people, inner), keys=["bob"])
    assert done.err.startswith("verified: ")
    assert done.out.endswith(b"Hello Bob.\r\n")
    done = smime("decrypt", stdin=encrypted(people, inner.replace(b"Hello", b"Hullo")), keys=["bob"], status=1)
    assert done.err.startswith("What is signed in the message is broken, so nothing of it is given: ")
    assert done.out == b""
    untrusted = smime("decrypt", stdin=encrypted(people, inner), keys=["bob"], trust=False)
    assert untrusted.err.startswith("warning: ")  # it is the reader's own mail, and what it is worth is said


def test_what_is_not_encrypted_is_not_decrypted(smime: Smime, pki: Any) -> None:
    assert "not encrypted: there is nothing" in smime("decrypt", stdin=signed(pki), status=1).err
    _, structure = opaque(pki)
    assert "is not encrypted: it is signed-data" in smime("decrypt", stdin=structure, status=1).err
    part = _beside(b"x\r\nMIME-Version: 1.0\r\n" + b"".join(wrapped((structure,), "signed-data")))
    assert "not encrypted" in smime("decrypt", stdin=part, status=1).err


# -- sign and encrypt ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "content_type"),
    [((), "multipart/signed"), (("--clear",), "multipart/signed"), (("--opaque",), "application/pkcs7-mime")],
)
@pytest.mark.parametrize("ends", [b"\r\n", b"\n"], ids=["CRLF", "LF"])
def test_a_message_is_signed(options: tuple[str, ...], content_type: str, ends: bytes, smime: Smime) -> None:
    done = smime("sign", *options, stdin=MESSAGE.replace(b"\r\n", ends), keys=["rsa"])
    assert parse(done.out).root.content_type == content_type
    assert (done.err, done.out.count(b"\n")) == ("", done.out.count(b"\r\n"))
    assert "and its header" in smime("verify", stdin=done.out).out.decode()
    bare = smime("sign", *options, "--no-header-protection", stdin=MESSAGE, keys=["rsa"])
    assert "Subject and To are not covered" in smime("verify", stdin=bare.out).out.decode()


def test_another_key_is_named(smime: Smime, people: Path, pki: Any) -> None:
    wanted = pki.alice["p256"].certificate.fingerprint
    done = smime("sign", "--as", wanted[:12], "--opaque", stdin=MESSAGE, keys=["rsa", "p256"])
    (signer,) = parse_signed_data(parse(done.out).root.content).signers
    assert signer.sid.serial == pki.alice["p256"].certificate.serial  # type: ignore[union-attr]
    other = smime("sign", "--as", BOB, stdin=MESSAGE, keys=["rsa", "bob"])
    assert "its readers will be warned" in other.err
    assert "warning" in smime("verify", stdin=other.out, status=1).out.decode()


REFUSED: list[tuple[str, Sequence[str], bytes, Sequence[str], str]] = [
    ("sign", (), MESSAGE, (), "there is no key with a certificate for alice@example.org"),
    ("sign", (), MESSAGE, ("expired",), "no certificate for alice@example.org is valid now"),
    ("sign", (), b"\x89PNG\r\n", ("rsa",), "to take it as a file, give --cms"),
    ("sign", (), MESSAGE + b"\xff", ("rsa",), "8-bit octets"),
    ("sign", ("--pem",), MESSAGE, ("rsa",), "--pem goes with --cms"),
    ("sign", ("--detached",), MESSAGE, ("rsa",), "--detached goes with --cms"),
    ("sign", ("--as", "12345678"), MESSAGE, ("rsa",), "there is no key under '12345678'"),
    ("sign", ("--cms",), b"x", (), "there is no key to sign with"),
    ("sign", ("--cms",), b"x", ("rsa", "bob"), "say with --as in whose name"),
    ("sign", ("no-such-file",), b"", ("rsa",), "no-such-file: no such file"),
    ("encrypt", (), MESSAGE, ("rsa",), "no certificate to encrypt to bob@example.org (none is known)"),
    (
        "encrypt",
        ("--to", BOB, "--to", CAROL),
        MESSAGE,
        ("rsa",),
        "bob@example.org (none is known), carol@example.org (none is known)",
    ),
    ("encrypt", (), MESSAGE.replace(b"To: bob@example.org\r\n", b""), ("rsa",), "names nobody in To, Cc or Bcc"),
    ("encrypt", (), MESSAGE.replace(b"To: bob@", b"To: bob, x@"), ("rsa",), "is no e-mail address: bob"),
    ("encrypt", ("--to", "bob"), MESSAGE, ("rsa",), "'bob' is no e-mail address"),
    ("encrypt", ("--cms",), b"x", ("rsa",), "say with --to ADDRESS"),
    ("encrypt", ("--cms", "--sign", "--to", BOB), b"x", ("rsa",), "sign the file first"),
    ("encrypt", (), MESSAGE, ("ed25519", "bob"), "alice@example.org (its certificate is not for encryption)"),
    ("verify", ("--from", ALICE), MESSAGE, (), "--from goes with a file"),
    ("verify", ("--json", "--output", "-"), MESSAGE, (), "cannot both go to standard output"),
]


@pytest.mark.parametrize(("name", "options", "stdin", "keys", "sentence"), REFUSED)
def test_what_cannot_be_is_refused(
    name: str, options: Sequence[str], stdin: bytes, keys: Sequence[str], sentence: str, smime: Smime
) -> None:
    done = smime(name, *options, stdin=stdin, keys=keys, status=2)
    assert sentence in done.err
    assert done.err.count("\n") == 1
    assert done.out == b""
    if "--output" not in options:
        smime(name, *options, "--output", "file", stdin=stdin, keys=keys, status=2)
    assert names() == []


def test_a_message_is_encrypted_to_its_recipients_and_its_author(smime: Smime) -> None:
    message = MESSAGE.replace(b"Subject", b"Bcc: alice@example.org\r\nSubject")
    done = smime("encrypt", stdin=message, keys=["rsa", "bob"])
    assert b"Bcc" not in done.out
    assert b"The plan" not in done.out
    enveloped = parse_enveloped_data(parse(done.out).root.content)
    assert (enveloped.authenticated, len(enveloped.recipients)) == (True, 2)
    for reader in ("rsa", "bob"):
        inner = smime("decrypt", stdin=done.out, keys=[reader]).out
        assert parse(inner).subject == "The plan"
        assert b"Bcc" not in inner
    both = smime("encrypt", "--sign", stdin=message, keys=["rsa", "bob"])
    assert "verified: " in smime("verify", stdin=both.out, keys=["bob"]).out.decode()


def test_a_cipher_that_all_understand(smime: Smime, people: Path) -> None:
    """RFC 8551 section 2.7.1: who has announced CBC alone is written to in CBC."""
    from mailsec.store.keys import FileKeyStore, Passwords

    folder = Path(os.environ["HOME"]) / ".local/state/mailsec/keys"
    store = FileKeyStore(folder, Passwords("x", "x", command="echo x"))
    keys = MemoryKeyRing()
    (bob,) = keys.add_file((people / "bob.pem").read_bytes())
    store.remember(BOB, bob.certificates[0], "file", "bob.pem", NOW)
    for names, authenticated in ((("aes128-cbc",), False), (("aes256-gcm", "aes128-cbc"), True)):
        store.remember_capabilities(BOB, names, NOW + timedelta(minutes=len(names)))
        done = smime("encrypt", stdin=MESSAGE, keys=["rsa"])
        assert parse_enveloped_data(parse(done.out).root.content).authenticated is authenticated


# -- files ---------------------------------------------------------------------------------------------------

CONTENT = bytes(range(256)) * 10 + b"\n\r\r\n"


@pytest.mark.parametrize("pem", [(), ("--pem",)], ids=["DER", "PEM"])
def test_any_file_is_signed_and_encrypted(pem: tuple[str, ...], smime: Smime) -> None:
    whole = smime("sign", "--cms", *pem, stdin=CONTENT, keys=["rsa"]).out
    assert whole.startswith(b"-----BEGIN CMS-----\n" if pem else b"\x30")
    done = smime("verify", "--output", "-", stdin=whole)
    assert done.out == CONTENT
    assert done.err == "verified: The signature of alice@example.org is good and is for the whole content.\n"
    Path("content").write_bytes(CONTENT)
    detached = smime("sign", "--cms", "--detached", *pem, "content", keys=["rsa"]).out
    assert smime("verify", "--content", "content", "--output", "-", stdin=detached).out == CONTENT
    both = smime("encrypt", "--cms", *pem, "--to", BOB, "--as", ALICE, stdin=whole, keys=["rsa", "bob"]).out
    for reader in ("rsa", "bob"):
        assert smime("decrypt", stdin=both, keys=[reader]).out == whole


FILE_CASES: list[tuple[str, Callable[[Any], bytes], Sequence[str], int, str]] = [
    ("changed", lambda pki: opaque(pki)[1].replace(b"Hello", b"Hullo"), (), 1, "failed: The signature of alice@"),
    ("for another", lambda pki: opaque(pki)[1], ("--from", BOB), 1, "the certificate is for alice@example.org"),
    ("revoked", revoked, ("--content", "body"), 1, "revoked"),
    ("no content", revoked, (), 2, "the signature is detached: name with --content FILE"),
    ("content twice", lambda pki: opaque(pki)[1], ("--content", "body"), 2, "--content has no place"),
    ("cut", lambda pki: opaque(pki)[1][:-7], (), 1, "The file cannot be read as CMS: "),
    ("nobody", lambda pki: build_certificates_only(pki.anchors), (), 1, "Nobody has signed it"),
    ("JSON", lambda pki: opaque(pki)[1], ("--json",), 2, "--json is for messages"),
]


@pytest.mark.parametrize(
    ("make", "options", "status", "sentence"), [one[1:] for one in FILE_CASES], ids=[one[0] for one in FILE_CASES]
)
def test_a_file_that_is_not_verified(
    make: Callable[[Any], bytes], options: Sequence[str], status: int, sentence: str, smime: Smime, pki: Any
) -> None:
    Path("body").write_bytes(BODY)
    done = smime("verify", *options, "--output", "content", stdin=make(pki), status=status)
    assert sentence in done.out.decode() + done.err
    assert names() == ["body"]
    assert "signed-data" not in smime("verify", "--from", ALICE, stdin=opaque(pki)[1]).err


def test_what_is_encrypted_is_not_verified(smime: Smime, people: Path) -> None:
    assert b"decrypt it first" in smime("verify", stdin=b"".join(sealed(people)), status=1).out


@pytest.mark.parametrize(
    ("octets", "is_one"),
    [
        pytest.param(b"\x30\x80\x06\x01\x01\0\0", True, id="BER"),
        pytest.param(b"\x30\x82\x01\x00", True, id="DER"),
        pytest.param(b"0: a header field", False, id="a field whose name begins with 0"),
        pytest.param(b"-----BEGIN PKCS7-----\nMAA=\n-----END PKCS7-----\n", True, id="PEM"),
        pytest.param(b"words\n-----BEGIN SIGNED MESSAGE-----\nMAA=\n", True, id="PEM after words"),
        pytest.param(b"From: a\n\n-----BEGIN CMS-----\nMAA=\n-----END CMS-----\n", False, id="in a message"),
        pytest.param(b"-----BEGIN CERTIFICATE-----\nMAA=\n", False, id="another PEM"),
        pytest.param(MESSAGE, False, id="message"),
        pytest.param(b"x", False, id="one octet"),
    ],
)
def test_a_structure_is_told_from_a_message(octets: bytes, is_one: bool) -> None:
    assert (reading.structure(octets) is not None) is is_one


# -- what is written -----------------------------------------------------------------------------------------


def test_a_file_is_written_whole_for_its_owner(smime: Smime) -> None:
    smime("sign", "--output", "signed", stdin=MESSAGE, keys=["rsa"])
    assert stat.S_IMODE(Path("signed").stat().st_mode) == 0o600
    before = Path("signed").read_bytes()
    done = smime("sign", "--opaque", "--output", "signed", stdin=MESSAGE, keys=["rsa"], status=2)
    assert "signed is there already and was left as it is; --force replaces it" in done.err
    assert Path("signed").read_bytes() == before
    smime("sign", "--opaque", "--output", "signed", "--force", stdin=MESSAGE, keys=["rsa"])
    assert b"application/pkcs7-mime" in Path("signed").read_bytes()
    smime("verify", "--output", "signed", "--force", stdin=before.replace(b"Hello", b"Hullo"), status=1)
    assert b"application/pkcs7-mime" in Path("signed").read_bytes()
    smime("sign", "--output", "/dev/null", stdin=MESSAGE, keys=["rsa"])
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    assert "cannot be written" in smime("sign", "--output", "no/such", stdin=MESSAGE, keys=["rsa"], status=2).err
    assert names() == ["signed"]


def command(people: Path, tmp_path: Path, name: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
    options = ["--trust", str(people / "ca.pem"), "--identity", str(people / "rsa.pem")]
    environment = {**os.environ, "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    return [sys.executable, "-m", "mailsec", "smime", name, *arguments, *options], environment


def test_nobody_reads_or_nothing_fits(people: Path, tmp_path: Path) -> None:
    """A reader that has gone away ends it as SIGPIPE would; a full disk is a sentence."""
    (tmp_path / "message").write_bytes(MESSAGE + b"word word word\r\n" * 20_000)
    shown, environment = command(people, tmp_path, "sign", str(tmp_path / "message"))
    with subprocess.Popen(shown, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert (process.wait(), process.stderr.read()) == (141, b"")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(shown, env=environment, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
    assert b"standard output cannot be written: " in done.stderr


def test_a_closed_stream_is_a_sentence(people: Path, tmp_path: Path) -> None:
    shown, environment = command(people, tmp_path, "sign")
    for redirection in ("<&-", "</dev/null >&-"):
        done = subprocess.run(
            ["sh", "-c", f'"$@" {redirection}', "sh", *shown], env=environment, capture_output=True, check=False
        )
        assert done.returncode == 2
        assert done.stderr.count(b"\n") == 1


def test_a_person_is_asked_while_the_message_comes_through_a_pipe(people: Path, tmp_path: Path) -> None:
    """As `gpgsm` does: what is piped is the message, and never taken for the password."""
    (tmp_path / "message").write_bytes(encrypted(people))
    work = [sys.executable, "-m", "mailsec", "smime"]
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    kept = [*work, "keys", "import", str(people / "bob.pem"), "--password-command", "echo right"]
    subprocess.run(kept, env=environment, check=True, capture_output=True)
    pid, terminal = pty.fork()
    if not pid:
        os.dup2(os.open(tmp_path / "message", os.O_RDONLY), 0)
        os.dup2(os.open(tmp_path / "content", os.O_WRONLY | os.O_CREAT, 0o600), 1)
        os.execve(sys.executable, [*work, "decrypt"], environment)
    said = b""
    while select.select([terminal], [], [], 60)[0]:
        try:
            said += os.read(terminal, 4096)
        except OSError:  # the end of a terminal
            break
        if said.endswith(b"the password of the kept keys: "):
            os.write(terminal, b"right\n")
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, said
    assert (tmp_path / "content").read_bytes() == BODY
    assert b"decrypted (aes256-gcm)" in said or b"unauthenticated: " in said


# -- large ones ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a message of 20 MB, most of which is an attachment, with LF as line ends."""
    folder = tmp_path_factory.mktemp("large")
    head = (
        b"From: Alice <alice@example.org>\nTo: alice@example.org\nSubject: Large\nMIME-Version: 1.0\n"
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nsee attachment\n--b\n"
        b"Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n"
    )
    (folder / "message").write_bytes(head + base64.encodebytes(os.urandom(15_000_000)) + b"\n--b--\n")
    return folder


def anonymous(process: subprocess.Popen[bytes]) -> float:
    """The most anonymous memory that a process has held until its end, in megabytes, looked at each millisecond."""
    most = 0
    while process.poll() is None:
        with contextlib.suppress(OSError):
            found = re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
            most = max(most, int(found[1]) if found else 0)
        time.sleep(0.001)
    return most * 1024 / 1e6


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the anonymous memory")
def test_a_large_message_is_not_held_in_memory(
    large: Path, people: Path, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    """20 MB through a pipe in less than 50 MB of anonymous memory in all; twice the message would be 40 MB more."""
    steps = [
        ("sign", (), "message", "signed"),
        ("verify", ("--output", "-"), "signed", "verified"),
        ("encrypt", ("--sign",), "message", "encrypted"),
        ("decrypt", (), "encrypted", "decrypted"),
    ]
    for name, options, source, target in steps:
        shown, environment = command(people, tmp_path, name, *options)
        feeding = ["cat", str(large / source)]
        with (
            subprocess.Popen(feeding, stdout=subprocess.PIPE) as feeder,
            (large / target).open("wb") as out,
            subprocess.Popen(shown, env=environment, stdin=feeder.stdout, stdout=out) as process,
        ):
            peak = anonymous(process)
        assert process.returncode == 0
        figure(f"mailsec smime {name}, 20 MB: {peak:.0f} MB of anonymous memory")
        assert peak < 50
    sent, content = ((large / one).read_bytes() for one in ("message", "decrypted"))
    assert content.replace(b"\r\n", b"\n").endswith(sent[-15_000_000:])
    assert (large / "verified").read_bytes()[-15_000_000:] == content[-15_000_000:]
    assert [one.name for one in tmp_path.iterdir()] in ([], [".local"])


# -- the pieces ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [(), (0,), (1,), (3, 0, 4), (spooling.IN_MEMORY, 1), (2_000_000,), (900_000,) * 3])
def test_pieces_become_one(sizes: tuple[int, ...]) -> None:
    pieces = [os.urandom(size) for size in sizes]
    assert bytes(spooled(pieces)) == b"".join(pieces)
    spool = Spool()
    for piece in pieces:
        spool.write(piece)
    assert (bytes(spool.whole()), spool.size) == (b"".join(pieces), sum(sizes))
    assert b"".join(base64_lines(pieces)) == base64.encodebytes(b"".join(pieces))


def test_no_room_for_a_temporary_file(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        monkeypatch.setattr(tempfile, "TemporaryFile", lambda buffering: full if not buffering else None)
        with pytest.raises(StoreError, match="cannot be written: No space left"):
            Spool().write(bytes(2_000_000))
