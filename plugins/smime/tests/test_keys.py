"""`mailsec smime keys` as a user meets it; openssl and gpgsm judge what comes out."""

from __future__ import annotations

import base64
import json
import os
import pty
import select
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mailsec.cli import main
from mailsec.crypto import Certificate, PrivateKey
from mailsec.crypto.cms import CertificateRecipient, encrypt
from mailsec.crypto.issue import issue, make_authority
from mailsec.hooks import Protection, Result
from mailsec.message import parse
from mailsec.testing import make_context
from mailsec_smime.protecting import protect

from .conftest import END, START

Run = Callable[..., "subprocess.CompletedProcess[str]"]
SECRET = ("--password-command", "echo hunter-one")
FILE_SECRET = ("--file-password-command", "echo hunter-two")
ALICE, BOB = "alice@example.org", "bob@example.org"


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "home").mkdir()
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TMPDIR")}
    nobody = {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    return {**kept, **nobody, "HOME": str(tmp_path / "home"), "SSL_CERT_FILE": "", "PYTHONWARNINGS": "error"}


@pytest.fixture
def keys(
    home: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Runs `mailsec smime keys` without a terminal, and looks that no secret is in what it prints."""
    for name in ("HOME", "SSL_CERT_FILE", "PYTHON_KEYRING_BACKEND"):
        monkeypatch.setenv(name, home[name])
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "MAILSEC_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, status: int = 0, program: tuple[str, ...] = ("smime", "keys")) -> Any:
        capsys.readouterr()
        with Path(os.devnull).open() as nothing:
            monkeypatch.setattr(sys, "stdin", nothing)
            ended = main([*program, *map(str, arguments)])
        out, err = capsys.readouterr()
        assert ended == status, (arguments, out, err)
        for secret in ("hunter", "PRIVATE KEY", "Traceback"):
            assert secret not in out + err
        return subprocess.CompletedProcess([], ended, out, err)

    return run


def rows(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def fingerprint(done: subprocess.CompletedProcess[str]) -> str:
    line = next(line for line in done.stdout.splitlines() if "SHA-256" in line)
    return line.split("SHA-256 ")[1].replace(" ", "").lower()


# -- making --------------------------------------------------------------------------------------------------


@pytest.mark.peer
@pytest.mark.parametrize(
    ("kind", "can", "usage"),
    [
        (("--kind", "rsa", "--bits", "2048"), "RSA of 2048 bits, signs and decrypts", "Digital Signature, Key Enc"),
        (("--kind", "ec"), "P-256, signs and decrypts", "Digital Signature, Key Agreement"),
        (("--kind", "ec", "--curve", "P-384"), "P-384, signs and decrypts", "Digital Signature, Key Agreement"),
        (("--kind", "ed25519"), "Ed25519, only signs", "Digital Signature"),
    ],
    ids=["rsa", "p256", "p384", "ed25519"],
)
def test_openssl_takes_what_is_made(
    kind: tuple[str, ...], can: str, usage: str, keys: Run, openssl: Any, tmp_path: Path
) -> None:
    done = keys("make", ALICE, "a@example.org", "--name", "Alice Ä", *kind, *SECRET)
    assert can in done.stdout
    assert ("make another with --kind ec" in done.stdout) is ("only signs" in can)
    keys("export", ALICE, "--certificates", "--output", "own.pem")
    own = str(tmp_path / "own.pem")
    said = openssl("verify", "-purpose", "smimesign", "-x509_strict", "-CAfile", own, own)
    assert said.strip().endswith(b"OK")
    text = openssl("x509", "-in", own, "-noout", "-text").decode()
    assert usage in text
    assert "CA:FALSE" in text
    assert "email:alice@example.org, email:a@example.org" in text
    assert fingerprint(done) == Certificate.from_pem((tmp_path / "own.pem").read_bytes()).fingerprint


@pytest.mark.peer
@pytest.mark.parametrize("kind", ["rsa", "ec", "ed25519"])
def test_openssl_verifies_a_request_and_its_answer_is_imported(
    kind: str, keys: Run, openssl: Any, tmp_path: Path, pki: Any
) -> None:
    request = str(tmp_path / "request.pem")
    keys("request", ALICE, "jürgen@example.org", "--kind", kind, "--output", request, *SECRET)
    openssl("req", "-in", request, "-verify", "-noout")
    text = openssl("req", "-in", request, "-noout", "-text").decode()
    assert "E-mail Protection" in text
    assert "email:alice@example.org" in text
    assert "SmtpUTF8Mailbox" in text
    assert rows(keys("list", "--json"))[0]["certificates"] == []
    authority = pki.folder / "authority.key"
    authority.write_bytes(pki.authority.key.to_pem())
    answer = ("-CA", str(pki.folder / "ca.pem"), "-CAkey", str(authority), "-copy_extensions", "copyall")
    openssl("x509", "-req", "-in", request, *answer, "-days", "9", "-out", str(tmp_path / "answer.pem"))
    openssl("verify", "-purpose", "smimesign", "-CAfile", str(pki.folder / "ca.pem"), str(tmp_path / "answer.pem"))
    assert "The certificate of your key" in keys("import", "answer.pem").stdout
    (key,) = rows(keys("list", "--json"))
    assert key["addresses"] == [ALICE, "jürgen@example.org"]
    assert key["certificates"][0]["issuer"] == "CN=Test Authority"
    again = keys("request", ALICE, "--key", ALICE, *SECRET)
    assert again.stdout.startswith("-----BEGIN CERTIFICATE REQUEST-----")
    assert len(rows(keys("list", "--json"))) == 1


# -- coming and going ----------------------------------------------------------------------------------------


@pytest.mark.peer
@pytest.mark.parametrize("old", [False, True])
def test_openssl_and_gpgsm_import_what_is_exported(
    old: bool, keys: Run, openssl: Any, gpgsm: Any, tmp_path: Path
) -> None:
    keys("make", BOB, "--bits", "2048", *SECRET)
    file, form = tmp_path / "bob.p12", ("--old",) if old else ()
    keys("export", BOB, "--output", file, *form, *SECRET, "--file-password-command", "echo x")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = openssl("pkcs12", "-in", str(file), "-passin", "pass:x", "-nodes")
    assert PrivateKey.load(text).public_key == Certificate.from_pem(text).public_key
    if old:  # GnuPG 2.2 does not read AES with PBKDF2 over SHA-256
        for _ in range(3):  # it refuses one of some hundred files, by the chance of their salts
            with suppress(AssertionError):
                gpgsm("--import", str(file))
                break
            keys("export", BOB, "--output", file, "--force", *form, *SECRET, "--file-password-command", "echo x")
        assert BOB.encode() in gpgsm("--list-secret-keys", BOB)
    keys("export", BOB, "--output", file, *SECRET, *FILE_SECRET, status=2)
    keys("export", BOB, "--output", file, "--force", "--format", "pem", *SECRET, *FILE_SECRET)
    openssl("pkey", "-in", str(file), "-passin", "pass:hunter-two", "-noout", "-check")


FORMS = {
    "as openssl makes it": (),
    "3DES and SHA-1": ("-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"),
    "without encryption of certificates": ("-certpbe", "NONE"),
    "RC2-40 for certificates": ("-legacy",),
}


@pytest.mark.peer
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_what_openssl_exports_is_imported(form: tuple[str, ...], keys: Run, openssl: Any, pki: Any) -> None:
    file = pki.folder / "export.p12"
    own = ("-inkey", str(pki.folder / "rsa.key"), "-in", str(pki.folder / "rsa.pem"))
    chain = ("-certfile", str(pki.folder / "ca.pem"))
    openssl("pkcs12", "-export", *own, *chain, *form, "-passout", "pass:hunter-two", "-out", str(file))
    wrong = keys("import", file, "--file-password-command", "echo wrong", *SECRET, status=2)
    assert "export.p12 cannot be imported: the password of the PKCS#12 file is wrong" in wrong.stderr
    unasked = keys("import", file, *SECRET, status=2)
    assert "no terminal to ask at: give --file-password-command" in unasked.stderr
    keys("import", file, *FILE_SECRET, *SECRET)
    (key,) = rows(keys("list", "--json"))
    assert key["addresses"] == [ALICE]
    assert [one["subject"] for one in key["certificates"]] == ["CN=Alice rsa", "CN=Test Authority"]


def test_several_identities_come_in_one_file(keys: Run, pki: Any, tmp_path: Path) -> None:
    both = pki.alice["rsa"].to_pem(b"hunter-two") + pki.alice["p256"].to_pem()
    (tmp_path / "both.pem").write_bytes(both)
    keys("import", "both.pem", *FILE_SECRET, *SECRET)
    assert [one["key"] for one in rows(keys("list", "--json"))] == ["RSA of 2048 bits", "P-256"]
    several = keys("export", ALICE, "--output", "x.p12", *SECRET, *FILE_SECRET, status=2)
    assert "several keys are kept under 'alice@example.org'; name one by its fingerprint" in several.stderr
    print_ = pki.alice["p256"].certificate.fingerprint
    keys("export", print_[:12].upper(), "--output", "x.p12", *SECRET, *FILE_SECRET)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "there is no certificate in it|the file is empty"),
        (b"just text", "neither PEM nor PKCS#8 nor PKCS#12"),
        ("p12[:300]", "it is cut off"),
        ("p12[:-1]", "it is cut off"),
        ("pem[:600]", "cut off"),
        (b"x" * (1 << 21), "has more than 1048576 octets"),
        (None, "No such file"),
    ],
)
def test_a_file_that_cannot_be_imported(content: Any, words: str, keys: Run, pki: Any, tmp_path: Path) -> None:
    import re

    whole = {"p12": pki.alice["rsa"].to_pkcs12(b"hunter-two"), "pem": pki.alice["rsa"].to_pem()}
    octets = eval(content, whole) if isinstance(content, str) else content
    if octets is not None:
        (tmp_path / "file").write_bytes(octets)
    said = keys("import", "file", *FILE_SECRET, *SECRET, status=2).stderr
    assert re.search(words, said)
    assert "file" in said
    assert rows(keys("list", "--json")) == []


def test_a_damaged_file_keeps_nothing_of_the_others(keys: Run, pki: Any, tmp_path: Path) -> None:
    (tmp_path / "good.pem").write_bytes(pki.alice["rsa"].to_pem())
    (tmp_path / "bad.pem").write_bytes(pki.alice["p256"].to_pem()[:200])
    keys("import", "good.pem", "bad.pem", *SECRET, status=2)
    assert rows(keys("list", "--json")) == []


def test_a_bare_key_is_imported_for_an_address(keys: Run, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(PrivateKey.generate("ec").to_pem())
    assert "say with --for ADDRESS whose key it is" in keys("import", "key.pem", *SECRET, status=2).stderr
    assert "no certificate yet" in keys("import", "key.pem", "--for", BOB, *SECRET).stdout
    said = keys("export", BOB, "--output", "x.p12", *SECRET, *FILE_SECRET, status=2).stderr
    assert "use --format pem" in said


# -- trust ---------------------------------------------------------------------------------------------------


def test_an_authority_is_trusted_by_its_fingerprint(keys: Run, pki: Any) -> None:
    file = pki.folder / "ca.pem"
    assert "nobody can be asked here, so nothing was done" in keys("trust", file, status=2).stderr
    wrong = keys("trust", file, "--fingerprint", "0" * 64, status=2)
    assert "the fingerprint is another" in wrong.stderr
    shown = keys("trust", file, "--fingerprint", fingerprint(wrong))
    assert "for whatever addresses it certifies" in shown.stdout
    (decision,) = rows(keys("list", "--json"))
    assert (decision["kind"], decision["address"]) == ("trust", None)
    assert "confirm with --yes" in keys("distrust", fingerprint(wrong)[:16], status=2).stderr
    keys("distrust", fingerprint(wrong)[:16], "--yes")
    assert rows(keys("list", "--json")) == []


def test_keys_that_lie_elsewhere_are_listed_too(keys: Run, pki: Any, tmp_path: Path) -> None:
    (tmp_path / "own.pem").write_bytes(pki.alice["p256"].to_pem())
    (tmp_path / "config.toml").write_text('identities = ["own.pem"]\n')
    listed = rows(keys("list", "--json", "--config", "config.toml"))
    assert [(one["kind"], one["addresses"]) for one in listed] == [("identity", [ALICE])]
    assert "Keys in files and on tokens\n  alice@example.org, P-256" in keys("list", "--config", "config.toml").stdout
    assert rows(keys("list", BOB, "--json", "--config", "config.toml")) == []


def test_a_person_is_asked(home: dict[str, str], pki: Any, tmp_path: Path) -> None:
    def answer(*lines: bytes, run: tuple[str, ...]) -> tuple[int, bytes]:
        """Types a line at each prompt."""
        pid, terminal = pty.fork()
        if not pid:
            os.execve(sys.executable, [sys.executable, "-m", "mailsec", "smime", "keys", *run], home)
        waiting, said, new = list(lines), b"", b""
        while select.select([terminal], [], [], 60)[0]:
            try:
                some = os.read(terminal, 4096)
            except OSError:  # the end of a terminal
                break
            said, new = said + some, new + some
            if waiting and new.endswith((b": ", b"[yes/no] ")):
                os.write(terminal, waiting.pop(0) + b"\n")
                new = b""
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said

    file = str(pki.folder / "ca.pem")
    status, said = answer(b"no", run=("trust", file))
    assert (status, b"nothing was done" in said) == (2, True)
    status, said = answer(b"yes", run=("trust", file))
    assert (status, b"Compare the fingerprint" in said, b"Trusted." in said) == (0, True, True)
    status, said = answer(b"hunter", b"hunter", run=("make", ALICE, "--kind", "ec"))
    assert (status, said.count(b"kept keys: "), said.count(b"the same again: ")) == (0, 1, 1)
    status, said = answer(b"wrong", b"hunter", run=("request", BOB, "--kind", "ec"))
    assert (status, said.count(b"the password of the kept keys: ")) == (0, 2)
    assert b"hunter" not in said


def test_a_certificate_is_trusted_for_one_of_its_addresses(keys: Run, pki: Any) -> None:
    both = pki.folder / "both.pem"
    print_ = pki.alice["both"].certificate.fingerprint
    ambiguous = keys("trust", both, "--fingerprint", print_, status=2)
    assert "say with --for ADDRESS whom it stands for" in ambiguous.stderr
    other = keys("trust", both, "--for", "carol@example.org", "--fingerprint", print_, status=2)
    assert "the certificate is not for 'carol@example.org'" in other.stderr
    keys("trust", both, "--for", BOB, "--fingerprint", print_)
    decision, known = rows(keys("list", "--json"))
    assert (decision["address"], known["address"], known["source"]) == (BOB, BOB, "file")


@pytest.fixture
def check(keys: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[bytes], tuple[str, str]]:
    """Checks a message as `mailsec check` does; gives the result and the cause's sentence."""

    def check(octets: bytes) -> tuple[str, str]:
        (tmp_path / "message.eml").write_bytes(octets)
        capsys.readouterr()
        assert main(["check", "--json", "message.eml"]) in (0, 1)
        out, err = capsys.readouterr()
        assert err == ""
        (result,) = [one for one in json.loads(out)["results"] if one["method"] == "smime"]
        return result["result"], result["reason"]

    return check


def signed_by(issued: Any, author: str) -> bytes:
    from mailsec.crypto import MemoryKeyRing

    ring = MemoryKeyRing()
    ring.add(author, issued.key, issued.certificates)
    message = parse(f"From: {author}\r\nMIME-Version: 1.0\r\n\r\nhello\r\n".encode())
    return protect(message, Protection(sign=True, header_protection=False), make_context(keys=ring))


def test_mail_is_judged_by_what_is_kept(keys: Run, check: Any, pki: Any) -> None:
    message = signed_by(pki.alice["p256"], ALICE)
    assert check(message)[0] == "policy"
    keys("trust", pki.folder / "ca.pem", "--fingerprint", pki.authority.certificate.fingerprint)
    assert check(message) == ("pass", "")
    keys("distrust", pki.authority.certificate.fingerprint, "--yes")
    assert check(message)[0] == "policy"


def test_a_certificate_vouches_for_one_address_and_certifies_nobody(
    keys: Run, check: Any, pki: Any, tmp_path: Path
) -> None:
    """RFC 8550 section 4: trust in a correspondent's own certificate is not trust in what its key signs."""
    # an old self-made certificate without basic constraints: as an anchor it could issue others
    mallory = make_authority(
        [("CN", "Mallory"), ("emailAddress", "mallory@example.net")],
        not_before=START,
        not_after=END,
        key=PrivateKey.generate("ec"),
        is_ca=None,
        usage=None,
    )
    forged = issue(mallory, ALICE, not_before=START, not_after=END, key=PrivateKey.generate("ec"))
    (tmp_path / "mallory.pem").write_bytes(mallory.certificate.to_pem())
    keys("trust", "mallory.pem", "--for", "mallory@example.net", "--fingerprint", mallory.certificate.fingerprint)
    assert check(signed_by(mallory, "mallory@example.net")) == ("pass", "")
    assert check(signed_by(forged, ALICE))[0] == "policy"
    as_alice = signed_by(mallory, "mallory@example.net").replace(
        b"From: mallory@example.net", b"From: " + ALICE.encode()
    )
    assert check(as_alice)[0] == "policy"

    both = pki.alice["both"]
    keys("trust", pki.folder / "both.pem", "--for", BOB, "--fingerprint", both.certificate.fingerprint)
    assert check(signed_by(both, BOB)) == ("pass", "")
    assert check(signed_by(both, ALICE))[0] == "policy"
    two = signed_by(both, BOB).replace(b"From: bob@example.org", b"From: bob@example.org, alice@example.org")
    assert check(two)[0] == "policy"


def test_a_replayed_check_has_the_same_trust(pki: Any) -> None:
    import asyncio

    from mailsec.checker import Checker
    from mailsec.config import Settings
    from mailsec.crypto import StaticTrust
    from mailsec.pipeline import replay

    own = pki.alice["self"]
    trust = StaticTrust((), {ALICE: [own.certificate]})
    message = signed_by(own, ALICE)

    async def checked(**services: Any) -> Any:
        async with Checker(Settings(), **services) as checker:
            return await checker.check(message)

    report = asyncio.run(checked(trust=trust))
    (result,) = [one for one in report.results if one.method == "smime"]
    assert (result.result, result.reason) == (Result.PASS, "")
    services = replay.load(replay.keep(report)).services
    assert services.trust.anchors() == ()
    assert services.trust.trusted_for(ALICE) == (own.certificate,)
    again = asyncio.run(checked(trust=services.trust))
    assert [one.result for one in again.results if one.method == "smime"] == [Result.PASS]


# -- correspondents ------------------------------------------------------------------------------------------


def test_a_correspondents_certificate_is_known_and_not_trusted(keys: Run, pki: Any, check: Any) -> None:
    said = keys("import", pki.folder / "mallory.pem").stdout
    assert "known and not yet trusted" in said
    (known,) = rows(keys("list", "--json"))
    assert (known["kind"], known["address"], known["detail"]) == ("known", "mallory@example.net", "mallory.pem")
    assert check(signed_by(pki.alice["mallory"], "mallory@example.net"))[0] == "policy"
    assert "not kept unless you trust it" in keys("import", pki.folder / "ca.pem").stdout
    assert "no e-mail address" in keys("import", pki.folder / "nobody.pem", status=2).stderr
    keys("remove", "mallory@example.net", "--yes")
    assert rows(keys("list", "--json")) == []


async def harvested(message: bytes, folder: Path, pki: Any, **more: Any) -> Any:
    """What a client that trusts the test authority knows after it has shown a message."""
    from mailsec.checker import Checker
    from mailsec.config import Settings
    from mailsec.crypto import StaticTrust

    settings = Settings(keys=folder / "kept", **more)
    async with Checker(settings, trust=StaticTrust(pki.anchors), harvest=True) as checker:
        await checker.check(message)
        assert checker.key_store is not None
        return checker.key_store


async def test_a_verified_message_tells_its_authors_certificate(pki: Any, tmp_path: Path) -> None:
    """RFC 8551 sections 2.5.2 and 4.2: certificates and capabilities are taken from signed messages."""
    message = b"Message-ID: <one@example.org>\r\n" + signed_by(pki.alice["rsa"], ALICE)
    store = await harvested(message, tmp_path, pki)
    (known,) = store.known()
    assert (known.address, known.certificate) == (ALICE, pki.alice["rsa"].certificate)
    assert (known.source, known.detail) == ("message", "<one@example.org>")
    assert store.capabilities(ALICE) == ("aes256-gcm", "aes128-gcm", "aes256-cbc", "aes128-cbc")
    assert store.decisions() == ()
    written = store.stamp()
    assert (await harvested(message, tmp_path, pki)).stamp() == written  # the same day, nothing new


@pytest.mark.parametrize("kind", ["self", "expired", "mallory", "weak", "purpose"])
async def test_any_other_message_tells_nothing(kind: str, pki: Any, tmp_path: Path) -> None:
    author = "mallory@example.net" if kind == "mallory" else ALICE
    if kind == "expired":
        message = signed_by(pki.alice["p256"], ALICE).replace(b"hello", b"hallo")
    else:
        message = signed_by(pki.alice[kind], author).replace(author.encode(), ALICE.encode(), 1)
    store = await harvested(message, tmp_path, pki)
    assert (store.known(), store.exists()) == ((), False)


def naming(issued: Any, certificate: Any) -> bytes:
    """A message whose signer names a certificate to be encrypted to (RFC 8551 section 2.5.3)."""
    from mailsec.crypto import RSA_SHA256, MemoryKeyRing
    from mailsec.crypto.cms import Content, NewSigner, sign

    ring = MemoryKeyRing()
    ring.add(ALICE, issued.key, issued.certificates)
    signer = NewSigner(ring.identities()[0], RSA_SHA256, encryption_certificate=certificate)
    entity = Content((b"Content-Type: text/plain\r\n\r\nhello\r\n",))
    octets = b"".join(sign(entity, [signer], detached=False, keys=ring, signing_time=datetime.now(UTC)))
    head = f"From: {ALICE}\r\nContent-Type: application/pkcs7-mime; smime-type=signed-data\r\n"
    return f"{head}Content-Transfer-Encoding: base64\r\n\r\n".encode() + base64.encodebytes(octets)


@pytest.mark.parametrize(
    ("named", "kept"),
    [
        ("both", "both"),  # it is for this address, among others
        ("expired", None),
        ("mallory", None),
        ("purpose", None),
        ("self", None),
        ("p256", None),  # its key usage has no keyAgreement
    ],
)
async def test_the_certificate_that_the_author_names(named: str, kept: str | None, pki: Any, tmp_path: Path) -> None:
    """RFC 8551 section 2.5.3: that one and no other, where it can be used."""
    store = await harvested(naming(pki.alice["rsa"], pki.alice[named].certificate), tmp_path, pki)
    assert [one.certificate for one in store.known()] == ([] if kept is None else [pki.alice[kept].certificate])


async def test_a_certificate_that_only_signs_is_not_remembered(pki: Any, tmp_path: Path) -> None:
    assert not (await harvested(signed_by(pki.alice["ed25519"], ALICE), tmp_path, pki)).exists()


async def test_what_was_judged_at_another_time_is_not_kept(pki: Any, tmp_path: Path) -> None:
    message = signed_by(pki.alice["p256"], ALICE)
    assert not (await harvested(message, tmp_path, pki, at=START)).exists()


def test_a_removed_key_is_gone(keys: Run) -> None:
    keys("make", BOB, "--kind", "ec", *SECRET)
    keys("make", ALICE, "--kind", "ec", *SECRET)
    assert "confirm with --yes" in keys("remove", BOB, status=2).stderr
    keys("remove", BOB, "--yes")
    assert {one["kind"]: one.get("addresses") or one["address"] for one in rows(keys("list", "--json"))} == {
        "key": [ALICE],
        "trust": ALICE,
    }
    assert "no key and no correspondent's certificate is kept" in keys("remove", BOB, "--yes", status=2).stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("make", "nobody"), "'nobody' is no e-mail address"),
        (("make", "a b@example.org"), "is no e-mail address"),
        (("make", ALICE, "--bits", "1024"), "too weak for mail"),
        (("make", ALICE, "--bits", "99999999"), "an RSA key can be made with"),
        (("make", ALICE, "--kind", "ec", "--curve", "P-1"), "there is no curve named 'P-1'"),
        (("make", ALICE, "--days", "0"), "1 to 3650 days"),
        (("make", ALICE, "--kind", "dsa"), "invalid choice"),
        (("make", ALICE), "a new password for the kept keys is needed, and there is no terminal"),
        (("show", "zzz"), "nothing is kept under 'zzz'"),
        (("export", ALICE, "--output", "x"), "no key is kept under"),
        (("trust", "zzz"), "neither a file nor a certificate that is known"),
        (("distrust", "zzz"), "nothing is trusted under 'zzz'"),
        (("list", "zzz"), "'zzz' is no e-mail address"),
        (("find", "zzz"), "'zzz' is no e-mail address"),
        ((), "the following arguments are required"),
        (("make", "\x1b[31mx@example.org"), "is no e-mail address"),
    ],
)
def test_wrong_use_is_a_sentence(arguments: tuple[str, ...], words: str, keys: Run) -> None:
    said = keys(*arguments, status=2).stderr
    assert words in said
    assert "\x1b" not in said


