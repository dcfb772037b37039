"""CMS files: whose signature one has, and what is encrypted in one."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailsec.crypto.cms import (
    ContentInfo,
    SignerVerification,
    oids,
    parse_content_info,
    parse_enveloped_data,
    parse_signed_data,
)
from mailsec.errors import (
    CMSError,
    DecryptionError,
    InputError,
    KeyFileError,
    LimitError,
    NoRecipientError,
    UsageError,
)
from mailsec.hooks import Result
from mailsec.message import plain_address, safe_text
from mailsec_smime.commands.contexts import own_context
from mailsec_smime.opening import decrypt_content, judge_signers, verify_signers
from mailsec_smime.spooling import Piece, spooled

if TYPE_CHECKING:
    from mailsec.crypto.cms import SignedData
    from mailsec.hooks import AuthResult, CommandContext

_ENCRYPTED = (oids.ENVELOPED_DATA, oids.AUTH_ENVELOPED_DATA)
_ADDRESS = "body.smime-identifier"


@dataclass(frozen=True, slots=True)
class FileFound:
    """What came of a file.

    Attributes:
        good: whether all is as it should be.
        sentences: what there is to say, safe to show.
        content: what is in it; nothing unless it is good.
        temporary: whether trouble that may pass has left it open.
    """

    good: bool
    sentences: tuple[str, ...]
    content: Piece = field(default=b"", repr=False)
    temporary: bool = False


def _not(sentence: str) -> FileFound:
    return FileFound(good=False, sentences=(safe_text(sentence),))


def _read(octets: Piece) -> ContentInfo | FileFound:
    try:
        return parse_content_info(octets)
    except LimitError as error:
        return _not(f"The file goes over a limit: {error}.")
    except CMSError as error:
        return _not(f"The file cannot be read as CMS: {error}.")


async def verify_file(
    octets: Piece,
    detached: Piece | None,
    author: str | None,
    context: CommandContext,
    *,
    fetch_issuers: bool = False,
) -> FileFound:
    """Verifies the signatures of a file.

    Args:
        octets: a CMS structure.
        detached: the content, where the structure has only the signature.
        author: whose signature it must be; anybody's whose certificate is trusted if `None`.
        context: the command's.
        fetch_issuers: whether issuers' certificates are fetched which did not come along.

    Raises:
        UsageError: the content is missing, or there twice.
    """
    info = _read(octets)
    if isinstance(info, FileFound):
        return info
    if info.content_type in _ENCRYPTED:
        return _not("The file is encrypted: decrypt it first (mailsec smime decrypt).")
    try:
        signed = parse_signed_data(info)
    except LimitError as error:
        return _not(f"The signature goes over a limit: {error}.")
    except CMSError as error:
        return _not(f"The signature cannot be read: {error}.")
    if not signed.signers:
        return _not("Nobody has signed it: it holds certificates at most.")
    if signed.content is None and detached is None:
        raise UsageError("the signature is detached: name with --content FILE what it is for")
    if signed.content is not None and detached is not None:
        raise UsageError("the signature carries its content, so that --content has no place")
    content = spooled(signed.content) if signed.content is not None else detached
    assert content is not None
    results = [one async for one in _results(signed, content, author, context, fetch_issuers)]
    good = all(one.result is Result.PASS for one in results)
    temporary = not good and any(one.result is Result.TEMPERROR for one in results)
    return FileFound(good, tuple(map(_sentence, results)), content if good else b"", temporary)


async def _results(
    signed: SignedData, content: Piece, author: str | None, context: CommandContext, fetch_issuers: bool
) -> AsyncIterator[AuthResult]:
    """A result for each signer. Where nobody says whose signature it must be, each is held to its own certificate."""
    for verification in verify_signers(signed, content, own_context(context)):
        own = own_context(context, author=author or _signer(verification), fetch_issuers=fetch_issuers)
        opened = judge_signers(signed, content, (verification,), "", own)
        for result in (await opened if inspect.isawaitable(opened) else opened).results:
            yield result


def _signer(verification: SignerVerification) -> str:
    """An address of a signer's certificate; nobody's where it has none, which is then what is wrong."""
    emails = () if verification.certificate is None else verification.certificate.emails
    return next(
        (one for one in emails if plain_address(one) and one.isprintable() and ">" not in one), "nobody@invalid"
    )


def _sentence(result: AuthResult) -> str:
    """A signature in a sentence."""
    who = f" of {result.properties[_ADDRESS]}" if result.properties.get(_ADDRESS) else ""
    if result.result is Result.PASS:
        note = f" ({result.reason})" if result.reason else ""
        return safe_text(f"verified: The signature{who} is good and is for the whole content{note}.")
    if result.result is Result.POLICY:
        return safe_text(f"warning: The signature{who} is right, but it does not count: {result.reason}.")
    return safe_text(f"failed: The signature{who} is wrong: {result.reason}.")


def decrypt_file(octets: Piece, context: CommandContext) -> FileFound:
    """Decrypts a file.

    Args:
        octets: a CMS structure.
        context: the command's.

    Raises:
        KeyFileError: a key cannot be used, as where its password is wrong.
        UsageError: the password cannot be had.
    """
    info = _read(octets)
    if isinstance(info, FileFound):
        return info
    if info.content_type not in _ENCRYPTED:
        return _not(f"The file is not encrypted: it is {info.type_name}.")
    try:
        content, decryption = decrypt_content(parse_enveloped_data(info), context.keys)
    except DecryptionError:
        # The same whatever went wrong: who can have files decrypted and see what comes of it learns nothing of a key.
        return _not("The file was not decrypted: it cannot be decrypted with your keys, or it was changed on its way.")
    except NoRecipientError:
        return _not("The file was not decrypted: it is not encrypted to any of your keys.")
    except KeyFileError:
        raise
    except LimitError as error:
        return _not(f"The file goes over a limit: {error}.")
    except InputError as error:
        return _not(f"The file cannot be decrypted: {error}.")
    whose = "" if decryption.identity is None else f" with the key of {decryption.identity.name}"
    sentences = [f"decrypted ({decryption.cipher}){whose}"]
    if not decryption.authenticated:
        sentences.append("It was encrypted in a way that does not show changes, and anybody may have put it together.")
    return FileFound(good=True, sentences=tuple(map(safe_text, sentences)), content=content)
