"""The list: whatever its length, only what is seen is fetched; the selection sticks to its message."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import pytest
from textual.app import App, ComposeResult

from mailsec.store.types import Flags, Row
from mailsec.tui.shown import Shown
from mailsec.tui.themes import DEFAULTS
from mailsec.tui.widgets.messages import KEPT, MessageList
from mailsec.tui.widgets.rows import GLYPHS


def row(number: int) -> Row:
    return Row(
        number, 1, str(number), Flags.NONE, False, 0, "", f"a{number}@x", "", f"S{number}", 1, 0, number, 0, None
    )


def shown(ids: Sequence[int]) -> Shown:
    return Shown(array("q", ids), array("H", bytes(2 * len(ids))), array("q", ids))


class Lister(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[int] = []
        self.gone: set[int] = set()
        self.list = MessageList(self.fetch, date=lambda _seconds: "14:02", glyphs=GLYPHS)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return DEFAULTS

    def fetch(self, ids: Sequence[int]) -> list[Row | None]:
        self.fetched += ids
        return [None if number in self.gone else row(number) for number in ids]

    def compose(self) -> ComposeResult:
        yield self.list

    @property
    def lines(self) -> list[str]:
        strips = (self.list.render_line(y) for y in range(self.size.height))
        return ["".join(segment.text for segment in strip) for strip in strips]


@pytest.mark.parametrize("move", [0, 1, 50_000, 99_999])
async def test_of_a_hundred_thousand_rows_only_those_that_are_seen_are_fetched(move: int) -> None:
    app = Lister()
    async with app.run_test(size=(80, 24)) as pilot:
        app.list.show(shown(range(100_000)))
        app.list.move(move)
        await pilot.pause()
        assert app.list.current == move
        assert any(f"S{move} " in line for line in app.lines)
        assert len(app.fetched) <= 4 * 24
        assert app.list.virtual_size.height == 100_000


async def test_rows_that_are_kept_are_bounded() -> None:
    app = Lister()
    async with app.run_test(size=(80, 24)) as pilot:
        app.list.show(shown(range(100_000)))
        for _ in range(3 * KEPT // 24):
            app.list.move(24)
        await pilot.pause()
        assert len(app.list._rows) <= KEPT + 200


async def test_nothing_is_fetched_for_an_empty_list() -> None:
    app = Lister()
    async with app.run_test(size=(80, 24)) as pilot:
        app.list.show(shown(()))
        app.list.move(1)
        await pilot.pause()
        assert (app.list.current, app.list.targets(), app.fetched) == (None, (), [])


@pytest.mark.parametrize(
    ("before", "at", "after", "selected"),
    [
        ([1, 2, 3], 1, [9, 1, 2, 3], 2),  # new mail above
        ([1, 2, 3], 1, [1, 2, 3, 9], 2),  # and below
        ([1, 2, 3], 1, [1, 3], 3),  # the message is gone: the next
        ([1, 2, 3], 2, [1, 2], 2),  # and the one before where there is none
        ([1, 2, 3], 1, [3, 2, 1], 2),  # another order
        ([1, 2, 3], 1, [7, 8], 7),  # another folder
        ([1, 2, 3], 1, [], None),
        ([], 0, [4, 5], 4),
    ],
)
async def test_the_selection_sticks_to_its_message(
    before: list[int], at: int, after: list[int], selected: int | None
) -> None:
    app = Lister()
    async with app.run_test(size=(80, 24)) as pilot:
        app.list.show(shown(before))
        app.list.move(at)
        app.list.show(shown(after))
        await pilot.pause()
        assert app.list.current == selected


async def test_nothing_moves_under_the_cursor_when_mail_arrives() -> None:
    app = Lister()
    async with app.run_test(size=(80, 24)) as pilot:
        app.list.show(shown(range(1000)))
        app.list.move(500)
        app.list.move(-5)
        await pilot.pause()
        before = app.lines
        app.list.show(shown([*range(5000, 5007), *range(1000)]))
        await pilot.pause()
        assert app.lines == before


async def test_a_message_that_is_gone_says_so() -> None:
    app = Lister()
    app.gone = {2}
    async with app.run_test(size=(80, 24)) as pilot:
        app.list.show(shown([1, 2, 3]))
        await pilot.pause()
        assert "another program removed it" in app.lines[1]


async def test_marks_decide_what_an_action_takes() -> None:
    app = Lister()
    async with app.run_test(size=(80, 24)):
        app.list.show(shown([5, 6, 7]))
        assert app.list.targets() == (5,)
        app.list.set_marks({7, 6})
        assert app.list.targets() == (6, 7)


async def test_the_mouse_selects_and_opens() -> None:
    chosen: list[Any] = []

    class Clicked(Lister):
        def on_line_list_chosen(self, event: MessageList.Chosen) -> None:
            chosen.append(event.lines)

    app = Clicked()
    async with app.run_test(size=(80, 24)) as pilot:
        app.list.show(shown(range(10)))
        await pilot.click(MessageList, offset=(20, 3))
        assert (app.list.current, chosen) == (3, [])
        await pilot.click(MessageList, offset=(20, 3))
        assert chosen == [app.list]
        await pilot.click(MessageList, offset=(20, 20))  # below the last row
        assert app.list.current == 3


async def test_a_row_that_scrolls_is_not_drawn_again() -> None:
    app = Lister()
    async with app.run_test(size=(80, 24)) as pilot:
        app.list.show(shown(range(100_000)), 5_000)
        await pilot.pause()
        app.list.render_lines(app.list.size.region)
        before = {app.list.top + y: app.list.render_line(y) for y in range(24)}
        app.list.move(12)
        await pilot.pause()
        after = {app.list.top + y: app.list.render_line(y) for y in range(24)}
        same = {index for index in before.keys() & after.keys() if before[index] is after[index]}
        assert len(before.keys() & after.keys()) > 10
        assert before.keys() & after.keys() - same <= {5_000, 5_012}  # where the selection was, and where it is


async def test_what_was_drawn_is_forgotten_where_rows_or_colours_change() -> None:
    app = Lister()
    async with app.run_test(size=(80, 24)) as pilot:
        app.list.show(shown(range(100)))
        await pilot.pause()
        one, two = app.list.render_line(1), app.list.render_line(2)
        app.gone.add(1)
        app.list.refresh_rows((1,))
        assert "gone" in app.lines[1]
        assert app.list.render_line(2) is two
        app.theme = "textual-light"
        await pilot.pause()
        assert app.list.render_line(2) is not two
        app.gone.clear()
        app.list.refresh_rows()
        assert app.lines[1] == "".join(segment.text for segment in one)
