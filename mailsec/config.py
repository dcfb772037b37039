"""The configuration: one TOML file, read strictly.

A key that is not known is an error that names the file, the table and the key, never something passed over: a
misspelt key would otherwise switch a protection off in silence.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from mailsec.errors import ConfigError
from mailsec.hooks.settings import read_table

__all__ = ["ClientSettings", "Settings", "key_folder", "load", "locate", "mail_roots", "state_folder"]

FILE_LIMIT = 1 << 20
"""How many octets a configuration file may have."""


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """The table `[client]`: how the client looks and which keys it obeys.

    Attributes:
        theme: the colours; `plain` has none. The environment's `NO_COLOR` comes before it.
        keys: the preset of keys.
        bindings: single keys that differ from the preset: for each key the name of an action, or `"none"`.
        glyphs: whether the terminal shows more than ASCII; `False` has letters for marks.
        images: whether pictures in a message are shown with its text, once it was checked and has not failed; or when
            they are asked for; or never.
        verify_folders: whether a folder is verified as soon as it is opened, not only the message that is shown; that
            asks DNS for the domains of all its messages.
        harvest: whether the certificates of those whose mail is verified are remembered, to encrypt to them.
        state: the folder of the index and of what else is remembered; `None` for the usual place.
        searches: saved searches by name, listed beneath the folders.
    """

    theme: Literal["dark", "light", "contrast", "plain"] = "dark"
    keys: Literal["mailsec", "mutt", "aerc"] = "mailsec"
    bindings: Mapping[str, str] = field(default_factory=dict)
    glyphs: bool = True
    images: Literal["inline", "ask", "off"] = "inline"
    verify_folders: bool = False
    harvest: bool = True
    state: Path | None = None
    searches: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Keys:
    """The keys at the top level of the file."""

    dns_file: Path | None = None
    at: datetime | None = None
    trust: tuple[Path, ...] = ()
    system_trust: bool = False
    identities: tuple[Path, ...] = ()
    password_command: str | None = None
    keys: Path | None = None
    tokens: tuple[Path, ...] = ()
    pin_command: str | None = None
    timeout: float = 30.0
    authserv_id: str | None = None
    trusted_sealers: frozenset[str] = frozenset()
    nameservers: tuple[str, ...] = ()
    mail: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.timeout <= 86400:
            raise ValueError("timeout should be a number of seconds above 0 and at most a day")
        if self.authserv_id is not None and self.authserv_id.split() != [self.authserv_id]:
            raise ValueError("authserv_id should be one word without white space, such as mx.example.org")
        if self.at is not None:
            if self.at.tzinfo is None:
                raise ValueError("at should have an offset from UTC")
            object.__setattr__(self, "at", self.at.astimezone(UTC))


@dataclass(frozen=True, slots=True)
class _File(_Keys):
    plugins: Mapping[str, Any] = field(default_factory=dict)
    client: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings(_Keys):
    """What the user or the administrator has decided. Every key has a default that is safe.

    In the file each attribute is a key of the same name at the top level, but for four: `plugins` is the tables
    `[plugins.NAME]`, `disabled` is the key of that name in `[plugins]`, `client` is the table `[client]`, and
    `source` is the file itself.

    Attributes:
        dns_file: a master file (RFC 1035 section 5) that answers all DNS questions instead of the network.
        at: the time at which to judge, aware; `None` for the delivery or now.
        trust: PEM files with trust anchors.
        system_trust: whether the system's trust anchors count too; they were chosen for web servers, not for mail.
        identities: files with private keys and their certificates (PEM or PKCS#12).
        password_command: a command that prints the password of the identities and of the kept keys on its first line.
        keys: the folder of the kept keys, trust decisions and correspondents; `None` for none in the library, and on
            the command line for the usual place (see `key_folder`).
        tokens: PKCS#11 modules, through which the private keys of smart cards and other tokens are used.
        pin_command: a command that prints the PIN of the tokens on its first line.
        timeout: seconds that the check of one message may take.
        authserv_id: the name under which our own server writes Authentication-Results (RFC 8601 section 2.5).
        trusted_sealers: domains whose ARC seals may override a DMARC failure.
        nameservers: addresses of the DNS servers to ask; empty for those of the system.
        mail: the Maildirs and mbox files that the client shows, and folders with such in them; see `mail_roots`.
        client: how the client looks and which keys it obeys.
        plugins: for each plugin its table, checked against the plugin's own settings when plugins are loaded.
        disabled: names of plugins that are left out.
        source: the file that this was read from.
    """

    client: ClientSettings = field(default_factory=ClientSettings)
    plugins: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    disabled: frozenset[str] = frozenset()
    source: Path | None = None


def locate(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the configuration lies when no `--config` says so; there need not be a file.

    Args:
        environ: the environment. `MAILSEC_CONFIG` names the file; else `XDG_CONFIG_HOME` names the folder that
            holds `mailsec/config.toml`; else it is `~/.config`.
    """
    if named := environ.get("MAILSEC_CONFIG"):
        return Path(named)
    folder = environ.get("XDG_CONFIG_HOME", "")
    # the XDG base directory specification has relative paths ignored
    base = Path(folder) if folder.startswith("/") else Path(environ.get("HOME", "~")).expanduser() / ".config"
    return base / "mailsec" / "config.toml"


def state_folder(settings: Settings, environ: Mapping[str, str] = os.environ) -> Path:
    """Where the client keeps its index and what else it remembers; the folder need not be there yet.

    Args:
        settings: the settings.
        environ: the environment: `XDG_STATE_HOME`, else `~/.local/state`.
    """
    if settings.client.state is not None:
        return settings.client.state
    folder = environ.get("XDG_STATE_HOME", "")
    base = Path(folder) if folder.startswith("/") else Path(environ.get("HOME", "~")).expanduser() / ".local" / "state"
    return base / "mailsec"


def key_folder(settings: Settings, environ: Mapping[str, str] = os.environ) -> Path:
    """Where keys, trust decisions and correspondents are kept; the folder need not be there yet.

    Args:
        settings: the settings; `keys` names it, else it lies in the state folder.
        environ: the environment, which says where the usual state folder is.
    """
    return settings.keys if settings.keys is not None else state_folder(settings, environ) / "keys"


def mail_roots(settings: Settings, environ: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """The Maildirs, mbox files and folders that hold the user's mail.

    Args:
        settings: the settings; what `mail` names is given whether it is there or not.
        environ: the environment: where nothing is configured, `~/Maildir`, `~/Mail` and the file or Maildir that
            `MAIL` names, as far as they are there.
    """
    if settings.mail:
        return settings.mail
    home = Path(environ.get("HOME", "~")).expanduser()
    usual = [home / "Maildir", home / "Mail"]
    if named := environ.get("MAIL"):
        usual.append(Path(named))
    return tuple(dict.fromkeys(path for path in usual if path.exists()))


def load(path: Path | str | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Reads the configuration.

    Args:
        path: the file; `None` for the usual place, where a missing file means the defaults.
        environ: the environment, which says where the usual place is.

    Raises:
        ConfigError: the file was named and is missing, cannot be read, is no TOML, or holds something unknown or
            unfitting; the sentence names the file, the line or table, and the key.
    """
    named = path is not None or bool(environ.get("MAILSEC_CONFIG"))
    file = Path(path) if path is not None else locate(environ)
    try:
        with file.open("rb") as opened:
            octets = opened.read(FILE_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        if named:
            raise ConfigError(f"{file}: there is no such configuration file") from error
        return Settings()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"{file}: the configuration cannot be read: {why}") from error
    if len(octets) > FILE_LIMIT:
        raise ConfigError(f"{file}: the configuration is longer than {FILE_LIMIT} octets")
    return _settings(_toml(octets, file), file)


def _toml(octets: bytes, file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(octets.decode())
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{file}: line {line} is not UTF-8, so this is no TOML") from error
    except ValueError as error:  # TOMLDecodeError, and a number of more digits than Python reads
        raise ConfigError(f"{file}: this is no TOML: {error}") from error
    except RecursionError as error:
        raise ConfigError(f"{file}: the tables are nested too deeply") from error


def _settings(table: dict[str, Any], file: Path) -> Settings:
    top = read_table(_File, table, str(file), file.parent)
    plugins: dict[str, Mapping[str, Any]] = {}
    disabled: frozenset[str] = frozenset()
    for name, value in top.plugins.items():
        if isinstance(value, dict):
            plugins[name] = value
        elif name != "disabled":
            raise ConfigError(
                f"{file}: [plugins]: {name!r} should be a table, [plugins.{name}], with the plugin's settings"
            )
        elif not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise ConfigError(f"{file}: [plugins]: disabled should be a list, each text: the names of plugins")
        else:
            disabled = frozenset(value)
    client = read_table(ClientSettings, top.client, f"{file}: [client]", file.parent)
    keys = {name: getattr(top, name) for name in _Keys.__dataclass_fields__}
    try:
        return replace(Settings(**keys), client=client, plugins=plugins, disabled=disabled, source=file)
    except ValueError as error:
        raise ConfigError(f"{file}: {error}") from error
