"""The values of certificate extensions (RFC 5280 section 4.2.1), each read from its DER.

Every reader raises `der.DERError` for a malformed value; `Certificate` turns that into a defect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailsec.crypto import der
from mailsec.crypto.limits import INTEGER_OCTETS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

__all__ = [
    "ANY_POLICY",
    "AUTHORITY_INFORMATION_ACCESS",
    "AUTHORITY_KEY_IDENTIFIER",
    "BASIC_CONSTRAINTS",
    "CERTIFICATE_POLICIES",
    "CRL_DISTRIBUTION_POINTS",
    "EXTENDED_KEY_USAGE",
    "FRESHEST_CRL",
    "INHIBIT_ANY_POLICY",
    "ISSUER_ALT_NAME",
    "KEY_USAGE",
    "NAME_CONSTRAINTS",
    "OCSP_NO_CHECK",
    "POLICY_CONSTRAINTS",
    "POLICY_MAPPINGS",
    "REASONS",
    "SUBJECT_ALT_NAME",
    "SUBJECT_KEY_IDENTIFIER",
    "AlternativeNames",
    "BasicConstraints",
    "DistributionPoint",
    "NameConstraints",
    "PolicyConstraints",
    "access_descriptions",
    "authority_key_identifier",
    "basic_constraints",
    "certificate_policies",
    "distribution_points",
    "extended_key_usage",
    "full_name",
    "general_names",
    "inhibit_any_policy",
    "key_usage",
    "name_constraints",
    "policy_constraints",
    "policy_mappings",
    "reason_flags",
    "subject_key_identifier",
]

SUBJECT_KEY_IDENTIFIER: Final = "2.5.29.14"
KEY_USAGE: Final = "2.5.29.15"
SUBJECT_ALT_NAME: Final = "2.5.29.17"
ISSUER_ALT_NAME: Final = "2.5.29.18"
BASIC_CONSTRAINTS: Final = "2.5.29.19"
NAME_CONSTRAINTS: Final = "2.5.29.30"
CRL_DISTRIBUTION_POINTS: Final = "2.5.29.31"
CERTIFICATE_POLICIES: Final = "2.5.29.32"
POLICY_MAPPINGS: Final = "2.5.29.33"
AUTHORITY_KEY_IDENTIFIER: Final = "2.5.29.35"
POLICY_CONSTRAINTS: Final = "2.5.29.36"
EXTENDED_KEY_USAGE: Final = "2.5.29.37"
FRESHEST_CRL: Final = "2.5.29.46"
INHIBIT_ANY_POLICY: Final = "2.5.29.54"
AUTHORITY_INFORMATION_ACCESS: Final = "1.3.6.1.5.5.7.1.1"
OCSP_NO_CHECK: Final = "1.3.6.1.5.5.7.48.1.5"  # RFC 6960 section 4.2.2.2.1

ANY_POLICY: Final = "2.5.29.32.0"
ACCESS_OCSP: Final = "1.3.6.1.5.5.7.48.1"
ACCESS_ISSUERS: Final = "1.3.6.1.5.5.7.48.2"

REASONS: Final = (
    "unused",
    "keyCompromise",
    "cACompromise",
    "affiliationChanged",
    "superseded",
    "cessationOfOperation",
    "certificateHold",
    "privilegeWithdrawn",
    "aACompromise",
)
"""The bits of ReasonFlags (RFC 5280 section 4.2.1.13)."""

SMTP_UTF8_MAILBOX: Final = "1.3.6.1.5.5.7.8.9"  # RFC 9598 section 3
KEY_USAGES: Final = (
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
)
PURPOSES: Final[Mapping[str, str]] = {
    "2.5.29.37.0": "anyExtendedKeyUsage",
    "1.3.6.1.5.5.7.3.1": "serverAuth",
    "1.3.6.1.5.5.7.3.2": "clientAuth",
    "1.3.6.1.5.5.7.3.3": "codeSigning",
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.8": "timeStamping",
    "1.3.6.1.5.5.7.3.9": "OCSPSigning",
}


@dataclass(frozen=True, slots=True)
class BasicConstraints:
    """Section 4.2.1.9: whether the certificate is an authority's, and how many may stand below it."""

    is_ca: bool = False
    path_length: int | None = None


