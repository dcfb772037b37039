"""Reading a message: the document, its coverage, the evidence, and the widgets that show them."""

from mailsec.tui.reading.certificate import CertificateScreen
from mailsec.tui.reading.document import Document, make_document
from mailsec.tui.reading.pane import MessagePane
from mailsec.tui.reading.parts import PartScreen, PartsScreen
from mailsec.tui.reading.save import SaveScreen
from mailsec.tui.reading.why import WhyScreen

__all__ = [
    "CertificateScreen",
    "Document",
    "MessagePane",
    "PartScreen",
    "PartsScreen",
    "SaveScreen",
    "WhyScreen",
    "make_document",
]
