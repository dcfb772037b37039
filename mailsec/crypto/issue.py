"""A small certificate maker: self-made certificates and requests, and for tests and the demonstration authorities and
certificates of any kind and fault.

It writes DER itself, so it can make what no honest authority would. Nothing here is random except new keys:
serial numbers come from what is certified, and times are arguments.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from mailsec.crypto import extensions as ext
from mailsec.crypto import schemes
from mailsec.crypto.certificates import Certificate, Extension
from mailsec.crypto.cms import encode
from mailsec.crypto.digests import DIGEST_SIZES
from mailsec.crypto.private import PrivateKey
from mailsec.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from mailsec.crypto.keys import PublicKey
    from mailsec.crypto.schemes import SignatureScheme

__all__ = [
    "Issued",
    "can_decrypt",
    "can_sign",
    "issue",
    "make_authority",
    "make_certificate",
    "make_name",
    "make_own",
    "make_request",
]

_ATTRIBUTES: Final[Mapping[str, tuple[str, int]]] = {
    "CN": ("2.5.4.3", 0x0C),
    "C": ("2.5.4.6", 0x13),
    "O": ("2.5.4.10", 0x0C),
    "OU": ("2.5.4.11", 0x0C),
    "DC": ("0.9.2342.19200300.100.1.25", 0x16),
    "emailAddress": ("1.2.840.113549.1.9.1", 0x16),
}
_EXTENSION_REQUEST: Final = "1.2.840.113549.1.9.14"
_BIT_STRING: Final = 0x03
_BOOLEAN: Final = 0x01
_TRUE: Final = encode.primitive(_BOOLEAN, b"\xff")


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its private key and the certificates above it.

    Attributes:
        certificate: the certificate.
        key: its private key.
        chain: the certificates of the issuers, the nearest first, up to the root's; empty for a root.
    """

    certificate: Certificate
    key: PrivateKey
    chain: tuple[Certificate, ...] = ()

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """The certificate, then those of its issuers."""
        return (self.certificate, *self.chain)

    def to_pem(self, password: bytes | None = None) -> bytes:
        """The private key and all certificates as PEM text; the key encrypted if there is a password."""
        return self.key.to_pem(password) + b"".join(certificate.to_pem() for certificate in self.certificates)

    def to_pkcs12(self, password: bytes, *, old: bool = False) -> bytes:
        """The private key and all certificates as PKCS#12 (RFC 7292).

        Args:
            password: what to encrypt it with.
            old: whether to encrypt with 3DES and SHA-1, which is all that older programs can read.

        Raises:
            UsageError: the password is empty or too long.
        """
        return self.key.to_pkcs12(self.certificates, password, old=old)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key cannot be pickled or copied")


def make_name(subject: str | Sequence[tuple[str, str]]) -> bytes:
    """A Name in DER.

    Args:
        subject: a common name, or attributes from the least specific on, each a type (CN, C, O, OU, DC,
            emailAddress) and a value.

    Raises:
        UsageError: there is no such type.
    """
    rdns: list[bytes] = []
    for kind, value in [("CN", subject)] if isinstance(subject, str) else subject:
        if kind not in _ATTRIBUTES:
            raise UsageError(f"there is no attribute {kind!r} for the name of a certificate")
        oid, tag = _ATTRIBUTES[kind]
        text = encode.primitive(tag, value.encode("utf-8"))
        rdns.append(encode.set_of([encode.sequence(encode.oid(oid), text)]))
    return encode.sequence(*rdns)


