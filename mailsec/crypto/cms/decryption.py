"""Decrypting an EnvelopedData or AuthEnvelopedData.

There are two outcomes: the content, whole and checked, or one error, `DecryptionError`, for everything that depends
on a private key. A key that does not unwrap is replaced by another and the content decrypted with it all the same
(RFC 3218 section 2.3), so that neither the answer nor the way to it tells where it went wrong. By RSA the other key
is always the same for the same message (`mailsec.crypto.rejection`), so that asking again tells nothing either.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailsec.crypto import names
from mailsec.crypto.algorithms import (
    Assessment,
    assess_content_encryption,
    assess_key,
    assess_key_transport,
    worst,
)
from mailsec.crypto.cms import encode, oids, wraps
from mailsec.crypto.cms.ciphers import CIPHERS, ContentEncryption, Write
from mailsec.crypto.cms.enveloped import EnvelopedData
from mailsec.crypto.cms.recipients import (
    KEKRecipientInfo,
    KEMRecipientInfo,
    KeyAgreeRecipientInfo,
    KeyTransRecipientInfo,
    OriginatorPublicKey,
    PasswordRecipientInfo,
    RecipientIdentifier,
    RecipientInfo,
    oaep_parameters,
)
from mailsec.crypto.cms.secrets import Password, Secret, SharedKey
from mailsec.crypto.cms.signed import AlgorithmIdentifier, SubjectKeyIdentifier
from mailsec.crypto.cms.tlv import BIT_STRING, OCTET_STRING, read
from mailsec.crypto.keys import PublicKey
from mailsec.crypto.schemes import DIGEST_OIDS
from mailsec.crypto.transport import RSAES_PKCS1, KeyTransport
from mailsec.errors import (
    CMSError,
    DecryptionError,
    KeyFileError,
    LimitError,
    LockedError,
    NoRecipientError,
    UnsupportedError,
    UsageError,
)

if TYPE_CHECKING:
    from mailsec.crypto import Certificate
    from mailsec.hooks import Identity, KeyRing

# Gives the content-encryption key, or `None` where it does not unwrap; the argument is its size.
_Unlock = Callable[[int], bytes | None]


@dataclass(frozen=True, slots=True)
class Decryption:
    """What came of decrypting, beside the content.

    Attributes:
        content_type: the type of the content, dotted.
        cipher: the name of the cipher, such as `"aes256-gcm"`.
        authenticated: whether a change of the encrypted content would have been noticed. If not, whoever had it in
            hand can have put together what was decrypted: do not show it as what the sender wrote, and let nothing
            in it cause a fetch (EFAIL, RFC 8551 section 6).
        recipient: which of the recipients it was decrypted as, counted from 0.
        identity: whose key it was; `None` for a shared key or password.
        size: the octets of the content.
        assessment: what the algorithm policy says of cipher and key, the worst of all.
    """

    content_type: str
    cipher: str
    authenticated: bool
    recipient: int
    identity: Identity | None
    size: int
    assessment: Assessment


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A key that can be tried."""

    recipient: int
    identity: Identity | None
    unlock: _Unlock
    transport: KeyTransport | None = None


def decrypt(
    enveloped: EnvelopedData,
    keys: KeyRing,
    *,
    identities: Sequence[Identity] | None = None,
    secrets: Sequence[Secret] = (),
) -> tuple[memoryview, Decryption]:
    """Decrypts a whole content in memory.

    Args:
        enveloped: what to decrypt.
        keys: the key ring with the private keys.
        identities: whose keys to try; all of the ring by default.
        secrets: shared keys and passwords to try.

    Returns:
        The content, read-only, and what there is to say about it.

    Raises:
        NoRecipientError: none of the keys is among the recipients.
        UnsupportedError: the content is encrypted, or its key for us, in a way that we do not know.
        CMSError: what is visible without a key is malformed.
        LimitError: too many of the recipients are ours, or a password is hashed too often.
        KeyFileError: the key ring cannot use its keys.
        DecryptionError: none of the keys decrypts it, or it was changed.
    """
    encryption = enveloped.encryption
    for candidate, key, holds in _keys(enveloped, encryption, keys, identities, secrets):
        content = encryption.decrypt(key, enveloped.pieces, enveloped.aad, enveloped.tag)
        if content is not None and holds:
            return content, _result(enveloped, encryption, candidate, len(content))
    raise _failed()


