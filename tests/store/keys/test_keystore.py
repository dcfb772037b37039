"""What is kept is there again, and nobody else's; what is wrong is a sentence."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mailsec.crypto import ECDSA_SHA256, PrivateIdentity, PrivateKey
from mailsec.errors import BusyError, KeyFileError, MailsecError, StoreError, UsageError
from mailsec.hooks import KeyStore
from mailsec.store.anchors import FileTrust
from mailsec.store.keys import FILE_NAME, FileKeyStore, JoinedKeyRing, Passwords, StoredKeyRing, handle_of
from mailsec.store.keys import keystore as module
from mailsec.store.keys.database import KeyDatabase

from .conftest import CHEAP, END, NOW, START, identity, password

Opened = Callable[..., FileKeyStore]
ALICE = "alice@example.org"


def test_nothing_is_made_by_looking(opened: Opened, tmp_path: Path, make: Any) -> None:
    store: KeyStore = opened()
    assert (store.own_keys(), store.decisions(), store.known(), opened().certificates(ALICE)) == ((), (), (), ())
    assert opened().capabilities(ALICE) == ()
    issued = make(ALICE)
    assert (store.distrust(issued.certificate), store.forget(issued.certificate), store.remove_key("x")) == (
        0,
        0,
        False,
    )
    assert store.add_certificates([issued.certificate]) == ()
    assert not (tmp_path / "keys").exists()


def test_a_key_comes_back(opened: Opened, make: Any) -> None:
    issued = make(ALICE, "a@example.org")
    kept = opened().add_key(identity(issued), [])
    assert opened().own_keys() == (kept,)
    assert (kept.addresses, kept.key_type) == ((ALICE, "a@example.org"), "ec")
    assert kept.certificates == issued.certificates
    assert kept.handle == handle_of(issued.key.public_key)
    ring = StoredKeyRing(opened())
    (found,) = ring.identities(ALICE.upper())
    signature = ring.sign(found, ECDSA_SHA256, b"octets")
    assert issued.certificate.public_key.verify(signature, b"octets", ECDSA_SHA256)


def test_whoever_only_looks_is_not_asked(opened: Opened, make: Any, tmp_path: Path) -> None:
    opened().add_key(identity(make(ALICE)), [])
    asked: list[str] = []

    def ask(prompt: str) -> bytes:
        asked.append(prompt)
        return b"secret"

    store = FileKeyStore(tmp_path / "keys", Passwords("account", "the kept keys", ask=ask))
    ring = StoredKeyRing(store)
    (found,) = ring.identities()
    assert asked == []
    for _ in range(3):
        ring.sign(found, ECDSA_SHA256, b"octets")
    assert asked == ["the password of the kept keys"]


def test_a_new_password_is_asked_twice(make: Any, tmp_path: Path) -> None:
    answers = iter([b"one", b"other"])
    store = FileKeyStore(tmp_path / "keys", Passwords("a", "the kept keys", ask=lambda _prompt: next(answers)))
    with pytest.raises(UsageError, match="not the same"):
        store.add_key(identity(make(ALICE)), [])
    assert store.own_keys() == ()


def test_a_password_typed_wrong_may_be_typed_again(opened: Opened, make: Any, tmp_path: Path) -> None:
    kept = opened().add_key(identity(make(ALICE)), [])
    answers = [b"wrong", b"secret"]
    store = FileKeyStore(tmp_path / "keys", Passwords("a", "them", ask=lambda _prompt: answers.pop(0)))
    assert store.private_key(kept.handle).certificates == kept.certificates
    assert answers == []


@pytest.mark.parametrize(
    ("passwords", "words"),
    [
        (Passwords("a", "the kept keys", command="echo wrong"), "the password of the kept keys is wrong"),
        (Passwords("a", "the kept keys"), "the password of the kept keys is not known"),
        (Passwords("a", "them", command="echo secret; exit 3"), "failed with exit status 3"),
    ],
)
def test_without_the_password_there_is_no_key(
    passwords: Passwords, words: str, opened: Opened, make: Any, tmp_path: Path
) -> None:
    kept = opened().add_key(identity(make(ALICE)), [])
    store = FileKeyStore(tmp_path / "keys", passwords)
    for action in (
        lambda: store.private_key(kept.handle),
        lambda: StoredKeyRing(store).sign(StoredKeyRing(store).identities()[0], ECDSA_SHA256, b""),
        lambda: store.add_key(identity(make("bob@example.org")), []),
    ):
        with pytest.raises((KeyFileError, UsageError), match=words) as caught:
            action()
        assert "secret" not in str(caught.value)
    assert store.own_keys() == (kept,)


def test_after_the_last_key_another_password_may_come(opened: Opened, make: Any) -> None:
    kept = opened().add_key(identity(make(ALICE)), [])
    assert opened().remove_key(kept.handle)
    assert not opened().remove_key(kept.handle)
    again = opened("another").add_key(identity(make(ALICE)), [])
    assert opened("another").private_key(again.handle).key.public_key.same_key(again.public_key)


def test_a_request_gets_its_certificate_later(opened: Opened, make: Any, authority: Any) -> None:
    key = PrivateKey.generate("ec")
    waiting = opened().add_key(PrivateIdentity(key), [ALICE])
    assert (waiting.certificates, waiting.addresses) == ((), (ALICE,))
    issued = make(ALICE, "alice@example.net", key=key)
    stranger = make("bob@example.org")
    mixed = [authority.certificate, stranger.certificate, issued.certificate]
    (complete,) = opened().add_certificates(mixed)
    assert complete.certificates == issued.certificates
    assert complete.addresses == (ALICE, "alice@example.net")
    assert opened().own_keys() == (complete,)
    renewed = make(ALICE, key=key, not_after=END + timedelta(days=9))
    (newer,) = opened().add_certificates([renewed.certificate])
    assert newer.certificates == (renewed.certificate,)


def test_a_key_is_for_somebody_and_has_its_own_certificate(opened: Opened, make: Any) -> None:
    with pytest.raises(KeyFileError, match="kept for an e-mail address"):
        opened().add_key(PrivateIdentity(PrivateKey.generate("ec")), [])
    with pytest.raises(KeyFileError, match="does not belong"):
        opened().add_key(PrivateIdentity(PrivateKey.generate("ec"), make(ALICE).certificates), [])
    opened().add_key(identity(make(ALICE)), [])
    with pytest.raises(KeyFileError, match="no such key"):
        opened().private_key("0" * 32)


@pytest.mark.parametrize("kind", ["rsa", "ec", "ed25519", "ed448", "x25519", "x448"])
def test_every_kind_of_key_is_kept(kind: Any, opened: Opened) -> None:
    key = PrivateKey.generate(kind)
    kept = opened().add_key(PrivateIdentity(key), [ALICE])
    assert opened().private_key(kept.handle).key.public_key.same_key(key.public_key)


# -- trust and correspondents --------------------------------------------------------------------------------


def test_what_is_trusted_is_in_force_at_once(opened: Opened, make: Any, authority: Any) -> None:
    writer = opened()
    trust = FileTrust((), None, lambda: opened() if writer.exists() else None)
    alice = make(ALICE, own=True).certificate
    assert (trust.anchors(), trust.trusted_for(ALICE)) == ((), ())
    writer.trust(authority.certificate)
    writer.trust(alice, "alice@EXAMPLE.org")
    assert trust.anchors() == (authority.certificate,)
    assert trust.trusted_for(ALICE) == (alice,)
    assert trust.trusted_for("Alice@example.org") == ()  # only its server knows that this is the same mailbox
    assert [one.address for one in writer.decisions()] == ["", ALICE]
    assert writer.distrust(alice, "bob@example.org") == 0
    assert (writer.distrust(alice), writer.distrust(authority.certificate, "")) == (1, 1)
    assert (trust.anchors(), trust.trusted_for(ALICE)) == ((), ())


def test_what_is_known_is_not_trusted(opened: Opened, make: Any) -> None:
    bob = make("bob@example.org", own=True).certificate
    opened().remember("bob@example.org", bob, "message", "<1@example.org>", NOW)
    trust = FileTrust((), None, opened)
    assert (trust.anchors(), trust.trusted_for("bob@example.org")) == ((), ())
    (known,) = opened().known("bob@EXAMPLE.ORG")
    assert (known.source, known.detail, known.seen) == ("message", "<1@example.org>", NOW)
    assert opened().forget(bob, "alice@example.org") == 0
    assert opened().forget(bob) == 1
    assert opened().known() == ()


def test_the_newest_valid_certificate_comes_first(opened: Opened, make: Any) -> None:
    hour = timedelta(hours=1)
    certificates = {
        "old": make("bob@example.org", not_before=START - 9 * hour),
        "new": make("bob@example.org", not_before=START),
        "expired": make("bob@example.org", not_before=START + hour, not_after=NOW - hour),
        "future": make("bob@example.org", not_before=NOW + hour),
    }
    for issued in certificates.values():
        opened().remember("bob@example.org", issued.certificate, "file", "", NOW)
    order = [issued.certificate for issued in (certificates[name] for name in ("new", "old", "future", "expired"))]
    assert opened().certificates("bob@example.org") == tuple(order)


def test_the_latest_sight_counts(opened: Opened, make: Any) -> None:
    bob = make("bob@example.org").certificate
    for source, day in (("file", 2), ("smimea", 3), ("message", 1)):
        opened().remember("bob@example.org", bob, source, source, NOW + timedelta(days=day))  # type: ignore[arg-type]
    (known,) = opened().known()
    assert (known.source, known.detail) == ("smimea", "smimea")


def test_capabilities_are_those_announced_last(opened: Opened) -> None:
    store = opened()
    store.remember_capabilities("bob@example.org", ["aes256-gcm", "aes128-cbc"], NOW)
    store.remember_capabilities("bob@example.org", ["aes128-cbc"], NOW - timedelta(days=1))
    assert opened().capabilities("bob@Example.org") == ("aes256-gcm", "aes128-cbc")
    assert opened().capabilities("alice@example.org") == ()
    store.remember_capabilities("bob@example.org", ["x"] * 100, NOW + timedelta(days=1))
    assert len(opened().capabilities("bob@example.org")) == 32


def test_nobody_fills_the_store(opened: Opened, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PER_ADDRESS", 2)
    monkeypatch.setattr(module, "KNOWN", 3)
    for number in range(4):
        opened().remember("b@x.org", make("b@x.org").certificate, "message", str(number), NOW + timedelta(number))
    assert {one.detail for one in opened().known()} == {"2", "3"}
    for number in range(4, 7):
        opened().remember(f"{number}@x.org", make("b@x.org").certificate, "file", str(number), NOW + timedelta(number))
    assert {one.detail for one in opened().known()} == {"4", "5", "6"}
    rows = opened()._database
    with rows.reading() as connection:
        assert connection is not None
        assert connection.execute("SELECT count(*) FROM certificate").fetchone() == (3,)
    for address in ("", "b", "@x.org", f"{'b' * 2000}@x.org"):
        with pytest.raises(UsageError, match="this is none"):
            opened().remember(address, make("b@x.org").certificate, "file", "", NOW)


# -- the file ------------------------------------------------------------------------------------------------


def test_only_its_owner_reads_it(opened: Opened, make: Any, tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        opened().add_key(identity(make(ALICE)), [])
        file = tmp_path / "keys" / FILE_NAME
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        file.chmod(0o644)
        opened().trust(make(ALICE).certificate)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        modes = set()
        with opened()._database.writing() as connection:
            connection.execute("DELETE FROM trust")
            modes = {stat.S_IMODE(one.stat().st_mode) for one in file.parent.iterdir()}
        assert modes == {0o600}
    finally:
        os.umask(old)


def test_no_key_lies_in_the_file_in_the_clear(opened: Opened, make: Any, tmp_path: Path) -> None:
    issued = make(ALICE)
    opened().add_key(identity(issued), [])
    octets = (tmp_path / "keys" / FILE_NAME).read_bytes()
    pem = issued.key.to_pem().splitlines()[1]
    assert b"ENCRYPTED PRIVATE KEY" in octets
    assert pem not in octets
    assert b"secret" not in octets.replace(b"secret BLOB", b"")
    kept = opened().own_keys()[0]
    opened().remove_key(kept.handle)
    assert b"ENCRYPTED" not in (tmp_path / "keys" / FILE_NAME).read_bytes()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"this is no database, however long one looks at it " * 40, "are damaged"),
        ("CREATE TABLE x (y)", "not one with keys"),
        (f"PRAGMA application_id = {0x6D736B79}; PRAGMA user_version = 99", "written by a later mailsec"),
    ],
)
def test_a_file_that_is_none_of_ours_stays_as_it_is(content: Any, words: str, opened: Opened, tmp_path: Path) -> None:
    import sqlite3

    file = tmp_path / "keys" / FILE_NAME
    file.parent.mkdir()
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        connection = sqlite3.connect(file)
        connection.executescript(content)
        connection.close()
    before = file.read_bytes()
    for action in (opened().own_keys, lambda: opened().remember_capabilities(ALICE, (), NOW)):
        with pytest.raises(StoreError, match=words) as caught:
            action()
        assert str(file) in str(caught.value)
    assert file.read_bytes() == before


def test_an_empty_file_is_an_empty_store(opened: Opened, tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / FILE_NAME).touch()
    assert opened().own_keys() == ()
    opened().remember_capabilities(ALICE, ["aes256-gcm"], NOW)
    assert opened().capabilities(ALICE) == ("aes256-gcm",)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    store = FileKeyStore(tmp_path / "file" / "keys", password(), cost=CHEAP)
    with pytest.raises(StoreError, match="cannot be written"):
        store.remember_capabilities(ALICE, (), NOW)


def test_another_program_is_waited_for_and_then_named(opened: Opened, tmp_path: Path) -> None:
    opened().remember_capabilities(ALICE, ("a",), NOW)
    database = KeyDatabase(tmp_path / "keys" / FILE_NAME, patience=0.05)
    with opened()._database.writing() as connection:
        connection.execute("DELETE FROM capability")
        with database.reading() as other:
            assert other is not None
            assert len(other.execute("SELECT * FROM capability").fetchall()) == 1
        with pytest.raises(BusyError, match="locked by another program"), database.writing():
            pass


def run(script: str, *arguments: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)], stdout=subprocess.PIPE
    )


KILLED = """
    import os, signal, sys
    from datetime import UTC, datetime
    from pathlib import Path
    from mailsec.store.keys import FileKeyStore
    store = FileKeyStore(Path(sys.argv[1]))
    with store._database.writing() as connection:
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("PRAGMA cache_spill = 1")
        connection.execute("DELETE FROM capability")
        for number in range(400):  # more than the cache holds: half of it is in the file before the end
            connection.execute("INSERT INTO capability VALUES (?, ?, '')", (str(number), "x" * 400))
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_in_the_middle_of_writing_loses_nothing(opened: Opened, make: Any, tmp_path: Path) -> None:
    kept = opened().add_key(identity(make(ALICE)), [])
    opened().remember_capabilities(ALICE, ("aes256-gcm",), NOW)
    with run(KILLED, tmp_path / "keys") as process:
        assert process.wait(60) == -9
    assert any(name.name.endswith("-journal") for name in (tmp_path / "keys").iterdir())
    assert opened().own_keys() == (kept,)
    assert opened().capabilities(ALICE) == ("aes256-gcm",)
    assert opened().private_key(kept.handle).key.public_key.same_key(kept.public_key)


