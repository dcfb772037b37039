"""Looks up the certificates that a correspondent's domain publishes (SMIMEA, RFC 8162)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailsec.crypto.smimea import SmimeaRecord, parse_smimea, smimea_name
from mailsec.errors import InputError
from mailsec.hooks.types import DnsAnswer, Dnssec, DnsStatus

if TYPE_CHECKING:
    from mailsec.hooks.types import Resolver

__all__ = ["SmimeaAnswer", "find_smimea"]

_RECORDS: Final = 16
"""Records of one answer that are looked at."""


@dataclass(frozen=True, slots=True)
class SmimeaAnswer:
    """What the DNS says of an address.

    Attributes:
        answer: the DNS answer.
        records: its records that can be read; empty where the answer is not secured by DNSSEC.
        troubles: why others, or all, do not count, each as a sentence.
    """

    answer: DnsAnswer
    records: tuple[SmimeaRecord, ...] = ()
    troubles: tuple[str, ...] = ()


async def find_smimea(address: str, resolver: Resolver) -> SmimeaAnswer:
    """Looks up the records of an address.

    An answer that DNSSEC does not secure could be anybody's: its records do not count (RFC 8162 section 6).

    Args:
        address: an addr-spec.
        resolver: answers the question; whether it validates is its own to say.

    Raises:
        InputError: it is no address.
        DnsTemporaryError: no answer that can be trusted was had.
    """
    answer = await resolver.query(smimea_name(address), "SMIMEA")
    if answer.status is not DnsStatus.FOUND:
        return SmimeaAnswer(answer)
    if answer.dnssec is not Dnssec.SECURE:
        why = "the answer is not secured by DNSSEC, or the name server that gave it is not trusted to say so"
        return SmimeaAnswer(answer, (), (why,))
    records: list[SmimeaRecord] = []
    troubles: list[str] = []
    for record in answer.records[:_RECORDS]:
        try:
            records.append(parse_smimea(record if isinstance(record, str) else ""))
        except InputError as error:
            troubles.append(f"a record cannot be used: {error}")
    if len(answer.records) > _RECORDS:
        troubles.append(f"only {_RECORDS} of {len(answer.records)} records were looked at")
    return SmimeaAnswer(answer, tuple(records), tuple(troubles))
