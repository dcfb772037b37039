"""Messages as received: header fields, MIME tree, addresses, edits, composing, safe text. No I/O.

message = parse(octets)                  # bytes(message) == octets
for part in message.walk():
    part.content_type, part.content      # "text/plain", decoded octets
"""

from mailsec.message.defects import Defect, DefectKind
from mailsec.message.header import HeaderField, HeaderSection, parse_header
from mailsec.message.limits import LIMITS, Limits
from mailsec.message.lines import CRLF, to_crlf
from mailsec.message.message import Message, parse
from mailsec.message.parameters import ContentType, Parameters, parse_content_type, parse_parameters
from mailsec.message.part import Part

__all__ = [
    "CRLF",
    "LIMITS",
    "ContentType",
    "Defect",
    "DefectKind",
    "HeaderField",
    "HeaderSection",
    "Limits",
    "Message",
    "Parameters",
    "Part",
    "parse",
    "parse_content_type",
    "parse_header",
    "parse_parameters",
    "to_crlf",
]
