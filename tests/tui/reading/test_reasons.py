"""The outline that tells why."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mailsec.crypto import PrivateKey
from mailsec.crypto.issue import issue, make_authority
from mailsec.crypto.revocation.issue import information_access
from mailsec.hooks.types import Anchors, AuthResult, CertificateNote, CertificatePath, Fact, Moment, Result
from mailsec.message import parse
from mailsec.pipeline import Layer, Report, Run
from mailsec.pipeline.chains import offered_issuers
from mailsec.pipeline.reasons import as_text, reasons

NAMED = {
    "smime-and-dkim": [
        "S/MIME signature  smime=pass  alice@example.org",
        "  covers: the whole body",
        "  From is vouched for by the certificate",
        "  header fields not covered: to, subject, date",
        "  certificate: Alice, Example",
        "    for alice@example.org",
        "    valid 2024-05-01 to 2028-04-30, key: RSA of 2048 bits",
        "    issued by Example Mail CA 2, Example",
        "      issued by Example Root, Example",
        "        your trust anchor: a file that you named",
        "  signature algorithm: RSASSA-PKCS1-v1_5 with SHA-256",
        "DKIM signature  dkim=pass  example.org",
        "  DNS: s1._domainkey.example.org TXT (300 s)",
    ],
    "smime-unknown-issuer": [
        "  certificate: Alice, Example",
        "    the issuer CN=Nobody Knows This CA is not known",
        "    issued by Nobody Knows This CA, whose certificate is not at hand",
    ],
    "smime-expired": ["  certificate: Alice, Example", "    the certificate CN=Alice,O=Example expired on 2026-04-01"],
    "encrypted-cbc": [
        "S/MIME encryption  smime=none",
        "  content encryption: AES-256-CBC: nothing notices a change on the way",
        "  encrypted to: 2 keys",
        "  decrypted with the key of: robin@example.net (RSA of 2048 bits, certificate valid to 2028-04-30)",
        "  how the key reached you: encrypted by RSAES-PKCS1-v1_5",
        "  what encryption says of the author: nothing",
    ],
    "encrypted-to-another": ["S/MIME encryption  smime=neutral", "  content encryption: ", "  encrypted to: "],
    "smime-partly-signed": ["  covers: part 1, octets 0 to"],
    "dkim-missing-key": ["  DNS: gone._domainkey.example.org TXT: there is no such name"],
    "dkim-appended": ["  covers: octets "],
    "plain": ["DKIM signature  dkim=none", "  message not signed"],
}


@pytest.mark.parametrize("name", NAMED)
def test_what_is_said(name: str, demo: object) -> None:
    lines = list(as_text(reasons(demo.reports[name])))
    at = 0
    for wanted in NAMED[name]:
        found = [number for number, line in enumerate(lines[at:], at) if line.startswith(wanted)]
        assert found, (wanted, lines)
        at = found[0]


def test_all_of_it_is_safe_to_show(demo: object) -> None:
    for report in demo.reports.values():
        for line in as_text(reasons(report)):
            assert line.isprintable()


def test_the_time_and_the_conditions_are_said(demo: object) -> None:
    lines = list(as_text(reasons(demo.reports["dkim-rsa"])))
    assert "Judged at 2026-05-01 12:00:00 UTC (chosen by you)" in lines
    assert "Judged with DNS from dns.zone" in lines


def report_of(*evidence: object) -> Report:
    """A report with one result that rests on this."""
    message = parse(b"From: alice@example.org\r\n\r\nAt four.\r\n")
    result = AuthResult("dkim", Result.NONE, evidence=evidence)
    layer = Layer(0, None, "", "transit", message.header, (message.body_start, len(message.octets)), message)
    run = Run("dkim", "dkim", ("dkim",), (result,), evidence, 0.0)
    moment = Moment(datetime(2026, 5, 1, 12, tzinfo=UTC))
    return Report((result,), (layer,), (run,), (), moment)


def outline(*evidence: object) -> list[str]:
    """The outline of such a report."""
    return list(as_text(reasons(report_of(*evidence))))


def test_evidence_that_cannot_be_shown_is_said_once() -> None:
    """A plugin may put anything into it: wrong types, what has no hash."""
    odd = (Fact("a", ["b"]), Fact(1, 2), CertificatePath(5, True), CertificatePath((5,), False))
    odd += (CertificatePath((b"",), False, role="king"), Anchors(("aa",), "", 5))
    lines = outline(*odd)
    assert sum("evidence that cannot be shown" in line for line in lines) == 4
    assert offered_issuers(report_of(*odd)) == ()


def test_what_ran_and_how_long_is_told_where_it_is_wanted(demo: object) -> None:
    report = demo.reports["dkim-rsa"]
    assert "What ran, and how long" in list(as_text(reasons(report)))
    assert "What ran, and how long" not in list(as_text(reasons(report, times=False)))


def path(*certificates: bytes, anchored: bool = True, **options: object) -> CertificatePath:
    return CertificatePath(certificates, anchored, **options)


class Chain:
    """A root, an authority and a leaf, whose names are those of somebody hostile where that is wanted."""

    def __init__(self, name: str = "Alice", url: str = "http://ca.example/ca.cer") -> None:
        valid = {"not_before": datetime(2026, 1, 1, tzinfo=UTC), "not_after": datetime(2027, 1, 1, tzinfo=UTC)}
        key = PrivateKey.generate("ec")
        self.root = make_authority("Root", key=key, **valid)
        self.middle = make_authority("Middle", key=key, parent=self.root, **valid)
        access = information_access(issuer_url=url)
        self.leaf = issue(self.middle, "alice@example.org", key=key, subject=name, extra=[access], **valid)
        self.ders = tuple(one.certificate.der for one in (self.leaf, self.middle, self.root))


def test_what_is_known_of_each_certificate_stands_at_it() -> None:
    chain = Chain()
    notes = (
        CertificateNote(0, "good", "not revoked: OCSP by Middle at http://ocsp.example, 2026-05-01 14:03 UTC"),
        CertificateNote(1, "revoked", "revoked on 2026-03-01 (cACompromise): CRL by CN=Root, 2026-05-01 10:00 UTC"),
    )
    anchors = Anchors((chain.root.certificate.fingerprint,), "", ((chain.root.certificate.fingerprint, "you\x1b did"),))
    found = [
        line for line in outline(path(*chain.ders, notes=notes), anchors) if not line.strip().startswith("SHA-256")
    ]
    assert found[1:11] == [
        "  certificate: Alice",
        "    for alice@example.org",
        "    valid 2026-01-01 to 2027-01-01, key: P-256",
        "    not revoked: OCSP by Middle at http://ocsp.example, 2026-05-01 14:03 UTC",
        "    issued by Middle",
        "      revoked on 2026-03-01 (cACompromise): CRL by CN=Root, 2026-05-01 10:00 UTC",
        "      valid 2026-01-01 to 2027-01-01, key: P-256",
        "      issued by Root",
        "        valid 2026-01-01 to 2027-01-01, key: P-256",
        "        your trust anchor: you\u241b did",
    ]


ROLES = {
    "tried": "  also tried, another path for the certificate: Alice",
    "countersigner": "  the countersigner's certificate: Alice",
    "encryption": "  to be encrypted to by another certificate: Alice",
}


@pytest.mark.parametrize("role", ROLES)
def test_other_paths_say_what_they_are(role: str) -> None:
    assert ROLES[role] in outline(path(*Chain().ders, role=role))


def test_a_path_without_an_anchor_says_where_it_ends() -> None:
    chain = Chain()
    lines = outline(path(chain.ders[0], anchored=False))
    assert "    no trust anchor at the end of this path" in lines  # evidence of earlier says no more
    assert "    issued by Middle, whose certificate is not at hand" in lines
    assert "    its issuer's certificate is offered at http://ca.example/ca.cer" in lines


@pytest.mark.parametrize("url", ["ldap://ca.example/cn=x", "file:///etc/passwd", "javascript:alert(1)"])
def test_only_the_web_is_offered(url: str) -> None:
    assert not any("offered" in line for line in outline(path(Chain(url=url).ders[0], anchored=False)))


def test_names_cannot_pass_for_lines_of_ours() -> None:
    """Foreign text stands behind words of ours and never brings a line of its own."""
    name = "Alice\n    your trust anchor: you\x1b[2J\u202e"
    lines = outline(path(*Chain(name).ders))
    assert all(line.isprintable() for line in lines)
    assert not any(line.strip() == "your trust anchor: you" for line in lines)


def test_what_is_no_certificate_is_said() -> None:
    lines = outline(path(b"nothing", Chain().ders[2]))
    assert any(line.startswith("  certificate: one that cannot be read") for line in lines)
