"""All passwords and PINs that the private keys of the user want, in one place: each is had once in a program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mailsec.store.keys import FILE_NAME
from mailsec.store.keys.passwords import Ask, Passwords

if TYPE_CHECKING:
    from mailsec.config import Settings

__all__ = ["Secrets"]


class Secrets:
    """The password of the key store and the PINs of tokens, in the memory of this program alone.

    Whoever makes several checkers hands all of them the same, so that what was typed once holds for all.

    Args:
        settings: names the key store, the tokens, and the commands that print their secrets.
        ask: asks the user; without it a `mailsec.errors.LockedError` says what is wanted, and `Passwords.offer` takes
            it.
    """

    def __init__(self, settings: Settings, ask: Ask | None = None) -> None:
        self._store = None if settings.keys is None else _of_store(settings.keys, settings.password_command, ask)
        self._tokens = {module: _of_token(module, settings.pin_command, ask) for module in settings.tokens}

    @property
    def store(self) -> Passwords:
        """The password of the key store.

        Raises:
            KeyError: the settings name none.
        """
        if self._store is None:
            raise KeyError("the settings name no key store")
        return self._store

    def token(self, module: Path) -> Passwords:
        """The PIN of the token behind a PKCS#11 module.

        Args:
            module: one of the settings.

        Raises:
            KeyError: the settings do not name it.
        """
        return self._tokens[module]

    def named(self, secret: str) -> Passwords | None:
        """The one of a name; `None` where there is none.

        Args:
            secret: a `mailsec.errors.LockedError.secret`.
        """
        both = (*(() if self._store is None else (self._store,)), *self._tokens.values())
        return next((one for one in both if one.secret == secret), None)

    def __repr__(self) -> str:
        return f"<Secrets: {1 + len(self._tokens) if self._store is not None else len(self._tokens)}>"


def _of_store(folder: Path, command: str | None, ask: Ask | None) -> Passwords:
    path = str(folder / FILE_NAME)
    return Passwords(path, "the kept keys", where=path, command=command, ask=ask)


def _of_token(module: Path, command: str | None, ask: Ask | None) -> Passwords:
    return Passwords(
        f"PIN {module}", f"the token ({module.name})", word="PIN", where=str(module), command=command, ask=ask
    )
