"""What runs beside the keyboard: checks in a thread, indexing and the verification of folders in processes.

Nothing here knows Textual; all of it is called from one event loop, whichever front end that belongs to.
"""

from mailsec.tui.background.checking import CheckerThread
from mailsec.tui.background.indexing import Indexing
from mailsec.tui.background.verification import FolderVerification, Progress

__all__ = ["CheckerThread", "FolderVerification", "Indexing", "Progress"]
