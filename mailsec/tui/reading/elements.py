"""The elements of HTML by what they do to a text, and those that are open."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["BLOCKS", "GAPS", "HEADINGS", "SKIPPED", "STRONG", "Frame", "is_dot"]

SKIPPED = frozenset(
    "head script style title template noscript object embed iframe audio video canvas svg math select textarea "  # noqa: SIM905
    "datalist map".split()
)
"""Elements whose content is nothing to read."""

GAPS = frozenset("p h1 h2 h3 h4 h5 h6 blockquote pre table ul ol dl hr".split())  # noqa: SIM905
"""Elements with a blank line before and after."""

BLOCKS = GAPS | frozenset(
    "div section article header footer main nav aside address center li dt dd tr td th form fieldset caption "  # noqa: SIM905
    "figure figcaption body html tbody thead tfoot details summary".split()
)
"""Elements that begin and end a paragraph."""

STRONG = frozenset(("b", "strong"))
HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))

_STYLE = 4_000  # characters of a style that are looked at
_DOTS = frozenset("012")
_GONE = re.compile(
    r"display\s*:\s*none|mso-hide\s*:\s*all|opacity\s*:\s*0?\.?0+\s*(?:;|!|\Z)|max-height\s*:\s*0(?:px)?\s*(?:;|!|\Z)"
)
_FONT_SIZE = re.compile(r"(?:\A|[;\s])font(?:-size)?\s*:\s*(0(?:\.0*)?(?:[a-z%]+)?(?=\s*(?:;|!|\Z)))?")
_VISIBILITY = re.compile(r"visibility\s*:\s*(\w+)")


class Frame:
    """An element that is open.

    Args:
        tag: its name.
        above: the element that it is in.
        attributes: its attributes.

    Attributes:
        skipped: whether its content is nothing to read.
        pre: whether blanks and line ends in it stay.
        quote: how deep it is quoted.
        indent: what stands before its lines.
        number: of the last item of a list; -1 where items have none.
        href: where a link leads.
        link_start: where it begins in the paragraph, in letters.
        link_text: the same in pieces of text.
    """

    __slots__ = (
        "_gone",
        "_tiny",
        "_unseen",
        "href",
        "indent",
        "link_start",
        "link_text",
        "number",
        "pre",
        "quote",
        "skipped",
        "tag",
    )

    def __init__(self, tag: str, above: Frame | None, attributes: Mapping[str, str]) -> None:
        self.tag = tag
        self.skipped: bool = tag in SKIPPED or (above is not None and above.skipped)
        self._gone: bool = above is not None and above._gone  # noqa: SLF001 - of its own class
        self._tiny: bool = above is not None and above._tiny  # noqa: SLF001 - of its own class
        self._unseen: bool = above is not None and above._unseen  # noqa: SLF001 - of its own class
        self.pre: bool = above is not None and above.pre
        self.quote: int = 0 if above is None else above.quote
        self.indent: str = "" if above is None else above.indent
        self.number = 0
        self.href = ""
        self.link_start = 0
        self.link_text = 0
        if not self.skipped:
            self._hide(attributes)

    @property
    def shown(self) -> bool:
        """Whether its text is shown: nothing is that a style makes unseen or leaves no size."""
        return not (self.skipped or self._gone or self._tiny or self._unseen)

    def _hide(self, attributes: Mapping[str, str]) -> None:
        if "hidden" in attributes:
            self._gone = True
        style = attributes.get("style")
        if not style:
            return
        style = re.sub(r"/\*.{0,200}?\*/", "", style[:_STYLE].lower())
        if _GONE.search(style):
            self._gone = True
        for match in _FONT_SIZE.finditer(style):
            self._tiny = match[1] is not None
        for match in _VISIBILITY.finditer(style):
            self._unseen = match[1] in {"hidden", "collapse"}


def is_dot(attributes: Mapping[str, str]) -> bool:
    """Whether a picture has the size of those that only tell that a message was read."""
    return any(attributes.get(name, "").strip() in _DOTS for name in ("width", "height"))
