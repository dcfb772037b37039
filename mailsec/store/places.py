"""Which mailboxes there are: Maildirs with their folders, in either layout, and mbox files."""

from __future__ import annotations

import base64
import binascii
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mailsec.store.maildir import is_maildir
from mailsec.store.mbox import is_mbox

__all__ = ["MAX_DEPTH", "MAX_PLACES", "Place", "Role", "decode_utf7", "find_mailboxes"]

MAX_PLACES = 10_000
"""How many mailboxes are found below one root."""

MAX_DEPTH = 20
"""How deep folders are looked into."""

Role = Literal["", "inbox", "sent", "drafts", "trash", "archive", "junk"]
"""What a folder is for, as far as its name tells."""

_ROLES: dict[str, Role] = {
    "inbox": "inbox",
    "sent": "sent",
    "sent items": "sent",
    "sent mail": "sent",
    "sent messages": "sent",
    "draft": "drafts",
    "drafts": "drafts",
    "trash": "trash",
    "bin": "trash",
    "deleted": "trash",
    "deleted items": "trash",
    "deleted messages": "trash",
    "archive": "archive",
    "archives": "archive",
    "all mail": "archive",
    "junk": "junk",
    "junk e-mail": "junk",
    "spam": "junk",
}
_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")


@dataclass(frozen=True, slots=True)
class Place:
    """A mailbox on this machine.

    Attributes:
        name: what it is called, decoded; foreign text that `safe_text` must see before it is shown.
        path: where it lies.
        kind: whether it is a Maildir or an mbox file.
        depth: how many mailboxes it lies in; 0 for the outermost.
        role: what it is for.
    """

    name: str
    path: Path
    kind: Literal["maildir", "mbox"]
    depth: int
    role: Role


@dataclass(frozen=True, slots=True)
class _Found:
    names: tuple[str, ...]  # the folders in which it lies, and its own name
    path: Path
    kind: Literal["maildir", "mbox"]


def find_mailboxes(roots: Sequence[Path]) -> tuple[Place, ...]:
    """Finds the mailboxes in some folders, and those files among them that are mbox files.

    Below a Maildir its folders are found in both layouts: those of Maildir++ (`.Lists.Work`, in modified UTF-7)
    and folders in folders. Symbolic links to folders are not followed.

    Args:
        roots: folders and files, in the order in which they are to be listed; what is not there is left out.

    Returns:
        Of each root the mailboxes as a tree from the top, the inbox first.
    """
    return tuple(place for root in roots for place in _tree(list(_look(root))))


def _tree(found: list[_Found]) -> Iterator[Place]:
    """Puts the mailboxes of a root in order, and each below the nearest that it lies in."""
    known = {one.names for one in found}
    for one in sorted(found, key=_order):
        above = [size for size in range(len(one.names)) if one.names[:size] in known]
        name = "/".join(one.names[above[-1] if above else 0 :]) or _text(one.path.name) or "Maildir"
        role = _ROLES.get(name.casefold(), "inbox" if not one.names else "")
        yield Place(name, one.path, one.kind, len(above), role)


def _order(found: _Found) -> list[tuple[bool, str, str]]:
    return [(_ROLES.get(name.casefold()) != "inbox", name.casefold(), name) for name in found.names]


def _look(root: Path) -> Iterator[_Found]:
    """All mailboxes of a root, in no order."""
    kind = _kind(root)
    if kind == "mbox":
        yield _Found((), root, "mbox")
        return
    left = MAX_PLACES
    waiting: list[tuple[tuple[str, ...], Path]] = [((), root)]
    while waiting:
        names, folder = waiting.pop()
        maildir = is_maildir(folder)
        if maildir:
            yield _Found(names, folder, "maildir")
            left -= 1
        for entry in _entries(folder):
            if left <= 0:
                return
            name = entry.name
            if name in ("cur", "new", "tmp") and maildir:
                continue
            path = Path(entry.path)
            if _is_folder(entry):
                if name.startswith("."):
                    # Only a Maildir has folders of Maildir++; other hidden folders are none of ours.
                    if maildir and is_maildir(path):
                        inside = tuple(_text(decode_utf7(part)) for part in name[1:].split("."))
                        yield _Found((*names, *inside), path, "maildir")
                        left -= 1
                elif len(names) < MAX_DEPTH:
                    waiting.append(((*names, _text(name)), path))
            elif not name.startswith(".") and not maildir and _kind(path) == "mbox":
                yield _Found((*names, _text(name)), path, "mbox")
                left -= 1


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _kind(path: Path) -> Literal["mbox", ""]:
    """Whether a file is an mbox file; an empty one is by its name."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            return ""
        if not status.st_size:
            return "mbox" if path.suffix in (".mbox", ".mbx") else ""
        with path.open("rb") as file:
            return "mbox" if is_mbox(file.read(1024)) else ""
    except (OSError, ValueError):
        return ""


def _text(name: str) -> str:
    """A file's name as text, whatever octets it has."""
    return os.fsencode(name).decode("utf-8", "replace")


def decode_utf7(name: str) -> str:
    """Decodes modified UTF-7 (RFC 3501 section 5.1.3); what is none stays as it is.

    Args:
        name: the name of a folder.
    """

    def decoded(match: re.Match[str]) -> str:
        letters = match[1]
        if not letters:
            return "&"
        try:
            octets = base64.b64decode(letters.replace(",", "/") + "=" * (-len(letters) % 4))
            return octets.decode("utf-16-be")
        except (binascii.Error, UnicodeDecodeError):
            return match[0]

    return _SHIFTED.sub(decoded, name)
