"""Hosts that links lead to, and those that their texts claim."""

from __future__ import annotations

import re

from mailsec.message import plain_domain, safe_text

__all__ = ["claimed_host", "host_of"]

_LIMIT = 2_000
_AUTHORITY = re.compile(r"\s*[a-z][a-z0-9+.-]*:[\\/]{2,}([^\\/?#]*)", re.IGNORECASE)
_LOOKS_LIKE_HOST = re.compile(
    r"\s*(?:[a-z][a-z0-9+.-]*:[\\/]{2,})?(?:[^\s@\\/?#]*@)?((?:[\w-]{1,63}\.)+[^\W\d_][\w-]{1,62})\.?(?::\d+)?(?:[\\/?#]\S*)?\s*",
    re.IGNORECASE,
)
_NO_HOSTS = frozenset(
    ["txt", "pdf", "png", "jpg", "jpeg", "gif", "doc", "docx", "xls", "xlsx", "zip", "html", "htm", "py", "js", "md"]
)


def host_of(url: str) -> str:
    """The host that a URL leads to, in the form in which hosts are compared; empty where it names none.

    What stands before an at sign is a user's name, however much it looks like a host (RFC 3986 section 3.2.1).

    Args:
        url: a URL; foreign text.
    """
    url = "".join(url[:_LIMIT].split())
    if url.lower().startswith("mailto:"):
        return plain_domain(url.partition("?")[0].rpartition("@")[2])
    match = _AUTHORITY.match(url)
    if match is None:
        return ""
    host = match[1].rpartition("@")[2]
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return plain_domain(host.partition(":")[0])


def claimed_host(text: str, url: str) -> str:
    """The host that a link's text names, where the link leads to another; else empty. Safe to show.

    A subdomain of what the text names is no other host: `example.org` may well lead to `www.example.org`.

    Args:
        text: the text of the link.
        url: its true target.
    """
    match = _LOOKS_LIKE_HOST.fullmatch(text[:_LIMIT])
    if match is None:
        return ""
    claimed, target = plain_domain(match[1]), host_of(url)
    if not claimed or claimed.rpartition(".")[2] in _NO_HOSTS or not target:
        return ""
    bare = claimed.removeprefix("www.")
    if target == bare or target.endswith(f".{bare}"):
        return ""
    return safe_text(claimed)
