"""The key store: own keys, trust decisions, and what is known of correspondents, in one file."""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, cast

from mailsec.crypto import Certificate, PrivateIdentity, PrivateKey, PublicKey
from mailsec.crypto.stretch import COST, SALT_OCTETS, stretch_password
from mailsec.errors import CertificateError, KeyFileError, StoreError, UsageError
from mailsec.hooks.types import CertificateSource, KeptKey, KnownCertificate, TrustDecision
from mailsec.message import plain_address
from mailsec.store.keys import FILE_NAME
from mailsec.store.keys.database import KeyDatabase
from mailsec.store.keys.limits import CAPABILITIES, CERTIFICATE_OCTETS, KNOWN, PER_ADDRESS, TEXT
from mailsec.store.keys.passwords import Passwords

__all__ = ["FileKeyStore", "handle_of"]

_TRIES: Final = 3  # how often a password that is typed wrong is asked for


def handle_of(key: PublicKey) -> str:
    """What key rings and the key store know a key by: a digest of its public half."""
    import hashlib

    return hashlib.sha256(key.spki_der()).hexdigest()[:32]


class FileKeyStore:
    """The key store of the user (implements `mailsec.hooks.KeyStore` and `mailsec.hooks.Correspondents`).

    What is written is on the disk when a method returns, whole or not at all; other programs may use the store at the
    same time. Private keys are PKCS#8 (RFC 5958), encrypted by a key that scrypt makes of the password.

    Args:
        folder: where the file lies; it is made when something is written first.
        passwords: where the password of the private keys comes from; by default from the system's keyring alone.
        cost: the cost of scrypt for a new store (see `mailsec.crypto.stretch`).
    """

    def __init__(self, folder: Path, passwords: Passwords | None = None, *, cost: int = COST) -> None:
        self.path = folder / FILE_NAME
        self.passwords = Passwords(str(self.path), "the kept keys") if passwords is None else passwords
        self._database = KeyDatabase(self.path)
        self._cost = cost
        self._stretched: dict[tuple[bytes, bytes, int], bytes] = {}
        self._lock = threading.Lock()

    def exists(self) -> bool:
        """Whether anything was ever kept."""
        return self._database.exists()

    def stamp(self) -> object:
        """What changes with whatever is written; to know when to read anew."""
        return self._database.stamp()

    # -- keys ------------------------------------------------------------------------------------------------

    def own_keys(self) -> Sequence[KeptKey]:
        """All keys, the oldest first."""
        with self._database.reading() as connection:
            if connection is None:
                return ()
            rows = connection.execute("SELECT handle, kind, spki, added FROM key ORDER BY added, handle").fetchall()
            return tuple(self._kept(connection, row) for row in rows)

    def add_key(self, identity: PrivateIdentity, addresses: Sequence[str]) -> KeptKey:
        """Keeps a private key, encrypted; one that is kept already gets the certificates and addresses.

        Args:
            identity: the key with its certificates.
            addresses: the addresses that it answers for; those in its certificate if there are none.

        Raises:
            KeyFileError: the password of the store is wrong, the certificate is another key's, or there is no address.
            UsageError: the password cannot be had.
            StoreError: the store cannot be written.
        """
        key, certificates = identity.key, identity.certificates
        if certificates and not certificates[0].public_key.same_key(key.public_key):
            raise KeyFileError("the certificate does not belong to the private key")
        named = tuple(dict.fromkeys(addresses or (certificates[0].emails if certificates else ())))
        if not named or not all(plain_address(address) for address in named):
            raise KeyFileError("a key is kept for an e-mail address, and none is known for this one")
        handle = handle_of(key.public_key)
        secret = self._secret()
        # outside the transaction: making this takes time, and others may want to write
        encrypted = key.to_pem(secret)
        with self._database.writing() as connection:
            self._settle(connection, secret)
            connection.execute(
                "INSERT INTO key VALUES (?, ?, ?, ?, ?) ON CONFLICT (handle) DO NOTHING",
                (handle, key.key_type, key.public_key.spki_der(), encrypted, _text(datetime.now(UTC))),
            )
            known = [address for (address,) in _addresses(connection, handle)]
            both = dict.fromkeys((*known, *named))
            connection.execute("DELETE FROM key_address WHERE handle = ?", (handle,))
            connection.executemany(
                "INSERT INTO key_address VALUES (?, ?, ?)",
                ((handle, place, address) for place, address in enumerate(both)),
            )
            if certificates:
                _set_chain(connection, handle, certificates)
            return self._kept(connection, _key_row(connection, handle))

    def add_certificates(self, certificates: Sequence[Certificate]) -> Sequence[KeptKey]:
        """Gives keys their certificates, such as an authority has issued for a request.

        Args:
            certificates: the certificates of keys and those of their issuers, in any order.

        Returns:
            The keys that got one.

        Raises:
            StoreError: the store cannot be written.
        """
        if not self.exists():
            return ()
        with self._database.writing() as connection:
            changed: list[KeptKey] = []
            for row in connection.execute("SELECT handle, kind, spki, added FROM key").fetchall():
                public = PublicKey.from_spki_der(row[2])
                own = next((one for one in certificates if one.public_key.same_key(public)), None)
                if own is None:
                    continue
                _set_chain(connection, row[0], _chain(own, certificates))
                known = [address for (address,) in _addresses(connection, row[0])]
                new = [address for address in own.emails if plain_address(address) and address not in known]
                connection.executemany(
                    "INSERT INTO key_address VALUES (?, ?, ?)",
                    ((row[0], len(known) + place, address) for place, address in enumerate(new)),
                )
                changed.append(self._kept(connection, row))
            return tuple(changed)

    def private_key(self, handle: str) -> PrivateIdentity:
        """A private key with its certificates.

        Args:
            handle: the `KeptKey.handle`.

        Raises:
            KeyFileError: there is no such key, or the password of the store is wrong.
            UsageError: the password cannot be had.
            StoreError: the store cannot be read.
        """
        with self._database.reading() as connection:
            row = (
                None
                if connection is None
                else connection.execute("SELECT secret FROM key WHERE handle = ?", (handle,)).fetchone()
            )
            if connection is None or row is None:
                raise KeyFileError("there is no such key in the key store")
            lock, certificates = _lock(connection), _certificates(connection, handle)
        if lock is None:
            raise StoreError(f"the keys in {self.path} are damaged: what their password is stretched by is missing")
        return PrivateIdentity(self._unlock(row[0], lock), certificates)

    def remove_key(self, handle: str) -> bool:
        """Forgets a private key for good.

        Args:
            handle: the `KeptKey.handle`.

        Returns:
            Whether it was there.

        Raises:
            StoreError: the store cannot be written.
        """
        if not self.exists():
            return False
        with self._database.writing() as connection:
            removed = connection.execute("DELETE FROM key WHERE handle = ?", (handle,)).rowcount
            if not connection.execute("SELECT 1 FROM key").fetchone():
                connection.execute("DELETE FROM lock")  # the next key may have another password
            _sweep(connection)
            return bool(removed)

    def change_password(self, new: bytes) -> int:
        """Encrypts all private keys by another password, all of them or none.

        Args:
            new: the password from now on.

        Returns:
            How many keys there are.

        Raises:
            KeyFileError: the password of the store is wrong.
            UsageError: there is no private key, the new password is empty, or the old one cannot be had.
            StoreError: the store cannot be written, or another program changed its keys meanwhile.
        """
        if not new:
            raise UsageError("the new password is empty: nothing was done")
        with self._database.reading() as connection:
            rows, lock = ([], None) if connection is None else (_secrets(connection), _lock(connection))
        if not rows or lock is None:
            raise UsageError("no private key is kept, so there is no password to change")
        # outside the transaction: this takes time, and others may want to read
        keys = [(handle, self._unlock(encrypted, lock)) for handle, encrypted in rows]
        changed = (secrets.token_bytes(SALT_OCTETS), max(lock[1], self._cost))
        secret = stretch_password(new, *changed)
        encrypted_anew = [(key.to_pem(secret), handle) for handle, key in keys]
        with self._database.writing() as connection:
            if _secrets(connection) != rows or _lock(connection) != lock:
                raise StoreError("another program has changed the key store meanwhile: nothing was done, try again")
            connection.execute("UPDATE lock SET salt = ?, cost = ?", changed)
            connection.executemany("UPDATE key SET secret = ? WHERE handle = ?", encrypted_anew)
        with self._lock:
            self._stretched = {(new, *changed): secret}
        self.passwords.replace(new)
        return len(rows)

    def remember_password(self) -> None:
        """Puts the password of the private keys into the system's keyring.

        Raises:
            UsageError: there is no keyring, it refuses, or the password cannot be had.
        """
        self.passwords.keep()

    def _kept(self, connection: sqlite3.Connection, row: Any) -> KeptKey:
        handle, kind, spki, added = row
        addresses = tuple(address for (address,) in _addresses(connection, handle))
        try:
            public = PublicKey.from_spki_der(spki)
        except KeyFileError:
            raise StoreError(f"the keys in {self.path} are damaged: a public key cannot be read") from None
        return KeptKey(handle, kind, public, _certificates(connection, handle), addresses, _moment(added))

    # -- the password ----------------------------------------------------------------------------------------

    def _secret(self) -> bytes:
        """What new keys are encrypted with: that of the keys that are there, which proves the password, or a new one.

        The lock is written before any key is, so that two programs that begin at once end up with the same.
        """
        with self._database.reading() as connection:
            row = None if connection is None else connection.execute("SELECT secret FROM key").fetchone()
            lock = None if connection is None else _lock(connection)
        if row is not None and lock is not None:
            self._unlock(row[0], lock)
            return self._stretch(self.passwords.get(), *lock)
        password = self.passwords.get(new=True)
        with self._database.writing() as connection:
            lock = _lock(connection)
            if lock is None:
                lock = (secrets.token_bytes(SALT_OCTETS), self._cost)
                connection.execute("INSERT INTO lock VALUES (1, ?, ?)", lock)
        return self._stretch(password, *lock)

    def _settle(self, connection: sqlite3.Connection, secret: bytes) -> None:
        """Makes sure that a new key opens by the same password as the others, also where another was just added."""
        row = connection.execute("SELECT secret FROM key").fetchone()
        lock = _lock(connection)
        if lock is None or self._stretch(self.passwords.get(), *lock) != secret:
            raise StoreError("another program has changed the key store meanwhile: try again")
        if row is not None:
            _decrypt(row[0], secret)

    def _unlock(self, encrypted: bytes, lock: tuple[bytes, int]) -> PrivateKey:
        """Decrypts a key; a password that was typed may be typed again."""
        for left in reversed(range(_TRIES)):
            password = self.passwords.get()
            try:
                return _decrypt(encrypted, self._stretch(password, *lock))
            except KeyFileError:
                self.passwords.refuse(password)
                if not left or not self.passwords.may_ask_again:
                    raise
        raise AssertionError  # the last try has returned or raised

    def _stretch(self, password: bytes, salt: bytes, cost: int) -> bytes:
        with self._lock:
            known = self._stretched.get((password, salt, cost))
            if known is None:
                known = stretch_password(password, salt, cost)
                self._stretched = {(password, salt, cost): known}
            return known

    # -- trust -----------------------------------------------------------------------------------------------

    def decisions(self) -> Sequence[TrustDecision]:
        """What the user trusts, in the order of the decisions.

        Raises:
            StoreError: the store cannot be read.
        """
        with self._database.reading() as connection:
            if connection is None:
                return ()
            rows = connection.execute(
                "SELECT der, address, added FROM trust JOIN certificate USING (fingerprint) ORDER BY added, fingerprint"
            ).fetchall()
        return tuple(TrustDecision(_certificate(der), address, _moment(added)) for der, address, added in rows)

    def trust(self, certificate: Certificate, address: str = "") -> None:
        """Trusts a certificate: as an anchor, or by itself for one address.

        Args:
            certificate: the certificate.
            address: the one address that it vouches for; empty for an anchor.

        Raises:
            UsageError: the address is none.
            StoreError: the store cannot be written.
        """
        plain = plain_address(address)
        if address and not plain:
            raise UsageError(f"{address!r} is no e-mail address")
        with self._database.writing() as connection:
            _keep(connection, certificate)
            connection.execute(
                "INSERT INTO trust VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                (certificate.fingerprint, plain, _text(datetime.now(UTC))),
            )

    def distrust(self, certificate: Certificate, address: str | None = None) -> int:
        """Takes decisions about a certificate back.

        Args:
            certificate: the certificate.
            address: the address of one decision, empty for that as an anchor; `None` for all of them.

        Returns:
            How many there were.

        Raises:
            StoreError: the store cannot be written.
        """
        return self._delete("trust", certificate, address)

    # -- correspondents --------------------------------------------------------------------------------------

    def certificates(self, address: str) -> Sequence[Certificate]:
        """The certificates known for an address, the one to prefer first; see `mailsec.hooks.Correspondents`."""
        return tuple(one.certificate for one in self.known(address))

    def capabilities(self, address: str) -> tuple[str, ...]:
        """The content encryption that a correspondent has announced (RFC 8551 section 2.5.2), the best liked first."""
        with self._database.reading() as connection:
            row = (
                None
                if connection is None
                else connection.execute(
                    "SELECT names FROM capability WHERE address = ?", (plain_address(address),)
                ).fetchone()
            )
        return () if row is None else tuple(map(str, json.loads(row[0])))

    def known(self, address: str | None = None) -> Sequence[KnownCertificate]:
        """The certificates of one correspondent, or of all.

        Args:
            address: the correspondent's; `None` for all, by address.

        Returns:
            The certificates, those of one correspondent in the order of preference: those that are valid now first,
            and of these the newest.

        Raises:
            StoreError: the store cannot be read.
        """
        with self._database.reading() as connection:
            if connection is None:
                return ()
            where, values = ("", ()) if address is None else (" WHERE address = ?", (plain_address(address),))
            rows = connection.execute(
                "SELECT address, der, source, detail, seen FROM known"  # noqa: S608 - the text is ours
                f" JOIN certificate USING (fingerprint){where}",
                values,
            ).fetchall()
        now = datetime.now(UTC)
        found = [
            KnownCertificate(name, _certificate(der), cast("CertificateSource", source), detail, _moment(seen))
            for name, der, source, detail, seen in rows
        ]
        return tuple(sorted(found, key=lambda one: (one.address, *_preference(one.certificate, now))))

    def remember(
        self, address: str, certificate: Certificate, source: CertificateSource, detail: str, seen: datetime
    ) -> None:
        """Keeps a correspondent's certificate, which makes it known and not trusted.

        Of too many for one address, and of too many in all, those go that were seen longest ago.

        Args:
            address: whose it is.
            certificate: the certificate.
            source: where it comes from.
            detail: which message, file or record.
            seen: when it was seen, aware.

        Raises:
            UsageError: the address is none, or the certificate is larger than is kept.
            StoreError: the store cannot be written.
        """
        plain = plain_address(address)
        if not plain or len(plain) > TEXT:
            raise UsageError("a certificate is kept for an e-mail address, and this is none")
        if len(certificate.der) > CERTIFICATE_OCTETS:
            raise UsageError(f"the certificate has more than {CERTIFICATE_OCTETS} octets, too many to be kept")
        with self._database.writing() as connection:
            _keep(connection, certificate)
            connection.execute(
                "INSERT INTO known VALUES (?, ?, ?, ?, ?) ON CONFLICT (address, fingerprint) DO UPDATE SET"
                " source = excluded.source, detail = excluded.detail, seen = excluded.seen"
                " WHERE excluded.seen > known.seen",
                (plain, certificate.fingerprint, source, detail[:TEXT], _text(seen)),
            )
            connection.execute(
                "DELETE FROM known WHERE address = ?1 AND fingerprint IN"
                " (SELECT fingerprint FROM known WHERE address = ?1 ORDER BY seen DESC LIMIT -1 OFFSET ?2)",
                (plain, PER_ADDRESS),
            )
            connection.execute(
                "DELETE FROM known WHERE (address, fingerprint) IN"
                " (SELECT address, fingerprint FROM known ORDER BY seen DESC LIMIT -1 OFFSET ?)",
                (KNOWN,),
            )
            _sweep(connection)

    def remember_capabilities(self, address: str, capabilities: Sequence[str], seen: datetime) -> None:
        """Keeps what content encryption a correspondent has announced; older announcements change nothing.

        Args:
            address: whose announcement it is.
            capabilities: the names, the best liked first.
            seen: when it was announced, aware.

        Raises:
            UsageError: the address is none.
            StoreError: the store cannot be written.
        """
        plain = plain_address(address)
        if not plain or len(plain) > TEXT:
            raise UsageError("capabilities are kept for an e-mail address, and this is none")
        with self._database.writing() as connection:
            connection.execute(
                "INSERT INTO capability VALUES (?, ?, ?) ON CONFLICT (address) DO UPDATE SET"
                " names = excluded.names, seen = excluded.seen WHERE excluded.seen >= capability.seen",
                (plain, json.dumps(list(capabilities)[:CAPABILITIES]), _text(seen)),
            )
            connection.execute(
                "DELETE FROM capability WHERE address IN"
                " (SELECT address FROM capability ORDER BY seen DESC LIMIT -1 OFFSET ?)",
                (KNOWN,),
            )

    def forget(self, certificate: Certificate, address: str | None = None) -> int:
        """Forgets that a certificate is a correspondent's.

        Args:
            certificate: the certificate.
            address: one correspondent's; `None` for everybody's.

        Returns:
            How many entries there were.

        Raises:
            StoreError: the store cannot be written.
        """
        return self._delete("known", certificate, address)

    def _delete(self, table: Literal["trust", "known"], certificate: Certificate, address: str | None) -> int:
        """Takes the rows about a certificate away, and the certificate where nothing else is about it."""
        if not self.exists():
            return 0
        where, values = _for(address)
        with self._database.writing() as connection:
            found = connection.execute(
                f"DELETE FROM {table} WHERE fingerprint = ?{where}",  # noqa: S608 - the text is ours
                (certificate.fingerprint, *values),
            ).rowcount
            _sweep(connection)
            return found

    def __repr__(self) -> str:
        return f"<FileKeyStore {self.path}>"


