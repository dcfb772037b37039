"""What passes through the plugin interface: descriptors, results and the services a plugin is handed.

Everything here is small, immutable and free of I/O, and importing it costs next to nothing: an entry-point
module may import `mailsec.hooks` at its top and should import everything heavy inside its hooks.

The descriptors (`Verifier`, `Opener` and so on) are what hooks return. `AuthResult` with `Coverage` and
evidence is what verifiers, openers and guards answer. The protocols (`Context`, `Resolver`, `Fetcher`, `KeyRing`,
…) are what the runner hands to a plugin; a plugin never makes them, except in its tests.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

from mailsec.crypto.identity import Identity as Identity  # noqa: PLC0414 - handed on

if TYPE_CHECKING:
    import argparse

    from mailsec.crypto import Certificate, KeyTransport, PrivateIdentity, PublicKey, SignatureScheme
    from mailsec.message import HeaderSection, Message, Part

INTERFACE_VERSION = 1
"""The version of this interface. It grows by one when a plugin written for the one before would break."""


# -- results -------------------------------------------------------------------------------------------------


class Result(StrEnum):
    """The result codes of RFC 8601 section 2.7 and RFC 7281 section 4."""

    NONE = "none"
    PASS = "pass"
    FAIL = "fail"
    SOFTFAIL = "softfail"
    POLICY = "policy"
    NEUTRAL = "neutral"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


class Cause(StrEnum):
    """Why a result is what it is, for programs; `AuthResult.reason` says it to people.

    The verdict is decided by method, result and cause, never by the text of a reason.
    """

    SIGNATURE = "signature"  # the signature value does not verify
    DIGEST = "digest"  # the content differs from what was signed
    REVOKED = "revoked"  # the certificate or key was revoked at the time that matters
    UNTRUSTED = "untrusted"  # no path to a trust anchor
    NOT_VALID = "not-valid"  # a certificate outside its period at the time that matters
    PURPOSE = "purpose"  # a certificate that is not for e-mail
    WEAK = "weak"  # an algorithm or key size that the algorithm policy refuses
    REVOCATION_UNKNOWN = "revocation-unknown"  # and the user wants it known
    OTHER_IDENTITY = "other-identity"  # the certificate names another address than the From field
    PARTIAL = "partial"  # body octets are left out (DKIM l=)
    EXPIRED = "expired"  # the signature's own end (DKIM x=) lies before the time that matters
    TEST_KEY = "test-key"  # the key's owner is only testing (DKIM t=y)
    NO_KEY = "no-key"  # the key is not in DNS
    KEY = "key"  # the key is there and cannot be used
    LOCKED = "locked"  # one's own key is there, and its password or PIN is not known
    SYNTAX = "syntax"  # the signature or its structure is malformed
    UNSUPPORTED = "unsupported"  # an algorithm or form that we do not know
    LIMIT = "limit"  # over one of the limits
    DNS = "dns"  # DNS trouble
    FETCH = "fetch"  # a document that is needed could not be fetched
    LATE = "late"  # not ready by the deadline
    CRASHED = "crashed"  # the plugin raised


@dataclass(frozen=True, slots=True)
class Coverage:
    """What a result vouches for, in one layer of the message.

    A verifier describes layer 0; an opener describes the content that it returns, and the runner sets the layer.

    Attributes:
        layer: the layer that the other attributes count in; 0 is the message in transit.
        fields: indexes into the layer's header section, counted from its top. Of content with protected header fields
            (RFC 9788) whose header section `ranges` cover, the runner sets them; an opener need not.
        parts: MIME section numbers (`"1.2"`) that are covered and that octet ranges cannot name. Parts that
            `ranges` cover wholly are derived by the report; a plugin need not list them.
        ranges: half-open octet ranges `(start, end)` in the layer's octets, ascending, not overlapping.
    """

    layer: int = 0
    fields: tuple[int, ...] = ()
    parts: tuple[str, ...] = ()
    ranges: tuple[tuple[int, int], ...] = ()


_PROPERTY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*\.[A-Za-z0-9_.:-]+\Z")
# just to be quick
_USUAL_METHODS = frozenset(("dkim", "spf", "dmarc", "arc", "smime", "iprev", "auth"))
_USUAL_PROPERTIES = frozenset(("header.d", "header.i", "header.s", "header.a", "header.b"))
_NO_PROPERTIES: Mapping[str, str] = MappingProxyType({})
_METHOD = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\Z")


@dataclass(frozen=True, slots=True)
class AuthResult:
    """One result of one method, in the vocabulary of RFC 8601 section 2.2.

    A verifier returns one for each thing it judged: each DKIM-Signature field, each signer of a SignedData.

    Attributes:
        method: the method's registered name, such as `"dkim"`; the verifier must have declared it.
        result: the result code.
        reason: why, as a sentence or part of one, free of what the message said verbatim where possible.
            Foreign text in it is made safe when it is shown, not before.
        cause: why, for programs; `None` where the result needs no cause (a plain pass, a plain none).
        properties: `ptype.property` to value (RFC 8601 section 2.3), such as `{"header.d": "example.org"}`.
        coverage: what the result vouches for; `None` where it vouches for no content (SPF, a failure).
        evidence: what the result rests on, for the reader who asks why. What the plugin asked of resolver,
            fetcher, clock and trust is recorded by the runner all the same.
        layer: the layer in which the protection was found; set by the runner.

    Raises:
        ValueError: for a method or property name that RFC 8601 does not allow.
    """

    method: str
    result: Result
    reason: str = ""
    cause: Cause | None = None
    properties: Mapping[str, str] = field(default_factory=lambda: _NO_PROPERTIES)
    coverage: Coverage | None = None
    evidence: tuple[Evidence, ...] = ()
    layer: int = 0

    def __post_init__(self) -> None:
        if self.method not in _USUAL_METHODS and not _METHOD.match(self.method):
            raise ValueError(f"{self.method!r} is no method name (RFC 8601 section 2.2)")
        if not _USUAL_PROPERTIES.issuperset(self.properties):
            for name in self.properties:
                if not _PROPERTY.match(name):
                    raise ValueError(f"{name!r} is no ptype.property (RFC 8601 section 2.2)")
        if type(self.result) is not Result:
            object.__setattr__(self, "result", Result(self.result))
        object.__setattr__(
            self, "properties", MappingProxyType(dict(self.properties)) if self.properties else _NO_PROPERTIES
        )


# -- evidence ------------------------------------------------------------------------------------------------


class DnsStatus(StrEnum):
    """How a DNS question was answered for good. What may be different later is a `DnsTemporaryError`."""

    FOUND = "found"
    NO_DATA = "no-data"  # the name exists, a record of this type does not
    NO_NAME = "no-name"  # NXDOMAIN


class Dnssec(StrEnum):
    """What DNSSEC says of an answer, as far as the resolver tells."""

    SECURE = "secure"
    INSECURE = "insecure"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class MailExchange:
    """An MX record (RFC 5321 section 5.1)."""

    preference: int
    host: str


DnsRecord: TypeAlias = bytes | str | MailExchange
"""TXT as the octets of its strings joined; A, AAAA, PTR, CNAME and NS as text; MX as `MailExchange`."""


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """The answer to one DNS question; also the evidence of it.

    Attributes:
        name: the name asked for, in lower case, without the last dot.
        rdtype: the record type, in upper case.
        status: found, or in which way not.
        records: the records; empty unless found.
        ttl: seconds for which the answer may be kept.
        dnssec: what the resolver says of DNSSEC.
    """

    name: str
    rdtype: str
    status: DnsStatus
    records: tuple[DnsRecord, ...] = ()
    ttl: int = 0
    dnssec: Dnssec = Dnssec.UNKNOWN

    @property
    def texts(self) -> tuple[bytes, ...]:
        """The TXT records among the answer, each with its strings joined (RFC 6376 section 3.6.2.2)."""
        return tuple(record for record in self.records if isinstance(record, bytes))


@dataclass(frozen=True, slots=True)
class DnsFailure:
    """A DNS question that got no answer, and why."""

    name: str
    rdtype: str
    why: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document that was fetched over HTTP, whole.

    Attributes:
        url: where it was.
        status: the status code.
        media_type: the media type.
        octets: the document.
        request: what was sent to get it, as the SHA-256 of the request body in hexadecimal; empty where nothing was.
            The runner sets it: one URL answers each request differently.
    """

    url: str
    status: int
    media_type: str
    octets: bytes
    request: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """The time that was judged at, and where it comes from.

    Attributes:
        at: the time, aware, in UTC.
        source: `"now"`, `"delivery"` (stamped by the reader's own server) or `"chosen"` (by the user).
    """

    at: datetime
    source: Literal["now", "delivery", "chosen"] = "now"


