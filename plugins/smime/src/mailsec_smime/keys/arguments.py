"""The arguments of `mailsec smime keys`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailsec.store.keys.making import BITS, CURVE, DAYS, KINDS
from mailsec_smime.command import later

if TYPE_CHECKING:
    import argparse


def add_keys(actions: Any) -> None:
    """Adds `keys` with its own subcommands."""
    parser = actions.add_parser("keys", help="keys, trust and correspondents' certificates", allow_abbrev=False)
    verbs = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    def add(name: str, help_: str, module: str, function: str = "") -> argparse.ArgumentParser:
        child: argparse.ArgumentParser = verbs.add_parser(
            name, help=help_, description=help_[0].upper() + help_[1:] + ".", allow_abbrev=False
        )
        child.set_defaults(action=later(f"mailsec_smime.keys.{module}", function or name))
        return child

    child = add("list", "list keys, whom you trust, and correspondents' certificates", "looking", "list_all")
    child.add_argument("address", metavar="ADDRESS", nargs="?", help="only what concerns this address")
    child.add_argument("--json", action="store_true", help="print one JSON object a line")

    child = add("show", "show a key or a certificate", "looking")
    _add_which(child)
    child.add_argument("--json", action="store_true", help="print one JSON object a line")
    child.add_argument("--pem", action="store_true", help="print the certificates as PEM")

    child = add("make", "make a key with a certificate that it signs itself", "own")
    _add_new_key(child)
    child.add_argument(
        "--days", metavar="N", type=int, default=DAYS, help=f"how long it is to be valid (default {DAYS})"
    )
    _add_password(child, keep=True)

    child = add("request", "make a request for an authority, with a new key or one that is kept", "own")
    _add_new_key(child)
    child.add_argument("--key", metavar="WHICH", help="the kept key to use, by address or fingerprint")
    child.add_argument("--output", metavar="FILE", type=Path, help="write the request here, not to standard output")
    child.add_argument("--force", action="store_true", help="replace a file that is there")
    _add_password(child, keep=True)

    child = add(
        "import",
        "keep private keys, or certificates of your own keys and of correspondents",
        "importing",
        "import_files",
    )
    child.add_argument("files", metavar="FILE", type=Path, nargs="+", help="PEM, PKCS#12, DER or certs-only PKCS#7")
    child.add_argument(
        "--for", metavar="ADDRESS", action="append", default=[], dest="addresses", help="whose it is; may be repeated"
    )
    _add_file_password(child, "a command that prints the password of the files")
    _add_password(child, keep=True)

    child = add("export", "write a private key with its certificates to a file", "own")
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

    child = add("trust", "trust an authority, or one correspondent's certificate", "trusting")
    _add_which(child, "a file, or a certificate that is known, by address or fingerprint")
    group = child.add_mutually_exclusive_group()
    group.add_argument(
        "--for", metavar="ADDRESS", dest="address", help="trust it for this address alone, and nothing that it signs"
    )
    group.add_argument("--anchor", action="store_true", help="trust it as an authority, for whatever it certifies")
    child.add_argument(
        "--fingerprint", metavar="SHA256", help="the whole fingerprint, had from its owner: then nothing is asked"
    )

    child = add("distrust", "take such a decision back", "trusting")
    _add_which(child)
    child.add_argument("--for", metavar="ADDRESS", dest="address", help="only the decision for this address")
    _add_yes(child)

    child = add("remove", "forget a private key, or a correspondent's certificate", "own")
    _add_which(child)
    _add_yes(child)

    child = add("password", "change the password of all private keys", "own")
    child.add_argument("--new-password-command", metavar="CMD", help="a command that prints the new password")
    _add_password(child)

    child = add("find", "look up in the DNS the certificates of a correspondent (SMIMEA)", "looking")
    child.add_argument("address", metavar="ADDRESS", help="whose")
    child.add_argument("--import", action="store_true", dest="keep", help="keep them as that correspondent's")
    child.add_argument("--json", action="store_true", help="print one JSON object a line")


def _add_which(parser: argparse.ArgumentParser, help_: str = "an address, or a fingerprint or its beginning") -> None:
    parser.add_argument("which", metavar="WHICH", help=help_)


def _add_new_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("addresses", metavar="ADDRESS", nargs="+", help="the addresses it is for")
    parser.add_argument("--kind", choices=KINDS, default="rsa", help="the kind of key (default rsa)")
    parser.add_argument("--bits", metavar="N", type=int, default=BITS, help=f"the size of an RSA key (default {BITS})")
    parser.add_argument("--curve", metavar="NAME", default=CURVE, help=f"the curve of an EC key (default {CURVE})")
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
