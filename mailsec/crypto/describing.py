"""A certificate told to people: names in words, and all of it as an outline, every extension in words.

Everything in a certificate is foreign text; what is given here is safe to show, each line for itself.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailsec.crypto import der, names
from mailsec.crypto import extensions as ext
from mailsec.message import safe_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from mailsec.crypto.certificates import Certificate, Extension
    from mailsec.crypto.keys import PublicKey
    from mailsec.crypto.schemes import SignatureScheme

__all__ = ["Line", "describe_certificate", "describe_key", "describe_scheme", "grouped", "name_in_words"]

_LONGEST: Final = 500  # characters of one name or URL
_MANY: Final = 100  # names, URLs, policies and so on of one kind
_OCTETS: Final = 64  # octets of a value that is shown as such

_ATTRIBUTES: Final[Mapping[str, str]] = {
    "2.5.4.3": "common name",
    "2.5.4.4": "surname",
    "2.5.4.5": "serial number",
    "2.5.4.6": "country",
    "2.5.4.7": "locality",
    "2.5.4.8": "state or province",
    "2.5.4.9": "street",
    "2.5.4.10": "organization",
    "2.5.4.11": "organizational unit",
    "2.5.4.12": "title",
    "2.5.4.17": "postal code",
    "2.5.4.42": "given name",
    "2.5.4.65": "pseudonym",
    "2.5.4.97": "organization identifier",
    "0.9.2342.19200300.100.1.1": "user identifier",
    "0.9.2342.19200300.100.1.25": "domain component",
    names.EMAIL_ADDRESS: "e-mail address in the name",
}
_COMMON_NAME, _UNIT, _ORGANIZATION, _PSEUDONYM = "2.5.4.3", "2.5.4.11", "2.5.4.10", "2.5.4.65"
_GIVEN_NAME, _SURNAME = "2.5.4.42", "2.5.4.4"

_USAGES: Final[Mapping[str, str]] = {
    "digitalSignature": "signing",
    "nonRepudiation": "signing that cannot be denied later",
    "keyEncipherment": "encrypting keys",
    "dataEncipherment": "encrypting data",
    "keyAgreement": "agreeing on keys",
    "keyCertSign": "signing certificates",
    "cRLSign": "signing revocation lists",
    "encipherOnly": "agreeing on keys to encrypt only",
    "decipherOnly": "agreeing on keys to decrypt only",
}
_PURPOSES: Final[Mapping[str, str]] = {
    "anyExtendedKeyUsage": "anything",
    "serverAuth": "servers (TLS)",
    "clientAuth": "clients (TLS)",
    "codeSigning": "signing programs",
    "emailProtection": "mail",
    "timeStamping": "time stamps",
    "OCSPSigning": "answers on revocation (OCSP)",
    "1.3.6.1.4.1.311.10.3.12": "signing documents (Microsoft)",
    "1.3.6.1.4.1.311.10.3.4": "encrypting files (Microsoft)",
    "1.3.6.1.4.1.311.20.2.2": "logging in with a smart card (Microsoft)",
    "1.3.6.1.5.5.7.3.36": "signing documents",
}
_POLICIES: Final[Mapping[str, str]] = {
    ext.ANY_POLICY: "any policy",
    # CA/Browser Forum, S/MIME Baseline Requirements, section 7.1.6.1
    **{
        f"2.23.140.1.5.{kind}.{profile}": f"{what} ({how})"
        for kind, what in enumerate(
            (
                "the mailbox was validated",
                "an organization was validated",
                "an organization vouches for the person",
                "the person was validated",
            ),
            1,
        )
        for profile, how in enumerate(("legacy", "multipurpose", "strict"), 1)
    },
}
_NAMES: Final[Mapping[str, str]] = {
    "2.5.29.9": "attributes of the subject",
    "2.5.29.16": "period in which the private key is used",
    "2.5.29.56": "no information on revocation will be given",
    "1.3.6.1.5.5.7.1.3": "statements on a qualified certificate",
    "1.3.6.1.5.5.7.1.11": "information about the subject",
    "1.3.6.1.5.5.7.1.12": "logotypes",
    ext.OCSP_NO_CHECK: "the responder's certificate is not to be checked for revocation",
    "1.3.6.1.4.1.11129.2.4.2": "timestamps of certificate transparency logs",
    "1.2.840.113549.1.9.15": "S/MIME capabilities",
    "1.3.6.1.4.1.311.20.2": "type of certificate (Microsoft)",
    "1.3.6.1.4.1.311.21.7": "template (Microsoft)",
    "1.3.6.1.4.1.311.21.10": "purposes (Microsoft)",
    "1.3.6.1.4.1.311.25.2": "security identifier (Microsoft)",
    "2.16.840.1.113730.1.1": "type of certificate (Netscape)",
    "2.16.840.1.113730.1.13": "comment (Netscape)",
}
_SCHEMES: Final[Mapping[str, str]] = {
    "rsa": "RSASSA-PKCS1-v1_5",
    "rsa-pss": "RSASSA-PSS",
    "ec": "ECDSA",
    "dsa": "DSA",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an outline with what stands under it.

    Attributes:
        text: safe to show.
        children: what stands under it.
    """

    text: str
    children: tuple[Line, ...] = ()


