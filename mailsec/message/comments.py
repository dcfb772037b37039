"""Comments in structured header fields (RFC 5322 section 3.2.2): nested, and never trusted to end."""

from __future__ import annotations

import re

from mailsec.message.limits import LIMITS

__all__ = ["Comments", "strip_comments"]

_SPACE = re.compile(r"[ \t\r\n]*+")
_PIECE = re.compile(r"[^()\\]*+(?>(?:\\.[^()\\]*+)*)", re.DOTALL)
_OUTSIDE = re.compile(r'[^("]*+(?>(?:"[^"\\]*+(?>(?:\\.[^"\\]*+)*)"?[^("]*+)*)', re.DOTALL)


class Comments:
    """Finds the ends of comments in a text.

    The first comment that does not end, or nests deeper than the limit, is none, and from there on parentheses
    are characters like others: so hostile text is read in linear time.

    Attributes:
        text: the unfolded text.
    """

    __slots__ = ("_depth_limit", "_open", "text")

    def __init__(self, text: str, depth_limit: int = LIMITS.comment_depth) -> None:
        self.text = text
        self._depth_limit = depth_limit
        self._open = False

    def end(self, at: int) -> int:
        """The offset after the comment that opens at `at`; -1 where it is none."""
        text, depth = self.text, 0
        while not self._open and at < len(text):
            if text[at] == "(":
                depth += 1
            elif text[at] == ")":
                depth -= 1
                if depth == 0:
                    return at + 1
            else:  # a backslash at the very end
                break
            if depth > self._depth_limit:
                break
            at = _PIECE.match(text, at + 1).end()  # type: ignore[union-attr]
        self._open = True
        return -1

    def skip(self, at: int) -> int:
        """The offset after white space and comments from `at` on."""
        while True:
            at = _SPACE.match(self.text, at).end()  # type: ignore[union-attr]
            if not self.text.startswith("(", at):
                return at
            end = self.end(at)
            if end < 0:
                return at
            at = end


def strip_comments(text: str) -> str:
    """The text with a space for every comment; what stands in quoted strings is none.

    Args:
        text: unfolded text.
    """
    if "(" not in text:
        return text
    comments = Comments(text)
    out, at = [], 0
    while True:
        end = _OUTSIDE.match(text, at).end()  # type: ignore[union-attr]
        out.append(text[at:end])
        if end == len(text):
            return "".join(out)
        after = comments.end(end)
        if after < 0:
            out.append(text[end:])
            return "".join(out)
        out.append(" ")
        at = after