@dataclass(frozen=True, slots=True)
class AlternativeNames:
    """GeneralNames (section 4.2.1.6), those kinds that are compared with anything.

    Attributes:
        emails: rfc822Name and SmtpUTF8Mailbox (RFC 9598), the former first.
        utf8_emails: those of the second kind, also such as are no addresses since their local part is ASCII.
        directories: directoryName, each a Name in DER.
        hosts: dNSName.
        uris: uniformResourceIdentifier.
        addresses: iPAddress; in name constraints each with its mask behind it.
        others: the context tags of all other kinds.
    """

    emails: tuple[str, ...] = ()
    utf8_emails: tuple[str, ...] = ()
    directories: tuple[bytes, ...] = ()
    hosts: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()
    addresses: tuple[bytes, ...] = ()
    others: frozenset[int] = frozenset()

    @property
    def count(self) -> int:
        """How many names there are of the kinds that are compared."""
        kinds = (self.emails, self.directories, self.hosts, self.uris, self.addresses)
        return sum(len(kind) for kind in kinds)


@dataclass(frozen=True, slots=True)
class NameConstraints:
    """Section 4.2.1.10."""

    permitted: AlternativeNames = AlternativeNames()
    excluded: AlternativeNames = AlternativeNames()


@dataclass(frozen=True, slots=True)
class PolicyConstraints:
    """Section 4.2.1.11: after how many more certificates what begins; `None` where it does not."""

    require_explicit_policy: int | None = None
    inhibit_policy_mapping: int | None = None


@dataclass(frozen=True, slots=True)
class DistributionPoint:
    """Section 4.2.1.13: where a CRL is.

    Attributes:
        names: its names; `None` where they are absent.
        relative: a relative distinguished name below that of the CRL's issuer, in DER without its tag, instead.
        reasons: the reasons that its CRL tells; all where it does not say.
        issuers: the names of the CRL's issuer where that is not the certificate's.
    """

    names: AlternativeNames | None = None
    relative: bytes | None = None
    reasons: frozenset[str] = frozenset(REASONS[1:])
    issuers: tuple[bytes, ...] = ()


def basic_constraints(value: bytes) -> BasicConstraints:
    """Reads BasicConstraints."""
    at, stop = _sequence(value)
    is_ca, path_length = False, None
    if at < stop and value[at] == der.BOOLEAN:
        start, at = der.expect(value, at, stop, der.BOOLEAN)
        is_ca = _boolean(value, start, at)
    if at < stop:
        start, at = der.expect(value, at, stop, der.INTEGER)
        path_length = der.integer(value, start, at)
        if path_length < 0:
            raise der.DERError("a path length is negative")
    if at != stop:
        raise der.DERError("there is something after the basic constraints")
    return BasicConstraints(is_ca, path_length)


def key_usage(value: bytes) -> frozenset[str]:
    """Reads KeyUsage: the names of the bits that are set."""
    start, stop = der.expect(value, 0, len(value), der.BIT_STRING)
    if stop != len(value) or not start < stop <= start + 3:
        raise der.DERError("a key usage is malformed")
    bits = "".join(f"{octet:08b}" for octet in value[start + 1 : stop])
    return frozenset(name for name, bit in zip(KEY_USAGES, bits, strict=False) if bit == "1")


def extended_key_usage(value: bytes) -> tuple[str, ...]:
    """Reads ExtKeyUsageSyntax: names where they are known (`"emailProtection"`), else dotted identifiers."""
    purposes: list[str] = []
    for tag, _, start, stop in der.children(value, *_sequence(value)):
        if tag != der.OID:
            raise der.DERError("an extended key usage is malformed")
        oid = der.oid_text(value, start, stop)
        purposes.append(PURPOSES.get(oid, oid))
    if not purposes:
        raise der.DERError("an extended key usage is empty")
    return tuple(purposes)


def subject_key_identifier(value: bytes) -> bytes:
    """Reads SubjectKeyIdentifier."""
    start, stop = der.expect(value, 0, len(value), der.OCTET_STRING)
    return value[start:stop]


def authority_key_identifier(value: bytes) -> bytes | None:
    """Reads the keyIdentifier of AuthorityKeyIdentifier, if it has one."""
    for tag, _, start, stop in der.children(value, *_sequence(value)):
        if tag == 0x80:
            return value[start:stop]
    return None