@dataclass(frozen=True, slots=True)
class Anchors:
    """The trust anchors that were in force, as SHA-256 fingerprints in hexadecimal.

    Attributes:
        fingerprints: the fingerprints.
        address: the one address that they were trusted for; empty for anchors that may certify any.
        origins: of some of the anchors, by fingerprint, where the trust comes from in words, such as
            `"your decision of 2026-01-10"`.
    """

    fingerprints: tuple[str, ...]
    address: str = ""
    origins: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class CertificateNote:
    """What was found out about one certificate of a path.

    Attributes:
        place: which certificate, counted from the first.
        kind: `"failure"`: why no valid path leads through it; `"good"`, `"revoked"`, `"unknown"`: what is known of
            its revocation.
        sentence: the same for people, as part of a sentence. Foreign text in it is made safe when it is shown.
    """

    place: int
    kind: Literal["failure", "good", "revoked", "unknown"]
    sentence: str


PathRole: TypeAlias = Literal["signer", "tried", "countersigner", "encryption"]


@dataclass(frozen=True, slots=True)
class CertificatePath:
    """A certification path, the certificate that it is about first, each as DER.

    Attributes:
        certificates: the path as far as it could be built; empty where the certificate that it is about is not at hand.
        anchored: whether its last certificate is a trust anchor.
        notes: what was found out about its certificates.
        role: what it is: the path by which a signer was judged; another one of that signer that was tried; that of a
            countersigner; or that of the certificate which the signer wants to be encrypted to, where it is another.
    """

    certificates: tuple[bytes, ...]
    anchored: bool
    notes: tuple[CertificateNote, ...] = ()
    role: PathRole = "signer"


