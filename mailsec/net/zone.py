"""The resolver behind `--dns FILE`: every DNS question is answered from a master file (RFC 1035 section 5).

Names that are not in the file do not exist. There is no delegation and no forwarding, so one file may hold the
names of as many domains as wanted.
"""

from __future__ import annotations

from pathlib import Path

import dns.name
import dns.rdata
import dns.rdatatype

from mailsec.errors import DnsTemporaryError, InputError, LimitError
from mailsec.hooks.types import DnsAnswer, DnsStatus
from mailsec.net.master import DEFAULT_TTL, Entry, read_master
from mailsec.net.names import absolute_name, plain_name, record_of, record_type

__all__ = ["MAX_OCTETS", "ZoneResolver"]

MAX_OCTETS = 64 << 20
"""Octets that a master file may have."""

MAX_ALIASES = 16
"""CNAME records that are followed in one answer."""

_Records = dict[dns.rdatatype.RdataType, tuple[int, list[dns.rdata.Rdata]]]
_WILD = dns.name.Name([b"*"])


class ZoneResolver:
    r"""Answers from a master file; implements `mailsec.hooks.Resolver`.

    Class and TTL are optional. Names are absolute or under `$ORIGIN`; before the first `$ORIGIN` they are
    absolute with or without their last dot. `$ORIGIN` and `$TTL` may stand as often as wanted; `$INCLUDE` and
    `$GENERATE` are refused. Wildcards work as in RFC 4592, CNAME records are followed, and a name that only
    has names below it exists without data (RFC 8020).

    Args:
        text: the content of the master file.
        source: how errors call it, usually the file's name.

    Raises:
        InputError: the file cannot be read as a master file; the sentence names file and line.

    Example:
        >>> zone = ZoneResolver('s1._domainkey.example.org. TXT "v=DKIM1; " "p="')
        >>> import asyncio
        >>> asyncio.run(zone.query("s1._domainkey.example.org", "TXT")).texts
        (b'v=DKIM1; p=',)
    """

    def __init__(self, text: str, source: str = "zone") -> None:
        self._records: dict[dns.name.Name, _Records] = {}
        # Every owner name and all names above them (empty non-terminals).
        self._names: set[dns.name.Name] = set()
        for entry in read_master(text, source):
            self._add(source, entry)

    @classmethod
    def from_file(cls, path: str | Path) -> ZoneResolver:
        """Reads a master file.

        Args:
            path: the file; its text is UTF-8.

        Raises:
            InputError: it cannot be read, or not as a master file.
        """
        try:
            with Path(path).open("rb") as file:
                octets = file.read(MAX_OCTETS + 1)
        except OSError as error:
            raise InputError(f"the DNS file {path} cannot be read: {error.strerror or error}") from None
        if len(octets) > MAX_OCTETS:
            raise LimitError(f"the DNS file {path} has more than {MAX_OCTETS} octets")
        try:
            text = octets.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = octets.count(b"\n", 0, error.start) + 1
            raise InputError(f"{path}, line {line}: not a DNS master file: it is not UTF-8 text") from None
        return cls(text, str(path))

    async def query(self, name: str, rdtype: str) -> DnsAnswer:
        """Answers one question from the file (see `mailsec.hooks.Resolver.query`).

        Raises:
            DnsTemporaryError: CNAME records lead in a circle or on and on.
            UsageError: there is no such record type.
        """
        asked = plain_name(name)
        kind = record_type(rdtype)
        target = absolute_name(name)
        ttl: int | None = None
        for _ in range(MAX_ALIASES):
            found = None if target is None else self._find(target)
            if found is None:
                return DnsAnswer(asked, rdtype.upper(), DnsStatus.NO_NAME, ttl=DEFAULT_TTL if ttl is None else ttl)
            if kind in found:
                own_ttl, rdatas = found[kind]
                least = own_ttl if ttl is None else min(ttl, own_ttl)
                records = tuple(record_of(rdata) for rdata in rdatas)
                return DnsAnswer(asked, rdtype.upper(), DnsStatus.FOUND, records, least)
            if dns.rdatatype.CNAME not in found:
                return DnsAnswer(asked, rdtype.upper(), DnsStatus.NO_DATA, ttl=DEFAULT_TTL if ttl is None else ttl)
            alias_ttl, (alias, *_) = found[dns.rdatatype.CNAME]
            ttl = alias_ttl if ttl is None else min(ttl, alias_ttl)
            target = alias.target  # type: ignore[attr-defined]
        raise DnsTemporaryError(asked, rdtype.upper(), f"more than {MAX_ALIASES} CNAME records follow each other")

    def _find(self, name: dns.name.Name) -> _Records | None:
        """The records at a name, through a wildcard if need be; `None` where the name does not exist."""
        if name in self._names:
            return self._records.get(name, {})
        encloser = name
        while encloser != dns.name.root:
            encloser = encloser.parent()
            if encloser in self._names:  # the closest encloser (RFC 4592 section 3.3.1)
                try:
                    return self._records.get(_WILD.concatenate(encloser))
                except dns.name.NameTooLong:
                    return None
        return None

    def _add(self, source: str, entry: Entry) -> None:
        name, rdata = entry.owner, entry.rdata
        here = self._records.setdefault(name, {})
        # Nothing may stand beside a CNAME record (RFC 1034 section 3.6.2).
        if here and (dns.rdatatype.CNAME in here or rdata.rdtype == dns.rdatatype.CNAME):
            owner = name.to_text(omit_final_dot=True)
            raise InputError(f"{source}, line {entry.line}: {owner} has a CNAME record and others beside it")
        ttl, rdatas = here.get(rdata.rdtype, (entry.ttl, []))
        if rdata not in rdatas:
            rdatas.append(rdata)
        here[rdata.rdtype] = (min(ttl, entry.ttl), rdatas)  # an RRset has one TTL (RFC 2181 section 5.2)
        while name not in self._names:
            self._names.add(name)
            if name == dns.name.root:
                break
            name = name.parent()