def general_names(value: bytes) -> AlternativeNames:
    """Reads GeneralNames."""
    return _general_names(value, [element[:1] + element[2:] for element in der.children(value, *_sequence(value))])


def name_constraints(value: bytes) -> NameConstraints:
    """Reads NameConstraints; minimum and maximum must be absent, as section 4.2.1.10 wants."""
    sides = {0xA0: AlternativeNames(), 0xA1: AlternativeNames()}
    for tag, _, start, stop in der.children(value, *_sequence(value)):
        if tag not in sides:
            raise der.DERError("name constraints are malformed")
        bases: list[tuple[int, int, int]] = []
        for kind, _, inner, end in der.children(value, start, stop):
            if kind != der.SEQUENCE:
                raise der.DERError("a name constraint is malformed")
            base = der.read(value, inner, end)
            if base[2] != end:
                raise der.DERError("a name constraint has a minimum or a maximum")
            bases.append(base)
        sides[tag] = _general_names(value, bases)
        if any(len(base) not in {8, 32} for base in sides[tag].addresses):
            raise der.DERError("a constraint on IP addresses is no address with a mask")
    return NameConstraints(sides[0xA0], sides[0xA1])


def certificate_policies(value: bytes) -> tuple[str, ...]:
    """Reads CertificatePolicies (section 4.2.1.4): the policies; what qualifies them is for people and passed over."""
    found: list[str] = []
    for tag, _, start, stop in der.children(value, *_sequence(value)):
        if tag != der.SEQUENCE:
            raise der.DERError("a certificate policy is malformed")
        found.append(der.oid_text(value, *der.expect(value, start, stop, der.OID)))
    if not found:
        raise der.DERError("there is no certificate policy in it")
    if len(set(found)) != len(found):
        raise der.DERError("a certificate policy stands there twice")
    return tuple(found)


def policy_mappings(value: bytes) -> tuple[tuple[str, str], ...]:
    """Reads PolicyMappings (section 4.2.1.5): pairs of the issuer's and the subject's policies."""
    found: list[tuple[str, str]] = []
    for tag, _, start, stop in der.children(value, *_sequence(value)):
        if tag != der.SEQUENCE:
            raise der.DERError("a policy mapping is malformed")
        first, at = der.expect(value, start, stop, der.OID)
        second, end = der.expect(value, at, stop, der.OID)
        if end != stop:
            raise der.DERError("a policy mapping is malformed")
        found.append((der.oid_text(value, first, at), der.oid_text(value, second, end)))
    if not found:
        raise der.DERError("there is no policy mapping in it")
    return tuple(found)


def policy_constraints(value: bytes) -> PolicyConstraints:
    """Reads PolicyConstraints (section 4.2.1.11)."""
    found: dict[int, int] = {}
    for tag, _, start, stop in der.children(value, *_sequence(value)):
        if tag not in {0x80, 0x81} or tag in found:
            raise der.DERError("policy constraints are malformed")
        found[tag] = _count(value, start, stop)
    return PolicyConstraints(found.get(0x80), found.get(0x81))


def inhibit_any_policy(value: bytes) -> int:
    """Reads InhibitAnyPolicy (section 4.2.1.14)."""
    start, stop = der.expect(value, 0, len(value), der.INTEGER)
    if stop != len(value):
        raise der.DERError("there is something after the end of an extension")
    return _count(value, start, stop)


def access_descriptions(value: bytes) -> tuple[tuple[str, str], ...]:
    """Reads AuthorityInfoAccessSyntax (section 4.2.2.1): access methods and URIs; other names are left out."""
    found: list[tuple[str, str]] = []
    for tag, _, start, stop in der.children(value, *_sequence(value)):
        if tag != der.SEQUENCE:
            raise der.DERError("an access description is malformed")
        inner, at = der.expect(value, start, stop, der.OID)
        kind, first, last = der.read(value, at, stop)
        if kind == 0x86:
            found.append((der.oid_text(value, inner, at), value[first:last].decode("ascii", "replace")))
    return tuple(found)


