"""Opening what S/MIME protects: multipart/signed and application/pkcs7-mime (RFC 8551 section 3)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mailsec.crypto import PathFailure, Status, fetch_issuers
from mailsec.crypto.cms import (
    Content,
    ContentInfo,
    Decryption,
    Outcome,
    SignedData,
    SignerVerification,
    decompress_to,
    decrypt,
    decrypt_to,
    oids,
    parse_content_info,
    parse_enveloped_data,
    parse_receipt,
    parse_signed_data,
    verify_signer,
)
from mailsec.errors import (
    CMSError,
    DecryptionError,
    KeyFileError,
    LimitError,
    LockedError,
    NoRecipientError,
    UnsupportedError,
)
from mailsec.hooks import LOCK_FACT, LOCKED_KEY_FACT, AuthResult, Cause, Coverage, Evidence, Fact, Opened, Result
from mailsec.message.lines import crlf_pieces
from mailsec_smime.identity import author_header
from mailsec_smime.judging import judge, with_revocation
from mailsec_smime.paths import TrustedPaths, only_author
from mailsec_smime.spooling import IN_MEMORY, Piece, Spool, spooled
from mailsec_smime.telling import along_facts, encryption_facts, receipt_facts

if TYPE_CHECKING:
    from mailsec.crypto import Certificate
    from mailsec.crypto.cms import EnvelopedData
    from mailsec.hooks import KeyRing, OpenerContext
    from mailsec.message import HeaderSection, Part

_SIGNATURES = frozenset(("application/pkcs7-signature", "application/x-pkcs7-signature"))
_OPAQUE = frozenset(("application/pkcs7-mime", "application/x-pkcs7-mime"))
_MISNAMED = "application/octet-stream"
CONTENT_TYPES = ("multipart/signed", *sorted(_OPAQUE), _MISNAMED)
"""The content types that may be S/MIME; the last only under a telling file name (RFC 8551 section 3.2.1)."""

_SHARE = 0.5
"""The share of the time left that may be spent on fetching issuers' certificates."""

_ENCRYPTED = (oids.ENVELOPED_DATA, oids.AUTH_ENVELOPED_DATA)


def open_part(part: Part, context: OpenerContext) -> Opened | Awaitable[Opened] | None:
    """Opens one part; `None` where it is not S/MIME.

    Args:
        part: a part of one of `CONTENT_TYPES`.
        context: whose keys, trust, time and header section count.

    Returns:
        What was found, to be awaited where somebody must be asked whether certificates were revoked.
    """
    if part.content_type == "multipart/signed":
        return _open_clear(part, context)
    if part.content_type in _OPAQUE or _has_suffix(part, (".p7m", ".p7z")):
        return _open_opaque(part, context)
    return None


# -- multipart/signed (RFC 8551 section 3.5.3) ---------------------------------------------------------------


def _open_clear(part: Part, context: OpenerContext) -> Opened | Awaitable[Opened] | None:
    protocol = part.media.params.get("protocol", "").strip().lower()
    children = part.children
    if protocol not in _SIGNATURES and (protocol or not any(map(_is_signature, children[1:]))):
        return None  # OpenPGP, or something else
    if len(children) != 2:
        return _broken(part, f"a signed message has two parts, and this one {len(children)}")
    first, second = children
    if not _is_signature(second):
        return _broken(part, "the second part of the signed message is no signature")
    try:
        signed = parse_signed_data(spooled(second.content_pieces()))
    except CMSError as error:
        return _broken(second, f"the signature cannot be read: {error}")
    except LimitError as error:
        return _broken(second, f"the signature goes over a limit: {error}", Cause.LIMIT)
    if signed.content is not None:
        # Such a signature vouches for what it carries, and that is not what is shown.
        return _broken(second, "the signature carries a content of its own instead of signing the one beside it")
    if trouble := _trouble(signed):
        return _broken(second, *trouble)
    # Signed is the entity with CRLF as line ends, however it is stored here (RFC 8551 section 3.1.1). Programs
    # that sign binary content may have signed it with other line ends, and then just what is stored.
    entity = spooled(crlf_pieces(first.octets))
    verifications = verify_signers(signed, entity, context)
    if len(entity) != len(first.octets) and not _any_good(verifications):
        as_stored = verify_signers(signed, first.octets, context)
        if _any_good(as_stored):
            entity, verifications = first.octets, as_stored
    return judge_signers(signed, entity, verifications, second.path, context)


