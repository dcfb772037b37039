"""Signing: one key, one domain (RFC 6376 section 5)."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import TYPE_CHECKING, Final

from mailsec.crypto import ED25519, RSA_SHA256
from mailsec.errors import ConfigError, KeyFileError
from mailsec_dkim.hashing import BodyHasher
from mailsec_dkim.header import hash_input, select_fields
from mailsec_dkim.settings import Settings
from mailsec_dkim.signature import SignatureFault, parse_signature
from mailsec_dkim.tags import find_signature_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mailsec.crypto import SignatureScheme
    from mailsec.hooks import Identity, KeyRing, SealingContext
    from mailsec.message import HeaderSection

__all__ = ["DKIMSealing", "start"]

_SCHEMES: Final[dict[str, tuple[str, SignatureScheme]]] = {
    "rsa": ("rsa-sha256", RSA_SHA256),
    "ed25519": ("ed25519-sha256", ED25519),
}
_LINE: Final = 76


def start(header_section: HeaderSection, context: SealingContext) -> DKIMSealing | None:
    """Begins to sign a message.

    Args:
        header_section: the header section as it will leave.
        context: what the runner hands to a sealer.

    Returns:
        What takes the body; `None` while no domain is configured.

    Raises:
        ConfigError: the settings contradict each other or make no valid signature.
        KeyFileError: the key ring has no key that signs for the domain.
    """
    settings = context.settings if context.settings is not None else Settings()
    if not settings.domain:
        return None
    return DKIMSealing(header_section, context.keys, settings, int(context.moment.at.timestamp()))


class DKIMSealing:
    """Signs one message (implements `mailsec.hooks.Sealing`).

    Args:
        header_section: the header section as it will leave.
        keys: the key ring.
        settings: how to sign.
        now: seconds since 1970, for t= and x=.

    Raises:
        ConfigError: the settings contradict each other or make no valid signature.
        KeyFileError: the key ring has no key that signs for the domain.
    """

    __slots__ = (
        "_algorithm",
        "_canonicalization",
        "_hasher",
        "_identity",
        "_keys",
        "_names",
        "_now",
        "_scheme",
        "_section",
        "_settings",
    )

    def __init__(self, header_section: HeaderSection, keys: KeyRing, settings: Settings, now: int) -> None:
        self._keys = keys
        self._settings = settings
        self._now = now
        self._identity, self._algorithm, self._scheme = _find_key(keys, settings)
        header, slash, body = settings.canonicalization.lower().partition("/")
        self._canonicalization = header, body if slash else "simple"
        self._section = header_section
        self._names = _signed_names(header_section, settings)
        _check(self._field("AAAA", "A" * 43 + "="), settings)
        self._hasher = BodyHasher()
        self._hasher.want(self._canonicalization[1], "sha256")

    def feed(self, octets: memoryview) -> None:
        """Takes the next octets of the body, as they will leave."""
        self._hasher.feed(octets)

    async def finish(self) -> Sequence[bytes]:
        """Gives the DKIM-Signature field."""
        self._hasher.finish()
        body_hash = b64encode(self._hasher.result(self._canonicalization[1], "sha256").digest).decode("ascii")
        unsigned = self._field("", body_hash)
        signed = hash_input(
            self._section,
            select_fields(self._section, self._names),
            unsigned,
            find_signature_value(unsigned.partition(b":")[2]),
            self._canonicalization[0],
        )
        if self._scheme is ED25519:  # RFC 8463 section 3: what is signed is the digest
            signed = hashlib.sha256(signed).digest()
        value = self._keys.sign(self._identity, self._scheme, signed)
        return (self._field(b64encode(value).decode("ascii"), body_hash),)

    def _field(self, value: str, body_hash: str) -> bytes:
        """The field with its folding, which does not depend on b=: that comes last, in lines of its own."""
        settings = self._settings
        tags = [
            "v=1",
            f"a={self._algorithm}",
            f"c={'/'.join(self._canonicalization)}",
            f"d={settings.domain}",
            f"s={settings.selector}",
        ]
        if settings.auid:
            tags.append(f"i={_quote(settings.auid)}")
        tags.append(f"t={self._now}")
        if settings.expires > 0:
            tags.append(f"x={self._now + settings.expires}")
        lines = _fold("DKIM-Signature:", (f"{tag};" for tag in tags), " ")
        lines += _fold(" h=", _colons(self._names), "")
        lines.append(f" bh={body_hash};")
        lines += _fold(" b=", (value[at : at + _LINE - 4] for at in range(0, len(value), _LINE - 4)), "")
        return "".join(f"{line}\r\n" for line in lines).encode("utf-8")


def _find_key(keys: KeyRing, settings: Settings) -> tuple[Identity, str, SignatureScheme]:
    name = f"{settings.selector}._domainkey.{settings.domain}"
    for identity in keys.identities(name):
        if identity.key_type in _SCHEMES:
            return identity, *_SCHEMES[identity.key_type]
    raise KeyFileError(f"there is no RSA or Ed25519 key named {name} to sign with")


def _signed_names(section: HeaderSection, settings: Settings) -> tuple[bytes, ...]:
    """The names of h=: each field as often as it is there, and some once more (RFC 6376 sections 5.4 and 8.15)."""
    oversigned = {name.lower().encode("utf-8") for name in settings.oversigned}
    wanted = dict.fromkeys(name.lower().encode("utf-8") for name in (*settings.signed, *settings.oversigned))
    names: list[bytes] = []
    for name in wanted:
        names += [name] * (len(section.places.get(name, ())) + (name in oversigned))
    return tuple(names)


def _check(field: bytes, settings: Settings) -> None:
    """Makes sure that what is going to be written will be understood."""
    try:
        parse_signature(field.partition(b":")[2])
    except SignatureFault as fault:
        raise ConfigError(f"[plugins.dkim] makes no valid signature for {settings.domain!r}: {fault.reason}") from None


def _quote(text: str) -> str:
    """Writes a dkim-quoted-printable value (RFC 6376 section 2.11)."""
    return "".join(
        chr(octet) if 0x21 <= octet <= 0x7E and octet not in b";=" else f"={octet:02X}"
        for octet in text.encode("utf-8")
    )


def _colons(names: Sequence[bytes]) -> Iterable[str]:
    for name in names[:-1]:
        yield f"{name.decode('utf-8')}:"
    yield f"{b''.join(names[-1:]).decode('utf-8')};"


def _fold(first: str, pieces: Iterable[str], space: str) -> list[str]:
    """Sets pieces into lines that are not too long; every line but the first begins with a space."""
    lines: list[str] = []
    line = first
    begun = False
    for piece in pieces:
        if begun and len(line) + len(space) + len(piece) > _LINE:
            lines.append(line)
            line = f" {piece}"
        else:
            line += (space if begun or first.endswith(":") else "") + piece
        begun = True
    lines.append(line)
    return lines
