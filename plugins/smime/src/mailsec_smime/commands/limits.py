"""The limits of what the commands take."""

from __future__ import annotations

from typing import Final

INPUT_OCTETS: Final = 1 << 30
"""How many octets a message or file may have."""

PEM_HEAD: Final = 4096
"""Within how many octets a PEM file begins."""

SECONDS: Final = 300.0
"""How long opening a message may take, asking whether certificates were revoked included."""
