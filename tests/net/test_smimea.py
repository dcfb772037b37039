"""Looking up SMIMEA records: only what DNSSEC secures counts (RFC 8162 section 6)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailsec.errors import DnsTemporaryError, InputError
from mailsec.hooks import DnsAnswer, Dnssec, DnsStatus
from mailsec.net.smimea import find_smimea
from mailsec.testing import FailingResolver, make_resolver

NAME = "c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6._smimecert.example.com"
ZONE = f"""
    {NAME}. SMIMEA 3 0 1 {"ab" * 16} {"cd" * 16}
    {NAME}. SMIMEA 9 0 1 {"ab" * 32}
    {NAME}. TYPE53 \\# 5 03 01 00 beef
"""


class Secured:
    def __init__(self, dnssec: Dnssec, more: int = 0) -> None:
        self._dnssec, self._more = dnssec, more

    async def query(self, name: str, rdtype: str) -> DnsAnswer:
        answer = replace(await make_resolver(ZONE).query(name, rdtype), dnssec=self._dnssec)
        return replace(answer, records=answer.records * (1 + self._more)) if self._more else answer


async def test_records_of_a_secured_answer() -> None:
    found = await find_smimea("hugh@example.com", Secured(Dnssec.SECURE))
    assert {(one.usage, one.selector, one.matching, one.data) for one in found.records} == {
        (3, 0, 1, b"\xab" * 16 + b"\xcd" * 16),
        (3, 1, 0, b"\xbe\xef"),
    }
    assert found.troubles == ("a record cannot be used: its usage 9 is not known",)
    assert found.answer.name == NAME


@pytest.mark.parametrize("dnssec", [Dnssec.INSECURE, Dnssec.UNKNOWN])
async def test_an_answer_that_is_not_secured_counts_for_nothing(dnssec: Dnssec) -> None:
    found = await find_smimea("hugh@example.com", Secured(dnssec))
    assert found.records == ()
    assert "not secured by DNSSEC" in found.troubles[0]


async def test_too_many_records() -> None:
    found = await find_smimea("hugh@example.com", Secured(Dnssec.SECURE, more=9))
    assert len(found.records) + sum("cannot be used" in one for one in found.troubles) == 16
    assert found.troubles[-1] == "only 16 of 30 records were looked at"


async def test_nothing_there() -> None:
    found = await find_smimea("nobody@example.com", Secured(Dnssec.SECURE))
    assert (found.answer.status, found.records, found.troubles) == (DnsStatus.NO_NAME, (), ())
    with pytest.raises(DnsTemporaryError):
        await find_smimea("hugh@example.com", FailingResolver(everything=True))
    with pytest.raises(InputError):
        await find_smimea("hugh", Secured(Dnssec.SECURE))
