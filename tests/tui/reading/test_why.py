"""The panel that tells why, at three sizes: certificates, one of them opened, and an issuer that is missing."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mailsec.crypto import PrivateKey
from mailsec.crypto.issue import issue, make_authority
from mailsec.crypto.revocation.issue import information_access
from mailsec.hooks.types import (
    Anchors,
    AuthResult,
    Cause,
    CertificateNote,
    CertificatePath,
    Coverage,
    Fact,
    Moment,
    Result,
)
from mailsec.message import parse
from mailsec.pipeline import Layer, Report, Run
from mailsec.tui.reading import CertificateScreen, WhyScreen

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
URL = "http://ca.example.net/certificates/example-mail-ca-2.cer"
SIZES = ((60, 18), (80, 24), (120, 40))


class Scene:
    """A path of three certificates."""

    def __init__(self, url: str = URL) -> None:
        valid: dict[str, Any] = {"not_before": AT - timedelta(days=120), "not_after": AT + timedelta(days=245)}
        key = PrivateKey.generate("ec")
        company = ("O", "Example GmbH")
        root = make_authority([company, ("CN", "Example Root")], key=key, **valid)
        middle = make_authority([company, ("CN", "Example Mail CA 2")], key=key, parent=root, **valid)
        access = [information_access(issuer_url=url)]
        alice = [company, ("CN", "Alice Example")]
        leaf = issue(middle, "alice@example.org", key=key, subject=alice, extra=access, **valid)
        self.ders = tuple(one.certificate.der for one in (leaf, middle, root))
        self.anchor = root.certificate.fingerprint

    def report(self, result: Result, cause: Cause | None, path: CertificatePath, *, asked: bool = False) -> Report:
        message = parse(b"From: alice@example.org\r\nSubject: x\r\n\r\nAt four.\r\n")
        body = (message.body_start, len(message.octets))
        coverage = Coverage(ranges=(body,)) if result is Result.PASS else None
        facts = (Fact("signing time, as the signer claims", "2026-05-01T11:58:00+00:00"),)
        properties = {"body.smime-identifier": "alice@example.org"}
        found = AuthResult("smime", result, "", cause, properties, coverage, (path, *facts))
        trust = Anchors((self.anchor,), "", ((self.anchor, "your decision of 2026-01-10"),))
        layer = Layer(0, None, "", "transit", message.header, body, message)
        run = Run("smime", "smime", ("smime",), (found,), (trust,), 0.0)
        return Report((found,), (layer,), (run,), (), Moment(AT), fetch_issuers=asked)

    def verified(self) -> Report:
        notes = (
            CertificateNote(
                0, "good", "not revoked: OCSP by Responder at http://ocsp.example.net, 2026-05-01 11:03 UTC"
            ),
            CertificateNote(1, "good", "not revoked: CRL by Example Root, 2026-04-30 06:00 UTC"),
        )
        return self.report(Result.PASS, None, CertificatePath(self.ders, True, notes))

    def lacking(self, *, asked: bool = False) -> Report:
        note = CertificateNote(0, "failure", "the issuer CN=Example Mail CA 2 is not known")
        return self.report(Result.POLICY, Cause.UNTRUSTED, CertificatePath(self.ders[:1], False, (note,)), asked=asked)


def bare(lines: list[str]) -> list[str]:
    """Lines without the scroll bar."""
    return [re.sub(r"\s*[▁▂▃▄▅▆▇█]*\s*$", "", line) for line in lines]


VERIFIED = """
 ▾ ✓ S/MIME signature  smime=pass  alice@example.org
     covers: the whole body
     From is vouched for by the certificate
     header fields not covered: subject
   ▾ ✓ certificate: Alice Example, Example GmbH
       for alice@example.org
       valid 2026-01-01 to 2027-01-01, key: P-256
       not revoked: OCSP by Responder at http://ocsp.example.net, 2026-05-01 11:03 UTC
     ▾ ✓ issued by Example Mail CA 2, Example GmbH
         valid 2026-01-01 to 2027-01-01, key: P-256
         not revoked: CRL by Example Root, 2026-04-30 06:00 UTC
       ▾ ✓ issued by Example Root, Example GmbH
           valid 2026-01-01 to 2027-01-01, key: P-256
           your trust anchor: your decision of 2026-01-10
     signing time, as the signer claims: 2026-05-01T11:58:00+00:00
