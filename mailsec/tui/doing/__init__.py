"""What each action does: a function for each, by the name that the table of actions gives it."""

from mailsec.tui.doing import keys, mail, message, moving, program, searching
from mailsec.tui.doing.registry import HANDLERS

__all__ = ["HANDLERS", "keys", "mail", "message", "moving", "program", "searching"]
