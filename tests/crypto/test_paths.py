"""Certification paths for mail (RFC 5280 section 6, RFC 8550 section 4): a table of good and bad ones.

Each is made on the spot and judged by us and, beside us, by openssl; where we mean to differ the table says why.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mailsec.crypto import (
    RSA_PSS_SHA256,
    RSA_SHA1,
    RSA_SHA256,
    Certificate,
    PathFailure,
    PathValidator,
    PrivateKey,
    PublicKey,
    SignatureScheme,
    building,
    constraints,
    validate_path,
)
from mailsec.crypto import extensions as ext
from mailsec.crypto.certificates import Extension
from mailsec.crypto.cms import encode
from mailsec.crypto.issue import Issued, issue, make_authority, make_certificate, make_name
from mailsec.crypto.limits import LIMITS, PathLimits
from mailsec.errors import UsageError

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
YEAR = timedelta(days=365)
VALID: dict[str, Any] = {"not_before": NOW - YEAR, "not_after": NOW + YEAR}
EXPIRED: dict[str, Any] = {"not_before": NOW - 2 * YEAR, "not_after": NOW - timedelta(seconds=1)}
FUTURE: dict[str, Any] = {"not_before": NOW + timedelta(seconds=1), "not_after": NOW + YEAR}
ALICE = "alice@example.org"


@dataclass(frozen=True)
class Chain:
    leaf: Certificate
    candidates: Sequence[Certificate]
    anchors: Sequence[Certificate]
    at: datetime = NOW


@dataclass(frozen=True)
class Case:
    name: str
    section: str
    make: Callable[[Maker], Chain]
    failure: PathFailure | None
    differs: str = field(default="")  # why openssl says otherwise


class Maker:
    """Makes authorities and leaves with the keys of the session."""

    def __init__(self, keys: Callable[..., PrivateKey]) -> None:
        self.keys = keys

    def root(self, name: Any = "Root", number: int = 0, **options: Any) -> Issued:
        options.setdefault("key", self.keys("rsa", number))
        return make_authority(name, **{**VALID, **options})

    def mid(self, parent: Issued, name: Any = "Intermediate", number: int = 1, **options: Any) -> Issued:
        return self.root(name, number, parent=parent, **options)

    def leaf(self, authority: Issued | None, *emails: str, number: int = 2, **options: Any) -> Issued:
        options.setdefault("key", self.keys("rsa", number))
        return issue(authority, *(emails or (ALICE,)), **{**VALID, **options})

    def direct(self, root: dict[str, Any] | None = None, **options: Any) -> Chain:
        """A root and a leaf."""
        anchor = self.root(**(root or {}))
        return chain(self.leaf(anchor, **options), anchor)

    def over(self, mid: dict[str, Any] | None = None, root: dict[str, Any] | None = None, **options: Any) -> Chain:
        """A root, an intermediate authority and a leaf."""
        anchor = self.root(**(root or {}))
        return chain(self.leaf(self.mid(anchor, **(mid or {})), **options), anchor)


def chain(leaf: Issued, *anchors: Issued, at: datetime = NOW) -> Chain:
    trusted = [anchor.certificate for anchor in anchors]
    return Chain(leaf.certificate, [item for item in leaf.chain if item not in trusted], trusted, at)


def altered(certificate: Certificate, at: int = -1) -> Certificate:
    octets = bytearray(certificate.der)
    octets[at] ^= 1
    return Certificate.from_der(bytes(octets))


# -- how the less simple ones are made ---------------------------------------------------------------------------


def kind(name: str, **options: Any) -> Callable[[Maker], Chain]:
    """All keys of one kind."""

    def make(m: Maker) -> Chain:
        root = m.root(key=m.keys(name, 0, **options))
        mid = m.mid(root, key=m.keys(name, 1, **options))
        return chain(m.leaf(mid, key=m.keys(name, 2, **options)), root)

    return make


def weak_digest(m: Maker, where: str) -> Chain:
    root = m.root(scheme=RSA_SHA1 if where == "root" else None)
    mid = m.mid(root, scheme=RSA_SHA1 if where == "intermediate" else None)
    return chain(m.leaf(mid, scheme=RSA_SHA1 if where == "leaf" else None), root)


def three_between(m: Maker) -> Chain:
    root = m.root()
    one = m.mid(root, "One", 1, path_length=2)
    two = m.mid(one, "Two", 3, path_length=1)
    three = m.mid(two, "Three", 4, path_length=0)
    made = chain(m.leaf(three), root)
    return replace(made, candidates=list(reversed(made.candidates)))


def too_long(m: Maker) -> Chain:
    root = m.root(path_length=0)
    return chain(m.leaf(m.mid(root)), root)


def too_long_below(m: Maker) -> Chain:
    root = m.root()
    one = m.mid(root, "One", 1, path_length=0)
    return chain(m.leaf(m.mid(one, "Two", 3)), root)


def self_issued_rollover(m: Maker) -> Chain:
    """A self-issued intermediate does not count for the path length (RFC 5280 section 6.1.4 (l))."""
    root = m.root(path_length=0)
    renewed = m.mid(root, "Root", 1)
    return chain(m.leaf(renewed), root)


def other_root_of_same_name(m: Maker) -> Chain:
    made = m.direct()
    return replace(made, anchors=[m.root(number=5).certificate])


def two_roots_of_same_name(m: Maker) -> Chain:
    made = m.direct()
    return replace(made, anchors=[m.root(number=5).certificate, *made.anchors], candidates=made.candidates)


def cross_certified(m: Maker, *, first_expired: bool) -> Chain:
    """Two certificates of one intermediate authority, by two roots, one of which is expired or unknown."""
    known, other = m.root("Known", 0), m.root("Other", 5)
    good = m.mid(known, **VALID)
    bad = m.mid(other if not first_expired else known, **(EXPIRED if first_expired else VALID))
    return Chain(m.leaf(good).certificate, [bad.certificate, good.certificate], [known.certificate])


def circle(m: Maker) -> Chain:
    """Two authorities that certify each other, and no root."""
    one, two = m.root("One", 0), m.root("Two", 1)
    return Chain(
        m.leaf(one).certificate,
        [m.mid(two, "One", 0).certificate, m.mid(one, "Two", 1).certificate],
        [m.root("Root", 5).certificate],
    )


def other_spelling(m: Maker) -> Chain:
    """The issuer's name differs from the authority's in case, spaces and string type (RFC 5280 section 7.1)."""
    root = m.root([("C", "DE"), ("O", "Example Org"), ("CN", "Root")])
    printable = encode.sequence(
        encode.set_of([encode.sequence(encode.oid("2.5.4.6"), encode.primitive(0x13, b"DE"))]),
        encode.set_of([encode.sequence(encode.oid("2.5.4.10"), encode.primitive(0x13, b"EXAMPLE  org"))]),
        encode.set_of([encode.sequence(encode.oid("2.5.4.3"), encode.primitive(0x13, b" root "))]),
    )
    leaf = make_certificate(
        subject=make_name("Alice"), issuer=printable, public_key=m.keys("rsa", 2).public_key, signer=root.key, **VALID
    )
    return Chain(leaf, [], [root.certificate])


def of_version_1(m: Maker, *, intermediate: bool) -> Chain:
    root = m.root()
    name = root.certificate.subject_der
    old = make_certificate(
        subject=make_name("Old") if intermediate else name,
        issuer=name,
        public_key=m.keys("rsa", 1 if intermediate else 0).public_key,
        signer=root.key,
        version=1,
        **VALID,
    )
    authority = Issued(old, m.keys("rsa", 1 if intermediate else 0))
    leaf = m.leaf(authority).certificate
    return Chain(leaf, [old], [root.certificate]) if intermediate else Chain(leaf, [], [old])


def constrained(*emails: str, subject: Any = None, **constraints: Any) -> Callable[[Maker], Chain]:
    def make(m: Maker) -> Chain:
        root = m.root()
        mid = m.mid(root, **constraints)
        return chain(m.leaf(mid, *emails, subject=subject or "Alice"), root)

    return make


def address_in_subject(m: Maker) -> Chain:
    root = m.root()
    mid = m.mid(root, permitted=["example.org"])
    return chain(m.leaf(mid, subject=[("emailAddress", "a@example.com")], alternative_names=False), root)


def constrained_above(m: Maker) -> Chain:
    root = m.root(permitted=["example.org"])
    return chain(m.leaf(m.mid(root, permitted=["example.com"]), "bob@example.com", subject="Bob"), root)


def directory_constraint(m: Maker, organization: str, *, excluded: bool = False) -> Chain:
    base = encode.sequence(encode.constructed(0x84, make_name([("O", "Example")])))
    value = encode.sequence(encode.constructed(0x81 if excluded else 0x80, base))
    root = m.root()
    mid = m.mid(root, extra=[Extension(ext.NAME_CONSTRAINTS, critical=True, value=value)])
    return chain(m.leaf(mid, subject=[("O", organization), ("CN", "Alice")]), root)


def extension(oid: str, *, critical: bool, value: bytes = encode.NULL) -> list[Extension]:
    return [Extension(oid, critical=critical, value=value)]


def explicit_policy(m: Maker) -> Chain:
    value = encode.sequence(encode.primitive(0x80, b"\0"))
    root = m.root()
    return chain(m.leaf(m.mid(root, extra=extension("2.5.29.36", critical=True, value=value))), root)


def wrong_signature(m: Maker) -> Chain:
    made = m.direct()
    return replace(made, leaf=altered(made.leaf))


def changed_address(m: Maker) -> Chain:
    made = m.direct()
    return replace(made, leaf=altered(made.leaf, made.leaf.der.find(b"lice@")))


def two_algorithms(m: Maker) -> Chain:
    """The signature algorithm within differs from the one without (RFC 5280 section 4.1.1.2); the signature fits."""
    made = m.direct()
    root = m.root()
    inner = encode.sequence(encode.oid("1.2.840.113549.1.1.12"), encode.NULL)
    outer = made.leaf.signature_algorithm
    tbs = made.leaf.tbs.replace(outer, inner)
    signature = encode.primitive(0x03, b"\0" + root.key.sign(tbs, RSA_SHA256))
    return replace(made, leaf=Certificate.from_der(encode.sequence(tbs, outer, signature)))


def wrong_identifier(m: Maker) -> Chain:
    value = encode.sequence(encode.primitive(0x80, bytes(20)))
    return m.direct(identifiers=False, extra=extension(ext.AUTHORITY_KEY_IDENTIFIER, critical=False, value=value))


def self_signed(m: Maker, *, trusted: bool, **options: Any) -> Chain:
    leaf = m.leaf(None, **options)
    return Chain(leaf.certificate, [], [leaf.certificate if trusted else m.root().certificate])


def anchor_within(m: Maker, what: str) -> Chain:
    root = m.root()
    mid = m.mid(root)
    leaf = m.leaf(mid)
    return Chain(leaf.certificate, [mid.certificate], [(mid if what == "intermediate" else leaf).certificate])


def pss(m: Maker) -> Chain:
    root = m.root(scheme=RSA_PSS_SHA256)
    return chain(m.leaf(m.mid(root, scheme=RSA_PSS_SHA256), scheme=RSA_PSS_SHA256), root)


def as_openssl_req_makes(m: Maker) -> Chain:
    return self_signed(m, trusted=True, is_ca=True, usage=None, purposes=None, alternative_names=False)


def at(make: Callable[[Maker], Chain], moment: datetime) -> Callable[[Maker], Chain]:
    return lambda m: replace(make(m), at=moment)


_SERVER = ["serverAuth"]
_OK = None
_BAD = PathFailure
_WITH_EMAIL = [("CN", "Alice"), ("emailAddress", ALICE)]

CASES = [
    # what is right
    Case("root and leaf", "6.1", Maker.direct, _OK),
    Case("intermediate", "6.1", Maker.over, _OK),
    Case("three intermediates, out of order", "6.1", three_between, _OK),
    Case("P-256", "8550 4.3", kind("ec"), _OK),
    Case("P-384", "8550 4.3", kind("ec", curve="P-384"), _OK),
    Case("P-521", "8550 4.3", kind("ec", curve="P-521"), _OK),
    Case("brainpoolP256r1", "8550 4.3", kind("ec", curve="brainpoolP256r1"), _OK),
    Case("brainpoolP512r1", "8550 4.3", kind("ec", curve="brainpoolP512r1"), _OK),
    Case("Ed25519", "8550 4.3", kind("ed25519"), _OK),
    Case("Ed448", "8410", kind("ed448"), _OK),
    Case("DSA with 2048 bits", "8551 B.2", kind("dsa", bits=2048), _OK),
    Case("RSA-PSS", "8550 4.3", pss, _OK),
    Case("address in the subject only", "8550 3",
         lambda m: m.direct(alternative_names=False, subject=_WITH_EMAIL), _OK),
    Case("critical alternative name", "4.2.1.6", lambda m: m.direct(critical_names=True), _OK),
    Case("no key identifiers", "4.2.1.1", lambda m: m.over({"identifiers": False}, identifiers=False), _OK),
    Case("no key usage", "8550 4.4.2", lambda m: m.direct(usage=None), _OK),
    Case("no extended key usage", "8550 4.4.4", lambda m: m.direct(purposes=None), _OK),
    Case("any extended key usage", "8550 4.4.4", lambda m: m.direct(purposes=["anyExtendedKeyUsage"]), _OK,
         "openssl wants emailProtection by name in the certificate of who signs"),
    Case("mail among other purposes", "8550 4.4.4",
         lambda m: m.direct(purposes=["clientAuth", "emailProtection"]), _OK),
    Case("nonRepudiation only", "8550 4.4.2", lambda m: m.direct(usage=["nonRepudiation"]), _OK),
    Case("authority for mail", "4.2.1.12", lambda m: m.over({"purposes": ["emailProtection"]}), _OK),
    Case("root of version 1", "6.1.1 (d)", lambda m: of_version_1(m, intermediate=False), _OK),
    Case("self-signed and trusted", "6.1", lambda m: self_signed(m, trusted=True), _OK),
    Case("as openssl req -x509 makes", "6.1", as_openssl_req_makes, _OK),
    Case("intermediate as anchor", "6.1", lambda m: anchor_within(m, "intermediate"), _OK),
    Case("leaf as anchor", "6.1", lambda m: anchor_within(m, "leaf"), _OK),
    Case("two roots of one name", "6.1", two_roots_of_same_name, _OK),
    Case("intermediate, once by an unknown root", "8550 4", lambda m: cross_certified(m, first_expired=False), _OK,
         "openssl follows the first issuer of a name and does not go back to try another"),
    Case("intermediate, once expired", "8550 4", lambda m: cross_certified(m, first_expired=True), _OK),
    Case("self-issued authority", "6.1.4 (l)", self_issued_rollover, _OK),
    Case("issuer spelled otherwise", "7.1", other_spelling, _OK),
    Case("root signed with SHA-1", "6.1", lambda m: weak_digest(m, "root"), _OK),
    Case("at the first second", "4.1.2.5", at(Maker.direct, VALID["not_before"]), _OK),
    Case("at the last second", "4.1.2.5", at(Maker.direct, VALID["not_after"]), _OK,
         "openssl lets a certificate end when its last second begins"),
    Case("within the last second", "4.1.2.5", at(Maker.direct, VALID["not_after"] + timedelta(microseconds=1)), _OK,
         "openssl lets a certificate end when its last second begins"),
    Case("unknown extension", "4.2", lambda m: m.direct(extra=extension("1.2.3.4", critical=False)), _OK),
    Case("permitted host", "4.2.1.10", constrained(permitted=["example.org"]), _OK),
    Case("permitted mailbox", "4.2.1.10", constrained(permitted=[ALICE]), _OK),
    Case("permitted domain", "4.2.1.10", constrained("a@mail.example.org", permitted=[".example.org"]), _OK),
    Case("host in capitals", "4.2.1.10", constrained("a@EXAMPLE.org", permitted=["example.ORG"]), _OK),
    Case("excluded elsewhere", "4.2.1.10", constrained(excluded=["example.com"]), _OK),
    Case("permitted name", "4.2.1.10", lambda m: directory_constraint(m, "Example"), _OK),
    Case("not the excluded name", "4.2.1.10", lambda m: directory_constraint(m, "Other", excluded=True), _OK),
    Case("permitted host, SmtpUTF8Mailbox", "9598 6", constrained("älice@example.org", permitted=["example.org"]), _OK),
    Case("other authority key identifier", "4.2.1.1", wrong_identifier, _OK,
         "the identifier helps to find the issuer, and its signature is right; openssl takes it as binding"),
    # trust
    Case("unknown root", "6.1.1",
         lambda m: replace(m.over(), anchors=[m.root("Other", 5).certificate]), _BAD.UNTRUSTED),
    Case("no anchors", "6.1.1", lambda m: replace(m.over(), anchors=[]), _BAD.UNTRUSTED),
    Case("missing intermediate", "6.1.1", lambda m: replace(m.over(), candidates=[]), _BAD.UNTRUSTED),
    Case("self-signed", "6.1.1", lambda m: self_signed(m, trusted=False), _BAD.UNTRUSTED),
    Case("other root of that name", "6.1.3 (a)(1)", other_root_of_same_name, _BAD.UNTRUSTED),
    Case("authorities in a circle", "6.1.1", circle, _BAD.UNTRUSTED),
    Case("wrong signature", "6.1.3 (a)(1)", wrong_signature, _BAD.UNTRUSTED),
    Case("changed address", "6.1.3 (a)(1)", changed_address, _BAD.UNTRUSTED),
    Case("leaf as issuer", "6.1.4 (k)", lambda m: m.over({"is_ca": False}), _BAD.UNTRUSTED),
    Case("no basic constraints", "6.1.4 (k)", lambda m: m.over({"is_ca": None, "usage": None}), _BAD.UNTRUSTED),
    Case("no basic constraints but keyCertSign", "6.1.4 (k)", lambda m: m.over({"is_ca": None}), _BAD.UNTRUSTED),
    Case("anchor that says it is no authority", "6.1.1", lambda m: m.direct({"is_ca": False}), _BAD.UNTRUSTED),
    Case("intermediate of version 1", "6.1.4 (k)", lambda m: of_version_1(m, intermediate=True), _BAD.UNTRUSTED),
    Case("path too long for the root", "6.1.4 (l)", too_long, _BAD.UNTRUSTED),
    Case("path too long for an intermediate", "6.1.4 (l)", too_long_below, _BAD.UNTRUSTED),
    Case("authority without keyCertSign", "6.1.4 (n)", lambda m: m.over({"usage": ["cRLSign"]}), _BAD.UNTRUSTED),
    Case("root without keyCertSign", "6.1.4 (n)", lambda m: m.direct({"usage": ["digitalSignature"]}), _BAD.UNTRUSTED),
    Case("not the permitted host", "4.2.1.10", constrained(permitted=["example.com"]), _BAD.UNTRUSTED),
    Case("subdomain of the permitted host", "4.2.1.10", constrained("a@b.example.org", permitted=["example.org"]),
         _BAD.UNTRUSTED),
    Case("the domain itself", "4.2.1.10", constrained(permitted=[".example.org"]), _BAD.UNTRUSTED),
    Case("host that only ends alike", "4.2.1.10", constrained("a@badexample.org", permitted=["example.org"]),
         _BAD.UNTRUSTED),
    Case("not the permitted mailbox", "4.2.1.10", constrained("Alice@example.org", permitted=[ALICE]), _BAD.UNTRUSTED),
    Case("one of two not permitted", "4.2.1.10", constrained(ALICE, "a@example.com", permitted=["example.org"]),
         _BAD.UNTRUSTED),
    Case("excluded host", "4.2.1.10", constrained(excluded=["example.org"]), _BAD.UNTRUSTED),
    Case("excluded mailbox", "4.2.1.10", constrained(excluded=[ALICE]), _BAD.UNTRUSTED),
    Case("an excluded host with the last dot", "4.2.1.10",
         constrained("alice@example.com.", excluded=["example.com"]), _BAD.UNTRUSTED,
         "for openssl the host with a dot is another; mail to it goes to the same"),
    Case("not permitted in the subject, where it stands alone", "4.2.1.10",
         address_in_subject, _BAD.UNTRUSTED),
    Case("not permitted in the subject", "4.2.1.10",
         constrained(ALICE, subject=[("emailAddress", "a@example.com")], permitted=["example.org"]), _BAD.UNTRUSTED),
    Case("permitted by one of two above", "6.1.4 (g)", constrained_above, _BAD.UNTRUSTED),
    Case("not the permitted name", "4.2.1.10", lambda m: directory_constraint(m, "Other"), _BAD.UNTRUSTED),
    Case("excluded name", "4.2.1.10", lambda m: directory_constraint(m, "Example", excluded=True), _BAD.UNTRUSTED),
    Case("a host that IDNA 2003 takes for the permitted one", "9598 5",
         constrained("älice@straße.example", permitted=["strasse.example"]), _BAD.UNTRUSTED),
    Case("not the permitted host, SmtpUTF8Mailbox", "9598 6",
         constrained("älice@example.com", permitted=["example.org"]), _BAD.UNTRUSTED),
    Case("explicit policy wanted", "4.2.1.11",
         explicit_policy, _BAD.UNTRUSTED, "openssl judges policies only when asked"),
    # time
    Case("leaf expired", "4.1.2.5", lambda m: m.over(**EXPIRED), _BAD.NOT_VALID),
    Case("leaf not yet valid", "4.1.2.5", lambda m: m.over(**FUTURE), _BAD.NOT_VALID),
    Case("intermediate expired", "4.1.2.5", lambda m: m.over(EXPIRED), _BAD.NOT_VALID),
    Case("intermediate not yet valid", "4.1.2.5", lambda m: m.over(FUTURE), _BAD.NOT_VALID),
    Case("root expired", "4.1.2.5", lambda m: m.over(None, EXPIRED), _BAD.NOT_VALID),
    Case("self-signed, trusted, expired", "4.1.2.5", lambda m: self_signed(m, trusted=True, **EXPIRED), _BAD.NOT_VALID),
    Case("a second too early", "4.1.2.5", at(Maker.direct, VALID["not_before"] - timedelta(seconds=1)), _BAD.NOT_VALID),
    Case("a second too late", "4.1.2.5", at(Maker.direct, VALID["not_after"] + timedelta(seconds=1)), _BAD.NOT_VALID),
    # purpose
    Case("for servers", "8550 4.4.4", lambda m: m.over(purposes=_SERVER), _BAD.PURPOSE),
    Case("for encryption only", "8550 4.4.2", lambda m: m.over(usage=["keyEncipherment"]), _BAD.PURPOSE),
    Case("intermediate for servers", "4.2.1.12", lambda m: m.over({"purposes": _SERVER}), _BAD.PURPOSE),
    Case("self-signed, trusted, for servers", "8550 4.4.4",
         lambda m: self_signed(m, trusted=True, purposes=_SERVER), _BAD.PURPOSE),
    # strength
    Case("SHA-1 on the leaf", "8550 4.3", lambda m: weak_digest(m, "leaf"), _BAD.WEAK),
    Case("SHA-1 on an intermediate", "8550 4.3", lambda m: weak_digest(m, "intermediate"), _BAD.WEAK),
    Case("leaf with RSA-1024", "8551 4.3", lambda m: m.direct(key=m.keys("rsa", 0, bits=1024)), _BAD.WEAK),
    Case("authority with RSA-1024", "8550 4.3", lambda m: m.over({"key": m.keys("rsa", 0, bits=1024)}), _BAD.WEAK),
    Case("root with RSA-1024", "8550 4.3", lambda m: m.over(None, {"key": m.keys("rsa", 0, bits=1024)}), _BAD.WEAK),
    Case("P-192", "SP 800-131A", kind("ec", curve="P-192"), _BAD.WEAK),
    # form
    Case("unknown critical extension", "6.1.5 (f)", lambda m: m.over(extra=extension("1.2.3.4", critical=True)),
         _BAD.MALFORMED),
    Case("the same in an authority", "6.1.4 (o)", lambda m: m.over({"extra": extension("1.2.3.4", critical=True)}),
         _BAD.MALFORMED),
    Case("an extension twice", "4.2", lambda m: m.over(extra=2 * extension("1.2.3.4", critical=False)), _BAD.MALFORMED,
         "openssl looks for this only with -x509_strict"),
    Case("malformed alternative names", "4.2.1.6",
         lambda m: m.over(alternative_names=False, extra=extension(ext.SUBJECT_ALT_NAME, critical=False)),
         _BAD.MALFORMED),
    Case("two signature algorithms", "4.1.1.2", two_algorithms, _BAD.MALFORMED),
]  # fmt: skip
assert len({case.name for case in CASES}) == len(CASES)

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.section}: {case.name}")


@pytest.fixture(scope="module")
def maker(keys: Callable[..., PrivateKey]) -> Maker:
    return Maker(keys)


@each_case
def test_path(case: Case, maker: Maker) -> None:
    made = case.make(maker)
    result = validate_path(made.leaf, made.candidates, made.anchors, made.at)
    assert result.failure is case.failure, result.sentence
    assert result.path[0] == made.leaf
    assert result.anchored == (result.path[-1] in made.anchors)
    assert result.sentence
    if result.failure is None:
        assert result.anchored


def judged_by_openssl(run: Callable[..., subprocess.CompletedProcess[bytes]], made: Chain, folder: Path) -> str:
    """What openssl says of a path; empty if it is good."""
    for name, certificates in (("leaf", [made.leaf]), ("anchors", made.anchors), ("others", made.candidates)):
        (folder / name).write_bytes(b"".join(certificate.to_pem() for certificate in certificates))
    arguments = ["verify", "-purpose", "smimesign", "-auth_level", "2", "-partial_chain"]
    arguments += ["-attime", str(int(made.at.timestamp())), "-no-CApath", "-no-CAstore"]
    arguments += ["-CAfile", str(folder / "anchors")] if made.anchors else ["-no-CAfile"]
    arguments += ["-untrusted", str(folder / "others")] if made.candidates else []
    done = run(*arguments, str(folder / "leaf"), check=False)
    return "" if done.returncode == 0 else (done.stdout + done.stderr).decode()


@pytest.mark.peer
def test_agreement_with_openssl(
    maker: Maker,
    openssl: Callable[..., subprocess.CompletedProcess[bytes]],
    tmp_path: Path,
    figure: Callable[[str], None],
) -> None:
    agreed, wrong = 0, []
    for case in CASES:
        said = judged_by_openssl(openssl, case.make(maker), tmp_path)
        if (not said) == (case.failure is None):
            agreed += 1
            if case.differs:
                wrong.append(f"{case.name}: the table says that openssl differs, and it agrees")
        elif not case.differs:
            wrong.append(f"{case.name}: we say {case.failure}, openssl {said or 'that it is good'}")
    assert not wrong, "\n".join(wrong)
    version = openssl("version").stdout.decode().strip()
    figure(f"{version}: agrees on {agreed} of {len(CASES)} certification paths; the others differ as the table tells")


def test_library_accepts_no_more(maker: Maker, figure: Callable[[str], None]) -> None:
    """What `cryptography` accepts we accept, save for what it does not look at; how much it refuses is counted."""
    from cryptography import x509
    from cryptography.x509 import oid
    from cryptography.x509 import verification as lib

    def purposes(_policy: object, _certificate: object, value: x509.ExtendedKeyUsage | None) -> None:
        allowed = {oid.ExtendedKeyUsageOID.EMAIL_PROTECTION, oid.ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
        if value is not None and allowed.isdisjoint(value):
            raise ValueError("not for mail")

    leaf_policy = lib.ExtensionPolicy.permit_all().may_be_present(
        x509.ExtendedKeyUsage, lib.Criticality.AGNOSTIC, purposes
    )
    # It constrains neither addresses in the subject nor those that are not ASCII.
    blind_spots = {"not permitted in the subject", "not the permitted host, SmtpUTF8Mailbox"}
    blind_spots.add("not permitted in the subject, where it stands alone")
    blind_spots.add("a host that IDNA 2003 takes for the permitted one")
    refused_good, good, surprising = 0, 0, []
    for case in CASES:
        made = case.make(maker)
        good += case.failure is None
        try:
            load = x509.load_der_x509_certificate
            builder = lib.PolicyBuilder().time(made.at).store(lib.Store([load(item.der) for item in made.anchors]))
            builder = builder.extension_policies(
                ca_policy=lib.ExtensionPolicy.webpki_defaults_ca(), ee_policy=leaf_policy
            )
            builder.build_client_verifier().verify(load(made.leaf.der), [load(item.der) for item in made.candidates])
        except (lib.VerificationError, ValueError):
            refused_good += case.failure is None
        else:
            if case.failure not in {None, PathFailure.PURPOSE, PathFailure.WEAK} and case.name not in blind_spots:
                surprising.append(case.name)
    figure(f"cryptography.x509.verification: refuses {refused_good} of {good} good paths for mail")
    assert surprising == []


def test_the_nearest_path_is_reported(maker: Maker) -> None:
    """Of several paths that fail, the one with the least is told: here an expired one, not the weak one."""
    root = maker.root()
    expired = maker.mid(root, **EXPIRED)
    weak = maker.mid(root, scheme=RSA_SHA1)
    leaf = maker.leaf(expired)
    result = validate_path(leaf.certificate, [weak.certificate, expired.certificate], [root.certificate], NOW)
    assert result.failure is PathFailure.NOT_VALID
    assert result.path == (leaf.certificate, expired.certificate, root.certificate)


def test_all_that_is_wrong_is_told(maker: Maker) -> None:
    made = maker.over(usage=["keyEncipherment"], **EXPIRED)
    result = validate_path(made.leaf, made.candidates, made.anchors, made.at)
    assert result.failure is PathFailure.PURPOSE
    assert "not for signing" in result.sentence
    assert "expired on 2026-06-01" in result.sentence


def test_unknown_signature_algorithm(maker: Maker) -> None:
    made = maker.direct()
    old = encode.oid("1.2.840.113549.1.1.11")
    new = encode.oid("1.2.840.113549.1.1.99")
    leaf = Certificate.from_der(made.leaf.der.replace(old, new))
    result = validate_path(leaf, [], made.anchors, NOW)
    assert result.failure is PathFailure.UNTRUSTED
    assert "not known" in result.sentence


def test_effort_is_limited(maker: Maker) -> None:
    """Hundreds of authorities of one name and key, or of one name and other keys, cost no more than a limit."""
    root = maker.root("Other", 5)
    same = [
        maker.mid(maker.root(f"Parent {number % 7}"), f"Parent {number % 5}", number % 3, extra=unique).certificate
        for number in range(210)
        for unique in [extension("1.2.3.4", critical=False, value=encode.integer(number))]
    ]
    leaf = maker.leaf(maker.root("Parent 1", 1)).certificate
    result = validate_path(leaf, same, [root.certificate], NOW)
    assert result.failure is PathFailure.UNTRUSTED
    assert len(result.path) <= 10


def test_authorities_that_certify_each_other_only(maker: Maker) -> None:
    one, other = maker.root("One", 0), maker.root("Other", 1)
    between = [maker.mid(one, "Other", 1).certificate, maker.mid(other, "One", 0).certificate]
    result = validate_path(maker.leaf(one).certificate, between, [maker.root("Root", 5).certificate], NOW)
    assert result.failure is PathFailure.UNTRUSTED
    assert "only certified each other" in result.sentence


def mesh(maker: Maker, size: int) -> list[Certificate]:
    """Authorities of one name that have all certified each other, and nobody else has."""
    keys = [maker.root("Mesh", number) for number in range(size)]
    return [maker.mid(above, "Mesh", number).certificate for above in keys for number, _ in enumerate(keys)]


def test_a_mesh_costs_no_more_for_many_signers(maker: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit counts the signatures that are verified for all signers of a structure together."""
    verified: list[Certificate] = []
    real = Certificate.is_signed_by

    def counting(self: Certificate, key: PublicKey) -> bool:
        verified.append(self)
        return real(self, key)

    certificates = mesh(maker, 6)
    authority = maker.root("Mesh", 0)
    leaves = [maker.leaf(authority, f"a{number}@example.org").certificate for number in range(8)]
    anchor = maker.root("Other", 5).certificate
    monkeypatch.setattr(Certificate, "is_signed_by", counting)
    limits = PathLimits(signatures=40)
    validator = PathValidator(certificates, [anchor], NOW, limits)
    results = [validator.validate(leaf) for leaf in leaves]
    assert {result.failure for result in results} == {PathFailure.UNTRUSTED}
    assert all("not all paths were tried" in result.sentence for result in results)
    assert all(result.path[0] == leaf for result, leaf in zip(results, leaves, strict=True))
    assert len(verified) <= limits.signatures
    before = len(verified)
    assert [validator.validate(leaf) for leaf in leaves] == results  # what is known is not found out again
    assert len(verified) == before


