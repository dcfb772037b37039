"""The DKIM-Signature header field (RFC 6376 section 3.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from mailsec.hooks import Cause
from mailsec_dkim.limits import FIELD_OCTETS, LENGTH_DIGITS, SIGNED_FIELDS, SIGNERS_CACHED, TIME_DIGITS
from mailsec_dkim.tags import (
    FWS,
    TagError,
    decode_base64,
    decode_qp_section,
    find_signature_value,
    parse_tags,
    split_colons,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Signature", "SignatureFault", "Signer", "parse_signature"]

_ALGORITHMS: Final = {
    "rsa-sha256": ("rsa", "sha256"),
    "ed25519-sha256": ("ed25519", "sha256"),  # RFC 8463
    "rsa-sha1": ("rsa", "sha1"),  # recognised, and refused (RFC 8301 section 3.1)
}
_DIGEST_OCTETS: Final = {"sha256": 32, "sha1": 20}
_CANONICALIZATIONS: Final = frozenset({"simple", "relaxed"})
_REQUIRED: Final = ("v", "a", "b", "bh", "d", "h", "s")
# sub-domain of RFC 5321 section 4.1.2, with the underscores that are found, and U-labels (RFC 8616 section 4)
_LABELS: Final = re.compile(
    r"(?:[0-9A-Za-z_\x80-\U0010FFFF](?:[0-9A-Za-z_\x80-\U0010FFFF-]{0,61}[0-9A-Za-z_\x80-\U0010FFFF])?(?:\.(?!\Z)|\Z))+\Z"
)
_FIELD_NAMES: Final = re.compile(rb"[!-9;-~]++(?>(?:[ \t\r\n]*+:[ \t\r\n]*+[!-9;-~]++)*)\Z")


@dataclass(frozen=True, slots=True)
class Signer:
    """What the signatures of one signer have in common; it is parsed once and kept.

    Attributes:
        algorithm: a=, such as `"rsa-sha256"`.
        key_type: the first half of a=, the k= that the key must have.
        digest: the second half of a=.
        header_canonicalization: the first half of c=, `"simple"` or `"relaxed"`.
        body_canonicalization: the second half of c=.
        domain: d=, the Signing Domain Identifier (SDID), in lower case.
        selector: s=.
        auid: i=, the Agent or User Identifier; `@` with d= where there is none.
        signed: h=, field names in lower case.
        query_name: the name that the key record has in DNS (RFC 6376 section 3.6.2.1).
        exact: whether the domain of i= is d= and no subdomain of it.
    """

    algorithm: str
    key_type: str
    digest: str
    header_canonicalization: str
    body_canonicalization: str
    domain: str
    selector: str
    auid: str
    signed: tuple[bytes, ...]
    query_name: str
    exact: bool


class Signature(NamedTuple):
    """A DKIM-Signature header field that is well-formed.

    Attributes:
        signer: what it has in common with others of the same signer.
        value: b=, the signature.
        label: the first octets of b= as text, which tell signatures apart (RFC 6008).
        body_hash: bh=.
        length: l=, canonical octets of the body that are signed; all if `None`.
        timestamp: t=, seconds since 1970.
        expiration: x=, seconds since 1970.
        copied: z=, as received; for diagnosis only.
        blank: where the value of b= stands in the field body, all that is left out when the field is hashed.
    """

    signer: Signer
    value: bytes
    label: str
    body_hash: bytes
    length: int | None
    timestamp: int | None
    expiration: int | None
    copied: bytes
    blank: tuple[int, int]


class SignatureFault(ValueError):
    """A DKIM-Signature header field that cannot be used.

    Attributes:
        cause: for programs.
        reason: in the words of RFC 6376 section 6.1.1.
        properties: what could be read of it all the same, as `ptype.property` to value.
    """

    def __init__(self, cause: Cause, reason: str, properties: Mapping[str, str]) -> None:
        super().__init__(reason)
        self.cause = cause
        self.reason = reason
        self.properties = properties


class _Fault(Exception):
    """What is wrong, before it is known what else could be read."""

    def __init__(self, cause: Cause, reason: str) -> None:
        self.cause = cause
        self.reason = reason


def parse_signature(octets: bytes) -> Signature:
    """Parses and validates the body of a DKIM-Signature header field (RFC 6376 sections 3.5 and 6.1.1).

    Args:
        octets: all after the colon as received.

    Raises:
        SignatureFault: it is malformed, of an unknown version or algorithm, or contradicts itself.
    """
    if len(octets) > FIELD_OCTETS:
        raise SignatureFault(Cause.LIMIT, f"signature field of more than {FIELD_OCTETS} octets", {})
    try:
        tags = parse_tags(octets)
    except TagError as error:
        raise SignatureFault(Cause.SYNTAX, f"signature syntax error: {error}", {}) from None
    try:
        return _build(tags, octets)
    except _Fault as fault:
        raise SignatureFault(fault.cause, fault.reason, _properties(tags)) from None
    except TagError as error:
        raise SignatureFault(Cause.SYNTAX, f"signature syntax error: {error}", _properties(tags)) from None


def _build(tags: Mapping[str, bytes], octets: bytes) -> Signature:
    if tags.get("v", b"1") != b"1":
        raise _Fault(Cause.UNSUPPORTED, "incompatible version")
    for name in _REQUIRED:
        if name not in tags:
            raise _Fault(Cause.SYNTAX, f"signature missing required tag {name}=")
    get = tags.get
    signer = _parse_signer((tags["a"], tags["d"], tags["s"], tags["h"]), (get("c"), get("i"), get("q")))
    value = _base64(tags["b"], "b")
    body_hash = _base64(tags["bh"], "bh")
    wanted = _DIGEST_OCTETS[signer.digest]
    if len(body_hash) != wanted:
        raise _Fault(Cause.SYNTAX, f"signature syntax error in bh=: not the {wanted} octets of {signer.digest}")
    timestamp = _number(tags, "t", TIME_DIGITS)
    expiration = _number(tags, "x", TIME_DIGITS)
    if timestamp is not None and expiration is not None and expiration <= timestamp:
        raise _Fault(Cause.SYNTAX, "signature syntax error: x= is not after t=")
    return Signature(
        signer,
        value,
        _label(tags["b"]),
        body_hash,
        _number(tags, "l", LENGTH_DIGITS),
        timestamp,
        expiration,
        get("z", b""),
        find_signature_value(octets),
    )


@lru_cache(maxsize=SIGNERS_CACHED)
def _parse_signer(required: tuple[bytes, ...], optional: tuple[bytes | None, ...]) -> Signer:
    """Parses a=, d=, s= and h=, and c=, i= and q= where they are there."""
    a, d, s, h = required
    c, i, q = optional
    algorithm = _text(a, "a").lower()
    if algorithm not in _ALGORITHMS:
        raise _Fault(Cause.UNSUPPORTED, "signature algorithm is not known")
    key_type, digest = _ALGORITHMS[algorithm]
    header_canonicalization, body_canonicalization = _canonicalization(c)
    domain = _domain(d, "d").lower()
    selector = _domain(s, "s")
    signed = _field_names(h)
    if b"from" not in signed:
        raise _Fault(Cause.SYNTAX, "From field not signed")
    if q is not None and b"dns/txt" not in [query.lower() for query in split_colons(q)]:
        raise _Fault(Cause.UNSUPPORTED, "no query method in q= is known")
    auid, own = (f"@{domain}", domain) if i is None else _auid(i, domain)
    return Signer(
        algorithm=algorithm,
        key_type=key_type,
        digest=digest,
        header_canonicalization=header_canonicalization,
        body_canonicalization=body_canonicalization,
        domain=domain,
        selector=selector,
        auid=auid,
        signed=signed,
        query_name=f"{selector}._domainkey.{domain}",
        exact=own == domain,
    )


def _text(value: bytes, name: str) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise _Fault(Cause.SYNTAX, f"signature syntax error in {name}=: octets that are no UTF-8") from None


def _base64(value: bytes, name: str) -> bytes:
    try:
        octets = decode_base64(value)
    except TagError as error:
        raise _Fault(Cause.SYNTAX, f"signature syntax error in {name}=: {error}") from None
    if not octets:
        raise _Fault(Cause.SYNTAX, f"signature syntax error in {name}=: it is empty")
    return octets


def _label(value: bytes) -> str:
    return b"".join(value[:80].split())[:8].decode("ascii")


def _canonicalization(value: bytes | None) -> tuple[str, str]:
    if value is None:
        return "simple", "simple"
    header, slash, body = _text(value, "c").lower().partition("/")
    body = body if slash else "simple"
    if header not in _CANONICALIZATIONS or body not in _CANONICALIZATIONS:
        raise _Fault(Cause.UNSUPPORTED, "canonicalization algorithm is not known")
    return header, body


def _is_domain(text: str) -> bool:
    return len(text) <= 253 and _LABELS.match(text) is not None


def _domain(value: bytes, name: str) -> str:
    domain = _text(value, name)
    if not _is_domain(domain):
        raise _Fault(Cause.SYNTAX, f"signature syntax error in {name}=: not a domain name")
    return domain


def _field_names(value: bytes) -> tuple[bytes, ...]:
    if value.count(b":") >= SIGNED_FIELDS:
        raise _Fault(Cause.LIMIT, f"h= has more than {SIGNED_FIELDS} field names")
    if not _FIELD_NAMES.match(value):
        raise _Fault(Cause.SYNTAX, "signature syntax error in h=: something that is no field name")
    return tuple(value.lower().translate(None, FWS).split(b":"))


def _number(tags: Mapping[str, bytes], name: str, digits: int) -> int | None:
    if name not in tags:
        return None
    value = tags[name]
    if not value.isdigit():
        raise _Fault(Cause.SYNTAX, f"signature syntax error in {name}=: not a number")
    if len(value.lstrip(b"0")) > digits:
        if name == "x":
            return None  # "infinite future" (RFC 6376 section 3.5)
        raise _Fault(Cause.SYNTAX, f"signature syntax error in {name}=: more than {digits} digits")
    return int(value)


def _auid(value: bytes, domain: str) -> tuple[str, str]:
    """The identifier, its domain in lower case, and that domain."""
    text = _text(decode_qp_section(value), "i")
    local, at, own = text.rpartition("@")
    if not at or not _is_domain(own):
        raise _Fault(Cause.SYNTAX, "signature syntax error in i=: not an identifier with a domain")
    own = own.lower()
    if own != domain and not own.endswith(f".{domain}"):
        raise _Fault(Cause.SYNTAX, "domain mismatch: i= is not in the domain d=")
    return f"{local}@{own}", own


def _properties(tags: Mapping[str, bytes]) -> dict[str, str]:
    """What can be said of a faulty signature, so that a reader can tell which one it is."""
    found = {
        f"header.{name}": tags[name].decode("utf-8", "replace")[:253] for name in ("d", "i", "s", "a") if tags.get(name)
    }
    if "b" in tags and (label := b"".join(tags["b"][:80].split(None))[:8].strip(FWS)):
        found["header.b"] = label.decode("ascii", "replace")
    return found