def test_foreign_text_obeys_no_terminal(keys: Run, pki: Any, tmp_path: Path) -> None:
    evil = issue(
        None,
        "a\x1b[31m@example.org",
        not_before=START,
        not_after=END,
        key=PrivateKey.generate("ec"),
        subject="\x1b]0;owned\x07\u202e",
    )
    (tmp_path / "evil.pem").write_bytes(evil.certificate.to_pem())
    done = keys("import", "evil.pem")
    done = subprocess.CompletedProcess(
        [], 0, done.stdout + keys("list").stdout + keys("show", "a\x1b[31m@example.org").stdout, ""
    )
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout
    assert "owned" in done.stdout


# -- the DNS -------------------------------------------------------------------------------------------------


class Secured:
    """A resolver whose answers are secured, as far as it says."""

    def __init__(self, inner: Any, dnssec: Any) -> None:
        self._inner, self._dnssec = inner, dnssec

    async def query(self, name: str, rdtype: str) -> Any:
        from dataclasses import replace

        return replace(await self._inner.query(name, rdtype), dnssec=self._dnssec)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Any]:
    from mailsec.store.keys import FileKeyStore

    return FileKeyStore(tmp_path / "keys")


def find(store: Any, certificate: Any, dnssec: str, *options: str, usage: str = "3 0 0", data: str = "") -> int:
    """Runs the command on an answer for bob@example.org."""
    import argparse
    import asyncio
    from dataclasses import dataclass

    from mailsec.hooks import Dnssec
    from mailsec.testing import make_resolver
    from mailsec_smime.command import configure, run

    @dataclass
    class Given:
        key_store: Any
        resolver: Any

    name = "81b637d8fcd2c6da6359e6963113a1170de795e4b725b84d1e0b4cfd"
    zone = make_resolver(f"{name}._smimecert.example.org. SMIMEA {usage} {data or certificate.der.hex()}")
    parser = argparse.ArgumentParser()
    configure(parser)
    context: Any = Given(store, Secured(zone, Dnssec(dnssec)))
    return asyncio.run(run(parser.parse_args(["keys", "find", BOB, *options]), context))


