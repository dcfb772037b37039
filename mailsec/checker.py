"""The library's front door: a checker that lives as long as a program needs it, and `check` for once.

from mailsec import Checker, check

async with Checker(settings) as checker:
    report = await checker.check(message)
report = await check(octets)
"""

from __future__ import annotations

import asyncio
import mmap
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC
from functools import partial
from typing import TYPE_CHECKING, Any

from mailsec.config import Settings
from mailsec.hooks.manager import PluginManager, Problem
from mailsec.hooks.types import (
    DnsAnswer,
    Envelope,
    Fetched,
    Fetcher,
    KeyRing,
    Moment,
    Resolver,
    TrustStore,
)
from mailsec.message import Message, parse
from mailsec.pipeline import Report, Runner, Services
from mailsec.pipeline.context import NO_CORRESPONDENTS, NO_FETCHER, no_keys
from mailsec.pipeline.verdict import Policy
from mailsec.store.keys import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from mailsec.crypto import Certificate
    from mailsec.net.fetcher import HttpFetcher
    from mailsec.net.resolver import DnsResolver
    from mailsec.store.keys import FileKeyStore, Secrets, StoredKeyRing

__all__ = ["Checker", "check"]

DEFAULTS = Settings()
NO_ENVELOPE = Envelope()


class Checker:
    """Checks messages with the plugins that are installed.

    Plugins, resolver, trust anchors, keys and caches live as long as it does. It may check many messages at the
    same time, all on one event loop.

    Args:
        settings: what the user has decided; see `mailsec.config.load` for the configuration file.
        manager: the plugins; those that are installed, without those that the settings leave out, if `None`.
        resolver: answers DNS questions, instead of what the settings say.
        trust: the trust anchors, instead of what the settings say.
        keys: the private keys, instead of what the settings say.
        fetcher: fetches documents that checks need (CRLs, OCSP answers). By default they come over HTTP from public
            addresses where DNS questions go over the network too, and nothing is fetched where DNS is handed in.
        ask: asks the user for a password or PIN, with a prompt; without it nobody is asked.
        secrets: the passwords and PINs, where several checkers share them; `ask` is not used then.
        harvest: whether the certificates of those whose mail is verified are remembered, to encrypt to them.

    Raises:
        ConfigError: the settings do not fit a plugin, or name no name server.
        InputError: a file that the settings name (a DNS file, trust anchors, an identity) cannot be used.
        UsageError: the password command fails.

    Attributes:
        settings: the settings.
        manager: the plugins.
        services: the services that plugins are handed.
        plugin_settings: the settings of each plugin by its name.
    """

    def __init__(
        self,
        settings: Settings = DEFAULTS,
        *,
        manager: PluginManager | None = None,
        resolver: Resolver | None = None,
        trust: TrustStore | None = None,
        keys: KeyRing | None = None,
        fetcher: Fetcher | None = None,
        ask: Callable[[str], bytes] | None = None,
        secrets: Secrets | None = None,
        harvest: bool = False,
    ) -> None:
        self.settings = settings
        self._harvests = harvest
        if secrets is None and (settings.keys is not None or settings.tokens):
            from mailsec.store.keys.secrets import Secrets

            secrets = Secrets(settings, ask)
        self._kept = None if settings.keys is None or secrets is None else _Kept(settings.keys, secrets)
        self.manager = PluginManager(disabled=settings.disabled) if manager is None else manager
        self._network: _Network | None = None
        self._web: _Web | None = None
        if resolver is None:
            resolver = self._resolver()
        if fetcher is None:
            fetcher = self._fetcher()
        self.services = Services(
            resolver=resolver,
            fetcher=fetcher,
            trust=_trust(settings, self._kept) if trust is None else trust,
            keys=_keys(settings, self._kept, secrets) if keys is None else keys,
            correspondents=NO_CORRESPONDENTS if self._kept is None else self._kept,
        )
        source = None if settings.source is None else str(settings.source)
        self.plugin_settings: dict[str, Any] = self.manager.all_settings(settings.plugins, source)
        self._runner: Runner | None = None

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with plugins, as far as it is known by now."""
        return self.manager.problems

    @property
    def key_store(self) -> FileKeyStore | None:
        """The kept keys, trust decisions and correspondents; `None` where the settings name no folder of them."""
        return None if self._kept is None else self._kept.store()

    @property
    def runner(self) -> Runner:
        """The runner; making it calls the plugins' hooks."""
        if self._runner is None:
            self._runner = Runner(
                self.manager.verifiers(),
                self.manager.openers(),
                services=self.services,
                settings=self.plugin_settings,
                timeout=self.settings.timeout,
                policy=_policy(self.settings),
                conditions=_conditions(self.settings),
            )
        return self._runner

    async def check(
        self,
        message: Message | bytes | bytearray | memoryview | mmap.mmap,
        *,
        file: str | None = None,
        envelope: Envelope = NO_ENVELOPE,
        fetch_issuers: bool = False,
    ) -> Report:
        """Checks one message. Nothing in a message makes it raise.

        Args:
            message: the message, parsed or as octets.
            file: where it came from, for the report.
            envelope: what is known of the SMTP transaction.
            fetch_issuers: whether issuers' certificates that did not come along are fetched from where the signers'
                certificates say. That tells whoever runs the server that the message is being read: ask before.
        """
        if not isinstance(message, Message):
            message = parse(message)
        report = await self.runner.check(
            message, envelope=envelope, moment=self._moment(message), file=file, fetch_issuers=fetch_issuers
        )
        if self._harvests and self._kept is not None and any(one.method == "smime" for one in report.results):
            await asyncio.to_thread(_harvest, report, self._kept)
        return report

    async def close(self) -> None:
        """Ends what is still under way; the checker is not to be used after that."""
        if self._web is not None:
            await self._web.close()
        if self._network is not None:
            await self._network.close()

    async def __aenter__(self) -> Checker:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _resolver(self) -> Resolver:
        if self.settings.dns_file is not None:
            from mailsec.net.zone import ZoneResolver

            return ZoneResolver.from_file(self.settings.dns_file)
        self._network = _Network(self.settings.nameservers)
        return self._network

    def _fetcher(self) -> Fetcher:
        if self._network is None:
            return NO_FETCHER
        self._web = _Web(self._network)
        return self._web

    def _moment(self, message: Message) -> Moment | None:
        """The time to judge at: chosen, else that of the delivery where it can be known, else now."""
        if self.settings.at is not None:
            return Moment(self.settings.at, "chosen")
        return _delivery(message, self.settings.authserv_id)