@dataclass(frozen=True, slots=True)
class Fact:
    """Anything else that a result rests on and a reader may want to know, such as a signing time.

    Attributes:
        name: a short name in words, such as `"signing time"`.
        value: its value as text.
    """

    name: str
    value: str


CAPABILITIES_FACT = "content encryption that the signer understands"
"""The name of the fact that tells what a signer has announced (RFC 8551 section 2.5.2).

Its value has the names of `mailsec.crypto.cms`, the best liked first, with commas.
"""


LOCK_FACT = "what opens the key"
"""The name of the fact that tells which password or PIN is missing (`mailsec.errors.LockedError.secret`)."""

LOCKED_KEY_FACT = "encrypted to the key of"
"""The name of the fact that tells whose key it would open."""


Evidence: TypeAlias = DnsAnswer | DnsFailure | Fetched | Moment | Anchors | CertificatePath | Fact


# -- services handed to a plugin -----------------------------------------------------------------------------


class Resolver(Protocol):
    """Answers DNS questions, within the deadline of the check, from a cache where the TTL allows."""

    async def query(self, name: str, rdtype: str) -> DnsAnswer:
        """Answers one question.

        Args:
            name: an absolute name, as text (A-labels or U-labels), with or without the last dot.
            rdtype: the record type, such as `"TXT"`.

        Raises:
            DnsTemporaryError: no answer that can be trusted was had; it may be had later.
        """
        ...


class Fetcher(Protocol):
    """Fetches documents that a check needs (CRLs, OCSP answers), within the rules of trust."""

    async def fetch(self, url: str, *, data: bytes | None = None, limit: int = 1 << 20) -> Fetched:
        """Fetches one document, with POST if there is `data`.

        Args:
            url: an http or https URL.
            data: a request body.
            limit: how many octets the answer may have.

        Raises:
            FetchError: it could not be had whole, or the rules of trust do not allow it.
        """
        ...


