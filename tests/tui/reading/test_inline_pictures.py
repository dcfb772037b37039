"""Pictures of a message in its pane: when they are shown, and that none can be taken for something of the client's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from mailsec.message.compose import image, multipart, text, write_message
from mailsec.pipeline.verdict import Level
from mailsec.tui.background.limits import LIMITS
from mailsec.tui.reading import MessagePane
from tests.tui.drawing import banner, drawn, quarters
from tests.tui.reading.test_pane import until
from tests.tui.shell.picture import picture

FIELDS = [
    ("From", "Alice Example <alice@example.org>"),
    ("To", "robin@example.net"),
    ("Subject", "Look"),
    ("Date", "Fri, 1 May 2026 09:00:00 +0000"),
]
TOP = "┌─ picture"
END = "└─ end of the picture"


def letter(*pictures: Any, words: str = "Look at this.") -> bytes:
    return write_message(FIELDS, multipart("mixed", text(words), *pictures))


def one(octets: bytes, name: str = "map.png", subtype: str = "png") -> Any:
    return image(octets, "a@b", subtype, filename=name)


FLAG = letter(one(drawn(quarters(8, 8))))


class AsText(SingleFileSnapshotExtension):
    """A file for each picture."""

    _write_mode = WriteMode.TEXT
    _file_extension = "txt"
    file_extension = "txt"


@pytest.fixture
def opened(demo: Any, reader: type) -> Callable[..., Any]:
    """An application whose pane shows pictures."""

    def opened(images: str = "inline", *, theme: str = "dark", glyphs: bool = True) -> Any:
        app = reader(theme, glyphs=glyphs)
        app.pane = MessagePane(clock=app.pane._heading._clock, glyphs=glyphs, images=images, images_key="i")
        return app

    return opened


def show(app: Any, demo: Any, octets: bytes, *, judged: bool = True) -> None:
    from mailsec.message import parse

    app.pane.show(parse(octets))
    if judged:
        app.pane.judge(demo.check(octets))


def frames(lines: list[str]) -> int:
    return sum(TOP in line for line in lines)


async def test_a_picture_is_shown_once_the_message_was_checked(demo: Any, opened: Any, lines_on: Any) -> None:
    app = opened()
    async with app.run_test(size=(80, 24)) as pilot:
        show(app, demo, FLAG, judged=False)
        await until(pilot, lambda: any("map.png" in line for line in lines_on(app)))
        assert app.pane._decoding is None
        app.pane.judge(demo.check(FLAG))
        await until(pilot, lambda: frames(lines_on(app)))
        lines = lines_on(app)
        at = next(number for number, line in enumerate(lines) if TOP in line)
        assert lines[at - 1].strip().startswith("▣ map.png  image/png, ")
        assert lines[at - 1].strip().endswith(", 8×8")
        assert [line.strip() for line in lines[at + 1 : at + 5]] == ["│" + "▀" * 8 + " " * 16 + "│"] * 4
        assert END in lines[at + 5]


async def test_what_it_looks_like(demo: Any, opened: Any, lines_on: Any, snapshot: Any) -> None:
    app = opened()
    async with app.run_test(size=(60, 18)) as pilot:
        show(app, demo, FLAG)
        await until(pilot, lambda: frames(lines_on(app)))
        assert picture(app) == snapshot(extension_class=AsText)


async def test_nothing_is_shown_unasked_of_what_failed(demo: Any, opened: Any, lines_on: Any) -> None:
    head, body = demo.messages["smime-tampered"].split(b"\r\n\r\n", 1)
    kind = head[head.index(b"Content-Type:") :]
    parts = [kind + b"\r\n\r\n" + body, FLAG[FLAG.index(b"Content-Type: image") :].split(b"\r\n--", 1)[0]]
    octets = (
        b"From: alice@example.org\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=outer\r\n\r\n"
        + b"".join(b"--outer\r\n" + part + b"\r\n" for part in parts)
        + b"--outer--\r\n"
    )
    assert demo.check(octets).verdict.level is Level.FAILED
    app = opened()
    async with app.run_test(size=(100, 40)) as pilot:
        show(app, demo, octets)
        hint = "i shows this picture; since the check failed, not unasked."
        await until(pilot, lambda: any(hint in line for line in lines_on(app)))
        assert app.pane._decoding is None
        app.pane.action_pictures()
        await until(pilot, lambda: frames(lines_on(app)))


async def test_asked_for(demo: Any, opened: Any, lines_on: Any) -> None:
    app = opened("ask")
    async with app.run_test(size=(80, 24)) as pilot:
        show(app, demo, FLAG)
        await until(pilot, lambda: any("i shows this picture." in line for line in lines_on(app)))
        for wanted in (1, 0, 1):
            app.pane.action_pictures()
            await until(pilot, lambda wanted=wanted: frames(lines_on(app)) == wanted)
        show(app, demo, letter(one(drawn(quarters(10, 10)))))  # another message is not asked for
        await until(pilot, lambda: any("i shows this picture." in line for line in lines_on(app)))
        assert frames(lines_on(app)) == 0


NEVER = [
    ({"images": "off"}, "switched off"),
    ({"theme": "plain"}, "need colours"),
    ({"glyphs": False}, "need colours"),
]


@pytest.mark.parametrize(("options", "why"), NEVER, ids=["off", "plain", "no signs"])
async def test_where_there_are_no_pictures_the_part_is_named(
    demo: Any, opened: Any, lines_on: Any, options: dict[str, Any], why: str
) -> None:
    app = opened(**options)
    async with app.run_test(size=(80, 24)) as pilot:
        show(app, demo, FLAG)
        await until(pilot, lambda: any("map.png  image/png" in line for line in lines_on(app)))
        app.pane.action_pictures()
        await until(pilot, lambda: any(why in said.message for said in app._notifications))
        assert frames(lines_on(app)) == 0
        assert not any("shows this picture" in line for line in lines_on(app))
        assert app.pane._decoder._child is None


async def test_without_the_extra_the_key_says_how_to_get_it(
    demo: Any, opened: Any, lines_on: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailsec.tui.reading.pane.can_decode", lambda: False)
    app = opened()
    async with app.run_test(size=(120, 24)) as pilot:
        show(app, demo, FLAG)
        app.pane.action_pictures()
        await until(pilot, lambda: any("mailsec[images]" in said.message for said in app._notifications))


async def test_a_theme_without_colours_hides_them(demo: Any, opened: Any, lines_on: Any) -> None:
    app = opened()
    async with app.run_test(size=(80, 24)) as pilot:
        show(app, demo, FLAG)
        await until(pilot, lambda: frames(lines_on(app)))
        app.theme = "plain"
        await until(pilot, lambda: not frames(lines_on(app)))
        app.theme = "light"
        await until(pilot, lambda: frames(lines_on(app)))


async def test_pictures_of_the_other_form_are_told_of(demo: Any, opened: Any, lines_on: Any) -> None:
    app = opened()
    async with app.run_test(size=(120, 24)) as pilot:
        show(app, demo, demo.messages["dkim-html-and-image"])
        app.pane.action_pictures()
        await until(pilot, lambda: any("the form in HTML" in said.message for said in app._notifications))
        app.pane.action_toggle_html()
        await until(pilot, lambda: frames(lines_on(app)))


SIZES = [(60, 18), (80, 24), (120, 40), (240, 70)]


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_a_picture_of_a_banner_stays_in_its_frame(
    demo: Any, opened: Any, lines_on: Any, size: tuple[int, int]
) -> None:
    """No line of a picture is without the frame, and all of the frame is seen at once."""
    octets = letter(one(banner(), "Verified.png"), one(drawn(quarters(900, 900)), "high.png"))
    app = opened()
    async with app.run_test(size=size) as pilot:
        show(app, demo, octets)
        pane = app.pane
        await until(pilot, lambda: frames([line.text for line in pane.body._document.lines()]) == 2)
        await until(pilot, lambda: pane._decoding.is_finished)
        ours = pane._banner.region
        above = lines_on(app)[: ours.bottom]
        inside = False
        height = 0
        for line in pane.body._document.lines():
            if line.text.startswith("┌─ picture: "):
                inside, height = True, 0
            height += inside
            if inside:
                assert line.text[0] in "┌│└"
                assert line.text[-1] in "┐│┘"
                assert len(line.text) <= pane.body.text_width
            else:
                assert "▀" not in line.text
                assert line.halves == (b"", b"")
            if line.text.startswith("└─ end of the picture "):
                inside = False
                assert height <= max(pane.body.size.height, 6)
        assert not inside
        pane.body.move_to_end()
        await pilot.pause()
        assert lines_on(app)[: ours.bottom] == above
        assert not any("▀" in line for line in above)


async def test_the_name_is_made_safe(demo: Any, opened: Any, lines_on: Any) -> None:
    name = "a\u202egnp.exe \x1b]0;x\x07" + "long " * 60
    app = opened()
    async with app.run_test(size=(60, 24)) as pilot:
        show(app, demo, letter(one(drawn(quarters(8, 8)), name)))
        await until(pilot, lambda: frames(lines_on(app)))
        shown = "".join(lines_on(app))
        assert "\u202e" not in shown
        assert "\x1b" not in shown
        frame = next(line for line in lines_on(app) if TOP in line)
        assert "picture: a" in frame
        assert "\u202e" not in frame


async def test_pictures_follow_the_room_that_there_is(demo: Any, opened: Any, lines_on: Any) -> None:
    app = opened()

    def rows() -> int:
        return sum(line.strip().startswith("│▀") for line in lines_on(app))

    async with app.run_test(size=(120, 40)) as pilot:
        show(app, demo, letter(one(drawn(quarters(900, 900)))))
        await until(pilot, lambda: rows() > 15)
        await pilot.resize_terminal(60, 18)
        await until(pilot, lambda: 3 < rows() < 10)
        await pilot.resize_terminal(120, 40)
        await until(pilot, lambda: rows() > 15)


async def test_another_message_gets_another_decoder(demo: Any, opened: Any, lines_on: Any) -> None:
    app = opened()
    async with app.run_test(size=(80, 24)) as pilot:
        show(app, demo, FLAG)
        await until(pilot, lambda: frames(lines_on(app)))
        child = app.pane._decoder._child
        show(app, demo, letter(one(drawn(quarters(10, 10)))))
        await until(pilot, lambda: frames(lines_on(app)))
        assert not child.is_alive
        assert app.pane._decoder._child.pid != child.pid
        child = app.pane._decoder._child
    assert not child.is_alive


async def test_what_is_no_picture_says_so_and_the_next_is_shown(demo: Any, opened: Any, lines_on: Any) -> None:
    app = opened()
    octets = letter(one(b"%!PS", "a.png"), one(drawn(quarters(2, 2)), "dot.png"), one(drawn(quarters(8, 8)), "c.png"))
    async with app.run_test(size=(80, 40)) as pilot:
        show(app, demo, octets)
        await until(pilot, lambda: frames(lines_on(app)) == 1)
        lines = lines_on(app)
        assert any("It is no picture in PNG, JPEG, GIF or WebP" in line for line in lines)
        assert any("picture: c.png" in line for line in lines)


async def test_the_first_of_many_are_shown(demo: Any, opened: Any, lines_on: Any) -> None:
    app = opened()
    many = [one(drawn(quarters(4, 4)), f"{number}.png") for number in range(LIMITS.pictures + 3)]
    async with app.run_test(size=(80, 200)) as pilot:
        show(app, demo, letter(*many))
        await until(pilot, lambda: frames(lines_on(app)) == LIMITS.pictures)
        await until(pilot, lambda: app.pane._decoding.is_finished)
        assert frames(lines_on(app)) == LIMITS.pictures


async def test_the_pictures_of_a_page_follow_it(demo: Any, opened: Any, lines_on: Any) -> None:
    page = text("<p>" + "".join(f'<img src="cid:{number}@b">' for number in range(5)) + "</p>", "html")
    parts = [image(drawn(quarters(4, 4)), f"{number}@b", filename=f"{number}.png") for number in range(5)]
    app = opened()
    async with app.run_test(size=(80, 60)) as pilot:
        show(app, demo, write_message(FIELDS, multipart("related", page, *parts)))
        await until(pilot, lambda: frames(lines_on(app)) == 5)


async def test_a_picture_that_lies_elsewhere_is_never_one(demo: Any, opened: Any, lines_on: Any) -> None:
    page = text('<p><img src="http://127.0.0.1:9/x.png" alt="Sale"><img src="data:image/png;base64,AAAA"></p>', "html")
    app = opened()
    async with app.run_test(size=(80, 24)) as pilot:
        show(app, demo, write_message(FIELDS, page))
        await until(pilot, lambda: any("was not loaded" in line for line in lines_on(app)))
        assert app.pane._decoder._child is None
