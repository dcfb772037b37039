"""`sign` and `encrypt`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from mailsec.crypto.cms import LIMITS
from mailsec.errors import UsageError
from mailsec.hooks import Form, Protection
from mailsec.message import mailboxes, parse, plain_address, safe_text, same_address
from mailsec.store.keys.making import check_addresses
from mailsec_smime.commands.contexts import WatchedKeys, own_context
from mailsec_smime.commands.reading import read_input
from mailsec_smime.commands.writing import Output, pem
from mailsec_smime.encrypting import enveloped_data
from mailsec_smime.keys.chosen import begins
from mailsec_smime.protecting import protect_pieces
from mailsec_smime.signing import find_signer, signed_data
from mailsec_smime.spooling import Piece, spooled

if TYPE_CHECKING:
    import argparse

    from mailsec.hooks import CommandContext, Identity
    from mailsec.message import Message
    from mailsec_smime.commands.contexts import OwnContext

_RECIPIENTS: Final = ("to", "cc", "bcc")
_BLIND: Final = frozenset({"bcc", "resent-bcc"})


def sign(arguments: argparse.Namespace, context: CommandContext) -> int:
    """`sign`: a message in the name of its author, or with `--cms` a file."""
    _check_cms(arguments, detached=arguments.detached)
    output = _output(arguments)
    if arguments.cms:
        own, author = _own(arguments.who, context)
        content = (read_input(arguments.file),)
        signed = signed_data(content, find_signer(author, own), own, detached=arguments.detached)
        output.write(pem(signed) if arguments.pem else signed)
        return 0
    message = parse(read_input(arguments.file))
    form = None if arguments.opaque is None else Form.OPAQUE if arguments.opaque else Form.CLEAR
    own, author = _author(message, arguments.who, context)
    protection = Protection(sign=True, form=form, author=author, header_protection=arguments.header_protection)
    output.write(protect_pieces(message, protection, own))
    return 0


def encrypt(arguments: argparse.Namespace, context: CommandContext) -> int:
    """`encrypt`: a message to its recipients and its author, or with `--cms` a file to those that are named."""
    _check_cms(arguments)
    check_addresses(arguments.to)
    output = _output(arguments)
    if arguments.cms:
        if arguments.sign:
            raise UsageError(
                "sign the file first, then encrypt what comes of it: smime sign --cms | smime encrypt --cms"
            )
        if not arguments.to:
            raise UsageError("a file names nobody to encrypt to: say with --to ADDRESS who is to read it")
        own, author = _own(arguments.who, context, needed=False)
        readers = _each_once([*arguments.to, author] if author else arguments.to)
        _, pieces = enveloped_data((read_input(arguments.file),), readers, own)
        encrypted = (spooled(pieces),)
        output.write(pem(encrypted) if arguments.pem else encrypted)
        return 0
    message = parse(read_input(arguments.file))
    recipients = arguments.to or _recipients(message)
    own, author = _author(message, arguments.who, context)
    protection = Protection(
        sign=arguments.sign,
        encrypt=True,
        author=author,
        recipients=tuple(recipients),
        header_protection=arguments.header_protection,
    )
    output.write(protect_pieces(_without_blind(message), protection, own))
    return 0


def _check_cms(arguments: argparse.Namespace, *, detached: bool = False) -> None:
    """Refuses options that go with files where a message is meant."""
    if not arguments.cms and (arguments.pem or detached):
        option = "--pem" if arguments.pem else "--detached"
        raise UsageError(f"{option} goes with --cms, which is for files and not for messages")


def _output(arguments: argparse.Namespace) -> Output:
    binary = arguments.cms and not arguments.pem
    return Output(arguments.output or "-", force=arguments.force, binary=binary)


# -- in whose name -------------------------------------------------------------------------------------------


def _author(message: Message, who: str | None, context: CommandContext) -> tuple[OwnContext, str]:
    """In whose name a message is protected, and the context for it; the author's own where the name is empty."""
    if who is None:
        if not message.authors:
            raise UsageError("this is no message with an author in From; to take it as a file, give --cms")
        return own_context(context), ""
    own, address = _own(who, context)
    if not any(same_address(address, author.address) for author in message.authors):
        authors = ", ".join(author.address for author in message.authors) or "nobody"
        print(
            f"mailsec: the message is from {safe_text(authors)}, and {safe_text(address)} vouches for it:"
            " its readers will be warned",
            file=sys.stderr,
        )
    return own, address


def _own(who: str | None, context: CommandContext, *, needed: bool = True) -> tuple[OwnContext, str]:
    """The key that is meant by an address or a fingerprint, alone in a context, and its address.

    Where nothing is said, it is that of the only address that there are keys for.
    """
    identities = [one for one in context.keys.identities() if one.certificates]
    if who is None:
        addresses = _each_once([one.name for one in identities])
        if len(addresses) == 1 or not needed:
            chosen = addresses[0] if len(addresses) == 1 else ""
            return own_context(context), chosen
        if addresses:
            raise UsageError(f"say with --as in whose name: there are keys for {', '.join(addresses[:20])}")
        raise UsageError("there is no key to sign with: mailsec smime keys make makes one")
    if plain_address(who) and "@" in who:
        return own_context(context), who
    found = [one for one in identities if begins(one.certificates[0].fingerprint, who)]
    if not found:
        raise UsageError(f"there is no key under {who!r}; mailsec smime keys list shows what there is")
    if len({one.certificates[0] for one in found}) > 1:
        raise UsageError(f"several keys begin with {who!r}: give more of the fingerprint")
    return own_context(context, keys=WatchedKeys(context.keys, found)), _address(found)


def _address(identities: Sequence[Identity]) -> str:
    """The address that a key is for: one that its certificate has too, where it can be."""
    certificate = identities[0].certificates[0]
    names = [one.name for one in identities]
    return next((name for name in names if any(same_address(name, email) for email in certificate.emails)), names[0])


# -- to whom -------------------------------------------------------------------------------------------------


def _recipients(message: Message) -> list[str]:
    """The addresses in To, Cc and Bcc.

    Raises:
        UsageError: there are none, or one that nobody can be encrypted to.
    """
    found = [one for name in _RECIPIENTS for one in mailboxes(message.addresses(name))]
    if broken := [one.address for one in found if not one.valid]:
        raise UsageError(f"the message names a recipient that is no e-mail address: {', '.join(broken[:20])}")
    if not found:
        raise UsageError("the message names nobody in To, Cc or Bcc: say with --to ADDRESS who is to read it")
    if len(found) > LIMITS.recipients:
        raise UsageError(f"the message names {len(found)} recipients; it can be encrypted to {LIMITS.recipients}")
    return _each_once([one.address for one in found])


def _each_once(addresses: Iterable[str]) -> list[str]:
    found: list[str] = []
    for address in addresses:
        if not any(same_address(address, one) for one in found):
            found.append(address)
    return found


def _without_blind(message: Message) -> Message:
    """The message without Bcc: those who read it are not to learn of each other there (RFC 5322 section 3.6.3)."""
    if not any(field.key in _BLIND for field in message.header):
        return message
    octets = message.octets
    head: list[Piece] = [field.raw for field in message.header if field.key not in _BLIND]
    return parse(spooled((*head, b"\r\n", octets[len(octets) - len(message.body) :])))
