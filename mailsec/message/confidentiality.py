"""Header confidentiality policies: what of a header field stands outside of an encryption (RFC 9788 section 3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC
from email.utils import format_datetime
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

from mailsec.message.addresses import Mailbox, parse_addresses
from mailsec.message.dates import parse_date
from mailsec.message.folding import fold, write_addresses
from mailsec.message.header import HeaderField

__all__ = ["POLICIES", "PolicyName", "outside"]

PolicyName: TypeAlias = Literal["baseline", "shy", "none"]

OBSCURED: Final = "[...]"


def _baseline(field: HeaderField) -> bytes | None:
    """Subject is replaced, Comments and Keywords are removed (section 3.2.1)."""
    if field.key == "subject":
        return fold(field.name, [OBSCURED])
    return None if field.key in {"comments", "keywords"} else field.raw


def _shy(field: HeaderField) -> bytes | None:
    """Besides, no display names and no time zone (section 3.2.2)."""
    if field.key in {"from", "to", "cc"}:
        addresses = parse_addresses(field.raw_value)
        found = [one for one in addresses if isinstance(one, Mailbox)]
        if found and len(found) == len(addresses):
            return fold(field.name, write_addresses(replace(one, display_name="") for one in found))
    if field.key == "date" and (at := parse_date(field.raw_value)) is not None:
        return fold(field.name, [format_datetime(at.astimezone(UTC))])
    return _baseline(field)


def _none(field: HeaderField) -> bytes | None:
    return field.raw


POLICIES: Final[Mapping[PolicyName, Callable[[HeaderField], bytes | None]]] = MappingProxyType(
    {"baseline": _baseline, "shy": _shy, "none": _none}
)
"""The registered policies: each gives the field that stands outside, or `None` where none does."""


def outside(field: HeaderField, policy: PolicyName, hidden: frozenset[str]) -> bytes | None:
    """What of a field stands outside of the encryption: the whole field, or `None` where nothing does.

    Args:
        field: the field.
        policy: the policy.
        hidden: names, in lower case, of fields that stay inside besides.
    """
    if field.key in hidden and field.key != "subject":
        return None
    return _baseline(field) if field.key in hidden else POLICIES[policy](field)
