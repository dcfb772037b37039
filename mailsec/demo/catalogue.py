"""The catalogue of the demonstration: each message with the verdict that it must get."""

from __future__ import annotations

from mailsec.demo.example import Example
from mailsec.demo.letters import LETTERS
from mailsec.demo.protected import PROTECTED
from mailsec.demo.signed_by_domains import BY_DOMAINS
from mailsec.demo.signed_by_people import BY_PEOPLE
from mailsec.demo.thread import THREAD

__all__ = ["CATALOGUE", "Example", "table"]

CATALOGUE: tuple[Example, ...] = (*BY_PEOPLE, *BY_DOMAINS, *LETTERS, *THREAD, *PROTECTED)
"""All messages, in the order in which they lie in the mailbox."""


def table() -> str:
    """The catalogue as a table in Markdown, for the documentation."""
    lines = ["| message | what it shows | verdict | row |", "|---|---|---|---|"]
    lines += (f"| `{one.name}` | {one.title} | {one.level} | {one.row} |" for one in CATALOGUE)
    return "\n".join(lines) + "\n"