def make_certificate(
    *,
    subject: bytes,
    issuer: bytes,
    public_key: PublicKey,
    signer: PrivateKey,
    not_before: datetime,
    not_after: datetime,
    extensions: Sequence[Extension] = (),
    scheme: SignatureScheme | None = None,
    serial: int | None = None,
    version: int = 3,
) -> Certificate:
    """Makes a certificate exactly as told.

    Args:
        subject: the subject's Name in DER.
        issuer: the issuer's Name in DER.
        public_key: the subject's key.
        signer: the key to sign with.
        not_before: the start of its validity, aware.
        not_after: the end of its validity, aware.
        extensions: its extensions, in this order.
        scheme: how to sign; by default what fits the signer's key.
        serial: the serial number; by default one that follows from the rest.
        version: 1 to 3.

    Raises:
        KeyFileError: the signer's key does not fit the scheme.
        UsageError: the scheme has no identifier in X.509.
    """
    scheme = default_scheme(signer) if scheme is None else scheme
    algorithm = algorithm_identifier(scheme)
    spki = public_key.spki_der()
    if serial is None:
        seed = b"".join((issuer, subject, spki, str(not_before).encode(), str(not_after).encode(), algorithm))
        serial = int.from_bytes(hashlib.sha256(seed).digest()[:15]) | 1 << 118
    members = [
        encode.integer(serial),
        algorithm,
        issuer,
        encode.sequence(encode.time(not_before), encode.time(not_after)),
        subject,
        spki,
    ]
    if version != 1:
        members.insert(0, encode.constructed(0x80, encode.integer(version - 1)))
    if extensions:
        members.append(encode.constructed(0x83, encode.sequence(*map(encode_extension, extensions))))
    tbs = encode.sequence(*members)
    return Certificate.from_der(encode.sequence(tbs, algorithm, bit_string(signer.sign(tbs, scheme))))


def make_authority(
    name: str | Sequence[tuple[str, str]],
    *,
    not_before: datetime,
    not_after: datetime,
    key: PrivateKey | None = None,
    parent: Issued | None = None,
    scheme: SignatureScheme | None = None,
    is_ca: bool | None = True,
    path_length: int | None = None,
    usage: Sequence[str] | None = ("keyCertSign", "cRLSign"),
    purposes: Sequence[str] | None = None,
    permitted: Sequence[str] = (),
    excluded: Sequence[str] = (),
    identifiers: bool = True,
    extra: Sequence[Extension] = (),
) -> Issued:
    """Makes an authority: a root, or below a parent an intermediate one.

    Args:
        name: its common name, or the attributes of its name (see `make_name`).
        not_before: the start of its validity, aware.
        not_after: the end of its validity, aware.
        key: its key; by default a new one of RSA with 2048 bits.
        parent: who certifies it; by default itself.
        scheme: how the parent signs.
        is_ca: what basic constraints say; `None` leaves the extension out.
        path_length: how many authorities may stand below it.
        usage: its key usage; `None` leaves the extension out.
        purposes: its extended key usage; `None` leaves the extension out.
        permitted: addresses, hosts, or with a leading dot domains that it may certify addresses in.
        excluded: those that it may not.
        identifiers: whether key identifiers are there.
        extra: more extensions.
    """
    key = PrivateKey.generate("rsa") if key is None else key
    extensions = list(extra)
    if permitted or excluded:
        extensions.insert(0, _name_constraints(permitted, excluded))
    if is_ca is not None:
        extensions.insert(0, _basic_constraints(is_ca, path_length))
    _add_common(extensions, parent, key, usage=usage, purposes=purposes, identifiers=identifiers)
    return _certify(parent, make_name(name), key, (not_before, not_after), scheme=scheme, extensions=extensions)


