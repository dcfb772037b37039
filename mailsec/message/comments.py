"""Comments in structured header fields (RFC 5322 section 3.2.2): nested, and never trusted to end."""

from __future__ import annotations

import re

from mailsec.message.limits import LIMITS

__all__ = ["comment_end", "skip_comments", "strip_comments"]

_SPACE = re.compile(r"[ \t\r\n]*+")
_PIECE = re.compile(r"[^()\\]*+(?:\\.[^()\\]*+)*+", re.DOTALL)
_OUTSIDE = re.compile(r'[^("]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"?[^("]*+)*+', re.DOTALL)


def comment_end(text: str, at: int, depth_limit: int = LIMITS.comment_depth) -> int:
    """The offset after the comment that opens at `at`; -1 where it does not end or nests deeper than the limit.

    Args:
        text: unfolded text.
        at: where an opening parenthesis stands.
        depth_limit: how deep comments may nest.
    """
    depth = 0
    while at < len(text):
        if text[at] == "(":
            depth += 1
        elif text[at] == ")":
            depth -= 1
            if depth == 0:
                return at + 1
        else:  # a backslash at the very end
            return -1
        if depth > depth_limit:
            return -1
        at = _PIECE.match(text, at + 1).end()  # type: ignore[union-attr]
    return -1


def skip_comments(text: str, at: int) -> int:
    """The offset after white space and comments; before a comment that does not end.

    Args:
        text: unfolded text.
        at: where to start.
    """
    while True:
        at = _SPACE.match(text, at).end()  # type: ignore[union-attr]
        if not text.startswith("(", at):
            return at
        end = comment_end(text, at)
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
    out, at = [], 0
    while True:
        end = _OUTSIDE.match(text, at).end()  # type: ignore[union-attr]
        out.append(text[at:end])
        if end == len(text):
            return "".join(out)
        after = comment_end(text, end)
        if after < 0:
            out.append(text[end:])
            return "".join(out)
        out.append(" ")
        at = after
