"""The configuration: strict, and every error names the file, the line or table, and the key."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailsec.config import ClientSettings, Settings, key_folder, load, locate, mail_roots, state_folder
from mailsec.errors import ConfigError

FULL = """
timeout = 5
authserv-id = "mx.example.org"
dns_file = "zones/test.zone"
at = 2026-05-01T14:00:00+02:00
trust = ["ca.pem", "/etc/ssl/more.pem"]
identities = ["~/me.p12"]
password_command = "pass mail"
nameservers = ["192.0.2.53"]
trusted_sealers = ["lists.example.net"]
mail = ["~/Maildir", "/var/mail/me"]

[client]
theme = "contrast"
keys = "mutt"
glyphs = false
verify-folders = true
state = "state"
bindings = {"ctrl+x" = "quit"}
searches = {boss = "from:boss@example.org"}

[plugins]
disabled = ["smime"]

[plugins.dkim]
minimum_bits = 2048
"""


def test_all_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    file = tmp_path / "config.toml"
    file.write_text(FULL)
    assert load(file) == Settings(
        timeout=5.0,
        authserv_id="mx.example.org",
        dns_file=tmp_path / "zones/test.zone",
        at=datetime(2026, 5, 1, 12, tzinfo=UTC),
        trust=(tmp_path / "ca.pem", Path("/etc/ssl/more.pem")),
        identities=(tmp_path / "home/me.p12",),
        password_command="pass mail",
        nameservers=("192.0.2.53",),
        trusted_sealers=frozenset({"lists.example.net"}),
        mail=(tmp_path / "home/Maildir", Path("/var/mail/me")),
        client=ClientSettings(
            theme="contrast",
            keys="mutt",
            glyphs=False,
            verify_folders=True,
            state=tmp_path / "state",
            bindings={"ctrl+x": "quit"},
            searches={"boss": "from:boss@example.org"},
        ),
        plugins={"dkim": {"minimum_bits": 2048}},
        disabled=frozenset({"smime"}),
        source=file,
    )


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"MAILSEC_CONFIG": "/x/y.toml", "XDG_CONFIG_HOME": "/c", "HOME": "/h"}, "/x/y.toml"),
        ({"XDG_CONFIG_HOME": "/c", "HOME": "/h"}, "/c/mailsec/config.toml"),
        ({"XDG_CONFIG_HOME": "relative", "HOME": "/h"}, "/h/.config/mailsec/config.toml"),
        ({"HOME": "/h"}, "/h/.config/mailsec/config.toml"),
    ],
)
def test_where_it_lies(environ: dict[str, str], path: str) -> None:
    assert str(locate(environ)) == path


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert load(environ={"HOME": str(tmp_path)}) == Settings()


@pytest.mark.parametrize("named", ["argument", "environment"])
def test_a_file_that_was_named_must_be_there(named: str, tmp_path: Path) -> None:
    missing = tmp_path / "missing.toml"
    with pytest.raises(ConfigError, match=r"missing\.toml: there is no such configuration file"):
        load(missing) if named == "argument" else load(environ={"MAILSEC_CONFIG": str(missing)})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("timeout = 0", "timeout should be a number of seconds above 0"),
        ("timeout = nan", "timeout should be"),
        ("authserv_id = ''", "authserv_id should be one word"),
        ("authserv_id = 'mx example'", "authserv_id should be one word"),
        ("timeout = '5'", "timeout should be a number, not '5'"),
        ("timout = 5", "there is no key 'timout'; did you mean 'timeout'?"),
        ("authserv-id = 'a'\nauthserv_id = 'b'", "the key 'authserv_id' is given twice"),
        ("source = 'x'", "there is no key 'source'"),
        ("disabled = ['x']", "there is no key 'disabled'"),
        ("at = 2026-05-01T12:00:00", "at should be a date and time with its offset"),
        ("at = 2026-05-01", "at should be a date and time with its offset, such as 2026-01-31T12:00:00Z, not a date"),
        ("trust = 'ca.pem'", "trust should be a list, each a path, not 'ca.pem'"),
        ("trust = [1]", "trust should be a path, not a whole number"),
        ("trust = ['']", "trust should be a path, not ''"),
        ("mail = '~/Maildir'", "mail should be a list, each a path"),
        ("client = 3", "client should be a table"),
        (
            "[client]\ntheme = 'pink'",
            "[client]: theme should be one of 'dark', 'light', 'contrast', 'plain', not 'pink'",
        ),
        ("[client]\nkeys = 'vi'", "[client]: keys should be one of 'mailsec', 'mutt', 'aerc', not 'vi'"),
        ("[client]\nglyph = true", "[client]: there is no key 'glyph'; did you mean 'glyphs'?"),
        ("[client]\nglyphs = 1", "[client]: glyphs should be true or false"),
        ("[client.bindings]\nx = 1", "[client]: bindings.x should be text"),
        ("plugins = 3", "plugins should be a table"),
        ("[plugins]\ndisabled = 'x'", "[plugins]: disabled should be a list"),
        ("[plugins]\ndkim = 3", "[plugins]: 'dkim' should be a table, [plugins.dkim]"),
        ("[[plugins.dkim]]\nx = 1", "[plugins]: 'dkim' should be a table"),
        ("x = [", "this is no TOML"),
        (f"timeout = {'9' * 5000}", "this is no TOML: Exceeds the limit"),
        ("a = 1\n\n= 2", "line 3"),
        ("x = " + "[" * 100_000, "nested too deeply"),
        ("# " + "x" * (1 << 20), "longer than"),
    ],
)
def test_errors_name_the_file_and_what_is_wrong_in_it(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert words in str(caught.value)


def test_octets_that_are_no_text_are_found_by_their_line(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(b"timeout = 5\n# \xff\n")
    with pytest.raises(ConfigError, match="line 2 is not UTF-8"):
        load(file)


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)


def test_the_time_must_have_an_offset() -> None:
    with pytest.raises(ValueError, match="offset"):
        Settings(at=datetime(2026, 5, 1))  # noqa: DTZ001


def test_where_the_mail_lies(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "MAIL": str(tmp_path / "spool")}
    assert mail_roots(Settings(), environ) == ()
    (tmp_path / "Mail").mkdir()
    (tmp_path / "spool").write_text("")
    assert mail_roots(Settings(), environ) == (tmp_path / "Mail", tmp_path / "spool")
    named = Settings(mail=(tmp_path / "elsewhere",))
    assert mail_roots(named, environ) == (tmp_path / "elsewhere",)


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"XDG_STATE_HOME": "/s", "HOME": "/h"}, "/s/mailsec"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/h"}, "/h/.local/state/mailsec"),
        ({"HOME": "/h"}, "/h/.local/state/mailsec"),
    ],
)
def test_where_the_client_remembers_things(environ: dict[str, str], path: str) -> None:
    assert str(state_folder(Settings(), environ)) == path
    assert state_folder(Settings(client=ClientSettings(state=Path("/x"))), environ) == Path("/x")


def test_where_keys_are_kept(tmp_path: Path) -> None:
    assert key_folder(Settings(), {"XDG_STATE_HOME": "/state"}) == Path("/state/mailsec/keys")
    assert key_folder(Settings(keys=Path("/keys")), {}) == Path("/keys")
    (tmp_path / "config.toml").write_text('keys = "kept"\ntokens = ["module.so"]\npin_command = "pass pin"\n')
    settings = load(tmp_path / "config.toml")
    assert (settings.keys, settings.tokens, settings.pin_command) == (
        tmp_path / "kept",
        (tmp_path / "module.so",),
        "pass pin",
    )
