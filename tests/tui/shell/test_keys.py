"""Passwords and keys in a running client: what is asked, what counts as an answer, and what comes of it."""

from __future__ import annotations

import asyncio
import stat
import subprocess
import sys
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from mailsec.crypto import PrivateIdentity, PrivateKey, load_certificates, load_identities
from mailsec.crypto.issue import make_own
from mailsec.errors import KeyFileError
from mailsec.tui.screens.ask import Ask
from mailsec.tui.screens.keys.boxes import AskText, Sure
from mailsec.tui.screens.keys.details import DetailsScreen
from mailsec.tui.screens.keys.screen import KeysScreen
from mailsec.tui.screens.keys.secret import AskSecret
from mailsec.tui.screens.pick import Pick
from tests.tui.shell.keys import AT, PASSWORD, ROBIN, Correspondents, fill, open_store


@pytest.fixture(scope="session")
def people() -> Correspondents:
    return Correspondents()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No keyring, cheap passwords, notices that stay; and nobody waits for a busy processor to have nothing to do."""

    async def briefly(*_seconds: float) -> None:
        await asyncio.sleep(0.005)

    monkeypatch.setattr("mailsec.store.keys.passwords._keyring", lambda: None)
    monkeypatch.setattr("mailsec.tui.widgets.bars.NOTICE", 600.0)
    monkeypatch.setattr("mailsec.store.keys.keystore.COST", 1 << 10)
    monkeypatch.setattr("textual.app.wait_for_idle", briefly)
    monkeypatch.setattr("textual.pilot.wait_for_idle", briefly)


@pytest.fixture
def locked(demonstration: Any, people: Correspondents) -> Any:
    """The demonstration, whose reader's key is kept under a password."""
    folder = demonstration.root.parent
    fill(folder / "keys", folder / "reader.pem", people)
    return replace(demonstration, settings=replace(demonstration.settings, keys=folder / "keys"))


@pytest.fixture
def kept(home: Any, people: Correspondents) -> Any:
    """A small Maildir, with keys."""
    folder = home.root.parent / "keys"
    own = make_own(PrivateKey.generate("ec"), [ROBIN], not_before=AT, not_after=people.bob.certificate.not_after)
    fill(folder, PrivateIdentity(own.key, own.certificates), people)
    return replace(home, settings=replace(home.settings, keys=folder))


async def go_to(session: Any, name: str) -> None:
    """Selects the example of a name."""
    rows = [session.screen.messages.row(one) for one in session.screen.messages.shown.ids]
    session.screen.messages.cursor = next(at for at, row in enumerate(rows) if f".{name}:" in f"{row.key}:")
    await session.pilot.pause()


async def answer(session: Any, text: str) -> None:
    """Types into the box that asks, key by key as somebody would."""
    line = session.app.screen.focused
    assert isinstance(line, Input)
    line.value = text
    await session.pilot.pause()
    await session.pilot.press("enter")
    await session.pilot.pause()


async def until_box(session: Any, kind: type) -> Any:
    await session.until(lambda: isinstance(session.app.screen, kind), kind.__name__)
    return session.app.screen


def said(box: Any) -> str:
    return str(box.query_one(".box--trouble").render())


def seen(session: Any) -> str:
    strips = session.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


def reasons(session: Any) -> str:
    report = session.screen.pane.report
    return "; ".join(result.reason for result in report.results if result.method == "smime")


def opened(session: Any) -> bool:
    return session.screen.pane.report is not None and "decrypted" in reasons(session)


# -- a message that needs a password -------------------------------------------------------------------------


async def test_the_password_is_asked_when_the_message_is_opened_and_once(locked: Any, run: Any) -> None:
    async with run(locked, (80, 24)) as session:
        await go_to(session, "encrypted")
        await session.press("enter")
        box = await until_box(session, AskSecret)
        shown = seen(session)
        assert "The password of the kept keys" in shown
        assert ROBIN in shown
        assert "keys.sqlite" in shown
        await session.press(*"wrong")
        assert "wrong" not in seen(session)
        await session.press("enter")
        await session.until(
            lambda: "that is not the password of the kept keys; try again" in said(box), "the word on it"
        )
        assert box.focused.value == ""
        await answer(session, PASSWORD)
        await session.until(lambda: opened(session), "the text")
        assert session.app.screen is session.screen
        await session.until(lambda: "The surprise on Saturday" in session.subjects or opened(session))
        await session.press("q")
        await go_to(session, "encrypted-triple")
        await session.press("enter")
        await session.until(lambda: opened(session), "the other one")
        assert session.app.screen is session.screen  # nothing was asked