def _is_signature(part: Part) -> bool:
    return part.content_type in _SIGNATURES or _has_suffix(part, ".p7s")


# -- application/pkcs7-mime (RFC 8551 section 3.5.2) ---------------------------------------------------------


def _open_opaque(part: Part, context: OpenerContext) -> Opened | Awaitable[Opened] | None:
    try:
        info = parse_content_info(spooled(part.content_pieces()))
        if info.content_type in _ENCRYPTED:
            return _decrypted(part, info, context)
        if info.content_type == oids.COMPRESSED_DATA:
            return _decompressed(part, info)
        if info.content_type == oids.ENCRYPTED_DATA:
            return _not_opened(part, "encrypted", "it is encrypted to nobody (EncryptedData), which is not supported")
        if info.content_type != oids.SIGNED_DATA:
            return _broken(part, f"nothing is known of {info.type_name}", Cause.UNSUPPORTED)
        signed = parse_signed_data(info)
    except CMSError as error:
        if part.content_type == _MISNAMED:
            return None
        return _broken(part, f"the structure cannot be read: {error}")
    except LimitError as error:
        return _broken(part, f"the structure goes over a limit: {error}", Cause.LIMIT)
    if signed.content is None:
        if not signed.signers:
            return _not_opened(part, "signed", "only certificates are in it, and nothing is signed", Result.NONE)
        return _broken(part, "the signature's content is missing")
    if signed.content_type == oids.RECEIPT and signed.signers:
        return _receipt(part, signed, context)
    if trouble := _trouble(signed):
        sentence, cause = trouble
        inner = spooled(signed.content) if signed.content_type == oids.DATA else None
        return _broken(part, sentence, cause, inner)
    content = spooled(signed.content)
    return judge_signers(signed, content, verify_signers(signed, content, context), part.path, context)


def _decrypted(part: Part, info: ContentInfo, context: OpenerContext) -> Opened:
    """What is encrypted to the reader. That it could be decrypted vouches for nothing: anybody can encrypt."""
    facts: tuple[Evidence, ...] = ()
    try:
        enveloped = parse_enveloped_data(info)
        facts = tuple(encryption_facts(enveloped, None))
        content, decryption = decrypt_content(enveloped, context.keys)
    except DecryptionError:
        # The same whatever went wrong: who can send messages and see what comes of them learns nothing of a key.
        sentence = "it cannot be decrypted with your keys, or it was changed on its way"
        return _not_opened(part, "encrypted", sentence, evidence=facts)
    except NoRecipientError:
        return _not_opened(part, "encrypted", "it is not encrypted to any of your keys", evidence=facts)
    except LockedError as error:
        return _locked(part, error)
    except (UnsupportedError, KeyFileError, LimitError, CMSError) as error:
        return _not_opened(part, "encrypted", f"it cannot be decrypted: {error}", evidence=facts)
    if decryption.content_type != oids.DATA:
        return _not_opened(part, "encrypted", "what is encrypted is no mail content")
    reason = f"decrypted ({decryption.cipher})"
    if decryption.assessment.status is not Status.ACCEPTED:
        reason = f"{reason}; {decryption.assessment.sentence}"
    properties = {
        "body.smime-part": part.path or "1",
        "policy.encryption": "authenticated" if decryption.authenticated else "unauthenticated",
    }
    evidence = tuple(encryption_facts(enveloped, decryption))
    coverage = Coverage(ranges=((0, len(content)),) if len(content) else ())
    found = AuthResult("smime", Result.NONE, reason, None, properties, coverage, evidence)
    return Opened(content, "encrypted", (found,))


