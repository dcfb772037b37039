"""What can be done on the screen of the keys: a table, of which its keys, hints and list of actions are made."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailsec.crypto.issue import can_decrypt
from mailsec.errors import LockedError, MailsecError, UsageError
from mailsec.hooks.types import KeptKey, KnownCertificate, TrustDecision
from mailsec.message import safe_file_name, safe_text
from mailsec.store.keys import read_limited, write_private
from mailsec.store.keys.importing import Found, Imported, addresses_in, keep_found, read_keys
from mailsec.store.keys.making import Kind, check_addresses, make_key, new_key, remove_key
from mailsec.store.keys.words import describe_kept_key, short
from mailsec.tui.screens.ask import Ask
from mailsec.tui.screens.keys.boxes import AskText, Sure
from mailsec.tui.screens.keys.deciding import decide
from mailsec.tui.screens.keys.details import DetailsScreen
from mailsec.tui.screens.keys.entries import Entry, Section, outline
from mailsec.tui.screens.keys.secret import AskSecret
from mailsec.tui.screens.pick import Pick

if TYPE_CHECKING:
    from mailsec.crypto import Certificate, PrivateKey
    from mailsec.store.keys import FileKeyStore
    from mailsec.tui.screens.keys.screen import KeysScreen

__all__ = ["ACTIONS", "KeyAction"]

_KINDS: tuple[tuple[str, Kind], ...] = (
    ("EC on P-256: signs and decrypts, small and quick", "ec"),
    ("RSA of 3072 bits: signs and decrypts, also with old programs", "rsa"),
    ("Ed25519: only signs, nobody can encrypt to it", "ed25519"),
)


_TITLES: dict[Section, str] = {
    "own": "Your key",
    "elsewhere": "Your key, in a file or on a token",
    "trusted": "Trusted by you",
    "known": "A correspondent's certificate",
}


def _always(_entry: Entry | None) -> bool:
    return True


def _any(entry: Entry | None) -> bool:
    return entry is not None


def _with_certificate(entry: Entry | None) -> bool:
    return entry is not None and entry.certificate is not None


def _can_be_trusted(entry: Entry | None) -> bool:
    return _with_certificate(entry) and entry is not None and not entry.trusted


def _decided(entry: Entry | None) -> bool:
    return entry is not None and (
        isinstance(entry.thing, TrustDecision) or (entry.section == "known" and entry.trusted)
    )


def _kept(entry: Entry | None) -> bool:
    return entry is not None and isinstance(entry.thing, KeptKey | KnownCertificate)


@dataclass(frozen=True, slots=True)
class KeyAction:
    """Something that can be done.

    Attributes:
        key: the key for it, as keymaps write it.
        word: what the line at the bottom calls it.
        help: what it does, in a sentence without its stop.
        run: does it.
        applies: whether it makes sense for the selected entry.
        otherwise: what to say where it does not.
        also: more keys.
    """

    key: str
    word: str
    help: str
    run: Callable[[KeysScreen], Coroutine[Any, Any, None]]
    applies: Callable[[Entry | None], bool] = _always
    otherwise: str = ""
    also: tuple[str, ...] = ()


# -- looking -------------------------------------------------------------------------------------------------


async def _details(screen: KeysScreen) -> None:
    entry = _current(screen)
    prints = "" if entry.certificate is None else entry.certificate.fingerprint
    items = outline(entry, screen.now, glyphs=screen.glyphs)
    await screen.app.push_screen_wait(DetailsScreen(_TITLES[entry.section], items, prints, glyphs=screen.glyphs))


async def _narrow(screen: KeysScreen) -> None:
    screen.narrow()


async def _choose(screen: KeysScreen) -> None:
    """All actions by name, which is help and palette in one."""
    actions = [one for one in ACTIONS if one.run is not _choose]
    chosen = await screen.app.push_screen_wait(Pick("What to do?", [f"{one.key:<6} {one.help}" for one in actions]))
    if chosen is not None:
        screen.perform(actions[chosen].key)


async def _leave(screen: KeysScreen) -> None:
    screen.leave()


# -- trust ---------------------------------------------------------------------------------------------------


async def _trust(screen: KeysScreen) -> None:
    entry = _current(screen)
    said = await decide(screen.app, screen.desk, entry.certificates[:1], screen.now)
    await _after(screen, said, trust=True)


async def _distrust(screen: KeysScreen) -> None:
    entry = _current(screen)
    certificate, address = entry.certificates[0], None
    if isinstance(entry.thing, TrustDecision):
        address = entry.thing.address
    details = [*_lines(entry, screen), "What it vouches for is then trusted no more. Nothing is forgotten."]
    if not await screen.app.push_screen_wait(Ask(f"Trust {entry.who} no longer?", *details)):
        return
    if not await screen.desk.ask(_take_back, certificate, address):
        raise UsageError("the configuration trusts it, under trust: it is trusted no longer when it is taken out there")
    await _after(screen, f"not trusted any more: {entry.who}", trust=True)


def _take_back(store: FileKeyStore, certificate: Certificate, address: str | None) -> int:
    return store.distrust(certificate, address)


# -- keys ----------------------------------------------------------------------------------------------------


async def _remove(screen: KeysScreen) -> None:
    entry = _current(screen)
    details = _lines(entry, screen)
    if isinstance(entry.thing, KeptKey):
        warning = "What was encrypted to this key can never be read again without a copy of it."
        sure = Sure(
            f"Forget the private key of {entry.who}?", [*details, "", warning], f"Type {Sure.YES} to forget it:"
        )
        if not await screen.app.push_screen_wait(sure):
            return
        await screen.desk.ask(_remove_key, entry.thing)
    elif isinstance(entry.thing, KnownCertificate):
        if not await screen.app.push_screen_wait(Ask(f"Forget this certificate of {entry.who}?", *details)):
            return
        await screen.desk.ask(_forget, entry.thing)
    await _after(screen, f"forgotten: {entry.who}", trust=isinstance(entry.thing, KeptKey))


def _remove_key(store: FileKeyStore, key: KeptKey) -> None:
    remove_key(store, key)


def _forget(store: FileKeyStore, known: KnownCertificate) -> int:
    return store.forget(known.certificate, known.address)


async def _make(screen: KeysScreen) -> None:
    desk = screen.desk
    details = ["A key with a certificate that it signs itself; your correspondents decide whether to trust it."]
    address = await _ask_address(screen, "A key of your own", "The address that it is for:", details)
    if address is None:
        return
    chosen = await screen.app.push_screen_wait(Pick("What kind of key?", [words for words, _ in _KINDS]))
    if chosen is None:
        return
    screen.say("making the key …")
    key = await desk.ask(lambda _store: new_key(_KINDS[chosen][1]))
    kept = await screen.with_password(lambda: desk.ask(_make_key, key, address, screen))
    only = "" if can_decrypt(key) else ", which only signs"
    await _after(screen, f"made{only}: tell your correspondents its fingerprint over another way than mail", trust=True)
    items = outline(Entry("own", short(address), kept.public_key, kept.certificates, "", True, kept), screen.now)
    prints = kept.certificates[0].fingerprint
    title = "Your new key. Tell your correspondents its fingerprint over another way than mail."
    await screen.app.push_screen_wait(DetailsScreen(title, items, prints, glyphs=screen.glyphs))


def _make_key(store: FileKeyStore, key: PrivateKey, address: str, screen: KeysScreen) -> KeptKey:
    return make_key(store, key, [address], now=screen.now)


async def _ask_address(screen: KeysScreen, title: str, label: str, details: list[str]) -> str | None:
    """An address; what is none is asked for again."""
    typed = ""
    while True:
        box = AskText(title, label, typed, details=details, hint="name@example.org")
        answer = await screen.app.push_screen_wait(box)
        if answer is None:
            return None
        try:
            check_addresses([answer])
        except UsageError as error:
            details, typed = [*details[:1], f"! {error}"], answer
        else:
            return answer


async def _password(screen: KeysScreen) -> None:
    desk = screen.desk
    keys = await desk.ask(_own_keys)
    if not keys:
        raise UsageError("no private key is kept, so there is no password to change")
    await screen.with_password(lambda: desk.ask(_open_one, keys[0]))  # who does not know the old one changes nothing
    failed: list[MailsecError] = []

    async def attempt(typed: bytes) -> str:
        try:
            await desk.ask(_change, typed)
        except MailsecError as error:
            failed.append(error)
        return ""

    count = f"your {len(keys)} private keys" if len(keys) > 1 else "your private key"
    details = [f"It encrypts {count} on the disk from now on; the old one opens nothing any more."]
    box = AskSecret("A new password for the kept keys", details, attempt, new=True, otherwise="keep the old one")
    if not await screen.app.push_screen_wait(box):
        return
    if failed:
        raise failed[0]
    command = screen.services.settings.password_command is not None
    also = "; password_command in the configuration still gives the old one" if command else ""
    screen.say(f"the password was changed{also}", wrong=command)


def _own_keys(store: FileKeyStore) -> tuple[KeptKey, ...]:
    return tuple(store.own_keys())


def _open_one(store: FileKeyStore, key: KeptKey) -> None:
    store.private_key(key.handle)


def _change(store: FileKeyStore, new: bytes) -> int:
    return store.change_password(new)


# -- files ---------------------------------------------------------------------------------------------------


async def _import(screen: KeysScreen) -> None:
    desk = screen.desk
    details = ["Private keys, or certificates of correspondents and authorities: PEM, PKCS#12, DER or PKCS#7."]
    answer = await screen.app.push_screen_wait(
        AskText("Import a file", "Which file?", details=details, hint="~/alice.p12")
    )
    if answer is None:
        return
    file = _path(answer)
    octets = await desk.ask(lambda _store: read_limited(file))
    found = await _read(screen, file, octets)
    if found is None:
        return
    addresses: list[str] = []
    nameless = [one for one in found if not addresses_in(_own_of(one)) and not _is_ca(one)]
    if nameless:
        title, label = "Whose is it?", "The address that it is for:"
        address = await _ask_address(screen, title, label, ["What is in the file names no e-mail address."])
        if address is None:
            return
        addresses.append(address)
    imported = await screen.with_password(lambda: desk.ask(_keep, found, file.name, addresses, screen))
    said = _said(imported)
    if imported.authorities:  # an authority is kept when it is trusted, and not for being in a file
        decided = await decide(screen.app, desk, imported.authorities, screen.now)
        said = "; ".join(filter(None, (said, decided or "the authority is not trusted, and so not kept")))
    await _after(screen, said, trust=bool(imported.authorities or imported.own or imported.keys))


async def _read(screen: KeysScreen, file: Path, octets: bytes) -> Found | None:
    """What is in a file, whose password is asked for where it has one; `None` where that was left."""
    found: list[Found] = []
    failed: list[MailsecError] = []

    async def attempt(typed: bytes) -> str:
        try:
            found.append(await screen.desk.ask(lambda _store: read_keys(octets, file.name, typed)))
        except LockedError as error:
            return str(error)
        except MailsecError as error:
            failed.append(error)
        return ""

    try:
        return await screen.desk.ask(lambda _store: read_keys(octets, file.name))
    except LockedError as error:
        locked = error
    except MailsecError as error:
        raise UsageError(f"{file.name} cannot be imported: {error}") from None
    title = locked.secret[0].upper() + locked.secret[1:]
    details = ["The file is encrypted. Its password is used once and not kept."]
    if not await screen.app.push_screen_wait(AskSecret(title, details, attempt, otherwise="leave the file")):
        return None
    if failed:
        raise UsageError(f"{file.name} cannot be imported: {failed[0]}")
    return found[0]


def _own_of(one: Any) -> tuple[Certificate, ...]:
    """The certificate of a key, or the certificate itself."""
    return tuple(one.certificates[:1]) if hasattr(one, "certificates") else (one,)


def _is_ca(one: Any) -> bool:
    return not hasattr(one, "certificates") and bool(one.is_ca)


def _keep(store: FileKeyStore, found: Found, name: str, addresses: list[str], screen: KeysScreen) -> Imported:
    return keep_found(store, found, name, addresses, screen.now)


def _said(imported: Imported) -> str:
    counted = (
        (len(imported.keys), "private key", "private keys"),
        (len(imported.own), "certificate of your key", "certificates of your keys"),
        (
            len(imported.known),
            "certificate, known and not yet trusted",
            "certificates, known and not yet trusted",
        ),
    )
    words = [f"{count} {one if count == 1 else many}" for count, one, many in counted if count]
    return f"imported: {', '.join(words)}" if words else ""


async def _export(screen: KeysScreen) -> None:
    entry = _current(screen)
    name = f"{safe_file_name(entry.who.split(',')[0]) or 'certificate'}.pem"
    details = ["The certificate as PEM, with those of its issuers as far as they are known. No private key is in it."]
    while True:
        box = AskText("Export a certificate", "To which file?", name, details=details)
        answer = await screen.app.push_screen_wait(box)
        if answer is None:
            return
        file = _path(answer)
        if not await screen.desk.ask(_is_there, file):
            break
        details, name = [*details[:1], "! There is a file of that name already, which is left as it is."], answer
    octets = b"".join(one.to_pem() for one in entry.certificates)
    await screen.desk.ask(lambda _store: write_private(file, octets))
    screen.say(f"the certificate is in {safe_text(str(file.absolute()))}")


def _is_there(_store: FileKeyStore, file: Path) -> bool:
    return file.exists()


def _path(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise UsageError(f"{text} names no home folder that there is") from None


# -- all -----------------------------------------------------------------------------------------------------


def _current(screen: KeysScreen) -> Entry:
    entry = screen.current
    assert entry is not None  # the table says which actions need one
    return entry


def _lines(entry: Entry, screen: KeysScreen) -> list[str]:
    if isinstance(entry.thing, KeptKey):
        return describe_kept_key(entry.thing, screen.now)[:3]  # the fingerprint is in the details
    return [f"{entry.kind()}, {entry.period(screen.now)}", *([entry.origin] if entry.origin else [])]


async def _after(screen: KeysScreen, said: str, *, trust: bool) -> None:
    """Shows what is kept now; the message behind is judged anew where that may have another verdict now."""
    await screen.reload()
    screen.say(said)
    if trust:
        await screen.changed()


_NO_ENTRY = "nothing is selected"
_NOTHING_TO_TRUST = "there is no certificate here that is not trusted already"
_NO_CERTIFICATE = "this key has no certificate yet"

ACTIONS: tuple[KeyAction, ...] = (
    KeyAction("enter", "details", "shows all that is known of it", _details, _any, _NO_ENTRY, ("l", "right", "o")),
    KeyAction("t", "trust", "trusts this certificate, after a question", _trust, _can_be_trusted, _NOTHING_TO_TRUST),
    KeyAction(
        "d", "distrust", "takes a decision to trust back", _distrust, _decided, "there is no decision to take back"
    ),
    KeyAction("i", "import", "imports keys or certificates from a file", _import),
    KeyAction("m", "make", "makes a key of your own", _make),
    KeyAction("/", "filter", "leaves what has a text in it", _narrow),
    KeyAction(
        "x",
        "forget",
        "forgets a key or a correspondent's certificate",
        _remove,
        _kept,
        "only kept keys and correspondents' certificates can be forgotten; d distrusts",
        ("delete",),
    ),
    KeyAction("e", "export", "writes the certificate to a file", _export, _with_certificate, _NO_CERTIFICATE),
    KeyAction("p", "password", "changes the password of your private keys", _password),
    KeyAction("q", "close", "closes the list", _leave, also=("escape",)),
    KeyAction("?", "all", "shows all that can be done here", _choose, also=(":", "f1", "ctrl+p")),
)
"""All of them, the most wanted first; the last one is always named at the bottom."""
