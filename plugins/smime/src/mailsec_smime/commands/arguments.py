"""The arguments of the commands."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mailsec_smime.command import later

if TYPE_CHECKING:
    import argparse

_STATUS: Final = "Exit status: 0 done, 2 not done (nothing is written then)."
_VERIFY: Final = (
    "Exit status: 0 the author signed all of it and you trust the certificate; 1 that is not so; 2 wrong usage, or what"
    " is needed cannot be read; 3 temporary trouble, try later. Nothing is written unless it is 0."
)
_DECRYPT: Final = (
    "Exit status: 0 decrypted, and nothing that was signed inside is broken; 1 that is not so; 2 wrong usage, or what"
    " is needed cannot be read; 3 temporary trouble, try later. Nothing is written unless it is 0."
)


def add_commands(actions: Any) -> None:
    """Adds `sign`, `verify`, `encrypt` and `decrypt`."""
    homes = {"sign": "protecting", "encrypt": "protecting", "verify": "opening", "decrypt": "opening"}

    def add(name: str, help_: str, text: str, epilog: str) -> argparse.ArgumentParser:
        child: argparse.ArgumentParser = actions.add_parser(
            name, help=help_, description=text, epilog=epilog, allow_abbrev=False
        )
        child.add_argument(
            "file", metavar="FILE", nargs="?", default="-", help="what to read (default: standard input)"
        )
        child.set_defaults(action=later(f"mailsec_smime.commands.{homes[name]}", name))
        return child

    child = add(
        "sign",
        "sign a message or a file",
        "Signs a whole message in the name of its author and writes the signed message: readable beside the signature"
        " (multipart/signed), unless --opaque or the settings say otherwise. With --cms, signs any file.",
        _STATUS,
    )
    _add_as(child)
    forms = child.add_mutually_exclusive_group()
    forms.add_argument(
        "--opaque", action="store_true", default=None, help="put the content inside the signature (pkcs7-mime)"
    )
    forms.add_argument("--clear", dest="opaque", action="store_false", help="leave it readable beside the signature")
    _add_header_protection(child)
    _add_cms(child, "a file of any kind comes in, and a CMS structure (.p7m) goes out")
    child.add_argument("--detached", action="store_true", help="with --cms, the signature alone (.p7s)")
    _add_output(child, "the signed message here")
    _add_judging(child)

    child = add(
        "verify",
        "verify a signed message or file, and give its content",
        "Verifies a signed message, or a signed file (CMS, in DER or PEM), and says whose signature it is. What is"
        " encrypted on the way to the signature is decrypted. --output gives the content, octet for octet as it was"
        " signed, once all of it is verified.",
        _VERIFY,
    )
    child.add_argument("--content", metavar="FILE", type=Path, help="what a detached signature of a file is for")
    child.add_argument(
        "--from", metavar="ADDRESS", dest="author", help="who must have signed the file; of a message its author must"
    )
    child.add_argument(
        "--fetch-issuers",
        action="store_true",
        help="fetch issuers' certificates that did not come along, from where the certificates say",
    )
    child.add_argument("--json", action="store_true", help="print the whole report on a message as one JSON object")
    _add_whole(child)
    _add_output(child, "the verified content here, - for standard output")
    _add_judging(child)

    child = add(
        "encrypt",
        "encrypt a message or a file",
        "Encrypts a whole message to its recipients (To, Cc and Bcc) and to its author, and writes the encrypted"
        " message, without Bcc. With --cms, encrypts any file to those that --to names. Nothing is encrypted unless"
        " there is a certificate for everybody.",
        _STATUS,
    )
    child.add_argument(
        "--to", metavar="ADDRESS", action="append", default=[], help="encrypt to this recipient; may be repeated"
    )
    _add_as(child)
    child.add_argument("--sign", action="store_true", help="sign the message first, inside the encryption")
    _add_header_protection(child)
    _add_cms(child, "a file of any kind comes in, and a CMS structure (.p7m) goes out")
    _add_output(child, "the encrypted message here")
    _add_judging(child)

    child = add(
        "decrypt",
        "decrypt a message or file, and verify what is signed inside",
        "Decrypts a message, or an encrypted file (CMS, in DER or PEM), and gives the content octet for octet. In a"
        " message whatever is signed or encrypted inside each other is opened in turn, and reported on standard error.",
        _DECRYPT,
    )
    _add_whole(child)
    _add_output(child, "the content here")
    _add_judging(child)


def _add_as(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--as", metavar="WHICH", dest="who", help="in whose name, by address or fingerprint (default: the From field)"
    )


def _add_header_protection(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--no-header-protection",
        dest="header_protection",
        action="store_false",
        help="do not protect Subject, To and the other header fields with the content (RFC 9788)",
    )


def _add_cms(parser: argparse.ArgumentParser, help_: str) -> None:
    parser.add_argument("--cms", action="store_true", help=help_)
    parser.add_argument("--pem", action="store_true", help="with --cms, write PEM and not DER")


def _add_whole(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--message",
        action="store_true",
        help="write a whole message: the outer header fields before the content where it brings none of its own",
    )


def _add_output(parser: argparse.ArgumentParser, help_: str) -> None:
    parser.add_argument("--output", metavar="FILE", help=f"write {help_}, whole or not at all")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")


def _add_judging(parser: argparse.ArgumentParser) -> None:
    from mailsec.cli.options import add_judging

    add_judging(parser)