"""


async def test_the_tree(reader: type, lines_on: Callable) -> None:
    app = reader()
    async with app.run_test(size=(120, 40)) as pilot:
        app.push_screen(WhyScreen(Scene().verified()))
        await pilot.pause()
        assert VERIFIED.strip("\n") in "\n".join(bare(lines_on(app)))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("glyphs", [True, False])
async def test_a_missing_issuer(size: tuple[int, int], glyphs: bool, reader: type, lines_on: Callable) -> None:
    """The address, and what the fetch would tell, are seen before the key is pressed; all keys are."""
    app = reader()
    async with app.run_test(size=size) as pilot:
        app.push_screen(WhyScreen(Scene().lacking(), glyphs=glyphs))
        await pilot.pause()
        lines = lines_on(app)
        assert lines[-1] == " esc close  enter open  space fold  s save  c copy  f fetch"
        said = " ".join("\n".join(lines[-6:-1]).split())
        assert "f asks whether to fetch it. That tells the server that you read this message: " + URL in said
        wrong = "✗" if glyphs else "X"
        assert any(f"{wrong} certificate: Alice Example" in line for line in lines)
        assert any(f"{wrong} the issuer CN=Example Mail CA 2 is" in line for line in lines)
        await pilot.press("f")
        await pilot.pause()
        assert app.screen.query(".why--offer")


async def test_after_it_could_not_be_had(reader: type, lines_on: Callable) -> None:
    app = reader()
    async with app.run_test(size=(80, 24)) as pilot:
        why = WhyScreen(Scene().lacking())
        app.push_screen(why)
        await pilot.pause()
        await why.show(Scene().lacking(asked=True))
        await pilot.pause()
        assert "The issuer's certificate could not be had." in "\n".join(lines_on(app))
        await why.show(Scene().verified())
        await pilot.pause()
        lines = lines_on(app)
        assert lines[0] == " Why: ✓ verified"
        assert lines[-1] == " esc close  enter open  space fold  s save  c copy"
        await pilot.press("j", "h")  # the keyboard is still in the outline
        await pilot.press("f")
        assert not app.screen.query(".why--offer")


async def test_a_hostile_address_stays_text(reader: type, lines_on: Callable) -> None:
    app = reader()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(WhyScreen(Scene("http://a.example/\x1b[2J[bold]" + "x" * 5000).lacking()))
        await pilot.pause()
        text = "\n".join(lines_on(app))
        assert "\x1b" not in text
        assert "␛[2J[bold]xxx" in text
        assert lines_on(app)[-1].endswith("f fetch")


@pytest.mark.parametrize("size", SIZES)
async def test_all_of_a_certificate(size: tuple[int, int], reader: type, lines_on: Callable) -> None:
    app = reader()
    async with app.run_test(size=size) as pilot:
        why = WhyScreen(Scene().verified())
        app.push_screen(why)
        await pilot.pause()
        while not why.at_certificate:
            await pilot.press("j")
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, CertificateScreen)
        lines = lines_on(app)
        assert lines[0] == " Certificate: Alice Example, Example GmbH"
        assert bare(lines[2:6]) == [
            " ▾ subject: Alice Example, Example GmbH",
            "     organization: Example GmbH",
            "     common name: Alice Example",
            "   for alice@example.org",
        ]
        assert lines[-1] == " esc back  space fold  c copy, with PEM"
        await pilot.press("c")
        assert "fingerprint (SHA-256): " in app.clipboard
        assert "-----END CERTIFICATE-----" in app.clipboard
        await pilot.press("escape")
        await pilot.pause()
        assert app.screen is why
