"""The password of the kept keys: from a command, from the system's keyring, or asked for once."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final, Literal, TypeAlias

from mailsec.errors import LockedError, UsageError

__all__ = ["Ask", "Passwords", "ask_terminal"]

Ask: TypeAlias = Callable[[str], bytes]
"""Asks the user for a secret with a prompt; raises a `LockedError` where nobody can be asked."""

SERVICE: Final = "mailsec"
"""The name under which the system's keyring holds our passwords."""


def ask_terminal(prompt: str, instead: str = "--password-command") -> bytes:
    """Asks at the terminal, without showing what is typed; also where standard input brings something else.

    Args:
        prompt: what for, without a colon.
        instead: the option that makes asking needless.

    Raises:
        LockedError: there is no terminal, or nothing was typed.
    """
    terminal = _terminal()
    if terminal is None:
        raise LockedError(f"{prompt} is needed, and there is no terminal to ask at: give {instead}", prompt)
    import atexit
    import termios
    from getpass import getpass

    # Whoever asks may be a thread that is left behind: then the terminal must show again what is typed.
    restore = partial(termios.tcsetattr, terminal, termios.TCSANOW, termios.tcgetattr(terminal))
    atexit.register(restore)
    try:
        typed = getpass(f"{prompt}: ")
    except EOFError:
        typed = ""
    finally:
        atexit.unregister(restore)
    if not typed:
        raise LockedError(f"no password was typed for: {prompt}", prompt)
    return typed.encode("utf-8", "surrogateescape")


def _terminal() -> int | None:
    """A descriptor of the terminal to ask at; `None` where nobody would see that something is asked."""
    if sys.stdin is not None and sys.stdin.isatty():
        return sys.stdin.fileno()
    if sys.stderr is None or not sys.stderr.isatty():
        return None
    try:  # `getpass` asks there, and would read standard input where it cannot be opened
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return None
    return sys.stderr.fileno()


class Passwords:
    """Where one password comes from. It is had once, when it is needed first, and stays in memory.

    Args:
        account: what the system's keyring knows it by.
        what: what it is the password of, for the prompt.
        word: what it is called, such as `"PIN"`.
        where: where that lies which it opens, for whoever is asked.
        command: a command that prints it, which comes before all else.
        ask: asks the user, last of all. Without it nobody is asked: what needs the password fails with a `LockedError`,
            and may be tried again once somebody has given it (`offer`).

    Attributes:
        secret: what it is, in words: `LockedError.secret`.
        where: as above.
    """

    def __init__(
        self,
        account: str,
        what: str,
        *,
        word: str = "password",
        where: str = "",
        command: str | None = None,
        ask: Ask | None = None,
    ) -> None:
        self.secret = f"the {word} of {what}"
        self.where = where
        self._account = account
        self._new = f"a new {word} for {what}"
        self._command = command
        self._ask = ask
        self._known: bytes | None = None
        self._origin: Literal["nowhere", "command", "keyring", "typed"] = "nowhere"
        self._refused = False
        self._stale = False  # what the system's keyring has is wrong
        self._lock = threading.RLock()

    @property
    def may_ask_again(self) -> bool:
        """Whether another one may be right after this one was wrong: a command prints the same again."""
        return self._origin in {"keyring", "typed"}

    def get(self, *, new: bool = False) -> bytes:
        """The password.

        Args:
            new: whether it is made up only now: who is asked is then asked twice.

        Raises:
            LockedError: somebody has to give it, and nobody is asked or answers.
            UsageError: it cannot be had.
        """
        with self._lock:
            if self._known is None:
                self._known = self._find(new=new)
            return self._known

    def offer(self, typed: bytes) -> None:
        """Takes a password that somebody has typed; whether it is right shows when it is used.

        Args:
            typed: the password.
        """
        with self._lock:
            self._known, self._origin, self._refused = typed, "typed", False

    def refuse(self, wrong: bytes) -> None:
        """Forgets a password that was wrong, unless another one is known by now.

        Args:
            wrong: the password.
        """
        with self._lock:
            if self._known == wrong:
                self._known = None
                self._refused = True
                self._stale = self._stale or self._origin == "keyring"

    def replace(self, new: bytes) -> None:
        """Goes on with another password, since what it opens was changed; in the system's keyring too, if it is there.

        Args:
            new: the password.
        """
        with self._lock:
            self.offer(new)
            self._stale = False
            if self._from_keyring() is not None:
                with suppress(UsageError):  # then it is asked for
                    self.keep()

    def keep(self) -> None:
        """Puts the password into the system's keyring.

        Raises:
            UsageError: there is no keyring, or it refuses.
        """
        keyring = _keyring()
        if keyring is None:
            raise UsageError("the system's keyring needs the Python package keyring: pip install mailsec[keyring]")
        try:
            keyring.set_password(SERVICE, self._account, self.get().decode("utf-8", "surrogateescape"))
        except UsageError:
            raise
        except Exception as error:  # noqa: BLE001 - its backends raise what they like, and may repeat the password
            kind = type(error).__name__
            raise UsageError(f"the system's keyring did not take the password ({kind})") from None

    def _find(self, *, new: bool) -> bytes:
        self._origin = "nowhere"
        if self._command is not None:
            from mailsec.store.identities import password_from

            self._origin = "command"
            return password_from(self._command)
        found = None if new or self._stale else self._from_keyring()
        if found:
            self._origin = "keyring"
            return found.encode("utf-8", "surrogateescape")
        if self._ask is None:
            trouble = "is wrong" if self._refused else "is not known"
            sentence = f"{self._new} is needed" if new else f"{self.secret} {trouble}"
            raise LockedError(sentence, self.secret, wrong=self._refused and not new, new=new)
        self._origin = "typed"
        if not new:
            return self._ask(self.secret)
        typed = self._ask(self._new)
        if self._ask("the same again") != typed:
            raise UsageError("the two passwords are not the same: nothing was done")
        return typed

    def _from_keyring(self) -> str | None:
        keyring = _keyring()
        if keyring is None:
            return None
        try:
            found = keyring.get_password(SERVICE, self._account)
        except Exception:  # noqa: BLE001 - locked, without a backend, without a desktop: then it has none for us
            return None
        return found if isinstance(found, str) else None

    def __repr__(self) -> str:
        return f"<Passwords: {self.secret}>"


def _keyring() -> Any:
    """The optional package, which is loaded when a password is needed and not before."""
    if importlib.util.find_spec("keyring") is None:
        return None
    return importlib.import_module("keyring")