def name_in_words(name: bytes) -> str:
    """What a Name in DER calls somebody, in a few words: the common name and the organization, safe to show.

    It is for reading, not for telling two names apart.

    Args:
        name: a Name (RFC 5280 section 4.1.2.4) in DER.

    Returns:
        Such as `"Alice Example, Example GmbH"`; the whole name as RFC 4514 writes it where it has none of the usual
        attributes, and `"(no name)"` where it is empty.
    """
    try:
        found: dict[str, str] = {}
        for rdn in names.attributes(name):
            for oid, text, _ in rdn:
                if text and text.strip():
                    found[oid] = text.strip()  # the last is the most specific
    except der.DERError:
        found = {}
    person = " ".join(found[oid] for oid in (_GIVEN_NAME, _SURNAME) if oid in found)
    first = found.get(_COMMON_NAME) or found.get(_PSEUDONYM) or person or found.get(names.EMAIL_ADDRESS, "")
    organization = found.get(_ORGANIZATION, "")
    if not first:
        first, organization = (found.get(_UNIT, "") or organization), (organization if _UNIT in found else "")
    words = first if not organization or organization == first else f"{first}, {organization}"
    return _cut(words or names.rfc4514(name) or "(no name)")


def grouped(digits: str, size: int = 4) -> str:
    """Hexadecimal digits in groups, in which people compare them.

    Args:
        digits: the digits.
        size: how many stand together.
    """
    return " ".join(digits[at : at + size] for at in range(0, len(digits), size))


def describe_key(key: PublicKey) -> str:
    """What kind of key it is, such as `"RSA of 3072 bits"` or `"P-256"`, or why it cannot be used."""
    if key.trouble:
        return safe_text(key.trouble)
    if key.curve is not None:
        return key.curve
    if key.key_type == "rsa-pss":
        return f"RSA of {key.bits} bits for RSASSA-PSS only"
    kinds = {"ed25519": "Ed25519", "ed448": "Ed448", "x25519": "X25519", "x448": "X448"}
    if key.key_type in kinds:
        return kinds[key.key_type]
    kind = key.key_type.upper()
    return kind if kind.startswith("ML-") else f"{kind} of {key.bits} bits"


def describe_scheme(scheme: SignatureScheme) -> str:
    """How a signature is made in a few words, such as `"RSASSA-PSS with SHA-256"`."""
    name = _SCHEMES.get(scheme.key_type)
    if name is None:
        name = scheme.key_type.upper() if scheme.key_type.startswith("ml-") else scheme.key_type.capitalize()
    return name if scheme.digest is None else f"{name} with {scheme.digest.upper().replace('SHA', 'SHA-', 1)}"


def describe_certificate(certificate: Certificate) -> tuple[Line, ...]:
    """All that a certificate says, as an outline, each extension in words.

    Args:
        certificate: the certificate.
    """
    return tuple(_lines(certificate))


