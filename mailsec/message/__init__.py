"""Messages as received: header fields, MIME tree, addresses, edits, composing, safe text. No I/O.

message = parse(octets)                  # bytes(message) == octets
for part in message.walk():
    part.content_type, part.content      # "text/plain", decoded octets
"""

from mailsec.message.addresses import Group, Mailbox, mailboxes, parse_addresses
from mailsec.message.dates import parse_date
from mailsec.message.defects import Defect, DefectKind
from mailsec.message.domains import matching_address, plain_address, plain_domain, same_address, same_domain
from mailsec.message.edits import Delete, Edit, Insert, apply
from mailsec.message.filenames import numbered_name, safe_file_name
from mailsec.message.flowed import Paragraph, unflow
from mailsec.message.header import HeaderField, HeaderSection, parse_header
from mailsec.message.limits import LIMITS, Limits
from mailsec.message.lines import CRLF, to_crlf
from mailsec.message.message import Message, parse
from mailsec.message.parameters import ContentType, Parameters, parse_content_type, parse_parameters
from mailsec.message.part import Part
from mailsec.message.protection import Payload, find_payload, is_structural, same_authors
from mailsec.message.safe import safe_text
from mailsec.message.words import decode_words

__all__ = [
    "CRLF",
    "LIMITS",
    "ContentType",
    "Defect",
    "DefectKind",
    "Delete",
    "Edit",
    "Group",
    "HeaderField",
    "HeaderSection",
    "Insert",
    "Limits",
    "Mailbox",
    "Message",
    "Paragraph",
    "Parameters",
    "Part",
    "Payload",
    "apply",
    "decode_words",
    "find_payload",
    "is_structural",
    "mailboxes",
    "matching_address",
    "numbered_name",
    "parse",
    "parse_addresses",
    "parse_content_type",
    "parse_date",
    "parse_header",
    "parse_parameters",
    "plain_address",
    "plain_domain",
    "safe_file_name",
    "safe_text",
    "same_address",
    "same_authors",
    "same_domain",
    "to_crlf",
    "unflow",
]