class TrustStore(Protocol):
    """The trust anchors of the user."""

    def anchors(self) -> Sequence[Certificate]:
        """All trust anchors in force, for whatever they certify."""
        ...

    def trusted_for(self, address: str) -> Sequence[Certificate]:
        """Certificates that the user trusts by themselves for one address.

        Each vouches for this address alone and for nothing that it may have issued: it must never join the anchors.
        """
        ...


@runtime_checkable
class TrustOrigins(Protocol):
    """A trust store that knows where the trust comes from, so that the reader can be told."""

    def origins(self) -> Mapping[str, str]:
        """By the SHA-256 fingerprint of a trusted certificate, in words: such as `"your decision of 2026-01-10"`."""
        ...


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is known of the SMTP transaction that brought the message (RFC 5321).

    Attributes:
        client_ip: the address of the client that connected, as text.
        helo: what it said after HELO or EHLO.
        mail_from: the reverse-path; empty for a bounce.
        recipients: the forward-paths.
    """

    client_ip: str | None = None
    helo: str | None = None
    mail_from: str | None = None
    recipients: tuple[str, ...] = ()


class Context(Protocol):
    """What a verifier is handed. Whatever it reads here is recorded as evidence."""

    @property
    def resolver(self) -> Resolver:
        """DNS."""
        ...

    @property
    def fetcher(self) -> Fetcher:
        """Documents over HTTP."""
        ...

    @property
    def trust(self) -> TrustStore:
        """The trust anchors."""
        ...

    @property
    def moment(self) -> Moment:
        """The time at which to judge: never read the clock instead."""
        ...

    @property
    def deadline(self) -> float:
        """The end of the check's time, on the clock of `time.monotonic()`."""
        ...

    def remaining(self) -> float:
        """Seconds left until the deadline; never negative."""
        ...

    @property
    def results(self) -> Sequence[AuthResult]:
        """The results of the verifiers that this one has declared to come `after`."""
        ...

    @property
    def envelope(self) -> Envelope:
        """The SMTP transaction, as far as it is known."""
        ...

    @property
    def settings(self) -> Any:
        """An instance of the plugin's own settings dataclass (`mailsec_settings`), or `None`."""
        ...