def _lines(certificate: Certificate) -> Iterator[Line]:
    yield Line(f"subject: {name_in_words(certificate.subject_der)}", _name(certificate.subject_der))
    for address in _few(certificate.emails):
        yield Line(f"for {address}")
    yield Line(f"issuer: {name_in_words(certificate.issuer_der)}", _name(certificate.issuer_der))
    yield Line(f"valid from {certificate.not_before:%Y-%m-%d %H:%M:%S} UTC")
    yield Line(f"valid to {certificate.not_after:%Y-%m-%d %H:%M:%S} UTC, that second included")
    serial = f"{certificate.serial:x}" if certificate.serial >= 0 else f"-{-certificate.serial:x}"
    yield Line(f"serial number: {grouped(serial)} (hexadecimal)")
    yield Line(f"key: {describe_key(certificate.public_key)}")
    scheme = certificate.signature_scheme
    how = "an algorithm that is not known" if scheme is None else describe_scheme(scheme)
    yield Line(f"signed by the issuer with {how}")
    yield Line(f"fingerprint (SHA-256): {grouped(certificate.fingerprint)}")
    yield Line(f"X.509 version {certificate.version}")
    for extension in certificate.extensions[:_MANY]:
        yield _extension(extension)
    for defect in _few(certificate.defects):
        yield Line(f"malformed: {defect}")


def _name(name: bytes) -> tuple[Line, ...]:
    """A Name attribute by attribute, as they stand in it."""
    try:
        rdns = names.attributes(name)
    except der.DERError:
        return (Line(f"cannot be read: {name[:_OCTETS].hex()}"),)
    found = [
        Line(f"{_ATTRIBUTES.get(oid, oid)}: {_cut(text) if text is not None else _hexadecimal(value)}")
        for rdn in rdns
        for oid, text, value in rdn
    ]
    return tuple(_limited(found))


def _extension(extension: Extension) -> Line:
    critical = " (critical)" if extension.critical else ""
    told = _WORDS.get(extension.oid)
    if told is None:
        name = _NAMES.get(extension.oid, f"extension {extension.oid}")
        return Line(f"{name}{critical}", (Line(_hexadecimal(extension.value)),) if extension.value else ())
    title, tell = told
    try:
        lines = tuple(_limited(Line(_cut(text)) for text in tell(extension.value)))
    except der.DERError as error:
        return Line(f"{title}{critical}: it cannot be read: {safe_text(str(error))}")
    if len(lines) == 1:
        return Line(f"{title}{critical}: {lines[0].text}")
    return Line(f"{title}{critical}", lines)


def _limited(lines: Iterable[Line]) -> Iterator[Line]:
    for count, line in enumerate(lines):
        if count == _MANY:
            yield Line("and more")
            return
        yield line


def _few(texts: Iterable[str]) -> Iterator[str]:
    for count, text in enumerate(texts):
        if count == _MANY:
            yield "and more"
            return
        yield _cut(text)


