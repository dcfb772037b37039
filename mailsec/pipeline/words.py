"""The words of the verdict's sentence: results, causes, and foreign names that are safe to show."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mailsec.hooks.types import AuthResult, Cause
from mailsec.message.safe import safe_text

if TYPE_CHECKING:
    from mailsec.pipeline.facts import Facts

__all__ = ["NAMES", "author_domain", "by", "for_domain", "listed", "not_covered", "part_of", "show", "show_name", "why"]

_TEXT = 200

NAMES = {"dkim": "DKIM", "smime": "S/MIME"}
"""What methods are called in words."""

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


def why(one: AuthResult) -> str:
    """The cause in plain words, and the reason where it says more."""
    words = _CAUSES.get(one.cause, "") if one.cause is not None else ""
    if one.cause is Cause.REVOKED and one.method != "smime":
        words = "its key was revoked"
    reason = show(one.reason).rstrip(".")
    if words and reason and reason != words:
        return f"{words} ({reason})"
    return words or reason or "no reason is given"


def by(one: AuthResult) -> str:
    """Who signed, by S/MIME, after a noun; empty where that is not known."""
    signer = show_name(one.properties.get("body.smime-identifier", ""))
    return f" by {signer}" if signer else ""


def for_domain(one: AuthResult) -> str:
    """Whose signature it is, by DKIM, after a noun; empty where that is not known."""
    domain = show_name(one.properties.get("header.d", ""))
    return f" of {domain}" if domain else ""


def author_domain(facts: Facts) -> str:
    """The domain, or the domains, of the author."""
    return listed(show_name(domain) for domain in sorted(facts.domains))


def part_of(facts: Facts, one: AuthResult) -> str:
    """Which part of the message a signature is over."""
    coverage = one.coverage
    part = "" if coverage is None else facts.report.layers[coverage.layer].part
    part = part or show(one.properties.get("body.smime-part", ""))
    return f"part {part}" if part else "not all of its body"


def not_covered(names: Sequence[str]) -> str:
    """Header fields that are not covered, all of them, as the end of a sentence; empty where there are none."""
    if not names:
        return ""
    if len(names) == 1:
        return f"; {names[0]} is not covered"
    return f"; {', '.join(names[:-1])} and {names[-1]} are not covered"


def show(text: str) -> str:
    """Foreign text, safe to show and not longer than a line or two."""
    return safe_text(text if len(text) <= _TEXT else text[: _TEXT - 1] + "…")


def show_name(name: str) -> str:
    """An address or a domain, safe to show. Of one that is too long the end is shown: that tells whose it is."""
    return safe_text(name if len(name) <= _TEXT else "…" + name[1 - _TEXT :])


def listed(items: Iterable[str]) -> str:
    """A list as one says it; of more than five the first four are named."""
    words = list(items)
    if not words:
        return ""
    if len(words) > 5:
        words = [*words[:4], f"{len(words) - 4} more"]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + f" and {words[-1]}"
