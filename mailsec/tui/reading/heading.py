"""The header of a message as a reader wants it: who, to whom, when, about what. The address is always shown.

Where header fields are protected with the text (RFC 9788), those are shown, and how they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len

from mailsec.message import Mailbox, mailboxes, safe_text, same_address
from mailsec.tui.dates import short_date
from mailsec.tui.reading.drawn import Drawn, Row
from mailsec.tui.reading.wrapping import cut, wrap

if TYPE_CHECKING:
    from mailsec.message import Message
    from mailsec.pipeline.protected import FromMismatch, ShownHeader

__all__ = ["Heading"]

_LABEL = 6  # cells
_AUTHORS = 4  # that are shown
_SUBJECT = 2  # lines
_ADDRESS = 3  # lines
_LONGEST = 2_000  # characters of anything that is shown here


class Heading(Drawn):
    """The region above the banner.

    Args:
        clock: tells the time in seconds since the epoch.
        zone: the reader's time zone; that of the system if `None`.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "heading--subject",
        "heading--label",
        "heading--address",
        "heading--name",
        "heading--warning",
    }
    DEFAULT_CSS = """
    Heading {
        padding: 0 1;
        background: $background;
        &> .heading--subject { text-style: bold; }
        &> .heading--label { color: $quote; }
        &> .heading--address { color: $primary; }
        &> .heading--name { color: $foreground; }
        &> .heading--warning { color: $level-warning; text-style: bold; }
    }
    """

    def __init__(self, clock: Callable[[], float], zone: tzinfo | None = None) -> None:
        super().__init__()
        self._clock, self._zone = clock, zone
        self._header: Message | ShownHeader | None = None
        self._shown: ShownHeader | None = None

    def present(self, message: Message | None, shown: ShownHeader | None = None) -> None:
        """Shows the header of a message, or nothing.

        Args:
            message: the message.
            shown: its header as a check found that it is to be shown.
        """
        self._header = message if shown is None else shown
        self._shown = shown
        self.changed()

    def rows(self, width: int) -> Iterable[Row]:
        """Subject, From with the date, Reply-To where it leads elsewhere, To and Cc; then how they are protected."""
        header = self._header
        if header is None:
            return
        names = ["Subject", "From", "Date"]
        yield from _subject(header, width)
        yield from self._from(header, width)
        if self._shown is not None and self._shown.mismatch is not None:
            yield from _mismatch(self._shown.mismatch, width)
        answer = mailboxes(header.addresses("reply-to"))
        if any(not any(same_address(one.address, author.address) for author in header.authors) for one in answer):
            yield _list("Reply", [_safe(one.address) for one in answer], width)
            names.append("Reply-To")
        for label in ("To", "Cc"):
            found = [_safe(one.display_name) or _safe(one.address) for one in mailboxes(header.addresses(label))]
            if found:
                yield _list(label, found, width)
                names.append(label)
        if self._shown is not None and self._shown.scheme is not None:
            yield from _protection(self._shown, names, width)

    def _from(self, message: Message | ShownHeader, width: int) -> Iterator[Row]:
        at = message.date
        date = "no date" if at is None else short_date(at.timestamp(), self._clock(), self._zone)
        authors = message.authors
        rows = [row for author in authors[:_AUTHORS] for row in _author(author, width)]
        if len(authors) > _AUTHORS:
            rows.append((_label(""), (f"and {len(authors) - _AUTHORS} more", "heading--label")))
        rows = rows or [(_label("From"), ("(nobody)", "heading--label"))]
        used = sum(cell_len(text) for text, _ in rows[0])
        if used + 2 + cell_len(date) <= width:
            blank = " " * (width - used - cell_len(date))
            rows[0] = (*rows[0], (blank, ""), (date, "heading--label"))
        else:
            rows.append((_label("Date"), (date, "")))
        yield from rows


def _subject(message: Message | ShownHeader, width: int) -> Iterator[Row]:
    subject = _safe(message.subject) or "(no subject)"
    lines = list(wrap(subject, max(8, width)))
    for number, (start, end) in enumerate(lines[:_SUBJECT]):
        if number == _SUBJECT - 1 and len(lines) > _SUBJECT:
            end = len(subject)  # noqa: PLW2901
        yield ((cut(subject[start:end], width), "heading--subject"),)


def _author(author: Mailbox, width: int) -> Iterator[Row]:
    """One author: the name as far as there is room, and always the address."""
    name, address = _safe(author.display_name), f"<{_safe(author.address)}>"
    if "@" in name or "<" in name:
        name = f"“{name}”"  # a name that looks like an address
    room = max(8, width - _LABEL)
    left = room - cell_len(address) - 1
    if name and left >= min(cell_len(name), 12):
        yield _label("From"), (f"{cut(name, left)} ", "heading--name"), (address, "heading--address")
        return
    label = _label("From")
    if name:
        yield label, (cut(name, room), "heading--name")
        label = _label("")
    lines = list(wrap(address, room))
    if len(lines) > _ADDRESS:  # the end tells whose it is
        address = "…" + address[lines[-_ADDRESS][0] + 1 :]
        lines = list(wrap(address, room))[:_ADDRESS]
    for start, end in lines:
        yield label, (address[start:end], "heading--address")
        label = _label("")


def _list(label: str, names: Sequence[str], width: int) -> Row:
    """Names on one line, and how many have no room on it."""
    room = max(8, width - _LABEL)
    shown = names[0]
    count = 1
    for name in names[1:]:
        more = f" +{len(names) - count - 1}" if count + 1 < len(names) else ""
        if cell_len(shown) + 2 + cell_len(name) + len(more) > room:
            break
        shown, count = f"{shown}, {name}", count + 1
    more = f" +{len(names) - count}" if count < len(names) else ""
    return _label(label), (cut(shown, room - len(more)), ""), (more, "heading--label")


def _mismatch(mismatch: FromMismatch, width: int) -> Iterator[Row]:
    """The From field that is not shown; with a warning where nobody has signed for the one inside (RFC 9788, 4.4)."""
    there, style = (mismatch.outside, "heading--label") if mismatch.bound else (mismatch.inside, "heading--warning")
    names = ", ".join(f"<{_safe(one)}>" for one in there[:_AUTHORS]) or "nobody"
    words = "outside From says " if mismatch.bound else "beware: inside From says "
    room = max(8, width - _LABEL)
    for start, end in list(wrap(words + names, room))[:_ADDRESS]:
        yield _label(""), ((words + names)[start:end], style)


def _protection(shown: ShownHeader, names: Sequence[str], width: int) -> Iterator[Row]:
    """Which of the fields above are signed with the text, which are not, and which could not be read on the way."""
    states = {name: [one.state for one in shown.all(name)] for name in names}
    states = {name: found for name, found in states.items() if found}
    signed = [name for name, found in states.items() if all(one.is_signed for one in found)]
    secret = [name for name, found in states.items() if all(one.is_confidential for one in found)]
    bare = [name for name in states if name not in signed and name not in secret]
    for words, found, style in (
        ("signed", signed, "heading--label"),
        ("encrypted", secret, "heading--label"),
        ("not protected", bare, "heading--warning" if signed or secret else "heading--label"),
    ):
        if found:
            yield _label(""), (cut(f"{words}: {', '.join(found)}", max(8, width - _LABEL)), style)


def _label(text: str) -> tuple[str, str]:
    return f"{text:<{_LABEL}}", "heading--label"


def _safe(text: str) -> str:
    return safe_text(text[:_LONGEST]).strip()