def issue(
    authority: Issued | None,
    *emails: str,
    not_before: datetime,
    not_after: datetime,
    key: PrivateKey | None = None,
    subject: str | Sequence[tuple[str, str]] | None = None,
    scheme: SignatureScheme | None = None,
    usage: Sequence[str] | None = ("digitalSignature", "keyEncipherment"),
    purposes: Sequence[str] | None = ("emailProtection",),
    alternative_names: bool = True,
    critical_names: bool = False,
    is_ca: bool | None = None,
    identifiers: bool = True,
    extra: Sequence[Extension] = (),
) -> Issued:
    """Issues a certificate to somebody who signs mail.

    Args:
        authority: who issues it; `None` for one that is signed by itself.
        emails: the addresses it is for.
        not_before: the start of its validity, aware.
        not_after: the end of its validity, aware.
        key: the subject's key; by default a new one of RSA with 2048 bits.
        subject: the subject's common name or attributes (see `make_name`); by default the first address.
        scheme: how the authority signs; by default what fits its key, with SHA-256 or better.
        usage: the key usage; `None` leaves the extension out.
        purposes: the extended key usage; `None` leaves the extension out.
        alternative_names: whether the addresses stand in subjectAltName; what is not ASCII as SmtpUTF8Mailbox.
        critical_names: whether that extension is critical.
        is_ca: what basic constraints say; `None` leaves the extension out.
        identifiers: whether key identifiers are there.
        extra: more extensions.
    """
    key = PrivateKey.generate("rsa") if key is None else key
    if subject is None:
        subject = emails[0] if emails else "somebody"
    extensions = list(extra)
    if emails and alternative_names:
        names = encode.sequence(*map(_email_name, emails))
        extensions.insert(0, Extension(ext.SUBJECT_ALT_NAME, critical_names, names))
    if is_ca is not None:
        extensions.insert(0, _basic_constraints(is_ca, None))
    _add_common(extensions, authority, key, usage=usage, purposes=purposes, identifiers=identifiers)
    return _certify(authority, make_name(subject), key, (not_before, not_after), scheme=scheme, extensions=extensions)


def can_sign(key: PrivateKey) -> bool:
    """Whether keys of this kind can sign mail."""
    return key.key_type in {"rsa", "ec", "ed25519", "ed448"}


def can_decrypt(key: PrivateKey) -> bool:
    """Whether mail can be encrypted to keys of this kind (RFC 8551 section 2.3): not to one that only signs."""
    return key.key_type in {"rsa", "ec", "x25519", "x448"}


def make_own(
    key: PrivateKey, emails: Sequence[str], *, not_before: datetime, not_after: datetime, subject: str | None = None
) -> Issued:
    """Makes a certificate that is signed by its own key, for signing and where the key can for encryption too.

    It says that it is no authority's, so that whoever trusts it trusts nothing that its key signs besides.

    Args:
        key: the key; it must be one that signs.
        emails: the addresses that it is for, one or more.
        not_before: the start of its validity, aware.
        not_after: the end of its validity, aware.
        subject: the common name; by default the first address.

    Raises:
        UsageError: the key cannot sign, or there is no address.
    """
    if not emails:
        raise UsageError("a certificate for mail needs an e-mail address")
    return issue(
        None,
        *emails,
        not_before=not_before,
        not_after=not_after,
        key=key,
        subject=subject,
        usage=_mail_usage(key),
        is_ca=False,
    )


def make_request(key: PrivateKey, emails: Sequence[str], *, subject: str | None = None) -> bytes:
    """Makes a certification request (PKCS#10, RFC 2986), to have a key certified for mail by an authority.

    Args:
        key: the key; it must be one that signs.
        emails: the addresses that the certificate is to be for, one or more.
        subject: the common name; by default the first address.

    Returns:
        The request in DER.

    Raises:
        UsageError: the key cannot sign, or there is no address.
    """
    if not emails:
        raise UsageError("a certificate for mail needs an e-mail address")
    extensions = [
        Extension(ext.KEY_USAGE, critical=True, value=_key_usage(_mail_usage(key))),
        Extension(
            ext.EXTENDED_KEY_USAGE,
            critical=False,
            value=encode.sequence(encode.oid(_PURPOSE_OIDS["emailProtection"])),
        ),
        Extension(ext.SUBJECT_ALT_NAME, critical=False, value=encode.sequence(*map(_email_name, emails))),
    ]
    wanted = encode.sequence(*map(encode_extension, extensions))
    attributes = encode.constructed(
        0x80, encode.sequence(encode.oid(_EXTENSION_REQUEST), encode.set_of([wanted]))
    )  # RFC 2985 section 5.4.2
    info = encode.sequence(
        encode.integer(0), make_name(emails[0] if subject is None else subject), key.public_key.spki_der(), attributes
    )
    scheme = default_scheme(key)
    return encode.sequence(info, algorithm_identifier(scheme), bit_string(key.sign(info, scheme)))