def decrypt_to(
    enveloped: EnvelopedData,
    keys: KeyRing,
    write: Write,
    *,
    identities: Sequence[Identity] | None = None,
    secrets: Sequence[Secret] = (),
) -> Decryption:
    """Decrypts a content in pieces, for contents that are not to be held in memory.

    The content is decrypted twice: once to see that it holds, then to give it away, so that a change is noticed
    before an octet is written. Ciphers that take no pieces (CCM, ChaCha20-Poly1305) hold it in memory.

    Args:
        enveloped: what to decrypt; its octets can be those of a mapped file.
        keys: the key ring with the private keys.
        write: takes the pieces in order; each is valid only until it returns.
        identities: whose keys to try; all of the ring by default.
        secrets: shared keys and passwords to try.

    Raises:
        NoRecipientError: none of the keys is among the recipients.
        UnsupportedError: the content is encrypted, or its key for us, in a way that we do not know.
        CMSError: what is visible without a key is malformed.
        LimitError: too many of the recipients are ours, or a password is hashed too often.
        KeyFileError: the key ring cannot use its keys.
        DecryptionError: none of the keys decrypts it, or it was changed. Should octets have been written, because
            the file changed meanwhile, throw them away.
    """
    encryption = enveloped.encryption
    for candidate, key, holds in _keys(enveloped, encryption, keys, identities, secrets):
        target = write if holds else _nowhere
        size = encryption.decrypt_to(key, enveloped.pieces, enveloped.aad, enveloped.tag, target)
        if size is not None and holds:
            return _result(enveloped, encryption, candidate, size)
    raise _failed()


def find_recipients(enveloped: EnvelopedData, identities: Sequence[Identity]) -> tuple[Identity, ...]:
    """The identities whose certificates are among the recipients, each once; no private key is used."""
    found = [
        identity
        for recipient in enveloped.recipients
        for rid in _identifiers(recipient)
        for identity in identities
        if _is_meant(rid, identity)
    ]
    return tuple(dict.fromkeys(found))


def _nowhere(piece: memoryview) -> None:
    """Takes what was decrypted with a key that is known to be wrong."""


def _failed() -> DecryptionError:
    return DecryptionError("the message cannot be decrypted with the keys at hand, or it was changed on its way")


def _result(enveloped: EnvelopedData, encryption: ContentEncryption, candidate: _Candidate, size: int) -> Decryption:
    judged = assess_content_encryption(encryption.cipher.name)
    if candidate.identity is not None:
        key = candidate.identity.certificates[0].public_key
        judged = worst(judged, assess_key(key, use="encryption"))
    if candidate.transport is not None:
        judged = worst(judged, assess_key_transport(candidate.transport))
    return Decryption(
        enveloped.content_type,
        encryption.cipher.name,
        enveloped.authenticated,
        candidate.recipient,
        candidate.identity,
        size,
        judged,
    )


# -- which keys to try ---------------------------------------------------------------------------------------


def _keys(
    enveloped: EnvelopedData,
    encryption: ContentEncryption,
    keys: KeyRing,
    identities: Sequence[Identity] | None,
    secrets: Sequence[Secret],
) -> Iterator[tuple[_Candidate, bytes, bool]]:
    """The content-encryption keys to try: each with its origin, and whether it may be the right one."""
    size = encryption.cipher.key_octets
    mine = keys.identities() if identities is None else identities
    trouble: KeyFileError | None = None
    tried = False
    for candidate in _candidates(enveloped, keys, mine, secrets):
        instead = os.urandom(size)
        try:
            found = candidate.unlock(size)
        except KeyFileError as error:
            # of the ring, such as a token that was taken out; the message has no part in it
            trouble = trouble if isinstance(trouble, LockedError) else error
            continue
        tried = True
        holds = found is not None and len(found) == size
        yield candidate, found if found is not None and holds else instead, holds
    if trouble is not None and not tried:
        raise trouble


