"""The facts that the rules of the verdict ask about: the results of a report, sorted, and what they come to.

Besides what the methods' own documents define, these properties are read:

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
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mailsec.hooks.types import AuthResult, Cause, Result
from mailsec.message.addresses import Group, Mailbox, mailboxes
from mailsec.message.domains import plain_domain, same_address, same_domain
from mailsec.pipeline.clarity import READING

if TYPE_CHECKING:
    from mailsec.pipeline.report import Report
    from mailsec.pipeline.verdict import Policy

__all__ = ["Facts", "is_closed"]

_SHOWN = ("Subject", "Date", "To", "Cc", "Sender", "Reply-To")
_WRITTEN = {"mime-version": "MIME-Version"}
_LONGEST_ADDRESS = 320  # RFC 5321 section 4.5.3.1


def is_closed(result: AuthResult) -> bool:
    """Whether a result says that something could not be opened, such as what is encrypted to somebody else."""
    return result.method == "smime" and result.result is Result.NEUTRAL and result.cause in {None, Cause.LOCKED}


class Facts:
    """The results of a report, sorted for the rules.

    Args:
        report: what was found.
        policy: what the user or the administrator has decided.

    Attributes:
        header: the header section of the message in transit.
        from_fields: how many From fields there are.
        from_group: whether there is a group in From.
        authors: the addresses in the From field that is shown (RFC 9788 section 4.4.3); foreign text.
        malformed: the first of them that does not read alike to everybody; empty where all do.
        domains: the domains in the outer From field, which those of the transport vouch for, in the form in which they
            are compared.
        mismatch: the authors outside and inside, where a protected From field names somebody else.
        smime, dkim, spf, dmarc, arc: the results by method, those of all but S/MIME about the message in transit.
    """

    def __init__(self, report: Report, policy: Policy) -> None:
        self.report = report
        self.policy = policy
        self.header = report.layers[0].header
        addresses = self.header.addresses("from")
        self.from_fields = len(self.header.all("from"))
        self.from_group = any(isinstance(one, Group) for one in addresses)
        found = mailboxes(addresses)
        self.mismatch = report.shown.mismatch
        shown = report.shown.authors
        self.authors = tuple(one.address for one in shown)
        self.malformed = next((one.address for one in (*found, *shown) if not _is_clear(one)), "")
        self.domains = {_domain_of(one.address) for one in found}
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
        """Whether a certificate's address is the only one in From; local parts are compared exactly (RFC 5321).

        Where a protected From field names somebody else, and no signature is theirs, nobody is the author.
        """
        if self.mismatch is not None and not self.mismatch.bound:
            return False
        address = one.properties.get("body.smime-identifier", "")
        return bool(address) and all(same_address(address, author) for author in self.authors)

    def protected_authors(self, one: AuthResult) -> tuple[str, ...]:
        """The authors that signed content names, where they are not those of the message.

        Of content with header protection `mismatch` tells that; but some programs show any From field inside.
        """
        if one.result is not Result.PASS or one.coverage is None:
            return ()
        if one.coverage.layer in {0, self.report.shown.layer}:
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

    # -- what is covered

    def not_covered(self, found: Sequence[AuthResult]) -> list[str]:
        """The header fields that are shown, or say how the body is shown, and that none of the signatures covers."""
        names = [*_SHOWN]
        if any(one.coverage is not None and one.coverage.layer == 0 for one in found):
            names += (_WRITTEN.get(name, name.title()) for name in READING)  # signed content below brings its own
        return [
            name
            for name in names
            if any(one.coverage is not None and self.report.has_field(name, one.coverage) for one in found)
            and not any(self.report.covers_field(one, name) for one in found)
        ]

    def protects_header(self, one: AuthResult) -> bool:
        """Whether a result covers protected header fields (RFC 9788)."""
        return any(one is signature for signature in self.report.shown.signatures)

    # -- encryption

    def is_unproven(self) -> bool:
        """Whether there is encryption that anybody may have changed on the way, with no signature inside."""
        for layer in self.report.layers:
            if layer.reached != "encrypted":
                continue
            opened = [one for one in self.smime if one.coverage is not None and one.coverage.layer == layer.index]
            if any(one.properties.get("policy.encryption") == "authenticated" for one in opened):
                continue
            if not any(self._is_within(one.layer, layer.index) for one in self.good()):
                return True
        return False

    def _is_within(self, index: int | None, outer: int) -> bool:
        while index is not None and index != outer:
            index = self.report.layers[index].parent
        return index == outer


def _is_clear(mailbox: Mailbox) -> bool:
    """Whether an address reads alike to everybody.

    Some programs decode encoded words in addresses; and browsers and resolvers map wide letters, ligatures and
    ideographic full stops in domain names to others (UTS 46), which IDNA 2008 does not allow.
    """
    if not mailbox.valid or "=?" in mailbox.address:
        return False
    if mailbox.address.isascii():
        return True
    if len(mailbox.address) > _LONGEST_ADDRESS:  # normalization takes far more than linear time
        return False
    domain = unicodedata.normalize("NFC", mailbox.domain.lower())
    return (
        "\u3002" not in domain
        and domain == unicodedata.normalize("NFKC", domain)
        and (mailbox.local_part.isascii() or "@" not in unicodedata.normalize("NFKC", mailbox.local_part))
    )


def _domain_of(address: str) -> str:
    return plain_domain(address.rpartition("@")[2])