async def test_a_message_that_is_only_looked_at_asks_nothing(locked: Any, run: Any) -> None:
    async with run(locked, (120, 40)) as session:
        await go_to(session, "encrypted")
        await session.until(lambda: session.screen.pane.report is not None and "not known" in reasons(session))
        await session.pilot.pause(0.1)
        assert session.app.screen is session.screen
        assert "Unlock asks for it" in " ".join(seen(session).split())
        await session.press("enter")
        await until_box(session, AskSecret)


async def test_without_an_answer_the_message_stays_closed_and_says_how_to_open_it(locked: Any, run: Any) -> None:
    async with run(locked, (80, 24)) as session:
        await go_to(session, "encrypted")
        await session.press("enter")
        await until_box(session, AskSecret)
        await session.press("escape")
        await session.until(lambda: "stays closed; L asks again" in session.bottom, "the word on it")
        assert not opened(session)
        await session.press("q")
        await go_to(session, "encrypted-triple")
        await session.press("l")  # it was just said that nobody wants to be asked
        await session.until(lambda: session.screen.pane.report is not None)
        await session.pilot.pause(0.1)
        assert session.app.screen is session.screen
        await session.press("L")
        await until_box(session, AskSecret)
        await answer(session, PASSWORD)
        await session.until(lambda: opened(session), "the text")


async def test_opening_it_again_asks_again(locked: Any, run: Any) -> None:
    async with run(locked, (80, 24)) as session:
        await go_to(session, "encrypted")
        for _ in range(2):
            await session.press("enter")
            await until_box(session, AskSecret)
            await session.press("escape")
            await session.until(lambda: session.app.screen is session.screen)
            await session.press("q")


async def test_nobody_is_asked_where_nothing_is_locked(home: Any, run: Any) -> None:
    async with run(home) as session:
        await session.press("L")
        await session.until(lambda: "waits for no password" in session.bottom)


