"""The password of files that come or go."""

from __future__ import annotations

from mailsec.errors import UsageError


class FilePassword:
    """The password of files that come or go, which is had once.

    Args:
        command: a command that prints it; without one the user is asked.
        option: the option that gives the command.
    """

    def __init__(self, command: str | None, option: str = "--file-password-command") -> None:
        self._command = command
        self._option = option
        self._known: bytes | None = None

    def get(self, prompt: str, *, twice: bool = False) -> bytes:
        """The password.

        Args:
            prompt: what the user is asked for.
            twice: whether a new password is typed twice.

        Raises:
            UsageError: it cannot be had.
        """
        from mailsec.store.identities import password_from
        from mailsec.store.keys import ask_terminal

        if self._known is None:
            if self._command is not None:
                self._known = password_from(self._command)
            else:
                self._known = ask_terminal(prompt, self._option)
                if twice and ask_terminal("the same again", self._option) != self._known:
                    raise UsageError("the two passwords are not the same: nothing was done")
        return self._known
