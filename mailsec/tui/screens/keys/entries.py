"""What the screen of the keys lists: one's own keys, whom one trusts, and correspondents' certificates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from mailsec.crypto import describe_key
from mailsec.hooks.types import Identity, KeptKey, KnownCertificate, TrustDecision
from mailsec.message import safe_text
from mailsec.store.keys.deciding import AS_AUTHORITY, digits
from mailsec.store.keys.words import called, can_do, issuer_of, origin, short, spaced, subject_of, validity
from mailsec.tui.marks import MARKS
from mailsec.tui.reading.outline import Item

if TYPE_CHECKING:
    from mailsec.crypto import Certificate, PublicKey
    from mailsec.store.keys import FileKeyStore

__all__ = ["HEADINGS", "Anchor", "Entry", "Kept", "Section", "entries_of", "fits", "groups", "outline", "read_kept"]

Section: TypeAlias = Literal["own", "elsewhere", "trusted", "known"]

HEADINGS: dict[Section, tuple[str, str]] = {
    "own": ("your keys", "none yet: m makes one, i imports one from a file"),
    "elsewhere": ("your keys in files and on tokens", ""),
    "trusted": ("whom you trust", "nobody yet: t trusts a correspondent below, i a certificate from a file"),
    "known": ("correspondents", "none yet: who signs mail to you appears here, i imports certificates"),
}
"""What stands above each section, and what to do where it is empty; one without such a word is then left out."""

_FINGERPRINT = 16  # digits in a line


@dataclass(frozen=True, slots=True)
class Anchor:
    """An authority that the configuration trusts.

    Attributes:
        certificate: its certificate.
        file: where it stands.
    """

    certificate: Certificate
    file: Path


@dataclass(frozen=True, slots=True)
class Kept:
    """What the key store holds, as it is read at once.

    Attributes:
        keys: the private keys, without the keys.
        decisions: whom the user trusts.
        known: correspondents' certificates.
    """

    keys: Sequence[KeptKey] = ()
    decisions: Sequence[TrustDecision] = ()
    known: Sequence[KnownCertificate] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the list.

    Attributes:
        section: where it stands.
        who: whose it is, or for whom it may vouch; safe to show.
        key: the public key.
        certificates: its certificate, then those of its issuers as far as known; empty where there is none yet.
        origin: where it comes from; safe to show.
        trusted: whether the user trusts its certificate, in whatever way.
        thing: what it is about.
    """

    section: Section
    who: str
    key: PublicKey | None
    certificates: tuple[Certificate, ...]
    origin: str
    trusted: bool
    thing: KeptKey | Identity | TrustDecision | KnownCertificate | Anchor

    @property
    def certificate(self) -> Certificate | None:
        """The certificate; `None` where there is none yet."""
        return self.certificates[0] if self.certificates else None

    def is_valid(self, now: datetime) -> bool:
        """Whether there is a certificate and this is its time."""
        own = self.certificate
        return own is not None and own.not_before <= now <= own.not_after

    def level(self, now: datetime) -> str:
        """The level whose mark stands before it: trusted or one's own, merely known, or not to be used now."""
        if not self.is_valid(now):
            return "warning"
        return "unauthenticated" if self.section == "known" and not self.trusted else "verified"

    def kind(self) -> str:
        """The kind of its key."""
        return "" if self.key is None else describe_key(self.key)

    def period(self, now: datetime) -> str:
        """When it is valid."""
        return "no certificate yet" if self.certificate is None else validity(self.certificate, now)


def read_kept(store: FileKeyStore) -> Kept:
    """Reads all of the key store.

    Raises:
        StoreError: it cannot be read.
    """
    return Kept(store.own_keys(), store.decisions(), store.known())


def entries_of(kept: Kept, elsewhere: Iterable[Identity], anchors: Iterable[Anchor]) -> list[Entry]:
    """All entries, section by section.

    Args:
        kept: what the key store holds.
        elsewhere: identities of all key rings; those that are kept are passed over.
        anchors: the authorities that the configuration trusts.
    """
    anchors = tuple(anchors)
    decided = {one.certificate for one in kept.decisions} | {one.certificate for one in anchors}
    found: list[Entry] = []
    for key in kept.keys:
        trusted = key.certificates[:1] != () and key.certificates[0] in decided
        found.append(Entry("own", _list(key.addresses), key.public_key, key.certificates, "", trusted, key))
    own = {key.handle for key in kept.keys}
    for identity in elsewhere:
        if identity.handle not in own:
            public = identity.certificates[0].public_key if identity.certificates else None
            where = "in a file or on a token"
            found.append(Entry("elsewhere", short(identity.name), public, identity.certificates, where, True, identity))
    for anchor in anchors:
        one = anchor.certificate
        where = f"in the configuration: {safe_text(anchor.file.name)}"
        found.append(Entry("trusted", _authority(one), one.public_key, (one,), where, True, anchor))
    sources = {(one.address, one.certificate): origin(one.source, one.detail) for one in kept.known}
    for decision in kept.decisions:
        one, address = decision.certificate, decision.address
        who = _authority(one) if address == AS_AUTHORITY else short(address)
        where = "as an authority" if address == AS_AUTHORITY else "for this address alone"
        found.append(Entry("trusted", who, one.public_key, (one,), where, True, decision))
    for known in kept.known:
        one = known.certificate
        where = sources[known.address, one]
        found.append(Entry("known", short(known.address), one.public_key, (one,), where, one in decided, known))
    return found