def test_a_certificate_is_found_in_the_dns(store: Any, pki: Any, capsys: Any) -> None:
    certificate = pki.alice["both"].certificate
    assert find(store, certificate, "insecure", "--import") == 1
    assert find(store, certificate, "unknown", "--import") == 1
    assert capsys.readouterr().err.count("not secured by DNSSEC") == 2
    assert store.known() == ()
    assert find(store, certificate, "secure", "--json") == 0
    assert json.loads(capsys.readouterr().out)["sha256"] == certificate.fingerprint
    assert store.known() == ()
    assert find(store, certificate, "secure", "--import") == 0
    assert [one.source for one in store.known(BOB)] == ["smimea"]
    assert store.decisions() == ()
    import hashlib

    digest = hashlib.sha256(certificate.public_key.spki_der()).hexdigest()
    assert find(store, certificate, "secure", usage="1 1 1", data=digest) == 0
    assert "which needs a path to an authority that you trust besides" in capsys.readouterr().out
    assert find(store, certificate, "secure", data="00ff") == 1
    assert "a record cannot be used" in capsys.readouterr().err


# -- the password --------------------------------------------------------------------------------------------


def test_the_password_of_all_keys_is_changed(keys: Run) -> None:
    for address in (ALICE, BOB):
        keys("make", address, "--kind", "ec", *SECRET)
    done = keys("password", *SECRET, "--new-password-command", "echo hunter-new")
    assert "The 2 keys are encrypted by the new password." in done.stdout
    refused = keys("export", ALICE, "--output", "a.p12", *SECRET, *FILE_SECRET, status=2)
    assert "the password of the kept keys is wrong" in refused.stderr
    keys("export", ALICE, "--output", "a.p12", "--password-command", "echo hunter-new", *FILE_SECRET)


