"""Certificate revocation lists (RFC 5280 section 5), of any length.

The list is one octet string; no object is made of an entry that is not asked for. A certificate that is not listed,
which is the usual answer, costs one search for its serial number. Only where that occurs the entries are gone through,
and then by their lengths.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from mailsec.crypto import der, names
from mailsec.crypto import extensions as ext
from mailsec.crypto.certificates import Extension, read_extensions
from mailsec.crypto.limits import INTEGER_OCTETS, REVOCATION_LIMITS, RevocationLimits
from mailsec.crypto.schemes import SignatureScheme, scheme_of
from mailsec.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from mailsec.crypto.certificates import Certificate
    from mailsec.crypto.keys import PublicKey

__all__ = ["ALL_REASONS", "REASON_CODES", "Entry", "IssuingDistributionPoint", "RevocationList"]

ALL_REASONS: Final = frozenset(ext.REASONS[1:])
"""The reasons that must be known before a certificate counts as not revoked (RFC 5280 section 6.3.2 (b))."""

_CRL_NUMBER: Final = "2.5.29.20"
_REASON_CODE: Final = "2.5.29.21"
_INVALIDITY_DATE: Final = "2.5.29.24"
_DELTA_INDICATOR: Final = "2.5.29.27"
_ISSUING_POINT: Final = "2.5.29.28"
_CERTIFICATE_ISSUER: Final = "2.5.29.29"
_EXPIRED_CERTIFICATES: Final = "2.5.29.60"  # ITU-T X.509 section 9.5.2.8
_KNOWN: Final = frozenset(
    {
        ext.ISSUER_ALT_NAME,
        ext.AUTHORITY_KEY_IDENTIFIER,
        ext.FRESHEST_CRL,
        ext.AUTHORITY_INFORMATION_ACCESS,
        _CRL_NUMBER,
        _DELTA_INDICATOR,
        _ISSUING_POINT,
        _EXPIRED_CERTIFICATES,
    }
)
_KNOWN_IN_ENTRIES: Final = frozenset({_REASON_CODE, _INVALIDITY_DATE, _CERTIFICATE_ISSUER})
_CRITICAL: Final = b"\x01\x01\xff"
_CERTIFICATE_ISSUER_OID: Final = b"\x06\x03\x55\x1d\x1d"

# The values of CRLReason (section 5.3.1); the seventh is not used.
REASON_CODES: Final = {
    0: "unspecified",
    1: "keyCompromise",
    2: "cACompromise",
    3: "affiliationChanged",
    4: "superseded",
    5: "cessationOfOperation",
    6: "certificateHold",
    8: "removeFromCRL",
    9: "privilegeWithdrawn",
    10: "aACompromise",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """What a CRL or an OCSP response says of a certificate that is revoked (section 5.3).

    Attributes:
        at: since when.
        reason: why, a name of CRLReason; `"unspecified"` where it is not said.
        invalid_since: since when the key is known or suspected to have been in other hands, if that is said.
    """

    at: datetime
    reason: str = "unspecified"
    invalid_since: datetime | None = None

    def counts_at(self, moment: datetime) -> bool:
        """Whether a signature of this moment is one by a revoked certificate.

        A later revocation leaves it what it was, unless the key had been compromised before (section 5.3.2).
        """
        if self.at <= moment:
            return True
        compromised = self.reason in {"keyCompromise", "cACompromise", "aACompromise"}
        return compromised and self.invalid_since is not None and self.invalid_since <= moment


@dataclass(frozen=True, slots=True)
class IssuingDistributionPoint:
    """Section 5.2.5: which certificates and reasons a CRL is about; without one, all of its issuer's.

    Attributes:
        names: the names of the distribution point; `None` where they are absent.
        relative: a relative distinguished name below that of the issuer, instead.
        users_only: whether it is about no authorities.
        authorities_only: whether it is about authorities only.
        attributes_only: whether it is about attribute certificates only.
        indirect: whether it is about certificates of other issuers too.
        reasons: the reasons that it tells.
    """

    names: ext.AlternativeNames | None = None
    relative: bytes | None = None
    users_only: bool = False
    authorities_only: bool = False
    attributes_only: bool = False
    indirect: bool = False
    reasons: frozenset[str] = ALL_REASONS


class RevocationList:
    """A CertificateList (section 5.1), complete or delta. Two are equal if their octets are.

    Args:
        octets: the list in DER, nothing after it.
        limits: how long it may be, and how many of its entries may have to be read.

    Raises:
        InputError: it is none, or over a limit; the sentence says which.

    Attributes:
        der: the whole list.
        issuer_der: the issuer's Name in DER.
        issuer_key: the same in the form in which names are compared.
        this_update: when it was issued.
        next_update: when the next one is issued at the latest; `None` if it does not say, which section 5.1.2.5
            does not allow.
        extensions: its extensions.
        scope: which certificates and reasons it is about.
        scope_der: the same as it stands, for comparing; empty if it is about all.
        number: its number, if it has one.
        base_number: of a delta CRL, the number of the CRL that it starts from; else `None`.
        key_identifier: the identifier of the key that signed it, if it is named.
        expired_since: certificates that expired since then are still listed, if it says so.
        freshest: where its delta CRLs are.
        scheme: how it is signed; `None` if we do not know the algorithm.
    """

    der: bytes
    issuer_der: bytes
    this_update: datetime
    next_update: datetime | None
    extensions: tuple[Extension, ...]

    def __init__(self, octets: bytes, limits: RevocationLimits = REVOCATION_LIMITS) -> None:
        octets = bytes(octets)
        if len(octets) > limits.list_octets:
            raise InputError(f"the CRL has {len(octets)} octets, and more than {limits.list_octets} are not taken")
        self.der = octets
        self._limits = limits
        try:
            self._read(octets)
        except der.DERError as error:
            raise InputError(f"it is no CRL: {error}") from None

    def _read(self, octets: bytes) -> None:
        start, stop = der.expect(octets, 0, len(octets), der.SEQUENCE)
        if stop != len(octets):
            raise der.DERError("there is something after its end")
        at, end = der.expect(octets, start, stop, der.SEQUENCE)
        self._tbs = (start, end)
        _, algorithm_end = der.expect(octets, end, stop, der.SEQUENCE)
        algorithm = octets[end:algorithm_end]
        value, signature_end = der.expect(octets, algorithm_end, stop, der.BIT_STRING)
        self._signature = der.bit_string(octets, value, signature_end)
        if signature_end != stop:
            raise der.DERError("there is something after its signature")
        self.scheme: SignatureScheme | None = scheme_of(algorithm)
        self._read_tbs(octets, at, end, algorithm)

    def _read_tbs(self, octets: bytes, at: int, end: int, algorithm: bytes) -> None:
        """Reads TBSCertList (section 5.1.2)."""
        self._defects: list[str] = []
        tag, _, after = der.read(octets, at, end)
        if tag == der.INTEGER:  # the version; the first has none
            at = after
        _, after = der.expect(octets, at, end, der.SEQUENCE)
        if octets[at:after] != algorithm:
            self._defects.append("it names two different signature algorithms")
        _, at = der.expect(octets, after, end, der.SEQUENCE)
        self.issuer_der = octets[after:at]
        self.issuer_key = names.canonical(self.issuer_der)
        tag, first, at = der.read(octets, at, end)
        self.this_update = der.time(octets, tag, first, at)
        self.next_update = None
        self._entries = (at, at)
        self.extensions = ()
        for tag, _, first, last in der.children(octets, at, end):
            if tag in {0x17, 0x18}:
                self.next_update = der.time(octets, tag, first, last)
            elif tag == der.SEQUENCE:
                self._entries = (first, last)
            elif tag == 0xA0:
                inner, stop = der.expect(octets, first, last, der.SEQUENCE)
                self.extensions = tuple(read_extensions(octets, inner, stop))
            else:
                raise der.DERError("it has an unknown field")
        self._read_extensions()

    def _read_extensions(self) -> None:
        """Reads what its extensions say (section 5.2)."""
        self.scope, self.scope_der = IssuingDistributionPoint(), b""
        self.number: int | None = None
        self.base_number: int | None = None
        self.key_identifier: bytes | None = None
        self.expired_since: datetime | None = None
        self.freshest: tuple[ext.DistributionPoint, ...] = ()
        if len({extension.oid for extension in self.extensions}) != len(self.extensions):
            self._defects.append("it has an extension twice")
        for extension in self.extensions:
            value = extension.value
            if extension.oid == _ISSUING_POINT:
                self.scope, self.scope_der = _issuing_point(value), value
            elif extension.oid == _CRL_NUMBER:
                self.number = _number(value)
            elif extension.oid == _DELTA_INDICATOR:
                self.base_number = _number(value)
            elif extension.oid == ext.AUTHORITY_KEY_IDENTIFIER:
                self.key_identifier = ext.authority_key_identifier(value)
            elif extension.oid == _EXPIRED_CERTIFICATES:
                self.expired_since = der.time(value, *der.read(value, 0, len(value)))
            elif extension.oid == ext.FRESHEST_CRL:
                self.freshest = ext.distribution_points(value)
            elif extension.critical and extension.oid not in _KNOWN:
                self._defects.append(f"it has the critical extension {extension.oid}, which is not known")

    # -- use -------------------------------------------------------------------------------------------------

    @property
    def issuer(self) -> str:
        """The issuer as text (RFC 4514). It is foreign text: make it safe before it is shown."""
        return names.rfc4514(self.issuer_der)

    @property
    def is_delta(self) -> bool:
        """Whether it tells only what changed since another."""
        return self.base_number is not None

    @cached_property
    def defects(self) -> tuple[str, ...]:
        """Why it must not be used (sections 5.2 and 5.3), each as part of a sentence."""
        found = list(self._defects)
        if self.next_update is None:
            found.append("it does not say when the next one is issued")
        try:
            unknown = self._unknown_in_entries()
        except der.DERError as error:
            unknown = f"its entries are malformed: {error}"
        return (*found, unknown) if unknown else tuple(found)

    def is_signed_by(self, key: PublicKey) -> bool:
        """Whether the signature is right and by this key."""
        start, end = self._tbs
        signed = memoryview(self.der)[start:end]
        return self.scheme is not None and key.verify(self._signature, signed, self.scheme)

    def find(self, certificate: Certificate) -> Entry | None:
        """The entry of a certificate; `None` if it is not listed.

        Args:
            certificate: one that is in the scope of the list.

        Raises:
            InputError: the entries are malformed.
        """
        octets, (start, stop) = self.der, self._entries
        serial = certificate.serial_der
        if octets.find(serial, start, stop) < 0:
            return None
        issuer = self.issuer_key
        wanted = certificate.issuer_key
        changes = octets.find(_CERTIFICATE_ISSUER_OID, start, stop) if self.scope.indirect else -1
        try:
            for inner, end in self._walk():
                if inner <= changes < end:
                    issuer = self._issuer_of(inner, end) or issuer
                    changes = octets.find(_CERTIFICATE_ISSUER_OID, end, stop)
                if octets.startswith(serial, inner, end) and issuer == wanted:
                    return self._entry(inner, end)
        except der.DERError as error:
            raise InputError(f"the entries of the CRL are malformed: {error}") from None
        return None

    def _walk(self) -> Iterator[tuple[int, int]]:
        """Goes through the entries: where the content of each starts and stops."""
        octets, (at, stop) = self.der, self._entries
        while at < stop:
            inner = at + 2
            if octets[at] == der.SEQUENCE and octets[at + 1] < 0x80 and (end := inner + octets[at + 1]) <= stop:
                yield inner, end
            else:
                inner, end = der.expect(octets, at, stop, der.SEQUENCE)
                yield inner, end
            at = end

    def _parts(self, inner: int, end: int) -> tuple[datetime, tuple[Extension, ...]]:
        octets = self.der
        _, at = der.expect(octets, inner, end, der.INTEGER)
        tag, first, last = der.read(octets, at, end)
        moment = der.time(octets, tag, first, last)
        if last == end:
            return moment, ()
        first, stop = der.expect(octets, last, end, der.SEQUENCE)
        return moment, tuple(read_extensions(octets, first, stop))

    def _entry(self, inner: int, end: int) -> Entry:
        moment, extensions = self._parts(inner, end)
        return entry_of(moment, extensions)

    def _issuer_of(self, inner: int, end: int) -> names.CanonicalName | None:
        """Whose the certificates are from this entry on (section 5.3.3); `None` if it does not say."""
        for extension in self._parts(inner, end)[1]:
            if extension.oid == _CERTIFICATE_ISSUER:
                found = ext.general_names(extension.value).directories
                return names.canonical(found[0]) if found else (frozenset(),)
        return None

    def _unknown_in_entries(self) -> str:
        """What stands in an entry and forbids using the list (section 5.3), as part of a sentence."""
        octets, (start, stop) = self.der, self._entries
        critical = octets.find(_CRITICAL, start, stop)
        if critical < 0:
            return ""
        read = 0
        for inner, end in self._walk():
            if critical < inner or critical >= end:
                continue
            read += 1
            if read > self._limits.entries:
                return f"more than {self._limits.entries} of its entries have critical extensions"
            for extension in self._parts(inner, end)[1]:
                if extension.critical and extension.oid not in _KNOWN_IN_ENTRIES:
                    return f"an entry has the critical extension {extension.oid}, which is not known"
            critical = octets.find(_CRITICAL, end, stop)
            if critical < 0:
                break
        return ""

    def __eq__(self, other: object) -> bool:
        return self.der == other.der if isinstance(other, RevocationList) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.der)

    def __repr__(self) -> str:
        return f"<RevocationList of {self.issuer!r}, {self.this_update:%Y-%m-%d}>"


def entry_of(at: datetime, extensions: tuple[Extension, ...]) -> Entry:
    """What an entry of a CRL, or a single OCSP response with the same extensions, says.

    Args:
        at: since when the certificate is revoked.
        extensions: the extensions of the entry.

    Raises:
        der.DERError: one is malformed.
    """
    reason, since = "unspecified", None
    for extension in extensions:
        value = extension.value
        if extension.oid == _REASON_CODE:
            start, stop = der.expect(value, 0, len(value), 0x0A)
            reason = reason_name(value, start, stop)
        elif extension.oid == _INVALIDITY_DATE:
            since = der.time(value, *der.read(value, 0, len(value)))
    return Entry(at, reason, since)


def reason_name(octets: bytes, start: int, stop: int) -> str:
    """The name of a CRLReason, an ENUMERATED; an unknown number says as much as none."""
    if stop != start + 1:
        raise der.DERError("a reason code is malformed")
    return REASON_CODES.get(octets[start], "unspecified")


def _number(value: bytes) -> int:
    start, stop = der.expect(value, 0, len(value), der.INTEGER)
    if stop > start + INTEGER_OCTETS:
        raise der.DERError("its number is too long")
    return der.integer(value, start, stop)


def _issuing_point(value: bytes) -> IssuingDistributionPoint:
    start, stop = der.expect(value, 0, len(value), der.SEQUENCE)
    point_names, relative, reasons = None, None, ALL_REASONS
    flags = {0x81: False, 0x82: False, 0x84: False, 0x85: False}
    for tag, _, inner, end in der.children(value, start, stop):
        if tag == 0xA0:
            point_names, relative = ext.full_name(value, inner, end)
        elif tag == 0x83:
            reasons = ext.reason_flags(value, inner, end)
        elif tag in flags and end == inner + 1:
            flags[tag] = value[inner] != 0
        else:
            raise der.DERError("its distribution point is malformed")
    return IssuingDistributionPoint(
        point_names,
        relative,
        users_only=flags[0x81],
        authorities_only=flags[0x82],
        attributes_only=flags[0x85],
        indirect=flags[0x84],
        reasons=reasons,
    )
