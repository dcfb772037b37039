"""Reading a message: the document, its coverage, the evidence, and the widgets that show them."""

from mailsec.tui.reading.document import Document, make_document
from mailsec.tui.reading.pane import MessagePane

__all__ = ["Document", "MessagePane", "make_document"]
