"""The whole demonstration mailbox is checked, and checked again from what was kept, with equal results."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from mailsec.checker import Checker
from mailsec.cli import main
from mailsec.config import load as load_settings
from mailsec.errors import FetchError, InputError
from mailsec.hooks import (
    Anchors,
    AuthResult,
    CertificateNote,
    CertificatePath,
    Context,
    Evidence,
    Fetched,
    Result,
    Verifier,
)
from mailsec.hooks.manager import Registered
from mailsec.message import Message, parse
from mailsec.pipeline import Report, Runner, Services
from mailsec.pipeline.evidence import from_json, to_json
from mailsec.pipeline.replay import keep, load
from mailsec.testing import make_resolver


@pytest.fixture
def mailbox(tmp_path: Path) -> Path:
    assert main(["demo", "--make", str(tmp_path / "mailbox")]) == 0
    return tmp_path / "mailbox"


async def test_every_message_of_the_demonstration(mailbox: Path) -> None:
    files = sorted((mailbox / "Maildir").glob("*/*"))
    async with Checker(load_settings(mailbox / "config.toml")) as checker:
        for file in files:
            message = parse(file.read_bytes())
            report = await checker.check(message)
            recorded = load(keep(report))
            runner = Runner(
                checker.manager.verifiers(),
                checker.manager.openers(),
                services=replace(recorded.services, keys=checker.services.keys),  # no evidence holds a key
                settings=checker.plugin_settings,
                conditions=recorded.conditions,
            )
            again = await runner.check(message, moment=recorded.moment, envelope=recorded.envelope)
            assert again.results == report.results, file.name
            assert again.verdict.level == report.verdict.level, file.name
            assert report.problems == (), file.name
    assert len(files) > 30


URL = "http://ocsp.example"


class Responder:
    """Answers each request differently, all at one URL."""

    async def fetch(self, url: str, *, data: bytes | None = None, limit: int = 1 << 20) -> Fetched:
        del limit
        if data == b"late":
            raise FetchError(f"{url} does not answer")
        return Fetched(url, 200, "application/ocsp-response", b"answer to " + (data or b"nothing"))


async def asked(context: Context) -> str:
    """What three requests to one URL come to, one without a body among them."""
    found = []
    for data in (b"one", b"two", None, b"late"):
        try:
            found.append((await context.fetcher.fetch(URL, data=data)).octets.decode())
        except FetchError as error:
            found.append(str(error))
    return ", ".join(found)


async def judged(services: Services, **options: object) -> Report:
    async def verify(message: Message, context: Context) -> list[AuthResult]:
        del message
        return [AuthResult("dkim", Result.NONE, await asked(context))]

    verifier = Registered(Verifier(name="dkim", methods=("dkim",), verify=verify), "test", "test", "1")
    return await Runner([verifier], [], services=services).check(parse(b"From: a@example.org\r\n\r\n"), **options)


async def test_answers_at_one_url_are_told_apart_by_what_was_asked() -> None:
    """RFC 6960 appendix A.1: requests that are too long for a GET are POSTed, all to the responder's one URL."""
    report = await judged(Services(make_resolver(), Responder()))
    reason = report.results[0].reason
    assert reason == f"answer to one, answer to two, answer to nothing, {URL} does not answer"
    recorded = load(keep(report))
    again = await judged(recorded.services, moment=recorded.moment)
    assert again.results == report.results
    with pytest.raises(FetchError, match="not in the kept evidence"):
        await recorded.services.fetcher.fetch(URL, data=b"three")


async def test_older_evidence_still_opens() -> None:
    """The first version kept an answer by its URL alone."""
    report = await judged(Services(make_resolver(), Responder()))
    table = json.loads(keep(report))
    table["evidence"] = 1
    piece = {"kind": "fetched", "url": URL, "status": 200, "media_type": "", "octets": "b2xk"}
    table["pieces"] = [piece, {"kind": "path", "certificates": [], "anchored": False}]
    fetcher = load(json.dumps(table)).services.fetcher
    assert (await fetcher.fetch(URL, data=b"one")).octets == (await fetcher.fetch(URL)).octets == b"old"
    table["evidence"] = 3
    with pytest.raises(InputError, match="version 3"):
        load(json.dumps(table))


NOTE = CertificateNote(1, "revoked", "revoked on 2026-01-01")
EVIDENCE = [
    Fetched(URL, 200, "application/ocsp-response", b"\x00\xff", "ab" * 32),
    Fetched(URL, 200, "application/ocsp-response", b""),
    Anchors(("aa", "bb"), "alice@example.org", (("aa", "your decision of 2026-01-10"),)),
    Anchors(("aa",)),
    CertificatePath((b"one", b"two"), True, (NOTE, CertificateNote(0, "failure", "it expired")), "tried"),
    CertificatePath((), False, (), "encryption"),
    CertificatePath((b"one",), True),
]


@pytest.mark.parametrize("evidence", EVIDENCE)
def test_evidence_is_read_back_as_it_was(evidence: Evidence) -> None:
    assert from_json(json.loads(json.dumps(to_json(evidence)))) == evidence


@pytest.mark.parametrize(
    "changes",
    [
        {"role": "king"},
        {"role": ["signer"]},
        {"notes": [{"place": -1, "kind": "good", "sentence": ""}]},
        {"notes": [{"place": 0, "kind": "fine", "sentence": ""}]},
        {"notes": [{"place": 0, "kind": "good", "sentence": 5}]},
        {"notes": 5},
    ],
)
def test_what_is_no_path_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(InputError):
        from_json({"kind": "path", "certificates": [], "anchored": True, **changes})