MANY = """
    import sys
    from datetime import UTC, datetime
    from pathlib import Path
    from mailsec.crypto import PrivateIdentity, PrivateKey
    from mailsec.store.keys import FileKeyStore, Passwords
    store = FileKeyStore(Path(sys.argv[1]), Passwords("a", "them", command="echo secret"), cost=1024)
    for number in range(5):
        store.add_key(PrivateIdentity(PrivateKey.generate("ed25519")), [f"{sys.argv[2]}-{number}@example.org"])
        store.remember_capabilities(f"{sys.argv[2]}-{number}@example.org", ["x"], datetime.now(UTC))
"""


def test_what_another_program_is_about_to_make_reads_as_nothing_yet(opened: Opened, tmp_path: Path) -> None:
    path = tmp_path / "keys" / "keys.sqlite"
    path.parent.mkdir()
    path.touch()
    with sqlite3.connect(path) as connection:
        connection.execute("BEGIN IMMEDIATE")  # whoever read now and wanted to write would be refused at once
        connection.execute("CREATE TABLE lock (one)")
        assert opened().own_keys() == ()
        assert opened().capabilities(ALICE) == ()


def test_several_programs_write_at_once(opened: Opened, tmp_path: Path) -> None:
    processes = [run(MANY, tmp_path / "keys", number) for number in range(3)]
    for process in processes:
        with process:
            assert process.wait(120) == 0
    keys = opened().own_keys()
    assert {key.addresses[0] for key in keys} == {f"{one}-{two}@example.org" for one in range(3) for two in range(5)}
    store = opened()
    for key in keys:
        store.private_key(key.handle)


