"""Kept verdicts: what this installation did not keep, or not about this message, is not believed."""

from __future__ import annotations

import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mailsec.checker import Checker
from mailsec.errors import InputError, SealError
from mailsec.pipeline.replay import load
from mailsec.store.keeper import KEY_LENGTH, Keeper, is_current, read_key
from mailsec.store.types import KeptVerdict

LETTER = b"From: Alice <alice@example.org>\r\nSubject: =?utf-8?q?=E2=9C=93?=\r\n\r\nHello\r\n"
KEY = bytes(range(KEY_LENGTH))


@pytest.fixture
async def kept() -> KeptVerdict:
    async with Checker() as checker:
        return Keeper(KEY).keep(await checker.check(LETTER), at=1_700_000_000)


def test_what_was_kept_is_believed(kept: KeptVerdict) -> None:
    opened = Keeper(KEY).open(kept, LETTER)
    assert (opened.level, opened.temporary, opened.at) == ("unauthenticated", False, 1_700_000_000)
    assert "nobody vouches" in opened.sentence.lower()
    assert load(opened.evidence).moment.source == "now"
    assert is_current(opened)


def test_every_kind_of_octets_is_the_same_message(kept: KeptVerdict) -> None:
    assert Keeper(KEY).open(kept, memoryview(LETTER)) == Keeper(KEY).open(kept, LETTER)


@pytest.mark.parametrize(
    "change",
    [
        {"level": "verified"},
        {"identity": "bob@example.org"},
        {"sentence": "All is well."},
        {"temporary": True},
        {"at": 1_700_000_001},
        {"evidence": ""},
        {"evidence": "0" * 64},
        {"evidence": "\n"},
        {"evidence": "\udcff\n{}"},
        {"sentence": "\ud800"},
    ],
    ids=lambda change: f"{next(iter(change))}={next(iter(change.values()))!r}",
)
def test_a_change_breaks_the_seal(kept: KeptVerdict, change: dict[str, object]) -> None:
    with pytest.raises(SealError, match="does not carry the seal"):
        Keeper(KEY).open(replace(kept, **change), LETTER)  # type: ignore[arg-type]


def test_every_octet_of_the_evidence_is_sealed(kept: KeptVerdict) -> None:
    text = kept.evidence
    for at in range(len(text)):
        changed = text[:at] + ("x" if text[at] != "x" else "y") + text[at + 1 :]
        with pytest.raises(SealError):
            Keeper(KEY).open(replace(kept, evidence=changed), LETTER)


def test_text_does_not_move_between_fields(kept: KeptVerdict) -> None:
    moved = replace(kept, identity=kept.identity + kept.sentence[:3], sentence=kept.sentence[3:])
    with pytest.raises(SealError):
        Keeper(KEY).open(moved, LETTER)


def test_the_seal_holds_for_one_message_and_one_installation(kept: KeptVerdict) -> None:
    with pytest.raises(SealError):
        Keeper(KEY).open(kept, LETTER + b"\r\n")
    with pytest.raises(SealError):
        Keeper(bytes(KEY_LENGTH)).open(kept, LETTER)


@pytest.mark.parametrize(
    ("change", "current"),
    [
        ({}, True),
        ({"temporary": True}, False),
        ({"evidence": '{"policy": "0"}'}, False),
        ({"evidence": "{}"}, False),
        ({"evidence": "[]"}, False),
        ({"evidence": ""}, False),
        ({"evidence": "[" * 100_000}, False),
    ],
)
def test_what_is_temporary_or_of_another_policy_is_not_current(
    kept: KeptVerdict, change: dict[str, object], current: bool
) -> None:
    assert is_current(replace(Keeper(KEY).open(kept, LETTER), **change)) is current  # type: ignore[arg-type]


# -- the key -------------------------------------------------------------------------------------------------


def test_the_key_is_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    key = read_key(tmp_path)
    assert len(key) == KEY_LENGTH
    assert read_key(tmp_path) == key
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_key(tmp_path, random=lambda count: b"x" * count) == key


def test_two_installations_have_two_keys(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert read_key(tmp_path / "a") != read_key(tmp_path / "b")


@pytest.mark.parametrize("damaged", [b"", b"short", b"x" * (KEY_LENGTH + 1)])
def test_a_damaged_key_is_set_aside_and_told(tmp_path: Path, damaged: bytes) -> None:
    (tmp_path / "verdicts.key").write_bytes(damaged)
    told: list[str] = []
    key = read_key(tmp_path, tell=told.append)
    assert len(key) == KEY_LENGTH
    assert "damaged" in told[0]
    assert (tmp_path / "verdicts.key.damaged").read_bytes() == damaged


def test_a_folder_that_is_not_there_is_a_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read or made: No such file"):
        read_key(tmp_path / "missing")


def test_processes_that_ask_at_once_get_the_same_key(tmp_path: Path) -> None:
    script = (
        "import pathlib; from mailsec.store.keeper import read_key; input(); print(read_key(pathlib.Path('.')).hex())"
    )
    asking = [
        subprocess.Popen(
            [sys.executable, "-c", script], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(6)
    ]
    for one in asking:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    keys = {one.communicate(timeout=60)[0] for one in asking}
    assert keys == {f"{read_key(tmp_path).hex()}\n"}
    assert [file.name for file in tmp_path.iterdir()] == ["verdicts.key"]
