"""What protectors and openers are handed when a command calls them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mailsec.errors import MailsecError
from mailsec.hooks import Envelope
from mailsec.message import parse
from mailsec_smime.commands.limits import SECONDS

if TYPE_CHECKING:
    from mailsec.crypto import KeyTransport, PublicKey, SignatureScheme
    from mailsec.hooks import (
        AuthResult,
        CommandContext,
        Correspondents,
        Fetcher,
        Identity,
        KeyRing,
        Moment,
        Resolver,
        TrustStore,
    )
    from mailsec.message import HeaderSection


@dataclass(frozen=True, slots=True)
class OwnContext:
    """Implements `mailsec.hooks.OpenerContext` and `ProtectorContext` for one message or file."""

    resolver: Resolver
    fetcher: Fetcher
    trust: TrustStore
    moment: Moment
    keys: KeyRing
    correspondents: Correspondents
    settings: Any
    deadline: float
    header: HeaderSection
    results: Sequence[AuthResult] = ()
    envelope: Envelope = Envelope()  # noqa: RUF009 - frozen
    around_message: bool = False
    fetch_issuers: bool = False

    def remaining(self) -> float:
        """Seconds left until the deadline; never negative."""
        return max(0.0, self.deadline - time.monotonic())


def own_context(
    context: CommandContext, *, author: str = "", keys: KeyRing | None = None, fetch_issuers: bool = False
) -> OwnContext:
    """The context of a command as that of a protector or opener.

    Args:
        context: the command's.
        author: the address of who should have signed, as no header section says it.
        keys: the private keys, instead of all.
        fetch_issuers: whether the user has asked that issuers' certificates are fetched which are missing.
    """
    return OwnContext(
        context.resolver,
        context.fetcher,
        context.trust,
        context.moment,
        context.keys if keys is None else keys,
        context.correspondents,
        context.settings,
        time.monotonic() + SECONDS,
        parse(f"From: <{author}>\r\n\r\n".encode()).header,
        fetch_issuers=fetch_issuers,
    )


class WatchedKeys:
    """A key ring that remembers why it could not be used.

    An opener makes a result of it, as of everything that it meets. For the user of a command a wrong password is no
    trait of the message.

    Args:
        ring: the private keys.
        only: the identities that count; all if `None`.

    Attributes:
        trouble: why a key could not be used the last time; `None` where each could.
    """

    def __init__(self, ring: KeyRing, only: Sequence[Identity] | None = None) -> None:
        self._ring = ring
        self._only = only
        self.trouble: MailsecError | None = None

    def identities(self, name: str | None = None) -> Sequence[Identity]:
        """The identities under a name, or all."""
        found = self._ring.identities(name)
        return found if self._only is None else [one for one in found if one in self._only]

    def sign(self, identity: Identity, scheme: SignatureScheme, octets: bytes) -> bytes:
        """Signs octets."""
        return self._ring.sign(identity, scheme, octets)

    def decrypt_key(self, identity: Identity, scheme: KeyTransport, octets: bytes, length: int) -> bytes:
        """Decrypts a content-encryption key."""
        try:
            return self._ring.decrypt_key(identity, scheme, octets, length)
        except MailsecError as error:
            self.trouble = error
            raise

    def agree(self, identity: Identity, peer: PublicKey) -> bytes:
        """The shared secret of an identity's key and a peer's."""
        try:
            return self._ring.agree(identity, peer)
        except MailsecError as error:
            self.trouble = error
            raise

    def decapsulate(self, identity: Identity, octets: bytes) -> bytes:
        """The shared secret in a ciphertext."""
        try:
            return self._ring.decapsulate(identity, octets)
        except MailsecError as error:
            self.trouble = error
            raise
