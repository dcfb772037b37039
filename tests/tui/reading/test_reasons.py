"""The outline that tells why."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mailsec.hooks.types import AuthResult, CertificatePath, Fact, Moment, Result
from mailsec.message import parse
from mailsec.pipeline import Layer, Report, Run
from mailsec.pipeline.reasons import as_text, reasons

NAMED = {
    "smime-and-dkim": [
        "S/MIME signature  smime=pass  alice@example.org",
        "  covers: the whole body",
        "  From is vouched for by the certificate",
        "  header fields not covered: to, subject, date",
        "  signature algorithm: RSASSA-PKCS1-v1_5 with SHA-256",
        "  certificate: CN=Alice,O=Example",
        "    for alice@example.org",
        "    certificate: CN=Example Mail CA 2,O=Example",
        "      certificate: CN=Example Root,O=Example (your trust anchor)",
        "DKIM signature  dkim=pass  example.org",
        "  DNS: s1._domainkey.example.org TXT (300 s)",
    ],
    "smime-unknown-issuer": ["    no trust anchor at the end of this path"],
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


def outline(*evidence: object) -> list[str]:
    """The outline of a report with one result that rests on this."""
    message = parse(b"From: alice@example.org\r\n\r\nAt four.\r\n")
    result = AuthResult("dkim", Result.NONE, evidence=evidence)
    layer = Layer(0, None, "", "transit", message.header, (message.body_start, len(message.octets)), message)
    run = Run("dkim", "dkim", ("dkim",), (result,), evidence, 0.0)
    moment = Moment(datetime(2026, 5, 1, 12, tzinfo=UTC))
    return list(as_text(reasons(Report((result,), (layer,), (run,), (), moment))))


def test_evidence_that_cannot_be_shown_is_said_once() -> None:
    """A plugin may put anything into it: wrong types, what has no hash."""
    lines = outline(Fact("a", ["b"]), Fact(1, 2), CertificatePath(5, True))
    assert sum("evidence that cannot be shown" in line for line in lines) == 3


def test_what_ran_and_how_long_is_told_where_it_is_wanted(demo: object) -> None:
    report = demo.reports["dkim-rsa"]
    assert "What ran, and how long" in list(as_text(reasons(report)))
    assert "What ran, and how long" not in list(as_text(reasons(report, times=False)))
