"""The verdict: what the results of all plugins together say about a message, in one level and one sentence.

Facts and policy are kept apart. The facts are the results; which plugin gave one does not matter. The policy is
`RULES`: the rows of the table in `docs/verdicts.md` in order, each with its level and a function that says
whether the row matches. The first that matches decides.

Besides what the methods' own documents define, the rules read these properties:

- smime: `body.smime-identifier` (RFC 7281), the address that the signer's certificate is for, and
  `body.smime-part`, which groups the signers of one SignedData; on the result of an encrypted part
  `policy.encryption`, `authenticated` where the content-encryption algorithm is an authenticated mode;
- dkim: `header.d`;
- dmarc: `policy.dmarc`, the policy that the author's domain asks for (`none`, `quarantine`, `reject`), and on a
  pass `policy.aligned-dkim`, the SDIDs in alignment, separated by commas;
- arc: `header.d`, the domain of the newest seal.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from mailsec.hooks.types import AuthResult, Cause, Result
from mailsec.message.addresses import Group, Mailbox, mailboxes
from mailsec.message.domains import plain_domain, same_address, same_domain
from mailsec.message.safe import safe_text
from mailsec.pipeline.clarity import BESIDE, READING, author_doubt

if TYPE_CHECKING:
    from mailsec.pipeline.report import Layer, Report

__all__ = ["RULES", "Level", "Policy", "Verdict", "judge"]


class Level(StrEnum):
    """How far the author of a message is vouched for."""

    VERIFIED = "verified"  # the author signed the whole body
    AUTHENTICATED = "authenticated"  # the author's domain vouches for the message
    UNAUTHENTICATED = "unauthenticated"  # nobody vouches for the author
    WARNING = "warning"  # something about it misleads
    FAILED = "failed"  # it is not what it claims to be


@dataclass(frozen=True, slots=True)
class Policy:
    """What the user or the administrator decides about verdicts.

    Attributes:
        filter: whether the message is judged in transit, where the SMTP transaction is known.
        trusted_sealers: domains whose ARC seals may override a DMARC failure.
    """

    filter: bool = False
    trusted_sealers: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a message is worth.

    Attributes:
        level: the level.
        identity: who vouches for it, an address or a domain, safe to show; empty where nobody does.
        sentence: why, in plain words, safe to show.
        row: the row of the table that decided.
        temporary: whether trouble that may pass has left the level open.
    """

    level: Level
    identity: str
    sentence: str
    row: int
    temporary: bool = False


Said: TypeAlias = tuple[str, str]
"""An identity and a sentence without its full stop."""

_TEXT = 200
_SHOWN = ("Subject", "Date", "To", "Cc")
_WRITTEN = {"mime-version": "MIME-Version"}


