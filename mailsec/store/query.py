"""Search words: `from:alice subject:"final version" after:2026-05 -is:read (has:attachment OR verdict:failed)`.

A query becomes a tree, and the tree a condition in SQL with question marks alone: no octet of what the user wrote
stands in the SQL, and the words for full-text search are quoted, so that none of them is an operator.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from mailsec.errors import UsageError
from mailsec.store.amounts import parse_size, parse_span
from mailsec.store.types import Flags, Level

__all__ = ["LEVELS", "MAX_QUERY", "Condition", "Query", "QueryError", "parse_query"]

MAX_QUERY = 2_000
"""Characters that a query may have."""

MAX_TERMS = 100
"""Words that a query may have."""

MAX_NESTING = 20
"""How deep its parentheses may nest."""

LEVELS: tuple[Level, ...] = ("verified", "authenticated", "unauthenticated", "warning", "failed")
"""The levels of a verdict by the numbers that the index keeps for them."""


class QueryError(UsageError):
    """A query cannot be understood; the sentence names the word and says what would do."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on the table `message`, called `m`.

    Attributes:
        sql: it, with question marks.
        parameters: what stands for them.
        words: whether there is a full-text search that every hit must be in, which finds few rows quickly.
        match: the full-text search that it is, where it is nothing else.
    """

    sql: str
    parameters: tuple[object, ...] = ()
    words: bool = False
    match: str | None = None


@dataclass(frozen=True, slots=True)
class _Words:
    """A full-text search: in the syntax of FTS5, all words quoted."""

    match: str

    def condition(self) -> Condition:
        return Condition("m.id IN (SELECT rowid FROM words WHERE words MATCH ?)", (self.match,), True, self.match)


@dataclass(frozen=True, slots=True)
class _Test:
    """A comparison of columns."""

    sql: str
    parameters: tuple[object, ...] = ()

    def condition(self) -> Condition:
        return Condition(self.sql, self.parameters)


@dataclass(frozen=True, slots=True)
class _Not:
    term: _Term

    def condition(self) -> Condition:
        inner = self.term.condition()
        return Condition(f"NOT ({inner.sql})", inner.parameters)


@dataclass(frozen=True, slots=True)
class _All:
    terms: tuple[_Term, ...]

    def condition(self) -> Condition:
        """All words are looked up in one search, which is quicker than one for each."""
        matches = [term.match for term in self.terms if isinstance(term, _Words)]
        parts = [term.condition() for term in self.terms if not isinstance(term, _Words)]
        if matches:
            parts.insert(0, _Words(" AND ".join(f"({match})" for match in matches)).condition())
        return _joined(parts, " AND ", words=any(part.words for part in parts))


@dataclass(frozen=True, slots=True)
class _Any:
    terms: tuple[_Term, ...]

    def condition(self) -> Condition:
        if matches := [term.match for term in self.terms if isinstance(term, _Words)]:
            words = _Words(" OR ".join(f"({match})" for match in matches)).condition()
            others = [term.condition() for term in self.terms if not isinstance(term, _Words)]
            return _joined([words, *others], " OR ", words=not others)
        return _joined([term.condition() for term in self.terms], " OR ", words=False)


_Term = _Words | _Test | _Not | _All | _Any


def _joined(parts: Sequence[Condition], operator: str, *, words: bool) -> Condition:
    if len(parts) == 1:
        return parts[0]
    sql = operator.join(f"({part.sql})" for part in parts)
    return Condition(sql, tuple(parameter for part in parts for parameter in part.parameters), words=words)


@dataclass(frozen=True, slots=True)
class Query:
    """A query that has been understood.

    Attributes:
        text: it, as it was written.
        condition: what it asks of a message.
    """

    text: str
    condition: Condition = field(repr=False, compare=False)


_TOKEN = re.compile(
    r"""\s*(?:
        (?P<open>\() | (?P<close>\)) |
        (?P<minus>(?:-|[Nn][Oo][Tt]:)(?=[^\s)])) |
        (?:(?P<name>[A-Za-z]+):)? (?: "(?P<phrase>[^"]*)"? | (?P<word>[^\s()"]+) )? (?P<end>)
    )""",
    re.VERBOSE,
)
_COLUMNS: Mapping[str, str] = MappingProxyType(
    {"from": "authors", "to": "recipients", "subject": "subject", "body": "body", "attachment": "attachments"}
)
_IS: Mapping[str, _Test] = MappingProxyType(
    {
        "unread": _Test("m.flags & ? = 0", (int(Flags.SEEN),)),
        "read": _Test("m.flags & ? <> 0", (int(Flags.SEEN),)),
        "flagged": _Test("m.flags & ? <> 0", (int(Flags.FLAGGED),)),
        "replied": _Test("m.flags & ? <> 0", (int(Flags.REPLIED),)),
        "draft": _Test("m.flags & ? <> 0", (int(Flags.DRAFT),)),
        "deleted": _Test("m.flags & ? <> 0", (int(Flags.TRASHED),)),
        "new": _Test("m.recent <> 0"),
    }
)


def parse_query(text: str, *, now: datetime | None = None) -> Query:
    """Understands search words.

    Words and `"phrases"` are looked for in subject, names, addresses, attachments' names and text; the last word, if
    nothing follows it, may be the beginning of one, since it is searched while it is typed. All must be found,
    save where `OR` stands between them. `-` or `not:` turns a word around, and parentheses group.

    Args:
        text: the words; none at all finds everything.
        now: the time that `today` and `7d` count from; without a zone for one on the clock of this machine.

    Raises:
        QueryError: a word cannot be understood.
    """
    if len(text) > MAX_QUERY:
        raise QueryError(f"the search has {len(text)} characters; {MAX_QUERY} may be searched for at once")
    text = text.encode("utf-8", "replace").decode()  # a terminal may send octets that are no text
    # Without a zone, since the zone of today is not that of a day in another season.
    parser = _Parser(text, now or datetime.now())  # noqa: DTZ005
    return Query(text, parser.parse().condition())


@dataclass(frozen=True, slots=True)
class _Token:
    kind: Literal["open", "close", "minus", "word"]
    name: str = ""
    value: str = ""
    phrase: bool = False
    last: bool = False


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    stripped = text.rstrip()
    while at < len(stripped):
        match = _TOKEN.match(stripped, at)
        assert match is not None  # every part of the last alternative may be empty
        at = match.end()
        if match["open"]:
            yield _Token("open")
        elif match["close"]:
            yield _Token("close")
        elif match["minus"]:
            yield _Token("minus")
        else:
            phrase = match["phrase"] is not None
            value = match["phrase"] if phrase else match["word"] or ""
            last = at == len(text) and not phrase
            yield _Token("word", (match["name"] or "").lower(), value, phrase, last)


class _Parser:
    """Makes the tree: alternatives of rows of words."""

    def __init__(self, text: str, now: datetime) -> None:
        self._tokens = list(_tokens(text))
        self._at = 0
        self._now = now
        if sum(token.kind == "word" for token in self._tokens) > MAX_TERMS:
            raise QueryError(f"more than {MAX_TERMS} words cannot be searched for at once")

    def parse(self) -> _Term:
        term = self._alternatives(0)
        if self._at < len(self._tokens):
            raise QueryError("there is a ) without a ( before it")
        return term

    def _next(self) -> _Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _alternatives(self, nesting: int) -> _Term:
        if nesting > MAX_NESTING:
            raise QueryError(f"parentheses may nest {MAX_NESTING} deep")
        rows = [self._row(nesting)]
        while (token := self._next()) is not None and _is_or(token):
            self._at += 1
            rows.append(self._row(nesting))
        if len(rows) == 1:
            return rows[0] if rows[0] is not None else _Test("1")
        found = tuple(row for row in rows if row is not None)
        if len(found) < len(rows):
            raise QueryError("OR stands between two words, and one of them is missing")
        return _Any(found)

    def _row(self, nesting: int) -> _Term | None:
        terms: list[_Term] = []
        while (token := self._next()) is not None and token.kind != "close" and not _is_or(token):
            terms.append(self._term(nesting))
        if len(terms) > 1:
            return _All(tuple(terms))
        return terms[0] if terms else None

    def _term(self, nesting: int) -> _Term:
        turned = False
        while (token := self._next()) is not None and token.kind == "minus":
            turned = not turned
            self._at += 1
        if token is None or token.kind == "close" or _is_or(token):
            raise QueryError("after - or not: stands the word that must not be found")
        self._at += 1
        if token.kind == "open":
            term = self._alternatives(nesting + 1)
            following = self._next()
            if following is None:
                raise QueryError("there is a ( without a ) after it")
            self._at += 1
        else:
            term = self._word(token)
        return _Not(term) if turned else term

    def _word(self, token: _Token) -> _Term:
        name, value = token.name, token.value
        if not name:
            return _match(token, "")
        if name in _COLUMNS:
            return _match(token, f"{_COLUMNS[name]} : ")
        try:
            understand = _NAMES[name]
        except KeyError:
            if token.phrase or not value:
                known = ", ".join(f"{known}:" for known in (*_COLUMNS, *_NAMES, "not"))
                raise QueryError(f"{name}: is no search word; there are {known}") from None
            return _match(_Token("word", "", f"{name}:{value}", phrase=True), "")  # such as re:invent
        return understand(value.lower(), self._now)


def _is_or(token: _Token) -> bool:
    return token.kind == "word" and token.value == "OR" and not token.name and not token.phrase


def _match(token: _Token, column: str) -> _Term:
    """A full-text search for a word or phrase; what has no letter or digit cannot be searched for."""
    value = token.value.replace("\0", " ")
    if token.name and not value:
        raise QueryError(f"{token.name}: what should be found stands after the colon, such as {token.name}:alice")
    if not any(character.isalnum() for character in value):
        shown = f"{token.name}:" if token.name else ""
        raise QueryError(f"{shown}{value}: only words with letters or digits can be searched for")
    quoted = value.replace('"', '""')
    return _Words(f'{column}"{quoted}"{" *" if token.last else ""}')


# -- words with a name -------------------------------------------------------------------------------------


def _has(value: str, _now: datetime) -> _Test:
    if value not in ("attachment", "attachments"):
        raise QueryError(f"has:{value}: there is only has:attachment")
    return _Test("m.attachments > 0")


def _is(value: str, _now: datetime) -> _Test:
    try:
        return _IS[value]
    except KeyError:
        raise QueryError(f"is:{value}: what a message may be is {', '.join(_IS)}") from None


def _verdict(value: str, _now: datetime) -> _Test:
    if value == "none":
        return _Test("m.level IS NULL")
    if value not in LEVELS:
        raise QueryError(f"verdict:{value}: there are {', '.join(LEVELS)}, and none where nobody has judged yet")
    return _Test("m.level = ?", (LEVELS.index(value),))


def _before(value: str, now: datetime) -> _Test:
    return _Test("m.date < ?", (_span("before", value, now)[0],))


def _after(value: str, now: datetime) -> _Test:
    return _Test("m.date >= ?", (_span("after", value, now)[0],))


def _on(value: str, now: datetime) -> _Test:
    return _Test("m.date >= ? AND m.date < ?", _span("on", value, now))


def _larger(value: str, _now: datetime) -> _Test:
    return _Test("m.size > ?", (_octets("larger", value),))


def _smaller(value: str, _now: datetime) -> _Test:
    return _Test("m.size < ?", (_octets("smaller", value),))


_NAMES: Mapping[str, Callable[[str, datetime], _Test]] = MappingProxyType(
    {
        "before": _before,
        "after": _after,
        "on": _on,
        "has": _has,
        "is": _is,
        "verdict": _verdict,
        "larger": _larger,
        "smaller": _smaller,
    }
)


def _octets(name: str, value: str) -> int:
    try:
        return parse_size(value)
    except ValueError:
        raise QueryError(
            f"{name}:{value}: a size is a number, with k or M after it if you like, such as {name}:2M"
        ) from None


def _span(name: str, value: str, now: datetime) -> tuple[int, int]:
    try:
        return parse_span(value, now)
    except ValueError:
        raise QueryError(
            f"{name}:{value}: a date is such as 2026, 2026-05, 2026-05-17, today, yesterday, 7d, 2w, 3m or 1y"
        ) from None