class KeyRing(Protocol):
    """Private keys by what can be done with them. None is ever given away, which fits hardware tokens too."""

    def identities(self, name: str | None = None) -> Sequence[Identity]:
        """The identities under a name (compared without regard to case), or all."""
        ...

    def sign(self, identity: Identity, scheme: SignatureScheme, octets: bytes) -> bytes:
        """Signs octets; the scheme says how they are hashed.

        Raises:
            KeyFileError: the ring does not hold this identity, or its key does not fit the scheme.
        """
        ...

    def decrypt_key(self, identity: Identity, scheme: KeyTransport, octets: bytes, length: int) -> bytes:
        """Decrypts a content-encryption key that was encrypted with the identity's RSA key.

        The answer never tells whether it was one (implicit rejection): whatever is wrong with the padding or
        the length gives octets that mean nothing, by the same path and in the same time. They are the same for
        the same encrypted key, so that a message that is sent again ends as it did before.

        Args:
            identity: whose key.
            scheme: how the key was encrypted.
            octets: the encrypted key.
            length: how many octets the key must have.

        Returns:
            Always `length` octets.

        Raises:
            KeyFileError: the ring does not hold this identity, or its key is no RSA key that decrypts.
        """
        ...

    def agree(self, identity: Identity, peer: PublicKey) -> bytes:
        """The shared secret Z of the identity's key and a peer's, by ECDH (RFC 5753), X25519 or X448 (RFC 7748).

        Raises:
            KeyFileError: the ring does not hold this identity, or its key is not of the peer's kind and curve.
        """
        ...

    def decapsulate(self, identity: Identity, octets: bytes) -> bytes:
        """The shared secret in an ML-KEM ciphertext (FIPS 203), with its implicit rejection.

        Raises:
            KeyFileError: the ring does not hold this identity, or its key is no ML-KEM key.
        """
        ...


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A private key that is kept, without the key.

    Attributes:
        handle: what the key store knows it by; also the `Identity.handle` of its identities.
        key_type: as `Identity.key_type`.
        public_key: the public half.
        certificates: the key's certificate, then those of its issuers as far as known; empty as long as there is none.
        addresses: the addresses that it answers for.
        added: since when it is kept.
    """

    handle: str
    key_type: str
    public_key: PublicKey
    certificates: tuple[Certificate, ...]
    addresses: tuple[str, ...]
    added: datetime


@dataclass(frozen=True, slots=True)
class TrustDecision:
    """A certificate that the user has decided to trust.

    Attributes:
        certificate: the certificate.
        address: the one address that it is trusted for, by itself and not as an issuer; empty for an anchor, which
            may certify any address.
        added: when it was decided.
    """

    certificate: Certificate
    address: str
    added: datetime


CertificateSource: TypeAlias = Literal["message", "file", "smimea"]


@dataclass(frozen=True, slots=True)
class KnownCertificate:
    """A certificate of somebody one writes to, and where it comes from. It is not trusted for being known.

    Attributes:
        address: whose it is.
        certificate: the certificate.
        source: a verified message, a file that the user imported, or the DNS (SMIMEA).
        detail: which message, file or record.
        seen: when it was seen last.
    """

    address: str
    certificate: Certificate
    source: CertificateSource
    detail: str
    seen: datetime


class KeyStore(Protocol):
    """The user's keys, trust decisions and correspondents, for commands that change them.

    Whatever it is told is on the disk when the call returns, whole or not at all. Each method raises a `StoreError`
    where the store cannot be read or written.
    """

    def own_keys(self) -> Sequence[KeptKey]:
        """All keys, the oldest first."""
        ...

    def add_key(self, identity: PrivateIdentity, addresses: Sequence[str]) -> KeptKey:
        """Keeps a private key, encrypted; one that is kept already gets the certificates and addresses.

        Raises:
            KeyFileError: the password of the store is wrong.
            UsageError: the password cannot be had.
        """
        ...

    def add_certificates(self, certificates: Sequence[Certificate]) -> Sequence[KeptKey]:
        """Gives keys their certificates, such as an authority has issued; gives the keys that got one."""
        ...

    def private_key(self, handle: str) -> PrivateIdentity:
        """A private key with its certificates, to take it elsewhere.

        Raises:
            KeyFileError: there is no such key, or the password of the store is wrong.
            UsageError: the password cannot be had.
        """
        ...

    def remove_key(self, handle: str) -> bool:
        """Forgets a private key for good; whether it was there."""
        ...

    def change_password(self, new: bytes) -> int:
        """Encrypts all private keys by another password, all of them or none; how many there are.

        Raises:
            KeyFileError: the password of the store is wrong.
            UsageError: there is no private key, the new password is empty, or the old one cannot be had.
        """
        ...

    def remember_password(self) -> None:
        """Puts the password of the private keys into the system's keyring.

        Raises:
            UsageError: there is no keyring, it refuses, or the password cannot be had.
        """
        ...

    def decisions(self) -> Sequence[TrustDecision]:
        """What the user trusts."""
        ...

    def trust(self, certificate: Certificate, address: str = "") -> None:
        """Trusts a certificate: as an anchor, or by itself for one address."""
        ...

    def distrust(self, certificate: Certificate, address: str | None = None) -> int:
        """Takes decisions about a certificate back: that for one address, or all; how many there were."""
        ...

    def known(self, address: str | None = None) -> Sequence[KnownCertificate]:
        """The certificates of one correspondent, or of all: of each the one to prefer first."""
        ...

    def remember(
        self, address: str, certificate: Certificate, source: CertificateSource, detail: str, seen: datetime
    ) -> None:
        """Keeps a correspondent's certificate. That makes it known, not trusted."""
        ...

    def remember_capabilities(self, address: str, capabilities: Sequence[str], seen: datetime) -> None:
        """Keeps what content encryption a correspondent has announced; older announcements change nothing."""
        ...

    def forget(self, certificate: Certificate, address: str | None = None) -> int:
        """Forgets that a certificate is a correspondent's: one correspondent's, or everybody's; how many entries."""
        ...


