"""The verdict: what the results of all plugins together say about a message, in one level and one sentence.

Facts and policy are kept apart. The facts are the results; which plugin gave one does not matter. The policy is
`RULES`: the rows of the table in `docs/verdicts.md` in order, each with its level and a function that says
whether the row matches. The first that matches decides.

What the rules ask about is in `facts.py`, the words they say it with in `words.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from mailsec.hooks.types import Cause, Result
from mailsec.pipeline.clarity import BESIDE, author_doubt
from mailsec.pipeline.facts import Facts, is_closed
from mailsec.pipeline.words import (
    NAMES,
    author_domain,
    by,
    for_domain,
    listed,
    not_covered,
    part_of,
    show,
    show_name,
    why,
)

if TYPE_CHECKING:
    from mailsec.pipeline.report import Report

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

_UNPROVEN = "This was encrypted in a way that does not show changes, and nobody signed what is inside"

# -- the rows ------------------------------------------------------------------------------------------------


def _no_single_author(facts: Facts) -> Said | None:
    if facts.from_fields > 1:
        return "", f"There are {facts.from_fields} From fields, so it is not clear who the author should be"
    if facts.from_group:
        return "", "The From field holds a group, so nobody can be vouched for"
    if not facts.authors or not all("@" in address for address in facts.authors):
        return "", "There is no author's address in From, so nobody can be vouched for"
    if facts.malformed:
        return "", f"The author's address in From is malformed ({show(facts.malformed)}), so nobody can be vouched for"
    protected = facts.report.shown.protected
    if doubt := author_doubt(facts.header) or (author_doubt(protected) if protected is not None else ""):
        return "", f"It is not clear who the author should be: {doubt}"
    return None


def _signature_wrong(facts: Facts) -> Said | None:
    for signers in facts.signers():
        bad = [one for one in signers if one.result is Result.FAIL]
        if bad and not any(one.result is Result.PASS for one in signers):
            return "", listed(f"The S/MIME signature{by(one)} is wrong: {why(one)}" for one in bad)
    return None


def _one_of_several_wrong(facts: Facts) -> Said | None:
    for signers in facts.signers():
        bad = [one for one in signers if one.result is Result.FAIL]
        good = [one for one in signers if one.result is Result.PASS]
        if bad and good:
            right = listed(f"the S/MIME signature{by(one)} is good" for one in good)
            return (
                "",
                f"Of several signers {right}, but {listed(f'that{by(one)} is wrong: {why(one)}' for one in bad)}",
            )
    return None


def _not_trusted(facts: Facts) -> Said | None:
    found = [
        one
        for one in facts.smime
        if (one.result in {Result.POLICY, Result.SOFTFAIL} or (one.result is Result.NEUTRAL and one.cause is not None))
        and one.cause not in {Cause.OTHER_IDENTITY, Cause.PARTIAL, Cause.LOCKED}
    ]
    if not found:
        return None
    return "", listed(f"The S/MIME signature{by(one)} holds but does not count: {why(one)}" for one in found)


def _signed_by_another(facts: Facts) -> Said | None:
    if (mismatch := facts.mismatch) is not None and not mismatch.bound:
        inside, outside = _authors(mismatch.inside), _authors(mismatch.outside)
        signers = listed(
            dict.fromkeys(
                show_name(one.properties.get("body.smime-identifier", "")) or "somebody without an e-mail address"
                for one in facts.smime
                if one.result is Result.PASS or one.cause is Cause.OTHER_IDENTITY
            )
        )
        signed = f"signed by {signers}" if signers else "signed by nobody"
        return "", f"From says {outside}, but the From field inside it says {inside}, and this was {signed}"
    for one in facts.smime:
        other = one.result is Result.POLICY and one.cause is Cause.OTHER_IDENTITY
        if other or (one.result is Result.PASS and not facts.is_author(one)):
            signer = show_name(one.properties.get("body.smime-identifier", "")) or "somebody without an e-mail address"
            author = listed(map(show_name, facts.authors))
            return "", f"This was signed by {signer}, but From says {author}"
        if others := facts.protected_authors(one):
            signer = show_name(one.properties["body.smime-identifier"])
            return "", f"This was signed by {signer}, but From inside it says {listed(map(show_name, others))}"
    return None


def _partly_signed(facts: Facts) -> Said | None:
    good = [*facts.good(), *(one for one in facts.smime if one.cause is Cause.PARTIAL)]
    if not good or any(facts.report.is_whole(one) for one in facts.good()):
        return None
    signer = show_name(facts.authors[0])
    doubt = next(filter(None, map(facts.report.doubt, filter(facts.report.covers_body, good))), BESIDE)
    if doubt != BESIDE:
        return "", f"{signer} signed this, but not all that may be shown with it: {doubt}"
    return "", (
        f"{signer} signed only a part of this message ({listed(part_of(facts, one) for one in good)}); "
        "nobody vouches for the rest"
    )


def _signed_by_author(facts: Facts) -> Said | None:
    found = [one for one in facts.good() if facts.report.is_whole(one)]
    if not found:
        return None
    author = show_name(facts.authors[0])
    note = next((f" ({show(one.reason)})" for one in found if one.reason), "")
    missing = not_covered(facts.not_covered(found))
    what = (
        "the whole body and its header" if not missing and any(map(facts.protects_header, found)) else "the whole body"
    )
    outer = ""
    if facts.mismatch is not None:
        outer = f"; From outside of it says {_authors(facts.mismatch.outside)}, for which nobody vouches"
    return author, f"{author} signed {what}{note}{missing}{outer}"


def _authors(addresses: Sequence[str]) -> str:
    return listed(map(show_name, addresses)) or "nobody"


def _dmarc_fails(facts: Facts) -> Said | None:
    refused = facts.refused()
    if refused is None or facts.trusted_seal() is not None:
        return None
    if not facts.policy.filter and not facts.could_judge_all():
        return None
    if facts.policy.trusted_sealers and any(one.result is Result.TEMPERROR for one in facts.arc):
        return None  # a seal that could not be judged now may override
    wish = "refused" if refused.properties["policy.dmarc"] == "reject" else "kept apart"
    return "", f"This does not come from {author_domain(facts)}, which wants such messages {wish} (DMARC)"


def _forwarded(facts: Facts) -> Said | None:
    seal = facts.trusted_seal()
    if seal is None or facts.refused() is None:
        return None
    sealer = show_name(seal.properties.get("header.d", ""))
    return sealer, (
        f"{sealer}, which you trust, forwarded this and says what it was before (ARC); "
        f"by itself it no longer proves to come from {author_domain(facts)} (DMARC)"
    )


def _body_left_out(facts: Facts) -> Said | None:
    if facts.aligned():
        return None
    for one in facts.dkim:
        partial = one.result is Result.POLICY and one.cause is Cause.PARTIAL
        if facts.is_aligned(one) and (partial or one.result is Result.PASS):
            signer = show_name(one.properties.get("header.d", ""))
            if not partial and not facts.covers_from(one):
                return "", f"{signer} signed this, but not its From field"
            if not partial and (doubt := facts.report.doubt(one)):
                return "", f"{signer} signed this (DKIM), but not all that may be shown with it: {doubt}"
            return "", f"{signer} signed only the beginning of the body (DKIM); the rest may be anybody's"
    return None


def _vouched_by_domain(facts: Facts) -> Said | None:
    found = facts.aligned()
    if not found:
        return None
    domain = show_name(found[0].properties.get("header.d", ""))
    note = f" ({show(found[0].reason)})" if found[0].reason else ""
    return (
        domain,
        f"{domain} vouches for this message and its whole body (DKIM){note}{not_covered(facts.not_covered(found))}",
    )


def _vouched_by_server(facts: Facts) -> Said | None:
    if not any(one.result is Result.PASS for one in facts.dmarc):
        return None
    domain = author_domain(facts)
    return domain, f"It came from a server that may send for {domain} (SPF, DMARC), but nobody vouches for its content"


def _left_open(facts: Facts) -> Said | None:
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
    trouble = listed(dict.fromkeys(f"{one.method.upper()}: {why(one)}" for one in concerned))
    return "", f"It could not be found out now whether anybody vouches for this ({trouble}); try again later"


def _only_broken(facts: Facts) -> Said | None:
    broken = [one for one in facts.dkim if one.result is Result.FAIL]
    useless = [one for one in facts.dkim if one.result is Result.PERMERROR and one.cause is not Cause.NO_KEY]
    if not broken or len(broken) + len(useless) < len(facts.dkim):
        return None
    return "", listed(f"The DKIM signature{for_domain(one)} is broken: {why(one)}" for one in broken)


def _handled_by_others(facts: Facts) -> Said | None:
    domains = [one.properties.get("header.d", "") for one in facts.dkim if one.result is Result.PASS]
    if not domains:
        return None
    others = listed(dict.fromkeys(show_name(one) or "an unnamed domain" for one in domains))
    return "", f"It was handled by {others} (DKIM), but nobody vouches that it is from {author_domain(facts)}"


def _counts_as_none(facts: Facts) -> Said | None:
    found = [one for one in facts.dkim if one.result in {Result.POLICY, Result.NEUTRAL, Result.SOFTFAIL}]
    if not found:
        return None
    return "", listed(f"The DKIM signature{for_domain(one)} counts as none: {why(one)}" for one in found)


def _key_gone(facts: Facts) -> Said | None:
    found = [one for one in facts.dkim if one.result is Result.PERMERROR and one.cause is Cause.NO_KEY]
    if not found:
        return None
    return "", listed(f"The DKIM signature{for_domain(one)} can no longer be checked: {why(one)}" for one in found)


def _dmarc_says_little(facts: Facts) -> Said | None:
    domain = author_domain(facts)
    for one in facts.dmarc:
        if one.result is Result.FAIL and facts.refused() is None:
            return "", f"Nothing proves that this comes from {domain}, which asks for no action about that (DMARC)"
        if one.result is Result.FAIL:
            return "", f"Nothing proves that this comes from {domain}, but not all could be judged here (DMARC)"
        if one.result is Result.NONE and one.reason and one.properties:
            return "", f"Nobody vouches for this message; {domain} could not be judged by DMARC: {show(one.reason)}"
    return None


def _nothing(facts: Facts) -> Said:
    useless = [one for one in (*facts.dkim, *facts.smime) if one.result in {Result.PERMERROR, Result.TEMPERROR}]
    if not useless:
        return "", "Nobody vouches for this message"
    return "", "Nobody vouches for this message; " + listed(
        dict.fromkeys(
            f"the {NAMES[one.method]} signature{for_domain(one)} cannot be used: {why(one)}" for one in useless
        )
    )


RULES: tuple[tuple[int, Level, Callable[[Facts], Said | None]], ...] = (
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
    facts = Facts(report, policy)
    row, level, (identity, sentence) = next(  # the last row always matches
        (row, level, said) for row, level, matches in RULES if (said := matches(facts)) is not None
    )
    unproven = facts.is_unproven()
    if unproven and level in {Level.VERIFIED, Level.AUTHENTICATED}:
        level, identity, sentence = Level.UNAUTHENTICATED, "", f"{_UNPROVEN}; without that: {sentence}"
    elif unproven:
        sentence = f"{sentence}; {_UNPROVEN[0].lower()}{_UNPROVEN[1:]}"
    if row < 5 and (mismatch := facts.mismatch) is not None and not mismatch.bound:
        inside, outside = _authors(mismatch.inside), _authors(mismatch.outside)
        sentence = f"{sentence}; From says {outside}, but the From field inside it says {inside}"
    if closed := listed(why(one) for one in facts.smime if is_closed(one)):
        sentence = f"{sentence}; not all of it could be opened: {closed}"
    # S/MIME goes before the rows from 7 on, so trouble with it leaves them open
    trouble = [one for one in facts.smime if one.result is Result.TEMPERROR]
    if trouble and row > 6:
        sentence += f"; the S/MIME protection could not be judged now: {listed(map(why, trouble))}"
    if report.conditions:
        sentence += f"; this was judged with {listed(map(show, report.conditions))}"
    return Verdict(level, identity, f"{sentence}.", row, row == 13 or (bool(trouble) and row > 6))
