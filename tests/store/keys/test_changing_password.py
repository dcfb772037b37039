"""One password for all kept keys: given when it is wanted, refused, changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mailsec.config import Settings
from mailsec.errors import KeyFileError, LockedError, StoreError, UsageError
from mailsec.store.keys import FileKeyStore, Passwords, Secrets, StoredKeyRing
from mailsec.store.keys.database import KeyDatabase
from tests.store.keys.conftest import CHEAP, identity

ALICE, BOB = "alice@example.org", "bob@example.org"
Opened = Callable[..., FileKeyStore]


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailsec.store.keys.passwords._keyring", lambda: None)


def test_all_keys_open_by_the_new_password_and_none_by_the_old(opened: Opened, make: Any) -> None:
    kept = [opened().add_key(identity(make(address)), []) for address in (ALICE, BOB)]
    keys = [opened().private_key(one.handle).key.to_pem(b"x") for one in kept]
    store = opened()
    assert store.change_password(b"another") == 2
    for one in kept:
        assert store.private_key(one.handle)  # goes on with the new one
        assert opened("another").private_key(one.handle)
        with pytest.raises(KeyFileError, match="is wrong"):
            opened("secret").private_key(one.handle)
    assert len(keys) == 2
    assert opened("another").add_key(identity(make("carol@example.org")), []).handle
    with pytest.raises(KeyFileError, match="is wrong"):
        opened("secret").add_key(identity(make("dave@example.org")), [])


def test_nothing_of_the_old_encryption_stays_in_the_file(opened: Opened, make: Any) -> None:
    opened().add_key(identity(make(ALICE)), [])
    with KeyDatabase(opened().path).reading() as connection:
        assert connection is not None
        (before,) = connection.execute("SELECT secret FROM key").fetchone()
        (salt,) = connection.execute("SELECT salt FROM lock").fetchone()
    opened().change_password(b"another")
    octets = opened().path.read_bytes()
    assert before[60:120] not in octets
    assert salt not in octets


@pytest.mark.parametrize(
    ("secret", "new", "error", "words"),
    [
        ("wrong", b"another", KeyFileError, "the password of the kept keys is wrong"),
        ("secret", b"", UsageError, "the new password is empty"),
    ],
)
def test_what_is_refused_changes_nothing(
    opened: Opened, make: Any, secret: str, new: bytes, error: type[Exception], words: str
) -> None:
    kept = opened().add_key(identity(make(ALICE)), [])
    with pytest.raises(error, match=words):
        opened(secret).change_password(new)
    assert opened().private_key(kept.handle)


def test_where_there_is_no_key_there_is_no_password(opened: Opened, make: Any) -> None:
    for store in (opened(), opened()):
        with pytest.raises(UsageError, match="no private key is kept"):
            store.change_password(b"another")
        store.trust(make(ALICE).certificate, ALICE)


def test_a_key_that_another_program_adds_meanwhile_is_not_lost(
    opened: Opened, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = opened().add_key(identity(make(ALICE)), [])
    from mailsec.store.keys import keystore

    stretch = keystore.stretch_password

    def meanwhile(password: bytes, salt: bytes, cost: int) -> bytes:
        if password == b"another":
            monkeypatch.undo()
            monkeypatch.setattr("mailsec.store.keys.passwords._keyring", lambda: None)
            opened().add_key(identity(make(BOB)), [])
        return stretch(password, salt, cost)

    monkeypatch.setattr(keystore, "stretch_password", meanwhile)
    with pytest.raises(StoreError, match="nothing was done, try again"):
        opened().change_password(b"another")
    assert len(opened().own_keys()) == 2
    assert all(opened().private_key(one.handle) for one in opened().own_keys())
    assert opened().private_key(first.handle)


# -- where nobody is asked -----------------------------------------------------------------------------------


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets(Settings(keys=tmp_path / "keys", tokens=(Path("/lib/token.so"),)))


def test_what_is_wanted_is_named_and_may_be_given(opened: Opened, make: Any, secrets: Secrets, tmp_path: Path) -> None:
    kept = opened().add_key(identity(make(ALICE)), [])
    ring = StoredKeyRing(FileKeyStore(tmp_path / "keys", secrets.store, cost=CHEAP))
    (own,) = ring.identities()
    with pytest.raises(LockedError, match="the password of the kept keys is not known") as caught:
        ring.agree(own, make(BOB).certificate.public_key)
    assert (caught.value.secret, caught.value.key, caught.value.wrong) == (secrets.store.secret, ALICE, False)
    passwords = secrets.named(caught.value.secret)
    assert passwords is secrets.store
    passwords.offer(b"mistyped")
    with pytest.raises(LockedError, match="the password of the kept keys is wrong") as caught:
        ring.agree(own, make(BOB).certificate.public_key)
    assert caught.value.wrong
    passwords.offer(b"secret")
    assert len(ring.agree(own, make(BOB).certificate.public_key)) == 32
    assert FileKeyStore(tmp_path / "keys", secrets.store).private_key(kept.handle)  # the same for all


def test_a_new_one_is_wanted_for_the_first_key(make: Any, secrets: Secrets, tmp_path: Path) -> None:
    store = FileKeyStore(tmp_path / "keys", secrets.store, cost=CHEAP)
    with pytest.raises(LockedError, match="a new password for the kept keys is needed") as caught:
        store.add_key(identity(make(ALICE)), [])
    assert caught.value.new
    secrets.store.offer(b"made up")
    assert store.add_key(identity(make(ALICE)), []).addresses == (ALICE,)


def test_secrets_by_their_names(secrets: Secrets) -> None:
    pin = secrets.token(Path("/lib/token.so"))
    assert pin.secret == "the PIN of the token (token.so)"
    assert (secrets.named(pin.secret), secrets.named("the password of the post office")) == (pin, None)
    with pytest.raises(KeyError):
        _ = Secrets(Settings()).store
    pin.offer(b"1234")
    assert "1234" not in repr([secrets, pin])


def test_a_password_that_came_meanwhile_is_not_forgotten_for_an_older_one() -> None:
    passwords = Passwords("a", "it")
    passwords.offer(b"new")
    passwords.refuse(b"old")
    assert passwords.get() == b"new"


class Keyring:
    """The system's keyring."""

    def __init__(self, kept: str) -> None:
        self.kept: str = kept

    def get_password(self, _service: str, _account: str) -> str:
        return self.kept

    def set_password(self, _service: str, _account: str, password: str) -> None:
        self.kept = password


def test_a_stale_password_in_the_keyring_is_asked_for(
    opened: Opened, make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = opened().add_key(identity(make(ALICE)), [])
    keyring = Keyring("stale")
    monkeypatch.setattr("mailsec.store.keys.passwords._keyring", lambda: keyring)
    asked = Passwords("account", "the kept keys", ask=lambda _prompt: b"secret")
    assert FileKeyStore(tmp_path / "keys", asked).private_key(kept.handle)


def test_a_changed_password_is_changed_in_the_keyring_too(
    opened: Opened, make: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened().add_key(identity(make(ALICE)), [])
    keyring = Keyring("secret")
    monkeypatch.setattr("mailsec.store.keys.passwords._keyring", lambda: keyring)
    FileKeyStore(tmp_path / "keys", Passwords("account", "the kept keys"), cost=CHEAP).change_password(b"another")
    assert keyring.kept == "another"
