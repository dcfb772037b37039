"""Keys and certificates out of files."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mailsec.crypto import PrivateIdentity
from mailsec.errors import InputError, LockedError
from mailsec.store.keys.importing import Found, addresses_in, keep_found, read_keys
from mailsec.store.keys.making import check_addresses
from mailsec.store.keys.words import certificate_lines, describe_kept_key
from mailsec_smime.keys.passwords import FilePassword

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from mailsec.hooks import CommandContext, KeyStore


def import_files(arguments: argparse.Namespace, context: CommandContext) -> int:
    """`keys import`: nothing is kept where a file cannot be read."""
    from mailsec.store.keys import read_limited

    check_addresses(arguments.addresses)
    store, now = context.key_store, datetime.now(UTC)
    password = FilePassword(arguments.file_password_command)
    # everything is read before anything is kept
    loaded = [(file, _load(file, read_limited(file), password)) for file in arguments.files]
    for file, found in loaded:
        _import(store, found, file, arguments.addresses, now)
    if arguments.remember:
        store.remember_password()
    return 0


def _load(file: Path, octets: bytes, password: FilePassword) -> Found:
    """The private keys in a file, or where there are none its certificates."""
    try:
        try:
            return read_keys(octets, file.name)
        except LockedError as error:
            return read_keys(octets, file.name, password.get(error.secret))
    except InputError as error:
        raise InputError(f"{file} cannot be imported: {error}") from None


def _import(store: KeyStore, found: Found, file: Path, addresses: Sequence[str], now: datetime) -> None:
    try:
        imported = keep_found(store, found, file.name, addresses, now)
    except LockedError:
        raise
    except InputError as error:
        keys = [one for one in found if isinstance(one, PrivateIdentity)]
        nobodys = not addresses and any(not addresses_in(one.certificates) for one in keys)
        hint = ": say with --for ADDRESS whose key it is" if nobodys else ""
        raise InputError(f"{file} cannot be imported: {error}{hint}") from None
    for kept in imported.keys:
        print("Your key: " + "\n  ".join(describe_kept_key(kept, now)))
    for what, some in (
        ("The certificate of your key", imported.own),
        ("An authority, not kept unless you trust it (mailsec smime keys trust FILE)", imported.authorities),
        ("A correspondent's, known and not yet trusted", imported.known),
    ):
        for certificate in some:
            print(f"{what}: " + "\n  ".join(certificate_lines(certificate, now)))
    if imported.nameless:
        raise InputError(f"{file}: a certificate has no e-mail address: say with --for ADDRESS whose it is")
