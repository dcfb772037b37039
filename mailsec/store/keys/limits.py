"""The limits of what is kept of keys and correspondents, in one place."""

from __future__ import annotations

from typing import Final

__all__ = ["CAPABILITIES", "CERTIFICATE_OCTETS", "FILE_OCTETS", "KNOWN", "PATIENCE", "PER_ADDRESS", "TEXT"]

PER_ADDRESS: Final = 16
"""Certificates that are known for one address; of more the one that was seen longest ago goes."""

KNOWN: Final = 20_000
"""Certificates of correspondents, all together."""

CERTIFICATE_OCTETS: Final = 1 << 16
"""Octets of a certificate that is kept."""

CAPABILITIES: Final = 32
"""Names of content encryption that are kept for one address."""

TEXT: Final = 1000
"""Characters of an address, or of what tells where a certificate comes from."""

FILE_OCTETS: Final = 1 << 20
"""Octets of a file with a password, a key or a certificate that is imported."""

PATIENCE: Final = 10.0
"""Seconds that another program's writing is waited for."""
