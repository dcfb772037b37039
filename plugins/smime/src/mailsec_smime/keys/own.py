"""Private keys: made, requested to be certified, taken elsewhere, forgotten."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mailsec.crypto import PrivateIdentity
from mailsec.crypto.issue import Issued, can_decrypt, make_request
from mailsec.crypto.pem import encode_pem
from mailsec.errors import UsageError
from mailsec.message import safe_text, same_address
from mailsec.store.keys.making import check_addresses, make_key, new_key, remove_key
from mailsec.store.keys.words import certificate_lines, describe_kept_key
from mailsec_smime.keys.chosen import begins, confirm, keys_of, one_key, several
from mailsec_smime.keys.passwords import FilePassword

if TYPE_CHECKING:
    import argparse

    from mailsec.crypto.private import PrivateKey
    from mailsec.hooks import CommandContext


def make(arguments: argparse.Namespace, context: CommandContext) -> int:
    """`keys make`: a new key with a certificate of its own."""
    check_addresses(arguments.addresses)
    store, now = context.key_store, datetime.now(UTC)
    key = _new_key(arguments)
    kept = make_key(store, key, arguments.addresses, now=now, days=arguments.days, subject=arguments.name)
    print("\n  ".join(describe_kept_key(kept, now)))
    print("Nobody else trusts it yet: give your correspondents the fingerprint over another way than mail.")
    if not can_decrypt(key):
        print(
            f"Nobody can encrypt to a key of the kind {key.key_type}, which only signs:"
            " for that make another with --kind ec."
        )
    if arguments.remember:
        store.remember_password()
    return 0


def request(arguments: argparse.Namespace, context: CommandContext) -> int:
    """`keys request`: what an authority certifies a key by."""
    check_addresses(arguments.addresses)
    store = context.key_store
    output: Path | None = arguments.output
    if output is not None and output.exists() and not arguments.force:
        raise UsageError(f"{output} is there already and was left as it is; --force replaces it")
    if arguments.key is not None:
        key = store.private_key(one_key(store, arguments.key).handle).key
    else:
        key = _new_key(arguments)
        store.add_key(PrivateIdentity(key), arguments.addresses)
    if arguments.remember:
        store.remember_password()
    text = encode_pem("CERTIFICATE REQUEST", make_request(key, arguments.addresses, subject=arguments.name))
    if output is None:
        sys.stdout.write(text.decode("ascii"))
    else:
        write_file(output, text, arguments)
        print(f"The request is in {safe_text(str(output))}.", file=sys.stderr)
    print(
        "When the authority has issued the certificate, mailsec smime keys import FILE adds it to the key.",
        file=sys.stderr,
    )
    return 0


def _new_key(arguments: argparse.Namespace) -> PrivateKey:
    """Makes the key that the arguments describe."""
    return new_key(arguments.kind, bits=arguments.bits, curve=arguments.curve)


def export(arguments: argparse.Namespace, context: CommandContext) -> int:
    """`keys export`: a private key with its certificates to a file."""
    store = context.key_store
    output: Path = arguments.output
    if output.exists() and not arguments.force:
        raise UsageError(f"{output} is there already and was left as it is; --force replaces it")
    key = one_key(store, arguments.which)
    if arguments.certificates:
        if not key.certificates:
            raise UsageError("the key has no certificate yet")
        write_file(output, b"".join(one.to_pem() for one in key.certificates), arguments)
        return 0
    if arguments.format == "pkcs12" and not key.certificates:
        raise UsageError("the key has no certificate yet, without which PKCS#12 cannot be: use --format pem")
    loaded = store.private_key(key.handle)
    password = FilePassword(arguments.file_password_command).get("a password for the file", twice=True)
    if arguments.format == "pem":
        octets = loaded.key.to_pem(password) + b"".join(one.to_pem() for one in loaded.certificates)
    else:
        own, *issuers = loaded.certificates
        octets = Issued(own, loaded.key, tuple(issuers)).to_pkcs12(password, old=arguments.old)
    write_file(output, octets, arguments)
    print(f"The key of {safe_text(', '.join(key.addresses))} is in {safe_text(str(output))}, encrypted.")
    return 0


def write_file(path: Path, octets: bytes, arguments: argparse.Namespace) -> None:
    """Writes a file for its owner alone."""
    from mailsec.store.keys import write_private

    write_private(path, octets, replace=arguments.force)


def remove(arguments: argparse.Namespace, context: CommandContext) -> int:
    """`keys remove`: forgets a key, or a correspondent's certificate."""
    store, now = context.key_store, datetime.now(UTC)
    keys = keys_of(store, arguments.which)
    known = [
        one
        for one in store.known()
        if same_address(one.address, arguments.which) or begins(one.certificate.fingerprint, arguments.which)
    ]
    if not keys and not known:
        raise UsageError(f"no key and no correspondent's certificate is kept under {arguments.which!r}")
    if len(keys) > 1:
        raise UsageError(several(keys, arguments.which))
    for key in keys:
        print("Your key: " + "\n  ".join(describe_kept_key(key, now)))
    for one in known:
        print(f"Known for {safe_text(one.address)}: " + "\n  ".join(certificate_lines(one.certificate, now)))
    question = "What was encrypted to this key can never be read again without a copy. " if keys else ""
    confirm(f"{question}Forget it?", arguments.yes)
    for key in keys:
        remove_key(store, key)
    for one in known:
        store.forget(one.certificate, one.address)
    print("Forgotten.")
    return 0


def password(arguments: argparse.Namespace, context: CommandContext) -> int:
    """`keys password`: all private keys are encrypted by another password."""
    store = context.key_store
    if not store.own_keys():
        raise UsageError("no private key is kept, so there is no password to change")
    new = FilePassword(arguments.new_password_command, "--new-password-command")
    count = store.change_password(new.get("a new password for the kept keys", twice=True))
    print(f"{'The key is' if count == 1 else f'The {count} keys are'} encrypted by the new password.")
    print("A command that prints the old one, such as password_command in the configuration, has to be changed too.")
    return 0