async def check(message: Message | bytes | bytearray | memoryview | mmap.mmap, settings: Settings = DEFAULTS) -> Report:
    """Checks one message, once; for more of them make a `Checker`.

    Args:
        message: the message, parsed or as octets.
        settings: what the user has decided.

    Raises:
        MailsecError: as `Checker`.
    """
    async with Checker(settings) as checker:
        return await checker.check(message)


class _Network:
    """The resolver of the network, which is imported when the first question comes."""

    def __init__(self, nameservers: Sequence[str]) -> None:
        from mailsec.net.nameserver import parse_nameserver

        self._servers = tuple(parse_nameserver(text) for text in nameservers)
        self._resolver: DnsResolver | None = None

    async def query(self, name: str, rdtype: str) -> DnsAnswer:
        if self._resolver is None:
            from mailsec.net.resolver import DnsResolver

            self._resolver = DnsResolver(self._servers)
        return await self._resolver.query(name, rdtype)

    async def close(self) -> None:
        if self._resolver is not None:
            await self._resolver.close()


class _Web:
    """The fetcher of the network, which is imported when the first document is wanted."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._fetcher: HttpFetcher | None = None

    async def fetch(self, url: str, *, data: bytes | None = None, limit: int = 1 << 20) -> Fetched:
        if self._fetcher is None:
            from mailsec.net.fetcher import HttpFetcher

            self._fetcher = HttpFetcher(self._resolver)
        return await self._fetcher.fetch(url, data=data, limit=limit)

    async def close(self) -> None:
        if self._fetcher is not None:
            await self._fetcher.close()


class _Kept:
    """The key store of the settings, which is imported when it is wanted first, or there is one to be read."""

    def __init__(self, folder: Path, secrets: Secrets) -> None:
        self._folder = folder
        self._secrets = secrets
        self._store: FileKeyStore | None = None
        self._ring: StoredKeyRing | None = None

    def store(self) -> FileKeyStore:
        if self._store is None:
            from mailsec.store.keys import FileKeyStore

            self._store = FileKeyStore(self._folder, self._secrets.store)
        return self._store

    def existing(self) -> FileKeyStore | None:
        """The store, if anything was ever kept in it."""
        if self._store is None and not (self._folder / FILE_NAME).exists():
            return None
        return self.store()

    def certificates(self, address: str) -> Sequence[Certificate]:
        store = self.existing()
        return () if store is None else store.certificates(address)

    def capabilities(self, address: str) -> tuple[str, ...]:
        store = self.existing()
        return () if store is None else store.capabilities(address)

    def ring(self) -> KeyRing | None:
        """The private keys in it, if anything was ever kept."""
        store = self.existing()
        if store is None:
            return None
        if self._ring is None:
            from mailsec.store.keys import StoredKeyRing

            self._ring = StoredKeyRing(store)
        return self._ring


def _trust(settings: Settings, kept: _Kept | None) -> TrustStore:
    from mailsec.store.anchors import FileTrust, read_anchors, system_bundle

    own = [certificate for path in settings.trust for certificate in read_anchors(path)]
    bundle = system_bundle() if settings.system_trust else None
    return FileTrust(own, bundle, None if kept is None else kept.existing)


def _keys(settings: Settings, kept: _Kept | None, secrets: Secrets | None) -> KeyRing:
    """The private keys: those in files first, then the kept ones, then those of tokens."""
    rings: list[Callable[[], KeyRing | None]] = []
    if settings.identities:
        from mailsec.crypto import MemoryKeyRing
        from mailsec.store.identities import password_from, read_identities

        command = settings.password_command
        password: Callable[[], bytes] | None = None if command is None else lambda: password_from(command)
        ring = MemoryKeyRing()
        read_identities(ring, settings.identities, password)
        rings.append(lambda: ring)
    if kept is not None:
        rings.append(kept.ring)
    if settings.tokens and secrets is not None:
        from mailsec.store.keys.tokens import TokenKeyRing

        rings += [partial(_same, TokenKeyRing(module, secrets.token(module))) for module in settings.tokens]
    if not rings:
        return no_keys("there is no private key for {}: give one with --identity")
    from mailsec.store.keys.joined import JoinedKeyRing

    return JoinedKeyRing(rings)


def _same(ring: KeyRing) -> KeyRing:
    return ring


def _harvest(report: Report, kept: _Kept) -> None:
    from mailsec.errors import MailsecError
    from mailsec.store.keys.harvest import harvest

    with suppress(MailsecError):  # that it cannot be kept now says nothing of the message
        harvest(report, kept.store())


def _policy(settings: Settings) -> Policy:
    return Policy(trusted_sealers=settings.trusted_sealers)


def _conditions(settings: Settings) -> tuple[str, ...]:
    """What results depend on that the user has chosen; the verdict says so."""
    found = []
    if settings.dns_file is not None:
        found.append(f"DNS from {settings.dns_file.name}")
    if settings.at is not None:
        found.append(f"the time {settings.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
    return tuple(found)


def _delivery(message: Message, authserv_id: str | None) -> Moment | None:
    """The delivery by the reader's own server: its Received field on top, where we know how it calls itself.

    Anything below the topmost Received field may have been written by anybody.
    """
    field = message.header.first("received") if authserv_id else None
    if field is None or authserv_id is None:
        return None
    from mailsec.message import parse_date

    tokens, _, date = field.value.rpartition(";")
    words = tokens.lower().split()
    at = parse_date(date)
    by = words[words.index("by") + 1 :][:1] if "by" in words else []
    if at is None or by != [authserv_id.lower()]:
        return None
    return Moment(at.astimezone(UTC), "delivery")
