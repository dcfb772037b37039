"""The password of the kept keys: from a command, from the system's keyring, or asked for once."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeAlias

from mailsec.errors import UsageError

__all__ = ["Ask", "Passwords", "ask_terminal"]

Ask: TypeAlias = Callable[[str], bytes]
"""Asks the user for a secret with a prompt; raises a `UsageError` where nobody can be asked."""

SERVICE: Final = "mailsec"
"""The name under which the system's keyring holds our passwords."""


def ask_terminal(prompt: str, instead: str = "--password-command") -> bytes:
    """Asks at the terminal, without showing what is typed; also where standard input brings something else.

    Args:
        prompt: what for, without a colon.
        instead: the option that makes asking needless.

    Raises:
        UsageError: there is no terminal, or nothing was typed.
    """
    terminal = _terminal()
    if terminal is None:
        raise UsageError(f"{prompt} is needed, and there is no terminal to ask at: give {instead}")
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
        raise UsageError(f"no password was typed for: {prompt}")
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
        command: a command that prints it, which comes before all else.
        ask: asks the user, last of all; `None` where nobody may be asked.
    """

    def __init__(self, account: str, what: str, *, command: str | None = None, ask: Ask | None = None) -> None:
        self._account = account
        self._what = what
        self._command = command
        self._ask = ask
        self._known: bytes | None = None
        self._lock = threading.RLock()
        self.may_ask_again = False

    def get(self, *, new: bool = False) -> bytes:
        """The password.

        Args:
            new: whether it is made up only now: who is asked is then asked twice.

        Raises:
            UsageError: it cannot be had.
        """
        with self._lock:
            if self._known is None:
                self._known = self._find(new=new)
            return self._known

    def forget(self) -> None:
        """Forgets a password that was wrong."""
        with self._lock:
            self._known = None

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
        self.may_ask_again = False
        if self._command is not None:
            from mailsec.store.identities import password_from

            return password_from(self._command)
        found = None if new else self._from_keyring()
        if found:
            return found.encode("utf-8", "surrogateescape")
        if self._ask is None:
            raise UsageError(f"the password of {self._what} is not known: give --password-command")
        self.may_ask_again = True
        if not new:
            return self._ask(f"the password of {self._what}")
        typed = self._ask(f"a new password for {self._what}")
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
        return f"<Passwords of {self._what}>"


def _keyring() -> Any:
    """The optional package, which is loaded when a password is needed and not before."""
    if importlib.util.find_spec("keyring") is None:
        return None
    return importlib.import_module("keyring")