class SealingContext(Context, Protocol):
    """What sealers, openers and protectors are handed, the last two with more: a context with keys."""

    @property
    def keys(self) -> KeyRing:
        """The private keys of the user or the domain."""
        ...


class Correspondents(Protocol):
    """What is known of those one writes to. Addresses are compared as `mailsec.message.same_address` does."""

    def certificates(self, address: str) -> Sequence[Certificate]:
        """The certificates known for an address, the one to prefer first; none where none is known.

        Nothing is promised of them: whoever uses one checks its path, its period and its purpose.
        """
        ...

    def capabilities(self, address: str) -> tuple[str, ...]:
        """The content encryption that somebody's own signed messages have announced (RFC 8551 section 2.5.2).

        The names are those of `mailsec.crypto.cms`, such as `"aes256-gcm"`, the best liked first; empty where
        nothing is known.
        """
        ...


class ProtectorContext(SealingContext, Protocol):
    """What a protector is handed besides: whom one may encrypt to."""

    @property
    def correspondents(self) -> Correspondents:
        """The certificates and capabilities of recipients."""
        ...


class Connection(Protocol):
    """A connection that guards judge before a credential leaves."""

    @property
    def host(self) -> str:
        """The name that the account wants to reach."""
        ...

    @property
    def local(self) -> tuple[str, int]:
        """Our own address and port."""
        ...

    @property
    def remote(self) -> tuple[str, int]:
        """The peer's address and port."""
        ...

    @property
    def peer_certificates(self) -> Sequence[Certificate]:
        """The chain that the peer sent, its own certificate first; empty before TLS."""
        ...

    @property
    def tls_version(self) -> str | None:
        """`"TLSv1.2"` or `"TLSv1.3"`; `None` before TLS."""
        ...


# -- descriptors: what hooks return --------------------------------------------------------------------------


class Verification(Protocol):
    """The incremental form of a verifier at work on one message."""

    def feed(self, octets: memoryview) -> None:
        """Takes the next octets of the body, as received; never keeps the view."""
        ...

    async def finish(self) -> Sequence[AuthResult]:
        """Gives the results; called once, after the last octet of the body."""
        ...


VerifyFunction: TypeAlias = "Callable[[Message, Context], Sequence[AuthResult] | Awaitable[Sequence[AuthResult]]]"
StartVerification: TypeAlias = "Callable[[HeaderSection, Context], Verification | Sequence[AuthResult]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """Judges a message in transit.

    Exactly one of `verify` and `start` is given. `start` is the better form where it is possible: the milter
    feeds it while the body arrives and need not keep the message.

    Attributes:
        name: unique among verifiers; other verifiers name it in `after`.
        methods: the methods it gives results for; results of others are dropped and reported.
        verify: `verify(message, context)`, sync (then it runs in a thread) or async.
        start: `start(header_section, context)`; returns an object with `feed` and `async finish`, or results at
            once where the header section alone settles it. It runs on the event loop: it must not block.
        after: names of verifiers whose results this one reads; unknown names are ignored.
        timeout: seconds it may take at most; the check's own deadline may be sooner.
    """

    name: str
    methods: tuple[str, ...]
    verify: VerifyFunction | None = None
    start: StartVerification | None = None
    after: tuple[str, ...] = ()
    timeout: float = 30.0


@dataclass(frozen=True, slots=True)
class Opened:
    """What an opener found in a part.

    Attributes:
        octets: the inner content, a MIME entity; `None` where it could not be had.
        reached: what was taken off, such as `"signed"` or `"encrypted"`.
        results: the results; their coverage counts in `octets`.
    """

    octets: bytes | memoryview | None
    reached: Literal["signed", "encrypted", "compressed"]
    results: tuple[AuthResult, ...]


OpenFunction: TypeAlias = "Callable[[Part, OpenerContext], Opened | Awaitable[Opened | None] | None]"


class OpenerContext(SealingContext, Protocol):
    """What an opener is handed besides: the message whose part it opens."""

    @property
    def header(self) -> HeaderSection:
        """The header section of the message in transit (layer 0), which names the author."""
        ...

    @property
    def around_message(self) -> bool:
        """Whether the part is wrapped around the whole message, alone or with others around it.

        Then it is a layer of the Cryptographic Envelope (RFC 9787 section 4.4.1), and what it holds may bring the
        header fields of the message (RFC 9788); `mailsec.message.find_payload` tells.
        """
        ...

    @property
    def fetch_issuers(self) -> bool:
        """Whether the user has asked, for this message, that certificates of issuers are fetched which are missing.

        Never do it otherwise: it tells whoever runs the server that the message is being read.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Opener:
    """Takes the protection off a MIME part.

    Attributes:
        name: unique among openers.
        methods: the methods it gives results for.
        content_types: the types it wants to see, such as `"multipart/signed"`; it may still answer `None`
            for a part that is not its own.
        open: `open(part, context)`, sync (then it runs in a thread) or async.
        timeout: seconds it may take at most.
    """

    name: str
    methods: tuple[str, ...]
    content_types: tuple[str, ...]
    open: OpenFunction
    timeout: float = 30.0


