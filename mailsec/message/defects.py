"""Irregularities of a message: recorded where they are met, never raised."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Defect", "DefectKind"]


class DefectKind(StrEnum):
    """What is irregular; the value says it in words."""

    # the header section
    NO_HEADER = "the first line is no header field, so all is body"
    NO_COLON = "a header line without a colon"
    FIELD_NAME = "a field name with characters that RFC 5322 does not allow"
    SPACE_BEFORE_COLON = "white space before the colon of a header field"
    BARE_CR = "a CR without LF in the header section"
    BARE_LF = "lines that end in LF alone beside others that end in CRLF in one header section"
    NUL = "a NUL in the header section"
    EIGHT_BIT = "octets in the header section that are not UTF-8"
    LONG_LINE = "a header line over 998 octets"
    NO_BLANK_LINE = "no blank line after the header section"
    CR_LINES = "lines that end in CR alone"
    DUPLICATE_FIELD = "a header field twice that may occur once"
    NO_FROM = "no From field with an address"
    SEVERAL_FROM = "more than one From field"
    GROUP_IN_FROM = "a group in the From field"

    # MIME fields
    CONTENT_TYPE = "a Content-Type field that cannot be read"
    PARAMETER = "a parameter that cannot be read"
    DUPLICATE_PARAMETER = "a parameter twice"
    ENCODING = "an unknown Content-Transfer-Encoding"
    ENCODED_COMPOSITE = "a Content-Transfer-Encoding on a multipart or message, where none is allowed"

    # multiparts
    NO_BOUNDARY = "a multipart without a usable boundary"
    NO_PARTS = "a multipart whose boundary does not occur"
    NOT_CLOSED = "a multipart without its closing delimiter"
    NESTED_BOUNDARY = "a multipart that has the boundary of one around it"
    BOUNDARY_PREFIX = "a line that starts with a boundary and goes on"
    BARE_CR_DELIMITER = "a boundary after a CR without LF"
    AFTER_CLOSE = "a delimiter after the closing one"

    # transfer encodings
    BASE64 = "octets in base64 that do not belong there"
    BASE64_LENGTH = "base64 that is cut or wrongly padded"
    BASE64_AFTER_PADDING = "base64 that goes on after its padding"
    QUOTED_PRINTABLE = "an equals sign in quoted-printable that starts nothing"
    UUENCODE = "uuencoded lines that cannot be read"
    CHARSET = "an unknown charset, or octets that are not in it"

    # limits
    TOO_DEEP = "nested too deep"
    TOO_MANY_PARTS = "too many parts"
    TOO_MANY_DELIMITERS = "too many lines that look like delimiters"
    TOO_MANY_FIELDS = "too many header fields"
    HEADER_TOO_LONG = "a header section that is too long"


@dataclass(frozen=True, slots=True)
class Defect:
    """One irregularity.

    Attributes:
        kind: what it is.
        where: the octet offset at which it was met, in the buffer that spans of the same part count in.
    """

    kind: DefectKind
    where: int

    def __str__(self) -> str:
        return f"{self.kind.value} (at octet {self.where})"