async def test_what_is_typed_cannot_be_copied(locked: Any, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    async with run(locked, (80, 24)) as session:
        monkeypatch.setattr(session.app, "copy_to_clipboard", copied.append)
        await go_to(session, "encrypted")
        await session.press("enter")
        box = await until_box(session, AskSecret)
        await session.press(*"secret")
        box.focused.select_all()
        await session.press("ctrl+c", "ctrl+x")
        assert copied == []
        assert box.focused.value == "secret"


async def test_verifying_the_folder_never_asks(locked: Any, run: Any) -> None:
    async with run(locked, (80, 24)) as session:
        await session.press("V")
        await session.until(lambda: "have a verdict" in session.bottom, "the end")
        assert session.app.screen is session.screen


# -- the screen ----------------------------------------------------------------------------------------------


@asynccontextmanager
async def keys_of(session: Any, *words: str) -> Any:
    """The screen of the keys, with the entry selected that has some words in it."""
    await session.press("ctrl+k")
    screen = await until_box(session, KeysScreen)
    await session.until(lambda: screen.loaded, "the keys")
    if words:
        select(screen, *words)
        await session.pilot.pause()
    yield screen


def select(screen: Any, section: str, who: str = "") -> None:
    rows = screen.list._rows
    screen.list.select(
        next(n for n, row in enumerate(rows) if getattr(row, "section", "") == section and who in row.who)
    )


def listed(screen: Any) -> list[tuple[str, str]]:
    return [(row.section, row.who) for row in screen.list._rows if hasattr(row, "section")]


def bottom(screen: Any) -> str:
    return str(screen.query_one("#key-bottom").text)


ALL = [
    ("own", ROBIN),
    ("trusted", "Example Root (authority)"),
    ("trusted", "bob@example.net"),
    ("known", "alice@example.org"),
    ("known", "bob@example.net"),
    ("known", "carol@example.com"),
    ("known", "mallory@example.com"),
]


async def test_everything_is_listed_and_expired_ones_say_so(kept: Any, run: Any) -> None:
    async with run(kept) as session, keys_of(session) as screen:
        assert listed(screen) == ALL
        text = seen(session)
        assert "expired on 2026-04-07" in next(line for line in text.splitlines() if "carol@" in line)
        assert next(line for line in text.splitlines() if "carol@" in line).strip().startswith("!")
        assert "your keys" in text
        assert "correspondents" in text


NARROWED = [
    ("bob", [("trusted", "bob@example.net"), ("known", "bob@example.net")]),
    ("expired", [("known", "carol@example.com")]),
    ("rsa", [("known", "carol@example.com")]),
    ("example root", [("trusted", "Example Root (authority)"), ("known", "alice@example.org")]),
    ("nobody like that", []),
]


async def test_typing_narrows_the_list(kept: Any, run: Any, people: Correspondents) -> None:
    prints = people.alice.certificate.fingerprint[:12].upper()
    by_print = (f"{prints[:4]} {prints[4:8]} {prints[8:]}", [("known", "alice@example.org")])
    async with run(kept) as session, keys_of(session) as screen:
        for words, entries in [*NARROWED, by_print]:
            await session.press("/")
            screen.focused.value = words
            await session.pilot.pause()
            assert listed(screen) == entries, words
            await session.press("escape")
        assert listed(screen) == ALL
        await session.press("escape")
        assert session.app.screen is session.screen


async def test_foreign_names_are_just_text(kept: Any, run: Any) -> None:
    async with run(kept) as session, keys_of(session, "known", "mallory") as screen:
        await session.press("enter")
        await until_box(session, DetailsScreen)
        text = seen(session)
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "[bold]x[/red]" in text
        await session.press("escape")
        assert session.app.screen is screen


async def test_the_details_of_a_certificate(kept: Any, run: Any, people: Correspondents) -> None:
    prints = people.alice.certificate.fingerprint.upper()
    async with run(kept, (80, 24)) as session, keys_of(session, "known", "alice"):
        await session.press("enter")
        await until_box(session, DetailsScreen)
        text = seen(session)
        for expected in (
            prints[:4] + " " + prints[4:8],
            "P-256, signs and decrypts",
            "from a verified message",
            "Example Root",
        ):
            assert expected in text


async def test_trust_is_given_by_a_whole_yes_alone(kept: Any, run: Any, people: Correspondents) -> None:
    store = open_store(kept.settings.keys)
    before = store.decisions()
    async with run(kept, (80, 24)) as session, keys_of(session, "known", "alice") as screen:
        for refusal in ("", "y", "ye", "sure"):
            await session.press("t")
            box = await until_box(session, Sure)
            await answer(session, refusal)
            assert "only the whole word yes counts" in said(box)
            await session.press("escape")
            await session.until(lambda: session.app.screen is screen)
        assert store.decisions() == before
        await session.press("t")
        await until_box(session, Sure)
        text = seen(session)
        prints = people.alice.certificate.fingerprint.upper()
        assert all(prints[at : at + 4] in text for at in range(0, 64, 4))
        assert "alice@example.org alone" in text
        await answer(session, "yes")
        await session.until(lambda: "trusted: alice@example.org" in bottom(screen), "the word on it")
        assert ("trusted", "alice@example.org") in listed(screen)
    assert [(one.certificate, one.address) for one in store.decisions()[len(before) :]] == [
        (people.alice.certificate, "alice@example.org")
    ]


async def test_what_is_trusted_already_is_not_asked_about(kept: Any, run: Any) -> None:
    async with run(kept) as session, keys_of(session, "known", "bob") as screen:
        await session.press("t")
        await session.until(lambda: "not trusted already" in bottom(screen))


async def test_decisions_are_taken_back(kept: Any, run: Any, people: Correspondents) -> None:
    store = open_store(kept.settings.keys)
    async with run(kept) as session, keys_of(session) as screen:
        for section, who in (("trusted", "bob"), ("trusted", "Root"), ("known", "alice")):
            if section == "known":  # from there all that was decided about the certificate
                store.trust(people.alice.certificate, "alice@example.org")
                await screen.reload()
            select(screen, section, who)
            count = len(store.decisions())
            for key, left in (("n", count), ("y", count - 1)):
                await session.press("d")
                await until_box(session, Ask)
                await session.press(key)
                await session.until(lambda: session.app.screen is screen)
                await session.until(lambda left=left: len(store.decisions()) == left)
            await session.until(lambda: "not trusted any more" in bottom(screen))
        assert len(store.known()) == 4  # nothing is forgotten for that


async def test_what_does_not_go_says_why(kept: Any, run: Any) -> None:
    async with run(kept) as session, keys_of(session, "known", "alice") as screen:
        await session.press("d")
        assert "no decision to take back" in bottom(screen)
        select(screen, "trusted", "Root")
        await session.press("x")
        assert "can be forgotten" in bottom(screen)


async def test_a_correspondents_certificate_is_forgotten(kept: Any, run: Any) -> None:
    async with run(kept) as session, keys_of(session, "known", "carol") as screen:
        await session.press("x")
        await until_box(session, Ask)
        await session.press("y")
        await session.until(lambda: ("known", "carol@example.com") not in listed(screen))


async def test_a_private_key_is_forgotten_by_a_whole_yes_alone(kept: Any, run: Any) -> None:
    store = open_store(kept.settings.keys)
    async with run(kept) as session, keys_of(session, "own") as screen:
        await session.press("x")
        await until_box(session, Sure)
        assert "can never be read again" in " ".join(seen(session).split())
        await answer(session, "y")
        await session.press("escape")
        await session.until(lambda: session.app.screen is screen)
        assert len(store.own_keys()) == 1
        await session.press("x")
        await until_box(session, Sure)
        await answer(session, "yes")
        await session.until(lambda: ("own", ROBIN) not in listed(screen))
    assert store.own_keys() == ()


# -- making, importing, exporting ----------------------------------------------------------------------------


@pytest.fixture
def empty(home: Any) -> Any:
    """Where nothing is kept yet."""
    return replace(home, settings=replace(home.settings, keys=home.root.parent / "keys"))


async def test_a_first_key_is_made_under_a_new_password(empty: Any, run: Any) -> None:
    async with run(empty) as session, keys_of(session) as screen:
        text = " ".join(seen(session).split())
        assert "none yet: m makes one" in text
        await session.press("m")
        await until_box(session, AskText)
        await answer(session, "no address")
        await session.until(lambda: "is no e-mail address" in seen(session))
        await answer(session, ROBIN)
        await until_box(session, Pick)
        await session.press("enter")
        box = await until_box(session, AskSecret)
        await answer(session, "one")
        await answer(session, "two")
        assert "not the same" in said(box)
        for _ in range(2):
            await answer(session, PASSWORD)
        await until_box(session, DetailsScreen)
        assert "Your new key" in seen(session)
        await session.press("escape")
        assert ("own", ROBIN) in listed(screen)
        assert ("trusted", ROBIN) in listed(screen)
        await session.press("m")
        await until_box(session, AskText)
        await answer(session, ROBIN)
        await until_box(session, Pick)
        await session.press("down", "down", "enter")  # the password is known by now
        await until_box(session, DetailsScreen)
        assert "Ed25519, only signs" in seen(session)
    store = open_store(empty.settings.keys)
    assert len([store.private_key(one.handle) for one in store.own_keys()]) == 2


async def test_a_wrong_password_keeps_no_second_key(kept: Any, run: Any) -> None:
    async with run(kept) as session, keys_of(session) as screen:
        await session.press("m")
        await until_box(session, AskText)
        await answer(session, "robin@example.org")
        await until_box(session, Pick)
        await session.press("enter")
        box = await until_box(session, AskSecret)
        await answer(session, "wrong")
        await session.until(lambda: "try again" in said(box))
        await session.press("escape")
        await session.until(lambda: "nothing was done" in bottom(screen))
    assert len(open_store(kept.settings.keys).own_keys()) == 1


async def test_a_private_key_is_imported_with_the_password_of_its_file(empty: Any, run: Any, tmp_path: Path) -> None:
    own = make_own(PrivateKey.generate("ec"), ["robin@example.org"], not_before=AT, not_after=AT.replace(year=2027))
    (tmp_path / "own").write_bytes(own.to_pkcs12(b"of the file"))
    async with run(empty) as session, keys_of(session) as screen:
        await session.press("i")
        await until_box(session, AskText)
        await answer(session, str(tmp_path / "own"))
        box = await until_box(session, AskSecret)
        assert "The password of own" in seen(session)
        await answer(session, "wrong")
        await session.until(lambda: "wrong" in said(box), "the word on it")
        await answer(session, "of the file")
        await session.until(lambda: session.app.screen is not box and isinstance(session.app.screen, AskSecret))
        assert "new password for the kept keys" in seen(session)
        for _ in range(2):
            await answer(session, PASSWORD)
        await session.until(lambda: "imported: 1 private key" in bottom(screen))
        assert listed(screen)[0] == ("own", "robin@example.org")


async def test_certificates_are_imported_and_an_authority_only_by_a_decision(
    empty: Any, run: Any, tmp_path: Path, people: Correspondents
) -> None:
    (tmp_path / "people.pem").write_bytes(b"".join(one.certificate.to_pem() for one in (people.alice, people.root)))
    store = open_store(empty.settings.keys)
    async with run(empty) as session, keys_of(session) as screen:
        for text, decisions in (("no", 0), ("yes", 1)):
            await session.press("i")
            await until_box(session, AskText)
            await answer(session, str(tmp_path / "people.pem"))
            await until_box(session, Sure)
            assert "as an authority" in seen(session)
            await answer(session, text)
            await session.until(lambda: "imported: 1 certificate" in bottom(screen))
            assert len(store.decisions()) == decisions
            assert len(store.known()) == 1


async def test_a_file_that_is_none_is_a_sentence(empty: Any, run: Any, tmp_path: Path) -> None:
    (tmp_path / "junk").write_bytes(b"junk")
    async with run(empty) as session, keys_of(session) as screen:
        for name, words in (("missing", "cannot be read"), ("junk", "junk cannot be imported")):
            await session.press("i")
            await until_box(session, AskText)
            await answer(session, str(tmp_path / name))
            await session.until(lambda words=words: words in bottom(screen), words)


async def test_a_certificate_is_exported_and_nothing_replaced(
    kept: Any, run: Any, tmp_path: Path, people: Correspondents
) -> None:
    (tmp_path / "taken").write_text("mine")
    async with run(kept) as session, keys_of(session, "known", "alice") as screen:
        await session.press("e")
        box = await until_box(session, AskText)
        assert box.focused.value == "alice@example.org.pem"
        await answer(session, str(tmp_path / "taken"))
        await session.until(lambda: "left as it is" in seen(session))
        await answer(session, str(tmp_path / "alice.pem"))
        await session.until(lambda: "the certificate is in" in bottom(screen))
    assert (tmp_path / "taken").read_text() == "mine"
    assert load_certificates((tmp_path / "alice.pem").read_bytes()) == (people.alice.certificate,)
    assert stat.S_IMODE((tmp_path / "alice.pem").stat().st_mode) == 0o600
    with pytest.raises(KeyFileError):
        load_identities((tmp_path / "alice.pem").read_bytes())


async def test_the_password_is_changed_by_who_knows_the_old_one(kept: Any, run: Any) -> None:
    async with run(kept) as session, keys_of(session) as screen:
        await session.press("p")
        box = await until_box(session, AskSecret)
        await answer(session, "wrong")
        await session.until(lambda: "try again" in said(box))
        await answer(session, PASSWORD)
        await session.until(lambda: session.app.screen is not box and isinstance(session.app.screen, AskSecret))
        assert "A new password" in seen(session)
        for _ in range(2):
            await answer(session, "battery staple")
        await session.until(lambda: "the password was changed" in bottom(screen))
    (key,) = open_store(kept.settings.keys, "battery staple").own_keys()
    assert open_store(kept.settings.keys, "battery staple").private_key(key.handle)
    with pytest.raises(KeyFileError, match="is wrong"):
        open_store(kept.settings.keys).private_key(key.handle)


async def test_all_that_can_be_done_is_listed(kept: Any, run: Any) -> None:
    async with run(kept) as session, keys_of(session, "known", "alice") as screen:
        await session.press("?")
        await until_box(session, Pick)
        await session.type("writes the certificate")
        await until_box(session, AskText)
        await session.press("escape")
        await session.until(lambda: session.app.screen is screen)


async def test_where_nothing_can_be_kept_there_is_a_word_on_it(home: Any, run: Any) -> None:
    async with run(home) as session, keys_of(session) as screen:
        for key in ("m", "i", "p"):
            await session.press(key)
            await session.until(lambda: "name no folder for keys" in bottom(screen))


# -- the signer of a message ---------------------------------------------------------------------------------


async def test_the_signer_is_trusted_from_the_message_which_is_judged_anew(
    locked: Any, run: Any, people: Correspondents
) -> None:
    home = replace(locked, settings=replace(locked.settings, trust=()))
    async with run(home, (120, 40)) as session:
        await go_to(session, "smime-rsa")
        await session.until(lambda: session.screen.pane.report is not None)
        assert session.screen.pane.report.verdict.level == "warning"
        await session.press("+")
        await session.until(lambda: isinstance(session.app.screen, Sure | Pick))
        if isinstance(session.app.screen, Pick):
            await session.type("alice@example.org")
        await until_box(session, Sure)
        await answer(session, "yes")
        await session.until(lambda: session.screen.pane.report.verdict.level == "verified", "the other verdict")
        await session.press("ctrl+k")
        screen = await until_box(session, KeysScreen)
        await session.until(lambda: screen.loaded)
        select(screen, "trusted", "alice")
        await session.press("d")
        await until_box(session, Ask)
        await session.press("y")
        await session.until(lambda: session.screen.pane.report.verdict.level == "warning", "the verdict without it")


async def test_where_nobody_signed_there_is_nobody_to_trust(home: Any, run: Any) -> None:
    async with run(home) as session:
        await session.press("+")
        await session.until(lambda: "nobody has signed this message" in session.bottom)


def test_the_start_of_the_client_waits_for_no_certificates() -> None:
    names = ("cryptography", "mailsec.store.keys.keystore")
    code = f"import sys, mailsec.tui.app; print(*(name in sys.modules for name in {names!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
