"""Key records in DNS (RFC 6376 section 3.6.1, RFC 8463 section 4.2)."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from mailsec.crypto import PublicKey
from mailsec.errors import KeyFileError
from mailsec.hooks import Cause
from mailsec_dkim.limits import KEY_RECORD_OCTETS, KEYS_CACHED
from mailsec_dkim.tags import TagError, decode_base64, decode_qp_section, parse_tags, split_colons

if TYPE_CHECKING:
    from collections.abc import Mapping


__all__ = ["KeyFault", "KeyRecord", "parse_key_record"]

_KEY_TYPES: Final = frozenset({"rsa", "ed25519"})
_NAME: Final = re.compile(rb"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?|\*)\Z")


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key record that can be used for mail.

    Attributes:
        key_type: k=, `"rsa"` or `"ed25519"`.
        public_key: p=.
        digests: h=, the digests that the key may be used with; any if `None`.
        testing: t=y, the domain is testing DKIM.
        strict: t=s, the domain of i= must be that of d= and no subdomain.
        notes: n=, for people.
    """

    key_type: str
    public_key: PublicKey
    digests: frozenset[str] | None
    testing: bool
    strict: bool
    notes: str


@dataclass(frozen=True, slots=True)
class KeyFault:
    """Why a record is no key that can be used.

    Attributes:
        cause: for programs.
        reason: in the words of RFC 6376 section 6.1.2.
    """

    cause: Cause
    reason: str


@lru_cache(maxsize=KEYS_CACHED)
def parse_key_record(octets: bytes) -> KeyRecord | KeyFault:
    """Parses a key record; what it gives is kept, since the same keys come again and again.

    Args:
        octets: a TXT record with its strings joined.
    """
    if len(octets) > KEY_RECORD_OCTETS:
        return KeyFault(Cause.LIMIT, f"key record of more than {KEY_RECORD_OCTETS} octets")
    try:
        tags = parse_tags(octets)
        return _judge(tags)
    except TagError as error:
        return KeyFault(Cause.KEY, f"key syntax error: {error}")


def _judge(tags: Mapping[str, bytes]) -> KeyRecord | KeyFault:
    if "v" in tags:
        if tags["v"] != b"DKIM1":  # such records are to be discarded
            return KeyFault(Cause.NO_KEY, "no key for signature: the record there is no DKIM key")
        if next(iter(tags)) != "v":
            return KeyFault(Cause.KEY, "key syntax error: v= is not the first tag")
    flags = _names(tags, "t")
    testing = b"y" in flags
    if "p" not in tags:
        return KeyFault(Cause.KEY, "key syntax error: p= is missing")
    services = _names(tags, "s")
    if services and not services & {b"*", b"email"}:  # a record for another service is to be ignored
        return KeyFault(Cause.NO_KEY, "no key for signature: the key there is not for e-mail")
    key_type = tags["k"].decode("ascii", "replace").lower() if "k" in tags else "rsa"
    if key_type not in _KEY_TYPES:
        return KeyFault(Cause.KEY, "inappropriate key algorithm: it is not known")
    if not tags["p"]:
        return KeyFault(Cause.REVOKED, "key revoked")
    digests = _names(tags, "h")
    try:
        public_key = _public_key(key_type, decode_base64(tags["p"]))
    except TagError as error:
        return KeyFault(Cause.KEY, f"key syntax error in p=: {error}")
    except KeyFileError:
        return KeyFault(Cause.KEY, f"key syntax error in p=: not a public key of the type {key_type}")
    return KeyRecord(
        key_type=key_type,
        public_key=public_key,
        digests=frozenset(name.decode("ascii").lower() for name in digests) or None,
        testing=testing,
        strict=b"s" in flags,
        notes=_notes(tags["n"]) if "n" in tags else "",
    )


def _names(tags: Mapping[str, bytes], tag: str) -> frozenset[bytes]:
    """The names of a list with colons; nothing where the tag is missing or empty."""
    if tag not in tags or not tags[tag]:
        return frozenset()
    names = split_colons(tags[tag])
    if not all(_NAME.match(name) for name in names):
        raise TagError(f"{tag}= is no list of names")
    return frozenset(names)


def _notes(value: bytes) -> str:
    with contextlib.suppress(TagError):  # no program interprets notes, so none stumbles over them
        value = decode_qp_section(value)
    return value.decode("utf-8", "replace")


def _public_key(key_type: str, octets: bytes) -> PublicKey:
    """The key itself. RFC 6376 asks for RSAPublicKey, everybody publishes SubjectPublicKeyInfo (erratum 3017)."""
    if key_type == "ed25519":
        return PublicKey.ed25519_from_raw(octets)
    try:
        key = PublicKey.from_spki_der(octets)
    except KeyFileError:
        return PublicKey.rsa_from_pkcs1_der(octets)
    if key.key_type != "rsa":
        raise KeyFileError("the key is not an RSA key")
    return key