# -- several rings -------------------------------------------------------------------------------------------


def test_several_rings_are_one(opened: Opened, make: Any) -> None:
    from mailsec.crypto import MemoryKeyRing

    memory = MemoryKeyRing()
    alice, bob = make(ALICE), make("bob@example.org")
    memory.add(ALICE, alice.key, alice.certificates)
    for one in (alice, bob):
        opened().add_key(identity(one), [])
    ring = JoinedKeyRing([memory, StoredKeyRing(opened())])
    assert [one.name for one in ring.identities()] == [ALICE, "bob@example.org"]
    for one, issued in zip(ring.identities(), (alice, bob), strict=True):
        signature = ring.sign(one, ECDSA_SHA256, b"x")
        assert issued.certificate.public_key.verify(signature, b"x", ECDSA_SHA256)
    stranger = MemoryKeyRing().add("carol@example.org", PrivateKey.generate("ec"))
    with pytest.raises(KeyFileError, match="no key ring holds the key of carol"):
        ring.sign(stranger, ECDSA_SHA256, b"x")


def test_no_ring_and_no_password_shows_itself(opened: Opened, make: Any) -> None:
    import pickle

    opened().add_key(identity(make(ALICE)), [])
    passwords = password()
    passwords.get()
    ring = StoredKeyRing(opened())
    for one in (ring, JoinedKeyRing([ring])):
        with pytest.raises(TypeError):
            pickle.dumps(one)
    assert "secret" not in repr([ring, passwords, opened(), JoinedKeyRing([ring])])