def _candidates(
    enveloped: EnvelopedData, keys: KeyRing, identities: Sequence[Identity], secrets: Sequence[Secret]
) -> list[_Candidate]:
    found: list[_Candidate] = []
    unsupported: UnsupportedError | None = None
    limits = enveloped.limits
    seen: set[tuple[int, str, int]] = set()
    iterations = limits.iterations
    for index, recipient in enumerate(enveloped.recipients):
        for position, rid in enumerate(_identifiers(recipient)):
            for identity in identities:
                # One key can be there under several names.
                once = (index, identity.handle, position)
                if once in seen or not _is_meant(rid, identity):
                    continue
                seen.add(once)
                try:
                    found.append(_private(index, recipient, position, identity, keys))
                except UnsupportedError as error:
                    unsupported = error
        for secret in secrets:
            try:
                if isinstance(secret, SharedKey) and isinstance(recipient, KEKRecipientInfo):
                    if secret.identifier == recipient.identifier:
                        found.append(_Candidate(index, None, _shared(recipient, secret)))
                elif isinstance(secret, Password) and isinstance(recipient, PasswordRecipientInfo):
                    unlock, cost = _password(recipient, secret, iterations)
                    iterations -= cost
                    found.append(_Candidate(index, None, unlock))
            except UnsupportedError as error:
                unsupported = error
        if len(found) > limits.trials:
            raise LimitError(f"more than {limits.trials} of the recipients are for the keys at hand")
    if not found and unsupported is not None:
        raise unsupported
    if not found:
        raise NoRecipientError("the message is encrypted, and none of the keys at hand is among its recipients")
    return found


def _identifiers(recipient: RecipientInfo) -> tuple[RecipientIdentifier, ...]:
    """The certificates that a recipient info is for."""
    if isinstance(recipient, KeyTransRecipientInfo | KEMRecipientInfo):
        return (recipient.rid,)
    if isinstance(recipient, KeyAgreeRecipientInfo):
        return tuple(rid for rid, _ in recipient.encrypted_keys)
    return ()


def _is_meant(rid: RecipientIdentifier, identity: Identity) -> bool:
    """Whether an identifier means the certificate of an identity (RFC 5652 section 6.2.1)."""
    if not identity.certificates:
        return False
    own: Certificate = identity.certificates[0]
    if isinstance(rid, SubjectKeyIdentifier):
        return own.key_identifier == rid.octets
    # Some senders write the issuer's name with other string types than the certificate has.
    return own.serial == rid.serial and (own.issuer_der == rid.issuer or own.issuer_key == names.canonical(rid.issuer))


# -- how each kind of key gives the content-encryption key ---------------------------------------------------


def _private(index: int, recipient: RecipientInfo, position: int, identity: Identity, keys: KeyRing) -> _Candidate:
    """The private key of an identity, as it can be tried.

    Raises:
        UnsupportedError: not in a way that we know.
    """
    if isinstance(recipient, KeyTransRecipientInfo):
        scheme = read_transport(recipient.algorithm)
        return _Candidate(index, identity, _transported(recipient, scheme, identity, keys), scheme)
    if isinstance(recipient, KeyAgreeRecipientInfo):
        wrapped = recipient.encrypted_keys[position][1]
        return _Candidate(index, identity, _agreed(recipient, wrapped, identity, keys))
    assert isinstance(recipient, KEMRecipientInfo)
    return _Candidate(index, identity, _encapsulated(recipient, identity, keys))


def _transported(recipient: KeyTransRecipientInfo, scheme: KeyTransport, identity: Identity, keys: KeyRing) -> _Unlock:
    if identity.key_type != "rsa":
        raise UnsupportedError(
            f"the key is encrypted by RSA, which a key of the kind {identity.key_type} cannot decrypt"
        )
    return lambda size: keys.decrypt_key(identity, scheme, recipient.encrypted_key, size)


def read_transport(algorithm: AlgorithmIdentifier) -> KeyTransport:
    """How a key is encrypted with an RSA key (RFC 3370 section 4.2.1, RFC 4055 section 4.1).

    Raises:
        UnsupportedError: in a way that we do not know.
        CMSError: the parameters are malformed.
    """
    if algorithm.oid == oids.RSA:
        return RSAES_PKCS1
    if algorithm.oid != oids.RSAES_OAEP:
        raise UnsupportedError(
            f"the content-encryption key is encrypted by an algorithm that is not known: {algorithm.oid}"
        )
    digest, mask, source = oaep_parameters(read(algorithm.parameters or encode.sequence()))
    inner = AlgorithmIdentifier.of(read(mask.parameters)) if mask.parameters else digest
    label = b""
    if source.parameters:
        label = read(source.parameters).expect(OCTET_STRING, "the label of RSAES-OAEP", constructed=False).octets()
    try:
        if mask.oid != oids.MGF1 or source.oid != oids.P_SPECIFIED:
            raise UsageError("RSAES-OAEP is used with functions that are not known")
        return KeyTransport(DIGEST_OIDS.get(digest.oid, digest.oid), DIGEST_OIDS.get(inner.oid, inner.oid), label)
    except UsageError as error:
        raise UnsupportedError(f"the key cannot be decrypted: {error}") from None