def test_partial_paths_are_counted_for_all_signers(maker: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[object] = []
    real = building.PathBuilder._issuers

    def counting(self: Any, path: Any) -> Any:
        looked.append(path)
        return real(self, path)

    monkeypatch.setattr(building.PathBuilder, "_issuers", counting)
    certificates = mesh(maker, 6)
    leaves = [maker.leaf(maker.root("Mesh", 0), f"a{number}@example.org").certificate for number in range(8)]
    validator = PathValidator(certificates, [maker.root("Other", 5).certificate], NOW, PathLimits(signatures=10_000))
    for leaf in leaves:
        assert validator.validate(leaf).failure is PathFailure.UNTRUSTED
    assert len(looked) <= LIMITS.paths


def test_many_names_and_many_constraints(maker: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of addresses below thousands of constraints: compared are no more than the limit allows."""
    compared: list[str] = []
    real = constraints._mailbox_within

    def counting(address: str, base: str) -> bool:
        compared.append(address)
        return real(address, base)

    monkeypatch.setattr(constraints, "_mailbox_within", counting)
    root = maker.root()
    mid = maker.mid(root, permitted=[f"h{number}.example" for number in range(1000)])
    leaf = maker.leaf(mid, *(f"a@h{999 - number}.example" for number in range(1000)), subject="Alice")
    result = validate_path(leaf.certificate, [mid.certificate], [root.certificate], NOW)
    assert result.failure is PathFailure.UNTRUSTED
    assert "too many names" in result.sentence
    assert len(compared) <= LIMITS.comparisons


def test_a_time_without_zone_is_refused(maker: Maker) -> None:
    made = maker.direct()
    with pytest.raises(UsageError, match="time zone"):
        validate_path(made.leaf, [], made.anchors, NOW.replace(tzinfo=None))


@pytest.mark.parametrize("digest", ["sha1", "sha256"])
def test_scheme_of_the_mask(maker: Maker, digest: str) -> None:
    """RSASSA-PSS with a mask by SHA-1 over SHA-256 is old but right (RFC 8017 appendix B.2.1)."""
    root = maker.root()
    leaf = maker.leaf(root, scheme=SignatureScheme("rsa-pss", "sha256", 32, digest))
    result = validate_path(leaf.certificate, [], [root.certificate], NOW)
    assert result.failure is None, result.sentence
