"""Pictures of a message among its text: in a frame that says what they are, half a cell for each pixel.

A picture may show anything, a banner of ours too. So it never stands without the frame, whose lines and words are the
client's, is no wider than the text and so low that the frame is seen whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mailsec.message import safe_text
from mailsec.tui.background.limits import LIMITS
from mailsec.tui.background.pictures import Picture, Refusal
from mailsec.tui.reading.lines import Attached, Cover, Kind, Line, Paragraph, Role, Span, Stop
from mailsec.tui.reading.sizes import part_size, size_text
from mailsec.tui.reading.wrapping import cut, lay_out

if TYPE_CHECKING:
    from mailsec.message import Part

__all__ = ["LOWEST", "OfPicture", "Pictures", "attachment", "is_picture"]

LOWEST = 4
"""Lines that a picture may have at least."""

_TYPES = frozenset(("image/png", "image/jpeg", "image/jpg", "image/pjpeg", "image/gif", "image/webp"))
_NARROWEST = 24  # cells in a frame, so that there is room for its words
_NAME = 200  # characters of a name


def is_picture(part: Part) -> bool:
    """Whether a part says that it is a picture of a kind that can be shown."""
    return part.content_type in _TYPES


class Pictures:
    """What is known of the pictures of a message; blocks ask it each time that they are laid out.

    Attributes:
        hint: what is said beneath a picture that is not shown; empty for nothing.
        shown: whether pictures are shown.
        tallest: lines that a picture may have.
    """

    def __init__(self) -> None:
        self.hint = ""
        self.shown = False
        self.tallest = LOWEST
        self._found: dict[int, tuple[Part, Picture | Refusal]] = {}

    def put(self, part: Part, found: Picture | Refusal) -> None:
        """Takes note of a picture."""
        self._found[id(part)] = part, found

    def of(self, part: Part) -> Picture | Refusal | None:
        """The picture in a part; `None` while it has not been decoded."""
        found = self._found.get(id(part))
        return None if found is None else found[1]

    def forget(self) -> None:
        """Forgets all, for pictures of another size."""
        self._found.clear()


class OfPicture:
    """A block of a picture: the line that names it, and the picture in its frame where it is shown.

    Args:
        part: the part.
        cover: who vouches for it.
        pictures: what is known of the message's pictures.
    """

    __slots__ = ("_cover", "_part", "_pictures", "stops")

    def __init__(self, part: Part, cover: Cover, pictures: Pictures) -> None:
        self._part = part
        self._cover = cover
        self._pictures = pictures
        self.stops: Sequence[Stop] = (Attached(part),)

    def estimate(self, width: int) -> int:
        """A line where nothing is shown."""
        del width
        return self._pictures.tallest if self._pictures.shown else 1

    def lay_out(self, width: int) -> tuple[Line, ...]:
        """Its lines."""
        found = self._pictures.of(self._part) if self._pictures.shown else None
        more = ""
        if isinstance(found, Picture):
            more = f", {found.width}×{found.height}" + (", the first of an animation" if found.moving else "")
        lines = list(lay_out(attachment(self._part, glyphs=True, more=more), width, self._cover, self._part.path))
        if isinstance(found, Picture) and min(found.width, found.height) > LIMITS.dot:
            lines += self._framed(found, width)
        elif said := found.sentence if isinstance(found, Refusal) else self._pictures.hint if found is None else "":
            lines += lay_out(Paragraph(said, Kind.NOTICE, 0, "  ", "  "), width, Cover.NOBODY, "")
        return tuple(lines)

    def _framed(self, picture: Picture, width: int) -> Iterator[Line]:
        columns, rows, pixels = _fitted(picture, max(1, width - 2), 2 * self._pictures.tallest)
        inner = max(columns, min(_NARROWEST, width - 2))
        name = safe_text(self._part.filename or "").strip()[:_NAME]
        yield self._frame("┌", f" picture: {name} " if name else " picture ", "┐", inner)
        step = 3 * columns
        for at in range(0, rows * step, 2 * step):
            halves = (pixels[at : at + step], pixels[at + step : at + 2 * step])
            text = f"│{'▀' * columns}{' ' * (inner - columns)}│"
            yield Line(text, Kind.PICTURE, 0, self._cover, self._part.path, halves=halves)
        yield self._frame("└", " end of the picture ", "┘", inner)

    def _frame(self, left: str, words: str, right: str, inner: int) -> Line:
        from rich.cells import cell_len

        words = cut(words, max(0, inner - 2))
        text = f"{left}─{words}{'─' * (inner - 1 - cell_len(words))}{right}"
        return Line(text, Kind.PICTURE, 0, self._cover, self._part.path)


def attachment(part: Part, *, glyphs: bool, more: str = "") -> Paragraph:
    """The line that names a part which is handed over: its name, type and size.

    Args:
        part: the part.
        glyphs: whether signs beyond ASCII may be used.
        more: what else is known of it.
    """
    name = safe_text(part.filename or "").strip()[:_NAME] or "(no name)"
    mark = ("▣ " if part.media.type == "image" else "▤ ") if glyphs else "* "
    kind = safe_text(part.content_type)[:60]
    text = f"{name}  {kind}, {size_text(part_size(part))}{more}"
    spans = (Span(0, len(name), Role.LINK, 0), Span(len(name) + 2, len(text), Role.LABEL))
    return Paragraph(text, Kind.ATTACHMENT, 0, mark, "  ", spans)


def _fitted(picture: Picture, columns: int, rows: int) -> tuple[int, int, bytes]:
    """A picture within a size: until one of the right size has come, pixels are left out."""
    if picture.columns <= columns and picture.rows <= rows:
        return picture.columns, picture.rows, picture.pixels
    scale = min(columns / picture.columns, rows / picture.rows)
    wide, high = max(1, int(picture.columns * scale)), max(1, int(picture.rows * scale))
    across = [3 * (x * picture.columns // wide) for x in range(wide)]
    found = bytearray()
    for y in range(high):
        start = 3 * picture.columns * (y * picture.rows // high)
        row = picture.pixels[start : start + 3 * picture.columns]
        for x in across:
            found += row[x : x + 3]
    return wide, high, bytes(found)