class _Facts:
    """The results of a report, sorted for the rules."""

    def __init__(self, report: Report, policy: Policy) -> None:
        self.report = report
        self.policy = policy
        self.header = report.layers[0].header
        addresses = self.header.addresses("from")
        self.from_fields = len(self.header.all("from"))
        self.from_group = any(isinstance(one, Group) for one in addresses)
        found = mailboxes(addresses)
        self.authors = tuple(one.address for one in found)
        self.malformed = next((one.address for one in found if not _is_clear(one)), "")
        self.domains = {_domain_of(address) for address in self.authors}
        self.smime = [one for one in report.results if one.method == "smime"]
        transport = [one for one in report.results if one.layer == 0]
        self.dkim = [one for one in transport if one.method == "dkim" and one.result is not Result.NONE]
        self.spf = [one for one in transport if one.method == "spf"]
        self.dmarc = [one for one in transport if one.method == "dmarc"]
        self.arc = [one for one in transport if one.method == "arc"]

    # -- S/MIME

    def signers(self) -> list[list[AuthResult]]:
        """The results by SignedData, each list the signers of one."""
        groups: dict[tuple[int, str], list[AuthResult]] = {}
        for one in self.smime:
            groups.setdefault((one.layer, one.properties.get("body.smime-part", "")), []).append(one)
        return list(groups.values())

    def good(self) -> list[AuthResult]:
        """The signatures that hold, whosesoever."""
        return [one for one in self.smime if one.result is Result.PASS]

    def is_author(self, one: AuthResult) -> bool:
        """Whether a certificate's address is the only one in From; local parts are compared exactly (RFC 5321)."""
        address = one.properties.get("body.smime-identifier", "")
        return bool(address) and all(same_address(address, author) for author in self.authors)

    def protected_authors(self, one: AuthResult) -> tuple[str, ...]:
        """The authors that signed content names, where they are not those of the message (RFC 9788 section 4.4)."""
        if one.result is not Result.PASS or one.coverage is None or one.coverage.layer == 0:
            return ()
        inner = mailboxes(self.report.layers[one.coverage.layer].header.addresses("from"))
        theirs = tuple(mailbox.address for mailbox in inner)
        others = any(not any(same_address(address, author) for author in self.authors) for address in theirs)
        return theirs if others else ()

    # -- DKIM

    def is_aligned(self, one: AuthResult) -> bool:
        """Whether a DKIM signature is the author's domain's: equal, or in alignment as a dmarc result says."""
        sdid = one.properties.get("header.d", "")
        if not sdid:
            return False
        if self.domains == {plain_domain(sdid)}:
            return True
        listed = (
            name
            for dmarc in self.dmarc
            if dmarc.result is Result.PASS
            for name in dmarc.properties.get("policy.aligned-dkim", "").split(",")
        )
        return any(name.strip() and same_domain(sdid, name.strip()) for name in listed)

    def vouches(self, one: AuthResult) -> bool:
        """Whether a DKIM signature holds over the whole body and From."""
        return one.result is Result.PASS and self.report.is_whole(one) and self.covers_from(one)

    def covers_from(self, one: AuthResult) -> bool:
        """Whether From is among the signed header fields (RFC 6376 section 5.4 wants it)."""
        field = self.header.first("from")
        return one.coverage is not None and field is not None and field.index in one.coverage.fields

    def aligned(self) -> list[AuthResult]:
        """The signatures of the author's domain that vouch for the message."""
        return [one for one in self.dkim if self.is_aligned(one) and self.vouches(one)]

    # -- DMARC

    def refused(self) -> AuthResult | None:
        """A DMARC failure where the author's domain wants such mail kept back."""
        return next(
            (
                one
                for one in self.dmarc
                if one.result is Result.FAIL and one.properties.get("policy.dmarc", "") in {"quarantine", "reject"}
            ),
            None,
        )

    def trusted_seal(self) -> AuthResult | None:
        """An ARC chain that holds, its newest seal by a domain that the user trusts."""
        trusted = self.policy.trusted_sealers
        return next(
            (
                one
                for one in self.arc
                if one.result is Result.PASS
                and any(same_domain(one.properties.get("header.d", ""), name) for name in trusted)
            ),
            None,
        )

    def could_judge_all(self) -> bool:
        """Whether SPF and every DKIM signature could be judged, which takes the SMTP transaction and every key."""
        spf = any(
            one.result is not Result.TEMPERROR and (one.result is not Result.NONE or one.properties) for one in self.spf
        )
        dkim = not any(one.result is Result.TEMPERROR or one.cause is Cause.NO_KEY for one in self.dkim)
        return spf and dkim


# -- the rows ------------------------------------------------------------------------------------------------


def _no_single_author(facts: _Facts) -> Said | None:
    if facts.from_fields > 1:
        return "", f"There are {facts.from_fields} From fields, so it is not clear who the author should be"
    if facts.from_group:
        return "", "The From field holds a group, so nobody can be vouched for"
    if not facts.authors or not all("@" in address for address in facts.authors):
        return "", "There is no author's address in From, so nobody can be vouched for"
    if facts.malformed:
        return "", f"The author's address in From is malformed ({_show(facts.malformed)}), so nobody can be vouched for"
    if doubt := author_doubt(facts.header):
        return "", f"It is not clear who the author should be: {doubt}"
    return None


def _signature_wrong(facts: _Facts) -> Said | None:
    for signers in facts.signers():
        bad = [one for one in signers if one.result is Result.FAIL]
        if bad and not any(one.result is Result.PASS for one in signers):
            return "", _list(f"The S/MIME signature{_by(one)} is wrong: {_why(one)}" for one in bad)
    return None


