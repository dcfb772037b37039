"""Encoded words in header fields (RFC 2047), and header text in UTF-8 (RFC 6532) or none of these."""

from __future__ import annotations

import binascii
import re

from mailsec.message.charsets import decode_charset, decode_unknown
from mailsec.message.transfer import decode_base64

__all__ = ["decode_text", "decode_words", "unfold"]

# Wider than RFC 2047 section 2: spaces in the encoded text are met and do no harm.
_WORD = re.compile(r"=\?([^?\s]{1,75})\?([bBqQ])\?([^?]*)\?=")


def decode_words(text: str) -> str:
    """Decodes the encoded words of a text (RFC 2047 section 6).

    White space between two encoded words goes; the octets of neighbours in one charset are joined before they
    are decoded, since many senders cut characters in two. What is no encoded word stays as it is.

    Args:
        text: unfolded text.
    """
    if "=?" not in text:
        return text
    out: list[str] = []
    waiting: list[bytes] = []
    charset = ""
    end = 0
    for match in _WORD.finditer(text):
        between = text[end : match.start()]
        name = match[1].partition("*")[0].lower()  # RFC 2231 section 5: charset*language
        if waiting and (name != charset or between.strip()):
            out.append(decode_charset(b"".join(waiting), charset)[0])
            waiting.clear()
            if between.strip():
                out.append(between)
        elif not waiting:
            out.append(between)
        encoded = match[3].encode("utf-8", "replace")
        waiting.append(decode_base64(encoded) if match[2] in "bB" else binascii.a2b_qp(encoded, header=True))
        charset, end = name, match.end()
    if waiting:
        out.append(decode_charset(b"".join(waiting), charset)[0])
    out.append(text[end:])
    return "".join(out)


def unfold(octets: bytes) -> bytes:
    """Takes the line ends out of a folded field body, and the white space around it (RFC 5322 section 2.2.3).

    Args:
        octets: a field body as received; the only LFs in it are those of its folding.
    """
    if b"\n" in octets:
        octets = octets.replace(b"\r\n", b"").replace(b"\n", b"")
    return octets.strip(b" \t\r")


def decode_text(octets: bytes) -> str:
    """The text of an unstructured field body: unfolded, UTF-8 or a readable fallback, encoded words decoded.

    Args:
        octets: a field body as received.
    """
    octets = unfold(octets)
    text = octets.decode("ascii") if octets.isascii() else decode_unknown(octets)
    return decode_words(text)
