"""The command line. `main` is what the command `mailsec` calls."""

from __future__ import annotations

from mailsec.cli.app import main

__all__ = ["main"]