def _one_of_several_wrong(facts: _Facts) -> Said | None:
    for signers in facts.signers():
        bad = [one for one in signers if one.result is Result.FAIL]
        good = [one for one in signers if one.result is Result.PASS]
        if bad and good:
            right = _list(f"the S/MIME signature{_by(one)} is good" for one in good)
            return (
                "",
                f"Of several signers {right}, but {_list(f'that{_by(one)} is wrong: {_why(one)}' for one in bad)}",
            )
    return None


def _not_trusted(facts: _Facts) -> Said | None:
    found = [
        one
        for one in facts.smime
        if (one.result in {Result.POLICY, Result.SOFTFAIL} or (one.result is Result.NEUTRAL and one.cause is not None))
        and one.cause not in {Cause.OTHER_IDENTITY, Cause.PARTIAL}
    ]
    if not found:
        return None
    return "", _list(f"The S/MIME signature{_by(one)} holds but does not count: {_why(one)}" for one in found)


def _signed_by_another(facts: _Facts) -> Said | None:
    for one in facts.smime:
        other = one.result is Result.POLICY and one.cause is Cause.OTHER_IDENTITY
        if other or (one.result is Result.PASS and not facts.is_author(one)):
            signer = _show_name(one.properties.get("body.smime-identifier", "")) or "somebody without an e-mail address"
            author = _list(map(_show_name, facts.authors))
            return "", f"This was signed by {signer}, but From says {author}"
        if others := facts.protected_authors(one):
            signer = _show_name(one.properties["body.smime-identifier"])
            return "", f"This was signed by {signer}, but From inside it says {_list(map(_show_name, others))}"
    return None


def _partly_signed(facts: _Facts) -> Said | None:
    good = [*facts.good(), *(one for one in facts.smime if one.cause is Cause.PARTIAL)]
    if not good or any(facts.report.is_whole(one) for one in facts.good()):
        return None
    signer = _show_name(facts.authors[0])
    doubt = next(filter(None, map(facts.report.doubt, filter(facts.report.covers_body, good))), BESIDE)
    if doubt != BESIDE:
        return "", f"{signer} signed this, but not all that may be shown with it: {doubt}"
    return "", (
        f"{signer} signed only a part of this message ({_list(map(_parts_of(facts), good))}); "
        "nobody vouches for the rest"
    )


def _signed_by_author(facts: _Facts) -> Said | None:
    for one in facts.good():
        if facts.report.is_whole(one):
            author = _show_name(facts.authors[0])
            note = f" ({_show(one.reason)})" if one.reason else ""
            return author, f"{author} signed the whole body{note}{_not_covered(facts, [one])}"
    return None


def _dmarc_fails(facts: _Facts) -> Said | None:
    refused = facts.refused()
    if refused is None or facts.trusted_seal() is not None:
        return None
    if not facts.policy.filter and not facts.could_judge_all():
        return None
    if facts.policy.trusted_sealers and any(one.result is Result.TEMPERROR for one in facts.arc):
        return None  # a seal that could not be judged now may override
    wish = "refused" if refused.properties["policy.dmarc"] == "reject" else "kept apart"
    return "", f"This does not come from {_author_domain(facts)}, which wants such messages {wish} (DMARC)"


def _forwarded(facts: _Facts) -> Said | None:
    seal = facts.trusted_seal()
    if seal is None or facts.refused() is None:
        return None
    sealer = _show_name(seal.properties.get("header.d", ""))
    return sealer, (
        f"{sealer}, which you trust, forwarded this and says what it was before (ARC); "
        f"by itself it no longer proves to come from {_author_domain(facts)} (DMARC)"
    )


def _body_left_out(facts: _Facts) -> Said | None:
    if facts.aligned():
        return None
    for one in facts.dkim:
        partial = one.result is Result.POLICY and one.cause is Cause.PARTIAL
        if facts.is_aligned(one) and (partial or one.result is Result.PASS):
            signer = _show_name(one.properties.get("header.d", ""))
            if not partial and not facts.covers_from(one):
                return "", f"{signer} signed this, but not its From field"
            if not partial and (doubt := facts.report.doubt(one)):
                return "", f"{signer} signed this (DKIM), but not all that may be shown with it: {doubt}"
            return "", f"{signer} signed only the beginning of the body (DKIM); the rest may be anybody's"
    return None


