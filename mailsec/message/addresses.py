"""Addresses of header fields (RFC 5322 sections 3.4 and 4.4, RFC 6532), read so that nobody can hide in them.

Encoded words are decoded in display names only, after the field has been taken apart, so that what they hold
never becomes an address. Whatever is left over beside an address becomes a mailbox of its own: a field that
other programs may read as naming somebody else never looks as if it named one author.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from mailsec.message.charsets import decode_unknown
from mailsec.message.comments import Comments
from mailsec.message.limits import LIMITS, Limits
from mailsec.message.words import decode_words, unfold

__all__ = ["Group", "Mailbox", "mailboxes", "parse_addresses"]

_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |(?P<quoted>"(?P<content>[^"\\]*+(?>(?:\\.[^"\\]*+)*))"?)
    |(?P<literal>\[[^\[\]\\]*+(?>(?:\\.[^\[\]\\]*+)*)\])
    |(?P<special>[<>@,;:])
    |(?P<comment>\()
    |(?P<atom>[^\s()<>\[\]:;@\\,"]+|.)""",
    re.VERBOSE | re.DOTALL,
)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
# The atext of RFC 5322 section 3.2.3 with all that is not ASCII (RFC 6532), and dots anywhere: some providers gave
# out such addresses. Written by what is excluded, which compiles faster.
_LOCAL = re.compile(r'[^\x00-\x20"(),:;<>@\[\\\]\x7f]+\Z')
_LABEL = r"[^\x00-,./:-@\[-^`{-\x7f]+"  # letters, digits, hyphen, underscore, all that is not ASCII
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}\.?\Z|\[[!-Z^-~]+\]\Z")
# One mailbox of the plainest form, which needs no parser.
_ADDRESS = r"([A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]++)@((?>(?:[A-Za-z0-9-]++\.)*)[A-Za-z0-9-]++)"
_PLAIN = re.compile(
    rf"""(?:([A-Za-z0-9!#$%&'*+/^_`{{|}}~.-]++(?>(?:[ ][A-Za-z0-9!#$%&'*+/^_`{{|}}~.-]++)*))[ ]?)?<{_ADDRESS}>\Z
    |{_ADDRESS}\Z""".replace("\n    ", "")
)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One mailbox (RFC 5322 section 3.4).

    Attributes:
        display_name: the display name decoded, or the comment that stands in its place; foreign text.
        address: the address as received, without white space, comments and route; where it has no `@`, the
            text that stands in its place.
        local_part: what stands before the last `@`, without quoting.
        domain: what stands after it; empty where there is no `@`.
        valid: whether it is an address that RFC 5322 or RFC 6532 allow.
    """

    display_name: str
    address: str
    local_part: str
    domain: str
    valid: bool = True

    def __str__(self) -> str:
        return f"{self.display_name} <{self.address}>" if self.display_name else self.address


@dataclass(frozen=True, slots=True)
class Group:
    """A named group of mailboxes (RFC 5322 section 3.4).

    Attributes:
        name: the display name of the group, decoded; foreign text.
        mailboxes: its members; there may be none.
    """

    name: str
    mailboxes: tuple[Mailbox, ...]


class _Token(NamedTuple):
    kind: str  # "atom", "quoted", "literal", or the special character itself
    text: str
    spaced: bool  # whether white space or a comment stands before it


def mailboxes(addresses: Iterable[Mailbox | Group]) -> tuple[Mailbox, ...]:
    """All mailboxes, those in groups too.

    Args:
        addresses: what `parse_addresses` gives.
    """
    return tuple(
        mailbox
        for address in addresses
        for mailbox in (address.mailboxes if isinstance(address, Group) else (address,))
    )


def parse_addresses(value: str | bytes, limits: Limits = LIMITS) -> tuple[Mailbox | Group, ...]:
    """Parses the body of an address field.

    Args:
        value: the field body as received, or its text (before encoded words are decoded).
        limits: how many addresses are read.
    """
    if isinstance(value, bytes):
        octets = unfold(value)
        text = octets.decode("ascii") if octets.isascii() else decode_unknown(octets)
    else:
        text = value.replace("\r\n", "").replace("\n", "")
    if limits.addresses and (plain := _PLAIN.match(text)):
        name, local, domain, bare_local, bare_domain = plain.groups()
        local, domain = local or bare_local, domain or bare_domain
        return (Mailbox(name or "", f"{local}@{domain}", local, domain),)
    return _Parser(limits).parse(text)


class _Parser:
    """Takes one field apart: tokens in, mailboxes and groups out, no recursion."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._found: list[Mailbox | Group] = []
        self._count = 0
        self._group: str | None = None
        self._members: list[Mailbox] = []
        self._words: list[_Token] = []  # since the last separator
        self._angle: list[_Token] | None = None  # between angle brackets
        self._comment = ""
        self._complete = False  # whether an angle-addr has been seen since the last separator

    def parse(self, text: str) -> tuple[Mailbox | Group, ...]:
        comments = Comments(text, self._limits.comment_depth)
        at, spaced = 0, False
        tokens = self._limits.address_tokens
        while at < len(text) and tokens and self._count < self._limits.addresses:
            match = _TOKEN.match(text, at)
            assert match is not None  # the last alternative takes any character
            kind, content, at = match.lastgroup, match[0], match.end()
            if kind == "space":
                spaced = True
                continue
            tokens -= 1
            if kind == "comment":
                end = comments.end(match.start())
                if end >= 0:
                    self._comment = self._comment or text[match.start() + 1 : end - 1]
                    at, spaced = end, True
                    continue
                kind = "atom"  # a parenthesis that is never closed is a character like others
            if kind == "quoted" or match["quoted"] is not None:
                kind, content = "quoted", _QUOTED_PAIR.sub(r"\1", match["content"])
            self._take(_Token(content if kind == "special" else str(kind), content, spaced))
            spaced = False
        self._end_element()
        self._end_group()
        if not tokens and (rest := text[at:].strip()):  # it may name another author
            self._add(Mailbox("", rest, rest, "", valid=False))
        return tuple(self._found)

    def _take(self, token: _Token) -> None:
        kind = token.kind
        if self._angle is not None:
            route = bool(self._angle) and self._angle[0].kind == "@"
            if kind == ">" or (kind in ",;" and not (route and kind == ",")):
                self._end_angle()
                if kind in ",;":
                    self._take(token)
            elif kind == ":" and route:
                self._angle = []  # an obsolete route says nothing about the author (RFC 5322 section 4.4)
            else:
                self._angle.append(token)
        elif kind == "<":
            self._angle = []
        elif kind == ",":
            self._end_element()
        elif kind == ";":
            self._end_element()
            self._end_group()
        elif kind == ":" and self._group is None and not any(word.kind == "@" for word in self._words):
            self._group = _phrase(self._words)
            self._words, self._comment = [], ""
        else:
            self._words.append(token)

    def _add(self, mailbox: Mailbox) -> None:
        self._count += 1
        (self._found if self._group is None else self._members).append(mailbox)

    def _end_angle(self) -> None:
        assert self._angle is not None
        self._add(_mailbox(self._angle, _phrase(self._words), strict=True))
        self._words, self._angle, self._complete = [], None, True

    def _end_element(self) -> None:
        if self._angle is not None:
            self._end_angle()
        if self._words:
            self._add(_mailbox(self._words, decode_words(self._comment) if not self._complete else ""))
        self._words, self._comment, self._complete = [], "", False

    def _end_group(self) -> None:
        if self._group is not None:
            self._found.append(Group(self._group, tuple(self._members)))
            self._group, self._members = None, []


