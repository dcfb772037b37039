"""The outline that tells why."""

from __future__ import annotations

import pytest

from mailsec.tui.reading.reasons import as_text, reasons

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
