"""Name servers as the configuration and the system name them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from mailsec.errors import ConfigError

__all__ = ["NameServer", "parse_nameserver", "system_nameservers"]

RESOLV_CONF = Path("/etc/resolv.conf")


@dataclass(frozen=True, slots=True)
class NameServer:
    """A recursive name server.

    Attributes:
        address: its IP address.
        port: its port.
        trusted: whether the path to it cannot be tampered with, so that its AD flag is believed
            (RFC 4035 section 4.9.3). It always is for a loopback address.
    """

    address: str
    port: int = 53
    trusted: bool = False

    def __post_init__(self) -> None:
        if ipaddress.ip_address(self.address.partition("%")[0]).is_loopback:
            object.__setattr__(self, "trusted", True)

    def __str__(self) -> str:
        return self.address if self.port == 53 else f"{self.address}@{self.port}"


def parse_nameserver(text: str) -> NameServer:
    """Reads `ADDRESS`, `ADDRESS@PORT` or `[ADDRESS]:PORT`, each with `!` after it for a trusted one.

    Args:
        text: such as `"192.0.2.53"`, `"127.0.0.1@5353"`, `"[2001:db8::53]:5353"` or `"192.0.2.53!"`.

    Raises:
        ConfigError: it is nothing of these.
    """
    rest = text.strip()
    trusted = rest.endswith("!")
    rest = rest.removesuffix("!")
    if rest.startswith("["):
        address, _, port = rest[1:].partition("]")
        port = port.removeprefix(":")
    else:
        address, _, port = rest.partition("@")
    try:
        number = int(port) if port else 53
        if not 0 < number < 65536 or not (port or "53").isascii():
            raise ValueError(port)
        return NameServer(address, number, trusted)
    except ValueError:
        raise ConfigError(
            f"{text!r} is no name server: give an IP address, with a port as 192.0.2.53@5353 if it is not 53"
        ) from None


def system_nameservers(path: Path = RESOLV_CONF) -> tuple[NameServer, ...]:
    """The name servers of the system, at most three as resolv.conf(5) has it.

    `options trust-ad` in the file makes them trusted, as it does for the C library.

    Args:
        path: the file to read; where it is missing or names none, 127.0.0.1 is the server (resolv.conf(5)).
    """
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    words = [line.split() for line in lines if not line.startswith(("#", ";"))]
    trusted = any(word[0] == "options" and "trust-ad" in word for word in words if word)
    servers: list[NameServer] = []
    for word in words:
        if len(word) >= 2 and word[0] == "nameserver":
            try:
                servers.append(NameServer(word[1], 53, trusted))
            except ValueError:
                continue
    return tuple(servers[:3]) or (NameServer("127.0.0.1"),)
