"""Taking the members of a SEQUENCE one after the other, and those of a SET OF within a limit."""

from __future__ import annotations

from collections.abc import Iterator

from mailsec.crypto.cms.tlv import Element
from mailsec.errors import CMSError, LimitError


class Members:
    """The members of a constructed element, taken one after the other.

    Args:
        element: the element.
        what: what it is, for errors.
    """

    __slots__ = ("_ahead", "_members", "_what")

    def __init__(self, element: Element, what: str) -> None:
        self._members = element.children()
        self._what = what
        self._ahead = next(self._members, None)

    def next(self, which: str) -> Element:
        """The next member, which must be there.

        Raises:
            CMSError: it is not.
        """
        member = self._ahead
        if member is None:
            raise CMSError(f"{self._what} lacks {which}")
        self._ahead = next(self._members, None)
        return member

    def optional(self, tag: int, *, constructed: bool | None = True) -> Element | None:
        """The next member if it has this tag and form; `None` for the form takes both."""
        member = self._ahead
        if member is None or member.tag != tag or constructed not in (None, member.constructed):
            return None
        self._ahead = next(self._members, None)
        return member

    def end(self) -> None:
        """There must be no more members.

        Raises:
            CMSError: there are.
        """
        if self._ahead is not None:
            raise CMSError(f"{self._what} holds more than it should")


def limited(element: Element, limit: int, what: str) -> Iterator[Element]:
    """The members of an element, as long as they are not too many.

    Raises:
        LimitError: there are more.
    """
    for count, child in enumerate(element.children()):
        if count >= limit:
            raise LimitError(f"there are more than {limit} {what}")
        yield child


__all__ = ["Members", "limited"]
