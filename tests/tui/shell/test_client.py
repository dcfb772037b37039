"""What the keys do, in a running client on a Maildir."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mailsec.store import Flags, Maildir
from mailsec.tui.background import Progress
from mailsec.tui.reading import PartsScreen, WhyScreen
from mailsec.tui.screens.ask import Ask
from mailsec.tui.screens.background import in_words
from mailsec.tui.screens.help import HelpScreen
from mailsec.tui.screens.pick import Pick

ALL = ["Link", "[bold]Brackets[/red]", "Plans", "Re: Plans", "Re: Plans again"]


def files(root: Path) -> list[str]:
    return sorted(path.name for part in ("new", "cur") for path in (root / part).iterdir())


def keys_in(root: Path) -> set[str]:
    return {entry.key for entry in Maildir(root).entries()}


async def test_the_folder_is_listed_by_threads(home: Any, run: Any) -> None:
    async with run(home) as session:
        assert session.subjects == ALL
        assert list(session.screen.messages.shown.depths) == [0, 0, 0, 1, 1]
        assert "Maildir" in session.top
        assert "1/5" in session.top
        await session.until(lambda: "5 unread" in session.top, "the count")


MOVES = [
    ("j", "[bold]Brackets[/red]"),
    ("j j k", "[bold]Brackets[/red]"),
    ("down up", "Link"),
    ("G", "Re: Plans again"),
    ("G g", "Link"),
    ("end home", "Link"),
    ("pagedown", "Re: Plans again"),
    ("pagedown pageup", "Link"),
    ("k", "Link"),
    ("J", "[bold]Brackets[/red]"),
    ("J K", "Link"),
]


async def test_moving(home: Any, run: Any) -> None:
    async with run(home) as session:
        for keys, subject in MOVES:
            await session.press("g", *keys.split())
            assert session.subject == subject, keys


async def test_opening_shows_the_message_and_marks_it_as_read(home: Any, run: Any) -> None:
    async with run(home, (80, 24)) as session:
        await session.press("enter")
        await session.until(lambda: session.screen.pane.report is not None, "the verdict")
        assert session.screen.zone == "message"
        assert session.screen.pane.message is not None
        await session.until(lambda: session.flags() & Flags.SEEN, "the flag")
        await session.press("J")
        await session.until(lambda: b"Brackets" in bytes(session.screen.pane.message), "the next message")
        await session.press("q")
        assert session.screen.zone == "list"


async def test_the_preview_follows_and_leaves_mail_unread(home: Any, run: Any) -> None:
    async with run(home, (120, 40)) as session:
        await session.press("j")
        pane = session.screen.pane
        await session.until(lambda: pane.message is not None and b"Brackets" in bytes(pane.message), "the preview")
        assert not session.flags() & Flags.SEEN


async def test_the_verdict_is_kept_and_marks_the_row(home: Any, run: Any) -> None:
    async with run(home) as session:
        current = session.screen.messages.current
        await session.until(lambda: session.screen.messages.row(current).level == "unauthenticated", "the mark")
        kept = session.screen.services.rows.verdict(current)
        assert kept is not None
        assert kept.evidence


async def test_brackets_are_just_brackets(home: Any, run: Any) -> None:
    async with run(home, (200, 30)) as session:
        await session.press("j", "t")
        text = session.app.export_screenshot()
        assert "[bold]Brackets[/red]" in text
        assert "Carol&#160;[x]" in text


async def test_flags_are_set_taken_away_and_taken_back(home: Any, run: Any) -> None:
    async with run(home) as session:
        await session.press("!")
        await session.until(lambda: session.flags() & Flags.FLAGGED, "the flag")
        assert any("F" in name.partition(":2,")[2] for name in files(home.root))
        assert "1 message flagged" in session.bottom
        await session.press("!")
        await session.until(lambda: not session.flags() & Flags.FLAGGED, "its end")
        await session.press("u")
        await session.until(lambda: session.flags() & Flags.FLAGGED, "undo")
        await session.press("u")
        await session.until(lambda: not session.flags() & Flags.FLAGGED, "undo")
        await session.press("u")
        await session.until(lambda: "nothing to take back" in session.bottom)


async def test_read_and_unread(home: Any, run: Any) -> None:
    async with run(home) as session:
        await session.press("U")
        await session.until(lambda: session.flags() & Flags.SEEN)
        await session.until(lambda: "4 unread" in session.top)
        await session.press("N")
        await session.until(lambda: session.subject == "[bold]Brackets[/red]")
        await session.press("k", "U")
        await session.until(lambda: not session.flags() & Flags.SEEN)


async def test_deleting_moves_to_the_trash_and_is_taken_back(home: Any, run: Any) -> None:
    async with run(home) as session:
        await session.press("d", "d")  # each its own message, however quick
        await session.until(lambda: session.subjects == ["Plans", "Re: Plans", "Re: Plans again"])
        assert session.subject == "Plans"
        assert len(files(home.root / ".Trash")) == 2
        await session.press("u")
        await session.until(lambda: "[bold]Brackets[/red]" in session.subjects, "undo")
        await session.press("u")
        await session.until(lambda: session.subjects == ALL, "undo")
        assert files(home.root / ".Trash") == []
        assert len(files(home.root)) == 5


async def test_without_a_trash_messages_are_marked_as_deleted_and_hidden(home: Any, run: Any) -> None:
    for part in ("cur", "new", "tmp"):
        (home.root / ".Trash" / part).rmdir()
    for rest in (home.root / ".Trash").iterdir():
        rest.unlink()
    (home.root / ".Trash").rmdir()
    async with run(home) as session:
        await session.press("d")
        await session.until(lambda: session.subjects == ALL[1:])
        assert len(files(home.root)) == 5
        assert any(name.endswith(":2,T") for name in files(home.root))
        await session.press("/")
        await session.type("is:deleted")
        await session.until(lambda: session.subjects == ["Link"])
        await session.press("escape", "u")
        await session.until(lambda: session.subjects == ALL, "undo")


async def test_moving_copying_archiving(home: Any, run: Any) -> None:
    async with run(home) as session:
        await session.press("a")
        await session.until(lambda: session.subjects == ALL[1:])
        assert len(files(home.root / ".Archive")) == 1
        await session.press("m")
        await session.until(lambda: isinstance(session.app.screen, Pick))
        await session.type("sent")
        await session.until(lambda: session.subjects == ALL[2:])
        assert len(files(home.root / ".Sent")) == 1
        await session.press("C")
        await session.until(lambda: isinstance(session.app.screen, Pick))
        await session.type("arch")
        await session.until(lambda: len(files(home.root / ".Archive")) == 2)
        assert session.subjects == ALL[2:]
        for _ in range(3):
            await session.press("u")
        await session.until(lambda: session.subjects == ALL, "undo")
        assert [files(home.root / name) for name in (".Archive", ".Sent")] == [[], []]


async def test_marks_make_actions_take_many(home: Any, run: Any) -> None:
    async with run(home) as session:
        await session.press("t", "t")
        assert "2 marked" in session.bottom
        await session.press("d")
        await session.until(lambda: session.subjects == ALL[2:])
        assert session.screen.messages.marked == set()
        await session.press("ctrl+a")
        assert len(session.screen.messages.marked) == 3
        await session.press("escape")
        assert session.screen.messages.marked == set()
        await session.press("T")
        await session.type("from:bob")
        await session.until(lambda: session.screen.messages.marked)
        assert [session.screen.messages.row(one).subject for one in session.screen.messages.marked] == ["Re: Plans"]
        await session.press("M")
        assert session.screen.messages.marked == set()


async def test_threads_fold(home: Any, run: Any) -> None:
    async with run(home) as session:
        await session.press("G", "space")
        await session.until(lambda: session.subjects == ALL[:3])
        assert session.subject == "Plans"
        assert "+2" in "".join(piece for piece, _ in session.screen.messages.pieces(2, 80))
        await session.press("space")
        await session.until(lambda: session.subjects == ALL)
        await session.press("Z")
        await session.until(lambda: session.subjects == ALL[:3])
        await session.press("Z")
        await session.until(lambda: session.subjects == ALL)


async def test_searching(home: Any, run: Any) -> None:
    async with run(home) as session:
        await session.press("/")
        await session.type("plans")
        await session.until(lambda: session.subjects == ALL[2:])
        assert "plans" in session.top
        await session.press("escape")
        await session.until(lambda: session.subjects == ALL)
        await session.press("/")
        await session.type("nothing-like-that")
        await session.until(lambda: not session.subjects)
        await session.press("escape")
        await session.until(lambda: session.subjects == ALL)


async def test_a_mistake_in_a_search_is_told_and_changes_nothing(home: Any, run: Any) -> None:
    async with run(home) as session:
        await session.press("/")
        await session.type("is:purple")
        said = session.screen.query_one("#search-said")
        await session.until(lambda: "is:purple" in str(said.render()))
        assert session.subjects == ALL
        await session.press("escape", "j")
        assert session.subject == ALL[1]


async def test_searching_everywhere_and_saved_searches(home: Any, run: Any) -> None:
    async with run(home, searches={"bob": "from:bob"}) as session:
        await session.press("a")
        await session.until(lambda: session.subjects == ALL[1:])
        await session.until(
            lambda: any("Archive" in str(getattr(one, "name", "")) for one in session.screen.folders.items)
        )
        await session.press("\\")
        await session.type("link")
        await session.until(lambda: session.subjects == ["Link"], "what the archive has")
        await session.press("escape")
        await session.until(lambda: session.subjects == ALL[1:])
        await session.press("h", "G", "enter")
        await session.until(lambda: session.subjects == ["Re: Plans"], "the saved search")


async def test_sorting(home: Any, run: Any) -> None:
    async with run(home) as session:
        await session.press("o")
        await session.until(lambda: isinstance(session.app.screen, Pick))
        await session.type("oldest")
        await session.until(lambda: session.subjects[0] == "Plans")
        assert session.subjects == ["Plans", "Re: Plans", "Re: Plans again", "[bold]Brackets[/red]", "Link"]
        assert "by date" in session.top


async def test_going_to_other_folders(home: Any, run: Any) -> None:
    async with run(home) as session:
        await session.press("c")
        await session.until(lambda: isinstance(session.app.screen, Pick))
        await session.type("trash")
        await session.until(lambda: "empty" in session.top)
        await session.press("h")
        assert session.screen.zone == "folders"
        await session.press("g", "enter")
        await session.until(lambda: session.subjects == ALL)
        assert session.screen.zone == "list"


async def test_mail_that_another_program_delivers_appears(home: Any, run: Any) -> None:
    async with run(home) as session:
        await session.press("j")
        home.add("New mail", hour=20)
        await session.until(lambda: "New mail" in session.subjects, "the new message")
        assert session.subject == "[bold]Brackets[/red]"  # the selection stays


async def test_mail_that_another_program_removes_disappears(home: Any, run: Any) -> None:
    async with run(home) as session:
        key = session.screen.messages.row(session.screen.messages.current).key
        Maildir(home.root).remove(key)
        await session.until(lambda: session.subjects == ALL[1:], "its end")


async def test_a_message_that_is_gone_meanwhile_is_a_sentence(
    home: Any, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailsec.tui.screens.background.stamp", lambda _path: ())  # the watch sees no change
    async with run(home) as session:
        last = session.screen.messages.row(session.screen.messages.shown.ids[-1])
        await session.press("G")
        pane = session.screen.pane
        await session.until(lambda: pane.report is not None and pane.message.subject == last.subject, "the message")
        Maildir(home.root).remove(last.key)
        await session.press("d")
        await session.until(lambda: session.bottom.startswith("!"), "the sentence")


async def test_verifying_the_folder(home: Any, run: Any) -> None:
    async with run(home) as session:
        await session.press("V")
        await session.until(lambda: "have a verdict" in session.bottom, "the end")
        levels = {session.screen.messages.row(one).level for one in session.screen.messages.shown.ids}
        assert levels == {"unauthenticated"}


async def test_verifying_is_stopped_by_the_same_key(home: Any, run: Any) -> None:
    async with run(home) as session:
        await session.press("V", "V")
        await session.until(lambda: "stopped" in session.bottom)
        assert not session.screen.verifying


async def test_why_and_parts(home: Any, run: Any) -> None:
    async with run(home, (80, 24)) as session:
        await session.press("p")
        await session.until(lambda: isinstance(session.app.screen, PartsScreen))
        await session.press("escape")
        await session.until(lambda: session.screen.pane.report is not None)
        await session.press("y")
        await session.until(lambda: isinstance(session.app.screen, WhyScreen))
        await session.press("escape")
        assert session.app.screen is session.screen


async def test_a_link_shows_its_target_and_is_opened_after_a_yes_only(
    home: Any, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("mailsec.tui.doing.message.open_link", opened.append)
    async with run(home) as session:
        await session.press("enter")
        await session.until(lambda: session.screen.pane.report is not None)
        for answer, expected in (("n", []), ("enter", []), ("escape", []), ("y", ["https://example.org/page"])):
            await session.press("n", "enter") if not session.screen.pane.body.chosen else await session.press("enter")
            await session.until(lambda: isinstance(session.app.screen, Ask), "the question")
            assert "https://example.org/page" in session.app.export_screenshot()
            await session.press(answer)
            await session.until(lambda: session.app.screen is session.screen)
            await session.pilot.pause()
            assert opened == expected


async def test_help_and_themes(home: Any, run: Any) -> None:
    async with run(home) as session:
        await session.press("?")
        assert isinstance(session.app.screen, HelpScreen)
        await session.press("j", "space", "q")
        assert session.app.screen is session.screen
        for theme in ("light", "contrast", "plain", "dark"):
            await session.press("ctrl+t")
            assert session.app.theme == theme


async def test_panes_come_and_go(home: Any, run: Any) -> None:
    async with run(home) as session:
        await session.press("ctrl+b")
        assert not session.screen.folders.display
        await session.press("P")
        assert not session.screen.pane.display
        await session.press("tab")
        assert (session.screen.zone, session.screen.messages.display) == ("message", False)
        await session.press("tab")
        assert session.screen.zone == "folders"


@pytest.mark.parametrize(("preset", "keys"), [("mailsec", ["!"]), ("mutt", ["F"]), ("aerc", ["G", "g", "g", "!"])])
async def test_presets(home: Any, run: Any, preset: str, keys: list[str]) -> None:
    async with run(home, keys=preset) as session:
        await session.press(*keys)
        await session.until(lambda: session.flags() & Flags.FLAGGED)
        assert session.subject == "Link"


async def test_a_binding_of_the_user(home: Any, run: Any) -> None:
    async with run(home, bindings={"x": "toggle-flag", "!": "none"}) as session:
        await session.press("!")
        await session.press("x")
        await session.until(lambda: session.flags() & Flags.FLAGGED)


async def test_quitting(home: Any, run: Any) -> None:
    async with run(home) as session:
        await session.press("Q")
        await session.until(lambda: not session.app.is_running)
        assert session.app.return_code == 0


async def test_marks_are_letters_where_the_terminal_has_no_signs(home: Any, run: Any) -> None:
    async with run(home, glyphs=False) as session:
        lines = "".join(piece for at in range(5) for piece, _ in session.screen.messages.pieces(at, 70))
        assert lines.isascii()


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (Progress(5, 5), "5 messages of this folder have a verdict"),
        (Progress(9, 5, 4), "5 messages of this folder have a verdict, 4 could not be judged"),
        (
            Progress(8, 5, 0, 3),
            "5 messages of this folder have a verdict; 3 are encrypted: they are judged when opened",
        ),
        (
            Progress(8, 5, 2, 1),
            "5 messages of this folder have a verdict, 2 could not be judged; 1 is encrypted: it is judged when opened",
        ),
    ],
)
def test_what_became_of_a_folder(progress: Progress, words: str) -> None:
    assert progress.done == progress.total
    assert in_words(progress) == words