class Form(StrEnum):
    """In which form an outgoing message is protected (RFC 8551 sections 3.3 to 3.7)."""

    CLEAR = "clear"  # signed, the content readable beside the signature
    OPAQUE = "opaque"  # signed, the content inside the signature
    ENCRYPTED = "encrypted"  # encrypted and not signed
    SIGNED_ENCRYPTED = "signed-encrypted"  # signed, and that encrypted
    ENCRYPTED_SIGNED = "encrypted-signed"  # encrypted, and that signed
    TRIPLE = "triple"  # signed, encrypted and signed again (RFC 2634 section 1.1)

    @property
    def signs(self) -> bool:
        """Whether somebody signs."""
        return self is not Form.ENCRYPTED

    @property
    def encrypts(self) -> bool:
        """Whether it is encrypted."""
        return self not in {Form.CLEAR, Form.OPAQUE}


@dataclass(frozen=True, slots=True)
class Protection:
    """What the writer wants done to an outgoing message.

    Attributes:
        sign: whether to sign.
        encrypt: whether to encrypt to all recipients, and to the author, who wants to read it again.
        author: the address in whose name to sign; that of the From field where it is empty.
        recipients: the addresses to encrypt to.
        form: in which form; the protector's own choice for `sign` and `encrypt` if `None`.
        header_protection: whether the header fields are protected with the content (RFC 9788).
        confidentiality: which header fields an encrypted message keeps from being read on the way: `"baseline"`
            (Subject, Comments, Keywords), `"shy"` (display names and the time zone too) or `"none"` (section 3.2).
        hidden: names of more header fields that stay inside; a reply names those that were confidential in what it
            answers (section 6.1).
        legacy_display: whether fields that stay inside are written at the top of the text too, for programs that
            decrypt and know nothing of RFC 9788; programs that do know hide them.

    Raises:
        ValueError: the form is another than `sign` and `encrypt` say, or a field is to be hidden that mail needs.
    """

    sign: bool = False
    encrypt: bool = False
    author: str = ""
    recipients: tuple[str, ...] = ()
    form: Form | None = None
    header_protection: bool = True
    confidentiality: Literal["baseline", "shy", "none"] = "baseline"
    hidden: frozenset[str] = frozenset()
    legacy_display: bool = True

    def __post_init__(self) -> None:
        if self.form is not None and (self.form.signs, self.form.encrypts) != (self.sign, self.encrypt):
            raise ValueError(f"the form {self.form} does not go with sign={self.sign} and encrypt={self.encrypt}")
        if self.confidentiality not in {"baseline", "shy", "none"}:
            raise ValueError(f"{self.confidentiality!r} is no header confidentiality policy")
        object.__setattr__(self, "hidden", frozenset(name.lower() for name in self.hidden))
        if needed := self.hidden & {"from", "date"}:  # RFC 5322 section 3.6
            raise ValueError(f"mail needs the header field {min(needed)} outside")