def distribution_points(value: bytes) -> tuple[DistributionPoint, ...]:
    """Reads CRLDistributionPoints (section 4.2.1.13)."""
    found: list[DistributionPoint] = []
    for tag, _, start, stop in der.children(value, *_sequence(value)):
        if tag != der.SEQUENCE:
            raise der.DERError("a distribution point is malformed")
        point: dict[str, Any] = {}
        for kind, _, inner, end in der.children(value, start, stop):
            if kind == 0xA0:
                point["names"], point["relative"] = full_name(value, inner, end)
            elif kind == 0x81:
                point["reasons"] = reason_flags(value, inner, end)
            elif kind == 0xA2:
                elements = [element[:1] + element[2:] for element in der.children(value, inner, end)]
                point["issuers"] = _general_names(value, elements).directories
            else:
                raise der.DERError("a distribution point has an unknown field")
        found.append(DistributionPoint(**point))
    return tuple(found)


def full_name(octets: bytes, start: int, stop: int) -> tuple[AlternativeNames | None, bytes | None]:
    """Reads DistributionPointName: the full names, or else the name relative to the CRL's issuer."""
    tag, inner, end = der.read(octets, start, stop)
    if end != stop or tag not in {0xA0, 0xA1}:
        raise der.DERError("the name of a distribution point is malformed")
    if tag == 0xA1:
        return None, octets[inner:end]
    return _general_names(octets, [element[:1] + element[2:] for element in der.children(octets, inner, end)]), None


def reason_flags(octets: bytes, start: int, stop: int) -> frozenset[str]:
    """Reads the content of ReasonFlags: the reasons whose bits are set."""
    if not start < stop <= start + 3:
        raise der.DERError("reason flags are malformed")
    bits = "".join(f"{octet:08b}" for octet in octets[start + 1 : stop])
    return frozenset(name for name, bit in zip(REASONS, bits, strict=False) if bit == "1")


def _count(octets: bytes, start: int, stop: int) -> int:
    """A number of certificates; more than can stand in any path are as many as there can be."""
    if stop > start + INTEGER_OCTETS:
        raise der.DERError("a number is too long")
    number = der.integer(octets, start, stop)
    if number < 0:
        raise der.DERError("a number of certificates is negative")
    return number


def _general_names(value: bytes, elements: list[tuple[int, int, int]]) -> AlternativeNames:
    emails: list[str] = []
    utf8_emails: list[str] = []
    directories: list[bytes] = []
    hosts: list[str] = []
    uris: list[str] = []
    addresses: list[bytes] = []
    others: set[int] = set()
    # Octets above ASCII, which the IA5String kinds must not have, become what never matches anything.
    for tag, start, stop in elements:
        if tag == 0x81:
            emails.append(value[start:stop].decode("ascii", "replace"))
        elif tag == 0xA4:
            directories.append(value[start:stop])
        elif tag == 0x82:
            hosts.append(value[start:stop].decode("ascii", "replace"))
        elif tag == 0x86:
            uris.append(value[start:stop].decode("ascii", "replace"))
        elif tag == 0x87:
            addresses.append(value[start:stop])
        elif tag == 0xA0 and (mailbox := _smtp_utf8_mailbox(value, start, stop)) is not None:
            utf8_emails.append(mailbox)
        else:
            others.add(tag & 0x1F)
    # RFC 9598 section 3: a SmtpUTF8Mailbox whose local part is ASCII must not be, and is no address.
    international = [mailbox for mailbox in utf8_emails if not mailbox.rpartition("@")[0].isascii()]
    return AlternativeNames(
        tuple(dict.fromkeys(emails + international)),
        tuple(utf8_emails),
        tuple(directories),
        tuple(hosts),
        tuple(uris),
        tuple(addresses),
        frozenset(others),
    )


def _smtp_utf8_mailbox(value: bytes, start: int, stop: int) -> str | None:
    inner, at = der.expect(value, start, stop, der.OID)
    if der.oid_text(value, inner, at) != SMTP_UTF8_MAILBOX:
        return None
    inner, end = der.expect(value, at, stop, 0xA0)
    first, last = der.expect(value, inner, end, 0x0C)
    return value[first:last].decode("utf-8", "replace")


def _sequence(value: bytes) -> tuple[int, int]:
    start, stop = der.expect(value, 0, len(value), der.SEQUENCE)
    if stop != len(value):
        raise der.DERError("there is something after the end of an extension")
    return start, stop


def _boolean(octets: bytes, start: int, stop: int) -> bool:
    if stop != start + 1:
        raise der.DERError("a BOOLEAN is malformed")
    return octets[start] != 0