def _vouched_by_domain(facts: _Facts) -> Said | None:
    found = facts.aligned()
    if not found:
        return None
    domain = _show_name(found[0].properties.get("header.d", ""))
    note = f" ({_show(found[0].reason)})" if found[0].reason else ""
    return domain, f"{domain} vouches for this message and its whole body (DKIM){note}{_not_covered(facts, found)}"


def _vouched_by_server(facts: _Facts) -> Said | None:
    if not any(one.result is Result.PASS for one in facts.dmarc):
        return None
    domain = _author_domain(facts)
    return domain, f"It came from a server that may send for {domain} (SPF, DMARC), but nobody vouches for its content"


def _left_open(facts: _Facts) -> Said | None:
    concerned = [
        *(one for one in facts.dmarc if one.result is Result.TEMPERROR),
        *(one for one in facts.spf if one.result is Result.TEMPERROR and facts.dmarc),
        *(
            one
            for one in facts.dkim
            if one.result is Result.TEMPERROR and (not one.properties.get("header.d") or facts.is_aligned(one))
        ),
        *(one for one in facts.arc if one.result is Result.TEMPERROR and facts.refused() is not None),
    ]
    if not concerned:
        return None
    why = _list(dict.fromkeys(f"{one.method.upper()}: {_why(one)}" for one in concerned))
    return "", f"It could not be found out now whether anybody vouches for this ({why}); try again later"


def _only_broken(facts: _Facts) -> Said | None:
    broken = [one for one in facts.dkim if one.result is Result.FAIL]
    useless = [one for one in facts.dkim if one.result is Result.PERMERROR and one.cause is not Cause.NO_KEY]
    if not broken or len(broken) + len(useless) < len(facts.dkim):
        return None
    return "", _list(f"The DKIM signature{_for_domain(one)} is broken: {_why(one)}" for one in broken)


def _handled_by_others(facts: _Facts) -> Said | None:
    domains = [one.properties.get("header.d", "") for one in facts.dkim if one.result is Result.PASS]
    if not domains:
        return None
    others = _list(dict.fromkeys(_show_name(one) or "an unnamed domain" for one in domains))
    return "", f"It was handled by {others} (DKIM), but nobody vouches that it is from {_author_domain(facts)}"


def _counts_as_none(facts: _Facts) -> Said | None:
    found = [one for one in facts.dkim if one.result in {Result.POLICY, Result.NEUTRAL, Result.SOFTFAIL}]
    if not found:
        return None
    return "", _list(f"The DKIM signature{_for_domain(one)} counts as none: {_why(one)}" for one in found)


def _key_gone(facts: _Facts) -> Said | None:
    found = [one for one in facts.dkim if one.result is Result.PERMERROR and one.cause is Cause.NO_KEY]
    if not found:
        return None
    return "", _list(f"The DKIM signature{_for_domain(one)} can no longer be checked: {_why(one)}" for one in found)


def _dmarc_says_little(facts: _Facts) -> Said | None:
    domain = _author_domain(facts)
    for one in facts.dmarc:
        if one.result is Result.FAIL and facts.refused() is None:
            return "", f"Nothing proves that this comes from {domain}, which asks for no action about that (DMARC)"
        if one.result is Result.FAIL:
            return "", f"Nothing proves that this comes from {domain}, but not all could be judged here (DMARC)"
        if one.result is Result.NONE and one.reason and one.properties:
            return "", f"Nobody vouches for this message; {domain} could not be judged by DMARC: {_show(one.reason)}"
    return None


def _nothing(facts: _Facts) -> Said:
    useless = [one for one in (*facts.dkim, *facts.smime) if one.result in {Result.PERMERROR, Result.TEMPERROR}]
    if not useless:
        return "", "Nobody vouches for this message"
    return "", "Nobody vouches for this message; " + _list(
        dict.fromkeys(
            f"the {_NAMES[one.method]} signature{_for_domain(one)} cannot be used: {_why(one)}" for one in useless
        )
    )


