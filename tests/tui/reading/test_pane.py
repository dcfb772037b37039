"""The pane and its screens, in a running application."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets import Input

from mailsec.message import parse
from mailsec.store.types import KeptVerdict
from mailsec.tui.reading import PartScreen, PartsScreen, SaveScreen, WhyScreen
from mailsec.tui.reading.banner import Checking, Judged, Kept, NotJudged
from mailsec.tui.reading.outline import Outline
from mailsec.tui.reading.page import PageText

AT = 1_777_636_800


async def until(pilot: object, done: Callable[[], bool]) -> None:
    for _ in range(400):
        await pilot.pause()
        if done():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come about")


async def shown(pilot: object, lines_on: Callable[[object], list[str]], text: str) -> list[str]:
    await until(pilot, lambda: any(text in line for line in lines_on(pilot.app)))
    return lines_on(pilot.app)


async def test_from_the_message_to_its_verdict(demo: object, reader: type, lines_on: Callable) -> None:
    app = reader()
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.show(demo.message("smime-rsa"))
        lines = await shown(pilot, lines_on, "Hello Robin")
        assert isinstance(app.pane.banner, Checking)
        assert lines[0] == " Contract, final version"
        assert lines[1].startswith(" From  Alice Example <alice@example.org>")
        assert not any("▌" in line for line in lines)
        app.pane.judge(demo.reports["smime-rsa"])
        lines = await shown(pilot, lines_on, "▌ Hello Robin")
        assert isinstance(app.pane.banner, Judged)
        assert any(line.startswith("  ✓ Verified. alice@example.org signed the whole body") for line in lines)


async def test_a_report_about_another_message_changes_nothing(demo: object, reader: type) -> None:
    app = reader()
    async with app.run_test() as pilot:
        app.pane.show(demo.message("smime-tampered"))
        app.pane.judge(demo.reports["smime-rsa"])
        await pilot.pause()
        assert isinstance(app.pane.banner, Checking)
        assert app.pane.report is None


async def test_a_verdict_that_was_kept_is_shown_with_its_age(demo: object, reader: type, lines_on: Callable) -> None:
    app = reader()
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.show(demo.message("dkim-rsa"))
        app.pane.judge_kept(KeptVerdict("authenticated", "example.org", "It is so.", False, AT - 7_200))
        lines = await shown(pilot, lines_on, "It is so.")
        assert isinstance(app.pane.banner, Kept)
        assert "  ~ Authenticated. It is so. Judged 3 h ago." in [line.removesuffix("y why").rstrip() for line in lines]
        app.pane.judge(demo.reports["dkim-rsa"])
        app.pane.judge_kept(KeptVerdict("verified", "", "Older.", False, AT))
        await pilot.pause()
        assert isinstance(app.pane.banner, Judged)


async def test_what_could_not_be_checked_says_why(demo: object, reader: type, lines_on: Callable) -> None:
    app = reader()
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.show(demo.message("plain"))
        app.pane.judge_failed("the \x1b[31mplugin [b]broke[/b]")
        await shown(pilot, lines_on, "This message could not be checked: the ␛[31mplugin [b]broke[/b]")
        assert isinstance(app.pane.banner, NotJudged)


async def test_nothing_to_show_says_what_to_do(reader: type, lines_on: Callable) -> None:
    app = reader()
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.empty("Choose a [message].")
        lines = await shown(pilot, lines_on, "Choose a [message].")
        assert sum(map(bool, lines)) == 1
        for action in ("why", "parts", "save_attachments", "next_link", "page_down", "toggle_html", "scroll_end"):
            getattr(app.pane, f"action_{action}")()
        await pilot.pause()


@pytest.mark.parametrize("size", [(60, 18), (80, 24), (120, 40), (240, 70), (20, 8), (4, 3)])
async def test_every_message_of_the_demonstration_in_every_size(
    demo: object, reader: type, size: tuple[int, int]
) -> None:
    app = reader()
    async with app.run_test(size=size) as pilot:
        for name in demo.messages:
            app.pane.show(demo.message(name))
            app.pane.judge(demo.reports[name])
            app.pane.action_toggle_headers()
            app.pane.action_scroll_end()
            app.pane.action_next_link()
            await pilot.pause()
            assert isinstance(app.pane.banner, Judged), name
        await app.workers.wait_for_complete()


async def test_the_author_is_always_shown_by_address(demo: object, reader: type, lines_on: Callable) -> None:
    for author, wanted in {
        '"Alice Example <alice@example.org>" <mallory@example.com>': "“Alice Example <alice@example.org>” <mallory@example.com>",
        f"{'Long Name ' * 50}<mallory@example.com>": "<mallory@example.com>",
        "a" * 300 + "@evil.example": "@evil.example>",
        "\u202eevil\u202c <mallory@example.com>": "\ufffdevil\ufffd <mallory@example.com>",
        ", ".join(f"a{n}@example.org" for n in range(9)): "and 5 more",
    }.items():
        app = reader()
        async with app.run_test(size=(80, 24)) as pilot:
            app.pane.show(parse(f"From: {author}\r\nSubject: S\r\n\r\nText\r\n".encode()))
            await shown(pilot, lines_on, wanted)


async def test_an_answer_that_goes_elsewhere_is_said(reader: type, lines_on: Callable) -> None:
    app = reader()
    async with app.run_test(size=(80, 24)) as pilot:
        to = ", ".join(f"reader{n}@example.net" for n in range(30))
        head = f"From: a@example.org\r\nReply-To: m@evil.example\r\nTo: {to}\r\nCc: C <c@example.net>\r\n\r\nText"
        app.pane.show(parse(head.encode()))
        lines = await shown(pilot, lines_on, "Reply m@evil.example")
        assert " To    reader0@example.net, reader1@example.net, reader2@example.net +27" in lines
        assert " Cc    C" in lines
        assert " (no subject)" in lines


async def test_moving(reader: type, lines_on: Callable) -> None:
    app = reader()
    async with app.run_test(size=(80, 24)) as pilot:
        body = "".join(f"line {number}\r\n" for number in range(5_000))
        app.pane.show(parse(f"From: a@example.org\r\nSubject: S\r\n\r\n{body}".encode()))
        await shown(pilot, lines_on, "line 0")

        def first() -> str:
            return next(line.split()[1] for line in lines_on(app) if line.strip().startswith("line "))

        page = app.pane.body.size.height
        for action, wanted in (
            ("scroll_down", 1),
            ("scroll_up", 0),
            ("page_down", page - 1),
            ("page_up", 0),
            ("half_page_down", page // 2),
            ("half_page_up", 0),
            ("scroll_up", 0),
            ("scroll_end", 5_000 - page),
            ("scroll_down", 5_000 - page),
            ("page_up", 5_001 - 2 * page),
            ("scroll_home", 0),
        ):
            getattr(app.pane, f"action_{action}")()
            await pilot.pause()
            assert first() == str(wanted), action


async def test_the_reader_stays_where_they_are_when_the_verdict_comes(
    demo: object, reader: type, lines_on: Callable
) -> None:
    octets = demo.messages["plain"] + b"".join(b"line %d\r\n" % number for number in range(500))
    report = demo.check(octets)
    app = reader()
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.show(parse(octets))
        await shown(pilot, lines_on, "line 1")
        app.pane.action_page_down()
        app.pane.action_page_down()
        await pilot.pause()
        before = app.pane.body.scroll_y
        app.pane.judge(report)
        await pilot.pause()
        assert app.pane.body.scroll_y == before > 0


async def test_a_narrower_window_keeps_the_place(reader: type, lines_on: Callable) -> None:
    app = reader()
    async with app.run_test(size=(100, 24)) as pilot:
        body = "".join(f"{number} " + "word " * 30 + "\r\n" for number in range(400))
        app.pane.show(parse(f"From: a@example.org\r\n\r\n{body}".encode()))
        await shown(pilot, lines_on, "word")
        for _ in range(20):
            app.pane.action_page_down()
        await pilot.pause()
        number = next(line.split()[0] for line in lines_on(app) if line.split()[:1] and line.split()[0].isdigit())
        await pilot.resize_terminal(50, 24)
        await pilot.pause()
        assert any(line.split()[:1] == [number] or line.split()[:1] == [str(int(number) - 1)] for line in lines_on(app))


async def test_links_are_shown_and_chosen_but_never_opened(demo: object, reader: type, lines_on: Callable) -> None:
    app = reader()
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.show(demo.message("hostile-markup"))
        await shown(pilot, lines_on, "https://bank.example/[1!]")
        app.pane.action_choose()
        app.pane.action_next_link()
        lines = await shown(pilot, lines_on, "→ http://example.com/")
        assert lines[-1] == " ! Its text says bank.example."
        app.pane.action_choose()
        await pilot.pause()
        assert app.posted == ["http://example.com/"]


async def test_a_click_chooses(reader: type, lines_on: Callable) -> None:
    app = reader()
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.show(parse(b"From: a@example.org\r\n\r\nSee http://example.org/x now\r\n"))
        lines = await shown(pilot, lines_on, "See http")
        row = next(number for number, line in enumerate(lines) if "See http" in line)
        await pilot.click(offset=(3, row))
        assert app.posted == []
        await pilot.click(offset=(10, row))
        await pilot.pause()
        assert app.posted == ["http://example.org/x"]


async def test_attachments_are_chosen_and_saved(demo: object, reader: type, lines_on: Callable, tmp_path: Path) -> None:
    app = reader()
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.show(demo.message("hostile-bidi"))
        await shown(pilot, lines_on, "bashrc")
        app.pane.action_next_link()
        app.pane.action_next_link()
        app.pane.action_choose()
        await pilot.pause()
        assert [part.filename for part in app.posted] == ["../../../.bashrc"]
        app.pane.action_previous_link()
        assert app.pane.body.chosen.part.filename == "photo\u202egpj.exe"
        app.pane.show(demo.message("hostile-bidi"))
        app.pane.action_save_attachments()
        await until(pilot, lambda: isinstance(app.screen, SaveScreen))
        app.screen.query_one(Input).value = str(tmp_path / "nowhere")
        await pilot.press("enter")
        await shown(pilot, lines_on, "is no folder.")
        app.screen.query_one(Input).value = str(tmp_path)
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, SaveScreen))
        assert sorted(one.name for one in tmp_path.iterdir()) == ["bashrc", "photogpj.exe"]


async def test_toggles(demo: object, reader: type, lines_on: Callable) -> None:
    app = reader()
    async with app.run_test(size=(80, 30)) as pilot:
        app.pane.show(demo.message("smime-with-attachment"))
        app.pane.judge(demo.reports["smime-with-attachment"])
        await shown(pilot, lines_on, "The invoice is attached.")
        app.pane.action_toggle_headers()
        await shown(pilot, lines_on, "Message-ID: ")
        app.pane.action_toggle_headers()
        app.pane.action_toggle_html()
        await shown(pilot, lines_on, "▌ The invoice is attached.")
        body = "new\r\n" + "> old\r\n" * 9
        app.pane.show(parse(f"From: a@example.org\r\n\r\n{body}".encode()))
        lines = await shown(pilot, lines_on, "9 quoted lines: old")
        assert not any("│ old" in line for line in lines)
        app.pane.action_toggle_quotes()
        await shown(pilot, lines_on, "│ old")


async def test_why(demo: object, reader: type, lines_on: Callable) -> None:
    app = reader()
    async with app.run_test(size=(100, 40)) as pilot:
        app.pane.show(demo.message("smime-rsa"))
        app.pane.action_why()
        await pilot.pause()
        assert not isinstance(app.screen, WhyScreen)
        app.pane.judge(demo.reports["smime-rsa"])
        app.pane.action_why()
        lines = await shown(pilot, lines_on, "S/MIME signature")
        assert lines[0] == " Why: ✓ verified"
        assert any("your trust anchor" in line for line in lines)
        await pilot.press("c", "space")
        await until(pilot, lambda: not any("your trust anchor" in line for line in lines_on(app)))
        assert app.clipboard.startswith("verified: alice@example.org signed")
        await pilot.press("s")
        await pilot.pause()
        assert app.posted == [demo.reports["smime-rsa"]]
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, WhyScreen))


async def test_parts(demo: object, reader: type, lines_on: Callable, tmp_path: Path) -> None:
    app = reader()
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.show(demo.message("attachments"))
        app.pane.judge(demo.reports["attachments"])
        app.pane.action_parts()
        await shown(pilot, lines_on, "image/png")
        assert isinstance(app.screen, PartsScreen)
        await pilot.press("j", "j", "enter")
        lines = await shown(pilot, lines_on, "89 50 4e 47")
        assert isinstance(app.screen, PartScreen)
        assert any("00000000  89 50 4e 47 0d 0a 1a 0a" in line and ".PNG...." in line for line in lines)
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, SaveScreen))
        app.screen.query_one(Input).value = str(tmp_path)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PartScreen))
        assert (tmp_path / "dot.png").read_bytes().startswith(b"\x89PNG")
        await pilot.press("escape", "j", "j", "j", "enter")
        await shown(pilot, lines_on, "Blåbærsyltetøy")
        await pilot.press("escape", "escape")
        await pilot.pause()
        assert not isinstance(app.screen, PartsScreen)


async def test_parts_of_what_was_opened(demo: object, reader: type, lines_on: Callable) -> None:
    app = reader()
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.show(demo.message("smime-opaque"))
        app.pane.judge(demo.reports["smime-opaque"])
        app.pane.action_parts()
        lines = await shown(pilot, lines_on, "the signed content")
        assert any("▌ 1  text/plain" in line for line in lines)


async def test_a_deep_tree_of_parts(demo: object, reader: type, lines_on: Callable) -> None:
    app = reader()
    async with app.run_test(size=(60, 18)) as pilot:
        app.pane.show(demo.message("deep-nesting"))
        app.pane.action_parts()
        await shown(pilot, lines_on, "message/rfc822")
        outline = app.screen.query_one(Outline)
        for keys in ("G", "k", "h", "h", "l", "g", "pagedown", "pageup", "space", "end", "home"):
            await pilot.press(keys)
        assert outline.chosen is not None


async def test_letters_stand_in_for_signs(demo: object, reader: type, lines_on: Callable) -> None:
    app = reader("plain", glyphs=False)
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.show(demo.message("smime-and-dkim"))
        app.pane.judge(demo.reports["smime-and-dkim"])
        lines = await shown(pilot, lines_on, "| Hello Robin")
        assert any(line.startswith("  V Verified.") for line in lines)
        assert all(line.isascii() for line in lines)


async def test_a_mistake_of_ours_is_said_and_the_reader_goes_on(
    demo: object, reader: type, lines_on: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*more: object, **others: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr("mailsec.tui.reading.pane.make_document", broken)
    app = reader()
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.show(demo.message("plain"))
        await shown(pilot, lines_on, "mailsec made a mistake with this message (KeyError: 'x')")


async def test_a_large_message_begins_at_once(reader: type, lines_on: Callable) -> None:
    """The beginning is there before the whole has been read, and the rest after it."""
    page = "<p>first</p>" + "<p>word</p>" * 20_000 + "<p>last</p>"
    app = reader()
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.show(parse(f"From: a@example.org\r\nContent-Type: text/html\r\n\r\n{page}".encode()))
        await shown(pilot, lines_on, "first")
        await app.workers.wait_for_complete()
        app.pane.action_scroll_end()
        await shown(pilot, lines_on, "last")


async def test_the_parts_of_layers_in_layers_that_nest_deep(reader: type, lines_on: Callable) -> None:
    nest = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(60))
    app = reader()
    async with app.run_test(size=(60, 18)) as pilot:
        app.pane.show(parse(b"From: a@example.org\r\n" + nest + b"\r\ntext\r\n"))
        app.pane.action_parts()
        await shown(pilot, lines_on, "multipart/mixed")
        await pilot.press("G", "enter")
        await until(pilot, lambda: isinstance(app.screen, PartScreen))


async def test_a_page_that_nobody_waits_for_any_more_is_given_up(
    reader: type, lines_on: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who leafs through large pages does not pay for those that they have passed."""
    given_up = []

    def reading(html: str, *, clock: Callable[[], float], copies: bool) -> PageText:
        assert not copies
        while not math.isinf(clock()):
            time.sleep(0.01)
        given_up.append(html)
        return PageText()

    monkeypatch.setattr("mailsec.tui.reading.blocks.read_page", reading)
    app = reader()
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.show(parse(b"From: a@example.org\r\nContent-Type: text/html\r\n\r\n<p>x</p>"))
        await pilot.pause(0.05)
        app.pane.show(parse(b"From: a@example.org\r\n\r\nnext\r\n"))
        await shown(pilot, lines_on, "next")
        await until(pilot, lambda: given_up == ["<p>x</p>"])
