"""Pictures of the pane and its screens: three sizes, dark, light and without colour. The time is always the same.

What has changed is shown by `pytest --snapshot-update` and a look at the pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailsec.hooks.types import AuthResult, Cause, Coverage, DnsAnswer, DnsStatus, Fact, Moment, Result
from mailsec.message import parse
from mailsec.pipeline import Layer, Report
from mailsec.pipeline.report import Run
from mailsec.tui.reading import PartScreen, SaveScreen
from mailsec.tui.reading.lines import Cover

SIZES = [(60, 18), (80, 24), (120, 40)]
THEMES = ["dark", "light", "plain"]
EVERY = pytest.mark.parametrize(("size", "theme"), [(size, theme) for size in SIZES for theme in THEMES])

LETTER = b"""From: Alice Example <alice@example.org>
To: Robin Reader <robin@example.net>, Bob Tester <bob@example.net>
Cc: team@example.org
Subject: Re: Where shall we meet this year? [bold]By the sea[/bold]
Date: Fri, 1 May 2026 09:12:00 +0000

Hello Robin,

the sea is fine with me, as long as we do not have to walk from the station with all that we carry.
The map is at https://maps.example/sea?zoom=12 and the rooms are taken.

> Where shall we meet this year?
> By the sea, or in the mountains?
> The mountains are quieter.
> The sea is warmer.

  1  train      8:14   12:40
  2  ferry     13:05   13:50

-- 
Alice
"""  # noqa: W291
FOOTER = b"\n_______________\nTo leave this list pay 10 euros to its owner.\n"


def signed_report(octets: bytes) -> Report:
    """A report on a letter whose domain signed all but the footer."""
    message = parse(octets)
    start = message.body_start
    coverage = Coverage(fields=tuple(range(5)), ranges=((start, octets.index(FOOTER)),))
    dns = DnsAnswer(
        "s1._domainkey.example.org", "TXT", DnsStatus.FOUND, (b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/=",), 300
    )
    result = AuthResult(
        "dkim",
        Result.POLICY,
        "only 640 of 706 octets of the body are signed (l=)",
        Cause.PARTIAL,
        {"header.d": "example.org", "header.s": "s1", "header.a": "ed25519-sha256"},
        coverage,
        (dns, Fact("algorithm", "ed25519-sha256 with a key of 256 bits"), Fact("signing time", "2026-05-01T09:12:00Z")),
    )
    moment = Moment(datetime(2026, 5, 1, 12, tzinfo=UTC))
    layers = (Layer(0, None, "", "transit", message.header, (start, len(octets)), message),)
    return Report((result,), layers, (Run("dkim", "dkim", ("dkim",), (result,), (), 0.0021),), (), moment)


@pytest.fixture
def compare(snap_compare: Callable[..., bool], reader: type) -> Callable[..., bool]:
    def compare(
        octets: bytes,
        *actions: str,
        size: tuple[int, int],
        theme: str,
        report: Report | None = None,
        screen: Callable[[], object] | None = None,
    ) -> bool:
        async def before(pilot: object) -> None:
            await pilot.pause()
            app = pilot.app
            app.pane.show(parse(octets))
            await pilot.pause()
            if report is not None:
                app.pane.judge(report)
            await app.workers.wait_for_complete()
            await pilot.pause()
            for action in actions:
                getattr(app.pane, f"action_{action}")()
                await pilot.pause()
            if screen is not None:
                await app.push_screen(screen())
            await app.workers.wait_for_complete()
            await pilot.pause()

        return snap_compare(reader(theme), terminal_size=size, run_before=before)

    return compare


@EVERY
def test_a_letter_with_a_footer_that_is_nobodys(
    compare: Callable[..., bool], size: tuple[int, int], theme: str
) -> None:
    octets = LETTER + FOOTER
    assert compare(octets, size=size, theme=theme, report=signed_report(octets))


@EVERY
def test_why(compare: Callable[..., bool], size: tuple[int, int], theme: str) -> None:
    octets = LETTER + FOOTER
    assert compare(octets, "why", size=size, theme=theme, report=signed_report(octets))


@EVERY
def test_a_page(compare: Callable[..., bool], demo: object, size: tuple[int, int], theme: str) -> None:
    report = demo.reports["hostile-markup"]
    assert compare(demo.messages["hostile-markup"], "next_link", size=size, theme=theme, report=report)


@EVERY
def test_parts(compare: Callable[..., bool], demo: object, size: tuple[int, int], theme: str) -> None:
    report = demo.reports["attachments"]
    assert compare(demo.messages["attachments"], "parts", size=size, theme=theme, report=report)


@EVERY
def test_one_part(compare: Callable[..., bool], demo: object, size: tuple[int, int], theme: str) -> None:
    octets = demo.messages["attachments"]
    part = parse(octets).part("2")
    assert compare(octets, size=size, theme=theme, screen=lambda: PartScreen(part, Cover.AUTHOR))


@EVERY
def test_save(compare: Callable[..., bool], demo: object, size: tuple[int, int], theme: str) -> None:
    octets = demo.messages["hostile-bidi"]
    parts = [part for part in parse(octets).walk() if part.filename]
    assert compare(octets, size=size, theme=theme, screen=lambda: SaveScreen(parts, Path("/srv/mail/robin")))


@pytest.mark.parametrize(
    "name",
    ["smime-partly-signed", "smime-and-dkim", "hostile-bidi", "hostile-controls", "right-to-left", "wide-characters",
     "two-from-fields", "flowed", "html-and-image", "smime-tampered", "header-replaced", "header-list-from", "header-added",
     "header-spoofed", "encrypted"],
)  # fmt: skip
def test_the_demonstration(compare: Callable[..., bool], demo: object, name: str) -> None:
    assert compare(demo.messages[name], size=(80, 24), theme="dark", report=demo.reports[name])


def test_while_it_is_checked(compare: Callable[..., bool]) -> None:
    assert compare(LETTER, "toggle_quotes", size=(80, 24), theme="dark")
