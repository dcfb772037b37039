"""The screen that shows all of one certificate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from mailsec.crypto import describe_certificate, name_in_words
from mailsec.tui.reading.outline import Item, Outline

if TYPE_CHECKING:
    from mailsec.crypto import Certificate, Line

__all__ = ["CertificateScreen"]


class CertificateScreen(ModalScreen[None]):
    """Shows a certificate as an outline: names, period, key, fingerprint, and every extension in words.

    Args:
        certificate: the certificate.
        glyphs: whether signs beyond ASCII may be used.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "close"),
        Binding("c", "copy", "copy"),
    ]
    DEFAULT_CSS = """
    CertificateScreen { background: $background; layout: vertical; }
    CertificateScreen > .certificate--title { padding: 0 1; background: $panel; width: 1fr; height: auto; }
    CertificateScreen > .certificate--title { max-height: 4; }
    CertificateScreen > .certificate--keys { padding: 0 1; color: $quote; height: 1; width: 1fr; }
    CertificateScreen > Outline { height: 1fr; margin: 1 0 0 0; }
    """

    def __init__(self, certificate: Certificate, *, glyphs: bool = True) -> None:
        super().__init__()
        self._title = name_in_words(certificate.subject_der)
        self._lines = describe_certificate(certificate)
        self._pem = certificate.to_pem().decode("ascii")
        self._glyphs = glyphs

    def compose(self) -> ComposeResult:
        """The name, the outline, the keys."""
        title = Content.assemble(("Certificate: ", "bold"), Content(self._title))
        yield Static(title, classes="certificate--title")
        yield Outline(map(_item, self._lines), glyphs=self._glyphs)
        yield Static(Content("esc back  space fold  c copy, with PEM"), classes="certificate--keys")

    def action_copy(self) -> None:
        """Copies the outline as text, and the certificate."""
        self.app.copy_to_clipboard("\n".join([*_as_text(self._lines), self._pem]))
        self.notify("Copied.", timeout=2)


def _item(line: Line) -> Item:
    return Item(line.text, children=tuple(map(_item, line.children)))


def _as_text(lines: Iterable[Line], depth: int = 0) -> Iterator[str]:
    for one in lines:
        yield "  " * depth + one.text
        yield from _as_text(one.children, depth + 1)
