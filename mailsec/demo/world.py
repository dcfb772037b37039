"""The world of the demonstration: its people and domains with their keys, its certificate authority, its DNS."""

from __future__ import annotations

import inspect
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any, TypeVar

from mailsec.crypto import MemoryKeyRing, PrivateKey, PublicKey
from mailsec.crypto.issue import Issued, issue, make_authority
from mailsec.crypto.private import KeyKind
from mailsec.errors import UsageError
from mailsec.hooks.manager import PluginManager, Registered
from mailsec.hooks.types import Form, Protection, Protector, Sealer
from mailsec.message import Insert, apply, parse
from mailsec.message.compose import Draft
from mailsec.testing import TestContext, make_context

__all__ = ["ALICE", "BOB", "CAROL", "READER", "MissingPluginError", "World"]

ALICE = "Alice Example <alice@example.org>"
BOB = "Bob Tester <bob@example.net>"
CAROL = "Carol Sample <carol@example.com>"
READER = "Robin Reader <robin@example.net>"

T = TypeVar("T", Sealer, Protector)

YEAR = timedelta(days=365)


class MissingPluginError(UsageError):
    """A message cannot be made because no plugin that is installed signs in this way."""


class World:
    """Makes messages, signs them through the plugins, and keeps what is needed to check them.

    Args:
        at: the time at which the mailbox is made, aware.
        manager: the plugins, whose sealers and protectors sign.

    Attributes:
        at: the time, without fractions of a second.
        authority: the certificate authority of the demonstration, which its reader trusts.
        stranger: an authority that nobody knows.
        zone: the lines of the DNS file.
    """

    def __init__(self, at: datetime, manager: PluginManager) -> None:
        self.at = at.replace(microsecond=0)
        self._manager = manager
        self._ring = MemoryKeyRing()
        self._keys: dict[str, PrivateKey] = {}
        self._issued: dict[str, Issued] = {}
        self._count = 0
        self.zone: list[str] = []
        times: dict[str, Any] = {"not_before": self.at - 3 * YEAR, "not_after": self.at + 10 * YEAR}
        root = make_authority([("O", "Example"), ("CN", "Example Root")], key=self._new("ec"), **times)
        self.authority = make_authority(
            [("O", "Example"), ("CN", "Example Mail CA 2")], key=self._new("ec"), parent=root, **times
        )
        self.root = root
        self.stranger = make_authority("Nobody Knows This CA", key=self._new("ec"), **times)

    @staticmethod
    def _new(kind: KeyKind, bits: int = 2048) -> PrivateKey:
        return PrivateKey.generate(kind, bits=bits)

    def key(self, name: str, kind: KeyKind = "rsa", bits: int = 2048) -> PrivateKey:
        """The private key of a name, made when it is first wanted."""
        if name not in self._keys:
            self._keys[name] = self._new(kind, bits)
        return self._keys[name]

    # -- messages ------------------------------------------------------------------------------------------

    def draft(self, subject: str, plain: str | None = "", author: str = ALICE, **more: Any) -> bytes:
        """An unsigned message to the reader, as it leaves its author.

        Args:
            subject: the subject.
            plain: the text.
            author: the From field.
            more: whatever else `mailsec.message.compose.Draft` takes.
        """
        self._count += 1
        domain = author.rpartition("@")[2].strip("> ") or "example.org"
        fields: dict[str, Any] = {
            "author": author,
            "to": READER,
            "subject": subject,
            "date": self.at - timedelta(hours=self._count),
            "message_id": f"<{self._count}.{self.at:%Y%m%d%H%M%S}@{domain}>",
            "plain": plain,
        }
        return Draft(**{**fields, **more}).compose()

    def delivered(self, octets: bytes) -> bytes:
        """A message as it arrives, with the trace field of the reader's server on top."""
        message = parse(octets)
        when = format_datetime((message.date or self.at) + timedelta(seconds=2))
        sender = (message.authors[0].domain if message.authors else "") or "example.org"
        sender = sender if sender.isascii() and sender.replace(".", "").replace("-", "").isalnum() else "example.org"
        field = (
            f"Received: from mail.{sender} (mail.{sender} [192.0.2.25])\r\n\tby mx.example.net with ESMTPS; {when}\r\n"
        )
        return apply(message, [Insert(field.encode("ascii"))])

    # -- domains (DKIM) ------------------------------------------------------------------------------------

    def publish(self, domain: str, selector: str, key: PublicKey | bytes, flags: str = "") -> None:
        """Puts a DKIM key record into the DNS file (RFC 6376 section 3.6.1, RFC 8463 section 4).

        Args:
            domain: the domain (d=).
            selector: the selector (s=).
            key: the public key, or the SubjectPublicKeyInfo of one that is too weak to be handled.
            flags: more tags, such as `" t=y;"`.
        """
        if isinstance(key, bytes):
            kind, octets = "rsa", key
        elif key.key_type == "ed25519":
            kind, octets = "ed25519", key.spki_der()[-32:]
        else:
            kind, octets = key.key_type, key.spki_der()
        text = f"v=DKIM1; k={kind};{flags} p={b64encode(octets).decode('ascii')}"
        strings = " ".join(f'"{text[at : at + 250]}"' for at in range(0, len(text), 250))
        line = f"{selector}._domainkey.{domain}. TXT ( {strings} )"
        if line not in self.zone:
            self.zone.append(line)

    async def seal(
        self,
        octets: bytes,
        domain: str,
        selector: str = "s1",
        *,
        kind: KeyKind = "rsa",
        at: datetime | None = None,
        flags: str = "",
        publish: bool = True,
        **settings: object,
    ) -> bytes:
        """Has a domain sign a message through the sealer `dkim`.

        Args:
            octets: the message.
            domain: the domain (d=).
            selector: the selector (s=).
            kind: the kind of key.
            at: when it signs; the time of the mailbox if `None`.
            flags: more tags for the key record.
            publish: whether the key is in DNS.
            settings: more settings of the sealer's plugin.

        Raises:
            MissingPluginError: no plugin brings such a sealer.
        """
        sealer = self._named(self._manager.sealers(), "dkim", "sealer")
        name = f"{selector}._domainkey.{domain}"
        key = self.key(name, kind)
        self._ring.add(name, key)
        if publish:
            self.publish(domain, selector, key.public_key, flags)
        table = {"domain": domain, "selector": selector, **settings}
        context = self._context(sealer.plugin, table, at)
        message = parse(octets)
        work = sealer.descriptor.start(message.header, context)
        if work is None:
            raise MissingPluginError(f"the sealer of {sealer.label} did not sign")
        work.feed(message.body)
        return apply(message, [Insert(field) for field in await work.finish()])

    # -- people (S/MIME) -----------------------------------------------------------------------------------

    def certify(self, address: str, kind: KeyKind = "rsa", *, label: str = "", bits: int = 2048, **how: Any) -> Issued:
        """The certificate and key of a person, made when they are first wanted.

        Args:
            address: the address that the certificate is for.
            kind: the kind of key.
            label: tells apart several certificates for one address.
            bits: the size of an RSA key.
            how: more arguments for `mailsec.crypto.issue.issue`; `authority` says who issues.
        """
        name = f"{address} {kind} {label}"
        if name not in self._issued:
            authority = how.pop("authority", self.authority)
            times: dict[str, Any] = {"not_before": self.at - 2 * YEAR, "not_after": self.at + 2 * YEAR}
            person = address.partition("@")[0].title()
            self._issued[name] = issue(
                authority,
                address,
                **{"key": self._new(kind, bits), "subject": [("O", "Example"), ("CN", person)], **times, **how},
            )
        return self._issued[name]

    async def protect(
        self,
        octets: bytes,
        signer: Issued,
        *,
        at: datetime | None = None,
        form: Form = Form.CLEAR,
        header: bool = False,
        reader: str = READER,
        **settings: object,
    ) -> bytes:
        """Has a person sign a message, or encrypt it to the reader, through the protector `smime`.

        Args:
            octets: the message.
            signer: who signs, and to whom it is encrypted besides.
            at: when they do it; the time of the mailbox if `None`.
            form: in which form; a setting `opaque` is stronger.
            header: whether the header fields are protected, as few programs do it yet.
            reader: whom it is encrypted to.
            settings: settings of the protector's plugin.

        Raises:
            MissingPluginError: no plugin brings such a protector.
        """
        protector = self._named(self._manager.protectors(), "smime", "protector")
        address = signer.certificate.emails[0]
        ring = MemoryKeyRing()
        ring.add(address, signer.key, signer.certificates)
        to = (reader.rpartition("<")[2].strip(">"),) if form.encrypts else ()
        for one in to:
            self.certify(one)
        context = self._context(protector.plugin, settings, at, ring)
        if settings.get("opaque") and form is Form.CLEAR:
            form = Form.OPAQUE
        protection = Protection(form.signs, form.encrypts, address, to, form, header_protection=header)
        done = protector.descriptor.protect(parse(octets), protection, context)
        return await done if inspect.isawaitable(done) else done

    # -- inner workings ------------------------------------------------------------------------------------

    @staticmethod
    def _named(found: Sequence[Registered[T]], name: str, what: str) -> Registered[T]:
        for one in found:
            if one.descriptor.name == name:
                return one
        raise MissingPluginError(f"no plugin that is installed brings a {what} named {name}")

    def _context(
        self, plugin: str, table: dict[str, object], at: datetime | None, ring: MemoryKeyRing | None = None
    ) -> TestContext:
        settings = self._manager.settings(plugin, table)
        return make_context(
            at=at or self.at,
            keys=self._ring if ring is None else ring,
            anchors=(self.root.certificate, self.authority.certificate),
            recipients=[issued.certificate for issued in self._issued.values()],
            settings=settings,
        )