def decrypt_content(enveloped: EnvelopedData, keys: KeyRing) -> tuple[Piece, Decryption]:
    """Decrypts in memory, or into an unlinked file what is large; either gives nothing away before all of it holds.

    Args:
        enveloped: what to decrypt.
        keys: the private keys.

    Raises:
        InputError: as `mailsec.crypto.cms.decrypt`.
        StoreError: there is no room for a temporary file.
    """
    if sum(map(len, enveloped.pieces)) <= IN_MEMORY:
        return decrypt(enveloped, keys)
    spool = Spool()
    decryption = decrypt_to(enveloped, keys, spool.write)
    return spool.whole(), decryption


def _decompressed(part: Part, info: ContentInfo) -> Opened:
    spool = Spool()
    content_type = decompress_to(info, spool.write)
    if content_type != oids.DATA:
        return _not_opened(part, "compressed", "what is compressed is no mail content")
    found = AuthResult("smime", Result.NONE, "decompressed", properties={"body.smime-part": part.path or "1"})
    return Opened(spool.whole(), "compressed", (found,))


# -- both ----------------------------------------------------------------------------------------------------


def _trouble(signed: SignedData) -> tuple[str, Cause] | None:
    """Why a SignedData cannot be one over MIME content."""
    if not signed.signers:
        return "nobody has signed it: it holds no signature", Cause.SYNTAX
    if signed.content_type != oids.DATA:
        return "what is signed is no mail content", Cause.UNSUPPORTED
    return None


def verify_signers(signed: SignedData, entity: Piece, context: OpenerContext) -> tuple[SignerVerification, ...]:
    """Verifies all signatures over a content.

    Args:
        signed: the signatures.
        entity: the content, as it was signed.
        context: whose keys and anchors may be the signers' too.
    """
    content = Content((entity,))
    known = _known(context)
    return tuple(verify_signer(signer, signed, content, known) for signer in signed.signers)


def _known(context: OpenerContext) -> tuple[Certificate, ...]:
    """Certificates at hand besides those in the message: the anchors, and the user's own."""
    own = (certificate for identity in context.keys.identities() for certificate in identity.certificates)
    return (*context.trust.anchors(), *own)


def _any_good(verifications: Sequence[SignerVerification]) -> bool:
    return any(verification.outcome is Outcome.GOOD for verification in verifications)


@dataclass(frozen=True, slots=True)
class _Signature:
    """A SignedData over an entity, verified and still to be judged."""

    signed: SignedData
    entity: Piece
    verifications: tuple[SignerVerification, ...]
    part: str
    header: HeaderSection

    def paths(self, certificates: Sequence[Certificate], context: OpenerContext) -> TrustedPaths:
        """Finds paths among these certificates for the author."""
        return TrustedPaths(certificates, context.trust, only_author(self.header), context.moment.at)


def judge_signers(
    signed: SignedData,
    entity: Piece,
    verifications: tuple[SignerVerification, ...],
    part: str,
    context: OpenerContext,
) -> Opened | Awaitable[Opened]:
    """Judges signers by what came of their signatures, their certificates and whether these were revoked.

    Args:
        signed: the signatures.
        entity: the content.
        verifications: what came of the signatures.
        part: the section number of the part that holds them.
        context: whose trust, time and header section count.

    Returns:
        The content with a result for each; to be awaited where somebody must be asked.
    """
    signature = _Signature(signed, entity, verifications, part, author_header(entity, context))
    paths = signature.paths(signed.certificates, context)
    if context.fetch_issuers and (lacking := _lacking(verifications, paths)):
        return _with_issuers(signature, lacking, context)
    return _judged(signature, paths, context)


def _judged(signature: _Signature, paths: TrustedPaths, context: OpenerContext) -> Opened | Awaitable[Opened]:
    signed, part, header = signature.signed, signature.part, signature.header
    known, size = _known(context), len(signature.entity)
    results = [
        judge(one, signed, paths, part=part, size=size, header=header, known=known) for one in signature.verifications
    ]
    if along := tuple(along_facts(signed)):
        results[-1] = replace(results[-1], evidence=(*results[-1].evidence, *along))
    opened = Opened(signature.entity, "signed", tuple(results))
    return with_revocation(opened, signature.verifications, paths, signed.crls, context)