def _agreed(recipient: KeyAgreeRecipientInfo, wrapped: bytes, identity: Identity, keys: KeyRing) -> _Unlock:
    function = oids.KEY_AGREEMENTS.get(recipient.algorithm.oid)
    if function is None or not recipient.algorithm.parameters:
        raise UnsupportedError(f"the key is agreed on by an algorithm that is not known: {recipient.algorithm.oid}")
    if recipient.originator is None:
        raise UnsupportedError("the key is agreed on with a key that was not made for the message")
    wrapping = AlgorithmIdentifier.of(read(recipient.algorithm.parameters))
    wraps.wrap_octets(wrapping)
    peer = _peer(recipient.originator, identity.certificates[0].public_key)
    kdf, digest = function

    def unlock(size: int) -> bytes | None:
        del size
        secret = keys.agree(identity, peer)
        return wraps.unwrap(wrapping, wraps.agreed_key(kdf, digest, secret, recipient.ukm, wrapping), wrapped)

    return unlock


def _peer(originator: OriginatorPublicKey, own: PublicKey) -> PublicKey:
    """The originator's key. It is on the recipient's curve, whether or not it says so (RFC 5753 section 3.1.1)."""
    algorithm = _key_algorithm(own)
    if originator.algorithm.oid != algorithm.oid or not (
        originator.algorithm.plain or originator.algorithm.parameters == algorithm.parameters
    ):
        raise UnsupportedError("the key is agreed on with a key of another kind than that of the recipient")
    bits = encode.primitive(BIT_STRING, b"\0" + originator.octets)
    try:
        return PublicKey.from_spki_der(encode.sequence(algorithm.der, bits))
    except KeyFileError:
        raise CMSError("the originator's key is no key on the curve of the recipient's") from None


def _key_algorithm(key: PublicKey) -> AlgorithmIdentifier:
    """The AlgorithmIdentifier in a SubjectPublicKeyInfo."""
    return AlgorithmIdentifier.of(next(read(key.spki_der()).children()))


def _encapsulated(recipient: KEMRecipientInfo, identity: Identity, keys: KeyRing) -> _Unlock:
    if oids.KEMS.get(recipient.kem.oid) != identity.key_type or recipient.kem.parameters:
        raise UnsupportedError(f"the key is encapsulated by an algorithm that is not known: {recipient.kem.oid}")
    digest = oids.HKDFS.get(recipient.kdf.oid)
    if digest is None or recipient.kdf.parameters:
        raise UnsupportedError(f"the key is derived by an algorithm that is not known: {recipient.kdf.oid}")
    if wraps.wrap_octets(recipient.algorithm) != recipient.kek_octets:
        raise CMSError("the size of a key is not the one that its algorithm takes")

    def unlock(size: int) -> bytes | None:
        del size
        secret = keys.decapsulate(identity, recipient.ciphertext)
        key = wraps.encapsulated_key(digest, secret, recipient.ukm, recipient.algorithm)
        return wraps.unwrap(recipient.algorithm, key, recipient.encrypted_key)

    return unlock


def _shared(recipient: KEKRecipientInfo, secret: SharedKey) -> _Unlock:
    if wraps.wrap_octets(recipient.algorithm) != len(secret.key):
        raise UnsupportedError("the shared key has another size than the algorithm takes")
    return lambda size: wraps.unwrap(recipient.algorithm, secret.key, recipient.encrypted_key)  # noqa: ARG005


def _password(recipient: PasswordRecipientInfo, secret: Password, iterations: int) -> tuple[_Unlock, int]:
    derivation = wraps.PBKDF2.read(recipient.derivation, iterations)
    cipher, iv = wraps.read_pwri(recipient.algorithm)
    octets = CIPHERS[cipher].key_octets
    if derivation.key_octets not in (None, octets):
        raise CMSError("the key derivation of a password states another size than the cipher's key has")

    def unlock(size: int) -> bytes | None:
        del size
        key = derivation.derive(secret.octets, octets)
        return wraps.unwrap_pwri(cipher, iv, key, recipient.encrypted_key)

    return unlock, derivation.iterations


__all__ = ["Decryption", "decrypt", "decrypt_to", "find_recipients", "read_transport"]
