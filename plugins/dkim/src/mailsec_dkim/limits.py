"""The limits of DKIM verification, in one place. Over a limit there is a clear result."""

from __future__ import annotations

from typing import Final

__all__ = [
    "FIELD_OCTETS",
    "FIELD_TAGS",
    "KEYS_CACHED",
    "KEY_RECORDS",
    "KEY_RECORD_OCTETS",
    "LENGTH_DIGITS",
    "SIGNATURES",
    "SIGNED_FIELDS",
    "SIGNERS_CACHED",
    "TIME_DIGITS",
]

SIGNATURES: Final = 10
"""DKIM-Signature fields that are tried, from the top (RFC 6376 section 6.1 and 8.4)."""

FIELD_OCTETS: Final = 1 << 16
"""Octets of a DKIM-Signature field; z= can make them long."""

FIELD_TAGS: Final = 100
"""Tags of one tag list."""

SIGNED_FIELDS: Final = 1000
"""Names in h=."""

KEY_RECORD_OCTETS: Final = 1 << 15
"""Octets of a key record; a key of 16,384 bits has some 2,800."""

KEY_RECORDS: Final = 4
"""TXT records that are tried where a name has several (RFC 6376 section 3.6.2.2 leaves that undefined)."""

KEYS_CACHED: Final = 1024
"""Key records that are kept parsed."""

SIGNERS_CACHED: Final = 128
"""Signers whose tags are kept parsed."""

LENGTH_DIGITS: Final = 76
"""Digits of l= (RFC 6376 section 3.5)."""

TIME_DIGITS: Final = 12
"""Digits of t= and x=: up to the year 31,000 and more (RFC 6376 section 3.5 asks for 12)."""