ProtectFunction: TypeAlias = "Callable[[Message, Protection, ProtectorContext], bytes | Awaitable[bytes]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Protector:
    """Signs or encrypts an outgoing message.

    Attributes:
        name: unique among protectors.
        protect: `protect(message, protection, context)` returns the whole message, protected. It raises a
            `MailsecError` where it cannot do all that was asked: it never does less in silence.
    """

    name: str
    protect: ProtectFunction


class Sealing(Protocol):
    """A sealer at work on one message."""

    def feed(self, octets: memoryview) -> None:
        """Takes the next octets of the body, as they will leave; never keeps the view."""
        ...

    async def finish(self) -> Sequence[bytes]:
        """Gives the header fields to insert at the top, the topmost first, each whole with its CRLF."""
        ...


StartSealing: TypeAlias = "Callable[[HeaderSection, SealingContext], Sealing | None]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealer:
    """Adds header fields to a message in transit, such as a DKIM-Signature.

    Attributes:
        name: unique among sealers.
        start: `start(header_section, context)`; `None` where this message is not to be sealed. Must not block.
        after: names of sealers whose fields must be there before.
    """

    name: str
    start: StartSealing
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreProvider:
    """Opens message stores by the scheme of a URL.

    Attributes:
        name: unique among stores.
        schemes: such as `("imap", "imaps")`.
        open: `open(url, context)` returns the store.
    """

    name: str
    schemes: tuple[str, ...]
    open: Callable[[str, Context], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitterProvider:
    """Submits messages to a server chosen by the scheme of a URL.

    Attributes:
        name: unique among submitters.
        schemes: such as `("submissions",)`.
        submit: `await submit(url, envelope, octets, context)`.
    """

    name: str
    schemes: tuple[str, ...]
    submit: Callable[[str, Envelope, bytes, Context], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Judgement:
    """A guard's answer.

    Attributes:
        agrees: whether the connection may be used.
        results: why, as results of the guard's methods.
    """

    agrees: bool
    results: tuple[AuthResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Agrees to a connection or refuses it, before any credential leaves.

    Attributes:
        name: unique among guards.
        methods: the methods it gives results for.
        phase: `"tcp"` (before TLS) or `"tls"` (after the handshake).
        check: `await check(connection, context)`.
        timeout: seconds it may take at most; a late guard has refused.
    """

    name: str
    methods: tuple[str, ...]
    phase: Literal["tcp", "tls"]
    check: Callable[[Connection, Context], Awaitable[Judgement]]
    timeout: float = 10.0


class CommandContext(Protocol):
    """What a command is handed."""

    @property
    def resolver(self) -> Resolver:
        """DNS, as the options and the configuration say."""
        ...

    @property
    def fetcher(self) -> Fetcher:
        """Documents over HTTP; none can be had where DNS comes from a file."""
        ...

    @property
    def trust(self) -> TrustStore:
        """The trust anchors."""
        ...

    @property
    def moment(self) -> Moment:
        """The time to judge at and to sign with: what the options or the configuration say, else now."""
        ...

    @property
    def keys(self) -> KeyRing:
        """The private keys."""
        ...

    @property
    def correspondents(self) -> Correspondents:
        """The certificates and capabilities of those one writes to."""
        ...

    @property
    def key_store(self) -> KeyStore:
        """The user's keys, trust decisions and correspondents as they are kept, to change them."""
        ...

    @property
    def settings(self) -> Any:
        """An instance of the plugin's own settings dataclass, or `None`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command for the command line: `mailsec NAME …`.

    Attributes:
        name: the command's name; the core's own names cannot be taken.
        help: what it does, in one line.
        configure: adds its arguments to a parser; it is called only when the command is used. The options `dns`, `at`,
            `trust`, `identity` and `password_command`, as `mailsec check` has them, act by themselves.
        run: `run(arguments, context)`, sync or async, does it and returns the exit status. It raises a
            `MailsecError` for what goes wrong.
    """

    name: str
    help: str
    configure: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, CommandContext], int | Awaitable[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A panel for the client.

    Attributes:
        name: unique among panels.
        title: what stands above it.
        build: returns a Textual widget that shows a report or a connection.
    """

    name: str
    title: str
    build: Callable[[Any], Any]
