"""Mail on disk: Maildirs, mbox files, folders of message files; and the index that lists, threads and finds it.

with Index(path) as index:
    index.refresh(mailbox)                              # reads what is new
    listing = index.listing(index.folder(mailbox.path), parse_query("from:alice is:unread"))
    index.rows(listing.ids[:50])

Names are imported when they are first used: `mailsec check` needs no database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsec.store.files import MAX_STREAM, Stored, read_path, read_stream

if TYPE_CHECKING:
    from mailsec.store.index import Counts, Index
    from mailsec.store.listing import Listing, Order
    from mailsec.store.maildir import Maildir
    from mailsec.store.mboxfile import Mbox
    from mailsec.store.places import Place, find_mailboxes
    from mailsec.store.query import Query, QueryError, parse_query
    from mailsec.store.refresh import Changes
    from mailsec.store.summary import Summary, summarize
    from mailsec.store.types import Entry, Flags, KeptVerdict, Level, Mailbox, Row

__all__ = [
    "MAX_STREAM",
    "Changes",
    "Counts",
    "Entry",
    "Flags",
    "Index",
    "KeptVerdict",
    "Level",
    "Listing",
    "Mailbox",
    "Maildir",
    "Mbox",
    "Order",
    "Place",
    "Query",
    "QueryError",
    "Row",
    "Stored",
    "Summary",
    "find_mailboxes",
    "parse_query",
    "read_path",
    "read_stream",
    "summarize",
]

_HOMES = {
    "Changes": "refresh",
    "Counts": "index",
    "Entry": "types",
    "Flags": "types",
    "Index": "index",
    "KeptVerdict": "types",
    "Level": "types",
    "Listing": "listing",
    "Mailbox": "types",
    "Maildir": "maildir",
    "Mbox": "mboxfile",
    "Order": "listing",
    "Place": "places",
    "Query": "query",
    "QueryError": "query",
    "Row": "types",
    "Summary": "summary",
    "find_mailboxes": "places",
    "parse_query": "query",
    "summarize": "summary",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'mailsec.store' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"mailsec.store.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
