"""Own keys, trust decisions and correspondents, as they are kept on the disk.

store = FileKeyStore(folder, Passwords(...))
store.add_key(identity, ["alice@example.org"])
StoredKeyRing(store).sign(...)                      # asks for the password when it is needed first

Names are imported when they are first used: whoever only looks whether there is a store needs no database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailsec.store.keys.files import read_limited, write_private
    from mailsec.store.keys.joined import JoinedKeyRing
    from mailsec.store.keys.keystore import FileKeyStore, handle_of
    from mailsec.store.keys.passwords import Ask, Passwords, ask_terminal
    from mailsec.store.keys.ring import StoredKeyRing
    from mailsec.store.keys.secrets import Secrets

__all__ = [
    "FILE_NAME",
    "Ask",
    "FileKeyStore",
    "JoinedKeyRing",
    "Passwords",
    "Secrets",
    "StoredKeyRing",
    "ask_terminal",
    "handle_of",
    "read_limited",
    "write_private",
]

FILE_NAME = "keys.sqlite"
"""The name of the file in its folder."""

_HOMES = {
    "Ask": "passwords",
    "FileKeyStore": "keystore",
    "JoinedKeyRing": "joined",
    "Passwords": "passwords",
    "Secrets": "secrets",
    "StoredKeyRing": "ring",
    "ask_terminal": "passwords",
    "handle_of": "keystore",
    "read_limited": "files",
    "write_private": "files",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'mailsec.store.keys' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"mailsec.store.keys.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
