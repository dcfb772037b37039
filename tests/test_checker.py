"""The library's front door: `Checker`, `check` and `parse` from `mailsec`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import mailsec
from mailsec import Checker, Settings, check, parse
from mailsec.errors import ConfigError, FetchError, InputError, KeyFileError, UsageError
from mailsec.hooks import AuthResult, Envelope, Identity, Moment, Result, Verifier, hookimpl
from mailsec.hooks.manager import PluginManager
from mailsec.testing import CountingResolver, make_resolver

PLAIN = b"From: alice@example.org\r\nSubject: x\r\n\r\nbody\r\n"
DEFAULTS = Settings()
AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Witness:
    """A plugin that notes what it is handed."""

    __name__ = "witness"

    def __init__(self) -> None:
        self.seen: list[Any] = []

    @hookimpl
    def mailsec_verifiers(self) -> Sequence[Verifier]:
        async def verify(message: Any, context: Any) -> list[AuthResult]:
            await context.resolver.query("example.org", "TXT")
            self.seen.append((bytes(message), context.moment, context.envelope))
            return [AuthResult("x-witness", Result.PASS)]

        return [Verifier(name="witness", methods=("x-witness",), verify=verify)]


@pytest.fixture
def witness() -> Witness:
    return Witness()


def checker_with(witness: Witness, settings: Settings = DEFAULTS, **more: Any) -> Checker:
    manager = PluginManager(entry_points=(), extra={"witness": witness})
    return Checker(settings, manager=manager, **{"resolver": make_resolver(), **more})


def test_the_names_of_the_library() -> None:
    assert {"Checker", "check", "parse", "Message", "Report", "Settings", "Verdict"} <= set(dir(mailsec))


@pytest.mark.parametrize(
    "form", [bytes, bytearray, memoryview, parse], ids=["bytes", "bytearray", "memoryview", "Message"]
)
async def test_octets_or_a_message(witness: Witness, form: Any) -> None:
    async with checker_with(witness) as checker:
        report = await checker.check(form(PLAIN), file="a.eml", envelope=Envelope(client_ip="192.0.2.1"))
    ((octets, moment, envelope),) = witness.seen
    assert octets == PLAIN
    assert moment.source == "now"
    assert envelope.client_ip == "192.0.2.1"
    assert report.file == "a.eml"
    assert [result.method for result in report.results] == ["x-witness"]
    assert report.verdict.level == "unauthenticated"


async def test_many_at_the_same_time(witness: Witness) -> None:
    resolver = CountingResolver()
    async with checker_with(witness, resolver=resolver) as checker:
        reports = await asyncio.gather(*(checker.check(PLAIN, file=str(number)) for number in range(50)))
    assert [report.file for report in reports] == [str(number) for number in range(50)]
    assert len(witness.seen) == 50


async def test_once(tmp_path: Path) -> None:
    zone = tmp_path / "empty.zone"
    zone.touch()
    report = await check(PLAIN, Settings(dns_file=zone))
    assert report.verdict.row == 19
    assert report.conditions == ("DNS from empty.zone",)
    assert "empty.zone" in report.verdict.sentence


OURS = b"Received: from x by mx.example.net; Fri, 1 May 2026 12:00:00 +0000\r\n"

DELIVERY = [
    (
        "our own server's field",
        b"Received: from x by mx.example.net with ESMTPS;\r\n\tFri, 1 May 2026 14:00:00 +0200\r\n",
        "delivery",
    ),
    ("in other letters", b"Received: FROM x BY MX.Example.NET; Fri, 1 May 2026 12:00:00 +0000\r\n", "delivery"),
    ("another server's field", b"Received: from x by mx.example.com; Fri, 1 May 2026 12:00:00 +0000\r\n", "now"),
    ("a name that begins alike", b"Received: from x by mx.example.net.evil; Fri, 1 May 2026 12:00:00 +0000\r\n", "now"),
    (
        "ours is not on top",
        b"Received: from x by y; Fri, 1 May 2026 13:00:00 +0000\r\n" + OURS,
        "now",
    ),
    ("no date", b"Received: from x by mx.example.net\r\n", "now"),
    ("no field", b"", "now"),
]


@pytest.mark.parametrize(("fields", "source"), [c[1:] for c in DELIVERY], ids=[c[0] for c in DELIVERY])
async def test_the_time_that_matters_is_that_of_the_delivery_where_known(
    witness: Witness, fields: bytes, source: str
) -> None:
    async with checker_with(witness, Settings(authserv_id="mx.example.net")) as checker:
        await checker.check(fields + PLAIN)
    moment = witness.seen[0][1]
    assert moment.source == source
    if source == "delivery":
        assert moment == Moment(AT, "delivery")


async def test_without_our_servers_name_no_field_counts(witness: Witness) -> None:
    async with checker_with(witness) as checker:
        await checker.check(DELIVERY[0][1] + PLAIN)
    assert witness.seen[0][1].source == "now"


async def test_a_chosen_time_is_above_all(witness: Witness) -> None:
    async with checker_with(witness, Settings(authserv_id="mx.example.net", at=AT)) as checker:
        report = await checker.check(DELIVERY[0][1] + PLAIN)
    assert witness.seen[0][1] == Moment(AT, "chosen")
    assert report.conditions == ("the time 2026-05-01T12:00:00Z",)


def test_what_cannot_be_used_is_said_at_once(tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish"
    rubbish.write_bytes(b"\x00\x01\x02")
    for settings, error in (
        (Settings(dns_file=tmp_path / "missing"), InputError),
        (Settings(dns_file=rubbish), InputError),
        (Settings(trust=(rubbish,)), InputError),
        (Settings(identities=(rubbish,)), KeyFileError),
        (Settings(identities=(rubbish,), password_command="exit 3"), UsageError),
        (Settings(nameservers=("dns.example",)), ConfigError),
        (Settings(plugins={"nobody": {}}), ConfigError),
    ):
        with pytest.raises(error):
            Checker(settings)


def test_without_an_identity_there_is_no_key() -> None:
    keys = Checker(resolver=make_resolver()).services.keys
    assert keys.identities() == ()
    with pytest.raises(KeyFileError, match="--identity"):
        keys.sign(Identity("alice@example.org", "rsa"), None, b"")  # type: ignore[arg-type]


async def test_closing_without_a_question_asks_nothing() -> None:
    async with Checker():
        pass


async def test_nothing_is_fetched_where_dns_is_handed_in(witness: Witness, tmp_path: Path) -> None:
    zone = tmp_path / "zone"
    zone.write_text("")
    for checker in (checker_with(witness), checker_with(witness, Settings(dns_file=zone), resolver=None)):
        with pytest.raises(FetchError, match="nothing may be fetched"):
            await checker.services.fetcher.fetch("http://198.51.100.1/")


async def test_over_the_network_only_public_addresses_are_fetched_from(witness: Witness) -> None:
    async with checker_with(witness, resolver=None) as checker:
        with pytest.raises(FetchError, match="is not public"):
            await checker.services.fetcher.fetch("http://127.0.0.1/")


async def test_what_is_kept_is_used_by_itself(tmp_path: Path) -> None:
    """Anchors, decisions for one address, correspondents and keys of the key store, also where it is made later."""

    from mailsec.crypto import ECDSA_SHA256, PrivateIdentity, PrivateKey
    from mailsec.crypto.issue import make_own
    from mailsec.store.keys import FileKeyStore, Passwords

    now = datetime.now(UTC)
    key = PrivateKey.generate("ec")
    own = make_own(key, ["a@example.org"], not_before=now, not_after=now + timedelta(1)).certificate
    async with Checker(Settings(keys=tmp_path, password_command="echo secret")) as checker:
        services = checker.services
        assert (services.trust.anchors(), services.keys.identities()) == ((), ())
        assert services.correspondents.certificates("a@example.org") == ()
        assert list(tmp_path.iterdir()) == []
        store = FileKeyStore(tmp_path, Passwords("a", "them", command="echo secret"), cost=1 << 10)
        store.add_key(PrivateIdentity(key, (own,)), [])
        store.trust(own)
        store.trust(own, "a@example.org")
        store.remember("a@example.org", own, "file", "", now)
        store.remember_capabilities("a@example.org", ["aes256-gcm"], now)
        assert services.trust.anchors() == (own,)
        assert services.trust.trusted_for("a@example.org") == (own,)
        assert services.correspondents.certificates("a@example.org") == (own,)
        assert services.correspondents.capabilities("a@example.org") == ("aes256-gcm",)
        (identity,) = services.keys.identities()
        assert own.public_key.verify(services.keys.sign(identity, ECDSA_SHA256, b"x"), b"x", ECDSA_SHA256)
    async with Checker(Settings()) as checker:
        assert checker.key_store is None