def _authority(certificate: Certificate) -> str:
    return f"{called(certificate)} (authority)"


def fits(entry: Entry, words: Sequence[str], now: datetime) -> bool:
    """Whether an entry has all words in it, or a fingerprint that begins with them.

    Args:
        entry: the entry.
        words: in lower case.
        now: the time.
    """
    prints = [one.fingerprint for one in entry.certificates]
    beginning = digits(" ".join(words))
    if len(beginning) >= 4 and any(one.startswith(beginning) for one in prints):
        return True
    names = [text for one in entry.certificates for text in (one.subject, one.issuer, *one.emails)]
    trust = "trusted" if entry.trusted else "known"
    text = "\n".join((entry.who, entry.kind(), entry.period(now), entry.origin, trust, *names)).casefold()
    return all(word in text for word in words)


def groups(fingerprint: str, per_line: int = _FINGERPRINT) -> list[str]:
    """A fingerprint in groups of four digits, to be read aloud line by line.

    Args:
        fingerprint: the digits.
        per_line: digits in a line.
    """
    return [spaced(fingerprint[at : at + per_line]) for at in range(0, len(fingerprint), per_line)]


# -- the details ---------------------------------------------------------------------------------------------


def outline(entry: Entry, now: datetime, *, glyphs: bool = True) -> tuple[Item, ...]:
    """An entry as an outline.

    Args:
        entry: the entry.
        now: the time.
        glyphs: whether signs beyond ASCII may be used.
    """
    return tuple(_items(entry, now, glyphs=glyphs))


def _items(entry: Entry, now: datetime, *, glyphs: bool) -> Iterator[Item]:
    level, own = entry.level(now), entry.certificate
    mark = MARKS[level]
    name = {"verified": "outline--pass", "warning": "outline--warning"}.get(level, "outline--none")
    yield Item(entry.who, mark.glyph if glyphs else mark.letter, name)
    if entry.key is not None and own is None:
        yield Item(f"{describe_key(entry.key)}, {can_do(entry.key, None)}")
    elif entry.key is not None and own is not None:
        what = "an authority, for whatever it certifies" if own.is_ca else can_do(entry.key, own)
        yield Item(f"{entry.kind()}, {what}")
    yield Item(entry.period(now))
    yield from (Item(sentence) for sentence in _standing(entry))
    if isinstance(entry.thing, KeptKey) and own is None:
        yield Item(f"key {entry.thing.handle[:16]}")
    if own is not None:
        prints = tuple(Item(line) for line in groups(own.fingerprint))
        yield Item("SHA-256 fingerprint", children=prints)
        yield _certificate(own, "certificate", closed=False)
    for issuer in entry.certificates[1:]:
        yield _certificate(issuer, f"issued by {called(issuer)}", closed=True, prints=True)


def _standing(entry: Entry) -> Iterator[str]:
    """Where it comes from, and what it is trusted for."""
    thing = entry.thing
    if isinstance(thing, KeptKey):
        yield f"kept since {thing.added:%Y-%m-%d}, encrypted by your password"
    elif isinstance(thing, TrustDecision):
        since = f"since {thing.added:%Y-%m-%d}"
        if thing.address == AS_AUTHORITY:
            yield f"trusted as an authority, for whatever addresses it certifies, {since}"
        else:
            yield f"trusted for {short(thing.address)} alone, and for nothing that it signs, {since}"
    elif isinstance(thing, KnownCertificate):
        yield f"{entry.origin}, seen {thing.seen:%Y-%m-%d}"
        yield "trusted: see above" if entry.trusted else "known, and not trusted for that"
    elif isinstance(thing, Anchor):
        yield f"trusted as an authority by the configuration, in {safe_text(str(thing.file))}"
    else:
        yield entry.origin


def _certificate(one: Certificate, title: str, *, closed: bool, prints: bool = False) -> Item:
    lines = [
        f"for {_list(one.emails) or 'no e-mail address'}",
        f"subject {subject_of(one)}",
        f"issued by {issuer_of(one)}",
        f"from {one.not_before:%Y-%m-%d %H:%M} to {one.not_after:%Y-%m-%d %H:%M} UTC",
        f"serial number {one.serial:x}",
    ]
    if one.signature_scheme is not None:
        lines.append(f"signed by {one.signature_scheme}")
    if one.key_usage:
        lines.append(f"key usage {', '.join(sorted(one.key_usage))}")
    if prints:
        lines.append(f"SHA-256 {spaced(one.fingerprint)}")
    return Item(title, children=tuple(Item(line) for line in lines), closed=closed)


def _list(addresses: Sequence[str]) -> str:
    return ", ".join(map(short, addresses[:5])) + (f" and {len(addresses) - 5} more" if len(addresses) > 5 else "")
