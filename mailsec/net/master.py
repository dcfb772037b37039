"""Reads DNS master files (RFC 1035 section 5) leniently about class and TTL and strictly about all else.

`dns.zonefile` reads zones: one origin, each name under it. A file for `--dns` holds names of many domains, so the
lines are read here, and dnspython reads tokens and the data of each record.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tokenizer
import dns.ttl

from mailsec.errors import InputError
from mailsec.net.names import LABELS

__all__ = ["DEFAULT_TTL", "Entry", "read_master"]

DEFAULT_TTL = 300
"""Seconds that a record is worth where neither it nor `$TTL` says so."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A record as a master file has it.

    Attributes:
        line: the number of the line on which it starts.
        owner: the owner name, absolute.
        ttl: the TTL in seconds.
        rdata: the record's data.
    """

    line: int
    owner: dns.name.Name
    ttl: int
    rdata: dns.rdata.Rdata


def read_master(text: str, source: str) -> Iterator[Entry]:
    """Yields the records one by one.

    Names are absolute or under `$ORIGIN`; before the first `$ORIGIN` they are under the root. A record without a
    TTL has that of `$TTL` (RFC 2308 section 4), else `DEFAULT_TTL`. `$INCLUDE` and `$GENERATE` are refused.

    Args:
        text: the content of the file.
        source: how errors call the file.

    Raises:
        InputError: the text is no master file; the sentence names file and line.
    """
    tokens = dns.tokenizer.Tokenizer(text, source, LABELS)
    reader = _Reader(tokens)
    while True:
        line = tokens.where()[1]
        try:
            entry = reader.entry(line)
        except (dns.exception.DNSException, _FaultError, ValueError) as error:
            raise InputError(f"{source}, line {line}: {_plain(error)}") from None
        if entry is None:
            return
        if isinstance(entry, Entry):
            yield entry


class _FaultError(Exception):
    """A fault that is found here and not by dnspython."""


class _Reader:
    """The state that one entry of a master file leaves to the next."""

    def __init__(self, tokens: dns.tokenizer.Tokenizer) -> None:
        self.tokens = tokens
        self.origin = dns.name.root
        self.ttl = DEFAULT_TTL
        self.owner: dns.name.Name | None = None

    def entry(self, line: int) -> Entry | bool | None:
        """Reads one entry: a record, `True` for a blank line or a directive, `None` at the end."""
        token = self.tokens.get(want_leading=True, want_comment=False)
        if token.is_eof():
            return None
        if token.is_eol():
            return True
        if token.is_whitespace():
            token = self.tokens.get()
            if token.is_eol_or_eof():
                return None if token.is_eof() else True
            self.tokens.unget(token)
            if self.owner is None:
                raise _FaultError("a line that starts with a blank goes on with the name before, and there is none")
        elif token.value.startswith("$") and token.is_identifier():
            self._directive(token.value.upper())
            return True
        else:
            self.owner = self.tokens.as_name(token, self.origin)
        return self._record(line, self.owner)

    def _directive(self, name: str) -> None:
        if name == "$ORIGIN":
            self.origin = self.tokens.get_name(self.origin)
        elif name == "$TTL":
            self.ttl = dns.ttl.from_text(self._word("a TTL"))
        else:
            raise _FaultError(f"the directive {name} is not taken here")
        self.tokens.get_eol()

    def _record(self, line: int, owner: dns.name.Name) -> Entry:
        """Reads `[TTL] [class] type data`, TTL and class in either order (RFC 1035 section 5.1)."""
        ttl: int | None = None
        classed = False
        word = self._word("a record type")
        while True:
            if ttl is None and word[:1].isdigit():
                ttl = dns.ttl.from_text(word)
            elif not classed and word.upper() in ("IN", "CH", "HS", "CS"):
                if word.upper() != "IN":
                    raise _FaultError(f"the class {word.upper()} is not IN")
                classed = True
            else:
                break
            word = self._word("a record type")
        try:
            rdtype = dns.rdatatype.from_text(word)
        except (dns.exception.DNSException, ValueError):
            raise _FaultError(f"{word!r} is no record type") from None
        if dns.rdatatype.is_metatype(rdtype):
            raise _FaultError(f"{word!r} is no type that a record has")
        try:
            rdata = dns.rdata.from_text(dns.rdataclass.IN, rdtype, self.tokens, self.origin, relativize=False)
        except (dns.exception.DNSException, ValueError) as error:
            raise _FaultError(f"the data of the {word.upper()} record cannot be read: {_plain(error)}") from None
        return Entry(line, owner, self.ttl if ttl is None else ttl, rdata)

    def _word(self, wanted: str) -> str:
        token = self.tokens.get()
        if not token.is_identifier():
            raise _FaultError(f"{wanted} is missing")
        word: str = token.value
        return word


def _plain(error: Exception) -> str:
    """The fault in words; some of dnspython's exceptions have none but their class's."""
    return str(error).rstrip(".") or "the entry cannot be read"
