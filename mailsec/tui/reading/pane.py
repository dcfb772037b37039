"""The pane in which a message is read: header, verdict, text. It opens and fetches nothing by itself."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import tzinfo
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from textual import events
from textual.app import ComposeResult
from textual.message import Message as Event
from textual.widget import Widget
from textual.worker import Worker

from mailsec.errors import describe
from mailsec.message import safe_text
from mailsec.pipeline.verdict import Level
from mailsec.tui.background.limits import LIMITS
from mailsec.tui.background.pictures import Picture, PictureDecoder, Refusal, can_decode
from mailsec.tui.reading.banner import Banner, Checking, Judged, Kept, NotJudged, State
from mailsec.tui.reading.body import BodyView
from mailsec.tui.reading.choosing import AttachedPart, Piece, choose
from mailsec.tui.reading.coverage import Margin
from mailsec.tui.reading.document import Document, Weight, make_document, notice_document, weight
from mailsec.tui.reading.drawn import Drawn, Row
from mailsec.tui.reading.heading import Heading
from mailsec.tui.reading.hosts import shown_url
from mailsec.tui.reading.lines import Attached, Link, Stop
from mailsec.tui.reading.parts import PartsScreen, save_parts
from mailsec.tui.reading.pictures import LOWEST, Pictures, is_picture
from mailsec.tui.reading.sizes import part_size
from mailsec.tui.reading.why import WhyScreen
from mailsec.tui.reading.wrapping import cut

if TYPE_CHECKING:
    from mailsec.message import Message, Part
    from mailsec.pipeline import Report
    from mailsec.store.types import KeptVerdict

__all__ = ["MessagePane"]

_ROOMY = 20  # lines
_AROUND = 3  # lines of a picture's name and frame
_WIDEST = 200  # pixels that are asked for, from left to right
_HIGHEST = 40  # lines of a picture


class Target(Drawn):
    """The true target of the link that is chosen, or what the attachment is."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"target--warning"}
    DEFAULT_CSS = """
    Target {
        padding: 0 1;
        background: $panel;
        &> .target--warning { color: $level-warning; text-style: bold; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._stop: Stop | None = None

    def present(self, stop: Stop | None) -> None:
        """Shows where a stop leads, or nothing."""
        if stop is None and self._stop is None:
            return
        self._stop = stop
        self.display = stop is not None
        self.changed()

    def rows(self, width: int) -> Iterator[Row]:
        """One line; a second where the text of the link names another host."""
        if isinstance(self._stop, Link):
            yield ((cut(f"→ {shown_url(self._stop.url, max(8, width - 2))}", width), ""),)
            if self._stop.claims:
                yield ((cut(f"! Its text says {self._stop.claims}.", width), "target--warning"),)
        elif isinstance(self._stop, Attached):
            name = safe_text(self._stop.part.filename or "").strip() or "(no name)"
            yield ((cut(f"{name}, {safe_text(self._stop.part.content_type)}", width), ""),)


class MessagePane(Widget):
    """Shows one message, its verdict, and who vouches for which part of it.

    Args:
        clock: tells the time in seconds since the epoch.
        zone: the reader's time zone; that of the system if `None`.
        glyphs: whether signs beyond ASCII may be used.
        why_hint: what the banner says about the key that tells why.
        images: whether pictures in the message are shown unasked, when asked for, or never.
        images_key: the key that asks for them, to be named beneath one that is not shown.
        id: the widget's id.
    """

    DEFAULT_CSS = """
    MessagePane {
        layout: vertical;
        width: 1fr;
        height: 1fr;
        background: $background;
    }
    MessagePane > BodyView { height: 1fr; }
    MessagePane.-roomy > BodyView { margin: 1 0 0 0; }
    """

    class LinkChosen(Event):
        """The reader chose a link.

        Attributes:
            url: its true target; foreign text.
        """

        def __init__(self, url: str) -> None:
            super().__init__()
            self.url = url

    class AttachmentChosen(Event):
        """The reader chose an attachment.

        Attributes:
            part: the part.
        """

        def __init__(self, part: Part) -> None:
            super().__init__()
            self.part = part

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        zone: tzinfo | None = None,
        glyphs: bool = True,
        why_hint: str = "",
        images: Literal["inline", "ask", "off"] = "off",
        images_key: str = "",
        id: str | None = None,  # noqa: A002 - as every widget has it
    ) -> None:
        super().__init__(id=id)
        self._glyphs = glyphs
        self._heading = Heading(clock, zone)
        self._banner = Banner(clock, glyphs=glyphs, hint=why_hint)
        self._body = BodyView(glyphs=glyphs)
        self._target = Target()
        self._message: Message | None = None
        self._report: Report | None = None
        self._html = self._headers = False
        self._fold = True
        self._worker: Worker[None] | None = None
        self._stop = threading.Event()
        self._images = images
        self._images_key = images_key
        self._pictures = Pictures()
        self._asked: bool | None = None
        self._decoder = PictureDecoder()
        self._decoding: Worker[None] | None = None

    def on_mount(self) -> None:
        """Draws pictures only where the theme has colours."""
        self.app.theme_changed_signal.subscribe(self, lambda _theme: self._recolour())

    def on_unmount(self) -> None:
        """Ends the decoding of pictures."""
        self._decoder.close()

    def compose(self) -> ComposeResult:
        """Its regions from the top."""
        yield self._heading
        yield self._banner
        yield self._body
        self._target.display = False
        yield self._target

    def on_resize(self, event: events.Resize) -> None:
        """A blank line between banner and text, where there is room for it."""
        self.set_class(event.size.height >= _ROOMY, "-roomy")

    # -- what is shown

    @property
    def message(self) -> Message | None:
        """The message that is shown."""
        return self._message

    @property
    def report(self) -> Report | None:
        """What a check of it found; `None` while none has ended."""
        return self._report

    @property
    def banner(self) -> State:
        """What the banner says."""
        return self._banner.state

    @property
    def body(self) -> BodyView:
        """The text; it takes the focus."""
        return self._body

    def show(self, message: Message, report: Report | None = None) -> None:
        """Shows a message.

        Args:
            message: the message.
            report: what a check found; `None` while it is being checked.
        """
        self._message = message
        self._html = self._headers = False
        self._fold = True
        self._asked = None
        self._leave_pictures()
        self._present(report, keep_place=False)

    def judge(self, report: Report) -> None:
        """Shows what a check found. A report about another message than the one that is shown changes nothing."""
        if self._message is None or not _is_about(report, self._message):
            return
        self._present(report, keep_place=True)

    def _present(self, report: Report | None, *, keep_place: bool) -> None:
        self._report = report
        if report is None:
            self._heading.present(self._message)
            self._banner.present(Checking())
        else:
            self._heading.present(self._message, report.shown)
            self._banner.present(Judged(report.verdict, Margin(report).kinds))
        self._make(keep_place=keep_place)

    def judge_kept(self, verdict: KeptVerdict) -> None:
        """Shows a verdict of earlier, until `judge`."""
        if self._message is not None and self._report is None:
            self._banner.present(Kept(verdict))

    def judge_failed(self, sentence: str) -> None:
        """Says why the message could not be checked."""
        if self._message is not None:
            self._banner.present(NotJudged(safe_text(sentence)))

    def empty(self, hint: str) -> None:
        """Shows no message, and says what to do.

        Args:
            hint: a sentence.
        """
        self._message = self._report = None
        self._leave_pictures()
        self._heading.present(None)
        self._banner.present(None)
        self._target.present(None)
        self._stop_making()
        self._body.present(notice_document(safe_text(hint), self._body.text_width))

    def _make(self, *, keep_place: bool) -> None:
        """Makes the document; beside the keyboard where that may take long."""
        self._stop_making()
        self._target.present(None)
        if self._message is None:
            return
        message, report = self._message, self._report
        if report is not None and report.message is not None:
            message = report.message  # its layers point into it
        self._pictures.hint = self._picture_hint()
        self._pictures.shown = self._wants_pictures()
        make = partial(
            _make_safely,
            message,
            report,
            width=self._body.text_width,
            html=self._html,
            fold_quotes=self._fold,
            headers=self._headers,
            glyphs=self._glyphs,
            clock=partial(_time_unless, self._stop),
            pictures=None if self._no_pictures() else self._pictures,
        )

        async def make_beside() -> None:
            keep = keep_place
            if heavy is Weight.HEAVY:
                self._body.present(await asyncio.to_thread(make, hurry=True), keep_place=keep)
                keep = True
                painted = asyncio.Event()
                self.call_after_refresh(painted.set)
                await painted.wait()
            self._body.present(await asyncio.to_thread(make), keep_place=keep)

        heavy = _weight_safely(message, report, html=self._html)
        if heavy:
            if not keep_place:
                self._body.present(None)
            self._worker = self.run_worker(make_beside, group="document", exclusive=True)
        else:
            self._body.present(make(), keep_place=keep_place)
        self._decode_pictures()

    def _stop_making(self) -> None:
        self._stop.set()  # what still runs ends soon
        self._stop = threading.Event()
        if self._worker is not None:
            self._worker.cancel()
            self._worker = None

    # -- pictures

    def _no_pictures(self) -> str:
        """Why pictures are never shown here; empty where they can be."""
        if self._images == "off":
            return 'Pictures are switched off: images = "off" in [client].'
        if self.app.theme == "plain" or not self._glyphs:
            return "Pictures need colours and signs beyond ASCII, which are off here; s saves them."
        if not can_decode():
            return "To see pictures here, install mailsec with its extra images: pip install 'mailsec[images]'."
        return ""

    def _wants_pictures(self) -> bool:
        """Whether pictures are shown now: unasked only where the message was checked and has not failed."""
        if self._no_pictures():
            return False
        if self._asked is not None:
            return self._asked
        report = self._report
        return self._images == "inline" and report is not None and report.verdict.level is not Level.FAILED

    def _picture_hint(self) -> str:
        """What is said beneath a picture that is not shown."""
        if self._wants_pictures() or not self._images_key or (self._images == "inline" and self._report is None):
            return ""
        if self._images == "inline" and self._asked is None:
            return f"{self._images_key} shows this picture; since the check failed, not unasked."
        return f"{self._images_key} shows this picture."

    def _recolour(self) -> None:
        """Shows or hides pictures for a theme with or without colours."""
        if self._picture_parts():
            self._make(keep_place=True)

    def _picture_parts(self, *, html: bool | None = None) -> list[Part]:
        message = self._message if self._report is None else self._report.message
        if message is None:
            return []
        pieces = _pieces_safely(message, self._report, html=self._html if html is None else html)
        return [one.part for one in pieces if isinstance(one, AttachedPart) and is_picture(one.part)]

    def _leave_pictures(self) -> None:
        """Forgets the pictures of a message; its decoder never sees those of another."""
        if self._decoding is not None:
            self._decoding.cancel()
            self._decoding = None
        self._decoder.close()
        self._pictures = Pictures()

    def _tallest(self) -> int:
        return max(LOWEST, min(self._body.size.height - _AROUND, _HIGHEST))

    def on_body_view_resized(self, event: BodyView.Resized) -> None:
        """Asks for pictures of another size where there is another room for them."""
        event.stop()
        if self._pictures.shown and self._pictures.tallest != self._tallest():
            self._pictures.forget()
            self._decode_pictures()

    def _decode_pictures(self) -> None:
        """Decodes what is to be shown and has not been, beside the keyboard."""
        self._pictures.tallest = self._tallest()
        rests = self._decoding is None or self._decoding.is_finished
        if rests and self._next_picture() is not None:
            self._decoding = self.run_worker(self._decode(self._pictures), group="pictures")

    def _next_picture(self) -> Part | None:
        """The first picture that is to be shown and has not been decoded."""
        parts = self._picture_parts()[: LIMITS.pictures] if self._pictures.shown else []
        return next((part for part in parts if self._pictures.of(part) is None), None)

    async def _decode(self, pictures: Pictures) -> None:
        while (part := self._next_picture()) is not None:
            found: Picture | Refusal = Refusal.LARGE
            tallest = pictures.tallest
            if part_size(part) <= LIMITS.octets:
                octets = await asyncio.to_thread(getattr, part, "content")  # decodes it
                found = await self._decoder.decode(octets, (_WIDEST, 2 * tallest))
            if tallest == pictures.tallest:  # else there is another room for it by now
                pictures.put(part, found)
                self._body.laid_out_anew()

    def action_pictures(self) -> None:
        """Shows the pictures of the message, or no longer."""
        if why := self._no_pictures():
            self.notify(why, timeout=5, markup=False)
        elif not self._picture_parts():
            other = self._picture_parts(html=not self._html)
            form = "plain text" if self._html else "HTML"
            where = f"The pictures belong to the form in {form}, which is not shown."
            self.notify(where if other else "This message has no picture that could be shown.", timeout=3)
        else:
            self._asked = not self._wants_pictures()
            self._make(keep_place=True)

    # -- what the reader does

    def action_toggle_html(self) -> None:
        """Shows HTML where there is plain text too, or no longer."""
        self._html = not self._html
        self._make(keep_place=False)

    def action_toggle_quotes(self) -> None:
        """Unfolds quoted text, or folds it."""
        self._fold = not self._fold
        self._make(keep_place=True)

    def action_toggle_headers(self) -> None:
        """Shows all header fields above the text, or no longer."""
        self._headers = not self._headers
        self._make(keep_place=False)

    def action_scroll_down(self) -> None:
        """Moves down a line."""
        self._body.move(1)

    def action_scroll_up(self) -> None:
        """Moves up a line."""
        self._body.move(-1)

    def action_half_page_down(self) -> None:
        """Moves down half a screen."""
        self._body.move(max(1, self._body.size.height // 2))

    def action_half_page_up(self) -> None:
        """Moves up half a screen."""
        self._body.move(-max(1, self._body.size.height // 2))

    def action_page_down(self) -> None:
        """Moves down a screen, less a line to go on from."""
        self._body.move(max(1, self._body.size.height - 1))

    def action_page_up(self) -> None:
        """Moves up a screen, less a line."""
        self._body.move(-max(1, self._body.size.height - 1))

    def action_scroll_home(self) -> None:
        """Moves to the top."""
        self._body.move_to_start()

    def action_scroll_end(self) -> None:
        """Moves to the end."""
        self._body.move_to_end()

    def action_next_link(self) -> None:
        """Chooses the next link or attachment and shows where it leads."""
        self._choose(forward=True)

    def action_previous_link(self) -> None:
        """Chooses the link or attachment before."""
        self._choose(forward=False)

    def _choose(self, *, forward: bool) -> None:
        if self._body.choose_next(forward=forward) is None and self._body.chosen is None:
            self.notify("There is no link or attachment here.", timeout=3)
        self._target.present(self._body.chosen)

    def action_choose(self) -> None:
        """Opens what is chosen: says so to whoever mounted this pane, and does nothing else."""
        self._post(self._body.chosen)

    def on_body_view_chosen(self, event: BodyView.Chosen) -> None:
        """A click chooses and opens."""
        event.stop()
        self._target.present(event.what)
        self._post(event.what)

    def _post(self, stop: Stop | None) -> None:
        if isinstance(stop, Link):
            self.post_message(self.LinkChosen(stop.url))
        elif isinstance(stop, Attached):
            self.post_message(self.AttachmentChosen(stop.part))

    def action_why(self) -> None:
        """Tells why the verdict is what it is."""
        if self._report is None:
            self.notify("This message has not been checked yet.", timeout=3)
        else:
            self.app.push_screen(WhyScreen(self._report, glyphs=self._glyphs))

    def action_parts(self) -> None:
        """Shows the parts of the message."""
        if self._message is not None:
            self.app.push_screen(PartsScreen(self._message, self._report, glyphs=self._glyphs))

    def action_save_attachments(self) -> None:
        """Asks where to save all attachments, or the one that is chosen."""
        chosen = self._body.chosen
        parts = (chosen.part,) if isinstance(chosen, Attached) else self.attachments
        if parts:
            save_parts(self, parts)
        else:
            self.notify("This message has no attachments.", timeout=3)

    @property
    def attachments(self) -> tuple[Part, ...]:
        """The parts of the message that are named and not shown."""
        message = self._message if self._report is None else self._report.message
        if message is None:
            return ()
        pieces = choose(message, self._report, html=self._html)
        return tuple(one.part for one in pieces if isinstance(one, AttachedPart))


def _time_unless(stop: threading.Event) -> float:
    """The time for a page to end at; no time is left when nobody waits for it any more."""
    return math.inf if stop.is_set() else time.monotonic()


def _weight_safely(message: Message, report: Report | None, *, html: bool) -> Weight:
    """How long making the document takes; no time where it will fail."""
    try:
        return weight(choose(message, report, html=html))
    except Exception:  # noqa: BLE001 - `_make_safely` says it
        return Weight.LIGHT


def _pieces_safely(message: Message, report: Report | None, *, html: bool) -> Sequence[Piece]:
    """What is shown of a message; nothing where that fails, which `_make_safely` says."""
    try:
        return choose(message, report, html=html)
    except Exception:  # noqa: BLE001 - as above
        return ()


def _make_safely(message: Message, report: Report | None, *, width: int, **more: Any) -> Document:
    """Makes a document; where that fails, which is a mistake of ours, one that says so."""
    try:
        return make_document(message, report, width=width, **more)
    except Exception as error:  # noqa: BLE001 - whatever is in a message, the reader goes on
        sentence = f"mailsec made a mistake with this message ({describe(error)}); the part tree still shows its parts."
        return notice_document(safe_text(sentence), width)


def _is_about(report: Report, message: Message) -> bool:
    """Whether a report is about just these octets."""
    judged = report.message
    return judged is message or (judged is not None and len(judged) == len(message) and judged.octets == message.octets)