RULES: tuple[tuple[int, Level, Callable[[_Facts], Said | None]], ...] = (
    (1, Level.WARNING, _no_single_author),
    (2, Level.FAILED, _signature_wrong),
    (3, Level.WARNING, _one_of_several_wrong),
    (4, Level.WARNING, _not_trusted),
    (5, Level.WARNING, _signed_by_another),
    (6, Level.WARNING, _partly_signed),
    (7, Level.VERIFIED, _signed_by_author),
    (8, Level.FAILED, _dmarc_fails),
    (9, Level.AUTHENTICATED, _forwarded),
    (10, Level.WARNING, _body_left_out),
    (11, Level.AUTHENTICATED, _vouched_by_domain),
    (12, Level.AUTHENTICATED, _vouched_by_server),
    (13, Level.UNAUTHENTICATED, _left_open),
    (14, Level.WARNING, _only_broken),
    (15, Level.UNAUTHENTICATED, _handled_by_others),
    (16, Level.UNAUTHENTICATED, _counts_as_none),
    (17, Level.UNAUTHENTICATED, _key_gone),
    (18, Level.UNAUTHENTICATED, _dmarc_says_little),
    (19, Level.UNAUTHENTICATED, _nothing),
)
"""The rows of the table, in order: number, level, and whether it matches."""


def judge(report: Report, policy: Policy = Policy()) -> Verdict:
    """Gives the verdict on a report.

    Args:
        report: what was found; its own `verdict` is this with its own policy.
        policy: what the user or the administrator has decided.
    """
    facts = _Facts(report, policy)
    row, level, (identity, sentence) = next(  # the last row always matches
        (row, level, said) for row, level, matches in RULES if (said := matches(facts)) is not None
    )
    unproven = _unproven_encryption(facts)
    if unproven and level in {Level.VERIFIED, Level.AUTHENTICATED}:
        level, identity, sentence = Level.UNAUTHENTICATED, "", f"{unproven}; without that: {sentence}"
    elif unproven:
        sentence = f"{sentence}; {unproven[0].lower()}{unproven[1:]}"
    if closed := _list(_why(one) for one in facts.smime if one.result is Result.NEUTRAL and one.cause is None):
        sentence = f"{sentence}; not all of it could be opened: {closed}"
    # S/MIME goes before the rows from 7 on, so trouble with it leaves them open
    trouble = [one for one in facts.smime if one.result is Result.TEMPERROR]
    if trouble and row > 6:
        sentence += f"; the S/MIME protection could not be judged now: {_list(map(_why, trouble))}"
    if report.conditions:
        sentence += f"; this was judged with {_list(map(_show, report.conditions))}"
    return Verdict(level, identity, f"{sentence}.", row, row == 13 or (bool(trouble) and row > 6))


def _unproven_encryption(facts: _Facts) -> str:
    """What to say of encryption that anybody may have changed on the way, with no signature inside."""
    layers = facts.report.layers
    for layer in layers:
        if layer.reached != "encrypted":
            continue
        opened = [one for one in facts.smime if one.coverage is not None and one.coverage.layer == layer.index]
        if any(one.properties.get("policy.encryption") == "authenticated" for one in opened):
            continue
        if not any(one.result is Result.PASS and _is_within(layers, one.layer, layer.index) for one in facts.smime):
            return "This was encrypted in a way that does not show changes, and nobody signed what is inside"
    return ""


def _is_within(layers: Sequence[Layer], index: int | None, outer: int) -> bool:
    while index is not None and index != outer:
        index = layers[index].parent
    return index == outer


# -- words ---------------------------------------------------------------------------------------------------

_NAMES = {"dkim": "DKIM", "smime": "S/MIME"}
_CAUSES = {
    Cause.SIGNATURE: "the signature value does not fit",
    Cause.DIGEST: "the content was changed after it was signed",
    Cause.REVOKED: "the certificate was revoked",
    Cause.UNTRUSTED: "the certificate comes from nobody you trust",
    Cause.NOT_VALID: "the certificate was not valid at that time",
    Cause.PURPOSE: "the certificate is not for e-mail",
    Cause.WEAK: "the algorithm or the key is too weak",
    Cause.REVOCATION_UNKNOWN: "it is not known whether the certificate was revoked",
    Cause.EXPIRED: "it had expired",
    Cause.TEST_KEY: "its key is only being tested",
    Cause.NO_KEY: "the key is not in DNS",
    Cause.KEY: "the key cannot be used",
    Cause.SYNTAX: "it is malformed",
    Cause.UNSUPPORTED: "its kind is not known",
    Cause.LIMIT: "it goes over a limit",
    Cause.LATE: "it was not ready in time",
}