def _join(tokens: Sequence[_Token]) -> str:
    return "".join(f" {token.text}" if token.spaced else token.text for token in tokens).strip()


def _phrase(words: Sequence[_Token]) -> str:
    return decode_words(_join(words))


def _mailbox(tokens: Sequence[_Token], display_name: str, *, strict: bool = False) -> Mailbox:
    """Makes a mailbox of the tokens of an addr-spec; of text without `@` one that is not valid."""
    signs = [index for index, token in enumerate(tokens) if token.kind == "@"]
    if not signs:
        text = _join(tokens)
        if not strict and not display_name:
            display_name = decode_words(text)
        return Mailbox(display_name, text, text, "", valid=False)
    local, domain = tokens[: signs[-1]], tokens[signs[-1] + 1 :]
    glued = _glued(local) and _glued(domain)
    local_text, domain_text = _text(local, glued=glued), _text(domain, glued=glued)
    quoted = any(token.kind == "quoted" for token in local)
    plain = _LOCAL.match(local_text) is not None and local_text.isprintable()
    valid = (
        len(signs) == 1
        and glued
        and bool(local)
        and (plain or (quoted and local_text.isprintable()))
        and all(token.kind in ("atom", "quoted") for token in local)
        and all(token.kind in ("atom", "literal") for token in domain)
        and _DOMAIN.match(domain_text) is not None
        and domain_text.isprintable()
    )
    shown = local_text
    if quoted and not plain:
        escaped = local_text.replace("\\", "\\\\").replace('"', '\\"')
        shown = f'"{escaped}"'
    return Mailbox(display_name, f"{shown}@{domain_text}", local_text, domain_text, valid)


def _glued(tokens: Sequence[_Token]) -> bool:
    """Whether words stand with a dot between them, as the obsolete syntax allows with white space around it."""
    return all(
        right.text.startswith(".") or left.text.endswith(".")
        for left, right in pairwise(tokens)
        if right.spaced or "quoted" in (left.kind, right.kind)
    )


def _text(tokens: Sequence[_Token], *, glued: bool) -> str:
    return "".join(token.text for token in tokens) if glued else _join(tokens)