# -- rows ----------------------------------------------------------------------------------------------------


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")  # of one width, so that texts sort as times do


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _for(address: str | None) -> tuple[str, tuple[str, ...]]:
    return ("", ()) if address is None else (" AND address = ?", (plain_address(address),))


def _preference(certificate: Certificate, now: datetime) -> tuple[bool, float, str]:
    valid = certificate.not_before <= now <= certificate.not_after
    return not valid, -certificate.not_before.timestamp(), certificate.fingerprint


def _certificate(octets: bytes) -> Certificate:
    try:
        return Certificate.from_der(octets)
    except CertificateError as error:
        raise StoreError(f"a certificate in the key store is damaged: {error}") from None


def _keep(connection: sqlite3.Connection, certificate: Certificate) -> None:
    connection.execute(
        "INSERT INTO certificate VALUES (?, ?) ON CONFLICT DO NOTHING", (certificate.fingerprint, certificate.der)
    )


def _sweep(connection: sqlite3.Connection) -> None:
    """Removes certificates that nothing refers to any more."""
    connection.execute(
        "DELETE FROM certificate WHERE fingerprint NOT IN (SELECT fingerprint FROM key_certificate"
        " UNION SELECT fingerprint FROM trust UNION SELECT fingerprint FROM known)"
    )


