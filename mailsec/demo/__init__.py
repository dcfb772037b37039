"""The demonstration mailbox: messages that show everything, made on the spot with keys of their own."""

from mailsec.demo.catalogue import CATALOGUE, Example, table
from mailsec.demo.mailbox import Mailbox, make_mailbox, write_mailbox

__all__ = ["CATALOGUE", "Example", "Mailbox", "make_mailbox", "table", "write_mailbox"]
