"""Mail on disk, as a sequence of messages: Maildirs, mbox files, folders of message files."""

from mailsec.store.files import MAX_STREAM, Stored, read_path, read_stream

__all__ = ["MAX_STREAM", "Stored", "read_path", "read_stream"]