def _key_row(connection: sqlite3.Connection, handle: str) -> Any:
    return connection.execute("SELECT handle, kind, spki, added FROM key WHERE handle = ?", (handle,)).fetchone()


def _addresses(connection: sqlite3.Connection, handle: str) -> list[Any]:
    return connection.execute("SELECT address FROM key_address WHERE handle = ? ORDER BY place", (handle,)).fetchall()


def _certificates(connection: sqlite3.Connection, handle: str) -> tuple[Certificate, ...]:
    rows = connection.execute(
        "SELECT der FROM key_certificate JOIN certificate USING (fingerprint) WHERE handle = ? ORDER BY place",
        (handle,),
    )
    return tuple(_certificate(der) for (der,) in rows.fetchall())


def _set_chain(connection: sqlite3.Connection, handle: str, certificates: Iterable[Certificate]) -> None:
    chain = tuple(certificates)
    for certificate in chain:
        _keep(connection, certificate)
    connection.execute("DELETE FROM key_certificate WHERE handle = ?", (handle,))
    connection.executemany(
        "INSERT INTO key_certificate VALUES (?, ?, ?)",
        ((handle, place, certificate.fingerprint) for place, certificate in enumerate(chain)),
    )
    _sweep(connection)


def _chain(own: Certificate, certificates: Sequence[Certificate]) -> tuple[Certificate, ...]:
    """A certificate, then those of its issuers upwards as far as they are there."""
    chain = [own]
    rest = [one for one in certificates if one != own]
    while not chain[-1].is_self_issued:
        issuer = next((one for one in rest if one.subject_key == chain[-1].issuer_key), None)
        if issuer is None:
            break
        rest.remove(issuer)
        chain.append(issuer)
    return tuple(chain)


def _secrets(connection: sqlite3.Connection) -> list[tuple[str, bytes]]:
    rows = connection.execute("SELECT handle, secret FROM key ORDER BY handle").fetchall()
    return [(str(handle), bytes(secret)) for handle, secret in rows]


def _lock(connection: sqlite3.Connection) -> tuple[bytes, int] | None:
    row = connection.execute("SELECT salt, cost FROM lock").fetchone()
    return None if row is None else (bytes(row[0]), int(row[1]))


def _decrypt(encrypted: bytes, secret: bytes) -> PrivateKey:
    try:
        return PrivateKey.load(encrypted, secret)
    except KeyFileError:
        raise KeyFileError("the password of the kept keys is wrong") from None