def _cut(text: str) -> str:
    return safe_text(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…")


def _hexadecimal(octets: bytes) -> str:
    more = f" … ({len(octets)} octets)" if len(octets) > _OCTETS else ""
    return grouped(octets[:_OCTETS].hex()) + more


# -- extensions in words -------------------------------------------------------------------------------------


def _alternative_names(value: bytes) -> Iterator[str]:
    yield from _general(ext.general_names(value))


def _general(found: ext.AlternativeNames) -> Iterator[str]:
    yield from (f"mail: {one}" for one in found.emails)
    yield from (f"host: {one}" for one in found.hosts)
    yield from (f"name: {names.rfc4514(one)}" for one in found.directories)
    yield from (f"URI: {one}" for one in found.uris)
    yield from (f"IP: {_address(one)}" for one in found.addresses)
    if found.others:
        yield "names of other kinds"


def _address(octets: bytes) -> str:
    half = len(octets) // 2
    try:
        if len(octets) in {8, 32}:  # with a mask, in name constraints
            mask = int.from_bytes(octets[half:])
            return f"{ipaddress.ip_address(octets[:half])}/{mask.bit_count()}"
        return str(ipaddress.ip_address(octets))
    except ValueError:
        return octets.hex()


def _basic_constraints(value: bytes) -> Iterator[str]:
    found = ext.basic_constraints(value)
    if not found.is_ca:
        yield "no authority: it may not issue certificates"
    elif found.path_length is None:
        yield "an authority: it may issue certificates"
    else:
        authorities = "1 authority" if found.path_length == 1 else f"{found.path_length} authorities"
        yield f"an authority: it may issue certificates, with at most {authorities} below it"


def _key_usage(value: bytes) -> Iterator[str]:
    found = ext.key_usage(value)
    yield ", ".join(words for name, words in _USAGES.items() if name in found) or "nothing"


def _extended_key_usage(value: bytes) -> Iterator[str]:
    yield from (_PURPOSES.get(one, one) for one in ext.extended_key_usage(value))


def _name_constraints(value: bytes) -> Iterator[str]:
    found = ext.name_constraints(value)
    yield from (f"only {one}" for one in _general(found.permitted))
    yield from (f"never {one}" for one in _general(found.excluded))


def _policies(value: bytes) -> Iterator[str]:
    for oid in ext.certificate_policies(value):
        yield f"{oid}: {_POLICIES[oid]}" if oid in _POLICIES else oid


def _policy_mappings(value: bytes) -> Iterator[str]:
    yield from (f"the issuer's {one} is the subject's {other}" for one, other in ext.policy_mappings(value))


def _policy_constraints(value: bytes) -> Iterator[str]:
    found = ext.policy_constraints(value)
    if found.require_explicit_policy is not None:
        yield f"policies must be named after {found.require_explicit_policy} more certificates"
    if found.inhibit_policy_mapping is not None:
        yield f"policies may not be mapped after {found.inhibit_policy_mapping} more certificates"


def _inhibit_any_policy(value: bytes) -> Iterator[str]:
    yield f"any policy counts for none after {ext.inhibit_any_policy(value)} more certificates"


def _points(value: bytes) -> Iterator[str]:
    for point in ext.distribution_points(value):
        if point.names is not None:
            yield from _general(point.names)
        elif point.relative is not None:
            yield "under a name relative to its issuer"
        for issuer in point.issuers:
            yield f"issued by {names.rfc4514(issuer)}"
        if point.reasons != frozenset(ext.REASONS[1:]):
            yield f"for {', '.join(sorted(point.reasons))} only"


def _access(value: bytes) -> Iterator[str]:
    kinds = {ext.ACCESS_OCSP: "revocation (OCSP)", ext.ACCESS_ISSUERS: "the issuer's certificate"}
    yield from (f"{kinds.get(method, method)}: {url}" for method, url in ext.access_descriptions(value))


def _subject_key(value: bytes) -> Iterator[str]:
    yield _hexadecimal(ext.subject_key_identifier(value))


def _authority_key(value: bytes) -> Iterator[str]:
    found = ext.authority_key_identifier(value)
    yield "not by a key identifier" if found is None else _hexadecimal(found)


_WORDS: Final[Mapping[str, tuple[str, Callable[[bytes], Iterator[str]]]]] = {
    ext.SUBJECT_ALT_NAME: ("names", _alternative_names),
    ext.ISSUER_ALT_NAME: ("other names of the issuer", _alternative_names),
    ext.BASIC_CONSTRAINTS: ("authority", _basic_constraints),
    ext.KEY_USAGE: ("the key is for", _key_usage),
    ext.EXTENDED_KEY_USAGE: ("purposes", _extended_key_usage),
    ext.NAME_CONSTRAINTS: ("may certify", _name_constraints),
    ext.CERTIFICATE_POLICIES: ("policies", _policies),
    ext.POLICY_MAPPINGS: ("mapping of policies", _policy_mappings),
    ext.POLICY_CONSTRAINTS: ("constraints on policies", _policy_constraints),
    ext.INHIBIT_ANY_POLICY: ("limit on any policy", _inhibit_any_policy),
    ext.CRL_DISTRIBUTION_POINTS: ("revocation lists (CRL)", _points),
    ext.FRESHEST_CRL: ("newest changes of revocation lists (delta CRL)", _points),
    ext.AUTHORITY_INFORMATION_ACCESS: ("from the issuer", _access),
    ext.SUBJECT_KEY_IDENTIFIER: ("identifier of its key", _subject_key),
    ext.AUTHORITY_KEY_IDENTIFIER: ("identifier of the issuer's key", _authority_key),
}
