"""The screen with the parts of a message: types, names, sizes, who vouches for each; and one part by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from mailsec.message import safe_text
from mailsec.tui.reading.body import BodyView, margin_glyph
from mailsec.tui.reading.coverage import Margin
from mailsec.tui.reading.document import Document, make_part_document
from mailsec.tui.reading.lines import Cover
from mailsec.tui.reading.outline import Item, Outline
from mailsec.tui.reading.save import SaveScreen
from mailsec.tui.reading.sizes import part_size, size_text

if TYPE_CHECKING:
    from pathlib import Path

    from mailsec.message import Message, Part
    from mailsec.pipeline import Layer, Report

__all__ = ["PartScreen", "PartsScreen"]

_MOST = 5_000  # parts that are listed
_NAMES = {Cover.AUTHOR: "outline--author", Cover.DOMAIN: "outline--domain", Cover.NOBODY: ""}


@dataclass(frozen=True, slots=True)
class _Place:
    """A part and the layer that it is in."""

    layer: int
    part: Part


class PartsScreen(ModalScreen[None]):
    """Shows the tree of parts, through everything that was opened.

    Args:
        message: the message in transit.
        report: what a check of it found, if one has ended.
        glyphs: whether signs beyond ASCII may be used.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,p", "dismiss", "close"),
        Binding("s", "save", "save"),
    ]
    DEFAULT_CSS = """
    PartsScreen { background: $background; layout: vertical; }
    PartsScreen > .parts--title { padding: 0 1; background: $panel; width: 1fr; height: 1; text-style: bold; }
    PartsScreen > .parts--keys { padding: 0 1; color: $quote; height: 1; width: 1fr; }
    PartsScreen > Outline { height: 1fr; margin: 1 0 0 0; }
    """

    def __init__(self, message: Message, report: Report | None = None, *, glyphs: bool = True) -> None:
        super().__init__()
        self._message = message if report is None or report.message is None else report.message
        self._report = report
        self._glyphs = glyphs
        self._margin = Margin(report)

    def compose(self) -> ComposeResult:
        """The title, the tree, the keys."""
        layers: Sequence[Layer] = () if self._report is None else self._report.layers
        left = [_MOST]
        root = self._item(0, self._message.root, layers, left)
        yield Static(Content("Parts of this message"), classes="parts--title")
        yield Outline([root], glyphs=self._glyphs)
        yield Static(Content("enter show  s save  space fold  esc close"), classes="parts--keys")

    def _item(self, layer: int, part: Part, layers: Sequence[Layer], left: list[int]) -> Item:
        left[0] -= 1
        opened = [one for one in layers if one.opened is part and one.message is not None]
        # what is signed in clear is shown once, as what was checked
        parts = part.children[1:] if opened and part.content_type == "multipart/signed" else part.children
        children = [self._item(layer, one, layers, left) for one in parts if left[0] > 0]
        if part.is_message and part.message is not None and left[0] > 0:
            children.append(self._item(layer, part.message.root, layers, left))
        for number, inner in enumerate(opened):
            if inner.message is not None and left[0] > 0:
                found = self._item(inner.index, inner.message.root, layers, left)
                children.insert(number, Item(f"the {inner.reached} content", children=(found,)))
        cover = self._margin.of_part(layer, part)
        sign = margin_glyph(cover, glyphs=self._glyphs)
        return Item(_line(part), sign, _NAMES[cover], tuple(children), value=_Place(layer, part))

    @on(Outline.Chosen)
    def show_part(self, event: Outline.Chosen) -> None:
        """Shows a part by itself."""
        event.stop()
        if isinstance(event.item.value, _Place):
            cover = self._margin.of_part(event.item.value.layer, event.item.value.part)
            self.app.push_screen(PartScreen(event.item.value.part, cover, glyphs=self._glyphs))

    def action_save(self) -> None:
        """Saves the part that the reader is at."""
        item = self.query_one(Outline).chosen
        if item is not None and isinstance(item.value, _Place):
            save_parts(self, [item.value.part])


class PartScreen(ModalScreen[None]):
    """Shows one part: text as text, a page as a page, anything else as octets.

    Args:
        part: the part.
        cover: who vouches for it.
        glyphs: whether signs beyond ASCII may be used.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "close"),
        Binding("s", "save", "save"),
        Binding("j,down", "move(1)", "down", show=False),
        Binding("k,up", "move(-1)", "up", show=False),
        Binding("pagedown,space,ctrl+d", "page(1)", "page down", show=False),
        Binding("pageup,ctrl+u", "page(-1)", "page up", show=False),
        Binding("home,g", "edge(0)", "top", show=False),
        Binding("end,G", "edge(1)", "end", show=False),
    ]
    DEFAULT_CSS = """
    PartScreen { background: $background; layout: vertical; }
    PartScreen > .part--title { padding: 0 1; background: $panel; width: 1fr; height: 1; text-style: bold; }
    PartScreen > .part--keys { padding: 0 1; color: $quote; height: 1; width: 1fr; }
    PartScreen > BodyView { height: 1fr; margin: 1 0 0 0; }
    """

    def __init__(self, part: Part, cover: Cover = Cover.NOBODY, *, glyphs: bool = True) -> None:
        super().__init__()
        self._part = part
        self._vouching = cover
        self._glyphs = glyphs

    def compose(self) -> ComposeResult:
        """The title, the content, the keys."""
        yield Static(Content(_line(self._part)), classes="part--title")
        yield BodyView(glyphs=self._glyphs)
        yield Static(Content("s save  esc close"), classes="part--keys")

    def on_mount(self) -> None:
        """Makes the document beside the keyboard."""
        self.query_one(BodyView).focus()
        self.run_worker(self._make())

    async def _make(self) -> None:
        body = self.query_one(BodyView)
        width = body.text_width
        document: Document = await asyncio.to_thread(make_part_document, self._part, self._vouching, width)
        body.present(document)

    def action_move(self, lines: int) -> None:
        """Moves by lines."""
        self.query_one(BodyView).move(lines)

    def action_page(self, direction: int) -> None:
        """Moves by a screen."""
        body = self.query_one(BodyView)
        body.move(direction * max(1, body.size.height - 1))

    def action_edge(self, end: int) -> None:
        """Moves to the top or the end."""
        body = self.query_one(BodyView)
        if end:
            body.move_to_end()
        else:
            body.move_to_start()

    def action_save(self) -> None:
        """Saves the part."""
        save_parts(self, [self._part])


def save_parts(asker: Widget, parts: Sequence[Part]) -> None:
    """Asks where to save parts, and tells what was written.

    Args:
        asker: from where this is asked.
        parts: what is saved.
    """
    asker.app.push_screen(SaveScreen(parts), lambda files: _tell(asker, files or ()))


def _tell(asker: Widget, files: Sequence[Path]) -> None:
    if files:
        asker.notify(safe_text(saved_sentence(files)), markup=False)


def saved_sentence(files: Sequence[Path]) -> str:
    """Says where files were saved."""
    if len(files) == 1:
        return f"Saved as {files[0]}"
    return f"{len(files)} files were saved in {files[0].parent}"


def _line(part: Part) -> str:
    return "  ".join(_words(part))


def _words(part: Part) -> Iterator[str]:
    if part.path:
        yield part.path
    yield safe_text(part.content_type)[:80]
    if part.filename:
        yield safe_text(part.filename)[:120]
    if not part.is_multipart:
        yield size_text(part_size(part))
    if part.disposition == "attachment":
        yield "(attachment)"