def _mail_usage(key: PrivateKey) -> tuple[str, ...]:
    """What a key may do in mail (RFC 8550 section 4.4.2): sign, and take a content-encryption key where it can."""
    if not can_sign(key):
        raise UsageError(f"a key of the kind {key.key_type} cannot sign, so it cannot certify itself")
    more = {"rsa": ("keyEncipherment",), "ec": ("keyAgreement",)}.get(key.key_type, ())
    return ("digitalSignature", *more)


def _certify(
    issuer: Issued | None,
    subject: bytes,
    key: PrivateKey,
    validity: tuple[datetime, datetime],
    *,
    scheme: SignatureScheme | None,
    extensions: Sequence[Extension],
) -> Issued:
    certificate = make_certificate(
        subject=subject,
        issuer=subject if issuer is None else issuer.certificate.subject_der,
        public_key=key.public_key,
        signer=key if issuer is None else issuer.key,
        not_before=validity[0],
        not_after=validity[1],
        extensions=extensions,
        scheme=scheme,
    )
    return Issued(certificate, key, () if issuer is None else issuer.certificates)


def _add_common(
    extensions: list[Extension],
    issuer: Issued | None,
    key: PrivateKey,
    *,
    usage: Sequence[str] | None,
    purposes: Sequence[str] | None,
    identifiers: bool,
) -> None:
    """Adds the extensions that authorities and others have alike."""
    if purposes is not None:
        oids = [encode.oid(_PURPOSE_OIDS.get(purpose, purpose)) for purpose in purposes]
        extensions.insert(0, Extension(ext.EXTENDED_KEY_USAGE, critical=False, value=encode.sequence(*oids)))
    if usage is not None:
        extensions.insert(0, Extension(ext.KEY_USAGE, critical=True, value=_key_usage(usage)))
    if identifiers:
        signer = key if issuer is None else issuer.key
        own = encode.octet_string(_key_identifier(key.public_key))
        authority = encode.sequence(encode.primitive(0x80, _key_identifier(signer.public_key)))
        extensions.append(Extension(ext.SUBJECT_KEY_IDENTIFIER, critical=False, value=own))
        extensions.append(Extension(ext.AUTHORITY_KEY_IDENTIFIER, critical=False, value=authority))


def default_scheme(key: PrivateKey) -> SignatureScheme:
    """The scheme that a key signs certificates by when none is asked for.

    Raises:
        UsageError: the key cannot sign.
    """
    if key.key_type == "rsa":
        return schemes.RSA_PSS_SHA256 if key.public_key.key_type == "rsa-pss" else schemes.RSA_SHA256
    if key.key_type == "ec":
        bits = key.public_key.bits
        return schemes.ECDSA_SHA256 if bits <= 256 else schemes.ECDSA_SHA384 if bits <= 384 else schemes.ECDSA_SHA512
    found = {
        "ed25519": schemes.ED25519,
        "ed448": schemes.ED448,
        "ml-dsa-44": schemes.ML_DSA_44,
        "ml-dsa-65": schemes.ML_DSA_65,
        "ml-dsa-87": schemes.ML_DSA_87,
        "dsa": schemes.SignatureScheme("dsa", "sha256"),
    }.get(key.key_type)
    if found is None:
        raise UsageError(f"a key of the kind {key.key_type} cannot sign")
    return found


# -- pieces of DER -----------------------------------------------------------------------------------------------

