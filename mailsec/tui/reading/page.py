"""HTML as text: read as a stream, with nothing ever fetched, run, or believed about looks.

The page is parsed by libxml2, event by event; no tree is built. What is shown is the words: headings, lists, quotes,
tables, links with their true targets, and the names of pictures. What a style hides is not shown and is counted.
A page that is too large, too deep or takes too long ends where the limit is, and a notice says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from mailsec.tui.reading.grid import Grid
from mailsec.tui.reading.hosts import shown_url
from mailsec.tui.reading.lines import Kind, Link, Paragraph, Role, Span
from mailsec.tui.reading.markup import Markup, TooMuch

__all__ = ["LIMIT", "SECONDS", "PageText", "read_page"]

LIMIT = 1 << 19
"""Characters of a page that are read."""

SECONDS = 2.0
"""Seconds that reading a page may take."""

_CHUNK = 1 << 14
_TARGET = 300  # characters of a link's target that are shown in the list


@dataclass(frozen=True, slots=True)
class PageText:
    """The text of a page.

    Attributes:
        blocks: paragraphs and tables in order.
        links: the links that spans of the paragraphs stop at.
        notices: what is not shown; safe to show.
    """

    blocks: list[Paragraph | Grid] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def read_page(
    html: str, *, seconds: float = SECONDS, clock: Callable[[], float] = time.monotonic, copies: bool = False
) -> PageText:
    """Reads a page. It never fails.

    Args:
        html: a page or a fragment of one; any text.
        seconds: how long it may take.
        clock: tells the time in seconds.
        copies: whether copies of header fields in it are left out (RFC 9788 section 4.5.3.3).
    """
    from lxml import etree

    markup = Markup(clock() + seconds, clock, copies=copies)
    octets = html[:LIMIT].encode("utf-8", "replace")
    notices = [] if len(html) <= LIMIT else ["Only the beginning of this page is shown: it is too large."]
    parser = etree.HTMLParser(target=markup, encoding="utf-8", no_network=True, huge_tree=False)
    try:
        for start in range(0, len(octets), _CHUNK):
            parser.feed(octets[start : start + _CHUNK])
        if octets:
            parser.close()
    except TooMuch as error:
        notices.append(f"Only the beginning of this page is shown: {error}.")
    except etree.XMLSyntaxError:
        pass  # there was nothing in it
    markup.finish()
    if markup.hidden:
        notices.append(f"Hidden text of {markup.hidden} letters is not shown.")
    if markup.pictures:
        notices.append(_pictures(markup.pictures))
    return PageText([*markup.blocks, *_targets(markup)], markup.links, notices)


def _pictures(count: int) -> str:
    return (
        "A picture that lies elsewhere was not loaded."
        if count == 1
        else f"{count} pictures that lie elsewhere were not loaded."
    )


def _targets(markup: Markup) -> list[Paragraph]:
    """The list of true targets that ends a page."""
    found: list[Paragraph] = []
    for printed, number in enumerate(markup.numbered, 1):
        link = markup.links[number]
        url = shown_url(link.url, _TARGET)
        label = f"[{printed}] "
        role = Role.DECEPTIVE if link.claims else Role.LINK
        text = f"{url}  ! its text says {link.claims}" if link.claims else url
        spans = (Span(0, len(url), role, number),)
        found.append(Paragraph(text, Kind.TARGET, 0, label, " " * len(label), spans))
    return [Paragraph(""), Paragraph("", Kind.RULE), *found] if found else []
