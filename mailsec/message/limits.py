"""The limits of the message parser, in one place.

Over a limit nothing is lost and nothing is raised: the octets stay where they are, are not taken apart any
further, and a `Defect` says so.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LIMITS", "Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How far a message is taken apart.

    Attributes:
        depth: how deep multiparts and messages may nest.
        parts: how many parts a message may have in all, those of messages inside it too.
        stray_delimiters: how many look-alikes of delimiter lines are examined in a message.
        header_octets: how many octets of a header section are read as fields.
        header_fields: how many fields of a header section are read.
        boundary: how many octets a boundary may have (RFC 2046 section 5.1.1 allows 70).
        parameters: how many parameters of a field are read (RFC 2045 section 5.1, RFC 2231).
        addresses: how many addresses of one field are read.
        address_tokens: how many words, comments and special characters of an address field are read.
        comment_depth: how deep comments may nest (RFC 5322 section 3.2.2).
        line: octets of a header line over which it is called too long (RFC 5322 section 2.1.1).
        marks: how many combining marks in a row text may show.
    """

    depth: int = 50
    parts: int = 10_000
    stray_delimiters: int = 100_000
    header_octets: int = 1 << 20
    header_fields: int = 5_000
    boundary: int = 512
    parameters: int = 200
    addresses: int = 10_000
    address_tokens: int = 100_000
    comment_depth: int = 100
    line: int = 998
    marks: int = 8


LIMITS = Limits()
"""The limits that are in force where nothing else is said."""
