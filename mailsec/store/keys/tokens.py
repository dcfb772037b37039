"""The private keys of smart cards and other tokens, through PKCS#11 modules. A key never leaves its token."""

from __future__ import annotations

import importlib
import importlib.util
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from mailsec.crypto import Certificate, Identity, KeyTransport, PublicKey, SignatureScheme, new_digest
from mailsec.crypto.cms import encode
from mailsec.crypto.identity import named
from mailsec.crypto.rejection import choose, stand_in
from mailsec.errors import CertificateError, InputError, KeyFileError, LockedError, UsageError
from mailsec.message import plain_address
from mailsec.store.keys.keystore import handle_of
from mailsec.store.keys.passwords import Passwords

__all__ = ["TokenKeyRing"]

_OBJECTS: Final = 256
"""Certificates and keys of a token that are looked at."""

_DIGESTS: Final = {"sha1": "SHA_1", "sha224": "SHA224", "sha256": "SHA256", "sha384": "SHA384", "sha512": "SHA512"}
_MASKS: Final = {"sha1": "SHA1", "sha224": "SHA224", "sha256": "SHA256", "sha384": "SHA384", "sha512": "SHA512"}
_SALTS: Final = {"sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64}
# Errors that say nothing of what was to be decrypted, but of the token.
_OUTSIDE: Final = frozenset(
    {
        "DeviceError",
        "DeviceMemory",
        "DeviceRemoved",
        "HostMemory",
        "KeyHandleInvalid",
        "MechanismInvalid",
        "MechanismParamInvalid",
        "ArgumentsBad",
        "SessionClosed",
        "SessionHandleInvalid",
        "TokenNotPresent",
        "UserNotLoggedIn",
        "FunctionNotSupported",
    }
)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A private key on a token, by its certificate."""

    token: Any
    id: bytes
    identity: Identity
    public: PublicKey


class TokenKeyRing:
    """The private keys of all tokens that a PKCS#11 module shows (implements `mailsec.hooks.KeyRing`).

    Which there are is told by the certificates on the tokens; their issuers' come along where they lie there too. The
    PIN is asked for when a key is used first. A wrong one is never tried again by itself: tokens lock themselves.

    Args:
        module: the module, a shared library.
        pin: where the PIN comes from.

    Raises:
        UsageError: the optional package is missing.
        InputError: there is no such module, or it cannot be loaded.
    """

    def __init__(self, module: Path, pin: Passwords) -> None:
        if importlib.util.find_spec("pkcs11") is None:
            raise UsageError("tokens need the Python package python-pkcs11: pip install mailsec[tokens]")
        if not module.is_file():
            raise InputError(f"there is no PKCS#11 module {module}")
        self._module = module
        self._pin = pin
        self._api: Any = importlib.import_module("pkcs11")
        self._entries: dict[str, _Entry] = {}
        self._names: tuple[Identity, ...] = ()
        self._sessions: dict[bytes, Any] = {}
        self._refused = ""
        self._lock = threading.RLock()  # modules need not be made for several threads
        self._secret = secrets.token_bytes(32)  # for implicit rejection, since nothing can be made of keys on tokens
        try:
            self._library = self._api.lib(str(module))
        except Exception as error:  # noqa: BLE001 - a library of somebody else's says what it likes
            raise InputError(f"the PKCS#11 module {module} cannot be loaded ({type(error).__name__})") from None

    def identities(self, name: str | None = None) -> Sequence[Identity]:
        """The identities under a name (compared without regard to case), or all; none while no token is there."""
        with self._lock:
            if not self._names:
                try:
                    self._look()
                except self._api.PKCS11Error:
                    self._entries, self._names = {}, ()
            found = self._names
        return named(found, name)

    def sign(self, identity: Identity, scheme: SignatureScheme, octets: bytes) -> bytes:
        """Signs octets on the token.

        Raises:
            KeyFileError: no token holds this identity, its key does not fit the scheme, or the token fails.
            UsageError: the PIN cannot be had.
        """
        entry = self._entry(identity)
        if not entry.public.fits(scheme) or scheme.key_type not in {"rsa", "rsa-pss", "ec"}:
            raise KeyFileError(f"the key of {identity.name} on the token does not sign by {scheme}")
        digest = scheme.digest or ""
        mechanisms = self._api.Mechanism
        with self._lock:
            key = self._key(entry)
            try:
                if scheme.key_type == "ec":
                    hashed = new_digest(digest)
                    hashed.update(octets)
                    return _der_signature(bytes(key.sign(hashed.digest(), mechanism=mechanisms.ECDSA)))
                name = _DIGESTS[digest].replace("_", "")
                if scheme.key_type == "rsa":
                    return bytes(key.sign(octets, mechanism=mechanisms[f"{name}_RSA_PKCS"]))
                mask = self._api.MGF[_MASKS[scheme.mgf_digest or digest]]
                salt = _SALTS[digest] if scheme.salt_length is None else scheme.salt_length
                parameters = (mechanisms[_DIGESTS[digest]], mask, salt)
                return bytes(key.sign(octets, mechanism=mechanisms[f"{name}_RSA_PKCS_PSS"], mechanism_param=parameters))
            except (AttributeError, KeyError, self._api.PKCS11Error) as error:
                raise self._failed(entry, "sign", error) from None

    def decrypt_key(self, identity: Identity, scheme: KeyTransport, octets: bytes, length: int) -> bytes:
        """Decrypts a key of `length` octets on the token; octets that mean nothing where it is not one.

        These are the same for the same octets as long as this ring lives.

        Raises:
            KeyFileError: no token holds this identity, its key is no RSA key, or the token cannot decrypt so at all.
            UsageError: the PIN cannot be had.
        """
        entry = self._entry(identity)
        if entry.public.key_type != "rsa":
            raise KeyFileError(f"the key of {identity.name} on the token is no RSA key")
        instead = stand_in(self._secret + entry.id, octets, length)
        mechanisms = self._api.Mechanism
        with self._lock:
            key = self._key(entry)
            try:
                if scheme.digest is None:
                    found = bytes(key.decrypt(octets, mechanism=mechanisms.RSA_PKCS))
                else:
                    mask = self._api.MGF[_MASKS[scheme.mgf_digest or scheme.digest]]
                    parameters = (mechanisms[_DIGESTS[scheme.digest]], mask, scheme.label or None)
                    found = bytes(key.decrypt(octets, mechanism=mechanisms.RSA_PKCS_OAEP, mechanism_param=parameters))
            except (AttributeError, KeyError, self._api.PKCS11Error) as error:
                if not isinstance(error, self._api.PKCS11Error) or type(error).__name__ in _OUTSIDE:
                    raise self._failed(entry, f"decrypt by {scheme}", error) from None
                found = b""
        return choose(found, instead)

    def agree(self, identity: Identity, peer: PublicKey) -> bytes:
        """The shared secret of a key on the token and a peer's by ECDH (RFC 5753).

        Raises:
            KeyFileError: no token holds this identity, its key is of another kind than the peer's, or the token fails.
            UsageError: the PIN cannot be had.
        """
        entry = self._entry(identity)
        if entry.public.key_type != "ec" or peer.curve != entry.public.curve:
            raise KeyFileError(f"the key of {identity.name} on the token is not on the curve of the other key")
        size = (entry.public.bits + 7) // 8
        attributes = self._api.Attribute
        with self._lock:
            key = self._key(entry)
            try:
                secret = key.derive_key(
                    self._api.KeyType.GENERIC_SECRET,
                    size * 8,
                    mechanism=self._api.Mechanism.ECDH1_DERIVE,
                    mechanism_param=(self._api.KDF.NULL, None, _point(peer)),
                    template={attributes.SENSITIVE: False, attributes.EXTRACTABLE: True},
                )
                return bytes(secret[attributes.VALUE]).rjust(size, b"\0")
            except (AttributeError, self._api.PKCS11Error) as error:  # a key that may not has no such method
                raise self._failed(entry, "agree on a key", error) from None

    def decapsulate(self, identity: Identity, octets: bytes) -> bytes:
        """Tokens hold no ML-KEM keys for us.

        Raises:
            KeyFileError: always.
        """
        del octets
        raise KeyFileError(f"the key of {identity.name} on the token is no ML-KEM key")

    def close(self) -> None:
        """Ends the sessions, so that the tokens want their PIN again."""
        with self._lock:
            sessions = list(self._sessions.values())
            self._sessions.clear()
            for session in sessions:
                with suppress(self._api.PKCS11Error):
                    session.close()

    # -- the token -------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Reads the certificates of all tokens, which needs no PIN."""
        entries: dict[str, _Entry] = {}
        names: list[Identity] = []
        for slot in self._library.get_slots(token_present=True):
            try:
                token = slot.get_token()
                with token.open() as session:
                    found = list(self._certificates(session))
            except self._api.PKCS11Error:
                continue  # one that was never set up, or was just taken out
            certificates = [certificate for _, certificate in found]
            for id_, own in found:
                if own.is_ca or own.public_key.trouble:
                    continue
                chain = _chain(own, certificates)
                handle = handle_of(own.public_key)
                identities = [
                    Identity(address, own.public_key.key_type.removesuffix("-pss"), chain, handle)
                    for address in own.emails
                    if plain_address(address)
                ]
                if identities:
                    entries[handle] = _Entry(token, id_, identities[0], own.public_key)
                    names += identities
        self._entries, self._names = entries, tuple(names)

    def _certificates(self, session: Any) -> Iterator[tuple[bytes, Certificate]]:
        attributes, classes = self._api.Attribute, self._api.ObjectClass
        for number, item in enumerate(session.get_objects({attributes.CLASS: classes.CERTIFICATE})):
            if number == _OBJECTS:
                return
            try:
                yield bytes(item[attributes.ID]), Certificate.from_der(bytes(item[attributes.VALUE]))
            except (CertificateError, self._api.PKCS11Error):
                continue  # other kinds of certificates, or damaged ones, are nobody's identity

    def _entry(self, identity: Identity) -> _Entry:
        self.identities()
        entry = self._entries.get(identity.handle)
        if entry is None:
            raise KeyFileError(f"no token holds the key of {identity.name}")
        return entry

    def _key(self, entry: _Entry) -> Any:
        """The private key, on a session that is logged in."""
        serial = bytes(entry.token.serial)
        session = self._sessions.get(serial)
        try:
            if session is None:
                session = self._sessions[serial] = self._log_in(entry)
            return session.get_key(object_class=self._api.ObjectClass.PRIVATE_KEY, id=entry.id)
        except self._api.PKCS11Error as error:
            self._sessions.pop(serial, None)
            raise self._failed(entry, "be used", error) from None

    def _log_in(self, entry: _Entry) -> Any:
        if self._refused:
            raise KeyFileError(self._refused)
        try:
            given = self._pin.get()
        except LockedError as error:
            error.key = entry.identity.name
            raise
        try:
            return entry.token.open(user_pin=given.decode("utf-8", "surrogateescape"))
        except self._api.UserAlreadyLoggedIn:
            return entry.token.open()
        except (self._api.PinIncorrect, self._api.PinLenRange, self._api.PinInvalid):
            self._pin.refuse(given)
            sentence = f"the PIN of the token with the key of {entry.identity.name} is wrong"
            if self._pin.may_ask_again:  # another one is tried when somebody gives it
                raise LockedError(sentence, self._pin.secret, key=entry.identity.name, wrong=True) from None
            self._refused = f"{sentence}; it is not tried again, since tokens lock themselves"
            raise KeyFileError(sentence) from None
        except self._api.PinLocked:
            self._refused = f"the token with the key of {entry.identity.name} is locked: too many wrong PINs"
            raise KeyFileError(self._refused) from None

    def _failed(self, entry: _Entry, what: str, error: Exception) -> KeyFileError:
        kind = type(error).__name__
        return KeyFileError(f"the token with the key of {entry.identity.name} cannot {what} ({kind})")

    def __repr__(self) -> str:
        return f"<TokenKeyRing of {self._module}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key ring cannot be pickled or copied")


def _chain(own: Certificate, certificates: Sequence[Certificate]) -> tuple[Certificate, ...]:
    chain = [own]
    while not chain[-1].is_self_issued:
        issuer = next((one for one in certificates if one.subject_key == chain[-1].issuer_key), None)
        if issuer is None or issuer in chain:
            break
        chain.append(issuer)
    return tuple(chain)


def _der_signature(raw: bytes) -> bytes:
    """An ECDSA signature as DER (RFC 3279 section 2.2.3) from the two numbers that PKCS#11 puts side by side."""
    half = len(raw) // 2
    return encode.sequence(encode.integer(int.from_bytes(raw[:half])), encode.integer(int.from_bytes(raw[half:])))


def _point(key: PublicKey) -> bytes:
    """A public key on a curve as an uncompressed point (SEC 1 section 2.3.3)."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

    loaded: Any = load_der_public_key(key.spki_der())
    return bytes(loaded.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
