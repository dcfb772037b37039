"""Which mailboxes there are, by what they are called and what they are for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsec.store import Maildir, Place, find_mailboxes
from mailsec.store.places import decode_utf7

FROM = b"From alice@example.org Fri Jul  8 12:08:34 2011\nA: 1\n\nx\n"


def shown(places: tuple[Place, ...]) -> list[str]:
    return [
        f"{'  ' * place.depth}{place.name} {place.kind}{f' {place.role}' if place.role else ''}" for place in places
    ]


def make(top: Path, *names: str) -> None:
    for name in names:
        Maildir.create(top / name)


def test_folders_of_maildir_plus_plus(tmp_path: Path) -> None:
    make(tmp_path, "Maildir", "Maildir/.Sent", "Maildir/.Lists", "Maildir/.Lists.Work", "Maildir/.Lists.Work.Old",
         "Maildir/.Gone.Away", "Maildir/.Entw&APw-rfe", "Maildir/.Trash")  # fmt: skip
    (tmp_path / "Maildir" / ".notmuch").mkdir()
    assert shown(find_mailboxes([tmp_path / "Maildir"])) == [
        "Maildir maildir inbox",
        "  Entwürfe maildir",
        "  Gone/Away maildir",
        "  Lists maildir",
        "    Work maildir",
        "      Old maildir",
        "  Sent maildir sent",
        "  Trash maildir trash",
    ]


def test_folders_in_folders(tmp_path: Path) -> None:
    make(
        tmp_path, "work/INBOX", "work/Sent Items", "work/archive/2025", "work/archive/2026", "work/Drafts", "work/spam"
    )
    (tmp_path / "work" / "old.mbox").write_bytes(FROM)
    (tmp_path / "work" / "sent-mail").write_bytes(FROM)
    (tmp_path / "work" / "empty.mbox").touch()
    (tmp_path / "work" / "notes.txt").write_text("From here on\n")
    (tmp_path / "work" / ".hidden").write_bytes(FROM)
    (tmp_path / "work" / "loop").symlink_to(tmp_path / "work")
    assert shown(find_mailboxes([tmp_path / "work"])) == [
        "INBOX maildir inbox",
        "archive/2025 maildir",
        "archive/2026 maildir",
        "Drafts maildir drafts",
        "empty.mbox mbox",
        "old.mbox mbox",
        "Sent Items maildir sent",
        "sent-mail mbox",
        "spam maildir junk",
    ]


def test_a_folder_inside_a_maildir_lies_in_it(tmp_path: Path) -> None:
    make(tmp_path, "Mail", "Mail/Lists", "Mail/Lists/Deep")
    assert shown(find_mailboxes([tmp_path / "Mail"])) == ["Mail maildir inbox", "  Lists maildir", "    Deep maildir"]


def test_roots_in_their_order(tmp_path: Path) -> None:
    make(tmp_path, "b", "a")
    (tmp_path / "c").write_bytes(FROM)
    found = find_mailboxes([tmp_path / "b", tmp_path / "gone", tmp_path / "c", tmp_path / "a", tmp_path / "a" / "cur"])
    assert [(place.name, place.kind, place.path) for place in found] == [
        ("b", "maildir", tmp_path / "b"),
        ("c", "mbox", tmp_path / "c"),
        ("a", "maildir", tmp_path / "a"),
    ]


def test_names_that_are_no_text(tmp_path: Path) -> None:
    Maildir.create(Path(os.fsdecode(os.fsencode(tmp_path) + b"/top/\xff")))
    (place,) = find_mailboxes([tmp_path / "top"])
    assert place.name == "\ufffd"
    assert list(Maildir(place.path).entries()) == []


def test_what_never_ends_is_left_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert find_mailboxes([tmp_path]) == ()


UTF7 = [
    ("INBOX", "INBOX"), ("Entw&APw-rfe", "Entwürfe"), ("&U,BTFw-", "台北"), ("a&-b", "a&b"),
    ("&", "&"), ("&AP-", "&AP-"), ("&2D0-", "&2D0-"), ("&2D3eAA-", "\U0001f600"), ("&!-", "&!-"),
    ("~peter/&ZeVnLIqe-", "~peter/日本語"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text"), UTF7)
def test_modified_utf_7(name: str, text: str) -> None:
    assert decode_utf7(name) == text


@given(st.text("&-,+/aAZ09é"))
def test_whatever_a_name_is(name: str) -> None:
    decode_utf7(name).encode()