def _lacking(verifications: Sequence[SignerVerification], paths: TrustedPaths) -> list[Certificate]:
    """The certificates of signers that no path leads from, where one in the way says where its issuer is."""
    found = []
    for one in verifications:
        if one.outcome is Outcome.GOOD and one.certificate is not None:
            path = paths.validate(one.certificate)
            if path.failure is PathFailure.UNTRUSTED and not path.anchored and any(c.issuer_urls for c in path.path):
                found.append(one.certificate)
    return [*dict.fromkeys(found)]


async def _with_issuers(signature: _Signature, lacking: Sequence[Certificate], context: OpenerContext) -> Opened:
    """Judges with issuers' certificates that are fetched first (RFC 5280 section 4.2.2.1), as the user has asked."""
    certificates = [*signature.signed.certificates]
    anchors, at = context.trust.anchors(), context.moment.at
    with suppress(TimeoutError):
        async with asyncio.timeout(_SHARE * context.remaining()):
            for leaf in lacking:
                found, _ = await fetch_issuers(leaf, certificates, anchors, at, context.fetcher)
                certificates += found
    opened = _judged(signature, signature.paths(certificates, context), context)
    return opened if isinstance(opened, Opened) else await opened


def _receipt(part: Part, signed: SignedData, context: OpenerContext) -> Opened:
    """A signed receipt (RFC 2634 section 2.8): it says which message was received, and vouches for none that is shown.

    Whether it is about a message that was really sent can be found out only where that message is at hand.
    """
    properties = {"body.smime-part": part.path or "1"}
    try:
        receipt = parse_receipt(signed)
    except CMSError as error:
        return _broken(part, f"the receipt cannot be read: {error}")
    content = Content(signed.content or ()).octets()
    paths = TrustedPaths(signed.certificates, context.trust, only_author(context.header), context.moment.at)
    facts = tuple(receipt_facts(receipt))
    results = []
    for one in verify_signers(signed, content, context):
        found = judge(one, signed, paths, part=part.path, size=len(content), header=context.header)
        sentence = "it is a signed receipt for another message, and vouches for nothing in this one"
        if found.result is Result.PASS:
            found = replace(found, result=Result.NONE, reason=sentence)
        elif found.result is Result.POLICY:
            found = replace(found, result=Result.NONE, cause=None, reason=f"{sentence}; {found.reason}")
        properties = {**found.properties, **properties}
        results.append(replace(found, properties=properties, coverage=None, evidence=(*facts, *found.evidence)))
    return Opened(None, "signed", tuple(results))


def _broken(part: Part, sentence: str, cause: Cause = Cause.SYNTAX, octets: bytes | memoryview | None = None) -> Opened:
    properties = {"body.smime-part": part.path or "1"}
    return Opened(octets, "signed", (AuthResult("smime", Result.PERMERROR, sentence, cause, properties),))


def _not_opened(
    part: Part,
    reached: str,
    sentence: str,
    result: Result = Result.NEUTRAL,
    evidence: tuple[Evidence, ...] = (),
) -> Opened:
    properties = {"body.smime-part": part.path or "1"}
    found = AuthResult("smime", result, sentence, properties=properties, evidence=evidence)
    if reached == "encrypted":
        return Opened(None, "encrypted", (found,))
    return Opened(None, "signed" if reached == "signed" else "compressed", (found,))


def _locked(part: Part, error: LockedError) -> Opened:
    """What is encrypted to a key whose password or PIN nobody has given yet: it opens when somebody has."""
    evidence = [Fact(LOCK_FACT, error.secret), *([Fact(LOCKED_KEY_FACT, error.key)] if error.key else [])]
    properties = {"body.smime-part": part.path or "1"}
    sentence = f"it is encrypted, and {error}"
    found = AuthResult("smime", Result.NEUTRAL, sentence, Cause.LOCKED, properties, evidence=tuple(evidence))
    return Opened(None, "encrypted", (found,))


def _has_suffix(part: Part, suffix: str | tuple[str, ...]) -> bool:
    return part.content_type == _MISNAMED and (part.filename or "").lower().endswith(suffix)