def test_a_wrong_password_changes_nothing(keys: Run) -> None:
    assert "no private key is kept" in keys("password", *SECRET, status=2).stderr
    keys("make", ALICE, "--kind", "ec", *SECRET)
    wrong = ("--password-command", "echo hunter-wrong", "--new-password-command", "echo hunter-new")
    assert "the password of the kept keys is wrong" in keys("password", *wrong, status=2).stderr
    assert "give --new-password-command" in keys("password", *SECRET, status=2).stderr
    keys("export", ALICE, "--output", "a.p12", *SECRET, *FILE_SECRET)


def test_a_message_to_a_locked_key_is_closed_and_says_why(keys: Run, tmp_path: Path) -> None:
    """Nobody can be asked here; that is a finding like others, and no failure of the check."""
    keys("make", ALICE, "--kind", "ec", *SECRET)
    certificate = Certificate.from_pem(keys("show", ALICE, "--pem").stdout.encode())
    content = b"".join(encrypt((b"Content-Type: text/plain\r\n\r\nHi\r\n",), [CertificateRecipient(certificate)]))
    (tmp_path / "closed.eml").write_bytes(
        b"From: bob@example.org\r\nDate: Mon, 11 May 2026 20:00:00 +0000\r\nMIME-Version: 1.0\r\n"
        b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(content)
    )
    (tmp_path / "zone").write_text("$TTL 300\n")
    for secret, result, cause, words in (
        ((), "neutral", "locked", "the password of the kept keys is needed, and there is no terminal"),
        (SECRET, "none", None, "decrypted"),
    ):
        (found,) = rows(keys("--json", "--dns", "zone", *secret, "closed.eml", program=("check",)))
        (smime,) = (one for one in found["results"] if one["method"] == "smime")
        assert (smime["result"], smime["cause"]) == (result, cause)
        assert words in smime["reason"]
        assert found["verdict"]["level"] == "unauthenticated"