_PURPOSE_OIDS: Final[Mapping[str, str]] = {name: oid for oid, name in ext.PURPOSES.items()}


_SCHEME_OIDS: Final = {scheme: oid for oid, scheme in reversed([*schemes.SCHEME_OIDS.items()])}
_DIGEST_OIDS: Final = {name: oid for oid, name in schemes.DIGEST_OIDS.items()}


def algorithm_identifier(scheme: SignatureScheme) -> bytes:
    """The AlgorithmIdentifier of a scheme in DER.

    Raises:
        UsageError: the scheme has none in X.509.
    """
    if scheme.key_type == "rsa-pss":
        return encode.sequence(encode.oid(schemes.RSASSA_PSS_OID), _pss_parameters(scheme))
    oid = _SCHEME_OIDS.get(scheme)
    if oid is None:
        raise UsageError(f"no certificate can be signed by {scheme}")
    # RSA has NULL as its parameters, the others have none (RFC 4055 section 5, RFC 5758 section 3, RFC 8410).
    return encode.sequence(encode.oid(oid), encode.NULL if scheme.key_type == "rsa" else b"")


def _pss_parameters(scheme: SignatureScheme) -> bytes:
    assert scheme.digest is not None
    digest = encode.sequence(encode.oid(_DIGEST_OIDS[scheme.digest]), encode.NULL)
    mask = encode.sequence(encode.oid(_DIGEST_OIDS[scheme.mgf_digest or scheme.digest]), encode.NULL)
    salt = DIGEST_SIZES[scheme.digest] if scheme.salt_length is None else scheme.salt_length
    return encode.sequence(
        encode.constructed(0x80, digest),
        encode.constructed(0x81, encode.sequence(encode.oid(schemes.MGF1_OID), mask)),
        encode.constructed(0x82, encode.integer(salt)),
    )


def bit_string(octets: bytes) -> bytes:
    """A BIT STRING of whole octets."""
    return encode.primitive(_BIT_STRING, b"\0" + octets)


def encode_extension(extension: Extension) -> bytes:
    """An Extension in DER."""
    critical = _TRUE if extension.critical else b""
    return encode.sequence(encode.oid(extension.oid), critical, encode.octet_string(extension.value))


def _basic_constraints(is_ca: bool, path_length: int | None) -> Extension:
    length = b"" if path_length is None else encode.integer(path_length)
    value = encode.sequence(_TRUE if is_ca else b"", length)
    return Extension(ext.BASIC_CONSTRAINTS, critical=True, value=value)


def _key_usage(usage: Sequence[str]) -> bytes:
    bits = sum(1 << (15 - ext.KEY_USAGES.index(name)) for name in usage)
    octets = bits.to_bytes(2).rstrip(b"\0")
    unused = (octets[-1] & -octets[-1]).bit_length() - 1 if octets else 0
    return encode.primitive(_BIT_STRING, bytes((unused,)) + octets)


def _key_identifier(key: PublicKey) -> bytes:
    return hashlib.sha256(key.spki_der()).digest()[:20]  # RFC 7093 section 2, over the whole structure


def _email_name(address: str) -> bytes:
    if address.isascii():
        return encode.primitive(0x81, address.encode("ascii"))
    mailbox = encode.primitive(0x0C, address.encode("utf-8"))
    return encode.constructed(0x80, encode.oid(ext.SMTP_UTF8_MAILBOX), encode.constructed(0x80, mailbox))


def _name_constraints(permitted: Sequence[str], excluded: Sequence[str]) -> Extension:
    sides = [
        encode.constructed(tag, *(encode.sequence(encode.primitive(0x81, base.encode("ascii"))) for base in bases))
        for tag, bases in ((0x80, permitted), (0x81, excluded))
        if bases
    ]
    return Extension(ext.NAME_CONSTRAINTS, critical=True, value=encode.sequence(*sides))
