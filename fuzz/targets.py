"""The targets: for each some seeds, and what must hold for any octets."""

from __future__ import annotations
