"""Keys and certificates out of files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mailsec.crypto import Certificate, PrivateIdentity, load_certificates, load_identities
from mailsec.crypto.pem import looks_like_pem, pem_blocks
from mailsec.errors import CertificateError, InputError, KeyFileError
from mailsec.message import plain_address, safe_text
from mailsec_smime.keys.chosen import check_addresses
from mailsec_smime.keys.passwords import FilePassword
from mailsec_smime.keys.words import describe_certificate, describe_key

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

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
        certificates = [one for one in found if isinstance(one, Certificate)]
        for identity in found:
            if isinstance(identity, PrivateIdentity):
                _import_key(store, identity, file, arguments.addresses, now)
        if certificates:
            _import_certificates(store, certificates, file, arguments.addresses, now)
    if arguments.remember:
        store.remember_password()
    return 0


def _load(file: Path, octets: bytes, password: FilePassword) -> Sequence[PrivateIdentity] | Sequence[Certificate]:
    """The private keys in a file, or where there are none its certificates."""
    try:
        if looks_like_pem(octets):
            if not any("PRIVATE KEY" in block.label for block in pem_blocks(octets)):
                return load_certificates(octets)
        else:
            try:
                return load_certificates(octets)
            except CertificateError:
                pass  # then it is PKCS#12 or a key
        try:
            return load_identities(octets)
        except KeyFileError as error:
            if "no password was given" not in str(error):
                raise
            return load_identities(octets, password.get(f"the password of {safe_text(file.name)}"))
    except InputError as error:
        raise InputError(f"{file} cannot be imported: {error}") from None


def _import_key(
    store: KeyStore, identity: PrivateIdentity, file: Path, addresses: Sequence[str], now: datetime
) -> None:
    try:
        own = identity.certificates[0] if identity.certificates else None
        named = [address for address in (own.emails if own is not None else ()) if plain_address(address)]
        if not named and not addresses:
            what = "its certificate has no e-mail address" if own is not None else "it comes without a certificate"
            raise KeyFileError(f"{what}: say with --for ADDRESS whose key it is")
        kept = store.add_key(identity, (*named, *addresses))
    except KeyFileError as error:
        raise KeyFileError(f"{file} cannot be imported: {error}") from None
    print("Your key: " + "\n  ".join(describe_key(kept, now)))


def _import_certificates(
    store: KeyStore, certificates: Sequence[Certificate], file: Path, addresses: Sequence[str], now: datetime
) -> None:
    own = {key.certificates[0] for key in store.add_certificates(certificates)}
    for certificate in certificates:
        lines = "\n  ".join(describe_certificate(certificate, now))
        if certificate in own:
            print("The certificate of your key: " + lines)
        elif certificate.is_ca:
            print("An authority, not kept unless you trust it (mailsec smime keys trust FILE): " + lines)
        else:
            named = [one for one in certificate.emails if plain_address(one)]
            for address in addresses or named:
                store.remember(address, certificate, "file", file.name, now)
            if addresses or named:
                print("A correspondent's, known and not yet trusted: " + lines)
            else:
                raise InputError(f"{file}: a certificate has no e-mail address: say with --for ADDRESS whose it is")
