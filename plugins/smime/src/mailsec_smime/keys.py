"""`mailsec smime keys`: own keys, whom one trusts, and the certificates of correspondents."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mailsec.crypto import Certificate, PrivateIdentity, load_certificates, load_identities
from mailsec.crypto.issue import Issued, can_decrypt, make_own, make_request
from mailsec.crypto.pem import encode_pem, looks_like_pem, pem_blocks
from mailsec.crypto.private import PrivateKey
from mailsec.errors import CertificateError, InputError, KeyFileError, UsageError
from mailsec.message import plain_address, safe_text, same_address
from mailsec_smime.keys_text import (
    certificate_json,
    decision_json,
    describe_certificate,
    describe_key,
    key_json,
    key_kind,
    known_json,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from typing import Any

    from mailsec.hooks import CommandContext, KeptKey, KeyStore

DAYS: Final = 3 * 365
_MAX_DAYS: Final = 10 * 365
_SHORTEST: Final = 8  # digits of a fingerprint that name a certificate
_EARLY: Final = timedelta(hours=1)  # clocks differ: a certificate made now should be valid at its first reader's

KINDS: Final = ("rsa", "ec", "ed25519", "ed448")


# -- arguments -----------------------------------------------------------------------------------------------


def add_keys(actions: Any) -> None:
    """Adds `keys` with its own subcommands."""
    parser = actions.add_parser("keys", help="keys, trust and correspondents' certificates", allow_abbrev=False)
    verbs = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    def add(name: str, help_: str, action: Any) -> argparse.ArgumentParser:
        child: argparse.ArgumentParser = verbs.add_parser(
            name, help=help_, description=help_[0].upper() + help_[1:] + ".", allow_abbrev=False
        )
        child.set_defaults(action=action)
        return child

    child = add("list", "list keys, whom you trust, and correspondents' certificates", _list)
    child.add_argument("address", metavar="ADDRESS", nargs="?", help="only what concerns this address")
    child.add_argument("--json", action="store_true", help="print one JSON object a line")

    child = add("show", "show a key or a certificate", _show)
    _add_which(child)
    child.add_argument("--json", action="store_true", help="print one JSON object a line")
    child.add_argument("--pem", action="store_true", help="print the certificates as PEM")

    child = add("make", "make a key with a certificate that it signs itself", _make)
    _add_new_key(child)
    child.add_argument(
        "--days", metavar="N", type=int, default=DAYS, help=f"how long it is to be valid (default {DAYS})"
    )
    _add_password(child, keep=True)

    child = add("request", "make a request for an authority, with a new key or one that is kept", _request)
    _add_new_key(child)
    child.add_argument("--key", metavar="WHICH", help="the kept key to use, by address or fingerprint")
    child.add_argument("--output", metavar="FILE", type=Path, help="write the request here, not to standard output")
    child.add_argument("--force", action="store_true", help="replace a file that is there")
    _add_password(child, keep=True)

    child = add("import", "keep private keys, or certificates of your own keys and of correspondents", _import)
    child.add_argument("files", metavar="FILE", type=Path, nargs="+", help="PEM, PKCS#12, DER or certs-only PKCS#7")
    child.add_argument(
        "--for", metavar="ADDRESS", action="append", default=[], dest="addresses", help="whose it is; may be repeated"
    )
    _add_file_password(child, "a command that prints the password of the files")
    _add_password(child, keep=True)

    child = add("export", "write a private key with its certificates to a file", _export)
    _add_which(child)
    child.add_argument("--output", metavar="FILE", type=Path, required=True, help="the file to write")
    child.add_argument("--force", action="store_true", help="replace a file that is there")
    child.add_argument("--format", choices=("pkcs12", "pem"), default="pkcs12", help="what to write (default pkcs12)")
    child.add_argument(
        "--old", action="store_true", help="PKCS#12 with 3DES and SHA-1, for programs that know no other"
    )
    child.add_argument("--certificates", action="store_true", help="the certificates alone, as PEM, without the key")
    _add_file_password(child, "a command that prints the password to encrypt the file with")
    _add_password(child)

    child = add("trust", "trust an authority, or one correspondent's certificate", _trust)
    _add_which(child, "a file, or a certificate that is known, by address or fingerprint")
    group = child.add_mutually_exclusive_group()
    group.add_argument(
        "--for", metavar="ADDRESS", dest="address", help="trust it for this address alone, and nothing that it signs"
    )
    group.add_argument("--anchor", action="store_true", help="trust it as an authority, for whatever it certifies")
    child.add_argument(
        "--fingerprint", metavar="SHA256", help="the whole fingerprint, had from its owner: then nothing is asked"
    )

    child = add("distrust", "take such a decision back", _distrust)
    _add_which(child)
    child.add_argument("--for", metavar="ADDRESS", dest="address", help="only the decision for this address")
    _add_yes(child)

    child = add("remove", "forget a private key, or a correspondent's certificate", _remove)
    _add_which(child)
    _add_yes(child)

    child = add("find", "look up in the DNS the certificates of a correspondent (SMIMEA)", _find)
    child.add_argument("address", metavar="ADDRESS", help="whose")
    child.add_argument("--import", action="store_true", dest="keep", help="keep them as that correspondent's")
    child.add_argument("--json", action="store_true", help="print one JSON object a line")
    child.add_argument("--dns", metavar="FILE", type=Path, help="answer all DNS questions from this master file")


def _add_which(parser: argparse.ArgumentParser, help_: str = "an address, or a fingerprint or its beginning") -> None:
    parser.add_argument("which", metavar="WHICH", help=help_)


def _add_new_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("addresses", metavar="ADDRESS", nargs="+", help="the addresses it is for")
    parser.add_argument("--kind", choices=KINDS, default="rsa", help="the kind of key (default rsa)")
    parser.add_argument("--bits", metavar="N", type=int, default=3072, help="the size of an RSA key (default 3072)")
    parser.add_argument("--curve", metavar="NAME", default="P-256", help="the curve of an EC key (default P-256)")
    parser.add_argument("--name", metavar="TEXT", help="the common name; by default the first address")


def _add_password(parser: argparse.ArgumentParser, *, keep: bool = False) -> None:
    parser.add_argument("--password-command", metavar="CMD", help="a command that prints the password of the kept keys")
    if keep:
        parser.add_argument(
            "--remember", action="store_true", help="put the password of the kept keys into the system's keyring"
        )


def _add_file_password(parser: argparse.ArgumentParser, help_: str) -> None:
    parser.add_argument("--file-password-command", metavar="CMD", help=help_)


def _add_yes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="do not ask")


# -- looking -------------------------------------------------------------------------------------------------


def _list(arguments: argparse.Namespace, context: CommandContext) -> int:
    store, only = context.key_store, arguments.address
    if only is not None and not plain_address(only):
        raise UsageError(f"{only!r} is no e-mail address")
    keys = [key for key in store.own_keys() if only is None or _is_for(key, only)]
    decisions = [
        one
        for one in store.decisions()
        if only is None or same_address(one.address, only) or _names(one.certificate, only)
    ]
    known = store.known(only)
    if arguments.json:
        for each in (*map(key_json, keys), *map(decision_json, decisions), *map(known_json, known)):
            print(json.dumps(each, ensure_ascii=False))
        return 0
    now = datetime.now(UTC)
    sections = [
        ("Your keys", [describe_key(key, now) for key in keys]),
        (
            "Trusted",
            [
                [
                    f"for {safe_text(one.address)} alone" if one.address else "as an authority",
                    *describe_certificate(one.certificate, now),
                ]
                for one in decisions
            ],
        ),
        (
            "Correspondents (known, not trusted for that)",
            [
                [safe_text(one.address), *describe_certificate(one.certificate, now), _origin(one.source, one.detail)]
                for one in known
            ],
        ),
    ]
    for title, entries in sections:
        print(title + ("" if entries else ": none"))
        for first, *rest in entries:
            print(f"  {first}")
            for line in rest:
                print(f"      {line}")
    return 0


def _origin(source: str, detail: str) -> str:
    words = {"message": "from a verified message", "file": "imported", "smimea": "from the DNS (SMIMEA)"}[source]
    return f"{words}: {safe_text(detail)}" if detail else words


def _show(arguments: argparse.Namespace, context: CommandContext) -> int:
    store, now = context.key_store, datetime.now(UTC)
    keys = _keys_of(store, arguments.which)
    certificates = _certificates_of(store, arguments.which)
    if not keys and not certificates:
        raise UsageError(f"nothing is kept under {arguments.which!r}; mailsec smime keys list shows what is")
    if arguments.json:
        for each in (*map(key_json, keys), *map(certificate_json, certificates)):
            print(json.dumps(each, ensure_ascii=False))
        return 0
    if arguments.pem:
        own = [certificate for key in keys for certificate in key.certificates]
        for certificate in dict.fromkeys((*own, *certificates)):
            sys.stdout.write(certificate.to_pem().decode("ascii"))
        return 0
    for key in keys:
        print("\n  ".join(describe_key(key, now)))
    shown = {certificate for key in keys for certificate in key.certificates[:1]}
    for certificate in certificates:
        if certificate not in shown:
            print("\n  ".join(describe_certificate(certificate, now, whole=True)))
    return 0


# -- own keys ------------------------------------------------------------------------------------------------


def _make(arguments: argparse.Namespace, context: CommandContext) -> int:
    _check_addresses(arguments.addresses)
    if not 1 <= arguments.days <= _MAX_DAYS:
        raise UsageError(f"a certificate can be made for 1 to {_MAX_DAYS} days, not for {arguments.days}")
    store = context.key_store
    now = datetime.now(UTC).replace(microsecond=0)
    key = _new_key(arguments)
    issued = make_own(
        key,
        arguments.addresses,
        not_before=now - _EARLY,
        not_after=now + timedelta(days=arguments.days),
        subject=arguments.name,
    )
    kept = store.add_key(PrivateIdentity(key, issued.certificates), arguments.addresses)
    for address in arguments.addresses:
        store.trust(issued.certificate, address)  # one's own hand is known without asking
    if arguments.remember:
        store.remember_password()
    print("\n  ".join(describe_key(kept, now)))
    print("Nobody else trusts it yet: give your correspondents the fingerprint over another way than mail.")
    if not can_decrypt(key):
        print(
            f"Nobody can encrypt to a key of the kind {key.key_type}, which only signs:"
            " for that make another with --kind ec."
        )
    return 0


def _request(arguments: argparse.Namespace, context: CommandContext) -> int:
    _check_addresses(arguments.addresses)
    store = context.key_store
    output: Path | None = arguments.output
    if output is not None and output.exists() and not arguments.force:
        raise UsageError(f"{output} is there already and was left as it is; --force replaces it")
    if arguments.key is not None:
        key = store.private_key(_one_key(store, arguments.key).handle).key
    else:
        key = _new_key(arguments)
        store.add_key(PrivateIdentity(key), arguments.addresses)
    if arguments.remember:
        store.remember_password()
    text = encode_pem("CERTIFICATE REQUEST", make_request(key, arguments.addresses, subject=arguments.name))
    if output is None:
        sys.stdout.write(text.decode("ascii"))
    else:
        _write(output, text, arguments)
        print(f"The request is in {safe_text(str(output))}.", file=sys.stderr)
    print(
        "When the authority has issued the certificate, mailsec smime keys import FILE adds it to the key.",
        file=sys.stderr,
    )
    return 0


def _check_addresses(addresses: Sequence[str]) -> None:
    for address in addresses:
        if not plain_address(address) or not address.isprintable() or any(map(str.isspace, address)):
            raise UsageError(f"{address!r} is no e-mail address")


def _new_key(arguments: argparse.Namespace) -> PrivateKey:
    if arguments.kind == "rsa" and arguments.bits < 2048:
        raise UsageError(f"an RSA key of {arguments.bits} bits is too weak for mail: 2048 is the least")
    return PrivateKey.generate(arguments.kind, bits=arguments.bits, curve=arguments.curve)


def _import(arguments: argparse.Namespace, context: CommandContext) -> int:
    from mailsec.store.keys import read_limited

    _check_addresses(arguments.addresses)
    store, now = context.key_store, datetime.now(UTC)
    password = _FilePassword(arguments.file_password_command)
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


def _load(file: Path, octets: bytes, password: _FilePassword) -> Sequence[PrivateIdentity] | Sequence[Certificate]:
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


class _FilePassword:
    """The password of files that come or go, which is had once."""

    def __init__(self, command: str | None) -> None:
        self._command = command
        self._known: bytes | None = None

    def get(self, prompt: str, *, twice: bool = False) -> bytes:
        from mailsec.store.identities import password_from
        from mailsec.store.keys import ask_terminal

        if self._known is None:
            if self._command is not None:
                self._known = password_from(self._command)
            else:
                option = "--file-password-command"
                self._known = ask_terminal(prompt, option)
                if twice and ask_terminal("the same again", option) != self._known:
                    raise UsageError("the two passwords are not the same: nothing was done")
        return self._known


def _export(arguments: argparse.Namespace, context: CommandContext) -> int:
    store = context.key_store
    output: Path = arguments.output
    if output.exists() and not arguments.force:
        raise UsageError(f"{output} is there already and was left as it is; --force replaces it")
    key = _one_key(store, arguments.which)
    if arguments.certificates:
        if not key.certificates:
            raise UsageError("the key has no certificate yet")
        _write(output, b"".join(one.to_pem() for one in key.certificates), arguments)
        return 0
    if arguments.format == "pkcs12" and not key.certificates:
        raise UsageError("the key has no certificate yet, without which PKCS#12 cannot be: use --format pem")
    loaded = store.private_key(key.handle)
    password = _FilePassword(arguments.file_password_command).get("a password for the file", twice=True)
    if arguments.format == "pem":
        octets = loaded.key.to_pem(password) + b"".join(one.to_pem() for one in loaded.certificates)
    else:
        own, *issuers = loaded.certificates
        octets = Issued(own, loaded.key, tuple(issuers)).to_pkcs12(password, old=arguments.old)
    _write(output, octets, arguments)
    print(f"The key of {safe_text(', '.join(key.addresses))} is in {safe_text(str(output))}, encrypted.")
    return 0


def _write(path: Path, octets: bytes, arguments: argparse.Namespace) -> None:
    from mailsec.store.keys import write_private

    write_private(path, octets, replace=arguments.force)


def _remove(arguments: argparse.Namespace, context: CommandContext) -> int:
    store, now = context.key_store, datetime.now(UTC)
    keys = _keys_of(store, arguments.which)
    known = [
        one
        for one in store.known()
        if same_address(one.address, arguments.which) or _begins(one.certificate.fingerprint, arguments.which)
    ]
    if not keys and not known:
        raise UsageError(f"no key and no correspondent's certificate is kept under {arguments.which!r}")
    if len(keys) > 1:
        raise UsageError(_several(keys, arguments.which))
    for key in keys:
        print("Your key: " + "\n  ".join(describe_key(key, now)))
    for one in known:
        print(f"Known for {safe_text(one.address)}: " + "\n  ".join(describe_certificate(one.certificate, now)))
    question = "What was encrypted to this key can never be read again without a copy. " if keys else ""
    _confirm(f"{question}Forget it?", arguments.yes)
    for key in keys:
        store.remove_key(key.handle)
        for certificate in key.certificates[:1]:
            for address in key.addresses:
                store.distrust(certificate, address)
    for one in known:
        store.forget(one.certificate, one.address)
    print("Forgotten.")
    return 0


# -- trust ---------------------------------------------------------------------------------------------------


def _trust(arguments: argparse.Namespace, context: CommandContext) -> int:
    store, now = context.key_store, datetime.now(UTC)
    certificate = _certificate_to_trust(store, arguments.which)
    address: str = arguments.address or ""
    if not address and not arguments.anchor and not certificate.is_ca:
        addresses = [one for one in certificate.emails if plain_address(one)]
        if len(addresses) != 1:
            raise UsageError(
                "this is no authority's certificate: say with --for ADDRESS whom it stands for,"
                " or with --anchor that it is an authority all the same"
            )
        address = addresses[0]
    if address and not _names(certificate, address):
        raise UsageError(f"the certificate is not for {address!r}, so it can vouch for nothing there")
    print("\n  ".join(describe_certificate(certificate, now, whole=True)))
    if address:
        print(f"It would be trusted for {safe_text(address)} alone, and for nothing that it signs.")
    else:
        print("It would be trusted for whatever addresses it certifies.")
    if arguments.fingerprint is not None:
        if _digits(arguments.fingerprint) != certificate.fingerprint:
            raise UsageError("the fingerprint is another: nothing was done")
    else:
        _confirm(
            "Compare the fingerprint with what its owner tells you over another way than mail. Is it the same?",
            sure=False,
            instead="--fingerprint SHA256",
        )
    store.trust(certificate, address)
    if address:
        store.remember(address, certificate, "file", "trusted", now)
    print("Trusted.")
    return 0


def _certificate_to_trust(store: KeyStore, which: str) -> Certificate:
    from mailsec.store.keys import read_limited

    path = Path(which)
    if path.is_file():
        try:
            certificates = load_certificates(read_limited(path))
        except CertificateError as error:
            raise InputError(f"{path} holds no certificate to trust: {error}") from None
        if len(certificates) > 1:
            raise UsageError(f"{path} holds {len(certificates)} certificates: trust is given to one at a time")
        return certificates[0]
    certificates = tuple(_certificates_of(store, which))
    if not certificates:
        raise UsageError(f"{which!r} is neither a file nor a certificate that is known")
    if len(certificates) > 1:
        prints = ", ".join(one.fingerprint[:16] for one in certificates)
        raise UsageError(f"several certificates are known under {which!r}; name one by its fingerprint: {prints}")
    return certificates[0]


def _distrust(arguments: argparse.Namespace, context: CommandContext) -> int:
    store, now = context.key_store, datetime.now(UTC)
    which, only = arguments.which, arguments.address
    found = [
        one
        for one in store.decisions()
        if (same_address(one.address, which) or _begins(one.certificate.fingerprint, which))
        and (only is None or same_address(one.address, only))
    ]
    if not found:
        raise UsageError(f"nothing is trusted under {which!r}; mailsec smime keys list shows what is")
    for one in found:
        how = f"for {safe_text(one.address)} alone" if one.address else "as an authority"
        print(f"Trusted {how}: " + "\n  ".join(describe_certificate(one.certificate, now)))
    _confirm("Take it back?", arguments.yes)
    for one in found:
        store.distrust(one.certificate, one.address)
    print("Not trusted any more.")
    return 0


# -- the DNS -------------------------------------------------------------------------------------------------


async def _find(arguments: argparse.Namespace, context: CommandContext) -> int:
    from mailsec.net.smimea import find_smimea

    _check_addresses([arguments.address])
    address, store, now = arguments.address, context.key_store, datetime.now(UTC)
    found = await find_smimea(address, context.resolver)
    for trouble in found.troubles:
        print(f"mailsec: {safe_text(trouble)}", file=sys.stderr)
    kept = [one.certificate for one in store.known(address)]
    shown = 0
    for record in found.records:
        what = "an authority above the certificate" if record.names_issuer else "the certificate"
        also = ", which needs a path to an authority that you trust besides" if record.needs_path else ""
        try:
            whole = record.certificate()
        except CertificateError as error:
            print(f"mailsec: a record cannot be used: {safe_text(str(error))}", file=sys.stderr)
            continue
        matching = [whole] if whole is not None else [known for known in kept if record.matches(known)]
        if whole is not None and not record.names_issuer and arguments.keep:
            store.remember(address, whole, "smimea", found.answer.name, now)
        for certificate in matching:
            shown += 1
            if arguments.json:
                print(json.dumps({**certificate_json(certificate), "usage": record.usage}, ensure_ascii=False))
            else:
                print(f"The domain names {what}{also}:")
                print("  " + "\n  ".join(describe_certificate(certificate, now, whole=True)))
        if not matching and not arguments.json:
            print(f"The domain names {what} by a digest or key that no certificate known for the address has.")
    if not shown and not found.troubles:
        print(f"mailsec: the domain publishes no certificate for {safe_text(address)} that is known", file=sys.stderr)
    return 0 if shown else 1


# -- what is meant -------------------------------------------------------------------------------------------


def _digits(text: str) -> str:
    """A fingerprint, however it is written, as hexadecimal digits; empty where it is none."""
    digits = "".join(text.replace(":", " ").split()).lower()
    return digits if digits and all(one in "0123456789abcdef" for one in digits) else ""


def _begins(fingerprint: str, which: str) -> bool:
    digits = _digits(which)
    return len(digits) >= _SHORTEST and fingerprint.startswith(digits)


def _names(certificate: Certificate, address: str) -> bool:
    return any(same_address(address, one) for one in certificate.emails)


def _is_for(key: KeptKey, address: str) -> bool:
    return any(same_address(address, one) for one in key.addresses)


def _keys_of(store: KeyStore, which: str) -> list[KeptKey]:
    return [
        key
        for key in store.own_keys()
        if _is_for(key, which)
        or _begins(key.handle, which)
        or any(_begins(one.fingerprint, which) for one in key.certificates[:1])
    ]


def _one_key(store: KeyStore, which: str) -> KeptKey:
    keys = _keys_of(store, which)
    if not keys:
        raise UsageError(f"no key is kept under {which!r}; mailsec smime keys list shows what is")
    if len(keys) > 1:
        raise UsageError(_several(keys, which))
    return keys[0]


def _several(keys: Sequence[KeptKey], which: str) -> str:
    prints = ", ".join(
        f"{(key.certificates[0].fingerprint if key.certificates else key.handle)[:16]} ({key_kind(key.public_key)})"
        for key in keys
    )
    return f"several keys are kept under {which!r}; name one by its fingerprint: {prints}"


def _certificates_of(store: KeyStore, which: str) -> list[Certificate]:
    """All certificates that are kept and meant: of one's own, of those trusted, and of correspondents."""
    found = [key.certificates[0] for key in _keys_of(store, which) if key.certificates]
    kept = [(one.address, one.certificate) for one in store.decisions()]
    kept += [(one.address, one.certificate) for one in store.known()]
    found += [one for address, one in kept if same_address(address, which) or _begins(one.fingerprint, which)]
    return list(dict.fromkeys(found))


def _confirm(question: str, sure: bool, instead: str = "--yes") -> None:
    """Asks for a yes.

    Raises:
        UsageError: it was not given, or nobody can be asked.
    """
    if sure:
        return
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(f"nobody can be asked here, so nothing was done: confirm with {instead}")
    print(f"{question} [yes/no] ", end="", flush=True)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise UsageError("nothing was done")