def _why(one: AuthResult) -> str:
    """The cause in plain words, and the reason where it says more."""
    words = _CAUSES.get(one.cause, "") if one.cause is not None else ""
    reason = _show(one.reason).rstrip(".")
    if words and reason and reason != words:
        return f"{words} ({reason})"
    return words or reason or "no reason is given"


def _by(one: AuthResult) -> str:
    signer = _show_name(one.properties.get("body.smime-identifier", ""))
    return f" by {signer}" if signer else ""


def _for_domain(one: AuthResult) -> str:
    domain = _show_name(one.properties.get("header.d", ""))
    return f" of {domain}" if domain else ""


def _author_domain(facts: _Facts) -> str:
    return _list(_show_name(domain) for domain in sorted(facts.domains))


def _parts_of(facts: _Facts) -> Callable[[AuthResult], str]:
    def name(one: AuthResult) -> str:
        layers, coverage = facts.report.layers, one.coverage
        part = "" if coverage is None else layers[coverage.layer].part
        part = part or _show(one.properties.get("body.smime-part", ""))
        return f"part {part}" if part else "not all of its body"

    return name


def _not_covered(facts: _Facts, found: Sequence[AuthResult]) -> str:
    """Names the header fields that are shown, or say how the body is shown, and that none of the signatures covers."""
    names = [*_SHOWN]
    if any(one.coverage is not None and one.coverage.layer == 0 for one in found):
        names += (_WRITTEN.get(name, name.title()) for name in READING)  # signed content below brings its own
    left = [
        name
        for name in names
        if facts.header.first(name) is not None and not any(_covers_field(facts, one, name) for one in found)
    ]
    if not left:
        return ""
    return f"; {', '.join(left[:-1])}{' and ' if left[1:] else ''}{left[-1]} {'are' if left[1:] else 'is'} not covered"


def _covers_field(facts: _Facts, one: AuthResult, name: str) -> bool:
    """Whether all fields of a name are covered, or one in the signed content protects it (RFC 9788 section 2)."""
    if (coverage := one.coverage) is None:
        return False
    fields = facts.header.all(name)
    if coverage.layer == 0:
        return all(field.index in coverage.fields for field in fields)
    layer = facts.report.layers[coverage.layer]
    inner = layer.header.all(name)
    return (
        layer.message is not None
        and layer.message.root.media.params.get("hp", "") in {"clear", "cipher"}
        and len(fields) == len(inner) == 1
        and inner[0].index in coverage.fields
        and inner[0].value.strip() == fields[0].value.strip()
    )


def _show(text: str) -> str:
    """Foreign text, safe to show and not longer than a line or two."""
    return safe_text(text if len(text) <= _TEXT else text[: _TEXT - 1] + "…")


def _show_name(name: str) -> str:
    """An address or a domain, safe to show. Of one that is too long the end is shown: that tells whose it is."""
    return safe_text(name if len(name) <= _TEXT else "…" + name[1 - _TEXT :])


def _list(items: Iterable[str]) -> str:
    words = list(items)
    if not words:
        return ""
    if len(words) > 5:
        words = [*words[:4], f"{len(words) - 4} more"]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + f" and {words[-1]}"


# -- names ---------------------------------------------------------------------------------------------------


def _is_clear(mailbox: Mailbox) -> bool:
    """Whether an address reads alike to everybody.

    Some programs decode encoded words in addresses; and browsers and resolvers map wide letters, ligatures and
    ideographic full stops in domain names to others (UTS 46), which IDNA 2008 does not allow.
    """
    if not mailbox.valid or "=?" in mailbox.address:
        return False
    if mailbox.address.isascii():
        return True
    domain = unicodedata.normalize("NFC", mailbox.domain.lower())
    return (
        "\u3002" not in domain
        and domain == unicodedata.normalize("NFKC", domain)
        and (mailbox.local_part.isascii() or "@" not in unicodedata.normalize("NFKC", mailbox.local_part))
    )


def _domain_of(address: str) -> str:
    return plain_domain(address.rpartition("@")[2])