# -- the system's keyring ------------------------------------------------------------------------------------


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], str]:
    """The package keyring with a backend that keeps in memory."""
    package = pytest.importorskip("keyring")
    from keyring.backend import KeyringBackend

    kept: dict[tuple[str, str], str] = {}

    class Memory(KeyringBackend):  # type: ignore[misc]
        priority = 1

        def get_password(self, service: str, username: str) -> str | None:
            return kept.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            if password == "refused":
                raise RuntimeError(f"no: {password}")
            kept[service, username] = password

        def delete_password(self, service: str, username: str) -> None:
            del kept[service, username]

    monkeypatch.setattr(package, "get_password", Memory().get_password)
    monkeypatch.setattr(package, "set_password", Memory().set_password)
    return kept


def test_the_systems_keyring_knows_the_password(opened: Opened, make: Any, tmp_path: Path, keyring: Any) -> None:
    store = opened()
    kept = store.add_key(identity(make(ALICE)), [])
    store.remember_password()
    assert keyring == {("mailsec", "account"): "secret"}
    unattended = FileKeyStore(tmp_path / "keys", Passwords("account", "the kept keys"))
    assert unattended.private_key(kept.handle).certificates == kept.certificates


def test_a_keyring_that_refuses_does_not_tell(keyring: Any) -> None:
    passwords = password("refused")
    with pytest.raises(MailsecError) as caught:
        passwords.keep()
    assert str(caught.value) == "the system's keyring did not take the password (RuntimeError)"
